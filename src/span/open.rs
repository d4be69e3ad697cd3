//! A span while it is open: what the host has said of it so far, encoded as it is said. Tags grow in two runs, one of
//! texts and one of numbers; a small index of key hashes finds the pair that a repeated key replaces. The finished form
//! is `record`'s; who may touch an open span at a time is `table`'s.

mod inspected;

use super::encode::{self, Sanitized};
use super::table::Content;
use crate::memory::{self, Buffer, Full};
use crate::sys;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The most tags, texts and numbers together, that a span holds.
pub const TAGS_MAX: usize = 1024;
/// The longest key in bytes.
pub const KEY_MAX: usize = 200;
/// The longest value in bytes.
pub const VALUE_MAX: usize = 25_000;
/// The longest resource in bytes.
pub const RESOURCE_MAX: usize = 5_000;
/// The longest name, service or type in bytes.
pub const NAME_MAX: usize = 200;
/// The largest blob (`meta_struct`) in bytes.
pub const BLOB_MAX: usize = 1 << 20;
/// The name of a span that was given none; an agent would choose the same.
const UNNAMED: &[u8] = b"unnamed_operation";
/// Memory that a slot keeps for its next span, in bytes for each buffer.
const KEPT: usize = 4096;
/// And places in the index of keys.
const KEYS_KEPT: usize = 64;

/// Why something was not added to a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The span holds [`TAGS_MAX`] tags, or the value is too large to be cut.
    Limit,
    /// The process-wide bound on memory is reached.
    Memory,
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Refusal {
        Refusal::Memory
    }
}

/// The four texts that every span has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Field {
    /// The operation.
    Name = 0,
    /// The service; empty stands for the tracer's own.
    Service,
    /// The resource; empty stands for the name.
    Resource,
    /// The type, `web` or `sql` for example; may be empty.
    Type,
}

/// Set if the span carries an error.
pub const ERROR: u32 = 1;
/// Set on the first span of its trace in this process.
pub const LOCAL_ROOT: u32 = 2;
/// Set on a span whose service is not its parent's, or that has no parent here.
pub const TOP_LEVEL: u32 = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    at: u32,
    len: u32,
}

/// Where a pair lies: an offset into the run of texts, or, with this bit, of numbers.
const NUMBER: u32 = 1 << 31;

/// A tag's value as [`OpenSpan::get`] finds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A text, UTF-8.
    Text(&'a [u8]),
    /// A number.
    Number(f64),
}

/// See the module. The numbers are set by whoever starts the span.
#[derive(Debug, Default)]
pub struct OpenSpan {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id.
    pub trace_id_low: u64,
    /// The span's id.
    pub span_id: u64,
    /// The parent's id; 0 for a root.
    pub parent_id: u64,
    /// Start, nanoseconds since 1970.
    pub start_ns: i64,
    /// Start in ticks of the trace's scale.
    pub start_tick: u64,
    /// Index of the tracer.
    pub tracer: u32,
    /// Index of the trace.
    pub trace: u32,
    /// And its generation.
    pub trace_generation: u32,
    /// [`ERROR`], [`LOCAL_ROOT`].
    pub flags: u32,
    /// The shard of the thread that started it, cut to a byte: where the flight recorder tells of it.
    pub shard: u8,
    /// Hash of the service, 0 for the tracer's own.
    pub service_hash: u32,
    /// The same of the parent.
    pub parent_service_hash: u32,
    start_given: bool,
    fields: [Piece; 4],
    head: Buffer,
    texts: Buffer,
    numbers: Buffer,
    blobs: Buffer,
    /// For each tag the hash of its key, and where it lies.
    keys: Vec<(u32, u32)>,
    /// What those occupy.
    keys_memory: memory::Claim,
    number_count: u32,
    blob_count: u32,
    dead: u32,
}

/// What can be read of an open span while another thread holds it.
#[derive(Debug, Default)]
pub struct Label {
    trace_id_high: AtomicU64,
    trace_id_low: AtomicU64,
    span_id: AtomicU64,
    start_ns: AtomicU64,
    tracer: AtomicU32,
}

impl Label {
    /// Copies what stays the same as long as the span is open.
    #[inline]
    pub fn set(&self, span: &OpenSpan) {
        self.trace_id_high.store(span.trace_id_high, Relaxed);
        self.trace_id_low.store(span.trace_id_low, Relaxed);
        self.span_id.store(span.span_id, Relaxed);
        self.start_ns.store(span.start_ns as u64, Relaxed);
        self.tracer.store(span.tracer, Relaxed);
    }

