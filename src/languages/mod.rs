//! The languages whose tracers' log lines this library writes. Each has a folder with one static [`Language`], and
//! there is one list of them all. `native` and `json` are our own. To add a language, add its folder and its line in
//! the list.
//!
//! In these folders, "the page" is the documentation page "Tracer debug logs", and "the source" is the current source
//! of the language's tracer. Most languages have the wordings of both ([`language::Form`]).

mod agent;
mod cpp;
mod dotnet;
#[cfg(test)]
mod example;
mod flare;
mod go;
mod java;
mod json;
pub mod language;
pub mod limits;
pub mod line;
mod linked;
mod native;
mod node;
mod php;
mod python;
#[cfg(feature = "cli")]
pub mod reading;
pub mod remedy;
pub mod remembered;
mod reported;
mod ruby;
mod text;

pub use language::{Form, Language};
pub use line::{About, Frame, Line};

use crate::event::Event;
use crate::level::Level;
use crate::settings::Languages;

/// Every language, in the order of the documents.
pub static ALL: &[&Language] = &[
    &java::LANGUAGE,
    &python::LANGUAGE,
    &ruby::LANGUAGE,
    &go::LANGUAGE,
    &node::LANGUAGE,
    &dotnet::LANGUAGE,
    &php::LANGUAGE,
    &cpp::LANGUAGE,
    &native::LANGUAGE,
    &json::LANGUAGE,
    #[cfg(test)]
    &example::LANGUAGE,
];

/// The languages, as settings look them up.
pub static FOR_SETTINGS: Languages =
    Languages { of_host: |name| &Dialect::of_language(name).language.settings, dialects };

/// Returns the names of all dialects: first those of languages with one wording.
pub fn dialects() -> Vec<&'static str> {
    let of = |both: bool| ALL.iter().filter(move |language| (language.wordings.len() > 1) == both);
    of(false).chain(of(true)).flat_map(|language| language.wordings).map(|wording| wording.name).collect()
}

/// The language of the log, and which of its wordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Whose lines.
    pub language: &'static Language,
    /// Which of them.
    pub form: Form,
}

impl Default for Dialect {
    fn default() -> Dialect {
        Dialect::NATIVE
    }
}

impl Dialect {
    /// Our own lines.
    pub const NATIVE: Dialect = Dialect { language: &native::LANGUAGE, form: Form::Page };

    /// Returns the dialect of this name, as `SPANWIRE_LOG_DIALECT` gives it: a language, or a language and `@source`
    /// for the wording of its current source.
    pub fn from_name(name: &str) -> Option<Dialect> {
        let name = name.trim().to_ascii_lowercase();
        let language = ALL.iter().find(|language| language.wordings.iter().any(|wording| wording.name == name))?;
        Some(Dialect { language, form: Form::of(&name) })
    }

    /// Returns the dialect that users of this language know (`SPANWIRE_LANGUAGE`, spelt as it is reported to the agent
    /// or as people say it). C++ and unknown languages have no debug lines of their own and read ours.
    pub fn of_language(name: &str) -> Dialect {
        let name = name.to_ascii_lowercase();
        let by_alias = ALL.iter().find(|language| language.aliases.contains(&name.as_str()));
        let dialect = by_alias.map(|language| Dialect { language, form: Form::Page });
        dialect.or_else(|| Dialect::from_name(&name)).unwrap_or_default()
    }

    /// Returns the level that must be logged for this event to make a record.
    pub fn event_level(self, event: &Event<'_>) -> Level {
        (self.language.level_of)(event)
    }

    /// Whether the spans of an enqueued chunk are shown one by one.
    pub fn lists_spans(self) -> bool {
        self.language.lists_spans.contains(&self.form)
    }

    /// Whether its lines have the local time.
    pub fn needs_local_time(self) -> bool {
        self.language.local_time
    }

    /// Whether the words are ours. Then all lines of an event have the event's level.
    pub fn has_own_words(self) -> bool {
        self.language == &native::LANGUAGE || self.language == &json::LANGUAGE
    }

    /// Appends the event's records in this dialect, often one. None if that tracer has no line for such an event; but
    /// warnings and errors are always logged, in our words if the tracer has none.
    pub fn lines(self, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
        if self.has_own_words()
            || !reported::as_host_event(event, |event| (self.language.lines)(self.form, frame, event, out))
        {
            (self.language.lines)(self.form, frame, event, out);
        }
    }
}

#[cfg(test)]
mod docs;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worked;
