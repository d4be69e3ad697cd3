//! Every format holds the same spans: random traces, decoded by programs that are not ours (`formats/traces.py`, `formats/judge`)
//! and passed on by a collector that is not ours (`formats/rotel.rs`). An agent gets the format that is asked for as long as it
//! takes it (`formats/changing.rs`).

#[path = "formats/changing.rs"]
mod changing;
#[path = "formats/collector.rs"]
mod collector;
#[path = "formats/judge.rs"]
mod judge;
#[path = "formats/rotel.rs"]
mod rotel;
#[path = "formats/server.rs"]
mod server;
mod support;

use changing::{Changing, Kind, Phase};
use collector::{Collector, Reply};
use rotel::Rotel;
use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use support::agent::{Place, TestAgent};
use support::folder::Folder;
use support::hosts::{host, require, root, Host, Outcome};

fn python(arguments: &[&str]) -> String {
    let mut command = Command::new(root().join("target/venv/bin/python"));
    let output = command.arg(root().join("tests/formats/traces.py")).args(arguments).output().expect("Python runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.trim().to_owned()
}

/// How many spans with attributes of all types a sender sends besides those of the file.
const TYPED: u64 = 200;
/// As many traces of five spans come with them.
const ADDED: u64 = 6 * TYPED;

fn sender(version: &str, traces: &str, spans: &str, typed: u64) -> Option<Host> {
    let host = host("formats.c")?.env("DD_SERVICE", "shop").env("DD_ENV", "prod").env("DD_VERSION", "1.2.3");
    let host =
        host.env("DD_TAGS", "team.of:core").env("DD_GIT_COMMIT_SHA", "abc").env("SPANWIRE_REQUEST_TIMEOUT_MS", 30_000);
    let host = host.env("SPANWIRE_LOG_SINKS", "ring").env("SPANWIRE_LOG_DIALECT", "json").env("DD_TRACE_DEBUG", "1");
    // The first span of such a trace has the rate as a text.
    let rules = r#"[{"name":"usual","resource":"GET /users","sample_rate":1},{"name":"usual","sample_rate":0.999999}]"#;
    let host = host.env("DD_TRACE_SAMPLING_RULES", rules).env("DD_TRACE_RATE_LIMIT", 1_000_000);
    Some(host.env("DD_TRACE_AGENT_PROTOCOL_VERSION", version).arg(traces).arg(spans).arg(typed))
}

/// Writes payloads to a file, each behind its length. Returns how many bytes they have.
fn keep(bodies: impl Iterator<Item = Vec<u8>>, file: &str) -> usize {
    let framed: Vec<u8> =
        bodies.flat_map(|body| [&(body.len() as u32).to_le_bytes()[..], &body[..]].concat()).collect();
    std::fs::write(file, &framed).expect("a file");
    framed.len()
}

fn compare(files: &[(String, String)]) {
    let files: Vec<String> = files.iter().map(|(name, file)| format!("{name}={file}")).collect();
    let mut arguments = vec!["compare"];
    arguments.extend(files.iter().map(String::as_str));
    println!("{}", python(&arguments));
}

#[test]
fn a_thousand_random_traces_are_the_same_in_every_format() {
    let folder = Folder::new("random");
    let traces = folder.path("traces");
    if Place::reserve().is_none() {
        return;
    }
    let spans = python(&["make", &traces]);
    let mut files = Vec::new();
    for (name, version, path) in [
        ("v04", "0.4", "/v0.4/traces"),
        ("v05", "0.5", "/v0.5/traces"),
        ("v1", "1.0", "/v1.0/traces"),
        ("otlp", "", "/v1/traces"),
    ] {
        let Some(host) = sender(version, &traces, &spans, TYPED) else { return };
        let agent = TestAgent::start().expect("it is installed");
        if version.is_empty() {
            host.arg("blind").agent(&agent.otlp()).run().ok();
        } else {
            host.agent(&agent.tcp()).run().ok();
            agent.assert_checks_passed();
        }
        let file = folder.path(name);
        let taken = agent.requests().into_iter().filter(|request| request.url.ends_with(path));
        let taken: Vec<Vec<u8>> = taken.map(|request| request.body).collect();
        // The agent refuses more than 1 MiB of OTLP; such a payload is sent in halves.
        assert!(!version.is_empty() || taken.iter().all(|body| body.len() <= 1 << 20));
        let bytes = keep(taken.into_iter(), &file);
        println!("{name}: {bytes} bytes for {spans} spans and {ADDED}");
        files.push((name.to_owned(), file));
    }
    compare(&files);

    // The same payloads, read by the trace-agent's and the Collector's own decoders.
    let Some(judge) = judge::Judge::build() else { return };
    let judged = files.iter().map(|(name, file)| {
        let decoded = format!("{file}.json");
        judge.decode(name, file, &decoded);
        (format!("{}-{name}", if name == "otlp" { "collector" } else { "agent" }), decoded)
    });
    let judged: Vec<_> = judged.collect();
    compare(&[&files[..1], &judged].concat());
}

#[test]
fn spans_that_the_trace_agent_has_read_are_the_same_if_the_library_sends_them() {
    let folder = Folder::new("samples");
    if Place::reserve().is_none() {
        return;
    }
    for (name, version, path) in [("v05", "0.5", "/v0.5/traces"), ("v1", "1.0", "/v1.0/traces")] {
        let samples = root().join("tests/formats/samples").join(format!("{name}.jsonl")).display().to_string();
        let (traces, file) = (folder.path("traces"), folder.path(name));
        let spans = python(&["again", &format!("sample-{name}={samples}"), &traces]);
        let Some(host) = sender(version, &traces, &spans, 0) else { return };
        let agent = TestAgent::start().expect("it is installed");
        host.agent(&agent.tcp()).run().ok();
        let taken = agent.requests().into_iter().filter(|request| request.url.ends_with(path));
        keep(taken.map(|request| request.body), &file);
        let mut files = vec![(format!("sample-{name}"), samples), (name.to_owned(), file.clone())];
        if let Some(judge) = judge::Judge::build() {
            let decoded = format!("{file}.json");
            judge.decode(name, &file, &decoded);
            files.push((format!("agent-{name}"), decoded));
        }
        compare(&files);
    }
}

#[test]
fn a_collector_of_others_takes_every_span_and_passes_it_on() {
    let folder = Folder::new("rotel");
    let traces = folder.path("traces");
    if Place::reserve().is_none() || !require("rotel") {
        return;
    }
    let spans = python(&["make", &traces]);
    let Some(host) = sender("", &traces, &spans, TYPED) else { return };
    let direct = Collector::start(&[TAKEN]);
    host.clone().arg("blind").agent(&direct.url("otlp+http")).run().ok();
    let mut files = vec![("otlp".to_owned(), folder.path("otlp"))];
    keep(direct.received().into_iter().map(|(_, body)| body), &files[0].1);
    for compression in ["none", "gzip"] {
        let behind = Collector::start(&[TAKEN]);
        let rotel = Rotel::start(Path::new(&folder.path(compression)), &behind.url("http"));
        let host = host.clone().env("OTEL_EXPORTER_OTLP_COMPRESSION", compression);
        host.arg("blind").agent(&rotel.otlp()).run().ok();
        rotel.stop();
        let name = format!("rotel-{compression}-otlp");
        let file = folder.path(&name);
        // Others may ask at this port, too: tests run at the same time, and ports are used again.
        let its = behind.received().into_iter().filter(|(head, _)| head.path == "/v1/traces");
        keep(its.map(|(_, body)| body), &file);
        files.push((name, file));
    }
    compare(&files);
}

const OLD: &[&str] = &["/v0.4/traces"];
const BOTH: &[&str] = &["/v0.4/traces", "/v1.0/traces"];
const FOREVER: usize = usize::MAX;

/// Sends traces to an agent with these phases, asking for v1.0. Returns the paths and answers, and what the host said.
fn sent_to(phases: &'static [Phase], retry_ms: u32) -> Option<(Vec<(String, u16)>, Outcome)> {
    let agent = Changing::start(phases);
    let host = host("flushing.c")?.env("DD_SERVICE", "shop").env("DD_TRACE_AGENT_PROTOCOL_VERSION", "1.0");
    let host = host.env("SPANWIRE_LOG_SINKS", "stderr").env("SPANWIRE_LOG_DIALECT", "json").env("DD_TRACE_DEBUG", "1");
    let host = host.env("SPANWIRE_RETRY_FOR_MS", retry_ms).env("DD_REMOTE_CONFIGURATION_ENABLED", "false");
    let outcome = host.agent(&agent.url()).arg(100).arg(10_000).run().ok();
    assert_eq!(outcome.stat("spans_finished"), 100);
    assert_eq!(outcome.stat("spans_sent") + outcome.dropped(), 100, "nothing is lost uncounted");
    Some((agent.received(), outcome))
}

/// The lines that say that another format is used: the path, and the status that was the reason.
fn lines(outcome: &Outcome) -> Vec<(String, Json)> {
    let lines = outcome.stderr.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let said = lines.filter(|line| line["kind"] == "agent.format");
    said.map(|line| {
        let url = line["url"].as_str().unwrap_or_default();
        let path = url.find("/v").map_or("", |at| &url[at..]).to_owned();
        (path, line["refused"].clone())
    })
    .collect()
}

/// The paths in the order of arrival, each once as long as it does not change.
fn paths(received: &[(String, u16)]) -> Vec<&str> {
    let mut paths: Vec<&str> = received.iter().map(|(path, _)| path.as_str()).collect();
    paths.dedup();
    paths
}

const AGENT: Phase = Phase { payloads: FOREVER, lists: BOTH, serves: BOTH, state: "a", kind: Kind::Agent };

#[test]
fn an_agent_that_loses_a_format_is_sent_the_same_traces_in_another_one() {
    const PHASES: &[Phase] = &[Phase { payloads: 20, ..AGENT }, Phase { lists: OLD, serves: OLD, state: "b", ..AGENT }];
    let Some((received, outcome)) = sent_to(PHASES, 60_000) else { return };
    assert!(paths(&received).ends_with(&["/v1.0/traces", "/v0.4/traces"]), "{:?}", paths(&received));
    assert_eq!(received.iter().filter(|(_, status)| *status == 404).count(), 1);
    assert_eq!(lines(&outcome), [("/v0.4/traces".to_owned(), Json::from(404))]);
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("attempts_failed")), (100, 1));
}

