//! Settings: what several of them decide together, and where each value came from. Read once, then frozen. What exists is
//! in `table`, which source wins in `sources`, how text is read in `parse` and `address`, what languages
//! differ in in `language`, how settings are shown in `startup`; nothing here logs or reads the environment by itself.

pub mod address;
pub mod draft;
pub mod language;
mod level_in_force;
pub mod levels;
pub mod log_file;
pub mod parse;
mod places;
mod sources;
mod startup;
pub mod table;
pub mod version;

pub use address::AgentAddress;
pub use language::{LanguageSettings, Languages};
pub use log_file::{FileConfig, Retention};

use crate::level::Level;
use crate::{host, redact, sys};
use draft::{blank, Draft};
use sources::Sources;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use table::{Kind, Setting};
use version::Version;

/// Marks a setting in code that gives way to the environment.
const DEFAULT_PREFIX: &str = "default:";
/// How many loggers can have a level of their own.
pub const LOGGER_LEVELS_MAX: usize = 64;
/// How much of a rejected value is kept, in characters.
const REJECTED_MAX: usize = 200;

/// The frozen settings of a tracer. Empty text means "not set".
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The service of spans that name none; never empty.
    pub service: String,
    /// The environment.
    pub env: String,
    /// The application's version.
    pub version: String,
    /// Tags for every span; `service`, `env` and `version` are not among them.
    pub tags: Vec<(String, String)>,
    /// The host name.
    pub hostname: String,
    /// Whether local roots carry the host name.
    pub report_hostname: bool,
    /// Who this container is, for the agent; printable ASCII.
    pub external_env: Option<String>,
    /// The source's repository, without credentials.
    pub git_repository_url: Option<String>,
    /// The source's commit.
    pub git_commit_sha: Option<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Where spans go.
    pub agent: AgentAddress,
    /// Whether new trace ids have 128 bits.
    pub trace_id_128: bool,
    /// Whether long traces are sent in parts.
    pub partial_flush_enabled: bool,
    /// How many finished spans make such a part.
    pub partial_flush_min_spans: usize,
    /// The longest wait of a finished trace.
    pub flush_interval: Duration,
    /// The bytes in the queue that end that wait.
    pub flush_bytes: usize,
    /// The largest payload, in bytes.
    pub payload_max_bytes: usize,
    /// What the queue holds, in bytes.
    pub queue_max_bytes: usize,
    /// What the queue holds, in chunks.
    pub queue_max_chunks: usize,
    /// What all spans together may occupy, in bytes.
    pub memory_max: usize,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long one payload is tried again; zero for one attempt.
    pub retry_for: Duration,
    /// Debug mode.
    pub debug: bool,
    /// What debug mode logs.
    pub debug_level: Level,
    /// What is logged while debug mode is off.
    pub log_level: Level,
    /// Whether somebody chose that.
    pub log_level_given: bool,
    /// Levels of single loggers, or of PHP's targets.
    pub log_rules: Vec<(String, Level)>,
    /// Whether the start-up line is logged.
    pub startup_logs: bool,
    /// What the host adds to the start-up line.
    pub startup_extra: Vec<(String, serde_json::Value)>,
    /// Whether spans that nobody finishes are looked for.
    pub debug_abandoned_spans: bool,
    /// How long a span is open before it counts as one.
    pub abandoned_span_timeout: Duration,
    /// How records read: `native`, `json`, or a language's name with or without `@source`; empty for the host's.
    pub log_dialect: String,
    /// Whether records go to standard error.
    pub log_stderr: bool,
    /// Whether records go to the ring that a host polls or drains.
    pub log_ring: bool,
    /// Whether records go to `log_file`, which is then set.
    pub log_to_file: bool,
    /// The log file, or the one that `DD_TRACE_LOG_FILE` names where none is used; absolute.
    pub log_file: Option<PathBuf>,
    /// The size at which it is rotated, in bytes; 0 for never.
    pub log_file_size: u64,
    /// How many rotated files are kept.
    pub log_file_backups: u32,
    /// The least important level that it takes.
    pub log_file_level: Level,
    /// How it is kept; set if records go to it.
    pub log_place: Option<FileConfig>,
    /// The same for what a .NET host's native code says.
    pub log_native_place: Option<FileConfig>,
    /// How long repetitions of a record are held back, in seconds, where somebody said so.
    pub logging_rate: Option<u64>,
    /// How long errors are gathered before they are logged; `None` for not at all.
    pub gather_errors: Option<Duration>,
    /// Whether what need not be repeated is logged once.
    pub once_logs: bool,
    /// How the language's own logger lays out a record: properties and their checked values; the last one of a name wins.
    pub log_layout: Vec<(&'static str, String)>,
    /// The host's language; printable ASCII, as are the next four.
    pub language: String,
    /// That language's version.
    pub language_version: String,
    /// What runs the program.
    pub interpreter: String,
    /// Who made that.
    pub interpreter_vendor: String,
    /// The tracer's version, as the host reports it.
    pub tracer_version: String,
    /// Names of settings that were set and are not supported yet.
    pub unsupported: Vec<&'static str>,
    /// Every setting of the table that hosts in this language have, in its order: the value that won and its origin.
    pub values: Vec<Value>,
}

