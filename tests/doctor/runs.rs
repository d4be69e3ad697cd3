//! Logs of released tracers that `tests/capture` ran in known states, each with the right answer in
//! `captured/runs/expected.jsonl`. People write the answers, from what the run did, which is in `runs.jsonl`.

use super::plant::Folder;
use super::{doctor, fixture, root, Visit};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;

/// The fields of the answers that hold lists of causes.
const LISTS: [&str; 3] = ["causes_all", "causes_may", "causes_none"];

fn rows_of_runs() -> BTreeMap<String, Json> {
    rows("runs.jsonl")
}

fn rows(name: &str) -> BTreeMap<String, Json> {
    let text = fs::read_to_string(fixture("captured/runs").join(name)).expect("the rows");
    let rows = text.lines().map(|row| serde_json::from_str::<Json>(row).expect("a row"));
    rows.map(|row| (row["file"].as_str().expect("a file").to_string(), row)).collect()
}

fn texts(value: &Json) -> Vec<&str> {
    match value {
        Json::String(one) => vec![one],
        more => more.as_array().into_iter().flatten().filter_map(Json::as_str).collect(),
    }
}

fn matches(pattern: &str, cause: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == cause, |start| cause.starts_with(start))
}

/// Returns what is wrong with a visit.
fn wrong(visit: &Visit, want: &Json) -> Vec<String> {
    let causes = visit.causes();
    let any: Vec<Vec<&str>> = want["causes_any"].as_array().into_iter().flatten().map(texts).collect();
    let [all, may, none] = LISTS.map(|name| texts(&want[name]));
    let mut wrong: Vec<String> =
        all.iter().filter(|cause| !causes.contains(cause)).map(|cause| format!("misses {cause}")).collect();
    for codes in &any {
        if !codes.iter().any(|code| causes.contains(code)) {
            wrong.push(format!("misses {}", codes.join(" or ")));
        }
    }
    let allowed = |cause: &str| all.contains(&cause) || may.contains(&cause) || any.concat().contains(&cause);
    for cause in &causes {
        if !allowed(cause) && none.iter().any(|pattern| matches(pattern, cause)) {
            wrong.push(format!("false {cause}"));
        }
    }
    for (name, got) in ["started", "spans", "delivered"].into_iter().zip(visit.answers()) {
        let values = texts(&want[name]);
        if !values.is_empty() && !values.contains(&got) {
            wrong.push(format!("{name} {got} instead of {}", values.join(" or ")));
        }
    }
    wrong
}

#[test]
fn the_logs_of_real_runs_are_answered_by_what_the_runs_did() {
    let expected = rows("expected.jsonl");
    assert!(expected.len() > 100, "{}", expected.len());
    let mut objections = Vec::new();
    for (file, want) in &expected {
        let visit = doctor(&[&fixture("captured/runs").join(file)]);
        let wrong = wrong(&visit, want);
        if !wrong.is_empty() {
            objections.push(format!("{file} ({}): {}; causes {:?}", want["what"], wrong.join(", "), visit.causes()));
        }
    }
    assert!(objections.is_empty(), "{} of {}:\n{}", objections.len(), expected.len(), objections.join("\n"));
}

/// Whether traces were delivered is the Agent's word, not the log's, and not the doctor's.
#[test]
fn every_run_has_an_answer_that_agrees_with_what_the_agent_received() {
    let (runs, expected) = (rows_of_runs(), rows("expected.jsonl"));
    assert!(runs.keys().eq(expected.keys()), "runs.jsonl and expected.jsonl name other files");
    for (file, run) in &runs {
        let taken = run["did"]["traces_taken"].as_u64().expect("a number") > 0;
        let answers = texts(&expected[file]["delivered"]);
        let right = if taken { "yes" } else { "no" };
        let impossible = if taken { ["no", "partly"] } else { ["yes", "partly"] };
        // An empty log cannot tell.
        assert!(answers.contains(&right) || answers == ["unknown"], "{file}: {answers:?}, but {right}");
        assert!(!impossible.iter().any(|answer| answers.contains(answer)), "{file}: {answers:?}, but {right}");
        let all_rejected = taken && run["did"]["priorities"] == serde_json::json!([-1]);
        let rejected = texts(&expected[file]["causes_all"]).contains(&"sampling.rejected_all");
        assert!(all_rejected == rejected || run["language"] == "Go", "{file}: {:#}", run["did"]);
        let text = fs::read_to_string(fixture("captured/runs").join(file)).expect("the log");
        assert!(text.len() < 64 << 10, "{file}: {} bytes", text.len());
    }
}

/// docs/troubleshooting.md has a table: tracer, phrase, releases whose logs have it, and which of our dialects.
#[test]
fn the_table_of_phrases_says_in_which_logs_each_is() {
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).expect("the page");
    let lines_of_dialects = fs::read_to_string(root().join("docs/log-lines.md")).expect("the lines");
    let section = page.split("## Which versions write which phrase").nth(1).expect("the section");
    let rows = section.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| "));
    let mut logs: BTreeMap<(String, String), String> = BTreeMap::new();
    for (file, run) in rows_of_runs() {
        let version = run["tracer_version"].as_str().expect("a version").to_string();
        let tracer = run["language"].as_str().expect("a language").to_string();
        let text = fs::read_to_string(fixture("captured/runs").join(file)).expect("the log");
        logs.entry((tracer, version)).or_default().push_str(&text);
    }
    let mut seen = 0;
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [tracer, phrase, run, _, dialect] = cells[..] else { panic!("{row}") };
        let phrase = phrase.trim_matches('`');
        let having = logs.iter().filter(|((name, _), text)| name == tracer && text.contains(phrase));
        let mut versions: Vec<&str> = having.map(|((_, version), _)| version.as_str()).collect();
        let number = |version: &str| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u64>>();
        versions.sort_by_key(|version| number(version));
        let want = if versions.is_empty() { "none".to_string() } else { versions.join(", ") };
        assert_eq!(run, want, "{tracer}: {phrase}");
        let title = |form| format!("## {tracer}, as {form}");
        let of = |form| lines_of_dialects.split(&title(form)).nth(1).and_then(|rest| rest.split("\n## ").next());
        // The example there is answered with rates.
        let begin = phrase.strip_suffix("OK").unwrap_or(phrase);
        let written =
            [of("the page has it"), of("its source has it")].map(|lines| lines.expect("lines").contains(begin));
        let want = match written {
            [true, true] => "both",
            [true, false] => "page",
            [false, true] => "source",
            [false, false] => "none",
        };
        assert_eq!(dialect, want, "{tracer}: {phrase}");
        seen += 1;
    }
    assert!(seen > 30, "{seen} phrases");
}

/// The page's form of Java has an old start-up line and today's, and the form of Ruby's source too.
#[test]
fn a_tracer_with_two_start_up_lines_has_started_once() {
    let lines = fs::read_to_string(root().join("docs/log-lines.md")).expect("the lines");
    let folder = Folder::new("started-once");
    for title in ["## Java, as the page has it", "## Ruby, as its source has it"] {
        let section = lines.split(title).nth(1).expect("the section");
        let event = section.split("# tracer configured\n").nth(1).and_then(|rest| rest.split("\n# ").next());
        let log = event.expect("lines").replace("\"lang\":\"test\"", "\"lang\":\"ruby\"");
        let visit = doctor(&[&folder.file("log", log)]);
        assert_eq!(visit.count("startup_lines"), 1, "{title}: {:#}", visit.report);
    }
}
