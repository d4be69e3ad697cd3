//! Records in memory: the bounded queue, and the ring from which a host pulls. Nothing here formats a record or knows
//! where it goes.

use super::callback::Returned;
use crate::inspect::{holding, shapes, unsigned, Field, Kind, TypeDescriptor};
use crate::languages::Line;
use crate::level::Level;
use crate::sys;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Records that a queue holds at most.
pub const RECORDS_MAX: usize = 4096;
/// Bytes that a queue holds at most, [`RECORD_OVERHEAD`] for each record included.
pub const BYTES_MAX: usize = 1 << 20;
/// What a record is taken to occupy beside its text.
const RECORD_OVERHEAD: usize = 128;

/// One formatted record.
#[derive(Clone, Debug)]
pub struct Record {
    /// When it was made: wall time, nanoseconds since 1970.
    pub time_ns: u64,
    /// Its level.
    pub level: Level,
    /// The event's kind, or the target that the host gave.
    pub target: String,
    /// The logger's name in the chosen dialect.
    pub logger: Cow<'static, str>,
    /// The whole record, without a newline at its end and without NUL.
    pub text: String,
    /// Where in `text` the message begins, behind time, level and name.
    pub message_at: usize,
    /// Whether it is for the host's own log alone, even where a file is set.
    pub host_only: bool,
    /// Whether the calling thread has written it to standard error already.
    pub(super) on_stderr: bool,
    /// How many records were lost right before this one in the queue it was taken from.
    pub lost: u64,
}

impl Record {
    /// An empty record.
    pub(super) fn new(level: Level) -> Record {
        let (target, text) = (String::new(), String::new());
        let logger = Cow::Borrowed("");
        Record { time_ns: 0, level, target, logger, text, message_at: 0, host_only: false, on_stderr: false, lost: 0 }
    }

    pub(super) fn of(line: Line, target: &str, time_ns: u64) -> Record {
        let Line { level, logger, text, message_at, host_only, .. } = line;
        // Dialects escape what comes from outside; names do not pass through them.
        let target = target.replace('\0', "\u{fffd}");
        let logger = if logger.contains('\0') { logger.replace('\0', "\u{fffd}").into() } else { logger };
        Record { time_ns, level, target, logger, text, message_at, host_only, on_stderr: false, lost: 0 }
    }

    fn weight(&self) -> usize {
        self.text.len() + self.target.len() + RECORD_OVERHEAD
    }
}

/// A record as debuggers see it, and what leads to one.
pub(super) fn inspected() -> [TypeDescriptor; 2] {
    let any = Arc::new(Record::new(Level::Info));
    let behind = shapes::in_arc(&any);
    let record = [unsigned!(Record, time_ns), unsigned!(Record, level), holding!(Vec of "byte", Record, text)];
    let record = record.into_iter().map(|field| field.moved(behind)).collect();
    let pointer = Field::of::<Arc<Record>, _>("record", 0, |it| it, Kind::Pointer, "log_record");
    [
        TypeDescriptor::inside::<Record>("log_record", record).sized(behind + size_of::<Record>()),
        TypeDescriptor::inside::<Arc<Record>>("log_pointer", vec![pointer]),
    ]
}

/// What a full queue gives up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// The oldest records: whoever looks late sees the latest.
    DropOldest,
    /// New ones, until half of the queue is free again: what is being written stays in order and in one piece.
    DropNewest,
}

/// A bounded queue that counts what it loses.
pub(super) struct Queue {
    records: VecDeque<Arc<Record>>,
    when_full: WhenFull,
    bytes: usize,
    text_bytes: usize,
    lost: u64,
    full: bool,
}

