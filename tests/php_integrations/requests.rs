//! request.php: the root span of requests and scripts, whatever ends them.

use crate::extension::{folder, php};
use crate::fpm::Fpm;
use crate::hops::{limited, Service};
use crate::support::agent::TestAgent;
use crate::support::hosts::root;
use crate::support::payload::Span;
use crate::support::{free_ports, http, wait_until};
use crate::{both, integration};
use std::time::Duration;

/// How a request ends, its status, and the type of the error on the root span.
const ENDS: [(&str, &str, &str); 8] = [
    ("", "200", ""),
    ("missing", "404", ""),
    ("failed", "503", "marked"),
    ("exit", "200", ""),
    ("fatal", "500", "Error"),
    ("memory", "500", "Fatal error"),
    ("fatal_page", "503", "Error"),
    ("exit_at_end", "410", ""),
];

const TRACE: u64 = 0x1122_10f4_7de9_8115;
const PARENT: u64 = 987_654_321;

/// Requests `PREFIX/users/42` with each end, and checks the trace of each.
fn assert_each_end(service: &Service, prefix: &str, agent: &TestAgent) {
    for (number, (end, status, error)) in ENDS.iter().enumerate() {
        let trace = TRACE + number as u64;
        let (trace_id, parent_id) = (trace.to_string(), PARENT.to_string());
        let headers =
            [("x-datadog-trace-id", trace_id.as_str()), ("x-datadog-parent-id", &parent_id), ("User-Agent", "test/1")];
        let path = format!("{prefix}/users/42?end={end}&token=sesame");
        let answer =
            http::get(service.port, &path, &headers).unwrap_or_else(|e| panic!("{end}: {e}\n{}", service.log()));
        assert_eq!(answer.status.to_string(), *status, "{end}: {}\n{}", answer.text(), service.log());
        let mut spans: Vec<Span> = Vec::new();
        let complete = || {
            spans = agent.traces().into_iter().flatten().filter(|span| span.trace_id == trace).collect();
            spans.len() >= 3
        };
        assert!(wait_until(Duration::from_secs(20), complete), "{end}: {spans:?}\n{}", service.log());
        let find = |name: &str| {
            spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{end}: no {name} in {spans:?}"))
        };
        let (request, work, late) = (find("web.request"), find("work"), find("late"));
        assert_eq!(
            (request.parent_id, work.parent_id, late.parent_id),
            (PARENT, request.span_id, request.span_id),
            "{end}"
        );
        assert_eq!(
            (request.kind.as_str(), request.resource.as_str()),
            ("web", format!("GET {prefix}/users/?").as_str())
        );
        assert!(
            late.start + late.duration <= request.start + request.duration,
            "{end}: ended before its shutdown function"
        );
        let tags = ["http.method", "http.url", "http.useragent", "span.kind", "component"].map(|tag| request.tag(tag));
        let name = if end.is_empty() { "?" } else { "end" };
        let url = format!("http://127.0.0.1{prefix}/users/42?{name}&token");
        assert_eq!(tags, ["GET", &url, "test/1", "server", "php"], "{end}");
        assert_eq!(request.tag("http.status_code"), *status, "{end}");
        assert_eq!(request.error, i64::from(!error.is_empty()), "{end}: {request:?}");
        assert_eq!(request.tag("error.type"), error.replace("marked", ""), "{end}");
    }
}

fn prepend() -> String {
    format!("auto_prepend_file={}", integration("request.php").display())
}

#[test]
fn nginx_and_php_fpm_have_a_root_span_for_each_request() {
    let (Some(php), Some(agent)) = (php(), TestAgent::start()) else { return };
    let settings = [prepend(), "display_errors=0".to_owned()];
    let Some(fpm) = Fpm::serve(php, &agent, &root().join("tests/php_integrations/end.php"), &settings, &[]) else {
        return;
    };
    assert_each_end(&fpm.service, "", &agent);
    agent.assert_checks_passed();
}

#[test]
fn phps_own_server_has_a_root_span_for_each_request_with_the_extension_and_without() {
    let (Some(php), Some(agent)) = (php(), TestAgent::start()) else { return };
    for how in ["extension", "ffi"] {
        let port = free_ports(1);
        let mut server = limited("php");
        if how == "ffi" {
            server.args(["-n", "-d", "extension=ffi", "-d", "ffi.enable=1", "-d"]);
            server.arg(format!("spanwire.library={}", php.library.display()));
        } else {
            server.args(php.arguments());
        }
        server.args(["-d", &prepend(), "-d", "display_errors=0", "-S", &format!("127.0.0.1:{port}"), "-t"]);
        server.arg(root().join("tests/php_integrations"));
        let service = Service::start_at("php", port, server, &agent);
        assert_each_end(&service, "/end.php", &agent);
        agent.set_rates("{}"); // starts a new session: the next server's traces have the same ids
    }
}

#[test]
fn a_script_on_the_command_line_has_a_root_span_however_it_ends() {
    let Some(php) = php() else { return };
    let script = root().join("tests/php_integrations/end.php");
    for (how, host) in both(php, &[], &[prepend()]) {
        for (end, _, error) in ENDS {
            let file = folder("script").join(format!("{how}.json"));
            let _ = std::fs::remove_file(&file);
            // The environment of a script carries no request.
            let host = host.clone().agent(&format!("file://{}", file.display())).env("HTTP_X_DATADOG_TRACE_ID", 5);
            host.arg(script.display()).arg(end).run();
            let chunk = std::fs::read_to_string(&file).unwrap_or_default();
            let chunk: serde_json::Value =
                serde_json::from_str(&chunk).unwrap_or_else(|e| panic!("{how}, {end}: {e}: {chunk}"));
            let spans = chunk["spans"].as_array().expect("spans");
            let find = |name: &str| {
                spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{how}, {end}: {chunk}"))
            };
            let (run, late) = (find("cli.command"), find("late"));
            assert_eq!(
                (run["resource"].as_str(), run["type"].as_str()),
                (Some("end.php"), Some("cli")),
                "{how}, {end}"
            );
            assert_eq!(
                (&run["parent_id"], &late["parent_id"]),
                (&"0".into(), &run["span_id"]),
                "{how}, {end}: {chunk}"
            );
            let expected = if error == "marked" { "" } else { error };
            let told = |tag: &str| run["meta"][tag].as_str().unwrap_or_default();
            assert_eq!((told("error.type"), told("http.status_code")), (expected, ""), "{how}, {end}: {chunk}");
            assert_eq!(run["error"], i64::from(!expected.is_empty()), "{how}, {end}: {chunk}");
        }
    }
}
