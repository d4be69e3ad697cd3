//! Checks whether the Agent's address can be reached: the name resolves, the port or socket accepts a connection, or
//! the file can be written. `info` judges what answers there.

use super::elsewhere::{self, Elsewhere};
use super::found::{bad, good, millis, note, plain, with_evidence};
use super::{socket, user, wire, Time};
use crate::doctor::report::Finding;
use serde_json::{json, Map, Value as Json};
use spanwire::companion::settings::{AgentAddress, Settings};
use spanwire::companion::{host, sys};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a check needs beside the settings.
pub struct Ask<'a> {
    /// The remaining time.
    pub time: &'a Time,
    /// Whether the process that sends is in a container.
    pub contained: bool,
    /// Facts for JSON.
    pub facts: &'a mut Map<String, Json>,
}

/// Returns findings about the address, and the connection to it.
pub fn reach(settings: &Settings, ask: &mut Ask<'_>) -> (Vec<Finding>, Option<TcpStream>) {
    match &settings.agent {
        AgentAddress::Http { host, port, .. } | AgentAddress::Otlp { host, port, .. } => {
            tcp(settings, host, *port, ask)
        }
        AgentAddress::Unix { path } => unix(settings, path, ask),
        AgentAddress::File { path } => (vec![file(path)], None),
        AgentAddress::Unusable { url, why } => {
            let remedy = "Set DD_TRACE_AGENT_URL to http://HOST:8126 or unix:///path/of/socket.";
            (vec![bad("agent.bad_url", format!("nothing can be sent to {url}: {why}"), remedy)], None)
        }
    }
}

/// Checks a host and port.
fn tcp(settings: &Settings, host: &str, port: u16, ask: &mut Ask<'_>) -> (Vec<Finding>, Option<TcpStream>) {
    let patience = ask.time.step(settings.connect_timeout);
    let addresses = match wire::resolve(host, port, patience) {
        Ok(addresses) if !addresses.is_empty() => addresses,
        failed => return (unresolved(host, failed.err(), patience, settings, ask), None),
    };
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    ask.facts.insert("addresses".into(), json!(shown));
    let mut findings = Vec::new();
    if host.parse::<IpAddr>().is_err() {
        findings.push(good("agent.name_resolved", format!("{host} is {}", shown.join(", "))));
    }
    let patience = ask.time.step(settings.connect_timeout);
    let begun = Instant::now();
    match wire::connect_tcp(&addresses, patience) {
        Ok(stream) => {
            findings.push(reachable(&settings.agent, begun.elapsed()));
            (findings, Some(stream))
        }
        Err(failures) => {
            findings.push(unconnected(&failures, (host, port), patience, settings, ask));
            (findings, None)
        }
    }
}

fn reachable(agent: &AgentAddress, took: Duration) -> Finding {
    good("agent.reachable", format!("{agent} accepted a connection in {}", millis(took)))
}

fn unresolved(
    host: &str,
    error: Option<io::Error>,
    patience: Duration,
    settings: &Settings,
    ask: &mut Ask<'_>,
) -> Vec<Finding> {
    let why = match error {
        Some(error) if error.kind() == io::ErrorKind::TimedOut => format!("no answer within {}", millis(patience)),
        Some(error) => plain(&error),
        None => "the name has no address".into(),
    };
    let remedy =
        "Correct the host name in DD_AGENT_HOST or DD_TRACE_AGENT_URL; `getent hosts NAME` shows whether this \
                  machine can resolve it. In a container, the container's network must resolve it.";
    let says = format!("the name {host} does not resolve: {why}");
    vec![beside(settings, ask, |_, found| bad("agent.name_not_resolved", says, found + remedy))]
}

