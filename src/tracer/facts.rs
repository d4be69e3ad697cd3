//! A span as the debug log shows it. Only called in debug mode.

use crate::log::event::{Event, SpanFacts};
use crate::span::open::{Field, OpenSpan, Value, ERROR};
use crate::tracer::state::State;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

/// Logs that the span was started, or, with flags and duration, finished.
#[cold]
pub(super) fn say(state: &State, span: &OpenSpan, finished: Option<(u32, u64)>) {
    let profile = state.shared.account(span.tracer).profile();
    let or = |bytes, default: &str| if text(bytes).is_empty() { default.to_string() } else { text(bytes).to_string() };
    let name = text(span.field(Field::Name));
    let service = or(span.field(Field::Service), profile.as_ref().map_or("", |profile| &profile.service));
    let resource = or(span.field(Field::Resource), name);
    let (mut tags, mut metrics) = (Vec::new(), Vec::new());
    for (key, value) in span.tags() {
        match value {
            Value::Text(value) => tags.push((text(key), text(value))),
            Value::Number(value) => metrics.push((text(key), value)),
        }
    }
    let (flags, duration_ns) = finished.unwrap_or((span.flags, 0));
    let facts = SpanFacts {
        trace_id: u128::from(span.trace_id_high) << 64 | u128::from(span.trace_id_low),
        span_id: span.span_id,
        parent_id: span.parent_id,
        name,
        service: &service,
        resource: &resource,
        span_type: text(span.field(Field::Type)),
        start_ns: span.start_ns,
        duration_ns: duration_ns as i64,
        error: flags & ERROR != 0,
        tags,
        metrics,
    };
    let event =
        if finished.is_some() { Event::SpanFinished { span: &facts } } else { Event::SpanStarted { span: &facts } };
    state.shared.logs.emit(&event);
}