#[test]
fn an_agent_that_gains_a_format_is_sent_it_and_one_line_says_so() {
    const PHASES: &[Phase] = &[Phase { payloads: 20, lists: OLD, serves: OLD, ..AGENT }, Phase { state: "b", ..AGENT }];
    let Some((received, outcome)) = sent_to(PHASES, 60_000) else { return };
    assert_eq!(paths(&received), ["/v0.4/traces", "/v1.0/traces"]);
    let said = lines(&outcome);
    assert_eq!(said.last(), Some(&("/v1.0/traces".to_owned(), Json::Null)));
    assert!(said.len() <= 2, "{said:?}");
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("attempts_failed")), (100, 0));
}

#[test]
fn a_format_that_is_listed_and_refused_is_tried_once() {
    const PHASES: [&[Phase]; 2] =
        [&[Phase { serves: OLD, ..AGENT }], &[Phase { serves: OLD, kind: Kind::Unsupporting, ..AGENT }]];
    for (phases, status) in PHASES.into_iter().zip([404, 415]) {
        let Some((received, outcome)) = sent_to(phases, 60_000) else { return };
        assert_eq!(received.iter().filter(|(path, _)| path == "/v1.0/traces").count(), 1);
        assert_eq!(lines(&outcome), [("/v0.4/traces".to_owned(), Json::from(status))]);
        assert_eq!(outcome.stat("spans_sent"), 100);
    }
}

