//! Ruby's example.

use super::{good_agent, nobody, pulled, Span};
use crate::support::log::expect_in_order;

#[test]
fn spans_are_printed_as_the_page_shows_them() {
    let agent = good_agent();
    let root = Span {
        name: "rack.request",
        service: "todo",
        resource: "NotesController#index",
        kind: "web",
        ids: [0, 77, 8, 0],
        start_ns: 1_655_495_482_247_869_300,
        duration_ns: 11_985_000,
    };
    let tags = [
        ("system.pid", "476"),
        ("env", "dev"),
        ("language", "ruby"),
        ("http.method", "GET"),
        ("http.url", "/notes"),
        ("http.base_url", "http://0.0.0.0:3000"),
        ("http.status_code", "304"),
        ("http.response.headers.x_request_id", "0a1b"),
    ];
    let child = |id| Span { name: "render", ids: [0, 77, id, 8], ..root };
    let mut script = format!("new\n{}", root.record(&tags, &[("allocations", "1202")]));
    (9..12).for_each(|id| script += &child(id).record(&[], &[]));
    script += "submit\nflush\t2000\npoll\nshutdown\t2000\n";
    let Some(records) = pulled("ruby", &agent.url(), &script) else { return };
    let block = " Name: rack.request
Span ID: 8
Parent ID: 0
Trace ID: 77
Type: web
Service: todo
Resource: NotesController#index
Error: 0
Start: 1655495482247869300
End: 1655495482259854300
Duration: 11985000
Allocations: 1202
Tags: [
   system.pid => 476,
   env => dev,
   language => ruby,
   http.method => GET,
   http.url => /notes,
   http.base_url => http://0.0.0.0:3000,
   http.status_code => 304,
   http.response.headers.x_request_id => 0a1b]
Metrics: [
";
    let text = records.iter().map(|record| record.text.as_str()).collect::<Vec<_>>().join("\n");
    assert!(text.contains(block), "{text}");
    let first =
        "D, [‹d›-‹d›-‹w› #‹d›] DEBUG -- ddtrace: [ddtrace] (‹w›/ddtrace-‹w›/lib/ddtrace/tracer.rb:371:in `write') \
                 Writing 4 spans (enabled: true)";
    assert!(
        records.iter().any(|record| {
            let line = record.text.lines().next().unwrap_or("");
            crate::support::log::matches(first, line) && record.message.starts_with("Writing 4 spans (enabled: true)")
        }),
        "{text}"
    );
}

#[test]
fn an_agent_that_is_not_there_is_an_error_first_and_then_only_debug() {
    let script = "new\nstart\ta\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\n\
                  start\tb\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\npoll\nshutdown\t2000\n";
    let Some(records) = pulled("ruby", &nobody(), script) else { return };
    let line = |letter, severity| {
        format!(
            "{letter}, [‹d›-‹d›-‹w› #‹d›] {severity} -- ddtrace: [ddtrace] (‹*›) Internal error during HTTP transport \
             request. Cause: Failed to open TCP connection to 127.0.0.1:‹d› (Connection refused - connect(2) for \
             \"127.0.0.1\" port ‹d›) Location: ‹*›"
        )
    };
    expect_in_order(&records, &[&line("E", "ERROR"), &line("D", "DEBUG")]);
}
