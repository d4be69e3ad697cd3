//! The lines of the Ruby tracer: records of Ruby's `Logger`, with the tracer's name as the program's and again before
//! the message, so that they can be found in an application's log. Debug records and errors name the place in the
//! tracer that logs them. `pretty.rs` prints spans.
//!
//! Host events with lines of this tracer: `integrations.loaded` {names}, `integration.failed` {name, available, loaded,
//! compatible, patchable, error}, `remote_config.unchanged` {}, `remote_config.failed` {error}. Every other kind reads
//! `kind: name=value, …`.

mod pretty;

use crate::counters::Reason;
use crate::event::{Event, SendError, SendErrorClass};
use crate::languages::agent::host_and_port;
use crate::languages::language::Form;
use crate::languages::line::{Frame, Line};
use crate::languages::native::own;
use crate::languages::text::{general, inline, inline_value, object};
use crate::level::Level;
use serde_json::{json, Value};
use std::borrow::Cow;
use std::fmt::Write;

/// A place in the tracer's source: file below `lib/`, line, method.
type Place = (&'static str, u32, &'static str);

const CONFIGURED_THEN: Place = ("ddtrace/diagnostics/environment_logger.rb", 31, "log_environment!");
const CONFIGURED: Place = ("datadog/core/diagnostics/environment_logger.rb", 15, "log_configuration!");
const INTEGRATIONS: Place = ("datadog/core/diagnostics/environment_logger.rb", 19, "log_debug!");
const AGENT_ERROR_THEN: Place = ("ddtrace/diagnostics/environment_logger.rb", 35, "log_error!");
const AGENT_ERROR: Place = ("datadog/core/diagnostics/environment_logger.rb", 23, "log_error!");
const WRITING_THEN: Place = ("ddtrace/tracer.rb", 371, "write");
const WRITING: Place = ("datadog/tracing/tracer.rb", 600, "write");
const REFUSED: Place = ("datadog/core/transport/http/client.rb", 38, "block in send_request");
const UNREACHED_THEN: Place = ("ddtrace/transport/http/client.rb", 38, "rescue in send_request");
const UNREACHED: Place = ("datadog/tracing/transport/http/client.rb", 35, "on_exception");
const TOO_LARGE: Place = ("datadog/tracing/transport/traces.rb", 86, "block in encode_one");
const PROPAGATION: Place = ("datadog/tracing/configuration/settings.rb", 111, "block");
const UNCHANGED: Place = ("datadog/core/remote/client.rb", 120, "apply");