    /// The trace id, high and low, and the span id.
    pub fn ids(&self) -> (u64, u64, u64) {
        (self.trace_id_high.load(Relaxed), self.trace_id_low.load(Relaxed), self.span_id.load(Relaxed))
    }

    /// Index of the tracer.
    pub fn tracer(&self) -> u32 {
        self.tracer.load(Relaxed)
    }

    /// The start, nanoseconds since 1970.
    pub fn start_ns(&self) -> i64 {
        self.start_ns.load(Relaxed) as i64
    }
}

impl Content for OpenSpan {
    type Label = Label;
    const LISTED: bool = true;
}

impl OpenSpan {
    /// Empties the span for its slot's next one.
    #[inline]
    pub fn reset(&mut self) {
        self.fields = [Piece::default(); 4];
        self.head.clear(KEPT);
        self.texts.clear(KEPT);
        self.numbers.clear(KEPT);
        self.blobs.clear(0);
        self.keys.clear();
        if self.keys.capacity() > KEYS_KEPT {
            (self.keys, self.keys_memory) = (Vec::new(), memory::Claim::default());
        }
        self.start_given = false;
        (self.flags, self.service_hash, self.parent_service_hash) = (0, 0, 0);
        (self.number_count, self.blob_count, self.dead) = (0, 0, 0);
    }

    /// Gives all memory back, for a slot that is never used again.
    pub fn retire(&mut self) {
        *self = OpenSpan::default();
    }

    /// Starts the span at a time that the host knows, nanoseconds since 1970. Its end is then wall time, too.
    pub fn start_at(&mut self, start_ns: i64) {
        (self.start_ns, self.start_given) = (start_ns, true);
    }

    /// The start, if the host gave it.
    #[inline]
    pub fn given_start(&self) -> Option<i64> {
        self.start_given.then_some(self.start_ns)
    }

    /// One of the four texts.
    #[inline]
    pub fn field(&self, field: Field) -> &[u8] {
        let piece = self.fields[field as usize];
        self.head.bytes().get(piece.at as usize..(piece.at + piece.len) as usize).unwrap_or_default()
    }

    /// Sets one of the four texts, sanitized and cut to its limit.
    #[inline]
    pub fn set_field(&mut self, field: Field, value: &[u8]) -> Result<Sanitized, Refusal> {
        let max = if matches!(field, Field::Resource) { RESOURCE_MAX } else { NAME_MAX };
        let at = self.head.len();
        if value.is_empty() && !matches!(field, Field::Name) {
            self.fields[field as usize] = Piece::default();
            return Ok(Sanitized::default());
        }
        // A field set over and over must not make the record grow without end.
        if value.len() <= max && at <= KEPT && !value.is_empty() {
            if memory::copy_ascii(self.head.tail(value.len())?, value) {
                self.fields[field as usize] = Piece { at: at as u32, len: value.len() as u32 };
                return Ok(Sanitized::default());
            }
            self.head.truncate(at);
        }
        self.set_field_slowly(field, value, max)
    }

    /// Sets the service. A span that names the tracer's own, of this hash, is like one that names none: then it follows the
    /// tracer, and its version.
    #[inline]
    pub fn set_service(&mut self, tracers: u32, service: &[u8]) -> Result<Sanitized, Refusal> {
        let hash = hash(service);
        let own = service.is_empty() || hash == tracers;
        self.service_hash = if own { 0 } else { hash };
        self.set_field(Field::Service, if own { b"" } else { service })
    }

    #[cold]
    fn set_field_slowly(&mut self, field: Field, value: &[u8], max: usize) -> Result<Sanitized, Refusal> {
        let value = if value.is_empty() && matches!(field, Field::Name) { UNNAMED } else { value };
        let (value, sanitized) = encode::sanitize(value, max);
        if self.head.len() > KEPT {
            self.close_head();
        }
        let at = self.head.len() as u32;
        self.head.push(&value)?;
        self.fields[field as usize] = Piece { at, len: value.len() as u32 };
        Ok(sanitized)
    }

