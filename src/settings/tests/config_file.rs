//! A configuration file, such as .NET's datadog.json: its precedence, and files that cannot be used.

use super::*;
use std::fs;

/// Runs `with` with the path of a file with this text, and removes the file.
fn with_file<T>(name: &str, text: &[u8], with: impl FnOnce(&str) -> T) -> T {
    let path = std::env::temp_dir().join(format!("spanwire-settings-{}-{name}.json", sys::pid()));
    fs::write(&path, text).unwrap();
    let result = with(path.to_str().unwrap());
    fs::remove_file(path).unwrap();
    result
}

const SETTING: &str = "DD_TRACE_CONFIG_FILE";
const PRESET: &str = "default:DD_TRACE_CONFIG_FILE";

#[test]
fn its_values_rank_below_code_defaults_and_above_the_defaults() {
    let text =
        br#"{"DD_TRACE_DEBUG": true, "DD_SERVICE": "file", "DD_ENV": "file", "DD_VERSION": "file", "DD_TAGS": null,
        "DD_TRACE_AGENT_PORT": 5000, "OTHER": [1], "DD_TRACE_CONFIG_FILE": "/no/such"}"#;
    with_file("rank", text, |path| {
        let code = [(PRESET, path), ("default:DD_SERVICE", "app.config")];
        let settings = accepted_as("dotnet", &code, &[("DD_ENV", "env")]);
        assert!(settings.debug);
        assert_eq!(value(&settings, "DD_TRACE_DEBUG"), ("true", Origin::File));
        assert_eq!(
            (settings.service.as_str(), settings.env.as_str(), settings.version.as_str()),
            ("app.config", "env", "file")
        );
        assert_eq!(settings.agent.to_string(), "http://localhost:5000");
        let shown: serde_json::Value = serde_json::from_str(&settings.config_json("", None)).unwrap();
        assert_eq!(shown["settings"]["DD_VERSION"], serde_json::json!({ "value": "file", "origin": "file" }));
        assert_eq!(shown["settings"]["DD_SERVICE"]["origin"], "code_default");
    });
}

#[test]
fn a_missing_file_is_reported_only_if_a_user_named_it() {
    assert_eq!(resolve_as("dotnet", &[(PRESET, "/no/such.json")], &[]).1, []);
    let (_, rejected) = resolve_as("dotnet", &[], &[(SETTING, "/no/such.json")]);
    assert_eq!(whys(&rejected), [(SETTING, "there is no such file")]);
    assert_eq!(rejected[0].value, "/no/such.json");
}

#[test]
fn a_file_that_cannot_be_used_is_one_rejection_that_says_where() {
    for (text, part) in [
        (&b"{\"DD_SERVICE\": \"shop\",\n  \"DD_ENV\" \"prod\"}"[..], "line 2 column"),
        (b"[1]", "no object"),
        (b"", "no JSON"),
        (b"{\"DD_SERVICE\": \"\xff\"}", "no JSON"),
    ] {
        with_file("bad", text, |path| {
            let (settings, rejected) = resolve_as("dotnet", &[(PRESET, path)], &[]);
            assert_eq!((settings.service.as_str(), rejected.len()), ("shopd", 1));
            assert!(rejected[0].why.to_string().contains(part), "{rejected:?}");
        });
    }
    let large = format!("{{\"DD_SERVICE\": \"shop\", \"x\": \"{}\"}}", "x".repeat(1_000_000));
    with_file("large", large.as_bytes(), |path| {
        let (settings, rejected) = resolve(&[(PRESET, path)], &[]);
        assert_eq!(settings.service, "shopd");
        assert!(rejected.len() == 1 && rejected[0].why.to_string().contains("larger"), "{rejected:?}");
    });
    let (_, rejected) = resolve(&[], &[(SETTING, "/dev/null")]);
    assert!(rejected[0].why.to_string().contains("accepted is a file"), "{rejected:?}");
}

#[test]
fn an_invalid_value_does_not_affect_the_others() {
    let text = br#"{"DD_SERVICE": {"a": 1}, "DD_TRACE_DEBUG": "maybe", "DD_ENV": "prod", "DD_TRACE_LOG_FILE": ["x"]}"#;
    with_file("value", text, |path| {
        let (settings, rejected) = resolve(&[], &[(SETTING, path)]);
        assert_eq!((settings.env.as_str(), settings.debug), ("prod", false));
        let names: Vec<_> = rejected.iter().map(|rejected| (rejected.name.as_str(), rejected.origin)).collect();
        let wanted = ["DD_SERVICE", "DD_TRACE_LOG_FILE", "DD_TRACE_DEBUG"].map(|name| (name, Origin::File));
        assert_eq!(names, wanted);
    });
}
