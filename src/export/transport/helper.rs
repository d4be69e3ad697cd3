//! One thread at most for a call that can hang. It ends with its work; while it hangs, further work is refused at once
//! instead of getting a thread of its own. Nothing here knows what the work is.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::sync::Arc;
use std::time::Duration;

use crate::sys;

/// Why there is no result.
pub enum Refused {
    /// Earlier work still hangs.
    Busy,
    /// This work takes longer than the caller can wait; it goes on.
    Late,
    /// The thread did not start, or ended before its time.
    NoThread(io::Error),
}

/// The right to have that thread; a clone shares it.
#[derive(Clone, Debug, Default)]
pub struct Helper {
    busy: Arc<AtomicBool>,
}

struct Release(Arc<AtomicBool>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

impl Helper {
    /// Runs `work` on the thread and waits up to `patience` for its result.
    pub fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        if self.busy.swap(true, Relaxed) {
            return Err(Refused::Busy);
        }
        let release = Release(self.busy.clone());
        let (sender, receiver) = sync_channel(1);
        let body = move || {
            let result = work();
            // Before the answer: whoever has it may ask again at once.
            drop(release);
            let _ = sender.send(result);
        };
        sys::spawn("spanwire-dial", body).map_err(Refused::NoThread)?;
        receiver.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => Refused::Late,
            RecvTimeoutError::Disconnected => Refused::NoThread(io::Error::other("the thread ended early")),
        })
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
    fn a_call_that_panics_leaves_the_helper_usable() {
        let helper = Helper::default();
        assert!(matches!(helper.ask(Duration::from_secs(5), || panic!("on purpose")), Err(Refused::NoThread(_))));
        assert!(matches!(helper.ask(Duration::from_secs(5), || 7), Ok(7)));
    }
}
