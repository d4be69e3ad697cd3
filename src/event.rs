//! What can happen in the tracer, as data: numbers, enums, and texts from outside. A language turns an event into the
//! line that its readers know; nothing here filters or stores. No event has a field for a sentence, so that nothing
//! reads one back (`tests/typed_events.rs`).

pub mod dropped;
pub mod facts;
mod flare;
mod names;
pub mod remote;
pub mod send_error;
pub mod tls;
mod views;

pub use dropped::DropDetail;
pub use facts::Facts;
pub use flare::FlareFault;
pub use names::{Outlet, Thread};
pub use send_error::{SendError, SendErrorClass};
pub use views::{DecidedBy, OpenSpanView, QueueView, SampledView, SpanView, Standing, Totals};

use crate::counters::Reason;
use crate::level::Level;
use crate::os_error::OsError;
use crate::settings::rejection::Unusable;
use crate::settings::{Origin, Rejection};
use remote::RemoteFault;
use serde_json::Value;
use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

/// Something that happened. Every variant is produced by exactly that happening.
#[derive(Clone, Debug)]
// The fields are what their names say; the variants' own comments say the rest.
#[allow(missing_docs)]
#[allow(clippy::enum_variant_names)] // `HostEvent` is what a host calls an event.
pub enum Event<'a> {
    /// The start-up line: the frozen settings as the fields of one JSON object, in the order in which people read them.
    /// Once a tracer, when its agent first answered or failed; `agent_error` says how. `abandoned_spans`: the mode
    /// that looks for spans that stay open is on.
    TracerConfigured {
        fields: &'a [(String, Value)],
        agent_url: &'a str,
        agent_error: Option<&'a SendError>,
        abandoned_spans: bool,
    },
    /// Records go to this file from here on.
    LogFileOpened { path: &'a str },
    /// A value, or a part of one, that cannot be used. [`Rejection::consequence`] says what applies.
    SettingRejected { name: &'a str, value: &'a str, origin: Origin, why: &'a Rejection },
    /// These settings were set, and this version does not have them.
    SettingsUnsupported { names: &'a [&'a str] },
    /// A tracer asks for another log than the process already has.
    LogSettingsDiffer,
    /// Spans have nowhere to go: the agent's URL cannot be served.
    AgentUnusable { why: Unusable },
    /// A host told of an integration.
    IntegrationLoaded { name: &'a str, version: &'a str, status: &'a str },
    /// A span was started.
    SpanStarted { span: &'a SpanView<'a>, standing: Standing },
    /// A span was finished.
    SpanFinished { span: &'a SpanView<'a>, standing: Standing },
    /// A sampler, or the host by hand, decided whether a trace is kept.
    TraceDecided { trace: &'a SampledView<'a> },
    /// A span was started under a parent that has finished, or never was: it became the root of a new trace.
    ParentUnknown { parent: u64, name: &'a str },
    /// A chunk of finished spans went to the queue. `complete` is false for a partial flush. `list` has its spans where
    /// [`crate::languages::Dialect::lists_spans`] says that they are wanted, and is empty elsewhere.
    ChunkEnqueued {
        trace_id: u128,
        spans: u64,
        bytes: u64,
        complete: bool,
        queued_chunks: u64,
        queued_bytes: u64,
        agent_url: &'a str,
        list: &'a [SpanView<'a>],
    },
    /// A payload is about to be sent. `attempt` counts from 1.
    PayloadSending { url: &'a str, bytes: u64, traces: u64, spans: u64, attempt: u32 },
    /// The agent took a payload. `recovered`: the attempt before this one had failed.
    PayloadSent {
        url: &'a str,
        bytes: u64,
        traces: u64,
        spans: u64,
        time: Duration,
        status: u16,
        answer: &'a str,
        attempt: u32,
        recovered: bool,
        totals: Totals,
    },
    /// The agent answered, but not with success. `retry` says whether the payload will be tried again.
    AgentRefused {
        url: &'a str,
        status: u16,
        answer: &'a str,
        bytes: u64,
        traces: u64,
        spans: u64,
        attempt: u32,
        retry: bool,
        totals: Totals,
    },
    /// No answer from the agent. `retry` as above; `attempt` counts from 1. `first`: it had answered before, or was
    /// never asked.
    AgentUnreachable {
        url: &'a str,
        error: &'a SendError,
        bytes: u64,
        traces: u64,
        spans: u64,
        attempt: u32,
        retry: bool,
        first: bool,
        totals: Totals,
    },
    /// The agent answers again after failures.
    AgentReachable { url: &'a str, after: Duration },
    /// `/info` was read.
    AgentInfo { url: &'a str, version: &'a str, endpoints: u64 },
    /// Payloads are sent to this URL from here on, in a format that is not the one that was asked for, or that is again.
    /// `refused`: the status with which the agent has refused the format before it; otherwise `/info` does not list the
    /// one that was asked for.
    AgentFormat { url: &'a str, asked: &'a str, refused: Option<u16>, granted: bool },
    /// The agent's remote configuration has changed. `paths` are those of all configurations from now on, `version` is
    /// that of the list of targets.
    RemoteConfigReceived { url: &'a str, version: u64, paths: &'a [&'a str], time: Duration },
    /// Remote configuration is not used: the one with this path, or without a path the whole answer. What was in force
    /// before stays so. Once, until something else is wrong.
    RemoteConfigFailed { path: &'a str, why: &'a RemoteFault },
    /// A setting has another value while the tracer runs, or again the value that it had before.
    SettingChanged { name: &'a str, value: &'a str, origin: Origin },
    /// Finished spans were dropped. `reason` says which counter counts them.
    SpansDropped { reason: Reason, spans: u64, traces: u64, detail: &'a DropDetail },
    /// Loss of a kind began (the first drop after a time without).
    LossBegan { reason: Reason },
    /// Loss of a kind ended; `spans` were lost meanwhile.
    LossEnded { reason: Reason, spans: u64 },
    /// Spans were still open at shutdown; they are not sent. `open` has the oldest of them, a hundred at most.
    SpansAbandoned { spans: u64, open: &'a [OpenSpanView] },
    /// Spans are open for longer than `DD_TRACE_ABANDONED_SPAN_TIMEOUT`, or, where `stopping`, are open at all when the
    /// tracer is shut down. Only in the mode that looks for them.
    SpansOverdue { spans: u64, open: &'a [OpenSpanView], stopping: bool },
    /// A tracer was shut down. `spans_lost` were dropped meanwhile. `spans_unknown` were sent, and no answer came in
    /// time: the agent may have them or not. `timed_out`: the time for it was over first.
    TracerStopped { sent: u64, spans_lost: u64, spans_unknown: u64, timed_out: bool },
    /// The process was forked, and this is the child.
    Forked { parent_pid: u32 },
    /// In a forked child the look-up of the agent's name has not returned for so long. `given_up` look-ups hang for so
    /// long that no answer is expected any more; after `most` of them no further one is started.
    LookupHangs { host: &'a str, time: Duration, given_up: u32, most: u32 },
    /// A thread of ours cannot be started. Once, until it can be started again.
    ThreadNotStarted { thread: Thread, errno: i32 },
    /// A thread that could not be started runs now.
    ThreadStarted { thread: Thread, after: Duration },
    /// A panic was caught at the boundary.
    PanicCaught { message: &'a str },
    /// Tracing has turned itself off for good, after too many panics.
    TurnedOff,
    /// A flare was sent to the Agent.
    FlareSent { case_id: &'a str, url: &'a str, bytes: u64 },
    /// A flare was not sent.
    FlareFailed { case_id: &'a str, url: &'a str, why: &'a FlareFault },
    /// A host's own record (`spanwire_log_write`).
    HostText { level: Level, target: &'a str, text: &'a str },
    /// A host's own event (`spanwire_log_event`).
    HostEvent { kind: &'a str, fields: &'a [(&'a str, &'a str)] },
    /// Log records were lost because a sink or the reader was too slow.
    RecordsLost { sink: Outlet, records: u64 },
    /// The log goes to the file `used`, because `wanted` cannot be written.
    LogFileMoved { wanted: &'a Path, used: &'a Path, error: &'a OsError },
    /// The log file cannot be written. `to_stderr`: records go to standard error meanwhile; else they are lost.
    LogFileNotWritten { path: &'a Path, error: &'a OsError, to_stderr: bool },
}

impl Event<'_> {
    /// The level at which this event is logged.
    pub fn level(&self) -> Level {
        match self {
            Event::HostText { level, .. } => *level,
            Event::HostEvent { kind, .. } if kind.ends_with(".failed") => Level::Warn,
            Event::FlareFailed { why, .. } if why.is_expected() => Level::Info,
            Event::SpansDropped { .. }
            | Event::SpanStarted { .. }
            | Event::SpanFinished { .. }
            | Event::TraceDecided { .. }
            | Event::ChunkEnqueued { .. }
            | Event::LogFileOpened { .. }
            | Event::PayloadSending { .. }
            | Event::PayloadSent { .. }
            | Event::IntegrationLoaded { .. }
            | Event::ParentUnknown { .. }
            | Event::AgentInfo { .. }
            | Event::RemoteConfigReceived { .. }
            | Event::RemoteConfigFailed { why: RemoteFault::NoAnswer(_), .. }
            | Event::HostEvent { .. }
            | Event::Forked { .. }
            | Event::TracerStopped { timed_out: false, spans_lost: 0, spans_unknown: 0, .. } => Level::Debug,
            Event::TracerConfigured { .. }
            | Event::AgentReachable { .. }
            | Event::AgentFormat { granted: true, .. }
            | Event::ThreadStarted { .. }
            | Event::SettingChanged { .. }
            | Event::FlareSent { .. }
            | Event::LossEnded { .. } => Level::Info,
            Event::SettingRejected { .. }
            | Event::SettingsUnsupported { .. }
            | Event::LogSettingsDiffer
            | Event::AgentFormat { .. }
            | Event::RemoteConfigFailed { .. }
            | Event::LogFileMoved { .. }
            | Event::SpansAbandoned { .. }
            | Event::SpansOverdue { .. }
            | Event::LossBegan { .. }
            | Event::RecordsLost { .. }
            | Event::LookupHangs { .. }
            | Event::FlareFailed { .. }
            | Event::TracerStopped { .. } => Level::Warn,
            Event::AgentRefused { .. }
            | Event::AgentUnreachable { .. }
            | Event::ThreadNotStarted { .. }
            | Event::AgentUnusable { .. }
            | Event::LogFileNotWritten { .. }
            | Event::TurnedOff
            | Event::PanicCaught { .. } => Level::Error,
        }
    }

    /// Whether it comes so seldom that a dialect may be asked for its lines whatever the level: some tracers say louder
    /// than debug what is debug for us.
    pub fn is_rare(&self) -> bool {
        match self {
            Event::SpanStarted { .. }
            | Event::SpanFinished { .. }
            | Event::TraceDecided { .. }
            | Event::ParentUnknown { .. }
            | Event::ChunkEnqueued { .. }
            | Event::PayloadSending { .. }
            | Event::SpansDropped { .. }
            | Event::HostText { .. } => false,
            // Of a host's own, those that a tracer has such a line for.
            Event::HostEvent { kind, .. } => {
                kind.ends_with(".failed")
                    || matches!(
                        *kind,
                        "transport.chosen"
                            | "integrations.loaded"
                            | "rate_limited"
                            | "remote_config.received"
                            | "flare.sent"
                    )
            }
            _ => true,
        }
    }

    /// The event's stable name: `kind` in the `json` dialect, `target` of a record in the C API.
    pub fn kind(&self) -> &str {
        match self {
            Event::HostText { target, .. } => target,
            Event::HostEvent { kind, .. } => kind,
            event => event.kind_of_ours(),
        }
    }

    /// The event's stable name as the name of a logger.
    pub fn logger(&self) -> Cow<'static, str> {
        match self {
            Event::HostText { target, .. } => Cow::Owned(target.to_string()),
            Event::HostEvent { kind, .. } => Cow::Owned(kind.to_string()),
            event => Cow::Borrowed(event.kind_of_ours()),
        }
    }

    /// The stable name of an event that is not the host's.
    fn kind_of_ours(&self) -> &'static str {
        match self {
            Event::HostText { .. } | Event::HostEvent { .. } => "",
            Event::TracerConfigured { .. } => "startup",
            Event::SettingRejected { .. } | Event::LogSettingsDiffer => "setting",
            Event::SettingsUnsupported { .. } => "settings.unsupported",
            Event::IntegrationLoaded { .. } => "integration",
            Event::LogFileOpened { .. } | Event::LogFileMoved { .. } | Event::LogFileNotWritten { .. } => "log.file",
            Event::SpanStarted { .. } => "span.started",
            Event::SpanFinished { .. } => "span.finished",
            Event::TraceDecided { .. } => "trace.decided",
            Event::ParentUnknown { .. } => "span.parent",
            Event::ChunkEnqueued { .. } => "chunk.enqueued",
            Event::PayloadSending { .. } => "payload.sending",
            Event::PayloadSent { .. } => "payload.sent",
            Event::AgentRefused { .. } => "agent.refused",
            Event::AgentUnreachable { .. } => "agent.unreachable",
            Event::AgentReachable { .. } => "agent.reachable",
            Event::AgentInfo { .. } => "agent.info",
            Event::AgentFormat { .. } => "agent.format",
            Event::RemoteConfigReceived { .. } => "remote_config.received",
            Event::RemoteConfigFailed { .. } => "remote_config.failed",
            Event::SettingChanged { .. } => "setting.changed",
            Event::AgentUnusable { .. } => "agent.unusable",
            Event::SpansDropped { .. } => "spans.dropped",
            Event::LossBegan { .. } => "loss.began",
            Event::LossEnded { .. } => "loss.ended",
            Event::SpansAbandoned { .. } => "spans.abandoned",
            Event::SpansOverdue { .. } => "spans.overdue",
            Event::TracerStopped { .. } => "tracer.stopped",
            Event::Forked { .. } => "process.forked",
            Event::LookupHangs { .. } => "agent.lookup",
            Event::ThreadNotStarted { .. } | Event::ThreadStarted { .. } => "limits.threads",
            Event::PanicCaught { .. } | Event::TurnedOff => "panic",
            Event::FlareSent { .. } => "flare.sent",
            Event::FlareFailed { .. } => "flare.failed",
            Event::RecordsLost { .. } => "log.lost",
        }
    }
}
