//! Finishing and discarding spans.

use super::spanwire_span;
use crate::abi::guard_span;
use crate::abi::status::*;
use crate::tracer::ending::{self, End};

/// Finishes a span now. Its number is stale afterwards. When it was the last open span of its trace, the trace is sent.
///
/// @param span  an open span. 0 does nothing and is SPANWIRE_OK.
///
/// @return SPANWIRE_OK        finished, or dropped and counted where memory is short
///         SPANWIRE_E_HANDLE  `span` is finished already, or was never a span
///         SPANWIRE_E_FORKED  `span` was started before a fork, by the parent
///
/// Threads:   any. Where another thread is inside a call on the span, or on its trace, the span is finished when that
///            call returns, and its end is the time of this call.
/// Blocks:    never; a full queue drops the trace and counts it.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_finish(span: spanwire_span) -> spanwire_status {
    guard_span(|state| if span == 0 { Ok(()) } else { ending::finish(state, span, End::Now) })
}

/// Finishes a span at a time that the host knows.
///
/// @param span    an open span. 0 does nothing and is SPANWIRE_OK.
/// @param end_ns  the end in nanoseconds since 1970; before the start, as every time before 1970 is, means a duration of 0
///
/// @return as for spanwire_span_finish()
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as for spanwire_span_finish().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_finish_at(span: spanwire_span, end_ns: i64) -> spanwire_status {
    guard_span(|state| if span == 0 { Ok(()) } else { ending::finish(state, span, End::At(end_ns)) })
}

/// Gives a span up: it is not sent. Its children keep naming it as their parent.
///
/// @param span  an open span. 0 does nothing and is SPANWIRE_OK.
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `span` is finished already, or was never a span
///         SPANWIRE_E_FORKED  `span` was started before a fork, by the parent
///
/// Threads:   any; as for spanwire_span_finish().
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_discard(span: spanwire_span) -> spanwire_status {
    guard_span(|state| if span == 0 { Ok(()) } else { ending::discard(state, span) })
}
