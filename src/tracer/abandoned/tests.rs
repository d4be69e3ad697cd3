//! The search for abandoned spans, as the worker runs it once a minute; here called directly.

use crate::export::periodic::{Task, Work};
use crate::tracer::current::state;
use crate::tracer::ending::{self, End};
use crate::tracer::spans::{self, Parent};
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

fn run(task: &Task) {
    if let Work::Local(run) = &task.work {
        run();
    }
}

#[test]
fn a_span_that_nobody_finishes_is_named_once_it_is_overdue_and_not_before() {
    // In a process of its own: other tests read the log of this one.
    let mut alone = Command::new(std::env::current_exe().expect("this program"));
    let output = alone.args(["--ignored", "--exact", "tracer::abandoned::tests::alone"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn alone() {
    let state = state();
    let settings = [
        ("DD_SERVICE", "forgetful"),
        ("DD_TRACE_AGENT_URL", "file:///dev/null"),
        ("SPANWIRE_LOG_SINKS", "ring"),
        ("DD_TRACE_DEBUG_ABANDONED_SPANS", "true"),
        ("DD_TRACE_ABANDONED_SPAN_TIMEOUT", "50ms"),
    ];
    let code = settings.map(|(name, value)| (name.to_string(), value.to_string())).into();
    let tracer = state.tracers.make(state, code).expect("a tracer");
    let span = {
        let found = spans::find_tracer(state, tracer).expect("a tracer").expect("enabled");
        spans::start(state, found, Parent::None, b"forgotten").expect("started")
    };
    let said = |again: bool| {
        if again {
            state.abandoned_looked_ns.store(0, Relaxed);
        }
        state.shared.tasks.iter().for_each(run);
        let mut lines = Vec::new();
        state.shared.logs.poll(usize::MAX, &mut |record| lines.push(record.text.clone()));
        lines.into_iter().filter(|text| text.contains("spans open for long: spans=1 oldest=[forgotten ")).count()
    };
    assert_eq!(said(true), 0, "it is not overdue yet");
    std::thread::sleep(Duration::from_millis(80));
    assert_eq!(said(true), 1);
    assert_eq!(said(false), 0, "the next worker that comes by says it again");
    ending::finish(state, span, End::Now).expect("it can still be finished");
    assert_eq!(said(true), 0, "it is finished");
    state.tracers.free(state, tracer).expect("it is ours");
}