/// Where a value came from; a later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A configuration file (`DD_TRACE_CONFIG_FILE`).
    File,
    /// The host's code, as a default of its own (`default:NAME`).
    CodeDefault,
    /// The environment.
    Env,
    /// The host's code.
    Code,
}

impl Origin {
    /// The stable name, as the start-up line and logs show it.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::CodeDefault => "code_default",
            Origin::Env => "env",
            Origin::Code => "code",
        }
    }
}

/// A value that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The setting.
    pub name: &'static str,
    /// Its text, fit to be shown: secrets are redacted.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// A value that was given and cannot be used; what else was given, or the default, is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The name as it was given, fit to be shown.
    pub name: String,
    /// Its text, fit to be shown: secrets are redacted, and only the beginning of a long one is kept.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
    /// What is wrong with it and what would be accepted.
    pub why: String,
}

/// What the machine says where no setting does.
struct Surroundings {
    process_name: String,
    hostname: String,
    default_socket: bool,
    pid: u32,
    /// `yyyyMMdd`, in UTC.
    date: String,
    folder_exists: fn(&str) -> bool,
}

impl Settings {
    /// Freezes what `code` (names and values, the last of a name wins) and the environment say. Never fails: a value that
    /// cannot be used counts as not given and is among the rejected. Empty values count as not given. Reads a few files
    /// under /proc and the configuration file, and asks for the default socket.
    pub fn resolve(
        code: &[(String, String)],
        env: &dyn Fn(&str) -> Option<String>,
        languages: &'static Languages,
    ) -> (Settings, Vec<Rejected>) {
        let around = Surroundings {
            process_name: host::process_name(),
            hostname: host::hostname(),
            default_socket: address::default_socket_exists(),
            pid: first(&PID, sys::pid().into()) as u32,
            date: date_of(first(&STARTED_NS, sys::wall_ns())),
            folder_exists: |path| Path::new(path).is_dir(),
        };
        resolve_among(code, env, around, languages)
    }

    /// The value in force of a setting of the table, as it may be shown.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|value| value.name == name)
    }
}

fn resolve_among(
    code: &[(String, String)],
    env: &dyn Fn(&str) -> Option<String>,
    around: Surroundings,
    languages: &'static Languages,
) -> (Settings, Vec<Rejected>) {
    let (mut draft, mut rejected) = (blank(languages), Vec::new());
    let mut sources = Sources::new(code, env);
    // What the others' names and values depend on, and where values may be, comes first.
    let mut first = read(table::LANGUAGE, &sources, &mut draft, &mut rejected);
    draft.language = (languages.of_host)(&draft.frozen.language);
    let told = first.iter().any(|value| value.name == "SPANWIRE_TRACER_VERSION" && value.origin != Origin::Default);
    draft.version = Version::parse(&draft.frozen.tracer_version).filter(|_| told);
    sources.translate(draft.language, draft.version);
    rejected.extend(sources.unknown_names(draft.language));
    first.extend(read(table::CONFIG_FILE, &sources, &mut draft, &mut rejected));
    if let (Some(path), Some(named)) = (draft.config_file.take(), first.last()) {
        sources.read_file(&path, named, &mut rejected);
    }
    let language = draft.language;
    for setting in table::all().filter(|setting| setting.is_for(language)) {
        let value = match first.iter().position(|value| value.name == setting.name) {
            Some(place) => first.swap_remove(place),
            None => sources.choose(setting, &mut draft, &mut rejected),
        };
        draft.frozen.values.push(value);
    }
    draft.frozen.unsupported = sources.unsupported();
    take_identity_from_tags(&mut draft.frozen);
    let outside = places::Outside { around: &around, env };
    level_in_force::settle(&mut draft);
    settle_content(&mut draft);
    places::settle(&mut draft, &outside, &mut rejected);
    fall_back(&mut draft.frozen, "DD_SERVICE", around.process_name, |settings| &mut settings.service);
    fall_back(&mut draft.frozen, "DD_HOSTNAME", around.hostname, |settings| &mut settings.hostname);
    choose_agent(&mut draft, around.default_socket);
    (draft.frozen, rejected)
}

