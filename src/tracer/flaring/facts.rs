//! Collects what a flare is made of.

use crate::counters;
use crate::export::Metadata;
use crate::flare::facts::Identity;
use crate::flare::{Facts, Occasion};
use crate::languages::Dialect;
use crate::tracer::recording;
use crate::tracer::state::State;
use std::sync::Arc;

/// Returns the state of the process and of the tracer at this index, which has this metadata unless it was freed.
pub(super) fn of(state: &'static State, tracer: u32, metadata: &Arc<Metadata>, occasion: Occasion) -> Facts {
    let account = state.shared.account(tracer);
    recording::refresh_all(state);
    let counters = counters::NAMES.into_iter().zip(account.counters.values());
    Facts {
        occasion,
        dialect: Dialect::of_language(&metadata.settings.language),
        pid: state.pid,
        config_json: metadata.settings.config_json(&metadata.runtime_id, None),
        counters: if account.is_of(metadata) { counters.collect() } else { Vec::new() },
        recorder: state.shared.recorder.snapshot().and_then(Result::ok),
        identity: identity(metadata),
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
