//! Programs with one fault each: their logs name it.

use super::support::faults::{always, first, Reply};
use super::support::hosts::{host, Host};
use super::{doctor, support, Folder, Visit};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

/// `tests/hosts/doctor.c` in debug mode, its log in a file; `None` without a compiler.
fn program(folder: &Folder, what: &str) -> Option<(Host, PathBuf)> {
    let log = folder.0.join(format!("{what}.log"));
    let host = host("doctor.c")?.arg(what).env("DD_SERVICE", "shop").env("DD_TRACE_DEBUG", "true");
    Some((host.env("DD_TRACE_LOG_FILE", log.display()), log))
}

/// What the doctor says about the log of a program at this agent, in both of our dialects.
#[track_caller]
fn ill(what: &str, url: &str, cause: &str, prepare: impl Fn(Host) -> Host) -> Option<Visit> {
    let folder = Folder::new(&format!("{cause}.{what}"));
    let mut last = None;
    for dialect in ["native", "json"] {
        let (host, log) = program(&folder, what)?;
        let ran = prepare(host.agent(url).env("SPANWIRE_LOG_DIALECT", dialect)).run().ok();
        assert_eq!(ran.stdout, "", "the host has nothing to say");
        let visit = doctor(&[&log]);
        visit.names(cause);
        assert!(!visit.report.to_string().contains("hunter2"), "a secret is shown: {:#}", visit.report);
        fs::remove_file(&log).expect("its log");
        last = Some(visit);
    }
    last
}

fn same(host: Host) -> Host {
    host
}

/// The host gives up soon, so that a test about it need not wait.
fn brief(host: Host) -> Host {
    host.env("SPANWIRE_RETRY_FOR_MS", 400)
}

#[test]
fn a_healthy_program_has_no_fault() {
    let folder = Folder::new("healthy");
    let agent = always(Reply::Ok).start();
    let Some((host, log)) = program(&folder, "spans") else { return };
    host.agent(&agent.url()).run().ok();
    let visit = doctor(&[&log]);
    assert_eq!((visit.status, visit.causes()), (0, vec![]), "{:#}", visit.report);
    assert_eq!(visit.answers(), ["yes", "yes", "yes"]);
    let counts = ["spans_started", "spans_finished", "spans_written", "spans_sent", "traces_sent", "spans_open"];
    assert_eq!(counts.map(|name| visit.count(name)), [6, 6, 6, 6, 3, 0]);
}

#[test]
fn an_agent_that_was_away_for_a_moment_is_no_fault() {
    let folder = Folder::new("moment");
    let agent = first(&[Reply::Reset, Reply::Status(503, "")], Reply::Ok).start();
    let Some((host, log)) = program(&folder, "spans") else { return };
    host.agent(&agent.url()).run().ok();
    let visit = doctor(&[&log]);
    assert_eq!((visit.status, visit.standing("agent.http_5xx")), (0, Some("note")), "{:#}", visit.report);
    assert_eq!(visit.answers(), ["yes", "yes", "yes"]);
}

#[test]
fn wrong_port() {
    let port = support::free_ports(1);
    let visit = ill("spans", &format!("http://127.0.0.1:{port}"), "agent.wrong_port", brief);
    assert!(visit.is_none_or(|visit| visit.answers() == ["yes", "yes", "no"]));
}

#[test]
fn what_answers_is_no_agent() {
    let agent = always(Reply::Garbage).for_info_too().start();
    ill("spans", &agent.url(), "agent.not_an_agent", brief);
}

#[test]
fn agent_down() {
    let folder = Folder::new("down");
    let agent = first(&[Reply::Ok], Reply::Ok).start();
    // An agent that was there once: its port is right.
    let log = folder.0.join("down.log");
    let Some(host) = host("doctor.c") else { return };
    let host = brief(host.env("DD_TRACE_DEBUG", "true").env("DD_TRACE_LOG_FILE", log.display()).agent(&agent.url()));
    host.clone().arg("spans").run().ok();
    drop(agent);
    host.arg("spans").run().ok();
    let visit = doctor(&[&log]);
    visit.names("agent.down");
    assert_eq!(visit.answers(), ["yes", "yes", "partly"]);
    // The port of an agent, and nobody there: 127.0.0.9 is this machine too, and no agent binds to it.
    ill("spans", "http://127.0.0.9:8126", "agent.down", brief);
}

#[test]
fn socket_permissions() {
    let folder = Folder::new("socket");
    let path = folder.0.join("apm.socket");
    let _listener = UnixListener::bind(&path).expect("a socket");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    // Root may open anything, so that the host runs as somebody else.
    let prepare = |host: Host| {
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        brief(if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            host.under(&nobody)
        } else {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("its mode");
            host
        })
    };
    ill("spans", &format!("unix://{}", path.display()), "agent.socket_permission", prepare);
}

#[test]
fn a_socket_that_is_not_there() {
    ill("spans", "unix:///nonexistent/apm.socket", "agent.socket_missing", brief);
}

#[test]
fn http_413_429_and_404() {
    for (status, cause) in [(413, "agent.http_413"), (429, "agent.http_429"), (404, "agent.http_404")] {
        let agent = always(Reply::Status(status, "")).start();
        ill("spans", &agent.url(), cause, brief);
    }
}

