//! `spanwire ctl`: asks a C host that runs, stands still, has no worker, or has turned it off; and a stranger is refused.

#[allow(dead_code)] // tests of PHP use more of it
#[path = "php/extension.rs"]
mod extension;
#[path = "ctl/families.rs"]
mod families;
#[allow(dead_code)] // the same
#[path = "support/fastcgi.rs"]
mod fastcgi;
#[allow(dead_code)] // other tests use more of it
#[path = "support/live.rs"]
mod live;
mod support;

use live::{companion, companion_as_nobody, Live};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;
use support::faults::{always, Reply};
use support::hosts::require;
use support::wait_until;

const QUIET: [(&str, &str); 3] =
    [("DD_SERVICE", "shop"), ("DD_TRACE_STARTUP_LOGS", "false"), ("SPANWIRE_LOG_SINKS", "ring")];

fn host(url: &str, actions: &[&str], settings: &[(&str, &str)]) -> Option<Live> {
    let mut variables = QUIET.to_vec();
    variables.push(("DD_TRACE_AGENT_URL", url));
    variables.extend(settings);
    Live::start("fates.c", actions, &variables)
}

/// What the command prints, and its exit status.
fn ctl(pid: u32, command: &[&str]) -> (String, Option<i32>) {
    let pid = pid.to_string();
    let output = companion(&[&["ctl", &pid], command].concat());
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&text).into_owned(), output.status.code())
}

#[track_caller]
fn assert_says(pid: u32, command: &[&str], status: i32, words: &[&str]) {
    let (text, code) = ctl(pid, command);
    assert_eq!(code, Some(status), "{command:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{command:?}: nothing says {word:?}:\n{text}");
    }
}

/// Whether a thread of this name runs in the process.
fn has_thread(pid: u32, name: &str) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("its threads").flatten();
    let mut names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.any(|other| other.trim_end() == name)
}

#[test]
fn a_running_process_shows_its_state_flushes_and_switches_debug_mode() {
    let agent = always(Reply::Ok).start();
    let slow = [("SPANWIRE_FLUSH_INTERVAL_MS", "60000")];
    let Some(host) = host(&agent.url(), &["flush=1", "open", "keep", "wait"], &slow) else { return };
    let pid = host.pid();
    assert_says(pid, &["status"], 0, &[&format!("Process {pid}, spanwire"), "Open spans: 1", "Tracer 0: shop"]);
    assert_says(pid, &["spans"], 0, &["web.request", "service shop", "resource open", "open ", &host.trace("open")]);
    assert!(!has_thread(pid, "spanwire-ctl"), "neither needs a thread in the process");
    assert_says(pid, &["debug", "on", "--for", "10m"], 0, &["debug mode is on for 600 s"]);
    assert!(has_thread(pid, "spanwire-ctl"));
    assert_says(pid, &["status"], 0, &["Log level: debug"]);
    assert_says(pid, &["debug", "off"], 0, &["debug mode is off"]);
    assert_says(pid, &["status"], 0, &["Log level: info"]);
    assert_says(pid, &["flush"], 0, &["tracer 0 shop: ", " spans sent"]);
    assert!(wait_until(Duration::from_secs(20), || agent.accepted().distinct() == 2), "the flush has sent the trace");
    assert_says(pid, &["debug", "off", "--for", "10m"], 1, &["--for belongs to `debug on`"]);
}

