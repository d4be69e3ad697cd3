//! Slots and the segments in which they lie. Segments are never freed, so that a thread which reads a free list late, and
//! a debugger, always see memory.

use crate::span::table::handle::INDEX_BITS;
use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};

pub(super) const SEGMENT: usize = 64;
pub(super) const SEGMENTS: usize = (1 << INDEX_BITS) / SEGMENT;
pub(super) const SHARDS: usize = 16;
/// Segments of processes that are fewer forks older than this stay as they are, so that their spans can be parents.
pub(super) const KEPT_FORKS: u32 = 4;

pub(super) const BUSY: u64 = 1;
pub(super) const LIVE: u64 = 2;
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

/// What a slot can hold.
pub trait Content: Default {
    /// What can be read of a live slot although another thread holds it. Written before the slot is published.
    type Label: Default + Sync;
    /// Whether a request stays in the slot until it is run from the list.
    const LISTED: bool;
}

/// One slot: its word and what it holds.
#[repr(C, align(64))]
pub(super) struct Slot<T: Content> {
    pub(super) word: AtomicU64,
    /// What a caller that found the slot busy asks of the holder, see `requests`; 0 for nothing.
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
    /// Whose free list the slots return to.
    pub(super) shard: u32,
    /// How many forks lie between the first process and the one that hands out its slots.
    pub(super) forks: u32,
}

/// Heads of free lists: a tag against reuse between load and swap, then index + 1.
#[repr(align(128))]
pub(super) struct Shard {
    pub(super) free: AtomicU64,
    /// Those that hold no memory any more: taken when there is no other.
    pub(super) cold: AtomicU64,
}

pub(super) type Directory<T> = Box<[AtomicPtr<Segment<T>>; SEGMENTS]>;

impl<T: Content> Segment<T> {
    /// A new segment, filled in slot by slot where it lies: it is several times larger than the stack that a coroutine
    /// may have. Nothing when the system has no memory.
    pub(super) fn build(shard: u32, forks: u32) -> Option<*mut Segment<T>> {
        // SAFETY: the layout is not empty; every field is written once, within what was allocated, before anybody else
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

    /// Makes an old segment as good as new. What its slots hold may be half changed: it is overwritten and not dropped.
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
