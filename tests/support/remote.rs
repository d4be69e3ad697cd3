//! Remote configuration in tests: answers as an agent makes them, and waiting for what a host tells the agent and does.

use super::agent::{Request, TestAgent};
use super::hosts::root;
use super::payload::{self, Span};
use super::wait_until;
use serde_json::{json, Value as Json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The file that ends a host of `tests/hosts/remote.c`, also when a test fails.
pub struct Stop(pub PathBuf);

impl Stop {
    /// Names the file; no host is to end yet.
    pub fn new(name: &str) -> Stop {
        let folder = root().join("target/test-remote");
        std::fs::create_dir_all(&folder).expect("a folder");
        let stop = Stop(folder.join(format!("{name}-{}", std::process::id())));
        let _ = std::fs::remove_file(&stop.0);
        stop
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        let _ = std::fs::write(&self.0, "");
    }
}

/// How long something may take that comes within a second on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// An answer with these configurations, of which none is signed.
pub fn answer(version: u64, configs: &[(&str, Json)]) -> Json {
    let mut targets = serde_json::Map::new();
    let mut files = Vec::new();
    for (path, content) in configs {
        let text = content.to_string();
        let hashes = json!({ "sha256": sha256(&text) });
        targets.insert(path.to_string(), json!({ "custom": { "v": version }, "hashes": hashes, "length": text.len() }));
        files.push(json!({ "path": path, "raw": base64(text.as_bytes()) }));
    }
    let signed = json!({ "version": version, "custom": { "opaque_backend_state": "" }, "targets": targets });
    json!({
        "targets": base64(json!({ "signed": signed }).to_string().as_bytes()),
        "target_files": files,
        "client_configs": configs.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
    })
}

/// The SHA-256 of a text, by the system's program.
fn sha256(text: &str) -> String {
    let mut program =
        Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sha256sum");
    program.stdin.take().expect("an input").write_all(text.as_bytes()).expect("sha256sum reads");
    let output = program.wait_with_output().expect("sha256sum ends");
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().enumerate().fold(0u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for digit in 0..4 {
            out.push(if digit <= three.len() { DIGITS[(bits >> (18 - 6 * digit)) as usize & 63] as char } else { '=' });
        }
    }
    out
}

/// Waits until the last request for configuration shows this state, and returns that request.
#[track_caller]
pub fn until_told(agent: &TestAgent, what: &str, is_it: impl Fn(&Json) -> bool) -> Json {
    let mut last = Json::Null;
    let come = wait_until(PATIENCE, || {
        last = agent.config_requests().pop().unwrap_or_default();
        is_it(&last["client"]["state"])
    });
    assert!(come, "{what}: {last:#}");
    last
}

/// Waits until the agent is told that exactly these configurations are held: id, state and error of each.
#[track_caller]
pub fn until_held(agent: &TestAgent, wanted: &[(&str, u64, &str)]) {
    let wanted: Vec<Json> = wanted.iter().map(|(id, state, error)| json!([id, state, error])).collect();
    let of = |state: &Json| {
        let states = state["config_states"].as_array().cloned().unwrap_or_default();
        states.iter().map(|s| json!([s["id"], s["apply_state"], s["apply_error"]])).collect::<Vec<_>>()
    };
    until_told(agent, &format!("{wanted:?}"), |state| state.is_object() && of(state) == wanted);
}

/// Waits until the last payload has a span that is so.
#[track_caller]
pub fn until_span(agent: &TestAgent, what: &str, is_it: impl Fn(&Span) -> bool) {
    let decode = |request: Request| payload::decode(&request.body).expect("a payload");
    let last = || agent.trace_requests().pop();
    let come = wait_until(PATIENCE, || last().is_some_and(|request| decode(request).iter().flatten().any(&is_it)));
    assert!(come, "no span {what}");
}

/// Priority, rate of a rule, and mechanism of a local root span.
pub fn decided(span: &Span) -> (Option<f64>, Option<f64>, &str) {
    let metric = |name| span.metrics.get(name).copied();
    (metric("_sampling_priority_v1"), metric("_dd.rule_psr"), span.tag("_dd.p.dm"))
}