#[test]
fn an_agent_that_takes_no_format_is_logged_once() {
    const PHASES: &[Phase] = &[Phase { serves: &[], ..AGENT }];
    let Some((_, outcome)) = sent_to(PHASES, 60_000) else { return };
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("dropped_refused")), (0, 100));
    assert!(lines(&outcome).len() <= 2, "{:?}", lines(&outcome));
}

#[test]
fn an_agent_that_comes_back_as_a_newer_version_is_asked_again_what_it_takes() {
    // Neither says its state.
    const PHASES: &[Phase] = &[
        Phase { payloads: 20, lists: OLD, serves: OLD, state: "", ..AGENT },
        Phase { payloads: 3, kind: Kind::Away, ..AGENT },
        Phase { state: "", ..AGENT },
    ];
    let Some((received, outcome)) = sent_to(PHASES, 60_000) else { return };
    assert_eq!(paths(&received), ["/v0.4/traces", "/v1.0/traces"]);
    assert_eq!(outcome.stat("spans_sent"), 100);
}

#[test]
fn a_web_server_that_answers_200_has_not_taken_anything() {
    const A_WHILE: &[Phase] = &[Phase { payloads: 3, kind: Kind::Web, ..AGENT }, AGENT];
    let Some((received, outcome)) = sent_to(A_WHILE, 60_000) else { return };
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("attempts_failed")), (100, 3));
    assert!(received.len() >= 103 && outcome.stderr.contains("<!DOCTYPE html>"));
    const WEB: &[Phase] = &[Phase { kind: Kind::Web, ..AGENT }];
    let Some((_, outcome)) = sent_to(WEB, 0) else { return };
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("dropped_refused")), (0, 100));
}

