//! Formats as a user meets them: tracers that ask for different ones, an Agent that changes while spans flow, and what a
//! Collector gets of traces that sampling rejects. `tests/formats.rs` compares what the formats hold.

#[path = "formats/changing.rs"]
mod changing;
#[path = "formats/collector.rs"]
mod collector;
#[path = "formats/server.rs"]
mod server;
mod support;

use changing::{Changing, Kind, Phase};
use collector::{Collector, Reply};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use support::agent::TestAgent;
use support::hosts::{host, Host, Outcome};

const ALL: &[&str] = &["/v0.4/traces", "/v0.5/traces", "/v1.0/traces"];
const FOREVER: usize = usize::MAX;
const AGENT: Phase = Phase { payloads: FOREVER, lists: ALL, serves: ALL, state: "a", kind: Kind::Agent };

/// Three tracers, which ask for v0.5, v1.0 and v0.4.
fn tracers(traces: u32, pause_us: u32) -> Option<Host> {
    let host = host("two_formats.c")?.env("SPANWIRE_LOG_SINKS", "stderr").env("SPANWIRE_LOG_DIALECT", "json");
    let host = host.env("DD_TRACE_DEBUG", "1").env("DD_REMOTE_CONFIGURATION_ENABLED", "false");
    Some(host.env("SPANWIRE_RETRY_FOR_MS", 60_000).arg(traces).arg(pause_us))
}

/// How many payloads were taken at each path.
fn taken(received: &[(String, u16)]) -> BTreeMap<&str, usize> {
    let mut taken = BTreeMap::new();
    for (path, _) in received.iter().filter(|(_, status)| *status == 200) {
        *taken.entry(path.as_str()).or_default() += 1;
    }
    taken
}

