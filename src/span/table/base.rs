//! The table: its directory of segments, and what can be read of slots without locking them.

use super::handle::{Handle, LAST_GENERATION};
use super::slots::{Content, Directory, Segment, Shard, Slot, BUSY, LIVE, SEGMENT, SEGMENTS, SHARDS};
use crate::inspect::{unsigned, Field, Place, TypeDescriptor};
use std::sync::atomic::{fence, AtomicPtr, AtomicU32, AtomicU64, Ordering::*};
use std::sync::Mutex;

/// The table. `T` must be fit to be reused as it is; see [`Guard::free`].
pub struct Table<T: Content> {
    pub(super) directory: Directory<T>,
    /// The segments of processes older than the parent, by their numbers; null once they are used again.
    pub(super) spare: Directory<T>,
    /// Stands in the directory where there is none, since a null pointer ends it. None of its slots is handed out.
    pub(super) empty: *mut Segment<T>,
    /// How many forks lie between the first process and this one.
    pub(super) forks: u32,
    /// The number of the last segment in the directory, and 1.
    pub(super) segments: AtomicU32,
    /// The same of both directories, when this table was made.
    pub(super) known: u32,
    /// The first index that the parent handed out, and how many from there on may be the parent's.
    pub(super) inherited_from: u32,
    pub(super) inherited: u32,
    /// Own segments: the number of the first one, and of the last one and 1.
    pub(super) own_from: AtomicU32,
    pub(super) own_to: AtomicU32,
    pub(super) last_generation: u32,
    /// On the heap: a table is moved while the process's state is made, perhaps on a small stack.
    pub(super) shards: Box<[Shard; SHARDS]>,
    pub(super) growing: Mutex<()>,
    /// First of the slots with a request: index + 1, or 0.
    pub(super) requests: AtomicU32,
}

// SAFETY: a slot's value is only reached by whoever holds its busy bit, or read in a child where nobody writes.
unsafe impl<T: Content + Send> Sync for Table<T> {}
// SAFETY: as above; the table owns its segments.
unsafe impl<T: Content + Send> Send for Table<T> {}

impl<T: Content> Table<T> {
    /// An empty table whose slots are retired after `last_generation` uses.
    pub fn new(last_generation: u32) -> Table<T> {
        Table {
            directory: Table::empty_directory(),
            spare: Table::empty_directory(),
            empty: std::ptr::null_mut(),
            forks: 0,
            segments: AtomicU32::new(0),
            known: 0,
            inherited_from: 0,
            inherited: 0,
            own_from: AtomicU32::new(0),
            own_to: AtomicU32::new(0),
            last_generation: last_generation.min(LAST_GENERATION),
            shards: Box::new(std::array::from_fn(|_| Shard { free: AtomicU64::new(0), cold: AtomicU64::new(0) })),
            growing: Mutex::new(()),
            requests: AtomicU32::new(0),
        }
    }

    fn empty_directory() -> Directory<T> {
        let layout = std::alloc::Layout::new::<[AtomicPtr<Segment<T>>; SEGMENTS]>();
        // SAFETY: the layout is not empty, and all zeros are null pointers. Zeroed by the allocator, so that pages of a
        // directory that is hardly used are never touched.
        unsafe {
            let memory = std::alloc::alloc_zeroed(layout);
            if memory.is_null() {
                std::alloc::handle_alloc_error(layout);
            }
            Box::from_raw(memory.cast())
        }
    }

    /// Leaves no null pointer in this part of the directory.
    pub(super) fn fill(&self, numbers: std::ops::Range<u32>) {
        for place in self.directory.iter().take(numbers.end as usize).skip(numbers.start as usize) {
            let _ = place.compare_exchange(std::ptr::null_mut(), self.empty, Release, Relaxed);
        }
    }

    /// The slots as debuggers see them: each with its word, in which bit 0 says busy, bit 1 live, and what is above the
    /// generation, and with these fields of what it holds. A pointer of the directory leads to a segment's first slot.
    pub fn inspected(&self, name: &'static str, fields: Vec<Field>) -> TypeDescriptor {
        let mut all = vec![unsigned!(Slot<T>, word)];
        all.extend(fields.into_iter().map(|field| field.moved(std::mem::offset_of!(Slot<T>, value))));
        let place = Place::Directory { base: self.directory.as_ptr() as usize, count: SEGMENTS, per: SEGMENT };
        TypeDescriptor::directory(name, place, size_of::<Slot<T>>(), all)
    }

    /// Where a table keeps the first index that may be the parent's, and how many are.
    pub const INHERITED_FROM: usize = std::mem::offset_of!(Table<T>, inherited_from);
    /// See [`Table::INHERITED_FROM`].
    pub const INHERITED: usize = std::mem::offset_of!(Table<T>, inherited);

    /// Whether the parent may have handed this index out. All others are this process's own.
    #[inline]
    pub(super) fn is_inherited(&self, index: u32) -> bool {
        index.wrapping_sub(self.inherited_from) < self.inherited
    }

    #[inline]
    pub(super) fn segment(&self, index: u32) -> Option<&Segment<T>> {
        let segment = self.directory[(index as usize / SEGMENT) % SEGMENTS].load(Acquire);
        // SAFETY: a segment in the directory is initialised and never freed.
        unsafe { segment.as_ref() }
    }

    /// Reads the label of a slot of this process, whether or not another thread holds the slot. Nothing for a handle
    /// that is not live.
    pub fn label<R>(&self, handle: Handle, read: impl FnOnce(&T::Label) -> R) -> Option<R> {
        let slot = &self.segment(handle.index)?.slots[handle.index as usize % SEGMENT];
        let live = u64::from(handle.generation) << 2 | LIVE;
        let is_live = || !self.is_inherited(handle.index) && slot.word.load(Acquire) & !BUSY == live;
        if !is_live() {
            return None;
        }
        let label = read(&slot.label);
        fence(Acquire);
        is_live().then_some(label)
    }

    /// Reads a slot that the parent of this forked process, or one of the few before it, handed out and had not freed.
    /// Nobody writes to it here.
    pub fn read_inherited<R>(&self, handle: Handle, read: impl FnOnce(&T) -> R) -> Option<R> {
        let segment = if self.is_inherited(handle.index) {
            self.segment(handle.index)?
        } else {
            // SAFETY: as in `segment`. One that is used again is taken out of these by the thread that renews it, which
            // no handle of the process that it was inherited from survives.
            unsafe { self.spare[(handle.index as usize / SEGMENT) % SEGMENTS].load(Acquire).as_ref() }?
        };
        let slot = &segment.slots[handle.index as usize % SEGMENT];
        let word = u64::from(handle.generation) << 2 | LIVE;
        // SAFETY: inherited slots are never written in this process, and what `T` holds was set before it became live.
        (slot.word.load(Acquire) & !BUSY == word).then(|| read(unsafe { &*slot.value.get() }))
    }

    /// The handles that are live at this moment, own ones only. For shutdown and reports, not for speed.
    pub fn live(&self) -> impl Iterator<Item = Handle> + '_ {
        self.live_from(0)
    }

    /// The same from this index on.
    pub fn live_from(&self, index: u32) -> impl Iterator<Item = Handle> + '_ {
        let all = index..self.segments.load(Acquire) * SEGMENT as u32;
        all.filter(|&index| !self.is_inherited(index)).filter_map(|index| {
            let word = self.segment(index)?.slots[index as usize % SEGMENT].word.load(Acquire);
            (word & LIVE != 0).then_some(Handle { index, generation: (word >> 2) as u32 })
        })
    }
}
