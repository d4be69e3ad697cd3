//! Logs of every tracer in both of its forms, and what stands around their lines.

use super::plant::Folder;
use super::{doctor, fixture};
use std::fs;
use std::process::Command;

#[track_caller]
fn reads(name: &str, answers: [&str; 3], counts: &[(&str, u64)], causes: &[&str]) {
    let visit = doctor(&[&fixture(name)]);
    assert_eq!(visit.answers(), answers, "{name}: {:#}", visit.report);
    for (what, count) in counts {
        assert_eq!(visit.count(what), *count, "{name}: {what}: {:#}", visit.report["facts"]);
    }
    assert_eq!(visit.causes(), causes, "{name}: {:#}", visit.report);
    assert_eq!(visit.status, 1);
}

#[test]
fn java() {
    let counts = [("spans_finished", 3), ("spans_written", 3), ("traces_sent", 3), ("payloads_failed", 3)];
    reads("java.page.log", ["yes", "yes", "partly"], &counts, &["agent.down", "agent.http_413"]);
    let counts =
        [("spans_started", 1), ("spans_finished", 1), ("traces_sent", 4), ("bytes_sent", 1608), ("integrations", 1)];
    let causes = ["setting.rejected", "agent.down", "agent.http_413", "queue.full"];
    reads("java.source.log", ["yes", "yes", "partly"], &counts, &causes);
}

#[test]
fn python() {
    let counts = [("spans_finished", 2), ("payloads_sent", 2), ("bytes_sent", 3180), ("payloads_failed", 4)];
    let causes = ["agent.down", "agent.http_413", "queue.full", "spans.too_large"];
    reads("python.page.log", ["yes", "yes", "partly"], &counts, &causes);
    let counts = [("spans_started", 1), ("spans_finished", 1), ("traces_sent", 2), ("traces_lost", 2)];
    let causes = [
        "setting.rejected",
        "spans.unfinished",
        "integration.failed",
        "agent.down",
        "agent.http_404",
        "agent.http_413",
        "queue.full",
        "spans.too_large",
    ];
    reads("python.source.log", ["yes", "yes", "partly"], &counts, &causes);
}

#[test]
fn ruby() {
    let counts = [("spans_written", 6), ("payloads_failed", 1)];
    reads("ruby.page.log", ["yes", "yes", "no"], &counts, &["agent.down", "spans.too_large"]);
    let counts = [("spans_written", 1), ("payloads_sending", 1), ("payloads_failed", 2)];
    let causes = ["setting.rejected", "agent.down", "agent.http_413", "spans.too_large", "spans.dropped"];
    reads("ruby.source.log", ["yes", "yes", "no"], &counts, &causes);
}

#[test]
fn go() {
    let causes = [
        "spans.unfinished",
        "agent.bad_url",
        "agent.down",
        "agent.http_413",
        "queue.full",
        "spans.too_large",
        "spans.dropped",
    ];
    let counts = [("spans_started", 1), ("payloads_sending", 2), ("payloads_sent", 0), ("traces_lost", 6)];
    reads("go.page.log", ["yes", "yes", "no"], &counts, &causes);
    let counts = [("spans_finished", 1), ("payloads_sent", 1), ("traces_sent", 2), ("traces_lost", 4)];
    reads("go.source.log", ["yes", "yes", "partly"], &counts, &causes);
}

#[test]
fn node() {
    let counts = [("spans_written", 1), ("payloads_sent", 2), ("payloads_failed", 5)];
    reads("node.page.log", ["yes", "yes", "partly"], &counts, &["agent.down", "agent.http_413"]);
    let counts = [("spans_written", 1), ("payloads_sent", 1), ("traces_sent", 2), ("payloads_failed", 2)];
    let causes = ["agent.down", "agent.http_413", "queue.full", "spans.too_large"];
    reads("node.source.log", ["yes", "yes", "partly"], &counts, &causes);
}

