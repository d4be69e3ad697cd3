//! Common events for the tests of all languages, and a frame for their lines. Numbers are round and names are made up,
//! so that a person can check a golden line by eye.

use super::{About, Dialect, Form, Frame, Language, Line};
use crate::counters::Reason;
use crate::event::send_error::{NameError, Peer, SendErrorKind};
use crate::event::{
    DecidedBy, DropDetail, Event, OpenSpanView, QueueView, SampledView, SendError, SpanView, Standing, Totals,
};
use crate::languages::limits::HeldBack;
use crate::level::Level;
use crate::os_error::OsError;
use crate::settings::{Origin, Rejection};
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
/// A refused connection.
pub static REFUSED: SendError =
    SendError { kind: SendErrorKind::System(OsError::Errno(libc::ECONNREFUSED)), peer: Peer::Unnamed };
/// A refusal by the agent that was logged already.
pub static ANSWERED: DropDetail = DropDetail::Answered(500);
/// A queue that is full.
pub static QUEUE_FULL: DropDetail =
    DropDetail::NoRoom(QueueView { chunks: 2, bytes: 1608, max_bytes: 8_388_608, chunk_bytes: 804 });

/// A connection that took too long.
pub fn no_connection() -> &'static SendError {
    error(SendErrorKind::NoConnection(Duration::from_secs(1)))
}

/// An answer that did not come in time.
pub fn no_answer() -> &'static SendError {
    error(SendErrorKind::NoAnswer(Duration::from_secs(2)))
}

/// A name that is not resolved yet.
pub fn not_resolved() -> &'static SendError {
    error(SendErrorKind::NotResolved(NameError::Pending))
}

/// An error that no language has words for.
pub fn other(words: &str) -> &'static SendError {
    let kind = SendErrorKind::NotWritten(OsError::Words(words.into()));
    Box::leak(Box::new(SendError::new(kind, Peer::Unnamed)))
}

fn error(kind: SendErrorKind) -> &'static SendError {
    Box::leak(Box::new(SendError::new(kind, Peer::Url(AGENT_URL.into()))))
}

/// A rejection with this sentence.
pub fn rejection(sentence: &'static str) -> &'static Rejection {
    Box::leak(Box::new(Rejection::OfLanguage(sentence)))
}

/// The start-up line with these fields.
pub fn configured<'a>(fields: &'a [(String, Value)], agent_error: Option<&'a SendError>) -> Event<'a> {
    Event::TracerConfigured { fields, agent_url: AGENT_URL, agent_error, abandoned_spans: false }
}

/// A setting that the environment gives and that is rejected.
pub fn rejected<'a>(name: &'a str, value: &'a str, why: &'static str) -> Event<'a> {
    Event::SettingRejected { name, value, origin: Origin::Env, why: rejection(why) }
}

/// One trace of this many spans dropped, for a reason that was logged already.
pub fn dropped(reason: Reason, spans: u64) -> Event<'static> {
    Event::SpansDropped { reason, spans, traces: 1, detail: &ANSWERED }
}

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
        links: vec![],
        events: vec![],
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

/// A decision about the trace of [`span`].
pub fn decided(by: DecidedBy<'_>, priority: i32, rate: Option<f64>) -> SampledView<'_> {
    let mechanism = match by {
        DecidedBy::Default | DecidedBy::Minute => 0,
        DecidedBy::AgentRate => -1,
        DecidedBy::Rule { .. } | DecidedBy::SampleRate => -3,
        DecidedBy::Host => -4,
    };
    let SpanView { trace_id, span_id, parent_id, name, service, .. } = span();
    let (limit_rate, limited_to) = (None, None);
    SampledView {
        trace_id,
        span_id,
        parent_id,
        name,
        service,
        env: "prod",
        priority,
        mechanism,
        rate,
        limit_rate,
        limited_to,
        by,
    }
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

/// No process listens.
pub fn unreachable(first: bool) -> Event<'static> {
    Event::AgentUnreachable {
        url: TRACES_URL,
        error: &REFUSED,
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
    Event::SpansDropped { reason: Reason::QueueFull, spans: 1, traces: 1, detail: &QUEUE_FULL }
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
    let frame = Frame { time_ns: TIME_NS, pid: 476, thread: "main", held_back, debug, about, zone, remembered: None };
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
