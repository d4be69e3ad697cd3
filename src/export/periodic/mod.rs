//! Periodic tasks: work beside sending traces, such as asking the agent for `/info`. Each worker keeps a schedule of
//! tasks, with the time at which each is due next.
//!
//! There are two kinds of work. Local work runs on the worker's thread and must not wait for anything. A poll asks the
//! agent something; it runs on the polling thread, over a connection of its own (`poller`). A poll that is answered
//! late therefore delays no traces, and other polls by its time-out at most.
//!
//! A schedule lives on its worker's stack. A forked child inherits no schedule: nothing runs there until its first span
//! starts a worker.

mod asked;
pub mod poller;

pub use asked::Asked;
pub use poller::{NotRun, Poll};

use std::any::Any;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How soon a poll that is not wanted now is considered again.
const UNWANTED: Duration = Duration::from_secs(1);

/// One task.
#[derive(Clone)]
pub struct Task {
    /// Identifies the task in a schedule.
    pub name: &'static str,
    /// When it runs.
    pub when: When,
    /// What it does.
    pub work: Work,
}

/// When a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Each time that the worker wakes: after every attempt to send, and at least once a second.
    EachWake,
    /// First after this time, then again this long after each start.
    Every(Duration),
    /// At the time that [`Schedule::set_due`] sets, once.
    OnDemand,
    /// A poll, while the agent's `/info` lists this path: at once, then as often as [`Poll::period`] says, and once more
    /// when the path is no longer listed.
    WhileOffered(&'static str),
}

/// What a task does.
#[derive(Clone)]
pub enum Work {
    /// Runs on the worker's thread. Must not wait for anything.
    Local(Arc<dyn Fn() + Send + Sync>),
    /// Runs on the polling thread.
    Poll {
        /// The longest time for each of its requests. `None`: the tracer's setting for requests.
        time_out: Option<Duration>,
        /// The poll.
        poll: Arc<dyn Poll>,
    },
}

impl Task {
    /// Local work.
    pub fn local(name: &'static str, when: When, run: impl Fn() + Send + Sync + 'static) -> Task {
        Task { name, when, work: Work::Local(Arc::new(run)) }
    }

    /// A poll.
    pub fn poll(name: &'static str, when: When, time_out: Option<Duration>, poll: Arc<dyn Poll>) -> Task {
        Task { name, when, work: Work::Poll { time_out, poll } }
    }
}

/// The tasks of one worker.
pub struct Schedule {
    entries: Vec<Entry>,
}

struct Entry {
    task: Task,
    /// `None`: not until it is set.
    due: Option<Instant>,
    /// The agent lists the path of [`When::WhileOffered`].
    offered: bool,
}

/// A poll that is due.
pub struct Due {
    /// The task's name.
    pub name: &'static str,
    /// The longest time for each of its requests, if the task has one.
    pub time_out: Option<Duration>,
    /// The poll.
    pub poll: Arc<dyn Poll>,
}

impl fmt::Debug for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Due({})", self.name)
    }
}

impl Schedule {
    /// A schedule of these tasks that begins now.
    pub fn new(tasks: impl IntoIterator<Item = Task>, now: Instant) -> Schedule {
        let entry = |task: Task| {
            let due = match task.when {
                When::EachWake => Some(now),
                When::Every(period) => Some(now + period),
                When::OnDemand | When::WhileOffered(_) => None,
            };
            Entry { task, due, offered: false }
        };
        Schedule { entries: tasks.into_iter().map(entry).collect() }
    }

    /// Sets when a task is due next, whatever was planned; `None` for never.
    pub fn set_due(&mut self, name: &str, due: Option<Instant>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.task.name == name) {
            entry.due = due;
        }
    }

    /// Takes note of the paths that the agent's `/info` lists.
    pub fn offer(&mut self, paths: &[String], now: Instant) {
        for entry in &mut self.entries {
            let (When::WhileOffered(path), Work::Poll { poll, .. }) = (entry.task.when, &entry.task.work) else {
                continue;
            };
            entry.offered = paths.iter().any(|listed| listed == path);
            poll.offered(entry.offered);
            entry.due = match entry.offered {
                true => entry.due.or(Some(now)),
                false => entry.due.map(|_| now),
            };
        }
    }

    /// When the worker must wake for the next task. Polls count only while none is running (`polls`).
    pub fn next(&self, polls: bool) -> Option<Instant> {
        let wakes = |entry: &&Entry| match entry.task.work {
            // The worker wakes by itself for the others.
            Work::Local(_) => entry.task.when != When::EachWake,
            Work::Poll { .. } => polls,
        };
        self.entries.iter().filter(wakes).filter_map(|entry| entry.due).min()
    }

    /// Runs the local work that is due; `last`: all of it, since the worker is about to end. Work that panics ends there;
    /// `failed` gets the panic, and the next task runs.
    pub fn run_local(&mut self, now: Instant, last: bool, mut failed: impl FnMut(&(dyn Any + Send))) {
        for entry in &mut self.entries {
            let Work::Local(run) = &entry.task.work else { continue };
            if last || entry.is_due(now) {
                let result = catch_unwind(AssertUnwindSafe(|| run()));
                entry.began(now);
                if let Err(panic) = result {
                    failed(&*panic);
                }
            }
        }
    }

    /// The polls that are due, the one that is due longest first. They count as started.
    pub fn take_polls(&mut self, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        for entry in &mut self.entries {
            let Work::Poll { time_out, poll } = &entry.task.work else { continue };
            if let Some(since) = entry.due.filter(|&due| due <= now) {
                let (time_out, poll) = (*time_out, poll.clone());
                let wanted = !matches!(entry.task.when, When::WhileOffered(_)) || poll.period().is_some();
                entry.began(now);
                if wanted {
                    due.push((since, Due { name: entry.task.name, time_out, poll }));
                }
            }
        }
        due.sort_by_key(|&(since, _)| since);
        due.into_iter().map(|(_, due)| due).collect()
    }
}

impl Entry {
    fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Plans the next run of a task that starts now.
    fn began(&mut self, now: Instant) {
        self.due = match (self.task.when, &self.task.work) {
            (When::EachWake, _) => Some(now),
            (When::Every(period), _) => Some(now + period),
            (When::WhileOffered(_), Work::Poll { poll, .. }) if self.offered => {
                Some(now + poll.period().unwrap_or(UNWANTED))
            }
            (When::OnDemand | When::WhileOffered(_), _) => None,
        };
    }
}

/// The message of a panic, as far as it has one.
pub fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests;
