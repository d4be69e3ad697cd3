//! Free slots: a list per shard, growing the table, and freeing the memory of free slots.

use super::base::Table;
use super::slots::{Content, Segment, Shard, KEPT_FORKS, SEGMENT, SEGMENTS, SHARDS};
use crate::memory;
use crate::sys;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::PoisonError;

/// Number of free slots per shard that keep their memory.
const WARM: usize = 64;

impl<T: Content> Table<T> {
    #[inline(always)]
    pub(super) fn pop(&self, head: &AtomicU64) -> Option<(u32, &Segment<T>)> {
        let mut seen = head.load(Acquire);
        loop {
            let index = (seen as u32).checked_sub(1)?;
            let segment = self.segment(index)?;
            let link = segment.links[index as usize % SEGMENT].load(Relaxed);
            let next = ((seen >> 32).wrapping_add(1)) << 32 | u64::from(link);
            match head.compare_exchange_weak(seen, next, AcqRel, Acquire) {
                Ok(_) => return Some((index, segment)),
                Err(now) => seen = now,
            }
        }
    }

    #[inline(always)]
    pub(super) fn push(&self, segment: &Segment<T>, index: u32) {
        Self::push_link(segment, &self.shards[segment.shard as usize % SHARDS].free, index);
    }

    fn push_to(&self, head: &AtomicU64, index: u32) {
        if let Some(segment) = self.segment(index) {
            Self::push_link(segment, head, index);
        }
    }

    /// Puts a slot of this segment in front of the list that begins at `head`.
    #[inline(always)]
    fn push_link(segment: &Segment<T>, head: &AtomicU64, index: u32) {
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

    /// Adds a segment to the shard and returns a slot of it. Returns a free slot of another shard if the table or the
    /// memory is full.
    #[cold]
    pub(super) fn grow(&self, shard: usize) -> Option<u32> {
        sys::keep_errno(|| self.grow_by_a_segment(shard))
    }

    fn grow_by_a_segment(&self, shard: usize) -> Option<u32> {
        if let Some((index, _)) = self.pop(&self.shards[shard].cold) {
            return Some(index);
        }
        let _one_at_a_time = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let any = |shard: &Shard| self.pop(&shard.free).or_else(|| self.pop(&shard.cold)).map(|(index, _)| index);
        if let Some(index) = any(&self.shards[shard]) {
            return Some(index);
        }
        loop {
            let Some(number) = self.next_number().filter(|_| !memory::is_full()) else {
                return self.shards.iter().find_map(any);
            };
            let spare = &self.spare[number as usize];
            let segment = match spare.load(Relaxed) {
                // Outlives this process's state: a descendant uses the segment again.
                none if none.is_null() => sys::outliving(|| Segment::<T>::build(shard as u32, self.forks))?,
                old => {
                    // SAFETY: a segment of an older process. No thread of this process uses it, and it is in no
                    // directory.
                    unsafe { Segment::renew(old, shard as u32, self.forks) };
                    old
                }
            };
            memory::claim_table(std::mem::size_of::<Segment<T>>());
            self.fill(self.segments.load(Relaxed)..number);
            self.directory[number as usize].store(segment, Release);
            self.own[number as usize].store(segment, Release);
            spare.store(std::ptr::null_mut(), Release);
            self.segments.fetch_max(number + 1, Release);
            if self.own_to.load(Relaxed) == 0 {
                self.own_from.store(number, Release);
            }
            self.own_to.store(number + 1, Release);
            let first = number * SEGMENT as u32;
            let mut usable = (first..first + SEGMENT as u32).filter(|&index| self.is_usable(index));
            // All slots of a reused segment may have used up their generations.
            let Some(ours) = usable.next() else { continue };
            usable.rev().for_each(|index| self.push_to(&self.shards[shard].free, index));
            return Some(ours);
        }
    }

    /// Returns the number of the next own segment: the first one after the last that is not of the parent or of the
    /// few processes before it.
    fn next_number(&self) -> Option<u32> {
        let free = |number: u32| {
            // SAFETY: as in `segment`.
            let old = unsafe { self.spare[number as usize].load(Relaxed).as_ref() };
            !self.is_inherited(number * SEGMENT as u32) && old.is_none_or(|old| old.forks + KEPT_FORKS < self.forks)
        };
        (self.own_to.load(Relaxed)..SEGMENTS as u32).find(|&number| free(number))
    }

    /// Calls `clean` to free the memory of free slots. A few slots of each shard, which are used next, are skipped
    /// unless `all` is set. Stops when `clean` returns false. Other threads can use the table meanwhile.
    pub fn clean_free(&self, all: bool, mut clean: impl FnMut(&mut T) -> bool) {
        let mut left = self.segments.load(Acquire) as usize * SEGMENT;
        for shard in self.shards.iter() {
            // A list returns the slot that was used last first.
            let mut warm = [0; WARM];
            let mut count = 0;
            while let Some(place) = warm.get_mut(count).filter(|_| !all) {
                let Some((index, _)) = self.pop(&shard.free) else { break };
                *place = index;
                count += 1;
            }
            let mut go_on = true;
            while let Some((index, segment)) =
                Some(()).filter(|()| go_on && left > 0).and_then(|()| self.pop(&shard.free))
            {
                // SAFETY: taken from its list, the slot is ours alone until it is in one again.
                go_on = clean(unsafe { &mut *segment.slots[index as usize % SEGMENT].value.get() });
                self.push_to(&shard.cold, index);
                left -= 1;
            }
            warm[..count].iter().rev().for_each(|&index| self.push_to(&shard.free, index));
            if !go_on {
                return;
            }
        }
    }

    /// Whether a free slot has a generation left.
    fn is_usable(&self, index: u32) -> bool {
        let slot = |segment: &Segment<T>| segment.slots[index as usize % SEGMENT].word.load(Relaxed);
        self.segment(index).is_some_and(|segment| slot(segment) >> 2 <= u64::from(self.last_generation))
    }
}
