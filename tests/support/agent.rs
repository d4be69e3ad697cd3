//! Runs `ddapm-test-agent`, an independent agent, one process per test. `tests/run` installs it.

use super::hosts::{require, root};
use super::http;
use super::payload::{self, Span};
use serde_json::Value as Json;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The checks that the agent makes on every payload.
pub const CHECKS: &str = "trace_count_header,meta_tracer_version_header,trace_content_length,trace_stall";

/// Where an agent will listen. A test can start its host before it calls `start`.
pub struct Place {
    port: u16,
    folder: PathBuf,
}

/// A running agent. Stops when dropped.
pub struct TestAgent {
    pub place: Place,
    process: Child,
}

/// One request as received, decoded from base64.
pub struct Request {
    pub url: String,
    pub method: String,
    pub headers: Json,
    pub body: Vec<u8>,
}

/// A flare as the agent received it.
pub struct Flare {
    pub source: String,
    pub case_id: String,
    pub email: String,
    pub hostname: String,
    pub archive: Vec<u8>,
}

impl Request {
    /// Returns the value of a header; its name may be in any case. Empty if the header is missing.
    pub fn header(&self, name: &str) -> String {
        let all = self.headers.as_object().cloned().unwrap_or_default();
        let found = all.into_iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl Place {
    /// Reserves three ports and a folder for the socket. Nothing listens yet. `None` if the test agent is not
    /// installed; under `tests/run` the test fails instead.
    pub fn reserve() -> Option<Place> {
        require("ddapm-test-agent").then(|| {
            let port = super::free_ports(3);
            // A socket's path holds at most 107 bytes, and the path of a checkout may be longer.
            let folder = std::env::temp_dir().join(format!("spanwire-agent-{port}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder for the agent's socket");
            Place { port, folder }
        })
    }

    /// `http://…`, for `DD_TRACE_AGENT_URL`.
    pub fn tcp(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `unix://…`, for `DD_TRACE_AGENT_URL`.
    pub fn unix(&self) -> String {
        format!("unix://{}", self.folder.join("apm.socket").display())
    }

    /// Starts the agent and waits until it answers.
    pub fn start(self) -> TestAgent {
        self.start_with(&[])
    }

    /// As `start`, with these variables in its environment.
    pub fn start_with(self, variables: &[(&str, &str)]) -> TestAgent {
        let program = root().join("target/venv/bin/ddapm-test-agent");
        // `timeout` ends the agent even if this process is killed before it can.
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "600"]).arg(program);
        for (name, offset) in [("--port", 0), ("--otlp-http-port", 1), ("--otlp-grpc-port", 2)] {
            command.arg(name).arg((self.port + offset).to_string());
        }
        command.arg("--trace-uds-socket").arg(self.folder.join("apm.socket"));
        command.arg("--snapshot-dir").arg(&self.folder);
        command.env("ENABLED_CHECKS", CHECKS).env("DD_POOL_TRACE_CHECK_FAILURES", "true").current_dir(&self.folder);
        command.envs(variables.iter().copied());
        let log = std::fs::File::create(self.folder.join("log")).expect("the agent's log");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("the agent's log")).stderr(log);
        let process = command.spawn().expect("ddapm-test-agent starts");
        let mut agent = TestAgent { place: self, process };
        let ready = super::wait_until(Duration::from_secs(30), || agent.get("/info").is_ok_and(|a| a.status == 200));
        if !ready {
            let log = std::fs::read_to_string(agent.place.folder.join("log")).unwrap_or_default();
            panic!("the test agent did not come up ({:?}):\n{log}", agent.process.try_wait());
        }
        agent
    }
}

impl TestAgent {
    /// Reserves a place and starts there.
    pub fn start() -> Option<TestAgent> {
        Place::reserve().map(Place::start)
    }

    /// `http://…`, for `DD_TRACE_AGENT_URL`.
    pub fn tcp(&self) -> String {
        self.place.tcp()
    }

    /// `unix://…`, for `DD_TRACE_AGENT_URL`.
    pub fn unix(&self) -> String {
        self.place.unix()
    }

    /// `otlp+http://…`, for `DD_TRACE_AGENT_URL`.
    pub fn otlp(&self) -> String {
        format!("otlp+http://127.0.0.1:{}", self.place.port + 1)
    }

