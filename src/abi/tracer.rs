//! Making, sharing, flushing, shutting down and asking tracers.
#![allow(non_camel_case_types)]

use super::arg::{Buffer, CArray, CLen, CText, Out, OutText};
use super::sized::{OutSized, Sized_};
use super::status::*;
use super::{guard, keep_panics_quiet};
use crate::counters::Reason;
use crate::tracer::{closing, stats, Error};
use std::ffi::c_char;
use std::time::Duration;

/// A tracer, as a number below 2^53; 0 is none. Not a pointer: a wrong one is answered with a status.
pub type spanwire_tracer = u64;

/// One setting: a documented name and its value, both NUL-terminated UTF-8. This structure never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_setting {
    /// `DD_SERVICE`, `SPANWIRE_FLUSH_INTERVAL_MS`, …; `default:DD_SERVICE` ranks below the environment.
    pub name: CText,
    /// The value as the environment would give it; NULL and "" mean "not set".
    pub value: CText,
}

/// A status with a sentence for people, filled by calls that are rare enough to afford one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_error {
    /// `sizeof(spanwire_error)`, set by the caller.
    pub size: usize,
    /// What the call returned.
    pub status: spanwire_status,
    /// What was wrong and what to do, NUL-terminated; empty when nothing was.
    pub message: [c_char; 244],
}

/// What a tracer has counted. Between calls these hold exactly:
///
///     started  = finished + open + abandoned + discarded
///     finished = waiting + queued + in flight + sent + dropped,   dropped = the sum of the reasons
///
/// While spans are being started and finished a snapshot may be off by those in motion. In a forked child all counts
/// begin at 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_stats {
    /// `sizeof(spanwire_stats)`, set by the caller.
    pub size: usize,
    /// Spans started, submitted ones among them.
    pub spans_started: u64,
    /// Spans finished.
    pub spans_finished: u64,
    /// Spans open now.
    pub spans_open: u64,
    /// Spans that were still open at shutdown; they are not sent.
    pub spans_abandoned: u64,
    /// Spans given to spanwire_span_discard().
    pub spans_discarded: u64,
    /// Finished spans whose trace still has open ones.
    pub spans_waiting: u64,
    /// Finished spans in the queue.
    pub spans_queued: u64,
    /// Finished spans in the payload that is being sent.
    pub spans_in_flight: u64,
    /// Finished spans in payloads that the agent answered with 2xx.
    pub spans_sent: u64,
    /// Finished spans dropped, whatever the reason.
    pub spans_dropped: u64,
    /// … because the queue was full (`SPANWIRE_QUEUE_MAX`, `SPANWIRE_QUEUE_MAX_CHUNKS`).
    pub dropped_queue_full: u64,
    /// … because `SPANWIRE_MEMORY_MAX` was reached.
    pub dropped_memory: u64,
    /// … because the agent could not be reached for `SPANWIRE_RETRY_FOR_MS`, or refused a connection while the tracer
    /// was being shut down.
    pub dropped_unreachable: u64,
    /// … because the agent answered with a status that no retry changes, or never with another one.
    pub dropped_refused: u64,
    /// … because one span alone is larger than the agent takes.
    pub dropped_too_large: u64,
    /// … because they had not left when the time of a shutdown was over.
    pub dropped_shutdown: u64,
    /// … because a submitted record had no ids or was cut short, or an internal error kept a batch from being sent.
    pub dropped_invalid: u64,
    /// … because the payload was sent but never answered, and given up: the agent may have it.
    pub dropped_unknown_fate: u64,
    /// Spans that could not be started: the tracer was closed, or memory was short. Not among `spans_started`.
    pub starts_refused: u64,
    /// Payloads answered with 2xx; lines, where the agent is a file.
    pub payloads_sent: u64,
    /// Attempts of which a part was sent and that were never answered. What was tried again may have arrived twice.
    pub payloads_unknown: u64,
    /// Attempts that failed or were refused.
    pub attempts_failed: u64,
    /// Bytes of the payloads answered with 2xx.
    pub bytes_sent: u64,
    /// Texts that were not UTF-8 and were repaired with U+FFFD.
    pub texts_repaired: u64,
    /// Texts that were too long and were cut.
    pub texts_cut: u64,
    /// Tags that were dropped: a span's limit, or memory.
    pub tags_dropped: u64,
    /// Spans started under a parent that had finished, or never was: each is the root of a new trace.
    pub parents_unknown: u64,
    /// Bytes that spans occupy at this moment, all tracers of the process together; see "Memory" above.
    pub memory_used: u64,
    /// The bound on that, `SPANWIRE_MEMORY_MAX` of the first tracer.
    pub memory_max: u64,
}

