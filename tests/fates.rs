//! What became of a trace, asked through the C API: for each way in which a trace can end.

mod support;

use serde_json::Value as Json;
use std::time::Duration;
use support::faults::{always, first, Reply};
use support::hosts::{host, Host};

const OPEN: u64 = 1;
const QUEUED: u64 = 2;
const IN_FLIGHT: u64 = 3;
const SENT: u64 = 4;
const DROPPED: u64 = 5;
const ABANDONED: u64 = 6;
const DISCARDED: u64 = 7;

/// `dropped`: 1 more than the place among the reasons of `spanwire_stats`.
const QUEUE_FULL: u64 = 1;
const UNREACHABLE: u64 = 3;
const REFUSED: u64 = 4;
const TOO_LARGE: u64 = 5;
const SHUTDOWN: u64 = 6;
const UNKNOWN_FATE: u64 = 8;

/// A host that does this, and whose spans go to this URL.
fn fates(url: &str, actions: &[&str]) -> Option<Host> {
    let host = host("fates.c")?.agent(url).env("DD_TRACE_STARTUP_LOGS", "false").env("SPANWIRE_LOG_SINKS", "ring");
    Some(actions.iter().fold(host, |host, action| host.arg(action)))
}

/// The fates that a host prints.
fn run(host: Host) -> Vec<Json> {
    host.run().ok().objects("fate")
}

#[track_caller]
fn assert_fate(fate: &Json, wanted: &[(&str, i64)], words: &[&str]) {
    for (name, value) in wanted {
        assert_eq!(fate[name].as_i64(), Some(*value), "{name} of {fate:#}");
    }
    let text = fate["text"].as_str().expect("a text");
    for word in words {
        assert!(text.contains(word), "nothing says {word:?}: {text}");
    }
}

#[track_caller]
fn state(fate: &Json) -> u64 {
    fate["state"].as_u64().expect("a state")
}

#[test]
fn a_trace_that_the_agent_has_accepted_is_sent_with_its_decision() {
    let agent = always(Reply::Ok).start();
    let Some(host) = fates(&agent.url(), &["trace", "keep", "drop", "flush=20000", "ask"]) else { return };
    let all = run(host);
    assert_eq!(all.iter().map(state).collect::<Vec<_>>(), [SENT; 3]);
    assert_fate(&all[0], &[("sent", 2), ("status", 200), ("priority", 1), ("pending", 0)], &["the Agent answered 200"]);
    assert_fate(&all[1], &[("priority", 2), ("mechanism", -4)], &["kept it with priority 2, because the program"]);
    let words = ["rejected it with priority -1, because the program", "stores nothing of it"];
    assert_fate(&all[2], &[("priority", -1), ("sent", 2)], &words);
}

#[test]
fn a_trace_that_sampling_rejects_names_what_decided() {
    let agent = always(Reply::Ok).start();
    let rules = r#"[{"name":"other","sample_rate":1},{"name":"web.request","sample_rate":0}]"#;
    // A rule without a rate is not used, and counts all the same.
    let unusable = r#"[{"name":"other"},{"name":"web.request","sample_rate":0}]"#;
    let by_rate = r#"[{"name":"web.request","sample_rate":1,"max_per_second":0}]"#;
    for (name, value, rule, limited, words) in [
        ("DD_TRACE_SAMPLING_RULES", rules, 2, 0, "by rule 2 of DD_TRACE_SAMPLING_RULES with a rate of 0"),
        ("DD_TRACE_SAMPLING_RULES", unusable, 2, 0, "by rule 2 of DD_TRACE_SAMPLING_RULES with a rate of 0"),
        (
            "DD_TRACE_SAMPLING_RULES",
            by_rate,
            1,
            1,
            "by rule 1 of DD_TRACE_SAMPLING_RULES with a rate of 1 and the limit",
        ),
        ("DD_TRACE_SAMPLE_RATE", "0", 32_767, 0, "by DD_TRACE_SAMPLE_RATE with a rate of 0"),
    ] {
        let Some(host) = fates(&agent.url(), &["trace", "flush=20000", "ask"]) else { return };
        let all = run(host.env(name, value));
        assert_eq!(state(&all[0]), SENT, "{:#}", all[0]);
        let wanted = [("priority", -1), ("mechanism", -3), ("rule", rule), ("limited", limited)];
        assert_fate(&all[0], &wanted, &["rejected it with priority -1", words]);
    }
    let Some(host) = fates(&agent.url(), &["trace", "trace", "flush=20000", "ask"]) else { return };
    let all = run(host.env("DD_APM_TRACING_ENABLED", "false"));
    assert_fate(&all[1], &[("rule", 32_766), ("priority", 0)], &["DD_APM_TRACING_ENABLED is false"]);
}

