//! Reads open spans, finished spans and chunks.

use super::model::{Chunk, Place, Span};
use crate::report::reader::{Reader, View};
use crate::span::open::ERROR;
use crate::span::run::{self, Kind};
use crate::trace::{Decision, TraceTags};

/// The bit of a tag's place that is set if the tag is in the run of numbers.
const IN_NUMBERS: u64 = 1 << 31;

fn join(high: Option<u64>, low: Option<u64>) -> u128 {
    u128::from(high.unwrap_or(0)) << 64 | u128::from(low.unwrap_or(0))
}

/// Returns the used bytes of a buffer.
fn buffer(view: &View<'_>, name: &str) -> Option<Vec<u8>> {
    let buffer = view.one(name)?;
    buffer.first_bytes("bytes", buffer.number("length")?)
}

pub(super) fn open_span(slot: u64, word: u64, view: &View<'_>) -> Span {
    let number = |name| view.number(name).unwrap_or(0);
    let mut span = Span {
        slot,
        span_id: number("span_id"),
        parent_id: number("parent_id"),
        trace_id: join(view.number("trace_id_high"), view.number("trace_id_low")),
        tracer: number("tracer"),
        start_ns: view.signed("start_ns").unwrap_or(0),
        error: number("flags") & u64::from(ERROR) != 0,
        busy: word & 1 != 0,
        ..Span::default()
    };
    let [head, texts, numbers] = ["head", "texts", "numbers"].map(|name| buffer(view, name));
    span.damaged = head.is_none() || texts.is_none() || numbers.is_none();
    let [head, texts, numbers] = [head, texts, numbers].map(Option::unwrap_or_default);
    let pieces = view.several("fields");
    for (text, piece) in span.texts.iter_mut().zip(pieces.iter().flat_map(|pieces| pieces.views())) {
        match slice(&head, piece.number("at"), piece.number("length")) {
            Some(bytes) => *text = bytes.to_vec(),
            None => span.damaged = true,
        }
    }
    let keys = view.several("keys");
    span.damaged |= keys.is_none();
    for key in keys.iter().flat_map(|keys| keys.views()) {
        let place = key.number("place").unwrap_or(u64::MAX);
        let (kind, run) = if place & IN_NUMBERS != 0 { (Kind::Number, &numbers) } else { (Kind::Text, &texts) };
        match run.get((place & !IN_NUMBERS) as usize..).and_then(|run| run::read(kind, run)) {
            Some((item, _)) => span.take(item),
            None => span.damaged = true,
        }
    }
    if keys.is_some_and(|keys| keys.views().next().is_none()) {
        // Without an index, the runs have no gaps.
        for (kind, run) in [(Kind::Text, &texts), (Kind::Number, &numbers)] {
            run::each(kind, run, |item| span.take(item));
        }
    }
    for (kind, name) in [(Kind::Blob, "blobs"), (Kind::Link, "links"), (Kind::Event, "events")] {
        run::each(kind, &buffer(view, name).unwrap_or_default(), |item| span.take(item));
    }
    span
}

fn slice(bytes: &[u8], at: Option<u64>, length: Option<u64>) -> Option<&[u8]> {
    let (at, length) = (at? as usize, length? as usize);
    bytes.get(at..at.checked_add(length)?)
}

pub(super) fn chunk(reader: &Reader<'_>, view: &View<'_>, place: Place, order: Option<&[u32]>) -> Chunk {
    let records = buffer(view, "records").unwrap_or_default();
    let mut chunk = Chunk {
        place,
        tracer: view.number("tracer").unwrap_or(0),
        trace_id: join(view.number("trace_id_high"), view.number("trace_id_low")),
        decision: Decision::of_inspected(|name| view.signed(name), |name| view.number(name)),
        tags: trace_tags(view),
        complete: view.number("complete").unwrap_or(0) != 0,
        bytes: records.len() as u64,
        damaged: false,
        spans: Vec::new(),
        records: Vec::new(),
    };
    let mut at = 0;
    while let Some((span, length)) = finished(reader, records.get(at..).unwrap_or_default(), &chunk) {
        if order.is_none_or(|order| order.binary_search(&(at as u32)).is_ok()) {
            chunk.spans.push(span);
            chunk.records.extend(records.get(at..at + length).map(<[u8]>::to_vec));
        }
        at += length;
    }
    chunk.damaged = at != records.len();
    chunk
}

/// Reads the trace tags of a trace or chunk; none if they cannot be read.
fn trace_tags(view: &View<'_>) -> TraceTags {
    let held = view.several("tags");
    let run = held.as_ref().and_then(|held| held.views().next()).and_then(|held| buffer(&held, "run"));
    TraceTags::of_run(&run.unwrap_or_default()).unwrap_or_default()
}

/// Reads the finished span that `bytes` begins with. Returns it with the length of its record.
fn finished(reader: &Reader<'_>, bytes: &[u8], chunk: &Chunk) -> Option<(Span, usize)> {
    let descriptor = reader.descriptor("record")?;
    let view = View::of(reader, descriptor, bytes)?;
    let number = |name| view.number(name).map(|number| number as usize);
    let record = bytes.get(descriptor.stride()..number("length")?)?;
    let listed = reader.descriptor("run")?;
    let (list, record) = record.split_at_checked(number("run_count")?.checked_mul(listed.stride())?)?;
    let (head, mut runs) = record.split_at_checked(number("head_length")?)?;
    let text = |at, length| slice(head, view.number(at), view.number(length)).map(<[u8]>::to_vec);
    let mut span = Span {
        span_id: view.number("span_id")?,
        parent_id: view.number("parent_id")?,
        trace_id: chunk.trace_id,
        tracer: chunk.tracer,
        start_ns: view.signed("start_ns")?,
        duration_ns: view.number("duration_ns"),
        error: view.number("flags")? & u64::from(ERROR) != 0,
        texts: [
            text("name_at", "name_length")?,
            text("service_at", "service_length")?,
            text("resource_at", "resource_length")?,
            text("type_at", "type_length")?,
        ],
        ..Span::default()
    };
    for word in list.chunks_exact(listed.stride()) {
        let word = View::of(reader, listed, word)?;
        let (run, rest) = runs.split_at_checked(word.number("length")? as usize)?;
        runs = rest;
        let known = Kind::ALL.into_iter().find(|&kind| word.number("kind") == Some(kind as u64));
        known.into_iter().for_each(|kind| run::each(kind, run, |item| span.take(item)));
    }
    Some((span, number("length")?))
}
