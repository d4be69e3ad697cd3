mod mutations;

use super::*;
use crate::event::remote::{RemotePart, Unreadable};
use crate::settings::remote::Changes;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::{json, Value};
use std::cell::RefCell;

/// A process that keeps what it is asked for.
#[derive(Default)]
struct Asked {
    level: RefCell<Option<(Level, Instant)>>,
    flares: RefCell<Vec<FlareTask>>,
    tracing: RefCell<Vec<TracingConfig>>,
    /// The paths and faults that were logged.
    failed: RefCell<Vec<(String, RemoteFault)>>,
    /// No flare can be made now.
    busy: RefCell<bool>,
}

impl Host for Asked {
    fn emit(&self, event: &Event<'_>) {
        if let Event::RemoteConfigFailed { path, why } = event {
            self.failed.borrow_mut().push((path.to_string(), (*why).clone()));
        }
    }

    fn raise_level(&self, raised: Option<(Level, Instant)>) {
        *self.level.borrow_mut() = raised;
    }

    fn request_flare(&self, task: FlareTask) -> Result<(), RemoteFault> {
        if *self.busy.borrow() {
            return Err(RemoteFault::FlareUnderWay);
        }
        self.flares.borrow_mut().push(task);
        Ok(())
    }

    fn change_tracing(&self, configs: &[TracingConfig]) {
        *self.tracing.borrow_mut() = configs.to_vec();
    }
}

impl Asked {
    fn raised(&self) -> Option<Level> {
        self.level.borrow().map(|(level, _)| level)
    }

    fn changes(&self) -> Vec<Changes> {
        self.tracing.borrow().iter().map(|config| config.changes.clone()).collect()
    }
}

/// An answer as the agent gives it, before it is changed to be wrong.
fn whole(version: u64, files: &[(&str, Value)]) -> Value {
    let mut targets = serde_json::Map::new();
    let mut contents = Vec::new();
    for (path, content) in files {
        let text = content.to_string();
        let sha256 = response::digest(text.as_bytes());
        let target = json!({ "custom": { "v": version }, "hashes": { "sha256": sha256 }, "length": text.len() });
        targets.insert(path.to_string(), target);
        contents.push(json!({ "path": path, "raw": STANDARD.encode(text) }));
    }
    let custom = json!({ "opaque_backend_state": format!("state {version}") });
    let signed = json!({ "signed": { "version": version, "custom": custom, "targets": targets } });
    json!({
        "roots": [STANDARD.encode(json!({ "signed": { "version": 3 } }).to_string())],
        "targets": STANDARD.encode(signed.to_string()),
        "target_files": contents,
        "client_configs": files.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
    })
}

fn level(name: &str) -> Value {
    json!({ "name": format!("flare-log-level.{name}"), "config": { "log_level": name } })
}

fn task(case_id: &str, uuid: &str) -> Value {
    let args = json!({ "case_id": case_id, "hostname": "host", "user_handle": "ann@example.com" });
    json!({ "task_type": "tracer_flare", "uuid": uuid, "args": args })
}

fn tracing(library: Value) -> Value {
    json!({ "action": "enable", "service_target": { "service": "shop", "env": "prod" }, "lib_config": library })
}

const DEBUG: &str = "datadog/2/AGENT_CONFIG/flare-log-level.debug/config";
const TRACE: &str = "datadog/2/AGENT_CONFIG/flare-log-level.trace/config";
const ORDER: &str = "datadog/2/AGENT_CONFIG/configuration_order/config";
const TASK: &str = "datadog/2/AGENT_TASK/abc/config";
const TRACING: &str = "datadog/2/APM_TRACING/one/config";

/// Gives a client an answer, and puts it in force.
fn give(client: &mut Client, host: &Asked, now: Instant, answer: &Value) -> bool {
    let changed = client.take(answer.to_string().as_bytes(), host, now).is_some();
    client.settle(host, now);
    changed
}

/// The state of each configuration as the agent is told: id, state, error.
fn told(client: &Client) -> Vec<(String, u64, String)> {
    let request: Value = serde_json::from_str(&client.request(&Subject::default())).expect("JSON");
    let states = request["client"]["state"]["config_states"].as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().expect("text").to_string();
    let one = |state: &Value| {
        (text(&state["id"]), state["apply_state"].as_u64().expect("a number"), text(&state["apply_error"]))
    };
    states.iter().map(one).collect()
}

fn acknowledged(id: &str) -> (String, u64, String) {
    (id.into(), 2, String::new())
}