pub(crate) fn lines(form: Form, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
    let voice = Voice { form, frame };
    let page = form == Form::Page;
    let mut say = |level, place, message: &str| out.push(voice.record(level, place, message));
    match event {
        Event::TracerConfigured { fields, agent_url, agent_error, .. } => {
            // It leaves out what is not set.
            let there = fields.iter().filter(|(_, value)| !value.is_null());
            let config = object(there.map(|(name, value)| (name.as_str(), Cow::Borrowed(value))));
            match form {
                Form::Page => {
                    say(Level::Info, Some(CONFIGURED_THEN), &format!("DATADOG TRACER CONFIGURATION - {config}"))
                }
                Form::Source => {
                    say(Level::Info, Some(CONFIGURED), &format!("DATADOG CONFIGURATION - TRACING - {config}"));
                    // Today's tracer has no such line, but people search for it in the logs of every language.
                    say(Level::Info, Some(CONFIGURED), &format!("DATADOG TRACER CONFIGURATION - {config}"));
                }
            }
            let Some(error) = agent_error else { return };
            let why = voice.unreached(agent_url, error).0;
            if page {
                let text = format!("DATADOG TRACER DIAGNOSTIC - Agent Error: {why}");
                say(Level::Warn, Some(AGENT_ERROR_THEN), &text);
            } else {
                let error = object([("agent_error", Cow::Owned(Value::from(why)))].into_iter());
                say(Level::Warn, Some(AGENT_ERROR), &format!("DATADOG ERROR - TRACING - Agent Error: {error}"));
            }
        }
        Event::IntegrationLoaded { name, version, status } => match status.trim() {
            status if status.starts_with("error") || status.starts_with("incompatible") => {
                say(Level::Warn, None, &format!("Unable to patch {} ({})", inline(name), inline(status)));
            }
            status => {
                let on = matches!(status, "" | "ok" | "loaded");
                say(Level::Debug, Some(INTEGRATIONS), &integrations(std::iter::once((*name, *version)), on));
            }
        },
        Event::ChunkEnqueued { spans, list, .. } => {
            let place = if page { WRITING_THEN } else { WRITING };
            for message in pretty::written(form, *spans, list) {
                say(Level::Debug, Some(place), &message);
            }
        }
        Event::AgentRefused { status, .. } if !page => {
            let unsupported = matches!(status, 404 | 415);
            let text = format!(
                "send_request :traces failed: #<Datadog::Tracing::Transport::HTTP::Traces::Response ok?:false \
                 unsupported?:{unsupported} code:{status}>"
            );
            say(Level::Debug, Some(REFUSED), &text);
        }
        Event::AgentUnreachable { url, error, first, .. } => {
            // The first one is an error, the following ones are debug.
            let level = if *first { Level::Error } else { Level::Debug };
            let (why, frame) = voice.unreached(url, error);
            let (what, place) = match form {
                Form::Page => ("HTTP transport", UNREACHED_THEN),
                Form::Source => ("Datadog::Tracing::Transport::HTTP::Client", UNREACHED),
            };
            say(level, Some(place), &format!("Internal error during {what} request. Cause: {why}{frame}"));
        }
        Event::SpansDropped { reason: Reason::TooLarge, .. } => {
            // The tracer shows an object that does not exist here.
            let text = "Dropping trace. Payload too large: '#<Datadog::Tracing::TraceSegment …>'";
            say(Level::Debug, Some(TOO_LARGE), text);
        }
        Event::SettingRejected { name, value, why, .. } if name.contains("SAMPLING_RULES") => {
            let rules = inline_value(name, value);
            let text = format!(
                "Could not parse trace sampling rules '{rules}': JSON::ParserError: {}",
                inline(&why.to_string())
            );
            say(Level::Warn, None, &text);
        }
        Event::SettingRejected { name, value, .. } if name.contains("PROPAGATION_STYLE") => {
            let text = format!("Unsupported propagation style: {}", inline_value(name, value));
            say(Level::Warn, Some(PROPAGATION), &text);
        }
        Event::HostText { level, target, text } => {
            let mut line = voice.record(*level, None, &inline(text));
            if !target.is_empty() {
                line.logger = Cow::Owned((*target).to_string());
            }
            out.push(line);
        }
        Event::HostEvent { kind, fields } => {
            let (level, place, text) = host_event(kind, fields);
            say(level, place, &text);
        }
        other => {
            if let Some(words) = own(frame.about, other) {
                say(other.level(), None, &format!("spanwire: {words}"));
            }
        }
    }
}

/// Who speaks, and in which words.
struct Voice<'a> {
    form: Form,
    frame: &'a Frame<'a>,
}

