//! Traces over several services, by real HTTP: services on spanwire beside services on ddtrace, dd-trace and
//! OpenTelemetry, before and after one another. Each request is one connected trace at a real Agent, with its ids,
//! sampling priority, origin, trace tags, baggage and tracestate.
//!
//! A service of another language needs a program that follows the protocol of `distributed/hops.rs`; the test starts it
//! and calls `assert_round_trips`.

#[allow(dead_code)] // each test binary uses its own part of this
#[path = "php/extension.rs"]
mod extension;
#[path = "distributed/fpm.rs"]
mod fpm;
#[path = "distributed/hops.rs"]
mod hops;
#[path = "distributed/ours.rs"]
mod ours;
mod support;
#[path = "distributed/ways.rs"]
mod ways;

use support::agent::TestAgent;

/// What is asserted of services on spanwire must also hold among the other tracers.
#[test]
fn the_peers_keep_one_anothers_contexts() {
    let Some(agent) = TestAgent::start() else { return };
    let peers = hops::peers(&agent);
    for peer in &peers {
        ways::assert_round_trips(&agent, peer, &peers);
    }
}

#[test]
fn ruby_under_puma_and_the_peers_keep_one_anothers_contexts() {
    let Some(agent) = TestAgent::start() else { return };
    let Some(ruby) = ours::ruby(&agent) else { return };
    ways::assert_round_trips(&agent, &ruby, &hops::peers(&agent));
}

#[test]
fn a_cpp_service_and_the_peers_keep_one_anothers_contexts() {
    let Some(agent) = TestAgent::start() else { return };
    let Some(cpp) = ours::cpp(&agent) else { return };
    ways::assert_round_trips(&agent, &cpp, &hops::peers(&agent));
}

/// Here services on spanwire in three languages also pass requests to one another.
#[test]
fn php_under_php_fpm_and_the_peers_keep_one_anothers_contexts() {
    let (Some(php), Some(agent)) = (extension::php(), TestAgent::start()) else { return };
    let Some(php) = fpm::Fpm::start(php, &agent) else { return };
    let mut peers = hops::peers(&agent);
    peers.extend(ours::ruby(&agent));
    peers.extend(ours::cpp(&agent));
    ways::assert_round_trips(&agent, &php.service, &peers);
}
