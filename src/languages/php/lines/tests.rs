use super::span::{encoded, number};
use crate::event::{Event, OpenSpanView, QueueView, SpanView};
use crate::languages::language::Form;
use crate::languages::line::{About, Line};
use crate::languages::php::LANGUAGE;
use crate::languages::worked::{self, about, enqueued, levels, lines, span, texts, REFUSED};
use crate::level::Level;
use serde_json::json;

fn then(event: &Event<'_>) -> Vec<Line> {
    lines(&LANGUAGE, Form::Page, &about("php", "0.98.0"), true, event)
}

fn now(event: &Event<'_>) -> Vec<Line> {
    lines(&LANGUAGE, Form::Source, &about("php", "1.20.0"), true, event)
}

const THEN: &str = "[Tue Nov 24 16:06:35 2026] [2026-11-24T16:06:35+00:00] ";
const NOW: &str = "[24-Nov-2026 16:06:35 UTC] ";

#[test]
fn the_start_up_lines_have_a_target_of_their_own() {
    let fields = [
        ("date", json!("2026-11-24T16:06:35Z")),
        ("os_name", json!("Linux")),
        ("lang", json!("php")),
        ("service", json!("shop")),
        ("agent_url", json!("http://localhost:8126")),
        ("debug", json!(true)),
    ]
    .map(|(name, value)| (name.to_string(), value));
    let event = Event::TracerConfigured { fields: &fields, agent_url: worked::AGENT_URL, agent_error: Some(REFUSED) };
    let config = r#"DATADOG TRACER CONFIGURATION - {"date":"2026-11-24T16:06:35Z","os_name":"Linux","lang":"php","service":"shop","agent_url":"http://localhost:8126","debug":true}"#;
    let wrong = "DATADOG TRACER DIAGNOSTICS - agent_error: Couldn't connect to server";
    assert_eq!(
        texts(&now(&event)),
        [format!("{NOW}[ddtrace] [startup] [476] {config}"), format!("{NOW}[ddtrace] [startup] [476] {wrong}")]
    );
    assert_eq!(
        texts(&then(&event)),
        [format!("{THEN}[ddtrace] [startup] {config}"), format!("{THEN}[ddtrace] [startup] {wrong}")]
    );
    let line = &now(&event)[0];
    assert_eq!(line.message_at, NOW.len(), "what a host's error_log adds itself");
    assert_eq!(line.logger, "startup");
}

#[test]
fn loaded_integrations_go_to_phps_own_log() {
    let loaded = |name| Event::IntegrationLoaded { name, version: "", status: "ok" };
    let class = r"DDTrace\Integrations\Web\WebIntegration";
    for name in ["web", class] {
        let lines = then(&loaded(name));
        assert_eq!(texts(&lines), [format!("{THEN}[ddtrace] [debug] - Loaded integration web")]);
        assert!(lines[0].host_only && lines[0].level == Level::Debug);
    }
    let lines = now(&loaded(class));
    assert_eq!(texts(&lines), [format!("{NOW}[ddtrace] [debug] [476] Loaded integration {class}")]);
    assert!(lines[0].host_only);
    let failed = Event::IntegrationLoaded { name: "web", version: "", status: "error: too old" };
    let lines = now(&failed);
    assert!(lines[0]
        .text
        .ends_with("Integration web not loaded, possibly unsupported version. New attempts WILL NOT be performed."));
    assert!(!lines[0].host_only);
    assert!(lines[1].text.ends_with("[debug] [476] spanwire: integration web: too old"));
    let fields = [("name", "web"), ("error", "boom")];
    let lines = now(&Event::HostEvent { kind: "integration.failed", fields: &fields });
    assert!(lines[0].text.contains("Integration web not loaded") && lines[1].text.ends_with("web: boom"));
    let missing = Event::IntegrationLoaded { name: "web", version: "", status: "not available" };
    assert!(then(&missing)[0].text.ends_with("- Integration web not available. New attempts might be performed."));
    let off = Event::IntegrationLoaded { name: "web", version: "", status: "disabled" };
    assert!(now(&off)[0].text.ends_with("[debug] [476] spanwire: integration web: disabled"));
}

