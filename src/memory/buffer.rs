//! A growing byte buffer whose memory is not written before it is used. All `unsafe` of buffers is here.
//!
//! The invariant of a [`Buffer`]: the first `len` bytes of its memory are initialised, and `len` is at most the capacity.
//! Bytes behind `len` may hold anything. A [`Room`] writes them: it begins at `len`, moves forward over bytes that it
//! has written, never beyond its end, which is at most the capacity, and sets `len` to where it stands when it is dropped.
//! A room borrows its buffer, so that nothing else reads or moves the memory meanwhile. `put_parts` writes behind `len`, too,
//! up to the capacity, and then sets `len` to the end of what it has written. A [`Draft`] does what a room does, but sets
//! `len` only if it is kept.

use super::copying::{copy_blocks, copy_bytes, copy_noting, Bits, USUAL};
use super::{claim, unclaim, Bound, Full, OVERHEAD};
use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::sys;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering::*};

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

    /// Begins a draft behind the content.
    #[inline(always)]
    pub fn draft(&mut self) -> Draft<'_> {
        let bytes = self.bytes.as_mut_ptr_range();
        // SAFETY: `len` is at most the number of bytes.
        let at = unsafe { bytes.start.add(self.len) }.cast();
        Draft { len: &mut self.len, start: bytes.start.cast(), at, end: bytes.end.cast(), bits: Bits::none() }
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

/// Buffers that threads share. The invariant: only the thread that has set `in_use` touches them.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    in_use: AtomicBool,
    buffers: UnsafeCell<Vec<Buffer>>,
}

// SAFETY: see the invariant.
unsafe impl Sync for Shelf {}

/// The buffers of a shelf, for one thread, until this is dropped.
pub(super) struct OpenShelf<'a>(&'a Shelf);

impl Shelf {
    /// Opens the shelf. `None` while another thread uses it: nobody waits. Takes a few instructions, where a mutex
    /// of the standard library makes two calls.
    #[inline(always)]
    pub(super) fn open(&self) -> Option<OpenShelf<'_>> {
        self.in_use.compare_exchange(false, true, Acquire, Relaxed).ok().map(|_| OpenShelf(self))
    }

    /// The same for a thread that can wait for about as long as a running thread uses it.
    pub(super) fn open_soon(&self) -> Option<OpenShelf<'_>> {
        (0..PATIENCE).find_map(|_| {
            let open = self.open();
            if open.is_none() {
                std::hint::spin_loop();
            }
            open
        })
    }
}

/// How often a thread that can wait looks whether a shelf is still in use.
const PATIENCE: u32 = 1_000;

impl std::ops::Deref for OpenShelf<'_> {
    type Target = Vec<Buffer>;
    #[inline(always)]
    fn deref(&self) -> &Vec<Buffer> {
        // SAFETY: this thread has set `in_use`.
        unsafe { &*self.0.buffers.get() }
    }
}

impl std::ops::DerefMut for OpenShelf<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Vec<Buffer> {
        // SAFETY: as above, and this is borrowed mutably.
        unsafe { &mut *self.0.buffers.get() }
    }
}

impl Drop for OpenShelf<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.in_use.store(false, Release);
    }
}

/// A text that is short enough to be copied without a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Short<'a>(&'a [u8]);

impl<'a> Short<'a> {
    /// The longest one. A number of ones, so that one comparison tells of several lengths whether all are within it.
    pub const MAX: usize = 127;

    /// `None` for a longer text.
    #[inline(always)]
    pub fn of(text: &'a [u8]) -> Option<Short<'a>> {
        (text.len() <= Short::MAX).then_some(Short(text))
    }

    /// Its bytes.
    #[inline(always)]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Their number.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> usize {
        self.0.len()
    }
}

const _: () = assert!(Short::MAX <= USUAL);

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

/// Short texts at the end of a buffer, which are part of it when they are kept. Whether they are ASCII is asked once, for all
/// of them. Where the next one goes is in registers meanwhile.
pub struct Draft<'a> {
    len: &'a mut usize,
    start: *mut u8,
    /// Where the next byte goes; at most `end`.
    at: *mut u8,
    end: *mut u8,
    bits: Bits,
}

