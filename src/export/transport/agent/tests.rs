//! Tests of the agent with real sockets: servers on free ports and temporary paths, which do with a connection what a
//! test asks for.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::mpsc::{channel, Receiver};
use std::thread;

use super::*;
use crate::export::format::{v04, Sender};
use crate::export::metadata::Identity;

mod trouble;

const PATIENCE: Duration = Duration::from_secs(5);

trait Channel: Read + Write + Send {}
impl<T: Read + Write + Send> Channel for T {}

struct Received {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    connection: usize,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

fn read_request(stream: &mut dyn Channel, connection: usize) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap().to_string();
    let mut headers = BTreeMap::new();
    for header in lines {
        let (name, value) = header.split_once(": ").unwrap();
        assert!(headers.insert(name.to_ascii_lowercase(), value.to_string()).is_none(), "{name} came twice");
    }
    let length = headers.get("content-length").map_or(0, |length: &String| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Received { line, headers, body, connection })
}

/// Gives every connection, numbered from 0, to `handle` on a thread of its own.
fn serve(handle: impl Fn(&mut dyn Channel, usize) + Send + Sync + 'static) -> Agent {
    Agent::new(tcp(listen(handle)), Timeouts { connect: PATIENCE, request: PATIENCE })
}

fn listen(handle: impl Fn(&mut dyn Channel, usize) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let (mut stream, handle) = (stream.unwrap(), handle.clone());
            thread::spawn(move || handle(&mut stream, index));
        }
    });
    address
}

fn tcp(address: SocketAddr) -> Place {
    Place::Tcp { host: address.ip().to_string(), port: address.port(), base_path: String::new(), tls: None }
}

/// Starts a server that answers every request with `answer` and reports each request.
fn answering(answer: &'static [u8]) -> (Agent, Receiver<Received>) {
    let (sender, receiver) = channel();
    let agent = serve(move |stream, index| {
        while let Some(request) = read_request(stream, index) {
            let _ = sender.send(request);
            if stream.write_all(answer).is_err() || answer.windows(5).any(|word| word == b"close") {
                break;
            }
        }
    });
    (agent, receiver)
}

fn socket_path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("spanwire-{}-{name}.sock", std::process::id()))
}

fn post_traces(
    agent: &Agent,
    identity: &Identity,
    body: &[u8],
    chunks: usize,
    rates_version: &str,
) -> Result<Answer, Failure> {
    let mut headers = Headers::default();
    headers.add("Content-Type", v04::CONTENT_TYPE);
    v04::headers(&Sender { identity, rates_version }, chunks, &mut |name, value| headers.add(name, value));
    agent.post(TRACES, &headers, body)
}

fn post(agent: &Agent) -> Result<Answer, Failure> {
    post_traces(agent, &Identity::default(), b"\x91\x90", 1, "")
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

fn someone() -> Identity {
    Identity {
        language: "php".into(),
        language_version: "8.2.20".into(),
        interpreter: "fpm-fcgi".into(),
        interpreter_vendor: "Zend".into(),
        tracer_version: "1.2.3".into(),
        container_id: Some("0123abcd".into()),
        entity_id: Some("ci-0123abcd".into()),
        external_env: Some("it-false,cn-web".into()),
        no_statistics: false,
    }
}

fn check_traces_request(request: &Received, host: &str, body: &[u8]) {
    assert_eq!(request.line, "POST /v0.4/traces HTTP/1.1");
    let length = body.len().to_string();
    let expected = [
        ("content-length", length.as_str()),
        ("content-type", "application/msgpack"),
        ("datadog-client-computed-top-level", "true"),
        ("datadog-container-id", "0123abcd"),
        ("datadog-entity-id", "ci-0123abcd"),
        ("datadog-external-env", "it-false,cn-web"),
        ("datadog-meta-lang", "php"),
        ("datadog-meta-lang-interpreter", "fpm-fcgi"),
        ("datadog-meta-lang-interpreter-vendor", "Zend"),
        ("datadog-meta-lang-version", "8.2.20"),
        ("datadog-meta-tracer-version", "1.2.3"),
        ("datadog-rates-payload-version", "v7"),
        ("datadog-send-real-http-status", "true"),
        ("host", host),
        ("user-agent", concat!("spanwire/", env!("CARGO_PKG_VERSION"))),
        ("x-datadog-trace-count", "3"),
    ];
    let got: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(got, expected);
    assert_eq!(request.body, body);
}

#[test]
fn an_agent_over_tcp_gets_exactly_these_headers_and_bytes() {
    let (agent, requests) = answering(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDatadog-Agent-State: abc\r\nDatadog-Agent-Version: 7.60\r\n\
          Datadog-Rates-Payload-Version: v8\r\nRetry-After: 3\r\n\r\n{}",
    );
    // Larger than every buffer on the way.
    let body: Vec<u8> = (0..700_000u32).map(|n| n as u8).collect();
    let answer = post_traces(&agent, &someone(), &body, 3, "v7").unwrap();
    let request = requests.recv_timeout(PATIENCE).unwrap();
    let host = agent.place.to_string().replace("http://", "");
    check_traces_request(&request, &host, &body);
    assert_eq!(agent.traces_url(), format!("http://{host}/v0.4/traces"));
    let expected = Answer {
        status: 200,
        rejected: 0,
        body: "{}".into(),
        agent_state: Some("abc".into()),
        agent_version: Some("7.60".into()),
        rates_version: Some("v8".into()),
        retry_after: Some(Duration::from_secs(3)),
    };
    assert_eq!(answer, expected);
}

#[test]
fn a_proxy_in_the_environment_is_not_used() {
    let name = "export::transport::agent::tests::an_agent_over_tcp_gets_exactly_these_headers_and_bytes";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    for variable in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(variable, "http://127.0.0.1:1");
    }
    let output = child.args(["--exact", name]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn an_agent_over_a_unix_socket_gets_the_same_on_one_connection() {
    let path = socket_path("same");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let (sender, requests) = channel();
    thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            while let Some(request) = read_request(&mut stream, index) {
                sender.send(request).unwrap();
                stream.write_all(OK).unwrap();
            }
        }
    });
    let agent = Agent::new(Place::Unix { path: path.clone() }, Timeouts { connect: PATIENCE, request: PATIENCE });
    assert_eq!(agent.traces_url(), format!("unix://{}/v0.4/traces", path.display()));
    let body = vec![9; 300_000];
    for _ in 0..3 {
        assert_eq!(post_traces(&agent, &someone(), &body, 3, "v7").unwrap().status, 200);
        let request = requests.recv_timeout(PATIENCE).unwrap();
        check_traces_request(&request, "localhost", &body);
        assert_eq!(request.connection, 0);
    }
    let _ = std::fs::remove_file(path);
}

