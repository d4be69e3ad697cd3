//! Flares that the agent's side asks for through remote configuration, with `ddapm-test-agent` as the agent: each task is
//! acknowledged, and the flare arrives once. What a flare contains is tested where flares are.

mod support;

use serde_json::{json, Value as Json};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use support::agent::TestAgent;
use support::flares::{manifest, unpacked};
use support::hosts::{command, host, require, root, stage, Outcome, Running};
use support::remote::{answer, until_held, until_told, Stop, PATIENCE};
use support::{free_ports, http, wait_until};

const TASK: &str = "datadog/2/AGENT_TASK/task/config";
const DEBUG: &str = "datadog/2/AGENT_CONFIG/flare-log-level.debug/config";
const ORDER: &str = "datadog/2/AGENT_CONFIG/configuration_order/config";

/// Starts a host that makes traces.
fn start(name: &str) -> Option<(TestAgent, Stop, Running)> {
    start_program("remote.c", name)
}

fn start_program(program: &str, name: &str) -> Option<(TestAgent, Stop, Running)> {
    let agent = TestAgent::start()?;
    let stop = Stop::new(name);
    let host = host(program)?.arg(stop.0.display()).agent(&agent.tcp()).limit(120);
    let host = host.env("DD_SERVICE", "shop").env("SPANWIRE_FLUSH_INTERVAL_MS", "50");
    let running = host.env("DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS", "0.2").spawn();
    until_told(&agent, "a first request", |state| state["root_version"] == 1);
    Some((agent, stop, running))
}

/// A task; `what` makes its id different from that of all others on this machine.
fn task(case_id: &str, what: &str) -> Json {
    let args = json!({ "case_id": case_id, "hostname": "till-3", "user_handle": "ann@example.com" });
    json!({ "task_type": "tracer_flare", "uuid": format!("{what}-{}", std::process::id()), "args": args })
}

/// Waits until this number of flares has come, and returns their cases, in the order of arrival.
#[track_caller]
fn cases(agent: &TestAgent, number: usize) -> Vec<String> {
    cases_of(agent, number, "tracer_native")
}

#[track_caller]
fn cases_of(agent: &TestAgent, number: usize, source: &str) -> Vec<String> {
    let mut flares = Vec::new();
    let come = wait_until(PATIENCE, || {
        flares = agent.flares();
        flares.len() >= number
    });
    assert!(come, "{} of {number} flares", flares.len());
    for flare in &flares {
        assert_eq!((flare.email.as_str(), flare.hostname.as_str()), ("ann@example.com", "till-3"));
        assert_eq!(flare.source, source);
        assert_sound(&flare.archive);
    }
    flares.into_iter().map(|flare| flare.case_id).collect()
}

/// Checks an archive with a program that is not ours.
#[track_caller]
fn assert_sound(archive: &[u8]) {
    let script = "import io, sys, zipfile; z = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())); \
                  assert z.testzip() is None and len(z.namelist()) > 0";
    let python = root().join("target/venv/bin/python");
    let mut child = Command::new(python).args(["-c", script]).stdin(Stdio::piped()).spawn().expect("Python starts");
    child.stdin.take().expect("an input").write_all(archive).expect("Python reads");
    assert!(child.wait().expect("Python ends").success(), "the archive is not sound");
}

fn end((agent, stop, running): (TestAgent, Stop, Running)) -> (TestAgent, Outcome) {
    drop(stop);
    (agent, running.wait().ok())
}

#[test]
fn a_task_alone_brings_a_flare_once() {
    let Some(scene) = start("task-alone") else { return };
    let agent = &scene.0;
    agent.offer_config(TASK, &task("12345", "alone"));
    until_held(agent, &[("task", 2, "")]);
    assert_eq!(cases(agent, 1), ["12345"]);
    let flare = agent.flares().pop().expect("a flare");
    let known = json!([{ "product": "AGENT_TASK", "id": "task", "path": TASK, "version": 0, "state": "acknowledged", "error": "" }]);
    let files = unpacked(&flare.archive);
    assert_eq!(manifest(&files)["remote_configuration"], known);
    assert_eq!(serde_json::from_str::<Json>(&files["spanwire-remote-config.json"]).expect("JSON"), known);
    // The same task under another path, and in another form.
    let other = TASK.replace("/task/", "/again/");
    agent.answer_config(&answer(2, &[(&other, task("12345", "alone"))]));
    until_held(agent, &[("again", 2, "")]);
    agent.answer_config(&answer(3, &[(&other, task("777-with-debug", "another"))]));
    until_held(agent, &[("again", 2, "")]);
    assert_eq!(cases(agent, 2), ["12345", "777-with-debug"]);
    let (agent, outcome) = end(scene);
    assert_eq!(agent.flares().len(), 2);
    assert!(!outcome.stderr.contains("not used"), "{}", outcome.stderr);
}