impl Queue {
    pub fn new(when_full: WhenFull) -> Queue {
        Queue { records: VecDeque::new(), when_full, bytes: 0, text_bytes: 0, lost: 0, full: false }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Adds a record if the bounds and the policy allow it; says whether it did, and hands out what had to go, so that
    /// the caller frees it without the lock.
    pub fn push(&mut self, mut record: Arc<Record>) -> (bool, Vec<Arc<Record>>) {
        let mut evicted = Vec::new();
        if record.weight() > BYTES_MAX {
            self.lost += 1;
            return (false, evicted);
        }
        match self.when_full {
            WhenFull::DropOldest => {
                while !self.has_room(record.weight(), 1) {
                    let Some(oldest) = self.take() else { break };
                    self.lost += oldest.lost + 1;
                    evicted.push(oldest);
                }
            }
            WhenFull::DropNewest => {
                if !self.has_room(record.weight(), if self.full { 2 } else { 1 }) && self.len() > 0 {
                    self.full = true;
                    self.lost += 1;
                    return (false, evicted);
                }
                self.full = false;
                if self.lost > 0 {
                    record = with_lost(&record, std::mem::take(&mut self.lost));
                }
            }
        }
        self.count_in(&record);
        self.records.push_back(record);
        (true, evicted)
    }

    /// How many were lost after the last record in the queue; they count as told from now on.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// The oldest record, told how many were lost before it.
    pub fn pop(&mut self) -> Option<Arc<Record>> {
        let record = self.take()?;
        if self.when_full == WhenFull::DropOldest && self.lost > 0 {
            let lost = record.lost + std::mem::take(&mut self.lost);
            return Some(with_lost(&record, lost));
        }
        Some(record)
    }

    fn take(&mut self) -> Option<Arc<Record>> {
        let record = self.records.pop_front()?;
        self.bytes -= record.weight();
        self.text_bytes -= record.text.len();
        Some(record)
    }

    fn has_room(&self, weight: usize, share: usize) -> bool {
        self.records.len() < RECORDS_MAX / share && self.bytes + weight <= BYTES_MAX / share
    }

    fn count_in(&mut self, record: &Record) {
        self.bytes += record.weight();
        self.text_bytes += record.text.len();
    }
}

fn with_lost(record: &Record, lost: u64) -> Arc<Record> {
    Arc::new(Record { lost, ..record.clone() })
}

/// The ring that hosts pull from, on threads of their own. Drops the oldest records when full.
pub(super) struct Ring {
    queue: Mutex<Queue>,
    event: Mutex<Option<sys::Event>>,
}

impl Ring {
    /// What waits, as debuggers see it.
    pub fn inspected(&self) -> [Field; 2] {
        let queue = std::mem::offset_of!(Ring, queue) + shapes::in_mutex(&self.queue);
        [holding!(Deque of "log_pointer", Queue, records as "ring").moved(queue), unsigned!(Queue, lost).moved(queue)]
    }

    pub fn new() -> Ring {
        Ring { queue: Mutex::new(Queue::new(WhenFull::DropOldest)), event: Mutex::new(None) }
    }

    pub fn push(&self, record: Arc<Record>) {
        let mut queue = self.lock();
        let was_empty = queue.len() == 0;
        let (_, evicted) = queue.push(record);
        drop(queue);
        if was_empty {
            self.with_event(sys::Event::set);
        }
        drop(evicted);
    }

    /// Gives up to `max` of the records that wait now to `each`, holding no lock meanwhile; the answer is how many. In a
    /// child that `each` has forked the rest is the parent's, and so are the lock and the descriptor.
    pub fn poll(&self, max: usize, generation: u32, each: &mut dyn FnMut(&Record)) -> usize {
        self.clear();
        let waiting = self.lock().len().min(max);
        let mut given = 0;
        while given < waiting {
            let Some(record) = self.lock().pop() else { break };
            each(&record);
            given += 1;
            if Returned::to(generation) == Returned::InForkedChild {
                std::mem::forget(record);
                return given;
            }
        }
        self.signal_if_any();
        given
    }

