//! Go's examples.

use super::{good_agent, nobody, pulled};
use crate::support::log::expect_in_order;

const PREFIX: &str = "‹d›/‹d›/‹d› ‹d›:‹d›:‹d› Datadog Tracer v‹w›";

#[test]
fn a_payload_is_announced_as_the_page_shows_it() {
    let agent = good_agent();
    let script = "new\nstart\ta\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\npoll\nshutdown\t2000\n";
    let Some(records) = pulled("go", &agent.url(), script) else { return };
    expect_in_order(&records, &[&format!("{PREFIX} DEBUG: Sending payload: size: ‹d› traces: 1.")]);
}

#[test]
fn errors_are_gathered_and_logged_at_the_end_with_their_count() {
    let mut script = "new\n".to_string();
    (0..5).for_each(|_| script += "start\ta\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\n");
    script += "poll\nwrite\t3\thost\tnow it stops\nshutdown\t2000\npoll\n";
    let agent = nobody();
    let Some(records) = pulled("go", &agent, &script) else { return };
    let stop = records.iter().position(|record| record.text.contains("now it stops")).expect("the host's own line");
    assert!(records[..stop].iter().all(|record| !record.text.contains("lost ")), "not before the window is over");
    let address = agent.trim_start_matches("http://");
    expect_in_order(
        &records[stop..],
        &[&format!(
            "{PREFIX} ERROR: lost 1 traces: Post {agent}/v0.4/traces: dial tcp {address}: connect: connection refused, 4 \
             additional messages skipped (first occurrence: ‹d› ‹w› ‹d› ‹d›:‹d› ‹w›)"
        )],
    );
}

#[test]
fn spans_that_are_never_finished_are_listed_at_the_end() {
    let agent = good_agent();
    let script = "set\tDD_TRACE_DEBUG_ABANDONED_SPANS\ttrue\nnew\nstart\tforgotten\t\t\t\t0\t0\t0\t0\n\
                  tag\tcomponent\tnet/http\nshutdown\t2000\npoll\n";
    let Some(records) = pulled("go@source", &agent.url(), script) else { return };
    expect_in_order(
        &records,
        &[
            &format!("{PREFIX} WARN: 1 abandoned spans:"),
            &format!(
                "{PREFIX} WARN: [name: forgotten, integration: net/http, span_id: ‹d›, trace_id: ‹d›, age: 0 sec],"
            ),
        ],
    );
}
