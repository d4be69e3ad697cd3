//! The lines of the PHP extension and its background sender, with a target in brackets in place of the level. The time
//! in front is the log's: in the page's form that of a web server's log, in the source's form that of the tracer's
//! file. A host that writes to PHP's `error_log` writes the message only. `span.rs` formats spans.
//!
//! Numeric tags of a span that its lines show apart: `SpanStack` and `parent_SpanStack` (the numbers of PHP's objects).
//!
//! Host events with lines of this tracer: `integrations.loaded` {names}, `integration.failed` {name, error},
//! `sampling.decided` {trace_id, span_id, rule} or {trace_id, rate, service, env}, `remote_config.received` {}. A field
//! that is missing is left out. Every other kind reads `kind: name=value, …`.

mod span;

use crate::counters::Reason;
use crate::event::{DecidedBy, DropDetail, Event, OpenSpanView, QueueView, SampledView, SendError, SendErrorClass};
use crate::languages::language::Form;
use crate::languages::line::{Frame, Line};
use crate::languages::native::own;
use crate::languages::text::{general, inline, inline_value, more_spans, number, object, SpansRoom};
use crate::level::Level;
use crate::redact;
use std::borrow::Cow;

/// The targets in brackets. `[span]` and `[hook]` are verbose and can have levels of their own.
const TARGETS: [&str; 9] = ["error", "warning", "info", "debug", "trace", "span", "startup", "deprecated", "hook"];
/// The background sender, which writes no target.
const SENDER: &str = "bgs";
const ONCE: &str = "; This message is only displayed once. Specify DD_TRACE_ONCE_LOGS=0 to show all messages.";
/// How many open spans are named; the others are counted.
const OPEN_MAX: usize = 25;

pub(crate) fn lines(form: Form, frame: &Frame<'_>, event: &Event<'_>, out: &mut Vec<Line>) {
    let mut log = Log { form, frame, out };
    match event {
        Event::TracerConfigured { fields, agent_error, .. } => {
            let config = object(fields.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value))));
            log.say(Level::Info, "startup", &format!("DATADOG TRACER CONFIGURATION - {config}"));
            if let Some(error) = agent_error {
                let why = curl(error, "Couldn't connect to server");
                log.say(Level::Warn, "startup", &format!("DATADOG TRACER DIAGNOSTICS - agent_error: {why}"));
            }
        }
        Event::IntegrationLoaded { name, status, .. } => log.integration(name, status),
        Event::SpanStarted { span, .. } => log.say(Level::Trace, "span", &span::started(span)),
        Event::SpanFinished { span, .. } => log.say(Level::Trace, "span", &span::finished(span)),
        Event::TraceDecided { trace } => log.decided(trace),
        Event::ChunkEnqueued { spans, agent_url, list, .. } => {
            let mut room = SpansRoom::new();
            for (n, one) in list.iter().enumerate() {
                if !room.is_left() {
                    log.say(Level::Debug, "span", &more_spans(list.len() - n));
                    break;
                }
                let text = span::encoded(form, one, n == 0);
                room.take(text.len());
                log.say(Level::Debug, "span", &text);
            }
            let url = inline(&redact::url(agent_url)).into_owned();
            log.say(Level::Info, "info", &format!("Flushing trace of size {spans} to send-queue for {url}"));
        }
        Event::PayloadSent { bytes, .. } => log.sender(Level::Debug, &format!("uploaded {bytes} bytes")),
        Event::AgentUnreachable { error, .. } => {
            let why = curl(error, "Could not connect to server");
            log.sender(Level::Error, &format!("curl_easy_perform() failed: {why}"));
        }
        Event::SpansDropped { reason: Reason::QueueFull | Reason::Memory, .. } => {
            log.warn("Unable to send payload to background sender's buffer");
        }
        Event::SpansDropped { reason: Reason::TooLarge, detail, .. } => log.too_large(detail),
        Event::SpansAbandoned { spans, open } if !open.is_empty() => log.unfinished(*spans, open),
        Event::SettingRejected { name, value, .. } if *name == "DD_TRACE_AGENT_URL" => {
            let url = redact::url(value);
            let text = format!(
                "Invalid DD_TRACE_AGENT_URL: {}. A proper agent URL must be unix:///path/to/agent.sock or \
                 http://hostname:port/.",
                inline(&url)
            );
            log.say(Level::Error, "error", &text);
        }
        Event::SettingRejected { name, value, .. } => {
            let once = if frame.about.once { ONCE } else { "" };
            let words = if name.starts_with("OTEL_") {
                format!("{} has invalid value: {}", inline(name), inline_value(name, value))
            } else {
                format!("spanwire: {}", own(frame.about, event).unwrap_or_default())
            };
            log.warn(&(words + once));
        }
        Event::HostText { level, target, text } => {
            let target = TARGETS.into_iter().find(|known| known == target);
            log.say(*level, target.unwrap_or(target_of(*level)), &inline(text));
        }
        Event::HostEvent { kind, fields } => log.host_event(kind, fields),
        other => {
            if let Some(words) = own(frame.about, other) {
                log.say(other.level(), target_of(other.level()), &format!("spanwire: {words}"));
            }
        }
    }
}

