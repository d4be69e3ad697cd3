//! Parts of MessagePack for the formats whose numbers and heads take the fewest bytes.

use super::encoder::put;
use crate::memory::{Buffer, Full, Room};
use crate::span::encode;

/// Appends an unsigned number.
#[inline(never)]
pub(super) fn put_unsigned(out: &mut Buffer, value: u64) -> Result<(), Full> {
    put_number(&mut out.room_beyond(9)?, value);
    Ok(())
}

/// Puts an unsigned number into room for nine bytes.
#[inline(always)]
pub(super) fn put_number(room: &mut Room<'_>, value: u64) {
    match value {
        0..=0x7f => room.put_fixed([value as u8]),
        0x80..=0xff => room.put_fixed([0xcc, value as u8]),
        0x100..=0xffff => {
            room.put_fixed([0xcd]);
            room.put_fixed((value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            room.put_fixed([0xce]);
            room.put_fixed((value as u32).to_be_bytes());
        }
        _ => {
            room.put_fixed([0xcf]);
            room.put_fixed(value.to_be_bytes());
        }
    }
}

/// Appends a few bytes.
#[inline(never)]
pub(super) fn put_few(out: &mut Buffer, bytes: &[u8]) -> Result<(), Full> {
    put(out, bytes)
}

/// Appends a number with a sign.
pub(super) fn put_signed(out: &mut Buffer, value: i64) -> Result<(), Full> {
    match u64::try_from(value) {
        Ok(value) => put_unsigned(out, value),
        Err(_) => put_word(out, encode::INTEGER, value as u64),
    }
}

/// Appends eight bytes behind a head.
#[inline(never)]
pub(super) fn put_word(out: &mut Buffer, head: u8, value: u64) -> Result<(), Full> {
    let mut room = out.room_beyond(9)?;
    room.put_fixed([head]);
    room.put_fixed(value.to_be_bytes());
    Ok(())
}

/// Appends bytes as a blob.
pub(super) fn put_blob(out: &mut Buffer, bytes: &[u8]) -> Result<(), Full> {
    match bytes.len() {
        len @ 0..=0xff => put_few(out, &[0xc4, len as u8])?,
        len => {
            let [a, b, c, d] = (len as u32).to_be_bytes();
            put_few(out, &[0xc6, a, b, c, d])?;
        }
    }
    put_few(out, bytes)
}

/// The head of a map or an array whose number of elements is known only at the end. It takes the bytes that the largest
/// number needs.
pub(super) struct Head {
    at: usize,
    /// The first byte of the short form.
    short: u8,
    size: usize,
}

impl Head {
    /// Appends the head of a map that gets at most so many pairs.
    pub(super) fn map(out: &mut Buffer, most: usize) -> Result<Head, Full> {
        Head::begin(out, 0x80, most)
    }

    /// Appends the head of an array that gets at most so many elements.
    pub(super) fn array(out: &mut Buffer, most: usize) -> Result<Head, Full> {
        Head::begin(out, 0x90, most)
    }

    /// The head of an array that is there already and has three bytes.
    pub(super) fn long_array(at: usize) -> Head {
        Head { at, short: 0x90, size: 3 }
    }

    #[inline(never)]
    fn begin(out: &mut Buffer, short: u8, most: usize) -> Result<Head, Full> {
        let size = match most {
            0..=15 => 1,
            16..=0xffff => 3,
            _ => 5,
        };
        let at = out.len();
        out.room_beyond(5)?.put_fixed([0; 5]);
        out.truncate(at + size);
        Ok(Head { at, short, size })
    }

    /// Completes it.
    #[inline(never)]
    pub(super) fn end(self, out: &mut Buffer, count: usize) {
        let [a, b, c, d] = (count as u32).to_be_bytes();
        // 0xdc and 0xdd are arrays, 0xde and 0xdf maps.
        let long = if self.short == 0x80 { 0xde } else { 0xdc };
        match out.bytes_mut().get_mut(self.at..) {
            Some([head, ..]) if self.size == 1 => *head = self.short | d,
            Some([head, one, two, ..]) if self.size == 3 => (*head, *one, *two) = (long, c, d),
            Some([head, one, two, three, four, ..]) => {
                (*head, *one, *two, *three, *four) = (long + 1, a, b, c, d);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmpv::Value;

    fn read(fill: impl FnOnce(&mut Buffer) -> Result<(), Full>) -> Value {
        let mut out = Buffer::new();
        fill(&mut out).unwrap();
        let mut rest = out.bytes();
        let value = rmpv::decode::read_value(&mut rest).unwrap();
        assert!(rest.is_empty());
        value
    }

    #[test]
    fn numbers_and_blobs_of_every_width_are_read_back() {
        for shift in 0..64 {
            for value in [(1u64 << shift) - 1, 1 << shift, (1 << shift) + 1] {
                assert_eq!(read(|out| put_unsigned(out, value)).as_u64(), Some(value));
                for value in [value as i64, (value as i64).wrapping_neg()] {
                    assert_eq!(read(|out| put_signed(out, value)).as_i64(), Some(value));
                }
            }
        }
        for len in [0, 1, 255, 256, 70_000] {
            let bytes = vec![7; len];
            assert_eq!(read(|out| put_blob(out, &bytes)).as_slice(), Some(&bytes[..]));
        }
    }

    #[test]
    fn heads_hold_every_number_up_to_their_largest() {
        for most in [0, 1, 15, 16, 65_535, 65_536] {
            for count in [0, 1, most] {
                let count = count.min(most);
                let array = read(|out| {
                    let head = Head::array(out, most)?;
                    put(out, &vec![1; count])?;
                    head.end(out, count);
                    Ok(())
                });
                assert_eq!(array.as_array().map(Vec::len), Some(count));
                let map = read(|out| {
                    let head = Head::map(out, most)?;
                    put(out, &vec![1; 2 * count])?;
                    head.end(out, count);
                    Ok(())
                });
                assert_eq!(map.as_map().map(Vec::len), Some(count));
            }
        }
    }
}
