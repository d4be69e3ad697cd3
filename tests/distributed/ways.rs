//! What must be true of a request that has passed several services: one trace, and nothing of its context lost.

use crate::hops::{walk, Hop, Service, OPENTELEMETRY};
use crate::support::agent::TestAgent;
use crate::support::payload::{self, Span};
use crate::support::wait_until;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const TRACE: u128 = 0x640c_fd8d_0000_0000_1122_10f4_7de9_8115;
const PARENT: u64 = 0x3ade_68b1;

/// Members of `tracestate` that belong to no tracer here.
const FOREIGN: &str = "other=kept;more,third=x";

const TAGS: &str = "_dd.p.tid=640cfd8d00000000,_dd.p.usr.id=baz64";

/// The context that the test sends to the first service, as a Datadog tracer would send it.
struct Context {
    priority: i32,
    /// `_dd.p.dm`, which only a kept trace has.
    mechanism: &'static str,
    headers: Vec<(&'static str, String)>,
}

impl Context {
    fn new(priority: i32) -> Context {
        let (flag, mechanism) = if priority > 0 { (1, "-4") } else { (0, "") };
        let (mut state, mut tags) =
            (format!("dd=s:{priority};o:synthetics;p:{PARENT:016x};t.usr.id:baz64"), TAGS.to_owned());
        if !mechanism.is_empty() {
            state += &format!(";t.dm:{mechanism}");
            tags += &format!(",_dd.p.dm={mechanism}");
        }
        let headers = vec![
            ("x-datadog-trace-id", (TRACE as u64).to_string()),
            ("x-datadog-parent-id", PARENT.to_string()),
            ("x-datadog-sampling-priority", priority.to_string()),
            ("x-datadog-origin", "synthetics".to_owned()),
            ("x-datadog-tags", tags),
            ("traceparent", format!("00-{TRACE:032x}-{PARENT:016x}-{flag:02x}")),
            ("tracestate", format!("{state},{FOREIGN}")),
            ("baggage", "user.id=42,city=M%C3%BCnchen".to_owned()),
        ];
        Context { priority, mechanism, headers }
    }

