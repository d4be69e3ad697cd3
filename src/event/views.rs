//! What events show of spans, of the queue, and of what was sent so far.

use crate::span::links::{Event, Link};
use std::time::Duration;

/// A span as a log shows it. Borrowed from the span's record for as long as the event is formatted.
#[derive(Clone, Debug)]
pub struct SpanView<'a> {
    /// The whole 128-bit trace id.
    pub trace_id: u128,
    /// The span's id.
    pub span_id: u64,
    /// The parent's id; 0 for a root.
    pub parent_id: u64,
    /// The operation's name.
    pub name: &'a str,
    /// The service, the tracer's own where the span has none.
    pub service: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// The span's type (`web`, `sql`, …), or empty.
    pub span_type: &'a str,
    /// Start, nanoseconds since 1970.
    pub start_ns: i64,
    /// Duration in nanoseconds; 0 while the span is open.
    pub duration_ns: i64,
    /// Whether the span carries an error.
    pub error: bool,
    /// Text tags in the order in which they were first set.
    pub tags: Vec<(&'a str, &'a str)>,
    /// Numeric tags in the order in which they were first set.
    pub metrics: Vec<(&'a str, f64)>,
    /// Links to other spans.
    pub links: Vec<Link<'a>>,
    /// Events.
    pub events: Vec<Event<'a>>,
    /// Whether its parent, if it has one, is not of this process.
    pub local_root: bool,
    /// The trace's sampling priority, if it is decided. A chunk carries it on its first span.
    pub priority: Option<i32>,
    /// How that was decided (`_dd.p.dm`): 0 by default, -4 by hand, …; `None` if elsewhere.
    pub decision_maker: Option<i32>,
}

/// The position of a span in its trace just after it was started or finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Spans of the trace that are open, in this process.
    pub open: u64,
    /// Finished spans of it that wait to leave.
    pub finished: u64,
    /// Whether what waits leaves now: because nothing is open any more, or by partial flush.
    pub leaves: bool,
}

/// An open span as a list of them shows it.
#[derive(Clone, Debug)]
pub struct OpenSpanView {
    /// The whole 128-bit trace id.
    pub trace_id: u128,
    /// The span's id.
    pub span_id: u64,
    /// The parent's id; 0 for a root.
    pub parent_id: u64,
    /// The operation's name.
    pub name: String,
    /// The resource.
    pub resource: String,
    /// The tag `component`, or empty.
    pub component: String,
    /// Start, nanoseconds since 1970.
    pub start_ns: i64,
    /// How long it has been open.
    pub age: Duration,
    /// The trace's sampling priority, if it is decided.
    pub priority: Option<i32>,
}

/// How full the queue was when a chunk did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Chunks that waited.
    pub chunks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The most bytes that may wait.
    pub max_bytes: u64,
    /// The bytes of what did not fit.
    pub chunk_bytes: u64,
}

/// Traces that one agent was offered so far, this payload's among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Traces in payloads that were taken.
    pub sent: u64,
    /// Traces in payloads that were not.
    pub failed: u64,
}

/// A trace whose sampling was decided, by its local root span.
#[derive(Clone, Copy, Debug)]
pub struct SampledView<'a> {
    /// The whole 128-bit trace id.
    pub trace_id: u128,
    /// The local root's id; 0 if it was discarded.
    pub span_id: u64,
    /// Its parent's id; 0 for none.
    pub parent_id: u64,
    /// Its name.
    pub name: &'a str,
    /// Its service.
    pub service: &'a str,
    /// Its environment; may be empty.
    pub env: &'a str,
    /// The sampling priority, from -1 to 2.
    pub priority: i32,
    /// The mechanism, as `_dd.p.dm` has it: 0 or negative.
    pub mechanism: i32,
    /// The rate that was applied.
    pub rate: Option<f64>,
    /// The share that the rate limit let through lately, if it was asked.
    pub limit_rate: Option<f64>,
    /// The limit of traces per second, if it rejected the trace.
    pub limited_to: Option<f64>,
    /// What decided.
    pub by: DecidedBy<'a>,
}

impl SampledView<'static> {
    /// A decision with nothing in it.
    pub const NOTHING: SampledView<'static> = SampledView {
        trace_id: 0,
        span_id: 0,
        parent_id: 0,
        name: "",
        service: "",
        env: "",
        priority: 0,
        mechanism: 0,
        rate: None,
        limit_rate: None,
        limited_to: None,
        by: DecidedBy::Default,
    };
}

impl SpanView<'static> {
    /// A span with nothing in it.
    pub const NOTHING: SpanView<'static> = SpanView {
        trace_id: 0,
        span_id: 0,
        parent_id: 0,
        name: "",
        service: "",
        resource: "",
        span_type: "",
        start_ns: 0,
        duration_ns: 0,
        error: false,
        tags: Vec::new(),
        metrics: Vec::new(),
        links: Vec::new(),
        events: Vec::new(),
        local_root: false,
        priority: None,
        decision_maker: None,
    };
}

/// What decided about a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy<'a> {
    /// No rule and no rate: the trace is kept.
    Default,
    /// A rate from the Agent.
    AgentRate,
    /// A rule of `DD_TRACE_SAMPLING_RULES`.
    Rule {
        /// Its place, from 0.
        place: usize,
        /// The rule as it was given, redacted and cut.
        text: &'a str,
    },
    /// `DD_TRACE_SAMPLE_RATE`.
    SampleRate,
    /// `DD_APM_TRACING_ENABLED=false`.
    Minute,
    /// The host, by hand.
    Host,
}

impl DecidedBy<'_> {
    /// A word for it.
    pub fn name(&self) -> &'static str {
        match self {
            DecidedBy::Default => "default",
            DecidedBy::AgentRate => "agent",
            DecidedBy::Rule { .. } => "rule",
            DecidedBy::SampleRate => "sample_rate",
            DecidedBy::Minute => "one_a_minute",
            DecidedBy::Host => "host",
        }
    }
}