const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";
const TAKEN: Reply = (200, PROTOBUF, b"");

/// Sends three traces as OTLP to a collector that answers so.
fn sent_as_otlp(replies: &'static [Reply], env: &[(&str, &str)]) -> Option<(Collector, Outcome)> {
    let collector = Collector::start(replies);
    let host = host("flushing.c")?.env("DD_SERVICE", "shop").env("SPANWIRE_LOG_SINKS", "stderr");
    let host = host.env("DD_TRACE_DEBUG", "1").env("SPANWIRE_LOG_DIALECT", "json").arg(3).arg(0);
    let host = host.env("OTEL_TRACES_EXPORTER", "otlp").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url("http"));
    let outcome = env.iter().fold(host, |host, (name, value)| host.env(name, value)).run().ok();
    assert_eq!(outcome.stat("spans_sent") + outcome.dropped(), 3, "nothing is lost uncounted");
    Some((collector, outcome))
}

#[test]
fn a_collector_gets_headers_of_the_settings_and_no_log_shows_their_values() {
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-team-key=hunter2%20,Other=two");
    let Some((collector, outcome)) = sent_as_otlp(&[TAKEN], &[headers]) else { return };
    assert_eq!(outcome.stat("spans_sent"), 3);
    for (head, body) in collector.received() {
        assert_eq!((head.method.as_str(), head.path.as_str()), ("POST", "/v1/traces"));
        assert_eq!(head.header("content-type"), Some("application/x-protobuf"));
        assert_eq!((head.header("x-team-key"), head.header("other")), (Some("hunter2"), Some("two")));
        assert!(body.windows(4).any(|window| window == b"shop") && head.header("content-encoding").is_none());
    }
    assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("/v1/traces"));
}

#[test]
fn what_a_collector_refuses_in_part_is_counted_and_its_reason_logged() {
    // partial_success { rejected_spans: 1, error_message: "<7 days" }, which is no HTML.
    const PARTIAL: Reply = (200, PROTOBUF, b"\x0a\x0b\x08\x01\x12\x07<7 days");
    let Some((_, outcome)) = sent_as_otlp(&[PARTIAL, TAKEN], &[]) else { return };
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("dropped_refused")), (2, 1));
    assert!(outcome.stderr.contains("<7 days"));
}

