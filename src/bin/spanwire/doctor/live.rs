//! `spanwire doctor` without files: checks what a process started here would experience. This file has the order of the
//! checks and their time limits; each check is a module of its own.

mod clock;
mod found;
mod info;
mod limits;
mod logs;
mod place;
mod settings;
mod socket;
mod trace;
mod user;
mod wire;

use super::report::{Finding, Report, Section};
use crate::cli::DoctorOptions;
use crate::out::{Failure, Out};
use found::{bad, note};
use serde_json::{Map, Value as Json};
use spanwire::companion::settings::Settings;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Time limit of the whole run, approximately.
const ALL_MAX: Duration = Duration::from_secs(9);
/// Time limit of one step, whatever the settings say.
const STEP_MAX: Duration = Duration::from_millis(2_500);
/// Time limit of the checks of files: a folder on a network server that is gone never answers.
const FILES_MAX: Duration = Duration::from_secs(1);

/// Runs the checks, prints the report, and returns the exit status: 0 if nothing is wrong, 1 if a cause was found.
pub fn run(out: Out, options: &DoctorOptions) -> Result<u8, Failure> {
    let progress = Progress { on: !options.json && io::stderr().is_terminal() };
    let report = check(options.url.as_deref(), &progress);
    progress.done();
    if options.json {
        out.write(&format!("{:#}\n", report.json()))?;
    } else {
        report.print(out)?;
    }
    Ok(report.exit_status())
}

fn check(url: Option<&str>, progress: &Progress) -> Report {
    let time = Time::start();
    let mut facts = Map::new();
    progress.says("reading settings");
    let (settings, section) = settings::look(url, &mut facts);
    let mut sections = vec![section];
    check_agent(&settings, &time, progress, &mut sections, &mut facts);
    progress.says("checking files and limits");
    let chosen = settings.clone();
    sections.push(in_time("Where logs go", "log.no_answer", move || logs::look(&chosen)));
    sections.push(in_time("Limits of this process", "limits.no_answer", move || limits::look(&settings)));
    Report { sections, facts }
}

fn check_agent(
    settings: &Settings,
    time: &Time,
    progress: &Progress,
    sections: &mut Vec<Section>,
    facts: &mut Map<String, Json>,
) {
    progress.says("connecting to the Agent");
    let (place, stream) = place::reach(settings, time, facts);
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
    let answer = wire::get(stream, &target, "/info", time.step(settings.request_timeout));
    let seen = info::judge(&answer, &target, facts);
    sections.push(section("The server at that address", seen.findings));
    progress.says("sending a test trace");
    let trace = match seen.agent {
        info::Agent::No => vec![trace::not_sent("the server there is not an Agent")],
        info::Agent::Yes => trace::send(settings, &target, true, time, facts),
        info::Agent::Perhaps => trace::send(settings, &target, false, time, facts),
    };
    sections.push(section("A test trace", trace));
    sections.push(section("Clock", vec![clock::compare(answer.ok().as_ref(), facts)]));
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
