//! A tracer's metadata and settings as one JSON object in memory, for debuggers, readers of cores, and the command that
//! sends the spans of a core. It is made once with the metadata, so that readers need not know the layout of the
//! structures. Settings in it are redacted. Tags are not, because spans carry them; readers redact them.

use super::Metadata;
use crate::inspect::{holding, Field};
use serde_json::{json, Value};

/// Makes the object's text.
pub fn of(metadata: &Metadata) -> String {
    let (settings, identity) = (&metadata.settings, &metadata.identity);
    let values: Vec<Value> =
        settings.values.iter().map(|value| json!([value.name, value.value, value.origin.name()])).collect();
    json!({
        "service": metadata.service,
        "env": settings.env,
        "version": metadata.version,
        "language": identity.language,
        "language_version": identity.language_version,
        "interpreter": identity.interpreter,
        "interpreter_vendor": identity.interpreter_vendor,
        "tracer_version": identity.tracer_version,
        "container_id": identity.container_id,
        "entity_id": identity.entity_id,
        "external_env": identity.external_env,
        "runtime_id": metadata.runtime_id,
        "process_id": metadata.process_id,
        "agent_url": metadata.agent_url,
        "every_span": metadata.every_span[..],
        "first_span": metadata.first_span[..],
        "settings": values,
    })
    .to_string()
}

/// The field of the metadata that holds it, for debuggers.
pub fn inspected() -> Vec<Field> {
    vec![holding!(Vec of "byte", Metadata, json)]
}