    #[cold]
    fn close_head(&mut self) {
        let kept: [Vec<u8>; 4] =
            [Field::Name, Field::Service, Field::Resource, Field::Type].map(|field| self.field(field).to_vec());
        self.head.truncate(0);
        for (piece, text) in self.fields.iter_mut().zip(kept) {
            *piece = Piece { at: self.head.len() as u32, len: text.len() as u32 };
            // Shorter than what was there: it fits.
            let _ = self.head.push(&text);
        }
    }

    /// Sets a text tag; the last value of a key wins, over a number of the same key too.
    #[inline]
    pub fn set_text(&mut self, key: &[u8], value: &[u8]) -> Result<Sanitized, Refusal> {
        // What nearly every tag is: new, short enough, ASCII. Anything else begins again, slowly.
        if key.len() <= KEY_MAX && value.len() <= VALUE_MAX && self.keys.len() < TAGS_MAX {
            let hash = hash(key);
            if self.find(hash, key).is_none() {
                let place = self.texts.len();
                self.index_room()?;
                if append_text(&mut self.texts, key, value)? {
                    self.index(hash, place as u32);
                    return Ok(Sanitized::default());
                }
                self.texts.truncate(place);
            }
        }
        self.set_text_slowly(key, value)
    }

    #[cold]
    fn set_text_slowly(&mut self, key: &[u8], value: &[u8]) -> Result<Sanitized, Refusal> {
        let (key, key_sanitized) = encode::sanitize(key, KEY_MAX);
        let (value, mut sanitized) = encode::sanitize(value, VALUE_MAX);
        sanitized.repaired |= key_sanitized.repaired;
        sanitized.cut |= key_sanitized.cut;
        let hash = hash(&key);
        if let Some(index) = self.find(hash, &key) {
            self.replace_text(index, &key, &value)?;
            return Ok(sanitized);
        }
        if self.keys.len() >= TAGS_MAX {
            return Err(Refusal::Limit);
        }
        let place = self.texts.len();
        self.index_room()?;
        append_text(&mut self.texts, &key, &value)?;
        self.index(hash, place as u32);
        Ok(sanitized)
    }

    /// Sets a numeric tag; the last value of a key wins, over a text of the same key too.
    #[inline]
    pub fn set_number(&mut self, key: &[u8], value: f64) -> Result<Sanitized, Refusal> {
        if key.len() <= KEY_MAX && self.keys.len() < TAGS_MAX {
            let hash = hash(key);
            if self.find(hash, key).is_none() {
                let place = self.numbers.len();
                self.index_room()?;
                if append_number(&mut self.numbers, key, value)? {
                    self.index(hash, place as u32 | NUMBER);
                    self.number_count += 1;
                    return Ok(Sanitized::default());
                }
                self.numbers.truncate(place);
            }
        }
        self.set_number_slowly(key, value)
    }

    #[cold]
    fn set_number_slowly(&mut self, key: &[u8], value: f64) -> Result<Sanitized, Refusal> {
        let (key, sanitized) = encode::sanitize(key, KEY_MAX);
        let hash = hash(&key);
        let found = self.find(hash, &key);
        if found.is_none() && self.keys.len() >= TAGS_MAX {
            return Err(Refusal::Limit);
        }
        let place = self.numbers.len() as u32 | NUMBER;
        self.index_room()?;
        append_number(&mut self.numbers, &key, value)?;
        match found {
            Some(index) => {
                self.bury(index);
                self.keys[index].1 = place;
            }
            None => self.index(hash, place),
        }
        self.number_count += 1;
        self.close_gaps_if_large();
        Ok(sanitized)
    }

    #[inline]
    fn index(&mut self, hash: u32, place: u32) {
        self.keys.push((hash, place));
    }

    /// Makes room for one more pair in the index.
    #[inline]
    fn index_room(&mut self) -> Result<(), Refusal> {
        if self.keys.len() == self.keys.capacity() {
            self.enlarge_index()?;
        }
        Ok(())
    }

    #[cold]
    fn enlarge_index(&mut self) -> Result<(), Refusal> {
        sys::keep_errno(|| {
            let more = self.keys.len().max(8);
            self.keys_memory.grow(more * std::mem::size_of::<(u32, u32)>())?;
            self.keys.try_reserve_exact(more).map_err(|_| Refusal::Memory)
        })
    }

