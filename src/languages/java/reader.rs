//! Reads lines of the Java tracer: those of SimpleLogger, and of its JSON layout.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, number_after, word_after, LogReader, Place, Seen};
use serde_json::Value;

pub static READER: LogReader = LogReader {
    name: "Java",
    logs_success: true,
    logs_spans: true,
    logs_ends: true,
    marks: &[
        ("DEBUG datadog.", read),
        ("INFO datadog.", read),
        ("WARN datadog.", read),
        ("ERROR datadog.", read),
        ("EXCLUDE_TELEMETRY datadog.", read),
        ("DEBUG com.datadog.", other_product),
        ("INFO com.datadog.", other_product),
        ("WARN com.datadog.", other_product),
        ("ERROR com.datadog.", other_product),
        ("EXCLUDE_TELEMETRY com.datadog.", other_product),
        (" org.datadog.jmxfetch.", other_product),
        ("Error while sending ", bare),
        ("Success while sending ", bare),
        (" while sending ", answer),
        ("No connectivity to datadog agent", |_| Some(("java", NO_AGENT))),
        (", no connectivity to datadog agent", |_| Some(("java", NO_AGENT))),
        ("Throwable thrown while installing the Datadog Tracer", |_| Some(("java", Seen::NotStarted))),
        ("Bad agent URL: ", |_| Some(("java", Seen::Trouble("agent.bad_url")))),
        ("Tracing is disabled, not installing GlobalTracer", |_| Some(("java", Seen::Off))),
        ("\"logger.name\":\"com.datadog.", |_| Some(("java", Seen::Beside))),
        ("\"logger.name\":\"datadog.", |place| Some(("java", object(place.line)))),
        ("\"logger.name\":\"spanwire\"", |place| Some(("java", object(place.line)))),
    ],
};

/// No endpoint of an Agent answered; other lines may have the reason.
const NO_AGENT: Seen<'static> = Seen::Failed { cause: Some("agent.unreachable"), traces: 0, lost: false, echo: true };

/// Loggers of other products than traces, behind `datadog.`.
const OTHER_PRODUCTS: [&str; 9] = [
    "telemetry.",
    "remoteconfig.",
    "crashtracking.",
    "metrics.",
    "flare.",
    "communication.monitor.",
    "trace.agent.core.datastreams.",
    "trace.bootstrap.Agent - Not starting ",
    "trace.bootstrap.Agent - Unable start ",
];

fn read<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = after(place.rest(), " - ")?;
    let seen = match native::or_ours(seen(message), message) {
        Seen::Line if OTHER_PRODUCTS.iter().any(|logger| place.rest().starts_with(logger)) => Seen::Beside,
        seen => seen,
    };
    Some(("java", seen))
}

/// Reads a line about another product than traces, or about the tracer's own metrics.
fn other_product<'a>(_: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    Some(("java", Seen::Beside))
}

/// Reads a message behind an abbreviated logger.
fn bare<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = place.from_word();
    let counted = place.rest().starts_with(|c: char| c.is_ascii_digit());
    (counted && message.contains(" traces")).then(|| seen(message)).flatten().map(|seen| ("java", seen))
}

/// Reads a message that begins with the body of the Agent's answer.
fn answer<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let counted = place.rest().starts_with(|c: char| c.is_ascii_digit()) && place.rest().contains(") traces");
    counted.then(|| seen(place.from_word())).flatten().map(|seen| ("java", seen))
}

/// Reads a line of the JSON layout.
pub fn object(line: &str) -> Seen<'_> {
    let start = line.find('{').unwrap_or(0);
    let Ok(object) = serde_json::from_str::<Value>(&line[start..]) else { return Seen::Line };
    let message = object["message"].as_str().unwrap_or_default();
    let ours = message.strip_prefix("spanwire: ");
    match ours.map_or_else(|| seen(message), native::seen) {
        // The id is looked up in the line, which lives longer than the parsed object; any part of it identifies the span.
        Some(Seen::Started(_)) => Seen::Started(word_after(line, "s_id=").unwrap_or_default()),
        Some(Seen::Finished(_)) => Seen::Finished(word_after(line, "s_id=").unwrap_or_default()),
        Some(Seen::Dropped { spans, traces, .. }) if ours.is_none() => {
            Seen::Dropped { reason: "queue_full", spans, traces }
        }
        Some(Seen::Dropped { spans, traces, .. }) => {
            Seen::Dropped { reason: word_after(line, "reason=").unwrap_or_default(), spans, traces }
        }
        Some(Seen::Unfinished { spans, sure }) => Seen::Unfinished { spans, sure },
        Some(Seen::RecordsLost(records)) => Seen::RecordsLost(records),
        Some(Seen::Stopped { lost }) => Seen::Stopped { lost },
        Some(Seen::Config(config)) => Seen::Config(config),
        Some(Seen::Written(spans)) => Seen::Written(spans),
        Some(Seen::Sent { traces, spans, bytes, echo }) => Seen::Sent { traces, spans, bytes, echo },
        Some(Seen::Failed { cause, traces, lost, echo }) => {
            Seen::Failed { cause: cause.or_else(|| exception(&object)), traces, lost, echo }
        }
        Some(Seen::Side { cause, agent }) => Seen::Side { cause: cause.or_else(|| exception(&object)), agent },
        Some(Seen::NotStarted) => match exception(&object) {
            Some("agent.bad_url") => Seen::Trouble("agent.bad_url"),
            _ => Seen::NotStarted,
        },
        Some(Seen::Trouble(cause)) => Seen::Trouble(cause),
        Some(Seen::Fault(cause)) => Seen::Fault(cause),
        Some(Seen::Off) => Seen::Off,
        Some(Seen::Beside) => Seen::Beside,
        _ => Seen::Line,
    }
}