#[test]
fn the_log_is_followed_as_it_is_written() {
    let agent = always(Reply::Ok).start();
    let Some(host) = host(&agent.url(), &["trace", "flush=20000", "wait"], &[]) else { return };
    let mut follower = Command::new(env!("CARGO_BIN_EXE_spanwire"))
        .args(["ctl", &host.pid().to_string(), "log", "-f"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the companion runs");
    let lines = BufReader::new(follower.stdout.take().expect("its output")).lines();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    let mut seen = Vec::new();
    let found = wait_until(Duration::from_secs(50), || {
        // Each trace of the host is a record in debug mode.
        ctl(host.pid(), &["debug", "on"]);
        host.tell("trace");
        seen.extend(receiver.try_iter());
        seen.iter().any(|line: &String| line.contains("web.request"))
    });
    follower.kill().ok();
    follower.wait().ok();
    assert!(found, "{seen:?}");
    // The socket serves others after that.
    assert!(wait_until(Duration::from_secs(20), || ctl(host.pid(), &["flush"]).1 == Some(0)));
}

#[test]
fn a_process_without_a_worker_answers_from_memory_and_says_why_not_the_rest() {
    let Some(idle) = host("file:///dev/null", &["wait"], &[]) else { return };
    assert_says(idle.pid(), &["status"], 0, &["Tracer 0: shop"]);
    assert_says(idle.pid(), &["spans"], 0, &["No span is open"]);
    assert_says(idle.pid(), &["flush"], 1, &["has no worker that could answer", "read its memory"]);
    let Some(stopped) = host("file:///dev/null", &["open", "flush=1", "wait"], &[]) else { return };
    let signal = |name: &str| Command::new("kill").args([name, &stopped.pid().to_string()]).status();
    signal("-STOP").expect("kill runs");
    assert_says(stopped.pid(), &["spans"], 0, &["Open spans: 1"]);
    assert_says(stopped.pid(), &["debug", "on"], 1, &["is stopped"]);
    signal("-CONT").expect("kill runs");
}

#[test]
fn a_process_that_has_turned_it_off_opens_no_socket() {
    let off = [("SPANWIRE_CONTROL", "false")];
    let Some(host) = host("file:///dev/null", &["trace", "flush=1000", "wait"], &off) else { return };
    assert_says(host.pid(), &["status"], 0, &["Tracer 0: shop"]);
    assert_says(host.pid(), &["flush"], 1, &["SPANWIRE_CONTROL is off there"]);
    assert!(!has_thread(host.pid(), "spanwire-ctl"));
}

#[test]
fn a_parent_stands_for_its_children() {
    let agent = always(Reply::Ok).start();
    let Some(host) = host(&agent.url(), &["trace", "fork", "open", "trace", "wait"], &[]) else { return };
    let child = host.said.last().expect("ready").1["pid"].as_u64().expect("a number") as u32;
    let (text, code) = ctl(host.pid(), &["spans"]);
    assert_eq!(code, Some(0), "{text}");
    for word in [format!("Process {} (", host.pid()), format!("Process {child} ("), host.trace("open")] {
        assert!(text.contains(&word), "nothing says {word:?}:\n{text}");
    }
    assert_says(child, &["debug", "on", "--for", "30s"], 0, &["debug mode is on for 30 s"]);
}

#[test]
fn another_user_is_refused_by_the_recorder_and_by_the_socket() {
    let agent = always(Reply::Ok).start();
    let Some(host) = host(&agent.url(), &["trace", "flush=20000", "wait"], &[]) else { return };
    let pid = host.pid();
    let Some(output) = companion_as_nobody(&["ctl", &pid.to_string(), "status"]) else { return };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not allowed to look into process"), "{said}");
    // Somebody who knows the name of the socket.
    assert_says(pid, &["flush"], 0, &[]);
    let sockets = std::fs::read_to_string("/proc/net/unix").expect("the sockets");
    let name =
        sockets.lines().find_map(|line| line.split('@').nth(1).filter(|name| name.starts_with("spanwire-control")));
    let name = name.unwrap_or_else(|| panic!("no socket is listed:\n{sockets}"));
    if !require("perl") {
        return;
    }
    let script = format!(
        "use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un(\"\\0{name}\")) or die $!; \
         $SIG{{PIPE}} = 'IGNORE'; send($s, \"status\\n\", 0); local $/; print <$s>;"
    );
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "perl", "-e", &script]);
    let output = command.output().expect("setpriv runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("bad\nthis socket answers"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
