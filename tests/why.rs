//! `spanwire why`: from a running process, from a core, with ids in many forms, and of traces that no process knows.

#[allow(dead_code)] // cores of crashes use more of it
#[path = "support/crash.rs"]
mod crash;
#[allow(dead_code)] // other tests use more of it
#[path = "support/live.rs"]
mod live;
mod support;

use live::{companion, companion_as_nobody, fates as host};
use serde_json::Value as Json;
use std::process::Command;
use support::faults::{always, FaultAgent, Reply};

fn good_agent() -> FaultAgent {
    always(Reply::Ok).start()
}

/// The answer as text, and the exit status.
fn why(arguments: &[&str]) -> (String, Option<i32>) {
    let output = companion(&[&["why"], arguments].concat());
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&text).into_owned(), output.status.code())
}

#[track_caller]
fn assert_says(arguments: &[&str], status: i32, words: &[&str]) {
    let (text, code) = why(arguments);
    assert_eq!(code, Some(status), "{arguments:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{arguments:?}: nothing says {word:?}:\n{text}");
    }
}

#[test]
fn each_fate_of_a_running_process_is_one_sentence_with_its_evidence() {
    let rules = r#"[{"name":"none","sample_rate":1},{"resource":"many","sample_rate":0}]"#;
    let agent = good_agent();
    let actions = ["trace", "many=1", "discard", "open", "flush=20000", "wait"];
    let Some(host) = host(&agent.url(), &actions, &[("DD_TRACE_SAMPLING_RULES", rules)]) else { return };
    let pid = host.pid().to_string();
    let of = |what: &str| host.trace(what);
    let sent = ["service shop, web.request", "2 spans sent, and the Agent answered 200", "retention filters"];
    assert_says(&[&of("trace"), "--pid", &pid], 0, &sent);
    let rejected = [
        "1 span sent, and the Agent answered 200; sampling rejected it with priority -1, by rule 2 of DD_TRACE_SAMPLING_RULES",
        "DD_TRACE_SAMPLING_RULES=[{",
        "set by the environment",
    ];
    assert_says(&[&of("many"), "--pid", &pid], 0, &rejected);
    assert_says(&[&of("discard"), "--pid", &pid], 0, &["the host discarded its spans", "discarded 1"]);
    let open = ["not complete: 1 span of it open", "web.request, span", "1 span finished and waiting", "ctl"];
    assert_says(&[&of("open"), "--pid", &pid], 0, &open);
    // Without a process, all of this user are asked.
    assert_says(&[&of("trace")], 0, &[&format!("in process {pid}")]);

    let (text, code) = why(&[&of("trace"), "--pid", &pid, "--json"]);
    let object: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((code, &object["status"]), (Some(0), &0.into()));
    let found = &object["found"][0];
    assert_eq!((&found["pid"], &found["fate"]["state"]), (&host.pid().into(), &"sent".into()), "{found:#}");
}

#[test]
fn a_dropped_trace_names_the_counter_and_what_to_do() {
    let port = support::free_ports(1);
    let url = format!("http://127.0.0.1:{port}");
    let Some(host) = host(&url, &["trace", "flush=20000", "wait"], &[("SPANWIRE_RETRY_FOR_MS", "100")]) else { return };
    let words = [
        "2 spans dropped (dropped_unreachable): the Agent could not be reached: Connection refused",
        "dropped_unreachable 2 of 2 finished spans",
        &format!("DD_TRACE_AGENT_URL={url}, set by the environment"),
        "-> Start the Agent",
    ];
    assert_says(&[&host.trace("trace"), "--pid", &host.pid().to_string()], 0, &words);
}

#[test]
fn an_id_is_understood_in_every_form() {
    let agent = good_agent();
    let Some(host) = host(&agent.url(), &["trace", "flush=20000", "wait"], &[]) else { return };
    let (pid, hex) = (host.pid().to_string(), host.trace("trace"));
    let low = u64::from_str_radix(&hex[16..], 16).expect("digits");
    let whole = u128::from_str_radix(&hex, 16).expect("digits");
    for id in [
        hex.clone(),
        hex.to_uppercase(),
        format!("0x{hex}"),
        hex[16..].to_owned(),
        low.to_string(),
        whole.to_string(),
        format!("dd.trace_id={low}"),
        format!("\"dd.trace_id\":\"{hex}\""),
        format!("00-{hex}-00f067aa0ba902b7-01"),
    ] {
        assert_says(&[&id, "--pid", &pid], 0, &[&format!("Trace {hex}"), "the Agent answered 200"]);
    }
    assert_says(&["shop", "--pid", &pid], 2, &["is no trace id"]);
    assert_says(&["1234567890123456", "--pid", &pid], 1, &["(decimal) and", "(hexadecimal): no process knows it"]);
}

