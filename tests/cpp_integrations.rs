//! The integrations for C++ libraries (`bindings/cpp/integrations`), with the real cpp-httplib, libcurl and spdlog.

mod support;

use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::process::Command;
use support::agent::TestAgent;
use support::hosts::{command, require, root, stage};
use support::payload::Span;

const LIBRARIES: [&str; 5] = ["g++", "pkg-config", "libcpp-httplib-dev", "libcurl4-openssl-dev", "libspdlog-dev"];

/// Language features that some C++ programs turn off, each with what the libraries want to be told about it.
const WITHOUT: [&[&str]; 3] = [
    &[],
    &["-fno-exceptions", "-DCPPHTTPLIB_NO_EXCEPTIONS", "-DSPDLOG_NO_EXCEPTIONS"],
    &["-fno-exceptions", "-DCPPHTTPLIB_NO_EXCEPTIONS", "-DSPDLOG_NO_EXCEPTIONS", "-fno-rtti"],
];

fn installed() -> bool {
    LIBRARIES.iter().all(|library| require(library))
}

fn headers() -> Vec<PathBuf> {
    let files = std::fs::read_dir(root().join("bindings/cpp/integrations")).expect("the integrations").flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort();
    files
}

/// Returns a compiler with all warnings, the stage and the libraries.
fn compiler(standard: &str, without: &[&str]) -> Command {
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "cpp-httplib", "libcurl", "spdlog"]).output();
    let flags = String::from_utf8(flags.expect("pkg-config runs").stdout).expect("flags are text");
    let (lib, include) = (stage().join("lib"), stage().join("include"));
    let mut command = Command::new("g++");
    command.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-pthread"]);
    command.args(without).arg("-I").arg(include).arg("-L").arg(&lib).arg(format!("-Wl,-rpath,{}", lib.display()));
    // After the source, and only as far as needed.
    command.args(["-Wl,--no-as-needed", "-lspanwire"]).args(flags.split_whitespace());
    command
}

#[track_caller]
fn assert_compiles(mut command: Command) {
    let made = command.output().expect("the compiler runs");
    assert!(made.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&made.stderr));
}

/// Compiles a program of `tests/cpp_integrations`; removed when this is dropped.
struct Program(PathBuf);

