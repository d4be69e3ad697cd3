//! Baggage: texts that the host hands on with its spans.
#![allow(non_camel_case_types)]

use super::extract::spanwire_context_handle;
use crate::abi::arg::{Buffer, CBytes, CLen, CText, Callback, Out, OutText, Pieces, Userdata};
use crate::abi::guard_span;
use crate::abi::span::{spanwire_span, spanwire_tag};
use crate::abi::status::*;
use crate::process;
use crate::tracer::baggage::{self, Owner};
use crate::tracer::Error;
use std::ffi::c_void;

/// Gets one item of baggage. The texts are not NUL-terminated.
pub type spanwire_baggage_callback = Option<unsafe extern "C" fn(item: *const spanwire_tag, userdata: *mut c_void)>;

/// Sets an item of a span's baggage: a text that children of the span get that are started later, and that
/// spanwire_span_inject() sends with the style `baggage`. It is no tag: the Agent does not get it.
///
/// @param span   an open span; 0 does nothing and returns SPANWIRE_OK
/// @param key    UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
/// @param value  UTF-8; NULL is the empty text, which stays in this process: every known reader rejects a header with one
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `key` is NULL or empty
///         SPANWIRE_E_LIMIT    the span has 64 KiB of baggage; not set
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; not set
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   the parent process started `span` before a fork
///         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms
///
/// Ownership: copies key and value before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_baggage(span: spanwire_span, key: CText, value: CText) -> spanwire_status {
    set(Owner::Span(span), key, value)
}

/// Writes an item of a span's baggage.
///
/// @param span      an open span; 0 has none
/// @param key       the item's key
/// @param buffer    receives the text and a NUL; NULL only asks for the size
/// @param capacity  size of the buffer in bytes
/// @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not. Set, and `buffer`
///                  written, only with SPANWIRE_OK and SPANWIRE_E_LIMIT
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND there is no such item, or `span` is 0
///         SPANWIRE_E_LIMIT     the buffer is too small; it holds the empty text
///         SPANWIRE_E_ARGUMENT  `key` is NULL or empty, or `buffer` and `need` are both NULL
///         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
///         SPANWIRE_E_FORKED    a thread of the parent process was inside a call on the span at the fork
///         SPANWIRE_E_MEMORY    SPANWIRE_MEMORY_MAX is reached
///         SPANWIRE_E_BUSY      another thread has been inside a call on the span for 100 ms
///
/// Ownership: the buffer is the caller's.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      also for an open span of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_get_baggage(
    span: spanwire_span,
    key: CText,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    get(Owner::Span(span), key, buffer, capacity, need)
}

/// Removes an item of a span's baggage. Children that have started keep theirs.
///
/// @param span  an open span; 0 does nothing and returns SPANWIRE_OK
/// @param key   the item's key
///
/// @return as spanwire_span_set_baggage(), without SPANWIRE_E_LIMIT; SPANWIRE_E_NOT_FOUND if there is no such item
///
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_baggage().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_remove_baggage(span: spanwire_span, key: CText) -> spanwire_status {
    remove(Owner::Span(span), key)
}

/// Calls the callback with each item of a span's baggage, in the order in which they were set.
///
/// @param span      an open span; 0 has none
/// @param callback  called for each item, during this call and on the calling thread; no lock is held meanwhile
/// @param userdata  passed to the callback
///
/// @return as spanwire_span_get_baggage(), without SPANWIRE_E_NOT_FOUND and SPANWIRE_E_LIMIT; SPANWIRE_E_ARGUMENT if
///         `callback` is NULL
///
/// Ownership: an item is valid until its callback returns.
/// Threads:   any.
/// Blocks:    never, except for what the callback does.
/// Fork:      also for an open span of the parent. In a child that the callback forks, the call ends after that item.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_each_baggage(
    span: spanwire_span,
    callback: spanwire_baggage_callback,
    userdata: Userdata,
) -> spanwire_status {
    each(Owner::Span(span), callback, userdata)
}

/// As spanwire_span_each_baggage(), into one text, for hosts in which a callback is expensive: for each item a line of its
/// key, `=`, its value and a newline. In keys and values, all bytes but ASCII letters, digits and `-._~` are
/// percent-encoded.
///
/// @param span      an open span; 0 has none
/// @param buffer    receives the lines and a NUL; NULL only asks for the size
/// @param capacity  size of the buffer in bytes
/// @param need      as in spanwire_span_get_baggage()
///
/// @return as spanwire_span_get_baggage(), without SPANWIRE_E_NOT_FOUND; the empty text if there is no baggage
///
/// Ownership: the buffer is the caller's.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      also for an open span of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_baggage_text(
    span: spanwire_span,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    to_text(Owner::Span(span), buffer, capacity, need)
}

/// Sets an item of baggage in a context that came in, for spans that are started with it later.
///
/// @param context  a context; 0 does nothing and returns SPANWIRE_OK
/// @param key      as in spanwire_span_set_baggage()
/// @param value    as in spanwire_span_set_baggage()
///
/// @return as spanwire_span_set_baggage()
///
/// Ownership: copies key and value before it returns.
/// Threads:   any; calls on one context are serialised.
/// Blocks:    never.
/// Fork:      SPANWIRE_E_FORKED for a context of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_set_baggage(
    context: spanwire_context_handle,
    key: CText,
    value: CText,
) -> spanwire_status {
    set(Owner::Context(context), key, value)
}

