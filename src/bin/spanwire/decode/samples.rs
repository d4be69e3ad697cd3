//! The samples of tests/formats/samples: the trace-agent's decoder has read them, and this one reads the same.

use super::{v05, v1, Trace};
use serde_json::Value as Json;
use std::collections::BTreeMap;

const V05: &str = include_str!("../../../../tests/formats/samples/v05.jsonl");
const V1: &str = include_str!("../../../../tests/formats/samples/v1.jsonl");

/// Each sample: the payload, and what it holds.
fn samples(lines: &str) -> Vec<(Vec<u8>, Json)> {
    let sample = |line: &str| {
        let read: Json = serde_json::from_str(line).unwrap();
        let digits: Vec<u8> =
            read["hex"].as_str().unwrap().chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
        (digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect(), read["decoded"].clone())
    };
    lines.lines().map(sample).collect()
}

/// The fields that both formats have, and the tags.
fn check_fields(trace: &Trace, expected: &[Json]) {
    assert_eq!(trace.len(), expected.len());
    for (span, wanted) in trace.iter().zip(expected) {
        let texts = [&span.service, &span.name, &span.resource, &span.kind];
        for (text, key) in texts.into_iter().zip(["service", "name", "resource", "type"]) {
            assert_eq!(Some(text.as_str()), wanted[key].as_str(), "{key}");
        }
        let numbers = [span.span_id, span.parent_id, span.start as u64, span.duration as u64];
        for (number, key) in numbers.into_iter().zip(["span_id", "parent_id", "start", "duration"]) {
            assert_eq!(Some(number), wanted[key].as_u64(), "{key}");
        }
    }
}

fn texts(map: &Json) -> BTreeMap<String, String> {
    let pairs = map.as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn numbers(map: &Json) -> BTreeMap<String, f64> {
    map.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.as_f64().unwrap())).collect()
}

#[test]
fn v05_is_read_as_the_trace_agent_reads_it() {
    for (payload, decoded) in samples(V05) {
        let (traces, decoded) = (v05::payload(&payload).unwrap(), decoded.as_array().unwrap().clone());
        assert_eq!(traces.len(), decoded.len());
        for (trace, wanted) in traces.iter().zip(&decoded) {
            let wanted = wanted.as_array().unwrap();
            check_fields(trace, wanted);
            for (span, wanted) in trace.iter().zip(wanted) {
                assert_eq!(Some(span.trace_id), wanted["trace_id"].as_u64());
                assert_eq!(Some(i64::from(span.error)), wanted["error"].as_i64());
                assert_eq!((&span.meta, &span.metrics), (&texts(&wanted["meta"]), &numbers(&wanted["metrics"])));
            }
        }
    }
}

#[test]
fn v1_is_read_as_the_trace_agent_reads_it() {
    for (payload, decoded) in samples(V1) {
        let (traces, chunks) = (v1::payload(&payload).unwrap(), decoded["chunks"].as_array().unwrap().clone());
        assert_eq!(traces.len(), chunks.len());
        for (trace, chunk) in traces.iter().zip(&chunks) {
            let spans = chunk["spans"].as_array().unwrap();
            check_fields(trace, spans);
            let id = u128::from_str_radix(chunk["trace_id"].as_str().unwrap(), 16).unwrap();
            for (place, (span, wanted)) in trace.iter().zip(spans).enumerate() {
                assert_eq!((span.trace_id, Some(span.error)), (id as u64, wanted["error"].as_bool()));
                let (mut meta, mut metrics, mut others) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
                for (key, value) in wanted["attributes"].as_object().unwrap() {
                    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
                    match kind.as_str() {
                        "str" => drop(meta.insert(key.clone(), value.as_str().unwrap().to_owned())),
                        "bool" => drop(metrics.insert(key.clone(), f64::from(u8::from(value.as_bool().unwrap())))),
                        "int" | "double" => drop(metrics.insert(key.clone(), value.as_f64().unwrap())),
                        _ => others.push(key.clone()),
                    }
                }
                let fields = ["env", "version", "component"].map(|key| (key, wanted[key].as_str().unwrap()));
                let kinds = ["", "internal", "server", "client", "producer", "consumer"];
                let kind = ("span.kind", kinds[wanted["kind"].as_u64().unwrap() as usize]);
                let origin = ("_dd.origin", chunk["origin"].as_str().unwrap());
                let all = fields.into_iter().chain([kind, origin]).filter(|(_, text)| !text.is_empty());
                meta.extend(all.map(|(key, text)| (key.to_owned(), text.to_owned())));
                if place == 0 {
                    meta.insert("_dd.p.dm".into(), format!("-{}", chunk["sampling_mechanism"]));
                    if id >> 64 != 0 {
                        meta.insert("_dd.p.tid".into(), format!("{:016x}", id >> 64));
                    }
                    metrics.insert("_sampling_priority_v1".into(), chunk["priority"].as_f64().unwrap());
                }
                assert_eq!((&span.meta, &span.metrics), (&meta, &metrics));
                assert_eq!(span.meta_struct.keys().cloned().collect::<Vec<_>>(), others);
            }
        }
    }
}
