//! Products of remote configuration, a file for each and one list of them. A product reads the content of its
//! configurations, keeps what they say as typed values, and puts that in force through [`Host`].

pub mod agent_config;
pub mod agent_task;
pub mod apm_tracing;

use super::path::ConfigPath;
use super::Host;
use crate::event::remote::RemoteFault;
use std::time::Instant;

/// A product.
pub trait Product: Send {
    /// Its name in paths.
    fn name(&self) -> &'static str;

    /// Numbers of what this client can do with it, as the agent knows them.
    fn capabilities(&self) -> &'static [u32] {
        &[]
    }

    /// Takes a configuration that is new or has changed. On an error, an earlier one of this path stays in force.
    fn set(&mut self, path: &ConfigPath, content: &[u8], host: &dyn Host, now: Instant) -> Result<(), RemoteFault>;

    /// Forgets a configuration, if it is one of this product.
    fn remove(&mut self, path: &ConfigPath);

    /// Puts in force what the configurations say together. Called after each request, whether it has changed them or
    /// not: time limits may be over, and tracers may have come.
    fn settle(&mut self, _host: &dyn Host, _now: Instant) {}
}

/// Returns the products, in the order in which they take configurations.
pub fn all() -> Vec<Box<dyn Product>> {
    vec![
        Box::<agent_config::AgentConfig>::default(),
        Box::<agent_task::AgentTask>::default(),
        Box::<apm_tracing::ApmTracing>::default(),
    ]
}
