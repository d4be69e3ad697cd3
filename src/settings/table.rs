//! The one table of settings: every name, what it accepts, its default and its sentence of documentation. Parsing,
//! precedence, the start-up line and docs/settings.md are driven by it. How a kind of text is read is in `parse` and, where
//! languages differ, in `language`; which source wins is in `sources`. The log's settings are in `logs`, those of spans and
//! their way in `spans`; what is known and not supported in `later`.

pub mod later;
mod logs;
mod spans;

use super::address::{self, AgentAddress};
use super::draft::Draft;
use super::language::{LanguageSettings, Languages};
use super::levels::{self, Levels};
use super::parse::{self, Sinks};
use crate::level::Level;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Settings that are documented together.
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// What is to be said of them together; may be empty.
    pub about: &'static str,
    /// Its settings, in the order in which they are documented.
    pub settings: &'static [Setting],
}

/// One setting.
pub struct Setting {
    /// The name, both in code and in the environment.
    pub name: &'static str,
    /// What its text may be, and where the value goes.
    pub kind: Kind,
    /// The default, as the text that would set it; empty for "not set".
    pub default: &'static str,
    /// What the default is in words, where it is found at run time.
    pub computed: &'static str,
    /// What the setting does.
    pub about: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// The id of the one language whose hosts have it; `None` for every host.
    pub only: Option<&'static str>,
}

impl Setting {
    /// Whether hosts in this language have it.
    pub fn is_for(&self, language: &LanguageSettings) -> bool {
        self.only.is_none_or(|only| only == language.id)
    }
}

/// Takes a value of one kind to its place.
type Put<T> = fn(&mut Draft, T);

