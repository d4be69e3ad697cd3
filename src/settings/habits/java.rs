//! Java: system properties, which the binding passes as code's settings and which so come before the environment; and the
//! logger's own, `datadog.slf4j.simpleLogger.…`, a clone of SLF4J's SimpleLogger. How a record is laid out is the
//! dialect's business.

use super::{levels, name, upper, Family, Habits};
use crate::settings::Rejection;
use std::path::PathBuf;

/// What the logger's own properties begin with.
pub const LOGGER: &str = "datadog.slf4j.simpleLogger.";
/// What the properties begin with that give one logger, and those below it, a level.
pub const LOGGER_LEVEL: &str = "datadog.slf4j.simpleLogger.log.";

/// What a binding for Java may pass beside the settings' own names.
pub static HABITS: Habits = Habits {
    title: "Java",
    names: &[name("datadog.slf4j.simpleLogger.jsonEnabled", "DD_LOG_FORMAT_JSON")],
    family: Some(Family {
        about:
            "system properties: `dd.trace.debug` is `DD_TRACE_DEBUG`, and so on for each setting; `otel.log.level` is \
                `OTEL_LOG_LEVEL`",
        setting: property,
    }),
    level_words: "`OFF`, `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE`",
    levels: levels::plain,
};

fn property(given: &str) -> Option<String> {
    let of = |own, theirs| given.strip_prefix(own).map(|rest| format!("{theirs}{}", upper(rest)));
    of("dd.", "DD_").or_else(|| of("otel.", "OTEL_"))
}

/// Reads `logFile`: the two streams by their Java names, else a path.
pub fn log_file(text: &str) -> Result<PathBuf, Rejection> {
    match text {
        text if text.eq_ignore_ascii_case("System.err") => Ok("/dev/stderr".into()),
        text if text.eq_ignore_ascii_case("System.out") => Ok("/dev/stdout".into()),
        path => crate::settings::parse::path(path),
    }
}
