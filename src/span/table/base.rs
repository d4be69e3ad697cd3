//! The table: its directory of segments, and what can be read of slots without locking them.

use super::handle::{Handle, LAST_GENERATION};
use super::slots::{Content, Directory, Segment, Shard, Slot, BUSY, LIVE, SEGMENT, SEGMENTS, SHARDS};
use crate::inspect::{unsigned, Field, Place, TypeDescriptor};
use std::sync::atomic::{fence, AtomicPtr, AtomicU32, AtomicU64, Ordering::*};
use std::sync::Mutex;

/// The table. A value of `T` is reused by the next owner of its slot as it is, see `Guard::free`.
pub struct Table<T: Content> {
    pub(super) directory: Directory<T>,
    /// The segments of the directory that this process has added itself; null elsewhere.
    pub(super) own: Directory<T>,
    /// Segments of processes older than the parent, by number; null once they are used again.
    pub(super) spare: Directory<T>,
    /// Fills holes of the directory, because a null pointer ends it. None of its slots is handed out.
    pub(super) empty: *mut Segment<T>,
    /// Number of forks between the first process and this one.
    pub(super) forks: u32,
    /// 1 more than the number of the last segment in the directory.
    pub(super) segments: AtomicU32,
    /// The same for both directories at the time when this table was made.
    pub(super) known: u32,
    /// The first index that the parent handed out, and the number of indexes from there that may be the parent's.
    pub(super) inherited_from: u32,
    pub(super) inherited: u32,
    /// Own segments: the number of the first one, and 1 more than the number of the last one.
    pub(super) own_from: AtomicU32,
    pub(super) own_to: AtomicU32,
    pub(super) last_generation: u32,
    /// On the heap, because the table is moved while the process's state is made, perhaps on a small stack.
    pub(super) shards: Box<[Shard; SHARDS]>,
    pub(super) growing: Mutex<()>,
    /// First of the slots with a request: index + 1, or 0.
    pub(super) requests: AtomicU32,
}

// SAFETY: only the holder of the busy bit accesses a slot's value. Inherited slots are only read.
unsafe impl<T: Content + Send> Sync for Table<T> {}
// SAFETY: as above; the table owns its segments.
unsafe impl<T: Content + Send> Send for Table<T> {}

impl<T: Content> Table<T> {
    /// Makes an empty table whose slots are retired after `last_generation` uses.
    pub fn new(last_generation: u32) -> Table<T> {
        Table {
            directory: Table::empty_directory(),
            own: Table::empty_directory(),
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

    /// Replaces null pointers in this part of the directory with the empty segment.
    pub(super) fn fill(&self, numbers: std::ops::Range<u32>) {
        for place in self.directory.iter().take(numbers.end as usize).skip(numbers.start as usize) {
            let _ = place.compare_exchange(std::ptr::null_mut(), self.empty, Release, Relaxed);
        }
    }

    /// Describes the slots for debuggers: the word (bit 0 busy, bit 1 live, above them the generation), then these
    /// fields of the value. A pointer of the directory points to a segment's first slot.
    pub fn inspected(&self, name: &'static str, fields: Vec<Field>) -> TypeDescriptor {
        let mut all = vec![unsigned!(Slot<T>, word)];
        all.extend(fields.into_iter().map(|field| field.moved(std::mem::offset_of!(Slot<T>, value))));
        let place = Place::Directory { base: self.directory.as_ptr() as usize, count: SEGMENTS, per: SEGMENT };
        TypeDescriptor::directory(name, place, size_of::<Slot<T>>(), all)
    }

    /// Offset of the field with the first index that may be the parent's.
    pub const INHERITED_FROM: usize = std::mem::offset_of!(Table<T>, inherited_from);
    /// Offset of the field with the number of such indexes.
    pub const INHERITED: usize = std::mem::offset_of!(Table<T>, inherited);

    /// Whether the parent may have handed out this index. All others are this process's own.
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

    /// Returns the segment of a slot of this process.
    #[inline(always)]
    pub(super) fn own_segment(&self, index: u32) -> Option<&Segment<T>> {
        let segment = self.own[(index as usize / SEGMENT) % SEGMENTS].load(Acquire);
        // SAFETY: as in `segment`.
        unsafe { segment.as_ref() }
    }

    /// Reads the label of a slot of this process, even while another thread holds the slot. `None` for a stale handle.
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

    /// Reads a slot that the parent process, or one of the few processes before it, had not freed. No thread of this
    /// process writes to it.
    pub fn read_inherited<R>(&self, handle: Handle, read: impl FnOnce(&T) -> R) -> Option<R> {
        let segment = if self.is_inherited(handle.index) {
            self.segment(handle.index)?
        } else {
            // SAFETY: as in `segment`. A segment that is used again is removed from `spare` by the thread that renews
            // it, and renewing makes every inherited handle stale.
            unsafe { self.spare[(handle.index as usize / SEGMENT) % SEGMENTS].load(Acquire).as_ref() }?
        };
        let slot = &segment.slots[handle.index as usize % SEGMENT];
        let word = u64::from(handle.generation) << 2 | LIVE;
        // SAFETY: inherited slots are never written in this process, and what `T` holds was set before it became live.
        (slot.word.load(Acquire) & !BUSY == word).then(|| read(unsafe { &*slot.value.get() }))
    }

    /// Reads a slot that the parent process itself had not freed and that no call of its was changing at the fork: also
    /// what the slot's value points to is whole, and in memory that this process still has.
    pub fn read_settled<R>(&self, handle: Handle, read: impl FnOnce(&T) -> R) -> Option<R> {
        if !self.is_inherited(handle.index) {
            return None;
        }
        let slot = &self.segment(handle.index)?.slots[handle.index as usize % SEGMENT];
        let word = u64::from(handle.generation) << 2 | LIVE;
        // SAFETY: as in `read_inherited`.
        (slot.word.load(Acquire) == word).then(|| read(unsafe { &*slot.value.get() }))
    }

    /// Returns this process's handles that are live. Visits every slot: for shutdown and reports.
    pub fn live(&self) -> impl Iterator<Item = Handle> + '_ {
        self.live_from(0)
    }

    /// Returns those from this index on.
    pub fn live_from(&self, index: u32) -> impl Iterator<Item = Handle> + '_ {
        let all = index..self.segments.load(Acquire) * SEGMENT as u32;
        all.filter(|&index| !self.is_inherited(index)).filter_map(|index| {
            let word = self.segment(index)?.slots[index as usize % SEGMENT].word.load(Acquire);
            (word & LIVE != 0).then_some(Handle { index, generation: (word >> 2) as u32 })
        })
    }
}
