//! The language ruby.

mod lines;

pub(crate) use lines::lines;
