//! A system that starts no threads: the calling thread reports it at once, no call waits in vain, and waiting spans are
//! sent once threads can be started again.

mod support;

use support::faults::{always, Reply};
use support::hosts::host;

#[test]
fn a_process_that_may_start_no_thread_is_told_at_once_and_waits_for_nothing() {
    let Some(host) = host("no_threads.c") else { return };
    let ran = host.agent("http://127.0.0.1:1").run().ok();
    let said = ran.stderr.matches("ERROR cannot start thread \"spanwire-worker\"").count();
    assert_eq!(said, 1, "once on standard error, by the calling thread: {}", ran.stderr);
    assert_eq!(ran.stat("dropped_shutdown"), 500);
}

#[test]
fn spans_that_waited_for_a_thread_are_sent_when_there_is_one() {
    let agent = always(Reply::Ok).counting_only().start();
    let Some(host) = host("no_threads.c") else { return };
    let ran = host.arg("recovers").agent(&agent.url()).run().ok();
    assert_eq!(ran.stderr.matches("cannot start thread").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("thread \"spanwire-worker\" runs now"), "{}", ran.stderr);
    assert_eq!(ran.dropped(), 0);
}
