//! The slots that handles name. A handle is a number, not a pointer: it carries the slot's index and the generation in
//! which the slot was handed out, so that a stale, foreign or random one is told apart without touching what it is said
//! to name. One atomic word per slot holds generation, "live" and "busy": a single compare-and-swap checks the handle
//! and locks the slot. What a slot holds is `T`'s concern.
//!
//! Slots live in segments that are never freed, so a racing reader of a free list or a debugger always sees memory.
//! A forked child keeps its parent's segments for reading and allocates beside them: that is how it knows an inherited
//! handle for one. Segments of processes that are several forks older are used again, each under its own number and with
//! higher generations, so that no handle of theirs fits.

use crate::inspect::{unsigned, Field, Place, TypeDescriptor};
use crate::memory;
use crate::sys;
use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{fence, AtomicPtr, AtomicU32, AtomicU64, Ordering::*};
use std::sync::{Mutex, PoisonError};

mod requests;

pub use requests::on_request;

const INDEX_BITS: u32 = 22;
const GENERATION_BITS: u32 = 29;
/// The last generation that fits a handle.
pub const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;
const SEGMENT: usize = 64;
const SEGMENTS: usize = (1 << INDEX_BITS) / SEGMENT;
const SHARDS: usize = 16;
/// Segments of processes that are fewer forks older than this stay as they are, so that their spans can be parents.
const KEPT_FORKS: u32 = 4;

const BUSY: u64 = 1;
const LIVE: u64 = 2;
/// Free slots of a shard that keep what they hold.
const WARM: usize = 64;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// What a slot can hold.
pub trait Content: Default {
    /// What can be read of a live slot although another thread holds it. Written before the slot is published.
    type Label: Default + Sync;
    /// Whether a request stays in the slot until it is run from the list.
    const LISTED: bool;
}

/// One slot: its word and what it holds.
#[repr(C, align(64))]
struct Slot<T: Content> {
    word: AtomicU64,
    /// What a caller that found the slot busy asks of the holder, see `requests`; 0 for nothing.
    request: AtomicU64,
    label: T::Label,
    value: UnsafeCell<T>,
}

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

#[repr(C)]
struct Segment<T: Content> {
    slots: [Slot<T>; SEGMENT],
    /// Free-list links: index + 1 of the next free slot, 0 at the end.
    links: [AtomicU32; SEGMENT],
    /// The same for the list of slots with a request.
    request_links: [AtomicU32; SEGMENT],
    /// Whose free list the slots return to.
    shard: u32,
    /// How many forks lie between the first process and the one that hands out its slots.
    forks: u32,
}

/// Heads of free lists: a tag against reuse between load and swap, then index + 1.
#[repr(align(128))]
struct Shard {
    free: AtomicU64,
    /// Those that hold no memory any more: taken when there is no other.
    cold: AtomicU64,
}

type Directory<T> = Box<[AtomicPtr<Segment<T>>; SEGMENTS]>;

/// The table. `T` must be fit to be reused as it is; see [`Guard::free`].
pub struct Table<T: Content> {
    directory: Directory<T>,
    /// The segments of processes older than the parent, by their numbers; null once they are used again.
    spare: Directory<T>,
    /// Stands in the directory where there is none, since a null pointer ends it. None of its slots is handed out.
    empty: *mut Segment<T>,
    /// How many forks lie between the first process and this one.
    forks: u32,
    /// The number of the last segment in the directory, and 1.
    segments: AtomicU32,
    /// The same of both directories, when this table was made.
    known: u32,
    /// The first index that the parent handed out, and how many from there on may be the parent's.
    inherited_from: u32,
    inherited: u32,
    /// Own segments: the number of the first one, and of the last one and 1.
    own_from: AtomicU32,
    own_to: AtomicU32,
    last_generation: u32,
    /// On the heap: a table is moved while the process's state is made, perhaps on a small stack.
    shards: Box<[Shard; SHARDS]>,
    growing: Mutex<()>,
    /// First of the slots with a request: index + 1, or 0.
    requests: AtomicU32,
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

    /// A child's table: knows the parent's slots, and hands out others.
    pub fn after_fork(parent: &Table<T>) -> Table<T> {
        let mut table = Table::new(parent.last_generation);
        // A thread of the parent's may have been about to add a segment: that one is not known, and not used.
        let (from, to) = (parent.own_from.load(Acquire), parent.own_to.load(Acquire).min(SEGMENTS as u32));
        let parents = if from < to { from..to } else { 0..0 };
        table.forks = parent.forks + 1;
        table.empty = if parent.empty.is_null() {
            sys::outliving(|| Table::<T>::build(0, 0)).unwrap_or(std::ptr::null_mut())
        } else {
            parent.empty
        };
        table.known = parent.segments.load(Acquire).max(parent.known).min(SEGMENTS as u32);
        for number in 0..table.known as usize {
            let known = parent.directory[number].load(Acquire);
            let none = known.is_null() || known == parent.empty;
            let segment = if none { parent.spare[number].load(Acquire) } else { known };
            let place = if parents.contains(&(number as u32)) { &table.directory } else { &table.spare };
            place[number].store(segment, Release);
        }
        table.segments = AtomicU32::new(parents.end);
        table.fill(0..parents.end);
        table.inherited_from = parents.start * SEGMENT as u32;
        table.inherited = (parents.end - parents.start) * SEGMENT as u32;
        table
    }