#[test]
fn what_an_answer_says_comes_into_force_and_ends_when_it_is_gone() {
    let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
    let rate = tracing(json!({ "tracing_sampling_rate": 0.5, "unknown": [1] }));
    let order = json!({ "order": [], "internal_order": ["flare-log-level.trace", "flare-log-level.debug"] });
    let all = [(TRACING, rate.clone()), (ORDER, order), (DEBUG, level("debug")), (TASK, task("12", "u1"))];
    assert!(give(&mut client, &host, now, &whole(7, &all)));
    assert_eq!(host.raised(), Some(Level::Debug));
    assert_eq!(host.changes(), [Changes { rate: Some(0.5), ..Changes::default() }]);
    assert_eq!(host.flares.borrow().len(), 1);
    let ids = ["configuration_order", "flare-log-level.debug", "abc", "one"];
    assert_eq!(told(&client), ids.map(acknowledged));
    let request: Value = serde_json::from_str(&client.request(&Subject::default())).expect("JSON");
    let state = &request["client"]["state"];
    assert_eq!((&state["root_version"], &state["targets_version"]), (&json!(3), &json!(7)));
    assert_eq!((&state["backend_client_state"], &state["has_error"]), (&json!("state 7"), &json!(false)));
    assert_eq!(request["cached_target_files"].as_array().map(Vec::len), Some(4));
    assert_eq!(request["client"]["products"], json!(["AGENT_CONFIG", "AGENT_TASK", "APM_TRACING"]));
    // The agent sends no content that is held, and nothing happens again.
    let mut again = whole(8, &all);
    again["target_files"] = json!([]);
    assert!(!give(&mut client, &host, now, &again) && !give(&mut client, &host, now, &json!({})));
    assert_eq!((host.raised(), host.flares.borrow().len(), client.targets_version), (Some(Level::Debug), 1, 8));
    // Only one stays.
    assert!(give(&mut client, &host, now, &whole(9, &[(TRACING, rate)])));
    assert_eq!((host.raised(), host.changes().len(), told(&client)), (None, 1, vec![acknowledged("one")]));
    client.forget(&host);
    assert_eq!((host.changes(), told(&client), client.targets_version), (vec![], vec![], 0));
    assert_eq!(*host.failed.borrow(), []);
}

#[test]
fn the_most_verbose_level_wins_until_it_is_removed_empty_or_20_minutes_old() {
    let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
    let minutes = |minutes: u64| now + Duration::from_secs(60 * minutes);
    give(&mut client, &host, now, &whole(1, &[(TRACE, level("trace")), (DEBUG, level("debug"))]));
    assert_eq!(host.raised(), Some(Level::Trace));
    give(&mut client, &host, minutes(1), &whole(2, &[(TRACE, json!({})), (DEBUG, level("debug"))]));
    assert_eq!((host.raised(), told(&client).len()), (Some(Level::Debug), 2));
    client.settle(&host, minutes(19));
    assert_eq!(*host.level.borrow(), Some((Level::Debug, minutes(20))));
    client.settle(&host, minutes(20));
    assert_eq!(host.raised(), None, "it was raised for 20 minutes");
    give(&mut client, &host, minutes(21), &whole(3, &[(DEBUG, level("debug"))]));
    assert_eq!(host.raised(), None, "the same configuration does not raise it again");
    give(&mut client, &host, minutes(22), &whole(4, &[(DEBUG, level("info"))]));
    assert_eq!(host.raised(), Some(Level::Info));
    give(&mut client, &host, minutes(23), &whole(5, &[]));
    assert_eq!(host.raised(), None);
    // Any name, and every level that the agent may ask for.
    for (word, wanted) in
        [("critical", Level::Error), ("error", Level::Error), ("warn", Level::Warn), ("off", Level::Off)]
    {
        let other = json!({ "name": "anything", "config": { "log_level": word } });
        give(&mut client, &host, minutes(24), &whole(6, &[(DEBUG, other)]));
        assert_eq!((host.raised(), told(&client)), (Some(wanted), vec![acknowledged("flare-log-level.debug")]));
    }
    for wrong in [json!("loud"), json!(3), json!("")] {
        let other = json!({ "config": { "log_level": wrong } });
        give(&mut client, &host, minutes(25), &whole(7, &[(DEBUG, other)]));
        let error = ("flare-log-level.debug".to_string(), 3, "the value of log_level cannot be used".to_string());
        assert_eq!((host.raised(), told(&client)), (Some(Level::Off), vec![error]), "what was in force stays");
    }
    let nothing = json!({ "config": {} });
    give(&mut client, &host, minutes(26), &whole(8, &[(DEBUG, nothing)]));
    assert_eq!((host.raised(), told(&client)), (None, vec![acknowledged("flare-log-level.debug")]));
}

