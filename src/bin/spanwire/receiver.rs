//! Receives traces over HTTP as a Datadog Agent does, and sends an event for each request through a channel. Prints and
//! stores nothing.

use crate::decode::{self, Malformed, Trace};
use crate::forward::{Forward, Passed};
use crate::http::{self, Refusal, Request, Response, Socket, BODY_MAX};
use crate::out::counted;
use flate2::read::GzDecoder;
use std::borrow::Cow;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Connections served at a time, each by its own thread, so that a slow client delays no other.
const CONNECTIONS_MAX: usize = 256;

/// Where to listen. At least one of the two is set.
#[derive(Debug, Default)]
pub struct Places {
    /// Host and port; port 0 picks a free one.
    pub tcp: Option<(String, u16)>,
    /// The path of a Unix socket.
    pub socket: Option<PathBuf>,
    /// The URL of what requests are passed on to.
    pub forward: Option<String>,
}

/// An event for the reader of the channel.
#[derive(Debug)]
pub enum Event {
    /// A request was answered.
    Answered {
        /// The request and its answer in one line.
        line: String,
        /// The traces of an accepted payload.
        traces: Option<Vec<Trace>>,
        /// Whether something was wrong with the payload; `line` says what.
        trouble: bool,
    },
    /// Asks the reader to stop. Sent by signal handlers, not by the receiver.
    Stop,
}

/// Listens until the process ends. Dropping it removes its socket file.
pub struct Receiver {
    /// The address that it listens on, with the actual port.
    pub tcp: Option<SocketAddr>,
    socket: Option<PathBuf>,
}

impl Receiver {
    /// Listens on `places` and sends an event for each request, before answering it. The error says what to do.
    pub fn start(places: &Places, events: &SyncSender<Event>) -> Result<Receiver, String> {
        let mut receiver = Receiver { tcp: None, socket: None };
        let tcp = match &places.tcp {
            Some((host, port)) => {
                let bound = TcpListener::bind((host.as_str(), *port));
                Some(bound.map_err(|error| port_trouble(host, *port, &error))?)
            }
            None => None,
        };
        receiver.tcp = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
        let unix = places.socket.as_deref().map(listen_unix).transpose()?;
        receiver.socket.clone_from(&places.socket);

        let port = receiver.tcp.map_or(0, |address| address.port());
        let forward = places.forward.as_deref().map(Forward::to).transpose()?;
        let desk = Arc::new(Desk::new(events.clone(), port, places.socket.as_deref(), forward));
        if let Some(listener) = tcp {
            start("tcp", &desk, move || listener.accept().map(|(stream, _)| stream))?;
        }
        if let Some(listener) = unix {
            start("unix", &desk, move || listener.accept().map(|(stream, _)| stream))?;
        }
        Ok(receiver)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.socket.take().map(std::fs::remove_file);
    }
}