    fn get(&self, path: &str) -> std::io::Result<http::Answer> {
        http::request(self.place.port, "GET", path, b"")
    }

    fn json(&self, path: &str) -> Json {
        let answer = self.get(path).expect("the test agent answers");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).expect("the test agent answers in JSON")
    }

    /// Sets the agent's `rate_by_service`, as JSON without spaces.
    pub fn set_rates(&self, rates: &str) {
        let encoded: String = rates.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = self.get(&format!("/test/session/start?agent_sample_rate_by_service={encoded}"));
        assert_eq!(answer.expect("the test agent answers").status, 200);
    }

    /// Has the agent offer one configuration at this path.
    pub fn offer_config(&self, path: &str, content: &Json) {
        self.post("/test/session/responses/config/path", &serde_json::json!({ "path": path, "msg": content }));
    }

    /// Has the agent answer this when it is asked for remote configuration.
    pub fn answer_config(&self, answer: &Json) {
        self.post("/test/session/responses/config", answer);
    }

    fn post(&self, path: &str, body: &Json) {
        let answer = http::request(self.place.port, "POST", path, body.to_string().as_bytes());
        assert_eq!(answer.expect("the test agent answers").status, 202, "{path}");
    }

    /// Returns the requests for remote configuration.
    pub fn config_requests(&self) -> Vec<Json> {
        let all = self.requests().into_iter().filter(|request| request.url.ends_with("/v0.7/config"));
        all.map(|request| serde_json::from_slice(&request.body).expect("a request in JSON")).collect()
    }

    /// Returns every trace received. The spans of one trace are together, even if they came in several chunks.
    pub fn traces(&self) -> Vec<Vec<Span>> {
        payload::from_json(&self.json("/test/session/traces"))
    }

    /// Returns every request received, in the order of arrival, with its exact bytes and headers.
    pub fn requests(&self) -> Vec<Request> {
        let list = self.json("/test/session/requests");
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let request = |r: &Json| Request {
            url: text(&r["url"]),
            method: text(&r["method"]),
            headers: r["headers"].clone(),
            body: base64(&text(&r["body"])),
        };
        list.as_array().map(|all| all.iter().map(request).collect()).unwrap_or_default()
    }

    /// Returns the flares received, in the order of arrival.
    pub fn flares(&self) -> Vec<Flare> {
        let list = self.json("/test/session/tracerflares");
        let flare = |it: &Json| {
            let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
            let (source, case_id, archive) = (text("source"), text("case_id"), base64(&text("flare_file")));
            Flare { source, case_id, email: text("email"), hostname: text("hostname"), archive }
        };
        // The agent lists the last one first.
        list.as_array().map(|all| all.iter().rev().map(flare).collect()).unwrap_or_default()
    }

    /// Returns the requests to `/v0.4/traces`.
    pub fn trace_requests(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.url.ends_with("/v0.4/traces")).collect()
    }

    /// Returns the chunks of every payload, decoded from the bytes, in the order of arrival.
    pub fn chunks(&self) -> Vec<Vec<Span>> {
        let decode = |request: Request| payload::decode(&request.body).expect("a v0.4 payload");
        self.trace_requests().into_iter().flat_map(decode).collect()
    }

    /// Panics with the agent's message if one of its checks failed, or if one of `CHECKS` never ran.
    pub fn assert_checks_passed(&self) {
        let failures = self.get("/test/trace_check/failures").expect("the test agent answers");
        assert_eq!(failures.status, 200, "the test agent objects:\n{}", failures.text());
        let summary = self.json("/test/trace_check/summary");
        for check in CHECKS.split(',') {
            let passed = summary[check]["Passed_Checks"].as_u64().unwrap_or(0);
            assert!(passed > 0, "the check {check} never ran: {summary}");
        }
    }
}

impl Drop for TestAgent {
    fn drop(&mut self) {
        // SAFETY: the child has not been waited for, so its process id is not used again.
        unsafe { libc::kill(self.process.id() as libc::pid_t, libc::SIGTERM) };
        if !super::wait_until(Duration::from_secs(3), || matches!(self.process.try_wait(), Ok(Some(_)))) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.place.folder);
    }
}

fn base64(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}
