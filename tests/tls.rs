//! `https://`: the library with the feature `tls` sends to servers whose TLS is not ours (`tls/tls.py`), and to nobody who
//! cannot show a certificate. The library without the feature says that it cannot.

mod support;

use serde_json::Value as Json;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use support::agent::TestAgent;
use support::faults::{always, Reply};
use support::folder::Folder;
use support::hosts::{host, require, root, Host, Outcome};

/// Lays out the library, or the companion, with TLS. It is not the library that other tests use.
fn stage(part: &str) -> PathBuf {
    let folder = root().join("target/tls/stage");
    let mut command = Command::new(root().join("tools/stage"));
    command.args(["--tls", "--debug", "--only", part, "--build"]).arg(root().join("target/tls/build"));
    let made = command.arg("--into").arg(&folder).stdin(Stdio::null()).output().expect("tools/stage runs");
    assert!(made.status.success(), "tools/stage failed:\n{}", String::from_utf8_lossy(&made.stderr));
    folder
}

fn library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| stage("shared").join("lib"))
}

fn python(arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/tls/tls.py")).args(arguments);
    command
}

/// The certificates. They are made once for each version of the script.
fn certificates() -> Option<&'static Path> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    if !(require("python3") && require("openssl") && require("gcc")) {
        return None;
    }
    let folder = FOLDER.get_or_init(|| {
        let mut hasher = DefaultHasher::new();
        include_str!("tls/tls.py").hash(&mut hasher);
        let folder = root().join(format!("target/tls/certificates-{:016x}", hasher.finish()));
        if !folder.exists() {
            let aside = root().join(format!("target/tls/{}", std::process::id()));
            std::fs::create_dir_all(&aside).expect("a folder");
            let made = python(&["certificates", &aside.display().to_string()]).output().expect("Python runs");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            // Another test binary may have been first.
            let _ = std::fs::rename(&aside, &folder);
        }
        folder
    });
    Some(folder)
}

/// A server with TLS.
struct Server {
    process: Child,
    lines: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Server {
    /// One with this certificate that passes the content on to a port.
    fn start(certificate: &Path, port: u16, newest: &str) -> Server {
        Server::run(python(&["serve", &certificate.display().to_string(), &port.to_string(), newest]))
    }

    /// One that answers requests in this way.
    fn answering(certificate: &Path, way: &str) -> Server {
        Server::run(python(&["answer", &certificate.display().to_string(), way]))
    }

    fn run(mut command: Command) -> Server {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python runs");
        let lines = BufReader::new(process.stdout.take().expect("its output"));
        let mut server = Server { process, lines, port: 0 };
        server.port = server.line().parse().expect("a port");
        server
    }

    /// The next line of what it says.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line.trim().to_string()
    }

