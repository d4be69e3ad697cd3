//! Links, events, typed attributes and structured values: both forms, as the agent's `/info` asks for, decoded by three
//! readers of which none is the library's: `rmpv`, Python's `msgpack`, and the test agent.

#[path = "links/bindings.rs"]
mod bindings;
#[allow(dead_code)] // each test binary uses its own part of these
#[path = "php/extension.rs"]
mod extension;
mod support;

use serde_json::{json, Value as Json};
use support::agent::{Place, TestAgent};
use support::faults::{always, Reply};
use support::hosts::{host, require, Host};
use support::payload::{decoded_by_python, Span};

fn linked() -> Option<Host> {
    host("links.c").map(prepared)
}

/// Gives a program its settings. On a busy machine, the test agent may take longer than the usual 2 s to answer. The
/// library would send the payload again, and spans would be there twice.
fn prepared(host: Host) -> Host {
    let host = host.env("DD_SERVICE", "shop").env("DD_TRACE_DEBUG", "1").env("SPANWIRE_REQUEST_TIMEOUT_MS", 30_000);
    host.env("SPANWIRE_LOG_SINKS", "ring").env("SPANWIRE_LOG_DIALECT", "json")
}

fn named<'a>(chunks: &'a [Vec<Span>], name: &str) -> &'a Span {
    let mut found = chunks.iter().flatten().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no span {name}"));
    assert!(found.next().is_none(), "{name} is there twice");
    span
}

const LAST: &str = "the last one counts";
const TRACESTATE: &str = "dd=s:1,other=\"2\"";

/// The attributes of the host as texts, arrays flattened.
fn flat() -> Json {
    json!({
        "text": LAST, "empty": "", "yes": "true", "no": "false", "small": "-7", "large": "9223372036854775807",
        "exact": "9007199254740992", "half": "0.5", "texts.0": "one", "texts.1": "tü3", "booleans.0": "true",
        "booleans.1": "false", "integers.0": "-9223372036854775808", "integers.1": "9223372036854775807",
        "floats.0": "0.5", "floats.1": "-1e300", "numbers.0": "-3", "numbers.1": "0.5",
    })
}

/// The same with their types.
fn typed() -> Json {
    json!({
        "text": LAST, "empty": "", "yes": true, "no": false, "small": -7, "large": i64::MAX,
        "exact": 1i64 << 53, "half": 0.5, "texts": ["one", "tü3"], "booleans": [true, false],
        "integers": [i64::MIN, i64::MAX], "floats": [0.5, -1e300],
        "numbers": [-3.0, 0.5], "none": [],
    })
}

/// A value in the form that says its type.
fn native(value: &Json) -> Json {
    match value {
        Json::String(_) => json!({"type": 0, "string_value": value}),
        Json::Bool(_) => json!({"type": 1, "bool_value": value}),
        Json::Number(number) if number.is_f64() => json!({"type": 3, "double_value": value}),
        Json::Number(_) => json!({"type": 2, "int_value": value}),
        _ => {
            let values: Vec<Json> = value.as_array().into_iter().flatten().map(native).collect();
            json!({"type": 4, "array_value": {"values": values}})
        }
    }
}

/// Checks two links, of which the second one has this tracestate.
fn check_links(links: &[Json], tracestate: Option<&str>) {
    let (trace, span) = (json!(u64::MAX), json!(0xabc));
    let bare = json!({"trace_id": trace, "trace_id_high": 0x640c_fd8d_0000_0000u64, "span_id": span, "attributes": {}});
    let mut full = bare.clone();
    full["attributes"] = flat();
    if let Some(tracestate) = tracestate {
        full["tracestate"] = tracestate.into();
    }
    full["flags"] = (0x8000_0001u32).into();
    assert_eq!(links, [bare, full]);
}

fn check_events(events: &[Json]) {
    let attributes: serde_json::Map<String, Json> =
        typed().as_object().into_iter().flatten().map(|(key, value)| (key.clone(), native(value))).collect();
    let at = 1_700_000_000_123_456_789u64;
    assert_eq!(events[0], json!({"time_unix_nano": at, "name": "it happened", "attributes": {}}));
    assert_eq!(events[1], json!({"time_unix_nano": at, "name": "caf\u{fffd}", "attributes": attributes}));
    assert!(events.len() == 3 && events[2]["time_unix_nano"].as_u64() > Some(at));
}

fn check_events_tag(text: &str) {
    let events: Vec<Json> = serde_json::from_str(text).expect("the tag is JSON");
    let at = 1_700_000_000_123_456_789u64;
    assert_eq!(events[0], json!({"time_unix_nano": at, "name": "it happened"}));
    assert_eq!(events[1], json!({"time_unix_nano": at, "name": "caf\u{fffd}", "attributes": typed()}));
    assert!(events.len() == 3 && events[2]["time_unix_nano"].as_u64() > Some(at));
}

