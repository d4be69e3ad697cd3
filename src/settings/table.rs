//! The one table of settings: every name, what it accepts, its default and its sentence of documentation. Parsing,
//! precedence, the start-up line and docs/settings.md are driven by it. How a kind of text is read is in `parse`, which
//! source wins is in the parent module.

use super::address::{self, AgentAddress};
use super::draft::Draft;
use super::parse::{self, Sinks};
use crate::log::level::Level;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Settings that are documented together.
pub struct Section {
    /// The heading.
    pub title: &'static str,
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
    /// One of some words, in any case.
    Word(&'static [&'static str], Put<String>),
    /// A log level's name.
    LevelName(Put<Level>),
    /// A file's path; a relative one is made absolute at once, so that a later `chdir` does not move it.
    Path(Put<PathBuf>),
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
            Kind::Word(accepted, put) => put(draft, parse::word(text, accepted)?),
            Kind::LevelName(put) => put(draft, parse::level(text)?),
            Kind::Path(put) => put(draft, parse::path(text)?),
            Kind::FileMode(put) => put(draft, parse::file_mode(text)?),
            Kind::Tags(put) => put(draft, parse::tags(text)),
            Kind::SinkNames(put) => put(draft, parse::sinks(text)?),
            Kind::AgentUrl(put) => put(draft, AgentAddress::from_url(text)?),
            Kind::AgentHost(put) => put(draft, address::host(text)?),
        }
        Ok(())
    }

    /// What is accepted, in a few words.
    pub fn accepts(&self) -> String {
        match self {
            Kind::Switch(_) => "`true` or `false`".into(),
            Kind::Number(range, unit, _) => parse::span_of(range, unit),
            Kind::Millis(range, _) => parse::span_of(range, "milliseconds"),
            Kind::Text(_) => "text".into(),
            Kind::HeaderText(_) => "printable ASCII".into(),
            Kind::RepositoryUrl(_) => "a URL".into(),
            Kind::Word(accepted, _) => accepted.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
            Kind::LevelName(_) => "`off`, `error`, `warn`, `info`, `debug`, `trace`".into(),
            Kind::Path(_) => "a path".into(),
            Kind::FileMode(_) => "octal permission bits".into(),
            Kind::Tags(_) => "`key:value` pairs".into(),
            Kind::SinkNames(_) => "a list of `stderr`, `file`, `ring`; or `none`".into(),
            Kind::AgentUrl(_) => "`http://`, `unix://` or `file://` URL".into(),
            Kind::AgentHost(_) => "a host name or IP address".into(),
        }
    }
}

const fn setting(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Setting {
    Setting { name, kind, default, computed: "", about, since: "0.1.0" }
}

const fn computed(name: &'static str, kind: Kind, computed: &'static str, about: &'static str) -> Setting {
    Setting { name, kind, default: "", computed, about, since: "0.1.0" }
}

/// Every setting there is.
pub fn all() -> impl Iterator<Item = &'static Setting> + Clone {
    SECTIONS.iter().flat_map(|section| section.settings.iter())
}

/// The settings by section, in documentation order.
pub static SECTIONS: &[Section] = &[
    Section { title: "Whose spans they are", settings: IDENTITY },
    Section { title: "Where spans go", settings: AGENT },
    Section { title: "How spans are made", settings: SPANS },
    Section { title: "Sending and bounds", settings: SENDING },
    Section { title: "Debug mode and logs", settings: LOGS },
    Section { title: "The host language", settings: LANGUAGE },
];

