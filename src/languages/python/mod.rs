//! The language python.

mod lines;

pub(crate) use lines::lines;
