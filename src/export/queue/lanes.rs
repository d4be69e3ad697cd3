//! The queue: a lane for each tracer, and what callers do with it. Under its lock, values are only swapped and counted;
//! threads are woken after unlocking.

use super::lane::{self, empty, Hand, Lane, Ticket};
use super::limits::Limits;
use crate::export::metadata::Metadata;
use crate::inspect::{holding, shapes, Field, TypeDescriptor};
use crate::trace::chunk::{self, Chunk};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// State of the worker's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thread {
    /// Not started yet, or ended because no tracer was attached.
    None,
    /// Running.
    Running,
    /// Could not be started. Tried again at the next flush.
    Failed,
}

#[derive(Debug)]
pub(super) struct Inner {
    /// One for each tracer that sends through this exporter, shut down or not.
    pub(super) lanes: Vec<Lane>,
    /// Lanes of freed tracers, whose slots other tracers may have. Removed when all their chunks are sent or dropped.
    pub(super) orphans: Vec<Lane>,
    last_ticket: Ticket,
    /// The worker is to wake, whatever it waits for.
    pub(super) look: bool,
    /// Chunks of freed tracers are to be dropped, because the exporter is needed for another address.
    pub(super) yields: bool,
    /// Number of flushes. Each may shorten the usual wait between two attempts once.
    pub(super) urges: u64,
    pub(super) thread: Thread,
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    inner: Mutex<Inner>,
    /// Locked before `inner`.
    hands: Mutex<Vec<Hand>>,
    /// Wakes the worker.
    pub(super) work: Condvar,
    /// Wakes callers that wait until chunks are sent or dropped.
    pub(super) done: Condvar,
}

impl Default for Queue {
    fn default() -> Queue {
        let inner = Inner {
            lanes: Vec::new(),
            orphans: Vec::new(),
            last_ticket: 0,
            look: false,
            yields: false,
            urges: 0,
            thread: Thread::None,
        };
        Queue { inner: Mutex::new(inner), hands: Mutex::default(), work: Condvar::new(), done: Condvar::new() }
    }
}

impl Inner {
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.lanes.iter_mut().chain(&mut self.orphans)
    }

    pub(super) fn lane(&mut self, ticket: Ticket) -> Option<&mut Lane> {
        self.all().find(|lane| lane.ticket == ticket)
    }

    /// The lane of the tracer that has this index now.
    #[inline]
    pub(super) fn of(&mut self, tracer: u32) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.tracer == tracer)
    }

    /// Whether no tracer is attached and no chunk waits.
    pub(super) fn is_over(&self) -> bool {
        self.lanes.iter().chain(&self.orphans).all(|lane| !lane.attached && lane.waiting == 0)
    }

    /// Removes lanes of freed tracers whose chunks are all sent or dropped.
    pub(super) fn forget_orphans(&mut self) {
        self.orphans.retain(|lane| !lane.is_resolved());
    }
}

impl Queue {
    /// The fields that lead debuggers to chunks. Measured on this queue, because the layout of a lock is not specified.
    pub fn inspected(&self) -> Vec<Field> {
        let inner = std::mem::offset_of!(Queue, inner) + shapes::in_mutex(&self.inner);
        let hands = holding!(Vec of "hand", Queue, hands).of_size(size_of::<Vec<Hand>>());
        vec![
            holding!(Vec of "lane", Inner, lanes).moved(inner),
            holding!(Vec of "lane", Inner, orphans).moved(inner),
            hands.moved(shapes::in_mutex(&self.hands)),
        ]
    }

    /// Descriptors of the types that those fields lead to.
    pub fn inspected_parts() -> Vec<TypeDescriptor> {
        let mut descriptors = vec![chunk::inspected()];
        descriptors.extend(lane::inspected());
        descriptors
    }

    #[inline(always)]
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locked before [`Self::lock`].
    pub(super) fn hands(&self) -> MutexGuard<'_, Vec<Hand>> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a chunk to its tracer's lane; gives it back if the lane is full. Returns how many chunks and bytes wait there.
    pub fn push(&self, chunk: Chunk, limits: Limits) -> Result<(u64, u64), Chunk> {
        let size = chunk.records.capacity();
        let mut inner = self.lock();
        let Some(lane) = inner.of(chunk.tracer) else { return Err(chunk) };
        if !lane.make_room(size, limits) {
            return Err(chunk);
        }
        let sequence = lane.pushed + 1;
        let (waiting, wake) = lane.put(Chunk { sequence, ..chunk }, size);
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok(waiting)
    }