#[test]
fn a_flare_is_asked_for_once_and_with_all_its_arguments() {
    let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
    let mut version = 0;
    let mut run = |content: Value| {
        version += 1;
        give(&mut client, &host, now, &whole(version, &[(TASK, content)]));
        (host.flares.borrow().len(), told(&client).pop().map(|(_, state, error)| (state, error)).expect("a state"))
    };
    let done = || (2, String::new());
    let failed = |error: &str| (3, error.to_string());
    assert_eq!(run(task("12", "u1")), (1, done()));
    assert_eq!(run(task("13", "u1")), (1, done()), "the same task");
    assert_eq!(run(task("13-with-debug", "u2")), (2, done()));
    assert_eq!(run(task("14-with-content", "")), (3, done()));
    assert_eq!(run(json!({ "task_type": "flare", "uuid": "u4" })), (3, done()), "the agent's own");
    assert_eq!(run(json!({})), (3, done()));
    for wrong in ["0", "12a", "-with-debug", "12-with-debug-with-debug", "12 ", "1\n"] {
        assert_eq!(run(task(wrong, "u5")), (3, failed("the value of case_id cannot be used")), "{wrong:?}");
    }
    for name in ["case_id", "hostname", "user_handle"] {
        for nothing in [json!(""), Value::Null] {
            let mut task = task("12", "u6");
            task["args"][name] = nothing;
            assert_eq!(run(task), (3, failed(&format!("missing {name}"))));
        }
        let mut task = task("12", "u7");
        task["args"][name] = json!(["x"]);
        assert_eq!(run(task), (3, failed(&format!("the value of {name} cannot be used"))));
    }
    assert_eq!(run(json!({ "task_type": "tracer_flare" })), (3, failed("missing case_id")));
    *host.busy.borrow_mut() = true;
    assert_eq!(run(task("15", "u8")), (3, failed("another flare is being collected or sent")));
    *host.busy.borrow_mut() = false;
    assert_eq!(run(task("16", "u8")), (4, done()), "it was not done before");
    let last = host.flares.borrow().last().cloned();
    let (hostname, user_handle) = ("host".into(), "ann@example.com".into());
    assert_eq!(last, Some(FlareTask { case_id: "16".into(), hostname, user_handle, uuid: "u8".into() }));
}

