//! Tests that the Java dialect writes the lines of the Java tracer, byte for byte.

use super::*;
use crate::event::{SpanView, Standing};
use crate::languages::java::LANGUAGE;
use crate::languages::limits::HeldBack;
use crate::languages::line::Line;
use crate::languages::worked::{
    self, about, enqueued, fields, java_span, queue_full, refused, sending, sent, span, texts, unreachable, AGENT_URL,
    CHILD, FIRST, LAST, REFUSED,
};
use crate::zone::Zone;
use serde_json::json;
use std::time::Duration;

const QUIET: HeldBack = HeldBack { events: 0, minutes: 0, quiet_minutes: 5 };
const DATE: &str = "[dd.trace 2026-11-24 16:06:35:147 +0000] ";

fn made(form: Form, debug: bool, held_back: HeldBack, event: &Event<'_>) -> Vec<Line> {
    worked::held(&LANGUAGE, form, &about("jvm", "1.64.0"), debug, held_back, event)
}

fn page(event: &Event<'_>) -> Vec<Line> {
    made(Form::Page, true, HeldBack::default(), event)
}

/// The lines of today's form, which all begin with the same date, without it.
pub(super) fn source(event: &Event<'_>) -> Vec<String> {
    undated(&made(Form::Source, true, HeldBack::default(), event))
}

fn undated(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| line.text.strip_prefix(DATE).expect("today's date").to_string()).collect()
}

fn finished<'a>(span: &'a SpanView<'a>, standing: Standing) -> Event<'a> {
    Event::SpanFinished { span, standing }
}

#[test]
fn a_finished_span_is_found_by_the_page_s_line() {
    let span = java_span();
    let lines = page(&finished(&span, LAST));
    let want = "[main] DEBUG datadog.trace.agent.ot.DDSpan - Finished: DDSpan [ t_id=5208512171318403364, \
                s_id=4236643421324217041, p_id=0] trace=shop/checkout/GET /cart metrics={_sampling_priority_v1=1} \
                tags={http.method=GET, thread.id=1, thread.name=main}, duration_ns=118125";
    assert_eq!(texts(&lines), [want]);
    assert_eq!((lines[0].level, lines[0].logger.as_ref()), (Level::Debug, "datadog.trace.agent.ot.DDSpan"));
    assert_eq!(&lines[0].text[lines[0].message_at..][..9], "Finished:");
}

#[test]
fn the_page_s_trace_of_two_spans_reads_as_on_the_page() {
    let tags = [
        ("thread.name", "http-nio-8080-exec-1"),
        ("thread.id", "33"),
        ("component", "spring-web-controller"),
        ("env", "none"),
        ("span.kind", "server"),
    ];
    let child = SpanView {
        trace_id: 7,
        span_id: 9,
        parent_id: 8,
        name: "OperationHandler.handle",
        service: "SpringBoot_Service",
        resource: "OperationHandler.handle",
        duration_ns: 92_808_848,
        tags: tags.to_vec(),
        local_root: false,
        ..span()
    };
    let (about, zone, held_back) = (about("jvm", "0.45.0"), Zone::default(), HeldBack::default());
    let (time_ns, thread) = (worked::TIME_NS, "http-nio-8080-exec-1");
    let frame = Frame { time_ns, pid: 1, thread, held_back, debug: true, about: &about, zone: &zone, remembered: None };
    let mut out = Vec::new();
    lines(Form::Page, &frame, &finished(&child, CHILD), &mut out);
    let chunk = Event::ChunkEnqueued {
        trace_id: 7,
        spans: 2,
        bytes: 1,
        complete: true,
        queued_chunks: 1,
        queued_bytes: 1,
        agent_url: "http://10.0.0.1:8126/",
        list: &[],
    };
    lines(Form::Page, &frame, &chunk, &mut out);
    let want = [
        "DDSpan - Finished: DDSpan [ t_id=7, s_id=9, p_id=8] trace=SpringBoot_Service/OperationHandler.handle/\
         OperationHandler.handle metrics={} tags={component=spring-web-controller, env=none, span.kind=server, \
         thread.id=33, thread.name=http-nio-8080-exec-1}, duration_ns=92808848",
        "PendingTrace - traceId: 7 -- Expired reference. count = 1",
        "PendingTrace - Writing 2 spans to DDAgentWriter { api=DDApi { tracesUrl=http://10.0.0.1:8126/v0.4/traces } }.",
        "PendingTrace - traceId: 7 -- Expired reference. count = 0",
    ];
    let begin = "[http-nio-8080-exec-1] DEBUG datadog.trace.agent.ot.";
    let short: Vec<_> = out.iter().map(|line| line.text.strip_prefix(begin).expect("its thread")).collect();
    assert_eq!(short, want);
}

