//! Tests of all dialects, and the events from which the golden files of `native` and `json` are made.

use super::text::{cut, duration, escaped, number};
use super::*;
use crate::counters::Reason;
use crate::event::remote::RemoteFault;
use crate::event::{DecidedBy, Event, OpenSpanView, Outlet, SpanView, Standing, Thread};
use crate::languages::limits::HeldBack;
use crate::os_error::OsError;
use crate::settings::rejection::Unusable;
use crate::settings::Origin;
use crate::zone::Zone;
use serde_json::json;
use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// Every kind of event once, with values that need care.
pub(super) fn every_event(each: &mut dyn FnMut(&str, &Event<'_>)) {
    let span = SpanView {
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
        tags: vec![("card", "5500000000000004"), ("api_key", "abc"), ("note", "two\nlines, \"quoted\"")],
        metrics: vec![("amount", 42.5), ("_sampling_priority_v1", 1.0)],
        links: vec![],
        events: vec![],
        local_root: false,
        priority: Some(1),
        decision_maker: Some(0),
    };
    let open = [OpenSpanView {
        trace_id: 255,
        span_id: 7,
        parent_id: 0,
        name: "fetch\nforged".into(),
        resource: "GET /x?token=abc".into(),
        component: "curl".into(),
        start_ns: 1,
        age: Duration::from_millis(61_500),
        priority: None,
    }];
    let url = "http://u:p@localhost:8126/v0.4/traces?x=1";
    let (bytes, traces, spans, totals) = (1608, 1, 2, Default::default());
    let fields = [("user", "ann"), ("password", "hunter2")];
    let config = [("service".to_string(), json!("sh\nop")), ("debug".to_string(), json!(true))];
    let standing = Standing { open: 1, finished: 1, leaves: false };
    let no_folder = OsError::Errno(libc::ENOENT);
    let events = [
        Event::TracerConfigured {
            fields: &config,
            agent_url: url,
            agent_error: Some(&worked::REFUSED),
            abandoned_spans: false,
        },
        Event::LogFileOpened { path: "/var/log/shop.log" },
        Event::SettingRejected {
            name: "DD_TRACE_AGENT_URL",
            value: "gopher://u:p@x",
            origin: Origin::Env,
            why: worked::rejection("no such scheme"),
        },
        Event::SettingsUnsupported { names: &["DD_TRACE_SAMPLE_RATE", "OTEL_PROPAGATORS"] },
        Event::IntegrationLoaded { name: "redis", version: "5.0", status: "ok" },
        Event::SpanStarted {
            span: &SpanView { tags: vec![], metrics: vec![], duration_ns: 0, ..span.clone() },
            standing,
        },
        Event::SpanFinished { span: &span, standing },
        Event::TraceDecided {
            trace: &worked::decided(DecidedBy::Rule { place: 1, text: "{\"sample_rate\":0}" }, -1, Some(0.0)),
        },
        Event::ParentUnknown { parent: 99, name: "late" },
        Event::ChunkEnqueued {
            trace_id: 255,
            spans: 2,
            bytes: 512,
            complete: false,
            queued_chunks: 1,
            queued_bytes: 512,
            agent_url: url,
            list: std::slice::from_ref(&span),
        },
        Event::PayloadSending { url, bytes, traces, spans, attempt: 2 },
        Event::PayloadSent {
            url,
            bytes,
            traces,
            spans,
            time: Duration::from_micros(2310),
            status: 200,
            answer: "{\"rate_by_service\":{}}",
            attempt: 2,
            recovered: true,
            totals,
        },
        Event::AgentRefused {
            url,
            status: 404,
            answer: "not\nfound",
            bytes,
            traces,
            spans,
            attempt: 1,
            retry: false,
            totals,
        },
        Event::AgentUnreachable {
            url,
            error: &worked::REFUSED,
            bytes,
            traces,
            spans,
            attempt: 1,
            retry: true,
            first: true,
            totals,
        },
        Event::AgentReachable { url, after: Duration::from_millis(3200) },
        Event::AgentInfo { url, version: "7.60.0", endpoints: 12 },
        Event::AgentFormat { url, asked: "/v1.0/traces", refused: Some(404), granted: false },
        Event::AgentFormat { url, asked: "/v1.0/traces", refused: None, granted: false },
        Event::AgentFormat { url, asked: "/v1.0/traces", refused: None, granted: true },
        Event::RemoteConfigReceived {
            url,
            version: 42,
            paths: &["datadog/2/APM_TRACING/a/config", "employee/AGENT_TASK/two\nlines, b/config"],
            time: Duration::from_micros(2310),
        },
        Event::RemoteConfigFailed {
            path: "datadog/2/AGENT_TASK/two\nlines, b/config",
            why: &RemoteFault::Missing("case_id"),
        },
        Event::RemoteConfigFailed { path: "", why: &RemoteFault::NoAnswer(worked::REFUSED.clone()) },
        Event::SettingChanged { name: "DD_TRACE_SAMPLE_RATE", value: "0.5", origin: Origin::Remote },
        Event::SpansDropped { reason: Reason::QueueFull, spans: 3, traces: 1, detail: &worked::QUEUE_FULL },
        Event::LossBegan { reason: Reason::QueueFull },
        Event::LossEnded { reason: Reason::QueueFull, spans: 30 },
        Event::SpansAbandoned { spans: 1, open: &open },
        Event::SpansOverdue { spans: 1, open: &open, stopping: false },
        Event::TracerStopped { sent: 10, spans_lost: 5, spans_unknown: 3, timed_out: true },
        Event::Forked { parent_pid: 41 },
        Event::PanicCaught { message: "index out of bounds" },
        Event::HostText { level: Level::Warn, target: "app", text: "token=abc\nsecond\u{0} line" },
        Event::HostEvent { kind: "cache.miss", fields: &fields },
        Event::RecordsLost { sink: Outlet::Stderr, records: 6 },
        Event::LogFileNotWritten { path: Path::new("/a/log"), error: &no_folder, to_stderr: false },
        Event::LogFileMoved { wanted: Path::new("/a/log"), used: Path::new("/tmp/log"), error: &no_folder },
        Event::LogSettingsDiffer,
        Event::AgentUnusable { why: Unusable::Tls },
        Event::TurnedOff,
        Event::LookupHangs { host: "agent.test", time: Duration::from_secs(1), given_up: 0, most: 3 },
        Event::ThreadNotStarted { thread: Thread::Worker, errno: 11 },
        Event::ThreadStarted { thread: Thread::Worker, after: Duration::from_secs(3) },
    ];
    for event in &events {
        each(event.kind(), event);
    }
}

pub(super) fn frame() -> Frame<'static> {
    static ABOUT: OnceLock<(About, Zone)> = OnceLock::new();
    let (about, zone) = ABOUT.get_or_init(|| (super::worked::about("test", "1.2.3"), Zone::default()));
    let held_back = HeldBack::default();
    Frame {
        time_ns: 1_795_538_842_691_999_999,
        pid: 42,
        thread: "main",
        held_back,
        debug: true,
        about,
        zone,
        remembered: None,
    }
}