/// Settles what is logged, and how often, where the language has a default of its own.
fn settle_content(draft: &mut Draft) {
    let settings = &mut draft.frozen;
    settings.gather_errors = settings.gather_errors.or(draft.language.gather_errors);
    if draft.json_enabled {
        settings.log_layout.push(("jsonEnabled", "true".into()));
    }
}

fn read(settings: &'static [Setting], from: &Sources, draft: &mut Draft, rejected: &mut Vec<Rejected>) -> Vec<Value> {
    settings.iter().map(|setting| from.choose(setting, draft, rejected)).collect()
}

/// What log files are named after: kept, so that all tracers of a process, and of children that inherit its log, agree.
static PID: AtomicU64 = AtomicU64::new(0);
static STARTED_NS: AtomicU64 = AtomicU64::new(0);

/// The first value that was ever given.
fn first(kept: &AtomicU64, now: u64) -> u64 {
    kept.compare_exchange(0, now, Relaxed, Relaxed).map_or_else(|first| first, |_| now)
}

/// `yyyyMMdd`, in UTC.
fn date_of(time_ns: u64) -> String {
    let (year, month, day, ..) = sys::utc_time(time_ns);
    format!("{year:04}{month:02}{day:02}")
}

/// A setting's text as it may be shown.
fn shown(setting: &Setting, text: &str) -> String {
    match setting.kind {
        Kind::AgentUrl(_) | Kind::AgentHost(_) => address::redacted(text),
        Kind::RepositoryUrl(_) => redact::text(&address::repository(text)).into_owned(),
        Kind::Number(..) | Kind::Millis(..) if text.bytes().all(|b| b.is_ascii_digit()) => text.into(),
        Kind::Tags(_) => {
            let tag =
                |(key, value): &(String, String)| format!("{}:{}", redact::text(key), redact::value_of(key, value));
            parse::tags(text).iter().map(tag).collect::<Vec<_>>().join(",")
        }
        _ => redact::value_of(setting.name, text).into_owned(),
    }
}

/// A rejected value, of which `value` is fit to be shown.
fn refused(name: &str, value: String, origin: Origin, why: String) -> Rejected {
    let name = parse::shorten(redact::text(name).into_owned(), REJECTED_MAX);
    Rejected { name, value: parse::shorten(value, REJECTED_MAX), origin, why }
}

/// `service`, `env` and `version` leave the tags in any case: as tags they would contradict the fields of that name.
fn take_identity_from_tags(settings: &mut Settings) {
    let tags = std::mem::take(&mut settings.tags);
    let from = settings.value("DD_TAGS").map_or(Origin::Default, |value| value.origin);
    for (key, text) in tags {
        let (name, field): (_, fn(&mut Settings) -> &mut String) = match key.as_str() {
            "service" => ("DD_SERVICE", |settings| &mut settings.service),
            "env" => ("DD_ENV", |settings| &mut settings.env),
            "version" => ("DD_VERSION", |settings| &mut settings.version),
            _ => {
                settings.tags.push((key, text));
                continue;
            }
        };
        let Some(value) = settings.values.iter_mut().find(|value| value.name == name) else { continue };
        let set = value.origin >= Origin::Env;
        if !set && value.origin < from && !text.is_empty() {
            (value.value, value.origin) = (redact::text(&text).into_owned(), from);
            *field(settings) = text;
        }
    }
}

fn fall_back(settings: &mut Settings, name: &str, found: String, field: fn(&mut Settings) -> &mut String) {
    if field(settings).is_empty() {
        if let Some(value) = settings.values.iter_mut().find(|value| value.name == name) {
            value.value = redact::text(&found).into_owned();
        }
        *field(settings) = found;
    }
}

/// The URL wins over host and port, unless one of those comes from a stronger source: what a host's code says about its
/// agent is not undone by the environment. The value shown for the URL is the place that was chosen.
fn choose_agent(draft: &mut Draft, default_socket: bool) {
    let origin = |name: &str| draft.frozen.value(name).map_or(Origin::Default, |value| value.origin);
    let tcp = origin("DD_AGENT_HOST").max(origin("DD_TRACE_AGENT_PORT"));
    let (agent, from) = match draft.url.take() {
        Some(url) if origin("DD_TRACE_AGENT_URL") >= tcp => (url, origin("DD_TRACE_AGENT_URL")),
        _ if tcp == Origin::Default && default_socket => {
            (AgentAddress::Unix { path: address::DEFAULT_SOCKET.into() }, Origin::Default)
        }
        _ => (AgentAddress::tcp(&draft.host, draft.port), tcp),
    };
    if let Some(value) = draft.frozen.values.iter_mut().find(|value| value.name == "DD_TRACE_AGENT_URL") {
        (value.value, value.origin) = (address::shown(&agent), from);
    }
    draft.frozen.agent = agent;
}

#[cfg(test)]
mod tests;
