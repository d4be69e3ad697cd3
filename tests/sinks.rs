//! Log sinks that are added and removed, block, log, and call the API: nothing deadlocks, and no sink is called after
//! its removal.

mod support;

use support::faults::{always, Reply};
use support::hosts::{host, Outcome};

fn scenario(name: &str) -> Option<Outcome> {
    let agent = always(Reply::Ok).counting_only().start();
    let host = host("sinks.c")?.agent(&agent.url()).env("SPANWIRE_LOG_SINKS", "ring");
    let ran = host.arg(name).run().ok();
    println!("{name}: {}", ran.object("sinks"));
    Some(ran)
}

#[test]
fn sinks_can_be_added_and_removed_under_load() {
    scenario("under_load");
}

#[test]
fn a_sink_may_call_the_whole_api() {
    scenario("reenter");
}

#[test]
fn a_slow_sink_loses_records_and_holds_up_nothing() {
    if let Some(ran) = scenario("slow") {
        assert!(ran.object("sinks")["lost"].as_u64().unwrap_or(0) > 0, "records were lost without a count");
    }
}

#[test]
fn a_sink_registered_twice_is_two_sinks() {
    scenario("twice");
}

#[test]
fn a_sink_above_the_limit_is_refused() {
    scenario("too_many");
}

#[test]
fn a_sink_may_remove_itself() {
    scenario("itself");
}

#[test]
fn a_sink_may_remove_another() {
    scenario("each_other");
}

#[test]
fn records_can_be_pulled_on_the_hosts_own_thread() {
    scenario("pulling");
}

#[test]
fn a_record_that_cannot_be_handed_over_is_not_lost() {
    scenario("taking");
}

#[test]
fn a_forked_child_keeps_its_sinks() {
    scenario("forked");
}

#[test]
fn a_sink_that_hangs_does_not_hold_up_shutdown() {
    scenario("stuck");
}
