//! What one style reads: values that point into its headers. Texts are never empty.

use super::text::{hex, Upper};

/// A context as one style's headers say it. Without a trace id it is a sampling decision alone.
#[derive(Clone, Copy, Default)]
pub struct Found<'a> {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id; 0 where there is only a decision.
    pub trace_id_low: u64,
    /// The parent span; 0 for none.
    pub span_id: u64,
    /// The sampling priority, if the headers have one.
    pub priority: Option<i32>,
    /// The number of `_dd.p.dm`.
    pub mechanism: Option<i32>,
    /// The origin.
    pub origin: Option<&'a [u8]>,
    /// `x-datadog-tags`, checked, if it has more than what is a value of its own.
    pub tags: Option<&'a [u8]>,
    /// The member `dd` of tracestate; its texts are encoded.
    pub dd: Option<&'a [u8]>,
    /// Whether `dd` is of the same trace's other headers, and only what it alone has is kept.
    pub dd_is_beside: bool,
    /// Whether `dd` has more than what is a value of its own.
    pub has_more: bool,
    /// The part of tracestate with the members of other vendors.
    pub foreign: Option<&'a [u8]>,
    /// The header `tracestate`.
    pub tracestate: Option<&'a [u8]>,
    /// The part `p` of tracestate's member `dd`: the last span of a Datadog tracer, in 16 digits.
    pub dd_parent: Option<&'a [u8]>,
    /// The last span of a Datadog tracer, of headers that disagree about the parent.
    pub last_parent: Option<u64>,
    /// What is wrong.
    pub fault: Option<Misread<'a>>,
}

impl Found<'_> {
    /// Whether two contexts are of one trace.
    pub fn is_of_trace(&self, other: &Found<'_>) -> bool {
        (self.trace_id_high, self.trace_id_low) == (other.trace_id_high, other.trace_id_low)
    }

    /// The last span of a Datadog tracer, as tracestate says it.
    pub fn parent_of_dd(&self) -> Option<u64> {
        hex(self.dd_parent?, Upper::Refused)
    }
}

/// Why `x-datadog-tags` was not read, or not all of it.
#[derive(Clone, Copy)]
pub enum Misread<'a> {
    /// A pair without `=`, or an invalid decision maker.
    Decoding,
    /// Longer than the limit.
    TooLong,
    /// `_dd.p.tid` is not the high half of a trace id.
    TraceIdHigh(&'a [u8]),
}

/// A context that the new trace is linked to.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    /// The name of the style that found it.
    pub style: &'static str,
    /// What it found.
    pub context: Found<'a>,
    /// Why it is not continued.
    pub reason: Reason,
}

/// Why a context is not continued.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Another style found another trace before.
    Terminated,
    /// The setting demands a new trace.
    Restarted,
}

impl Reason {
    /// The word in links.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Terminated => "terminated_context",
            Reason::Restarted => "propagation_behavior_extract",
        }
    }
}
