//! Cores of crashed processes: `spanwire core` reads them without a debugger, symbols or the program.

#[allow(dead_code)] // the topic of inspection uses more of it
#[path = "support/crash.rs"]
mod crash;
mod support;

use crash::{companion, cores_can_be_made, gdb, gdb_writes_the_core, kernel_leaves_cores, lldb, At, Folder};
use serde_json::Value as Json;
use spanwire::companion::recorder::layout;
use std::path::Path;
use std::process::{Command, Stdio};
use support::hosts::{compile_c, require, root};

/// Runs a script that crashes with this library, and returns the folder with the core.
fn crashed(name: &str, library: Option<&Path>, script: &str) -> Option<Folder> {
    crashed_with(name, library, "", script)
}

/// Does the same with this `coredump_filter`, or the usual one.
fn crashed_with(name: &str, library: Option<&Path>, filter: &str, script: &str) -> Option<Folder> {
    if !require("gcc") || !cores_can_be_made() {
        return None;
    }
    let (folder, program) = (Folder::new(name), compile_c(&root().join("tests/hosts/script.c")));
    let input = folder.0.join("script");
    std::fs::write(&input, script).expect("a script");
    let mut command = Command::new("sh");
    let filtered = "[ -z \"$FILTER\" ] || echo \"$FILTER\" > /proc/self/coredump_filter";
    let run = "ulimit -c unlimited; exec timeout -s KILL 30 \"$@\" < script";
    command.args(["-c", &format!("{filtered}; {run}"), "sh"]).env("FILTER", filter);
    if kernel_leaves_cores() {
        command.arg(program);
    } else {
        let gdb = gdb_writes_the_core(&folder.0, &["set follow-fork-mode child", "run < script"]);
        command.arg(gdb.get_program()).args(gdb.get_args()).arg(program);
    }
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
    let names: Vec<&str> =
        object["open_spans"].as_array().expect("spans").iter().filter_map(|span| span["name"].as_str()).collect();
    assert_eq!(names, ["checkout", "payment"], "{text}");
    let events = object["events"].as_array().expect("events");
    let count = |name: &str, open: bool| {
        events.iter().filter(|event| event["name"] == name && event["open"].as_bool().unwrap_or(false) == open).count()
    };
    assert_eq!((count("span.started", true), count("span.started", false)), (2, 1), "{text}");
    assert_eq!((count("span.finished", false), count("chunk.enqueued", false)), (1, 1), "{text}");
    assert!(text.contains("ended by signal 11 (SIGSEGV)") && text.contains("; still open"), "{text}");
}

/// Whether the kernel leaves a core, for tests that need its own core, page by page. Under `tests/run` they fail where
/// there is none.
fn require_kernel_cores() -> bool {
    let insists = std::env::var_os("SPANWIRE_REQUIRE_HOSTS").is_some_and(|value| value == "1");
    let left = kernel_leaves_cores();
    assert!(left || !insists, "cores are not left in the working directory: set sysctl kernel.core_pattern=core");
    if !left {
        eprintln!("skipped: the kernel leaves no core in the working directory (sysctl kernel.core_pattern=core)");
    }
    left
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
    stripped.stripped_library();
    let Some(folder) = crashed("of-stripped", Some(&stripped.0), MIDDLE_OF_A_TRACE) else { return };
    tells_of_the_open_spans(&folder.core());
}

#[test]
fn the_core_of_a_forked_child_shows_the_childs_state_and_whose_child_it_is() {
    let script = "new\nstart\tin the parent\t\t\t\t0\t0\t0\t0\nfork\nstart\tin the child\t\t\t\t0\t0\t0\t0\ncrash\n";
    let Some(folder) = crashed("child", None, script) else { return };
    let (core, program) = (folder.core(), compile_c(&root().join("tests/hosts/script.c")));
    let (object, text) = read(&core);
    assert_eq!((&object["own"], &object["recorder"]["epoch"]), (&true.into(), &2.into()), "{text}");
    assert_ne!(object["process"]["parent_pid"], object["process"]["pid"]);
    assert!(text.contains("\nForked from process "), "{text}");
    let events = object["events"].as_array().expect("events");
    let started = events.iter().filter(|event| event["name"] == "span.started").count();
    assert_eq!(started, 1, "the child's own alone: {text}");
    let ours = companion(&core, &["status", "spans"]);
    assert!(ours[1].contains("in the child") && !ours[1].contains("in the parent"), "{}", ours[1]);
    for theirs in
        [gdb(&program, At::Core(&core), &["status", "spans"]), lldb(&program, At::Core(&core), &["status", "spans"])]
    {
        assert!(theirs.is_none_or(|theirs| theirs == ours));
    }
}

