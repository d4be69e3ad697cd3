//! Runs the examples as a reader would: each prints what its first comment says, sends where the environment says, and
//! shows its log in debug mode. Also tests `spanwire.hpp`, of which the C++ example shows only a part.

mod support;

use serde_json::Value as Json;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::agent::TestAgent;
use support::hosts::{command, compile_c, compile_cpp, require, root, stage, Host};

/// The programs that exist in every language, with their requirements besides the stage.
const HELLO: [(&str, &[&str]); 5] = [
    ("examples/c/hello.c", &["gcc"]),
    ("examples/cpp/hello.cpp", &["g++"]),
    ("examples/php/hello.php", &["php"]),
    ("examples/ruby/hello.rb", &["ruby", "ruby-ffi"]),
    ("examples/ruby/fiddle.rb", &["ruby"]),
];

/// Returns an example that is ready to run; `None` if a requirement is missing and not required by `tests/run`.
fn example(path: &str, needs: &[&str]) -> Option<Host> {
    if !needs.iter().all(|tool| require(tool)) {
        return None;
    }
    let source = root().join(path);
    stage();
    Some(match source.extension().and_then(|extension| extension.to_str()) {
        Some("c") => command(compile_c(&source)),
        Some("cpp") => command(compile_cpp(&source)),
        Some("php") => {
            let library = stage().join("lib/libspanwire.so.0");
            command("php").arg("-d").arg(format!("spanwire.library={}", library.display())).arg(source.display())
        }
        _ => command("ruby").arg(source.display()),
    })
}

/// Returns the lines below "Prints" in the first comment; `…` matches any text.
fn promised(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(path)).expect("the example is there");
    let said = text.lines().skip_while(|line| !line.trim_start_matches([' ', '*', '#']).starts_with("Prints")).skip(1);
    let lines: Vec<String> =
        said.map_while(|line| line.strip_prefix(" *   ").or(line.strip_prefix("#   "))).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "{path}: its first comment does not say what it prints");
    lines
}

