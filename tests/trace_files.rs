//! Traces to a file: a target that accepts no lines blocks nothing, spans that it does not accept are counted, and
//! every line that it accepts is complete.

mod support;

use serde_json::Value as Json;
use std::fs;
use std::path::PathBuf;
use support::hosts::{host, root, Outcome};

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a scenario. Returns its result, and the lines of the file that it wrote.
fn run(scenario: &str, url: &str, file: &str) -> Option<(Outcome, Vec<String>)> {
    let folder = root().join("target/test-traces").join(format!("{scenario}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let folder = Folder(folder);
    let url = url.replace("FOLDER", &folder.0.to_string_lossy());
    let host = host("trace_files.c")?.arg(scenario).folder(&folder.0).agent(&url).env("SPANWIRE_LOG_SINKS", "none");
    let ran = host.env("SPANWIRE_FLUSH_INTERVAL_MS", 50).run().ok();
    let text = fs::read_to_string(folder.0.join(file)).expect("what the host left");
    Some((ran, text.lines().map(str::to_owned).collect()))
}

/// Returns the number of complete lines. The others are beginnings of lost lines.
fn whole(lines: &[String]) -> u64 {
    lines.iter().filter(|line| serde_json::from_str::<Json>(line).is_ok()).count() as u64
}

#[test]
fn a_pipe_that_nobody_reads_holds_up_neither_the_worker_nor_the_hosts_end() {
    let Some((ran, lines)) = run("unread", "file:///dev/stdout", "read") else { return };
    assert_eq!(whole(&lines), ran.stat("spans_sent"), "{}", ran.stdout);
    assert!(lines.len() as u64 <= ran.stat("spans_sent") + 1, "more than one line was torn");
}

#[test]
fn a_fifo_without_a_reader_costs_counted_spans_and_no_wait() {
    let Some((ran, lines)) = run("fifo", "file://FOLDER/fifo", "read") else { return };
    assert_eq!(whole(&lines), ran.stat("spans_sent"), "{}", ran.stdout);
}

#[test]
fn a_full_disk_does_not_glue_two_lines_together() {
    let Some((ran, lines)) = run("full", "file://FOLDER/traces.json", "traces.json") else { return };
    assert_eq!(whole(&lines), ran.stat("spans_sent"), "{lines:#?}");
    assert_eq!(lines.len() as u64 - whole(&lines), 1, "one line was torn: {lines:#?}");
}