    /// Adds a chunk that is made in place, with the number that it gets, and whose records occupy `size` bytes. Makes none
    /// if the lane is full.
    #[inline(always)]
    pub fn push_made(
        &self,
        tracer: u32,
        size: usize,
        limits: Limits,
        make: impl FnOnce(u64) -> Chunk,
    ) -> Option<(u64, u64)> {
        let mut inner = self.lock();
        let lane = inner.of(tracer)?;
        if !lane.make_room(size, limits) {
            return None;
        }
        let sequence = lane.pushed + 1;
        let (waiting, wake) = lane.put(make(sequence), size);
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Some(waiting)
    }

    /// Wakes a waiting worker. Ends no pause between attempts.
    pub fn nudge(&self) {
        self.lock().look = true;
        self.work.notify_one();
    }

    /// Takes a tracer's chunks out of the queue, for a shutdown that drops them.
    pub fn remove(&self, tracer: u32) -> Vec<Chunk> {
        let ticket = self.lock().of(tracer).map(|lane| lane.ticket);
        ticket.map_or_else(Vec::new, |ticket| self.remove_lane(ticket))
    }

    /// Takes the chunks of a lane out of the queue.
    pub fn remove_lane(&self, ticket: Ticket) -> Vec<Chunk> {
        let mut hands = self.hands();
        let mut inner = self.lock();
        let runs = inner.thread == Thread::Running;
        let mut gone = Vec::new();
        if let Some(lane) = inner.lane(ticket) {
            gone = empty(lane, &mut hands);
            lane.settle(runs);
        }
        drop((inner, hands));
        self.done.notify_all();
        gone
    }

    /// Adds a lane for a tracer.
    pub fn attach(&self, tracer: u32, metadata: Arc<Metadata>, flush_bytes: usize) {
        let mut inner = self.lock();
        inner.last_ticket += 1;
        let lane = Lane::new(inner.last_ticket, tracer, metadata, flush_bytes);
        inner.lanes.push(lane);
        inner.yields = false;
        // Its flush interval may be shorter than the time for which the worker sleeps.
        inner.look = true;
        drop(inner);
        self.work.notify_one();
    }

    /// Gives the lane of a tracer other metadata. Chunks that wait are sent with it, too.
    pub fn change(&self, metadata: &Arc<Metadata>) {
        let mut inner = self.lock();
        let lane = inner.lanes.iter_mut().find(|lane| lane.metadata.is_of_same(metadata));
        if let Some(lane) = lane {
            lane.metadata = metadata.clone();
        }
    }

    /// Marks a tracer as shut down: its chunks are to be sent now. The worker ends when no tracer is attached and no chunk
    /// waits.
    pub fn detach(&self, tracer: u32) {
        let mut inner = self.lock();
        if let Some(lane) = inner.of(tracer) {
            lane.attached = false;
        }
        inner.look = true;
        drop(inner);
        self.work.notify_one();
    }

    /// Makes an orphan of a tracer's lane: its slot is given to another tracer. Its chunks are still sent, unless there is
    /// no memory for the metadata kept with them; then they are returned, to be dropped.
    pub fn abandon(&self, tracer: u32) -> Vec<Chunk> {
        let mut hands = self.hands();
        let mut inner = self.lock();
        let runs = inner.thread == Thread::Running;
        let Some(at) = inner.lanes.iter().position(|lane| lane.tracer == tracer) else { return Vec::new() };
        let mut lane = inner.lanes.swap_remove(at);
        lane.attached = false;
        hands.retain(|hand| hand.ticket != lane.ticket || !hand.chunks.is_empty());
        let mut gone = Vec::new();
        if lane.claim.grow(lane.metadata.weight()).is_err() {
            gone = empty(&mut lane, &mut hands);
            lane.settle(runs);
        }
        if !lane.is_resolved() {
            inner.orphans.push(lane);
        }
        inner.look = true;
        drop((inner, hands));
        self.work.notify_one();
        self.done.notify_all();
        gone
    }

    /// Asks the worker to drop all chunks, so that the exporter is free for another address. Returns false where a tracer is
    /// attached.
    pub fn ask_to_yield(&self) -> bool {
        let mut inner = self.lock();
        let yields = inner.thread == Thread::Running && inner.lanes.iter().all(|lane| !lane.attached);
        inner.yields |= yields;
        inner.look |= yields;
        drop(inner);
        self.work.notify_one();
        yields
    }

    /// Claims the right to start the worker's thread; false if one runs. Sets `started` in that case, before the thread can
    /// end.
    pub fn claim_thread(&self, started: &AtomicBool) -> bool {
        let mut inner = self.lock();
        let free = inner.thread != Thread::Running;
        if free {
            inner.all().for_each(Lane::begin);
        } else {
            started.store(true, Relaxed);
        }
        inner.thread = Thread::Running;
        free
    }
}
