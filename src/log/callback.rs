//! Finds out in which process a callback of the host has returned. A callback may fork and then returns twice: in the
//! parent, and in a child, which must not use, lock or free anything that the library held during the call.

use crate::sys;

/// Whether the process that a host's function returned in is the one that called it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// The process that called it.
    Here,
    /// A child that was forked inside it. The caller must leave what it holds as it is, and return.
    InForkedChild,
}

impl Returned {
    /// Must be called after each call of a function of the host. `caller_pid` is the process that made the call.
    pub fn to(caller_pid: u32) -> Returned {
        if sys::pid() == caller_pid {
            Returned::Here
        } else {
            Returned::InForkedChild
        }
    }
}
