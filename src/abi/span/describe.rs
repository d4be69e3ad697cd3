//! Fields of open spans: service, resource, type, name, error, structured values, priority.

use super::{key, lock_if_free, noted, spanwire_span, unlocked, with, SPANWIRE_META_STRUCT_MAX};
use crate::abi::arg::{CBlob, CBytes, CLen, CText, Given};
use crate::abi::guard_span;
use crate::abi::status::*;
use crate::counters::Counters;
use crate::span::open::{self, Field, OpenSpan};
use crate::span::structured;
use crate::tracer::spans::At;
use crate::tracer::{spans, Error};
use std::sync::atomic::Ordering::Relaxed;

/// Sets a span's service. Children that are started later inherit it.
///
/// @param span     an open span; 0 does nothing and returns SPANWIRE_OK
/// @param service  UTF-8; NULL or empty for the tracer's service; cut to SPANWIRE_NAME_MAX
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `span` is finished, or was never a span
///         SPANWIRE_E_FORKED  the parent process started `span` before a fork
///         SPANWIRE_E_MEMORY  SPANWIRE_MEMORY_MAX is reached; the former value stays
///         SPANWIRE_E_BUSY    another thread has been inside a call on the span for 100 ms; the former value stays
///
/// Ownership: copies the text before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_service(span: spanwire_span, service: CText) -> spanwire_status {
    // Before the texts are measured: without tracing, all spans are 0.
    if span == 0 {
        return SPANWIRE_OK;
    }
    let service = service.measured();
    if let Some((state, mut open)) = lock_if_free(span) {
        let tracers = state.tracers.at(open.tracer).service_hash.load(Relaxed);
        let done = open.put_service(tracers, service);
        if let Some(status) = unlocked(open, done) {
            return status;
        }
    }
    service_slowly(span, service)
}

/// Sets a span's resource: what the operation worked on, such as "GET /users/:id" or a query.
///
/// @param span      an open span; 0 does nothing and returns SPANWIRE_OK
/// @param resource  UTF-8; NULL or empty for the span's name; cut to SPANWIRE_RESOURCE_MAX
///
/// @return as spanwire_span_set_service()
///
/// Ownership: copies the text before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_service().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_resource(span: spanwire_span, resource: CText) -> spanwire_status {
    // Before the texts are measured: without tracing, all spans are 0.
    if span == 0 {
        return SPANWIRE_OK;
    }
    set_text(span, Field::Resource, resource.measured())
}

/// As spanwire_span_set_resource(), with the length.
///
/// @param span          as in spanwire_span_set_resource()
/// @param resource      as in spanwire_span_set_resource()
/// @param resource_len  its length in bytes, or SPANWIRE_NUL
///
/// @return as spanwire_span_set_resource(); SPANWIRE_E_ARGUMENT for a length beyond half the address space
///
/// Ownership: as spanwire_span_set_resource().
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_resource().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_resource_n(
    span: spanwire_span,
    resource: CBytes,
    resource_len: CLen,
) -> spanwire_status {
    let text = resource.of(resource_len);
    with(span, |span, at| set_field(span, at, Field::Resource, text))
}

/// Sets a span's type: "web", "db", "sql", "cache", "http", ….
///
/// @param span  an open span; 0 does nothing and returns SPANWIRE_OK
/// @param type  UTF-8; NULL or empty for none; cut to SPANWIRE_NAME_MAX
///
/// @return as spanwire_span_set_service()
///
/// Ownership: copies the text before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_service().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_type(span: spanwire_span, type_: CText) -> spanwire_status {
    // Before the texts are measured: without tracing, all spans are 0.
    if span == 0 {
        return SPANWIRE_OK;
    }
    set_text(span, Field::Type, type_.measured())
}

/// Renames a span.
///
/// @param span  an open span; 0 does nothing and returns SPANWIRE_OK
/// @param name  the operation, UTF-8; NULL or empty becomes "unnamed_operation"; cut to SPANWIRE_NAME_MAX
///
/// @return as spanwire_span_set_service()
///
/// Ownership: copies the text before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_service().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_name(span: spanwire_span, name: CText) -> spanwire_status {
    // Before the texts are measured: without tracing, all spans are 0.
    if span == 0 {
        return SPANWIRE_OK;
    }
    text_slowly(span, Field::Name, name.or_empty())
}

#[inline(never)]
fn service_slowly(span: spanwire_span, service: &[u8]) -> spanwire_status {
    with(span, |span, at| set_service(span, at, service))
}

/// Sets one of the four texts.
#[inline(always)]
fn set_text(span: spanwire_span, field: Field, text: &[u8]) -> spanwire_status {
    if let Some((_, mut open)) = lock_if_free(span) {
        let done = open.put_field(field, text);
        if let Some(status) = unlocked(open, done) {
            return status;
        }
    }
    text_slowly(span, field, text)
}

#[inline(never)]
fn text_slowly(span: spanwire_span, field: Field, text: &[u8]) -> spanwire_status {
    with(span, |span, at| set_field(span, at, field, Ok(Some(text))))
}

/// Sets the service of a span that is locked.
#[inline(always)]
pub(super) fn set_service(span: &mut OpenSpan, at: At<'_>, service: &[u8]) -> Result<(), Error> {
    let tracers = at.tracer().service_hash.load(Relaxed);
    match span.put_service(tracers, service) {
        true => Ok(()),
        false => noted(at, span.set_service_slowly(tracers, service)),
    }
}

