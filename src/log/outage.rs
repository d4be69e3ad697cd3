//! Remembers that threads of ours cannot be started, so that this is logged once for an outage.

use crate::event::Thread;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// An outage whose thread was not tried for so long is over, and the next failure is logged.
const FORGOTTEN_AFTER_NS: u64 = 60_000_000_000;

/// The outage that was logged.
#[derive(Default)]
pub(super) struct Outage(Mutex<Option<Told>>);

struct Told {
    thread: Thread,
    since_ns: u64,
    failed_ns: u64,
}

impl Outage {
    /// Whether to log this failure.
    pub fn fails(&self, thread: Thread, now_ns: u64) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *told {
            Some(outage) if outage.thread == thread => outage.failed_ns = now_ns,
            Some(outage) if now_ns.saturating_sub(outage.failed_ns) < FORGOTTEN_AFTER_NS => {}
            _ => {
                *told = Some(Told { thread, since_ns: now_ns, failed_ns: now_ns });
                return true;
            }
        }
        false
    }

    /// Returns how long the outage lasted that ends with this thread, if it was logged.
    pub fn ends(&self, thread: Thread, now_ns: u64) -> Option<Duration> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = told.take_if(|outage| outage.thread == thread)?;
        Some(Duration::from_nanos(now_ns.saturating_sub(ended.since_ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_whatever_threads_it_keeps_from_starting() {
        let outage = Outage::default();
        let mut told = Vec::new();
        for (second, thread) in [(1, Thread::Worker), (2, Thread::Log), (3, Thread::Worker), (4, Thread::Worker)] {
            told.push(outage.fails(thread, second * 1_000_000_000));
        }
        assert_eq!(told, [true, false, false, false]);
        assert_eq!(outage.ends(Thread::Log, 5_000_000_000), None);
        assert_eq!(outage.ends(Thread::Worker, 5_000_000_000), Some(Duration::from_secs(4)));
        assert_eq!(outage.ends(Thread::Worker, 6_000_000_000), None);
        assert!(outage.fails(Thread::Log, 7_000_000_000), "another outage");
        assert!(!outage.fails(Thread::Worker, 8_000_000_000));
        assert!(outage.fails(Thread::Worker, 8_000_000_000 + FORGOTTEN_AFTER_NS));
    }
}
