//! Payloads by hand, good and malformed.

use super::*;

/// MessagePack by hand, so that a mistake of the decoder is not repeated by an encoder of ours.
fn text(value: &str) -> Vec<u8> {
    let mut out = vec![0xa0 | u8::try_from(value.len()).unwrap()];
    out.extend(value.as_bytes());
    out
}

fn u64_be(value: u64) -> Vec<u8> {
    let mut out = vec![0xcf];
    out.extend(value.to_be_bytes());
    out
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0x80 | u8::try_from(pairs.len()).unwrap()];
    for (key, value) in pairs {
        out.extend(text(key));
        out.extend(value);
    }
    out
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0x90 | u8::try_from(items.len()).unwrap()];
    out.extend(items.concat());
    out
}

fn fields() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("service", text("shop")),
        ("name", text("checkout")),
        ("resource", vec![0xc0]),
        ("trace_id", u64_be(u64::MAX)),
        ("span_id", vec![7]),
        ("parent_id", vec![0xc0]),
        ("start", vec![0xcd, 0x03, 0xe8]),
        ("duration", vec![0xd0, 0xfe]),
        ("error", vec![1]),
        ("meta", map(&[("card", text("visa"))])),
        ("metrics", map(&[("amount", [&[0xcb][..], &42.5f64.to_be_bytes()].concat()), ("tries", vec![3])])),
        ("meta_struct", map(&[("stack", vec![0xc4, 2, 0x81, 0x00])])),
        ("span_links", array(&[map(&[("span_id", vec![9]), ("flags", vec![0xc3])])])),
        ("type", text("web")),
    ]
}

fn body(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    array(&[array(&[map(fields)])])
}

fn with(name: &str, value: Vec<u8>) -> Vec<u8> {
    let mut changed = fields();
    for field in changed.iter_mut().filter(|field| field.0 == name) {
        field.1.clone_from(&value);
    }
    body(&changed)
}

fn complaint(body: &[u8]) -> String {
    payload(body).expect_err("this is malformed").to_string()
}

#[test]
fn every_field_arrives() {
    let traces = payload(&body(&fields())).unwrap();
    let span = &traces[0][0];
    assert_eq!((span.service.as_str(), span.name.as_str(), span.resource.as_str()), ("shop", "checkout", ""));
    assert_eq!((span.trace_id, span.span_id, span.parent_id), (u64::MAX, 7, 0));
    assert_eq!((span.start, span.duration, span.error, span.kind.as_str()), (1000, -2, true, "web"));
    assert_eq!(span.meta["card"], "visa");
    assert_eq!((span.metrics["amount"], span.metrics["tries"]), (42.5, 3.0));
    assert_eq!(span.meta_struct["stack"], 2);
}

#[test]
fn no_traces_at_all_are_a_good_payload() {
    assert_eq!(payload(&[0x90]), Ok(vec![]));
}

#[test]
fn a_complaint_names_the_byte_the_span_and_the_field() {
    let bytes = with("meta", map(&[("card", vec![5])]));
    let byte = bytes.windows(5).position(|window| window == b"card\x05").unwrap() + 4;
    assert_eq!(
        complaint(&bytes),
        format!("byte {byte}, trace 0, span 0, meta \"card\": expected text, found the integer 5")
    );
}

#[test]
fn what_an_agent_would_throw_away_is_refused() {
    for (bytes, why) in [
        (vec![], "the payload ends here"),
        (vec![0x80], "expected an array of traces, found a map"),
        (vec![0x91, 0x90], "a trace without spans"),
        ([body(&fields()), vec![0xc0, 0xc0]].concat(), "2 bytes after the end"),
        (with("trace_id", vec![0]), "must not be 0"),
        (with("trace_id", text("7")), "trace_id: expected an unsigned integer, found text"),
        (with("span_id", vec![0xc0]), "span_id: expected an unsigned integer, found nil"),
        (with("start", u64_be(u64::MAX)), "start: expected a signed integer"),
        (with("error", vec![0xc3]), "error: expected a signed integer of 64 bits, found a boolean"),
        (with("name", vec![0xa2, 0xff, 0xfe]), "name: text that is not UTF-8"),
        (with("meta", map(&[("a", text("1")), ("a", text("2"))])), "key \"a\" came before"),
        (with("metrics", map(&[("a", text("1"))])), "metrics \"a\": expected a number, found text"),
        (body(&fields()[..4]), "field \"span_id\" is missing"),
        (body(&[fields(), fields()].concat()[..15]), "field \"service\" came before"),
        (array(&[array(&[map(&fields()), map(&fields())])]), "span_id 7 came before"),
    ] {
        let said = complaint(&bytes);
        assert!(said.contains(why), "{said:?} does not say {why:?}");
    }
}

#[test]
fn a_payload_cut_anywhere_is_refused() {
    let whole = body(&fields());
    for length in 0..whole.len() {
        assert!(payload(&whole[..length]).is_err(), "{length} of {} bytes were taken", whole.len());
    }
}

#[test]
fn announced_sizes_reserve_nothing() {
    for bytes in [vec![0xdd, 0xff, 0xff, 0xff, 0xff], vec![0x91, 0xdd, 0xff, 0xff, 0xff, 0xff, 0xdb, 0xff]] {
        assert!(payload(&bytes).is_err());
    }
    let length = with("name", vec![0xdb, 0xff, 0xff, 0xff, 0xff]);
    assert!(complaint(&length).contains("4294967295 bytes announced"));
}

