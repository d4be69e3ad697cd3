//! Asks the agent what it can do (`/info`): a poll, and the rule for when it is due. The worker takes the answer when
//! it next wakes.

use super::periodic::{NotRun, Poll};
use super::transport::agent::{Agent, Failure, Info};
use crate::event::send_error::{Peer, SendError, SendErrorKind};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The task's name.
pub const NAME: &str = "info";
/// How long an agent is not asked again after an answer that was of no use.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// The least time between two requests, however often the agent's state changes.
const ASK_APART: Duration = Duration::from_millis(100);

/// The result of one request.
pub type Answer = Result<Info, Failure>;

/// Decides when to ask: at the start, when an agent that was away answers again or has refused a format, and when an answer to traces shows
/// that the agent's state has changed.
#[derive(Debug, Default)]
pub struct Timing {
    asked: Option<Instant>,
    /// Not before this time, after an answer that was of no use.
    not_before: Option<Instant>,
    /// There was a good answer.
    known: bool,
    /// The agent's state that the answer belongs to.
    state: Option<String>,
}

impl Timing {
    /// When to ask next; `None` if there is no reason to. `answered`: the last payload got an answer; `state`: the
    /// agent's state according to answers to traces.
    pub fn due(&self, now: Instant, answered: bool, state: Option<&String>) -> Option<Instant> {
        let Some(asked) = self.asked else { return Some(now) };
        let wanted = (!self.known && answered) || (state.is_some() && state != self.state.as_ref());
        let earliest = asked + ASK_APART;
        wanted.then(|| self.not_before.map_or(earliest, |moment| moment.max(earliest)))
    }

    /// Has the agent asked again, because another one may listen in its place.
    pub fn forget(&mut self) {
        (self.known, self.not_before) = (false, None);
    }

    /// Notes that the request is sent now.
    pub fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
    }

    /// Takes the result of the request. If the answer has no state, uses `state`, which came with answers to traces.
    pub fn answered(&mut self, answer: &Answer, now: Instant, state: Option<&String>) {
        self.not_before = None;
        match answer {
            Ok(info) => {
                self.known = true;
                self.state = info.state.as_ref().or(state).cloned();
            }
            // The agent is not there yet. It is asked again as soon as it answers traces.
            Err(Failure::NotSent(_) | Failure::Refused(_)) => {}
            Err(_) => self.not_before = Some(now + ASK_AGAIN),
        }
    }
}

/// The poll.
#[derive(Default)]
pub struct InfoPoll {
    /// The poll was started, and its answer was not taken yet.
    pending: AtomicBool,
    answer: Mutex<Option<Answer>>,
}

impl InfoPoll {
    /// Whether the poll is running or its answer waits to be taken.
    pub fn is_pending(&self) -> bool {
        self.pending.load(Acquire)
    }

    /// Notes that the worker starts the poll.
    pub fn begin(&self) {
        self.pending.store(true, Release);
    }

    /// Takes the answer, if one has arrived since the last call.
    pub fn take(&self) -> Option<Answer> {
        let answer = self.lock().take();
        if answer.is_some() {
            self.pending.store(false, Release);
        }
        answer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Answer>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Poll for InfoPoll {
    fn run(&self, agent: &Agent) {
        let answer = agent.info();
        *self.lock() = Some(answer);
    }

    fn failed(&self, why: NotRun) {
        *self.lock() = Some(Err(match why {
            NotRun::NoThread(error) => {
                Failure::NotSent(SendError::new(SendErrorKind::InfoNoThread(error), Peer::Unnamed))
            }
            // The worker asks only agents, and only while it runs.
            NotRun::Panicked | NotRun::NoAgent | NotRun::NoWorker => {
                Failure::Unknown(SendError::new(SendErrorKind::InfoPanicked, Peer::Unnamed))
            }
        }));
    }
}

/// Returns the state of the agent for the start-up line: `Ok` if it answers, else why it does not.
pub fn standing(answer: &Answer) -> Result<(), SendError> {
    answer.as_ref().map(|_| ()).map_err(|failure| failure.error().clone())
}
