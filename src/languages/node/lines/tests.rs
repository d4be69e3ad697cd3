use super::json;
use crate::counters::Reason;
use crate::event::send_error::{Peer, SendErrorKind};
use crate::event::{DropDetail, Event, SendError, SpanView};
use crate::languages::language::Form;
use crate::languages::line::{About, Line};
use crate::languages::node::LANGUAGE;
use crate::languages::worked::{
    self, about, enqueued, levels, lines, refused, sending, sent, span, texts, unreachable,
};
use crate::level::Level;
use crate::os_error::OsError;
use crate::settings::{Origin, Rejection};
use serde_json::json;

fn host(version: &str, language_version: &str) -> About {
    About { language_version: language_version.into(), interpreter: "v8".into(), ..about("nodejs", version) }
}

fn then(event: &Event<'_>) -> Vec<Line> {
    lines(&LANGUAGE, Form::Page, &host("0.14.0", "v10.16.0"), true, event)
}

fn now(event: &Event<'_>) -> Vec<Line> {
    lines(&LANGUAGE, Form::Source, &host("6.0.0", "v24.0.0"), true, event)
}

fn both(event: &Event<'_>) -> [Vec<Line>; 2] {
    [then(event), now(event)]
}

const TRACE: &str = r#"[{"trace_id":"48485a3953bb6124","span_id":"3acb94beb8068ad1","parent_id":"0000000000000000","name":"checkout","resource":"GET /cart","service":"shop","error":0,"meta":{"_dd.p.tid":"640cfd8d00000000","http.method":"GET","language":"javascript"},"metrics":{"_sampling_priority_v1":1,"process_id":476},"start":1655495482247869200,"duration":118125,"links":[]}]"#;

/// Today's tracer lists no links, and the decision before the other tags.
const TODAYS_TRACE: &str = r#"[{"trace_id":"48485a3953bb6124","span_id":"3acb94beb8068ad1","parent_id":"0000000000000000","name":"checkout","resource":"GET /cart","service":"shop","error":0,"meta":{"_dd.p.tid":"640cfd8d00000000","_dd.p.dm":"-1","http.method":"GET","language":"javascript"},"metrics":{"process_id":476,"_sampling_priority_v1":1},"start":1655495482247869200,"duration":118125}]"#;

#[test]
fn the_start_up_line_is_a_warning() {
    let fields = [
        ("date", json!("2026-11-24T16:06:35.147Z")),
        ("os_name", json!("Linux")),
        ("version", json!("6.0.0")),
        ("lang", json!("nodejs")),
        ("enabled", json!(true)),
        ("service", json!("shop")),
        ("agent_url", json!("http://localhost:8126")),
        ("agent_error", json!(null)),
        ("debug", json!(true)),
    ]
    .map(|(name, value)| (name.to_string(), value));
    let event = |agent_error| worked::configured(&fields, agent_error);
    // Today's tracer shows a URL object.
    for (lines, slash) in both(&event(None)).into_iter().zip(["", "/"]) {
        assert_eq!(
            texts(&lines),
            [format!(
                r#"DATADOG TRACER CONFIGURATION - {{"date":"2026-11-24T16:06:35.147Z","os_name":"Linux","version":"6.0.0","lang":"nodejs","enabled":true,"service":"shop","agent_url":"http://localhost:8126{slash}","debug":true}}"#
            )]
        );
        assert_eq!(levels(&lines), [Level::Warn]);
    }
    assert_eq!(
        now(&event(Some(&worked::REFUSED)))[1].text,
        "DATADOG TRACER DIAGNOSTIC - Agent Error: connect ECONNREFUSED 127.0.0.1:8126"
    );
}

