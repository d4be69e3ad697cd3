//! Tests of the Go dialect: the page's examples, the lines of the common events (`worked.rs`), and texts that could
//! mislead a reader of the log. `log/aggregate.rs` adds the end of an error line (`(occurred: …)`, `… additional
//! messages skipped`).

use crate::counters::Reason;
use crate::event::send_error::{Peer, SendErrorKind};
use crate::event::{Event, OpenSpanView, SendError, SpanView};
use crate::languages::go::LANGUAGE;
use crate::languages::language::Form;
use crate::languages::line::{About, Line};
use crate::languages::worked::{self, about, levels, lines, open, span, texts, FIRST, LAST};
use crate::level::Level;
use crate::os_error::OsError;
use serde_json::{json, Value};
use std::time::Duration;

const PAGE: &str = "2026/11/24 16:06:35 Datadog Tracer v1.39.0 ";
const SOURCE: &str = "2026/11/24 16:06:35 Datadog Tracer v2.12.0 ";

fn records(form: Form, event: &Event<'_>) -> Vec<Line> {
    let version = if form == Form::Page { "1.39.0" } else { "v2.12.0" };
    lines(&LANGUAGE, form, &about("go", version), true, event)
}

fn check(form: Form, event: &Event<'_>, want: &[&str]) {
    let prefix = if form == Form::Page { PAGE } else { SOURCE };
    let want: Vec<String> = want.iter().map(|line| format!("{prefix}{line}")).collect();
    assert_eq!(texts(&records(form, event)), want);
}

fn page(event: &Event<'_>, want: &[&str]) {
    check(Form::Page, event, want);
}

fn source(event: &Event<'_>, want: &[&str]) {
    check(Form::Source, event, want);
}

fn both(event: &Event<'_>, want: &[&str]) {
    page(event, want);
    source(event, want);
}

