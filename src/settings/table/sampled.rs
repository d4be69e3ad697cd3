//! Settings for sampling.

use super::{setting, Kind, Setting};
use crate::settings::sampling::RulesFor;

pub(super) const ABOUT: &str = "[Sampling](sampling.md) says how they work together.";

pub(super) static SAMPLING: &[Setting] = &[
    setting(
        "DD_TRACE_SAMPLE_RATE",
        Kind::Rate(|d, v| d.frozen.sampling.rate = Some(v)),
        "",
        "The share of traces that is kept where no rule matches. If it is not set, the Agent's rates apply.",
    ),
    setting(
        "DD_TRACE_SAMPLING_RULES",
        Kind::SamplingRules(RulesFor::Traces, |d, v| d.frozen.sampling.rules = v),
        "",
        "Rules for traces; the first one that matches the local root span decides. A rule that is invalid is left out.",
    ),
    setting(
        "DD_TRACE_RATE_LIMIT",
        Kind::PerSecond(|d, v| d.frozen.sampling.limit = v),
        "100",
        "Traces per second that rules and `DD_TRACE_SAMPLE_RATE` keep, for each tracer of each process. 0 keeps none.",
    ),
    setting(
        "DD_SPAN_SAMPLING_RULES",
        Kind::SamplingRules(RulesFor::Spans, |d, v| d.frozen.sampling.span_rules = v),
        "",
        "Rules for single spans that are kept although their trace is rejected.",
    ),
    setting(
        "DD_SPAN_SAMPLING_RULES_FILE",
        Kind::Path(|d, v| d.span_rules_file = Some(v)),
        "",
        "A file with such rules; at most 1 MB. `DD_SPAN_SAMPLING_RULES` overrides it.",
    ),
    setting(
        "DD_APM_TRACING_ENABLED",
        Kind::Switch(|d, v| d.frozen.sampling.apm_tracing = v),
        "true",
        "`false`: one trace a minute is kept, and the Agent is told to count none of them.",
    ),
    setting(
        "OTEL_TRACES_SAMPLER",
        Kind::OtelSampler(|d, v| d.otel_sampler = Some(v)),
        "",
        "Used as `DD_TRACE_SAMPLE_RATE`, if that is not set.",
    ),
    setting(
        "OTEL_TRACES_SAMPLER_ARG",
        Kind::Rate(|d, v| d.otel_ratio = Some(v)),
        "",
        "The rate for `parentbased_traceidratio`; 1 if it is not set.",
    ),
];
