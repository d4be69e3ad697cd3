//! Requests to the agent in the words of release 4. A native part of the tracer sends the payloads there, and logs on its
//! own: the tracer's line does not name the system's error, only the native part's line before it does.

use super::{url, Say, Writer};
use crate::event::{SendError, SendErrorClass};
use crate::languages::agent::host_and_port;
use crate::languages::line::{Frame, Line};
use crate::languages::text::{inline, iso_time, reason_phrase};
use crate::level::Level;
use crate::os_error::OsError;
use serde_json::Value;
use std::borrow::Cow;

/// Where the tracer's lines about payloads come from: one function that all of them go through.
pub const SAFELOG: (&str, &str) = ("ddtrace.internal.writer.writer", "writer.py:112");
const SAMPLER: (&str, &str) = ("ddtrace._trace.sampler", "sampler.py:132");
const HTTP: (&str, &str) = ("ddtrace.internal.http", "http.py:133");
/// The native part's logger, and its statement.
const EXPORTER: &str = "libdd_data_pipeline::trace_exporter";
const EXPORTER_AT: &str = "/.cargo/git/checkouts/libdatadog-fb268e227e330049/8fffdf9/libdd-data-pipeline/src/\
                           trace_exporter/mod.rs:879";

/// Appends the only sign that a payload was taken: the rates in the agent's answer.
pub fn taken(answer: &str, say: &mut Say<'_>) {
    let answer: Option<Value> = serde_json::from_str(answer).ok();
    let rates = answer.as_ref().and_then(|answer| answer.get("rate_by_service")?.as_object());
    if let Some(rates) = rates {
        say(Level::Debug, SAMPLER, &|line| {
            line.put(format_args!(
                "Updated DatadogSampler with {} service based sampling rates (provided by the agent)",
                rates.len()
            ));
        });
    }
}

/// Appends that a payload was refused.
pub fn refused(to: &str, traces: u64, status: u16, answer: &str, say: &mut Say<'_>) {
    let reason = reason_phrase(status);
    lost(to, traces, &format!("Error code: {status} {reason}, Response: {}", inline(answer.trim())), say);
}

/// Appends that a payload was not answered.
pub fn unanswered(to: &str, traces: u64, error: &SendError, say: &mut Say<'_>) {
    let reason = match error.class() {
        SendErrorClass::TimedOut | SendErrorClass::NoAnswer => "timed out".into(),
        _ => format!("Network error: {}", stage(error)),
    };
    lost(to, traces, &reason, say);
}

fn lost(to: &str, traces: u64, reason: &str, say: &mut Say<'_>) {
    say(Level::Error, SAFELOG, &|line| {
        line.put(format_args!("failed to send, dropping {traces} traces to intake at {to}: {reason}"));
    });
}

/// Appends the look-up that the tracer makes when the agent cannot be reached at the start.
pub fn looked_up(agent_url: &str, error: &SendError, say: &mut Say<'_>) {
    let (host, port) = host_and_port(agent_url);
    let result = match error.class() {
        _ if port == 0 => return,
        SendErrorClass::NotResolved => "failed: [Errno -2] Name or service not known",
        SendErrorClass::Refused => "succeeded; the failure is not name resolution",
        _ => return,
    };
    say(Level::Debug, HTTP, &|line| {
        line.say("native HTTP client connection to ").say(&url(agent_url)).say(" failed: ");
        line.say("DNS resolution for host '").say(&inline(host)).say("' ").say(result);
    });
}

/// Returns the native part's line, which names the error of the system.
pub fn native(frame: &Frame<'_>, error: &SendError, attempts: u32) -> Line {
    let mut line = Writer(iso_time(frame.time_ns));
    // It prints microseconds.
    line.0.pop();
    line.put(format_args!("{:03}Z ERROR ThreadId(03) {EXPORTER}: {EXPORTER_AT}: ", frame.time_ns / 1_000 % 1_000));
    let message_at = line.0.len();
    line.say("Error sending traces err=");
    match error.class() {
        SendErrorClass::TimedOut | SendErrorClass::NoAnswer => line.put(format_args!("Timeout({attempts})")),
        _ => line.put(format_args!("Network(Network({}\n\nCaused by:\n{}), {attempts})", stage(error), cause(error))),
    };
    Line {
        level: Level::Error,
        logger: Cow::Borrowed(EXPORTER),
        text: line.0,
        message_at,
        template: "",
        host_only: false,
    }
}

/// Returns what the HTTP client was doing: connecting, or sending on a connection.
fn stage(error: &SendError) -> &'static str {
    let sending = error.is_closed() || matches!(error.errno(), Some(libc::ECONNRESET | libc::EPIPE));
    if sending {
        "client error (SendRequest)"
    } else {
        "client error (Connect)"
    }
}

/// Returns the chain of causes as the native part prints it: numbered if there are several.
fn cause(error: &SendError) -> String {
    let chain = |first: &str, second: String| format!("    0: {first}\n    1: {second}");
    match (error.class(), error.errno()) {
        (SendErrorClass::Refused, _) => chain("tcp connect error", system(libc::ECONNREFUSED)),
        (SendErrorClass::NotResolved, _) => {
            chain("dns error", "failed to lookup address information: Name or service not known".into())
        }
        (_, Some(errno @ libc::ECONNRESET)) => chain("connection error", system(errno)),
        (_, Some(errno)) => format!("    {}", system(errno)),
        _ if error.is_closed() => "    connection closed before message completed".into(),
        _ => format!("    spanwire: {}", inline(&error.to_string())),
    }
}

fn system(errno: i32) -> String {
    OsError::Errno(errno).to_string()
}
