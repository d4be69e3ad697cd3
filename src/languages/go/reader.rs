//! Reads lines of the Go tracer: `Datadog Tracer vX LEVEL: message`. Errors are gathered and up to a minute late.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, number, number_after, word_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: "Go",
    logs_success: true,
    logs_spans: true,
    logs_ends: false,
    marks: &[
        ("Datadog Tracer v", read),
        ("Datadog APM SDK v", read),
        ("Datadog Tracer Error: ", read_v0),
        ("cannot flush traces: ", read_first),
    ],
};

/// Reads a line of the first releases, which had no frame.
fn read_first<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let cause = errors::answered(place.rest()).or_else(|| errors::cause(place.rest()));
    place.rest().contains("/traces").then_some(("go", Seen::lost(cause.or(Some("agent.unreachable")), None)))
}

/// Reads a line of releases before v1, which had no version and no level.
fn read_v0<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = place.rest();
    let lost = message.contains("unable to flush traces") || message.contains("lost ");
    let cause = errors::answered(message).or_else(|| errors::cause(message));
    let seen = match (lost, cause) {
        (true, _) => {
            Seen::Failed { cause, traces: number_after(message, "lost ").unwrap_or(0), lost: true, echo: false }
        }
        (false, Some(_)) => Seen::Failed { cause, traces: 0, lost: false, echo: true },
        (false, None) => Seen::Line,
    };
    Some(("go", seen))
}

fn read<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = message(place.rest())?;
    Some(("go", native::or_ours(seen(message), message)))
}

/// Returns the message of what follows `Datadog Tracer v`.
pub fn message(rest: &str) -> Option<&str> {
    let words = after(rest, " ")?;
    let (level, message) = words.split_once(": ")?;
    matches!(level, "DEBUG" | "INFO" | "WARN" | "ERROR").then_some(message)
}

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    Some(match message.as_bytes().first()? {
        b'S' if starts("Started Span: ") => Seen::Started(word_after(message, "dd.span_id=\"")?),
        b'F' if starts("Finished Span: ") => Seen::Finished(word_after(message, "dd.span_id=\"")?),
        b'S' if starts("Sending payload: ") => Seen::Sending { traces: number_after(message, "traces: ")? },
        b'A' if starts("Attempt to send payload: ") => Seen::Sending { traces: number_after(message, "traces: ")? },
        b's' if starts("sent traces after ") => Seen::sent(None, 0),
        b'l' if starts("lost ") && message.contains(" traces: ") => {
            // Without an error and a status, the body of the answer stands here, and the status on the next line.
            let text = after(message, " traces: ")?;
            let error = || errors::cause(text).filter(|_| text.starts_with("Post ") || text.starts_with("Put "));
            let reason = text.split(" (occurred").next().unwrap_or(text);
            let short = || errors::refusal_by_reason(reason).filter(|_| reason.len() < 40);
            let cause = errors::answered(text).or_else(error).or_else(short).or_else(|| errors::cause(text));
            // Release 1 says `<nil>` after the line of an attempt that has the reason.
            let answered = text.contains(" (occurred") && !text.starts_with("<nil>");
            let cause = cause.or_else(|| answered.then_some("agent.http_other"));
            Seen::lost(cause, number_after(message, "lost "))
        }
        b'f' if starts("failure sending traces ") => {
            Seen::Failed { cause: errors::cause(message), traces: 0, lost: false, echo: true }
        }
        b'p' if starts("payload queue full, dropping ") => {
            Seen::Dropped { reason: "queue_full", spans: 0, traces: number_after(message, "dropping ")? }
        }
        b'p' if starts("payload queue full, trace dropped ") => {
            Seen::Dropped { reason: "queue_full", spans: number_after(message, "dropped ")?, traces: 0 }
        }
        b'0'..=b'9' if message.contains(" traces dropped through payload queue") => {
            Seen::Dropped { reason: "queue_full", spans: 0, traces: number(message)? }
        }
        b'0'..=b'9' if message.contains(" abandoned spans:") => {
            Seen::Unfinished { spans: number(message)?, sure: true }
        }
        b't' if starts("trace buffer full (") => Seen::Dropped { reason: "too_large", spans: 0, traces: 1 },
        b'E' if starts("Error encoding msgpack") => Seen::Dropped { reason: "not encoded", spans: 0, traces: 1 },
        b'D' if starts("DATADOG TRACER CONFIGURATION") => Seen::Config(Config::read(message)?.into()),
        b'D' if starts("DIAGNOSTICS Unable to reach agent") => {
            Seen::Failed { cause: errors::cause(message), traces: 0, lost: false, echo: false }
        }
        b'D' if starts("DIAGNOSTICS Error(s) parsing") => Seen::Trouble("setting.rejected"),
        b'U' if starts("Unsupported protocol ") => Seen::Fault("agent.bad_url"),
        b'F' if starts("Failed to parse DD_TRACE_AGENT_URL") => Seen::Fault("agent.bad_url"),
        b'i' if starts("ignoring DD_TRACE_SAMPLE_RATE") => Seen::Fault("setting.rejected"),
        b'T' if starts("Tracer must be started before starting a span") => Seen::Trouble("tracing.not_started"),
        b'r' if starts("remoteconfig: gracefully stopping") => Seen::Stopped { lost: 0 },
        b'r' if starts("remoteconfig: ") || starts("remote config") => Seen::Beside,
        b'a' if starts("appsec: ") => Seen::Beside,
        b'l' if starts("loading features: ") => Seen::Side { cause: errors::cause(message), agent: true },
        b'p' if starts("profiler") || starts("profiling") => Seen::Beside,
        b'i' if starts("instrumentation telemetry") || starts("telemetry") => Seen::Beside,
        b't' if starts("telemetry") => Seen::Beside,
        b'E' if starts("Error sending stats") || starts("Error flushing stats") => {
            Seen::Side { cause: errors::cause(message), agent: false }
        }
        b'f' if starts("failed to send stats") => Seen::Side { cause: errors::cause(message), agent: false },
        b'B' if starts("Both \"") => Seen::Trouble("setting.rejected"),
        _ => return None,
    })
}
