//! Agents that stall, reset, refuse, send invalid answers or answer slowly: they cost the host no time, and no span
//! that can be saved. Spans that cannot be saved are counted.

mod support;

use std::time::Duration;
use support::faults::{always, first, FaultAgent, Reply};
use support::hosts::{host, Host, Outcome};

/// Runs `steady.c` against this Agent: TRACES of 2 spans with tags of BYTES, and a flush of at most 20 s.
fn steady(agent: &FaultAgent, traces: u64, bytes: u64) -> Option<Host> {
    Some(host("steady.c")?.agent(&agent.url()).arg(traces).arg(2).arg(bytes).arg(0).arg(20_000).arg(3_000))
}

#[track_caller]
fn assert_all_arrived_once(agent: &FaultAgent, ran: &Outcome, spans: u64) {
    agent.assert_well_formed();
    assert_eq!(ran.object("steady")["flushed"], 0, "{}", ran.stdout);
    assert_eq!((ran.stat("spans_sent"), ran.dropped()), (spans, 0), "{}", ran.stdout);
    let arrived = agent.accepted();
    assert_eq!((arrived.distinct(), arrived.doubles()), (spans, 0));
}

#[test]
fn payloads_too_large_for_the_agent_are_halved_and_arrive() {
    let agent = always(Reply::TooLargeAbove(20_000)).start();
    let Some(host) = steady(&agent, 200, 500) else { return };
    let ran = host.run().ok();
    assert_all_arrived_once(&agent, &ran, 400);
    assert!(agent.received().iter().any(|payload| payload.status == 413), "no payload was ever too large");
}

#[test]
fn a_trace_that_no_halving_makes_small_enough_is_dropped_alone_and_counted() {
    let agent = always(Reply::TooLargeAbove(1_000)).start();
    let Some(host) = steady(&agent, 10, 4_000) else { return };
    let ran = host.run().ok();
    assert_eq!((ran.stat("spans_sent"), ran.stat("dropped_too_large")), (0, 20), "{}", ran.stdout);
}

#[test]
fn a_busy_agent_is_asked_again() {
    for status in [408, 429, 500, 503] {
        let agent = first(&[Reply::Status(status, ""), Reply::Status(status, "")], Reply::Ok).start();
        let Some(host) = steady(&agent, 50, 10) else { return };
        let ran = host.run().ok();
        assert_all_arrived_once(&agent, &ran, 100);
        let statuses: Vec<u16> = agent.received().iter().map(|payload| payload.status).take(2).collect();
        assert_eq!(statuses, [status, status]);
    }
}

#[test]
fn an_agent_that_names_a_time_is_left_alone_until_then() {
    let agent = first(&[Reply::Status(429, "Retry-After: 2\r\n")], Reply::Ok).start();
    let Some(host) = steady(&agent, 50, 10) else { return };
    let ran = host.run().ok();
    assert_all_arrived_once(&agent, &ran, 100);
    let received = agent.received();
    let waited = received[1].at - received[0].at;
    assert!(waited >= Duration::from_millis(1_900), "asked again after {waited:?}");
}

#[test]
fn a_payload_that_the_agent_refuses_is_dropped_and_counted_and_not_sent_again() {
    for status in [400, 401, 403, 404, 415] {
        let agent = always(Reply::Status(status, "")).start();
        let Some(host) = steady(&agent, 50, 10) else { return };
        let ran = host.run().ok();
        assert_eq!((ran.stat("spans_sent"), ran.stat("dropped_refused")), (0, 100), "{status}: {}", ran.stdout);
        let tally: usize = agent.received().iter().map(|payload| payload.chunks.len()).sum();
        // An Agent that knows neither v0.4 nor this format is tried once at the older endpoint.
        let endpoints = if matches!(status, 404 | 415) { 2 } else { 1 };
        assert_eq!(tally, 50 * endpoints, "{status}: sent again although no repetition can help");
    }
}

#[test]
fn an_agent_that_is_too_old_for_this_format_gets_the_spans_at_its_older_endpoint() {
    for status in [404, 415] {
        let agent = always(Reply::OnlyOld(status)).start();
        let Some(host) = steady(&agent, 50, 10) else { return };
        let ran = host.run().ok();
        assert_all_arrived_once(&agent, &ran, 100);
    }
}

#[test]
fn broken_connections_and_invalid_answers_lose_no_span() {
    for bad in [Reply::Reset, Reply::Swallow, Reply::Garbage] {
        let agent = first(&[bad.clone(), bad.clone(), bad.clone()], Reply::Ok).start();
        let Some(host) = steady(&agent, 50, 10) else { return };
        let ran = host.run().ok();
        assert_all_arrived_once(&agent, &ran, 100);
        assert!(agent.received().len() >= 4, "{bad:?}: {} payloads", agent.received().len());
    }
}

