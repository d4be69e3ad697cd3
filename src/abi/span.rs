//! Starting spans, saying things of them, finishing them.
#![allow(non_camel_case_types)]

use super::context::spanwire_context;
use super::status::*;
use super::tracer::spanwire_tracer;
use super::{guard_quick, guard_span, guard_value, sized, text};
use crate::counters::Counters;
use crate::span::encode::{self, Sanitized};
use crate::span::open::{self, Field, OpenSpan, Refusal, Value};
use crate::tracer::ending::{self, End};
use crate::tracer::spans::{self, Parent};
use crate::tracer::{Error, Tracer};
use std::ffi::{c_char, c_void};
use std::sync::atomic::Ordering::Relaxed;

/// A span, as a number below 2^53; 0 is none, and every function takes it and does nothing.
pub type spanwire_span = u64;

/// The most tags, texts and numbers together, that a span holds.
pub const SPANWIRE_SPAN_TAGS_MAX: usize = 1024;
/// The longest key of a tag, in bytes; what is longer is cut at a character, and counted.
pub const SPANWIRE_TAG_KEY_MAX: usize = 200;
/// The longest value of a text tag, in bytes; likewise.
pub const SPANWIRE_TAG_VALUE_MAX: usize = 25_000;
/// The longest resource, in bytes; likewise.
pub const SPANWIRE_RESOURCE_MAX: usize = 5_000;
/// The longest name, service or type, in bytes; likewise.
pub const SPANWIRE_NAME_MAX: usize = 200;
/// The largest blob, in bytes; a larger one is refused.
pub const SPANWIRE_META_STRUCT_MAX: usize = 1_048_576;

// Literals above, since the header's generator resolves no paths.
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
/// For spanwire_span_id_text(): the trace id as `dd.trace_id` in logs: 32 hexadecimal digits if it has more than 64
/// bits, else decimal.
pub const SPANWIRE_ID_TRACE: i32 = 1;
/// For spanwire_span_id_text(): the span id, decimal, as `dd.span_id` in logs.
pub const SPANWIRE_ID_SPAN: i32 = 2;

/// A text tag. Lengths are in bytes; `SPANWIRE_NUL` stands for "NUL-terminated". This structure never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_tag {
    /// The key, UTF-8, not empty.
    pub key: *const c_char,
    /// Its length.
    pub key_len: usize,
    /// The value, UTF-8; NULL is the empty text.
    pub value: *const c_char,
    /// Its length.
    pub value_len: usize,
}

/// A numeric tag. This structure never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_metric {
    /// The key, UTF-8, not empty.
    pub key: *const c_char,
    /// Its length in bytes, or `SPANWIRE_NUL`.
    pub key_len: usize,
    /// A finite number.
    pub value: f64,
}

/// All that can be said of a span when it starts. Zero-initialise it, set `size`, and set what is known: a text that is
/// NULL is not given; one that is given needs its length, or `SPANWIRE_NUL`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_span_options {
    /// `sizeof(spanwire_span_options)`.
    pub size: usize,
    /// The parent span; 0 for none.
    pub parent: spanwire_span,
    /// The parent's context, used where `parent` is 0; NULL for none.
    pub parent_context: *const spanwire_context,
    /// The operation, such as "http.request".
    pub name: *const c_char,
    /// Its length in bytes.
    pub name_len: usize,
    /// The service; not given: the parent's, else the tracer's.
    pub service: *const c_char,
    /// Its length in bytes.
    pub service_len: usize,
    /// The resource, such as "GET /users/:id"; not given: the name.
    pub resource: *const c_char,
    /// Its length in bytes.
    pub resource_len: usize,
    /// The type, such as "web" or "sql".
    pub type_: *const c_char,
    /// Its length in bytes.
    pub type_len: usize,
    /// The start in nanoseconds since 1970; 0, or a time before 1970, for now.
    pub start_ns: i64,
    /// Text tags.
    pub tags: *const spanwire_tag,
    /// How many.
    pub tags_count: usize,
    /// Numeric tags.
    pub metrics: *const spanwire_metric,
    /// How many.
    pub metrics_count: usize,
}

// SAFETY: repr(C), begins with its size, numbers and pointers only.
unsafe impl sized::Sized_ for spanwire_span_options {}

/// Counts what was done to a text or tag, and says whether it was taken.
#[inline]
fn noted(counters: &Counters, result: Result<Sanitized, Refusal>) -> Result<(), Error> {
    spans::count_sanitized(counters, result);
    match result {
        Ok(_) => Ok(()),
        Err(Refusal::Limit) => Err(Error::Limit),
        Err(Refusal::Memory) => Err(Error::Memory),
    }
}

