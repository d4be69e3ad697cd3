//! The HTTP client for one agent, with one connection that is kept between requests. `dial` connects it. What to do after
//! a failure is decided in `export/retry.rs`.

use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use ureq::{Body, Error};

pub use super::answer::{rates, Answer, Failure};
pub use super::info::Info;
pub use super::place::Place;

use super::dial::{Dialer, Lookup, Unreached};
use super::names::Names;
use super::retry_after::parse_retry_after;
use super::tls::tls_error;
use super::wire::Progress;
use crate::event::send_error::{Peer, SendError, SendErrorKind};
use crate::export::format::read_protobuf;
use crate::sys;

const TRACES: &str = "/v0.4/traces";
const INFO: &str = "/info";
const ANSWER_MAX: usize = 64 * 1024;
const INFO_MAX: usize = 256 * 1024;
const ANSWER_HEADERS_MAX: usize = 16 * 1024;
const TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// The headers of a request. Those of the next request are mostly the same: made again after [`Headers::begin`], what has
/// not changed is not looked at twice.
#[derive(Debug, Default)]
pub struct Headers {
    all: Vec<Header>,
    /// How many of them are those of this request.
    count: usize,
}

type Header = (HeaderName, HeaderValue);

impl Headers {
    /// Begins the headers of another request.
    pub fn begin(&mut self) {
        self.count = 0;
    }

    /// Adds a header. An empty value adds none; what a header cannot hold becomes `?`.
    pub fn add(&mut self, name: &str, value: &str) {
        self.put(name, value, false);
    }

    /// Adds a header with a value that the HTTP client does not log.
    pub fn add_secret(&mut self, name: &str, value: &str) {
        self.put(name, value, true);
    }

    fn put(&mut self, name: &str, value: &str, is_secret: bool) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let is_same = |(other, former): &Header| {
            former.as_bytes() == value.as_bytes() && other.as_str().eq_ignore_ascii_case(name)
        };
        if !self.all.get(self.count).is_some_and(is_same) {
            let clean: String = value.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
            let header = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(&clean).ok());
            let Some(header) = header else { return };
            self.all.truncate(self.count);
            self.all.push(header);
        }
        if let Some((_, value)) = self.all.get_mut(self.count) {
            value.set_sensitive(is_secret);
            self.count += 1;
        }
    }

    /// The headers of this request.
    fn list(&self) -> &[Header] {
        self.all.get(..self.count).unwrap_or_default()
    }
}

/// How long a request may take. Each value is limited to 1 ms to 10 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For looking the name up, and again for connecting.
    pub connect: Duration,
    /// For the whole request: looking up, connecting, sending and receiving.
    pub request: Duration,
}

impl Timeouts {
    fn bounded(self) -> Timeouts {
        let bounded = |time: Duration| time.clamp(Duration::from_millis(1), TIMEOUT_MAX);
        Timeouts { connect: bounded(self.connect), request: bounded(self.request) }
    }
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts { connect: Duration::from_secs(1), request: Duration::from_secs(2) }
    }
}

/// One agent. Requests take turns; the connection is kept between them.
pub struct Agent {
    place: Place,
    traces_url: String,
    http: ureq::Agent,
    progress: Arc<Progress>,
    /// Locked during a request.
    turn: Mutex<Turn>,
}

/// What a request needs.
#[derive(Debug)]
struct Turn {
    /// How long the next one may take.
    timeouts: Timeouts,
    /// The path of the last one, and its URI.
    last: Option<(String, Uri)>,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({})", self.place)
    }
}

impl Agent {
    /// Opens and starts nothing. Call it only where the environment may be read: building the HTTP library's configuration
    /// reads its proxy variables. None of them is used.
    #[cfg(any(test, feature = "cli"))]
    pub fn new(place: Place, timeouts: Timeouts) -> Agent {
        Agent::knowing(place, timeouts, super::dial::system_lookup, Arc::default())
    }

