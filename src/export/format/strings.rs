//! The table of strings of one payload, for formats that send each string once and its number afterwards. The empty text
//! has the number 0; the others are numbered in the order in which they come.

use super::encoder::put_text;
use crate::memory::{Buffer, Full};
use crate::sys;

/// See the module.
pub(super) struct Strings {
    /// Random, so that nobody can send texts that all fall into one place of the table.
    seed: [u64; 2],
    /// The number of the string at each place, 0 for a free one. Half of the places are free at least.
    places: Vec<u32>,
    entries: Vec<Entry>,
    /// The strings, each as MessagePack.
    texts: Buffer,
}

/// A string. Those of up to 16 bytes are equal if words and lengths are equal.
#[derive(Clone, Copy, PartialEq)]
struct Entry {
    words: [u64; 2],
    len: u32,
    /// Where its bytes are in `texts`.
    at: u32,
}

/// How many strings there were at one moment.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize, usize);

/// A string of up to this size fits into two words.
const SHORT: usize = 16;
const PLACES_LEAST: usize = 256;
/// A table with more places is not kept for later payloads that need fewer.
const PLACES_KEPT: usize = 8192;

impl Default for Strings {
    fn default() -> Strings {
        let mut seed = [[0; 8]; 2];
        sys::random_bytes(seed.as_flattened_mut());
        Strings { seed: seed.map(u64::from_ne_bytes), places: Vec::new(), entries: Vec::new(), texts: Buffer::new() }
    }
}

impl Strings {
    /// Forgets all strings.
    pub(super) fn clear(&mut self) {
        if self.places.len() > PLACES_KEPT {
            (self.places, self.entries) = (Vec::new(), Vec::new());
        }
        self.places.fill(0);
        self.entries.clear();
        self.texts.clear(PLACES_KEPT * SHORT);
    }

    /// Returns the number of a string, and whether the string is new.
    #[inline(always)]
    pub(super) fn number(&mut self, text: &[u8]) -> Result<(u32, bool), Full> {
        if text.is_empty() {
            return Ok((0, false));
        }
        let (words, len) = (words(text, self.seed), text.len() as u32);
        let mask = self.places.len().wrapping_sub(1);
        let mut at = hash(words, len, self.seed);
        while let Some(&number) = self.places.get(at & mask) {
            let Some(entry) = self.entries.get((number as usize).wrapping_sub(1)) else { break };
            if entry.words == words && entry.len == len && (text.len() <= SHORT || self.is_at(entry, text)) {
                return Ok((number, false));
            }
            at = at.wrapping_add(1);
        }
        self.add(text, words).map(|number| (number, true))
    }

    #[inline(never)]
    fn is_at(&self, entry: &Entry, text: &[u8]) -> bool {
        self.texts.bytes().get(entry.at as usize..).is_some_and(|bytes| bytes.starts_with(text))
    }

    #[inline(never)]
    fn add(&mut self, text: &[u8], words: [u64; 2]) -> Result<u32, Full> {
        self.entries.try_reserve(1).map_err(|_| Full)?;
        if self.entries.len() * 2 >= self.places.len() {
            let wanted = (self.places.len() * 2).max(PLACES_LEAST);
            self.places.try_reserve_exact(wanted - self.places.len()).map_err(|_| Full)?;
            self.places.clear();
            self.places.resize(wanted, 0);
            for number in 0..self.entries.len() {
                self.settle(number);
            }
        }
        put_text(&mut self.texts, text)?;
        let len = text.len() as u32;
        self.entries.push(Entry { words, len, at: self.texts.len() as u32 - len });
        self.settle(self.entries.len() - 1);
        Ok(self.entries.len() as u32)
    }

    /// Returns the first place from an entry's own on that holds `number`.
    fn place_of(&mut self, entry: Entry, number: u32) -> Option<&mut u32> {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = hash(entry.words, entry.len, self.seed);
        while *self.places.get(at & mask)? != number {
            at = at.wrapping_add(1);
        }
        self.places.get_mut(at & mask)
    }

