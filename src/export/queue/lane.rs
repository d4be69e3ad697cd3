//! A lane of the queue: the chunks of one tracer, with bounds and a pace of their own.

use super::{Chunk, Metadata};
use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::memory::Claim;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A deque of at most so many places is always kept.
const PLACES_KEPT: usize = 256;

/// The first spans of a tracer, and those that a new worker finds, are sent this soon, where the interval is longer.
const FIRST: Duration = Duration::from_millis(25);

/// Names a lane for as long as the process lives. Later lanes have higher numbers.
pub type Ticket = u64;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ticket: Ticket,
    pub(super) tracer: u32,
    /// What payloads say of the tracer. Kept here because the tracer's slot may be given to another one meanwhile.
    pub(super) metadata: Arc<Metadata>,
    /// The tracer is neither shut down nor freed.
    pub(super) attached: bool,
    pub(super) chunks: VecDeque<Chunk>,
    /// What `chunks` occupies, without what the chunks hold.
    places: Claim,
    /// How many chunks wait, those in the worker's hand among them.
    pub(super) waiting: usize,
    pub(super) bytes: usize,
    /// Chunks ever pushed.
    pub(super) pushed: u64,
    /// Of these, how many are sent or dropped; all before are too.
    pub(super) resolved: u64,
    /// Of these, up to which the worker has taken them.
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
            chunks: VecDeque::new(),
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

    /// Counts the deque as memory of spans.
    #[inline]
    pub(super) fn count_places(&mut self) {
        count(&self.chunks, &mut self.places);
    }

    /// Whether the worker is to send something of it now.
    pub(super) fn is_ready(&self) -> bool {
        self.waiting > 0 && (self.wanted > self.taken || self.bytes >= self.flush_bytes || !self.attached)
    }

    /// Whether nothing of it is on its way.
    pub(super) fn is_resolved(&self) -> bool {
        self.resolved >= self.pushed
    }

    /// What was removed from the end is resolved as soon as all before it is.
    pub(super) fn settle(&mut self, worker_runs: bool) {
        if self.waiting == 0 && (self.resolved >= self.taken || !worker_runs) {
            self.resolved = self.pushed;
        }
    }

    /// A worker begins with this lane.
    pub(super) fn begin(&mut self) {
        self.due = self.due.min(Instant::now() + FIRST);
    }

    /// Begins the next interval if this one is over; what waits now is to be sent.
    pub(super) fn tick(&mut self, now: Instant) {
        if now >= self.due {
            self.due = now + self.interval;
            self.wanted = self.pushed;
        }
    }
}

/// Chunks that the worker has swapped out of a lane and not taken yet, so that a pushing thread never waits while
/// thousands are counted out.
#[derive(Debug)]
pub(super) struct Hand {
    pub(super) ticket: Ticket,
    pub(super) chunks: VecDeque<Chunk>,
    /// What `chunks` occupies, without what the chunks hold.
    pub(super) places: Claim,
}

fn count(chunks: &VecDeque<Chunk>, places: &mut Claim) {
    let bytes = chunks.capacity() * size_of::<Chunk>();
    if bytes != places.bytes() {
        places.set(bytes);
    }
}

impl Hand {
    /// Counts the deque as memory of spans.
    pub(super) fn count_places(&mut self) {
        count(&self.chunks, &mut self.places);
    }

    /// Gives back what a backlog needed when that is over, not while it comes and goes. For an empty hand, before it takes
    /// so many chunks.
    pub(super) fn shrink(&mut self, next: usize) {
        if self.chunks.capacity() > PLACES_KEPT && next < self.chunks.capacity() / 16 {
            self.chunks = VecDeque::new();
        }
    }
}

/// Lanes and hands as debuggers see them.
pub(super) fn inspected() -> [TypeDescriptor; 2] {
    let lane = vec![
        holding!(Deque of "chunk", Lane, chunks as "queue"),
        unsigned!(Lane, attached),
        unsigned!(Lane, ticket),
        holding!(Pointer of "metadata", Lane, metadata),
    ];
    let hand = vec![holding!(Deque of "chunk", Hand, chunks as "queue"), unsigned!(Hand, ticket)];
    [TypeDescriptor::inside::<Lane>("lane", lane), TypeDescriptor::inside::<Hand>("hand", hand)]
}
