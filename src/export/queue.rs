//! The bounded queue between the threads that finish spans and the worker of one agent. Each tracer has a lane of its
//! own: its bounds and its flush interval hold whatever other tracers of the same agent do, and lanes take turns. Full
//! means a counted drop, at once. Under the lock things are only swapped and counted; waking happens after unlocking.

mod lane;
mod limits;

pub use lane::Ticket;
pub use limits::Limits;

use super::Metadata;
use crate::inspect::{holding, shapes, Field, TypeDescriptor};
use crate::memory::Claim;
use crate::trace::chunk::{self, Chunk};
use lane::{Hand, Lane};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The worker's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thread {
    /// Not started yet, or ended because nobody was attached.
    None,
    /// Running.
    Running,
    /// Could not be started; tried again at the next flush.
    Failed,
}

#[derive(Debug)]
struct Inner {
    /// One for each tracer that has this exporter, shut down or not.
    lanes: Vec<Lane>,
    /// Lanes of freed tracers whose slots others have by now. Each ends when nothing of it is on its way any more.
    orphans: Vec<Lane>,
    last_ticket: Ticket,
    /// The worker is to look around, whatever it waits for.
    look: bool,
    /// What is left of freed tracers is to be dropped: the exporter is needed for another address.
    yields: bool,
    /// Counts flushes: each one may shorten the usual wait between attempts once.
    urges: u64,
    thread: Thread,
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    inner: Mutex<Inner>,
    /// Locked before `inner`.
    hands: Mutex<Vec<Hand>>,
    work: Condvar,
    done: Condvar,
}

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
    /// Nothing is sent before this is over.
    pub pause: Option<Pause>,
    /// When to look around at the latest.
    pub until: Instant,
}

/// Why the worker was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// It is this lane's turn.
    Serve(Ticket),
    /// Something has changed, or the time is over.
    Look,
    /// Nobody is attached and nothing is left: the thread ends.
    End,
}

/// What [`Queue::take`] has taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The tracer's index.
    pub tracer: u32,
    /// What payloads say of the tracer.
    pub metadata: Arc<Metadata>,
    /// The last chunk's place.
    pub sequence: u64,
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
    fn all(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.lanes.iter_mut().chain(&mut self.orphans)
    }

    fn lane(&mut self, ticket: Ticket) -> Option<&mut Lane> {
        self.all().find(|lane| lane.ticket == ticket)
    }

    /// The lane of the tracer that has this index now.
    #[inline]
    fn of(&mut self, tracer: u32) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.tracer == tracer)
    }

    /// The lane whose turn it is.
    fn turn(&self, errand: &Errand<'_>) -> Option<Ticket> {
        let ready = |lane: &&Lane| lane.is_ready() || errand.held.contains(&lane.ticket);
        let all = self.lanes.iter().chain(&self.orphans).filter(ready).map(|lane| lane.ticket);
        // Tickets up to the last one served come after all others.
        all.min_by_key(|&ticket| (ticket <= errand.after, ticket))
    }

    fn is_over(&self) -> bool {
        self.lanes.iter().chain(&self.orphans).all(|lane| !lane.attached && lane.waiting == 0)
    }

    /// Forgets lanes of freed tracers of which nothing is on its way any more.
    fn forget_orphans(&mut self) {
        self.orphans.retain(|lane| !lane.is_resolved());
    }
}

impl Queue {
    /// Where chunks lie, as debuggers see it. Asks this queue, since where a lock has its content is for it to know.
    pub fn inspected(&self) -> Vec<Field> {
        let inner = std::mem::offset_of!(Queue, inner) + shapes::in_mutex(&self.inner);
        let hands = holding!(Vec of "hand", Queue, hands).of_size(size_of::<Vec<Hand>>());
        vec![
            holding!(Vec of "lane", Inner, lanes).moved(inner),
            holding!(Vec of "lane", Inner, orphans).moved(inner),
            hands.moved(shapes::in_mutex(&self.hands)),
        ]
    }

