//! Contexts that come in with headers: reading them, their ids, freeing them.
#![allow(non_camel_case_types)]

use super::spanwire_context;
use crate::abi::arg::{CArray, CBytes, CLen, Out};
use crate::abi::sized::OutSized;
use crate::abi::status::*;
use crate::abi::tracer::spanwire_tracer;
use crate::abi::{guard_span, guard_span_quick};
use crate::tracer::state::State;
use crate::tracer::{contexts, extracting, Error};

/// Handle of a context that came in, a number below 2^53; 0 is none.
pub type spanwire_context_handle = u64;

/// Maximum number of contexts that are kept. One more frees the oldest.
pub const SPANWIRE_CONTEXTS_MAX: usize = 4096;

const _: () = assert!(SPANWIRE_CONTEXTS_MAX == contexts::CONTEXTS_MAX);

/// A header: name and value. A length is in bytes; `SPANWIRE_NUL` means that the text is NUL-terminated. This structure
/// never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_header {
    /// The name, in any case, or in the form of CGI: `HTTP_X_DATADOG_TRACE_ID`.
    pub name: CBytes,
    /// Length of the name.
    pub name_len: CLen,
    /// The value.
    pub value: CBytes,
    /// Length of the value.
    pub value_len: CLen,
}

impl spanwire_header {
    /// Name and value, also if a length has to be measured. `None` if one of them is NULL, or a length is invalid, which is
    /// noted.
    #[cold]
    fn unusual(&self, fault: &mut Result<(), Error>) -> Option<(&[u8], &[u8])> {
        match (self.name.of(self.name_len), self.value.of(self.value_len)) {
            (Ok(name), Ok(value)) => Some((name?, value?)),
            (Err(error), _) | (_, Err(error)) => {
                *fault = Err(error);
                None
            }
        }
    }
}

/// Reads the context that a request carries in its headers, for spanwire_span_options.context_handle: trace id, parent,
/// sampling decision, origin, tags of the trace, tracestate, baggage, and links to contexts that are not continued.
///
/// Give all headers of the request: others are skipped. Which are read, and which of several contexts wins, say the
/// settings DD_TRACE_PROPAGATION_STYLE_EXTRACT, DD_TRACE_PROPAGATION_EXTRACT_FIRST and
/// DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT; docs/propagation.md has the rules. Headers that are malformed or too long count
/// as absent. The work is proportional to the number of headers and to the length of those that are read.
///
/// A context may have no ids, only baggage, a sampling decision or a link: a span that is started with it begins a new
/// trace with these.
///
/// At most SPANWIRE_CONTEXTS_MAX contexts, and 8 MiB of their texts, are kept. Beyond that the oldest is freed. So a host
/// that frees none needs bounded memory, and may use each of them for a while.
///
/// @param tracer   the tracer whose settings apply
/// @param headers  an array of `count` headers; NULL if `count` is 0. A header whose name or value is NULL is skipped
/// @param count    number of headers
/// @param out      receives the context; 0 if the headers have none, or DD_TRACE_ENABLED is off
///
/// @return SPANWIRE_OK         also if there is no context
///         SPANWIRE_E_ARGUMENT `out` is NULL, `headers` is NULL and `count` is not 0, or a length is beyond half the
///                             address space
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached
///
/// Ownership: copies what it keeps. Free the context with spanwire_context_free(), right after the span has started or
///            later.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child uses contexts of its parent, except for changes of baggage. If another thread was changing the
///            context at the fork, they count as freed.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_extract(
    tracer: spanwire_tracer,
    headers: CArray<spanwire_header>,
    count: CLen,
    out: Out<spanwire_context_handle>,
) -> spanwire_status {
    guard_span_quick(|state| {
        out.require(0)?;
        let headers = headers.of(count)?;
        let mut fault = Ok(());
        let given = headers.iter().filter_map(|header| {
            match (header.name.usual(header.name_len), header.value.usual(header.value_len)) {
                (Some(name), Some(value)) => Some((name, value)),
                _ => header.unusual(&mut fault),
            }
        });
        let extracted = extracting::extract(state, tracer, given)?.unwrap_or(0);
        if fault.is_err() && extracted != 0 {
            forget(state, extracted);
        }
        fault?;
        out.set(extracted);
        Ok(())
    })
}

#[cold]
#[inline(never)]
fn forget(state: &State, context: u64) {
    let _ = state.contexts.free(context);
}

/// Frees a context. Spans that were started with it keep what they have of it.
///
/// @param context  a context; 0 does nothing and returns SPANWIRE_OK
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE `context` is freed, or was never a context
///         SPANWIRE_E_BUSY   another thread has been inside a call on it for 100 ms
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      for a context of the parent it does nothing and returns SPANWIRE_OK.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_free(context: spanwire_context_handle) -> spanwire_status {
    guard_span_quick(|state| if context == 0 { Ok(()) } else { state.contexts.free(context) })
}

/// Writes ids and sampling decision of a context that came in.
///
/// @param context  a context
/// @param out      receives them; set its `size` to `sizeof(spanwire_context)` first. `span_id` is 0 if the trace has no
///                 parent span
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND it has no ids, or `context` is 0
///         SPANWIRE_E_HANDLE    `context` is freed, or was never a context
///         SPANWIRE_E_ARGUMENT  `out` is NULL
///         SPANWIRE_E_VERSION   `out->size` is invalid
///         SPANWIRE_E_FORKED    a thread of the parent process was changing it at the fork
///         SPANWIRE_E_BUSY      another thread has been inside a call on it for 100 ms
///
/// Ownership: the structure is the caller's.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      also for contexts of the parent.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_context_get(
    context: spanwire_context_handle,
    out: OutSized<spanwire_context>,
) -> spanwire_status {
    guard_span(|state| {
        out.check()?;
        if context == 0 {
            return Err(Error::NotFound);
        }
        out.write(&spanwire_context::of(&extracting::ids(state, context)?))
    })
}
