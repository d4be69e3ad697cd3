//! Contexts that came in with headers, and baggage: statuses, limits, forks, and hostile headers.

mod support;

use support::faults::{always, Reply};
use support::hosts::{host, require, Host};

const ALL_STYLES: &str = "datadog,tracecontext,b3,b3multi,baggage";

fn scenario(name: &str) -> Option<Host> {
    let host = host("contexts.c")?.arg(name).env("DD_TRACE_PROPAGATION_STYLE", ALL_STYLES);
    Some(host.env("SPANWIRE_LOG_SINKS", "none"))
}

fn run(name: &str) {
    let agent = always(Reply::Ok).start();
    let Some(host) = scenario(name) else { return };
    host.agent(&agent.url()).run().ok();
    agent.assert_well_formed();
}

#[test]
fn each_call_on_a_context_or_on_baggage_answers_as_the_header_says() {
    run("api");
}

#[test]
fn the_origin_that_came_in_can_be_read_of_the_context_and_of_spans() {
    run("origin");
}

#[test]
fn a_host_that_frees_no_context_needs_bounded_memory_and_can_use_the_last_ones() {
    run("unfreed");
}

#[test]
fn a_forked_child_continues_contexts_and_spans_of_its_parent_with_all_that_they_carry() {
    run("fork");
}

#[test]
fn ten_thousand_malformed_headers_of_each_style_do_no_harm_and_leave_nothing_behind() {
    run("malformed");
}

#[test]
fn headers_of_a_megabyte_are_read_and_forgotten() {
    let Some(host) = scenario("long") else { return };
    host.arg(1 << 20).agent("file:///dev/null").run().ok();
}

#[test]
fn the_work_for_long_headers_grows_no_faster_than_they_do() {
    if !require("valgrind") || support::hosts::sanitized() {
        return;
    }
    let work = |bytes: u64| {
        let host = scenario("long")?.arg(bytes).agent("file:///dev/null");
        let ran = host.under(&["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]).run();
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let count =
            said.split("Collected : ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        Some(count.unwrap_or_else(|| panic!("callgrind counts instructions:\n{said}")))
    };
    let Some(none) = work(64) else { return };
    let [short, long] = [1 << 15, 1 << 17].map(|bytes| work(bytes).unwrap_or_default().saturating_sub(none));
    assert!(long <= 5 * short, "{short} instructions for 32 KiB, {long} for 128 KiB");
}
