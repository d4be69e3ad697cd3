//! Answers `spanwire ctl`: a local socket that is opened when another process of this user has asked for it by a word in
//! the flight recorder, and closed after a minute without use. `command` reads what was asked.
//!
//! A thread of its own serves it, which is started for that and ends with it: a reader that is slow, and a log that is
//! followed for hours, must delay neither traces nor polls. A peer that is neither this process's user nor root is
//! refused. So is one that does not know two random words of the recorder, such as root of a container that shares the
//! network and so sees the socket's name: who can read them could read this process's memory, too. What the process does
//! is behind the trait [`Host`].

// Starts a thread.
#![allow(clippy::disallowed_methods)]

mod command;
mod followers;

use crate::recorder::control::{proof_of, socket_name, ControlState};
use crate::recorder::Recorder;
use crate::sys::{self, Connection, Listener, Rights};
use command::Command;
use followers::Followers;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::time::{Duration, Instant};

/// The socket is closed after this time without a connection.
const UNUSED: Duration = Duration::from_secs(60);
/// How often the thread looks at the logs that are followed, and how long a peer that is refused may hold it up.
const TICK: Duration = Duration::from_millis(200);
/// How long a peer may take to say what it wants, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest request.
const REQUEST_MAX: usize = 256;
/// The first line of an answer.
const GOOD: &str = "good\n";
const BAD: &str = "bad\n";
/// The answer to a peer that does not prove that it can open the recorder.
const UNPROVEN: &str = "this socket answers only processes that can open its process's flight recorder\n";

/// What the process does for those who ask.
pub trait Host: Send + Sync {
    /// Whether the process still allows the socket. A tracer may have come that does not.
    fn allows(&self) -> bool;
    /// Describes the process in a few lines.
    fn status(&self) -> String;
    /// Describes so many of the open spans, the oldest ones.
    fn spans(&self, most: usize) -> String;
    /// Turns debug mode on, for so many seconds if the number is not 0, or off. Returns what is so now, in words.
    fn debug(&self, on: bool, seconds: u32) -> String;
    /// Sends what waits, and waits up to this time. Returns what came of it, in words.
    fn flush(&self, time: Duration) -> String;
    /// Calls `take` with each record of the log from now on. Returns a number for [`Host::unfollow`].
    fn follow(&self, take: Box<dyn Fn(&str) + Send + Sync>) -> Result<u64, String>;
    /// Ends that.
    fn unfollow(&self, number: u64);
}

/// The socket of this process.
#[derive(Default)]
pub struct Control {
    /// Whether its thread runs.
    runs: AtomicBool,
}

impl Control {
    /// Opens the socket if another process has asked for it: one load otherwise. For the worker, each time it wakes.
    pub fn look(
        &'static self,
        recorder: &Recorder,
        thread: &'static str,
        allowed: impl FnOnce() -> bool,
        host: impl FnOnce() -> Box<dyn Host>,
    ) {
        if !recorder.control_asked() {
            return;
        }
        if !sys::has_users_rights() {
            return recorder.set_control(ControlState::Privileged, [0; 2]);
        }
        if !allowed() {
            return recorder.set_control(ControlState::Off, [0; 2]);
        }
        if self.runs.swap(true, AcqRel) {
            return;
        }
        let (recorder, host) = (*recorder, host());
        let serve = move || {
            let served = catch_unwind(AssertUnwindSafe(|| serve(&recorder, &*host, UNUSED)));
            recorder.set_control(served.unwrap_or(ControlState::Failed), [0; 2]);
            self.runs.store(false, Release);
        };
        if sys::spawn(thread, serve).is_err() {
            recorder.set_control(ControlState::Failed, [0; 2]);
            self.runs.store(false, Release);
        }
    }
}

