//! The language go.

mod lines;

pub(crate) use lines::lines;
