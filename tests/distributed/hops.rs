//! Services that pass a request on over HTTP, each traced by a tracer of its own, and requests through several of them.
//!
//! Every service follows this protocol: a request for `/8001/8002` makes it send a request for `/8002` to the service
//! at port 8001. It continues the trace that the request's headers carry, and sends its own context on. If the headers
//! carry no trace, it begins one and adds the baggage `begun.by` with the name of its tracer. It answers with a JSON
//! array: an object for this hop, then those of later hops. The object holds:
//!
//!     by         name of the tracer
//!     trace_id   32 hexadecimal digits
//!     span_id    of this hop's span, decimal, as text
//!     parent_id  of this hop's span, decimal, as text; "0" without a parent
//!     baggage    what the tracer has as baggage, an object
//!     headers    the headers of trace contexts that came in, with names in lower case
//!
//! OpenTelemetry's hop also has `sampled` and `tracestate`: what it read from the headers.

use crate::support::agent::TestAgent;
use crate::support::hosts::{require, root};
use crate::support::{free_ports, http, wait_until};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Name of the tracer of OpenTelemetry's hop, which sends no spans to the Agent.
pub const OPENTELEMETRY: &str = "opentelemetry";

/// A running service. It ends when this is dropped.
pub struct Service {
    /// Name of its tracer, as its answers say it.
    pub by: &'static str,
    /// The port at which it takes requests.
    pub port: u16,
    process: Child,
    log: PathBuf,
}

impl Service {
    /// Starts a service and waits until it takes connections. It gets its port as `PORT`, and the settings that every
    /// tracer knows.
    pub fn start(by: &'static str, mut command: Command, agent: &TestAgent) -> Service {
        let port = free_ports(1);
        command.env("PORT", port.to_string());
        Service::start_at(by, port, command, agent)
    }

    /// As `start`, for a program that has its port from somewhere else.
    pub fn start_at(by: &'static str, port: u16, mut command: Command, agent: &TestAgent) -> Service {
        let log = std::env::temp_dir().join(format!("spanwire-hop-{by}-{port}-{}", std::process::id()));
        let file = std::fs::File::create(&log).expect("a service's log");
        command.env("DD_TRACE_AGENT_URL", agent.tcp()).env("DD_SERVICE", by).env("DD_TRACE_STARTUP_LOGS", "false");
        // What else these tracers send would only make the Agent slow.
        for name in ["DD_INSTRUMENTATION_TELEMETRY_ENABLED", "DD_REMOTE_CONFIGURATION_ENABLED"] {
            command.env(name, "false");
        }
        command.env("DD_TRACE_WRITER_INTERVAL_SECONDS", "0.1").env("SPANWIRE_FLUSH_INTERVAL_MS", "100");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a service's log")).stderr(file);
        let process = command.spawn().unwrap_or_else(|error| panic!("the service of {by} does not start: {error}"));
        let mut service = Service { by, port, process, log };
        let mut ended = false;
        let connects = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until(Duration::from_secs(60), || {
            ended = matches!(service.process.try_wait(), Ok(Some(_)));
            ended || connects()
        });
        assert!(!ended && connects(), "the service of {by} did not come up:\n{}", service.log());
        service
    }

    /// Returns what it has printed.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // SAFETY: the child has not been waited for, so its process id is not used again.
            unsafe { libc::kill(self.process.id() as libc::pid_t, libc::SIGTERM) };
            if !wait_until(Duration::from_secs(5), || matches!(self.process.try_wait(), Ok(Some(_)))) {
                let _ = self.process.kill();
                let _ = self.process.wait();
            }
        }
        let _ = std::fs::remove_file(&self.log);
    }
}

/// Starts the services of other tracers, those that are installed.
pub fn peers(agent: &TestAgent) -> Vec<Service> {
    let here = root().join("tests/distributed");
    let mut all = Vec::new();
    for (tool, by, file) in [
        ("ddtrace", "ddtrace", "peer_ddtrace.py"),
        ("opentelemetry-sdk", OPENTELEMETRY, "peer_opentelemetry.py"),
        ("dd-trace", "dd-trace", "peer_dd_trace.js"),
    ] {
        if !require(tool) || (tool == "dd-trace" && !require("node")) {
            continue;
        }
        let script = here.join(file);
        let mut command = limited(&if file.ends_with(".js") {
            "node".to_owned()
        } else {
            root().join("target/peers/venv/bin/python").display().to_string()
        });
        command.arg(script).env("NODE_PATH", root().join("target/peers/node_modules"));
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("DD_TRACE_API_VERSION", "v0.4");
        // With statistics of its own, ddtrace does not send rejected traces.
        command.env("DD_TRACE_STATS_COMPUTATION_ENABLED", "false");
        all.push(Service::start(by, command, agent));
    }
    all
}

/// Returns a command that ends after ten minutes, even if this process is killed before it can end it, with no settings
/// of this machine.
pub fn limited(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", "600", program]).env_clear();
    for keep in ["PATH", "HOME", "TMPDIR"] {
        std::env::var_os(keep).map(|value| command.env(keep, value));
    }
    command
}

/// What one service has said about a request.
#[derive(Debug)]
pub struct Hop {
    pub by: String,
    pub trace_id: u128,
    pub span_id: u64,
    pub parent_id: u64,
    pub baggage: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    /// Of OpenTelemetry only: whether the context that came in is sampled, and its tracestate.
    pub read: Option<(bool, String)>,
}

impl Hop {
    fn new(said: &Json) -> Hop {
        let text = |key: &str| said[key].as_str().unwrap_or_else(|| panic!("no {key} in {said}")).to_owned();
        let number = |key: &str| text(key).parse().unwrap_or_else(|_| panic!("{key} is no number in {said}"));
        let texts = |key: &str| {
            let pairs = said[key].as_object().cloned().unwrap_or_default().into_iter();
            pairs.map(|(key, value)| (key, value.as_str().unwrap_or_default().to_owned())).collect()
        };
        let trace_id = u128::from_str_radix(&text("trace_id"), 16).unwrap_or_else(|_| panic!("no trace id in {said}"));
        let read = said["sampled"].as_bool().map(|sampled| (sampled, text("tracestate")));
        Hop {
            by: text("by"),
            trace_id,
            span_id: number("span_id"),
            parent_id: number("parent_id"),
            baggage: texts("baggage"),
            headers: texts("headers"),
            read,
        }
    }

    /// Returns the value of a header that came in; empty if there was none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// Sends a request with these headers along this way. Returns what each service has said, in the order of the way.
#[track_caller]
pub fn walk(way: &[&Service], headers: &[(&str, &str)]) -> Vec<Hop> {
    let (first, later) = way.split_first().expect("a way has a service");
    let path: String = later.iter().map(|service| format!("/{}", service.port)).collect();
    let path = if path.is_empty() { "/".to_owned() } else { path };
    let logs = || way.iter().map(|service| format!("-- {}\n{}", service.by, service.log())).collect::<String>();
    let answer = http::get(first.port, &path, headers).unwrap_or_else(|error| panic!("{error}\n{}", logs()));
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), logs());
    let all: Json =
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error} in {}\n{}", answer.text(), logs()));
    let hops: Vec<Hop> = all.as_array().into_iter().flatten().map(Hop::new).collect();
    let names: Vec<&str> = hops.iter().map(|hop| hop.by.as_str()).collect();
    assert_eq!(names, way.iter().map(|service| service.by).collect::<Vec<_>>(), "{}", logs());
    hops
}
