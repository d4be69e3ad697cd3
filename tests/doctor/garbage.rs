//! Files that are not logs, or that cannot be read.

use super::plant::Folder;
use super::{doctor, fixture};
use std::fs;
use std::process::Command;

#[test]
fn a_file_that_is_no_log_is_reported_and_harms_nothing() {
    let folder = Folder::new("garbage");
    let mut seed = 7u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u8
    };
    let noise: Vec<u8> = (0..500_000).map(|_| random()).collect();
    let long =
        [&b"2026-11-24T16:47:22.691Z spanwire[42] DEBUG span started: name="[..], &vec![b'x'; 30_000_000]].concat();
    let mutated: Vec<u8> = fs::read(fixture("java.source.log"))
        .expect("a log")
        .into_iter()
        .map(|byte| if random() < 4 { random() } else { byte })
        .collect();
    let program: Vec<u8> = fs::read("/proc/self/exe").expect("this program").into_iter().take(3_000_000).collect();
    for (name, content, log) in [
        ("noise", noise, false),
        ("empty", vec![], false),
        ("nul", vec![0; 100_000], false),
        ("newlines", vec![b'\n'; 100_000], false),
        ("brackets", b"[ddtrace] [".repeat(50_000), false),
        ("long", long, true),
        ("mutated", mutated, true),
        // Its own texts may look like those of a log.
        ("program", program, true),
    ] {
        let visit = doctor(&[&folder.file(name, content)]);
        assert_eq!(visit.stderr, "", "{name}");
        assert!((0..=1).contains(&visit.status), "{name}: {}", visit.status);
        assert!(log || visit.causes() == ["log.no_tracer_lines"], "{name}: {:#}", visit.report);
    }
}

/// A sign of several bytes before the name of a level.
#[test]
fn a_damaged_character_before_a_level_harms_nothing() {
    let folder = Folder::new("damaged");
    let visit = doctor(&[&folder.file("log", "used\u{fffd}WARN DATADOG TRACER DIAGNOSTIC - Agent Error: timed out\n")]);
    assert_eq!((visit.stderr.as_str(), visit.status), ("", 1), "{:#}", visit.report);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_read() {
    let folder = Folder::new("unread");
    let gz = folder.file("a.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    for (path, word) in
        [(folder.path("."), "is a folder"), (folder.path("none"), "does not exist"), (gz, "| spanwire doctor -")]
    {
        let visit = doctor(&[&path]);
        assert_eq!(visit.status, 2, "{word}");
        assert!(visit.stderr.contains(word) && visit.stderr.starts_with("spanwire: "), "{}", visit.stderr);
        assert!(visit.report.is_null());
    }
    let visit = doctor(&[&folder.path("none"), &fixture("native.log")]);
    assert_eq!((visit.status, visit.count("lines") > 0), (2, true));
    assert!(visit.stderr.contains("does not exist"));
    let usage = Command::new(env!("CARGO_BIN_EXE_spanwire")).args(["doctor", "--url", "x", "y"]).output();
    assert_eq!(usage.expect("it runs").status.code(), Some(2));
}

/// Prints the speed. For a release build: `cargo test --release --features cli --test doctor -- --ignored --nocapture`.
#[test]
#[ignore = "prints how fast logs are read and asserts nothing: a speed depends on the machine"]
fn how_fast_logs_are_read() {
    let folder = Folder::new("speed");
    for name in ["native.log", "json.log", "java.source.log", "python.source.log", "go.source.log"] {
        let one = fs::read(fixture(name)).expect("a log");
        let file = folder.file(name, one.repeat(100_000_000 / one.len()));
        let begun = std::time::Instant::now();
        let visit = doctor(&[&file]);
        let rate = fs::metadata(&file).map_or(0, |facts| facts.len()) as f64 / 1e6 / begun.elapsed().as_secs_f64();
        println!("{name}: {rate:.0} MB/s, status {}", visit.status);
    }
}
