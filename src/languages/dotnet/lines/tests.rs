//! Tests that the .NET dialect writes the lines of the .NET tracer, byte for byte.

use super::*;
use crate::event::{QueueView, SpanView, Standing};
use crate::languages::dotnet::LANGUAGE;
use crate::languages::limits::HeldBack;
use crate::languages::line::About;
use crate::languages::worked::{
    self, about, enqueued, fields, levels, queue_full, refused, sending, sent, span, texts, unreachable, AGENT_URL,
    CHILD, FIRST, LAST, TRACES_URL,
};
use serde_json::json;
use std::time::Duration;

const PAGE_END: &str = "\n{ MachineName: \".\", ProcessName: \"dotnet\", PID: 476, AppDomainName: \"shop\" }";
const TODAY_END: &str =
    "  { MachineName: \".\", Process: \"[476 dotnet]\", AppDomain: \"[1 shop]\", TracerVersion: \"3.50.0.0\" }";
const SKIPPED: HeldBack = HeldBack { events: 4, minutes: 1, quiet_minutes: 1 };

/// A kind, its fields, and the lines without time and properties.
type Told<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

fn host() -> About {
    about("dotnet", "3.50.0")
}

fn made(form: Form, held_back: HeldBack, event: &Event<'_>) -> Vec<Line> {
    worked::held(&LANGUAGE, form, &host(), true, held_back, event)
}

/// The records of the page's form without their time and properties.
fn page(event: &Event<'_>) -> Vec<String> {
    inner(&made(Form::Page, HeldBack::default(), event), PAGE_END)
}

/// The same for the tracer's current source.
fn source(event: &Event<'_>) -> Vec<String> {
    inner(&made(Form::Source, HeldBack::default(), event), TODAY_END)
}

fn inner(lines: &[Line], end: &str) -> Vec<String> {
    let cut = |line: &Line| {
        let text = line.text.strip_prefix("2026-11-24 16:06:35.147 +00:00 ").expect("its time");
        text.strip_suffix(end).unwrap_or_else(|| panic!("its properties: {text}")).to_string()
    };
    lines.iter().map(cut).collect()
}

fn finished<'a>(span: &'a SpanView<'a>, standing: Standing) -> Event<'a> {
    Event::SpanFinished { span, standing }
}

#[test]
fn the_page_s_spans_read_as_on_the_page() {
    let span = span();
    let lines = made(Form::Page, HeldBack::default(), &Event::SpanStarted { span: &span, standing: FIRST });
    let want = "2026-11-24 16:06:35.147 +00:00 [DBG] Span started: [s_id: 4236643421324217041, p_id: null, \
                t_id: 5208512171318403364]\n\
                { MachineName: \".\", ProcessName: \"dotnet\", PID: 476, AppDomainName: \"shop\" }";
    assert_eq!(texts(&lines), [want]);
    assert_eq!((lines[0].logger.as_ref(), &lines[0].text[lines[0].message_at..][..13]), ("managed", "Span started:"));
    let want = "[DBG] Span closed: [s_id: 4236643421324217041, p_id: null, t_id: 5208512171318403364] for (Service: \
                shop, Resource: GET /cart, Operation: checkout, Tags: [http.method])";
    assert_eq!(page(&finished(&span, LAST)), [want]);
    let tags = vec![("env", "dev"), ("http.method", "GET")];
    let child =
        SpanView { parent_id: 8, name: "custom.function", service: "test-webapi", resource: "custom", tags, ..span };
    let want = "[DBG] Span closed: [s_id: 4236643421324217041, p_id: 8, t_id: 5208512171318403364] for (Service: \
                test-webapi, Resource: custom, Operation: custom.function, Tags: [env,http.method])";
    assert_eq!(page(&finished(&child, CHILD)), [want]);
}

#[test]
fn today_s_started_span_has_hex_ids_and_its_stray_parenthesis() {
    let started = SpanView { tags: vec![], ..span() };
    let want = "2026-11-24 16:06:35.147 +00:00 [DBG] Span started: [s_id: 3acb94beb8068ad1, p_id: null, t_id: \
                640cfd8d0000000048485a3953bb6124] with Tags: [], Tags Type: [Datadog.Trace.Tagging.TagsList])  { \
                MachineName: \".\", Process: \"[476 dotnet]\", AppDomain: \"[1 shop]\", TracerVersion: \"3.50.0.0\" }";
    let lines = made(Form::Source, HeldBack::default(), &Event::SpanStarted { span: &started, standing: FIRST });
    assert_eq!(texts(&lines), [want]);
}