fn unreachable(error: &'static SendError, retry: bool) -> Event<'static> {
    Event::AgentUnreachable {
        url: worked::TRACES_URL,
        error,
        bytes: 1608,
        traces: 2,
        spans: 2,
        attempt: 5,
        retry,
        first: true,
        totals: Default::default(),
    }
}

#[test]
fn the_pages_examples_come_out_as_printed() {
    page(&worked::sending(), &["DEBUG: Sending payload: size: 1608 traces: 2."]);
    page(
        &worked::unreachable(true),
        &["ERROR: lost 2 traces: Post http://localhost:8126/v0.4/traces: dial tcp 127.0.0.1:8126: connect: connection \
           refused"],
    );
    let lost = &records(Form::Page, &worked::unreachable(true))[0];
    assert_eq!((lost.level, lost.template), (Level::Error, "lost %d traces: %v"));
    // A Go program's own logger gets all but the time.
    assert!(lost.text[lost.message_at..].starts_with("Datadog Tracer v1.39.0 ERROR: lost"));
}

#[test]
fn the_start_up_line_is_json_and_tells_of_an_agent_that_is_away() {
    let fields: Vec<(String, Value)> = [
        ("date", json!("2026-11-24T16:06:35Z")),
        ("os_name", json!("Linux")),
        ("version", json!("v2.12.0")),
        ("lang", json!("Go")),
        ("service", json!("shop")),
        ("agent_url", json!(worked::TRACES_URL)),
        ("agent_error", Value::Null),
        ("debug", json!(true)),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .into();
    let line = "INFO: DATADOG TRACER CONFIGURATION {\"date\":\"2026-11-24T16:06:35Z\",\"os_name\":\"Linux\",\
                \"version\":\"v2.12.0\",\"lang\":\"Go\",\"service\":\"shop\",\
                \"agent_url\":\"http://localhost:8126/v0.4/traces\",\"agent_error\":\"\",\"debug\":true}";
    both(&worked::configured(&fields, None), &[line]);
    let post = "WARN: DIAGNOSTICS Unable to reach agent intake: Post ";
    let dial = "dial tcp 127.0.0.1:8126: connect: connection refused";
    let refused = worked::configured(&fields, Some(&worked::REFUSED));
    page(&refused, &[line, &format!("{post}http://localhost:8126/v0.4/traces: {dial}")]);
    // Today's tracer asks before it logs the line, which then has the error.
    let error = format!("Post \\\"http://localhost:8126/v0.4/traces\\\": {dial}");
    let with_error = line.replace("\"agent_error\":\"\"", &format!("\"agent_error\":\"{error}\""));
    source(&refused, &[&format!("{post}\"http://localhost:8126/v0.4/traces\": {dial}"), &with_error]);
    let fields_of_host = [("agent_url".to_string(), json!(worked::AGENT_URL))];
    let told = records(Form::Source, &worked::configured(&fields_of_host, None));
    assert!(told[0].text.ends_with("{\"agent_url\":\"http://localhost:8126/v0.4/traces\"}"), "{}", told[0].text);
    let fields = [("service".to_string(), json!("<a&b>\u{2028}"))];
    let (fields, agent_url) = (&fields[..], worked::AGENT_URL);
    let looking = Event::TracerConfigured { fields, agent_url, agent_error: None, abandoned_spans: true };
    let records = records(Form::Source, &looking);
    assert!(records[0].text.ends_with("INFO: Abandoned spans logs enabled."));
    assert!(records[1].text.ends_with("\"service\":\"\\u003ca\\u0026b\\u003e\\u2028\"}"), "{}", records[1].text);
}

#[test]
fn spans_read_as_in_both_forms() {
    let started = Event::SpanStarted { span: &span(), standing: FIRST };
    page(
        &started,
        &["DEBUG: Started Span: dd.service=shop dd.trace_id=\"5208512171318403364\" dd.span_id=\"4236643421324217041\", \
           Operation: checkout, Resource: GET /cart, Tags: map[http.method:GET], map[_sampling_priority_v1:1]"],
    );
    let rest = "Span: dd.service=shop dd.trace_id=\"640cfd8d0000000048485a3953bb6124\" \
                dd.span_id=\"4236643421324217041\" dd.parent_id=\"0\", Operation: checkout, Resource: GET /cart, Tags: \
                map[http.method:GET], map[_sampling_priority_v1:1]";
    source(&started, &[&format!("DEBUG: Started {rest}")]);
    let finished = Event::SpanFinished { span: &span(), standing: LAST };
    page(&finished, &[]);
    source(&finished, &[&format!("DEBUG: Finished {rest}")]);
}

#[test]
fn a_span_shows_the_tracers_environment_and_maps_by_name() {
    let about = About { env: "prod".into(), version: "7".into(), service: String::new(), ..about("go", "") };
    let child = SpanView {
        trace_id: 9,
        tags: vec![("z", "1"), ("a", "x y")],
        metrics: vec![("m", 1e6), ("b", 42.5)],
        local_root: false,
        ..span()
    };
    let started = Event::SpanStarted { span: &child, standing: FIRST };
    let text = |form| lines(&LANGUAGE, form, &about, true, &started)[0].text.clone();
    assert_eq!(
        text(Form::Page),
        "2026/11/24 16:06:35 Datadog Tracer DEBUG: Started Span: dd.env=prod dd.version=7 dd.trace_id=\"9\" \
         dd.span_id=\"4236643421324217041\", Operation: checkout, Resource: GET /cart, Tags: map[a:x y z:1], map[b:42.5 \
         m:1e+06]"
    );
    assert!(text(Form::Source).contains("dd.trace_id=\"9\" ") && text(Form::Source).contains("map[z:1 a:x y]"));
    let bare = SpanView { tags: vec![], metrics: vec![], ..child };
    let started = Event::SpanStarted { span: &bare, standing: FIRST };
    assert!(lines(&LANGUAGE, Form::Page, &about, true, &started)[0].text.ends_with("Tags: map[], map[]"));
}

#[test]
fn payloads_and_chunks_read_as_in_both_forms() {
    source(&worked::sending(), &["DEBUG: Attempt to send payload: size: 1608 traces: 2"]);
    page(&worked::sent(false), &[]);
    source(&worked::sent(false), &["DEBUG: sent traces after 1 attempts"]);
    both(&worked::enqueued(&[]), &[]);
    let partial = Event::ChunkEnqueued {
        trace_id: 1,
        spans: 1000,
        bytes: 9,
        complete: false,
        queued_chunks: 1,
        queued_bytes: 9,
        agent_url: worked::AGENT_URL,
        list: &[],
    };
    both(&partial, &["DEBUG: Partial flush triggered with 1000 finished spans"]);
    both(&Event::AgentReachable { url: worked::AGENT_URL, after: Duration::from_secs(1) }, &[]);
}

#[test]
fn refusals_are_losses_with_the_beginning_of_the_answer() {
    let refused = worked::refused(413, "too large");
    both(&refused, &["ERROR: lost 2 traces: too large (Status: Request Entity Too Large)"]);
    assert_eq!(records(Form::Page, &refused)[0].template, "lost %d traces: %v");
    both(&worked::refused(500, ""), &["ERROR: lost 2 traces: Internal Server Error"]);
    // Agents end their answers with a new line.
    let line = worked::refused(413, "payload-too-large\n");
    source(&line, &["ERROR: lost 2 traces: payload-too-large\n (Status: Request Entity Too Large)"]);
    source(&worked::refused(500, "\n"), &["ERROR: lost 2 traces: \n (Status: Internal Server Error)"]);
    let forged = worked::refused(500, "a\nERROR: b\n\n");
    source(&forged, &["ERROR: lost 2 traces: a\\nERROR: b\n (Status: Internal Server Error)"]);
    let answer = "é".repeat(2_000);
    let long = Event::AgentRefused {
        url: worked::TRACES_URL,
        status: 503,
        answer: &answer,
        bytes: 1,
        traces: 3,
        spans: 3,
        attempt: 2,
        retry: true,
        totals: Default::default(),
    };
    let shown = "é".repeat(500);
    let line = format!("ERROR: failure sending traces (attempt 2), will retry: {shown} (Status: Service Unavailable)");
    both(&long, &[&line]);
    assert_eq!(records(Form::Page, &long)[0].template, "failure sending traces (attempt %d), will retry: %v");
}

#[test]
fn an_agent_that_is_away_reads_as_gos_client_says_it() {
    let post = "Post \"http://localhost:8126/v0.4/traces\": ";
    for (error, want) in [
        (&worked::REFUSED, "dial tcp 127.0.0.1:8126: connect: connection refused"),
        (worked::no_connection(), "dial tcp 127.0.0.1:8126: i/o timeout"),
        (worked::no_answer(), "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
        (worked::not_resolved(), "dial tcp: lookup localhost: no such host"),
        (worked::other("connection reset by peer\n: x"), "connection reset by peer\\n: x"),
    ] {
        source(&unreachable(error, false), &[&format!("ERROR: lost 2 traces: {post}{want}")]);
    }
    let closed: &'static SendError = Box::leak(Box::new(SendError::new(SendErrorKind::Closed, Peer::Unnamed)));
    source(&unreachable(closed, false), &[&format!("ERROR: lost 2 traces: {post}EOF")]);
    let missing = SendError::new(SendErrorKind::System(OsError::Errno(libc::ENOENT)), Peer::Unnamed);
    let to_socket = Event::AgentUnreachable {
        url: "unix:///var/run/datadog/apm.socket/v0.4/traces",
        error: &missing,
        bytes: 1608,
        traces: 2,
        spans: 2,
        attempt: 1,
        retry: false,
        first: true,
        totals: Default::default(),
    };
    source(
        &to_socket,
        &["ERROR: lost 2 traces: Post \"http://UDS__var_run_datadog_apm.socket/v0.4/traces\": dial unix \
           /var/run/datadog/apm.socket: connect: no such file or directory"],
    );
    source(
        &unreachable(&worked::REFUSED, true),
        &[&format!(
            "ERROR: failure sending traces (attempt 5), will retry: {post}dial tcp 127.0.0.1:8126: connect: connection \
             refused"
        )],
    );
}

#[test]
fn drops_read_as_in_both_forms_and_share_their_templates() {
    page(&worked::queue_full(), &["ERROR: payload queue full, dropping 1 traces"]);
    source(
        &worked::queue_full(),
        &["DEBUG: payload queue full, trace dropped 1 spans", "ERROR: 1 traces dropped through payload queue"],
    );
    let large = worked::dropped(Reason::TooLarge, 100_000);
    page(&large, &["ERROR: trace buffer full (100000), dropping trace"]);
    source(&large, &["ERROR: trace buffer full (100000 spans), dropping trace"]);
    for form in [Form::Page, Form::Source] {
        for event in [&worked::queue_full(), &large] {
            let records = records(form, event);
            assert!(records.iter().all(|line| (line.level == Level::Error) != line.template.is_empty()));
        }
    }
    both(&worked::dropped(Reason::Unreachable, 1), &[]);
}

#[test]
fn spans_open_for_long_are_listed_for_information_or_as_a_warning() {
    let overdue = Event::SpansOverdue { spans: 1, open: &[open()], stopping: false };
    let list =
        "[name: checkout, integration: manual, span_id: 4236643421324217041, trace_id: 5208512171318403364, age: \
                612 sec],";
    page(&overdue, &["INFO: 1 abandoned spans:", &format!("INFO: {list}")]);
    source(&overdue, &["WARN: 1 abandoned spans:", &format!("WARN: {list}")]);
    assert_eq!(levels(&records(Form::Page, &overdue)), [Level::Info, Level::Info]);
    let two = [OpenSpanView { component: "net/http".into(), ..open() }, open()];
    let stopping = Event::SpansOverdue { spans: 2, open: &two, stopping: true };
    let first = list.replace("manual", "net/http");
    source(&stopping, &["WARN: 2 abandoned spans:", &format!("WARN: {first}{list}")]);
}

#[test]
fn a_long_list_of_open_spans_is_cut_and_says_so() {
    let many = vec![open(); 500];
    let records = records(Form::Source, &Event::SpansOverdue { spans: 700, open: &many, stopping: false });
    let [count, note, list] = &records[..] else { panic!("{records:?}") };
    assert!(count.text.ends_with("WARN: 700 abandoned spans:"));
    assert!(note.text.ends_with("WARN: Too many abandoned spans. Truncating message."));
    let list = list.text.split("WARN: ").nth(1).expect("a list");
    assert_eq!((list.len(), &list[9_000..]), (9_003, "..."));
    let few = Event::SpansOverdue { spans: 3, open: &[open()], stopping: true };
    let few = self::records(Form::Source, &few);
    assert!(few.len() == 3 && few[2].text.ends_with(" sec],..."), "{few:?}");
}

#[test]
fn what_go_says_nothing_of_is_said_in_our_words_if_it_matters() {
    let abandoned = Event::SpansAbandoned { spans: 1, open: &[open()] };
    for form in [Form::Page, Form::Source] {
        let records = records(form, &abandoned);
        assert_eq!(levels(&records), [Level::Warn]);
        assert!(records[0].text.contains(" WARN: spanwire: spans abandoned: spans=1 "), "{}", records[0].text);
    }
    for silent in [
        Event::LogFileOpened { path: "/x" },
        Event::IntegrationLoaded { name: "x", version: "", status: "ok" },
        Event::ParentUnknown { parent: 1, name: "x" },
        Event::LossEnded { reason: Reason::QueueFull, spans: 1 },
    ] {
        both(&silent, &[]);
    }
}

#[test]
fn rejected_settings_read_as_gos_where_it_has_words() {
    both(
        &worked::rejected("DD_TRACE_AGENT_URL", "ftp://x", "no such scheme"),
        &["WARN: Unsupported protocol \"ftp\" in Agent URL \"ftp://x\". Must be one of: http, https, unix."],
    );
    both(
        &worked::rejected("DD_TRACE_SAMPLING_RULES", "[", "unexpected end"),
        &["WARN: DIAGNOSTICS Error(s) parsing DD_TRACE_SAMPLING_RULES: unexpected end"],
    );
    let other = &records(Form::Page, &worked::rejected("DD_X", "1", "no such thing"))[0].text;
    assert!(other.contains("WARN: spanwire: setting rejected: DD_X=1"), "{other}");
}

#[test]
fn a_hosts_events_and_texts_have_gos_frame() {
    let host = |kind, fields| Event::HostEvent { kind, fields };
    both(
        &host(
            "remote_config.received",
            &[("paths", "datadog/2/APM_TRACING/abc/config"), ("payload", "{\"lib_config\":{}}")],
        ),
        &["DEBUG: Processing config from RC. Path: datadog/2/APM_TRACING/abc/config. Raw: {\"lib_config\":{}}"],
    );
    both(
        &host("remote_config.failed", &[("status", "404")]),
        &["DEBUG: remoteconfig: http request error: response status code is not 200 (OK) but Not Found"],
    );
    both(
        &host("remote_config.failed", &[("error", "timed out")]),
        &["DEBUG: remoteconfig: http request error: timed out"],
    );
    both(&host("remote_config.received", &[]), &["DEBUG: remote_config.received"]);
    both(
        &host("cache.miss", &[("user", "ann"), ("api_key", "hunter2"), ("text", "a\n2026")]),
        &["DEBUG: cache.miss: user=ann, api_key=<redacted>, text=a\\n2026"],
    );
    both(&Event::HostText { level: Level::Warn, target: "shop", text: "hello\n2026" }, &["WARN: hello\\n2026"]);
    both(&Event::HostText { level: Level::Trace, target: "", text: "x" }, &["DEBUG: x"]);
}

#[test]
fn values_from_outside_stay_on_their_line_and_keep_their_secrets() {
    let long = "x".repeat(25_000);
    let tags = vec![("note", "a\nb\0"), ("api_key", "hunter2"), ("long", long.as_str())];
    let wild = SpanView { name: "a\nb", resource: "GET /?token=hunter2", tags, ..span() };
    for form in [Form::Page, Form::Source] {
        let text = &records(form, &Event::SpanStarted { span: &wild, standing: FIRST })[0].text;
        assert!(!text.contains(['\n', '\0']) && !text.contains("hunter2"), "{text}");
        assert!(text.contains("api_key:<redacted>") && text.contains("(25000 bytes)"), "{text}");
        assert!(text.len() < 4_000);
    }
}
