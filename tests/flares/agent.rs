//! An agent that takes traces, and treats flares as a test asks.

use crate::support::http::Head;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the agent does with a flare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// This status and this body.
    Answer(u16, &'static str),
    /// Reads it and never answers.
    Stall,
    /// Resets the connection after some bytes.
    Cut,
    /// `/info` does not name the path of flares.
    NotOffered,
}

/// What the agent has received.
#[derive(Default)]
pub struct Received {
    /// The bodies of flares that were read completely.
    pub flares: Vec<Vec<u8>>,
    /// Requests with traces.
    pub traces: usize,
}

/// A running agent. Its threads end with the test.
pub struct FlareAgent {
    port: u16,
    received: Arc<Mutex<Received>>,
}

impl FlareAgent {
    /// Starts it.
    pub fn start(reply: Reply) -> FlareAgent {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let received = Arc::new(Mutex::new(Received::default()));
        let kept = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || serve(stream, reply, &kept));
            }
        });
        FlareAgent { port, received }
    }

    /// For `DD_TRACE_AGENT_URL`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many flares were read completely, and how many requests with traces.
    pub fn counts(&self) -> (usize, usize) {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        (received.flares.len(), received.traces)
    }
}

fn serve(stream: TcpStream, reply: Reply, received: &Mutex<Received>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    while let Ok(Some(head)) = Head::read(&mut reader) {
        let is_flare = head.path == "/tracer_flare/v1";
        if is_flare && reply == Reply::Cut {
            let _ = reader.read(&mut [0; 512]);
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
        let mut body = vec![0; head.length()];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let (status, answer) = match (head.path.as_str(), reply) {
            ("/info", Reply::NotOffered) => (200, r#"{"version":"7.1.0","endpoints":["/v0.4/traces"]}"#),
            ("/info", _) => (
                200,
                r#"{"version":"7.60.0","endpoints":["/v0.4/traces","/tracer_flare/v1"],"api_key":"0123456789abcdef0123456789abcdef"}"#,
            ),
            (_, Reply::Stall) if is_flare => {
                received.lock().unwrap_or_else(PoisonError::into_inner).flares.push(body);
                std::thread::sleep(Duration::from_secs(60));
                return;
            }
            (_, Reply::Answer(status, answer)) if is_flare => {
                received.lock().unwrap_or_else(PoisonError::into_inner).flares.push(body);
                (status, answer)
            }
            _ => {
                received.lock().unwrap_or_else(PoisonError::into_inner).traces += 1;
                (200, "{}")
            }
        };
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        if (&stream).write_all(answer.as_bytes()).is_err() || head.last {
            return;
        }
    }
}
