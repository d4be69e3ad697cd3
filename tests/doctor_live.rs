//! `spanwire doctor` on this machine: it names every planted fault by its stable id, with a remedy, and finds no fault
//! on a healthy machine. The Agents are `ddapm-test-agent`, the fault agent, and listeners that are no Agents.

#[allow(dead_code)] // each test binary uses its own part of this
#[path = "php/extension.rs"]
mod extension;
#[allow(dead_code)] // the same
#[path = "support/fastcgi.rs"]
mod fastcgi;
#[path = "doctor_live/files.rs"]
mod files;
#[path = "doctor_live/plant.rs"]
mod plant;
#[path = "doctor_live/process.rs"]
mod process;
mod support;

use plant::{agent_ahead_by, doctor, http, listener, mode, Folder};
use serde_json::Value as Json;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;
use support::agent::TestAgent;
use support::faults::{always, Reply};
use support::hosts::{command, Host};
use support::http::Head;

const DAY_S: i64 = 86_400;

/// The output of a run.
struct Seen {
    status: i32,
    causes: Vec<String>,
    text: String,
    json: Json,
    took: Duration,
}

/// Runs the doctor with and without `--json`; both outputs must agree.
#[track_caller]
fn examine(doctor: Host) -> Seen {
    let (people, scripts) = (doctor.clone().run(), doctor.arg("--json").run());
    let json: Json = serde_json::from_str(&scripts.stdout)
        .unwrap_or_else(|error| panic!("{error}:\n{}{}", scripts.stdout, scripts.stderr));
    let list = json["causes"].as_array().expect("causes");
    let causes: Vec<String> = list.iter().filter_map(|cause| cause.as_str().map(str::to_owned)).collect();
    let text = people.stdout;
    let verdict = text.lines().last().unwrap_or_default();
    match causes.is_empty() {
        true => assert!(verdict.starts_with("Nothing wrong"), "{text}"),
        false => assert!(verdict.ends_with(&format!("found: {}.", causes.join(", "))), "{text}\nbut {causes:?}"),
    }
    for finding in findings(&json).filter(|finding| finding["standing"] == "bad") {
        assert!(finding["remedy"].as_str().is_some_and(|remedy| remedy.len() > 10), "no remedy: {finding}");
    }
    let status = people.status.code().unwrap_or(-1);
    assert_eq!((Some(status), json["status"].as_i64()), (scripts.status.code(), Some(i64::from(status))), "{text}");
    assert_eq!(status, i32::from(!causes.is_empty()), "{text}{}", people.stderr);
    Seen { status, causes, text, json, took: people.took }
}

fn findings(json: &Json) -> impl Iterator<Item = &Json> {
    let sections = json["sections"].as_array().expect("sections").iter();
    sections.flat_map(|section| section["findings"].as_array().expect("findings"))
}

impl Seen {
    /// Returns the finding with this cause.
    #[track_caller]
    fn finding(&self, cause: &str) -> &Json {
        findings(&self.json).find(|f| f["cause"] == cause).unwrap_or_else(|| panic!("no {cause} in:\n{}", self.text))
    }

    /// Asserts that exactly this cause was found.
    #[track_caller]
    fn only(self, cause: &str) -> Seen {
        assert_eq!(self.causes, [cause], "{}", self.text);
        self
    }

    #[track_caller]
    fn says(self, words: &[&str]) -> Seen {
        // As one line, because the text is wrapped.
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(line.contains(word), "nothing says \"{word}\":\n{}", self.text);
        }
        self
    }
}

#[test]
fn a_healthy_agent_is_found_healthy_and_has_the_trace() {
    let Some(agent) = TestAgent::start() else { return };
    for (url, sent) in [(agent.tcp(), 2), (agent.unix(), 4)] {
        let seen = examine(doctor().agent(&url).env("DD_ENV", "staging"));
        assert_eq!((seen.status, seen.causes.len()), (0, 0), "{}", seen.text);
        assert_eq!(seen.finding("clock.agrees")["standing"], "good");
        assert_eq!(seen.finding("agent.answers")["standing"], "good");
        let traces = agent.traces();
        assert_eq!(traces.len(), sent, "{url}");
        let last = traces.iter().flatten().find(|span| {
            let id = seen.json["facts"]["trace"]["trace_id"].as_str().unwrap_or_default();
            id.ends_with(&format!("{:016x}", span.trace_id)) && id.len() == 32
        });
        let span = last.expect("the trace that the report names");
        assert_eq!((span.service.as_str(), span.name.as_str()), ("spanwire-doctor", "doctor.check"));
        assert_eq!(span.meta.get("env").map(String::as_str), Some("staging"));
        assert_eq!(seen.json["facts"]["trace"]["status"], 200);
        seen.says(&["look for service spanwire-doctor, operation doctor.check, env staging", "trace id"]);
    }
    agent.assert_checks_passed();
}

