//! JSON lines, for files: one object for each chunk and line. Spans have the fields of v0.4; ids are texts, so that no
//! reader rounds them.

use super::encoder::{put, Fit, PayloadFormat, Sender, Spans};
use super::linked;
use super::spans::Span;
use crate::export::metadata::Metadata;
use crate::memory::{Buffer, Full};
use crate::span::open::ERROR;
use crate::span::record::Record;
use serde_json::Value;
use std::fmt::Write;

/// What ends a chunk.
const TAIL: &str = "]}\n";

/// See the module.
#[derive(Default)]
pub struct JsonLines {
    /// The span that is being encoded. Kept for the next one.
    text: String,
}

impl PayloadFormat for JsonLines {
    fn begin(&mut self, _: &mut Buffer, _: &Metadata) -> Result<(), Full> {
        Ok(())
    }

    fn add(&mut self, body: &mut Buffer, spans: &Spans<'_>, fit: Fit, limit: usize) -> Result<usize, Full> {
        let before = body.len();
        let added = self.line(body, spans, limit);
        let complete = added == Ok(spans.offsets.len());
        if !complete && (fit == Fit::All || !matches!(added, Ok(1..))) {
            body.truncate(before);
            return added.map(|_| 0);
        }
        added
    }

    fn finish(&mut self, _: &mut Buffer) -> Result<(), Full> {
        // A large span's text is not kept.
        self.text.shrink_to(64 << 10);
        Ok(())
    }

    /// Returns 1: each line is written by itself, so that a failed write loses one chunk only.
    fn chunks_max(&self) -> usize {
        1
    }

    fn path(&self) -> &'static str {
        ""
    }

    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn headers(&self, _: &Sender<'_>, _: &mut dyn FnMut(&'static str, &str)) {}
}

impl JsonLines {
    fn line(&mut self, body: &mut Buffer, spans: &Spans<'_>, limit: usize) -> Result<usize, Full> {
        let records = spans.chunk.records.bytes();
        put(body, format!("{{\"trace_id\":\"{:032x}\",\"spans\":[", spans.chunk.trace_id()).as_bytes())?;
        let mut added = 0;
        for &offset in spans.offsets {
            let before = body.len();
            if let Some((record, _)) = Record::read(&records[offset as usize..]) {
                self.text.clear();
                span(&mut self.text, Span::of(record, spans.chunk, spans.metadata, added == 0));
                if added > 0 {
                    put(body, b",")?;
                }
                put(body, self.text.as_bytes())?;
            }
            if body.len() > limit.saturating_sub(TAIL.len()) {
                body.truncate(before);
                break;
            }
            added += 1;
        }
        put(body, TAIL.as_bytes())?;
        Ok(added)
    }
}

