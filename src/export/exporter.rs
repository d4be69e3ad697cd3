//! One agent address, as callers and its worker share it.

use super::connection::ConnectionState;
use super::periodic::poller::Poller;
use super::periodic::{Asked, Due};
use super::queue::Queue;
use super::shared::Shared;
use super::transport::agent::Info;
use super::transport::{Names, Transport};
use crate::counters::{Counters, Reason};
use crate::event::DropDetail;
use crate::sampling::agent_rates::AgentRates;
use crate::settings::AgentAddress;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};

/// One agent address: its queue, its connections, and the state of its worker. Never freed, so that a pushing thread
/// needs no reference count.
#[derive(Debug, Default)]
pub struct Exporter {
    /// Where it sends; none while unused.
    pub address: Mutex<Option<AgentAddress>>,
    /// Made on the thread of a host's call, because making them reads the environment, which another thread must not do
    /// while the host may change it. The worker takes them, and puts them back when it ends.
    pub connections: Mutex<Option<Connections>>,
    /// The last known addresses of the agent's name.
    pub(super) names: Arc<Names>,
    /// Chunks that wait.
    pub queue: Queue,
    /// Whether the worker's thread was started: one relaxed load where a trace begins.
    pub started: AtomicBool,
    /// Tracers have come whose start-up lines are due.
    pub unannounced: AtomicBool,
    /// The sampling rates of the Agent, for all tracers that send to it.
    pub rates: AgentRates,
    /// What the Agent said last about itself.
    pub info: Mutex<Option<Arc<Info>>>,
    /// Whether the agent answers.
    pub connection: ConnectionState,
    /// Polls that run once, because another thread asked for them.
    pub(super) asked: Asked,
    /// Internal errors caught in its workers.
    pub(super) failures: AtomicU32,
    /// The address of the worker's batches, for debuggers; 0 without a worker.
    pub(super) batches: AtomicUsize,
    /// When the system gave no thread for the worker; monotonic nanoseconds, 0 if it did.
    pub(super) failed_ns: AtomicU64,
}

/// What a worker sends through. Opens nothing before its first use.
#[derive(Debug)]
pub struct Connections {
    /// For payloads.
    pub traces: Transport,
    /// For polls; none where the address is no agent's.
    pub polls: Option<Poller>,
}

/// What becomes of a poll that a thread asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// It will run, or be told why not.
    Asked,
    /// Too many wait.
    TooMany,
    /// The worker does not run and cannot be started; the poll was told.
    NoWorker,
}

impl Exporter {
    /// Takes over the addresses of the agent's host name that the parent's exporters know. A forked child calls this.
    pub fn inherit_names(&self, inherited: &[Exporter]) {
        let address = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(AgentAddress::Http { host, port, .. } | AgentAddress::Otlp { host, port, .. }) = &*address {
            self.names.inherit(host, *port, inherited.iter().map(|exporter| &*exporter.names));
        }
    }

    /// Takes over the sampling rates that the parent has from the same Agent. A forked child calls this.
    pub fn inherit_rates(&self, inherited: &[Exporter]) {
        if let Some(parents) = inherited.iter().find(|parents| parents.rates.is_of_same(&self.rates)) {
            self.rates.inherit(&parents.rates);
        }
    }

    /// Makes the connections to the address, if there are none.
    pub fn prepare(&self) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let address = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(address)) = (&*connections, &*address) {
            let transport = || Transport::to(address, &self.names);
            let polls = match transport() {
                Transport::Agent(agent) => Some(Poller::new(*agent)),
                Transport::Collector(_) | Transport::File(_) | Transport::Unusable(_) => None,
            };
            *connections = Some(Connections { traces: transport(), polls });
        }
    }

    /// Has a poll run once on the polling thread, as soon as that is idle. Starts the worker if it is not running. Without a
    /// worker, this poll and those that wait are told so.
    pub fn ask(&'static self, shared: &'static Shared, due: Due) -> Asking {
        if !self.asked.add(due) {
            return Asking::TooMany;
        }
        if !self.start_asked(shared) {
            self.asked.fail();
            return Asking::NoWorker;
        }
        self.queue.nudge();
        Asking::Asked
    }

    /// Drops the waiting chunks of a tracer that is being shut down.
    pub fn drop_waiting(&self, shared: &Shared, tracer: u32, reason: Reason, detail: &DropDetail) {
        let rest = self.queue.remove(tracer);
        let spans: u64 = rest.iter().map(|chunk| u64::from(chunk.spans)).sum();
        if spans > 0 {
            shared.lose_chunks(&rest, reason, detail);
            shared.drop_spans(tracer, reason, spans, rest.len() as u64, detail);
            Counters::add(&shared.account(tracer).counters.removed, spans);
        }
        shared.pool.give_all(rest.into_iter().map(|chunk| chunk.records));
    }

    /// Gives up the lane of a tracer whose slot is given to another one. Its chunks are still sent, unless memory is
    /// short.
    pub fn abandon(&self, shared: &Shared, tracer: u32) {
        let rest = self.queue.abandon(tracer);
        let spans: u64 = rest.iter().map(|chunk| u64::from(chunk.spans)).sum();
        if spans > 0 {
            shared.lose_chunks(&rest, Reason::Memory, &DropDetail::TracerFreed);
            shared.drop_spans(tracer, Reason::Memory, spans, rest.len() as u64, &DropDetail::TracerFreed);
        }
        shared.pool.give_all(rest.into_iter().map(|chunk| chunk.records));
    }
}
