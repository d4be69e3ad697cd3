//! The drive of benches/throughput.c for tracers in Rust: the same spans, bursts and clocks, and the same line of JSON.
//!
//!     PROGRAM MODE THREADS TRACES RATE HOST:PORT
//!
//! MODE is `trace10` (10 spans with 4 texts, 3 tags and a number each), `span1` (one span without attributes), or `disabled`
//! or `debug` (`trace10` so). TRACES and RATE are those of each thread; RATE is in traces for each second, in bursts every
//! 10 ms, 0 for as many as possible. `benches/peers/run` runs these programs and counts what arrives.

pub mod opentelemetry;

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

pub const SERVICE: &str = "bench-service";
pub const NAMES: [&str; 3] = ["web.request", "app.handler", "db.query"];
pub const RESOURCES: [&str; 3] = ["GET /users/{id}", "UsersController#show", "SELECT name FROM users WHERE id = ?"];
pub const TYPES: [&str; 3] = ["web", "worker", "sql"];
pub const TAGS: [(&str, &str); 3] =
    [("component", "rack"), ("http.url", "https://example.com/users/1234567?page=2"), ("span.kind", "server")];
pub const METRIC: (&str, f64) = ("bench.rows", 42.5);
const WARM: u64 = 200;

#[derive(Clone)]
pub struct Arguments {
    pub trace10: bool,
    pub disabled: bool,
    pub debug: bool,
    pub host: String,
    mode: String,
    threads: u64,
    traces: u64,
    rate: u64,
}

impl Arguments {
    /// Reads the arguments of the program; ends it if they are wrong.
    pub fn read() -> Self {
        let given: Vec<String> = std::env::args().skip(1).collect();
        let [mode, threads, traces, rate, host] = given.as_slice() else {
            eprintln!("usage: MODE THREADS TRACES RATE HOST:PORT");
            std::process::exit(2)
        };
        let number = |text: &String| text.parse().expect("THREADS, TRACES and RATE are numbers");
        Self {
            trace10: mode != "span1",
            disabled: mode == "disabled",
            debug: mode == "debug",
            host: host.clone(),
            mode: mode.clone(),
            threads: number(threads),
            traces: number(traces),
            rate: number(rate),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Spent {
    cpu: u64,
    wall: u64,
}

/// Makes traces with `make` on each thread, then calls `flush`, and prints what that cost.
pub fn drive(peer: &str, arguments: &Arguments, make: impl Fn() + Send + Sync + 'static, flush: impl FnOnce()) {
    let spans_each = if arguments.trace10 { 10 } else { 1 };
    let make = Arc::new(make);
    for _ in 0..WARM {
        make();
    }
    std::thread::sleep(Duration::from_millis(300));
    let barrier = Arc::new(Barrier::new(arguments.threads as usize + 1));
    let threads: Vec<_> = (0..arguments.threads)
        .map(|_| {
            let (make, barrier, arguments) = (make.clone(), barrier.clone(), arguments.clone());
            std::thread::spawn(move || {
                barrier.wait();
                work(&arguments, spans_each, &*make)
            })
        })
        .collect();
    let (cpu, begin) = (clock(libc::CLOCK_PROCESS_CPUTIME_ID), Instant::now());
    barrier.wait();
    let spent: Vec<Spent> = threads.into_iter().map(|thread| thread.join().expect("a thread panicked")).collect();
    let made_in = begin.elapsed();
    drop(make);
    flush();
    let all_in = begin.elapsed();
    let cpu = clock(libc::CLOCK_PROCESS_CPUTIME_ID) - cpu;
    let spans = arguments.threads * arguments.traces * spans_each;
    let each = |sum: u64| sum as f64 / spans as f64;
    println!(
        "{{\"peer\":\"{peer}\",\"mode\":\"{}\",\"threads\":{},\"rate\":{},\"spans\":{spans},\"warm_spans\":{},\
         \"tcpu_ns\":{:.1},\"wall_ns\":{:.1},\"cpu_ns\":{:.1},\"elapsed_ms\":{:.1},\"flush_ms\":{:.1},\"rss_kb\":{}}}",
        arguments.mode,
        arguments.threads,
        arguments.rate,
        WARM * spans_each,
        each(spent.iter().map(|spent| spent.cpu).sum()),
        each(spent.iter().map(|spent| spent.wall).sum()),
        each(cpu),
        made_in.as_secs_f64() * 1e3,
        (all_in - made_in).as_secs_f64() * 1e3,
        peak_kib()
    );
}

fn work(arguments: &Arguments, spans_each: u64, make: &dyn Fn()) -> Spent {
    let mut spent = Spent::default();
    let (begin, mut made, mut tick) = (Instant::now(), 0, 1);
    let chunk = 1000 / spans_each;
    while made < arguments.traces {
        let due = match arguments.rate {
            0 => chunk,
            rate => rate * tick / 100 - made,
        };
        let count = due.min(arguments.traces - made);
        if count > 0 {
            let (cpu, wall) = (clock(libc::CLOCK_THREAD_CPUTIME_ID), Instant::now());
            for _ in 0..count {
                make();
            }
            spent.wall += wall.elapsed().as_nanos() as u64;
            spent.cpu += clock(libc::CLOCK_THREAD_CPUTIME_ID) - cpu;
            made += count;
        }
        if arguments.rate > 0 {
            let next = begin + Duration::from_millis(10) * tick as u32;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            tick += 1;
        }
    }
    spent
}

fn clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer leads to a timespec.
    unsafe { libc::clock_gettime(id, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The highest memory use so far. `ru_maxrss` survives an exec, so it would be at least that of the runner.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