#[test]
fn the_url_option_wins_over_the_environment_and_says_so() {
    let agent = always(Reply::Ok).start();
    let seen = examine(doctor().agent("http://agent.invalid:8126").arg("--url").arg(agent.url()));
    assert_eq!(seen.status, 0, "{}", seen.text);
    seen.says(&["(--url)", "without --url, traces would go to http://agent.invalid:8126"]);
    assert_eq!(agent.received().len(), 2);
    agent.assert_well_formed();
}

#[test]
fn a_port_where_something_else_listens_is_called_wrong_and_gets_no_trace() {
    type Answer = fn(&Head) -> Vec<u8>;
    let answers: [(Answer, &str); 6] = [
        (|_| http("200 OK", "Content-Type: text/html\r\n", "<!DOCTYPE html>"), "a web server"),
        (|_| http("200 OK", "Content-Type: application/json\r\n", r#"{"up":true}"#), "its JSON is not an Agent's"),
        (|_| http("302 Found", "Location: https://h/login?token=hunter2\r\n", ""), "answers /info with 302"),
        (|_| b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), "an SSH server"),
        (|_| b"\x15\x03\x01\x00\x02\x02\x0a".to_vec(), "expects TLS"),
        (|_| http("400 Bad Request", "", "Client sent an HTTP request to an HTTPS server.\n"), "expects TLS"),
    ];
    for (answer, named) in answers {
        let seen = examine(doctor().agent(&listener(answer))).only("agent.wrong_port").says(&[named, "8126"]);
        assert_eq!(seen.finding("trace.not_sent")["standing"], "note");
        assert!(!seen.text.contains("hunter2"), "{}", seen.text);
    }
    // A server that knows neither path is not an Agent, or needs a path in the URL; only the test trace shows it.
    let nothing = listener(|_| http("404 Not Found", "", "404 page not found\n"));
    examine(doctor().agent(&nothing)).only("agent.http_404").says(&["not an Agent, or the URL needs a path"]);
}

#[test]
fn an_agent_that_is_down_and_a_host_that_does_not_exist_are_different_causes() {
    let url = format!("http://127.0.0.1:{}", support::free_ports(1));
    examine(doctor().agent(&url)).only("agent.down").says(&["connection was refused", "Start the Agent", "8126"]);
    // An address of this machine that no Agent binds to.
    examine(doctor().agent("http://127.0.0.9:8126"))
        .only("agent.down")
        .says(&["connection was refused", "Start the Agent"]);
    let seen = examine(doctor().agent("http://agent.invalid:8126")).only("agent.name_not_resolved");
    seen.says(&["agent.invalid does not resolve", "DD_AGENT_HOST"]);
}

#[test]
fn an_agent_that_is_silent_does_not_hold_the_doctor_up() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("its address"));
    let patient = doctor().agent(&url).env("SPANWIRE_REQUEST_TIMEOUT_MS", 600_000);
    let seen = examine(patient.env("SPANWIRE_CONNECT_TIMEOUT_MS", 60_000));
    assert!(seen.took < Duration::from_secs(12), "{:?}", seen.took);
    seen.only("agent.timeout");
}

#[test]
fn what_the_agent_answers_to_a_trace_is_explained() {
    for (status, headers, cause, words) in [
        (413, "", "agent.http_413", "too large (413)"),
        (429, "Retry-After: 3\r\n", "agent.http_429", "it requests a pause of 3s"),
        (404, "", "agent.http_404", "(404), nor at /v0.3/traces: all traces are dropped"),
        (403, "", "agent.http_credentials", "requires credentials (403)"),
        (503, "", "agent.http_5xx", "could not accept the trace (503): the tracer retries each payload"),
        (302, "", "agent.http_other", "refused the trace (302)"),
    ] {
        let agent = always(Reply::Status(status, headers)).start();
        let seen = examine(doctor().agent(&agent.url())).only(cause).says(&[words, "agent.answers"]);
        assert_eq!(seen.json["facts"]["trace"]["status"], status);
    }
    let agent = always(Reply::Swallow).start();
    examine(doctor().agent(&agent.url())).only("agent.connection_closed").says(&["whether it arrived is not known"]);
}

#[test]
fn a_very_old_agent_is_not_called_broken() {
    let agent = always(Reply::OnlyOld(404)).info(Reply::Status(404, "")).start();
    let seen = examine(doctor().agent(&agent.url()));
    assert_eq!(seen.status, 0, "{}", seen.text);
    assert_eq!(seen.finding("trace.old_endpoint")["standing"], "note");
}

