//! Flares: one archive with everything that support needs to explain what a tracer does, secrets removed. The tracer
//! gives [`Facts`]; `contents` makes redacted files of them, which `archive` packs one by one, `sending` posts the archive to the
//! Agent when `turn` says that no other process sends one, and `file` writes it where a host wants it. All of it is in memory: a
//! flare that is sent is never on a disk.

mod archive;
pub mod contents;
pub mod facts;
mod file;
pub mod process;
mod report;
mod sending;
pub mod task;
mod turn;

pub use contents::Contents;
pub use facts::{Facts, Occasion, RemoteConfig};
pub use file::write;
#[cfg(feature = "cli")]
pub use report::event_line;
pub use sending::{send, Form, PATH};
pub use task::FlareTask;
pub use turn::Turn;
