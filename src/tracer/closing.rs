//! Flushes and shuts down tracers, within the given time. Both are idempotent, and every span that is lost is counted.

use super::deciding::trace_of;
use super::ending::{self, Ending};
use super::error::Error;
use super::registry::{Abandoning, Tracer};
use super::state::State;
use super::{abandoned, recording, remote, view};
use crate::counters::{Counters, Reason};
use crate::event::{DropDetail, Event};
use crate::export::{Exporter, TRACERS_MAX};
use crate::span::table::Refused;
use crate::sys;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long a shutdown whose time is over still waits for the worker.
const GRACE: Duration = Duration::from_millis(50);
/// Minimum time for abandoning open spans, however short the caller's time is.
const AT_LEAST: Duration = Duration::from_millis(10);
/// Maximum number of open spans that the log names at shutdown.
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

/// Sends all chunks of the tracer at this index that are complete now, and waits until they are sent or dropped.
pub(super) fn flush_at(state: &'static State, index: u32, time: Duration) -> Result<(), Error> {
    ending::run_requests(state);
    send_all(state, index, state.tracers.at(index), time)
}

/// Sends all that is queued for a tracer. Returns [`Error::Limit`] at once if the system gives no thread.
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

/// Lost spans of a tracer so far.
#[derive(Clone, Copy)]
struct Losses {
    /// Dropped spans that the agent cannot have.
    dropped: u64,
    /// Of these, spans dropped for another reason than an answer of the agent.
    undelivered: u64,
    /// Spans that were sent, and given up without an answer.
    unknown: u64,
}

impl Losses {
    fn of(counters: &Counters) -> Losses {
        // Each counter is read once, because the worker counts meanwhile.
        let all = counters.dropped.each_ref().map(|counter| counter.load(Relaxed));
        let get = |reason: Reason| all[reason as usize];
        let unknown = get(Reason::UnknownFate);
        let undelivered = get(Reason::Shutdown) + get(Reason::Unreachable);
        Losses { dropped: all.iter().sum::<u64>() - unknown, undelivered, unknown }
    }
}

/// Shuts a tracer down within `time`: starts no more spans, abandons open ones, sends finished ones. Drops and counts
/// what is left when the time is over or the agent refuses every connection. A second call does nothing.
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
    // From here on, the worker may complete the abandoning at any moment.
    let abandoning = tracer.is_abandoning();
    let (after, get) = (Losses::of(&account.counters), |counter: &AtomicU64| counter.load(Relaxed));
    // Only the spans of this tracer; others may still send to the same agent. Spans in flight when the time is over may
    // have reached the agent or not.
    let in_flight = get(&account.counters.traces.enqueued)
        .saturating_sub(get(&account.counters.resolved) + get(&account.counters.removed));
    // The counters can have been reset: another thread may have freed the tracer, and its slot has a new one.
    let spans_unknown = in_flight + after.unknown.saturating_sub(before.unknown);
    if first {
        state.shared.end_losses_of(index);
        let sent = get(&account.counters.sent);
        let spans_lost = after.dropped.saturating_sub(before.dropped);
        state.shared.logs.emit(&Event::TracerStopped { sent, spans_lost, spans_unknown, timed_out: sent_all.is_err() });
        state.shared.logs.flush(time.saturating_sub(began.elapsed()).max(GRACE));
    }
    give_back_memory(state);
    // The process may end now; a core then shows these counters.
    recording::refresh_all(state);
    if spans_unknown == 0 && after.undelivered == before.undelivered && !abandoning {
        Ok(())
    } else {
        Err(sent_all.err().unwrap_or(Error::Timeout))
    }
}

/// Refuses new spans, abandons the open ones, and queues the finished spans of their traces. The worker completes what
/// takes longer than `time` and a few milliseconds. Returns whether this call closed the tracer.
pub(super) fn close(state: &'static State, index: u32, tracer: &Tracer, time: Duration) -> bool {
    if tracer.closed.swap(true, Relaxed) {
        return false;
    }
    let lock = || tracer.abandoning.lock().unwrap_or_else(PoisonError::into_inner);
    *lock() = Some(Abandoning::default());
    remote::tracer_closed(state, index);
    let exporter = exporter_of(state, tracer);
    if !abandon(state, index, lock(), Some(Instant::now() + time + AT_LEAST)) {
        // No worker can complete it.
        if exporter.start(&state.shared) {
            exporter.queue.nudge();
        } else {
            abandon(state, index, lock(), None);
        }
    }
    true
}

/// Continues to abandon the spans of all tracers that were shut down, for the worker. Skips a tracer while another
/// thread is doing so, because the worker must not wait.
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

/// Abandons open spans until `deadline`. Returns whether all are abandoned.
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
            // Another call holds the span; it is abandoned when that call unlocks it.
            Err(Refused::Busy) if state.spans.label(handle, |label| label.tracer()) == Some(index) => {
                work.spans += u64::from(ending::remove(state, handle, Ending::Abandoned).is_ok());
                continue;
            }
            _ => continue,
        };
        if work.open.len() < LISTED_MAX {
            let trace = state.traces.lock_briefly(trace_of(&span));
            work.open.push(view::of_open(&span, trace.map_or(None, |trace| trace.decision.priority())));
        }
        work.spans += u64::from(ending::remove_locked(state, span, Ending::Abandoned).is_ok());
    }
    let Abandoning { spans, mut open, .. } = place.take().unwrap_or_default();
    if spans > 0 {
        crate::sort::by_key(&mut open, |span| span.start_ns);
        if abandoned::wanted(state, index) {
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

/// Frees the memory that is kept for later spans.
fn give_back_memory(state: &'static State) {
    let (deadline, mut seen) = (Instant::now() + AT_LEAST, 0u32);
    state.shared.pool.empty();
    state.spans.clean_free(true, |span| {
        seen += 1;
        span.retire();
        seen % 256 != 0 || Instant::now() < deadline
    });
    state.contexts.give_back(true);
}

fn drop_the_rest(state: &'static State, index: u32, tracer: &Tracer, why: Error) {
    let exporter = exporter_of(state, tracer);
    let detail = match why {
        Error::Limit => DropDetail::NoThread,
        _ => DropDetail::TimeOver,
    };
    exporter.drop_waiting(&state.shared, index, Reason::Shutdown, &detail);
    // A worker that waits for its next attempt drops its batch at once; a worker inside a request cannot.
    exporter.queue.nudge();
    exporter.queue.settled_within(index, GRACE);
}