fn every_dialect() -> impl Iterator<Item = (&'static str, Dialect)> {
    dialects().into_iter().map(|name| (name, Dialect::from_name(name).expect("every listed dialect is one")))
}

#[test]
fn no_dialect_lets_a_secret_out_or_an_outsider_forge_a_line() {
    for (name, dialect) in every_dialect() {
        every_event(&mut |kind, event| {
            let mut lines = Vec::new();
            dialect.lines(&frame(), event, &mut lines);
            for line in lines {
                let text = &line.text;
                assert!(!text.contains(['\0', '\r']) && !text.ends_with('\n'), "{name} {kind}: {text}");
                let forged = ["\nlines, ", "\nforged", "\nsecond", "\nfound", "h\nop"];
                for secret in ["hunter2", "abc", "u:p@", "x=1", "5500000000000004"].iter().chain(&forged) {
                    assert!(!text.contains(secret), "{name} {kind} shows {secret}: {text}");
                }
                assert!(text.is_char_boundary(line.message_at) && line.message_at <= text.len(), "{name} {kind}");
            }
        });
    }
}

#[test]
fn what_warns_or_fails_is_said_in_every_dialect() {
    for (name, dialect) in every_dialect() {
        every_event(&mut |kind, event| {
            let mut lines = Vec::new();
            dialect.lines(&frame(), event, &mut lines);
            if event.level() <= Level::Warn || matches!(event, Event::TracerConfigured { .. }) {
                assert!(!lines.is_empty(), "{name} says nothing of {kind}");
            }
            if matches!(event, Event::HostEvent { .. } | Event::HostText { .. }) {
                assert!(!lines.is_empty(), "{name} swallows what the host said: {kind}");
            }
        });
    }
}

