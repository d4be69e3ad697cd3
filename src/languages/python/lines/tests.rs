//! Tests of the Python dialect: the page's examples, the lines of the common events (`worked.rs`), and texts that could
//! mislead a reader of the log.

use crate::event::{Event, OpenSpanView, SpanView, Standing};
use crate::languages::language::Form;
use crate::languages::line::Line;
use crate::languages::python::LANGUAGE;
use crate::languages::worked::{self, about, lines, open, span, texts, CHILD, FIRST, LAST};
use crate::level::Level;
use serde_json::{json, Value};
use std::time::Duration;

mod agent;

const AT: &str = "2026-11-24 16:06:35,147";
const ID: &str = "132990249761594643611020443499575861540";

fn records(form: Form, event: &Event<'_>) -> Vec<Line> {
    lines(&LANGUAGE, form, &about("python", "2.0.0"), true, event)
}

/// The only record's text behind the time.
fn said(form: Form, event: &Event<'_>) -> String {
    let records = records(form, event);
    assert_eq!(records.len(), 1, "{:?}", texts(&records));
    let text = &records[0].text;
    assert!(text[records[0].message_at..].len() < text.len());
    text.strip_prefix(AT).expect("a line begins with its time").trim_start().to_string()
}

fn page(event: &Event<'_>) -> String {
    said(Form::Page, event)
}

fn source(event: &Event<'_>) -> String {
    said(Form::Source, event)
}

fn nothing(form: Form, event: &Event<'_>) {
    assert_eq!(texts(&records(form, event)), [""; 0]);
}

fn both(event: &Event<'_>, want: &str) {
    assert_eq!((page(event).as_str(), source(event).as_str()), (want, want));
}

/// Both forms, whose statements stand at other places in their files.
fn at(event: &Event<'_>, then: &str, now: &str, want: &str) {
    assert!(want.contains(then), "{want}");
    assert_eq!((page(event), source(event)), (want.to_string(), want.replace(then, now)));
}

fn untyped() -> SpanView<'static> {
    SpanView { span_type: "", ..span() }
}

fn host<'a>(kind: &'a str, fields: &'a [(&'a str, &'a str)]) -> Event<'a> {
    Event::HostEvent { kind, fields }
}

#[test]
fn the_pages_examples_come_out_as_printed() {
    let flask = SpanView {
        name: "flask.process_response",
        service: "flask",
        resource: "flask.process_response",
        parent_id: 77,
        trace_id: 99,
        tags: vec![],
        local_root: false,
        ..untyped()
    };
    let standing = Standing { open: 1, finished: 7, leaves: false };
    let records = records(Form::Page, &Event::SpanFinished { span: &flask, standing });
    assert_eq!(
        texts(&records),
        [
            "2026-11-24 16:06:35,147 DEBUG [ddtrace.internal.processor.trace] [trace.py:211] - trace 99 has 8 spans, 7 \
             finished",
            "2026-11-24 16:06:35,147 DEBUG [ddtrace.tracer] [tracer.py:715] - finishing span \
             name='flask.process_response' id=4236643421324217041 trace_id=99  parent_id=77 service='flask' \
             resource='flask.process_response' type=None start=1655495482.2478693 end=1655495482.2479873 \
             duration=0.000118125 error=0 tags={} metrics={} (enabled:True)",
        ]
    );
    assert_eq!((records[1].logger.as_ref(), records[1].level), ("ddtrace.tracer", Level::Debug));
    assert!(records[1].text[records[1].message_at..].starts_with("finishing span name="));
    let sent = Event::PayloadSent {
        url: worked::TRACES_URL,
        bytes: 1570,
        traces: 1,
        spans: 8,
        time: Duration::from_micros(26_050),
        status: 200,
        answer: "",
        attempt: 1,
        recovered: false,
        totals: Default::default(),
    };
    assert_eq!(
        page(&sent),
        "DEBUG [ddtrace.internal.writer] [writer.py:405] - sent 1.57KB in 0.02605s to \
         http://localhost:8126/v0.4/traces"
    );
    let failed = page(&worked::unreachable(true));
    assert_eq!(
        failed.lines().next(),
        Some(
            "ERROR [ddtrace.internal.writer] [writer.py:567] - failed to send traces to Datadog Agent at \
             http://localhost:8126/v0.4/traces"
        )
    );
}

