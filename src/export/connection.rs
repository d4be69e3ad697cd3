//! Connection state of one exporter, as shown by debuggers and cores. The worker updates it. No code reads it, apart from
//! the check whether anything is known yet.

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
