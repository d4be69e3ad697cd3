//! Parses host and port of an agent's URL, and names HTTP statuses as agents do. Used by the lines of several
//! languages.

use super::text::reason_phrase;

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

/// Returns the host for templates that show an address: 127.0.0.1 for `localhost`, and any other host as it is.
pub fn ip_of(host: &str) -> &str {
    if host.eq_ignore_ascii_case("localhost") {
        "127.0.0.1"
    } else {
        host
    }
}

/// Returns the reason phrase after the status in an agent's answer. The agent is a Go program, so these are Go's
/// phrases.
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
    fn an_agents_host_and_port_are_found_in_its_url() {
        assert_eq!(host_and_port("http://localhost:8126/v0.4/traces"), ("localhost", 8126));
        assert_eq!(host_and_port("http://u:p@agent:9?x=1"), ("agent", 9));
        assert_eq!(host_and_port("http://[::1]:8126/"), ("[::1]", 8126));
        assert_eq!((host_and_port("http://[::1]"), host_and_port("https://agent")), (("[::1]", 80), ("agent", 443)));
        assert_eq!(host_and_port("unix:///run/agent.sock"), ("/run/agent.sock", 0));
        assert_eq!((ip_of("localhost"), ip_of("agent")), ("127.0.0.1", "agent"));
    }
}
