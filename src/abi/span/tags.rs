//! Tags of open spans: texts and numbers.

use super::{key, noted, spanwire_metric, spanwire_span, spanwire_tag, with};
use crate::abi::status::*;
use crate::abi::{guard_span, text};
use crate::counters::Counters;
use crate::span::encode;
use crate::span::open::{OpenSpan, Value};
use crate::tracer::spans;
use crate::tracer::Error;
use std::ffi::c_char;

/// # Safety
/// The tag's pointers point to what their lengths say.
#[inline]
pub(in crate::abi) unsafe fn put_tag(
    span: &mut OpenSpan,
    counters: &Counters,
    tag: &spanwire_tag,
) -> Result<(), Error> {
    // SAFETY: by the caller.
    let (name, value) = unsafe { (text::measured(tag.key, tag.key_len), text::measured(tag.value, tag.value_len)) };
    match (name.and_then(key), value) {
        (Ok(key), Ok(value)) => noted(counters, span.set_text(key, value.unwrap_or_default())),
        _ => {
            Counters::add(&counters.tags_dropped, 1);
            Err(Error::Argument)
        }
    }
}

/// # Safety
/// The metric's key points to what its length says.
#[inline]
pub(in crate::abi) unsafe fn put_metric(
    span: &mut OpenSpan,
    counters: &Counters,
    metric: &spanwire_metric,
) -> Result<(), Error> {
    // SAFETY: by the caller.
    let name = unsafe { text::measured(metric.key, metric.key_len) };
    set_number(span, counters, name.unwrap_or_default(), metric.value)
}

#[inline]
fn set_number(span: &mut OpenSpan, counters: &Counters, name: Option<&[u8]>, value: f64) -> Result<(), Error> {
    match key(name) {
        Ok(key) if value.is_finite() => noted(counters, span.set_number(key, value)),
        _ => {
            Counters::add(&counters.tags_dropped, 1);
            Err(Error::Argument)
        }
    }
}

/// Sets a text tag on an open span. The last value of a key wins, over a number of that key too.
///
/// @param span   an open span. 0 does nothing and is SPANWIRE_OK.
/// @param key    the tag's name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX bytes at a character, and counted
/// @param value  the tag's value, UTF-8; NULL is the empty text; cut to SPANWIRE_TAG_VALUE_MAX, and counted
///
/// Bytes that are not UTF-8 become U+FFFD and are counted; the tag is kept.
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   `span` was started before a fork, by the parent
///         SPANWIRE_E_ARGUMENT `key` is NULL or empty
///         SPANWIRE_E_LIMIT    the span holds SPANWIRE_SPAN_TAGS_MAX tags; this one was dropped and counted
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; likewise
///         SPANWIRE_E_BUSY     another thread is inside a call on the span for 100 ms; the tag was dropped and counted
///
/// Ownership: copies key and value before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
///
/// # Safety
/// The texts are NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_tag(
    span: spanwire_span,
    key: *const c_char,
    value: *const c_char,
) -> spanwire_status {
    // SAFETY: by the caller.
    let texts = unsafe { (text::terminated(key), text::terminated(value)) };
    with(span, |span, counters, _| noted(counters, span.set_text(self::key(texts.0)?, texts.1.unwrap_or_default())))
}

/// spanwire_span_set_tag() with lengths.
///
/// @param span       as there
/// @param key        as there
/// @param key_len    its length in bytes, or SPANWIRE_NUL
/// @param value      as there; may hold NUL bytes
/// @param value_len  its length in bytes, or SPANWIRE_NUL
///
/// @return as there, and SPANWIRE_E_ARGUMENT for a length beyond half the address space
///
/// Ownership: as there.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as there.
/// Since:     0.1
///
/// # Safety
/// The texts are NULL or have these lengths.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_tag_n(
    span: spanwire_span,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
) -> spanwire_status {
    let tag = spanwire_tag { key, key_len, value, value_len };
    // SAFETY: by the caller.
    with(span, |span, counters, _| unsafe { put_tag(span, counters, &tag) })
}

/// Sets a numeric tag on an open span. The last value of a key wins, over a text of that key too.
///
/// @param span   an open span. 0 does nothing and is SPANWIRE_OK.
/// @param key    the tag's name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
/// @param value  a finite number
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   `span` was started before a fork, by the parent
///         SPANWIRE_E_ARGUMENT `key` is NULL or empty, or `value` is not finite; the tag was dropped and counted
///         SPANWIRE_E_LIMIT    the span holds SPANWIRE_SPAN_TAGS_MAX tags; likewise
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; likewise
///         SPANWIRE_E_BUSY     another thread holds the span for too long
///
/// Ownership: copies the key before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
///
/// # Safety
/// `key` is NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_metric(
    span: spanwire_span,
    key: *const c_char,
    value: f64,
) -> spanwire_status {
    // SAFETY: by the caller.
    let name = unsafe { text::terminated(key) };
    with(span, |span, counters, _| set_number(span, counters, name, value))
}

