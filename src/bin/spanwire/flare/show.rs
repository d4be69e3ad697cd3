//! Shows what the doctor concludes from a flare: one of this library's, or one of the tracers for Java, Python, Node.js
//! and .NET.

use super::archive::{self, Files};
use super::foreign::{self, base, Foreign};
use super::node;
use crate::doctor::logs;
use crate::doctor::report::{Finding, Section};
use crate::out::{Failure, Out};
use serde_json::Value;
use spanwire::companion::flare::MANIFEST;
use spanwire::companion::redact;
use std::path::Path;

/// Files of ours that people read first, besides the doctor's answers.
const HEALTH: [&str; 2] = ["spanwire-health.txt", "tracer_health.txt"];

/// Reads a flare and prints the report. Returns the doctor's exit status.
pub fn run(out: Out, path: &Path, json: bool) -> Result<u8, Failure> {
    let files = archive::read(path).map_err(Failure::Said)?;
    let foreign = if ours(&files).is_none() { foreign::of(&files) } else { None };
    let logs = logs_of(&files, foreign.as_ref());
    let findings = introduction(&files, foreign.as_ref());
    let has_come = foreign.is_some();
    let told = foreign.map(|foreign| foreign.told).unwrap_or_default();
    let mut report = logs::of_texts(&logs, told).map_err(Failure::Said)?;
    if has_come {
        // So Datadog's site offers flares for the service.
        let other = |finding: &Finding| finding.cause != "flare.by_hand";
        report.sections.iter_mut().for_each(|section| section.findings.retain(other));
        report.sections.retain(|section| !section.findings.is_empty());
    }
    report.sections.insert(0, Section { title: "The flare".into(), findings });
    if json {
        out.write(&format!("{:#}\n", report.json()))?;
    } else {
        report.print(out)?;
        if let Some(health) = ours(&files).and_then(|_| HEALTH.iter().find_map(|name| text_of(&files, name))) {
            out.write(&format!("\n{}\n{}", out.paint.strong("Health"), redact::text(&health)))?;
        }
    }
    Ok(report.exit_status())
}

fn text_of(files: &Files, name: &str) -> Option<String> {
    let (_, bytes) = files.iter().find(|(other, _)| base(other) == name)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// Returns the manifest, if the flare is ours.
fn ours(files: &Files) -> Option<Value> {
    serde_json::from_str(&text_of(files, MANIFEST)?).ok()
}

/// Returns the texts in which the doctor finds lines of tracers: start-up line first, then logs.
fn logs_of(files: &Files, foreign: Option<&Foreign>) -> Files {
    if foreign.is_some_and(|foreign| !foreign.has_log) {
        return Files::new();
    }
    let is_log = |name: &str| {
        let name = base(name);
        name.ends_with(".log") || matches!(name, "tracer_logs.txt" | "spanwire-log.txt" | "spanwire-startup.txt")
    };
    let has_started = |(name, bytes): &&(String, Vec<u8>)| {
        base(name) != "spanwire-startup.txt" && bytes.windows(22).any(|words| words == b" TRACER CONFIGURATION ")
    };
    let told = files.iter().filter(|(name, _)| is_log(name)).any(|file| has_started(&file));
    let wanted = files.iter().filter(|(name, _)| is_log(name) && !(told && base(name) == "spanwire-startup.txt"));
    let mut logs: Files = wanted.cloned().collect();
    if logs.is_empty() && files.len() == 1 {
        logs.clone_from(files);
    }
    if foreign.is_some() {
        let lost = logs.iter_mut().filter(|(_, bytes)| node::has_lost_words(bytes));
        lost.for_each(|(_, bytes)| *bytes = node::restored(bytes));
    }
    logs.sort_by_key(|(name, _)| base(name) != "spanwire-startup.txt");
    logs
}

/// Says what the flare is of.
fn introduction(files: &Files, foreign: Option<&Foreign>) -> Vec<Finding> {
    let count = files.len();
    let files_in = if count == 1 { "1 file".into() } else { format!("{count} files") };
    let Some(manifest) = ours(files) else {
        let of = foreign.map_or("another tracer".to_owned(), |foreign| format!("the tracer for {}", foreign.language));
        let says = Finding::note("log.read", format!("a flare of {of}, with {files_in}"));
        let more = foreign.iter().flat_map(|foreign| foreign.findings.iter().cloned());
        return [says].into_iter().chain(more).collect();
    };
    let text = |name: &str| redact::text(manifest[name].as_str().unwrap_or_default()).into_owned();
    let says = format!(
        "made by {} at {}, of process {} ({}), service {}, {} {}; {files_in}",
        text("made_by"),
        text("made_at"),
        manifest["pid"],
        text("program"),
        text("service"),
        text("language"),
        text("tracer_version"),
    );
    let configs = manifest["remote_configuration"].as_array().into_iter().flatten();
    let config = |config: &Value| {
        let text = |name: &str| redact::text(config[name].as_str().unwrap_or_default()).into_owned();
        let became = match text("error") {
            error if error.is_empty() => "in force".to_owned(),
            error => format!("not in force: {error}"),
        };
        let (product, id, version) = (text("product"), text("id"), &config["version"]);
        Finding::note("log.read", format!("remote configuration {product} {id}, version {version}: {became}"))
    };
    [Finding::note("log.read", says)].into_iter().chain(configs.map(config)).collect()
}