#[test]
fn a_trace_reads_as_javascript_writes_it() {
    let list = [SpanView { span_type: "", ..span() }];
    assert_eq!(texts(&then(&enqueued(&list))), [format!("Encoding trace: {TRACE}")]);
    assert_eq!(texts(&now(&enqueued(&list))), [format!("Encoding payload: {TODAYS_TRACE}")]);
    let list = [span()];
    assert!(now(&enqueued(&list))[0].text.contains(r#","service":"shop","type":"web","error":0,"#));
}

#[test]
fn what_a_chunk_carries_once_is_on_its_first_span() {
    let list = [span(), SpanView { local_root: false, ..span() }];
    let text = then(&enqueued(&list))[0].text.clone();
    for once in ["_dd.p.tid", "language", "_sampling_priority_v1", "process_id"] {
        assert_eq!(text.matches(once).count(), 1, "{once}");
    }
    assert!(text.ends_with(
        r#""meta":{"http.method":"GET"},"metrics":{},"start":1655495482247869200,"duration":118125,"links":[]}]"#
    ));
    // What the host set itself is not said twice.
    let own = SpanView { tags: vec![("language", "ts")], metrics: vec![("process_id", 7.0)], ..span() };
    let text = then(&enqueued(&[own]))[0].text.clone();
    assert!(text.contains(r#""meta":{"_dd.p.tid":"640cfd8d00000000","language":"ts"},"metrics":{"_sampling_priority_v1":1,"process_id":7}"#), "{text}");
}

#[test]
fn a_request_says_how_it_is_sent_and_to_whom() {
    assert_eq!(
        texts(&then(&sending())),
        [
            r#"Request to the agent: {"path":"/v0.4/traces","method":"POST","headers":{"Content-Type":"application/msgpack","Datadog-Meta-Lang":"nodejs","Datadog-Meta-Lang-Version":"v10.16.0","Datadog-Meta-Lang-Interpreter":"v8","Datadog-Meta-Tracer-Version":"0.14.0","X-Datadog-Trace-Count":"2"},"protocol":"http:","hostname":"localhost","port":"8126"}"#
        ]
    );
    assert_eq!(
        texts(&now(&sending())),
        [
            r#"Request to the agent: {"path":"/v0.4/traces","method":"POST","headers":{"Content-Type":"application/msgpack","Datadog-Meta-Tracer-Version":"6.0.0","X-Datadog-Trace-Count":"2","Datadog-Meta-Lang":"nodejs","Datadog-Meta-Lang-Version":"v24.0.0","Datadog-Meta-Lang-Interpreter":"v8"},"url":"http://localhost:8126/"}"#
        ]
    );
    let nobody = About::default();
    let url = "unix:///run/v0.sock/apm.socket/v0.4/traces";
    assert!(json::request(Form::Page, &nobody, url, 2)
        .ends_with(r#""X-Datadog-Trace-Count":"2"},"socketPath":"/run/v0.sock/apm.socket"}"#));
    assert!(json::request(Form::Page, &nobody, "http://u:p@agent/v0.4/traces", 2)
        .ends_with(r#"},"protocol":"http:","hostname":"agent"}"#));
    let below = json::request(Form::Source, &nobody, "http://agent:1/base/v0.4/traces", 2);
    assert!(
        below.contains(r#""path":"/base/v0.4/traces""#) && below.ends_with(r#""url":"http://agent:1/"}"#),
        "{below}"
    );
}

fn answered<'a>(answer: &'a str, event: Event<'a>) -> Event<'a> {
    let Event::PayloadSent { url, bytes, traces, spans, time, status, attempt, recovered, totals, .. } = event else {
        return event;
    };
    Event::PayloadSent { url, bytes, traces, spans, time, status, answer, attempt, recovered, totals }
}

#[test]
fn the_agents_answer_is_searched_for_as_the_page_spells_it() {
    for answer in ["OK\n", "", "OK"] {
        assert_eq!(texts(&then(&answered(answer, sent(false)))), ["Response from the Agent: OK"]);
    }
    assert_eq!(texts(&now(&answered("OK\n", sent(false)))), ["Response from the agent: OK"]);
    assert_eq!(texts(&now(&answered("", sent(false)))), ["Response from the agent: "]);
    let rates = r#"{"rate_by_service":{"service:,env:":1}}"#;
    assert_eq!(texts(&then(&sent(false))), [format!("Response from the Agent: {rates}")]);
    assert_eq!(texts(&now(&sent(false))), [format!("Response from the agent: {rates}")]);
    assert_eq!(levels(&now(&sent(false))), [Level::Debug]);
}

#[test]
fn a_refusal_has_its_status_and_reason() {
    let lines = then(&refused(413, "too large"));
    assert_eq!(texts(&lines), ["Error from the Agent: 413 Payload Too Large"]);
    assert_eq!(levels(&lines), [Level::Error]);
    let lines = now(&refused(413, "too large"));
    let second = "NoTransmitError: Error from http://localhost:8126/v0.4/traces: 413 Payload Too Large. \
                  Response from the endpoint: \"too large\"";
    assert_eq!(texts(&lines), ["Error sending payload to the agent (status code: 413)", second]);
    assert_eq!(&lines[1].text[lines[1].message_at..], &second[17..]);
    assert!(now(&refused(404, ""))[1].text.ends_with(": 404 Not Found."));
}

#[test]
fn an_absent_agent_reads_as_on_the_console() {
    let lines = then(&unreachable(true));
    let message = "Network error trying to reach the agent: connect ECONNREFUSED 127.0.0.1:8126";
    assert_eq!(texts(&lines), [format!("Error: {message}")]);
    assert_eq!(
        texts(&now(&unreachable(false))),
        ["Error sending payload to the agent (status code: undefined)", "Error: connect ECONNREFUSED 127.0.0.1:8126"]
    );
    fn why(url: &str, error: &SendError) -> String {
        super::unreached(Form::Source, url, error)
    }
    assert_eq!(why("unix:///run/a.sock/v0.4/traces", &worked::REFUSED), "connect ECONNREFUSED /run/a.sock");
    assert_eq!(why("http://agent:1/v0.4/traces", worked::no_connection()), "connect ETIMEDOUT agent:1");
    assert_eq!(why("http://agent:1/v0.4/traces", worked::no_answer()), "socket hang up");
    assert_eq!(why("http://agent:1/v0.4/traces", worked::not_resolved()), "getaddrinfo ENOTFOUND agent");
    assert_eq!(why("http://agent:1", worked::other("reset\nby peer")), "reset\\nby peer");
    let closed = SendError::new(SendErrorKind::Closed, Peer::Unnamed);
    assert_eq!(why("http://agent:1/v0.4/traces", &closed), "socket hang up");
    let system = |errno| SendError::new(SendErrorKind::System(OsError::Errno(errno)), Peer::Unnamed);
    assert_eq!(why("unix:///run/a.sock/v0.4/traces", &system(libc::ENOENT)), "connect ENOENT /run/a.sock");
    assert_eq!(why("unix:///run/a.sock/v0.4/traces", &system(libc::EACCES)), "connect EACCES /run/a.sock");
    assert_eq!(why("http://agent:1/v0.4/traces", &system(libc::ECONNRESET)), "read ECONNRESET");
}

/// What the page shows is an object of bunyan's. A host that has such a logger hands it an `Error` made from the
/// record.
#[test]
fn a_bunyan_logger_gets_the_pages_object_from_the_record() {
    let line = &then(&unreachable(true))[0];
    let message = &line.text[line.message_at..];
    let object = json!({
        "name": line.logger,
        "hostname": "shop-1",
        "pid": 28817,
        "level": bunyan_level(line.level),
        "err": { "message": message, "name": "Error", "stack": line.text },
        "msg": message,
        "time": "2019-08-06T20:48:27.769Z",
        "v": 0,
    });
    let page = json!({
        "name": "dd-trace",
        "hostname": "shop-1",
        "pid": 28817,
        "level": 50,
        "err": {
            "message": "Network error trying to reach the agent: connect ECONNREFUSED 127.0.0.1:8126",
            "name": "Error",
            "stack": "Error: Network error trying to reach the agent: connect ECONNREFUSED 127.0.0.1:8126",
        },
        "msg": "Network error trying to reach the agent: connect ECONNREFUSED 127.0.0.1:8126",
        "time": "2019-08-06T20:48:27.769Z",
        "v": 0,
    });
    assert_eq!(object, page);
    let all = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Off];
    assert_eq!(all.map(bunyan_level), [10, 20, 30, 40, 50, 61]);
}

#[test]
fn drops_settings_and_integrations_have_their_lines() {
    assert_eq!(
        texts(&now(&worked::queue_full())),
        ["Maximum number of active requests reached: payload is discarded."]
    );
    let large = |detail| Event::SpansDropped { reason: Reason::TooLarge, spans: 2, traces: 2, detail };
    assert_eq!(
        texts(&now(&large(&DropDetail::SpanTooLarge { max_bytes: 52_428_800 }))),
        ["Error: Writer dropped 2 trace(s) that exceeded the 52428800 byte chunk cap"]
    );
    assert_eq!(
        texts(&then(&large(&DropDetail::RefusedAlone))),
        ["Error: Writer dropped 2 trace(s) that exceeded the chunk cap"]
    );
    let rejected = |value, why| Event::SettingRejected { name: "foo", value, origin: Origin::Code, why };
    let unknown = &Rejection::NoSuchSetting { prefix: "", meant: Some("DD_FOO") };
    assert_eq!(texts(&now(&rejected("bar", unknown))), ["Unknown option foo with value 'bar'"]);
    assert_eq!(texts(&now(&rejected("it's", unknown))), ["Unknown option foo with value \"it's\""]);
    assert!(now(&rejected("bar", &Rejection::NotSwitch))[0].text.starts_with("spanwire: setting rejected: "));
    let loaded = |name, status| Event::IntegrationLoaded { name, version: "4.2", status };
    assert_eq!(texts(&now(&loaded("http", "ok"))), [r#"DATADOG TRACER INTEGRATIONS LOADED - ["http"]"#]);
    assert_eq!(texts(&now(&loaded("pg", "incompatible"))), ["Found incompatible integration version: pg@4.2"]);
    assert_eq!(texts(&now(&loaded("pg", "disabled"))), ["integration: name=pg, version=4.2, status=disabled"]);
}

#[test]
fn what_a_host_says_is_said() {
    let event = |kind, fields| Event::HostEvent { kind, fields };
    assert_eq!(
        texts(&now(&event("integrations.loaded", &[("names", "http,express"), ("count", "2")]))),
        [r#"DATADOG TRACER INTEGRATIONS LOADED - ["http","express"]"#]
    );
    assert_eq!(
        texts(&now(&event("remote_config.failed", &[("error", "connect ECONNREFUSED 127.0.0.1:8126")]))),
        ["[RC] Error in request", "Error: connect ECONNREFUSED 127.0.0.1:8126"]
    );
    assert_eq!(texts(&now(&event("flare.failed", &[]))), ["Error: Error sending flare payload"]);
    assert_eq!(texts(&now(&event("flare.sent", &[("case_id", "1")]))), ["flare.sent: case_id=1"]);
    let text = Event::HostText { level: Level::Warn, target: "app", text: "a\nb" };
    let line = &now(&text)[0];
    assert_eq!((line.text.as_str(), line.logger.as_ref(), line.level), ("a\\nb", "app", Level::Warn));
}

#[test]
fn where_node_says_nothing_there_is_no_line() {
    let span = span();
    for event in [
        Event::SpanStarted { span: &span, standing: worked::FIRST },
        Event::SpanFinished { span: &span, standing: worked::LAST },
        Event::AgentReachable { url: worked::TRACES_URL, after: std::time::Duration::ZERO },
        worked::dropped(Reason::Unreachable, 1),
        Event::Forked { parent_pid: 1 },
    ] {
        assert_eq!(both(&event), [vec![], vec![]], "{event:?}");
    }
}

#[test]
fn numbers_and_texts_are_javascripts() {
    let shown = |value| {
        let mut out = String::new();
        json::number(&mut out, value);
        out
    };
    let numbers = [1.0, 1e20, 1e21, -1e-6, 1e-7, 1.5e-7, -0.0, 5e-324, 1_655_495_482_247_869_300.0, f64::NAN, 0.1];
    assert_eq!(
        numbers.map(shown),
        [
            "1",
            "100000000000000000000",
            "1e+21",
            "-0.000001",
            "1e-7",
            "1.5e-7",
            "0",
            "5e-324",
            "1655495482247869200",
            "null",
            "0.1"
        ]
    );
    let mut out = String::new();
    json::string(&mut out, "a\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}é\u{2028}");
    assert_eq!(out, r#""a\"\\/\b\f\n\r\t\u0001\u007fé\u2028""#);
}

#[test]
fn hostile_values_stay_json() {
    let long = "x".repeat(25_000);
    let tags = vec![("a\n\"", "b\0\u{1b}[31m"), ("password", "hunter2"), ("long", long.as_str())];
    let metrics = vec![("m", f64::INFINITY); 6_000];
    let hostile = SpanView { name: "n\n", tags, metrics, ..span() };
    let list: Vec<_> = (0..100).map(|_| hostile.clone()).collect();
    let texts = now(&enqueued(&list));
    assert!(texts.iter().all(|line| line.text.len() < 400_000));
    let text = texts[0].text.clone();
    let array = text.strip_prefix("Encoding payload: ").expect("a payload");
    let array: serde_json::Value = serde_json::from_str(array).expect("json");
    let first = &array[0];
    assert_eq!((first["name"].as_str(), first["meta"]["a\n\""].as_str()), (Some("n\n"), Some("b\0\u{1b}[31m")));
    assert_eq!(first["meta"]["password"], "<redacted>");
    assert!(!text.contains(['\n', '\0', '\u{1b}']));
    let more = texts.last().and_then(|line| line.text.rsplit_once(r#","spanwire: "#)).expect("how many more");
    let listed: usize = texts.iter().map(|line| line.text.matches(r#""span_id":"#).count()).sum();
    assert_eq!(more.1, format!("{} more spans\"]", 100 - listed));
}

#[test]
fn a_trace_of_many_spans_is_listed_whole_in_several_records() {
    let list: Vec<_> = (0..1_000).map(|_| span()).collect();
    let texts = now(&enqueued(&list));
    assert!(texts.len() > 1 && texts.iter().all(|line| line.text.len() < 140_000), "{}", texts.len());
    let spans = texts.iter().map(|line| {
        let array = line.text.strip_prefix("Encoding payload: ").expect("a payload");
        serde_json::from_str::<Vec<serde_json::Value>>(array).expect("json").len()
    });
    assert_eq!(spans.sum::<usize>(), 1_000);
}

/// A level as bunyan (and pino) count it: 10 for trace to 50 for error; 61, above everything, turns a logger off.
fn bunyan_level(level: Level) -> u32 {
    match level {
        Level::Trace => 10,
        Level::Debug => 20,
        Level::Info => 30,
        Level::Warn => 40,
        Level::Error => 50,
        Level::Off => 61,
    }
}
