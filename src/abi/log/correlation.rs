//! Fields for the lines of the application's own log.

use crate::abi::arg::{Buffer, CLen, Out, OutText};
use crate::abi::guard_span;
use crate::abi::span::spanwire_span;
use crate::abi::status::*;
use crate::abi::tracer::spanwire_tracer;
use crate::tracer::correlating::{self, Form};
use crate::tracer::{spans, Error};

/// For spanwire_log_correlation(): `dd.trace_id=… dd.span_id=… dd.service=… dd.env=… dd.version=…`.
pub const SPANWIRE_LOG_FIELDS_TEXT: u32 = 0;
/// For spanwire_log_correlation(): the same as members of a JSON object, without its braces. All values are texts.
pub const SPANWIRE_LOG_FIELDS_JSON: u32 = 1;

/// Writes the fields that connect a line of the application's log with its trace. A field without a value is left out:
/// `dd.env` and `dd.version` if they are not set, both ids without a span.
///
/// `dd.trace_id` is 32 hexadecimal digits; decimal if the id has only 64 bits, and for its low 64 bits with
/// DD_TRACE_128_BIT_TRACEID_LOGGING_ENABLED=false. `dd.span_id` is decimal. Service, environment and version are the
/// tracer's settings. In the form of text, white space in them becomes `_`.
///
/// With DD_LOGS_INJECTION=false the text is empty, and the status is the same as with true.
///
/// @param tracer  the tracer whose settings are written; 0 for the tracer of `span`
/// @param span    an open span, also one that the parent process had open before a fork; 0 for the fields without ids.
///                If both are 0, the text is empty
/// @param form    SPANWIRE_LOG_FIELDS_TEXT or SPANWIRE_LOG_FIELDS_JSON
/// @param text    receives the fields and a NUL; NULL only asks for the size
/// @param size    size of `text` in bytes; 512 are usually enough
/// @param need    receives the bytes needed, including the NUL; may be NULL if `text` is not
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span: `text` has the fields without ids; or `tracer` is
///                             freed, or was never a tracer: nothing is written
///         SPANWIRE_E_LIMIT    `text` is too small; it holds the empty text
///         SPANWIRE_E_ARGUMENT `form` is unknown, or `text` and `need` are both NULL
///
/// Ownership: the buffer is the caller's.
/// Threads:   any. Does not wait for calls on the span.
/// Blocks:    never.
/// Fork:      works on inherited spans.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_correlation(
    tracer: spanwire_tracer,
    span: spanwire_span,
    form: u32,
    text: Buffer,
    size: CLen,
    need: Out<usize>,
) -> spanwire_status {
    guard_span(|state| {
        let form = match form {
            SPANWIRE_LOG_FIELDS_TEXT => Form::Text,
            SPANWIRE_LOG_FIELDS_JSON => Form::Json,
            _ => return Err(Error::Argument),
        };
        let out = OutText::of(text, size, need)?;
        let found = if span == 0 { Ok(None) } else { spans::ids(state, span).map(Some) };
        let ids = found.as_ref().ok().copied().flatten();
        out.fill(|pieces| correlating::fields(state, tracer, ids, form, &mut |piece| pieces.push(piece)))?;
        found.map(drop)
    })
}