static IDENTITY: &[Setting] = &[
    computed(
        "DD_SERVICE",
        Kind::Text(|d, v| d.frozen.service = v),
        "the executable's file name",
        "The service of spans that name none. A `service` in `DD_TAGS` is used when this is not set.",
    ),
    setting(
        "DD_ENV",
        Kind::Text(|d, v| d.frozen.env = v),
        "",
        "The environment, such as `prod`: tag `env`. An `env` in `DD_TAGS` is used when this is not set.",
    ),
    setting(
        "DD_VERSION",
        Kind::Text(|d, v| d.frozen.version = v),
        "",
        "The application's version: tag `version`, on spans of the tracer's own service. A `version` in `DD_TAGS` is used when this is not set.",
    ),
    setting(
        "DD_TAGS",
        Kind::Tags(|d, v| d.frozen.tags = v),
        "",
        "Tags for every span, separated by commas, or by blanks where there is no comma. A key ends at its first colon.",
    ),
    computed(
        "DD_HOSTNAME",
        Kind::Text(|d, v| d.frozen.hostname = v),
        "the system's host name",
        "The host name that is reported when `DD_TRACE_REPORT_HOSTNAME` is on.",
    ),
    setting(
        "DD_TRACE_REPORT_HOSTNAME",
        Kind::Switch(|d, v| d.frozen.report_hostname = v),
        "false",
        "Puts the host name on local roots: tag `_dd.hostname`.",
    ),
    setting(
        "DD_EXTERNAL_ENV",
        Kind::HeaderText(|d, v| d.frozen.external_env = Some(v)),
        "",
        "Who this container is, as Kubernetes' admission controller says it; passed to the Agent as it is.",
    ),
    setting(
        "DD_GIT_REPOSITORY_URL",
        Kind::RepositoryUrl(|d, v| d.frozen.git_repository_url = Some(v)),
        "",
        "The source's repository, for links from traces to code. Credentials in it are removed.",
    ),
    setting(
        "DD_GIT_COMMIT_SHA",
        Kind::Text(|d, v| d.frozen.git_commit_sha = Some(v)),
        "",
        "The source's commit, for links from traces to code.",
    ),
];

static AGENT: &[Setting] = &[
    setting(
        "DD_TRACE_ENABLED",
        Kind::Switch(|d, v| d.frozen.enabled = v),
        "true",
        "Off means that no span is started: every start answers 0, and calls on 0 do nothing.",
    ),
    computed(
        "DD_TRACE_AGENT_URL",
        Kind::AgentUrl(|d, v| d.url = Some(v)),
        "see above",
        "The Agent: `http://host:port`, `unix:///path/of/socket`, or `file:///path` for one JSON object per trace and line. \
         Wins over host and port unless one of those comes from a stronger source.",
    ),
    setting(
        "DD_AGENT_HOST",
        Kind::AgentHost(|d, v| d.host = v),
        "localhost",
        "The Agent's host, with `DD_TRACE_AGENT_PORT`.",
    ),
    setting(
        "DD_TRACE_AGENT_PORT",
        Kind::Number(1..=65_535, "", |d, v| d.port = v as u16),
        "8126",
        "The Agent's port, with `DD_AGENT_HOST`.",
    ),
];

static SPANS: &[Setting] = &[
    setting(
        "DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED",
        Kind::Switch(|d, v| d.frozen.trace_id_128 = v),
        "true",
        "New traces get 128-bit ids; off means 64 bits.",
    ),
    setting(
        "DD_TRACE_PARTIAL_FLUSH_ENABLED",
        Kind::Switch(|d, v| d.frozen.partial_flush_enabled = v),
        "true",
        "Sends the finished spans of a long trace before its last span finishes.",
    ),
    setting(
        "DD_TRACE_PARTIAL_FLUSH_MIN_SPANS",
        Kind::Number(1..=1_000_000, "spans", |d, v| d.frozen.partial_flush_min_spans = v as usize),
        "1000",
        "How many finished spans a trace gathers before they are sent early.",
    ),
];