// SAFETY: both are repr(C), begin with their size, and hold numbers only.
unsafe impl Sized_ for spanwire_stats {}
// SAFETY: as above.
unsafe impl Sized_ for spanwire_error {}

/// Makes a tracer, or gives the one that was made from an equal list again. Opens no connection, starts no thread.
///
/// Settings are taken from the list, then the environment, then defaults; docs/settings.md has them all. A value that
/// cannot be used is a warning in the log and the next source's value is taken; it is never a reason to fail.
/// The environment is read here, on the calling thread, and not again, except that the C library reads RES_OPTIONS,
/// LOCALDOMAIN and HOSTALIASES when the Agent's name is looked up, on a thread of ours: no look-up is needed for an address,
/// `localhost` or a Unix socket. Other threads may change the environment during this call; a variable that they change
/// has its old value or its new one. In a program that links the static library, the call also reads the variables of HTTP
/// proxies, which are not used, by getenv(): there no other thread may change the environment during the call.
///
/// @param settings  an array of `count` settings; NULL if `count` is 0
/// @param count     how many
/// @param out       where the tracer goes; 0 on failure
/// @param error     filled with status and a sentence; NULL if that is not wanted
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `out` is NULL, or a setting has no name, or `settings` is NULL but `count` is not 0
///         SPANWIRE_E_LIMIT    the process has SPANWIRE_TRACERS_MAX tracers with other settings, or still sends to as
///                             many other agents what freed tracers have left
///
/// Ownership: copies all texts. Give the tracer back with spanwire_tracer_free(), once for each time it was given out.
/// Threads:   any.
/// Blocks:    for a few reads of files under /proc and /sys; never for the network.
/// Fork:      the tracer works in a forked child under the same number, with an empty queue and counters at 0.
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
        message = "`out` is NULL: there is no place for the tracer";
        out.require(0)?;
        message = "`settings` is NULL, or a setting has no name";
        let code = list(settings, count)?;
        message = "the process has SPANWIRE_TRACERS_MAX tracers; free those that are not used";
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
fn explain(error: OutSized<spanwire_error>, status: spanwire_status, message: &str) {
    let sentence = if message.is_empty() { super::status::text(status).to_bytes() } else { message.as_bytes() };
    let mut value = spanwire_error { size: 0, status, message: [0; 244] };
    if status != SPANWIRE_OK {
        value.message.iter_mut().zip(sentence.iter().take(243)).for_each(|(to, &from)| *to = from as c_char);
    }
    // NULL is an error there, and allowed here.
    let _ = error.write(&value);
}

/// The most tracers that a process has at a time. A freed tracer does not count, even if its spans have not left yet.
pub const SPANWIRE_TRACERS_MAX: usize = 64;
// A literal, since the header's generator resolves no paths.
const _: () = assert!(SPANWIRE_TRACERS_MAX == crate::export::TRACERS_MAX);

/// Starts the tracer's worker thread now. Without it the first span starts the thread.
///
/// @param tracer  a tracer
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `tracer` is freed, or never was a tracer
///         SPANWIRE_E_CLOSED  it was shut down
///         SPANWIRE_E_LIMIT   the system does not give another thread; the next span or flush tries again
///
/// Threads:   any.
/// Blocks:    for the creation of one thread, which has all signals blocked.
/// Fork:      the thread is not there in a child; the child's first span starts its own.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_start(tracer: spanwire_tracer) -> spanwire_status {
    guard(|state| closing::start(state, tracer))
}

/// Gives a tracer back. When it was given back as often as it was given out it ends: spans that are open are abandoned
/// and counted, finished ones are still sent in the background, and the number is stale.
///
/// @param tracer  a tracer; 0 does nothing
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `tracer` is freed, or never was a tracer
///
/// Threads:   any; may be called while spans are open.
/// Blocks:    up to 10 ms for spans that are still open; if there are more, such as a million, the worker's thread abandons
///            the rest. To know that spans have left, call spanwire_tracer_shutdown() before.
/// Fork:      frees the child's share only.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_free(tracer: spanwire_tracer) -> spanwire_status {
    guard(|state| if tracer == 0 { Ok(()) } else { state.tracers.free(state, tracer) })
}

