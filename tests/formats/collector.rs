//! A receiver of OTLP that answers as a test asks, and keeps the headers and bodies of requests.

use super::server::Server;
use super::support::http::Head;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

/// An answer: the status, further header lines, each ended by `\r\n`, and the body.
pub type Reply = (u16, &'static str, &'static [u8]);

/// The head and the body of a request.
type Received = Vec<(Head, Vec<u8>)>;

pub struct Collector {
    server: Server,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    /// Answers the first requests with these replies, and the others with the last one.
    pub fn start(replies: &'static [Reply]) -> Collector {
        let received = Arc::new(Mutex::new(Vec::new()));
        let all = received.clone();
        Collector { server: Server::start(move |stream| serve(stream, replies, &all)), received }
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.server.port)
    }

    pub fn received(&self) -> Received {
        self.received.lock().expect("no panic").clone()
    }
}

fn serve(mut stream: &TcpStream, replies: &[Reply], received: &Mutex<Received>) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(head)) = Head::read(&mut reader) {
        let mut body = vec![0; head.length()];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let mut received = received.lock().expect("no panic");
        let (status, headers, answer) = replies[received.len().min(replies.len() - 1)];
        received.push((head.clone(), body));
        drop(received);
        let length = answer.len();
        let text = format!("HTTP/1.1 {status} It\r\n{headers}Content-Length: {length}\r\n\r\n");
        if stream.write_all(&[text.as_bytes(), answer].concat()).is_err() || head.last {
            return;
        }
    }
}
