//! Decodes payloads for the tests, independently of the library: `rmpv` decodes bytes, and the test agent returns JSON.

use super::hosts::root;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::process::{Command, Stdio};

/// One span as an agent has decoded it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub resource: String,
    pub kind: String,
    pub trace_id: u64,
    pub span_id: u64,
    pub parent_id: u64,
    pub start: i64,
    pub duration: i64,
    pub error: i64,
    pub meta: BTreeMap<String, String>,
    pub metrics: BTreeMap<String, f64>,
    /// Raw bytes of `meta_struct`, by key.
    pub meta_struct: BTreeMap<String, Vec<u8>>,
    /// The field `span_links`.
    pub links: Vec<Json>,
    /// The field `span_events`.
    pub events: Vec<Json>,
}

impl Span {
    /// Returns a text tag; empty if the span does not have it.
    pub fn tag(&self, key: &str) -> &str {
        self.meta.get(key).map(String::as_str).unwrap_or_default()
    }
}

/// Decodes the chunks of a v0.4 body. The error names what violates the format.
pub fn decode(body: &[u8]) -> Result<Vec<Vec<Span>>, String> {
    let whole = value(body)?;
    unique_keys(&whole)?;
    chunks(&whole)
}

/// As `decode`, for payloads of other tracers: of a key that occurs twice, the last value counts.
pub fn decode_of_others(body: &[u8]) -> Result<Vec<Vec<Span>>, String> {
    chunks(&value(body)?)
}

fn value(body: &[u8]) -> Result<rmpv::Value, String> {
    let mut rest = body;
    let whole = rmpv::decode::read_value(&mut rest).map_err(|error| format!("not msgpack: {error}"))?;
    if !rest.is_empty() {
        return Err(format!("{} bytes after the payload", rest.len()));
    }
    Ok(whole)
}

fn chunks(whole: &rmpv::Value) -> Result<Vec<Vec<Span>>, String> {
    let chunks = whole.as_array().ok_or("the payload is no array")?;
    chunks
        .iter()
        .map(|chunk| chunk.as_array().ok_or("a chunk is no array".to_string())?.iter().map(span).collect())
        .collect()
}

