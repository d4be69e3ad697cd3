//! A growing byte buffer whose memory is not written before it is used. All `unsafe` of buffers is here.
//!
//! The invariant of a [`Buffer`]: the first `len` bytes of its memory are initialised, and `len` is at most the capacity.
//! Bytes behind `len` may hold anything. A [`Room`] writes them: it begins at `len`, moves forward over bytes that it
//! has written, never beyond its end, which is at most the capacity, and sets `len` to where it stands when it is dropped.
//! A room borrows its buffer, so that nothing else reads or moves the memory meanwhile. `put_two`, `put_parts` and
//! `put_ascii` write behind `len`, too, up to the capacity, and then set `len` to the end of what they have written.

use super::copying::{copy_blocks, copy_bytes, copy_short, copy_usual, SHORT, USUAL};
use super::{claim, unclaim, Bound, Full, OVERHEAD};
use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::sys;
use std::mem::MaybeUninit;

/// A growing byte buffer under the limit. Does not abort if memory is exhausted.
#[derive(Default)]
pub struct Buffer {
    /// The memory. Its length is the buffer's capacity.
    bytes: Vec<MaybeUninit<u8>>,
    len: usize,
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("bytes", &self.bytes()).field("capacity", &self.capacity()).finish()
    }
}

impl Buffer {
    /// Returns an empty buffer without memory.
    pub const fn new() -> Buffer {
        Buffer { bytes: Vec::new(), len: 0 }
    }

    /// Returns an empty buffer with room for `bytes`, for finished spans.
    pub(super) fn with_room(bytes: usize) -> Result<Buffer, Full> {
        let mut buffer = Buffer::new();
        buffer.grow(bytes, Bound::Whole)?;
        Ok(buffer)
    }

    /// Ensures that `more` bytes can be appended, for an open span.
    #[inline]
    pub fn reserve(&mut self, more: usize) -> Result<(), Full> {
        if self.bytes.len() - self.len >= more {
            return Ok(());
        }
        self.grow(more, Bound::Open)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize, bound: Bound) -> Result<(), Full> {
        sys::keep_errno(|| self.grow_by(more, bound))
    }

    fn grow_by(&mut self, more: usize, bound: Bound) -> Result<(), Full> {
        let wanted = self.len.checked_add(more).and_then(usize::checked_next_power_of_two).ok_or(Full)?;
        let (before, capacity) = (self.bytes.len(), wanted.max(128));
        let added = counted(capacity) - counted(before);
        claim(added, bound)?;
        if self.bytes.try_reserve_exact(capacity - before).is_err() {
            unclaim(added);
            return Err(Full);
        }
        // SAFETY: the vector has this capacity, and its elements need not be initialised.
        unsafe { self.bytes.set_len(capacity) };
        Ok(())
    }

