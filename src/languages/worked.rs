//! Events for the tests of all languages, and a frame for their lines. The figures are round and the names made up, so
//! that a golden line can be checked by eye.

use super::{About, Dialect, Form, Frame, Language, Line};
use crate::event::{Event, OpenSpanView, QueueView, SpanView, Standing, Totals};
use crate::languages::limits::HeldBack;
use crate::level::Level;
use crate::zone::Zone;
use serde_json::{json, Value};
use std::sync::OnceLock;
use std::time::Duration;

/// 2026-11-24T16:06:35.147563Z.
pub const TIME_NS: u64 = 1_795_536_395_147_563_000;
/// Where payloads go.
pub const TRACES_URL: &str = "http://localhost:8126/v0.4/traces";
/// The agent.
pub const AGENT_URL: &str = "http://localhost:8126";
/// What a refused connection says, as our client words it.
pub const REFUSED: &str = "connection refused";

/// A finished root span.
pub fn span() -> SpanView<'static> {
    SpanView {
        trace_id: 0x640c_fd8d_0000_0000_4848_5a39_53bb_6124,
        span_id: 4_236_643_421_324_217_041,
        parent_id: 0,
        name: "checkout",
        service: "shop",
        resource: "GET /cart",
        span_type: "web",
        start_ns: 1_655_495_482_247_869_300,
        duration_ns: 118_125,
        error: false,
        tags: vec![("http.method", "GET")],
        metrics: vec![],
        local_root: true,
        priority: Some(1),
        decision_maker: Some(-1),
    }
}

/// The same with the tags that a Java host sets.
pub fn java_span() -> SpanView<'static> {
    let tags = vec![("thread.name", "main"), ("http.method", "GET"), ("thread.id", "1")];
    SpanView { tags, ..span() }
}

/// An open span for lists.
pub fn open() -> OpenSpanView {
    OpenSpanView {
        trace_id: 0x640c_fd8d_0000_0000_4848_5a39_53bb_6124,
        span_id: 4_236_643_421_324_217_041,
        parent_id: 0,
        name: "checkout".into(),
        resource: "GET /cart".into(),
        component: String::new(),
        start_ns: 1_655_495_482_247_869_300,
        age: Duration::from_secs(612),
        priority: None,
    }
}

/// Just finished, nothing else open.
pub const LAST: Standing = Standing { open: 0, finished: 1, leaves: true };
/// Just started, nothing else there.
pub const FIRST: Standing = Standing { open: 1, finished: 0, leaves: false };
/// A child has finished, the root is open.
pub const CHILD: Standing = Standing { open: 1, finished: 1, leaves: false };

/// The fields of a start-up line.
pub fn fields() -> Vec<(String, Value)> {
    let fields = [
        ("date", json!("2026-11-24T16:06:35Z")),
        ("os_name", json!("Linux")),
        ("version", json!("1.2.3")),
        ("lang", json!("test")),
        ("env", json!("")),
        ("enabled", json!(true)),
        ("service", json!("shop")),
        ("agent_url", json!(AGENT_URL)),
        ("agent_error", Value::Null),
        ("debug", json!(true)),
        ("tags", json!({})),
        ("runtime_id", json!("0f9a")),
        ("partial_flush_min_spans", json!(1000)),
    ];
    fields.map(|(name, value)| (name.to_string(), value)).into()
}

/// A chunk of one span that was enqueued. `list` is empty where the dialect does not ask for it.
pub fn enqueued<'a>(list: &'a [SpanView<'a>]) -> Event<'a> {
    Event::ChunkEnqueued {
        trace_id: span().trace_id,
        spans: 1,
        bytes: 804,
        complete: true,
        queued_chunks: 1,
        queued_bytes: 1024,
        agent_url: AGENT_URL,
        list,
    }
}

/// A payload of two traces is on its way.
pub fn sending() -> Event<'static> {
    Event::PayloadSending { url: TRACES_URL, bytes: 1608, traces: 2, spans: 2, attempt: 1 }
}

/// It was taken; `recovered` after a failure, with two more traces failed before.
pub fn sent(recovered: bool) -> Event<'static> {
    Event::PayloadSent {
        url: TRACES_URL,
        bytes: 1608,
        traces: 2,
        spans: 2,
        time: Duration::from_micros(26_050),
        status: 200,
        answer: "{\"rate_by_service\":{\"service:,env:\":1}}",
        attempt: 1,
        recovered,
        totals: Totals { sent: 2, failed: if recovered { 2 } else { 0 } },
    }
}

/// It was refused for good.
pub fn refused(status: u16, answer: &'static str) -> Event<'static> {
    Event::AgentRefused {
        url: TRACES_URL,
        status,
        answer,
        bytes: 1608,
        traces: 2,
        spans: 2,
        attempt: 1,
        retry: false,
        totals: Totals { sent: 0, failed: 2 },
    }
}

/// Nobody listens.
pub fn unreachable(first: bool) -> Event<'static> {
    Event::AgentUnreachable {
        url: TRACES_URL,
        error: REFUSED,
        bytes: 1608,
        traces: 2,
        spans: 2,
        attempt: if first { 1 } else { 2 },
        retry: false,
        first,
        totals: Totals { sent: 0, failed: 2 },
    }
}

/// The queue had no room for a trace of one span.
pub fn queue_full() -> Event<'static> {
    let queue = QueueView { chunks: 2, bytes: 1608, max_bytes: 8_388_608, chunk_bytes: 804 };
    Event::SpansDropped { reason: "queue_full", spans: 1, traces: 1, detail: "it is full", queue: Some(queue) }
}

/// A host whose tracer has this version.
pub fn about(language: &str, tracer_version: &str) -> About {
    About {
        service: "shop".into(),
        language: language.into(),
        tracer_version: tracer_version.into(),
        process: language.into(),
        calls: Dialect::of_language(language).language.calls,
        once: true,
        ..About::default()
    }
}

/// The records that an event makes, in this form of a language, in UTC, on the thread `main` of process 476.
pub fn lines(language: &'static Language, form: Form, about: &About, debug: bool, event: &Event<'_>) -> Vec<Line> {
    held(language, form, about, debug, HeldBack::default(), event)
}

/// The same after a limit has held back others like it.
pub fn held(
    language: &'static Language,
    form: Form,
    about: &About,
    debug: bool,
    held_back: HeldBack,
    event: &Event<'_>,
) -> Vec<Line> {
    static UTC: OnceLock<Zone> = OnceLock::new();
    let zone = UTC.get_or_init(Zone::default);
    let frame = Frame { time_ns: TIME_NS, pid: 476, thread: "main", held_back, debug, about, zone };
    let mut out = Vec::new();
    Dialect { language, form }.lines(&frame, event, &mut out);
    out
}

/// Their texts.
pub fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// Their levels.
pub fn levels(lines: &[Line]) -> Vec<Level> {
    lines.iter().map(|line| line.level).collect()
}
