//! What became of a trace.
#![allow(non_camel_case_types)]

use super::guard;
use super::sized::{OutSized, Sized_};
use super::status::*;
use super::submit::SPANWIRE_PRIORITY_NONE;
use crate::recorder::fates::cause::{rule, CauseKind};
use crate::recorder::fates::Standing;
use crate::tracer::fates::{self, Known};
use std::ffi::c_char;

/// The process does not know the trace: it is older than the last 16,384 traces, or never was in this process.
pub const SPANWIRE_FATE_UNKNOWN: u32 = 0;
/// Spans of the trace are open.
pub const SPANWIRE_FATE_OPEN: u32 = 1;
/// Its finished spans wait in the queue.
pub const SPANWIRE_FATE_QUEUED: u32 = 2;
/// The worker sends it, or waits to try again.
pub const SPANWIRE_FATE_IN_FLIGHT: u32 = 3;
/// The agent has acknowledged all its spans.
pub const SPANWIRE_FATE_SENT: u32 = 4;
/// Spans of it were dropped; `dropped` says for which reason.
pub const SPANWIRE_FATE_DROPPED: u32 = 5;
/// It was not sent: its spans were open when the tracer was shut down.
pub const SPANWIRE_FATE_ABANDONED: u32 = 6;
/// It was not sent: the host discarded its spans.
pub const SPANWIRE_FATE_DISCARDED: u32 = 7;

/// `rule` of a decision by `DD_TRACE_SAMPLE_RATE`.
pub const SPANWIRE_FATE_SAMPLE_RATE: u32 = 32_767;
const _: () = assert!(SPANWIRE_FATE_SAMPLE_RATE == rule::SAMPLE_RATE as u32);
/// `rule` of a decision by `DD_APM_TRACING_ENABLED=false`, which keeps one trace a minute.
pub const SPANWIRE_FATE_MINUTE: u32 = 32_766;
const _: () = assert!(SPANWIRE_FATE_MINUTE == rule::MINUTE as u32);

/// What became of a trace in this process.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_fate {
    /// `sizeof(spanwire_fate)`, set by the caller.
    pub size: usize,
    /// High half of the trace id; 0 if the trace is not known.
    pub trace_id_high: u64,
    /// Low half of the trace id; 0 if the trace is not known.
    pub trace_id_low: u64,
    /// One of `SPANWIRE_FATE_*`.
    pub state: u32,
    /// Why spans were dropped last: 0 if none were, else 1 for `dropped_queue_full` of spanwire_stats, 2 for
    /// `dropped_memory`, and so on.
    pub dropped: u32,
    /// Spans that are open now.
    pub spans_open: u64,
    /// Finished spans that wait for these.
    pub spans_waiting: u64,
    /// Finished spans in the queue or on the way to the agent.
    pub spans_pending: u64,
    /// Spans that the agent has acknowledged.
    pub spans_sent: u64,
    /// Spans that were dropped.
    pub spans_dropped: u64,
    /// Attempts to send its spans that failed and were repeated.
    pub attempts_failed: u32,
    /// Status of the agent's last answer that concerned the trace; 0 if it has not answered.
    pub http_status: u32,
    /// Error of the last attempt, if it was one of the system; else 0.
    pub error_number: i32,
    /// Sampling priority; SPANWIRE_PRIORITY_NONE if the trace is not decided. The agent stores no trace with 0 or less.
    pub priority: i32,
    /// What decided, as the tag `_dd.p.dm` has it: 0 default, -1 the agent's rates, -3 a rule or rate of the
    /// settings, -4 the program; SPANWIRE_PRIORITY_NONE if that is not known.
    pub mechanism: i32,
    /// Place of the rule in DD_TRACE_SAMPLING_RULES that decided, from 1; 0 for none; SPANWIRE_FATE_SAMPLE_RATE or
    /// SPANWIRE_FATE_MINUTE.
    pub rule: u32,
    /// Rate of the decision, from 0 to 1; -1 for none.
    pub rate: f64,
    /// 1 if the rate kept the trace and a limit on traces per second rejected it; else 0.
    pub limited: u32,
    /// 1 if another process made the decision, else 0.
    pub decided_elsewhere: u32,
    /// When the first spans were handed over to be sent, in nanoseconds since 1970; 0 if none were.
    pub handed_ns: u64,
    /// When what is above last changed, in nanoseconds since 1970; 0 if no spans were handed over.
    pub changed_ns: u64,
    /// All that in one English sentence, for people; NUL-terminated, without a newline. It may change: do not parse it.
    pub text: [c_char; 512],
}