    /// Makes room for `size` bytes, for an open span.
    #[inline(always)]
    pub fn room(&mut self, size: usize) -> Result<Room<'_>, Full> {
        self.reserve(size)?;
        Ok(self.rest())
    }

    /// Same as `room`, but counted without a limit: the worker must be able to send when memory is short.
    #[inline(always)]
    pub fn room_beyond(&mut self, size: usize) -> Result<Room<'_>, Full> {
        if self.bytes.len() - self.len < size {
            self.grow(size, Bound::None)?;
        }
        Ok(self.rest())
    }

    /// All the room that there is.
    #[inline(always)]
    fn rest(&mut self) -> Room<'_> {
        let bytes = self.bytes.as_mut_ptr_range();
        // SAFETY: `len` is at most the number of bytes.
        let at = unsafe { bytes.start.add(self.len) };
        Room { len: &mut self.len, start: bytes.start.cast(), at: at.cast(), end: bytes.end.cast() }
    }

    /// Appends `size` zeros and returns them for the caller to change. For callers that are not in a hurry.
    #[inline]
    pub fn tail(&mut self, size: usize) -> Result<&mut [u8], Full> {
        self.reserve(size)?;
        Ok(self.zeros(size))
    }

    /// Same as `tail`, but counted without a limit.
    #[inline]
    pub fn tail_beyond(&mut self, size: usize) -> Result<&mut [u8], Full> {
        if self.bytes.len() - self.len < size {
            self.grow(size, Bound::None)?;
        }
        Ok(self.zeros(size))
    }

    #[inline]
    fn zeros(&mut self, size: usize) -> &mut [u8] {
        let (from, to) = (self.len, self.len + size);
        if let Some(place) = self.bytes.get_mut(from..to) {
            place.fill(MaybeUninit::new(0));
            self.len = to;
        }
        &mut self.bytes_mut()[from..]
    }

    /// Appends two texts, each behind a head, if both are ASCII, the first one at most [`SHORT`] and the second one at most
    /// [`USUAL`] bytes long, and if there is room. Returns false and appends nothing otherwise. Makes no call.
    #[inline(always)]
    pub fn put_two<const N: usize, const M: usize>(
        &mut self,
        (head, text): ([u8; N], &[u8]),
        (second_head, second): ([u8; M], &[u8]),
    ) -> bool {
        // Cannot overflow: no slice is longer than half of the address space.
        let size = N + text.len() + M + second.len();
        if text.len() > SHORT || second.len() > USUAL || self.bytes.len() - self.len < size {
            return false;
        }
        // SAFETY: there is room for all four, one behind another, and `len` grows by what was written.
        unsafe {
            let at = self.bytes.as_mut_ptr().cast::<u8>().add(self.len);
            at.cast::<[u8; N]>().write(head);
            let at = at.add(N);
            let odd = copy_short(at, text);
            let at = at.add(text.len());
            at.cast::<[u8; M]>().write(second_head);
            let odd = odd | copy_usual(at.add(M), second);
            self.len += if odd == 0 { size } else { 0 };
            odd == 0
        }
    }

    /// Appends words, in the processor's order, and then three pieces, if there is room for all of it. Returns false and
    /// appends nothing otherwise. Makes no call.
    #[inline(always)]
    pub fn put_parts<const N: usize>(&mut self, words: [u64; N], [first, second, third]: [&[u8]; 3]) -> bool {
        // Cannot overflow: slices that exist at once are together shorter than the address space, and words are few.
        let size = size_of::<[u64; N]>() + first.len() + second.len() + third.len();
        if self.bytes.len() - self.len < size {
            return false;
        }
        // SAFETY: there is room for all, one behind another, and `len` grows by what was written.
        unsafe {
            let at = self.bytes.as_mut_ptr().cast::<u8>().add(self.len);
            at.cast::<[u64; N]>().write_unaligned(words);
            let at = at.add(size_of::<[u64; N]>());
            copy_blocks(at, first);
            let at = at.add(first.len());
            copy_blocks(at, second);
            copy_blocks(at.add(second.len()), third);
            self.len += size;
        }
        true
    }

    /// Appends a text as [`Self::put_two`] does.
    #[inline(always)]
    pub fn put_ascii(&mut self, text: &[u8]) -> bool {
        if text.len() > USUAL || self.bytes.len() - self.len < text.len() {
            return false;
        }
        // SAFETY: there is room for the text, and `len` grows by its length.
        unsafe {
            let odd = copy_usual(self.bytes.as_mut_ptr().cast::<u8>().add(self.len), text);
            self.len += if odd == 0 { text.len() } else { 0 };
            odd == 0
        }
    }

    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.room(bytes.len())?.put(bytes);
        Ok(())
    }

    /// Returns the content.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the first `len` bytes exist and are initialised.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) }
    }

    /// Returns the content for changes in place.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_mut_ptr().cast(), self.len) }
    }

    /// Returns the length of the content.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the buffer is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the capacity in bytes.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Cuts the content to `len` bytes.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Empties the buffer. Frees its memory if the capacity is above `keep` bytes.
    #[inline]
    pub fn clear(&mut self, keep: usize) {
        self.len = 0;
        if self.bytes.len() > keep {
            self.free();
        }
    }

    #[cold]
    #[inline(never)]
    fn free(&mut self) {
        sys::keep_errno(|| *self = Buffer::new());
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            unclaim(counted(self.bytes.len()));
        }
    }
}

/// What a buffer of this capacity counts.
fn counted(capacity: usize) -> usize {
    if capacity == 0 {
        0
    } else {
        capacity + OVERHEAD
    }
}

/// Describes a buffer for debuggers.
pub fn inspected() -> TypeDescriptor {
    let fields = vec![holding!(Vec of "byte", Buffer, bytes), unsigned!(Buffer, len as "length")];
    TypeDescriptor::inside::<Buffer>("buffer", fields)
}