    /// Takes the oldest record if it `fits`. Answers with what the oldest one `needs`, 0 where none waits.
    pub fn take(
        &self,
        fits: impl Fn(&Record) -> bool,
        needs: impl Fn(&Record) -> usize,
    ) -> (Option<Arc<Record>>, usize) {
        self.clear();
        let (taken, need) = {
            let mut queue = self.lock();
            let need = queue.records.front().map_or(0, |record| needs(record));
            let fits = queue.records.front().is_some_and(|record| fits(record));
            (if fits { queue.pop() } else { None }, need)
        };
        self.signal_if_any();
        (taken, need)
    }

    /// Copies whole lines, each with a newline, and takes the records copied. Answers the bytes written and the bytes
    /// that all waiting lines would have needed. `tell` makes the record that says how many were lost.
    pub fn drain(&self, out: &mut [u8], tell: &dyn Fn(u64) -> Record) -> (usize, usize) {
        self.clear();
        let lost = std::mem::take(&mut self.lock().lost);
        let told = (lost > 0).then(|| Arc::new(Record { lost, ..tell(lost) }));
        let (taken, need) = {
            let mut queue = self.lock();
            if let Some(record) = told {
                queue.count_in(&record);
                queue.records.push_front(record);
            }
            let need = queue.text_bytes + queue.len();
            let (mut taken, mut room) = (Vec::new(), out.len());
            while let Some(length) = queue.records.front().map(|record| record.text.len() + 1) {
                if length > room {
                    break;
                }
                room -= length;
                taken.extend(queue.take());
            }
            (taken, need)
        };
        let mut written = 0;
        for record in &taken {
            let end = written + record.text.len();
            out[written..end].copy_from_slice(record.text.as_bytes());
            out[end] = b'\n';
            written = end + 1;
        }
        self.signal_if_any();
        (written, need)
    }

    /// The descriptor that is readable while records wait. Made by the first call, and anew if the host has closed it.
    /// `None`: the system has no more.
    pub fn fd(&self) -> Option<RawFd> {
        let fd = {
            let mut event = self.event();
            let ours = event.as_ref().and_then(sys::Event::fd);
            match ours {
                Some(fd) => return Some(fd),
                None => event.insert(sys::Event::new().ok()?).fd(),
            }
        };
        self.signal_if_any();
        fd
    }

    fn event(&self) -> MutexGuard<'_, Option<sys::Event>> {
        self.event.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_event(&self, call: impl FnOnce(&sys::Event)) {
        if let Some(event) = &*self.event() {
            call(event);
        }
    }

    /// Cleared before looking and set again after, so that no record can wait unannounced; a descriptor readable once
    /// too often is the worst case.
    fn clear(&self) {
        self.with_event(sys::Event::clear);
    }

