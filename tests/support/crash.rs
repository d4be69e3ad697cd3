//! Hosts to be inspected from outside: starts a host that prints `ready` and waits, makes cores of it, and runs the
//! three readers: GDB and LLDB with the library's scripts, and the companion. Assertions belong in the tests.

use crate::support::hosts::{require, root, stage};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder for one crash. Removed when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = root().join(format!("target/core-{name}-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// Returns the core in the folder.
    pub fn core(&self) -> PathBuf {
        let entries = std::fs::read_dir(&self.0).expect("the folder").flatten().map(|entry| entry.path());
        let mut cores =
            entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core")));
        cores.next().unwrap_or_else(|| panic!("no core in {}", self.0.display()))
    }

    /// Puts a copy of the staged library without symbols into this folder.
    pub fn stripped_library(&self) -> PathBuf {
        let to = self.0.join("libspanwire.so.0");
        let strip = Command::new("strip").arg("-o").arg(&to).arg(stage().join("lib/libspanwire.so.0")).status();
        assert!(strip.is_ok_and(|status| status.success()), "strip");
        to
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether the kernel writes the core of a crash to the working directory. If `core_pattern` sends it to another place
/// or to a program, the test runs the host under GDB, which writes the core. SPANWIRE_CORES_BY_GDB=1 forces that.
pub fn kernel_leaves_cores() -> bool {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let by_gdb = std::env::var_os("SPANWIRE_CORES_BY_GDB").is_some_and(|value| value == "1");
    !by_gdb && pattern.starts_with("core") && !pattern.contains('/')
}

/// Whether the tests can get a core of a crash.
pub fn cores_can_be_made() -> bool {
    kernel_leaves_cores() || require("gdb")
}

/// Returns a GDB command line. GDB runs these commands, stops when the program is about to die, and writes a core to
/// this folder.
pub fn gdb_writes_the_core(folder: &Path, commands: &[&str]) -> Command {
    let mut gdb = Command::new("gdb");
    gdb.args(["-q", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load off"]);
    for command in commands {
        gdb.args(["-ex", command]);
    }
    gdb.args(["-ex", "generate-core-file core", "-ex", "kill"]).current_dir(folder).stdin(Stdio::null());
    gdb
}

/// A program to be inspected, and its arguments.
#[derive(Clone)]
pub struct Subject {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub env: Vec<(String, String)>,
}

/// A program that is running and waits.
pub struct Waiting {
    child: Child,
    pub folder: Folder,
}

impl Subject {
    /// Starts the program in a new folder with a clean environment, and waits until it prints `ready`.
    pub fn wait_until_ready(&self, name: &str) -> Waiting {
        let folder = Folder::new(name);
        // `prlimit` executes the program in its own process, so signals reach the program, and its core is in this
        // folder.
        let mut command = Command::new("prlimit");
        command.arg("--core=unlimited").arg(&self.program).args(&self.arguments).current_dir(&folder.0).env_clear();
        for keep in ["PATH", "HOME"] {
            std::env::var_os(keep).map(|value| command.env(keep, value));
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let log = std::fs::File::create(folder.0.join("stderr")).expect("a log");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().expect("prlimit runs");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut said).expect("its first line");
        let waiting = Waiting { child, folder };
        assert_eq!(said, "ready\n", "{}", waiting.errors());
        waiting
    }
}

impl Waiting {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(self.folder.0.join("stderr")).unwrap_or_default()
    }

    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(kill.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Ends the program with this signal and leaves a core. Returns the folder.
    pub fn killed_by(mut self, name: &str) -> Folder {
        if kernel_leaves_cores() || name == "KILL" {
            self.signal(name);
        } else {
            let signal = format!("shell kill -{name} {}", self.pid());
            let mut gdb = gdb_writes_the_core(&self.folder.0, &[&signal, "continue"]);
            let output = gdb.arg("-p").arg(self.pid().to_string()).output().expect("gdb runs");
            assert!(self.folder.0.join("core").exists(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let _ = self.child.wait();
        let empty = Folder(self.folder.0.join("taken"));
        std::mem::replace(&mut self.folder, empty)
    }

    /// Makes a core of the running program with GDB's gcore.
    pub fn gcore(&self) -> PathBuf {
        let output =
            Command::new("gcore").arg("-o").arg(self.folder.0.join("core")).arg(self.pid().to_string()).output();
        let output = output.expect("gcore runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.folder.core()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a debugger inspects.
#[derive(Clone, Copy)]
pub enum At<'a> {
    Core(&'a Path),
    Process(u32),
}

/// Printed in a debugger's output to separate the answers.
const MARK: &str = "=-=-=";

/// Returns the answers between the marks. Panics with the whole output if there are fewer than `count`.
fn answers(output: std::process::Output, count: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = format!("{text}\n-- stderr\n{}", String::from_utf8_lossy(&output.stderr));
    let mut parts: Vec<&str> = text.split(&format!("{MARK}\n")).skip(1).collect();
    parts.truncate(count);
    assert_eq!(parts.len(), count, "{all}");
    parts.into_iter().map(str::to_owned).collect()
}

/// Runs these `spanwire` commands in GDB with the installed script, and returns the answers. `None` if GDB is missing.
pub fn gdb(program: &Path, at: At<'_>, commands: &[&str]) -> Option<Vec<String>> {
    if !require("gdb") {
        return None;
    }
    let mut gdb = Command::new("gdb");
    let script = stage().join("share/spanwire/gdb/spanwire_gdb.py");
    gdb.args(["-q", "-nx", "-batch", "-iex", "set debuginfod enabled off"]);
    gdb.args(["-iex", &format!("source {}", script.display())]).arg(program);
    match at {
        At::Core(core) => gdb.arg("-c").arg(core),
        At::Process(pid) => gdb.arg("-p").arg(pid.to_string()),
    };
    for command in commands {
        gdb.args(["-ex", &format!("echo {MARK}\\n"), "-ex", &format!("spanwire {command}")]);
    }
    gdb.args(["-ex", &format!("echo {MARK}\\n")]);
    Some(answers(gdb.stdin(Stdio::null()).output().expect("gdb runs"), commands.len()))
}

/// The same in LLDB. On Debian, LLDB's Python package is not in Python's search path.
pub fn lldb(program: &Path, at: At<'_>, commands: &[&str]) -> Option<Vec<String>> {
    if !require("lldb") {
        return None;
    }
    let mut lldb = Command::new("lldb");
    let packages = ["/usr/lib/llvm-14/lib/python3.11/dist-packages", "/usr/lib/llvm-14/lib/python3/dist-packages"];
    lldb.env("PYTHONPATH", packages.join(":")).args(["--no-lldbinit", "--batch"]);
    lldb.args(["-o", &format!("command script import {}", root().join("bindings/lldb/spanwire_lldb.py").display())]);
    match at {
        At::Core(core) => lldb.args(["-o", &format!("target create {} --core {}", program.display(), core.display())]),
        At::Process(pid) => lldb.args(["-o", &format!("process attach --pid {pid}")]),
    };
    let mark = format!("script print(\"{MARK}\")");
    for command in commands {
        lldb.args(["-o", &mark, "-o", &format!("spanwire {command}")]);
    }
    lldb.args(["-o", &mark]);
    // LLDB prints each command after its prompt.
    let mut output = lldb.stdin(Stdio::null()).output().expect("lldb runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("(lldb) ")).collect();
    output.stdout = (kept.join("\n") + "\n").into_bytes();
    Some(answers(output, commands.len()))
}

/// The same with the companion, for a core. On a command that it does not know, it fails with a message on standard
/// error.
pub fn companion(core: &Path, commands: &[&str]) -> Vec<String> {
    let one = |command: &&str| {
        let words = command.split(' ');
        let output = Command::new(env!("CARGO_BIN_EXE_spanwire")).arg("core").arg(core).args(words).output();
        let output = output.expect("the companion runs");
        let said = if output.status.success() { output.stdout } else { output.stderr };
        String::from_utf8_lossy(&said).into_owned()
    };
    commands.iter().map(one).collect()
}
