//! Links and events of the format v0.4, with their attributes.

use crate::span::attributes::{Appending, Scalar, VALUES_MAX};
use crate::span::links::{Event, Link};
use crate::span::reader::{Items, Reader};

/// Reads a link with its attributes, which are texts.
pub(super) fn link<'a>(reader: &mut Reader<'a>) -> Option<(Link<'a>, Items<'a>)> {
    let (mut link, mut attributes) = (Link::default(), Items::default());
    for _ in 0..reader.map()? {
        match reader.text()? {
            b"trace_id" => link.trace_id_low = reader.number()?.id()?,
            b"trace_id_high" => link.trace_id_high = reader.number()?.id()?,
            b"span_id" => link.span_id = reader.number()?.id()?,
            b"flags" => link.flags = u32::try_from(reader.number()?.integer()?).ok()?,
            b"tracestate" => link.tracestate = reader.text_or_nil()?,
            b"attributes" => attributes = Items::map(reader, |_, value| value.text_or_nil().map(drop))?,
            _ => reader.skip()?,
        }
    }
    (link.trace_id_low != 0 && link.span_id != 0).then_some((link, attributes))
}

/// Reads an event with its attributes, which say their types.
pub(super) fn event<'a>(reader: &mut Reader<'a>) -> Option<(Event<'a>, Items<'a>)> {
    let (mut event, mut attributes) = (Event::default(), Items::default());
    for _ in 0..reader.map()? {
        match reader.text()? {
            b"time_unix_nano" => event.time_ns = reader.number()?.id()?,
            b"name" => event.name = reader.text_or_nil()?,
            b"attributes" => attributes = Items::map(reader, |_, value| Attribute::read(value, false).map(drop))?,
            _ => reader.skip()?,
        }
    }
    (!event.name.is_empty()).then_some((event, attributes))
}

/// The value of an event's attribute.
#[derive(Clone, Copy, Debug)]
enum Attribute<'a> {
    One(Scalar<'a>),
    /// Elements of one type.
    Array(Items<'a>),
}

impl<'a> Attribute<'a> {
    /// Reads a value: a map with its type and the field of that type. An element of an array is no array.
    fn read(reader: &mut Reader<'a>, is_element: bool) -> Option<Attribute<'a>> {
        let (mut kind, mut string, mut bool, mut int, mut double) = (None, None, None, None, None);
        let mut array = None;
        for _ in 0..reader.map()? {
            match reader.text()? {
                b"type" => kind = Some(reader.number()?.integer()?),
                b"string_value" => string = Some(reader.text_or_nil()?),
                b"bool_value" => bool = Some(reader.boolean()?),
                b"int_value" => int = Some(reader.number()?.integer()?),
                b"double_value" => double = Some(reader.number()?.float()),
                b"array_value" if is_element => return None,
                b"array_value" => array = Some(values(reader)?),
                _ => reader.skip()?,
            }
        }
        match kind? {
            0 => string.map(Scalar::Text).map(Attribute::One),
            1 => bool.map(Scalar::Bool).map(Attribute::One),
            2 => int.map(Scalar::Integer).map(Attribute::One),
            3 => double.map(Scalar::Float).map(Attribute::One),
            4 => array.map(Attribute::Array),
            _ => None,
        }
    }
}

/// Reads an element of an array.
fn element<'a>(reader: &mut Reader<'a>) -> Option<Scalar<'a>> {
    match Attribute::read(reader, true)? {
        Attribute::One(value) => Some(value),
        Attribute::Array(_) => None,
    }
}

/// Reads the values of an array: a map with the array in its field `values`.
fn values<'a>(reader: &mut Reader<'a>) -> Option<Items<'a>> {
    let mut values = Items::default();
    for _ in 0..reader.map()? {
        match reader.text()? {
            b"values" => {
                let mut first = None;
                values = Items::array(reader, |value| {
                    let kind = std::mem::discriminant(&element(value)?);
                    (*first.get_or_insert(kind) == kind).then_some(())
                })?;
            }
            _ => reader.skip()?,
        }
    }
    Some(values)
}

/// Adds the attributes of a link. Returns how many were dropped.
pub(super) fn append_texts(appending: &mut Appending<'_>, attributes: Items<'_>) -> u64 {
    let mut dropped = 0;
    attributes.each(|key, value| {
        let value = Scalar::Text(value.text_or_nil()?);
        dropped += u64::from(key.is_empty() || appending.one(key, value).is_err());
        Some(())
    });
    dropped
}

/// Adds the attributes of an event. Returns how many were dropped.
pub(super) fn append(appending: &mut Appending<'_>, attributes: Items<'_>) -> u64 {
    let mut dropped = 0;
    attributes.each(|key, value| {
        let is_good = |value: &Scalar<'_>| !matches!(value, Scalar::Float(number) if !number.is_finite());
        let is_added = match Attribute::read(value, false)? {
            _ if key.is_empty() => false,
            Attribute::One(value) => is_good(&value) && appending.one(key, value).is_ok(),
            Attribute::Array(items) if items.count > VALUES_MAX => false,
            Attribute::Array(items) => {
                let values: Vec<Scalar<'_>> = items.elements(element).collect();
                values.iter().all(is_good) && appending.array(key, values.into_iter()).is_ok()
            }
        };
        dropped += u64::from(!is_added);
        Some(())
    });
    dropped
}
