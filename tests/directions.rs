//! The modules of `src/` import one another in one direction: no module imports one above it, and no files import one
//! another in a circle. ARCHITECTURE.md has the drawing, `ORDER` is what is enforced.

#[path = "directions/fake.rs"]
mod fake;
#[path = "directions/graph.rs"]
mod graph;
#[path = "directions/source.rs"]
mod source;

use graph::{arrows, circles, Arrows};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The modules of the library from top to bottom. A module may import those in the rows below its own.
const ORDER: &[&[&str]] = &[
    &["abi"],
    &["tracer"],
    &["report"],
    &["export"],
    &["trace"],
    &["log"],
    &["languages"],
    &["settings", "span"],
    &["recorder", "host"],
    &["counters", "memory"],
    &["lines", "process"],
    &["inspect", "redact"],
    &["probes", "sys"],
];

/// Imports against the order that are still to be undone: the first module imports the second.
const KNOWN_UPWARD: &[(&str, &str)] = &[("settings", "log"), ("trace", "export")];

/// Circles that are still to be opened, each with its files in alphabetical order.
const KNOWN_CIRCLES: &[&[&str]] = &[
    &["export/agent.rs", "export/retry.rs", "export/transport.rs"],
    &["export/deliver.rs", "export/worker.rs"],
    &["log/dialect/mod.rs", "log/limit.rs"],
    &["log/dialect/native.rs", "log/dialect/text.rs"],
    &["log/file.rs", "log/writer.rs"],
    &["settings/draft.rs", "settings/habits/levels.rs", "settings/habits/php.rs", "settings/habits/python.rs"],
    &["sys/descriptor.rs", "sys/heap.rs", "sys/heap/places.rs", "sys/heap/slab.rs"],
    &[
        "tracer/closing.rs",
        "tracer/ending.rs",
        "tracer/facts.rs",
        "tracer/overdue.rs",
        "tracer/recording.rs",
        "tracer/spans.rs",
        "tracer/state.rs",
    ],
];

fn files(folder: &str, root: &str) -> Arrows {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    arrows(&source::read(&folder.as_path(), root))
}

/// The module at the top that a file belongs to; none for the crate's root.
fn top(file: &str) -> &str {
    let name = file.split('/').next().unwrap_or(file);
    name.strip_suffix(".rs").unwrap_or(name)
}

/// One line for each arrow between two of these files, with the names.
fn describe<'a>(arrows: impl Iterator<Item = (&'a (String, String), &'a BTreeSet<String>)>) -> String {
    let line = |((from, to), names): (&(String, String), &BTreeSet<String>)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("  {from} -> {to}: {}\n", names.join(", "))
    };
    arrows.map(line).collect()
}

/// What is wrong with the order of the modules, one text for each finding.
fn against_the_order(arrows: &Arrows, order: &[&[&str]], known: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    let row = |module: &str| order.iter().position(|row| row.contains(&module));
    let mut upward: BTreeMap<(&str, &str), Vec<_>> = BTreeMap::new();
    let mut unlisted = BTreeSet::new();
    for arrow in arrows {
        let (from, to) = (top(&arrow.0 .0), top(&arrow.0 .1));
        if from == to || from == "lib" {
            continue;
        }
        match (row(from), row(to)) {
            (Some(importing), Some(imported)) if importing < imported => {}
            (Some(_), Some(_)) => upward.entry((from, to)).or_default().push(arrow),
            (None, _) => drop(unlisted.insert(from)),
            (_, None) => drop(unlisted.insert(to)),
        }
    }
    for ((from, to), arrows) in &upward {
        if !known.contains(&(*from, *to)) {
            findings.push(format!("{from} imports {to}, which is not below it:\n{}", describe(arrows.iter().copied())));
        }
    }
    for (from, to) in known.iter().filter(|pair| !upward.contains_key(*pair)) {
        findings.push(format!("{from} does not import {to} any more: remove it from KNOWN_UPWARD\n"));
    }
    for module in unlisted {
        findings.push(format!("the module {module} has no place in ORDER\n"));
    }
    findings
}

/// What is wrong with the circles between files, one text for each finding.
fn in_a_circle(arrows: &Arrows, known: &[&[&str]]) -> Vec<String> {
    let circles = circles(arrows);
    let is = |circle: &[String], known: &[&str]| circle.iter().eq(known.iter());
    let new = circles.iter().filter(|circle| !known.iter().any(|known| is(circle, known))).map(|circle| {
        let inside = arrows.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
        format!("{} import one another:\n{}", circle.join(", "), describe(inside))
    });
    let gone = known.iter().filter(|known| !circles.iter().any(|circle| is(circle, known))).map(|known| {
        format!("the circle of {} is not there any more: remove it from KNOWN_CIRCLES\n", known.join(", "))
    });
    new.chain(gone).collect()
}

#[track_caller]
fn assert_none(findings: Vec<String>) {
    assert!(findings.is_empty(), "{} findings\n\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn the_modules_of_the_library_import_only_what_is_below_them() {
    assert_none(against_the_order(&files("src", "lib.rs"), ORDER, KNOWN_UPWARD));
}

#[test]
fn no_files_of_the_library_import_one_another_in_a_circle() {
    assert_none(in_a_circle(&files("src", "lib.rs"), KNOWN_CIRCLES));
}

#[test]
fn no_files_of_the_companion_import_one_another_in_a_circle() {
    assert_none(in_a_circle(&files("src/bin/spanwire", "main.rs"), &[]));
}
