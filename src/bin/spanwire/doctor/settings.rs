//! Settings from start-up lines: as facts of the report, and compared between tracers.

use super::causes::{describe, Told};
use super::config::Config;
use super::report::Finding;
use super::shown::shown;
use serde_json::{json, Value};

/// Returns the settings of a start-up line, without secrets.
pub fn facts(config: &Config) -> Value {
    let text = |value: &Option<String>| value.as_deref().map(shown);
    json!({
        "language": text(&config.language),
        "version": text(&config.version),
        "spanwire_version": text(&config.spanwire_version),
        "service": text(&config.service),
        "env": text(&config.env),
        "service_version": text(&config.service_version),
        "agent_url": text(&config.agent_url),
        "agent_error": text(&config.agent_error),
        "enabled": config.enabled,
        "debug": config.debug,
    })
}

/// Finds start-up lines of one service that differ in settings that should be equal.
pub fn disagreement<'a>(configs: impl Iterator<Item = &'a Config>) -> Option<Finding> {
    let place = |config: &Config| {
        let url = config.agent_url.clone()?;
        Some(url.trim_end_matches("/v0.4/traces").trim_end_matches('/').to_owned())
    };
    let names = ["agent_url", "env", "version"];
    let mut first: Vec<(&Option<String>, [Option<String>; 3])> = Vec::new();
    let mut evidence = Vec::new();
    for config in configs {
        let values = [place(config), config.env.clone(), config.service_version.clone()];
        let Some((_, known)) = first.iter_mut().find(|(service, _)| **service == config.service) else {
            first.push((&config.service, values));
            continue;
        };
        for ((name, one), other) in names.iter().zip(known).zip(values) {
            let (Some(one), Some(other)) = (&*one, &other) else {
                // A start-up line may leave a setting out that a later one has.
                *one = one.take().or(other);
                continue;
            };
            let service = config.service.as_deref().unwrap_or("?");
            let line = format!("service {}: {name} is {} and {}", shown(service), shown(one), shown(other));
            if one != other && !evidence.contains(&line) {
                evidence.push(line);
            }
        }
    }
    if evidence.is_empty() {
        return None;
    }
    let (says, remedy) = describe("settings.disagree", &Told::default());
    Some(Finding::bad("settings.disagree", says, remedy).showing(evidence))
}
