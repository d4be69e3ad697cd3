//! Spans arrive at `ddapm-test-agent` complete, once, and in the form that it expects.

mod support;

use serde_json::Value as Json;
use std::collections::HashMap;
use std::time::Duration;
use support::agent::{Place, TestAgent};
use support::hosts::{host, Outcome};
use support::payload::Span;

const SHAPES: &[&str] = &["root", "query", "flagged", "inner", "leaf", "batch", "consume", "step", "part"];

/// Runs `shapes.c` against this Agent. Returns the Agent's spans by the keys that the host set on them.
fn shapes(agent: &TestAgent, url: &str) -> Option<(Outcome, HashMap<String, Span>)> {
    let ran = host("shapes.c")?.agent(url).env("DD_SERVICE", "shapes").env("DD_ENV", "test").env("DD_VERSION", "1.2.3");
    let ran = ran.env("DD_TAGS", "team:blue,zone:north").run().ok();
    let sent: HashMap<u64, Span> = agent.traces().into_iter().flatten().map(|span| (span.span_id, span)).collect();
    let mut found = HashMap::new();
    for ids in ran.objects("span") {
        let (key, id) = (ids["key"].as_str().unwrap_or_default(), ids["id"].as_u64().unwrap_or_default());
        let span = sent.get(&id).unwrap_or_else(|| panic!("{key} ({id}) did not arrive"));
        assert_eq!(Json::from(span.trace_id), ids["low"], "{key}: the trace id");
        found.insert(key.to_owned(), span.clone());
    }
    assert!(SHAPES.iter().all(|key| found.contains_key(*key)), "{:?}", found.keys());
    Some((ran, found))
}

