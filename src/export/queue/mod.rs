//! The bounded queue between the threads that finish spans and the worker of one agent.
//!
//! Each tracer has a lane of its own (`lane`), with its own bounds and flush interval; lanes take turns. A chunk that does
//! not fit is given back at once, to be dropped and counted. `lanes` is the callers' side, `serving` the worker's.

mod lane;
mod lanes;
mod limits;
mod serving;
mod settling;

pub use lane::Ticket;
pub use lanes::Queue;
pub use limits::Limits;
pub use serving::{Errand, Pause, Taken, Wake};

#[cfg(test)]
mod tests;
