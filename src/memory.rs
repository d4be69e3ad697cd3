//! The limit on the memory of all spans, and the buffers that count against it. Everything that grows with the number or
//! size of spans (open records, waiting chunks, the queue, recycled buffers) is in a [`Buffer`]. The capacity counts, not
//! the length, plus what the allocator adds. Open spans may use three quarters of the limit, so that a span that was
//! started finds memory for its record when it finishes.
//!
//! `buffer` has the buffer, `copying` copies short texts; this file has the limit and the pool of buffers.

#[allow(unsafe_code)]
mod buffer;
#[allow(unsafe_code)]
mod copying;

use buffer::Shelf;
pub use buffer::{inspected, Buffer, Draft, Room, Short};
pub use copying::{append, append_fixed, copy, copy_ascii, joined};

use crate::inspect::{unsigned, TypeDescriptor};
use crate::sys;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

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
    /// `used` at which memory is short: see [`is_short`].
    short: AtomicUsize,
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
            short: AtomicUsize::new(36 << 20),
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
        self.balance() >= self.short.load(Relaxed) as isize
    }

    /// Computes `short` anew, after the limit or the tables of slots have changed. Tables do not count: they are never
    /// freed, and their slots are ready for the next spans.
    fn set_short(&self) {
        let tables = self.tables.load(Relaxed);
        let rest = self.open_max.load(Relaxed).saturating_sub(tables) / 4 * 3;
        // Always short where the tables take everything.
        self.short.store(if rest == 0 { 0 } else { tables + rest }, Relaxed);
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
    COUNTED.set_short();
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
    COUNTED.set_short();
}

/// Adds `bytes` of a table of slots, which never shrinks.
pub fn claim_table(bytes: usize) {
    COUNTED.tables.fetch_add(bytes, Relaxed);
    COUNTED.set_short();
    claim_always(bytes);
}

/// Adds `bytes` of memory outside a buffer (the slots of a table), ignoring the limit.
pub fn claim_always(bytes: usize) {
    COUNTED.used.fetch_add(bytes, Relaxed);
}

fn claim(bytes: usize, bound: Bound) -> Result<(), Full> {
    COUNTED.claim(bytes, bound)
}

