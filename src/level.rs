//! Log levels: their numbers in the C API, their names in settings. Nothing about where records go.

/// How much a record matters; a smaller number matters more. The numbers are those of `SPANWIRE_LEVEL_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Nothing is logged.
    Off = 0,
    /// Something was lost or cannot work.
    Error = 1,
    /// Something is wrong and was repaired, or may be lost.
    Warn = 2,
    /// Rare facts: the start-up line, the agent reachable again.
    Info = 3,
    /// Debug mode: a line for each span, chunk and payload.
    Debug = 4,
    /// Everything, the bytes of requests among it.
    Trace = 5,
}

impl Level {
    /// The level with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Level> {
        Some(match number {
            0 => Level::Off,
            1 => Level::Error,
            2 => Level::Warn,
            3 => Level::Info,
            4 => Level::Debug,
            5 => Level::Trace,
            _ => return None,
        })
    }

    /// The level that `DD_TRACE_LOG_LEVEL` names, in any case. The tracers' own spellings are accepted.
    pub fn from_name(name: &str) -> Option<Level> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "off" | "none" => Level::Off,
            "error" | "critical" | "fatal" => Level::Error,
            "warn" | "warning" => Level::Warn,
            "info" | "notice" => Level::Info,
            "debug" => Level::Debug,
            "trace" | "all" => Level::Trace,
            _ => return None,
        })
    }

    /// The name in lower case, as logs print it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}
