//! Debug mode and levels: precedence, and the meaning of a text in each language.

use super::*;

#[test]
fn debug_mode_wins_over_levels_in_every_language() {
    for language in ["java", "python", "ruby", "go", "nodejs", "dotnet", "php", "cpp", "native"] {
        let env = [("DD_TRACE_DEBUG", "true"), ("DD_TRACE_LOG_LEVEL", "info"), ("DD_LOG_LEVEL", "info")];
        let settings = accepted_as(language, &[], &env);
        assert!(settings.debug, "{language}");
        if language != "nodejs" {
            assert_eq!(settings.debug_level, Level::Debug, "{language}");
        }
    }
    let settings = accepted_as("php", &[], &[("DD_TRACE_DEBUG", "true"), ("DD_TRACE_LOG_LEVEL", "trace")]);
    assert_eq!(settings.log_level, Level::Debug, "a level asks for no more than debug mode");
}

#[test]
fn the_other_name_of_the_level_counts_only_where_the_first_is_absent() {
    let level = |env: &[(&str, &str)]| accepted_as("native", &[], env).log_level;
    let (own, other) = (("DD_TRACE_LOG_LEVEL", "error"), ("DD_LOG_LEVEL", "trace"));
    assert_eq!((level(&[own, other]), level(&[other]), level(&[])), (Level::Error, Level::Trace, Level::Info));
    let settings = accepted_as("native", &[], &[other]);
    assert_eq!(value(&settings, "DD_TRACE_LOG_LEVEL"), ("trace", Origin::Env));
    let settings = accepted_as("python", &[], &[("DD_TRACE_LOG_LEVEL", "NOTSET"), ("DD_LOG_LEVEL", "ERROR")]);
    assert_eq!(settings.log_level, Level::Error);
}

#[test]
fn opentelemetrys_debug_is_debug_mode() {
    for language in ["python", "ruby", "go", "node", "dotnet", "php", "native"] {
        for word in ["DEBUG", "verbose", "trace", "ALL"] {
            let settings = accepted_as(language, &[], &[("OTEL_LOG_LEVEL", word)]);
            let shown = (settings.debug, value(&settings, "DD_TRACE_DEBUG"));
            assert_eq!(shown, (true, ("true", Origin::Env)), "{language}, {word}");
            let settings = overridden_as(language, &[], &[("OTEL_LOG_LEVEL", word), ("DD_TRACE_DEBUG", "false")]);
            let seen = (settings.debug, settings.log_level, settings.log_level_given);
            assert_eq!(seen, (false, Level::Info, false), "{language}, {word}: the tracer's own setting wins");
        }
    }
    assert!(!accepted_as("java", &[], &[("OTEL_LOG_LEVEL", "debug")]).debug, "to Java it is a level");
    let settings = accepted_as("native", &[], &[("OTEL_LOG_LEVEL", "trace")]);
    assert_eq!((settings.log_level, settings.debug_level), (Level::Trace, Level::Debug));
}

#[test]
fn opentelemetrys_other_levels_hold_where_no_level_of_the_tracers_own_is_set() {
    for language in ["java", "python", "ruby", "go", "dotnet", "php", "native"] {
        for (word, level) in [
            ("none", Level::Off),
            ("off", Level::Off),
            ("error", Level::Error),
            ("Warn", Level::Warn),
            ("WARNING", Level::Warn),
            ("info", Level::Info),
        ] {
            let settings = accepted_as(language, &[], &[("OTEL_LOG_LEVEL", word)]);
            assert_eq!(
                (settings.debug, settings.log_level, settings.log_level_given),
                (false, level, true),
                "{language}, {word}"
            );
            assert_eq!(value(&settings, "DD_TRACE_LOG_LEVEL"), (word, Origin::Env), "{language}");
            for own in ["DD_TRACE_LOG_LEVEL", "DD_LOG_LEVEL"] {
                let settings = overridden_as(language, &[], &[("OTEL_LOG_LEVEL", word), (own, "debug")]);
                assert_eq!((settings.debug, settings.log_level), (false, Level::Debug), "{language}, {own}");
            }
        }
        let (settings, rejected) = resolve_as(language, &[], &[("OTEL_LOG_LEVEL", "loud")]);
        assert_eq!((settings.debug, settings.log_level), (false, Level::Info));
        assert!(
            rejected.len() == 1 && rejected[0].why.to_string().contains("none, off, error"),
            "{language}: {rejected:?}"
        );
    }
    let settings = accepted_as("node", &[], &[("OTEL_LOG_LEVEL", "error")]);
    assert_eq!((settings.debug, settings.debug_level), (false, Level::Error), "to Node.js it bounds debug mode");
}

#[test]
fn nodes_levels_have_names_and_numbers_and_mean_debug_mode() {
    for (text, level) in [
        ("trace", Level::Trace),
        ("10", Level::Trace),
        ("Debug", Level::Debug),
        ("20", Level::Debug),
        ("info", Level::Info),
        ("30", Level::Info),
        ("warn", Level::Warn),
        ("35", Level::Warn),
        ("40", Level::Warn),
        ("error", Level::Error),
        ("50", Level::Error),
        ("critical", Level::Error),
        ("off", Level::Off),
        ("100", Level::Off),
    ] {
        let settings = accepted_as("nodejs", &[], &[("DD_TRACE_LOG_LEVEL", text)]);
        let seen = (settings.debug_level, settings.log_level, settings.log_level_given, settings.debug);
        assert_eq!(seen, (level, Level::Info, false, false), "{text}");
    }
    assert_eq!(accepted_as("node", &[], &[]).debug_level, Level::Debug);
    let (settings, rejected) = resolve_as("node", &[], &[("DD_TRACE_LOG_LEVEL", "loud")]);
    assert_eq!(settings.debug_level, Level::Debug);
    assert!(rejected[0].why.to_string().contains("accepted are trace"));
    assert_eq!(accepted_as("node", &[("logLevel", "error")], &[]).debug_level, Level::Error);
}

#[test]
fn go_gates_debug_lines_only() {
    assert_eq!(accepted_as("go", &[], &[("DD_TRACE_LOG_LEVEL", "debug")]).log_level, Level::Debug);
    for level in ["warn", "error", "off"] {
        let (settings, rejected) = resolve_as("go", &[], &[("DD_TRACE_LOG_LEVEL", level)]);
        assert_eq!(settings.log_level, Level::Info);
        assert!(rejected[0].why.to_string().contains("only debug lines"), "{rejected:?}");
    }
}
