//! The worker's side of the queue: waiting for a lane to be due, taking its chunks, and reporting what became of them.

use super::lane::{empty, Hand, Lane, Ticket};
use super::lanes::{Inner, Queue, Thread};
use crate::export::metadata::Metadata;
use crate::memory::Claim;
use crate::trace::Chunk;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// A wait between two attempts.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// When it ends.
    pub until: Instant,
    /// When a flush may end it. The same as `until` where the agent asked for the pause.
    pub earliest: Instant,
    urges: u64,
}

/// What the worker waits for.
#[derive(Debug)]
pub struct Errand<'a> {
    /// The lane that was served last: the next one in turn is the one after it.
    pub after: Ticket,
    /// Lanes of which the worker holds chunks that are to be tried again.
    pub held: &'a [Ticket],
    /// Nothing is sent before this pause is over.
    pub pause: Option<Pause>,
    /// When to wake at the latest.
    pub until: Instant,
}

/// Why the worker was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// It is this lane's turn.
    Serve(Ticket),
    /// Something has changed, or the time is over.
    Look,
    /// No tracer is attached and no chunk waits: the thread ends.
    End,
}

/// What [`Queue::take`] has taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The tracer's index.
    pub tracer: u32,
    /// The tracer's metadata.
    pub metadata: Arc<Metadata>,
    /// The last chunk's place in the lane.
    pub sequence: u64,
}

impl Inner {
    /// The lane whose turn it is.
    fn turn(&self, errand: &Errand<'_>) -> Option<Ticket> {
        let ready = |lane: &&Lane| lane.is_ready() || errand.held.contains(&lane.ticket);
        let all = self.lanes.iter().chain(&self.orphans).filter(ready).map(|lane| lane.ticket);
        // Tickets up to the last one served come after all others.
        all.min_by_key(|&ticket| (ticket <= errand.after, ticket))
    }
}

impl Queue {
    /// Takes chunks from the front of a lane, up to `max` bytes of records, but at least one.
    pub fn take(&self, ticket: Ticket, max: usize, out: &mut Vec<Chunk>) -> Option<Taken> {
        let mut hands = self.hands();
        let at = hands.iter().position(|hand| hand.ticket == ticket).unwrap_or_else(|| {
            hands.push(Hand { ticket, chunks: Vec::new(), places: Claim::default() });
            hands.len() - 1
        });
        let hand = hands.get_mut(at)?;
        if hand.chunks.is_empty() {
            let mut inner = self.lock();
            let lane = inner.lane(ticket)?;
            hand.shrink(lane.chunks.len());
            std::mem::swap(&mut hand.chunks, &mut lane.chunks);
            lane.count_places();
            hand.count_places();
        }
        let (mut count, mut bytes, mut held) = (0, 0, 0);
        for chunk in &hand.chunks {
            if bytes > 0 && bytes + chunk.records.len() > max {
                break;
            }
            count += 1;
            bytes += chunk.records.len();
            held += chunk.records.capacity();
        }
        if count == hand.chunks.len() && out.is_empty() {
            // Moves no chunk. The lane's next swap needs the list's memory again: `give_back`.
            std::mem::swap(&mut hand.chunks, out);
        } else {
            out.extend(hand.chunks.drain(..count));
        }
        let mut inner = self.lock();
        let lane = inner.lane(ticket)?;
        if hand.chunks.is_empty() && !lane.attached {
            hands.swap_remove(at);
        }
        let sequence = out.last()?.sequence;
        lane.taken = sequence;
        lane.bytes -= held;
        lane.waiting -= out.len();
        Some(Taken { tracer: lane.tracer, metadata: lane.metadata.clone(), sequence })
    }

    /// Takes back the memory of chunks that [`Queue::take`] has taken.
    #[inline(never)]
    pub fn give_back(&self, ticket: Ticket, chunks: Vec<Chunk>) {
        let mut hands = self.hands();
        if let Some(hand) = hands.iter_mut().find(|hand| hand.ticket == ticket && hand.chunks.capacity() == 0) {
            hand.chunks = chunks;
            hand.chunks.clear();
            hand.count_places();
        }
    }

    /// A pause that begins now. Only flushes from now on shorten it.
    pub fn pause(&self, until: Instant, earliest: Instant) -> Pause {
        Pause { until, earliest, urges: self.lock().urges }
    }

    /// Waits until there is something to do.
    pub fn wait(&self, errand: &Errand<'_>) -> Wake {
        let mut inner = self.lock();
        loop {
            let now = Instant::now();
            inner.all().for_each(|lane| lane.tick(now));
            if std::mem::take(&mut inner.look) {
                return Wake::Look;
            }
            let urges = inner.urges;
            let end = errand.pause.map(|pause| if urges == pause.urges { pause.until } else { pause.earliest });
            let pause = end.filter(|&end| now < end);
            if pause.is_none() {
                if let Some(ticket) = inner.turn(errand) {
                    return Wake::Serve(ticket);
                }
                if errand.held.is_empty() && inner.is_over() {
                    return Wake::End;
                }
            }
            if now >= errand.until {
                return Wake::Look;
            }
            let due = inner.lanes.iter().filter(|lane| lane.attached).map(|lane| lane.due).min();
            let until = pause.or(due).map_or(errand.until, |next| next.min(errand.until));
            let left = until.saturating_duration_since(now);
            inner = self.work.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Marks all chunks of the lane up to `sequence` as sent or dropped.
    pub fn resolve(&self, ticket: Ticket, sequence: u64) {
        let mut inner = self.lock();
        if let Some(lane) = inner.lane(ticket) {
            lane.resolved = lane.resolved.max(sequence);
            lane.settle(true);
        }
        inner.forget_orphans();
        drop(inner);
        self.done.notify_all();
    }

    /// Takes all chunks, lane by lane, if the exporter is needed for another address.
    pub fn yielded(&self) -> Option<Vec<(Ticket, Taken, Vec<Chunk>)>> {
        let mut hands = self.hands();
        let mut inner = self.lock();
        if !inner.yields {
            return None;
        }
        let mut all = Vec::new();
        for lane in inner.all() {
            let gone = empty(lane, &mut hands);
            // A lane without waiting chunks may still have chunks in a batch. They are resolved with that batch.
            if gone.is_empty() {
                continue;
            }
            lane.taken = lane.pushed;
            let taken = Taken { tracer: lane.tracer, metadata: lane.metadata.clone(), sequence: lane.pushed };
            all.push((lane.ticket, taken, gone));
        }
        Some(all)
    }

    /// Ends the worker, unless a tracer was added since the worker was asked to end: that tracer has found it running.
    /// Returns whether it ends. `leave` runs before another worker can start.
    pub fn end_thread(&self, leave: impl FnOnce()) -> bool {
        let mut inner = self.lock();
        let ends = inner.is_over();
        if ends {
            leave();
            inner.yields = false;
            inner.thread = Thread::None;
        }
        ends
    }

    /// Notes that the claimed thread could not be started, or has ended with an error.
    pub fn thread_failed(&self) {
        let mut inner = self.lock();
        inner.thread = Thread::Failed;
        inner.all().for_each(|lane| lane.settle(false));
        inner.forget_orphans();
        drop(inner);
        self.done.notify_all();
    }
}
