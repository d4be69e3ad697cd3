//! A formatted record.

use crate::languages::line::Line;
use crate::level::Level;
use std::borrow::Cow;

/// The size that is assumed for a record besides its text, in bytes.
const RECORD_OVERHEAD: usize = 128;

/// One formatted record.
#[derive(Clone, Debug)]
pub struct Record {
    /// When it was made: wall time, nanoseconds since 1970.
    pub time_ns: u64,
    /// Its level.
    pub level: Level,
    /// The event's kind, or the target that the host gave.
    pub target: Cow<'static, str>,
    /// The logger's name in the log's dialect.
    pub logger: Cow<'static, str>,
    /// The whole record, without a newline at its end and without NUL.
    pub text: String,
    /// Where in `text` the message begins, behind time, level and name.
    pub message_at: usize,
    /// Whether it is for the host's own log alone, even if a file is set.
    pub host_only: bool,
    /// Whether the calling thread has written it to standard error already.
    pub(super) on_stderr: bool,
    /// How many records were lost right before this one in the queue it was taken from.
    pub lost: u64,
}

impl Record {
    /// Makes an empty record.
    pub(super) fn new(level: Level) -> Record {
        let (target, logger, text) = (Cow::Borrowed(""), Cow::Borrowed(""), String::new());
        Record { time_ns: 0, level, target, logger, text, message_at: 0, host_only: false, on_stderr: false, lost: 0 }
    }

    /// Makes the record of a line. `target` is the event's kind.
    pub(super) fn of(line: Line, target: Cow<'static, str>, time_ns: u64) -> Record {
        let Line { level, logger, text, message_at, host_only, .. } = line;
        // Languages escape text from outside, but not these names.
        let without_nul = |text: Cow<'static, str>| match text {
            Cow::Owned(text) if text.as_bytes().contains(&0) => text.replace('\0', "\u{fffd}").into(),
            text => text,
        };
        let (target, logger) = (without_nul(target), without_nul(logger));
        Record { time_ns, level, target, logger, text, message_at, host_only, on_stderr: false, lost: 0 }
    }

    /// Returns the size with which the record counts against the bound of a queue, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.text.len() + self.target.len() + RECORD_OVERHEAD
    }
}
