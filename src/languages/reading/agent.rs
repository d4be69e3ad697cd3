//! Recognises the Agent's own log, in which people look for a tracer's lines.

use super::{begins_message, Place};

/// Words of its lines, of releases 5 to 7, and whether a line with the word is the Agent's.
pub const MARKS: [(&str, fn(&Place<'_>) -> bool); 23] = [
    (" | (pkg/", always),
    (" | (comp/", always),
    (" | (cmd/", always),
    (" | TRACE | ", always),
    (" | CORE | ", always),
    (" | PROCESS | ", always),
    (" | SYS PROBE | ", always),
    (" | CLUSTER | ", always),
    (" | JMX | ", always),
    (" | SECURITY | ", always),
    ("[ AGENT ] ", always),
    ("[ TRACE ] ", always),
    ("[ PROCESS-AGENT ] ", always),
    (" INFO (", old),
    (" WARN (", old),
    (" ERROR (", old),
    (" DEBUG (", old),
    ("Cannot decode v0.", |place| begins_message(place.before())),
    ("\"agent\":\"trace\"", always),
    ("\"agent\":\"core\"", always),
    // Within the text of another record.
    ("\\\"agent\\\":\\\"trace\\\"", always),
    ("Receiver (previous minute)", always),
    ("Status: Not running or unreachable on ", always),
];

fn always(_: &Place<'_>) -> bool {
    true
}

/// Whether the word is followed by a place in the sources of old releases: `receiver.go:386) - `.
fn old(place: &Place<'_>) -> bool {
    const FILES: [&str; 18] = [
        "agent.go",
        "sampler.go",
        "concentrator.go",
        "receiver.go",
        "endpoint.go",
        "trace_writer.go",
        "service_writer.go",
        "stats_writer.go",
        "service_mapper.go",
        "writer.go",
        "api.go",
        "stats.go",
        "main.go",
        "info.go",
        "config.go",
        "watchdog.go",
        "multi.go",
        "traceutil.go",
    ];
    let Some((source, rest)) = place.rest().split_once(':') else { return false };
    let Some((line, rest)) = rest.split_once(')') else { return false };
    FILES.contains(&source) && line.bytes().all(|b| b.is_ascii_digit()) && rest.starts_with(" - ")
}

/// Whether a line of the Agent tells of traces that it received, or of trouble.
pub fn matters(line: &str) -> bool {
    const WORDS: [&str; 11] = [
        "traces received",
        "receiver handled",
        "Listening for traces",
        "_malformed",
        "traces_dropped",
        "spans_dropped",
        "cannot decode",
        "payload refused",
        "rejecting",
        "| ERROR |",
        " ERROR (",
    ];
    WORDS.iter().any(|word| line.contains(word))
}
