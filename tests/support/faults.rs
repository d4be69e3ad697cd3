//! An agent that misbehaves as a test asks: stalls, resets connections, refuses, or answers byte by byte. It counts how
//! often each span arrived.

use super::http::Head;
use super::payload::{self, Span, Tally};
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the agent does with one payload.
#[derive(Clone, Debug)]
pub enum Reply {
    /// 200 with rates.
    Ok,
    /// This status; the text is further header lines, each ended by `\r\n`.
    Status(u16, &'static str),
    /// Reads the payload, sends nothing for this long, and closes the connection.
    Stall(Duration),
    /// Resets the connection before the body has been read.
    Reset,
    /// Reads the whole payload and closes the connection without an answer.
    Swallow,
    /// A good answer, sent byte by byte with this time in between.
    Drip(Duration),
    /// Bytes that are not HTTP.
    Garbage,
    /// 413 for bodies longer than this, otherwise `Ok`.
    TooLargeAbove(usize),
    /// This status for `/v0.4/traces`, otherwise `Ok`.
    OnlyOld(u16),
    /// 503 for a body that holds this text, otherwise `Ok`.
    BusyFor(&'static str),
}

/// One request to the agent, except requests for `/info`.
#[derive(Clone)]
pub struct Received {
    pub at: Instant,
    pub head: Head,
    /// Number of bytes of the body that were read; 0 for a connection that was reset.
    pub bytes: usize,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
    /// The content of the body; empty for a connection that was reset, and if the agent only counts.
    pub chunks: Vec<Vec<Span>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Reply>,
    received: Vec<Received>,
    objections: Vec<String>,
    infos: u64,
    /// The open connections, which end with the agent.
    streams: HashMap<usize, TcpStream>,
}

struct Shared {
    then: Reply,
    /// Whether to look at headers only, for tests with very many payloads.
    counts_only: bool,
    /// Whether a request for `/info` gets the next reply that a payload would get.
    spoils_info: bool,
    /// The reply to `/info`, instead of a good answer.
    info: Option<Reply>,
    /// The largest request that a good answer to `/info` names, as JSON.
    info_bound: Option<&'static str>,
    /// Whether a good answer to `/info` says `span_events`.
    span_events: bool,
    stop: AtomicBool,
    state: Mutex<State>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end && !self.stop.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(10).min(time));
        }
    }
}

/// The running agent. Stops when dropped.
pub struct FaultAgent {
    port: u16,
    shared: Arc<Shared>,
}

/// How an agent behaves, before it is started.
pub struct Behaviour {
    first: Vec<Reply>,
    then: Reply,
    counts_only: bool,
    spoils_info: bool,
    info: Option<Reply>,
    info_bound: Option<&'static str>,
    span_events: bool,
}

/// Makes an agent that uses these replies for the first payloads, one each, and `then` for all others.
pub fn first(first: &[Reply], then: Reply) -> Behaviour {
    Behaviour {
        first: first.to_vec(),
        then,
        counts_only: false,
        spoils_info: false,
        info: None,
        info_bound: None,
        span_events: false,
    }
}

/// Makes an agent that uses this reply for every payload.
pub fn always(then: Reply) -> Behaviour {
    first(&[], then)
}

impl Behaviour {
    /// Makes the agent look at headers only.
    pub fn counting_only(mut self) -> Behaviour {
        self.counts_only = true;
        self
    }

    /// Uses the replies for payloads also for `/info`.
    pub fn for_info_too(mut self) -> Behaviour {
        self.spoils_info = true;
        self
    }

    /// Uses this reply for every `/info`.
    pub fn info(mut self, reply: Reply) -> Behaviour {
        self.info = Some(reply);
        self
    }

    /// Makes the answer to `/info` say that the agent takes `span_events`.
    pub fn taking_span_events(mut self) -> Behaviour {
        self.span_events = true;
        self
    }

    /// Makes the answer to `/info` name this as the largest request.
    pub fn info_bound(mut self, bound: &'static str) -> Behaviour {
        self.info_bound = Some(bound);
        self
    }

    /// Listens on a port that the system chooses.
    pub fn start(self) -> FaultAgent {
        self.start_on(0)
    }

    /// Listens on this port.
    pub fn start_on(self, port: u16) -> FaultAgent {
        let state = State { script: self.first.into(), ..State::default() };
        let shared = Arc::new(Shared {
            then: self.then,
            counts_only: self.counts_only,
            spoils_info: self.spoils_info,
            info: self.info,
            info_bound: self.info_bound,
            span_events: self.span_events,
            stop: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the fault agent's port");
        let port = listener.local_addr().expect("its address").port();
        let server = shared.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                if server.stop.load(SeqCst) {
                    return;
                }
                let _ = stream.set_nodelay(true);
                server.state().streams.extend(stream.try_clone().map(|stream| (number, stream)));
                let server = server.clone();
                std::thread::spawn(move || serve(stream, number, &server));
            }
        });
        FaultAgent { port, shared }
    }
}

impl FaultAgent {
    /// `http://…`, for `DD_TRACE_AGENT_URL`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns every payload so far, with or without a good answer.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// Returns the number of requests for `/info`.
    pub fn infos(&self) -> u64 {
        self.shared.state().infos
    }

    /// Returns how often each span was in a payload that was answered 2xx.
    pub fn accepted(&self) -> Tally {
        let mut tally = Tally::default();
        self.shared.state().received.iter().filter(|r| r.status / 100 == 2).for_each(|r| tally.add(&r.chunks));
        tally
    }

