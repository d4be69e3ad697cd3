//! Generates docs/log-lines.md from one set of events: which language has a line for which event, and what each line
//! looks like. `SPANWIRE_BLESS=1 cargo test --lib log_lines` writes the file; otherwise the test compares.

use super::worked::{self, about};
use super::*;
use crate::counters::Reason;
use crate::event::remote::RemoteFault;
use crate::event::{DecidedBy, DropDetail, Event, FlareFault, Outlet, SampledView, SpanView, Thread};
use crate::settings::rejection::UrlFault;
use crate::settings::{Origin, Rejection};
use std::fmt::Write;
use std::time::Duration;

/// Returns the languages with this number of wordings, one or two, in the document's order. Leaves out `example`.
fn languages(wordings: usize) -> impl Iterator<Item = &'static Language> {
    ALL.iter().copied().filter(move |language| language.wordings.len() == wordings && language.id() != "example")
}

const HEAD: &str = "\
# Log lines

<!-- Written by `SPANWIRE_BLESS=1 cargo test --lib log_lines` from src/languages. Do not edit. -->

This document shows the lines of each event in each dialect. The host's language (`SPANWIRE_LANGUAGE`) selects the
dialect, and `SPANWIRE_LOG_DIALECT` overrides it. Seven languages have two dialects each: for example, `java` has the
wording of the documentation page \"Tracer debug logs\", and `java@source` that of the tracer's current source. `native`
is this library's own readable line, and `json` is one object per line; both have a line for every event. The C++ tracer
has no debug lines, so C++ hosts get `native`.

A line is written after the event has happened, never before. If a tracer has no line for an event, its dialect has none
either. Warnings and errors are the exception: they are always logged, and if the tracer has no line for one, the dialect
uses the text of `native` after `spanwire: `.

PHP, Ruby and Node.js list the spans of each chunk, as their tracers do. PHP writes a record per span; Ruby and Node.js
write records of about 128 KiB. The log holds at most 640 KiB of one chunk; if there is more, the last record says how
many spans are missing: `spanwire: 11 more spans`. Java's list has at most 32 spans and says how many more there are.
`spanwire doctor` counts these spans too.

## Lines by event and language

**own**: the tracer's own line · **ours**: the text of `native` in the tracer's frame · **kind**: the event's kind and
fields in the tracer's frame · **–**: no line. Where a cell has two values, the first is for the page's wording and the
second for the source's. Events marked with * happen only when the host reports them (`spanwire_log_event`,
`spanwire_tracer_report_integration`).
";

