//! The worker with real tasks, connections and panics. Panics in the delivery are planted by the name of the service.

use super::super::account::Account;
use super::super::exporter::{Asking, Exporter};
use super::super::metadata::Metadata;
use super::super::periodic::{Due, NotRun, Poll, Task, When};
use super::super::queue::Limits;
use super::super::shared::Shared;
use super::super::transport::agent::Agent;
use crate::counters::Reason;
use crate::log::Logs;
use crate::memory::Pool;
use crate::recorder::Recorder;
use crate::settings::Settings;
use crate::span::open::OpenSpan;
use crate::span::{clock, record};
use crate::sys;
use crate::trace::{Chunk, Decision, TraceTags};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LIMITS: Limits = Limits { bytes: 1 << 20, chunks: 100, flush_bytes: 1 << 19 };
/// An address at which no process listens.
const NOWHERE: &str = "http://127.0.0.1:1";
/// How long what must happen may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

static TURNED_OFF: AtomicU32 = AtomicU32::new(0);

fn turn_off() {
    TURNED_OFF.fetch_add(1, Relaxed);
}

/// Everything shared, with these tasks, and an exporter to this address.
fn world(url: &str, tasks: Vec<Task>) -> (&'static Shared, &'static Exporter) {
    clock::begin();
    let recorder = Recorder::new(sys::pid(), 1, clock::scale());
    let shared =
        Box::leak(Box::new(Shared::new(Logs::recorded_by(recorder), recorder, tasks, |_| Vec::new(), turn_off)));
    let exporter: &Exporter = Box::leak(Box::default());
    *exporter.address.lock().unwrap() = Some(settings(url, "").agent);
    exporter.prepare();
    (shared, exporter)
}

fn settings(url: &str, service: &str) -> Settings {
    let code = [("DD_SERVICE", service), ("DD_TRACE_AGENT_URL", url), ("SPANWIRE_RETRY_FOR_MS", "0")];
    Settings::resolve(
        &code.map(|(name, value)| (name.to_string(), value.to_string())),
        &|_| None,
        &crate::languages::FOR_SETTINGS,
    )
    .0
}

fn tracer(shared: &'static Shared, exporter: &Exporter, index: u32, url: &str, service: &str) -> &'static Account {
    let (account, metadata) = (shared.account(index), Arc::new(Metadata::of(&settings(url, service), 1)));
    account.give_to(metadata.clone());
    exporter.queue.attach(index, metadata, LIMITS.flush_bytes);
    account
}

/// Sends a chunk of two spans and flushes. Returns whether it was settled.
fn send(shared: &'static Shared, exporter: &'static Exporter, tracer: u32) -> bool {
    let pool = Pool::default();
    let mut records = pool.take(512).unwrap();
    for _ in 0..2 {
        record::append(&mut records, &pool, &OpenSpan::default(), 0, 1).unwrap();
    }
    let (decision, tags, spans, complete) = (Decision::DEFAULT, TraceTags::default(), 2, true);
    let (trace_id_high, trace_id_low, sequence, decided_elsewhere) = (0, 1, 0, false);
    let chunk = Chunk {
        tracer,
        trace_id_high,
        trace_id_low,
        decision,
        tags,
        spans,
        complete,
        records,
        sequence,
        fate: 0,
        decided_elsewhere,
    };
    shared.account(tracer).counters.traces.enqueued.fetch_add(2, Relaxed);
    exporter.queue.push(chunk, LIMITS).unwrap();
    exporter.start(shared);
    exporter.queue.flush(tracer, Duration::from_secs(30))
}

#[test]
fn a_panic_of_the_worker_costs_one_batch_counted_and_after_a_few_tracing_is_off() {
    let (shared, exporter) = world(NOWHERE, Vec::new());
    let get = |counter: &AtomicU64| counter.load(Relaxed);
    let dropped = |account: &Account, reason: Reason| get(&account.counters.dropped[reason as usize]);
    let before = tracer(shared, exporter, 0, NOWHERE, "panics before");
    let during = tracer(shared, exporter, 1, NOWHERE, "panics during");
    let well = tracer(shared, exporter, 2, NOWHERE, "well");
    assert!(send(shared, exporter, 0) && send(shared, exporter, 1) && send(shared, exporter, 2));
    assert_eq!(dropped(before, Reason::Invalid), 2, "nothing of it was sent");
    assert_eq!(dropped(during, Reason::UnknownFate), 2, "a request was under way");
    assert_eq!(dropped(well, Reason::Unreachable), 2, "delivered as far as that goes");
    for account in [before, during, well] {
        let counters = &account.counters;
        assert_eq!((get(&counters.taken), get(&counters.resolved)), (2, 2), "nothing stays in flight");
    }
    assert_eq!(TURNED_OFF.load(Relaxed), 0);
    (0..3).for_each(|_| assert!(send(shared, exporter, 0)));
    assert_eq!(TURNED_OFF.load(Relaxed), 1);
    assert!(send(shared, exporter, 2), "what comes late is counted");
    assert_eq!((dropped(before, Reason::Invalid), dropped(well, Reason::Invalid)), (8, 2));
    let mut said = 0;
    shared.logs.poll(usize::MAX, &mut |record| said += u32::from(record.text.contains("planted: ")));
    assert_eq!(said, 5);
}

/// Starts an agent that accepts every payload, and answers `/slow` once `answer_slow` is set. Returns its URL.
fn agent(answer_slow: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer_slow = answer_slow.clone();
            std::thread::spawn(move || while answer(&stream, &answer_slow).is_some() {});
        }
    });
    url
}

