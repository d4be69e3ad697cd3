//! Ids and contexts of spans.

use super::{spanwire_span, SPANWIRE_ID_SPAN, SPANWIRE_ID_TRACE, SPANWIRE_ID_TRACE_HEX};
use crate::abi::arg::{Buffer, CLen, Out, OutText};
use crate::abi::context::spanwire_context;
use crate::abi::guard_span;
use crate::abi::sized::OutSized;
use crate::abi::status::*;
use crate::tracer::spans;
use crate::tracer::Error;

/// Copies what children elsewhere, or later, need of a span. Where another thread is inside a call on the span for more
/// than 100 ms, that is the ids alone, without SPANWIRE_CONTEXT_HAS_PRIORITY.
///
/// @param span  an open span; one that the parent of this forked process had open will do, too
/// @param out   its `size` is set by the caller
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `span` is 0, finished, or was never a span
///         SPANWIRE_E_ARGUMENT `out` is NULL
///         SPANWIRE_E_VERSION  `out->size` is not set
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      works on inherited spans.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_context(span: spanwire_span, out: OutSized<spanwire_context>) -> spanwire_status {
    guard_span(|state| out.write(&spanwire_context::of(&spans::context(state, span)?)))
}

/// Writes an id as text, to correlate logs with traces.
///
/// @param span      an open span; one that the parent of this forked process had open will do, too
/// @param kind      SPANWIRE_ID_TRACE_HEX, SPANWIRE_ID_TRACE or SPANWIRE_ID_SPAN
/// @param buffer    where the text and a NUL go; 33 bytes always do; NULL only asks how much is needed
/// @param capacity  the buffer's size in bytes
/// @param need      set to the bytes needed with the NUL; may be NULL if `buffer` is not
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `span` is 0, finished, or was never a span
///         SPANWIRE_E_ARGUMENT another kind, or `buffer` and `need` are both NULL
///         SPANWIRE_E_LIMIT    the buffer is too small; it holds the empty text
///
/// Ownership: the buffer is the caller's.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      works on inherited spans.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_id_text(
    span: spanwire_span,
    kind: i32,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    guard_span(|state| {
        let out = OutText::of(buffer, capacity, need)?;
        let context = spans::context(state, span)?;
        let (high, low) = (context.trace_id_high, context.trace_id_low);
        let id = match kind {
            SPANWIRE_ID_TRACE if high == 0 => low.to_string(),
            SPANWIRE_ID_TRACE_HEX | SPANWIRE_ID_TRACE => format!("{high:016x}{low:016x}"),
            SPANWIRE_ID_SPAN => context.span_id.to_string(),
            _ => return Err(Error::Argument),
        };
        out.put(id.as_bytes())
    })
}
