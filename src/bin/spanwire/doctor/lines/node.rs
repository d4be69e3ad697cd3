//! Node.js: bare text on the console, errors with a class before and a stack below, or records of a bunyan logger. Bare
//! start-up lines of other tracers come here too; the object says whose they are.

use super::{after, more_spans, native, number_after, word_after, Config, Seen, Tongue};
use crate::doctor::errors;

/// `before` is what the line has before the word that was found.
pub fn read<'a>(before: &str, message: &'a str) -> Option<(Tongue, Seen<'a>)> {
    if message.starts_with("DATADOG TRACER CONFIGURATION") {
        let config = Config::read(message)?;
        let tongue = match (config.language.as_deref(), &config.spanwire_version) {
            // This library as it speaks for Node.js: all its other forms have something before.
            (_, Some(_)) => Tongue::Node,
            (Some("java" | "jvm"), _) => Tongue::Java,
            (Some("python"), _) => Tongue::Python,
            (Some("ruby"), _) => Tongue::Ruby,
            (Some("go" | "Go"), _) => Tongue::Go,
            (Some("php"), _) => Tongue::Php,
            (Some(".NET" | "dotnet"), _) => Tongue::Dotnet,
            (Some("cpp" | "c++"), _) => Tongue::Cpp,
            (None, _) if message.contains("dd-trace-cpp") => Tongue::Cpp,
            _ => Tongue::Node,
        };
        return Some((tongue, Seen::Config(config.into())));
    }
    // bunyan says it three times, and one is enough.
    let member = before.trim_start();
    if member.starts_with("\"stack\":") || member.starts_with("\"msg\":") {
        return None;
    }
    // Words in the middle of an application's sentence are the application's.
    let own = before.is_empty()
        || before.ends_with(['"', '|'])
        || ["Error: ", " F ", " P ", "]: ", "| ", "] "].iter().any(|end| before.ends_with(end));
    own.then(|| seen(message).or_else(|| native::seen(message))).flatten().map(|seen| (Tongue::Node, seen))
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
        b'R' if starts("Response from the ") => Seen::sent(None, 0),
        b'E' if starts("Error from the ") => {
            failed(word_after(message, "gent: ").and_then(|s| s.parse().ok()).map(errors::refusal), false)
        }
        // The first of two records: the second has the reason.
        b'E' if starts("Error sending payload to the agent ") => {
            failed(number_after(message, "status code: ").map(errors::refusal), false)
        }
        b'E' if starts("Error: Error from ") => {
            // `Error: Error from http://localhost:8126/v0.4/traces: 413 Payload Too Large.`
            let url = after(message, "Error from ")?;
            failed(after(url, ": ").and_then(super::number).map(errors::refusal), true)
        }
        b'N' if starts("Network error trying to reach the agent: ") => failed(errors::cause(message), false),
        b'D' if starts("DATADOG TRACER DIAGNOSTIC") => {
            let status = after(message, "Error from ").and_then(|url| after(url, ": ")).and_then(super::number);
            let cause = status.map(errors::refusal).or_else(|| errors::cause(message));
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
