//! Agent URLs and hosts: parses them, and chooses the Agent's address. Opens no connection.

use super::parse;
use super::rejection::{MeantUrl, Unusable, UrlFault};
use super::tls::Tls;
use crate::redact;
use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;

/// The socket of a local Agent, used if no address is set and it exists.
pub const DEFAULT_SOCKET: &str = "/var/run/datadog/apm.socket";
/// The default port of an Agent.
pub const DEFAULT_PORT: u16 = 8126;

/// Where spans go. `Display` prints the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentAddress {
    /// An Agent over TCP.
    Http {
        /// A name or an IP address; IPv6 without brackets.
        host: String,
        /// 1 to 65535.
        port: u16,
        /// The path before `/v0.4/traces`: empty, or begins with `/` and does not end with one.
        base_path: String,
        /// For `https://`.
        tls: Option<Tls>,
    },
    /// An Agent at a Unix socket.
    Unix {
        /// An absolute path.
        path: PathBuf,
    },
    /// A receiver of OTLP over HTTP, such as an OpenTelemetry Collector.
    Otlp {
        /// A name or an IP address; IPv6 without brackets.
        host: String,
        /// 1 to 65535.
        port: u16,
        /// The whole path of requests; begins with `/`.
        path: String,
        /// For `otlp+https://`.
        tls: Option<Tls>,
    },
    /// A file to which each trace is appended as one line of JSON.
    File {
        /// An absolute path.
        path: PathBuf,
    },
    /// A valid URL that cannot be used.
    Unusable {
        /// The URL, without credentials and query.
        url: String,
        /// The reason.
        why: Unusable,
    },
}

impl AgentAddress {
    /// Parses the value of `DD_TRACE_AGENT_URL`. Also accepts `unix:/path`, as the tracers of Go, Java and Node.js do.
    /// Returns `Unusable` for `https://` if this build has no TLS: falling back to an unencrypted connection would surprise
    /// the user.
    pub fn from_url(url: &str) -> Result<AgentAddress, UrlFault> {
        if let Some(c) = url.chars().find(|c| c.is_control() || c.is_whitespace()) {
            return Err(UrlFault::Character(c));
        }
        let (scheme, rest, slashes) = match (url.split_once("://"), url.split_once(':')) {
            (Some((scheme, rest)), _) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest, true),
            (_, Some((scheme, rest))) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest, false),
            _ => return Err(without_scheme(url)),
        };
        match (scheme.as_str(), slashes) {
            ("http", true) => http(rest, 80, None),
            (OTLP_HTTP, true) => otlp(rest, true, OTLP_PORT, None),
            ("https", true) if Tls::usual().is_some() => http(rest, 443, Tls::usual()),
            (OTLP_HTTPS, true) if Tls::usual().is_some() => otlp(rest, true, OTLP_PORT, Tls::usual()),
            ("https" | OTLP_HTTPS, true) => {
                Ok(AgentAddress::Unusable { url: redact::url(url).into_owned(), why: Unusable::Tls })
            }
            ("http" | "https" | OTLP_HTTP | OTLP_HTTPS, false) => {
                let meant = meant(&scheme, rest.trim_start_matches('/'));
                Err(UrlFault::NoSlashes { scheme, meant })
            }
            ("unix", _) if is_file_path(rest) => Ok(AgentAddress::Unix { path: rest.into() }),
            ("file", _) if is_file_path(rest) => Ok(AgentAddress::File { path: rest.into() }),
            ("unix" | "file", _) => {
                let name = Some(rest.trim_start_matches('/')).filter(|name| !name.is_empty() && !name.ends_with('/'));
                let meant = name.map(|name| MeantUrl(format!("{scheme}:///{name}")));
                Err(UrlFault::PathNotAbsolute { scheme, meant })
            }
            (_, false) => Err(without_scheme(url)),
            (slip, true) => {
                let near = ["http", "unix", "file", OTLP_HTTP].into_iter().find(|known| parse::slips(slip, known) <= 1);
                // Docker's links have the scheme `tcp`.
                let near = near.or((slip == "tcp").then_some("http"));
                let meant = near.map(|known| meant(known, rest));
                Err(UrlFault::UnknownScheme { scheme, meant })
            }
        }
    }

    /// Returns the address of an Agent over TCP.
    pub fn tcp(host: &str, port: u16) -> AgentAddress {
        AgentAddress::Http { host: host.into(), port, base_path: String::new(), tls: None }
    }

    /// Takes over from the environment whose certificates are trusted.
    pub fn settle(&mut self, env: &dyn Fn(&str) -> Option<String>) {
        if let AgentAddress::Http { tls: Some(tls), .. } | AgentAddress::Otlp { tls: Some(tls), .. } = self {
            tls.settle(env);
        }
    }
}

fn is_scheme(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(known)
}

