//! The log: its records and levels. `pull` takes records, `sink` pushes them, `write` adds the host's, `correlation` has
//! fields for the application's own log.
#![allow(non_camel_case_types)]

pub mod correlation;
pub mod pull;
pub mod sink;
pub mod write;

use super::arg::{CText, Callback};
use super::guard;
use super::sized::Sized_;
use super::status::*;
use crate::log::{Level, Record, Returned};
use crate::process;
use crate::tracer::Error;
use std::ffi::{c_char, c_void, CString};

/// Nothing is logged.
pub const SPANWIRE_LEVEL_OFF: i32 = 0;
/// Something was lost, or cannot work.
pub const SPANWIRE_LEVEL_ERROR: i32 = 1;
/// Something is wrong and was repaired, or may be lost.
pub const SPANWIRE_LEVEL_WARN: i32 = 2;
/// Rare facts: the start-up line, the agent is reachable again. The default level.
pub const SPANWIRE_LEVEL_INFO: i32 = 3;
/// One line for each span, chunk and payload: debug mode.
pub const SPANWIRE_LEVEL_DEBUG: i32 = 4;
/// Everything.
pub const SPANWIRE_LEVEL_TRACE: i32 = 5;

/// Maximum number of loggers with a level of their own.
pub const SPANWIRE_LOGGERS_MAX: usize = 64;

/// Handle of a log sink, a number below 2^53; 0 is none.
pub type spanwire_sink = u64;

/// A log record. In a callback, the record and its texts are valid until the callback returns. spanwire_log_take() puts
/// the texts into the caller's buffer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_log_record {
    /// `sizeof(spanwire_log_record)` of the library; the caller sets it before spanwire_log_take().
    pub size: usize,
    /// Time of the event in nanoseconds since 1970.
    pub time_ns: u64,
    /// SPANWIRE_LEVEL_ERROR to SPANWIRE_LEVEL_TRACE.
    pub level: i32,
    /// Kind of the event, such as "span.finished" or "agent.unreachable"; NUL-terminated.
    pub target: *const c_char,
    /// The whole record in the chosen dialect, without a newline at its end; NUL-terminated. In the dialects of some
    /// languages a record can have several lines.
    pub text: *const c_char,
    /// Length of `text` in bytes.
    pub text_len: usize,
    /// Number of records lost before this one because they were not taken in time.
    pub lost: u64,
    /// Name of the logger in the chosen dialect, such as "ddtrace.tracer"; NUL-terminated.
    /// spanwire_log_set_logger_level() takes the same names.
    pub logger: *const c_char,
    /// Start of the message inside `text`. What precedes it (time, process, level, name), a logger of the host adds
    /// itself.
    pub message: *const c_char,
    /// Length of `message` in bytes.
    pub message_len: usize,
    /// SPANWIRE_LOG_HOST_ONLY or 0.
    pub flags: u32,
}

// SAFETY: `repr(C)`, begins with its size, plain integers and pointers.
unsafe impl Sized_ for spanwire_log_record {}

/// The record belongs in the host's own log even if a log file is set, and is not in that file. Examples: PHP's "Loaded
/// integration", and that the log file cannot be written.
pub const SPANWIRE_LOG_HOST_ONLY: u32 = 1;

/// Receives a record and the `userdata` given with the callback. It must not throw an exception or leave by longjmp().
/// It may call any function; in a sink, not spanwire_tracer_flush() and spanwire_tracer_shutdown(). Records that are
/// logged inside a sink are counted, not delivered. The callback may fork: the child keeps the record until the
/// callback returns, and gets no further record of its parent.
pub type spanwire_log_callback =
    Option<unsafe extern "C" fn(record: *const spanwire_log_record, userdata: *mut c_void)>;

/// Called once with a sink's `userdata`, after the last call of its callback. It must not throw an exception or leave
/// by longjmp(). It may fork.
pub type spanwire_release = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// Calls the host's callback with a record.
fn hand_over(callback: &Callback<spanwire_log_record>, record: &Record) {
    // The log escapes control characters, so that neither text holds a NUL.
    let terminated = |text: &str| CString::new(text).unwrap_or_default();
    let (target, line, logger) = (terminated(&record.target), terminated(&record.text), terminated(&record.logger));
    let texts = [target.as_ptr(), line.as_ptr(), logger.as_ptr()];
    let caller = process::generation();
    callback.call(&in_c(record, texts));
    if Returned::to(caller) == Returned::InForkedChild {
        std::mem::forget((target, line, logger));
    }
}

/// Makes the C structure of a record, with pointers to its target, text and logger.
fn in_c(record: &Record, [target, text, logger]: [*const c_char; 3]) -> spanwire_log_record {
    let message_at = record.message_at.min(record.text.len());
    spanwire_log_record {
        size: size_of::<spanwire_log_record>(),
        time_ns: record.time_ns,
        level: record.level as i32,
        target,
        text,
        text_len: record.text.len(),
        lost: record.lost,
        logger,
        message: text.wrapping_add(message_at),
        message_len: record.text.len() - message_at,
        flags: if record.host_only { SPANWIRE_LOG_HOST_ONLY } else { 0 },
    }
}

/// Sets the log level for the whole process, in force while debug mode is off. `DD_TRACE_LOG_LEVEL` does the same from
/// the start.
///
/// @param level  SPANWIRE_LEVEL_OFF to SPANWIRE_LEVEL_TRACE
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT another number
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child inherits the level.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_set_level(level: i32) -> spanwire_status {
    guard(|state| {
        state.shared.logs.set_level(Level::from_number(level).ok_or(Error::Argument)?);
        Ok(())
    })
}

/// Sets or removes the level of one logger and the loggers below it, for the whole process. Names are those of the
/// chosen dialect: "ddtrace.internal", "datadog.trace.agent.core", PHP's target "span"; in the dialects `native` and
/// `json` a record's target ("span", "agent.unreachable"). A logger's own rule, else that of its nearest parent, wins
/// over the level and over debug mode.
///
/// "root" is the host's root logger, as in Python: its level holds for loggers without a rule, if debug mode is off and
/// neither DD_TRACE_LOG_LEVEL nor spanwire_log_set_level() has set a level. A binding calls this function when the host
/// sets the level of such a logger.
///
/// @param logger  the logger's name, not NULL or empty
/// @param level   SPANWIRE_LEVEL_OFF to SPANWIRE_LEVEL_TRACE, or -1 to remove the rule
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `logger` is NULL or empty, or `level` is invalid
///         SPANWIRE_E_LIMIT    there are SPANWIRE_LOGGERS_MAX rules
///
/// Ownership: keeps no pointer, only a digest of the name.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child inherits the rules.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_set_logger_level(logger: CText, level: i32) -> spanwire_status {
    guard(|state| {
        let logger = logger.get().filter(|name| !name.is_empty()).ok_or(Error::Argument)?;
        let level = match level {
            -1 => None,
            number => Some(Level::from_number(number).ok_or(Error::Argument)?),
        };
        let kept = state.shared.logs.set_logger_level(&String::from_utf8_lossy(logger), level);
        kept.then_some(()).ok_or(Error::Limit)
    })
}