#[test]
fn what_is_empty_is_not_sent_and_what_no_header_can_hold_does_no_harm() {
    let (agent, requests) = answering(OK);
    let identity = Identity {
        language: "c\r\nX-Evil: 1".into(),
        interpreter: "ünï\0".into(),
        entity_id: Some(String::new()),
        ..Identity::default()
    };
    post_traces(&agent, &identity, b"\x90", 0, "\u{1}a\n").unwrap();
    let request = requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!(request.header("datadog-meta-lang"), Some("c??X-Evil: 1"));
    assert_eq!(request.header("datadog-meta-lang-interpreter"), Some("?n??"));
    assert_eq!(request.header("datadog-rates-payload-version"), Some("?a"));
    for absent in ["x-evil", "datadog-meta-lang-version", "datadog-container-id", "datadog-entity-id"] {
        assert_eq!(request.header(absent), None, "{absent}");
    }
}

#[test]
fn one_connection_serves_every_request() {
    let (agent, requests) = answering(OK);
    for _ in 0..20 {
        post(&agent).unwrap();
        assert_eq!(requests.recv_timeout(PATIENCE).unwrap().connection, 0);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let (elsewhere, elsewhere_requests) = answering(OK);
    let target = elsewhere.traces_url().to_string();
    let agent = serve(move |stream, index| {
        read_request(stream, index);
        let _ = write!(stream, "HTTP/1.1 307 Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
    });
    assert_eq!(post(&agent).unwrap().status, 307);
    assert!(elsewhere_requests.try_recv().is_err());
}

#[test]
fn retry_after_and_errors_are_answers() {
    let (agent, _requests) = answering(
        b"HTTP/1.1 429 Slow Down\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 4\r\n\r\nwait",
    );
    let answer = post(&agent).unwrap();
    assert_eq!((answer.status, answer.retry_after, answer.body.as_str()), (429, Some(Duration::ZERO), "wait"));
    let (agent, _requests) = answering(b"HTTP/1.1 503 No\r\nRetry-After: whenever\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(post(&agent).unwrap().retry_after, None);
}

#[test]
fn localhost_is_found_on_either_family() {
    for bound in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(bound) else {
            println!("skipped {bound}: this machine has no such address");
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        let place = Place::Tcp { host: "localhost".into(), port, base_path: "prefix/".into(), tls: None };
        let agent = Agent::new(place, Timeouts { connect: PATIENCE, request: PATIENCE });
        let server = thread::spawn(move || {
            let mut stream: TcpStream = listener.accept().unwrap().0;
            let request = read_request(&mut stream, 0).unwrap();
            stream.write_all(OK).unwrap();
            request
        });
        post(&agent).unwrap();
        let request = server.join().unwrap();
        assert_eq!(request.line, "POST /prefix/v0.4/traces HTTP/1.1");
        assert_eq!(request.header("host"), Some(format!("localhost:{port}").as_str()));
    }
}

#[test]
fn a_place_reads_as_its_url() {
    let tcp = |host: &str, base: &str| {
        Place::Tcp { host: host.into(), port: 80, base_path: base.into(), tls: None }.to_string()
    };
    assert_eq!(tcp("agent", ""), "http://agent:80");
    assert_eq!(tcp("agent", "/"), "http://agent:80");
    assert_eq!(tcp("::1", "/a/b/"), "http://[::1]:80/a/b");
    assert_eq!(tcp("[::1]", ""), "http://[::1]:80");
    assert_eq!(Place::Unix { path: "/run/a.sock".into() }.to_string(), "unix:///run/a.sock");
}

fn informed(answer: &'static [u8]) -> Result<Info, Failure> {
    let (agent, requests) = answering(answer);
    let info = agent.info();
    let request = requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!((request.line.as_str(), request.header("content-length")), ("GET /info HTTP/1.1", None));
    info
}

#[test]
fn info_tells_what_the_agent_can_do() {
    let info = informed(
        b"HTTP/1.1 200 OK\r\nDatadog-Agent-State: f00\r\nConnection: close\r\n\r\n{\"version\":\"7.60.1\",\
          \"endpoints\":[\"/v0.4/traces\",7,\"/v0.5/traces\"],\"client_drop_p0s\":true,\"span_events\":true,\
          \"span_meta_structs\":true,\"config\":{\"max_request_bytes\":26214400},\"unheard\":[{}]}",
    );
    let expected = Info {
        version: "7.60.1".into(),
        endpoints: vec!["/v0.4/traces".into(), "/v0.5/traces".into()],
        max_request_bytes: Some(26_214_400),
        client_drop_p0s: true,
        span_events: true,
        span_meta_structs: true,
        text: String::new(),
        state: Some("f00".into()),
    };
    let (info, text) = info.map(without_text).expect("an answer");
    assert_eq!(info, expected);
    assert!(text.starts_with('{') && text.ends_with('}') && text.contains("7.60.1"), "{text}");
    let strange = informed(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"version\":7,\"endpoints\":{},\"span_events\":\"yes\",\
          \"config\":[{\"max_request_bytes\":-1}]}",
    );
    assert_eq!(strange.map(without_text).expect("an answer").0, Info::default());
}

/// The answer without its text, and the text.
fn without_text(info: Info) -> (Info, String) {
    let text = info.text.clone();
    (Info { text: String::new(), ..info }, text)
}

#[test]
fn a_bound_that_no_agent_can_mean_is_not_believed() {
    let bound = |value: &str| {
        let body = format!(r#"{{"config":{{"max_request_bytes":{value}}}}}"#);
        Info::parse(&Answer { body, ..Answer::default() }).unwrap().max_request_bytes
    };
    for lie in ["0", "1", "65535", "-1", "1.5", "1e6", "\"1000000\"", "null", "[]", "99999999999999999999999", "true"] {
        assert_eq!(bound(lie), None, "{lie}");
    }
    assert_eq!((bound("65536"), bound("26214400")), (Some(65_536), Some(26_214_400)));
    assert_eq!(bound("18446744073709551615"), Some(u64::MAX), "no bound at all, which is what it then is");
    let body = format!(r#"{{"version":"{}"}}"#, "7".repeat(10_000));
    assert_eq!(Info::parse(&Answer { body, ..Answer::default() }).unwrap().version.len(), 100);
}

#[test]
fn an_agent_without_info_is_very_old_and_a_broken_one_is_a_failure() {
    assert_eq!(informed(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n404"), Ok(Info::very_old()));
    assert!(Info::very_old().endpoints.contains(&"/v0.4/traces".to_string()));
    for broken in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"ver"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert!(matches!(informed(broken), Err(Failure::Unknown(_))), "{}", String::from_utf8_lossy(broken));
    }
}

#[test]
fn rates_outside_their_range_are_refused() {
    let body =
        r#"{"rate_by_service":{"service:,env:":1,"service:web,env:prod":0.25,"a":1.5,"b":-0.1,"c":"0.5","d":null}}"#;
    let expected = [("service:,env:", 1.0), ("service:web,env:prod", 0.25)];
    assert_eq!(rates(body), Some(expected.map(|(key, rate)| (key.to_string(), rate)).into()));
    let deep = "[".repeat(100_000);
    let none = [
        "{}",
        "",
        "OK\n",
        "[]",
        r#"{"rate_by_service":[]}"#,
        r#"{"rate_by_service":{}}"#,
        r#"{"rate_by_service":{"a":1e999}}"#,
    ];
    for none in none.into_iter().chain([deep.as_str()]) {
        assert_eq!(rates(none), None, "{}", &none[..none.len().min(40)]);
    }
}
