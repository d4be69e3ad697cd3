//! Tags of open spans: texts and numbers.

use super::{key, noted, spanwire_metric, spanwire_span, spanwire_tag, with};
use crate::abi::arg::{Buffer, CArray, CBytes, CLen, CText, Out, OutText};
use crate::abi::guard_span;
use crate::abi::status::*;
use crate::counters::Counters;
use crate::span::encode;
use crate::span::open::{OpenSpan, Value};
use crate::tracer::spans;
use crate::tracer::Error;

#[inline]
pub(in crate::abi) fn put_tag(span: &mut OpenSpan, counters: &Counters, tag: &spanwire_tag) -> Result<(), Error> {
    match (tag.key.of(tag.key_len).and_then(key), tag.value.of(tag.value_len)) {
        (Ok(key), Ok(value)) => noted(counters, span.set_text(key, value.unwrap_or_default())),
        _ => {
            Counters::add(&counters.tags_dropped, 1);
            Err(Error::Argument)
        }
    }
}

#[inline]
pub(in crate::abi) fn put_metric(
    span: &mut OpenSpan,
    counters: &Counters,
    metric: &spanwire_metric,
) -> Result<(), Error> {
    set_number(span, counters, metric.key.of(metric.key_len).unwrap_or_default(), metric.value)
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
#[no_mangle]
pub extern "C" fn spanwire_span_set_tag(span: spanwire_span, key: CText, value: CText) -> spanwire_status {
    let (key, value) = (key.get(), value.or_empty());
    with(span, |span, counters, _| noted(counters, span.set_text(self::key(key)?, value)))
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
#[no_mangle]
pub extern "C" fn spanwire_span_set_tag_n(
    span: spanwire_span,
    key: CBytes,
    key_len: CLen,
    value: CBytes,
    value_len: CLen,
) -> spanwire_status {
    let tag = spanwire_tag { key, key_len, value, value_len };
    with(span, |span, counters, _| put_tag(span, counters, &tag))
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
#[no_mangle]
pub extern "C" fn spanwire_span_set_metric(span: spanwire_span, key: CText, value: f64) -> spanwire_status {
    let key = key.get();
    with(span, |span, counters, _| set_number(span, counters, key, value))
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
#[no_mangle]
pub extern "C" fn spanwire_span_set_metric_n(
    span: spanwire_span,
    key: CBytes,
    key_len: CLen,
    value: f64,
) -> spanwire_status {
    let metric = spanwire_metric { key, key_len, value };
    with(span, |span, counters, _| put_metric(span, counters, &metric))
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
#[no_mangle]
pub extern "C" fn spanwire_span_set_tags(
    span: spanwire_span,
    tags: CArray<spanwire_tag>,
    count: CLen,
) -> spanwire_status {
    with(span, |span, counters, _| {
        let mut first = Ok(());
        for tag in tags.of(count)? {
            // Every tag is set, also after one that is refused.
            first = first.and(put_tag(span, counters, tag));
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
#[no_mangle]
pub extern "C" fn spanwire_span_remove_tag(span: spanwire_span, key: CText) -> spanwire_status {
    with(span, |span, _, _| span.remove(self::key(key.get())?).then_some(()).ok_or(Error::NotFound))
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
#[no_mangle]
pub extern "C" fn spanwire_span_get_tag(
    span: spanwire_span,
    key: CText,
    buffer: Buffer,
    capacity: CLen,
    need: Out<usize>,
) -> spanwire_status {
    guard_span(|state| {
        let (key, out) = (self::key(key.get())?, OutText::of(buffer, capacity, need)?);
        if span == 0 {
            return Err(Error::NotFound);
        }
        spans::with_span(state, span, |span, _, _| match span.get(key).ok_or(Error::NotFound)? {
            Value::Text(value) => out.put(value),
            Value::Number(value) => out.put(encode::shortest(value).as_bytes()),
        })
    })
}
