//! Settings of Go hosts: options of `tracer.Start` by their names, and a log file with a fixed name in a folder that
//! must exist. `tracer.WithDebugMode` after the start is `spanwire_debug_set`.

use crate::level::Level;
use crate::settings::language::{name, FolderFile, FolderFiles, LanguageSettings, Name, Size};
use crate::settings::levels::{plain, Levels};
use crate::settings::Rejection;
use std::time::Duration;

pub(super) const SETTINGS: LanguageSettings = LanguageSettings {
    id: "go",
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
    level_words: "`debug`, `trace`; higher levels are always logged",
    levels: debug_lines_only,
    debug_caps_level: true,
    gather_errors: Some(Duration::from_secs(60)),
    folder_files: Some(|_| FolderFiles {
        main: FolderFile {
            name: "ddtrace.log".into(),
            size: Size::Never,
            make_folders: false,
            or_temporary: false,
            old_files: &[],
        },
        native: None,
    }),
    ..LanguageSettings::PLAIN
};

/// Reads a level's name. Only debug lines can be turned on and off.
fn debug_lines_only(text: &str) -> Result<Levels, Rejection> {
    match plain(text)?.level {
        Some(level) if level < Level::Info => {
            Err(Rejection::OfLanguage("in Go only debug lines can be turned off; accepted are info, debug and trace"))
        }
        level => Ok(Levels { level, rules: Vec::new() }),
    }
}
