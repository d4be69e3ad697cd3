//! The polling thread: asks the agent what is not traces, over a connection of its own. It is started when a poll is
//! due and ends when all that were due are answered or have failed. At most one runs for each exporter.

// Starts a thread.
#![allow(clippy::disallowed_methods)]

use super::{message_of, Due};
use crate::event::Thread;
use crate::export::transport::agent::{Agent, Timeouts};
use crate::os_error::OsError;
use crate::sys;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The thread.
pub const THREAD: Thread = Thread::Poll;

/// Something to ask the agent.
pub trait Poll: Send + Sync {
    /// Asks, and keeps the answer where its user finds it. The connection is for polls alone.
    fn run(&self, agent: &Agent);

    /// Called instead of, or after an incomplete `run`.
    fn failed(&self, why: NotRun);

    /// Called when `/info` was read: whether it lists the path of [`WhileOffered`](super::When::WhileOffered). Must not
    /// wait.
    fn offered(&self, _listed: bool) {}

    /// How often it runs while the agent offers it; `None` while it is not wanted. For tasks that run
    /// [`WhileOffered`](super::When::WhileOffered).
    fn period(&self) -> Option<Duration> {
        None
    }
}

/// Why a poll has no result.
#[derive(Debug)]
pub enum NotRun {
    /// The system gave no thread.
    NoThread(OsError),
    /// The worker cannot be started, or has ended after internal errors.
    NoWorker,
    /// It panicked.
    Panicked,
    /// The tracer's address is no agent's.
    NoAgent,
}

/// Runs polls of one exporter. A clone shares the thread and the connection.
#[derive(Clone)]
pub struct Poller(Arc<Inner>);

struct Inner {
    agent: Agent,
    busy: AtomicBool,
    /// Messages of panics that the worker has not taken note of yet.
    panics: Mutex<Vec<String>>,
}

impl Poller {
    /// Opens and starts nothing. The agent's connection must serve nothing else.
    pub fn new(agent: Agent) -> Poller {
        Poller(Arc::new(Inner { agent, busy: AtomicBool::new(false), panics: Mutex::default() }))
    }

    /// Whether no poll is running.
    pub fn is_idle(&self) -> bool {
        !self.0.busy.load(Acquire)
    }

    /// Runs these polls one after another on a thread that this starts, and calls `each_done` after each. Does nothing
    /// while earlier ones run. `usual`: time-outs for polls that have none of their own.
    pub fn begin(&self, polls: Vec<Due>, usual: Timeouts, each_done: impl Fn() + Send + 'static) {
        if polls.is_empty() || self.0.busy.swap(true, Acquire) {
            return;
        }
        let running = Running(self.0.clone());
        // Shared with the thread, so that each poll can be notified if the thread does not start.
        let polls = Arc::new(polls);
        let here = polls.clone();
        let run = move || {
            let (inner, mut running) = (running.0.clone(), Some(running));
            let last = polls.len() - 1;
            for (n, due) in polls.iter().enumerate() {
                inner.run(due, usual);
                if n == last {
                    // Before the worker is notified, because it may begin the next polls at once.
                    running = None;
                }
                each_done();
            }
            drop(running);
        };
        if let Err(error) = sys::spawn(THREAD.name(), run) {
            let error = OsError::from(error);
            for due in here.iter() {
                due.poll.failed(NotRun::NoThread(error.clone()));
            }
        }
    }

    /// Messages of panics since the last call.
    pub fn take_panics(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.panics.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Poller({:?})", self.0.agent)
    }
}

/// A thread runs polls, until this is dropped.
struct Running(Arc<Inner>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.busy.store(false, Release);
    }
}

impl Inner {
    fn run(&self, due: &Due, usual: Timeouts) {
        let request = due.time_out.unwrap_or(usual.request);
        self.agent.set_timeouts(Timeouts { connect: usual.connect, request });
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| due.poll.run(&self.agent))) {
            self.panics.lock().unwrap_or_else(PoisonError::into_inner).push(message_of(&*panic).to_owned());
            due.poll.failed(NotRun::Panicked);
        }
    }
}
