//! What became of traces, as this process knows it: the ring of fates, and the traces with open spans.

use super::state::State;
use crate::recorder::Fate;
use std::fmt;

/// What is known of a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Its entry in the ring of fates; `None` if no chunk of it has left, or later traces have its place.
    pub fate: Option<Fate>,
    /// The id of its part with open spans, if there is one.
    pub trace_id: Option<(u64, u64)>,
    /// Spans of it that are open now.
    pub open: u64,
    /// Finished spans that wait for these.
    pub waiting: u64,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = |n: u64| format!("{n} {}", if n == 1 { "span" } else { "spans" });
        if self.open > 0 {
            write!(f, "not complete: {} open", spans(self.open))?;
            if self.waiting > 0 {
                write!(f, ", for which {} finished wait", spans(self.waiting))?;
            }
        }
        match &self.fate {
            Some(fate) if self.open > 0 => write!(f, "; of its first spans: {fate}"),
            Some(fate) => fate.fmt(f),
            None if self.open == 0 => f.write_str(
                "unknown: not among the last 16384 traces of this process; it is older, or this process never had it",
            ),
            None => Ok(()),
        }
    }
}

/// Returns what is known of a trace. `high`: the upper half of its id, unless that is not known. Waits for calls that
/// hold one of the traces with open spans, as `super::stats` does.
pub fn of(state: &'static State, high: Option<u64>, low: u64) -> Known {
    let mut known = Known { fate: state.shared.recorder.fates().of_trace(high, low), ..Known::default() };
    for handle in state.traces.live() {
        let Ok(trace) = state.traces.lock(handle) else { continue };
        if trace.trace_id_low == low && high.is_none_or(|high| trace.trace_id_high == high) {
            known.trace_id = Some((trace.trace_id_high, low));
            known.open += u64::from(trace.open);
            known.waiting += u64::from(trace.waiting);
        }
    }
    known
}

/// Returns what became of the last traces, oldest first.
pub fn recent(state: &State) -> Vec<Fate> {
    state.shared.recorder.fates().snapshot()
}