/// Returns the URL that was probably meant, without credentials.
fn meant(scheme: &str, rest: &str) -> MeantUrl {
    MeantUrl(redact::url(&format!("{scheme}://{rest}")).into_owned())
}

/// Returns what is wrong with a URL that has no scheme, or begins with a host name that looks like a scheme.
fn without_scheme(url: &str) -> UrlFault {
    let bare = url.trim_start_matches('/');
    let authority = bare.split(['/', '?', '#']).next().unwrap_or(bare);
    let (name, port) = match authority.rsplit_once(':') {
        // The last colon of an IPv6 address does not precede a port.
        Some((name, port)) if !port.ends_with(']') && !name.ends_with(':') => (name, port),
        _ => (authority, ""),
    };
    let is_host = host(name).is_ok() && (port.is_empty() || port.parse::<u16>().is_ok());
    let slip = |scheme: &&str| name.eq_ignore_ascii_case(scheme) && bare[name.len()..].starts_with("//");
    if let Some(scheme) = ["http", "unix", "file"].into_iter().find(slip) {
        let rest = &bare[scheme.len() + 2..];
        return UrlFault::NoColon { scheme, meant: meant(scheme, rest) };
    }
    let meant = match url.len() - bare.len() {
        0 | 2 if is_host && port.is_empty() && authority == bare => {
            let name = if name.contains(':') && !name.starts_with('[') { format!("[{name}]") } else { name.into() };
            Some(meant("http", &format!("{name}:{DEFAULT_PORT}")))
        }
        0 | 2 if is_host => Some(meant("http", bare)),
        1 => Some(meant("unix", url)),
        _ => match url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
            Some((scheme, _)) => return UrlFault::UnknownScheme { scheme: scheme.into(), meant: None },
            None => None,
        },
    };
    UrlFault::NoScheme { meant }
}

impl fmt::Display for AgentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AgentAddress::Http { host, port, base_path, tls } => {
                tcp(f, if tls.is_some() { "https" } else { "http" }, host, *port, base_path)
            }
            AgentAddress::Otlp { host, port, path, tls } => {
                tcp(f, if tls.is_some() { OTLP_HTTPS } else { OTLP_HTTP }, host, *port, path)
            }
            AgentAddress::Unix { path } => write!(f, "unix://{}", path.display()),
            AgentAddress::File { path } => write!(f, "file://{}", path.display()),
            AgentAddress::Unusable { url, .. } => f.write_str(url),
        }
    }
}

fn tcp(f: &mut fmt::Formatter<'_>, scheme: &str, host: &str, port: u16, path: &str) -> fmt::Result {
    let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
    write!(f, "{scheme}://{open}{host}{close}:{port}{path}")
}

fn is_file_path(path: &str) -> bool {
    path.starts_with('/') && !path.ends_with('/')
}

/// The scheme of a receiver of OTLP.
const OTLP_HTTP: &str = "otlp+http";
/// That of one with TLS.
const OTLP_HTTPS: &str = "otlp+https";
/// The port at which such a receiver listens.
const OTLP_PORT: u16 = 4318;
/// What is behind the path of an endpoint for all signals.
const OTLP_TRACES: &str = "/v1/traces";

/// Returns the address of a receiver of OTLP on this host, at the usual port.
pub fn otlp_at(host: &str) -> AgentAddress {
    AgentAddress::Otlp { host: host.into(), port: OTLP_PORT, path: OTLP_TRACES.into(), tls: None }
}

/// Parses the endpoint of an exporter of OpenTelemetry, an `http://` or `https://` URL. `base`: the path is that of all
/// signals.
pub fn otlp_endpoint(url: &str, base: bool) -> Result<AgentAddress, UrlFault> {
    let has = |scheme: &str| url.split_once("://").filter(|(given, _)| given.eq_ignore_ascii_case(scheme));
    match (has("http"), has("https"), Tls::usual()) {
        (Some((_, rest)), ..) => otlp(rest, base, 80, None),
        (_, Some((_, rest)), Some(tls)) => otlp(rest, base, 443, Some(tls)),
        _ => match AgentAddress::from_url(url)? {
            address @ AgentAddress::Unusable { .. } => Ok(address),
            _ => Err(UrlFault::NotHost),
        },
    }
}

fn otlp(rest: &str, base: bool, default_port: u16, tls: Option<Tls>) -> Result<AgentAddress, UrlFault> {
    let AgentAddress::Http { host, port, base_path: mut path, tls } = http(rest, default_port, tls)? else {
        return Err(UrlFault::NotHost);
    };
    if path.is_empty() || (base && !path.ends_with(OTLP_TRACES)) {
        path.push_str(OTLP_TRACES);
    }
    Ok(AgentAddress::Otlp { host, port, path, tls })
}

