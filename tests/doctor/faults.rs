//! Programs with a fault besides the fifteen, and programs without a fault: what the doctor finds in their logs.

use super::doctor;
use super::plant::Folder;
use super::planted::{at, each, ill, open_folder, But, Planted};
use super::support::faults::{always, first, Reply};
use spanwire::companion::languages::dialects;
use std::time::Duration;

fn well() -> Planted {
    let agent = always(Reply::Ok).start();
    at(agent.url()).keeping(agent)
}

#[test]
fn a_healthy_program_has_no_fault_in_any_dialect() {
    let (folder, planted) = (open_folder("healthy"), well());
    let found = each(&dialects(), |dialect| {
        let Some(visit) = planted.visit(&folder, dialect) else { return Vec::new() };
        // These tracers log no line for an accepted payload.
        let delivered = if ["ruby", "ruby@source", "go"].contains(dialect) { "unknown" } else { "yes" };
        let well = (visit.status, visit.causes().len(), visit.answers()) == (0, 0, ["yes", "yes", delivered]);
        if well {
            Vec::new()
        } else {
            vec![format!("{dialect}: {:#}", visit.report)]
        }
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
    let Some(visit) = planted.visit(&folder, "native") else { return };
    assert_eq!(visit.answers(), ["yes", "yes", "yes"]);
    let counts = ["spans_started", "spans_finished", "spans_written", "spans_sent", "traces_sent", "spans_open"];
    assert_eq!(counts.map(|name| visit.count(name)), [6, 6, 6, 6, 3, 0]);
}

#[test]
fn an_agent_that_was_away_for_a_moment_is_no_fault() {
    let folder = open_folder("moment");
    let agent = first(&[Reply::Reset, Reply::Status(503, "")], Reply::Ok).start();
    let planted = at(agent.url()).keeping(agent).env("SPANWIRE_RETRY_FOR_MS", 60_000);
    let Some(visit) = planted.visit(&folder, "native") else { return };
    assert_eq!((visit.status, visit.standing("agent.http_5xx")), (0, Some("note")), "{:#}", visit.report);
    assert_eq!(visit.answers(), ["yes", "yes", "yes"]);
}

#[test]
fn what_answers_is_no_agent() {
    let agent = always(Reply::Garbage).for_info_too().start();
    ill("no agent", "agent.wrong_port", at(agent.url()).keeping(agent), &[]);
}

#[test]
fn an_agent_that_was_there_once_has_the_right_port() {
    let folder = open_folder("down");
    let agent = always(Reply::Ok).start();
    let (here, log) = (at(agent.url()), folder.path("down.log"));
    let here = here.env("DD_TRACE_LOG_FILE", log.display());
    if here.log(&folder, "native").is_none() {
        return;
    }
    drop(agent);
    here.log(&folder, "native");
    let visit = doctor(&[&log]);
    visit.names("agent.down");
    assert_eq!(visit.answers(), ["yes", "yes", "partly"]);
}

#[test]
fn a_socket_that_is_not_there() {
    ill("no socket", "agent.socket_missing", at("unix:///nonexistent/apm.socket"), &[]);
}

#[test]
fn an_agent_that_stalls() {
    let agent = always(Reply::Stall(Duration::from_secs(60))).start();
    let planted = at(agent.url()).keeping(agent).env("SPANWIRE_REQUEST_TIMEOUT_MS", 200);
    const NODE: &str = "Node.js says `socket hang up` of an answer that does not come, as of one that breaks off";
    let but: But = &[("node", "agent.connection_closed", NODE), ("node@source", "agent.connection_closed", NODE)];
    ill("stalls", "agent.timeout", planted, but);
}

#[test]
fn an_agent_that_hangs_up() {
    let agent = always(Reply::Reset).start();
    ill("hangs up", "agent.connection_closed", at(agent.url()).keeping(agent), &[]);
}

#[test]
fn no_span_at_all() {
    ill("no span", "spans.none", well().program("none"), &[]);
}

#[test]
fn a_url_of_a_scheme_that_is_no_agents() {
    ill("https", "agent.bad_url", at("https://127.0.0.1:1"), &[]);
}

#[test]
fn a_setting_that_cannot_be_used() {
    let planted = well().env("DD_TRACE_SAMPLE_RATE", "often").env("SPANWIRE_CONNECT_TIMEOUT_MS", "soon");
    ill("rejected", "setting.rejected", planted, &[]);
}

#[test]
fn tracing_that_is_off_has_no_span_and_no_other_fault() {
    let (folder, planted) = (open_folder("disabled"), well().env("DD_TRACE_ENABLED", "false"));
    let found = each(&dialects(), |dialect| {
        let Some(visit) = planted.visit(&folder, dialect) else { return Vec::new() };
        let fine = visit.causes() == ["tracing.disabled"] && visit.answers()[..2] == ["yes", "no"];
        if fine {
            Vec::new()
        } else {
            vec![format!("{dialect}: {:#}", visit.report)]
        }
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
    for line in [
        "DATADOG TRACER CONFIGURATION - {\"lang\":\"nodejs\",\"enabled\":false,\"debug\":true}\n",
        "2026-11-24 16:06:35,147 INFO [ddtrace.tracer] [t.py:1] - - DATADOG TRACER CONFIGURATION - {'enabled': False}\n",
    ] {
        let visit = doctor(&[&folder.file("a.log", line)]);
        visit.names("tracing.disabled");
        assert_eq!(visit.answers()[..2], ["yes", "no"], "{line}");
    }
}

#[test]
fn open_spans_are_counted() {
    let folder = open_folder("open");
    let visit = well().program("open").visit(&folder, "native");
    assert!(visit.is_none_or(|visit| visit.count("spans_open") == 3));
}

#[test]
fn settings_that_differ_between_two_files() {
    let folder = Folder::new("two");
    let start = |env: &str| {
        let url = "http://localhost:8126";
        format!("DATADOG TRACER CONFIGURATION - {{\"lang\":\"nodejs\",\"service\":\"shop\",\"env\":\"{env}\",\"agent_url\":\"{url}\"}}\n")
    };
    let (one, other) = (folder.file("one.log", start("a")), folder.file("two.log", start("b")));
    doctor(&[&one, &other]).names("settings.disagree");
    assert_eq!(doctor(&[&one, &one]).status, 0);
}

#[test]
fn a_log_that_is_read_too_slowly() {
    // Standard error is not read until the traces are made.
    const SLOW: &[&str] = &[
        "sh",
        "-c",
        "export MADE=\"$READ_LATE.made\"; \"$0\" \"$@\" 2>&1 >/dev/null | \
         (for n in $(seq 600); do [ -e \"$MADE\" ] && break; sleep 0.05; done; exec cat) >\"$READ_LATE\"",
    ];
    let planted = at("file:///dev/null").program("loud 3000").under(SLOW);
    ill("records lost", "log.records_lost", planted, &[]);
}
