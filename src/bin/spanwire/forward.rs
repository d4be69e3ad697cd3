//! Passes requests on to an Agent or a Collector, and its answers back. For `spanwire agent --forward`, which sits between.

use crate::address;
use crate::http::{Request, BODY_MAX};
pub use spanwire::companion::export::agent::Passed;
use spanwire::companion::export::agent::{Agent, Headers, Place, Timeouts};
use spanwire::companion::settings::AgentAddress;
use std::sync::Mutex;
use std::time::Duration;

/// See the module.
pub struct Forward {
    /// Connections that no request uses at the moment.
    idle: Mutex<Vec<Agent>>,
    place: Place,
}

impl Forward {
    /// To this URL: `http://HOST:PORT`, `unix:///PATH`, or `otlp+http://HOST:PORT`. The error says what is accepted.
    pub fn to(url: &str) -> Result<Forward, String> {
        let address = address::read(url).map_err(|why| format!("--forward {url}: {why}"))?;
        if let AgentAddress::Unusable { why, .. } = &address {
            return Err(format!("--forward {url}: {why}"));
        }
        let place = Place::of(&address).map(|place| match place {
            // Requests bring the path of their own.
            Place::Tcp { host, port, base_path, tls } => {
                let base_path = base_path.strip_suffix("/v1/traces").unwrap_or(&base_path).into();
                Place::Tcp { host, port, base_path, tls }
            }
            place => place,
        });
        let place = place.ok_or(
            "--forward takes the URL of an Agent or a Collector: http://HOST:PORT, \
                                 https://HOST:PORT, otlp+http://HOST:PORT or unix:///PATH",
        )?;
        Ok(Forward { idle: Mutex::default(), place })
    }

    /// Passes a request on; one with PUT as POST, which means the same to an Agent. The error says why there is no answer.
    pub fn pass(&self, request: &Request, body: &[u8]) -> Result<Passed, String> {
        if !matches!(&*request.method, "GET" | "POST" | "PUT") {
            return Err(format!("{} is not passed on, only GET, POST and PUT", request.method));
        }
        let kept = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let timeouts = Timeouts { connect: Duration::from_secs(2), request: Duration::from_secs(20) };
        let agent = kept.unwrap_or_else(|| Agent::new(self.place.clone(), timeouts));
        let mut headers = Headers::default();
        let own = ["connection", "content-length", "host", "transfer-encoding", "expect", "accept-encoding"];
        for (name, value) in request.headers() {
            if !own.contains(&name.to_ascii_lowercase().as_str()) {
                headers.add_secret(name, value);
            }
        }
        let body = (request.method != "GET").then_some(body);
        let answer = agent.pass(&request.target, &headers, body, BODY_MAX);
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(agent);
        }
        answer.map_err(|failure| format!("cannot forward to {}: {failure}", self.place))
    }
}
