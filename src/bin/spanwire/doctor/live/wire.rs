//! Sends one plain HTTP request and keeps every byte of the answer. The library's own client discards an answer that is
//! not HTTP, but such an answer shows that the port is wrong. `info` judges the answer.

use super::{found, within};
use spanwire::companion::settings::AgentAddress;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Bytes of an answer that are read.
const ANSWER_MAX: usize = 256 * 1024;
const ADDRESSES_MAX: usize = 16;

/// Header names in lower case, and values.
type Headers = Vec<(String, String)>;

/// The server to ask. `Display` prints its URL.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address in the settings.
    pub address: AgentAddress,
    /// Value of the `Host` header.
    host: String,
    base_path: String,
}

impl Target {
    /// Returns `None` if the address is not that of a server.
    pub fn of(address: &AgentAddress) -> Option<Target> {
        let (host, base_path) = match address {
            AgentAddress::Http { host, port, base_path, tls: None } if host.contains(':') => {
                (format!("[{host}]:{port}"), base_path.clone())
            }
            AgentAddress::Http { host, port, base_path, tls: None } => (format!("{host}:{port}"), base_path.clone()),
            AgentAddress::Unix { .. } => ("localhost".into(), String::new()),
            // The requests below are made without TLS.
            AgentAddress::Http { tls: Some(_), .. } => return None,
            AgentAddress::Otlp { .. } | AgentAddress::File { .. } | AgentAddress::Unusable { .. } => return None,
        };
        Some(Target { address: address.clone(), host, base_path })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// No answer came.
#[derive(Debug)]
pub struct Silence {
    /// Whether the time was up; otherwise the connection ended.
    pub late: bool,
    /// The reason as text.
    pub why: String,
}

/// An answer.
#[derive(Debug, Default)]
pub struct Answer {
    /// The first bytes as received, used if the answer is not HTTP.
    pub raw: Vec<u8>,
    /// The status if the answer is HTTP; otherwise the fields below are empty.
    pub status: Option<u16>,
    /// Names in lower case.
    pub headers: Headers,
    /// The body, without chunk sizes.
    pub body: Vec<u8>,
    /// This machine's clock in the middle of the exchange, in seconds since 1970.
    pub at: u64,
    /// Time from the request to the end of the answer.
    pub took: Duration,
}

impl Answer {
    /// Returns a header's value by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// Resolves a host as the library does. `patience` limits the system's look-up.
pub fn resolve(host: &str, port: u16, patience: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if host.eq_ignore_ascii_case("localhost") {
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(both.map(|ip| SocketAddr::new(ip, port)).to_vec());
    }
    let name = host.to_string();
    within(patience, move || Ok((name.as_str(), port).to_socket_addrs()?.take(ADDRESSES_MAX).collect::<Vec<_>>()))?
}

/// Connects to the first address that accepts a connection; otherwise returns the error of each.
pub fn connect_tcp(addresses: &[SocketAddr], patience: Duration) -> Result<TcpStream, Vec<(SocketAddr, io::Error)>> {
    let end = Instant::now() + patience;
    let mut failures = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let share = end.saturating_duration_since(Instant::now()) / (addresses.len() - index) as u32;
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failures.push((*address, error)),
        }
    }
    Err(failures)
}

/// Connects to a socket file. Needs the time limit because connecting to a server that accepts nothing can block
/// forever.
pub fn connect_unix(path: PathBuf, patience: Duration) -> io::Result<TcpStream> {
    let stream = within(patience, move || UnixStream::connect(path))??;
    // The same type for both kinds of socket: all calls made here work on either.
    Ok(TcpStream::from(OwnedFd::from(stream)))
}

/// Requests `path` below the target's base path and reads the answer, which may not be HTTP. Returns an error if no
/// byte came.
pub fn get(mut stream: TcpStream, target: &Target, path: &str, patience: Duration) -> Result<Answer, Silence> {
    let begun = Instant::now();
    let request = format!(
        "GET {}{path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: spanwire-doctor/{}\r\nConnection: close\r\n\r\n",
        target.base_path,
        target.host,
        env!("CARGO_PKG_VERSION")
    );
    let limit = |left: Duration| Some(left.max(Duration::from_millis(1)));
    let sent = stream.set_write_timeout(limit(patience)).and_then(|()| stream.write_all(request.as_bytes()));
    // A server that answers and closes at once may cause a write error. Its answer still counts.
    let mut trouble = sent.err();
    let mut raw = Vec::new();
    let mut piece = [0; 16 * 1024];
    while raw.len() < ANSWER_MAX && !is_whole(&raw) {
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            trouble = trouble.or(Some(io::ErrorKind::TimedOut.into()));
            break;
        }
        match stream.set_read_timeout(limit(left)).and_then(|()| stream.read(&mut piece)) {
            Ok(0) => break,
            Ok(got) => raw.extend_from_slice(&piece[..got]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                trouble = Some(error);
                break;
            }
        }
    }
    let took = begun.elapsed();
    if raw.is_empty() {
        let late = trouble.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
        let why = match trouble {
            Some(_) if late => format!("no answer came within {}", found::millis(patience)),
            Some(error) => format!("the connection failed: {}", found::plain(&error)),
            None => "the connection was closed without an answer".into(),
        };
        return Err(Silence { late, why });
    }
    let middle = spanwire::companion::sys::wall_ns().saturating_sub(took.as_nanos() as u64 / 2);
    Ok(Answer { at: middle / 1_000_000_000, took, ..parse(raw) })
}

/// Whether the answer is complete, so that a server that keeps the connection open causes no wait.
fn is_whole(raw: &[u8]) -> bool {
    let Some((_, headers, start)) = head(raw) else { return false };
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, n)| n.parse::<usize>().ok());
    match length {
        Some(length) => raw.len() - start >= length,
        None => is_chunked(&headers) && raw.ends_with(b"0\r\n\r\n"),
    }
}

fn is_chunked(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| name == "transfer-encoding" && value.eq_ignore_ascii_case("chunked"))
}

fn parse(raw: Vec<u8>) -> Answer {
    let Some((status, headers, start)) = head(&raw) else { return Answer { raw, ..Answer::default() } };
    let body = &raw[start..];
    let body = if is_chunked(&headers) { dechunked(body) } else { body.to_vec() };
    Answer { status: Some(status), headers, body, raw, ..Answer::default() }
}

/// Returns status, headers, and the start of the body; `None` if the answer is incomplete or not HTTP.
fn head(raw: &[u8]) -> Option<(u16, Headers, usize)> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(start)) = response.parse(raw) else { return None };
    let text =
        |h: &httparse::Header<'_>| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).trim().to_string());
    Some((response.code?, response.headers.iter().map(text).collect(), start))
}

/// Joins the complete chunks of a body.
fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(rest) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(end) = start.checked_add(length).filter(|&end| length > 0 && end <= rest.len()) else { break };
        body.extend_from_slice(&rest[start..end]);
        rest = rest[end..].strip_prefix(b"\r\n").unwrap_or(&rest[end..]);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_is_read_whole() {
        let raw =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n";
        assert!(is_whole(raw) && !is_whole(&raw[..raw.len() - 3]));
        let answer = parse(raw.to_vec());
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.header("date")),
            (Some(200), &b"{\"a\":1}"[..], Some("x"))
        );
    }

    #[test]
    fn lengths_that_lie_harm_nothing() {
        assert_eq!(dechunked(b"ffffffffffffffff\r\nabc"), b"");
        assert_eq!(dechunked(b"2\r\nab"), b"ab");
        assert_eq!(parse(b"SSH-2.0-OpenSSH\r\n".to_vec()).status, None);
    }
}