#[test]
fn the_core_of_a_child_that_made_no_call_names_the_parent_whose_state_it_shows() {
    let script = "new\nstart\tin the parent\t\t\t\t0\t0\t0\t0\nfork\ncrash\n";
    let Some(folder) = crashed("silent-child", None, script) else { return };
    let (object, text) = read(&folder.core());
    assert_eq!(object["own"], false, "{text}");
    let said = &companion(&folder.core(), &["spans"])[0];
    let (parent, child) = (&object["process"]["pid"], &object["pid"]);
    let sentence = format!(
        "This state is of process {parent}, of which process {child} is a forked child; {child} itself has made no call since.\n"
    );
    assert!(said.starts_with(&sentence) && said.contains("in the parent"), "{said}");
}

/// Returns the answer of all three readers to these commands, and asserts that it is the same.
#[track_caller]
fn all_say(core: &Path, commands: &[&str]) -> Vec<String> {
    let program = compile_c(&root().join("tests/hosts/script.c"));
    let ours = companion(core, commands);
    for theirs in [gdb(&program, At::Core(core), commands), lldb(&program, At::Core(core), commands)] {
        assert_eq!(theirs.as_ref().unwrap_or(&ours), &ours);
    }
    ours
}

/// Asserts what is reported for a core without a flight recorder.
#[track_caller]
fn is_told_without_a_recorder(core: &Path) {
    let said = all_say(core, &["status", "spans", "queue", "events", "log", "settings", "counters"]);
    let (left_out, (status, spans)) = ("Some of the memory cannot be read: ", (&said[0], &said[1]));
    assert!(said.iter().all(|answer| answer.starts_with(left_out)), "{said:?}");
    assert!(status.contains(", at a time that is not known\n") && status.contains("Memory of spans: "), "{status}");
    assert!(!status.contains("Memory of spans: 0 of"), "{status}");
    assert!(spans.contains("\nOpen spans: 2, oldest first, at a time that is not known\n"), "{spans}");
    assert!(spans.contains("  checkout  service shop  started 20"), "{spans}");
    assert!(said[3].contains("The flight recorder cannot be read: its memory is missing\n"), "{}", said[3]);
    let all = said.join("");
    assert!(!all.contains("1970") && !all.contains("open 0 ns"), "memory that is missing was taken for zeros: {all}");
    let (object, _) = read_without_recorder(core);
    assert_eq!((&object["process"]["as_of_ns"], &object["process"]["incomplete"]), (&Json::Null, &true.into()));
    assert_eq!(object["open_spans"][0]["open_ns"], Json::Null);
}

/// Runs `read` for a core whose recorder is missing.
fn read_without_recorder(core: &Path) -> (Json, String) {
    let (object, text) = read(core);
    assert_eq!(object["events"], Json::Null, "{text}");
    (object, text)
}

#[test]
fn memory_that_a_core_was_written_without_is_not_taken_for_zeros() {
    if !require_kernel_cores() {
        return;
    }
    // Without shared memory, which contains the flight recorder.
    let Some(folder) = crashed_with("no-shared", None, "0x31", MIDDLE_OF_A_TRACE) else { return };
    is_told_without_a_recorder(&folder.core());
    let without = |what: &str| MIDDLE_OF_A_TRACE.replace("crash\n", &format!("leave_out\t{what}\ncrash\n"));
    let script = without("memfd:spanwire-recorder (deleted)");
    let Some(folder) = crashed("no-recorder", None, &script) else { return };
    is_told_without_a_recorder(&folder.core());
    // Without the library's table, in the library's data or on the heap. The error must not claim that the library was
    // not used.
    for (what, words) in
        [("libspanwire.so.0.1.0", "its root cannot be read"), ("[heap]", "its type descriptors cannot be read")]
    {
        let Some(folder) = crashed("no-table", None, &without(what)) else { return };
        let program = compile_c(&root().join("tests/hosts/script.c"));
        let core = folder.core();
        let wanted = format!("spanwire: the library's table is damaged or was left out: {words}\n");
        for theirs in [gdb(&program, At::Core(&core), &["status"]), lldb(&program, At::Core(&core), &["status"])] {
            assert!(theirs.is_none_or(|theirs| theirs[0] == wanted));
        }
        let ours = companion(&core, &["status"]).concat();
        assert!(ours.contains("cannot be asked: ") && ours.contains("the library's table"), "{ours}");
    }
}

