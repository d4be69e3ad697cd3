//! Flushing and shutting down: bounded, idempotent, and nothing lost without being counted.

use super::spans::{remove_open, trace_of};
use super::{facts, overdue, recording, Error, Tracer};
use crate::counters::{Counters, Reason};
use crate::export::queue::NO_PRIORITY;
use crate::export::{Exporter, TRACERS_MAX};
use crate::log::event::Event;
use crate::sys;
use crate::tracer::state::State;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long a shutdown whose time is over waits for the worker to look up.
const GRACE: Duration = Duration::from_millis(50);
/// Open spans that the log names at the end.
const LISTED_MAX: usize = 100;

fn exporter_of(state: &'static State, tracer: &Tracer) -> &'static Exporter {
    &state.exporters[tracer.exporter.load(Relaxed) as usize % TRACERS_MAX]
}

/// Starts the worker's thread now instead of with the first span.
pub fn start(state: &'static State, number: u64) -> Result<(), Error> {
    let (_, tracer) = state.tracers.find(number)?;
    if tracer.closed.load(Relaxed) {
        return Err(Error::Closed);
    }
    if !tracer.enabled.load(Relaxed) || exporter_of(state, tracer).start(&state.shared) {
        return Ok(());
    }
    Err(Error::Limit)
}

/// Sends all chunks that are complete now, and waits until they are sent or dropped.
pub fn flush(state: &'static State, number: u64, time: Duration) -> Result<(), Error> {
    let (index, tracer) = state.tracers.find(number)?;
    if tracer.closed.load(Relaxed) {
        return Err(Error::Closed);
    }
    if send_all(state, index, tracer, time) {
        Ok(())
    } else {
        Err(Error::Timeout)
    }
}

fn send_all(state: &'static State, index: u32, tracer: &Tracer, time: Duration) -> bool {
    let exporter = exporter_of(state, tracer);
    if exporter.queue.is_resolved(index) {
        return true;
    }
    exporter.start(&state.shared);
    exporter.queue.flush(index, time)
}

/// What a tracer has lost so far.
#[derive(Clone, Copy)]
struct Losses {
    /// Dropped spans that cannot be with the agent.
    dropped: u64,
    /// Of these, what no answer of the agent is the reason for.
    undelivered: u64,
    /// Spans that were sent and given up without an answer.
    unknown: u64,
}

impl Losses {
    fn of(counters: &Counters) -> Losses {
        let get = |reason: Reason| counters.dropped[reason as usize].load(Relaxed);
        let all: u64 = counters.dropped.iter().map(|counter| counter.load(Relaxed)).sum();
        let unknown = get(Reason::UnknownFate);
        let undelivered = get(Reason::Shutdown) + get(Reason::Unreachable);
        Losses { dropped: all - unknown, undelivered, unknown }
    }
}

/// Shuts a tracer down within `time`: no new spans, open ones are abandoned, finished ones are sent, and what is left at
/// the end of the time, or when the agent refuses every connection, is dropped and counted. A second call does nothing.
pub fn shutdown(state: &'static State, number: u64, time: Duration) -> Result<(), Error> {
    let (index, tracer) = state.tracers.find(number)?;
    let (began, account) = (Instant::now(), state.shared.account(index));
    let before = Losses::of(&account.counters);
    account.give_up_at.store(sys::monotonic_ns().saturating_add(time.as_nanos() as u64).max(1), Relaxed);
    let first = close(state, index, tracer);
    let timed_out = !send_all(state, index, tracer, time);
    if timed_out {
        drop_the_rest(state, index, tracer);
    }
    let (after, get) = (Losses::of(&account.counters), |counter: &AtomicU64| counter.load(Relaxed));
    // Its own spans alone: others may go on sending to the same agent. What is in flight after the time for it is over
    // may be with the agent or not.
    let in_flight = get(&account.counters.traces.enqueued)
        .saturating_sub(get(&account.counters.resolved) + get(&account.counters.removed));
    let spans_unknown = in_flight + after.unknown - before.unknown;
    if first {
        let sent = get(&account.counters.sent);
        let spans_lost = after.dropped - before.dropped;
        state.shared.logs.emit(&Event::TracerStopped { sent, spans_lost, spans_unknown, timed_out });
        state.shared.logs.flush(time.saturating_sub(began.elapsed()).max(GRACE));
    }
    // The process may end now, and what it counted is all that a core can tell.
    recording::refresh_all(state);
    if spans_unknown == 0 && after.undelivered == before.undelivered {
        Ok(())
    } else {
        Err(Error::Timeout)
    }
}

/// Lets no span start any more, abandons those that are open, and puts what was finished of their traces into the queue.
/// Whether this call was the one that closed the tracer.
pub(super) fn close(state: &'static State, index: u32, tracer: &Tracer) -> bool {
    if tracer.closed.swap(true, Relaxed) {
        return false;
    }
    let (mut abandoned, mut open) = (0, Vec::new());
    for handle in state.spans.live() {
        let Ok(span) = state.spans.lock(handle) else { continue };
        if span.tracer != index {
            continue;
        }
        if open.len() < LISTED_MAX {
            let trace = state.traces.lock(trace_of(&span));
            open.push(facts::of_open(&span, trace.map_or(NO_PRIORITY, |trace| trace.priority)));
        }
        abandoned += u64::from(remove_open(state, span, |counters| &counters.abandoned).is_ok());
    }
    if abandoned > 0 {
        open.sort_by_key(|span| span.start_ns);
        if overdue::wanted(state, index) {
            let event = Event::SpansOverdue { spans: abandoned, open: &open, stopping: true };
            state.shared.logs.emit(&event);
        }
        state.shared.logs.emit(&Event::SpansAbandoned { spans: abandoned, open: &open });
    }
    let exporter = exporter_of(state, tracer);
    if !exporter.queue.is_resolved(index) {
        exporter.start(&state.shared);
    }
    exporter.queue.detach(index);
    true
}

fn drop_the_rest(state: &'static State, index: u32, tracer: &Tracer) {
    let exporter = exporter_of(state, tracer);
    exporter.drop_waiting(&state.shared, index, Reason::Shutdown, "the time for shutting down is over");
    // A worker that waits for its next attempt drops what it has in hand at once; one inside a request cannot.
    exporter.queue.nudge();
    exporter.queue.settled_within(index, GRACE);
}
