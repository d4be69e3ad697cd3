//! The worker: one plain thread for one agent address. It waits for its interval or for enough bytes, takes chunks from
//! the queue and has them delivered (`deliver`), asks the agent what it can do, and says the start-up line. All its state
//! is on its own stack: after a fork there is nothing of it in the child.

use super::agent::{Agent, Failure, Info, Place, Timeouts};
use super::contact::State;
use super::deliver::{Load, AT_ONCE};
use super::file::File;
use super::queue::Wake;
use super::retry::Backoff;
use super::{Exporter, Profile, Shared};
use crate::log::event::{Event, Totals};
use crate::log::level::Level;
use crate::settings::AgentAddress;
use crate::span::clock;
use crate::sys;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How long an agent that has no good answer to `/info` is not asked again.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// How often what is due each minute is done.
const MINUTE: Duration = Duration::from_secs(60);

/// How a payload leaves.
pub enum Way {
    /// To an agent.
    Http(Box<Agent>),
    /// To a file.
    File(File),
    /// Not at all, and why.
    Nowhere(String),
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Way::Http(_) => "Http",
            Way::File(_) => "File",
            Way::Nowhere(_) => "Nowhere",
        })
    }
}

impl Way {
    /// The way to this address. Reads the environment.
    pub fn to(address: &AgentAddress, timeouts: Timeouts) -> Way {
        let http = |place| Way::Http(Box::new(Agent::new(place, timeouts)));
        match address.clone() {
            AgentAddress::Http { host, port, base_path } => http(Place::Tcp { host, port, base_path }),
            AgentAddress::Unix { path } => http(Place::Unix { path }),
            AgentAddress::File { path } => Way::File(File::new(path)),
            AgentAddress::Unusable { why, .. } => Way::Nowhere(why),
        }
    }
}

/// See the module.
pub(super) struct Worker {
    pub(super) shared: &'static Shared,
    pub(super) exporter: &'static Exporter,
    pub(super) way: Way,
    /// Where things go, as logs show it.
    pub(super) url: String,
    pub(super) backoff: Backoff,
    /// Since when the agent does not answer.
    pub(super) down_since: Option<Instant>,
    /// The agent does not know v0.4.
    pub(super) old_endpoint: bool,
    /// The rates' version that the agent gave last.
    pub(super) rates_version: Option<String>,
    /// The state of `/info` that was read, or that an answer told of.
    pub(super) agent_state: Option<String>,
    pub(super) info: Option<Info>,
    /// Why `/info` could not be read.
    agent_error: Option<String>,
    /// Until then an agent that had no good answer to `/info` is not asked again.
    pub(super) ask_after: Option<Instant>,
    pub(super) load: Load,
    /// Traces sent and not sent so far, as debug logs count them.
    pub(super) totals: Totals,
}

/// Runs until no tracer is attached any more and nothing is left.
pub(super) fn run(shared: &'static Shared, exporter: &'static Exporter) {
    sys::be_a_batch_thread();
    let way = exporter.way.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (Some(way), Some(profile)) = (way, first_profile(shared, exporter)) else {
        exporter.started.store(false, Relaxed);
        exporter.queue.thread_failed();
        return;
    };
    let mut worker = Worker::new(shared, exporter, way);
    let _shown = Shown::of(exporter, &worker.load);
    let interval = profile.settings.flush_interval;
    worker.ask();
    worker.announce();
    // The counter's scale is wanted soon after the first span, not after the first interval.
    let mut next = Duration::from_millis(25).min(interval);
    let mut looked = Instant::now();
    loop {
        let wake = exporter.queue.wait(next);
        next = interval;
        clock::calibrate();
        (shared.chores.tick)();
        if exporter.unannounced.load(Relaxed) {
            worker.announce();
        }
        if looked.elapsed() >= MINUTE || wake == Wake::End {
            looked = Instant::now();
            worker.load.rest();
            (shared.chores.minute)();
        }
        if wake == Wake::End {
            // Before the decision: whoever finds this thread running after it must not be unlearned.
            exporter.started.store(false, Relaxed);
            let way = &mut worker.way;
            let put_back = || {
                let mut place = exporter.way.lock().unwrap_or_else(PoisonError::into_inner);
                *place = Some(std::mem::replace(way, Way::Nowhere(String::new())));
            };
            if exporter.queue.end_thread(put_back) {
                return;
            }
        }
        worker.deliver_all();
        (shared.chores.tick)();
    }
}

