//! Settings of other tracers that this version does not support. A log line at the start names those that are set, so
//! that users know that they have no effect.

/// A setting that is known and not supported.
pub struct Later {
    /// The name in code and in the environment.
    pub name: &'static str,
    /// Whether it is a switch. One that is off is not named: the feature is absent anyway.
    pub switch: bool,
}

/// A group of settings.
pub struct Topic {
    /// The heading.
    pub title: &'static str,
    /// The settings.
    pub settings: &'static [Later],
}

const fn value(name: &'static str) -> Later {
    Later { name, switch: false }
}

const fn switch(name: &'static str) -> Later {
    Later { name, switch: true }
}

/// All of them, in documentation order.
pub static TOPICS: &[Topic] = &[
    Topic {
        title: "Sending",
        settings: &[
            value("DD_TRACE_AGENT_TIMEOUT"),
            value("DD_TRACE_AGENT_TIMEOUT_SECONDS"),
            value("DD_TRACE_API_VERSION"),
            value("DD_TRACE_SEND_RETRIES"),
            value("DD_TRACE_RETRY_INTERVAL"),
            value("OTEL_EXPORTER_OTLP_TIMEOUT"),
            value("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"),
            value("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"),
        ],
    },
    Topic {
        title: "Contents of spans",
        settings: &[
            value("DD_SERVICE_MAPPING"),
            value("DD_TRACE_HEADER_TAGS"),
            switch("DD_TRACE_RESOURCE_RENAMING_ENABLED"),
            switch("DD_TRACE_RESOURCE_RENAMING_ALWAYS_SIMPLIFIED_ENDPOINT"),
            switch("DD_TRACE_DEBUG_STACK"),
        ],
    },
    Topic {
        title: "Statistics and metrics",
        settings: &[
            switch("DD_TRACE_STATS_COMPUTATION_ENABLED"),
            switch("DD_TRACE_HEALTH_METRICS_ENABLED"),
            switch("DD_RUNTIME_METRICS_ENABLED"),
            value("DD_DOGSTATSD_HOST"),
            value("DD_DOGSTATSD_PORT"),
            value("OTEL_METRICS_EXPORTER"),
        ],
    },
    // As in ddtrace 4.16.0 and dd-trace 5.132.0, it turns off no tracing, but an API that this library does not have.
    Topic { title: "OpenTelemetry's own API", settings: &[switch("OTEL_SDK_DISABLED")] },
    Topic {
        title: "Telemetry",
        settings: &[
            switch("DD_INSTRUMENTATION_TELEMETRY_ENABLED"),
            value("DD_TELEMETRY_HEARTBEAT_INTERVAL"),
            value("DD_TELEMETRY_EXTENDED_HEARTBEAT_INTERVAL"),
            switch("DD_TELEMETRY_METRICS_ENABLED"),
            switch("DD_TELEMETRY_LOG_COLLECTION_ENABLED"),
            switch("DD_TELEMETRY_DEBUG"),
        ],
    },
];

/// Returns the setting with this name.
pub fn find(name: &str) -> Option<&'static Later> {
    TOPICS.iter().flat_map(|topic| topic.settings).find(|setting| setting.name == name)
}