/// Runs `change` on an open span; 0 is no span and no error.
#[inline]
fn with(
    span: spanwire_span,
    change: impl FnOnce(&mut OpenSpan, &Counters, &Tracer) -> Result<(), Error>,
) -> spanwire_status {
    guard_quick(SPANWIRE_E_PANIC, |state| match spans::with_span(state, span, change) {
        Ok(()) => SPANWIRE_OK,
        Err(_) if span == 0 => SPANWIRE_OK,
        Err(error) => of(error),
    })
}

fn key(bytes: Option<&[u8]>) -> Result<&[u8], Error> {
    bytes.filter(|bytes| !bytes.is_empty()).ok_or(Error::Argument)
}

/// Starts a span.
///
/// @param tracer  the tracer that sends it
/// @param parent  its parent; 0 makes it the root of a new trace. A parent of another tracer, or of the process that
///                this one was forked from, is continued as one from elsewhere. A parent that has finished, or never
///                was, is counted, and the span is the root of a new trace: late children keep a spanwire_context.
/// @param name    the operation, UTF-8; NULL or empty becomes "unnamed_operation"; cut to SPANWIRE_NAME_MAX
///
/// A child has its parent's service until it is given one. Where another thread is inside a call on the parent for more
/// than 100 ms, the child goes into a chunk of its own, with its parent's ids but the tracer's service.
///
/// @return the span, or 0 when there is none: `tracer` is wrong or shut down, DD_TRACE_ENABLED is off, or
///         SPANWIRE_MEMORY_MAX is reached; spanwire_tracer_stats() counts the last as `starts_refused`.
///         spanwire_span_start_with() says which.
///
/// Ownership: copies the name. Every span must be finished or discarded.
/// Threads:   any; a span may be used and finished on another thread than it was started on.
/// Blocks:    never; the first span of a tracer starts its worker thread.
/// Fork:      only the process that started a span can change and finish it.
/// Since:     0.1
///
/// # Safety
/// `name` is NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_start(
    tracer: spanwire_tracer,
    parent: spanwire_span,
    name: *const c_char,
) -> spanwire_span {
    // SAFETY: by the caller.
    unsafe { start(tracer, parent, name, text::NUL) }
}

/// spanwire_span_start() with the name's length.
///
/// @param tracer    as there
/// @param parent    as there
/// @param name      as there
/// @param name_len  its length in bytes, or SPANWIRE_NUL; beyond half the address space the name counts as NULL
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
/// `name` is NULL or points to `name_len` bytes.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_start_n(
    tracer: spanwire_tracer,
    parent: spanwire_span,
    name: *const c_char,
    name_len: usize,
) -> spanwire_span {
    // SAFETY: by the caller.
    unsafe { start(tracer, parent, name, name_len) }
}

/// Starts a span. Exported functions do not call each other: in a static library, a call by an exported name may reach
/// another copy of the library.
///
/// # Safety
/// As for `spanwire_span_start_n`.
#[inline]
unsafe fn start(tracer: spanwire_tracer, parent: spanwire_span, name: *const c_char, name_len: usize) -> spanwire_span {
    guard_value(0, |state| {
        // SAFETY: by the caller.
        let name = unsafe { text::measured(name, name_len) }.ok().flatten().unwrap_or_default();
        let parent = if parent == 0 { Parent::None } else { Parent::Span(parent) };
        spans::start(state, tracer, parent, name, |_, _, _| {}).ok().flatten().unwrap_or(0)
    })
}

