//! The worker: one plain thread for one agent address. It waits for a lane of the queue to be due, takes chunks and has
//! them delivered (`deliver`), has the agent asked what it can do (`info`), and says the start-up line. All its state is on
//! its own stack: after a fork there is nothing of it in the child. A panic costs the batch that it was busy with, counted.

use super::agent::{Agent, Failure, Place, Timeouts};
use super::contact::State;
use super::deliver::{Delivery, AT_ONCE};
use super::file::File;
use super::info::{self, Inquiry, Schedule};
use super::load::{Load, Loads};
use super::queue::{Errand, Ticket, Wake};
use super::retry::Backoff;
use super::transport::{system_lookup, Names};
use super::{Exporter, Profile, Shared};
use crate::counters::Reason;
use crate::event::{Event, Totals};
use crate::level::Level;
use crate::memory::Buffer;
use crate::settings::AgentAddress;
use crate::span::clock;
use crate::sys;
use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How often what is due each minute is done.
const MINUTE: Duration = Duration::from_secs(60);
/// How often the worker looks around, whatever it waits for.
const LOOK: Duration = Duration::from_secs(1);
/// How soon it does so first: the counter's scale is wanted soon after the first span.
const FIRST_LOOK: Duration = Duration::from_millis(25);
/// How long the start-up line waits for an agent that does not answer.
const ANNOUNCE_WITHIN: Duration = Duration::from_secs(3);
/// After so many internal errors tracing is turned off, and the worker only counts what it drops.
const FAILURES_MAX: u32 = 5;
/// After so many it ends for good.
pub(super) const FAILURES_END: u32 = 10;

/// An agent, by two connections: what else there is to ask never stands in the way of traces.
pub struct Http {
    /// For traces alone.
    pub traces: Agent,
    /// For `/info`.
    pub info: Inquiry,
}

/// How a payload leaves.
pub enum Way {
    /// To an agent.
    Http(Box<Http>),
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
    pub fn to(address: &AgentAddress, names: &Arc<Names>) -> Way {
        let http = |place: Place| {
            let agent = || Agent::knowing(place.clone(), Timeouts::default(), system_lookup, names.clone());
            Way::Http(Box::new(Http { traces: agent(), info: Inquiry::new(agent()) }))
        };
        match address.clone() {
            AgentAddress::Http { host, port, base_path } => http(Place::Tcp { host, port, base_path }),
            AgentAddress::Unix { path } => http(Place::Unix { path }),
            AgentAddress::File { path } => Way::File(File::new(path)),
            AgentAddress::Unusable { why, .. } => Way::Nowhere(why),
        }
    }
}

/// See the module.
struct Worker {
    shared: &'static Shared,
    exporter: &'static Exporter,
    delivery: Delivery,
    loads: Loads,
    /// The batch that it is busy with: its place among `loads`.
    busy: Option<usize>,
    /// The lane that was served last.
    turn: Ticket,
    schedule: Schedule,
    /// What is known of the agent: that it answers, or why it does not.
    known: Option<Result<(), String>>,
    began: Instant,
    minute: Instant,
}

/// Runs until no tracer is attached any more and nothing is left.
pub(super) fn run(shared: &'static Shared, exporter: &'static Exporter) {
    sys::be_a_batch_thread();
    crate::log::bridge::attach(&shared.logs);
    let Some(way) = exporter.way.lock().unwrap_or_else(PoisonError::into_inner).take() else {
        exporter.started.store(false, Relaxed);
        exporter.queue.thread_failed();
        return;
    };
    let mut worker = Worker::new(shared, exporter, way);
    let _shown = Shown::of(exporter, &worker.loads);
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| worker.serve())) {
        let recovered = catch_unwind(AssertUnwindSafe(|| worker.recover(&*panic)));
        if recovered.is_err() || exporter.failures.load(Relaxed) >= FAILURES_END {
            let give_up = AssertUnwindSafe(|| worker.drop_all(Reason::Invalid, "an internal error of the worker"));
            let _ = catch_unwind(give_up);
            exporter.started.store(false, Relaxed);
            exporter.queue.thread_failed();
            return;
        }
    }
}