#[test]
fn a_trace_that_is_not_known_comes_with_what_that_means() {
    let agent = good_agent();
    let (old, now) = ("5f0000000000000000000000000000aa", "7fffffffffffffff");
    let ask = |actions: &[&str], settings: &[(&str, &str)], id: &str, words: &[&str]| {
        let Some(host) = host(&agent.url(), actions, settings) else { return };
        assert_says(&[id, "--pid", &host.pid().to_string()], 1, words);
    };
    ask(&["trace", "flush=20000", "wait"], &[], old, &["the trace began at 2020-07-04", "a process that has ended"]);
    ask(&["trace", "flush=20000", "wait"], &[], now, &["knows all its 1 trace since", "never in this process"]);
    let off = [("DD_TRACE_ENABLED", "false")];
    ask(&["trace", "wait"], &off, now, &["tracing is disabled by DD_TRACE_ENABLED=false, set by the environment"]);
    ask(&["wait"], &[], now, &["has a tracer, and has started no span"]);
    let many = [("SPANWIRE_QUEUE_MAX_CHUNKS", "100000")];
    let words = ["keeps the last 16384 traces, the oldest of which is from", "older, or was never in this process"];
    ask(&["many=17000", "flush=20000", "wait"], &many, now, &words);
    // A child that has made no call.
    let words = ["has not called the library since: it has made no trace"];
    let Some(host) = host(&agent.url(), &["trace", "fork", "wait"], &[]) else { return };
    let child = host.said.last().expect("ready").1["pid"].to_string();
    assert_says(&[now, "--pid", &child], 1, &words);

    let mut other = Command::new("sleep").arg("60").spawn().expect("sleep starts");
    assert_says(&[now, "--pid", &other.id().to_string()], 2, &["have no flight recorder"]);
    other.kill().and_then(|()| other.wait()).expect("sleep ends");
    assert_says(&[now, "--pid", "4294967295"], 2, &["there is no process 4294967295"]);
}

#[test]
fn the_parent_of_a_family_stands_for_its_children() {
    let agent = good_agent();
    let Some(host) = host(&agent.url(), &["trace", "flush=20000", "fork", "keep", "flush=20000", "wait"], &[]) else {
        return;
    };
    let child = host.said.last().expect("ready").1["pid"].to_string();
    let parent = host.pid().to_string();
    assert_ne!(child, parent);
    assert_says(&[&host.trace("keep"), "--pid", &parent], 0, &[&format!("in process {child}"), "priority 2"]);
    assert_says(&[&host.trace("trace"), "--pid", &parent], 0, &[&format!("in process {parent}")]);
}

#[test]
fn a_core_answers_after_the_process_is_gone() {
    if !support::hosts::require("gcore") {
        return;
    }
    let port = support::free_ports(1);
    let url = format!("http://127.0.0.1:{port}");
    let settings = [("SPANWIRE_RETRY_FOR_MS", "100")];
    let Some(host) = host(&url, &["trace", "open", "flush=20000", "wait"], &settings) else { return };
    let folder = crash::Folder::new("why");
    let (pid, trace, open) = (host.pid().to_string(), host.trace("trace"), host.trace("open"));
    let made = Command::new("gcore").arg("-o").arg(folder.0.join("core")).arg(&pid).output().expect("gcore runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    drop(host);
    let core = folder.core().display().to_string();
    let words = [&format!("in process {pid} in core"), "dropped_unreachable", "Connection refused"];
    assert_says(&[&trace, "--core", &core], 0, &words.map(|word| word as &str));
    assert_says(&[&open, "--core", &core], 0, &["not complete: 1 span of it open", "web.request"]);
    assert_says(&["7fffffffffffffff", "--core", &core], 1, &["never in this process"]);
}

#[test]
fn a_flare_answers_without_the_process() {
    let folder = crash::Folder::new("why-flare");
    let path = folder.0.join("flare.zip").display().to_string();
    let agent = good_agent();
    let settings = [("FATES_FLARE", path.as_str()), ("DD_TRACE_SAMPLE_RATE", "0")];
    let Some(host) = host(&agent.url(), &["trace", "discard", "flush=20000", "flare", "wait"], &settings) else {
        return;
    };
    let (trace, discarded) = (host.trace("trace"), host.trace("discard"));
    drop(host);
    let words = ["in flare", "the Agent answered 200; sampling rejected it with priority -1, by DD_TRACE_SAMPLE_RATE"];
    assert_says(&[&trace, "--flare", &path], 0, &words);
    assert_says(&[&discarded, "--flare", &path], 0, &["the host discarded its spans"]);
    assert!(!why(&[&discarded, "--flare", &path]).0.contains("counters of its tracer"), "a flare has no counters");
    assert_says(&["7fffffffffffffff", "--flare", &path], 1, &["holds 2 traces, the oldest of which is from"]);
    std::fs::write(folder.0.join("text"), "not a zip").expect("a file");
    let text = folder.0.join("text").display().to_string();
    assert_says(&[&trace, "--flare", &text], 2, &["is no flare"]);
}

#[test]
fn a_process_of_another_user_is_refused() {
    let agent = good_agent();
    let Some(host) = host(&agent.url(), &["trace", "flush=20000", "wait"], &[]) else { return };
    let (trace, pid) = (host.trace("trace"), host.pid().to_string());
    let Some(output) = companion_as_nobody(&["why", &trace, "--pid", &pid]) else { return };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("not allowed to look into process"), "{said}");
    let output = companion_as_nobody(&["why", &trace]).expect("as before");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("runs as another user (run this as root)"), "{said}");
}
