//! The lines of the .NET tracer: those of its managed code, and those of its native code, which have a file of their
//! own. The page's form has the lines of the tracer of 2020 (decimal ids, the properties on a line of their own), or
//! today's where that tracer had none. [`host`] has the lines of events that the host reports.

mod exception;
mod host;
mod span;

use crate::counters::Reason;
use crate::event::{DropDetail, Event, SendError};
use crate::languages::flare::as_host_event;
use crate::languages::language::Form;
use crate::languages::line::{Frame, Line, NATIVE_CODE};
use crate::languages::native::own;
use crate::languages::text::{escaped, inline, number, object};
use crate::level::Level;
use crate::zone::Moment;
use crate::{redact, sys};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// The logger of managed code.
const MANAGED: &str = "managed";
/// How often the tracer tries before a failure is an error. Ours tries for longer: every so many tries are an error.
const TRIES: u32 = 5;
const GUIDANCE: &str =
    "https://docs.datadoghq.com/tracing/troubleshooting/connection_errors/?code-lang=dotnet for guidance.";

/// Appends records in one form.
struct Speaker<'a, 'f> {
    form: Form,
    frame: &'a Frame<'f>,
    out: &'a mut Vec<Line>,
}

impl Speaker<'_, '_> {
    /// Appends a record of managed code.
    fn say(&mut self, level: Level, message: &str) {
        self.throw(level, message, "");
    }

    /// Appends a record with an exception, which may have several lines.
    fn throw(&mut self, level: Level, message: &str, exception: &str) {
        let prefix = self.prefix(level);
        let mut text = String::with_capacity(message.len() + exception.len() + 160);
        text.push_str(message);
        self.skipped(&mut text);
        self.close(&mut text, exception);
        self.out.push(Line::new(level, MANAGED, prefix, &text));
    }

    /// `2026-11-24 16:06:35.147 +00:00 [DBG] `.
    fn prefix(&self, level: Level) -> String {
        let now = self.frame.local();
        let Moment { year, month, day, hour, minute, second, micro, .. } = now;
        let milli = micro / 1_000;
        let word = match level {
            Level::Off | Level::Error => "ERR",
            Level::Warn => "WRN",
            Level::Info => "INF",
            Level::Debug => "DBG",
            Level::Trace => "VRB",
        };
        let offset = now.offset_text(":");
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{milli:03} {offset} [{word}] ")
    }

    fn skipped(&self, message: &mut String) {
        if self.frame.held_back.events > 0 {
            let _ = write!(message, ", {} additional messages skipped", self.frame.held_back.events);
        }
    }

    /// Appends the end of a record: the exception, and the properties of the process.
    fn close(&self, text: &mut String, exception: &str) {
        let (about, pid) = (self.frame.about, self.frame.pid);
        let (process, service) = (inline(&about.process), inline(&about.service));
        let _ = match self.form {
            Form::Page => {
                let between = if exception.is_empty() { "" } else { "\n" };
                write!(
                    text,
                    "{between}{exception}\n{{ MachineName: \".\", ProcessName: \"{process}\", PID: {pid}, \
                     AppDomainName: \"{service}\" }}"
                )
            }
            Form::Source => write!(
                text,
                " {exception} {{ MachineName: \".\", Process: \"[{pid} {process}]\", AppDomain: \"[1 {service}]\", \
                 TracerVersion: \"{}\" }}",
                four_parts(&inline(&about.tracer_version))
            ),
        };
    }

    /// Appends a record of native code from the thread with this kernel id; `None` for the calling one.
    fn native(&mut self, level: Level, thread: Option<&str>, message: &str) {
        let word = match level {
            Level::Off | Level::Error => "error",
            Level::Warn => "warning",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        };
        let pid = self.frame.pid;
        let prefix = match self.form {
            Form::Page => format!("[{}] {pid}: [{word}] ", inline(&self.frame.about.process)),
            Form::Source => {
                let Moment { year, month, day, hour, minute, second, micro, .. } = self.frame.local();
                let (year, half, hour) =
                    (year.rem_euclid(100), if hour < 12 { "AM" } else { "PM" }, (hour + 11) % 12 + 1);
                let milli = micro / 1_000;
                let thread = thread.map_or_else(|| self.thread().to_string(), str::to_owned);
                format!(
                    "{month:02}/{day:02}/{year:02} {hour:02}:{minute:02}:{second:02}.{milli:03} {half} \
                     [{pid}|{thread}] [{word}] "
                )
            }
        };
        self.out.push(Line::new(level, NATIVE_CODE, prefix, message));
    }

