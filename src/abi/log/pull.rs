//! Taking log records: the host pulls them on its own thread.

use super::{hand_over, in_c, spanwire_log_callback, spanwire_log_record};
use crate::abi::arg::{Buffer, CLen, Callback, Out, OutText, Userdata};
use crate::abi::sized::OutSized;
use crate::abi::status::*;
use crate::abi::{guard, guard_value};
use crate::log::Record;
use crate::sys;
use crate::tracer::Error;
use std::ffi::c_char;

/// Takes waiting records, oldest first, and calls the callback with each, during this call and on the calling thread.
/// For hosts that must not be called from foreign threads: PHP, Ruby, Python, Node.
///
/// The ring holds 4,096 records or 1 MiB. When it is full, the oldest records are lost, and counted in the next
/// record's `lost`.
///
/// @param callback  called for each record; no lock is held meanwhile
/// @param userdata  passed to the callback
/// @param max       maximum number of records; 0 for all that wait when the call begins
/// @param count     receives the number of records; may be NULL
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `callback` is NULL
///
/// Ownership: a record is valid until its callback returns.
/// Threads:   any; each record goes to one caller.
/// Blocks:    never, except for what the callback does.
/// Fork:      a child's ring starts empty. In a child that the callback forks, the call ends after that record.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_poll(
    callback: spanwire_log_callback,
    userdata: Userdata,
    max: usize,
    count: Out<usize>,
) -> spanwire_status {
    guard(|state| {
        let callback = Callback::of(callback, userdata)?;
        let max = if max == 0 { usize::MAX } else { max };
        count.set(state.shared.logs.poll(max, &mut |record| hand_over(&callback, record)));
        Ok(())
    })
}

/// Takes waiting records as text: whole lines, each with a newline, then a NUL. Takes as many as fit.
///
/// @param buffer    receives the lines; NULL only asks for the size, and takes nothing
/// @param capacity  size of the buffer in bytes
/// @param need      receives the bytes that all records needed which waited when the call began, including the NUL: 1
///                  if none waited; may be NULL if `buffer` is not. Above 1, more records may wait: call again
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_LIMIT    the next record alone is larger than the buffer; it stays, and the buffer holds the
///                             empty text
///         SPANWIRE_E_ARGUMENT `buffer` and `need` are both NULL
///
/// Ownership: the buffer is the caller's.
/// Threads:   any; each record goes to one caller.
/// Blocks:    never.
/// Fork:      a child's ring starts empty.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_drain(buffer: Buffer, capacity: CLen, need: Out<usize>) -> spanwire_status {
    guard(|state| {
        let mut out = OutText::of(buffer, capacity, need)?;
        let (written, wanted) = state.shared.logs.drain(out.room());
        let too_small = written == 0 && wanted > 0 && !out.only_asks();
        out.end(written, wanted);
        if too_small {
            Err(Error::Limit)
        } else {
            Ok(())
        }
    })
}

/// Takes the oldest waiting record, without a callback: for hosts that want level and logger with the text, and in
/// which a callback is expensive.
///
/// @param record    receives the record; set its `size` to `sizeof(spanwire_log_record)` first. Its texts point into
///                  `buffer`
/// @param buffer    receives the texts, each with a NUL
/// @param capacity  size of the buffer in bytes
/// @param need      receives the bytes that the record needs, 0 if none waits; may be NULL
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND no record waits
///         SPANWIRE_E_LIMIT     the record needs a larger buffer, and stays
///         SPANWIRE_E_ARGUMENT  `record` or `buffer` is NULL
///         SPANWIRE_E_VERSION   `record->size` is invalid
///
/// Ownership: buffer and record are the caller's.
/// Threads:   any; each record goes to one caller.
/// Blocks:    never.
/// Fork:      a child's ring starts empty.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_take(
    record: OutSized<spanwire_log_record>,
    mut buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    guard(|state| {
        let room = buffer.room(capacity)?;
        // Before a record is taken, which would be lost.
        record.check()?;
        let needs = |record: &Record| record.text.len() + record.target.len() + record.logger.len() + 3;
        let (taken, wanted) = state.shared.logs.take(|record| needs(record) <= room.len(), needs);
        need.set(wanted);
        match taken {
            Some(taken) => record.write(&in_c(&taken, laid_out(room, [&taken.target, &taken.text, &taken.logger]))),
            None if wanted > 0 => Err(Error::Limit),
            None => Err(Error::NotFound),
        }
    })
}

/// Writes texts one after the other, each with a NUL, into a room that is large enough, and returns their places.
fn laid_out(mut room: &mut [u8], texts: [&str; 3]) -> [*const c_char; 3] {
    texts.map(|text| {
        let (place, rest) = std::mem::take(&mut room).split_at_mut(text.len() + 1);
        place[..text.len()].copy_from_slice(text.as_bytes());
        place[text.len()] = 0;
        room = rest;
        place.as_ptr().cast()
    })
}

/// Returns a descriptor that is readable while records wait, for poll(2) and event loops. It is a socket. Do not read
/// from it or close it. If a host closes it, as daemons close all descriptors that they do not know, the next call
/// returns a new one.
///
/// @return the descriptor, the same at each call while it is open; -1 if the system gives none
///
/// Ownership: the library's, until the process ends.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child calls it again: its first call of the library closes the inherited descriptor.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_fd() -> i32 {
    guard_value(-1, |state| sys::uncancelled(|| state.shared.logs.fd().unwrap_or(-1)))
}
