//! Starting spans.
#![allow(non_camel_case_types)]

use super::describe::{set_field, set_service};
use super::tags::{put_metric, put_tag, usual_metric, usual_tag};
use super::{spanwire_metric, spanwire_span, spanwire_tag};
use crate::abi::arg::{CArray, CBytes, CLen, CText, Out};
use crate::abi::context::extract::spanwire_context_handle;
use crate::abi::context::spanwire_context;
use crate::abi::sized::{In, Sized_};
use crate::abi::status::*;
use crate::abi::tracer::spanwire_tracer;
use crate::abi::{guard_quick, guard_span_quick, guarded};
use crate::memory::Short;
use crate::span::open::{Field, OpenSpan, ROW, TAGS_MAX};
use crate::tracer::current::made;
use crate::tracer::registry::Tracer;
use crate::tracer::spans::{self, At, Context, Parent};
use crate::tracer::state::State;
use crate::tracer::Error;

/// What a span starts with. Set all fields to zero, then `size`, then the fields that are known. A text that is NULL is
/// not given; a text that is given needs its length in bytes, or `SPANWIRE_NUL`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_span_options {
    /// `sizeof(spanwire_span_options)`.
    pub size: usize,
    /// The parent span; 0 for none.
    pub parent: spanwire_span,
    /// The parent's context, used if `parent` is 0; NULL for none.
    pub parent_context: In<spanwire_context>,
    /// The operation, such as "http.request".
    pub name: CBytes,
    /// Its length.
    pub name_len: CLen,
    /// The service. If not given: the parent's, else the tracer's.
    pub service: CBytes,
    /// Its length.
    pub service_len: CLen,
    /// The resource, such as "GET /users/:id". If not given: the name.
    pub resource: CBytes,
    /// Its length.
    pub resource_len: CLen,
    /// The type, such as "web" or "sql".
    pub type_: CBytes,
    /// Its length.
    pub type_len: CLen,
    /// Start time in nanoseconds since 1970. 0 and times before 1970 mean now.
    pub start_ns: i64,
    /// Array of text tags.
    pub tags: CArray<spanwire_tag>,
    /// Number of text tags.
    pub tags_count: CLen,
    /// Array of numeric tags.
    pub metrics: CArray<spanwire_metric>,
    /// Number of numeric tags.
    pub metrics_count: CLen,
    /// A context that came in, from spanwire_context_extract(), used if `parent` is 0 and `parent_context` is NULL; 0
    /// for none. One that is freed counts as an unknown parent (`parents_unknown`): the span starts a new trace.
    pub context_handle: spanwire_context_handle,
}

// SAFETY: repr(C), begins with its size, numbers and pointers only.
unsafe impl Sized_ for spanwire_span_options {}

/// Starts a span.
///
/// @param tracer  the tracer that sends it
/// @param parent  the parent span; 0 starts a new trace. A parent of another tracer, or of the process before a fork,
///                is continued like a span of another process. A parent that has finished or never existed is counted
///                (`parents_unknown`), and the span starts a new trace; use a spanwire_context for late children.
/// @param name    the operation, UTF-8; NULL or empty becomes "unnamed_operation"; cut to SPANWIRE_NAME_MAX
///
/// A child inherits its parent's service. If another thread has been inside a call on the parent for 100 ms, the child
/// goes into a chunk of its own, with the parent's ids and the tracer's service.
///
/// @return the span, or 0: `tracer` is invalid or shut down, DD_TRACE_ENABLED is off, or SPANWIRE_MEMORY_MAX is
///         reached. spanwire_tracer_stats() counts refusals of a tracer as `starts_refused`; spanwire_span_start_with()
///         returns the reason.
///
/// Ownership: copies the name. Every span must be finished or discarded.
/// Threads:   any; a span may be used and finished on other threads.
/// Blocks:    never; the first span of a tracer starts its worker thread.
/// Fork:      only the process that started a span can change and finish it.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_start(tracer: spanwire_tracer, parent: spanwire_span, name: CText) -> spanwire_span {
    start(tracer, parent, || name.measured())
}

/// As spanwire_span_start(), with the length of the name.
///
/// @param tracer    as in spanwire_span_start()
/// @param parent    as in spanwire_span_start()
/// @param name      as in spanwire_span_start()
/// @param name_len  its length in bytes, or SPANWIRE_NUL; beyond half the address space the name counts as NULL
///
/// @return as spanwire_span_start()
///
/// Ownership: as spanwire_span_start().
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as spanwire_span_start().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_start_n(
    tracer: spanwire_tracer,
    parent: spanwire_span,
    name: CBytes,
    name_len: CLen,
) -> spanwire_span {
    start(tracer, parent, || name.of(name_len).ok().flatten().unwrap_or_default())
}

