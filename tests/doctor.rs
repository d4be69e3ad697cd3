//! The doctor on log files: of every tracer in both of its forms, of real programs with one fault each, and of files that
//! are no logs. What it names is compared, not how it reads.

#[path = "doctor/faults.rs"]
mod faults;
#[path = "doctor/forms.rs"]
mod forms;
#[path = "doctor/garbage.rs"]
mod garbage;
mod support;

use serde_json::Value as Json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::hosts::root;

/// A doctor's visit: what it reported and how it ended.
struct Visit {
    report: Json,
    status: i32,
    stderr: String,
}

impl Visit {
    fn causes(&self) -> Vec<&str> {
        self.report["causes"].as_array().into_iter().flatten().filter_map(Json::as_str).collect()
    }

    /// The standing of the first finding of this cause.
    fn standing(&self, cause: &str) -> Option<&str> {
        let sections = self.report["sections"].as_array().into_iter().flatten();
        let mut findings = sections.flat_map(|section| section["findings"].as_array().into_iter().flatten());
        findings.find(|finding| finding["cause"] == cause).and_then(|finding| finding["standing"].as_str())
    }

    /// started, spans, delivered.
    fn answers(&self) -> [&str; 3] {
        ["started", "spans", "delivered"].map(|name| self.report["facts"]["answers"][name].as_str().unwrap_or("?"))
    }

    fn count(&self, name: &str) -> u64 {
        let tracers = self.report["facts"]["tracers"].as_array().into_iter().flatten();
        tracers.filter_map(|tracer| tracer[name].as_u64()).sum()
    }

    #[track_caller]
    fn names(&self, cause: &str) -> &Visit {
        assert!(self.causes().contains(&cause), "{cause} is not named: {:#}", self.report);
        assert_eq!(self.status, 1, "{:#}", self.report);
        let sections = self.report["sections"].as_array().into_iter().flatten();
        for finding in sections.flat_map(|section| section["findings"].as_array().into_iter().flatten()) {
            assert_eq!(finding["standing"] == "bad", finding["remedy"] != "", "a fault has a remedy: {finding}");
        }
        self
    }
}

fn doctor(files: &[&Path]) -> Visit {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
    let output = command.args(["doctor", "--json"]).args(files).stdin(Stdio::null()).output().expect("it runs");
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Json::Null);
    Visit {
        report,
        status: output.status.code().unwrap_or(-1),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A log among `tests/doctor`: each example of the documentation and each worked line of that tracer and form.
fn fixture(name: &str) -> PathBuf {
    root().join("tests/doctor").join(name)
}

/// A folder for logs, open to every user; it goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("spanwire-doctor-{name}.{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for logs");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("its mode");
        Folder(folder)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