#[test]
fn payloads_that_may_arrive_twice_are_counted() {
    for bad in [Reply::Swallow, Reply::Reset, Reply::Garbage] {
        // On a new connection, and on one that was kept open.
        for script in [&[bad.clone()][..], &[Reply::Ok, bad.clone(), Reply::Ok, bad.clone()]] {
            let agent = first(script, Reply::Ok).start();
            let Some(ran) = several_payloads(&agent) else { return };
            assert_all_arrived_once(&agent, &ran, 5_000);
            let lost_sight = script.iter().filter(|reply| !matches!(reply, Reply::Ok)).count() as u64;
            let counted = (ran.stat("payloads_unknown"), ran.stat("attempts_failed"));
            assert_eq!(counted, (lost_sight, lost_sight), "{script:?}: {}", ran.stdout);
        }
    }
}

#[test]
fn an_agent_that_stalls_at_info_delays_no_traces() {
    let hour = Duration::from_secs(3600);
    // At the start, and after the Agent has reported a change.
    for state in ["", "Datadog-Agent-State: one\r\n"] {
        let agent = always(Reply::Status(200, state)).info(Reply::Stall(hour)).start();
        let Some(host) = steady(&agent, 50, 10) else { return };
        let ran = host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 60_000).run().ok();
        assert_all_arrived_once(&agent, &ran, 100);
        let stop = ran.object("steady")["stop_ms"].as_u64().unwrap_or(u64::MAX);
        assert!(stop < 2_000, "the shutdown took {stop} ms");
        let said = ran.stderr.lines().find(|line| line.contains("DATADOG TRACER CONFIGURATION"));
        assert!(said.is_some_and(|line| line.contains(r#""agent_error":null"#)), "{}", ran.stderr);
        assert_eq!(agent.infos(), 1);
    }
}

#[test]
fn an_agent_that_names_an_absurd_bound_loses_no_span() {
    for bound in ["0", "1", "-1", "1e400", "\"64\"", "18446744073709551615", "18446744073709551616"] {
        let agent = always(Reply::Ok).info_bound(bound).start();
        let Some(host) = steady(&agent, 50, 10) else { return };
        let ran = host.run().ok();
        assert_all_arrived_once(&agent, &ran, 100);
        assert!(agent.received().len() <= 3, "{bound}: {} payloads", agent.received().len());
    }
}

#[test]
fn a_stall_is_cut_off_and_the_payload_sent_again() {
    let agent = first(&[Reply::Stall(Duration::from_secs(60))], Reply::Ok).start();
    let Some(host) = steady(&agent, 50, 10) else { return };
    let ran = host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 300).run().ok();
    assert_all_arrived_once(&agent, &ran, 100);
}

#[test]
fn a_slow_answer_is_read_or_times_out() {
    // The answer has about 130 bytes: 1.3 s at 10 ms a byte, within the 2 s limit of a request; 13 s at 100 ms.
    let quick = always(Reply::Drip(Duration::from_millis(10))).start();
    let Some(host) = steady(&quick, 50, 10) else { return };
    let ran = host.run().ok();
    assert_all_arrived_once(&quick, &ran, 100);
    let slow = first(&[Reply::Drip(Duration::from_millis(100))], Reply::Ok).start();
    let Some(host) = steady(&slow, 50, 10) else { return };
    let ran = host.run().ok();
    assert_eq!((ran.stat("spans_sent"), ran.dropped()), (100, 0), "{}", ran.stdout);
    let took = ran.object("steady")["flush_ms"].as_u64().unwrap_or(u64::MAX);
    assert!(took < 10_000, "the flush took {took} ms");
}

#[test]
fn requests_go_on_at_full_speed_whatever_the_agent_does() {
    let hour = Duration::from_secs(3600);
    let agents =
        [always(Reply::Stall(hour)).for_info_too(), always(Reply::Reset).for_info_too(), always(Reply::Garbage)];
    for agent in agents {
        let agent = agent.start();
        let Some(host) = host("steady.c") else { return };
        // 3 s of traces, and then at most the second that the shutdown was given.
        let ran = host.agent(&agent.url()).arg(3_000).arg(3).arg(50).arg(1_000).arg(0).arg(1_000).run().ok();
        let times = ran.object("steady");
        let (worst, stop) = (&times["worst_wait_us"], &times["stop_ms"]);
        println!("silent or broken agent: longest wait in a trace {worst} us, shutdown {stop} ms of 1000");
        assert!(worst.as_u64().unwrap_or(u64::MAX) < 200_000, "a span call waited: {times}");
        assert!(stop.as_u64().unwrap_or(u64::MAX) < 2_000, "shutdown overran its budget: {times}");
        assert_eq!(ran.stat("spans_sent"), 0);
        assert_eq!(ran.dropped(), 9_000, "{}", ran.stdout);
    }
}

#[test]
fn a_silent_agent_of_one_tracer_does_not_delay_another() {
    let hour = Duration::from_secs(3600);
    for silent in [always(Reply::Stall(hour)), always(Reply::Stall(hour)).for_info_too()] {
        let (silent, good) = (silent.start(), always(Reply::Ok).start());
        let Some(host) = host("two_tracers.c") else { return };
        let ran = host.arg(silent.url()).arg(good.url()).run().ok();
        let times = ran.object("two");
        let flush = times["flush_ms"].as_u64().unwrap_or(u64::MAX);
        println!("flush beside a silent agent: {flush} ms");
        // A flush to an Agent that answers at once is promised to take at most 100 ms; ten times that is asserted.
        assert!(flush < 1_000, "{times}");
        assert!(times["silent_stop_ms"].as_u64().unwrap_or(u64::MAX) < 1_000, "shutdown was given 500 ms: {times}");
        let arrived = good.accepted();
        assert_eq!((arrived.distinct(), arrived.doubles()), (100, 0));
    }
}

#[test]
fn a_tracer_that_gave_up_on_an_agent_costs_its_neighbour_nothing() {
    let silent = always(Reply::Stall(Duration::from_secs(3600))).start();
    let Some(host) = host("neighbours.c") else { return };
    println!("{}", host.agent(&silent.url()).run().ok().object("neighbours"));
}

#[test]
fn tracers_that_come_and_go_need_no_flush_for_their_spans_to_leave() {
    for busy in [0, 1] {
        let agent = always(Reply::Ok).start();
        let Some(host) = host("coming_and_going.c") else { return };
        let ran = host.agent(&agent.url()).env("SPANWIRE_LOG_SINKS", "ring").arg(300).arg(busy).run().ok();
        agent.assert_well_formed();
        let arrived = agent.accepted();
        let of_the_other = ran.object("went")["busy"].as_u64().unwrap_or_default();
        assert_eq!((arrived.distinct(), arrived.doubles()), (300 + of_the_other, 0));
    }
}

#[test]
fn an_agent_that_cannot_say_what_it_can_do_is_not_asked_with_every_payload() {
    for info in [Reply::Stall(Duration::from_secs(3600)), Reply::Status(500, "")] {
        let agent = always(Reply::Ok).info(info).start();
        let Some(ran) = several_payloads(&agent) else { return };
        assert_all_arrived_once(&agent, &ran, 5_000);
        assert!(agent.infos() <= 2, "asked {} times for {} payloads", agent.infos(), agent.received().len());
    }
}

#[test]
fn an_agent_that_starts_later_gets_the_traces_that_waited() {
    let port = support::free_ports(1);
    let Some(host) = host("steady.c") else { return };
    let url = format!("http://127.0.0.1:{port}");
    // 2 s of traces; the Agent starts to listen after 3 s.
    let running = host.agent(&url).arg(2_000).arg(2).arg(20).arg(1_000).arg(30_000).spawn();
    std::thread::sleep(Duration::from_secs(3));
    let agent = always(Reply::Ok).start_on(port);
    let ran = running.wait().ok();
    assert_all_arrived_once(&agent, &ran, 4_000);
}

/// Payloads over 2.5 s: one each second and one at the end.
fn several_payloads(agent: &FaultAgent) -> Option<Outcome> {
    Some(host("steady.c")?.agent(&agent.url()).arg(2_500).arg(2).arg(20).arg(1_000).arg(10_000).run().ok())
}

#[test]
fn the_agent_is_told_which_rates_the_tracer_has() {
    let agent = always(Reply::Status(200, "Datadog-Rates-Payload-Version: v7\r\n")).start();
    if several_payloads(&agent).is_none() {
        return;
    }
    let said: Vec<_> = agent
        .received()
        .iter()
        .map(|payload| payload.head.header("datadog-rates-payload-version").map(str::to_owned))
        .collect();
    assert_eq!(said[0], None, "rates that were never received");
    assert!(said.len() > 1 && said[1..].iter().all(|version| version.as_deref() == Some("v7")), "{said:?}");
}

#[test]
fn the_agent_is_asked_what_it_can_do_once_and_again_when_it_has_changed() {
    let same = always(Reply::Status(200, "Datadog-Agent-State: one\r\n")).start();
    if several_payloads(&same).is_none() {
        return;
    }
    let changing =
        [Reply::Status(200, "Datadog-Agent-State: one\r\n"), Reply::Status(200, "Datadog-Agent-State: two\r\n")];
    let changed = first(&changing, Reply::Status(200, "Datadog-Agent-State: two\r\n")).start();
    several_payloads(&changed);
    let (same, changed) = (same.infos(), changed.infos());
    assert!((1..=2).contains(&same), "asked {same} times");
    assert!(changed > same, "asked {changed} times although it changed, {same} when it did not");
}