/// Starts the thread that accepts connections, and a thread for each connection.
fn start<S: Socket + Send + 'static>(
    name: &str,
    desk: &Arc<Desk>,
    accept: impl Fn() -> io::Result<S> + Send + 'static,
) -> Result<(), String> {
    let desk = Arc::clone(desk);
    let taking = move || loop {
        match accept() {
            Ok(socket) => serve(socket, &desk),
            // The client has gone, or no descriptor is free at the moment. Keep accepting.
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    };
    let thread = thread::Builder::new().name(name.into()).spawn(taking);
    thread.map(drop).map_err(|error| format!("cannot start a thread: {error}"))
}

/// Serves one connection on its own thread.
fn serve<S: Socket + Send + 'static>(mut socket: S, desk: &Arc<Desk>) {
    if desk.busy.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
        desk.busy.fetch_sub(1, Ordering::Relaxed);
        // The answer fits into the socket's buffer, so that a slow client cannot block this thread.
        let why = format!("all {CONNECTIONS_MAX} connections are in use");
        let _ = desk.respond(&Err(Refusal { status: 503, why })).send(&mut socket, true);
        return;
    }
    let own = Arc::clone(desk);
    let serving = thread::Builder::new().name("connection".into()).spawn(move || {
        http::converse(socket, |request| own.respond(request));
        own.busy.fetch_sub(1, Ordering::Relaxed);
    });
    if serving.is_err() {
        // The closure that owned the connection was dropped, which closed it.
        desk.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Answer {
    status: u16,
    body: String,
    /// What is sent instead of `body`: the answer of the Agent or Collector behind, as it is.
    bytes: Option<Vec<u8>>,
    kind: Cow<'static, str>,
    /// Further headers.
    headers: Vec<(&'static str, String)>,
    traces: Option<Vec<Trace>>,
    /// A difference between the headers and the payload.
    mismatch: Option<String>,
}

impl Answer {
    fn plain(status: u16, body: impl Into<String>) -> Answer {
        let (headers, kind) = (Vec::new(), TEXT.into());
        Answer { status, body: body.into(), bytes: None, kind, headers, traces: None, mismatch: None }
    }

    fn json(body: String) -> Answer {
        Answer { kind: JSON.into(), ..Answer::plain(200, body) }
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const MSGPACK: &str = "application/msgpack";

/// Decodes a payload.
type Decode = fn(&[u8]) -> Result<Vec<Trace>, Malformed>;

/// The paths to which traces are sent, with the content type and the decoder of each.
const FORMATS: &[(&str, &str, Decode)] = &[
    ("/v0.3/traces", MSGPACK, decode::payload),
    ("/v0.4/traces", MSGPACK, decode::payload),
    ("/v0.5/traces", MSGPACK, decode::v05::payload),
    ("/v0.7/traces", MSGPACK, decode::v07::payload),
    ("/v1.0/traces", MSGPACK, decode::v1::payload),
    (OTLP, PROTOBUF, decode::otlp::payload),
];
/// The path of OTLP.
const OTLP: &str = "/v1/traces";

/// State shared by all requests.
struct Desk {
    events: SyncSender<Event>,
    busy: AtomicUsize,
    info: String,
    state: String,
    forward: Option<Forward>,
}

impl Desk {
    fn new(events: SyncSender<Event>, port: u16, socket: Option<&Path>, forward: Option<Forward>) -> Desk {
        let of_agents = FORMATS.iter().map(|(path, ..)| *path).filter(|path| *path != OTLP);
        let info = serde_json::json!({
            "version": version(),
            "endpoints": of_agents.collect::<Vec<_>>(),
            "feature_flags": [],
            "client_drop_p0s": false,
            "span_meta_structs": true,
            "span_events": false,
            "long_running_spans": false,
            "config": {
                "receiver_port": port,
                "receiver_socket": socket.unwrap_or(Path::new("")).to_string_lossy(),
                "max_request_bytes": BODY_MAX,
            },
        });
        let info = format!("{info:#}\n");
        // Clients only compare this value, so any text that changes with `info` will do.
        let state = info
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Desk { events, busy: AtomicUsize::new(0), info, state: format!("{state:016x}"), forward }
    }

    /// Answers a request and sends its event.
    fn respond(&self, request: &Result<Request, Refusal>) -> Response {
        let answer = match request {
            Ok(request) => self.answer_or_forward(request),
            Err(refusal) => Answer::plain(refusal.status, &refusal.why),
        };
        let line = line(request.as_ref().ok(), &answer);
        // Send the event before the answer, so that a client that has its answer can rely on its traces being seen.
        let trouble = answer.mismatch.is_some() || matches!(answer.status, 400 | 413 | 415 | 502 | 503);
        let _ = self.events.send(Event::Answered { line, traces: answer.traces, trouble });
        let mut body = answer.body;
        // Plain answers are for people and end with a newline. JSON answers do not: a tracer may log them.
        if answer.kind == TEXT && !body.ends_with('\n') {
            body.push('\n');
        }
        let mut headers = answer.headers;
        headers.push(("Content-Type", answer.kind.into_owned()));
        if self.forward.is_none() {
            headers.push(("Datadog-Agent-Version", version().to_owned()));
            headers.push(("Datadog-Agent-State", self.state.clone()));
        }
        Response { status: answer.status, headers, body: answer.bytes.unwrap_or(body.into_bytes()) }
    }

    /// Returns the receiver's own answer, or that of the Agent or Collector behind it.
    fn answer_or_forward(&self, request: &Request) -> Answer {
        let (Some(forward), Ok(body)) = (&self.forward, &request.body) else { return self.answer(request) };
        let own = self.answer(request);
        let given = match forward.pass(request, body) {
            Ok(given) => given,
            Err(why) => return Answer { traces: own.traces, ..Answer::plain(502, why) },
        };
        let Passed { answer: given, bytes, content_type, .. } = given;
        let said = [
            ("Datadog-Agent-State", given.agent_state),
            ("Datadog-Agent-Version", given.agent_version),
            ("Datadog-Rates-Payload-Version", given.rates_version),
            ("Retry-After", given.retry_after.map(|after| after.as_secs().to_string())),
        ];
        let headers = said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        // What cannot be decoded here is worth a word only if it holds traces.
        let unread = (own.status == 400).then(|| format!("but it cannot be read here: {}", own.body));
        let rejected = (given.rejected > 0)
            .then(|| format!("but {} of them were refused: {}", given.rejected, given.body.escape_default()));
        let mismatch = own.mismatch.or(unread).or(rejected);
        let kind = content_type.map_or(Cow::Borrowed(TEXT), Cow::Owned);
        Answer {
            status: given.status,
            body: given.body,
            bytes: Some(bytes),
            kind,
            headers,
            traces: own.traces,
            mismatch,
        }
    }

    /// Returns the answer to a request by method and path.
    fn answer(&self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        let body = match &request.body {
            Ok(body) => body,
            Err(refusal) => return Answer::plain(refusal.status, &refusal.why),
        };
        match (path, request.method.as_str()) {
            ("/info", "GET") => Answer::json(self.info.clone()),
            ("/info", other) => Answer::plain(405, format!("{other} is not supported")),
            (path, method) => match (FORMATS.iter().find(|(known, ..)| *known == path), method) {
                (Some(format), "POST" | "PUT") => traces(request, body, format),
                (Some(_), other) => Answer::plain(405, format!("{other} is not supported")),
                (None, _) => {
                    let paths = FORMATS.iter().map(|(path, ..)| *path).collect::<Vec<_>>().join(", ");
                    Answer::plain(404, format!("no {path}; this receiver has {paths} and /info"))
                }
            },
        }
    }
}

/// Returns a body without its compression.
fn unpacked<'a>(request: &Request, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
    let refusal = |status, why| Refusal { status, why };
    match request.header("Content-Encoding") {
        None | Some("identity") => Ok(Cow::Borrowed(body)),
        Some("gzip") => {
            let mut whole = Vec::new();
            let read = GzDecoder::new(body).take(BODY_MAX as u64 + 1).read_to_end(&mut whole);
            match read {
                Ok(length) if length <= BODY_MAX => Ok(Cow::Owned(whole)),
                Ok(_) => Err(refusal(413, format!("more than {BODY_MAX} bytes"))),
                Err(error) => Err(refusal(400, format!("malformed gzip: {error}"))),
            }
        }
        Some(other) => Err(refusal(415, format!("Content-Encoding {other} is not supported"))),
    }
}

/// Decodes a payload and returns the answer.
fn traces(request: &Request, body: &[u8], &(path, accepted, decode): &(&str, &str, Decode)) -> Answer {
    if let Some(kind) = request.header("Content-Type").filter(|kind| !kind.starts_with(accepted)) {
        let why = format!("Content-Type {kind} is not supported; this receiver accepts {accepted}");
        return Answer::plain(415, why);
    }
    let body = match unpacked(request, body) {
        Ok(body) => body,
        Err(refusal) => return Answer::plain(refusal.status, refusal.why),
    };
    match decode(&body) {
        Ok(traces) if path == OTLP => {
            // An empty message: everything was taken.
            Answer { traces: Some(traces), kind: PROTOBUF.into(), ..Answer::plain(200, "") }
        }
        Ok(traces) => {
            let mismatch = request
                .header("X-Datadog-Trace-Count")
                .filter(|said| said.parse() != Ok(traces.len()))
                .map(|said| format!("but X-Datadog-Trace-Count says {said:?}"));
            let rates = r#"{"rate_by_service":{"service:,env:":1.0}}"#.to_owned();
            Answer { traces: Some(traces), mismatch, ..Answer::json(rates) }
        }
        Err(malformed) => Answer::plain(400, format!("malformed payload: {malformed}")),
    }
}

/// Formats a request and its answer as one line, with control characters escaped.
fn line(request: Option<&Request>, answer: &Answer) -> String {
    let Some(request) = request else { return format!("{}, {}", answer.status, answer.body) };
    let mut line = format!("{} {} → {}", request.method, request.target.escape_default(), answer.status);
    match &answer.traces {
        Some(traces) => {
            let spans: usize = traces.iter().map(Vec::len).sum();
            line += &format!(", {}, {}", counted(traces.len(), "trace"), counted(spans, "span"));
        }
        None if answer.status != 200 => line += &format!(", {}", answer.body.escape_default()),
        None => {}
    }
    line.extend(answer.mismatch.iter().map(|mismatch| format!(", {mismatch}")));
    if let Some(body) = request.body.as_ref().ok().filter(|body| !body.is_empty()) {
        line += &format!(", {} bytes", body.len());
    }
    let from = ["Datadog-Meta-Lang", "Datadog-Meta-Tracer-Version"].map(|name| request.header(name));
    if let [Some(language), Some(version)] = from {
        line += &format!(", from {} tracer {}", language.escape_default(), version.escape_default());
    }
    line
}

fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), "+spanwire")
}

