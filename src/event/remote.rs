//! Why remote configuration was not used: an answer of the agent as a whole, or one configuration in it. The text of a
//! fault goes to the agent with the next request, and to the log.

use super::send_error::SendError;
use std::fmt;

/// What is wrong with an answer or with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteFault {
    /// The request had no answer.
    NoAnswer(SendError),
    /// The request was answered with this status.
    Status(u16),
    /// The answer is too large.
    TooLarge {
        /// The most that is read.
        max_bytes: usize,
    },
    /// All configurations together are too large.
    TooMuch {
        /// The most that is kept.
        max_bytes: u64,
    },
    /// The answer has too many configurations.
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// A part of the answer cannot be read.
    Unreadable {
        /// Which part.
        part: RemotePart,
        /// Why.
        why: Unreadable,
    },
    /// The path does not have the form of a configuration's path.
    InvalidPath,
    /// A configuration is in force that the list of targets does not have.
    NotATarget,
    /// A configuration is new, and the answer lacks its content.
    NoContent,
    /// The content has another length than the list of targets says.
    WrongLength,
    /// The content has another SHA-256 than the list of targets says.
    WrongHash,
    /// A field of the configuration that must be there is missing or empty.
    Missing(&'static str),
    /// A field of the configuration has a value that cannot be used.
    Invalid(&'static str),
    /// A flare is wanted while another one is being collected or sent.
    FlareUnderWay,
    /// A flare is wanted, and the process cannot make one.
    NoFlare,
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemotePart {
    /// The answer itself.
    Answer,
    /// One of the roots.
    Root,
    /// The list of targets.
    Targets,
    /// The content of a configuration.
    Content,
}

/// Why a part of an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Not base64.
    NotBase64,
    /// Not JSON.
    NotJson {
        /// What the JSON parser says.
        error: String,
    },
    /// JSON that is not an object.
    NotObject,
    /// JSON with more values than are read.
    TooManyValues {
        /// How many there may be.
        max: usize,
    },
    /// A field is missing or has another type.
    Field(&'static str),
}

impl RemotePart {
    fn name(self) -> &'static str {
        match self {
            RemotePart::Answer => "the answer",
            RemotePart::Root => "a root",
            RemotePart::Targets => "the list of targets",
            RemotePart::Content => "the content",
        }
    }
}

impl fmt::Display for RemoteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoteFault::NoAnswer(error) => error.fmt(f),
            RemoteFault::Status(status) => write!(f, "the agent answered {status}"),
            RemoteFault::TooLarge { max_bytes } => write!(f, "the answer is larger than {max_bytes} bytes"),
            RemoteFault::TooMuch { max_bytes } => {
                write!(f, "all configurations together are larger than {max_bytes} bytes")
            }
            RemoteFault::TooMany { max } => write!(f, "the answer has more than {max} configurations"),
            RemoteFault::Unreadable { part, why } => write!(f, "{} {why}", part.name()),
            RemoteFault::InvalidPath => f.write_str("the path does not name a configuration"),
            RemoteFault::NotATarget => f.write_str("the list of targets does not have it"),
            RemoteFault::NoContent => f.write_str("the answer lacks its content"),
            RemoteFault::WrongLength => f.write_str("its content has another length than its target"),
            RemoteFault::WrongHash => f.write_str("its content has another SHA-256 than its target"),
            RemoteFault::Missing(field) => write!(f, "missing {field}"),
            RemoteFault::Invalid(field) => write!(f, "the value of {field} cannot be used"),
            RemoteFault::FlareUnderWay => f.write_str("another flare is being collected or sent"),
            RemoteFault::NoFlare => f.write_str("this process cannot make a flare"),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::NotBase64 => f.write_str("is not base64"),
            Unreadable::NotJson { error } => write!(f, "is not JSON: {error}"),
            Unreadable::NotObject => f.write_str("is not a JSON object"),
            Unreadable::TooManyValues { max } => write!(f, "has more than {max} values"),
            Unreadable::Field(name) => write!(f, "has no usable {name}"),
        }
    }
}
