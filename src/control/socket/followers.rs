//! Peers that follow the log. Records wait in a bounded queue for each; a peer that is slow loses the oldest, and is told
//! how many.

use super::{Host, GOOD};
use crate::process;
use crate::sys::Connection;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many peers follow at a time.
const FOLLOWERS_MAX: usize = 8;
/// Bytes of records that wait for one peer.
const WAITING_MAX: usize = 1 << 20;

/// Records that wait for a peer.
#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    lost: u64,
}

impl Waiting {
    fn take(&mut self, text: &str) {
        self.bytes += text.len() + 1;
        self.lines.push_back(format!("{text}\n"));
        while self.bytes > WAITING_MAX {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len();
            self.lost += 1;
        }
    }
}

struct Follower {
    peer: Connection,
    number: u64,
    waiting: Arc<Mutex<Waiting>>,
    /// What is being sent.
    rest: Vec<u8>,
}

/// All peers that follow.
pub struct Followers<'a> {
    host: &'a dyn Host,
    all: Vec<Follower>,
}

impl<'a> Followers<'a> {
    pub fn new(host: &'a dyn Host) -> Followers<'a> {
        Followers { host, all: Vec::new() }
    }

    pub fn are_none(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds a peer; gives it back with a reason if that is not possible.
    pub fn add(&mut self, peer: Connection) -> Result<(), (Connection, String)> {
        if self.all.len() >= FOLLOWERS_MAX {
            return Err((peer, format!("{FOLLOWERS_MAX} others follow this log already\n")));
        }
        let waiting: Arc<Mutex<Waiting>> = Arc::default();
        let (records, caller) = (waiting.clone(), process::generation());
        // A forked child inherits the sink, and nobody takes its records there.
        let take = move |text: &str| {
            if process::generation() == caller {
                records.lock().unwrap_or_else(PoisonError::into_inner).take(text);
            }
        };
        match self.host.follow(Box::new(take)) {
            Ok(number) => {
                self.all.push(Follower { peer, number, waiting, rest: GOOD.as_bytes().to_vec() });
                Ok(())
            }
            Err(why) => Err((peer, why)),
        }
    }

    /// Sends what waits, as far as the peers take it. Returns whether there are any.
    pub fn serve(&mut self) -> bool {
        let host = self.host;
        self.all.retain_mut(|follower| {
            let stays = follower.serve();
            if !stays {
                host.unfollow(follower.number);
            }
            stays
        });
        !self.all.is_empty()
    }
}

impl Drop for Followers<'_> {
    fn drop(&mut self) {
        self.all.iter().for_each(|follower| self.host.unfollow(follower.number));
    }
}

impl Follower {
    /// Returns false when the peer has gone.
    fn serve(&mut self) -> bool {
        // It sends nothing after its request: what can be received is the end.
        if !self.peer.is_idle() {
            return false;
        }
        loop {
            if self.rest.is_empty() {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let lost = std::mem::take(&mut waiting.lost);
                if lost > 0 {
                    self.rest = format!("-- {lost} records lost: this reader was too slow\n").into_bytes();
                }
                if let Some(line) = waiting.lines.pop_front() {
                    waiting.bytes -= line.len();
                    self.rest.extend_from_slice(line.as_bytes());
                }
            }
            if self.rest.is_empty() {
                return true;
            }
            match self.peer.send(&self.rest, Duration::ZERO) {
                Ok(sent) => drop(self.rest.drain(..sent)),
                Err(error) => return error.kind() == std::io::ErrorKind::TimedOut,
            }
        }
    }
}
