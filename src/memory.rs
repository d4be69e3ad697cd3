//! The limit on the memory of all spans, and the buffers that count against it. Everything that grows with the number or
//! size of spans (open records, waiting chunks, the queue, recycled buffers) is in a [`Buffer`]. The capacity counts, not
//! the length, plus what the allocator adds. Open spans may use three quarters of the limit, so that a span that was
//! started finds memory for its record when it finishes.

use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::sys;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Counters and limits of the process. Global, so that a buffer can grow without a reference to a tracer.
struct Counted {
    /// Bytes that all buffers and tables hold. May be below zero in a forked child, as a signed number: a call
    /// that the fork interrupted frees memory which [`forget_all`] has already subtracted.
    used: AtomicUsize,
    /// The part of `used` in tables of slots.
    tables: AtomicUsize,
    /// The limit: `SPANWIRE_MEMORY_MAX` of the first tracer.
    max: AtomicUsize,
    /// Limit of `used` when an open span grows.
    open_max: AtomicUsize,
    /// Limit of `used` when a span starts. Lower, so that there is memory for the tags of spans that were started.
    start_max: AtomicUsize,
}

static COUNTED: Counted = Counted::new();

/// Bytes that an allocator adds to each block: its header, and rounding.
const OVERHEAD: usize = 16;

/// The limit is reached, or the system has no memory left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The limit that applies to a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// The limit of open spans.
    Open,
    /// The whole limit, for finished spans.
    Whole,
    /// No limit, but counted: the worker must be able to send when memory is short.
    None,
}

impl Counted {
    const fn new() -> Counted {
        Counted {
            used: AtomicUsize::new(0),
            tables: AtomicUsize::new(0),
            max: AtomicUsize::new(64 << 20),
            open_max: AtomicUsize::new(48 << 20),
            start_max: AtomicUsize::new(44 << 20),
        }
    }

    /// Returns `used` as a number with a sign.
    #[inline]
    fn balance(&self) -> isize {
        self.used.load(Relaxed) as isize
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.balance() >= self.start_max.load(Relaxed) as isize
    }

    #[inline]
    fn is_short(&self) -> bool {
        // Compare without the tables of slots: they are never freed, and their slots are ready for the next spans.
        let (used, tables) = (self.balance().max(0) as usize, self.tables.load(Relaxed));
        used.saturating_sub(tables) >= self.open_max.load(Relaxed).saturating_sub(tables) / 4 * 3
    }

    fn claim(&self, bytes: usize, bound: Bound) -> Result<(), Full> {
        let max = match bound {
            Bound::Open => self.open_max.load(Relaxed) as isize,
            Bound::Whole => self.max.load(Relaxed) as isize,
            Bound::None => isize::MAX,
        };
        if (self.used.fetch_add(bytes, Relaxed) as isize).saturating_add_unsigned(bytes) > max {
            self.used.fetch_sub(bytes, Relaxed);
            return Err(Full);
        }
        Ok(())
    }
}

/// Returns the bytes in use.
pub fn used() -> usize {
    COUNTED.balance().max(0) as usize
}

/// Returns the limit in bytes.
pub fn max() -> usize {
    COUNTED.max.load(Relaxed)
}

/// Returns the part of the bytes in use that tables of slots occupy.
pub fn tables() -> usize {
    COUNTED.tables.load(Relaxed)
}

/// Sets the limit in bytes.
pub fn set_max(bytes: usize) {
    COUNTED.max.store(bytes, Relaxed);
    COUNTED.open_max.store(bytes - bytes / 4, Relaxed);
    COUNTED.start_max.store(bytes - bytes / 16 * 5, Relaxed);
}

/// Whether no span can be started because the limit is reached.
#[inline]
pub fn is_full() -> bool {
    COUNTED.is_full()
}

/// Whether memory is so short that buffers kept for reuse must be freed. Otherwise buffers of former spans would prevent
/// new spans forever.
#[inline]
pub fn is_short() -> bool {
    COUNTED.is_short()
}

/// Resets the counters in a forked child, which never uses the inherited buffers again.
pub fn forget_all() {
    COUNTED.used.store(0, Relaxed);
    COUNTED.tables.store(0, Relaxed);
}

/// Adds `bytes` of a table of slots, which never shrinks.
pub fn claim_table(bytes: usize) {
    COUNTED.tables.fetch_add(bytes, Relaxed);
    claim_always(bytes);
}

/// Adds `bytes` of memory outside a buffer (the slots of a table), ignoring the limit.
pub fn claim_always(bytes: usize) {
    COUNTED.used.fetch_add(bytes, Relaxed);
}

fn claim(bytes: usize, bound: Bound) -> Result<(), Full> {
    COUNTED.claim(bytes, bound)
}