/// Room at the end of a buffer, filled from front to back. What was put is part of the buffer when the room is dropped.
/// What does not fit is not put.
pub struct Room<'a> {
    len: &'a mut usize,
    start: *mut u8,
    /// Where the next byte goes; at most `end`.
    at: *mut u8,
    end: *mut u8,
}

impl Room<'_> {
    #[inline(always)]
    fn left(&self) -> usize {
        self.end as usize - self.at as usize
    }

    /// Puts bytes.
    #[inline(always)]
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > self.left() {
            return no_room();
        }
        // SAFETY: there is room; `bytes` are not in it, because the room is borrowed mutably.
        unsafe {
            copy_bytes(self.at, bytes);
            self.at = self.at.add(bytes.len());
        }
    }

    /// Puts bytes whose number the compiler knows.
    #[inline(always)]
    pub fn put_fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        if N > self.left() {
            return no_room();
        }
        // SAFETY: there is room, and an array of bytes needs no alignment.
        unsafe {
            self.at.cast::<[u8; N]>().write(bytes);
            self.at = self.at.add(N);
        }
    }

    /// Puts a template whose gaps are filled: each with eight bytes at a place.
    #[inline(always)]
    pub fn put_filled<const N: usize, const GAPS: usize>(
        &mut self,
        template: &[u8; N],
        gaps: [(usize, [u8; 8]); GAPS],
    ) {
        if N > self.left() || gaps.iter().any(|(place, _)| place + 8 > N) {
            return no_room();
        }
        // SAFETY: there is room for the template, and the gaps are within it.
        unsafe {
            self.at.cast::<[u8; N]>().write(*template);
            for (place, bytes) in gaps {
                self.at.add(place).cast::<[u8; 8]>().write(bytes);
            }
            self.at = self.at.add(N);
        }
    }

    /// Puts words, in the processor's order.
    #[inline(always)]
    pub fn put_words<const N: usize>(&mut self, words: [u64; N]) {
        if N * size_of::<u64>() > self.left() {
            return no_room();
        }
        for word in words {
            // SAFETY: there is room for all of them.
            unsafe {
                self.at.cast::<u64>().write_unaligned(word);
                self.at = self.at.add(size_of::<u64>());
            }
        }
    }

    /// Puts a short head and bytes, with one look at the room.
    #[inline(always)]
    pub fn put_headed<const N: usize>(&mut self, head: [u8; N], bytes: &[u8]) {
        // Cannot overflow: no slice is longer than half of the address space.
        if N + bytes.len() > self.left() {
            return no_room();
        }
        // SAFETY: as in `put` and `put_fixed`.
        unsafe {
            self.at.cast::<[u8; N]>().write(head);
            copy_bytes(self.at.add(N), bytes);
            self.at = self.at.add(N + bytes.len());
        }
    }

    /// Puts bytes behind `front` and a head of one byte, if that is enough, or of two. One look at the room serves all.
    #[inline(always)]
    pub fn put_behind<const N: usize>(&mut self, front: [u8; N], one: Option<u8>, two: [u8; 2], bytes: &[u8]) {
        // Cannot overflow: no slice is longer than half of the address space.
        if N + 2 + bytes.len() > self.left() {
            return no_room();
        }
        // SAFETY: as in `put` and `put_fixed`.
        unsafe {
            self.at.cast::<[u8; N]>().write(front);
            let mut at = self.at.add(N);
            if let Some(one) = one {
                at.write(one);
                at = at.add(1);
            } else {
                at.cast::<[u8; 2]>().write(two);
                at = at.add(2);
            }
            copy_bytes(at, bytes);
            self.at = at.add(bytes.len());
        }
    }

    /// Puts bytes that are many as a rule: less code than `put`.
    #[inline(always)]
    pub fn put_block(&mut self, bytes: &[u8]) {
        if bytes.len() > self.left() {
            return no_room();
        }
        // SAFETY: as in `put`.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at, bytes.len());
            self.at = self.at.add(bytes.len());
        }
    }
}

/// A caller asked for less room than it uses, which is a defect of the caller.
#[cold]
#[inline(never)]
fn no_room() {
    debug_assert!(false, "a buffer has less room than its caller uses");
}

