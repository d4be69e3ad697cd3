//! An Agent that is not reachable during the whole life of a host costs the host no time, no memory beyond the
//! documented limit, and no span that is not counted.

mod support;

use support::faults::{always, FaultAgent, Reply};
use support::hosts::{host, require, root, Host, Outcome};

/// The default of `SPANWIRE_MEMORY_MAX`.
const MEMORY_MAX_KIB: u64 = 64 * 1024;
/// Memory that a process uses besides spans: two threads, the payload being sent, the log's ring.
const BESIDE_KIB: u64 = 4 * 1024;

fn live() -> FaultAgent {
    always(Reply::Ok).counting_only().start()
}

/// Returns an address at which nothing listens.
fn dead() -> String {
    format!("http://127.0.0.1:{}", support::free_ports(1))
}

fn outage(spans: u64, url: &str) -> Option<Host> {
    Some(host("outage.c")?.agent(url).env("SPANWIRE_LOG_SINKS", "ring").arg(spans))
}

fn number(ran: &Outcome, name: &str) -> u64 {
    ran.object("outage")[name].as_u64().unwrap_or_else(|| panic!("{name}: {}", ran.stdout))
}

fn switches(ran: &Outcome) -> u64 {
    number(ran, "voluntary") + number(ran, "involuntary")
}

#[test]
fn a_million_spans_with_no_agent_stay_within_bounds_and_are_all_accounted_for() {
    const SPANS: u64 = 1_000_000;
    let agent = live();
    let Some(host) = outage(SPANS, &agent.url()) else { return };
    let with = host.run().ok();
    let Some(host) = outage(SPANS, &dead()) else { return };
    let without = host.run().ok();
    println!("agent: {}no agent: {}", with.stdout, without.stdout);

    let grown = number(&without, "grown_kib");
    assert!(grown <= MEMORY_MAX_KIB, "{grown} KiB: more than SPANWIRE_MEMORY_MAX");
    assert_eq!(without.stat("spans_sent"), 0);
    assert_eq!(without.stat("spans_finished"), without.dropped(), "every span has a reason: {}", without.stdout);
    assert_eq!(without.stat("spans_started") + number(&without, "refused"), SPANS);
    assert!(without.stat("dropped_queue_full") > 0, "{}", without.stdout);
    assert!(number(&without, "stop_ms") < 4_000, "shutdown was given 3 s");
    // The scheduler sometimes suspends the thread anyway. A wait for each span, chunk or payload would cause thousands
    // of switches.
    let (live, dead) = (switches(&with), switches(&without));
    assert!(dead as f64 <= 1.5 * live as f64 + 300.0, "context switches: {dead} without an agent, {live} with one");
}

#[test]
fn spans_that_are_never_finished_stay_within_bounds_and_the_host_goes_on() {
    let agent = live();
    let Some(host) = host("hoard.c") else { return };
    let ran = host.agent(&agent.url()).env("SPANWIRE_LOG_SINKS", "ring").run().ok();
    let hoard = ran.object("hoard");
    println!("hoard {hoard}");
    // The limit counts bytes; for a hundred thousand small blocks the allocator adds its own.
    let kib = |name: &str| hoard[name].as_u64().unwrap_or(u64::MAX);
    assert!(kib("max_kib") == MEMORY_MAX_KIB && kib("peak_kib") <= MEMORY_MAX_KIB * 3 / 2, "{hoard}");
}

#[test]
fn memory_at_a_small_bound_refuses_spans_and_counts_them() {
    const SPANS: u64 = 200_000;
    let Some(host) = outage(SPANS, &dead()) else { return };
    let ran = host.env("SPANWIRE_MEMORY_MAX", 2 << 20).run().ok();
    println!("2 MiB: {}", ran.stdout);
    assert!(number(&ran, "grown_kib") <= 2 * 1024 + BESIDE_KIB, "2 MiB were allowed: {}", ran.stdout);
    assert!(number(&ran, "refused") + ran.stat("dropped_memory") > 0, "the bound was never reached: {}", ran.stdout);
    assert_eq!(ran.stat("spans_started") + number(&ran, "refused"), SPANS);
    assert_eq!(ran.stat("spans_finished"), ran.dropped());
}

#[test]
fn a_dead_agent_costs_the_calling_thread_no_more_instructions_than_a_live_one() {
    if !require("valgrind") {
        return;
    }
    let agent = live();
    let Some(with) = calling_threads_instructions(&agent.url(), "live") else { return };
    let Some(without) = calling_threads_instructions(&dead(), "dead") else { return };
    println!("instructions of the calling thread: {with} with an agent, {without} without");
    assert!(without as f64 <= 1.5 * with as f64, "{without} without an agent, {with} with one");
}

/// Returns the count of callgrind for 50,000 spans. The limits of queue and memory are so small that they are reached.
fn calling_threads_instructions(url: &str, name: &str) -> Option<u64> {
    let folder = root().join(format!("target/test-hosts/callgrind-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for callgrind");
    let out = folder.join("out");
    let words = ["valgrind", "--quiet", "--tool=callgrind", "--separate-threads=yes"];
    let file = format!("--callgrind-out-file={}", out.display());
    let host = outage(50_000, url)?.env("SPANWIRE_QUEUE_MAX", 1 << 20).limit(300);
    host.under(&[&words[..], &[&file]].concat()).run().ok();
    // One file for each thread; the first thread makes the spans.
    let text = std::fs::read_to_string(folder.join("out-01")).expect("callgrind's counts of the first thread");
    let line = text.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    let _ = std::fs::remove_dir_all(&folder);
    Some(line.and_then(|count| count.trim().parse().ok()).expect("a total in callgrind's file"))
}
