//! What a Python user relies on: level names, single loggers, the scenarios of the documentation.

use super::*;
use crate::settings::language::Outputs;

#[test]
fn levels_have_pythons_names_and_a_wrong_one_is_answered_in_ddtraces_words() {
    for (text, level) in [
        ("DEBUG", Level::Debug),
        ("info", Level::Info),
        ("Warning", Level::Warn),
        ("ERROR", Level::Error),
        ("critical", Level::Error),
    ] {
        let settings = accepted_as("python", &[], &[("DD_TRACE_LOG_LEVEL", text)]);
        assert_eq!((settings.log_level, settings.log_level_given, settings.debug), (level, true, false), "{text}");
    }
    let settings = accepted_as("python", &[], &[("DD_TRACE_LOG_LEVEL", "notset")]);
    assert!(!settings.log_level_given, "the root logger's level may hold");
    let (settings, rejected) = resolve_as("python", &[], &[("DD_TRACE_LOG_LEVEL", "loud")]);
    assert_eq!(settings.log_level, Level::Info);
    let why = "DD_TRACE_LOG_LEVEL is invalid (LOUD). Default log level will be used. \
               Must be NOTSET/DEBUG/INFO/WARNING/ERROR/CRITICAL.";
    assert_eq!(whys(&rejected), [("DD_TRACE_LOG_LEVEL", why)]);
    assert!(!accepted_as("python", &[], &[("LOG_LEVEL", "DEBUG")]).debug);
}

#[test]
fn a_loggers_variable_sets_its_level_and_that_of_those_below() {
    let env = [
        ("_DD_INTERNAL_LOG_LEVEL", "ERROR"),
        ("_DD_INTERNAL_WRITER_LOG_LEVEL", "debug"),
        ("_DD__TRACE_TRACER_LOG_LEVEL", "INFO"),
        ("_DD_TRACER_LOG_LEVEL", "loud"),
        ("_DD_NOBODY_LOG_LEVEL", "DEBUG"),
    ];
    let (settings, rejected) = resolve_as("python", &[], &env);
    let rules: Vec<_> = settings.log_rules.iter().map(|(logger, level)| (logger.as_str(), *level)).collect();
    let wanted = [
        ("ddtrace._trace.tracer", Level::Info),
        ("ddtrace.internal", Level::Error),
        ("ddtrace.internal.writer", Level::Debug),
    ];
    assert_eq!(rules, wanted);
    assert_eq!(whys(&rejected)[0].0, "_DD_TRACER_LOG_LEVEL");
    assert!(rejected.len() == 1 && rejected[0].why.to_string().contains("accepted are CRITICAL"), "{rejected:?}");
    let shown = "ddtrace._trace.tracer=info,ddtrace.internal=error,ddtrace.internal.writer=debug";
    assert_eq!(value(&settings, "_DD_<LOGGER>_LOG_LEVEL"), (shown, Origin::Env));
    assert_eq!(accepted_as("ruby", &[], &env).log_rules, []);
    let code = [("_DD_INTERNAL_WRITER_LOG_LEVEL", "ERROR")];
    assert_eq!(accepted_as("python", &code, &env[1..2]).log_rules[0].1, Level::Error, "code wins");
}

#[test]
fn the_files_own_level_is_kept_and_a_wrong_one_stops_nothing() {
    let file = ("DD_TRACE_LOG_FILE", "ddtrace_logs.log");
    let settings = accepted_as("python", &[], &[file, ("DD_TRACE_LOG_FILE_LEVEL", "warning")]);
    assert_eq!(settings.log_file_level, Level::Warn);
    assert_eq!(settings.log_file, Some(std::env::current_dir().unwrap().join("ddtrace_logs.log")));
    let (settings, rejected) = resolve_as("python", &[], &[file, ("DD_TRACE_LOG_FILE_LEVEL", "loud")]);
    assert_eq!((settings.log_file_level, settings.log_to_file), (Level::Trace, true));
    assert!(rejected[0].why.to_string().contains("would not start"), "{rejected:?}");
}

