//! OpenTelemetry's names of settings. `settings::otel` settles what they mean beside the names of Datadog.

use super::{computed, setting, Kind, Setting};

pub(super) const ABOUT: &str =
    "A setting with a `DD_` name from the same source or a stronger one wins, and a warning says so.";

pub(super) static OTEL: &[Setting] = &[
    setting("OTEL_SERVICE_NAME", Kind::Text(|d, v| d.otel_service = Some(v)), "", "Used as `DD_SERVICE`."),
    setting(
        "OTEL_RESOURCE_ATTRIBUTES",
        Kind::Attributes(|d, v| d.otel_attributes = v),
        "",
        "Used as `DD_TAGS`: up to 10 attributes, separated by commas, with percent-encoded values. `service.name`, \
         `deployment.environment` (or `deployment.environment.name`) and `service.version` are service, environment and \
         version.",
    ),
    setting(
        "OTEL_TRACES_EXPORTER",
        Kind::Word(&["none", "otlp"], |d, v| (d.otel_off, d.otel_otlp) = (v == "none", v == "otlp")),
        "",
        "`none` is used as `DD_TRACE_ENABLED=false`. `otlp`: spans go as OTLP to the endpoint below, unless \
         `DD_TRACE_AGENT_URL` or `DD_TRACE_AGENT_PROTOCOL_VERSION` is set. See [Formats](formats.md).",
    ),
    computed(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        Kind::OtlpEndpoint(true, |d, v| d.otlp = Some(v)),
        "`http://localhost:4318`, or the host of `DD_AGENT_HOST`",
        "Used with `OTEL_TRACES_EXPORTER=otlp`: where an OpenTelemetry Collector listens; `/v1/traces` is appended.",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        Kind::OtlpEndpoint(false, |d, v| d.otlp_traces = Some(v)),
        "",
        "The whole URL for traces; replaces `OTEL_EXPORTER_OTLP_ENDPOINT`.",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_HEADERS",
        Kind::Headers(|d, v| d.frozen.otlp_headers.extend(v)),
        "",
        "Headers of requests with OTLP, separated by commas, with percent-encoded values. Values are not shown anywhere.",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        Kind::Headers(|d, v| d.frozen.otlp_headers = v),
        "",
        "Headers for traces alone; they replace `OTEL_EXPORTER_OTLP_HEADERS`.",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        Kind::Word(&["none", "gzip"], |d, v| d.frozen.otlp_gzip = v == "gzip"),
        "none",
        "`gzip` compresses OTLP.",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        Kind::Word(&["http/protobuf"], |_, _| {}),
        "http/protobuf",
        "Only `http/protobuf` is supported.",
    ),
];
