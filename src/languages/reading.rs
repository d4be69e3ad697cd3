//! How the doctor reads log lines: the facts that a line can report ([`Seen`]), and helpers for the languages' readers.
//! A language's `reader.rs` lists the words that mark its lines, and parses its messages. The companion searches for
//! the words and adds up the facts. Readers also know lines of tracer versions that this library does not write, so
//! they do not use the languages' `lines`.

pub mod agent;
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
    /// The words by which a line is known, and what reads such a line: the beginning of a frame, or of a message. If one
    /// word begins with another, the longer one counts. Several languages may have the same word, if their readers tell
    /// the lines apart.
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

    /// Whether a message may begin at the word. In the middle of a sentence the words are an application's.
    pub fn begins_message(&self) -> bool {
        begins_message(self.before())
    }
}

/// Words that end the frame of a log record, before its message.
const LEVELS: [&str; 15] = [
    "trace",
    "debug",
    "info",
    "information",
    "notice",
    "warn",
    "warning",
    "error",
    "err",
    "critical",
    "fatal",
    "severe",
    "exclude_telemetry",
    "stderr",
    "stdout",
];

/// Whether a message may begin behind this text: at the start of a line, behind a sign, behind the name of a level.
pub fn begins_message(before: &str) -> bool {
    let before = before.trim_end();
    // The codes of colours end in a letter.
    let before = match before.rfind('\x1b') {
        Some(at) if before.len() - at < 8 && before.ends_with('m') => before[..at].trim_end(),
        _ => before,
    };
    let Some(last) = before.chars().next_back() else { return true };
    // The name of a logger, or of a stream or a job: no word of a sentence.
    let token = before.rsplit([' ', '\t', '|']).next().unwrap_or(before);
    let named = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let logger = token.contains('.') && token.split('.').all(named);
    if logger || token.bytes().any(|b| b.is_ascii_digit()) {
        return true;
    }
    if !last.is_alphabetic() {
        return !matches!(last, ',' | '.' | '?' | '!' | '`' | '\'');
    }
    let word = before.rsplit(|c: char| !c.is_alphabetic() && c != '_').next().unwrap_or_default();
    let word = if word.is_ascii() { word } else { return false };
    // A time in UTC ends in a letter.
    let time = word == "Z" && before.len() > 1 && before.as_bytes()[before.len() - 2].is_ascii_digit();
    // Containers' logs have `F` or `P` behind the stream.
    let container = matches!(word, "F" | "P") && (before.contains("stderr ") || before.contains("stdout "));
    time || container || LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level)) || kubernetes(before)
}

/// Whether the text is only the names of a pod and of its container, as tools that follow several pods write them.
fn kubernetes(before: &str) -> bool {
    let mut words = before.split(' ').filter(|word| *word != "\u{203a}");
    let names = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let (pod, container) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    words.next().is_none()
        && names(pod)
        && names(container)
        && pod.contains('-')
        && pod.contains(|c: char| c.is_ascii_digit())
}

/// Whether a line has the level of an error or a warning before or right behind a frame's word that ends at `end`.
pub fn level(line: &str, end: usize) -> Option<Severity> {
    let mut to = (end + 24).min(line.len());
    while !line.is_char_boundary(to) {
        to -= 1;
    }
    let words = line[..to].split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).find_map(|word| match word {
        "ERROR" | "Error" | "error" | "ERR" | "CRITICAL" | "FATAL" => Some(Severity::Error),
        "WARN" | "WARNING" | "Warning" | "warning" | "warn" | "WRN" => Some(Severity::Warning),
        _ => None,
    })
}

/// The level of a line that its reader does not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// An error.
    Error,
    /// A warning.
    Warning,
}

/// Counts the sampling priorities in a line about a decision, a finished span or a chunk: those that keep it, and those that reject it.
pub fn priorities(line: &str) -> (u64, u64) {
    let (mut kept, mut rejected) = (0, 0);
    for (at, word) in line.match_indices("sampling_priority") {
        let rest = line[at + word.len()..].strip_prefix("_v1").unwrap_or(&line[at + word.len()..]);
        // .NET's tracer names the kind of the tag.
        let rest = rest.strip_prefix(" (metric)").unwrap_or(rest);
        let rest = rest.trim_start_matches(['"', '\'', ':', '=', ' ', '\\']);
        match rest.as_bytes() {
            [b'-', b'1'..=b'9', ..] | [b'0', ..] => rejected += 1,
            [b'1'..=b'9', ..] => kept += 1,
            _ => {}
        }
    }
    if kept + rejected == 0 {
        // Java's tracer logs only the rate, or the priority under a misleading name.
        let named = line.match_indices("_sample_rate=").map(|(at, word)| &line[at + word.len()..]);
        for text in named {
            match text[..text.find([',', ' ', '}', ']']).unwrap_or(text.len())].parse::<i32>() {
                Ok(1..) => kept += 1,
                Ok(_) => rejected += 1,
                Err(_) => {}
            }
        }
        let rates = line.match_indices("_dd.rule_psr=").map(|(at, word)| &line[at + word.len()..]);
        let rate = |text: &str| text[..text.find([',', ' ', '}', ']']).unwrap_or(text.len())].parse::<f64>();
        rejected += rates.filter(|text| rate(text).is_ok_and(|rate| rate == 0.0)).count() as u64;
    }
    (kept, rejected)
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
    /// A trace was sampled; the line has its priority.
    Decided,
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
    /// A trouble by which nothing is lost: the tracer goes on without the setting.
    Fault(&'static str),
    /// Another request than one with traces failed. `cause` is `None` if the reason may be on a later line; `agent`: it
    /// was a question to the Agent that also takes the traces.
    Side { cause: Option<&'static str>, agent: bool },
    /// A known line about another product than traces, or one that is no trouble.
    Beside,
    /// The Agent answered a payload, perhaps an empty one; the line about its size follows.
    Answered { taken: bool },
    /// The same in a line without a frame, whose words are other programs' too: it counts behind the tracer's other lines.
    AnsweredBare { taken: bool },
    /// The size of an answered payload. It follows a refusal too.
    Size(u64),
    /// The Agent's answer had rates for sampling.
    Rates,
    /// The tracer did not start. Its error may be on a later line.
    NotStarted,
    /// A place in the tracer's own start-up code, in a traceback.
    Frame,
    /// An exception that is the tracer's if such a place is above it.
    Exception(&'static str),
    /// A start-up line whose object is on the next lines.
    ConfigBegins,
    /// The limit of traces per second dropped one.
    RateLimited,
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
