//! Statistics of a tracer at one moment. Locks every live trace in turn, so it is for reports, not for every request.

use super::ending;
use super::error::Error;
use super::state::State;
use crate::counters::REASONS;
use crate::memory;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The counters of a tracer. `crate::counters` has the identity between them; it holds exactly while no call is under
/// way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Spans started.
    pub started: u64,
    /// Spans finished.
    pub finished: u64,
    /// Spans open now.
    pub open: u64,
    /// Spans that were open at shutdown.
    pub abandoned: u64,
    /// Spans that the host discarded.
    pub discarded: u64,
    /// Finished spans whose trace is not complete.
    pub waiting: u64,
    /// Finished spans in the queue.
    pub queued: u64,
    /// Finished spans that the worker is sending.
    pub in_flight: u64,
    /// Finished spans that the agent has acknowledged.
    pub sent: u64,
    /// Finished spans dropped, by reason.
    pub dropped: [u64; REASONS],
    /// Spans that could not be started.
    pub refused_starts: u64,
    /// Payloads acknowledged.
    pub payloads_sent: u64,
    /// Attempts of unknown fate.
    pub payloads_unknown: u64,
    /// Attempts that failed or were refused.
    pub attempts_failed: u64,
    /// Bytes acknowledged.
    pub bytes_sent: u64,
    /// Texts repaired.
    pub texts_repaired: u64,
    /// Texts cut.
    pub texts_cut: u64,
    /// Tags dropped.
    pub tags_dropped: u64,
    /// Unknown parents.
    pub parents_unknown: u64,
    /// Bytes that all spans of the process occupy.
    pub memory_used: u64,
    /// The bound on that.
    pub memory_max: u64,
}

/// Collects the statistics of a tracer.
pub fn of(state: &'static State, number: u64) -> Result<Stats, Error> {
    let (index, _) = state.tracers.find(number)?;
    Ok(of_index(state, index))
}

/// Collects the statistics of the tracer at this index.
pub(super) fn of_index(state: &'static State, index: u32) -> Stats {
    ending::run_requests(state);
    let counters = &state.shared.account(index).counters;
    let get = |counter: &AtomicU64| counter.load(Relaxed);
    let (mut started, mut open, mut waiting) = (0, 0, 0);
    for handle in state.traces.live() {
        let Ok(trace) = state.traces.lock(handle) else { continue };
        if trace.tracer == index {
            started += trace.started;
            open += u64::from(trace.open);
            waiting += u64::from(trace.waiting);
        }
    }
    let (resolved, taken, removed) = (get(&counters.resolved), get(&counters.taken), get(&counters.removed));
    Stats {
        started: get(&counters.traces.started) + started,
        finished: get(&counters.traces.finished) + waiting,
        open,
        abandoned: get(&counters.abandoned),
        discarded: get(&counters.discarded),
        waiting,
        queued: get(&counters.traces.enqueued).saturating_sub(taken + removed),
        in_flight: taken.saturating_sub(resolved),
        sent: get(&counters.sent),
        dropped: std::array::from_fn(|reason| get(&counters.dropped[reason])),
        refused_starts: get(&counters.refused_starts),
        payloads_sent: get(&counters.payloads_sent),
        payloads_unknown: get(&counters.payloads_unknown),
        attempts_failed: get(&counters.attempts_failed),
        bytes_sent: get(&counters.bytes_sent),
        texts_repaired: get(&counters.texts_repaired),
        texts_cut: get(&counters.texts_cut),
        tags_dropped: get(&counters.tags_dropped),
        parents_unknown: get(&counters.parents_unknown),
        memory_used: memory::used() as u64,
        memory_max: memory::max() as u64,
    }
}
