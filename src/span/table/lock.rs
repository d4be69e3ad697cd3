//! Locking a slot: one compare-and-swap on the slot's word, and how long to wait for another thread's call.

use super::base::Table;
use super::handle::{Handle, Kind, GENERATION_BITS, INDEX_BITS, LAST_GENERATION};
use super::requests;
use super::slots::{Content, Refused, Segment, Slot, BUSY, LIVE, SHARDS};
use crate::sys;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{fence, Ordering::*};

/// How long a caller waits for a slot that another thread holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// Not at all.
    None,
    /// Some microseconds: enough for a running call to end, not for a thread that is not running.
    Brief,
    /// 100 ms.
    Long,
}

impl<T: Content> Table<T> {
    /// Takes a free slot. It is busy and not live until [`Guard::publish`]. `None` if the table is full.
    #[inline(always)]
    pub fn allocate(&self, shard: u32) -> Option<Guard<'_, T>> {
        let (index, segment) = match self.pop(&self.shards[shard as usize % SHARDS].free) {
            Some(found) => found,
            None => {
                let index = self.grow(shard as usize % SHARDS)?;
                (index, self.segment(index)?)
            }
        };
        let slot = segment.slot(index);
        // No other thread has the slot, but one with a random handle may read the word.
        let word = slot.word.load(Relaxed);
        slot.word.store(word | BUSY, Relaxed);
        // Before the label is written, because its readers check the word afterwards.
        fence(Release);
        Some(Guard { table: self, segment, slot, index, word })
    }

    /// Locks the slot that the handle names. Waits up to 100 ms for another thread's call on it.
    #[inline]
    pub fn lock(&self, handle: Handle) -> Result<Guard<'_, T>, Refused> {
        self.lock_within(handle, Patience::Long)
    }

    /// Locks the slot; gives up after some microseconds. For a caller that can leave a request instead.
    #[inline]
    pub fn lock_briefly(&self, handle: Handle) -> Result<Guard<'_, T>, Refused> {
        self.lock_within(handle, Patience::Brief)
    }

    /// Locks the slot without waiting.
    pub fn try_lock(&self, handle: Handle) -> Result<Guard<'_, T>, Refused> {
        self.lock_within(handle, Patience::None)
    }

    /// Locks the slot of a number, as [`Self::lock_number`], if no other call holds it. Does not say why if it fails, and makes
    /// no call.
    #[inline(always)]
    pub fn lock_if_free(&self, number: u64, kind: Kind) -> Option<Guard<'_, T>> {
        let (index, word) = word_of(number, kind);
        let segment = self.own_segment(index)?;
        let slot = segment.slot(index);
        slot.word.compare_exchange(word, word | BUSY, Acquire, Relaxed).ok()?;
        Some(Guard { table: self, segment, slot, index, word })
    }

    /// The same by a handle.
    #[inline(always)]
    pub fn lock_if_free_at(&self, handle: Handle) -> Option<Guard<'_, T>> {
        let word = u64::from(handle.generation) << 2 | LIVE;
        let segment = self.own_segment(handle.index)?;
        let slot = segment.slot(handle.index);
        slot.word.compare_exchange(word, word | BUSY, Acquire, Relaxed).ok()?;
        Some(Guard { table: self, segment, slot, index: handle.index, word })
    }

    /// Locks the slot of a number that should be a handle of this kind, as [`Self::lock`]. Any other number is stale.
    #[inline(always)]
    pub fn lock_number(&self, number: u64, kind: Kind) -> Result<Guard<'_, T>, Refused> {
        let (index, word) = word_of(number, kind);
        self.lock_word(index, word, Patience::Long)
    }

    /// The same as [`Self::lock_briefly`].
    #[inline(always)]
    pub fn lock_number_briefly(&self, number: u64, kind: Kind) -> Result<Guard<'_, T>, Refused> {
        let (index, word) = word_of(number, kind);
        self.lock_word(index, word, Patience::Brief)
    }

    #[inline(always)]
    fn lock_within(&self, handle: Handle, patience: Patience) -> Result<Guard<'_, T>, Refused> {
        self.lock_word(handle.index, u64::from(handle.generation) << 2 | LIVE, patience)
    }

    #[inline(always)]
    fn lock_word(&self, index: u32, word: u64, patience: Patience) -> Result<Guard<'_, T>, Refused> {
        let Some(segment) = self.own_segment(index) else { return Err(self.refused(index, word)) };
        let slot = segment.slot(index);
        if let Err(found) = slot.word.compare_exchange(word, word | BUSY, Acquire, Relaxed) {
            self.lock_late(slot, index, word, found, patience)?;
        }
        Ok(Guard { table: self, segment, slot, index, word })
    }

    /// Locks a slot whose word was `found`, if it is only busy.
    #[cold]
    #[inline(never)]
    fn lock_late(&self, slot: &Slot<T>, index: u32, word: u64, found: u64, patience: Patience) -> Result<(), Refused> {
        if found & !BUSY != word {
            return Err(self.refused(index, word));
        }
        lock_contended(slot, word, patience)
    }

    /// Returns why no slot of this process has this word.
    #[cold]
    #[inline(never)]
    fn refused(&self, index: u32, word: u64) -> Refused {
        if word >> 2 > u64::from(LAST_GENERATION) {
            return Refused::Stale;
        }
        match self.read_inherited(Handle { index, generation: (word >> 2) as u32 }, |_| ()) {
            Some(()) => Refused::Forked,
            None => Refused::Stale,
        }
    }
}

