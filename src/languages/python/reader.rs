//! Reads lines of the Python tracer: records of the `logging` module, in the tracer's own format or in another one with
//! the logger's name.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, human_size, number_after, word_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: "Python",
    logs_success: true,
    logs_spans: true,
    logs_ends: true,
    marks: &[
        ("[ddtrace.", read),
        ("DEBUG:ddtrace", read),
        ("INFO:ddtrace", read),
        ("WARNING:ddtrace", read),
        ("ERROR:ddtrace", read),
        ("[ddtrace] [", read_root),
        ("- - DATADOG TRACER ", bare),
        ("- DATADOG TRACER CONFIGURATION - {", bare),
        ("- DATADOG TRACER DIAGNOSTIC - ", bare),
        ("finishing span - Span(", bare),
        ("finishing span name=", bare),
        ("Starting span: <Span(id=", bare),
        ("Encoding 1 spans. ", bare),
        (" spans. Spans processed: ", encoding),
        ("failed to send traces to ", bare),
        ("Failed to send traces to Datadog Agent", bare),
        ("failed to send, dropping ", bare),
        ("failed_to_send traces to ", bare),
        ("cannot send spans to ", bare),
        ("cannot send services to ", bare),
        ("failed_to_send services to ", bare),
        ("UploadFailed: Unable to upload profile", |_| Some(("python", Seen::Beside))),
        ("failed to send telemetry to ", bare),
        ("error sending spans", short),
        ("Queuing trace with ", bare),
        ("Response 200 OK length:", short),
        ("Got response: ", answer),
        ("sent ", size),
        ("Sending request: ", bare),
        ("Updated DatadogSampler with ", bare),
        ("Unable to parse Datadog Agent JSON response", bare),
        ("Cannot parse Datadog Agent response", bare),
        ("Empty reply from Datadog Agent", bare),
        ("unsupported endpoint 'v0.", bare),
        ("unsupported endpoint '/v0.", bare),
        ("Calling endpoint 'v0.", bare),
        ("Calling endpoint '/v0.", bare),
        ("Shutting down tracer with ", bare),
        ("trace buffer (", bare),
        ("trace (", bare),
        ("Trace is too big to fit in a payload", bare),
        ("Trace is larger than the max payload size", bare),
        ("native HTTP client connection to ", bare),
        ("Failed to send Instrumentation Telemetry", bare),
        ("Failed to re-point the trace exporter", bare),
        ("Failed to build the native telemetry worker", bare),
        ("Agent is down or Remote Config is not enabled", bare),
        ("debugger::unsupported_agent", bare),
        ("Datadog Remote Config Poller sent request", bare),
        ("Configured ddtrace instrumentation for ", bare),
        ("ddtrace logs will be routed to ", bare),
        ("initialized DatadogSampler(", bare),
        ("initialized RateSampler, ", bare),
        ("failed to enable ddtrace support for ", bare),
        (" in intake URL '", |place| {
            Some(("python", Seen::Trouble("agent.bad_url"))).filter(|_| place.before().contains("protocol"))
        }),
        ("ValueError: Builder Invalid builder input: Invalid URI", bad_url),
        ("ValueError: Port could not be cast to integer value as ", exception),
        ("/ddtrace/__init__.py\", line ", |_| Some(("python", Seen::Frame))),
        ("/ddtrace/tracer.py\", line ", |_| Some(("python", Seen::Frame))),
        ("/ddtrace/_trace/tracer.py\", line ", |_| Some(("python", Seen::Frame))),
        ("/ddtrace/internal/agent.py\", line ", |_| Some(("python", Seen::Frame))),
        ("libdd_trace_utils::send_with_retry: ", native_part),
        ("libdd_data_pipeline::trace_exporter: ", native_part),
        ("libdd_data_pipeline::agent_info::fetcher: ", native_part),
        ("libdd_telemetry::", |_| Some(("python", Seen::Beside))),
        ("has been rate limited by the tracer", |_| Some(("python", Seen::RateLimited))),
    ],
};

/// Reads a message behind any frame: no other program has such words.
fn bare<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    Some(("python", seen(place.from_word())?))
}

/// Reads a message of a few common words, which is the tracer's only where a message may begin.
fn short<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    place.begins_message().then(|| bare(place)).flatten()
}

/// Reads `Encoding 2 spans. Spans processed: …` without a frame, from the words behind the number.
fn encoding<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let at = place.before().rfind("Encoding ")?;
    Some(("python", seen(&place.line[at..])?))
}