    /// Returns the calling thread; for another process its first thread, which has the process's id.
    fn thread(&self) -> u32 {
        if self.frame.pid == sys::pid() {
            sys::thread_id()
        } else {
            self.frame.pid
        }
    }

    /// Appends a warning or an error in our words.
    fn own(&mut self, event: &Event<'_>) {
        if let Some(words) = own(self.frame.about, event) {
            self.say(event.level(), &format!("spanwire: {}", inline(&words)));
        }
    }
}

pub(crate) fn lines(form: Form, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
    let to = &mut Speaker { form, frame, out };
    match *event {
        Event::TracerConfigured { fields, .. } => {
            to.say(Level::Info, &format!("DATADOG TRACER CONFIGURATION - {}", configuration(fields, &frame.local())));
        }
        Event::SettingRejected { name: "DD_TRACE_SAMPLING_RULES", why, .. } => {
            to.throw(Level::Warn, "Unable to parse the trace sampling rules.", &inline(&why.to_string()));
        }
        Event::TraceDecided { trace } => {
            // The limit is on the traces of a second.
            if let Some(limit) = trace.limited_to {
                let id = span::trace_id(form, trace.trace_id);
                to.say(Level::Warn, &host::limited(&id, &number(limit).to_string(), "1000"));
            }
        }
        Event::SpanStarted { span, .. } => to.say(Level::Debug, &span::started(form, span)),
        Event::SpanFinished { span, standing } => {
            if standing.leaves && standing.open > 0 {
                let (id, trace, waiting) = (span.span_id, span::trace_id(form, span.trace_id), standing.finished);
                to.say(
                    Level::Debug,
                    &format!(
                        "Closing span {id} triggered a partial flush of trace {trace} with {waiting} pending spans"
                    ),
                );
            }
            to.say(Level::Debug, &span::closed(form, span));
        }
        // One flush may be tried several times.
        Event::PayloadSending { spans, traces, attempt: 0 | 1, .. } => {
            let flushing = format!("Flushing {spans} spans across {traces} traces. CanComputeStats is disabled.");
            to.say(Level::Debug, &flushing);
            to.say(Level::Debug, &format!("Sending {traces} traces to the Datadog Agent."));
        }
        Event::PayloadSent { traces, .. } => {
            let whom = if form == Form::Page { "DD agent" } else { "Datadog Agent." };
            to.say(Level::Debug, &format!("Successfully sent {traces} traces to the {whom}"));
        }
        Event::AgentRefused { status: 429, traces, .. } => to.say(
            Level::Debug,
            &format!(
                "Failed to submit {traces} traces. Agent responded with 429 Too Many Requests, retry after unspecified"
            ),
        ),
        Event::AgentRefused { status, answer, .. } => {
            let answer = inline(answer.trim_end());
            let message = format!("Failed to submit traces with status code {status} and message: {answer}");
            to.say(Level::Error, &message);
        }
        Event::AgentUnreachable { url, error, attempt, retry, .. } => unreachable(to, url, error, attempt, retry),
        Event::SpansDropped { reason, traces, detail: DropDetail::NoRoom(queue), .. } => {
            let too_large = if reason == Reason::TooLarge { traces } else { 0 };
            let (full, most) = (traces - too_large, queue.max_bytes);
            to.say(
                Level::Warn,
                &format!(
                    "Traces were dropped since the last flush operation: {too_large} exceeded the trace buffer limit \
                     of {most} bytes, {full} found both buffers full, 0 found one buffer full and the other \
                     unavailable while being flushed, and 0 found both buffers unavailable while being flushed."
                ),
            );
        }
        Event::TracerStopped { timed_out, spans_lost, spans_unknown, .. }
            if timed_out || spans_lost + spans_unknown > 0 =>
        {
            to.say(Level::Warn, "Could not flush all traces before process exit");
            if spans_unknown > 0 {
                to.own(event);
            }
        }
        Event::HostText { level, target: NATIVE_CODE, text } => to.native(level, None, &inline(text)),
        Event::HostText { level, text, .. } => to.say(level, &inline(text)),
        Event::HostEvent { kind, fields } => host::event(to, kind, fields),
        Event::FlareSent { .. } | Event::FlareFailed { .. } => {
            as_host_event(event, &mut |kind, fields| host::event(to, kind, fields));
        }
        _ => to.own(event),
    }
}