/// Sets one of the four texts of a span that is locked; NULL is the empty text.
#[inline(always)]
pub(super) fn set_field(span: &mut OpenSpan, at: At<'_>, field: Field, text: Given) -> Result<(), Error> {
    let text = text?.unwrap_or_default();
    match span.put_field(field, text) {
        true => Ok(()),
        false => noted(at, span.set_field_slowly(field, text)),
    }
}

/// Marks a span as failed and sets the tags `error.type`, `error.message` and `error.stack`.
///
/// @param span     an open span; 0 does nothing and returns SPANWIRE_OK
/// @param type     kind of the error, such as an exception's class; NULL leaves the tag as it is
/// @param message  the error's message; NULL leaves the tag as it is
/// @param stack    the stack trace, one frame per line; NULL leaves the tag as it is
///
/// @return as spanwire_span_set_tag(), without SPANWIRE_E_ARGUMENT. With SPANWIRE_E_LIMIT and SPANWIRE_E_MEMORY the
///         span is still marked; tags after the one that failed are not set
///
/// Ownership: copies the texts before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_tag().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_error(
    span: spanwire_span,
    type_: CText,
    message: CText,
    stack: CText,
) -> spanwire_status {
    set_error(span, [Ok(type_.get()), Ok(message.get()), Ok(stack.get())])
}

/// As spanwire_span_set_error(), with lengths.
///
/// @param span         as in spanwire_span_set_error()
/// @param type         as in spanwire_span_set_error()
/// @param type_len     its length in bytes, or SPANWIRE_NUL
/// @param message      as in spanwire_span_set_error()
/// @param message_len  its length in bytes, or SPANWIRE_NUL
/// @param stack        as in spanwire_span_set_error()
/// @param stack_len    its length in bytes, or SPANWIRE_NUL
///
/// @return as spanwire_span_set_error(). SPANWIRE_E_ARGUMENT for a length beyond half the address space; the span is
///         still marked
///
/// Ownership: as spanwire_span_set_error().
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_error().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_error_n(
    span: spanwire_span,
    type_: CBytes,
    type_len: CLen,
    message: CBytes,
    message_len: CLen,
    stack: CBytes,
    stack_len: CLen,
) -> spanwire_status {
    set_error(span, [type_.of(type_len), message.of(message_len), stack.of(stack_len)])
}

/// Marks a span as failed, with type, message and stack.
#[inline]
fn set_error(span: spanwire_span, texts: [Given; 3]) -> spanwire_status {
    with(span, |span, at| {
        span.flags |= open::ERROR;
        for (key, text) in ["error.type", "error.message", "error.stack"].into_iter().zip(texts) {
            if let Some(text) = text? {
                noted(at, span.set_text(key.as_bytes(), text))?;
            }
        }
        Ok(())
    })
}

/// Marks a span as failed, or removes the mark. Tags stay as they are.
///
/// @param span   an open span; 0 does nothing and returns SPANWIRE_OK
/// @param error  0 for no error, any other number for an error
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_HANDLE  `span` is finished, or was never a span
///         SPANWIRE_E_FORKED  the parent process started `span` before a fork
///         SPANWIRE_E_BUSY    another thread has been inside a call on the span for 100 ms
///
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_error_flag(span: spanwire_span, error: i32) -> spanwire_status {
    with(span, |span, _| {
        span.flags = span.flags & !open::ERROR | if error != 0 { open::ERROR } else { 0 };
        Ok(())
    })
}

/// Adds a structured value (`meta_struct`) to a span. The last value of a key replaces earlier ones.
///
/// @param span   an open span; 0 does nothing and returns SPANWIRE_OK
/// @param key    its name, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX
/// @param bytes  the value: one MessagePack map, see below
/// @param len    its length in bytes, up to SPANWIRE_META_STRUCT_MAX
///
/// Agents take a value as bytes, but some readers decode it, and refuse the whole payload if they cannot. So the value is
/// checked: it is one MessagePack map and nothing behind it; the keys of all maps in it are texts; texts are UTF-8; maps and
/// arrays lie in each other at most 64 deep.
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_LIMIT    the value is too large, or the span has SPANWIRE_SPAN_TAGS_MAX of them; dropped and
///                             counted
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; the value was dropped and counted
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   the parent process started `span` before a fork
///         SPANWIRE_E_ARGUMENT `key` is NULL or empty, or the value is no such map; dropped and counted
///         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms; dropped and counted
///
/// Ownership: copies key and value before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_meta_struct(
    span: spanwire_span,
    key: CText,
    bytes: CBlob,
    len: CLen,
) -> spanwire_status {
    with(span, |span, at| {
        let (key, bytes) = (self::key(key.get())?, bytes.of(len.at_most(SPANWIRE_META_STRUCT_MAX + 1))?);
        if bytes.len() <= SPANWIRE_META_STRUCT_MAX && !structured::is_map(bytes) {
            Counters::add(&at.counters().tags_dropped, 1);
            return Err(Error::Argument);
        }
        noted(at, span.add_blob(key, bytes))
    })
}

/// Sets the sampling priority of the span's whole trace, as a decision of the user. It replaces any other decision; later
/// contexts and chunks carry it, what has left before does not. Without it, the settings decide when the first context is
/// passed on or the first chunk leaves.
///
/// @param span      an open span; 0 does nothing and returns SPANWIRE_OK, for any priority
/// @param priority  -1 reject by the user, 0 reject, 1 keep, 2 keep by the user
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT another number
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   the parent process started `span` before a fork
///         SPANWIRE_E_BUSY     another thread has been inside a call on the span or its trace for 100 ms
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_priority(span: spanwire_span, priority: i32) -> spanwire_status {
    guard_span(|state| if span == 0 { Ok(()) } else { spans::set_priority(state, span, priority) })
}