    /// Gives an entry a free place.
    fn settle(&mut self, n: usize) {
        if let Some(free) = self.entries.get(n).copied().and_then(|entry| self.place_of(entry, 0)) {
            *free = n as u32 + 1;
        }
    }

    /// How many strings there are now.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.entries.len(), self.texts.len())
    }

    /// Forgets the strings that came after a mark. The last one goes first, because a place may be taken only as long as
    /// those before it are.
    pub(super) fn return_to(&mut self, mark: Mark) {
        while self.entries.len() > mark.0 {
            let number = self.entries.len() as u32;
            let place = self.entries.pop().and_then(|entry| self.place_of(entry, number));
            place.into_iter().for_each(|place| *place = 0);
        }
        self.texts.truncate(mark.1);
    }

    /// How many strings there are besides the empty one.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Those strings as MessagePack, in the order of their numbers.
    pub(super) fn encoded(&self) -> &[u8] {
        self.texts.bytes()
    }
}

/// The bytes of a short text, or two words that depend on every byte of a longer one.
#[inline(always)]
fn words(text: &[u8], seed: [u64; 2]) -> [u64; 2] {
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        return if text.len() > SHORT { [folded(text, seed), last] } else { [first, last] };
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        return [u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()];
    }
    let byte = |n: usize| text.get(n).copied().map_or(0, u64::from);
    [byte(0) | byte(1) << 8 | byte(2) << 16, 0]
}

#[inline(never)]
fn folded(text: &[u8], [a, b]: [u64; 2]) -> u64 {
    let word = |bytes: &[u8]| bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let pairs = text.chunks_exact(SHORT).chain(text.last_chunk::<SHORT>().map(|last| &last[..]));
    pairs.fold(a, |all, pair| fold(word(pair) ^ all, word(&pair[8..]) ^ b))
}

#[inline(always)]
fn hash(words: [u64; 2], len: u32, seed: [u64; 2]) -> usize {
    fold(words[0] ^ seed[0], words[1] ^ seed[1].wrapping_add(len.into())) as usize
}

/// Both halves of a product.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = (1..200).map(|n| vec![b'x'; n]).collect();
        all.extend((0..5_000).map(|n| format!("{n}").into_bytes()));
        all.extend((0..5_000).map(|n| format!("https://example.com/users/{n}?page=2").into_bytes()));
        all.extend([b"ab".to_vec(), b"ba".to_vec(), b"a\0".to_vec(), b"\0".to_vec(), b"\0\0".to_vec()]);
        all
    }

    #[test]
    fn each_text_has_one_number_and_two_texts_never_share_one() {
        let (mut strings, texts) = (Strings::default(), texts());
        for (n, text) in texts.iter().enumerate() {
            assert_eq!(strings.number(text), Ok((n as u32 + 1, true)), "{text:?}");
        }
        for (n, text) in texts.iter().enumerate() {
            assert_eq!(strings.number(text), Ok((n as u32 + 1, false)), "{text:?}");
        }
        assert_eq!((strings.number(b""), strings.len()), (Ok((0, false)), texts.len()));
        let mut rest = strings.encoded();
        for text in &texts {
            let (read, after) = crate::span::encode::read_text(rest).unwrap();
            assert_eq!(read, text);
            rest = after;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn strings_after_a_mark_are_forgotten_and_numbered_anew() {
        let (mut strings, texts) = (Strings::default(), texts());
        for text in &texts[..100] {
            strings.number(text).unwrap();
        }
        let mark = strings.mark();
        for turn in 0..3 {
            for (n, text) in texts[100..].iter().enumerate() {
                assert_eq!(strings.number(text), Ok((n as u32 + 101, true)), "{turn}");
            }
            strings.return_to(mark);
        }
        assert_eq!(strings.len(), 100);
        assert!(texts[..100].iter().enumerate().all(|(n, text)| strings.number(text) == Ok((n as u32 + 1, false))));
        strings.clear();
        assert_eq!((strings.number(b"new"), strings.encoded()), (Ok((1, true)), &b"\xa3new"[..]));
    }
}
