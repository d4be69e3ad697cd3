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
        ("Error sending traces to agent: ", |place| Some(("cpp", seen(place.from_word())?))),
    ],
};

pub fn seen(message: &str) -> Option<Seen<'_>> {
    Some(if message.starts_with("Unexpected response status ") {
        Seen::lost(number_after(message, "status ").map(errors::refusal), None)
    } else if message.contains("Error occurred during HTTP request") || message.starts_with("Error sending traces") {
        Seen::lost(errors::cause(message), None)
    } else {
        Seen::Line
    })
}
