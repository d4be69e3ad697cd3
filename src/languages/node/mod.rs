//! The language node.

mod lines;

pub(crate) use lines::lines;