#[test]
fn an_agent_without_apm_is_not_called_healthy() {
    let info = r#"{"version":"7.50.0","endpoints":["/v0.7/config"]}"#;
    let url = listener(move |head| match head.path.as_str() {
        "/info" => http("200 OK", "", info),
        _ => http("404 Not Found", "", ""),
    });
    let seen = examine(doctor().agent(&url)).says(&["apm_config.enabled"]);
    assert_eq!(seen.causes, ["agent.takes_no_traces", "agent.http_404"], "{}", seen.text);
}

#[test]
fn tracing_that_is_turned_off_is_named_although_all_else_is_well() {
    let agent = always(Reply::Ok).start();
    let off = doctor().agent(&agent.url()).env("DD_TRACE_ENABLED", "false");
    examine(off).only("tracing.disabled").says(&["no spans are made", "Set DD_TRACE_ENABLED=true"]);
}

#[test]
fn settings_that_are_not_in_force_are_named_with_the_reason() {
    let agent = always(Reply::Ok).start();
    let base = || doctor().agent(&agent.url());
    let seen = examine(base().env("DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", "many")).only("setting.rejected");
    seen.says(&[
        "DD_TRACE_PARTIAL_FLUSH_MIN_SPANS (from the environment)",
        "1 to 1000000 spans",
        "1000 is used instead",
    ]);
    let seen = examine(base().env("DD_TRACE_AGNET_URL", "http://u:hunter2@agent:8126")).only("setting.misspelt");
    assert!(!seen.text.contains("hunter2"), "{}", seen.text);
    seen.says(&["Rename it to DD_TRACE_AGENT_URL"]);
    let seen = examine(base().env("DD_AGENT_HOST", "elsewhere"));
    assert_eq!(seen.status, 0, "{}", seen.text);
    assert_eq!(seen.finding("settings.two_agents")["standing"], "note");
    seen.says(&["name http://elsewhere:8126; the URL is used"]);
}

#[test]
fn a_url_that_cannot_be_used_is_named_with_what_was_meant() {
    let seen = examine(doctor().agent("agent:8126"));
    assert_eq!(seen.causes.first().map(String::as_str), Some("agent.bad_url"), "{}", seen.text);
    seen.says(&["http://agent:8126 was probably meant", "Write it as http://HOST:8126"]);
    let seen = examine(doctor().arg("--url").arg("https://u:hunter2@agent:8126")).only("agent.bad_url");
    assert!(!format!("{}{}", seen.text, seen.json).contains("hunter2"), "{}", seen.text);
}

#[test]
fn a_clock_that_is_off_by_a_day_is_found_in_either_direction() {
    for (seconds, words) in [(DAY_S, "24.0 hours ahead of"), (-DAY_S, "24.0 hours behind"), (420, "minutes ahead of")] {
        let url = agent_ahead_by(seconds);
        examine(doctor().agent(&url)).only("clock.differs").says(&[words, "NTP"]);
    }
    assert_eq!(examine(doctor().agent(&agent_ahead_by(60))).status, 0);
}

#[test]
fn a_socket_that_this_user_may_not_use_names_the_permission_that_is_missing() {
    let folder = Folder::new("socket");
    let path = folder.path("apm.socket");
    let _agent = UnixListener::bind(&path).expect("a socket");
    let url = format!("unix://{}", path.display());
    mode(&path, 0o500);
    let seen = examine(folder.doctor_as_nobody().agent(&url)).only("agent.socket_permission");
    seen.says(&["requires write permission", "mode 0500", &format!("chmod o+w {}", path.display())]);
    let inner = folder.path("closed");
    std::fs::create_dir(&inner).expect("a folder");
    mode(&inner, 0o600);
    let hidden = format!("unix://{}", inner.join("apm.socket").display());
    let seen = examine(folder.doctor_as_nobody().agent(&hidden)).only("agent.socket_permission");
    seen.says(&[&format!("may not enter the folder {}", inner.display()), "mode 0600"]);
}

#[test]
fn an_unused_socket_and_a_missing_one_are_different_causes() {
    let folder = Folder::new("stale");
    let path = folder.path("apm.socket");
    let url = format!("unix://{}", path.display());
    examine(doctor().agent(&url)).only("agent.socket_missing").says(&["receiver_socket"]);
    drop(UnixListener::bind(&path).expect("a socket"));
    examine(doctor().agent(&url)).only("agent.down").says(&["nothing listens", "Start the Agent"]);
    std::fs::remove_file(&path).expect("gone");
    std::fs::write(&path, "").expect("a file");
    examine(doctor().agent(&url)).only("agent.socket_not_a_socket").says(&["a plain file"]);
    let long = format!("unix:///{}", "x".repeat(120));
    examine(doctor().agent(&long)).only("agent.socket_path_too_long").says(&["at most 107"]);
}

