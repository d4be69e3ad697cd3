//! The lines of the Node.js tracer: plain texts, one console call each. An `Error` has `Error: ` before its message, as
//! the console shows it; a logger of the host gets the message alone. `json.rs` formats spans and requests as JSON.
//!
//! The page also shows objects of the logger bunyan, which that logger makes. A binding calls the logger's `error` with
//! an `Error` made from the record's message (at other levels, with the message), or writes the object itself: `level`
//! is 50 for error, then 40, 30, 20 and 10; `msg` and `err.message` are the message; `err.stack` is the whole record,
//! with frames of the host below it.
//!
//! Host events with lines of this tracer: `integrations.loaded` {names}, `flare.failed` {error},
//! `remote_config.failed` {error}. A missing field is left out, as is an empty second record. Every other
//! kind reads `kind: name=value, …`.

mod json;

use crate::counters::Reason;
use crate::event::{DropDetail, Event, SendError, SendErrorClass};
use crate::languages::agent::{host_and_port, ip_of};
use crate::languages::flare::as_host_event;
use crate::languages::language::Form;
use crate::languages::line::{Frame, Line};
use crate::languages::native::own;
use crate::languages::text::{general, inline, inline_value, object, reason_phrase};
use crate::level::Level;
use crate::redact;
use crate::settings::Rejection;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// The tracer has one logger, and this name for it with bunyan.
const LOGGER: &str = "dd-trace";
/// What the console shows before an error's message.
const ERROR: &str = "Error: ";
/// The same for an answer that refuses a payload, in today's tracer.
const NOT_TRANSMITTED: &str = "NoTransmitError: ";

pub(crate) fn lines(form: Form, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
    let page = form == Form::Page;
    match event {
        Event::TracerConfigured { fields, agent_url, agent_error, .. } => {
            let there = fields.iter().filter(|(_, value)| !value.is_null());
            let config = object(there.map(|(name, value)| match (form, name.as_str(), value) {
                // This tracer keeps a URL object.
                (Form::Source, "agent_url", Value::String(url)) => {
                    (name.as_str(), Cow::Owned(Value::from(json::of_url_object(url))))
                }
                _ => (name.as_str(), Cow::Borrowed(value)),
            }));
            say(out, Level::Warn, &format!("DATADOG TRACER CONFIGURATION - {config}"));
            if let Some(error) = agent_error {
                let why = unreached(form, agent_url, error);
                say(out, Level::Warn, &format!("DATADOG TRACER DIAGNOSTIC - Agent Error: {why}"));
            }
        }
        Event::IntegrationLoaded { name, version, status } => integration(name, version, status, out),
        Event::ChunkEnqueued { list, .. } if !list.is_empty() => {
            for text in json::trace(form, frame, list) {
                say(out, Level::Debug, &text);
            }
        }
        Event::PayloadSending { url, traces, .. } => {
            say(out, Level::Debug, &json::request(form, frame.about, url, *traces));
        }
        Event::PayloadSent { answer, .. } => {
            // No release has the page's spelling, but people search for it. Agents without rates answer `OK` or nothing.
            let (who, answer) = (if page { "Agent" } else { "agent" }, answer.trim());
            let answer = if page && answer.is_empty() { Cow::Borrowed("OK") } else { inline(answer) };
            say(out, Level::Debug, &format!("Response from the {who}: {answer}"));
        }
        Event::AgentRefused { status, .. } if page => {
            say(out, Level::Error, &format!("Error from the Agent: {status} {}", reason_phrase(*status)));
        }
        Event::AgentRefused { url, status, answer, .. } => {
            say(out, Level::Error, &format!("Error sending payload to the agent (status code: {status})"));
            let mut text = format!("Error from {}: {status} {}.", inline(&redact::url(url)), reason_phrase(*status));
            if !answer.is_empty() {
                let _ = write!(text, " Response from the endpoint: \"{}\"", inline(answer));
            }
            out.push(Line::new(Level::Error, LOGGER, NOT_TRANSMITTED.into(), &text));
        }
        Event::AgentUnreachable { url, error, .. } => {
            if !page {
                say(out, Level::Error, "Error sending payload to the agent (status code: undefined)");
            }
            fail(out, &unreached(form, url, error));
        }
        Event::SpansDropped { reason: Reason::QueueFull | Reason::Memory, .. } => {
            say(out, Level::Debug, "Maximum number of active requests reached: payload is discarded.");
        }
        Event::SpansDropped { reason: Reason::TooLarge, traces, detail, .. } => {
            let limit = match detail {
                DropDetail::SpanTooLarge { max_bytes } => format!("{max_bytes} byte "),
                _ => String::new(),
            };
            fail(out, &format!("Writer dropped {traces} trace(s) that exceeded the {limit}chunk cap"));
        }
        Event::SettingRejected { name, value, why: Rejection::NoSuchSetting { .. }, .. } => {
            let value = quoted(&inline_value(name, value));
            say(out, Level::Warn, &format!("Unknown option {} with value {value}", inline(name)));
        }
        Event::HostText { level, target, text } => {
            let logger = if target.is_empty() { Cow::Borrowed(LOGGER) } else { Cow::Owned((*target).to_string()) };
            out.push(Line::new(*level, logger, String::new(), &inline(text)));
        }
        Event::HostEvent { kind, fields } => host_event(kind, fields, out),
        Event::FlareSent { .. } | Event::FlareFailed { .. } => {
            as_host_event(event, &mut |kind, fields| host_event(kind, fields, out));
        }
        other => {
            if let Some(words) = own(frame.about, other) {
                say(out, other.level(), &format!("spanwire: {words}"));
            }
        }
    }
}

