//! Why a call on a tracer or span failed.

use crate::span::table::Refused;

/// Why a call came to nothing. The C API has a status for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An argument that cannot be meant.
    Argument,
    /// A handle that is freed, finished, or never was.
    Handle,
    /// A handle from before a fork.
    Forked,
    /// The tracer was shut down.
    Closed,
    /// A limit is reached.
    Limit,
    /// Memory is short.
    Memory,
    /// A structure of no known version.
    Version,
    /// There is no such tag or sink.
    NotFound,
    /// Not done in time.
    Timeout,
    /// Another thread holds the span for too long.
    Busy,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        match refused {
            Refused::Stale => Error::Handle,
            Refused::Forked => Error::Forked,
            Refused::Busy => Error::Busy,
        }
    }
}
