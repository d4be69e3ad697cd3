//! Short excerpts of logs of released tracers and of applications, each with the right answer in
//! `captured/expected.jsonl`: the causes and whether the traces reached the Agent.

use super::{doctor, fixture};
use serde_json::Value as Json;
use std::fs;

fn expected() -> Vec<Json> {
    let rows = fs::read_to_string(fixture("captured/expected.jsonl")).expect("the answers");
    rows.lines().map(|row| serde_json::from_str(row).expect("an answer")).collect()
}

#[test]
fn every_captured_log_has_its_causes_and_its_answer() {
    let rows = expected();
    assert!(rows.len() > 30);
    let mut wrong = Vec::new();
    for row in rows {
        let file = row["file"].as_str().expect("a file");
        let visit = doctor(&[&fixture("captured").join(file)]);
        let got = (&visit.report["causes"], visit.answers()[2]);
        if got != (&row["causes"], row["delivered"].as_str().unwrap_or("?")) {
            wrong.push(format!("{file} ({}): {got:?} instead of {} {}", row["what"], row["causes"], row["delivered"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A message that two handlers write counts once, and an error that is not understood changes the exit status.
#[test]
fn copies_are_counted_once_and_unknown_errors_are_shown() {
    let visit = doctor(&[&fixture("captured/python-413-two-handlers.log")]);
    assert_eq!((visit.count("payloads_failed"), visit.count("traces_lost")), (1, 3), "{:#}", visit.report);
    let visit = doctor(&[&fixture("captured/unknown-error.log")]);
    assert_eq!((visit.status, visit.standing("log.not_understood")), (1, Some("note")), "{:#}", visit.report);
}
