//! Asking the agent what it can do (`/info`). A thread of its own asks over a connection of its own, so that an agent that
//! stalls here delays no traces. The thread ends with the answer; the worker picks that up when it next looks around.

use super::agent::{Agent, Failure, Info, Timeouts};
use super::Exporter;
use crate::event::send_error::{Peer, SendError, SendErrorKind};
use crate::event::Thread;
use crate::sys;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an agent that has no good answer to `/info` is not asked again.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// How long at least lies between two questions, however often an agent says that it has changed.
const ASK_APART: Duration = Duration::from_millis(100);

/// What came of asking.
pub type Answer = Result<Info, Failure>;

/// When to ask: at the start, when an agent that was away has answered, and when an answer says that something changed.
#[derive(Debug, Default)]
pub struct Schedule {
    asked: Option<Instant>,
    /// Not before this moment, after an answer that was of no use.
    not_before: Option<Instant>,
    /// There was a good answer.
    known: bool,
    /// The agent's state that the answer belongs to.
    state: Option<String>,
}

impl Schedule {
    /// When to ask next, as far as there is something to ask for. `answered`: the last payload got an answer; `state`:
    /// what answers say of the agent's state.
    pub fn due(&self, now: Instant, answered: bool, state: Option<&String>) -> Option<Instant> {
        let Some(asked) = self.asked else { return Some(now) };
        let wanted = (!self.known && answered) || (state.is_some() && state != self.state.as_ref());
        let earliest = asked + ASK_APART;
        wanted.then(|| self.not_before.map_or(earliest, |moment| moment.max(earliest)))
    }

    /// It is being asked now.
    pub fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
    }

    /// It has answered. Not every agent says its state here; then the one that other answers told of holds.
    pub fn answered(&mut self, answer: &Answer, now: Instant, state: Option<&String>) {
        self.not_before = None;
        match answer {
            Ok(info) => {
                self.known = true;
                self.state = info.state.as_ref().or(state).cloned();
            }
            // One that was not there yet is asked again as soon as it answers.
            Err(Failure::NotSent(_) | Failure::Refused(_)) => {}
            Err(_) => self.not_before = Some(now + ASK_AGAIN),
        }
    }
}

struct Asked {
    agent: Agent,
    /// A thread asks at this moment.
    busy: AtomicBool,
    answer: Mutex<Option<Answer>>,
}

/// Asks one agent, once at a time. A clone is the same inquiry.
#[derive(Clone)]
pub struct Inquiry(Arc<Asked>);

impl Inquiry {
    /// Asks through this agent, whose connection is used for nothing else.
    pub fn new(agent: Agent) -> Inquiry {
        Inquiry(Arc::new(Asked { agent, busy: AtomicBool::new(false), answer: Mutex::new(None) }))
    }

    /// Whether no question is under way, nor its answer waiting to be taken.
    pub fn is_idle(&self) -> bool {
        !self.0.busy.load(Acquire) && self.0.answer.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Starts asking, unless that is going on already. The exporter's worker is woken for the answer.
    pub fn begin(&self, timeouts: Timeouts, exporter: &'static Exporter) {
        if self.0.busy.swap(true, Acquire) {
            return;
        }
        self.0.agent.set_timeouts(timeouts);
        let asked = self.0.clone();
        let ask = move || {
            let answer = catch_unwind(AssertUnwindSafe(|| asked.agent.info()));
            let panicked = || SendError::new(SendErrorKind::InfoPanicked, Peer::Unnamed);
            asked.keep(answer.unwrap_or_else(|_| Err(Failure::Unknown(panicked()))));
            exporter.queue.nudge();
        };
        if let Err(error) = sys::spawn(Thread::Info.name(), ask) {
            let error = SendError::new(SendErrorKind::InfoNoThread(error.into()), Peer::Unnamed);
            self.0.keep(Err(Failure::NotSent(error)));
        }
    }

    /// The answer, if there is one that was not taken yet.
    pub fn take(&self) -> Option<Answer> {
        self.0.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Asked {
    fn keep(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.busy.store(false, Release);
    }
}

/// What an answer says of the agent for the start-up line: that it is there, or why it is not known to be.
pub fn standing(answer: &Answer) -> Result<(), SendError> {
    answer.as_ref().map(|_| ()).map_err(|failure| failure.error().clone())
}
