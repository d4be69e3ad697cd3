//! Runs: the tags of one kind that a span carries, encoded one behind another. Open spans grow them, records hold a
//! counted list of them. This is the only place that decodes one: encoders, the log's view of a span and the readers of
//! cores all call [`read`]. A new kind is a variant of [`Kind`], a variant of [`Item`] and an arm of [`read`].

use super::encode;
use super::links::{self, Event, Link};

/// What a run holds. The numbers are part of the format of a record in memory and in cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// Text tags (`meta`).
    Text = 1,
    /// Numeric tags (`metrics`).
    Number = 2,
    /// Blobs of MessagePack (`meta_struct`).
    Blob = 3,
    /// Links to other spans.
    Link = 4,
    /// Events.
    Event = 5,
}

impl Kind {
    /// Every kind, in the order of the numbers.
    pub const ALL: [Kind; 5] = [Kind::Text, Kind::Number, Kind::Blob, Kind::Link, Kind::Event];

    /// The kind of this number; `None` for one that this version does not know.
    #[inline]
    pub fn of(number: u16) -> Option<Kind> {
        match number {
            1 => Some(Kind::Text),
            2 => Some(Kind::Number),
            3 => Some(Kind::Blob),
            4 => Some(Kind::Link),
            5 => Some(Kind::Event),
            _ => None,
        }
    }
}

/// One decoded tag, link or event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// Key and value of a text tag.
    Text(&'a [u8], &'a [u8]),
    /// Key and value of a numeric tag.
    Number(&'a [u8], f64),
    /// Key and bytes of a blob.
    Blob(&'a [u8], &'a [u8]),
    /// A link.
    Link(Link<'a>),
    /// An event.
    Event(Event<'a>),
}

/// Decodes the item that a run of this kind begins with, and returns it with what follows. `None` at the end of the run
/// and where the bytes are not a whole item.
#[inline(always)]
pub fn read(kind: Kind, run: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (key, rest) = encode::read_text(run)?;
    match kind {
        Kind::Text => encode::read_text(rest).map(|(value, rest)| (Item::Text(key, value), rest)),
        Kind::Number => encode::read_float(rest).map(|(value, rest)| (Item::Number(key, value), rest)),
        Kind::Blob => encode::read_blob(rest).map(|(bytes, rest)| (Item::Blob(key, bytes), rest)),
        Kind::Link => links::read_link(key, rest).map(|(link, rest)| (Item::Link(link), rest)),
        Kind::Event => links::read_event(key, rest).map(|(event, rest)| (Item::Event(event), rest)),
    }
}

/// Visits every item of a run. Stops at what it cannot decode.
#[inline(always)]
pub fn each<'a>(kind: Kind, mut run: &'a [u8], mut visit: impl FnMut(Item<'a>)) {
    while let Some((item, rest)) = read(kind, run) {
        visit(item);
        run = rest;
    }
}

/// Whether a run of tags has an item of this key.
#[inline(always)]
pub fn has(kind: Kind, mut run: &[u8], key: &[u8]) -> bool {
    while let Some((item, rest)) = read(kind, run) {
        if matches!(item, Item::Text(other, _) | Item::Number(other, _) | Item::Blob(other, _) if other == key) {
            return true;
        }
        run = rest;
    }
    false
}

/// A set of keys that may say that it has a key which it does not have, never the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys(u64);

impl Keys {
    /// The set of one key.
    #[inline(always)]
    pub fn one(key: &[u8]) -> Keys {
        let ends = key.first().zip(key.last()).map_or(0, |(&first, &last)| u32::from(first) ^ u32::from(last) << 3);
        Keys(1 << ((ends + 7 * key.len() as u32) & 63))
    }

    /// Adds a key.
    #[inline(always)]
    pub fn add(&mut self, key: &[u8]) {
        self.0 |= Keys::one(key).0;
    }

    /// Adds the keys of another set.
    pub fn add_all(&mut self, other: Keys) {
        self.0 |= other.0;
    }

    /// The set of all keys of a run.
    #[inline(always)]
    pub fn of(kind: Kind, run: &[u8]) -> Keys {
        let mut keys = Keys::default();
        each(kind, run, |item| {
            if let Item::Text(key, _) | Item::Number(key, _) | Item::Blob(key, _) = item {
                keys.add(key);
            }
        });
        keys
    }

    /// Whether the two may have a key in common.
    #[inline(always)]
    pub fn may_share(self, other: Keys) -> bool {
        self.0 & other.0 != 0
    }
}

/// A run with its kind and the number of its items.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The number of a [`Kind`], or of one that this version does not know.
    pub kind: u16,
    /// How many items.
    pub count: u32,
    /// The encoded items.
    pub bytes: &'a [u8],
}

impl<'a> Run<'a> {
    /// A run of this kind.
    #[inline]
    pub fn new(kind: Kind, (bytes, count): (&'a [u8], u32)) -> Run<'a> {
        Run { kind: kind as u16, count, bytes }
    }

    /// The word that describes the run in a record: kind and count in 16 bits each, then the length in bytes.
    #[inline]
    pub(super) fn word(self) -> u64 {
        u64::from(self.kind) | u64::from(self.count as u16) << 16 | (self.bytes.len() as u64) << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_keys_misses_none_that_it_has() {
        let mut run = Vec::new();
        for key in ["", "a", "env", "http.url", "é", "a key that is rather long"] {
            assert!(!Keys::of(Kind::Text, &[]).may_share(Keys::one(key.as_bytes())));
            run.extend([&[0xa0 | key.len() as u8], key.as_bytes(), &[0xa1, b'v']].concat());
            assert!(Keys::of(Kind::Text, &run).may_share(Keys::one(key.as_bytes())), "{key}");
        }
        let all = Keys::of(Kind::Text, &run);
        assert!(["version", "language", "_dd.p.tid"].iter().any(|key| !all.may_share(Keys::one(key.as_bytes()))));
    }

    #[test]
    fn kinds_are_numbered_from_one_without_a_gap() {
        assert!(Kind::ALL.iter().enumerate().all(|(n, &kind)| kind as usize == n + 1));
        assert!(Kind::ALL.iter().all(|&kind| Kind::of(kind as u16) == Some(kind)));
        assert!(Kind::of(0).is_none() && Kind::of(Kind::ALL.len() as u16 + 1).is_none());
    }
}
