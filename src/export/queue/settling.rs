//! Waiting until what a tracer has pushed is sent or dropped.

use super::lanes::{Queue, Thread};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

impl Queue {
    /// How many chunks and bytes of a tracer wait now.
    pub fn waiting(&self, tracer: u32) -> (u64, u64) {
        self.lock().of(tracer).map_or((0, 0), |lane| (lane.waiting as u64, lane.bytes as u64))
    }

    /// Asks for all chunks of a tracer that wait now to be sent, and waits until they are sent or dropped. Returns false if
    /// `time` is over first.
    pub fn flush(&self, tracer: u32, time: Duration) -> bool {
        let mut inner = self.lock();
        let deadline = Instant::now() + time;
        let Some(lane) = inner.of(tracer) else { return true };
        let (ticket, target) = (lane.ticket, lane.pushed);
        if lane.resolved >= target {
            return true;
        }
        lane.wanted = lane.wanted.max(target);
        inner.urges += 1;
        self.work.notify_one();
        loop {
            if inner.lane(ticket).is_none_or(|lane| lane.resolved >= target) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inner = self.done.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until all chunks of a tracer are sent or dropped, without asking for it. Returns false if `time` is over first.
    pub fn settled_within(&self, tracer: u32, time: Duration) -> bool {
        let mut inner = self.lock();
        let deadline = Instant::now() + time;
        while inner.of(tracer).is_some_and(|lane| !lane.is_resolved()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inner = self.done.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Whether all chunks that a tracer has pushed are sent or dropped.
    pub fn is_resolved(&self, tracer: u32) -> bool {
        self.lock().of(tracer).is_none_or(|lane| lane.is_resolved())
    }

    /// Whether a tracer sends through here, anything waits, or the thread runs.
    pub fn in_use(&self) -> bool {
        let inner = self.lock();
        inner.thread == Thread::Running || !inner.is_over()
    }
}
