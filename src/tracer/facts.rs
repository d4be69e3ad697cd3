//! Spans as the debug log shows them, open and finished. Only called in debug mode, and at a tracer's end.

use crate::event::{Event, OpenSpanView, SpanView, Standing};
use crate::export::queue::NO_PRIORITY;
use crate::export::Profile;
use crate::span::open::{Field, OpenSpan, Value, ERROR, LOCAL_ROOT};
use crate::span::record::Record;
use crate::span::table::Handle;
use crate::sys;
use crate::trace::{Decision, Trace};
use crate::tracer::state::State;
use std::time::Duration;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

fn decided(number: i32) -> Option<i32> {
    (number != NO_PRIORITY).then_some(number)
}

/// Logs that the span was started.
#[cold]
#[inline(never)]
pub(super) fn say_started(state: &State, span: &OpenSpan, trace: Handle) {
    let stands = state.traces.lock(trace).map(|trace| (trace.decided(), standing(&trace)));
    if let Ok((decision, standing)) = stands {
        say(state, span, decision, standing, None);
    }
}

/// Logs that the span was finished, with flags and duration.
#[cold]
#[inline(never)]
pub(super) fn say_finished(state: &State, span: &OpenSpan, trace: &Trace, partial_spans: u32, end: (u32, u64)) {
    let standing = Standing { leaves: trace.is_due(partial_spans), ..standing(trace) };
    say(state, span, trace.decided(), standing, Some(end));
}

/// Logs that the span was started, or, with flags and duration, finished.
#[cold]
pub(super) fn say(
    state: &State,
    span: &OpenSpan,
    decision: Decision,
    standing: Standing,
    finished: Option<(u32, u64)>,
) {
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
    let facts = SpanView {
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
        local_root: span.flags & LOCAL_ROOT != 0,
        priority: decided(decision.priority),
        decision_maker: decided(decision.maker),
    };
    let event = if finished.is_some() {
        Event::SpanFinished { span: &facts, standing }
    } else {
        Event::SpanStarted { span: &facts, standing }
    };
    state.shared.logs.emit(&event);
}

/// Where a trace stands after one of its spans was started.
fn standing(trace: &Trace) -> Standing {
    Standing { open: u64::from(trace.open), finished: u64::from(trace.waiting), leaves: false }
}

/// The spans of a chunk, in the order in which they are sent.
pub(super) fn of_chunk<'a>(
    trace_id: u128,
    decision: Decision,
    mut records: &'a [u8],
    profile: Option<&'a Profile>,
) -> Vec<SpanView<'a>> {
    let mut list = Vec::new();
    while let Some((record, after)) = Record::read(records) {
        list.push(of_record(trace_id, decision, &record, profile));
        records = after;
    }
    list.sort_by_key(|span| (!span.local_root, span.start_ns));
    list
}

fn of_record<'a>(
    trace_id: u128,
    decision: Decision,
    record: &Record<'a>,
    profile: Option<&'a Profile>,
) -> SpanView<'a> {
    let (mut tags, mut metrics) = (Vec::new(), Vec::new());
    record.each_text(|key, value| tags.push((text(key), text(value))));
    record.each_number(|key, value| metrics.push((text(key), value)));
    let or = |bytes: &'a [u8], default: &'a str| if bytes.is_empty() { default } else { text(bytes) };
    let name = text(record.name);
    SpanView {
        trace_id,
        span_id: record.span_id,
        parent_id: record.parent_id,
        name,
        service: or(record.service, profile.map_or("", |profile| profile.service.as_str())),
        resource: or(record.resource, name),
        span_type: text(record.span_type),
        start_ns: record.start_ns,
        duration_ns: record.duration_ns as i64,
        error: record.flags & ERROR != 0,
        tags,
        metrics,
        local_root: record.flags & LOCAL_ROOT != 0,
        priority: decided(decision.priority),
        decision_maker: decided(decision.maker),
    }
}

/// An open span, for a list of those that nobody has finished.
pub(super) fn of_open(span: &OpenSpan, priority: i32) -> OpenSpanView {
    let owned = |field| text(span.field(field)).to_string();
    let component = span.tags().find_map(|(key, value)| match value {
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
        priority: decided(priority),
    }
}
