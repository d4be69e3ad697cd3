//! Decodes payloads into spans, or returns one error with its position: v0.4 here, the others in files of their own. Strict,
//! because the sender is usually a tracer under development: what a Datadog Agent drops or repairs silently is an error here.

pub mod otlp;
pub mod v05;
pub mod v07;
pub mod v1;

use crate::msgpack::{Head, Reader};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// A decoded span. Text that was nil or absent is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub resource: String,
    /// The field `type`.
    pub kind: String,
    /// The low 64 bits. The high 64 bits are in the tag `_dd.p.tid` of the trace's first span.
    pub trace_id: u64,
    pub span_id: u64,
    /// 0 for a root.
    pub parent_id: u64,
    /// Nanoseconds since 1970.
    pub start: i64,
    /// Nanoseconds.
    pub duration: i64,
    pub error: bool,
    pub meta: BTreeMap<String, String>,
    pub metrics: BTreeMap<String, f64>,
    /// Length in bytes of each structured value.
    pub meta_struct: BTreeMap<String, usize>,
}

/// The spans of one trace in one payload.
pub type Trace = Vec<Span>;

/// Why a payload is refused: the position, the span and field, and what is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    pub byte: usize,
    pub place: String,
    pub what: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}{}: {}", self.byte, self.place, self.what)
    }
}

/// Decodes the body of a request to `/v0.4/traces`: an array of traces, each an array of spans, each a map.
pub fn payload(body: &[u8]) -> Result<Vec<Trace>, Malformed> {
    let mut decoder = Decoder::new(body);
    let mut traces = Vec::new();
    for index in 0..decoder.array("an array of traces")? {
        decoder.trace = Some(index);
        traces.push(decoder.trace()?);
    }
    decoder.end(traces)
}

/// The position in the payload, for error messages.
struct Decoder<'a> {
    reader: Reader<'a>,
    trace: Option<u32>,
    span: Option<u32>,
    field: &'a str,
    key: &'a str,
    /// The bytes of the texts that were copied for a reference to them.
    repeated: usize,
}

/// The most of them, so that a small payload cannot take all memory.
const REPEATED_MAX: usize = 256 << 20;
/// What a tag takes beside its bytes: two objects and allocations, and its place in a map.
const TAG_OVERHEAD: usize = 110;

