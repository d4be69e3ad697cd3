//! Connection state of one exporter, as shown by debuggers, cores and flares. The worker updates it. No code decides by
//! it, apart from the check whether anything is known yet.

use crate::inspect::{unsigned, Field};
use crate::sys;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// What the last request showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// No request was sent yet.
    NotAsked = 0,
    /// The agent accepts payloads.
    Answers = 1,
    /// The agent could not be reached, or did not answer.
    NotReached = 2,
    /// The agent answers, and refuses payloads.
    Refuses = 3,
}

/// The state of a connection at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionView {
    state: u32,
    /// The HTTP status of the last answer; 0 for none.
    pub status: u32,
    /// When the state was entered; nanoseconds since 1970, 0 for never.
    pub since_ns: u64,
}

impl ConnectionView {
    /// Says how the Agent behaves.
    pub fn words(&self) -> &'static str {
        match self.state {
            1 => "answers",
            2 => "not reached, or does not answer",
            3 => "refuses payloads",
            _ => "not asked yet",
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct ConnectionState {
    state: AtomicU32,
    /// The HTTP status of its last answer; 0 for none.
    status: AtomicU32,
    /// When the state was entered; nanoseconds since 1970.
    since_ns: AtomicU64,
}

impl ConnectionState {
    /// Resets the state, for another address.
    pub fn forget(&self) {
        self.state.store(State::NotAsked as u32, Relaxed);
        self.status.store(0, Relaxed);
        self.since_ns.store(0, Relaxed);
    }

    /// Whether no request was sent yet.
    pub fn is_unknown(&self) -> bool {
        self.state.load(Relaxed) == State::NotAsked as u32
    }

    /// Returns the state as it is now.
    pub fn view(&self) -> ConnectionView {
        ConnectionView {
            state: self.state.load(Relaxed),
            status: self.status.load(Relaxed),
            since_ns: self.since_ns.load(Relaxed),
        }
    }

    /// Sets the state and the status.
    pub fn set(&self, state: State, status: u16) {
        self.status.store(status.into(), Relaxed);
        if self.state.swap(state as u32, Relaxed) != state as u32 {
            self.since_ns.store(sys::wall_ns(), Relaxed);
        }
    }

    /// The fields as debuggers see them.
    pub fn inspected() -> Vec<Field> {
        vec![
            unsigned!(ConnectionState, state),
            unsigned!(ConnectionState, status as "state_status"),
            unsigned!(ConnectionState, since_ns as "state_since_ns"),
        ]
    }
}
