//! The sources of settings' values, from the weakest to the strongest.

/// Where a value came from. A later origin overrides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Not set.
    Default,
    /// A configuration file (`DD_TRACE_CONFIG_FILE`).
    File,
    /// The host's code, as a default (`default:NAME`).
    CodeDefault,
    /// The stable configuration file of this machine's administrator.
    Local,
    /// The environment.
    Env,
    /// The stable configuration file of Fleet Automation.
    Fleet,
    /// The host's code.
    Code,
    /// Remote configuration.
    Remote,
}

impl Origin {
    /// Returns the stable name that the start-up line and logs show.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::CodeDefault => "code_default",
            Origin::Local => "local_stable_config",
            Origin::Env => "env",
            Origin::Fleet => "fleet_stable_config",
            Origin::Code => "code",
            Origin::Remote => "remote_config",
        }
    }
}
