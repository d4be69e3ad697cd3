//! The queue in front of the log thread, and the state of that thread.

use super::queue::{Queue, WhenFull};
use super::record::Record;
use crate::sys;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Records taken from the queue at once.
const BATCH: usize = 16;
/// How long the thread sleeps at a time if nothing is due.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);
/// How long the thread is not started again after that failed.
const START_AGAIN: Duration = Duration::from_secs(1);

/// The records that wait for the log thread, and whether that thread runs.
pub(super) struct Push {
    state: Mutex<State>,
    wake: Condvar,
    written: Condvar,
}

struct State {
    queue: Queue,
    accepted: u64,
    done: u64,
    waiting: bool,
    alive: bool,
    closing: bool,
    start_after: Option<Instant>,
}

impl State {
    /// Returns whether the caller must start the thread.
    fn claim(&mut self) -> bool {
        let start = !self.alive && self.start_after.is_none_or(|after| Instant::now() >= after);
        self.alive |= start;
        start
    }
}

impl Push {
    pub fn new() -> Push {
        let state = State {
            queue: Queue::new(WhenFull::DropNewest),
            accepted: 0,
            done: 0,
            waiting: false,
            alive: false,
            closing: false,
            start_after: None,
        };
        Push { state: Mutex::new(state), wake: Condvar::new(), written: Condvar::new() }
    }

    /// Queues a record, or counts it as lost. Returns whether it was queued, and whether the caller must start the
    /// thread.
    pub fn add(&self, record: Arc<Record>) -> (bool, bool) {
        let mut state = self.lock();
        let (queued, _) = state.queue.push(record);
        state.accepted += u64::from(queued);
        let start = state.claim();
        let wake = std::mem::take(&mut state.waiting);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        (queued, start)
    }

    /// Waits for the next records, or until gathered errors are due; `None` after [`Push::close`]. `done` records of
    /// the last call are written. With the last record that waits, returns how many were lost after it: no later record
    /// may ever say so. Calls `due_ns` under the lock that opening a window takes, so that no window is missed.
    pub fn next(&self, done: usize, due_ns: impl Fn() -> Option<u64>) -> Option<(Vec<Arc<Record>>, u64)> {
        let mut state = self.lock();
        state.done += done as u64;
        self.written.notify_all();
        while state.queue.len() == 0 {
            if state.closing {
                return None;
            }
            let due = due_ns();
            let left = due.map_or(LOOK_AGAIN, |due| Duration::from_nanos(due.saturating_sub(sys::monotonic_ns())));
            if due.is_some() && left.is_zero() {
                return Some((Vec::new(), 0));
            }
            state.waiting = true;
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting = false;
        }
        let batch = (0..BATCH).map_while(|_| state.queue.pop()).collect();
        let lost = if state.queue.len() == 0 { state.queue.take_lost() } else { 0 };
        Some((batch, lost))
    }

    /// Wakes the thread, so that it looks at the time again. Returns whether the caller must start it.
    pub fn wake(&self) -> bool {
        let mut state = self.lock();
        let start = state.claim();
        state.waiting = false;
        drop(state);
        self.wake.notify_one();
        start
    }

    /// Waits until the records that were queued before this call are written; false at the deadline or without a
    /// thread.
    pub fn flush(&self, deadline: Duration) -> bool {
        let give_up = Instant::now() + deadline;
        let mut state = self.lock();
        let target = state.accepted;
        while state.done < target {
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() || !state.alive {
                return false;
            }
            state = self.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Ends the thread after it has written the queued records.
    pub fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_all();
    }

    /// Returns whether the caller must start the thread.
    pub fn claim(&self) -> bool {
        self.lock().claim()
    }

    /// Whether the thread runs or is being started.
    pub fn is_alive(&self) -> bool {
        self.lock().alive
    }

    /// Takes back a claim: the thread could not be started. The next one is tried after a second.
    pub fn not_started(&self) {
        let mut state = self.lock();
        state.alive = false;
        state.start_after = Some(Instant::now() + START_AGAIN);
        drop(state);
        self.written.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
