//! Types, limits and helpers that the functions for spans share. The functions are in a file per role: starting, tags,
//! attributes with links and events, other descriptions, finishing, ids.
#![allow(non_camel_case_types)]

pub mod attributes;
pub mod describe;
pub mod finish;
pub mod identity;
mod special;
pub mod start;
pub mod tags;

use super::arg::{CBytes, CLen};
use super::status::*;
use super::{asked, guard_quick};
use crate::span::encode::Sanitized;
use crate::span::open::{self, OpenSpan, Refusal};
use crate::span::table::{Guard, Kind};
use crate::tracer::current::made;
use crate::tracer::spans::{self, At};
use crate::tracer::state::State;
use crate::tracer::Error;

/// Handle of a span, a number below 2^53; 0 is no span: every function accepts it and does nothing.
pub type spanwire_span = u64;

/// Maximum number of tags of a span, text and numeric tags together.
pub const SPANWIRE_SPAN_TAGS_MAX: usize = 1024;
/// Maximum length of a tag's key in bytes. A longer key is cut at a character and counted.
pub const SPANWIRE_TAG_KEY_MAX: usize = 200;
/// Maximum length of a text tag's value in bytes. A longer value is cut at a character and counted.
pub const SPANWIRE_TAG_VALUE_MAX: usize = 25_000;
/// Maximum length of a resource in bytes. A longer resource is cut at a character and counted.
pub const SPANWIRE_RESOURCE_MAX: usize = 5_000;
/// Maximum length of a name, service or type in bytes. A longer one is cut at a character and counted.
pub const SPANWIRE_NAME_MAX: usize = 200;
/// Maximum length of a structured value in bytes. A longer value is rejected.
pub const SPANWIRE_META_STRUCT_MAX: usize = 1_048_576;

// The values are literals because cbindgen resolves no paths.
const _: () = {
    assert!(SPANWIRE_SPAN_TAGS_MAX == open::TAGS_MAX);
    assert!(SPANWIRE_TAG_KEY_MAX == open::KEY_MAX);
    assert!(SPANWIRE_TAG_VALUE_MAX == open::VALUE_MAX);
    assert!(SPANWIRE_RESOURCE_MAX == open::RESOURCE_MAX);
    assert!(SPANWIRE_NAME_MAX == open::NAME_MAX);
    assert!(SPANWIRE_META_STRUCT_MAX == open::BLOB_MAX);
};

/// For spanwire_span_id_text(): the trace id as 32 lower-case hexadecimal digits.
pub const SPANWIRE_ID_TRACE_HEX: i32 = 0;
/// For spanwire_span_id_text(): the trace id as in `dd.trace_id` of logs: 32 hexadecimal digits if it has more than 64
/// bits, else decimal.
pub const SPANWIRE_ID_TRACE: i32 = 1;
/// For spanwire_span_id_text(): the span id in decimal, as in `dd.span_id` of logs.
pub const SPANWIRE_ID_SPAN: i32 = 2;

/// A text tag. A length is in bytes; `SPANWIRE_NUL` means that the text is NUL-terminated. This structure never
/// changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_tag {
    /// The key, UTF-8, not empty.
    pub key: CBytes,
    /// Length of the key.
    pub key_len: CLen,
    /// The value, UTF-8; NULL is the empty text.
    pub value: CBytes,
    /// Length of the value.
    pub value_len: CLen,
}

/// A numeric tag. This structure never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_metric {
    /// The key, UTF-8, not empty.
    pub key: CBytes,
    /// Length of the key in bytes, or `SPANWIRE_NUL`.
    pub key_len: CLen,
    /// A finite number.
    pub value: f64,
}

/// Counts what a change did to a text or tag, and maps a refusal to an error.
#[inline]
fn noted(at: At<'_>, result: Result<Sanitized, Refusal>) -> Result<(), Error> {
    spans::count_sanitized(at, result);
    match result {
        Ok(_) => Ok(()),
        Err(Refusal::Limit) => Err(Error::Limit),
        Err(Refusal::Memory) => Err(Error::Memory),
    }
}

/// Runs `change` on an open span. Span 0 is no error.
#[inline(always)]
fn with(span: spanwire_span, change: impl FnOnce(&mut OpenSpan, At<'_>) -> Result<(), Error>) -> spanwire_status {
    if span == 0 {
        return SPANWIRE_OK;
    }
    guard_quick(SPANWIRE_E_PANIC, |state| match spans::with_span(state, span, change) {
        Ok(()) => SPANWIRE_OK,
        Err(error) => of(error),
    })
}

/// Locks an open span that no other call holds, for a change that is usual: one that calls nothing, so that it cannot panic.
/// If there is no such span, or the change is not usual, the caller takes the way of [`with`] from the beginning. A function
/// of C that makes no call saves no registers on the stack, which would cost a quarter of a call that sets one attribute;
/// its last step may be a call.
#[inline(always)]
fn lock_if_free(span: spanwire_span) -> Option<(&'static State, Guard<'static, OpenSpan>)> {
    let state = made()?;
    Some((state, state.spans.lock_if_free(span, Kind::Span)?))
}

/// Unlocks a span after such a change. `None` if that has not been done.
#[inline(always)]
fn unlocked(span: Guard<'_, OpenSpan>, done: bool) -> Option<spanwire_status> {
    if !done {
        // The caller locks it again, and sees a request when it unlocks it.
        span.unlock_quietly();
        return None;
    }
    Some(if span.unlock() { asked() } else { SPANWIRE_OK })
}

fn key(bytes: Option<&[u8]>) -> Result<&[u8], Error> {
    bytes.filter(|bytes| !bytes.is_empty()).ok_or(Error::Argument)
}
