//! Format v1.0: a map with the sender and an array of chunks, each a map with the trace's id, priority, mechanism and origin,
//! and an array of spans, each a map. Keys are numbers. A text is sent once, where it comes first, and its number
//! afterwards. Tags, numbers and blobs are attributes with their types.

use super::chunks::{self, Chunks};
use super::encoder::{correct, put, put_text, Fit, PayloadFormat, Sender, Spans};
use super::parts::{put_blob, put_signed, put_unsigned, put_word, Head};
use super::spans::{kind_of, Span, INTERNAL};
use super::strings::{Mark, Strings};
use super::v04;
use crate::export::metadata::{Metadata, PROCESS_TAGS};
use crate::memory::{Buffer, Full};
use crate::span::attributes::{Attributes, Scalar, Value};
use crate::span::encode;
use crate::span::open::ERROR;
use crate::span::run::{self, Item, Kind};
use crate::trace::{is_of_chunk, ORIGIN};

/// See the module.
#[derive(Default)]
pub struct V1 {
    strings: Strings,
    chunks: usize,
    /// Where the head of the array of chunks is.
    head: usize,
    /// The head of the array of spans in the chunk that is being added.
    spans: Option<Head>,
    /// The tags of a span that become fields, each as the number of its field and its text.
    fields: Vec<u8>,
    /// The kind of that span, and whether it is a known one.
    kind: Option<(u8, bool)>,
}

pub(super) const PATH: &str = "/v1.0/traces";
/// A chunk without a priority counts as rejected. This one is for chunks without a decision.
const UNDECIDED: i32 = -128;

/// Types of attributes.
mod of {
    pub(super) const TEXT: u8 = 1;
    pub(super) const BOOL: u8 = 2;
    pub(super) const FLOAT: u8 = 3;
    pub(super) const INTEGER: u8 = 4;
    pub(super) const BLOB: u8 = 5;
    pub(super) const ARRAY: u8 = 6;
}

impl PayloadFormat for V1 {
    fn begin(&mut self, body: &mut Buffer, metadata: &Metadata) -> Result<(), Full> {
        self.strings.clear();
        self.chunks = 0;
        let (identity, settings) = (&metadata.identity, &metadata.settings);
        let hostname = if settings.report_hostname { settings.hostname.as_str() } else { "" };
        let head = Head::map(body, 10)?;
        let mut fields = 2;
        for (key, text) in [
            (2, identity.container_id.as_deref().unwrap_or_default()),
            (3, &identity.language),
            (4, &identity.language_version),
            (5, &identity.tracer_version),
            (6, &metadata.runtime_id),
            (7, &settings.env),
            (8, hostname),
            (9, &settings.version),
        ] {
            fields += usize::from(self.field(body, key, text.as_bytes())?);
        }
        head.end(body, fields);
        // Beside the first span of each chunk, because the Agent looks for them here.
        put(body, &[10])?;
        let of_payload =
            metadata.first_span.iter().filter(|(key, _)| key == PROCESS_TAGS || key.starts_with("_dd.git."));
        let (head, mut count) = (Head::array(body, 9)?, 0);
        for (key, value) in of_payload.take(3) {
            self.text_attribute(body, key.as_bytes(), value.as_bytes())?;
            count += 3;
        }
        head.end(body, count);
        put(body, &[11])?;
        self.head = body.len();
        put(body, &encode::array_head(0))
    }

    fn add(&mut self, body: &mut Buffer, spans: &Spans<'_>, fit: Fit, limit: usize) -> Result<usize, Full> {
        let added = chunks::add(self, body, spans, fit, limit)?;
        self.chunks += usize::from(added > 0);
        Ok(added)
    }

    fn finish(&mut self, body: &mut Buffer) -> Result<(), Full> {
        correct(body, self.head, &encode::array_head(self.chunks));
        Ok(())
    }

    fn path(&self) -> &'static str {
        PATH
    }

    fn content_type(&self) -> &'static str {
        v04::CONTENT_TYPE
    }

    fn headers(&self, sender: &Sender<'_>, add: &mut dyn FnMut(&'static str, &str)) {
        v04::headers(sender, self.chunks, add);
    }
}

impl Chunks for V1 {
    type Mark = Mark;

    fn begin_chunk(&mut self, body: &mut Buffer, spans: &Spans<'_>) -> Result<(), Full> {
        let chunk = spans.chunk;
        let head = Head::map(body, 5)?;
        put(body, &[1])?;
        put_signed(body, chunk.decision.priority().unwrap_or(UNDECIDED).into())?;
        let mut fields = 3 + usize::from(self.field(body, 2, chunk.tags.get(ORIGIN).unwrap_or_default())?);
        put(body, &[6, 0xc4, 16])?;
        put(body, &chunk.trace_id().to_be_bytes())?;
        if let Some(mechanism) = chunk.decision.sent_mechanism(chunk.decided_elsewhere) {
            put(body, &[7])?;
            put_unsigned(body, mechanism.number().unsigned_abs().into())?;
            fields += 1;
        }
        head.end(body, fields);
        put(body, &[4])?;
        self.spans = Some(Head::array(body, spans.offsets.len())?);
        Ok(())
    }

