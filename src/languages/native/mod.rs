//! Our own readable lines.

mod lines;

pub(crate) use lines::{line, message, sentence};
