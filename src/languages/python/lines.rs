//! The Python tracer's lines: `2026-11-24 16:06:35,147 DEBUG [ddtrace.tracer] [tracer.py:715] - …`. Logger, file and
//! line are those of the statement in ddtrace that logs it: in the release of 2022 for the page's form, today's for the
//! source's form. Warnings and errors that ddtrace has no line for have the place `[ddtrace] [spanwire:0]` and begin
//! with `spanwire: `.
//!
//! A host's events with lines of the tracer's own (fields that are missing are left out):
//! `integrations.loaded` {names, count}, `integration.failed` {name, error}, `sampling.decided` {span_id, trace_id,
//! parent_id, name, sampled, rate, mechanism, rule, agent_sampled, rules, sampler_id}, `remote_config.received` {url,
//! seconds, ppid; payload}, `flare.sent` {case_id}, `flare.failed` {error or status}, `shutdown.waiting` {seconds}.

mod host;
mod repr;
mod span;
mod today;

use crate::counters::Reason;
use crate::event::{DecidedBy, DropDetail, Event, OpenSpanView, QueueView, SendError, SendErrorClass};
use crate::languages::agent::reason_of_agent;
use crate::languages::flare::as_host_event;
use crate::languages::language::Form;
use crate::languages::line::About;
use crate::languages::line::{Frame, Line};
use crate::languages::native;
use crate::languages::text::{escaped, inline};
use crate::level::Level;
use crate::redact;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::time::Duration;

/// How many open spans the line at the end names.
const OPEN_MAX: usize = 50;
/// How often the Python tracer flushes. It warns of a payload that takes longer to send.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// A statement that logs: the logger's name, and file and line.
type Place = (&'static str, &'static str);

const MONKEY: &str = "ddtrace._monkey";
const PROCESSOR: &str = "ddtrace._trace.processor";
const OLD_PROCESSOR: &str = "ddtrace.internal.processor.trace";
const TRACER: &str = "ddtrace._trace.tracer";
const OLD_TRACER: &str = "ddtrace.tracer";
const WRITER: &str = "ddtrace.internal.writer.writer";
const OLD_WRITER: &str = "ddtrace.internal.writer";
const LOGGER: &str = "ddtrace._logger";
/// The statement through which today's tracer logs at the start.
const LOG_COMPAT: &str = "tracer.py:717";
const TOO_LARGE: Place = (WRITER, "writer.py:440");
/// The root of the tracer's loggers: the logger of lines without one of their own.
const ROOT: &str = "ddtrace";
/// The place of lines in our words.
const OURS: &str = "spanwire:0";

