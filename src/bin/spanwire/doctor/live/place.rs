//! Checks whether the Agent's address can be reached: the name resolves, the port or socket accepts a connection, or
//! the file can be written. `info` judges what answers there.

use super::found::{bad, good, millis, note, plain, with_evidence};
use super::{info, socket, user, wire, Time};
use crate::doctor::causes;
use crate::doctor::report::Finding;
use serde_json::{json, Map, Value as Json};
use spanwire::companion::settings::address::{default_socket_exists, DEFAULT_PORT, DEFAULT_SOCKET};
use spanwire::companion::settings::{AgentAddress, Settings};
use spanwire::companion::{host, sys};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// Time limit for checking another address.
const ELSEWHERE_MAX: Duration = Duration::from_millis(300);

/// Returns findings about the address, and the connection to it.
pub fn reach(settings: &Settings, time: &Time, facts: &mut Map<String, Json>) -> (Vec<Finding>, Option<TcpStream>) {
    match &settings.agent {
        AgentAddress::Http { host, port, .. } => tcp(settings, host, *port, time, facts),
        AgentAddress::Unix { path } => unix(settings, path, time),
        AgentAddress::File { path } => (vec![file(path)], None),
        AgentAddress::Unusable { url, why } => {
            let remedy = "Set DD_TRACE_AGENT_URL to http://HOST:8126 or unix:///path/of/socket.";
            (vec![bad("agent.bad_url", format!("nothing can be sent to {url}: {why}"), remedy)], None)
        }
    }
}

/// Checks a host and port.
fn tcp(
    settings: &Settings,
    host: &str,
    port: u16,
    time: &Time,
    facts: &mut Map<String, Json>,
) -> (Vec<Finding>, Option<TcpStream>) {
    let patience = time.step(settings.connect_timeout);
    let addresses = match wire::resolve(host, port, patience) {
        Ok(addresses) if !addresses.is_empty() => addresses,
        failed => return (unresolved(host, failed.err(), patience, settings), None),
    };
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    facts.insert("addresses".into(), json!(shown));
    let mut findings = Vec::new();
    if host.parse::<IpAddr>().is_err() {
        findings.push(good("agent.name_resolved", format!("{host} is {}", shown.join(", "))));
    }
    let patience = time.step(settings.connect_timeout);
    let begun = Instant::now();
    match wire::connect_tcp(&addresses, patience) {
        Ok(stream) => {
            findings.push(reachable(&settings.agent, begun.elapsed()));
            (findings, Some(stream))
        }
        Err(failures) => {
            findings.push(unconnected(&failures, host, patience, settings));
            (findings, None)
        }
    }
}

fn reachable(agent: &AgentAddress, took: Duration) -> Finding {
    good("agent.reachable", format!("{agent} accepted a connection in {}", millis(took)))
}

fn unresolved(host: &str, error: Option<io::Error>, patience: Duration, settings: &Settings) -> Vec<Finding> {
    let why = match error {
        Some(error) if error.kind() == io::ErrorKind::TimedOut => format!("no answer within {}", millis(patience)),
        Some(error) => plain(&error),
        None => "the name has no address".into(),
    };
    let remedy =
        "Correct the host name in DD_AGENT_HOST or DD_TRACE_AGENT_URL; `getent hosts NAME` shows whether this \
                  machine can resolve it. In a container, the container's network must resolve it.";
    let says = format!("the name {host} does not resolve: {why}");
    vec![beside(&settings.agent, |found| bad("agent.name_not_resolved", says, found + remedy))]
}

