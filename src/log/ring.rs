//! The ring of records from which a host pulls.

use super::callback::Returned;
use super::queue::{Item, Kept, Queue, WhenFull};
use super::record::Record;
use crate::inspect::{holding, shapes, unsigned, Field, TypeDescriptor};
use crate::level::Level;
use crate::sys;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Describes a record, and the pointer to one, to debuggers.
pub(super) fn inspected() -> [TypeDescriptor; 2] {
    let any = Arc::new(Record::new(Level::Info));
    let behind = shapes::in_arc(&any);
    let record = [unsigned!(Record, time_ns), unsigned!(Record, level), holding!(Vec of "byte", Record, text)];
    let record = record.into_iter().map(|field| field.moved(behind)).collect();
    // The pointer is null, and there are facts, where no record was made yet.
    let item = vec![
        holding!(Pointer of "log_record", Item, record),
        holding!(Vec of "byte", Item, kept.facts.bytes as "facts"),
        unsigned!(Item, kept.moment.time_ns as "time_ns"),
    ];
    [
        TypeDescriptor::inside::<Record>("log_record", record).sized(behind + size_of::<Record>()),
        TypeDescriptor::inside::<Item>("log_pointer", item),
    ]
}

/// What a [`Ring::drain`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drained {
    /// The bytes written.
    pub written: usize,
    /// The bytes that all waiting lines would have needed.
    pub need: usize,
    /// How many records were lost, as the first line says.
    pub lost: u64,
}

/// The ring from which hosts pull, on threads of their own. Drops the oldest records when it is full.
pub(super) struct Ring {
    queue: Mutex<Queue>,
    /// Held while records are made of facts, by one reader at a time.
    preparing: Mutex<()>,
    event: Mutex<Option<sys::Event>>,
}

impl Ring {
    /// Describes the waiting records to debuggers.
    pub fn inspected(&self) -> [Field; 3] {
        let queue = std::mem::offset_of!(Ring, queue) + shapes::in_mutex(&self.queue);
        [
            holding!(Deque of "log_pointer", Queue, made as "ring_made").moved(queue),
            holding!(Deque of "log_pointer", Queue, items as "ring").moved(queue),
            unsigned!(Queue, lost).moved(queue),
        ]
    }

    pub fn new() -> Ring {
        let queue = Mutex::new(Queue::new(WhenFull::DropOldest));
        Ring { queue, preparing: Mutex::new(()), event: Mutex::new(None) }
    }

    pub fn push(&self, item: impl Into<Item>) {
        let mut queue = self.lock();
        let was_empty = queue.len() == 0;
        let (_, evicted) = queue.push(item);
        drop(queue);
        if was_empty {
            self.with_event(sys::Event::set);
        }
        drop(evicted);
    }

    /// Makes records of facts, until the `most` oldest items that wait now are records. Callers that add items are not
    /// held up: `make` runs without their lock.
    pub fn prepare(&self, most: usize, make: &dyn Fn(&Kept) -> Vec<Arc<Record>>) {
        let _preparing = self.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = self.lock().len();
        while left > 0 {
            let Some(kept) = self.lock().take_facts(most) else { break };
            let records = make(&kept);
            let evicted = self.lock().fill_gap(records);
            drop(evicted);
            left -= 1;
        }
    }

