//! The tags of an open span: a run of texts and a run of numbers. A span remembers its keys as a set of bits, which says
//! for nearly every new key that it is new. Where the set cannot say so, the few pairs are looked through. The first call
//! that replaces or removes a pair, or adds one to many, makes an index of key hashes, which is kept from then on, with a table
//! of places by hash, so that a span of many tags costs in proportion to their number. A
//! replaced or removed pair stays as a gap until the gaps are closed; without an index there are no gaps.

use super::fields::OpenSpan;
use super::hash::hash;
use super::limits::{Refusal, KEPT, KEY_MAX, TAGS_MAX, VALUE_MAX};
use super::seen::{Bit, Seen};
use crate::memory::{self, Buffer, Full, Short};
use crate::span::encode::{self, Sanitized};
use crate::span::run::{self, Item, Kind, Run};
use crate::sys;

/// The place of a pair is an offset into the run of texts, or, with this bit set, into the run of numbers.
const NUMBER: u32 = 1 << 31;

/// With fewer tags than this, pairs are looked through for a key; with more, the span gets an index.
const FEW: usize = 16;

/// Numbers beyond this many tags need an index: `OpenSpan::are_numbers` has a bit for each of the first tags.
const NUMBERED: usize = 64;

/// A tag's value as [`OpenSpan::get`] finds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A text, UTF-8.
    Text(&'a [u8]),
    /// A number.
    Number(f64),
}

impl OpenSpan {
    /// Sets a text tag; the last value of a key wins, over a number of the same key too.
    #[inline]
    pub fn set_text(&mut self, key: &[u8], value: &[u8]) -> Result<Sanitized, Refusal> {
        match self.put_text(key, value) {
            true => Ok(Sanitized::default()),
            false => self.set_text_at_length(key, value),
        }
    }

    /// Sets a text tag that is new, short and ASCII, and for which there is room. Nearly every tag is, and for it no call is
    /// made. Returns false for all others, which take the slow way from the beginning. Each tag adds a key to the set: it is
    /// full long before the span has [`TAGS_MAX`] tags.
    #[inline(always)]
    pub fn put_text(&mut self, key: &[u8], value: &[u8]) -> bool {
        let (Some(key), Some(value)) = (Short::of(key), Short::of(value)) else { return false };
        let bit = Bit::of(key.bytes());
        if self.seen.may_have(bit) {
            return false;
        }
        let mut draft = self.texts.draft();
        let is_put = encode::draft_pair(&mut draft, key, value) && draft.keep();
        if is_put {
            self.seen.add(bit);
            self.text_count += 1;
        }
        is_put
    }

    /// Removes a pair of texts that was not appended, or is not ASCII.
    #[cold]
    #[inline(never)]
    fn take_back(&mut self, place: usize, appended: Result<bool, Full>) -> Result<(), Full> {
        self.texts.truncate(place);
        appended.map(|_| ())
    }

    /// Sets a text tag that [`Self::put_text`] has not set.
    #[inline(never)]
    pub fn set_text_at_length(&mut self, key: &[u8], value: &[u8]) -> Result<Sanitized, Refusal> {
        if self.is_indexed() && self.put_indexed(key, value) {
            return Ok(Sanitized::default());
        }
        let is_within = key.len() <= KEY_MAX && value.len() <= VALUE_MAX && self.tag_count() < TAGS_MAX;
        if is_within && self.look_up(key)?.is_none() {
            let place = self.texts.len();
            self.reserve_index()?;
            match append_text(&mut self.texts, key, value) {
                Ok(true) => {
                    self.text_count += 1;
                    self.remember(key, place as u32);
                    return Ok(Sanitized::default());
                }
                odd => self.take_back(place, odd)?,
            }
        }
        self.set_text_slowly(key, value)
    }

