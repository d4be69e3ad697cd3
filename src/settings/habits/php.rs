//! PHP: INI names, and levels for single targets: `debug,startup=error,span=trace`. INI values of the machine are passed
//! as `default:NAME`, since the environment beats them; what a script sets is passed by name alone.

use super::{upper, Family, Habits, Levels};
use crate::level::Level;
use crate::settings::Rejection;

/// The target of the start-up line.
const STARTUP: &str = "startup";

/// What a binding for PHP may pass beside the settings' own names.
pub static HABITS: Habits = Habits {
    title: "PHP",
    names: &[],
    family: Some(Family {
        about: "INI settings: `datadog.trace.debug` is `DD_TRACE_DEBUG`, and so on for each setting",
        setting: |given| given.strip_prefix("datadog.").map(|rest| format!("DD_{}", upper(rest))),
    }),
    level_words: "a level (`off` to `trace`), levels of targets (`span=trace`), or both: `error,startup=info`",
    levels,
};

/// Directives, separated by commas: a level for everything, a target's level, or a target alone for all of it.
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
        // Whoever names targets alone leaves the rest at PHP's default.
        Levels { level, rules } => Ok(Levels { level: level.or(Some(Level::Error)), rules }),
    }
}

/// The targets' levels in debug mode: everything, but no start-up line on a command line, or where it is turned off.
pub fn debug_rules(interpreter: &str, startup_logs: bool) -> Vec<(String, Level)> {
    match interpreter == "cli" || !startup_logs {
        true => vec![(STARTUP.into(), Level::Error)],
        false => Vec::new(),
    }
}
