//! Finds the cause in an error text of any language's HTTP client, by words that it contains.

/// Connection refused. An intermediate result: the cause depends on the port (`causes::refused`).
pub const REFUSED: &str = "agent.connection_refused";
/// The answer is not HTTP. An intermediate result: at an Agent's address it means a wrong port.
pub const NO_HTTP: &str = "agent.not_http";

/// Causes, each with words in lower case that indicate it. The first match counts, because a failure to resolve a name
/// is often wrapped in a failure to connect.
const WORDS: [(&str, &[&str]); 9] = [
    ("agent.socket_permission", &["permission denied", "eacces", "errno 13]", "operation not permitted", "eperm"]),
    (
        "agent.name_not_resolved",
        &[
            "getaddrinfo",
            "enotfound",
            "eai_again",
            "no such host",
            "unknownhost",
            "cannot resolve",
            "not resolved",
            "name or service not known",
            "could not resolve",
            "couldn't resolve",
            "nodename nor servname",
            "name resolution",
            "name does not resolve",
            "socketerror",
        ],
    ),
    (
        NO_HTTP,
        &[
            "not an http answer",
            "malformed http",
            "badstatusline",
            "parse error",
            "wrong status line",
            "hpe_invalid",
            "httpbadresponse",
            "unexpected status line",
            "received http/0.9",
            "no json object",
        ],
    ),
    ("limits.threads", &["no thread for it"]),
    (
        "agent.timeout",
        &[
            "timed out",
            "timeout",
            "etimedout",
            "no answer within",
            "no connection within",
            "deadline exceeded",
            "still connecting",
            "taskcanceledexception",
            "execution expired",
        ],
    ),
    (
        REFUSED,
        &[
            "connection refused",
            "econnrefused",
            "couldn't connect",
            "could not connect",
            "failed to connect",
            "connectexception",
            "actively refused",
            "no route to host",
            "network is unreachable",
            "ehostunreach",
        ],
    ),
    ("agent.socket_missing", &["no such file", "enoent", "errno 2]"]),
    (
        "agent.connection_closed",
        &["reset by peer", "econnreset", "broken pipe", "connection closed", "socket hang up", "eof", "disconnected"],
    ),
    ("agent.bad_url", &["https:// is not supported", "not an address", "unsupported protocol", "invalid url"]),
];

/// Returns the cause that an error text names, if any.
pub fn cause(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let named = |words: &[&str]| words.iter().any(|word| text.contains(word));
    WORDS.iter().find(|(_, words)| named(words)).map(|(cause, _)| *cause)
}

/// Returns the cause for an answer with this status.
pub fn refusal(status: u64) -> &'static str {
    match status {
        404 | 405 | 415 => "agent.http_404",
        413 => "agent.http_413",
        408 | 429 => "agent.http_429",
        401 | 403 | 407 => "agent.http_credentials",
        500.. => "agent.http_5xx",
        _ => "agent.http_other",
    }
}

/// Returns the cause for an answer whose log line has only the reason phrase.
pub fn refusal_by_reason(text: &str) -> Option<&'static str> {
    let reasons: [(&str, u64); 8] = [
        ("entity too large", 413),
        ("payload too large", 413),
        ("content too large", 413),
        ("too many requests", 429),
        ("not found", 404),
        ("unsupported media type", 415),
        ("forbidden", 403),
        ("internal server error", 500),
    ];
    let text = text.to_ascii_lowercase();
    reasons.iter().find(|(reason, _)| text.contains(reason)).map(|(_, status)| refusal(*status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_s_words_name_their_cause() {
        for (text, named) in [
            ("java.net.ConnectException: Failed to connect to localhost/127.0.0.1:8126", REFUSED),
            ("ConnectionRefusedError: [Errno 111] Connection refused", REFUSED),
            ("PermissionError: [Errno 13] Permission denied", "agent.socket_permission"),
            (
                "Failed to open TCP connection to agnt:8126 (getaddrinfo: Name or service not known)",
                "agent.name_not_resolved",
            ),
            ("dial tcp: lookup agnt on 10.0.0.2:53: no such host", "agent.name_not_resolved"),
            ("dial unix /run/apm.socket: connect: permission denied", "agent.socket_permission"),
            ("Error: connect ECONNREFUSED 127.0.0.1:8126", REFUSED),
            ("connect ENOENT /var/run/datadog/apm.socket", "agent.socket_missing"),
            ("http.client.BadStatusLine: SSH-2.0", NO_HTTP),
            ("read tcp: i/o timeout", "agent.timeout"),
            ("Error: socket hang up", "agent.connection_closed"),
        ] {
            assert_eq!(cause(text), Some(named), "{text}");
        }
        assert_eq!(cause("something else"), None);
        assert_eq!(refusal_by_reason("(Status: Request Entity Too Large)"), Some("agent.http_413"));
    }
}
