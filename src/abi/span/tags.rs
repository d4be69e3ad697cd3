//! Tags of open spans: texts and numbers.

use super::{key, lock_if_free, noted, spanwire_metric, spanwire_span, spanwire_tag, special, unlocked, with};
use crate::abi::arg::{Buffer, CArray, CBytes, CLen, CText, Out, OutText};
use crate::abi::guard_span;
use crate::abi::status::*;
use crate::counters::Counters;
use crate::memory::Short;
use crate::span::encode;
use crate::span::open::{OpenSpan, Value};
use crate::tracer::spans::{self, At};
use crate::tracer::Error;

#[inline(always)]
pub(in crate::abi) fn put_tag(span: &mut OpenSpan, at: At<'_>, tag: &spanwire_tag) -> Result<(), Error> {
    match (tag.key.of(tag.key_len).and_then(key), tag.value.of(tag.value_len)) {
        (Ok(key), Ok(value)) => set_text(span, at, key, value.unwrap_or_default()),
        _ => {
            Counters::add(&at.counters().tags_dropped, 1);
            Err(Error::Argument)
        }
    }
}

#[inline(always)]
pub(in crate::abi) fn put_metric(span: &mut OpenSpan, at: At<'_>, metric: &spanwire_metric) -> Result<(), Error> {
    set_number(span, at, metric.key.of(metric.key_len).unwrap_or_default(), metric.value)
}

/// Key and value of a tag; `None` if one of them is missing or long, or the key may be a special one.
#[inline(always)]
pub(super) fn usual_tag(tag: &spanwire_tag) -> Option<(Short<'_>, Short<'_>)> {
    let (key, value) = (tag.key.short(tag.key_len)??, tag.value.short(tag.value_len)??);
    is_usual(key.bytes(), &special::TEXTS).then_some((key, value))
}

/// The same of a number, which is finite.
#[inline(always)]
pub(super) fn usual_metric(metric: &spanwire_metric) -> Option<(Short<'_>, f64)> {
    let key = metric.key.short(metric.key_len)??;
    (metric.value.is_finite() && is_usual(key.bytes(), &special::NUMBERS)).then_some((key, metric.value))
}

#[inline(always)]
pub(in crate::abi) fn set_number(
    span: &mut OpenSpan,
    at: At<'_>,
    name: Option<&[u8]>,
    value: f64,
) -> Result<(), Error> {
    if let Ok(key) = key(name) {
        if special::may_be(key, &special::NUMBERS) {
            if let Some(done) = special::take(span, at, key, Value::Number(value)) {
                return done;
            }
        }
        if value.is_finite() {
            return match span.put_number(key, value) {
                true => Ok(()),
                false => noted(at, span.set_number_slowly(key, value)),
            };
        }
    }
    Counters::add(&at.counters().tags_dropped, 1);
    Err(Error::Argument)
}

#[inline(always)]
pub(in crate::abi) fn set_text(span: &mut OpenSpan, at: At<'_>, key: &[u8], value: &[u8]) -> Result<(), Error> {
    if special::may_be(key, &special::TEXTS) {
        if let Some(done) = special::take(span, at, key, Value::Text(value)) {
            return done;
        }
    }
    match span.put_text(key, value) {
        true => Ok(()),
        false => noted(at, span.set_text_at_length(key, value)),
    }
}