fn target_of(level: Level) -> &'static str {
    match level {
        Level::Off | Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// Formats why the agent was not reached, as curl does. Its words for a refused connection have changed.
fn curl(error: &SendError, refused: &'static str) -> Cow<'static, str> {
    match error.class() {
        SendErrorClass::Refused => Cow::Borrowed(refused),
        SendErrorClass::TimedOut | SendErrorClass::NoAnswer => Cow::Borrowed("Timeout was reached"),
        SendErrorClass::NotResolved => Cow::Borrowed("Could not resolve hostname"),
        SendErrorClass::Other => Cow::Owned(inline(&error.to_string()).into_owned()),
    }
}

/// Returns `web` for `DDTrace\Integrations\Web\WebIntegration`, and any other name as it is.
fn short(name: &str) -> Cow<'_, str> {
    match name.rsplit_once('\\') {
        Some((_, class)) => Cow::Owned(class.strip_suffix("Integration").unwrap_or(class).to_ascii_lowercase()),
        None => Cow::Borrowed(name),
    }
}

struct Log<'a> {
    form: Form,
    frame: &'a Frame<'a>,
    out: &'a mut Vec<Line>,
}

impl Log<'_> {
    /// Returns what a log writes in front of a line.
    fn dates(&self) -> String {
        let time = self.frame.local();
        let (month, clock) = (time.month_name(), format!("{:02}:{:02}:{:02}", time.hour, time.minute, time.second));
        match self.form {
            // A web server writes it as C's `asctime` does, the day in three columns.
            Form::Page => format!(
                "[{} {month}{:3} {clock} {}] [{:04}-{:02}-{:02}T{clock}{}] ",
                time.weekday_name(),
                time.day,
                time.year,
                time.year,
                time.month,
                time.day,
                time.offset_text(":")
            ),
            Form::Source => format!("[{:02}-{month}-{} {clock} {}] ", time.day, time.year, time.zone),
        }
    }

    fn say(&mut self, level: Level, target: &'static str, text: &str) {
        let pid = match self.form {
            Form::Page => String::new(),
            Form::Source => format!(" [{}]", self.frame.pid),
        };
        let line = Line::new(level, target, self.dates(), &format!("[ddtrace] [{target}]{pid} {text}"));
        self.out.push(line);
    }

    fn warn(&mut self, text: &str) {
        self.say(Level::Warn, "warning", text);
    }

    fn sender(&mut self, level: Level, text: &str) {
        let line = Line::new(level, SENDER, self.dates(), &format!("[{SENDER}] {text}"));
        self.out.push(line);
    }

    /// Appends a line that the tracer's PHP code logged, behind a dash.
    fn userland(&mut self, text: &str) {
        let dash = if self.form == Form::Page { "- " } else { "" };
        self.say(Level::Debug, "debug", &format!("{dash}{text}"));
    }

    fn integration(&mut self, name: &str, status: &str) {
        let name = if self.form == Form::Page { short(name) } else { Cow::Borrowed(name) };
        let name = inline(&name);
        match status.trim() {
            "" | "ok" | "loaded" => {
                self.userland(&format!("Loaded integration {name}"));
                // This line goes to PHP's own log, wherever the tracer's log goes.
                if let Some(line) = self.out.last_mut() {
                    line.host_only = true;
                }
            }
            status if status.starts_with("error") || status.starts_with("incompatible") => {
                self.userland(&format!(
                    "Integration {name} not loaded, possibly unsupported version. New attempts WILL NOT be performed."
                ));
                // The tracer's line has no place for the reason.
                if let Some((_, why)) = status.split_once(':') {
                    self.say(Level::Debug, "debug", &format!("spanwire: integration {name}: {}", inline(why.trim())));
                }
            }
            "unavailable" | "not available" => {
                self.userland(&format!("Integration {name} not available. New attempts might be performed."))
            }
            status => self.say(Level::Debug, "debug", &format!("spanwire: integration {name}: {}", inline(status))),
        }
    }

    fn too_large(&mut self, detail: &DropDetail) {
        let text = match detail {
            DropDetail::NoRoom(QueueView { chunk_bytes: bytes, max_bytes: limit, .. }) => {
                format!(
                    "Agent request payload of {bytes} bytes exceeds configured {limit} byte limit; dropping request"
                )
            }
            DropDetail::SpanTooLarge { max_bytes: limit } => {
                format!(
                    "Agent request payload of over {limit} bytes exceeds configured {limit} byte limit; dropping \
                     request"
                )
            }
            detail => format!("spanwire: a trace is too large and was dropped: {}", inline(&detail.to_string())),
        };
        self.say(Level::Error, "error", &text);
    }

    fn unfinished(&mut self, spans: u64, open: &[OpenSpanView]) {
        let named = &open[..open.len().min(OPEN_MAX)];
        for span in named {
            let name = inline(&span.name);
            self.warn(&format!("Found unfinished span while automatically closing spans with name '{name}'"));
        }
        let more = spans.saturating_sub(named.len() as u64);
        if more > 0 {
            self.warn(&format!("spanwire: {more} more unfinished spans"));
        }
    }

    fn decided(&mut self, trace: &SampledView<'_>) {
        let trace_id = format!("{:032x}", trace.trace_id);
        let rate = trace.rate.unwrap_or(1.0);
        let span_id = trace.span_id.to_string();
        let by_rate;
        let rule = match trace.by {
            DecidedBy::Rule { text, .. } => text,
            DecidedBy::SampleRate => {
                by_rate = format!("{{\"sample_rate\":{}}}", number(rate));
                &by_rate
            }
            DecidedBy::Host if trace.priority > 0 => "manual.keep",
            DecidedBy::Host => "manual.drop",
            DecidedBy::AgentRate => {
                let (service, env) = (inline(trace.service), inline(trace.env));
                return self.applied(&trace_id, rate, Some((&service, &env)));
            }
            DecidedBy::Default | DecidedBy::Minute => return self.applied(&trace_id, rate, None),
        };
        self.matched(&trace_id, &inline(rule), Some(&span_id));
    }

    fn matched(&mut self, trace: &str, rule: &str, span: Option<&str>) {
        let span = span.map_or(String::new(), |span| format!(" for span {span}"));
        self.say(
            Level::Debug,
            "debug",
            &format!("Evaluated sampling rules{span} on trace {trace}. Matched rule {rule}."),
        );
    }

    fn applied(&mut self, trace: &str, rate: f64, of: Option<(&str, &str)>) {
        let found = match of {
            Some((service, env)) => {
                format!("(service: {service}, env: {env}) and found a sample_rate of {rate:.6}")
            }
            None => format!("and applied a default sample_rate of {rate:.6}"),
        };
        let text = format!("Evaluated agent sampling rules for root span for trace {trace} {found}");
        self.say(Level::Debug, "debug", &text);
    }

    fn host_event(&mut self, kind: &str, fields: &[(&str, &str)]) {
        let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| inline(value));
        match kind {
            "integrations.loaded" => {
                let names = fields.iter().find(|(key, _)| *key == "names").map_or("", |(_, names)| *names);
                for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                    self.integration(name, "ok");
                }
                if !names.is_empty() {
                    return;
                }
            }
            "integration.failed" => {
                if let Some((_, name)) = fields.iter().find(|(key, _)| *key == "name") {
                    let error =
                        fields.iter().find(|(key, _)| *key == "error").map(|(_, error)| format!("error:{error}"));
                    return self.integration(name, error.as_deref().unwrap_or("error"));
                }
            }
            "remote_config.received" => {
                return self.say(Level::Info, "info", "Rereading remote configurations after interrupt");
            }
            "sampling.decided" => {
                if let (Some(trace), Some(rule), span) = (field("trace_id"), field("rule"), field("span_id")) {
                    return self.matched(&trace, &rule, span.as_deref());
                }
                let rate = field("rate").and_then(|rate| rate.parse::<f64>().ok());
                if let (Some(trace), Some(rate)) = (field("trace_id"), rate) {
                    let of = field("service").zip(field("env"));
                    return self.applied(&trace, rate, of.as_ref().map(|(service, env)| (&**service, &**env)));
                }
            }
            _ => {}
        }
        self.say(Level::Debug, "debug", &general(kind, fields));
    }
}

#[cfg(test)]
mod tests;
