//! The lines of the Java tracer: which event makes which line, with which class and thread. The page's form has the
//! lines of the tracer of 2020 (`DDSpan`, `PendingTrace`, `DDApi`), or today's where that tracer had none. [`Layout`]
//! lays out a record; [`host`] has the lines of events that the host reports.

mod config;
mod date;
mod exception;
mod host;
mod layout;
mod span;

pub use layout::Layout;

use crate::counters::Reason;
use crate::event::{Event, SendError, SpanView, Totals};
use crate::languages::agent::reason_of_agent;
use crate::languages::flare::as_host_event;
use crate::languages::language::Form;
use crate::languages::line::{Frame, Line};
use crate::languages::native::own;
use crate::languages::text::{inline, object, reason_phrase};
use crate::level::Level;
use crate::redact;
use layout::{Exception, Record};
use serde_json::Value;
use std::borrow::Cow;

/// The level of lines about requests.
const EXCLUDED: &str = "EXCLUDE_TELEMETRY";
/// The logger of lines in our words.
const OURS: &str = "spanwire";

/// A name that differs between the forms.
struct Named {
    page: &'static str,
    source: &'static str,
}

const SPAN: Named = Named { page: "datadog.trace.agent.ot.DDSpan", source: "datadog.trace.agent.core.DDSpan" };
const PENDING: Named =
    Named { page: "datadog.trace.agent.ot.PendingTrace", source: "datadog.trace.agent.core.PendingTrace" };
const API: Named = Named {
    page: "datadog.trace.agent.common.writer.DDApi",
    source: "datadog.trace.agent.common.writer.ddagent.DDAgentApi",
};
const CONFIG: Named =
    Named { page: "datadog.trace.agent.ot.DDTracer", source: "datadog.trace.agent.core.StatusLogger" };
/// The thread that sends payloads.
const SENDING: Named = Named { page: "dd-trace-writer", source: "dd-trace-processor" };
/// The thread that starts the tracer.
const STARTING: Named = Named { page: "main", source: "dd-task-scheduler" };

const WRITER: &str = "datadog.trace.agent.common.writer.RemoteWriter";
const DISPATCHER: &str = "datadog.trace.agent.common.writer.PayloadDispatcherImpl";
const PROCESSOR: &str = "datadog.trace.agent.common.writer.TraceProcessingWorker";
const DISCOVERY: &str = "datadog.communication.ddagent.DDAgentFeaturesDiscovery";

impl Named {
    fn of(&self, form: Form) -> &'static str {
        match form {
            Form::Page => self.page,
            Form::Source => self.source,
        }
    }
}

/// Appends records in one form.
struct Speaker<'a, 'f> {
    form: Form,
    frame: &'a Frame<'f>,
    out: &'a mut Vec<Line>,
}

impl Speaker<'_, '_> {
    fn say(&mut self, thread: &str, level: Level, logger: impl Into<Cow<'static, str>>, message: &str) {
        self.throw(thread, level, logger, message, None);
    }

    fn throw(
        &mut self,
        thread: &str,
        level: Level,
        logger: impl Into<Cow<'static, str>>,
        message: &str,
        exception: Option<&Exception>,
    ) {
        self.record(Record { level, shown: None, thread, logger: logger.into(), message, exception });
    }

    fn record(&mut self, record: Record<'_>) {
        self.out.push(Layout::of(&self.frame.about.layout).line(self.form, self.frame, record));
    }

    /// Appends a record about a request to the agent. Today's tracer gives it a level that keeps it out of its
    /// telemetry, whatever its level is otherwise.
    fn request(
        &mut self,
        thread: &str,
        level: Level,
        logger: &'static str,
        message: &str,
        exception: Option<&Exception>,
    ) {
        let shown = (self.form == Form::Source).then_some(EXCLUDED);
        self.record(Record { level, shown, thread, logger: logger.into(), message, exception });
    }

    /// Appends a record of the thread that sends.
    fn sender(&mut self, level: Level, logger: &'static str, message: &str) {
        self.say(SENDING.of(self.form), level, logger, message);
    }

    /// Appends a warning or an error in our words.
    fn own(&mut self, event: &Event<'_>) {
        if let Some(words) = own(self.frame.about, event) {
            self.say(self.frame.thread, event.level(), OURS, &format!("spanwire: {}", inline(&words)));
        }
    }
}