#[test]
fn memory_that_is_zeroed_in_a_core_is_not_taken_for_a_time_or_a_count() {
    if !require_kernel_cores() {
        return;
    }
    let Some(folder) = crashed("zeroed", None, MIDDLE_OF_A_TRACE) else { return };
    let path = folder.core();
    let mut core = std::fs::read(&path).expect("the core");
    let (magic, size) = (layout::MAGIC.to_le_bytes(), (layout::FILE_WORDS as u64).to_le_bytes());
    // The library has the magic number as a constant, too, which may lie at the beginning of a page.
    let begins = |at: usize| core[at..at + 8] == magic && core[at + 8 * layout::header::WORDS..][..8] == size;
    let places: Vec<usize> = (0..core.len() - 65_536).step_by(4096).filter(|&at| begins(at)).collect();
    assert!(!places.is_empty(), "no flight recorder at the beginning of a page");
    places.into_iter().for_each(|at| core[at..at + 65_536].fill(0));
    std::fs::write(&path, core).expect("written");
    is_told_without_a_recorder(&path);
}

#[test]
fn a_core_that_cannot_be_read_is_an_error_that_says_why() {
    let Some(folder) = crashed("cut", None, MIDDLE_OF_A_TRACE) else { return };
    let (core, cut) = (std::fs::read(folder.core()).expect("the core"), folder.0.join("cut"));
    std::fs::write(&cut, &core[..core.len() / 16]).expect("written");
    assert!(refused(&cut).contains("cut short"), "{}", refused(&cut));
    // The table is complete; the missing rest is reported.
    std::fs::write(&cut, &core[..core.len() - 65_536]).expect("written");
    let (_, said) = read(&cut);
    assert!(said.contains("The core is cut short: "), "{said}");
    // A table of another version, and a table that was overwritten.
    let magic = b"spanwire debug\r\n";
    let root =
        core.windows(64).position(|bytes| bytes.starts_with(magic) && bytes[16..24] == [1, 0, 0, 0, 64, 0, 0, 0]);
    let root = root.expect("the library's table");
    for (at, byte, words) in [(16, 9, "table is version 9, and this reader knows version 1"), (49, 0xff, "is damaged")]
    {
        let mut other = core.clone();
        other[root + at] = byte;
        std::fs::write(&cut, &other).expect("written");
        let (object, said) = read(&cut);
        assert!(said.contains("Names, tags, queues and settings cannot be shown") && said.contains(words), "{said}");
        assert!(said.contains("; still open") && object["table_error"].as_str().is_some_and(|why| why.contains(words)));
    }
    assert!(refused(Path::new("/bin/sh")).contains("no core: give the file that the crash left"));
    assert!(refused(Path::new("/etc/hostname")).contains("no ELF file"));
    assert!(refused(Path::new("/no/such/core")).contains("cannot be opened"));
    assert!(refused(Path::new("/tmp")).contains("is no file"));
    let other = Folder::new("other");
    let mut command = if kernel_leaves_cores() { Command::new("sh") } else { gdb_writes_the_core(&other.0, &["run"]) };
    if !kernel_leaves_cores() {
        command.args(["--args", "sh"]);
    }
    command.args(["-c", "ulimit -c unlimited; kill -SEGV $$"]).current_dir(&other.0);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("sh runs");
    assert!(refused(&other.core()).contains("holds no flight recorder"));
}
