//! Tracers: frozen settings, an account of what was counted, and the exporter that serves their agent. This file has the
//! registry: making, sharing, finding and freeing them. Spans are started in `spans`, finished in `ending`, flushed
//! and shut down in `closing`, counted in `stats`.

mod abandoned;
pub mod closing;
pub mod ending;
mod logging;
pub mod recording;
pub mod spans;
pub mod state;
pub mod stats;
pub mod submit;
pub mod view;

use crate::event::Event;
use crate::export::queue::Limits;
use crate::export::{Metadata, TRACERS_MAX};
use crate::inspect::{unsigned, TypeDescriptor};
use crate::memory;
use crate::process::Inheritable;
use crate::recorder;
use crate::settings::{AgentAddress, Settings};
use crate::span::open;
use crate::span::table::{Handle, Kind, LAST_GENERATION};
use crate::sys::environment::Environment;
use crate::tracer::state::State;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

/// Below so many unused exporters those that only have spans of freed tracers are asked to give up.
const EXPORTERS_SPARE: usize = 16;

/// Why a call came to nothing. The C API has a status for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An argument that cannot be meant.
    Argument,
    /// A handle that is freed, finished, or never was.
    Handle,
    /// A handle from before a fork.
    Forked,
    /// The tracer was shut down.
    Closed,
    /// A limit is reached.
    Limit,
    /// Memory is short.
    Memory,
    /// A structure of no known version.
    Version,
    /// There is no such tag or sink.
    NotFound,
    /// Not done in time.
    Timeout,
    /// Another thread holds the span for too long.
    Busy,
}

/// A slot for a tracer. What spans need of one at every turn lies here, in atomics, and is never freed.
#[derive(Debug, Default)]
pub struct Tracer {
    /// Generation and whether a tracer lives here: `generation << 1 | live`.
    word: AtomicU32,
    /// Nothing is started any more.
    pub closed: AtomicBool,
    /// `DD_TRACE_ENABLED`.
    pub enabled: AtomicBool,
    /// Whether trace ids have 128 bits.
    pub wide_ids: AtomicBool,
    /// Finished spans that make a partial flush; `u32::MAX` for never.
    pub partial_spans: AtomicU32,
    /// Index of the exporter.
    pub exporter: AtomicU32,
    /// What chunks were like lately, in bytes.
    pub usual_bytes: AtomicUsize,
    queue_bytes: AtomicUsize,
    queue_chunks: AtomicUsize,
    flush_bytes: AtomicUsize,
    /// Hash of the tracer's service, so that a span that names it is like one that names none.
    pub service_hash: AtomicU32,
    /// Submissions under way.
    submitting: AtomicU32,
    /// Its open spans are being abandoned, after it was shut down; none when that is done.
    abandoning: Mutex<Option<closing::Abandoning>>,
    /// How often it was given out.
    shares: AtomicU32,
    /// What it was made from; set before the slot is live, read by a child after a fork.
    origin: Inheritable<Origin>,
}

/// What a tracer was made from, and what came of it.
#[derive(Clone, Debug)]
struct Origin {
    code: Vec<(String, String)>,
    settings: Settings,
}

impl Tracer {
    /// Whether open spans of it are still to be abandoned. Does not wait for a thread that is doing so.
    fn is_abandoning(&self) -> bool {
        match self.abandoning.try_lock() {
            Ok(place) => place.is_some(),
            Err(TryLockError::Poisoned(place)) => place.into_inner().is_some(),
            Err(TryLockError::WouldBlock) => true,
        }
    }

    /// What its queue allows.
    #[inline]
    pub fn limits(&self) -> Limits {
        Limits {
            bytes: self.queue_bytes.load(Relaxed),
            chunks: self.queue_chunks.load(Relaxed),
            flush_bytes: self.flush_bytes.load(Relaxed),
        }
    }
}

/// All tracers of the process.
#[derive(Debug)]
pub struct Tracers {
    slots: Box<[Tracer]>,
    changing: Mutex<()>,
}