#[test]
fn lines_are_bounded_whatever_a_span_holds() {
    let long = "x".repeat(25_000);
    let span = SpanView {
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
        links: vec![],
        events: vec![],
        local_root: true,
        priority: None,
        decision_maker: None,
    };
    let many: Vec<SpanView<'_>> = (0..1_000).map(|_| span.clone()).collect();
    let standing = Standing { open: 0, finished: 1, leaves: true };
    for (name, dialect) in every_dialect() {
        let mut lines = Vec::new();
        dialect.lines(&frame(), &Event::SpanFinished { span: &span, standing }, &mut lines);
        dialect.lines(&frame(), &super::worked::enqueued(&many), &mut lines);
        for line in lines {
            assert!(line.text.len() < 400_000, "{name}: {}", line.text.len());
        }
    }
}

#[test]
fn names_choose_dialects_and_nothing_else_does() {
    let dialect = |language: &'static Language, form| Some(Dialect { language, form });
    assert_eq!(Dialect::from_name(" JSON "), dialect(&json::LANGUAGE, Form::Page));
    assert_eq!(Dialect::from_name("native"), Some(Dialect::NATIVE));
    assert_eq!(Dialect::from_name("java@source"), dialect(&java::LANGUAGE, Form::Source));
    assert_eq!((Dialect::from_name("xml"), Dialect::from_name("native@source")), (None, None));
    assert_eq!(Some(Dialect::of_language("jvm")), dialect(&java::LANGUAGE, Form::Page));
    assert_eq!(Some(Dialect::of_language("nodejs")), dialect(&node::LANGUAGE, Form::Page));
    assert_eq!(Some(Dialect::of_language(".NET")), dialect(&dotnet::LANGUAGE, Form::Page));
    assert_eq!((Dialect::of_language("cpp"), Dialect::of_language("")), (Dialect::NATIVE, Dialect::NATIVE));
}

#[test]
fn durations_numbers_and_texts_read_well() {
    let shown: Vec<_> = [850, 12_345, 1_204_567, 2_500_000_000].map(|ns| duration(Duration::from_nanos(ns))).into();
    assert_eq!(shown, ["850ns", "12.345us", "1.204ms", "2.500s"]);
    let shown: Vec<_> = [0.0, 1.0, -42.5, 1e300, 1e-9, f64::NAN].map(number).into();
    assert_eq!(shown, ["0", "1", "-42.5", "1e300", "1e-9", "NaN"]);
    assert_eq!(cut(Cow::Borrowed("aéb"), 2), "a… (4 bytes)");
    assert_eq!(escaped(Cow::Borrowed("a\n\u{1b}[31mé")), "a\\n\\u{1b}[31mé");
}

/// The doctor takes the longest word at the first place of a line. So a word may be part of another one, but it must be
/// ASCII, not so short that it stands in any text, and in its language's list only once.
#[test]
#[cfg(feature = "cli")]
fn the_words_by_which_lines_are_known_are_ascii_and_listed_once() {
    let mut all = 0;
    for language in ALL {
        let words: Vec<&str> = language.reader.marks.iter().map(|(word, _)| *word).collect();
        all += words.len();
        for (n, word) in words.iter().enumerate() {
            assert!(word.is_ascii() && word.len() >= 4, "{word:?} of {language:?}");
            assert!(!words[..n].contains(word), "{word:?} is listed twice for {language:?}");
        }
    }
    assert!(all > 60, "{all}");
}

#[test]
fn every_languages_start_up_line_is_found_by_the_same_words() {
    let fields = worked::fields();
    for language in ALL.iter().filter(|language| language.wordings.len() > 1) {
        for form in Form::BOTH {
            let about = worked::about(language.id(), language.wordings[*form as usize].version);
            let lines = worked::lines(language, *form, &about, false, &worked::configured(&fields, None));
            let found = lines.iter().filter(|line| line.text.contains("DATADOG TRACER CONFIGURATION"));
            assert_eq!(found.count(), 1, "{}", language.wordings[*form as usize].name);
        }
    }
}