/// Returns an error that explains why the port cannot be used.
fn port_trouble(host: &str, port: u16, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} of {host} is in use, probably by another Agent. Stop that one, or choose another port: \
             --port 0 picks a free one"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("this user may not listen on port {port} of {host}; choose one above 1023 with --port")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{host} is not an address of this machine; use 127.0.0.1 or 0.0.0.0")
        }
        _ => format!("cannot listen on {host} port {port}: {error}"),
    }
}

/// Binds `path`. Removes a socket file that no process listens on, but no other file.
fn listen_unix(path: &Path) -> Result<UnixListener, String> {
    let shown = path.display();
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(format!("{shown} exists and is not a socket; choose another path with --socket"));
        }
        match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)
                    .map_err(|error| format!("cannot remove the unused socket {shown}: {error}"))?;
            }
            Err(error) => return Err(format!("{shown} is a socket that cannot be used: {error}")),
            Ok(_) => {
                return Err(format!(
                    "another process listens on {shown}, probably an Agent. Stop that one, or choose another path \
                     with --socket"
                ))
            }
        }
    }
    UnixListener::bind(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("cannot create {shown}: its folder does not exist"),
        io::ErrorKind::InvalidInput => format!("the path {shown} is too long for a socket (at most 107 bytes)"),
        _ => format!("cannot create {shown}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::mpsc::{sync_channel, Receiver as Events};

    /// One trace of one span: `[[{trace_id: 1, span_id: 2, name: "a", start: 3, duration: 4}]]`.
    const PAYLOAD: &[u8] = b"\x91\x91\x85\xa8trace_id\x01\xa7span_id\x02\xa4name\xa1a\xa5start\x03\xa8duration\x04";

    fn listening() -> (Receiver, Events<Event>) {
        let (sender, events) = sync_channel(16);
        let places = Places { tcp: Some(("127.0.0.1".into(), 0)), socket: None, forward: None };
        (Receiver::start(&places, &sender).unwrap(), events)
    }

    fn post(receiver: &Receiver, path: &str, headers: &str, body: &[u8]) -> String {
        let mut stream = std::net::TcpStream::connect(receiver.tcp.unwrap()).unwrap();
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    }

    #[test]
    fn whoever_was_answered_can_rely_on_its_traces_having_been_seen() {
        let (receiver, events) = listening();
        let said = post(&receiver, "/v0.4/traces", "X-Datadog-Trace-Count: 1\r\n", PAYLOAD);
        assert!(said.contains(r#"{"rate_by_service":{"service:,env:":1.0}}"#), "{said}");
        let Event::Answered { traces: Some(traces), trouble: false, .. } = events.try_recv().unwrap() else {
            panic!("the payload was not taken");
        };
        assert_eq!((traces.len(), traces[0][0].name.as_str()), (1, "a"));
    }

    #[test]
    fn a_wrong_payload_is_trouble_and_the_line_says_what() {
        let (receiver, events) = listening();
        for (headers, body, status, why) in [
            ("X-Datadog-Trace-Count: 2\r\n", PAYLOAD, "200", "1 trace, 1 span, but X-Datadog-Trace-Count says \"2\""),
            ("", &PAYLOAD[..9], "400", "malformed payload: byte 4, trace 0, span 0: 8 bytes announced, 5 left"),
            ("Content-Type: application/json\r\n", b"[]", "415", "application/msgpack"),
        ] {
            assert!(post(&receiver, "/v0.4/traces", headers, body).starts_with(&format!("HTTP/1.1 {status} ")));
            let Event::Answered { line, trouble: true, .. } = events.try_recv().unwrap() else {
                panic!("{why} was no trouble");
            };
            assert!(line.contains(why), "{line}");
        }
    }

    #[test]
    fn what_other_tracers_send_elsewhere_is_not_trouble() {
        let (receiver, events) = listening();
        assert!(post(&receiver, "/telemetry/proxy/api/v2/apmtelemetry", "", b"{}").starts_with("HTTP/1.1 404 "));
        assert!(matches!(events.try_recv(), Ok(Event::Answered { trouble: false, traces: None, .. })));
    }

    #[test]
    fn a_port_in_use_is_an_error_that_says_what_to_do() {
        let (receiver, _events) = listening();
        let port = receiver.tcp.unwrap().port();
        let places = Places { tcp: Some(("127.0.0.1".into(), port)), socket: None, forward: None };
        let why = Receiver::start(&places, &sync_channel(1).0).err().unwrap();
        assert!(why.contains("is in use") && why.contains("--port 0"), "{why}");
    }

    #[test]
    fn a_socket_in_use_is_left_alone_and_a_dead_one_replaced_and_removed() {
        let path = std::env::temp_dir().join(format!("spanwire-receiver-{}.sock", std::process::id()));
        let places = Places { tcp: None, socket: Some(path.clone()), forward: None };
        let living = UnixListener::bind(&path).unwrap();
        let why = Receiver::start(&places, &sync_channel(1).0).err().unwrap();
        assert!(why.contains("listens on") && path.exists(), "{why}");
        drop(living);
        drop(Receiver::start(&places, &sync_channel(1).0).unwrap());
        assert!(!path.exists());
        std::fs::write(&path, "a file").unwrap();
        let why = Receiver::start(&places, &sync_channel(1).0).err().unwrap();
        assert!(why.contains("not a socket") && std::fs::remove_file(&path).is_ok(), "{why}");
    }
}
