//! Format v0.5: all strings of the payload, then an array of chunks, each an array of spans, each an array of twelve fields.
//! Texts are numbers of strings. Trace-level and tracer-level values are where v0.4 has them. The format has no blobs;
//! links and events are JSON text in tags.

use super::chunks::{self, Chunks};
use super::encoder::{put, Fit, PayloadFormat, Sender, Spans};
use super::linked::{self, Fields};
use super::parts::{put_few, put_number, put_unsigned, put_word, Head};
use super::spans::Span;
use super::strings::{Mark, Strings};
use super::v04;
use crate::export::metadata::Metadata;
use crate::memory::{Buffer, Full};
use crate::span::encode;
use crate::span::open::ERROR;
use crate::span::run::{self, Kind};

/// See the module. The body holds the chunks, until the strings are put in front of them.
#[derive(Default)]
pub struct V05 {
    strings: Strings,
    chunks: usize,
    /// The head of the chunk that is being added.
    head: Option<Head>,
}

pub(super) const PATH: &str = "/v0.5/traces";
/// What is in front of the strings, the empty one among it.
const FRONT: usize = 1 + 5 + 1;

impl PayloadFormat for V05 {
    fn begin(&mut self, body: &mut Buffer, _: &Metadata) -> Result<(), Full> {
        self.strings.clear();
        self.chunks = 0;
        put(body, &encode::array_head(0))
    }

    fn add(&mut self, body: &mut Buffer, spans: &Spans<'_>, fit: Fit, limit: usize) -> Result<usize, Full> {
        let added = chunks::add(self, body, spans, fit, limit)?;
        self.chunks += usize::from(added > 0);
        Ok(added)
    }

    fn finish(&mut self, body: &mut Buffer) -> Result<(), Full> {
        let (strings, held) = (self.strings.encoded(), body.len());
        super::encoder::correct(body, 0, &encode::array_head(self.chunks));
        body.tail_beyond(FRONT + strings.len())?;
        let bytes = body.bytes_mut();
        bytes.copy_within(..held, FRONT + strings.len());
        let (front, rest) = bytes.split_at_mut(FRONT);
        let [a, b, c, d, e] = encode::array_head(self.strings.len() + 1);
        front.copy_from_slice(&[0x92, a, b, c, d, e, 0xa0]);
        rest[..strings.len()].copy_from_slice(strings);
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

impl Chunks for V05 {
    type Mark = Mark;

    fn begin_chunk(&mut self, body: &mut Buffer, spans: &Spans<'_>) -> Result<(), Full> {
        self.head = Some(Head::array(body, spans.offsets.len())?);
        Ok(())
    }

    fn span(&mut self, body: &mut Buffer, span: Span<'_>) -> Result<(), Full> {
        let (record, chunk) = (&span.record, span.chunk);
        let (service, resource) = span.service_and_resource();
        put_few(body, &[0x9c])?;
        for text in [service, record.name, resource] {
            self.text(body, text)?;
        }
        let mut room = body.room_beyond(4 * 9 + 9 + 1)?;
        for word in [chunk.trace_id_low, record.span_id] {
            room.put_fixed([encode::UNSIGNED]);
            room.put_fixed(word.to_be_bytes());
        }
        put_number(&mut room, record.parent_id);
        room.put_fixed([encode::INTEGER]);
        room.put_fixed(record.start_ns.to_be_bytes());
        put_number(&mut room, record.duration_ns.min(i64::MAX as u64));
        room.put_fixed([u8::from(record.flags & ERROR != 0)]);
        drop(room);

        let (mut head, mut count, mut result) = (Head::map(body, span.most_texts() + 2)?, 0, Ok(()));
        span.each_text(&mut |key, value| {
            count += 1;
            result = result.and_then(|()| self.pair(body, key, value));
        });
        if span.has_more {
            let [texts, _, _, links, events] = record.runs();
            linked::each_tag(links, events, Fields { links: false, events: false }, &mut |key, value| {
                if !run::has(Kind::Text, texts.bytes, key) {
                    count += 1;
                    result = result.and_then(|()| self.pair(body, key, value));
                }
            });
        }
        head.end(body, count);
        (head, count) = (Head::map(body, span.most_numbers())?, 0);
        span.each_number(&mut |key, value| {
            count += 1;
            result = result.and_then(|()| self.text(body, key)).and_then(|()| put_word(body, 0xcb, value.to_bits()));
        });
        head.end(body, count);
        result?;
        self.text(body, record.span_type)
    }

    fn end_chunk(&mut self, body: &mut Buffer, spans: usize) {
        self.head.take().into_iter().for_each(|head| head.end(body, spans));
    }

    fn size(&self, body: &Buffer) -> usize {
        body.len() + self.strings.encoded().len() + FRONT
    }

    fn mark(&self) -> Mark {
        self.strings.mark()
    }

    fn return_to(&mut self, mark: Mark) {
        self.strings.return_to(mark);
    }
}

impl V05 {
    #[inline(never)]
    fn number(&mut self, text: &[u8]) -> Result<u64, Full> {
        self.strings.number(text).map(|(number, _)| number.into())
    }

    #[inline(never)]
    fn text(&mut self, body: &mut Buffer, text: &[u8]) -> Result<(), Full> {
        let number = self.number(text)?;
        put_unsigned(body, number)
    }

    fn pair(&mut self, body: &mut Buffer, key: &[u8], value: &[u8]) -> Result<(), Full> {
        let (key, value) = (self.number(key)?, self.number(value)?);
        let mut room = body.room_beyond(18)?;
        put_number(&mut room, key);
        put_number(&mut room, value);
        Ok(())
    }
}