/// Rejects a key that occurs twice, on any level: some readers keep its first value, others the last.
fn unique_keys(value: &rmpv::Value) -> Result<(), String> {
    match value {
        rmpv::Value::Array(items) => items.iter().try_for_each(unique_keys),
        rmpv::Value::Map(pairs) => {
            let mut seen = HashSet::new();
            for (key, value) in pairs {
                if !seen.insert(key.to_string()) {
                    return Err(format!("the key {key} is there twice"));
                }
                unique_keys(value)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn span(value: &rmpv::Value) -> Result<Span, String> {
    let mut span = Span::default();
    for (key, value) in value.as_map().ok_or("a span is no map")? {
        let key = text(key)?;
        let wrong = || format!("{key}: {value}");
        match key.as_str() {
            "service" => span.service = text(value)?,
            "name" => span.name = text(value)?,
            "resource" => span.resource = text(value)?,
            "type" => span.kind = text(value)?,
            "trace_id" => span.trace_id = value.as_u64().ok_or_else(wrong)?,
            "span_id" => span.span_id = value.as_u64().ok_or_else(wrong)?,
            "parent_id" => span.parent_id = value.as_u64().ok_or_else(wrong)?,
            "start" => span.start = value.as_i64().ok_or_else(wrong)?,
            "duration" => span.duration = value.as_i64().ok_or_else(wrong)?,
            "error" => span.error = value.as_i64().ok_or_else(wrong)?,
            "meta" => {
                for (name, value) in value.as_map().ok_or_else(wrong)? {
                    span.meta.insert(text(name)?, text(value)?);
                }
            }
            "metrics" => {
                for (name, value) in value.as_map().ok_or_else(wrong)? {
                    let number = value.as_f64().ok_or_else(wrong)?;
                    span.metrics.insert(text(name)?, number);
                }
            }
            "meta_struct" => {
                for (name, value) in value.as_map().ok_or_else(wrong)? {
                    span.meta_struct.insert(text(name)?, value.as_slice().ok_or_else(wrong)?.to_vec());
                }
            }
            "span_links" => {
                span.links = value.as_array().ok_or_else(wrong)?.iter().map(json).collect::<Result<_, _>>()?
            }
            "span_events" => {
                span.events = value.as_array().ok_or_else(wrong)?.iter().map(json).collect::<Result<_, _>>()?
            }
            _ => return Err(format!("unknown field {key}")),
        }
    }
    Ok(span)
}

/// A decoded value as JSON, which has the same types but for blobs.
pub fn json(value: &rmpv::Value) -> Result<Json, String> {
    Ok(match value {
        rmpv::Value::Nil => Json::Null,
        rmpv::Value::Boolean(value) => (*value).into(),
        rmpv::Value::Integer(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into(),
            (_, number) => number.into(),
        },
        rmpv::Value::F32(_) | rmpv::Value::F64(_) => value.as_f64().into(),
        rmpv::Value::String(_) => text(value)?.into(),
        rmpv::Value::Array(items) => items.iter().map(json).collect::<Result<_, _>>()?,
        rmpv::Value::Map(pairs) => {
            let pair = |(key, value): &(rmpv::Value, rmpv::Value)| Ok((text(key)?, json(value)?));
            Json::Object(pairs.iter().map(pair).collect::<Result<_, String>>()?)
        }
        rmpv::Value::Binary(_) | rmpv::Value::Ext(..) => return Err(format!("not in JSON: {value}")),
    })
}

fn text(value: &rmpv::Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("not UTF-8 text: {value}"))
}

/// Returns the traces of the test agent's `/test/session/traces`.
pub fn from_json(traces: &Json) -> Vec<Vec<Span>> {
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    list(traces).iter().map(|trace| list(trace).iter().map(span_from_json).collect()).collect()
}

fn span_from_json(value: &Json) -> Span {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let id = |key: &str| value[key].as_u64().unwrap_or(0);
    let int = |key: &str| value[key].as_i64().unwrap_or(0);
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    let map = |key: &str| value[key].as_object().cloned().unwrap_or_default();
    Span {
        service: text("service"),
        name: text("name"),
        resource: text("resource"),
        kind: text("type"),
        trace_id: id("trace_id"),
        span_id: id("span_id"),
        parent_id: id("parent_id"),
        start: int("start"),
        duration: int("duration"),
        error: int("error"),
        meta: map("meta").into_iter().filter_map(|(k, v)| Some((k, v.as_str()?.to_owned()))).collect(),
        metrics: map("metrics").into_iter().filter_map(|(k, v)| Some((k, v.as_f64()?))).collect(),
        meta_struct: BTreeMap::new(),
        links: list("span_links"),
        events: list("span_events"),
    }
}

/// Decodes a body with Python's `msgpack`, as strictly as the test agent; blobs, too, are decoded.
pub fn decoded_by_python(body: &[u8]) -> Json {
    let script = "import json, msgpack, sys\n\
        print(json.dumps(msgpack.unpackb(sys.stdin.buffer.read()), default=msgpack.unpackb))";
    let mut command = Command::new(root().join("target/venv/bin/python"));
    let command = command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("Python runs");
    child.stdin.take().expect("its input").write_all(body).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Counts how often each span arrived, to find losses and duplicates.
#[derive(Default)]
pub struct Tally {
    times: HashMap<(u64, u64), u64>,
}

impl Tally {
    /// Counts every span of these chunks.
    pub fn add(&mut self, chunks: &[Vec<Span>]) {
        for span in chunks.iter().flatten() {
            *self.times.entry((span.trace_id, span.span_id)).or_default() += 1;
        }
    }

    /// Returns the number of different spans.
    pub fn distinct(&self) -> u64 {
        self.times.len() as u64
    }

    /// Returns the number of duplicates: arrivals after the first of each span.
    pub fn doubles(&self) -> u64 {
        self.times.values().map(|times| times - 1).sum()
    }
}