    /// What those fields lead to.
    pub fn inspected_parts() -> Vec<TypeDescriptor> {
        let mut descriptors = vec![chunk::inspected()];
        descriptors.extend(lane::inspected());
        descriptors
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hands(&self) -> MutexGuard<'_, Vec<Hand>> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a chunk to its tracer's lane; gives it back when the lane is full. Returns chunks and bytes that wait there.
    #[inline]
    pub fn push(&self, mut chunk: Chunk, limits: Limits) -> Result<(u64, u64), Chunk> {
        let size = chunk.records.capacity();
        let mut inner = self.lock();
        let Some(lane) = inner.of(chunk.tracer) else { return Err(chunk) };
        if lane.bytes + size > limits.bytes || lane.waiting >= limits.chunks || lane.chunks.try_reserve(1).is_err() {
            return Err(chunk);
        }
        lane.pushed += 1;
        chunk.sequence = lane.pushed;
        lane.count_places();
        let before = lane.bytes;
        lane.bytes += size;
        lane.waiting += 1;
        lane.chunks.push_back(chunk);
        let (chunks, bytes) = (lane.waiting as u64, lane.bytes as u64);
        let wake = (before < lane.flush_bytes && lane.bytes >= lane.flush_bytes) || !lane.attached;
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok((chunks, bytes))
    }

    /// For the worker: chunks of one lane from the front, up to `max` bytes of records.
    pub fn take(&self, ticket: Ticket, max: usize, out: &mut Vec<Chunk>) -> Option<Taken> {
        let mut hands = self.hands();
        let at = hands.iter().position(|hand| hand.ticket == ticket).unwrap_or_else(|| {
            hands.push(Hand { ticket, chunks: VecDeque::new(), places: Claim::default() });
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
        let (mut bytes, mut held) = (0, 0);
        while let Some(chunk) = hand.chunks.front() {
            if bytes > 0 && bytes + chunk.records.len() > max {
                break;
            }
            bytes += chunk.records.len();
            held += chunk.records.capacity();
            out.extend(hand.chunks.pop_front());
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

    /// Chunks and bytes of a tracer that wait now.
    pub fn waiting(&self, tracer: u32) -> (u64, u64) {
        self.lock().of(tracer).map_or((0, 0), |lane| (lane.waiting as u64, lane.bytes as u64))
    }

    /// A pause that begins now. Flushes before this moment do not shorten it.
    pub fn pause(&self, until: Instant, earliest: Instant) -> Pause {
        Pause { until, earliest, urges: self.lock().urges }
    }

    /// For the worker: waits until there is something to do.
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

    /// For the worker: all chunks of the lane up to `sequence` are sent or dropped.
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

    /// Asks for all of a tracer that waits now to be sent, and waits until it is sent or dropped. False when `time` is
    /// over first.
    pub fn flush(&self, tracer: u32, time: Duration) -> bool {
        let mut inner = self.lock();
        let deadline = Instant::now() + time;
        let Some(lane) = inner.of(tracer) else { return true };
        let (ticket, target) = (lane.ticket, lane.pushed);
        if lane.resolved >= target {
            return true;
        }
        lane.wanted = lane.wanted.max(target);
        inner.urges += 1;
        self.work.notify_one();
        loop {
            if inner.lane(ticket).is_none_or(|lane| lane.resolved >= target) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inner = self.done.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until all of a tracer is sent or dropped, without asking for it.
    pub fn settled_within(&self, tracer: u32, time: Duration) -> bool {
        let mut inner = self.lock();
        let deadline = Instant::now() + time;
        while inner.of(tracer).is_some_and(|lane| !lane.is_resolved()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inner = self.done.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Whether all that a tracer ever pushed is sent or dropped.
    pub fn is_resolved(&self, tracer: u32) -> bool {
        self.lock().of(tracer).is_none_or(|lane| lane.is_resolved())
    }

    /// Makes a waiting worker look around. Ends no pause.
    pub fn nudge(&self) {
        self.lock().look = true;
        self.work.notify_one();
    }

    /// Takes a tracer's chunks out of the queue, for a shutdown that gives them up.
    pub fn remove(&self, tracer: u32) -> Vec<Chunk> {
        let ticket = self.lock().of(tracer).map(|lane| lane.ticket);
        ticket.map_or_else(Vec::new, |ticket| self.remove_lane(ticket))
    }

    /// The same for the worker, which knows the lane.
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

    /// One more tracer sends through here.
    pub fn attach(&self, tracer: u32, metadata: Arc<Metadata>, flush_bytes: usize) {
        let mut inner = self.lock();
        inner.last_ticket += 1;
        let lane = Lane::new(inner.last_ticket, tracer, metadata, flush_bytes);
        inner.lanes.push(lane);
        inner.yields = false;
        // Its interval may be shorter than what the worker sleeps for.
        inner.look = true;
        drop(inner);
        self.work.notify_one();
    }

    /// The tracer is shut down: what waits is to be sent now. The worker ends when it was the last and nothing is left.
    pub fn detach(&self, tracer: u32) {
        let mut inner = self.lock();
        if let Some(lane) = inner.of(tracer) {
            lane.attached = false;
        }
        inner.look = true;
        drop(inner);
        self.work.notify_one();
    }

    /// The tracer's slot is given to another one. What waits is still sent, as long as there is memory for what is kept
    /// with it; if not, it is given back to be dropped.
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

    /// Asks for the exporter to be free soon, if only freed tracers are left here: what waits of them is then dropped.
    pub fn ask_to_yield(&self) -> bool {
        let mut inner = self.lock();
        let yields = inner.thread == Thread::Running && inner.lanes.iter().all(|lane| !lane.attached);
        inner.yields |= yields;
        inner.look |= yields;
        drop(inner);
        self.work.notify_one();
        yields
    }

    /// For the worker: all that waits, lane by lane, if the exporter is needed for another address.
    pub fn yielded(&self) -> Option<Vec<(Ticket, Taken, Vec<Chunk>)>> {
        let mut hands = self.hands();
        let mut inner = self.lock();
        if !inner.yields {
            return None;
        }
        let mut all = Vec::new();
        for lane in inner.all() {
            let gone = empty(lane, &mut hands);
            // Where nothing waits, nothing is taken: what is resolved next is what was taken before.
            if gone.is_empty() {
                continue;
            }
            lane.taken = lane.pushed;
            let taken = Taken { tracer: lane.tracer, metadata: lane.metadata.clone(), sequence: lane.pushed };
            all.push((lane.ticket, taken, gone));
        }
        Some(all)
    }

    /// Whether a tracer sends through here, anything waits, or the thread runs.
    pub fn in_use(&self) -> bool {
        let inner = self.lock();
        inner.thread == Thread::Running || !inner.is_over()
    }

    /// Claims the right to start the worker's thread, if none runs. If one does, sets `started` before it can end.
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

    /// For the worker that was told to end: whether it does. It goes on if a tracer has come since, which has found it
    /// running. What it leaves behind, `leave` puts in its place before another can start.
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

    /// The claimed thread could not be started; what it had in hand is nobody's any more.
    pub fn thread_failed(&self) {
        let mut inner = self.lock();
        inner.thread = Thread::Failed;
        inner.all().for_each(|lane| lane.settle(false));
        inner.forget_orphans();
        drop(inner);
        self.done.notify_all();
    }
}

/// Takes all that waits out of a lane.
fn empty(lane: &mut Lane, hands: &mut Vec<Hand>) -> Vec<Chunk> {
    let mut gone = Vec::new();
    hands.iter_mut().filter(|hand| hand.ticket == lane.ticket).for_each(|hand| gone.extend(hand.chunks.drain(..)));
    hands.retain(|hand| hand.ticket != lane.ticket);
    gone.extend(std::mem::take(&mut lane.chunks));
    lane.waiting -= gone.len();
    lane.bytes -= gone.iter().map(|chunk| chunk.records.capacity()).sum::<usize>();
    gone
}

#[cfg(test)]
mod tests;
