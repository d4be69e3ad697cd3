//! The parts of Protocol Buffers that OTLP consists of.

use super::encoder::put;
use crate::memory::{Buffer, Full};

/// The key of a field: its number and how its value is encoded. Only for numbers below 16.
pub(super) const fn key(field: u8, wire: u8) -> u8 {
    field << 3 | wire
}

/// Appends a byte and a number.
#[inline(never)]
pub(super) fn put_tagged(out: &mut Buffer, tag: u8, mut value: u64) -> Result<(), Full> {
    let mut room = out.room_beyond(11)?;
    room.put_fixed([tag]);
    while value > 0x7f {
        room.put_fixed([value as u8 | 0x80]);
        value >>= 7;
    }
    room.put_fixed([value as u8]);
    Ok(())
}

/// Appends a field with a number.
pub(super) fn put_number(out: &mut Buffer, field: u8, value: u64) -> Result<(), Full> {
    put_tagged(out, key(field, 0), value)
}

/// Appends a field with eight bytes.
#[inline(never)]
pub(super) fn put_fixed(out: &mut Buffer, field: u8, value: u64) -> Result<(), Full> {
    let mut room = out.room_beyond(9)?;
    room.put_fixed([key(field, 1)]);
    room.put_fixed(value.to_le_bytes());
    Ok(())
}

/// Appends a field with bytes or a text.
#[inline(never)]
pub(super) fn put_bytes(out: &mut Buffer, field: u8, bytes: &[u8]) -> Result<(), Full> {
    if bytes.len() <= 0x7f {
        out.room_beyond(2 + bytes.len())?.put_headed([key(field, 2), bytes.len() as u8], bytes);
        return Ok(());
    }
    put_tagged(out, key(field, 2), bytes.len() as u64)?;
    put(out, bytes)
}

/// A message whose length is known only at the end. It is written with four bytes, of which the last ones may add nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message(usize);

const LENGTH: usize = 4;

impl Message {
    /// Begins the message of a field.
    #[inline(never)]
    pub(super) fn begin(out: &mut Buffer, field: u8) -> Result<Message, Full> {
        put(out, &[key(field, 2), 0x80, 0x80, 0x80, 0])?;
        Ok(Message(out.len()))
    }

    /// Ends it here.
    #[inline(never)]
    pub(super) fn end(self, out: &mut Buffer) {
        let length = (out.len() - self.0) as u32;
        if let Some([one, two, three, four, ..]) = out.bytes_mut().get_mut(self.0 - LENGTH..) {
            let seven = |n: u32| (length >> (7 * n)) as u8;
            (*one, *two, *three, *four) = (seven(0) | 0x80, seven(1) | 0x80, seven(2) | 0x80, seven(3) & 0x7f);
        }
    }
}

/// Returns the number in a field of a message, and the bytes of another one. Skips all others; `None` where the bytes are no
/// message.
pub fn read(mut bytes: &[u8], number: u8, text: u8) -> Option<(u64, &[u8])> {
    let mut found = (0, &[][..]);
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let field = tag >> 3;
        match tag & 7 {
            0 => {
                let value = varint(&mut bytes)?;
                found.0 = if field == u64::from(number) { value } else { found.0 };
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                found.1 = if field == u64::from(text) { value } else { found.1 };
            }
            wire @ (1 | 5) => bytes = bytes.get(if wire == 1 { 8 } else { 4 }..)?,
            _ => return None,
        }
    }
    Some(found)
}

/// Takes a number off the front of the bytes. `None` if it is cut off or too long.
pub fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_back_among_others() {
        let mut out = Buffer::new();
        put_number(&mut out, 3, 1).unwrap();
        put_fixed(&mut out, 4, 7).unwrap();
        put_number(&mut out, 1, u64::MAX).unwrap();
        let message = Message::begin(&mut out, 2).unwrap();
        put(&mut out, &[b'x'; 300]).unwrap();
        message.end(&mut out);
        assert_eq!(read(out.bytes(), 1, 2), Some((u64::MAX, &[b'x'; 300][..])));
        assert_eq!(read(&out.bytes()[..out.len() - 1], 1, 2), None);
        assert_eq!(read(b"", 1, 2), Some((0, &b""[..])));
        assert_eq!(read(b"<html>", 1, 2), None);
        for value in [0, 1, 127, 128, 1 << 40] {
            let mut out = Buffer::new();
            put_number(&mut out, 1, value).unwrap();
            assert_eq!(read(out.bytes(), 1, 2), Some((value, &b""[..])));
        }
    }
}
