//! AGENT_TASK: something to do once. The one task of tracers is `tracer_flare`; others are the agent's own, and are
//! acknowledged and not done.

use super::super::json;
use super::super::path::ConfigPath;
use super::super::Host;
use super::Product;
use crate::event::remote::{RemoteFault, RemotePart};
use crate::flare::FlareTask;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Instant;

/// How many tasks are remembered as done.
const DONE_MAX: usize = 64;
/// The longest argument, in bytes.
const ARGUMENT_MAX: usize = 1_000;

/// See the module.
#[derive(Default)]
pub struct AgentTask {
    /// The ids of tasks that were done, the latest last. They stay when their configurations are removed.
    done: VecDeque<String>,
}

impl Product for AgentTask {
    fn name(&self) -> &'static str {
        "AGENT_TASK"
    }

    fn set(&mut self, _: &ConfigPath, content: &[u8], host: &dyn Host, _: Instant) -> Result<(), RemoteFault> {
        let Some(task) = task_in(content)? else { return Ok(()) };
        if !task.uuid.is_empty() && self.done.contains(&task.uuid) {
            return Ok(());
        }
        let uuid = task.uuid.clone();
        host.request_flare(task)?;
        if self.done.len() == DONE_MAX {
            self.done.pop_front();
        }
        self.done.push_back(uuid);
        Ok(())
    }

    fn remove(&mut self, _: &ConfigPath) {}
}

/// Returns the flare that a configuration asks for; none if it asks for something else.
fn task_in(content: &[u8]) -> Result<Option<FlareTask>, RemoteFault> {
    let object = json::object(RemotePart::Content, content)?;
    if object.get("task_type").and_then(Value::as_str) != Some("tracer_flare") {
        return Ok(None);
    }
    let argument = |name: &'static str| match object.pointer("/args").and_then(|args| args.get(name)) {
        None | Some(Value::Null) => Err(RemoteFault::Missing(name)),
        Some(Value::String(text)) if text.is_empty() => Err(RemoteFault::Missing(name)),
        Some(Value::String(text)) if is_plain(text) => Ok(text.clone()),
        Some(_) => Err(RemoteFault::Invalid(name)),
    };
    let case_id = argument("case_id")?;
    let uuid = match object.get("uuid") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if is_plain(text) => text.clone(),
        Some(_) => return Err(RemoteFault::Invalid("uuid")),
    };
    let task = FlareTask { case_id, hostname: argument("hostname")?, user_handle: argument("user_handle")?, uuid };
    match task.has_valid_case() {
        true => Ok(Some(task)),
        false => Err(RemoteFault::Invalid("case_id")),
    }
}

/// Whether a text fits into a field of a form.
fn is_plain(text: &str) -> bool {
    text.len() <= ARGUMENT_MAX && !text.chars().any(char::is_control)
}
