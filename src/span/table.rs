//! The slots that handles name. A handle is a number, not a pointer: it carries the slot's index and the generation in
//! which the slot was handed out, so that a stale, foreign or random one is told apart without touching what it is said
//! to name. One atomic word per slot holds generation, "live" and "busy": a single compare-and-swap checks the handle
//! and locks the slot. What a slot holds is `T`'s concern.
//!
//! Slots live in segments that are never freed, so a racing reader of a free list or a debugger always sees memory.
//! A forked child keeps its parent's segments for reading and allocates above them: that is how it knows an inherited
//! handle for one.

use crate::inspect::{unsigned, Field, Noun, Place};
use crate::memory;
use crate::sys;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*};
use std::sync::{Mutex, PoisonError};

const INDEX_BITS: u32 = 22;
const GENERATION_BITS: u32 = 29;
/// The last generation that fits a handle.
pub const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;
const SEGMENT: usize = 64;
const SEGMENTS: usize = (1 << INDEX_BITS) / SEGMENT;
const SHARDS: usize = 16;

const BUSY: u64 = 1;
const LIVE: u64 = 2;

/// What a handle names; the two bits above generation and index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Kind {
    /// A tracer.
    Tracer = 1,
    /// A span.
    Span = 2,
    /// A log sink.
    Sink = 3,
}

/// A handle taken apart. As a number it is below 2^53, which a double holds exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    /// The slot.
    pub index: u32,
    /// When the slot was handed out; from 1.
    pub generation: u32,
}

impl Handle {
    /// The number that the host holds.
    #[inline]
    pub fn number(self, kind: Kind) -> u64 {
        (kind as u64) << (INDEX_BITS + GENERATION_BITS)
            | u64::from(self.generation) << INDEX_BITS
            | u64::from(self.index)
    }

    /// The handle that a number stands for, if it is of this kind.
    #[inline]
    pub fn of(number: u64, kind: Kind) -> Option<Handle> {
        if number >> (INDEX_BITS + GENERATION_BITS) != kind as u64 {
            return None;
        }
        let index = number as u32 & ((1 << INDEX_BITS) - 1);
        let generation = (number >> INDEX_BITS) as u32 & LAST_GENERATION;
        Some(Handle { index, generation })
    }
}

/// Why a handle was not honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Freed, or never handed out.
    Stale,
    /// Handed out before a fork, by the parent.
    Forked,
    /// Another thread holds the slot for longer than a call may take.
    Busy,
}

/// One slot: its word and what it holds.
#[repr(C, align(64))]
struct Slot<T> {
    word: AtomicU64,
    value: UnsafeCell<T>,
}

#[repr(C)]
struct Segment<T> {
    slots: [Slot<T>; SEGMENT],
    /// Free-list links: index + 1 of the next free slot, 0 at the end.
    links: [AtomicU32; SEGMENT],
    /// Whose free list the slots return to.
    shard: u32,
}

/// Head of a free list: a tag against reuse between load and swap, then index + 1.
#[repr(align(128))]
struct Shard(AtomicU64);

/// The table. `T` must be fit to be reused as it is; see [`Guard::free`].
pub struct Table<T> {
    directory: Box<[AtomicPtr<Segment<T>>; SEGMENTS]>,
    /// Segments that exist, inherited ones among them.
    segments: AtomicU32,
    /// Indexes below this one were handed out before the fork that made this process.
    first_own: u32,
    last_generation: u32,
    shards: [Shard; SHARDS],
    growing: Mutex<()>,
}

// SAFETY: a slot's value is only reached by whoever holds its busy bit, or read in a child where nobody writes.
unsafe impl<T: Send> Sync for Table<T> {}
// SAFETY: as above; the table owns its segments.
unsafe impl<T: Send> Send for Table<T> {}

impl<T: Default> Table<T> {
    /// An empty table whose slots are retired after `last_generation` uses.
    pub fn new(last_generation: u32) -> Table<T> {
        let layout = std::alloc::Layout::new::<[AtomicPtr<Segment<T>>; SEGMENTS]>();
        // SAFETY: the layout is not empty, and all zeros are null pointers. Zeroed by the allocator, so that pages of a
        // directory that is hardly used are never touched.
        let directory = unsafe {
            let memory = std::alloc::alloc_zeroed(layout);
            if memory.is_null() {
                std::alloc::handle_alloc_error(layout);
            }
            Box::from_raw(memory.cast())
        };
        Table {
            directory,
            segments: AtomicU32::new(0),
            first_own: 0,
            last_generation: last_generation.min(LAST_GENERATION),
            shards: std::array::from_fn(|_| Shard(AtomicU64::new(0))),
            growing: Mutex::new(()),
        }
    }

