//! Collects what a flare is made of.

use super::exporter_of;
use crate::counters::{self, REASON_NAMES};
use crate::event::OpenSpanView;
use crate::export::Metadata;
use crate::flare::facts::{Health, Identity};
use crate::flare::{Facts, Occasion};
use crate::host;
use crate::languages::Dialect;
use crate::memory;
use crate::tracer::deciding::trace_of;
use crate::tracer::state::State;
use crate::tracer::{fates, logging, recording, remote, stats, view};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

/// How many open spans are listed.
const OPEN_MAX: usize = 1_000;

/// Returns the state of the process and of the tracer at this index, which has this metadata unless it was freed.
pub(super) fn of(state: &'static State, tracer: u32, metadata: &Arc<Metadata>, occasion: Occasion) -> Facts {
    let account = state.shared.account(tracer);
    recording::refresh_all(state);
    let has_slot = account.is_of(metadata);
    let counters = counters::NAMES.into_iter().zip(account.counters.values());
    let (open, open_more) = open_spans(state);
    let info = exporter_of(state, tracer).info.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let logs = &state.shared.logs;
    Facts {
        occasion,
        dialect: Dialect::of_language(&metadata.settings.language),
        about: logging::about(&metadata.settings),
        pid: state.pid,
        parent_pid: state.parent_pid,
        epoch: state.epoch,
        program: host::process_name(),
        identity: identity(metadata),
        config_json: metadata.settings.config_json(&metadata.runtime_id, None),
        startup: metadata.settings.startup_fields(&metadata.runtime_id, None),
        health: if has_slot {
            health(state, tracer, metadata)
        } else {
            Health { tracer: "freed", ..Health::default() }
        },
        counters: if has_slot { counters.collect() } else { Vec::new() },
        recorder: state.shared.recorder.snapshot().and_then(Result::ok),
        fates: fates::recent(state),
        open,
        open_more,
        log: logs.kept(),
        level: logs.level(),
        debug: logs.debug_get(),
        remote: remote::held(state, tracer),
        agent_info: info.map(|info| info.text.clone()).unwrap_or_default(),
    }
}

fn identity(metadata: &Metadata) -> Identity {
    let settings = &metadata.settings;
    Identity {
        language: settings.language.clone(),
        language_version: settings.language_version.clone(),
        tracer_version: settings.tracer_version.clone(),
        service: settings.service.clone(),
        env: settings.env.clone(),
        version: settings.version.clone(),
        runtime_id: metadata.runtime_id.clone(),
    }
}

fn health(state: &'static State, index: u32, metadata: &Metadata) -> Health {
    let (stats, tracer, exporter) = (stats::of_index(state, index), state.tracers.at(index), exporter_of(state, index));
    let (live, _, closed) = state.tracers.standing(index);
    Health {
        tracer: match (live, closed) {
            (false, _) => "freed",
            (true, true) => "shut down",
            (true, false) => "live",
        },
        enabled: tracer.enabled.load(Relaxed),
        agent_url: metadata.settings.agent.to_string(),
        connection: exporter.connection.view(),
        started: stats.started,
        finished: stats.finished,
        open: stats.open,
        abandoned: stats.abandoned,
        discarded: stats.discarded,
        waiting: stats.waiting,
        queued: stats.queued,
        in_flight: stats.in_flight,
        sent: stats.sent,
        dropped: REASON_NAMES.into_iter().zip(stats.dropped).collect(),
        queue: exporter.queue.waiting(index),
        memory: (stats.memory_used, stats.memory_max),
        memory_parts: (memory::tables() as u64, state.shared.pool.bytes() as u64),
    }
}

/// Returns the oldest open spans, oldest first, and how many others there are. Does not wait for a span that another
/// thread holds: it is only counted.
fn open_spans(state: &'static State) -> (Vec<OpenSpanView>, u64) {
    let (mut oldest, mut all) = (Vec::new(), 0);
    for handle in state.spans.live() {
        all += 1;
        let Ok(span) = state.spans.lock_briefly(handle) else { continue };
        let priority = state.traces.lock_briefly(trace_of(&span)).map_or(None, |trace| trace.decision.priority());
        oldest.push(view::of_open(&span, priority));
        drop(span);
        if oldest.len() >= 2 * OPEN_MAX {
            keep_oldest(&mut oldest);
        }
    }
    keep_oldest(&mut oldest);
    let more = all - oldest.len() as u64;
    (oldest, more)
}

fn keep_oldest(spans: &mut Vec<OpenSpanView>) {
    crate::sort::by_key(spans, |span| span.start_ns);
    spans.truncate(OPEN_MAX);
}

/// Returns the language's name as flares of its tracer have it, such as `python`; of other hosts, what they report.
pub(super) fn language_of(facts: &Facts) -> String {
    let reported: String = facts.identity.language.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    match facts.dialect.language.id() {
        "node" => "nodejs".into(),
        "native" | "json" if reported.is_empty() => "native".into(),
        "native" | "json" => reported.to_ascii_lowercase(),
        id => id.into(),
    }
}
