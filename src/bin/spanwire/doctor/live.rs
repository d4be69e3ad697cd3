//! `spanwire doctor` without files: what a process started here and now would experience. This file has the order of
//! the checks and their bound in time; each check is a module of its own. How a report looks is not known here.

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
use spanwire::settings::Settings;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::time::{Duration, Instant};

/// What the whole run may take, about.
const ALL_MAX: Duration = Duration::from_secs(9);
/// What one step may take, however long the settings would wait.
const STEP_MAX: Duration = Duration::from_millis(2_500);
/// What looking at files may take: a folder on a server that is gone answers never.
const FILES_MAX: Duration = Duration::from_secs(1);

/// Checks, reports, and answers the exit status: 0 nothing wrong, 1 a cause was found.
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
    progress.says("looking at files and limits");
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
    sections.push(section("The Agent's place", place));
    let Some(target) = wire::Target::of(&settings.agent) else {
        sections.push(section("A test trace", vec![trace::not_sent("the place is no Agent that can be asked")]));
        return;
    };
    let Some(stream) = stream else {
        sections.push(section("A test trace", vec![trace::not_sent("there is no connection to the Agent")]));
        return;
    };
    progress.says("asking the Agent what it is");
    let answer = wire::get(stream, &target, "/info", time.step(settings.request_timeout));
    let seen = info::judge(&answer, &target, facts);
    sections.push(section("What answers there", seen.findings));
    progress.says("sending a test trace");
    let trace = match seen.agent {
        info::Agent::No => vec![trace::not_sent("what answers there is no Agent")],
        info::Agent::Yes => trace::send(settings, &target, true, time, facts),
        info::Agent::Perhaps => trace::send(settings, &target, false, time, facts),
    };
    sections.push(section("A test trace", trace));
    sections.push(section("Clock", vec![clock::compare(answer.ok().as_ref(), facts)]));
}

fn section(title: &str, findings: Vec<Finding>) -> Section {
    Section { title: title.into(), findings }
}

/// A section whose work may hang in the file system.
fn in_time(title: &str, cause: &'static str, work: impl FnOnce() -> Vec<Finding> + Send + 'static) -> Section {
    let findings = within(FILES_MAX, work).unwrap_or_else(|error| match error.kind() {
        io::ErrorKind::TimedOut => {
            let says = format!("the file system did not answer within {FILES_MAX:?}: a process would hang there too");
            vec![bad(cause, says, "Look at the mounts that these paths lie on (`df`, `mount`), such as NFS.")]
        }
        _ => vec![note(cause, format!("not looked at: {}", found::plain(&error)), "")],
    });
    section(title, findings)
}

/// The result of work that can hang, if it comes in time; the work is left to itself otherwise. An error is of kind
/// `TimedOut`, or says why no thread could be started.
fn within<T: Send + 'static>(patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (sender, receiver) = sync_channel(1);
    // Nobody may be waiting any more: the result is then of no use.
    std::thread::Builder::new().spawn(move || drop(sender.send(work())))?;
    receiver.recv_timeout(patience).map_err(|error| match error {
        RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
        RecvTimeoutError::Disconnected => io::Error::other("the check broke off"),
    })
}

/// What is left of the run's time.
struct Time {
    end: Instant,
}

impl Time {
    fn start() -> Time {
        Time { end: Instant::now() + ALL_MAX }
    }

    /// How long a step may take that would take `wish`.
    fn step(&self, wish: Duration) -> Duration {
        let left = self.end.saturating_duration_since(Instant::now());
        wish.min(STEP_MAX).min(left).max(Duration::from_millis(20))
    }
}

/// One line of a terminal that says what is being done.
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
