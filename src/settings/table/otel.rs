//! OpenTelemetry's names of settings. `settings::otel` settles what they mean beside the names of Datadog.

use super::{setting, Kind, Setting};

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
        Kind::Word(&["none"], |d, _| d.otel_off = true),
        "",
        "`none` is used as `DD_TRACE_ENABLED=false`. Spans go to a Datadog Agent with any other value, too.",
    ),
];
