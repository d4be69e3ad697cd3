//! `spanwire agent` between a tracer and an Agent or a Collector: it shows what passes, and passes it as it is.

#[path = "formats/collector.rs"]
mod collector;
#[path = "formats/server.rs"]
mod server;
mod support;

use collector::{Collector, Reply};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::agent::TestAgent;
use support::hosts::{host, root};
use support::http;

/// The companion, which passes requests on to a URL.
struct Between {
    process: Child,
    port: u16,
}

impl Between {
    fn start(forward: &str) -> Between {
        let port = support::free_ports(1);
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
        command.args(["agent", "--verbose", "--full", "--port", &port.to_string(), "--forward", forward]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = command.spawn().expect("the companion starts");
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(support::wait_until(Duration::from_secs(60), listens));
        Between { process, port }
    }

    /// What it has shown, and what it has said.
    fn ended(mut self) -> (String, String) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let (mut shown, mut said) = (String::new(), String::new());
        let _ = self.process.stdout.take().map(|mut out| out.read_to_string(&mut shown));
        let _ = self.process.stderr.take().map(|mut out| out.read_to_string(&mut said));
        (shown, said)
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn v07_is_shown_as_another_agent_decodes_it_and_passed_on() {
    let Some(agent) = TestAgent::start() else { return };
    let mut python = Command::new(root().join("target/venv/bin/python"));
    let made = python.arg(root().join("tests/between/v07.py")).output().expect("Python runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let between = Between::start(&agent.tcp());
    let headers = [("Content-Type", "application/msgpack"), ("X-Datadog-Trace-Count", "2")];
    let headers = [&headers[..], &[("Datadog-Meta-Tracer-Version", "4.16.0")]].concat();
    let send = |body| http::send(between.port, "PUT", "/v0.7/traces", &headers, body).expect("an answer");
    let answer = send(&made.stdout);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let traces = agent.traces();
    assert_ne!(send(&made.stdout[..made.stdout.len() - 9]).status, 200);
    let (shown, said) = between.ended();
    let passed = agent.requests().into_iter().find(|request| request.url.ends_with("/v0.7/traces"));
    assert!(passed.is_some_and(|request| request.body == made.stdout), "{said}");
    assert_eq!(traces.iter().map(Vec::len).sum::<usize>(), 4);
    for span in traces.iter().flatten() {
        for text in [&span.name, &span.resource, &span.service].into_iter().chain(span.meta.values()) {
            assert!(shown.contains(text.as_str()), "{text:?} is missing:\n{shown}");
        }
    }
    // What the other agent leaves out: the fields of payload and chunks.
    for (text, times) in [("of the payload", 3), ("synthetics", 3), ("1.2.3", 4), ("pod:web", 2), ("_dd.p.dm", 1)] {
        assert_eq!(shown.matches(text).count(), times, "{text}:\n{shown}");
    }
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for priority in ["_sampling_priority_v1 2 ", "_sampling_priority_v1 -1"] {
        assert!(words.contains(priority), "{priority}:\n{shown}");
    }
    assert!(said.contains("/v0.7/traces → 200, 2 traces, 4 spans"), "{said}");
    assert!(said.contains("but it cannot be read here: malformed payload: byte "), "{said}");
}

#[test]
fn the_receiver_lists_what_it_takes() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
    let port = support::free_ports(1);
    command.args(["agent", "--port", &port.to_string()]).stdin(Stdio::null());
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the companion starts");
    let between = Between { process, port };
    let answers = || http::get(port, "/info", &[]).is_ok();
    assert!(support::wait_until(Duration::from_secs(30), answers));
    let info = http::get(between.port, "/info", &[]).expect("an answer").text();
    for path in ["/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v0.7/traces", "/v1.0/traces"] {
        assert!(info.contains(path), "{info}");
    }
}

#[test]
fn a_collectors_partial_success_and_refusal_pass_as_they_are() {
    // partial_success { rejected_spans: 1, error_message: "<7 days" }; then google.rpc.Status, with a message.
    const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";
    const REPLIES: &[Reply] = &[
        (200, PROTOBUF, b"\x0a\x0b\x08\x01\x12\x07<7 days"),
        (400, PROTOBUF, b"\x08\x03\x12\x06broken"),
        (200, PROTOBUF, b""),
    ];
    let collector = Collector::start(REPLIES);
    let between = Between::start(&collector.url("otlp+http"));
    let Some(host) = host("flushing.c") else { return };
    let host = host.env("SPANWIRE_LOG_SINKS", "stderr").env("SPANWIRE_LOG_DIALECT", "json").env("DD_TRACE_DEBUG", "1");
    let outcome = host.agent(&format!("otlp+http://127.0.0.1:{}", between.port)).arg(3).arg(0).run().ok();
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("dropped_refused")), (1, 2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("<7 days") && outcome.stderr.contains("broken"), "{}", outcome.stderr);
    let (_, said) = between.ended();
    assert!(said.contains("but 1 of them were refused: <7 days"), "{said}");
    assert_eq!(collector.received().len(), 3);
}
