//! Pauses between attempts: the library does not send to an overloaded Agent during a pause, whatever headers the Agent
//! sends and whatever the host calls.

mod support;

use std::time::Duration;
use support::faults::{always, first, Reply};
use support::hosts::host;

#[test]
fn an_overloaded_agent_that_names_no_time_to_wait_is_not_asked_without_pause() {
    for header in ["Retry-After: 0\r\n", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", ""] {
        let agent = always(Reply::Status(503, header)).start();
        let Some(host) = host("steady.c") else { return };
        // Five traces, a flush of 1.5 s.
        let ran = host.agent(&agent.url()).arg(5).arg(2).arg(10).arg(0).arg(1_500).arg(100).run().ok();
        assert_eq!(ran.stat("spans_sent"), 0);
        // 0.1 + 0.2 + 0.4 + 0.8 s: four or five requests.
        let requests = agent.received().len();
        assert!((2..=10).contains(&requests), "{requests} requests in 1.5 s after {header:?}");
    }
}

#[test]
fn nothing_that_a_host_does_ends_a_pause_that_the_agent_asked_for() {
    let agent = first(&[Reply::Status(429, "Retry-After: 2\r\n")], Reply::Ok).start();
    let Some(host) = host("impatient.c") else { return };
    host.agent(&agent.url()).arg(1_000).run().ok();
    let received = agent.received();
    let waited = received[1].at - received[0].at;
    assert!(waited >= Duration::from_millis(1_900), "asked again after {waited:?}");
}

#[test]
fn flushes_do_not_add_up_to_a_storm_of_requests() {
    let agent = always(Reply::Status(503, "")).start();
    let Some(host) = host("impatient.c") else { return };
    let ran = host.agent(&agent.url()).env("SPANWIRE_RETRY_FOR_MS", 1_000).arg(2_000).run().ok();
    assert_eq!(ran.stat("spans_sent"), 0);
    // At most one request in 75 ms, the shortest pause, as long as the host runs.
    let (requests, most) = (agent.received().len(), ran.took.as_millis() as usize / 75 + 2);
    assert!(requests <= most, "{requests} requests in {:?}", ran.took);
}
