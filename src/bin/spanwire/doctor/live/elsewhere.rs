//! Looks for an Agent at the usual addresses of this machine or network, if none answers at the address in the settings.

use super::{info, wire};
use serde_json::{json, Map, Value as Json};
use spanwire::companion::settings::address::{DEFAULT_PORT, DEFAULT_SOCKET};
use spanwire::companion::settings::{AgentAddress, Origin, Settings};
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

/// Time limit for each step at another address. All addresses are tried at the same time.
const ELSEWHERE_MAX: Duration = Duration::from_millis(400);
/// Another port on which Agents are set up if 8126 is taken.
const OTHER_PORT: u16 = 8136;
/// Sockets of Agents: the usual one, the same without the link /var/run, and that of automatic instrumentation.
const SOCKETS: [&str; 3] = [DEFAULT_SOCKET, "/run/datadog/apm.socket", "/opt/datadog/apm/inject/run/apm.socket"];

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An Agent.
    Agent,
    /// Another server.
    Something,
    /// Nothing.
    Nothing,
}

impl Seen {
    fn name(self) -> &'static str {
        match self {
            Seen::Agent => "agent",
            Seen::Something => "other",
            Seen::Nothing => "nothing",
        }
    }
}

/// The addresses that were tried.
pub struct Elsewhere {
    tried: Vec<(AgentAddress, Seen)>,
}

impl Elsewhere {
    /// Tries the usual addresses other than that of the settings. `contained` says whether the process is in a
    /// container, whose gateway may be the machine with the Agent.
    pub fn look(settings: &Settings, contained: bool) -> Elsewhere {
        let places = places(settings, contained);
        let tries: Vec<_> = places
            .into_iter()
            .map(|place| {
                let tried = place.clone();
                (place, std::thread::Builder::new().spawn(move || what_is_at(&tried)))
            })
            .collect();
        let seen =
            |thread: std::io::Result<std::thread::JoinHandle<Seen>>| thread.ok().and_then(|thread| thread.join().ok());
        Elsewhere {
            tried: tries.into_iter().map(|(place, thread)| (place, seen(thread).unwrap_or(Seen::Nothing))).collect(),
        }
    }

    /// Returns the first Agent that was found.
    pub fn agent(&self) -> Option<&AgentAddress> {
        self.tried.iter().find(|(_, seen)| *seen == Seen::Agent).map(|(place, _)| place)
    }

    /// Returns an Agent that was found at another port of this host.
    pub fn at_other_port(&self, host: &str, port: u16) -> Option<&AgentAddress> {
        let agents = self.tried.iter().filter(|(_, seen)| *seen == Seen::Agent).map(|(place, _)| place);
        agents.into_iter().find(|agent| match agent {
            AgentAddress::Http { host: other, port: its, .. } => *its != port && is_same_host(host, other),
            _ => false,
        })
    }

    /// Returns a line for each address that was tried.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.tried.iter().map(|(place, seen)| match seen {
            Seen::Agent => format!("an Agent answers at {place}"),
            Seen::Something => format!("a server that is not an Agent answers at {place}"),
            Seen::Nothing => format!("nothing answers at {place} either"),
        })
    }

    /// Adds what was found for JSON.
    pub fn add_facts(&self, facts: &mut Map<String, Json>) {
        let tried = self.tried.iter().map(|(place, seen)| json!({ "url": place.to_string(), "seen": seen.name() }));
        facts.insert("elsewhere".into(), tried.collect());
        facts.insert("agent_found".into(), json!(self.agent().map(ToString::to_string)));
    }
}

/// Whether two names are of one host. All names of this machine's loopback are.
fn is_same_host(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || is_loopback(one) && is_loopback(other)
}

