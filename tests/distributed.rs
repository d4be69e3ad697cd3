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
#[path = "distributed/shop.rs"]
mod shop;
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

#[test]
fn php_calling_puma_calling_cpp_is_one_tree_and_one_id_finds_the_log_lines_of_all_three() {
    let (Some(php), Some(agent)) = (extension::php(), TestAgent::start()) else { return };
    let Some(shop) = shop::Shop::start(php, &agent) else { return };
    for _ in 0..2 {
        let spans = shop.request(&agent);
        let names: Vec<String> = spans.iter().map(|span| format!("{} {}", span.service, span.name)).collect();
        let promised = [
            "php web.request",
            "php curl_exec",
            "ruby rack.request",
            "ruby http.request",
            "cpp web.request",
            "cpp price.query",
        ];
        assert_eq!(names, promised, "{spans:#?}");
        // Each is the child of the one before: the services form a chain.
        assert!(spans.windows(2).all(|pair| pair[1].parent_id == pair[0].span_id), "{spans:#?}");
        assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id), "{spans:#?}");
        let id = format!("{}{:016x}", spans[0].tag("_dd.p.tid"), spans[0].trace_id);
        for (service, log) in shop.logs() {
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(&id)).collect();
            let [line] = lines.as_slice() else { panic!("{service} has {} lines with {id}:\n{log}", lines.len()) };
            assert!(line.contains(&format!("dd.service={service}")), "{line}");
            let of_span = |span: &&support::payload::Span| line.contains(&format!("dd.span_id={}", span.span_id));
            let span = spans.iter().find(of_span).unwrap_or_else(|| panic!("no span of {line} in {spans:#?}"));
            assert_eq!(span.service, service, "{line}");
        }
    }
    agent.assert_checks_passed();
}