#[test]
fn today_s_spans_say_where_they_stand() {
    let root = java_span();
    let started = SpanView { duration_ns: 0, ..java_span() };
    let ids = "DDSpan [ t_id=5208512171318403364, s_id=4236643421324217041, p_id=0 ] trace=shop/checkout/GET /cart";
    let started = source(&Event::SpanStarted { span: &started, standing: FIRST });
    let tags = "tags={http.method=GET, thread.id=1, thread.name=main}, duration_ns=0, forceKeep=false, links=[]";
    let logger = "[main] DEBUG datadog.trace.agent.core.DDSpan";
    assert_eq!(started, [format!("{logger} - Started span: {ids} {tags}")]);

    let tags = "tags={_sample_rate=1, http.method=GET, thread.id=1, thread.name=main}, duration_ns=118125, \
                forceKeep=false, links=[]";
    assert_eq!(source(&finished(&root, LAST)), [format!("{logger} - Finished span (WRITTEN): {ids} {tags}")]);
    let child = SpanView { local_root: false, ..span() };
    for (span, open, leaves, state) in [
        (&root, 2, true, "(PARTIAL_FLUSH)"),
        (&root, 2, false, "(ROOT_BUFFERED)"),
        (&child, 2, false, "(PENDING)"),
        (&child, 0, true, "(WRITTEN)"),
    ] {
        let line = &source(&finished(span, Standing { open, finished: 1, leaves }))[0];
        assert!(line.contains(&format!("Finished span {state}: ")), "{line}");
    }
}

#[test]
fn errors_measured_and_kept_spans_are_marked() {
    let metrics = vec![("_dd.measured", 1.0), ("rows", 3.0), ("load", 0.25)];
    let span = SpanView { error: true, metrics, priority: Some(2), decision_maker: Some(-4), ..span() };
    let today = &source(&finished(&span, LAST))[0];
    assert!(
        today.ends_with(
            "/cart *errored* *measured* tags={_sample_rate=2, http.method=GET, load=0.25, rows=3}, \
             duration_ns=118125, forceKeep=true, links=[]"
        ),
        "{today}"
    );
    let page = &page(&finished(&span, LAST))[0].text;
    let want = " metrics={_dd.measured=1, _sampling_priority_v1=2, load=0.25, rows=3} *errored* tags={http.method=GET}";
    assert!(page.contains(want), "{page}");
    let taken_over = SpanView { parent_id: 5, ..java_span() };
    assert!(source(&Event::SpanStarted { span: &taken_over, standing: FIRST })[0].contains("{_sample_rate=1, "));
}

#[test]
fn a_chunk_is_announced_as_on_the_page_and_shown_whole_today() {
    let want = [
        "[main] DEBUG datadog.trace.agent.ot.PendingTrace - Writing 1 spans to DDAgentWriter { api=DDApi { \
         tracesUrl=http://localhost:8126/v0.4/traces } }.",
        "[main] DEBUG datadog.trace.agent.ot.PendingTrace - traceId: 5208512171318403364 -- Expired reference. count = 0",
    ];
    assert_eq!(texts(&page(&enqueued(&[]))), want);

    let list = [java_span()];
    let whole = "[main] DEBUG datadog.trace.agent.common.writer.RemoteWriter - Enqueued for serialization: [DDSpan [ \
                 t_id=5208512171318403364, s_id=4236643421324217041, p_id=0 ] trace=shop/checkout/GET /cart \
                 tags={_sample_rate=1, http.method=GET, thread.id=1, thread.name=main}, duration_ns=118125, \
                 forceKeep=false, links=[]]";
    assert_eq!(source(&enqueued(&list)), [whole]);

    let Event::ChunkEnqueued { trace_id, spans, bytes, queued_chunks, queued_bytes, agent_url, .. } = enqueued(&[])
    else {
        unreachable!()
    };
    let part = |list| Event::ChunkEnqueued {
        trace_id,
        spans,
        bytes,
        complete: false,
        queued_chunks,
        queued_bytes,
        agent_url,
        list,
    };
    let wrote = "[main] DEBUG datadog.trace.agent.core.PendingTrace - t_id=5208512171318403364 -> wrote partial trace of size 1";
    assert_eq!(source(&part(&list)), [whole, wrote]);
    let then = "[main] DEBUG datadog.trace.agent.ot.PendingTrace - Writing partial trace 5208512171318403364 of size 1";
    assert_eq!(texts(&page(&part(&[]))), [then]);
}

