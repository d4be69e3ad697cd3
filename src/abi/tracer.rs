//! Tracers: making, flushing, shutting down, counters and settings.
#![allow(non_camel_case_types)]

use super::arg::{Buffer, CArray, CLen, CText, Out, OutText};
use super::sized::{OutSized, Sized_};
use super::status::*;
use super::{guard, keep_panics_quiet};
use crate::counters::Reason;
use crate::tracer::{closing, stats, Error};
use std::ffi::c_char;
use std::time::Duration;

/// Handle of a tracer, a number below 2^53; 0 is none. It is not a pointer: an invalid handle gets an error status.
pub type spanwire_tracer = u64;

/// One setting: a documented name and its value, both NUL-terminated UTF-8. This structure never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_setting {
    /// `DD_SERVICE`, `SPANWIRE_FLUSH_INTERVAL_MS`, …; `default:DD_SERVICE` ranks below the environment.
    pub name: CText,
    /// The value, written as in an environment variable; NULL and "" mean "not set".
    pub value: CText,
}

/// A status with a sentence for people.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_error {
    /// `sizeof(spanwire_error)`, set by the caller.
    pub size: usize,
    /// The status that the call returned.
    pub status: spanwire_status,
    /// What failed and what to do, NUL-terminated; empty after success.
    pub message: [c_char; 244],
}

/// Counters of a tracer. When no call is under way, these hold exactly:
///
///     started  = finished + open + abandoned + discarded
///     finished = waiting + queued + in flight + sent + dropped,   dropped = the sum of the reasons
///
/// While other threads start and finish spans, a snapshot may be off by the spans of those calls. In a forked child all
/// counters begin at 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_stats {
    /// `sizeof(spanwire_stats)`, set by the caller.
    pub size: usize,
    /// Spans started, including submitted ones.
    pub spans_started: u64,
    /// Spans finished.
    pub spans_finished: u64,
    /// Spans that are open now.
    pub spans_open: u64,
    /// Spans that were still open at shutdown; they are not sent.
    pub spans_abandoned: u64,
    /// Spans passed to spanwire_span_discard().
    pub spans_discarded: u64,
    /// Finished spans whose trace still has open spans.
    pub spans_waiting: u64,
    /// Finished spans in the queue.
    pub spans_queued: u64,
    /// Finished spans in the payload that is being sent.
    pub spans_in_flight: u64,
    /// Finished spans in payloads that the agent answered with 2xx.
    pub spans_sent: u64,
    /// Finished spans that were dropped, for any reason.
    pub spans_dropped: u64,
    /// Dropped because the queue was full (`SPANWIRE_QUEUE_MAX`, `SPANWIRE_QUEUE_MAX_CHUNKS`).
    pub dropped_queue_full: u64,
    /// Dropped because `SPANWIRE_MEMORY_MAX` was reached.
    pub dropped_memory: u64,
    /// Dropped because the agent could not be reached for `SPANWIRE_RETRY_FOR_MS`, or refused a connection during a
    /// shutdown.
    pub dropped_unreachable: u64,
    /// Dropped because the agent answered with a status that is not retried, or kept answering with one that is.
    pub dropped_refused: u64,
    /// Dropped because one span alone is larger than the agent accepts.
    pub dropped_too_large: u64,
    /// Dropped because the time of a shutdown ended before they were sent.
    pub dropped_shutdown: u64,
    /// Dropped because a submitted record had no ids or was cut short, or because an internal error stopped a batch.
    pub dropped_invalid: u64,
    /// Dropped because the payload was sent but never answered; the agent may have received it.
    pub dropped_unknown_fate: u64,
    /// Spans that could not be started: the tracer was shut down, or memory was short. Not part of `spans_started`.
    pub starts_refused: u64,
    /// Payloads answered with 2xx; lines, where the agent is a file.
    pub payloads_sent: u64,
    /// Attempts that were sent at least in part and never answered. The spans of a retried one may have arrived twice.
    pub payloads_unknown: u64,
    /// Attempts that failed or were refused.
    pub attempts_failed: u64,
    /// Bytes of the payloads answered with 2xx.
    pub bytes_sent: u64,
    /// Texts that were not UTF-8 and were repaired with U+FFFD.
    pub texts_repaired: u64,
    /// Texts that were longer than their limit and were cut.
    pub texts_cut: u64,
    /// Tags that were dropped: invalid, over a limit, no memory, or the span was busy.
    pub tags_dropped: u64,
    /// Spans started under a parent that had finished or never existed; each is the root of a new trace.
    pub parents_unknown: u64,
    /// Bytes that spans use now, for all tracers of the process; see "Memory" above.
    pub memory_used: u64,
    /// Limit of `memory_used`: `SPANWIRE_MEMORY_MAX` of the first tracer.
    pub memory_max: u64,
}

