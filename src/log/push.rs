//! The queue in front of the log thread, and the state of that thread.

use super::queue::{Item, Kept, Queue, WhenFull};
use crate::sys;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Items taken from the queue at once.
const BATCH: usize = 64;
/// How long the thread sleeps at a time if nothing is due.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);
/// How long the thread waits for more facts before callers have to wake it: waking it for each one would cost them a system
/// call.
const DOZE: Duration = Duration::from_millis(2);
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
    /// Callers that wait in `flush`.
    flushing: usize,
    /// The thread waits and is to be woken.
    waiting: bool,
    /// The thread waits for a moment and is to be woken for records; it looks for facts by itself.
    dozing: bool,
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
            flushing: 0,
            waiting: false,
            dozing: false,
            alive: false,
            closing: false,
            start_after: None,
        };
        Push { state: Mutex::new(state), wake: Condvar::new(), written: Condvar::new() }
    }

    /// Queues a record or facts, or counts them as lost. Returns whether they were queued, and whether the caller must start
    /// the thread.
    pub fn add(&self, item: Item) -> (bool, bool) {
        let mut state = self.lock();
        let hurry = item.record.is_some();
        let (queued, _) = state.queue.push(item);
        state.accepted += u64::from(queued);
        let start = state.claim();
        let wake = std::mem::take(&mut state.waiting) || (hurry && std::mem::take(&mut state.dozing));
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        (queued, start)
    }

    /// Does the same with facts of at most [`FACTS_MAX`](super::queue::FACTS_MAX) bytes.
    #[inline(always)]
    pub fn add_kept(&self, kept: Kept) -> (bool, bool) {
        let mut state = self.lock();
        let queued = state.queue.push_kept(kept);
        state.accepted += u64::from(queued);
        let start = !state.alive && state.claim();
        let wake = std::mem::take(&mut state.waiting);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        (queued, start)
    }

    /// Waits for the next items, or until gathered errors are due; `None` after [`Push::close`]. `done` items of
    /// the last call are written. With the last item that waits, returns how many were lost after it: no later record
    /// may ever say so. Calls `due_ns` under the lock that opening a window takes, so that no window is missed.
    pub fn next(&self, done: usize, due_ns: impl Fn() -> Option<u64>) -> Option<(Vec<Item>, u64)> {
        let mut state = self.lock();
        state.done += done as u64;
        if state.flushing > 0 {
            self.written.notify_all();
        }
        let mut doze = done > 0;
        while state.queue.len() == 0 {
            if state.closing {
                return None;
            }
            let due = due_ns();
            let left = due.map_or(LOOK_AGAIN, |due| Duration::from_nanos(due.saturating_sub(sys::monotonic_ns())));
            if due.is_some() && left.is_zero() {
                return Some((Vec::new(), 0));
            }
            let dozes = std::mem::take(&mut doze) && state.flushing == 0;
            let left = if dozes { left.min(DOZE) } else { left };
            (state.waiting, state.dozing) = (!dozes, dozes);
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            (state.waiting, state.dozing) = (false, false);
        }
        let batch = (0..BATCH).map_while(|_| state.queue.take_item()).collect();
        let lost = if state.queue.len() == 0 { state.queue.take_lost() } else { 0 };
        Some((batch, lost))
    }

    /// Wakes the thread, so that it looks at the time again. Returns whether the caller must start it.
    pub fn wake(&self) -> bool {
        let mut state = self.lock();
        let start = state.claim();
        (state.waiting, state.dozing) = (false, false);
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
        if std::mem::take(&mut state.dozing) {
            self.wake.notify_one();
        }
        state.flushing += 1;
        while state.done < target {
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() || !state.alive {
                break;
            }
            state = self.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.flushing -= 1;
        state.done >= target
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
