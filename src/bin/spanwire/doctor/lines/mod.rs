//! What a line of a log says. Here: which tracer wrote it and where its message begins, whatever stands before (a
//! container's name, a clock). One file per tracer says what its messages mean; nothing here counts or judges.

mod bindings;
mod cpp;
mod dotnet;
mod go;
mod java;
mod json;
mod native;
mod node;
mod php;
mod python;
mod ruby;
mod words;

use super::anchors::Anchors;
use super::config::Config;
use words::{Frame, WORDS};

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tongue {
    Java,
    Python,
    Ruby,
    Go,
    Node,
    Dotnet,
    Php,
    Cpp,
    /// This library's own readable lines, and what its bindings say.
    Native,
    /// This library's own objects.
    Json,
}

impl Tongue {
    /// The name for people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Tongue::Java => "Java",
            Tongue::Python => "Python",
            Tongue::Ruby => "Ruby",
            Tongue::Go => "Go",
            Tongue::Node => "Node.js",
            Tongue::Dotnet => ".NET",
            Tongue::Php => "PHP",
            Tongue::Cpp => "C++",
            Tongue::Native => "spanwire",
            Tongue::Json => "spanwire (JSON)",
        }
    }

    /// Whether a log of debug mode has a line for every payload that was taken.
    pub fn logs_success(self) -> bool {
        !matches!(self, Tongue::Ruby | Tongue::Cpp | Tongue::Php)
    }

    /// Whether a log of debug mode has a line for every span or chunk.
    pub fn logs_spans(self) -> bool {
        self != Tongue::Cpp
    }
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<'a> {
    /// The start-up line.
    Config(Box<Config>),
    /// A tracer's line that no answer depends on.
    Line,
    Integration,
    /// A span was started; its id.
    Started(&'a str),
    /// A span was finished; its id.
    Finished(&'a str),
    /// Spans went on their way to the queue.
    Written(u64),
    /// A payload is about to be sent.
    Sending {
        traces: u64,
    },
    /// The agent took a payload. `echo`: another line says so as well.
    Sent {
        traces: Option<u64>,
        spans: u64,
        bytes: u64,
        echo: bool,
    },
    /// A payload was not taken. `cause` is `None` where the reason is on a line after this one. `lost`: it will not be
    /// tried again.
    Failed {
        cause: Option<&'static str>,
        traces: u64,
        lost: bool,
        echo: bool,
    },
    /// The agent answers again.
    Reachable,
    /// The agent said what it is.
    Described,
    /// Finished spans or traces were dropped.
    Dropped {
        reason: &'a str,
        spans: u64,
        traces: u64,
    },
    /// The end of a time of drops, and their sum.
    LossEnded {
        reason: &'a str,
        spans: u64,
    },
    /// Spans were open at the end, or for too long.
    Unfinished {
        spans: u64,
        sure: bool,
    },
    /// Anything else that has a cause of its own.
    Trouble(&'static str),
    /// Tracing is off, as a span's line says.
    Off,
    /// Records of this log are missing.
    RecordsLost(u64),
    /// The tracer was shut down; `lost` spans did not leave in time.
    Stopped {
        lost: u64,
    },
}

impl Seen<'_> {
    /// A payload that was not taken and is lost, once said.
    fn lost(cause: Option<&'static str>, traces: Option<u64>) -> Self {
        Seen::Failed { cause, traces: traces.unwrap_or(0), lost: true, echo: false }
    }

    /// A payload that was taken.
    fn sent(traces: Option<u64>, bytes: u64) -> Self {
        Seen::Sent { traces, spans: 0, bytes, echo: false }
    }
}

/// Reads lines. Made once.
pub struct Reader {
    anchors: Anchors,
}

impl Reader {
    pub fn new() -> Reader {
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        Reader { anchors: Anchors::new(&words) }
    }

    /// Whether some tracer may have written this line; cheap, and wrong now and then.
    pub fn may_say(&self, line: &[u8]) -> bool {
        self.anchors.find(line, 0).is_some()
    }

    /// Who wrote the line and what it says; `None` if no tracer did.
    pub fn read<'a>(&self, line: &'a str) -> Option<(Tongue, Seen<'a>)> {
        let mut from = 0;
        // An application's own words may stand before those of the tracer.
        for _ in 0..4 {
            let (word, end) = self.anchors.find(line.as_bytes(), from)?;
            from = end;
            // A word is ASCII, and so its ends are those of characters.
            let start = end - WORDS[word].0.len();
            if let Some(found) = found(WORDS[word].1, line, start, end) {
                return Some(found);
            }
        }
        None
    }
}

