//! Names of settings in Go, Ruby and Node.js, and the repetition of records.

use super::*;

#[test]
fn gos_options_are_understood_by_their_names() {
    let code = [("WithDebugMode", "true"), ("WithDebugSpansMode", "5m"), ("WithService", "shop"), ("WithEnv", "prod")];
    let settings = accepted_as("go", &code, &[("DD_SERVICE", "env")]);
    assert!(settings.debug && settings.debug_abandoned_spans);
    assert_eq!(settings.abandoned_span_timeout, Duration::from_secs(300));
    assert_eq!((settings.service.as_str(), settings.env.as_str()), ("shop", "prod"));
    let settings = accepted_as("go", &[("WithHostname", "shop-1")], &[]);
    assert!(settings.hostname == "shop-1" && settings.report_hostname);
    let both = [("DD_TRACE_DEBUG_ABANDONED_SPANS", "false"), ("WithDebugSpansMode", "5m")];
    assert!(!accepted_as("go", &both, &[]).debug_abandoned_spans, "what is said outright holds");
}

#[test]
fn rubys_attributes_are_understood_by_their_paths() {
    let code = [("diagnostics.debug", "true"), ("agent.host", "a"), ("agent.port", "7"), ("service", "shop")];
    let settings = accepted_as("ruby", &code, &[]);
    assert!(settings.debug);
    assert_eq!((settings.agent.to_string().as_str(), settings.service.as_str()), ("http://a:7", "shop"));
}

#[test]
fn nodes_option_for_debug_mode_ended_with_version_2() {
    let code = |version| [("debug", "true"), ("SPANWIRE_TRACER_VERSION", version), ("url", "http://a:1")];
    let settings = accepted_as("nodejs", &code("1.7.1"), &[]);
    assert_eq!((settings.debug, settings.agent.to_string()), (true, "http://a:1".into()));
    let (settings, rejected) = resolve_as("nodejs", &code("5.15.0"), &[]);
    let why = "no such setting; DD_TRACE_DEBUG was probably meant";
    assert_eq!((settings.debug, whys(&rejected)), (false, vec![("debug", why)]));
}

#[test]
fn names_of_every_language_mean_settings_that_exist() {
    for LanguageSettings { title, names, .. } in crate::languages::ALL.iter().map(|language| &language.settings) {
        for name in *names {
            for setting in [Some(name.setting), name.turns_on].into_iter().flatten() {
                assert!(table::all().any(|known| known.name == setting), "{title}: {}", name.name);
            }
        }
    }
}

#[test]
fn errors_are_gathered_in_go_and_where_somebody_asks() {
    let gathered = |language, env: &[(&str, &str)]| accepted_as(language, &[], env).gather_errors;
    let rate = |text| [("DD_LOGGING_RATE", text)];
    assert_eq!(gathered("go", &[]), Some(Duration::from_secs(60)));
    assert_eq!(
        (gathered("go", &rate("5")), gathered("go", &rate("0"))),
        (Some(Duration::from_secs(5)), Some(Duration::ZERO))
    );
    assert_eq!((gathered("ruby", &[]), gathered("ruby", &rate("9"))), (None, Some(Duration::from_secs(9))));
    for bad in ["-5", "1m"] {
        let (settings, rejected) = resolve_as("go", &[], &rate(bad));
        assert_eq!((settings.gather_errors, rejected.len()), (Some(Duration::from_secs(60)), 1), "{bad}");
    }
}

#[test]
fn a_setting_that_has_no_effect_yet_is_named_wherever_it_was_set() {
    let file = std::env::temp_dir().join(format!("spanwire-later-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"DD_DOGSTATSD_PORT":7,"DD_TRACE_STATS_COMPUTATION_ENABLED":false}"#).expect("a file");
    let path = file.to_string_lossy().into_owned();
    let code = [("DD_SERVICE_MAPPING", "a:b"), ("default:DD_TRACE_DEBUG_STACK", "true")];
    let env = [
        ("DD_TRACE_AGENT_TIMEOUT", "5"),
        ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
        ("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "1"),
        ("OTEL_PROPAGATORS", " "),
        ("DD_TRACE_CONFIG_FILE", path.as_str()),
    ];
    let settings = accepted_as("native", &code, &env);
    let _ = std::fs::remove_file(&file);
    let named = [
        "DD_TRACE_AGENT_TIMEOUT",
        "DD_SERVICE_MAPPING",
        "DD_TRACE_DEBUG_STACK",
        "DD_DOGSTATSD_PORT",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED",
    ];
    assert_eq!(settings.unsupported, named, "what is off here is not asked for");
    let java = accepted_as("java", &[("dd.service.mapping", "a:b")], &[]);
    assert_eq!(java.unsupported, ["DD_SERVICE_MAPPING"]);
    assert_eq!(accepted_as("native", &[], &[]).unsupported, [""; 0]);
}

#[test]
fn a_setting_is_supported_or_not_and_listed_once() {
    let later: Vec<&str> = table::later::TOPICS.iter().flat_map(|topic| topic.settings).map(|it| it.name).collect();
    for (n, name) in later.iter().enumerate() {
        assert!(!later[..n].contains(name), "{name} is listed twice");
        assert!(!table::all().any(|setting| setting.name == *name), "{name} is supported");
    }
}
