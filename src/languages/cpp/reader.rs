//! Reads lines of the C++ tracer, and of the proxies that use it or send traces in its place: nginx, Envoy, Kong.
//! `node/reader.rs` reads its start-up line.

use crate::languages::reading::{errors, number_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: "C++",
    logs_success: false,
    logs_spans: false,
    logs_ends: true,
    marks: &[
        ("[dd-trace-cpp error code ", read),
        ("Unexpected response status ", read),
        ("Error occurred during HTTP request for ", read),
        ("Unexpected error submitting traces: ", read),
        ("Datadog Agent returned response with", read),
        ("Datadog Agent response to traces included an invalid", read),
        ("Datadog Agent response trace traces included an invalid", read),
        ("Parsing the Datadog Agent", read),
        ("Unexpected telemetry response status ", |_| Some(("cpp", Seen::Beside))),
        ("Unexpected Remote Configuration status ", |_| Some(("cpp", Seen::Beside))),
        ("Unexpected error while requesting Remote ", |_| Some(("cpp", Seen::Beside))),
        ("Could not parse Remote Configuration response", |_| Some(("cpp", Seen::Beside))),
        ("failed to extract a Datadog span", |_| Some(("cpp", Seen::Beside))),
        ("no opentracing context value found for span context key", |_| Some(("cpp", Seen::Beside))),
        ("Requested trace_id not found in SpanBuffer", |_| Some(("cpp", Seen::Beside))),
        ("nginx-datadog: ", |_| Some(("cpp", Seen::Line))),
        ("Error sending traces to agent: ", read),
        ("Error setting agent request ", read),
        ("Unable to set agent URL: ", read),
        ("Unable to set unix socket path: ", read),
        (" trace(s) to /v0.", submitting),
        ("traces successfully submitted to datadog agent", |_| Some(("cpp", Seen::sent(None, 0)))),
        ("failure submitting traces to datadog agent", read),
        ("unexpected HTTP response code from datadog agent: ", read),
        ("collector cluster '", cluster),
        ("[ddtrace] agent_writer error ", read),
        ("agent_writer error failed", read),
        ("traces will be sent to the agent at http", |_| Some(("cpp", Seen::Line))),
    ],
};

fn read<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    Some(("cpp", seen(place.from_word())?))
}

/// Reads Envoy's `submitting 3 trace(s) to /v0.3/traces with payload 1534`.
fn submitting<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let traces = place.before().rsplit("submitting ").next()?.parse().ok()?;
    Some(("cpp", Seen::Sending { traces }))
}

/// Reads Envoy's line about an unknown cluster, which its other tracers write as well.
fn cluster<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let ours = place.line.contains("datadog") && place.rest().contains("' does not exist");
    ours.then_some(("cpp", Seen::lost(Some("agent.unreachable"), None)))
}

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let contains = |word: &str| message.contains(word);
    let lost = |unnamed| {
        let named = errors::answered(message).or_else(|| errors::cause(message));
        Seen::lost(named.or(unnamed), None)
    };
    Some(if contains("during HTTP request for telemetry") || contains("for remote configuration") {
        Seen::Side { cause: errors::cause(message), agent: false }
    } else if contains("during HTTP request for Remote Configuration") {
        Seen::Beside
    } else if contains("Parsing the Datadog Agent")
        || contains("Agent returned response without a body")
        || contains(" included an invalid sample rate")
    {
        Seen::Trouble("agent.not_an_agent")
    } else if contains("Unexpected response status ") {
        Seen::lost(number_after(message, "response status ").map(errors::refusal), None)
    } else if contains("Unable to set agent URL") || contains("Unable to set unix socket path") {
        Seen::Trouble("agent.bad_url")
    } else if contains("Error sending traces") || contains("Error occurred during HTTP request") {
        lost(None)
    } else if contains("Unexpected error submitting traces")
        || contains("Datadog Agent returned response with non-success")
        || contains("submitting traces to datadog agent")
        || contains("code from datadog agent")
        || contains("agent_writer error ")
        || contains("Error setting agent request")
    {
        lost(Some("agent.unreachable"))
    } else {
        Seen::Line
    })
}
