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

use live::{companion, companion_as_nobody, fates as host, Live};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::faults::{always, Reply};
use support::hosts::{compile_c, copy_program, require, root};
use support::wait_until;

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

/// The name of the control socket of a process, without the NUL before it.
fn socket_of(pid: u32) -> Option<String> {
    let own = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let own: Vec<String> =
        own.filter_map(|entry| Some(std::fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned())).collect();
    let sockets = std::fs::read_to_string("/proc/net/unix").expect("the sockets");
    sockets.lines().find_map(|line| {
        let (facts, name) = line.split_once('@')?;
        let inode = format!("socket:[{}]", facts.split_whitespace().last()?);
        (name.starts_with("spanwire-control") && own.contains(&inode)).then(|| name.to_owned())
    })
}

/// What a peer of a process's socket says first: two words of the flight recorder, which only those can read who may look
/// into the process.
fn proof(pid: u32) -> String {
    const CONTROL_NAME: u64 = 42;
    let mut own = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").flatten();
    let is_recorder = |path: &Path| path.to_string_lossy().starts_with("/memfd:spanwire-recorder");
    let recorder = own.find(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| is_recorder(&to)));
    let file = std::fs::File::open(recorder.expect("its recorder").path()).expect("we may read it");
    let word = |at: u64| {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at * 8).expect("a word");
        format!("{:016x}", u64::from_ne_bytes(bytes))
    };
    format!("{}{} ", word(CONTROL_NAME), word(CONTROL_NAME + 1))
}

fn connect(name: &str) -> UnixStream {
    let address = SocketAddr::from_abstract_name(name).expect("a name");
    let stream = UnixStream::connect_addr(&address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(50))).expect("a socket");
    stream
}

/// What the socket itself answers, without the companion.
fn ask(pid: u32, request: &str) -> String {
    say(&socket_of(pid).expect("it has a socket"), &(proof(pid) + request))
}

fn say(name: &str, request: &str) -> String {
    let mut stream = connect(name);
    stream.write_all(request.as_bytes()).expect("it takes the request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_running_process_shows_its_state_flushes_and_switches_debug_mode() {
    let agent = always(Reply::Ok).start();
    let slow = [("SPANWIRE_FLUSH_INTERVAL_MS", "60000")];
    // The first payload waits, so that the interval after it has begun before there is anything else to send.
    let Some(host) = host(&agent.url(), &["trace", "until=4", "open", "wait"], &slow) else { return };
    let pid = host.pid();
    assert_says(pid, &["status"], 0, &[&format!("Process {pid}, spanwire"), "Open spans: 1", "Tracer 0: shop"]);
    assert_says(pid, &["spans"], 0, &["web.request", "service shop", "resource open", "open ", &host.trace("open")]);
    assert!(!has_thread(pid, "spanwire-ctl"), "neither needs a thread in the process");
    assert_says(pid, &["debug", "on", "--for", "10m"], 0, &["debug mode is on for 600 s"]);
    assert!(has_thread(pid, "spanwire-ctl"));
    assert_says(pid, &["status"], 0, &["Log level: debug"]);
    assert_says(pid, &["debug", "off"], 0, &["debug mode is off"]);
    assert_says(pid, &["status"], 0, &["Log level: info"]);
    host.tell("keep");
    assert!(wait_until(Duration::from_secs(20), || ctl(pid, &["status"]).0.contains("queued: 2 ")));
    assert_says(pid, &["flush"], 0, &["tracer 0 shop: 2 spans sent\n"]);
    assert_eq!(agent.accepted().distinct(), 4, "the flush has sent the trace");
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
    let name = socket_of(pid).expect("it has a socket");
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
    let refused = "bad\nthis socket answers its process's user and root only\n";
    assert_eq!(said, refused, "{}", String::from_utf8_lossy(&output.stderr));
}

/// Whether a process runs with other rights than those of who started it, as the kernel told it (AT_SECURE).
fn is_secure(pid: u32) -> bool {
    let told = std::fs::read(format!("/proc/{pid}/auxv")).expect("its vector");
    let words: Vec<u64> = told.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("8"))).collect();
    words.chunks_exact(2).any(|pair| pair == [libc::AT_SECURE, 1])
}

#[test]
fn a_setuid_program_opens_no_socket() {
    // SAFETY: takes nothing.
    if unsafe { libc::getuid() } != 0 || !["gcc", "setpriv"].iter().all(|tool| require(tool)) {
        return;
    }
    let program = std::env::temp_dir().join(format!("spanwire-setuid-{}", std::process::id()));
    copy_program(&compile_c(&root().join("tests/hosts/fates.c")), &program);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o4755)).expect("setuid");
    // Also where it has become root for good, so that no number of a user says what it is.
    for actions in [&["trace", "flush=20000", "wait"][..], &["become", "trace", "flush=20000", "wait"]] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).args(actions);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("DD_TRACE_AGENT_URL", "file:///dev/null");
        let host = Live::run(command);
        if !is_secure(host.pid()) {
            eprintln!("skipped: the folder for temporary files allows no setuid programs");
            break;
        }
        assert_says(host.pid(), &["status"], 0, &["Tracer 0: "]);
        assert_says(host.pid(), &["flush"], 1, &["opens no socket", "other rights than those of its user (setuid)"]);
        assert!(!has_thread(host.pid(), "spanwire-ctl") && socket_of(host.pid()).is_none());
    }
    std::fs::remove_file(program).ok();
}

