//! Flares: one archive with everything that support needs to explain what a tracer does, secrets removed. The tracer
//! gives [`Facts`]; `contents` makes redacted files of them, `archive` packs these, `sending` posts the archive to the
//! Agent, and `file` writes it where a host wants it. All of it is in memory: a flare that is sent touches no disk.

mod archive;
mod contents;
pub mod facts;
mod file;
mod sending;
pub mod task;

pub use archive::pack;
pub use contents::Contents;
pub use facts::{Facts, Occasion};
pub use file::write;
pub use sending::{send, Form};
pub use task::FlareTask;
