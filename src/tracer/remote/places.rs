//! What the process keeps of remote configuration: a client for each exporter, and what they ask for together.

use crate::control::remote::Client;
use crate::export::TRACERS_MAX;
use crate::flare::RemoteConfig;
use crate::level::Level;
use crate::settings::AgentAddress;
use std::sync::Mutex;
use std::time::Instant;

/// See the module.
pub struct Remote {
    /// The clients, each with the address that it is for. Locked by the exporter's poll alone, during the whole request.
    pub(super) clients: Box<[Place]>,
    /// What each client holds, for flares. Locked briefly.
    pub(super) held: Mutex<Vec<Vec<RemoteConfig>>>,
    /// What each client asks for. Locked while that is put in force.
    pub(super) wishes: Mutex<Vec<Wish>>,
}

/// A client and the address that it is for.
pub(super) type Place = Mutex<Option<(AgentAddress, Client)>>;

/// What one client asks for that concerns the whole process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Wish {
    pub level: Option<(Level, Instant)>,
    pub debug: Option<bool>,
}

impl Default for Remote {
    fn default() -> Remote {
        let wishes = Mutex::new(vec![Wish::default(); TRACERS_MAX]);
        let held = Mutex::new(vec![Vec::new(); TRACERS_MAX]);
        Remote { clients: (0..TRACERS_MAX).map(|_| Mutex::default()).collect(), held, wishes }
    }
}
