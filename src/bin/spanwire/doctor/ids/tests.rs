//! Every id in the doctor's sources is listed, every listed id is used, and the documentation describes each fault.

use super::*;
use crate::doctor::errors;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Texts that look like ids and are not.
/// The last one is the name of a file.
const NO_IDS: [&str; 5] = [errors::REFUSED, errors::NO_HTTP, "memory.max", "memory.limit_in_bytes", "tracer.log"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources").flatten() {
        match entry.path() {
            path if path.is_dir() => sources(&path, found),
            path => found.push(path),
        }
    }
}

/// The first parts of the ids, before the dot.
fn families() -> BTreeSet<&'static str> {
    let all = FAULTS.iter().map(|fault| fault.id).chain(REMARKS.iter().copied());
    all.filter_map(|id| Some(id.split_once('.')?.0)).collect()
}

/// The string literals in a source that look like ids with one of these first parts.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    let families = families();
    text.split('"').filter(move |word| {
        let like = |part: &str| !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        word.split_once('.').is_some_and(|(family, rest)| families.contains(family) && like(rest))
    })
}

#[test]
fn no_source_uses_an_id_that_is_not_listed_and_no_id_is_listed_for_nothing() {
    let companion = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/spanwire");
    let root = companion.join("doctor");
    let (mut files, mut used) = (Vec::new(), BTreeSet::new());
    sources(&root, &mut files);
    // Reports what only a flare tells.
    files.push(companion.join("flare/foreign.rs"));
    files.retain(|path| !path.starts_with(root.join("ids")) && !path.ends_with("ids.rs"));
    assert!(files.len() > 20, "{files:?}");
    for path in files {
        let text = fs::read_to_string(&path).expect("a source");
        // Kinds of events look like ids. They are compared with a line's kind and never reported.
        let kinds = path.ends_with("lines/json.rs");
        let lines =
            text.lines().map(|line| if kinds { line.split_once("=>").map_or(line, |(_, said)| said) } else { line });
        for id in lines.flat_map(|line| literals(line).map(str::to_owned).collect::<Vec<_>>()) {
            let known = is_known(&id, false) || NO_IDS.contains(&id.as_str());
            assert!(known || kinds && id.starts_with("span."), "{id} in {} is not listed", path.display());
            used.insert(id);
        }
    }
    let all = FAULTS.iter().map(|fault| fault.id).chain(REMARKS.iter().copied());
    let idle: Vec<&str> = all.filter(|id| !used.contains(*id)).collect();
    assert!(idle.is_empty(), "no check reports {idle:?}");
}

#[test]
fn an_id_is_listed_once() {
    let all: Vec<&str> = FAULTS.iter().map(|fault| fault.id).chain(REMARKS.iter().copied()).collect();
    let once: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(once.len(), all.len());
    assert!(!is_known("tracer.started", true) && is_known("tracer.started", false) && is_known("agent.down", true));
}

/// Set `SPANWIRE_BLESS=1` to write the table.
#[test]
fn the_documentation_describes_every_fault() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubleshooting.md");
    let text = fs::read_to_string(&path).expect("the documentation");
    let rows = FAULTS.iter().map(|fault| format!("| `{}` | {} | {} |\n", fault.id, fault.means, fault.remedy));
    let table = format!("| Cause | Meaning | Remedy |\n|---|---|---|\n{}", rows.collect::<String>());
    if std::env::var_os("SPANWIRE_BLESS").is_some() {
        let (before, rest) = text.split_once("| Cause | Meaning | Remedy |\n").expect("the table's head");
        let after: String = rest.split_inclusive('\n').skip_while(|line| line.starts_with('|')).collect();
        fs::write(&path, format!("{before}{table}{after}")).expect("the documentation is written");
    } else {
        assert!(text.contains(&table), "the table is not in docs/troubleshooting.md; SPANWIRE_BLESS=1 writes it");
    }
}
