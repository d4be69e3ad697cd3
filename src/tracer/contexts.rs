//! Contexts that came in with headers, kept under handles until the host frees them. At most [`CONTEXTS_MAX`] are kept, in
//! [`BYTES_MAX`] bytes: beyond, the oldest is freed, so that a host that frees none loses nothing but contexts that it no
//! longer uses. `extracting` makes them, `spans` continues them.

use super::error::Error;
use crate::memory::{Buffer, Full};
use crate::span::table::{Content, Handle, Kind, Refused, Table};
use crate::span::texts::{Spare, Texts};
use crate::trace::{Decision, TraceTags};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};
use std::sync::Arc;

/// Contexts that are kept at most.
pub const CONTEXTS_MAX: usize = 4096;
/// Bytes of texts in kept contexts at most.
const BYTES_MAX: usize = 8 << 20;

/// A place without a context.
const FREE: u64 = 0;
/// A place whose context is being made.
const TAKEN: u64 = u64::MAX;

/// The ids and the sampling decision of a span that runs elsewhere, by value.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id; 0 in a kept context that is baggage or a decision alone.
    pub trace_id_low: u64,
    /// The parent span.
    pub span_id: u64,
    /// The trace's sampling decision.
    pub decision: Decision,
}

/// What a context carries beside ids and decision.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// The tags of its trace.
    pub tags: TraceTags,
    /// Its baggage.
    pub baggage: Texts,
    /// The part of its baggage that came in with headers, of which items may become tags.
    pub came: Texts,
    /// Links of the local root span, a run of links.
    pub links: Option<Arc<Buffer>>,
    /// The last span of a Datadog tracer; 0 if that is the parent.
    pub last_parent: u64,
    /// Whether this process or its parent made the decision.
    pub decided_here: bool,
}

impl Carried {
    /// A copy that shares nothing, of a value that lies in the memory of the parent process.
    pub(super) fn copied(&self) -> Result<Carried, Full> {
        Ok(Carried {
            tags: Texts::of_run(self.tags.run())?,
            baggage: Texts::of_run(self.baggage.run())?,
            came: Texts::of_run(self.came.run())?,
            links: self.links.as_deref().map(copy_of).transpose()?.map(Arc::new),
            last_parent: self.last_parent,
            decided_here: self.decided_here,
        })
    }

    /// Returns what a span of another tracer or of a child process inherits from a span: its baggage, the tags of its
    /// trace, and whether another process decided about that.
    pub(super) fn of_inherited(trace: Option<(TraceTags, bool)>, baggage: &Texts) -> Carried {
        let baggage = Texts::of_run(baggage.run()).unwrap_or_default();
        let (tags, decided_elsewhere) = trace.unwrap_or_default();
        Carried { tags, baggage, decided_here: !decided_elsewhere, ..Carried::default() }
    }
}

fn copy_of(run: &Buffer) -> Result<Buffer, Full> {
    let mut copy = Buffer::new();
    copy.push(run.bytes())?;
    Ok(copy)
}

/// A context in its slot. A free slot carries nothing, but keeps memory for the texts of the next context.
#[derive(Debug, Default)]
pub struct Kept {
    /// Ids and decision; always there while the slot is in use.
    pub(super) context: Option<Context>,
    pub(super) carried: Carried,
    /// Index of the tracer.
    pub(super) tracer: u32,
    /// Bytes of its texts.
    pub(super) bytes: usize,
    /// How many of these are baggage that the host has changed.
    pub(super) changed_bytes: usize,
    /// Its place in [`Contexts::places`].
    pub(super) place: usize,
    pub(super) spare_tags: Spare,
    pub(super) spare_baggage: Spare,
}

impl Kept {
    /// Frees what it carries, except for memory that the next context may use.
    #[inline]
    fn clear(&mut self) {
        let carried = &mut self.carried;
        carried.tags.give_up(&mut self.spare_tags);
        carried.came = Texts::default();
        carried.baggage.give_up(&mut self.spare_baggage);
        carried.links = None;
    }
}

impl Content for Kept {
    type Label = ();
    const LISTED: bool = false;
}

/// The contexts of a process.
pub struct Contexts {
    table: Table<Kept>,
    /// The handles of kept contexts, in a circle; [`FREE`], or [`TAKEN`] until the handle is there.
    places: Box<[AtomicU64]>,
    next: AtomicUsize,
    oldest: AtomicUsize,
    bytes: AtomicUsize,
    count: AtomicUsize,
}

impl Contexts {
    fn with(table: Table<Kept>) -> Box<Contexts> {
        Box::new(Contexts {
            table,
            places: (0..CONTEXTS_MAX).map(|_| AtomicU64::new(FREE)).collect(),
            next: AtomicUsize::new(0),
            oldest: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
        })
    }

    /// The first process's.
    #[inline(never)]
    pub fn new(last_generation: u32) -> Box<Contexts> {
        Contexts::with(Table::new(last_generation))
    }

    /// A forked child's. It reads its parent's contexts.
    #[inline(never)]
    pub fn after_fork(parent: &Contexts) -> Box<Contexts> {
        Contexts::with(Table::after_fork(&parent.table))
    }

