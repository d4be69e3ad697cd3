//! datadog-opentelemetry. OWNED=1 copies each text. Telemetry and remote configuration are off, and no rate limits traces, as
//! for spanwire.

use ::opentelemetry::trace::TracerProvider;
use spanwire_peers::opentelemetry::{maker, Texts};
use spanwire_peers::{drive, Arguments, SERVICE};

fn main() {
    let arguments = Arguments::read();
    let url = format!("http://{}", arguments.host);
    for (name, value) in [
        ("DD_TRACE_AGENT_URL", url.as_str()),
        ("DD_SERVICE", SERVICE),
        ("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false"),
        ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
        ("DD_TRACE_SAMPLE_RATE", "1.0"),
        ("DD_TRACE_RATE_LIMIT", "1000000000"),
        ("DD_TRACE_ENABLED", if arguments.disabled { "false" } else { "true" }),
        ("DD_LOG_LEVEL", if arguments.debug { "DEBUG" } else { "ERROR" }),
    ] {
        std::env::set_var(name, value);
    }
    let provider = datadog_opentelemetry::tracing().init();
    let make = maker(provider.tracer("bench"), &arguments, Texts::from_environment());
    drive("datadog-opentelemetry", &arguments, make, || {
        let _ = provider.shutdown();
    });
}
