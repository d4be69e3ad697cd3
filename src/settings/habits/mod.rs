//! What each language's users write to turn on debug mode and logs, and where those go. One file per language holds its
//! names, its words for levels and what is its own; here is how they are looked up. What several settings decide together
//! is in `levels` and `places`; how plain text is read is in the parent's `parse`.

pub mod dotnet;
pub mod go;
pub mod java;
pub mod levels;
pub mod node;
pub mod php;
pub mod places;
pub mod python;
pub mod ruby;
mod version;

pub use levels::Levels;
pub use version::Version;

use super::draft::Draft;
use super::Rejection;
use crate::languages::Language;
use std::time::Duration;

/// What is understood of a host in one language, beside the settings' own names.
pub struct Habits {
    /// The language, as people say it.
    pub title: &'static str,
    /// Names of its own.
    pub names: &'static [Name],
    /// Names that follow a rule.
    pub family: Option<Family>,
    /// What `DD_TRACE_LOG_LEVEL` may be, in words.
    pub level_words: &'static str,
    /// Reads such a text.
    pub levels: fn(&str) -> Result<Levels, Rejection>,
}

/// A name that a host's code may use for a setting.
pub struct Name {
    /// The name.
    pub name: &'static str,
    /// The setting.
    pub setting: &'static str,
    /// The major version of that language's tracer that no longer knows it; 0 where every version does.
    pub until: u32,
    /// A setting that it turns on as well.
    pub turns_on: Option<&'static str>,
}

const fn name(name: &'static str, setting: &'static str) -> Name {
    Name { name, setting, until: 0, turns_on: None }
}

/// Names that are made from settings' names.
pub struct Family {
    /// The rule in words.
    pub about: &'static str,
    /// The setting's name that would be meant, if the name is of this family.
    pub setting: fn(&str) -> Option<String>,
}

/// Those of C++, Rust, and of hosts that name no language.
pub static NATIVE: Habits = Habits {
    title: "Others",
    names: &[],
    family: None,
    level_words: "`off`, `error`, `warn`, `info`, `debug`, `trace`",
    levels: levels::plain,
};

/// Every language's, in documentation order.
pub static ALL: [&Habits; 8] =
    [&java::HABITS, &python::HABITS, &ruby::HABITS, &go::HABITS, &node::HABITS, &dotnet::HABITS, &php::HABITS, &NATIVE];

/// The habits of a language.
pub fn of(language: Language) -> &'static Habits {
    match language {
        Language::Native | Language::Json => &NATIVE,
        Language::Java => &java::HABITS,
        Language::Python => &python::HABITS,
        Language::Ruby => &ruby::HABITS,
        Language::Go => &go::HABITS,
        Language::Node => &node::HABITS,
        Language::Dotnet => &dotnet::HABITS,
        Language::Php => &php::HABITS,
    }
}

impl Habits {
    /// The setting that a name means, and what it turns on beside; the name itself where it is none of this language.
    /// `version` is that of the tracer that the host stands in for, where it told.
    pub fn setting_of(&self, given: &str, version: Option<Version>) -> (String, Option<&'static str>) {
        let known = |name: &&Name| {
            name.name == given
                && (name.until == 0 || version.is_some_and(|version| version.is_before(name.until, 0, 0)))
        };
        if let Some(name) = self.names.iter().find(known) {
            return (name.setting.into(), name.turns_on);
        }
        let meant = self.family.as_ref().and_then(|family| (family.setting)(given));
        (meant.unwrap_or_else(|| given.to_string()), None)
    }
}

/// Settles what is said, and how often, where the language has a default of its own.
pub(super) fn settle_content(draft: &mut Draft) {
    let settings = &mut draft.frozen;
    if draft.language == Language::Go {
        settings.gather_errors = settings.gather_errors.or(Some(Duration::from_secs(go::GATHER_SECONDS)));
    }
    if draft.json_enabled {
        // The layout takes these words.
        let _ = settings.java_layout.set("jsonEnabled", "true");
    }
}

/// `rest` as the end of an environment variable's name.
fn upper(rest: &str) -> String {
    rest.to_ascii_uppercase().replace(['.', '-'], "_")
}
