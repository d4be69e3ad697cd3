//! Attributes of links and events: keys with a text, a boolean, an integer, a float, or an array of one of these. They are
//! stored as MessagePack, in a blob that says its length; `links` has what they belong to.

use super::encode::{self, Sanitized};
use crate::memory::{Buffer, Full};

/// Maximum number of attributes of a link or an event.
pub const ATTRIBUTES_MAX: usize = 128;
/// Maximum number of values in an array.
pub const VALUES_MAX: usize = 128;
/// Maximum size of the attributes of a link or an event, encoded.
pub const BYTES_MAX: usize = 65_536;
const KEY_MAX: usize = 200;
const TEXT_MAX: usize = 25_000;

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// UTF-8.
    Text(&'a [u8]),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A finite number.
    Float(f64),
}

impl Scalar<'_> {
    /// Writes it as the text of a tag: `true`, `-7`, `42.5`.
    pub fn to_text(self, write: &mut dyn FnMut(&[u8])) {
        match self {
            Scalar::Text(text) => write(text),
            Scalar::Bool(value) => write(if value { b"true" } else { b"false" }),
            Scalar::Integer(value) => write(value.to_string().as_bytes()),
            Scalar::Float(value) => write(encode::shortest(value).as_bytes()),
        }
    }
}

/// What an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// One value.
    One(Scalar<'a>),
    /// Several of one type.
    Array(Values<'a>),
}

/// Values of one type, encoded one behind another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values<'a> {
    /// How many.
    pub count: u32,
    bytes: &'a [u8],
}

impl<'a> Iterator for Values<'a> {
    type Item = Scalar<'a>;

    fn next(&mut self) -> Option<Scalar<'a>> {
        let left = self.count.checked_sub(1)?;
        let (value, rest) = read_scalar(self.bytes)?;
        (self.count, self.bytes) = (left, rest);
        Some(value)
    }
}

/// Attributes, encoded: keys and values in turn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<(&'a [u8], Value<'a>)> {
        let (key, rest) = encode::read_text(self.0)?;
        let (value, rest) = read_value(rest)?;
        self.0 = rest;
        Some((key, value))
    }
}

impl<'a> Attributes<'a> {
    /// Reads attributes that [`Appending`] wrote. Returns them with what follows.
    pub fn read(bytes: &'a [u8]) -> Option<(Attributes<'a>, &'a [u8])> {
        encode::read_blob(bytes).map(|(attributes, rest)| (Attributes(attributes), rest))
    }

    /// Visits the attributes as texts: an array `key` becomes `key.0`, `key.1` and so on. No key comes twice.
    pub fn each_flat(self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        for (key, value) in self {
            match value {
                Value::One(value) => value.to_text(&mut |text| visit(key, text)),
                Value::Array(values) => {
                    // All keys that can be that of an element. Looked up once: there may be 128 arrays of 128 values.
                    let is_below = |other: &[u8]| other.strip_prefix(key).is_some_and(|rest| rest.starts_with(b"."));
                    let below: Vec<&[u8]> = self
                        .filter(|(other, value)| matches!(value, Value::One(_)) && is_below(other))
                        .map(|(other, _)| other)
                        .collect();
                    for (n, value) in values.enumerate() {
                        let key = element_key(key, n);
                        if !below.contains(&&key[..]) {
                            value.to_text(&mut |text| visit(&key, text));
                        }
                    }
                }
            }
        }
    }
}

/// The key of the n-th element of an array, where arrays are flattened.
pub fn element_key(key: &[u8], n: usize) -> Vec<u8> {
    [key, b".", n.to_string().as_bytes()].concat()
}

fn read_scalar(bytes: &[u8]) -> Option<(Scalar<'_>, &[u8])> {
    let (&head, rest) = bytes.split_first()?;
    match head {
        0xc2 | 0xc3 => Some((Scalar::Bool(head == 0xc3), rest)),
        0xcb => encode::read_float(bytes).map(|(value, rest)| (Scalar::Float(value), rest)),
        encode::INTEGER => {
            encode::read_word(encode::INTEGER, bytes).map(|(value, rest)| (Scalar::Integer(value as i64), rest))
        }
        _ => encode::read_text(bytes).map(|(text, rest)| (Scalar::Text(text), rest)),
    }
}

