//! The SDK of OpenTelemetry with its exporter for OTLP over HTTP. OWNED=1 copies each text. The SDK reads OTEL_BSP_…
//! itself, such as the size of its queue.

use ::opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::trace::SdkTracerProvider;
use spanwire_peers::opentelemetry::{maker, Texts};
use spanwire_peers::{drive, Arguments};

fn main() {
    let arguments = Arguments::read();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("http://{}/v1/traces", arguments.host))
        .build()
        .expect("no exporter");
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let make = maker(provider.tracer("bench"), &arguments, Texts::from_environment());
    drive("otel-otlp", &arguments, make, || {
        let _ = provider.shutdown();
    });
}
