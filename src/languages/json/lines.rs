//! The json dialect: one object per event. `time`, `level`, `pid` and `kind` come first, then the event's own fields by
//! name. Ids are strings, because many JSON readers keep only 53 bits of a number.

use crate::event::{DecidedBy, Event, OpenSpanView, SpanView};
use crate::languages::line::{Frame, Line};
use crate::languages::linked::{self, utf8, Notation};
use crate::languages::native::sentence;
use crate::languages::text::{cut, free, iso_time, number, object, on_one_line, tags, value, TAG_MAX};
use crate::redact;
use crate::span::links::FLAGS_KNOWN;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::time::Duration;

pub(crate) fn line(frame: &Frame<'_>, event: &Event<'_>) -> Line {
    let level = event.level();
    let mut object = Object(String::from("{"));
    object.text("time", &iso_time(frame.time_ns)).text("level", level.name()).plain("pid", frame.pid);
    object.text("kind", &cut(Cow::Borrowed(event.kind()), TAG_MAX));
    object.event(event);
    if frame.held_back.events > 0 {
        object.plain("held_back", frame.held_back.events);
    }
    object.0.push('}');
    let logger = event.kind().to_string();
    Line { level, logger: logger.into(), text: on_one_line(object.0), message_at: 0, template: "", host_only: false }
}

const NOTATION: Notation = Notation {
    is: ":",
    and: ",",
    booleans: ["false", "true"],
    text: quoted,
    float: |out, value| out.push_str(&number(value)),
    more: quoted,
    types: None,
};

fn quoted(out: &mut String, text: &str) {
    let _ = write!(out, "{}", Value::from(text));
}

/// How many paths of remote configuration are shown.
const PATHS_MAX: usize = 20;

/// An object under construction; keys stay in the order of the calls.
struct Object(String);

