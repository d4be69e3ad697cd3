//! The stable codes that functions answer with, and their texts. Numbers never change; new ones fill the gaps.
#![allow(non_camel_case_types)]

use crate::tracer::Error;
use std::ffi::{c_char, CStr};

/// What a call came to: `SPANWIRE_OK`, or a negative number that says why not. Numbers keep their meaning for ever;
/// a program must expect ones that it does not know.
pub type spanwire_status = i32;

/// Done.
pub const SPANWIRE_OK: spanwire_status = 0;
/// An argument cannot be meant: NULL where something is needed, a length beyond the address space, an empty key.
pub const SPANWIRE_E_ARGUMENT: spanwire_status = -1;
/// The handle is freed or finished, of another kind, or never was one.
pub const SPANWIRE_E_HANDLE: spanwire_status = -2;
/// The span was started before a fork, by the parent process, and only the parent can change it.
pub const SPANWIRE_E_FORKED: spanwire_status = -3;
/// The tracer was shut down.
pub const SPANWIRE_E_CLOSED: spanwire_status = -4;
/// A structure's `size` is of no version that this library knows.
pub const SPANWIRE_E_VERSION: spanwire_status = -5;
/// There is no such tag or sink.
pub const SPANWIRE_E_NOT_FOUND: spanwire_status = -6;
/// A documented limit is reached, or the caller's buffer is too small.
pub const SPANWIRE_E_LIMIT: spanwire_status = -10;
/// `SPANWIRE_MEMORY_MAX` is reached, or the system gives no more memory for what spans hold.
pub const SPANWIRE_E_MEMORY: spanwire_status = -11;
/// Not done within the time that was given.
pub const SPANWIRE_E_TIMEOUT: spanwire_status = -20;
/// Another thread has been inside a call on this span for 100 ms. Calls that finish or discard a span never answer this.
/// (Nothing here may be called from a signal handler.)
pub const SPANWIRE_E_BUSY: spanwire_status = -21;
/// A defect of this library was caught before it could reach the host; the log has its message.
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
    }
}

pub(super) fn text(status: spanwire_status) -> &'static CStr {
    match status {
        SPANWIRE_OK => c"done",
        SPANWIRE_E_ARGUMENT => c"an argument is missing or cannot be meant",
        SPANWIRE_E_HANDLE => c"the handle is freed or finished, of another kind, or never was one",
        SPANWIRE_E_FORKED => c"the span belongs to the parent of this forked process",
        SPANWIRE_E_CLOSED => c"the tracer was shut down",
        SPANWIRE_E_VERSION => c"a structure's size is of no version that this library knows",
        SPANWIRE_E_NOT_FOUND => c"there is no such tag or sink",
        SPANWIRE_E_LIMIT => c"a limit is reached, or the buffer is too small",
        SPANWIRE_E_MEMORY => c"the bound on memory is reached",
        SPANWIRE_E_TIMEOUT => c"not done in time",
        SPANWIRE_E_BUSY => c"another thread holds the span for too long",
        SPANWIRE_E_PANIC => c"a defect of spanwire was caught; the log has its message",
        _ => c"a status that this version does not know",
    }
}

/// What a status means, in one English phrase without a full stop.
///
/// @param status  any number
///
/// @return a static text, never NULL; for an unknown number a text that says so
///
/// Ownership: the library's, for ever.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_status_text(status: spanwire_status) -> *const c_char {
    text(status).as_ptr()
}
