//! Server side of HTTP/1.1, limited to what tracers use. Reads whole requests and writes whole responses. Every size
//! and every wait is bounded. `receiver.rs` decides what to answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The largest request body that is accepted, as in a real Agent.
pub const BODY_MAX: usize = 25 * 1024 * 1024;
const HEAD_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// Time that a connection may be idle.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Time limit for receiving a request, and for sending its answer.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// Time and bytes to keep reading after a refusal. Without this, closing would reset the connection before the client
/// has read the answer.
const LINGER: (Duration, usize) = (Duration::from_secs(2), 4 * BODY_MAX);

/// A connected TCP or Unix socket.
pub trait Socket: Read + Write {
    /// Sets the time limit for each read and write.
    fn patience(&self, time: Duration) -> io::Result<()>;
    /// Shuts down the sending side.
    fn end_output(&self) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn patience(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }

    fn end_output(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Socket for UnixStream {
    fn patience(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }

    fn end_output(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A request. `body` is an error if it was not accepted: the status to answer with, and why.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    headers: Vec<(String, String)>,
    pub body: Result<Vec<u8>, Refusal>,
    /// HTTP/1.0: its client may read the answer to the end of the connection.
    is_old: bool,
}

impl Request {
    /// Returns the value of a header, ignoring the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns all headers.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the connection ends with this request.
    fn is_last(&self) -> bool {
        self.says("Connection", "close") || self.is_old && !self.says("Connection", "keep-alive")
    }

    /// Whether a header contains this word, in any case.
    fn says(&self, name: &str, word: &str) -> bool {
        self.header(name).is_some_and(|value| value.to_ascii_lowercase().contains(word))
    }
}

/// Why a request or its body is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub why: String,
}

/// An answer. `send` adds Content-Length and Connection.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// Writes the answer. With `last`, it tells the client that the connection will be closed.
    pub fn send(&self, socket: &mut impl Write, last: bool) -> io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            413 => "Content Too Large",
            415 => "Unsupported Media Type",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            _ => "-",
        };
        let mut text = format!("HTTP/1.1 {} {reason}\r\nContent-Length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += if last { "Connection: close\r\n\r\n" } else { "\r\n" };
        // One write: otherwise a client may wait for the second packet (Nagle's algorithm).
        socket.write_all(&[text.as_bytes(), &self.body].concat())
    }
}

/// Serves one connection until either side closes it. Calls `answer` for each request, also for refused ones.
pub fn converse(socket: impl Socket, mut answer: impl FnMut(&Result<Request, Refusal>) -> Response) {
    let mut line = Line { socket, buffer: Vec::new(), at: 0, deadline: Instant::now() };
    while line.wait() {
        let request = line.request();
        let refused = match &request {
            Ok(request) => request.body.is_err(),
            Err(_) => true,
        };
        let last = refused || request.as_ref().is_ok_and(Request::is_last);
        let sent = answer(&request).send(&mut line.socket, last);
        if refused {
            line.linger();
        }
        if last || sent.is_err() {
            return;
        }
    }
}

/// A connection, with bytes that were read and not used yet.
struct Line<S> {
    socket: S,
    buffer: Vec<u8>,
    at: usize,
    deadline: Instant,
}

impl<S: Socket> Line<S> {
    fn unread(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Waits for a request to begin. Returns false if none arrives.
    fn wait(&mut self) -> bool {
        self.deadline = Instant::now() + IDLE_MAX;
        let begun = !self.unread().is_empty() || self.fill().is_ok();
        self.deadline = Instant::now() + REQUEST_MAX;
        begun
    }

    /// Reads more bytes before the deadline.
    fn fill(&mut self) -> Result<(), Refusal> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let late = || Refusal { status: 408, why: "the request did not arrive in time".into() };
        let gone = |why: String| Refusal { status: 400, why };
        let mut piece = [0; 16 * 1024];
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            self.socket.patience(left).map_err(|error| gone(error.to_string()))?;
            match self.socket.read(&mut piece) {
                Ok(0) => return Err(gone("the connection ended before the request did".into())),
                Ok(length) => {
                    self.buffer.extend_from_slice(&piece[..length]);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Err(late()),
                Err(error) => return Err(gone(error.to_string())),
            }
        }
    }

    /// Reads a request with its body.
    fn request(&mut self) -> Result<Request, Refusal> {
        let mut request = loop {
            if let Some((request, length)) = head(self.unread())? {
                self.at += length;
                break request;
            }
            if self.unread().len() > HEAD_MAX {
                return Err(Refusal { status: 431, why: format!("headers larger than {HEAD_MAX} bytes") });
            }
            self.fill()?;
        };
        let body = self.body(&request);
        request.body = body;
        Ok(request)
    }

    /// Reads the body of a request.
    fn body(&mut self, request: &Request) -> Result<Vec<u8>, Refusal> {
        let length = match request.header("Content-Length").map(str::parse::<u64>) {
            _ if request.says("Transfer-Encoding", "chunked") => None,
            None => return Ok(Vec::new()),
            Some(Ok(length)) if length <= BODY_MAX as u64 => Some(length as usize),
            Some(Ok(_)) => return Err(too_large()),
            Some(Err(_)) => return Err(Refusal { status: 400, why: "Content-Length is not a number".into() }),
        };
        if request.says("Expect", "100-continue") {
            let _ = self.socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        match length {
            Some(length) => self.take(length),
            None => self.chunks(),
        }
    }

    /// Reads this number of bytes.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, Refusal> {
        while self.unread().len() < length {
            self.fill()?;
        }
        let taken = self.unread()[..length].to_vec();
        self.at += length;
        Ok(taken)
    }

