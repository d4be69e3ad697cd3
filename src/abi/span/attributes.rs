//! Typed attributes of open spans, and their links and events, which carry attributes too.
#![allow(non_camel_case_types)]

use super::tags::{set_number, set_text};
use super::{key, noted, spanwire_span, with, SPANWIRE_TAG_KEY_MAX};
use crate::abi::arg::{CArray, CBytes, CLen};
use crate::abi::sized::{In, Sized_};
use crate::abi::status::*;
use crate::counters::Counters;
use crate::span::attributes::{element_key, Appending, Refused, Scalar, ATTRIBUTES_MAX, BYTES_MAX, VALUES_MAX};
use crate::span::encode::{self, Sanitized};
use crate::span::links::{Event, Link, EVENTS_MAX, FLAGS_KNOWN, LINKS_MAX};
use crate::span::open::{OpenSpan, Refusal};
use crate::sys;
use crate::tracer::spans::At;
use crate::tracer::Error;

/// Type of a value: `text`.
pub const SPANWIRE_VALUE_TEXT: u32 = 0;
/// Type of a value: `boolean`.
pub const SPANWIRE_VALUE_BOOLEAN: u32 = 1;
/// Type of a value: `integer`.
pub const SPANWIRE_VALUE_INTEGER: u32 = 2;
/// Type of a value: `floating`.
pub const SPANWIRE_VALUE_FLOATING: u32 = 3;
/// Type of an attribute: `values`, all of one type.
pub const SPANWIRE_VALUE_ARRAY: u32 = 4;

/// Maximum number of links of a span. Further ones are rejected and counted in `tags_dropped`.
pub const SPANWIRE_SPAN_LINKS_MAX: usize = 128;
/// Maximum number of events of a span. Further ones are rejected and counted in `tags_dropped`.
pub const SPANWIRE_SPAN_EVENTS_MAX: usize = 128;
/// Maximum number of attributes of a link or an event. Further ones are dropped and counted in `tags_dropped`.
pub const SPANWIRE_ATTRIBUTES_MAX: usize = 128;
/// Maximum size of the attributes of a link or an event together, in bytes. An attribute that exceeds it is dropped and
/// counted in `tags_dropped`.
pub const SPANWIRE_ATTRIBUTES_SIZE_MAX: usize = 65_536;
/// Maximum number of values in an array. A larger array is dropped and counted in `tags_dropped`.
pub const SPANWIRE_VALUES_MAX: usize = 128;
/// For `flags` of a link: the lower eight bits are the span's trace flags.
pub const SPANWIRE_LINK_HAS_FLAGS: u32 = 256;

const _: () = {
    assert!(SPANWIRE_SPAN_LINKS_MAX == LINKS_MAX && SPANWIRE_SPAN_EVENTS_MAX == EVENTS_MAX);
    assert!(SPANWIRE_ATTRIBUTES_MAX == ATTRIBUTES_MAX && SPANWIRE_ATTRIBUTES_SIZE_MAX == BYTES_MAX);
    assert!(SPANWIRE_VALUES_MAX == VALUES_MAX);
};

/// One value of an array. Set the field that the type names; the others are ignored. This structure never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_value {
    /// SPANWIRE_VALUE_TEXT, _BOOLEAN, _INTEGER or _FLOATING.
    pub type_: u32,
    /// 0 for false, any other number for true.
    pub boolean: i32,
    /// An integer.
    pub integer: i64,
    /// A finite number.
    pub floating: f64,
    /// UTF-8; NULL is the empty text; cut to SPANWIRE_TAG_VALUE_MAX, and counted.
    pub text: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub text_len: CLen,
}

/// An attribute: a key with a value, or with an array of values. Set all fields to zero, then key, type, and the field
/// that the type names; the others are ignored. This structure never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_attribute {
    /// The key, UTF-8, not empty; cut to SPANWIRE_TAG_KEY_MAX, and counted.
    pub key: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub key_len: CLen,
    /// SPANWIRE_VALUE_TEXT, _BOOLEAN, _INTEGER, _FLOATING or _ARRAY.
    pub type_: u32,
    /// 0 for false, any other number for true.
    pub boolean: i32,
    /// An integer.
    pub integer: i64,
    /// A finite number.
    pub floating: f64,
    /// UTF-8; NULL is the empty text; cut to SPANWIRE_TAG_VALUE_MAX, and counted.
    pub text: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub text_len: CLen,
    /// An array of values of one type: the Agent's payload has no others. Integers beside floats become floats.
    pub values: CArray<spanwire_value>,
    /// Number of values, up to SPANWIRE_VALUES_MAX.
    pub values_count: CLen,
}

