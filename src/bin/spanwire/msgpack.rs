//! Reads MessagePack value by value, without recursion, and without allocating what a sender merely announces. The format
//! of a value is `rmp`'s; its own readers do not say at which byte a value is wrong. `decode.rs` knows what values mean.

use rmp::Marker;

/// The beginning of a value: a whole number, or the length of what follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Head {
    Nil,
    Boolean(bool),
    Unsigned(u64),
    /// Always below 0. An integer that is not negative is `Unsigned`, however it was encoded.
    Negative(i64),
    Float(f64),
    /// Bytes of UTF-8 that follow.
    Text(u32),
    /// Bytes that follow.
    Bytes(u32),
    /// Values that follow.
    Array(u32),
    /// Pairs of values that follow.
    Map(u32),
    /// Bytes that follow, after one for the type.
    Extension(u32),
}

impl Head {
    /// Describes the value for an error message: "expected text, found …".
    pub fn described(self) -> String {
        match self {
            Head::Nil => "nil".into(),
            Head::Boolean(_) => "a boolean".into(),
            Head::Unsigned(value) => format!("the integer {value}"),
            Head::Negative(value) => format!("the integer {value}"),
            Head::Float(value) => format!("the number {value}"),
            Head::Text(_) => "text".into(),
            Head::Bytes(_) => "bytes".into(),
            Head::Array(_) => "an array".into(),
            Head::Map(_) => "a map".into(),
            Head::Extension(_) => "an extension value".into(),
        }
    }
}

