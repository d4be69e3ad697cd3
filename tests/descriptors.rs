//! Descriptors of the host: whatever it closes and opens, the library neither uses nor closes the host's descriptors,
//! and keeps working.

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use support::agent::TestAgent;
use support::faults::{always, Reply};
use support::hosts::{host, root, Host};

struct Folder(PathBuf);

impl Folder {
    /// Tests that run at once use the same names.
    fn new(name: &str) -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let (pid, number) = (std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let path = root().join("target/test-descriptors").join(format!("{name}-{pid}-{number}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn host(&self, scenario: &str) -> Option<Host> {
        let host = host("descriptors.c")?.arg(scenario).folder(&self.0).env("SPANWIRE_LOG_DIALECT", "native");
        let host = host.env("DD_TRACE_LOG_FILE", self.0.join("lib.log").display());
        Some(host.env("SPANWIRE_LOG_SINKS", "file,ring").env("SPANWIRE_FLUSH_INTERVAL_MS", 50))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The open descriptors in full operation: the recorder, the log file, the log's event, and the connection or the trace
/// file.
fn listed(url: &str, output: &str) {
    for scenario in ["listed", "listed-closed"] {
        let folder = Folder::new(scenario);
        let Some(host) = folder.host(scenario) else { return };
        let ran = host.agent(url).run().ok();
        let listed = ran.object("descriptors");
        let kinds = listed["kinds"].as_str().unwrap_or_default();
        // One more while `/info` is requested.
        assert!(matches!(listed["new"].as_u64(), Some(4 | 5)), "{scenario}: {kinds}");
        for part in ["/memfd:spanwire-recorder", "lib.log", "socket", output] {
            assert!(kinds.contains(part), "{scenario}: no {part} in {kinds}");
        }
        assert_eq!(ran.stat("spans_sent"), ran.stat("spans_started"), "{}", ran.stdout);
    }
}

#[test]
fn nothing_of_ours_is_a_standard_stream_or_survives_exec_with_an_agent_over_tcp() {
    listed(&always(Reply::Ok).start().url(), "socket");
}

#[test]
fn nothing_of_ours_is_a_standard_stream_or_survives_exec_with_an_agent_over_a_unix_socket() {
    let Some(agent) = TestAgent::start() else { return };
    listed(&agent.unix(), "socket");
}

#[test]
fn nothing_of_ours_is_a_standard_stream_or_survives_exec_with_a_file() {
    let folder = Folder::new("file");
    listed(&format!("file://{}", folder.0.join("traces.json").display()), "traces.json");
}

fn exchanged(url: &str, name: &str) {
    let folder = Folder::new(name);
    let Some(host) = folder.host("exchanged") else { return };
    let ran = host.agent(url).run().ok();
    assert_eq!((ran.stat("spans_sent"), ran.dropped()), (ran.stat("spans_started"), 0), "{}", ran.stdout);
    let (log, lines) = (folder.read("lib.log"), "tracer stopped");
    assert!(log.contains(lines), "the log was not opened anew:\n{log}\n{}", ran.stderr);
}

#[test]
fn a_host_that_closes_all_descriptors_and_opens_its_own_keeps_them_with_an_agent_over_tcp() {
    let agent = always(Reply::Ok).start();
    exchanged(&agent.url(), "tcp");
    assert_eq!(agent.accepted().doubles(), 0);
    agent.assert_well_formed();
}

#[test]
fn a_host_that_closes_all_descriptors_and_opens_its_own_keeps_them_with_an_agent_over_a_unix_socket() {
    let Some(agent) = TestAgent::start() else { return };
    exchanged(&agent.unix(), "unix");
    agent.assert_checks_passed();
}

#[test]
fn a_host_that_closes_all_descriptors_and_opens_its_own_keeps_them_with_a_file() {
    let folder = Folder::new("traces");
    exchanged(&format!("file://{}", folder.0.join("traces.json").display()), "exchanged-file");
    let torn = folder.read("traces.json").lines().filter(|line| !line.ends_with("]}")).count();
    assert_eq!(torn, 0);
}

#[test]
fn a_data_file_that_gets_the_number_of_standard_error_holds_no_line_of_ours() {
    for scenario in ["stream", "before"] {
        let folder = Folder::new(scenario);
        let Some(host) = folder.host(scenario) else { return };
        let ran = host.arg(2).agent("file:///dev/null").env("SPANWIRE_LOG_SINKS", "stderr").run().ok();
        assert!(ran.stdout.contains("failures 0"), "{scenario}: {}", ran.stdout);
    }
}

#[test]
fn a_data_file_that_gets_the_number_of_standard_output_holds_no_trace() {
    let folder = Folder::new("stdout");
    let Some(host) = folder.host("before") else { return };
    let ran = host.arg(1).agent("file:///dev/stdout").env("DD_TRACE_LOG_FILE", "/dev/stdout").run().ok();
    assert!(ran.stdout.contains("failures 0"), "{}", ran.stdout);
    assert_eq!((ran.stat("spans_sent"), ran.stat("dropped_unreachable")), (0, 1), "{}", ran.stdout);
}