impl Object {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::TracerConfigured { fields, .. } => {
                self.plain("config", object(fields.iter().map(|(key, value)| (key.as_str(), Cow::Borrowed(value)))))
            }
            Event::LogFileOpened { path } => self.text("path", &free(path)),
            Event::SettingRejected { name, value: given, origin, why } => self
                .text("name", name)
                .text("value", &value(name, given))
                .text("origin", origin.name())
                .text("why", &free(&why.to_string())),
            Event::SettingsUnsupported { names } => self.plain("names", Value::from(names.to_vec())),
            Event::IntegrationLoaded { name, version, status } => {
                self.text("name", name).text("version", version).text("status", status)
            }
            Event::SpanStarted { span, .. } => self.span(span),
            Event::SpanFinished { span, .. } => self
                .span(span)
                .plain("duration_ns", span.duration_ns)
                .plain("error", span.error)
                .tags(span)
                .linked(span),
            Event::TraceDecided { trace } => {
                self.text("trace_id", &format!("{:032x}", trace.trace_id)).text("span_id", &trace.span_id.to_string());
                self.text("name", &free(trace.name))
                    .text("service", &free(trace.service))
                    .text("env", &free(trace.env));
                self.plain("sampling_priority", trace.priority).plain("mechanism", trace.mechanism);
                self.text("by", trace.by.name());
                if let DecidedBy::Rule { place, text } = trace.by {
                    self.plain("rule", place + 1).text("rule_text", &free(text));
                }
                let numbers =
                    [("rate", trace.rate), ("limit_rate", trace.limit_rate), ("limited_to", trace.limited_to)];
                for (name, value) in numbers {
                    if let Some(value) = value {
                        self.plain(name, number(value));
                    }
                }
                self
            }
            Event::ParentUnknown { parent, name } => self.text("parent", &parent.to_string()).text("name", &free(name)),
            Event::ChunkEnqueued { trace_id, spans, bytes, complete, queued_chunks, queued_bytes, .. } => self
                .text("trace_id", &format!("{trace_id:032x}"))
                .plain("spans", spans)
                .plain("bytes", bytes)
                .plain("complete", complete)
                .plain("queued_chunks", queued_chunks)
                .plain("queued_bytes", queued_bytes),
            Event::PayloadSending { url, bytes, traces, spans, attempt } => {
                self.load(url, *bytes, *traces, *spans).plain("attempt", attempt)
            }
            Event::PayloadSent { url, bytes, traces, spans, time, status, answer, .. } => self
                .load(url, *bytes, *traces, *spans)
                .time("time_ns", *time)
                .plain("status", status)
                .text("answer", &free(answer)),
            Event::AgentRefused { url, status, answer, bytes, traces, spans, retry, .. } => self
                .load(url, *bytes, *traces, *spans)
                .plain("status", status)
                .text("answer", &free(answer))
                .plain("retry", retry),
            Event::AgentUnreachable { url, error, bytes, traces, spans, attempt, retry, .. } => self
                .load(url, *bytes, *traces, *spans)
                .text("error", &free(&error.to_string()))
                .plain("attempt", attempt)
                .plain("retry", retry),
            Event::AgentReachable { url, after } => self.url(url).time("after_ns", *after),
            Event::AgentInfo { url, version, endpoints } => {
                self.url(url).text("version", version).plain("endpoints", endpoints)
            }
            Event::AgentFormat { url, asked, refused, granted } => {
                self.url(url).text("asked", asked).plain("granted", granted);
                match refused {
                    Some(status) => self.plain("refused", status),
                    None => self,
                }
            }
            Event::RemoteConfigReceived { url, version, paths, time } => {
                self.url(url).plain("version", version).time("time_ns", *time);
                let paths: Vec<Value> = paths.iter().take(PATHS_MAX).map(|path| free(path).into()).collect();
                self.plain("paths", Value::from(paths))
            }
            Event::RemoteConfigFailed { path, why } => {
                self.text("path", &free(path)).text("why", &free(&why.to_string()))
            }
            Event::SettingChanged { name, value: now, origin } => {
                self.text("name", name).text("value", &value(name, now)).text("origin", origin.name())
            }
            Event::SpansDropped { reason, spans, traces, detail } => self
                .text("reason", reason.name())
                .plain("spans", spans)
                .plain("traces", traces)
                .text("detail", &free(&detail.to_string())),
            Event::LossBegan { reason } => self.text("reason", reason.name()),
            Event::LossEnded { reason, spans } => self.text("reason", reason.name()).plain("spans", spans),
            Event::SpansAbandoned { spans, open } => self.plain("spans", spans).open(open),
            Event::SpansOverdue { spans, open, stopping } => {
                self.plain("spans", spans).plain("stopping", stopping).open(open)
            }
            Event::TracerStopped { sent, spans_lost, spans_unknown, timed_out } => {
                self.plain("sent", sent).plain("spans_lost", spans_lost).plain("spans_unknown", spans_unknown);
                self.plain("timed_out", timed_out)
            }
            Event::Forked { parent_pid } => self.plain("parent_pid", parent_pid),
            Event::LookupHangs { host, time, given_up, .. } => {
                self.text("host", &free(host)).time("time_ns", *time).plain("given_up", given_up)
            }
            Event::ThreadNotStarted { thread, errno } => self.text("thread", thread.name()).plain("errno", errno),
            Event::ThreadStarted { thread, after } => self.text("thread", thread.name()).time("after_ns", *after),
            Event::PanicCaught { message } => self.text("message", &free(message)),
            Event::FlareSent { case_id, url, bytes } => {
                self.text("case_id", &free(case_id)).text("url", &redact::url(url)).plain("bytes", bytes)
            }
            Event::FlareFailed { case_id, url, why } => {
                let why = free(&why.to_string()).into_owned();
                self.text("case_id", &free(case_id)).text("url", &redact::url(url)).text("error", &why)
            }
            Event::HostText { text, .. } => self.text("text", &free(text)),
            Event::LogSettingsDiffer
            | Event::AgentUnusable { .. }
            | Event::TurnedOff
            | Event::LogFileMoved { .. }
            | Event::LogFileNotWritten { .. } => self.text("text", &free(&sentence(event))),
            Event::HostEvent { fields, .. } => self.pairs("fields", fields),
            Event::RecordsLost { sink, records } => self.text("sink", sink.name()).plain("records", records),
        };
    }

    fn span(&mut self, span: &SpanView<'_>) -> &mut Object {
        self.text("name", &free(span.name))
            .text("service", &free(span.service))
            .text("resource", &free(span.resource))
            .text("type", &free(span.span_type))
            .text("trace_id", &format!("{:032x}", span.trace_id))
            .text("span_id", &span.span_id.to_string())
            .text("parent_id", &span.parent_id.to_string())
            .plain("start_ns", span.start_ns)
    }

    fn tags(&mut self, span: &SpanView<'_>) -> &mut Object {
        self.pairs("tags", &span.tags);
        let mut metrics = Object(String::from("{"));
        for (name, metric) in &span.metrics {
            if metric.is_finite() {
                metrics.plain(name, number(*metric));
            } else {
                metrics.text(name, &number(*metric));
            }
        }
        metrics.0.push('}');
        self.plain("metrics", metrics.0)
    }

    /// Appends links and events, if there are any.
    fn linked(&mut self, span: &SpanView<'_>) -> &mut Object {
        let mut list = String::new();
        if !span.links.is_empty() {
            linked::links(&mut list, &span.links, &NOTATION, |out, link, attributes| {
                let trace_id = u128::from(link.trace_id_high) << 64 | u128::from(link.trace_id_low);
                let mut one = Object(String::from("{"));
                one.text("trace_id", &format!("{trace_id:032x}")).text("span_id", &link.span_id.to_string());
                if link.flags & FLAGS_KNOWN != 0 {
                    one.plain("flags", link.flags & !FLAGS_KNOWN);
                }
                if !link.tracestate.is_empty() {
                    one.text("tracestate", &free(utf8(link.tracestate)));
                }
                one.plain("attributes", attributes).0.push('}');
                out.push_str(&one.0);
            });
            self.plain("links", std::mem::take(&mut list));
        }
        if !span.events.is_empty() {
            linked::events(&mut list, &span.events, &NOTATION, |out, event, attributes| {
                let mut one = Object(String::from("{"));
                one.text("name", &free(utf8(event.name))).plain("time_ns", event.time_ns);
                one.plain("attributes", attributes).0.push('}');
                out.push_str(&one.0);
            });
            self.plain("events", list);
        }
        self
    }

    fn open(&mut self, open: &[OpenSpanView]) -> &mut Object {
        let one = |span: &OpenSpanView| {
            let mut inner = Object(String::from("{"));
            inner.text("name", &free(&span.name)).text("resource", &free(&span.resource));
            inner.text("trace_id", &format!("{:032x}", span.trace_id)).text("span_id", &span.span_id.to_string());
            inner.plain("start_ns", span.start_ns).time("age_ns", span.age);
            inner.0 + "}"
        };
        let list: Vec<String> = open.iter().map(one).collect();
        self.plain("open", format_args!("[{}]", list.join(",")))
    }

    /// Appends an object of names and redacted values.
    fn pairs(&mut self, key: &str, pairs: &[(&str, &str)]) -> &mut Object {
        let mut inner = Object(String::from("{"));
        let left_out = tags(pairs, |name, text| {
            inner.text(&name, &text);
        });
        inner.0.push('}');
        self.plain(key, inner.0);
        if left_out > 0 {
            self.plain(&format!("{key}_left_out"), left_out);
        }
        self
    }

    fn load(&mut self, url: &str, bytes: u64, traces: u64, spans: u64) -> &mut Object {
        self.url(url).plain("bytes", bytes).plain("traces", traces).plain("spans", spans)
    }

    fn url(&mut self, url: &str) -> &mut Object {
        self.text("url", &redact::url(url))
    }

    fn time(&mut self, key: &str, time: Duration) -> &mut Object {
        self.plain(key, time.as_nanos())
    }

    fn text(&mut self, key: &str, text: &str) -> &mut Object {
        self.plain(key, Value::from(text))
    }

    /// Appends a value whose text is JSON already.
    fn plain(&mut self, key: &str, value: impl Display) -> &mut Object {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        let _ = write!(self.0, "{}:{value}", Value::from(key));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::languages::limits::HeldBack;
    use crate::languages::tests::{every_event, frame};
    use crate::languages::worked::{self, LAST};

    const GOLDEN: &str = include_str!("lines.golden");

    #[test]
    fn every_event_reads_as_agreed_and_is_an_object() {
        let mut lines = String::new();
        every_event(&mut |kind, event| {
            let line = line(&frame(), event).text;
            let object: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!((object["kind"].as_str(), object["pid"].as_u64()), (Some(kind), Some(42)));
            lines.push_str(&line);
            lines.push('\n');
        });
        for (got, want) in lines.lines().zip(GOLDEN.lines()) {
            assert_eq!(got, want);
        }
        assert_eq!(lines.lines().count(), GOLDEN.lines().count(), "all of it:\n{lines}");
    }

    #[test]
    fn numbers_that_json_lacks_are_strings() {
        let metrics = vec![("nan", f64::NAN), ("huge", 1e300)];
        let span = SpanView { metrics, ..worked::span() };
        let object: Value =
            serde_json::from_str(&line(&frame(), &Event::SpanFinished { span: &span, standing: LAST }).text)
                .expect("json");
        assert_eq!((object["metrics"]["nan"].as_str(), object["metrics"]["huge"].as_f64()), (Some("NaN"), Some(1e300)));
    }

    #[test]
    fn held_back_repetitions_are_a_field() {
        let mut frame = frame();
        frame.held_back = HeldBack { events: 12, minutes: 1, quiet_minutes: 1 };
        let text = line(&frame, &Event::LossBegan { reason: crate::counters::Reason::Memory }).text;
        assert!(text.ends_with(r#","reason":"memory","held_back":12}"#));
    }
}
