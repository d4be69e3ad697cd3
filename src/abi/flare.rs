//! Flares: one archive that explains what a tracer does, for a person or for Datadog's support.

use super::arg::CText;
use super::guard;
use super::sized::OutSized;
use super::status::*;
use super::tracer::{explain, spanwire_error, spanwire_tracer};
use crate::event::FlareFault;
use crate::flare::FlareTask;
use crate::host;
use crate::tracer::{flaring, Error};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// Writes a flare to a new file: a zip archive with the settings and their origins, the log, the flight recorder, the
/// counters, open spans, and facts about the process. Its manifest says what each file is. Secrets are replaced
/// (docs/redaction.md); docs/flares.md explains the files. Needs neither a worker nor an Agent, and works on a tracer
/// that was shut down.
///
/// @param tracer  a tracer
/// @param path    the file; nothing may exist there, not even a symbolic link. Its mode is 0600. A file that cannot be
///                written completely is removed
/// @param error   receives the status and a sentence; may be NULL
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `path` is NULL or empty
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_IO       the file exists or cannot be written
///
/// Ownership: copies the path. The file is the caller's.
/// Threads:   any.
/// Blocks:    for reads of files under /proc, for compressing a few megabytes, and for writing the file. Span calls of
///            other threads go on. Uses up to 96 KiB of stack, and up to 32 MiB of memory for that time, which
///            `SPANWIRE_MEMORY_MAX` does not count.
/// Fork:      a child writes a flare of itself.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_flare_write(
    tracer: spanwire_tracer,
    path: CText,
    error: OutSized<spanwire_error>,
) -> spanwire_status {
    let mut message = String::new();
    let status = guard(|state| {
        let path = path.get().filter(|path| !path.is_empty()).ok_or(Error::Argument)?;
        let written = flaring::write(state, tracer, Path::new(OsStr::from_bytes(path)))?;
        written.map_err(|why| explained(&why, &mut message))
    });
    explain(error, status, &message);
    status
}

/// Sends a flare to the Agent, which passes it on to Datadog's support, and waits for the Agent's answer. The flare has
/// the contents of spanwire_flare_write(). It is made and sent on a thread of the library, in memory, and touches no
/// disk. The log says once what became of it (`flare.sent`, `flare.failed`).
///
/// One flare is sent at a time by all processes of a user on a host. The Agent must be connected to Datadog and offer
/// flares (`/tracer_flare/v1` in its `/info`).
///
/// @param tracer      a tracer; the flare goes to its Agent
/// @param case_id     number of the support case, such as "12345"; also "12345-with-debug" and "12345-with-content"
/// @param email       the e-mail address that the support case belongs to
/// @param hostname    the host; NULL or empty for the name of this one
/// @param timeout_ms  maximum wait in milliseconds. 0 returns at once; the log then has the result
/// @param error       receives the status and a sentence; may be NULL
///
/// @return SPANWIRE_OK         the Agent accepted it
///         SPANWIRE_E_ARGUMENT `case_id` is no such number, or `email` is NULL or empty
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_CLOSED   it was shut down; spanwire_flare_write() still works
///         SPANWIRE_E_TIMEOUT  not sent yet; sending goes on in the background. It waits 10 s at most for another process
///                             that sends a flare, and its request takes at most five times
///                             `SPANWIRE_REQUEST_TIMEOUT_MS`
///         SPANWIRE_E_LIMIT    8 flares wait already, or the system gives no thread
///         SPANWIRE_E_IO       the Agent was not reached, answered with an error or offers no flares, or the tracer
///                             writes to a file
///
/// Ownership: copies the texts.
/// Threads:   any.
/// Blocks:    up to `timeout_ms`.
/// Fork:      a child sends a flare of itself. A flare that its parent is sending is not affected.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_flare_send(
    tracer: spanwire_tracer,
    case_id: CText,
    email: CText,
    hostname: CText,
    timeout_ms: u32,
    error: OutSized<spanwire_error>,
) -> spanwire_status {
    let mut message = String::new();
    let status = guard(|state| {
        let owned = |text: CText| String::from_utf8_lossy(text.or_empty()).into_owned();
        let hostname = Some(owned(hostname)).filter(|name| !name.is_empty()).unwrap_or_else(host::hostname);
        let task = FlareTask { case_id: owned(case_id), hostname, user_handle: owned(email), uuid: String::new() };
        let sent = flaring::send(state, tracer, task, Duration::from_millis(timeout_ms.into()))?;
        sent.map_err(|why| explained(&why, &mut message))
    });
    explain(error, status, &message);
    status
}

fn explained(why: &FlareFault, message: &mut String) -> Error {
    *message = why.to_string();
    match why {
        FlareFault::NoThread(_) | FlareFault::NoWorker => Error::Limit,
        _ => Error::Io,
    }
}
