//! A FastCGI client, to run PHP as a web server does. Keeps its connections open and sends one request after another on
//! each. Assertions about PHP belong in the tests.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

/// The answer to a request: the response with its headers, and what the script wrote to its error stream.
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Returns the response without its headers.
    pub fn body(&self) -> &str {
        self.stdout.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// One connection. Opened when it is first needed, and again if the server has closed it.
pub struct Client {
    socket: PathBuf,
    connection: Option<UnixStream>,
    /// Number of connections that were opened.
    pub connections: u64,
}

impl Client {
    pub fn new(socket: &Path) -> Client {
        Client { socket: socket.to_owned(), connection: None, connections: 0 }
    }

    /// Requests a script. A server that is shutting down closes the connection without reading the request. In that
    /// case alone, when no byte has come back, the request is sent again.
    pub fn get(&mut self, script: &Path, query: &str) -> io::Result<Answer> {
        if self.connection.is_some() {
            match self.exchange(script, query) {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
                done => return done,
            }
        }
        let connection = UnixStream::connect(&self.socket)?;
        connection.set_read_timeout(Some(Duration::from_secs(20)))?;
        self.connection = Some(connection);
        self.connections += 1;
        self.exchange(script, query)
    }

    fn exchange(&mut self, script: &Path, query: &str) -> io::Result<Answer> {
        let Some(mut connection) = self.connection.take() else { return Err(io::ErrorKind::NotConnected.into()) };
        connection.write_all(&request(script, query)).map_err(|_| io::ErrorKind::NotConnected)?;
        let mut answer = (Vec::new(), Vec::new());
        let mut anything = false;
        loop {
            let mut head = [0; 8];
            if let Err(error) = connection.read_exact(&mut head) {
                return Err(if anything { error } else { io::ErrorKind::NotConnected.into() });
            }
            anything = true;
            let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
            let mut content = vec![0; length + usize::from(head[6])];
            connection.read_exact(&mut content)?;
            match head[1] {
                STDOUT => answer.0.extend_from_slice(&content[..length]),
                STDERR => answer.1.extend_from_slice(&content[..length]),
                END => break,
                _ => {}
            }
        }
        self.connection = Some(connection);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { stdout: text(answer.0), stderr: text(answer.1) })
    }
}

fn request(script: &Path, query: &str) -> Vec<u8> {
    let root = script.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    let script = script.display().to_string();
    let params = [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REQUEST_METHOD", "GET"),
        ("DOCUMENT_ROOT", &root),
        ("SCRIPT_FILENAME", &script),
        ("SCRIPT_NAME", "/script.php"),
        ("REQUEST_URI", "/script.php"),
        ("QUERY_STRING", query),
    ];
    let mut pairs = Vec::new();
    for (name, value) in params {
        pairs.extend_from_slice(&[name.len() as u8]);
        pairs.extend_from_slice(&(value.len() as u32 | 1 << 31).to_be_bytes());
        pairs.extend_from_slice(name.as_bytes());
        pairs.extend_from_slice(value.as_bytes());
    }
    // Role 1 is a responder, flag 1 keeps the connection open. An empty record ends each stream.
    let mut bytes = record(BEGIN, &[0, 1, 1, 0, 0, 0, 0, 0]);
    bytes.extend(record(PARAMS, &pairs));
    bytes.extend(record(PARAMS, &[]));
    bytes.extend(record(STDIN, &[]));
    bytes
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16).to_be_bytes();
    let mut bytes = vec![1, kind, 0, 1, length[0], length[1], 0, 0];
    bytes.extend_from_slice(content);
    bytes
}
