//! Remote configuration from an agent that withdraws it, answers nonsense, too much or nothing: the host goes on, traces are
//! not delayed, memory stays bounded, and what was in force stays or ends as promised.

mod support;

use serde_json::{json, Value as Json};
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::hosts::{host, Running};
use support::http::Head;
use support::payload::{self, Span};
use support::remote::{answer, decided, Stop, PATIENCE};
use support::wait_until;

const TRACING: &str = "datadog/2/APM_TRACING/one/config";

/// What the agent does when it is asked for configuration.
#[derive(Clone)]
enum Remote {
    Says(Vec<u8>),
    Status(u16),
    Stalls,
}

struct State {
    remote: Remote,
    /// Whether `/info` lists the path. A change changes the agent's state.
    offers: bool,
    /// Requests for configuration.
    asked: Vec<Json>,
    /// The local root spans of the last payload, and how many payloads came.
    last: Vec<Span>,
    payloads: usize,
}

/// The agent. Its threads end with the test's process.
#[derive(Clone)]
struct Agent(Arc<Mutex<State>>);

impl Agent {
    fn start(remote: Remote) -> (Agent, String) {
        let state = State { remote, offers: true, asked: Vec::new(), last: Vec::new(), payloads: 0 };
        let agent = Agent(Arc::new(Mutex::new(state)));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("http://127.0.0.1:{}", listener.local_addr().expect("its address").port());
        let serving = agent.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let agent = serving.clone();
                std::thread::spawn(move || agent.serve(stream));
            }
        });
        (agent, url)
    }

    fn with<R>(&self, use_it: impl FnOnce(&mut State) -> R) -> R {
        use_it(&mut self.0.lock().expect("the state"))
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        while let Some(head) = Head::read(&mut reader).ok()? {
            let mut body = vec![0; head.length()];
            reader.read_exact(&mut body).ok()?;
            let (status, text) = match head.path.as_str() {
                "/info" => (
                    200,
                    self.with(|state| {
                        let paths = ["/v0.4/traces", "/v0.7/config"];
                        json!({ "version": "7.99.0", "endpoints": &paths[..1 + usize::from(state.offers)] })
                            .to_string()
                            .into_bytes()
                    }),
                ),
                "/v0.7/config" => {
                    let remote = self.with(|state| {
                        state.asked.push(serde_json::from_slice(&body).expect("JSON"));
                        state.remote.clone()
                    });
                    match remote {
                        Remote::Says(text) => (200, text),
                        Remote::Status(status) => (status, b"no".to_vec()),
                        Remote::Stalls => {
                            std::thread::sleep(Duration::from_secs(60));
                            return None;
                        }
                    }
                }
                _ => {
                    let spans: Vec<Span> = payload::decode(&body).expect("a payload").into_iter().flatten().collect();
                    self.with(|state| (state.last, state.payloads) = (spans, state.payloads + 1));
                    (200, b"{}".to_vec())
                }
            };
            let version = self.with(|state| u8::from(state.offers));
            let head = format!(
                "HTTP/1.1 {status} X\r\nDatadog-Agent-State: {version}\r\nContent-Length: {}\r\n\r\n",
                text.len()
            );
            stream.write_all(head.as_bytes()).ok()?;
            stream.write_all(&text).ok()?;
        }
        Some(())
    }

    fn set(&self, remote: Remote) {
        self.with(|state| state.remote = remote);
    }

    fn asked(&self) -> usize {
        self.with(|state| state.asked.len())
    }

    /// Waits until a payload has a span that is so.
    #[track_caller]
    fn until_span(&self, what: &str, is_it: impl Fn(&Span) -> bool) {
        assert!(wait_until(PATIENCE, || self.with(|state| state.last.iter().any(&is_it))), "no span {what}");
    }
}

fn start(name: &str, remote: Remote) -> Option<(Agent, Stop, Running)> {
    let (agent, url) = Agent::start(remote);
    let stop = Stop::new(name);
    let host = host("remote.c")?.arg(stop.0.display()).agent(&url).limit(120).env("SPANWIRE_FLUSH_INTERVAL_MS", "50");
    Some((agent, stop, host.env("DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS", "0.1").spawn()))
}

fn rate(rate: u8) -> Vec<u8> {
    let library = json!({ "tracing_sampling_rate": rate });
    answer(1, &[(TRACING, json!({ "lib_config": library }))]).to_string().into_bytes()
}

fn is_rejected(span: &Span) -> bool {
    decided(span).0 == Some(-1.0)
}

fn is_as_before(span: &Span) -> bool {
    decided(span) == (Some(1.0), None, "-0")
}

#[test]
fn what_is_withdrawn_ends_quietly_and_comes_back() {
    let Some((agent, stop, running)) = start("withdrawn", Remote::Says(rate(0))) else { return };
    agent.until_span("that is rejected", is_rejected);
    agent.set(Remote::Status(404));
    agent.until_span("as before, after 404", is_as_before);
    let asked = agent.asked();
    std::thread::sleep(Duration::from_millis(700));
    assert!(agent.asked() <= asked + 1, "it is asked again after 404");
    // `/info` changes: first it does not list the path, then it does.
    agent.with(|state| (state.offers, state.remote) = (false, Remote::Says(rate(0))));
    std::thread::sleep(Duration::from_millis(700));
    assert!(agent.asked() <= asked + 1, "it is asked although it does not offer that");
    agent.with(|state| state.offers = true);
    agent.until_span("that is rejected again", is_rejected);
    agent.with(|state| state.offers = false);
    agent.until_span("as before, after `/info`", is_as_before);
    drop(stop);
    let outcome = running.wait().ok();
    assert!(!outcome.stderr.contains("not used"), "{}", outcome.stderr);
}

#[test]
fn nonsense_floods_and_silence_change_nothing_and_delay_no_trace() {
    let Some((agent, stop, running)) = start("nonsense", Remote::Says(rate(0))) else { return };
    agent.until_span("that is rejected", is_rejected);
    let mut cut = rate(1);
    cut.truncate(100);
    let deep = "{\"targets\":".repeat(100_000).into_bytes();
    for bad in [vec![b'x'; 40 << 20], b"<html>".to_vec(), cut, deep, vec![0xff; 1_000]] {
        agent.set(Remote::Says(bad));
        let told = || agent.with(|state| state.asked.pop().map(|request| request["client"]["state"].clone()));
        let reported = || told().is_some_and(|state| state["has_error"] == true);
        assert!(wait_until(PATIENCE, reported), "the error is not reported");
        agent.set(Remote::Says(b"{}".to_vec()));
        let ended = || told().is_some_and(|state| state["has_error"] == false && state["config_states"] != json!([]));
        assert!(wait_until(PATIENCE, ended), "the error does not end");
    }
    agent.set(Remote::Stalls);
    let (asked, payloads) = (agent.asked(), || agent.with(|state| state.payloads));
    assert!(wait_until(PATIENCE, || agent.asked() > asked));
    let before = payloads();
    assert!(wait_until(PATIENCE, || payloads() > before + 10), "traces wait for an answer");
    agent.until_span("that is still rejected", is_rejected);
    drop(stop);
    let outcome = running.wait().ok();
    let kib = outcome.object("peak")["kib"].as_u64().expect("a number");
    assert!(kib < 100_000, "{kib} KiB");
}
