//! The bounded queue between the threads that finish spans and the worker of one agent. Full means a counted drop, at
//! once. Under its lock things are only swapped and counted; waking happens after unlocking.

use crate::inspect::{holding, shapes, signed, unsigned, Field, Noun};
use crate::memory::{Buffer, Claim};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Stands for "no sampling priority" and "no decision maker".
pub const NO_PRIORITY: i32 = i32::MIN;

/// Places for chunks that an empty queue keeps.
const PLACES_KEPT: usize = 256;

/// Finished spans of one trace, on their way.
#[derive(Debug)]
pub struct Chunk {
    /// Index of the tracer.
    pub tracer: u32,
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id.
    pub trace_id_low: u64,
    /// The sampling priority, or [`NO_PRIORITY`].
    pub priority: i32,
    /// The decision maker, or [`NO_PRIORITY`].
    pub decision: i32,
    /// How many spans.
    pub spans: u32,
    /// Whether no span of the trace was open when the chunk left.
    pub complete: bool,
    /// The records, one behind another, in the order in which spans finished.
    pub records: Buffer,
    /// The place in the queue's history, given by [`Queue::push`].
    pub sequence: u64,
}

impl Chunk {
    /// The trace id as one number.
    pub fn trace_id(&self) -> u128 {
        u128::from(self.trace_id_high) << 64 | u128::from(self.trace_id_low)
    }
}

/// A chunk as debuggers see it.
pub fn inspected() -> Noun {
    let fields = vec![
        unsigned!(Chunk, tracer),
        unsigned!(Chunk, trace_id_high),
        unsigned!(Chunk, trace_id_low),
        signed!(Chunk, priority),
        signed!(Chunk, decision),
        unsigned!(Chunk, spans),
        unsigned!(Chunk, complete),
        holding!(One of "buffer", Chunk, records),
    ];
    Noun::inside::<Chunk>("chunk", fields)
}

/// What a tracer allows its queue.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes that may wait, by capacity.
    pub bytes: usize,
    /// The most chunks that may wait.
    pub chunks: usize,
    /// Waiting bytes at which the worker is woken before its interval is over.
    pub flush_bytes: usize,
}

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
    chunks: VecDeque<Chunk>,
    /// What `chunks` occupies, without what the chunks hold.
    places: Claim,
    /// The same of the worker's hand.
    hand_places: Claim,
    /// How many wait, those in the worker's hand among them.
    waiting: usize,
    bytes: usize,
    /// Chunks ever pushed.
    pushed: u64,
    /// Of these, how many are sent or dropped; all before are too.
    resolved: u64,
    /// Of these, up to which the worker has taken them.
    taken: u64,
    /// Somebody waits for chunks up to this one.
    wanted: u64,
    /// Counts reasons for a waiting worker to look up.
    nudges: u64,
    /// How many of these the worker has looked up for: one that comes while it is busy is not forgotten.
    heeded: u64,
    /// Tracers that send through here.
    attached: u32,
    thread: Thread,
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    inner: Mutex<Inner>,
    /// What the worker has swapped out and not taken yet: so that whoever pushes never waits while thousands are counted
    /// out. Locked before `inner`.
    hand: Mutex<VecDeque<Chunk>>,
    work: Condvar,
    done: Condvar,
}

/// Why the worker was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There is something to do, or an interval has passed.
    Work,
    /// Nobody is attached and nothing is left: the thread ends.
    End,
}

impl Default for Queue {
    fn default() -> Queue {
        let inner = Inner {
            chunks: VecDeque::new(),
            places: Claim::default(),
            hand_places: Claim::default(),
            waiting: 0,
            bytes: 0,
            pushed: 0,
            resolved: 0,
            taken: 0,
            wanted: 0,
            nudges: 0,
            heeded: 0,
            attached: 0,
            thread: Thread::None,
        };
        Queue { inner: Mutex::new(inner), hand: Mutex::default(), work: Condvar::new(), done: Condvar::new() }
    }
}

impl Inner {
    #[inline]
    fn count_places(&mut self) {
        let bytes = self.chunks.capacity() * std::mem::size_of::<Chunk>();
        if bytes != self.places.bytes() {
            self.places.set(bytes);
        }
    }

    /// What was removed from the end of the queue is resolved as soon as all before it is.
    fn settle(&mut self) {
        if self.waiting == 0 && (self.resolved >= self.taken || self.thread != Thread::Running) {
            self.resolved = self.pushed;
        }
    }
}