#[test]
fn a_list_of_many_spans_ends_with_a_count() {
    let list: Vec<_> = (0..50).map(|_| span()).collect();
    let line = &source(&enqueued(&list))[0];
    assert_eq!(line.matches("DDSpan [ ").count(), 32);
    assert!(line.ends_with(", links=[], … (18 more)]"), "{line}");
}

#[test]
fn what_was_sent_is_found_by_its_words() {
    let want = "[dd-trace-writer] DEBUG datadog.trace.agent.common.writer.DDApi - Successfully sent 2 of 2 traces to the DD agent.";
    assert_eq!(texts(&page(&sent(false))), [want]);
    let want = [
        "[dd-trace-processor] EXCLUDE_TELEMETRY datadog.trace.agent.common.writer.ddagent.DDAgentApi - Success while sending 2 \
         (size=1KB) traces. Total: 2, Received: 2, Sent: 2, Failed: 0.",
        "[dd-trace-processor] DEBUG datadog.trace.agent.common.writer.PayloadDispatcherImpl - Successfully sent 2 \
         traces of size 1608 bytes to the API v0.4",
    ];
    assert_eq!(source(&sent(false)), want);
    let lines = made(Form::Source, false, HeldBack::default(), &sent(true));
    let want =
        "[dd-trace-processor] EXCLUDE_TELEMETRY datadog.trace.agent.common.writer.ddagent.DDAgentApi - Success while sending \
                2 (size=1KB) traces. Total: 4, Received: 4, Sent: 2, Failed: 2.";
    assert_eq!((undated(&lines), lines[0].level), (vec![want.to_string()], Level::Info));
    assert!(while_sending("", 1, 1_024, Totals::default()).contains("(size=1024B)"));
}

#[test]
fn a_refusal_tells_its_status() {
    let api = "[dd-trace-writer] DEBUG datadog.trace.agent.common.writer.DDApi";
    let want = format!(
        "{api} - Error while sending 2 of 2 traces to the DD agent. Status: 413, Response: Payload Too Large, Body: \
         too large"
    );
    assert_eq!(texts(&page(&refused(413, "too large"))), [want]);
    let lines = made(Form::Page, false, QUIET, &refused(413, "too large"));
    let want = "[dd-trace-writer] WARN datadog.trace.agent.common.writer.DDApi - Error while sending 2 of 2 traces to \
                the DD agent. Status: 413 Payload Too Large (going silent for 5 minutes)";
    assert_eq!((texts(&lines), lines[0].level), (vec![want], Level::Warn));

    let want = [
        "[dd-trace-processor] EXCLUDE_TELEMETRY datadog.trace.agent.common.writer.ddagent.DDAgentApi - Error while \
         sending 2 (size=1KB) traces. Total: 2, Received: 2, Sent: 0, Failed: 2. Status: 413, Response: Request Entity \
         Too Large, Body: ",
        "[dd-trace-processor] DEBUG datadog.trace.agent.common.writer.PayloadDispatcherImpl - Failed to send 2 traces \
         of size 1608 bytes to the API v0.4 status OptionalInt[413] response too large",
    ];
    assert_eq!(source(&refused(413, "too large")), want);
    let want =
        "[dd-trace-processor] EXCLUDE_TELEMETRY datadog.trace.agent.common.writer.ddagent.DDAgentApi - Error while sending 2 \
                (size=1KB) traces. Total: 2, Received: 2, Sent: 0, Failed: 2. Status: 413 Request Entity Too Large (Will not \
                log warnings for 5 minutes)";
    assert_eq!(undated(&made(Form::Source, false, QUIET, &refused(413, ""))), [want]);
}

#[test]
fn an_agent_that_does_not_listen_is_told_as_java_tells_it() {
    let lines = made(Form::Page, false, QUIET, &unreachable(true));
    let want = "[dd-trace-writer] WARN datadog.trace.agent.common.writer.DDApi - Error while sending 2 of 2 traces to \
                the DD agent. java.net.ConnectException: Failed to connect to localhost/127.0.0.1:8126 (going silent \
                for 5 minutes)";
    assert_eq!(texts(&lines), [want]);
    let want =
        "[dd-trace-processor] EXCLUDE_TELEMETRY datadog.trace.agent.common.writer.ddagent.DDAgentApi - Error while sending 2 \
                (size=1KB) traces. Total: 2, Received: 2, Sent: 0, Failed: 2. java.net.ConnectException: Failed to \
                connect to localhost/127.0.0.1:8126 (Will not log warnings for 5 minutes)";
    assert_eq!(undated(&made(Form::Source, false, QUIET, &unreachable(false))), [want]);
    // Whatever the level is called, it is a warning.
    let lines = made(Form::Source, false, QUIET, &unreachable(true));
    assert_eq!((undated(&lines), lines[0].level), (vec![want.to_string()], Level::Warn));
}