fn found<'a>(frame: Frame, line: &'a str, start: usize, end: usize) -> Option<(Tongue, Seen<'a>)> {
    let rest = &line[end..];
    let (tongue, message) = match frame {
        Frame::Java => (Tongue::Java, after(rest, " - ")?),
        Frame::JavaJson => return Some((Tongue::Java, java::object(line))),
        Frame::Python => (Tongue::Python, python::message(rest)?),
        Frame::Ruby => (Tongue::Ruby, ruby::message(rest)?),
        Frame::Go => (Tongue::Go, go::message(rest)?),
        Frame::Dotnet => {
            return dotnet::read(if rest.contains("] ") && line[start..].starts_with('|') {
                after(rest, "] ")?
            } else {
                rest
            })
            .map(|seen| (Tongue::Dotnet, seen))
        }
        Frame::Php => match php::message(rest) {
            Some(message) => (Tongue::Php, message),
            None if rest.split(']').next()?.contains(".py:") => (Tongue::Python, python::message(rest)?),
            None => return None,
        },
        Frame::PhpSender => return Some((Tongue::Php, php::sender(rest)?)),
        Frame::Native => (Tongue::Native, native::message(rest)?),
        Frame::Json => return json::read(line).map(|seen| (Tongue::Json, seen)),
        Frame::Ours => return ours(&line[..start], rest),
        Frame::Bare(tongue) => {
            let seen = match tongue {
                Tongue::Node => return node::read(&line[..start], &line[start..]),
                Tongue::Cpp => cpp::seen(&line[start..])?,
                Tongue::Python => python::seen(&line[start..])?,
                Tongue::Native => bindings::seen(&line[start..])?,
                _ => Seen::Line,
            };
            return Some((tongue, seen));
        }
    };
    let seen = match tongue {
        Tongue::Java => java::seen(message),
        Tongue::Python => python::seen(message),
        Tongue::Ruby => ruby::seen(message),
        Tongue::Go => go::seen(message),
        Tongue::Php => php::seen(message),
        _ => None,
    };
    let message = message.strip_prefix("spanwire: ").unwrap_or(message);
    Some((tongue, seen.or_else(|| native::seen(message)).unwrap_or(Seen::Line)))
}

/// A line in our words; what stands before them tells whose form it has.
fn ours<'a>(before: &str, message: &'a str) -> Option<(Tongue, Seen<'a>)> {
    let tongue = match before {
        "" => Tongue::Node,
        _ if before.ends_with(" - ") && before.contains("] - ") => Tongue::Python,
        _ if before.ends_with(" - ") => Tongue::Java,
        _ => Tongue::Node,
    };
    Some((tongue, native::seen(message)?))
}

/// How many spans a line of this library does not list: `spanwire: 11 more spans`.
fn more_spans(text: &str) -> u64 {
    let rest = text.find("spanwire: ").map(|at| &text[at + "spanwire: ".len()..]);
    let (count, rest) = rest.and_then(|rest| rest.split_once(' ')).unwrap_or_default();
    count.parse().ok().filter(|_| rest.starts_with("more spans")).unwrap_or(0)
}

/// What follows the first `mark`.
fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.find(mark).map(|at| &text[at + mark.len()..])
}

/// What stands behind the first `mark`, up to a blank, a quote, a bracket or a separator.
fn word_after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = after(text, mark)?;
    let end = rest.find([' ', ',', ';', ')', ']', '}', '"', '\'']).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// The number behind the first `mark`; digits that follow it at once.
fn number_after(text: &str, mark: &str) -> Option<u64> {
    number(after(text, mark)?)
}

/// The number with which `text` begins.
fn number(text: &str) -> Option<u64> {
    text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())].parse().ok()
}

/// `1.61KB`, `804B` in bytes, as Python's tracer divides them.
fn human_size(text: &str) -> u64 {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let factor = match text.as_bytes()[end..].first() {
        Some(b'K' | b'k') => 1e3,
        Some(b'M') => 1e6,
        Some(b'G') => 1e9,
        _ => 1.0,
    };
    text[..end].parse::<f64>().map_or(0, |size| (size * factor) as u64)
}
