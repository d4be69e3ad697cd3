//! The stable status codes and their texts. Numbers never change; new ones fill the gaps.
#![allow(non_camel_case_types)]

use crate::tracer::Error;
use std::ffi::{c_char, CStr};

/// Result of a call: `SPANWIRE_OK`, or a negative number that says why the call failed. A number never changes its
/// meaning. New numbers may be added: a program must accept numbers that it does not know.
pub type spanwire_status = i32;

/// Success.
pub const SPANWIRE_OK: spanwire_status = 0;
/// Invalid argument: NULL where a value is required, a length beyond half the address space, an empty key.
pub const SPANWIRE_E_ARGUMENT: spanwire_status = -1;
/// The handle is freed or finished, of another kind, or was never given out.
pub const SPANWIRE_E_HANDLE: spanwire_status = -2;
/// The parent process started this span before a fork; only the parent can change it.
pub const SPANWIRE_E_FORKED: spanwire_status = -3;
/// The tracer was shut down.
pub const SPANWIRE_E_CLOSED: spanwire_status = -4;
/// The `size` of a structure belongs to no version that this library knows.
pub const SPANWIRE_E_VERSION: spanwire_status = -5;
/// There is no such tag, sink or record.
pub const SPANWIRE_E_NOT_FOUND: spanwire_status = -6;
/// A documented limit is reached, or the caller's buffer is too small.
pub const SPANWIRE_E_LIMIT: spanwire_status = -10;
/// `SPANWIRE_MEMORY_MAX` is reached, or the system has no memory for span data.
pub const SPANWIRE_E_MEMORY: spanwire_status = -11;
/// Not done within the given time.
pub const SPANWIRE_E_TIMEOUT: spanwire_status = -20;
/// Another thread has been inside a call on this span for 100 ms. Calls that finish or discard a span never return
/// this. (No function may be called from a signal handler.)
pub const SPANWIRE_E_BUSY: spanwire_status = -21;
/// A file could not be written, or the Agent was not reached or refused; the message of `spanwire_error` says which.
pub const SPANWIRE_E_IO: spanwire_status = -22;
/// An internal error was caught before it reached the host; the log has its message.
pub const SPANWIRE_E_PANIC: spanwire_status = -30;

pub(super) fn of(error: Error) -> spanwire_status {
    match error {
        Error::Argument => SPANWIRE_E_ARGUMENT,
        Error::Handle => SPANWIRE_E_HANDLE,
        Error::Forked => SPANWIRE_E_FORKED,
        Error::Closed => SPANWIRE_E_CLOSED,
        Error::Version => SPANWIRE_E_VERSION,
        Error::NotFound => SPANWIRE_E_NOT_FOUND,
        Error::Limit => SPANWIRE_E_LIMIT,
        Error::Memory => SPANWIRE_E_MEMORY,
        Error::Timeout => SPANWIRE_E_TIMEOUT,
        Error::Busy => SPANWIRE_E_BUSY,
        Error::Io => SPANWIRE_E_IO,
    }
}

pub(super) fn text(status: spanwire_status) -> &'static CStr {
    match status {
        SPANWIRE_OK => c"done",
        SPANWIRE_E_ARGUMENT => c"an argument is missing or invalid",
        SPANWIRE_E_HANDLE => c"the handle is freed or finished, of another kind, or was never given out",
        SPANWIRE_E_FORKED => c"the span belongs to the parent of this forked process",
        SPANWIRE_E_CLOSED => c"the tracer was shut down",
        SPANWIRE_E_VERSION => c"a structure's size belongs to no version that this library knows",
        SPANWIRE_E_NOT_FOUND => c"there is no such tag, sink or record",
        SPANWIRE_E_LIMIT => c"a limit is reached, or the buffer is too small",
        SPANWIRE_E_MEMORY => c"the limit of memory is reached",
        SPANWIRE_E_TIMEOUT => c"not done within the given time",
        SPANWIRE_E_BUSY => c"another thread has been inside a call on the span for 100 ms",
        SPANWIRE_E_IO => c"a file could not be written, or the Agent was not reached or refused",
        SPANWIRE_E_PANIC => c"an internal error of spanwire was caught; the log has its message",
        _ => c"a status that this version does not know",
    }
}

/// Returns the meaning of a status as an English phrase without a full stop.
///
/// @param status  any number
///
/// @return a static text, never NULL; for an unknown number a text that says so
///
/// Ownership: the library's; valid until the process ends.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_status_text(status: spanwire_status) -> *const c_char {
    text(status).as_ptr()
}
