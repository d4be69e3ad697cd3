//! Makes, shares, inherits and frees tracers. All changes of the registry are here.

use super::error::Error;
use super::registry::{Origin, Tracer, Tracers};
use super::state::State;
use super::{closing, logging, recording};
use crate::event::Event;
use crate::export::{Metadata, TRACERS_MAX};
use crate::host;
use crate::memory;
use crate::recorder;
use crate::settings::remote::Changes;
use crate::settings::{AgentAddress, Program, Settings};
use crate::span::open;
use crate::span::table::{Handle, Kind, LAST_GENERATION};
use crate::sys::environment::Environment;
use std::sync::atomic::Ordering::*;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// If fewer exporters are unused, exporters that only have spans of freed tracers are asked to drop them.
const EXPORTERS_SPARE: usize = 16;

impl Tracers {
    /// Returns the tracer that was made from an equal list of settings, or makes a new one.
    #[allow(clippy::disallowed_methods)] // Reads the environment.
    pub fn make(&self, state: &'static State, code: Vec<(String, String)>) -> Result<u64, Error> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = self.share(&code) {
            return Ok(number);
        }
        let environment = Environment::read();
        let env = |name: &str| environment.get(name);
        let program = Program {
            env: &env,
            variables: &|| environment.all(),
            arguments: &host::arguments,
            place: &|path| Some(path.to_path_buf()),
        };
        let (settings, rejected) = Settings::resolve_for(&code, &program, &crate::languages::FOR_SETTINGS);
        let index = self.free_slot(state).ok_or(Error::Limit)?;
        logging::configure(state, &settings, env("TZ").as_deref(), &rejected);
        let generation = (self.slots[index as usize].word.load(Relaxed) >> 1) % LAST_GENERATION + 1;
        let origin = Box::new(Origin { code, settings });
        let number = self.install(state, index, generation, 1, origin, state.epoch == 1)?;
        // In a forked child the first span prepares exporters, because the child's first call may run on a small stack.
        state.exporters[self.at(index).exporter.load(Relaxed) as usize % TRACERS_MAX].prepare();
        recording::refresh_all(state);
        announce_disabled(state, index);
        Ok(number)
    }

    /// Finds a slot for a new tracer. Prefers slots of freed tracers whose spans are all sent or dropped. In another
    /// slot the new tracer takes over the counters, and the old spans are still sent.
    fn free_slot(&self, state: &State) -> Option<u32> {
        let free: Vec<u32> = (0..TRACERS_MAX as u32).filter(|&index| self.is_free(state, index)).collect();
        free.iter().find(|&&index| is_settled(state, index)).or(free.first()).copied()
    }

    /// Whether the slot is free: no call with a former tracer of the slot is under way.
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
        tracer.set_sampler(settings);
        *tracer.changes.lock().unwrap_or_else(PoisonError::into_inner) = Changes::default();
        tracer.closed.store(false, Relaxed);
        tracer.enabled.store(settings.enabled, SeqCst);
        // After it, so that tracing which is turned off at this moment stays off.
        if self.off.load(SeqCst) {
            tracer.enabled.store(false, SeqCst);
        }
        tracer.wide_ids.store(settings.trace_id_128, Relaxed);
        tracer
            .propagation
            .iter()
            .zip(settings.propagation.packed().0)
            .for_each(|(place, word)| place.store(word, Relaxed));
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

    /// Takes over the tracers of the parent process under the same handles, in the new state of a forked child. Only
    /// reads inherited memory.
    #[inline(never)]
    pub fn inherit(&self, state: &State, inherited: &Tracers) {
        for (index, tracer) in inherited.slots.iter().enumerate() {
            let word = tracer.word.load(Acquire);
            let Some(origin) = inherited_origin(tracer).filter(|_| word & 1 == 1) else {
                self.slots[index].word.store(word & !1, Relaxed);
                continue;
            };
            let shares = tracer.shares.load(Relaxed);
            // Cannot fail for want of exporters: the parent had no more addresses.
            let _ = self.install(state, index as u32, word >> 1, shares, origin, false);
            if tracer.closed.load(Relaxed) {
                self.slots[index].closed.store(true, Relaxed);
                let exporter = self.slots[index].exporter.load(Relaxed) as usize % TRACERS_MAX;
                state.exporters[exporter].queue.detach(index as u32);
            }
        }
    }

    /// Gives one share back. The last one ends the tracer: its open spans are abandoned, its finished spans are still
    /// sent.
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
    /// Returns the JSON object of the start-up line.
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

    /// Turns tracing off permanently, after too many internal failures, and logs that.
    pub fn turn_off(&self, state: &State) {
        self.off.store(true, SeqCst);
        self.slots.iter().for_each(|tracer| tracer.enabled.store(false, SeqCst));
        state.shared.logs.emit(&Event::TurnedOff);
    }
}

// Not inlined, so that their stack frames do not add up: see `Metadata::of`.
#[inline(never)]
fn inherited_origin(tracer: &Tracer) -> Option<Box<Origin>> {
    tracer.origin.inherited()
}

#[inline(never)]
fn keep_origin(tracer: &Tracer, origin: Box<Origin>) {
    tracer.origin.set(Some(origin));
}

#[inline(never)]
fn shared_metadata(settings: &Settings, process_id: u32) -> Arc<Metadata> {
    Arc::new(Metadata::of(settings, process_id))
}

/// Whether all finished spans of this slot's tracer are sent or dropped.
fn is_settled(state: &State, index: u32) -> bool {
    let counters = &state.shared.account(index).counters;
    counters.traces.enqueued.load(Relaxed) == counters.resolved.load(Relaxed) + counters.removed.load(Relaxed)
}

/// Returns the exporter that serves this address, or gives the address to an unused one.
#[inline(never)]
fn exporter_for(state: &State, settings: &Settings) -> Option<u32> {
    let address: &AgentAddress = &settings.agent;
    let of = |index: usize| state.exporters[index].address.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(index) = (0..TRACERS_MAX).find(|&index| of(index).as_ref() == Some(address)) {
        return Some(index as u32);
    }
    let unused: Vec<usize> = (0..TRACERS_MAX).filter(|&index| !state.exporters[index].queue.in_use()).collect();
    if unused.len() < EXPORTERS_SPARE {
        // Freed tracers whose agents are unreachable must not keep new tracers from other addresses.
        state.exporters.iter().filter(|exporter| exporter.queue.ask_to_yield()).take(EXPORTERS_SPARE).for_each(drop);
    }
    let index = unused.first().copied()?;
    *of(index) = Some(address.clone());
    state.exporters[index].connection.forget();
    state.exporters[index].rates.begin(&address.to_string());
    *state.exporters[index].info.lock().unwrap_or_else(PoisonError::into_inner) = None;
    *state.exporters[index].connections.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Some(index as u32)
}

/// Logs the start-up line of a tracer with tracing turned off: no worker will do it.
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
