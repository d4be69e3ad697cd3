//! How payloads leave the process: over HTTP to an agent (`agent`, with connections that `dial` makes) or to a file
//! (`file`).

pub mod agent;
mod answer;
mod dial;
mod direct;
pub mod file;
mod helper;
mod info;
mod names;
mod place;
mod retry_after;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "without_tls.rs"]
mod tls;
mod wire;

pub use dial::system_lookup;
pub use names::Names;
#[cfg(feature = "cli")]
pub use retry_after::parse_retry_after;

use crate::settings::rejection::Unusable;
use crate::settings::AgentAddress;
use agent::{Agent, Timeouts};
use file::File;
use place::Place;
use std::fmt;
use std::sync::Arc;

/// Where payloads go.
pub enum Transport {
    /// An agent, over a connection for traces alone.
    Agent(Box<Agent>),
    /// A receiver of OTLP.
    Collector(Box<Agent>),
    /// A file.
    File(File),
    /// Nowhere: the address cannot be used, for this reason.
    Unusable(Unusable),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Agent(_) => "Agent",
            Transport::Collector(_) => "Collector",
            Transport::File(_) => "File",
            Transport::Unusable(_) => "Unusable",
        })
    }
}

impl Transport {
    /// The transport to this address. Opens nothing. Reads the environment.
    pub fn to(address: &AgentAddress, names: &Arc<Names>) -> Transport {
        let agent = |place: Place| Box::new(Agent::knowing(place, Timeouts::default(), system_lookup, names.clone()));
        match address.clone() {
            AgentAddress::Http { host, port, base_path, tls } => {
                Transport::Agent(agent(Place::Tcp { host, port, base_path, tls }))
            }
            AgentAddress::Otlp { host, port, path, tls } => {
                Transport::Collector(agent(Place::Tcp { host, port, base_path: path, tls }))
            }
            AgentAddress::Unix { path } => Transport::Agent(agent(Place::Unix { path })),
            AgentAddress::File { path } => Transport::File(File::new(path)),
            AgentAddress::Unusable { why, .. } => Transport::Unusable(why),
        }
    }
}
