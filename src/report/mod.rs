//! Reports what a process is doing, or was doing when it ended, from its memory: a process under a debugger, or a core.
//! `reader` reads the table of type descriptors, `image` takes what the process holds, `commands` writes it as text and
//! `json` as JSON, both redacted; `text` formats times, sizes and texts from outside. Uses no state of the running
//! process, because debuggers call it in theirs.

pub mod commands;
pub mod image;
#[cfg(feature = "cli")]
pub mod json;
pub mod reader;
pub mod text;

pub use commands::lists::spans;
#[cfg(feature = "cli")]
pub use commands::understood;
pub use commands::{answer, status};
pub use image::Image;
pub use reader::{Fault, Memory};
