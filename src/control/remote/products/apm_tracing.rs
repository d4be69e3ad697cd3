//! APM_TRACING: sampling, tags, and switches of tracers. A configuration is for all services or for some. If several are
//! for the same tracer, each value comes from the most specific one that has it.

use super::super::json;
use super::super::path::ConfigPath;
use super::super::Host;
use super::Product;
use crate::event::remote::{RemoteFault, RemotePart};
use crate::settings::remote::Changes;
use crate::settings::sampling::{self, RulesFor};
use serde_json::Value;
use std::time::Instant;

/// The most tags.
const TAGS_MAX: usize = 256;

/// Sample rate, log injection, tags, switching off, sampling rules, several configurations at a time.
const CAPABILITIES: &[u32] = &[12, 13, 15, 19, 29, 45];

/// What a configuration changes, and for which tracers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TracingConfig {
    /// The service; `None` for every one.
    pub service: Option<String>,
    /// The environment; `None` for every one.
    pub env: Option<String>,
    /// What it changes.
    pub changes: Changes,
}

impl TracingConfig {
    /// Whether it is for tracers of this service and environment.
    pub fn is_for(&self, service: &str, env: &str) -> bool {
        let fits =
            |target: &Option<String>, own: &str| target.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(own));
        fits(&self.service, service) && fits(&self.env, env)
    }

    /// How specific it is.
    fn rank(&self) -> (bool, bool) {
        (self.service.is_some(), self.env.is_some())
    }
}

/// See the module.
#[derive(Default)]
pub struct ApmTracing {
    configs: Vec<(ConfigPath, TracingConfig)>,
}

impl Product for ApmTracing {
    fn name(&self) -> &'static str {
        "APM_TRACING"
    }

    fn capabilities(&self) -> &'static [u32] {
        CAPABILITIES
    }

    fn set(&mut self, path: &ConfigPath, content: &[u8], _: &dyn Host, _: Instant) -> Result<(), RemoteFault> {
        let config = config_in(content)?;
        self.remove(path);
        self.configs.push((path.clone(), config));
        Ok(())
    }

    fn remove(&mut self, path: &ConfigPath) {
        self.configs.retain(|(other, _)| other != path);
    }

    fn settle(&mut self, host: &dyn Host, _: Instant) {
        let mut configs: Vec<TracingConfig> = self.configs.iter().map(|(_, config)| config.clone()).collect();
        crate::sort::by_key(&mut configs, |config| {
            let (service, env) = config.rank();
            (!service, !env)
        });
        host.change_tracing(&configs);
    }
}

fn config_in(content: &[u8]) -> Result<TracingConfig, RemoteFault> {
    let object = json::object(RemotePart::Content, content)?;
    let target = |name: &str, field| match object.pointer("/service_target").and_then(|target| target.get(name)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() || text == "*" => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(RemoteFault::Invalid(field)),
    };
    let (service, env) = (target("service", "service_target.service")?, target("env", "service_target.env")?);
    let library = match object.get("lib_config") {
        None | Some(Value::Null) => return Ok(TracingConfig { service, env, changes: Changes::default() }),
        Some(library @ Value::Object(_)) => library,
        Some(_) => return Err(RemoteFault::Invalid("lib_config")),
    };
    let given = |name: &str| library.get(name).filter(|value| !value.is_null());
    let switch = |name: &'static str| match given(name) {
        None => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or(RemoteFault::Invalid(name)),
    };
    let rate = match given("tracing_sampling_rate") {
        None => None,
        Some(value) => {
            let rate = value.as_f64().filter(|rate| (0.0..=1.0).contains(rate));
            Some(rate.ok_or(RemoteFault::Invalid("tracing_sampling_rate"))?)
        }
    };
    let rules = match given("tracing_sampling_rules") {
        None => None,
        Some(rules @ Value::Array(_)) => {
            let fault = || RemoteFault::Invalid("tracing_sampling_rules");
            let (rules, left_out) = sampling::rules_of(rules, RulesFor::Remote).map_err(|_| fault())?;
            // A rule less could mean more traces than anybody wants.
            if !left_out.is_empty() {
                return Err(fault());
            }
            Some(rules)
        }
        Some(_) => return Err(RemoteFault::Invalid("tracing_sampling_rules")),
    };
    let changes = Changes {
        rate,
        rules,
        tags: given("tracing_tags").map(tags_in).transpose()?,
        enabled: switch("tracing_enabled")?,
        logs_injection: switch("log_injection_enabled")?,
        debug: switch("tracing_debug")?,
        level: None,
    };
    Ok(TracingConfig { service, env, changes })
}

/// Reads tags, `key:value` each.
fn tags_in(tags: &Value) -> Result<Vec<(String, String)>, RemoteFault> {
    let fault = || RemoteFault::Invalid("tracing_tags");
    let tags = tags.as_array().filter(|tags| tags.len() <= TAGS_MAX).ok_or_else(fault)?;
    let pair = |tag: &Value| {
        let text = tag.as_str()?.trim();
        let (key, value) = text.split_once(':').unwrap_or((text, ""));
        let (key, value) = (key.trim(), value.trim());
        let usable = !key.is_empty() && !text.chars().any(char::is_control);
        usable.then(|| (key.to_string(), value.to_string()))
    };
    tags.iter().map(|tag| pair(tag).ok_or_else(fault)).collect()
}