    /// Does what [`Self::put_text`] does, on a span with an index: if no key has the hash of this one.
    #[inline(always)]
    fn put_indexed(&mut self, key: &[u8], value: &[u8]) -> bool {
        let (Some(key), Some(value)) = (Short::of(key), Short::of(value)) else { return false };
        if self.keys.len() == self.keys.capacity() || self.tag_count() >= TAGS_MAX {
            return false;
        }
        let (hash, place) = (hash(key.bytes()), self.texts.len() as u32);
        let Some(free) = free_place(&self.by_hash, &self.keys, hash) else { return false };
        let mut draft = self.texts.draft();
        let is_put = encode::draft_pair(&mut draft, key, value) && draft.keep();
        if is_put {
            self.by_hash[free] = self.keys.len() as u16 + 1;
            self.keys.push((hash, place));
            self.text_count += 1;
        }
        is_put
    }

    #[cold]
    #[inline(never)]
    fn set_text_slowly(&mut self, key: &[u8], value: &[u8]) -> Result<Sanitized, Refusal> {
        let (key, key_sanitized) = encode::sanitize(key, KEY_MAX);
        let (value, mut sanitized) = encode::sanitize(value, VALUE_MAX);
        sanitized.repaired |= key_sanitized.repaired;
        sanitized.cut |= key_sanitized.cut;
        if let Some(index) = self.look_up(&key)? {
            self.replace_text(index, &key, &value)?;
            return Ok(sanitized);
        }
        if self.tag_count() >= TAGS_MAX {
            return Err(Refusal::Limit);
        }
        let place = self.texts.len();
        self.reserve_index()?;
        append_text(&mut self.texts, &key, &value)?;
        self.text_count += 1;
        self.remember(&key, place as u32);
        Ok(sanitized)
    }

    /// Sets a numeric tag; the last value of a key wins, over a text of the same key too.
    #[inline]
    pub fn set_number(&mut self, key: &[u8], value: f64) -> Result<Sanitized, Refusal> {
        match self.put_number(key, value) {
            true => Ok(Sanitized::default()),
            false => self.set_number_slowly(key, value),
        }
    }

    /// Sets a number whose key is new, short and ASCII, and for which there is room. Returns false for all others.
    #[inline(always)]
    pub fn put_number(&mut self, key: &[u8], value: f64) -> bool {
        let Some(key) = Short::of(key) else { return false };
        let (bit, count) = (Bit::of(key.bytes()), self.tag_count());
        if self.seen.may_have(bit) || count >= NUMBERED {
            return false;
        }
        let mut draft = self.numbers.draft();
        let is_put = encode::draft_number(&mut draft, key, value) && draft.keep();
        if is_put {
            self.seen.add(bit);
            self.are_numbers |= 1 << count;
            self.number_count += 1;
        }
        is_put
    }

    /// Sets a number that [`Self::put_number`] has not set.
    #[cold]
    #[inline(never)]
    pub fn set_number_slowly(&mut self, key: &[u8], value: f64) -> Result<Sanitized, Refusal> {
        let (key, sanitized) = encode::sanitize(key, KEY_MAX);
        if self.tag_count() >= NUMBERED {
            self.make_index()?;
        }
        let found = self.look_up(&key)?;
        if found.is_none() && self.tag_count() >= TAGS_MAX {
            return Err(Refusal::Limit);
        }
        let place = self.numbers.len() as u32 | NUMBER;
        if found.is_none() {
            self.reserve_index()?;
        }
        append_number(&mut self.numbers, &key, value)?;
        match found {
            Some(index) => {
                self.bury(index);
                self.keys[index].1 = place;
            }
            None => self.remember(&key, place),
        }
        self.number_count += 1;
        self.close_gaps_if_large();
        Ok(sanitized)
    }

    /// Returns how many tags the span has.
    #[inline(always)]
    pub(super) fn tag_count(&self) -> usize {
        (self.text_count + self.number_count) as usize
    }