/// Returns the cause that the exception of a record names.
fn exception(object: &Value) -> Option<&'static str> {
    errors::cause(&object["exception"].to_string())
}

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    Some(match message.as_bytes().first()? {
        b'F' if starts("Finished") => Seen::Finished(word_after(message, "s_id=")?),
        b'F' if starts("Failed to send ") => {
            let cause = number_after(message, "OptionalInt[").map(errors::refusal);
            Seen::Failed { cause, traces: number_after(message, "send ")?, lost: true, echo: true }
        }
        b'S' if starts("Started span: ") => Seen::Started(word_after(message, "s_id=")?),
        b'S' if starts("Successfully sent ") => {
            let bytes = number_after(message, " of size ").unwrap_or(0);
            let echo = message.contains(" to the API ");
            Seen::Sent { traces: number_after(message, "sent "), spans: 0, bytes, echo }
        }
        b'S' if starts("Success while sending ") => Seen::sent(number_after(message, "sending "), 0),
        b'W' if starts("Writing ") => Seen::Written(number_after(message, "Writing ")?),
        b'E' if starts("Enqueued for serialization: ") => {
            // A long list says at its end how many more there are.
            let more = message.rfind(", … (").map_or(0, |at| number_after(&message[at..], "(").unwrap_or(0));
            let listed = if message.ends_with(" more)]") { more } else { 0 };
            Seen::Written(message.matches("DDSpan [").count() as u64 + listed)
        }
        b'E' if starts("Error querying ") => Seen::Side { cause: None, agent: true },
        b'F' if starts("Falling back to probing") => Seen::Line,
        b'I' if starts("Invalid config for ") => Seen::Fault("setting.rejected"),
        b'T' if starts("Throwable thrown while installing the Datadog Tracer") => Seen::NotStarted,
        b'T' if starts("Tracing is disabled, not installing GlobalTracer") => Seen::Off,
        b'B' if starts("Bad agent URL: ") => Seen::Trouble("agent.bad_url"),
        _ if message.contains("StatsD client - ") => Seen::Beside,
        b'U' if starts("Using config: ") => Seen::Config(Config::of_java(message).into()),
        b'D' if starts("DATADOG TRACER CONFIGURATION") => Seen::Config(Config::read(message)?.into()),
        b'D' if starts("Datadog trace processor exited") => Seen::Stopped { lost: 0 },
        b'D' if starts("Dropped due to a buffer overflow") => {
            let spans = number_after(message, "overflow: [").unwrap_or(message.matches("DDSpan [").count() as u64);
            Seen::Dropped { reason: "queue_full", spans, traces: 1 }
        }
        b'D' if starts("Dropped due to shutdown") => Seen::Dropped { reason: "shutdown", spans: 0, traces: 1 },
        b'N' if starts("No connectivity to datadog agent") => NO_AGENT,
        b'T' if message.contains(", no connectivity to datadog agent") => NO_AGENT,
        b'N' if starts("No datadog agent detected") => Seen::Failed { cause: None, traces: 0, lost: false, echo: true },
        b'T' if starts("Transformed - ") => Seen::Integration,
        b'I' if starts("Instrumentation applied") => Seen::Integration,
        b'B' if starts("Both ") => Seen::Trouble("setting.rejected"),
        // The text before may be the agent's answer.
        _ if message.contains(" while sending ") => {
            let traces = number_after(message, " while sending ")?;
            if message.contains("Success while sending ") {
                return Some(Seen::sent(Some(traces), 0));
            }
            let cause = number_after(message, "Status: ").map(errors::refusal).or_else(|| errors::cause(message));
            Seen::lost(cause, Some(traces))
        }
        _ => return None,
    })
}
