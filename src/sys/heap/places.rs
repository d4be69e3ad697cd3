//! The table of what is allocated: a place for each block or slab, with the generation of the process that it belongs
//! to. It is changed by single atomic steps, in an order that can lose a block to a fork at any moment, but never frees
//! one twice.

use super::super::generation::generation;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*};

/// Places of the first chunk; each further chunk has twice as many as the one before.
const FIRST_CHUNK: u32 = 1024;
const CHUNKS: usize = 20;
/// Threads share free lists by where their stacks lie.
const LISTS: usize = 16;

/// A place.
pub struct Place {
    /// What is allocated; null while the place is free.
    pub block: AtomicPtr<u8>,
    pub generation: AtomicU32,
    /// The next free place and 1, while this one is free.
    next: AtomicU32,
}

/// A head of a free list: a count against reuse between load and swap, then the number of a place and 1.
#[repr(align(64))]
struct List(AtomicU64);

/// See the module.
pub struct Table {
    chunks: [AtomicPtr<Place>; CHUNKS],
    /// Places that were ever in use.
    pub used: AtomicU32,
    lists: [List; LISTS],
}

pub static TABLE: Table = Table {
    chunks: [const { AtomicPtr::new(null_mut()) }; CHUNKS],
    used: AtomicU32::new(0),
    lists: [const { List(AtomicU64::new(0)) }; LISTS],
};

impl Table {
    /// Lists what was allocated just now; the number of its place.
    pub fn list(&self, block: *mut u8) -> Option<u32> {
        let number = self.take()?;
        let place = self.place(number)?;
        place.generation.store(generation(), Relaxed);
        place.block.store(block, Release);
        Some(number)
    }

    /// The place of a number that was handed out.
    pub fn place(&self, number: u32) -> Option<&Place> {
        let (chunk, at) = position(number);
        let places = self.chunks.get(chunk)?.load(Acquire);
        // SAFETY: a chunk is never freed, and `at` is below its size.
        (!places.is_null()).then(|| unsafe { &*places.add(at) })
    }

    /// A free place; none where there is no memory for more of them.
    fn take(&self) -> Option<u32> {
        let list = &self.lists[list_of_thread()].0;
        let mut head = list.load(Acquire);
        while let Some(number) = (head as u32).checked_sub(1) {
            let next = self.place(number)?.next.load(Relaxed);
            match list.compare_exchange_weak(head, following(head, next), AcqRel, Acquire) {
                Ok(_) => return Some(number),
                Err(now) => head = now,
            }
        }
        self.grow()
    }

    #[cold]
    fn grow(&self) -> Option<u32> {
        let last = FIRST_CHUNK * ((1 << CHUNKS) - 1);
        let number = self.used.fetch_update(AcqRel, Acquire, |used| (used < last).then_some(used + 1)).ok()?;
        let (chunk, _) = position(number);
        if self.chunks[chunk].load(Acquire).is_null() {
            let size = (FIRST_CHUNK as usize) << chunk;
            // SAFETY: zeros are free places.
            let made = unsafe { libc::calloc(size, size_of::<Place>()) }.cast::<Place>();
            if made.is_null() || self.chunks[chunk].compare_exchange(null_mut(), made, AcqRel, Acquire).is_err() {
                // SAFETY: another thread was first, and nobody knows this one.
                unsafe { libc::free(made.cast()) };
            }
        }
        self.place(number).map(|_| number)
    }

    /// Empties a place and gives it back. Before what was there is freed.
    pub fn empty(&self, number: u32) {
        if let Some(place) = self.place(number) {
            place.block.store(null_mut(), Release);
            self.give(number);
        }
    }

    fn give(&self, number: u32) {
        let Some(place) = self.place(number) else { return };
        let list = &self.lists[list_of_thread()].0;
        let mut head = list.load(Relaxed);
        loop {
            place.next.store(head as u32, Relaxed);
            match list.compare_exchange_weak(head, following(head, number + 1), AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}

fn following(head: u64, next: u32) -> u64 {
    (head >> 32).wrapping_add(1) << 32 | u64::from(next)
}

/// The chunk of a place, and where in it.
fn position(number: u32) -> (usize, usize) {
    let chunk = (number / FIRST_CHUNK + 1).ilog2();
    (chunk as usize, (number - FIRST_CHUNK * ((1 << chunk) - 1)) as usize)
}

fn list_of_thread() -> usize {
    let here = 0u8;
    // Stacks of threads lie at least this far apart as a rule. A thread that changes its list does no harm.
    (std::ptr::addr_of!(here) as usize >> 19) % LISTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_place_of_its_own() {
        let mut last = (0, 0);
        for number in 1..100_000 {
            let (chunk, at) = position(number);
            assert!(at < (FIRST_CHUNK as usize) << chunk);
            assert!((chunk, at) == (last.0, last.1 + 1) || (chunk, at) == (last.0 + 1, 0), "{number}");
            last = (chunk, at);
        }
    }
}
