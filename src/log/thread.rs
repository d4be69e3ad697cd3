//! Starts the log thread, and logs when a thread of ours cannot be started: from the thread that wanted it, since the
//! log thread may be missing too.

use super::compose::emit;
use super::shared::Shared;
use super::writer;
use crate::event::{Event, Thread};
use crate::os_error::OsError;
use crate::sys;
use std::sync::Arc;

/// The log thread.
const THREAD: Thread = Thread::Log;

#[allow(clippy::disallowed_methods)] // Starts a thread.
/// Starts the log thread.
pub(super) fn start(shared: &Arc<Shared>) {
    let for_thread = shared.clone();
    match sys::spawn(THREAD.name(), move || writer::run(for_thread)) {
        Ok(()) => started(shared, THREAD),
        Err(error) => {
            shared.push.not_started();
            failed(shared, THREAD, &error.into());
        }
    }
}

/// Logs that this thread could not be started.
pub(super) fn failed(shared: &Arc<Shared>, thread: Thread, error: &OsError) {
    if shared.outage.fails(thread, sys::monotonic_ns()) {
        let errno = if let OsError::Errno(errno) = error { *errno } else { 0 };
        emit(shared, &Event::ThreadNotStarted { thread, errno }, start);
    }
}

/// Logs that this thread was started, if it could not be before.
pub(super) fn started(shared: &Arc<Shared>, thread: Thread) {
    if let Some(after) = shared.outage.ends(thread, sys::monotonic_ns()) {
        emit(shared, &Event::ThreadStarted { thread, after }, start);
    }
}