fn say(out: &mut Vec<Line>, level: Level, text: &str) {
    out.push(Line::new(level, LOGGER, String::new(), text));
}

/// Formats an `Error` object, without the stack, which only the host knows.
fn fail(out: &mut Vec<Line>, message: &str) {
    out.push(Line::new(Level::Error, LOGGER, ERROR.into(), message));
}

fn integration(name: &str, version: &str, status: &str, out: &mut Vec<Line>) {
    match status.trim() {
        "" | "ok" | "loaded" => integrations(std::iter::once(name), out),
        status if status.starts_with("incompatible") => {
            let at = if version.is_empty() { "" } else { "@" };
            let text = format!("Found incompatible integration version: {}{at}{}", inline(name), inline(version));
            say(out, Level::Info, &text);
        }
        status => host_event("integration", &[("name", name), ("version", version), ("status", status)], out),
    }
}

fn integrations<'a>(names: impl Iterator<Item = &'a str>, out: &mut Vec<Line>) {
    let mut list = String::new();
    for name in names {
        list.push_str(if list.is_empty() { "" } else { "," });
        json::string(&mut list, &inline(name));
    }
    say(out, Level::Warn, &format!("DATADOG TRACER INTEGRATIONS LOADED - [{list}]"));
}

fn host_event(kind: &str, fields: &[(&str, &str)], out: &mut Vec<Line>) {
    let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    match (kind, field("names")) {
        ("integrations.loaded", Some(names)) => {
            integrations(names.split(',').map(str::trim).filter(|name| !name.is_empty()), out);
        }
        ("flare.failed" | "remote_config.failed", _) => {
            match kind {
                "flare.failed" => fail(out, "Error sending flare payload"),
                _ => say(out, Level::Error, "[RC] Error in request"),
            }
            if let Some(error) = field("error").filter(|error| !error.is_empty()) {
                fail(out, &inline(error));
            }
        }
        _ => {
            say(out, Level::Debug, &general(kind, fields));
        }
    }
}

/// Formats why the agent was not reached, as Node's HTTP client does.
fn unreached(form: Form, url: &str, error: &SendError) -> String {
    let (base, _) = json::split(url);
    let (host, port) = host_and_port(base);
    let place = if port == 0 { host.to_string() } else { format!("{}:{port}", ip_of(host)) };
    let reason = match error.class() {
        SendErrorClass::Refused => Cow::Owned(format!("connect ECONNREFUSED {}", inline(&place))),
        // It closes the socket of a request without an answer.
        SendErrorClass::NoAnswer => Cow::Borrowed("socket hang up"),
        SendErrorClass::TimedOut => Cow::Owned(format!("connect ETIMEDOUT {}", inline(&place))),
        SendErrorClass::NotResolved => Cow::Owned(format!("getaddrinfo ENOTFOUND {}", inline(host))),
        SendErrorClass::Other if form == Form::Source && error.is_closed() => Cow::Borrowed("socket hang up"),
        SendErrorClass::Other if form == Form::Source && error.errno() == Some(libc::ECONNRESET) => {
            Cow::Borrowed("read ECONNRESET")
        }
        SendErrorClass::Other if form == Form::Source && error.errno() == Some(libc::ENOENT) => {
            Cow::Owned(format!("connect ENOENT {}", inline(&place)))
        }
        SendErrorClass::Other if form == Form::Source && error.errno() == Some(libc::EACCES) => {
            Cow::Owned(format!("connect EACCES {}", inline(&place)))
        }
        SendErrorClass::Other => Cow::Owned(inline(&error.to_string()).into_owned()),
    };
    match form {
        Form::Page => format!("Network error trying to reach the agent: {reason}"),
        Form::Source => reason.into_owned(),
    }
}

/// Formats a text as `%o` does: in the first kind of quotes that it does not contain.
fn quoted(text: &str) -> String {
    let free = ['\'', '"', '`'].into_iter().find(|quote| !text.contains(*quote));
    match free {
        Some(quote) => format!("{quote}{text}{quote}"),
        None => format!("'{}'", text.replace('\'', "\\'")),
    }
}

#[cfg(test)]
mod tests;