#[test]
fn dotnet() {
    let counts = [("spans_started", 2), ("spans_finished", 2), ("traces_sent", 2), ("payloads_failed", 2)];
    reads("dotnet.page.log", ["yes", "yes", "partly"], &counts, &["agent.down", "spans.shutdown"]);
    let counts = [("spans_started", 1), ("spans_written", 2), ("traces_sent", 2), ("payloads_failed", 2)];
    let causes = ["setting.rejected", "agent.down", "agent.http_413", "queue.full", "spans.shutdown"];
    reads("dotnet.source.log", ["yes", "yes", "partly"], &counts, &causes);
}

#[test]
fn php() {
    let counts = [("spans_written", 2), ("payloads_sending", 2), ("integrations", 2)];
    reads("php.page.log", ["yes", "yes", "no"], &counts, &["agent.down", "spans.too_large"]);
    let counts = [("spans_started", 1), ("spans_finished", 1), ("bytes_sent", 1608), ("payloads_failed", 2)];
    let causes = ["spans.unfinished", "agent.bad_url", "agent.down", "queue.full", "spans.too_large"];
    reads("php.source.log", ["yes", "yes", "partly"], &counts, &causes);
}

#[test]
fn cpp() {
    reads("cpp.page.log", ["unknown", "yes", "no"], &[("payloads_failed", 1)], &["agent.down"]);
    reads("cpp.source.log", ["yes", "yes", "no"], &[("payloads_failed", 2)], &["agent.down", "agent.http_413"]);
}

#[test]
fn our_own_in_both_forms() {
    let counts = [("spans_started", 1), ("spans_sent", 2), ("traces_sent", 1), ("records_lost", 6), ("traces_lost", 1)];
    let causes = [
        "spans.unfinished",
        "agent.bad_url",
        "agent.http_404",
        "queue.full",
        "spans.shutdown",
        "panic.caught",
        "log.unwritable",
        "log.records_lost",
    ];
    for name in ["native.log", "json.log"] {
        reads(name, ["yes", "yes", "partly"], &counts, &causes);
        let visit = doctor(&[&fixture(name)]);
        assert_eq!(visit.standing("agent.down"), Some("note"), "it was reached again, and nothing was lost by it");
        assert_eq!(visit.report["facts"]["tracers"][0]["dropped"]["queue_full"]["spans"], 30);
    }
}

#[test]
fn lines_are_known_whatever_wraps_them() {
    let folder = Folder::new("wrapped");
    let native = "2026-11-24T16:47:22.691Z spanwire[42] DEBUG payload sent: size=8B traces=1 spans=2 time=1ms url=u status=200 answer=x";
    let node = "Response from the agent: {}";
    for line in [
        format!("web-1  | {native}\r\n"),
        format!("2026-11-24T16:47:22.691Z stderr F {native}\n"),
        format!("{{\"log\":\"{native}\\n\",\"stream\":\"stderr\",\"time\":\"t\"}}\n"),
        format!("\0\0\0{native}"),
        format!("\u{feff}{native}\n"),
        format!("web-1  | {node}\n"),
        format!("2026-11-24T16:47:22.691Z stdout F {node}\n"),
    ] {
        assert_eq!(doctor(&[&folder.file("a.log", &line)]).count("payloads_sent"), 1, "{line:?}");
    }
    let mut torn = fs::read(fixture("native.log")).expect("a log");
    for length in (0..torn.len()).rev().step_by(97) {
        torn.truncate(length);
        let visit = doctor(&[&folder.file("torn.log", &torn)]);
        assert!((0..=1).contains(&visit.status), "{length}: {}", visit.stderr);
    }
}

#[test]
fn several_tracers_are_told_apart() {
    let visit = doctor(&[&fixture("java.source.log"), &fixture("python.source.log"), &fixture("native.log")]);
    let tracers = visit.report["facts"]["tracers"].as_array().cloned().unwrap_or_default();
    let languages: Vec<&str> = tracers.iter().filter_map(|tracer| tracer["language"].as_str()).collect();
    assert_eq!(languages, ["Java", "Python", "spanwire"]);
    let text = Command::new(env!("CARGO_BIN_EXE_spanwire")).arg("doctor").arg(fixture("java.source.log")).output();
    let text = String::from_utf8(text.expect("it runs").stdout).expect("text");
    assert!(text.starts_with("1. Did the tracer start?\n") && !text.contains('\x1b'), "{text}");
}

