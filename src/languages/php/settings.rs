//! Settings of PHP hosts: INI names, and levels of single targets: `debug,startup=error,span=trace`. The binding passes
//! INI values of the machine as `default:NAME`, because the environment overrides them, and values that a script sets
//! as `NAME`.

use crate::level::Level;
use crate::settings::language::{upper, Family, LanguageSettings};
use crate::settings::levels::Levels;
use crate::settings::Rejection;

/// The target of the start-up line.
const STARTUP: &str = "startup";

pub(super) const SETTINGS: LanguageSettings = LanguageSettings {
    id: "php",
    title: "PHP",
    family: Some(Family {
        about: "INI settings: `datadog.trace.debug` is `DD_TRACE_DEBUG`, and so on for each setting",
        setting: |given| given.strip_prefix("datadog.").map(|rest| format!("DD_{}", upper(rest))),
    }),
    level_words: "a level (`off` to `trace`), levels of targets (`span=trace`), or both: `error,startup=info`",
    levels,
    debug_caps_level: true,
    debug_rules: Some(debug_rules),
    // Other programs rotate it.
    rotates_log_file: false,
    ..LanguageSettings::PLAIN
};

/// Reads directives, separated by commas: a level for everything, a target's level, or a target alone for all its
/// records.
fn levels(text: &str) -> Result<Levels, Rejection> {
    let mut levels = Levels::default();
    for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (target.trim(), Level::from_name(level)),
            None => match Level::from_name(directive) {
                Some(level) => {
                    levels.level = Some(level);
                    continue;
                }
                None => (directive, Some(Level::Trace)),
            },
        };
        let named = !target.is_empty() && target.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':'));
        match level.filter(|_| named) {
            Some(level) => levels.rules.push((target.into(), level)),
            None => {
                return Err(Rejection::OfLanguage(
                    "accepted are levels (off, error, warn, info, debug, trace) and targets with one, separated by \
                     commas, such as debug,startup=error,span=trace",
                ))
            }
        }
    }
    match levels {
        Levels { level: None, ref rules } if rules.is_empty() => {
            Err(Rejection::OfLanguage("names no level; accepted is such as error"))
        }
        // Without a level for everything, PHP's default holds.
        Levels { level, rules } => Ok(Levels { level: level.or(Some(Level::Error)), rules }),
    }
}

/// Returns the targets' levels in debug mode: everything, but no start-up line on a command line or where it is off.
fn debug_rules(interpreter: &str, startup_logs: bool) -> Vec<(String, Level)> {
    match interpreter == "cli" || !startup_logs {
        true => vec![(STARTUP.into(), Level::Error)],
        false => Vec::new(),
    }
}
