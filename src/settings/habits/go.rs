//! Go: options of `tracer.Start` by their names, and a log file with a fixed name in a folder that must be there.
//! `tracer.WithDebugMode` after the start is `spanwire_debug_set`.

use super::{levels, name, Habits, Name};

/// The file in `DD_TRACE_LOG_DIRECTORY`.
pub const LOG_FILE: &str = "ddtrace.log";
/// How long errors are gathered, in seconds, where `DD_LOGGING_RATE` says nothing.
pub const GATHER_SECONDS: u64 = 60;

/// What a binding for Go may pass beside the settings' own names.
pub static HABITS: Habits = Habits {
    title: "Go",
    names: &[
        name("WithDebugMode", "DD_TRACE_DEBUG"),
        Name {
            name: "WithDebugSpansMode",
            setting: "DD_TRACE_ABANDONED_SPAN_TIMEOUT",
            until: 0,
            turns_on: Some("DD_TRACE_DEBUG_ABANDONED_SPANS"),
        },
        name("WithLogStartup", "DD_TRACE_STARTUP_LOGS"),
        name("WithService", "DD_SERVICE"),
        name("WithEnv", "DD_ENV"),
        name("WithServiceVersion", "DD_VERSION"),
        name("WithAgentURL", "DD_TRACE_AGENT_URL"),
        Name { name: "WithHostname", setting: "DD_HOSTNAME", until: 0, turns_on: Some("DD_TRACE_REPORT_HOSTNAME") },
    ],
    family: None,
    level_words: "`debug`, `trace`; what is more important than that is always logged",
    levels: levels::debug_lines_only,
};
