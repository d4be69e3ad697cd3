//! The one bound on what spans may occupy, and the buffers that count against it. Everything that grows with the number
//! or size of spans (open records, waiting chunks, the queue, recycled buffers) lives in a [`Buffer`]; capacity is what
//! counts, not content, and what the allocator adds to it. Open spans leave a quarter of the bound to finished ones: a
//! span that was started finds room for its record. What is inside a buffer is of no concern here.

use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::sys;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Process-wide, so that growing a buffer needs no path to a tracer.
struct Counted {
    /// Bytes that all buffers and tables hold at this moment.
    used: AtomicUsize,
    /// Of these, what tables of slots hold.
    tables: AtomicUsize,
    /// The bound: `SPANWIRE_MEMORY_MAX` of the first tracer.
    max: AtomicUsize,
    /// What all may hold when an open span grows.
    open_max: AtomicUsize,
    /// What all may hold when a span starts: less, so that what is set on it then finds room.
    start_max: AtomicUsize,
}

static COUNTED: Counted = Counted {
    used: AtomicUsize::new(0),
    tables: AtomicUsize::new(0),
    max: AtomicUsize::new(64 << 20),
    open_max: AtomicUsize::new(48 << 20),
    start_max: AtomicUsize::new(44 << 20),
};
/// What an allocator adds to each block: its header, and rounding.
const OVERHEAD: usize = 16;

/// No room: the bound is reached, or the system has none left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Bytes in use.
pub fn used() -> usize {
    COUNTED.used.load(Relaxed)
}

/// The bound in bytes.
pub fn max() -> usize {
    COUNTED.max.load(Relaxed)
}

/// Sets the bound in bytes.
pub fn set_max(bytes: usize) {
    COUNTED.max.store(bytes, Relaxed);
    COUNTED.open_max.store(bytes - bytes / 4, Relaxed);
    COUNTED.start_max.store(bytes - bytes / 16 * 5, Relaxed);
}

/// Whether no span can be started any more.
#[inline]
pub fn is_full() -> bool {
    COUNTED.used.load(Relaxed) >= COUNTED.start_max.load(Relaxed)
}

/// Whether so little is left that what is merely kept for later is to be given back: without this, buffers that open
/// spans once needed would keep new ones out for ever.
#[inline]
pub fn is_short() -> bool {
    // Of what tables of slots leave: those are never given back, and their slots are ready for the next spans.
    let tables = COUNTED.tables.load(Relaxed);
    COUNTED.used.load(Relaxed).saturating_sub(tables) >= COUNTED.open_max.load(Relaxed).saturating_sub(tables) / 4 * 3
}

/// A forked child starts from nothing: what it inherited is never used again.
pub fn forget_all() {
    COUNTED.used.store(0, Relaxed);
    COUNTED.tables.store(0, Relaxed);
}

/// Counts `bytes` of a table that only grows.
pub fn claim_table(bytes: usize) {
    COUNTED.tables.fetch_add(bytes, Relaxed);
    claim_always(bytes);
}

/// Counts `bytes` that live outside a buffer (the slots of a table), whatever the bound says.
pub fn claim_always(bytes: usize) {
    COUNTED.used.fetch_add(bytes, Relaxed);
}

/// How far a growing buffer may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// An open span's.
    Open,
    /// That of finished spans.
    Whole,
    /// The worker's, which must be able to send when memory is short: counted, but not bounded.
    None,
}

fn claim(bytes: usize, bound: Bound) -> Result<(), Full> {
    let max = match bound {
        Bound::Open => COUNTED.open_max.load(Relaxed),
        Bound::Whole => COUNTED.max.load(Relaxed),
        Bound::None => usize::MAX,
    };
    if COUNTED.used.fetch_add(bytes, Relaxed).saturating_add(bytes) > max {
        COUNTED.used.fetch_sub(bytes, Relaxed);
        return Err(Full);
    }
    Ok(())
}

/// Memory that lies outside a [`Buffer`] and counts all the same, until this is dropped.
#[derive(Debug, Default)]
pub struct Claim(usize);

impl Claim {
    /// Counts `bytes` more for an open span.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let bytes = bytes + if self.0 == 0 { OVERHEAD } else { 0 };
        claim(bytes, Bound::Open)?;
        self.0 += bytes;
        Ok(())
    }

    /// What is counted now.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.0
    }

    /// Counts `bytes` in all from now on, whatever the bound says.
    pub fn set(&mut self, bytes: usize) {
        COUNTED.used.fetch_add(bytes, Relaxed);
        COUNTED.used.fetch_sub(std::mem::replace(&mut self.0, bytes), Relaxed);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.0 > 0 {
            COUNTED.used.fetch_sub(self.0, Relaxed);
        }
    }
}

/// Bytes that grow under the bound. Never aborts for want of memory. All that it holds is initialised, so that writing is
/// plain indexing and small pieces are copied without a call.
#[derive(Debug, Default)]
pub struct Buffer {
    /// As long as its capacity.
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// An empty buffer without memory.
    pub const fn new() -> Buffer {
        Buffer { bytes: Vec::new(), len: 0 }
    }