/// Reads `Got response: 200 OK`, which other programs say too.
fn answer<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let (id, seen) = short(place)?;
    let seen = match seen {
        Seen::Answered { taken } => Seen::AnsweredBare { taken },
        seen => seen,
    };
    Some((id, seen))
}

/// Reads `sent 630B in 0.01411s to http://localhost:8126/v0.4/traces`, short words that need the rest.
fn size<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let digits = place.rest().starts_with(|c: char| c.is_ascii_digit());
    (digits && place.rest().contains("s to ") && place.rest().contains("/traces")).then(|| bare(place)).flatten()
}

/// Reads an exception about a URL that may be the application's own.
fn exception<'a>(_: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    Some(("python", Seen::Exception("agent.bad_url")))
}

/// Reads an exception about the Agent's URL.
fn bad_url<'a>(_: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    Some(("python", Seen::Trouble("agent.bad_url")))
}

/// Reads a line of the tracer's part in Rust.
fn native_part<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let rest = place.rest();
    let cause = errors::answered(rest).or_else(|| errors::cause(rest));
    let seen = match place.from_word() {
        word if word.starts_with("libdd_data_pipeline::agent_info") => {
            Seen::Side { cause: errors::cause(rest), agent: true }
        }
        _ if rest.contains("Max retries exceeded") || rest.contains("Error sending traces") => {
            // The line of the part in Python follows it, and counts.
            Seen::Failed { cause, traces: 0, lost: false, echo: true }
        }
        _ => Seen::Line,
    };
    Some(("python", seen))
}

/// Loggers of other products than traces, behind `ddtrace.`.
const OTHER_PRODUCTS: [&str; 16] = [
    "profiling",
    "internal.profiling",
    "debugging",
    ".debugging",
    "appsec",
    ".appsec",
    "llmobs",
    ".llmobs",
    ".profiling",
    "internal.remoteconfig",
    ".internal.remoteconfig",
    "internal.telemetry",
    ".internal.telemetry",
    "vendor.dogstatsd",
    ".vendor.dogstatsd",
    "internal.datastreams",
];

fn read<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = message(place.rest())?;
    let seen = match native::or_ours(seen(message), message) {
        Seen::Line if OTHER_PRODUCTS.iter().any(|logger| place.rest().starts_with(logger)) => Seen::Beside,
        seen => seen,
    };
    Some(("python", seen))
}

/// Reads a record of the logger `ddtrace` itself; PHP's lines have the same word.
fn read_root<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    place.rest().split(']').next()?.contains(".py:").then(|| read(place)).flatten()
}

/// Returns the message of what follows the beginning of the logger's name.
pub fn message(rest: &str) -> Option<&str> {
    match after(rest, "] - ") {
        Some(message) => Some(message),
        // `DEBUG:ddtrace.tracer:message`, or a format without a place.
        None => after(rest, "]: ").or_else(|| after(rest, "] ")).or_else(|| after(rest, ":")),
    }
}

/// Returns the reason for a failure: the status of the answer, or the error's words. `None` if the line has none; then a
/// traceback follows, or another line has it.
fn reason(message: &str) -> Option<&'static str> {
    if message.contains("Agent empty response") {
        return Some("agent.not_an_agent");
    }
    errors::answered(message).or_else(|| errors::cause(message))
}

/// Reads a failure to send what is no trace.
fn other_product(message: &str) -> Option<Seen<'static>> {
    let place = message.split(" after ").next().unwrap_or(message);
    let other = ["evp_proxy", "llmobs", "/telemetry", "/profiling", "/debugger", "datadoghq.", "/api/v2/"];
    other.iter().any(|word| place.contains(word)).then(|| Seen::Side { cause: errors::cause(message), agent: false })
}

