//! What a process is doing, or was doing when it ended, out of its memory: this one's neighbour's in a debugger, or a
//! core's. `reader` reads the table that leads there, `image` takes out what is there, `commands` says it for people and
//! `json` for programs, with secrets replaced; `text` has the words for times, sizes and what came from outside. Needs
//! nothing of this process, so that the debuggers' scripts may call it in theirs.

pub mod commands;
pub mod image;
pub mod json;
pub mod reader;
pub mod text;

pub use commands::{answer, understood};
pub use image::Image;
pub use reader::{Fault, Memory};