    /// Makes room for `more` bytes of an open span.
    #[inline]
    pub fn room(&mut self, more: usize) -> Result<(), Full> {
        if self.bytes.len() - self.len >= more {
            return Ok(());
        }
        self.grow(more, Bound::Open)
    }

    #[cold]
    fn grow(&mut self, more: usize, bound: Bound) -> Result<(), Full> {
        sys::keep_errno(|| self.grow_by(more, bound))
    }

    fn grow_by(&mut self, more: usize, bound: Bound) -> Result<(), Full> {
        let wanted = self.len.checked_add(more).and_then(usize::checked_next_power_of_two).ok_or(Full)?;
        let (before, capacity) = (self.bytes.len(), wanted.max(128));
        let added = counted(capacity) - counted(before);
        claim(added, bound)?;
        if self.bytes.try_reserve_exact(capacity - before).is_err() {
            COUNTED.used.fetch_sub(added, Relaxed);
            return Err(Full);
        }
        self.bytes.resize(capacity, 0);
        Ok(())
    }

    /// Appends `size` bytes, for the caller to fill.
    #[inline]
    pub fn tail(&mut self, size: usize) -> Result<&mut [u8], Full> {
        self.room(size)?;
        let at = self.len;
        self.len += size;
        Ok(&mut self.bytes[at..at + size])
    }

    /// The same for the worker, which must be able to send when memory is short: counted, but not bounded.
    #[inline]
    pub fn tail_beyond(&mut self, size: usize) -> Result<&mut [u8], Full> {
        if self.bytes.len() - self.len < size {
            self.grow(size, Bound::None)?;
        }
        self.tail(size)
    }

    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        copy(self.tail(bytes.len())?, bytes);
        Ok(())
    }

    /// The content.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The content, to be changed in place.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// The content's length.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no content.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes held, used or not.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets the content beyond `len` bytes.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Empties the buffer; memory beyond `keep` bytes is given back.
    #[inline]
    pub fn clear(&mut self, keep: usize) {
        self.len = 0;
        if self.bytes.len() > keep {
            *self = Buffer::new();
        }
    }
}

/// What is counted, as debuggers see it: at the moment at which they look.
pub fn counted_now() -> TypeDescriptor {
    let fields = vec![unsigned!(Counted, used), unsigned!(Counted, max)];
    TypeDescriptor::row("memory", std::slice::from_ref(&COUNTED), fields)
}

/// A buffer as debuggers see it.
pub fn inspected() -> TypeDescriptor {
    let fields = vec![holding!(Vec of "byte", Buffer, bytes), unsigned!(Buffer, len as "length")];
    TypeDescriptor::inside::<Buffer>("buffer", fields)
}

/// Copies between slices of one length. Most texts of a span are short: up to 64 bytes go in a few moves of fixed size
/// that overlap, which costs less than a call.
#[inline]
pub fn copy(to: &mut [u8], from: &[u8]) {
    copy_seeing(to, from);
}

/// The same, and whether all bytes are ASCII: they are in registers anyway.
#[inline]
pub fn copy_ascii(to: &mut [u8], from: &[u8]) -> bool {
    copy_seeing(to, from) & 0x8080_8080_8080_8080 == 0
}

/// Copies, and tells every byte seen, or-ed together by eights.
#[inline(always)]
fn copy_seeing(to: &mut [u8], from: &[u8]) -> u64 {
    #[inline(always)]
    fn word(to: &mut [u8], from: &[u8], at: usize) -> u64 {
        let word: [u8; 8] = from[at..at + 8].try_into().unwrap_or_default();
        to[at..at + 8].copy_from_slice(&word);
        u64::from_ne_bytes(word)
    }
    #[inline(always)]
    fn half(to: &mut [u8], from: &[u8], at: usize) -> u64 {
        let half: [u8; 4] = from[at..at + 4].try_into().unwrap_or_default();
        to[at..at + 4].copy_from_slice(&half);
        u64::from(u32::from_ne_bytes(half))
    }
    let len = from.len();
    if to.len() != len {
        return 0;
    }
    match len {
        0 => 0,
        1..=3 => {
            let (first, middle, last) = (from[0], from[len / 2], from[len - 1]);
            to[0] = first;
            to[len / 2] = middle;
            to[len - 1] = last;
            u64::from(first | middle | last)
        }
        4..=7 => half(to, from, 0) | half(to, from, len - 4),
        8..=16 => word(to, from, 0) | word(to, from, len - 8),
        17..=32 => word(to, from, 0) | word(to, from, 8) | word(to, from, len - 16) | word(to, from, len - 8),
        33..=64 => {
            let first = word(to, from, 0) | word(to, from, 8) | word(to, from, 16) | word(to, from, 24);
            let last = word(to, from, len - 32) | word(to, from, len - 24);
            first | last | word(to, from, len - 16) | word(to, from, len - 8)
        }
        _ => {
            to.copy_from_slice(from);
            let mut words = from.chunks_exact(8);
            let seen = words.by_ref().fold(0, |seen, word| seen | word.try_into().map_or(0, u64::from_ne_bytes));
            words.remainder().iter().fold(seen, |seen, &byte| seen | u64::from(byte))
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            COUNTED.used.fetch_sub(counted(self.bytes.len()), Relaxed);
        }
    }
}

