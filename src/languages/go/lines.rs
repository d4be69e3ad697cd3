//! The Go tracer's lines: `2026/11/24 16:06:35 Datadog Tracer v1.39.0 DEBUG: …`. A logger of the host gets everything
//! but the time, like a logger that a Go program sets. `log/aggregate.rs` gathers repeated errors by their template.
//! Warnings and errors for which the tracer has no line begin with `spanwire: `.
//!
//! Host events for which the tracer has a line: `remote_config.received` {paths, payload}, `remote_config.failed`
//! {error or status}.

mod abandoned;
mod span;

use crate::counters::Reason;
use crate::event::{Event, SendError, SendErrorClass};
use crate::languages::agent::{host_and_port, ip_of, reason_of_agent};
use crate::languages::language::Form;
use crate::languages::line::{Frame, Line};
use crate::languages::native::own;
use crate::languages::text::{escaped, general, inline, object};
use crate::level::Level;
use crate::os_error::OsError;
use crate::redact;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::{Display, Write};

/// How many bytes of an agent's answer an error shows.
const ANSWER_MAX: usize = 1_000;

/// The format strings that errors of one kind share.
mod template {
    pub const LOST: &str = "lost %d traces: %v";
    pub const RETRY: &str = "failure sending traces (attempt %d), will retry: %v";
    pub const QUEUE_FULL: &str = "payload queue full, dropping %d traces";
    pub const QUEUE_FULL_NOW: &str = "%d traces dropped through payload queue";
    pub const TOO_LARGE: &str = "trace buffer full (%d), dropping trace";
    pub const TOO_LARGE_NOW: &str = "trace buffer full (%d spans), dropping trace";
}

pub(crate) fn lines(form: Form, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
    let source = form == Form::Source;
    let debug = || Writer::new(frame, Level::Debug);
    let (warn, error) = (|| Writer::new(frame, Level::Warn), || Writer::new(frame, Level::Error));
    match event {
        Event::TracerConfigured { fields, agent_url, agent_error, abandoned_spans } => {
            if *abandoned_spans {
                out.push(Writer::new(frame, Level::Info).say("Abandoned spans logs enabled.").line());
            }
            let traces = format!("{}/v0.4/traces", agent_url.trim_end_matches('/'));
            let error = agent_error.map(|error| post_error(source, &traces, error));
            let diagnostic =
                error.as_ref().map(|error| warn().say("DIAGNOSTICS Unable to reach agent intake: ").say(error).line());
            let configured = Writer::new(frame, Level::Info).say("DATADOG TRACER CONFIGURATION ");
            if source {
                // Today's tracer logs the failure first, and shows it and the whole URL in its start-up line.
                out.extend(diagnostic);
                let fields = todays(fields, &traces, error.unwrap_or_default());
                out.push(configured.say(&configuration(&fields)).line());
            } else {
                out.push(configured.say(&configuration(fields)).line());
                out.extend(diagnostic);
            }
        }
        Event::SettingRejected { name, value, why, .. } => {
            let scheme = value.split_once("://").map(|(scheme, _)| scheme);
            match (*name, scheme) {
                ("DD_TRACE_SAMPLING_RULES", _) => {
                    let line = warn().say("DIAGNOSTICS Error(s) parsing DD_TRACE_SAMPLING_RULES: ");
                    out.push(line.say(&inline(&why.to_string())).line());
                }
                ("DD_TRACE_AGENT_URL", Some(scheme)) if !matches!(scheme, "http" | "https" | "unix") => {
                    let line = warn().put(format_args!("Unsupported protocol \"{}\" in Agent URL ", inline(scheme)));
                    let line = line.put(format_args!("\"{}\". Must be one of: http, https, unix.", url(value)));
                    out.push(line.line());
                }
                _ => out.extend(ours(frame, event)),
            }
        }
        Event::SpanStarted { span, .. } => out.push(debug().span("Started", source, frame, span).line()),
        Event::SpanFinished { span, .. } if source => out.push(debug().span("Finished", source, frame, span).line()),
        Event::ChunkEnqueued { spans, complete: false, .. } => {
            out.push(debug().put(format_args!("Partial flush triggered with {spans} finished spans")).line());
        }
        // Only the page has the final dot, but people search for the page's line.
        Event::PayloadSending { bytes, traces, .. } => out.push(if source {
            debug().put(format_args!("Attempt to send payload: size: {bytes} traces: {traces}")).line()
        } else {
            debug().put(format_args!("Sending payload: size: {bytes} traces: {traces}.")).line()
        }),
        Event::PayloadSent { attempt, .. } if source => {
            out.push(debug().put(format_args!("sent traces after {attempt} attempts")).line());
        }
        Event::AgentRefused { status, answer, traces, attempt, retry, .. } => {
            let reason = reason_of_agent(*status);
            // An answer mostly ends in a new line, which today's tracer leaves where it is.
            let end = if source && answer.ends_with('\n') { "\n" } else { "" };
            let shown = if source { inline(answer.trim_end_matches('\n')) } else { inline(answer) };
            let error = match &*shown {
                "" if answer.is_empty() || !source => reason.to_string(),
                shown => format!("{}{end} (Status: {reason})", beginning(shown, ANSWER_MAX)),
            };
            out.push(not_sent(frame, *traces, *attempt, *retry, &error));
        }
        Event::AgentUnreachable { url, error, traces, attempt, retry, .. } => {
            out.push(not_sent(frame, *traces, *attempt, *retry, &post_error(source, url, error)));
        }
        Event::SpansDropped { reason: Reason::QueueFull, spans, traces, .. } => {
            if source {
                out.push(debug().put(format_args!("payload queue full, trace dropped {spans} spans")).line());
                let line = error().put(format_args!("{traces} traces dropped through payload queue"));
                out.push(line.like(template::QUEUE_FULL_NOW));
            } else {
                let line = error().put(format_args!("payload queue full, dropping {traces} traces"));
                out.push(line.like(template::QUEUE_FULL));
            }
        }
        Event::SpansDropped { reason: Reason::TooLarge, spans, .. } => {
            let (unit, template) = if source { (" spans", template::TOO_LARGE_NOW) } else { ("", template::TOO_LARGE) };
            out.push(error().put(format_args!("trace buffer full ({spans}{unit}), dropping trace")).like(template));
        }
        Event::SpansOverdue { spans, open, .. } => {
            let level = if source { Level::Warn } else { Level::Info };
            abandoned::list(frame, level, *spans, open, out);
        }
        Event::HostText { level, target, text } => {
            let mut line = Writer::new(frame, *level).say(&inline(text)).line();
            if !target.is_empty() {
                line.logger = target.to_string().into();
            }
            out.push(line);
        }
        Event::HostEvent { kind, fields } => out.push(host_event(debug(), kind, fields).line()),
        _ => out.extend(ours(frame, event)),
    }
}

