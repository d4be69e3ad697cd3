//! What the parts of a span's way cost. `benches/criterion/run` builds and runs this.
//!
//! The library is the shared one of target/stage, so that what is measured is what is delivered: the parts are those that a
//! call of the C interface can separate.

use criterion::{criterion_group, criterion_main, BatchSize, BenchmarkId, Criterion, Throughput};
use spanwire_parts::{agent, discard, finish, inject, set_tags, Pair, Tracer};
use std::hint::black_box;
use std::time::{Duration, Instant};

const TAGS: [(&str, &str); 3] =
    [("component", "rack"), ("http.url", "https://example.com/users/1234567?page=2"), ("span.kind", "server")];
const KEYS: [&str; 10] =
    ["tag.k0", "tag.k1", "tag.k2", "tag.k3", "tag.k4", "tag.k5", "tag.k6", "tag.k7", "tag.k8", "tag.k9"];

fn tracer(url: &str) -> Tracer {
    Tracer::new(&[
        ("DD_SERVICE", "bench-service"),
        ("DD_TRACE_AGENT_URL", url),
        ("SPANWIRE_LOG_SINKS", "none"),
        ("SPANWIRE_FLUSH_INTERVAL_MS", "3600000"),
    ])
}

/// A span that is started and discarded reaches no queue.
fn spans(criterion: &mut Criterion) {
    let tracer = tracer("file:///dev/null");
    let root = tracer.start(0);
    criterion.bench_function("start and discard/root", |bencher| bencher.iter(|| discard(tracer.start(0))));
    criterion.bench_function("start and discard/child", |bencher| bencher.iter(|| discard(tracer.start(root))));
    discard(root);
}

fn tags(criterion: &mut Criterion) {
    let tracer = tracer("file:///dev/null");
    let mut group = criterion.benchmark_group("set tags");
    for count in [1, 3, 10] {
        let tags: Vec<_> = KEYS[..count].iter().map(|key| Pair::new(key, b"a value of 24 characters")).collect();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("new", count), |bencher| {
            bencher.iter_batched(
                || tracer.start(0),
                |span| {
                    set_tags(span, &tags);
                    discard(span);
                },
                BatchSize::SmallInput,
            );
        });
        let span = tracer.start(0);
        group.bench_function(BenchmarkId::new("again", count), |bencher| bencher.iter(|| set_tags(span, &tags)));
        discard(span);
    }
}

/// The check of a text, and its repair, as a share of setting the same tag again.
fn texts(criterion: &mut Criterion) {
    const LENGTH: usize = 4096;
    let tracer = tracer("file:///dev/null");
    let leak = |text: Vec<u8>| -> &'static [u8] { text.leak() };
    let two_bytes = "é".repeat(LENGTH / 2).into_bytes();
    let mut broken = vec![b'v'; LENGTH];
    broken[LENGTH / 2] = 0xff;
    let mut group = criterion.benchmark_group("text of 4096 bytes");
    group.throughput(Throughput::Bytes(LENGTH as u64));
    for (name, text) in [
        ("ASCII", vec![b'v'; LENGTH]),
        ("UTF-8", two_bytes),
        ("one byte to repair", broken),
        ("all bytes to repair", vec![0xff; LENGTH]),
    ] {
        let tag = [Pair::new("text", leak(text))];
        let span = tracer.start(0);
        group.bench_function(name, |bencher| bencher.iter(|| set_tags(span, &tag)));
        discard(span);
    }
}

/// A trace of one span is a chunk: finishing it pushes it into the queue. What the worker does meanwhile is part of the
/// time on a machine with one core.
fn queue(criterion: &mut Criterion) {
    const AT_ONCE: u64 = 1000;
    let tracer = tracer(&agent());
    criterion.bench_function("queue/start, finish and push", |bencher| {
        bencher.iter_custom(|spans| {
            let (mut left, mut spent) = (spans, Duration::ZERO);
            while left > 0 {
                let now = left.min(AT_ONCE);
                let begin = Instant::now();
                for _ in 0..now {
                    finish(tracer.start(0));
                }
                spent += begin.elapsed();
                tracer.flush(); // so that it is never full
                left -= now;
            }
            spent
        });
    });
}

/// From a queue to the Agent: taking chunks out, encoding them as v0.4, sending them over the loopback interface, and the
/// answer. The slope from one span to many is what one span costs.
fn send(criterion: &mut Criterion) {
    let tracer = tracer(&agent());
    let tags = TAGS.map(|(key, value)| Pair::new(key, value.as_bytes()));
    let mut group = criterion.benchmark_group("take, encode v0.4 and send");
    group.sample_size(30);
    for spans in [1u64, 100, 1000, 10_000] {
        group.throughput(Throughput::Elements(spans));
        group.bench_function(BenchmarkId::from_parameter(spans), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    let root = tracer.start(0);
                    for _ in 1..spans.min(900) {
                        let child = tracer.start(root);
                        set_tags(child, &tags);
                        finish(child);
                    }
                    finish(root);
                    for _ in 900..spans {
                        let span = tracer.start(0);
                        set_tags(span, &tags);
                        finish(span);
                    }
                    let begin = Instant::now();
                    tracer.flush();
                    spent += begin.elapsed();
                }
                spent
            });
        });
    }
}

fn propagation(criterion: &mut Criterion) {
    let tracer = tracer("file:///dev/null");
    let headers: Vec<_> = [
        ("x-datadog-trace-id", "11803532876627986230"),
        ("x-datadog-parent-id", "67667974448284343"),
        ("x-datadog-sampling-priority", "1"),
        ("x-datadog-tags", "_dd.p.dm=-1,_dd.p.tid=4bf92f3577b34da6"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "dd=p:00f067aa0ba902b7;s:1;t.dm:-1;t.tid:4bf92f3577b34da6,foo=1"),
    ]
    .map(|(name, value)| Pair::new(name, value.as_bytes()))
    .to_vec();
    let span = tracer.start(0);
    criterion.bench_function("propagation/extract", |bencher| bencher.iter(|| tracer.extract(black_box(&headers))));
    criterion.bench_function("propagation/inject", |bencher| bencher.iter(|| black_box(inject(span))));
    discard(span);
}

criterion_group!(parts, spans, tags, texts, queue, send, propagation);
criterion_main!(parts);
