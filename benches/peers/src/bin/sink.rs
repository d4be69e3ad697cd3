//! An HTTP server that counts the spans it is sent: as v0.4, v0.5, v1.0 or OTLP. It answers before it counts.
//!
//!     sink [HOST:PORT]        127.0.0.1 and a free port by default; prints where it listens
//!
//! `GET /counts` returns and resets the counts as JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static PAYLOADS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static SPANS: AtomicU64 = AtomicU64::new(0);
static UNREADABLE: AtomicU64 = AtomicU64::new(0);

const INFO: &str = r#"{"version":"7.85.0","endpoints":["/v0.4/traces","/v0.5/traces","/v1.0/traces"]}"#;

fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_string());
    let listener = TcpListener::bind(address).expect("cannot listen");
    println!("{}", listener.local_addr().expect("no address"));
    for connection in listener.incoming().flatten() {
        std::thread::spawn(move || {
            let _ = serve(connection);
        });
    }
}

/// Answers requests until the connection ends, which is an error like any other.
fn serve(mut connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 18, connection.try_clone()?);
    let mut body = Vec::new();
    loop {
        let (path, length) = head(&mut reader, &mut connection)?;
        body.clear();
        match length {
            Some(length) => {
                (&mut reader).take(length).read_to_end(&mut body)?;
            }
            None => chunks(&mut reader, &mut body)?,
        }
        if path == "/counts" {
            let [payloads, bytes, spans, unreadable] =
                [&PAYLOADS, &BYTES, &SPANS, &UNREADABLE].map(|count| count.swap(0, Relaxed));
            let counts =
                format!("{{\"payloads\":{payloads},\"bytes\":{bytes},\"spans\":{spans},\"unreadable\":{unreadable}}}");
            answer(&mut connection, "application/json", &counts)?;
            continue;
        }
        match path.as_str() {
            "/v1/traces" => answer(&mut connection, "application/x-protobuf", "")?,
            "/info" => answer(&mut connection, "application/json", INFO)?,
            _ => answer(&mut connection, "application/json", r#"{"rate_by_service":{}}"#)?,
        }
        let spans = match path.as_str() {
            "/v1/traces" => otlp(&body),
            "/v0.4/traces" => v04(&body),
            "/v0.5/traces" => v05(&body),
            "/v1.0/traces" => v1(&body),
            _ => continue,
        };
        PAYLOADS.fetch_add(1, Relaxed);
        BYTES.fetch_add(body.len() as u64, Relaxed);
        match spans {
            Some(spans) => SPANS.fetch_add(spans, Relaxed),
            None => UNREADABLE.fetch_add(1, Relaxed),
        };
    }
}

fn answer(connection: &mut TcpStream, kind: &str, body: &str) -> std::io::Result<()> {
    write!(connection, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Reads a request's head: its path and the length of the body; none if the body comes in chunks.
fn head(reader: &mut impl BufRead, connection: &mut TcpStream) -> std::io::Result<(String, Option<u64>)> {
    let (mut path, mut length) = (String::new(), Some(0));
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((path, length));
        }
        if path.is_empty() {
            // Some clients send a whole URL.
            let target = line.split(' ').nth(1).unwrap_or("/").trim_start_matches("http://");
            path = target[target.find('/').unwrap_or(0)..].to_string();
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok(),
            "transfer-encoding" => length = None,
            "expect" => connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
            _ => {}
        }
    }
}

fn chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let digits = line.trim_end().split(';').next().unwrap_or("");
        let size = u64::from_str_radix(digits, 16).map_err(std::io::Error::other)?;
        reader.take(size).read_to_end(body)?;
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(());
        }
    }
}

/// MessagePack, of which only the structure matters.
struct Packed<'a>(&'a [u8]);

