//! Settings with OpenTelemetry's names.

use super::*;

fn in_env(env: &[(&str, &str)]) -> Settings {
    accepted(&[], env)
}

#[test]
fn opentelemetrys_names_set_service_environment_version_and_tags() {
    let settings = in_env(&[("OTEL_SERVICE_NAME", "shop")]);
    assert_eq!((settings.service.as_str(), value(&settings, "DD_SERVICE")), ("shop", ("shop", Origin::Env)));
    let text = "service.name=cart, deployment.environment=prod,service.version=1.2,team=blue%20green,bad=100%,x=%zz";
    let settings = in_env(&[("OTEL_RESOURCE_ATTRIBUTES", text)]);
    assert_eq!((settings.service.as_str(), settings.env.as_str(), settings.version.as_str()), ("cart", "prod", "1.2"));
    let tags = [("team", "blue green"), ("bad", "100%"), ("x", "%zz")];
    assert_eq!(settings.tags, tags.map(|(key, value)| (key.to_string(), value.to_string())));
    let settings = in_env(&[("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=dev")]);
    assert_eq!(settings.env, "dev");
    // The name of its own wins over the attribute.
    let settings = in_env(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=cart"), ("OTEL_SERVICE_NAME", "shop")]);
    assert_eq!(settings.service, "shop");
}

#[test]
fn a_dd_name_from_the_same_source_or_a_stronger_one_wins_and_a_warning_says_so() {
    for (otel, other, dd, kept) in [
        ("OTEL_SERVICE_NAME", "a", "DD_SERVICE", "b"),
        ("OTEL_RESOURCE_ATTRIBUTES", "k=a", "DD_TAGS", "k:b"),
        ("OTEL_TRACES_EXPORTER", "none", "DD_TRACE_ENABLED", "true"),
        ("OTEL_SDK_DISABLED", "true", "DD_TRACE_ENABLED", "true"),
        ("OTEL_PROPAGATORS", "b3", "DD_TRACE_PROPAGATION_STYLE", "datadog"),
    ] {
        let (settings, rejected) = resolve(&[], &[(otel, other), (dd, kept)]);
        assert_eq!(value(&settings, dd), (kept, Origin::Env), "{otel}");
        assert_eq!(
            rejected.iter().map(|r| (r.name.as_str(), &r.why)).collect::<Vec<_>>(),
            [(otel, &Rejection::Overridden { by: dd.to_string().leak() })]
        );
    }
    // A weaker source does not.
    let settings = accepted(
        &[("default:DD_SERVICE", "b"), ("default:DD_TRACE_ENABLED", "true")],
        &[("OTEL_SERVICE_NAME", "a"), ("OTEL_SDK_DISABLED", "true")],
    );
    assert_eq!((settings.service.as_str(), settings.enabled), ("a", false));
}

#[test]
fn opentelemetrys_names_can_turn_tracing_off() {
    for env in [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")] {
        let settings = in_env(&[env]);
        assert!(!settings.enabled);
        assert_eq!(value(&settings, "DD_TRACE_ENABLED"), ("false", Origin::Env));
    }
    assert!(!in_env(&[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")]).enabled);
    assert!(in_env(&[("OTEL_SDK_DISABLED", "false")]).enabled);
    let (settings, rejected) = resolve(&[], &[("OTEL_TRACES_EXPORTER", "otlp")]);
    assert!(settings.enabled && rejected.len() == 1);
}

#[test]
fn attributes_that_cannot_be_used_are_left_out_and_named() {
    let many: Vec<String> = (0..12).map(|n| format!("k{n}=v")).collect();
    let text = format!("nothing,=x,nonce=\"x\",{}", many.join(","));
    let (settings, rejected) = resolve(&[], &[("OTEL_RESOURCE_ATTRIBUTES", &text)]);
    assert_eq!(settings.tags.len(), 10);
    let parts: Vec<&str> = rejected.iter().map(|rejected| rejected.value.as_str()).collect();
    assert_eq!(parts, ["nothing", "=x", redact::REDACTED, "k10=v", "k11=v"]);
    let whole = "%41".repeat(20_000);
    assert_eq!(in_env(&[("OTEL_RESOURCE_ATTRIBUTES", &format!("k={whole}"))]).tags[0].1, "A".repeat(20_000));
}
