//! Settings: resolves them once, with their origins. `table` has all settings, `sources` decides which source wins,
//! `parse` and `address` read values, `language` has what languages differ in, `startup` formats settings for logs.
//! Logs nothing and does not read the environment itself.

pub mod address;
pub mod draft;
mod file;
#[cfg_attr(not(feature = "cli"), allow(dead_code))] // Titles and descriptions are for docs/settings.md.
pub mod language;
mod level_in_force;
pub mod levels;
pub mod log_file;
pub mod origin;
mod otel;
pub mod parse;
mod places;
mod protocol;
pub mod rejection;
pub mod remote;
pub mod sampling;
mod sampling_in_force;
mod sources;
pub mod stable;
mod startup;
#[cfg_attr(not(feature = "cli"), allow(dead_code))] // The same.
pub mod table;
mod tls;
pub mod version;

pub use address::AgentAddress;
pub use language::{LanguageSettings, Languages};
pub use log_file::{FileConfig, Retention};
pub use origin::Origin;
pub use protocol::Protocol;
pub use rejection::Rejection;
pub use stable::Program;
pub use tls::Tls;

use crate::level::Level;
use crate::{host, propagation, redact, sys};
use draft::{blank, Draft};
use sources::Sources;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use table::{Kind, Setting};
use version::Version;

/// Prefix of a setting in code that the environment overrides.
const DEFAULT_PREFIX: &str = "default:";
/// How many loggers can have a level of their own.
pub const LOGGER_LEVELS_MAX: usize = 64;
/// Characters of a rejected value that are kept.
const REJECTED_MAX: usize = 200;

/// The resolved settings of a tracer. Empty text means "not set".
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The service of spans that set none; never empty.
    pub service: String,
    /// The environment.
    pub env: String,
    /// The application's version.
    pub version: String,
    /// Tags for every span, without `service`, `env` and `version`.
    pub tags: Vec<(String, String)>,
    /// The host name.
    pub hostname: String,
    /// Whether local root spans have the host name as a tag.
    pub report_hostname: bool,
    /// Whether chunks say what runs in the process.
    pub process_tags: bool,
    /// The identity of this container, for the Agent; printable ASCII.
    pub external_env: Option<String>,
    /// The repository of the source, without credentials.
    pub git_repository_url: Option<String>,
    /// The commit of the source.
    pub git_commit_sha: Option<String>,
    /// Whether spans are made and sent.
    pub enabled: bool,
    /// Where spans go.
    pub agent: AgentAddress,
    /// The format that an Agent is sent, if it takes it.
    pub protocol: Protocol,
    /// Headers of requests with OTLP. Secret.
    pub otlp_headers: Vec<(String, String)>,
    /// Whether OTLP is compressed.
    pub otlp_gzip: bool,
    /// How traces are sampled.
    pub sampling: sampling::Sampling,
    /// Whether new trace ids have 128 bits.
    pub trace_id_128: bool,
    /// How contexts are read from headers and written to them.
    pub propagation: propagation::Config,
    /// Items of baggage that become tags of the local root span; `*` for all.
    pub baggage_tag_keys: Vec<String>,
    /// Whether the application's log gets the fields that connect it with traces.
    pub logs_injection: bool,
    /// Whether trace ids of 128 bits are written whole there.
    pub log_trace_id_128: bool,
    /// Whether long traces are sent in parts (partial flush).
    pub partial_flush_enabled: bool,
    /// Number of finished spans at which a part is sent.
    pub partial_flush_min_spans: usize,
    /// The longest time that a finished trace waits in the queue.
    pub flush_interval: Duration,
    /// Bytes in the queue at which it is sent earlier.
    pub flush_bytes: usize,
    /// The largest payload, in bytes.
    pub payload_max_bytes: usize,
    /// Limit of the queue, in bytes.
    pub queue_max_bytes: usize,
    /// Limit of the queue, in chunks.
    pub queue_max_chunks: usize,
    /// Memory limit of all spans, in bytes.
    pub memory_max: usize,
    /// Whether other processes may ask for a control socket.
    pub control: bool,
    /// Time limit for connecting.
    pub connect_timeout: Duration,
    /// Time limit for a request.
    pub request_timeout: Duration,
    /// Time for which a payload is retried; zero for one attempt.
    pub retry_for: Duration,
    /// Whether the Agent is asked for remote configuration.
    pub remote_configuration: bool,
    /// How often it is asked.
    pub remote_interval: Duration,
    /// Debug mode.
    pub debug: bool,
    /// The lowest level that debug mode logs.
    pub debug_level: Level,
    /// The lowest level that is logged while debug mode is off.
    pub log_level: Level,
    /// Whether the level was set explicitly.
    pub log_level_given: bool,
    /// Levels of single loggers, or of PHP's targets.
    pub log_rules: Vec<(String, Level)>,
    /// Whether the start-up line is logged.
    pub startup_logs: bool,
    /// Fields that the host adds to the start-up line.
    pub startup_extra: Vec<(String, serde_json::Value)>,
    /// Whether abandoned spans are logged.
    pub debug_abandoned_spans: bool,
    /// Time after which an open span counts as abandoned.
    pub abandoned_span_timeout: Duration,
    /// The dialect of log records: `native`, `json`, or a language's name with or without `@source`; empty for the
    /// host's.
    pub log_dialect: String,
    /// Whether records go to standard error.
    pub log_stderr: bool,
    /// Whether records go to the ring that a host polls or drains.
    pub log_ring: bool,
    /// Whether records go to `log_file`. If so, `log_file` is set.
    pub log_to_file: bool,
    /// The log file; or the file in `DD_TRACE_LOG_FILE`, even if it is not used. Absolute.
    pub log_file: Option<PathBuf>,
    /// The size at which it is rotated, in bytes; 0 means never.
    pub log_file_size: u64,
    /// Number of rotated files to keep.
    pub log_file_backups: u32,
    /// The lowest level that goes to it.
    pub log_file_level: Level,
    /// Configuration of the log file; set if records go to it.
    pub log_place: Option<FileConfig>,
    /// Configuration of the second log file, for records from a .NET host's native code.
    pub log_native_place: Option<FileConfig>,
    /// Time in which a record is not repeated, in seconds, if it was set.
    pub logging_rate: Option<u64>,
    /// Time in which errors are gathered before they are logged; `None` if they are not gathered.
    pub gather_errors: Option<Duration>,
    /// Whether some records are logged only once in a process.
    pub once_logs: bool,
    /// How the language's own logger lays out a record: properties and their checked values; the last one of a name
    /// wins.
    pub log_layout: Vec<(&'static str, String)>,
    /// The host's language. Printable ASCII, as are the next four.
    pub language: String,
    /// The version of the language.
    pub language_version: String,
    /// The interpreter that runs the program.
    pub interpreter: String,
    /// The vendor of the interpreter.
    pub interpreter_vendor: String,
    /// The tracer's version, as the host sets it.
    pub tracer_version: String,
    /// Names of settings that are set and not supported.
    pub unsupported: Vec<&'static str>,
    /// Identities of the local stable configuration file and of Fleet Automation's, if they have one.
    pub config_ids: [Option<String>; 2],
    /// Every setting of the table that hosts in this language have, in the table's order, with its value and origin.
    pub values: Vec<Value>,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The setting's name.
    pub name: &'static str,
    /// Its text, fit to be shown: secrets are redacted.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// A rejected value. Another source's value or the default is used instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The name as it was given, with secrets redacted.
    pub name: String,
    /// Its text, redacted and cut to a limit.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
    /// What is wrong with it and what would be accepted.
    pub why: Rejection,
}

