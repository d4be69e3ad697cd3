//! One JSON object per line.

mod lines;

pub(crate) use lines::line;
