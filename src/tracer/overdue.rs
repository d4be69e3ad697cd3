//! The mode that looks for spans which nobody finishes (`DD_TRACE_DEBUG_ABANDONED_SPANS`): once a minute it logs those
//! that are open for longer than `DD_TRACE_ABANDONED_SPAN_TIMEOUT`, and at a tracer's end all that are open. It changes
//! nothing about them.

use super::facts;
use super::spans::trace_of;
use crate::event::{Event, OpenSpanView};
use crate::export::queue::NO_PRIORITY;
use crate::sys;
use crate::tracer::state::{state, State};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Spans that are looked at one by one; the rest is only counted.
const LISTED_MAX: usize = 500;
/// A look that comes sooner after another is left out.
const GAP_NS: u64 = 30_000_000_000;

/// Whether the tracer at this index wants to be told.
pub(super) fn wanted(state: &State, index: u32) -> bool {
    timeout(state, index).is_some()
}

fn timeout(state: &State, index: u32) -> Option<Duration> {
    let profile = state.shared.account(index).profile()?;
    profile.settings.debug_abandoned_spans.then_some(profile.settings.abandoned_span_timeout)
}

/// Logs this process's overdue spans. Called by workers, about once a minute.
pub(super) fn look() {
    let state = state();
    if !(0..crate::export::TRACERS_MAX as u32).any(|index| wanted(state, index)) {
        return;
    }
    // Every worker comes here; one look is for all tracers.
    let (now_ns, looked_ns) = (sys::monotonic_ns(), state.overdue_looked_ns.load(Relaxed));
    let soon = looked_ns != 0 && now_ns.saturating_sub(looked_ns) < GAP_NS;
    if soon || state.overdue_looked_ns.compare_exchange(looked_ns, now_ns, Relaxed, Relaxed).is_err() {
        return;
    }
    let (mut spans, mut open, wall_ns) = (0, Vec::<OpenSpanView>::new(), sys::wall_ns() as i64);
    for handle in state.spans.live() {
        // One that is being worked on right now is hardly forgotten.
        let Ok(span) = state.spans.lock_briefly(handle) else { continue };
        let Some(timeout) = timeout(state, span.tracer) else { continue };
        let age_ns = wall_ns.saturating_sub(span.start_ns).max(0) as u64;
        if Duration::from_nanos(age_ns) <= timeout {
            continue;
        }
        spans += 1;
        if open.len() < LISTED_MAX {
            let priority = state.traces.lock_briefly(trace_of(&span)).map_or(NO_PRIORITY, |trace| trace.priority);
            open.push(facts::of_open(&span, priority));
        }
    }
    if spans > 0 {
        open.sort_by_key(|span| span.start_ns);
        state.shared.logs.emit(&Event::SpansOverdue { spans, open: &open, stopping: false });
    }
}
