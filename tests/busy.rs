//! A call on a span that another call holds does not lose the span. The other call belongs to a thread that is not
//! running, or was interrupted by a signal on the same thread.

mod support;

use support::faults::{always, Reply};
use support::hosts::host;

#[test]
fn a_span_finished_while_another_call_holds_it_is_sent() {
    let agent = always(Reply::Ok).start();
    let Some(host) = host("busy.c") else { return };
    host.agent(&agent.url()).run().ok();
    agent.assert_well_formed();
    let chunks = agent.chunks();
    let spans: Vec<_> = chunks.iter().flatten().collect();
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    assert_eq!((named("interrupted").len(), named("descheduled").len(), named("child").len()), (5, 2, 2));
    assert!(spans.iter().filter(|span| span.name != "child").all(|span| span.tag("slow") == "a value\0"), "{spans:?}");
    for child in named("child") {
        let parent = spans.iter().find(|span| span.span_id == child.parent_id).expect("its parent");
        assert_eq!(parent.trace_id, child.trace_id);
    }
    let longest = named("interrupted").iter().map(|span| span.duration).max().unwrap_or(0);
    assert!((900_000_000..1_100_000_000).contains(&longest), "finished one second ahead: {longest}");
}
