//! How it stands between an exporter and its agent, for whoever looks from outside: a debugger, a core. Written by the
//! worker when that changes; nothing is decided by it.

use crate::inspect::{unsigned, Field};
use crate::sys;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// What was last known of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Nothing was asked yet.
    NotAsked = 0,
    /// It takes what it is sent.
    Answers = 1,
    /// It could not be reached, or did not answer.
    NotReached = 2,
    /// It answers, and does not take what it is sent.
    Refuses = 3,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Contact {
    state: AtomicU32,
    /// The HTTP status that it last answered with; 0 for none.
    status: AtomicU32,
    /// Since when the state is what it is; nanoseconds since 1970.
    since_ns: AtomicU64,
}

impl Contact {
    /// The agent's address is another one: nothing is known.
    pub fn forget(&self) {
        self.state.store(State::NotAsked as u32, Relaxed);
        self.status.store(0, Relaxed);
        self.since_ns.store(0, Relaxed);
    }

    /// Whether nothing is known yet.
    pub fn is_unknown(&self) -> bool {
        self.state.load(Relaxed) == State::NotAsked as u32
    }

    /// Writes down how it stands now.
    pub fn stands(&self, state: State, status: u16) {
        self.status.store(status.into(), Relaxed);
        if self.state.swap(state as u32, Relaxed) != state as u32 {
            self.since_ns.store(sys::wall_ns(), Relaxed);
        }
    }

    /// The fields as debuggers see them.
    pub fn inspected() -> Vec<Field> {
        vec![
            unsigned!(Contact, state),
            unsigned!(Contact, status as "state_status"),
            unsigned!(Contact, since_ns as "state_since_ns"),
        ]
    }
}