/// Whether `line` matches `pattern`, in which each `…` matches any text.
fn fits(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[track_caller]
fn assert_as_promised(path: &str, printed: &str) {
    let promised = promised(path);
    let lines: Vec<&str> = printed.lines().collect();
    let same = promised.len() == lines.len() && promised.iter().zip(&lines).all(|(p, line)| fits(p, line));
    assert!(same, "{path} promises:\n{}\nand prints:\n{printed}", promised.join("\n"));
}

/// A folder for trace files; removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = root().join(format!("target/test-examples/{name}.{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for traces");
        Folder(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// One line of a trace file.
struct Trace {
    id: String,
    spans: Vec<Json>,
}

impl Trace {
    #[track_caller]
    fn of(line: &str) -> Trace {
        let object: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let id = object["trace_id"].as_str().unwrap_or_else(|| panic!("no trace_id in {line}")).to_owned();
        Trace { id, spans: object["spans"].as_array().unwrap_or_else(|| panic!("no spans in {line}")).clone() }
    }

    fn all(file: &Path) -> Vec<Trace> {
        std::fs::read_to_string(file).expect("the traces were written").lines().map(Trace::of).collect()
    }
}

#[test]
fn every_hello_prints_what_its_comment_promises() {
    for (path, needs) in HELLO {
        let Some(hello) = example(path, needs) else { continue };
        assert_as_promised(path, &hello.run().ok().stdout);
    }
}

#[test]
fn every_hello_sends_the_same_trace_to_the_agent_that_the_environment_names() {
    let folder = Folder::new("hello");
    for (path, needs) in HELLO {
        let Some(hello) = example(path, needs) else { continue };
        let file = folder.file(&path.replace('/', "-"));
        let outcome = hello.agent(&format!("file://{}", file.display())).run().ok();
        assert_eq!(outcome.stdout, "2 spans finished, 2 sent\n", "{path}");

        let traces = Trace::all(&file);
        let [trace] = traces.as_slice() else { panic!("{path}: not one trace but {}", traces.len()) };
        let [checkout, payment] = trace.spans.as_slice() else { panic!("{path}: not two spans but {:?}", trace.spans) };
        assert_eq!((&checkout["name"], &payment["name"]), (&"checkout".into(), &"payment".into()), "{path}");
        assert_eq!((&checkout["service"], &payment["service"]), (&"shop".into(), &"shop".into()), "{path}");
        assert_eq!((&checkout["parent_id"], &payment["parent_id"]), (&"0".into(), &checkout["span_id"]), "{path}");
        assert_eq!((&payment["meta"]["card"], &payment["metrics"]["amount"]), (&"visa".into(), &42.5.into()), "{path}");
    }
}

#[test]
fn what_every_language_makes_reaches_a_real_agent_over_tcp_and_unix_sockets() {
    for (path, needs) in HELLO {
        for over_unix in [false, true] {
            let (Some(hello), Some(agent)) = (example(path, needs), TestAgent::start()) else { continue };
            let url = if over_unix { agent.unix() } else { agent.tcp() };
            let outcome = hello.agent(&url).run().ok();
            assert_eq!(outcome.stdout, "2 spans finished, 2 sent\n", "{path} to {url}");

            let traces = agent.traces();
            let spans: Vec<_> = traces.iter().flatten().collect();
            let of =
                |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{path}: no {name}"));
            let (checkout, payment) = (of("checkout"), of("payment"));
            assert_eq!((traces.len(), spans.len()), (1, 2), "{path}");
            assert_eq!((checkout.parent_id, payment.parent_id), (0, checkout.span_id), "{path}");
            assert_eq!((checkout.service.as_str(), payment.service.as_str()), ("shop", "shop"), "{path}");
            assert_eq!((payment.tag("card"), payment.metrics["amount"]), ("visa", 42.5), "{path}");
            assert!(checkout.start <= payment.start && checkout.duration >= payment.duration, "{path}");
            assert_eq!((checkout.tag("_dd.p.tid").len(), payment.tag("_dd.p.tid").len()), (16, 0), "{path}");
            agent.assert_checks_passed();
        }
    }
}

#[test]
fn debug_mode_tells_of_each_span_in_every_language() {
    for (path, needs) in HELLO {
        let Some(hello) = example(path, needs) else { continue };
        let quiet = hello.clone().agent("file:///dev/null").run().ok().stderr;
        let loud = hello.agent("file:///dev/null").env("DD_TRACE_DEBUG", "true").run().ok().stderr;
        for span in ["checkout", "payment"] {
            let line = match path {
                php if php.ends_with(".php") => format!("…[ddtrace] [span] Encoding span …, name='{span}', …"),
                ruby if ruby.ends_with(".rb") => format!(" Name: {span}"),
                _ => format!("… DEBUG span finished: name={span} …"),
            };
            let told = |log: &str| log.lines().filter(|said| fits(&line, said)).count();
            assert_eq!((told(&quiet), told(&loud)), (0, 1), "{path}: {span} in\n{quiet}\n-- and in\n{loud}");
        }
    }
}

/// Returns `log_sink` and `prefork` in each language.
fn in_each_language(name: &str) -> impl Iterator<Item = (String, Host)> + '_ {
    let languages: [(&str, &str, &[&str]); 3] =
        [("c", "c", &["gcc"]), ("cpp", "cpp", &["g++"]), ("ruby", "rb", &["ruby", "ruby-ffi"])];
    languages.into_iter().filter_map(move |(folder, ending, needs)| {
        let path = format!("examples/{folder}/{name}.{ending}");
        example(&path, needs).map(|host| (path, host))
    })
}

#[test]
fn the_log_reaches_a_sink_and_a_poll_while_debug_mode_is_on() {
    for (path, log_sink) in in_each_language("log_sink") {
        let outcome = log_sink.run().ok();
        assert_as_promised(&path, &outcome.stdout);
        // Ruby's example has a logger that raises, and shows the one line in which the gem reports that.
        let complaints = if path.ends_with(".rb") { 1 } else { 0 };
        assert_eq!(outcome.stderr.lines().count(), complaints, "{path}: {}", outcome.stderr);
    }
}

#[test]
fn a_context_comes_in_and_goes_out_in_headers() {
    let languages: [(&str, &[&str]); 3] = [
        ("examples/cpp/propagation.cpp", &["g++"]),
        ("examples/php/propagation.php", &["php"]),
        ("examples/ruby/propagation.rb", &["ruby", "ruby-ffi"]),
    ];
    for (path, needs) in languages {
        let Some(propagation) = example(path, needs) else { continue };
        assert_as_promised(path, &propagation.run().ok().stdout);
    }
}

#[test]
fn prefork_workers_lose_and_double_nothing() {
    for (path, prefork) in in_each_language("prefork") {
        let printed = prefork.run().ok().stdout;
        let (json, totals): (Vec<&str>, Vec<&str>) = printed.lines().partition(|line| line.starts_with('{'));
        assert_as_promised(&path, &totals.join("\n"));
        assert_eq!(json.len(), 13, "{path}: {printed}");
        let traces: Vec<Trace> = json.into_iter().map(Trace::of).collect();
        let trace_ids: HashSet<&str> = traces.iter().map(|trace| trace.id.as_str()).collect();
        let spans = traces.iter().flat_map(|trace| &trace.spans);
        let span_ids: HashSet<&str> = spans.filter_map(|span| span["span_id"].as_str()).collect();
        assert_eq!((trace_ids.len(), span_ids.len()), (13, 25), "{path}: {printed}");
    }
}

/// Language features that some C++ programs turn off.
const WITHOUT: [&[&str]; 3] = [&[], &["-fno-exceptions"], &["-fno-exceptions", "-fno-rtti"]];

/// The hosts that test spanwire.hpp.
const CPP_HOSTS: [&str; 2] = ["raii", "headers"];

/// Returns a C++ compiler with all warnings for spanwire.hpp, and one of `CPP_HOSTS`; `None` if it is missing. clang++ is used if it is
/// installed: `tests/run` installs only g++.
fn cpp(host: &str, compiler: &str, standard: &str, without: &[&str]) -> Option<Command> {
    let missing = Command::new(compiler).arg("--version").output().is_err();
    if compiler == "clang++" && missing || !require(compiler) {
        return None;
    }
    let mut command = Command::new(compiler);
    command.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-pthread"]);
    let source = root().join(format!("tests/hosts/{host}.cpp"));
    command.args(without).arg("-I").arg(stage().join("include")).arg(source);
    Some(command)
}

#[track_caller]
fn assert_compiles(mut command: Command) {
    let made = command.output().expect("the compiler runs");
    assert!(made.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn the_cpp_header_compiles_without_warnings_with_and_without_exceptions_and_rtti() {
    for compiler in ["g++", "clang++"] {
        for standard in ["-std=c++17", "-std=c++20"] {
            for (host, without) in CPP_HOSTS.into_iter().flat_map(|host| WITHOUT.map(|without| (host, without))) {
                // `run_cpp` compiles it for C++17.
                if host == "headers" && compiler == "g++" && standard == "-std=c++17" {
                    continue;
                }
                let Some(mut command) = cpp(host, compiler, standard, without) else { continue };
                command.arg("-fsyntax-only");
                assert_compiles(command);
            }
        }
    }
}

#[test]
fn the_cpp_header_keeps_its_promises_about_scopes_moves_exceptions_and_sinks() {
    run_cpp("raii", |file, without| {
        assert_raii_spans(file);
        assert_spans_left_by_exceptions(file, if without.is_empty() { 16 } else { 0 });
    });
}

#[test]
fn the_cpp_header_reads_and_writes_contexts_in_any_map_and_keeps_a_current_span_for_each_thread() {
    run_cpp("headers", |file, _| {
        let spans: Vec<Json> = Trace::all(file).into_iter().flat_map(|trace| trace.spans).collect();
        let named =
            |name: &str| spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no span {name}"));
        for (child, parent) in [("query", "request"), ("handed over", "request"), ("restored", "outer")] {
            assert_eq!(named(child)["parent_id"], named(parent)["span_id"], "{child}");
        }
        assert_eq!(named("continued")["parent_id"], "987654321");
        assert_eq!(named("continued")["meta"]["_dd.origin"], "synthetics");
        for root in ["begun", "alone", "on another thread"] {
            assert_eq!(named(root)["parent_id"], "0", "{root}");
        }
    });
}

/// spanwire.hpp asks a callable for each header by its name, and the gem looks each up in Rack's env.
#[test]
fn the_bindings_know_the_headers_of_all_styles() {
    let list = |file: &str, start: &str, end: &str| {
        let text = std::fs::read_to_string(root().join(file)).expect("a source");
        let list = text.split(start).nth(1).and_then(|rest| rest.split(end).next()).expect("the list");
        let names = list.split([' ', '\n', ',', '"']).filter(|name| !name.is_empty()).map(str::to_owned);
        names.collect::<BTreeSet<String>>()
    };
    let cpp = list("include/spanwire.hpp", "header_names[] = {", "};");
    let ruby = list("bindings/ruby/lib/spanwire/propagation.rb", "NAMES = %w[", "]");
    let styles = std::fs::read_dir(root().join("src/propagation")).expect("the styles").flatten();
    let sources = styles.map(|file| std::fs::read_to_string(file.path()).expect("a source"));
    let mut known = BTreeSet::new();
    for source in sources {
        for before in ["Field::first(\"", "Field { name: \""] {
            let names = source.split(before).skip(1).filter_map(|rest| rest.split('"').next());
            known.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }
    assert_eq!((&cpp, &ruby), (&known, &known));
}

/// Runs one of `CPP_HOSTS` with and without the language features that can be turned off. `check` gets its trace file.
fn run_cpp(host: &str, check: impl Fn(&Path, &[&str])) {
    let folder = Folder::new(host);
    for (n, without) in WITHOUT.into_iter().enumerate() {
        let Some(mut command) = cpp(host, "g++", "-std=c++17", without) else { continue };
        let program = folder.file(&format!("{host}-{n}"));
        let lib = stage().join("lib");
        command.arg("-o").arg(&program).arg("-L").arg(&lib).arg(format!("-Wl,-rpath,{}", lib.display()));
        command.args(["-O1", "-lspanwire"]);
        assert_compiles(command);
        let file = program.with_extension("json");
        support::hosts::command(&program).agent(&format!("file://{}", file.display())).run().ok();
        check(&file, without);
    }
}

/// Asserts that of the spans whose names begin with "bad" or "good" exactly the bad ones have an error.
fn assert_spans_left_by_exceptions(file: &Path, wanted: usize) {
    let spans: Vec<Json> = Trace::all(file).into_iter().flat_map(|trace| trace.spans).collect();
    let mut seen = 0;
    for span in &spans {
        let name = span["name"].as_str().unwrap_or_default();
        let Some((quality @ ("good" | "bad"), _)) = name.split_once(": ") else { continue };
        seen += 1;
        assert_eq!(span["error"], u8::from(quality == "bad"), "{span}");
        let message = match name {
            "bad: thrown again" => Json::from("no money"),
            _ if quality == "bad" => Json::from("an exception left the scope of the span"),
            _ => Json::Null,
        };
        assert_eq!(span["meta"]["error.message"], message, "{span}");
    }
    assert_eq!(seen, wanted);
}

/// Asserts the spans of tests/hosts/raii.cpp in the trace file.
fn assert_raii_spans(file: &Path) {
    let spans: Vec<Json> = Trace::all(file).into_iter().flat_map(|trace| trace.spans).collect();
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no span {name}"));
    assert_eq!(named("inner")["parent_id"], named("outer")["span_id"]);
    assert_eq!((&named("inner")["error"], &named("outer")["error"]), (&1.into(), &0.into()));
    let full = named("HTTP");
    assert_eq!(
        (&full["resource"], &full["service"], &full["type"]),
        (&"GET /cart".into(), &"cart".into(), &"web".into())
    );
    assert_eq!((&full["meta"]["GET"], &full["metrics"]["items"]), (&"/cart".into(), &3.0.into()));
    assert_eq!(full["duration"], 2_000_000_000_i64);
    assert_eq!(named("late")["parent_id"], named("parent")["span_id"]);
    assert_eq!(named("root")["parent_id"], "0");
    let (linked, other) = (named("linked"), named("other"));
    let links = linked["span_links"].as_array().expect("links");
    let id: u64 = other["span_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    assert_eq!((links.len(), &links[0]["span_id"]), (2, &format!("{id:016x}").into()));
    assert_eq!(links[0]["attributes"], serde_json::json!({"reason": "test"}));
    let events = linked["span_events"].as_array().expect("events");
    assert_eq!((events.len(), &events[0]["name"], &events[1]["name"]), (4, &"now".into(), &"then".into()));
    assert_eq!(events[1]["attributes"], serde_json::json!({"key": "value"}));
}

#[test]
fn every_example_stays_short_and_says_how_to_run_it() {
    let mut seen = 0;
    for language in std::fs::read_dir(root().join("examples")).expect("the examples").flatten() {
        for file in std::fs::read_dir(language.path()).expect("a language's examples").flatten() {
            let text = std::fs::read_to_string(file.path()).expect("an example");
            let name = file.path().display().to_string();
            assert!(text.lines().count() < 80, "{name} has 80 lines or more");
            let how = text.lines().position(|line| line.trim_start_matches([' ', '*', '#']).starts_with("Run:"));
            assert!(how.is_some_and(|line| line < 10), "{name}: its first comment does not say how to run it");
            seen += 1;
        }
    }
    assert!(seen >= 11, "only {seen} examples found");
}