fn ours(frame: &Frame<'_>, event: &Event<'_>) -> Option<Line> {
    own(frame.about, event).map(|message| Writer::new(frame, event.level()).say("spanwire: ").say(&message).line())
}

fn not_sent(frame: &Frame<'_>, traces: u64, attempt: u32, retry: bool, error: &str) -> Line {
    let line = Writer::new(frame, Level::Error);
    if retry {
        line.put(format_args!("failure sending traces (attempt {attempt}), will retry: {error}")).like(template::RETRY)
    } else {
        line.put(format_args!("lost {traces} traces: {error}")).like(template::LOST)
    }
}

/// Formats the error of Go's HTTP client, or our words if that is not known.
fn post_error(source: bool, to: &str, error: &SendError) -> String {
    let url = url(to);
    let (host, port) = host_and_port(&url);
    let quote = if source { "\"" } else { "" };
    // Today's HTTP client makes a host name of a socket's path.
    let url = match (source, port) {
        (true, 0) => {
            let path = host.strip_suffix("/v0.4/traces").unwrap_or(host);
            Cow::Owned(format!("http://UDS_{}{}", path.replace(['/', ':', '\\'], "_"), &host[path.len()..]))
        }
        _ => Cow::Borrowed(&*url),
    };
    let post = format!("Post {quote}{url}{quote}: ");
    let dial = match port {
        0 => format!("dial unix {}: ", host.strip_suffix("/v0.4/traces").unwrap_or(host)),
        port => format!("dial tcp {}:{port}: ", ip_of(host)),
    };
    match error.class() {
        SendErrorClass::Refused => post + &dial + "connect: connection refused",
        SendErrorClass::NoAnswer => {
            let what = if source { "context deadline exceeded" } else { "net/http: request canceled" };
            post + what + " (Client.Timeout exceeded while awaiting headers)"
        }
        SendErrorClass::TimedOut => post + &dial + "i/o timeout",
        SendErrorClass::NotResolved => post + "dial tcp: lookup " + host + ": no such host",
        SendErrorClass::Other if source && error.is_closed() => post + "EOF",
        SendErrorClass::Other => match error.errno() {
            Some(errno) if source && port == 0 => post + &dial + "connect: " + &OsError::Errno(errno).plain(),
            _ => post + &inline(&error.to_string()),
        },
    }
}

