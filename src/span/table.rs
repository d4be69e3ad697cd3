//! The slots that handles name. A handle is a number, not a pointer: it carries the slot's index and the generation in
//! which the slot was handed out, so that a stale, foreign or random handle is recognised without a memory access through
//! it. One atomic word per slot holds generation, "live" and "busy": a single compare-and-swap checks the handle and locks
//! the slot.
//!
//! `handle` has the numbers, `slots` the slots in their segments, `base` the table, `free` the lists of free slots, `lock`
//! the locked slot, `requests` what callers ask of a slot that another thread holds, `fork` the table of a forked child.

mod base;
mod fork;
mod free;
mod handle;
mod lock;
mod requests;
mod slots;

pub use base::Table;
pub use handle::{Handle, Kind, LAST_GENERATION};
pub use lock::Guard;
pub use requests::on_request;
pub use slots::{Content, Refused};

#[cfg(test)]
mod tests;
