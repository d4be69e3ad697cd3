//! A list of keys and texts that several owners share: the tags of a trace, the baggage of spans. It never changes:
//! setting an item makes a new list.

use super::encode;

use super::run::{self, Item, Kind};
use crate::inspect::{holding, shapes, Field, Kind as FieldKind, TypeDescriptor};
use crate::memory::{self, Buffer, Full};
use crate::sys;
use std::mem::offset_of;
use std::sync::Arc;

/// The longest key and text that [`Texts::set`] keeps.
const KEY_MAX: usize = 200;
const VALUE_MAX: usize = 25_000;
/// Larger memory is freed, and not kept for the next list.
const SPARE_MAX: usize = 512;

/// Keys and texts. Without any it holds no memory. Copies share what they hold.
#[derive(Clone, Debug, Default)]
pub struct Texts(Option<Arc<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// A run of texts.
    run: Buffer,
}

impl Texts {
    /// Whether there is no item.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Sets an item, sanitized and cut to the limits of span tags; the last value of a key wins. Copies keep the former
    /// one.
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Full> {
        let (key, value) = (encode::sanitize(key, KEY_MAX).0, encode::sanitize(value, VALUE_MAX).0);
        let mut run = self.without(&key)?;
        push(&mut run, &key, &value)?;
        *self = Texts::of_buffer(run);
        Ok(())
    }

    /// Removes an item. Returns whether there was one.
    pub fn remove(&mut self, key: &[u8]) -> Result<bool, Full> {
        if self.get(key).is_none() {
            return Ok(false);
        }
        *self = Texts::of_buffer(self.without(key)?);
        Ok(true)
    }

    fn without(&self, key: &[u8]) -> Result<Buffer, Full> {
        let (mut kept, mut result) = (Buffer::new(), Ok(()));
        self.each(|other, value| {
            if other != key {
                result = result.and_then(|()| push(&mut kept, other, value));
            }
        });
        result.map(|()| kept)
    }

    /// Returns the text of a key.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let mut found = None;
        self.each(|other, value| found = if other == key { Some(value) } else { found });
        found
    }

    /// Visits every item.
    #[inline]
    pub fn each<'a>(&'a self, visit: impl FnMut(&'a [u8], &'a [u8])) {
        each(self.run(), visit);
    }

    /// The items as a run of texts.
    #[inline]
    pub fn run(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |held| held.run.bytes())
    }

    /// Returns the bytes of memory that the items take.
    pub fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |held| held.run.capacity())
    }

    /// Takes the items of a run of texts.
    pub fn of_run(bytes: &[u8]) -> Result<Texts, Full> {
        let mut run = Buffer::new();
        if !bytes.is_empty() {
            run.push(bytes)?;
        }
        Ok(Texts::of_buffer(run))
    }

    /// Empties the list. If no other owner shares its memory, and that is not too large, `spare` keeps it.
    #[inline]
    pub fn give_up(&mut self, spare: &mut Spare) {
        let Some(mut held) = self.0.take() else { return };
        if let Some(Held { run }) = Arc::get_mut(&mut held).filter(|held| held.run.capacity() <= SPARE_MAX) {
            run.truncate(0);
            spare.0 = Some(held);
        }
    }

    /// Takes a run of texts.
    pub fn of_buffer(run: Buffer) -> Texts {
        match run.len() {
            0 => Texts::default(),
            _ => Texts(Some(Arc::new(Held { run }))),
        }
    }
}

/// The memory of a former list, for the next one.
#[derive(Debug, Default)]
pub struct Spare(Option<Arc<Held>>);

impl Spare {
    /// An empty run of texts in this memory; `None` if another owner still reads it.
    #[inline]
    pub fn run(&mut self) -> Option<&mut Buffer> {
        let held = self.0.get_or_insert_with(|| sys::keep_errno(Arc::default));
        Arc::get_mut(held).map(|held| &mut held.run)
    }

    /// The list that the run has become.
    #[inline]
    pub fn filled(&mut self) -> Texts {
        match &self.0 {
            Some(held) if !held.run.is_empty() => Texts(self.0.take()),
            _ => Texts::default(),
        }
    }
}

/// Visits every item of a run of texts.
#[inline]
pub fn each<'a>(bytes: &'a [u8], mut visit: impl FnMut(&'a [u8], &'a [u8])) {
    run::each(Kind::Text, bytes, |item| {
        if let Item::Text(key, value) = item {
            visit(key, value);
        }
    });
}

