//! Ids and contexts of spans.

use super::{spanwire_span, SPANWIRE_ID_SPAN, SPANWIRE_ID_TRACE, SPANWIRE_ID_TRACE_HEX};
use crate::abi::arg::{Buffer, CLen, Out, OutText};
use crate::abi::context::spanwire_context;
use crate::abi::guard_span;
use crate::abi::sized::OutSized;
use crate::abi::status::*;
use crate::tracer::spans;
use crate::tracer::Error;

/// Copies a span's context, for children in other processes and for late children. Decides first whether the trace is
/// kept, unless that is decided: set what sampling rules look at before. If another thread has been inside a
/// call on the span for 100 ms, the context has the ids alone, without SPANWIRE_CONTEXT_HAS_PRIORITY.
///
/// @param span  an open span, also one that the parent process had open before a fork
/// @param out   receives the context; the caller sets its `size`
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
/// @param span      an open span, also one that the parent process had open before a fork
/// @param kind      SPANWIRE_ID_TRACE_HEX, SPANWIRE_ID_TRACE or SPANWIRE_ID_SPAN
/// @param buffer    receives the text and a NUL; 33 bytes are always enough; NULL only asks for the size
/// @param capacity  size of the buffer in bytes
/// @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not
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
