//! The origin of a trace: the kind of system that began it.
#![allow(non_camel_case_types)]

use super::extract::spanwire_context_handle;
use crate::abi::arg::{Buffer, CLen, Out, OutText};
use crate::abi::guard_span;
use crate::abi::span::spanwire_span;
use crate::abi::status::*;
use crate::tracer::baggage::Owner;
use crate::tracer::{origin, Error};

/// Writes the origin of a context that came in: the kind of system that began the trace, such as `synthetics` or `rum`,
/// as `x-datadog-origin` or tracestate said it. Every span of the trace is sent with it.
///
/// @param context   a context; 0 has none
/// @param buffer    receives the text and a NUL; NULL only asks for the size
/// @param capacity  size of the buffer in bytes; 257 are always enough
/// @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not. Set, and `buffer`
///                  written, only with SPANWIRE_OK and SPANWIRE_E_LIMIT
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND it has no origin, or `context` is 0
///         SPANWIRE_E_LIMIT     the buffer is too small; it holds the empty text
///         SPANWIRE_E_ARGUMENT  `buffer` and `need` are both NULL
///         SPANWIRE_E_HANDLE    `context` is freed, or was never a context
///         SPANWIRE_E_FORKED    a thread of the parent process was changing it at the fork
///         SPANWIRE_E_MEMORY    SPANWIRE_MEMORY_MAX is reached
///         SPANWIRE_E_BUSY      another thread has been inside a call on it for 100 ms
///
/// Ownership: the buffer is the caller's.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      also for contexts of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_get_origin(
    context: spanwire_context_handle,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    get(context, Owner::Context(context), buffer, capacity, need)
}

/// As spanwire_context_get_origin(), for the trace of a span.
///
/// @param span      an open span; 0 has none
/// @param buffer    as in spanwire_context_get_origin()
/// @param capacity  size of the buffer in bytes
/// @param need      as in spanwire_context_get_origin()
///
/// @return as spanwire_context_get_origin(); SPANWIRE_E_HANDLE if `span` is finished, or was never a span;
///         SPANWIRE_E_FORKED if a thread of the parent process was inside a call on the span or its trace at the fork
///
/// Ownership: the buffer is the caller's.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      also for an open span of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_get_origin(
    span: spanwire_span,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    get(span, Owner::Span(span), buffer, capacity, need)
}

fn get(number: u64, owner: Owner, buffer: Buffer, capacity: CLen, need: Out<usize>) -> spanwire_status {
    guard_span(|state| {
        let out = OutText::of(buffer, capacity, need)?;
        if number == 0 {
            return Err(Error::NotFound);
        }
        out.put(origin::of(state, owner)?.text().ok_or(Error::NotFound)?)
    })
}
