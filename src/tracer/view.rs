//! The log's view of spans: open, finished, and in a chunk. Only built in debug mode and at a tracer's end. Emits nothing.

use crate::event::{OpenSpanView, SpanView};
use crate::export::Metadata;
use crate::span::open::{Field, OpenSpan, Value, ERROR, LOCAL_ROOT};
use crate::span::record::Record;
use crate::span::run::{self, Item, Kind};
use crate::sys;
use crate::trace::{Decision, Mechanism};
use std::time::Duration;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

/// Makes the log's view of an open span. `finished`: flags and duration of a span that has just ended.
pub(super) fn of_span<'a>(
    span: &'a OpenSpan,
    decision: Decision,
    metadata: Option<&'a Metadata>,
    finished: Option<(u32, u64)>,
) -> SpanView<'a> {
    let name = text(span.field(Field::Name));
    let or = |bytes: &'a [u8], default: &'a str| if bytes.is_empty() { default } else { text(bytes) };
    let (mut tags, mut metrics) = (Vec::new(), Vec::new());
    for (key, value) in span.tags() {
        match value {
            Value::Text(value) => tags.push((text(key), text(value))),
            Value::Number(value) => metrics.push((text(key), value)),
        }
    }
    let (mut links, mut events) = (Vec::new(), Vec::new());
    let [.., of_links, of_events] = span.runs();
    for (kind, run) in [(Kind::Link, of_links), (Kind::Event, of_events)] {
        run::each(kind, run.bytes, |item| match item {
            Item::Link(link) => links.push(link),
            Item::Event(event) => events.push(event),
            Item::Text(..) | Item::Number(..) | Item::Blob(..) => {}
        });
    }
    let (flags, duration_ns) = finished.unwrap_or((span.flags, 0));
    SpanView {
        trace_id: u128::from(span.trace_id_high) << 64 | u128::from(span.trace_id_low),
        span_id: span.span_id,
        parent_id: span.parent_id,
        name,
        service: or(span.field(Field::Service), metadata.map_or("", |metadata| metadata.service.as_str())),
        resource: or(span.field(Field::Resource), name),
        span_type: text(span.field(Field::Type)),
        start_ns: span.start_ns,
        duration_ns: duration_ns as i64,
        error: flags & ERROR != 0,
        tags,
        metrics,
        links,
        events,
        local_root: span.flags & LOCAL_ROOT != 0,
        priority: decision.priority(),
        decision_maker: decision.mechanism().map(Mechanism::number),
    }
}

/// Makes the log's view of a chunk's spans, in the order in which they are sent.
pub(super) fn of_chunk<'a>(
    trace_id: u128,
    decision: Decision,
    mut records: &'a [u8],
    metadata: Option<&'a Metadata>,
) -> Vec<SpanView<'a>> {
    let mut list = Vec::new();
    while let Some((record, after)) = Record::read(records) {
        list.push(of_record(trace_id, decision, &record, metadata));
        records = after;
    }
    crate::sort::by_key(&mut list, |span| (!span.local_root, span.start_ns));
    list
}

fn of_record<'a>(
    trace_id: u128,
    decision: Decision,
    record: &Record<'a>,
    metadata: Option<&'a Metadata>,
) -> SpanView<'a> {
    let (mut tags, mut metrics, mut links, mut events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    record.each(|item| match item {
        Item::Text(key, value) => tags.push((text(key), text(value))),
        Item::Number(key, value) => metrics.push((text(key), value)),
        Item::Link(link) => links.push(link),
        Item::Event(event) => events.push(event),
        Item::Blob(..) => {}
    });
    let or = |bytes: &'a [u8], default: &'a str| if bytes.is_empty() { default } else { text(bytes) };
    let name = text(record.name);
    SpanView {
        trace_id,
        span_id: record.span_id,
        parent_id: record.parent_id,
        name,
        service: or(record.service, metadata.map_or("", |metadata| metadata.service.as_str())),
        resource: or(record.resource, name),
        span_type: text(record.span_type),
        start_ns: record.start_ns,
        duration_ns: record.duration_ns as i64,
        error: record.flags & ERROR != 0,
        tags,
        metrics,
        links,
        events,
        local_root: record.flags & LOCAL_ROOT != 0,
        priority: decision.priority(),
        decision_maker: decision.mechanism().map(Mechanism::number),
    }
}

/// Makes the log's view of an open span for a list of abandoned spans.
pub(super) fn of_open(span: &OpenSpan, priority: Option<i32>) -> OpenSpanView {
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
        priority,
    }
}

#[cfg(test)]
mod tests;
