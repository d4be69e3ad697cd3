//! Log records: pulled by the host, or pushed to callbacks on the log's own thread; and records that the host adds.
#![allow(non_camel_case_types)]

use super::span::spanwire_tag;
use super::status::*;
use super::{guard, guard_value, sized, text};
use crate::log::event::Event;
use crate::log::{Level, Record, ReleaseFn, Returned, SinkError};
use crate::process;
use crate::sys;
use crate::tracer::Error;
use std::ffi::{c_char, c_void, CString};
use std::sync::Arc;

/// Nothing is logged.
pub const SPANWIRE_LEVEL_OFF: i32 = 0;
/// Something was lost, or cannot work.
pub const SPANWIRE_LEVEL_ERROR: i32 = 1;
/// Something is wrong and was repaired, or may be lost.
pub const SPANWIRE_LEVEL_WARN: i32 = 2;
/// Rare facts: the start-up line, the agent reachable again. The level where nothing else is said.
pub const SPANWIRE_LEVEL_INFO: i32 = 3;
/// A line for each span, chunk and payload: debug mode.
pub const SPANWIRE_LEVEL_DEBUG: i32 = 4;
/// Everything.
pub const SPANWIRE_LEVEL_TRACE: i32 = 5;

/// Rules for single loggers that can be there at once.
pub const SPANWIRE_LOGGERS_MAX: usize = 64;

/// A log sink, as a number below 2^53; 0 is none.
pub type spanwire_sink = u64;

/// A log record. In a callback it and its texts are valid while that runs; spanwire_log_take() puts the texts into the
/// caller's buffer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_log_record {
    /// `sizeof(spanwire_log_record)` of the library.
    pub size: usize,
    /// When it happened, nanoseconds since 1970.
    pub time_ns: u64,
    /// SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE.
    pub level: i32,
    /// What kind of thing happened, such as "span.finished" or "agent.unreachable"; NUL-terminated.
    pub target: *const c_char,
    /// The whole record in the chosen dialect, without a newline at its end; NUL-terminated. In the dialects of some
    /// languages a record can have several lines.
    pub text: *const c_char,
    /// Its length in bytes.
    pub text_len: usize,
    /// Records lost before this one because nobody took them in time.
    pub lost: u64,
    /// Who says it, in the names of the chosen dialect, such as "ddtrace.tracer"; NUL-terminated. spanwire_log_set_logger_level()
    /// takes the same names.
    pub logger: *const c_char,
    /// Where in `text` the message begins: what comes before it, a logger of the host's adds by itself (time, process,
    /// level, name).
    pub message: *const c_char,
    /// Its length in bytes.
    pub message_len: usize,
    /// SPANWIRE_LOG_HOST_ONLY or 0.
    pub flags: u32,
}

// SAFETY: `repr(C)`, begins with its size, plain integers and pointers.
unsafe impl sized::Sized_ for spanwire_log_record {}

/// A record that belongs into the host's own log even where a log file is set, and is not in that file: PHP's "Loaded
/// integration", and that the log file cannot be written.
pub const SPANWIRE_LOG_HOST_ONLY: u32 = 1;

/// Called with a record and the `userdata` that came with the callback. It must not throw an exception or leave by
/// longjmp(). Inside, any function may be called but, in a sink, spanwire_tracer_flush() and spanwire_tracer_shutdown().
/// What is logged from inside a sink is counted, not delivered. The process may be forked inside: the child keeps the
/// record until the callback returns, and gets no further record of its parent's.
pub type spanwire_log_callback =
    Option<unsafe extern "C" fn(record: *const spanwire_log_record, userdata: *mut c_void)>;

/// Called once with a sink's `userdata` when no callback will run any more. It must not throw an exception or leave by
/// longjmp(). The process may be forked inside.
pub type spanwire_release = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// Calls the host's callback with a record.
///
/// # Safety
/// `callback` may be called with `userdata`.
unsafe fn hand_over(
    callback: unsafe extern "C" fn(*const spanwire_log_record, *mut c_void),
    userdata: *mut c_void,
    record: &Record,
) {
    // The log escapes control characters, so that neither text holds a NUL.
    let terminated = |text: &str| CString::new(text).unwrap_or_default();
    let (target, line, logger) = (terminated(&record.target), terminated(&record.text), terminated(&record.logger));
    let given = [target.as_ptr(), line.as_ptr(), logger.as_ptr()];
    // SAFETY: the message begins inside of the text, which is as long as the record's.
    let message = unsafe { line.as_ptr().add(record.message_at.min(line.as_bytes().len())) };
    let record = in_c(record, given, message, std::mem::size_of::<spanwire_log_record>());
    let caller = process::generation();
    // SAFETY: by the caller.
    unsafe { callback(&record, userdata) };
    if Returned::to(caller) == Returned::InForkedChild {
        std::mem::forget((target, line, logger));
    }
}

