//! Tracers and their spans. `current` gives this process's state to the C boundary, and makes a new one in a forked
//! child;
//! `state` defines that state, `registry` the tracers in it. `making` makes and frees tracers, `spans` starts spans, `contexts` keeps
//! what came in with headers,
//! `correlating` has their ids for logs, `ending` ends them, `sending` hands finished ones to the queue, `submit` takes whole ones from a host, `closing`
//! flushes and shuts down, `changing` changes the settings in force, as `remote` (remote configuration) asks, `relieving` sends parts of open traces while memory is short.

mod abandoned;
pub mod baggage;
mod changing;
pub mod closing;
pub mod contexts;
mod controlling;
pub mod correlating;
pub mod current;
pub mod deciding;
pub mod ending;
pub mod error;
pub mod extracting;
pub mod fates;
pub(crate) mod flaring;
pub mod injecting;
mod logging;
mod making;
pub mod origin;
pub mod recording;
pub mod registry;
mod relieving;
mod remote;
mod sending;
pub mod spans;
pub mod state;
pub mod stats;
pub mod submit;
mod view;

pub use error::Error;
