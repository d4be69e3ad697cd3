//! How an event reads. One file per dialect; here is what they share: the choice, times, durations, and how values from
//! outside are redacted, cut and kept on one line. Nothing here decides whether an event is logged, or where.

mod json;
mod native;

use super::event::Event;
use super::limit::HeldBack;
use crate::redact;
use crate::sys;
use std::borrow::Cow;
use std::time::Duration;

/// Bytes of one tag's value in a line.
const TAG_MAX: usize = 2_000;
/// Bytes of any other text from outside in a line; the start-up line's object is never cut.
const TEXT_MAX: usize = 16_000;
/// Bytes of all of a span's tags in a line; the rest is counted.
const TAGS_MAX: usize = 48_000;

/// The language of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Our own readable lines.
    #[default]
    Native,
    /// One JSON object per line.
    Json,
}

/// What a line says beside its event.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Wall time, nanoseconds since 1970.
    pub time_ns: u64,
    /// The process.
    pub pid: u32,
    /// What the rate limit held back before.
    pub held_back: HeldBack,
}

impl Dialect {
    /// The dialect of this name, as `SPANWIRE_LOG_DIALECT` gives it.
    pub fn from_name(name: &str) -> Option<Dialect> {
        match name.trim().to_ascii_lowercase().as_str() {
            "native" => Some(Dialect::Native),
            "json" => Some(Dialect::Json),
            _ => None,
        }
    }

    /// The event as one line without a newline.
    pub fn line(self, frame: &Frame, event: &Event<'_>) -> String {
        match self {
            Dialect::Native => native::line(frame, event),
            Dialect::Json => json::line(frame, event),
        }
    }
}

/// `2026-11-24T16:47:22.691Z`.
fn iso_time(time_ns: u64) -> String {
    let (year, month, day, hour, minute, second) = sys::utc_time(time_ns);
    let milli = time_ns / 1_000_000 % 1_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Four digits or so in the unit that fits: `850ns`, `12.345us`, `1.204ms`, `2.500s`.
fn duration(time: Duration) -> String {
    let ns = time.as_nanos();
    match ns {
        0..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => format!("{}.{:03}us", ns / 1_000, ns % 1_000),
        1_000_000..1_000_000_000 => format!("{}.{:03}ms", ns / 1_000_000, ns / 1_000 % 1_000),
        _ => format!("{}.{:03}s", ns / 1_000_000_000, ns / 1_000_000 % 1_000),
    }
}

/// Free text from outside: redacted and cut.
fn free(text: &str) -> Cow<'_, str> {
    cut(redact::text(text), TEXT_MAX)
}

/// A tag's or setting's value: redacted by its name and content, and cut.
fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    cut(redact::value_of(name, value), TAG_MAX)
}

/// `text`, or its beginning and how long it was.
fn cut(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}… ({} bytes)", &text[..end], text.len()))
}

