use super::pretty::{float, written};
use crate::counters::Reason;
use crate::event::{Event, SpanView};
use crate::languages::language::Form;
use crate::languages::line::{About, Frame, Line};
use crate::languages::ruby::LANGUAGE;
use crate::languages::worked::{self, about, enqueued, levels, lines, refused, span, texts, unreachable, REFUSED};
use crate::level::Level;
use serde_json::json;

fn then(event: &Event<'_>) -> Vec<Line> {
    lines(&LANGUAGE, Form::Page, &about("ruby", "0.49.0"), true, event)
}

fn now(event: &Event<'_>) -> Vec<Line> {
    lines(&LANGUAGE, Form::Source, &about("ruby", "2.40.0"), true, event)
}

fn quiet(form: Form, event: &Event<'_>) -> Vec<Line> {
    let version = if form == Form::Page { "0.49.0" } else { "2.40.0" };
    lines(&LANGUAGE, form, &about("ruby", version), false, event)
}

fn allocating() -> SpanView<'static> {
    SpanView { metrics: vec![("allocations", 12.0)], ..span() }
}

#[test]
fn the_start_up_line_leaves_out_what_is_not_set() {
    let fields = [
        ("date".to_string(), json!("2026-11-24T16:06:35+00:00")),
        ("version".into(), json!("0.49.0")),
        ("agent_error".into(), json!(null)),
        ("agent_url".into(), json!("http://localhost:8126")),
    ];
    let event = worked::configured(&fields, None);
    assert_eq!(
        texts(&quiet(Form::Page, &event)),
        [
            r#"I, [2026-11-24T16:06:35.147563 #476]  INFO -- ddtrace: [ddtrace] DATADOG TRACER CONFIGURATION - {"date":"2026-11-24T16:06:35+00:00","version":"0.49.0","agent_url":"http://localhost:8126"}"#
        ]
    );
    let fields = [("enabled".to_string(), json!(true)), ("agent_url".into(), json!("http://localhost:8126"))];
    let event = worked::configured(&fields, None);
    assert_eq!(
        texts(&quiet(Form::Source, &event)),
        [
            r#"I, [2026-11-24T16:06:35.147563 #476]  INFO -- datadog: [datadog] DATADOG CONFIGURATION - TRACING - {"enabled":true,"agent_url":"http://localhost:8126"}"#,
            r#"I, [2026-11-24T16:06:35.147563 #476]  INFO -- datadog: [datadog] DATADOG TRACER CONFIGURATION - {"enabled":true,"agent_url":"http://localhost:8126"}"#
        ]
    );
}

#[test]
fn an_agent_that_fails_at_the_start_is_named_below_the_settings() {
    let event = worked::configured(&[], Some(&REFUSED));
    let lines = quiet(Form::Page, &event);
    assert_eq!(levels(&lines), [Level::Info, Level::Warn]);
    assert_eq!(
        lines[1].text,
        r#"W, [2026-11-24T16:06:35.147563 #476]  WARN -- ddtrace: [ddtrace] DATADOG TRACER DIAGNOSTIC - Agent Error: Failed to open TCP connection to localhost:8126 (Connection refused - connect(2) for "localhost" port 8126)"#
    );
    let lines = now(&event);
    assert_eq!(
        lines[2].text,
        r#"W, [2026-11-24T16:06:35.147563 #476]  WARN -- datadog: [datadog] (/usr/local/bundle/gems/datadog-2.40.0/lib/datadog/core/diagnostics/environment_logger.rb:23:in `log_error!') DATADOG ERROR - TRACING - Agent Error: {"agent_error":"Errno::ECONNREFUSED: Failed to open TCP connection to localhost:8126 (Connection refused - connect(2) for \"localhost\" port 8126)"}"#
    );
}

