//! Format v1.0: a map with the sender and an array of chunks, each a map with the trace's id, priority, mechanism and origin,
//! and an array of spans, each a map. Keys are numbers. A text is sent once, where it comes first, and its number
//! afterwards. Tags, numbers and blobs are attributes with their types.

use super::chunks::Chunks;
use super::encoder::{correct, put_text, Spans};
use super::memo::{self, Found, Memo};
use super::parts::{put_blob, put_few, put_number, put_signed, put_unsigned, Head};
use super::spans::{kind_of, Span, INTERNAL};
use super::strings::{Mark, Strings};
use super::to_agent::{Encoding, ToAgent};
use crate::export::metadata::{Metadata, PROCESS_TAGS};
use crate::memory::{Buffer, Full};
use crate::span::attributes::{Attributes, Scalar, Value};
use crate::span::encode;
use crate::span::open::ERROR;
use crate::span::run::{self, Item, Kind};
use crate::trace::{is_of_chunk, ORIGIN};

/// See the module.
pub type V1 = ToAgent<Map>;

/// What is kept for one payload.
#[derive(Default)]
pub struct Map {
    strings: Strings,
    memo: Memo,
    /// Where the head of the array of chunks is.
    head: usize,
    /// The head of the array of spans in the chunk that is being added.
    spans: Option<Head>,
    /// The tags of a span that become fields, each as the number of its field and its text.
    fields: Buffer,
    /// The kind of that span.
    kind: Option<u8>,
}

/// A chunk without a priority counts as rejected. This one is for chunks without a decision.
const UNDECIDED: i32 = -128;
const PRIORITY: &[u8] = b"_sampling_priority_v1";

/// Types of attributes.
mod of {
    pub(super) const TEXT: u8 = 1;
    pub(super) const BOOL: u8 = 2;
    pub(super) const FLOAT: u8 = 3;
    pub(super) const INTEGER: u8 = 4;
    pub(super) const BLOB: u8 = 5;
    pub(super) const ARRAY: u8 = 6;
}

impl Encoding for Map {
    const PATH: &'static str = "/v1.0/traces";

    fn begin(&mut self, body: &mut Buffer, metadata: &Metadata) -> Result<(), Full> {
        self.strings.clear();
        self.memo.clear();
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
        put_few(body, &[10])?;
        let of_payload =
            metadata.first_span.iter().filter(|(key, _)| key == PROCESS_TAGS || key.starts_with("_dd.git."));
        let (head, mut count) = (Head::array(body, 9)?, 0);
        for (key, value) in of_payload.take(3) {
            self.text_attribute(body, key.as_bytes(), value.as_bytes())?;
            count += 3;
        }
        head.end(body, count);
        put_few(body, &[11])?;
        self.head = body.len();
        put_few(body, &encode::array_head(0))
    }

    fn finish(&mut self, body: &mut Buffer, chunks: usize) -> Result<(), Full> {
        correct(body, self.head, &encode::array_head(chunks));
        Ok(())
    }
}

impl Chunks for Map {
    type Mark = Mark;

    fn begin_chunk(&mut self, body: &mut Buffer, spans: &Spans<'_>) -> Result<(), Full> {
        let chunk = spans.chunk;
        self.memo.begin_chunk(chunk);
        let head = Head::map(body, 5)?;
        put_few(body, &[1])?;
        put_signed(body, chunk.decision.priority().unwrap_or(UNDECIDED).into())?;
        let mut fields = 3 + usize::from(self.field(body, 2, chunk.tags.get(ORIGIN).unwrap_or_default())?);
        put_few(body, &[6, 0xc4, 16])?;
        put_few(body, &chunk.trace_id().to_be_bytes())?;
        if let Some(mechanism) = chunk.decision.sent_mechanism(chunk.decided_elsewhere) {
            put_few(body, &[7])?;
            put_unsigned(body, mechanism.number().unsigned_abs().into())?;
            fields += 1;
        }
        head.end(body, fields);
        put_few(body, &[4])?;
        self.spans = Some(Head::array(body, spans.offsets.len())?);
        Ok(())
    }

