//! Passes requests on to an Agent or a Collector, and its answers back. For `spanwire agent --forward`, which sits between.

use crate::http::{Request, BODY_MAX};
use spanwire::companion::export::agent::{Agent, Answer, Headers, Place, Timeouts};
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
        let place = match AgentAddress::from_url(url) {
            Ok(AgentAddress::Http { host, port, base_path }) => Place::Tcp { host, port, base_path },
            Ok(AgentAddress::Otlp { host, port, path }) => {
                let base_path = path.strip_suffix("/v1/traces").unwrap_or_default().into();
                Place::Tcp { host, port, base_path }
            }
            Ok(AgentAddress::Unix { path }) => Place::Unix { path },
            Ok(_) => return Err("--forward takes http://HOST:PORT, otlp+http://HOST:PORT or unix:///PATH".into()),
            Err(why) => return Err(format!("--forward {url}: {why}")),
        };
        Ok(Forward { idle: Mutex::default(), place })
    }

    /// Passes a request on. The error says why there is no answer.
    pub fn pass(&self, request: &Request, body: &[u8]) -> Result<Answer, String> {
        let kept = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let timeouts = Timeouts { connect: Duration::from_secs(2), request: Duration::from_secs(20) };
        let agent = kept.unwrap_or_else(|| Agent::new(self.place.clone(), timeouts));
        let answer = match request.method.as_str() {
            "GET" => agent.get(&request.target, BODY_MAX),
            _ => {
                let mut headers = Headers::default();
                let own = ["connection", "content-length", "host", "transfer-encoding", "expect", "accept-encoding"];
                for (name, value) in request.headers() {
                    if !own.contains(&name.to_ascii_lowercase().as_str()) {
                        headers.add_secret(name, value);
                    }
                }
                agent.post_for(&request.target, &headers, body, BODY_MAX)
            }
        };
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(agent);
        }
        answer.map_err(|failure| format!("cannot forward to {}: {failure}", self.place))
    }
}
