//! A host that does something, prints `ready {…}`, and lives until its standard input is closed.

use crate::support::hosts::{compile_c, copy_program, require, root};
use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The running host. Ends when dropped.
pub struct Live {
    process: Child,
    /// The objects of all lines `WORD {…}` before `ready`, with their words.
    pub said: Vec<(String, Json)>,
}

impl Live {
    /// Starts `tests/hosts/FILE` with these arguments and variables. `None` if there is no compiler.
    pub fn start(file: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Option<Live> {
        if !require("gcc") {
            return None;
        }
        let mut command = Command::new(compile_c(&root().join("tests/hosts").join(file)));
        command.args(arguments).env_clear().envs(variables.iter().copied());
        Some(Live::run(command))
    }

    /// Starts this command.
    pub fn run(mut command: Command) -> Live {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the host runs");
        let (mut said, mut ready) = (Vec::new(), false);
        for line in BufReader::new(process.stdout.take().expect("its output")).lines().map_while(Result::ok) {
            let Some((word, object)) = line.split_once(' ') else { continue };
            let Ok(object) = serde_json::from_str(object) else { continue };
            said.push((word.to_owned(), object));
            ready = word == "ready";
            if ready {
                break;
            }
        }
        let live = Live { process, said };
        assert!(ready, "the host ended early: {:?}", live.said);
        live
    }

    /// Has a host that waits do this, too.
    pub fn tell(&self, action: &str) {
        let mut input = self.process.stdin.as_ref().expect("its input");
        writeln!(input, "{action}").expect("it reads");
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns the object of the line `WORD {"what":WHAT,…}`.
    #[track_caller]
    pub fn object(&self, word: &str, what: &str) -> &Json {
        let mut all = self.said.iter().filter(|(other, object)| other == word && object["what"] == what);
        &all.next().unwrap_or_else(|| panic!("no {word} {what}: {:?}", self.said)).1
    }

    /// Returns the id of a trace that the host has named, as 32 hexadecimal digits.
    #[track_caller]
    pub fn trace(&self, what: &str) -> String {
        let trace = self.object("trace", what);
        let half = |name: &str| trace[name].as_u64().expect("a half of an id");
        format!("{:016x}{:016x}", half("high"), half("low"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.process.stdin.take();
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Starts `tests/hosts/fates.c` with an agent at this URL, these actions and settings. It says nothing by itself.
pub fn fates(url: &str, actions: &[&str], settings: &[(&str, &str)]) -> Option<Live> {
    let quiet = [("DD_SERVICE", "shop"), ("DD_TRACE_STARTUP_LOGS", "false"), ("SPANWIRE_LOG_SINKS", "ring")];
    Live::start("fates.c", actions, &[&quiet[..], &[("DD_TRACE_AGENT_URL", url)], settings].concat())
}

/// Runs the companion.
pub fn companion(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spanwire")).args(arguments).output().expect("the companion runs")
}

/// Runs a copy of the companion as the user `nobody`. `None` unless this is root and the system can change users.
pub fn companion_as_nobody(arguments: &[&str]) -> Option<Output> {
    use std::os::unix::fs::MetadataExt;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|folder| folder.uid() == 0);
    if !is_root || !require("setpriv") {
        return None;
    }
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    // A folder that every user may read.
    let copy = std::env::temp_dir().join(format!("spanwire-nobody.{}.{number}", std::process::id()));
    copy_program(Path::new(env!("CARGO_BIN_EXE_spanwire")), &copy);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).args(arguments);
    let output = command.output().expect("setpriv runs");
    std::fs::remove_file(&copy).ok();
    Some(output)
}
