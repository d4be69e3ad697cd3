//! Why an agent could not be reached, read back from our client's sentence, so that a language can say it as its own
//! HTTP client would; whom it tried to reach; and how the agent calls a status. The wording is each language's own.

use super::text::reason_phrase;

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    /// Nothing listens there.
    Refused,
    /// No connection, or no answer, in time.
    TimedOut,
    /// The host's name has no address, or none yet.
    NotResolved,
    /// Anything else, in our client's words. Not redacted yet.
    Other(&'a str),
}

/// The cause that one of our client's sentences names (`export::agent::Failure`, and what the operating system says).
pub fn cause(error: &str) -> Cause<'_> {
    let begins = |with: &str| error.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if begins("connection refused") {
        Cause::Refused
    } else if ["timed out", "connection timed out", "operation timed out", "no connection within ", "no answer within "]
        .into_iter()
        .any(begins)
    {
        Cause::TimedOut
    } else if begins("name not resolved") || begins("cannot resolve ") && !error.contains("no thread for it") {
        Cause::NotResolved
    } else {
        Cause::Other(error)
    }
}

/// Host and port of an agent's URL (of a redacted one where they are shown), without userinfo; an IPv6 address keeps
/// its brackets. Where the URL names no port, the scheme's. Of a Unix socket, its path and 0.
pub fn host_and_port(url: &str) -> (&str, u16) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if scheme.eq_ignore_ascii_case("unix") {
        return (rest, 0);
    }
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let authority = authority.rsplit_once('@').map_or(authority, |(_, after)| after);
    let usual = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    // The colons inside an IPv6 address are followed by its bracket.
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(usual)),
        _ => (authority, usual),
    }
}

/// The address where a template wants one: that of `localhost`, which is the same everywhere; any other name as it is.
pub fn ip_of(host: &str) -> &str {
    if host.eq_ignore_ascii_case("localhost") {
        "127.0.0.1"
    } else {
        host
    }
}

/// The reason that stands behind the status in an agent's answer. It is a Go program, and so are these words.
pub fn reason_of_agent(status: u16) -> &'static str {
    match status {
        413 => "Request Entity Too Large",
        _ => reason_phrase(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_clients_sentences_name_their_cause() {
        for refused in ["connection refused", "connection refused (http://localhost:8126)", "Connection refused"] {
            assert_eq!(cause(refused), Cause::Refused);
        }
        for late in ["timed out", "no connection within 1s (http://h:1)", "no answer within 2s (http://h:1)"] {
            assert_eq!(cause(late), Cause::TimedOut);
        }
        for unknown in ["name not resolved yet (agent)", "cannot resolve agent: name or service not known"] {
            assert_eq!(cause(unknown), Cause::NotResolved);
        }
        for other in ["", "connection reset by peer (http://h:1)", "cannot resolve agent: no thread for it: busy"] {
            assert_eq!(cause(other), Cause::Other(other));
        }
    }

    #[test]
    fn an_agents_host_and_port_are_found_in_its_url() {
        assert_eq!(host_and_port("http://localhost:8126/v0.4/traces"), ("localhost", 8126));
        assert_eq!(host_and_port("http://u:p@agent:9?x=1"), ("agent", 9));
        assert_eq!(host_and_port("http://[::1]:8126/"), ("[::1]", 8126));
        assert_eq!((host_and_port("http://[::1]"), host_and_port("https://agent")), (("[::1]", 80), ("agent", 443)));
        assert_eq!(host_and_port("unix:///run/agent.sock"), ("/run/agent.sock", 0));
        assert_eq!((ip_of("localhost"), ip_of("agent")), ("127.0.0.1", "agent"));
    }
}
