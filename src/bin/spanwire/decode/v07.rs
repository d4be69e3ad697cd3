//! Decodes v0.7: a map with what the tracer says of itself and chunks of spans, which are maps as in v0.4. What payload and
//! chunks have fields for becomes the tags that v0.4 has.

use super::{Decoder, Malformed, Span, Trace};
use std::collections::BTreeMap;

/// The texts of a payload that are tags of each of its spans in v0.4.
#[derive(Default)]
struct Common {
    env: String,
    version: String,
    tags: BTreeMap<String, String>,
}

/// Decodes the body of a request to `/v0.7/traces`.
pub fn payload(body: &[u8]) -> Result<Vec<Trace>, Malformed> {
    let mut decoder = Decoder::new(body);
    let (mut traces, mut common) = (Vec::new(), Common::default());
    for _ in 0..decoder.map("a map with the payload")? {
        let field = decoder.text("the name of a field")?;
        decoder.field = field;
        match field {
            "chunks" if !decoder.reader.nil() => {
                let count = decoder.array("an array of chunks")?;
                decoder.field = "";
                for index in 0..count {
                    decoder.trace = Some(index);
                    traces.push(chunk(&mut decoder)?);
                }
                decoder.trace = None;
            }
            "env" => common.env = decoder.text_or_nil()?,
            "app_version" => common.version = decoder.text_or_nil()?,
            "tags" => common.tags = decoder.pairs(|this| this.text("text").map(str::to_owned))?,
            "chunks" => {}
            _ => decoder.skip()?,
        }
        decoder.field = "";
    }
    for (n, span) in traces.iter_mut().flat_map(|trace| trace.iter_mut().enumerate()) {
        add(&mut decoder, span, "env", &common.env)?;
        add(&mut decoder, span, "version", &common.version)?;
        for (key, text) in common.tags.iter().filter(|_| n == 0) {
            add(&mut decoder, span, key, text)?;
        }
    }
    decoder.end(traces)
}

/// Gives a span a tag that it does not have, unless that is empty.
fn add(decoder: &mut Decoder<'_>, span: &mut Span, key: &str, text: &str) -> Result<(), Malformed> {
    if !text.is_empty() && !span.meta.contains_key(key) {
        let start = decoder.reader.at();
        let pair = decoder.repeat_tag(start, key, text)?;
        span.meta.extend([pair]);
    }
    Ok(())
}

fn chunk(decoder: &mut Decoder<'_>) -> Result<Trace, Malformed> {
    let start = decoder.reader.at();
    let (mut spans, mut priority, mut origin, mut tags) = (Trace::new(), None, String::new(), BTreeMap::new());
    for _ in 0..decoder.map("a chunk (a map)")? {
        let field = decoder.text("the name of a field")?;
        decoder.field = field;
        match field {
            "spans" => {
                decoder.field = "";
                spans = decoder.trace()?;
            }
            "priority" => priority = Some(decoder.signed()?),
            "origin" => origin = decoder.text_or_nil()?,
            "tags" => tags = decoder.pairs(|this| this.text("text").map(str::to_owned))?,
            _ => decoder.skip()?,
        }
        decoder.field = "";
    }
    let Some(first) = spans.first_mut() else {
        return Err(decoder.complain(start, "a chunk without spans"));
    };
    if let Some(priority) = priority {
        first.metrics.entry("_sampling_priority_v1".into()).or_insert(priority as f64);
    }
    for (key, text) in tags {
        first.meta.entry(key).or_insert(text);
    }
    for span in &mut spans {
        add(decoder, span, "_dd.origin", &origin)?;
    }
    Ok(spans)
}