#[test]
fn each_scenario_of_the_page_has_its_console_and_file() {
    // Version, Python 2, file set, DD_CALL_BASIC_CONFIG, stream handler -> console, file.
    let rows = [
        // Scenario 1.
        ("2.14.0", false, false, false, true, (true, false)),
        ("2.14.0", false, true, false, true, (true, true)),
        ("2.14.0", false, true, false, false, (false, true)),
        ("2.0.0", false, false, true, false, (false, false)),
        ("4.1.2", false, true, true, true, (true, true)),
        // Scenario 2.
        ("1.3.2", false, false, false, true, (true, false)),
        ("1.3.2", false, true, false, true, (true, true)),
        ("1.20.1", true, false, false, true, (false, false)),
        ("1.20.1", true, true, true, true, (false, true)),
        ("1.4", false, true, false, false, (false, true)),
        // Scenario 3.
        ("1.0.0", false, false, false, true, (false, false)),
        ("1.0.0", true, false, true, true, (true, false)),
        ("1.2.9", false, true, true, false, (true, false)),
        ("1.3.1", false, true, false, true, (false, false)),
        // Scenario 4.
        ("0.61.5", false, false, false, true, (false, false)),
        ("0.61.5", true, false, true, true, (true, false)),
        ("0.61.5", false, true, true, true, (true, false)),
    ];
    for (version, python2, file, basic_config, stream, wanted) in rows {
        let language_version = ["3.12", "2.7"][python2 as usize];
        let outputs = Outputs { version: Version::parse(version), language_version, file, basic_config, stream };
        assert_eq!(((FOR_SETTINGS.of_host)("python").outputs)(&outputs), wanted, "{outputs:?}");
        for debug in ["true", "false"] {
            let text = |on| if on { "true" } else { "false" };
            let code = [("SPANWIRE_TRACER_VERSION", version), ("SPANWIRE_LANGUAGE_VERSION", language_version)];
            let env = [
                ("DD_TRACE_DEBUG", debug),
                ("DD_CALL_BASIC_CONFIG", text(basic_config)),
                ("DD_TRACE_LOG_STREAM_HANDLER", text(stream)),
                ("DD_TRACE_LOG_FILE", if file { "/tmp/ddtrace.log" } else { "" }),
            ];
            let (settings, rejected) = resolve_as("python", &code, &env);
            assert_eq!((settings.log_stderr, settings.log_place.is_some()), wanted, "{code:?} {env:?}");
            assert!(settings.log_ring, "the application's own logging gets everything");
            assert_eq!(rejected.len(), usize::from(file && !wanted.1), "{rejected:?}");
        }
    }
}

#[test]
fn a_host_that_tells_no_version_stands_in_for_the_newest_ddtrace() {
    let settings = accepted_as("python", &[], &[("DD_TRACE_LOG_FILE", "/tmp/ddtrace.log")]);
    assert!(settings.log_stderr && settings.log_to_file);
    let (place, level) = (settings.log_place.unwrap(), settings.log_file_level);
    assert_eq!((place.max_bytes, place.backups, level), (15_728_640, 1, Level::Trace));
    assert_eq!(settings.values.iter().find(|v| v.name == "SPANWIRE_LOG_SINKS").unwrap().value, "stderr,file,ring");
}

#[test]
fn the_rate_is_taken_in_seconds() {
    assert_eq!(accepted_as("python", &[], &[]).logging_rate, None, "ddtrace's own holds");
    assert_eq!(accepted_as("python", &[], &[("DD_TRACE_LOGGING_RATE", "0")]).logging_rate, Some(0));
    assert_eq!(accepted_as("dotnet", &[], &[("DD_TRACE_LOGGING_RATE", "30")]).logging_rate, Some(30));
    let (settings, rejected) = resolve_as("python", &[], &[("DD_TRACE_LOGGING_RATE", "-1")]);
    assert_eq!((settings.logging_rate, rejected.len()), (None, 1));
}