fn unclaim(bytes: usize) {
    COUNTED.used.fetch_sub(bytes, Relaxed);
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

/// Describes the counters for debuggers, which read them in memory.
pub fn counted_now() -> TypeDescriptor {
    let fields = vec![unsigned!(Counted, used), unsigned!(Counted, max)];
    TypeDescriptor::row("memory", std::slice::from_ref(&COUNTED), fields)
}

const SMALLEST: u32 = 9;
const CLASSES: usize = 10;
const POOLED_MAX: usize = 4 << 20;
/// Buffers that are given back while a shelf is open, so that other threads soon find it free.
const GIVEN_AT_ONCE: usize = 32;

/// Pool of empty buffers of 512 bytes to 256 KiB. Last in, first out, because the last one is still in the cache.
#[derive(Debug, Default)]
pub struct Pool {
    classes: [Shelf; CLASSES],
    pooled: AtomicUsize,
}

impl Pool {
    /// Returns a buffer with room for at least `bytes`, from the pool if it has one.
    #[inline(always)]
    pub fn take(&self, bytes: usize) -> Result<Buffer, Full> {
        let bytes = bytes.max(1 << SMALLEST);
        let class = (usize::BITS - (bytes - 1).leading_zeros()).saturating_sub(SMALLEST) as usize;
        // A new one also while another thread uses the shelf.
        if let Some(buffer) = self.classes.get(class).and_then(|shelf| shelf.open()?.pop()) {
            self.pooled.fetch_sub(buffer.capacity(), Relaxed);
            return Ok(buffer);
        }
        Buffer::with_room(bytes)
    }

    /// Returns a buffer to the pool. Frees it if it is too large, the pool is full, or another thread uses the shelf.
    pub fn give(&self, buffer: Buffer) {
        self.give_each(std::iter::once(buffer), false);
    }

    /// Returns buffers to the pool, for a thread that can wait. Opens a shelf for up to [`GIVEN_AT_ONCE`] at a time.
    pub fn give_all(&self, buffers: impl Iterator<Item = Buffer>) {
        self.give_each(buffers, true);
    }

    fn give_each(&self, buffers: impl Iterator<Item = Buffer>, mut waits: bool) {
        let (mut open, mut given) = (None, 0);
        for mut buffer in buffers {
            let capacity = buffer.capacity();
            let fits = capacity >= 1 << SMALLEST && self.pooled.load(Relaxed) + capacity <= POOLED_MAX && !is_short();
            let class = if fits { (capacity.ilog2() - SMALLEST) as usize } else { CLASSES };
            let Some(shelf) = self.classes.get(class) else {
                // The buffer is freed while no shelf is open.
                open = None;
                continue;
            };
            if given == GIVEN_AT_ONCE || open.as_ref().is_some_and(|(other, _)| *other != class) {
                open = None;
            }
            if open.is_none() {
                given = 0;
                let opened = if waits { shelf.open_soon() } else { shelf.open() };
                // Waits once: a thread that has the shelf open and does not run may stay so.
                waits &= opened.is_some();
                open = opened.map(|shelf| (class, shelf));
            }
            let Some((_, shelf)) = &mut open else { continue };
            given += 1;
            if shelf.len() == shelf.capacity() && shelf.try_reserve(1).is_err() {
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

    /// Frees all buffers, except those on a shelf that another thread uses.
    pub fn empty(&self) {
        for shelf in &self.classes {
            let buffers = shelf.open_soon().map_or_else(Vec::new, |mut shelf| std::mem::take(&mut *shelf));
            self.pooled.fetch_sub(buffers.iter().map(Buffer::capacity).sum::<usize>(), Relaxed);
        }
    }

    /// Replaces `buffer` by one with the same content and room for `more` bytes.
    #[cold]
    pub fn enlarge(&self, buffer: &mut Buffer, more: usize) -> Result<(), Full> {
        sys::keep_errno(|| self.replace(buffer, more))
    }

    fn replace(&self, buffer: &mut Buffer, more: usize) -> Result<(), Full> {
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
    fn buffers_are_given_back_under_a_lock_for_few_at_a_time() {
        let pool = Pool::default();
        let shelf = &pool.classes[0];
        let (mut under_lock, mut freed) = (0, 0);
        let buffers: Vec<Buffer> = (0..100).map(|_| Buffer::with_room(512).unwrap()).collect();
        pool.give_all(buffers.into_iter().enumerate().map(|(n, buffer)| {
            under_lock = if shelf.open().is_none() { under_lock + 1 } else { 0 };
            assert!(under_lock <= GIVEN_AT_ONCE);
            // Some do not fit.
            if n % 32 == 0 {
                freed += 1;
                return Buffer::new();
            }
            buffer
        }));
        assert_eq!((freed, shelf.open().map(|shelf| shelf.len())), (4, Some(96)));
    }

    #[test]
    fn nobody_waits_for_a_shelf_that_is_in_use() {
        let pool = Pool::default();
        pool.give(pool.take(512).unwrap());
        let held = pool.classes[0].open().expect("it is not in use");
        assert!(pool.classes[0].open().is_none() && pool.classes[0].open_soon().is_none());
        assert_eq!(pool.take(512).unwrap().capacity(), 512, "a new one");
        pool.give(Buffer::with_room(512).unwrap());
        pool.empty();
        drop(held);
        assert_eq!((pool.bytes(), pool.classes[0].open().map(|shelf| shelf.len())), (512, Some(1)));
        pool.empty();
        assert_eq!(pool.bytes(), 0);
    }

    #[test]
    fn threads_that_share_a_pool_never_share_a_buffer() {
        let pool = Pool::default();
        std::thread::scope(|scope| {
            for thread in 0..4u8 {
                let pool = &pool;
                scope.spawn(move || {
                    for round in 0..20_000 {
                        let mut taken = [pool.take(1).unwrap(), pool.take(512).unwrap()];
                        taken.iter_mut().for_each(|buffer| buffer.push(&[thread; 100]).unwrap());
                        assert!(taken.iter().all(|buffer| buffer.bytes() == [thread; 100]), "{round}");
                        pool.give_all(taken.into_iter());
                    }
                });
            }
        });
        let kept: usize = pool.classes.iter().filter_map(|shelf| shelf.open().map(|shelf| shelf.len())).sum();
        assert_eq!(pool.bytes(), kept * 512);
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
