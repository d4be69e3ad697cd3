//! The rules of docs/propagation.md that rows of other tracers do not show by themselves. The names stand there.

use super::*;
use crate::memory::Buffer;
use crate::span::run::{self, Item, Kind};
use crate::span::{links, texts};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const HIGH: u64 = 0x4bf9_2f35_77b3_4da6;
const LOW: u64 = 0xa3ce_929d_0e0e_4736;

fn config(styles: &str) -> Config {
    let styles = Styles::parse(styles).expect("styles");
    Config {
        extract: styles,
        inject: styles,
        tags_max: 512,
        baggage_items: 64,
        baggage_bytes: 8192,
        ..Config::default()
    }
}

/// A context with what is kept of it.
#[derive(Default)]
struct Got {
    context: Extracted,
    tags: Buffer,
    baggage: Buffer,
    links: Buffer,
}

impl std::ops::Deref for Got {
    type Target = Extracted;
    fn deref(&self) -> &Extracted {
        &self.context
    }
}

fn read(headers: &[(&str, &str)], config: &Config) -> Option<Got> {
    let mut got = Got::default();
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let (tags, baggage, links) = (&mut got.tags, &mut got.baggage, &mut got.links);
    let config = &config.packed();
    let kept = extract(headers, config, |reading| {
        let kept = reading.keep(config, tags, Some(baggage));
        *links = std::mem::take(&mut reading.links);
        kept
    });
    got.context = kept.expect("memory").flatten()?;
    Some(got)
}

fn items(run: &[u8]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    texts::each(run, |key, value| all.push((text(key), text(value))));
    all
}

fn tag(extracted: &Got, key: &[u8]) -> Option<String> {
    let key = String::from_utf8_lossy(key);
    items(extracted.tags.bytes()).into_iter().find(|(other, _)| *other == key).map(|(_, value)| value)
}

fn links(extracted: &Got) -> Vec<serde_json::Value> {
    let (mut all, text) = (Vec::new(), |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned());
    run::each(Kind::Link, extracted.links.bytes(), |item| {
        let Item::Link(link) = item else { panic!("{item:?}") };
        let mut attributes = serde_json::json!({});
        link.attributes.each_flat(&mut |key, value| attributes[text(key)] = text(value).into());
        all.push(serde_json::json!({
            "trace_id": format!("{:016x}{:016x}", link.trace_id_high, link.trace_id_low),
            "span_id": format!("{:016x}", link.span_id),
            "flags": link.flags & !links::FLAGS_KNOWN,
            "tracestate": text(link.tracestate),
            "attributes": attributes,
        }));
    });
    all
}

fn run(texts: &[(&str, &str)]) -> Buffer {
    let mut run = Buffer::new();
    texts.iter().for_each(|(key, value)| texts::push(&mut run, key.as_bytes(), value.as_bytes()).expect("memory"));
    run
}

fn written(tags: &[(&str, &str)], baggage: &[(&str, &str)], config: &Config) -> (Vec<(String, String)>, Option<Fault>) {
    let (tags, baggage) = (run(tags), run(baggage));
    let out = Outgoing {
        trace_id_high: HIGH,
        trace_id_low: LOW,
        span_id: 7,
        priority: Some(1),
        mechanism: None,
        kept_rate: None,
        rate_is_replaced: false,
        consistent: None,
        tags: tags.bytes(),
        baggage: baggage.bytes(),
    };
    let (mut text, mut headers) = (Scratch::new(), Vec::new());
    let fault = inject(&out, &config.packed(), &mut text, &mut |name, value| {
        headers.push((name.to_str().unwrap_or_default().to_owned(), String::from_utf8_lossy(value).into_owned()));
        true
    });
    (headers, fault.expect("memory"))
}

fn header(written: &[(String, String)], name: &str) -> Option<String> {
    written.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
}

const DATADOG: [(&str, &str); 2] = [("x-datadog-trace-id", "12345"), ("x-datadog-parent-id", "6789")];

#[test]
fn the_first_style_that_finds_a_context_wins() {
    let headers = [DATADOG[0], DATADOG[1], ("traceparent", PARENT)];
    let first = |styles| read(&headers, &config(styles)).map(|found| found.trace_id_low);
    assert_eq!(first("datadog,tracecontext"), Some(12345));
    assert_eq!(first("tracecontext,datadog"), Some(LOW));
    assert_eq!(first("b3,tracecontext"), Some(LOW));
    assert_eq!(first("none"), None);
}

