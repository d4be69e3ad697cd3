//! Flushing and shutting down: bounded, idempotent, and nothing lost without being counted.

use super::ending::{self, Ending};
use super::spans::trace_of;
use super::{facts, overdue, recording, Error, Tracer};
use crate::counters::{Counters, Reason};
use crate::event::{Event, OpenSpanView};
use crate::export::queue::NO_PRIORITY;
use crate::export::{Exporter, TRACERS_MAX};
use crate::span::table::Refused;
use crate::sys;
use crate::tracer::state::State;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{MutexGuard, PoisonError, TryLockError};
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
    if !tracer.enabled.load(Relaxed) || exporter_of(state, tracer).start_asked(&state.shared) {
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
    ending::run_requests(state);
    send_all(state, index, tracer, time)
}

/// [`Error::Limit`] at once where the system gives no thread: there is nothing to wait for.
fn send_all(state: &'static State, index: u32, tracer: &Tracer, time: Duration) -> Result<(), Error> {
    let exporter = exporter_of(state, tracer);
    if exporter.queue.is_resolved(index) {
        return Ok(());
    }
    if !exporter.start_asked(&state.shared) {
        return Err(Error::Limit);
    }
    exporter.queue.flush(index, time).then_some(()).ok_or(Error::Timeout)
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
        // Each is read once: the worker counts meanwhile.
        let all = counters.dropped.each_ref().map(|counter| counter.load(Relaxed));
        let get = |reason: Reason| all[reason as usize];
        let unknown = get(Reason::UnknownFate);
        let undelivered = get(Reason::Shutdown) + get(Reason::Unreachable);
        Losses { dropped: all.iter().sum::<u64>() - unknown, undelivered, unknown }
    }
}

/// Shuts a tracer down within `time`: no new spans, open ones are abandoned, finished ones are sent, and what is left at
/// the end of the time, or when the agent refuses every connection, is dropped and counted. A second call does nothing.
pub fn shutdown(state: &'static State, number: u64, time: Duration) -> Result<(), Error> {
    let (index, tracer) = state.tracers.find(number)?;
    let (began, account) = (Instant::now(), state.shared.account(index));
    let before = Losses::of(&account.counters);
    account.give_up_at.store(sys::monotonic_ns().saturating_add(time.as_nanos() as u64).max(1), Relaxed);
    ending::run_requests(state);
    let first = close(state, index, tracer, time);
    let sent_all = send_all(state, index, tracer, time.saturating_sub(began.elapsed()));
    if let Err(why) = sent_all {
        drop_the_rest(state, index, tracer, why);
    }
    // The worker may end this at any moment from here on.
    let abandoning = tracer.is_abandoning();
    let (after, get) = (Losses::of(&account.counters), |counter: &AtomicU64| counter.load(Relaxed));
    // Its own spans alone: others may go on sending to the same agent. What is in flight after the time for it is over
    // may be with the agent or not.
    let in_flight = get(&account.counters.traces.enqueued)
        .saturating_sub(get(&account.counters.resolved) + get(&account.counters.removed));
    // Fewer than before: another thread has freed the tracer, and its slot is given to a new one.
    let spans_unknown = in_flight + after.unknown.saturating_sub(before.unknown);
    if first {
        let sent = get(&account.counters.sent);
        let spans_lost = after.dropped.saturating_sub(before.dropped);
        state.shared.logs.emit(&Event::TracerStopped { sent, spans_lost, spans_unknown, timed_out: sent_all.is_err() });
        state.shared.logs.flush(time.saturating_sub(began.elapsed()).max(GRACE));
    }
    give_back_memory(state);
    // The process may end now, and what it counted is all that a core can tell.
    recording::refresh_all(state);
    if spans_unknown == 0 && after.undelivered == before.undelivered && !abandoning {
        Ok(())
    } else {
        Err(sent_all.err().unwrap_or(Error::Timeout))
    }
}

/// Abandoning the open spans of a tracer that was shut down: how far that has come.
#[derive(Debug, Default)]
pub struct Abandoning {
    /// The next slot to be looked at.
    next: u32,
    spans: u64,
    /// The first ones, for the log.
    open: Vec<OpenSpanView>,
}

/// Lets no span start any more, abandons those that are open, and puts what was finished of their traces into the queue.
/// What takes longer than `time` and a few milliseconds, the worker does. Whether this call was the one that closed the
/// tracer.
pub(super) fn close(state: &'static State, index: u32, tracer: &Tracer, time: Duration) -> bool {
    if tracer.closed.swap(true, Relaxed) {
        return false;
    }
    let lock = || tracer.abandoning.lock().unwrap_or_else(PoisonError::into_inner);
    *lock() = Some(Abandoning::default());
    let exporter = exporter_of(state, tracer);
    if !abandon(state, index, lock(), Some(Instant::now() + time + AT_LEAST)) {
        // Without a worker there is nobody else to do it.
        if exporter.start(&state.shared) {
            exporter.queue.nudge();
        } else {
            abandon(state, index, lock(), None);
        }
    }
    true
}

/// Goes on abandoning the spans of all tracers that were shut down, but for those of which another thread does so: the
/// agents of other tracers do not wait for it. For the worker.
pub(super) fn abandon_more(state: &'static State) {
    for index in 0..TRACERS_MAX as u32 {
        let tracer = state.tracers.at(index);
        if !tracer.closed.load(Relaxed) {
            continue;
        }
        let place = match tracer.abandoning.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(place)) => place.into_inner(),
            Err(TryLockError::WouldBlock) => continue,
        };
        if place.is_some() {
            abandon(state, index, place, None);
        }
    }
}

/// Abandons open spans until `deadline`. Whether none is left.
fn abandon(
    state: &'static State,
    index: u32,
    mut place: MutexGuard<'_, Option<Abandoning>>,
    deadline: Option<Instant>,
) -> bool {
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
    let exporter = exporter_of(state, state.tracers.at(index));
    if !exporter.queue.is_resolved(index) {
        exporter.start(&state.shared);
    }
    exporter.queue.detach(index);
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

fn drop_the_rest(state: &'static State, index: u32, tracer: &Tracer, why: Error) {
    let exporter = exporter_of(state, tracer);
    let detail = match why {
        Error::Limit => "there is no thread to send them",
        _ => "the time for shutting down is over",
    };
    exporter.drop_waiting(&state.shared, index, Reason::Shutdown, detail);
    // A worker that waits for its next attempt drops what it has in hand at once; one inside a request cannot.
    exporter.queue.nudge();
    exporter.queue.settled_within(index, GRACE);
}