    /// The rest of what it has said.
    fn ended(mut self) -> String {
        drop(self.process.stdin.take());
        let mut said = String::new();
        let _ = self.lines.read_to_string(&mut said);
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A host with the library that has TLS. It makes five traces, and keeps nothing for later if they cannot be sent.
fn sender(url: &str, authorities: &Path) -> Option<Host> {
    let host = host("flushing.c")?.env("LD_LIBRARY_PATH", library().display()).env("DD_SERVICE", "shop");
    let host = host.env("SPANWIRE_LOG_SINKS", "stderr").env("SPANWIRE_LOG_DIALECT", "json").env("DD_TRACE_DEBUG", "1");
    let host = host.env("DD_REMOTE_CONFIGURATION_ENABLED", "false").env("SPANWIRE_REQUEST_TIMEOUT_MS", 20_000);
    let host = host.env("SPANWIRE_CONNECT_TIMEOUT_MS", 20_000).env("SPANWIRE_RETRY_FOR_MS", 0);
    Some(host.env("SSL_CERT_FILE", authorities.display()).agent(url).arg(5).arg(1_000))
}

fn port(url: &str) -> u16 {
    url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

#[test]
fn an_agent_behind_tls_gets_traces_on_one_connection() {
    let Some(folder) = certificates() else { return };
    for (newest, version) in [("", "TLSv1.3"), ("TLSv1_2", "TLSv1.2")] {
        let Some(agent) = TestAgent::start() else { return };
        let server = Server::start(&folder.join("good.pem"), port(&agent.tcp()), newest);
        let Some(host) = sender(&format!("https://localhost:{}", server.port), &folder.join("ca.pem")) else { return };
        let outcome = host.run().ok();
        assert_eq!((outcome.stat("spans_sent"), outcome.stat("attempts_failed")), (5, 0), "{}", outcome.stderr);
        agent.assert_checks_passed();
        assert_eq!(agent.trace_requests().len(), 5);
        let said = server.ended();
        // One for traces, and one for each time that `/info` is asked for.
        let handshakes = said.lines().filter(|line| line.starts_with("handshake ")).count();
        assert!((1..4).contains(&handshakes), "{said}");
        assert!(said.lines().all(|line| line.contains(version)), "{said}");
    }
}

#[test]
fn a_refusal_before_the_body_was_read_is_heard() {
    let Some(folder) = certificates() else { return };
    let server = Server::answering(&folder.join("good.pem"), "refuse");
    let Some(host) = host("huge.c") else { return };
    let host = host.env("LD_LIBRARY_PATH", library().display()).env("SSL_CERT_FILE", folder.join("ca.pem").display());
    let host = host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 30_000).env("SPANWIRE_CONNECT_TIMEOUT_MS", 20_000);
    let host = host.env("DD_REMOTE_CONFIGURATION_ENABLED", "false");
    let outcome = host.agent(&format!("https://localhost:{}", server.port)).arg("wide").arg(10_000).run();
    let said = server.ended();
    assert!(said.contains("refuses "), "nothing was too large:\n{said}");
    // Payloads that are refused as too large are halved.
    assert_eq!((outcome.stat("payloads_unknown"), outcome.dropped()), (0, 0), "{}{said}", outcome.stdout);
    assert_eq!(outcome.stat("spans_sent"), outcome.stat("spans_finished"));
    outcome.ok();
}

#[test]
fn a_connection_that_was_closed_with_the_last_answer_is_not_used() {
    let Some(folder) = certificates() else { return };
    let server = Server::answering(&folder.join("good.pem"), "farewell");
    let Some(host) = sender(&format!("https://localhost:{}", server.port), &folder.join("ca.pem")) else { return };
    // A request on such a connection would wait until it times out.
    let outcome = host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 5_000).run().ok();
    assert_eq!((outcome.stat("spans_sent"), outcome.stat("attempts_failed")), (5, 0), "{}", outcome.stderr);
    let said = server.ended();
    assert_eq!(said.lines().filter(|line| line.contains("/v0.4/traces")).count(), 5, "{said}");
    // The library says, too, that a connection ends. The last one ends with the process.
    assert!(said.lines().filter(|line| *line == "closed").count() >= 4, "{said}");
}

#[test]
fn a_large_payload_passes_whole() {
    let Some(folder) = certificates() else { return };
    let Some(agent) = TestAgent::start() else { return };
    let server = Server::start(&folder.join("good.pem"), port(&agent.tcp()), "");
    let url = format!("https://127.0.0.1:{}", server.port);
    let Some(host) = host("huge.c") else { return };
    let host = host.env("LD_LIBRARY_PATH", library().display()).env("SSL_CERT_FILE", folder.join("ca.pem").display());
    let outcome = host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 30_000).agent(&url).arg("wide").arg(20_000).run().ok();
    assert_eq!((outcome.stat("spans_sent"), outcome.dropped()), (outcome.stat("spans_finished"), 0));
    assert!(agent.trace_requests().iter().any(|request| request.body.len() > 500_000));
}