/// Appends a span's object. `first`: it is the first span of its chunk, which carries the trace's tags. Written without
/// serde_json's maps, because those sort fields by name.
fn span(line: &mut String, span: Span<'_>) {
    let record = &span.record;
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes)).to_string();
    let (service, resource) = span.service_and_resource();
    let fields = [("name", record.name), ("service", service), ("resource", resource), ("type", record.span_type)];
    for (n, (key, value)) in fields.into_iter().enumerate() {
        let separator = if n == 0 { '{' } else { ',' };
        let _ = write!(line, "{separator}\"{key}\":{}", text(value));
    }
    let (id, parent, error) = (record.span_id, record.parent_id, record.flags & ERROR);
    let (start, duration) = (record.start_ns, record.duration_ns);
    let _ = write!(line, ",\"span_id\":\"{id}\",\"parent_id\":\"{parent}\",\"start\":{start},\"duration\":{duration}");
    let _ = write!(line, ",\"error\":{error},\"meta\":{{");
    let mut separator = "";
    span.each_text(&mut |key, value| {
        let _ = write!(line, "{separator}{}:{}", text(key), text(value));
        separator = ",";
    });
    line.push_str("},\"metrics\":{");
    separator = "";
    span.each_number(&mut |key, value| {
        let _ = write!(line, "{separator}{}:{}", text(key), Value::from(value));
        separator = ",";
    });
    line.push('}');
    if span.has_more {
        let [_, _, _, links, events] = record.runs();
        for (key, run) in [("span_links", links), ("span_events", events)] {
            if run.count > 0 {
                let _ = write!(line, ",\"{key}\":{}", linked::json(run, usize::MAX));
            }
        }
    }
    line.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Buffer, Pool};
    use crate::settings::Settings;
    use crate::span::open::{Field, OpenSpan};
    use crate::span::record;
    use crate::trace::{Chunk, Decision, TraceTags};

    fn chunk(ids: &[u64]) -> (Chunk, Vec<u32>) {
        let (pool, mut records, mut offsets) = (Pool::default(), Buffer::new(), Vec::new());
        for &span_id in ids {
            let mut given = OpenSpan::default();
            (given.span_id, given.parent_id) = (span_id, 0);
            given.set_field(Field::Name, b"work \"quoted\"").unwrap();
            given.set_text(b"line", b"one\ntwo").unwrap();
            given.set_number(b"n", 0.5).unwrap();
            offsets.push(records.len() as u32);
            record::append(&mut records, &pool, &given, ERROR, 7).unwrap();
        }
        let spans = ids.len() as u32;
        let (tracer, sequence, complete, decided_elsewhere) = (0, 0, true, false);
        let (trace_id_high, trace_id_low) = (1, 2);
        let (decision, tags) = (Decision::DEFAULT, TraceTags::default());
        let chunk = Chunk {
            tracer,
            trace_id_high,
            trace_id_low,
            decision,
            tags,
            spans,
            complete,
            records,
            sequence,
            fate: 0,
            decided_elsewhere,
        };
        (chunk, offsets)
    }

    fn metadata() -> Metadata {
        Metadata::of(
            &Settings::resolve(&[("DD_SERVICE".into(), "shop".into())], &|_| None, &crate::languages::FOR_SETTINGS).0,
            3,
        )
    }

    #[test]
    fn a_line_is_one_json_object_with_what_the_host_said() {
        let ((chunk, offsets), metadata) = (chunk(&[u64::MAX]), metadata());
        let (mut format, mut body) = (JsonLines::default(), Buffer::new());
        let spans = Spans { chunk: &chunk, offsets: &offsets, metadata: &metadata };
        assert_eq!(format.add(&mut body, &spans, Fit::Some, usize::MAX), Ok(1));
        let line = std::str::from_utf8(body.bytes()).unwrap();
        assert!(line.ends_with("]}\n") && line.matches('\n').count() == 1);
        let json: Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["trace_id"], "00000000000000010000000000000002");
        let span = &json["spans"][0];
        assert_eq!((&span["name"], &span["service"]), (&Value::from("work \"quoted\""), &Value::from("shop")));
        assert_eq!((&span["span_id"], &span["error"]), (&Value::from(u64::MAX.to_string()), &Value::from(1)));
        assert_eq!((&span["meta"]["line"], &span["metrics"]["n"]), (&Value::from("one\ntwo"), &Value::from(0.5)));
    }

    #[test]
    fn a_line_holds_as_many_spans_as_fit() {
        let ((chunk, offsets), metadata) = (chunk(&[1, 2, 3]), metadata());
        let (mut format, mut body) = (JsonLines::default(), Buffer::new());
        let spans = Spans { chunk: &chunk, offsets: &offsets, metadata: &metadata };
        assert_eq!(format.add(&mut body, &spans, Fit::All, usize::MAX), Ok(3));
        let whole = body.len();
        body.truncate(0);
        assert_eq!(format.add(&mut body, &spans, Fit::All, whole), Ok(3));
        body.truncate(0);
        assert_eq!(format.add(&mut body, &spans, Fit::All, whole - 1), Ok(0));
        assert!(body.is_empty());
        assert_eq!(format.add(&mut body, &spans, Fit::Some, whole - 1), Ok(2));
        let json: Value = serde_json::from_slice(body.bytes()).unwrap();
        assert_eq!(json["spans"].as_array().unwrap().len(), 2);
        body.truncate(0);
        assert_eq!(format.add(&mut body, &spans, Fit::Some, 10), Ok(0));
        assert!(body.is_empty());
    }
}