#[test]
fn a_trace_with_open_spans_is_open_and_one_in_the_queue_is_queued() {
    // While the worker waits for this agent, nothing else leaves the queue.
    let agent = always(Reply::Stall(Duration::from_secs(60))).start();
    let waits = format!("until={IN_FLIGHT}");
    let Some(host) = fates(&agent.url(), &["trace", &waits, "trace", "open", "ask"]) else { return };
    let all = run(host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 60_000));
    assert_eq!(all.iter().map(state).collect::<Vec<_>>(), [IN_FLIGHT, QUEUED, OPEN]);
    assert_fate(&all[0], &[("pending", 2), ("sent", 0)], &[]);
    assert_fate(&all[1], &[("pending", 2), ("sent", 0)], &[]);
    assert_fate(&all[2], &[("open", 1), ("waiting", 1), ("sent", 0)], &["not complete: 1 span open, for which 1 span"]);
}

#[test]
fn a_trace_of_several_chunks_sums_up() {
    let agent = always(Reply::Ok).start();
    let Some(host) = fates(&agent.url(), &["open", "flush=20000", "ask", "shutdown=20000", "ask"]) else { return };
    let all = run(host.env("DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", 1));
    assert_eq!(state(&all[0]), OPEN);
    assert_fate(
        &all[0],
        &[("open", 1), ("waiting", 0), ("sent", 1)],
        &["1 span open", "of its first spans: 1 span sent"],
    );
    assert_eq!(state(&all[1]), SENT);
    assert_fate(&all[1], &[("open", 0), ("sent", 1)], &["further spans were open when the tracer was shut down"]);
}

#[test]
fn a_trace_without_finished_spans_says_how_they_ended() {
    let agent = always(Reply::Ok).start();
    let Some(host) = fates(&agent.url(), &["discard", "both", "open", "shutdown=20000", "ask"]) else { return };
    let all = run(host);
    assert_eq!(state(&all[0]), DISCARDED);
    assert_fate(&all[0], &[("sent", 0), ("lost", 0)], &["the host discarded its spans"]);
    assert_eq!(state(&all[1]), SENT);
    assert_fate(&all[1], &[("sent", 1)], &["the host discarded further spans"]);
    assert_eq!(state(&all[2]), SENT, "its finished child is sent");
    let Some(host) = fates("file:///dev/null", &["trace", "alone", "shutdown=20000", "ask"]) else { return };
    let all = run(host);
    assert_fate(&all[0], &[("sent", 2)], &["2 spans written to the file"]);
    assert_eq!(state(&all[1]), ABANDONED);
    assert_fate(&all[1], &[("open", 0), ("sent", 0)], &["still open when the tracer was shut down"]);
}

#[test]
fn a_trace_that_the_agent_refuses_carries_its_answer() {
    for status in [400, 403, 404, 500] {
        let agent = always(Reply::Status(status, "")).start();
        let Some(host) = fates(&agent.url(), &["trace", "flush=20000", "ask"]) else { return };
        let all = run(host.env("SPANWIRE_RETRY_FOR_MS", 300));
        assert_eq!(state(&all[0]), DROPPED, "{:#}", all[0]);
        let words = format!("2 spans dropped (dropped_refused): the Agent answered {status}");
        let wanted = [("dropped", REFUSED as i64), ("status", status.into()), ("lost", 2), ("sent", 0)];
        assert_fate(&all[0], &wanted, &[&words]);
        assert_eq!(all[0]["attempts"].as_u64() > Some(0), status == 500 || status == 404, "{:#}", all[0]);
    }
}

