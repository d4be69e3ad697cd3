//! HTTP to the agent: one place, one kept connection, and what it answers. The flare and remote configuration go
//! through here as well. What to do after a failure is decided in `retry.rs`; how bytes travel, in `transport.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::{HeaderValue, Method, Request, Response};
use ureq::{Body, Error};

use super::dial::{system_lookup, Dialer, Lookup, Progress, Unreached};
use super::names::Names;
use crate::event::send_error::{Peer, SendError, SendErrorKind};
use crate::export::retry::parse_retry_after;
use crate::sys;

const TRACES: &str = "/v0.4/traces";
const OLD_TRACES: &str = "/v0.3/traces";
const INFO: &str = "/info";
const ANSWER_MAX: usize = 64 * 1024;
const INFO_MAX: usize = 256 * 1024;
const ANSWER_HEADERS_MAX: usize = 16 * 1024;
/// A smaller bound on requests than this is taken for a mistake of the agent: payloads that small would hold a span each.
const REQUEST_LEAST: u64 = 64 << 10;
/// An agent's version is cut after so many characters: it goes to the log.
const VERSION_MAX: usize = 100;
const TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// The headers of a request.
#[derive(Debug, Default)]
pub struct Headers(Vec<(&'static str, HeaderValue)>);

impl Headers {
    /// Adds a header. An empty value adds none; what a header cannot hold becomes `?`.
    pub fn add(&mut self, name: &'static str, value: &str) {
        let clean: String = value.trim().chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
        let value = HeaderValue::from_str(&clean).ok().filter(|value| !value.is_empty());
        self.0.extend(value.map(|value| (name, value)));
    }
}

/// Where an agent listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Plain HTTP.
    Tcp {
        /// A name or an address; an IPv6 one with or without brackets.
        host: String,
        /// The port.
        port: u16,
        /// What precedes every path: empty, or such as `/agent`.
        base_path: String,
    },
    /// HTTP over a Unix stream socket.
    Unix {
        /// The socket's path, at most 107 bytes.
        path: PathBuf,
    },
}

impl Place {
    fn base_url(&self) -> String {
        match self {
            Place::Tcp { .. } => self.to_string(),
            Place::Unix { .. } => "http://localhost".into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp { host, port, base_path } => {
                let base = base_path.trim_matches('/');
                let slash = if base.is_empty() { "" } else { "/" };
                if host.contains(':') && !host.starts_with('[') {
                    write!(f, "http://[{host}]:{port}{slash}{base}")
                } else {
                    write!(f, "http://{host}:{port}{slash}{base}")
                }
            }
            Place::Unix { path } => write!(f, "unix://{}", path.display()),
        }
    }
}

/// How long a request may take; each is kept between 1 ms and 10 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Finding the address, and then again connecting.
    pub connect: Duration,
    /// The whole request: finding, connecting, sending and receiving.
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

/// What an agent answered. A body that broke off or was too long is cut: the status stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; 4xx and 5xx are answers too.
    pub status: u16,
    /// At most 64 KiB; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// `Datadog-Agent-State`: changes when `/info` does.
    pub agent_state: Option<String>,
    /// `Datadog-Agent-Version`.
    pub agent_version: Option<String>,
    /// `Datadog-Rates-Payload-Version`, to send with the next payload.
    pub rates_version: Option<String>,
    /// `Retry-After`, from now, as long as the agent wishes.
    pub retry_after: Option<Duration>,
}

/// What became of a request without an answer, and why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing can have arrived.
    NotSent(SendError),
    /// The same, and every address answered that nobody listens there: trying again at once cannot help.
    Refused(SendError),
    /// Something may have arrived.
    Unknown(SendError),
    /// Time ran out after sending had begun, so something may have arrived.
    Timeout(SendError),
}

impl Failure {
    /// Why there is no answer.
    pub fn error(&self) -> &SendError {
        let (Failure::NotSent(error) | Failure::Refused(error) | Failure::Unknown(error) | Failure::Timeout(error)) =
            self;
        error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl std::error::Error for Failure {}

/// One agent. Requests take turns; the connection is kept between them.
pub struct Agent {
    place: Place,
    traces_url: String,
    http: ureq::Agent,
    progress: Arc<Progress>,
    /// How long the next request may take. Locked while one is under way.
    turn: Mutex<Timeouts>,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({})", self.place)
    }
}

impl Agent {
    /// Cheap; opens and starts nothing. To be called where the environment may be read: building the HTTP library's
    /// configuration looks at its proxy variables, of which none is then used.
    pub fn new(place: Place, timeouts: Timeouts) -> Agent {
        Agent::knowing(place, timeouts, system_lookup, Arc::default())
    }

