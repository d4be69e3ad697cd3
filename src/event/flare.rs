//! Why a flare was not written or not sent.

use super::send_error::SendError;
use crate::os_error::OsError;
use std::fmt;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlareFault {
    /// The Agent was not reached, or did not answer in time.
    NotReached(SendError),
    /// The Agent answered with another status than success.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The error in the answer's JSON, if it has one, redacted.
        error: String,
    },
    /// The Agent does not offer flares, according to its `/info`.
    NotOffered,
    /// The tracer sends to no Agent, but to a file or to an address that cannot be used.
    NoAgent,
    /// The system gives no thread for sending.
    NoThread(OsError),
    /// The worker that would send it cannot be started, or has ended after internal errors.
    NoWorker,
    /// The file cannot be written.
    NotWritten(OsError),
    /// The archive cannot be made.
    NotPacked(OsError),
    /// Another process of the same user is sending a flare, or has just sent this one.
    OtherSends {
        /// Its process id; 0 if it is not known.
        pid: u32,
    },
    /// A panic was caught while the flare was made.
    Panicked,
}

impl FlareFault {
    /// Returns the status of the Agent's answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            FlareFault::Answered { status, .. } => Some(*status),
            FlareFault::NotOffered => Some(404),
            _ => None,
        }
    }

    /// Whether this is no defect: the Agent offers no flares, or another process sends the flare.
    pub fn is_expected(&self) -> bool {
        matches!(
            self,
            FlareFault::NotOffered | FlareFault::Answered { status: 404, .. } | FlareFault::OtherSends { .. }
        )
    }
}

impl fmt::Display for FlareFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlareFault::NotReached(error) => error.fmt(f),
            FlareFault::Answered { status: 404, .. } | FlareFault::NotOffered => {
                f.write_str("the Agent offers no flares; a newer Agent does")
            }
            FlareFault::Answered { status, error } if error.is_empty() => write!(f, "the Agent answered {status}"),
            FlareFault::Answered { status, error } => write!(f, "the Agent answered {status}: {error}"),
            FlareFault::NoAgent => f.write_str("this tracer sends to no Agent"),
            FlareFault::NoThread(error) => write!(f, "no thread to send it with: {}", error.plain()),
            FlareFault::NoWorker => f.write_str("the process has no worker to send it"),
            FlareFault::NotWritten(error) => write!(f, "cannot write the file: {}", error.plain()),
            FlareFault::NotPacked(error) => write!(f, "cannot make the archive: {}", error.plain()),
            FlareFault::OtherSends { pid: 0 } => f.write_str("another process is sending a flare"),
            FlareFault::OtherSends { pid } => write!(f, "process {pid} sends this flare"),
            FlareFault::Panicked => f.write_str("an internal error while the flare was made"),
        }
    }
}
