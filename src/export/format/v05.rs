//! Format v0.5: all strings of the payload, then an array of chunks, each an array of spans, each an array of twelve fields.
//! Texts are numbers of strings. Trace-level and tracer-level values are where v0.4 has them. The format has no blobs;
//! links and events are JSON text in tags.

use super::chunks::Chunks;
use super::encoder::{correct, put, Spans};
use super::linked::{self, Fields};
use super::memo::{self, Found, Memo};
use super::parts::{put_few, put_number, put_unsigned, put_word, Head};
use super::spans::Span;
use super::strings::{Mark, Strings};
use super::to_agent::{Encoding, ToAgent};
use crate::export::metadata::Metadata;
use crate::memory::{Buffer, Full};
use crate::span::encode;
use crate::span::open::ERROR;
use crate::span::run::{self, Kind};

/// See the module.
pub type V05 = ToAgent<Strung>;

/// The body holds the chunks, until the strings are put in front of them.
#[derive(Default)]
pub struct Strung {
    strings: Strings,
    memo: Memo,
    /// The head of the chunk that is being added.
    head: Option<Head>,
}

/// What is in front of the strings, the empty one among it.
const FRONT: usize = 1 + 5 + 1;

impl Encoding for Strung {
    const PATH: &'static str = "/v0.5/traces";

    fn begin(&mut self, body: &mut Buffer, _: &Metadata) -> Result<(), Full> {
        self.strings.clear();
        self.memo.clear();
        put(body, &encode::array_head(0))
    }

    fn finish(&mut self, body: &mut Buffer, chunks: usize) -> Result<(), Full> {
        let (strings, held) = (self.strings.encoded(), body.len());
        correct(body, 0, &encode::array_head(chunks));
        body.tail_beyond(FRONT + strings.len())?;
        let bytes = body.bytes_mut();
        bytes.copy_within(..held, FRONT + strings.len());
        let (front, rest) = bytes.split_at_mut(FRONT);
        let [a, b, c, d, e] = encode::array_head(self.strings.len() + 1);
        front.copy_from_slice(&[0x92, a, b, c, d, e, 0xa0]);
        rest[..strings.len()].copy_from_slice(strings);
        Ok(())
    }
}

impl Chunks for Strung {
    type Mark = Mark;

    fn begin_chunk(&mut self, body: &mut Buffer, spans: &Spans<'_>) -> Result<(), Full> {
        self.memo.begin_chunk(spans.chunk);
        self.head = Some(Head::array(body, spans.offsets.len())?);
        Ok(())
    }

    fn span(&mut self, body: &mut Buffer, span: Span<'_>, bytes: &[u8]) -> Result<(), Full> {
        let (record, chunk) = (&span.record, span.chunk);
        // The first span has tags of its trace, such as half of its id.
        let key = if span.first { &[] } else { memo::key(bytes, &span) };
        let (found, strings) = (self.memo.find(key, 0), self.strings.len());
        let begin = body.len();
        match &found {
            Found::Kept(kept) => self.memo.put(body, kept, 0)?,
            _ => self.names(body, &span)?,
        }
        let ids = body.len();
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
        let texts = body.len();
        match &found {
            Found::Kept(kept) => self.memo.put(body, kept, 1)?,
            _ => self.texts(body, &span)?,
        }
        let numbers = body.len();
        let (head, mut count, mut result) = (Head::map(body, span.most_numbers())?, 0, Ok(()));
        span.each_number(&mut |key, value| {
            count += 1;
            result = result.and_then(|()| self.text(body, key)).and_then(|()| put_word(body, 0xcb, value.to_bits()));
        });
        head.end(body, count);
        result?;
        let of_type = body.len();
        match &found {
            Found::Kept(kept) => return self.memo.put(body, kept, 2),
            _ => self.text(body, record.span_type)?,
        }
        if let (Found::Again(place), true) = (found, strings == self.strings.len()) {
            let bytes = body.bytes();
            self.memo.keep(place, key, 0, [&bytes[begin..ids], &bytes[texts..numbers], &bytes[of_type..]], [0; 3]);
        }
        Ok(())
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
        // It may have numbers of strings that are forgotten.
        self.memo.clear();
        self.strings.return_to(mark);
    }
}

impl Strung {
    /// Appends the fields in front of the ids.
    fn names(&mut self, body: &mut Buffer, span: &Span<'_>) -> Result<(), Full> {
        let (service, resource) = span.service_and_resource();
        put_few(body, &[0x9c])?;
        for text in [service, span.record.name, resource] {
            self.text(body, text)?;
        }
        Ok(())
    }

    /// Appends the text tags.
    fn texts(&mut self, body: &mut Buffer, span: &Span<'_>) -> Result<(), Full> {
        let (head, mut count, mut result) = (Head::map(body, span.most_texts() + 2)?, 0, Ok(()));
        span.each_text(&mut |key, value| {
            count += 1;
            result = result.and_then(|()| self.pair(body, key, value));
        });
        if span.has_more {
            let [texts, _, _, links, events] = span.record.runs();
            linked::each_tag(links, events, Fields { links: false, events: false }, &mut |key, value| {
                if !run::has(Kind::Text, texts.bytes, key) {
                    count += 1;
                    result = result.and_then(|()| self.pair(body, key, value));
                }
            });
        }
        head.end(body, count);
        result
    }

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