#[test]
fn today_s_closed_span_is_dumped() {
    let span = SpanView { span_type: "", ..span() };
    let want = "[DBG] Span closed: [s_id: 3acb94beb8068ad1, p_id: null, t_id: 640cfd8d0000000048485a3953bb6124] for \
                (Service: shop, Resource: GET /cart, Operation: checkout, Tags: [http.method \
                (tag):GET,_sampling_priority_v1 (metric):1])\nDetails:TraceId64: 5208512171318403364\nTraceId128: \
                640cfd8d0000000048485a3953bb6124\nRawTraceId: 640cfd8d0000000048485a3953bb6124\nParentId: \nSpanId: \
                4236643421324217041\nRawSpanId: 3acb94beb8068ad1\nOrigin: \nServiceName: shop\nOperationName: \
                checkout\nResource: GET /cart\nType: \nStart: 2022-06-17T19:51:22.2478693+00:00\nDuration: \
                00:00:00.0001181\nEnd: 2022-06-17T19:51:22.2479874+00:00\nError: False\nTraceSamplingPriority: 1\n\
                Meta: http.method (tag):GET,_sampling_priority_v1 (metric):1\n";
    assert_eq!(source(&finished(&span, LAST)), [want]);
    let tags = vec![("_dd.origin", "synthetics")];
    let failed = SpanView { parent_id: 9, error: true, tags, local_root: false, priority: None, ..span };
    let dump = &source(&finished(&failed, LAST))[0];
    for line in ["\nParentId: 9\n", "\nOrigin: synthetics\n", "\nError: True\n", "\nTraceSamplingPriority: \n"] {
        assert!(dump.contains(line), "{dump}");
    }
}

#[test]
fn a_partial_flush_is_said_before_the_span_that_caused_it() {
    let standing = Standing { open: 3, finished: 500, leaves: true };
    let lines = source(&finished(&span(), standing));
    let want = "[DBG] Closing span 4236643421324217041 triggered a partial flush of trace \
                640cfd8d0000000048485a3953bb6124 with 500 pending spans";
    assert_eq!((lines[0].as_str(), lines.len()), (want, 2));
    assert!(page(&finished(&span(), standing))[0].contains(" of trace 5208512171318403364 with 500 "));
}

#[test]
fn payloads_are_announced_once_and_told_when_sent() {
    let want = [
        "[DBG] Flushing 2 spans across 2 traces. CanComputeStats is disabled.",
        "[DBG] Sending 2 traces to the Datadog Agent.",
    ];
    assert_eq!((source(&sending()), page(&sending())), (want.map(String::from).into(), want.map(String::from).into()));
    let again = Event::PayloadSending { url: TRACES_URL, bytes: 1, traces: 1, spans: 1, attempt: 2 };
    assert!(source(&again).is_empty());
    assert_eq!(page(&sent(false)), ["[DBG] Successfully sent 2 traces to the DD agent"]);
    assert_eq!(source(&sent(true)), ["[DBG] Successfully sent 2 traces to the Datadog Agent."]);
}

#[test]
fn a_refusal_tells_its_status() {
    let want = "[ERR] Failed to submit traces with status code 413 and message: too large";
    assert_eq!(
        (source(&refused(413, "too large")), page(&refused(413, "too large"))),
        (vec![want.into()], vec![want.into()])
    );
    let busy = "[DBG] Failed to submit 2 traces. Agent responded with 429 Too Many Requests, retry after unspecified";
    assert_eq!(source(&refused(429, "")), [busy]);
}

#[test]
fn the_page_s_three_lines_are_found_where_nothing_listens() {
    let want = "[ERR] An error occurred while sending traces to the agent at System.Net.Http.HttpRequestException: \
                Connection refused ---> System.Net.Sockets.SocketException: Connection refused\n   at \
                System.Net.Http.ConnectHelper.ConnectAsync(String host, Int32 port, CancellationToken \
                cancellationToken)\n   --- End of inner exception stack trace ---";
    assert_eq!(page(&unreachable(true)), [want]);
    let more = inner(&made(Form::Page, SKIPPED, &unreachable(true)), PAGE_END);
    let begin = "[ERR] An error occurred while sending traces to the agent at http://localhost:8126/v0.4/traces, 4 \
                 additional messages skipped\nSystem.Net.Http.HttpRequestException: Connection refused ---> System.Net";
    assert!(more[0].starts_with(begin), "{more:?}");
}

