//! `spanwire doctor` without log files: checks what a process started here would experience, or one that runs. `subject`
//! gathers whose settings are examined. This file has the order of the checks and their time limits; each check is a
//! module of its own.

mod clock;
mod counts;
mod elsewhere;
mod env_file;
mod found;
mod given;
mod info;
mod limits;
mod logs;
mod php;
mod place;
pub mod process;
mod settings;
mod socket;
mod subject;
mod trace;
mod user;
mod wire;

use super::report::{Finding, Report, Section};
use crate::cli::DoctorOptions;
use crate::out::{Failure, Out};
use found::{bad, note};
use limits::Limits;
use place::Ask;
use process::Process;
use serde_json::Map;
use spanwire::companion::settings::{AgentAddress, Settings};
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::time::{Duration, Instant};
use subject::Subject;

/// Time limit of the whole run, approximately.
const ALL_MAX: Duration = Duration::from_secs(9);
/// Time limit of one step, whatever the settings say.
const STEP_MAX: Duration = Duration::from_millis(2_500);
/// Time limit of the checks of files: a folder on a network server that is gone never answers.
const FILES_MAX: Duration = Duration::from_secs(1);

/// Runs the checks, prints the report, and returns the exit status: 0 if nothing is wrong, 1 if a cause was found.
pub fn run(out: Out, options: &DoctorOptions) -> Result<u8, Failure> {
    let progress = Progress { on: !options.json && io::stderr().is_terminal() };
    progress.says("reading settings");
    let subject = Subject::of(options).inspect_err(|_| progress.done())?;
    let report = check(&subject, &progress);
    progress.done();
    if options.json {
        out.write(&format!("{:#}\n", report.json()))?;
    } else {
        report.print(out)?;
    }
    Ok(report.exit_status())
}

fn check(subject: &Subject, progress: &Progress) -> Report {
    let time = Time::start();
    let mut facts = Map::new();
    let mut sections = Vec::new();
    let process = subject.process.as_ref();
    if !subject.read.is_empty() {
        let title = if process.is_some() { "The process" } else { "What was read" };
        sections.push(section(title, subject.read.clone()));
    }
    if let Some(process) = process {
        facts.insert("process".into(), process.facts());
        sections.extend(counts::look(process, &mut facts));
    }
    let (mut settings, mut of_settings) = settings::look(subject, &mut facts);
    if let Some(process) = process {
        of_settings.findings.extend(process.unchecked());
    }
    sections.push(of_settings);
    if let Some(process) = process {
        settings.agent = process.reachable(&settings.agent);
        settings.log_file = settings.log_file.map(|path| process.inside(&path));
    }
    if process.is_some_and(Process::is_elsewhere) && matches!(settings.agent, AgentAddress::Http { .. }) {
        let why = "the process has another network, which could not be entered";
        sections.push(section("A test trace", vec![trace::not_sent(why)]));
    } else {
        let contained = process.map_or_else(place::is_contained, |process| process.contained);
        let mut ask = Ask { time: &time, contained, facts: &mut facts };
        check_agent(&settings, &mut ask, progress, &mut sections);
    }
    progress.says("checking files and limits");
    let (chosen, folder) = (settings.clone(), subject.given.variable(logs::DIRECTORY));
    let folder = folder.map(|folder| process.map_or(folder.clone().into(), |process| process.inside(folder.as_ref())));
    sections.push(in_time("Where logs go", "log.no_answer", move || logs::look(&chosen, folder.as_deref())));
    let of = process.map_or_else(Limits::own, |process| process.limits.clone());
    sections.push(in_time("Limits of this process", "limits.no_answer", move || limits::look(&of, &settings)));
    if let Some(process) = process {
        rename_paths(process, &mut sections);
    }
    Report { sections, facts }
}

/// Replaces paths that are valid only here by those of the process.
fn rename_paths(process: &Process, sections: &mut [Section]) {
    for finding in sections.iter_mut().flat_map(|section| &mut section.findings) {
        let texts = [&mut finding.says, &mut finding.remedy].into_iter().chain(&mut finding.evidence);
        texts.for_each(|text| *text = process.plain(text));
    }
}

fn check_agent(settings: &Settings, ask: &mut Ask<'_>, progress: &Progress, sections: &mut Vec<Section>) {
    progress.says("connecting to the Agent");
    let (place, stream) = place::reach(settings, ask);
    sections.push(section("The Agent's address", place));
    let Some(target) = wire::Target::of(&settings.agent) else {
        sections.push(section("A test trace", vec![trace::not_sent("the settings name no Agent")]));
        return;
    };
    let Some(stream) = stream else {
        sections.push(section("A test trace", vec![trace::not_sent("there is no connection to the Agent")]));
        return;
    };
    progress.says("requesting /info from the Agent");
    let answer = wire::get(stream, &target, "/info", ask.time.step(settings.request_timeout));
    let mut seen = info::judge(&answer, &target, ask.facts);
    if seen.agent == info::Agent::No {
        seen.findings = seen.findings.into_iter().map(|finding| place::with_others(settings, ask, finding)).collect();
    }
    sections.push(section("The server at that address", seen.findings));
    progress.says("sending a test trace");
    let trace = match seen.agent {
        info::Agent::No => vec![trace::not_sent("the server there is not an Agent")],
        info::Agent::Yes => trace::send(settings, &target, true, ask.time, ask.facts),
        info::Agent::Perhaps => trace::send(settings, &target, false, ask.time, ask.facts),
    };
    sections.push(section("A test trace", trace));
    sections.push(section("Clock", vec![clock::compare(answer.ok().as_ref(), ask.facts)]));
}

fn section(title: &str, findings: Vec<Finding>) -> Section {
    Section { title: title.into(), findings }
}

/// Runs a check that may hang in the file system, and makes a section of its findings.
fn in_time(title: &str, cause: &'static str, work: impl FnOnce() -> Vec<Finding> + Send + 'static) -> Section {
    let findings = within(FILES_MAX, work).unwrap_or_else(|error| match error.kind() {
        io::ErrorKind::TimedOut => {
            let says = format!("the file system did not answer within {FILES_MAX:?}; a process would hang there too");
            vec![bad(cause, says, "Check the mounts of these paths (`df`, `mount`), for example NFS.")]
        }
        _ => vec![note(cause, format!("not checked: {}", found::plain(&error)), "")],
    });
    section(title, findings)
}

/// Runs work that may hang on a thread, and returns its result if it comes in time. Otherwise the thread is left
/// running. The error is of kind `TimedOut`, or says why no thread could be started.
fn within<T: Send + 'static>(patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (sender, receiver) = sync_channel(1);
    // If the receiver has given up, the result is not needed.
    std::thread::Builder::new().spawn(move || drop(sender.send(work())))?;
    receiver.recv_timeout(patience).map_err(|error| match error {
        RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
        RecvTimeoutError::Disconnected => io::Error::other("the check ended without a result"),
    })
}

/// The remaining time of the run.
struct Time {
    end: Instant,
}

impl Time {
    fn start() -> Time {
        Time { end: Instant::now() + ALL_MAX }
    }

    /// Returns the time limit of a step that may take up to `wish`.
    fn step(&self, wish: Duration) -> Duration {
        let left = self.end.saturating_duration_since(Instant::now());
        wish.min(STEP_MAX).min(left).max(Duration::from_millis(20))
    }
}

/// One line on a terminal that shows the current step.
struct Progress {
    on: bool,
}

impl Progress {
    fn says(&self, what: &str) {
        if self.on {
            let _ = write!(io::stderr(), "\r\x1b[K{what} …");
        }
    }

    fn done(&self) {
        if self.on {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