#[test]
fn the_start_up_line_is_a_dict_in_the_fields_order_and_tells_of_an_agent_that_is_away() {
    let fields: Vec<(String, Value)> = [
        ("date", json!("2026-11-24T16:06:35.147563")),
        ("service", json!("shop")),
        ("agent_url", json!(worked::AGENT_URL)),
        ("agent_error", Value::Null),
        ("debug", json!(true)),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .into();
    let configured = |agent_error| worked::configured(&fields, agent_error);
    let line = "INFO [ddtrace._trace.tracer] [tracer.py:407] - - DATADOG TRACER CONFIGURATION - {'date': \
                '2026-11-24T16:06:35.147563', 'service': 'shop', 'agent_url': 'http://localhost:8126', 'agent_error': \
                None, 'debug': True}";
    at(&configured(None), "tracer.py:407", "tracer.py:717", line);
    for (error, shown) in [
        (&worked::REFUSED, "[Errno 111] Connection refused"),
        (worked::no_answer(), "timed out"),
        (worked::not_resolved(), "[Errno -2] Name or service not known"),
        (worked::other("not an HTTP answer\n: x"), "spanwire: not an HTTP answer\\n: x"),
    ] {
        let then = records(Form::Page, &configured(Some(error)));
        assert_eq!(then.len(), 2);
        assert_eq!(
            then[1].text,
            format!(
                "{AT} WARNING [ddtrace._trace.tracer] [tracer.py:414] - - DATADOG TRACER DIAGNOSTIC - Agent not \
                 reachable at http://localhost:8126. Exception raised: {shown}"
            )
        );
        let now = records(Form::Source, &configured(Some(error)));
        assert_eq!(
            now[now.len() - 1].text,
            format!(
                "{AT} WARNING [ddtrace._trace.tracer] [tracer.py:717] - - DATADOG TRACER DIAGNOSTIC - Agent not \
                 reachable at http://localhost:8126"
            )
        );
        assert!(now[now.len() - 2].text.contains("'agent_error': 'Agent not reachable at http://localhost:8126',"));
    }
    // Today's tracer makes a look-up of its own, and says what came of it.
    let looked_up = |error| records(Form::Source, &configured(Some(error)))[0].text.clone();
    let begin = "DEBUG [ddtrace.internal.http] [http.py:133] - native HTTP client connection to http://localhost:8126 \
                 failed: DNS resolution for host 'localhost'";
    assert_eq!(looked_up(&worked::REFUSED), format!("{AT} {begin} succeeded; the failure is not name resolution"));
    assert_eq!(looked_up(worked::not_resolved()), format!("{AT} {begin} failed: [Errno -2] Name or service not known"));
}

#[test]
fn spans_read_as_in_both_forms() {
    nothing(Form::Page, &Event::SpanStarted { span: &span(), standing: FIRST });
    let short = format!("<Span(id=4236643421324217041,trace_id={ID},parent_id=None,name=checkout)>");
    assert_eq!(
        source(&Event::SpanStarted { span: &span(), standing: FIRST }),
        format!(
            "DEBUG [ddtrace._trace.processor] [__init__.py:388] - Starting span: {short}, trace has 1 spans in the span \
             aggregator"
        )
    );
    let finished = Event::SpanFinished { span: &untyped(), standing: LAST };
    assert_eq!(
        page(&finished),
        "DEBUG [ddtrace.tracer] [tracer.py:715] - finishing span name='checkout' id=4236643421324217041 \
         trace_id=5208512171318403364  parent_id=None service='shop' resource='GET /cart' type=None \
         start=1655495482.2478693 end=1655495482.2479873 duration=0.000118125 error=0 tags={'http.method': 'GET'} \
         metrics={'_sampling_priority_v1': 1} (enabled:True)"
    );
    assert_eq!(
        source(&finished),
        format!(
            "DEBUG [ddtrace._trace.tracer] [tracer.py:705] - finishing span - Span(name='checkout', \
             span_id=4236643421324217041, parent_id=None, trace_id={ID}, service='shop', resource='GET /cart', \
             type='None', start=1655495482247869300, end=1655495482247987425, duration=118125, error=0, \
             tags={{'http.method': 'GET'}}, metrics={{'_sampling_priority_v1': 1}}, links=[], events=[], \
             context=Context(trace_id={ID}, span_id=4236643421324217041, _meta={{'_dd.p.dm': '-1'}}, \
             _metrics={{'_sampling_priority_v1': 1}}, _span_links=[], _baggage={{}}, _is_remote=False), \
             service_entry_span_name=checkout), metastruct={{}} (enabled:True)"
        )
    );
}

#[test]
fn a_trace_that_stays_open_says_so_only_in_the_pages_form_and_only_without_a_flush() {
    let finished = |standing| records(Form::Page, &Event::SpanFinished { span: &span(), standing });
    let records_of_child = finished(CHILD);
    assert_eq!(
        records_of_child[0].text,
        format!(
            "{AT} DEBUG [ddtrace.internal.processor.trace] [trace.py:211] - trace 5208512171318403364 has 2 spans, 1 \
             finished"
        )
    );
    assert_eq!(finished(LAST).len(), 1);
    assert_eq!(finished(Standing { leaves: true, ..CHILD }).len(), 1);
    assert_eq!(records(Form::Source, &Event::SpanFinished { span: &span(), standing: CHILD }).len(), 1);
}

#[test]
fn chunks_read_as_in_both_forms() {
    let list = [span()];
    nothing(Form::Page, &worked::enqueued(&[]));
    assert_eq!(
        source(&worked::enqueued(&list)),
        format!(
            "DEBUG [ddtrace._trace.processor] [__init__.py:473] - Encoding 1 spans. Spans processed: 1. Spans dropped \
             by trace processors: 0. Unfinished spans remaining in the span aggregator: 0. (trace_id: {ID}) (top level \
             span: name=checkout) (sampling_priority: 1) (sampling_mechanism: -1) (partial flush triggered: False)"
        )
    );
    let partial = Event::ChunkEnqueued {
        trace_id: span().trace_id,
        spans: 300,
        bytes: 9,
        complete: false,
        queued_chunks: 1,
        queued_bytes: 9,
        agent_url: worked::AGENT_URL,
        list: &[SpanView { priority: None, decision_maker: None, ..span() }],
    };
    assert_eq!(
        page(&partial),
        "DEBUG [ddtrace.internal.processor.trace] [trace.py:191] - Partially flushing 300 spans for trace \
         5208512171318403364"
    );
    assert!(source(&partial).ends_with(
        "(top level span: name=checkout) (sampling_priority: None) (sampling_mechanism: None) (partial flush triggered: \
         True)"
    ));
}

#[test]
fn open_spans_at_the_end_are_named_up_to_a_number() {
    let line = format!(
        "WARNING [ddtrace._trace.processor] [__init__.py:494] - Shutting down tracer with 1 spans. These spans will not \
         be sent to Datadog: trace_id={ID} parent_id=None span_id=4236643421324217041 name=checkout resource=GET /cart \
         started=1655495482.2478693 sampling_priority=None"
    );
    at(&Event::SpansAbandoned { spans: 1, open: &[open()] }, "__init__.py:494", "__init__.py:517", &line);
    let many = vec![OpenSpanView { parent_id: 5, priority: Some(2), ..open() }; 100];
    let text = page(&Event::SpansAbandoned { spans: 250, open: &many });
    assert_eq!(text.matches("span_id=").count(), 50);
    assert!(text.contains(" sampling_priority=2, trace_id=") && text.contains(" parent_id=5 "), "{text}");
    assert!(text.ends_with(" sampling_priority=2, … (200 more)"), "{text}");
}

#[test]
fn other_happenings_read_as_in_todays_source() {
    at(
        &Event::LogFileOpened { path: "/app/dd.log" },
        "_logger.py:132",
        "_logger.py:130",
        "DEBUG [ddtrace] [_logger.py:132] - ddtrace logs will be routed to /app/dd.log",
    );
    let loaded = |status| Event::IntegrationLoaded { name: "flask", version: "2.0", status };
    let patched = "INFO [ddtrace._monkey] [_monkey.py:403] - Configured ddtrace instrumentation for 1 integration(s). \
                   The following modules have been patched: flask";
    let failed = "ERROR [ddtrace._monkey] [_monkey.py:302] - failed to enable ddtrace support for flask: boom";
    at(&loaded("ok"), "_monkey.py:403", "_monkey.py:406", patched);
    at(&loaded("error: boom"), "_monkey.py:302", "_monkey.py:305", failed);
    nothing(Form::Source, &loaded("disabled"));
    both(
        &worked::rejected("DD_TRACE_LOG_LEVEL", "loud", ""),
        "WARNING [ddtrace._logger] [_logger.py:82] - DD_TRACE_LOG_LEVEL is invalid (LOUD). Default log level will be \
         used. Must be NOTSET/DEBUG/INFO/WARNING/ERROR/CRITICAL.",
    );
    let other = worked::rejected("DD_X", "1", "no such thing");
    assert!(page(&other).starts_with("WARNING [ddtrace] [spanwire:0] - spanwire: setting rejected: DD_X=1"));
    for silent in [Event::ParentUnknown { parent: 1, name: "x" }, Event::Forked { parent_pid: 4 }] {
        nothing(Form::Page, &silent);
    }
}

type Fields = &'static [(&'static str, &'static str)];

#[test]
fn a_hosts_events_read_as_the_tracers_own() {
    let cases: [(&str, Fields, &str); 11] = [
        (
            "integrations.loaded",
            &[("names", "flask,redis"), ("count", "2")],
            "INFO [ddtrace._monkey] [_monkey.py:403] - Configured ddtrace instrumentation for 2 integration(s). The \
             following modules have been patched: flask,redis",
        ),
        (
            "integration.failed",
            &[("name", "flask"), ("error", "boom")],
            "ERROR [ddtrace._monkey] [_monkey.py:302] - failed to enable ddtrace support for flask: boom",
        ),
        (
            "sampling.decided",
            &[
                ("span_id", "4236643421324217041"),
                ("trace_id", ID),
                ("parent_id", "0"),
                ("name", "checkout"),
                ("sampled", "true"),
                ("rate", "1"),
                ("mechanism", "1"),
                ("rules", "[]"),
                ("sampler_id", "140239857329424"),
            ],
            "DEBUG [ddtrace._trace.sampler] [sampler.py:200] - Sampling decision applied to \
             <Span(id=4236643421324217041,trace_id=132990249761594643611020443499575861540,parent_id=None,\
             name=checkout)>: sampled=True sample_rate=1.0 sampling_mechanism=1 matched_trace_sampling_rule=None \
             agent_sampled=None rules=[] sampler_id=140239857329424",
        ),
        (
            "remote_config.received",
            &[("url", "http://localhost:8126"), ("seconds", "0.00204"), ("ppid", "1")],
            "DEBUG [ddtrace.internal.remoteconfig.worker] [worker.py:86] - [476][P: 1] Datadog Remote Config Poller \
             sent request to http://localhost:8126 in 0.00204s",
        ),
        (
            "remote_config.received",
            &[("payload", "{}")],
            "DEBUG [ddtrace.internal.remoteconfig.products.apm_tracing] [apm_tracing.py:66] - Received APM tracing \
             config payload: {}",
        ),
        ("remote_config.received", &[("version", "4")], "DEBUG [ddtrace] [spanwire:0] - remote_config.received: version=4"),
        (
            "flare.sent",
            &[("case_id", "12345")],
            "INFO [ddtrace.internal.flare.flare] [flare.py:101] - Flare: successfully sent the flare to Zendesk ticket \
             12345",
        ),
        (
            "flare.failed",
            &[("error", "timed out")],
            "ERROR [ddtrace.internal.flare.flare] [flare.py:103] - Flare: error sending tracer flare: timed out",
        ),
        (
            "shutdown.waiting",
            &[("seconds", "5")],
            "DEBUG [ddtrace._trace.tracer] [tracer.py:230] - Waiting 5 seconds for tracer to finish. Hit ctrl-c to quit.",
        ),
        ("flare.started", &[], "DEBUG [ddtrace] [spanwire:0] - flare.started"),
        (
            "cache.miss",
            &[("user", "ann"), ("password", "hunter2"), ("text", "a\nb")],
            "DEBUG [ddtrace] [spanwire:0] - cache.miss: user=ann, password=<redacted>, text=a\\nb",
        ),
    ];
    let moved = [
        ("_monkey.py:403", "_monkey.py:406"),
        ("_monkey.py:302", "_monkey.py:305"),
        ("sampler.py:200", "sampler.py:212"),
        ("worker.py:86", "worker.py:97"),
        ("tracer.py:230", "tracer.py:232"),
    ];
    for (kind, fields, want) in cases {
        let event = host(kind, fields);
        match moved.into_iter().find(|(then, _)| want.contains(then)) {
            Some((then, now)) => at(&event, then, now, want),
            None => both(&event, want),
        }
    }
}

#[test]
fn a_hosts_texts_come_from_its_own_loggers() {
    let text = |level, target| Event::HostText { level, target, text: "hello\n2026" };
    let records = records(Form::Page, &text(Level::Warn, "shop.cart"));
    assert_eq!(records[0].text, format!("{AT} WARNING [shop.cart] [spanwire:0] - hello\\n2026"));
    assert_eq!((records[0].logger.as_ref(), records[0].level), ("shop.cart", Level::Warn));
    assert_eq!(page(&text(Level::Trace, "no logger]")), "DEBUG [ddtrace] [spanwire:0] - hello\\n2026");
}

#[test]
fn values_from_outside_stay_on_their_line_and_keep_their_secrets() {
    let long = "x".repeat(25_000);
    let tags = vec![("note", "it's\n\0 \"x\""), ("api_key", "hunter2"), ("long", long.as_str())];
    let wild = SpanView { name: "a\nb", resource: "GET /?token=hunter2", tags, local_root: false, ..span() };
    for form in [Form::Page, Form::Source] {
        let text = said(form, &Event::SpanFinished { span: &wild, standing: LAST });
        assert!(!text.contains(['\n', '\0']) && !text.contains("hunter2"), "{text}");
        assert!(text.contains("a\\nb") && text.contains("'api_key': '<redacted>'"), "{text}");
        assert!(text.contains("'note': 'it\\'s\\n\\x00 \"x\"'") && text.contains("(25000 bytes)"), "{text}");
        assert!(text.len() < 5_000);
    }
}