#[test]
fn a_busy_collector_is_sent_the_same_spans_again_and_one_that_fails_is_not() {
    const BUSY: Reply = (429, "Retry-After: 1\r\n", b"");
    let Some((collector, outcome)) = sent_as_otlp(&[BUSY, (503, "", b""), TAKEN], &[]) else { return };
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("attempts_failed")), (3, 2));
    let bodies: Vec<Vec<u8>> = collector.received().into_iter().map(|(_, body)| body).collect();
    assert!(bodies.len() == 5 && bodies[0] == bodies[1] && bodies[1] == bodies[2]);
    // google.rpc.Status { code: 13, message: "broken" }: OTLP forbids another attempt after 500.
    const BROKEN: Reply = (500, PROTOBUF, b"\x08\x0d\x12\x06broken");
    const FAILING: [&[Reply]; 2] = [&[(404, "", b"")], &[BROKEN]];
    for replies in FAILING {
        let Some((collector, outcome)) = sent_as_otlp(replies, &[]) else { return };
        assert_eq!((outcome.stat("spans_sent"), outcome.stat("dropped_refused")), (0, 3));
        assert_eq!(collector.received().len(), 3, "each payload is sent once");
        assert_eq!(outcome.stderr.contains("broken"), replies[0].0 == 500, "{}", outcome.stderr);
    }
}

#[test]
fn a_collector_gets_gzip_if_the_settings_say_so() {
    let Some((collector, _)) = sent_as_otlp(&[TAKEN], &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]) else { return };
    for (head, body) in collector.received() {
        assert_eq!(head.header("content-encoding"), Some("gzip"));
        let mut whole = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&body[..]), &mut whole).expect("gzip");
        assert!(whole.windows(4).any(|window| window == b"shop"));
    }
}

#[test]
fn the_companion_receives_every_format_and_passes_it_on() {
    let folder = Folder::new("companion");
    let traces = folder.path("traces");
    if Place::reserve().is_none() {
        return;
    }
    let spans = python(&["make", &traces]);
    for (version, path) in
        [("0.4", "/v0.4/traces"), ("0.5", "/v0.5/traces"), ("1.0", "/v1.0/traces"), ("", "/v1/traces")]
    {
        let Some(host) = sender(version, &traces, &spans, TYPED) else { return };
        let agent = TestAgent::start().expect("it is installed");
        let (forward, port) = (if version.is_empty() { agent.otlp() } else { agent.tcp() }, support::free_ports(1));
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
        command.args(["agent", "--verbose", "--port", &port.to_string(), "--forward", &forward]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut program = command.spawn().expect("the companion starts");
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(support::wait_until(std::time::Duration::from_secs(30), listens));
        if version.is_empty() {
            host.arg("blind").agent(&format!("otlp+http://127.0.0.1:{port}")).run().ok();
        } else {
            host.agent(&format!("http://127.0.0.1:{port}")).run().ok();
        }
        // One line for each request, once it is printed. The test agent refuses more than 1 MiB of OTLP.
        let (mut seen, mut said, all) = (0, String::new(), ADDED + spans.parse::<u64>().expect("a number"));
        let mut lines = BufReader::new(program.stderr.take().expect("its output")).lines();
        while seen < all {
            let line = lines.next().unwrap_or_else(|| panic!("{seen} of {spans} spans: {said}")).expect("text");
            let before = line.split(" span").next().and_then(|text| text.rsplit(' ').next()?.parse::<u64>().ok());
            seen += before.filter(|_| line.contains(" → 200") && line.contains(" trace")).unwrap_or(0);
            said += &format!("{line}\n");
        }
        assert_eq!(seen, all);
        assert!((!said.contains("warning") || said.contains("→ 413")) && said.contains(path), "{said}");
        let _ = program.kill();
        let _ = program.wait();
        assert!(agent.requests().iter().any(|request| request.url.ends_with(path)), "{path} was passed on");
    }
}
