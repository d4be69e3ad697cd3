//! A tracer as the exporter sees it: its counters and its metadata.

use super::metadata::Metadata;
use crate::counters::Counters;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// How many tracers a process can have at a time. It has no more exporters than that.
pub const TRACERS_MAX: usize = 64;
const _: () = assert!(TRACERS_MAX == crate::recorder::layout::TRACERS);

/// See the module.
#[derive(Debug, Default)]
pub struct Account {
    /// Its counters.
    pub counters: Counters,
    /// Its metadata; none while the slot is unused.
    pub metadata: Mutex<Option<Arc<Metadata>>>,
    /// Whether the start-up line was logged.
    pub announced: AtomicBool,
    /// After this monotonic time in nanoseconds no payload of it is tried again; 0 for never.
    pub give_up_at: AtomicU64,
}

impl Account {
    /// Returns the metadata, if the slot is in use.
    pub fn metadata(&self) -> Option<Arc<Metadata>> {
        self.lock().clone()
    }

    /// Passes the metadata to `make`, if the slot is in use. The account is locked meanwhile.
    pub fn with_metadata<R>(&self, make: impl FnOnce(Option<&Metadata>) -> R) -> R {
        make(self.lock().as_deref())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Metadata>>> {
        self.metadata.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the account to a new tracer: resets all counters.
    pub fn give_to(&self, metadata: Arc<Metadata>) {
        let mut owner = self.lock();
        self.counters.reset();
        self.give_up_at.store(0, Relaxed);
        self.announced.store(false, Relaxed);
        *owner = Some(metadata);
    }

    /// Gives the tracer that has the account other metadata of its own. Its counters go on.
    pub fn change(&self, metadata: Arc<Metadata>) {
        let mut owner = self.lock();
        if owner.as_ref().is_some_and(|owner| owner.is_of_same(&metadata)) {
            *owner = Some(metadata);
        }
    }

    /// Whether the tracer with this metadata still has the account. Another tracer may have its slot by now.
    pub fn is_of(&self, metadata: &Arc<Metadata>) -> bool {
        self.lock().as_ref().is_some_and(|owner| owner.is_of_same(metadata))
    }

    /// Counts something for the tracer with this metadata; does nothing if another tracer has its slot by now.
    pub fn count_for(&self, metadata: &Arc<Metadata>, count: impl FnOnce(&Counters)) {
        let owner = self.lock();
        if owner.as_ref().is_some_and(|owner| owner.is_of_same(metadata)) {
            count(&self.counters);
        }
    }
}