#[test]
fn starting_and_closing_are_for_who_traces_spans() {
    let stacks = vec![("SpanStack", 2.0), ("parent_SpanStack", 1.0)];
    let root = SpanView { metrics: stacks, ..span() };
    let lines = now(&Event::SpanStarted { span: &root, standing: worked::FIRST });
    let ids = "trace_id=640cfd8d0000000048485a3953bb6124, span_id=4236643421324217041";
    assert_eq!(
        texts(&lines),
        [format!(
            "{NOW}[ddtrace] [span] [476] Starting new root span: {ids}, parent_id=0, SpanStack=2, parent_SpanStack=1"
        )]
    );
    assert_eq!((lines[0].level, lines[0].logger.as_ref()), (Level::Trace, "span"));
    let lines = now(&Event::SpanFinished { span: &root, standing: worked::LAST });
    assert_eq!(texts(&lines), [format!("{NOW}[ddtrace] [span] [476] Closing root span: {ids}")]);
    let child = SpanView { parent_id: 7, local_root: false, ..span() };
    let lines = then(&Event::SpanStarted { span: &child, standing: worked::FIRST });
    assert_eq!(texts(&lines), [format!("{THEN}[ddtrace] [span] Starting new span: {ids}, parent_id=7")]);
    let lines = then(&Event::SpanFinished { span: &child, standing: worked::LAST });
    assert_eq!(texts(&lines), [format!("{THEN}[ddtrace] [span] Closing span: {ids}")]);
}

#[test]
fn a_chunk_is_encoded_span_by_span_and_then_flushed() {
    let list = [span()];
    let lines = then(&enqueued(&list));
    assert_eq!(
        texts(&lines),
        [
            format!("{THEN}[ddtrace] [span] Encoding span 4236643421324217041: trace_id=640cfd8d0000000048485a3953bb6124, name='checkout', service='shop', resource: 'GET /cart', type 'web' with tags: http.method='GET'; and metrics: _sampling_priority_v1='1'"),
            format!("{THEN}[ddtrace] [info] Flushing trace of size 1 to send-queue for http://localhost:8126"),
        ]
    );
    assert_eq!(levels(&lines), [Level::Debug, Level::Info]);
    let lines = now(&enqueued(&list));
    assert_eq!(
        texts(&lines),
        [
            format!("{NOW}[ddtrace] [span] [476] Encoding span: Span {{ service: shop, name: checkout, resource: GET /cart, type: web, trace_id: 132990249761594643611020443499575861540, span_id: 4236643421324217041, parent_id: 0, start: 1655495482247869300, duration: 118125, error: 0, meta: VecMap {{ data: [(http.method, GET)], deduped: false }}, metrics: VecMap {{ data: [(_sampling_priority_v1, 1.0)], deduped: false }}, meta_struct: VecMap {{ data: [], deduped: false }}, span_links: [], span_events: [] }}"),
            format!("{NOW}[ddtrace] [info] [476] Flushing trace of size 1 to send-queue for http://localhost:8126"),
        ]
    );
}

#[test]
fn the_pages_query_span_and_its_56_spans_read_as_there() {
    let query = SpanView {
        name: "wpdb.query",
        service: "wordpress",
        resource: "SELECT 1",
        span_type: "sql",
        tags: vec![("component", "wordpress")],
        local_root: false,
        ..span()
    };
    assert_eq!(
        encoded(Form::Page, &query, false),
        "Encoding span 4236643421324217041: trace_id=640cfd8d0000000048485a3953bb6124, name='wpdb.query', service='wordpress', resource: 'SELECT 1', type 'sql' with tags: component='wordpress'; and metrics: -"
    );
    let bare = SpanView { tags: vec![], ..query };
    assert!(encoded(Form::Page, &bare, false).ends_with(" with tags: -; and metrics: -"));
    let list = vec![bare; 56];
    let event = Event::ChunkEnqueued {
        trace_id: 1,
        spans: 56,
        bytes: 1,
        complete: true,
        queued_chunks: 1,
        queued_bytes: 1,
        agent_url: "http://datadog-agent:8126",
        list: &list,
    };
    let lines = then(&event);
    assert_eq!(lines.len(), 57, "each span, and the chunk");
    assert!(lines[..56].iter().all(|line| line.text.contains(" Encoding span ")));
    assert_eq!(
        lines[56].text,
        format!("{THEN}[ddtrace] [info] Flushing trace of size 56 to send-queue for http://datadog-agent:8126")
    );
}