impl Drop for Room<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.len = self.at as usize - self.start as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_there_and_nothing_else() {
        let mut buffer = Buffer::new();
        assert!(!buffer.put_ascii(b"x") && !buffer.put_two(([1], b""), ([2], b"")), "there is no room yet");
        for round in 0..300usize {
            let (before, piece) = (buffer.len(), vec![round as u8; round]);
            let ascii = round < 128 || (256..384).contains(&round);
            buffer.reserve(4 * round + 100).unwrap();
            let mut texts = Vec::new();
            for (is_put, put) in [
                (ascii && round <= USUAL, buffer.put_ascii(&piece)),
                (ascii && round <= USUAL, buffer.put_two(([9], b"ab"), ([8, 8], &piece))),
                (ascii && round <= SHORT, buffer.put_two(([9], &piece), ([8; 3], b""))),
            ] {
                assert_eq!(is_put, put, "{round}");
            }
            if ascii && round <= USUAL {
                texts.extend([&piece[..], b"\x09ab\x08\x08", &piece].concat());
            }
            if ascii && round <= SHORT {
                texts.extend([&[9], &piece[..], &[8; 3]].concat());
            }
            let mut room = buffer.room(3 + 16 + 20).unwrap();
            room.put_headed([1], b"\x02");
            room.put_block(b"\x03");
            room.put_words([u64::from_ne_bytes([4; 8])]);
            room.put_fixed([5; 8]);
            room.put_filled(&[6; 20], [(1, [7; 8]), (12, [8; 8])]);
            drop(room);
            let filled = [&[6][..], &[7; 8], &[6; 3], &[8; 8]].concat();
            let expected = [&texts[..], &[1, 2, 3], &[4; 8], &[5; 8], &filled].concat();
            assert_eq!(buffer.bytes()[before..], expected);
        }
    }

    #[test]
    fn parts_are_put_as_a_whole_or_not_at_all() {
        let all: Vec<u8> = (0..255).collect();
        for round in 0..200usize {
            let [one, two, three] = [round, round * 7 % 190, round * 3 % 70].map(|length| &all[..length]);
            let (mut buffer, words) = (Buffer::new(), [1u64, u64::MAX, 3]);
            assert!(!buffer.put_parts(words, [one, two, three]));
            buffer.push(b"before").unwrap();
            let room = buffer.capacity() - buffer.len();
            let expected = [b"before", words.map(u64::to_ne_bytes).as_flattened(), one, two, three].concat();
            let fits = expected.len() - 6 <= room;
            assert_eq!(buffer.put_parts(words, [one, two, three]), fits);
            assert_eq!(buffer.bytes(), if fits { &expected } else { &b"before"[..] });
            buffer.reserve(expected.len()).unwrap();
            buffer.truncate(6);
            assert!(buffer.put_parts(words, [one, two, three]));
            assert_eq!(buffer.bytes(), expected);
        }
    }

    #[test]
    fn room_that_is_not_used_is_not_content() {
        let mut buffer = Buffer::new();
        buffer.push(b"abc").unwrap();
        drop(buffer.room(5_000).unwrap());
        assert_eq!(buffer.bytes(), b"abc");
        assert!(buffer.capacity() >= 5_003);
        buffer.room(4).unwrap().put(b"d");
        assert_eq!(buffer.bytes(), b"abcd");
        assert_eq!(buffer.tail(3).unwrap(), [0; 3]);
        assert_eq!(buffer.bytes(), b"abcd\0\0\0");
    }

    #[test]
    #[cfg(not(debug_assertions))]
    fn what_does_not_fit_is_not_put() {
        let mut buffer = Buffer::new();
        let mut room = buffer.room(128).unwrap();
        room.put(&[7; 120]);
        room.put_headed([8], &[8; 8]);
        room.put_block(&[8; 9]);
        room.put_words([8; 2]);
        room.put_fixed([8; 9]);
        room.put_filled(&[8; 9], [(0, [8; 8])]);
        room.put(&[8; 9]);
        room.put(&[9; 8]);
        drop(room);
        assert_eq!(buffer.bytes(), [&[7; 120][..], &[9; 8]].concat());
    }

    #[test]
    fn memory_that_is_used_again_shows_no_former_content() {
        let mut buffer = Buffer::new();
        buffer.push(&[0xee; 100]).unwrap();
        buffer.truncate(0);
        assert_eq!(buffer.tail(50).unwrap(), [0; 50]);
        buffer.clear(0);
        assert_eq!((buffer.len(), buffer.capacity()), (0, 0));
    }
}
