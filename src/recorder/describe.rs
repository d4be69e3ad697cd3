//! An event in plain words, for people. Everything in it may be nonsense, since anybody may have written the memory.

use super::kind::{spelled, Kind, SEND_ERRORS};
use super::snapshot::Event;
use crate::counters::REASON_NAMES;
use std::time::Duration;

impl Event {
    /// What happened, in a few words, of printable characters only.
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
                format!("{spans} of a trace to the queue, {bytes}{}", self.of_tracer())
            }
            Kind::PayloadSending => {
                let traces = second >> 16;
                let noun = if traces == 1 { "trace" } else { "traces" };
                format!("sending {}, {traces} {noun}, attempt {}", bytes(first), second & 0xffff)
            }
            Kind::PayloadSent => format!("the agent has {}, {}", bytes(first), spans(second)),
            Kind::AgentRefused => format!("the agent answered {first} to {}", spans(second)),
            Kind::AgentUnreachable => {
                let why = SEND_ERRORS.get(first as usize).copied().unwrap_or(SEND_ERRORS[0]);
                format!("agent not reached with {}: {why}", spans(second))
            }
            Kind::AgentReachable => {
                format!("the agent answers again, after {}", took(first.saturating_mul(1_000_000)))
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
            Kind::SettingRejected => format!("a setting's value cannot be used: …{}", spelled(first, second)),
            Kind::ProcessForked => format!("forked from process {first}"),
            Kind::PanicCaught => "a defect of the library was caught".into(),
            Kind::RecordsLost => format!("{first} log records lost: nobody took them in time"),
            Kind::LossBegan => format!("spans are being dropped from here on: {}", reason(first)),
            Kind::LossEnded => format!("no more loss by {}: {} in all", reason(first), spans(second)),
        }
    }

    /// What the upper byte of a fact leaves.
    fn low(&self) -> u64 {
        self.second & super::layout::LOW_MAX
    }

    /// The tracer, where the process has had more than the first.
    fn of_tracer(&self) -> String {
        match self.tracer() {
            Some(tracer) if tracer > 0 => format!(" (tracer {tracer})"),
            _ => String::new(),
        }
    }

    /// The tracer's index, for events that have one.
    pub fn tracer(&self) -> Option<u64> {
        match Kind::of(self.kind)? {
            Kind::SpanStarted | Kind::SpanFinished | Kind::SpanDiscarded => Some(self.second >> 56),
            Kind::ChunkEnqueued => Some(self.first >> 56),
            Kind::TracerMade => Some(self.first),
            _ => None,
        }
    }
}

/// A time span as people read it: `320 ns`, `1.50 ms`, `12.0 s`.
fn took(ns: u64) -> String {
    let time = Duration::from_nanos(ns);
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