impl Default for Tracers {
    fn default() -> Tracers {
        Tracers { slots: (0..TRACERS_MAX).map(|_| Tracer::default()).collect(), changing: Mutex::new(()) }
    }
}

impl Tracers {
    /// The tracer that a handle names.
    #[inline]
    pub fn find(&self, number: u64) -> Result<(u32, &Tracer), Error> {
        let handle = Handle::of(number, Kind::Tracer).ok_or(Error::Handle)?;
        let tracer = self.slots.get(handle.index as usize).ok_or(Error::Handle)?;
        if tracer.word.load(Acquire) != handle.generation << 1 | 1 {
            return Err(Error::Handle);
        }
        Ok((handle.index, tracer))
    }

    /// The tracer at an index, live or not.
    #[inline]
    pub fn at(&self, index: u32) -> &Tracer {
        &self.slots[index as usize % TRACERS_MAX]
    }

    /// A tracer with these settings: the one that was made from an equal list, or a new one.
    #[allow(clippy::disallowed_methods)] // Reads the environment.
    pub fn make(&self, state: &'static State, code: Vec<(String, String)>) -> Result<u64, Error> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = self.share(&code) {
            return Ok(number);
        }
        let environment = Environment::read();
        let env = |name: &str| environment.get(name);
        let (settings, rejected) = Settings::resolve(&code, &env, &crate::languages::FOR_SETTINGS);
        let index = self.free_slot(state).ok_or(Error::Limit)?;
        logging::configure(state, &settings, env("TZ").as_deref(), &rejected);
        let generation = (self.slots[index as usize].word.load(Relaxed) >> 1) % LAST_GENERATION + 1;
        let origin = Box::new(Origin { code, settings });
        let number = self.install(state, index, generation, 1, origin, state.epoch == 1)?;
        // A forked child's are prepared by its first span: its first call may come on a small stack.
        state.exporters[self.at(index).exporter.load(Relaxed) as usize % TRACERS_MAX].prepare();
        recording::refresh_all(state);
        announce_disabled(state, index);
        Ok(number)
    }

    /// One more share of a tracer that is already there.
    fn share(&self, code: &[(String, String)]) -> Option<u64> {
        for (index, tracer) in self.slots.iter().enumerate() {
            let word = tracer.word.load(Acquire);
            if word & 1 == 0 || tracer.closed.load(Relaxed) {
                continue;
            }
            if tracer.origin.get().is_some_and(|origin| origin.code == code) {
                tracer.shares.fetch_add(1, Relaxed);
                return Some(Handle { index: index as u32, generation: word >> 1 }.number(Kind::Tracer));
            }
        }
        None
    }

    /// Where a new tracer can be made. Of the slots of freed tracers, those of which nothing is on its way any more come
    /// first; another one leaves its counters to the new tracer, and what it has finished is still sent.
    fn free_slot(&self, state: &State) -> Option<u32> {
        let free: Vec<u32> = (0..TRACERS_MAX as u32).filter(|&index| self.is_free(state, index)).collect();
        free.iter().find(|&&index| is_settled(state, index)).or(free.first()).copied()
    }

    /// Whether a new tracer can be made here: no call with a former one is under way any more.
    fn is_free(&self, state: &State, index: u32) -> bool {
        let tracer = self.at(index);
        tracer.word.load(Acquire) & 1 == 0
            && tracer.submitting.load(Acquire) == 0
            && !tracer.is_abandoning()
            && !state.traces.live().any(|trace| state.traces.label(trace, |tracer| tracer.load(Relaxed)) == Some(index))
    }

    #[inline(never)]
    fn install(
        &self,
        state: &State,
        index: u32,
        generation: u32,
        shares: u32,
        origin: Box<Origin>,
        bound: bool,
    ) -> Result<u64, Error> {
        let (settings, tracer, account) = (&origin.settings, self.at(index), state.shared.account(index));
        let former = tracer.exporter.load(Relaxed) as usize % TRACERS_MAX;
        state.exporters[former].abandon(&state.shared, index);
        let exporter = exporter_for(state, settings).ok_or(Error::Limit)?;
        let metadata = shared_metadata(settings, state.pid);
        account.give_to(metadata.clone());
        if bound && self.slots.iter().all(|other| other.word.load(Relaxed) & 1 == 0) {
            memory::set_max(settings.memory_max);
        }
        let partial = if settings.partial_flush_enabled { settings.partial_flush_min_spans.max(1) } else { usize::MAX };
        tracer.partial_spans.store(partial.min(u32::MAX as usize) as u32, Relaxed);
        tracer.closed.store(false, Relaxed);
        tracer.enabled.store(settings.enabled, Relaxed);
        tracer.wide_ids.store(settings.trace_id_128, Relaxed);
        tracer.queue_bytes.store(settings.queue_max_bytes, Relaxed);
        tracer.queue_chunks.store(settings.queue_max_chunks, Relaxed);
        tracer.flush_bytes.store(settings.flush_bytes.min(settings.queue_max_bytes / 2), Relaxed);
        tracer.usual_bytes.store(1024, Relaxed);
        tracer.service_hash.store(open::hash(settings.service.as_bytes()), Relaxed);
        tracer.shares.store(shares, Relaxed);
        tracer.exporter.store(exporter, Relaxed);
        state.exporters[exporter as usize].queue.attach(index, metadata, tracer.limits().flush_bytes);
        state.exporters[exporter as usize].unannounced.store(true, Relaxed);
        keep_origin(tracer, origin);
        tracer.word.store(generation << 1 | 1, Release);
        state.shared.recorder.rare(recorder::Kind::TracerMade, index.into(), generation.into());
        recording::refresh_tracer(state, index);
        Ok(Handle { index, generation }.number(Kind::Tracer))
    }

    /// Takes over the parent's tracers under their handles, in a child's fresh state. Only reads what is inherited.
    #[inline(never)]
    pub fn inherit(&self, state: &State, inherited: &Tracers) {
        for (index, tracer) in inherited.slots.iter().enumerate() {
            let word = tracer.word.load(Acquire);
            let Some(origin) = inherited_origin(tracer).filter(|_| word & 1 == 1) else {
                self.slots[index].word.store(word & !1, Relaxed);
                continue;
            };
            let shares = tracer.shares.load(Relaxed);
            // A full table of exporters cannot be: there were no more addresses in the parent.
            let _ = self.install(state, index as u32, word >> 1, shares, origin, false);
            if tracer.closed.load(Relaxed) {
                self.slots[index].closed.store(true, Relaxed);
                let exporter = self.slots[index].exporter.load(Relaxed) as usize % TRACERS_MAX;
                state.exporters[exporter].queue.detach(index as u32);
            }
        }
    }

    /// Gives one share back. The last one ends the tracer: what is open is abandoned, what is finished still goes out.
    pub fn free(&self, state: &'static State, number: u64) -> Result<(), Error> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (index, tracer) = self.find(number)?;
        if tracer.shares.fetch_sub(1, Relaxed) > 1 {
            return Ok(());
        }
        closing::close(state, index, tracer, Duration::ZERO);
        tracer.word.fetch_and(!1, Release);
        tracer.origin.set(None);
        recording::refresh_tracer(state, index);
        Ok(())
    }
}