fn events(each: &mut dyn FnMut(&str, &Event<'_>)) {
    let (span, open, fields) = (worked::span(), [worked::open()], worked::fields());
    let started = SpanView { duration_ns: 0, ..span.clone() };
    let list = [span.clone()];
    let host = |kind, fields| Event::HostEvent { kind, fields };
    let mut say = |title: &str, event: Event<'_>| each(title, &event);
    say("tracer configured", worked::configured(&fields, None));
    say("configured, agent absent", worked::configured(&fields, Some(&worked::REFUSED)));
    say("log file opened", Event::LogFileOpened { path: "/app/dd.log" });
    let (name, value) = ("DD_TRACE_AGENT_URL", "ftp://x");
    let why = &Rejection::Url(UrlFault::UnknownScheme { scheme: "ftp".into(), meant: None });
    say("setting rejected", Event::SettingRejected { name, value, origin: Origin::Env, why });
    let names = ["DD_SERVICE_MAPPING", "DD_TRACE_HEADER_TAGS"];
    say("settings not supported", Event::SettingsUnsupported { names: &names });
    say("integration loaded *", Event::IntegrationLoaded { name: "flask", version: "3.0", status: "ok" });
    say("span started", Event::SpanStarted { span: &started, standing: worked::FIRST });
    say("child span finished", Event::SpanFinished { span: &span, standing: worked::CHILD });
    say("last span finished", Event::SpanFinished { span: &span, standing: worked::LAST });
    let rule = DecidedBy::Rule { place: 0, text: r#"{"sample_rate":0,"service":"shop"}"# };
    say("trace decided by a rule", Event::TraceDecided { trace: &worked::decided(rule, -1, Some(0.0)) });
    say("trace decided by the Agent's rate", {
        Event::TraceDecided { trace: &worked::decided(DecidedBy::AgentRate, 1, Some(0.25)) }
    });
    say("trace decided by the host", Event::TraceDecided { trace: &worked::decided(DecidedBy::Host, 2, None) });
    let limited =
        SampledView { limit_rate: Some(0.5), limited_to: Some(100.0), ..worked::decided(rule, -1, Some(1.0)) };
    say("trace rejected by the rate limit", Event::TraceDecided { trace: &limited });
    say("parent unknown", Event::ParentUnknown { parent: 99, name: "late" });
    say("chunk enqueued", worked::enqueued(&list));
    say("payload sending", worked::sending());
    say("payload sent", worked::sent(false));
    say("payload sent after failures", worked::sent(true));
    say("agent refused", worked::refused(413, "too large"));
    say("agent unreachable", worked::unreachable(true));
    say("agent reachable again", Event::AgentReachable { url: worked::TRACES_URL, after: Duration::from_secs(3) });
    say("agent described itself", Event::AgentInfo { url: worked::TRACES_URL, version: "7.60.0", endpoints: 12 });
    let (url, asked, refused) = (worked::TRACES_URL, "/v1.0/traces", Some(404));
    say("format not listed", Event::AgentFormat { url, asked, refused: None, granted: false });
    say("format refused", Event::AgentFormat { url, asked, refused, granted: false });
    let (url, granted) = ("http://localhost:8126/v1.0/traces", true);
    say("format listed again", Event::AgentFormat { url, asked, refused: None, granted });
    let (url, paths) = ("http://localhost:8126/v0.7/config", &["datadog/2/APM_TRACING/abc/config"][..]);
    let time = Duration::from_micros(2310);
    say("remote configuration received", Event::RemoteConfigReceived { url, version: 42, paths, time });
    let why = &RemoteFault::NoAnswer(worked::REFUSED.clone());
    say("remote configuration not answered", Event::RemoteConfigFailed { path: "", why });
    let why = &RemoteFault::Invalid("tracing_sampling_rate");
    say("remote configuration not used", Event::RemoteConfigFailed { path: paths[0], why });
    let (name, value) = ("DD_TRACE_SAMPLE_RATE", "0.5");
    say("setting changed", Event::SettingChanged { name, value, origin: Origin::Remote });
    say("queue full", worked::queue_full());
    let (reason, detail) = (Reason::TooLarge, &DropDetail::SpanTooLarge { max_bytes: 9_000_000 });
    say("span too large", Event::SpansDropped { reason, spans: 1, traces: 1, detail });
    say("loss began", Event::LossBegan { reason: Reason::QueueFull });
    say("loss ended", Event::LossEnded { reason: Reason::QueueFull, spans: 30 });
    say("spans abandoned at the end", Event::SpansAbandoned { spans: 1, open: &open });
    say("spans open for long", Event::SpansOverdue { spans: 1, open: &open, stopping: false });
    say("tracer stopped", Event::TracerStopped { sent: 10, spans_lost: 0, spans_unknown: 0, timed_out: false });
    let late = Event::TracerStopped { sent: 10, spans_lost: 5, spans_unknown: 3, timed_out: true };
    say("tracer stopped too late", late);
    say("process forked", Event::Forked { parent_pid: 41 });
    let time = Duration::from_secs(1);
    say("look-up hangs in a child", Event::LookupHangs { host: "agent.test", time, given_up: 0, most: 3 });
    say("thread not started", Event::ThreadNotStarted { thread: Thread::Worker, errno: 11 });
    say("thread started after all", Event::ThreadStarted { thread: Thread::Worker, after: Duration::from_secs(3) });
    say("panic caught", Event::PanicCaught { message: "index out of bounds" });
    say("log records lost", Event::RecordsLost { sink: Outlet::Stderr, records: 6 });
    say("host's own text *", Event::HostText { level: Level::Info, target: "app", text: "cache is warm" });
    say("host's own event *", host("cache.miss", &[("name", "cart"), ("size", "3")]));
    let jit = [("function_id", "140"), ("token", "100663297"), ("name", "Shop.Cart.Get")];
    say("method compiled *", host("jit.started", &jit));
    say("class transformed *", host("class.transformed", &[("class", "org.shop.Cart"), ("classloader", "app")]));
    say("integration failed *", host("integration.failed", &[("name", "flask"), ("error", "boom")]));
    let received = [("version", "42"), ("paths", "datadog/2/APM_TRACING/abc/config"), ("payload", "{}")];
    say("configuration received *", host("remote_config.received", &received));
    say("configuration failed *", host("remote_config.failed", &[("error", "timed out")]));
    say("flare started *", host("flare.started", &[("level", "debug")]));
    say("flare sent *", host("flare.sent", &[("case_id", "12345"), ("url", "http://localhost:8126/tracer_flare/v1")]));
    say("flare sent", Event::FlareSent { case_id: "12345", url: worked::AGENT_URL, bytes: 48_213 });
    let refused = FlareFault::NotReached(worked::REFUSED.clone());
    say("flare not sent", Event::FlareFailed { case_id: "12345", url: worked::AGENT_URL, why: &refused });
    say("flare failed *", host("flare.failed", &[("error", "timed out"), ("status", "500")]));
}

/// Returns a language's lines for an event in this form, and the mark for the table.
fn said(language: &'static Language, form: Form, about: &About, event: &Event<'_>) -> (&'static str, Vec<Line>) {
    let lines = worked::lines(language, form, about, true, event);
    let ours = |line: &Line| line.text[line.message_at..].contains("spanwire: ");
    let plain = |line: &Line| match event {
        Event::HostEvent { .. }
        | Event::RemoteConfigReceived { .. }
        | Event::RemoteConfigFailed { .. }
        | Event::SettingChanged { .. } => line.text[line.message_at..].contains(&format!("{}: ", event.kind())),
        _ => false,
    };
    let mark = match lines.as_slice() {
        [] => "–",
        lines if lines.iter().all(plain) => "kind",
        lines if lines.iter().any(|line| !ours(line)) => "own",
        _ => "ours",
    };
    (mark, lines)
}

fn document() -> String {
    let mut out = HEAD.to_string();
    let names: Vec<&str> = languages(2).map(|language| language.settings.title).collect();
    let _ = write!(out, "\n| event | {} |\n|---{}|\n", names.join(" | "), "|---".repeat(names.len()));
    events(&mut |title, event| {
        let cells: Vec<String> = languages(2)
            .map(|language| {
                let [page, source] = [0, 1].map(|form| about("test", language.wordings[form].version));
                let (page, _) = said(language, Form::Page, &page, event);
                let (source, _) = said(language, Form::Source, &source, event);
                if page == source {
                    page.to_string()
                } else {
                    format!("{page} / {source}")
                }
            })
            .collect();
        let _ = writeln!(out, "| {title} | {} |", cells.join(" | "));
    });
    for language in languages(1) {
        section(&mut out, &format!("`{}`", language.id()), language, Form::Page, &about("test", "1.2.3"));
    }
    for language in languages(2) {
        let title = language.settings.title;
        for (form, has_it) in [(Form::Page, "the page has it"), (Form::Source, "its source has it")] {
            let name = language.wordings[form as usize].name;
            let about = about(language.id(), language.wordings[form as usize].version);
            section(&mut out, &format!("{title}, as {has_it} (`{name}`)"), language, form, &about);
        }
    }
    out
}

fn section(out: &mut String, title: &str, language: &'static Language, form: Form, about: &About) {
    let _ = write!(out, "\n## {title}\n\n```text\n");
    events(&mut |title, event| {
        let (mark, lines) = said(language, form, about, event);
        if mark != "–" {
            let _ = writeln!(out, "# {title}");
            lines.iter().for_each(|line| {
                let _ = writeln!(out, "{}", line.text);
            });
        }
    });
    out.push_str("```\n");
}

#[test]
fn log_lines_in_the_docs_are_what_the_dialects_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/log-lines.md");
    let now = document();
    if std::env::var_os("SPANWIRE_BLESS").is_some() {
        std::fs::write(path, &now).expect("docs/log-lines.md can be written");
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(now == there, "docs/log-lines.md is out of date; SPANWIRE_BLESS=1 cargo test --lib log_lines writes it");
}