    /// Whether the index has all keys.
    #[inline(always)]
    pub(super) fn is_indexed(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Returns the place of a key in the index, which is made if the span has the key or many tags. Without an index, a
    /// tag of the key may be appended.
    #[cold]
    fn look_up(&mut self, key: &[u8]) -> Result<Option<usize>, Refusal> {
        if !self.is_indexed() {
            if self.tag_count() < FEW && self.find_pair(key).is_none() {
                return Ok(None);
            }
            self.make_index()?;
        }
        Ok(self.find(hash(key), key))
    }

    /// Makes the index, unless there is one.
    #[cold]
    #[inline(never)]
    pub(super) fn make_index(&mut self) -> Result<(), Refusal> {
        if !self.is_indexed() {
            self.reserve_keys(self.tag_count())?;
            // Has room for all of them.
            let mut keys = std::mem::take(&mut self.keys);
            self.each_place(|place, key, _| keys.push((hash(key), place)));
            self.keys = keys;
            self.enter_all();
            if self.is_indexed() {
                // From now on every key is looked up.
                self.seen = Seen::ALL;
            }
        }
        Ok(())
    }

    /// Visits the pairs of a span without an index, in the order in which they were set.
    fn each_place<'a>(&'a self, mut visit: impl FnMut(u32, &'a [u8], Value<'a>)) {
        let (mut texts, mut numbers) = (self.texts.bytes(), self.numbers.bytes());
        for n in 0..self.tag_count() {
            let is_number = n < NUMBERED && self.are_numbers >> n & 1 != 0;
            let (kind, run, all) = match is_number {
                true => (Kind::Number, &mut numbers, &self.numbers),
                false => (Kind::Text, &mut texts, &self.texts),
            };
            let place = (all.len() - run.len()) as u32 | if is_number { NUMBER } else { 0 };
            match run::read(kind, run) {
                Some((Item::Text(key, text), rest)) => {
                    visit(place, key, Value::Text(text));
                    *run = rest;
                }
                Some((Item::Number(key, number), rest)) => {
                    visit(place, key, Value::Number(number));
                    *run = rest;
                }
                _ => {}
            }
        }
    }