#[test]
fn a_collector_behind_tls_gets_otlp_and_a_folder_of_authorities_will_do() {
    let Some(folder) = certificates() else { return };
    let Some(agent) = TestAgent::start() else { return };
    let server = Server::start(&folder.join("good.pem"), port(&agent.otlp()), "");
    let scratch = Folder::new("authorities");
    let authorities = &scratch.0;
    std::fs::copy(folder.join("ca.pem"), authorities.join("1234abcd.0")).expect("a copy");
    std::fs::write(authorities.join("notes"), "-----BEGIN CERTIFICATE-----\nno\n").expect("a file that is none");
    for url in [format!("otlp+https://127.0.0.1:{}", server.port), String::new()] {
        let Some(host) = sender(&url, Path::new("")) else { return };
        let host = host.env("SSL_CERT_DIR", format!("/nowhere:{}", authorities.display()));
        let host = host.env("OTEL_TRACES_EXPORTER", "otlp");
        let host = host.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("https://127.0.0.1:{}", server.port));
        let outcome = host.run().ok();
        assert_eq!((outcome.stat("spans_sent"), outcome.stat("attempts_failed")), (5, 0), "{}", outcome.stderr);
    }
    let requests = agent.requests();
    assert_eq!(requests.iter().filter(|request| request.url.ends_with("/v1/traces")).count(), 10);
}

/// Sends to a server that the library must not trust or understand. Returns what it logs.
fn refused(url: &str, authorities: &Path) -> Option<Outcome> {
    sender(url, authorities).map(assert_refused)
}

fn assert_refused(host: Host) -> Outcome {
    let outcome = host.run().ok();
    assert_eq!((outcome.stat("spans_sent"), outcome.dropped()), (0, 5), "{}", outcome.stderr);
    outcome
}

#[track_caller]
fn assert_says(outcome: &Outcome, why: &str) {
    let lines = outcome.stderr.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let said: Vec<String> = lines.map(|line| line.to_string()).filter(|line| line.contains(why)).collect();
    assert!(!said.is_empty(), "nothing says {why:?}:\n{}", outcome.stderr);
}

#[test]
fn nobody_without_a_valid_certificate_gets_anything() {
    let Some(folder) = certificates() else { return };
    let Some(agent) = TestAgent::start() else { return };
    for (certificate, authority, why) in [
        ("good", "stranger", "authority that is not trusted; set SSL_CERT_FILE"),
        ("other", "ca", "certificate for another host: agent.test"),
        ("expired", "ca", "certificate has expired"),
        ("early", "ca", "certificate is not valid yet"),
        ("good", "nowhere", "no certificate of an authority can be read from "),
    ] {
        let server = Server::start(&folder.join(format!("{certificate}.pem")), port(&agent.tcp()), "");
        let url = format!("https://localhost:{}", server.port);
        let Some(outcome) = refused(&url, &folder.join(format!("{authority}.pem"))) else { return };
        assert_says(&outcome, why);
    }
    assert!(agent.trace_requests().is_empty());
}

#[test]
fn a_port_without_tls_and_one_that_is_silent_or_closes_are_told_apart() {
    let Some(folder) = certificates() else { return };
    let Some(agent) = TestAgent::start() else { return };
    let authorities = folder.join("ca.pem");
    let Some(outcome) = refused(&agent.tcp().replace("http:", "https:"), &authorities) else { return };
    assert_says(&outcome, "no TLS at this port");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("its address"));
    // Nobody accepts the connection; the system does.
    let Some(host) = sender(&url, &authorities) else { return };
    let outcome = assert_refused(host.env("SPANWIRE_CONNECT_TIMEOUT_MS", 500));
    assert_says(&outcome, "no connection within 500ms");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let Some(outcome) = refused(&url, &authorities) else { return };
    assert_says(&outcome, "closed during the TLS handshake");
}

#[test]
fn an_authority_that_is_installed_later_is_noticed() {
    let Some(folder) = certificates() else { return };
    let Some(agent) = TestAgent::start() else { return };
    let mut server = Server::start(&folder.join("good.pem"), port(&agent.tcp()), "");
    let scratch = Folder::new("later");
    let file = scratch.0.join("ca.pem");
    std::fs::copy(folder.join("stranger.pem"), &file).expect("a copy");
    let url = format!("https://localhost:{}", server.port);
    let Some(host) = sender(&url, &file) else { return };
    let running = host.env("SPANWIRE_RETRY_FOR_MS", 60_000).spawn();
    // The library has read the file, and ended a handshake because of it.
    let said = server.line();
    assert!(said.starts_with("refused "), "{said}");
    // In one step, so that no half of it is read.
    let new = scratch.0.join("new");
    std::fs::copy(folder.join("ca.pem"), &new).expect("a copy");
    std::fs::rename(new, &file).expect("it replaces the file");
    let outcome = running.wait().ok();
    assert_eq!(outcome.stat("spans_sent"), 5, "{}", outcome.stderr);
    assert_says(&outcome, "authority that is not trusted");
}