fn answer(mut stream: &TcpStream, answer_slow: &AtomicBool) -> Option<()> {
    let (mut reader, mut line, mut length) = (BufReader::new(stream), String::new(), 0);
    reader.read_line(&mut line).ok().filter(|&bytes| bytes > 0)?;
    let slow = line.contains("/slow");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if let Some((_, value)) = line.to_ascii_lowercase().split_once("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    if slow {
        wait_for(|| answer_slow.load(Acquire));
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").ok()
}

fn wait_for(done: impl Fn() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !done() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(2));
    }
    done()
}

/// A poll that counts its runs.
#[derive(Default)]
struct Counting {
    begun: AtomicU32,
    done: AtomicU32,
    failed: AtomicU32,
    /// Panics in its first run.
    panics: bool,
}

impl Poll for Counting {
    fn run(&self, agent: &Agent) {
        let first = self.begun.fetch_add(1, AcqRel) == 0;
        assert!(!(self.panics && first), "planted: a poll");
        agent.get("/slow", 100).unwrap();
        self.done.fetch_add(1, AcqRel);
    }

    fn failed(&self, _: NotRun) {
        self.failed.fetch_add(1, AcqRel);
    }
}

#[test]
fn a_poll_that_gets_no_answer_delays_no_traces() {
    let (answers, poll) = (Arc::new(AtomicBool::new(false)), Arc::new(Counting::default()));
    let url = agent(answers.clone());
    let period = Duration::from_millis(1);
    let task = Task::poll("slow", When::Every(period), Some(Duration::from_secs(600)), poll.clone());
    let (shared, exporter) = world(&url, vec![task]);
    let account = tracer(shared, exporter, 0, &url, "shop");
    assert!(send(shared, exporter, 0) && wait_for(|| poll.begun.load(Acquire) == 1));
    for _ in 0..10 {
        assert!(send(shared, exporter, 0));
    }
    assert_eq!((account.counters.sent.load(Relaxed), poll.done.load(Acquire)), (22, 0), "sent while the poll waits");
    answers.store(true, Release);
    assert!(wait_for(|| poll.done.load(Acquire) >= 2), "the poll runs again, and the worker wakes for it");
}

#[test]
fn a_panic_in_a_task_costs_no_batch_and_keeps_no_other_task_from_running() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let (good, bad) = (Arc::new(Counting::default()), Arc::new(Counting { panics: true, ..Counting::default() }));
    let often = When::Every(Duration::from_millis(1));
    let seldom = When::Every(Duration::from_millis(20));
    let tasks = vec![
        Task::local("panics", seldom, || {
            static FIRST: AtomicBool = AtomicBool::new(true);
            assert!(!FIRST.swap(false, Relaxed), "planted: a local task");
        }),
        Task::local("counts", often, || {
            RUNS.fetch_add(1, Relaxed);
        }),
        Task::poll("panics too", seldom, None, bad.clone()),
        Task::poll("asks", often, None, good.clone()),
    ];
    let url = agent(Arc::new(AtomicBool::new(true)));
    let (shared, exporter) = world(&url, tasks);
    let account = tracer(shared, exporter, 0, &url, "shop");
    assert!(send(shared, exporter, 0));
    assert!(wait_for(|| bad.failed.load(Acquire) == 1), "it is told that it panicked");
    let (polls, runs) = (good.done.load(Acquire), RUNS.load(Relaxed));
    assert!(wait_for(|| good.done.load(Acquire) > polls && RUNS.load(Relaxed) > runs), "others go on");
    assert!(send(shared, exporter, 0));
    assert_eq!(
        (account.counters.sent.load(Relaxed), account.counters.dropped[Reason::Invalid as usize].load(Relaxed)),
        (4, 0)
    );
    let mut said = String::new();
    shared.logs.poll(usize::MAX, &mut |record| said += &record.text);
    assert!(said.contains("planted: a local task") && said.contains("planted: a poll"), "{said}");
}

#[test]
fn polls_that_were_asked_for_are_told_that_there_is_no_worker() {
    #[derive(Default)]
    struct Told(AtomicU32);

    impl Poll for Told {
        fn run(&self, _: &Agent) {}

        fn failed(&self, why: NotRun) {
            assert!(matches!(why, NotRun::NoWorker));
            self.0.fetch_add(1, Relaxed);
        }
    }

    let (shared, exporter) = world(NOWHERE, Vec::new());
    let polls = [Arc::new(Told::default()), Arc::new(Told::default())];
    let due = |n: usize| Due { name: "asked", time_out: None, poll: polls[n].clone() };
    // One that waits since a worker ended, and one that finds out that no other can be started.
    assert!(exporter.asked.add(due(0)));
    exporter.failures.store(super::FAILURES_END, Relaxed);
    assert_eq!(exporter.ask(shared, due(1)), Asking::NoWorker);
    assert_eq!(polls.map(|poll| poll.0.load(Relaxed)), [1, 1]);
    assert!(!exporter.asked.any());
}
