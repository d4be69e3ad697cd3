//! Taking log records: the host pulls them on its own thread.

use super::{hand_over, in_c, spanwire_log_callback, spanwire_log_record};
use crate::abi::status::*;
use crate::abi::{guard, guard_value, sized, text};
use crate::log::Record;
use crate::sys;
use crate::tracer::Error;
use std::ffi::{c_char, c_void};

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
