//! What a dropped span's reason does not say: the limit that was exceeded, the answer, the error.

use super::send_error::SendError;
use super::views::QueueView;
use crate::recorder::fates::{Cause, CauseKind};
use std::fmt;

/// Why exactly spans were dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropDetail {
    /// The queue had no room.
    NoRoom(QueueView),
    /// There is no memory for a part of a span's way.
    NoMemory(Stage),
    /// One span alone is larger than a payload may be.
    SpanTooLarge {
        /// The most that a payload may hold.
        max_bytes: u64,
    },
    /// The agent refused a payload of one span as too large.
    RefusedAlone,
    /// The agent answered with this status.
    Answered(u16),
    /// The payload could not be sent, or was not answered.
    NotSent(SendError),
    /// The agent's URL cannot be served.
    UrlUnusable,
    /// The time for shutting down is over.
    TimeOver,
    /// No thread can be started that would send them.
    NoThread,
    /// Their tracer was freed.
    TracerFreed,
    /// Their tracer was freed, and another agent's address needs the exporter.
    ExporterNeeded,
    /// A panic was caught in the worker.
    WorkerPanicked,
    /// The library has turned tracing off after too many panics.
    TurnedOff,
    /// A host submitted a span that cannot be used.
    Submitted(SubmitFault),
}

/// What memory was needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A finished span's record.
    Record,
    /// The record of a submitted span.
    SubmittedRecord,
    /// The payload.
    Payload,
}

/// What is wrong with a submitted span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitFault {
    /// It has no trace id, or no span id.
    NoId,
    /// Its structure has fields of a later version of the library.
    UnknownFields,
    /// A length in it is invalid.
    InvalidLength,
    /// A packed record ends before its length.
    CutShort,
    /// The lengths in a packed record contradict its own.
    LengthsDiffer,
    /// A payload is not of the format v0.4, or is cut short.
    NotV04,
    /// A chunk of a payload has spans of several traces.
    OtherTrace,
}

impl DropDetail {
    /// Returns what the ring of fates keeps of it.
    pub fn cause(&self) -> Cause {
        Cause::of(match self {
            DropDetail::Answered(status) => return Cause { kind: CauseKind::Answered, code: *status },
            DropDetail::NotSent(error) => return error.cause(),
            DropDetail::NoRoom(_) => CauseKind::NoRoom,
            DropDetail::NoMemory(Stage::Record) => CauseKind::NoMemoryRecord,
            DropDetail::NoMemory(Stage::SubmittedRecord) => CauseKind::NoMemorySubmitted,
            DropDetail::NoMemory(Stage::Payload) => CauseKind::NoMemoryPayload,
            DropDetail::SpanTooLarge { .. } => CauseKind::SpanTooLarge,
            DropDetail::RefusedAlone => CauseKind::RefusedAlone,
            DropDetail::UrlUnusable => CauseKind::UrlUnusable,
            DropDetail::TimeOver => CauseKind::TimeOver,
            DropDetail::NoThread => CauseKind::NoThread,
            DropDetail::TracerFreed => CauseKind::TracerFreed,
            DropDetail::ExporterNeeded => CauseKind::ExporterNeeded,
            DropDetail::WorkerPanicked => CauseKind::WorkerPanicked,
            DropDetail::TurnedOff => CauseKind::TurnedOff,
            DropDetail::Submitted(_) => CauseKind::Submitted,
        })
    }
}

impl fmt::Display for DropDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DropDetail::SpanTooLarge { max_bytes } => return write!(f, "one span is larger than {max_bytes} bytes"),
            DropDetail::Answered(status) => return write!(f, "the agent answered {status}"),
            DropDetail::NotSent(error) => return error.fmt(f),
            DropDetail::NoRoom(_) => "the queue is full",
            DropDetail::NoMemory(Stage::Record) => "no room for the span's record",
            DropDetail::NoMemory(Stage::SubmittedRecord) => "no room for a submitted span",
            DropDetail::NoMemory(Stage::Payload) => "no memory for the payload",
            DropDetail::RefusedAlone => "the agent refused it alone with 413",
            DropDetail::UrlUnusable => "the agent's URL cannot be used",
            DropDetail::TimeOver => "the time for shutting down is over",
            DropDetail::NoThread => "there is no thread to send them",
            DropDetail::TracerFreed => "of a tracer that was freed",
            DropDetail::ExporterNeeded => "of a freed tracer, and its place was needed for another agent's address",
            DropDetail::WorkerPanicked => "an internal error of the worker",
            DropDetail::TurnedOff => "tracing has turned itself off",
            DropDetail::Submitted(SubmitFault::NoId) => "a submitted span without a trace id or a span id",
            DropDetail::Submitted(SubmitFault::UnknownFields) => {
                "a submitted span with fields that this library does not know"
            }
            DropDetail::Submitted(SubmitFault::InvalidLength) => "a submitted span with an invalid length",
            DropDetail::Submitted(SubmitFault::CutShort) => "a packed record that is cut short",
            DropDetail::Submitted(SubmitFault::LengthsDiffer) => "a packed record whose lengths do not add up",
            DropDetail::Submitted(SubmitFault::NotV04) => {
                "a submitted payload that is cut short or not of the format v0.4"
            }
            DropDetail::Submitted(SubmitFault::OtherTrace) => {
                "a submitted payload with spans of several traces in one chunk"
            }
        })
    }
}
