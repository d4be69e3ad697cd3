//! Sends finished chunks to an agent: the bounded queue, the worker, payload formats, HTTP and files.
//!
//! One exporter serves one agent address, however many tracers send there. Each tracer has an account (counters,
//! metadata) and a lane of the queue. The way of a chunk: `queue`, `worker`, `batch`, `deliver` with `format`,
//! `transport`.

pub mod account;
mod announce;
mod batch;
mod connection;
pub mod deliver;
mod exporter;
pub mod format;
mod info;
pub mod inspected;
mod metadata;
mod packing;
pub mod periodic;
pub mod queue;
pub mod retry;
mod shared;
mod start;
pub mod transport;
mod worker;

pub use account::TRACERS_MAX;
pub use connection::ConnectionView;
pub use exporter::{Asking, Exporter};
#[cfg(feature = "cli")]
pub use metadata::{Identity, Pairs};
pub use metadata::{Metadata, PROCESS_TAGS};
pub use shared::{Shared, TasksOf};