/// Appends that a payload did not arrive. The page prints the exception in place of the endpoint, and people search for
/// that. If the line has more to say, it has the endpoint there and the exception below.
fn unreachable(to: &mut Speaker<'_, '_>, url: &str, error: &SendError, attempt: u32, retry: bool) {
    let endpoint = inline(&redact::url(url)).into_owned();
    let (level, message) = match to.form {
        _ if retry && !attempt.is_multiple_of(TRIES) => {
            let message = format!("An error occurred while sending data to the agent at {endpoint}. Retrying.");
            to.say(Level::Debug, &message);
            if exception::of_socket(error) {
                to.say(Level::Debug, &format!("Unable to communicate with the trace agent at {endpoint}"));
            }
            return;
        }
        Form::Page if exception::refused(url, error) && to.frame.held_back.events == 0 => {
            let mut text = String::from("An error occurred while sending traces to the agent at ");
            text.push_str(exception::PAGE_REFUSED);
            to.close(&mut text, "");
            let prefix = to.prefix(Level::Error);
            to.out.push(Line::new(Level::Error, MANAGED, prefix, &text));
            return;
        }
        Form::Page => (Level::Error, format!("An error occurred while sending traces to the agent at {endpoint}")),
        Form::Source => (
            Level::Error,
            format!(
                "An error occurred while sending data to the agent at {endpoint}. If the error isn't transient, \
                 please check {GUIDANCE}"
            ),
        ),
    };
    let exception = exception::exception(to.form, url, error);
    to.throw(level, &message, &exception);
}

/// Returns the start-up line's object with the names that this tracer spells differently.
fn configuration(fields: &[(String, Value)], now: &Moment<'_>) -> String {
    let mut shown: Vec<(&str, Cow<'_, Value>)> = Vec::with_capacity(fields.len() + 1);
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("date", _) => shown.push((name, Cow::Owned(round_trip(now).into()))),
            ("agent_url", Value::String(url)) if url.starts_with("http") && !url.ends_with('/') => {
                shown.push((name, Cow::Owned(format!("{url}/").into())));
            }
            ("agent_error", Value::Null) => shown.push(("agent_reachable", Cow::Owned(true.into()))),
            ("agent_error", Value::String(error)) => {
                shown.push(("agent_reachable", Cow::Owned(false.into())));
                shown.push((name, Cow::Owned(escaped(redact::text(error)).into())));
            }
            _ => shown.push((name, Cow::Borrowed(value))),
        }
    }
    object(shown.into_iter())
}

/// `2026-11-24T16:06:35.1475630+00:00`.
fn round_trip(now: &Moment<'_>) -> String {
    let Moment { year, month, day, hour, minute, second, micro, .. } = *now;
    let offset = now.offset_text(":");
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}0{offset}")
}

/// Formats a version as assemblies have it.
fn four_parts(version: &str) -> String {
    let mut version = version.to_owned();
    let numbers = |version: &str| version.split('.').all(|part| part.parse::<u16>().is_ok());
    while numbers(&version) && version.split('.').count() < 4 {
        version.push_str(".0");
    }
    version
}

#[cfg(test)]
mod tests;
