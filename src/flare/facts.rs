//! What a flare is made of, as the tracer gives it. Nothing of it is redacted unless its comment says so.

use crate::event::OpenSpanView;
use crate::export::ConnectionView;
use crate::languages::{About, Dialect};
use crate::level::Level;
use crate::log::Record;
use crate::recorder::{Fate, Snapshot};
use serde_json::Value;
use std::sync::Arc;

/// Why a flare is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Remote configuration asked for it.
    Task,
    /// The host asked to send it.
    Sent,
    /// The host asked for a file.
    Written,
}

impl Occasion {
    /// The occasion's name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Occasion::Task => "remote configuration",
            Occasion::Sent => "spanwire_flare_send",
            Occasion::Written => "spanwire_flare_write",
        }
    }
}

/// The state of a process and one of its tracers at one moment.
pub struct Facts {
    /// Why the flare is made.
    pub occasion: Occasion,
    /// Whose names the files have.
    pub dialect: Dialect,
    /// What lines of the log say of the process.
    pub about: About,
    /// The process id.
    pub pid: u32,
    /// The parent's process id.
    pub parent_pid: u32,
    /// 1, and 1 more for each fork.
    pub epoch: u32,
    /// The program's name.
    pub program: String,
    /// Who the flare is about.
    pub identity: Identity,
    /// The settings with their origins, as one JSON object, redacted.
    pub config_json: String,
    /// The fields of the start-up line, redacted.
    pub startup: Vec<(String, Value)>,
    /// Where every span is.
    pub health: Health,
    /// The tracer's counters, by name.
    pub counters: Vec<(&'static str, u64)>,
    /// The flight recorder, unless it keeps nothing or cannot be read.
    pub recorder: Option<Snapshot>,
    /// What became of the last traces, oldest first.
    pub fates: Vec<Fate>,
    /// The oldest open spans of the process.
    pub open: Vec<OpenSpanView>,
    /// The open spans of the process that are not in `open`.
    pub open_more: u64,
    /// The last records of the log, and how many were dropped before them.
    pub log: (Vec<Arc<Record>>, u64),
    /// The log's level.
    pub level: Level,
    /// Whether debug mode is on.
    pub debug: bool,
    /// What remote configuration has given.
    pub remote: Vec<RemoteConfig>,
    /// What the Agent last said about itself; empty if that is not known.
    pub agent_info: String,
}

/// A configuration of remote configuration, without its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteConfig {
    /// Its product, such as `APM_TRACING`.
    pub product: String,
    /// Its id.
    pub id: String,
    /// Its path.
    pub path: String,
    /// Its version.
    pub version: u64,
    /// Why it is not in force; empty if it is.
    pub error: String,
}

/// Who a flare is about.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The host's language, as it is reported to the Agent.
    pub language: String,
    /// The version of the language.
    pub language_version: String,
    /// The version of the tracer that the user installed.
    pub tracer_version: String,
    /// The service.
    pub service: String,
    /// The environment.
    pub env: String,
    /// The application's version.
    pub version: String,
    /// Identifies this run of the tracer in this process.
    pub runtime_id: String,
}

/// Where the spans of a tracer are, and what limits them.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The tracer's state: `live`, `shut down` or `freed`.
    pub tracer: &'static str,
    /// Whether it makes spans.
    pub enabled: bool,
    /// The Agent's address, as the tracer has it.
    pub agent_url: String,
    /// Whether the Agent answers.
    pub connection: ConnectionView,
    /// Spans started.
    pub started: u64,
    /// Spans finished.
    pub finished: u64,
    /// Spans open now.
    pub open: u64,
    /// Spans that were open at a shutdown.
    pub abandoned: u64,
    /// Spans that the host discarded.
    pub discarded: u64,
    /// Finished spans whose trace is not complete.
    pub waiting: u64,
    /// Finished spans in the queue.
    pub queued: u64,
    /// Finished spans that are being sent.
    pub in_flight: u64,
    /// Spans that the Agent has acknowledged.
    pub sent: u64,
    /// Spans dropped, by reason.
    pub dropped: Vec<(&'static str, u64)>,
    /// Chunks and bytes in the tracer's lane of the queue.
    pub queue: (u64, u64),
    /// Bytes that all spans of the process occupy, and the limit on that.
    pub memory: (u64, u64),
    /// The part of these bytes in tables of slots, and in buffers that are kept for later spans.
    pub memory_parts: (u64, u64),
}
