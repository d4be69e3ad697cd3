//! Sends the finished spans of open traces while memory is short. Otherwise traces whose root never finishes, each with
//! fewer finished spans than a partial flush takes, would hold all memory, and no span could be started any more.

use super::deciding;
use super::registry::Tracer;
use super::sending::enqueue_waiting;
use super::state::State;
use crate::export::TRACERS_MAX;
use crate::memory;
use crate::sys;
use std::sync::atomic::Ordering::Relaxed;

/// Minimum time between two requests to a worker.
const GAP_NS: u64 = 10_000_000;

/// Wakes the tracer's worker, so that it makes room soon. For calls that find memory short.
#[cold]
#[inline(never)]
pub(super) fn ask(state: &'static State, tracer: &Tracer) {
    let (now_ns, asked_ns) = (sys::monotonic_ns(), state.relief_asked_ns.load(Relaxed));
    let soon = now_ns.saturating_sub(asked_ns) < GAP_NS;
    if !soon && state.relief_asked_ns.compare_exchange(asked_ns, now_ns, Relaxed, Relaxed).is_ok() {
        let queue = &state.exporters[tracer.exporter.load(Relaxed) as usize % TRACERS_MAX].queue;
        sys::keep_errno(|| queue.nudge());
    }
}

/// Hands finished spans that wait in traces to the queue. Workers call it each time that they wake.
pub(super) fn relieve(state: &'static State) {
    if !memory::is_short() {
        return;
    }
    for handle in state.traces.live() {
        // A call that holds the trace finishes a span of it, or will not take long.
        let Ok(mut trace) = state.traces.try_lock(handle) else { continue };
        if trace.waiting == 0 {
            continue;
        }
        let tracer = state.tracers.at(trace.tracer);
        if deciding::is_decided(state, tracer, &mut trace) {
            enqueue_waiting(state, tracer, &mut trace, (0, sys::wall_ns()));
        }
    }
}