/// A number as short as it is exact: `1`, `42.5`, `1e300`, `NaN`.
fn number(value: f64) -> String {
    if value.is_finite() && value != 0.0 && !(1e-5..1e16).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// Hands out tags, redacted, until they would make the line too long; answers how many were left out.
fn tags<'a>(tags: &[(&'a str, &'a str)], mut each: impl FnMut(Cow<'a, str>, Cow<'a, str>)) -> usize {
    let mut room = TAGS_MAX;
    for (n, (name, text)) in tags.iter().enumerate() {
        let shown = value(name, text);
        if name.len() + shown.len() > room {
            return tags.len() - n;
        }
        room -= name.len() + shown.len();
        each(cut(Cow::Borrowed(*name), TAG_MAX), shown);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::event::SpanFacts;
    use crate::log::level::Level;

    /// Every kind of event once, with values that need care.
    pub(super) fn every_event(each: &mut dyn FnMut(&str, &Event<'_>)) {
        let span = SpanFacts {
            trace_id: 0x6745_2301_0000_0000_0000_0000_0000_00ff,
            span_id: 4_111_111_111_111_111,
            parent_id: 7,
            name: "checkout",
            service: "shop",
            resource: "GET /x",
            span_type: "web",
            start_ns: 1,
            duration_ns: 1_204_567,
            error: false,
            tags: vec![("card", "4111111111111111"), ("api_key", "abc"), ("note", "two\nlines, \"quoted\"")],
            metrics: vec![("amount", 42.5), ("_sampling_priority_v1", 1.0)],
        };
        let url = "http://u:p@localhost:8126/v0.4/traces?x=1";
        let (bytes, traces, spans) = (1608, 1, 2);
        let fields = [("user", "ann"), ("password", "hunter2")];
        let ms = Duration::from_micros(2310);
        let events = [
            Event::TracerConfigured { config_json: "{\"service\":\"shop\",\n\"debug\":true}" },
            Event::SettingRejected {
                name: "DD_TRACE_AGENT_URL",
                value: "gopher://u:p@x",
                origin: "env",
                why: "no such scheme",
            },
            Event::IntegrationLoaded { name: "redis", version: "5.0", status: "ok" },
            Event::SpanStarted { span: &SpanFacts { tags: vec![], metrics: vec![], duration_ns: 0, ..span.clone() } },
            Event::SpanFinished { span: &span },
            Event::ParentUnknown { parent: 99, name: "late" },
            Event::ChunkEnqueued {
                trace_id: 255,
                spans: 2,
                bytes: 512,
                complete: false,
                queued_chunks: 1,
                queued_bytes: 512,
            },
            Event::PayloadSending { url, bytes, traces, spans, attempt: 2 },
            Event::PayloadSent { url, bytes, traces, spans, time: ms, status: 200, answer: "{\"rate_by_service\":{}}" },
            Event::AgentRefused { url, status: 404, answer: "not\nfound", bytes, traces, spans, retry: false },
            Event::AgentUnreachable { url, error: "connection refused", bytes, traces, spans, attempt: 1, retry: true },
            Event::AgentReachable { url, after: Duration::from_millis(3200) },
            Event::AgentInfo { url, version: "7.60.0", endpoints: 12 },
            Event::SpansDropped { reason: "queue_full", spans: 3, traces: 1, detail: "the queue is full" },
            Event::LossBegan { reason: "queue_full" },
            Event::LossEnded { reason: "queue_full", spans: 30 },
            Event::SpansAbandoned { spans: 4 },
            Event::TracerStopped { sent: 10, spans_lost: 5, timed_out: true },
            Event::Forked { parent_pid: 41 },
            Event::PanicCaught { message: "index out of bounds" },
            Event::HostText { level: Level::Warn, target: "app", text: "token=abc\nsecond\u{0} line" },
            Event::HostEvent { kind: "cache.miss", fields: &fields },
            Event::RecordsLost { sink: "stderr", records: 6 },
            Event::Notice { level: Level::Error, target: "log.file", text: "cannot write" },
        ];
        for event in &events {
            each(event.kind(), event);
        }
    }

    pub(super) fn frame() -> Frame {
        Frame { time_ns: 1_795_538_842_691_999_999, pid: 42, held_back: HeldBack::default() }
    }

    #[test]
    fn every_dialect_keeps_every_event_on_one_line_and_lets_no_secret_out() {
        for dialect in [Dialect::Native, Dialect::Json] {
            every_event(&mut |kind, event| {
                let line = dialect.line(&frame(), event);
                assert!(!line.contains(['\n', '\0', '\r']), "{kind}: {line}");
                for secret in ["hunter2", "abc", "u:p@", "x=1", "\"4111111111111111\"}", "card=4111"] {
                    assert!(!line.contains(secret), "{kind} shows {secret}: {line}");
                }
            });
        }
    }

    #[test]
    fn lines_are_bounded_whatever_a_span_holds() {
        let long = "x".repeat(25_000);
        let span = SpanFacts {
            trace_id: 1,
            span_id: 1,
            parent_id: 0,
            name: "n",
            service: "s",
            resource: &long,
            span_type: "",
            start_ns: 0,
            duration_ns: 0,
            error: true,
            tags: (0..1_024).map(|_| ("name", long.as_str())).collect(),
            metrics: vec![("m", f64::MAX); 1_024],
        };
        for dialect in [Dialect::Native, Dialect::Json] {
            let line = dialect.line(&frame(), &Event::SpanFinished { span: &span });
            assert!((50_000..160_000).contains(&line.len()), "{}", line.len());
        }
    }

    #[test]
    fn names_choose_dialects_and_nothing_else_does() {
        assert_eq!(Dialect::from_name(" JSON "), Some(Dialect::Json));
        assert_eq!(Dialect::from_name("native"), Some(Dialect::Native));
        assert_eq!(Dialect::from_name("xml"), None);
    }

    #[test]
    fn durations_and_numbers_read_well() {
        let shown: Vec<_> = [850, 12_345, 1_204_567, 2_500_000_000].map(|ns| duration(Duration::from_nanos(ns))).into();
        assert_eq!(shown, ["850ns", "12.345us", "1.204ms", "2.500s"]);
        let shown: Vec<_> = [0.0, 1.0, -42.5, 1e300, 1e-9, f64::NAN].map(number).into();
        assert_eq!(shown, ["0", "1", "-42.5", "1e300", "1e-9", "NaN"]);
        assert_eq!(cut(Cow::Borrowed("aéb"), 2), "a… (4 bytes)");
    }
}
