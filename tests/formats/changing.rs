//! An agent that changes while traces are sent to it: each phase has its own `/info` and answers.

use super::server::Server;
use super::support::http::Head;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

/// How the agent behaves in a phase.
#[derive(Clone, Copy)]
pub struct Phase {
    /// How many payloads the phase lasts.
    pub payloads: usize,
    /// The paths that `/info` lists.
    pub lists: &'static [&'static str],
    /// The paths that it serves; others are answered 404.
    pub serves: &'static [&'static str],
    /// `Datadog-Agent-State`; empty for none.
    pub state: &'static str,
    pub kind: Kind,
}

/// Each test program uses some of them.
#[allow(dead_code)]
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Agent,
    /// An agent that answers 415, not 404, to what it does not serve.
    Unsupporting,
    /// A web server, which answers 200 and HTML to everything.
    Web,
    /// Closes connections without an answer.
    Away,
}

/// A payload: its path and the status of the answer, 0 for none.
pub type Received = (String, u16);

pub struct Changing {
    server: Server,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Changing {
    pub fn start(phases: &'static [Phase]) -> Changing {
        let received = Arc::new(Mutex::new(Vec::new()));
        let all = received.clone();
        Changing { server: Server::start(move |stream| serve(stream, phases, &all)), received }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    /// Every payload, in the order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }
}

fn serve(stream: &TcpStream, phases: &[Phase], received: &Mutex<Vec<Received>>) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(head)) = Head::read(&mut reader) {
        let mut body = vec![0; head.length()];
        if reader.read_exact(&mut body).is_err() || answer(stream, &head, phases, received).is_none() || head.last {
            return;
        }
    }
}

fn answer(mut stream: &TcpStream, head: &Head, phases: &[Phase], received: &Mutex<Vec<Received>>) -> Option<()> {
    let mut received = received.lock().expect("no panic");
    let (mut number, mut phase) = (received.len(), phases[0]);
    for &next in phases {
        phase = next;
        if number < next.payloads {
            break;
        }
        number -= next.payloads;
    }
    let status = match phase.kind {
        Kind::Away => 0,
        Kind::Web => 200,
        Kind::Agent | Kind::Unsupporting if head.path == "/info" || phase.serves.contains(&head.path.as_str()) => 200,
        Kind::Agent => 404,
        Kind::Unsupporting => 415,
    };
    if head.path.ends_with("/traces") {
        received.push((head.path.clone(), status));
    }
    if status == 0 {
        let _ = stream.shutdown(std::net::Shutdown::Both);
        return None;
    }
    let body = match (phase.kind, head.path.as_str()) {
        (Kind::Web, _) => "<!DOCTYPE html><title>Hello</title>".to_owned(),
        (_, "/info") => serde_json::json!({"version": "7", "endpoints": phase.lists, "config": {}}).to_string(),
        _ if status == 404 => "404 page not found\n".to_owned(),
        _ => r#"{"rate_by_service":{}}"#.to_owned(),
    };
    let state = match phase.state {
        "" => String::new(),
        _ if status == 404 => String::new(),
        state => format!("Datadog-Agent-State: {state}\r\n"),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} It\r\n{state}Content-Length: {length}\r\n\r\n{body}").ok()
}
