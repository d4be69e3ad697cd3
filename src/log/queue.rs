//! A bounded queue of records that counts what it loses.

use super::record::Record;
use std::collections::VecDeque;
use std::sync::Arc;

/// Records that a queue holds at most.
pub const RECORDS_MAX: usize = 4096;
/// Bytes that a queue holds at most, an allowance for each record included.
pub const BYTES_MAX: usize = 1 << 20;

/// What a full queue drops.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// The oldest records.
    DropOldest,
    /// New records, until half of the queue is free again, so that the written records are in order and without gaps.
    DropNewest,
}

/// A bounded queue that counts what it loses.
pub(super) struct Queue {
    pub records: VecDeque<Arc<Record>>,
    when_full: WhenFull,
    bytes: usize,
    pub text_bytes: usize,
    pub lost: u64,
    full: bool,
}

impl Queue {
    pub fn new(when_full: WhenFull) -> Queue {
        Queue { records: VecDeque::new(), when_full, bytes: 0, text_bytes: 0, lost: 0, full: false }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Adds a record if the bounds and the policy allow it. Returns whether it did, and the dropped records, so that
    /// the caller frees them without the lock.
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

    /// Returns how many records were lost after the last one in the queue, and forgets them.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Takes the oldest record; its `lost` says how many were lost before it.
    pub fn pop(&mut self) -> Option<Arc<Record>> {
        let record = self.take()?;
        if self.when_full == WhenFull::DropOldest && self.lost > 0 {
            let lost = record.lost + std::mem::take(&mut self.lost);
            return Some(with_lost(&record, lost));
        }
        Some(record)
    }

    /// Takes the oldest record as it is.
    pub fn take(&mut self) -> Option<Arc<Record>> {
        let record = self.records.pop_front()?;
        self.bytes -= record.weight();
        self.text_bytes -= record.text.len();
        Some(record)
    }

    fn has_room(&self, weight: usize, share: usize) -> bool {
        self.records.len() < RECORDS_MAX / share && self.bytes + weight <= BYTES_MAX / share
    }

    /// Counts a record that is put into `records` directly.
    pub fn count_in(&mut self, record: &Record) {
        self.bytes += record.weight();
        self.text_bytes += record.text.len();
    }
}

fn with_lost(record: &Record, lost: u64) -> Arc<Record> {
    Arc::new(Record { lost, ..record.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn record(text: &str) -> Arc<Record> {
        Arc::new(Record { text: text.to_string(), ..Record::new(Level::Info) })
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
}