    /// Leaves no null pointer in this part of the directory.
    fn fill(&self, numbers: std::ops::Range<u32>) {
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
    fn is_inherited(&self, index: u32) -> bool {
        index.wrapping_sub(self.inherited_from) < self.inherited
    }

    #[inline]
    fn segment(&self, index: u32) -> Option<&Segment<T>> {
        let segment = self.directory[(index as usize / SEGMENT) % SEGMENTS].load(Acquire);
        // SAFETY: a segment in the directory is initialised and never freed.
        unsafe { segment.as_ref() }
    }

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

    /// Lets `clean` free what free slots hold, but for a few of each shard that are used next, or with `all` for none.
    /// Ends early when `clean` says no. The table can be used meanwhile.
    pub fn clean_free(&self, all: bool, mut clean: impl FnMut(&mut T) -> bool) {
        let mut left = self.segments.load(Acquire) as usize * SEGMENT;
        for shard in self.shards.iter() {
            // Lists give the slot that was used last first.
            let mut warm = [0; WARM];
            let mut count = 0;
            while let Some(place) = warm.get_mut(count).filter(|_| !all) {
                let Some(index) = self.pop(&shard.free) else { break };
                *place = index;
                count += 1;
            }
            let mut go_on = true;
            while let Some(index) = Some(()).filter(|()| go_on && left > 0).and_then(|()| self.pop(&shard.free)) {
                if let Some(segment) = self.segment(index) {
                    // SAFETY: taken from its list, the slot is ours alone until it is in one again.
                    go_on = clean(unsafe { &mut *segment.slots[index as usize % SEGMENT].value.get() });
                }
                self.push_to(&shard.cold, index);
                left -= 1;
            }
            warm[..count].iter().rev().for_each(|&index| self.push_to(&shard.free, index));
            if !go_on {
                return;
            }
        }
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

    #[inline]
    fn pop(&self, head: &AtomicU64) -> Option<u32> {
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
        self.push_to(&self.shards[segment.shard as usize % SHARDS].free, index);
    }

    #[inline]
    fn push_to(&self, head: &AtomicU64, index: u32) {
        let Some(segment) = self.segment(index) else { return };
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
        if let Some(index) = self.pop(&self.shards[shard].cold) {
            return Some(index);
        }
        let _one_at_a_time = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let any = |shard: &Shard| self.pop(&shard.free).or_else(|| self.pop(&shard.cold));
        if let Some(index) = any(&self.shards[shard]) {
            return Some(index);
        }
        loop {
            let Some(number) = self.next_number().filter(|_| !memory::is_full()) else {
                return self.shards.iter().find_map(any);
            };
            let spare = &self.spare[number as usize];
            let segment = match spare.load(Relaxed) {
                // Not for this process alone: a descendant uses it again.
                none if none.is_null() => sys::outliving(|| Table::<T>::build(shard as u32, self.forks))?,
                old => {
                    // SAFETY: a segment of a process whose threads are not here. It is in no directory.
                    unsafe { Table::renew(old, shard as u32, self.forks) };
                    old
                }
            };
            memory::claim_table(std::mem::size_of::<Segment<T>>());
            self.fill(self.segments.load(Relaxed)..number);
            self.directory[number as usize].store(segment, Release);
            spare.store(std::ptr::null_mut(), Release);
            self.segments.fetch_max(number + 1, Release);
            if self.own_to.load(Relaxed) == 0 {
                self.own_from.store(number, Release);
            }
            self.own_to.store(number + 1, Release);
            let first = number * SEGMENT as u32;
            let mut usable = (first..first + SEGMENT as u32).filter(|&index| self.is_usable(index));
            // All of a segment that was used again may have had their last generation.
            let Some(ours) = usable.next() else { continue };
            usable.rev().for_each(|index| self.push(index));
            return Some(ours);
        }
    }

    /// The number of the next own segment: behind the last one, but for those of the parent and the few before it.
    fn next_number(&self) -> Option<u32> {
        let free = |number: u32| {
            // SAFETY: as in `segment`.
            let old = unsafe { self.spare[number as usize].load(Relaxed).as_ref() };
            !self.is_inherited(number * SEGMENT as u32) && old.is_none_or(|old| old.forks + KEPT_FORKS < self.forks)
        };
        (self.own_to.load(Relaxed)..SEGMENTS as u32).find(|&number| free(number))
    }

    /// Makes an old segment as good as new. What its slots hold may be half changed: it is overwritten and not dropped.
    ///
    /// # Safety
    /// `segment` leads to a segment that no thread uses.
    unsafe fn renew(segment: *mut Segment<T>, shard: u32, forks: u32) {
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

    /// Whether a free slot has a generation left.
    fn is_usable(&self, index: u32) -> bool {
        let slot = |segment: &Segment<T>| segment.slots[index as usize % SEGMENT].word.load(Relaxed);
        self.segment(index).is_some_and(|segment| slot(segment) >> 2 <= u64::from(self.last_generation))
    }

    /// A new segment, filled in slot by slot where it lies: it is several times larger than the stack that a coroutine
    /// may have. Nothing when the system has no memory.
    fn build(shard: u32, forks: u32) -> Option<*mut Segment<T>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    impl Content for u64 {
        type Label = AtomicU64;
        const LISTED: bool = true;
    }

    fn table(last_generation: u32) -> Table<u64> {
        Table::new(last_generation)
    }

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
        let table = table(LAST_GENERATION);
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
        let table = table(3);
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
        let table = table(LAST_GENERATION);
        let handle = table.allocate(0).unwrap().publish();
        let _held = table.lock(handle).unwrap();
        assert_eq!(table.lock(handle).err(), Some(Refused::Busy));
    }

    #[test]
    fn a_child_knows_inherited_handles_and_never_gives_them_out() {
        let parent = table(LAST_GENERATION);
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
    fn slots_of_older_processes_are_used_again_and_their_handles_never_fit() {
        let mut tables = vec![Table::<u64>::new(LAST_GENERATION)];
        let mut handles: Vec<Vec<Handle>> = Vec::new();
        for depth in 0..200 {
            let table = tables.last().unwrap();
            // Sometimes more than one segment, so that the part before the parent's does not suffice.
            let spans = [10, 200, 10, 700][depth % 4];
            let own: Vec<Handle> = (0..spans)
                .map(|n| {
                    let mut slot = table.allocate(n % 3).unwrap();
                    *slot = depth as u64;
                    slot.publish()
                })
                .collect();
            assert_eq!(own.iter().collect::<HashSet<_>>().len(), own.len());
            for (age, former) in handles.iter().rev().enumerate() {
                for &handle in former {
                    let parents = table.read_inherited(handle, |value| *value);
                    match age {
                        0 => assert_eq!(parents, Some(depth as u64 - 1)),
                        _ => assert!(parents.is_none_or(|value| value != depth as u64)),
                    }
                    assert!(matches!(table.lock(handle).err(), Some(Refused::Stale | Refused::Forked)), "{handle:?}");
                }
            }
            assert!(own.iter().all(|&handle| *table.lock(handle).unwrap() == depth as u64));
            assert_eq!(table.live().collect::<HashSet<_>>(), own.iter().copied().collect::<HashSet<_>>());
            own[..own.len() / 2].iter().for_each(|&handle| table.lock(handle).unwrap().free());
            handles.push(own[own.len() / 2..].to_vec());
            tables.push(Table::after_fork(table));
        }
        let known = tables.last().unwrap().known;
        assert!(known < 14 * (KEPT_FORKS + 3), "{known} segments after 200 processes of at most 14 each");
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_stays_so_in_a_descendant() {
        let first = Table::<u64>::new(2);
        let used_up = |table: &Table<u64>| {
            let handle = table.allocate(0).unwrap().publish();
            table.lock(handle).unwrap().free();
            handle
        };
        let seen: HashSet<Handle> = (0..SEGMENT * 2 - 2).map(|_| used_up(&first)).collect();
        let last = first.allocate(0).unwrap().publish();
        let child = Table::after_fork(&first);
        let mut tables = vec![child];
        for _ in 0..3 * KEPT_FORKS {
            let table = tables.last().unwrap();
            for _ in 0..SEGMENT / 2 {
                let handle = used_up(table);
                assert!(handle != last && !seen.contains(&handle) && handle.generation <= 2, "{handle:?} twice");
            }
            tables.push(Table::after_fork(table));
        }
    }

    #[test]
    fn threads_never_share_a_slot() {
        let table = table(LAST_GENERATION);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..2_000 {
                    table.clean_free(round % 2 == 0, |value| {
                        *value = u64::MAX;
                        true
                    });
                }
            });
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
        assert!(table.segments.load(Relaxed) <= 4, "no slot is lost: {}", table.segments.load(Relaxed));
        table.clean_free(true, |_| true);
        let (before, mut held) = (table.segments.load(Relaxed), Vec::new());
        for shard in 0..2 {
            let known = table.segments.load(Relaxed);
            held.extend(
                std::iter::from_fn(|| table.allocate(shard)).take_while(|_| table.segments.load(Relaxed) == known),
            );
        }
        assert_eq!(held.len(), before as usize * SEGMENT, "each slot is in one list, once");
    }
}
