//! Polls that run once, because another thread asked for them.

use super::{Due, NotRun};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many may wait.
const MAX: usize = 8;

/// The polls that wait.
#[derive(Debug, Default)]
pub struct Asked(Mutex<Vec<Due>>);

impl Asked {
    /// Adds a poll. Returns false if too many wait.
    pub fn add(&self, due: Due) -> bool {
        let mut waiting = self.lock();
        let fits = waiting.len() < MAX;
        if fits {
            waiting.push(due);
        }
        fits
    }

    /// Takes all that wait, oldest first.
    pub fn take(&self) -> Vec<Due> {
        std::mem::take(&mut *self.lock())
    }

    /// Tells all that wait that there is no worker.
    pub fn fail(&self) {
        self.take().iter().for_each(|due| due.poll.failed(NotRun::NoWorker));
    }

    /// Whether any wait.
    pub fn any(&self) -> bool {
        !self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Due>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