/// Memory outside a [`Buffer`] that counts against the limit until this is dropped.
#[derive(Debug, Default)]
pub struct Claim(usize);

impl Claim {
    /// Adds `bytes` for an open span.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let bytes = bytes + if self.0 == 0 { OVERHEAD } else { 0 };
        claim(bytes, Bound::Open)?;
        self.0 += bytes;
        Ok(())
    }

    /// Returns the bytes counted.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.0
    }

    /// Sets the bytes counted, ignoring the limit.
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

/// A growing byte buffer under the limit. Does not abort if memory is exhausted. All of its capacity is initialised, so
/// that writing is plain indexing, and small pieces are copied without a function call.
#[derive(Debug, Default)]
pub struct Buffer {
    /// Its length is the buffer's capacity.
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// Returns an empty buffer without memory.
    pub const fn new() -> Buffer {
        Buffer { bytes: Vec::new(), len: 0 }
    }

    /// Ensures that `more` bytes can be appended, for an open span.
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

    /// Appends `size` bytes and returns them for the caller to fill.
    #[inline]
    pub fn tail(&mut self, size: usize) -> Result<&mut [u8], Full> {
        self.room(size)?;
        let at = self.len;
        self.len += size;
        Ok(&mut self.bytes[at..at + size])
    }

    /// Same as `tail`, but counted without a limit: the worker must be able to send when memory is short.
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

    /// Returns the content.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Returns the content for changes in place.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
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
            *self = Buffer::new();
        }
    }
}

/// Describes the counters for debuggers, which read them in memory.
pub fn counted_now() -> TypeDescriptor {
    let fields = vec![unsigned!(Counted, used), unsigned!(Counted, max)];
    TypeDescriptor::row("memory", std::slice::from_ref(&COUNTED), fields)
}

/// Describes a buffer for debuggers.
pub fn inspected() -> TypeDescriptor {
    let fields = vec![holding!(Vec of "byte", Buffer, bytes), unsigned!(Buffer, len as "length")];
    TypeDescriptor::inside::<Buffer>("buffer", fields)
}

/// Copies between slices of equal length. Most texts of a span are short: up to 64 bytes are copied in a few overlapping
/// moves of fixed size, which cost less than a call of memcpy.
#[inline]
pub fn copy(to: &mut [u8], from: &[u8]) {
    copy_seeing(to, from);
}

/// Copies, and returns whether all bytes are ASCII. The check is cheap, since the bytes are in registers.
#[inline]
pub fn copy_ascii(to: &mut [u8], from: &[u8]) -> bool {
    copy_seeing(to, from) & 0x8080_8080_8080_8080 == 0
}

/// Copies, and returns all bytes or-ed together, eight at a time.
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

/// Returns the bytes that a buffer of this capacity counts for.
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

/// Pool of empty buffers of 512 bytes to 256 KiB. Last in, first out, because the last one is still in the cache.
#[derive(Debug, Default)]
pub struct Pool {
    classes: [Mutex<Vec<Buffer>>; CLASSES],
    pooled: AtomicUsize,
}

impl Pool {
    /// Returns a buffer with room for at least `bytes`, from the pool if it has one.
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

    /// Returns a buffer to the pool. Frees it if it is too large or the pool is full.
    pub fn give(&self, buffer: Buffer) {
        self.give_all(std::iter::once(buffer));
    }

    /// Returns buffers to the pool. Takes a lock for up to 32 at a time, so that other threads wait only briefly for it.
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

    /// Returns the bytes of the buffers that are kept.
    pub fn bytes(&self) -> usize {
        self.pooled.load(Relaxed)
    }

    /// Frees all buffers.
    pub fn empty(&self) {
        for shelf in &self.classes {
            let buffers = std::mem::take(&mut *shelf.lock().unwrap_or_else(PoisonError::into_inner));
            self.pooled.fetch_sub(buffers.iter().map(Buffer::capacity).sum::<usize>(), Relaxed);
        }
    }

    /// Replaces `buffer` by one with the same content and room for `more` bytes.
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
    fn a_child_that_frees_more_than_it_counted_starts_spans() {
        let counted = Counted::new();
        // A call that a fork interrupted frees its memory after `forget_all`.
        counted.used.fetch_sub(100_000, Relaxed);
        assert!(!counted.is_full() && !counted.is_short());
        for bound in [Bound::Open, Bound::Whole, Bound::None] {
            assert_eq!(counted.claim(1_000, bound), Ok(()), "{bound:?}");
        }
        assert_eq!(counted.claim(64 << 20, Bound::Open), Err(Full));
        assert_eq!(counted.balance(), -97_000, "a refused claim is not counted");
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
