//! Checks the tables of docs/doctor.md against the stored logs of `tests/doctor/captured`: which cause was seen in which
//! language and version, and how often the doctor names a cause rightly. `cargo test --test doctor_reference -- --bless`
//! writes them. The test also fails if the doctor is wrong on a stored log.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{atomic::AtomicUsize, atomic::Ordering, Mutex};
use std::{fs, thread};

const PAGE: &str = "docs/doctor.md";
const BLESS: &str = "cargo test --test doctor_reference -- --bless";
const LANGUAGES: [&str; 9] = ["Python", "Node.js", "Go", "Java", ".NET", "PHP", "Ruby", "C++", "Agent"];

/// A stored log and the right answers.
#[derive(Default)]
struct Stored {
    name: String,
    language: String,
    version: String,
    log: Vec<u8>,
    /// Of each list one cause must be named.
    wanted: Vec<Vec<String>>,
    /// Causes that are neither demanded nor wrong.
    allowed: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor/captured")
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect(),
        value => value.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|row| !row.trim().is_empty()).map(|row| serde_json::from_str(row).expect("a row")).collect()
}

/// Returns the log that a row describes. Rows of real runs have other names for some members.
fn stored(folder: &Path, row: &Value) -> Stored {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let log = match row["log"].as_str() {
        Some(log) => log.as_bytes().to_vec(),
        None => fs::read(folder.join(text("file"))).unwrap_or_else(|error| panic!("{}: {error}", text("file"))),
    };
    let lists = |name: &str| row[name].as_array().into_iter().flatten().map(words).collect::<Vec<_>>();
    let wanted = [lists("causes"), lists("causes_all"), lists("causes_any")].concat();
    Stored {
        name: if row["file"].is_string() { text("file") } else { text("name") },
        language: text("language"),
        version: if row["version"].is_string() { text("version") } else { text("tracer_version") },
        log,
        wanted,
        allowed: words(&row["causes_may"]),
    }
}

fn all() -> Vec<Stored> {
    let folder = folder();
    let sources = ["expected.jsonl", "wordings.jsonl", "runs/expected.jsonl"];
    let of = |source: &&str| {
        let path = folder.join(source);
        let beside = path.parent().unwrap_or(&folder).to_owned();
        rows(&path).into_iter().map(move |row| stored(&beside, &row)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}

/// Returns the causes that the doctor names.
fn examine(log: &[u8]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
    let mut child =
        command.args(["doctor", "--json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(log).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    words(&serde_json::from_slice::<Value>(&output.stdout).expect("a report")["causes"])
}

/// Examines all logs, on a few threads.
fn examined(logs: &[Stored]) -> Vec<Vec<String>> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(vec![Vec::new(); logs.len()]));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let Some(log) = logs.get(n) else { break };
                let causes = examine(&log.log);
                results.lock().expect("the results")[n] = causes;
            });
        }
    });
    results.into_inner().expect("the results")
}

/// Right, missed and false mentions of a cause.
#[derive(Clone, Copy, Default)]
struct Score {
    right: u32,
    missed: u32,
    wrong: u32,
}

fn confusion(logs: &[Stored], results: &[Vec<String>]) -> (BTreeMap<String, Score>, Vec<String>) {
    let (mut scores, mut wrong) = (BTreeMap::<String, Score>::new(), Vec::new());
    for (log, got) in logs.iter().zip(results) {
        let mut expected = BTreeSet::new();
        for any in &log.wanted {
            match any.iter().find(|cause| got.contains(cause)) {
                Some(cause) => {
                    scores.entry(cause.clone()).or_default().right += 1;
                    expected.insert(cause.clone());
                }
                None => {
                    scores.entry(any[0].clone()).or_default().missed += 1;
                    wrong.push(format!("{}: {} is missed, {got:?} named", log.name, any.join(" or ")));
                }
            }
        }
        let allowed =
            |cause: &String| log.allowed.contains(cause) || log.wanted.iter().flatten().any(|any| any == cause);
        for cause in got.iter().filter(|cause| !allowed(cause)) {
            scores.entry(cause.clone()).or_default().wrong += 1;
            wrong.push(format!("{}: {cause} is named", log.name));
        }
    }
    (scores, wrong)
}

fn score_table(logs: &[Stored], scores: &BTreeMap<String, Score>) -> String {
    let mut table = format!("{} stored logs.\n\n| Cause | Right | Missed | False |\n|---|---|---|---|\n", logs.len());
    let mut sum = Score::default();
    for (cause, score) in scores {
        let _ = writeln!(table, "| `{cause}` | {} | {} | {} |", score.right, score.missed, score.wrong);
        sum =
            Score { right: sum.right + score.right, missed: sum.missed + score.missed, wrong: sum.wrong + score.wrong };
    }
    let _ = writeln!(table, "| all | {} | {} | {} |", sum.right, sum.missed, sum.wrong);
    let none = logs.iter().filter(|log| log.wanted.is_empty()).count();
    let _ = writeln!(table, "\n{none} of the logs have no fault.");
    table
}

fn seen_table(logs: &[Stored]) -> String {
    let mut seen = BTreeMap::<&str, BTreeMap<&str, BTreeSet<&str>>>::new();
    for log in logs {
        for any in log.wanted.iter().filter(|any| any.len() == 1) {
            let versions = seen.entry(&any[0]).or_default().entry(&log.language).or_default();
            versions.insert(if log.version.is_empty() { "?" } else { &log.version });
        }
    }
    let mut table = format!("| Cause | {} |\n|---{}|\n", LANGUAGES.join(" | "), "|---".repeat(LANGUAGES.len()));
    for (cause, languages) in &seen {
        let cells = LANGUAGES.map(|language| {
            languages
                .get(language)
                .map_or(String::new(), |versions| versions.iter().copied().collect::<Vec<_>>().join(", "))
        });
        if cells.iter().any(|cell| !cell.is_empty()) {
            let _ = writeln!(table, "| `{cause}` | {} |", cells.join(" | "));
        }
    }
    table
}

/// Returns the page with new text between the marks of a table; `None` if it has no such marks.
fn with_table(page: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- begin {name}: written by `{BLESS}` -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

fn main() -> ExitCode {
    let bless = std::env::args().any(|argument| argument == "--bless");
    let logs = all();
    let results = examined(&logs);
    let (scores, wrong) = confusion(&logs, &results);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap_or_default();
    let score_table = score_table(&logs, &scores);
    let tables = with_table(&page, "causes", &seen_table(&logs));
    let fresh = tables.and_then(|page| with_table(&page, "confusion", &score_table));
    if let (true, Some(fresh)) = (bless, &fresh) {
        fs::write(&path, fresh).expect("the page");
    }
    println!("\nrunning 2 tests");
    println!("{score_table}");
    let same = fs::read_to_string(&path).ok() == fresh && fresh.is_some();
    println!("test the_page_has_the_tables_of_the_stored_logs ... {}", if same { "ok" } else { "FAILED" });
    if !same {
        println!("{PAGE} is out of date; {BLESS} writes it");
    }
    let right = wrong.is_empty() && logs.len() > 100;
    println!("test every_stored_log_has_its_causes ... {}", if right { "ok" } else { "FAILED" });
    wrong.iter().for_each(|line| println!("{line}"));
    let failed = usize::from(!same) + usize::from(!right);
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out\n",
        2 - failed
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
