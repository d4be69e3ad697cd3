//! Settings: which source wins, what several of them decide together, and where each value came from. Read once, then
//! frozen. What exists is in `table`, how text is read in `parse` and `address`, how settings are shown in `startup`;
//! nothing here logs or reads the environment by itself.

pub mod address;
pub mod draft;
mod parse;
mod startup;
pub mod table;

pub use address::AgentAddress;

use crate::{host, log::level::Level, redact};
use draft::{blank, Draft};
use std::path::PathBuf;
use std::time::Duration;
use table::{Kind, Setting};

/// Marks a setting in code that gives way to the environment.
const DEFAULT_PREFIX: &str = "default:";
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
    /// What is logged while debug mode is off.
    pub log_level: Level,
    /// Whether the start-up line is logged.
    pub startup_logs: bool,
    /// How records read: `native` or `json`.
    pub log_dialect: String,
    /// Whether records go to standard error.
    pub log_stderr: bool,
    /// Whether records go to the ring that a host polls or drains.
    pub log_ring: bool,
    /// Whether records go to `log_file`, which is then set.
    pub log_to_file: bool,
    /// The log file; absolute.
    pub log_file: Option<PathBuf>,
    /// The size at which it is rotated, in bytes; 0 for never.
    pub log_file_size: u64,
    /// How many rotated files are kept.
    pub log_file_backups: u32,
    /// The permission bits of a new log file.
    pub log_file_mode: u32,
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
    /// Every setting of the table, in its order: the value that won and where it came from.
    pub values: Vec<Value>,
}

/// Where a value came from; a later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
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
    /// The name as it was given.
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
}

impl Settings {
    /// Freezes what `code` (names and values, the last of a name wins) and the environment say. Never fails: a value that
    /// cannot be used counts as not given and is among the rejected. Empty values count as not given. Reads a few files
    /// under /proc and asks for the default socket.
    pub fn resolve(code: &[(String, String)], env: &dyn Fn(&str) -> Option<String>) -> (Settings, Vec<Rejected>) {
        let around = Surroundings {
            process_name: host::process_name(),
            hostname: host::hostname(),
            default_socket: address::default_socket_exists(),
        };
        resolve_among(code, env, around)
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
) -> (Settings, Vec<Rejected>) {
    let mut draft = blank();
    let mut rejected = unknown_names(code);
    for setting in table::all() {
        let value = choose(setting, code, env, &mut draft, &mut rejected);
        draft.frozen.values.push(value);
    }
    take_identity_from_tags(&mut draft.frozen);
    fall_back(&mut draft.frozen, "DD_SERVICE", around.process_name, |settings| &mut settings.service);
    fall_back(&mut draft.frozen, "DD_HOSTNAME", around.hostname, |settings| &mut settings.hostname);
    choose_agent(&mut draft, around.default_socket);
    choose_sinks(&mut draft, &mut rejected);
    (draft.frozen, rejected)
}

/// The strongest usable value of a setting, put in its place.
fn choose(
    setting: &'static Setting,
    code: &[(String, String)],
    env: &dyn Fn(&str) -> Option<String>,
    draft: &mut Draft,
    rejected: &mut Vec<Rejected>,
) -> Value {
    let in_code = |prefix: &str| {
        let mut given = code.iter().rev();
        given.find(|(name, _)| name.strip_prefix(prefix) == Some(setting.name)).map(|(_, value)| value.clone())
    };
    let given =
        [(Origin::Code, in_code("")), (Origin::Env, env(setting.name)), (Origin::CodeDefault, in_code(DEFAULT_PREFIX))];
    for (origin, text) in given {
        let text = text.unwrap_or_default();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let applied = match text.len() {
            0..=parse::TEXT_MAX => setting.kind.apply(text, draft),
            _ => Err(format!("longer than the {} bytes that are accepted", parse::TEXT_MAX)),
        };
        match applied {
            Ok(()) => return Value { name: setting.name, value: shown(setting, text), origin },
            Err(why) => {
                let value = shorten(shown(setting, text), REJECTED_MAX);
                rejected.push(Rejected { name: setting.name.into(), value, origin, why });
            }
        }
    }
    if !setting.default.is_empty() {
        // A test holds every default of the table to be accepted.
        let _ = setting.kind.apply(setting.default, draft);
    }
    Value { name: setting.name, value: setting.default.into(), origin: Origin::Default }
}

fn unknown_names(code: &[(String, String)]) -> Vec<Rejected> {
    let known = table::all().map(|setting| setting.name);
    let mut rejected = Vec::new();
    for (given, value) in code {
        let (prefix, name) = match given.strip_prefix(DEFAULT_PREFIX) {
            Some(name) => (DEFAULT_PREFIX, name),
            None => ("", given.as_str()),
        };
        if known.clone().any(|known| known == name) {
            continue;
        }
        let why = match parse::nearest(name, known.clone()) {
            Some(meant) => format!("no such setting; {prefix}{meant} was probably meant"),
            None => "no such setting".to_string(),
        };
        let value = shorten(redact::value_of(name, value).into_owned(), REJECTED_MAX);
        let origin = if prefix.is_empty() { Origin::Code } else { Origin::CodeDefault };
        rejected.push(Rejected { name: shorten(given.clone(), REJECTED_MAX), value, origin, why });
    }
    rejected
}

/// A setting's text as it may be shown.
fn shown(setting: &Setting, text: &str) -> String {
    match setting.kind {
        Kind::AgentUrl(_) | Kind::AgentHost(_) => redact::url(text).into_owned(),
        Kind::RepositoryUrl(_) => address::repository(text).into_owned(),
        Kind::Number(..) | Kind::Millis(..) if text.bytes().all(|b| b.is_ascii_digit()) => text.into(),
        Kind::Tags(_) => {
            let tag = |(key, value): &(String, String)| format!("{key}:{}", redact::value_of(key, value));
            parse::tags(text).iter().map(tag).collect::<Vec<_>>().join(",")
        }
        _ => redact::value_of(setting.name, text).into_owned(),
    }
}

fn shorten(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
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
            (value.value, value.origin) = (text.clone(), from);
            *field(settings) = text;
        }
    }
}

fn fall_back(settings: &mut Settings, name: &str, found: String, field: fn(&mut Settings) -> &mut String) {
    if field(settings).is_empty() {
        if let Some(value) = settings.values.iter_mut().find(|value| value.name == name) {
            value.value.clone_from(&found);
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
        (value.value, value.origin) = (agent.to_string(), from);
    }
    draft.frozen.agent = agent;
}

fn choose_sinks(draft: &mut Draft, rejected: &mut Vec<Rejected>) {
    let settings = &mut draft.frozen;
    let has_file = settings.log_file.is_some();
    let Some(value) = settings.values.iter_mut().find(|value| value.name == "SPANWIRE_LOG_SINKS") else { return };
    if value.origin == Origin::Default {
        value.value = if has_file { "file,ring" } else { "stderr,ring" }.into();
        draft.sinks = parse::Sinks { stderr: !has_file, file: has_file, ring: true };
    } else if draft.sinks.file && !has_file {
        rejected.push(Rejected {
            name: value.name.into(),
            value: value.value.clone(),
            origin: value.origin,
            why: "the sink file needs DD_TRACE_LOG_FILE, which is not set; the other sinks are used".into(),
        });
        draft.sinks.file = false;
    }
    settings.log_stderr = draft.sinks.stderr;
    settings.log_ring = draft.sinks.ring;
    settings.log_to_file = draft.sinks.file;
}

#[cfg(test)]
mod tests;