    fn walk(&self, way: &[&Service]) -> Vec<Hop> {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        walk(way, &headers)
    }
}

/// Sends requests through this service and every peer, in both orders, with traces that it continues and that it
/// begins. Asserts that nothing is lost on the way, and that the Agent has one connected trace of each request.
pub fn assert_round_trips(agent: &TestAgent, ours: &Service, peers: &[Service]) {
    for peer in peers {
        for way in [[peer, ours, peer], [ours, peer, ours]] {
            for priority in [2, -1] {
                let context = Context::new(priority);
                assert_continued(agent, &context, &context.walk(&way));
            }
            assert_begun(agent, &walk(&way, &[]));
        }
    }
}

/// Returns the values of a list of `key=value` with commas.
fn pairs(text: &str) -> BTreeMap<&str, &str> {
    text.split(',').filter_map(|pair| pair.split_once('=')).collect()
}

/// Returns the members of `tracestate`: those of Datadog's member by their key, and the other ones as they are.
fn tracestate(text: &str) -> (BTreeMap<&str, &str>, String) {
    let mut members: Vec<&str> = text.split(',').filter(|member| !member.is_empty()).collect();
    let ours = members.iter().position(|member| member.starts_with("dd=")).map(|at| members.remove(at));
    let fields = ours.and_then(|member| member.strip_prefix("dd=")).unwrap_or_default();
    (fields.split(';').filter_map(|field| field.split_once(':')).collect(), members.join(","))
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// Asserts that each hop is a child of the one before, in all headers that it has got.
#[track_caller]
fn assert_connected(hops: &[Hop]) {
    for pair in hops.windows(2) {
        let [before, hop] = pair else { continue };
        let what = format!("from {} to {}: {hop:#?}", before.by, hop.by);
        assert_eq!((hop.trace_id, hop.parent_id), (before.trace_id, before.span_id), "{what}");
        let parent = format!("00-{:032x}-{:016x}-", before.trace_id, before.span_id);
        assert!(hop.header("traceparent").starts_with(&parent), "{what}");
        let (fields, _) = tracestate(hop.header("tracestate"));
        if before.by == OPENTELEMETRY {
            assert_eq!(hop.header("x-datadog-trace-id"), "", "{what}");
            continue;
        }
        assert_eq!(fields.get("p"), Some(&format!("{:016x}", before.span_id).as_str()), "{what}");
        assert_eq!(hop.header("x-datadog-trace-id"), (before.trace_id as u64).to_string(), "{what}");
        assert_eq!(hop.header("x-datadog-parent-id"), before.span_id.to_string(), "{what}");
        let high = format!("{:016x}", (before.trace_id >> 64) as u64);
        assert_eq!(pairs(hop.header("x-datadog-tags")).get("_dd.p.tid"), Some(&high.as_str()), "{what}");
    }
    for hop in hops {
        let Some((sampled, state)) = &hop.read else { continue };
        assert_eq!(*sampled, hop.header("traceparent").ends_with("-01"), "{hop:#?}");
        assert_eq!(state, hop.header("tracestate"), "{hop:#?}");
    }
}

/// Asserts that a trace with the context of the test is kept as it was.
#[track_caller]
fn assert_continued(agent: &TestAgent, context: &Context, hops: &[Hop]) {
    let priority = context.priority.to_string();
    assert_eq!((hops[0].trace_id, hops[0].parent_id), (TRACE, PARENT), "{:#?}", hops[0]);
    assert_connected(hops);
    for (at, hop) in hops.iter().enumerate() {
        let what = format!("{hop:#?}");
        assert_eq!(hop.baggage, texts(&[("user.id", "42"), ("city", "München")]), "{what}");
        assert_eq!(pairs(hop.header("baggage")), pairs("user.id=42,city=M%C3%BCnchen"), "{what}");
        let flag = if context.priority > 0 { "-01" } else { "-00" };
        assert!(hop.header("traceparent").ends_with(flag), "{what}");
        let (mut fields, foreign) = tracestate(hop.header("tracestate"));
        assert_eq!(foreign, FOREIGN, "{what}");
        fields.remove("p");
        // Some tracers also write the high half of the trace id here, which traceparent has.
        fields.remove("t.tid");
        let mut wanted = pairs_of([("s", &priority), ("o", "synthetics"), ("t.usr.id", "baz64")]);
        wanted.extend(Some(("t.dm", context.mechanism)).filter(|(_, mechanism)| !mechanism.is_empty()));
        assert_eq!(fields, wanted, "{what}");
        if at > 0 && hops[at - 1].by == OPENTELEMETRY {
            continue;
        }
        assert_eq!(hop.header("x-datadog-sampling-priority"), priority, "{what}");
        assert_eq!(hop.header("x-datadog-origin"), "synthetics", "{what}");
        let mut tags = pairs(hop.header("x-datadog-tags"));
        tags.remove("_dd.p.tid");
        let mut wanted = pairs_of([("_dd.p.usr.id", "baz64")]);
        wanted.extend(Some(("_dd.p.dm", context.mechanism)).filter(|(_, mechanism)| !mechanism.is_empty()));
        assert_eq!(tags, wanted, "{what}");
    }
    for chunk in arrived(agent, hops) {
        assert_eq!(chunk.priority(), Some(f64::from(context.priority)), "{chunk:#?}");
        assert_eq!((chunk.tag("_dd.origin"), chunk.tag("_dd.p.usr.id")), ("synthetics", "baz64"), "{chunk:#?}");
        assert_eq!(chunk.tag("_dd.p.dm"), context.mechanism, "{chunk:#?}");
    }
}

fn pairs_of<'t, const N: usize>(pairs: [(&'t str, &'t str); N]) -> BTreeMap<&'t str, &'t str> {
    pairs.into_iter().collect()
}

/// Asserts that a trace that the first hop has begun and decided is kept as that hop sent it.
#[track_caller]
fn assert_begun(agent: &TestAgent, hops: &[Hop]) {
    assert!(hops[0].headers.is_empty() && hops[0].parent_id == 0, "{:#?}", hops[0]);
    assert_connected(hops);
    let (begun, first) = (hops[0].by.as_str(), &hops[1]);
    let (_, foreign) = tracestate(first.header("tracestate"));
    let without_tid = |text| pairs(text).into_iter().filter(|(key, _)| *key != "_dd.p.tid").collect::<BTreeSet<_>>();
    let tags = without_tid(first.header("x-datadog-tags"));
    for (at, hop) in hops.iter().enumerate() {
        let what = format!("{hop:#?}");
        assert_eq!(hop.baggage, texts(&[("begun.by", begun)]), "{what}");
        if at == 0 {
            continue;
        }
        assert!(hop.header("traceparent").ends_with("-01"), "{what}");
        assert_eq!(pairs(hop.header("baggage")), pairs_of([("begun.by", begun)]), "{what}");
        assert_eq!(tracestate(hop.header("tracestate")).1, foreign, "{what}");
        if hops[at - 1].by != OPENTELEMETRY {
            assert_eq!(hop.header("x-datadog-sampling-priority"), "1", "{what}");
        }
        if begun != OPENTELEMETRY && hops[at - 1].by != OPENTELEMETRY {
            assert!(!tags.is_empty(), "{first:#?}");
            assert_eq!(without_tid(hop.header("x-datadog-tags")), tags, "{what}");
        }
    }
    for chunk in arrived(agent, hops) {
        assert_eq!(chunk.priority(), Some(1.0), "{chunk:#?}");
        for (key, value) in &tags {
            assert_eq!(chunk.tag(key), *value, "{chunk:#?}");
        }
    }
}

/// Spans of a trace that arrived together. Tags of the trace are on one of them, in most tracers the first.
#[derive(Debug)]
struct Chunk(Vec<Span>);

impl Chunk {
    fn tag(&self, key: &str) -> &str {
        self.0.iter().map(|span| span.tag(key)).find(|value| !value.is_empty()).unwrap_or_default()
    }

