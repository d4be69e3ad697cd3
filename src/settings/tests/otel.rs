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
    let both = "deployment.environment=old,deployment.environment.name=new";
    assert_eq!(in_env(&[("OTEL_RESOURCE_ATTRIBUTES", both)]).env, "new");
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
        ("OTEL_PROPAGATORS", "b3", "DD_TRACE_PROPAGATION_STYLE", "datadog"),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off", "DD_TRACE_SAMPLE_RATE", "0.5"),
        ("OTEL_LOG_LEVEL", "debug", "DD_TRACE_DEBUG", "false"),
        ("OTEL_LOG_LEVEL", "error", "DD_TRACE_LOG_LEVEL", "warn"),
        ("OTEL_LOG_LEVEL", "error", "DD_LOG_LEVEL", "warn"),
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
        &[("OTEL_SERVICE_NAME", "a"), ("OTEL_TRACES_EXPORTER", "none")],
    );
    assert_eq!((settings.service.as_str(), settings.enabled), ("a", false));
    let weaker = [
        ("default:DD_TRACE_PROPAGATION_STYLE", "datadog"),
        ("default:DD_TRACE_SAMPLE_RATE", "1"),
        ("default:DD_TRACE_DEBUG", "false"),
        ("default:DD_TRACE_LOG_LEVEL", "error"),
    ];
    let env = [("OTEL_PROPAGATORS", "b3"), ("OTEL_TRACES_SAMPLER", "parentbased_always_off")];
    let settings = accepted(&weaker, &[&env[..], &[("OTEL_LOG_LEVEL", "debug")]].concat());
    assert_eq!((settings.sampling.rate, settings.debug), (Some(0.0), true));
    assert_eq!(settings.propagation, in_env(&[("DD_TRACE_PROPAGATION_STYLE", "b3")]).propagation);
    let settings = accepted(&weaker[3..], &[("OTEL_LOG_LEVEL", "warn")]);
    assert_eq!((settings.log_level, value(&settings, "DD_TRACE_LOG_LEVEL")), (Level::Warn, ("warn", Origin::Env)));
}

#[test]
fn an_exporter_of_opentelemetry_can_turn_tracing_off_and_its_sdk_switch_cannot() {
    let settings = in_env(&[("OTEL_TRACES_EXPORTER", "none")]);
    assert!(!settings.enabled);
    assert_eq!(value(&settings, "DD_TRACE_ENABLED"), ("false", Origin::Env));
    // As in ddtrace 4.16.0 and dd-trace 5.132.0, which go on to trace.
    let settings = in_env(&[("OTEL_SDK_DISABLED", "true")]);
    assert!(settings.enabled);
    assert_eq!(settings.unsupported, ["OTEL_SDK_DISABLED"]);
    assert_eq!(in_env(&[("OTEL_SDK_DISABLED", "false")]).unsupported, [""; 0]);
    let (settings, rejected) = resolve(&[], &[("OTEL_TRACES_EXPORTER", "zipkin")]);
    assert!(settings.enabled && rejected.len() == 1);
}

#[test]
fn an_exporter_of_opentelemetry_sends_to_its_endpoint() {
    let exporter = ("OTEL_TRACES_EXPORTER", "otlp");
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/all/");
    let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces/my/path");
    for (env, agent) in [
        (&[exporter][..], "otlp+http://localhost:4318/v1/traces"),
        (&[exporter, ("DD_AGENT_HOST", "node")], "otlp+http://node:4318/v1/traces"),
        (&[exporter, base], "otlp+http://collector:4318/all/v1/traces"),
        (&[exporter, base, whole], "otlp+http://traces:80/my/path"),
        // Set for other signals.
        (&[base, whole, ("DD_AGENT_HOST", "node")], "http://node:8126"),
    ] {
        let settings = in_env(env);
        assert_eq!(settings.agent.to_string(), agent, "{env:?}");
    }
    for wins in [("DD_TRACE_AGENT_URL", "http://agent:1"), ("DD_TRACE_AGENT_PROTOCOL_VERSION", "0.4")] {
        let (settings, rejected) = resolve(&[], &[exporter, base, wins]);
        assert!(settings.agent.to_string().starts_with("http://") && rejected.len() == 1, "{wins:?}");
    }
    let (settings, rejected) = resolve(&[], &[exporter, ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")]);
    assert_eq!((settings.agent.to_string().as_str(), rejected.len()), ("otlp+http://localhost:4318/v1/traces", 1));
    let (settings, rejected) =
        resolve(&[], &[("OTEL_EXPORTER_OTLP_HEADERS", "x-team=hunter2,b%40d=1, a=b%3Dc,hunter2")]);
    let header = |name: &str, value: &str| (name.to_string(), value.to_string());
    assert_eq!(settings.otlp_headers, [header("x-team", "hunter2"), header("b%40d", "1"), header("a", "b=c")]);
    assert_eq!(rejected.len(), 1);
    let shown = format!("{:?}{rejected:?}", settings.values);
    assert!(shown.contains("x-team=") && !shown.contains("hunter2") && !shown.contains("b=c"), "{shown}");
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

#[test]
fn a_secret_without_a_name_is_no_header() {
    let text = "c2VjcmV0a2V5==,team=one";
    let (headers, left_out) = crate::settings::otel::headers(text);
    assert_eq!((headers, left_out.len()), (vec![("team".to_string(), "one".to_string())], 1));
    assert!(!crate::settings::otel::shown_headers(text).contains("c2V"));
}