static SENDING: &[Setting] = &[
    setting(
        "SPANWIRE_FLUSH_INTERVAL_MS",
        Kind::Millis(10..=3_600_000, |d, v| d.frozen.flush_interval = v),
        "1000",
        "How long a finished trace waits at most before it is sent.",
    ),
    setting(
        "SPANWIRE_FLUSH_BYTES",
        Kind::Number(1_024..=67_108_864, "bytes", |d, v| d.frozen.flush_bytes = v as usize),
        "262144",
        "Sends earlier once so much waits in the queue.",
    ),
    setting(
        "SPANWIRE_PAYLOAD_MAX",
        Kind::Number(1_024..=26_214_400, "bytes", |d, v| d.frozen.payload_max_bytes = v as usize),
        "4194304",
        "The largest payload; what is larger is split. Agents take at most 25 MiB.",
    ),
    setting(
        "SPANWIRE_QUEUE_MAX",
        Kind::Number(4_096..=1_073_741_824, "bytes", |d, v| d.frozen.queue_max_bytes = v as usize),
        "16777216",
        "How much the queue holds. When it is full, new traces are dropped and counted.",
    ),
    setting(
        "SPANWIRE_QUEUE_MAX_CHUNKS",
        Kind::Number(1..=1_048_576, "chunks", |d, v| d.frozen.queue_max_chunks = v as usize),
        "65536",
        "The same bound as a number of chunks: traces, or the parts of a trace that are sent together.",
    ),
    setting(
        "SPANWIRE_MEMORY_MAX",
        Kind::Number(1_048_576..=17_179_869_184, "bytes", |d, v| d.frozen.memory_max = v as usize),
        "67108864",
        "All that spans may occupy, open, waiting and queued.",
    ),
    setting(
        "SPANWIRE_CONNECT_TIMEOUT_MS",
        Kind::Millis(1..=60_000, |d, v| d.frozen.connect_timeout = v),
        "1000",
        "How long connecting to the Agent may take.",
    ),
    setting(
        "SPANWIRE_REQUEST_TIMEOUT_MS",
        Kind::Millis(1..=600_000, |d, v| d.frozen.request_timeout = v),
        "2000",
        "How long one request to the Agent may take in all.",
    ),
    setting(
        "SPANWIRE_RETRY_FOR_MS",
        Kind::Millis(0..=3_600_000, |d, v| d.frozen.retry_for = v),
        "60000",
        "How long one payload is tried again while the Agent cannot take it; 0 means one attempt.",
    ),
];

static LOGS: &[Setting] = &[
    setting(
        "DD_TRACE_DEBUG",
        Kind::Switch(|d, v| d.frozen.debug = v),
        "false",
        "Debug mode: a log line for each span, chunk and payload. Wins over `DD_TRACE_LOG_LEVEL`.",
    ),
    setting(
        "DD_TRACE_LOG_LEVEL",
        Kind::LevelName(|d, v| d.frozen.log_level = v),
        "info",
        "What is logged while debug mode is off.",
    ),
    setting(
        "DD_TRACE_STARTUP_LOGS",
        Kind::Switch(|d, v| d.frozen.startup_logs = v),
        "true",
        "The start-up line, `DATADOG TRACER CONFIGURATION`, once the Agent has first answered or failed.",
    ),
    computed(
        "SPANWIRE_LOG_SINKS",
        Kind::SinkNames(|d, v| d.sinks = v),
        "`stderr,ring`; with `DD_TRACE_LOG_FILE` set `file,ring`",
        "Where log records go. `ring` is what a host polls or drains.",
    ),
    setting(
        "SPANWIRE_LOG_DIALECT",
        Kind::Word(&["native", "json"], |d, v| d.frozen.log_dialect = v),
        "native",
        "How a record reads: readable lines, or one JSON object per line.",
    ),
    setting(
        "DD_TRACE_LOG_FILE",
        Kind::Path(|d, v| d.frozen.log_file = Some(v)),
        "",
        "The log file. `/dev/stdout`, `/dev/stderr` and `/dev/fd/N` mean a copy of that descriptor.",
    ),
    setting(
        "DD_TRACE_LOG_FILE_SIZE_BYTES",
        Kind::Number(0..=1_099_511_627_776, "bytes", |d, v| d.frozen.log_file_size = v),
        "15728640",
        "The size at which the log file is rotated; 0 means never.",
    ),
    setting(
        "SPANWIRE_LOG_FILE_BACKUPS",
        Kind::Number(0..=100, "files", |d, v| d.frozen.log_file_backups = v as u32),
        "1",
        "How many rotated files are kept beside the log file.",
    ),
    setting(
        "SPANWIRE_LOG_FILE_MODE",
        Kind::FileMode(|d, v| d.frozen.log_file_mode = v),
        "0600",
        "The permissions of a new log file. The owner must be able to write.",
    ),
];

static LANGUAGE: &[Setting] = &[
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