#[test]
fn today_s_last_try_is_an_error_and_the_earlier_ones_are_not() {
    let guidance = "If the error isn't transient, please check https://docs.datadoghq.com/tracing/troubleshooting/\
                    connection_errors/?code-lang=dotnet for guidance.";
    let lines = made(Form::Source, HeldBack::default(), &unreachable(true));
    let want = format!(
        "2026-11-24 16:06:35.147 +00:00 [ERR] An error occurred while sending data to the agent at \
         http://localhost:8126/v0.4/traces. {guidance} System.Net.Http.HttpRequestException: Connection refused \
         (localhost:8126){}",
        &TODAY_END[1..]
    );
    assert_eq!((texts(&lines), levels(&lines)), (vec![want.as_str()], vec![Level::Error]));
    let tried = |attempt, error| Event::AgentUnreachable {
        url: TRACES_URL,
        error,
        bytes: 1,
        traces: 1,
        spans: 1,
        attempt,
        retry: true,
        first: true,
        totals: Default::default(),
    };
    let retrying =
        "[DBG] An error occurred while sending data to the agent at http://localhost:8126/v0.4/traces. Retrying.";
    let away = "[DBG] Unable to communicate with the trace agent at http://localhost:8126/v0.4/traces";
    assert_eq!(source(&tried(1, &worked::REFUSED)), [retrying, away]);
    assert_eq!(page(&tried(4, worked::no_answer())), [retrying]);
    let fifth = made(Form::Page, HeldBack::default(), &tried(5, &worked::REFUSED));
    assert_eq!(levels(&fifth), [Level::Error], "an agent that stays away is no debug matter");
}

#[test]
fn other_failures_have_the_class_that_dot_net_users_search_for() {
    for (url, error, on_page, today) in [
        (
            "http://h:1",
            worked::no_connection(),
            "System.Threading.Tasks.TaskCanceledException: The operation was canceled.",
            "",
        ),
        (
            "http://agnt:1",
            worked::not_resolved(),
            "System.Net.Http.HttpRequestException: Name or service not known ---> System.Net.Sockets.SocketException: \
             Name or service not known",
            "System.Net.Http.HttpRequestException: Name or service not known (agnt:1)",
        ),
        (
            "unix:///run/a.sock",
            &worked::REFUSED,
            "System.Net.Http.HttpRequestException: Connection refused ---> System.Net.Sockets.SocketException: \
             Connection refused",
            "System.Net.Http.HttpRequestException: Connection refused (/run/a.sock)",
        ),
        ("http://h:1", worked::other("broken\npipe"), "System.Net.Http.HttpRequestException: broken\\npipe", ""),
    ] {
        assert_eq!(exception::exception(Form::Page, url, error), on_page);
        let today = if today.is_empty() { on_page } else { today };
        assert_eq!(exception::exception(Form::Source, url, error), today);
    }
}

#[test]
fn drops_are_counted_in_the_tracer_s_sentence() {
    let tail = "found both buffers full, 0 found one buffer full and the other unavailable while being flushed, and 0 \
                found both buffers unavailable while being flushed.";
    let full = QueueView { chunks: 1, bytes: 1, max_bytes: 10_485_760, chunk_bytes: 1 };
    let full = DropDetail::NoRoom(full);
    let dropped = |reason| Event::SpansDropped { reason, spans: 1, traces: 1, detail: &full };
    let want = format!(
        "[WRN] Traces were dropped since the last flush operation: 0 exceeded the trace buffer limit of 10485760 \
         bytes, 1 {tail}"
    );
    assert_eq!(source(&dropped(Reason::QueueFull)), [want]);
    assert!(source(&queue_full())[0].contains(" limit of 8388608 bytes, 1 "));
    assert!(source(&dropped(Reason::TooLarge))[0].contains(": 1 exceeded the trace buffer limit of 10485760 bytes, 0 "));
    assert!(source(&worked::dropped(Reason::Refused, 1)).is_empty(), "the refusal was told");
}

#[test]
fn the_start_up_line_spells_its_fields_as_dot_net_does() {
    let told = [
        ("date", json!("2026-11-24T16:06:35Z")),
        ("os_name", json!("Linux")),
        ("service", json!("shop")),
        ("agent_url", json!(AGENT_URL)),
        ("agent_error", Value::Null),
        ("debug", json!(true)),
    ]
    .map(|(name, value)| (name.to_string(), value));
    let event = worked::configured(&told, None);
    let want = "[INF] DATADOG TRACER CONFIGURATION - {\"date\":\"2026-11-24T16:06:35.1475630+00:00\",\
                \"os_name\":\"Linux\",\"service\":\"shop\",\"agent_url\":\"http://localhost:8126/\",\
                \"agent_reachable\":true,\"debug\":true}";
    assert_eq!((source(&event), page(&event)), (vec![want.to_string()], vec![want.to_string()]));
    let mut failed = fields();
    failed[8].1 = json!("connection refused");
    let event = worked::configured(&failed, Some(&worked::REFUSED));
    assert!(source(&event)[0].contains("\"agent_reachable\":false,\"agent_error\":\"connection refused\","));
}

