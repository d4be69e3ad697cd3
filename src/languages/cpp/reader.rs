//! Reads lines of the C++ tracer: errors. `node/reader.rs` reads its start-up line.

use crate::languages::reading::{errors, number_after, LogReader, Seen};

pub static READER: LogReader = LogReader {
    name: "C++",
    logs_success: false,
    logs_spans: false,
    logs_ends: true,
    marks: &[
        ("[dd-trace-cpp error code ", |place| Some(("cpp", seen(place.from_word())?))),
        ("Unexpected response status ", |place| Some(("cpp", seen(place.from_word())?))),
        ("Error occurred during HTTP request for ", |place| Some(("cpp", seen(place.from_word())?))),
        ("Parsing the Datadog Agent response", |place| Some(("cpp", seen(place.from_word())?))),
        ("Unexpected telemetry response status ", |_| Some(("cpp", Seen::Beside))),
        ("Unexpected Remote Configuration status ", |_| Some(("cpp", Seen::Beside))),
        ("failed to extract a Datadog span", |_| Some(("cpp", Seen::Beside))),
        ("nginx-datadog: ", |_| Some(("cpp", Seen::Line))),
        ("Error sending traces to agent: ", |place| Some(("cpp", seen(place.from_word())?))),
    ],
};

pub fn seen(message: &str) -> Option<Seen<'_>> {
    Some(if message.contains("during HTTP request for telemetry") || message.contains("for remote configuration") {
        Seen::Side { cause: errors::cause(message), agent: false }
    } else if message.starts_with("Parsing the Datadog Agent response") {
        Seen::Trouble("agent.not_an_agent")
    } else if message.starts_with("Unexpected response status ") {
        Seen::lost(number_after(message, "status ").map(errors::refusal), None)
    } else if message.contains("Error occurred during HTTP request") || message.starts_with("Error sending traces") {
        Seen::lost(errors::cause(message), None)
    } else {
        Seen::Line
    })
}