/// A link: a reference to a span, often of another trace. Set all fields to zero, then `size`, then the ids;
/// spanwire_span_context() has those of a span.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_span_link {
    /// `sizeof(spanwire_span_link)`.
    pub size: usize,
    /// High half of the trace id; 0 for an id of 64 bits.
    pub trace_id_high: u64,
    /// Low half of the trace id; not 0.
    pub trace_id_low: u64,
    /// Id of the span; not 0.
    pub span_id: u64,
    /// The span's tracestate of W3C; NULL for none. Cut to 2,048 bytes, and counted.
    pub tracestate: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub tracestate_len: CLen,
    /// Array of attributes.
    pub attributes: CArray<spanwire_attribute>,
    /// Number of attributes.
    pub attributes_count: CLen,
    /// The span's trace flags of W3C (1: sampled) and SPANWIRE_LINK_HAS_FLAGS; 0 if they are not known.
    pub flags: u32,
}

// SAFETY: repr(C), begins with its size, numbers and pointers only.
unsafe impl Sized_ for spanwire_span_link {}

/// An event: something that happened at one moment of a span. Set all fields to zero, then `size`, then the others.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_span_event {
    /// `sizeof(spanwire_span_event)`.
    pub size: usize,
    /// What happened, UTF-8, not empty; cut to SPANWIRE_NAME_MAX, and counted.
    pub name: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub name_len: CLen,
    /// When, in nanoseconds since 1970. 0 and times before 1970 mean now.
    pub time_ns: i64,
    /// Array of attributes.
    pub attributes: CArray<spanwire_attribute>,
    /// Number of attributes.
    pub attributes_count: CLen,
}

// SAFETY: repr(C), begins with its size, numbers and pointers only.
unsafe impl Sized_ for spanwire_span_event {}

/// Returns the field that the type names. `text` reads the text; its length is checked only if it is used.
fn scalar<'a>(
    type_: u32,
    boolean: i32,
    integer: i64,
    floating: f64,
    text: impl FnOnce() -> Result<Option<&'a [u8]>, Error>,
) -> Result<Scalar<'a>, Error> {
    match type_ {
        SPANWIRE_VALUE_TEXT => Ok(Scalar::Text(text()?.unwrap_or_default())),
        SPANWIRE_VALUE_BOOLEAN => Ok(Scalar::Bool(boolean != 0)),
        SPANWIRE_VALUE_INTEGER => Ok(Scalar::Integer(integer)),
        SPANWIRE_VALUE_FLOATING if floating.is_finite() => Ok(Scalar::Float(floating)),
        _ => Err(Error::Argument),
    }
}

impl spanwire_value {
    fn scalar(&self) -> Result<Scalar<'_>, Error> {
        scalar(self.type_, self.boolean, self.integer, self.floating, || self.text.of(self.text_len))
    }
}

impl spanwire_attribute {
    fn key(&self) -> Result<&[u8], Error> {
        key(self.key.of(self.key_len)?)
    }

    /// The value, unless it is an array.
    fn scalar(&self) -> Result<Scalar<'_>, Error> {
        scalar(self.type_, self.boolean, self.integer, self.floating, || self.text.of(self.text_len))
    }

    /// The values of an array, all valid and of one type.
    fn array(&self) -> Result<impl ExactSizeIterator<Item = Scalar<'_>>, Error> {
        if self.values_count.get() > VALUES_MAX {
            return Err(Error::Limit);
        }
        let values = self.values.of(self.values_count)?;
        let all = |kinds: [u32; 2]| values.iter().all(|value| kinds.contains(&value.type_));
        let first = values.first().map_or(SPANWIRE_VALUE_TEXT, |value| value.type_);
        let is_of_one_type = all([first; 2]);
        if !(is_of_one_type || all([SPANWIRE_VALUE_INTEGER, SPANWIRE_VALUE_FLOATING]))
            || values.iter().any(|value| value.scalar().is_err())
        {
            return Err(Error::Argument);
        }
        Ok(values.iter().map(move |value| match value.scalar() {
            Ok(Scalar::Integer(number)) if !is_of_one_type => Scalar::Float(number as f64),
            value => value.unwrap_or(Scalar::Bool(false)),
        }))
    }
}

/// Runs `add` for each attribute; counts those that it does not add, and returns the first error.
fn each(
    attributes: &[spanwire_attribute],
    at: At<'_>,
    mut add: impl FnMut(&spanwire_attribute) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut first = Ok(());
    for attribute in attributes {
        let added = add(attribute);
        Counters::add(&at.counters().tags_dropped, u64::from(added.is_err()));
        first = first.and(added);
    }
    first
}

