//! Describes an event in words. Any value may be invalid, because other code may have written to the memory.

use super::kind::{spelled, Kind, SEND_ERRORS};
use super::snapshot::Event;
use crate::counters::REASON_NAMES;
use std::time::Duration;

impl Event {
    /// Returns what happened, in a few words of printable characters.
    pub fn describe(&self) -> String {
        let (first, second) = (self.first, self.second);
        let Some(kind) = Kind::of(self.kind) else {
            return format!("an event of kind {}, which this version does not know: {first}, {second}", self.kind);
        };
        let spans = |n: u64| format!("{n} {}", if n == 1 { "span" } else { "spans" });
        let bytes = |n: u64| format!("{n} {}", if n == 1 { "byte" } else { "bytes" });
        let reason =
            |n: u64| REASON_NAMES.get(n as usize).copied().unwrap_or("a reason that this version does not know");
        match kind {
            Kind::SpanStarted => format!("span {first} started, trace …{:014x}{}", self.low(), self.of_tracer()),
            Kind::SpanFinished => {
                let (time, error) = (took(self.low()), if self.error { ", with an error" } else { "" });
                format!("span {first} finished after {time}{error}{}", self.of_tracer())
            }
            Kind::SpanDiscarded => format!("span {first} discarded, trace …{:014x}{}", self.low(), self.of_tracer()),
            Kind::ChunkEnqueued => {
                let (spans, bytes) = (spans(first & super::layout::LOW_MAX), bytes(second));
                format!("{spans} of a trace queued, {bytes}{}", self.of_tracer())
            }
            Kind::PayloadSending => {
                let traces = second >> 16;
                let noun = if traces == 1 { "trace" } else { "traces" };
                format!("sending {}, {traces} {noun}, attempt {}", bytes(first), second & 0xffff)
            }
            Kind::PayloadSent => format!("the Agent accepted {}, {}", bytes(first), spans(second)),
            Kind::AgentRefused => format!("the Agent answered {first} to {}", spans(second)),
            Kind::AgentUnreachable => {
                let why = SEND_ERRORS.get(first as usize).copied().unwrap_or(SEND_ERRORS[0]);
                format!("Agent not reached with {}: {why}", spans(second))
            }
            Kind::AgentReachable => {
                format!("the Agent answers again after {}", took(first.saturating_mul(1_000_000)))
            }
            Kind::SpansDropped => format!("{} dropped: {}", spans(second), reason(first)),
            Kind::SpansAbandoned => format!("{} abandoned: open at the shutdown", spans(first)),
            Kind::TracerMade => format!("tracer {first} made"),
            Kind::TracerStopped => {
                let (lost, unknown) = (second & 0xffff_ffff, second >> 32);
                let unknown = if unknown > 0 { format!(", {unknown} of unknown fate") } else { String::new() };
                format!("tracer shut down: {} sent, {lost} lost{unknown}", spans(first))
            }
            Kind::DebugSwitched if first == 0 => "debug mode off".into(),
            Kind::DebugSwitched if second == 0 => "debug mode on".into(),
            Kind::DebugSwitched => format!("debug mode on for {second} s"),
            Kind::SettingRejected => format!("invalid value of the setting …{}", spelled(first, second)),
            Kind::ProcessForked => format!("forked from process {first}"),
            Kind::PanicCaught => "a panic in the library was caught".into(),
            Kind::RecordsLost => format!("{first} log records lost: the host did not pull them in time"),
            Kind::LossBegan => format!("first span dropped: {}", reason(first)),
            Kind::LossEnded => format!("loss ended: {}, {} in all", reason(first), spans(second)),
        }
    }

    /// Returns the second value without its upper byte.
    fn low(&self) -> u64 {
        self.second & super::layout::LOW_MAX
    }

    /// Returns the tracer's number in brackets, unless it is 0.
    fn of_tracer(&self) -> String {
        match self.tracer() {
            Some(tracer) if tracer > 0 => format!(" (tracer {tracer})"),
            _ => String::new(),
        }
    }

    /// Returns the tracer's index of events that have one.
    pub fn tracer(&self) -> Option<u64> {
        match Kind::of(self.kind)? {
            Kind::SpanStarted | Kind::SpanFinished | Kind::SpanDiscarded => Some(self.second >> 56),
            Kind::ChunkEnqueued => Some(self.first >> 56),
            Kind::TracerMade => Some(self.first),
            _ => None,
        }
    }
}

/// Formats a duration: `320 ns`, `1.50 ms`, `12.0 s`.
fn took(ns: u64) -> String {
    let time = Duration::from_nanos(ns);
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