    /// A child's table: knows the inherited slots, hands out only new ones.
    pub fn after_fork(inherited: &Table<T>) -> Table<T> {
        let mut table = Table::new(inherited.last_generation);
        let count = inherited.segments.load(Acquire);
        for (new, old) in table.directory.iter().zip(inherited.directory.iter()).take(count as usize) {
            new.store(old.load(Acquire), Release);
        }
        table.segments = AtomicU32::new(count);
        table.first_own = count * SEGMENT as u32;
        table
    }

    /// The slots as debuggers see them: each with its word, in which bit 0 says busy, bit 1 live, and what is above the
    /// generation, and with these fields of what it holds. A pointer of the directory leads to a segment's first slot.
    pub fn inspected(&self, name: &'static str, fields: Vec<Field>) -> Noun {
        let mut all = vec![unsigned!(Slot<T>, word)];
        all.extend(fields.into_iter().map(|field| field.moved(std::mem::offset_of!(Slot<T>, value))));
        let place = Place::Directory { base: self.directory.as_ptr() as usize, count: SEGMENTS, per: SEGMENT };
        Noun::directory(name, place, size_of::<Slot<T>>(), all)
    }

    /// Where a table keeps the first index that is its own.
    pub const FIRST_OWN: usize = std::mem::offset_of!(Table<T>, first_own);

    #[inline]
    fn segment(&self, index: u32) -> Option<&Segment<T>> {
        let segment = self.directory[(index as usize / SEGMENT) % SEGMENTS].load(Acquire);
        // SAFETY: a segment in the directory is initialised and never freed.
        unsafe { segment.as_ref() }
    }

