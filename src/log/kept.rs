//! The last records of the log, for flares. They are kept whether or not an output takes them.

use super::record::Record;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most bytes that are kept, an allowance for each record included.
const USUAL: usize = 256 << 10;
/// The same while a flare is being prepared.
const PREPARING: usize = 8 << 20;

/// See the module.
pub(super) struct Kept {
    most: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
    dropped: u64,
}

impl Kept {
    pub fn new() -> Kept {
        Kept { most: AtomicUsize::new(USUAL), inner: Mutex::default() }
    }

    /// Keeps more records from now on, or as few as usual.
    pub fn prepare(&self, on: bool) {
        self.most.store(if on { PREPARING } else { USUAL }, Relaxed);
        drop(self.lock().shrink(self.most()));
    }

    /// Whether a flare is being prepared.
    pub fn is_preparing(&self) -> bool {
        self.most() == PREPARING
    }

    /// Keeps a record in place of the oldest ones.
    pub fn push(&self, record: Arc<Record>) {
        let mut inner = self.lock();
        inner.bytes += record.weight();
        inner.records.push_back(record);
        let gone = inner.shrink(self.most());
        drop(inner);
        // Freed without the lock.
        drop(gone);
    }

    /// Returns the records, oldest first, and how many were dropped before them.
    pub fn all(&self) -> (Vec<Arc<Record>>, u64) {
        let inner = self.lock();
        (inner.records.iter().cloned().collect(), inner.dropped)
    }

    fn most(&self) -> usize {
        self.most.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Takes out the oldest records until the others fit.
    fn shrink(&mut self, most: usize) -> (Option<Arc<Record>>, Vec<Arc<Record>>) {
        // As a rule it is one, which needs no list.
        let (mut first, mut others) = (None, Vec::new());
        while self.bytes > most {
            let Some(oldest) = self.records.pop_front() else { break };
            self.bytes -= oldest.weight();
            self.dropped += 1;
            match first {
                None => first = Some(oldest),
                Some(_) => others.push(oldest),
            }
        }
        (first, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn record(n: usize) -> Arc<Record> {
        Arc::new(Record { text: format!("{n:0>1000}"), ..Record::new(Level::Debug) })
    }

    #[test]
    fn the_newest_records_are_kept_and_more_of_them_while_a_flare_is_prepared() {
        let kept = Kept::new();
        (0..1000).for_each(|n| kept.push(record(n)));
        let (records, dropped) = kept.all();
        assert!(records.len() > 200 && records.len() < 250, "{}", records.len());
        assert_eq!(records.len() as u64 + dropped, 1000);
        assert_eq!(records.last().map(|record| record.text.clone()), Some(format!("{:0>1000}", 999)));
        kept.prepare(true);
        (0..10_000).for_each(|n| kept.push(record(n)));
        let (records, _) = kept.all();
        assert!(records.len() > 7_000, "{}", records.len());
        kept.prepare(false);
        assert!(kept.all().0.len() < 250);
    }
}
