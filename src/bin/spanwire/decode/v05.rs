//! Decodes v0.5: an array of strings, and an array of traces whose spans are arrays of twelve fields.

use super::{Decoder, Malformed, Span, Trace};
use std::collections::BTreeMap;

/// The fields of a span, in order.
const FIELDS: [&str; 12] = [
    "service",
    "name",
    "resource",
    "trace_id",
    "span_id",
    "parent_id",
    "start",
    "duration",
    "error",
    "meta",
    "metrics",
    "type",
];

/// Decodes the body of a request to `/v0.5/traces`.
pub fn payload(body: &[u8]) -> Result<Vec<Trace>, Malformed> {
    let mut decoder = Decoder::new(body);
    if decoder.array("an array of strings and traces")? != 2 {
        return Err(decoder.complain(0, "the payload must have two elements: strings and traces"));
    }
    let mut strings = Vec::new();
    for _ in 0..decoder.array("an array of strings")? {
        strings.push(decoder.text("a string")?);
    }
    let mut traces = Vec::new();
    for index in 0..decoder.array("an array of traces")? {
        decoder.trace = Some(index);
        let mut spans = Vec::new();
        for index in 0..decoder.array("an array of spans")? {
            decoder.span = Some(index);
            spans.push(span(&mut decoder, &strings)?);
        }
        decoder.span = None;
        traces.push(spans);
    }
    decoder.end(traces)
}

fn span<'a>(decoder: &mut Decoder<'a>, strings: &[&'a str]) -> Result<Span, Malformed> {
    let start = decoder.reader.at();
    let fields = decoder.array("a span (an array)")?;
    if fields != FIELDS.len() as u32 {
        return Err(decoder.complain(start, format!("a span must have 12 fields, not {fields}")));
    }
    let mut span = Span::default();
    for field in FIELDS {
        decoder.field = field;
        match field {
            "service" => span.service = string(decoder, strings)?,
            "name" => span.name = string(decoder, strings)?,
            "resource" => span.resource = string(decoder, strings)?,
            "type" => span.kind = string(decoder, strings)?,
            "trace_id" => span.trace_id = decoder.id()?,
            "span_id" => span.span_id = decoder.id()?,
            "parent_id" => span.parent_id = decoder.id()?,
            "start" => span.start = decoder.signed()?,
            "duration" => span.duration = decoder.signed()?,
            "error" => span.error = decoder.signed()? != 0,
            "meta" => span.meta = pairs(decoder, strings, |decoder| string(decoder, strings))?,
            _ => span.metrics = pairs(decoder, strings, Decoder::number)?,
        }
    }
    decoder.field = "";
    if span.trace_id == 0 || span.span_id == 0 {
        return Err(decoder.complain(start, "trace_id and span_id must not be 0"));
    }
    Ok(span)
}

fn string(decoder: &mut Decoder<'_>, strings: &[&str]) -> Result<String, Malformed> {
    let start = decoder.reader.at();
    let number = decoder.unsigned("the number of a string")?;
    let found = usize::try_from(number).ok().and_then(|number| strings.get(number));
    match found {
        Some(text) => decoder.repeat(start, text),
        None => Err(decoder.complain(start, format!("string {number} of {}", strings.len()))),
    }
}

fn pairs<'a, V>(
    decoder: &mut Decoder<'a>,
    strings: &[&'a str],
    value: impl Fn(&mut Decoder<'a>) -> Result<V, Malformed>,
) -> Result<BTreeMap<String, V>, Malformed> {
    let mut pairs = BTreeMap::new();
    for _ in 0..decoder.map("a map")? {
        let start = decoder.reader.at();
        let key = string(decoder, strings)?;
        if pairs.contains_key(&key) {
            return Err(decoder.complain(start, format!("key {key:?} came before in this map")));
        }
        pairs.insert(key, value(decoder)?);
    }
    Ok(pairs)
}