fn pairs(map: &[(&str, &str)]) -> Vec<(String, String)> {
    map.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

/// Returns the span's own tags, without those that the tracer adds.
fn own_tags(span: &Span) -> Vec<(String, String)> {
    let added = |key: &str| {
        key.starts_with("_dd.") || ["runtime-id", "language", "env", "version", "team", "zone"].contains(&key)
    };
    span.meta.iter().filter(|(key, _)| !added(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn own_metrics(span: &Span) -> Vec<(String, f64)> {
    let added = |key: &str| key.starts_with('_') || key == "process_id";
    span.metrics.iter().filter(|(key, _)| !added(key)).map(|(k, v)| (k.clone(), *v)).collect()
}

#[test]
fn spans_arrive_with_everything_that_was_set_on_them() {
    let Some(agent) = TestAgent::start() else { return };
    let Some((ran, spans)) = shapes(&agent, &agent.tcp()) else { return };

    let root = &spans["root"];
    assert_eq!((root.name.as_str(), root.service.as_str()), ("web.request", "shop-front"));
    assert_eq!((root.resource.as_str(), root.kind.as_str()), ("GET /cart/:id", "web"));
    assert_eq!((root.parent_id, root.error), (0, 0));
    let tags = [("http.method", "GET"), ("http.url", "/cart/7?é=€"), ("was.number", "seven")];
    assert_eq!(own_tags(root), pairs(&tags), "the last value wins, a removed tag is gone");
    let numbers = [("cart.balance", -1e300), ("cart.items", 3.0), ("cart.total", 42.5), ("was.text", 2.0)]
        .map(|(k, v)| (k.to_owned(), v));
    assert_eq!(own_metrics(root), numbers, "a key is a text or a number, never both");
    assert_eq!((root.tag("env"), root.tag("version")), ("test", ""), "the version is that of the tracer's own service");
    assert_eq!((spans["consume"].service.as_str(), spans["consume"].tag("version")), ("shapes", "1.2.3"));
    assert_eq!((root.tag("team"), root.tag("zone")), ("blue", "north"));

    let query = &spans["query"];
    assert_eq!((query.parent_id, query.error), (root.span_id, 1));
    assert_eq!(query.service, "shop-front", "a child has its parent's service");
    assert_eq!(query.resource, "db.query", "the name stands in for a missing resource");
    let error =
        [("error.message", "no answer in 5 s"), ("error.stack", "at query()\nat main()"), ("error.type", "Timeout")];
    assert_eq!(own_tags(query), pairs(&error));

    let (inner, leaf) = (&spans["inner"], &spans["leaf"]);
    assert_eq!((inner.name.as_str(), inner.error, inner.parent_id), ("template.render.page", 1, root.span_id));
    assert_eq!((leaf.parent_id, leaf.trace_id), (inner.span_id, root.trace_id));

    let flagged = &spans["flagged"];
    assert_eq!((flagged.name.as_str(), flagged.parent_id), ("cache.get", 0), "a finished parent: a new trace");
    assert_ne!(flagged.trace_id, root.trace_id);

    let batch = &spans["batch"];
    assert_eq!((batch.name.as_str(), batch.service.as_str(), batch.resource.as_str()), ("batch", "night", "job 9"));
    assert_eq!((batch.kind.as_str(), batch.start, batch.duration), ("worker", 1700000000123456789, 987654321));
    assert_eq!(own_tags(batch), pairs(&[("color", "red"), ("fla", "sweet")]));
    assert_eq!(own_metrics(batch), [("weight".to_owned(), 0.25)]);

    let traces = agent.traces();
    let old = traces.iter().flatten().find(|span| span.name == "old").expect("a submitted span arrives");
    assert_eq!((old.trace_id, old.span_id, old.start, old.duration, old.error), (2, 3, 1700000000000000000, 5, 1));
    assert_eq!((old.service.as_str(), old.resource.as_str(), old.kind.as_str()), ("s", "r", "t"));
    assert_eq!(old.tag("from"), "a log");
    let names: Vec<&str> = traces.iter().flatten().map(|span| span.name.as_str()).collect();
    assert!(names.contains(&"old.part"));
    assert!(!names.contains(&"discarded"), "a discarded span is not sent");
    assert!(!names.contains(&"unfinished.root"), "an open span is not sent");
    assert_eq!(ran.stat("spans_sent"), names.len() as u64);
    assert_eq!((ran.stat("spans_discarded"), ran.stat("spans_abandoned"), ran.dropped()), (1, 1, 0));
    agent.assert_checks_passed();
}

#[test]
fn times_are_those_of_the_clock() {
    let Some(agent) = TestAgent::start() else { return };
    let Some((ran, spans)) = shapes(&agent, &agent.tcp()) else { return };
    let clock = ran.object("clock");
    let at = |key: &str| clock[key].as_i64().unwrap_or_default();
    let root = &spans["root"];
    assert!((at("before")..=at("after")).contains(&root.start), "{} not in {clock}", root.start);
    assert!(root.start + root.duration <= at("end") + 1_000_000, "a span ends after its end");
    let query = &spans["query"];
    assert!((20_000_000..2_000_000_000).contains(&query.duration), "20 ms asleep were {} ns", query.duration);
    for key in ["query", "inner", "leaf"] {
        assert!(spans[key].start >= root.start, "{key} starts before its root");
        assert!(spans[key].start + spans[key].duration <= root.start + root.duration, "{key} ends after its root");
    }
}

#[test]
fn tags_of_a_chunk_are_on_its_first_span_only() {
    let Some(agent) = TestAgent::start() else { return };
    let Some((ran, spans)) = shapes(&agent, &agent.tcp()) else { return };
    let high: HashMap<u64, u64> = ran
        .objects("span")
        .iter()
        .map(|ids| (ids["id"].as_u64().unwrap_or_default(), ids["high"].as_u64().unwrap_or_default()))
        .collect();
    let chunks = agent.chunks();
    for chunk in &chunks {
        for (place, span) in chunk.iter().enumerate() {
            let tid = span.meta.get("_dd.p.tid");
            if place > 0 {
                assert_eq!(tid, None, "{}: the high half again", span.name);
                assert!(!span.metrics.contains_key("_sampling_priority_v1"), "{}: the priority again", span.name);
                continue;
            }
            let wanted = high.get(&span.span_id).copied().or((span.name == "old").then_some(1));
            let wanted = wanted.unwrap_or_else(|| panic!("{} comes first in its chunk", span.name));
            assert_eq!(tid, Some(&format!("{wanted:016x}")), "{}", span.name);
            assert!(span.metrics.contains_key("_sampling_priority_v1"), "{}: no priority", span.name);
        }
    }
    let first = |name: &str| chunks.iter().find(|chunk| chunk[0].name == name).unwrap_or_else(|| panic!("{name}"));
    let of_root: Vec<u64> = first("web.request").iter().map(|span| span.span_id).collect();
    let wanted = ["root", "query", "inner", "leaf"].map(|key| spans[key].span_id);
    assert_eq!(of_root, wanted, "a chunk is in the order of the starts");
    let consume = &first("consume")[0];
    assert_eq!(consume.trace_id, 5208512171318403364);
    assert_eq!(consume.parent_id, 4236643421324217041, "the remote parent");
    assert_eq!((consume.metrics["_sampling_priority_v1"], consume.tag("_dd.p.dm")), (2.0, "-4"), "the remote decision");
    let root = &first("web.request")[0];
    assert_eq!((root.metrics["_sampling_priority_v1"], root.tag("_dd.p.dm")), (1.0, "-0"));
    assert_eq!(root.metrics["_dd.top_level"], 1.0);
    assert_eq!(first("finished.part").len(), 1, "what is finished of an unfinished trace goes out at shutdown");
}

#[test]
fn requests_name_the_language_the_tracer_and_the_number_of_traces() {
    let Some(agent) = TestAgent::start() else { return };
    let Some(host) = host("steady.c") else { return };
    let identity =
        [("SPANWIRE_LANGUAGE", "teapot"), ("SPANWIRE_LANGUAGE_VERSION", "4.18"), ("SPANWIRE_INTERPRETER", "brew")];
    let host = identity.iter().fold(host.agent(&agent.tcp()), |host, (name, value)| host.env(name, value));
    host.arg(10).arg(3).arg(0).arg(0).arg(5000).run().ok();
    let requests = agent.trace_requests();
    assert!(!requests.is_empty());
    for request in &requests {
        let is = |name: &str, value: &str| assert_eq!(request.header(name), value, "{name}");
        is("Content-Type", "application/msgpack");
        is("Content-Length", &request.body.len().to_string());
        is("Datadog-Meta-Lang", "teapot");
        is("Datadog-Meta-Lang-Version", "4.18");
        is("Datadog-Meta-Lang-Interpreter", "brew");
        is("Datadog-Client-Computed-Top-Level", "true");
        assert!(!request.header("Datadog-Meta-Tracer-Version").is_empty());
        assert!(!request.header("Datadog-Send-Real-Http-Status").is_empty());
        assert!(request.header("Transfer-Encoding").is_empty(), "the test agent, and proxies, want a known length");
    }
    let traces: usize = requests.iter().filter_map(|r| r.header("X-Datadog-Trace-Count").parse::<usize>().ok()).sum();
    assert_eq!(traces, 10);
    agent.assert_checks_passed();
}

#[test]
fn a_unix_socket_serves_as_well() {
    let Some(agent) = TestAgent::start() else { return };
    let Some((ran, spans)) = shapes(&agent, &agent.unix()) else { return };
    assert_eq!(spans["query"].parent_id, spans["root"].span_id);
    assert_eq!(spans["batch"].duration, 987654321);
    assert_eq!(ran.dropped(), 0);
    agent.assert_checks_passed();
}

/// Starts the Agent 3 s after the host, which has finished all its traces by then.
fn nothing_is_lost_while_the_agent_is_not_there_yet(url: impl Fn(&Place) -> String) {
    let Some(place) = Place::reserve() else { return };
    let Some(host) = host("steady.c") else { return };
    let running = host.agent(&url(&place)).arg(500).arg(4).arg(100).arg(0).arg(30_000).spawn();
    std::thread::sleep(Duration::from_secs(3));
    let agent = place.start();
    let ran = running.wait().ok();
    assert_eq!(ran.object("steady")["flushed"], 0, "{}", ran.stdout);
    let traces = agent.traces();
    assert_eq!(traces.len(), 500);
    assert!(traces.iter().all(|trace| trace.len() == 4), "each span of each trace, once");
    assert_eq!((ran.stat("spans_sent"), ran.dropped()), (2000, 0));
    agent.assert_checks_passed();
}

#[test]
fn an_agent_that_starts_late_misses_nothing_over_tcp() {
    nothing_is_lost_while_the_agent_is_not_there_yet(Place::tcp);
}

#[test]
fn an_agent_that_starts_late_misses_nothing_over_a_unix_socket() {
    nothing_is_lost_while_the_agent_is_not_there_yet(Place::unix);
}

#[test]
fn large_and_small_traces_arrive_whole() {
    let Some(agent) = TestAgent::start() else { return };
    let Some(host) = host("steady.c") else { return };
    // More spans in a trace than a partial flush sends, and payloads well above the size of one flush.
    let ran = host.agent(&agent.tcp()).arg(3).arg(2500).arg(300).arg(0).arg(20_000).run().ok();
    let traces = agent.traces();
    assert_eq!(traces.iter().map(Vec::len).collect::<Vec<_>>(), [2500, 2500, 2500]);
    for trace in &traces {
        let roots: Vec<&Span> = trace.iter().filter(|span| span.parent_id == 0).collect();
        assert_eq!(roots.len(), 1);
        assert!(trace.iter().all(|span| span.parent_id == 0 || span.parent_id == roots[0].span_id));
        assert!(trace.iter().all(|span| span.tag("filling").len() == 300));
    }
    assert_eq!(ran.stat("spans_sent"), 7500);
    agent.assert_checks_passed();
}
