//! The least of MessagePack that a receiver needs: value by value, without recursion and without allocating what a
//! sender merely announces. What the values mean is `decode.rs`'s business.

/// The beginning of a value: all of a number, or how much follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Head {
    Nil,
    Boolean,
    Unsigned(u64),
    /// Always below 0: what is not negative is `Unsigned`, however it was encoded.
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
    /// For complaints: "expected text, found …".
    pub fn described(self) -> String {
        match self {
            Head::Nil => "nil".into(),
            Head::Boolean => "a boolean".into(),
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

/// Reads a payload from its beginning. Errors are the reason alone; the position is `at()`.
pub struct Reader<'a> {
    whole: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(whole: &'a [u8]) -> Self {
        Reader { whole, at: 0 }
    }

    /// How many bytes have been read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.whole.len() - self.at
    }

    /// The next `length` bytes.
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

    /// Passes over nil, if that is next.
    pub fn nil(&mut self) -> bool {
        let found = self.whole.get(self.at) == Some(&0xc0);
        self.at += usize::from(found);
        found
    }

    /// Reads the beginning of the next value.
    pub fn head(&mut self) -> Result<Head, String> {
        let first = self.take(1)?[0];
        Ok(match first {
            0x00..=0x7f => Head::Unsigned(first.into()),
            0x80..=0x8f => Head::Map((first & 0x0f).into()),
            0x90..=0x9f => Head::Array((first & 0x0f).into()),
            0xa0..=0xbf => Head::Text((first & 0x1f).into()),
            0xc0 => Head::Nil,
            0xc1 => return Err("0xc1, which begins no value".into()),
            0xc2 | 0xc3 => Head::Boolean,
            0xc4..=0xc6 => Head::Bytes(self.length(first - 0xc4)?),
            0xc7..=0xc9 => Head::Extension(self.length(first - 0xc7)?),
            0xca => Head::Float(f32::from_bits(self.big_endian(4)? as u32).into()),
            0xcb => Head::Float(f64::from_bits(self.big_endian(8)?)),
            0xcc..=0xcf => Head::Unsigned(self.big_endian(1 << (first - 0xcc))?),
            0xd0 => signed(self.big_endian(1)? as i8),
            0xd1 => signed(self.big_endian(2)? as i16),
            0xd2 => signed(self.big_endian(4)? as i32),
            0xd3 => signed(self.big_endian(8)? as i64),
            0xd4..=0xd8 => Head::Extension(1 << (first - 0xd4)),
            0xd9..=0xdb => Head::Text(self.length(first - 0xd9)?),
            0xdc | 0xdd => Head::Array(self.length(first - 0xdc + 1)?),
            0xde | 0xdf => Head::Map(self.length(first - 0xde + 1)?),
            0xe0..=0xff => Head::Negative((first as i8).into()),
        })
    }

    /// Passes over one value of any kind and nesting.
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
                Head::Nil | Head::Boolean | Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => {}
            }
        }
        Ok(())
    }

    /// A length of 1, 2 or 4 bytes: `class` 0, 1 or 2.
    fn length(&mut self, class: u8) -> Result<u32, String> {
        Ok(self.big_endian(1 << class)? as u32)
    }

    fn big_endian(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
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
