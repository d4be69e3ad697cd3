//! Flushing and shutting down: bounded, idempotent, and nothing lost without being counted.

use super::ending::{self, Ending};
use super::spans::trace_of;
use super::{facts, overdue, recording, Error, Tracer};
use crate::counters::{Counters, Reason};
use crate::export::queue::NO_PRIORITY;
use crate::export::{Exporter, TRACERS_MAX};
use crate::log::event::{Event, OpenFacts};
use crate::span::table::Refused;
use crate::sys;
use crate::tracer::state::State;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How long a shutdown whose time is over waits for the worker to look up.
const GRACE: Duration = Duration::from_millis(50);
/// Abandoning open spans may take that long, however short the time that was given.
const AT_LEAST: Duration = Duration::from_millis(10);
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
    let (_, tracer) = state.tracers.find(number)?;
    if tracer.closed.load(Relaxed) {
        return Err(Error::Closed);
    }
    ending::run_requests(state);
    if send_all(state, tracer, time) {
        Ok(())
    } else {
        Err(Error::Timeout)
    }
}

fn send_all(state: &'static State, tracer: &Tracer, time: Duration) -> bool {
    let exporter = exporter_of(state, tracer);
    if exporter.queue.is_resolved() {
        return true;
    }
    exporter.start(&state.shared);
    exporter.queue.flush(time)
}

/// Shuts a tracer down within `time`: no new spans, open ones are abandoned, finished ones are sent, and what is left at
/// the end of the time is dropped and counted. A second call does nothing.
pub fn shutdown(state: &'static State, number: u64, time: Duration) -> Result<(), Error> {
    let (index, tracer) = state.tracers.find(number)?;
    let (began, account) = (Instant::now(), state.shared.account(index));
    account.give_up_at.store(sys::monotonic_ns().saturating_add(time.as_nanos() as u64).max(1), Relaxed);
    ending::run_requests(state);
    let first = close(state, index, tracer, time);
    let lost_before = account.counters.dropped[Reason::Shutdown as usize].load(Relaxed);
    if !send_all(state, tracer, time.saturating_sub(began.elapsed())) {
        drop_the_rest(state, index, tracer);
    }
    let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Relaxed);
    let lost_now = get(&account.counters.dropped[Reason::Shutdown as usize]);
    // Its own spans alone: others may go on sending to the same agent.
    let left =
        get(&account.counters.traces.enqueued) > get(&account.counters.resolved) + get(&account.counters.removed);
    let in_time = !left && lost_now == lost_before && !tracer.is_abandoning();
    if first {
        let sent = account.counters.sent.load(Relaxed);
        let spans_lost = account.counters.dropped[Reason::Shutdown as usize].load(Relaxed);
        state.shared.logs.emit(&Event::TracerStopped { sent, spans_lost, timed_out: !in_time });
        state.shared.logs.flush(time.saturating_sub(began.elapsed()).max(GRACE));
    }
    give_back_memory(state);
    // The process may end now, and what it counted is all that a core can tell.
    recording::refresh_all(state);
    if in_time {
        Ok(())
    } else {
        Err(Error::Timeout)
    }
}

/// Abandoning the open spans of a tracer that was shut down: how far that has come.
#[derive(Debug, Default)]
pub struct Abandoning {
    /// The next slot to be looked at.
    next: u32,
    spans: u64,
    /// The first ones, for the log.
    open: Vec<OpenFacts>,
}

/// Lets no span start any more, abandons those that are open, and puts what was finished of their traces into the queue.
/// What takes longer than `time` and a few milliseconds, the worker does. Whether this call was the one that closed the
/// tracer.
pub(super) fn close(state: &'static State, index: u32, tracer: &Tracer, time: Duration) -> bool {
    if tracer.closed.swap(true, Relaxed) {
        return false;
    }
    *tracer.abandoning.lock().unwrap_or_else(PoisonError::into_inner) = Some(Abandoning::default());
    let exporter = exporter_of(state, tracer);
    if !abandon(state, index, tracer, Some(Instant::now() + time + AT_LEAST)) {
        // Without a worker there is nobody else to do it.
        if exporter.start(&state.shared) {
            exporter.queue.nudge();
        } else {
            abandon(state, index, tracer, None);
        }
    }
    true
}

/// Goes on abandoning the spans of all tracers that were shut down. For the worker.
pub(super) fn abandon_more(state: &'static State) {
    for index in 0..TRACERS_MAX as u32 {
        let tracer = state.tracers.at(index);
        if tracer.closed.load(Relaxed) && tracer.is_abandoning() {
            abandon(state, index, tracer, None);
        }
    }
}

/// Abandons open spans until `deadline`. Whether none is left.
fn abandon(state: &'static State, index: u32, tracer: &Tracer, deadline: Option<Instant>) -> bool {
    let mut place = tracer.abandoning.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(work) = &mut *place else { return true };
    for (n, handle) in state.spans.live_from(work.next).enumerate() {
        if n % 256 == 255 && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            work.next = handle.index;
            return false;
        }
        let span = match state.spans.lock_briefly(handle) {
            Ok(span) if span.tracer == index => span,
            // Another call has it: it is abandoned when that call ends.
            Err(Refused::Busy) if state.spans.label(handle, |label| label.tracer()) == Some(index) => {
                work.spans += u64::from(ending::remove(state, handle, Ending::Abandoned).is_ok());
                continue;
            }
            _ => continue,
        };
        if work.open.len() < LISTED_MAX {
            let trace = state.traces.lock_briefly(trace_of(&span));
            work.open.push(facts::of_open(&span, trace.map_or(NO_PRIORITY, |trace| trace.priority)));
        }
        work.spans += u64::from(ending::remove_locked(state, span, Ending::Abandoned).is_ok());
    }
    let Abandoning { spans, mut open, .. } = place.take().unwrap_or_default();
    if spans > 0 {
        open.sort_by_key(|span| span.start_ns);
        if overdue::wanted(state, index) {
            state.shared.logs.emit(&Event::SpansOverdue { spans, open: &open, stopping: true });
        }
        state.shared.logs.emit(&Event::SpansAbandoned { spans, open: &open });
    }
    let exporter = exporter_of(state, tracer);
    if !exporter.queue.is_resolved() {
        exporter.start(&state.shared);
    }
    exporter.queue.detach();
    true
}

/// Frees what is kept for later spans: this tracer's do not come.
fn give_back_memory(state: &'static State) {
    let (deadline, mut seen) = (Instant::now() + AT_LEAST, 0u32);
    state.shared.pool.empty();
    state.spans.clean_free(true, |span| {
        seen += 1;
        span.retire();
        seen % 256 != 0 || Instant::now() < deadline
    });
}

fn drop_the_rest(state: &'static State, index: u32, tracer: &Tracer) {
    let exporter = exporter_of(state, tracer);
    let rest = exporter.queue.remove(index);
    let spans: u64 = rest.iter().map(|chunk| u64::from(chunk.spans)).sum();
    if spans > 0 {
        state.shared.drop_spans(
            index,
            Reason::Shutdown,
            spans,
            rest.len() as u64,
            "the time for shutting down is over",
        );
        Counters::add(&state.shared.account(index).counters.removed, spans);
    }
    // A worker that waits for its next attempt drops what it has in hand at once; one inside a request cannot.
    exporter.queue.nudge();
    exporter.queue.flush(GRACE);
}
