//! Recognises the Agent's own log, in which people look for a tracer's lines.

/// Words of the frames of its lines, of releases 5 to 7.
pub const MARKS: [&str; 27] = [
    " | (pkg/trace/",
    " | (comp/trace/",
    " | (cmd/trace-agent/",
    " | (pkg/util/log/",
    " | (pkg/collector/",
    " | (comp/core/",
    " INFO (agent.go:",
    " ERROR (agent.go:",
    " INFO (sampler.go:",
    " INFO (concentrator.go:",
    " WARN (receiver.go:",
    " | TRACE | INFO | (",
    " | TRACE | WARN | (",
    " | TRACE | ERROR | (",
    " | TRACE | DEBUG | (",
    " | TRACE | CRITICAL | (",
    " | CORE | INFO | (",
    " | CORE | WARN | (",
    " | CORE | ERROR | (",
    " | CORE | DEBUG | (",
    " INFO (receiver.go:",
    " ERROR (receiver.go:",
    " ERROR (endpoint.go:",
    " INFO (endpoint.go:",
    " INFO (trace_writer.go:",
    " ERROR (trace_writer.go:",
    " ERROR (service_writer.go:",
];

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