#[test]
fn tracing_is_changed_for_the_services_that_are_meant() {
    let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
    let rules = json!([
        { "service": "shop", "resource": "*", "sample_rate": 0.1, "provenance": "dynamic", "tags": [] },
        { "resource": "GET *", "sample_rate": 1, "provenance": "customer", "future": {},
          "tags": [{ "key": "tier", "value_glob": "g*" }] },
    ]);
    let all = tracing(json!({
        "tracing_sampling_rate": 0.25,
        "tracing_sampling_rules": rules,
        "tracing_tags": ["team:core", " zone : b:c ", "bare"],
        "tracing_enabled": false,
        "log_injection_enabled": true,
        "tracing_debug": true,
    }));
    let everyone =
        json!({ "service_target": { "service": "*", "env": "*" }, "lib_config": { "tracing_enabled": true } });
    let general = "datadog/2/APM_TRACING/two/config";
    give(&mut client, &host, now, &whole(1, &[(general, everyone), (TRACING, all)]));
    let configs = host.tracing.borrow().clone();
    let [specific, general] = configs.as_slice() else { panic!("{configs:?}") };
    assert!(specific.is_for("Shop", "prod") && !specific.is_for("shop", "dev") && !specific.is_for("other", "prod"));
    assert!(general.is_for("other", "") && general.changes.enabled == Some(true));
    let pairs =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(one, two)| (one.to_string(), two.to_string())).collect::<Vec<_>>();
    let changes = &specific.changes;
    assert_eq!((changes.rate, changes.enabled), (Some(0.25), Some(false)));
    assert_eq!((changes.logs_injection, changes.debug), (Some(true), Some(true)));
    assert_eq!(changes.tags, Some(pairs(&[("team", "core"), ("zone", "b:c"), ("bare", "")])));
    let rules = changes.rules.as_deref().expect("rules");
    assert_eq!(rules.iter().map(|rule| rule.sample_rate).collect::<Vec<_>>(), [1.0, 0.1], "customer before dynamic");
    assert_eq!(rules[0].tags, pairs(&[("tier", "g*")]));
    // Null says nothing; what cannot be used leaves the earlier one in force.
    let null = tracing(json!({ "tracing_sampling_rate": null, "tracing_tags": null, "tracing_debug": null }));
    give(&mut client, &host, now, &whole(2, &[(TRACING, null)]));
    assert_eq!(host.changes(), [Changes::default()]);
    give(&mut client, &host, now, &whole(3, &[(TRACING, tracing(json!({ "tracing_sampling_rate": 0 })))]));
    for (name, wrong) in [
        ("tracing_sampling_rate", json!(1.5)),
        ("tracing_sampling_rate", json!("0.5")),
        ("tracing_sampling_rules", json!([{ "sample_rate": "x" }])),
        ("tracing_sampling_rules", json!([{ "service": "x" }])),
        ("tracing_sampling_rules", json!([{ "sample_rate": 1, "tags": [{ "key": "x" }] }])),
        ("tracing_sampling_rules", json!({})),
        ("tracing_tags", json!(["a:b", 3])),
        ("tracing_tags", json!([":b"])),
        ("tracing_tags", json!(["a\n:b"])),
        ("tracing_tags", json!(vec!["a:b"; 257])),
        ("tracing_enabled", json!("yes")),
        ("log_injection_enabled", json!(1)),
        ("tracing_debug", json!([])),
    ] {
        let mut library = json!({ "tracing_sampling_rate": 1 });
        library[name] = wrong;
        give(&mut client, &host, now, &whole(4, &[(TRACING, tracing(library))]));
        assert_eq!(host.changes(), [Changes { rate: Some(0.0), ..Changes::default() }], "{name}");
        assert_eq!(told(&client), [("one".to_string(), 3, format!("the value of {name} cannot be used"))]);
    }
}

/// Answers that are wrong as a whole, and what is wrong.
fn wrong_answers() -> Vec<(Value, &'static str)> {
    let good = || whole(5, &[(DEBUG, level("debug"))]);
    let change = |change: &dyn Fn(&mut Value)| {
        let mut answer = good();
        change(&mut answer);
        answer
    };
    let signed = |change: &dyn Fn(&mut Value)| {
        let mut answer = good();
        let text = STANDARD.decode(answer["targets"].as_str().expect("text")).expect("base64");
        let mut targets: Value = serde_json::from_slice(&text).expect("JSON");
        change(&mut targets["signed"]);
        answer["targets"] = STANDARD.encode(targets.to_string()).into();
        answer
    };
    vec![
        (json!([]), "the answer is not a JSON object"),
        (json!({ "client_configs": [DEBUG] }), "the answer has no usable targets"),
        (change(&|answer| answer["targets"] = json!(3)), "the list of targets is not base64"),
        (change(&|answer| answer["targets"] = json!("%%%")), "the list of targets is not base64"),
        (change(&|answer| answer["targets"] = json!("W10=")), "the list of targets is not a JSON object"),
        (change(&|answer| answer["targets"] = json!("e30=")), "the list of targets does not have it"),
        (change(&|answer| answer["roots"] = json!(["e30="])), "a root has no usable signed.version"),
        (change(&|answer| answer["roots"] = json!({})), "the answer has no usable roots"),
        (change(&|answer| answer["target_files"] = json!([])), "the answer lacks its content"),
        (
            change(&|answer| answer["target_files"][0]["raw"] = json!("AA==")),
            "its content has another length than its target",
        ),
        (change(&|answer| answer["client_configs"] = json!([DEBUG, 4])), "the answer has no usable client_configs"),
        (change(&|answer| answer["client_configs"] = json!(["x/y"])), "the path does not name a configuration"),
        (change(&|answer| answer["client_configs"] = json!([TRACE])), "the list of targets does not have it"),
        (
            change(&|answer| answer["client_configs"] = json!(vec![DEBUG; 300])),
            "the answer has more than 256 configurations",
        ),
        (signed(&|signed| signed["version"] = json!(-1)), "the list of targets has no usable signed.version"),
        (
            signed(&|signed| signed["custom"]["opaque_backend_state"] = json!("x".repeat(70_000))),
            "the list of targets has no usable signed.custom.opaque_backend_state",
        ),
        (signed(&|signed| signed["targets"][DEBUG]["length"] = json!("5")), "the list of targets has no usable length"),
        (
            signed(&|signed| signed["targets"][DEBUG]["hashes"] = json!({ "md5": "x" })),
            "the list of targets has no usable hashes.sha256",
        ),
        (
            signed(&|signed| signed["targets"][DEBUG]["hashes"]["sha256"] = json!("ab".repeat(32))),
            "its content has another SHA-256 than its target",
        ),
        (
            signed(&|signed| signed["targets"][DEBUG]["custom"]["v"] = json!("5")),
            "the list of targets has no usable custom.v",
        ),
    ]
}

