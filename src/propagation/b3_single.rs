//! The style `b3`: all values in one header, `trace-span-flag-parent`, or the flag alone.

use super::b3::{context, put, put_trace_id, sampled};
use super::config::Packed;
use super::found::Found;
use super::headers::{Field, Fields};
use super::style::{Known, Style};
use super::text::split;
use super::writer::Writer;

pub const STYLE: Style =
    Style { names: &["b3", "b3 single header"], headers: &[Field::first("b3")], extract: Some(extract), inject };

/// Longer headers are not read.
const MAX: usize = 128;

fn extract<'a>(fields: Fields<'a>, _: &Packed, _: &Known, place: &mut Found<'a>) -> bool {
    let Some(text) = fields.get(0).filter(|text| text.len() <= MAX) else { return false };
    let (trace_id, rest) = split(text, b'-');
    let found = match rest {
        None => flag(trace_id).map(|priority| Found { priority: Some(priority), ..Found::default() }),
        Some(rest) => {
            let (span_id, rest) = split(rest, b'-');
            context(trace_id, span_id, rest.and_then(|rest| flag(split(rest, b'-').0)))
        }
    };
    put(place, found)
}

fn flag(text: &[u8]) -> Option<i32> {
    match text {
        b"0" => Some(0),
        b"1" => Some(1),
        b"d" => Some(2),
        _ => None,
    }
}

fn inject(writer: &mut Writer<'_, '_>) {
    let out = *writer.out;
    if out.trace_id_low == 0 {
        return;
    }
    put_trace_id(writer);
    let span = writer.hex.span;
    writer.put(b"-").put_fixed(span);
    if let Some(priority) = out.priority {
        writer.put(b"-").put(sampled(priority));
    }
    writer.end(c"b3");
}
