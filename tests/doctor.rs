//! The doctor on log files: logs of every tracer in both forms, of real programs with one fault each, and files that
//! are not logs. The tests compare the causes, not the texts.

#[path = "doctor/bindings.rs"]
mod bindings;
#[path = "doctor/captured.rs"]
mod captured;
#[path = "doctor/clean.rs"]
mod clean;
#[path = "doctor/counts.rs"]
mod counts;
#[path = "doctor/faults.rs"]
mod faults;
#[path = "doctor/fifteen.rs"]
mod fifteen;
#[path = "doctor/forms.rs"]
mod forms;
#[path = "doctor/garbage.rs"]
mod garbage;
#[path = "doctor_live/plant.rs"]
mod plant;
#[path = "doctor/planted.rs"]
mod planted;
#[path = "doctor/runs.rs"]
mod runs;
mod support;

use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::hosts::root;

/// A run of the doctor: its report and its exit status.
struct Visit {
    report: Json,
    status: i32,
    stderr: String,
}

impl Visit {
    fn causes(&self) -> Vec<&str> {
        self.report["causes"].as_array().into_iter().flatten().filter_map(Json::as_str).collect()
    }

    fn findings(&self) -> impl Iterator<Item = &Json> {
        let sections = self.report["sections"].as_array().into_iter().flatten();
        sections.flat_map(|section| section["findings"].as_array().into_iter().flatten())
    }

    /// Returns the standing of the first finding with this cause.
    fn standing(&self, cause: &str) -> Option<&str> {
        self.findings().find(|finding| finding["cause"] == cause).and_then(|finding| finding["standing"].as_str())
    }

    /// Returns the answers for started, spans and delivered.
    fn answers(&self) -> [&str; 3] {
        ["started", "spans", "delivered"].map(|name| self.report["facts"]["answers"][name].as_str().unwrap_or("?"))
    }

    fn count(&self, name: &str) -> u64 {
        let tracers = self.report["facts"]["tracers"].as_array().into_iter().flatten();
        tracers.filter_map(|tracer| tracer[name].as_u64()).sum()
    }

    #[track_caller]
    fn names(&self, cause: &str) -> &Visit {
        let objections = planted::objections(self, cause);
        assert!(objections.is_empty(), "{objections:#?}: {:#}", self.report);
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

/// Returns the path of a log in `tests/doctor`: all documentation examples and worked lines of this tracer and form.
fn fixture(name: &str) -> PathBuf {
    root().join("tests/doctor").join(name)
}