#[test]
fn in_debug_mode_the_exception_follows_its_message_and_nothing_goes_silent() {
    let want =
        "[dd-trace-writer] DEBUG datadog.trace.agent.common.writer.DDApi - Error while sending 2 of 2 traces to \
                the DD agent.\njava.net.ConnectException: Failed to connect to localhost/127.0.0.1:8126";
    assert_eq!(texts(&made(Form::Page, true, QUIET, &unreachable(true))), [want]);
    let lines = undated(&made(Form::Source, true, QUIET, &unreachable(false)));
    assert!(lines[0].ends_with("Failed: 2.\njava.net.ConnectException: Failed to connect to localhost/127.0.0.1:8126"));
    assert!(lines[1].ends_with(" to the API v0.4 status OptionalInt.empty response null"), "{lines:?}");
}

#[test]
fn drops_are_warned_of_and_counted() {
    let minute = HeldBack { quiet_minutes: 1, ..HeldBack::default() };
    let lines = made(Form::Source, false, minute, &queue_full());
    let want = "[main] WARN datadog.trace.agent.common.writer.RemoteWriter - Dropped due to a buffer overflow: \
                [1 spans] (Will not log warnings for 1 minute)";
    assert_eq!((undated(&lines), lines[0].level), (vec![want.to_string()], Level::Warn));
    assert_eq!(page(&queue_full())[0].level, Level::Debug);
    let dropped = |reason| worked::dropped(reason, 3);
    assert!(page(&dropped(Reason::Shutdown))[0].text.ends_with(" - Dropped due to shutdown: [3 spans]"));
    assert!(page(&dropped(Reason::Refused)).is_empty(), "the refusal was told");
}

#[test]
fn the_page_s_start_up_line_has_its_keys_in_its_order() {
    let configured = |fields: &[(String, Value)]| {
        let event = worked::configured(fields, None);
        let lines = page(&event);
        assert_eq!((lines.len(), lines[0].level), (2, Level::Debug));
        // The line that people search for today.
        let today = "[main] INFO datadog.trace.agent.core.StatusLogger - DATADOG TRACER CONFIGURATION {";
        assert!(lines[1].text.starts_with(today), "{}", lines[1].text);
        assert_eq!(lines[1].level, Level::Info);
        lines[0].text.clone()
    };
    let begin =
        "[main] DEBUG datadog.trace.agent.ot.DDTracer - Using config: Config(runtimeId=0f9a, serviceName=shop, \
                 traceEnabled=true, writerType=DDAgentWriter, agentHost=localhost, agentPort=8126, \
                 agentUnixDomainSocket=null, ";
    assert_eq!(configured(&fields()), format!("{begin}globalTags={{}}, partialFlushMinSpans=1000)"));
    let mut told = fields();
    told[4].1 = json!("none");
    let extra = [
        ("shard", json!(7)),
        ("reportHostName", json!(false)),
        ("logs_correlation_enabled", json!(false)),
        ("jmxFetchMetricsConfigs", json!([])),
        ("httpServerErrorStatuses", json!([512, 513])),
        ("propagationStylesToExtract", json!(["DATADOG"])),
        ("serviceMapping", json!({"a": "b"})),
        ("jmxFetchCheckPeriod", Value::Null),
    ];
    told.extend(extra.map(|(name, value)| (name.to_string(), value)));
    let want = "serviceMapping={a=b}, globalTags={env=none}, httpServerErrorStatuses=[512, 513], \
                partialFlushMinSpans=1000, propagationStylesToExtract=[DATADOG], jmxFetchMetricsConfigs=[], \
                jmxFetchCheckPeriod=null, logsInjectionEnabled=false, reportHostName=false, shard=7)";
    assert_eq!(configured(&told), format!("{begin}{want}"));
}

#[test]
fn a_socket_and_a_file_are_named_for_what_they_are() {
    let to = |url| config::config(&[], url);
    assert_eq!(to("unix:///var/run/a.sock"), "Config(writerType=DDAgentWriter, agentUnixDomainSocket=/var/run/a.sock)");
    assert_eq!(to("file:///tmp/out"), "Config()");
}