/// Sets a text tag. The last value of a key replaces earlier ones, also a number.
///
/// @param span   an open span; 0 does nothing and returns SPANWIRE_OK
/// @param key    the tag's name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX bytes at a character, and counted
/// @param value  the tag's value, UTF-8; NULL is the empty text; cut to SPANWIRE_TAG_VALUE_MAX, and counted
///
/// Bytes that are not UTF-8 are replaced by U+FFFD and counted; the tag is kept.
///
/// Some keys have a meaning, in all functions that set tags, as in other tracers. The first ones are no tags:
///  - "manual.keep" and "manual.drop" set the trace's sampling priority to 2 and -1, with any value but "false" and "0".
///    "sampling.priority" sets it to 2 if its value is a number above 0, and to -1 if it is another number. See
///    spanwire_span_set_priority().
///  - "service.name", "resource.name" and "span.type" set the span's service, resource and type if the value is a text.
///  - "error" marks the span as failed, or with "false" and "0" as not failed. A text that is none of "true", "false", "0"
///    and "1" stays a tag.
///  - "analytics.event" sets the numeric tag "_dd1.sr.eausr" to 1, or with "false" and 0 to 0.
///  - "http.status_code" is a text, also if it is set as a whole number.
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   the parent process started `span` before a fork
///         SPANWIRE_E_ARGUMENT `key` is NULL or empty
///         SPANWIRE_E_LIMIT    the span has SPANWIRE_SPAN_TAGS_MAX tags; this one was dropped and counted
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; the tag was dropped and counted
///         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms; dropped and counted
///
/// Ownership: copies key and value before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_tag(span: spanwire_span, key: CText, value: CText) -> spanwire_status {
    // Before the texts are measured: without tracing, all spans are 0.
    if span == 0 {
        return SPANWIRE_OK;
    }
    tag(span, key.measured(), value.measured())
}

#[inline(always)]
fn tag(span: spanwire_span, key: &[u8], value: &[u8]) -> spanwire_status {
    if is_usual(key, &special::TEXTS) {
        if let Some((_, mut open)) = lock_if_free(span) {
            let done = open.put_text(key, value);
            if let Some(status) = unlocked(open, done) {
                return status;
            }
        }
    }
    tag_slowly(span, key, value)
}

#[inline(never)]
fn tag_slowly(span: spanwire_span, key: &[u8], value: &[u8]) -> spanwire_status {
    with(span, |span, at| set_text(span, at, self::key(Some(key))?, value))
}

/// Whether a key is one of a tag, and cannot be a special one.
#[inline(always)]
fn is_usual(key: &[u8], special: &special::Ends) -> bool {
    !key.is_empty() && !special::may_be(key, special)
}

/// As spanwire_span_set_tag(), with lengths.
///
/// @param span       as in spanwire_span_set_tag()
/// @param key        as in spanwire_span_set_tag()
/// @param key_len    its length in bytes, or SPANWIRE_NUL
/// @param value      as in spanwire_span_set_tag(); may hold NUL bytes
/// @param value_len  its length in bytes, or SPANWIRE_NUL
///
/// @return as spanwire_span_set_tag(). SPANWIRE_E_ARGUMENT also for a length beyond half the address space; here the
///         dropped tag is counted
///
/// Ownership: as spanwire_span_set_tag().
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_tag().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_tag_n(
    span: spanwire_span,
    key: CBytes,
    key_len: CLen,
    value: CBytes,
    value_len: CLen,
) -> spanwire_status {
    if let (Some(key), Some(value)) = (key.usual(key_len), value.usual(value_len)) {
        if span != 0 && !key.is_empty() {
            return tag(span, key, value);
        }
    }
    put_tags(span, &[spanwire_tag { key, key_len, value, value_len }])
}

/// Sets a numeric tag. The last value of a key replaces earlier ones, also a text.
///
/// @param span   an open span; 0 does nothing and returns SPANWIRE_OK
/// @param key    the tag's name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
/// @param value  a finite number
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   the parent process started `span` before a fork
///         SPANWIRE_E_ARGUMENT `key` is NULL or empty, or `value` is not finite; the tag was dropped and counted
///         SPANWIRE_E_LIMIT    the span has SPANWIRE_SPAN_TAGS_MAX tags; this one was dropped and counted
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; the tag was dropped and counted
///         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms; dropped and counted
///
/// Ownership: copies the key before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_metric(span: spanwire_span, key: CText, value: f64) -> spanwire_status {
    // Before the texts are measured: without tracing, all spans are 0.
    if span == 0 {
        return SPANWIRE_OK;
    }
    number(span, key.measured(), value)
}

#[inline(always)]
fn number(span: spanwire_span, key: &[u8], value: f64) -> spanwire_status {
    if value.is_finite() && is_usual(key, &special::NUMBERS) {
        if let Some((_, mut open)) = lock_if_free(span) {
            let done = open.put_number(key, value);
            if let Some(status) = unlocked(open, done) {
                return status;
            }
        }
    }
    number_slowly(span, key, value)
}