    /// The same with what is known of its name, and with another way to look it up.
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
            turn: Mutex::new(timeouts.bounded()),
        }
    }

    /// How long the requests from here on may take. Waits for one that is under way.
    pub fn set_timeouts(&self, timeouts: Timeouts) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = timeouts.bounded();
    }

    /// Where traces go, for logs: `http://localhost:8126/v0.4/traces`, `unix:///run/apm.socket/v0.4/traces`.
    pub fn traces_url(&self) -> &str {
        &self.traces_url
    }

    /// Posts a payload to a path. Every status is an answer.
    pub fn post(&self, path: &str, headers: &Headers, body: &[u8]) -> Result<Answer, Failure> {
        self.exchange(path, &headers.0, Some(body), ANSWER_MAX)
    }

    /// Asks what the agent can do. 404 is [`Info::very_old`]; another status than 2xx, or a body that is not a JSON
    /// object, is a [`Failure::Unknown`].
    pub fn info(&self) -> Result<Info, Failure> {
        let answer = self.get(INFO, INFO_MAX)?;
        match answer.status {
            200..=299 => Info::parse(&answer).ok_or_else(|| Failure::Unknown(self.error(SendErrorKind::InfoNotJson))),
            404 => Ok(Info { state: answer.agent_state, ..Info::very_old() }),
            status => Err(Failure::Unknown(self.error(SendErrorKind::InfoStatus(status)))),
        }
    }

    /// Gets a path; at most `limit` bytes of the answer's body. Every status is an answer.
    pub fn get(&self, path: &str, limit: usize) -> Result<Answer, Failure> {
        // For what is asked seldom: no connection is kept for it.
        let headers = [("Connection", HeaderValue::from_static("close"))];
        self.exchange(path, &headers, None, limit)
    }

    fn exchange(
        &self,
        path: &str,
        headers: &[(&'static str, HeaderValue)],
        body: Option<&[u8]>,
        limit: usize,
    ) -> Result<Answer, Failure> {
        let timeouts = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let url = format!("{}{path}", self.place.base_url());
        let deadline = Instant::now() + timeouts.request;
        self.progress.start_request();
        let mut result = self.attempt(&url, headers, body, &timeouts, deadline);
        // The agent had closed the kept connection before it was used. Once a byte was written, the agent may have all of
        // the request: sending it again is then for the caller to decide and to count.
        if matches!(result, Err(Error::Io(_))) && self.progress.never_began_on_an_old_connection() {
            self.progress.start_attempt();
            result = self.attempt(&url, headers, body, &timeouts, deadline);
        }
        result.map(|response| read_answer(response, limit)).map_err(|error| self.failure(error, &timeouts))
    }

    fn attempt(
        &self,
        url: &str,
        headers: &[(&'static str, HeaderValue)],
        body: Option<&[u8]>,
        timeouts: &Timeouts,
        deadline: Instant,
    ) -> Result<Response<Body>, Error> {
        let left = Some(deadline.saturating_duration_since(Instant::now()));
        let connect = Some(timeouts.connect);
        let mut request = Request::builder().uri(url);
        for (name, value) in headers {
            request = request.header(*name, value);
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
                Error::Io(error) => SendErrorKind::System(error.into()),
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

fn read_answer(response: Response<Body>, limit: usize) -> Answer {
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).trim().to_string()).filter(|text| !text.is_empty())
    };
    let mut answer = Answer {
        status: response.status().as_u16(),
        body: String::new(),
        agent_state: header("Datadog-Agent-State"),
        agent_version: header("Datadog-Agent-Version"),
        rates_version: header("Datadog-Rates-Payload-Version"),
        retry_after: header("Retry-After").and_then(|text| parse_retry_after(&text, sys::wall_ns() / 1_000_000_000)),
    };
    let mut bytes = Vec::new();
    // An error here ends the body and no more: with the status known, the payload's fate is.
    let _ = response.into_body().into_reader().take(limit as u64).read_to_end(&mut bytes);
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    answer.body = text;
    answer
}

/// What an agent says that it can do (`/info`). What it does not say is empty, absent or false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// The agent's version; empty if it does not tell.
    pub version: String,
    /// The paths that it serves.
    pub endpoints: Vec<String>,
    /// The largest request that it takes, in bytes, if it names a plausible one.
    pub max_request_bytes: Option<u64>,
    /// Whether clients that compute statistics may drop what sampling rejects.
    pub client_drop_p0s: bool,
    /// Whether it takes `span_events`.
    pub span_events: bool,
    /// Whether it takes `meta_struct`.
    pub span_meta_structs: bool,
    /// The `Datadog-Agent-State` header of this answer.
    pub state: Option<String>,
}

impl Info {
    /// An agent from before `/info`.
    pub fn very_old() -> Info {
        Info { endpoints: vec![OLD_TRACES.into(), TRACES.into()], ..Info::default() }
    }

    fn parse(answer: &Answer) -> Option<Info> {
        let json: Value = serde_json::from_str(&answer.body).ok()?;
        let flag = |name: &str| json.get(name).and_then(Value::as_bool).unwrap_or(false);
        let endpoints = json.get("endpoints").and_then(Value::as_array).into_iter().flatten();
        json.is_object().then(|| Info {
            version: json
                .get("version")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .chars()
                .take(VERSION_MAX)
                .collect(),
            endpoints: endpoints.filter_map(Value::as_str).map(String::from).collect(),
            max_request_bytes: json
                .pointer("/config/max_request_bytes")
                .and_then(Value::as_u64)
                .filter(|&bytes| bytes >= REQUEST_LEAST),
            client_drop_p0s: flag("client_drop_p0s"),
            span_events: flag("span_events"),
            span_meta_structs: flag("span_meta_structs"),
            state: answer.agent_state.clone(),
        })
    }
}

/// The sampling rates in the body of an answer to traces, by `service:<name>,env:<name>`. `None` if there are none,
/// which means that the former ones stay; a rate outside 0 to 1, or that is no number, is left out.
pub fn rates(body: &str) -> Option<BTreeMap<String, f64>> {
    let json: Value = serde_json::from_str(body).ok()?;
    let given = json.get("rate_by_service")?.as_object()?;
    let usable = given.iter().filter_map(|(key, rate)| Some((key.clone(), rate.as_f64()?)));
    let mut rates = BTreeMap::new();
    rates.extend(usable.filter(|(_, rate)| (0.0..=1.0).contains(rate)));
    Some(rates).filter(|rates| !rates.is_empty())
}

#[cfg(test)]
mod tests;