    /// Takes a free slot. It is busy and not live until [`Guard::publish`]; nothing when the table is full.
    #[inline]
    pub fn allocate(&self, shard: u32) -> Option<Guard<'_, T>> {
        let index = match self.pop(shard as usize % SHARDS) {
            Some(index) => index,
            None => self.grow(shard as usize % SHARDS)?,
        };
        let slot = &self.segment(index)?.slots[index as usize % SEGMENT];
        // The slot is ours alone, but a random handle's owner may be looking at the word.
        let word = slot.word.load(Relaxed);
        slot.word.store(word | BUSY, Relaxed);
        Some(Guard { table: self, slot, index, word })
    }

    /// Locks the slot that the handle names.
    #[inline]
    pub fn lock(&self, handle: Handle) -> Result<Guard<'_, T>, Refused> {
        let slot = match self.segment(handle.index) {
            Some(segment) => &segment.slots[handle.index as usize % SEGMENT],
            None => return Err(Refused::Stale),
        };
        let word = u64::from(handle.generation) << 2 | LIVE;
        if handle.index < self.first_own {
            return Err(if slot.word.load(Relaxed) & !BUSY == word { Refused::Forked } else { Refused::Stale });
        }
        match slot.word.compare_exchange(word, word | BUSY, Acquire, Relaxed) {
            Ok(_) => Ok(Guard { table: self, slot, index: handle.index, word }),
            Err(found) if found & !BUSY == word => self.lock_contended(slot, handle.index, word),
            Err(_) => Err(Refused::Stale),
        }
    }

    /// Another thread is in a call on this slot: soon done, unless it was interrupted by a signal handler that is us.
    #[cold]
    fn lock_contended<'a>(&'a self, slot: &'a Slot<T>, index: u32, word: u64) -> Result<Guard<'a, T>, Refused> {
        sys::uncancelled(|| sys::keep_errno(|| self.wait_for(slot, index, word)))
    }

    fn wait_for<'a>(&'a self, slot: &'a Slot<T>, index: u32, word: u64) -> Result<Guard<'a, T>, Refused> {
        let give_up = sys::monotonic_ns() + 100_000_000;
        for round in 0u32.. {
            match slot.word.compare_exchange(word, word | BUSY, Acquire, Relaxed) {
                Ok(_) => return Ok(Guard { table: self, slot, index, word }),
                Err(found) if found & !BUSY != word => return Err(Refused::Stale),
                Err(_) if round < 64 => std::hint::spin_loop(),
                Err(_) => {
                    sys::yield_now();
                    if round % 16 == 0 && sys::monotonic_ns() > give_up {
                        break;
                    }
                }
            }
        }
        Err(Refused::Busy)
    }

    /// Reads a slot that the parent of this forked process handed out and had not freed. Nobody writes to it here.
    pub fn read_inherited<R>(&self, handle: Handle, read: impl FnOnce(&T) -> R) -> Option<R> {
        if handle.index >= self.first_own {
            return None;
        }
        let slot = &self.segment(handle.index)?.slots[handle.index as usize % SEGMENT];
        let word = u64::from(handle.generation) << 2 | LIVE;
        // SAFETY: inherited slots are never written in this process, and what `T` holds was set before it became live.
        (slot.word.load(Acquire) & !BUSY == word).then(|| read(unsafe { &*slot.value.get() }))
    }

    /// The handles that are live at this moment, own ones only. For shutdown and reports, not for speed.
    pub fn live(&self) -> impl Iterator<Item = Handle> + '_ {
        (self.first_own..self.segments.load(Acquire) * SEGMENT as u32).filter_map(|index| {
            let word = self.segment(index)?.slots[index as usize % SEGMENT].word.load(Acquire);
            (word & LIVE != 0).then_some(Handle { index, generation: (word >> 2) as u32 })
        })
    }

    #[inline]
    fn pop(&self, shard: usize) -> Option<u32> {
        let head = &self.shards[shard].0;
        let mut seen = head.load(Acquire);
        loop {
            let index = (seen as u32).checked_sub(1)?;
            let link = self.segment(index)?.links[index as usize % SEGMENT].load(Relaxed);
            let next = ((seen >> 32).wrapping_add(1)) << 32 | u64::from(link);
            match head.compare_exchange_weak(seen, next, AcqRel, Acquire) {
                Ok(_) => return Some(index),
                Err(now) => seen = now,
            }
        }
    }

    #[inline]
    fn push(&self, index: u32) {
        let Some(segment) = self.segment(index) else { return };
        let head = &self.shards[segment.shard as usize % SHARDS].0;
        let mut seen = head.load(Relaxed);
        loop {
            segment.links[index as usize % SEGMENT].store(seen as u32, Relaxed);
            let next = ((seen >> 32).wrapping_add(1)) << 32 | u64::from(index + 1);
            match head.compare_exchange_weak(seen, next, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// A new segment for the shard, or another shard's free slot when the table or the memory is full.
    #[cold]
    fn grow(&self, shard: usize) -> Option<u32> {
        let _one_at_a_time = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = self.pop(shard) {
            return Some(index);
        }
        let count = self.segments.load(Relaxed);
        if count as usize >= SEGMENTS || memory::is_full() {
            return (0..SHARDS).find_map(|other| self.pop(other));
        }
        let mut segment = Vec::new();
        segment.try_reserve_exact(1).ok()?;
        segment.push(Segment {
            slots: std::array::from_fn(|_| Slot { word: AtomicU64::new(1 << 2), value: UnsafeCell::new(T::default()) }),
            links: std::array::from_fn(|_| AtomicU32::new(0)),
            shard: shard as u32,
        });
        memory::claim_table(std::mem::size_of::<Segment<T>>());
        self.directory[count as usize].store(segment.leak().as_mut_ptr(), Release);
        self.segments.store(count + 1, Release);
        let first = count * SEGMENT as u32;
        (first + 1..first + SEGMENT as u32).rev().for_each(|index| self.push(index));
        Some(first)
    }
}

/// A slot, locked. Unlocks when dropped.
pub struct Guard<'a, T: Default> {
    table: &'a Table<T>,
    slot: &'a Slot<T>,
    index: u32,
    /// The slot's word without the busy bit.
    word: u64,
}

impl<T: Default> Guard<'_, T> {
    /// The handle that names this slot.
    #[inline]
    pub fn handle(&self) -> Handle {
        Handle { index: self.index, generation: (self.word >> 2) as u32 }
    }

    /// Makes a slot that was just allocated known by its handle, and unlocks it.
    #[inline]
    pub fn publish(mut self) -> Handle {
        self.word |= LIVE;
        self.handle()
    }

    /// Ends this generation: the handle is stale from now on, and the slot free. The value is left as it is for the
    /// next user, but for a slot whose generations are used up: it is never used again, and its value is dropped.
    #[inline]
    pub fn free(mut self) {
        let generation = (self.word >> 2) as u32;
        let retired = generation >= self.table.last_generation;
        if retired {
            *self.deref_mut() = T::default();
        }
        let (table, slot, index) = (self.table, self.slot, self.index);
        std::mem::forget(self);
        slot.word.store(u64::from(generation + 1) << 2, Release);
        if !retired {
            table.push(index);
        }
    }
}