/// What a buffer of this capacity occupies.
fn counted(capacity: usize) -> usize {
    if capacity == 0 {
        0
    } else {
        capacity + OVERHEAD
    }
}

const SMALLEST: u32 = 9;
const CLASSES: usize = 10;
const POOLED_MAX: usize = 4 << 20;

/// Empty buffers of 512 bytes to 256 KiB, taken and given last in, first out: the one used last is still in the cache.
#[derive(Debug, Default)]
pub struct Pool {
    classes: [Mutex<Vec<Buffer>>; CLASSES],
    pooled: AtomicUsize,
}

impl Pool {
    /// A buffer that holds at least `bytes`, from the pool if it has one.
    pub fn take(&self, bytes: usize) -> Result<Buffer, Full> {
        let bytes = bytes.max(1 << SMALLEST);
        let class = (usize::BITS - (bytes - 1).leading_zeros()).saturating_sub(SMALLEST) as usize;
        if let Some(shelf) = self.classes.get(class) {
            let found = shelf.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if let Some(buffer) = found {
                self.pooled.fetch_sub(buffer.capacity(), Relaxed);
                return Ok(buffer);
            }
        }
        let mut buffer = Buffer::new();
        buffer.grow(bytes, Bound::Whole)?;
        Ok(buffer)
    }

    /// Gives a buffer back. One that is too large, or one too many, is freed.
    pub fn give(&self, buffer: Buffer) {
        self.give_all(std::iter::once(buffer));
    }

    /// Gives buffers back, several under one lock: whoever waits for a buffer does so for a moment at most.
    pub fn give_all(&self, buffers: impl Iterator<Item = Buffer>) {
        let mut open = None;
        for (n, mut buffer) in buffers.enumerate() {
            let capacity = buffer.capacity();
            if capacity < 1 << SMALLEST || self.pooled.load(Relaxed) + capacity > POOLED_MAX || is_short() {
                continue;
            }
            let class = (usize::BITS - 1 - capacity.leading_zeros() - SMALLEST) as usize;
            let Some(shelf) = self.classes.get(class) else { continue };
            if n % 32 == 0 || open.as_ref().is_some_and(|(other, _)| *other != class) {
                open = None;
            }
            let (_, shelf) = open.get_or_insert_with(|| (class, shelf.lock().unwrap_or_else(PoisonError::into_inner)));
            if shelf.try_reserve(1).is_err() {
                continue;
            }
            buffer.truncate(0);
            self.pooled.fetch_add(capacity, Relaxed);
            shelf.push(buffer);
        }
    }

    /// Frees all buffers.
    pub fn empty(&self) {
        for shelf in &self.classes {
            let buffers = std::mem::take(&mut *shelf.lock().unwrap_or_else(PoisonError::into_inner));
            self.pooled.fetch_sub(buffers.iter().map(Buffer::capacity).sum::<usize>(), Relaxed);
        }
    }

    /// A buffer with the content of `buffer` and room for `more`.
    #[cold]
    pub fn enlarge(&self, buffer: &mut Buffer, more: usize) -> Result<(), Full> {
        let mut larger = self.take(buffer.len().checked_add(more).ok_or(Full)?)?;
        larger.push(buffer.bytes())?;
        std::mem::swap(buffer, &mut larger);
        self.give(larger);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_a_copy_at_every_length() {
        let from: Vec<u8> = (0..200).collect();
        for len in 0..=200 {
            let mut to = vec![255; len];
            assert_eq!(copy_ascii(&mut to, &from[..len]), len <= 128, "{len}");
            assert_eq!(to, from[..len], "{len}");
        }
    }

    #[test]
    fn a_pooled_buffer_comes_back_first_and_empty() {
        let pool = Pool::default();
        let mut buffer = pool.take(700).unwrap();
        assert_eq!(buffer.capacity(), 1024);
        buffer.push(b"abc").unwrap();
        let address = buffer.bytes().as_ptr();
        pool.give(buffer);
        let again = pool.take(1024).unwrap();
        assert!(again.is_empty());
        assert_eq!(again.bytes().as_ptr(), address);
    }

    #[test]
    fn a_buffer_enlarged_keeps_its_content() {
        let pool = Pool::default();
        let mut buffer = pool.take(1).unwrap();
        buffer.push(&[7; 500]).unwrap();
        pool.enlarge(&mut buffer, 5_000).unwrap();
        assert_eq!(buffer.bytes(), &[7; 500]);
        assert!(buffer.capacity() - buffer.len() >= 5_000);
    }
}
