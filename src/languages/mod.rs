//! How an event reads. One file per language; here is what they share: the choice, what a line says beside its event,
//! and how values from outside are redacted, cut and kept on one line. Nothing here decides whether an event is logged,
//! how often, or where.

mod agent;
mod dotnet;
mod go;
pub mod java;
mod json;
mod native;
mod node;
mod php;
mod python;
mod remedy;
mod ruby;
mod text;

use crate::counters::Reason;
use crate::event::Event;
use crate::level::Level;
use crate::zone::{Moment, Zone};
use std::borrow::Cow;

/// The logger of what a .NET host's native code says; it has a file of its own.
pub const NATIVE_CODE: &str = "native";

/// Whose lines the log speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Our own readable lines.
    #[default]
    Native,
    /// One JSON object per line.
    Json,
    /// The Java tracer's.
    Java,
    /// The Python tracer's.
    Python,
    /// The Ruby tracer's.
    Ruby,
    /// The Go tracer's.
    Go,
    /// The Node.js tracer's.
    Node,
    /// The .NET tracer's.
    Dotnet,
    /// The PHP tracer's.
    Php,
}

/// Which of a tracer's wordings: they have changed over the years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// That of the documentation page "Tracer debug logs", which is what people search for.
    #[default]
    Page,
    /// That of the tracer's current source (`@source` behind the language's name).
    Source,
}

/// The language of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Whose lines.
    pub language: Language,
    /// Which of them.
    pub form: Form,
}

/// Who speaks: what some languages put into every line.
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
    /// How the Java tracer's logger is set up.
    pub java: java::Layout,
    /// Whether PHP's once-only messages are said once (`DD_TRACE_ONCE_LOGS`).
    pub php_once: bool,
}

/// What was held back since an event was last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// How many.
    pub events: u64,
    /// In how many minutes, at least 1.
    pub minutes: u64,
    /// How many minutes this event's repetitions will be held back; 0 for not at all.
    pub quiet_minutes: u64,
}

/// What a line says beside its event.
#[derive(Clone, Copy, Debug)]
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
    /// Who speaks.
    pub about: &'a About,
    /// Where local time comes from.
    pub zone: &'a Zone,
}

impl Frame<'_> {
    /// The time on the host's clocks on the wall.
    pub fn local(&self) -> Moment<'_> {
        self.zone.moment(self.time_ns)
    }
}

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters, as this language's tracer says it.
    pub level: Level,
    /// Who says it, for level rules: a logger's name, or PHP's target.
    pub logger: Cow<'static, str>,
    /// The whole record; where the tracer prints several lines, several, without a newline at the end.
    pub text: String,
    /// Where in `text` the message begins, behind what a logger of the host's would add itself: time, level, name.
    pub message_at: usize,
    /// What it has in common with its repetitions, for the aggregation of errors; empty for the event's kind.
    pub template: &'static str,
    /// Whether it goes to the host's own log even where a file is set, and not to the file.
    pub host_only: bool,
}

impl Line {
    /// A record whose message comes behind `prefix`.
    pub fn new(level: Level, logger: impl Into<Cow<'static, str>>, prefix: String, message: &str) -> Line {
        let message_at = prefix.len();
        let text = prefix + message;
        Line { level, logger: logger.into(), text, message_at, template: "", host_only: false }
    }
}

impl Dialect {
    /// Our own lines.
    pub const NATIVE: Dialect = Dialect { language: Language::Native, form: Form::Page };

    /// The dialect of this name, as `SPANWIRE_LOG_DIALECT` gives it: a language, and `@source` for the wording of its
    /// current source.
    pub fn from_name(name: &str) -> Option<Dialect> {
        let name = name.trim().to_ascii_lowercase();
        let (name, form) = match name.strip_suffix("@source") {
            Some(name) => (name, Form::Source),
            None => (name.as_str(), Form::Page),
        };
        let language = match name {
            "native" if form == Form::Page => Language::Native,
            "json" if form == Form::Page => Language::Json,
            "java" => Language::Java,
            "python" => Language::Python,
            "ruby" => Language::Ruby,
            "go" => Language::Go,
            "node" => Language::Node,
            "dotnet" => Language::Dotnet,
            "php" => Language::Php,
            _ => return None,
        };
        Some(Dialect { language, form })
    }

    /// The dialect that users of this language know (`SPANWIRE_LANGUAGE`, spelt as it is reported to the agent or as
    /// people say it). C++ has no debug lines of its own, and reads ours, as every other language does.
    pub fn of_language(language: &str) -> Dialect {
        let name = match language.to_ascii_lowercase().as_str() {
            "jvm" => "java",
            "nodejs" | "javascript" | "js" => "node",
            ".net" | "csharp" | "c#" => "dotnet",
            "golang" => "go",
            other => return Dialect::from_name(other).unwrap_or(Dialect::NATIVE),
        };
        Dialect::from_name(name).unwrap_or(Dialect::NATIVE)
    }

    /// The level that must be logged for this event to make a line. Where tracers warn of every dropped trace, and limit
    /// how often, so does their dialect.
    pub fn event_level(self, event: &Event<'_>) -> Level {
        match (event, self.language) {
            (
                Event::SpansDropped { .. },
                Language::Java | Language::Python | Language::Go | Language::Dotnet | Language::Php,
            ) => Level::Warn,
            (Event::SpansDropped { reason: Reason::TooLarge, .. }, Language::Node) => Level::Error,
            _ => event.level(),
        }
    }

    /// Whether an enqueued chunk's spans are shown one by one.
    pub fn lists_spans(self) -> bool {
        match self.language {
            Language::Java | Language::Ruby | Language::Node | Language::Php => true,
            Language::Python => self.form == Form::Source,
            Language::Native | Language::Json | Language::Go | Language::Dotnet => false,
        }
    }

    /// Whether its lines have the time of the clocks on the wall.
    pub fn needs_local_time(self) -> bool {
        !matches!(self.language, Language::Native | Language::Json | Language::Node)
    }

    /// The event's records in this dialect, often one. None where that tracer says nothing of such an event; but what
    /// warns or fails is always said, in our words where the tracer has none.
    pub fn lines(self, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
        let form = self.form;
        match self.language {
            Language::Native => out.push(native::line(frame, event)),
            Language::Json => out.push(json::line(frame, event)),
            Language::Java => java::lines(form, frame, event, out),
            Language::Python => python::lines(form, frame, event, out),
            Language::Ruby => ruby::lines(form, frame, event, out),
            Language::Go => go::lines(form, frame, event, out),
            Language::Node => node::lines(form, frame, event, out),
            Language::Dotnet => dotnet::lines(form, frame, event, out),
            Language::Php => php::lines(form, frame, event, out),
        }
    }
}

#[cfg(test)]
mod docs;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worked;