#[test]
fn an_agent_that_stalls() {
    let agent = always(Reply::Stall(Duration::from_secs(60))).start();
    ill("spans", &agent.url(), "agent.timeout", |host| brief(host).env("SPANWIRE_REQUEST_TIMEOUT_MS", 200));
}

#[test]
fn tracing_disabled() {
    let folder = Folder::new("disabled");
    for (line, spans) in [
        ("DATADOG TRACER CONFIGURATION - {\"lang\":\"nodejs\",\"enabled\":false,\"debug\":true}\n", "no"),
        ("2026-11-24 16:06:35,147 INFO [ddtrace.tracer] [t.py:1] - - DATADOG TRACER CONFIGURATION - {'enabled': False}\n", "no"),
        ("2026-11-24T16:47:22.691Z spanwire[42] INFO DATADOG TRACER CONFIGURATION - {\"enabled\":false}\n", "no"),
    ] {
        let visit = doctor(&[&folder.file("a.log", line)]);
        visit.names("tracing.disabled");
        assert_eq!(visit.answers()[..2], ["yes", spans], "{line}");
    }
    let agent = always(Reply::Ok).start();
    let Some((host, log)) = program(&folder, "spans") else { return };
    host.agent(&agent.url()).env("DD_TRACE_ENABLED", "false").run().ok();
    // A tracer that is off sends nothing; where it has no start-up line, the doctor can only say that no span was made.
    let visit = doctor(&[&log]);
    let named = ["tracing.disabled", "spans.none"].iter().any(|cause| visit.causes().contains(cause));
    assert!(named && visit.answers()[1] == "no", "{:#}", visit.report);
}

#[test]
fn spans_started_and_never_finished() {
    let agent = always(Reply::Ok).start();
    let visit = ill("open", &agent.url(), "spans.unfinished", same);
    assert!(visit.is_none_or(|visit| visit.count("spans_open") == 3));
}

#[test]
fn no_span_at_all() {
    let agent = always(Reply::Ok).start();
    ill("none", &agent.url(), "spans.none", same);
}

#[test]
fn a_queue_that_overflows() {
    let agent = always(Reply::Stall(Duration::from_secs(60))).start();
    let small = |host: Host| brief(host).arg(500).arg(100).env("SPANWIRE_QUEUE_MAX_CHUNKS", 10);
    ill("spans", &agent.url(), "queue.full", small);
}

#[test]
fn bad_url() {
    ill("spans", "gopher://127.0.0.1:1", "agent.bad_url", brief);
    ill("spans", "https://127.0.0.1:1", "agent.bad_url", brief);
}

#[test]
fn name_not_resolved() {
    ill("spans", "http://no-such-agent.invalid:8126", "agent.name_not_resolved", brief);
}

#[test]
fn a_setting_that_cannot_be_used() {
    let agent = always(Reply::Ok).start();
    ill("spans", &agent.url(), "setting.rejected", |host| {
        host.env("DD_TRACE_SAMPLE_RATE", "often").env("SPANWIRE_CONNECT_TIMEOUT_MS", "soon")
    });
}

#[test]
fn unwritable_log() {
    let folder = Folder::new("unwritable");
    let agent = always(Reply::Ok).start();
    let Some((host, _)) = program(&folder, "spans") else { return };
    let ran = host.agent(&agent.url()).env("DD_TRACE_LOG_FILE", "/nonexistent/a.log").run().ok();
    doctor(&[&folder.file("stderr.log", ran.stderr)]).names("log.unwritable");
}

#[test]
fn settings_of_two_tracers_that_disagree() {
    let agent = always(Reply::Ok).start();
    ill("two", &agent.url(), "settings.disagree", same);
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
fn a_library_older_than_the_binding() {
    let agent = always(Reply::Ok).start();
    ill("spans", &agent.url(), "library.older", |host| host.env("SPANWIRE_TRACER_VERSION", "99.0.0"));
    let folder = Folder::new("older");
    for line in [
        "PHP Warning:  PHP Startup: tracing is off: libspanwire.so.0 has no function spanwire_x; it is older than this extension, or no libspanwire in Unknown on line 0\n",
        "PHP Warning:  tracing is off: /a/libspanwire.so.0 speaks interface 1 and this extension 2; they must be of one release\n",
        "PHP Warning:  spanwire: tracing is off: libspanwire.so.0: it speaks interface 1 and this binding 2 in /a/Library.php on line 52\n",
        "W, [2026-11-24T16:06:35.147563 #476]  WARN -- spanwire: tracing is off: /a/b.so is too old for this gem, 0.2.0: it has no spanwire_x\n",
        "W, [2026-11-24T16:06:35.147563 #476]  WARN -- spanwire: tracing is off: /a/b.so speaks interface 1, and this gem, 0.2.0, speaks 2\n",
    ] {
        let visit = doctor(&[&folder.file("a.log", line)]);
        visit.names("library.older");
        assert_eq!(visit.answers()[..2], ["no", "no"], "{line}");
    }
    let line = "PHP Warning:  spanwire: tracing is off: libspanwire.so.0: Failed resolving C function 'spanwire_x'\n";
    doctor(&[&folder.file("a.log", line)]).names("library.older");
    let line = "PHP Warning:  tracing is off: libspanwire.so.0 cannot be loaded (no such file); spanwire.library in php.ini names its path\n";
    doctor(&[&folder.file("a.log", line)]).names("library.missing");
}
