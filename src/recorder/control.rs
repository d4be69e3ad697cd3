//! The words by which another process asks this one for a socket, and through which it learns the socket's name. Any
//! process that may open the recorder's descriptor may write them: nothing follows from a value but that a socket is
//! opened, whose peers are checked.

use super::layout::header;
use super::Recorder;
use sha2::{Digest, Sha256};
use std::sync::atomic::Ordering::*;

/// What became of a request for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum ControlState {
    /// There is no socket.
    Closed = 0,
    /// There is one; the next words have the secret from which its name is made.
    Open = 1,
    /// `SPANWIRE_CONTROL` is off.
    Off = 2,
    /// The program runs with other rights than those of its user (setuid).
    Privileged = 3,
    /// The socket or its thread could not be made.
    Failed = 4,
}

impl ControlState {
    /// Returns the state with this number.
    #[cfg(feature = "cli")]
    pub fn numbered(number: u64) -> Option<ControlState> {
        [ControlState::Closed, ControlState::Open, ControlState::Off, ControlState::Privileged, ControlState::Failed]
            .into_iter()
            .find(|state| *state as u64 == number)
    }
}

/// Returns the name of the abstract socket for these two random words. Everybody on the machine can read the name, and does
/// not learn the words from it.
pub fn socket_name(words: [u64; 2]) -> String {
    let digest = Sha256::digest(proof_of(words));
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("spanwire-control-{digits}")
}

/// Returns what a peer says to show that it may open the recorder of this process: the words themselves.
pub fn proof_of(words: [u64; 2]) -> String {
    format!("{:016x}{:016x}", words[0], words[1])
}

impl Recorder {
    /// Whether another process has asked for a socket since the last call: one load.
    #[inline]
    pub fn control_asked(&self) -> bool {
        let Some(words) = self.words else { return false };
        let asked = &words[header::CONTROL_ASKED];
        asked.load(Relaxed) != 0 && asked.swap(0, Relaxed) != 0
    }

    /// Tells what became of the request.
    pub fn set_control(&self, state: ControlState, name: [u64; 2]) {
        let Some(words) = self.words else { return };
        words[header::CONTROL_NAME].store(name[0], Relaxed);
        words[header::CONTROL_NAME + 1].store(name[1], Relaxed);
        words[header::CONTROL_STATE].store(state as u64, Release);
    }
}