fn host_event(line: Writer, kind: &str, fields: &[(&str, &str)]) -> Writer {
    let field = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| inline(value));
    match (kind, field("paths"), field("payload"), field("status"), field("error")) {
        ("remote_config.received", Some(path), raw, ..) => {
            let line = line.say("Processing config from RC. Path: ").say(&path);
            match raw {
                Some(raw) => line.say(". Raw: ").say(&raw),
                None => line,
            }
        }
        ("remote_config.failed", _, _, Some(status), _) => {
            let line = line.say("remoteconfig: http request error: response status code is not 200 (OK) but ");
            match status.parse() {
                Ok(status) => line.say(reason_of_agent(status)),
                Err(_) => line.say(&status),
            }
        }
        ("remote_config.failed", _, _, None, Some(error)) => line.say("remoteconfig: http request error: ").say(&error),
        _ => line.say(&general(kind, fields)),
    }
}

/// Returns the fields of today's start-up line.
fn todays(fields: &[(String, Value)], traces_url: &str, agent_error: String) -> Vec<(String, Value)> {
    let mut fields = fields.to_vec();
    for (name, value) in &mut fields {
        match name.as_str() {
            "agent_url" => *value = Value::from(url(traces_url).into_owned()),
            "agent_error" => *value = Value::from(agent_error.as_str()),
            _ => {}
        }
    }
    fields
}

/// Formats the settings as Go's `encoding/json` does, which escapes HTML; no error is an empty text.
fn configuration(fields: &[(String, Value)]) -> String {
    let json = object(fields.iter().map(|(name, value)| {
        let value = match value {
            Value::Null if name == "agent_error" => Cow::Owned(Value::from("")),
            value => Cow::Borrowed(value),
        };
        (name.as_str(), value)
    }));
    let escapes = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') || c.is_control();
    if !json.contains(escapes) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 32);
    for c in json.chars() {
        if escapes(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn url(url: &str) -> Cow<'_, str> {
    escaped(redact::url(url))
}

/// Returns at most so many bytes, cut at a character.
fn beginning(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "ERROR",
        Level::Warn => "WARN",
        Level::Info => "INFO",
        Level::Off | Level::Debug | Level::Trace => "DEBUG",
    }
}

/// A record under construction.
struct Writer {
    level: Level,
    text: String,
    message_at: usize,
}

impl Writer {
    fn new(frame: &Frame<'_>, level: Level) -> Writer {
        let (at, version) = (frame.local(), &frame.about.tracer_version);
        let mut text = String::with_capacity(256);
        let _ = write!(
            text,
            "{:04}/{:02}/{:02} {:02}:{:02}:{:02} ",
            at.year, at.month, at.day, at.hour, at.minute, at.second
        );
        let message_at = text.len();
        text.push_str("Datadog Tracer ");
        if !version.is_empty() {
            text.push_str(if version.starts_with('v') { "" } else { "v" });
            text.push_str(&inline(version));
            text.push(' ');
        }
        text.push_str(level_name(level));
        text.push_str(": ");
        Writer { level, text, message_at }
    }

    fn say(mut self, words: &str) -> Writer {
        self.text.push_str(words);
        self
    }

    fn put(mut self, value: impl Display) -> Writer {
        let _ = write!(self.text, "{value}");
        self
    }

    fn line(self) -> Line {
        self.like("")
    }

    /// Makes an error with the template that it shares with its repetitions.
    fn like(self, template: &'static str) -> Line {
        let Writer { level, text, message_at } = self;
        Line { level, logger: Cow::Borrowed("ddtrace"), text, message_at, template, host_only: false }
    }
}

#[cfg(test)]
mod tests;