/// Facts about the machine, for values that are not set.
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
    /// Freezes what `code` (names and values, the last of a name wins) and the environment say. Never fails: a value
    /// that cannot be used counts as not given and is among the rejected. Empty values count as not given. Reads a few
    /// files under /proc and the configuration file, and asks for the default socket. Reads no stable configuration.
    #[cfg(any(test, feature = "cli"))]
    pub fn resolve(
        code: &[(String, String)],
        env: &dyn Fn(&str) -> Option<String>,
        languages: &'static Languages,
    ) -> (Settings, Vec<Rejected>) {
        let none = Program { env, variables: &Vec::new, arguments: &Vec::new, place: &|_| None };
        Settings::resolve_for(code, &none, languages)
    }

    /// As [`Settings::resolve`], with what stable configuration files set for this program.
    pub fn resolve_for(
        code: &[(String, String)],
        program: &Program<'_>,
        languages: &'static Languages,
    ) -> (Settings, Vec<Rejected>) {
        let around = Surroundings {
            process_name: host::process_name(),
            hostname: host::hostname(),
            default_socket: address::default_socket_exists(),
            pid: first(&PID, sys::pid().into()) as u32,
            date: date_of(first(&STARTED_NS, sys::wall_ns())),
            #[allow(clippy::disallowed_methods)] // Looks for a folder.
            folder_exists: |path| Path::new(path).is_dir(),
        };
        resolve_among(code, program, around, languages)
    }

    /// Returns the identity of the stable configuration file that values of this origin are from.
    pub fn config_id(&self, origin: Origin) -> Option<&str> {
        let [local, fleet] = &self.config_ids;
        match origin {
            Origin::Local => local.as_deref(),
            Origin::Fleet => fleet.as_deref(),
            _ => None,
        }
    }

    /// Returns the value of a setting, with secrets redacted.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|value| value.name == name)
    }
}

