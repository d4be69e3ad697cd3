//! Remote configuration of this process's tracers: the poll, and what `control::remote` changes. There is one client for
//! each Agent address. Changes of a tracer are a copy of its settings with values replaced; span calls read the result
//! from the same atomics and the same sampler as before.

mod places;

pub use places::Remote;

use super::changing;
use super::flaring::{self, NotAsked};
use super::state::State;
use crate::control::remote::{Client, Host, Subject, TracingConfig, ENDPOINT};
use crate::event::remote::RemoteFault;
use crate::event::Event;
use crate::export::periodic::{NotRun, Poll, Task, When};
use crate::export::transport::agent::{Agent, Headers};
use crate::export::{Exporter, Metadata, TRACERS_MAX};
use crate::flare::{FlareTask, RemoteConfig};
use crate::level::Level;
use crate::recorder::Kind;
use crate::settings::remote::Changes;
use crate::settings::AgentAddress;
use places::Wish;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The task's name.
const NAME: &str = "remote configuration";

/// Returns the poll of the worker that sends to this address.
pub(super) fn tasks_of(state: &'static State, address: &AgentAddress) -> Vec<Task> {
    let is_here = |exporter: &Exporter| lock(&exporter.address).as_ref() == Some(address);
    let index = state.exporters.iter().position(is_here);
    let task = |index| {
        Task::poll(
            NAME,
            When::WhileOffered(ENDPOINT),
            None,
            Arc::new(RemotePoll { state, index, again: AtomicBool::new(false), withdrawn: AtomicBool::new(false) }),
        )
    };
    index.map(task).into_iter().collect()
}

/// Takes back what a closed tracer's client has asked for, if no other tracer uses that client.
pub(super) fn tracer_closed(state: &State, index: u32) {
    let exporter = state.tracers.at(index).exporter.load(Relaxed) as usize % TRACERS_MAX;
    if polled(state, exporter).is_empty() {
        wish(state, exporter, |wish| *wish = Wish::default());
        lock(&state.remote.held).get_mut(exporter).into_iter().for_each(Vec::clear);
    }
}

/// Returns what remote configuration has given to the tracer at this index, with what became of it.
pub(super) fn held(state: &State, index: u32) -> Vec<RemoteConfig> {
    let exporter = state.tracers.at(index).exporter.load(Relaxed) as usize % TRACERS_MAX;
    lock(&state.remote.held).get(exporter).cloned().unwrap_or_default()
}

/// The tracers whose Agent is asked through this exporter, with their indices.
#[inline(never)]
fn polled(state: &State, exporter: usize) -> Vec<(u32, Arc<Metadata>)> {
    let mut found = Vec::new();
    for index in 0..TRACERS_MAX as u32 {
        let (live, _, closed) = state.tracers.standing(index);
        if live && !closed && state.tracers.at(index).exporter.load(Relaxed) as usize == exporter {
            let metadata = state.shared.account(index).metadata();
            found
                .extend(metadata.filter(|metadata| metadata.settings.remote_configuration).map(|found| (index, found)));
        }
    }
    found
}

/// Asks one Agent.
struct RemotePoll {
    state: &'static State,
    /// Of the exporter.
    index: usize,
    /// The Agent offers it, since the last request.
    again: AtomicBool,
    /// The Agent offers it no more.
    withdrawn: AtomicBool,
}

impl Poll for RemotePoll {
    fn run(&self, agent: &Agent) {
        let state = self.state;
        let tracers: Vec<Arc<Metadata>> = polled(state, self.index).into_iter().map(|(_, metadata)| metadata).collect();
        let (Some(first), Some(place)) = (tracers.first(), state.remote.clients.get(self.index)) else { return };
        let mut place = lock(place);
        let address = &first.settings.agent;
        if place.as_ref().is_none_or(|(of, _)| of != address) {
            *place = Some((address.clone(), Client::default()));
        }
        if let Some((_, client)) = &mut *place {
            let process = &Process { state, exporter: self.index };
            if self.withdrawn.load(Relaxed) {
                client.forget(process);
            } else {
                if self.again.swap(false, Relaxed) {
                    client.offered();
                }
                client.poll(agent, headers(first), &subject(first, &tracers), process);
            }
            if let Some(held) = lock(&state.remote.held).get_mut(self.index) {
                *held = client.held();
            }
        }
    }

    fn failed(&self, _: NotRun) {}

    fn offered(&self, listed: bool) {
        self.withdrawn.store(!listed, Relaxed);
        self.again.store(listed, Relaxed);
    }

    fn period(&self) -> Option<Duration> {
        polled(self.state, self.index).iter().map(|(_, metadata)| metadata.settings.remote_interval).min()
    }
}

