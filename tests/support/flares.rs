//! Reads flares with Python's zipfile, a reader that is not the library's.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The files of a flare by name.
pub type Files = BTreeMap<String, String>;

const READ: &str = "
import io, json, sys, zipfile
archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert archive.testzip() is None
assert all(entry.external_attr >> 16 & 0o777 == 0o600 for entry in archive.infolist())
assert len(set(archive.namelist())) == len(archive.namelist())
json.dump({name: archive.read(name).decode() for name in archive.namelist()}, sys.stdout)
";

/// Unpacks an archive. Panics if it is damaged, or if its files may be read by other users.
#[track_caller]
pub fn unpacked(archive: &[u8]) -> Files {
    let mut python = Command::new("python3");
    python.args(["-c", READ]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = python.spawn().expect("python3 runs");
    let (mut stdin, archive) = (process.stdin.take().expect("its input"), archive.to_vec());
    let writer = std::thread::spawn(move || drop(stdin.write_all(&archive)));
    let output = process.wait_with_output().expect("python3 ends");
    writer.join().expect("written");
    assert!(output.status.success(), "the archive is not sound");
    serde_json::from_slice(&output.stdout).expect("names and texts")
}

/// Unpacks the archive in a file.
#[track_caller]
pub fn read(path: &Path) -> Files {
    let archive = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    unpacked(&archive)
}

/// Asserts that the manifest lists exactly the other files, each with its size, and returns it.
#[track_caller]
pub fn manifest(files: &Files) -> Json {
    let manifest: Json = serde_json::from_str(&files["spanwire-manifest.json"]).expect("a manifest");
    let listed: BTreeMap<String, u64> = manifest["files"].as_array().expect("a list").iter().map(entry).collect();
    let there = files.iter().filter(|(name, _)| *name != "spanwire-manifest.json");
    let there: BTreeMap<String, u64> = there.map(|(name, text)| (name.clone(), text.len() as u64)).collect();
    assert_eq!(listed, there);
    manifest
}

fn entry(file: &Json) -> (String, u64) {
    assert!(file["about"].as_str().is_some_and(|about| about.len() > 10), "{file}");
    (file["name"].as_str().expect("a name").to_owned(), file["bytes"].as_u64().expect("a size"))
}