fn resolve_among(
    code: &[(String, String)],
    program: &Program<'_>,
    around: Surroundings,
    languages: &'static Languages,
) -> (Settings, Vec<Rejected>) {
    let env = program.env;
    let (mut draft, mut rejected) = (blank(languages), Vec::new());
    let mut sources = Sources::new(code, env);
    // What the others' names and values depend on, and where values may be, comes first.
    let mut first = read(table::LANGUAGE, &sources, &mut draft, &mut rejected);
    draft.language = (languages.of_host)(&draft.frozen.language);
    let told = first.iter().any(|value| value.name == "SPANWIRE_TRACER_VERSION" && value.origin != Origin::Default);
    draft.version = Version::parse(&draft.frozen.tracer_version).filter(|_| told);
    sources.translate(draft.language, draft.version);
    rejected.extend(sources.unknown_names(draft.language));
    first.extend(read(table::STABLE_CONFIG, &sources, &mut draft, &mut rejected));
    if draft.stable_enabled {
        sources.read_stable(&mut draft, &first, program, &mut rejected);
    }
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
    draft.frozen.config_ids = sources.config_ids();
    otel::settle(&mut draft, &mut rejected);
    take_identity_from_tags(&mut draft.frozen);
    let outside = places::Outside { around: &around, env };
    settle_propagation(&mut draft);
    level_in_force::settle(&mut draft, &mut rejected);
    settle_content(&mut draft);
    places::settle(&mut draft, &outside, &mut rejected);
    sampling_in_force::settle(&mut draft, &mut rejected);
    fall_back(&mut draft.frozen, "DD_SERVICE", around.process_name, |settings| &mut settings.service);
    fall_back(&mut draft.frozen, "DD_HOSTNAME", around.hostname, |settings| &mut settings.hostname);
    choose_agent(&mut draft, around.default_socket, &mut rejected);
    draft.frozen.agent.settle(env);
    (draft.frozen, rejected)
}

/// Settles the styles of headers, which have several names. A name for one direction wins over one for both.
fn settle_propagation(draft: &mut Draft) {
    let both = draft.otel_styles.or(draft.styles).unwrap_or_default();
    let settings = &mut draft.frozen.propagation;
    settings.extract = draft.styles_extract.or(draft.old_styles_extract).unwrap_or(both);
    settings.inject = draft.styles_inject.or(draft.old_styles_inject).unwrap_or(both);
    settings.tags_max = draft.tags_max.unwrap_or(settings.tags_max);
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

/// The pid and date in the names of log files. Kept, so that all tracers of a process, and children that inherit its
/// log, use the same file.
static PID: AtomicU64 = AtomicU64::new(0);
static STARTED_NS: AtomicU64 = AtomicU64::new(0);

/// Returns the first value that was ever passed.
fn first(kept: &AtomicU64, now: u64) -> u64 {
    kept.compare_exchange(0, now, Relaxed, Relaxed).map_or_else(|first| first, |_| now)
}

/// `yyyyMMdd`, in UTC.
fn date_of(time_ns: u64) -> String {
    let (year, month, day, ..) = sys::utc_time(time_ns);
    format!("{year:04}{month:02}{day:02}")
}

/// Returns a setting's text with secrets redacted.
fn shown(setting: &Setting, text: &str) -> String {
    match setting.kind {
        Kind::AgentUrl(_) | Kind::AgentHost(_) | Kind::OtlpEndpoint(..) => address::redacted(text),
        Kind::Headers(_) => otel::shown_headers(text),
        Kind::RepositoryUrl(_) => redact::text(&address::repository(text)).into_owned(),
        Kind::Number(..) | Kind::Millis(..) if text.bytes().all(|b| b.is_ascii_digit()) => text.into(),
        Kind::Attributes(_) => otel::shown(text),
        Kind::Tags(_) => {
            let tag =
                |(key, value): &(String, String)| format!("{}:{}", redact::text(key), redact::value_of(key, value));
            parse::tags(text).iter().map(tag).collect::<Vec<_>>().join(",")
        }
        _ => redact::value_of(setting.name, text).into_owned(),
    }
}

/// Makes a rejected value. `value` must not contain secrets.
fn refused(name: &str, value: String, origin: Origin, why: Rejection) -> Rejected {
    let name = parse::shorten(redact::text(name).into_owned(), REJECTED_MAX);
    Rejected { name, value: parse::shorten(value, REJECTED_MAX), origin, why }
}

/// Moves `service`, `env` and `version` from the tags to the fields of that name. They never stay tags, because they
/// could contradict the fields.
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

/// Chooses the Agent's address. The URL overrides host and port unless one of them comes from a stronger source: the
/// environment must not override what the host's code sets. The URL's shown value becomes the address that was chosen.
fn choose_agent(draft: &mut Draft, default_socket: bool, rejected: &mut Vec<Rejected>) {
    let otlp = otel::receiver(draft, rejected);
    let origin = |name: &str| draft.frozen.value(name).map_or(Origin::Default, |value| value.origin);
    let tcp = origin("DD_AGENT_HOST").max(origin("DD_TRACE_AGENT_PORT"));
    let (agent, from) = match draft.url.take() {
        _ if otlp.is_some() => (otlp.unwrap_or_else(|| address::otlp_at(&draft.host)), origin("OTEL_TRACES_EXPORTER")),
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
