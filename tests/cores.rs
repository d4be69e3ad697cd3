//! Cores of processes that crashed: what they last did is read without a debugger, symbols or the program.

mod support;

use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::hosts::{compile_c, require, root};

/// A folder for one crash.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = root().join(format!("target/core-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// The core in it.
    fn core(&self) -> PathBuf {
        let entries = std::fs::read_dir(&self.0).expect("the folder").flatten().map(|entry| entry.path());
        let mut cores =
            entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("core")));
        cores.next().unwrap_or_else(|| panic!("no core in {}", self.0.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether a crash leaves its core in the working directory here; elsewhere a collector takes it away.
fn cores_are_left_here() -> bool {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let here = !pattern.starts_with(['|', '/']) && pattern.contains("core");
    if !here {
        eprintln!("skipped: cores go to {pattern:?} on this machine");
    }
    here
}

/// Runs a script that crashes, in a folder of its own, with this library.
fn crashed(name: &str, library: Option<&Path>, script: &str) -> Option<Folder> {
    if !require("gcc") || !cores_are_left_here() {
        return None;
    }
    let (folder, program) = (Folder::new(name), compile_c(&root().join("tests/hosts/script.c")));
    let input = folder.0.join("script");
    std::fs::write(&input, script).expect("a script");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited; exec timeout -s KILL 30 \"$0\" < script"]).arg(program);
    command.current_dir(&folder.0).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("DD_TRACE_AGENT_URL", "file:///dev/null").env("DD_SERVICE", "shop").env("SPANWIRE_LOG_SINKS", "none");
    if let Some(library) = library {
        command.env("LD_LIBRARY_PATH", library);
    }
    command.status().expect("sh runs");
    Some(folder)
}

fn read(core: &Path) -> (Json, String) {
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_spanwire")).arg("core").args(args).arg(core).output();
        let output = output.expect("the companion runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    (serde_json::from_str(&run(&["--json"])).expect("one object"), run(&[]))
}

fn refused(core: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_spanwire")).arg("core").arg(core).output();
    let output = output.expect("the companion runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const MIDDLE_OF_A_TRACE: &str =
    "new\nstart\tbefore\t\t\t\t0\t0\t0\t0\nfinish\t0\nstart\tcheckout\t\t\t\t0\t77\t7\t0\nchild\tpayment\ncrash\n";

#[track_caller]
fn tells_of_the_open_spans(core: &Path) {
    let (object, text) = read(core);
    assert_eq!((&object["core"]["signal"], &object["own"]), (&11.into(), &true.into()));
    assert_eq!(object["tracers"][0]["service"], "shop");
    let events = object["events"].as_array().expect("events");
    let count = |name: &str, open: bool| {
        events.iter().filter(|event| event["name"] == name && event["open"].as_bool().unwrap_or(false) == open).count()
    };
    assert_eq!((count("span.started", true), count("span.started", false)), (2, 1), "{text}");
    assert_eq!((count("span.finished", false), count("chunk.enqueued", false)), (1, 1), "{text}");
    assert!(text.contains("ended by signal 11 (SIGSEGV)") && text.contains("; still open"), "{text}");
}

#[test]
fn a_crash_in_the_middle_of_a_trace_tells_which_spans_were_open() {
    let Some(folder) = crashed("middle", None, MIDDLE_OF_A_TRACE) else { return };
    tells_of_the_open_spans(&folder.core());
}

#[test]
fn the_core_of_a_program_with_a_stripped_library_tells_the_same() {
    if !require("strip") {
        return;
    }
    let stripped = Folder::new("stripped");
    let library = support::hosts::stage().join("lib/libspanwire.so.0");
    let strip = Command::new("strip").arg("-o").arg(stripped.0.join("libspanwire.so.0")).arg(library).status();
    assert!(strip.is_ok_and(|status| status.success()));
    let Some(folder) = crashed("of-stripped", Some(&stripped.0), MIDDLE_OF_A_TRACE) else { return };
    tells_of_the_open_spans(&folder.core());
}

#[test]
fn the_core_of_a_forked_child_shows_the_childs_state_and_whose_child_it_is() {
    let script = "new\nstart\tin the parent\t\t\t\t0\t0\t0\t0\nfork\nstart\tin the child\t\t\t\t0\t0\t0\t0\ncrash\n";
    let Some(folder) = crashed("child", None, script) else { return };
    let (object, text) = read(&folder.core());
    assert_eq!((&object["own"], &object["recorder"]["epoch"]), (&true.into(), &2.into()), "{text}");
    assert_ne!(object["recorder"]["parent_pid"], object["recorder"]["pid"]);
    assert!(text.contains(", forked from process "), "{text}");
    let events = object["events"].as_array().expect("events");
    let started = events.iter().filter(|event| event["name"] == "span.started").count();
    assert_eq!(started, 1, "the child's own alone: {text}");
}

#[test]
fn what_cannot_be_read_is_said_and_why() {
    let Some(folder) = crashed("cut", None, MIDDLE_OF_A_TRACE) else { return };
    let (core, cut) = (std::fs::read(folder.core()).expect("the core"), folder.0.join("cut"));
    std::fs::write(&cut, &core[..core.len() / 16]).expect("written");
    assert!(refused(&cut).contains("cut short"), "{}", refused(&cut));
    assert!(refused(Path::new("/bin/sh")).contains("no core: give the file that the crash left"));
    assert!(refused(Path::new("/etc/hostname")).contains("no ELF file"));
    assert!(refused(Path::new("/no/such/core")).contains("cannot be opened"));
    assert!(refused(Path::new("/tmp")).contains("is no file"));
    let other = Folder::new("other");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited; kill -SEGV $$"]).current_dir(&other.0).stderr(Stdio::null());
    command.status().expect("sh runs");
    assert!(refused(&other.core()).contains("holds no flight recorder"));
}
