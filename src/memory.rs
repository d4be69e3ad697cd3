//! The one bound on what spans may occupy, and the buffers that count against it. Everything that grows with the number
//! or size of spans (open records, waiting chunks, the queue, recycled buffers) lives in a [`Buffer`]; capacity is what
//! counts, not content. What is inside a buffer is of no concern here.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Bytes that all buffers hold at this moment. Process-wide, so that growing one needs no path to a tracer.
static USED: AtomicUsize = AtomicUsize::new(0);
/// The bound: `SPANWIRE_MEMORY_MAX` of the first tracer.
static MAX: AtomicUsize = AtomicUsize::new(64 << 20);

/// No room: the bound is reached, or the system has none left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Bytes in use.
pub fn used() -> usize {
    USED.load(Relaxed)
}

/// The bound in bytes.
pub fn max() -> usize {
    MAX.load(Relaxed)
}

/// Sets the bound in bytes.
pub fn set_max(bytes: usize) {
    MAX.store(bytes, Relaxed);
}

/// Whether the bound is reached.
#[inline]
pub fn is_full() -> bool {
    USED.load(Relaxed) >= MAX.load(Relaxed)
}

/// A forked child starts from nothing: what it inherited is never used again.
pub fn forget_all() {
    USED.store(0, Relaxed);
}

/// Counts `bytes` that live outside a buffer (the slots of a table), whatever the bound says.
pub fn claim_always(bytes: usize) {
    USED.fetch_add(bytes, Relaxed);
}

fn claim(bytes: usize) -> Result<(), Full> {
    if USED.fetch_add(bytes, Relaxed).saturating_add(bytes) > MAX.load(Relaxed) {
        USED.fetch_sub(bytes, Relaxed);
        return Err(Full);
    }
    Ok(())
}

/// Bytes that grow under the bound. Never aborts for want of memory.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    /// An empty buffer without memory.
    pub const fn new() -> Buffer {
        Buffer { bytes: Vec::new() }
    }

    /// Makes room for `more` bytes.
    #[inline]
    pub fn room(&mut self, more: usize) -> Result<(), Full> {
        if self.bytes.capacity() - self.bytes.len() >= more {
            return Ok(());
        }
        self.grow(more)
    }

    #[cold]
    fn grow(&mut self, more: usize) -> Result<(), Full> {
        let wanted = self.bytes.len().checked_add(more).and_then(usize::checked_next_power_of_two).ok_or(Full)?;
        let capacity = wanted.max(128);
        let added = capacity - self.bytes.capacity();
        claim(added)?;
        if self.bytes.try_reserve_exact(capacity - self.bytes.len()).is_err() {
            USED.fetch_sub(added, Relaxed);
            return Err(Full);
        }
        // The allocator may have given more than was asked; count what is really held.
        claim_always(self.bytes.capacity() - capacity);
        Ok(())
    }

    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.room(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes, to be appended to within the room that [`Buffer::room`] made.
    #[inline]
    pub fn vec(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The content.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The content's length.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no content.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes held, used or not.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Empties the buffer; memory beyond `keep` bytes is given back.
    #[inline]
    pub fn clear(&mut self, keep: usize) {
        self.bytes.clear();
        if self.bytes.capacity() > keep {
            *self = Buffer::new();
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.bytes.capacity() > 0 {
            USED.fetch_sub(self.bytes.capacity(), Relaxed);
        }
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
        buffer.room(bytes)?;
        Ok(buffer)
    }

    /// Gives a buffer back. One that is too large, or one too many, is freed.
    pub fn give(&self, mut buffer: Buffer) {
        let capacity = buffer.capacity();
        if capacity < 1 << SMALLEST || self.pooled.load(Relaxed) + capacity > POOLED_MAX {
            return;
        }
        let class = (usize::BITS - 1 - capacity.leading_zeros() - SMALLEST) as usize;
        if let Some(shelf) = self.classes.get(class) {
            buffer.vec().clear();
            self.pooled.fetch_add(capacity, Relaxed);
            shelf.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
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