#[test]
fn our_own_words_are_known_in_the_form_of_every_language() {
    let folder = Folder::new("words");
    let words = "spanwire: loss began: reason=queue_full; spans are being dropped, and counted";
    for (before, language) in [
        ("[spanwire-worker] WARN spanwire - ", "Java"),
        ("[dd.trace 2026-11-24 16:06:35:147 +0000] [w] WARN spanwire - ", "Java"),
        ("2026-11-24 16:06:35,147 WARNING [ddtrace] [spanwire.py:1] - ", "Python"),
        ("2026-11-24 16:06:35,147 WARNING [spanwire] [x.py:1] - ", "Python"),
        ("W, [2026-11-24T16:06:35.147563 #476]  WARN -- datadog: [datadog] ", "Ruby"),
        ("2026/11/24 16:06:35 Datadog Tracer v2.11.0 WARN: ", "Go"),
        ("", "Node.js"),
        ("2026-11-24 16:06:35.147 +00:00 [WRN] ", ".NET"),
        ("[24-Nov-2026 16:06:35 UTC] [ddtrace] [warning] [476] ", "PHP"),
    ] {
        for words in [words, &words[10..]]
            .into_iter()
            .take(if before.contains("spanwire - ") || before.contains("[spanwire]") { 1 } else { 2 })
        {
            let visit = doctor(&[&folder.file("a.log", format!("{before}{words}\n"))]);
            let found = visit.report["facts"]["tracers"][0]["language"].as_str();
            visit.names("queue.full");
            assert_eq!(found, Some(language), "{before}{words}");
        }
    }
}

#[test]
fn an_applications_own_lines_are_not_a_tracers() {
    let folder = Folder::new("application");
    let lines = "2026-11-24 16:06:35.147 +00:00 [INF] Application started. Error sending payload to the agent of HR\n\
                 {\"time\":\"2026-11-24T16:47:22.691Z\",\"level\":\"info\",\"kind\":\"startup\"}\n\
                 {\"level\":30,\"msg\":\"we lost 3 traces: of the suspects\"}\n\
                 He said: Response from the agent: none\n";
    let visit = doctor(&[&folder.file("app.log", lines)]);
    visit.names("log.no_tracer_lines");
    assert_eq!(visit.answers(), ["unknown"; 3]);
}

/// In every frame in which the library's own words can stand, as docs/log-lines.md shows them.
#[test]
fn a_thread_that_cannot_be_started_is_found_in_every_dialect() {
    let lines = fs::read_to_string(super::support::hosts::root().join("docs/log-lines.md")).expect("the page");
    let usual =
        "internal error caught: index out of bounds; the host is not affected; please report this line with the \
                 version in use";
    let words =
        "cannot start thread \"spanwire-worker\": Resource temporarily unavailable (errno 11); spans wait in the \
                 queue until it runs; check ulimit -u and the container's limit of processes (pids.max)";
    let object = r#"{"time":"2026-11-24T16:06:35.147Z","level":"error","pid":476,"kind":"limits.threads","thread":"spanwire-worker","errno":11}"#;
    let frames = lines.lines().filter(|line| line.contains(usual)).map(|line| line.replace(usual, words));
    let frames: Vec<String> = frames.chain([object.to_string()]).collect();
    assert!(frames.len() > 14, "{frames:#?}");
    let folder = Folder::new("threads");
    for (n, line) in frames.iter().enumerate() {
        let visit = doctor(&[&folder.file(&format!("{n}.log"), format!("{line}\n"))]);
        assert_eq!(visit.causes(), ["limits.threads"], "{line}");
        visit.names("limits.threads");
    }
    let runs = object.replace("\"errno\":11", "\"after_ns\":1000");
    assert_eq!(doctor(&[&folder.file("runs.log", &runs)]).causes(), [""; 0]);
}