impl Tracers {
    /// The start-up line's JSON object.
    pub fn config_json(&self, state: &State, number: u64) -> Result<String, Error> {
        let (index, _) = self.find(number)?;
        let metadata = state.shared.account(index).metadata().ok_or(Error::Handle)?;
        Ok(metadata.settings.config_json(&metadata.runtime_id, None))
    }

    /// Logs that the host has set up an integration.
    pub fn report_integration(
        &self,
        state: &State,
        number: u64,
        name: &str,
        version: &str,
        status: &str,
    ) -> Result<(), Error> {
        self.find(number)?;
        let [name, version, status] = [name, version, status].map(crate::redact::text);
        state.shared.logs.emit(&Event::IntegrationLoaded { name: &name, version: &version, status: &status });
        Ok(())
    }

    /// Of the tracer at this index: whether it is in use, how often the slot was given out, whether it is shut down.
    pub fn standing(&self, index: u32) -> (bool, u32, bool) {
        let tracer = self.at(index);
        let word = tracer.word.load(Acquire);
        (word & 1 == 1, word >> 1, tracer.closed.load(Relaxed))
    }

    /// The tracers as debuggers see them.
    pub fn inspected(&self) -> TypeDescriptor {
        let fields = vec![
            unsigned!(Tracer, word),
            unsigned!(Tracer, closed),
            unsigned!(Tracer, enabled),
            unsigned!(Tracer, exporter),
        ];
        TypeDescriptor::row("tracer", &self.slots, fields)
    }