#[test]
fn the_background_sender_writes_no_target() {
    assert_eq!(texts(&now(&worked::sent(false))), [format!("{NOW}[bgs] uploaded 1608 bytes")]);
    let lines = now(&worked::unreachable(true));
    assert_eq!(texts(&lines), [format!("{NOW}[bgs] curl_easy_perform() failed: Could not connect to server")]);
    assert_eq!(levels(&lines), [Level::Error]);
    let words = |error| super::curl(error, "-").into_owned();
    assert_eq!(words("no answer within 2s (x)"), "Timeout was reached");
    assert_eq!(words("name not resolved yet (x)"), "Could not resolve hostname");
    assert_eq!(words("reset\nby peer"), "reset\\nby peer");
}

#[test]
fn what_php_only_counts_is_said_in_our_words() {
    for line in [&then(&worked::refused(413, "too large"))[0], &now(&worked::refused(413, "too large"))[0]] {
        assert_eq!((line.level, line.logger.as_ref()), (Level::Error, "error"));
        assert!(line.text.contains("] spanwire: agent refused a payload: "), "{}", line.text);
    }
}

#[test]
fn dropped_and_unfinished_spans_have_their_lines() {
    let lines = now(&worked::queue_full());
    let text = "Unable to send payload to background sender's buffer";
    assert_eq!(texts(&lines), [format!("{NOW}[ddtrace] [warning] [476] {text}")]);
    assert_eq!(levels(&lines), [Level::Warn]);
    let facts = QueueView { chunks: 1, bytes: 1, max_bytes: 52_428_800, chunk_bytes: 60_000_000 };
    let large = |queue, detail| Event::SpansDropped { reason: "too_large", spans: 1, traces: 1, detail, queue };
    assert_eq!(
        texts(&now(&large(Some(facts), ""))),
        [format!("{NOW}[ddtrace] [error] [476] Agent request payload of 60000000 bytes exceeds configured 52428800 byte limit; dropping request")]
    );
    assert!(then(&large(None, "one span is larger than 9 bytes"))[0]
        .text
        .ends_with("Agent request payload of over 9 bytes exceeds configured 9 byte limit; dropping request"));
    assert!(then(&large(None, "it was refused"))[0].text.contains("[error] spanwire: "));
    let open: Vec<OpenSpanView> = vec![worked::open(); 30];
    let found = "Found unfinished span while automatically closing spans with name 'checkout'";
    assert_eq!(
        texts(&now(&Event::SpansAbandoned { spans: 1, open: &open[..1] })),
        [format!("{NOW}[ddtrace] [warning] [476] {found}")]
    );
    let lines = then(&Event::SpansAbandoned { spans: 200, open: &open });
    assert_eq!((lines.len(), lines[0].text.as_str()), (26, format!("{THEN}[ddtrace] [warning] {found}").as_str()));
    assert!(lines[25].text.ends_with("spanwire: 175 more unfinished spans"));
}

#[test]
fn once_only_messages_say_that_they_are() {
    let url = Event::SettingRejected { name: "DD_TRACE_AGENT_URL", value: "foo", origin: "env", why: "no scheme" };
    assert_eq!(
        texts(&now(&url)),
        [format!("{NOW}[ddtrace] [error] [476] Invalid DD_TRACE_AGENT_URL: foo. A proper agent URL must be unix:///path/to/agent.sock or http://hostname:port/.")]
    );
    let sampler = Event::SettingRejected { name: "OTEL_TRACES_SAMPLER", value: "x", origin: "env", why: "unknown" };
    let bare = format!("{NOW}[ddtrace] [warning] [476] OTEL_TRACES_SAMPLER has invalid value: x");
    let once = "; This message is only displayed once. Specify DD_TRACE_ONCE_LOGS=0 to show all messages.";
    assert_eq!(texts(&now(&sampler)), [format!("{bare}{once}")]);
    let every = About { once: false, ..about("php", "1.20.0") };
    assert_eq!(texts(&lines(&LANGUAGE, Form::Source, &every, true, &sampler)), [bare]);
    let other = Event::SettingRejected { name: "DD_TRACE_SAMPLE_RATE", value: "x", origin: "env", why: "no number" };
    let line = &then(&other)[0];
    assert!(line.text.contains("] spanwire: setting rejected: ") && line.text.ends_with(once));
}