    /// Looks through the pairs of a span without an index.
    fn find_pair(&self, key: &[u8]) -> Option<Value<'_>> {
        let mut found = None;
        for (kind, run) in [(Kind::Text, &self.texts), (Kind::Number, &self.numbers)] {
            run::each(kind, run.bytes(), |item| match item {
                Item::Text(other, text) if other == key => found = Some(Value::Text(text)),
                Item::Number(other, number) if other == key => found = Some(Value::Number(number)),
                _ => {}
            });
        }
        found
    }

    /// Makes room for one more key, if there is an index.
    fn reserve_index(&mut self) -> Result<(), Refusal> {
        if self.is_indexed() && self.keys.len() == self.keys.capacity() {
            self.enlarge_index(8)?;
        }
        Ok(())
    }

    /// Adds the key of a pair that was appended, after [`Self::reserve_index`].
    fn remember(&mut self, key: &[u8], place: u32) {
        if self.is_indexed() {
            let hash = hash(key);
            enter(&mut self.by_hash, hash, self.keys.len());
            self.keys.push((hash, place));
        } else {
            self.seen.add(Bit::of(key));
            if place & NUMBER != 0 {
                self.are_numbers |= 1 << self.tag_count();
            }
        }
    }

    /// Makes room for this many keys.
    pub(super) fn reserve_keys(&mut self, count: usize) -> Result<(), Refusal> {
        match count.checked_sub(self.keys.capacity()) {
            None | Some(0) => Ok(()),
            Some(more) => self.enlarge_index(more),
        }
    }

    /// Makes room for twice as many keys, and for at least this many more.
    #[cold]
    #[inline(never)]
    fn enlarge_index(&mut self, more: usize) -> Result<(), Refusal> {
        sys::keep_errno(|| {
            let (capacity, before) = (self.keys.capacity(), self.keys_memory.bytes());
            let more = capacity.max(more.next_power_of_two());
            let places = 2 * (capacity + more).next_power_of_two();
            let added = (places - self.by_hash.len()) * size_of::<u16>();
            self.keys_memory.grow(more * size_of::<(u32, u32)>() + added)?;
            let reserved = self.by_hash.try_reserve_exact(places - self.by_hash.len());
            if reserved.and_then(|()| self.keys.try_reserve_exact(capacity - self.keys.len() + more)).is_err() {
                self.keys_memory.set(before);
                return Err(Refusal::Memory);
            }
            self.by_hash.resize(places, 0);
            self.enter_all();
            Ok(())
        })
    }

    /// Enters all keys anew by their hashes.
    pub(super) fn enter_all(&mut self) {
        self.by_hash.fill(0);
        for (index, &(hash, _)) in self.keys.iter().enumerate() {
            enter(&mut self.by_hash, hash, index);
        }
    }

    /// Removes a tag of either kind. Returns whether there was one.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let (key, _) = encode::sanitize(key, KEY_MAX);
        let Ok(Some(index)) = self.look_up(&key) else { return false };
        self.bury(index);
        self.keys.remove(index);
        self.enter_all();
        if self.keys.is_empty() {
            self.clear_tags();
        }
        self.close_gaps_if_large();
        true
    }

    /// Forgets all tags, of which none is left.
    fn clear_tags(&mut self) {
        self.texts.truncate(0);
        self.numbers.truncate(0);
        (self.seen, self.are_numbers, self.dead) = (Seen::default(), 0, 0);
    }

    /// Returns the value of a tag.
    pub fn get(&self, key: &[u8]) -> Option<Value<'_>> {
        let (key, _) = encode::sanitize(key, KEY_MAX);
        if !self.is_indexed() {
            return self.find_pair(&key);
        }
        self.value_at(self.keys[self.find(hash(&key), &key)?].1).map(|(_, value)| value)
    }

    /// Returns every tag, in the order in which the keys were first set.
    pub fn tags(&self) -> Vec<(&[u8], Value<'_>)> {
        if self.is_indexed() {
            return self.keys.iter().filter_map(|&(_, place)| self.value_at(place)).collect();
        }
        let mut tags = Vec::new();
        self.each_place(|_, key, value| tags.push((key, value)));
        tags
    }

    /// Whether the runs of texts and numbers have no gaps, and the tags in the order in which their keys were first set.
    #[inline]
    pub fn is_in_order(&self) -> bool {
        let mut ends = [0; 2];
        self.dead == 0
            && self.keys.iter().all(|&(_, place)| {
                let (end, at) = (&mut ends[usize::from(place & NUMBER != 0)], place & !NUMBER);
                std::mem::replace(end, at) <= at
            })
    }

    /// Appends the encoded texts or numbers of a span whose tags are not in order, in the order in which their keys were
    /// first set.
    #[cold]
    pub fn copy_in_order(&self, kind: Kind, out: &mut Vec<u8>) {
        let number = matches!(kind, Kind::Number);
        for &(_, place) in self.keys.iter().filter(|&&(_, place)| (place & NUMBER != 0) == number) {
            let (run, from) = (if number { &self.numbers } else { &self.texts }, (place & !NUMBER) as usize);
            out.extend_from_slice(run.bytes().get(from..from + self.pair_size(place)).unwrap_or_default());
        }
    }

    /// Returns the runs of tags in the order of [`Kind::ALL`]. They have no gaps after [`OpenSpan::close_gaps`].
    #[inline]
    pub fn runs(&self) -> [Run<'_>; Kind::ALL.len()] {
        let [texts, numbers] = self.texts_and_numbers();
        [
            texts,
            numbers,
            Run::new(Kind::Blob, (self.blobs.bytes(), self.blob_count)),
            Run::new(Kind::Link, (self.links.bytes(), self.link_count)),
            Run::new(Kind::Event, (self.events.bytes(), self.event_count)),
        ]
    }

    /// Returns the first two of these.
    #[inline(always)]
    pub fn texts_and_numbers(&self) -> [Run<'_>; 2] {
        [
            Run::new(Kind::Text, (self.texts.bytes(), self.text_count)),
            Run::new(Kind::Number, (self.numbers.bytes(), self.number_count)),
        ]
    }

    /// Whether [`Self::close_gaps`] has nothing to do.
    #[inline(always)]
    pub fn has_no_gaps(&self) -> bool {
        self.dead == 0 && self.head.len() == self.fields.iter().map(|piece| piece.len as usize).sum::<usize>()
    }

    /// Removes dead pairs from both runs, and replaced texts from the buffer of the four texts.
    #[inline]
    pub fn close_gaps(&mut self) {
        if self.dead > 0 {
            sys::keep_errno(|| self.rewrite_runs());
        }
        if self.head.len() != self.fields.iter().map(|piece| piece.len as usize).sum::<usize>() {
            self.close_head();
        }
    }

    #[inline(always)]
    fn find(&self, hash: u32, key: &[u8]) -> Option<usize> {
        // The keys are half as many as the places: there is a 0.
        for at in row(self.by_hash.len(), hash) {
            let index = usize::from(*self.by_hash.get(at)?).checked_sub(1)?;
            let &(other, place) = self.keys.get(index)?;
            if other == hash && self.key_at(place) == Some(key) {
                return Some(index);
            }
        }
        None
    }

    fn key_at(&self, place: u32) -> Option<&[u8]> {
        let run = if place & NUMBER != 0 { &self.numbers } else { &self.texts };
        encode::read_text(run.bytes().get((place & !NUMBER) as usize..)?).map(|(key, _)| key)
    }

    fn value_at(&self, place: u32) -> Option<(&[u8], Value<'_>)> {
        let (kind, run) = if place & NUMBER != 0 { (Kind::Number, &self.numbers) } else { (Kind::Text, &self.texts) };
        match run::read(kind, run.bytes().get((place & !NUMBER) as usize..)?)?.0 {
            Item::Text(key, text) => Some((key, Value::Text(text))),
            Item::Number(key, number) => Some((key, Value::Number(number))),
            Item::Blob(..) | Item::Link(_) | Item::Event(_) => None,
        }
    }

    #[cold]
    fn replace_text(&mut self, index: usize, key: &[u8], value: &[u8]) -> Result<(), Refusal> {
        let place = self.keys[index].1;
        if let Some((_, Value::Text(old))) = self.value_at(place) {
            if old.len() == value.len() {
                let end = place as usize + encode::text_size(key.len()) + encode::text_size(value.len());
                memory::copy(&mut self.texts.bytes_mut()[end - value.len()..end], value);
                return Ok(());
            }
        }
        let place = self.texts.len() as u32;
        append_text(&mut self.texts, key, value)?;
        self.text_count += 1;
        self.bury(index);
        self.keys[index].1 = place;
        self.close_gaps_if_large();
        Ok(())
    }

    /// Counts the pair at `index` as dead. Its bytes are removed when gaps are closed.
    fn bury(&mut self, index: usize) {
        let place = self.keys[index].1;
        let count = if place & NUMBER != 0 { &mut self.number_count } else { &mut self.text_count };
        *count -= 1;
        self.dead += self.pair_size(place) as u32;
    }

    fn close_gaps_if_large(&mut self) {
        if self.dead as usize > KEPT && self.dead as usize > (self.texts.len() + self.numbers.len()) / 2 {
            sys::keep_errno(|| self.rewrite_runs());
        }
    }

    /// Moves live pairs to the front of their runs, in their order.
    #[cold]
    fn rewrite_runs(&mut self) {
        let (mut order, count) = (Vec::new(), self.keys.len() as u32);
        if order.try_reserve_exact(count as usize).is_ok() {
            order.extend(0..count);
            // All places differ. A stable sort would use a buffer of 4 KiB on the caller's stack.
            order.sort_unstable_by_key(|&index: &u32| self.keys[index as usize].1);
        }
        self.move_pairs(&order);
    }

    /// See `rewrite_runs`. `order`: the keys by the places of their pairs, or nothing without memory for it.
    fn move_pairs(&mut self, order: &[u32]) {
        let (mut ends, mut last) = ([0, 0], None);
        for n in 0..self.keys.len() {
            // A pair only moves to the front, so that those which have moved are never behind the last one.
            let behind = |&index: &u32| last.is_none_or(|last| self.keys[index as usize].1 > last);
            let found = || (0..self.keys.len() as u32).filter(behind).min_by_key(|&index| self.keys[index as usize].1);
            let Some(index) = order.get(n).copied().or_else(found) else { break };
            let place = self.keys[index as usize].1;
            last = Some(place);
            let (number, from) = (place & NUMBER != 0, (place & !NUMBER) as usize);
            let size = self.pair_size(place);
            let (run, end) = match number {
                true => (&mut self.numbers, &mut ends[1]),
                false => (&mut self.texts, &mut ends[0]),
            };
            run.bytes_mut().copy_within(from..from + size, *end);
            self.keys[index as usize].1 = *end as u32 | (place & NUMBER);
            *end += size;
        }
        self.texts.truncate(ends[0]);
        self.numbers.truncate(ends[1]);
        self.dead = 0;
    }

    fn pair_size(&self, place: u32) -> usize {
        match self.value_at(place) {
            Some((key, Value::Text(text))) => encode::text_size(key.len()) + encode::text_size(text.len()),
            Some((key, Value::Number(_))) => encode::text_size(key.len()) + encode::FLOAT_SIZE,
            None => 0,
        }
    }
}