#[test]
fn a_level_comes_first_and_goes_after_the_flare() {
    let Some(scene) = start("level-first") else { return };
    let agent = &scene.0;
    let level = json!({ "name": "flare-log-level.debug", "config": { "log_level": "debug" } });
    let order = json!({ "order": [], "internal_order": ["flare-log-level.debug"] });
    agent.answer_config(&answer(1, &[(ORDER, order.clone()), (DEBUG, level.clone())]));
    until_held(agent, &[("configuration_order", 2, ""), ("flare-log-level.debug", 2, "")]);
    agent.answer_config(&answer(2, &[(ORDER, order.clone()), (DEBUG, level), (TASK, task("9-with-content", "first"))]));
    until_held(agent, &[("configuration_order", 2, ""), ("flare-log-level.debug", 2, ""), ("task", 2, "")]);
    assert_eq!(cases(agent, 1), ["9-with-content"]);
    agent.answer_config(&answer(3, &[(ORDER, order), (DEBUG, json!({}))]));
    until_held(agent, &[("configuration_order", 2, ""), ("flare-log-level.debug", 2, "")]);
    let (_, outcome) = end(scene);
    assert!(outcome.stderr.contains("DEBUG span finished: name=work"), "{}", outcome.stderr);
    let last = outcome.objects("config").pop().expect("a configuration");
    assert_eq!(last["settings"]["DD_TRACE_LOG_LEVEL"]["origin"], "default");
}

/// A level first, and then a task, for a host that is asked for configuration by several processes. Exactly one of them
/// answers the task.
fn one_flare_comes(agent: &TestAgent, what: &str, source: &str) {
    let level = json!({ "name": "flare-log-level.debug", "config": { "log_level": "debug" } });
    agent.answer_config(&answer(1, &[(DEBUG, level.clone())]));
    until_held(agent, &[("flare-log-level.debug", 2, "")]);
    agent.answer_config(&answer(2, &[(DEBUG, level), (TASK, task("12345-with-debug", what))]));
    assert_eq!(cases_of(agent, 1, source), ["12345-with-debug"]);
    until_held(agent, &[("flare-log-level.debug", 2, ""), ("task", 2, "")]);
    // Each process has asked since then.
    let known = agent.config_requests().len();
    assert!(wait_until(PATIENCE, || agent.config_requests().len() >= known + 6), "the processes go on asking");
    assert_eq!(agent.flares().len(), 1);
}

#[test]
fn a_task_for_a_cpp_host_brings_a_flare() {
    let Some(scene) = start_program("remote.cpp", "cpp") else { return };
    one_flare_comes(&scene.0, "cpp", "tracer_cpp");
    end(scene);
}

#[test]
fn a_task_for_puma_brings_one_flare_of_all_its_workers() {
    if !["ruby", "ruby-ffi", "puma"].iter().all(|tool| require(tool)) {
        return;
    }
    let Some(agent) = TestAgent::start() else { return };
    let port = free_ports(1);
    let puma = command("puma").limit(120).agent(&agent.tcp()).arg("--quiet").arg("--workers").arg("2");
    let puma = puma.arg("--bind").arg(format!("tcp://127.0.0.1:{port}")).arg("--config").arg("-");
    let puma = puma.arg(root().join("bindings/ruby/test/puma/config.ru").display()).env("FINISHED", "/dev/null");
    let pid = std::env::temp_dir().join(format!("spanwire-puma-{}", std::process::id()));
    let puma = puma.arg("--pidfile").arg(pid.display());
    let puma = puma.env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so").display());
    let running = puma.env("DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS", "0.2").spawn();
    let mut workers = BTreeSet::new();
    let both = wait_until(PATIENCE, || {
        workers.extend(http::request(port, "GET", "/", b"").map(|answer| answer.text()));
        workers.len() == 2
    });
    assert!(both, "two workers answer: {workers:?}");
    one_flare_comes(&agent, "puma", "tracer_ruby");
    let number = std::fs::read_to_string(&pid).expect("Puma's process id").trim().parse().expect("a number");
    // SAFETY: kill(2) takes only numbers; the process is a Puma that this test started.
    unsafe { libc::kill(number, libc::SIGTERM) };
    running.wait();
    let _ = std::fs::remove_file(pid);
}

#[test]
fn a_task_of_another_type_and_wrong_tasks_bring_none() {
    let Some(scene) = start("no-flare") else { return };
    let agent = &scene.0;
    agent.offer_config(TASK, &json!({ "task_type": "flare", "uuid": "x", "args": { "case_id": "1" } }));
    until_held(agent, &[("task", 2, "")]);
    let mut missing = task("1", "missing");
    missing["args"]["user_handle"] = json!("");
    agent.offer_config(TASK, &missing);
    until_held(agent, &[("task", 3, "missing user_handle")]);
    agent.offer_config(TASK, &task("0", "zero"));
    until_held(agent, &[("task", 3, "the value of case_id cannot be used")]);
    let (agent, _) = end(scene);
    assert!(agent.flares().is_empty());
}
