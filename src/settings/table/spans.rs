//! Settings for spans: identity, creation, the Agent, sending and limits.

use super::{computed, setting, Kind, Protocol, Setting};

pub(super) static IDENTITY: &[Setting] = &[
    computed(
        "DD_SERVICE",
        Kind::Text(|d, v| d.frozen.service = v),
        "the executable's file name",
        "The service of spans that set none. If this is not set, a `service` in `DD_TAGS` is used.",
    ),
    setting(
        "DD_ENV",
        Kind::Text(|d, v| d.frozen.env = v),
        "",
        "The environment, such as `prod`; sets the tag `env`. If this is not set, an `env` in `DD_TAGS` is used.",
    ),
    setting(
        "DD_VERSION",
        Kind::Text(|d, v| d.frozen.version = v),
        "",
        "The application's version; sets the tag `version` on spans of the tracer's own service. If this is not set, a \
         `version` in `DD_TAGS` is used.",
    ),
    setting(
        "DD_TAGS",
        Kind::Tags(|d, v| d.frozen.tags = v),
        "",
        "Tags for every span, separated by commas, or by blanks if the text contains no comma. A key ends at its first colon.",
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
        "Adds the host name to local root spans as the tag `_dd.hostname`.",
    ),
    setting(
        "DD_EXPERIMENTAL_PROPAGATE_PROCESS_TAGS_ENABLED",
        Kind::Switch(|d, v| d.frozen.process_tags = v),
        "true",
        "Adds the names of executable, its folder and the working folder to local root spans, in the tag `_dd.tags.process`.",
    ),
    setting(
        "DD_EXTERNAL_ENV",
        Kind::HeaderText(|d, v| d.frozen.external_env = Some(v)),
        "",
        "The identity of this container, as set by Kubernetes' admission controller; sent to the Agent unchanged.",
    ),
    setting(
        "DD_GIT_REPOSITORY_URL",
        Kind::RepositoryUrl(|d, v| d.frozen.git_repository_url = Some(v)),
        "",
        "The repository of the source, for links from traces to code. Credentials in it are removed.",
    ),
    setting(
        "DD_GIT_COMMIT_SHA",
        Kind::Text(|d, v| d.frozen.git_commit_sha = Some(v)),
        "",
        "The commit of the source, for links from traces to code.",
    ),
];

pub(super) static AGENT: &[Setting] = &[
    setting(
        "DD_TRACE_ENABLED",
        Kind::Switch(|d, v| d.frozen.enabled = v),
        "true",
        "`false`: no span is started. Every start returns 0, and calls on 0 do nothing.",
    ),
    computed(
        "DD_TRACE_AGENT_URL",
        Kind::AgentUrl(|d, v| d.url = Some(v)),
        "see above",
        "The Agent: `http://host:port`, `unix:///path/of/socket` (also `unix:/path`), `otlp+http://host:4318` for an \
         OpenTelemetry Collector, `https://` or `otlp+https://` with the feature `tls`, or `file:///path` to write each trace to a file as a line of JSON. Overrides host and port, unless one of them comes from a stronger source.",
    ),
    setting(
        "DD_AGENT_HOST",
        Kind::AgentHost(|d, v| d.host = v),
        "localhost",
        "The Agent's host, used together with `DD_TRACE_AGENT_PORT`.",
    ),
    setting(
        "DD_TRACE_AGENT_PORT",
        Kind::Number(1..=65_535, "", |d, v| d.port = v as u16),
        "8126",
        "The Agent's port, used together with `DD_AGENT_HOST`.",
    ),
    setting(
        "DD_TRACE_AGENT_PROTOCOL_VERSION",
        Kind::Word(Protocol::WORDS, |d, v| d.frozen.protocol = Protocol::of(v)),
        "0.4",
        "The version of the format that the Agent is sent, if it lists it in `/info`; else `0.4`. See [Formats](formats.md).",
    ),
];

pub(super) static SPANS: &[Setting] = &[
    setting(
        "DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED",
        Kind::Switch(|d, v| d.frozen.trace_id_128 = v),
        "true",
        "New traces get 128-bit ids; `false`: 64 bits.",
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
        "The number of finished spans in a trace at which a partial flush sends them.",
    ),
];

pub(super) static SENDING: &[Setting] = &[
    setting(
        "SPANWIRE_FLUSH_INTERVAL_MS",
        Kind::Millis(10..=3_600_000, |d, v| d.frozen.flush_interval = v),
        "1000",
        "The longest time that a finished trace waits before it is sent.",
    ),
    setting(
        "SPANWIRE_FLUSH_BYTES",
        Kind::Number(1_024..=67_108_864, "bytes", |d, v| d.frozen.flush_bytes = v as usize),
        "262144",
        "Sends earlier once the queue holds so many bytes of this tracer.",
    ),
    setting(
        "SPANWIRE_PAYLOAD_MAX",
        Kind::Number(1_024..=26_214_400, "bytes", |d, v| d.frozen.payload_max_bytes = v as usize),
        "4194304",
        "The largest payload; larger ones are split. Agents accept at most 25 MiB.",
    ),
    setting(
        "SPANWIRE_QUEUE_MAX",
        Kind::Number(4_096..=1_073_741_824, "bytes", |d, v| d.frozen.queue_max_bytes = v as usize),
        "16777216",
        "The most bytes of this tracer that the queue holds. When it is full, new traces are dropped and counted.",
    ),
    setting(
        "SPANWIRE_QUEUE_MAX_CHUNKS",
        Kind::Number(1..=1_048_576, "chunks", |d, v| d.frozen.queue_max_chunks = v as usize),
        "65536",
        "The most chunks of this tracer that the queue holds. A chunk is a trace, or a part of one that is sent together.",
    ),
    setting(
        "SPANWIRE_MEMORY_MAX",
        Kind::Number(1_048_576..=17_179_869_184, "bytes", |d, v| d.frozen.memory_max = v as usize),
        "67108864",
        "The most memory for all spans: open, waiting and queued. Open spans may use three quarters of it.",
    ),
    setting(
        "SPANWIRE_CONTROL",
        Kind::Switch(|d, v| d.frozen.control = v),
        "true",
        "Whether `spanwire ctl` may ask the process for a local socket, which answers its user and root. Off if one tracer turns it off.",
    ),
    setting(
        "SPANWIRE_CONNECT_TIMEOUT_MS",
        Kind::Millis(1..=60_000, |d, v| d.frozen.connect_timeout = v),
        "1000",
        "Time limit for connecting to the Agent.",
    ),
    setting(
        "SPANWIRE_REQUEST_TIMEOUT_MS",
        Kind::Millis(1..=600_000, |d, v| d.frozen.request_timeout = v),
        "2000",
        "Time limit for one request to the Agent, including the answer.",
    ),
    setting(
        "SPANWIRE_RETRY_FOR_MS",
        Kind::Millis(0..=3_600_000, |d, v| d.frozen.retry_for = v),
        "60000",
        "How long one payload is retried while the Agent cannot accept it; 0 means one attempt.",
    ),
];

pub(super) static REMOTE: &[Setting] = &[
    setting(
        "DD_REMOTE_CONFIGURATION_ENABLED",
        Kind::Switch(|d, v| d.frozen.remote_configuration = v),
        "true",
        "Asks the Agent for remote configuration, if it offers that: sampling, tags, switches, the level of the log, and \
         requests for flares. See [Remote configuration](remote-configuration.md).",
    ),
    setting(
        "DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS",
        Kind::Seconds(0.05..=86_400.0, |d, v| d.frozen.remote_interval = v),
        "5",
        "How often the Agent is asked.",
    ),
];