/// An array is inside of a blob, so that it is passed over without looking at its values.
fn read_value(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let Some((array, rest)) = encode::read_blob(bytes) else {
        return read_scalar(bytes).map(|(value, rest)| (Value::One(value), rest));
    };
    let count = u32::from_be_bytes(array.get(1..5)?.try_into().ok()?);
    Some((Value::Array(Values { count, bytes: array.get(5..)? }), rest))
}

/// Why an attribute was not added. The others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are [`ATTRIBUTES_MAX`], the array has more than [`VALUES_MAX`] values, or the size exceeds [`BYTES_MAX`].
    Limit,
    /// No memory.
    Memory,
}

impl From<Full> for Refused {
    fn from(_: Full) -> Refused {
        Refused::Memory
    }
}

/// Attributes that are being written to the end of a run.
pub struct Appending<'a> {
    run: &'a mut Buffer,
    /// Where the blob's head is.
    head: usize,
    count: usize,
    /// What was changed in keys and texts.
    pub sanitized: Sanitized,
}

/// Appends the head of a blob, and returns where it is.
fn begin_blob(run: &mut Buffer) -> Result<usize, Full> {
    let head = run.len();
    encode::blob(run.tail(encode::blob_size(0))?, b"");
    Ok(head)
}

/// Writes the length of the blob with this head, which ends the run.
fn end_blob(run: &mut Buffer, head: usize) {
    let length = (run.len() - head - encode::blob_size(0)) as u32;
    if let Some(place) = run.bytes_mut().get_mut(head + 1..head + 5) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

impl<'a> Appending<'a> {
    /// Begins without any.
    pub fn begin(run: &'a mut Buffer) -> Result<Appending<'a>, Full> {
        let head = begin_blob(run)?;
        Ok(Appending { run, head, count: 0, sanitized: Sanitized::default() })
    }

    /// Completes them.
    pub fn end(self) -> Sanitized {
        end_blob(self.run, self.head);
        self.sanitized
    }

    /// Adds an attribute. The last value of a key wins.
    pub fn one(&mut self, key: &[u8], value: Scalar<'_>) -> Result<(), Refused> {
        self.add(key, |appending| appending.scalar(value))
    }

    /// Adds an array of values of one type.
    pub fn array<'v>(&mut self, key: &[u8], values: impl ExactSizeIterator<Item = Scalar<'v>>) -> Result<(), Refused> {
        if values.len() > VALUES_MAX {
            return Err(Refused::Limit);
        }
        self.add(key, |appending| {
            let head = begin_blob(appending.run)?;
            appending.run.push(&encode::array_head(values.len()))?;
            values.into_iter().try_for_each(|value| appending.scalar(value))?;
            end_blob(appending.run, head);
            Ok(())
        })
    }

    fn add(&mut self, key: &[u8], write: impl FnOnce(&mut Self) -> Result<(), Refused>) -> Result<(), Refused> {
        let (at, before) = (self.run.len(), self.sanitized);
        let (key, sanitized) = encode::sanitize(key, KEY_MAX);
        self.sanitized = self.sanitized.and(sanitized);
        let former = self.find(&key);
        let is_full = former.is_none() && self.count >= ATTRIBUTES_MAX;
        let written = if is_full { Err(Refused::Limit) } else { self.text(&key).and_then(|()| write(self)) };
        let former_size = former.map_or(0, |(from, to)| to - from);
        let fits = self.run.len() - self.head - former_size <= BYTES_MAX;
        if let Err(why) = written.and(if fits { Ok(()) } else { Err(Refused::Limit) }) {
            self.run.truncate(at);
            self.sanitized = before;
            return Err(why);
        }
        match former {
            Some((from, to)) => {
                let end = self.run.len();
                self.run.bytes_mut().copy_within(to..end, from);
                self.run.truncate(end - (to - from));
            }
            None => self.count += 1,
        }
        Ok(())
    }

    /// Where the attribute of this key begins and ends in the run.
    fn find(&self, key: &[u8]) -> Option<(usize, usize)> {
        let all = self.run.bytes();
        let mut rest = Attributes(all.get(self.head + encode::blob_size(0)..)?);
        loop {
            let from = all.len() - rest.0.len();
            let (other, _) = rest.next()?;
            if other == key {
                return Some((from, all.len() - rest.0.len()));
            }
        }
    }

    fn scalar(&mut self, value: Scalar<'_>) -> Result<(), Refused> {
        match value {
            Scalar::Text(text) => {
                let (text, sanitized) = encode::sanitize(text, TEXT_MAX);
                self.sanitized = self.sanitized.and(sanitized);
                self.text(&text)?;
            }
            Scalar::Bool(value) => self.run.push(&[0xc2 | u8::from(value)])?,
            Scalar::Integer(value) => encode::word(self.run.tail(9)?, encode::INTEGER, value as u64),
            Scalar::Float(value) => encode::float(self.run.tail(encode::FLOAT_SIZE)?, value),
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Refused> {
        // The size without the former value of the key is compared at the end; an attribute alone must not grow far.
        if self.run.len() - self.head > 2 * BYTES_MAX {
            return Err(Refused::Limit);
        }
        encode::text(self.run.tail(encode::text_size(text.len()))?, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(run: &Buffer) -> Vec<(Vec<u8>, String)> {
        let (attributes, rest) = Attributes::read(run.bytes()).unwrap();
        assert!(rest.is_empty());
        attributes
            .map(|(key, value)| match value {
                Value::One(value) => (key.to_vec(), format!("{value:?}")),
                Value::Array(values) => (key.to_vec(), format!("{:?}", values.collect::<Vec<_>>())),
            })
            .collect()
    }

    #[test]
    fn attributes_of_every_type_come_back_and_the_last_value_of_a_key_wins() {
        let mut run = Buffer::new();
        let mut appending = Appending::begin(&mut run).unwrap();
        appending.one(b"text", Scalar::Text(b"first")).unwrap();
        appending.one(b"yes", Scalar::Bool(true)).unwrap();
        appending.one(b"least", Scalar::Integer(i64::MIN)).unwrap();
        appending.one(b"half", Scalar::Float(0.5)).unwrap();
        appending.array(b"list", [1, 2, 3].map(Scalar::Integer).into_iter()).unwrap();
        appending.array(b"none", [].into_iter()).unwrap();
        appending.one(b"text", Scalar::Text(b"last")).unwrap();
        assert_eq!(appending.end(), Sanitized::default());
        let wanted = [
            ("yes", "Bool(true)"),
            ("least", "Integer(-9223372036854775808)"),
            ("half", "Float(0.5)"),
            ("list", "[Integer(1), Integer(2), Integer(3)]"),
            ("none", "[]"),
            ("text", "Text([108, 97, 115, 116])"),
        ];
        assert_eq!(all(&run), wanted.map(|(key, value)| (key.as_bytes().to_vec(), value.to_string())));
        let mut rest = run.bytes().get(5..).unwrap();
        while !rest.is_empty() {
            rmpv::decode::read_value(&mut rest).unwrap();
        }
    }

    #[test]
    fn flat_attributes_have_no_key_twice() {
        let mut run = Buffer::new();
        let mut appending = Appending::begin(&mut run).unwrap();
        appending.array(b"list", [true, false].map(Scalar::Bool).into_iter()).unwrap();
        appending.one(b"list.1", Scalar::Float(1e300)).unwrap();
        appending.end();
        let mut flat = Vec::new();
        let (attributes, _) = Attributes::read(run.bytes()).unwrap();
        attributes.each_flat(&mut |key, text| flat.push([key, b"=", text].concat()));
        assert_eq!(flat, [&b"list.0=true"[..], b"list.1=1e300"]);
    }

    #[test]
    fn attributes_beyond_the_limits_are_refused_and_the_others_stay() {
        let mut run = Buffer::new();
        let mut appending = Appending::begin(&mut run).unwrap();
        let large = vec![b'x'; TEXT_MAX];
        for key in [b"a", b"b"] {
            appending.one(key, Scalar::Text(&large)).unwrap();
        }
        assert_eq!(appending.one(b"c", Scalar::Text(&large)), Err(Refused::Limit));
        appending.one(b"a", Scalar::Text(&large)).unwrap();
        let many = [Scalar::Bool(true); VALUES_MAX + 1];
        assert_eq!(appending.array(b"many", many.into_iter()), Err(Refused::Limit));
        for n in 2..ATTRIBUTES_MAX {
            appending.one(n.to_string().as_bytes(), Scalar::Integer(1)).unwrap();
        }
        assert_eq!(appending.one(b"one more", Scalar::Bool(true)), Err(Refused::Limit));
        appending.one(b"b", Scalar::Bool(true)).unwrap();
        appending.end();
        assert_eq!(all(&run).len(), ATTRIBUTES_MAX);
    }
}