    fn span(&mut self, body: &mut Buffer, span: Span<'_>) -> Result<(), Full> {
        let record = &span.record;
        let (service, resource) = span.service_and_resource();
        let head = Head::map(body, if span.has_more { 16 } else { 14 })?;
        let mut fields = 3;
        for (key, text) in [(1, service), (2, record.name), (3, resource), (10, record.span_type)] {
            fields += usize::from(self.field(body, key, text)?);
        }
        put(body, &[4])?;
        put_word(body, encode::UNSIGNED, record.span_id)?;
        if record.parent_id != 0 {
            put(body, &[5])?;
            put_word(body, encode::UNSIGNED, record.parent_id)?;
            fields += 1;
        }
        put(body, &[6])?;
        put_unsigned(body, record.start_ns.max(0) as u64)?;
        put(body, &[7])?;
        put_unsigned(body, record.duration_ns.min(i64::MAX as u64))?;
        if record.flags & ERROR != 0 {
            put(body, &[8, 0xc3])?;
            fields += 1;
        }
        fields += self.attributes_and_fields(body, &span)?;
        if span.has_more {
            let [_, _, _, links, events] = record.runs();
            fields += self.items(body, 11, Kind::Link, links)? + self.items(body, 12, Kind::Event, events)?;
        }
        head.end(body, fields);
        Ok(())
    }

    fn end_chunk(&mut self, body: &mut Buffer, spans: usize) {
        self.spans.take().into_iter().for_each(|head| head.end(body, spans));
    }

    fn size(&self, body: &Buffer) -> usize {
        body.len()
    }

    fn mark(&self) -> Mark {
        self.strings.mark()
    }

    fn return_to(&mut self, mark: Mark) {
        self.strings.return_to(mark);
    }
}

impl V1 {
    /// Appends a text or its number.
    #[inline(never)]
    fn text(&mut self, body: &mut Buffer, text: &[u8]) -> Result<(), Full> {
        match self.strings.number(text)? {
            (_, true) => put_text(body, text),
            (number, false) => put_unsigned(body, number.into()),
        }
    }

    /// Appends a field with a text, unless it is empty. Returns whether it has.
    fn field(&mut self, body: &mut Buffer, key: u8, text: &[u8]) -> Result<bool, Full> {
        if !text.is_empty() {
            put(body, &[key])?;
            self.text(body, text)?;
        }
        Ok(!text.is_empty())
    }

    #[inline]
    fn text_attribute(&mut self, body: &mut Buffer, key: &[u8], value: &[u8]) -> Result<(), Full> {
        self.text(body, key)?;
        put(body, &[of::TEXT])?;
        self.text(body, value)
    }

    /// Appends the attributes of a span and those tags that are fields here. Returns how many fields.
    fn attributes_and_fields(&mut self, body: &mut Buffer, span: &Span<'_>) -> Result<usize, Full> {
        put(body, &[9])?;
        let (head, mut count, mut result) = (Head::array(body, ATTRIBUTES_MOST)?, 0, Ok(()));
        self.fields.clear();
        self.kind = None;
        run::each(Kind::Text, span.texts.bytes, |item| {
            if let Item::Text(key, value) = item {
                count += 1;
                result = result.and_then(|()| self.tag(body, key, value));
            }
        });
        span.each_added_text(&mut |key: &[u8], value: &[u8]| {
            if !is_of_chunk(key) {
                count += 1;
                result = result.and_then(|()| self.tag(body, key, value));
            }
        });
        let mut number = |key: &[u8], value: f64| {
            count += 1;
            let put_key = result.and_then(|()| self.text(body, key)).and_then(|()| put(body, &[of::FLOAT]));
            result = put_key.and_then(|()| put_word(body, 0xcb, value.to_bits()));
        };
        run::each(Kind::Number, span.numbers.bytes, |item| {
            if let Item::Number(key, value) = item {
                number(key, value);
            }
        });
        span.each_added_number(&mut |key, value| {
            if key != b"_sampling_priority_v1" {
                number(key, value);
            }
        });
        if span.has_more {
            let [_, _, blobs, ..] = span.record.runs();
            run::each(Kind::Blob, blobs.bytes, |item| {
                if let Item::Blob(key, bytes) = item {
                    count += 1;
                    let put_key = result.and_then(|()| self.text(body, key)).and_then(|()| put(body, &[of::BLOB]));
                    result = put_key.and_then(|()| put_blob(body, bytes));
                }
            });
        }
        result?;
        let fields = std::mem::take(&mut self.fields);
        let (mut written, mut tags) = (1 + usize::from(self.kind.is_some()), 0);
        run::each(Kind::Text, &fields, |item| {
            if let Item::Text(key, value) = item {
                tags += 1;
                match result.and_then(|()| self.field(body, key.first().copied().unwrap_or_default(), value)) {
                    Ok(has) => written += usize::from(has),
                    Err(full) => result = Err(full),
                }
            }
        });
        if let Some((kind, known)) = self.kind {
            tags += usize::from(known);
            put(body, &[16, kind])?;
        }
        head.end(body, 3 * (count - tags));
        self.fields = fields;
        result.map(|()| written)
    }

