//! What every format sends of a span: its order in the chunk, its own tags, and the tags that its tracer and its trace
//! add.

use crate::export::metadata::Metadata;
use crate::span::open::{LOCAL_ROOT, TOP_LEVEL};
use crate::span::record::{self, Record, HEADER};
use crate::trace::chunk::{Chunk, NO_PRIORITY};

/// The order in which a chunk's spans are sent: the local root first, then by start. Offsets of records.
pub fn order(chunk: &Chunk, out: &mut Vec<u32>) {
    let (bytes, first) = (chunk.records.bytes(), out.len());
    // The bytes lie in another core's cache. Fetched one record after the other, each waits for the one before; fetched
    // at once, they come together.
    std::hint::black_box(bytes.iter().step_by(64).fold(0, |seen, byte| seen ^ byte));
    let mut at = 0;
    while let Some((length, _, _)) = record::outline(bytes, at) {
        out.push(at as u32);
        at += length.max(HEADER);
    }
    let key = |&at: &u32| record::outline(bytes, at as usize).map(|(_, flags, start)| (flags & LOCAL_ROOT == 0, start));
    out[first..].sort_by_key(key);
}

/// The service and the resource with their defaults: the tracer's service, the span's name.
pub(super) fn service_and_resource<'a>(record: &Record<'a>, metadata: &'a Metadata) -> (&'a [u8], &'a [u8]) {
    let service = if record.service.is_empty() { metadata.service.as_bytes() } else { record.service };
    let resource = if record.resource.is_empty() { record.name } else { record.resource };
    (service, resource)
}

/// Visits a span's text tags: its own, then what the tracer and, on the first span of a chunk, the trace add. What the
/// host set wins: no key comes twice.
pub(super) fn each_text(
    chunk: &Chunk,
    record: &Record<'_>,
    metadata: &Metadata,
    first: bool,
    visit: &mut dyn FnMut(&[u8], &[u8]),
) {
    record.each_text(&mut *visit);
    each_added_text(chunk, record, metadata, first, visit);
}

/// Visits a span's numbers, likewise.
pub(super) fn each_number(
    chunk: &Chunk,
    record: &Record<'_>,
    metadata: &Metadata,
    first: bool,
    visit: &mut dyn FnMut(&[u8], f64),
) {
    record.each_number(&mut *visit);
    each_added_number(chunk, record, metadata, first, visit);
}

pub(super) fn each_added_text(
    chunk: &Chunk,
    record: &Record<'_>,
    metadata: &Metadata,
    first: bool,
    visit: &mut dyn FnMut(&[u8], &[u8]),
) {
    let mut add = |key: &[u8], value: &[u8]| {
        if !record.has_text(key) {
            visit(key, value);
        }
    };
    for (key, value) in if first { &metadata.first_span } else { &metadata.every_span } {
        add(key.as_bytes(), value.as_bytes());
    }
    if record.service.is_empty() && !metadata.version.is_empty() {
        add(b"version", metadata.version.as_bytes());
    }
    if !first {
        return;
    }
    if chunk.decision != NO_PRIORITY && chunk.priority > 0 {
        let (mut text, mechanism) = ([0; 12], chunk.decision.unsigned_abs());
        add(b"_dd.p.dm", decimal_below_zero(&mut text, mechanism));
    }
    if chunk.trace_id_high != 0 {
        let mut hex = [0u8; 16];
        for (n, digit) in hex.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(chunk.trace_id_high >> (60 - 4 * n)) as usize & 15];
        }
        add(b"_dd.p.tid", &hex);
    }
}

/// A minus sign and a number, at the end of `text`.
fn decimal_below_zero(text: &mut [u8; 12], mut number: u32) -> &[u8] {
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text[at - 1] = b'-';
    &text[at - 1..]
}

pub(super) fn each_added_number(
    chunk: &Chunk,
    record: &Record<'_>,
    metadata: &Metadata,
    first: bool,
    visit: &mut dyn FnMut(&[u8], f64),
) {
    let mut add = |wanted: bool, key: &[u8], value: f64| {
        if wanted && !record.has_number(key) {
            visit(key, value);
        }
    };
    add(first && chunk.priority != NO_PRIORITY, b"_sampling_priority_v1", f64::from(chunk.priority));
    add(first, b"process_id", f64::from(metadata.process_id));
    add(record.flags & TOP_LEVEL != 0, b"_dd.top_level", 1.0);
}