/// spanwire_span_set_metric() with the key's length.
///
/// @param span     as there
/// @param key      as there
/// @param key_len  its length in bytes, or SPANWIRE_NUL
/// @param value    as there
///
/// @return as there
///
/// Ownership: as there.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as there.
/// Since:     0.1
///
/// # Safety
/// `key` is NULL or has this length.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_metric_n(
    span: spanwire_span,
    key: *const c_char,
    key_len: usize,
    value: f64,
) -> spanwire_status {
    let metric = spanwire_metric { key, key_len, value };
    // SAFETY: by the caller.
    with(span, |span, counters, _| unsafe { put_metric(span, counters, &metric) })
}

/// Sets several text tags in one call. One that cannot be taken does not keep the others from being set.
///
/// @param span   an open span. 0 does nothing and is SPANWIRE_OK.
/// @param tags   an array of `count` tags; NULL if `count` is 0
/// @param count  how many
///
/// @return as for spanwire_span_set_tag(); of several failures the first
///
/// Ownership: copies all texts before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as for spanwire_span_set_tag().
/// Since:     0.1
///
/// # Safety
/// `tags` points to `count` tags, and their pointers to what their lengths say.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_tags(
    span: spanwire_span,
    tags: *const spanwire_tag,
    count: usize,
) -> spanwire_status {
    with(span, |span, counters, _| {
        // SAFETY: by the caller.
        let tags = unsafe { text::array(tags, count) }?;
        let mut first = Ok(());
        for tag in tags {
            // SAFETY: by the caller.
            first = first.and(unsafe { put_tag(span, counters, tag) });
        }
        first
    })
}

/// Removes a tag, text or number.
///
/// @param span  an open span. 0 does nothing and is SPANWIRE_OK.
/// @param key   the tag's name
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND the span has no such tag
///         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
///         SPANWIRE_E_FORKED    `span` was started before a fork, by the parent
///         SPANWIRE_E_ARGUMENT  `key` is NULL or empty
///         SPANWIRE_E_BUSY      another thread holds the span for too long
///
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
///
/// # Safety
/// `key` is NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_remove_tag(span: spanwire_span, key: *const c_char) -> spanwire_status {
    with(span, |span, _, _| {
        // SAFETY: by the caller.
        let name = self::key(unsafe { text::terminated(key) })?;
        span.remove(name).then_some(()).ok_or(Error::NotFound)
    })
}

/// Reads a tag of an open span as text; a number in the fewest digits that mean it, such as "42.5" and "1e300".
///
/// @param span      an open span; 0 has no tags
/// @param key       the tag's name
/// @param buffer    where the value and a NUL go; NULL only asks how much is needed
/// @param capacity  the buffer's size in bytes
/// @param need      set to the bytes needed with the NUL; may be NULL if `buffer` is not. Only SPANWIRE_OK and
///                  SPANWIRE_E_LIMIT set it and write to `buffer`
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND the span has no such tag, or `span` is 0
///         SPANWIRE_E_LIMIT     the buffer is too small; it holds the empty text
///         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
///         SPANWIRE_E_FORKED    `span` was started before a fork, by the parent
///         SPANWIRE_E_ARGUMENT  `key` is NULL or empty, or `buffer` and `need` are both NULL, whatever `span` is
///         SPANWIRE_E_BUSY      another thread holds the span for too long
///
/// Ownership: the buffer is the caller's.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
///
/// # Safety
/// `key` is NULL or NUL-terminated; `buffer` is NULL or has `capacity` bytes; `need` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_get_tag(
    span: spanwire_span,
    key: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    need: *mut usize,
) -> spanwire_status {
    guard_span(|state| {
        // SAFETY: by the caller.
        let name = self::key(unsafe { text::terminated(key) })?;
        text::wanted(buffer, need)?;
        if span == 0 {
            return Err(Error::NotFound);
        }
        // SAFETY: by the caller.
        spans::with_span(state, span, |span, _, _| match span.get(name).ok_or(Error::NotFound)? {
            Value::Text(value) => unsafe { text::put(value, buffer, capacity, need) },
            Value::Number(value) => unsafe { text::put(encode::shortest(value).as_bytes(), buffer, capacity, need) },
        })
    })
}
