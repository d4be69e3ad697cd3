//! A line of the log, and the data that lines show besides the event: time, process, thread, service. All languages use
//! these types.

use super::limits::HeldBack;
use super::remedy::Calls;
use super::remembered::Remembered;
use crate::level::Level;
use crate::zone::{Moment, Zone};
use std::borrow::Cow;

/// The logger of a host's native code. With .NET it has a file of its own.
pub const NATIVE_CODE: &str = "native";

/// What some languages say about the process in every line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The service.
    pub service: String,
    /// The environment.
    pub env: String,
    /// The service's version.
    pub version: String,
    /// The host's language, as it is reported to the agent.
    pub language: String,
    /// That language's version.
    pub language_version: String,
    /// What runs the program.
    pub interpreter: String,
    /// The tracer's version.
    pub tracer_version: String,
    /// The executable's name.
    pub process: String,
    /// What this host calls to follow our advice. It depends on the host's language, whatever the dialect is.
    pub calls: &'static Calls,
    /// How the language's own logger lays out a record: properties and values.
    pub layout: Vec<(&'static str, String)>,
    /// Whether messages that need not be repeated are logged once (`DD_TRACE_ONCE_LOGS`).
    pub once: bool,
}

/// What a line says beside its event.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// Wall time, nanoseconds since 1970.
    pub time_ns: u64,
    /// The process.
    pub pid: u32,
    /// The calling thread's name; `main` for the first one.
    pub thread: &'a str,
    /// What the rate limit held back before.
    pub held_back: HeldBack,
    /// Whether debug mode is on.
    pub debug: bool,
    /// The process that logs.
    pub about: &'a About,
    /// The local time zone.
    pub zone: &'a Zone,
    /// How texts of earlier lines were shown.
    pub remembered: Option<&'a Remembered>,
}

impl Frame<'_> {
    /// Returns the local time.
    pub fn local(&self) -> Moment<'_> {
        self.zone.moment(self.time_ns)
    }
}

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The level that this language's tracer gives it.
    pub level: Level,
    /// The logger's name, or PHP's target, for the levels of single loggers.
    pub logger: Cow<'static, str>,
    /// The whole record; where the tracer prints several lines, several, without a newline at the end.
    pub text: String,
    /// Where in `text` the message begins, behind what a logger of the host would add itself: time, level, name.
    pub message_at: usize,
    /// What it has in common with its repetitions when errors are gathered; empty for the event's kind.
    pub template: &'static str,
    /// Whether it goes to the host's own log even where a file is set, and not to the file.
    pub host_only: bool,
}

impl Line {
    /// Makes a record whose message comes behind `prefix`.
    pub fn new(level: Level, logger: impl Into<Cow<'static, str>>, prefix: String, message: &str) -> Line {
        let message_at = prefix.len();
        let text = prefix + message;
        Line { level, logger: logger.into(), text, message_at, template: "", host_only: false }
    }
}