    /// Reads a chunked body.
    fn chunks(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut body = Vec::new();
        loop {
            let size = self.chunk_size()?;
            if size > (BODY_MAX - body.len()) as u64 {
                return Err(too_large());
            }
            if size == 0 {
                // Skip the trailers, which end with an empty line.
                while !self.text_line()?.is_empty() {}
                return Ok(body);
            }
            body.extend(self.take(size as usize)?);
            if !self.text_line()?.is_empty() {
                return Err(Refusal { status: 400, why: "a chunk is longer than its size".into() });
            }
        }
    }

    fn chunk_size(&mut self) -> Result<u64, Refusal> {
        loop {
            match httparse::parse_chunk_size(self.unread()) {
                Ok(httparse::Status::Complete((length, size))) => {
                    self.at += length;
                    return Ok(size);
                }
                Ok(httparse::Status::Partial) if self.unread().len() <= HEAD_MAX => self.fill()?,
                _ => return Err(Refusal { status: 400, why: "a chunk has no size".into() }),
            }
        }
    }

    fn text_line(&mut self) -> Result<Vec<u8>, Refusal> {
        loop {
            if let Some(end) = self.unread().windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(end)?;
                self.at += 2;
                return Ok(line);
            }
            if self.unread().len() > HEAD_MAX {
                return Err(Refusal { status: 400, why: "a line has no end".into() });
            }
            self.fill()?;
        }
    }

    /// Keeps reading, within bounds: if a client is still sending when we close, the reset would discard our answer.
    fn linger(&mut self) {
        let _ = self.socket.end_output();
        let (time, mut bytes) = LINGER;
        self.deadline = Instant::now() + time;
        while bytes > 0 && self.fill().is_ok() {
            self.at = self.buffer.len();
            bytes = bytes.saturating_sub(self.at);
        }
    }
}

fn too_large() -> Refusal {
    Refusal { status: 413, why: format!("the body is larger than {BODY_MAX} bytes") }
}

/// Parses the request line and the headers once they are complete; returns them and their length in bytes.
fn head(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal { status: 431, why: format!("more than {HEADERS_MAX} headers") })
        }
        Err(error) => return Err(Refusal { status: 400, why: format!("not HTTP: {error}") }),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed.headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect(),
        body: Ok(Vec::new()),
        is_old: parsed.version == Some(0),
    };
    Ok(Some((request, length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Sends `pieces` and returns the response. Each request is answered with `method target body`.
    fn ask(pieces: Vec<Vec<u8>>) -> String {
        let (mut client, server) = UnixStream::pair().unwrap();
        let serving = thread::spawn(move || {
            converse(server, |request| {
                let (status, body) = match request {
                    Ok(Request { method, target, body: Ok(body), .. }) => {
                        (200, format!("{method} {target} {}", String::from_utf8_lossy(body)))
                    }
                    Ok(Request { body: Err(refusal), .. }) | Err(refusal) => (refusal.status, refusal.why.clone()),
                };
                Response { status, headers: Vec::new(), body: (body + "\n").into_bytes() }
            });
        });
        for piece in pieces {
            client.write_all(&piece).unwrap();
        }
        client.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        serving.join().unwrap();
        said
    }

    #[test]
    fn one_connection_carries_several_requests_in_any_pieces() {
        let bytes =
            b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nonePOST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
            2\r\ntw\r\n1;x=y\r\no\r\n0\r\nTrailer: t\r\n\r\nGET /c HTTP/1.1\r\n\r\n";
        for pieces in [vec![bytes.to_vec()], bytes.iter().map(|byte| vec![*byte]).collect()] {
            let said = ask(pieces);
            for line in ["PUT /a one\n", "POST /b two\n", "GET /c \n"] {
                assert!(said.contains(line), "{said}");
            }
        }
    }

    #[test]
    fn a_request_that_cannot_be_taken_is_answered_with_the_reason() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(HEADERS_MAX + 1));
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(2 * HEAD_MAX));
        let huge = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\nx", u64::MAX);
        for (input, answer) in [
            (huge.as_str(), "413 Content Too Large"),
            ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "Content-Length is not a number"),
            ("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nshort", "ended before the request did"),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "a chunk has no size"),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "a chunk is longer than its size"),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffff\r\n", "413 Content Too Large"),
            (many.as_str(), "more than 64 headers"),
            (long.as_str(), "431 "),
            ("\x16\x03\x01 TLS\r\n\r\n", "not HTTP"),
        ] {
            let said = ask(vec![input.as_bytes().to_vec()]);
            assert!(said.contains(answer) && said.contains("Connection: close"), "{input:.60}: {said}");
        }
    }

    #[test]
    fn a_client_that_waits_for_leave_to_send_gets_it() {
        let said = ask(vec![b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok".to_vec()]);
        assert!(said.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{said}");
    }

    #[test]
    fn a_client_still_sending_too_much_sees_the_refusal() {
        let head = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", BODY_MAX + 1);
        assert!(ask(vec![head.into_bytes(), vec![0; BODY_MAX + 1]]).starts_with("HTTP/1.1 413 "));
    }
}
