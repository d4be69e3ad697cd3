//! `spanwire flare show` on flares that released tracers have sent. `tests/capture-flares` makes them, and has shortened
//! them; expected.jsonl has the right answer to each, by what was done to the tracer.

use crate::companion::{answers, packed, spanwire, text};
use crate::support::hosts::root;
use crate::Folder;
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};

fn captured() -> PathBuf {
    root().join("tests/flares/captured")
}

fn expected() -> Vec<Json> {
    let rows = fs::read_to_string(captured().join("expected.jsonl")).expect("the right answers");
    rows.lines().map(|row| serde_json::from_str(row).expect("a row")).collect()
}

/// Returns the files below a folder, with their names in it.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a flare").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.path().is_dir() {
            true => {
                found.extend(files(&entry.path()).into_iter().map(|(below, path)| (format!("{name}/{below}"), path)))
            }
            false => found.push((name, entry.path())),
        }
    }
    found.sort();
    found
}

#[test]
fn flares_of_released_tracers_get_the_right_answers() {
    let folder = Folder::new("captured");
    let (mut known, mut wrong) = (Vec::new(), Vec::new());
    for row in expected() {
        let name = row["flare"].as_str().expect("a name");
        known.push(name.to_owned());
        let unpacked = captured().join(name);
        // Node.js sends no archive.
        let path = match name.starts_with("node") {
            true => unpacked,
            false => {
                let (archive, files) = (folder.file(&format!("{}.zip", name.replace('/', "-"))), files(&unpacked));
                let files: Vec<(&str, &Path)> =
                    files.iter().map(|(name, path)| (name.as_str(), path.as_path())).collect();
                packed(&archive, &files);
                archive
            }
        };
        let path = path.to_str().expect("a name in UTF-8");
        let found = answers(&spanwire(&["show", "--json", path]));
        let wanted =
            (Some(i32::from(row["causes"] != serde_json::json!([]))), row["causes"].clone(), row["answers"].clone());
        if found != wanted {
            wrong.push(format!("{name}: {found:?}, not {wanted:?}"));
        }
        let shown = text(&spanwire(&["show", path]).stdout).replace("\n         ", " ");
        for words in row["says"].as_array().expect("words") {
            if !shown.contains(words.as_str().expect("a text")) {
                wrong.push(format!("{name} does not say {words}: {shown}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut there: Vec<String> = files(&captured()).into_iter().map(|(name, _)| name).collect();
    there.retain(|name| name.contains('/'));
    let unknown: Vec<&String> =
        there.iter().filter(|name| !known.iter().any(|flare| name.starts_with(flare))).collect();
    assert!(unknown.is_empty(), "{unknown:?} has no answer in expected.jsonl");
    assert!(known.len() >= 12, "{known:?}");
}

#[test]
fn one_of_the_two_files_of_node_says_that_there_is_another() {
    let well = captured().join("node-5.132.0/well");
    let folder = Folder::new("node");
    for (file, said, cause) in [
        ("tracer_info.txt", "these are the settings alone", "flare.no_log"),
        ("tracer_logs.txt", "this is the log alone", "flare.no_settings"),
    ] {
        // Whatever it is called: a browser may have renamed it.
        let renamed = folder.file(&format!("download-{file}.bin"));
        fs::copy(well.join(file), &renamed).expect("a copy");
        for path in [well.join(file), renamed] {
            let output = spanwire(&["show", path.to_str().expect("a name")]);
            let shown = text(&output.stdout).replace("\n         ", " ");
            let is_known = file == "tracer_info.txt" || path.ends_with(file);
            assert_eq!(shown.contains(said) && shown.contains(cause), is_known, "{}: {shown}", path.display());
            assert_eq!(output.status.code(), Some(0), "{shown}");
        }
    }
}

#[test]
fn a_folder_that_is_no_flare_is_an_error_or_has_no_lines() {
    let folder = Folder::new("no-flare");
    let path = folder.0.to_str().expect("a name").to_owned();
    let output = spanwire(&["show", &path]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("the folder holds no file"), "{}", text(&output.stderr));
    fs::write(folder.file("notes.txt"), "nothing\n").expect("written");
    let output = spanwire(&["show", &path]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}
