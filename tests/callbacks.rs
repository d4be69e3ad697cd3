//! Callbacks of a host that fork or call the API: no child hangs, and none sees records of its parent.

mod support;

use support::faults::{always, Reply};
use support::hosts::host;

fn scenario(name: &str, ways: &[&str]) {
    let agent = always(Reply::Ok).counting_only().start();
    let Some(host) = host("callbacks.c") else { return };
    let host = host.agent(&agent.url()).env("SPANWIRE_LOG_SINKS", "ring").env("DD_TRACE_STARTUP_LOGS", "false");
    for way in ways {
        let ran = host.clone().arg(name).arg(way).limit(120).run().ok();
        let counts = ran.object("callbacks");
        assert_eq!((&counts["hung"], &counts["wrong"]), (&0.into(), &0.into()), "{name}, {way}: {counts}");
    }
}

const WAYS: &[&str] = &["fork", "_Fork", "clone"];

#[test]
fn a_fork_inside_a_poll_callback_gives_a_child_that_works_and_has_its_own_records() {
    scenario("poll", WAYS);
}

#[test]
fn a_fork_inside_a_recorder_callback_gives_a_child_that_works() {
    scenario("recorder", WAYS);
}

#[test]
fn a_fork_inside_a_sink_gives_a_child_that_ends_with_its_only_thread() {
    scenario("sink", WAYS);
}

#[test]
fn a_fork_inside_a_release_function_gives_a_child_that_works() {
    scenario("release", WAYS);
    scenario("own_release", WAYS);
}

#[test]
fn a_callback_may_poll_make_and_end_tracers_and_change_sinks() {
    scenario("nesting", &["fork"]);
}