/// Starts a span with all that is known of it: one call where calls are dear.
///
/// A tag that cannot be taken (no key, a number that is not finite, over a limit) is dropped and counted in
/// `tags_dropped`; the span starts all the same.
///
/// @param tracer   the tracer that sends it
/// @param options  what is known; see spanwire_span_options
/// @param out      where the span goes; 0 where there is none
///
/// @return SPANWIRE_OK         also where DD_TRACE_ENABLED is off, with 0 in `out`
///         SPANWIRE_E_ARGUMENT `options` or `out` is NULL, a length cannot be meant, or a context has no ids
///         SPANWIRE_E_VERSION  `options->size` is of no known version
///         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
///         SPANWIRE_E_CLOSED   it was shut down
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached
///
/// Ownership: copies all texts. Every span must be finished or discarded.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as for spanwire_span_start().
/// Since:     0.1
///
/// # Safety
/// `options` points to as many bytes as its `size` says, and its pointers to what their lengths say; `out` is writable.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_start_with(
    tracer: spanwire_tracer,
    options: *const spanwire_span_options,
    out: *mut spanwire_span,
) -> spanwire_status {
    guard_span(|state| {
        if out.is_null() {
            return Err(Error::Argument);
        }
        // SAFETY: by the caller, for all of this call.
        unsafe {
            *out = 0;
            let given = sized::read(options)?;
            let context = match given.parent_context.is_null() || given.parent != 0 {
                true => None,
                false => Some(sized::read(given.parent_context)?.checked()?),
            };
            let parent = match (given.parent, &context) {
                (0, None) => Parent::None,
                (0, Some(context)) => Parent::Remote(context),
                (parent, _) => Parent::Span(parent),
            };
            let name = text::measured(given.name, given.name_len)?.unwrap_or_default();
            let texts = Texts::of(&given)?;
            let started = spans::start(state, tracer, parent, name, |span, tracer, counters| {
                texts.put(span, tracer, counters, given.start_ns);
            });
            *out = started?.unwrap_or(0);
        }
        Ok(())
    })
}

/// The optional texts and tags of a start, checked before the span is there.
struct Texts<'a> {
    service: Option<&'a [u8]>,
    resource: Option<&'a [u8]>,
    span_type: Option<&'a [u8]>,
    tags: &'a [spanwire_tag],
    metrics: &'a [spanwire_metric],
}

impl Texts<'_> {
    /// # Safety
    /// The options' pointers point to what their lengths say.
    #[inline]
    unsafe fn of<'a>(given: &spanwire_span_options) -> Result<Texts<'a>, Error> {
        // SAFETY: by the caller.
        unsafe {
            Ok(Texts {
                service: text::measured(given.service, given.service_len)?,
                resource: text::measured(given.resource, given.resource_len)?,
                span_type: text::measured(given.type_, given.type_len)?,
                tags: text::array(given.tags, given.tags_count)?,
                metrics: text::array(given.metrics, given.metrics_count)?,
            })
        }
    }

    /// # Safety
    /// As for `of`.
    #[inline]
    unsafe fn put(&self, span: &mut OpenSpan, tracer: &Tracer, counters: &Counters, start_ns: i64) {
        if start_ns > 0 {
            span.start_at(start_ns);
        }
        if let Some(service) = self.service {
            spans::count_sanitized(counters, span.set_service(tracer.service_hash.load(Relaxed), service));
        }
        if let Some(resource) = self.resource {
            spans::count_sanitized(counters, span.set_field(Field::Resource, resource));
        }
        if let Some(span_type) = self.span_type {
            spans::count_sanitized(counters, span.set_field(Field::Type, span_type));
        }
        for tag in self.tags {
            // SAFETY: by the caller.
            let _ = unsafe { put_tag(span, counters, tag) };
        }
        for metric in self.metrics {
            // SAFETY: by the caller.
            let _ = unsafe { put_metric(span, counters, metric) };
        }
    }
}

/// # Safety
/// The tag's pointers point to what their lengths say.
#[inline]
pub(super) unsafe fn put_tag(span: &mut OpenSpan, counters: &Counters, tag: &spanwire_tag) -> Result<(), Error> {
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
pub(super) unsafe fn put_metric(
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

/// Sets a span's service. Its children that are started later have it, too.
///
/// @param span     an open span. 0 does nothing and is SPANWIRE_OK.
/// @param service  UTF-8; NULL or empty for the tracer's own; cut to SPANWIRE_NAME_MAX
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `span` is finished, or was never a span
///         SPANWIRE_E_FORKED  `span` was started before a fork, by the parent
///         SPANWIRE_E_MEMORY  SPANWIRE_MEMORY_MAX is reached; the former one stays
///         SPANWIRE_E_BUSY    another thread holds the span for too long
///
/// Ownership: copies the text before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
///
/// # Safety
/// `service` is NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_service(span: spanwire_span, service: *const c_char) -> spanwire_status {
    with(span, |span, counters, tracer| {
        // SAFETY: by the caller.
        let service = unsafe { text::terminated(service) }.unwrap_or_default();
        noted(counters, span.set_service(tracer.service_hash.load(Relaxed), service))
    })
}

/// Sets a span's resource: what the operation worked on, such as "GET /users/:id" or a query.
///
/// @param span      an open span. 0 does nothing and is SPANWIRE_OK.
/// @param resource  UTF-8; NULL or empty for the span's name; cut to SPANWIRE_RESOURCE_MAX
///
/// @return as for spanwire_span_set_service()
///
/// Ownership: copies the text before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as for spanwire_span_set_service().
/// Since:     0.1
///
/// # Safety
/// `resource` is NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_resource(span: spanwire_span, resource: *const c_char) -> spanwire_status {
    // SAFETY: by the caller.
    let resource = unsafe { text::terminated(resource) }.unwrap_or_default();
    with(span, |span, counters, _| noted(counters, span.set_field(Field::Resource, resource)))
}