impl Queue {
    /// Where chunks lie, as debuggers see it. Asks this queue, since where a lock has its content is for it to know.
    pub fn inspected(&self) -> Vec<Field> {
        let inner = std::mem::offset_of!(Queue, inner) + shapes::in_mutex(&self.inner);
        let hand = holding!(Deque of "chunk", Queue, hand);
        vec![
            holding!(Deque of "chunk", Inner, chunks as "queue").moved(inner),
            hand.moved(shapes::in_mutex(&self.hand)),
            unsigned!(Inner, attached as "in_use").moved(inner),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a chunk; gives it back when the queue is full. Returns chunks and bytes that wait now.
    #[inline]
    pub fn push(&self, mut chunk: Chunk, limits: Limits) -> Result<(u64, u64), Chunk> {
        let size = chunk.records.capacity();
        let mut inner = self.lock();
        if inner.bytes + size > limits.bytes || inner.waiting >= limits.chunks || inner.chunks.try_reserve(1).is_err() {
            return Err(chunk);
        }
        inner.pushed += 1;
        chunk.sequence = inner.pushed;
        inner.count_places();
        let before = inner.bytes;
        inner.bytes += size;
        inner.waiting += 1;
        inner.chunks.push_back(chunk);
        let (chunks, bytes) = (inner.waiting as u64, inner.bytes as u64);
        let wake = before < limits.flush_bytes && inner.bytes >= limits.flush_bytes;
        inner.nudges += u64::from(wake);
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok((chunks, bytes))
    }

    /// For the worker: chunks of one tracer from the front, up to `max` bytes of records.
    pub fn take(&self, max: usize, out: &mut Vec<Chunk>) {
        let mut hand = self.hand();
        if hand.is_empty() {
            let mut inner = self.lock();
            // What a backlog needed is given back when that is over, not while it comes and goes.
            if hand.capacity() > PLACES_KEPT && inner.chunks.len() < hand.capacity() / 16 {
                *hand = VecDeque::new();
            }
            std::mem::swap(&mut *hand, &mut inner.chunks);
            inner.count_places();
            inner.hand_places.set(hand.capacity() * std::mem::size_of::<Chunk>());
        }
        let (mut bytes, mut held, mut tracer) = (0, 0, None);
        while let Some(chunk) = hand.front() {
            if *tracer.get_or_insert(chunk.tracer) != chunk.tracer || (bytes > 0 && bytes + chunk.records.len() > max) {
                break;
            }
            bytes += chunk.records.len();
            held += chunk.records.capacity();
            out.extend(hand.pop_front());
        }
        if let Some(last) = out.last() {
            let mut inner = self.lock();
            inner.taken = last.sequence;
            inner.bytes -= held;
            inner.waiting -= out.len();
        }
    }

    fn hand(&self) -> MutexGuard<'_, VecDeque<Chunk>> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chunks and bytes that wait now.
    pub fn waiting(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.waiting as u64, inner.bytes as u64)
    }

    /// For the worker: waits for work for up to `interval`.
    pub fn wait(&self, interval: Duration) -> Wake {
        let mut inner = self.lock();
        let deadline = Instant::now() + interval;
        loop {
            if inner.attached == 0 && inner.waiting == 0 {
                return Wake::End;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || inner.nudges != inner.heeded || inner.wanted > inner.resolved {
                inner.heeded = inner.nudges;
                return Wake::Work;
            }
            inner = self.work.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// For the worker, between attempts: waits, but not past the moment when somebody asks for a flush.
    pub fn pause(&self, time: Duration) {
        let mut inner = self.lock();
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || inner.nudges != inner.heeded {
                inner.heeded = inner.nudges;
                return;
            }
            inner = self.work.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// For the worker: all chunks up to `sequence` are sent or dropped.
    pub fn resolve(&self, sequence: u64) {
        let mut inner = self.lock();
        inner.resolved = inner.resolved.max(sequence);
        inner.settle();
        drop(inner);
        self.done.notify_all();
    }

    /// Asks for all that waits now to be sent, and waits until it is sent or dropped. False when `time` is over first.
    pub fn flush(&self, time: Duration) -> bool {
        let mut inner = self.lock();
        let (deadline, target) = (Instant::now() + time, inner.pushed);
        if inner.resolved >= target {
            return true;
        }
        inner.wanted = inner.wanted.max(target);
        inner.nudges += 1;
        self.work.notify_one();
        loop {
            if inner.resolved >= target {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inner = self.done.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether all that was ever pushed is sent or dropped.
    pub fn is_resolved(&self) -> bool {
        let inner = self.lock();
        inner.resolved >= inner.pushed
    }

    /// Makes a waiting worker look up.
    pub fn nudge(&self) {
        self.lock().nudges += 1;
        self.work.notify_one();
    }

    /// Takes a tracer's chunks out of the queue, for a shutdown whose time is over.
    pub fn remove(&self, tracer: u32) -> Vec<Chunk> {
        let mut hand = self.hand();
        let mut inner = self.lock();
        let mut gone = Vec::new();
        for chunks in [&mut *hand, &mut inner.chunks] {
            let (out, kept): (Vec<_>, Vec<_>) =
                std::mem::take(chunks).into_iter().partition(|chunk| chunk.tracer == tracer);
            *chunks = kept.into();
            gone.extend(out);
        }
        inner.waiting -= gone.len();
        inner.bytes -= gone.iter().map(|chunk| chunk.records.capacity()).sum::<usize>();
        inner.settle();
        drop((inner, hand));
        self.done.notify_all();
        gone
    }

    /// One more tracer sends through here.
    pub fn attach(&self) {
        self.lock().attached += 1;
    }

    /// One less; the worker ends when it was the last and nothing is left.
    pub fn detach(&self) {
        let mut inner = self.lock();
        inner.attached = inner.attached.saturating_sub(1);
        inner.nudges += 1;
        drop(inner);
        self.work.notify_one();
    }

    /// How many tracers send through here, and whether anything waits or the thread runs.
    pub fn in_use(&self) -> bool {
        let inner = self.lock();
        inner.attached > 0 || inner.waiting > 0 || inner.thread == Thread::Running
    }

    /// Claims the right to start the worker's thread, if none runs.
    pub fn claim_thread(&self) -> bool {
        let mut inner = self.lock();
        let free = inner.thread != Thread::Running;
        inner.thread = Thread::Running;
        free
    }

    /// For the worker that was told to end: whether it does. It goes on if a tracer has come since, which has found it
    /// running. What it leaves behind, `leave` puts in its place before another can start.
    pub fn end_thread(&self, leave: impl FnOnce()) -> bool {
        let mut inner = self.lock();
        let ends = inner.attached == 0 && inner.waiting == 0;
        if ends {
            leave();
            inner.thread = Thread::None;
        }
        ends
    }

    /// The claimed thread could not be started, or a defect ended it; what it had in hand is nobody's any more.
    pub fn thread_failed(&self) {
        let mut inner = self.lock();
        inner.thread = Thread::Failed;
        inner.settle();
        drop(inner);
        self.done.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Pool;

    const LIMITS: Limits = Limits { bytes: 4096, chunks: 5, flush_bytes: 2048 };

    fn chunk(tracer: u32, capacity: usize) -> Chunk {
        let mut records = Pool::default().take(capacity).unwrap();
        records.push(&vec![1; capacity]).unwrap();
        Chunk {
            tracer,
            trace_id_high: 0,
            trace_id_low: 1,
            priority: 1,
            decision: 0,
            spans: 1,
            complete: true,
            records,
            sequence: 0,
        }
    }

    #[test]
    fn a_full_queue_gives_the_chunk_back_at_once() {
        let queue = Queue::default();
        for _ in 0..4 {
            queue.push(chunk(0, 1024), LIMITS).unwrap();
        }
        assert!(queue.push(chunk(0, 512), LIMITS).is_err(), "bytes");
        let queue = Queue::default();
        for _ in 0..5 {
            queue.push(chunk(0, 512), LIMITS).unwrap();
        }
        assert!(queue.push(chunk(0, 512), LIMITS).is_err(), "chunks");
    }

    #[test]
    fn one_payload_holds_one_tracers_chunks_up_to_its_size() {
        let queue = Queue::default();
        for tracer in [0, 0, 1, 0] {
            queue.push(chunk(tracer, 512), LIMITS).unwrap();
        }
        let mut sizes = Vec::new();
        for max in [700, 5_000, 5_000, 5_000] {
            let mut out = Vec::new();
            queue.take(max, &mut out);
            sizes.push(out.len());
        }
        assert_eq!(sizes, [1, 1, 1, 1]);
    }

    #[test]
    fn what_a_shutdown_removes_keeps_no_flush_waiting_and_no_worker_awake() {
        let queue = Queue::default();
        queue.attach();
        assert!(queue.claim_thread());
        queue.push(chunk(0, 512), LIMITS).unwrap();
        let mut out = Vec::new();
        queue.take(5_000, &mut out);
        queue.push(chunk(0, 512), LIMITS).unwrap();
        assert!(!queue.flush(Duration::ZERO));
        assert_eq!(queue.remove(0).len(), 1);
        assert!(!queue.is_resolved(), "the worker has one in hand");
        queue.resolve(out[0].sequence);
        assert!(queue.is_resolved() && queue.flush(Duration::ZERO));
        assert_eq!(queue.wait(Duration::from_secs(60)), Wake::Work, "the flush came while it was busy: once");
        let began = Instant::now();
        assert_eq!(queue.wait(Duration::from_millis(30)), Wake::Work);
        assert!(began.elapsed() >= Duration::from_millis(30), "a worker that nobody waits for sleeps");
    }

    #[test]
    fn a_worker_that_was_told_to_end_goes_on_for_a_tracer_that_has_come_since() {
        let queue = Queue::default();
        assert!(queue.claim_thread());
        assert_eq!(queue.wait(Duration::from_secs(60)), Wake::End);
        queue.attach();
        assert!(!queue.claim_thread());
        assert!(!queue.end_thread(|| panic!("it goes on")));
        queue.detach();
        assert!(queue.end_thread(|| ()) && queue.claim_thread());
    }

    #[test]
    fn flush_waits_for_what_was_queued_and_no_longer_than_asked() {
        let queue = Queue::default();
        assert!(queue.flush(Duration::ZERO), "nothing waits");
        queue.push(chunk(0, 512), LIMITS).unwrap();
        assert!(!queue.flush(Duration::from_millis(20)));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                queue.attach();
                assert_eq!(queue.wait(Duration::from_secs(60)), Wake::Work, "a flush ends the interval");
                let mut out = Vec::new();
                queue.take(5_000, &mut out);
                queue.resolve(out[0].sequence);
            });
            assert!(queue.flush(Duration::from_secs(30)));
        });
    }
}