#[test]
fn a_log_that_cannot_be_written_is_named_and_nothing_is_left_behind() {
    let agent = always(Reply::Ok).start();
    let folder = Folder::new("log");
    let logs = folder.path("logs");
    std::fs::create_dir(&logs).expect("a folder");
    mode(&logs, 0o555);
    let as_nobody = folder.doctor_as_nobody().agent(&agent.url());
    let before = folder.names();
    let log = logs.join("trace.log");
    let seen = examine(as_nobody.clone().env("DD_TRACE_LOG_FILE", log.display())).only("log.unwritable");
    seen.says(&["permission denied", "mode 0555", "chown"]);
    let seen = examine(as_nobody.env("DD_TRACE_LOG_DIRECTORY", logs.display())).only("log.unwritable");
    seen.says(&["DD_TRACE_LOG_DIRECTORY", "chown"]);

    let into = |path: PathBuf| doctor().agent(&agent.url()).env("DD_TRACE_LOG_FILE", path.display());
    examine(into(folder.path("none/trace.log"))).only("log.unwritable").says(&["mkdir -p"]);
    examine(into(logs.clone())).only("log.unwritable").says(&["it is a folder"]);
    mode(&logs, 0o755);
    let fine = examine(into(log));
    assert_eq!(fine.status, 0, "{}", fine.text);
    assert_eq!(fine.finding("log.writable")["standing"], "good");
    assert_eq!(std::fs::read_dir(&logs).expect("the folder").count(), 0, "the doctor left a file behind");
    assert_eq!(folder.names(), before);
}

#[test]
fn a_log_path_that_is_a_symbolic_link_is_named_and_not_followed() {
    let agent = always(Reply::Ok).start();
    let folder = Folder::new("link");
    symlink(folder.path("target"), folder.path("trace.log")).expect("a link");
    let seen = examine(doctor().agent(&agent.url()).env("DD_TRACE_LOG_FILE", folder.path("trace.log").display()));
    seen.only("log.unwritable").says(&["target"]);
    assert_eq!(folder.names(), ["trace.log"]);
    std::fs::remove_file(folder.path("trace.log")).expect("gone");
    symlink(folder.path("target"), folder.path("trace.log.lock")).expect("a link");
    let seen = examine(doctor().agent(&agent.url()).env("DD_TRACE_LOG_FILE", folder.path("trace.log").display()));
    seen.only("log.cannot_rotate").says(&["its lock file is a symbolic link"]);
}

#[test]
fn log_files_that_may_fill_the_disk_are_reported() {
    let agent = always(Reply::Ok).start();
    let folder = Folder::new("space");
    let huge = doctor().agent(&agent.url()).env("DD_TRACE_LOG_FILE", folder.path("trace.log").display());
    let seen = examine(huge.env("DD_TRACE_LOG_FILE_SIZE_BYTES", 1_u64 << 40).env("SPANWIRE_LOG_FILE_BACKUPS", 100));
    seen.only("log.disk_space").says(&["are missing"]);
}

#[test]
fn a_trace_file_that_cannot_be_written_is_named_and_one_that_can_is_not_made() {
    let folder = Folder::new("file");
    let url = |name: &str| format!("file://{}", folder.path(name).display());
    examine(doctor().agent(&url("none/traces"))).only("agent.file_unwritable");
    assert_eq!(examine(doctor().agent(&url("traces"))).status, 0);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn limits_that_a_tracer_would_hit_are_named() {
    let agent = always(Reply::Ok).start();
    let limited = |limit: &str| {
        let script = format!("ulimit {limit} && exec \"$0\" doctor \"$@\"");
        command("sh").arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_spanwire")).agent(&agent.url())
    };
    examine(limited("-n 12")).only("limits.files").says(&["12 open files", "ulimit -n"]);
    let seen = examine(limited("-v 1000000").env("SPANWIRE_MEMORY_MAX", 4_u64 << 30)).only("limits.memory");
    seen.says(&["RLIMIT_AS", "Lower SPANWIRE_MEMORY_MAX"]);
    let seen = examine(limited("-c 0"));
    assert_eq!((seen.status, &seen.finding("limits.core")["standing"]), (0, &"note".into()), "{}", seen.text);
}

#[test]
fn a_script_without_open_streams_still_gets_the_status() {
    let agent = always(Reply::Ok).start();
    let closed = |url: &str| {
        let script = "exec \"$0\" doctor <&- >&- 2>&-";
        command("sh").arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_spanwire")).agent(url).run()
    };
    assert_eq!(closed(&agent.url()).status.code(), Some(0));
    assert_eq!(closed("http://agent.invalid:8126").status.code(), Some(1));
    assert_eq!(doctor().arg("--no-such-option").run().status.code(), Some(2));
}
