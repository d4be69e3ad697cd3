//! Reads lines of the PHP tracer: those of the extension, of the older logger in PHP, and of the background sender.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{errors, more_spans, number_after, word_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: "PHP",
    logs_success: false,
    logs_spans: true,
    logs_ends: true,
    marks: &[
        ("[ddtrace] [", read),
        ("[bgs] ", |place| Some(("php", sender(place.rest())?))),
        ("Flushing trace of size ", bare),
        ("Reporting of spans failed", bare),
        ("Traces successfully sent to the agent", bare),
        ("Failed sending traces to the sidecar", bare),
        ("Failed connecting to the sidecar", bare),
        ("Failed starting the sidecar", bare),
        ("DATADOG TRACER DIAGNOSTICS - ", bare),
        ("DataDog trace extension verification", |_| Some(("php", Seen::Line))),
        ("Skipping flushing trace as connection to sidecar failed", bare),
        ("Unable to send payload to background sender", bare),
        ("Datadog tracing support => ", |_| Some(("php", Seen::Line))),
        ("panicked at components-rs/", |_| Some(("php", Seen::NotStarted))),
    ],
};

fn read<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    if let Some(message) = place.rest().strip_prefix("bgs] ") {
        return Some(("php", sender(message)?));
    }
    let message = message(place.rest())?;
    Some(("php", native::or_ours(seen(message), message)))
}

/// Reads a message without the tracer's frame.
fn bare<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    Some(("php", seen(place.from_word())?))
}

const TARGETS: [&str; 9] = ["error", "warning", "info", "debug", "trace", "span", "startup", "deprecated", "hook"];

/// Returns the message of what follows `[ddtrace] [`, without target, process and dash.
pub fn message(rest: &str) -> Option<&str> {
    let (target, rest) = rest.split_once("] ")?;
    if !TARGETS.contains(&target) {
        return None;
    }
    let rest = match rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((pid, message)) if pid.bytes().all(|b| b.is_ascii_digit()) => message,
        _ => rest,
    };
    Some(rest.strip_prefix("- ").unwrap_or(rest))
}

/// Reads what follows `[bgs] `.
pub fn sender(message: &str) -> Option<Seen<'_>> {
    Some(match message {
        _ if message.starts_with("uploaded ") => Seen::sent(None, number_after(message, "uploaded ")?),
        _ if message.starts_with("no curl session") => Seen::Dropped { reason: "no session", spans: 0, traces: 0 },
        _ if message.starts_with("curl_easy_perform() failed: ") => Seen::lost(errors::cause(message), None),
        _ => Seen::Line,
    })
}

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    Some(match message.as_bytes().first()? {
        b's' if more_spans(message) > 0 => Seen::Written(more_spans(message)),
        b'S' if starts("Starting new ") => Seen::Started(word_after(message, " span_id=")?),
        b'C' if starts("Closing ") && message.contains("span: trace_id=") => {
            Seen::Finished(word_after(message, " span_id=")?)
        }
        b'E' if starts("Encoding span") => Seen::Written(1),
        b'F' if starts("Flushing trace of size ") => Seen::Sending { traces: 1 },
        b'F' if starts("Flushing ") && message.contains(" traces, ") => {
            Seen::Written(number_after(message, " traces, ").unwrap_or(0))
        }
        b'R' if starts("Reporting of spans failed, upgrade") => Seen::lost(Some(errors::refusal(415)), None),
        b'R' if starts("Reporting of spans failed") => {
            Seen::lost(errors::answered(message).or_else(|| errors::cause(message)), None)
        }
        b'T' if starts("Traces successfully sent to the agent") => Seen::sent(None, 0),
        b'F' if starts("Failed sending traces to the sidecar") => Seen::Trouble("sidecar.unreachable"),
        b'F' if message.contains("onnect") && message.contains("sidecar") => Seen::Trouble("sidecar.unreachable"),
        b'F' if starts("Failed starting the sidecar") || starts("Failed to start the sidecar") => {
            Seen::Trouble("sidecar.unreachable")
        }
        b'F' if starts("Failed signaling lifecycle") || starts("Failed flushing ") => Seen::Beside,
        b'F' if starts("Found unfinished span ") => Seen::Unfinished { spans: 1, sure: true },
        b'S' if starts("Skipping flushing trace as connection to sidecar failed") => Seen::Trouble("spans.dropped"),
        b'L' if starts("Loaded integration ") => Seen::Integration,
        b'D' if starts("DATADOG TRACER CONFIGURATION") => Seen::Config(Config::read(message)?.into()),
        // .NET's begin with the same words.
        b'D' if ["TICS - Profiler ", "TICS - Failed to attach", "TICS - Error fetching", "TICS - Partial flush"]
            .iter()
            .any(|words| message.contains(words)) =>
        {
            return None
        }
        b'D' if starts("DATADOG TRACER DIAGNOSTICS - agent_error: ") => {
            Seen::Failed { cause: errors::cause(message), traces: 0, lost: false, echo: false }
        }
        b'D' if starts("DATADOG TRACER DIAGNOSTICS - ") && message.contains("is deprecated") => Seen::Beside,
        b'D' if starts("DATADOG TRACER DIAGNOSTICS - ") => Seen::Trouble("setting.rejected"),
        b'U' if starts("Unable to send payload to background sender") => {
            Seen::Dropped { reason: "queue_full", spans: 0, traces: 1 }
        }
        b'T' if starts("Traces are dropped by PID ") => Seen::Off,
        b'A' if starts("Agent request payload of ") => Seen::Dropped { reason: "too_large", spans: 0, traces: 0 },
        b'I' if starts("Invalid DD_TRACE_AGENT_URL") => Seen::Trouble("agent.bad_url"),
        _ if message.contains(" has invalid value: ") => Seen::Trouble("setting.rejected"),
        _ => return None,
    })
}
