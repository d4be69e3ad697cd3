//! Limits that the library promises: stack, memory, time. Time limits are asserted at ten times the promise.

mod support;

use support::faults::{always, Reply};
use support::hosts::{host, Host};

/// Returns a host and the Agent that it sends to.
fn with_agent(file: &str) -> Option<(support::faults::FaultAgent, Host)> {
    let agent = always(Reply::Ok).counting_only().start();
    let host = host(file)?.agent(&agent.url()).env("DD_TRACE_STARTUP_LOGS", "false");
    Some((agent, host))
}

#[test]
fn a_coroutine_with_a_small_stack_can_make_every_span_call() {
    let Some((_agent, host)) = with_agent("stack.c") else { return };
    host.env("SPANWIRE_LOG_SINKS", "ring").run().ok();
}

#[test]
fn a_span_that_is_changed_for_ever_does_not_grow() {
    let Some((_agent, host)) = with_agent("endless.c") else { return };
    host.env("SPANWIRE_MEMORY_MAX", 2 << 20).run().ok();
}

#[test]
fn a_million_open_spans_do_not_make_the_end_late() {
    let Some((_agent, host)) = with_agent("crowd.c") else { return };
    host.arg(1_000_000).env("SPANWIRE_MEMORY_MAX", 4u64 << 30).run().ok();
}

#[test]
fn spans_stay_within_their_memory_and_give_it_back() {
    for shape in ["nested", "wide", "tags", "threads"] {
        let Some((_agent, host)) = with_agent("bounded.c") else { return };
        let ran = host.arg(shape).run().ok();
        let kib = |name: &str| ran.object("bounded")[name].as_u64().expect("a number");
        // Besides the counted memory, the allocator keeps freed memory; with threads it has a heap for each.
        let more = if shape == "threads" { kib("max_kib") / 2 } else { kib("max_kib") / 8 };
        assert!(kib("grown_kib") <= kib("max_kib") + more, "{shape}: {}", ran.object("bounded"));
        // The table of spans stays: half of what all spans took.
        assert!(kib("used_after_kib") <= kib("max_kib") / 8 * 5, "{shape}: {}", ran.object("bounded"));
    }
}

#[test]
fn a_queue_that_stays_full_does_not_fill_the_log_with_begun_and_ended() {
    let Some(host) = host("flood.c") else { return };
    let host = host.env("DD_TRACE_AGENT_URL", "file:///dev/null").env("DD_TRACE_STARTUP_LOGS", "false");
    host.env("SPANWIRE_LOG_SINKS", "ring").env("SPANWIRE_QUEUE_MAX", 16 << 10).run().ok();
}