#[test]
fn a_small_payload_whose_strings_come_many_times_takes_no_more_memory_than_it_may() {
    // v0.5: one string of 1 MiB, and traces of one span that has it as its name.
    let long = "x".repeat(1 << 20);
    let payload = |spans: u16| {
        let mut bytes = vec![0x92, 0x92, 0xa0, 0xdb];
        bytes.extend((long.len() as u32).to_be_bytes());
        bytes.extend(long.as_bytes());
        bytes.push(0xdc);
        bytes.extend(spans.to_be_bytes());
        for id in 1..=spans {
            bytes.extend([0x91, 0x9c, 0, 1, 0]);
            bytes.extend([u64_be(7), u64_be(id.into()), vec![0, 0, 0, 0, 0x80, 0x80, 0]].concat());
        }
        v05::payload(&bytes)
    };
    assert_eq!(payload(3).expect("it is whole").len(), 3);
    let said = payload(300).expect_err("300 MiB of names").to_string();
    assert!(said.contains("more than 256 MiB in all"), "{said}");
}

#[test]
fn deep_nesting_in_a_field_we_do_not_know_does_not_overflow_the_stack() {
    let mut deep = vec![0x91; 1_000_000];
    deep.push(0xc0);
    assert!(payload(&with("span_links", deep)).is_ok());
}

/// A payload of v0.7 with spans of one trace and these texts for payload and chunk.
fn v07_body(text_of_payload: &str, origin: &str, spans: u32) -> Vec<u8> {
    let long = |value: &str| [&[0xdb][..], &(value.len() as u32).to_be_bytes(), value.as_bytes()].concat();
    let mut chunk =
        map(&[("priority", vec![0xff]), ("origin", long(origin)), ("tags", map(&[("_dd.p.dm", text("-4"))]))]);
    chunk[0] += 1;
    chunk.extend(text("spans"));
    chunk.push(0xdd);
    chunk.extend(spans.to_be_bytes());
    for id in 1..=spans {
        let id = [&[0xce][..], &id.to_be_bytes()].concat();
        let times = [("start", vec![1]), ("duration", vec![2])];
        let ids = [("trace_id", vec![7]), ("span_id", id), ("name", text("x"))];
        chunk.extend(map(&[&ids[..], &times[..]].concat()));
    }
    map(&[("chunks", array(&[chunk])), ("env", long(text_of_payload)), ("later", vec![0xc0]), ("tags", vec![0xc0])])
}

#[test]
fn v07_becomes_what_v04_has_and_is_refused_where_it_is_cut() {
    let body = v07_body("prod", "rum", 2);
    let traces = v07::payload(&body).unwrap();
    let [first, second] = &traces[0][..] else { panic!("{traces:?}") };
    assert_eq!((first.metrics["_sampling_priority_v1"], first.meta["_dd.p.dm"].as_str()), (-1.0, "-4"));
    assert_eq!((second.metrics.len(), second.meta.get("_dd.p.dm")), (0, None));
    for span in [first, second] {
        assert_eq!((span.meta["env"].as_str(), span.meta["_dd.origin"].as_str()), ("prod", "rum"));
    }
    for end in 0..body.len() {
        assert!(v07::payload(&body[..end]).is_err(), "{end}");
    }
    let mut wrong = body;
    for at in 0..wrong.len() {
        for byte in [0x00, 0x80, 0x9f, 0xc0, 0xdf, 0xff] {
            let kept = std::mem::replace(&mut wrong[at], byte);
            let _ = v07::payload(&wrong);
            wrong[at] = kept;
        }
    }
}

#[test]
fn a_long_text_of_a_payload_or_chunk_is_not_copied_for_each_of_many_spans() {
    let long = "x".repeat(1 << 20);
    for body in [v07_body(&long, "", 300), v07_body("", &long, 300)] {
        let refused = v07::payload(&body).unwrap_err();
        assert!(refused.what.contains("256 MiB"), "{refused}");
    }
    let origin = [&[0xdb][..], &(long.len() as u32).to_be_bytes(), long.as_bytes()].concat();
    let spans = [vec![0xdc, 1, 44], [0x81, 4, 1].repeat(300)].concat();
    let id = [&[0xc4, 16][..], &[1; 16]].concat();
    let chunk = [vec![0x84, 1, 1, 2], origin, vec![4], spans, vec![6], id].concat();
    let refused = v1::payload(&[vec![0x81, 11, 0x91], chunk].concat()).unwrap_err();
    assert!(refused.what.contains("256 MiB"), "{refused}");
}

#[test]
fn short_tags_of_a_payload_are_not_copied_for_each_of_many_chunks() {
    let id = |name| (name, vec![1]);
    let span = map(&[id("trace_id"), id("span_id"), ("name", text("x")), id("start"), id("duration")]);
    let chunk = map(&[("spans", array(&[span]))]);
    let tags: Vec<u8> = (0..4096).flat_map(|n| [text(&format!("{n}")), text("x")].concat()).collect();
    let tags = [&[0xde, 0x10, 0][..], &tags].concat();
    let chunks = [&[0xdc, 0x10, 0][..], &chunk.repeat(4096)].concat();
    let refused = v07::payload(&map(&[("tags", tags), ("chunks", chunks)])).expect_err("16 million tags");
    assert!(refused.what.contains("256 MiB"), "{refused}");
}
