//! Makes flares of this process. A flare that is sent is collected and sent on the polling thread of the tracer's
//! exporter; the calling thread only asks for it, and may wait. A flare that is written is made on the calling thread,
//! so that it needs no worker and no Agent.

mod facts;
mod outcome;

use super::error::Error;
use super::state::State;
use crate::event::{Event, FlareFault};
use crate::export::periodic::{Due, NotRun, Poll};
use crate::export::transport::agent::{Agent, Info};
use crate::export::{Asking, Exporter, Metadata, TRACERS_MAX};
use crate::flare::{self, Contents, FlareTask, Form, Occasion, Turn};
use crate::sys;
use outcome::Outcome;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// The request that carries a flare may take so many times as long as one with a payload: the Agent passes it on to
/// Datadog before it answers.
const TIMES_USUAL: u32 = 5;
/// How long a flare waits for another process that sends one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Has a flare of the tracer at this index made and sent, for a task of remote configuration. Returns at once; an event
/// says what became of it. A task that another process of this user has answered in the last minute is not answered
/// again.
pub(crate) fn request(state: &'static State, tracer: u32, task: FlareTask) -> Result<(), NotAsked> {
    ask(state, tracer, task, Occasion::Task).map(drop)
}

/// Sends a flare for the host, and waits for the Agent's answer. The inner result is that of sending.
pub fn send(
    state: &'static State,
    number: u64,
    task: FlareTask,
    time: Duration,
) -> Result<Result<(), FlareFault>, Error> {
    let (index, tracer) = state.tracers.find(number)?;
    if !task.has_valid_case() || task.user_handle.is_empty() {
        return Err(Error::Argument);
    }
    if tracer.closed.load(Relaxed) {
        return Err(Error::Closed);
    }
    let asked = ask(state, index, task, Occasion::Sent).map_err(|why| match why {
        NotAsked::NoTracer => Error::Handle,
        NotAsked::TooMany | NotAsked::NoWorker => Error::Limit,
    });
    asked?.wait(time).ok_or(Error::Timeout)
}

/// Writes a flare to a new file. The inner result is that of writing.
pub fn write(state: &'static State, number: u64, path: &Path) -> Result<Result<(), FlareFault>, Error> {
    let (index, _) = state.tracers.find(number)?;
    let metadata = state.shared.account(index).metadata().ok_or(Error::Handle)?;
    let facts = facts::of(state, index, &metadata, Occasion::Written);
    let archive = Contents::of(&facts).map_err(FlareFault::NotPacked);
    Ok(archive.and_then(|archive| flare::write(path, &archive).map_err(FlareFault::NotWritten)))
}

/// Why nobody sends a flare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAsked {
    /// The tracer was freed.
    NoTracer,
    /// Too many flares wait.
    TooMany,
    /// The worker does not run and cannot be started. The log says so.
    NoWorker,
}

fn ask(state: &'static State, tracer: u32, task: FlareTask, occasion: Occasion) -> Result<Arc<Outcome>, NotAsked> {
    let metadata = state.shared.account(tracer).metadata().ok_or(NotAsked::NoTracer)?;
    let time_out = metadata.settings.request_timeout * TIMES_USUAL;
    let outcome = Arc::new(Outcome::default());
    let sender = Sender { state, tracer, metadata, task, occasion, outcome: outcome.clone() };
    let due = Due { name: "flare", time_out: Some(time_out), poll: Arc::new(sender) };
    match exporter_of(state, tracer).ask(&state.shared, due) {
        Asking::Asked => Ok(outcome),
        Asking::TooMany => Err(NotAsked::TooMany),
        Asking::NoWorker => Err(NotAsked::NoWorker),
    }
}

fn exporter_of(state: &'static State, tracer: u32) -> &'static Exporter {
    &state.exporters[state.tracers.at(tracer).exporter.load(Relaxed) as usize % TRACERS_MAX]
}

/// Makes and sends one flare.
struct Sender {
    state: &'static State,
    tracer: u32,
    metadata: Arc<Metadata>,
    task: FlareTask,
    occasion: Occasion,
    outcome: Arc<Outcome>,
}

impl Sender {
    /// Returns the size of the archive that was sent.
    fn send(&self, agent: &Agent) -> Result<u64, FlareFault> {
        // Threads of one process do not exclude one another by the file.
        let _one_at_a_time = self.alone()?;
        let turn = Turn::take(&self.task.uuid, PATIENCE)?;
        let info = self.info(agent)?;
        if !info.endpoints.iter().any(|path| path == flare::PATH) {
            return Err(FlareFault::NotOffered);
        }
        let mut facts = facts::of(self.state, self.tracer, &self.metadata, self.occasion);
        // The worker may not have asked the Agent yet.
        facts.agent_info.clone_from(&info.text);
        let archive = Contents::of(&facts).map_err(FlareFault::NotPacked)?;
        let language = facts::language_of(&facts);
        let (case, level, seconds) = (&self.task.case_id, facts.level.name(), sys::wall_ns() / 1_000_000_000);
        let file = format!("tracer-{language}-{case}-{seconds}-{level}.zip");
        flare::send(agent, &Form { task: &self.task, language: &language, file: &file, archive: &archive })?;
        turn.answered(&self.task.uuid);
        Ok(archive.len() as u64)
    }

    /// Waits until no other thread of this process sends a flare, but not for ever: an Agent that is slow to take one must
    /// not hold up the polls of another.
    fn alone(&self) -> Result<MutexGuard<'static, ()>, FlareFault> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            match self.state.flaring.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() >= give_up => {
                    return Err(FlareFault::OtherSends { pid: self.state.pid });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Returns what the Agent said about itself, after asking it if the worker has not.
    fn info(&self, agent: &Agent) -> Result<Arc<Info>, FlareFault> {
        let place = &exporter_of(self.state, self.tracer).info;
        let known = place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ask = || agent.info().map(Arc::new).map_err(|failure| FlareFault::NotReached(failure.error().clone()));
        known.map_or_else(ask, Ok)
    }

    /// Logs the result, and gives it to the caller that waits.
    fn settle(&self, result: Result<u64, FlareFault>) {
        let (case_id, url) = (&self.task.case_id, &self.metadata.settings.agent.to_string());
        self.state.shared.logs.emit(&match &result {
            Ok(bytes) => Event::FlareSent { case_id, url, bytes: *bytes },
            Err(why) => Event::FlareFailed { case_id, url, why },
        });
        self.outcome.set(result.map(drop));
    }
}

impl Poll for Sender {
    fn run(&self, agent: &Agent) {
        self.settle(self.send(agent));
    }

    fn failed(&self, why: NotRun) {
        self.settle(Err(match why {
            NotRun::NoThread(error) => FlareFault::NoThread(error),
            NotRun::NoWorker => FlareFault::NoWorker,
            NotRun::Panicked => FlareFault::Panicked,
            NotRun::NoAgent => FlareFault::NoAgent,
        }));
    }
}

#[cfg(test)]
mod tests;