/// Reads a payload from its beginning. An error is the reason alone; [`Reader::at`] has the position.
pub struct Reader<'a> {
    whole: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(whole: &'a [u8]) -> Self {
        Reader { whole, at: 0 }
    }

    /// Returns the number of bytes read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Returns the number of bytes left.
    pub fn left(&self) -> usize {
        self.whole.len() - self.at
    }

    /// Reads the next `length` bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        match self.whole[self.at..].get(..length) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None if self.left() == 0 => Err("the payload ends here".into()),
            None => Err(format!("{length} bytes announced, {} left", self.left())),
        }
    }

    /// Skips nil, if that is next, and returns whether it was.
    pub fn nil(&mut self) -> bool {
        let found = self.whole.get(self.at) == Some(&0xc0);
        self.at += usize::from(found);
        found
    }

    /// Reads the beginning of the next value.
    pub fn head(&mut self) -> Result<Head, String> {
        Ok(match Marker::from_u8(self.take(1)?[0]) {
            Marker::Reserved => return Err("0xc1, which begins no value".into()),
            Marker::Null => Head::Nil,
            Marker::False => Head::Boolean(false),
            Marker::True => Head::Boolean(true),
            Marker::FixPos(value) => Head::Unsigned(value.into()),
            Marker::FixNeg(value) => signed(value),
            Marker::U8 => Head::Unsigned(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Head::Unsigned(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Head::Unsigned(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => Head::Unsigned(u64::from_be_bytes(self.array()?)),
            Marker::I8 => signed(i8::from_be_bytes(self.array()?)),
            Marker::I16 => signed(i16::from_be_bytes(self.array()?)),
            Marker::I32 => signed(i32::from_be_bytes(self.array()?)),
            Marker::I64 => signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Head::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Head::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => Head::Text(length.into()),
            Marker::Str8 => Head::Text(u8::from_be_bytes(self.array()?).into()),
            Marker::Str16 => Head::Text(u16::from_be_bytes(self.array()?).into()),
            Marker::Str32 => Head::Text(u32::from_be_bytes(self.array()?)),
            Marker::Bin8 => Head::Bytes(u8::from_be_bytes(self.array()?).into()),
            Marker::Bin16 => Head::Bytes(u16::from_be_bytes(self.array()?).into()),
            Marker::Bin32 => Head::Bytes(u32::from_be_bytes(self.array()?)),
            Marker::FixArray(items) => Head::Array(items.into()),
            Marker::Array16 => Head::Array(u16::from_be_bytes(self.array()?).into()),
            Marker::Array32 => Head::Array(u32::from_be_bytes(self.array()?)),
            Marker::FixMap(pairs) => Head::Map(pairs.into()),
            Marker::Map16 => Head::Map(u16::from_be_bytes(self.array()?).into()),
            Marker::Map32 => Head::Map(u32::from_be_bytes(self.array()?)),
            Marker::FixExt1 => Head::Extension(1),
            Marker::FixExt2 => Head::Extension(2),
            Marker::FixExt4 => Head::Extension(4),
            Marker::FixExt8 => Head::Extension(8),
            Marker::FixExt16 => Head::Extension(16),
            Marker::Ext8 => Head::Extension(u8::from_be_bytes(self.array()?).into()),
            Marker::Ext16 => Head::Extension(u16::from_be_bytes(self.array()?).into()),
            Marker::Ext32 => Head::Extension(u32::from_be_bytes(self.array()?)),
        })
    }

    /// Skips one value of any kind and nesting.
    pub fn skip(&mut self) -> Result<(), String> {
        let mut values: u64 = 1;
        while values > 0 {
            values -= 1;
            match self.head()? {
                Head::Text(length) | Head::Bytes(length) => {
                    self.take(length as usize)?;
                }
                Head::Extension(length) => {
                    self.take(length as usize + 1)?;
                }
                // Each value takes a byte at least, so the payload ends long before this sum could overflow.
                Head::Array(items) => values += u64::from(items),
                Head::Map(pairs) => values += 2 * u64::from(pairs),
                Head::Nil | Head::Boolean(_) | Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => {}
            }
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }
}

fn signed(value: impl Into<i64>) -> Head {
    let value = value.into();
    u64::try_from(value).map_or(Head::Negative(value), Head::Unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Head {
        Reader::new(bytes).head().unwrap()
    }

    #[test]
    fn every_width_of_an_integer_is_read() {
        assert_eq!(head(&[0x7f]), Head::Unsigned(127));
        assert_eq!(head(&[0xcc, 0xff]), Head::Unsigned(255));
        assert_eq!(head(&[0xcd, 1, 0]), Head::Unsigned(256));
        assert_eq!(head(&[0xce, 1, 0, 0, 0]), Head::Unsigned(1 << 24));
        assert_eq!(head(&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Head::Unsigned(u64::MAX));
        assert_eq!(head(&[0xff]), Head::Negative(-1));
        assert_eq!(head(&[0xd0, 0x80]), Head::Negative(-128));
        assert_eq!(head(&[0xd1, 0xff, 0x00]), Head::Negative(-256));
        assert_eq!(head(&[0xd2, 0xff, 0xff, 0xff, 0xfe]), Head::Negative(-2));
        assert_eq!(head(&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]), Head::Negative(i64::MIN));
        assert_eq!(head(&[0xd3, 0, 0, 0, 0, 0, 0, 0, 5]), Head::Unsigned(5));
    }

    #[test]
    fn a_value_of_every_kind_can_be_passed_over() {
        for bytes in [
            &[0xc3][..],
            &[0xca, 0, 0, 0, 0],
            &[0xd9, 2, b'a', b'b'],
            &[0xda, 0, 1, b'a'],
            &[0xdb, 0, 0, 0, 1, b'a'],
            &[0xc5, 0, 1, 9],
            &[0xc6, 0, 0, 0, 1, 9],
            &[0xd4, 1, 9],
            &[0xd8, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
            &[0xc7, 2, 1, 9, 9],
            &[0xdc, 0, 2, 0xc0, 0xa1, b'x'],
            &[0xde, 0, 1, 0xa1, b'k', 0x92, 1, 2],
            &[0xdf, 0, 0, 0, 1, 1, 0x80],
        ] {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.skip(), Ok(()), "{bytes:x?}");
            assert_eq!(reader.left(), 0, "{bytes:x?}");
        }
    }
}
