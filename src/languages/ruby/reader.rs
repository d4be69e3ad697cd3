//! Reads lines of the Ruby tracer: lines of `Logger` with the tracer's name twice. Does not count the pretty-printed
//! spans below them: the line before says how many there are.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, number_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: "Ruby",
    logs_success: false,
    logs_spans: true,
    logs_ends: true,
    marks: &[
        (" -- ddtrace: [", read),
        (" -- datadog: [", read),
        ("ddtrace: [ddtrace] (", read_place),
        ("datadog: [datadog] (", read_place),
        ("[ddtrace] (/", read_place),
        ("[datadog] (/", read_place),
        ("Internal error during HTTP transport request", bare),
        ("Internal error during Datadog::", bare),
        ("Payload correctly sent to the trace agent", bare),
    ],
};

fn read<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = message(place.rest())?;
    Some(("ruby", native::or_ours(seen(message).or_else(|| in_transport(place.rest(), message)), message)))
}

/// Reads a message without its frame.
fn bare<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    Some(("ruby", seen(place.from_word())?))
}

/// Reads an error of the code that sends: releases before 0.20 log only its class or text.
fn in_transport<'a>(place: &str, message: &str) -> Option<Seen<'a>> {
    let cause = errors::cause(message).filter(|_| place.contains("/transport"))?;
    Some(Seen::Failed { cause: Some(cause), traces: 0, lost: true, echo: false })
}

/// Returns the cause that the error of a request names.
fn cause(message: &str) -> Option<&'static str> {
    // An answer that is not the JSON of an Agent: its text follows.
    let unparsed = || match message.contains("unexpected token at") {
        true if message.contains("'msgp: ") => Some("agent.http_other"),
        true => Some("agent.not_an_agent"),
        false => None,
    };
    errors::cause(message).or_else(unparsed)
}

/// Reads a line by its place in the source, without the program's name before.
fn read_place<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = place.line[place.start..].split_once("') ").or_else(|| place.from_word().split_once(") "))?.1;
    Some(("ruby", native::or_ours(seen(message).or_else(|| in_transport(place.from_word(), message)), message)))
}

/// Returns the message of what follows ` -- datadog: [`, without the place in the source.
pub fn message(rest: &str) -> Option<&str> {
    let message = after(rest, "] ")?;
    if !message.starts_with('(') {
        return Some(message);
    }
    Some(after(message, "') ").unwrap_or(message))
}

/// Whether the transport in an error's text is one for other data than traces.
fn other_product(message: &str) -> bool {
    let class = message.split(" request").next().unwrap_or(message);
    ["Telemetry", "Remote", "Profiling", "Crashtracking", "::DI", "Debugger"].iter().any(|word| class.contains(word))
}

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    Some(match message.as_bytes().first()? {
        b'W' if starts("Writing ") => {
            if message.contains("(enabled: false)") {
                return Some(Seen::Off);
            }
            Seen::Written(number_after(message, "Writing ")?)
        }
        b'F' if starts("Flushing trace: ") => Seen::Sending { traces: 1 },
        b's' if starts("send_request ") => Seen::lost(number_after(message, " code:").map(errors::refusal), None),
        b'I' if starts("Internal error during ") && other_product(message) => {
            Seen::Side { cause: errors::cause(message), agent: false }
        }
        b'I' if starts("Internal error during ") => Seen::lost(cause(message), None),
        b'P' if starts("Payload correctly sent to the trace agent") => Seen::sent(None, 0),
        b'C' if starts("Client error: ") => {
            Seen::lost(Some(errors::refusal_by_reason(message).unwrap_or("agent.http_other")), None)
        }
        b'S' if starts("Server error: ") => Seen::lost(Some("agent.http_5xx"), None),
        b'c' if starts("calling the endpoint but received ") => {
            let cause = number_after(message, "received ").map(errors::refusal);
            Seen::Failed { cause, traces: 0, lost: false, echo: true }
        }
        b'I' if starts("Invalid URI scheme ") && message.contains("DD_TRACE_AGENT_URL") => Seen::Fault("agent.bad_url"),
        b'D' if starts("DATADOG TRACER CONFIGURATION")
            || starts("DATADOG CONFIGURATION - TRACING - ")
            || starts("DATADOG CONFIGURATION - {") =>
        {
            Config::read(message).map_or(Seen::ConfigBegins, |config| Seen::Config(config.into()))
        }
        b'D' if message.contains(" - Agent Error: ") => {
            Seen::Failed { cause: errors::cause(message), traces: 0, lost: false, echo: true }
        }
        b'D' if starts("DATADOG CONFIGURATION - TRACING INTEGRATIONS") => Seen::Integration,
        b'D' if starts("Dropping trace. Payload too large") => {
            Seen::Dropped { reason: "too_large", spans: 0, traces: 1 }
        }
        b'E' if starts("Error during traces flush: dropped ") => {
            Seen::Dropped { reason: "flush failed", spans: 0, traces: number_after(message, "dropped ")? }
        }
        b'U' if starts("Unsupported propagation style") => Seen::Trouble("setting.rejected"),
        b'U' if starts("Unable to patch ") => Seen::Trouble("integration.failed"),
        b'C' if starts("Could not parse ") => Seen::Trouble("setting.rejected"),
        b'O' if starts("Option '") => Seen::Line,
        b'a' if starts("agent unreachable: ") => Seen::Failed { cause: None, traces: 0, lost: false, echo: true },
        _ => return None,
    })
}