/// Parses `[user@]host[:port][/path][?query][#fragment]`.
fn http(rest: &str, default_port: u16, tls: Option<Tls>) -> Result<AgentAddress, UrlFault> {
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let end = authority.rfind(']').unwrap_or(0);
    let (name, port) = match authority.rfind(':') {
        Some(colon) if colon >= end => (&authority[..colon], &authority[colon + 1..]),
        _ => (authority, ""),
    };
    if name.contains(':') && !name.starts_with('[') {
        return Err(UrlFault::Ipv6WithoutBrackets);
    }
    let port = match port {
        "" => default_port,
        digits => parse::number(digits, &(1..=65_535), "").map_err(|why| UrlFault::Port(why.into()))? as u16,
    };
    if !path.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(UrlFault::PathNotAscii);
    }
    Ok(AgentAddress::Http { host: host(name)?, port, base_path: path.trim_end_matches('/').into(), tls })
}

/// Parses a host: a name, an IPv4 address, or an IPv6 address with or without brackets. Returns it without brackets.
pub fn host(text: &str) -> Result<String, UrlFault> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let is_name = |t: &str| t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let scheme = bare.split_once(":/").map_or("", |(scheme, _)| scheme);
    if bare.contains("://") || is_scheme(scheme) {
        Err(UrlFault::HostIsUrl)
    } else if bare.contains(':') || bare.len() != text.len() {
        bare.parse::<Ipv6Addr>().map(|_| bare.to_string()).map_err(|_| UrlFault::NotIpv6)
    } else if bare.is_empty() || bare.len() > 253 || !is_name(bare) {
        Err(UrlFault::NotHost)
    } else {
        Ok(bare.to_string())
    }
}

/// Returns a repository's URL without credentials, query and fragment. Leaves `git@host:path` unchanged: its user is
/// not secret.
pub fn repository(url: &str) -> Cow<'_, str> {
    match url.contains("://") {
        true => redact::url(url),
        false => Cow::Borrowed(url),
    }
}

/// Returns a URL or host without secrets.
pub fn redacted(url: &str) -> String {
    redact::text(&redact::url(url)).into_owned()
}

/// Returns an address without secrets: a path may contain a token.
pub fn shown(agent: &AgentAddress) -> String {
    redacted(&agent.to_string())
}

