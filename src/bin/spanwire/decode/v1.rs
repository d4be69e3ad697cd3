//! Decodes v1.0: a map with numbers as keys, in which a text is sent once and its number afterwards. What chunks and spans have
//! fields for becomes the tags that v0.4 has.

use super::{Decoder, Malformed, Span, Trace};
use crate::msgpack::Head;
use std::collections::HashSet;

const KINDS: [&str; 5] = ["internal", "server", "client", "producer", "consumer"];

/// A decoder and the strings that came so far.
struct Streaming<'a> {
    decoder: Decoder<'a>,
    strings: Vec<&'a str>,
    /// The same for looking them up. The empty text is among them: it always has the number 0.
    known: HashSet<&'a str>,
}

/// Decodes the body of a request to `/v1.0/traces`.
pub fn payload(body: &[u8]) -> Result<Vec<Trace>, Malformed> {
    let mut this = Streaming { decoder: Decoder::new(body), strings: vec![""], known: HashSet::from([""]) };
    let mut traces = Vec::new();
    for _ in 0..this.decoder.map("a map with the payload")? {
        match this.key()? {
            11 => {
                for index in 0..this.decoder.array("an array of chunks")? {
                    this.decoder.trace = Some(index);
                    traces.push(this.chunk()?);
                }
                this.decoder.trace = None;
            }
            _ => this.pass()?,
        }
    }
    this.decoder.end(traces)
}

impl Streaming<'_> {
    fn key(&mut self) -> Result<u64, Malformed> {
        self.decoder.unsigned("the number of a field")
    }

    fn string(&mut self) -> Result<String, Malformed> {
        let start = self.decoder.reader.at();
        match self.decoder.head()? {
            Head::Text(length) => self.new_text(length),
            Head::Unsigned(number) => match usize::try_from(number).ok().and_then(|number| self.strings.get(number)) {
                Some(text) => self.decoder.repeat(start, text),
                None => {
                    let what = format!("string {number}, and only {} came before", self.strings.len());
                    Err(self.decoder.complain(start, what))
                }
            },
            other => Err(self.decoder.expected(start, "text or the number of a string", other)),
        }
    }

    /// Reads a text of this length, which gets a number if it has none.
    fn new_text(&mut self, length: u32) -> Result<String, Malformed> {
        let text = self.decoder.text_of(length)?;
        if self.known.insert(text) {
            self.strings.push(text);
        }
        Ok(text.to_owned())
    }

    /// Passes over a value. Its texts get numbers all the same.
    fn pass(&mut self) -> Result<(), Malformed> {
        let mut values: u64 = 1;
        while values > 0 {
            values -= 1;
            match self.decoder.head()? {
                Head::Text(length) => drop(self.new_text(length)?),
                Head::Bytes(length) => drop(self.decoder.bytes(length)?),
                Head::Extension(length) => drop(self.decoder.bytes(length.saturating_add(1))?),
                Head::Array(items) => values += u64::from(items),
                Head::Map(pairs) => values += 2 * u64::from(pairs),
                Head::Nil | Head::Boolean(_) | Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => {}
            }
        }
        Ok(())
    }

    fn chunk(&mut self) -> Result<Trace, Malformed> {
        let start = self.decoder.reader.at();
        let (mut spans, mut priority, mut origin, mut mechanism) = (Trace::new(), None, String::new(), 0);
        let mut id = [0; 16];
        for _ in 0..self.decoder.map("a chunk (a map)")? {
            match self.key()? {
                1 => priority = Some(self.decoder.signed()?),
                2 => origin = self.string()?,
                4 => {
                    for index in 0..self.decoder.array("an array of spans")? {
                        self.decoder.span = Some(index);
                        spans.push(self.span()?);
                    }
                    self.decoder.span = None;
                }
                6 => {
                    let start = self.decoder.reader.at();
                    let bytes = self.decoder.blob()?;
                    id = bytes.try_into().map_err(|_| {
                        self.decoder.complain(start, format!("a trace id of {} bytes, not 16", bytes.len()))
                    })?;
                }
                7 => mechanism = self.decoder.unsigned("a mechanism")?,
                _ => self.pass()?,
            }
        }
        let Some(priority) = priority else {
            return Err(self.decoder.complain(start, "a chunk without a priority, which an Agent drops"));
        };
        let id = u128::from_be_bytes(id);
        if id as u64 == 0 {
            return Err(self.decoder.complain(start, "a chunk without a trace id"));
        }
        for (n, span) in spans.iter_mut().enumerate() {
            span.trace_id = id as u64;
            if !origin.is_empty() {
                span.meta.insert("_dd.origin".into(), self.decoder.repeat(start, &origin)?);
            }
            if n == 0 {
                span.metrics.insert("_sampling_priority_v1".into(), priority as f64);
                span.meta.insert("_dd.p.dm".into(), format!("-{mechanism}"));
                if id >> 64 != 0 {
                    span.meta.insert("_dd.p.tid".into(), format!("{:016x}", id >> 64));
                }
            }
        }
        Ok(spans)
    }

    fn span(&mut self) -> Result<Span, Malformed> {
        let (start, mut span) = (self.decoder.reader.at(), Span::default());
        for _ in 0..self.decoder.map("a span (a map)")? {
            let key = self.key()?;
            match key {
                1 => span.service = self.string()?,
                2 => span.name = self.string()?,
                3 => span.resource = self.string()?,
                4 => span.span_id = self.decoder.unsigned("a span id")?,
                5 => span.parent_id = self.decoder.unsigned("a span id")?,
                6 => span.start = self.decoder.signed()?,
                7 => span.duration = self.decoder.unsigned("a duration")?.min(i64::MAX as u64) as i64,
                8 => span.error = self.decoder.boolean()?,
                9 => self.attributes(&mut span)?,
                10 => span.kind = self.string()?,
                13..=15 => {
                    let value = self.string()?;
                    let key = ["env", "version", "component"][key as usize - 13];
                    if !value.is_empty() {
                        span.meta.insert(key.into(), value);
                    }
                }
                16 => {
                    let kind = self.decoder.unsigned("a kind")? as usize;
                    if let Some(kind) = kind.checked_sub(1).and_then(|kind| KINDS.get(kind)) {
                        span.meta.entry("span.kind".into()).or_insert((*kind).into());
                    }
                }
                _ => self.pass()?,
            }
        }
        if span.span_id == 0 {
            return Err(self.decoder.complain(start, "span_id must not be 0"));
        }
        Ok(span)
    }

    fn attributes(&mut self, span: &mut Span) -> Result<(), Malformed> {
        let start = self.decoder.reader.at();
        let items = self.decoder.array("an array of attributes")?;
        if items % 3 != 0 {
            return Err(self.decoder.complain(start, format!("{items} elements, which are no triples")));
        }
        for _ in 0..items / 3 {
            let key = self.string()?;
            let start = self.decoder.reader.at();
            match self.decoder.unsigned("a type")? {
                1 => drop(span.meta.insert(key, self.string()?)),
                2 => drop(span.metrics.insert(key, f64::from(u8::from(self.decoder.boolean()?)))),
                3 | 4 => drop(span.metrics.insert(key, self.decoder.number()?)),
                5 => drop(span.meta_struct.insert(key, self.decoder.blob()?.len())),
                6 | 7 => {
                    let from = self.decoder.reader.at();
                    self.pass()?;
                    span.meta_struct.insert(key, self.decoder.reader.at() - from);
                }
                other => return Err(self.decoder.complain(start, format!("type {other} of an attribute"))),
            }
        }
        Ok(())
    }
}
