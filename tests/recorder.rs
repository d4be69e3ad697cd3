//! The flight recorder, read by its own process and by others, while the process runs, is stopped, has forked or has
//! ended. A reader never sees invalid events.

mod support;

use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use support::hosts::{compile_c, copy_program, host, require, root};
use support::wait_until;

/// Spans go to /dev/null, and the worker updates the counters.
const SETTINGS: [(&str, &str); 3] =
    [("DD_TRACE_AGENT_URL", "file:///dev/null"), ("DD_SERVICE", "shop"), ("DD_TRACE_STARTUP_LOGS", "false")];

fn inside(what: &str) {
    let Some(mut host) = host("recorder.c") else { return };
    for (name, value) in SETTINGS {
        host = host.env(name, value);
    }
    host.env("SPANWIRE_LOG_SINKS", "ring").arg(what).run().ok();
}

#[test]
fn the_last_events_show_a_span_that_was_never_finished() {
    inside("inside");
}

#[test]
fn a_forked_child_has_a_recorder_of_its_own_and_leaves_its_parents_alone() {
    inside("forked");
}

#[test]
fn a_process_that_may_have_no_file_of_that_size_or_none_at_all_still_records() {
    inside("no_files");
    inside("no_size");
}

#[test]
fn a_host_without_standard_input_does_not_get_the_recorder_for_it() {
    inside("no_input");
}

/// A host that runs until its standard input is closed, which happens when this is dropped.
struct Watched {
    process: Child,
    ready: Json,
}