    /// Removes a tag of either kind; whether there was one.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let (key, _) = encode::sanitize(key, KEY_MAX);
        let Some(index) = self.find(hash(&key), &key) else { return false };
        self.bury(index);
        self.keys.remove(index);
        self.close_gaps_if_large();
        true
    }

    /// The value of a tag.
    pub fn get(&self, key: &[u8]) -> Option<Value<'_>> {
        let (key, _) = encode::sanitize(key, KEY_MAX);
        self.value_at(self.keys[self.find(hash(&key), &key)?].1).map(|(_, value)| value)
    }

    /// Adds a blob of MessagePack (`meta_struct`). The last value of a key wins.
    pub fn add_blob(&mut self, key: &[u8], bytes: &[u8]) -> Result<Sanitized, Refusal> {
        let (key, sanitized) = encode::sanitize(key, KEY_MAX);
        let former = self.find_blob(&key);
        if bytes.len() > BLOB_MAX || (former.is_none() && self.blob_count as usize >= TAGS_MAX) {
            return Err(Refusal::Limit);
        }
        let key_size = encode::text_size(key.len());
        let size = key_size + encode::blob_size(bytes.len());
        // Before anything changes: without room the former value stays.
        self.blobs.room(size)?;
        if let Some((from, to)) = former {
            let end = self.blobs.len();
            self.blobs.bytes_mut().copy_within(to..end, from);
            self.blobs.truncate(end - (to - from));
            self.blob_count -= 1;
        }
        let (head, body) = self.blobs.tail(size)?.split_at_mut(key_size);
        encode::text(head, &key);
        encode::blob(body, bytes);
        self.blob_count += 1;
        Ok(sanitized)
    }

    /// Where the blob of this key begins and ends.
    fn find_blob(&self, key: &[u8]) -> Option<(usize, usize)> {
        let all = self.blobs.bytes();
        let mut run = all;
        while let Some((other, rest)) = encode::read_text(run) {
            let (_, rest) = encode::read_blob(rest)?;
            if other == key {
                return Some((all.len() - run.len(), all.len() - rest.len()));
            }
            run = rest;
        }
        None
    }

    /// The four texts as they lie together, and where in that each is: its place and its length.
    #[inline]
    pub fn head(&self) -> (&[u8], [(u32, u32); 4]) {
        (self.head.bytes(), self.fields.map(|piece| (piece.at, piece.len)))
    }

    /// Every tag, in the order in which its key was first set.
    pub fn tags(&self) -> impl Iterator<Item = (&[u8], Value<'_>)> {
        self.keys.iter().filter_map(|&(_, place)| self.value_at(place))
    }

    /// The run of texts and how many pairs it has. No gaps after [`OpenSpan::close_gaps`].
    #[inline]
    pub fn texts(&self) -> (&[u8], u32) {
        (self.texts.bytes(), self.keys.len() as u32 - self.number_count)
    }

    /// The run of numbers, likewise.
    #[inline]
    pub fn numbers(&self) -> (&[u8], u32) {
        (self.numbers.bytes(), self.number_count)
    }

    /// The run of blobs, likewise.
    #[inline]
    pub fn blobs(&self) -> (&[u8], u32) {
        (self.blobs.bytes(), self.blob_count)
    }

    /// Takes the dead pairs out of both runs, and what was replaced out of the four texts, if there is any.
    #[inline]
    pub fn close_gaps(&mut self) {
        if self.dead > 0 {
            self.rewrite_runs();
        }
        if self.head.len() != self.fields.iter().map(|piece| piece.len as usize).sum::<usize>() {
            self.close_head();
        }
    }

    #[inline(always)]
    fn find(&self, hash: u32, key: &[u8]) -> Option<usize> {
        for (index, &(other, place)) in self.keys.iter().enumerate() {
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
        let run = if place & NUMBER != 0 { &self.numbers } else { &self.texts };
        let (key, rest) = encode::read_text(run.bytes().get((place & !NUMBER) as usize..)?)?;
        if place & NUMBER != 0 {
            return encode::read_float(rest).map(|(number, _)| (key, Value::Number(number)));
        }
        encode::read_text(rest).map(|(text, _)| (key, Value::Text(text)))
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
        self.bury(index);
        self.keys[index].1 = place;
        self.close_gaps_if_large();
        Ok(())
    }

    /// Counts the pair at `index` as dead; its bytes go when gaps are closed.
    fn bury(&mut self, index: usize) {
        let place = self.keys[index].1;
        self.number_count -= u32::from(place & NUMBER != 0);
        self.dead += self.pair_size(place) as u32;
    }

    fn close_gaps_if_large(&mut self) {
        if self.dead as usize > KEPT && self.dead as usize > (self.texts.len() + self.numbers.len()) / 2 {
            self.rewrite_runs();
        }
    }

    /// Moves what is alive to the front of its run, in the order in which it lies there.
    #[cold]
    fn rewrite_runs(&mut self) {
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        // Places differ; a stable sort would need a buffer of 4 KiB on the caller's stack.
        order.sort_unstable_by_key(|&index| self.keys[index as usize].1);
        let mut ends = [0, 0];
        for index in order {
            let place = self.keys[index as usize].1;
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

/// Appends a pair of texts. Whether both are ASCII.
#[inline(always)]
fn append_text(run: &mut Buffer, key: &[u8], value: &[u8]) -> Result<bool, Full> {
    let key_size = encode::text_size(key.len());
    let (head, body) = run.tail(key_size + encode::text_size(value.len()))?.split_at_mut(key_size);
    Ok(encode::text(head, key) & encode::text(body, value))
}

/// Appends a key and a number. Whether the key is ASCII.
#[inline(always)]
fn append_number(run: &mut Buffer, key: &[u8], value: f64) -> Result<bool, Full> {
    let key_size = encode::text_size(key.len());
    let (head, body) = run.tail(key_size + encode::FLOAT_SIZE)?.split_at_mut(key_size);
    encode::float(body, value);
    Ok(encode::text(head, key))
}

/// A hash of a key or service: quick, even, never 0, of no use against an attacker and not used where one could matter.
#[inline]
pub fn hash(bytes: &[u8]) -> u32 {
    const M: u64 = 0x9e37_79b9_7f4a_7c15;
    let word =
        |at: usize| bytes.get(at..at + 8).map_or(0, |word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
    let half =
        |at: usize| bytes.get(at..at + 4).map_or(0, |half| u32::from_le_bytes(half.try_into().unwrap_or_default()));
    let len = bytes.len();
    let (first, last) = match len {
        0 => (0, 0),
        1..=3 => (u64::from(bytes[0]) << 8 | u64::from(bytes[len / 2]), u64::from(bytes[len - 1])),
        4..=7 => (u64::from(half(0)), u64::from(half(len - 4))),
        _ => (word(0), word(len - 8)),
    };
    let mut state = (len as u64 ^ first ^ M).wrapping_mul(M).rotate_left(29);
    let mut at = 8;
    while at + 8 < len {
        state = (state ^ word(at)).wrapping_mul(M).rotate_left(29);
        at += 8;
    }
    state = (state ^ last).wrapping_mul(M);
    ((state >> 32) as u32 ^ state as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(span: &OpenSpan) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        span.tags()
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
        assert_eq!(span.texts().1, 2);
        assert_eq!(span.numbers().1, 1);
        assert_eq!(span.texts().0.len(), (2 + 13) + (2 + 5));
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
        assert_eq!(span.blobs().1, 3);
        assert_eq!(span.get(b"either"), Some(Value::Number(99_999.0)));
        span.close_gaps();
        assert_eq!(all(&span).len(), 2);
    }

    #[test]
    fn the_last_blob_of_a_key_wins() {
        let mut span = OpenSpan::default();
        for (key, value) in [(b"a", 1u8), (b"b", 2), (b"a", 3), (b"c", 4), (b"b", 5)] {
            span.add_blob(key, &vec![value; usize::from(value)]).unwrap();
        }
        let (run, count) = span.blobs();
        let mut seen = Vec::new();
        let mut rest = run;
        while let Some((key, after)) = encode::read_text(rest) {
            let (value, after) = encode::read_blob(after).unwrap();
            seen.push((key.to_vec(), value.to_vec()));
            rest = after;
        }
        assert_eq!(seen, [(b"a", 3u8), (b"c", 4), (b"b", 5)].map(|(key, n)| (key.to_vec(), vec![n; usize::from(n)])));
        assert_eq!(count, 3);
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
        assert_eq!(span.tags().count(), TAGS_MAX);
    }

    #[test]
    fn keys_that_share_a_hash_stay_apart() {
        let mut span = OpenSpan::default();
        for n in 0..1000 {
            span.set_text(format!("{n}").as_bytes(), format!("{n}").as_bytes()).unwrap();
        }
        span.keys.iter_mut().for_each(|key| key.0 = 7);
        assert_eq!(span.find(7, b"512"), Some(512));
        assert_eq!(span.find(7, b"nope"), None);
    }
}