#[test]
fn what_the_compiler_does_is_native_code_s_to_say() {
    let fields = [("function_id", "140"), ("token", "100663297"), ("name", "Shop.Cart.Get")];
    let event = Event::HostEvent { kind: "jit.started", fields: &fields };
    let message = "JITCompilationStarted: function_id=140 token=100663297 name=Shop.Cart.Get()";
    let lines = made(Form::Page, HeldBack::default(), &event);
    assert_eq!(texts(&lines), [format!("[dotnet] 476: [debug] {message}")]);
    assert_eq!((lines[0].logger.as_ref(), lines[0].level), (NATIVE_CODE, Level::Debug));
    assert_eq!(&lines[0].text[lines[0].message_at..], message);
    let lines = made(Form::Source, HeldBack::default(), &event);
    assert_eq!(texts(&lines), [format!("11/24/26 04:06:35.147 PM [476|476] [debug] {message}")]);

    let fields = [("function_id", "1"), ("token", "2"), ("name", "A.B(Int32)"), ("thread_id", "479")];
    let event = Event::HostEvent { kind: "jit.started", fields: &fields };
    let lines = made(Form::Source, HeldBack::default(), &event);
    let want = "[476|479] [debug] JITCompilationStarted: function_id=1 token=2 name=A.B(Int32)";
    assert!(lines[0].text.ends_with(want), "{lines:?}");
    let text = Event::HostText { level: Level::Warn, target: NATIVE_CODE, text: "profiler\ndetached" };
    assert_eq!(texts(&made(Form::Page, HeldBack::default(), &text)), ["[dotnet] 476: [warning] profiler\\ndetached"]);
}

#[test]
fn what_a_host_tells_gets_the_tracer_s_line() {
    let told = |kind, fields: &[(&str, &str)]| source(&Event::HostEvent { kind, fields });
    let flare = "http://localhost:8126/tracer_flare/v1";
    let cases: [Told<'_>; 10] = [
        (
            "transport.chosen",
            &[("factory", "HttpClientRequestFactory"), ("product", "trace")],
            &["[INF] Using HttpClientRequestFactory for trace transport."],
        ),
        (
            "rate_limited",
            &[("trace_id", "640cfd8d0000000048485a3953bb6124"), ("traces", "100"), ("ms", "1000")],
            &["[WRN] Rate limiter dropped a trace (640cfd8d0000000048485a3953bb6124) after reaching 100 traces in the \
               last 1000ms."],
        ),
        (
            "remote_config.received",
            &[("paths", "datadog/2/APM_TRACING/abc/config")],
            &["[DBG] Received Remote Configuration response with the following paths: \
               datadog/2/APM_TRACING/abc/config."],
        ),
        ("remote_config.received", &[], &["[DBG] Received Remote Configuration response that is empty."]),
        (
            "flare.started",
            &[("level", "debug")],
            &["[DBG] Received tracer flare request", "[DBG] Enabling debug mode due to tracer flare initialization"],
        ),
        (
            "flare.sent",
            &[("url", flare)],
            &[
                "[DBG] Sending tracer flare to http://localhost:8126/tracer_flare/v1",
                "[INF] Tracer flare sent successfully",
                "[DBG] Disabled debug mode due to tracer flare complete",
            ],
        ),
        (
            "flare.failed",
            &[("url", flare), ("status", "500")],
            &["[WRN] Error sending tracer flare to 'http://localhost:8126/tracer_flare/v1' 500 "],
        ),
        ("flare.failed", &[("status", "404")], &["[DBG] Tracer flare endpoint is not available"]),
        ("gc.paused", &[("ms", "12"), ("password", "hunter2")], &["[DBG] gc.paused: ms=12, password=<redacted>"]),
        ("a\nb", &[], &["[DBG] a\\nb"]),
    ];
    for (kind, fields, want) in cases {
        assert_eq!(told(kind, fields), want, "{kind}");
    }
    let gone = [("url", flare), ("error", "gone")];
    let lines = made(Form::Source, HeldBack::default(), &Event::HostEvent { kind: "flare.failed", fields: &gone });
    assert!(lines[0]
        .text
        .contains("[INF] Error sending tracer flare to 'http://localhost:8126/tracer_flare/v1' gone { "));
}

