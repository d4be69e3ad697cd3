//! Starts the log thread, and logs when a thread of ours cannot be started: from the thread that wanted it, since the
//! log thread may be missing too.

use super::compose::emit;
use super::shared::Shared;
use super::writer;
use crate::event::Event;
use crate::sys;
use std::io;
use std::sync::Arc;

/// The name of the log thread.
const NAME: &str = "spanwire-log";

/// Starts the log thread.
pub(super) fn start(shared: &Arc<Shared>) {
    let for_thread = shared.clone();
    match sys::spawn(NAME, move || writer::run(for_thread)) {
        Ok(()) => started(shared, NAME),
        Err(error) => {
            shared.push.not_started();
            failed(shared, NAME, &error);
        }
    }
}

/// Logs that a thread of this name could not be started.
pub(super) fn failed(shared: &Arc<Shared>, thread: &'static str, error: &io::Error) {
    if shared.outage.fails(thread, sys::monotonic_ns()) {
        let errno = error.raw_os_error().unwrap_or(0);
        emit(shared, &Event::ThreadNotStarted { thread, errno }, start);
    }
}

/// Logs that a thread of this name was started, if it could not be before.
pub(super) fn started(shared: &Arc<Shared>, thread: &'static str) {
    if let Some(after) = shared.outage.ends(thread, sys::monotonic_ns()) {
        emit(shared, &Event::ThreadStarted { thread, after }, start);
    }
}
