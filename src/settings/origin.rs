//! The sources of settings' values, from the weakest to the strongest.

/// Where a value came from; a later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A configuration file (`DD_TRACE_CONFIG_FILE`).
    File,
    /// The host's code, as a default of its own (`default:NAME`).
    CodeDefault,
    /// The environment.
    Env,
    /// The host's code.
    Code,
}

impl Origin {
    /// The stable name, as the start-up line and logs show it.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::CodeDefault => "code_default",
            Origin::Env => "env",
            Origin::Code => "code",
        }
    }
}
