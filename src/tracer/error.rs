//! Why a call on a tracer or span failed.

use crate::span::table::Refused;

/// Why a call failed. The C API has a status for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Invalid argument.
    Argument,
    /// A stale or unknown handle: freed, finished, or never given out.
    Handle,
    /// A handle of the parent process.
    Forked,
    /// The tracer was shut down.
    Closed,
    /// A limit is reached.
    Limit,
    /// Out of memory.
    Memory,
    /// A structure of an unknown version.
    Version,
    /// No such tag or sink.
    NotFound,
    /// Timed out.
    Timeout,
    /// Another thread holds the span for too long.
    Busy,
    /// A file could not be written, or the Agent was not reached or refused.
    Io,
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
