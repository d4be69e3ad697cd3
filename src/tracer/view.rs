//! The log's view of open spans and of decisions. Only built in debug mode and at a tracer's end. Emits nothing.

use crate::event::facts::Outcome;
use crate::event::OpenSpanView;
use crate::span::open::{Field, OpenSpan, Value};
use crate::sys;
use crate::trace::{Decision, Mechanism};
use std::time::Duration;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

/// Returns what was decided about a trace, as events show it.
pub(super) fn outcome(decision: Decision) -> Outcome {
    Outcome { priority: decision.priority(), decision_maker: decision.mechanism().map(Mechanism::number) }
}

/// Makes the log's view of an open span for a list of abandoned spans.
pub(super) fn of_open(span: &OpenSpan, priority: Option<i32>) -> OpenSpanView {
    let owned = |field| text(span.field(field)).to_string();
    let component = span.tags().into_iter().find_map(|(key, value)| match value {
        Value::Text(value) if key == b"component" => Some(text(value).to_string()),
        _ => None,
    });
    let (name, resource) = (owned(Field::Name), owned(Field::Resource));
    OpenSpanView {
        trace_id: u128::from(span.trace_id_high) << 64 | u128::from(span.trace_id_low),
        span_id: span.span_id,
        parent_id: span.parent_id,
        resource: if resource.is_empty() { name.clone() } else { resource },
        name,
        component: component.unwrap_or_default(),
        start_ns: span.start_ns,
        age: Duration::from_nanos((sys::wall_ns() as i64).saturating_sub(span.start_ns).max(0) as u64),
        priority,
    }
}

#[cfg(test)]
mod tests;
