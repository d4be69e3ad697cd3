//! Settles debug mode, the level and the levels of loggers from the settings that name them. Debug mode wins over
//! levels in every language. How a language reads a level's text is in its own folder.

use super::draft::Draft;
use super::levels::Levels;
use super::{otel, Origin, Rejected, Settings, Value};
use crate::level::Level;

const OTEL: &str = "OTEL_LOG_LEVEL";

/// Settles debug mode, the level, and the levels of loggers.
pub fn settle(draft: &mut Draft, rejected: &mut Vec<Rejected>) {
    let mut otel = draft.otel_level.take();
    let otel_debugs = otel.as_ref().and_then(|levels| levels.level).is_some_and(|level| level >= Level::Debug);
    // `debug` and below mean debug mode, which has a setting of its own.
    if otel_debugs && !draft.language.otel_level_only {
        if !otel::gives_way(draft, OTEL, "DD_TRACE_DEBUG", rejected) {
            draft.frozen.debug = true;
            let from = origin(&draft.frozen, OTEL);
            show(&mut draft.frozen, "DD_TRACE_DEBUG", "true".into(), from);
        }
        // Debug mode logs debug; more than that is a level.
        if !draft.frozen.debug || otel == Some(Levels::of(Level::Debug)) {
            otel = None;
        }
    }
    let levels = [("DD_TRACE_LOG_LEVEL", &draft.level), ("DD_LOG_LEVEL", &draft.other_level)];
    let other = levels.into_iter().find(|(name, levels)| {
        origin(&draft.frozen, name) != Origin::Default && levels.as_ref().is_some_and(|it| *it != Levels::default())
    });
    if let (Some(_), Some((by, _))) = (&otel, other) {
        match otel::gives_way(draft, OTEL, by, rejected) {
            true => otel = None,
            false => (draft.level, draft.other_level) = (None, None),
        }
    }
    let (language, settings) = (draft.language, &mut draft.frozen);
    let candidates = [
        ("DD_TRACE_LOG_LEVEL", draft.level.take()),
        ("DD_LOG_LEVEL", draft.other_level.take()),
        (OTEL, otel),
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
    match level {
        // The level does not limit what is logged without debug mode.
        level if language.level_of_debug_mode => settings.debug_level = level.unwrap_or(Level::Debug),
        Some(level) => {
            settings.log_level = level;
            settings.log_level_given = true;
        }
        None => {
            if let Some(level) = language.level_without_startup.filter(|_| !settings.startup_logs) {
                settings.log_level = level;
                show(settings, "DD_TRACE_LOG_LEVEL", level.name().into(), Origin::Default);
            }
        }
    }
    let rules = match language.debug_rules {
        Some(debug_rules) if settings.debug => debug_rules(&settings.interpreter, settings.startup_logs),
        _ => rules,
    };
    if settings.debug && language.debug_caps_level {
        // These tracers ignore the level in debug mode.
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
