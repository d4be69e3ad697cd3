//! How the doctor reads log lines: the facts that a line can report ([`Seen`]), and helpers for the languages' readers.
//! A language's `reader.rs` lists the words that mark its lines, and parses its messages. The companion searches for
//! the words and adds up the facts. Readers also know lines of tracer versions that this library does not write, so
//! they do not use the languages' `lines`.

pub mod config;
pub mod errors;

use config::Config;

/// How the log lines of one language's tracer are read.
pub struct LogReader {
    /// The tracer's name in reports.
    pub name: &'static str,
    /// Whether a log of debug mode has a line for every payload that was taken.
    pub logs_success: bool,
    /// Whether a log of debug mode has a line for every span or chunk.
    pub logs_spans: bool,
    /// Whether a log of debug mode has a line for the end of every span that has one for its start.
    pub logs_ends: bool,
    /// The words by which a line is known, and what reads such a line. No word is part of another, also not of another
    /// language's. Several languages may have the same word, if their readers distinguish the lines.
    pub marks: &'static [Mark],
}

/// A word, and what reads a line with it.
pub type Mark = (&'static str, Read);

/// Reads a line. Returns the id of the language whose tracer wrote it, which may be another one, and what it says;
/// `None` if no tracer wrote it.
pub type Read = for<'a> fn(&Place<'a>) -> Option<(&'static str, Seen<'a>)>;

/// A line in which a word was found.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The line.
    pub line: &'a str,
    /// Where the word begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

impl<'a> Place<'a> {
    /// Returns what is before the word.
    pub fn before(&self) -> &'a str {
        &self.line[..self.start]
    }

    /// Returns the word and what follows it.
    pub fn from_word(&self) -> &'a str {
        &self.line[self.start..]
    }

    /// Returns what follows the word.
    pub fn rest(&self) -> &'a str {
        &self.line[self.end..]
    }
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
// The fields are what their names say; the variants' own comments say the rest.
#[allow(missing_docs)]
pub enum Seen<'a> {
    /// The start-up line.
    Config(Box<Config>),
    /// A line of a tracer that changes no answer.
    Line,
    /// An integration was loaded.
    Integration,
    /// A span was started; its id.
    Started(&'a str),
    /// A span was finished; its id.
    Finished(&'a str),
    /// Spans were given to the queue.
    Written(u64),
    /// A payload is about to be sent.
    Sending { traces: u64 },
    /// The agent took a payload. `echo`: another line says so as well.
    Sent { traces: Option<u64>, spans: u64, bytes: u64, echo: bool },
    /// A payload was not taken. `cause` is `None` if the reason is on a later line. `lost`: it will not be tried again.
    Failed { cause: Option<&'static str>, traces: u64, lost: bool, echo: bool },
    /// The agent answers again.
    Reachable,
    /// The agent said what it is.
    Described,
    /// Finished spans or traces were dropped.
    Dropped { reason: &'a str, spans: u64, traces: u64 },
    /// The end of a time of drops, and their sum.
    LossEnded { reason: &'a str, spans: u64 },
    /// Spans were open at the end, or for too long.
    Unfinished { spans: u64, sure: bool },
    /// Another trouble, by the doctor's name for its cause.
    Trouble(&'static str),
    /// Tracing is off, as a span's line says.
    Off,
    /// Records of this log are missing.
    RecordsLost(u64),
    /// The tracer was shut down; `lost` spans did not leave in time.
    Stopped { lost: u64 },
}

impl Seen<'_> {
    /// Makes the fact that a payload was lost, reported by a single line.
    pub fn lost(cause: Option<&'static str>, traces: Option<u64>) -> Self {
        Seen::Failed { cause, traces: traces.unwrap_or(0), lost: true, echo: false }
    }

    /// Makes the fact that the agent took a payload.
    pub fn sent(traces: Option<u64>, bytes: u64) -> Self {
        Seen::Sent { traces, spans: 0, bytes, echo: false }
    }
}

/// Returns how many spans a line of this library does not list: `spanwire: 11 more spans`.
pub fn more_spans(text: &str) -> u64 {
    let rest = text.find("spanwire: ").map(|at| &text[at + "spanwire: ".len()..]);
    let (count, rest) = rest.and_then(|rest| rest.split_once(' ')).unwrap_or_default();
    count.parse().ok().filter(|_| rest.starts_with("more spans")).unwrap_or(0)
}

/// Returns what follows the first `mark`.
pub fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.find(mark).map(|at| &text[at + mark.len()..])
}

/// Returns the word behind the first `mark`, up to a blank, a quote, a bracket or a separator.
pub fn word_after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = after(text, mark)?;
    let end = rest.find([' ', ',', ';', ')', ']', '}', '"', '\'']).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// Returns the number right behind the first `mark`.
pub fn number_after(text: &str, mark: &str) -> Option<u64> {
    number(after(text, mark)?)
}

/// Returns the number with which `text` begins.
pub fn number(text: &str) -> Option<u64> {
    text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())].parse().ok()
}

/// Returns `1.61KB` or `804B` in bytes, with the factors of Python's tracer.
pub fn human_size(text: &str) -> u64 {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let factor = match text.as_bytes()[end..].first() {
        Some(b'K' | b'k') => 1e3,
        Some(b'M') => 1e6,
        Some(b'G') => 1e9,
        _ => 1.0,
    };
    text[..end].parse::<f64>().map_or(0, |size| (size * factor) as u64)
}