/// Returns the text of the only item of a run, if its key is this short one.
#[inline(always)]
pub fn only<'a, const N: usize>(bytes: &'a [u8], key: &[u8; N]) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_first_chunk::<1>()?;
    let (name, rest) = rest.split_first_chunk::<N>()?;
    if N > 31 || head[0] != 0xa0 | N as u8 || name != key {
        return None;
    }
    encode::read_text(rest).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

/// Appends an item to a run of texts.
#[inline]
pub fn push(run: &mut Buffer, key: &[u8], value: &[u8]) -> Result<(), Full> {
    let key_size = encode::text_size(key.len());
    let place = run.tail(key_size + encode::text_size(value.len()))?;
    if let Some((first, second)) = place.split_at_mut_checked(key_size) {
        encode::text(first, key);
        encode::text(second, value);
    }
    Ok(())
}

/// Appends an item with a short key that is known.
#[inline(always)]
pub fn push_known<const N: usize>(run: &mut Buffer, key: &[u8; N], value: &[u8]) -> Result<(), Full> {
    let (key_size, value_size) = (encode::text_size(N), encode::text_size(value.len()));
    let place = run.tail(key_size + value_size)?;
    if let Some((first, second)) = place.split_at_mut_checked(key_size) {
        encode::text(first, key);
        encode::text(second, value);
    }
    Ok(())
}

/// Appends an item whose key has two parts, and returns the room for its text.
#[inline]
pub fn push_room<'a>(run: &'a mut Buffer, key: [&[u8]; 2], length: usize) -> Result<&'a mut [u8], Full> {
    let key_length = key[0].len() + key[1].len();
    encode::text_head(run.tail(encode::text_size(key_length))?, key_length)
        .split_at_mut_checked(key[0].len())
        .map(|(first, second)| (memory::copy(first, key[0]), memory::copy(second, key[1])));
    Ok(encode::text_head(run.tail(encode::text_size(length))?, length))
}

/// Shortens the text of the item that [`push_room`] appended at `at` with `room` bytes to the first `length`. An empty one
/// goes.
pub fn shorten_last(run: &mut Buffer, at: usize, key: [&[u8]; 2], room: usize, length: usize) {
    if length == 0 {
        return run.truncate(at);
    }
    let start = at + encode::text_size(key[0].len() + key[1].len());
    let [head, new_head] = [room, length].map(|length| encode::text_size(length) - length);
    let bytes = run.bytes_mut();
    bytes.copy_within(start + head..start + head + length, start + new_head);
    encode::text_head(&mut bytes[start..start + new_head + length], length);
    run.truncate(start + new_head + length);
}

/// Describes a list at offset `at` of another structure: a pointer, 0 if it is empty.
pub fn inspected_at(at: usize) -> Field {
    Field::of::<Texts, _>("tags", offset_of!(Texts, 0), |tags| &tags.0, FieldKind::Pointer, "trace_tags").moved(at)
}

// The assumptions of the field above, and where the counts before an `Arc`'s content end.
const _: () = assert!(size_of::<Texts>() == size_of::<usize>() && align_of::<Held>() == align_of::<u64>());

/// Describes the target of that pointer: reference counts, followed by the items.
pub fn inspected() -> TypeDescriptor {
    let behind = shapes::in_arc(&Arc::new(0u64));
    let run = holding!(One of "buffer", Held, run).moved(behind);
    TypeDescriptor::inside::<Held>("trace_tags", vec![run]).sized(behind + size_of::<Held>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_wins_and_copies_keep_theirs() {
        let mut tags = Texts::default();
        assert!(tags.is_empty() && tags.get(b"origin").is_none());
        tags.set(b"origin", b"synthetics").unwrap();
        tags.set(b"_dd.p.x", b"1").unwrap();
        let copy = tags.clone();
        tags.set(b"origin", b"rum").unwrap();
        assert_eq!((tags.get(b"origin"), tags.get(b"_dd.p.x")), (Some(&b"rum"[..]), Some(&b"1"[..])));
        assert_eq!(copy.get(b"origin"), Some(&b"synthetics"[..]));
        let read = Texts::of_run(tags.run()).unwrap();
        assert_eq!(read.get(b"origin"), Some(&b"rum"[..]));
        assert_eq!(
            (tags.remove(b"origin"), tags.remove(b"origin"), tags.remove(b"_dd.p.x")),
            (Ok(true), Ok(false), Ok(true))
        );
        assert!(tags.is_empty() && !copy.is_empty());
    }
}