#[test]
fn what_a_host_says_stands_behind_the_target_that_it_names() {
    let text = |level, target| Event::HostText { level, target, text: "a\nb" };
    assert_eq!(texts(&now(&text(Level::Debug, "hook"))), [format!("{NOW}[ddtrace] [hook] [476] a\\nb")]);
    assert_eq!(texts(&then(&text(Level::Warn, "app"))), [format!("{THEN}[ddtrace] [warning] a\\nb")]);
    let said = |kind, fields: &[(&str, &str)]| now(&Event::HostEvent { kind, fields })[0].text[NOW.len()..].to_string();
    assert_eq!(said("cache.miss", &[("user", "ann")]), "[ddtrace] [debug] [476] cache.miss: user=ann");
    assert_eq!(
        said("remote_config.received", &[("version", "42")]),
        "[ddtrace] [info] [476] Rereading remote configurations after interrupt"
    );
    let trace = ("trace_id", "640cfd8d0000000048485a3953bb6124");
    assert_eq!(
        said("sampling.decided", &[trace, ("rate", "1")]),
        "[ddtrace] [debug] [476] Evaluated agent sampling rules for root span for trace 640cfd8d0000000048485a3953bb6124 and applied a default sample_rate of 1.000000"
    );
    assert!(said("sampling.decided", &[trace, ("rate", "0.5"), ("service", "shop"), ("env", "dev")])
        .ends_with("6124 (service: shop, env: dev) and found a sample_rate of 0.500000"));
    assert!(said("sampling.decided", &[trace, ("span_id", "7"), ("rule", "manual.keep")]).ends_with(
        "Evaluated sampling rules for span 7 on trace 640cfd8d0000000048485a3953bb6124. Matched rule manual.keep."
    ));
    let loaded = then(&Event::HostEvent { kind: "integrations.loaded", fields: &[("names", "web, pdo")] });
    assert_eq!(loaded.len(), 2);
    assert!(loaded[1].host_only && loaded[1].text.ends_with("- Loaded integration pdo"));
}

#[test]
fn where_php_says_nothing_there_is_no_line() {
    for event in [
        worked::sending(),
        Event::AgentReachable { url: worked::TRACES_URL, after: std::time::Duration::ZERO },
        Event::LossEnded { reason: "queue_full", spans: 1 },
        Event::SpansDropped { reason: "unreachable", spans: 1, traces: 1, detail: "", queue: None },
        Event::Forked { parent_pid: 1 },
    ] {
        assert_eq!((then(&event), now(&event)), (vec![], vec![]), "{event:?}");
    }
}

#[test]
fn numbers_have_twelve_digits_and_phps_exponents() {
    let shown = [
        1.0,
        0.1 + 0.2,
        -0.0,
        1e-4,
        1e-5,
        123_456_789_012.0,
        1_234_567_890_123.0,
        999_999_999_999.5,
        99_999_999_999.99,
        42.123_456_789_012_345,
        f64::MAX,
        0.000_123_456_789_012_34,
        f64::NAN,
        f64::NEG_INFINITY,
    ];
    assert_eq!(
        shown.map(number),
        [
            "1",
            "0.3",
            "-0",
            "0.0001",
            "1.0E-5",
            "123456789012",
            "1.23456789012E+12",
            "1.0E+12",
            "100000000000",
            "42.123456789",
            "1.79769313486E+308",
            "0.000123456789012",
            "NAN",
            "-INF"
        ]
    );
}

#[test]
fn hostile_values_stay_in_their_line() {
    let long = "x".repeat(25_000);
    let tags = vec![("a\nb", "c\0"), ("password", "hunter2"), ("long", long.as_str())];
    let hostile = SpanView { name: "n\r\n", tags, metrics: vec![("m\n", 1.5); 20_000], ..span() };
    for form in [Form::Page, Form::Source] {
        let text = encoded(form, &hostile, true);
        assert!(text.contains("n\\r\\n") && text.contains("a\\nb") && text.contains("<redacted>"), "{form:?}");
        assert!(!text.contains(['\n', '\0', '\r']) && !text.contains("hunter2") && text.len() < 120_000);
        assert!(text.contains(" more)"), "{form:?}: what is left out is counted");
    }
}
