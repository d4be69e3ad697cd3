//! The modules of `src/` import one another in one direction: no module imports one above it, and no files import one
//! another in a circle. ARCHITECTURE.md has the drawing, `ORDER` is what is enforced.

#[path = "directions/fake.rs"]
mod fake;
#[path = "directions/graph.rs"]
mod graph;
#[path = "directions/layout.rs"]
mod layout;
#[path = "directions/source.rs"]
mod source;

use graph::{arrows, circles, Arrows};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The modules of the library from top to bottom. A module may import those in the rows below its own.
const ORDER: &[&[&str]] = &[
    &["abi", "companion"],
    &["tracer"],
    &["report"],
    &["control"],
    &["flare"],
    &["export"],
    &["trace", "sampling"],
    &["log"],
    &["languages"],
    &["event"],
    &["settings"],
    &["propagation"],
    &["span"],
    &["recorder", "host", "zone"],
    &["counters", "level", "memory"],
    &["lines", "process"],
    &["inspect", "os_error", "redact"],
    &["probes", "sys"],
    &["sort"],
];

/// The files and folders that may touch the environment, files, sockets and threads: they allow the functions that
/// `clippy.toml` lists. ARCHITECTURE.md says which of them may touch what.
const MAY_TOUCH: &[&str] = &[
    "control/socket.rs",
    "export/periodic/poller.rs",
    "export/start.rs",
    "export/transport/",
    "flare/file.rs",
    "flare/process.rs",
    "flare/turn.rs",
    "host.rs",
    "lib.rs",
    "lines.rs",
    "log/file.rs",
    "log/file/open.rs",
    "log/retention.rs",
    "log/thread.rs",
    "settings/",
    "tracer/making.rs",
    "zone.rs",
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
fn against_the_order(arrows: &Arrows, order: &[&[&str]]) -> Vec<String> {
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
        findings.push(format!("{from} imports {to}, which is not below it:\n{}", describe(arrows.iter().copied())));
    }
    for module in unlisted {
        findings.push(format!("the module {module} has no place in ORDER\n"));
    }
    findings
}

/// What is wrong with the circles between files, one text for each finding.
fn in_a_circle(arrows: &Arrows) -> Vec<String> {
    let finding = |circle: &Vec<String>| {
        let inside = arrows.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
        format!("{} import one another:\n{}", circle.join(", "), describe(inside))
    };
    circles(arrows).iter().map(finding).collect()
}

#[track_caller]
fn assert_none(findings: Vec<String>) {
    assert!(findings.is_empty(), "{} findings\n\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn the_modules_of_the_library_import_only_what_is_below_them() {
    assert_none(against_the_order(&files("src", "lib.rs"), ORDER));
}

#[test]
fn no_files_of_the_library_import_one_another_in_a_circle() {
    assert_none(in_a_circle(&files("src", "lib.rs")));
}

#[test]
fn only_the_listed_files_may_touch_the_environment_files_sockets_and_threads() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules = source::read(&src.as_path(), "lib.rs");
    let files: BTreeSet<&str> = modules.values().map(|module| module.file.as_str()).collect();
    let allow =
        |file: &str| std::fs::read_to_string(src.join(file)).is_ok_and(|text| text.contains("disallowed_methods)]"));
    let listed = |file: &str, place: &str| file == place || (place.ends_with('/') && file.starts_with(place));
    let more: Vec<_> =
        files.iter().filter(|file| allow(file) && !MAY_TOUCH.iter().any(|place| listed(file, place))).collect();
    assert!(more.is_empty(), "{more:?} allow clippy::disallowed_methods and are not in MAY_TOUCH");
    let idle: Vec<_> =
        MAY_TOUCH.iter().filter(|place| !files.iter().any(|file| allow(file) && listed(file, place))).collect();
    assert!(idle.is_empty(), "{idle:?} are in MAY_TOUCH and allow nothing");
}

/// `clippy.toml` says nothing of a function of ours that it does not find.
#[test]
fn the_functions_of_our_own_that_clippy_forbids_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("clippy.toml")).expect("clippy.toml");
    let sources = source::read(&root.join("src").as_path(), "lib.rs");
    let sys: String = (sources.values().map(|module| &module.file).collect::<BTreeSet<_>>().into_iter())
        .filter(|file| top(file) == "sys")
        .map(|file| std::fs::read_to_string(root.join("src").join(file)).expect("a file of sys"))
        .collect();
    let ours: Vec<&str> = text.split('"').filter(|path| path.starts_with("spanwire::")).collect();
    assert!(ours.len() > 5, "{ours:?}");
    for path in ours {
        let name = path.rsplit("::").next().unwrap_or(path);
        let found = sys.contains(&format!("pub fn {name}(")) || sys.contains(&format!("pub(crate) fn {name}("));
        assert!(path.starts_with("spanwire::sys::") && found, "{path} is in clippy.toml and not in src/sys");
    }
}

#[test]
fn no_files_of_the_companion_import_one_another_in_a_circle() {
    assert_none(in_a_circle(&files("src/bin/spanwire", "main.rs")));
}
