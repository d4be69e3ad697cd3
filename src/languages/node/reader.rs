//! Reads lines of the Node.js tracer: plain text on the console, errors with a class before and a stack below, or
//! records of a bunyan logger. Also reads plain start-up lines of other tracers; the object says whose they are.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{
    after, begins_message, errors, more_spans, number, number_after, LogReader, Place, Seen,
};

pub static READER: LogReader = LogReader {
    name: "Node.js",
    logs_success: true,
    logs_spans: true,
    logs_ends: true,
    marks: &[
        ("DATADOG TRACER CONFIGURATION", |place| read(place.before(), place.from_word())),
        ("DATADOG TRACER DIAGNOSTIC - ", |place| read(place.before(), place.from_word())),
        ("DATADOG TRACER INTEGRATIONS LOADED", |place| read(place.before(), place.from_word())),
        ("Encoding trace: [", |place| read(place.before(), place.from_word())),
        ("Encoding payload: [", |place| read(place.before(), place.from_word())),
        ("Adding encoded trace to buffer: ", |place| read(place.before(), place.from_word())),
        ("Request to the agent: {", |place| read(place.before(), place.from_word())),
        ("Response from the agent: ", |place| read(place.before(), place.from_word())),
        ("Response from the Agent: ", |place| read(place.before(), place.from_word())),
        ("Error from the Agent", |place| read(place.before(), place.from_word())),
        ("Error from the agent: ", |place| read(place.before(), place.from_word())),
        ("Error: Error from http", |place| read(place.before(), place.from_word())),
        ("Error: Error from unix", |place| read(place.before(), place.from_word())),
        ("Error sending payload to the agent ", |place| read(place.before(), place.from_word())),
        ("Network error trying to reach the agent: ", |place| read(place.before(), place.from_word())),
        ("Maximum number of active requests reached", |place| read(place.before(), place.from_word())),
        ("Writer dropped ", |place| read(place.before(), place.from_word())),
        ("Trace encoder reset after exceeding", |place| read(place.before(), place.from_word())),
        ("DogStatsDClient: HTTP error from agent: ", side),
        ("Error: HTTP error from agent: ", side),
        ("[RC] Error in request", side),
        ("[RC] Could not parse remote config response", |_| Some(("node", Seen::Beside))),
        ("Error initializing tracer", begins),
        ("Error initialising tracer", begins),
        ("Error initialising crashtracker", side),
        ("Error initializing crashtracker", side),
        ("Error updating prioritySampler rates", |_| Some(("node", Seen::Trouble("agent.not_an_agent")))),
        ("/dd-trace/packages/dd-trace/src/exporters/agent/index.js:", exporter),
        ("setting rejected: ", |place| read(place.before(), place.from_word())),
        ("settings not supported yet: ", |place| read(place.before(), place.from_word())),
        ("cannot start thread \"spanwire-", |place| read(place.before(), place.from_word())),
        ("setting: another tracer of this process ", |place| read(place.before(), place.from_word())),
        ("agent.unusable: ", |place| read(place.before(), place.from_word())),
        ("loss began: reason=", |place| read(place.before(), place.from_word())),
        ("loss ended: reason=", |place| read(place.before(), place.from_word())),
        ("log records lost: sink=", |place| read(place.before(), place.from_word())),
        ("log.file: ", |place| read(place.before(), place.from_word())),
        ("spans abandoned: spans=", |place| read(place.before(), place.from_word())),
        ("spans open for long: spans=", |place| read(place.before(), place.from_word())),
        ("spans open at the end: spans=", |place| read(place.before(), place.from_word())),
        ("internal error caught: ", |place| read(place.before(), place.from_word())),
        ("panic: spanwire ", |place| read(place.before(), place.from_word())),
        ("tracer stopped: sent=", |place| read(place.before(), place.from_word())),
    ],
};

/// Reads a failure of another request than one with traces.
fn side<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = place.from_word();
    Some(("node", Seen::Side { cause: errors::cause(message), agent: false }))
}

/// Reads the failure of the tracer to start; its error follows.
fn begins<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let alone = place.rest().trim_end().is_empty();
    (alone && place.begins_message()).then_some(("node", Seen::NotStarted))
}

/// Reads a frame of the exporter's constructor: the exception above it is about the Agent's URL.
fn exporter<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    place.before().contains("new AgentExporter").then_some(("node", Seen::Trouble("agent.bad_url")))
}