/// Returns the places where a key of this hash is looked for, one after another: of so many, which are a power of two. The
/// first one by the upper bits of a product, because keys that end in numbers have hashes with the same lower bits.
#[inline(always)]
fn row(places: usize, hash: u32) -> impl Iterator<Item = usize> {
    let first = (u64::from(hash.wrapping_mul(0x9e37_79b1)) * places as u64) >> 32;
    (0..places).map(move |n| (first as usize + n) & (places - 1))
}

/// Returns the place where a key of this hash would be entered. `None` if a key with the same hash is there.
#[inline(always)]
pub(super) fn free_place(by_hash: &[u16], keys: &[(u32, u32)], hash: u32) -> Option<usize> {
    for at in row(by_hash.len(), hash) {
        match usize::from(*by_hash.get(at)?).checked_sub(1) {
            None => return Some(at),
            Some(index) if keys.get(index)?.0 == hash => return None,
            Some(_) => {}
        }
    }
    None
}

/// Enters the key at this index by its hash, in the first place that is free.
#[inline(always)]
fn enter(by_hash: &mut [u16], hash: u32, index: usize) {
    for at in row(by_hash.len(), hash) {
        if let Some(place @ 0) = by_hash.get_mut(at) {
            *place = index as u16 + 1;
            return;
        }
    }
}