impl Voice<'_> {
    fn name(&self) -> &'static str {
        match self.form {
            Form::Page => "ddtrace",
            Form::Source => "datadog",
        }
    }

    /// Appends a record. The message follows time, process, level and both names: a `Logger` of the host adds those
    /// itself.
    fn record(&self, level: Level, place: Option<Place>, message: &str) -> Line {
        let (letter, word) = match level {
            Level::Off | Level::Error => ('E', "ERROR"),
            Level::Warn => ('W', "WARN"),
            Level::Info => ('I', "INFO"),
            Level::Debug | Level::Trace => ('D', "DEBUG"),
        };
        let (time, name, pid) = (self.frame.local(), self.name(), self.frame.pid);
        let mut prefix = String::with_capacity(192);
        let _ = write!(prefix, "{letter}, [{:04}-{:02}-{:02}T", time.year, time.month, time.day);
        let _ = write!(prefix, "{:02}:{:02}:{:02}.{:06}", time.hour, time.minute, time.second, time.micro);
        let _ = write!(prefix, " #{pid}] {word:>5} -- {name}: [{name}] ");
        if let Some((file, line, method)) = place.filter(|_| self.frame.debug || level == Level::Error) {
            let version = inline(&self.frame.about.tracer_version);
            let dash = if version.is_empty() { "" } else { "-" };
            let quote = self.quote();
            let _ = write!(prefix, "(/usr/local/bundle/gems/{name}{dash}{version}/lib/{file}:{line}");
            let _ = write!(prefix, ":in {quote}{method}') ");
        }
        Line::new(level, name, prefix, message)
    }

    /// Returns Ruby's version, or the one that was current at the form's time.
    fn ruby(&self) -> (u32, u32) {
        let mut parts = self.frame.about.language_version.split('.').map(str::parse);
        match (parts.next(), parts.next(), self.form) {
            (Some(Ok(major)), Some(Ok(minor)), _) => (major, minor),
            (_, _, Form::Page) => (2, 7),
            (_, _, Form::Source) => (3, 3),
        }
    }

    /// Returns the quote in front of a method's name.
    fn quote(&self) -> char {
        if self.ruby() < (3, 4) {
            '`'
        } else {
            '\''
        }
    }

    /// Formats why the agent was not reached, as `Net::HTTP` does, and where that was raised, which is known for
    /// failures to connect only.
    fn unreached(&self, url: &str, error: &SendError) -> (String, String) {
        let (host, port) = host_and_port(url);
        let socket = port == 0;
        // A socket's path ends where the request's begins.
        let host = inline(host.rfind("/v0.").filter(|_| socket).map_or(host, |end| &host[..end]));
        let opening = |why: &str| match socket {
            true => why.to_string(),
            false => format!("Failed to open TCP connection to {host}:{port} ({why})"),
        };
        let (class, why, raised) = match error.class() {
            SendErrorClass::Refused => {
                let whom = if socket { host.to_string() } else { format!("\"{host}\" port {port}") };
                ("Errno::ECONNREFUSED", opening(&format!("Connection refused - connect(2) for {whom}")), !socket)
            }
            SendErrorClass::NotResolved => ("SocketError", opening("getaddrinfo: Name or service not known"), true),
            SendErrorClass::NoAnswer => {
                ("Net::ReadTimeout", "Net::ReadTimeout with #<TCPSocket:(closed)>".into(), false)
            }
            SendErrorClass::TimedOut => ("Net::OpenTimeout", opening("execution expired"), false),
            SendErrorClass::Other => ("", inline(&error.to_string()).into_owned(), false),
        };
        let why = if self.form == Form::Page || class.is_empty() { why } else { format!("{class}: {why}") };
        if !raised {
            return (why, String::new());
        }
        let ((major, minor), quote) = (self.ruby(), self.quote());
        let line = if self.form == Form::Page { 987 } else { 1665 };
        let raised =
            format!(" Location: /usr/local/lib/ruby/{major}.{minor}.0/net/http.rb:{line}:in {quote}initialize'");
        (why, raised)
    }
}

/// Returns the integrations and their versions as the fields of an object.
fn integrations<'a>(list: impl Iterator<Item = (&'a str, &'a str)>, on: bool) -> String {
    let settings = |version: &str| match version {
        "" => json!({ "enabled": on }),
        version => json!({ "enabled": on, "version": inline(version) }),
    };
    let list: Vec<_> = list.map(|(name, version)| (inline(name), settings(version))).collect();
    let list = object(list.iter().map(|(name, settings)| (name.as_ref(), Cow::Borrowed(settings))));
    format!("DATADOG CONFIGURATION - TRACING INTEGRATIONS - {list}")
}

fn host_event(kind: &str, fields: &[(&str, &str)]) -> (Level, Option<Place>, String) {
    let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    match (kind, field("name"), field("names")) {
        ("integrations.loaded", _, Some(names)) => {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            (Level::Debug, Some(INTEGRATIONS), integrations(names.map(|name| (name, "")), true))
        }
        ("integration.failed", Some(name), _) => {
            let known = [
                ("Available?: ", field("available")),
                ("Loaded? ", field("loaded")),
                ("Compatible? ", field("compatible")),
                ("Patchable? ", field("patchable")),
                ("", field("error")),
            ];
            let known: Vec<_> =
                known.into_iter().filter_map(|(what, value)| Some(format!("{what}{}", inline(value?)))).collect();
            (Level::Warn, None, format!("Unable to patch {} ({})", inline(name), known.join(", ")))
        }
        ("remote_config.unchanged", ..) => (Level::Debug, Some(UNCHANGED), "remote: no changes".into()),
        ("remote_config.failed", ..) => {
            let error = inline(field("error").unwrap_or_default());
            (Level::Error, None, format!("remote worker client sync error: {error}. skipping sync"))
        }
        _ => (Level::Debug, None, general(kind, fields)),
    }
}

#[cfg(test)]
mod tests;