    /// Returns the chunks of payloads that were answered 2xx.
    pub fn chunks(&self) -> Vec<Vec<Span>> {
        let accepted = |r: &Received| (r.status / 100 == 2).then(|| r.chunks.clone());
        self.shared.state().received.iter().filter_map(accepted).flatten().collect()
    }

    /// Panics if a payload could not be decoded or its headers were wrong.
    pub fn assert_well_formed(&self) {
        let objections = self.shared.state().objections.clone();
        assert!(objections.is_empty(), "the fault agent objects: {objections:#?}");
    }
}

impl Drop for FaultAgent {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        for (_, stream) in self.shared.state().streams.drain() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn serve(mut stream: TcpStream, number: usize, shared: &Shared) {
    let Ok(read_half) = stream.try_clone() else { return };
    let mut reader = BufReader::new(read_half);
    while let Ok(Some(head)) = Head::read(&mut reader) {
        let goes_on = !shared.stop.load(SeqCst) && exchange(&head, &mut reader, &mut stream, shared).is_some();
        if head.last || !goes_on {
            break;
        }
    }
    // Closing the last copy of the descriptor closes the connection, with a reset if one was requested.
    shared.state().streams.remove(&number);
}

/// Handles one request. Returns `None` if the connection is to be closed.
fn exchange(head: &Head, reader: &mut impl BufRead, stream: &mut TcpStream, shared: &Shared) -> Option<()> {
    if head.path == "/info" {
        shared.state().infos += 1;
    }
    let reply = match (head.path == "/info", &shared.info) {
        (true, Some(reply)) => reply.clone(),
        (true, None) if !shared.spoils_info => {
            let bound = shared.info_bound.map(|bound| format!("{{\"max_request_bytes\":{bound}}}"));
            let config = bound.unwrap_or_else(|| "{}".into());
            let info = INFO.replace("{}", &config).replace("false", &shared.span_events.to_string());
            return answer(stream, 200, "", &info);
        }
        _ => shared.state().script.pop_front().unwrap_or_else(|| shared.then.clone()),
    };
    if matches!(reply, Reply::Reset) {
        record(shared, head, &[], 0);
        reset_on_close(stream);
        return None;
    }
    let mut body = vec![0; head.length()];
    reader.read_exact(&mut body).ok()?;
    let status = match reply {
        Reply::Status(status, _) => status,
        Reply::OnlyOld(status) if head.path == TRACES => status,
        Reply::TooLargeAbove(most) if body.len() > most => 413,
        Reply::BusyFor(text) if body.windows(text.len()).any(|window| window == text.as_bytes()) => 503,
        Reply::Ok | Reply::Drip(_) | Reply::TooLargeAbove(_) | Reply::OnlyOld(_) | Reply::BusyFor(_) => 200,
        _ => 0,
    };
    record(shared, head, &body, status);
    match reply {
        Reply::Status(status, headers) => answer(stream, status, headers, if status == 200 { RATES } else { "no\n" }),
        Reply::TooLargeAbove(_) | Reply::OnlyOld(_) | Reply::BusyFor(_) if status != 200 => {
            answer(stream, status, "", "no\n")
        }
        Reply::Ok | Reply::TooLargeAbove(_) | Reply::OnlyOld(_) | Reply::BusyFor(_) => answer(stream, 200, "", RATES),
        Reply::Stall(time) => {
            shared.sleep(time);
            None
        }
        Reply::Drip(apart) => {
            for byte in answer_text(200, "", RATES).as_bytes() {
                shared.sleep(apart);
                stream.write_all(&[*byte]).ok()?;
            }
            Some(())
        }
        Reply::Garbage => {
            let _ = stream.write_all(b"\x00\xff SSH-2.0 \r\n\r\n\x16\x03\x01");
            None
        }
        Reply::Swallow | Reply::Reset => None,
    }
}

const TRACES: &str = "/v0.4/traces";
/// The older endpoint, which accepts the same payloads.
const OLD_TRACES: &str = "/v0.3/traces";
const RATES: &str = r#"{"rate_by_service":{"service:,env:":1.0}}"#;
const INFO: &str = r#"{"version":"7.99.0","endpoints":["/v0.4/traces"],"span_events":false,"config":{}}"#;

fn answer_text(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

fn answer(stream: &mut TcpStream, status: u16, headers: &str, body: &str) -> Option<()> {
    stream.write_all(answer_text(status, headers, body).as_bytes()).ok()
}

fn record(shared: &Shared, head: &Head, body: &[u8], status: u16) {
    if head.path == "/info" {
        return;
    }
    let mut objections = Vec::new();
    let chunks = match body {
        [] => Vec::new(),
        _ if shared.counts_only || ![TRACES, OLD_TRACES].contains(&head.path.as_str()) => Vec::new(),
        _ => payload::decode(body).unwrap_or_else(|error| {
            objections.push(error);
            Vec::new()
        }),
    };
    let announced = head.header("x-datadog-trace-count").and_then(|n| n.parse().ok());
    if !chunks.is_empty() && announced != Some(chunks.len()) {
        objections.push(format!("{announced:?} traces announced, {} sent", chunks.len()));
    }
    let received = Received { at: Instant::now(), head: head.clone(), bytes: body.len(), status, chunks };
    let mut state = shared.state();
    state.received.push(received);
    state.objections.extend(objections);
}

/// Makes the next close reset the connection, which discards unread and unsent data on both sides.
fn reset_on_close(stream: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = std::mem::size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and `linger` is valid for the call and of the size given.
    unsafe {
        let value = std::ptr::from_ref(&linger).cast();
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size);
    }
}