impl Draft<'_> {
    #[inline(always)]
    fn has_room(&self, size: usize) -> bool {
        self.end as usize - self.at as usize >= size
    }

    /// Where the next byte goes: the length of the buffer if all is kept.
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.at as usize - self.start as usize
    }

    /// Puts texts one behind another. Returns false and puts nothing if there is no room.
    #[inline(always)]
    pub fn put<const N: usize>(&mut self, texts: [Short<'_>; N]) -> bool {
        if !self.has_room(texts.iter().map(|text| text.len()).sum()) {
            return false;
        }
        for text in texts {
            // SAFETY: there is room for all of them, and they are not in it, because it is borrowed mutably.
            unsafe {
                copy_noting(self.at, text.bytes(), &mut self.bits);
                self.at = self.at.add(text.len());
            }
        }
        true
    }

    /// Puts two texts, the first one behind a head of one byte, the second one behind a head of one byte, if that is enough,
    /// or of two. Returns false and puts nothing if there is no room.
    #[inline(always)]
    pub fn put_two(
        &mut self,
        (head, text): (u8, Short<'_>),
        (one, two, second): (Option<u8>, [u8; 2], Short<'_>),
    ) -> bool {
        if !self.has_room(3 + text.len() + second.len()) {
            return false;
        }
        // SAFETY: as in `put`.
        unsafe {
            self.at.write(head);
            copy_noting(self.at.add(1), text.bytes(), &mut self.bits);
            let mut at = self.at.add(1 + text.len());
            if let Some(one) = one {
                at.write(one);
                at = at.add(1);
            } else {
                at.cast::<[u8; 2]>().write(two);
                at = at.add(2);
            }
            copy_noting(at, second.bytes(), &mut self.bits);
            self.at = at.add(second.len());
        }
        true
    }

    /// Puts a text behind a head, and then bytes whose number the compiler knows. Returns false and puts nothing if there is no
    /// room.
    #[inline(always)]
    pub fn put_before<const N: usize>(&mut self, (head, text): (u8, Short<'_>), bytes: [u8; N]) -> bool {
        if !self.has_room(1 + text.len() + N) {
            return false;
        }
        // SAFETY: as in `put`.
        unsafe {
            self.at.write(head);
            copy_noting(self.at.add(1), text.bytes(), &mut self.bits);
            let at = self.at.add(1 + text.len());
            at.cast::<[u8; N]>().write(bytes);
            self.at = at.add(N);
        }
        true
    }

    /// Makes all that was put a part of the buffer, if all texts are ASCII. Returns false and leaves the buffer as it was
    /// otherwise.
    #[inline(always)]
    pub fn keep(self) -> bool {
        let are_ascii = self.bits.are_ascii();
        if are_ascii {
            *self.len = self.position();
        }
        are_ascii
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
        for round in 0..300usize {
            let (before, piece) = (buffer.len(), vec![round as u8; round]);
            let mut room = buffer.room(round + 3 + 16 + 20).unwrap();
            room.put(&piece);
            room.put_headed([1], b"\x02");
            room.put_block(b"\x03");
            room.put_words([u64::from_ne_bytes([4; 8])]);
            room.put_fixed([5; 8]);
            room.put_filled(&[6; 20], [(1, [7; 8]), (12, [8; 8])]);
            drop(room);
            let filled = [&[6][..], &[7; 8], &[6; 3], &[8; 8]].concat();
            let expected = [&piece[..], &[1, 2, 3], &[4; 8], &[5; 8], &filled].concat();
            assert_eq!(buffer.bytes()[before..], expected);
        }
    }

    #[test]
    fn a_draft_is_part_of_the_buffer_when_it_is_kept_and_all_of_it_is_ascii() {
        fn short(text: &[u8]) -> Short<'_> {
            Short::of(text).unwrap()
        }
        assert!(Short::of(&[b'x'; Short::MAX]).is_some() && Short::of(&[b'x'; Short::MAX + 1]).is_none());
        let put = |buffer: &mut Buffer, text: &[u8]| {
            let mut draft = buffer.draft();
            let is_put = draft.put([short(text), short(b""), short(b"yz")])
                && draft.put_two((1, short(text)), (Some(2), [3, 4], short(b"ab")))
                && draft.put_two((1, short(b"c")), (None, [3, 4], short(text)))
                && draft.put_before((5, short(text)), [6; 9]);
            is_put && draft.keep()
        };
        for length in 0..=Short::MAX {
            let (text, size) = (vec![b'x'; length], 4 * length + 20);
            let expected =
                [&text[..], b"yz\x01", &text, b"\x02ab\x01c\x03\x04", &text, b"\x05", &text, &[6; 9]].concat();
            assert_eq!(expected.len(), size);
            for room in [size - 1, size, size + 1] {
                let mut buffer = Buffer::new();
                buffer.reserve(1_024).unwrap();
                let before = vec![b'b'; buffer.capacity() - room];
                buffer.push(&before).unwrap();
                assert_eq!(put(&mut buffer, &text), room >= size, "{length}");
                assert_eq!(buffer.bytes(), [&before[..], if room >= size { &expected } else { b"" }].concat());
                let mut odd = text.clone();
                if let Some(last) = odd.last_mut() {
                    *last = 0x80;
                    buffer.truncate(before.len());
                    assert!(!put(&mut buffer, &odd));
                    assert_eq!(buffer.bytes(), before);
                }
            }
        }
        let mut buffer = Buffer::new();
        assert!(!buffer.draft().put([short(b"x")]), "there is no room yet");
        buffer.push(b"before").unwrap();
        assert!(buffer.draft().put([short(b"x")]));
        assert_eq!(buffer.bytes(), b"before", "not kept");
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
