//! Remote configuration: asks the agent at `/v0.7/config` what is to be in force, checks the answer, and hands each
//! configuration to its product (`products`). What became of each goes back with the next request.
//!
//! `path`, `json` and `response` read an answer, `request` makes a request, `held` is a configuration. Nothing here
//! starts a thread or knows a tracer: `tracer::remote` calls [`Client::poll`] on the thread for polls, and implements
//! [`Host`].

pub mod held;
mod json;
mod path;
mod products;
mod request;
mod response;

pub use products::apm_tracing::TracingConfig;
pub use request::Subject;

use crate::event::remote::RemoteFault;
use crate::event::Event;
use crate::export::transport::agent::{Agent, Headers};
use crate::flare::{FlareTask, RemoteConfig};
use crate::level::Level;
use crate::redact;
use crate::settings::parse::shorten;
use crate::span::ids;
use held::Held;
use products::Product;
use response::{Answer, Offered, Refused};
use std::time::{Duration, Instant};

/// The path of the requests.
pub const ENDPOINT: &str = "/v0.7/config";
/// The most bytes of all configurations together, of which the products keep what they say.
const KEPT_MAX: u64 = response::ANSWER_MAX as u64;
/// How long an agent is not asked again after it has answered 404.
const ABSENT_PAUSE: Duration = Duration::from_secs(60);
/// Characters of a path or fault that go to the agent and to the log.
const SHOWN_MAX: usize = 300;

/// What remote configuration changes in the process.
pub trait Host {
    /// Logs an event.
    fn emit(&self, event: &Event<'_>);

    /// Has this level logged at least, until then; `None` for what the settings say.
    fn raise_level(&self, raised: Option<(Level, Instant)>);

    /// Has a flare collected and sent. Does not wait for it.
    fn request_flare(&self, task: FlareTask) -> Result<(), RemoteFault>;

    /// Puts these changes of tracers in force, and takes back all others.
    fn change_tracing(&self, configs: &[TracingConfig]);
}

/// The client of one agent.
pub struct Client {
    id: String,
    root_version: u64,
    targets_version: u64,
    backend_state: String,
    /// Why the last answer was not used, for the next request; empty if it was.
    error: String,
    /// What was logged last of the agent as a whole, so that it is not repeated with each request.
    told: Option<Refused>,
    held: Vec<Held>,
    products: Vec<Box<dyn Product>>,
    /// No request before this time.
    not_before: Option<Instant>,
}

impl Default for Client {
    fn default() -> Client {
        Client {
            id: ids::runtime_id(),
            root_version: 0,
            targets_version: 0,
            backend_state: String::new(),
            error: String::new(),
            told: None,
            held: Vec::new(),
            products: products::all(),
            not_before: None,
        }
    }
}

impl Client {
    /// Asks the agent once, and puts its answer in force. `headers` are those that tell the agent the container.
    pub fn poll(&mut self, agent: &Agent, headers: Headers, subject: &Subject, host: &dyn Host) {
        let began = Instant::now();
        if self.not_before.is_none_or(|moment| began >= moment) {
            self.not_before = None;
            let body = self.request(subject);
            let result = agent.post_for(ENDPOINT, &headers, body.as_bytes(), response::ANSWER_MAX + 1);
            match result {
                Ok(answer) if answer.status == 200 => {
                    if let Some(changed) = self.take(answer.body.as_bytes(), host, Instant::now()) {
                        let paths: Vec<&str> = changed.iter().map(String::as_str).collect();
                        host.emit(&Event::RemoteConfigReceived {
                            url: &agent.url_of(ENDPOINT),
                            version: self.targets_version,
                            paths: &paths,
                            time: began.elapsed(),
                        });
                    }
                }
                // It has no remote configuration, or no more.
                Ok(answer) if answer.status == 404 => {
                    self.forget(host);
                    self.not_before = Some(began + ABSENT_PAUSE);
                }
                Ok(answer) => self.tell(RemoteFault::Status(answer.status).into(), host),
                Err(failure) => self.tell(RemoteFault::NoAnswer(failure.error().clone()).into(), host),
            }
        }
        self.settle(host, Instant::now());
    }

    /// Returns what the agent has given, with what became of it.
    pub fn held(&self) -> Vec<RemoteConfig> {
        let of = |held: &Held| RemoteConfig {
            product: held.path.product().into(),
            id: held.path.id().into(),
            path: held.path.text().into(),
            version: held.version,
            error: held.fault.as_ref().map(|fault| fault.to_string()).unwrap_or_default(),
        };
        self.held.iter().map(of).collect()
    }

    /// Notes that the agent offers remote configuration, so that an answer 404 before is of no account.
    pub fn offered(&mut self) {
        self.not_before = None;
    }

