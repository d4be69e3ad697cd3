//! The language java.

mod lines;

pub(crate) use lines::lines;
pub use lines::Layout;
