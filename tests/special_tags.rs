//! The tags that the library adds by itself, on the spans that shall have them and on no others, as the test agent and
//! Python's `msgpack` decode them.

mod support;

use serde_json::{json, Value as Json};
use support::agent::TestAgent;
use support::hosts::host;
use support::payload::{decoded_by_python, Span};

const SETTINGS: &[(&str, &str)] = &[
    ("DD_SERVICE", "shop"),
    ("DD_ENV", "prod"),
    ("DD_VERSION", "1.2"),
    ("DD_TRACE_REPORT_HOSTNAME", "true"),
    ("DD_HOSTNAME", "machine-7"),
    ("DD_GIT_REPOSITORY_URL", "https://me:hush@git.example/shop.git"),
    ("DD_GIT_COMMIT_SHA", "c0ffee"),
];

/// The tags that belong to the first span of a chunk alone.
const FIRST: &[&str] = &[
    "_dd.p.dm",
    "_dd.p.tid",
    "_dd.p.ts",
    "_dd.hostname",
    "_dd.git.repository_url",
    "_dd.git.commit.sha",
    "_dd.tags.process",
    "runtime-id",
    "language",
];

/// What an agent got: spans by name, from the test agent and from Python. And the host's process id.
fn sent(more: &[(&str, &str)]) -> Option<(Vec<Span>, Vec<Json>, f64)> {
    let agent = TestAgent::start()?;
    let host = SETTINGS.iter().chain(more).fold(host("special_tags.c")?, |host, (name, value)| host.env(name, value));
    let outcome = host.agent(&agent.tcp()).run().ok();
    agent.assert_checks_passed();
    let array = |value: &Json| value.as_array().cloned().unwrap_or_default();
    let bodies = agent.trace_requests().into_iter().map(|request| decoded_by_python(&request.body));
    let python = bodies.flat_map(|body| array(&body)).flat_map(|chunk| array(&chunk)).collect();
    let id = outcome.object("process")["id"].as_f64().expect("a number");
    Some((agent.traces().into_iter().flatten().collect(), python, id))
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}"))
}

#[test]
fn spans_have_the_tags_of_process_trace_and_service() {
    let Some((spans, python, process_id)) = sent(&[]) else { return };
    assert_eq!((spans.len(), python.len()), (7, 7));
    let root = named(&spans, "continued");
    for (key, text) in [
        ("_dd.origin", "synthetics"),
        ("_dd.p.dm", "-4"),
        ("_dd.p.tid", "640cfd8d00000000"),
        ("_dd.p.ts", "02"),
        ("_dd.hostname", "machine-7"),
        ("_dd.git.repository_url", "https://git.example/shop.git"),
        ("_dd.git.commit.sha", "c0ffee"),
        ("language", "native"),
        ("env", "prod"),
        ("version", "1.2"),
    ] {
        assert_eq!(root.tag(key), text, "{key}");
    }
    assert_eq!(root.tag("runtime-id").len(), 36);
    let process = root.tag("_dd.tags.process");
    assert!(process.contains("entrypoint.name:tests-hosts-special_tags-c,entrypoint.type:executable"), "{process}");
    assert!(process.ends_with(",svc.user:true"), "{process}");
    assert_eq!(root.metrics.get("process_id"), Some(&process_id));
    assert_eq!(root.metrics.get("_sampling_priority_v1"), Some(&2.0));
    for span in spans.iter().filter(|span| !["continued", "new"].contains(&span.name.as_str())) {
        assert_eq!((span.tag("_dd.origin"), span.tag("env")), ("synthetics", "prod"), "{}", span.name);
        assert!(FIRST.iter().all(|key| !span.meta.contains_key(*key)), "{span:?}");
        assert!(!span.metrics.contains_key("process_id") && !span.metrics.contains_key("_sampling_priority_v1"));
    }
    let new = named(&spans, "new");
    assert!(FIRST.iter().all(|key| new.meta.contains_key(*key) != (*key == "_dd.p.ts")), "{new:?}");
    assert_eq!((new.tag("runtime-id"), new.meta.contains_key("_dd.origin")), (root.tag("runtime-id"), false));

    let row = named(&spans, "row");
    let details = ["error.type", "error.message", "error.stack"].map(|key| row.tag(key));
    assert_eq!((row.error, details), (1, ["Timeout", "no answer", "at f()"]));

    // Python reads the same from the bytes.
    for span in &spans {
        let read = python.iter().find(|read| read["span_id"] == span.span_id).expect("the span");
        assert_eq!((&read["meta"], &read["metrics"]), (&json!(span.meta), &json!(span.metrics)));
    }
}

#[test]
fn spans_of_another_service_name_the_base_service_and_are_top_level_where_it_changes() {
    let Some((spans, _, _)) = sent(&[]) else { return };
    let seen = |name: &str| {
        let span = named(&spans, name);
        let top = span.metrics.get("_dd.top_level") == Some(&1.0);
        let base = span.meta.get("_dd.base_service").map(String::as_str);
        (span.service.as_str(), base, span.tag("version"), top)
    };
    assert_eq!(seen("continued"), ("shop", None, "1.2", true));
    assert_eq!(seen("inner"), ("shop", None, "1.2", false));
    assert_eq!(seen("query"), ("db", Some("shop"), "", true));
    assert_eq!(seen("row"), ("db", Some("shop"), "", false));
    assert_eq!(seen("named"), ("shop", None, "1.2", true));
    assert_eq!(seen("said"), ("other", Some("the host's own"), "", true));
    assert_eq!(named(&spans, "inner").metrics.get("_dd.measured"), Some(&1.0));
    assert_eq!(spans.iter().filter(|span| span.metrics.contains_key("_dd.measured")).count(), 1);
}

#[test]
fn process_tags_and_host_name_can_be_turned_off() {
    let off = [("DD_EXPERIMENTAL_PROPAGATE_PROCESS_TAGS_ENABLED", "false"), ("DD_TRACE_REPORT_HOSTNAME", "false")];
    let Some((spans, _, _)) = sent(&off) else { return };
    assert!(spans.iter().all(|span| !span.meta.contains_key("_dd.tags.process")));
    assert!(spans.iter().all(|span| !span.meta.contains_key("_dd.hostname")));
}