#[test]
fn the_socket_itself_lists_as_many_spans_as_asked_and_counts_all() {
    let actions = ["open", "open", "open", "open", "hoard=500", "flush=20000", "wait"];
    let Some(host) = host("file:///dev/null", &actions, &[("SPANWIRE_FLUSH_INTERVAL_MS", "60000")]) else { return };
    assert_says(host.pid(), &["flush"], 0, &[]);
    let status = ask(host.pid(), "status\n");
    let counts = "Open spans: 504   finished, waiting for their trace: 4   queued: 0   being sent: 0\n";
    assert!(status.starts_with("good\nProcess ") && status.contains(counts), "{status}");
    assert!(status.contains("  open 504, waiting 4, queued 0, being sent 0, sent 0, dropped 0\n"), "{status}");
    for (request, listed, more) in [("spans\n", 100, 404), ("spans 5\n", 5, 499), ("spans 0\n", 504, 0)] {
        let answer = ask(host.pid(), request);
        assert!(answer.starts_with("good\nOpen spans: 504, oldest first, "), "{answer}");
        assert_eq!(answer.matches("  service shop").count(), listed, "{request}");
        assert_eq!(answer.contains(&format!("  and {more} more: ")), more > 0, "{request}");
        let first = answer.lines().nth(2).expect("a span");
        assert!(first.starts_with("  web.request  service shop  resource open"), "the oldest one: {first}");
        let hoarded = answer.lines().find(|line| line.starts_with("    k0="));
        assert_eq!(hoarded.is_none(), listed == 0, "{answer}");
        assert!(hoarded.is_none_or(|line| line.contains(" k9=") && line.ends_with("  and 10 more")), "{hoarded:?}");
    }
}

#[test]
fn a_tracer_that_does_not_allow_it_closes_an_open_socket() {
    let Some(host) = host("file:///dev/null", &["trace", "flush=20000", "wait"], &[]) else { return };
    assert_says(host.pid(), &["flush"], 0, &[]);
    let mut follower = connect(&socket_of(host.pid()).expect("it has a socket"));
    follower.write_all(format!("{}log\n", proof(host.pid())).as_bytes()).expect("it takes the request");
    let mut answer = [0; 5];
    follower.read_exact(&mut answer).expect("an answer");
    host.tell("forbid");
    // Records of before may come first.
    let mut rest = Vec::new();
    follower.read_to_end(&mut rest).expect("its end");
    assert!(wait_until(Duration::from_secs(20), || socket_of(host.pid()).is_none()));
    assert_says(host.pid(), &["flush"], 1, &["SPANWIRE_CONTROL is off there"]);
}

/// Sets how many descriptors a process may have. Returns how many it could have before.
fn set_descriptors(pid: u32, most: u64) -> u64 {
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both structures are valid for the calls.
    unsafe {
        let id = pid as libc::pid_t;
        assert_eq!(libc::prlimit(id, libc::RLIMIT_NOFILE, std::ptr::null(), &mut before), 0);
        let now = libc::rlimit { rlim_cur: most, ..before };
        assert_eq!(libc::prlimit(id, libc::RLIMIT_NOFILE, &now, std::ptr::null_mut()), 0);
    }
    before.rlim_cur
}

#[test]
fn a_process_without_descriptors_keeps_the_peers_that_it_has() {
    let Some(host) = host("file:///dev/null", &["trace", "flush=20000", "wait"], &[]) else { return };
    assert_says(host.pid(), &["debug", "on"], 0, &[]);
    let name = socket_of(host.pid()).expect("it has a socket");
    let mut follower = connect(&name);
    follower.write_all(format!("{}log\n", proof(host.pid())).as_bytes()).expect("it takes the request");
    let mut answer = [0; 5];
    follower.read_exact(&mut answer).expect("an answer");
    let usual = set_descriptors(host.pid(), 3);
    let mut waiting = connect(&name);
    waiting.write_all(format!("{}status\n", proof(host.pid())).as_bytes()).expect("it waits");
    // The host has looked at that peer when this record comes: it looks at peers first.
    let mut lines = BufReader::new(follower).lines();
    for _ in 0..3 {
        host.tell("trace");
        let mut named = lines.by_ref().map(|line| line.expect("the follower is served"));
        assert!(named.any(|line| line.contains("name=web.request")));
    }
    set_descriptors(host.pid(), usual);
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("good\nProcess "), "{answer}");
}

#[test]
fn a_peer_must_be_able_to_read_the_recorder_also_from_outside_of_the_pid_namespace() {
    let can = Command::new("unshare").args(["--pid", "--fork", "true"]).stderr(Stdio::null()).status();
    if !require("gcc") || !can.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this user cannot make pid namespaces");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).arg(compile_c(&root().join("tests/hosts/fates.c")));
    command.args(["trace", "flush=20000", "wait"]).env("DD_TRACE_AGENT_URL", "file:///dev/null");
    let outer = Live::run(command);
    assert_eq!(outer.said.last().expect("ready").1["pid"], 1);
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", outer.pid())).expect("its child");
    let host = children.trim().parse().expect("a number");
    // The companion can read this process's recorder. Root of another container could not, but sees the socket's name.
    assert_says(host, &["flush"], 0, &["spans sent"]);
    let refused = "bad\nthis socket answers only processes that can open its process's flight recorder\n";
    assert_eq!(say(&socket_of(host).expect("it has a socket"), "status\n"), refused);
}