    /// Keeps a context that `fill` puts into a place. `None` if it returns that there is none.
    #[inline]
    pub(super) fn keep(
        &self,
        shard: u32,
        fill: impl FnOnce(&mut Kept) -> Result<bool, Full>,
    ) -> Result<Option<u64>, Full> {
        let mut slot = self.table.allocate(shard).ok_or(Full)?;
        let filled = fill(&mut slot);
        if !matches!(filled, Ok(true)) {
            (slot.spare_tags, slot.spare_baggage) = Default::default();
            slot.free();
            return filled.map(|_| None);
        }
        let (bytes, place) = (slot.bytes, self.take_place());
        slot.place = place;
        self.count.fetch_add(1, Relaxed);
        let number = slot.publish().number(Kind::Context);
        self.places[place % CONTEXTS_MAX].store(number, Relaxed);
        self.count_bytes(bytes, place);
        Ok(Some(number))
    }

    /// Counts more bytes of texts, and frees the oldest contexts, but not the one at `place`, if they are too many.
    fn count_bytes(&self, bytes: usize, place: usize) {
        if self.bytes.fetch_add(bytes, Relaxed) + bytes > BYTES_MAX {
            self.make_room(place);
        }
    }

    /// Takes the next free place: contexts that are freed soon do not crowd out one that a host keeps for long. If
    /// [`CONTEXTS_MAX`] are kept, the oldest is freed.
    fn take_place(&self) -> usize {
        for _ in 0..CONTEXTS_MAX {
            if self.count.load(Relaxed) >= CONTEXTS_MAX {
                break;
            }
            let place = self.next.fetch_add(1, Relaxed);
            if self.places[place % CONTEXTS_MAX].compare_exchange(FREE, TAKEN, Relaxed, Relaxed).is_ok() {
                return place;
            }
        }
        let place = self.next.fetch_add(1, Relaxed);
        self.free_oldest(place);
        place
    }

    #[cold]
    #[inline(never)]
    fn free_oldest(&self, place: usize) {
        let oldest = self.places[place % CONTEXTS_MAX].swap(TAKEN, Relaxed);
        self.free_unused(oldest);
    }

    #[cold]
    #[inline(never)]
    fn free_unused(&self, number: u64) {
        let _ = self.free(number);
    }

    /// Frees the oldest contexts until the others are within the limit. `last`: the place of the newest.
    #[cold]
    fn make_room(&self, last: usize) {
        self.oldest.fetch_max((last + 1).saturating_sub(CONTEXTS_MAX), Relaxed);
        for _ in 0..CONTEXTS_MAX {
            let oldest = self.oldest.load(Relaxed);
            if oldest >= last || self.bytes.load(Relaxed) <= BYTES_MAX {
                return;
            }
            if self.oldest.compare_exchange(oldest, oldest + 1, Relaxed, Relaxed).is_ok() {
                let number = self.places[oldest % CONTEXTS_MAX].load(Relaxed);
                if number != FREE && number != TAKEN {
                    self.free_unused(number);
                }
            }
        }
    }

    /// Frees a context. One of the parent process is only forgotten.
    #[inline(always)]
    pub fn free(&self, number: u64) -> Result<(), Error> {
        let handle = Handle::of(number, Kind::Context).ok_or(Error::Handle)?;
        match self.table.lock(handle) {
            Ok(mut slot) => {
                slot.clear();
                let bytes = slot.bytes;
                let place = &self.places[slot.place % CONTEXTS_MAX];
                let _ = place.compare_exchange(number, FREE, Relaxed, Relaxed);
                slot.free();
                self.bytes.fetch_sub(bytes, Relaxed);
                self.count.fetch_sub(1, Relaxed);
                Ok(())
            }
            Err(Refused::Forked) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Frees the memory that free slots keep for later contexts. Skips the few that are used next, unless `all` is set.
    pub(super) fn give_back(&self, all: bool) {
        self.table.clean_free(all, |kept| {
            (kept.spare_tags, kept.spare_baggage) = Default::default();
            true
        });
    }

    /// Reads a context, also of the parent process.
    pub(super) fn read<R>(&self, number: u64, read: impl Fn(&Kept) -> R) -> Result<R, Error> {
        let handle = Handle::of(number, Kind::Context).ok_or(Error::Handle)?;
        match self.table.lock(handle) {
            Ok(slot) => Ok(read(&slot)),
            Err(Refused::Forked) => self.table.read_settled(handle, read).ok_or(Error::Forked),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Changes the baggage of a context. That it then has more bytes may free the oldest contexts.
    pub(super) fn change<R>(
        &self,
        number: u64,
        change: impl FnOnce(&mut Texts) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let handle = Handle::of(number, Kind::Context).ok_or(Error::Handle)?;
        let mut slot = self.table.lock(handle)?;
        let changed = change(&mut slot.carried.baggage);
        let now = slot.carried.baggage.capacity();
        let before = std::mem::replace(&mut slot.changed_bytes, now);
        slot.bytes = slot.bytes + now - before;
        // While the slot is locked, so that nothing is subtracted before it was added.
        self.bytes.fetch_add(now, Relaxed);
        self.bytes.fetch_sub(before, Relaxed);
        drop(slot);
        self.count_bytes(0, self.next.load(Relaxed).saturating_sub(1));
        changed
    }

    /// Returns what a new span needs of a context: ids, decision, and what it carries.
    pub fn remote(&self, number: u64) -> Option<(Context, Carried)> {
        let handle = Handle::of(number, Kind::Context)?;
        match self.table.lock(handle) {
            Ok(slot) => Some((slot.context?, slot.carried.clone())),
            Err(Refused::Forked) => {
                let copied = |kept: &Kept| Some((kept.context?, kept.carried.copied().ok()?));
                self.table.read_settled(handle, copied).flatten()
            }
            Err(_) => None,
        }
    }
}
