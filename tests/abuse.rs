//! Invalid arguments of any kind do not harm the host, and the Agent gets only payloads that it can read.

mod support;

use std::time::Duration;
use support::faults::{always, FaultAgent, Reply};
use support::hosts::{host, require};

fn assert_repaired(agent: &FaultAgent) {
    agent.assert_well_formed();
    let spans: Vec<_> = agent.chunks().into_iter().flatten().collect();
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} arrives"));
    let texts = named("texts");
    assert_eq!(texts.tag("latin1"), "caf\u{fffd}");
    assert_eq!(texts.tag("key\u{fffd}"), "odd key");
    assert_eq!(texts.tag("nul"), "a\0b");
    assert_eq!((texts.meta.get("empty"), texts.meta.get("empty too")), (Some(&String::new()), Some(&String::new())));
    assert_eq!(texts.tag("measured"), "yes");
    assert_eq!(texts.tag("10 MiB"), "a".repeat(25_000));
    assert_eq!(texts.tag("10 MiB too"), "a".repeat(25_000));
    assert_eq!(texts.tag("euros"), "€".repeat(25_000 / 3), "cut at a character");
    assert_eq!(texts.resource, "€".repeat(5_000 / 3));
    assert!(texts.meta.contains_key(&"€".repeat(200 / 3)), "a long key is cut");
    assert!(texts.meta.iter().all(|(key, value)| key.len() <= 200 && value.len() <= 25_000));
    let numbers = named("numbers");
    assert!(numbers.metrics.values().all(|number| number.is_finite()), "{:?}", numbers.metrics);
    assert_eq!((numbers.metrics["n6"], numbers.metrics["n7"]), (f64::MAX, 9007199254740992.0));
    assert_eq!(numbers.error, 1);
    for span in spans.iter().filter(|span| span.name == "times") {
        assert!(span.duration >= 0, "{span:?}");
    }
    for name in ["tags", "tags at once"] {
        let filled = named(name);
        assert!(filled.meta.len() >= 1024 && filled.meta.len() < 1024 + 20, "{name}: {} tags", filled.meta.len());
    }
    assert_eq!(named("tags").tag("key 5"), "a known key can still change");
    assert_eq!(spans.iter().filter(|span| span.name == "orphan").count(), 5);
    assert!(spans.iter().all(|span| !span.name.is_empty()), "every span has a name");
}

#[test]
fn no_misuse_harms_the_host() {
    let agent = always(Reply::Ok).start();
    let Some(host) = host("abuse.c") else { return };
    host.agent(&agent.url()).run().ok();
    assert_repaired(&agent);
}

#[test]
fn no_misuse_touches_memory_that_is_not_the_tracers() {
    let agent = always(Reply::Ok).start();
    let Some(host) = host("abuse.c") else { return };
    if !require("valgrind") {
        return;
    }
    // Ten thousand random handles instead of a million, and a longer time limit, because valgrind is slow.
    host.agent(&agent.url())
        .arg(10_000)
        .env("SPANWIRE_REQUEST_TIMEOUT_MS", 60_000)
        .limit(300)
        .under_memcheck()
        .run()
        .ok();
    assert_repaired(&agent);
}

#[test]
fn no_agent_makes_the_tracer_touch_memory_that_is_not_its_own() {
    let Some(host) = host("steady.c") else { return };
    if !require("valgrind") {
        return;
    }
    let bad =
        [Reply::Garbage, Reply::Reset, Reply::Swallow, Reply::Status(503, ""), Reply::Drip(Duration::from_millis(2))];
    let agent = support::faults::first(&bad, Reply::TooLargeAbove(10_000)).start();
    let host = host.agent(&agent.url()).arg(200).arg(3).arg(200).arg(0).arg(30_000);
    host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 20_000).limit(120).under_memcheck().run().ok();
    agent.assert_well_formed();
    let arrived = agent.accepted();
    assert_eq!((arrived.distinct(), arrived.doubles()), (600, 0));
}
