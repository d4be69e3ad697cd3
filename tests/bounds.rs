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

/// Runs a mode of huge.c, and asserts that the process has grown no more than its limit of memory allows.
fn huge(mode: &str, spans: u64, memory: u64) {
    let Some((agent, host)) = with_agent("huge.c") else { return };
    let ran = host.arg(mode).arg(spans).env("SPANWIRE_MEMORY_MAX", memory).limit(300).run().ok();
    let huge = ran.object("huge");
    let kib = |name: &str| huge[name].as_u64().expect("a number");
    // Besides the counted memory, the allocator keeps freed memory.
    assert!(kib("grown_kib") <= kib("max_kib") + kib("max_kib") / 8, "{mode}: {huge}");
    agent.assert_well_formed();
}

#[test]
fn a_trace_of_a_million_spans_passes_in_bounded_memory() {
    huge("wide", 1_000_000, 16 << 20);
}

#[test]
fn a_parent_that_never_finishes_keeps_none_of_its_children_back() {
    huge("never", 300_000, 16 << 20);
}

#[test]
fn children_that_come_late_are_sent_and_counted() {
    huge("late", 100_000, 64 << 20);
    huge("outlive", 100_000, 64 << 20);
}

#[test]
fn traces_whose_roots_never_finish_do_not_keep_new_spans_from_starting() {
    huge("leaked", 200_000, 16 << 20);
}

#[test]
fn each_part_of_a_trace_has_decision_and_high_id_on_its_first_span_alone_and_no_span_comes_twice() {
    let agent = always(Reply::Ok).start();
    for (mode, parts) in [("wide", 4), ("never", 4), ("outlive", 4)] {
        let before = agent.chunks().len();
        let Some(host) = host("huge.c") else { return };
        host.agent(&agent.url()).arg(mode).arg(3_500).run().ok();
        let chunks = &agent.chunks()[before..];
        assert_eq!(chunks.len(), parts, "{mode}");
        let spans: Vec<_> = chunks.iter().flatten().collect();
        let ids: std::collections::HashSet<u64> = spans.iter().map(|span| span.span_id).collect();
        assert_eq!((spans.len(), ids.len()), if mode == "never" { (3_499, 3_499) } else { (3_500, 3_500) }, "{mode}");
        assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id), "{mode}");
        for chunk in chunks {
            for (n, span) in chunk.iter().enumerate() {
                let carried = [span.meta.contains_key("_dd.p.tid"), span.meta.contains_key("_dd.p.dm")];
                let priority = span.metrics.contains_key("_sampling_priority_v1");
                assert_eq!((carried, priority), ([n == 0; 2], n == 0), "{mode}: span {n} of {}", chunk.len());
            }
        }
    }
    agent.assert_well_formed();
}