/// What a setting's text may be.
pub enum Kind {
    /// `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case.
    Switch(Put<bool>),
    /// A whole number in a range, and its unit in the plural, empty for none.
    Number(RangeInclusive<u64>, &'static str, Put<u64>),
    /// A number of milliseconds in a range.
    Millis(RangeInclusive<u64>, Put<Duration>),
    /// Text without control characters.
    Text(Put<String>),
    /// Text that travels in an HTTP header: printable ASCII.
    HeaderText(Put<String>),
    /// A repository's address, kept without credentials.
    RepositoryUrl(Put<String>),
    /// The name of a dialect, in any case.
    Dialect(Put<String>),
    /// A log level, or levels, as the host's language has them.
    Levels(Put<Levels>),
    /// The same, where another setting ranks higher.
    OtherLevels(Put<Levels>),
    /// What OpenTelemetry's users write for a level.
    OtelLevel(Put<Levels>),
    /// The level of the log file alone.
    FileLevel(Put<Level>),
    /// A level for one logger of many: the setting stands for a family of names.
    LoggerLevels,
    /// A file's path; a relative one is made absolute at once, so that a later `chdir` does not move it.
    Path(Put<PathBuf>),
    /// A folder's path, likewise.
    Folder(Put<PathBuf>),
    /// A file's path, or one of Java's two streams.
    JavaFile(Put<PathBuf>),
    /// A property of the Java logger's layout, by its name there.
    JavaLayout(&'static str),
    /// Sinks by their .NET names.
    DotnetSinks(Put<Sinks>),
    /// A JSON object.
    JsonObject(Put<Vec<(String, serde_json::Value)>>),
    /// A duration as Go writes it: `10m`, `1h30m`, `1.5s`.
    GoDuration(Put<Duration>),
    /// Permission bits in octal.
    FileMode(Put<u32>),
    /// `key:value` pairs.
    Tags(Put<Vec<(String, String)>>),
    /// Names of log sinks.
    SinkNames(Put<Sinks>),
    /// The agent's URL.
    AgentUrl(Put<AgentAddress>),
    /// The agent's host name or IP address.
    AgentHost(Put<String>),
}

impl Kind {
    /// Reads `text` and puts the value in its place; on error nothing has changed, and the message names what is
    /// accepted.
    pub fn apply(&self, text: &str, draft: &mut Draft) -> Result<(), String> {
        match self {
            Kind::Switch(put) => put(draft, parse::switch(text)?),
            Kind::Number(range, unit, put) => put(draft, parse::number(text, range, unit)?),
            Kind::Millis(range, put) => put(draft, Duration::from_millis(parse::number(text, range, "milliseconds")?)),
            Kind::Text(put) => put(draft, parse::text(text)?),
            Kind::HeaderText(put) => put(draft, parse::header_text(text)?),
            Kind::RepositoryUrl(put) => put(draft, parse::text(&address::repository(text))?),
            Kind::Dialect(put) => put(draft, parse::word(text, &(draft.languages.dialects)())?),
            Kind::Levels(put) => put(draft, (draft.language.levels)(text)?),
            Kind::OtherLevels(put) => put(draft, draft.language.read_levels(text)?),
            Kind::OtelLevel(put) => put(draft, levels::otel(text)?),
            Kind::FileLevel(put) => put(draft, (draft.language.file_level)(text)?),
            // Read where its names are known.
            Kind::LoggerLevels => {}
            Kind::Path(put) => put(draft, parse::path(text)?),
            Kind::Folder(put) => put(draft, parse::folder(text)?),
            Kind::JavaFile(put) => put(draft, (draft.language.logger_file)(text)?),
            Kind::JavaLayout(property) => {
                (draft.language.layout_check)(property, text)?;
                draft.frozen.log_layout.push((property, text.into()));
            }
            Kind::DotnetSinks(put) => put(draft, parse::console_sinks(text)?),
            Kind::JsonObject(put) => put(draft, parse::json_object(text)?),
            Kind::GoDuration(put) => put(draft, parse::go_duration(text)?),
            Kind::FileMode(put) => put(draft, parse::file_mode(text)?),
            Kind::Tags(put) => put(draft, parse::tags(text)),
            Kind::SinkNames(put) => put(draft, parse::sinks(text)?),
            Kind::AgentUrl(put) => put(draft, AgentAddress::from_url(text)?),
            Kind::AgentHost(put) => put(draft, address::host(text)?),
        }
        Ok(())
    }

    /// Returns what is accepted, in a few words.
    pub fn accepts(&self, languages: &Languages) -> String {
        match self {
            Kind::Switch(_) => "`true` or `false`".into(),
            Kind::Number(range, unit, _) => parse::span_of(range, unit),
            Kind::Millis(range, _) => parse::span_of(range, "milliseconds"),
            Kind::Text(_) => "text".into(),
            Kind::HeaderText(_) => "printable ASCII".into(),
            Kind::RepositoryUrl(_) => "a URL".into(),
            Kind::Dialect(_) => {
                let dialects = (languages.dialects)();
                dialects.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            }
            Kind::Levels(_) => format!("{}; see [Levels](#levels)", LanguageSettings::PLAIN.level_words),
            Kind::OtherLevels(_) | Kind::FileLevel(_) | Kind::LoggerLevels => "a level".into(),
            Kind::OtelLevel(_) => {
                let words = levels::OTEL_WORDS.replace(" and ", ", ");
                words.split(", ").map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            }
            Kind::Path(_) => "a path".into(),
            Kind::Folder(_) => "a folder's path".into(),
            Kind::JavaFile(_) => "`System.err`, `System.out`, or a path".into(),
            Kind::JavaLayout("dateTimeFormat") => "a pattern of Java's `SimpleDateFormat`".into(),
            Kind::JavaLayout("warnLevelString") => "text".into(),
            Kind::JavaLayout(_) => "`true` or `false`".into(),
            Kind::DotnetSinks(_) => "a list of `file`, `console`".into(),
            Kind::JsonObject(_) => "a JSON object".into(),
            Kind::GoDuration(_) => "a duration such as `10m` or `1h30m`".into(),
            Kind::FileMode(_) => "octal permission bits".into(),
            Kind::Tags(_) => "`key:value` pairs".into(),
            Kind::SinkNames(_) => "a list of `stderr`, `file`, `ring`; or `none`".into(),
            Kind::AgentUrl(_) => "`http://`, `unix://` or `file://` URL".into(),
            Kind::AgentHost(_) => "a host name or IP address".into(),
        }
    }
}

const fn setting(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Setting {
    Setting { name, kind, default, computed: "", about, since: "0.1.0", only: None }
}

const fn computed(name: &'static str, kind: Kind, computed: &'static str, about: &'static str) -> Setting {
    Setting { name, kind, default: "", computed, about, since: "0.1.0", only: None }
}

/// Every setting there is.
pub fn all() -> impl Iterator<Item = &'static Setting> + Clone {
    SECTIONS.iter().flat_map(|section| section.settings.iter())
}

/// The settings by section, in documentation order.
pub static SECTIONS: &[Section] = &[
    Section { title: "Whose spans they are", about: "", settings: spans::IDENTITY },
    Section { title: "Where spans go", about: "", settings: spans::AGENT },
    Section { title: "How spans are made", about: "", settings: spans::SPANS },
    Section { title: "Sending and bounds", about: "", settings: spans::SENDING },
    logs::LEVELS,
    logs::SINKS,
    logs::FILES,
    logs::CONTENT,
    logs::JAVA,
    Section { title: "The host language", about: "", settings: LANGUAGE },
    Section { title: "A configuration file", about: "", settings: CONFIG_FILE },
];

/// Read before all others, whose names and values depend on it.
pub(super) static LANGUAGE: &[Setting] = &[
    setting(
        "SPANWIRE_LANGUAGE",
        Kind::HeaderText(|d, v| d.frozen.language = v),
        "native",
        "The host's language, such as `php`. Bindings set it.",
    ),
    setting(
        "SPANWIRE_LANGUAGE_VERSION",
        Kind::HeaderText(|d, v| d.frozen.language_version = v),
        "",
        "That language's version.",
    ),
    setting(
        "SPANWIRE_INTERPRETER",
        Kind::HeaderText(|d, v| d.frozen.interpreter = v),
        "",
        "What runs the program, such as `fpm-fcgi` or `CRuby`.",
    ),
    setting(
        "SPANWIRE_INTERPRETER_VENDOR",
        Kind::HeaderText(|d, v| d.frozen.interpreter_vendor = v),
        "",
        "Who made it.",
    ),
    setting(
        "SPANWIRE_TRACER_VERSION",
        Kind::HeaderText(|d, v| d.frozen.tracer_version = v),
        env!("CARGO_PKG_VERSION"),
        "The version that is reported as the tracer's. A binding sets its own.",
    ),
];

/// Read next: it holds values for all others.
pub(super) static CONFIG_FILE: &[Setting] = &[setting(
    "DD_TRACE_CONFIG_FILE",
    Kind::Path(|d, v| d.config_file = Some(v)),
    "",
    "A JSON object of settings by their `DD_` names, such as .NET's `datadog.json`; at most 1 MB. A binding names it as \
     `default:DD_TRACE_CONFIG_FILE`; then it may be missing.",
)];
