//! One thread at a time for a call that can hang. It ends with its work. While it hangs, further work is refused at
//! once. After a while the thread is given up and the next work gets another one, up to a bound on given-up threads.

// Starts a thread.
#![allow(clippy::disallowed_methods)]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::sync::Arc;
use std::time::Duration;

use crate::event::send_error::NoThread;
use crate::event::Thread;
use crate::sys;

/// The thread.
pub const THREAD: Thread = Thread::Dial;
/// How long a call hangs before its thread is given up. Longer than the C library takes to ask two name servers twice.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
/// How many threads may be given up at a time. They still exist; one that returns makes room for another.
pub const GIVEN_UP_MAX: u32 = 3;

/// Why there is no result.
pub enum Refused {
    /// Earlier work still hangs.
    Busy,
    /// This work takes longer than the caller waits. It continues.
    Late,
    /// The thread did not start, or ended before its time.
    NoThread(NoThread),
}

/// Runs work on that thread. A clone shares the thread.
#[derive(Clone, Debug, Default)]
pub struct Helper(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// When the present work began, in monotonic nanoseconds; 0 without work. Identifies the work: no two have the
    /// same.
    current: AtomicU64,
    last: AtomicU64,
    given_up: AtomicU32,
    /// How often a thread was given up so far.
    anew: AtomicU32,
}

/// Ends the work that began at this time, even if it panics.
struct Release(Arc<Shared>, u64);

impl Drop for Release {
    fn drop(&mut self) {
        if self.0.current.compare_exchange(self.1, 0, SeqCst, SeqCst).is_err() {
            self.0.given_up.fetch_sub(1, SeqCst);
        }
    }
}

impl Helper {
    /// Runs `work` on the thread and waits up to `patience` for its result.
    pub fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let release = self.claim(GIVE_UP_AFTER).ok_or(Refused::Busy)?;
        let (sender, receiver) = sync_channel(1);
        let body = move || {
            let result = work();
            // Before the answer: the caller may ask again at once.
            drop(release);
            let _ = sender.send(result);
        };
        sys::spawn(THREAD.name(), body).map_err(|error| Refused::NoThread(NoThread::System(error.into())))?;
        receiver.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => Refused::Late,
            RecvTimeoutError::Disconnected => Refused::NoThread(NoThread::EndedEarly),
        })
    }

    /// Whether work is under way, or hangs.
    pub fn is_at_work(&self) -> bool {
        self.0.current.load(SeqCst) != 0
    }

    /// For how long the present work has been running; zero without work.
    pub fn hangs_for(&self) -> Duration {
        let since = self.0.current.load(SeqCst);
        Duration::from_nanos(if since == 0 { 0 } else { sys::monotonic_ns().saturating_sub(since) })
    }

    /// How many threads are given up and still hang.
    pub fn given_up(&self) -> u32 {
        self.0.given_up.load(SeqCst)
    }

    /// How often a thread was given up so far, including those that have returned since.
    pub fn started_anew(&self) -> u32 {
        self.0.anew.load(SeqCst)
    }

    fn claim(&self, give_up_after: Duration) -> Option<Release> {
        let shared = &self.0;
        let number = loop {
            let last = shared.last.load(SeqCst);
            let next = sys::monotonic_ns().max(last + 1);
            if shared.last.compare_exchange(last, next, SeqCst, SeqCst).is_ok() {
                break next;
            }
        };
        let hung = shared.current.load(SeqCst);
        if hung != 0 {
            if self.hangs_for() < give_up_after
                || shared.given_up.fetch_update(SeqCst, SeqCst, |n| (n < GIVEN_UP_MAX).then_some(n + 1)).is_err()
            {
                return None;
            }
            if shared.current.compare_exchange(hung, number, SeqCst, SeqCst).is_err() {
                // It has ended at this moment, or another caller was first.
                shared.given_up.fetch_sub(1, SeqCst);
                return None;
            }
            shared.anew.fetch_add(1, SeqCst);
        } else if shared.current.compare_exchange(0, number, SeqCst, SeqCst).is_err() {
            return None;
        }
        Some(Release(shared.clone(), number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Instant;

    #[test]
    fn a_hanging_call_costs_one_thread_and_no_wait_for_the_next() {
        let helper = Helper::default();
        let (go, gate) = channel::<()>();
        let short = Duration::from_millis(30);
        assert!(matches!(helper.ask(short, move || gate.recv()), Err(Refused::Late)));
        let asked = Instant::now();
        assert!(matches!(helper.ask(Duration::from_secs(60), || ()), Err(Refused::Busy)));
        assert!(asked.elapsed() < Duration::from_secs(1));
        assert!(go.send(()).is_ok());
        let free = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            matches!(helper.ask(Duration::from_secs(1), || 7), Ok(7))
        });
        assert!(free, "the helper stays blocked after the hanging call has ended");
    }

    #[test]
    fn threads_that_hang_are_given_up_a_bounded_number_of_times() {
        let helper = Helper::default();
        let claim = || helper.claim(Duration::ZERO);
        let hung: Vec<Release> = (0..20).filter_map(|_| claim()).collect();
        assert_eq!((hung.len() as u32, helper.given_up()), (GIVEN_UP_MAX + 1, GIVEN_UP_MAX));
        assert!(helper.claim(Duration::from_secs(600)).is_none(), "the last one has not hung for long");
        let mut hung = hung.into_iter();
        drop(hung.next());
        let another = claim().expect("one that was given up has returned");
        assert!(claim().is_none());
        drop((hung, another));
        assert_eq!((helper.given_up(), helper.hangs_for()), (0, Duration::ZERO));
    }

    #[test]
    fn a_call_that_panics_leaves_the_helper_usable() {
        let helper = Helper::default();
        assert!(matches!(helper.ask(Duration::from_secs(5), || panic!("on purpose")), Err(Refused::NoThread(_))));
        assert!(matches!(helper.ask(Duration::from_secs(5), || 7), Ok(7)));
    }
}
