//! Reads lines of the Python tracer: records of the `logging` module, in the tracer's own format or in another one with
//! the logger's name.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, human_size, number_after, word_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: "Python",
    logs_success: true,
    logs_spans: true,
    logs_ends: true,
    marks: &[
        ("[ddtrace.", read),
        ("DEBUG:ddtrace", read),
        ("INFO:ddtrace", read),
        ("WARNING:ddtrace", read),
        ("ERROR:ddtrace", read),
        ("[ddtrace] [", read_root),
        ("- - DATADOG TRACER ", |place| Some(("python", seen(place.from_word())?))),
    ],
};

fn read<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = message(place.rest())?;
    Some(("python", native::or_ours(seen(message), message)))
}

/// Reads a record of the logger `ddtrace` itself; PHP's lines have the same word.
fn read_root<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    place.rest().split(']').next()?.contains(".py:").then(|| read(place)).flatten()
}

/// Returns the message of what follows the beginning of the logger's name.
pub fn message(rest: &str) -> Option<&str> {
    match after(rest, "] - ") {
        Some(message) => Some(message),
        // `DEBUG:ddtrace.tracer:message`, or a format without a place.
        None => after(rest, "]: ").or_else(|| after(rest, "] ")).or_else(|| after(rest, ":")),
    }
}

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    Some(match message.as_bytes().first()? {
        b'f' if starts("finishing span ") => {
            if message.ends_with("(enabled:False)") {
                return Some(Seen::Off);
            }
            Seen::Finished(word_after(message, "span_id=").or_else(|| word_after(message, " id="))?)
        }
        b'f' if starts("failed to send traces to ") => {
            // Without a status, a traceback follows, or the rest of this line is the native writer's error.
            let cause = number_after(message, "HTTP error status ").map(errors::refusal);
            Seen::lost(cause.or_else(|| errors::cause(message)), None)
        }
        b'f' if starts("failed to send, dropping ") => {
            Seen::lost(errors::cause(message), number_after(message, "dropping "))
        }
        b'f' if starts("failed to enable ddtrace support") => Seen::Trouble("integration.failed"),
        b'S' if starts("Starting span: ") => Seen::Started(word_after(message, "Span(id=")?),
        b'S' if starts("Sending request: ") => {
            Seen::Sending { traces: number_after(message, "'X-Datadog-Trace-Count': '").unwrap_or(0) }
        }
        b'S' if starts("Shutting down tracer with ") => {
            Seen::Unfinished { spans: number_after(message, "with ")?, sure: true }
        }
        b'E' if starts("Encoding ") => Seen::Written(number_after(message, "Encoding ")?),
        b's' if starts("sent ") => Seen::sent(None, human_size(&message[5..])),
        b'G' if starts("Got response: 2") => Seen::sent(None, after(message, " sent ").map_or(0, human_size)),
        b'u' if starts("unsupported endpoint ") => {
            Seen::lost(number_after(message, "received response ").map(errors::refusal), None)
        }
        b'C' if starts("Calling endpoint ") => {
            let cause = number_after(message, "but received ").map(errors::refusal);
            Seen::Failed { cause, traces: 0, lost: false, echo: false }
        }
        b'C' if starts("Configured ddtrace instrumentation") => Seen::Integration,
        b't' if starts("trace buffer (") => Seen::Dropped { reason: "queue_full", spans: 0, traces: 1 },
        b't' if starts("trace (") && message.contains("larger than payload buffer") => {
            Seen::Dropped { reason: "too_large", spans: 0, traces: 1 }
        }
        b'D' if starts("DD_") && message.contains(" is invalid ") => Seen::Trouble("setting.rejected"),
        b'-' if starts("- DATADOG TRACER CONFIGURATION") || starts("- - DATADOG TRACER CONFIGURATION") => {
            Seen::Config(Config::read(message)?.into())
        }
        b'-' if message.contains("DATADOG TRACER DIAGNOSTIC") => {
            Seen::Failed { cause: errors::cause(message), traces: 0, lost: false, echo: false }
        }
        _ => return None,
    })
}