impl<'a> Decoder<'a> {
    fn new(body: &'a [u8]) -> Decoder<'a> {
        Decoder { reader: Reader::new(body), trace: None, span: None, field: "", key: "", repeated: 0 }
    }

    /// Copies a text that the payload has once and refers to by its number.
    fn repeat(&mut self, start: usize, text: &str) -> Result<String, Malformed> {
        self.repeated += text.len();
        match self.repeated <= REPEATED_MAX {
            true => Ok(text.to_owned()),
            false => Err(self.complain(start, "texts that several spans share take more than 256 MiB in all")),
        }
    }

    /// Copies a tag of the payload or of a chunk for a span.
    fn repeat_tag(&mut self, start: usize, key: &str, text: &str) -> Result<(String, String), Malformed> {
        self.repeated += TAG_OVERHEAD;
        Ok((self.repeat(start, key)?, self.repeat(start, text)?))
    }

    /// Returns the traces if nothing follows them.
    fn end(mut self, traces: Vec<Trace>) -> Result<Vec<Trace>, Malformed> {
        self.trace = None;
        match self.reader.left() {
            0 => Ok(traces),
            extra => Err(self.complain(self.reader.at(), format!("{extra} bytes after the end of the payload"))),
        }
    }

    fn trace(&mut self) -> Result<Trace, Malformed> {
        let start = self.reader.at();
        let count = self.array("an array of spans")?;
        if count == 0 {
            return Err(self.complain(start, "a trace without spans"));
        }
        let mut spans: Trace = Vec::new();
        let mut ids = HashSet::new();
        for index in 0..count {
            self.span = Some(index);
            let start = self.reader.at();
            let span = self.span()?;
            if let Some(first) = spans.first().filter(|first| first.trace_id != span.trace_id) {
                let what = format!("trace_id {} differs from the first span's {}", span.trace_id, first.trace_id);
                return Err(self.complain(start, what));
            }
            if !ids.insert(span.span_id) {
                return Err(self.complain(start, format!("span_id {} came before in this trace", span.span_id)));
            }
            spans.push(span);
        }
        self.span = None;
        Ok(spans)
    }

    fn span(&mut self) -> Result<Span, Malformed> {
        let start = self.reader.at();
        let mut span = Span::default();
        let mut seen = HashSet::new();
        for _ in 0..self.map("a span (a map)")? {
            let key_at = self.reader.at();
            let field = self.text("the name of a field")?;
            if !seen.insert(field) {
                return Err(self.complain(key_at, format!("field {field:?} came before in this span")));
            }
            self.field = field;
            match field {
                "service" => span.service = self.text_or_nil()?,
                "name" => span.name = self.text_or_nil()?,
                "resource" => span.resource = self.text_or_nil()?,
                "type" => span.kind = self.text_or_nil()?,
                "trace_id" => span.trace_id = self.id()?,
                "span_id" => span.span_id = self.id()?,
                "parent_id" => span.parent_id = self.id()?,
                "start" => span.start = self.signed()?,
                "duration" => span.duration = self.signed()?,
                "error" => span.error = self.signed()? != 0,
                "meta" => span.meta = self.pairs(|this| this.text("text").map(str::to_owned))?,
                "metrics" => span.metrics = self.pairs(Self::number)?,
                "meta_struct" => span.meta_struct = self.pairs(Self::structured)?,
                _ => self.skip()?,
            }
            self.field = "";
        }
        for required in ["trace_id", "span_id", "name", "start", "duration"] {
            if !seen.contains(required) {
                return Err(self.complain(start, format!("field {required:?} is missing")));
            }
        }
        if span.trace_id == 0 || span.span_id == 0 {
            return Err(self.complain(start, "trace_id and span_id must not be 0"));
        }
        Ok(span)
    }

    fn complain(&self, byte: usize, what: impl Into<String>) -> Malformed {
        let mut place = String::new();
        if let Some(trace) = self.trace {
            place += &format!(", trace {trace}");
        }
        if let Some(span) = self.span {
            place += &format!(", span {span}");
        }
        if !self.field.is_empty() {
            place += &format!(", {}", self.field);
        }
        if !self.key.is_empty() {
            place += &format!(" {:?}", self.key);
        }
        Malformed { byte, place, what: what.into() }
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let start = self.reader.at();
        self.reader.head().map_err(|why| self.complain(start, why))
    }

    fn expected(&self, byte: usize, wanted: &str, found: Head) -> Malformed {
        self.complain(byte, format!("expected {wanted}, found {}", found.described()))
    }

    fn array(&mut self, wanted: &str) -> Result<u32, Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Array(items) => Ok(items),
            other => Err(self.expected(start, wanted, other)),
        }
    }

    fn map(&mut self, wanted: &str) -> Result<u32, Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Map(pairs) => Ok(pairs),
            other => Err(self.expected(start, wanted, other)),
        }
    }

    /// Reads an id. Nil is 0: tracers send it as the parent of a root.
    fn id(&mut self) -> Result<u64, Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Unsigned(id) => Ok(id),
            Head::Nil if self.field == "parent_id" => Ok(0),
            other => Err(self.expected(start, "an unsigned integer", other)),
        }
    }

    fn signed(&mut self) -> Result<i64, Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Negative(value) => Ok(value),
            Head::Unsigned(value) if value <= i64::MAX as u64 => Ok(value as i64),
            other => Err(self.expected(start, "a signed integer of 64 bits", other)),
        }
    }

    fn number(&mut self) -> Result<f64, Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Float(value) => Ok(value),
            Head::Unsigned(value) => Ok(value as f64),
            Head::Negative(value) => Ok(value as f64),
            other => Err(self.expected(start, "a number", other)),
        }
    }

    fn text(&mut self, wanted: &str) -> Result<&'a str, Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Text(length) => self.text_of(length),
            other => Err(self.expected(start, wanted, other)),
        }
    }

    /// Reads the text of this length that comes next.
    fn text_of(&mut self, length: u32) -> Result<&'a str, Malformed> {
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map_err(|error| {
            let bad = self.reader.at() - bytes.len() + error.valid_up_to();
            self.complain(bad, "text that is not UTF-8")
        })
    }

    fn text_or_nil(&mut self) -> Result<String, Malformed> {
        if self.reader.nil() {
            return Ok(String::new());
        }
        self.text("text").map(str::to_owned)
    }

    fn structured(&mut self) -> Result<usize, Malformed> {
        self.blob().map(<[u8]>::len)
    }

    fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Bytes(length) => self.bytes(length),
            other => Err(self.expected(start, "bytes", other)),
        }
    }

    fn unsigned(&mut self, wanted: &str) -> Result<u64, Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Unsigned(value) => Ok(value),
            other => Err(self.expected(start, wanted, other)),
        }
    }

    fn boolean(&mut self) -> Result<bool, Malformed> {
        let start = self.reader.at();
        match self.head()? {
            Head::Boolean(value) => Ok(value),
            other => Err(self.expected(start, "a boolean", other)),
        }
    }

    fn bytes(&mut self, length: u32) -> Result<&'a [u8], Malformed> {
        let start = self.reader.at();
        self.reader.take(length as usize).map_err(|why| self.complain(start, why))
    }

    fn skip(&mut self) -> Result<(), Malformed> {
        self.reader.skip().map_err(|why| self.complain(self.reader.at(), why))
    }

    /// Reads a map from text to what `value` reads. Nil is an empty map.
    fn pairs<V>(
        &mut self,
        value: impl Fn(&mut Self) -> Result<V, Malformed>,
    ) -> Result<BTreeMap<String, V>, Malformed> {
        let mut pairs = BTreeMap::new();
        if self.reader.nil() {
            return Ok(pairs);
        }
        for _ in 0..self.map("a map")? {
            let start = self.reader.at();
            let key = self.text("a key (text)")?;
            self.key = key;
            let value = value(self)?;
            self.key = "";
            if pairs.insert(key.to_owned(), value).is_some() {
                return Err(self.complain(start, format!("key {key:?} came before in this map")));
            }
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
