//! Remote configuration with `ddapm-test-agent` as the remote side: what a running host does when the agent offers
//! configurations, what it acknowledges, and that everything ends with them.

mod support;

use serde_json::{json, Value as Json};
use std::time::Duration;
use support::agent::{Request, TestAgent};
use support::hosts::{host, Host, Outcome, Running};
use support::payload::{self, Span};
use support::remote::{answer, decided, until_held, until_span, until_told, Stop, PATIENCE};
use support::wait_until;

const TRACING: &str = "datadog/2/APM_TRACING/one/config";
const TASK: &str = "datadog/2/AGENT_TASK/task/config";
const ORDER: &str = "datadog/2/AGENT_CONFIG/configuration_order/config";

/// A host that makes traces until `stop`, and its agent.
struct Scene {
    agent: TestAgent,
    stop: Stop,
    running: Running,
}

impl Scene {
    fn start(name: &str, set: impl FnOnce(Host) -> Host) -> Option<Scene> {
        Scene::of("remote.c", name, set)
    }

    /// As `start`, with this program.
    fn of(program: &str, name: &str, set: impl FnOnce(Host) -> Host) -> Option<Scene> {
        let agent = TestAgent::start()?;
        let stop = Stop::new(name);
        let host = host(program)?.arg(stop.0.display()).agent(&agent.tcp()).limit(120);
        let host = host.env("DD_SERVICE", "shop").env("DD_ENV", "prod").env("SPANWIRE_FLUSH_INTERVAL_MS", "50");
        let host = set(host.env("DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS", "0.2"));
        Some(Scene { agent, stop, running: host.spawn() })
    }

    /// Ends the host.
    fn end(self) -> (TestAgent, Outcome) {
        drop(self.stop);
        (self.agent, self.running.wait().ok())
    }
}

fn tracing(library: Json) -> Json {
    json!({ "action": "enable", "service_target": { "service": "shop", "env": "prod" }, "lib_config": library })
}

fn level(name: &str) -> Json {
    json!({ "name": format!("flare-log-level.{name}"), "config": { "log_level": name } })
}

fn config_path(id: &str) -> String {
    format!("datadog/2/AGENT_CONFIG/{id}/config")
}

/// The settings with their origins that the host has shown, one object for each change.
fn shown(outcome: &Outcome) -> Vec<Json> {
    outcome.objects("config").iter().map(|config| config["settings"].clone()).collect()
}

fn was_shown(outcome: &Outcome, name: &str, value: &str, origin: &str) -> bool {
    shown(outcome).iter().any(|settings| settings[name] == json!({ "value": value, "origin": origin }))
}

#[test]
fn sampling_of_a_running_host_changes_within_two_polls_and_back() {
    sampling_changes("remote.c");
}

#[test]
fn sampling_of_a_running_cpp_host_changes_within_two_polls_and_back() {
    sampling_changes("remote.cpp");
}

fn sampling_changes(program: &str) {
    let info = |host: Host| host.env("DD_TRACE_LOG_LEVEL", "info");
    let Some(scene) = Scene::of(program, &format!("sampling-{program}"), info) else { return };
    until_span(&scene.agent, "before", |span| decided(span) == (Some(1.0), None, "-0"));
    until_told(&scene.agent, "a first request", |state| state["targets_version"] == 0);
    let before = scene.agent.config_requests().len();
    scene.agent.offer_config(TRACING, &tracing(json!({ "tracing_sampling_rate": 0 })));
    until_held(&scene.agent, &[("one", 2, "")]);
    until_span(&scene.agent, "that the rate rejects", |span| decided(span) == (Some(-1.0), Some(0.0), ""));
    // The request that fetches it does not know it; the next one acknowledges it. One more may have been under way while
    // it was offered.
    let requests = scene.agent.config_requests();
    let news = requests.iter().skip(before);
    let late = news.take_while(|r| r["client"]["state"]["config_states"] == json!([])).count();
    assert!(late <= 2, "it was in force after {late} polls");
    let rules = json!([
        { "service": "shop", "resource": "*", "sample_rate": 1, "provenance": "dynamic" },
        { "resource": "wo?k", "sample_rate": 1, "provenance": "customer" },
    ]);
    let library = json!({ "tracing_sampling_rules": rules, "tracing_tags": ["team:core"], "tracing_sampling_rate": 0 });
    scene.agent.offer_config(TRACING, &tracing(library));
    until_span(&scene.agent, "that the user's rule keeps", |span| {
        decided(span) == (Some(2.0), Some(1.0), "-11") && span.tag("team") == "core"
    });
    scene.agent.answer_config(&answer(9, &[]));
    until_held(&scene.agent, &[]);
    until_span(&scene.agent, "as before", |span| {
        decided(span) == (Some(1.0), None, "-0") && span.tag("team").is_empty()
    });
    let (agent, outcome) = scene.end();
    agent.assert_checks_passed();
    assert!(was_shown(&outcome, "DD_TRACE_SAMPLE_RATE", "0", "remote_config"), "{:?}", shown(&outcome).len());
    assert!(was_shown(&outcome, "DD_TAGS", "team:core", "remote_config"));
    let last = shown(&outcome).pop().expect("a configuration");
    assert_eq!(last["DD_TRACE_SAMPLE_RATE"], json!({ "value": "", "origin": "default" }));
    for line in [
        "setting changed: DD_TRACE_SAMPLE_RATE=0 origin=remote_config",
        "setting changed: DD_TAGS=team:core origin=remote_config",
        "setting changed: DD_TRACE_SAMPLE_RATE=\"\" origin=default",
    ] {
        assert!(outcome.stderr.contains(line), "{line} is not in\n{}", outcome.stderr);
    }
}

