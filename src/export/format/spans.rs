//! What every format sends of a span: its order in the chunk, its own tags, and the tags that its tracer and its trace
//! add.

use crate::export::metadata::Metadata;
use crate::span::open::{LOCAL_ROOT, TOP_LEVEL};
use crate::span::record::{self, Record, HEADER};
use crate::trace::Chunk;

/// The order in which a chunk's spans are sent: the local root first, then by start. Offsets of records.
pub fn order(chunk: &Chunk, out: &mut Vec<u32>) {
    let (bytes, first) = (chunk.records.bytes(), out.len());
    // The bytes are in another core's cache. Reading record after record would wait for each cache line in turn. This loop
    // fetches them together.
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

/// Visits a span's text tags: its own, then what the tracer and, on the first span of a chunk, the trace add. A key
/// that the host has set is not added: no key comes twice.
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

/// Visits a span's numbers in the same way.
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

/// Visits the text tags that the tracer and the trace add to a span.
#[inline(always)]
pub(super) fn each_added_text(
    chunk: &Chunk,
    record: &Record<'_>,
    metadata: &Metadata,
    first: bool,
    visit: &mut dyn FnMut(&[u8], &[u8]),
) {
    if first || !chunk.tags.is_empty() {
        return each_added_with_trace(chunk, record, metadata, first, visit);
    }
    for (key, value) in &metadata.every_span {
        add_text(record, visit, key.as_bytes(), value.as_bytes());
    }
    add_version(record, metadata, visit);
}

/// The same for a span that carries trace tags. A trace tag wins over a tag of the settings.
#[inline(never)]
fn each_added_with_trace(
    chunk: &Chunk,
    record: &Record<'_>,
    metadata: &Metadata,
    first: bool,
    visit: &mut dyn FnMut(&[u8], &[u8]),
) {
    for (key, value) in if first { &metadata.first_span } else { &metadata.every_span } {
        if chunk.tags.get(key.as_bytes()).is_none() {
            add_text(record, visit, key.as_bytes(), value.as_bytes());
        }
    }
    add_version(record, metadata, visit);
    chunk.each_tag(first, &mut |key, value| add_text(record, visit, key, value));
}

#[inline]
fn add_version(record: &Record<'_>, metadata: &Metadata, visit: &mut dyn FnMut(&[u8], &[u8])) {
    if record.service.is_empty() && !metadata.version.is_empty() {
        add_text(record, visit, b"version", metadata.version.as_bytes());
    }
}

#[inline]
fn add_text(record: &Record<'_>, visit: &mut dyn FnMut(&[u8], &[u8]), key: &[u8], value: &[u8]) {
    if !record.has_text(key) {
        visit(key, value);
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
    if first {
        if let Some(priority) = chunk.decision.priority() {
            add(true, b"_sampling_priority_v1", f64::from(priority));
        }
        chunk.decision.each_rate(|key, rate| add(true, key, rate));
        add(true, b"process_id", f64::from(metadata.process_id));
    }
    add(record.flags & TOP_LEVEL != 0, b"_dd.top_level", 1.0);
}
