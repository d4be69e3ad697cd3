//! What every format sends of a span: its order in the chunk, its own tags, and the tags that its tracer and its trace
//! add.

use crate::export::metadata::Metadata;
use crate::span::open::{LOCAL_ROOT, TOP_LEVEL};
use crate::span::record::{self, Record, HEADER};
use crate::trace::Chunk;

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

#[inline]
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
        // The trace's own tag wins over one of the settings.
        if chunk.tags.is_empty() || chunk.tags.get(key.as_bytes()).is_none() {
            add(key.as_bytes(), value.as_bytes());
        }
    }
    if record.service.is_empty() && !metadata.version.is_empty() {
        add(b"version", metadata.version.as_bytes());
    }
    if first || !chunk.tags.is_empty() {
        chunk.each_tag(first, &mut add);
    }
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
    if let Some(priority) = chunk.decision.priority() {
        add(first, b"_sampling_priority_v1", f64::from(priority));
    }
    if first {
        chunk.decision.each_rate(|key, rate| add(true, key, rate));
    }
    add(first, b"process_id", f64::from(metadata.process_id));
    add(record.flags & TOP_LEVEL != 0, b"_dd.top_level", 1.0);
}
