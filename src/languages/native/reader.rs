//! Reads this library's own readable lines.

use super::bindings;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, number_after, word_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: "spanwire",
    logs_success: true,
    logs_spans: true,
    logs_ends: true,
    marks: &[
        ("Z spanwire[", read),
        ("spanwire: ", |place| ours(place.before(), place.rest())),
        ("tracing is off: ", |place| Some(("native", bindings::seen(place.from_word())?))),
        ("the former settings stay: ", |place| Some(("native", bindings::seen(place.from_word())?))),
    ],
};

fn read<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = message(place.rest())?;
    Some(("native", or_ours(None, message)))
}

/// Reads a line in our words. The text before them decides which language's form it is.
fn ours<'a>(before: &str, message: &'a str) -> Option<(&'static str, Seen<'a>)> {
    let id = match before {
        "" => "node",
        _ if before.ends_with(" - ") && before.contains("] - ") => "python",
        _ if before.ends_with(" - ") => "java",
        _ => "node",
    };
    Some((id, seen(message)?))
}

/// Returns what a tracer's own message says, or else what it says in our words.
pub fn or_ours<'a>(own: Option<Seen<'a>>, message: &'a str) -> Seen<'a> {
    let message = message.strip_prefix("spanwire: ").unwrap_or(message);
    own.or_else(|| seen(message)).unwrap_or(Seen::Line)
}

/// Returns the message of what follows `Z spanwire[`: behind the process and the level.
pub fn message(rest: &str) -> Option<&str> {
    let (_, rest) = rest.split_once("] ")?;
    let (level, message) = rest.split_once(' ')?;
    level.bytes().all(|b| b.is_ascii_uppercase()).then_some(message)
}

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    let traces = || number_after(message, " traces=").unwrap_or(0);
    let spans = || number_after(message, " spans=").unwrap_or(0);
    Some(match message.as_bytes().first()? {
        b's' if starts("span started: ") => Seen::Started(word_after(message, " span_id=")?),
        b's' if starts("span finished: ") => Seen::Finished(word_after(message, " span_id=")?),
        b't' if starts("trace decided: ") => Seen::Decided,
        b'c' if starts("chunk enqueued: ") => Seen::Written(spans()),
        b'p' if starts("payload sending: ") => Seen::Sending { traces: traces() },
        b'p' if starts("payload sent: ") => {
            let bytes = number_after(message, " size=").unwrap_or(0);
            Seen::Sent { traces: Some(traces()), spans: spans(), bytes, echo: false }
        }
        b'a' if starts("agent refused a payload: ") => {
            let cause = number_after(message, "status=").map(errors::refusal);
            Seen::Failed { cause, traces: traces(), lost: !message.contains("tried again"), echo: false }
        }
        b'D' if starts("DATADOG TRACER DIAGNOSTIC - Agent not reachable at ") => {
            // The advice after the error may contain words of other errors.
            let error = message.split("; size=").next().unwrap_or(message).split("; it will").next().unwrap_or(message);
            let error = error.split(": ").skip(1).collect::<Vec<_>>().join(": ");
            let lost = message.contains("its spans are dropped");
            Seen::Failed { cause: errors::cause(&error), traces: traces(), lost, echo: false }
        }
        b'D' if starts("DATADOG TRACER CONFIGURATION - ") => Seen::Config(Config::read(message)?.into()),
        b'a' if starts("agent reachable again: ") => Seen::Reachable,
        b'a' if starts("agent described itself: ") => Seen::Described,
        b'a' if starts("agent.unusable: ") => Seen::Trouble("agent.bad_url"),
        b'c' if starts("cannot start thread ") => Seen::Trouble("limits.threads"),
        b'i' if starts("integration loaded: ") => Seen::Integration,
        b'i' if starts("internal error caught: ") => Seen::Trouble("panic.caught"),
        b'p' if starts("panic: spanwire ") => Seen::Trouble("panic.caught"),
        b's' if starts("spans dropped: ") => {
            Seen::Dropped { reason: word_after(message, "reason=")?, spans: spans(), traces: traces() }
        }
        b'l' if starts("loss began: ") => {
            Seen::Dropped { reason: word_after(message, "reason=")?, spans: 0, traces: 0 }
        }
        b'l' if starts("loss ended: ") => Seen::LossEnded { reason: word_after(message, "reason=")?, spans: spans() },
        b'l' if starts("log records lost: ") => Seen::RecordsLost(number_after(message, "records=").unwrap_or(1)),
        b'l' if starts("log.file: ") => Seen::Trouble("log.unwritable"),
        b's' if starts("spans abandoned: ") => Seen::Unfinished { spans: spans(), sure: true },
        b's' if starts("spans open for long: ") => Seen::Unfinished { spans: spans(), sure: false },
        b's' if starts("spans open at the end: ") => Seen::Unfinished { spans: spans(), sure: true },
        b's' if starts("setting rejected: ") => rejected(after(message, "setting rejected: ")?),
        b's' if starts("settings not supported yet: ") => Seen::Line,
        b's' if starts("setting: ") => setting(message),
        b't' if starts("traces go to another path of the agent: ") => Seen::Line,
        b't' if starts("tracer stopped: ") => {
            let number = |name| number_after(message, name).unwrap_or(0);
            Seen::Stopped { lost: number(" lost=").saturating_add(number(" unknown=")) }
        }
        _ => return None,
    })
}

/// Returns what the rejection of this setting means.
pub fn rejected(name: &str) -> Seen<'static> {
    match name.starts_with("DD_TRACE_AGENT_URL") || name.starts_with("DD_AGENT_HOST") {
        true => Seen::Trouble("agent.bad_url"),
        false => Seen::Trouble("setting.rejected"),
    }
}

/// Reads a sentence about settings.
pub fn setting(text: &str) -> Seen<'static> {
    match text.contains("another tracer of this process") {
        true => Seen::Trouble("settings.disagree"),
        false => Seen::Line,
    }
}
