//! The shutdown of a tracer ends early if waiting is useless, and the log names everything that was not sent.

mod support;

use std::time::Duration;
use support::faults::{always, Reply};
use support::hosts::{host, Outcome};

fn stopping(way: &str, ms: u64, url: &str) -> Option<Outcome> {
    let host = host("stopping.c")?.agent(url).env("SPANWIRE_FLUSH_INTERVAL_MS", 20).env("SPANWIRE_LOG_SINKS", "stderr");
    Some(host.arg(way).arg(ms).run().ok())
}

fn status_and_ms(ran: &Outcome) -> (i64, u64) {
    let said = ran.object("stopping");
    (said["status"].as_i64().unwrap_or(0), said["ms"].as_u64().unwrap_or(u64::MAX))
}

#[test]
fn a_process_ends_at_once_where_every_connection_is_refused() {
    let refusing = format!("http://127.0.0.1:{}", support::free_ports(1));
    for url in [refusing.as_str(), "http://localhost:1", "unix:///no/such/apm.socket"] {
        for (way, spans) in [("now", 100), ("late", 200)] {
            let Some(ran) = stopping(way, 60_000, url) else { return };
            let (status, ms) = status_and_ms(&ran);
            // A hundred milliseconds are promised; ten times that is asserted.
            assert!(ms < 1_000, "{url}: the shutdown took {ms} ms");
            assert_eq!(status, -20, "nothing was delivered: {}", ran.stdout);
            assert_eq!(ran.stat("dropped_unreachable"), spans, "{url}: {}", ran.stdout);
            let line = format!("tracer stopped: sent=0 lost={spans} unknown=0 timed_out=false");
            assert!(ran.stderr.contains(&line), "{}", ran.stderr);
        }
    }
}

#[test]
fn the_last_line_names_spans_whose_request_has_no_answer() {
    let silent = always(Reply::Stall(Duration::from_secs(3600))).start();
    let Some(ran) = stopping("flight", 300, &silent.url()) else { return };
    let (status, ms) = status_and_ms(&ran);
    assert!(status == -20 && ms < 3_000, "{}", ran.stdout);
    let line = "tracer stopped: sent=0 lost=0 unknown=100 timed_out=true; 100 spans were sent without an answer";
    assert!(ran.stderr.contains(line), "{}", ran.stderr);
    assert_eq!(ran.stat("dropped_unknown_fate"), 100, "{}", ran.stdout);
}

#[test]
fn an_agent_that_asks_for_a_pause_keeps_no_process_from_ending_in_time() {
    let busy = always(Reply::Status(429, "Retry-After: 5\r\n")).start();
    let Some(ran) = stopping("flight", 300, &busy.url()) else { return };
    let (status, ms) = status_and_ms(&ran);
    assert!(status == -20 && ms < 3_000, "{}", ran.stdout);
    assert_eq!(ran.stat("dropped_shutdown"), 100, "{}", ran.stdout);
    assert_eq!(busy.received().len(), 1, "asked again although it named a time");
}