/// Adds attributes to a link or an event.
fn append(appending: &mut Appending<'_>, attributes: &[spanwire_attribute], at: At<'_>) -> Result<(), Error> {
    each(attributes, at, |attribute| {
        let key = attribute.key()?;
        let added = match attribute.type_ {
            SPANWIRE_VALUE_ARRAY => appending.array(key, attribute.array()?),
            _ => appending.one(key, attribute.scalar()?),
        };
        added.map_err(|refused| match refused {
            Refused::Limit => Error::Limit,
            Refused::Memory => Error::Memory,
        })
    })
}

/// Counts what adding a link or an event did, and maps a refusal to an error.
fn added(at: At<'_>, result: Result<(Result<(), Error>, Sanitized), Refusal>) -> Result<(), Error> {
    let (attributes, result) = match result {
        Ok((attributes, sanitized)) => (attributes, Ok(sanitized)),
        Err(refusal) => (Ok(()), Err(refusal)),
    };
    noted(at, result).and(attributes)
}

/// Counts a link or an event that cannot be read as dropped.
fn read<T>(at: At<'_>, result: Result<T, Error>) -> Result<T, Error> {
    Counters::add(&at.counters().tags_dropped, u64::from(result.is_err()));
    result
}

/// As much of an array's key is in the keys of its elements, which end in ".0" to ".127".
const HEAD_MAX: usize = SPANWIRE_TAG_KEY_MAX - ".127".len();
const _: () = assert!(VALUES_MAX == 128);

/// The integers that a float holds exactly.
const EXACT: i64 = 1 << 53;

fn set(span: &mut OpenSpan, at: At<'_>, key: &[u8], value: Scalar<'_>) -> Result<(), Error> {
    match value {
        Scalar::Text(text) => set_text(span, at, key, text),
        Scalar::Float(number) => set_number(span, at, Some(key), number),
        Scalar::Integer(number) if (-EXACT..=EXACT).contains(&number) => set_number(span, at, Some(key), number as f64),
        Scalar::Integer(number) => set_text(span, at, key, number.to_string().as_bytes()),
        Scalar::Bool(value) => set_text(span, at, key, if value { b"true" } else { b"false" }),
    }
}

/// Sets tags from typed attributes. If one fails, the others are still set.
///
/// @param span        an open span; 0 does nothing and returns SPANWIRE_OK
/// @param attributes  an array of `count` attributes; NULL if `count` is 0
/// @param count       number of attributes
///
/// The Agent knows texts and numbers only. A boolean becomes the text "true" or "false". An integer becomes a number, or
/// a text if it is beyond 2^53, where a number would be rounded. An array becomes one tag for each value: "key.0",
/// "key.1" and so on; an empty one sets none. Integers in an array with floats become floats.
///
/// @return as spanwire_span_set_tag(); of several failures the first. SPANWIRE_E_ARGUMENT also for a type that is none, a
///         number that is not finite, an array of several types, and if `attributes` is NULL and `count` is not 0.
///         SPANWIRE_E_LIMIT also for an array of more than SPANWIRE_VALUES_MAX values. What is not set is counted
///
/// Ownership: copies all texts before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as spanwire_span_set_tag().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_set_attributes(
    span: spanwire_span,
    attributes: CArray<spanwire_attribute>,
    count: CLen,
) -> spanwire_status {
    with(span, |span, at| {
        let mut first = Ok(());
        for attribute in attributes.of(count)? {
            let checked = attribute.key().and_then(|key| match attribute.type_ {
                SPANWIRE_VALUE_ARRAY => Ok((key, None, Some(attribute.array()?))),
                _ => Ok((key, Some(attribute.scalar()?), None)),
            });
            let (key, one, several) = match read(at, checked) {
                Ok(checked) => checked,
                Err(error) => {
                    first = first.and(Err(error));
                    continue;
                }
            };
            if let Some(value) = one {
                first = first.and(set(span, at, key, value));
            }
            // Two keys must not become one when they are cut.
            let (head, cut) = if several.is_some() { encode::sanitize(key, HEAD_MAX) } else { Default::default() };
            first = first.and(noted(at, Ok(cut)));
            for (n, value) in several.into_iter().flatten().enumerate() {
                first = first.and(set(span, at, &element_key(&head, n), value));
            }
        }
        first
    })
}