/// Starts a span. Exported functions do not call each other: in a static library, a call by an exported name may reach
/// another copy of the library. Without tracing the call ends here, and does not look at the name.
#[inline(always)]
fn start<'a>(tracer: spanwire_tracer, parent: spanwire_span, name: impl FnOnce() -> &'a [u8]) -> spanwire_span {
    let Some(state) = made() else { return start_first(tracer, parent, name()) };
    match spans::find_tracer(state, tracer) {
        Ok(Some(found)) => start_in(state, found, parent, name()),
        _ => 0,
    }
}

/// The last step of the call, so that the function before it saves no registers on the stack.
#[inline(never)]
fn start_in(state: &'static State, tracer: (u32, &Tracer), parent: spanwire_span, name: &[u8]) -> spanwire_span {
    let parent = if parent == 0 { Parent::None } else { Parent::Span(parent) };
    guarded(0, || spans::start(state, tracer, parent, name).unwrap_or(0))
}

/// For a process without state, such as a forked child before its first call.
#[cold]
#[inline(never)]
fn start_first(tracer: spanwire_tracer, parent: spanwire_span, name: &[u8]) -> spanwire_span {
    guard_quick(0, |state| match spans::find_tracer(state, tracer) {
        Ok(Some(found)) => start_in(state, found, parent, name),
        _ => 0,
    })
}

/// Starts a span with everything that is known, in one call: for hosts in which each call is expensive.
///
/// An invalid tag (no key, a number that is not finite, over a limit) is dropped and counted in `tags_dropped`; the
/// span still starts.
///
/// @param tracer   the tracer that sends it
/// @param options  see spanwire_span_options
/// @param out      receives the span; 0 if there is none
///
/// @return SPANWIRE_OK         also if DD_TRACE_ENABLED is off; `out` is then 0
///         SPANWIRE_E_ARGUMENT `options` or `out` is NULL, a length is invalid, or the context has no ids
///         SPANWIRE_E_VERSION  the `size` of the options or of the context belongs to no known version
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_CLOSED   it was shut down
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached
///
/// Ownership: copies all texts. Every span must be finished or discarded.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      as spanwire_span_start().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_start_with(
    tracer: spanwire_tracer,
    options: In<spanwire_span_options>,
    out: Out<spanwire_span>,
) -> spanwire_status {
    guard_span_quick(|state| {
        out.require(0)?;
        match options.same() {
            Some(given) => start_given(state, tracer, given, out),
            None => start_unusual(state, tracer, &options.read()?, out),
        }
    })
}

#[inline(always)]
fn start_given(
    state: &'static State,
    tracer: spanwire_tracer,
    given: &spanwire_span_options,
    out: Out<spanwire_span>,
) -> Result<(), Error> {
    match given.usual() {
        Some(usual) => start_usual(state, tracer, &usual, out),
        None => start_unusual(state, tracer, given, out),
    }
}

#[inline(always)]
fn start_usual(
    state: &'static State,
    tracer: spanwire_tracer,
    usual: &Usual<'_>,
    out: Out<spanwire_span>,
) -> Result<(), Error> {
    let Some(found) = spans::find_tracer(state, tracer)? else { return Ok(()) };
    let parent = if usual.parent == 0 { Parent::None } else { Parent::Span(usual.parent) };
    let fill = |span: &mut OpenSpan, at: At<'_>| put_usual(span, at, usual);
    out.set(spans::start_with(state, found, parent, usual.name.bytes(), usual.start_ns, fill)?);
    Ok(())
}

#[cold]
#[inline(never)]
fn start_unusual(
    state: &'static State,
    tracer: spanwire_tracer,
    given: &spanwire_span_options,
    out: Out<spanwire_span>,
) -> Result<(), Error> {
    let context = given.context()?;
    let name = given.name.of(given.name_len)?.unwrap_or_default();
    let texts = Texts::of(given)?;
    let Some(found) = spans::find_tracer(state, tracer)? else { return Ok(()) };
    let parent = given.parent(&context);
    let started = spans::start_with(state, found, parent, name, given.start_ns, |span, at| texts.put(span, at, name));
    out.set(started?);
    Ok(())
}

/// A function of its own, so that it has all registers.
#[inline(never)]
fn put_usual(span: &mut OpenSpan, at: At<'_>, usual: &Usual<'_>) {
    if let Some(service) = usual.service {
        let _ = set_service(span, at, service.bytes());
    }
    if !span.put_fields(usual.name, usual.resource, usual.span_type) {
        put_fields_slowly(span, at, [usual.name, usual.resource, usual.span_type]);
    }
    let texts = span.put_texts(usual.tags.iter().map(usual_tag));
    if texts < usual.tags.len() {
        put_more(span, at, usual.tags, texts);
    }
    for metric in usual.metrics {
        let is_put = usual_metric(metric).is_some_and(|(key, value)| span.put_number(key.bytes(), value));
        if !is_put {
            put_tags(span, at, &[], std::slice::from_ref(metric));
        }
    }
}