/// Returns what the Agent is told of the process: of the first tracer, and the services of the others.
fn subject(first: &Metadata, all: &[Arc<Metadata>]) -> Subject {
    let settings = &first.settings;
    let mut extra_services: Vec<String> = Vec::new();
    for Metadata { service, .. } in all.iter().map(|metadata| &**metadata) {
        if *service != first.service && !extra_services.contains(service) {
            extra_services.push(service.clone());
        }
    }
    let process_tags = first.first_span.iter().find(|(key, _)| key == crate::export::PROCESS_TAGS);
    Subject {
        runtime_id: first.runtime_id.clone(),
        language: settings.language.clone(),
        tracer_version: settings.tracer_version.clone(),
        service: first.service.clone(),
        extra_services,
        env: settings.env.clone(),
        app_version: settings.version.clone(),
        tags: settings.tags.iter().map(|(key, value)| format!("{key}:{value}")).collect(),
        process_tags: process_tags.map_or_else(Vec::new, |(_, tags)| tags.split(',').map(str::to_string).collect()),
    }
}

fn headers(of: &Metadata) -> Headers {
    let mut headers = Headers::default();
    headers.add("Content-Type", "application/json");
    headers.add("Datadog-Container-ID", of.identity.container_id.as_deref().unwrap_or_default());
    headers.add("Datadog-Entity-ID", of.identity.entity_id.as_deref().unwrap_or_default());
    headers.add("Datadog-External-Env", of.identity.external_env.as_deref().unwrap_or_default());
    headers
}

/// Changes what a client asks for, and puts in force what all of them ask for together: the most verbose level, and
/// debug mode if one of them turns it on.
fn wish(state: &State, exporter: usize, change: impl FnOnce(&mut Wish)) {
    let mut wishes = lock(&state.remote.wishes);
    let (before, Some(own)) = (together(&wishes), wishes.get_mut(exporter)) else { return };
    change(own);
    let (now, after) = (Instant::now(), together(&wishes));
    state.shared.logs.set_remote(after.level, after.debug, now);
    if after != before {
        let on = after.debug == Some(true) || after.level.is_some_and(|(level, _)| level >= Level::Debug);
        let left = after.level.map_or(0, |(_, until)| until.saturating_duration_since(now).as_secs());
        state.shared.recorder.rare(Kind::DebugSwitched, on.into(), left);
    }
}

/// Returns what all clients ask for together.
fn together(wishes: &[Wish]) -> Wish {
    Wish {
        level: wishes.iter().filter_map(|wish| wish.level).max_by_key(|(level, until)| (*level, *until)),
        debug: wishes.iter().filter_map(|wish| wish.debug).reduce(|one, other| one || other),
    }
}

/// This process, as a client changes it.
struct Process {
    state: &'static State,
    exporter: usize,
}

impl Host for Process {
    fn emit(&self, event: &Event<'_>) {
        self.state.shared.logs.emit(event);
    }

    fn raise_level(&self, raised: Option<(Level, Instant)>) {
        self.wish(|wish| wish.level = raised);
    }

    fn request_flare(&self, task: FlareTask) -> Result<(), RemoteFault> {
        let &(index, _) = polled(self.state, self.exporter).first().ok_or(RemoteFault::NoFlare)?;
        flaring::request(self.state, index, task).map_err(|why| match why {
            NotAsked::TooMany => RemoteFault::FlareUnderWay,
            NotAsked::NoTracer | NotAsked::NoWorker => RemoteFault::NoFlare,
        })
    }

    fn change_tracing(&self, configs: &[TracingConfig]) {
        let level = lock(&self.state.remote.wishes).get(self.exporter).and_then(|wish| wish.level);
        let mut debug = None;
        for (index, metadata) in polled(self.state, self.exporter) {
            let settings = &metadata.settings;
            let own = configs.iter().filter(|config| config.is_for(&settings.service, &settings.env));
            let mut changes = own.fold(Changes::default(), |changes, config| changes.or(&config.changes));
            debug = changes.debug.or(debug).map(|on| on || debug == Some(true));
            changes.level = level.map(|(level, _)| level);
            changing::change(self.state, index, &metadata, changes);
        }
        self.wish(|wish| wish.debug = debug);
    }
}

impl Process {
    /// As `wish`, unless the last tracer was closed during the request: nothing would take the change back.
    fn wish(&self, change: impl FnOnce(&mut Wish)) {
        wish(self.state, self.exporter, |wish| match polled(self.state, self.exporter).is_empty() {
            true => *wish = Wish::default(),
            false => change(wish),
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