/// Serves the socket until it is unused for this time, or no longer allowed. Returns the state after that.
fn serve(recorder: &Recorder, host: &dyn Host, unused: Duration) -> ControlState {
    let mut random = [0; 16];
    sys::random_bytes(&mut random);
    let word = |from: usize| random[from..from + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let name = [word(0), word(8)];
    let proof = proof_of(name);
    let Ok(listener) = Listener::named(&socket_name(name)) else { return ControlState::Failed };
    recorder.set_control(ControlState::Open, name);
    let (mut used, mut followers) = (Instant::now(), Followers::new(host));
    while used.elapsed() < unused {
        let patience = if followers.are_none() { Duration::from_secs(1) } else { TICK };
        let accepted = listener.accept(patience);
        if !host.allows() {
            return ControlState::Off;
        }
        match accepted {
            Ok(Some((peer, user))) => {
                let refusal = refusal(user, Rights::now());
                // Also of a peer that is refused: otherwise the end of the connection would cut off the answer.
                let line = request(&peer, if refusal.is_none() { PATIENCE } else { TICK });
                match (refusal, line.as_deref().map(|line| proven(line, &proof))) {
                    (Some(why), _) => reply(&peer, BAD, why),
                    (None, Some(None)) => reply(&peer, BAD, UNPROVEN),
                    (None, line) => {
                        used = Instant::now();
                        answer(host, peer, line.flatten(), &mut followers);
                    }
                }
            }
            Ok(None) => {}
            // The process has no descriptor left for this peer, which waits.
            Err(_) if listener.is_open() => std::thread::sleep(TICK),
            // The host has closed the descriptor.
            Err(_) => break,
        }
        if followers.serve() {
            used = Instant::now();
        }
    }
    ControlState::Closed
}

/// Says why a user may not ask; `None` if he may. A process that has given up the rights of another user answers root alone,
/// as the kernel lets root alone look into it.
fn refusal(user: u32, own: Rights) -> Option<&'static str> {
    (user != 0 && (user != own.user || !own.is_open_to_user))
        .then_some("this socket answers its process's user and root only\n")
}

/// Returns the request behind the proof that its peer can open the recorder; `None` without a proof.
fn proven<'a>(line: &'a str, proof: &str) -> Option<&'a str> {
    line.split_once(' ').filter(|(first, _)| *first == proof).map(|(_, request)| request)
}

fn answer<'a>(host: &'a dyn Host, peer: Connection, request: Option<&str>, followers: &mut Followers<'a>) {
    let Some(request) = request else { return };
    match Command::read(request) {
        Some(Command::Status) => reply(&peer, GOOD, &host.status()),
        Some(Command::Spans(most)) => reply(&peer, GOOD, &host.spans(most)),
        Some(Command::Debug { on, seconds }) => reply(&peer, GOOD, &host.debug(on, seconds)),
        Some(Command::Flush(time)) => reply(&peer, GOOD, &host.flush(time)),
        Some(Command::Follow) => match followers.add(peer) {
            Ok(()) => {}
            Err((peer, why)) => reply(&peer, BAD, &why),
        },
        None => reply(&peer, BAD, "this library does not know that request: use the companion of its release\n"),
    }
}

/// Reads the line that the peer sends.
fn request(peer: &Connection, patience: Duration) -> Option<String> {
    let (mut line, begun) = (Vec::new(), Instant::now());
    while line.len() < REQUEST_MAX {
        let mut bytes = [0; REQUEST_MAX];
        let left = patience.saturating_sub(begun.elapsed());
        let got = peer.receive(&mut bytes, left).ok().filter(|&got| got > 0)?;
        line.extend_from_slice(bytes.get(..got)?);
        if let Some(end) = line.iter().position(|&byte| byte == b'\n') {
            line.truncate(end);
            return String::from_utf8(line).ok();
        }
    }
    None
}

fn reply(peer: &Connection, first: &str, text: &str) {
    let (all, begun) = ([first.as_bytes(), text.as_bytes()].concat(), Instant::now());
    let mut rest = all.as_slice();
    while !rest.is_empty() && begun.elapsed() < PATIENCE {
        match peer.send(rest, PATIENCE.saturating_sub(begun.elapsed())) {
            Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests;
