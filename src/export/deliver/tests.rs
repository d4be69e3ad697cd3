//! Panics of the worker, planted by the name of the service.

use super::super::{Account, Chores, Exporter, Profile, Shared};
use super::Load;
use crate::counters::Reason;
use crate::export::chunk::{Chunk, Limits};
use crate::log::Logs;
use crate::memory::Pool;
use crate::recorder::Recorder;
use crate::settings::Settings;
use crate::span::open::OpenSpan;
use crate::span::{clock, record};
use crate::sys;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Duration;

/// Panics for a tracer whose service has this name.
pub(super) fn fault(load: &Load, service: &str) {
    assert!(load.owner.profile.service != service, "planted: {service}");
}

const LIMITS: Limits = Limits { bytes: 1 << 20, chunks: 100, flush_bytes: 1 << 19 };

static TURNED_OFF: AtomicU32 = AtomicU32::new(0);

fn turn_off() {
    TURNED_OFF.fetch_add(1, Relaxed);
}

/// Everything shared, and an exporter to an address where nobody listens.
fn world() -> (&'static Shared, &'static Exporter) {
    clock::begin();
    let recorder = Recorder::new(sys::pid(), 1, clock::scale());
    let chores = Chores { tick: || (), minute: || (), turn_off };
    let shared = Box::leak(Box::new(Shared::new(Logs::recorded_by(recorder), recorder, chores)));
    let exporter: &Exporter = Box::leak(Box::default());
    *exporter.address.lock().unwrap() = Some(settings("").agent);
    exporter.prepare();
    (shared, exporter)
}

fn settings(service: &str) -> Settings {
    let code = [("DD_SERVICE", service), ("DD_TRACE_AGENT_URL", "http://127.0.0.1:1"), ("SPANWIRE_RETRY_FOR_MS", "0")];
    Settings::resolve(
        &code.map(|(name, value)| (name.to_string(), value.to_string())),
        &|_| None,
        &crate::languages::FOR_SETTINGS,
    )
    .0
}

fn tracer(shared: &'static Shared, exporter: &Exporter, index: u32, service: &str) -> &'static Account {
    let (account, profile) = (shared.account(index), Arc::new(Profile::of(&settings(service), 1)));
    account.give_to(profile.clone());
    exporter.queue.attach(index, profile, LIMITS.flush_bytes);
    account
}

/// A chunk of two spans, flushed; whether it is settled.
fn send(shared: &'static Shared, exporter: &'static Exporter, tracer: u32) -> bool {
    let pool = Pool::default();
    let mut records = pool.take(512).unwrap();
    for _ in 0..2 {
        record::append(&mut records, &pool, &OpenSpan::default(), 0, 1).unwrap();
    }
    let (priority, decision, spans, complete) = (1, 0, 2, true);
    let (trace_id_high, trace_id_low, sequence) = (0, 1, 0);
    let chunk = Chunk { tracer, trace_id_high, trace_id_low, priority, decision, spans, complete, records, sequence };
    shared.account(tracer).counters.traces.enqueued.fetch_add(2, Relaxed);
    exporter.queue.push(chunk, LIMITS).unwrap();
    exporter.start(shared);
    exporter.queue.flush(tracer, Duration::from_secs(30))
}

#[test]
fn a_panic_of_the_worker_costs_one_batch_counted_and_after_a_few_tracing_is_off() {
    let (shared, exporter) = world();
    let get = |counter: &AtomicU64| counter.load(Relaxed);
    let dropped = |account: &Account, reason: Reason| get(&account.counters.dropped[reason as usize]);
    let before = tracer(shared, exporter, 0, "panics before");
    let during = tracer(shared, exporter, 1, "panics during");
    let well = tracer(shared, exporter, 2, "well");
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