fn in_c(
    record: &Record,
    [target, text, logger]: [*const c_char; 3],
    message: *const c_char,
    size: usize,
) -> spanwire_log_record {
    spanwire_log_record {
        size,
        time_ns: record.time_ns,
        level: record.level as i32,
        target,
        text,
        text_len: record.text.len(),
        lost: record.lost,
        logger,
        message,
        message_len: record.text.len().saturating_sub(record.message_at),
        flags: if record.host_only { SPANWIRE_LOG_HOST_ONLY } else { 0 },
    }
}

/// Sets what is logged while debug mode is off, for the whole process. `DD_TRACE_LOG_LEVEL` does the same from the start.
///
/// @param level  SPANWIRE_LEVEL_OFF to SPANWIRE_LEVEL_TRACE
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT another number
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child has its parent's level.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_set_level(level: i32) -> spanwire_status {
    guard(|state| {
        state.shared.logs.set_level(Level::from_number(level).ok_or(Error::Argument)?);
        Ok(())
    })
}

/// Sets the level of one logger and of those below it, for the whole process, or takes it away: "ddtrace.internal",
/// "datadog.trace.agent.core", PHP's target "span", in our own dialects a record's target ("span", "agent.unreachable").
/// The nearest rule wins, over the level and over debug mode.
///
/// "root" is the host's root logger: its level holds for loggers without a rule where neither DD_TRACE_LOG_LEVEL nor
/// spanwire_log_set_level() chose a level and debug mode is off, as Python's does. A binding calls this when the host sets
/// the level of such a logger.
///
/// @param logger  the logger's name, not NULL or empty
/// @param level   SPANWIRE_LEVEL_OFF to SPANWIRE_LEVEL_TRACE, or -1 to take the rule away
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `logger` is NULL or empty, or the level is not one
///         SPANWIRE_E_LIMIT    there are SPANWIRE_LOGGERS_MAX rules
///
/// Ownership: copies nothing but a digest of the name.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child has its parent's rules.
/// Since:     0.1
///
/// # Safety
/// `logger` is NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_set_logger_level(logger: *const c_char, level: i32) -> spanwire_status {
    guard(|state| {
        // SAFETY: by the caller.
        let logger = unsafe { text::terminated(logger) }.filter(|name| !name.is_empty()).ok_or(Error::Argument)?;
        let level = match level {
            -1 => None,
            number => Some(Level::from_number(number).ok_or(Error::Argument)?),
        };
        let kept = state.shared.logs.set_logger_level(&String::from_utf8_lossy(logger), level);
        kept.then_some(()).ok_or(Error::Limit)
    })
}

/// Takes records that wait, oldest first, and calls back with each, here and now, on the calling thread. The way for
/// hosts that cannot be called from foreign threads: PHP, Ruby, Python, Node.
///
/// The ring holds 4,096 records or 1 MiB; the oldest are lost first, and counted in the next record's `lost`.
///
/// @param callback  called for each record; no lock is held
/// @param userdata  handed to it
/// @param max       how many records at the most; 0 for all that wait when the call begins
/// @param count     set to how many there were; may be NULL
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `callback` is NULL
///
/// Ownership: a record lives until its callback returns.
/// Threads:   any; each record goes to one caller.
/// Blocks:    never, but for what the callback does.
/// Fork:      a child's ring is empty at first. In a child that the callback forks, the call ends with that record.
/// Since:     0.1
///
/// # Safety
/// `callback` may be called with `userdata`; `count` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_poll(
    callback: spanwire_log_callback,
    userdata: *mut c_void,
    max: usize,
    count: *mut usize,
) -> spanwire_status {
    guard(|state| {
        let callback = callback.ok_or(Error::Argument)?;
        let max = if max == 0 { usize::MAX } else { max };
        // SAFETY: by the caller.
        let taken = state.shared.logs.poll(max, &mut |record| unsafe { hand_over(callback, userdata, record) });
        if !count.is_null() {
            // SAFETY: by the caller.
            unsafe { *count = taken };
        }
        Ok(())
    })
}

