//! Reads lines of the .NET tracer: records of Serilog, which an application may use too. An unknown message is the
//! tracer's only if the tracer's properties follow it.

use crate::languages::native::reader as native;
use crate::languages::reading::config::Config;
use crate::languages::reading::{after, errors, number, number_after, word_after, LogReader, Place, Seen};

pub static READER: LogReader = LogReader {
    name: ".NET",
    logs_success: true,
    logs_spans: true,
    logs_ends: true,
    marks: &[
        ("[DBG] ", read_line),
        ("[INF] ", read_line),
        ("[WRN] ", read_line),
        ("[ERR] ", read_line),
        ("| DD-TRACE-DOTNET ", read_line),
        ("An error occurred while sending ", bare),
        ("An error occured while sending ", bare),
        ("An error occurred while serializing traces", bare),
        ("An error occurred while generating http request to send data to the agent", bare),
        ("Trace buffer is full", bare),
        ("Failed to submit ", bare),
        ("Traces sent successfully to the Agent at ", bare),
        ("Unable to read response for failed request with status code ", bare),
        (" traces were dropped since the last flush operation", dropped),
        ("Error when invoking managed method: Datadog.Trace.", |_| {
            Some(("dotnet", Seen::Trouble("tracing.not_started")))
        }),
        ("DATADOG TRACER DIAGNOSTICS - ", diagnostic),
        ("[debug] JITCompilationStarted", |_| Some(("dotnet", Seen::Line))),
    ],
};

/// Whether a diagnostic is .NET's; PHP's begin with the same words.
fn is_diagnostic(message: &str) -> bool {
    ["- Profiler disabled", "- Failed to attach profiler", "- Error fetching configuration", "- Partial flush should"]
        .iter()
        .any(|words| message.contains(words))
}

/// Reads a diagnostic of the native part.
fn diagnostic<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let message = place.from_word();
    let seen = match message {
        _ if !is_diagnostic(message) => return None,
        _ if message.contains("- Profiler disabled") => Seen::Off,
        _ if message.contains("- Failed to attach") => Seen::Trouble("tracing.not_started"),
        _ if message.contains("- Error fetching") => Seen::Trouble("setting.rejected"),
        _ => Seen::Line,
    };
    Some(("dotnet", seen))
}

/// Reads a number of dropped traces in another format.
fn dropped<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let digits = place.before().bytes().rev().take_while(u8::is_ascii_digit).count();
    Some(("dotnet", seen(&place.line[place.start - digits..])?))
}

/// Reads a message in another format, or in a JSON record.
fn bare<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    Some(("dotnet", seen(place.from_word())?))
}

fn read_line<'a>(place: &Place<'a>) -> Option<(&'static str, Seen<'a>)> {
    let rest = place.rest();
    let framed = rest.contains("] ") && place.from_word().starts_with('|');
    read(if framed { after(rest, "] ")? } else { rest }).map(|seen| ("dotnet", seen))
}

fn read(message: &str) -> Option<Seen<'_>> {
    let ours = message.strip_prefix("spanwire: ").unwrap_or(message);
    let known = seen(message).or_else(|| native::seen(ours));
    known.or_else(|| message.contains("TracerVersion: ").then_some(Seen::Line))
}

fn seen(message: &str) -> Option<Seen<'_>> {
    let starts = |word: &str| message.starts_with(word);
    Some(match message.as_bytes().first()? {
        b'S' if starts("Span started: [s_id: ") => Seen::Started(word_after(message, "s_id: ")?),
        b'S' if starts("Span closed: [s_id: ") => Seen::Finished(word_after(message, "s_id: ")?),
        b'S' if starts("Sending ") && message.contains(" traces to the D") => {
            Seen::Sending { traces: number_after(message, "Sending ")? }
        }
        b'S' if starts("Successfully sent ") && message.contains(" traces to the D") => {
            Seen::sent(number_after(message, "sent "), 0)
        }
        b'F' if starts("Flushing ") && message.contains(" spans across ") => {
            Seen::Written(number_after(message, "Flushing ")?)
        }
        b'F' if starts("Failed to submit stats") => Seen::Side { cause: errors::answered(message), agent: false },
        b'0'..=b'9' if message.contains(" traces were dropped since the last flush operation") => {
            Seen::Dropped { reason: "queue_full", spans: 0, traces: number(message)? }
        }
        b'T' if starts("Traces sent successfully to the Agent at ") => Seen::Trouble("agent.not_an_agent"),
        b'U' if starts("Unable to read response for failed request with status code ") => {
            Seen::lost(number_after(message, "status code ").map(errors::refusal), None)
        }
        b'A' if starts("An error occurred while serializing traces") => {
            Seen::Dropped { reason: "serialization", spans: 0, traces: 0 }
        }
        b'A' if starts("An error occurred while generating http request to send data to the agent") => {
            Seen::lost(Some(errors::cause(message).unwrap_or("agent.bad_url")), None)
        }
        b'F' if starts("Failed to submit traces with status code ") => {
            Seen::lost(number_after(message, "status code ").map(errors::refusal), None)
        }
        b'F' if starts("Failed to submit ") && message.contains("Agent responded with 429") => {
            Seen::lost(Some("agent.http_429"), number_after(message, "submit "))
        }
        b'T' if starts("Trace buffer is full") => Seen::Dropped { reason: "queue_full", spans: 0, traces: 1 },
        b'A' if starts("An error occurred while sending telemetry") => {
            Seen::Side { cause: errors::cause(message), agent: false }
        }
        b'A' if (starts("An error occurred while sending ") || starts("An error occured while sending "))
            && message.contains(" to the agent at ") =>
        {
            // If there is no error here, the exception is on the next line.
            let error = after(message, " to the agent at ").unwrap_or_default();
            let url = error.split(' ').next().unwrap_or(error);
            if ["/stats", "/telemetry", "/profiling", "/config", "/debugger", "/evp_proxy", "/tracer_flare"]
                .iter()
                .any(|path| url.contains(path))
            {
                return Some(Seen::Side { cause: errors::cause(error), agent: false });
            }
            let lost = !message.contains(". Retrying.");
            let cause = errors::answered(error).or_else(|| errors::cause(error));
            Seen::Failed { cause, traces: 0, lost, echo: !lost }
        }
        b'U' if starts("Unable to communicate with the trace agent") => {
            Seen::Failed { cause: errors::cause(message), traces: 0, lost: false, echo: true }
        }
        b'U' if starts("Unable to parse the trace sampling rules") => Seen::Trouble("setting.rejected"),
        b'V' if starts("Value ") && message.contains(" has incorrect format for tag ") => {
            Seen::Trouble("setting.rejected")
        }
        b'T' if starts("Traces were dropped since the last flush operation: ") => {
            let too_large = number_after(message, "operation: ")?;
            let full: u64 =
                message.split(", ").skip(1).filter_map(|part| number(part.trim_start_matches("and "))).sum();
            let reason = if full > 0 { "queue_full" } else { "too_large" };
            Seen::Dropped { reason, spans: 0, traces: too_large + full }
        }
        b'R' if starts("Rate limiter dropped a trace ") => Seen::RateLimited,
        b'D' if starts("DATADOG TRACER CONFIGURATION - ") => Seen::Config(Config::read(message)?.into()),
        b'C' if starts("Could not flush all traces before process exit") => Seen::Trouble("spans.shutdown"),
        _ => return None,
    })
}