pub(crate) fn lines(form: Form, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
    let source = form == Form::Source;
    let mut say = |level, place, message: &dyn Fn(&mut Writer)| out.push(record(frame, level, place, message));
    match event {
        Event::TracerConfigured { fields, agent_url, agent_error, .. } => {
            let unreached = agent_error.map(|_| Value::from(format!("Agent not reachable at {}", url(agent_url))));
            if let Some(error) = agent_error.filter(|_| source) {
                today::looked_up(agent_url, error, &mut say);
            }
            say(Level::Info, (TRACER, if source { LOG_COMPAT } else { "tracer.py:407" }), &|line| {
                line.say("- DATADOG TRACER CONFIGURATION - ");
                let shown = |(name, value)| match (&unreached, name) {
                    (Some(unreached), "agent_error") if source => (name, unreached),
                    _ => (name, value),
                };
                repr::dict(fields.iter().map(|(name, value)| shown((name.as_str(), value))), &mut line.0);
            });
            if let Some(error) = agent_error {
                say(Level::Warn, (TRACER, if source { LOG_COMPAT } else { "tracer.py:414" }), &|line| {
                    line.say("- DATADOG TRACER DIAGNOSTIC - Agent not reachable at ").say(&url(agent_url));
                    if !source {
                        line.say(". Exception raised: ").say(&raised(error, Class::No));
                    }
                });
            }
        }
        Event::LogFileOpened { path } => {
            say(Level::Debug, (ROOT, if source { "_logger.py:130" } else { "_logger.py:132" }), &|line| {
                line.say("ddtrace logs will be routed to ").say(&inline(path));
            })
        }
        Event::SettingRejected { name: "DD_TRACE_LOG_LEVEL", value, .. } => {
            say(Level::Warn, (LOGGER, "_logger.py:82"), &|line| {
                line.say("DD_TRACE_LOG_LEVEL is invalid (").say(&inline(value).to_uppercase());
                line.say("). Default log level will be used. Must be NOTSET/DEBUG/INFO/WARNING/ERROR/CRITICAL.");
            });
        }
        Event::IntegrationLoaded { name, status, .. } => match integration(status) {
            Integration::Loaded => host::patched(source, name, "1", &mut say),
            Integration::Failed(error) => host::not_patched(source, name, error, &mut say),
            Integration::Off => {}
        },
        // The tracer logs what its sampler decides, not what the host decides.
        Event::TraceDecided { trace } if source && trace.by != DecidedBy::Host => host::decided(trace, &mut say),
        Event::SpanStarted { span, standing } if source => {
            say(Level::Debug, (PROCESSOR, "__init__.py:388"), &|line| {
                line.say("Starting span: ").short(span.span_id, span.trace_id, span.parent_id, span.name);
                let spans = standing.open + standing.finished;
                line.put(format_args!(", trace has {spans} spans in the span aggregator"));
            });
        }
        Event::SpanFinished { span, standing } => {
            // The tracer updates the trace before it logs the span.
            if !source && standing.open > 0 && !standing.leaves {
                say(Level::Debug, (OLD_PROCESSOR, "trace.py:211"), &|line| {
                    let (trace_id, finished) = (span.trace_id as u64, standing.finished);
                    line.put(format_args!(
                        "trace {trace_id} has {} spans, {finished} finished",
                        standing.open + finished
                    ));
                });
            }
            if source {
                say(Level::Debug, (TRACER, "tracer.py:705"), &|line| line.finished(span));
            } else {
                say(Level::Debug, (OLD_TRACER, "tracer.py:715"), &|line| line.finished_as_on_the_page(span));
            }
        }
        Event::ChunkEnqueued { trace_id, spans, complete, list, .. } => {
            if source {
                say(Level::Debug, (PROCESSOR, "__init__.py:473"), &|line| {
                    line.encoding(*trace_id, *spans, *complete, list.first());
                });
            } else if !complete {
                say(Level::Debug, (OLD_PROCESSOR, "trace.py:191"), &|line| {
                    let trace_id = *trace_id as u64;
                    line.put(format_args!("Partially flushing {spans} spans for trace {trace_id}"));
                });
            }
        }
        // Neither release logs that it sends. Today's does not log that a payload was taken either.
        Event::PayloadSent { answer, .. } if source => today::taken(answer, &mut say),
        Event::PayloadSent { url: to, bytes, time, .. } => {
            let level = if *time >= FLUSH_INTERVAL { Level::Warn } else { Level::Debug };
            say(level, (OLD_WRITER, "writer.py:405"), &|line| {
                line.put(format_args!("sent {} in {:.5}s to ", repr::size(*bytes), time.as_secs_f64())).say(&url(to));
            });
        }
        Event::AgentRefused { status: 404 | 415, retry: true, .. } if source => ours(frame.about, event, &mut say),
        Event::AgentRefused { url: to, status, answer, traces, .. } if source => {
            today::refused(&url(to), *traces, *status, answer, &mut say);
        }
        Event::AgentRefused { url: to, status, retry, .. } => refused(to, *status, *retry, &mut say),
        Event::AgentUnreachable { retry: true, .. } if source => ours(frame.about, event, &mut say),
        Event::AgentUnreachable { url: to, error, traces, attempt, .. } if source => {
            today::unanswered(&url(to), *traces, error, &mut say);
            // The native part's line comes first.
            let at = out.len().saturating_sub(1);
            out.insert(at, today::native(frame, error, *attempt));
        }
        Event::AgentUnreachable { url: to, error, .. } => {
            say(Level::Error, (OLD_WRITER, "writer.py:567"), &|line| {
                line.say("failed to send traces to Datadog Agent at ").say(&url(to));
            });
            // A logging handler prints the exception below the record's line.
            if let Some(line) = out.last_mut() {
                line.text.push('\n');
                line.text.push_str(&raised(error, Class::Old));
            }
        }
        Event::SpansDropped { detail: DropDetail::NoRoom(queue), .. } => dropped(source, queue, &mut say),
        Event::SpansDropped { reason: Reason::TooLarge, .. } => say(Level::Warn, too_large(source), &|line| {
            line.say("trace larger than payload buffer item limit, dropping");
        }),
        Event::SpansAbandoned { spans, open } => {
            say(Level::Warn, (PROCESSOR, if source { "__init__.py:517" } else { "__init__.py:494" }), &|line| {
                line.put(format_args!(
                    "Shutting down tracer with {spans} spans. These spans will not be sent to Datadog: "
                ));
                line.open(*spans, open);
            })
        }
        Event::HostText { level, target, text } => {
            let logger = if host::is_logger(target) { Cow::Owned(target.to_string()) } else { Cow::Borrowed(ROOT) };
            out.push(record_of(frame, *level, logger, OURS, &|line| {
                line.say(&inline(text));
            }));
        }
        Event::HostEvent { kind, fields } => host::event(source, frame.pid, kind, fields, &mut say),
        Event::FlareSent { .. } | Event::FlareFailed { .. } => {
            as_host_event(event, &mut |kind, fields| host::event(source, frame.pid, kind, fields, &mut say));
        }
        event if event.level() <= Level::Warn => ours(frame.about, event, &mut say),
        _ => {}
    }
}