/// Takes records that wait as text: whole lines, each with a newline, and a NUL after the last. Takes as many as fit.
///
/// @param buffer    where the lines go; NULL only asks how much is needed, and takes nothing
/// @param capacity  the buffer's size in bytes
/// @param need      set to the bytes that all records needed which waited when the call began, with the NUL: 1 if none
///                  did; may be NULL if `buffer` is not. While it is above 1 there may be more: call again.
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_LIMIT    the next record alone is larger than the buffer, which holds the empty text
///         SPANWIRE_E_ARGUMENT `buffer` and `need` are both NULL
///
/// Ownership: the buffer is the caller's.
/// Threads:   any; each record goes to one caller.
/// Blocks:    never.
/// Fork:      a child's ring is empty at first.
/// Since:     0.1
///
/// # Safety
/// `buffer` is NULL or has `capacity` bytes; `need` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_drain(buffer: *mut c_char, capacity: usize, need: *mut usize) -> spanwire_status {
    guard(|state| {
        text::wanted(buffer, need)?;
        let room = if buffer.is_null() { 0 } else { capacity.saturating_sub(1).min(isize::MAX as usize - 1) };
        // SAFETY: by the caller; without room the pointer is not used.
        let lines =
            if room == 0 { &mut [][..] } else { unsafe { std::slice::from_raw_parts_mut(buffer.cast(), room) } };
        let (written, wanted) = state.shared.logs.drain(lines);
        // SAFETY: by the caller.
        unsafe {
            if !need.is_null() {
                *need = wanted + 1;
            }
            if !buffer.is_null() && capacity > 0 {
                *buffer.add(written) = 0;
            }
        }
        if !buffer.is_null() && written == 0 && wanted > 0 {
            return Err(Error::Limit);
        }
        Ok(())
    })
}

/// Takes the oldest record that waits, without a callback: for hosts that want level and logger beside the text and in
/// which a callback is dear.
///
/// @param record    where it goes; set its `size` to `sizeof(spanwire_log_record)` first. Its texts point into `buffer`.
/// @param buffer    where the texts go, each with a NUL
/// @param capacity  the buffer's size in bytes
/// @param need      set to the bytes that the record needs, 0 if none waits; may be NULL
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND no record waits
///         SPANWIRE_E_LIMIT     the record needs a larger buffer, and waits on
///         SPANWIRE_E_ARGUMENT  `record` or `buffer` is NULL
///         SPANWIRE_E_VERSION   `record->size` is no size of it
///
/// Ownership: buffer and record are the caller's.
/// Threads:   any; each record goes to one caller.
/// Blocks:    never.
/// Fork:      a child's ring is empty at first.
/// Since:     0.1
///
/// # Safety
/// `record` is NULL or has the size that it says; `buffer` is NULL or has `capacity` bytes; `need` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_take(
    record: *mut spanwire_log_record,
    buffer: *mut c_char,
    capacity: usize,
    need: *mut usize,
) -> spanwire_status {
    guard(|state| {
        let room = capacity.min(isize::MAX as usize);
        if buffer.is_null() {
            return Err(Error::Argument);
        }
        // Before a record is taken, which would be lost.
        // SAFETY: by the caller.
        unsafe { sized::writable(record)? };
        let needs = |record: &Record| record.text.len() + record.target.len() + record.logger.len() + 3;
        let (taken, wanted) = state.shared.logs.take(|record| needs(record) <= room, needs);
        if !need.is_null() {
            // SAFETY: by the caller.
            unsafe { *need = wanted };
        }
        let taken = match taken {
            Some(taken) => taken,
            None if wanted > 0 => return Err(Error::Limit),
            None => return Err(Error::NotFound),
        };
        // SAFETY: by the caller; the texts fit, as `needs` says.
        let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), room) };
        let mut at = 0;
        let given = [taken.target.as_str(), &taken.text, &taken.logger].map(|text| {
            let place = at;
            bytes[place..place + text.len()].copy_from_slice(text.as_bytes());
            bytes[place + text.len()] = 0;
            at += text.len() + 1;
            buffer.wrapping_add(place).cast_const()
        });
        let message = given[1].wrapping_add(taken.message_at);
        // SAFETY: by the caller.
        unsafe { sized::write(record, &in_c(&taken, given, message, 0)) }
    })
}

/// A descriptor that is readable while records wait for spanwire_log_poll() or spanwire_log_drain(), for poll(2) and
/// event loops. It is a socket. Do not read from it or close it. A host that closes it all the same, as daemons close all
/// that they do not know, asks for another one by the next call.
///
/// @return the descriptor, the same at each call as long as it is open; -1 if the system gives none
///
/// Ownership: the library's, until the process ends.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child asks anew: its first call of the library closes the inherited descriptor.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_fd() -> i32 {
    guard_value(-1, |state| sys::uncancelled(|| state.shared.logs.fd().unwrap_or(-1)))
}

