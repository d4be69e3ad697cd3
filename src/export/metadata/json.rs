//! A tracer's profile and settings as one JSON object in memory: what a debugger, a core's reader and whoever sends a
//! core's spans afterwards must know of the tracer. Made once with the profile, so that nobody has to take a structure
//! apart. Settings in it are redacted; tags are not, since spans would carry them, and readers redact them.

use crate::export::Profile;
use crate::inspect::{holding, Field};
use serde_json::{json, Value};

/// The object's text.
pub fn of(profile: &Profile) -> String {
    let (settings, identity) = (&profile.settings, &profile.identity);
    let values: Vec<Value> =
        settings.values.iter().map(|value| json!([value.name, value.value, value.origin.name()])).collect();
    json!({
        "service": profile.service,
        "env": settings.env,
        "version": profile.version,
        "language": identity.language,
        "language_version": identity.language_version,
        "interpreter": identity.interpreter,
        "interpreter_vendor": identity.interpreter_vendor,
        "tracer_version": identity.tracer_version,
        "container_id": identity.container_id,
        "entity_id": identity.entity_id,
        "external_env": identity.external_env,
        "runtime_id": profile.runtime_id,
        "process_id": profile.process_id,
        "agent_url": settings.agent.to_string(),
        "every_span": profile.every_span,
        "first_span": profile.first_span,
        "settings": values,
    })
    .to_string()
}

/// Where a profile has it.
pub fn inspected() -> Vec<Field> {
    vec![holding!(Vec of "byte", Profile, card)]
}