#[test]
fn a_written_trace_reads_as_on_the_page() {
    let tags = vec![
        ("system.pid", "476"),
        ("env", "dev"),
        ("language", "ruby"),
        ("http.method", "GET"),
        ("http.url", "/notes"),
        ("http.base_url", "http://0.0.0.0:3000"),
        ("http.status_code", "304"),
        ("http.response.headers.x_request_id", "9d5b2c10-6f1f-4bd4-a1f7-0a2f6f0f6a11"),
    ];
    let request = SpanView {
        name: "rack.request",
        service: "todo",
        resource: "NotesController#index",
        duration_ns: 11_985_000,
        tags,
        metrics: vec![("allocations", 1202.0)],
        ..span()
    };
    let child = SpanView { name: "rails.action_controller", local_root: false, ..span() };
    let list = [request, child.clone(), child.clone(), child];
    let mut event = enqueued(&list);
    if let Event::ChunkEnqueued { spans, .. } = &mut event {
        *spans = 4;
    }
    let line = &then(&event)[0];
    let page = "D, [2026-11-24T16:06:35.147563 #476] DEBUG -- ddtrace: [ddtrace] \
(/usr/local/bundle/gems/ddtrace-0.49.0/lib/ddtrace/tracer.rb:371:in `write') Writing 4 spans (enabled: true)

 Name: rack.request
Span ID: 4236643421324217041
Parent ID: 0
Trace ID: 5208512171318403364
Type: web
Service: todo
Resource: NotesController#index
Error: 0
Start: 1655495482247869300
End: 1655495482259854300
Duration: 11985000
Allocations: 1202
Tags: [
   system.pid => 476,
   env => dev,
   language => ruby,
   http.method => GET,
   http.url => /notes,
   http.base_url => http://0.0.0.0:3000,
   http.status_code => 304,
   http.response.headers.x_request_id => 9d5b2c10-6f1f-4bd4-a1f7-0a2f6f0f6a11]
Metrics: [
   _sampling_priority_v1 => 1.0],

 Name: rails.action_controller
";
    assert_eq!(&line.text[..page.len()], page);
    assert_eq!((line.level, &line.text[line.message_at..][..17]), (Level::Debug, "Writing 4 spans ("));
}

#[test]
fn a_written_trace_reads_as_today() {
    let list = [span()];
    let want = "D, [2026-11-24T16:06:35.147563 #476] DEBUG -- datadog: [datadog] \
(/usr/local/bundle/gems/datadog-2.40.0/lib/datadog/tracing/tracer.rb:600:in `write') Writing 1 spans (enabled: true)
[
 Name: checkout
Span ID: 4236643421324217041
Parent ID: 0
Trace ID: 132990249761594643611020443499575861540
Type: web
Service: shop
Resource: GET /cart
Error: 0
Start: 1655495482247869300
End: 1655495482247987425
Duration: 0.000118125
Tags: [
   http.method => GET]
Metrics: [
   _sampling_priority_v1 => 1.0]
Metastruct: [{}]]";
    assert_eq!(texts(&now(&enqueued(&list))), [want]);
}

#[test]
fn allocations_are_shown_only_where_the_host_counts_them_and_only_on_the_page() {
    let with = of_one_record(Form::Page, 1, &[allocating()]);
    assert!(with.ends_with(
        "Duration: 118125\nAllocations: 12\nTags: [\n   http.method => GET]\nMetrics: [ _sampling_priority_v1 => 1.0]"
    ));
    assert!(!of_one_record(Form::Page, 1, &[span()]).contains("Allocations"));
    assert!(of_one_record(Form::Source, 1, &[allocating()]).contains("   allocations => 12.0,\n"));
}

#[test]
fn the_failing_agent_is_an_error_once_and_then_a_detail() {
    let page = r#"ERROR -- ddtrace: [ddtrace] (/usr/local/bundle/gems/ddtrace-0.49.0/lib/ddtrace/transport/http/client.rb:38:in `rescue in send_request') Internal error during HTTP transport request. Cause: Failed to open TCP connection to localhost:8126 (Connection refused - connect(2) for "localhost" port 8126) Location: /usr/local/lib/ruby/2.7.0/net/http.rb:987:in `initialize'"#;
    let first = quiet(Form::Page, &unreachable(true));
    assert_eq!(texts(&first), [format!("E, [2026-11-24T16:06:35.147563 #476] {page}")]);
    assert_eq!(levels(&first), [Level::Error]);
    assert_eq!(levels(&then(&unreachable(false))), [Level::Debug]);
    let modern = About { language_version: "3.4.1".into(), ..about("ruby", "2.40.0") };
    let lines = lines(&LANGUAGE, Form::Source, &modern, false, &unreachable(true));
    assert_eq!(
        texts(&lines),
        [
            r#"E, [2026-11-24T16:06:35.147563 #476] ERROR -- datadog: [datadog] (/usr/local/bundle/gems/datadog-2.40.0/lib/datadog/tracing/transport/http/client.rb:35:in 'on_exception') Internal error during Datadog::Tracing::Transport::HTTP::Client request. Cause: Errno::ECONNREFUSED: Failed to open TCP connection to localhost:8126 (Connection refused - connect(2) for "localhost" port 8126) Location: /usr/local/lib/ruby/3.4.0/net/http.rb:1665:in 'initialize'"#
        ]
    );
}