impl Program {
    fn new(name: &str, without: &[&str]) -> Program {
        let folder = root().join("target/test-hosts");
        std::fs::create_dir_all(&folder).expect("a folder for host programs");
        let program = folder.join(format!("cpp-integrations-{name}-{}-{}", without.len(), std::process::id()));
        let mut command = compiler("-std=c++17", without);
        command.arg(root().join(format!("tests/cpp_integrations/{name}.cpp"))).arg("-o").arg(&program);
        assert_compiles(command);
        Program(program)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn every_integration_is_short_and_compiles_alone_with_and_without_exceptions_and_rtti() {
    let all = headers();
    assert!(all.len() >= 5, "{all:?}");
    for header in &all {
        let text = std::fs::read_to_string(header).expect("an integration");
        assert!(text.lines().count() < 120, "{} has 120 lines or more", header.display());
    }
    if !installed() {
        return;
    }
    for header in &all {
        let name = header.file_name().expect("a file has a name").to_string_lossy();
        // All variants of one, and each alone once.
        let variants = if name == "httplib.hpp" { &WITHOUT[..] } else { &WITHOUT[2..] };
        for (standard, without) in variants.iter().map(|without| ("-std=c++17", without)) {
            let mut command = compiler(standard, without);
            command.args(["-fsyntax-only", "-x", "c++", "-include"]).arg(format!("spanwire/{name}")).arg("/dev/null");
            assert_compiles(command);
        }
    }
    for program in ["http", "logs"] {
        let mut command = compiler("-std=c++20", WITHOUT[0]);
        command.arg("-fsyntax-only").arg(root().join(format!("tests/cpp_integrations/{program}.cpp")));
        assert_compiles(command);
    }
}

/// The spans of one run, to find them and what is below them.
struct Spans(Vec<Span>);

impl Spans {
    fn of(agent: &TestAgent) -> Spans {
        Spans(agent.traces().into_iter().flatten().collect())
    }

    #[track_caller]
    fn named(&self, name: &str) -> &Span {
        self.0.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}"))
    }

    fn below<'s>(&'s self, parent: &'s Span) -> impl Iterator<Item = &'s Span> {
        self.0.iter().filter(|span| span.parent_id == parent.span_id && span.trace_id == parent.trace_id)
    }

    /// Returns the only span below this one.
    #[track_caller]
    fn only<'s>(&'s self, parent: &'s Span) -> &'s Span {
        let all: Vec<&Span> = self.below(parent).collect();
        let [only] = all.as_slice() else { panic!("not one but {all:#?}\nbelow {parent:#?}") };
        only
    }

    /// Returns the client spans below a root, by the end of their URL, each with the server's span below it.
    fn requests(&self, root: &str) -> Vec<(&Span, Option<&Span>)> {
        let clients = self.below(self.named(root)).map(|client| (client, self.below(client).next())).collect();
        for (client, server) in &clients as &Vec<(&Span, Option<&Span>)> {
            assert_eq!((client.name.as_str(), client.kind.as_str()), ("http.request", "http"), "{client:#?}");
            assert_eq!((client.tag("span.kind"), client.tag("out.host")), ("client", "127.0.0.1"), "{client:#?}");
            let Some(server) = server else { continue };
            assert_eq!((server.name.as_str(), server.kind.as_str()), ("web.request", "web"), "{server:#?}");
            assert_eq!((server.tag("span.kind"), server.tag("component")), ("server", "cpp-httplib"), "{server:#?}");
            for key in ["http.url", "http.status_code", "http.method"] {
                assert_eq!(client.tag(key), server.tag(key), "{client:#?}{server:#?}");
            }
        }
        clients
    }
}

/// What is asserted of a client's span and its server's: the end of the URL, the server's resource, and the error of
/// either as `TYPE: MESSAGE`; empty without one.
type Expected = (&'static str, &'static str, &'static str, &'static str);

const HTTPLIB: [Expected; 6] = [
    ("/item/2?card&?", r"GET /item/(\d+)", "", ""),
    ("/missing", "GET 404", ": HTTP status 404", ""),
    ("/fails", "GET /fails", ": HTTP status 503", ": HTTP status 503"),
    ("/refuses", "GET /refuses", "", "Refused: by the program"),
    ("/streams", "GET /streams", "", ""),
    ("/upload", "POST /upload", "", ""),
];

const HTTPLIB_WITH_EXCEPTIONS: [Expected; 3] = [
    ("/throws", "GET /throws", ": HTTP status 500", "std::runtime_error: no money"),
    (
        "/throws-a-number",
        "GET /throws-a-number",
        ": HTTP status 500",
        "unknown: an exception that is not a std::exception",
    ),
    // The exception handler has made an answer of it.
    ("/forbidden", "GET /forbidden", ": HTTP status 403", ""),
];

fn error(span: &Span) -> String {
    if span.error == 0 {
        return String::new();
    }
    format!("{}: {}", span.tag("error.type"), span.tag("error.message"))
}

#[track_caller]
fn assert_requests(requests: &[(&Span, Option<&Span>)], expected: &[Expected]) {
    for (end, resource, of_client, of_server) in expected {
        let found = requests.iter().find(|(client, _)| client.tag("http.url").ends_with(end));
        let Some((client, Some(server))) = found else { panic!("no request {end} with both spans: {requests:#?}") };
        assert_eq!(server.resource, *resource, "{server:#?}");
        assert_eq!(
            (error(client).as_str(), error(server).as_str()),
            (*of_client, *of_server),
            "{client:#?}{server:#?}"
        );
        let route = resource.split_once(" /").map(|(_, route)| format!("/{route}")).unwrap_or_default();
        assert_eq!(server.tag("http.route"), route, "{server:#?}");
    }
}

#[test]
fn requests_of_cpp_httplib_and_libcurl_are_spans_that_continue_in_the_server() {
    for without in [WITHOUT[0], WITHOUT[2]] {
        let (true, Some(agent)) = (installed(), TestAgent::start()) else { return };
        let program = Program::new("http", without);
        command(&program.0).agent(&agent.tcp()).run().ok();
        let spans = Spans::of(&agent);
        agent.assert_checks_passed();
        let leaks: Vec<_> = spans.0.iter().filter(|span| format!("{span:?}").contains("s3cret")).collect();
        assert!(leaks.is_empty(), "{leaks:#?}");

        let of_curl = spans.requests("with curl");
        let one = ("/item/1?token&color", r"GET /item/(\d+)", "", "");
        assert_requests(&of_curl, &[one, ("/nowhere", "GET 404", ": HTTP status 404", "")]);
        assert_eq!((of_curl.len(), of_curl[0].0.tag("network.destination.ip")), (4, "127.0.0.1"));
        let errors: Vec<String> = of_curl.iter().map(|(client, _)| error(client)).collect();
        assert!(errors.contains(&"CURLcode 7: Couldn't connect to server".to_owned()), "{errors:?}");

        let of_httplib = spans.requests("with httplib");
        assert_requests(&of_httplib, &HTTPLIB);
        let errors: Vec<String> = of_httplib.iter().map(|(client, _)| error(client)).collect();
        assert!(errors.iter().any(|error| error.starts_with("httplib::Error::Connection: ")), "{errors:?}");
        let thrown = "std::runtime_error: the body cannot be read".to_owned();
        assert_eq!(errors.contains(&thrown), without.is_empty(), "{errors:?}");
        if without.is_empty() {
            assert_requests(&of_httplib, &HTTPLIB_WITH_EXCEPTIONS);
        }
        let (_, streams) =
            of_httplib.iter().find(|(_, server)| server.is_some_and(|s| s.resource == "GET /streams")).unwrap();
        let (streams, piece) = (streams.unwrap(), spans.only(streams.unwrap()));
        assert_eq!(piece.name, "piece");
        assert!(streams.start + streams.duration >= piece.start + piece.duration, "the span ends after the body");
    }
}

#[test]
fn requests_on_many_threads_keep_to_their_own_traces() {
    let (true, Some(agent)) = (installed(), TestAgent::start()) else { return };
    let program = Program::new("http", &[]);
    let printed = command(&program.0).agent(&agent.tcp()).run().ok().stdout;
    let counts: Json = serde_json::from_str(&printed).expect("the counts");
    let spans = Spans::of(&agent);
    assert_eq!((&counts["started"], &counts["sent"]), (&counts["finished"], &spans.0.len().into()));
    let roots: Vec<&Span> = spans.0.iter().filter(|span| span.name == "crowd").collect();
    assert_eq!((roots.len(), roots.iter().map(|root| root.trace_id).collect::<BTreeSet<_>>().len()), (120, 120));
    for root in roots {
        let server = spans.only(spans.only(root));
        assert_eq!((server.name.as_str(), spans.only(server).name.as_str()), ("web.request", "load"));
    }
}

/// Returns the fields of a line as text: `key=value` with blanks, up to `]`.
fn fields(line: &str) -> BTreeMap<String, String> {
    let start = line.find("[dd.").map_or(line.len(), |at| at + 1);
    let text = line[start..].split(']').next().unwrap_or_default();
    text.split(' ').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

#[test]
fn lines_of_spdlog_have_the_ids_of_the_current_span_also_on_other_threads_and_asynchronously() {
    let (true, Some(agent)) = (installed(), TestAgent::start()) else { return };
    let program = Program::new("logs", &[]);
    let printed = command(&program.0).agent(&agent.tcp()).run().ok().stdout;
    let spans = Spans::of(&agent);
    let high = spans.named("outer").tag("_dd.p.tid").to_owned();
    let mut seen: HashMap<(&str, &str), u32> = HashMap::new();
    for line in printed.lines() {
        let (which, text) = line.split_once(": ").expect("which logger");
        let (fields, message) = if which == "json" {
            let all: BTreeMap<String, String> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
            let message =
                line.split("\"message\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a message");
            (all, message)
        } else {
            (fields(text), text.rsplit("] ").next().unwrap_or_default())
        };
        *seen.entry((which, message)).or_default() += 1;
        let field = |key: &str| fields.get(key).map(String::as_str);
        if message == "freed" {
            assert_eq!(text, "[] freed");
            continue;
        }
        // White space would end the value in a text.
        let env = if which == "json" { "the tests" } else { "the_tests" };
        assert_eq!(
            (field("dd.service"), field("dd.env"), field("dd.version")),
            (Some("shop"), Some(env), Some("1.2.3")),
            "{line}"
        );
        if message == "before" {
            assert_eq!((field("dd.trace_id"), field("dd.span_id")), (None, None), "{line}");
            continue;
        }
        let span = spans.named(message);
        let trace_id = format!("{high}{:016x}", span.trace_id);
        assert_eq!(field("dd.trace_id"), Some(trace_id.as_str()), "{line}");
        assert_eq!(field("dd.span_id"), Some(span.span_id.to_string().as_str()), "{line}");
    }
    let mut wanted = HashMap::from([
        (("text", "before"), 2),
        (("text", "outer"), 2),
        (("text", "inner"), 1),
        (("text", "freed"), 1),
        (("json", "outer"), 1),
        (("asynchronous", "outer"), 1),
    ]);
    wanted.extend(["job 0", "job 1", "job 2", "job 3"].map(|job| (("text", job), 50)));
    assert_eq!(seen, wanted, "{printed}");
}
