//! Tests that every reader of records can read a record with a run of an unknown kind.

use super::*;
use crate::event::facts;
use crate::export::format::json_lines::JsonLines;
use crate::export::format::Format;
use crate::export::format::{self, Fit, PayloadFormat, Spans};
use crate::inspect::table::spanwire_debug_root;
use crate::memory::{Buffer, Pool};
use crate::report::image::{Image, Tag};
use crate::report::Memory;
use crate::span::record::tests::append_with_unknown_kind;
use crate::trace::{Chunk, TraceTags};
use crate::tracer::current::state;
use std::fs::File;
use std::os::unix::fs::FileExt;

const TRACE: u64 = 0x7e57_0000_0000_0077;

fn chunk(tracer: u32) -> Chunk {
    let (pool, mut span, mut records) = (Pool::default(), OpenSpan::default(), Buffer::new());
    span.span_id = 5;
    span.set_field(Field::Name, b"checkout").unwrap();
    span.set_text(b"card", b"visa").unwrap();
    span.set_number(b"amount", 42.5).unwrap();
    span.add_blob(b"blob", &[0x80]).unwrap();
    append_with_unknown_kind(&mut records, &pool, &span);
    span.span_id = 6;
    append_with_unknown_kind(&mut records, &pool, &span);
    let mut tags = TraceTags::default();
    tags.set(b"_dd.origin", b"synthetics").unwrap();
    Chunk {
        tracer,
        trace_id_high: 0,
        trace_id_low: TRACE,
        decision: Decision::by_hand(2),
        tags,
        spans: 2,
        complete: true,
        records,
        sequence: 0,
        fate: 0,
        decided_elsewhere: false,
    }
}

/// This process's memory as a debugger reads it.
struct Own(File);

impl Memory for Own {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        self.0.read_exact_at(into, address).is_ok()
    }
}

#[test]
fn a_record_with_an_unknown_kind_is_read_by_encoders_views_and_readers_of_cores() {
    let (state, code) = (state(), [("DD_SERVICE", "kinds"), ("DD_TRACE_AGENT_URL", "http://127.0.0.1:9")]);
    let code = code.map(|(name, value)| (name.to_string(), value.to_string()));
    let tracer = state.tracers.make(state, code.to_vec()).expect("a tracer");
    let (index, slot) = state.tracers.find(tracer).expect("it is there");
    let metadata = state.shared.account(index).metadata().expect("its settings");
    let chunk = chunk(index);

    let mut offsets = Vec::new();
    format::order(&chunk, &mut offsets);
    let spans = Spans { chunk: &chunk, offsets: &offsets, metadata: &metadata };
    let encoded = |format: &mut dyn PayloadFormat| {
        let mut body = Buffer::new();
        format.begin(&mut body, &metadata).expect("memory");
        assert_eq!(format.add(&mut body, &spans, Fit::All, usize::MAX), Ok(2));
        format.finish(&mut body).expect("memory");
        body
    };

    let sent = encoded(&mut *Format::V04.encoder(true));
    let sent = rmpv::decode::read_value(&mut sent.bytes()).expect("MessagePack").to_string();
    for text in [r#""card": "visa""#, r#""amount": 42.5"#, r#""meta_struct": {"blob""#, r#""_dd.origin": "synthetics""#]
    {
        assert_eq!(sent.matches(text).count(), 2, "{text} in {sent}");
    }

    let lines = encoded(&mut JsonLines::default());
    let line = std::str::from_utf8(lines.bytes()).expect("text");
    for text in [r#""card":"visa""#, r#""amount":42.5"#, r#""_dd.origin":"synthetics""#] {
        assert_eq!(line.matches(text).count(), 2, "{text} in {line}");
    }

    let shown = facts::list(chunk.trace_id(), outcome(chunk.decision), chunk.records.bytes(), &metadata.service);
    assert_eq!(shown.len(), 2);
    for span in &shown {
        assert_eq!((&span.tags[..], &span.metrics[..]), (&[("card", "visa")][..], &[("amount", 42.5)][..]));
    }

    let exporter = &state.exporters[slot.exporter.load(std::sync::atomic::Ordering::Relaxed) as usize];
    assert!(exporter.queue.push(chunk, slot.limits()).is_ok());
    let own = Own(File::open("/proc/self/mem").expect("this memory"));
    let image = Image::of(&own, std::ptr::from_ref(&spanwire_debug_root) as u64).ok().flatten().expect("a table");
    let found = image.chunks().find(|chunk| chunk.trace_id == u128::from(TRACE)).expect("the chunk");
    assert_eq!((found.damaged, found.spans.len(), found.decision), (false, 2, Decision::by_hand(2)));
    assert_eq!(found.tags.get(b"_dd.origin"), Some(&b"synthetics"[..]));
    for span in &found.spans {
        let tags = [(b"card".to_vec(), Tag::Text(b"visa".to_vec())), (b"amount".to_vec(), Tag::Number(42.5))];
        assert_eq!((&span.tags[..], span.blobs), (&tags[..], 1));
    }
    exporter.queue.remove(index);
    state.tracers.free(state, tracer).expect("it is ours");
}
