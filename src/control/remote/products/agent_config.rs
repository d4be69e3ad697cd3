//! AGENT_CONFIG: the level of the log, raised for a flare. The most verbose of several levels is in force, until it is
//! removed, becomes an empty object, or 20 minutes are over.

use super::super::json;
use super::super::path::ConfigPath;
use super::super::Host;
use super::Product;
use crate::event::remote::{RemoteFault, RemotePart};
use crate::level::Level;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long a level stays raised.
pub const RAISED_FOR: Duration = Duration::from_secs(20 * 60);
/// The configuration that says in which order others win. The most verbose one wins here.
const ORDER: &str = "configuration_order";

/// See the module.
#[derive(Default)]
pub struct AgentConfig {
    raised: Vec<Raised>,
}

struct Raised {
    path: ConfigPath,
    level: Level,
    until: Instant,
}

impl Product for AgentConfig {
    fn name(&self) -> &'static str {
        "AGENT_CONFIG"
    }

    fn set(&mut self, path: &ConfigPath, content: &[u8], _: &dyn Host, now: Instant) -> Result<(), RemoteFault> {
        let level = match path.id() {
            ORDER => None,
            _ => level_in(content)?,
        };
        self.remove(path);
        if let Some(level) = level {
            self.raised.push(Raised { path: path.clone(), level, until: now + RAISED_FOR });
        }
        Ok(())
    }

    fn remove(&mut self, path: &ConfigPath) {
        self.raised.retain(|raised| raised.path != *path);
    }

    fn settle(&mut self, host: &dyn Host, now: Instant) {
        self.raised.retain(|raised| raised.until > now);
        let most = self.raised.iter().max_by_key(|raised| (raised.level, raised.until));
        host.raise_level(most.map(|raised| (raised.level, raised.until)));
    }
}

/// Returns the level that a configuration asks for. None without one: then it is not about the level, or takes back what
/// it said before.
fn level_in(content: &[u8]) -> Result<Option<Level>, RemoteFault> {
    let object = json::object(RemotePart::Content, content)?;
    let level = match object.pointer("/config/log_level") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) => match name.as_str() {
            "trace" => Some(Level::Trace),
            "debug" => Some(Level::Debug),
            "info" => Some(Level::Info),
            "warn" => Some(Level::Warn),
            "error" | "critical" => Some(Level::Error),
            "off" => Some(Level::Off),
            _ => None,
        },
        Some(_) => None,
    };
    level.map(Some).ok_or(RemoteFault::Invalid("log_level"))
}