impl Packed<'_> {
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(number.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    fn map(&mut self) -> Option<u64> {
        match self.number(1)? {
            byte @ 0x80..=0x8f => Some(byte & 15),
            0xde => self.number(2),
            0xdf => self.number(4),
            _ => None,
        }
    }

    /// Returns the sum of what `each` gives for the elements of an array, which is a field of a map. Skips other fields. Keys
    /// are below 128.
    fn of_field(&mut self, wanted: u64, mut each: impl FnMut(&mut Self) -> Option<u64>) -> Option<u64> {
        let mut sum = 0;
        for _ in 0..self.map()? {
            if self.number(1)? != wanted {
                self.skip()?;
                continue;
            }
            for _ in 0..self.array()? {
                sum += each(self)?;
            }
        }
        Some(sum)
    }

    fn array(&mut self) -> Option<u64> {
        match self.number(1)? {
            byte @ 0x90..=0x9f => Some(byte & 15),
            0xdc => self.number(2),
            0xdd => self.number(4),
            _ => None,
        }
    }

    /// Skips one value with everything in it.
    fn skip(&mut self) -> Option<()> {
        let mut values = 1;
        while values > 0 {
            values -= 1;
            let byte = self.number(1)?;
            let bytes = match byte {
                0x00..=0x7f | 0xc0..=0xc3 | 0xe0.. => 0,
                0x80..=0x8f => {
                    values += 2 * (byte & 15);
                    0
                }
                0x90..=0x9f => {
                    values += byte & 15;
                    0
                }
                0xa0..=0xbf => byte & 31,
                0xc4 | 0xd9 => self.number(1)?,
                0xc5 | 0xda => self.number(2)?,
                0xc6 | 0xdb => self.number(4)?,
                0xc7 => self.number(1)? + 1,
                0xc8 => self.number(2)? + 1,
                0xc9 => self.number(4)? + 1,
                0xca | 0xce | 0xd2 => 4,
                0xcb | 0xcf | 0xd3 => 8,
                0xcc | 0xd0 => 1,
                0xcd | 0xd1 => 2,
                0xd4..=0xd8 => 1 + (1 << (byte - 0xd4)),
                0xdc | 0xdd => {
                    values += self.number(if byte == 0xdc { 2 } else { 4 })?;
                    0
                }
                0xde | 0xdf => {
                    values += 2 * self.number(if byte == 0xde { 2 } else { 4 })?;
                    0
                }
            };
            self.0 = self.0.get(bytes as usize..)?;
        }
        Some(())
    }

    fn traces(&mut self) -> Option<u64> {
        let mut spans = 0;
        for _ in 0..self.array()? {
            let of_trace = self.array()?;
            for _ in 0..of_trace {
                self.skip()?;
            }
            spans += of_trace;
        }
        Some(spans)
    }
}

fn v04(body: &[u8]) -> Option<u64> {
    Packed(body).traces()
}

/// Field 11 has the chunks, whose field 4 has the spans.
fn v1(body: &[u8]) -> Option<u64> {
    Packed(body).of_field(11, |chunk| chunk.of_field(4, |span| span.skip().map(|()| 1)))
}

/// An array of two: the texts, and the traces.
fn v05(body: &[u8]) -> Option<u64> {
    let mut packed = Packed(body);
    packed.array()?;
    packed.skip()?;
    packed.traces()
}

/// Protocol Buffers: resource_spans (1) have scope_spans (2), and these have spans (2).
fn otlp(body: &[u8]) -> Option<u64> {
    let mut spans = 0;
    for resource in fields(body, 1)? {
        for scope in fields(resource, 2)? {
            spans += fields(scope, 2)?.len() as u64;
        }
    }
    Some(spans)
}

/// Returns the contents of each field of a message that has this number and a length.
fn fields(mut message: &[u8], wanted: u64) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let bytes = match key & 7 {
            0 => {
                varint(&mut message)?;
                0
            }
            1 => 8,
            2 => varint(&mut message)? as usize,
            5 => 4,
            _ => return None,
        };
        let (content, rest) = message.split_at_checked(bytes)?;
        message = rest;
        if key == wanted << 3 | 2 {
            found.push(content);
        }
    }
    Some(found)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for position in 0..10 {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 127) << (7 * position);
        if byte < 128 {
            return Some(value);
        }
    }
    None
}