    /// Appends a tag as an attribute, or keeps it as a field.
    #[inline(always)]
    fn tag(&mut self, body: &mut Buffer, key: &[u8], value: &[u8]) -> Result<(), Full> {
        let field = match key {
            b"env" => 13,
            b"version" => 14,
            b"component" => 15,
            b"span.kind" => {
                let kind = kind_of(value);
                // The Agent takes what it does not know as internal, too. The text stays an attribute then.
                self.kind = Some((kind.unwrap_or(INTERNAL), kind.is_some()));
                if kind.is_some() {
                    return Ok(());
                }
                0
            }
            _ => 0,
        };
        if field == 0 {
            return self.text_attribute(body, key, value);
        }
        let from = self.fields.len();
        self.fields.resize(from + 2 + encode::text_size(value.len()), 0);
        if let Some((head, rest)) = self.fields.get_mut(from..).and_then(|room| room.split_at_mut_checked(2)) {
            head.copy_from_slice(&[0xa1, field]);
            encode::text(rest, value);
        }
        Ok(())
    }

    /// Appends the field with links or events, if there are any. Returns how many fields.
    fn items(&mut self, body: &mut Buffer, field: u8, kind: Kind, run: run::Run<'_>) -> Result<usize, Full> {
        if run.count == 0 {
            return Ok(0);
        }
        put(body, &[field])?;
        let (head, mut count, mut result) = (Head::array(body, run.count as usize)?, 0, Ok(()));
        run::each(kind, run.bytes, |item| {
            count += 1;
            result = result.and_then(|()| self.item(body, item));
        });
        head.end(body, count);
        result.map(|()| 1)
    }

    fn item(&mut self, body: &mut Buffer, item: Item<'_>) -> Result<(), Full> {
        match item {
            Item::Link(link) => {
                put(body, &[0x85, 1, 0xc4, 16])?;
                put(body, &link.trace_id_high.to_be_bytes())?;
                put(body, &link.trace_id_low.to_be_bytes())?;
                put(body, &[2])?;
                put_unsigned(body, link.span_id)?;
                self.attributes(body, link.attributes)?;
                put(body, &[4])?;
                self.text(body, link.tracestate)?;
                put(body, &[5])?;
                put_unsigned(body, link.flags.into())
            }
            Item::Event(event) => {
                put(body, &[0x83, 1])?;
                put_unsigned(body, event.time_ns)?;
                put(body, &[2])?;
                self.text(body, event.name)?;
                self.attributes(body, event.attributes)
            }
            Item::Text(..) | Item::Number(..) | Item::Blob(..) => Ok(()),
        }
    }

    /// Appends the attributes of a link or an event, which are field 3 of both.
    fn attributes(&mut self, body: &mut Buffer, attributes: Attributes<'_>) -> Result<(), Full> {
        put(body, &[3])?;
        let (head, mut count) = (Head::array(body, 3 * attributes.count())?, 0);
        for (key, value) in attributes {
            self.text(body, key)?;
            count += 3;
            match value {
                Value::One(value) => self.scalar(body, value)?,
                Value::Array(values) => {
                    put(body, &[of::ARRAY])?;
                    let (head, mut count) = (Head::array(body, 2 * values.count as usize)?, 0);
                    for value in values {
                        self.scalar(body, value)?;
                        count += 2;
                    }
                    head.end(body, count);
                }
            }
        }
        head.end(body, count);
        Ok(())
    }

    /// Appends the type of a value and the value.
    fn scalar(&mut self, body: &mut Buffer, value: Scalar<'_>) -> Result<(), Full> {
        match value {
            Scalar::Text(text) => {
                put(body, &[of::TEXT])?;
                self.text(body, text)
            }
            Scalar::Bool(value) => put(body, &[of::BOOL, 0xc2 | u8::from(value)]),
            Scalar::Integer(value) => {
                put(body, &[of::INTEGER])?;
                put_signed(body, value)
            }
            Scalar::Float(value) => {
                put(body, &[of::FLOAT])?;
                put_word(body, 0xcb, value.to_bits())
            }
        }
    }
}

/// The head of a span's attributes has three bytes. A span has at most 1,024 tags of each kind.
const ATTRIBUTES_MOST: usize = 0xffff;