impl<T: Default> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.slot.word.store(self.word, Release);
    }
}

impl<T: Default> Deref for Guard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the busy bit is ours.
        unsafe { &*self.slot.value.get() }
    }
}

impl<T: Default> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the busy bit is ours.
        unsafe { &mut *self.slot.value.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_handle_fits_a_double_and_comes_back() {
        let handle = Handle { index: (1 << INDEX_BITS) - 1, generation: LAST_GENERATION };
        for kind in [Kind::Tracer, Kind::Span, Kind::Sink] {
            let number = handle.number(kind);
            assert!(number < 1 << 53 && number as f64 as u64 == number);
            assert_eq!(Handle::of(number, kind), Some(handle));
        }
        assert_eq!(Handle::of(handle.number(Kind::Span), Kind::Tracer), None);
        assert_eq!(Handle::of(0, Kind::Span), None);
        assert_eq!(Handle::of(u64::MAX, Kind::Sink), None);
    }

    #[test]
    fn a_freed_handle_is_stale_and_so_is_one_not_yet_given_out() {
        let table = Table::<u64>::new(LAST_GENERATION);
        let handle = table.allocate(0).unwrap().publish();
        let next = Handle { generation: handle.generation + 1, ..handle };
        assert_eq!(table.lock(next).err(), Some(Refused::Stale));
        table.lock(handle).unwrap().free();
        assert_eq!(table.lock(handle).err(), Some(Refused::Stale));
        assert_eq!(table.lock(next).err(), Some(Refused::Stale), "free, and due to be handed out next");
        assert_eq!(table.lock(Handle { index: 1 << 20, generation: 1 }).err(), Some(Refused::Stale));
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_retired() {
        let table = Table::<u64>::new(3);
        let mut seen = HashSet::new();
        for _ in 0..SEGMENT * 3 {
            let handle = table.allocate(0).unwrap().publish();
            assert!(handle.generation <= 3 && seen.insert((handle.index, handle.generation)), "{handle:?} twice");
            table.lock(handle).unwrap().free();
        }
        let handle = table.allocate(0).unwrap().publish();
        assert_eq!(handle.index as usize / SEGMENT, 1, "the first segment is used up");
        for &(index, generation) in &seen {
            assert_eq!(table.lock(Handle { index, generation }).err(), Some(Refused::Stale));
        }
    }

    #[test]
    fn a_slot_held_too_long_is_busy_not_a_hang() {
        let table = Table::<u64>::new(LAST_GENERATION);
        let handle = table.allocate(0).unwrap().publish();
        let _held = table.lock(handle).unwrap();
        assert_eq!(table.lock(handle).err(), Some(Refused::Busy));
    }

    #[test]
    fn a_child_knows_inherited_handles_and_never_gives_them_out() {
        let parent = Table::<u64>::new(LAST_GENERATION);
        let mut slot = parent.allocate(0).unwrap();
        *slot = 42;
        let open = slot.publish();
        let closed = parent.allocate(0).unwrap().publish();
        parent.lock(closed).unwrap().free();
        let child = Table::after_fork(&parent);
        assert_eq!(child.lock(open).err(), Some(Refused::Forked));
        assert_eq!(child.lock(closed).err(), Some(Refused::Stale));
        assert_eq!(child.read_inherited(open, |value| *value), Some(42));
        assert_eq!(child.read_inherited(closed, |value| *value), None);
        let own = child.allocate(0).unwrap().publish();
        assert!(own.index >= SEGMENT as u32);
        assert_eq!(child.live().collect::<Vec<_>>(), [own]);
    }

    #[test]
    fn threads_never_share_a_slot() {
        let table = Table::<u64>::new(LAST_GENERATION);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let table = &table;
                scope.spawn(move || {
                    for round in 0..20_000u64 {
                        let mut slot = table.allocate(round as u32 % 2).unwrap();
                        *slot = thread << 32 | round;
                        let handle = slot.publish();
                        let slot = table.lock(handle).unwrap();
                        assert_eq!(*slot, thread << 32 | round);
                        slot.free();
                    }
                });
            }
        });
        assert_eq!(table.live().count(), 0);
    }
}