/// Adds a record of the host's own, to be read beside ours and sent where they go.
///
/// @param level   SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE
/// @param target  which part of the host speaks, such as "php.hook"; NULL for "host"
/// @param text    what it says, UTF-8; NULL is the empty text
///
/// @return SPANWIRE_OK         also where the level is not logged
///         SPANWIRE_E_ARGUMENT another level
///
/// Ownership: copies the texts before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
///
/// # Safety
/// The texts are NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_write(level: i32, target: *const c_char, text: *const c_char) -> spanwire_status {
    // SAFETY: by the caller.
    unsafe { write(level, (target, text::NUL), (text, text::NUL)) }
}

/// spanwire_log_write() with lengths.
///
/// @param level       as there
/// @param target      as there
/// @param target_len  its length in bytes, or SPANWIRE_NUL
/// @param text        as there
/// @param text_len    its length in bytes, or SPANWIRE_NUL
///
/// @return as there, and SPANWIRE_E_ARGUMENT for a length beyond half the address space
///
/// Ownership: as there.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
///
/// # Safety
/// The texts are NULL or have these lengths.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_write_n(
    level: i32,
    target: *const c_char,
    target_len: usize,
    text: *const c_char,
    text_len: usize,
) -> spanwire_status {
    // SAFETY: by the caller.
    unsafe { write(level, (target, target_len), (text, text_len)) }
}

/// Adds a record of the host's, from texts with their lengths.
///
/// # Safety
/// As for `spanwire_log_write_n`.
unsafe fn write(level: i32, target: (*const c_char, usize), text: (*const c_char, usize)) -> spanwire_status {
    guard(|state| {
        let level = Level::from_number(level).filter(|level| *level != Level::Off).ok_or(Error::Argument)?;
        // SAFETY: by the caller.
        let (target, text) = unsafe { (text::measured(target.0, target.1)?, text::measured(text.0, text.1)?) };
        if crate::log::enabled(level) {
            let target = String::from_utf8_lossy(target.unwrap_or(b"host"));
            let text = String::from_utf8_lossy(text.unwrap_or_default());
            state.shared.logs.emit(&Event::HostText { level, target: &target, text: &text });
        }
        Ok(())
    })
}

/// Reports something that only the host can know (a hook installed, a method compiled) as an event with fields, which
/// the chosen dialect turns into a line.
///
/// Any kind can be reported, and reads as its name and its fields, at level debug, or warn where it ends in ".failed".
/// These kinds are known, and read as the
/// tracer of the language writes them, at its level, where it has such a line:
///
///     jit.started              function_id, token, name           a method is compiled (.NET, native code)
///     transport.chosen         factory, product                   how the Agent is reached (.NET)
///     class.transformed        class, classloader                 a class was instrumented (Java)
///     instrumentation.applied  state, classloader                 an instrumentation was applied (Java)
///     class_path               path                               the class path (Java)
///     integration.failed       name, error                        an integration could not be set up
///     integrations.loaded      names, count                       all integrations that were set up
///     sampling.decided         trace_id, sampled, rate, mechanism, rule
///     rate_limited             trace_id, traces, ms               the sampler's limit was reached (.NET)
///     remote_config.received   version, paths, payload, url, seconds
///     remote_config.unchanged
///     remote_config.failed     error
///     flare.started            level
///     flare.sent               case_id, url
///     flare.failed             error, status, url
///     shutdown.waiting         seconds                            (Python)
///
/// A field that is not given is left out of the line. docs/log-lines.md shows how they read.
///
/// @param kind    what happened, such as "hook.installed"; not NULL
/// @param fields  an array of `count` fields; NULL if `count` is 0
/// @param count   how many
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `kind` is NULL, `fields` is NULL but `count` is not 0, or a field has no key
///
/// Ownership: copies the texts before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
///
/// # Safety
/// `kind` is NULL or NUL-terminated; `fields` points to `count` tags and their pointers to what their lengths say.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_event(
    kind: *const c_char,
    fields: *const spanwire_tag,
    count: usize,
) -> spanwire_status {
    guard(|state| {
        // SAFETY: by the caller.
        let (kind, fields) = unsafe { (text::terminated(kind).ok_or(Error::Argument)?, text::array(fields, count)?) };
        let kind = String::from_utf8_lossy(kind);
        let owned = |field: &spanwire_tag| {
            // SAFETY: by the caller.
            let (key, value) =
                unsafe { (text::measured(field.key, field.key_len)?, text::measured(field.value, field.value_len)?) };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Ok((text(key.ok_or(Error::Argument)?), text(value.unwrap_or_default())))
        };
        let fields: Vec<(String, String)> = fields.iter().map(owned).collect::<Result<_, Error>>()?;
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        state.shared.logs.emit(&Event::HostEvent { kind: &kind, fields: &fields });
        Ok(())
    })
}

