//! Locking a slot: one compare-and-swap on the slot's word, and how long to wait for another thread's call.

use super::base::Table;
use super::handle::Handle;
use super::requests;
use super::slots::{Content, Refused, Slot, BUSY, LIVE, SEGMENT, SHARDS};
use crate::sys;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{fence, Ordering::*};

/// How long a caller waits for a slot that another thread holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// Not at all.
    None,
    /// Some microseconds: long enough for a call that is running, not for a thread that is not.
    Brief,
    /// 100 ms.
    Long,
}

impl<T: Content> Table<T> {
    /// Takes a free slot. It is busy and not live until [`Guard::publish`]; nothing when the table is full.
    #[inline]
    pub fn allocate(&self, shard: u32) -> Option<Guard<'_, T>> {
        let index = match self.pop(&self.shards[shard as usize % SHARDS].free) {
            Some(index) => index,
            None => self.grow(shard as usize % SHARDS)?,
        };
        let slot = &self.segment(index)?.slots[index as usize % SEGMENT];
        // The slot is ours alone, but a random handle's owner may be looking at the word.
        let word = slot.word.load(Relaxed);
        slot.word.store(word | BUSY, Relaxed);
        // Before the label is written: its readers check the word afterwards.
        fence(Release);
        Some(Guard { table: self, slot, index, word })
    }

    /// Locks the slot that the handle names. Waits up to 100 ms for another thread's call on it.
    #[inline]
    pub fn lock(&self, handle: Handle) -> Result<Guard<'_, T>, Refused> {
        self.lock_within(handle, Patience::Long)
    }

    /// The same for a caller that can leave a request instead: gives up after some microseconds.
    #[inline]
    pub fn lock_briefly(&self, handle: Handle) -> Result<Guard<'_, T>, Refused> {
        self.lock_within(handle, Patience::Brief)
    }

    /// The same without waiting.
    pub fn try_lock(&self, handle: Handle) -> Result<Guard<'_, T>, Refused> {
        self.lock_within(handle, Patience::None)
    }

    #[inline(always)]
    fn lock_within(&self, handle: Handle, patience: Patience) -> Result<Guard<'_, T>, Refused> {
        let slot = match self.segment(handle.index) {
            Some(segment) => &segment.slots[handle.index as usize % SEGMENT],
            None => return Err(self.refused(handle)),
        };
        let word = u64::from(handle.generation) << 2 | LIVE;
        if self.is_inherited(handle.index) {
            return Err(if slot.word.load(Relaxed) & !BUSY == word { Refused::Forked } else { Refused::Stale });
        }
        match slot.word.compare_exchange(word, word | BUSY, Acquire, Relaxed) {
            Ok(_) => Ok(Guard { table: self, slot, index: handle.index, word }),
            Err(found) if found & !BUSY == word => self.lock_contended(slot, handle.index, word, patience),
            Err(_) => Err(self.refused(handle)),
        }
    }

    /// Why a handle is neither this process's nor its parent's.
    #[cold]
    fn refused(&self, handle: Handle) -> Refused {
        match self.read_inherited(handle, |_| ()) {
            Some(()) => Refused::Forked,
            None => Refused::Stale,
        }
    }

    /// Another thread is in a call on this slot. It is soon done, unless it is not running, or is this thread itself,
    /// interrupted by a signal.
    #[cold]
    #[inline(never)]
    fn lock_contended<'a>(
        &'a self,
        slot: &'a Slot<T>,
        index: u32,
        word: u64,
        patience: Patience,
    ) -> Result<Guard<'a, T>, Refused> {
        sys::uncancelled(|| sys::keep_errno(|| self.wait_for(slot, index, word, patience)))
    }

    fn wait_for<'a>(
        &'a self,
        slot: &'a Slot<T>,
        index: u32,
        word: u64,
        patience: Patience,
    ) -> Result<Guard<'a, T>, Refused> {
        let give_up = if patience == Patience::Long { sys::monotonic_ns() + 100_000_000 } else { 0 };
        for round in 0u32.. {
            match slot.word.compare_exchange(word, word | BUSY, Acquire, Relaxed) {
                Ok(_) => return Ok(Guard { table: self, slot, index, word }),
                Err(found) if found & !BUSY != word => return Err(Refused::Stale),
                Err(_) if patience == Patience::None => break,
                Err(_) if round < 64 => std::hint::spin_loop(),
                Err(_) if round < 80 => sys::yield_now(),
                Err(_) if patience == Patience::Brief => break,
                // A sleep, since yielding gives the processor to no thread of a lower priority.
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
}

/// A slot, locked. Unlocks when dropped.
pub struct Guard<'a, T: Content> {
    table: &'a Table<T>,
    slot: &'a Slot<T>,
    index: u32,
    /// The slot's word without the busy bit.
    word: u64,
}

impl<T: Content> Guard<'_, T> {
    /// The handle that names this slot.
    #[inline]
    pub fn handle(&self) -> Handle {
        Handle { index: self.index, generation: (self.word >> 2) as u32 }
    }

    /// The label, to be written before the slot is published.
    #[inline]
    pub fn label(&self) -> &T::Label {
        &self.slot.label
    }

    /// Makes a slot that was just allocated known by its handle, and unlocks it.
    #[inline]
    pub fn publish(mut self) -> Handle {
        self.word |= LIVE;
        self.handle()
    }

    /// Unlocks without running requests, for the thread that runs them.
    pub fn unlock_quietly(self) {
        self.slot.word.store(self.word, Release);
        std::mem::forget(self);
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

impl<T: Content> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.slot.word.store(self.word, Release);
        // A request that comes between these two is found by the one who left it, or by the next drain: see `requests`.
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