/// Returns the index of a number, and the word that its slot has if the number is a handle of this kind. For any other
/// number the word is one that no live slot has: its generation is above the last one.
#[inline(always)]
fn word_of(number: u64, kind: Kind) -> (u32, u64) {
    let above_index = (number >> INDEX_BITS) << 2 | LIVE;
    (number as u32 & ((1 << INDEX_BITS) - 1), above_index.wrapping_sub((kind as u64) << (GENERATION_BITS + 2)))
}

/// Waits for another thread's call on this slot, and locks it. That call can take long if its thread is not running, or is
/// this thread, interrupted by a signal.
fn lock_contended<T: Content>(slot: &Slot<T>, word: u64, patience: Patience) -> Result<(), Refused> {
    sys::uncancelled(|| sys::keep_errno(|| wait_for(slot, word, patience)))
}

fn wait_for<T: Content>(slot: &Slot<T>, word: u64, patience: Patience) -> Result<(), Refused> {
    let give_up = if patience == Patience::Long { sys::monotonic_ns() + 100_000_000 } else { 0 };
    for round in 0u32.. {
        match slot.word.compare_exchange(word, word | BUSY, Acquire, Relaxed) {
            Ok(_) => return Ok(()),
            Err(found) if found & !BUSY != word => return Err(Refused::Stale),
            Err(_) if patience == Patience::None => break,
            Err(_) if round < 64 => std::hint::spin_loop(),
            Err(_) if round < 80 => sys::yield_now(),
            Err(_) if patience == Patience::Brief => break,
            // Sleeps, because yielding does not let threads of a lower priority run.
            Err(_) => {
                sys::sleep_ns(50_000);
                if sys::monotonic_ns() > give_up {
                    break;
                }
            }
        }
    }
    Err(Refused::Busy)
}

/// A locked slot. Unlocks when dropped.
pub struct Guard<'a, T: Content> {
    table: &'a Table<T>,
    segment: &'a Segment<T>,
    slot: &'a Slot<T>,
    index: u32,
    /// The slot's word without the busy bit.
    word: u64,
}

impl<T: Content> Guard<'_, T> {
    /// Returns the handle of this slot.
    #[inline]
    pub fn handle(&self) -> Handle {
        Handle { index: self.index, generation: (self.word >> 2) as u32 }
    }

    /// Returns the label, to be written before the slot is published.
    #[inline]
    pub fn label(&self) -> &T::Label {
        &self.slot.label
    }

    /// Makes a slot that was just allocated live, and unlocks it.
    #[inline(always)]
    pub fn publish(mut self) -> Handle {
        self.word |= LIVE;
        let (handle, slot) = (self.handle(), self.slot);
        if self.unlock() {
            requests::requested(slot);
        }
        handle
    }

    /// Unlocks, and returns whether there is a request, which the caller then runs.
    #[inline(always)]
    pub fn unlock(self) -> bool {
        let slot = self.slot;
        self.unlock_quietly();
        slot.request.load(Relaxed) != 0
    }

    /// Whether the slot is never used again once it is free.
    #[inline(always)]
    pub fn is_last(&self) -> bool {
        (self.word >> 2) as u32 >= self.table.last_generation
    }

    /// Unlocks without running requests, for the thread that runs them.
    #[inline(always)]
    pub fn unlock_quietly(self) {
        self.slot.word.store(self.word, Release);
        std::mem::forget(self);
    }

    /// Frees the slot: its handle is stale from now on. The value is left as it is for the slot's next owner. A slot
    /// whose generations are used up is never used again, and its value is dropped.
    #[inline(always)]
    pub fn free(mut self) {
        let generation = (self.word >> 2) as u32;
        let retired = generation >= self.table.last_generation;
        if retired {
            renew(&mut *self);
        }
        let (table, segment, slot, index) = (self.table, self.segment, self.slot, self.index);
        std::mem::forget(self);
        slot.word.store(u64::from(generation + 1) << 2, Release);
        if !retired {
            table.push(segment, index);
        }
    }
}

#[cold]
#[inline(never)]
fn renew<T: Default>(value: &mut T) {
    *value = T::default();
}

impl<T: Content> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.slot.word.store(self.word, Release);
        // A request that comes between these two lines is found by its caller, or the next time the list is run: see
        // `requests`.
        if self.slot.request.load(Relaxed) != 0 {
            requests::requested(self.slot);
        }
    }
}

impl<T: Content> Deref for Guard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the busy bit is ours.
        unsafe { &*self.slot.value.get() }
    }
}

impl<T: Content> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the busy bit is ours.
        unsafe { &mut *self.slot.value.get() }
    }
}
