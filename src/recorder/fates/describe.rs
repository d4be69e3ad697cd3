//! Describes the fate of a trace in one sentence, for people.

use super::cause::{rule, Cause, CauseKind};
use super::read::{Fate, Standing};
use crate::counters::Reason;
use crate::os_error::OsError;
use std::fmt;

impl fmt::Display for Fate {
    /// Writes one sentence without a full stop at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.delivery(f)?;
        if self.handed > 0 && self.lost < self.handed {
            self.decision(f)?;
        }
        if self.handed > 0 && self.abandoned {
            f.write_str("; further spans were open when the tracer was shut down, and are missing")?;
        }
        if self.handed > 0 && self.discarded {
            f.write_str("; the host discarded further spans of it")?;
        }
        Ok(())
    }
}

impl Fate {
    fn delivery(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handed = Spans(self.handed);
        match self.standing() {
            Standing::NoSpans if self.abandoned => {
                f.write_str("not sent: its spans were still open when the tracer was shut down, and were abandoned")
            }
            Standing::NoSpans => f.write_str("not sent: the host discarded its spans"),
            Standing::Queued => write!(f, "{handed} {} in the queue", wait(self.handed)),
            Standing::InFlight if self.attempts > 0 => {
                let (pending, attempts, cause) = (Spans(self.pending()), self.attempts, self.cause);
                let noun = if attempts == 1 { "attempt" } else { "attempts" };
                write!(f, "not sent yet: {attempts} {noun} with {pending} failed, and another one follows; {cause}")
            }
            Standing::InFlight => {
                write!(f, "{} on the way to the Agent, and it has not answered yet", Spans(self.pending()))
            }
            Standing::Sent if self.cause.kind == CauseKind::Written => write!(f, "{handed} written to the file"),
            Standing::Sent => write!(f, "{handed} sent, and {}", self.cause),
            Standing::Dropped => {
                let of = if self.sent > 0 { format!("; the other {} sent", Spans(self.sent)) } else { String::new() };
                let lost = Spans(self.lost);
                match self.reason {
                    Some(Reason::UnknownFate) => {
                        let cause = self.cause;
                        write!(f, "{lost} sent but never acknowledged (dropped_unknown_fate), so the Agent may have them or not: {cause}{of}")
                    }
                    reason => {
                        let name = reason.map_or("unknown", Reason::name);
                        write!(f, "{lost} dropped (dropped_{name}): {}{of}", self.cause)
                    }
                }
            }
        }
    }

    /// Writes why the trace is kept or rejected.
    fn decision(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(priority) = self.priority else { return f.write_str("; no sampling decision was made") };
        let kept = priority > 0;
        let verb = if kept { "kept" } else { "rejected" };
        write!(f, "; sampling {verb} it with priority {priority}, ")?;
        let rate = |f: &mut fmt::Formatter<'_>| match self.rate {
            Some(rate) => write!(f, " with a rate of {rate}"),
            None => Ok(()),
        };
        match (self.rule, self.mechanism) {
            _ if self.decided_elsewhere => f.write_str("as the service that called this one had decided")?,
            (rule::SAMPLE_RATE, _) => f.write_str("by DD_TRACE_SAMPLE_RATE").and_then(|()| rate(f))?,
            (rule::MINUTE, _) => f.write_str("because DD_APM_TRACING_ENABLED is false: it keeps one trace a minute")?,
            (place @ 1.., _) => write!(f, "by rule {place} of DD_TRACE_SAMPLING_RULES").and_then(|()| rate(f))?,
            (_, Some(-1)) => f.write_str("by the Agent's rates").and_then(|()| rate(f))?,
            (_, Some(-4)) => f.write_str("because the program set that priority")?,
            (_, Some(0)) => f.write_str("by default: no rule and no rate applied")?,
            (_, Some(number)) => write!(f, "by mechanism {number}")?,
            (_, None) => f.write_str("which came with its spans")?,
        }
        if kept {
            return Ok(());
        }
        if self.limited {
            f.write_str(" and the limit DD_TRACE_RATE_LIMIT or max_per_second, which was reached")?;
        }
        f.write_str(
            ", so the Agent counts it in statistics and stores nothing of it, except for single spans that rules keep",
        )
    }
}

/// A number of spans.
struct Spans(u64);

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "span" } else { "spans" })
    }
}

fn wait(spans: u64) -> &'static str {
    if spans == 1 {
        "waits"
    } else {
        "wait"
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code;
        f.write_str(match self.kind {
            CauseKind::None => "no cause is recorded",
            CauseKind::Answered => return write!(f, "the Agent answered {code}"),
            CauseKind::System if code == 0 => "the Agent could not be reached",
            CauseKind::System => return write!(f, "the Agent could not be reached: {}", OsError::Errno(code.into())),
            CauseKind::NotResolved => "the Agent's name does not resolve",
            CauseKind::NoConnection => "no connection to the Agent in time",
            CauseKind::NoAnswer => "the Agent did not answer in time",
            CauseKind::Closed => "the Agent closed the connection before it had answered",
            CauseKind::InvalidAnswer => "the answer was not HTTP",
            CauseKind::NotSent => "the Agent could not be reached",
            CauseKind::NotWritten if code == 0 => "the file could not be written",
            CauseKind::NotWritten => {
                return write!(f, "the file could not be written: {}", OsError::Errno(code.into()))
            }
            CauseKind::UrlUnusable => "the Agent's URL cannot be used",
            CauseKind::NoRoom => "the queue was full",
            CauseKind::NoMemoryRecord => "SPANWIRE_MEMORY_MAX was reached when a span finished",
            CauseKind::NoMemorySubmitted => "SPANWIRE_MEMORY_MAX was reached when spans were submitted",
            CauseKind::NoMemoryPayload => "there was no memory for the payload",
            CauseKind::SpanTooLarge => "one span is larger than a payload may be",
            CauseKind::RefusedAlone => "the Agent refused a payload of this one span as too large (413)",
            CauseKind::TimeOver => "the time of the tracer's shutdown was over",
            CauseKind::NoThread => "the system gave no thread to send them",
            CauseKind::TracerFreed => "their tracer was freed",
            CauseKind::ExporterNeeded => "their tracer was freed, and another Agent's address needed its place",
            CauseKind::WorkerPanicked => "an internal error of the worker was caught",
            CauseKind::TurnedOff => "tracing had turned itself off after internal errors",
            CauseKind::Submitted => "a submitted span cannot be used",
            CauseKind::Written => "it was written to the file",
        })
    }
}
