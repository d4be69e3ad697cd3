//! Settings of Java hosts: system properties, which the binding passes as settings in code, so that they come before
//! the environment; and the properties of the tracer's own logger, `datadog.slf4j.simpleLogger.…`, a clone of SLF4J's
//! SimpleLogger. `layout.rs` says how a record is laid out.

use super::lines::Layout;
use crate::level::Level;
use crate::settings::language::{name, upper, Family, LanguageSettings, Loggers};
use crate::settings::parse;
use crate::settings::Rejection;
use std::path::PathBuf;

pub(super) const SETTINGS: LanguageSettings = LanguageSettings {
    id: "java",
    title: "Java",
    names: &[name("datadog.slf4j.simpleLogger.jsonEnabled", "DD_LOG_FORMAT_JSON")],
    family: Some(Family {
        about:
            "system properties: `dd.trace.debug` is `DD_TRACE_DEBUG`, and so on for each setting; `otel.log.level` is \
                `OTEL_LOG_LEVEL`",
        setting: property,
    }),
    level_words: "`OFF`, `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE`",
    loggers: Loggers::Prefixed("datadog.slf4j.simpleLogger.log."),
    otel_level_only: true,
    debug_caps_level: true,
    level_without_startup: Some(Level::Warn),
    logger_file: log_file,
    layout_check: |property, value| Layout::default().set(property, value),
    ..LanguageSettings::PLAIN
};

fn property(given: &str) -> Option<String> {
    let of = |own, theirs| given.strip_prefix(own).map(|rest| format!("{theirs}{}", upper(rest)));
    of("dd.", "DD_").or_else(|| of("otel.", "OTEL_"))
}

/// Reads `logFile`: the two streams by their Java names, else a path.
fn log_file(text: &str) -> Result<PathBuf, Rejection> {
    match text {
        text if text.eq_ignore_ascii_case("System.err") => Ok("/dev/stderr".into()),
        text if text.eq_ignore_ascii_case("System.out") => Ok("/dev/stdout".into()),
        path => parse::path(path),
    }
}
