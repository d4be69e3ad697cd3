//! Settings of Python hosts: the names of levels, the levels of single loggers (`_DD_INTERNAL_WRITER_LOG_LEVEL`), and
//! the scenarios of the documentation, which differ by the version of ddtrace. `spanwire_log_set_logger_level` takes
//! over what the host's code does with its logging library (scenario 5, and the root logger).

use crate::level::Level;
use crate::redact;
use crate::settings::language::{upper, LanguageSettings, LogFileSince, Loggers, Outputs};
use crate::settings::levels::Levels;
use crate::settings::parse::shorten;
use crate::settings::Rejection;

/// How much of a wrong level is repeated, in characters.
const SHOWN_MAX: usize = 40;

pub(super) const SETTINGS: LanguageSettings = LanguageSettings {
    id: "python",
    title: "Python",
    level_words: "`CRITICAL`, `ERROR`, `WARNING`, `INFO`, `DEBUG`; `NOTSET` leaves it to the root logger",
    levels,
    file_level,
    loggers: Loggers::Listed(logger_levels),
    debug_caps_level: true,
    log_file_since: Some(LogFileSince {
        version: (1, 3, 2),
        why: "ddtrace has a log file from version 1.3.2 on, and SPANWIRE_TRACER_VERSION is older; it is not used",
    }),
    outputs,
    ..LanguageSettings::PLAIN
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

/// Returns every logger that may have a level of its own, with the variable that sets it.
pub(super) fn logger_levels() -> Vec<(String, String)> {
    let mut names: Vec<String> = Vec::new();
    for logger in LOGGERS {
        let ends = logger.match_indices('.').map(|(end, _)| end).chain([logger.len()]);
        names.extend(ends.map(|end| logger[..end].to_string()));
    }
    names.sort();
    names.dedup();
    let variable = |name: &str| format!("_DD_{}_LOG_LEVEL", upper(name));
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
            let given = shorten(redact::text(text).to_uppercase(), SHOWN_MAX);
            Err(Rejection::NotPythonLevel { given })
        }
    }
}

/// Reads the log file's level. Where ddtrace refuses to start, the default is kept here.
fn file_level(text: &str) -> Result<Level, Rejection> {
    let refused = Rejection::OfLanguage(
        "is no level; ddtrace would not start, here everything goes to the file. Accepted are CRITICAL, ERROR, \
         WARNING, INFO and DEBUG",
    );
    levels(text).map(|levels| levels.level.unwrap_or(Level::Trace)).map_err(|_| refused)
}

/// Chooses standard error and the log file. Debug mode does not change where records go. The host takes records from
/// the ring for what the application does with the standard library's `logging.basicConfig()`.
pub(super) fn outputs(given: &Outputs<'_>) -> (bool, bool) {
    let before = |major, minor, patch| given.version.is_some_and(|version| version.is_before(major, minor, patch));
    if before(1, 3, 2) {
        // Scenarios 3 and 4, and versions before the log file.
        (given.basic_config, false)
    } else if before(2, 0, 0) {
        // Scenario 2: Python 3 prints records that no handler takes, Python 2 does not.
        (given.stream && !given.language_version.starts_with('2'), given.file)
    } else {
        // Scenario 1.
        (given.stream, given.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_logger_that_ddtraces_lines_name_has_its_variable() {
        let known = logger_levels();
        let sources = [include_str!("lines.rs"), include_str!("lines/host.rs")];
        let mut seen = 0;
        for quoted in sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2)) {
            let name = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '_');
            if quoted.starts_with("ddtrace.") && quoted.chars().all(name) {
                seen += 1;
                assert!(known.iter().any(|(logger, _)| logger == quoted), "{quoted}");
            }
        }
        assert!(seen >= 5, "{seen}");
    }
}
