//! The table of allocated memory. Each block or slab has a place, which holds the generation of the process that
//! allocated it. Only single atomic operations change the table. Because of their order, a fork at any moment can leak
//! a block, but can never cause one to be freed twice.

use super::super::generation::generation;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*};

/// Number of places in the first chunk. Each further chunk has twice as many as the one before.
const FIRST_CHUNK: u32 = 1024;
const CHUNKS: usize = 20;
/// Number of free lists. The address of a thread's stack selects the list that it uses.
const LISTS: usize = 16;

/// A place in the table.
pub struct Place {
    /// The allocated block, or a slab's address plus 1; null while the place is free.
    pub block: AtomicPtr<u8>,
    pub generation: AtomicU32,
    /// While this place is free: the number of the next free place plus 1, or 0 at the end of the list.
    next: AtomicU32,
}

/// The head of a free list. The low half is the number of its first place plus 1, or 0. The high half counts changes,
/// so that a swap fails if other threads have changed the list since the load, even if the first place is the same
/// again.
#[repr(align(64))]
struct List(AtomicU64);

/// The table; see the module.
pub struct Table {
    chunks: [AtomicPtr<Place>; CHUNKS],
    /// Number of places that were ever in use.
    pub used: AtomicU32,
    lists: [List; LISTS],
}

pub static TABLE: Table = Table {
    chunks: [const { AtomicPtr::new(null_mut()) }; CHUNKS],
    used: AtomicU32::new(0),
    lists: [const { List(AtomicU64::new(0)) }; LISTS],
};

impl Table {
    /// Enters what was just allocated. Returns the number of its place, or `None` if no place can be had.
    pub fn list(&self, block: *mut u8) -> Option<u32> {
        let number = self.take()?;
        let place = self.place(number)?;
        place.generation.store(generation(), Relaxed);
        place.block.store(block, Release);
        Some(number)
    }

    /// Returns the place of a number that [`Table::list`] has returned.
    pub fn place(&self, number: u32) -> Option<&Place> {
        let (chunk, at) = position(number);
        let places = self.chunks.get(chunk)?.load(Acquire);
        // SAFETY: a chunk is never freed, and `at` is below its size.
        (!places.is_null()).then(|| unsafe { &*places.add(at) })
    }

    /// Takes a free place. Returns `None` if there is no memory for more places, or the table is full.
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
            // SAFETY: all zeros are valid, free places.
            let made = unsafe { libc::calloc(size, size_of::<Place>()) }.cast::<Place>();
            if made.is_null() || self.chunks[chunk].compare_exchange(null_mut(), made, AcqRel, Acquire).is_err() {
                // SAFETY: null, or a chunk that no other code knows, because another thread's came first.
                unsafe { libc::free(made.cast()) };
            }
        }
        self.place(number).map(|_| number)
    }

    /// Empties a place and adds it to a free list. Must be called before the block is freed.
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

/// Returns the chunk of a place and the index in that chunk.
fn position(number: u32) -> (usize, usize) {
    let chunk = (number / FIRST_CHUNK + 1).ilog2();
    (chunk as usize, (number - FIRST_CHUNK * ((1 << chunk) - 1)) as usize)
}

fn list_of_thread() -> usize {
    let here = 0u8;
    // The stacks of two threads are usually at least 512 KiB apart. A thread may use different lists at different
    // times.
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
