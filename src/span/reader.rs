//! Reads MessagePack that a host has written, value by value, and trusts none of it: a length or a number of elements that
//! exceeds the bytes that are there is refused before anything is done with it. Does not recurse and allocates nothing.

use super::structured::{self, Head};

/// A place in MessagePack. A copy reads from the same place again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader<'a>(&'a [u8]);

/// A number of any type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer that is not negative.
    Unsigned(u64),
    /// A negative integer.
    Negative(i64),
    /// A float of either size.
    Float(f64),
}

impl Number {
    /// An id. Negative integers are the ids of writers without unsigned numbers.
    pub fn id(self) -> Option<u64> {
        match self {
            Number::Unsigned(id) => Some(id),
            Number::Negative(id) => Some(id as u64),
            Number::Float(_) => None,
        }
    }

    /// An integer that fits 64 bits with a sign.
    pub fn integer(self) -> Option<i64> {
        match self {
            Number::Unsigned(number) => i64::try_from(number).ok(),
            Number::Negative(number) => Some(number),
            Number::Float(_) => None,
        }
    }

    /// Any number, rounded to a float.
    pub fn float(self) -> f64 {
        match self {
            Number::Unsigned(number) => number as f64,
            Number::Negative(number) => number as f64,
            Number::Float(number) => number,
        }
    }
}

impl<'a> Reader<'a> {
    /// Reads from the front of these bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    /// Whether everything was read.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Reads the head of a map, and returns the number of pairs that follow.
    pub fn map(&mut self) -> Option<usize> {
        match structured::head(self.0)? {
            (Head::Map(pairs), rest) if pairs <= rest.len() / 2 => self.after(pairs, rest),
            _ => None,
        }
    }

    /// Reads the head of an array, and returns the number of elements that follow.
    pub fn array(&mut self) -> Option<usize> {
        match structured::head(self.0)? {
            (Head::Array(elements), rest) if elements <= rest.len() => self.after(elements, rest),
            _ => None,
        }
    }

    /// Reads a text. Some writers write texts as blobs, and the Agent takes them.
    pub fn text(&mut self) -> Option<&'a [u8]> {
        match structured::head(self.0)? {
            (Head::Text(length) | Head::Blob(length), rest) => {
                let (text, rest) = rest.split_at_checked(length)?;
                self.after(text, rest)
            }
            _ => None,
        }
    }

    /// Reads a text. Nil is the empty text, as for the Agent.
    pub fn text_or_nil(&mut self) -> Option<&'a [u8]> {
        if self.nil() {
            return Some(b"");
        }
        self.text()
    }

    /// Reads nil, if that is next.
    pub fn nil(&mut self) -> bool {
        let is_nil = self.0.first() == Some(&0xc0);
        self.0 = &self.0[usize::from(is_nil)..];
        is_nil
    }

    /// Reads a boolean.
    pub fn boolean(&mut self) -> Option<bool> {
        let (&head, rest) = self.0.split_first()?;
        matches!(head, 0xc2 | 0xc3).then_some(())?;
        self.after(head == 0xc3, rest)
    }

    /// Reads a number.
    pub fn number(&mut self) -> Option<Number> {
        let (&head, rest) = self.0.split_first()?;
        let size = match head {
            0x00..=0x7f => return self.after(Number::Unsigned(head.into()), rest),
            0xe0..=0xff => return self.after(Number::Negative((head as i8).into()), rest),
            0xcc..=0xcf => 1 << (head - 0xcc),
            0xd0..=0xd3 => 1 << (head - 0xd0),
            0xca => 4,
            0xcb => 8,
            _ => return None,
        };
        let (bytes, rest) = rest.split_at_checked(size)?;
        let bits = bytes.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        let number = match head {
            0xca => Number::Float(f32::from_bits(bits as u32).into()),
            0xcb => Number::Float(f64::from_bits(bits)),
            0xcc..=0xcf => Number::Unsigned(bits),
            _ => {
                // Moves the sign to the highest bit and back.
                let shift = 64 - 8 * size as u32;
                let signed = (bits << shift) as i64 >> shift;
                u64::try_from(signed).map_or(Number::Negative(signed), Number::Unsigned)
            }
        };
        self.after(number, rest)
    }

    /// Passes over a value of any type.
    pub fn skip(&mut self) -> Option<()> {
        let rest = structured::skip(self.0)?;
        self.after((), rest)
    }

    fn after<T>(&mut self, value: T, rest: &'a [u8]) -> Option<T> {
        self.0 = rest;
        Some(value)
    }
}

