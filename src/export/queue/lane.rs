//! A lane of the queue: the chunks of one tracer, with their own bounds and flush interval.

use super::limits::Limits;
use crate::export::metadata::Metadata;
use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::memory::Claim;
use crate::trace::Chunk;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An empty list with at most this capacity is kept.
const PLACES_KEPT: usize = 256;

/// The first spans of a tracer, and those that a new worker finds, are sent after this time, if the interval is longer.
const FIRST: Duration = Duration::from_millis(25);

/// Identifies a lane for as long as the process lives. Later lanes have higher numbers.
pub type Ticket = u64;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ticket: Ticket,
    pub(super) tracer: u32,
    /// The tracer's metadata. Kept here, because the tracer's slot may be given to another tracer meanwhile.
    pub(super) metadata: Arc<Metadata>,
    /// The tracer is neither shut down nor freed.
    pub(super) attached: bool,
    pub(super) chunks: Vec<Chunk>,
    /// What `chunks` occupies, without what the chunks hold.
    places: Claim,
    /// How many chunks wait, including those in the worker's hand.
    pub(super) waiting: usize,
    pub(super) bytes: usize,
    /// Chunks ever pushed.
    pub(super) pushed: u64,
    /// All chunks up to this one are sent or dropped.
    pub(super) resolved: u64,
    /// The worker has taken all chunks up to this one.
    pub(super) taken: u64,
    /// Chunks up to this one are to be sent now.
    pub(super) wanted: u64,
    /// Waiting bytes at which the lane is served before its interval is over.
    pub(super) flush_bytes: usize,
    pub(super) interval: Duration,
    /// When the interval is over.
    pub(super) due: Instant,
    /// Counts the metadata of a lane without a tracer as memory of spans.
    pub(super) claim: Claim,
}

impl Lane {
    pub(super) fn new(ticket: Ticket, tracer: u32, metadata: Arc<Metadata>, flush_bytes: usize) -> Lane {
        let interval = metadata.settings.flush_interval;
        Lane {
            ticket,
            tracer,
            metadata,
            attached: true,
            chunks: Vec::new(),
            places: Claim::default(),
            waiting: 0,
            bytes: 0,
            pushed: 0,
            resolved: 0,
            taken: 0,
            wanted: 0,
            flush_bytes,
            interval,
            due: Instant::now() + interval.min(FIRST),
            claim: Claim::default(),
        }
    }

    /// Makes room for a chunk whose records occupy `size` bytes. Returns false if the lane is full.
    #[inline(always)]
    pub(super) fn make_room(&mut self, size: usize, limits: Limits) -> bool {
        self.bytes + size <= limits.bytes && self.waiting < limits.chunks && self.has_place()
    }

    #[inline(always)]
    fn has_place(&mut self) -> bool {
        self.chunks.len() < self.chunks.capacity() || self.add_places()
    }

    #[cold]
    #[inline(never)]
    fn add_places(&mut self) -> bool {
        self.chunks.try_reserve(1).is_ok()
    }

    /// Adds a chunk for which there is room. Returns how many chunks and bytes wait, and whether the worker is to wake.
    #[inline(always)]
    pub(super) fn put(&mut self, chunk: Chunk, size: usize) -> ((u64, u64), bool) {
        self.pushed += 1;
        self.count_places();
        let before = self.bytes;
        self.bytes += size;
        self.waiting += 1;
        self.chunks.push(chunk);
        let wake = (before < self.flush_bytes && self.bytes >= self.flush_bytes) || !self.attached;
        ((self.waiting as u64, self.bytes as u64), wake)
    }

    /// Counts the list as memory of spans.
    #[inline]
    pub(super) fn count_places(&mut self) {
        count(&self.chunks, &mut self.places);
    }

    /// Whether the worker is to send chunks of it now.
    pub(super) fn is_ready(&self) -> bool {
        self.waiting > 0 && (self.wanted > self.taken || self.bytes >= self.flush_bytes || !self.attached)
    }

    /// Whether all its chunks are sent or dropped.
    pub(super) fn is_resolved(&self) -> bool {
        self.resolved >= self.pushed
    }

    /// Resolves chunks that were removed, once all chunks that the worker has taken are resolved.
    pub(super) fn settle(&mut self, worker_runs: bool) {
        if self.waiting == 0 && (self.resolved >= self.taken || !worker_runs) {
            self.resolved = self.pushed;
        }
    }

    /// Makes the lane due soon, for a new worker.
    pub(super) fn begin(&mut self) {
        self.due = self.due.min(Instant::now() + FIRST);
    }

    /// Begins the next interval if this one is over. All chunks that wait now are then to be sent.
    pub(super) fn tick(&mut self, now: Instant) {
        if now >= self.due {
            self.due = now + self.interval;
            self.wanted = self.pushed;
        }
    }
}

/// Chunks that the worker has swapped out of a lane and not taken yet. Thanks to the swap, a pushing thread never waits
/// while the worker takes thousands.
#[derive(Debug)]
pub(super) struct Hand {
    pub(super) ticket: Ticket,
    pub(super) chunks: Vec<Chunk>,
    /// What `chunks` occupies, without what the chunks hold.
    pub(super) places: Claim,
}

fn count(chunks: &Vec<Chunk>, places: &mut Claim) {
    let bytes = chunks.capacity() * size_of::<Chunk>();
    if bytes != places.bytes() {
        places.set(bytes);
    }
}

impl Hand {
    /// Counts the list as memory of spans.
    pub(super) fn count_places(&mut self) {
        count(&self.chunks, &mut self.places);
    }

    /// Frees a list that has grown for a backlog, once lanes are short again. For an empty hand, before it takes `next`
    /// chunks.
    pub(super) fn shrink(&mut self, next: usize) {
        if self.chunks.capacity() > PLACES_KEPT && next < self.chunks.capacity() / 16 {
            self.chunks = Vec::new();
        }
    }
}

/// Takes all waiting chunks out of a lane.
pub(super) fn empty(lane: &mut Lane, hands: &mut Vec<Hand>) -> Vec<Chunk> {
    let mut gone = Vec::new();
    hands.iter_mut().filter(|hand| hand.ticket == lane.ticket).for_each(|hand| gone.append(&mut hand.chunks));
    hands.retain(|hand| hand.ticket != lane.ticket);
    gone.append(&mut std::mem::take(&mut lane.chunks));
    lane.waiting -= gone.len();
    lane.bytes -= gone.iter().map(|chunk| chunk.records.capacity()).sum::<usize>();
    gone
}

/// Lanes and hands as debuggers see them.
pub(super) fn inspected() -> [TypeDescriptor; 2] {
    let lane = vec![
        holding!(Vec of "chunk", Lane, chunks as "queue"),
        unsigned!(Lane, attached),
        unsigned!(Lane, ticket),
        holding!(Pointer of "metadata", Lane, metadata),
    ];
    let hand = vec![holding!(Vec of "chunk", Hand, chunks as "queue"), unsigned!(Hand, ticket)];
    [TypeDescriptor::inside::<Lane>("lane", lane), TypeDescriptor::inside::<Hand>("hand", hand)]
}
