//! The language dotnet.

mod lines;

pub(crate) use lines::lines;
