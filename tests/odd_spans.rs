//! Spans with impossible times and numbers, and whole spans from a host with its own tracer: they are corrected as the
//! header says, and complete.

mod support;

use support::faults::{always, FaultAgent, Reply};
use support::hosts::host;
use support::payload::Span;

fn sent(variables: &[(&str, &str)]) -> Option<(FaultAgent, Vec<Vec<Span>>)> {
    let agent = always(Reply::Ok).start();
    let host = host("odd_spans.c")?;
    let host = variables.iter().fold(host, |host, (name, value)| host.env(name, value));
    host.agent(&agent.url()).env("DD_SERVICE", "shop").env("DD_VERSION", "1.2").run().ok();
    agent.assert_well_formed();
    let chunks = agent.chunks();
    Some((agent, chunks))
}

fn named<'a>(chunks: &'a [Vec<Span>], name: &str) -> Vec<&'a Span> {
    chunks.iter().flatten().filter(|span| span.name == name).collect()
}

#[test]
fn impossible_times_of_a_span_are_corrected() {
    let Some((_agent, chunks)) = sent(&[]) else { return };
    let counts = ["odd start", "odd end", "odd both", "odd record"].map(|name| named(&chunks, name).len());
    assert_eq!(counts, [8, 8, 64, 64]);
    for span in chunks.iter().flatten() {
        assert!(span.start > 0 && span.duration >= 0, "{span:?}");
        assert!(span.start.checked_add(span.duration).is_some(), "{span:?}");
    }
    // An unknown start becomes the current time; an end before the start becomes the start.
    let this_century = 1_500_000_000_000_000_000;
    assert_eq!(named(&chunks, "odd start").iter().filter(|span| span.start > this_century).count(), 7);
    assert!(named(&chunks, "odd end").iter().filter(|span| span.duration == 0).count() >= 6);
    let usual = named(&chunks, "usual")[0];
    assert_eq!((usual.start, usual.duration), (1_700_000_000_000_000_000, 5_000));
}

#[test]
fn submitted_spans_count_as_top_level_where_the_agent_would_have_said_so() {
    let Some((_agent, chunks)) = sent(&[]) else { return };
    let span = |name: &str| named(&chunks, name)[0];
    let top = |name: &str| span(name).metrics.get("_dd.top_level") == Some(&1.0);
    assert!(top("root") && top("query") && top("of a remote parent"));
    assert!(!top("row") && !top("own by name") && !top("below a remote one"));
    assert_eq!((span("own by name").service.as_str(), span("query").service.as_str()), ("shop", "db"));
    assert_eq!(["root", "own by name", "query"].map(|name| span(name).tag("version")), ["1.2", "1.2", ""]);
    for (first, others) in [("root", 4), ("of a remote parent", 2)] {
        let chunk = chunks.iter().find(|chunk| chunk[0].name == first).expect("the local root comes first");
        assert_eq!(chunk.len(), others);
        assert!(chunk[0].meta.contains_key("_dd.p.dm") && !chunk[1].meta.contains_key("_dd.p.dm"));
    }
}

#[test]
fn a_trace_decided_elsewhere_keeps_its_decision_maker() {
    let Some((_agent, chunks)) = sent(&[]) else { return };
    assert_eq!(named(&chunks, "continued")[0].tag("_dd.p.dm"), "-3");
}

#[test]
fn no_key_is_sent_twice_whatever_the_settings_tags_are() {
    let tags = "language:x,runtime-id:y,_dd.p.dm:-9,_dd.p.tid:z,_dd.git.commit.sha:1,team:web";
    let settings = [("DD_TAGS", tags), ("DD_GIT_COMMIT_SHA", "2"), ("DD_ENV", "prod")];
    let Some((_agent, chunks)) = sent(&settings) else { return };
    let root = named(&chunks, "root")[0];
    assert_eq!(["language", "_dd.p.dm", "team"].map(|key| root.tag(key)), ["native", "-0", "web"]);
}