#[test]
fn switches_come_into_force_and_go() {
    let Some(scene) = Scene::start("switches", |host| host) else { return };
    until_span(&scene.agent, "before", |_| true);
    let all = json!({ "tracing_enabled": false, "log_injection_enabled": false, "tracing_debug": true });
    scene.agent.offer_config(TRACING, &tracing(all));
    until_held(&scene.agent, &[("one", 2, "")]);
    // Spans that were open or queued may still come. Then there is silence.
    let count = || scene.agent.trace_requests().len();
    let mut last = usize::MAX;
    let silent = wait_until(PATIENCE, || {
        std::thread::sleep(Duration::from_millis(500));
        std::mem::replace(&mut last, count()) == count()
    });
    assert!(silent, "tracing was not turned off");
    let silent = count();
    scene.agent.answer_config(&answer(2, &[]));
    assert!(wait_until(PATIENCE, || count() > silent), "tracing was not turned on again");
    let (_, outcome) = scene.end();
    let debug: Vec<Json> = outcome.objects("debug").iter().map(|debug| debug["on"].clone()).collect();
    assert_eq!(debug, [0, 1, 0]);
    for (name, value) in [("DD_TRACE_ENABLED", "false"), ("DD_LOGS_INJECTION", "false"), ("DD_TRACE_DEBUG", "true")] {
        assert!(was_shown(&outcome, name, value, "remote_config"), "{name}");
        assert_ne!(shown(&outcome).pop().expect("a configuration")[name]["origin"], "remote_config");
    }
}

#[test]
fn another_service_is_not_meant() {
    let Some(scene) = Scene::start("target", |host| host) else { return };
    let library = json!({ "tracing_sampling_rate": 0 });
    let other = json!({ "service_target": { "service": "other", "env": "prod" }, "lib_config": library });
    scene.agent.offer_config(TRACING, &other);
    until_held(&scene.agent, &[("one", 2, "")]);
    let before = scene.agent.trace_requests().len();
    assert!(wait_until(PATIENCE, || scene.agent.trace_requests().len() >= before + 5), "spans go on arriving");
    let (agent, _) = scene.end();
    let later = agent.trace_requests().split_off(before);
    let decode = |request: &Request| payload::decode(&request.body).expect("a payload");
    let spans: Vec<Span> = later.iter().flat_map(decode).flatten().collect();
    assert!(
        !spans.is_empty() && spans.iter().all(|span| decided(span).1.is_none()),
        "a rate for another service was used"
    );
}