#[test]
fn files_of_authorities_are_read_up_to_a_bound() {
    let Some(folder) = certificates() else { return };
    let Some(agent) = TestAgent::start() else { return };
    let server = Server::start(&folder.join("good.pem"), port(&agent.tcp()), "");
    let scratch = Folder::new("bound");
    let file = std::fs::File::create(scratch.0.join("large")).expect("a file");
    file.set_len(16 << 20).expect("it is large");
    let Some(host) = sender(&format!("https://localhost:{}", server.port), Path::new("")) else { return };
    let folders = format!("{}:{}", scratch.0.display(), folder.display());
    let outcome = assert_refused(host.env("SSL_CERT_DIR", folders));
    assert_says(&outcome, "no certificate of an authority can be read from ");
}

#[test]
fn children_have_connections_of_their_own() {
    let Some(folder) = certificates() else { return };
    let agent = always(Reply::Ok).start();
    let server = Server::start(&folder.join("good.pem"), port(&agent.url()), "");
    let url = format!("https://localhost:{}", server.port);
    let Some(host) = host("prefork.c") else { return };
    let host = host.env("LD_LIBRARY_PATH", library().display()).env("SSL_CERT_FILE", folder.join("ca.pem").display());
    let host = host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 20_000).env("SPANWIRE_CONNECT_TIMEOUT_MS", 20_000);
    let (children, traces) = (4, 10);
    let outcome = host.arg("fork").arg(children).arg(traces).agent(&url).run().ok();
    let said = server.ended();
    let handshakes = said.lines().filter(|line| line.starts_with("handshake ")).count();
    assert!(handshakes as u64 > children, "{said}");
    // Every span of the parent and of each child, once.
    agent.assert_well_formed();
    let parent = outcome.object("parent")["traces"].as_u64().expect("a number");
    let arrived = agent.accepted();
    assert_eq!((arrived.distinct(), arrived.doubles()), ((children * traces + parent) * 2, 0));
}

#[test]
fn the_companion_passes_traces_of_a_library_without_tls_on() {
    let Some(folder) = certificates() else { return };
    let Some(agent) = TestAgent::start() else { return };
    let server = Server::start(&folder.join("good.pem"), port(&agent.tcp()), "");
    let (url, port) = (format!("https://localhost:{}", server.port), support::free_ports(1));
    let Some(host) = host("flushing.c") else { return };
    let mut command = Command::new(stage("companion").join("bin/spanwire"));
    command.args(["agent", "--port", &port.to_string(), "--forward", &url]);
    command.env("SSL_CERT_FILE", folder.join("ca.pem")).stdin(Stdio::null()).stdout(Stdio::null());
    let mut program = command.stderr(Stdio::null()).spawn().expect("the companion starts");
    let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!(support::wait_until(Duration::from_secs(30), listens));
    let outcome = host.agent(&format!("http://127.0.0.1:{port}")).arg(5).arg(0).run().ok();
    let _ = program.kill();
    let _ = program.wait();
    assert_eq!((outcome.stat("spans_sent"), agent.trace_requests().len()), (5, 5));
}

#[test]
fn a_library_without_tls_says_so_and_counts_what_it_drops() {
    let Some(host) = host("flushing.c") else { return };
    let host =
        host.env("SPANWIRE_LOG_SINKS", "stderr").env("SPANWIRE_LOG_DIALECT", "json").env("SPANWIRE_RETRY_FOR_MS", 0);
    let outcome = host.agent("https://127.0.0.1:1").arg(5).arg(0).run().ok();
    assert_eq!((outcome.stat("spans_sent"), outcome.dropped()), (0, 5));
    assert_says(&outcome, "https:// is not supported by this build");
    if cfg!(feature = "tls") {
        eprintln!("skipped: the companion of this build has TLS");
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwire"));
    let output = command.args(["agent", "--port", "0", "--forward", "https://127.0.0.1:1"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("https:// is not supported by this build"), "{said}");
}
