//! The style `b3multi`: a header for each value, ids in hexadecimal.

use super::config::Packed;
use super::found::Found;
use super::headers::{Field, Fields};
use super::style::{Known, Style};
use super::text::{hex, Upper};
use super::writer::{Hex, Writer};

pub const STYLE: Style = Style {
    names: &["b3multi"],
    headers: &[
        Field::first("x-b3-traceid"),
        Field::first("x-b3-spanid"),
        Field::first("x-b3-sampled"),
        Field::first("x-b3-flags"),
    ],
    extract: Some(extract),
    inject,
};

fn extract<'a>(fields: Fields<'a>, _: &Packed, _: &Known, place: &mut Found<'a>) -> bool {
    let priority = match (fields.get(3), fields.get(2)) {
        (Some(b"1"), _) => Some(2),
        (_, Some(b"1")) => Some(1),
        (_, Some(b"0")) => Some(0),
        _ => None,
    };
    let context = fields.get(0).zip(fields.get(1)).and_then(|(trace_id, span_id)| context(trace_id, span_id, priority));
    let alone = priority.is_some().then(|| Found { priority, ..Found::default() });
    put(place, context.or(alone))
}

/// Writes what was found to its place. Returns whether there is something.
pub(super) fn put<'a>(place: &mut Found<'a>, found: Option<Found<'a>>) -> bool {
    found.map(|found| *place = found).is_some()
}

/// Reads ids. A trace id has 16 to 32 digits, a span id up to 16.
pub(super) fn context<'a>(trace_id: &[u8], span_id: &[u8], priority: Option<i32>) -> Option<Found<'a>> {
    let (high, low) = trace_id.split_at_checked(trace_id.len().checked_sub(16)?)?;
    let trace_id_high = if high.is_empty() { 0 } else { hex(high, Upper::Taken)? };
    let (trace_id_low, span_id) = (hex(low, Upper::Taken)?, hex(span_id, Upper::Taken)?);
    let found = Found { trace_id_high, trace_id_low, span_id, priority, ..Found::default() };
    (trace_id_low != 0).then_some(found)
}

fn inject(writer: &mut Writer<'_, '_>) {
    let out = *writer.out;
    if out.trace_id_low == 0 {
        return;
    }
    put_trace_id(writer);
    writer.end(c"x-b3-traceid");
    let span = writer.hex.span;
    writer.put(&span).end(c"x-b3-spanid");
    match out.priority {
        None => {}
        // "Debug" implies that the trace is kept.
        Some(2..) => writer.put(b"1").end(c"x-b3-flags"),
        Some(priority) => writer.put(sampled(priority)).end(c"x-b3-sampled"),
    }
}

/// Writes the trace id with as many digits as it needs.
pub(super) fn put_trace_id(writer: &mut Writer<'_, '_>) {
    let out = *writer.out;
    let Hex { high, low, .. } = writer.hex;
    if out.trace_id_high != 0 {
        writer.put(&high);
    }
    writer.put(&low);
}

/// The flag of a priority; `d` is "debug": kept by a user.
pub(super) fn sampled(priority: i32) -> &'static [u8] {
    match priority {
        ..=0 => b"0",
        1 => b"1",
        2.. => b"d",
    }
}