// SAFETY: both are repr(C), begin with their size, and hold numbers only.
unsafe impl Sized_ for spanwire_stats {}
// SAFETY: as above.
unsafe impl Sized_ for spanwire_error {}

/// Makes a tracer. If an equal list made one before that is not shut down, returns that one. Opens no connection,
/// starts no thread.
///
/// Settings come from the list, then the environment, then defaults; docs/settings.md lists them. An invalid value is a
/// warning in the log, the next source's value is used, and the call still succeeds.
///
/// The environment is read here, on the calling thread, and not again. Other threads may change it during the call; a
/// variable that they change has its old or its new value. Two exceptions: when the agent's host name is looked up, on
/// a thread of the library, the C library reads RES_OPTIONS, LOCALDOMAIN and HOSTALIASES (an address, `localhost` or a
/// Unix socket needs no look-up). In a program that links the static library, this call reads the variables of HTTP
/// proxies by getenv(), without using them: there no other thread may change the environment during the call.
///
/// @param settings  an array of `count` settings; NULL if `count` is 0
/// @param count     number of settings
/// @param out       receives the tracer; 0 on failure
/// @param error     receives the status and a sentence; may be NULL
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `out` is NULL, a setting has no name, or `settings` is NULL and `count` is not 0
///         SPANWIRE_E_LIMIT    the process has SPANWIRE_TRACERS_MAX tracers with other settings, or still sends spans
///                             of freed tracers to as many other agents
///
/// Ownership: copies all texts. Call spanwire_tracer_free() once for each success.
/// Threads:   any.
/// Blocks:    for a few reads of files under /proc and /sys; never for the network.
/// Fork:      the tracer works in a forked child under the same handle, with an empty queue and counters at 0.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_new(
    settings: CArray<spanwire_setting>,
    count: CLen,
    out: Out<spanwire_tracer>,
    error: OutSized<spanwire_error>,
) -> spanwire_status {
    keep_panics_quiet();
    let mut message = "";
    let status = guard(|state| {
        message = "`out` is NULL; pass a place for the tracer";
        out.require(0)?;
        message = "`settings` is NULL but `count` is not 0, or a setting has no name";
        let code = list(settings, count)?;
        message = "the process has SPANWIRE_TRACERS_MAX tracers; free those that are no longer used";
        out.set(state.tracers.make(state, code)?);
        message = "";
        Ok(())
    });
    explain(error, status, message);
    status
}

/// The settings as the host lists them.
fn list(settings: CArray<spanwire_setting>, count: CLen) -> Result<Vec<(String, String)>, Error> {
    let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pair = |setting: &spanwire_setting| {
        Ok((owned(setting.name.get().ok_or(Error::Argument)?), owned(setting.value.or_empty())))
    };
    settings.of(count)?.iter().map(pair).collect()
}

/// Fills the host's structure, unless it gave none.
pub(super) fn explain(error: OutSized<spanwire_error>, status: spanwire_status, message: &str) {
    let sentence = if message.is_empty() { super::status::text(status).to_bytes() } else { message.as_bytes() };
    let mut value = spanwire_error { size: 0, status, message: [0; 244] };
    if status != SPANWIRE_OK {
        value.message.iter_mut().zip(sentence.iter().take(243)).for_each(|(to, &from)| *to = from as c_char);
    }
    // NULL is an error there, and allowed here.
    let _ = error.write(&value);
}

/// Maximum number of tracers of a process. A freed tracer does not count, even while its spans are still being sent.
pub const SPANWIRE_TRACERS_MAX: usize = 64;
// The value is a literal because cbindgen resolves no paths.
const _: () = assert!(SPANWIRE_TRACERS_MAX == crate::export::TRACERS_MAX);