#[inline(never)]
fn number_slowly(span: spanwire_span, key: &[u8], value: f64) -> spanwire_status {
    with(span, |span, at| set_number(span, at, Some(key), value))
}

/// As spanwire_span_set_metric(), with the length of the key.
///
/// @param span     as in spanwire_span_set_metric()
/// @param key      as in spanwire_span_set_metric()
/// @param key_len  its length in bytes, or SPANWIRE_NUL
/// @param value    as in spanwire_span_set_metric()
///
/// @return as spanwire_span_set_metric(); SPANWIRE_E_ARGUMENT also for a length beyond half the address space
///
/// Ownership: as spanwire_span_set_metric().
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_metric().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_metric_n(
    span: spanwire_span,
    key: CBytes,
    key_len: CLen,
    value: f64,
) -> spanwire_status {
    if span == 0 {
        return SPANWIRE_OK;
    }
    number(span, key.of(key_len).ok().flatten().unwrap_or_default(), value)
}

/// Sets several text tags in one call. If one fails, the others are still set.
///
/// @param span   an open span; 0 does nothing and returns SPANWIRE_OK
/// @param tags   an array of `count` tags; NULL if `count` is 0
/// @param count  number of tags
///
/// @return as spanwire_span_set_tag_n(); of several failures the first. SPANWIRE_E_ARGUMENT also if `tags` is NULL and
///         `count` is not 0
///
/// Ownership: copies all texts before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_tag().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_tags(
    span: spanwire_span,
    tags: CArray<spanwire_tag>,
    count: CLen,
) -> spanwire_status {
    if span == 0 {
        return SPANWIRE_OK;
    }
    match tags.of(count) {
        Ok(tags) => put_tags(span, tags),
        // The span is looked at first.
        Err(error) => with(span, |_, _| Err(error)),
    }
}

/// Sets tags. Returns the first error.
#[inline(never)]
fn put_tags(span: spanwire_span, tags: &[spanwire_tag]) -> spanwire_status {
    with(span, |span, at| {
        let mut first = Ok(());
        for tag in tags {
            first = first.and(put_tag(span, at, tag));
        }
        first
    })
}

/// Removes a text or numeric tag.
///
/// @param span  an open span; 0 does nothing and returns SPANWIRE_OK
/// @param key   the tag's name
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND the span has no such tag
///         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
///         SPANWIRE_E_FORKED    the parent process started `span` before a fork
///         SPANWIRE_E_ARGUMENT  `key` is NULL or empty
///         SPANWIRE_E_BUSY      another thread has been inside a call on the span for 100 ms
///
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_remove_tag(span: spanwire_span, key: CText) -> spanwire_status {
    with(span, |span, _| span.remove(self::key(key.get())?).then_some(()).ok_or(Error::NotFound))
}

/// Writes a tag of an open span as text; a number with the fewest digits that identify it, such as "42.5" and "1e300".
///
/// @param span      an open span; 0 has no tags
/// @param key       the tag's name
/// @param buffer    receives the value and a NUL; NULL only asks for the size
/// @param capacity  size of the buffer in bytes
/// @param need      receives the bytes needed, including the NUL; may be NULL if `buffer` is not. Set, and `buffer`
///                  written, only with SPANWIRE_OK and SPANWIRE_E_LIMIT
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND the span has no such tag, or `span` is 0
///         SPANWIRE_E_LIMIT     the buffer is too small; it holds the empty text
///         SPANWIRE_E_HANDLE    `span` is finished, or was never a span
///         SPANWIRE_E_FORKED    the parent process started `span` before a fork
///         SPANWIRE_E_ARGUMENT  `key` is NULL or empty, or `buffer` and `need` are both NULL, for any `span`
///         SPANWIRE_E_BUSY      another thread has been inside a call on the span for 100 ms
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
        spans::with_span(state, span, |span, _| match span.get(key).ok_or(Error::NotFound)? {
            Value::Text(value) => out.put(value),
            Value::Number(value) => out.put(encode::shortest(value).as_bytes()),
        })
    })
}