#[test]
fn today_s_start_up_line_is_json() {
    let told = [
        ("version", json!("1.64.0")),
        ("os_name", json!("Linux")),
        ("service", json!("shop")),
        ("agent_url", json!(AGENT_URL)),
        ("agent_error", Value::Null),
        ("debug", json!(true)),
    ]
    .map(|(name, value)| (name.to_string(), value));
    let event = |agent_error| worked::configured(&told, agent_error);
    let want = "[dd-task-scheduler] INFO datadog.trace.agent.core.StatusLogger - DATADOG TRACER CONFIGURATION \
                {\"version\":\"1.64.0\",\"os_name\":\"Linux\",\"service\":\"shop\",\
                \"agent_url\":\"http://localhost:8126\",\"agent_error\":false,\"debug\":true}";
    assert_eq!(source(&event(None)), [want]);
    let lines = source(&event(Some(&REFUSED)));
    assert_eq!(lines[0], want.replace("error\":false", "error\":true"));
    assert_eq!(
        lines[1],
        "[dd-task-scheduler] EXCLUDE_TELEMETRY datadog.communication.ddagent.DDAgentFeaturesDiscovery - Error querying info at \
         http://localhost:8126/\njava.net.ConnectException: Failed to connect to localhost/127.0.0.1:8126"
    );
}

#[test]
fn a_host_s_own_record_keeps_its_level_and_logger() {
    let target = "datadog.trace.agent.common.sampling.RuleBasedTraceSampler";
    let text = "Both trace.sampling.service.rules and/or trace.sampling.operation.rules as well as \
                trace.sampling.rules are defined. Only trace.sampling.rules will be used for rule-based sampling";
    let lines = made(Form::Source, true, HeldBack::default(), &Event::HostText { level: Level::Warn, target, text });
    assert_eq!(undated(&lines), [format!("[main] WARN {target} - {text}")]);
    assert_eq!((lines[0].level, lines[0].logger.as_ref()), (Level::Warn, target));
    let forged = page(&Event::HostText { level: Level::Info, target: "", text: "a\n[main] DEBUG x\u{0}" });
    assert_eq!(texts(&forged), ["[main] INFO spanwire - a\\n[main] DEBUG x\\u{0}"]);
}

#[test]
fn the_end_says_whether_anything_was_left() {
    let stopped = |spans_lost, timed_out| Event::TracerStopped { sent: 1, spans_lost, spans_unknown: 0, timed_out };
    let want = "[dd-trace-processor] DEBUG datadog.trace.agent.common.writer.TraceProcessingWorker - Datadog trace \
                processor exited. Publishing traces stopped. Unpublished traces left: ";
    assert_eq!(source(&stopped(0, false)), [format!("{want}false")]);
    let late = source(&stopped(5, true));
    assert_eq!((late[0].as_str(), late.len()), (format!("{want}true").as_str(), 2));
    assert!(late[1].starts_with("[main] WARN spanwire - spanwire: tracer stopped: "), "{late:?}");
}

#[test]
fn where_java_says_nothing_so_do_we_unless_it_matters() {
    let quiet = [
        Event::SpanStarted { span: &span(), standing: FIRST },
        sending(),
        Event::AgentReachable { url: AGENT_URL, after: Duration::from_secs(1) },
        Event::AgentInfo { url: AGENT_URL, version: "7", endpoints: 1 },
        Event::IntegrationLoaded { name: "redis", version: "5", status: "ok" },
        Event::ParentUnknown { parent: 1, name: "x" },
        Event::Forked { parent_pid: 1 },
    ];
    for event in &quiet {
        assert!(page(event).is_empty(), "{event:?}");
    }
    let rejected = worked::rejected("DD_X", "y", "no number");
    for event in [rejected, Event::LossBegan { reason: Reason::QueueFull }, Event::PanicCaught { message: "index" }] {
        let lines = page(&event);
        assert!(lines[0].text.contains(" spanwire - spanwire: "), "{lines:?}");
        assert_eq!(lines[0].level, event.level());
    }
}

#[test]
fn hostile_values_stay_on_their_line() {
    let tags = vec![("note", "two\n[main] DEBUG x\u{0}"), ("k\n", "v"), ("token", "abc")];
    let span = SpanView { name: "a\nb", service: "s\u{1b}", resource: "GET /x?token=abc", tags, ..span() };
    for form in [Form::Page, Form::Source] {
        let text = &made(form, true, HeldBack::default(), &finished(&span, LAST))[0].text;
        assert!(!text.chars().any(char::is_control) && !text.contains("abc"), "{text}");
        assert!(text.contains(" trace=s\\u{1b}/a\\nb/GET /x"), "{text}");
    }
}
