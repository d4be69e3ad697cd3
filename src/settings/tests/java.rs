//! What Java users rely on: system properties, their precedence, the logger's own properties.

use super::*;

#[test]
fn every_setting_has_a_property_which_comes_before_the_environment() {
    let properties =
        [("dd.trace.debug", "false"), ("dd.service", "shop"), ("dd.trace.agent.url", "http://by-property:1")];
    let env = [("DD_TRACE_DEBUG", "true"), ("DD_SERVICE", "env"), ("DD_ENV", "prod")];
    let settings = accepted_as("jvm", &properties, &env);
    assert_eq!((settings.debug, settings.service.as_str(), settings.env.as_str()), (false, "shop", "prod"));
    assert_eq!(value(&settings, "DD_TRACE_DEBUG"), ("false", Origin::Code));
    assert_eq!(settings.agent.to_string(), "http://by-property:1");
    for setting in table::all().filter(|setting| setting.name.starts_with("DD_")) {
        let property = setting.name.to_ascii_lowercase().replace('_', ".");
        let (_, rejected) = resolve_as("java", &[(&property, "5")], &[]);
        assert!(whys(&rejected).iter().all(|(_, why)| !why.contains("no such setting")), "{property}");
    }
}

#[test]
fn a_misspelt_property_and_another_languages_names_are_unknown() {
    let (_, rejected) = resolve_as("java", &[("dd.trace.debgu", "true"), ("datadog.trace.debug", "true")], &[]);
    let wanted = [
        ("dd.trace.debgu", "no such setting; DD_TRACE_DEBUG was probably meant"),
        ("datadog.trace.debug", "no such setting"),
    ];
    assert_eq!(whys(&rejected), wanted);
    let (settings, rejected) = resolve_as("ruby", &[("dd.trace.debug", "true")], &[]);
    let meant = "no such setting; DD_TRACE_DEBUG was probably meant";
    assert_eq!((settings.debug, whys(&rejected)), (false, vec![("dd.trace.debug", meant)]));
}

#[test]
fn levels_are_looked_for_in_the_tracers_order() {
    let level = |code: &[(&str, &str)], env: &[(&str, &str)]| {
        let settings = accepted_as("java", code, env);
        (settings.log_level, settings.log_level_given)
    };
    let (own, other) = (("dd.trace.log.level", "ERROR"), ("dd.log.level", "WARN"));
    let (otel, logger) = (("OTEL_LOG_LEVEL", "trace"), ("datadog.slf4j.simpleLogger.defaultLogLevel", "OFF"));
    assert_eq!(overridden_as("java", &[own, other, logger], &[otel]).log_level, Level::Error);
    assert_eq!(overridden_as("java", &[other, logger], &[otel]).log_level, Level::Warn);
    assert_eq!(level(&[logger], &[otel]), (Level::Trace, true));
    assert_eq!(level(&[logger], &[]), (Level::Off, true));
    assert_eq!(level(&[], &[]), (Level::Info, false));
    assert_eq!(level(&[], &[("DD_LOG_LEVEL", "debug")]), (Level::Debug, true));
    assert_eq!(level(&[("otel.log.level", "error")], &[]), (Level::Error, true));
    let settings = overridden_as("java", &[own], &[("DD_TRACE_DEBUG", "1"), otel]);
    assert!(settings.debug && settings.log_level == Level::Error && settings.debug_level == Level::Debug);
}

#[test]
fn without_start_up_logs_only_warnings_are_said_unless_a_level_is_chosen() {
    let off = ("dd.trace.startup.logs", "false");
    let settings = accepted_as("java", &[off], &[]);
    assert_eq!((settings.log_level, value(&settings, "DD_TRACE_LOG_LEVEL")), (Level::Warn, ("warn", Origin::Default)));
    assert_eq!(accepted_as("java", &[off, ("dd.log.level", "info")], &[]).log_level, Level::Info);
    assert_eq!(accepted_as("ruby", &[("DD_TRACE_STARTUP_LOGS", "false")], &[]).log_level, Level::Info);
}

#[test]
fn a_loggers_level_is_a_rule_for_it_and_those_below() {
    let prefix = "datadog.slf4j.simpleLogger.log";
    let (core, ot) = (format!("{prefix}.datadog.trace.agent.core"), format!("{prefix}.datadog.trace.agent.ot"));
    let (settings, rejected) = resolve_as("java", &[(&core, "TRACE"), (&ot, "loud"), (prefix, "debug")], &[]);
    assert_eq!(settings.log_rules, [("datadog.trace.agent.core".to_string(), Level::Trace)]);
    let shown = value(&settings, "datadog.slf4j.simpleLogger.log.<logger>");
    assert_eq!(shown, ("datadog.trace.agent.core=trace", Origin::Code));
    let seen = whys(&rejected);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].1.starts_with("no such setting") && seen[1].0 == ot && seen[1].1.contains("accepted are OFF"));
    let (_, rejected) = resolve_as("go", &[(&core, "TRACE")], &[]);
    assert_eq!(whys(&rejected), [(core.as_str(), "no such setting")]);
}

#[test]
fn the_log_file_is_a_stream_or_a_file_that_begins_anew() {
    let name = "datadog.slf4j.simpleLogger.logFile";
    for (text, path) in
        [("system.OUT", "/dev/stdout"), ("System.err", "/dev/stderr"), ("/tmp/new/dd.log", "/tmp/new/dd.log")]
    {
        let settings = accepted_as("java", &[(name, text)], &[("DD_TRACE_LOG_FILE", "/tmp/other.log")]);
        let place = settings.log_place.clone().unwrap();
        assert_eq!((place.path.to_str(), place.max_bytes), (Some(path), 0), "{text}");
        assert!(
            place.make_folders && place.truncate && place.else_stderr && !settings.log_stderr && settings.log_to_file
        );
        assert_eq!(settings.log_file, Some(path.into()));
    }
    let settings = accepted_as("java", &[(name, "/tmp/j.log"), ("dd.trace.log.file.size.bytes", "1000")], &[]);
    let place = settings.log_place.unwrap();
    assert_eq!((place.max_bytes, place.backups), (1000, 1), "a size that is asked for holds");
}

#[test]
fn the_layout_takes_simple_loggers_properties_and_the_json_switch() {
    let json = [("jsonEnabled", "true".to_string())];
    assert_eq!(accepted_as("java", &[], &[("DD_LOG_FORMAT_JSON", "1")]).log_layout, json);
    let property = ("datadog.slf4j.simpleLogger.jsonEnabled", "true");
    let settings = accepted_as("java", &[property], &[("DD_LOG_FORMAT_JSON", "false")]);
    assert_eq!((settings.log_layout, settings.values.len() > 10), (json.to_vec(), true));
    let layout = [("showDateTime", "true".to_string()), ("dateTimeFormat", "HH:mm".to_string())];
    let date =
        [("datadog.slf4j.simpleLogger.showDateTime", "true"), ("datadog.slf4j.simpleLogger.dateTimeFormat", "HH:mm")];
    assert_eq!(accepted_as("java", &date, &[]).log_layout, layout);
    let (settings, rejected) = resolve_as("java", &[("datadog.slf4j.simpleLogger.showThreadName", "maybe")], &[]);
    assert_eq!((settings.log_layout, rejected.len()), (vec![], 1));
}
