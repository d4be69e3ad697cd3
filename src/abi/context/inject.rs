//! Contexts that go out with headers.
#![allow(non_camel_case_types)]

use super::extract::{spanwire_context_handle, spanwire_header};
use crate::abi::arg::{Buffer, CBytes, CLen, Callback, Out, OutText, Pieces, Userdata};
use crate::abi::span::spanwire_span;
use crate::abi::status::*;
use crate::abi::{guard_span, guard_span_quick};
use crate::tracer::state::State;
use crate::tracer::{injecting, Error};
use std::ffi::{c_void, CStr};

/// Gets one header. The texts are NUL-terminated, too.
pub type spanwire_header_callback = Option<unsafe extern "C" fn(header: *const spanwire_header, userdata: *mut c_void)>;

/// Writes the context of a span as headers for a request to another service, and calls the callback with each: those of
/// all styles in DD_TRACE_PROPAGATION_STYLE_INJECT. Names are in lower case. Values have no line breaks.
///
/// Tags of the trace that do not fit into `x-datadog-tags` are left out, and the trace gets the tag
/// `_dd.propagation_error`.
///
/// @param span      an open span; 0 has no headers
/// @param callback  called for each header, during this call and on the calling thread; no lock is held meanwhile
/// @param userdata  passed to the callback
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `callback` is NULL
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; some headers may be missing
///         SPANWIRE_E_FORKED   a thread of the parent process was inside a call on the span at the fork
///         SPANWIRE_E_BUSY     another thread has been inside a call on the span or its trace for 100 ms
///
/// Ownership: a header is valid until its callback returns.
/// Threads:   any.
/// Blocks:    never, except for what the callback does.
/// Fork:      also for an open span of the parent. In a child that the callback forks, the call ends after that header.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_inject(
    span: spanwire_span,
    callback: spanwire_header_callback,
    userdata: Userdata,
) -> spanwire_status {
    guard_span_quick(|state| {
        let each = to_callback(callback, userdata)?;
        if span == 0 {
            return Ok(());
        }
        injecting::inject_span(state, span, each)
    })
}

/// As spanwire_span_inject(), into one text, for hosts in which a callback is expensive: for each header a line of its
/// name, a colon, a blank, its value and a newline.
///
/// @param span      an open span; 0 has no headers
/// @param buffer    receives the lines and a NUL; NULL only asks for the size
/// @param capacity  size of the buffer in bytes; 1,024 are enough for a trace without tags and baggage
/// @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not. Set, and `buffer`
///                  written, only with SPANWIRE_OK and SPANWIRE_E_LIMIT
///
/// @return as spanwire_span_inject(); SPANWIRE_E_LIMIT if the buffer is too small: it holds the empty text;
///         SPANWIRE_E_ARGUMENT if `buffer` and `need` are both NULL
///
/// Ownership: the buffer is the caller's.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      also for an open span of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_inject_text(
    span: spanwire_span,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    to_text(span, buffer, capacity, need, |state, pieces| injecting::inject_span(state, span, into(pieces)))
}

/// As spanwire_span_inject(), for a context that came in: what is written continues it as if this process were not
/// there. For a proxy that starts no span.
///
/// @param context   a context; 0 has no headers
/// @param callback  as in spanwire_span_inject()
/// @param userdata  passed to the callback
///
/// @return as spanwire_span_inject()
///
/// Ownership: as spanwire_span_inject().
/// Threads:   any.
/// Blocks:    never, except for what the callback does.
/// Fork:      also for contexts of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_inject(
    context: spanwire_context_handle,
    callback: spanwire_header_callback,
    userdata: Userdata,
) -> spanwire_status {
    guard_span(|state| {
        let each = to_callback(callback, userdata)?;
        if context == 0 {
            return Ok(());
        }
        injecting::inject_context(state, context, each)
    })
}

/// As spanwire_span_inject_text(), for a context that came in.
///
/// @param context   a context; 0 has no headers
/// @param buffer    as in spanwire_span_inject_text()
/// @param capacity  size of the buffer in bytes
/// @param need      as in spanwire_span_inject_text()
///
/// @return as spanwire_span_inject_text()
///
/// Ownership: the buffer is the caller's.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      also for contexts of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_inject_text(
    context: spanwire_context_handle,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    to_text(context, buffer, capacity, need, |state, pieces| injecting::inject_context(state, context, into(pieces)))
}

/// What calls the callback with a header.
#[inline(always)]
fn to_callback(
    callback: spanwire_header_callback,
    userdata: Userdata,
) -> Result<impl FnMut(&'static CStr, &[u8]), Error> {
    let callback = Callback::of(callback, userdata)?;
    Ok(move |name: &'static CStr, value: &[u8]| {
        let (name, name_len) = CBytes::fixed(name);
        // SAFETY: the callback reads the texts only until it returns.
        let (value, value_len) = unsafe { CBytes::lent(value) };
        callback.call(&spanwire_header { name, name_len, value, value_len });
    })
}

/// What writes a header as a line.
fn into<'a, 'b>(pieces: &'a mut Pieces<'b>) -> impl FnMut(&'static CStr, &[u8]) + use<'a, 'b> {
    |name, value| [name.to_bytes(), b": ", value, b"\n"].into_iter().for_each(|text| pieces.push(text))
}

fn to_text(
    number: u64,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
    inject: impl FnOnce(&State, &mut Pieces<'_>) -> Result<(), Error>,
) -> spanwire_status {
    guard_span(|state| {
        let out = OutText::of(buffer, capacity, need)?;
        if number == 0 {
            return out.put(b"");
        }
        out.fill(|pieces| inject(state, pieces))
    })
}