/// What the host gave with a sink; called on the log's thread only, whatever the host says of threads.
struct HostSink {
    callback: unsafe extern "C" fn(*const spanwire_log_record, *mut c_void),
    userdata: *mut c_void,
}

// SAFETY: whoever adds a sink promises that it may be called from any thread; that is the function's name.
unsafe impl Send for HostSink {}
// SAFETY: as above.
unsafe impl Sync for HostSink {}

struct HostRelease {
    release: unsafe extern "C" fn(*mut c_void),
    userdata: *mut c_void,
}

// SAFETY: as for `HostSink`.
unsafe impl Send for HostRelease {}
// SAFETY: as above.
unsafe impl Sync for HostRelease {}

impl HostRelease {
    fn run(&self) {
        // SAFETY: promised by whoever added the sink.
        unsafe { (self.release)(self.userdata) }
    }
}

/// Adds a callback that is called with each record, on the log's own thread. Not for PHP, Ruby, Python or Node, where a
/// call from a foreign thread ends the process or blocks it: those pull (spanwire_log_poll(), spanwire_log_drain()).
///
/// A record may reach the callback before this call has returned and `*id` is set.
///
/// Adding the same callback twice makes two sinks. A slow callback delays other sinks and loses records with a count,
/// never the caller.
///
/// @param level     the least important level that it wants; it gets no more than the process logs
/// @param callback  called with each record; one call at a time
/// @param userdata  handed to it
/// @param release   called once with `userdata` when the sink is removed and no call runs any more; NULL for none.
///                  Not called when adding fails.
/// @param id        where the sink's number goes; 0 on failure
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `callback` or `id` is NULL, or the level is not one
///         SPANWIRE_E_LIMIT    there are SPANWIRE_SINKS_MAX sinks
///
/// Threads:   any.
/// Blocks:    never; the first record for a sink starts the log's thread, which has all signals blocked.
/// Fork:      a child keeps its parent's sinks; its first record starts a thread of its own.
/// Since:     0.1
///
/// # Safety
/// `callback` and `release` may be called from any thread with `userdata`; `id` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn spanwire_log_add_sink_any_thread(
    level: i32,
    callback: spanwire_log_callback,
    userdata: *mut c_void,
    release: spanwire_release,
    id: *mut spanwire_sink,
) -> spanwire_status {
    guard(|state| {
        if id.is_null() {
            return Err(Error::Argument);
        }
        // SAFETY: by the caller.
        unsafe { *id = 0 };
        let level = Level::from_number(level).ok_or(Error::Argument)?;
        let sink = HostSink { callback: callback.ok_or(Error::Argument)?, userdata };
        let call = move |record: &Record| {
            let sink = &sink;
            // SAFETY: promised by the caller.
            unsafe { hand_over(sink.callback, sink.userdata, record) }
        };
        // Descendants keep the parent's sinks.
        let release = release.map(|release| {
            let release = HostRelease { release, userdata };
            sys::outliving(|| Arc::new(move || release.run()) as ReleaseFn)
        });
        let call = sys::outliving(|| Arc::new(call));
        let added = state.shared.logs.add_sink(level, call, release).map_err(|_| Error::Limit)?;
        // SAFETY: by the caller.
        unsafe { *id = added };
        Ok(())
    })
}

/// The most sinks that a process has at a time.
pub const SPANWIRE_SINKS_MAX: usize = 64;
// A literal, since the header's generator resolves no paths.
const _: () = assert!(SPANWIRE_SINKS_MAX == crate::log::SINKS_MAX);

/// Removes a sink. When it returns SPANWIRE_OK, its callback does not run and never will again, and `release` was
/// called. Called from inside that very callback it returns at once, and `release` is called after the callback.
///
/// @param id  a sink; 0 does nothing
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND there is no such sink, or it is being removed already
///         SPANWIRE_E_TIMEOUT   its callback has not returned within 10 s; it will not be called again, and `release`
///                              is called when it returns
///
/// Threads:   any. Hold no lock that the callback takes.
/// Blocks:    while the callback runs, up to 10 s.
/// Fork:      a child removes its own copy only.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_remove_sink(id: spanwire_sink) -> spanwire_status {
    guard(|state| {
        if id == 0 {
            return Ok(());
        }
        state.shared.logs.remove_sink(id).map_err(|error| match error {
            SinkError::NotFound => Error::NotFound,
            SinkError::TooMany => Error::Limit,
            SinkError::Timeout => Error::Timeout,
        })
    })
}