    fn span(&mut self, body: &mut Buffer, span: Span<'_>, bytes: &[u8]) -> Result<(), Full> {
        let record = &span.record;
        let head = Head::map(body, if span.has_more { 16 } else { 14 })?;
        let (key, variant) = (memo::key(bytes, &span), variant(&span));
        let (found, strings, begin) = (self.memo.find(key, variant), self.strings.len(), body.len());
        let [mut fields, at, count] = match &found {
            Found::Kept(kept) => {
                self.memo.put(body, kept, 0)?;
                kept.about
            }
            _ => self.texts(body, &span)?,
        };
        let values = body.len();
        let more = self.values(body, &span)?;
        Head::long_array(begin + at as usize).end(body, count as usize + more);
        let of_fields = body.len();
        match &found {
            Found::Kept(kept) => self.memo.put(body, kept, 1)?,
            _ => {
                fields += self.put_fields(body)?;
                if let (Found::Again(place), true) = (&found, strings == self.strings.len()) {
                    let bytes = body.bytes();
                    let pieces = [&bytes[begin..values], &bytes[of_fields..], &[]];
                    self.memo.keep(*place, key, variant, pieces, [fields, at, count]);
                }
            }
        }
        let mut fields = fields as usize + 1;
        let mut room = body.room_beyond(4 * 10 + 2)?;
        for (key, word) in [(4, record.span_id), (6, record.start_ns.max(0) as u64), (5, record.parent_id)] {
            if word != 0 || key != 5 {
                room.put_fixed([key, encode::UNSIGNED]);
                room.put_fixed(word.to_be_bytes());
                fields += 1;
            }
        }
        room.put_fixed([7]);
        put_number(&mut room, record.duration_ns.min(i64::MAX as u64));
        if record.flags & ERROR != 0 {
            room.put_fixed([8, 0xc3]);
            fields += 1;
        }
        drop(room);
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
        // It may have numbers of strings that are forgotten.
        self.memo.clear();
        self.strings.return_to(mark);
    }
}

impl Map {
    /// Appends a byte, unless it is 0, and a text or its number.
    #[inline(never)]
    fn text(&mut self, body: &mut Buffer, before: u8, text: &[u8]) -> Result<(), Full> {
        let (number, is_new) = self.strings.number(text)?;
        let mut room = body.room_beyond(1 + 9 + if is_new { text.len() } else { 0 })?;
        if before != 0 {
            room.put_fixed([before]);
        }
        match is_new {
            true => encode::put(&mut room, text),
            false => put_number(&mut room, number.into()),
        }
        Ok(())
    }

    /// Appends a field with a text, unless it is empty. Returns whether it has.
    fn field(&mut self, body: &mut Buffer, key: u8, text: &[u8]) -> Result<bool, Full> {
        if !text.is_empty() {
            self.text(body, key, text)?;
        }
        Ok(!text.is_empty())
    }

    #[inline]
    fn text_attribute(&mut self, body: &mut Buffer, key: &[u8], value: &[u8]) -> Result<(), Full> {
        self.text(body, 0, key)?;
        self.text(body, of::TEXT, value)
    }

    /// Appends the fields with texts, and begins the array of attributes with the text tags. Keeps those tags that are fields.
    /// Returns how many fields, where the array is behind the first of them, and how many elements it has.
    fn texts(&mut self, body: &mut Buffer, span: &Span<'_>) -> Result<[u32; 3], Full> {
        let (begin, record) = (body.len(), &span.record);
        let (service, resource) = span.service_and_resource();
        let (mut fields, mut count, mut result) = (1, 0, Ok(()));
        for (key, text) in [(1, service), (2, record.name), (3, resource), (10, record.span_type)] {
            fields += u32::from(self.field(body, key, text)?);
        }
        put_few(body, &[9])?;
        let at = body.len() - begin;
        Head::array(body, ATTRIBUTES_MOST)?;
        self.fields.truncate(0);
        self.kind = None;
        span.each_own_text(&mut |key, value| {
            count += self.tag(body, key, value, &mut result);
        });
        span.each_added(&mut |key, value| {
            if !is_of_chunk(key) {
                count += self.tag(body, key, value, &mut result);
            }
        });
        result?;
        Ok([fields, at as u32, count])
    }

    /// Appends numbers and blobs as attributes. Returns how many elements.
    fn values(&mut self, body: &mut Buffer, span: &Span<'_>) -> Result<usize, Full> {
        let (mut count, mut result) = (0, Ok(()));
        // The chunk has the priority.
        span.each_number(&mut |key, value| {
            if key == PRIORITY {
                return;
            }
            count += 3;
            let put_key = result.and_then(|()| self.text(body, 0, key));
            result = put_key.and_then(|()| put_float(body, value));
        });
        if span.has_more {
            let [_, _, blobs, ..] = span.record.runs();
            run::each(Kind::Blob, blobs.bytes, |item| {
                if let Item::Blob(key, bytes) = item {
                    count += 3;
                    let put_key =
                        result.and_then(|()| self.text(body, 0, key)).and_then(|()| put_few(body, &[of::BLOB]));
                    result = put_key.and_then(|()| put_blob(body, bytes));
                }
            });
        }
        result.map(|()| count)
    }

