//! Finds the cause in an error text of any language's HTTP client, by words that it contains.

/// Connection refused. An intermediate result: the cause depends on the port (`causes::refused`).
pub const REFUSED: &str = "agent.connection_refused";
/// The answer is not HTTP. An intermediate result: at an Agent's address it means a wrong port.
pub const NO_HTTP: &str = "agent.not_http";

/// Causes, and words in lower case that name them. The first match counts: a failure to resolve a name is often wrapped
/// in a failure to connect.
const WORDS: [(&str, &[&str]); 13] = [
    (
        "agent.bad_url",
        &[
            "port could not be cast",
            "unsupported protocol",
            "unsupported scheme",
            "unsupported url scheme",
            "scheme is not supported",
            "invalid uri",
            "invalid url",
            "invalid port",
            "illegal url",
            "illegal character in authority",
            "err_invalid_url",
            "err_invalid_protocol",
            "bad agent url",
            "bad uri",
            "url using bad/illegal format",
            "missing address",
            "missing protocol scheme",
            "first path segment in url",
            "expected url scheme",
            "relative url without a base",
            "https:// is not supported",
            "not an address",
            "no host in request url",
            "invalid telemetry endpoint",
            "unknown url scheme",
            "invaliduri",
        ],
    ),
    (
        "agent.tls",
        &[
            "tls: first record does not look like a tls handshake",
            "server gave http response to https client",
            "wrong version number",
            "wrong_version_number",
            "unsupported or unrecognized ssl message",
            "not an ssl/tls record",
            "client sent an http request to an https server",
            "ssl_connect",
            "ssl_error",
            "sslexception",
            "sslhandshakeexception",
            "invalidcontenttype",
            "record layer failure",
            "packet length too long",
            "plain http request was sent to https port",
            "eproto",
            "ssl connect error",
        ],
    ),
    ("agent.socket_not_a_socket", &["protocol wrong type for socket", "eprototype", "socket operation on non-socket"]),
    ("agent.socket_path_too_long", &["path too long", "path too large", "unix domain path", "path must be shorter"]),
    (
        "agent.socket_permission",
        &["permission denied", "eacces", "errno 13]", "operation not permitted", "eperm", "permissiondenied"],
    ),
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
            "dns error",
            "failed to lookup address",
            "errno -2]",
            "errno -3]",
            "errno -5]",
            "could not be resolved",
            "no such device or address",
            "resource temporarily unavailable (",
            "host not found",
            "dns resolution failed",
            "dns server error",
            "unknown host",
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
            "invalid http version",
            "invalid http header",
            "invalid or unrecognized response",
            "invalid response line",
            "error parsing http",
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
            "taskcancelled",
            "execution expired",
            "request canceled while waiting",
            "deadline has elapsed",
            "deadline expired",
            "timeoutexception",
        ],
    ),
    (
        "agent.unreachable",
        &[
            "cannot assign requested address",
            "eaddrnotavail",
            "no route to host",
            "network is unreachable",
            "ehostunreach",
            "enetunreach",
            "can't assign requested address",
            "errno 99]",
            "os error 99",
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
            "connectionrefused",
            "actively refused",
            "errno 111]",
            "errno 61]",
            "os error 61",
            "os error 111",
            "unable to connect",
            "connection could not be made",
            "nobody listens",
        ],
    ),
    ("agent.socket_missing", &["no such file", "enoent", "errno 2]", "os error 2)"]),
    (
        "agent.connection_closed",
        &[
            "reset by peer",
            "connection reset",
            "connectionreset",
            "econnreset",
            "epipe",
            "broken pipe",
            "brokenpipe",
            "connection closed",
            "connection aborted",
            "closed before message completed",
            "incompletemessage",
            "socket hang up",
            "unexpected end of",
            "unexpected eof",
            ": eof",
            "eoferror",
            "eofexception",
            "end of file reached",
            "disconnected",
            "remotedisconnected",
            "without response",
            "empty reply from server",
            "server closed",
            "response ended prematurely",
            "errno 104]",
            "errno 32]",
            "os error 104",
            "os error 32",
            "forcibly closed",
            "underlying connection was closed",
            "closed unexpectedly",
            "returned nothing",
            "receiving data from the peer",
            "sending data to the peer",
            "nohttpresponse",
            "stream has been reset",
        ],
    ),
];

/// Returns the cause that an error text names, if any.
pub fn cause(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    // Python's tracer says that the name is not the reason.
    let text = text.replace("the failure is not name resolution", "");
    // Python's client says so of an answer without a byte.
    let text = text.replace("badstatusline('',)", "server closed").replace("badstatusline(\"''\",)", "server closed");
    let named = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let (cause, _) = WORDS.iter().find(|(_, words)| named(words))?;
    // A firewall or a sandbox denies TCP connections; a socket file has no port.
    let tcp = || text.contains("failed to connect to ") || text.contains("dial tcp");
    Some(if *cause == "agent.socket_permission" && tcp() { "agent.unreachable" } else { cause })
}