#[cold]
#[inline(never)]
fn put_fields_slowly(span: &mut OpenSpan, at: At<'_>, [name, resource, span_type]: [Short<'_>; 3]) {
    spans::set_name(span, at, name.bytes());
    let _ = set_field(span, at, Field::Resource, Ok(Some(resource.bytes())));
    let _ = set_field(span, at, Field::Type, Ok(Some(span_type.bytes())));
}

/// Sets the tags from this one on, which [`OpenSpan::put_texts`] has not set.
#[cold]
#[inline(never)]
fn put_more(span: &mut OpenSpan, at: At<'_>, tags: &[spanwire_tag], mut done: usize) {
    let rest = tags.get(done..).unwrap_or_default();
    if rest.len() >= MANY {
        let short = |len: CLen| if len.get() <= Short::MAX { len.get() } else { 0 };
        let size = |tag: &spanwire_tag| short(tag.key_len) + short(tag.value_len) + HEADS;
        span.expect_texts(rest.iter().take(TAGS_MAX).map(size).sum());
        if done == 0 {
            done = span.put_texts(rest.iter().take(MANY).map(usual_tag));
        }
    }
    while let Some(rest @ [_, ..]) = tags.get(done..) {
        let put = if rest.len() >= MANY { span.put_indexed_texts(rest, usual_tag) } else { 0 };
        done += put;
        if put == 0 {
            let row = &rest[..rest.len().min(ROW)];
            put_tags(span, at, row, &[]);
            done += row.len();
        }
    }
}

/// So many tags are worth an index of their keys.
const MANY: usize = 16;
/// What the heads of key and value have together, if both are short.
const HEADS: usize = 3;

#[inline(never)]
fn put_tags(span: &mut OpenSpan, at: At<'_>, tags: &[spanwire_tag], metrics: &[spanwire_metric]) {
    for tag in tags {
        let _ = put_tag(span, at, tag);
    }
    for metric in metrics {
        let _ = put_metric(span, at, metric);
    }
}

impl spanwire_span_options {
    /// What is given, if nothing is invalid, the texts are short, and the parent is a span of this process, if there is one.
    #[inline(always)]
    fn usual(&self) -> Option<Usual<'_>> {
        if self.parent == 0 && (!self.parent_context.is_null() || self.context_handle != 0) {
            return None;
        }
        Some(Usual {
            parent: self.parent,
            start_ns: self.start_ns,
            name: self.name.short(self.name_len)?.unwrap_or_default(),
            service: self.service.short(self.service_len)?,
            resource: self.resource.short(self.resource_len)?.unwrap_or_default(),
            span_type: self.type_.short(self.type_len)?.unwrap_or_default(),
            tags: self.tags.of(self.tags_count).ok()?,
            metrics: self.metrics.of(self.metrics_count).ok()?,
        })
    }

    /// The parent's context; `None` where it is not given or `parent` is.
    #[inline]
    fn context(&self) -> Result<Option<Context>, Error> {
        match self.parent != 0 || self.parent_context.is_null() {
            true => Ok(None),
            false => self.parent_context.read()?.checked().map(Some),
        }
    }

    #[inline]
    fn parent<'a>(&self, context: &'a Option<Context>) -> Parent<'a> {
        match (self.parent, context) {
            (0, None) if self.context_handle != 0 => Parent::Kept(self.context_handle),
            (0, None) => Parent::None,
            (0, Some(context)) => Parent::Remote(context),
            (parent, _) => Parent::Span(parent),
        }
    }
}

/// What a usual start is given, looked at once, before the span exists.
struct Usual<'a> {
    parent: spanwire_span,
    start_ns: i64,
    name: Short<'a>,
    service: Option<Short<'a>>,
    resource: Short<'a>,
    span_type: Short<'a>,
    tags: &'a [spanwire_tag],
    metrics: &'a [spanwire_metric],
}

/// The optional texts and tags of a start, checked before the span exists.
struct Texts<'a> {
    service: Option<&'a [u8]>,
    resource: Option<&'a [u8]>,
    span_type: Option<&'a [u8]>,
    tags: &'a [spanwire_tag],
    metrics: &'a [spanwire_metric],
}

impl Texts<'_> {
    #[inline]
    fn of(given: &spanwire_span_options) -> Result<Texts<'_>, Error> {
        Ok(Texts {
            service: given.service.of(given.service_len)?,
            resource: given.resource.of(given.resource_len)?,
            span_type: given.type_.of(given.type_len)?,
            tags: given.tags.of(given.tags_count)?,
            metrics: given.metrics.of(given.metrics_count)?,
        })
    }

    #[inline]
    fn put(&self, span: &mut OpenSpan, at: At<'_>, name: &[u8]) {
        spans::set_name(span, at, name);
        if let Some(service) = self.service {
            let _ = set_service(span, at, service);
        }
        if let Some(resource) = self.resource {
            let _ = set_field(span, at, Field::Resource, Ok(Some(resource)));
        }
        if let Some(span_type) = self.span_type {
            let _ = set_field(span, at, Field::Type, Ok(Some(span_type)));
        }
        put_tags(span, at, self.tags, self.metrics);
    }
}