/// Tells debuggers where the worker has what it is sending, as long as the worker lives. Only the address is kept.
struct Shown(&'static Exporter);

impl Shown {
    fn of(exporter: &'static Exporter, load: &Load) -> Shown {
        exporter.load.store(std::ptr::from_ref(load) as usize, Relaxed);
        Shown(exporter)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.load.store(0, Relaxed);
    }
}

fn first_profile(shared: &Shared, exporter: &Exporter) -> Option<Arc<Profile>> {
    let address = exporter.address.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
    shared.accounts.iter().filter_map(|account| account.profile()).find(|profile| profile.settings.agent == address)
}

impl Worker {
    fn new(shared: &'static Shared, exporter: &'static Exporter, way: Way) -> Worker {
        let address = exporter.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let url = match &way {
            Way::Http(agent) => agent.traces_url().to_string(),
            _ => address.map(|address| address.to_string()).unwrap_or_default(),
        };
        let mut seed = [0; 8];
        sys::random_bytes(&mut seed);
        Worker {
            shared,
            exporter,
            way,
            url,
            backoff: Backoff::new(u64::from_ne_bytes(seed)),
            down_since: None,
            rates_version: None,
            old_endpoint: false,
            agent_state: None,
            info: None,
            agent_error: None,
            ask_after: None,
            load: Load::default(),
            totals: Totals::default(),
        }
    }

    /// Asks the agent what it can do: at the start, and when an answer says that this has changed.
    pub(super) fn ask(&mut self) {
        match &self.way {
            Way::Http(agent) => match agent.info() {
                Ok(info) => {
                    let (version, endpoints) = (&info.version, info.endpoints.len() as u64);
                    self.shared.logs.emit(&Event::AgentInfo { url: &self.url, version, endpoints });
                    // Not every agent says its state here; then it is the one that an answer told of.
                    self.agent_state = info.state.clone().or(self.agent_state.take());
                    self.agent_error = None;
                    self.old_endpoint &= !info.endpoints.iter().any(|path| path.contains("/v0.4/traces"));
                    self.info = Some(info);
                    self.exporter.contact.stands(State::Answers, 200);
                }
                Err(failure) => {
                    // One that was not there yet is asked with its first answer.
                    let there = !matches!(failure, Failure::NotSent(_));
                    self.ask_after = there.then(|| Instant::now() + ASK_AGAIN);
                    if !there {
                        self.exporter.contact.stands(State::NotReached, 0);
                    }
                    self.agent_error = Some(failure.to_string());
                }
            },
            Way::File(_) => {}
            Way::Nowhere(why) => {
                self.agent_error = Some(why.clone());
                self.shared.logs.emit(&Event::Notice { level: Level::Error, target: "agent.unusable", text: why });
            }
        }
    }

    /// The start-up line of each tracer that has come since the last time, now that it is known whether its agent answers.
    fn announce(&mut self) {
        self.exporter.unannounced.store(false, Relaxed);
        let address = self.exporter.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for account in &self.shared.accounts {
            let Some(profile) = account.profile() else { continue };
            if Some(&profile.settings.agent) != address.as_ref() || account.announced.swap(true, Relaxed) {
                continue;
            }
            if profile.settings.startup_logs {
                let agent_error = self.agent_error.as_deref();
                let fields = profile.settings.startup_fields(&profile.runtime_id, agent_error);
                let agent_url = &profile.settings.agent.to_string();
                self.shared.logs.emit(&Event::TracerConfigured { fields: &fields, agent_url, agent_error });
            }
        }
    }

    fn deliver_all(&mut self) {
        loop {
            self.exporter.queue.take(AT_ONCE, &mut self.load.chunks);
            let (Some(first), Some(last)) = (self.load.chunks.first(), self.load.chunks.last()) else { return };
            let (tracer, sequence) = (first.tracer, last.sequence);
            self.deliver(tracer);
            self.shared.pool.give_all(self.load.empty());
            self.exporter.queue.resolve(sequence);
        }
    }
}
