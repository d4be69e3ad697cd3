//! The encoded texts of spans that came before in the payload. Most spans of a program differ in ids, times and numbers alone:
//! their texts are copied as they were encoded, without looking at each of them.
//!
//! The bytes of a record that hold its texts are the key. They are kept when they come for the second time.

use super::encoder::put;
use super::spans::Span;
use crate::memory::{Buffer, Full};
use crate::span::record::HEADER;
use crate::trace::{is_of_chunk, Chunk, ORIGIN, TRACESTATE};

/// See the module. Holds for one payload: the texts that a tracer adds to spans are the same for all of them.
pub(super) struct Memo {
    /// The entry that was kept last at each place.
    seen: [u32; PLACES],
    kept: [Kept; PLACES],
    /// Keys and encoded texts.
    bytes: Buffer,
    /// Whether they are those of the current chunk alone, which has tags of its own.
    of_chunk: bool,
}

/// A power of 2.
const PLACES: usize = 32;
/// The most bytes that are held.
const MOST: usize = 64 << 10;

/// Encoded texts.
#[derive(Clone, Copy, Default)]
pub(super) struct Kept {
    /// Where the key is, and where each piece ends.
    at: [u32; 5],
    variant: u64,
    /// What the format wants to know of them.
    pub(super) about: [u32; 3],
}

/// The texts of a span.
#[derive(Clone, Copy)]
pub(super) enum Found {
    /// They are held.
    Kept(Kept),
    /// They came before, or others at this place that look like them. It is worth keeping them.
    Again(usize),
    New,
}

impl Default for Memo {
    fn default() -> Memo {
        Memo { seen: [0; PLACES], kept: [Kept::default(); PLACES], bytes: Buffer::new(), of_chunk: false }
    }
}

impl Memo {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        (self.seen, self.kept) = ([0; PLACES], [Kept::default(); PLACES]);
        self.bytes.truncate(0);
    }

    /// Begins a chunk: some tags of a trace change what is added to its spans.
    pub(super) fn begin_chunk(&mut self, chunk: &Chunk) {
        let mut has_tags = false;
        chunk.tags.each(|key, _| has_tags |= key == ORIGIN || !(is_of_chunk(key) || key.starts_with(TRACESTATE)));
        if has_tags || self.of_chunk {
            self.clear();
        }
        self.of_chunk = has_tags;
    }

    /// Looks for texts by their key. What a format does otherwise for other spans is another variant.
    // The formats share these, for the size of the library.
    #[inline(never)]
    pub(super) fn find(&mut self, key: &[u8], variant: u64) -> Found {
        if key.is_empty() {
            return Found::New;
        }
        let look = look(key, variant);
        let place = look as usize % PLACES;
        let kept = &self.kept[place];
        if kept.variant == variant && self.bytes.bytes().get(kept.at[0] as usize..kept.at[1] as usize) == Some(key) {
            return Found::Kept(*kept);
        }
        match std::mem::replace(&mut self.seen[place], look) == look {
            true => Found::Again(place),
            false => Found::New,
        }
    }

    /// Keeps texts.
    #[inline(never)]
    pub(super) fn keep(&mut self, place: usize, key: &[u8], variant: u64, pieces: [&[u8]; 3], about: [u32; 3]) {
        let size = key.len() + pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if self.bytes.len() + size > MOST || self.bytes.room_beyond(size).is_err() {
            return;
        }
        let mut at = [self.bytes.len() as u32; 5];
        for (end, part) in at[1..].iter_mut().zip([key].into_iter().chain(pieces)) {
            // There is room.
            let _ = put(&mut self.bytes, part);
            *end = self.bytes.len() as u32;
        }
        self.kept[place % PLACES] = Kept { at, variant, about };
    }

    /// Appends one of the three pieces.
    #[inline(never)]
    pub(super) fn put(&self, body: &mut Buffer, kept: &Kept, piece: usize) -> Result<(), Full> {
        let (from, to) = (kept.at[piece + 1] as usize, kept.at[piece + 2] as usize);
        body.room_beyond(to - from)?.put(self.bytes.bytes().get(from..to).unwrap_or_default());
        Ok(())
    }
}

/// Where a record says of which lengths its texts are.
const LENGTHS: usize = 5 * 8;
/// Where its texts are, if it has texts and numbers alone.
const TEXTS: usize = HEADER + 2 * 8;

/// The key of a span: where its texts are, and the texts. `record` begins with its record. Empty for a span with more than texts
/// and numbers.
#[inline(never)]
pub(super) fn key<'a>(record: &'a [u8], span: &Span<'_>) -> &'a [u8] {
    let of_fields =
        record.get(HEADER - 8..).and_then(|bytes| bytes.first_chunk()).map_or(0, |len| u32::from_ne_bytes(*len));
    match span.has_more {
        true => &[],
        false => record.get(LENGTHS..TEXTS + of_fields as usize + span.texts.bytes.len()).unwrap_or_default(),
    }
}

/// Returns a number that differs for most different keys.
#[inline(always)]
fn look(key: &[u8], variant: u64) -> u32 {
    let word = |at: usize| {
        key.get(at..at + 8).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    };
    // Lengths of the resource, of all fields, and of the tags; the beginning of the fields, something in the middle, the end.
    let (lengths, texts) = (word(16).rotate_left(21) ^ word(32), word(40) ^ word(56));
    let all = (lengths ^ variant).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ texts.rotate_left(17);
    let all = all.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word(key.len() / 2) ^ word(key.len() - 8).rotate_left(31);
    (all.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32 | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(memo: &mut Memo, key: &[u8], variant: u64) -> Option<Vec<u8>> {
        let Found::Kept(kept) = memo.find(key, variant) else { return None };
        let mut body = Buffer::new();
        (0..3).for_each(|piece| memo.put(&mut body, &kept, piece).unwrap());
        Some(body.bytes().to_vec())
    }

    #[test]
    fn texts_that_came_twice_are_held_until_it_is_cleared_or_full() {
        let mut memo = Memo::default();
        let key = |n: u8| [&[n; 100][..], &[7; 100]].concat();
        for n in 0..10 {
            assert!(matches!(memo.find(&key(n), 0), Found::New));
            let Found::Again(place) = memo.find(&key(n), 0) else { panic!("{n}") };
            memo.keep(place, &key(n), 0, [&[n], &[], &[n, n]], [0; 3]);
            assert_eq!((kept(&mut memo, &key(n), 0), kept(&mut memo, &key(n), 1)), (Some(vec![n; 3]), None));
        }
        // It looks like one that is held.
        let mut other = key(9);
        other[70] = 0;
        assert_eq!(kept(&mut memo, &other, 0), None);
        memo.clear();
        assert!((0..10).all(|n| kept(&mut memo, &key(n), 0).is_none()));
        memo.keep(0, &key(1), 0, [&[0; MOST], &[], &[]], [0; 3]);
        assert!(memo.bytes.bytes().is_empty() && matches!(memo.find(&[], 0), Found::New));
    }
}
