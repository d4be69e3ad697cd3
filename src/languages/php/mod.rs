//! The language php.

mod lines;

pub(crate) use lines::lines;