    /// The same with known addresses, and with another function for look-ups.
    pub fn knowing(place: Place, timeouts: Timeouts, lookup: Lookup, names: Arc<Names>) -> Agent {
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("spanwire/", env!("CARGO_PKG_VERSION")))
            .accept(ureq::config::AutoHeaderValue::None)
            .accept_encoding(ureq::config::AutoHeaderValue::None)
            .max_response_header_size(ANSWER_HEADERS_MAX)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .build();
        let progress = Arc::new(Progress::default());
        let dialer = Dialer::new(place.clone(), lookup, names, progress.clone());
        Agent {
            traces_url: format!("{place}{TRACES}"),
            http: ureq::Agent::with_parts(config, dialer.clone(), dialer),
            place,
            progress,
            turn: Mutex::new(Turn { timeouts: timeouts.bounded(), last: None }),
        }
    }

    /// Sets how long later requests may take. Waits for a request that is under way.
    pub fn set_timeouts(&self, timeouts: Timeouts) {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).timeouts = timeouts.bounded();
    }

    /// The URL of traces, for logs: `http://localhost:8126/v0.4/traces`, `unix:///run/apm.socket/v0.4/traces`.
    pub fn traces_url(&self) -> &str {
        &self.traces_url
    }

    /// Posts a payload to a path. Every status is an answer.
    pub fn post(&self, path: &str, headers: &Headers, body: &[u8]) -> Result<Answer, Failure> {
        self.exchange(path, headers.list(), Some(body), ANSWER_MAX).map(Passed::understood)
    }

    /// The same with at most `limit` bytes of the answer's body.
    pub fn post_for(&self, path: &str, headers: &Headers, body: &[u8], limit: usize) -> Result<Answer, Failure> {
        self.exchange(path, headers.list(), Some(body), limit).map(Passed::understood)
    }

    /// Sends a request that another client has made: a POST with a body, or a GET. Returns the answer also as it is, with
    /// at most `limit` bytes of its body.
    #[cfg(feature = "cli")]
    pub fn pass(&self, path: &str, headers: &Headers, body: Option<&[u8]>, limit: usize) -> Result<Passed, Failure> {
        let passed = self.exchange(path, headers.list(), body, limit)?;
        Ok(Passed { answer: passed.clone().understood(), ..passed })
    }

    /// The URL of a path, for logs.
    pub fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.place)
    }

    /// Gets `/info`. 404 means [`Info::very_old`]. Another status than 2xx, or a body that is not a JSON object, is a
    /// [`Failure::Unknown`].
    pub fn info(&self) -> Result<Info, Failure> {
        let answer = self.get(INFO, INFO_MAX)?;
        match answer.status {
            200..=299 => Info::parse(&answer).ok_or_else(|| Failure::Unknown(self.error(SendErrorKind::InfoNotJson))),
            404 => Ok(Info { state: answer.agent_state, ..Info::very_old() }),
            status => Err(Failure::Unknown(self.error(SendErrorKind::InfoStatus(status)))),
        }
    }

    /// Gets a path, with at most `limit` bytes of the answer's body. Every status is an answer.
    pub fn get(&self, path: &str, limit: usize) -> Result<Answer, Failure> {
        // Such requests are rare: no connection is kept for them.
        let mut headers = Headers::default();
        headers.add("Connection", "close");
        self.exchange(path, headers.list(), None, limit).map(Passed::understood)
    }

    fn exchange(&self, path: &str, headers: &[Header], body: Option<&[u8]>, limit: usize) -> Result<Passed, Failure> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let timeouts = turn.timeouts;
        self.progress.start_request();
        let known = turn.last.take().filter(|(last, _)| last == path);
        let deadline = Instant::now() + timeouts.request;
        let result = known.map_or_else(|| self.uri(path), Ok).and_then(|uri| {
            let uri = &turn.last.insert(uri).1;
            let result = self.attempt(uri, headers, body, &timeouts, deadline);
            // The agent had closed the kept connection before it was used. Once a byte was written, the agent may have the
            // whole request. The caller then decides whether to send it again, and counts that.
            if matches!(result, Err(Error::Io(_))) && self.progress.never_began_on_an_old_connection() {
                self.progress.start_attempt();
                return self.attempt(uri, headers, body, &timeouts, deadline);
            }
            result
        });
        result.map(|response| read_answer(response, limit)).map_err(|error| self.failure(error, &timeouts))
    }

    /// Returns a path and its URI.
    fn uri(&self, path: &str) -> Result<(String, Uri), Error> {
        let uri = format!("{}{path}", self.place.base_url()).parse::<Uri>();
        uri.map(|uri| (path.to_string(), uri)).map_err(|error| Error::Http(error.into()))
    }

    fn attempt(
        &self,
        uri: &Uri,
        headers: &[Header],
        body: Option<&[u8]>,
        timeouts: &Timeouts,
        deadline: Instant,
    ) -> Result<Response<Body>, Error> {
        let left = Some(deadline.saturating_duration_since(Instant::now()));
        let connect = Some(timeouts.connect);
        let mut request = Request::builder().uri(uri.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match body {
            Some(bytes) => {
                let request = self.http.configure_request(request.method(Method::POST).body(bytes)?);
                let request = request.timeout_resolve(connect).timeout_connect(connect).timeout_global(left);
                self.http.run(request.build())
            }
            None => {
                let request = self.http.configure_request(request.body(())?);
                let request = request.timeout_resolve(connect).timeout_connect(connect).timeout_global(left);
                self.http.run(request.build())
            }
        }
    }

    fn error(&self, kind: SendErrorKind) -> SendError {
        SendError::new(kind, Peer::Url(self.place.to_string()))
    }

    fn failure(&self, error: Error, timeouts: &Timeouts) -> Failure {
        let (sent, timed_out) = (self.progress.sent_anything(), matches!(error, Error::Timeout(_)));
        let unreached = |error: &Error| match error {
            Error::Other(inner) => {
                let unreached = inner.downcast_ref::<Unreached>()?;
                Some((unreached.error.clone(), unreached.refused))
            }
            _ => None,
        };
        let (error, refused) = unreached(&error).unwrap_or_else(|| {
            let kind = match error {
                Error::Timeout(_) if sent => SendErrorKind::NoAnswer(timeouts.request),
                Error::Timeout(_) => SendErrorKind::NoConnection(timeouts.connect),
                Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => SendErrorKind::Closed,
                Error::Io(error) => match tls_error(&error) {
                    Some(error) => SendErrorKind::Tls(error),
                    None => SendErrorKind::System(error.into()),
                },
                Error::Http(error) => SendErrorKind::InvalidAddress { error: error.to_string() },
                error => SendErrorKind::InvalidAnswer { error: error.to_string() },
            };
            (self.error(kind), false)
        });
        match (sent, timed_out) {
            (false, _) if refused => Failure::Refused(error),
            (false, _) => Failure::NotSent(error),
            (true, false) => Failure::Unknown(error),
            (true, true) => Failure::Timeout(error),
        }
    }
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Passed {
    /// What is understood of it: of [`Agent::pass`] alone also the body.
    pub answer: Answer,
    /// The bytes of its body, up to a limit.
    pub bytes: Vec<u8>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    limit: usize,
}

fn read_answer(response: Response<Body>, limit: usize) -> Passed {
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).trim().to_string()).filter(|text| !text.is_empty())
    };
    let answer = Answer {
        status: response.status().as_u16(),
        rejected: 0,
        body: String::new(),
        agent_state: header("Datadog-Agent-State"),
        agent_version: header("Datadog-Agent-Version"),
        rates_version: header("Datadog-Rates-Payload-Version"),
        retry_after: header("Retry-After").and_then(|text| parse_retry_after(&text, sys::wall_ns() / 1_000_000_000)),
    };
    let (content_type, mut bytes) = (header("Content-Type"), Vec::new());
    // An error here only cuts the body. The status is known, and with it the payload's fate.
    let _ = response.into_body().into_reader().take(limit as u64).read_to_end(&mut bytes);
    Passed { answer, bytes, content_type, limit }
}

impl Passed {
    /// Returns the answer with its body as text. Of Protocol Buffers that is the message in it.
    fn understood(self) -> Answer {
        let Passed { mut answer, mut bytes, content_type, limit } = self;
        if content_type.is_some_and(|kind| kind.contains("protobuf")) {
            let partial = match answer.status {
                200..=299 => read_protobuf(&bytes, 0, 1).and_then(|(_, partial)| read_protobuf(partial, 1, 2)),
                // google.rpc.Status: its field 2 is the message.
                _ => read_protobuf(&bytes, 1, 2).map(|(_, message)| (0, message)),
            };
            let (rejected, message) = partial.unwrap_or_default();
            (answer.rejected, bytes) = (rejected, message.to_vec());
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        let mut end = text.len().min(limit);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        answer.body = text;
        answer
    }
}

#[cfg(test)]
mod tests;