    /// Turns tracing off for good, for a library that has failed too often, and says so.
    pub fn turn_off(&self, state: &State) {
        self.slots.iter().for_each(|tracer| tracer.enabled.store(false, Relaxed));
        state.shared.logs.emit(&Event::TurnedOff);
    }
}

// In frames of their own, which end before the next one begins: see `Metadata::of`.
#[inline(never)]
fn inherited_origin(tracer: &Tracer) -> Option<Box<Origin>> {
    tracer.origin.inherited().map(Box::new)
}

#[inline(never)]
fn keep_origin(tracer: &Tracer, origin: Box<Origin>) {
    tracer.origin.set(Some(*origin));
}

#[inline(never)]
fn shared_metadata(settings: &Settings, process_id: u32) -> Arc<Metadata> {
    Arc::new(Metadata::of(settings, process_id))
}

/// Whether all that the tracer of this slot has finished is sent or dropped.
fn is_settled(state: &State, index: u32) -> bool {
    let counters = &state.shared.account(index).counters;
    counters.traces.enqueued.load(Relaxed) == counters.resolved.load(Relaxed) + counters.removed.load(Relaxed)
}

/// The exporter that serves this address, or an unused one that will.
#[inline(never)]
fn exporter_for(state: &State, settings: &Settings) -> Option<u32> {
    let address: &AgentAddress = &settings.agent;
    let of = |index: usize| state.exporters[index].address.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(index) = (0..TRACERS_MAX).find(|&index| of(index).as_ref() == Some(address)) {
        return Some(index as u32);
    }
    let unused: Vec<usize> = (0..TRACERS_MAX).filter(|&index| !state.exporters[index].queue.in_use()).collect();
    if unused.len() < EXPORTERS_SPARE {
        // Freed tracers do not keep new ones from other addresses, even if their agents are away.
        state.exporters.iter().filter(|exporter| exporter.queue.ask_to_yield()).take(EXPORTERS_SPARE).for_each(drop);
    }
    let index = unused.first().copied()?;
    *of(index) = Some(address.clone());
    state.exporters[index].connection.forget();
    *state.exporters[index].connections.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Some(index as u32)
}

/// The start-up line of a tracer that will never have a worker to say it: tracing is off, and that is the news.
fn announce_disabled(state: &State, index: u32) {
    let account = state.shared.account(index);
    let Some(metadata) = account.metadata().filter(|metadata| !metadata.settings.enabled) else { return };
    if metadata.settings.startup_logs && !account.announced.swap(true, Relaxed) {
        let fields = metadata.settings.startup_fields(&metadata.runtime_id, None);
        let agent_url = &metadata.settings.agent.to_string();
        let abandoned_spans = metadata.settings.debug_abandoned_spans;
        let event = Event::TracerConfigured { fields: &fields, agent_url, agent_error: None, abandoned_spans };
        state.shared.logs.emit(&event);
    }
}
