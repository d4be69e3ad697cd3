//! Python: the names of its levels, the levels of single loggers (`_DD_INTERNAL_WRITER_LOG_LEVEL`), and the documentation's
//! scenarios, which differ by the version of ddtrace that the host stands in for. What the host's code does with its
//! logging library (scenario 5, and the root logger) is `spanwire_log_set_logger_level`.

use super::{Habits, Levels, Version};
use crate::level::Level;
use crate::settings::{shorten, Rejection};

/// How much of a wrong level is repeated, in characters.
const SHOWN_MAX: usize = 40;

/// What a binding for Python may pass: the settings' own names.
pub static HABITS: Habits = Habits {
    title: "Python",
    names: &[],
    family: None,
    level_words: "`CRITICAL`, `ERROR`, `WARNING`, `INFO`, `DEBUG`; `NOTSET` leaves it to the root logger",
    levels,
};

/// The loggers of ddtrace that can speak here, below `ddtrace`; those between have variables as well.
const LOGGERS: [&str; 12] = [
    "_logger",
    "_monkey",
    "_trace.processor",
    "_trace.sampler",
    "_trace.tracer",
    "internal.flare.flare",
    "internal.processor.trace",
    "internal.remoteconfig.products.apm_tracing",
    "internal.remoteconfig.worker",
    "internal.writer",
    "internal.writer.writer",
    "tracer",
];

/// Every logger that may have a level of its own, with the variable that sets it.
pub fn logger_levels() -> Vec<(String, String)> {
    let mut names: Vec<String> = Vec::new();
    for logger in LOGGERS {
        let ends = logger.match_indices('.').map(|(end, _)| end).chain([logger.len()]);
        names.extend(ends.map(|end| logger[..end].to_string()));
    }
    names.sort();
    names.dedup();
    let variable = |name: &str| format!("_DD_{}_LOG_LEVEL", super::upper(name));
    names.into_iter().map(|name| (format!("ddtrace.{name}"), variable(&name))).collect()
}

fn levels(text: &str) -> Result<Levels, Rejection> {
    if text.eq_ignore_ascii_case("NOTSET") {
        return Ok(Levels::default());
    }
    let known = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].iter().find(|known| text.eq_ignore_ascii_case(known));
    match known.and_then(|known| Level::from_name(known)) {
        Some(level) => Ok(Levels::of(level)),
        None => {
            let given = shorten(crate::redact::text(text).to_uppercase(), SHOWN_MAX);
            Err(Rejection::NotPythonLevel { given })
        }
    }
}

/// Reads the log file's level. Where ddtrace refuses to start, the default is kept here.
pub fn file_level(text: &str) -> Result<Level, Rejection> {
    let refused = Rejection::OfLanguage(
        "is no level; ddtrace would not start, here everything goes to the file. Accepted are CRITICAL, ERROR, \
         WARNING, INFO and DEBUG",
    );
    levels(text).map(|levels| levels.level.unwrap_or(Level::Trace)).map_err(|_| refused)
}

/// What decides where ddtrace's records go. Debug mode does not: it decides which there are.
#[derive(Clone, Copy, Debug)]
pub struct Outputs {
    /// The version of ddtrace; the newest where the host tells none.
    pub version: Option<Version>,
    /// Whether the host runs Python 2.
    pub python2: bool,
    /// Whether `DD_TRACE_LOG_FILE` is set.
    pub file: bool,
    /// `DD_CALL_BASIC_CONFIG`.
    pub basic_config: bool,
    /// `DD_TRACE_LOG_STREAM_HANDLER`.
    pub stream: bool,
}

impl Outputs {
    /// Whether records go to the console, and whether to the file. What the application does with the standard library's
    /// `logging.basicConfig()` is added by the host, which takes records from the ring.
    pub fn choose(self) -> (bool, bool) {
        let before = |major, minor, patch| self.version.is_some_and(|version| version.is_before(major, minor, patch));
        if before(1, 3, 2) {
            // Scenarios 3 and 4, and what lies before the log file came.
            (self.basic_config, false)
        } else if before(2, 0, 0) {
            // Scenario 2: Python 3 prints what nobody handles, Python 2 does not.
            (self.stream && !self.python2, self.file)
        } else {
            // Scenario 1.
            (self.stream, self.file)
        }
    }
}
