//! Hosts that end their threads with `pthread_cancel`.

mod support;

use support::hosts::{host, root};

#[test]
fn a_thread_that_is_cancelled_inside_a_call_ends_after_the_call() {
    let folder = root().join(format!("target/test-cancelled.{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (debug, sinks) in [("false", "ring"), ("true", "ring"), ("true", "ring,stderr")] {
        let Some(host) = host("cancelled.c") else { break };
        let host = host.folder(&folder).env("DD_TRACE_DEBUG", debug).env("SPANWIRE_LOG_SINKS", sinks);
        let host = host.agent("file:///dev/null");
        let outcome = host.run().ok();
        assert!(outcome.stat("spans_finished") > 5_000, "{}", outcome.stdout);
    }
    std::fs::remove_dir_all(&folder).ok();
}
