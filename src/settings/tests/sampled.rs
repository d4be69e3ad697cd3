//! Tests of the settings of sampling.

use super::*;

#[test]
fn otel_samplers_and_files_give_way_to_the_settings_that_override_them() {
    let sampling = |code: &[(&str, &str)]| {
        let (settings, rejected) = resolve_as("native", code, &[]);
        let why = rejected.into_iter().map(|rejected| (rejected.name, rejected.why.consequence())).collect::<Vec<_>>();
        (settings.sampling, why)
    };
    let otel = |name| sampling(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.25")]);
    assert_eq!(otel("parentbased_always_on").0.rate, Some(1.0));
    assert_eq!(otel("parentbased_always_off").0.rate, Some(0.0));
    assert_eq!((otel("PARENTBASED_TRACEIDRATIO").0.rate, otel("parentbased_traceidratio").1), (Some(0.25), vec![]));
    let (upgraded, why) = otel("traceidratio");
    assert_eq!((upgraded.rate, why[0].0.as_str()), (Some(0.25), "OTEL_TRACES_SAMPLER"));
    assert_eq!(otel("sometimes").0.rate, None);
    let (both, why) = sampling(&[("OTEL_TRACES_SAMPLER", "parentbased_always_on"), ("DD_TRACE_SAMPLE_RATE", "0.5")]);
    assert_eq!((both.rate, why), (Some(0.5), vec![("OTEL_TRACES_SAMPLER".to_string(), "it has no effect")]));
    let (spans, why) =
        sampling(&[("DD_SPAN_SAMPLING_RULES", r#"[{"name":"a"}]"#), ("DD_SPAN_SAMPLING_RULES_FILE", "/nowhere")]);
    assert_eq!(spans.span_rules.len(), 1);
    assert_eq!(why, [("DD_SPAN_SAMPLING_RULES_FILE".to_string(), "it has no effect")]);
    let (none, why) = sampling(&[("DD_SPAN_SAMPLING_RULES_FILE", "/nowhere/at/all")]);
    assert_eq!((none.span_rules.len(), why.len()), (0, 1));
}

#[test]
fn rates_and_limits_outside_their_range_are_rejected() {
    for (name, value) in [
        ("DD_TRACE_SAMPLE_RATE", "2"),
        ("DD_TRACE_SAMPLE_RATE", "abc"),
        ("DD_TRACE_SAMPLE_RATE", "-0.1"),
        ("DD_TRACE_SAMPLE_RATE", "nan"),
        ("DD_TRACE_RATE_LIMIT", "many"),
        ("DD_TRACE_RATE_LIMIT", "inf"),
        ("DD_TRACE_SAMPLING_RULES", "[{"),
        ("DD_TRACE_SAMPLING_RULES", "7"),
    ] {
        let (settings, rejected) = resolve_as("native", &[(name, value)], &[]);
        assert_eq!((rejected.len(), rejected[0].name.as_str()), (1, name), "{value}");
        assert_eq!(
            (settings.sampling.rate, settings.sampling.limit, settings.sampling.apm_tracing),
            (None, 100.0, true)
        );
    }
    let (settings, rejected) = resolve_as("native", &[("DD_TRACE_SAMPLE_RATE", " ")], &[]);
    assert_eq!((settings.sampling.rate, rejected.len()), (None, 0), "empty counts as not set");
}
