//! What the settings of debug mode and levels come to together. Debug mode wins over levels in every language; what a
//! level means beside it differs. How a language reads a level's text is in its own file.

use super::php;
use crate::languages::Language;
use crate::level::Level;
use crate::settings::draft::Draft;
use crate::settings::{Origin, Rejection, Settings, Value};

/// What a text about levels says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// The level of everything; `None` where the text names none.
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
    crate::settings::parse::level(text).map(Levels::of)
}

/// The same where only debug lines can be turned on and off.
pub fn debug_lines_only(text: &str) -> Result<Levels, Rejection> {
    match plain(text)?.level {
        Some(level) if level < Level::Info => {
            Err(Rejection::OfLanguage("in Go only debug lines can be turned off; accepted are info, debug and trace"))
        }
        level => Ok(Levels { level, rules: Vec::new() }),
    }
}

/// Reads a level as the language has it, for other settings than `DD_TRACE_LOG_LEVEL`.
pub fn in_words(language: Language, text: &str) -> Result<Levels, Rejection> {
    let habits = super::of(language);
    (habits.levels)(text).map_err(|_| Rejection::NotLevel(habits.level_words))
}

/// Reads the level of the log file.
pub fn of_file(language: Language, text: &str) -> Result<Level, Rejection> {
    match language {
        Language::Python => super::python::file_level(text),
        _ => crate::settings::parse::level(text),
    }
}

/// What `OTEL_LOG_LEVEL` takes: the levels of OpenTelemetry's SDKs, which have no list in common, and our own.
pub const OTEL_LEVELS: &[&str] = &["none", "off", "error", "warn", "info", "debug", "verbose", "trace", "all"];

/// Reads `OTEL_LOG_LEVEL`.
pub fn otel(text: &str) -> Result<Levels, Rejection> {
    if text.eq_ignore_ascii_case("verbose") {
        return Ok(Levels::of(Level::Trace));
    }
    plain(text).map_err(|_| Rejection::NotLevelAmong(OTEL_LEVELS))
}

/// Settles debug mode, the level, and the levels of loggers.
pub fn settle(draft: &mut Draft) {
    let (language, settings) = (draft.language, &mut draft.frozen);
    let java = language == Language::Java;
    let mut otel = draft.otel_level.take();
    let otel_debugs = otel.as_ref().and_then(|levels| levels.level).is_some_and(|level| level >= Level::Debug);
    // In Java it is a level like others. Elsewhere debug and what is below mean debug mode, which has a setting of its own.
    if otel_debugs && !java {
        if origin(settings, "DD_TRACE_DEBUG") == Origin::Default {
            settings.debug = true;
            show(settings, "DD_TRACE_DEBUG", "true".into(), origin(settings, "OTEL_LOG_LEVEL"));
        }
        // Debug mode logs debug; more than that is a level.
        if !settings.debug || otel == Some(Levels::of(Level::Debug)) {
            otel = None;
        }
    }
    let candidates = [
        ("DD_TRACE_LOG_LEVEL", draft.level.take()),
        ("DD_LOG_LEVEL", draft.other_level.take()),
        ("OTEL_LOG_LEVEL", otel),
        ("datadog.slf4j.simpleLogger.defaultLogLevel", draft.java_level.take()),
    ];
    let mut chosen = None;
    for (name, levels) in candidates {
        let Some(value) = settings.value(name).filter(|value| value.origin != Origin::Default).cloned() else {
            continue;
        };
        if let Some(levels) = levels.filter(|levels| *levels != Levels::default()) {
            show(settings, "DD_TRACE_LOG_LEVEL", value.value, value.origin);
            chosen = Some(levels);
            break;
        }
    }
    settings.log_level = Level::Info;
    settings.debug_level = Level::Debug;
    let Levels { level, rules } = chosen.unwrap_or_default();
    match (language, level) {
        // What it logs without debug mode is not for this setting to say.
        (Language::Node, level) => settings.debug_level = level.unwrap_or(Level::Debug),
        (_, Some(level)) => {
            settings.log_level = level;
            settings.log_level_given = true;
        }
        (Language::Java, None) if !settings.startup_logs => {
            settings.log_level = Level::Warn;
            show(settings, "DD_TRACE_LOG_LEVEL", "warn".into(), Origin::Default);
        }
        _ => {}
    }
    let rules = match language {
        Language::Php if settings.debug => php::debug_rules(&settings.interpreter, settings.startup_logs),
        _ => rules,
    };
    if settings.debug && !matches!(language, Language::Native | Language::Json) {
        // A level may not ask for more than debug mode: these tracers do not look at it then.
        settings.log_level = settings.log_level.min(Level::Debug);
    }
    settings.log_rules.extend(rules);
}

fn origin(settings: &Settings, name: &str) -> Origin {
    settings.value(name).map_or(Origin::Default, |value| value.origin)
}

fn show(settings: &mut Settings, name: &str, text: String, from: Origin) {
    if let Some(Value { value, origin, .. }) = settings.values.iter_mut().find(|value| value.name == name) {
        (*value, *origin) = (text, from);
    }
}