#[test]
fn an_answer_that_is_wrong_leaves_everything_as_it_was() {
    for (answer, why) in wrong_answers() {
        let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
        give(&mut client, &host, now, &whole(4, &[(TRACING, tracing(json!({ "tracing_debug": true })))]));
        let (before, held) = (host.changes(), client.held.clone());
        for _ in 0..2 {
            assert!(!give(&mut client, &host, now, &answer));
            assert_eq!((host.changes(), &client.held, client.targets_version), (before.clone(), &held, 4));
            assert!(client.error.ends_with(why), "{} is not: {why}", client.error);
        }
        assert_eq!(host.failed.borrow().len(), 1, "it is logged once");
        let request: Value = serde_json::from_str(&client.request(&Subject::default())).expect("JSON");
        assert_eq!(request["client"]["state"]["has_error"], json!(true));
        assert!(!give(&mut client, &host, now, &json!({})));
        assert_eq!(client.error, "", "a good answer ends the error");
    }
}

#[test]
fn what_is_too_large_or_not_json_is_refused_with_the_reason() {
    let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
    for (body, why) in [
        (vec![b' '; response::ANSWER_MAX + 1], RemoteFault::TooLarge { max_bytes: response::ANSWER_MAX }),
        (
            format!("[{}]", "0,".repeat(json::VALUES_MAX + 1)).into_bytes(),
            RemoteFault::Unreadable {
                part: RemotePart::Answer,
                why: Unreadable::TooManyValues { max: json::VALUES_MAX },
            },
        ),
    ] {
        assert_eq!(client.take(&body, &host, now), None);
        assert_eq!(host.failed.borrow_mut().pop(), Some((String::new(), why)));
    }
    assert_eq!(client.take(b"<html>", &host, now), None);
    assert!(client.error.starts_with("the answer is not JSON: "), "{}", client.error);
}

#[test]
fn configurations_of_other_products_are_left_out() {
    let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
    let other = "datadog/2/ASM_FEATURES/x/config";
    assert!(!give(&mut client, &host, now, &whole(1, &[(other, json!({}))])));
    assert_eq!((told(&client), client.error.as_str()), (vec![], ""));
}

#[test]
fn configurations_of_several_answers_are_bounded_together() {
    let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
    let path = |n: usize| format!("datadog/2/APM_TRACING/{n}/config");
    let large = |tag: &str| tracing(json!({ "tracing_tags": [format!("{tag}:{}", "x".repeat(1_500_000))] }));
    let (one, two) = (large("one"), large("two"));
    let first = whole(1, &[(&path(1), one.clone())]);
    assert!(give(&mut client, &host, now, &first));
    let mut both = whole(2, &[(&path(1), one.clone()), (&path(2), two.clone())]);
    both["target_files"].as_array_mut().expect("a list").remove(0);
    assert!(give(&mut client, &host, now, &both));
    // The third one would be beyond the bound, also where the first one seems to have become small.
    let refused = json!({ "lib_config": { "tracing_tags": 7 } });
    assert!(give(&mut client, &host, now, &whole(3, &[(&path(1), refused.clone()), (&path(2), two.clone())])));
    let mut all = whole(4, &[(&path(1), refused), (&path(2), two), (&path(3), large("three"))]);
    all["target_files"].as_array_mut().expect("a list").drain(..2);
    assert!(!give(&mut client, &host, now, &all));
    assert_eq!(client.error, format!("all configurations together are larger than {KEPT_MAX} bytes"));
    assert_eq!((host.changes().len(), client.targets_version), (2, 3), "everything is as it was");
    // With room it is taken.
    let first = whole(5, &[(&path(1), one), (&path(3), large("three"))]);
    assert!(give(&mut client, &host, now, &first));
    assert_eq!((client.error.as_str(), host.changes().len()), ("", 2));
}
