//! Reads lines of the Go tracer: `Datadog Tracer vX LEVEL: message`. Errors are gathered and up to a minute late.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, number, number_after, word_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: "Go",
    logs_success: true,
    logs_spans: true,
    logs_ends: false,
    marks: &[("Datadog Tracer v", read)],
};

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
            let cause = errors::cause(message).or_else(|| errors::refusal_by_reason(message));
            Seen::lost(Some(cause.unwrap_or("agent.http_other")), number_after(message, "lost "))
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
        b'U' if starts("Unsupported protocol ") => Seen::Trouble("agent.bad_url"),
        b'B' if starts("Both \"") => Seen::Trouble("setting.rejected"),
        _ => return None,
    })
}
