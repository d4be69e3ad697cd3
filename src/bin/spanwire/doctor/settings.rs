//! Settings from start-up lines: as facts of the report, and compared between tracers.

use super::causes::{words, Told};
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
    let mut first: Vec<&Config> = Vec::new();
    let mut evidence = Vec::new();
    for config in configs {
        let Some(known) = first.iter().find(|known| known.service == config.service) else {
            first.push(config);
            continue;
        };
        let place = |config: &Config| {
            let url = config.agent_url.clone()?;
            Some(url.trim_end_matches("/v0.4/traces").trim_end_matches('/').to_owned())
        };
        let pairs = [
            ("agent_url", place(known), place(config)),
            ("env", known.env.clone(), config.env.clone()),
            ("version", known.service_version.clone(), config.service_version.clone()),
        ];
        for (name, one, other) in pairs {
            if let (Some(one), Some(other)) = (&one, &other) {
                let service = config.service.as_deref().unwrap_or("?");
                let line = format!("service {}: {name} is {} and {}", shown(service), shown(one), shown(other));
                if one != other && !evidence.contains(&line) {
                    evidence.push(line);
                }
            }
        }
    }
    if evidence.is_empty() {
        return None;
    }
    let (says, remedy) = words("settings.disagree", &Told::default());
    Some(Finding::bad("settings.disagree", says, remedy).showing(evidence))
}