pub(crate) fn lines(form: Form, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
    let to = &mut Speaker { form, frame, out };
    let thread = frame.thread;
    match *event {
        Event::TracerConfigured { fields, agent_url, agent_error, .. } => {
            configured(to, fields, agent_url, agent_error)
        }
        Event::SpanStarted { span, .. } if form == Form::Source => {
            let thread = of_span(span, thread);
            let mut message = String::from("Started span: ");
            span::print(form, span, false, &mut message);
            to.say(thread, Level::Debug, SPAN.source, &message);
        }
        Event::SpanFinished { span, standing } => {
            let thread = of_span(span, thread);
            let mut message = String::with_capacity(256);
            message.push_str(match (form, standing.open, standing.leaves) {
                (Form::Page, ..) => "Finished: ",
                (_, 0, true) => "Finished span (WRITTEN): ",
                (_, _, true) => "Finished span (PARTIAL_FLUSH): ",
                _ if span.local_root => "Finished span (ROOT_BUFFERED): ",
                _ => "Finished span (PENDING): ",
            });
            span::print(form, span, true, &mut message);
            to.say(thread, Level::Debug, SPAN.of(form), &message);
            if form == Form::Page && standing.open > 0 {
                expired(to, thread, span.trace_id, standing.open);
            }
        }
        Event::ChunkEnqueued { trace_id, spans, complete, agent_url, list, .. } => match form {
            Form::Page if complete => {
                let thread = list.first().map_or(thread, |root| of_span(root, thread));
                let url = traces_url(agent_url);
                let message = format!("Writing {spans} spans to DDAgentWriter {{ api=DDApi {{ tracesUrl={url} }} }}.");
                to.say(thread, Level::Debug, PENDING.page, &message);
                expired(to, thread, trace_id, 0);
            }
            Form::Page => {
                let message = format!("Writing partial trace {} of size {spans}", span::id(trace_id));
                to.say(thread, Level::Debug, PENDING.page, &message);
            }
            Form::Source => {
                let mut message = String::from("Enqueued for serialization: ");
                span::list(list, spans, &mut message);
                to.say(thread, Level::Debug, WRITER, &message);
                if !complete {
                    let message = format!("t_id={} -> wrote partial trace of size {spans}", span::id(trace_id));
                    to.say(thread, Level::Debug, PENDING.source, &message);
                }
            }
        },
        Event::PayloadSent { url, bytes, traces, recovered, totals, .. } => match form {
            Form::Page => {
                let message = format!("Successfully sent {traces} of {traces} traces to the DD agent.");
                to.sender(Level::Debug, API.page, &message);
            }
            Form::Source => {
                let level = if recovered && !frame.debug { Level::Info } else { Level::Debug };
                to.request(SENDING.source, level, API.source, &while_sending("Success", traces, bytes, totals), None);
                if frame.debug {
                    let message =
                        format!("Successfully sent {traces} traces of size {bytes} bytes to the API {}", version(url));
                    to.sender(Level::Debug, DISPATCHER, &message);
                }
            }
        },
        Event::AgentRefused { url, status, answer, bytes, traces, totals, .. } => {
            let answer = inline(answer.trim());
            let words = not_taken(form, traces, bytes, totals);
            if !frame.debug {
                let reason = if form == Form::Page { reason_phrase(status) } else { reason_of_agent(status) };
                let message = format!("{words} Status: {status} {reason}{}", silence(to));
                to.request(SENDING.of(form), Level::Warn, API.of(form), &message, None);
            } else if form == Form::Page {
                let reason = reason_phrase(status);
                let message = format!("{words} Status: {status}, Response: {reason}, Body: {answer}");
                to.sender(Level::Debug, API.page, &message);
            } else {
                // The tracer reads the answer before this line, which then shows none; the next line has it.
                let reason = reason_of_agent(status);
                let message = format!("{words} Status: {status}, Response: {reason}, Body: ");
                to.request(SENDING.source, Level::Debug, API.source, &message, None);
                not_sent(to, url, bytes, traces, &format!("OptionalInt[{status}]"), &answer);
            }
        }
        Event::AgentUnreachable { url, error, bytes, traces, totals, .. } => {
            let exception = exception::exception(form, url, error);
            let words = not_taken(form, traces, bytes, totals);
            if frame.debug {
                to.request(SENDING.of(form), Level::Debug, API.of(form), &words, Some(&exception));
                not_sent(to, url, bytes, traces, "OptionalInt.empty", "null");
            } else {
                let message = format!("{words} {}: {}{}", exception.class, exception.message, silence(to));
                to.request(SENDING.of(form), Level::Warn, API.of(form), &message, None);
            }
        }
        Event::SpansDropped { reason: Reason::QueueFull | Reason::Memory, spans, .. } => {
            let level = if frame.debug { Level::Debug } else { Level::Warn };
            let silence = today_silence(frame);
            to.say(thread, level, WRITER, &format!("Dropped due to a buffer overflow: [{spans} spans]{silence}"));
        }
        Event::SpansDropped { reason: Reason::Shutdown, spans, .. } => {
            to.say(thread, Level::Debug, WRITER, &format!("Dropped due to shutdown: [{spans} spans]"));
        }
        Event::TracerStopped { spans_lost, spans_unknown, .. } => {
            let message = format!(
                "Datadog trace processor exited. Publishing traces stopped. Unpublished traces left: {}",
                spans_lost + spans_unknown > 0
            );
            to.say(SENDING.source, Level::Debug, PROCESSOR, &message);
            // That the time ran out is a warning.
            to.own(event);
        }
        Event::HostText { level, target, text } => {
            let logger = if target.is_empty() { OURS.into() } else { Cow::Owned(inline(target).into_owned()) };
            to.say(thread, level, logger, &inline(text));
        }
        Event::HostEvent { kind, fields } => host::event(to, kind, fields),
        Event::FlareSent { .. } | Event::FlareFailed { .. } => {
            as_host_event(event, &mut |kind, fields| host::event(to, kind, fields));
        }
        _ => to.own(event),
    }
}

