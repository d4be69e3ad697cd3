//! Adds the spans of a chunk to a payload one by one, as long as they fit. For the formats that walk over records.

use super::encoder::{Fit, Spans};
use super::spans::Span;
use crate::memory::{Buffer, Full};
use crate::span::record::Record;

/// What such a format does for each chunk and each span.
pub(super) trait Chunks {
    /// What the format keeps besides the body, at one moment.
    type Mark: Copy;

    /// Begins a chunk of so many spans, or fewer.
    fn begin_chunk(&mut self, body: &mut Buffer, spans: &Spans<'_>) -> Result<(), Full>;

    /// Appends a span. `bytes` begin with its record.
    fn span(&mut self, body: &mut Buffer, span: Span<'_>, bytes: &[u8]) -> Result<(), Full>;

    /// Completes the chunk. `spans` are in it.
    fn end_chunk(&mut self, body: &mut Buffer, spans: usize);

    /// How many bytes the payload has when it is finished now.
    fn size(&self, body: &Buffer) -> usize;

    /// Returns what the format keeps now.
    fn mark(&self) -> Self::Mark;

    /// Forgets what came after a mark.
    fn return_to(&mut self, mark: Self::Mark);
}

/// Adds spans: see [`super::PayloadFormat::add`].
pub(super) fn add(
    format: &mut impl Chunks,
    body: &mut Buffer,
    spans: &Spans<'_>,
    fit: Fit,
    limit: usize,
) -> Result<usize, Full> {
    let (before, mark) = (body.len(), format.mark());
    let added = add_some(format, body, spans, limit);
    match added {
        Ok(added) if added == spans.offsets.len() || (fit == Fit::Some && added > 0) => Ok(added),
        _ => {
            body.truncate(before);
            format.return_to(mark);
            added.map(|_| 0)
        }
    }
}

fn add_some(format: &mut impl Chunks, body: &mut Buffer, spans: &Spans<'_>, limit: usize) -> Result<usize, Full> {
    let Spans { chunk, offsets, metadata } = *spans;
    format.begin_chunk(body, spans)?;
    let mut done = 0;
    for &offset in offsets {
        let (before, mark) = (body.len(), format.mark());
        let bytes = chunk.records.bytes().get(offset as usize..).unwrap_or_default();
        if let Some((record, _)) = Record::read(bytes) {
            format.span(body, Span::of(record, chunk, metadata, done == 0), bytes)?;
        }
        if format.size(body) > limit {
            body.truncate(before);
            format.return_to(mark);
            break;
        }
        done += 1;
    }
    format.end_chunk(body, done);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::super::otlp::Otlp;
    use super::super::read_protobuf;
    use super::super::v05::V05;
    use super::super::v1::V1;
    use super::super::{order, PayloadFormat};
    use super::*;
    use crate::export::metadata::Metadata;
    use crate::memory::Pool;
    use crate::settings::Settings;
    use crate::span::attributes::Scalar;
    use crate::span::links::{Event, Link};
    use crate::span::open::{Field, OpenSpan, LOCAL_ROOT};
    use crate::span::record;
    use crate::trace::{Chunk, Decision, TraceTags};

    fn chunk(first: u64) -> Chunk {
        let (pool, mut records) = (Pool::default(), Buffer::new());
        for span_id in first..first + 5 {
            let mut span = OpenSpan::default();
            (span.span_id, span.parent_id, span.start_ns) = (span_id, span_id - first, span_id as i64);
            span.set_field(Field::Name, format!("work {span_id}").as_bytes()).unwrap();
            for (key, value) in [("env", "mine"), ("span.kind", "server"), ("component", "x"), ("only", "here")] {
                span.set_text(key.as_bytes(), value.as_bytes()).unwrap();
            }
            span.set_text(format!("key {span_id}").as_bytes(), &[b'v'; 300]).unwrap();
            span.set_number(b"n", span_id as f64).unwrap();
            if span_id % 2 == 0 {
                let link = Link { trace_id_low: 1, span_id: 2, ..Link::default() };
                let event = Event { time_ns: 7, name: b"it", ..Event::default() };
                let text = |attributes: &mut crate::span::attributes::Appending<'_>| {
                    attributes.one(b"text", Scalar::Text(b"new here")).unwrap();
                };
                span.add_link(&link, text).unwrap();
                span.add_event(&event, text).unwrap();
                span.add_blob(b"blob", &[0x80]).unwrap();
            }
            record::append(&mut records, &pool, &span, if span_id == first { LOCAL_ROOT } else { 0 }, 5).unwrap();
        }
        let (decision, tags) = (Decision::by_hand(2), TraceTags::default());
        let (trace_id_high, trace_id_low, spans, complete) = (1, first, 5, true);
        let (tracer, sequence, fate, decided_elsewhere) = (0, 0, 0, false);
        Chunk {
            tracer,
            trace_id_high,
            trace_id_low,
            decision,
            decided_elsewhere,
            tags,
            spans,
            complete,
            records,
            sequence,
            fate,
        }
    }

    fn metadata() -> Metadata {
        let code = [("DD_SERVICE", "shop"), ("DD_TAGS", "a:1,b:2")].map(|(name, value)| (name.into(), value.into()));
        Metadata::of(&Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0, 7)
    }

    /// A payload with as much of the second chunk as fits, and the number of its spans.
    fn payload(format: &mut dyn PayloadFormat, metadata: &Metadata, fit: Fit, limit: usize) -> (Vec<u8>, usize) {
        let (one, two, mut body, mut added) = (chunk(10), chunk(20), Buffer::new(), 0);
        format.begin(&mut body, metadata).unwrap();
        for (chunk, fit, limit) in [(&one, Fit::All, usize::MAX), (&two, fit, limit)] {
            let mut offsets = Vec::new();
            order(chunk, &mut offsets);
            added = format.add(&mut body, &Spans { chunk, offsets: &offsets, metadata }, fit, limit).unwrap();
        }
        format.finish(&mut body).unwrap();
        (body.bytes().to_vec(), added)
    }

    #[test]
    fn payloads_hold_as_many_spans_as_fit_and_nothing_of_the_others() {
        let metadata = metadata();
        for format in [&mut V05::default() as &mut dyn PayloadFormat, &mut V1::default(), &mut Otlp::default()] {
            let (whole, added) = payload(format, &metadata, Fit::All, usize::MAX);
            assert_eq!(added, 5);
            let (empty, mut seen) = (payload(format, &metadata, Fit::All, 0).0, [0; 6]);
            for limit in (0..=whole.len()).rev().step_by(7).chain([whole.len()]) {
                let (part, added) = payload(format, &metadata, Fit::Some, limit);
                let is_whole = match format.content_type() {
                    "application/msgpack" => rmpv::decode::read_value(&mut &part[..]).is_ok(),
                    _ => read_protobuf(&part, 0, 1).is_some(),
                };
                assert!(is_whole && (part.len() <= limit || added == 0), "{limit}");
                seen[added] += 1;
                // What did not fit has left nothing, not even a string.
                let all = payload(format, &metadata, Fit::All, limit);
                assert_eq!(all.1, if added == 5 { 5 } else { 0 });
                assert!(added == 5 || all.0 == empty, "{limit}");
            }
            assert!(seen.iter().all(|&times| times > 0), "{seen:?}");
            assert_eq!(payload(format, &metadata, Fit::Some, usize::MAX).0, whole, "the same again");
        }
    }
}