    /// The body of the next request.
    fn request(&self, subject: &Subject) -> String {
        let products: Vec<&str> = self.products.iter().map(|product| product.name()).collect();
        let capabilities: Vec<u32> = self.products.iter().flat_map(|product| product.capabilities()).copied().collect();
        let state = request::State {
            id: &self.id,
            root_version: self.root_version,
            targets_version: self.targets_version,
            backend_state: &self.backend_state,
            error: &self.error,
            held: &self.held,
        };
        request::body(subject, &state, &products, &capabilities)
    }

    /// Takes the body of an answer. Returns the paths of all configurations if any of them has changed. If the answer
    /// cannot be used, everything stays as it was.
    fn take(&mut self, body: &[u8], host: &dyn Host, now: Instant) -> Option<Vec<String>> {
        let is_held =
            |path: &str, sha256: &str| self.held.iter().any(|held| held.path.text() == path && held.sha256 == sha256);
        let is_wanted = |product: &str| self.products.iter().any(|known| known.name() == product);
        let result = response::read(body, is_held, is_wanted).and_then(|answer| self.bounded(answer));
        match result {
            Ok(answer) => {
                (self.error, self.told) = (String::new(), None);
                answer.and_then(|answer| self.put_in_force(answer, host, now))
            }
            Err(refused) => {
                let Refused { path, why } = &refused;
                let about = if path.is_empty() { String::new() } else { format!("{path}: ") };
                self.error = shorten(redact::text(&format!("{about}{why}")).into_owned(), SHOWN_MAX);
                self.tell(refused, host);
                None
            }
        }
    }

    /// Refuses an answer that makes all configurations together too large. Their contents may have come with several answers.
    fn bounded(&self, answer: Option<Answer>) -> Result<Option<Answer>, Refused> {
        let kept = |offered: &Offered| {
            let before = self.held.iter().find(|held| held.path == offered.path).map_or(0, |held| held.kept);
            offered.content.as_ref().map_or(before, |content| before.max(content.len() as u64))
        };
        let bytes: u64 = answer.iter().flat_map(|answer| &answer.configs).map(kept).sum();
        match bytes <= KEPT_MAX {
            true => Ok(answer),
            false => Err(RemoteFault::TooMuch { max_bytes: KEPT_MAX }.into()),
        }
    }

    fn put_in_force(&mut self, answer: Answer, host: &dyn Host, now: Instant) -> Option<Vec<String>> {
        self.root_version = self.root_version.max(answer.root_version);
        (self.targets_version, self.backend_state) = (answer.targets_version, answer.backend_state);
        let mut changed = false;
        let stays = |held: &Held| answer.configs.iter().any(|offered| offered.path == held.path);
        for gone in self.held.iter().filter(|held| !stays(held)) {
            changed = true;
            self.products.iter_mut().filter(|product| product.name() == gone.path.product()).for_each(|product| {
                product.remove(&gone.path);
            });
        }
        self.held.retain(stays);
        // By product: a level comes before the flare that it is for.
        for product in &mut self.products {
            let name = product.name();
            for offered in answer.configs.iter().filter(|offered| offered.path.product() == name) {
                let before = self.held.iter_mut().find(|held| held.path == offered.path);
                let Some(content) = &offered.content else {
                    before.into_iter().for_each(|held| held.version = offered.version);
                    continue;
                };
                changed = true;
                let fault = product.set(&offered.path, content, host, now).err();
                if let Some(why) = &fault {
                    let path = shorten(offered.path.text().to_string(), SHOWN_MAX);
                    host.emit(&Event::RemoteConfigFailed { path: &path, why });
                }
                let earlier = before.as_ref().filter(|_| fault.is_some()).map_or(0, |held| held.kept);
                let held = Held {
                    path: offered.path.clone(),
                    version: offered.version,
                    sha256: offered.sha256.clone(),
                    length: offered.length,
                    kept: if fault.is_some() { earlier } else { offered.length },
                    fault,
                };
                match before {
                    Some(before) => *before = held,
                    None => self.held.push(held),
                }
            }
        }
        changed.then(|| self.held.iter().map(|held| held.path.text().to_string()).collect())
    }

    /// Takes everything back: the agent has no remote configuration.
    pub fn forget(&mut self, host: &dyn Host) {
        for held in std::mem::take(&mut self.held) {
            self.products.iter_mut().for_each(|product| product.remove(&held.path));
        }
        (self.targets_version, self.root_version, self.told) = (0, 0, None);
        self.backend_state.clear();
        self.error.clear();
        self.settle(host, Instant::now());
    }

    /// Puts in force what the products hold now.
    fn settle(&mut self, host: &dyn Host, now: Instant) {
        self.products.iter_mut().for_each(|product| product.settle(host, now));
    }

    /// Logs why an answer is not used, once.
    fn tell(&mut self, refused: Refused, host: &dyn Host) {
        if self.told.as_ref() != Some(&refused) {
            let path = shorten(refused.path.clone(), SHOWN_MAX);
            host.emit(&Event::RemoteConfigFailed { path: &path, why: &refused.why });
            self.told = Some(refused);
        }
    }
}

#[cfg(test)]
mod tests;