#[test]
fn a_host_s_own_record_keeps_its_level_on_one_line() {
    for (level, word) in [(Level::Error, "ERR"), (Level::Warn, "WRN"), (Level::Info, "INF"), (Level::Trace, "VRB")] {
        let event = Event::HostText { level, target: "Shop", text: "a\n2026-11-24 [ERR] b\u{0}" };
        assert_eq!(page(&event), [format!("[{word}] a\\n2026-11-24 [ERR] b\\u{{0}}")]);
    }
}

#[test]
fn the_end_warns_where_traces_were_left() {
    let stopped = |spans_lost, timed_out| Event::TracerStopped { sent: 1, spans_lost, spans_unknown: 0, timed_out };
    assert_eq!(source(&stopped(5, true)), ["[WRN] Could not flush all traces before process exit"]);
    assert_eq!(source(&stopped(5, false)), ["[WRN] Could not flush all traces before process exit"]);
    assert!(source(&stopped(0, false)).is_empty());
    let unknown = Event::TracerStopped { sent: 1, spans_lost: 0, spans_unknown: 7, timed_out: true };
    assert!(source(&unknown)[1].contains("7 spans were sent without an answer"));
}

#[test]
fn what_was_held_back_is_counted_inside_the_message() {
    let lines = inner(&made(Form::Source, SKIPPED, &refused(500, "no")), TODAY_END);
    let want = "[ERR] Failed to submit traces with status code 500 and message: no, 4 additional messages skipped";
    assert_eq!(lines, [want]);
}

#[test]
fn rejected_settings_have_the_tracer_s_words_or_ours() {
    let rejected = |name, why| worked::rejected(name, "[", why);
    let want = "[WRN] Unable to parse the trace sampling rules.";
    assert_eq!(source(&rejected("DD_TRACE_SAMPLING_RULES", "")), [want]);
    let lines = made(Form::Page, HeldBack::default(), &rejected("DD_TRACE_SAMPLING_RULES", "no JSON"));
    assert_eq!(inner(&lines, PAGE_END), [format!("{want}\nno JSON")]);
    let lines = source(&rejected("DD_X", "no number"));
    assert!(lines[0].starts_with("[WRN] spanwire: setting rejected: ") && lines[0].contains("no number"), "{lines:?}");
}

#[test]
fn where_dot_net_says_nothing_so_do_we_unless_it_matters() {
    let list = [span()];
    for event in [
        enqueued(&list),
        Event::AgentReachable { url: AGENT_URL, after: Duration::from_secs(1) },
        Event::AgentInfo { url: AGENT_URL, version: "7", endpoints: 1 },
        Event::IntegrationLoaded { name: "HttpClient", version: "5", status: "ok" },
        Event::ParentUnknown { parent: 1, name: "x" },
        Event::Forked { parent_pid: 1 },
    ] {
        assert!(source(&event).is_empty() && page(&event).is_empty(), "{event:?}");
    }
    for event in [Event::LossBegan { reason: Reason::QueueFull }, Event::PanicCaught { message: "index" }] {
        let lines = made(Form::Source, HeldBack::default(), &event);
        assert!(lines[0].text.contains("] spanwire: ") && lines[0].level == event.level(), "{lines:?}");
    }
}

#[test]
fn hostile_values_stay_on_their_line() {
    let tags = vec![("note", "two\nDetails:\u{0}"), ("k\n", "v"), ("token", "abc")];
    let span = SpanView { name: "a\nb", service: "s\u{1b}", resource: "GET /x?token=abc", tags, ..span() };
    let text = &page(&finished(&span, LAST))[0];
    assert!(!text.chars().any(char::is_control) && text.contains("Tags: [note,k\\n,token]"), "{text}");
    let text = &source(&finished(&span, LAST))[0];
    assert_eq!(text.matches('\n').count(), 18, "the dump's own: {text}");
    assert!(!text.contains("abc") && !text.contains('\0') && text.contains("Operation: a\\nb, "), "{text}");
}

#[test]
fn versions_have_four_parts() {
    let shown: Vec<_> = ["3.50.0", "3.50.0.0", "1", "2.0.0-beta", ""].map(four_parts).into();
    assert_eq!(shown, ["3.50.0.0", "3.50.0.0", "1.0.0.0", "2.0.0-beta", ""]);
}