#[test]
fn other_failures_of_the_connection_read_as_ruby_says_them() {
    let said = |error| {
        let url = "http://agent:8126/v0.4/traces";
        let text = now(&Event::AgentUnreachable {
            url,
            error,
            bytes: 1,
            traces: 1,
            spans: 1,
            attempt: 1,
            retry: true,
            first: false,
            totals: Default::default(),
        })[0]
            .text
            .clone();
        text.split_once("Cause: ").expect("a cause").1.to_string()
    };
    let open = "Failed to open TCP connection to agent:8126";
    assert_eq!(said(worked::no_connection()), format!("Net::OpenTimeout: {open} (execution expired)"));
    assert_eq!(said(worked::no_answer()), "Net::ReadTimeout: Net::ReadTimeout with #<TCPSocket:(closed)>");
    assert!(said(worked::not_resolved())
        .starts_with(&format!("SocketError: {open} (getaddrinfo: Name or service not known) Location: ")));
    assert_eq!(said(worked::other("no such\nsocket")), "no such\\nsocket");
    let (about, zone) = (about("ruby", "2.40.0"), crate::zone::Zone::default());
    let held_back = Default::default();
    let frame = Frame {
        time_ns: 0,
        pid: 1,
        thread: "main",
        held_back,
        debug: true,
        about: &about,
        zone: &zone,
        remembered: None,
    };
    let voice = super::Voice { form: Form::Page, frame: &frame };
    let (why, place) = voice.unreached("unix:///run/a.sock/v0.4/traces", &REFUSED);
    assert_eq!((why.as_str(), place.as_str()), ("Connection refused - connect(2) for /run/a.sock", ""));
}

#[test]
fn a_refusal_is_a_detail_today_and_was_silent_then() {
    let lines = now(&refused(413, "too large"));
    assert_eq!(
        texts(&lines),
        ["D, [2026-11-24T16:06:35.147563 #476] DEBUG -- datadog: [datadog] (/usr/local/bundle/gems/datadog-2.40.0/lib/datadog/core/transport/http/client.rb:38:in `block in send_request') send_request :traces failed: #<Datadog::Tracing::Transport::HTTP::Traces::Response ok?:false unsupported?:false code:413>"]
    );
    let ours = then(&refused(413, "too large"));
    assert_eq!(levels(&ours), [Level::Error]);
    assert!(ours[0].text.contains(" ERROR -- ddtrace: [ddtrace] spanwire: agent refused a payload: "));
}