/// How the parts of this file append a record.
type Say<'a> = dyn FnMut(Level, Place, &dyn Fn(&mut Writer)) + 'a;

fn ours(about: &About, event: &Event<'_>, say: &mut Say<'_>) {
    say(event.level(), (ROOT, OURS), &|line| {
        line.say("spanwire: ").say(&native::message(about, event));
    });
}

fn refused(to: &str, status: u16, retry: bool, say: &mut Say<'_>) {
    let to = url(to);
    let (base, endpoint) = endpoint(&to);
    let unsupported = matches!(status, 404 | 415);
    // The page's release logs the retry on an older endpoint at debug; the failure itself must be logged.
    if unsupported && retry {
        say(Level::Warn, (OLD_WRITER, "writer.py:454"), &|line| {
            line.put(format_args!("calling endpoint '{endpoint}' but received {status}; downgrading API"));
        });
    } else if unsupported {
        say(Level::Error, (OLD_WRITER, "writer.py:458"), &|line| {
            line.put(format_args!(
                "unsupported endpoint '{endpoint}': received response {status} from Datadog Agent ({base})"
            ));
        });
    } else {
        say(Level::Error, (OLD_WRITER, "writer.py:483"), &|line| {
            line.put(format_args!(
                "failed to send traces to Datadog Agent at {to}: HTTP error status {status}, reason "
            ));
            line.say(reason_of_agent(status));
        });
    }
}

fn too_large(source: bool) -> Place {
    if source {
        today::SAFELOG
    } else {
        TOO_LARGE
    }
}

fn dropped(source: bool, queue: &QueueView, say: &mut Say<'_>) {
    let QueueView { chunks, bytes, max_bytes, chunk_bytes } = queue;
    if chunk_bytes > max_bytes {
        return say(Level::Warn, too_large(source), &|line| {
            line.put(format_args!(
                "trace ({chunk_bytes}b) larger than payload buffer item limit ({max_bytes}b), dropping"
            ));
        });
    }
    let place = if source { today::SAFELOG } else { (OLD_WRITER, "writer.py:530") };
    say(Level::Warn, place, &|line| {
        line.put(format_args!("trace buffer ({chunks} traces {bytes}b/{max_bytes}b) cannot fit trace of size "));
        line.put(format_args!("{chunk_bytes}b, dropping"));
        if source {
            line.say(" (writer status: running)");
        }
    });
}