#[allow(clippy::disallowed_methods)] // Looks at a file.
/// Whether the default socket of a local Agent exists.
pub fn default_socket_exists() -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(DEFAULT_SOCKET).is_ok_and(|found| found.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, String> {
        AgentAddress::from_url(text).map(|address| address.to_string()).map_err(|why| why.to_string())
    }

    #[test]
    fn urls_of_every_kind_are_read() {
        for (given, read) in [
            ("http://localhost:8126", "http://localhost:8126"),
            ("HTTP://agent:8126/", "http://agent:8126"),
            ("http://10.0.0.7:8126", "http://10.0.0.7:8126"),
            ("http://[::1]:5000", "http://[::1]:5000"),
            ("http://[::1]", "http://[::1]:80"),
            ("http://agent", "http://agent:80"),
            ("http://agent:/x", "http://agent:80/x"),
            ("http://proxy:8080/agents/one/?q=1#top", "http://proxy:8080/agents/one"),
            ("http://user:pa:ss@agent:8126", "http://agent:8126"),
            ("unix:///var/run/datadog/apm.socket", "unix:///var/run/datadog/apm.socket"),
            ("unix:///with%20percent", "unix:///with%20percent"),
            ("unix:/var/run/datadog/apm.socket", "unix:///var/run/datadog/apm.socket"),
            ("UNIX:/run/a.socket", "unix:///run/a.socket"),
            ("otlp+http://collector", "otlp+http://collector:4318/v1/traces"),
            ("OTLP+http://[::1]:4319/x/", "otlp+http://[::1]:4319/x/v1/traces"),
            ("otlp+http://u:p@h:1/v1/traces?k=1", "otlp+http://h:1/v1/traces"),
            ("file:///dev/stdout", "file:///dev/stdout"),
            ("file:/tmp/traces.json", "file:///tmp/traces.json"),
        ] {
            assert_eq!(url(given), Ok(read.into()), "{given}");
        }
        let v6 = AgentAddress::from_url("http://[::1]:5000");
        assert_eq!(v6, Ok(AgentAddress::tcp("::1", 5000)), "the host is kept without brackets");
    }

    #[test]
    fn a_malformed_url_is_refused_with_what_was_meant() {
        for (given, part) in [
            ("localhost:8126", "has no scheme; http://localhost:8126 was"),
            ("127.0.0.1:8126", "has no scheme; http://127.0.0.1:8126 was"),
            ("localhost:8126/base", "http://localhost:8126/base was"),
            ("[::1]:8126", "http://[::1]:8126 was"),
            ("::1", "http://[::1]:8126 was"),
            ("//agent:8126", "http://agent:8126 was"),
            ("/var/run/apm.socket", "unix:///var/run/apm.socket was"),
            ("agent", "has no scheme; http://agent:8126 was"),
            ("http:/127.0.0.1:8126", "has no // behind http:; http://127.0.0.1:8126 was"),
            ("http:agent:8126", "http://agent:8126 was"),
            ("HTTP:/agent", "http://agent was"),
            ("https:/agent", "https://agent was"),
            ("http//127.0.0.1:8126", "has no : behind http; http://127.0.0.1:8126 was"),
            ("unix//run/a.socket", "has no : behind unix"),
            ("htp://127.0.0.1:8126", "the scheme htp is not known; http://127.0.0.1:8126 was"),
            ("tcp://127.0.0.1:8126", "http://127.0.0.1:8126 was"),
            ("windows:x", "the scheme windows is not known; accepted are http://"),
            ("windows:\\\\.\\pipe\\apm", "the scheme windows is not known"),
            ("agent:port", "the scheme agent is not known"),
            ("ftp://agent:21", "scheme ftp is not known"),
            ("unix:run/a.socket", "absolute and name a file; unix:///run/a.socket was"),
            ("unix:/", "as in unix:///a/path"),
            ("unix:", "as in unix:///a/path"),
            ("://agent", "has no scheme; accepted are"),
            ("unix://relative/path", "absolute"),
            ("unix://", "absolute"),
            ("file://", "absolute"),
            ("file://traces.json", "absolute"),
            ("file:///tmp/", "name a file"),
            ("http://", "not a host name"),
            ("http://:8126", "not a host name"),
            ("http://agent:port", "the port is not a whole number"),
            ("http://agent:0", "1 to 65535"),
            ("http://agent:65536", "1 to 65535"),
            ("http://::1:8126", "brackets"),
            ("http://[::1:8126", "not an IPv6 address"),
            ("http://[zz]:8126", "not an IPv6 address"),
            ("http://a gent:8126", "U+0020"),
            ("http://agent:8126\r\nX: 1", "U+000D"),
            ("http://agent:8126/é", "percent-encoded"),
        ] {
            let why = url(given).expect_err(given);
            assert!(why.contains(part), "{given}: {why}");
        }
    }

    #[test]
    fn what_was_meant_is_told_without_credentials() {
        for given in [
            "http:/u:hunter2@agent:8126",
            "http:/u:hunter2@agent",
            "http:u:hunter2@agent:8126",
            "http//u:hunter2@agent",
            "htp://u:hunter2@agent:8126",
            "//u:hunter2@agent:8126",
            "u:hunter2@agent:8126",
            "tcp://u:hunter2@agent/?api_key=hunter2",
        ] {
            let why = url(given).expect_err(given);
            assert!(!why.contains("hunter2"), "{given}: {why}");
            assert!(!redact::url(given).contains("hunter2"), "{given}: {}", redact::url(given));
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn https_is_an_address_with_tls() {
        for (given, read) in [
            ("https://u:secret@agent/x?k=1", "https://agent:443/x"),
            ("HTTPS://[::1]:8126", "https://[::1]:8126"),
            ("otlp+https://collector", "otlp+https://collector:4318/v1/traces"),
        ] {
            assert_eq!(url(given), Ok(read.into()), "{given}");
        }
        let read = otlp_endpoint("https://collector/all", true).map(|address| address.to_string());
        assert_eq!(read, Ok("otlp+https://collector:443/all/v1/traces".into()));
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn https_is_understood_but_never_becomes_something_else() {
        let Ok(AgentAddress::Unusable { url, why }) = AgentAddress::from_url("https://u:secret@agent:8126/x?k=1")
        else {
            panic!("https must be Unusable");
        };
        assert_eq!(url, "https://agent:8126/x");
        let why = why.to_string();
        assert!(why.contains("https://") && why.contains("unix://"), "{why}");
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for (given, read) in [("agent", "agent"), ("my_agent.svc", "my_agent.svc"), ("::1", "::1"), ("[::1]", "::1")] {
            assert_eq!(host(given), Ok(read.into()));
        }
        for bad in [
            "",
            "http://agent",
            "http:/agent",
            "unix:/run/a.socket",
            "agent:8126",
            "a/b",
            "a b",
            "[agent]",
            "[",
            "café",
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
        assert_eq!(AgentAddress::tcp("::1", 8126).to_string(), "http://[::1]:8126");
    }

    #[test]
    fn a_repository_is_kept_without_credentials() {
        assert_eq!(repository("https://me:t@ken@git.example/a.git"), "https://git.example/a.git");
        assert_eq!(repository("https://git.example/a@b"), "https://git.example/a@b");
        assert_eq!(repository("git@git.example:a/b.git"), "git@git.example:a/b.git");
    }
}
