//! Links and events of a span in a log line, in the notation of a language. Redacts texts, and bounds what a line shows.

use super::text::{cut, value, TAG_MAX};
use crate::span::attributes::{Attributes, Scalar, Value};
use crate::span::links::{Event, Link};
use std::borrow::Cow;

/// About the most bytes of all links, and of all events, of a span in a line; the others are counted.
const ROOM: usize = 16_000;

/// How a language writes attributes.
pub struct Notation {
    /// Between key and value.
    pub is: &'static str,
    /// Between pairs, and between values of an array.
    pub and: &'static str,
    /// False and true.
    pub booleans: [&'static str; 2],
    /// Appends a text.
    pub text: fn(&mut String, &str),
    /// Appends a float.
    pub float: fn(&mut String, f64),
    /// Appends how much is left out.
    pub more: fn(&mut String, &str),
    /// The type of a value, for a notation of events that encloses values in their types.
    pub types: Option<fn(Scalar<'_>) -> &'static str>,
}

/// Returns a text of a span, which was checked when it was set.
pub fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

/// Appends a list of links; `one` gets a link and the text of its attributes, which are texts, as they are sent.
pub fn links(out: &mut String, all: &[Link<'_>], notation: &Notation, one: impl Fn(&mut String, &Link<'_>, &str)) {
    list(out, all, notation, |out, link, room| {
        let mut map = Map::new(notation, room);
        link.attributes.each_flat(&mut |key, text| {
            let key = utf8(key);
            map.pair(key, |map| map.redacted(key, utf8(text)));
        });
        one(out, link, &map.end());
    });
}

/// Appends a list of events; `one` gets an event and the text of its attributes.
pub fn events(out: &mut String, all: &[Event<'_>], notation: &Notation, one: impl Fn(&mut String, &Event<'_>, &str)) {
    list(out, all, notation, |out, event, room| one(out, event, &attributes(event.attributes, notation, room)));
}

fn list<T>(out: &mut String, all: &[T], notation: &Notation, one: impl Fn(&mut String, &T, usize)) {
    let start = out.len();
    out.push('[');
    for (n, item) in all.iter().enumerate() {
        out.push_str(if n == 0 { "" } else { notation.and });
        let room = ROOM.saturating_sub(out.len() - start);
        if room == 0 {
            (notation.more)(out, &format!("… ({} more)", all.len() - n));
            break;
        }
        one(out, item, room);
    }
    out.push(']');
}

fn attributes(attributes: Attributes<'_>, notation: &Notation, room: usize) -> String {
    let mut map = Map::new(notation, room);
    for (key, value) in attributes {
        let key = utf8(key);
        map.pair(key, |map| match value {
            Value::One(value) => map.enclosed(notation.types.map(|_| "SingleValue"), |map| map.scalar(key, value)),
            Value::Array(values) => {
                map.enclosed(notation.types.map(|_| "Array"), |map| {
                    map.text.push('[');
                    for (n, value) in values.enumerate() {
                        map.text.push_str(if n == 0 { "" } else { notation.and });
                        if map.is_full() {
                            map.more();
                            break;
                        }
                        map.scalar(key, value);
                    }
                    map.text.push(']');
                });
            }
        });
    }
    map.end()
}

/// A map of attributes under construction.
struct Map<'a> {
    notation: &'a Notation,
    room: usize,
    text: String,
    has_more: bool,
}

impl Map<'_> {
    fn new(notation: &Notation, room: usize) -> Map<'_> {
        Map { notation, room, text: String::from("{"), has_more: false }
    }

    fn is_full(&self) -> bool {
        self.text.len() >= self.room
    }

    fn more(&mut self) {
        (self.notation.more)(&mut self.text, "…");
    }

    /// Appends a pair, unless the map is full.
    fn pair(&mut self, key: &str, value: impl FnOnce(&mut Self)) {
        if self.is_full() {
            self.has_more = true;
            return;
        }
        self.text.push_str(if self.text.len() == 1 { "" } else { self.notation.and });
        (self.notation.text)(&mut self.text, &cut(Cow::Borrowed(key), TAG_MAX));
        self.text.push_str(self.notation.is);
        value(self);
    }

    fn redacted(&mut self, key: &str, text: &str) {
        (self.notation.text)(&mut self.text, &value(key, text));
    }

    fn enclosed(&mut self, by: Option<&str>, inner: impl FnOnce(&mut Self)) {
        if let Some(by) = by {
            self.text.push_str(by);
            self.text.push('(');
        }
        inner(self);
        self.text.push_str(if by.is_some() { ")" } else { "" });
    }

    fn scalar(&mut self, key: &str, value: Scalar<'_>) {
        self.enclosed(self.notation.types.map(|type_of| type_of(value)), |map| match value {
            Scalar::Text(text) => map.redacted(key, utf8(text)),
            Scalar::Bool(value) => map.text.push_str(map.notation.booleans[usize::from(value)]),
            Scalar::Float(value) => (map.notation.float)(&mut map.text, value),
            // It may be a secret as well: the number of a card, a code.
            Scalar::Integer(number) => {
                let text = number.to_string();
                match self::value(key, &text) {
                    shown if shown == text.as_str() => map.text.push_str(&text),
                    shown => (map.notation.text)(&mut map.text, &shown),
                }
            }
        });
    }

    fn end(mut self) -> String {
        if self.has_more {
            self.text.push_str(self.notation.and);
            self.more();
            // In JSON, a pair.
            if self.notation.is == ":" {
                self.text.push_str(":true");
            }
        }
        self.text.push('}');
        self.text
    }
}

#[cfg(test)]
mod tests;
