//! In which process a host's callback has returned. A callback may fork, and then returns twice: in the parent, and in a
//! child in which nothing that this library held during the call may be used, locked or freed.

use crate::process;

/// Whether the process that a host's function returned in is the one that called it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// The process that called it.
    Here,
    /// A child that was forked inside it. What the caller holds is the parent's: leave it as it is, and return.
    InForkedChild,
}

impl Returned {
    /// Must be called after each call of a host's function. `caller`: the [`process::generation`] of the process that made
    /// the call.
    pub fn to(caller: u32) -> Returned {
        if process::generation() == caller {
            Returned::Here
        } else {
            Returned::InForkedChild
        }
    }
}
