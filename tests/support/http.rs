//! A minimal HTTP client and server side for tests: sends one request, and reads a request from a stream.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A complete answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request to `127.0.0.1:port` and reads the answer to the end of the connection. Uses HTTP/1.0, so that
/// servers do not use chunked encoding.
pub fn request(port: u16, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
    send(port, method, path, &[], body)
}

/// As `request`, with headers and without a body.
pub fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
    send(port, "GET", path, headers, b"")
}

/// As `request`, with headers.
pub fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut whole = Vec::new();
    stream.read_to_end(&mut whole)?;
    let end = whole.windows(4).position(|at| at == b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let head = String::from_utf8_lossy(&whole[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { status, body: whole.split_off(end + 4) })
}

/// A request's first line and headers.
#[derive(Clone, Debug)]
pub struct Head {
    pub method: String,
    pub path: String,
    /// Whether the connection ends after this request.
    pub last: bool,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads up to the empty line. Returns `None` if the other side has closed the connection.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Head>> {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let old = words.next().as_deref() == Some("HTTP/1.0");
        let mut headers: Vec<(String, String)> = Vec::new();
        loop {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
                let last = old || headers.iter().any(|(name, value)| name == "connection" && value == "close");
                return Ok(Some(Head { method, path, last, headers }));
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }

    /// Returns the value of a header; its name may be in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(have, _)| *have == name).map(|(_, value)| value.as_str())
    }

    /// Returns the value of `Content-Length`, or 0.
    pub fn length(&self) -> usize {
        self.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0)
    }
}
