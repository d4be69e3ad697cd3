//! The table of all settings: name, accepted values, default and description. Parsing, precedence, the start-up line and
//! docs/settings.md use it. `parse` reads values, `language` has the differences between languages, `sources` decides which
//! source wins. `logs` has the settings of the log, `spans` those of spans and sending, `sampled` those of sampling, `otel`
//! those with OpenTelemetry's names, `later` the unsupported ones.

pub mod later;
mod logs;
mod otel;
mod propagation;
mod sampled;
mod spans;

use super::address::{self, AgentAddress};
use super::draft::Draft;
use super::language::{LanguageSettings, Languages};
use super::levels::{self, Levels};
use super::otel as otel_values;
use super::parse::{self, Sinks};
use super::protocol::Protocol;
use super::rejection::{Bounds, Rejection};
use super::sampling::{self, OtelSampler, RulesFor, SamplingRule};
use crate::level::Level;
use crate::propagation::Styles;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Settings that are documented together.
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// A text about all of them; may be empty.
    pub about: &'static str,
    /// Its settings, in the order in which they are documented.
    pub settings: &'static [Setting],
}

/// One setting.
pub struct Setting {
    /// The name, both in code and in the environment.
    pub name: &'static str,
    /// How its text is parsed, and where the value is stored.
    pub kind: Kind,
    /// The default, as the text that would set it; empty for "not set".
    pub default: &'static str,
    /// Describes a default that is computed at run time.
    pub computed: &'static str,
    /// What the setting does.
    pub about: &'static str,
    /// The first version that has it.
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

/// Stores a value.
type Put<T> = fn(&mut Draft, T);

/// The type of a setting.
pub enum Kind {
    /// `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case.
    Switch(Put<bool>),
    /// A whole number in a range, and its unit in the plural, empty for none.
    Number(RangeInclusive<u64>, &'static str, Put<u64>),
    /// A number of milliseconds in a range.
    Millis(RangeInclusive<u64>, Put<Duration>),
    /// A number of seconds in a range, with a fraction or without.
    Seconds(RangeInclusive<f64>, Put<Duration>),
    /// Text without control characters.
    Text(Put<String>),
    /// Text that is sent in an HTTP header: printable ASCII.
    HeaderText(Put<String>),
    /// The URL of a repository, stored without credentials.
    RepositoryUrl(Put<String>),
    /// The name of a dialect, in any case.
    Dialect(Put<String>),
    /// A log level, or levels, in the form of the host's language.
    Levels(Put<Levels>),
    /// Levels of a setting that is used if `DD_TRACE_LOG_LEVEL` is not set.
    OtherLevels(Put<Levels>),
    /// A level in OpenTelemetry's words.
    OtelLevel(Put<Levels>),
    /// The level of the log file alone.
    FileLevel(Put<Level>),
    /// A level for a single logger. The setting is a family of names.
    LoggerLevels,
    /// A file's path; a relative one is made absolute at once, so that a later `chdir` does not move it.
    Path(Put<PathBuf>),
    /// A folder's path, made absolute as well.
    Folder(Put<PathBuf>),
    /// A file's path, or `System.err` or `System.out`.
    JavaFile(Put<PathBuf>),
    /// A property of the layout of Java's logger, by its Java name.
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
    /// Attributes as OpenTelemetry writes them, `key=value`.
    Attributes(Put<Vec<(String, String)>>),
    /// The endpoint of an exporter of OTLP, and whether its path is that of all signals.
    OtlpEndpoint(bool, Put<AgentAddress>),
    /// Headers as OpenTelemetry writes them, `name=value`. The values are secrets.
    Headers(Put<Vec<(String, String)>>),
    /// Names of log sinks.
    SinkNames(Put<Sinks>),
    /// A rate from 0 to 1.
    Rate(Put<f64>),
    /// A number per second; negative for no limit.
    PerSecond(Put<f64>),
    /// Sampling rules, as JSON.
    SamplingRules(RulesFor, Put<Vec<SamplingRule>>),
    /// A sampler of OpenTelemetry, and whether it follows the parent.
    OtelSampler(Put<(OtelSampler, bool)>),
    /// Styles of headers, separated by commas.
    Styles(Put<Styles>),
    /// One of these words, in any case.
    Word(&'static [&'static str], Put<&'static str>),
    /// Names, separated by commas. An empty text is a value, too.
    Names(Put<Vec<String>>),
    /// The agent's URL.
    AgentUrl(Put<AgentAddress>),
    /// The agent's host name or IP address.
    AgentHost(Put<String>),
}

impl Kind {
    /// Parses `text` and stores the value. On error nothing has changed.
    pub fn apply(&self, text: &str, draft: &mut Draft) -> Result<(), Rejection> {
        match self {
            Kind::Switch(put) => put(draft, parse::switch(text)?),
            Kind::Number(range, unit, put) => put(draft, parse::number(text, range, unit)?),
            Kind::Millis(range, put) => put(draft, Duration::from_millis(parse::number(text, range, "milliseconds")?)),
            Kind::Seconds(range, put) => put(draft, parse::seconds(text, range)?),
            Kind::Text(put) => put(draft, parse::text(text)?),
            Kind::HeaderText(put) => put(draft, parse::header_text(text)?),
            Kind::RepositoryUrl(put) => put(draft, parse::text(&address::repository(text))?),
            Kind::Dialect(put) => put(draft, parse::word(text, &(draft.languages.dialects)())?),
            Kind::Levels(put) => put(draft, (draft.language.levels)(text)?),
            Kind::OtherLevels(put) => put(draft, draft.language.read_levels(text)?),
            Kind::OtelLevel(put) => put(draft, levels::otel(text)?),
            Kind::FileLevel(put) => put(draft, (draft.language.file_level)(text)?),
            // `sources` parses it, which knows the names of loggers.
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
            Kind::Attributes(put) => {
                let (attributes, left_out) = otel_values::attributes(text);
                put(draft, attributes);
                draft.left_out = left_out;
            }
            Kind::OtlpEndpoint(base, put) => put(draft, address::otlp_endpoint(text, *base)?),
            Kind::Headers(put) => {
                let (headers, left_out) = otel_values::headers(text);
                put(draft, headers);
                draft.left_out = left_out;
            }
            Kind::SinkNames(put) => put(draft, parse::sinks(text)?),
            Kind::Rate(put) => put(draft, sampling::rate(text)?),
            Kind::PerSecond(put) => put(draft, sampling::per_second(text)?),
            Kind::SamplingRules(purpose, put) => {
                let (rules, left_out) = sampling::rules(text, *purpose)?;
                put(draft, rules);
                draft.left_out = left_out;
            }
            Kind::OtelSampler(put) => put(draft, sampling::otel_sampler(text)?),
            Kind::Styles(put) => put(draft, parse::styles(text)?),
            Kind::Word(words, put) => put(draft, parse::one_of(text, words)?),
            Kind::Names(put) => put(draft, parse::names(text)?),
            Kind::AgentUrl(put) => put(draft, AgentAddress::from_url(text)?),
            Kind::AgentHost(put) => put(draft, address::host(text)?),
        }
        Ok(())
    }