/// Starts the tracer's worker thread now. Without this call the first span starts it. Does nothing if DD_TRACE_ENABLED
/// is off.
///
/// @param tracer  a tracer
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `tracer` is freed, or was never a tracer
///         SPANWIRE_E_CLOSED  it was shut down
///         SPANWIRE_E_LIMIT   the system gives no further thread; the next span or flush tries again
///
/// Threads:   any.
/// Blocks:    while one thread is created; that thread has all signals blocked.
/// Fork:      a child has no such thread; its first span starts one.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_start(tracer: spanwire_tracer) -> spanwire_status {
    guard(|state| closing::start(state, tracer))
}

/// Frees a tracer once. After as many calls as spanwire_tracer_new() returned it, the tracer ends and its handle
/// becomes invalid: open spans are abandoned and counted, finished spans are still sent in the background.
///
/// @param tracer  a tracer; 0 does nothing
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `tracer` is freed, or was never a tracer
///
/// Threads:   any, also while spans are open.
/// Blocks:    up to 10 ms to abandon open spans; the worker abandons the rest of very many. To make sure that spans are
///            sent, call spanwire_tracer_shutdown() first.
/// Fork:      frees the child's tracer only.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_free(tracer: spanwire_tracer) -> spanwire_status {
    guard(|state| if tracer == 0 { Ok(()) } else { state.tracers.free(state, tracer) })
}

/// Sends all complete traces of this tracer, and waits until each is acknowledged or dropped. Finished spans of traces
/// that still have open spans are not sent; spanwire_tracer_shutdown() sends those. A flush may shorten the wait
/// between two attempts, but not a wait that the agent asked for with `Retry-After`.
///
/// @param tracer      a tracer
/// @param timeout_ms  maximum wait in milliseconds; 0 requests the flush without waiting
///
/// @return SPANWIRE_OK        no complete trace waits any more; spanwire_tracer_stats() has what was dropped
///         SPANWIRE_E_TIMEOUT the time is over; sending goes on in the background
///         SPANWIRE_E_LIMIT   at once: the system gives no thread for the worker, so nothing can be sent. Spans stay in
///                            the queue, and the log says so (`limits.threads`)
///         SPANWIRE_E_HANDLE  `tracer` is freed, or was never a tracer
///         SPANWIRE_E_CLOSED  it was shut down
///
/// Threads:   any, but not from a log sink's callback.
/// Blocks:    up to `timeout_ms`.
/// Fork:      a child waits for its own spans only. Call it before exec and before daemon(3), which end the process
///            without its exit handlers.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_flush(tracer: spanwire_tracer, timeout_ms: u32) -> spanwire_status {
    guard(|state| closing::flush(state, tracer, Duration::from_millis(timeout_ms.into())))
}

/// Shuts a tracer down. No further span can be started. Open spans are abandoned, counted, and named in one warning.
/// Finished spans are sent, also those of incomplete traces. Spans not sent when the time is over are dropped and
/// counted as `dropped_shutdown`. If the agent refuses connections (no process listens, or the socket does not exist),
/// the shutdown ends after one such attempt, and the rest is counted as `dropped_unreachable`. Idempotent.
///
/// @param tracer      a tracer; it is shut down for all who share it
/// @param timeout_ms  maximum time in milliseconds
///
/// @return SPANWIRE_OK        everything that was finished was acknowledged, or refused by the agent
///         SPANWIRE_E_TIMEOUT not everything was delivered: the time is over, or the agent refuses connections. The
///                            rest is dropped. The spans of a request that is still under way count as in flight until
///                            it ends, and the log's last line counts them as of unknown fate. If a million spans were
///                            open, those not yet abandoned count as open until the worker has abandoned them
///         SPANWIRE_E_LIMIT   at once: the system gives no thread for the worker, and the rest is dropped
///         SPANWIRE_E_HANDLE  `tracer` is freed, or was never a tracer
///
/// Threads:   any, but not from a log sink's callback.
/// Blocks:    up to `timeout_ms`, and up to 100 ms more for the last counters and the log.
/// Fork:      a child shuts down its own tracer only. The library does nothing at exit: a process that wants its last
///            spans delivered calls this function.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_shutdown(tracer: spanwire_tracer, timeout_ms: u32) -> spanwire_status {
    guard(|state| closing::shutdown(state, tracer, Duration::from_millis(timeout_ms.into())))
}

