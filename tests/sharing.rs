//! Tracers with the same Agent share only the connection. Each has its own time limits, flush interval and queue, and
//! waiting spans of one do not delay those of another.

mod support;

use std::time::Duration;
use support::faults::{always, FaultAgent, Reply};
use support::hosts::{host, root};

fn sharing(way: &str, agent: FaultAgent) {
    let Some(host) = host("sharing.c") else { return };
    host.arg(way).arg(agent.url()).run().ok();
}

#[test]
fn a_tracer_that_allows_little_time_is_not_held_by_what_another_allows() {
    sharing("timeouts", always(Reply::Stall(Duration::from_secs(3600))).start());
}

#[test]
fn a_short_flush_interval_holds_beside_a_long_one() {
    sharing("intervals", always(Reply::Ok).start());
}

#[test]
fn a_backlog_of_one_tracer_drops_no_span_of_another() {
    let Some(host) = host("sharing.c") else { return };
    host.arg("queues").arg(format!("http://127.0.0.1:{}", support::free_ports(1))).run().ok();
}

#[test]
fn a_flush_is_served_while_payloads_of_another_tracer_are_refused_again_and_again() {
    sharing("turns", always(Reply::BusyFor("refused-service")).start());
}

#[test]
fn freed_tracers_hold_no_slot_in_an_outage_and_their_spans_arrive_when_it_ends() {
    let Some(host) = host("sharing.c") else { return };
    let folder = root().join(format!("target/test-hosts/slots-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (port, file) = (support::free_ports(1), folder.join("arrived"));
    let running = host.arg("slots").arg(format!("http://127.0.0.1:{port}")).arg(file.display()).spawn();
    std::thread::sleep(Duration::from_secs(1));
    let agent = always(Reply::Ok).start_on(port);
    let arrived = support::wait_until(Duration::from_secs(40), || agent.accepted().distinct() == 300);
    std::fs::write(&file, "").expect("the file that ends the host");
    running.wait().ok();
    assert!(arrived && agent.accepted().doubles() == 0, "{} of 300 arrived", agent.accepted().distinct());
    let _ = std::fs::remove_dir_all(folder);
}