#[test]
fn rejected_settings_integrations_and_large_traces_have_their_lines() {
    let rejected = |name, value| worked::rejected(name, value, "not JSON");
    assert_eq!(
        texts(&now(&rejected("DD_TRACE_PROPAGATION_STYLE", "foo"))),
        ["W, [2026-11-24T16:06:35.147563 #476]  WARN -- datadog: [datadog] (/usr/local/bundle/gems/datadog-2.40.0/lib/datadog/tracing/configuration/settings.rb:111:in `block') Unsupported propagation style: foo"]
    );
    assert!(now(&rejected("DD_TRACE_SAMPLING_RULES", "["))[0]
        .text
        .ends_with("[datadog] Could not parse trace sampling rules '[': JSON::ParserError: not JSON"));
    assert!(now(&rejected("DD_SERVICE", "x"))[0].text.contains("[datadog] spanwire: setting rejected: "));
    let loaded = |status| Event::IntegrationLoaded { name: "rack", version: "", status };
    assert_eq!(
        texts(&now(&loaded("ok"))),
        [
            r#"D, [2026-11-24T16:06:35.147563 #476] DEBUG -- datadog: [datadog] (/usr/local/bundle/gems/datadog-2.40.0/lib/datadog/core/diagnostics/environment_logger.rb:19:in `log_debug!') DATADOG CONFIGURATION - TRACING INTEGRATIONS - {"rack":{"enabled":true}}"#
        ]
    );
    assert!(now(&loaded("disabled"))[0].text.ends_with(r#"{"rack":{"enabled":false}}"#));
    assert!(now(&loaded("error: too old"))[0].text.ends_with("] Unable to patch rack (error: too old)"));
    let large = worked::dropped(Reason::TooLarge, 1);
    assert_eq!(
        texts(&now(&large)),
        ["D, [2026-11-24T16:06:35.147563 #476] DEBUG -- datadog: [datadog] (/usr/local/bundle/gems/datadog-2.40.0/lib/datadog/tracing/transport/traces.rb:86:in `block in encode_one') Dropping trace. Payload too large: '#<Datadog::Tracing::TraceSegment …>'"]
    );
}

#[test]
fn what_a_host_says_has_the_tracers_frame() {
    let text = Event::HostText { level: Level::Info, target: "app", text: "two\nlines" };
    let line = &then(&text)[0];
    assert_eq!(line.text, "I, [2026-11-24T16:06:35.147563 #476]  INFO -- ddtrace: [ddtrace] two\\nlines");
    assert_eq!((line.logger.as_ref(), &line.text[line.message_at..]), ("app", "two\\nlines"));
    let event = |kind, fields| Event::HostEvent { kind, fields };
    assert!(now(&event("cache.miss", &[("user", "ann"), ("token", "abc")]))[0]
        .text
        .ends_with("[datadog] cache.miss: user=ann, token=<redacted>"));
    assert_eq!(
        texts(&now(&event("remote_config.unchanged", &[]))),
        ["D, [2026-11-24T16:06:35.147563 #476] DEBUG -- datadog: [datadog] (/usr/local/bundle/gems/datadog-2.40.0/lib/datadog/core/remote/client.rb:120:in `apply') remote: no changes"]
    );
    let failed = event("integration.failed", &[("name", "rack"), ("available", "true"), ("compatible", "false")]);
    assert!(now(&failed)[0].text.ends_with("Unable to patch rack (Available?: true, Compatible? false)"));
    let failed = now(&event("remote_config.failed", &[("error", "timed out")]));
    assert_eq!(levels(&failed), [Level::Error]);
    assert!(failed[0].text.ends_with("remote worker client sync error: timed out. skipping sync"));
    let loaded = event("integrations.loaded", &[("names", "rack, redis")]);
    assert!(now(&loaded)[0].text.ends_with(r#" - {"rack":{"enabled":true},"redis":{"enabled":true}}"#));
}

#[test]
fn where_ruby_says_nothing_there_is_no_line() {
    let (span, url) = (span(), worked::TRACES_URL);
    for event in [
        Event::SpanStarted { span: &span, standing: worked::FIRST },
        Event::SpanFinished { span: &span, standing: worked::LAST },
        worked::sending(),
        worked::sent(true),
        worked::queue_full(),
        Event::AgentReachable { url, after: std::time::Duration::ZERO },
        Event::LossEnded { reason: Reason::QueueFull, spans: 1 },
    ] {
        assert_eq!((then(&event), now(&event)), (vec![], vec![]), "{event:?}");
    }
}

#[test]
fn floats_read_as_in_ruby() {
    let shown = [1.0, 0.0, -0.0, 0.5, 1e14, 1e15, 123456789.125, 1e-4, 1e-5, -1.5e300, f64::NAN, f64::INFINITY];
    assert_eq!(
        shown.map(float),
        [
            "1.0",
            "0.0",
            "-0.0",
            "0.5",
            "100000000000000.0",
            "1.0e+15",
            "123456789.125",
            "0.0001",
            "1.0e-05",
            "-1.5e+300",
            "NaN",
            "Infinity"
        ]
    );
}

/// The tracer's `pretty_print`, in few words.
const STAND_IN: &str = r##"
require 'pp'
S = Struct.new(:lines, :tags, :numbers, :after) do
  def pretty_print(q)
    q.group(0) do
      q.breakable
      lines.each { |line| q.text "#{line}\n" }
      q.group(2, 'Tags: [', "]\n") { q.breakable; q.seplist(tags) { |k, v| q.text "#{k} => #{v}" } }
      q.group(2, 'Metrics: [', after ? "]\n" : ']') { q.breakable; q.seplist(numbers) { |k, v| q.text "#{k} => #{v}" } }
      q.text 'Metastruct: [{}]' if after
    end
  end
end
"##;

#[test]
fn lines_break_where_rubys_own_pretty_printer_breaks_them() {
    let long: Vec<String> = (0..90).map(|n| "x".repeat(n)).collect();
    let mut wanted = Vec::new();
    let mut script = String::from(STAND_IN);
    for form in [Form::Page, Form::Source] {
        for (n, text) in long.iter().enumerate() {
            let tags = if n % 7 == 6 { vec![] } else { vec![("first", "é"), ("k", text.as_str())] };
            let metrics = vec![("a", 0.5), ("b.c", 1e20), ("d", 3.0)].split_off(n % 4);
            let one = SpanView { tags, metrics, priority: None, ..span() };
            let list = [one.clone(), one.clone()];
            wanted.push(of_one_record(form, 2, &list).split_once('\n').expect("a list").1.to_string());
            let head = wanted[wanted.len() - 1].split_once("Name: ").expect("a name").1;
            let head = head.split_once("\nTags: [").expect("tags").0;
            let lines: Vec<String> = format!("Name: {head}").lines().map(str::to_string).collect();
            let metrics: Vec<(&str, String)> = one.metrics.iter().map(|(k, v)| (*k, float(*v))).collect();
            let pairs = |pairs: Vec<String>| format!("[{}]", pairs.join(","));
            let tags = pairs(one.tags.iter().map(|(k, v)| format!("[{k:?},{v:?}]")).collect());
            let metrics = pairs(metrics.iter().map(|(k, v)| format!("[{k:?},{v:?}]")).collect());
            let after = form == Form::Source;
            script +=
                &format!("s = S.new({lines:?}, {tags}, {metrics}, {after}); print [s, s].pretty_inspect, '\u{1}'\n");
        }
    }
    let Ok(ruby) = std::process::Command::new("ruby").args(["-Ku", "-e", &script]).env_remove("COLUMNS").output()
    else {
        return;
    };
    assert!(ruby.status.success(), "{}", String::from_utf8_lossy(&ruby.stderr));
    let printed = String::from_utf8_lossy(&ruby.stdout).into_owned();
    let printed: Vec<&str> = printed.trim_end_matches('\u{1}').split('\u{1}').collect();
    assert_eq!(printed.len(), wanted.len());
    for (n, (printed, ours)) in printed.iter().zip(&wanted).enumerate() {
        let printed = printed.trim_end_matches('\n');
        let as_printed = match n < long.len() {
            // The page's form has neither bracket, nor the blank between two spans.
            true => {
                let inner = printed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                inner.expect("an array").replace(",\n \n", ",\n\n")
            }
            false => printed.to_string(),
        };
        assert_eq!(&as_printed, ours);
    }
}

/// A trace that fits one record.
fn of_one_record(form: Form, spans: u64, list: &[SpanView<'_>]) -> String {
    let records = written(form, spans, list);
    assert_eq!(records.len(), 1);
    records.concat()
}

#[test]
fn a_trace_of_many_spans_is_listed_whole_in_several_records_and_one_of_too_many_says_how_many_more() {
    for form in [Form::Page, Form::Source] {
        let list: Vec<_> = (0..1_000).map(|_| span()).collect();
        let records = written(form, 1_000, &list);
        assert!(records.len() > 1 && records.iter().all(|text| text.len() < 140_000), "{form:?}: {}", records.len());
        let listed = |records: &[String]| records.iter().map(|text| text.matches(" Name: ").count()).sum::<usize>();
        assert_eq!(listed(&records), 1_000, "{form:?}");
        assert_eq!(records.iter().filter(|text| text.starts_with("Writing 1000 spans ")).count(), 1);
        assert!(records[1].starts_with("spanwire: of these 1000 spans, from the "), "{form:?}");
        let list: Vec<_> = (0..20_000).map(|_| span()).collect();
        let records = written(form, 20_000, &list);
        let last = records.last().map(|text| text.trim_end_matches(']')).unwrap_or_default();
        assert!(last.ends_with(&format!("\n spanwire: {} more spans", 20_000 - listed(&records))), "{form:?}");
    }
}

#[test]
fn hostile_values_stay_in_their_line() {
    let tags = vec![("a\nb", "x\0y\"]\n"), ("password", "hunter2")];
    let span = SpanView { name: "n\nm", tags, metrics: vec![("m\n", f64::NAN)], ..span() };
    let text = of_one_record(Form::Source, 1, &[span]);
    assert!(text.contains("\n Name: n\\nm\n") && text.contains("\n   a\\nb => x\\u{0}y\"]\\n,\n"), "{text}");
    assert!(text.contains("m\\n => NaN") && text.contains("password => <redacted>") && !text.contains("hunter2"));
}
