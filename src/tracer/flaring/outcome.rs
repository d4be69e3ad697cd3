//! What became of a flare, for a caller that waits for it.

use crate::event::FlareFault;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// See the module.
#[derive(Default)]
pub(super) struct Outcome {
    result: Mutex<Option<Result<(), FlareFault>>>,
    is_set: Condvar,
}

impl Outcome {
    /// Keeps the result, and wakes the caller.
    pub fn set(&self, result: Result<(), FlareFault>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.is_set.notify_all();
    }

    /// Waits for the result. `None` if there is none within this time.
    pub fn wait(&self, time: Duration) -> Option<Result<(), FlareFault>> {
        let held = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.is_set.wait_timeout_while(held, time, |result| result.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}
