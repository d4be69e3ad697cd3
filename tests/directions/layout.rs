//! ARCHITECTURE.md's list of modules and its table of what may touch what agree with the files in `src/`.

use super::{MAY_TOUCH, ORDER};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text() -> String {
    std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md")
}

/// The list of modules: what lies between the first two fences.
fn layout(text: &str) -> &str {
    text.split("```\n").nth(1).expect("a list between fences")
}

/// The words that name a file or a folder: `name.rs`, `name/`, `name/name`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let in_name = |character: char| character.is_ascii_alphanumeric() || "_./-".contains(character);
    let words = text.split(move |character| !in_name(character)).map(|word| word.trim_end_matches('.'));
    words.filter(|word| {
        let path = word.starts_with(|first: char| first.is_ascii_lowercase()) && word.contains('/');
        path || word.ends_with(".rs")
    })
}

/// Whether a name is that of a file or folder in `folder`, with or without `.rs`.
fn is_in(folder: &Path, name: &str) -> bool {
    let path = folder.join(name.trim_end_matches('/'));
    if name.ends_with('/') {
        return path.is_dir();
    }
    path.exists() || (path.extension().is_none() && path.with_extension("rs").exists())
}

/// The module that a line of the list begins with.
fn module_of(line: &str) -> Option<&str> {
    let first = line.split(' ').next().filter(|first| !first.is_empty())?;
    Some(first.trim_end_matches('/').trim_end_matches(".rs"))
}

/// What the list names and `src/` does not have. A name may begin in `src/`, in the repository, or in the module that
/// its line belongs to.
fn missing(layout: &str, src: &Path) -> Vec<String> {
    let mut module = "";
    let mut missing = Vec::new();
    for line in layout.lines() {
        module = module_of(line).unwrap_or(module);
        let folders: [PathBuf; 3] = [src.to_owned(), src.join(module), src.join("..")];
        let exists = |name: &str| folders.iter().any(|folder| is_in(folder, name));
        missing.extend(names(line).filter(|name| !exists(name)).map(|name| format!("{module}: {name}")));
    }
    missing
}

#[test]
fn every_file_in_the_list_of_modules_exists() {
    let text = text();
    assert!(names(layout(&text)).count() > 30, "names were found");
    assert_eq!(missing(layout(&text), &root().join("src")), [""; 0]);
}

#[test]
fn a_name_without_a_file_is_found() {
    let list = "trace/   which spans belong together, in missing/ and chunk.rs\nno.rs    tests/run, span/table\n";
    assert_eq!(missing(list, &root().join("src")), ["trace: missing/", "no: no.rs"]);
}

#[test]
fn the_list_has_all_modules_and_each_above_those_that_it_may_import() {
    let text = text();
    let listed: Vec<&str> = layout(&text).lines().filter_map(module_of).collect();
    let row = |module: &&str| ORDER.iter().position(|row| row.contains(module));
    let mut sorted = listed.clone();
    sorted.sort_by_key(row);
    assert_eq!(listed, sorted, "ARCHITECTURE.md lists modules in another order than ORDER");
    let modules: BTreeSet<&str> = ORDER.iter().flat_map(|row| row.iter().copied()).collect();
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), modules, "ARCHITECTURE.md lists other modules than ORDER");
}

/// The paths in `src/` that a row of the table names, those in the other cells within the module of the first one.
fn paths_of(row: &str) -> Vec<String> {
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let modules = quoted(cells[0]);
    let within = cells[1..].iter().flat_map(|cell| quoted(cell)).filter(|name| name.contains(['.', '/']));
    let within = within.map(|name| format!("{}/{name}", modules[0]));
    within.chain(modules.iter().cloned()).collect()
}

#[test]
fn the_table_of_what_may_touch_what_names_files_that_exist_and_all_that_may_touch_something() {
    let text = text();
    let rows: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("| may touch |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let named: Vec<String> = rows.iter().flat_map(|row| paths_of(row)).collect();
    let src = root().join("src");
    let gone: Vec<_> = named.iter().filter(|name| !is_in(&src, name)).collect();
    assert!(gone.is_empty(), "{gone:?} are in ARCHITECTURE.md's table and not in src");
    // The table names the files of a module, or the module where it names none of its files.
    let bare = |name: &str| name.trim_end_matches('/').trim_end_matches(".rs").to_owned();
    let is_named = |place: &str| {
        let files: Vec<_> = named.iter().filter(|name| super::top(name) == super::top(place)).collect();
        let files: Vec<_> =
            if files.len() > 1 { files.into_iter().filter(|name| name.contains('/')).collect() } else { files };
        files.iter().any(|name| bare(name) == bare(place))
    };
    let unnamed: Vec<_> = MAY_TOUCH.iter().filter(|place| **place != "lib.rs" && !is_named(place)).collect();
    assert!(unnamed.is_empty(), "{unnamed:?} may touch something and are not in ARCHITECTURE.md's table");
}

#[test]
fn every_path_in_the_text_exists() {
    let text = text();
    let src = root().join("src");
    let modules = ORDER.iter().flat_map(|row| row.iter()).map(|module| src.join(module));
    let folders: Vec<PathBuf> = [root().to_owned(), src.clone()].into_iter().chain(modules).collect();
    let quoted: BTreeSet<&str> = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| names(word).eq([*word]))
        .collect();
    assert!(quoted.len() > 30, "{quoted:?}");
    let gone: Vec<_> = quoted.iter().filter(|name| !folders.iter().any(|folder| is_in(folder, name))).collect();
    assert!(gone.is_empty(), "{gone:?} are in ARCHITECTURE.md and are neither in the repository nor in src");
}
