//! What a flare is made of, as the tracer gives it.

use crate::languages::Dialect;
use crate::recorder::Snapshot;

/// Why a flare is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Remote configuration asked for it.
    #[allow(dead_code)]
    Task,
    /// The host asked to send it.
    Sent,
    /// The host asked for a file.
    Written,
}

impl Occasion {
    /// The occasion's name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Occasion::Task => "remote configuration",
            Occasion::Sent => "spanwire_flare_send",
            Occasion::Written => "spanwire_flare_write",
        }
    }
}

/// The state of a process and one of its tracers at one moment.
pub struct Facts {
    /// Why the flare is made.
    pub occasion: Occasion,
    /// Whose names the files have.
    pub dialect: Dialect,
    /// The process id.
    pub pid: u32,
    /// The settings that name the process: language and its version, the tracer's version, service, env, version.
    pub identity: Identity,
    /// The settings with their origins, as one JSON object.
    pub config_json: String,
    /// The tracer's counters, by name.
    pub counters: Vec<(&'static str, u64)>,
    /// The flight recorder, unless it keeps nothing or cannot be read.
    pub recorder: Option<Snapshot>,
}

/// Who a flare is about.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The host's language, as it is reported to the Agent.
    pub language: String,
    /// The version of the language.
    pub language_version: String,
    /// The version of the tracer that the user installed.
    pub tracer_version: String,
    /// The service.
    pub service: String,
    /// The environment.
    pub env: String,
    /// The application's version.
    pub version: String,
    /// Identifies this run of the tracer in this process.
    pub runtime_id: String,
}