/// Sends all traces of this tracer that are complete now, and waits until each is acknowledged or dropped. Finished spans
/// of traces that still have open ones are not sent: spanwire_tracer_shutdown() does that. A flush may shorten the wait
/// between two attempts, but not a wait that the agent has asked for with `Retry-After`.
///
/// @param tracer      a tracer
/// @param timeout_ms  how long to wait, in milliseconds; 0 only asks for the flush
///
/// @return SPANWIRE_OK        nothing of what was complete waits any more; spanwire_tracer_stats() tells what was dropped
///         SPANWIRE_E_TIMEOUT the time is over; sending goes on in the background
///         SPANWIRE_E_LIMIT   at once: the system does not give a thread for the worker, so that nothing can be sent;
///                            spans wait in the queue, and the log says so (`limits.threads`)
///         SPANWIRE_E_HANDLE  `tracer` is freed, or never was a tracer
///         SPANWIRE_E_CLOSED  it was shut down
///
/// Threads:   any, but not from a log sink's callback.
/// Blocks:    up to `timeout_ms`.
/// Fork:      a child waits for its own spans only. Call it before exec and daemon(3), which end the process without
///            its exit handlers.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_flush(tracer: spanwire_tracer, timeout_ms: u32) -> spanwire_status {
    guard(|state| closing::flush(state, tracer, Duration::from_millis(timeout_ms.into())))
}

/// Shuts a tracer down. No span can be started any more; those that are open are abandoned, counted, and named in one
/// warning; finished spans, of incomplete traces too, are sent; what has not left when the time is over is dropped and
/// counted as `dropped_shutdown`. Where the agent refuses every connection (nobody listens there, or there is no such
/// socket), the shutdown ends after one such attempt instead of using up its time, and what has not left is counted as
/// `dropped_unreachable`. Idempotent.
///
/// @param tracer      a tracer; all its shares are shut down
/// @param timeout_ms  how long it may take, in milliseconds
///
/// @return SPANWIRE_OK        everything that was finished is acknowledged, or was refused by the agent
///         SPANWIRE_E_TIMEOUT not everything was delivered: the time is over, or the agent refuses connections. The rest
///                            is dropped. A request that is under way is counted as in flight until it ends, and the
///                            log's last line names its spans as of unknown fate. What is left of a million open spans
///                            is counted as open until the worker's thread has abandoned them
///         SPANWIRE_E_LIMIT   at once: the system does not give a thread for the worker, and the rest is dropped
///         SPANWIRE_E_HANDLE  `tracer` is freed, or never was a tracer
///
/// Threads:   any, but not from a log sink's callback.
/// Blocks:    up to `timeout_ms`, and at its end up to 100 ms for the last counts and the log.
/// Fork:      a child shuts down its own only. Nothing happens at exit by itself: a process that wants its last second
///            of spans delivered calls this.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_tracer_shutdown(tracer: spanwire_tracer, timeout_ms: u32) -> spanwire_status {
    guard(|state| closing::shutdown(state, tracer, Duration::from_millis(timeout_ms.into())))
}

/// Takes a tracer's numbers together. They stay readable after a shutdown, until the tracer is freed.
///
/// @param tracer  a tracer
/// @param out     its `size` is set by the caller; as many fields as that holds are filled
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
///         SPANWIRE_E_ARGUMENT `out` is NULL
///         SPANWIRE_E_VERSION  `out->size` is not set
///
/// Threads:   any.
/// Blocks:    never; takes time with the number of traces that have open spans.
/// Fork:      a child's numbers begin at 0.
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

/// Writes the frozen settings as one JSON object: what the start-up line has, and under "settings" every setting with its
/// value and where that came from. Secrets are redacted.
///
/// @param tracer    a tracer
/// @param buffer    where the text and a NUL go; NULL only asks how much is needed
/// @param capacity  the buffer's size in bytes
/// @param need      set to the bytes needed with the NUL; may be NULL if `buffer` is not
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_LIMIT    the buffer is too small; it holds the empty text
///         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
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

/// Tells that the host has set up an integration (the tracing of a library), for the debug log.
///
/// @param tracer   a tracer
/// @param name     such as "mysqli"; not NULL
/// @param version  of the integrated library; NULL if unknown
/// @param status   such as "loaded" or "disabled"; NULL for "loaded"
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
///         SPANWIRE_E_ARGUMENT `name` is NULL
///
/// Ownership: copies what it keeps.
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