/// The lines that say that traces go to another path: the path, for each.
fn lines(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.stderr.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let said = lines.filter(|line| line["kind"] == "agent.format");
    said.map(|line| line["url"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn tracers_that_ask_for_different_formats_each_get_theirs_at_one_agent() {
    let Some(agent) = TestAgent::start() else { return };
    let Some(host) = tracers(20, 10_000) else { return };
    let outcome = host.agent(&agent.tcp()).run().ok();
    assert_eq!(outcome.object("all")["sent"], 60);
    agent.assert_checks_passed();
    let mut seen = BTreeMap::new();
    for span in agent.traces().iter().flatten() {
        *seen.entry(span.service.clone()).or_insert(0) += 1;
    }
    assert_eq!(seen.into_values().collect::<Vec<_>>(), [20, 20, 20]);
    // Each format holds the service of the tracer that asks for it, and of no other.
    for request in agent.requests().iter().filter(|request| request.url.ends_with("/traces")) {
        let says = |version: &str| {
            let service = format!("asks for {version}");
            request.body.windows(service.len()).any(|bytes| bytes == service.as_bytes())
        };
        for (version, path) in [("0.5", "/v0.5/traces"), ("1.0", "/v1.0/traces")] {
            let here = request.url.ends_with(path);
            assert!(!here || says(version), "{}", request.url);
            assert!(!here || ["0.4", "0.5", "1.0"].iter().all(|other| other == &version || !says(other)));
        }
    }
    // The first ones may have left before the agent had described itself.
    let paths = agent.requests().into_iter().filter(|request| request.url.ends_with("/traces"));
    let new = paths.filter(|request| !request.url.ends_with("/v0.4/traces")).count();
    assert!(new >= 30, "{new}");
    assert!(lines(&outcome).len() <= 2, "{:?}", lines(&outcome));
}

#[test]
fn an_agent_without_one_of_the_formats_is_told_of_once_for_each_tracer_that_asks_for_it() {
    const LISTS: &[&str] = &["/v0.4/traces", "/v1.0/traces"];
    const PHASES: &[Phase] = &[Phase { lists: LISTS, serves: LISTS, ..AGENT }];
    let agent = Changing::start(PHASES);
    let Some(host) = tracers(40, 5_000) else { return };
    let outcome = host.agent(&agent.url()).run().ok();
    assert_eq!(outcome.object("all")["sent"], 120);
    let received = agent.received();
    let taken = taken(&received);
    assert_eq!((taken.values().sum::<usize>(), taken.contains_key("/v0.5/traces")), (120, false), "{taken:?}");
    assert!(taken["/v1.0/traces"] >= 20, "{taken:?}");
    let said = lines(&outcome);
    let old = said.iter().filter(|url| url.ends_with("/v0.4/traces")).count();
    assert!((1..=2).contains(&old) && said.len() <= 3, "{said:?}");
}

#[test]
fn an_agent_that_changes_in_every_way_while_three_tracers_send_loses_nothing_uncounted() {
    const NEWEST: &[&str] = &["/v0.4/traces", "/v1.0/traces"];
    const OLD: &[&str] = &["/v0.4/traces"];
    const PHASES: &[Phase] = &[
        Phase { payloads: 30, ..AGENT },
        // Loses two, restarts as a newer version without one, is replaced by a web server, goes away, comes back as the
        // first one, and refuses what it lists.
        Phase { payloads: 30, lists: OLD, serves: OLD, state: "b", ..AGENT },
        Phase { payloads: 4, kind: Kind::Away, ..AGENT },
        Phase { payloads: 30, lists: NEWEST, serves: NEWEST, state: "c", ..AGENT },
        Phase { payloads: 4, kind: Kind::Web, ..AGENT },
        Phase { payloads: 30, ..AGENT },
        Phase { serves: OLD, state: "d", ..AGENT },
    ];
    let agent = Changing::start(PHASES);
    let Some(host) = tracers(70, 5_000) else { return };
    let outcome = host.agent(&agent.url()).run().ok();
    assert_eq!(outcome.object("all")["sent"], 210, "{}", outcome.stderr);
    let received = agent.received();
    let genuine: usize = taken(&received).values().sum();
    // The web server has answered 200 to four.
    assert_eq!(genuine, 210 + 4, "{received:?}");
    // At most one line for each tracer and phase in which its format changes.
    let said = lines(&outcome);
    assert!((2..=12).contains(&said.len()), "{said:?}");
}

/// Sends a trace that sampling keeps or rejects as OTLP. Returns its payload.
fn as_otlp(rate: &str) -> Option<Vec<u8>> {
    const TAKEN: &[Reply] = &[(200, "Content-Type: application/x-protobuf\r\n", b"")];
    let collector = Collector::start(TAKEN);
    let host = host("flushing.c")?.env("DD_SERVICE", "shop").env("DD_TRACE_SAMPLE_RATE", rate).arg(1).arg(0);
    let outcome = host.agent(&collector.url("otlp+http")).run().ok();
    assert_eq!((outcome.stat("spans_sent"), outcome.dropped()), (1, 0));
    collector.received().pop().map(|(_, body)| body)
}

#[test]
fn a_trace_that_sampling_rejects_goes_to_a_collector_with_its_decision() {
    for (rate, flags, priority) in [("1", 1, 2u8), ("0", 0, 0xff)] {
        let Some(body) = as_otlp(rate) else { return };
        let has = |bytes: &[u8]| body.windows(bytes.len()).any(|at| at == bytes);
        // Field 16 of a span: its flags, of four bytes.
        assert!(has(&[0x85, 0x01, flags, 0, 0, 0]), "{rate}: {body:x?}");
        // The value is an integer, which is what the Collector's tail_sampling compares: -1 has ten bytes.
        let value: &[u8] = if priority == 2 { &[0x12, 2, 0x18, 2] } else { &[0x12, 11, 0x18, 0xff, 0xff, 0xff] };
        assert!(has(&[b"_sampling_priority_v1", value].concat()), "{rate}: {body:x?}");
    }
}
