//! Payloads of the format v0.4 that a host has encoded itself: a wrong one is refused as a whole and counted; the spans of a
//! good one are sent as they are, each chunk with its sampling decision.

mod support;

use rmpv::Value;
use serde_json::{json, Value as Json};
use std::path::PathBuf;
use support::agent::TestAgent;
use support::faults::{always, Reply};
use support::hosts::{host, require, root, Host};
use support::payload::Span;

fn map(pairs: Vec<(&str, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn texts(pairs: &[(&str, &str)]) -> Value {
    map(pairs.iter().map(|&(key, value)| (key, value.into())).collect())
}

fn chunks(chunks: Vec<Vec<Value>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let whole = Value::Array(chunks.into_iter().map(Value::Array).collect());
    rmpv::encode::write_value(&mut bytes, &whole).expect("it fits in memory");
    bytes
}

const TRACE: u64 = u64::MAX - 6;
const START: i64 = 1_700_000_000_000_000_000;

/// A span with what every span has; then the fields of `more`.
fn span(trace: u64, id: u64, parent: u64, more: Vec<(&'static str, Value)>) -> Value {
    let mut fields = vec![
        ("service", "shop".into()),
        ("name", format!("span {id}").into()),
        ("resource", "GET /".into()),
        ("type", "web".into()),
        ("trace_id", trace.into()),
        ("span_id", id.into()),
        ("parent_id", parent.into()),
        ("start", START.into()),
        ("duration", 1_500i64.into()),
    ];
    fields.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
    fields.extend(more);
    map(fields)
}

fn typed(kind: u64, field: &'static str, value: Value) -> Value {
    map(vec![("type", kind.into()), (field, value)])
}

fn array(values: Vec<Value>) -> Value {
    typed(4, "array_value", map(vec![("values", Value::Array(values))]))
}

fn link() -> Vec<(&'static str, Value)> {
    vec![
        ("trace_id", 5.into()),
        ("trace_id_high", 6.into()),
        ("span_id", 7.into()),
        ("flags", 0x8000_0001u32.into()),
        ("tracestate", "dd=s:1".into()),
        ("attributes", texts(&[("why", "retry"), ("", "no key")])),
        ("later", Value::Nil),
    ]
}

fn event() -> Vec<(&'static str, Value)> {
    let attributes = vec![
        ("text", typed(0, "string_value", "a".into())),
        ("yes", typed(1, "bool_value", true.into())),
        ("integer", typed(2, "int_value", (-7).into())),
        ("half", typed(3, "double_value", 0.5.into())),
        ("not finite", typed(3, "double_value", f64::NAN.into())),
        ("array", array(vec![typed(2, "int_value", 1.into()), typed(2, "int_value", i64::MAX.into())])),
    ];
    vec![("time_unix_nano", START.into()), ("name", "it happened".into()), ("attributes", map(attributes))]
}

/// The good payload, with six spans.
fn good() -> Vec<u8> {
    let root = vec![
        (
            "meta",
            texts(&[("_dd.p.tid", "640cfd8d00000000"), ("_dd.p.dm", "-4"), ("_dd.origin", "rum"), ("env", "its")]),
        ),
        (
            "metrics",
            map(vec![
                ("_sampling_priority_v1", 2.into()),
                ("_dd.top_level", 1.0.into()),
                ("process_id", Value::F32(7.0)),
                ("not finite", f64::INFINITY.into()),
            ]),
        ),
        ("error", 1.into()),
        (
            "meta_struct",
            map(vec![("appsec", Value::Binary(b"\x81\xa1a\x01".to_vec())), ("no map", Value::Binary(vec![1]))]),
        ),
        ("later", Value::Array(vec![map(vec![("a", Value::Nil)]), Value::Ext(3, vec![0; 4])])),
    ];
    let mut invalid = texts(&[("", "no key"), ("nothing", "")]);
    if let Value::Map(pairs) = &mut invalid {
        pairs.push(("blob".into(), Value::Binary(b"caf\xe9".to_vec())));
        pairs.push(("nil".into(), Value::Nil));
    }
    let child = vec![
        ("service", "db".into()),
        ("type", Value::Nil),
        ("meta", invalid),
        ("metrics", Value::Nil),
        ("span_links", Value::Array(vec![map(link())])),
        ("span_events", Value::Array(vec![map(event())])),
    ];
    // The same trace in two chunks, first undecided, then decided.
    let undecided = vec![("meta", texts(&[("_dd.p.dm", "-4")]))];
    let below = vec![("service", "db".into())];
    let decided = vec![("metrics", map(vec![("_sampling_priority_v1", 1u64.into())]))];
    chunks(vec![
        vec![span(TRACE, 1, 0, root), span(TRACE, 2, 1, child)],
        vec![],
        vec![span(9, 11, 0, undecided), span(9, 12, 11, below), span(9, 13, 12, vec![("service", "db".into())])],
        vec![span(9, 14, 13, decided)],
    ])
}

/// Payloads of at most two spans that are each wrong in one place.
fn wrong() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add = |name: &str, payload: Vec<u8>| all.push((name.to_owned(), payload));
    let values =
        || [Value::Nil, true.into(), 1.into(), (-1).into(), 0.5.into(), "text".into(), Value::Array(vec![1.into()])];
    let with = |key, value| chunks(vec![vec![span(1, 1, 0, vec![]), span(1, 2, 1, vec![(key, value)])]]);
    // No value of another type may be taken.
    let no_text = |value: &Value| !value.is_str() && !value.is_nil();
    for (n, value) in values().into_iter().enumerate() {
        for key in ["service", "name", "resource", "type"].into_iter().filter(|_| no_text(&value)) {
            add(&format!("{key}-{n}"), with(key, value.clone()));
        }
        for key in ["trace_id", "span_id", "parent_id", "start", "duration", "error"] {
            if !value.is_i64() && !value.is_u64() {
                add(&format!("{key}-{n}"), with(key, value.clone()));
            }
        }
        for key in ["meta", "metrics", "meta_struct", "span_links", "span_events"] {
            if !value.is_nil() {
                add(&format!("{key}-{n}"), with(key, value.clone()));
            }
        }
        if no_text(&value) {
            add(&format!("meta-value-{n}"), with("meta", map(vec![("key", value.clone())])));
            add(&format!("blob-{n}"), with("meta_struct", map(vec![("key", value.clone())])));
            add(&format!("key-{n}"), with("meta", Value::Map(vec![(value.clone(), "text".into())])));
        }
        if !value.is_number() {
            add(&format!("metric-{n}"), with("metrics", map(vec![("key", value.clone())])));
        }
        add(&format!("span-{n}"), chunks(vec![vec![span(1, 1, 0, vec![]), value.clone()]]));
        let changes = |fields: Vec<(&'static str, Value)>, list: &'static str| {
            let each = 0..fields.len();
            let value = value.clone();
            each.filter_map(move |at| {
                let mut changed = fields.clone();
                let key = changed[at].0;
                let same_type = match key {
                    "later" => true,
                    "name" => value.is_str(),
                    "tracestate" => !no_text(&value),
                    "attributes" => value.is_nil(),
                    "flags" => value.is_u64(),
                    _ => value.is_i64() || value.is_u64(),
                };
                changed[at].1 = value.clone();
                (!same_type).then(|| (format!("{list}-{key}"), with(list, Value::Array(vec![map(changed)]))))
            })
        };
        for (name, payload) in changes(link(), "span_links").chain(changes(event(), "span_events")) {
            add(&format!("{name}-{n}"), payload);
        }
    }
    for at in [0, 2] {
        let mut fields = link();
        fields[at].1 = 0.into();
        add(&format!("link-zero-{at}"), with("span_links", Value::Array(vec![map(fields)])));
    }
    let one_attribute = |value: Value| {
        let event = vec![("name", "an event".into()), ("attributes", map(vec![("key", value)]))];
        with("span_events", Value::Array(vec![map(event)]))
    };
    add("event-no-name", with("span_events", Value::Array(vec![map(vec![("time_unix_nano", 1.into())])])));
    for (name, value) in [
        ("no-type", map(vec![("string_value", "a".into())])),
        ("unknown-type", typed(5, "string_value", "a".into())),
        ("other-field", typed(0, "int_value", 1.into())),
        ("text-as-integer", typed(2, "int_value", "1".into())),
        ("too-large", typed(2, "int_value", u64::MAX.into())),
        ("mixed", array(vec![typed(2, "int_value", 1.into()), typed(1, "bool_value", true.into())])),
        ("array-in-array", array(vec![array(vec![])])),
    ] {
        add(&format!("attribute-{name}"), one_attribute(value));
    }
    for key in ["trace_id", "span_id"] {
        add(&format!("zero-{key}"), with(key, 0.into()));
    }
    add("other-trace", chunks(vec![vec![span(1, 1, 0, vec![]), span(2, 2, 1, vec![])]]));
    add("start-too-large", with("start", u64::MAX.into()));
    let raw = |bytes: &[u8]| [&b"\x91\x91\x83\xa8trace_id\x01\xa7span_id\x02"[..], bytes].concat();
    add("too-deep", raw(&[&b"\xa5later"[..], &b"\x91".repeat(3_000), b"\xc0"].concat()));
    add("no-messagepack", raw(b"\xa5later\xc1"));
    add("many-chunks", b"\xdd\xff\xff\xff\xff\x91\x90".to_vec());
    add("many-spans", b"\x91\xdd\xff\xff\xff\xff\x80\x80".to_vec());
    add("many-tags", raw(b"\xa4meta\xdf\xff\xff\xff\xff\xa1a\xa1b"));
    add("long-text", raw(b"\xa4name\xdb\xff\xff\xff\xffname"));
    add("map", b"\x81\xa1a\x90".to_vec());
    all
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The host with its payloads in files. It keeps no trace by itself.
fn prepared(name: &str) -> Option<(Host, Folder)> {
    let folder = Folder(root().join("target/test-payloads").join(format!("{name}-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).expect("a folder");
    let mut host = host("payloads.c")?.env("DD_SERVICE", "shop").env("DD_ENV", "ours").env("DD_TRACE_SAMPLE_RATE", "0");
    host = host.env("SPANWIRE_LOG_SINKS", "none").arg(6);
    for (name, payload) in [("good".to_owned(), good())].into_iter().chain(wrong()) {
        let file = folder.0.join(name);
        std::fs::write(&file, payload).expect("a file");
        host = host.arg(file.display());
    }
    Some((host, folder))
}

fn check(chunks: &[Vec<Span>]) {
    let ids: Vec<Vec<u64>> = chunks.iter().map(|chunk| chunk.iter().map(|span| span.span_id).collect()).collect();
    assert_eq!(ids, [vec![1, 2], vec![11, 12, 13], vec![14]]);
    for span in chunks.iter().flatten() {
        let trace = if span.span_id < 10 { TRACE } else { 9 };
        assert_eq!((span.trace_id, span.start, span.duration), (trace, START, 1_500));
        assert_eq!((span.name.clone(), span.resource.as_str()), (format!("span {}", span.span_id), "GET /"));
        let parent = if matches!(span.span_id, 1 | 11) { 0 } else { span.span_id - 1 };
        assert_eq!((span.parent_id, span.error), (parent, i64::from(span.span_id == 1)));
        assert_eq!(span.kind, if span.span_id == 2 { "" } else { "web" });
        assert_eq!(span.service, if matches!(span.span_id, 2 | 12 | 13) { "db" } else { "shop" });
        assert_eq!(span.tag("env"), if span.span_id == 1 { "its" } else { "ours" });
    }
    let metric = |chunk: usize, key: &str| -> Vec<Option<f64>> {
        chunks[chunk].iter().map(|span| span.metrics.get(key).copied()).collect()
    };
    assert_eq!(metric(0, "_sampling_priority_v1"), [Some(2.0), None]);
    assert_eq!(metric(1, "_sampling_priority_v1"), [Some(-1.0), None, None], "the tracer decides");
    assert_eq!(metric(2, "_sampling_priority_v1"), [Some(1.0)]);
    assert_eq!(metric(0, "_dd.top_level"), [Some(1.0), None], "the host has marked them");
    assert_eq!(metric(1, "_dd.top_level"), [Some(1.0), Some(1.0), None]);
    assert_eq!(metric(0, "process_id")[0], Some(7.0));
    assert_eq!(metric(0, "not finite"), [None, None]);
    let (root, child) = (&chunks[0][0], &chunks[0][1]);
    for (key, text) in [("_dd.p.tid", "640cfd8d00000000"), ("_dd.p.dm", "-4"), ("_dd.origin", "rum")] {
        assert_eq!(root.tag(key), text);
    }
    assert!(!chunks[1][0].meta.contains_key("_dd.p.dm"), "it is of another decision");
    assert_eq!(root.meta_struct.keys().collect::<Vec<_>>(), ["appsec"]);
    assert_eq!(root.meta_struct["appsec"], b"\x81\xa1a\x01");
    assert_eq!((child.tag("blob"), child.meta.get("nil")), ("caf\u{fffd}", Some(&String::new())));
    assert!(!child.meta.contains_key("") && child.meta.contains_key("nothing"));
    let link = json!({"trace_id": 5, "trace_id_high": 6, "span_id": 7, "flags": 0x8000_0001u32, "tracestate": "dd=s:1",
                      "attributes": {"why": "retry"}});
    assert_eq!(child.links, [link]);
}

fn check_events(span: &Span) {
    let typed = json!({"text": "a", "yes": true, "integer": -7, "half": 0.5, "array": [1, i64::MAX]});
    let events: Json = serde_json::from_str(span.tag("events")).expect("JSON");
    assert_eq!(events, json!([{"time_unix_nano": START, "name": "it happened", "attributes": typed}]));
}

#[test]
fn wrong_payloads_are_refused_whole_and_the_spans_of_a_good_one_arrive_as_they_are() {
    let agent = always(Reply::Ok).start();
    let Some((host, _folder)) = prepared("good") else { return };
    host.agent(&agent.url()).run().ok();
    agent.assert_well_formed();
    let chunks = agent.chunks();
    check(&chunks);
    check_events(&chunks[0][1]);
}

#[test]
fn the_test_agent_takes_submitted_payloads() {
    if !require("ddapm-test-agent") {
        return;
    }
    let (Some((host, _folder)), Some(agent)) = (prepared("test-agent"), TestAgent::start()) else { return };
    host.agent(&agent.tcp()).run().ok();
    agent.assert_checks_passed();
    check(&agent.chunks());
}