/// spanwire_span_set_resource() with the length.
///
/// @param span          as there
/// @param resource      as there
/// @param resource_len  its length in bytes, or SPANWIRE_NUL
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
/// `resource` is NULL or has this length.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_resource_n(
    span: spanwire_span,
    resource: *const c_char,
    resource_len: usize,
) -> spanwire_status {
    // SAFETY: by the caller.
    with(span, |span, counters, _| unsafe { set_text(span, counters, Field::Resource, resource, resource_len) })
}

/// Sets a span's type: "web", "db", "sql", "cache", "http", ….
///
/// @param span  an open span. 0 does nothing and is SPANWIRE_OK.
/// @param type  UTF-8; NULL or empty for none; cut to SPANWIRE_NAME_MAX
///
/// @return as for spanwire_span_set_service()
///
/// Ownership: copies the text before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as for spanwire_span_set_service().
/// Since:     0.1
///
/// # Safety
/// `type` is NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_type(span: spanwire_span, type_: *const c_char) -> spanwire_status {
    // SAFETY: by the caller.
    with(span, |span, counters, _| unsafe { set_text(span, counters, Field::Type, type_, text::NUL) })
}

/// Renames a span.
///
/// @param span  an open span. 0 does nothing and is SPANWIRE_OK.
/// @param name  the operation, UTF-8; NULL or empty becomes "unnamed_operation"; cut to SPANWIRE_NAME_MAX
///
/// @return as for spanwire_span_set_service()
///
/// Ownership: copies the text before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as for spanwire_span_set_service().
/// Since:     0.1
///
/// # Safety
/// `name` is NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_name(span: spanwire_span, name: *const c_char) -> spanwire_status {
    // SAFETY: by the caller.
    with(span, |span, counters, _| unsafe { set_text(span, counters, Field::Name, name, text::NUL) })
}

/// # Safety
/// The text is NULL or has this length.
unsafe fn set_text(
    span: &mut OpenSpan,
    counters: &Counters,
    field: Field,
    text: *const c_char,
    len: usize,
) -> Result<(), Error> {
    // SAFETY: by the caller.
    let text = unsafe { text::measured(text, len) }?.unwrap_or_default();
    noted(counters, span.set_field(field, text))
}

/// Marks a span as failed and says how: the tags `error.type`, `error.message` and `error.stack`.
///
/// @param span     an open span. 0 does nothing and is SPANWIRE_OK.
/// @param type     the kind of error, such as an exception's class; NULL leaves the tag as it is
/// @param message  what it says; NULL likewise
/// @param stack    where it came from, lines apart; NULL likewise
///
/// @return as for spanwire_span_set_tag(); the span is marked even where a tag was dropped
///
/// Ownership: copies the texts before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as for spanwire_span_set_tag().
/// Since:     0.1
///
/// # Safety
/// The texts are NULL or NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_error(
    span: spanwire_span,
    type_: *const c_char,
    message: *const c_char,
    stack: *const c_char,
) -> spanwire_status {
    // SAFETY: by the caller.
    unsafe { set_error(span, [(type_, text::NUL), (message, text::NUL), (stack, text::NUL)]) }
}

/// spanwire_span_set_error() with lengths.
///
/// @param span         as there
/// @param type         as there
/// @param type_len     its length in bytes, or SPANWIRE_NUL
/// @param message      as there
/// @param message_len  its length in bytes, or SPANWIRE_NUL
/// @param stack        as there
/// @param stack_len    its length in bytes, or SPANWIRE_NUL
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
pub unsafe extern "C" fn spanwire_span_set_error_n(
    span: spanwire_span,
    type_: *const c_char,
    type_len: usize,
    message: *const c_char,
    message_len: usize,
    stack: *const c_char,
    stack_len: usize,
) -> spanwire_status {
    // SAFETY: by the caller.
    unsafe { set_error(span, [(type_, type_len), (message, message_len), (stack, stack_len)]) }
}