/// Writes an item of baggage of a context that came in.
///
/// @param context   a context; 0 has none
/// @param key       the item's key
/// @param buffer    as in spanwire_span_get_baggage()
/// @param capacity  size of the buffer in bytes
/// @param need      as in spanwire_span_get_baggage()
///
/// @return as spanwire_span_get_baggage()
///
/// Ownership: the buffer is the caller's.
/// Threads:   any; calls on one context are serialised.
/// Blocks:    never.
/// Fork:      also for contexts of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_get_baggage(
    context: spanwire_context_handle,
    key: CText,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    get(Owner::Context(context), key, buffer, capacity, need)
}

/// Removes an item of baggage from a context that came in.
///
/// @param context  a context; 0 does nothing and returns SPANWIRE_OK
/// @param key      the item's key
///
/// @return as spanwire_span_remove_baggage()
///
/// Threads:   any; calls on one context are serialised.
/// Blocks:    never.
/// Fork:      SPANWIRE_E_FORKED for a context of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_remove_baggage(context: spanwire_context_handle, key: CText) -> spanwire_status {
    remove(Owner::Context(context), key)
}

/// Calls the callback with each item of baggage of a context that came in.
///
/// @param context   a context; 0 has none
/// @param callback  as in spanwire_span_each_baggage()
/// @param userdata  passed to the callback
///
/// @return as spanwire_span_each_baggage()
///
/// Ownership: an item is valid until its callback returns.
/// Threads:   any.
/// Blocks:    never, except for what the callback does.
/// Fork:      also for contexts of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_each_baggage(
    context: spanwire_context_handle,
    callback: spanwire_baggage_callback,
    userdata: Userdata,
) -> spanwire_status {
    each(Owner::Context(context), callback, userdata)
}

/// As spanwire_span_baggage_text(), for a context that came in.
///
/// @param context   a context; 0 has none
/// @param buffer    as in spanwire_span_baggage_text()
/// @param capacity  size of the buffer in bytes
/// @param need      as in spanwire_span_get_baggage()
///
/// @return as spanwire_span_baggage_text()
///
/// Ownership: the buffer is the caller's.
/// Threads:   any; calls on one context are serialised.
/// Blocks:    never.
/// Fork:      also for contexts of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_baggage_text(
    context: spanwire_context_handle,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    to_text(Owner::Context(context), buffer, capacity, need)
}

fn is_none(owner: Owner) -> bool {
    matches!(owner, Owner::Span(0) | Owner::Context(0))
}

fn key_of(key: &CText) -> Result<&[u8], Error> {
    key.get().filter(|key| !key.is_empty()).ok_or(Error::Argument)
}

fn set(owner: Owner, key: CText, value: CText) -> spanwire_status {
    guard_span(|state| match is_none(owner) {
        true => Ok(()),
        false => baggage::set(state, owner, key_of(&key)?, value.or_empty()),
    })
}

fn get(owner: Owner, key: CText, buffer: Buffer, capacity: CLen, need: Out<usize>) -> spanwire_status {
    guard_span(|state| {
        let (key, out) = (key_of(&key)?, OutText::of(buffer, capacity, need)?);
        if is_none(owner) {
            return Err(Error::NotFound);
        }
        out.put(baggage::of(state, owner)?.get(key).ok_or(Error::NotFound)?)
    })
}

fn remove(owner: Owner, key: CText) -> spanwire_status {
    guard_span(|state| match is_none(owner) {
        true => Ok(()),
        false => baggage::remove(state, owner, key_of(&key)?),
    })
}

fn each(owner: Owner, callback: spanwire_baggage_callback, userdata: Userdata) -> spanwire_status {
    guard_span(|state| {
        let callback = Callback::of(callback, userdata)?;
        if is_none(owner) {
            return Ok(());
        }
        let (items, caller) = (baggage::of(state, owner)?, process::generation());
        // The callback may fork, and then returns twice: see `log/callback.rs`.
        let is_here = || process::generation() == caller;
        items.each(|key, value| {
            if is_here() {
                // SAFETY: the callback reads the texts only until it returns.
                let ((key, key_len), (value, value_len)) = unsafe { (CBytes::lent(key), CBytes::lent(value)) };
                callback.call(&spanwire_tag { key, key_len, value, value_len });
            }
        });
        if !is_here() {
            std::mem::forget(items);
        }
        Ok(())
    })
}

fn to_text(owner: Owner, buffer: Buffer, capacity: CLen, need: Out<usize>) -> spanwire_status {
    guard_span(|state| {
        let out = OutText::of(buffer, capacity, need)?;
        if is_none(owner) {
            return out.put(b"");
        }
        let items = baggage::of(state, owner)?;
        out.fill(|pieces| {
            items.each(|key, value| {
                percent(pieces, key);
                pieces.push(b"=");
                percent(pieces, value);
                pieces.push(b"\n");
            });
            Ok(())
        })
    })
}

fn percent(pieces: &mut Pieces<'_>, text: &[u8]) {
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            pieces.push(&[*byte]);
        } else {
            let digit = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble & 15)];
            pieces.push(&[b'%', digit(byte >> 4), digit(*byte)]);
        }
    }
}
