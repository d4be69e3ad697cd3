//! Starts the worker's thread of an exporter.

// Starts a thread.
#![allow(clippy::disallowed_methods)]

use super::exporter::Exporter;
use super::shared::Shared;
use super::worker;
use crate::event::Thread;
use crate::sys;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The worker's thread.
const THREAD: Thread = Thread::Worker;
/// How long a thread that could not be started is not tried again for a span.
const START_AGAIN: Duration = Duration::from_secs(1);
/// The same for a host that waits for it.
const START_AGAIN_ASKED: Duration = Duration::from_millis(20);

impl Exporter {
    /// Starts the worker if it is not running, for a span: where the system gave no thread, not before a second is over.
    /// Whether it is running now.
    #[cold]
    pub fn start(&'static self, shared: &'static Shared) -> bool {
        self.start_again(shared, START_AGAIN)
    }

    /// The same for a host that waits for it, and must know at once whether there is anything to wait for.
    #[cold]
    pub fn start_asked(&'static self, shared: &'static Shared) -> bool {
        self.start_again(shared, START_AGAIN_ASKED)
    }

    fn start_again(&'static self, shared: &'static Shared, again: Duration) -> bool {
        let failed_ns = self.failed_ns.load(Relaxed);
        let lately = failed_ns > 0 && sys::monotonic_ns().saturating_sub(failed_ns) < again.as_nanos() as u64;
        if lately || self.failures.load(Relaxed) >= worker::FAILURES_END {
            return false;
        }
        if !self.queue.claim_thread(&self.started) {
            return true;
        }
        // Also called by a host's thread that starts a span.
        sys::uncancelled(|| self.start_thread(shared))
    }

    fn start_thread(&'static self, shared: &'static Shared) -> bool {
        self.prepare();
        self.names.report_to(&shared.logs);
        let run = move || {
            // The worker contains panics of its own; this is for one outside of that.
            if catch_unwind(AssertUnwindSafe(|| worker::run(shared, self))).is_err() {
                self.started.store(false, Relaxed);
                self.queue.thread_failed();
            }
        };
        // Before the thread: it takes this back itself when it ends at once.
        self.started.store(true, Relaxed);
        match sys::spawn(THREAD.name(), run) {
            Ok(()) => {
                self.failed_ns.store(0, Relaxed);
                shared.logs.thread_started(THREAD);
                true
            }
            Err(error) => {
                self.failed_ns.store(sys::monotonic_ns().max(1), Relaxed);
                self.queue.thread_failed();
                self.started.store(false, Relaxed);
                shared.logs.thread_failed(THREAD, &error.into());
                false
            }
        }
    }
}
