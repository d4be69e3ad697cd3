//! Settings of Ruby hosts: the attributes of `Datadog.configure`'s object, by their paths. The binding hands records
//! from the ring to a logger of the host.

use crate::settings::language::{name, LanguageSettings};

pub(super) const SETTINGS: LanguageSettings = LanguageSettings {
    id: "ruby",
    title: "Ruby",
    names: &[
        name("diagnostics.debug", "DD_TRACE_DEBUG"),
        name("diagnostics.startup_logs.enabled", "DD_TRACE_STARTUP_LOGS"),
        name("service", "DD_SERVICE"),
        name("env", "DD_ENV"),
        name("version", "DD_VERSION"),
        name("agent.host", "DD_AGENT_HOST"),
        name("agent.port", "DD_TRACE_AGENT_PORT"),
        name("tracing.enabled", "DD_TRACE_ENABLED"),
        name("tracing.report_hostname", "DD_TRACE_REPORT_HOSTNAME"),
        name("tracing.partial_flush.enabled", "DD_TRACE_PARTIAL_FLUSH_ENABLED"),
        name("tracing.partial_flush.min_spans_threshold", "DD_TRACE_PARTIAL_FLUSH_MIN_SPANS"),
    ],
    debug_caps_level: true,
    ..LanguageSettings::PLAIN
};