fn check_tags(span: &Span) {
    for (key, text) in [
        ("text", LAST),
        ("empty", ""),
        ("yes", "true"),
        ("no", "false"),
        ("large", "9223372036854775807"),
        ("texts.0", "one"),
        ("texts.1", "tü3"),
        ("booleans.0", "true"),
        ("booleans.1", "false"),
        ("integers.0", "-9223372036854775808"),
        ("error.type", "Timeout"),
        ("error.message", "no answer"),
        ("error.stack", "at f()\nat g()"),
    ] {
        assert_eq!(span.meta.get(key).map(String::as_str), Some(text), "{key}");
    }
    for (key, number) in [
        ("small", -7.0),
        ("exact", 9_007_199_254_740_992.0),
        ("half", 0.5),
        ("floats.0", 0.5),
        ("floats.1", -1e300),
        ("numbers.0", -3.0),
    ] {
        assert_eq!(span.metrics.get(key), Some(&number), "{key}");
        assert!(!span.meta.contains_key(key), "{key} is there twice");
    }
    assert!(!span.meta.keys().chain(span.metrics.keys()).any(|key| key.starts_with("none")));
    assert_eq!(span.error, 1);
}

fn check_structured(span: &Span) {
    let structured = span.meta_struct.get("appsec").expect("meta_struct");
    let structured = rmpv::decode::read_value(&mut &structured[..]).expect("MessagePack").to_string();
    assert_eq!(structured, r#"{"user": "bob", "items": [1, 0.5]}"#);
}

/// Checks what all agents get, however they take events.
fn check(chunks: &[Vec<Span>]) {
    for name in ["at once", "informed"] {
        let span = named(chunks, name);
        check_links(&span.links, Some(TRACESTATE));
        check_tags(span);
    }
    let child = named(chunks, "child");
    assert!(child.links.is_empty() && child.events.is_empty() && !child.meta.contains_key("events"));
    let submitted: Vec<(&Json, &Json)> =
        named(chunks, "submitted").links.iter().map(|link| (&link["span_id"], &link["attributes"])).collect();
    let (text, none) = (json!({"text": "a \"quoted\" text\n"}), json!({}));
    assert_eq!(submitted, [(&json!(8), &text), (&json!(9), &none)]);
    assert!(named(chunks, "submitted before").links.is_empty());
    let (refused, limits) = (named(chunks, "refused"), named(chunks, "limits"));
    assert_eq!(refused.links.len(), 1);
    assert_eq!(refused.links[0]["attributes"], json!({"good": "1"}));
    assert_eq!(refused.metrics.get("good"), Some(&1.0));
    assert!(refused.meta_struct.is_empty());
    assert_eq!(limits.links.len(), 128);
}

#[test]
fn an_agent_that_takes_events_gets_them_as_a_field() {
    let agent = always(Reply::Ok).taking_span_events().start();
    let Some(host) = linked() else { return };
    host.agent(&agent.url()).run().ok();
    agent.assert_well_formed();
    let chunks = agent.chunks();
    check(&chunks);
    let informed = named(&chunks, "informed");
    check_events(&informed.events);
    assert!(!informed.meta.contains_key("events") && !informed.meta.contains_key("_dd.span_links"));
    check_structured(informed);
    let good = native(&json!(1));
    assert_eq!(named(&chunks, "refused").events.iter().map(|e| &e["attributes"]["good"]).collect::<Vec<_>>(), [&good]);
    let submitted: Vec<(&Json, &Json)> =
        named(&chunks, "submitted").events.iter().map(|event| (&event["name"], &event["time_unix_nano"])).collect();
    assert_eq!(submitted, [(&json!("one"), &json!(5)), (&json!("two"), &json!(6))]);
    let limits = named(&chunks, "limits");
    assert_eq!(limits.events.len(), 128);
    assert_eq!(limits.events[127]["attributes"].as_object().map(|all| all.len()), Some(128));
}

#[test]
fn an_agent_that_takes_no_events_gets_them_as_a_tag() {
    let agent = always(Reply::Ok).start();
    let Some(host) = linked() else { return };
    host.agent(&agent.url()).run().ok();
    agent.assert_well_formed();
    let chunks = agent.chunks();
    check(&chunks);
    for name in ["at once", "informed"] {
        let span = named(&chunks, name);
        assert!(span.events.is_empty());
        check_events_tag(span.tag("events"));
    }
    // The Agent would cut a longer text, which then would be no JSON.
    let limits = named(&chunks, "limits").tag("events").to_owned();
    let events: Vec<Json> = serde_json::from_str(&limits).expect("whole JSON");
    assert!(limits.len() <= 25_000 && events.len() == 128, "{}", limits.len());
}

#[test]
fn a_span_with_as_many_values_as_it_may_have_is_sent_within_the_time_of_a_shutdown() {
    let Some(host) = host("many_values.c") else { return };
    host.agent("file:///dev/null").run().ok();
}

#[test]
fn the_log_shows_links_and_events_of_finished_spans_in_debug_mode() {
    let agent = always(Reply::Ok).taking_span_events().start();
    let Some(host) = linked() else { return };
    let outcome = host.env("SPANWIRE_LOG_SINKS", "ring,stderr").agent(&agent.url()).run().ok();
    let lines = outcome.stderr.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let finished: Vec<Json> = lines.filter(|line| line["kind"] == "span.finished").collect();
    for name in ["at once", "informed"] {
        let span = finished.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{}", outcome.stderr));
        let bare = json!({"trace_id": "640cfd8d00000000ffffffffffffffff", "span_id": "2748", "attributes": {}});
        let mut full = bare.clone();
        full["attributes"] = flat();
        full["tracestate"] = TRACESTATE.into();
        full["flags"] = 1.into();
        assert_eq!(span["links"], json!([bare, full]));
        let at = 1_700_000_000_123_456_789u64;
        assert_eq!(span["events"][0], json!({"name": "it happened", "time_ns": at, "attributes": {}}));
        let mut typed = typed();
        typed["numbers"][0] = (-3).into(); // the log shows -3.0 so
        assert_eq!(span["events"][1], json!({"name": "caf\u{fffd}", "time_ns": at, "attributes": typed}));
    }
}

#[test]
fn an_agent_that_knows_only_an_older_path_gets_links_and_events_as_tags() {
    let agent = always(Reply::OnlyOld(404)).taking_span_events().start();
    let Some(host) = linked() else { return };
    host.agent(&agent.url()).run().ok();
    agent.assert_well_formed();
    let chunks = agent.chunks();
    for name in ["at once", "informed"] {
        let span = named(&chunks, name);
        assert!(span.links.is_empty() && span.events.is_empty());
        check_events_tag(span.tag("events"));
        let links: Vec<Json> = serde_json::from_str(span.tag("_dd.span_links")).expect("JSON");
        let bare = json!({"trace_id": "640cfd8d00000000ffffffffffffffff", "span_id": "0000000000000abc"});
        let mut full = bare.clone();
        full["attributes"] = flat();
        full["tracestate"] = TRACESTATE.into();
        full["flags"] = 1.into();
        assert_eq!(links, [bare, full]);
    }
}

fn sent_to_the_test_agent(info: &str) -> Option<(TestAgent, Vec<Json>)> {
    if !require("ddapm-test-agent") {
        return None;
    }
    let agent = Place::reserve()?.start_with(&[("DD_AGENT_EXTRA_INFO", info)]);
    linked()?.agent(&agent.tcp()).run().ok();
    agent.assert_checks_passed();
    let bodies = agent.trace_requests().into_iter().map(|request| decoded_by_python(&request.body));
    let chunks: Vec<Json> = bodies.flat_map(|body| body.as_array().cloned().unwrap_or_default()).collect();
    let spans = chunks.iter().flat_map(|chunk| chunk.as_array().cloned().unwrap_or_default()).collect();
    Some((agent, spans))
}

#[test]
fn the_test_agent_and_python_decode_events_as_a_field() {
    let Some((agent, spans)) = sent_to_the_test_agent("{}") else { return };
    let traces = agent.traces();
    check(&traces);
    check_events(&named(&traces, "informed").events);
    let span = spans.iter().find(|span| span["name"] == "informed").expect("the span");
    check_links(span["span_links"].as_array().expect("links"), Some(TRACESTATE));
    check_events(span["span_events"].as_array().expect("events"));
    assert_eq!(span["meta_struct"]["appsec"], json!({"user": "bob", "items": [1, 0.5]}));
}

#[test]
fn the_test_agent_and_python_decode_events_as_a_tag() {
    let Some((agent, spans)) = sent_to_the_test_agent(r#"{"span_events":false}"#) else { return };
    let traces = agent.traces();
    check(&traces);
    check_events_tag(named(&traces, "informed").tag("events"));
    let span = spans.iter().find(|span| span["name"] == "informed").expect("the span");
    assert!(span.get("span_events").is_none());
    check_events_tag(span["meta"]["events"].as_str().expect("the tag"));
    check_links(span["span_links"].as_array().expect("links"), Some(TRACESTATE));
}
