//! What PHP users rely on: INI names, targets, no start-up line on the command line, a file that other programs rotate.

use super::*;

fn rules(list: &[(&str, Level)]) -> Vec<(String, Level)> {
    list.iter().map(|(target, level)| (target.to_string(), *level)).collect()
}

#[test]
fn ini_names_are_the_settings_names_in_small_letters_with_dots() {
    let ini = [
        ("default:datadog.trace.debug", "1"),
        ("default:datadog.service", "ini"),
        ("default:datadog.env", "prod"),
        ("datadog.trace.log_file", "/tmp/dd.log"),
        ("datadog.agent_host", "by-ini"),
        ("datadog.trace.agent_port", "5000"),
        ("default:datadog.trace.agent_url", ""),
    ];
    let settings = accepted_as("php", &ini, &[("DD_SERVICE", "env")]);
    assert!(settings.debug);
    assert_eq!((settings.service.as_str(), settings.env.as_str()), ("env", "prod"), "the environment beats php.ini");
    assert_eq!(value(&settings, "DD_TRACE_DEBUG"), ("1", Origin::CodeDefault));
    assert_eq!(settings.agent.to_string(), "http://by-ini:5000");
    assert_eq!(settings.log_file, Some("/tmp/dd.log".into()));
    let (_, rejected) = resolve_as("php", &[("datadog.trace.debgu", "1"), ("dd.trace.debug", "1")], &[]);
    assert_eq!(whys(&rejected)[0], ("datadog.trace.debgu", "no such setting; DD_TRACE_DEBUG was probably meant"));
    assert_eq!(whys(&rejected)[1].0, "dd.trace.debug");
}

#[test]
fn targets_have_levels_of_their_own() {
    let settings = |text| accepted_as("php", &[], &[("DD_TRACE_LOG_LEVEL", text)]);
    for (text, level, targets) in [
        ("warn", Level::Warn, rules(&[])),
        ("debug,startup=error,span=trace", Level::Debug, rules(&[("startup", Level::Error), ("span", Level::Trace)])),
        ("span=trace", Level::Error, rules(&[("span", Level::Trace)])),
        (" error , hook , span = off ", Level::Error, rules(&[("hook", Level::Trace), ("span", Level::Off)])),
    ] {
        let settings = settings(text);
        assert_eq!((settings.log_level, &settings.log_rules), (level, &targets), "{text}");
    }
    for bad in ["span=loud", "=debug", "span[a{b}]=debug", ","] {
        let (settings, rejected) = resolve_as("php", &[], &[("DD_TRACE_LOG_LEVEL", bad)]);
        assert_eq!((settings.log_level, settings.log_rules.len(), rejected.len()), (Level::Info, 0, 1), "{bad}");
        assert!(rejected[0].why.to_string().contains("accepted"));
    }
}

#[test]
fn debug_mode_says_no_start_up_line_on_a_command_line_or_where_it_is_off() {
    let debug = ("DD_TRACE_DEBUG", "1");
    let quiet = rules(&[("startup", Level::Error)]);
    assert_eq!(accepted_as("php", &[("SPANWIRE_INTERPRETER", "cli")], &[debug]).log_rules, quiet);
    assert_eq!(accepted_as("php", &[("SPANWIRE_INTERPRETER", "fpm-fcgi")], &[debug]).log_rules, []);
    assert_eq!(accepted_as("php", &[], &[debug, ("DD_TRACE_STARTUP_LOGS", "0")]).log_rules, quiet);
    assert_eq!(accepted_as("php", &[("SPANWIRE_INTERPRETER", "cli")], &[]).log_rules, []);
    let settings = accepted_as("php", &[], &[debug, ("DD_TRACE_LOG_LEVEL", "error,span=off")]);
    assert_eq!(settings.log_rules, [], "debug mode wins over targets");
}

#[test]
fn the_file_is_its_owners_alone_unless_a_setting_opens_it_and_rotated_by_others() {
    let file = ("DD_TRACE_LOG_FILE", "/tmp/dd.log");
    let place = accepted_as("php", &[], &[file]).log_place.unwrap();
    assert_eq!((place.mode, place.exact_mode, place.max_bytes, place.truncate), (0o600, false, 0, false));
    let settings = [file, ("SPANWIRE_LOG_FILE_MODE", "0640"), ("DD_TRACE_LOG_FILE_SIZE_BYTES", "1000")];
    let place = accepted_as("php", &[], &settings).log_place.unwrap();
    assert_eq!((place.mode, place.exact_mode, place.max_bytes, place.backups), (0o640, true, 1000, 1));
}

#[test]
fn messages_are_said_once_unless_asked_otherwise() {
    assert!(accepted_as("php", &[], &[]).once_logs);
    assert!(!accepted_as("php", &[("datadog.trace.once_logs", "0")], &[]).once_logs);
}