    /// Returns what is accepted, in a few words.
    pub fn accepts(&self, languages: &Languages) -> String {
        match self {
            Kind::Switch(_) => "`true` or `false`".into(),
            Kind::Number(range, unit, _) => Bounds::of(range, unit).to_string(),
            Kind::Millis(range, _) => Bounds::of(range, "milliseconds").to_string(),
            Kind::Seconds(range, _) => format!("{} to {} seconds", range.start(), range.end()),
            Kind::Text(_) => "text".into(),
            Kind::HeaderText(_) => "printable ASCII".into(),
            Kind::RepositoryUrl(_) => "a URL".into(),
            Kind::Dialect(_) => {
                let dialects = (languages.dialects)();
                dialects.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            }
            Kind::Levels(_) => format!("{}; see [Levels](#levels)", LanguageSettings::PLAIN.level_words),
            Kind::OtherLevels(_) | Kind::FileLevel(_) | Kind::LoggerLevels => "a level".into(),
            Kind::OtelLevel(_) => levels::OTEL_LEVELS.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
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
            Kind::Attributes(_) => "`key=value` pairs".into(),
            Kind::OtlpEndpoint(..) => "`http://` URL".into(),
            Kind::Headers(_) => "`name=value` pairs".into(),
            Kind::SinkNames(_) => "a list of `stderr`, `file`, `ring`; or `none`".into(),
            Kind::Rate(_) => "a number from 0 to 1".into(),
            Kind::PerSecond(_) => "a number; negative for no limit".into(),
            Kind::SamplingRules(..) => "a JSON array of rules; see [Sampling](sampling.md)".into(),
            Kind::OtelSampler(_) => {
                "`parentbased_always_on`, `parentbased_always_off`, `parentbased_traceidratio`".into()
            }
            Kind::Styles(_) => {
                format!("a list of {}", Styles::names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
            }
            Kind::Word(words, _) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Kind::Names(_) => "a list of names".into(),
            Kind::AgentUrl(_) => {
                "`http://`, `https://`, `unix://`, `otlp+http://`, `otlp+https://` or `file://` URL".into()
            }
            Kind::AgentHost(_) => "a host name or IP address".into(),
        }
    }
}

/// Returns a text that only documents need, and nothing in the library.
const fn prose(text: &'static str) -> &'static str {
    if cfg!(any(test, feature = "cli")) {
        text
    } else {
        ""
    }
}

const fn setting(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Setting {
    Setting { name, kind, default, computed: "", about: prose(about), since: "0.1.0", only: None }
}

const fn computed(name: &'static str, kind: Kind, computed: &'static str, about: &'static str) -> Setting {
    let (computed, about) = (prose(computed), prose(about));
    Setting { name, kind, default: "", computed, about, since: "0.1.0", only: None }
}

/// Returns every setting.
pub fn all() -> impl Iterator<Item = &'static Setting> + Clone {
    SECTIONS.iter().flat_map(|section| section.settings.iter())
}

/// The settings by section, in the order of the documentation.
pub static SECTIONS: &[Section] = &[
    Section { title: prose("Identity of spans"), about: "", settings: spans::IDENTITY },
    Section { title: prose("Where spans go"), about: "", settings: spans::AGENT },
    Section { title: prose("How spans are made"), about: "", settings: spans::SPANS },
    Section { title: prose("Which traces are kept"), about: prose(sampled::ABOUT), settings: sampled::SAMPLING },
    Section { title: prose("Propagation"), about: "", settings: propagation::PROPAGATION },
    Section { title: prose("Sending and limits"), about: "", settings: spans::SENDING },
    Section { title: prose("Remote configuration"), about: "", settings: spans::REMOTE },
    Section { title: prose("OpenTelemetry's names"), about: prose(otel::ABOUT), settings: otel::OTEL },
    logs::LEVELS,
    logs::SINKS,
    logs::FILES,
    logs::CONTENT,
    logs::JAVA,
    Section { title: prose("The application's own log"), about: "", settings: logs::CORRELATION },
    Section { title: prose("The host language"), about: "", settings: LANGUAGE },
    Section { title: prose("Stable configuration"), about: prose(STABLE_ABOUT), settings: STABLE_CONFIG },
    Section { title: prose("A configuration file"), about: "", settings: CONFIG_FILE },
];

/// Resolved first: the names and values of other settings depend on the language.
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
        "The version of that language.",
    ),
    setting(
        "SPANWIRE_INTERPRETER",
        Kind::HeaderText(|d, v| d.frozen.interpreter = v),
        "",
        "The interpreter that runs the program, such as `fpm-fcgi` or `CRuby`.",
    ),
    setting(
        "SPANWIRE_INTERPRETER_VENDOR",
        Kind::HeaderText(|d, v| d.frozen.interpreter_vendor = v),
        "",
        "The vendor of the interpreter.",
    ),
    setting(
        "SPANWIRE_TRACER_VERSION",
        Kind::HeaderText(|d, v| d.frozen.tracer_version = v),
        env!("CARGO_PKG_VERSION"),
        "The tracer's version that is reported to the Agent and in logs. A binding sets its own.",
    ),
];

/// The setting with the path of the local file of stable configuration.
pub const STABLE_LOCAL: &str = "SPANWIRE_STABLE_CONFIG_LOCAL";
/// The setting with the path of the file of Fleet Automation.
pub const STABLE_FLEET: &str = "SPANWIRE_STABLE_CONFIG_FLEET";

const STABLE_ABOUT: &str = "\
Two YAML files hold settings for all tracers of a machine; [Stable configuration](stable-configuration.md) says what is in \
them. These settings and those of the host language are not taken from the files.";

/// Resolved second: the files contain values of the other settings.
pub(super) static STABLE_CONFIG: &[Setting] = &[
    setting(
        "DD_APPLICATION_MONITORING_CONFIG_FILE_ENABLED",
        Kind::Switch(|d, v| d.stable_enabled = v),
        "true",
        "`false`: the two files are not read.",
    ),
    setting(
        STABLE_LOCAL,
        Kind::Path(|d, v| d.stable_local = Some(v)),
        "/etc/datadog-agent/application_monitoring.yaml",
        "The file of the machine's administrator. It may be missing if this is not set.",
    ),
    setting(
        STABLE_FLEET,
        Kind::Path(|d, v| d.stable_fleet = Some(v)),
        "/etc/datadog-agent/managed/datadog-agent/stable/application_monitoring.yaml",
        "The file of Datadog's Fleet Automation. It may be missing if this is not set.",
    ),
];

/// Resolved third: the file contains values of the other settings.
pub(super) static CONFIG_FILE: &[Setting] = &[setting(
    "DD_TRACE_CONFIG_FILE",
    Kind::Path(|d, v| d.config_file = Some(v)),
    "",
    "A file with a JSON object of settings by their `DD_` names, such as .NET's `datadog.json`; at most 1 MB. If a binding \
     sets it as `default:DD_TRACE_CONFIG_FILE`, the file may be missing.",
)];