impl Watched {
    fn start(what: &str) -> Option<Watched> {
        if !require("gcc") {
            return None;
        }
        let mut command = Command::new(compile_c(&root().join("tests/hosts/recorder.c")));
        command.arg(what).env_clear().envs(SETTINGS).env("SPANWIRE_LOG_SINKS", "ring");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the host runs");
        let mut line = String::new();
        let read = BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line);
        let ready = line.strip_prefix("ready ").and_then(|object| serde_json::from_str(object).ok());
        let ready = ready.unwrap_or_else(|| panic!("{what}: not ready but {read:?} {line:?}"));
        Some(Watched { process, ready })
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([format!("-{signal}"), self.pid().to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "kill -{signal}");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // The process may be stopped. Its child, if it has one, reads the end of the same input.
        self.process.stdin.take();
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn recorder(pid: u32, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
    command.arg("recorder").arg(pid.to_string()).args(options).output().expect("the companion runs")
}

#[track_caller]
fn json(pid: u32) -> Json {
    let output = recorder(pid, &["--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[track_caller]
fn refusal(output: &Output) -> String {
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn events(report: &Json) -> &Vec<Json> {
    report["events"].as_array().expect("events")
}

#[test]
fn a_stopped_process_is_read_from_outside() {
    let Some(host) = Watched::start("idle") else { return };
    host.signal("STOP");
    let report = json(host.pid());
    let last = events(&report).iter().rfind(|event| event["name"].as_str().is_some_and(|n| n.starts_with("span.")));
    let last = last.expect("events of spans");
    assert_eq!(
        (&last["name"], &last["first"], &last["open"]),
        (&"span.started".into(), &host.ready["open"], &true.into())
    );
    assert_eq!(events(&report).iter().filter(|event| event["open"] == true).count(), 1);
    assert_eq!((report["own"].as_bool(), report["recorder"]["pid"].as_u64()), (Some(true), Some(host.pid().into())));
    assert_eq!(report["open_spans"], 1);
    let tracer = &report["tracers"][0];
    assert_eq!((&tracer["service"], &tracer["counters"]["finished"]), (&"shop".into(), &20.into()), "{report:#}");

    let text = String::from_utf8_lossy(&recorder(host.pid(), &["--last", "5"]).stdout).into_owned();
    for part in ["Tracer 0 shop", "finished 20", "The last 5 events, oldest first", "ago"] {
        assert!(text.contains(part), "nothing says {part:?}:\n{text}");
    }
    // Deliveries may have followed it.
    let all = String::from_utf8_lossy(&recorder(host.pid(), &["--last", "0"]).stdout).into_owned();
    let open = format!("span {} started", host.ready["open"]);
    for part in [&open, "still open"] {
        assert!(all.contains(part), "nothing says {part:?}:\n{all}");
    }
    assert!(!text.contains('\u{1b}'), "no colours for a pipe");
    host.signal("CONT");
}

#[test]
fn a_busy_process_is_read_without_invalid_events() {
    let Some(host) = Watched::start("busy") else { return };
    let (mut before, mut seen) = (0, 0);
    for _ in 0..20 {
        let report = json(host.pid());
        let now_ns = std::time::UNIX_EPOCH.elapsed().expect("now").as_nanos() as u64;
        for event in events(&report) {
            let (kind, time) = (event["kind"].as_u64().unwrap_or(0), event["time_ns"].as_u64().unwrap_or(0));
            assert!((1..=20).contains(&kind) && time <= now_ns + 1_000_000_000, "{event}");
            assert!(time + 600_000_000_000 > now_ns, "{event}");
            if kind == 2 {
                let duration = event["second"].as_u64().unwrap_or(u64::MAX) & ((1 << 56) - 1);
                assert!(duration < 10_000_000_000, "{event}");
            }
        }
        assert!(report["events_torn"].as_u64().is_some_and(|torn| torn < 100), "{}", report["events_torn"]);
        let written = report["events_written"].as_u64().unwrap_or(0);
        assert!(written > before, "it runs on while it is read");
        (before, seen) = (written, seen + events(&report).len());
    }
    assert!(seen > 20 * 1_000, "{seen} events in 20 readings of 3 shards");
}

#[test]
fn a_child_that_made_no_call_names_the_parent_whose_recorder_it_has() {
    let Some(host) = Watched::start("child") else { return };
    let child = host.ready["child"].as_u64().unwrap_or(0) as u32;
    let report = json(child);
    assert_eq!((report["own"].as_bool(), report["recorder"]["pid"].as_u64()), (Some(false), Some(host.pid().into())));
    let text = String::from_utf8_lossy(&recorder(child, &[]).stdout).into_owned();
    let note = format!("This recorder is of process {}, of which {child} is a forked child", host.pid());
    assert!(text.contains(&note), "{text}");
}

#[test]
fn a_missing_recorder_is_an_error_that_says_why() {
    let Some(mut host) = Watched::start("idle") else { return };
    let pid = host.pid();
    host.signal("KILL");
    // First a zombie, then gone.
    let zombie = || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    assert!(wait_until(Duration::from_secs(10), zombie));
    let said = refusal(&recorder(pid, &[]));
    assert!(said.contains("has ended already") && said.contains("spanwire core"), "{said}");
    host.process.wait().expect("its end");
    let said = refusal(&recorder(pid, &["--json"]));
    assert!(said.contains("there is no process") && said.contains("spanwire core"), "{said}");
    let said = refusal(&recorder(std::process::id(), &[]));
    assert!(said.contains("has no flight recorder"), "{said}");
}

#[test]
fn a_process_of_another_user_is_refused_with_what_to_do() {
    let Some(host) = Watched::start("idle") else { return };
    let root_user =
        std::fs::metadata("/proc/self").is_ok_and(|folder| std::os::unix::fs::MetadataExt::uid(&folder) == 0);
    let output = if root_user {
        if !require("setpriv") {
            return;
        }
        // A folder that every user may read.
        let copy = std::env::temp_dir().join(format!("spanwire-recorder.{}", std::process::id()));
        copy_program(std::path::Path::new(env!("CARGO_BIN_EXE_spanwire")), &copy);
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).arg("recorder");
        let output = command.arg(host.pid().to_string()).output().expect("setpriv runs");
        std::fs::remove_file(&copy).ok();
        output
    } else {
        recorder(1, &[])
    };
    let said = refusal(&output);
    assert!(said.contains("not allowed to look into process") && said.contains("run this as that user"), "{said}");
}
