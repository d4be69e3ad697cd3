//! How bytes leave the process: HTTP to an agent (`agent`, over connections that `dial` makes) or a file (`file`).

pub mod agent;
mod dial;
mod direct;
pub mod file;
mod helper;
mod names;

pub use dial::system_lookup;
pub use names::Names;