    fn priority(&self) -> Option<f64> {
        self.0.iter().find_map(|span| span.metrics.get("_sampling_priority_v1").copied())
    }
}

/// Waits until the Agent has each hop's span, and returns the chunks with them. Asserts that each came once, with the
/// hop's trace id and the parent that the hop has named.
#[track_caller]
fn arrived(agent: &TestAgent, hops: &[Hop]) -> Vec<Chunk> {
    let traced: Vec<&Hop> = hops.iter().filter(|hop| hop.by != OPENTELEMETRY).collect();
    let wanted = |span: &Span| traced.iter().any(|hop| hop.span_id == span.span_id);
    let decode = |body: &[u8]| payload::decode_of_others(body).expect("a v0.4 payload");
    let all = || agent.trace_requests().into_iter().flat_map(|request| decode(&request.body));
    let chunks = || all().filter(|chunk| chunk.iter().any(wanted)).collect::<Vec<_>>();
    let count = |chunks: &[Vec<Span>]| chunks.iter().flatten().filter(|span| wanted(span)).count();
    wait_until(Duration::from_secs(20), || count(&chunks()) >= traced.len());
    let chunks = chunks();
    assert_eq!(count(&chunks), traced.len(), "spans at the Agent: {chunks:#?}\nhops: {hops:#?}");
    for hop in traced {
        let found = chunks.iter().flatten().find(|span| span.span_id == hop.span_id);
        let span = found.unwrap_or_else(|| panic!("no span of {hop:#?}"));
        assert_eq!((span.trace_id, span.parent_id), (hop.trace_id as u64, hop.parent_id), "{span:#?}");
        assert_eq!(span.service, hop.by, "{span:#?}");
    }
    let chunks: Vec<Chunk> = chunks.into_iter().map(Chunk).collect();
    for chunk in &chunks {
        assert_eq!(chunk.tag("_dd.p.tid"), format!("{:016x}", (hops[0].trace_id >> 64) as u64), "{chunk:#?}");
    }
    chunks
}