    /// Gives up to `max` of the records that wait now to `each`, and returns how many. Holds no lock meanwhile. In a
    /// child that `each` has forked the rest is the parent's, and so are the lock and the descriptor.
    pub fn poll(&self, max: usize, generation: u32, each: &mut dyn FnMut(&Record)) -> usize {
        self.clear();
        let waiting = self.lock().records().min(max);
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

    /// Takes the oldest record if it `fits`. Returns what the oldest one `needs`, 0 if none waits.
    pub fn take(
        &self,
        fits: impl Fn(&Record) -> bool,
        needs: impl Fn(&Record) -> usize,
    ) -> (Option<Arc<Record>>, usize) {
        self.clear();
        let (taken, need) = {
            let mut queue = self.lock();
            let need = queue.front().map_or(0, |record| needs(record));
            let fits = queue.front().is_some_and(|record| fits(record));
            (if fits { queue.pop() } else { None }, need)
        };
        self.signal_if_any();
        (taken, need)
    }

    /// Copies whole lines, each with a newline, and takes the copied records. `tell` makes the line that says how many were
    /// lost, which comes first.
    pub fn drain(&self, out: &mut [u8], tell: &dyn Fn(u64) -> String) -> Drained {
        self.clear();
        let mut lost = self.lock().take_lost();
        // Without a lock, because it makes words.
        let told = if lost > 0 { tell(lost) + "\n" } else { String::new() };
        let (taken, need) = {
            let mut queue = self.lock();
            let need = told.len() + queue.text_bytes + queue.records();
            let fits = out.len() >= told.len();
            let (mut taken, mut room) = (Vec::new(), if fits { out.len() - told.len() } else { 0 });
            if !fits {
                // A later call tells it.
                queue.lost += std::mem::take(&mut lost);
            }
            while let Some(length) = queue.front().map(|record| record.text.len() + 1) {
                if length > room {
                    break;
                }
                room -= length;
                taken.extend(queue.take());
            }
            (taken, need)
        };
        let mut written = 0;
        if lost > 0 {
            out[..told.len()].copy_from_slice(told.as_bytes());
            written = told.len();
        }
        for record in &taken {
            let end = written + record.text.len();
            out[written..end].copy_from_slice(record.text.as_bytes());
            out[end] = b'\n';
            written = end + 1;
        }
        self.signal_if_any();
        Drained { written, need, lost }
    }

    /// Returns the descriptor that is readable while records wait. The first call makes it, and the next one after the
    /// host has closed it. `None` if the system has no more.
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

    /// Whether the oldest item is a record.
    #[cfg(test)]
    pub fn front_is_record(&self) -> bool {
        self.lock().front().is_some()
    }

    fn event(&self) -> MutexGuard<'_, Option<sys::Event>> {
        self.event.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_event(&self, call: impl FnOnce(&sys::Event)) {
        if let Some(event) = &*self.event() {
            call(event);
        }
    }

    /// Clears the event before the queue is read; `signal_if_any` sets it again after. So no record waits without a
    /// readable descriptor; at worst the descriptor is readable once too often.
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
    use crate::log::queue::{BYTES_MAX, RECORDS_MAX};

    fn record(text: &str) -> Arc<Record> {
        Arc::new(Record { text: text.to_string(), ..Record::new(Level::Info) })
    }

    fn told(lost: u64) -> String {
        format!("lost {lost}")
    }

    fn drained(ring: &Ring, out: &mut [u8]) -> (usize, usize) {
        let Drained { written, need, .. } = ring.drain(out, &told);
        (written, need)
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
        assert_eq!(drained(&ring, &mut []), (0, 10));
        assert_eq!(drained(&ring, &mut out), (4, 10));
        assert_eq!(&out[..4], b"one\n");
        assert_eq!(drained(&ring, &mut out[..5]), (0, 6));
        assert_eq!(drained(&ring, &mut out), (6, 6));
        assert_eq!(&out[..6], b"three\n");
        assert_eq!(drained(&ring, &mut out), (0, 0));
    }

    #[test]
    fn drain_tells_of_lost_records_in_a_line() {
        let ring = Ring::new();
        for _ in 0..RECORDS_MAX + 7 {
            ring.push(record("x"));
        }
        let mut out = vec![0u8; 64 * 1024];
        let (written, _) = drained(&ring, &mut out);
        assert!(out[..written].starts_with(b"lost 7\nx\n"));
    }

    #[test]
    fn a_loss_that_a_drain_has_no_room_for_is_counted_once() {
        let ring = Ring::new();
        let push = |count| (0..count).for_each(|_| ring.push(record("x")));
        push(RECORDS_MAX + 7);
        for _ in 0..3 {
            assert_eq!(ring.drain(&mut [], &told), Drained { written: 0, need: 7 + 2 * RECORDS_MAX, lost: 0 });
        }
        push(3);
        let mut out = vec![0u8; 64 * 1024];
        let need = 8 + 2 * RECORDS_MAX;
        assert_eq!(ring.drain(&mut out, &told), Drained { written: need, need, lost: 10 });
        assert!(out.starts_with(b"lost 10\nx\n"));
        assert_eq!(ring.drain(&mut out, &told), Drained { written: 0, need: 0, lost: 0 });
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