/// Appends the start-up line and, in both forms, that the agent did not describe itself. The tracer of the page had
/// another start-up line, and the one that people search for today follows it.
fn configured(to: &mut Speaker<'_, '_>, fields: &[(String, Value)], agent_url: &str, agent_error: Option<&SendError>) {
    let thread = STARTING.of(to.form);
    if to.form == Form::Page {
        let message = format!("Using config: {}", config::config(fields, agent_url));
        to.say(thread, Level::Debug, CONFIG.page, &message);
    }
    // This tracer only says whether there is an error.
    let fields = fields.iter().map(|(name, value)| match name.as_str() {
        "agent_error" => ("agent_error", Cow::Owned(Value::from(agent_error.is_some()))),
        name => (name, Cow::Borrowed(value)),
    });
    to.say(thread, Level::Info, CONFIG.source, &format!("DATADOG TRACER CONFIGURATION {}", object(fields)));
    if let Some(error) = agent_error {
        let base = redact::url(agent_url);
        let message = format!("Error querying info at {}/", inline(base.trim_end_matches('/')));
        to.request(thread, Level::Debug, DISCOVERY, &message, Some(&exception::exception(to.form, agent_url, error)));
    }
}

/// Returns the thread on which a span ran, from its tag: the kernel keeps only the beginning of a long name.
fn of_span<'a>(span: &SpanView<'a>, otherwise: &'a str) -> &'a str {
    let named = span.tags.iter().find(|(key, name)| *key == "thread.name" && fits(name));
    named.map_or(otherwise, |(_, name)| name)
}

/// Whether a name can stand in a line without breaking its frame.
fn fits(name: &str) -> bool {
    !name.is_empty() && name.len() <= 128 && !name.contains(|c: char| c.is_control() || matches!(c, '[' | ']'))
}

fn expired(to: &mut Speaker<'_, '_>, thread: &str, trace_id: u128, open: u64) {
    let message = format!("traceId: {} -- Expired reference. count = {open}", span::id(trace_id));
    to.say(thread, Level::Debug, PENDING.page, &message);
}

/// Returns what today's tracer adds in debug mode to a failure that it has logged already.
fn not_sent(to: &mut Speaker<'_, '_>, url: &str, bytes: u64, traces: u64, status: &str, answer: &str) {
    if to.form == Form::Source {
        let version = version(url);
        let message = format!(
            "Failed to send {traces} traces of size {bytes} bytes to the API {version} status {status} response {answer}"
        );
        to.sender(Level::Debug, DISPATCHER, &message);
    }
}

fn not_taken(form: Form, traces: u64, bytes: u64, totals: Totals) -> String {
    match form {
        Form::Page => format!("Error while sending {traces} of {traces} traces to the DD agent."),
        Form::Source => while_sending("Error", traces, bytes, totals),
    }
}

fn while_sending(what: &str, traces: u64, bytes: u64, totals: Totals) -> String {
    let size = if bytes > 1_024 { format!("{}KB", bytes / 1_024) } else { format!("{bytes}B") };
    let Totals { sent, failed } = totals;
    let all = sent + failed;
    format!(
        "{what} while sending {traces} (size={size}) traces. Total: {all}, Received: {all}, Sent: {sent}, Failed: {failed}."
    )
}

/// Returns how long the next such warnings are held back.
fn silence(to: &Speaker<'_, '_>) -> String {
    match (to.form, to.frame.held_back.quiet_minutes) {
        (Form::Page, minutes @ 1..) if !to.frame.debug => format!(" (going silent for {minutes} minutes)"),
        (Form::Page, _) => String::new(),
        (Form::Source, _) => today_silence(to.frame),
    }
}

fn today_silence(frame: &Frame<'_>) -> String {
    match frame.held_back.quiet_minutes {
        _ if frame.debug => String::new(),
        0 => String::new(),
        1 => " (Will not log warnings for 1 minute)".into(),
        minutes => format!(" (Will not log warnings for {minutes} minutes)"),
    }
}

/// Returns the agent's URL for traces.
fn traces_url(agent_url: &str) -> String {
    let base = redact::url(agent_url);
    format!("{}/v0.4/traces", inline(base.trim_end_matches('/')))
}

/// Returns the version of the API in a URL that ends in `/v0.4/traces`.
fn version(url: &str) -> String {
    let shown = redact::url(url);
    let version = shown.rsplit('/').nth(1).unwrap_or(&shown);
    inline(version).into_owned()
}

#[cfg(test)]
mod tests;