#[test]
fn a_trace_that_waits_for_a_retry_says_why() {
    let agent = first(&[Reply::Status(503, "Retry-After: 5\r\n")], Reply::Ok).start();
    let Some(host) = fates(&agent.url(), &["trace", "flush=1500", "ask", "flush=20000", "ask"]) else { return };
    let all = run(host);
    assert_eq!(state(&all[0]), IN_FLIGHT, "{:#}", all[0]);
    assert_fate(&all[0], &[("status", 503), ("attempts", 1), ("pending", 2)], &["1 attempt with 2 spans failed"]);
    assert_eq!(state(&all[1]), SENT);
    assert_fate(&all[1], &[("status", 200), ("attempts", 1)], &[]);
}

#[test]
fn a_trace_for_which_no_agent_listens_carries_the_systems_error() {
    let port = support::free_ports(1);
    let url = format!("http://127.0.0.1:{port}");
    let Some(host) = fates(&url, &["trace", "flush=20000", "ask"]) else { return };
    let all = run(host.env("SPANWIRE_RETRY_FOR_MS", 200));
    assert_eq!(state(&all[0]), DROPPED);
    let wanted = [("dropped", UNREACHABLE as i64), ("errno", libc::ECONNREFUSED.into()), ("lost", 2)];
    assert_fate(&all[0], &wanted, &["dropped_unreachable", "Connection refused"]);
}

#[test]
fn a_trace_that_was_sent_and_not_answered_is_of_unknown_fate() {
    let agent = always(Reply::Stall(Duration::from_secs(60))).start();
    let Some(host) = fates(&agent.url(), &["trace", "flush=20000", "ask"]) else { return };
    let all = run(host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 200).env("SPANWIRE_RETRY_FOR_MS", 100));
    assert_eq!(state(&all[0]), DROPPED);
    let words = ["never acknowledged", "may have them or not", "did not answer in time"];
    assert_fate(&all[0], &[("dropped", UNKNOWN_FATE as i64), ("lost", 2)], &words);
}

#[test]
fn a_trace_is_lost_to_a_full_queue_to_a_bound_to_memory_and_to_a_shutdown() {
    let agent = always(Reply::TooLargeAbove(10_000)).start();
    let Some(host) = fates(&agent.url(), &["big", "flush=20000", "ask"]) else { return };
    let all = run(host);
    assert_fate(&all[0], &[("dropped", TOO_LARGE as i64), ("lost", 1)], &["dropped_too_large", "413"]);

    let stalls = always(Reply::Stall(Duration::from_secs(60))).start();
    let Some(host) = fates(&stalls.url(), &["many=3000", "ask"]) else { return };
    let all = run(host.env("SPANWIRE_QUEUE_MAX_CHUNKS", 10));
    assert_fate(&all[0], &[("dropped", QUEUE_FULL as i64), ("lost", 1)], &["dropped_queue_full", "queue was full"]);

    let Some(host) = fates(&stalls.url(), &["trace", "flush=300", "trace", "shutdown=100", "ask"]) else { return };
    let all = run(host.env("SPANWIRE_REQUEST_TIMEOUT_MS", 60_000));
    assert_fate(&all[1], &[("dropped", SHUTDOWN as i64), ("lost", 2)], &["dropped_shutdown", "shutdown was over"]);
}

#[test]
fn the_last_16000_traces_are_known_and_older_ones_are_not() {
    let agent = always(Reply::Ok).counting_only().start();
    let Some(host) = fates(&agent.url(), &["trace", "many=16000", "flush=20000", "ask", "many=400", "ask"]) else {
        return;
    };
    let all = run(host.env("SPANWIRE_QUEUE_MAX_CHUNKS", 100_000).limit(120));
    let states: Vec<u64> = all.iter().map(state).collect();
    assert_eq!(states[..2], [SENT, SENT]);
    assert_eq!(states[2], 0, "16,401 traces ago");
    assert_fate(&all[2], &[("priority", i32::MIN.into()), ("sent", 0)], &["unknown"]);
    assert_eq!(states[3], SENT);
}

#[test]
fn a_forked_child_knows_its_own_traces_only() {
    let agent = always(Reply::Ok).start();
    let Some(host) = fates(&agent.url(), &["trace", "flush=20000", "fork", "trace", "flush=20000", "ask"]) else {
        return;
    };
    let all = run(host);
    assert_eq!(all.iter().map(state).collect::<Vec<_>>(), [0, SENT], "the parent's, and the child's");
}