    fn signal_if_any(&self) {
        let waiting = self.lock().len() > 0;
        if waiting {
            self.with_event(sys::Event::set);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Arc<Record> {
        Arc::new(Record { text: text.to_string(), ..Record::new(Level::Info) })
    }

    fn told(lost: u64) -> Record {
        Record { text: format!("lost {lost}"), ..(*record("")).clone() }
    }

    fn readable(fd: RawFd) -> bool {
        sys::wait_readable(fd, std::time::Duration::ZERO)
    }

    #[test]
    fn a_full_ring_keeps_the_latest_and_says_what_it_lost() {
        let ring = Ring::new();
        for n in 0..RECORDS_MAX + 10 {
            ring.push(record(&n.to_string()));
        }
        let mut first = None;
        let given = ring.poll(usize::MAX, crate::process::generation(), &mut |r| {
            first.get_or_insert((r.text.clone(), r.lost));
        });
        assert_eq!(given, RECORDS_MAX);
        assert_eq!(first, Some(("10".to_string(), 10)));
        ring.push(record("after"));
        ring.poll(1, crate::process::generation(), &mut |r| assert_eq!(r.lost, 0));
    }

    #[test]
    fn a_full_push_queue_keeps_the_oldest_until_half_is_free() {
        let mut queue = Queue::new(WhenFull::DropNewest);
        for n in 0..RECORDS_MAX + 3 {
            assert_eq!(queue.push(record(&n.to_string())).0, n < RECORDS_MAX);
        }
        assert_eq!(queue.pop().map(|r| r.text.clone()).as_deref(), Some("0"));
        assert!(!queue.push(record("still full")).0);
        while queue.len() >= RECORDS_MAX / 2 {
            queue.pop();
        }
        assert!(queue.push(record("again")).0);
        let last = std::iter::from_fn(|| queue.pop()).last();
        assert_eq!(last.map(|r| (r.text.clone(), r.lost)), Some(("again".to_string(), 4)));
    }

    #[test]
    fn bytes_are_bounded_as_well_as_records() {
        let ring = Ring::new();
        let long = "x".repeat(BYTES_MAX / 4);
        for _ in 0..20 {
            ring.push(record(&long));
        }
        assert_eq!(ring.poll(100, crate::process::generation(), &mut |_| ()), 3);
        ring.push(record(&"x".repeat(BYTES_MAX)));
        assert_eq!(ring.poll(100, crate::process::generation(), &mut |_| ()), 0);
    }

    #[test]
    fn drain_takes_whole_lines_and_says_how_much_all_need() {
        let ring = Ring::new();
        ring.push(record("one"));
        ring.push(record("three"));
        let mut out = [0u8; 8];
        assert_eq!(ring.drain(&mut [], &told), (0, 10));
        assert_eq!(ring.drain(&mut out, &told), (4, 10));
        assert_eq!(&out[..4], b"one\n");
        assert_eq!(ring.drain(&mut out[..5], &told), (0, 6));
        assert_eq!(ring.drain(&mut out, &told), (6, 6));
        assert_eq!(&out[..6], b"three\n");
        assert_eq!(ring.drain(&mut out, &told), (0, 0));
    }

    #[test]
    fn drain_tells_of_lost_records_in_a_line() {
        let ring = Ring::new();
        for _ in 0..RECORDS_MAX + 7 {
            ring.push(record("x"));
        }
        let mut out = vec![0u8; 64 * 1024];
        let (written, _) = ring.drain(&mut out, &told);
        assert!(out[..written].starts_with(b"lost 7\nx\n"));
    }

    #[test]
    fn the_descriptor_is_readable_exactly_while_records_wait() {
        let ring = Ring::new();
        ring.push(record("before"));
        let fd = ring.fd().expect("a descriptor");
        assert_eq!(ring.fd(), Some(fd));
        assert!(readable(fd));
        ring.push(record("second"));
        assert_eq!(ring.poll(1, crate::process::generation(), &mut |_| ()), 1);
        assert!(readable(fd), "one still waits");
        assert_eq!(ring.poll(1, crate::process::generation(), &mut |_| ()), 1);
        assert!(!readable(fd));
        ring.push(record("third"));
        assert!(readable(fd));
        ring.drain(&mut [0; 64], &told);
        assert!(!readable(fd));
    }

    #[test]
    fn one_record_can_be_taken_and_one_that_does_not_fit_waits() {
        let ring = Ring::new();
        let length = |record: &Record| record.text.len();
        assert!(matches!(ring.take(|_| true, length), (None, 0)));
        ring.push(record("three"));
        assert!(matches!(ring.take(|record| record.text.len() < 5, length), (None, 5)));
        let (taken, need) = ring.take(|_| true, length);
        assert_eq!((taken.map(|record| record.text.clone()).as_deref(), need), (Some("three"), 5));
        assert!(matches!(ring.take(|_| true, length), (None, 0)));
    }

    #[test]
    fn a_reader_that_logs_ends_and_sees_its_record_next_time() {
        let ring = Ring::new();
        ring.push(record("first"));
        assert_eq!(ring.poll(usize::MAX, crate::process::generation(), &mut |_| ring.push(record("from inside"))), 1);
        assert_eq!(ring.poll(usize::MAX, crate::process::generation(), &mut |r| assert_eq!(r.text, "from inside")), 1);
    }
}
