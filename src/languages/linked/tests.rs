//! Tests of links and events in the lines of all dialects.

use crate::event::{Event as Logged, SpanView, Standing};
use crate::languages::tests::frame;
use crate::languages::{worked, Dialect};
use crate::memory::Buffer;
use crate::span::attributes::{Appending, Attributes, Scalar};
use crate::span::links::{Event, Link, FLAGS_KNOWN};
use serde_json::{json, Value};

const SPAN: u64 = u64::MAX - 1;

/// Attributes that live as long as the process.
fn attributes(fill: impl FnOnce(&mut Appending<'_>)) -> Attributes<'static> {
    let mut run = Buffer::new();
    let mut appending = Appending::begin(&mut run).unwrap();
    fill(&mut appending);
    appending.end();
    Attributes::read(run.bytes().to_vec().leak()).unwrap().0
}

/// A span with a link that has everything, one that has only ids, an event with everything and one without attributes.
fn linked() -> SpanView<'static> {
    let attributes = attributes(|to| {
        to.one(b"text", Scalar::Text("a 'b'\n\"c\"".as_bytes())).unwrap();
        to.one(b"yes", Scalar::Bool(true)).unwrap();
        to.one(b"n", Scalar::Integer(-7)).unwrap();
        to.one(b"half", Scalar::Float(0.5)).unwrap();
        to.array(b"list", [1, 2].map(Scalar::Integer).into_iter()).unwrap();
        to.one(b"api_key", Scalar::Text(b"hunter2")).unwrap();
        to.one(b"pin", Scalar::Integer(5_500_000_000_000_004)).unwrap();
    });
    let bare = Link { trace_id_low: 5, span_id: SPAN, ..Link::default() };
    let full = Link {
        trace_id_high: 0x640c_fd8d_0000_0000,
        flags: FLAGS_KNOWN | 1,
        tracestate: b"dd=s:1",
        attributes,
        ..bare
    };
    let event = Event { time_ns: 12_345, name: b"it 'happened'", attributes };
    let other = Event { time_ns: 7, name: b"again", ..Event::default() };
    SpanView { links: vec![full, bare], events: vec![event, other], ..worked::span() }
}

/// Returns the lines of a dialect about a span that has finished and leaves.
fn lines(dialect: &str, span: &SpanView<'_>) -> String {
    let dialect = Dialect::from_name(dialect).expect("a dialect");
    let mut lines = Vec::new();
    let standing = Standing { open: 0, finished: 1, leaves: true };
    dialect.lines(&frame(), &Logged::SpanFinished { span, standing }, &mut lines);
    dialect.lines(&frame(), &worked::enqueued(std::slice::from_ref(span)), &mut lines);
    lines.iter().map(|line| format!("{}\n", line.text)).collect()
}

#[test]
fn tracers_that_show_links_and_events_show_them_in_their_own_notation() {
    for (dialect, shown) in [
        (
            "native",
            &[
                r#" links=[{trace_id=640cfd8d000000000000000000000005 span_id=18446744073709551614 flags=1 tracestate="dd=s:1" attributes={text="a 'b'\n\"c\"", yes=true, n=-7, half=0.5, list.0=1, list.1=2, api_key=<redacted>, pin=<redacted>}}, {trace_id=00000000000000000000000000000005 span_id=18446744073709551614 attributes={}}]"#,
                r#" events=[{name="it 'happened'" time_ns=12345 attributes={text="a 'b'\n\"c\"", yes=true, n=-7, half=0.5, list=[1, 2], api_key=<redacted>, pin=<redacted>}}, {name=again time_ns=7 attributes={}}]"#,
            ][..],
        ),
        (
            "python@source",
            &[
                r#", links=[SpanLink(trace_id=132990249761594643605811931328257458181, span_id=18446744073709551614, attributes={'text': 'a \'b\'\n"c"', 'yes': 'true', 'n': '-7', 'half': '0.5', 'list.0': '1', 'list.1': '2', 'api_key': '<redacted>', 'pin': '<redacted>'}, tracestate=dd=s:1, flags=1), SpanLink(trace_id=5, span_id=18446744073709551614, attributes={}, tracestate=None, flags=None)], "#,
                r#", events=[SpanEvent(name="it 'happened'", time=12345, attributes={'text': 'a \'b\'\n"c"', 'yes': True, 'n': -7, 'half': 0.5, 'list': [1, 2], 'api_key': '<redacted>', 'pin': '<redacted>'}), SpanEvent(name='again', time=7, attributes={})], context="#,
            ],
        ),
        (
            "java@source",
            &[
                r#", links=[SpanLink{traceId=5, spanId=-2, traceFlags=1, traceState='dd=s:1', attributes=SpanAttributes{{text=a 'b'\n"c", yes=true, n=-7, half=0.5, list.0=1, list.1=2, api_key=<redacted>, pin=<redacted>}}}, SpanLink{traceId=5, spanId=-2, traceFlags=0, traceState='', attributes=SpanAttributes{{}}}]"#,
            ],
        ),
        (
            "php@source",
            &[
                r#", span_links: [SpanLink { trace_id: 5, trace_id_high: 7209415885545537536, span_id: 18446744073709551614, attributes: {text: a 'b'\n"c", yes: true, n: -7, half: 0.5, list.0: 1, list.1: 2, api_key: <redacted>, pin: <redacted>}, tracestate: dd=s:1, flags: 2147483649 }, SpanLink { trace_id: 5, trace_id_high: 0, span_id: 18446744073709551614, attributes: {}, tracestate: , flags: 0 }]"#,
                r#", span_events: [SpanEvent { time_unix_nano: 12345, name: it 'happened', attributes: {text: SingleValue(String(a 'b'\n"c")), yes: SingleValue(Boolean(true)), n: SingleValue(Integer(-7)), half: SingleValue(Double(0.5)), list: Array([Integer(1), Integer(2)]), api_key: SingleValue(String(<redacted>)), pin: SingleValue(Integer(<redacted>))} }, SpanEvent { time_unix_nano: 7, name: again, attributes: {} }] }"#,
            ],
        ),
    ] {
        let line = lines(dialect, &linked());
        for shown in shown {
            assert!(line.contains(shown), "{dialect}:\n{line}");
        }
    }
}

#[test]
fn a_line_in_json_has_links_and_events_with_their_types_and_only_where_there_are_some() {
    let line = lines("json", &linked());
    let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    let flat = json!({
        "text": "a 'b'\n\"c\"", "yes": "true", "n": "-7", "half": "0.5", "list.0": "1", "list.1": "2",
        "api_key": "<redacted>", "pin": "<redacted>",
    });
    let (trace_id, span_id) = ("640cfd8d000000000000000000000005", SPAN.to_string());
    let full =
        json!({"trace_id": trace_id, "span_id": span_id, "flags": 1, "tracestate": "dd=s:1", "attributes": flat});
    let bare = json!({"trace_id": format!("{:032x}", 5), "span_id": span_id, "attributes": {}});
    assert_eq!(line["links"], json!([full, bare]));
    let typed = json!({
        "text": "a 'b'\n\"c\"", "yes": true, "n": -7, "half": 0.5, "list": [1, 2],
        "api_key": "<redacted>", "pin": "<redacted>",
    });
    let first = json!({"name": "it 'happened'", "time_ns": 12_345, "attributes": typed});
    assert_eq!(line["events"], json!([first, {"name": "again", "time_ns": 7, "attributes": {}}]));
    for dialect in ["json", "native"] {
        let line = lines(dialect, &worked::span());
        assert!(!line.contains("links") && !line.contains("events"), "{line}");
    }
}

#[test]
fn a_line_is_bounded_and_json_stays_json_however_many_links_and_events_a_span_has() {
    let many = attributes(|to| {
        let long = "\u{1}".repeat(10_000);
        to.one(b"long", Scalar::Text(long.as_bytes())).unwrap();
        for n in 0..40 {
            to.array(n.to_string().as_bytes(), [Scalar::Bool(true); 128].into_iter()).unwrap();
        }
    });
    let link = Link { trace_id_low: 1, span_id: 1, attributes: many, ..Link::default() };
    let event = Event { time_ns: 1, name: b"e", attributes: many };
    let span = SpanView { links: vec![link; 128], events: vec![event; 128], ..worked::span() };
    for dialect in ["json", "native", "python@source", "java@source", "php@source"] {
        let line = lines(dialect, &span);
        assert!(line.contains("… (12") && line.contains(" more)"), "{dialect}: {line}");
        assert!(line.len() < 120_000, "{dialect}: {}", line.len());
    }
    let line = lines("json", &span);
    let line: Value = serde_json::from_str(line.lines().next().unwrap()).expect("JSON");
    assert_eq!(line["events"][0]["attributes"]["…"], true);
}
