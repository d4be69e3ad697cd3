//! Other threads of the host change the environment while a tracer is made.

mod support;

use support::hosts::host;

#[test]
fn a_thread_that_changes_the_environment_neither_crashes_the_host_nor_hides_a_setting() {
    let Some(host) = host("environment.c") else { return };
    let host = host.env("SPANWIRE_LOG_SINKS", "none").env("DD_TRACE_STARTUP_LOGS", "false");
    host.agent("http://127.0.0.1:1").run().ok();
}