/// Adds a link to a span. Links stay in the order in which they were added.
///
/// @param span  an open span; 0 does nothing and returns SPANWIRE_OK
/// @param link  see spanwire_span_link
///
/// An attribute that is invalid or beyond a limit is dropped and counted in `tags_dropped`; the link and the others are
/// kept. The Agent gets attributes as texts, and an array as "key.0", "key.1" and so on. To an Agent that knows only
/// /v0.3/traces, links go as JSON in the tag `_dd.span_links`: as many as fit in 25,000 bytes.
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `link` is NULL, an id is 0, a length is invalid; dropped and counted. Or an attribute has no
///                             key, a type that is none, a number that is not finite, or an array of several types
///         SPANWIRE_E_VERSION  the `size` of the link belongs to no known version; dropped and counted
///         SPANWIRE_E_LIMIT    the span has SPANWIRE_SPAN_LINKS_MAX links; dropped and counted. Or an attribute is beyond
///                             SPANWIRE_ATTRIBUTES_MAX, SPANWIRE_ATTRIBUTES_SIZE_MAX or SPANWIRE_VALUES_MAX
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; the link or an attribute was dropped and counted
///         SPANWIRE_E_HANDLE   `span` is finished, or was never a span
///         SPANWIRE_E_FORKED   the parent process started `span` before a fork
///         SPANWIRE_E_BUSY     another thread has been inside a call on the span for 100 ms; dropped and counted
///
/// Ownership: copies all texts before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      see SPANWIRE_E_FORKED.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_add_link(span: spanwire_span, link: In<spanwire_span_link>) -> spanwire_status {
    with(span, |span, at| put_link(span, at, link.read()))
}

/// Adds a link to a span that is being described; what is dropped is counted.
pub(in crate::abi) fn put_link(
    span: &mut OpenSpan,
    at: At<'_>,
    link: Result<spanwire_span_link, Error>,
) -> Result<(), Error> {
    let given = read(at, link)?;
    let (link, attributes) = read(at, given.link())?;
    added(at, span.add_link(&link, |appending| append(appending, attributes, at)))
}

impl spanwire_span_link {
    fn link(&self) -> Result<(Link<'_>, &[spanwire_attribute]), Error> {
        if self.trace_id_low == 0 || self.span_id == 0 {
            return Err(Error::Argument);
        }
        let link = Link {
            trace_id_high: self.trace_id_high,
            trace_id_low: self.trace_id_low,
            span_id: self.span_id,
            flags: if self.flags & SPANWIRE_LINK_HAS_FLAGS != 0 { FLAGS_KNOWN | self.flags & 0xff } else { 0 },
            tracestate: self.tracestate.of(self.tracestate_len)?.unwrap_or_default(),
            ..Link::default()
        };
        Ok((link, self.attributes.of(self.attributes_count)?))
    }
}

/// Adds an event to a span. Events stay in the order in which they were added.
///
/// @param span   an open span; 0 does nothing and returns SPANWIRE_OK
/// @param event  see spanwire_span_event
///
/// An attribute that is invalid or beyond a limit is dropped and counted in `tags_dropped`; the event and the others are
/// kept. An Agent that does not say `span_events` in /info, or has not been asked yet, gets events as JSON in the tag
/// `events`: as many as fit in 25,000 bytes.
///
/// @return as spanwire_span_add_link(), with SPANWIRE_SPAN_EVENTS_MAX. SPANWIRE_E_ARGUMENT if `event` or its name is NULL,
///         or its name empty
///
/// Ownership: copies all texts before it returns.
/// Threads:   any; calls on one span are serialised.
/// Blocks:    never.
/// Fork:      as spanwire_span_add_link().
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_add_event(span: spanwire_span, event: In<spanwire_span_event>) -> spanwire_status {
    with(span, |span, at| put_event(span, at, event.read()))
}

/// As `put_link`.
pub(in crate::abi) fn put_event(
    span: &mut OpenSpan,
    at: At<'_>,
    event: Result<spanwire_span_event, Error>,
) -> Result<(), Error> {
    let given = read(at, event)?;
    let (event, attributes) = read(at, given.event())?;
    added(at, span.add_event(&event, |appending| append(appending, attributes, at)))
}

impl spanwire_span_event {
    fn event(&self) -> Result<(Event<'_>, &[spanwire_attribute]), Error> {
        let name = key(self.name.of(self.name_len)?)?;
        let time_ns = u64::try_from(self.time_ns).ok().filter(|&time| time > 0);
        let time_ns = time_ns.unwrap_or_else(|| sys::keep_errno(sys::wall_ns));
        Ok((Event { time_ns, name, ..Event::default() }, self.attributes.of(self.attributes_count)?))
    }
}