/// Tells debuggers where the worker has what it is sending, as long as the worker lives. Only the address is kept.
struct Shown(&'static Exporter);

impl Shown {
    fn of(exporter: &'static Exporter, loads: &Loads) -> Shown {
        exporter.loads.store(std::ptr::from_ref(loads) as usize, Relaxed);
        Shown(exporter)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.loads.store(0, Relaxed);
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
            Way::Http(http) => http.traces.traces_url().to_string(),
            _ => address.map(|address| address.to_string()).unwrap_or_default(),
        };
        let known = match &way {
            Way::Http(_) => None,
            Way::File(_) => Some(Ok(())),
            Way::Nowhere(why) => {
                shared.logs.emit(&Event::Notice { level: Level::Error, target: "agent.unusable", text: why });
                Some(Err(why.clone()))
            }
        };
        let mut seed = [0; 8];
        sys::random_bytes(&mut seed);
        let delivery = Delivery {
            shared,
            exporter,
            way,
            url,
            backoff: Backoff::new(u64::from_ne_bytes(seed)),
            pause: None,
            down_since: None,
            old_endpoint: false,
            rates_version: None,
            request_max: None,
            agent_state: None,
            last: None,
            totals: Totals::default(),
            body: Buffer::new(),
        };
        let now = Instant::now();
        Worker {
            shared,
            exporter,
            delivery,
            loads: Loads::default(),
            busy: None,
            turn: 0,
            schedule: Schedule::default(),
            known,
            began: now,
            minute: now,
        }
    }

    fn serve(&mut self) {
        let mut next = FIRST_LOOK;
        loop {
            self.look_around();
            let held: Vec<Ticket> = self.loads.all.iter().map(|load| load.lane).collect();
            let now = Instant::now();
            let until = self.ask_at(now).map_or(now + next, |due| due.min(now + next));
            next = LOOK;
            let errand = Errand { after: self.turn, held: &held, pause: self.delivery.pause, until };
            match self.exporter.queue.wait(&errand) {
                Wake::Serve(lane) => self.serve_lane(lane),
                Wake::Look => {}
                Wake::End if self.exporter.unannounced.load(Relaxed) && !self.can_announce() => {
                    // Nothing is left to be sent, so nothing is delayed.
                    std::thread::sleep(FIRST_LOOK);
                }
                Wake::End => {
                    self.look_around();
                    // Nothing comes for a while: what is kept for it is given back.
                    self.delivery.rest();
                    (self.shared.chores.minute)();
                    let way = &mut self.delivery.way;
                    // Under the queue's lock: a caller that finds this thread running has set it again before.
                    let put_back = || {
                        self.exporter.started.store(false, Relaxed);
                        let mut place = self.exporter.way.lock().unwrap_or_else(PoisonError::into_inner);
                        *place = Some(std::mem::replace(way, Way::Nowhere(String::new())));
                    };
                    if self.exporter.queue.end_thread(put_back) {
                        return;
                    }
                }
            }
        }
    }

    /// What is done beside sending. None of it waits for anything.
    fn look_around(&mut self) {
        clock::calibrate();
        (self.shared.chores.tick)();
        if self.minute.elapsed() >= MINUTE {
            self.minute = Instant::now();
            self.delivery.rest();
            (self.shared.chores.minute)();
        }
        self.ask();
        self.announce_if_known();
        if let Some(waiting) = self.exporter.queue.yielded() {
            self.loads.all.extend(waiting.into_iter().map(|(lane, taken, chunks)| Load::of(lane, taken, chunks)));
            self.drop_all(
                Reason::Unreachable,
                "of a freed tracer, and its place was needed for another agent's address",
            );
        }
        let over = |(at, load): (usize, &Load)| self.delivery.is_over(load).then_some(at);
        let over: Vec<usize> = self.loads.all.iter().enumerate().filter_map(over).collect();
        for at in over.into_iter().rev() {
            self.loads.all[at].give_up(self.shared, Reason::Shutdown, "the time for shutting down is over");
            self.finish(at);
        }
    }

    /// One attempt with the next payload of a lane.
    fn serve_lane(&mut self, lane: Ticket) {
        self.turn = lane;
        let held = self.loads.all.iter().position(|load| load.lane == lane);
        let Some(at) = held.or_else(|| self.take(lane)) else { return };
        self.busy = Some(at);
        if self.is_off() {
            self.loads.all[at].give_up(self.shared, Reason::Invalid, "tracing has turned itself off");
        } else {
            self.delivery.attempt(&mut self.loads.all[at]);
        }
        self.busy = None;
        self.learn();
        if self.loads.all[at].pieces.is_empty() {
            self.finish(at);
        }
    }

    fn take(&mut self, lane: Ticket) -> Option<usize> {
        let mut chunks = Vec::new();
        let taken = self.exporter.queue.take(lane, AT_ONCE, &mut chunks)?;
        self.loads.all.push(Load::of(lane, taken, chunks));
        Some(self.loads.all.len() - 1)
    }

    /// Everything of this batch is sent or dropped.
    fn finish(&mut self, at: usize) {
        let load = self.loads.all.swap_remove(at);
        let (lane, sequence) = (load.lane, load.sequence);
        self.shared.pool.give_all(load.into_buffers());
        self.exporter.queue.resolve(lane, sequence);
    }

    /// Takes note of what the last attempt says of the agent, before anybody is told that the batch is gone.
    fn learn(&mut self) {
        let Some(last) = self.delivery.last.take() else { return };
        // The start-up line tells what `/info` said, if that has answered meanwhile.
        self.ask();
        self.announce_if_known();
        self.known = Some(last);
        self.announce_if_known();
    }

    fn announce_if_known(&mut self) {
        if self.exporter.unannounced.load(Relaxed) && self.can_announce() {
            self.announce();
        }
    }

    /// Has the agent asked what it can do, where that is due, and takes note of its answer.
    fn ask(&mut self) {
        let inquiry = match &self.delivery.way {
            Way::Http(http) => http.info.clone(),
            Way::File(_) | Way::Nowhere(_) => return,
        };
        let (now, delivery) = (Instant::now(), &mut self.delivery);
        if let Some(answer) = inquiry.take() {
            self.schedule.answered(&answer, now, delivery.agent_state.as_ref());
            let contact = &self.exporter.contact;
            match &answer {
                Ok(info) => {
                    let (url, version, endpoints) = (&delivery.url, &info.version, info.endpoints.len() as u64);
                    self.shared.logs.emit(&Event::AgentInfo { url, version, endpoints });
                    delivery.request_max = info.max_request_bytes;
                    delivery.old_endpoint &= !info.endpoints.iter().any(|path| path.contains("/v0.4/traces"));
                    if contact.is_unknown() {
                        contact.stands(State::Answers, 200);
                    }
                }
                Err(Failure::NotSent(_) | Failure::Refused(_)) if contact.is_unknown() => {
                    contact.stands(State::NotReached, 0);
                }
                Err(_) => {}
            }
            if !matches!(self.known, Some(Ok(()))) {
                self.known = Some(info::standing(&answer));
            }
        }
        if self.ask_at(now).is_some_and(|due| due <= now) {
            self.schedule.asked(now);
            let settings = first_profile(self.shared, self.exporter).map(|profile| {
                let settings = &profile.settings;
                Timeouts { connect: settings.connect_timeout, request: settings.request_timeout }
            });
            inquiry.begin(settings.unwrap_or_default(), self.exporter);
        }
    }

    /// When the agent is to be asked what it can do.
    fn ask_at(&self, now: Instant) -> Option<Instant> {
        let Way::Http(http) = &self.delivery.way else { return None };
        let answered = matches!(self.known, Some(Ok(())));
        http.info.is_idle().then(|| self.schedule.due(now, answered, self.delivery.agent_state.as_ref()))?
    }

    /// Whether it is known how the agent answers, or has taken too long to find out.
    fn can_announce(&self) -> bool {
        self.known.is_some() || self.began.elapsed() >= ANNOUNCE_WITHIN
    }

    /// The start-up line of each tracer that has come since the last time.
    fn announce(&mut self) {
        self.exporter.unannounced.store(false, Relaxed);
        let address = self.exporter.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let late = || format!("no answer within {ANNOUNCE_WITHIN:?} ({})", self.delivery.url);
        let agent_error = self.known.clone().unwrap_or_else(|| Err(late())).err();
        for account in &self.shared.accounts {
            let Some(profile) = account.profile() else { continue };
            if Some(&profile.settings.agent) != address.as_ref() || account.announced.swap(true, Relaxed) {
                continue;
            }
            if profile.settings.startup_logs {
                let agent_error = agent_error.as_deref();
                let fields = profile.settings.startup_fields(&profile.runtime_id, agent_error);
                let agent_url = &profile.settings.agent.to_string();
                self.shared.logs.emit(&Event::TracerConfigured { fields: &fields, agent_url, agent_error });
            }
        }
    }

    /// Drops and counts every batch that it holds.
    fn drop_all(&mut self, reason: Reason, detail: &str) {
        for load in &mut self.loads.all {
            load.give_up(self.shared, reason, detail);
        }
        while !self.loads.all.is_empty() {
            self.finish(0);
        }
    }

    fn is_off(&self) -> bool {
        self.exporter.failures.load(Relaxed) >= FAILURES_MAX
    }

    /// After a panic: drops and counts the batch that it came up with. Others are delivered as if nothing had happened.
    #[cold]
    fn recover(&mut self, panic: &(dyn Any + Send)) {
        let message = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let failures = self.exporter.failures.fetch_add(1, Relaxed) + 1;
        self.shared.logs.emit(&Event::PanicCaught { message: message.unwrap_or("no message") });
        if failures == FAILURES_MAX {
            (self.shared.chores.turn_off)();
        }
        if let Some(at) = self.busy.take().filter(|&at| at < self.loads.all.len()) {
            self.loads.all[at].give_up(self.shared, Reason::Invalid, "an internal error of the worker");
            self.finish(at);
        }
    }
}