/// Appends the line of an integration that the host reports.
enum Integration<'a> {
    Loaded,
    Failed(&'a str),
    Off,
}

fn integration(status: &str) -> Integration<'_> {
    match status.strip_prefix("error") {
        Some(error) => Integration::Failed(error.trim_start_matches([':', ' '])),
        None if status == "disabled" => Integration::Off,
        None => Integration::Loaded,
    }
}

/// Whether an exception is shown with its class.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    No,
    Old,
}

/// Formats the exception that Python would have raised, or our words if that is not known.
fn raised(error: &SendError, class: Class) -> Cow<'static, str> {
    let (class_name, message) = match error.class() {
        SendErrorClass::Refused => ("ConnectionRefusedError", "[Errno 111] Connection refused"),
        SendErrorClass::TimedOut | SendErrorClass::NoAnswer => ("socket.timeout", "timed out"),
        SendErrorClass::NotResolved => ("socket.gaierror", "[Errno -2] Name or service not known"),
        SendErrorClass::Other => return format!("spanwire: {}", inline(&error.to_string())).into(),
    };
    match class {
        Class::No => message.into(),
        Class::Old => format!("{class_name}: {message}").into(),
    }
}

fn url(url: &str) -> Cow<'_, str> {
    escaped(redact::url(url))
}

/// Splits a URL for traces into the agent's URL and the endpoint (`v0.4/traces`).
fn endpoint(url: &str) -> (&str, &str) {
    let last = url.rfind('/').unwrap_or(0);
    let before = url[..last].rfind('/').unwrap_or(0);
    (&url[..before], url[before..].trim_start_matches('/'))
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "ERROR",
        Level::Warn => "WARNING",
        Level::Info => "INFO",
        Level::Off | Level::Debug | Level::Trace => "DEBUG",
    }
}

fn record(frame: &Frame<'_>, level: Level, (logger, place): Place, message: &dyn Fn(&mut Writer)) -> Line {
    record_of(frame, level, Cow::Borrowed(logger), place, message)
}

fn record_of(
    frame: &Frame<'_>,
    level: Level,
    logger: Cow<'static, str>,
    place: &str,
    message: &dyn Fn(&mut Writer),
) -> Line {
    let at = frame.local();
    let mut line = Writer(String::with_capacity(256));
    line.put(format_args!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03} {} [{logger}] [{place}] - ",
        at.year,
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        at.micro / 1_000,
        level_name(level),
    ));
    let message_at = line.0.len();
    message(&mut line);
    if frame.held_back.events > 0 {
        line.put(format_args!(" [{} skipped]", frame.held_back.events));
    }
    Line { level, logger, text: line.0, message_at, template: "", host_only: false }
}

/// A message under construction.
struct Writer(String);

impl Writer {
    fn say(&mut self, words: &str) -> &mut Writer {
        self.0.push_str(words);
        self
    }

    fn put(&mut self, value: impl Display) -> &mut Writer {
        let _ = write!(self.0, "{value}");
        self
    }

    fn open(&mut self, spans: u64, open: &[OpenSpanView]) {
        for (n, span) in open.iter().take(OPEN_MAX).enumerate() {
            self.say(if n == 0 { "" } else { ", " }).put(format_args!("trace_id={} parent_id=", span.trace_id));
            self.id_or_none(span.parent_id).put(format_args!(" span_id={} name=", span.span_id));
            self.say(&inline(&span.name)).say(" resource=").say(&inline(&span.resource)).say(" started=");
            repr::float(span.start_ns as f64 / 1e9, &mut self.0);
            self.say(" sampling_priority=").some(span.priority);
        }
        let more = spans.saturating_sub(open.len().min(OPEN_MAX) as u64);
        if more > 0 {
            self.put(format_args!(", … ({more} more)"));
        }
    }

    fn id_or_none(&mut self, id: u64) -> &mut Writer {
        self.some((id != 0).then_some(id))
    }

    fn some(&mut self, value: Option<impl Display>) -> &mut Writer {
        match value {
            Some(value) => self.put(value),
            None => self.say("None"),
        }
    }
}

#[cfg(test)]
mod tests;