/// Copies a tracer's counters. They stay readable after a shutdown, until the tracer is freed.
///
/// @param tracer  a tracer
/// @param out     receives as many fields as its `size` holds; the caller sets `size`
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_ARGUMENT `out` is NULL
///         SPANWIRE_E_VERSION  `out->size` is not set
///
/// Threads:   any.
/// Blocks:    never; its time grows with the number of traces that have open spans.
/// Fork:      a child's counters begin at 0.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_stats(tracer: spanwire_tracer, out: OutSized<spanwire_stats>) -> spanwire_status {
    guard(|state| out.write(&c_stats(&stats::of(state, tracer)?)))
}

fn c_stats(stats: &stats::Stats) -> spanwire_stats {
    let dropped = |reason: Reason| stats.dropped[reason as usize];
    spanwire_stats {
        size: std::mem::size_of::<spanwire_stats>(),
        spans_started: stats.started,
        spans_finished: stats.finished,
        spans_open: stats.open,
        spans_abandoned: stats.abandoned,
        spans_discarded: stats.discarded,
        spans_waiting: stats.waiting,
        spans_queued: stats.queued,
        spans_in_flight: stats.in_flight,
        spans_sent: stats.sent,
        spans_dropped: stats.dropped.iter().sum(),
        dropped_queue_full: dropped(Reason::QueueFull),
        dropped_memory: dropped(Reason::Memory),
        dropped_unreachable: dropped(Reason::Unreachable),
        dropped_refused: dropped(Reason::Refused),
        dropped_too_large: dropped(Reason::TooLarge),
        dropped_shutdown: dropped(Reason::Shutdown),
        dropped_invalid: dropped(Reason::Invalid),
        dropped_unknown_fate: dropped(Reason::UnknownFate),
        starts_refused: stats.refused_starts,
        payloads_sent: stats.payloads_sent,
        payloads_unknown: stats.payloads_unknown,
        attempts_failed: stats.attempts_failed,
        bytes_sent: stats.bytes_sent,
        texts_repaired: stats.texts_repaired,
        texts_cut: stats.texts_cut,
        tags_dropped: stats.tags_dropped,
        parents_unknown: stats.parents_unknown,
        memory_used: stats.memory_used,
        memory_max: stats.memory_max,
    }
}

/// Writes the tracer's settings as one JSON object: the fields of the start-up line, and under "settings" each setting
/// with its value and its origin. Secrets are redacted. Values that remote configuration has changed are those in force now,
/// with the origin "remote_config".
///
/// @param tracer    a tracer
/// @param buffer    receives the text and a NUL; NULL only asks for the size
/// @param capacity  size of the buffer in bytes
/// @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_LIMIT    the buffer is too small; it holds the empty text
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_ARGUMENT `buffer` and `need` are both NULL
///
/// Ownership: the buffer is the caller's.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_config_json(
    tracer: spanwire_tracer,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    guard(|state| {
        let out = OutText::of(buffer, capacity, need)?;
        out.put(state.tracers.config_json(state, tracer)?.as_bytes())
    })
}

/// Reports to the debug log that the host has set up an integration, which traces a library.
///
/// @param tracer   a tracer
/// @param name     such as "mysqli"; not NULL
/// @param version  version of the integrated library; NULL if unknown
/// @param status   such as "loaded" or "disabled"; NULL for "loaded"
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_ARGUMENT `name` is NULL
///
/// Ownership: copies the texts.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_report_integration(
    tracer: spanwire_tracer,
    name: CText,
    version: CText,
    status: CText,
) -> spanwire_status {
    guard(|state| {
        let name = String::from_utf8_lossy(name.get().ok_or(Error::Argument)?);
        let version = String::from_utf8_lossy(version.or_empty());
        let status = String::from_utf8_lossy(status.get().unwrap_or(b"loaded"));
        state.tracers.report_integration(state, tracer, &name, &version, &status)
    })
}
