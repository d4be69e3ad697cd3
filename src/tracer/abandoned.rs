//! Finds abandoned spans (`DD_TRACE_DEBUG_ABANDONED_SPANS`). Once a minute, spans that are open for longer than
//! `DD_TRACE_ABANDONED_SPAN_TIMEOUT` are logged; at a tracer's shutdown, all open spans are. The spans themselves are
//! not changed.

use super::deciding::trace_of;
use super::state::State;
use super::view;
use crate::event::{Event, OpenSpanView};
use crate::sys;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Maximum number of spans in one log record; the others are only counted.
const LISTED_MAX: usize = 500;
/// Minimum time between two searches.
const GAP_NS: u64 = 30_000_000_000;

/// Whether the tracer at this index has turned the search on.
pub(super) fn wanted(state: &State, index: u32) -> bool {
    timeout(state, index).is_some()
}

fn timeout(state: &State, index: u32) -> Option<Duration> {
    let metadata = state.shared.account(index).metadata()?;
    metadata.settings.debug_abandoned_spans.then_some(metadata.settings.abandoned_span_timeout)
}

/// Logs the abandoned spans of this process. Workers call it about once a minute.
pub(super) fn look(state: &State) {
    if !(0..crate::export::TRACERS_MAX as u32).any(|index| wanted(state, index)) {
        return;
    }
    // Every worker calls this; one search covers all tracers.
    let (now_ns, looked_ns) = (sys::monotonic_ns(), state.abandoned_looked_ns.load(Relaxed));
    let soon = looked_ns != 0 && now_ns.saturating_sub(looked_ns) < GAP_NS;
    if soon || state.abandoned_looked_ns.compare_exchange(looked_ns, now_ns, Relaxed, Relaxed).is_err() {
        return;
    }
    let (mut spans, mut open, wall_ns) = (0, Vec::<OpenSpanView>::new(), sys::wall_ns() as i64);
    for handle in state.spans.live() {
        // A span that another thread holds right now is in use.
        let Ok(span) = state.spans.lock_briefly(handle) else { continue };
        let Some(timeout) = timeout(state, span.tracer) else { continue };
        let age_ns = wall_ns.saturating_sub(span.start_ns).max(0) as u64;
        if Duration::from_nanos(age_ns) <= timeout {
            continue;
        }
        spans += 1;
        if open.len() < LISTED_MAX {
            let priority = state.traces.lock_briefly(trace_of(&span)).map_or(None, |trace| trace.decision.priority());
            open.push(view::of_open(&span, priority));
        }
    }
    if spans > 0 {
        crate::sort::by_key(&mut open, |span| span.start_ns);
        state.shared.logs.emit(&Event::SpansOverdue { spans, open: &open, stopping: false });
    }
}

#[cfg(test)]
mod tests;