/// Whether a host is this machine itself.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Returns the addresses to try, each once, the likeliest first.
fn places(settings: &Settings, contained: bool) -> Vec<AgentAddress> {
    let mut places: Vec<AgentAddress> = Vec::new();
    let mut add = |host: &str, port: u16| {
        let place = AgentAddress::tcp(host, port);
        let is_new = |known: &AgentAddress| match known {
            AgentAddress::Http { host: other, port: its, .. } => *its != port || !is_same_host(host, other),
            _ => true,
        };
        if !host.is_empty() && is_new(&settings.agent) && places.iter().all(is_new) {
            places.push(place);
        }
    };
    // Host and port that a URL overrides are set for some reason.
    let set = |name: &str| settings.value(name).filter(|value| value.origin != Origin::Default);
    let (host, port) = (set("DD_AGENT_HOST"), set("DD_TRACE_AGENT_PORT").and_then(|port| port.value.parse().ok()));
    let host = match (host, port) {
        (Some(host), _) => host.value.as_str(),
        (None, Some(_)) => "127.0.0.1",
        (None, None) => "",
    };
    add(host, port.unwrap_or(DEFAULT_PORT));
    if let AgentAddress::Http { host, .. } = &settings.agent {
        add(host, DEFAULT_PORT);
        add(host, OTHER_PORT);
    }
    add(host, DEFAULT_PORT);
    add("127.0.0.1", DEFAULT_PORT);
    add("127.0.0.1", OTHER_PORT);
    if let Some(gateway) = gateway().filter(|_| contained) {
        add(&gateway.to_string(), DEFAULT_PORT);
    }
    let mut real = Vec::new();
    for path in SOCKETS.map(Path::new) {
        // /var/run is usually a link to /run.
        let Ok(whole) = fs::canonicalize(path) else { continue };
        let is_own = matches!(&settings.agent, AgentAddress::Unix { path: own } if fs::canonicalize(own).ok().as_ref() == Some(&whole));
        if !is_own && !real.contains(&whole) {
            real.push(whole);
            places.push(AgentAddress::Unix { path: path.to_owned() });
        }
    }
    places
}

/// Returns the default gateway. In a container it is usually the host.
fn gateway() -> Option<Ipv4Addr> {
    let text = fs::read_to_string("/proc/thread-self/net/route").ok()?;
    gateway_in(&text)
}

fn gateway_in(text: &str) -> Option<Ipv4Addr> {
    text.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (to, by) = (fields.next()?, fields.next()?);
        let by = u32::from_str_radix(by, 16).ok()?;
        (to == "00000000" && by != 0).then(|| Ipv4Addr::from(by.to_le_bytes()))
    })
}

/// Connects to an address and asks for `/info`.
fn what_is_at(place: &AgentAddress) -> Seen {
    let stream = match place {
        AgentAddress::Unix { path } => wire::connect_unix(path.clone(), ELSEWHERE_MAX).ok(),
        AgentAddress::Http { host, port, .. } => wire::resolve(host, *port, ELSEWHERE_MAX)
            .ok()
            .and_then(|addresses| wire::connect_tcp(&addresses, ELSEWHERE_MAX).ok()),
        _ => None,
    };
    let (Some(stream), Some(target)) = (stream, wire::Target::of(place)) else { return Seen::Nothing };
    let answer = wire::get(stream, &target, "/info", ELSEWHERE_MAX);
    match info::judge(&answer, &target, &mut Map::new()).agent {
        info::Agent::Yes => Seen::Agent,
        _ => Seen::Something,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_tried_once_and_never_the_one_in_the_settings() {
        let of = |values: &[(&str, &str)]| {
            let code: Vec<(String, String)> =
                values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let (settings, _) = Settings::resolve(&code, &|_| None, &spanwire::companion::languages::FOR_SETTINGS);
            let tcp = places(&settings, false).into_iter().filter(|place| matches!(place, AgentAddress::Http { .. }));
            tcp.map(|place| place.to_string()).collect::<Vec<_>>()
        };
        let url = |url: &'static str| ("DD_TRACE_AGENT_URL", url);
        assert_eq!(of(&[url("http://127.0.0.1:8126")]), ["http://127.0.0.1:8136"]);
        assert_eq!(of(&[url("http://localhost:9")]), ["http://localhost:8126", "http://localhost:8136"]);
        assert_eq!(
            of(&[url("http://agent:8126"), ("DD_AGENT_HOST", "other"), ("DD_TRACE_AGENT_PORT", "5000")]),
            [
                "http://other:5000",
                "http://agent:8136",
                "http://other:8126",
                "http://127.0.0.1:8126",
                "http://127.0.0.1:8136",
            ]
        );
    }

    #[test]
    fn the_gateway_is_read_from_the_table_of_routes() {
        let text =
            "Iface\tDestination\tGateway\tFlags\neth0\t000011AC\t00000000\t0001\neth0\t00000000\t010011AC\t0003\n";
        assert_eq!(gateway_in(text), Some(Ipv4Addr::new(172, 17, 0, 1)));
        assert_eq!(gateway_in("Iface\tDestination\n"), None);
    }

    #[test]
    fn the_loopback_has_many_names() {
        assert!(is_same_host("localhost", "127.0.0.1") && is_same_host("::1", "127.0.0.9") && is_same_host("a", "A"));
        assert!(!is_same_host("localhost", "agent"));
    }
}