#[test]
fn another_trace_becomes_a_link() {
    let headers =
        [DATADOG[0], DATADOG[1], ("traceparent", PARENT), ("tracestate", "a=\"1\\"), ("b3", "c0ffee0000000000-1-d")];
    let found = read(&headers, &config("datadog,tracecontext,b3")).expect("a context");
    let links = links(&found);
    assert_eq!(links.len(), 2);
    assert_eq!(links[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((&links[0]["span_id"], &links[0]["flags"]), (&"00f067aa0ba902b7".into(), &1.into()));
    assert_eq!(links[0]["tracestate"], "a=\"1\\");
    assert_eq!(links[0]["attributes"]["reason"], "terminated_context");
    assert_eq!([&links[0], &links[1]].map(|link| &link["attributes"]["context_headers"]), ["tracecontext", "b3"]);
}

#[test]
fn a_parent_of_another_vendor_is_kept() {
    let datadog = [
        ("x-datadog-trace-id", "11803532876627986230"),
        ("x-datadog-parent-id", "987"),
        ("x-datadog-tags", "_dd.p.tid=4bf92f3577b34da6,_dd.p.a=1"),
    ];
    let found = |state| {
        let mut headers = datadog.to_vec();
        headers.extend([("traceparent", PARENT), ("tracestate", state)]);
        read(&headers, &config("datadog,tracecontext")).expect("a context")
    };
    let known = found("foo=1,dd=p:0123456789abcdef;t.b:2;x:y");
    assert_eq!((known.span_id, known.last_parent), (0x00f0_67aa_0ba9_02b7, Some(0x0123_4567_89ab_cdef)));
    assert_eq!((tag(&known, TRACESTATE), tag(&known, b"tracestate.dd")), (Some("foo=1".into()), Some("x:y".into())));
    assert_eq!(
        (tag(&known, b"_dd.p.a"), tag(&known, b"_dd.p.b")),
        (Some("1".into()), None),
        "Datadog's headers have the tags"
    );
    assert_eq!(found("foo=1").last_parent, Some(987));
    assert_eq!(read(&datadog, &config("datadog,tracecontext")).expect("a context").last_parent, None);
}

#[test]
fn extract_first_ends_the_search() {
    let headers = [DATADOG[0], DATADOG[1], ("traceparent", PARENT), ("baggage", "a=1")];
    let found =
        read(&headers, &Config { extract_first: true, ..config("datadog,tracecontext,baggage") }).expect("a context");
    assert!(found.trace_id_low == 12345 && found.links.is_empty());
    assert_eq!(items(found.baggage.bytes()).len(), 1, "baggage is no context of another trace");
}

#[test]
fn a_restarted_trace_keeps_baggage_and_a_link() {
    let config = Config { behavior: Behavior::Restart, ..config("datadog,tracecontext,baggage") };
    let headers = [DATADOG[0], DATADOG[1], ("x-datadog-origin", "rum"), ("traceparent", PARENT), ("baggage", "a=1")];
    let found = read(&headers, &config).expect("baggage and a link");
    assert_eq!((found.trace_id_low, found.span_id, found.priority, found.tags.len()), (0, 0, None, 0));
    assert_eq!(items(found.baggage.bytes()), [("a".into(), "1".into())]);
    let links = links(&found);
    assert_eq!((links.len(), &links[0]["attributes"]["reason"]), (1, &"propagation_behavior_extract".into()));
}

#[test]
fn an_ignored_context_leaves_nothing() {
    let config = Config { behavior: Behavior::Ignore, ..config("tracecontext,baggage") };
    assert!(read(&[("traceparent", PARENT), ("baggage", "a=1")], &config).is_none());
}

#[test]
fn a_flag_alone_decides_a_new_trace() {
    for (name, value, priority) in
        [("b3", "0", 0), ("b3", "1", 1), ("b3", "d", 2), ("x-b3-sampled", "0", 0), ("x-b3-flags", "1", 2)]
    {
        let found = read(&[(name, value)], &config("b3,b3multi")).expect("a decision");
        assert_eq!((found.trace_id_low, found.priority), (0, Some(priority)), "{name}: {value}");
    }
    assert!(read(&[("b3", "2")], &config("b3")).is_none());
}

#[test]
fn faults_of_tags_are_named() {
    let with =
        |tags: &str| read(&[DATADOG[0], DATADOG[1], ("x-datadog-tags", tags)], &config("datadog")).expect("a context");
    let long = format!("_dd.p.a={}", "x".repeat(505));
    for (tags, fault) in [
        (long.as_str(), Some("extract_max_size")),
        ("_dd.p.a,_dd.p.b=1", Some("decoding_error")),
        ("_dd.p.a=1,,_dd.p.b=1", Some("decoding_error")),
        ("_dd.p.a b=1", Some("decoding_error")),
        ("_dd.p.dm=x", Some("decoding_error")),
        ("_dd.p.tid=xyz", Some("malformed_tid xyz")),
        ("_dd.p.a=1,", None),
        (&long[..512], None),
    ] {
        assert_eq!(tag(&with(tags), ERROR).as_deref(), fault, "{tags}");
    }
    assert!(tag(&with("_dd.p.a,_dd.p.b=1"), b"_dd.p.b").is_none(), "nothing of a broken header is used");
    assert_eq!(items(with("_dd.p.a=1,other=2").tags.bytes()).len(), 1, "only tags with the prefix travel");
}

#[test]
fn tags_that_cannot_be_written_are_named() {
    let long = "x".repeat(600);
    let (headers, fault) = written(&[("_dd.p.a", &long)], &[], &config("datadog"));
    assert_eq!((header(&headers, "x-datadog-tags"), fault), (None, Some(Fault::TooLong)));
    let (headers, fault) = written(&[("_dd.p.a", "1,2"), ("_dd.p.b", "1"), ("other", "1")], &[], &config("datadog"));
    assert_eq!(header(&headers, "x-datadog-tags").as_deref(), Some("_dd.p.b=1,_dd.p.tid=4bf92f3577b34da6"));
    assert_eq!(fault, Some(Fault::Encoding));
    let (headers, fault) = written(&[("_dd.p.a", "1")], &[], &Config { tags_max: 0, ..config("datadog") });
    assert_eq!((header(&headers, "x-datadog-tags"), fault), (None, None));
}

#[test]
fn the_dd_member_has_no_more_than_256_characters() {
    let (long, longer) = ("x".repeat(150), "y".repeat(300));
    let tags = [("_dd.origin", "a=b;c"), ("_dd.p.a", &long), ("_dd.p.b", &longer), ("_dd.p.c", "1")];
    let (headers, _) = written(&tags, &[], &config("tracecontext"));
    let state = header(&headers, "tracestate").expect("tracestate");
    assert_eq!(state, format!("dd=p:0000000000000007;s:1;o:a~b_c;t.a:{long};t.c:1;t.tid:4bf92f3577b34da6"));
    assert!(state.len() <= 256);
}

#[test]
fn tracestate_keeps_other_vendors_in_order() {
    let state = "z=1, ot=rv:1;th:2 ,dd=s:2,a=3,bad,,b=4";
    let found = read(&[("traceparent", PARENT), ("tracestate", state)], &config("tracecontext")).expect("a context");
    assert_eq!(tag(&found, TRACESTATE).as_deref(), Some("z=1,ot=rv:1;th:2,a=3,b=4"));
    let two = [("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "dd=s:2,b=2")];
    let found = read(&two, &config("tracecontext")).expect("a context");
    assert_eq!((tag(&found, TRACESTATE).as_deref(), found.priority), (Some("a=1,b=2"), Some(2)));
    let many: Vec<String> = (0..40).map(|n| format!("k{n}={}", "v".repeat(n * 10))).collect();
    let found =
        read(&[("traceparent", PARENT), ("tracestate", &many.join(","))], &config("tracecontext")).expect("a context");
    let kept = tag(&found, TRACESTATE).expect("members");
    assert!(kept.len() <= 4096 && kept == many[..kept.split(',').count()].join(","), "{kept}");
    assert!(read(&[("traceparent", PARENT), ("traceparent", PARENT)], &config("tracecontext")).is_none());
}

#[test]
fn baggage_is_cut_at_its_limits() {
    let config = Config { baggage_items: 3, baggage_bytes: 20, ..config("baggage") };
    let kept = |text: &str| read(&[("baggage", text)], &config).map_or(0, |found| items(found.baggage.bytes()).len());
    assert_eq!(
        ["a=1,b=2,c=3,d=4", "a=1,b=2", "a=1,b=0123456789abcdef", "a=1,=,b=2", "a=1,b"].map(kept),
        [3, 2, 1, 0, 0]
    );
    let (headers, _) = written(&[], &[("a", "1"), ("b", "%%%%%%%%"), ("c", "3")], &config);
    assert_eq!(header(&headers, "baggage").as_deref(), Some("a=1"));
    let (headers, _) = written(&[], &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")], &config);
    assert_eq!(header(&headers, "baggage").as_deref(), Some("a=1,b=2,c=3"));
}

#[test]
fn names_may_have_the_form_of_cgi() {
    for name in ["traceparent", "TraceParent", "HTTP_TRACEPARENT"] {
        assert!(read(&[(name, PARENT)], &config("tracecontext")).is_some(), "{name}");
    }
    let cgi = [("HTTP_X_DATADOG_TRACE_ID", "1"), ("HTTP_X_DATADOG_PARENT_ID", "2")];
    assert!(read(&cgi, &config("datadog")).is_some());
    assert!(read(&[("x_datadog_trace_id", "1"), ("x-datadog-parent-id", "2")], &config("datadog")).is_none());
}

#[test]
fn settings_survive_being_packed() {
    for (behavior, extract_first) in [(Behavior::Continue, true), (Behavior::Restart, false), (Behavior::Ignore, true)]
    {
        let config = Config { behavior, extract_first, ..config("baggage,b3,datadog,B3Multi,tracecontext,b3,none") };
        let packed = config.packed();
        assert_eq!((packed.extract(), packed.inject()), (config.extract, config.inject));
        let behaviors = [Behavior::Continue, Behavior::Restart, Behavior::Ignore];
        assert_eq!(
            behaviors.map(|behavior| packed.has(behavior)),
            behaviors.map(|behavior| behavior == config.behavior)
        );
        assert_eq!(packed.extract_first(), config.extract_first);
        let limits = [packed.tags_max(), packed.baggage_items(), packed.baggage_bytes()];
        assert_eq!(limits, [config.tags_max, config.baggage_items, config.baggage_bytes].map(usize::from));
        assert_eq!(config.extract.numbers().count(), 5, "each style once, in order");
    }
    assert_eq!(Styles::parse("datadog,jaeger"), Err("jaeger"));
}
