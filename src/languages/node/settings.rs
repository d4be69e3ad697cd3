//! Settings of Node.js hosts: the options of `init`, and levels that have numbers and limit what debug mode logs. The
//! binding hands records from the ring to a logger of the host.

use crate::level::Level;
use crate::settings::language::{name, LanguageSettings, Name};
use crate::settings::levels::Levels;
use crate::settings::Rejection;

pub(super) const SETTINGS: LanguageSettings = LanguageSettings {
    id: "node",
    title: "Node.js",
    names: &[
        // Later versions know it as DD_TRACE_DEBUG only.
        Name { name: "debug", setting: "DD_TRACE_DEBUG", until: 2, turns_on: None },
        name("logLevel", "DD_TRACE_LOG_LEVEL"),
        name("startupLogs", "DD_TRACE_STARTUP_LOGS"),
        name("service", "DD_SERVICE"),
        name("env", "DD_ENV"),
        name("version", "DD_VERSION"),
        name("url", "DD_TRACE_AGENT_URL"),
        name("hostname", "DD_AGENT_HOST"),
        name("port", "DD_TRACE_AGENT_PORT"),
        name("flushInterval", "SPANWIRE_FLUSH_INTERVAL_MS"),
        name("reportHostname", "DD_TRACE_REPORT_HOSTNAME"),
    ],
    level_words:
        "what debug mode logs: `trace` 10, `debug` 20, `info` 30, `warn` 40, `error` or `critical` 50, `off` 100",
    levels,
    level_of_debug_mode: true,
    debug_caps_level: true,
    ..LanguageSettings::PLAIN
};

/// Reads a name or a number: records of that importance and more are logged.
fn levels(text: &str) -> Result<Levels, Rejection> {
    let number = match text.to_ascii_lowercase().as_str() {
        "trace" => 10,
        "debug" => 20,
        "info" => 30,
        "warn" => 40,
        "error" | "critical" => 50,
        "off" => 100,
        digits => digits.parse::<u32>().map_err(|_| {
            Rejection::NotLevel("trace, debug, info, warn, error, critical and off, or their numbers 10 to 50 and 100")
        })?,
    };
    Ok(Levels::of(match number {
        0..=10 => Level::Trace,
        11..=20 => Level::Debug,
        21..=30 => Level::Info,
        31..=40 => Level::Warn,
        41..=50 => Level::Error,
        _ => Level::Off,
    }))
}