fn unconnected(
    failures: &[(SocketAddr, io::Error)],
    (host, port): (&str, u16),
    patience: Duration,
    settings: &Settings,
    ask: &mut Ask<'_>,
) -> Finding {
    let lines = failures.iter().map(|(address, error)| match error.kind() {
        io::ErrorKind::TimedOut => format!("{address}: no connection in time"),
        _ => format!("{address}: {}", plain(error)),
    });
    let first = failures.first().map(|(_, error)| error.kind());
    let agent = &settings.agent;
    let (cause, says, remedy) = match first {
        Some(io::ErrorKind::ConnectionRefused) => (
            "agent.down",
            format!("nothing listens at {agent}: the connection was refused"),
            refused_remedy(host, ask.contained),
        ),
        Some(io::ErrorKind::TimedOut) => (
            "agent.timeout",
            format!("{agent} did not accept a connection within {}", millis(patience)),
            "A firewall or security group may drop the packets: allow TCP to the Agent's port. A distant Agent may \
             need more time: raise SPANWIRE_CONNECT_TIMEOUT_MS."
                .to_string(),
        ),
        Some(io::ErrorKind::PermissionDenied) => (
            "agent.unreachable",
            format!("this process may not connect to {agent}"),
            "A firewall or sandbox on this machine forbids it: allow outgoing TCP to the Agent's port.".to_string(),
        ),
        _ => (
            "agent.unreachable",
            format!("no route to {agent}: {}", failures.first().map_or("no address".into(), |f| plain(&f.1))),
            "Check the network and its routes (`ip route get ADDRESS`), and the Agent's address.".to_string(),
        ),
    };
    let was_refused = cause == "agent.down";
    beside(settings, ask, |others, found| {
        let finding = match others.at_other_port(host, port).filter(|_| was_refused) {
            Some(agent) => {
                let remedy = format!("Set DD_TRACE_AGENT_URL={agent}, or correct the port in DD_TRACE_AGENT_PORT.");
                bad("agent.wrong_port", format!("{says}. An Agent answers at {agent}: the port is wrong"), remedy)
            }
            None => bad(cause, says, found + &remedy),
        };
        with_evidence(finding, lines)
    })
}

fn refused_remedy(host: &str, contained: bool) -> String {
    let local = elsewhere::is_loopback(host);
    let mut text =
        "Start the Agent (`systemctl status datadog-agent`, `agent status`) with apm_config.enabled: true, or \
                    correct host and port (8126, or apm_config.receiver_port)."
            .to_string();
    if local && contained {
        text.push_str(
            " This process runs in a container, where localhost is the container itself: set the Agent's host.",
        );
    } else if !local {
        text.push_str(" An Agent accepts traces from other machines only with apm_config.apm_non_local_traffic: true.");
    }
    text
}

/// Makes a finding about this address, with the state of other usual addresses of an Agent as evidence. Passes `make`
/// what was found, and the beginning of the remedy, which names an Agent that was found.
fn beside(settings: &Settings, ask: &mut Ask<'_>, make: impl FnOnce(&Elsewhere, String) -> Finding) -> Finding {
    let others = Elsewhere::look(settings, ask.contained);
    others.add_facts(ask.facts);
    let found = others.agent().map(|url| format!("An Agent answers at {url}: set DD_TRACE_AGENT_URL={url}. "));
    with_evidence(make(&others, found.unwrap_or_default()), others.lines())
}

/// Adds the state of other usual addresses of an Agent to a finding about a server that is not an Agent.
pub fn with_others(settings: &Settings, ask: &mut Ask<'_>, finding: Finding) -> Finding {
    beside(settings, ask, |_, found| Finding { remedy: found + &finding.remedy, ..finding })
}

/// Whether this process runs in a container.
pub fn is_contained() -> bool {
    host::container_id().is_some() || Path::new("/.dockerenv").exists()
}

/// Checks a Unix socket.
fn unix(settings: &Settings, path: &Path, ask: &mut Ask<'_>) -> (Vec<Finding>, Option<TcpStream>) {
    if let Some(finding) = socket::before(path) {
        return (vec![finding], None);
    }
    let begun = Instant::now();
    match wire::connect_unix(path.to_owned(), ask.time.step(settings.connect_timeout)) {
        Ok(stream) => {
            let mut findings = vec![reachable(&settings.agent, begun.elapsed())];
            findings.extend(socket::only_for_root(path));
            (findings, Some(stream))
        }
        Err(error) => (vec![beside(settings, ask, |_, found| socket::why(path, &error, found))], None),
    }
}

/// Checks a trace file. Creates nothing, because a new file would be taken for a trace file.
fn file(path: &Path) -> Finding {
    let shown = path.display();
    let unwritable = |why: String| {
        let remedy = "Use a file in a folder that exists and that this user may write to.";
        bad(
            "agent.file_unwritable",
            format!("traces would go to the file {shown}, which cannot be written: {why}"),
            remedy,
        )
    };
    if let Some(fd) = sys::named_descriptor(path) {
        return match sys::Descriptor::copy_of(fd) {
            Ok(_) => note("agent.file", format!("traces go to {shown}, not to an Agent"), ""),
            Err(error) => unwritable(plain(&error)),
        };
    }
    let checked = match std::fs::metadata(path) {
        Ok(facts) if facts.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => user::may(path, user::WRITE),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            user::may(path.parent().unwrap_or(Path::new("/")), user::WRITE | user::ENTER)
        }
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => note("agent.file", format!("traces go to the file {shown}, not to an Agent; it can be written"), ""),
        Err(error) => unwritable(plain(&error)),
    }
}