// SAFETY: `repr(C)`, begins with its size, and holds numbers only.
unsafe impl Sized_ for spanwire_fate {}

/// Says what became of a trace: whether it is open, waits, was sent or dropped, and why. The flight recorder keeps this
/// of the last 16,384 traces that were handed over to be sent; of the first 512 from the beginning, and of more as long
/// as the system gives memory. `spanwire why` reads the same from outside.
///
/// A trace here is the part of it in this process. The ids are those that spanwire_span_context() returns.
///
/// @param trace_id_high  high half of the trace id; 0 if it is not known, and then any trace with that low half counts
/// @param trace_id_low   low half of the trace id
/// @param out            receives as many fields as its `size` holds; the caller sets `size`
///
/// @return SPANWIRE_OK         also for a trace that is not known: `state` is SPANWIRE_FATE_UNKNOWN
///         SPANWIRE_E_ARGUMENT `out` is NULL
///         SPANWIRE_E_VERSION  `out->size` is not set
///
/// Threads:   any.
/// Blocks:    up to 100 ms for each trace with open spans that another call holds at that moment; such a trace is left
///            out. It looks through all recorded traces and all traces with open spans.
/// Fork:      a child knows its own traces only.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_trace_fate(
    trace_id_high: u64,
    trace_id_low: u64,
    out: OutSized<spanwire_fate>,
) -> spanwire_status {
    guard(|state| {
        out.check()?;
        let high = (trace_id_high != 0).then_some(trace_id_high);
        out.write(&c_fate(&fates::of(state, high, trace_id_low)))
    })
}

fn c_fate(known: &Known) -> spanwire_fate {
    let mut c = spanwire_fate {
        size: size_of::<spanwire_fate>(),
        trace_id_high: 0,
        trace_id_low: 0,
        state: SPANWIRE_FATE_UNKNOWN,
        dropped: 0,
        spans_open: known.open,
        spans_waiting: known.waiting,
        spans_pending: 0,
        spans_sent: 0,
        spans_dropped: 0,
        attempts_failed: 0,
        http_status: 0,
        error_number: 0,
        priority: SPANWIRE_PRIORITY_NONE,
        mechanism: SPANWIRE_PRIORITY_NONE,
        rule: 0,
        rate: -1.0,
        limited: 0,
        decided_elsewhere: 0,
        handed_ns: 0,
        changed_ns: 0,
        text: [0; 512],
    };
    if let Some(trace_id) = known.trace_id {
        (c.trace_id_high, c.trace_id_low) = trace_id;
    }
    if let Some(fate) = &known.fate {
        (c.trace_id_high, c.trace_id_low) = (fate.trace_id_high, fate.trace_id_low);
        c.state = match fate.standing() {
            Standing::NoSpans if fate.abandoned => SPANWIRE_FATE_ABANDONED,
            Standing::NoSpans => SPANWIRE_FATE_DISCARDED,
            Standing::Queued => SPANWIRE_FATE_QUEUED,
            Standing::InFlight => SPANWIRE_FATE_IN_FLIGHT,
            Standing::Sent => SPANWIRE_FATE_SENT,
            Standing::Dropped => SPANWIRE_FATE_DROPPED,
        };
        c.dropped = fate.reason.map_or(0, |reason| reason as u32 + 1);
        (c.spans_pending, c.spans_sent, c.spans_dropped) = (fate.pending(), fate.sent, fate.lost);
        c.attempts_failed = fate.attempts;
        match fate.cause.kind {
            CauseKind::Answered => c.http_status = fate.cause.code.into(),
            CauseKind::System | CauseKind::NotWritten => c.error_number = fate.cause.code.into(),
            _ => {}
        }
        c.priority = fate.priority.unwrap_or(SPANWIRE_PRIORITY_NONE);
        c.mechanism = fate.mechanism.unwrap_or(SPANWIRE_PRIORITY_NONE);
        (c.rule, c.rate) = (fate.rule.into(), fate.rate.unwrap_or(-1.0));
        (c.limited, c.decided_elsewhere) = (fate.limited.into(), fate.decided_elsewhere.into());
        (c.handed_ns, c.changed_ns) = (fate.handed_ns, fate.changed_ns);
    }
    if known.open > 0 {
        c.state = SPANWIRE_FATE_OPEN;
    }
    let text = known.to_string();
    let end = (0..c.text.len()).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0).min(text.len());
    c.text.iter_mut().zip(&text.as_bytes()[..end]).for_each(|(to, &from)| *to = from as c_char);
    c
}
