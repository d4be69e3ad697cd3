//! Links and events of a span as v0.4 has them: as fields of their own, or as JSON text in the tags `_dd.span_links` and
//! `events`, for an agent that does not take the fields.

use super::encoder::{self, correct, put};
use crate::memory::{Buffer, Full};
use crate::span::attributes::{Attributes, Scalar, Value};
use crate::span::encode;
use crate::span::links::{Event, Link, FLAGS_KNOWN};
use crate::span::open::VALUE_MAX;
use crate::span::run::{self, Item, Kind, Run};
use std::fmt::Write;

/// The tag of links.
pub const LINKS_TAG: &[u8] = b"_dd.span_links";
/// The tag of events.
pub const EVENTS_TAG: &[u8] = b"events";

/// Which of them an agent takes as fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Links, as every agent for v0.4 does.
    pub links: bool,
    /// Events: it says `span_events` in `/info`.
    pub events: bool,
}

fn put_text(out: &mut Buffer, text: &[u8]) -> Result<(), Full> {
    encoder::put_text(out, text)
}

/// Appends a map whose head has room for any count, which is known only at the end.
fn put_count(out: &mut Buffer, fill: impl FnOnce(&mut Buffer, &mut u32)) -> Result<(), Full> {
    let (head, mut count) = (out.len(), 0);
    put(out, &encode::map_head(0))?;
    fill(out, &mut count);
    correct(out, head, &encode::map_head(count as usize));
    Ok(())
}

fn put_word(out: &mut Buffer, head: u8, value: u64) -> Result<(), Full> {
    encode::word(out.tail_beyond(9)?, head, value);
    Ok(())
}

/// Appends the field `span_links`.
pub fn put_links(out: &mut Buffer, run: Run<'_>) -> Result<(), Full> {
    put(out, b"\xaaspan_links")?;
    put(out, &encode::array_head(run.count as usize))?;
    let mut result = Ok(());
    run::each(Kind::Link, run.bytes, |item| {
        if let Item::Link(link) = item {
            result = result.and_then(|()| put_link(out, &link));
        }
    });
    result
}

fn put_link(out: &mut Buffer, link: &Link<'_>) -> Result<(), Full> {
    let fields = 4 + u8::from(!link.tracestate.is_empty()) + u8::from(link.flags != 0);
    put(out, &[0x80 | fields])?;
    for (key, value) in [
        (&b"\xa8trace_id"[..], link.trace_id_low),
        (b"\xadtrace_id_high", link.trace_id_high),
        (b"\xa7span_id", link.span_id),
    ] {
        put(out, key)?;
        put_word(out, encode::UNSIGNED, value)?;
    }
    put(out, b"\xaaattributes")?;
    put_count(out, |out, count| {
        link.attributes.each_flat(&mut |key, text| {
            *count += u32::from(put_text(out, key).and_then(|()| put_text(out, text)).is_ok());
        });
    })?;
    if !link.tracestate.is_empty() {
        put(out, b"\xaatracestate")?;
        put_text(out, link.tracestate)?;
    }
    if link.flags != 0 {
        put(out, b"\xa5flags")?;
        put_word(out, encode::UNSIGNED, link.flags.into())?;
    }
    Ok(())
}

/// Appends the field `span_events`.
pub fn put_events(out: &mut Buffer, run: Run<'_>) -> Result<(), Full> {
    put(out, b"\xabspan_events")?;
    put(out, &encode::array_head(run.count as usize))?;
    let mut result = Ok(());
    run::each(Kind::Event, run.bytes, |item| {
        if let Item::Event(event) = item {
            result = result.and_then(|()| put_event(out, &event));
        }
    });
    result
}

fn put_event(out: &mut Buffer, event: &Event<'_>) -> Result<(), Full> {
    put(out, b"\x83\xaetime_unix_nano")?;
    put_word(out, encode::UNSIGNED, event.time_ns)?;
    put(out, b"\xa4name")?;
    put_text(out, event.name)?;
    put(out, b"\xaaattributes")?;
    put_count(out, |out, count| {
        for (key, value) in event.attributes {
            *count += u32::from(put_text(out, key).and_then(|()| put_value(out, value)).is_ok());
        }
    })
}

fn put_value(out: &mut Buffer, value: Value<'_>) -> Result<(), Full> {
    let values = match value {
        Value::One(value) => return put_scalar(out, value),
        Value::Array(values) => values,
    };
    put(out, b"\x82\xa4type\x04\xabarray_value\x81\xa6values")?;
    // Their number is counted again: in a core, it may be wrong.
    let (head, mut count) = (out.len(), 0);
    put(out, &encode::array_head(0))?;
    for value in values {
        put_scalar(out, value)?;
        count += 1;
    }
    correct(out, head, &encode::array_head(count));
    Ok(())
}

/// Appends a value as the map that says its type.
fn put_scalar(out: &mut Buffer, value: Scalar<'_>) -> Result<(), Full> {
    match value {
        Scalar::Text(text) => {
            put(out, b"\x82\xa4type\x00\xacstring_value")?;
            put_text(out, text)
        }
        Scalar::Bool(value) => {
            put(out, b"\x82\xa4type\x01\xaabool_value")?;
            put(out, &[0xc2 | u8::from(value)])
        }
        Scalar::Integer(value) => {
            put(out, b"\x82\xa4type\x02\xa9int_value")?;
            put_word(out, encode::INTEGER, value as u64)
        }
        Scalar::Float(value) => {
            put(out, b"\x82\xa4type\x03\xacdouble_value")?;
            encode::float(out.tail_beyond(encode::FLOAT_SIZE)?, value);
            Ok(())
        }
    }
}

