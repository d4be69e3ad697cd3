//! Slots and the segments in which they lie. Segments are never freed, so that a thread which reads a free list late,
//! and a debugger, always see memory.

use crate::span::table::handle::INDEX_BITS;
use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};

pub(super) const SEGMENT: usize = 64;
pub(super) const SEGMENTS: usize = (1 << INDEX_BITS) / SEGMENT;
pub(super) const SHARDS: usize = 16;
/// Segments of processes that are fewer forks older than this are kept, so that their spans can be parents.
pub(super) const KEPT_FORKS: u32 = 4;

pub(super) const BUSY: u64 = 1;
pub(super) const LIVE: u64 = 2;
/// Why a slot was not locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Freed, or never handed out.
    Stale,
    /// Handed out before a fork, by the parent.
    Forked,
    /// Another thread held the slot for too long.
    Busy,
}

/// The type of a slot's value.
pub trait Content: Default {
    /// What can be read of a live slot while another thread holds it. Written before the slot is published.
    type Label: Default + Sync;
    /// Whether a request stays in the slot until the list of requests is run.
    const LISTED: bool;
}

/// A slot: its word and its value.
#[repr(C, align(64))]
pub(super) struct Slot<T: Content> {
    pub(super) word: AtomicU64,
    /// The request of a caller that found the slot busy, see `requests`; 0 for none.
    pub(super) request: AtomicU64,
    pub(super) label: T::Label,
    pub(super) value: UnsafeCell<T>,
}

#[repr(C)]
pub(super) struct Segment<T: Content> {
    pub(super) slots: [Slot<T>; SEGMENT],
    /// Free-list links: index + 1 of the next free slot, 0 at the end.
    pub(super) links: [AtomicU32; SEGMENT],
    /// The same for the list of slots with a request.
    pub(super) request_links: [AtomicU32; SEGMENT],
    /// Shard to whose free list the slots return.
    pub(super) shard: u32,
    /// Number of forks between the first process and the one that hands out these slots.
    pub(super) forks: u32,
}

/// Heads of free lists: index + 1 of the first slot, and above it a count that changes with every swap, against ABA.
#[repr(align(128))]
pub(super) struct Shard {
    pub(super) free: AtomicU64,
    /// Free slots without memory, used when there are no others.
    pub(super) cold: AtomicU64,
}

pub(super) type Directory<T> = Box<[AtomicPtr<Segment<T>>; SEGMENTS]>;

impl<T: Content> Segment<T> {
    /// The slot with this index.
    #[inline(always)]
    pub(super) fn slot(&self, index: u32) -> &Slot<T> {
        &self.slots[index as usize % SEGMENT]
    }

    /// Makes a segment in place, slot by slot, because it is several times larger than the stack of a coroutine. `None`
    /// if the system has no memory.
    pub(super) fn build(shard: u32, forks: u32) -> Option<*mut Segment<T>> {
        // SAFETY: the layout is not empty; every field is written once, within the allocation, before any other code
        // knows the address.
        unsafe {
            let segment: *mut Segment<T> = std::alloc::alloc(Layout::new::<Segment<T>>()).cast();
            if segment.is_null() {
                return None;
            }
            for n in 0..SEGMENT {
                let slot = std::ptr::addr_of_mut!((*segment).slots[n]);
                std::ptr::addr_of_mut!((*slot).word).write(AtomicU64::new(1 << 2));
                std::ptr::addr_of_mut!((*slot).request).write(AtomicU64::new(0));
                std::ptr::addr_of_mut!((*slot).label).write(T::Label::default());
                std::ptr::addr_of_mut!((*slot).value).write(UnsafeCell::new(T::default()));
                std::ptr::addr_of_mut!((*segment).links[n]).write(AtomicU32::new(0));
                std::ptr::addr_of_mut!((*segment).request_links[n]).write(AtomicU32::new(0));
            }
            std::ptr::addr_of_mut!((*segment).shard).write(shard);
            std::ptr::addr_of_mut!((*segment).forks).write(forks);
            Some(segment)
        }
    }

    /// Resets an old segment. Values of its slots may be half changed, so they are overwritten and not dropped.
    ///
    /// # Safety
    /// `segment` leads to a segment that no thread uses.
    pub(super) unsafe fn renew(segment: *mut Segment<T>, shard: u32, forks: u32) {
        // SAFETY: by the caller.
        let segment = unsafe { &mut *segment };
        for slot in &mut segment.slots {
            let word = *slot.word.get_mut();
            let generation = (word >> 2) + u64::from(word & (LIVE | BUSY) != 0);
            *slot.word.get_mut() = generation << 2;
            *slot.request.get_mut() = 0;
            slot.label = T::Label::default();
            // SAFETY: the place is the slot's, and valid for writes.
            unsafe { slot.value.get().write(T::default()) };
        }
        segment.links.iter_mut().chain(&mut segment.request_links).for_each(|link| *link.get_mut() = 0);
        (segment.shard, segment.forks) = (shard, forks);
    }
}
