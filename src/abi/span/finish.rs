//! Finishing and discarding spans.

use super::spanwire_span;
use crate::abi::status::*;
use crate::abi::{asked, guard_span};
use crate::tracer::current::made;
use crate::tracer::ending::{self, End, Held};

/// Finishes a span now. Its handle becomes invalid. If it was the last open span of its trace, the trace goes to the
/// queue.
///
/// @param span  an open span; 0 does nothing and returns SPANWIRE_OK
///
/// @return SPANWIRE_OK        finished; or dropped and counted if there is no memory for it
///         SPANWIRE_E_HANDLE  `span` is already finished, or was never a span
///         SPANWIRE_E_FORKED  the parent process started `span` before a fork
///
/// Threads:   any. If another thread is inside a call on the span or on its trace, the span is finished when that call
///            returns; its end is the time of this call.
/// Blocks:    never; if the queue is full, the trace is dropped and counted.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_finish(span: spanwire_span) -> spanwire_status {
    if span == 0 {
        return SPANWIRE_OK;
    }
    let Some(state) = made() else { return finish_slowly(span) };
    match ending::finish_quickly(state, span) {
        Ok(false) => SPANWIRE_OK,
        Ok(true) => asked(),
        Err(Some(held)) => finish_held(held),
        Err(None) => finish_slowly(span),
    }
}

#[inline(never)]
fn finish_held(held: Held) -> spanwire_status {
    // It locks, and may free memory: both can change errno.
    guard_span(|state| {
        ending::finish_held(state, held);
        Ok(())
    })
}

#[inline(never)]
fn finish_slowly(span: spanwire_span) -> spanwire_status {
    guard_span(|state| ending::finish(state, span, End::Now))
}

/// Finishes a span at a given time.
///
/// @param span    an open span; 0 does nothing and returns SPANWIRE_OK
/// @param end_ns  end time in nanoseconds since 1970; a time before the span's start means a duration of 0
///
/// @return as spanwire_span_finish()
///
/// Threads:   any; as spanwire_span_finish().
/// Blocks:    never.
/// Fork:      as spanwire_span_finish().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_finish_at(span: spanwire_span, end_ns: i64) -> spanwire_status {
    guard_span(|state| if span == 0 { Ok(()) } else { ending::finish(state, span, End::At(end_ns)) })
}

/// Ends a span without sending it. Its children keep its id as their parent id.
///
/// @param span  an open span; 0 does nothing and returns SPANWIRE_OK
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `span` is already finished, or was never a span
///         SPANWIRE_E_FORKED  the parent process started `span` before a fork
///
/// Threads:   any; as spanwire_span_finish().
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_discard(span: spanwire_span) -> spanwire_status {
    guard_span(|state| if span == 0 { Ok(()) } else { ending::discard(state, span) })
}