/// Whether a line is a place in a program below an error, which says nothing about the reason.
pub fn is_frame(line: &str) -> bool {
    // A log driver may have put its own words before the blanks.
    const BEFORE: [&str; 6] = ["    at ", "\tat ", "\\tat ", "  at ", "\t... ", "    from /"];
    let text = line.trim_start();
    let rust = || text.split_once(": ").is_some_and(|(n, rest)| n.parse::<u32>().is_ok() && rest.contains("::"));
    let python = || line.contains("File \"") && line.contains("\", line ");
    BEFORE.iter().any(|words| line.contains(words)) || rust() || python()
}

/// How the line of a failure looks, with which the lines below it are compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    level: bool,
    blanks: bool,
}

impl Look {
    /// Returns the look of a line.
    pub fn of(line: &str) -> Look {
        const LEVELS: [&str; 10] =
            ["DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL", "SEVERE", "TRACE"];
        let start = line.char_indices().nth(80).map_or(line, |(end, _)| &line[..end]);
        let mut words = start.split(|c: char| !c.is_ascii_alphanumeric());
        Look { level: words.any(|word| LEVELS.contains(&word)), blanks: line.contains("   ") }
    }

    /// Whether a line below looks like the continuation of an error: indented, a place in a program, or the name of an
    /// error.
    pub fn continues(self, line: &str) -> bool {
        const BEGIN: [&str; 8] = [
            "Traceback",
            "Caused by",
            "During handling",
            "The above exception",
            "---",
            "stack backtrace",
            "thread=",
            "(Status: ",
        ];
        let text = line.trim_start();
        // Behind the words of a log driver an indented line has a row of blanks.
        let indented = text.len() < line.len() || text.is_empty() || (!self.blanks && line.contains("   "));
        let within = || BEGIN.iter().any(|words| line.contains(words)) || text.starts_with(['}', ']', '^', '~']);
        let named = || ["Error", "Exception", "error:"].iter().any(|word| text.contains(word));
        indented || is_frame(line) || within() || named()
    }

    /// Whether a line below begins another record: it has a level, unlike the failure, and continues no error.
    pub fn ends_at(self, line: &str) -> bool {
        !self.level && Look::of(line).level && !self.continues(line)
    }
}

/// Returns the status of an answer that a text names in the words of one of the tracers.
pub fn status(text: &str) -> Option<u64> {
    const BEFORE: [&str; 19] = [
        "returned an error: (",
        "lient error: ",
        "erver error: ",
        "with status ",
        "HTTP error status ",
        "does not indicate success: ",
        "Error code: ",
        "Status: ",
        "status code: ",
        "status code ",
        "OptionalInt[",
        "status=",
        "status: ",
        "http status: ",
        "HTTP status ",
        "code from datadog agent: ",
        "agent_writer error failed: ",
        "received response ",
        "response status ",
    ];
    let number = |word: &str| super::number_after(text, word).filter(|status| (300..600).contains(status));
    BEFORE.iter().find_map(|word| number(word)).or_else(|| {
        // `Error from http://localhost:8126/v0.4/traces: 413 Payload Too Large`
        let url = super::after(text, "Error from http").or_else(|| super::after(text, "Error from unix"))?;
        super::after(url, ": ").and_then(super::number).filter(|status| (300..600).contains(status))
    })
}

/// Returns the cause of an answer that a text names by its status, in a number or in words.
pub fn answered(text: &str) -> Option<&'static str> {
    let words = || super::after(text, "(Status: ").and_then(refusal_by_reason);
    status(text).map(refusal).or_else(words)
}

/// Returns the cause of an answer with this status.
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

/// Returns the cause of an answer of which a text has only the reason phrase.
pub fn refusal_by_reason(text: &str) -> Option<&'static str> {
    const REASONS: [(&str, u64); 24] = [
        ("entity too large", 413),
        ("payload too large", 413),
        ("payload-too-large", 413),
        ("content too large", 413),
        ("too many requests", 429),
        ("request timeout", 408),
        ("proxy authentication required", 407),
        ("not found", 404),
        ("method not allowed", 405),
        ("unsupported media type", 415),
        ("unauthorized", 401),
        ("forbidden", 403),
        ("internal server error", 500),
        ("not implemented", 501),
        ("bad gateway", 502),
        ("service unavailable", 503),
        ("gateway timeout", 504),
        ("http version not supported", 505),
        ("bad request", 400),
        ("moved permanently", 301),
        ("temporary redirect", 307),
        ("conflict", 409),
        ("gone", 410),
        ("length required", 411),
    ];
    let text = text.to_ascii_lowercase();
    REASONS.iter().find(|(reason, _)| text.contains(reason)).map(|(_, status)| refusal(*status))
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
