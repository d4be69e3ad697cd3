//! Python's examples.

use super::{good_agent, nobody, pulled, Span};
use crate::support::log::expect_in_order;

const TIME: &str = "‹d›-‹d›-‹d› ‹d›:‹d›:‹d›,‹d›";

#[test]
fn a_trace_that_is_still_open_says_how_much_of_it_is_finished() {
    let agent = good_agent();
    let mut script = "new\nstart\tflask.request\t\t\t\t0\t0\t0\t0\n".to_string();
    (0..7).for_each(|_| script += "child\twork\nfinish\t0\n");
    script += "poll\nfinish\t0\nflush\t2000\nshutdown\t2000\n";
    let Some(records) = pulled("python", &agent.url(), &script) else { return };
    // The children are started one after the other: the page's eight spans are never open at once.
    expect_in_order(
        &records,
        &[
            &format!(
                "{TIME} DEBUG [ddtrace.internal.processor.trace] [trace.py:211] - trace ‹d› has 2 spans, 1 finished"
            ),
            &format!(
                "{TIME} DEBUG [ddtrace.internal.processor.trace] [trace.py:211] - trace ‹d› has 8 spans, 7 finished"
            ),
        ],
    );
}

#[test]
fn a_finished_span_is_printed_as_the_page_shows_it() {
    let agent = good_agent();
    let span = Span {
        name: "flask.process_response",
        service: "flask",
        resource: "flask.process_response",
        kind: "",
        ids: [0, 77, 8, 7],
        start_ns: 1_655_495_482_247_869_300,
        duration_ns: 118_125,
    };
    let script = format!("new\n{}submit\nflush\t2000\npoll\nshutdown\t2000\n", span.record(&[], &[]));
    let Some(records) = pulled("python", &agent.url(), &script) else { return };
    let url = agent.url();
    expect_in_order(
        &records,
        &[
            &format!(
                "{TIME} DEBUG [ddtrace.tracer] [tracer.py:715] - finishing span name='flask.process_response' id=8 \
                 trace_id=77  parent_id=7 service='flask' resource='flask.process_response' type=None \
                 start=1655495482.2478693 end=1655495482.2479873 duration=0.000118125 error=0 tags={{}} metrics={{}} \
                 (enabled:True)"
            ),
            &format!(
                "{TIME} DEBUG [ddtrace.internal.writer] [writer.py:405] - sent ‹w›B in 0.‹d›s to {url}/v0.4/traces"
            ),
        ],
    );
}

#[test]
fn an_agent_that_is_not_there_is_reported_as_the_page_shows_it() {
    let script = "new\nstart\ta\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\npoll\nshutdown\t2000\n";
    let agent = nobody();
    let Some(records) = pulled("python", &agent, script) else { return };
    let line = format!(
        "{TIME} ERROR [ddtrace.internal.writer] [writer.py:567] - failed to send traces to Datadog Agent at \
         {agent}/v0.4/traces"
    );
    assert!(records.iter().any(|record| {
        crate::support::log::matches(&line, record.text.lines().next().unwrap_or("")) && record.level == 1
    }));
}