/// `before` is what the line has before the word that was found.
fn read<'a>(before: &str, message: &'a str) -> Option<(&'static str, Seen<'a>)> {
    if message.starts_with("DATADOG TRACER CONFIGURATION") {
        let Some(config) = Config::read(message) else {
            // The object is on the next lines.
            let id = match before {
                _ if before.contains("ddtrace: [") || before.contains("datadog: [") => "ruby",
                _ if before.contains("[INF] ") => "dotnet",
                _ => "php",
            };
            let end = message.trim_end();
            let alone = !message.contains('{') || end.ends_with('{');
            return alone.then_some((id, Seen::ConfigBegins));
        };
        let id = match (config.language.as_deref(), &config.spanwire_version) {
            // This library with a Node.js host: in its other forms something is in front.
            (_, Some(_)) => "node",
            (Some("java" | "jvm"), _) => "java",
            (Some("python"), _) => "python",
            (Some("ruby"), _) => "ruby",
            (Some("go" | "Go"), _) => "go",
            (Some("php"), _) => "php",
            (Some(".NET" | "dotnet"), _) => "dotnet",
            (Some("cpp" | "c++"), _) => "cpp",
            (None, _) if message.contains("dd-trace-cpp") => "cpp",
            _ => "node",
        };
        return Some((id, Seen::Config(config.into())));
    }
    // bunyan writes the text three times; count it once.
    let member = before.trim_start();
    if member.starts_with("\"stack\":") || member.starts_with("\"msg\":") {
        return None;
    }
    // A body that is no JSON may be an application's sentence.
    if let Some(body) = message.strip_prefix("Response from the ").and_then(|rest| after(rest, "gent: ")) {
        let before = before.strip_suffix(": ").unwrap_or(before);
        if !body.starts_with(['{', '<', '[']) && !begins_message(before) {
            return None;
        }
    }
    seen(message).or_else(|| native::seen(message)).map(|seen| ("node", seen))
}

fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    let failed = |cause, echo| Seen::Failed { cause, traces: 0, lost: true, echo };
    Some(match message.as_bytes().first()? {
        b'E' if starts("Encoding ") => {
            let last = message.trim_end().ends_with(" more spans\"]").then(|| message.rfind("\"spanwire: ")).flatten();
            let last = last.map_or(0, |at| more_spans(&message[at..]));
            Seen::Written(message.matches("\"span_id\":").count() as u64 + last)
        }
        b'A' if starts("Adding encoded trace") => Seen::Line,
        b'R' if starts("Request to the agent: ") => match message.contains("/traces\"") {
            true => Seen::Sending { traces: number_after(message, "\"X-Datadog-Trace-Count\":\"").unwrap_or(0) },
            false => Seen::Line,
        },
        b'R' if starts("Response from the agent: <") || starts("Response from the Agent: <") => {
            Seen::Trouble("agent.not_an_agent")
        }
        b'R' if starts("Response from the ") => Seen::sent(None, 0),
        b'E' if starts("Error from the ") => failed(Some(errors::refusal(number_after(message, "gent: ")?)), false),
        // The first of two records; the second one has the reason.
        b'E' if starts("Error sending payload to the agent (status code: ") => {
            failed(number_after(message, "status code: ").map(errors::refusal), false)
        }
        b'E' if starts("Error: Error from ") => {
            // `Error: Error from http://localhost:8126/v0.4/traces: 413 Payload Too Large.`
            let url = after(message, "Error from ")?;
            failed(after(url, ": ").and_then(number).map(errors::refusal), true)
        }
        b'N' if starts("Network error trying to reach the agent: ") => failed(errors::cause(message), false),
        b'D' if starts("DATADOG TRACER DIAGNOSTIC") => {
            let status = after(message, "Error from ").and_then(|url| after(url, ": ")).and_then(number);
            // A socket hangs up at the tracer's own time limit too, and without frames nothing tells which it was.
            let error = || errors::cause(message).filter(|_| !message.contains("socket hang up"));
            let cause = status.map(errors::refusal).or_else(error);
            Seen::Failed { cause, traces: 0, lost: false, echo: true }
        }
        b'D' if starts("DATADOG TRACER INTEGRATIONS LOADED") => Seen::Integration,
        b'M' if starts("Maximum number of active requests") => {
            let spans = message.matches("\"span_id\":").count() as u64;
            Seen::Dropped { reason: "queue_full", spans, traces: 0 }
        }
        b'W' if starts("Writer dropped ") => {
            Seen::Dropped { reason: "too_large", spans: 0, traces: number_after(message, "dropped ")? }
        }
        b'T' if starts("Trace encoder reset") => {
            Seen::Dropped { reason: "too_large", spans: 0, traces: number_after(message, "dropped ")? }
        }
        _ => return None,
    })
}
