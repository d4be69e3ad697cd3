//! What the log knows about a language: one [`Language`] per folder of `languages/`, as data.

use super::limits::Limits;
use super::line::{Frame, Line};
#[cfg(feature = "cli")]
use super::reading::LogReader;
use super::remedy::Calls;
use crate::event::Event;
use crate::level::Level;
use crate::settings::LanguageSettings;
use std::fmt;

/// A language: the names it goes by, the settings its users know, how events read and how often they repeat.
pub struct Language {
    /// The names and settings of its users; `settings.id` is the language's name in the code.
    pub settings: LanguageSettings,
    /// Further names, in lower case, by which hosts report it.
    pub aliases: &'static [&'static str],
    /// The wordings of its lines: that of the documentation's page, and that of the tracer's current source. Empty for
    /// a language whose users read `native` lines.
    pub wordings: &'static [Wording],
    /// Appends the records of an event.
    pub lines: fn(Form, &Frame<'_>, &Event<'_>, &mut Vec<Line>),
    /// Returns the level at which an event must be logged to make a record.
    pub level_of: fn(&Event<'_>) -> Level,
    /// The wordings that show the spans of an enqueued chunk one by one.
    pub lists_spans: &'static [Form],
    /// Whether its lines have the local time.
    pub local_time: bool,
    /// Whether its lines have the thread's name.
    pub thread_names: bool,
    /// What a host calls to follow our advice.
    pub calls: &'static Calls,
    /// How often events are repeated.
    pub limits: Limits,
    /// How its tracer names the files of a flare.
    pub flare: &'static FlareFiles,
    /// How the doctor reads its logs.
    #[cfg(feature = "cli")]
    pub reader: &'static LogReader,
}

impl Language {
    /// Its name in the code.
    pub fn id(&self) -> &'static str {
        self.settings.id
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Language) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Language {}

impl fmt::Debug for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.id())
    }
}

/// Names of files in a flare. `{pid}` and `{program}` are the process's. Files that have no name here have one of our own.
pub struct FlareFiles {
    /// The settings.
    pub config: &'static str,
    /// Whether the settings are inside of `configs`.
    pub wraps_config: bool,
    /// The log.
    pub log: &'static str,
    /// Whether spans arrive.
    pub health: &'static str,
    /// The open spans.
    pub open_spans: &'static str,
    /// The threads.
    pub threads: &'static str,
    /// Versions and the machine.
    pub versions: &'static str,
}

impl FlareFiles {
    /// The names for languages whose tracer sends no flares.
    pub const OURS: FlareFiles = FlareFiles {
        config: "spanwire-config.json",
        wraps_config: false,
        log: "spanwire-log.txt",
        health: "spanwire-health.txt",
        open_spans: "spanwire-open-spans.txt",
        threads: "spanwire-threads.txt",
        versions: "spanwire-versions.txt",
    };
}

/// A wording of a language's lines.
pub struct Wording {
    /// The dialect's name, as `SPANWIRE_LOG_DIALECT` takes it.
    pub name: &'static str,
    /// The version of the tracer that writes such lines; empty for our own.
    #[cfg_attr(not(feature = "cli"), allow(dead_code))]
    pub version: &'static str,
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

impl Form {
    /// Both.
    pub const BOTH: &'static [Form] = &[Form::Page, Form::Source];

    /// Returns the wording that a dialect's name means.
    pub fn of(dialect: &str) -> Form {
        match dialect.ends_with("@source") {
            true => Form::Source,
            false => Form::Page,
        }
    }
}
