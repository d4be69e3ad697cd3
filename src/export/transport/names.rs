//! The addresses of the agent's name, as last looked up. A forked child takes over those of its parent, because a
//! look-up in a child can hang for ever on a lock of the C library that another thread of the parent held at the fork.

use super::helper::{Helper, Refused, GIVEN_UP_MAX, THREAD};
use crate::event::send_error::NoThread;
use crate::event::Event;
use crate::log::Logs;
use crate::process::Inheritable;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long addresses are used without another look-up.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(60);

/// The addresses of a name, and when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    host: String,
    port: u16,
    /// When the name was looked up; `None` if it is to be looked up again.
    since: Option<Instant>,
    /// Not empty.
    pub(super) addresses: Vec<SocketAddr>,
}

impl Known {
    /// Whether it needs no new look-up.
    pub(super) fn is_fresh(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() < KEPT_FOR)
    }
}

/// How often to check whether the look-up for another connection has an answer.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// See the module. The connections of an exporter share one.
#[derive(Default)]
pub struct Names {
    known: Inheritable<Known>,
    /// Looks names up. Not the thread that connects, so that a look-up that hangs keeps no socket from being connected.
    pub(super) resolver: Helper,
    hangs_told: AtomicU32,
    /// Whether this is a forked child, in which a look-up can hang.
    in_child: AtomicBool,
    logs: OnceLock<&'static Logs>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({:?})", self.known.get())
    }
}

impl Names {
    /// The known addresses of a name, fresh or not.
    pub(super) fn of(&self, host: &str, port: u16) -> Option<Arc<Known>> {
        self.known.get().filter(|known| known.host == host && known.port == port)
    }

    /// Waits for the look-up that another connection has begun, if that was less than `patience` ago.
    pub(super) fn awaited(&self, host: &str, port: u16, patience: Duration) -> Option<Arc<Known>> {
        while self.resolver.is_at_work() && self.resolver.hangs_for() < patience {
            std::thread::sleep(LOOK_AGAIN);
        }
        self.of(host, port).filter(|known| known.is_fresh())
    }

    /// Logs that a look-up hangs: once, and again for each look-up that is given up.
    pub(super) fn report_hang(&self, host: &str) {
        let anew = self.resolver.started_anew();
        if self.hangs_told.fetch_max(anew + 1, Relaxed) <= anew {
            let (time, given_up) = (self.resolver.hangs_for(), self.resolver.given_up());
            self.say(&Event::LookupHangs { host, time, given_up, most: GIVEN_UP_MAX });
        }
    }

    /// Keeps the result of a look-up, unless it is empty.
    pub(super) fn keep(&self, host: &str, port: u16, addresses: &[SocketAddr]) {
        if !addresses.is_empty() {
            let (host, addresses) = (host.to_string(), addresses.to_vec());
            self.known.set(Some(Known { host, port, since: Some(Instant::now()), addresses }));
        }
    }

    /// Has the name looked up before its next use: no address could be connected, and the name may have other addresses
    /// by now. The old addresses stay, in case the look-up fails.
    pub(super) fn doubt(&self) {
        if let Some(known) = self.known.get() {
            self.known.set(Some(Known { since: None, ..Known::clone(&known) }));
        }
    }

    /// Whether this is a forked child.
    pub(super) fn in_child(&self) -> bool {
        self.in_child.load(Relaxed)
    }

    /// Takes over the addresses that one of the parent's exporters knew for this name. A forked child calls this. Waits
    /// for no lock that another thread of the parent may have held during the fork.
    pub fn inherit<'a>(&self, host: &str, port: u16, mut of_parent: impl Iterator<Item = &'a Names>) {
        self.in_child.store(true, Relaxed);
        let known = of_parent.find_map(|names| names.known.inherited().filter(|it| it.host == host && it.port == port));
        if known.is_some() {
            self.known.set(known);
        }
    }

    /// Logs that no thread could be started for a call, or that one could be started again.
    pub(super) fn tell_of_thread<T>(&self, asked: &Result<T, Refused>) {
        let Some(logs) = self.logs.get() else { return };
        match asked {
            Err(Refused::NoThread(NoThread::System(error))) => logs.thread_failed(THREAD, error),
            Err(_) => {}
            Ok(_) => logs.thread_started(THREAD),
        }
    }

    /// Sets where to log that a look-up hangs, or has no thread.
    pub fn report_to(&self, logs: &'static Logs) {
        let _ = self.logs.set(logs);
    }

    fn say(&self, event: &Event<'_>) {
        if let Some(logs) = self.logs.get() {
            logs.emit(event);
        }
    }

    #[cfg(test)]
    pub(super) fn long_ago(&self, host: &str, port: u16, addresses: &[SocketAddr]) {
        self.keep(host, port, addresses);
        self.doubt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_took_no_connection_are_looked_up_anew_and_kept_for_a_look_up_that_fails() {
        let (names, address) = (Names::default(), SocketAddr::from(([192, 0, 2, 1], 1)));
        names.keep("agent.test", 1, &[]);
        assert!(names.of("agent.test", 1).is_none());
        names.keep("agent.test", 1, &[address]);
        assert!(names.of("agent.test", 1).is_some_and(|known| known.is_fresh()));
        assert!(names.of("agent.test", 2).is_none() && names.of("other.test", 1).is_none());
        names.doubt();
        assert!(names.of("agent.test", 1).is_some_and(|known| !known.is_fresh() && known.addresses == [address]));
    }
}
