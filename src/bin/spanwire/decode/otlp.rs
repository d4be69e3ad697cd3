//! Decodes OTLP, as Protocol Buffers. Attributes that other formats have fields for become these.

use super::{Malformed, Span, Trace};
use spanwire::companion::export::format::varint;
use std::collections::BTreeMap;

const KINDS: [&str; 5] = ["internal", "server", "client", "producer", "consumer"];

/// A field: its number, and its value.
type Field<'a> = (u64, Wire<'a>);

#[derive(Clone, Copy)]
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Decodes the body of a request to `/v1/traces`. The spans of one trace are together.
pub fn payload(body: &[u8]) -> Result<Vec<Trace>, Malformed> {
    let mut traces: BTreeMap<u128, Trace> = BTreeMap::new();
    for resource_spans in messages(body, 1)? {
        let mut shared = Span::default();
        for resource in messages(resource_spans, 1)? {
            for pair in messages(resource, 1)? {
                attribute(&mut shared, pair)?;
            }
        }
        let service = shared.meta.remove("service.name").unwrap_or_default();
        for scope_spans in messages(resource_spans, 2)? {
            for given in messages(scope_spans, 2)? {
                let (id, mut span) = span(given)?;
                span.service = span.meta.remove("service.name").unwrap_or_else(|| service.clone());
                let trace = traces.entry(id).or_default();
                if trace.is_empty() {
                    for (key, value) in &shared.meta {
                        span.meta.entry(key.clone()).or_insert_with(|| value.clone());
                    }
                    if id >> 64 != 0 {
                        span.meta.insert("_dd.p.tid".into(), format!("{:016x}", id >> 64));
                    }
                }
                trace.push(span);
            }
        }
    }
    Ok(traces.into_values().collect())
}

fn span(given: &[u8]) -> Result<(u128, Span), Malformed> {
    let (mut span, mut id, mut end) = (Span::default(), 0, 0);
    for (number, value) in fields(given)? {
        match (number, value) {
            (1, Wire::Bytes(bytes)) => {
                id = u128::from_be_bytes(bytes.try_into().map_err(|_| wrong("a trace id has 16 bytes"))?);
            }
            (2 | 4, Wire::Bytes([])) => {}
            (2 | 4, Wire::Bytes(bytes)) => {
                let id = u64::from_be_bytes(bytes.try_into().map_err(|_| wrong("a span id has 8 bytes"))?);
                *(if number == 2 { &mut span.span_id } else { &mut span.parent_id }) = id;
            }
            (5, Wire::Bytes(name)) => span.name = text(name),
            (6, Wire::Number(kind)) => {
                if let Some(kind) = (kind as usize).checked_sub(1).and_then(|kind| KINDS.get(kind)) {
                    span.meta.insert("span.kind".into(), (*kind).into());
                }
            }
            (7, Wire::Number(start)) => span.start = start as i64,
            (8, Wire::Number(at)) => end = at as i64,
            (9, Wire::Bytes(pair)) => attribute(&mut span, pair)?,
            (15, Wire::Bytes(status)) => {
                span.error = fields(status)?.iter().any(|field| matches!(field, (3, Wire::Number(2))));
            }
            _ => {}
        }
    }
    if id as u64 == 0 || span.span_id == 0 {
        return Err(wrong("a span without ids"));
    }
    (span.trace_id, span.duration) = (id as u64, end.saturating_sub(span.start));
    let mut taken = |key: &str| span.meta.remove(key);
    let (name, resource, kind) = (taken("operation.name"), taken("resource.name"), taken("span.type"));
    let own = std::mem::take(&mut span.name);
    (span.resource, span.name) = (resource.unwrap_or_else(|| own.clone()), name.unwrap_or(own));
    span.kind = kind.unwrap_or_default();
    Ok((id, span))
}

/// Adds a pair of key and value to the tags.
fn attribute(span: &mut Span, pair: &[u8]) -> Result<(), Malformed> {
    let (mut key, mut value) = (String::new(), &[][..]);
    for (number, wire) in fields(pair)? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => key = text(bytes),
            (2, Wire::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    for (number, wire) in fields(value)? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => drop(span.meta.insert(key.clone(), text(bytes))),
            (2, Wire::Number(yes)) => drop(span.metrics.insert(key.clone(), yes as f64)),
            (3, Wire::Number(integer)) => drop(span.metrics.insert(key.clone(), integer as i64 as f64)),
            (4, Wire::Number(bits)) => drop(span.metrics.insert(key.clone(), f64::from_bits(bits))),
            (_, Wire::Bytes(bytes)) => drop(span.meta_struct.insert(key.clone(), bytes.len())),
            _ => {}
        }
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn wrong(what: &str) -> Malformed {
    Malformed { byte: 0, place: String::new(), what: what.into() }
}

/// The messages in this field.
fn messages(bytes: &[u8], wanted: u64) -> Result<Vec<&[u8]>, Malformed> {
    let all = fields(bytes)?.into_iter();
    Ok(all
        .filter_map(|(number, value)| match value {
            Wire::Bytes(bytes) if number == wanted => Some(bytes),
            _ => None,
        })
        .collect())
}

fn fields(mut bytes: &[u8]) -> Result<Vec<Field<'_>>, Malformed> {
    let (whole, mut all) = (bytes.len(), Vec::new());
    while !bytes.is_empty() {
        let at = whole - bytes.len();
        let field = field(&mut bytes);
        all.push(field.ok_or_else(|| Malformed { byte: at, ..wrong("no field of Protocol Buffers") })?);
    }
    Ok(all)
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<Field<'a>> {
    let tag = varint(bytes)?;
    let take = |length: usize, bytes: &mut &'a [u8]| {
        let (taken, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Some(taken)
    };
    let value = match tag & 7 {
        0 => Wire::Number(varint(bytes)?),
        1 => Wire::Number(u64::from_le_bytes(take(8, bytes)?.try_into().ok()?)),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Wire::Bytes(take(length, bytes)?)
        }
        5 => Wire::Number(u32::from_le_bytes(take(4, bytes)?.try_into().ok()?).into()),
        _ => return None,
    };
    Some((tag >> 3, value))
}