/// Appends a pair of texts. Returns whether both are ASCII.
fn append_text(run: &mut Buffer, key: &[u8], value: &[u8]) -> Result<bool, Full> {
    let mut room = run.room(key.len() + value.len() + 2 * encode::HEAD_MAX)?;
    encode::put_key(&mut room, key);
    encode::put(&mut room, value);
    Ok(key.is_ascii() && value.is_ascii())
}

/// Appends a key and a number.
fn append_number(run: &mut Buffer, key: &[u8], value: f64) -> Result<(), Full> {
    let mut room = run.room(key.len() + encode::HEAD_MAX + encode::FLOAT_SIZE)?;
    encode::put_key(&mut room, key);
    encode::put_float(&mut room, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fields::Field;
    use super::*;

    fn all(span: &OpenSpan) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        span.tags()
            .into_iter()
            .map(|(key, value)| match value {
                Value::Text(value) => (text(key), text(value)),
                Value::Number(number) => (text(key), number.to_string()),
            })
            .collect()
    }

    #[test]
    fn the_last_value_of_a_key_wins_whatever_its_kind() {
        let mut span = OpenSpan::default();
        span.set_text(b"a", b"1").unwrap();
        span.set_text(b"b", b"first").unwrap();
        span.set_text(b"b", b"other").unwrap();
        span.set_text(b"b", b"longer value").unwrap();
        span.set_number(b"a", 2.5).unwrap();
        span.set_number(b"c", 3.0).unwrap();
        span.set_text(b"c", b"text").unwrap();
        assert_eq!(all(&span), [("a", "2.5"), ("b", "longer value"), ("c", "text")].map(|(k, v)| (k.into(), v.into())));
        span.close_gaps();
        let [texts, numbers, ..] = span.runs();
        assert_eq!((texts.count, numbers.count), (2, 1));
        assert_eq!(texts.bytes.len(), (2 + 13) + (2 + 5));
        assert_eq!(all(&span).len(), 3);
        assert_eq!(span.get(b"b"), Some(Value::Text(b"longer value")));
    }

    #[test]
    fn a_removed_tag_is_gone_and_its_key_can_return() {
        let mut span = OpenSpan::default();
        for key in ["a", "b", "c"] {
            span.set_text(key.as_bytes(), b"x").unwrap();
        }
        assert!(span.remove(b"b") && !span.remove(b"b"));
        span.close_gaps();
        assert_eq!(all(&span), [("a", "x"), ("c", "x")].map(|(k, v)| (k.into(), v.into())));
        span.set_number(b"b", 1.0).unwrap();
        assert_eq!(span.get(b"b"), Some(Value::Number(1.0)));
    }

    #[test]
    fn a_tag_set_a_million_times_does_not_grow_the_span() {
        let mut span = OpenSpan::default();
        for round in 0..200_000u32 {
            span.set_text(b"key", &b"0123456789"[..(round % 10) as usize]).unwrap();
            span.set_number(b"n", f64::from(round)).unwrap();
            span.set_field(Field::Resource, format!("GET /{round}").as_bytes()).unwrap();
        }
        assert!(span.texts.capacity() + span.numbers.capacity() + span.head.capacity() < 64 * 1024);
        assert_eq!(span.field(Field::Resource), b"GET /199999");
        assert_eq!(span.get(b"n"), Some(Value::Number(199_999.0)));
    }

    #[test]
    fn a_tag_set_and_removed_a_million_times_does_not_grow_the_span() {
        let mut span = OpenSpan::default();
        span.set_text(b"stays", b"there").unwrap();
        for round in 0..100_000u32 {
            span.set_text(b"key", b"a value").unwrap();
            assert!(span.remove(b"key"));
            span.set_number(b"n", 1.0).unwrap();
            assert!(span.remove(b"n"));
            // Changing its kind each time.
            span.set_text(b"either", b"text").unwrap();
            span.set_number(b"either", f64::from(round)).unwrap();
            span.add_blob(b"blob", &[0x80; 100]).unwrap();
            span.add_blob(if round % 2 == 0 { b"even" } else { b"odd " }, &[0x80; 50]).unwrap();
            span.set_field(Field::Name, b"renamed").unwrap();
            span.set_field(Field::Service, if round % 2 == 0 { b"" } else { b"a service" }).unwrap();
        }
        let held = [&span.texts, &span.numbers, &span.head, &span.blobs].map(Buffer::capacity);
        assert!(held.iter().sum::<usize>() < 64 * 1024, "{held:?}");
        assert_eq!(span.blob_count, 3);
        assert_eq!(span.get(b"either"), Some(Value::Number(99_999.0)));
        span.close_gaps();
        assert_eq!(all(&span).len(), 2);
    }

    #[test]
    fn tags_beyond_the_limit_are_refused_and_the_others_stay() {
        let mut span = OpenSpan::default();
        for n in 0..TAGS_MAX {
            span.set_text(format!("key{n}").as_bytes(), b"v").unwrap();
        }
        assert_eq!(span.set_text(b"one more", b"v"), Err(Refusal::Limit));
        assert_eq!(span.set_number(b"one more", 1.0), Err(Refusal::Limit));
        span.set_text(b"key7", b"changed").unwrap();
        assert_eq!(span.tags().len(), TAGS_MAX);
    }

    /// What a span does with its tags, done slowly: keys in the order in which they were first set.
    #[derive(Default)]
    struct Reference(Vec<(String, String)>);

    impl Reference {
        fn set(&mut self, key: &str, value: String) -> bool {
            match self.0.iter().position(|(other, _)| other == key) {
                Some(place) => self.0[place].1 = value,
                None if self.0.len() >= TAGS_MAX => return false,
                None => self.0.push((key.into(), value)),
            }
            true
        }

        fn remove(&mut self, key: &str) -> bool {
            let before = self.0.len();
            self.0.retain(|(other, _)| other != key);
            self.0.len() < before
        }
    }

    #[test]
    fn tags_are_those_of_a_slow_reference_whatever_is_set_and_removed() {
        let mut state = 7u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut span = OpenSpan::default();
        for round in 0..400 {
            // The slot is used again, as it is by the next span.
            span.reset();
            let mut reference = Reference::default();
            // From spans whose keys nearly all differ to spans that set the same few keys again and again.
            let (keys, most) = ([3, 20, 90, 3_000][round % 4], [5, 40, 150, 1_300][random(4)]);
            let calls = random(most);
            for _ in 0..calls {
                let key = match random(8) {
                    0 => format!("é{}", random(keys)),
                    1 => format!("a key that is rather long, {}", random(keys)),
                    _ => format!("k{}", random(keys)),
                };
                match random(10) {
                    0 => assert_eq!(span.remove(key.as_bytes()), reference.remove(&key)),
                    1..=3 => {
                        let number = random(1_000) as f64 / 4.0;
                        assert_eq!(
                            span.set_number(key.as_bytes(), number).is_ok(),
                            reference.set(&key, number.to_string())
                        );
                    }
                    _ => {
                        let value = ["v", "ü"][random(2)].repeat(random(300));
                        assert_eq!(span.set_text(key.as_bytes(), value.as_bytes()).is_ok(), reference.set(&key, value));
                    }
                }
                if random(20) == 0 {
                    let value = span.get(key.as_bytes()).is_some();
                    assert_eq!(value, reference.0.iter().any(|(other, _)| *other == key));
                }
            }
            assert_eq!(all(&span), reference.0, "{round}");
            if random(2) == 0 {
                span.close_gaps();
                assert_eq!(all(&span), reference.0, "{round}");
                let [texts, numbers, ..] = span.runs();
                let mut items = [0, 0];
                run::each(Kind::Text, texts.bytes, |_| items[0] += 1);
                run::each(Kind::Number, numbers.bytes, |_| items[1] += 1);
                assert_eq!(items, [texts.count, numbers.count]);
                assert_eq!(items.iter().sum::<u32>() as usize, reference.0.len());
            }
        }
    }

    #[test]
    fn keys_that_share_a_hash_stay_apart() {
        let mut span = OpenSpan::default();
        for n in 0..1000 {
            span.set_text(format!("{n}").as_bytes(), format!("{n}").as_bytes()).unwrap();
        }
        span.keys.iter_mut().for_each(|key| key.0 = 7);
        span.enter_all();
        for n in [0, 512, 999] {
            assert_eq!(span.find(7, format!("{n}").as_bytes()), Some(n));
        }
        assert_eq!(span.find(7, b"nope"), None);
    }

    #[test]
    fn a_key_is_found_in_a_few_steps_however_many_tags_there_are() {
        let mut span = OpenSpan::default();
        for n in 0..TAGS_MAX {
            span.set_text(format!("key.number.{n}").as_bytes(), b"v").unwrap();
            let (keys, places) = (span.keys.len(), span.by_hash.len());
            assert!(places >= 2 * keys && places <= 8 * keys.max(8), "{places} places for {keys} keys");
        }
        // Free places end every search: the longest one is as long as the longest row without one.
        let rows = span.by_hash.split(|&place| place == 0).map(<[u16]>::len);
        assert!(rows.max() < Some(64), "{:?}", span.by_hash.split(|&place| place == 0).map(<[u16]>::len).max());
        let counted = span.keys.capacity() * size_of::<(u32, u32)>() + span.by_hash.capacity() * size_of::<u16>();
        assert!(span.keys_memory.bytes() >= counted);
        span.reset();
        assert!(span.keys.capacity() == 0 && span.by_hash.capacity() == 0 && span.keys_memory.bytes() == 0);
    }

    #[test]
    fn gaps_are_closed_without_memory_for_a_list_of_pairs() {
        let make = || {
            let mut span = OpenSpan::default();
            for n in 0..20 {
                span.set_text(format!("text{n}").as_bytes(), b"first").unwrap();
                span.set_number(format!("number{n}").as_bytes(), f64::from(n)).unwrap();
            }
            for n in [3, 0, 17, 8] {
                span.set_text(format!("text{n}").as_bytes(), b"a longer value").unwrap();
                assert!(span.remove(format!("number{}", n + 1).as_bytes()));
            }
            span
        };
        let (mut span, mut other) = (make(), make());
        span.rewrite_runs();
        other.move_pairs(&[]);
        assert_eq!(all(&span), all(&other));
        assert_eq!(span.runs().map(|run| run.bytes.to_vec()), other.runs().map(|run| run.bytes.to_vec()));
        assert_eq!(all(&span).len(), 36);
    }
}