/// The pairs of a map or the elements of an array, to be read again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Items<'a> {
    /// How many.
    pub count: usize,
    reader: Reader<'a>,
}

impl<'a> Items<'a> {
    /// Reads a map; `value` reads each value. Nil is the empty map.
    pub fn map(
        reader: &mut Reader<'a>,
        mut value: impl FnMut(&'a [u8], &mut Reader<'a>) -> Option<()>,
    ) -> Option<Items<'a>> {
        if reader.nil() {
            return Some(Items::default());
        }
        let count = reader.map()?;
        let items = Items { count, reader: *reader };
        for _ in 0..count {
            let key = reader.text()?;
            value(key, reader)?;
        }
        Some(items)
    }

    /// Reads an array; `element` reads each element. Nil is the empty array.
    pub fn array(reader: &mut Reader<'a>, mut element: impl FnMut(&mut Reader<'a>) -> Option<()>) -> Option<Items<'a>> {
        if reader.nil() {
            return Some(Items::default());
        }
        let count = reader.array()?;
        let items = Items { count, reader: *reader };
        for _ in 0..count {
            element(reader)?;
        }
        Some(items)
    }

    /// Visits the pairs of a map; `visit` reads each value.
    pub fn each(mut self, mut visit: impl FnMut(&'a [u8], &mut Reader<'a>) -> Option<()>) {
        for _ in 0..self.count {
            let Some(key) = self.reader.text() else { return };
            if visit(key, &mut self.reader).is_none() {
                return;
            }
        }
    }

    /// Returns the elements of an array, as `read` reads them.
    pub fn elements<T, F>(mut self, read: F) -> impl Iterator<Item = T> + use<'a, T, F>
    where
        F: Fn(&mut Reader<'a>) -> Option<T>,
    {
        (0..self.count).map_while(move |_| read(&mut self.reader))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::structured::tests::encoded;

    #[test]
    fn numbers_of_every_size_are_read() {
        for bits in 0..64 {
            let (number, negative) = (1u64 << bits, -1i64 << bits);
            let (one, other) = (encoded(&number.into()), encoded(&negative.into()));
            assert_eq!(Reader::new(&one).number(), Some(Number::Unsigned(number)));
            assert_eq!(Reader::new(&other).number(), Some(Number::Negative(negative)));
            assert!((0..one.len()).all(|end| Reader::new(&one[..end]).number().is_none()));
        }
        for (bytes, number) in [
            (&b"\xd0\x07"[..], Number::Unsigned(7)),
            (b"\xd1\xff\xfe", Number::Negative(-2)),
            (b"\xca\x3f\0\0\0", Number::Float(0.5)),
            (b"\xcb\x3f\xe0\0\0\0\0\0\0", Number::Float(0.5)),
        ] {
            assert_eq!(Reader::new(bytes).number(), Some(number));
        }
        assert_eq!(Reader::new(b"\xc0").number(), None);
    }

    #[test]
    fn announced_sizes_beyond_the_bytes_are_refused() {
        for bytes in
            [&b"\xdd\xff\xff\xff\xff\xc0"[..], b"\xdf\0\0\0\x01\xc0", b"\xdb\xff\xff\xff\xff", b"\x92\xc0", b""]
        {
            let mut reader = Reader::new(bytes);
            assert!(reader.array().is_none() && reader.map().is_none() && reader.text().is_none(), "{bytes:?}");
            assert!(reader.skip().is_none() && !reader.nil() && reader.boolean().is_none());
        }
        assert!(Reader::new(&b"\x91".repeat(1_000_000)).skip().is_none());
    }
}
