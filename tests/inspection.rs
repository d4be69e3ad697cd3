//! The state of a process, read from a core or from the live process: GDB and LLDB with the library's scripts and the
//! companion without a debugger give the same answer, for hosts in C++, PHP and Ruby, with symbols and without.

#[path = "support/crash.rs"]
mod crash;
#[allow(dead_code)] // the topic PHP uses more of it
#[path = "php/extension.rs"]
mod extension;
mod support;

use crash::{companion, cores_can_be_made, gdb, lldb, At, Folder, Subject};
use serde_json::Value as Json;
use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use support::agent::TestAgent;
use support::hosts::{compile_c, compile_cpp, require, root, stage};

/// Nothing listens on this port, so finished spans stay in the process.
const AGENT: &str = "http://127.0.0.1:9";

fn subject(program: impl AsRef<Path>, arguments: Vec<String>, library: &Path) -> Subject {
    let folder = library.parent().expect("a folder").display().to_string();
    let env = [
        ("DD_TRACE_AGENT_URL", AGENT),
        ("DD_SERVICE", "shop"),
        ("DD_ENV", "prod"),
        ("DD_TAGS", "team:checkout,api_key:abcdef0123456789"),
        ("DD_TRACE_STARTUP_LOGS", "false"),
        ("LD_LIBRARY_PATH", &folder),
        ("SPANWIRE_LIBRARY", &library.display().to_string()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Subject { program: program.as_ref().to_owned(), arguments, env }
}

fn staged() -> std::path::PathBuf {
    stage().join("lib/libspanwire.so.0")
}

/// Returns the path of a program in PATH, for a debugger.
fn in_path(name: &str) -> std::path::PathBuf {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.and_then(|path| path.canonicalize().ok()).unwrap_or_else(|| panic!("no {name}"))
}

fn in_cpp(library: &Path) -> Option<Subject> {
    require("g++").then(|| subject(compile_cpp(&root().join("tests/hosts/checkout.cpp")), Vec::new(), library))
}

fn in_php(library: &Path) -> Option<Subject> {
    let php = extension::php()?;
    let php = extension::Php { extension: php.extension.clone(), library: library.to_owned() };
    let mut arguments = php.arguments();
    arguments.push(root().join("tests/hosts/checkout.php").display().to_string());
    Some(subject(in_path("php"), arguments, library))
}

fn in_ruby(library: &Path) -> Option<Subject> {
    if !require("ruby") || !require("ruby-ffi") {
        return None;
    }
    let lib = root().join("bindings/ruby/lib").display().to_string();
    let arguments = vec!["-I".into(), lib, root().join("tests/hosts/checkout.rb").display().to_string()];
    Some(subject(in_path("ruby"), arguments, library))
}

const COMMANDS: [&str; 8] = ["status", "spans", "queue", "log", "events 0", "settings", "counters", "help"];

/// Returns what the companion reads from a core.
fn object(core: &Path) -> Json {
    let output = Command::new(env!("CARGO_BIN_EXE_spanwire")).arg("core").arg("--json").arg(core).output();
    let output = output.expect("the companion runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one object")
}

/// Asserts that a reader describes the checkout.
#[track_caller]
fn tells_of_the_checkout(answers: &[String]) {
    let [status, spans, queue, _, events, settings, counters, ..] = answers else { panic!("{answers:?}") };
    assert!(status.contains("Tracer 0: shop, env prod"), "{status}");
    assert!(status.contains(&format!("agent {AGENT}: not reached, for ")), "{status}");
    assert!(status.contains("open 2, waiting 1, "), "{status}");
    assert!(spans.starts_with("Open spans: 2, oldest first, as of "), "{spans}");
    assert!(spans.contains("  checkout  service shop  resource POST /checkout  type web  open "), "{spans}");
    assert!(spans.contains("    http.method=POST  cart.items=3\n"), "{spans}");
    assert!(spans.contains("  payment  service bank  open "), "{spans}");
    assert!(spans.contains("    card.token=<redacted>  card.brand=visa  amount=42.5\n"), "{spans}");
    assert!(queue.starts_with(&format!("Queue of {AGENT}: 3 chunks, 3 spans, ")), "{queue}");
    assert!(queue.contains("Waiting for their trace: 1 span in 1 trace\n"), "{queue}");
    assert!(events.contains("; still open") && events.contains("connection refused"), "{events}");
    assert!(settings.contains("  DD_ENV = prod (env)\n"), "{settings}");
    assert!(settings.contains("team:checkout,api_key:<redacted> (env)\n"), "{settings}");
    assert!(settings.contains(" (default)\n"), "{settings}");
    assert!(counters.contains("  finished                3\n"), "those handed on in chunks: {counters}");
    let all = answers.join("\n");
    assert!(!all.contains("tok_51Hx") && !all.contains("abcdef0123456789"), "a secret is shown: {all}");
}

/// Asserts that all three readers say the same about this core, and that it is the checkout.
#[track_caller]
fn agree_on(core: &Path, program: &Path) {
    let object = object(core);
    let span = object["open_spans"][0]["span_id"].as_str().expect("an open span").to_owned();
    let trace = object["open_spans"][0]["trace_id"].as_str().expect("its trace").to_owned();
    let (span, trace) = (format!("span {span}"), format!("trace {trace}"));
    let mut commands = COMMANDS.to_vec();
    commands.extend([span.as_str(), trace.as_str(), "span 1", "nonsense"]);
    let ours = companion(core, &commands);
    tells_of_the_checkout(&ours);
    let gdb = gdb(program, At::Core(core), &commands);
    let lldb = lldb(program, At::Core(core), &commands);
    for (name, answers) in [("GDB", gdb), ("LLDB", lldb)] {
        for ((command, ours), theirs) in commands.iter().zip(&ours).zip(answers.into_iter().flatten()) {
            assert_eq!(&theirs, ours, "{name} and the companion differ: {command}");
        }
    }
}

/// Kills the host in the middle of its trace, with symbols and without, and asks all three readers.
fn a_crash_is_told_alike(name: &str, host: fn(&Path) -> Option<Subject>) {
    if !cores_can_be_made() || !require("prlimit") {
        return;
    }
    let Some(host_of) = host(&staged()) else { return };
    let folder = crashed(&host_of, name);
    agree_on(&folder.core(), &host_of.program);
    if !require("strip") {
        return;
    }
    let stripped = Folder::new("stripped");
    let Some(host_of) = host(&stripped.stripped_library()) else { return };
    let folder = crashed(&host_of, name);
    agree_on(&folder.core(), &host_of.program);
}

/// Time for the worker to fail to reach the Agent, and to update the counters.
const A_WHILE: Duration = Duration::from_millis(1_500);

fn crashed(subject: &Subject, name: &str) -> Folder {
    let waiting = subject.wait_until_ready(name);
    std::thread::sleep(A_WHILE);
    waiting.killed_by("SEGV")
}

/// Attaches both debuggers to the stopped host, one after the other.
fn a_live_process_is_told_alike(name: &str, host: fn(&Path) -> Option<Subject>) {
    if !require("prlimit") {
        return;
    }
    let Some(subject) = host(&staged()) else { return };
    let waiting = subject.wait_until_ready(name);
    std::thread::sleep(A_WHILE);
    waiting.signal("STOP");
    let commands = COMMANDS;
    let at = At::Process(waiting.pid());
    let (gdb, lldb) = (gdb(&subject.program, at, &commands), lldb(&subject.program, at, &commands));
    for answers in [&gdb, &lldb].into_iter().flatten() {
        tells_of_the_checkout(answers);
    }
    if let (Some(gdb), Some(lldb)) = (gdb, lldb) {
        commands.iter().zip(gdb).zip(lldb).for_each(|((command, gdb), lldb)| assert_eq!(gdb, lldb, "{command}"));
    }
}

#[test]
fn a_crashed_cpp_program_tells_all_three_readers_what_it_was_doing() {
    a_crash_is_told_alike("cpp", in_cpp);
}

#[test]
fn a_crashed_php_script_tells_all_three_readers_what_it_was_doing() {
    a_crash_is_told_alike("php", in_php);
}

#[test]
fn a_crashed_ruby_program_tells_all_three_readers_what_it_was_doing() {
    a_crash_is_told_alike("ruby", in_ruby);
}

#[test]
fn a_live_cpp_program_tells_both_debuggers_what_it_is_doing() {
    a_live_process_is_told_alike("cpp-live", in_cpp);
}

#[test]
fn a_live_php_script_tells_both_debuggers_what_it_is_doing() {
    a_live_process_is_told_alike("php-live", in_php);
}

#[test]
fn a_live_ruby_program_tells_both_debuggers_what_it_is_doing() {
    a_live_process_is_told_alike("ruby-live", in_ruby);
}

/// Returns what a debugger without configuration prints when it loads this core, after running these commands.
fn loads(debugger: &str, words: &[&str], program: &Path, core: &Path) -> String {
    let mut command = Command::new(debugger);
    match debugger {
        "gdb" => command.args(["-q", "-nx", "-batch"]).args(words).arg(program).arg("-c").arg(core),
        _ => {
            let target = format!("target create {} --core {}", program.display(), core.display());
            command.args(["--no-lldbinit", "--batch", "-o", &target])
        }
    };
    if debugger == "gdb" {
        command.args(["-ex", "info sharedlibrary spanwire", "-ex", "spanwire status"]);
    } else {
        command.args(["-o", "image list"]);
    }
    let output = command.output().expect("it runs");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn a_debugger_says_nothing_of_the_library_to_those_who_did_not_ask() {
    if !cores_can_be_made() || !require("prlimit") {
        return;
    }
    let Some(subject) = in_cpp(&staged()) else { return };
    let folder = crashed(&subject, "quiet");
    for debugger in ["gdb", "lldb"].into_iter().filter(|debugger| require(debugger)) {
        let said = loads(debugger, &[], &subject.program, &folder.core());
        assert!(said.contains("libspanwire.so"), "{debugger} has not loaded the library: {said}");
        assert!(!said.contains("auto-load") && !said.contains("-gdb.py"), "{debugger}: {said}");
    }
}

#[test]
fn gdb_finds_the_command_by_the_librarys_path_where_it_looks_for_scripts() {
    if !cores_can_be_made() || !require("prlimit") || !require("gdb") {
        return;
    }
    let Some(subject) = in_cpp(&staged()) else { return };
    let folder = crashed(&subject, "auto-load");
    // GDB has this setting by itself for libraries installed in /usr.
    let scripts = stage().join("share/gdb/auto-load").display().to_string();
    let (looks, trusts) =
        (format!("add-auto-load-scripts-directory {scripts}"), format!("add-auto-load-safe-path {scripts}"));
    let said = loads("gdb", &["-iex", &looks, "-iex", &trusts], &subject.program, &folder.core());
    assert!(said.contains("\nTracer 0: shop, env prod"), "{said}");
    assert!(!said.contains("declined"), "{said}");
}

/// Returns the lines of the backtraces of all threads, from a debugger without our scripts.
fn backtraces(debugger: &str, program: &Path, core: &Path) -> String {
    let mut command = Command::new(debugger);
    let core = core.display().to_string();
    match debugger {
        "gdb" => command.args(["-q", "-nx", "-batch", "-ex", "thread apply all bt"]).arg(program).args(["-c", &core]),
        _ => {
            let target = format!("target create {} --core {core}", program.display());
            command.args(["--no-lldbinit", "--batch", "-o", &target, "-o", "thread backtrace all"])
        }
    };
    String::from_utf8_lossy(&command.output().expect("it runs").stdout).into_owned()
}

#[test]
fn backtraces_name_the_librarys_files_lines_and_arguments() {
    if !cores_can_be_made() || !require("prlimit") {
        return;
    }
    let Some(subject) = in_cpp(&staged()) else { return };
    let folder = crashed(&subject, "backtrace");
    for debugger in ["gdb", "lldb"].into_iter().filter(|debugger| require(debugger)) {
        let said = backtraces(debugger, &subject.program, &folder.core());
        assert!(said.contains("worker.rs:") && said.contains("serving.rs:"), "{debugger}: {said}");
        assert!(said.contains("shared=") || said.contains("self="), "{debugger}: {said}");
    }
}

/// Runs `spanwire core --send` with these arguments and returns its success and output.
fn send(core: &Path, url: &str, words: &[&str]) -> (bool, String) {
    send_in(core, url, words, "")
}

/// The same, and asks for this version of the format.
fn send_in(core: &Path, url: &str, words: &[&str], version: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
    command.env("DD_TRACE_AGENT_PROTOCOL_VERSION", version);
    let output = command.arg("core").arg("--send").arg(url).args(words).arg(core).output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn spans_of_freed_tracers_are_sent_from_the_core_under_their_own_service() {
    if !require("gcc") || !require("gdb") || !require("prlimit") {
        return;
    }
    let arguments = ["slots", AGENT, "/no/such/file"].map(str::to_owned).to_vec();
    let mut subject = subject(compile_c(&root().join("tests/hosts/sharing.c")), arguments, &staged());
    subject.env.retain(|(name, _)| name != "DD_SERVICE");
    let waiting = subject.wait_until_ready("slots");
    std::thread::sleep(A_WHILE);
    let core = waiting.gcore();
    let folder = waiting.killed_by("KILL");
    let Some(agent) = TestAgent::start() else { return };
    let (sent, said) = send(&core, &agent.place.tcp(), &[]);
    assert!(sent && said.starts_with("Sent 300 finished spans to "), "{said}");
    let traces = agent.traces();
    let services: HashSet<&str> = traces.iter().flatten().map(|span| span.service.as_str()).collect();
    assert_eq!((traces.len(), services.len()), (300, 300));
    drop(folder);
}

#[test]
fn finished_spans_that_a_kill_kept_from_leaving_are_sent_from_the_core_once_and_open_ones_never() {
    if !require("g++") || !require("gdb") || !require("prlimit") {
        return;
    }
    let mut subject = subject(compile_cpp(&root().join("tests/hosts/unsent.cpp")), Vec::new(), &staged());
    subject.env.push(("DD_VERSION".into(), "1.2.3".into()));
    let waiting = subject.wait_until_ready("unsent");
    std::thread::sleep(A_WHILE);
    let core = waiting.gcore();
    let folder = waiting.killed_by("KILL");
    let Some(agent) = TestAgent::start() else { return };
    let (sent, said) = send(&core, "http://127.0.0.1:9", &[]);
    assert!(!sent && said.contains("1000 spans not sent to http://127.0.0.1:9: "), "{said}");
    let (sent, said) = send(&core, &agent.place.tcp(), &[]);
    assert!(sent && said.starts_with("Sent 1000 finished spans to "), "{said}");
    let traces = agent.traces();
    let spans: Vec<_> = traces.iter().flatten().collect();
    let numbers: HashSet<u64> = spans.iter().map(|span| span.metrics["number"] as u64).collect();
    assert_eq!((spans.len(), numbers.len(), traces.len()), (1000, 1000, 450));
    for span in &spans {
        let meta = |key: &str| span.meta.get(key).map(String::as_str);
        assert_eq!((span.name.as_str(), span.service.as_str()), ("finished", "shop"));
        assert_eq!((meta("_spanwire.recovered"), meta("card")), (Some("true"), Some("visa")));
        assert_eq!((meta("env"), meta("version"), meta("team")), (Some("prod"), Some("1.2.3"), Some("checkout")));
    }
    let (sent, said) = send(&core, &agent.place.tcp(), &[]);
    assert!(!sent && said.contains("were sent before") && said.contains("--again"), "{said}");
    assert_eq!(agent.traces().iter().map(Vec::len).sum::<usize>(), 1000, "a second time");
    assert!(send(&core, &agent.place.tcp(), &["--again"]).0);
    agent.assert_checks_passed();
    drop(agent);
    let mut names: Vec<_> = spans.iter().map(|span| (span.span_id, span.metrics["number"] as u64)).collect();
    names.sort_unstable();
    for (version, path) in [("0.5", "/v0.5/traces"), ("1.0", "/v1.0/traces")] {
        let Some(agent) = TestAgent::start() else { return };
        let (sent, said) = send_in(&core, &agent.place.tcp(), &["--again"], version);
        assert!(sent && said.starts_with("Sent 1000 finished spans to "), "{said}");
        let traces = agent.traces();
        let mut same: Vec<_> = traces.iter().flatten().map(|s| (s.span_id, s.metrics["number"] as u64)).collect();
        same.sort_unstable();
        assert!(same == names, "{version}: {} spans", same.len());
        assert!(traces.iter().flatten().all(|span| span.tag("_spanwire.recovered") == "true"));
        assert!(agent.requests().iter().any(|request| request.url.ends_with(path)));
    }
    let Some(agent) = TestAgent::start() else { return };
    let (sent, said) = send(&core, &agent.otlp(), &["--again"]);
    assert!(sent && said.starts_with("Sent 1000 finished spans to "), "{said}");
    let bodies = agent.requests().into_iter().filter(|request| request.url.ends_with("/v1/traces"));
    let marks = bodies.map(|request| String::from_utf8_lossy(&request.body).matches("_spanwire.recovered").count());
    assert_eq!(marks.sum::<usize>(), 1000);
    drop(folder);
}