fn json_text(out: &mut String, text: &[u8]) {
    let _ = write!(out, "{}", serde_json::Value::from(String::from_utf8_lossy(text)));
}

fn json_scalar(out: &mut String, value: Scalar<'_>) {
    let _ = match value {
        Scalar::Text(text) => return json_text(out, text),
        Scalar::Bool(value) => write!(out, "{value}"),
        Scalar::Integer(value) => write!(out, "{value}"),
        Scalar::Float(value) => write!(out, "{}", serde_json::Value::from(value)),
    };
}

fn json_attributes(out: &mut String, attributes: Attributes<'_>) {
    for (n, (key, value)) in attributes.enumerate() {
        out.push(if n == 0 { '{' } else { ',' });
        json_text(out, key);
        out.push(':');
        match value {
            Value::One(value) => json_scalar(out, value),
            Value::Array(values) => {
                out.push('[');
                for (n, value) in values.enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    json_scalar(out, value);
                }
                out.push(']');
            }
        }
    }
    out.push('}');
}

fn json_link(out: &mut String, link: &Link<'_>) {
    let (high, low, span) = (link.trace_id_high, link.trace_id_low, link.span_id);
    let _ = write!(out, "{{\"trace_id\":\"{high:016x}{low:016x}\",\"span_id\":\"{span:016x}\"");
    let mut separator = ",\"attributes\":{";
    link.attributes.each_flat(&mut |key, text| {
        out.push_str(std::mem::replace(&mut separator, ","));
        json_text(out, key);
        out.push(':');
        json_text(out, text);
    });
    out.push_str(if separator == "," { "}" } else { "" });
    if !link.tracestate.is_empty() {
        out.push_str(",\"tracestate\":");
        json_text(out, link.tracestate);
    }
    if link.flags != 0 {
        let _ = write!(out, ",\"flags\":{}", link.flags & !FLAGS_KNOWN);
    }
    out.push('}');
}

fn json_event(out: &mut String, event: &Event<'_>) {
    out.push_str("{\"name\":");
    json_text(out, event.name);
    let _ = write!(out, ",\"time_unix_nano\":{}", event.time_ns);
    if { event.attributes }.next().is_some() {
        out.push_str(",\"attributes\":");
        json_attributes(out, event.attributes);
    }
    out.push('}');
}

/// Returns the items of a run of links or events as a JSON array of at most `max` bytes. An item that does not fit is left
/// out; those behind it are not.
pub fn json(run: Run<'_>, max: usize) -> String {
    let Some(kind) = Kind::of(run.kind) else { return "[]".into() };
    let mut out = String::from("[");
    run::each(kind, run.bytes, |item| {
        let before = out.len();
        out.push_str(if before == 1 { "" } else { "," });
        match item {
            Item::Link(link) => json_link(&mut out, &link),
            Item::Event(event) => json_event(&mut out, &event),
            Item::Text(..) | Item::Number(..) | Item::Blob(..) => {}
        }
        if out.len() >= max {
            out.truncate(before);
        }
    });
    out.push(']');
    out
}

/// Visits the tags in which links and events are sent, where `fields` does not have them. The agent would cut a longer
/// text, and JSON that is cut cannot be read.
pub fn each_tag(links: Run<'_>, events: Run<'_>, fields: Fields, visit: &mut dyn FnMut(&[u8], &[u8])) {
    for (key, run, is_field) in [(LINKS_TAG, links, fields.links), (EVENTS_TAG, events, fields.events)] {
        if run.count > 0 && !is_field {
            visit(key, json(run, VALUE_MAX).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::attributes::Scalar;
    use crate::span::open::OpenSpan;

    fn events(count: usize) -> OpenSpan {
        let mut span = OpenSpan::default();
        for n in 0..count {
            let event = Event { time_ns: n as u64, name: b"a \"quoted\" name", ..Event::default() };
            span.add_event(&event, |attributes| attributes.one(b"text", Scalar::Text(&[b'x'; 1000])))
                .unwrap()
                .0
                .unwrap();
        }
        span
    }

    #[test]
    fn an_item_that_does_not_fit_into_a_tag_leaves_the_others_there() {
        let mut span = OpenSpan::default();
        for (name, size) in [(b"first", 10), (b"large", 20_000), (b"third", 10), (b"other", 20_000)] {
            let event = Event { time_ns: 1, name, ..Event::default() };
            let text = vec![b'x'; size];
            span.add_event(&event, |attributes| attributes.one(b"text", Scalar::Text(&text))).unwrap().0.unwrap();
        }
        let [.., run] = span.runs();
        let names = |max: usize| -> Vec<String> {
            let read: serde_json::Value = serde_json::from_str(&json(run, max)).unwrap();
            read.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().into()).collect()
        };
        assert_eq!(names(VALUE_MAX), ["first", "large", "third"]);
        assert_eq!(names(1000), ["first", "third"]);
        assert_eq!(json(run, 10), "[]");
    }

    #[test]
    fn a_tag_has_as_many_items_as_fit_and_is_json() {
        let span = events(100);
        let [.., run] = span.runs();
        for max in [2, 100, 1062, 5_000, VALUE_MAX] {
            let text = json(run, max);
            assert!(text.len() <= max, "{max}");
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            let items = read.as_array().unwrap();
            assert!(items.len() >= max / 1100 && items.len() <= max / 1000, "{} of {max}", items.len());
            assert!(items.iter().enumerate().all(|(n, item)| item["time_unix_nano"] == n));
        }
    }
}