#[test]
fn a_level_is_raised_and_restored() {
    let Some(scene) = Scene::start("level", |host| host.env("DD_TRACE_LOG_LEVEL", "warn")) else { return };
    until_span(&scene.agent, "before", |_| true);
    let (debug, trace) = (config_path("flare-log-level.debug"), config_path("flare-log-level.trace"));
    let order = json!({ "order": [], "internal_order": ["flare-log-level.trace", "flare-log-level.debug"] });
    scene.agent.answer_config(&answer(1, &[(ORDER, order), (&debug, level("debug")), (&trace, json!({}))]));
    let ids = ["configuration_order", "flare-log-level.debug", "flare-log-level.trace"];
    until_held(&scene.agent, &ids.map(|id| (id, 2, "")));
    std::thread::sleep(Duration::from_millis(300));
    scene.agent.answer_config(&answer(2, &[(&debug, json!({}))]));
    until_held(&scene.agent, &[("flare-log-level.debug", 2, "")]);
    let before = scene.agent.trace_requests().len();
    assert!(wait_until(PATIENCE, || scene.agent.trace_requests().len() >= before + 10), "spans go on arriving");
    let (agent, outcome) = scene.end();
    let payloads = agent.trace_requests().len();
    assert!(outcome.stderr.contains("DEBUG span finished: name=work"), "{}", outcome.stderr);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    // Each payload has a new span. With debug lines to the end, there would be some for each of the last ten payloads.
    let debugged = lines.iter().filter(|line| line.contains(" DEBUG payload sent")).count();
    assert!(debugged + 10 <= payloads, "{debugged} of {payloads} payloads have debug lines");
    let restored = lines.iter().rposition(|line| line.contains("setting changed: DD_TRACE_LOG_LEVEL=warn origin=env"));
    assert!(restored.is_none(), "an info line while the level is warn");
    assert!(was_shown(&outcome, "DD_TRACE_LOG_LEVEL", "debug", "remote_config"));
    assert_eq!(
        shown(&outcome).pop().expect("a configuration")["DD_TRACE_LOG_LEVEL"],
        json!({ "value": "warn", "origin": "env" })
    );
}

#[test]
fn an_answer_that_is_wrong_is_reported_and_changes_nothing() {
    let Some(scene) = Scene::start("wrong", |host| host) else { return };
    scene.agent.offer_config(TRACING, &tracing(json!({ "tracing_sampling_rate": 1 })));
    until_held(&scene.agent, &[("one", 2, "")]);
    let mut wrong = answer(7, &[(TRACING, tracing(json!({ "tracing_sampling_rate": 0 })))]);
    wrong["target_files"][0]["raw"] = json!("e30=");
    scene.agent.answer_config(&wrong);
    let request = until_told(&scene.agent, "an error", |state| state["has_error"] == true);
    let wanted = format!("{TRACING}: its content has another length than its target");
    assert_eq!(request["client"]["state"]["error"], wanted.as_str());
    until_span(&scene.agent, "as before", |span| decided(span) == (Some(2.0), Some(1.0), "-3"));
    let task = json!({ "task_type": "tracer_flare", "uuid": "u", "args": { "case_id": "1", "hostname": "h" } });
    let other = json!({ "task_type": "flare", "uuid": "v", "args": {} });
    let second = TASK.replace("/task/", "/other/");
    scene.agent.answer_config(&answer(8, &[(TASK, task), (&second, other)]));
    until_held(&scene.agent, &[("task", 3, "missing user_handle"), ("other", 2, "")]);
    let (_, outcome) = scene.end();
    let told = |line: &str| outcome.stderr.lines().filter(|other| other.contains(line)).count();
    assert_eq!(told(&wanted.replace(": its", "; its")), 1, "{}", outcome.stderr);
    assert_eq!(told("missing user_handle"), 1, "{}", outcome.stderr);
}

#[test]
fn nobody_asks_where_it_is_off() {
    let Some(off) = Scene::start("off", |host| host.env("DD_REMOTE_CONFIGURATION_ENABLED", "false")) else { return };
    until_span(&off.agent, "of the host", |_| true);
    std::thread::sleep(Duration::from_millis(600));
    let (agent, outcome) = off.end();
    assert_eq!(agent.config_requests(), Vec::<Json>::new());
    assert!(!outcome.stderr.contains("not supported"), "{}", outcome.stderr);
}

#[test]
fn a_child_without_spans_does_not_ask() {
    let Some(scene) = Scene::start("fork", |host| host.arg("fork")) else { return };
    until_told(&scene.agent, "a request", |state| state["root_version"] == 1);
    std::thread::sleep(Duration::from_millis(600));
    let (agent, _) = scene.end();
    let mut runs: Vec<String> =
        agent.config_requests().iter().map(|r| r["client"]["client_tracer"]["runtime_id"].to_string()).collect();
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len(), 1, "one poller: {runs:?}");
}
