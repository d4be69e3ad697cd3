//! What payloads say about a tracer: who sends, which tags its spans get, its settings. Frozen when the tracer is made.

mod json;
mod pairs;
mod process_tags;

pub use json::inspected;
pub use pairs::Pairs;
pub use process_tags::TAG as PROCESS_TAGS;

use crate::host;
use crate::settings::Settings;
use crate::span::ids;
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The frozen settings.
    pub settings: Arc<Settings>,
    /// Identifies this run of the tracer in this process.
    pub runtime_id: String,
    /// Who sends, for request headers.
    pub identity: Identity,
    /// The service of spans that name none.
    pub service: String,
    /// The address of the Agent.
    pub agent_url: String,
    /// The application's version, on spans of that service.
    pub version: String,
    /// Text tags for every span: environment and `DD_TAGS`.
    pub every_span: Pairs,
    /// Text tags for the first span of a chunk: the same, and tags about the tracer itself. No key occurs twice.
    pub first_span: Pairs,
    /// The number of the process.
    pub process_id: u32,
    /// All of it as JSON text, for debuggers and readers of cores.
    pub json: String,
}

impl Metadata {
    /// The metadata of a tracer with these settings in this process. Reads a few files under /proc and /sys.
    // The first call in a forked child comes here, perhaps on a small stack: no frame holds settings or metadata twice.
    #[inline(never)]
    pub fn of(settings: &Settings, process_id: u32) -> Metadata {
        Metadata::of_run(shared(settings), process_id, ids::runtime_id())
    }

    /// The metadata of the same run of the tracer with other settings.
    pub fn changed(&self, settings: &Settings) -> Metadata {
        Metadata::of_run(shared(settings), self.process_id, self.runtime_id.clone())
    }

    /// Whether both are of the same run of a tracer.
    pub fn is_of_same(&self, other: &Metadata) -> bool {
        self.runtime_id == other.runtime_id
    }

    // Takes the settings shared, so that they are not copied while this frame is on the stack.
    #[inline(never)]
    fn of_run(shared: Arc<Settings>, process_id: u32, runtime_id: String) -> Metadata {
        let settings = &*shared;
        // These belong to the trace, and are written when a chunk is encoded.
        let of_traces = |key: &str| matches!(key, "_dd.p.dm" | "_dd.p.tid" | "_dd.p.ksr");
        let mut every_span: Vec<_> = settings.tags.iter().filter(|(key, _)| !of_traces(key)).cloned().collect();
        if !settings.env.is_empty() {
            every_span.push(("env".into(), settings.env.clone()));
        }
        let mut first_span =
            vec![("runtime-id".to_string(), runtime_id.clone()), ("language".into(), language_tag(&settings.language))];
        let optional = [
            ("_dd.hostname", settings.report_hostname.then(|| settings.hostname.clone())),
            ("_dd.git.repository_url", settings.git_repository_url.clone()),
            ("_dd.git.commit.sha", settings.git_commit_sha.clone()),
            (process_tags::TAG, settings.process_tags.then(|| process_tags::of(settings))),
        ];
        first_span.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_string(), value?))));
        let own = first_span.len();
        for (key, value) in &every_span {
            if !first_span[..own].iter().any(|(other, _)| other == key) {
                first_span.push((key.clone(), value.clone()));
            }
        }
        let mut metadata = Metadata {
            identity: Identity {
                language: settings.language.clone(),
                language_version: settings.language_version.clone(),
                interpreter: settings.interpreter.clone(),
                interpreter_vendor: settings.interpreter_vendor.clone(),
                tracer_version: settings.tracer_version.clone(),
                container_id: host::container_id(),
                entity_id: host::entity_id(),
                external_env: settings.external_env.clone(),
                no_statistics: !settings.sampling.apm_tracing,
            },
            runtime_id,
            service: settings.service.clone(),
            agent_url: settings.agent.to_string(),
            version: settings.version.clone(),
            every_span: Pairs::of(every_span),
            first_span: Pairs::of(first_span),
            process_id,
            settings: Arc::clone(&shared),
            json: String::new(),
        };
        metadata.json = json::of(&metadata);
        metadata
    }

    /// About how much memory it occupies, in bytes.
    pub fn weight(&self) -> usize {
        // The text has every setting once; the settings themselves and their texts take about twice as much again.
        size_of::<Metadata>() + 3 * self.json.len()
    }
}

#[inline(never)]
fn shared(settings: &Settings) -> Arc<Settings> {
    Arc::new(settings.clone())
}

/// Returns the value of the spans' language tag. For Node.js it differs from the header's value, and dashboards expect
/// that.
fn language_tag(language: &str) -> String {
    if language == "nodejs" { "javascript" } else { language }.to_string()
}

/// Who sends: the host language and where the process runs. An empty text is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The host's language, such as `php`.
    pub language: String,
    /// Its version.
    pub language_version: String,
    /// What runs it, such as `fpm-fcgi`.
    pub interpreter: String,
    /// Who made that.
    pub interpreter_vendor: String,
    /// The version of the tracer that the user installed.
    pub tracer_version: String,
    /// The container's id, 64 hexadecimal digits as a rule.
    pub container_id: Option<String>,
    /// `ci-<container id>` or `in-<inode>`.
    pub entity_id: Option<String>,
    /// What an admission controller put into the environment for the agent.
    pub external_env: Option<String>,
    /// Whether the Agent must not compute statistics of the traces (`DD_APM_TRACING_ENABLED`).
    pub no_statistics: bool,
}
