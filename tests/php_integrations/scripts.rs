//! PDO and curl on the command line.

use crate::extension::{folder, php};
use crate::hops::{limited, Service};
use crate::support::agent::TestAgent;
use crate::support::free_ports;
use crate::support::hosts::{require, root};
use crate::support::payload::Span;
use crate::{both, integration};
use serde_json::Value as Json;

/// Starts PHP's own server with `called.php`.
fn called(agent: &TestAgent) -> Service {
    let port = free_ports(1);
    let mut server = limited("php");
    server.args(["-n", "-S", &format!("127.0.0.1:{port}")]).arg(root().join("tests/php_integrations/called.php"));
    Service::start_at("php", port, server, agent)
}

#[test]
fn statements_of_pdo_and_requests_of_curl_are_client_spans_below_the_root() {
    let (Some(php), Some(agent)) = (php(), TestAgent::start()) else { return };
    if !require("php-sqlite3") || !require("php-curl") {
        return;
    }
    let called = called(&agent);
    let at = format!("127.0.0.1:{}", called.port);
    let settings = [format!("auto_prepend_file={}", integration("request.php").display())];
    for (how, host) in both(php, &["pdo", "pdo_sqlite", "curl"], &settings) {
        let script = root().join("tests/php_integrations/pdo_and_curl.php");
        let outcome = host.agent(&agent.tcp()).env("CALLED", &at).arg(script.display()).run().ok();
        assert_eq!(outcome.stderr, "", "{how}");
        let got: Json =
            serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{how}: {e}: {}", outcome.stdout));
        // The latest trace is this script's.
        let mut spans = agent.chunks().pop().expect("a trace");
        spans.sort_by_key(|span| span.start);
        let (root_span, children) = spans.split_first().expect("spans");
        assert_eq!((root_span.name.as_str(), root_span.parent_id), ("cli.command", 0), "{how}");
        assert!(children.iter().all(|span| span.parent_id == root_span.span_id && span.tag("span.kind") == "client"));
        let told = |span: &Span| format!("{}: {} {}", span.name, span.resource, span.error);
        let http =
            |name: &str, method: &str, path: &str, error: i64| format!("{name}: {method} http://{at}{path} {error}");
        let expected = [
            "PDO.exec: CREATE TABLE cart (id INTEGER, name TEXT) 0".to_owned(),
            "PDO.exec: INSERT INTO cart VALUES (?) 0".to_owned(),
            "PDO.query: SELECT id FROM cart WHERE name = ? 0".to_owned(),
            "PDOStatement.execute: SELECT name FROM \"cart\" WHERE id = :id 0".to_owned(),
            "PDO.exec: SELEC ? 1".to_owned(),
            "PDO.exec: SELEC ? 1".to_owned(),
            "PDO.commit: COMMIT 0".to_owned(),
            http("curl_exec", "GET", "/users/42", 0),
            http("curl_exec", "POST", "/users/42", 0),
            "curl_exec: POST http://127.0.0.1:1/ 1".to_owned(),
            http("curl_multi_exec", "POST", "/users/42", 0),
            http("curl_exec", "GET", "/missing", 1),
            format!("curl_exec: http://{at}/foreign 0"),
        ];
        assert_eq!(children.iter().map(told).collect::<Vec<_>>(), expected, "{how}");
        assert!(children[..7]
            .iter()
            .all(|span| span.kind == "sql" && span.tag("db.system") == "sqlite" && span.tag("db.name") == ":memory:"));
        assert_eq!((children[1].metrics["db.row_count"], children[4].tag("error.type")), (2.0, "PDOException"));
        assert!(children[5].tag("error.message").contains("SQLSTATE[HY000] near"), "{:?}", children[5]);
        assert!(children[7..].iter().all(|span| span.kind == "http" && span.tag("out.host") == "127.0.0.1"));
        assert_eq!(
            (children[7].tag("http.url"), children[7].tag("http.status_code")),
            (format!("http://{at}/users/42?api_key").as_str(), "200")
        );
        assert_eq!((children[9].tag("error.type"), children[11].tag("http.status_code")), ("curl error", "404"));
        for (call, method, mine, child) in [
            ("first", "GET", true, 7),
            ("again", "POST", true, 8),
            ("multi", "POST", true, 10),
            ("missing", "GET", false, 11),
        ] {
            let parent = children[child].span_id.to_string();
            let seen = &got[call];
            assert_eq!(
                (seen["method"].as_str(), seen["parent"].as_str()),
                (Some(method), Some(parent.as_str())),
                "{how}, {call}: {got}"
            );
            assert_eq!(seen["trace"].as_str(), Some(root_span.trace_id.to_string().as_str()), "{how}, {call}");
            assert_eq!(seen["mine"].as_str(), mine.then_some("1"), "{how}, {call}");
            let traceparent = format!("{:016x}-{:016x}-01", root_span.trace_id, children[child].span_id);
            assert!(
                seen["traceparent"].as_str().is_some_and(|text| text.ends_with(&traceparent)),
                "{how}, {call}: {got}"
            );
        }
        for call in ["untraced", "foreign"] {
            let seen = &got[call];
            assert_eq!(
                (&seen["parent"], seen["mine"].as_str(), seen["traceparent"].as_str()),
                (&Json::Null, Some("1"), Some("old")),
                "{how}, {call}: {got}"
            );
        }
        let texts = |span: &Span| format!("{span:?}");
        assert!(!spans.iter().any(|span| texts(span).contains("secret")), "{how}: {spans:?}");
    }
    agent.assert_checks_passed();
}

#[test]
fn each_integration_works_alone_and_does_nothing_without_the_library() {
    let Some(php) = php() else { return };
    if !require("php-sqlite3") || !require("php-curl") || !require("php-mysql") {
        return;
    }
    for file in ["shared", "pdo", "mysqli", "curl", "curl_multi", "monolog", "request"] {
        let script = folder("alone").join(format!("{file}.php"));
        let code = format!(
            "<?php require '{}'; require_once '{}'; $db = class_exists('Spanwire\\Integrations\\PDO') ? new Spanwire\\Integrations\\PDO('sqlite::memory:') : null; echo $db?->query('SELECT 5')->fetchColumn() ?? 5;",
            integration(&format!("{file}.php")).display(),
            integration("shared.php").display()
        );
        std::fs::write(&script, code).expect("a script");
        for (how, host) in both(php, &["pdo", "pdo_sqlite", "mysqlnd", "mysqli", "curl"], &[]) {
            for library in ["", "/nowhere/libspanwire.so.0"] {
                let host = if library.is_empty() {
                    host.clone()
                } else {
                    host.clone().arg("-d").arg(format!("spanwire.library={library}"))
                };
                let out = folder("alone").join(format!("{file}.json"));
                let outcome = host.agent(&format!("file://{}", out.display())).arg(script.display()).run().ok();
                assert_eq!(outcome.stdout, "5", "{how}, {file}, {library}: {}", outcome.stderr);
                assert!(
                    library.is_empty() != outcome.stderr.contains("tracing is off"),
                    "{how}, {file}: {}",
                    outcome.stderr
                );
            }
        }
    }
}