/// Marks a span as failed, with type, message and stack.
///
/// # Safety
/// As for `spanwire_span_set_error_n`.
unsafe fn set_error(span: spanwire_span, texts: [(*const c_char, usize); 3]) -> spanwire_status {
    with(span, |span, counters, _| {
        span.flags |= open::ERROR;
        for (key, (value, len)) in ["error.type", "error.message", "error.stack"].into_iter().zip(texts) {
            // SAFETY: by the caller.
            if let Some(value) = unsafe { text::measured(value, len) }? {
                noted(counters, span.set_text(key.as_bytes(), value))?;
            }
        }
        Ok(())
    })
}

/// Marks a span as failed, or takes the mark away; tags stay as they are.
///
/// @param span   an open span. 0 does nothing and is SPANWIRE_OK.
/// @param error  0 for no error, anything else for an error
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `span` is finished, or was never a span
///         SPANWIRE_E_FORKED  `span` was started before a fork, by the parent
///         SPANWIRE_E_BUSY    another thread holds the span for too long
///
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_error_flag(span: spanwire_span, error: i32) -> spanwire_status {
    with(span, |span, _, _| {
        span.flags = span.flags & !open::ERROR | if error != 0 { open::ERROR } else { 0 };
        Ok(())
    })
}

/// Adds a structured value (`meta_struct`) to a span. The last value of a key wins.
///
/// @param span   an open span. 0 does nothing and is SPANWIRE_OK.
/// @param key    its name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
/// @param bytes  the value, encoded as MessagePack by the caller; it is not looked into
/// @param len    its length in bytes, up to SPANWIRE_META_STRUCT_MAX
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_LIMIT    too large, or SPANWIRE_SPAN_TAGS_MAX of them; dropped and counted
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; likewise
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   `span` was started before a fork, by the parent
///         SPANWIRE_E_ARGUMENT `key` is NULL or empty, or `bytes` is NULL but `len` is not 0
///         SPANWIRE_E_BUSY     another thread holds the span for too long
///
/// Ownership: copies key and value before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
///
/// # Safety
/// `key` is NULL or NUL-terminated; `bytes` points to `len` bytes.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_set_meta_struct(
    span: spanwire_span,
    key: *const c_char,
    bytes: *const c_void,
    len: usize,
) -> spanwire_status {
    with(span, |span, counters, _| {
        // One byte too many is as much too large as any number.
        let len = len.min(SPANWIRE_META_STRUCT_MAX + 1);
        // SAFETY: by the caller.
        let (name, bytes) = unsafe { (self::key(text::terminated(key))?, text::array(bytes.cast::<u8>(), len)?) };
        noted(counters, span.add_blob(name, bytes))
    })
}

/// Sets the sampling priority of the span's whole trace by hand; later children and contexts have it.
///
/// @param span      an open span. 0 does nothing and is SPANWIRE_OK.
/// @param priority  -1 reject, 0 reject if nobody keeps it, 1 keep, 2 keep for certain
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT another number
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   `span` was started before a fork, by the parent
///         SPANWIRE_E_BUSY     another thread holds the span for too long
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_priority(span: spanwire_span, priority: i32) -> spanwire_status {
    guard_span(|state| if span == 0 { Ok(()) } else { spans::set_priority(state, span, priority) })
}

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
///
/// # Safety
/// `out` is NULL or points to as many bytes as its `size` says.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_context(span: spanwire_span, out: *mut spanwire_context) -> spanwire_status {
    guard_span(|state| {
        let context = spans::context(state, span)?;
        // SAFETY: by the caller.
        unsafe { sized::write(out, &spanwire_context::of(&context)) }
    })
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
///
/// # Safety
/// `buffer` is NULL or has `capacity` bytes; `need` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn spanwire_span_id_text(
    span: spanwire_span,
    kind: i32,
    buffer: *mut c_char,
    capacity: usize,
    need: *mut usize,
) -> spanwire_status {
    guard_span(|state| {
        text::wanted(buffer, need)?;
        let context = spans::context(state, span)?;
        let (high, low) = (context.trace_id_high, context.trace_id_low);
        let id = match kind {
            SPANWIRE_ID_TRACE if high == 0 => low.to_string(),
            SPANWIRE_ID_TRACE_HEX | SPANWIRE_ID_TRACE => format!("{high:016x}{low:016x}"),
            SPANWIRE_ID_SPAN => context.span_id.to_string(),
            _ => return Err(Error::Argument),
        };
        // SAFETY: by the caller.
        unsafe { text::put(id.as_bytes(), buffer, capacity, need) }
    })
}
