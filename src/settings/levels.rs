//! Reads texts about levels: one level for everything, and levels of single loggers.

use super::parse;
use super::rejection::Rejection;
use crate::level::Level;

/// What a text about levels says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// The level of everything; `None` if the text names none.
    pub level: Option<Level>,
    /// Levels of single loggers or targets.
    pub rules: Vec<(String, Level)>,
}

impl Levels {
    /// One level for everything.
    pub fn of(level: Level) -> Levels {
        Levels { level: Some(level), rules: Vec::new() }
    }
}

/// Reads a level's name, in any case.
pub fn plain(text: &str) -> Result<Levels, Rejection> {
    parse::level(text).map(Levels::of)
}

/// What `OTEL_LOG_LEVEL` accepts: the levels of OpenTelemetry's SDKs, which have no list in common, and ours.
pub const OTEL_LEVELS: &[&str] = &["none", "off", "error", "warn", "info", "debug", "verbose", "trace", "all"];

/// Reads `OTEL_LOG_LEVEL`.
pub fn otel(text: &str) -> Result<Levels, Rejection> {
    if text.eq_ignore_ascii_case("verbose") {
        return Ok(Levels::of(Level::Trace));
    }
    plain(text).map_err(|_| Rejection::NotLevelAmong(OTEL_LEVELS))
}