fn unconnected(failures: &[(SocketAddr, io::Error)], host: &str, patience: Duration, settings: &Settings) -> Finding {
    let lines = failures.iter().map(|(address, error)| match error.kind() {
        io::ErrorKind::TimedOut => format!("{address}: no connection in time"),
        _ => format!("{address}: {}", plain(error)),
    });
    let first = failures.first().map(|(_, error)| error.kind());
    let agent = &settings.agent;
    let (cause, says, remedy) = match first {
        Some(io::ErrorKind::ConnectionRefused) => (
            causes::refused(failures.first().map(|(address, _)| address.port()), false),
            format!("nothing listens at {agent}: the connection was refused"),
            refused_remedy(host),
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
    beside(&settings.agent, |found| with_evidence(bad(cause, says, found + &remedy), lines))
}

fn refused_remedy(host: &str) -> String {
    let local = host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let contained = host::container_id().is_some() || Path::new("/.dockerenv").exists();
    let mut text =
        "Start the Agent (`systemctl status datadog-agent`, `agent status`) with apm_config.enabled: true, or \
                    correct host and port (8126, or apm_config.receiver_port)."
            .to_string();
    if local && contained {
        text.push_str(
            " This process runs in a container, where localhost is the container itself: set the Agent's host.",
        );
    } else if !local {
        text.push_str("An Agent accepts traces from other machines only with apm_config.apm_non_local_traffic: true.");
    }
    text
}

/// Makes a finding about this address, with the state of other usual addresses of an Agent as evidence. Passes `make`
/// the beginning of the remedy, which names an Agent that was found.
fn beside(agent: &AgentAddress, make: impl FnOnce(String) -> Finding) -> Finding {
    let others = others(agent);
    let found = others.iter().find(|(_, seen)| *seen == Seen::Agent);
    let found = found.map(|(url, _)| format!("An Agent answers at {url}: set DD_TRACE_AGENT_URL={url}. "));
    let lines = others.iter().map(|(url, seen)| match seen {
        Seen::Agent => format!("an Agent answers at {url}"),
        Seen::Something => format!("a server that is not an Agent answers at {url}"),
        Seen::Nothing => format!("nothing answers at {url} either"),
    });
    with_evidence(make(found.unwrap_or_default()), lines)
}

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Agent,
    Something,
    Nothing,
}

/// Checks the usual addresses of an Agent other than this one.
fn others(not: &AgentAddress) -> Vec<(String, Seen)> {
    let is_default_port = match not {
        AgentAddress::Http { host, port, .. } => {
            let loopback =
                host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            *port == DEFAULT_PORT && loopback
        }
        _ => false,
    };
    let mut places = Vec::new();
    if default_socket_exists() && !matches!(not, AgentAddress::Unix { path } if path == Path::new(DEFAULT_SOCKET)) {
        places.push(AgentAddress::Unix { path: DEFAULT_SOCKET.into() });
    }
    if !is_default_port {
        places.push(AgentAddress::tcp("127.0.0.1", DEFAULT_PORT));
    }
    places.into_iter().map(|place| (place.to_string(), what_is_at(&place))).collect()
}

/// Connects to an address and asks for `/info`.
fn what_is_at(place: &AgentAddress) -> Seen {
    let stream = match place {
        AgentAddress::Unix { path } => wire::connect_unix(path.clone(), ELSEWHERE_MAX).ok(),
        AgentAddress::Http { port, .. } => {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), *port);
            wire::connect_tcp(&[address], ELSEWHERE_MAX).ok()
        }
        _ => None,
    };
    let (Some(stream), Some(target)) = (stream, wire::Target::of(place)) else { return Seen::Nothing };
    let answer = wire::get(stream, &target, "/info", ELSEWHERE_MAX);
    match info::judge(&answer, &target, &mut Map::new()).agent {
        info::Agent::Yes => Seen::Agent,
        _ => Seen::Something,
    }
}

/// Checks a Unix socket.
fn unix(settings: &Settings, path: &Path, time: &Time) -> (Vec<Finding>, Option<TcpStream>) {
    if let Some(finding) = socket::before(path) {
        return (vec![finding], None);
    }
    let begun = Instant::now();
    match wire::connect_unix(path.to_owned(), time.step(settings.connect_timeout)) {
        Ok(stream) => {
            let mut findings = vec![reachable(&settings.agent, begun.elapsed())];
            findings.extend(socket::only_for_root(path));
            (findings, Some(stream))
        }
        Err(error) => (vec![beside(&settings.agent, |found| socket::why(path, &error, found))], None),
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
