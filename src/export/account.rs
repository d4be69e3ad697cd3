//! A tracer as the exporter sees it: its counters, its metadata, the sampling rates of its agent.

use super::metadata::Metadata;
use crate::counters::Counters;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// How many tracers a process can have at a time; no more addresses than that, either.
pub const TRACERS_MAX: usize = 64;
const _: () = assert!(TRACERS_MAX == crate::recorder::layout::TRACERS);

/// A tracer as the exporter sees it.
#[derive(Debug, Default)]
pub struct Account {
    /// What it has counted.
    pub counters: Counters,
    /// What payloads say of it; none while the slot is unused.
    pub metadata: Mutex<Option<Arc<Metadata>>>,
    /// The sampling rates that its agent last gave, by `service:…,env:…`.
    pub rates: Mutex<BTreeMap<String, f64>>,
    /// Whether the start-up line was logged.
    pub announced: AtomicBool,
    /// Monotonic time in ns from which nothing of it is tried again; 0 for never.
    pub give_up_at: AtomicU64,
}

impl Account {
    /// The metadata, if the slot is in use.
    pub fn metadata(&self) -> Option<Arc<Metadata>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Metadata>>> {
        self.metadata.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account is a new tracer's from here on: nothing is counted yet.
    pub fn give_to(&self, metadata: Arc<Metadata>) {
        let mut owner = self.lock();
        self.counters.reset();
        self.give_up_at.store(0, Relaxed);
        self.announced.store(false, Relaxed);
        self.rates.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *owner = Some(metadata);
    }

    /// Whether it is the account of the tracer with this metadata, and not of one that has the slot since.
    pub fn is_of(&self, metadata: &Arc<Metadata>) -> bool {
        self.lock().as_ref().is_some_and(|owner| Arc::ptr_eq(owner, metadata))
    }

    /// Counts something for the tracer with this metadata; does nothing if the slot is another tracer's by now.
    pub fn count_for(&self, metadata: &Arc<Metadata>, count: impl FnOnce(&Counters)) {
        let owner = self.lock();
        if owner.as_ref().is_some_and(|owner| Arc::ptr_eq(owner, metadata)) {
            count(&self.counters);
        }
    }
}