    /// Appends the tags that were kept. Returns how many fields.
    fn put_fields(&mut self, body: &mut Buffer) -> Result<u32, Full> {
        let fields = std::mem::take(&mut self.fields);
        let (mut written, mut result) = (0, Ok(()));
        run::each(Kind::Text, fields.bytes(), |item| {
            if let Item::Text(key, value) = item {
                match result.and_then(|()| self.field(body, key.first().copied().unwrap_or_default(), value)) {
                    Ok(has) => written += u32::from(has),
                    Err(full) => result = Err(full),
                }
            }
        });
        self.fields = fields;
        if let Some(kind) = self.kind {
            written += 1;
            put_few(body, &[16, kind])?;
        }
        result.map(|()| written)
    }

    /// Appends a tag as an attribute, or keeps it as a field. Returns how many elements of the array.
    #[inline(always)]
    fn tag(&mut self, body: &mut Buffer, key: &[u8], value: &[u8], result: &mut Result<(), Full>) -> u32 {
        let field = match key {
            b"env" => 13,
            b"version" => 14,
            b"component" => 15,
            b"span.kind" => {
                let kind = kind_of(value);
                // The Agent takes what it does not know as internal, too. The text stays an attribute then.
                self.kind = Some(kind.unwrap_or(INTERNAL));
                if kind.is_some() {
                    return 0;
                }
                0
            }
            _ => 0,
        };
        if field == 0 {
            *result = result.and_then(|()| self.text_attribute(body, key, value));
            return 3;
        }
        let put_key = result.and_then(|()| put_few(&mut self.fields, &[0xa1, field]));
        *result = put_key.and_then(|()| put_text(&mut self.fields, value));
        0
    }

    /// Appends the field with links or events, if there are any. Returns how many fields.
    fn items(&mut self, body: &mut Buffer, field: u8, kind: Kind, run: run::Run<'_>) -> Result<usize, Full> {
        if run.count == 0 {
            return Ok(0);
        }
        put_few(body, &[field])?;
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
                put_few(body, &[0x85, 1, 0xc4, 16])?;
                put_few(body, &link.trace_id_high.to_be_bytes())?;
                put_few(body, &link.trace_id_low.to_be_bytes())?;
                put_few(body, &[2])?;
                put_unsigned(body, link.span_id)?;
                self.attributes(body, link.attributes)?;
                self.text(body, 4, link.tracestate)?;
                put_few(body, &[5])?;
                put_unsigned(body, link.flags.into())
            }
            Item::Event(event) => {
                put_few(body, &[0x83, 1])?;
                put_unsigned(body, event.time_ns)?;
                self.text(body, 2, event.name)?;
                self.attributes(body, event.attributes)
            }
            Item::Text(..) | Item::Number(..) | Item::Blob(..) => Ok(()),
        }
    }

    /// Appends the attributes of a link or an event, which are field 3 of both.
    fn attributes(&mut self, body: &mut Buffer, attributes: Attributes<'_>) -> Result<(), Full> {
        put_few(body, &[3])?;
        let (head, mut count) = (Head::array(body, 3 * attributes.count())?, 0);
        for (key, value) in attributes {
            self.text(body, 0, key)?;
            count += 3;
            match value {
                Value::One(value) => self.scalar(body, value)?,
                Value::Array(values) => {
                    put_few(body, &[of::ARRAY])?;
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
            Scalar::Text(text) => self.text(body, of::TEXT, text),
            Scalar::Bool(value) => put_few(body, &[of::BOOL, 0xc2 | u8::from(value)]),
            Scalar::Integer(value) => {
                put_few(body, &[of::INTEGER])?;
                put_signed(body, value)
            }
            Scalar::Float(value) => put_float(body, value),
        }
    }
}

/// What the texts of a span depend on besides its record: the first one of a chunk has more, such as a rate.
fn variant(span: &Span<'_>) -> u64 {
    if !span.first {
        return 0;
    }
    let mut text = [0; 8];
    span.chunk.decision.kept_rate(&mut text);
    u64::from_le_bytes(text) | 1 << 63
}

/// The head of a span's attributes has three bytes. A span has at most 1,024 tags of each kind.
const ATTRIBUTES_MOST: usize = 0xffff;

/// Appends the type of a float and the float.
#[inline(never)]
fn put_float(body: &mut Buffer, value: f64) -> Result<(), Full> {
    let mut room = body.room_beyond(10)?;
    room.put_fixed([of::FLOAT, 0xcb]);
    room.put_fixed(value.to_bits().to_be_bytes());
    Ok(())
}
