//! The table's part about spans: whose they are, how they are made, where they go, and what bounds that.

use super::{computed, setting, Kind, Setting};

pub(super) static IDENTITY: &[Setting] = &[
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

pub(super) static AGENT: &[Setting] = &[
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
        "The Agent: `http://host:port`, `unix:///path/of/socket` (also `unix:/path`), or `file:///path` for one JSON object per trace and line. \
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

pub(super) static SPANS: &[Setting] = &[
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

pub(super) static SENDING: &[Setting] = &[
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
        "Sends earlier once so much of this tracer waits in the queue.",
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
        "How much of this tracer the queue holds. When it is full, new traces are dropped and counted.",
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
        "All that spans may occupy, open, waiting and queued; open ones three quarters of it.",
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