pub fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    Some(match message.as_bytes().first()? {
        b'f' if starts("finishing span ") => {
            if message.ends_with("(enabled:False)") {
                return Some(Seen::Off);
            }
            Seen::Finished(word_after(message, "span_id=").or_else(|| word_after(message, " id="))?)
        }
        b'f' if starts("failed to send traces to ") => {
            // Without a status, a traceback follows, or the rest of this line is the native writer's error.
            other_product(message).unwrap_or_else(|| Seen::lost(reason(message), None))
        }
        b'F' if starts("Failed to send traces to ") => Seen::lost(reason(message), None),
        b'f' if starts("failed_to_send traces to ") => Seen::lost(reason(message), None),
        b'c' if starts("cannot send spans to ") => Seen::lost(reason(message), None),
        b'f' if starts("failed_to_send services to ") => {
            Seen::Side { cause: errors::answered(message).or_else(|| errors::cause(message)), agent: false }
        }
        b'c' if starts("cannot send services to ") => Seen::Side { cause: errors::cause(message), agent: true },
        b'f' if starts("failed to send telemetry to ") => Seen::Side { cause: errors::cause(message), agent: false },
        b'i' if starts("initialized DatadogSampler(") || starts("initialized RateSampler, ") => Seen::Line,
        b'd' if starts("ddtrace logs will be routed to ") => Seen::Line,
        b'D' if starts("Datadog Remote Config Poller") => Seen::Beside,
        b'e' if message.trim_end() == "error sending spans" => Seen::lost(reason(message), None),
        b'f' if starts("failed to send, dropping ") => {
            let lost = || Seen::lost(reason(message), number_after(message, "dropping "));
            other_product(message).unwrap_or_else(lost)
        }
        b'Q' if starts("Queuing trace with ") => Seen::Written(number_after(message, "with ")?),
        b'R' if starts("Response 200 OK length:") => Seen::sent(None, 0),
        b'U' if starts("Updated DatadogSampler with ") => Seen::Rates,
        b'U' if starts("Unable to parse Datadog Agent JSON response") => Seen::Trouble("agent.not_an_agent"),
        b'C' if starts("Cannot parse Datadog Agent response") => Seen::Trouble("agent.not_an_agent"),
        b'E' if starts("Empty reply from Datadog Agent") => Seen::Trouble("agent.not_an_agent"),
        b'n' if starts("native HTTP client connection to ") => {
            Seen::Side { cause: errors::cause(after(message, " failed: ").unwrap_or_default()), agent: true }
        }
        b'F' if starts("Failed to send Instrumentation Telemetry") => {
            Seen::Side { cause: errors::cause(after(message, "Error: ").unwrap_or_default()), agent: false }
        }
        b'F' if starts("Failed to re-point the trace exporter") || starts("Failed to build the native telemetry") => {
            Seen::Beside
        }
        b'A' if starts("Agent is down or Remote Config is not enabled") => Seen::Beside,
        b'd' if starts("debugger::unsupported_agent") => Seen::Beside,
        b'T' if starts("Trace is too big to fit") || starts("Trace is larger than the max") => {
            Seen::Dropped { reason: "too_large", spans: 0, traces: 1 }
        }
        b'f' if starts("failed to enable ddtrace support") => Seen::Trouble("integration.failed"),
        b'S' if starts("Starting span: ") => Seen::Started(word_after(message, "Span(id=")?),
        b'S' if starts("Sending request: ") && message.contains("/traces") => {
            Seen::Sending { traces: number_after(message, "'X-Datadog-Trace-Count': '").unwrap_or(0) }
        }
        b'S' if starts("Shutting down tracer with ") => {
            Seen::Unfinished { spans: number_after(message, "with ")?, sure: true }
        }
        b'E' if starts("Encoding ") => Seen::Written(number_after(message, "Encoding ")?),
        b's' if starts("sent ") => Seen::Size(human_size(&message[5..])),
        b'G' if starts("Got response: 2") && message.contains(" sent ") => {
            Seen::sent(None, after(message, " sent ").map_or(0, human_size))
        }
        b'G' if starts("Got response: ") => Seen::Answered { taken: starts("Got response: 2") },
        b'u' if starts("unsupported endpoint ") => {
            Seen::lost(number_after(message, "received response ").map(errors::refusal), None)
        }
        b'C' if starts("Calling endpoint ") => {
            let cause = number_after(message, "but received ").map(errors::refusal);
            Seen::Failed { cause, traces: 0, lost: false, echo: false }
        }
        b'C' if starts("Configured ddtrace instrumentation") => Seen::Integration,
        b't' if starts("trace buffer (") => Seen::Dropped { reason: "queue_full", spans: 0, traces: 1 },
        b't' if starts("trace (") && message.contains("larger than payload buffer") => {
            Seen::Dropped { reason: "too_large", spans: 0, traces: 1 }
        }
        b'D' if starts("DD_") && message.contains(" is invalid ") => Seen::Trouble("setting.rejected"),
        b'-' if starts("- DATADOG TRACER CONFIGURATION") || starts("- - DATADOG TRACER CONFIGURATION") => {
            Seen::Config(Config::read(message)?.into())
        }
        b'-' if message.contains("DATADOG TRACER DIAGNOSTIC - ") => {
            Seen::Failed { cause: errors::cause(message), traces: 0, lost: false, echo: false }
        }
        _ => return None,
    })
}
