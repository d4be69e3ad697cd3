//! The parts of MessagePack that spans consist of: texts, numbers, blobs, and heads of maps and arrays. Texts are
//! written with the fewest bytes. Also sanitizes text from the host: repairs what is not UTF-8, and cuts it.

use crate::memory::{self, Draft, Room, Short};
use std::borrow::Cow;

/// Returns the encoded size of a text.
#[inline]
pub fn text_size(len: usize) -> usize {
    len + match len {
        0..=31 => 1,
        32..=255 => 2,
        256..=65_535 => 3,
        _ => 5,
    }
}

/// The encoded size of a float.
pub const FLOAT_SIZE: usize = 9;

/// The most bytes that the head of a text has.
pub const HEAD_MAX: usize = 5;

/// Puts a text into room for its length and [`HEAD_MAX`].
#[inline(always)]
pub fn put(room: &mut Room<'_>, bytes: &[u8]) {
    let len = bytes.len();
    match len {
        0..=31 => room.put_headed([0xa0 | len as u8], bytes),
        32..=255 => room.put_headed([0xd9, len as u8], bytes),
        _ => put_long(room, bytes),
    }
}

/// The same for a text that is usually short, with less code.
#[inline(always)]
pub fn put_key(room: &mut Room<'_>, bytes: &[u8]) {
    let len = bytes.len();
    match len {
        0..=31 => room.put_headed([0xa0 | len as u8], bytes),
        32..=255 => {
            room.put_fixed([0xd9, len as u8]);
            room.put_block(bytes);
        }
        _ => put_long(room, bytes),
    }
}

/// Puts a text behind `front`, into room for both and [`HEAD_MAX`].
#[inline(always)]
pub fn put_behind<const N: usize>(room: &mut Room<'_>, front: [u8; N], text: &[u8]) {
    let len = text.len();
    if len > 255 {
        room.put_fixed(front);
        return put_long(room, text);
    }
    room.put_behind(front, (len <= 31).then_some(0xa0 | len as u8), [0xd9, len as u8], text);
}

// Inlined, because room that a function gets a reference to cannot stay in registers.
#[inline(always)]
fn put_long(room: &mut Room<'_>, bytes: &[u8]) {
    let len = bytes.len();
    if len <= 65_535 {
        let [a, b] = (len as u16).to_be_bytes();
        room.put_fixed([0xda, a, b]);
    } else {
        let [a, b, c, d] = (len as u32).to_be_bytes();
        room.put_fixed([0xdb, a, b, c, d]);
    }
    room.put_block(bytes);
}

/// Puts a pair of texts into a draft. Returns false, and puts nothing, if the key is long or there is no room.
#[inline(always)]
pub fn draft_pair(draft: &mut Draft<'_>, key: Short<'_>, value: Short<'_>) -> bool {
    let (head, len) = (0xa0 | key.len() as u8, value.len() as u8);
    key.len() <= 31 && draft.put_two((head, key), ((len <= 31).then_some(0xa0 | len), [0xd9, len], value))
}

/// Puts a key and a number in the same way.
#[inline(always)]
pub fn draft_number(draft: &mut Draft<'_>, key: Short<'_>, value: f64) -> bool {
    key.len() <= 31 && draft.put_before((0xa0 | key.len() as u8, key), encoded_number(value))
}

#[inline(always)]
fn encoded_number(value: f64) -> [u8; FLOAT_SIZE] {
    let mut number = [0xcb; FLOAT_SIZE];
    number[1..].copy_from_slice(&value.to_bits().to_be_bytes());
    number
}

/// Puts a 64-bit float into [`FLOAT_SIZE`] bytes of room.
#[inline(always)]
pub fn put_float(room: &mut Room<'_>, value: f64) {
    room.put_fixed([0xcb]);
    room.put_fixed(value.to_bits().to_be_bytes());
}

/// Writes a text into its [`text_size`] bytes. Returns whether all of it is ASCII.
#[inline(always)]
pub fn text(out: &mut [u8], bytes: &[u8]) -> bool {
    let len = bytes.len();
    if len <= 31 && out.len() == len + 1 {
        out[0] = 0xa0 | len as u8;
        return memory::copy_ascii(&mut out[1..], bytes);
    }
    let (head, body) = out.split_at_mut(out.len().saturating_sub(len));
    match head {
        [head, one] => (*head, *one) = (0xd9, len as u8),
        [head, one, two] => (*head, [*one, *two]) = (0xda, (len as u16).to_be_bytes()),
        [head, rest @ ..] if rest.len() == 4 => {
            *head = 0xdb;
            rest.copy_from_slice(&(len as u32).to_be_bytes());
        }
        _ => return false,
    }
    memory::copy_ascii(body, bytes)
}

/// Writes the head of a text of this length into its [`text_size`] bytes, and returns the room for the text.
#[inline]
pub fn text_head(out: &mut [u8], len: usize) -> &mut [u8] {
    let (head, body) = out.split_at_mut(out.len().saturating_sub(len));
    match head {
        [head] => *head = 0xa0 | len as u8,
        [head, one] => (*head, *one) = (0xd9, len as u8),
        [head, one, two] => (*head, [*one, *two]) = (0xda, (len as u16).to_be_bytes()),
        [head, rest @ ..] if rest.len() == 4 => {
            *head = 0xdb;
            rest.copy_from_slice(&(len as u32).to_be_bytes());
        }
        _ => {}
    }
    body
}

/// Writes a 64-bit float into its [`FLOAT_SIZE`] bytes.
#[inline]
pub fn float(out: &mut [u8], value: f64) {
    if let Some((head, body)) = out.split_first_mut() {
        *head = 0xcb;
        memory::copy(body, &value.to_bits().to_be_bytes());
    }
}

/// The head of a signed integer of 64 bits.
pub const INTEGER: u8 = 0xd3;
/// The head of an unsigned integer of 64 bits.
pub const UNSIGNED: u8 = 0xcf;

/// Writes an integer of 64 bits with this head into its nine bytes.
pub fn word(out: &mut [u8], head: u8, value: u64) {
    if let Some((first, body)) = out.split_first_mut() {
        *first = head;
        memory::copy(body, &value.to_be_bytes());
    }
}

/// Reads an integer that [`word`] wrote with this head.
pub fn read_word(head: u8, run: &[u8]) -> Option<(u64, &[u8])> {
    let bytes: [u8; 8] = run.get(1..9)?.try_into().ok()?;
    (run[0] == head).then(|| (u64::from_be_bytes(bytes), &run[9..]))
}

/// Formats a number with the fewest digits that are exact: `1`, `42.5`, `1e300`, `NaN`.
pub fn shortest(value: f64) -> String {
    if value.is_finite() && value != 0.0 && !(1e-5..1e16).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// Returns the encoded size of a blob.
pub fn blob_size(len: usize) -> usize {
    len + 5
}

/// Writes a blob into its [`blob_size`] bytes. Always uses the long form, because blobs are rare and large.
pub fn blob(out: &mut [u8], bytes: &[u8]) {
    let (head, body) = out.split_at_mut(5);
    head[0] = 0xc6;
    head[1..].copy_from_slice(&(bytes.len() as u32).to_be_bytes());
    body.copy_from_slice(bytes);
}

/// Returns the head of an array of `len` elements in the form of fixed size, which can be corrected later.
pub fn array_head(len: usize) -> [u8; 5] {
    let [a, b, c, d] = (len as u32).to_be_bytes();
    [0xdd, a, b, c, d]
}

/// Returns the head of a map of `len` pairs in the form of fixed size.
pub fn map_head(len: usize) -> [u8; 3] {
    let [a, b] = (len.min(65_535) as u16).to_be_bytes();
    [0xde, a, b]
}

/// Reads a text that [`text`] wrote. Returns its bytes and what follows, or `None` if the run is cut short.
#[inline]
pub fn read_text(run: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&head, rest) = run.split_first()?;
    let (len, rest) = match head {
        0xa0..=0xbf => (usize::from(head & 0x1f), rest),
        0xd9 => (usize::from(*rest.first()?), &rest[1..]),
        0xda => (usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?)), &rest[2..]),
        0xdb => (u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize, &rest[4..]),
        _ => return None,
    };
    (len <= rest.len()).then(|| rest.split_at(len))
}

/// Reads a float that [`float`] wrote.
#[inline]
pub fn read_float(run: &[u8]) -> Option<(f64, &[u8])> {
    let bytes: [u8; 8] = run.get(1..9)?.try_into().ok()?;
    (run[0] == 0xcb).then(|| (f64::from_bits(u64::from_be_bytes(bytes)), &run[9..]))
}

/// Reads a blob that [`blob`] wrote.
pub fn read_blob(run: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = u32::from_be_bytes(run.get(1..5)?.try_into().ok()?) as usize;
    (run[0] == 0xc6 && run.len() - 5 >= len).then(|| run[5..].split_at(len))
}

/// What [`sanitize`] changed in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sanitized {
    /// Invalid UTF-8 was replaced with U+FFFD.
    pub repaired: bool,
    /// The text was cut to the limit.
    pub cut: bool,
}

impl Sanitized {
    /// What was changed in either of two texts.
    pub fn and(self, other: Sanitized) -> Sanitized {
        Sanitized { repaired: self.repaired | other.repaired, cut: self.cut | other.cut }
    }
}

/// Returns the text as UTF-8 of at most `max` bytes, cut between characters.
#[cold]
pub fn sanitize(bytes: &[u8], max: usize) -> (Cow<'_, [u8]>, Sanitized) {
    let kept = cut_at_character(bytes, max);
    let mut sanitized = Sanitized { repaired: false, cut: kept.len() < bytes.len() };
    if std::str::from_utf8(kept).is_ok() {
        return (Cow::Borrowed(kept), sanitized);
    }
    sanitized.repaired = true;
    let repaired = String::from_utf8_lossy(kept).into_owned().into_bytes();
    let fits = cut_at_character(&repaired, max).len();
    sanitized.cut |= fits < repaired.len();
    let mut repaired = repaired;
    repaired.truncate(fits);
    (Cow::Owned(repaired), sanitized)
}

fn cut_at_character(bytes: &[u8], max: usize) -> &[u8] {
    if bytes.len() <= max {
        return bytes;
    }
    // Removes at most three more bytes of valid UTF-8; a longer row of continuation bytes is not valid anyway.
    let whole = (max.saturating_sub(3)..=max).rev().find(|&end| bytes[end] & 0xc0 != 0x80);
    &bytes[..whole.unwrap_or(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_class_come_back() {
        for len in [0, 1, 31, 32, 255, 256, 65_535, 65_536] {
            let written = vec![b'x'; len];
            let mut out = vec![0; text_size(len)];
            text(&mut out, &written);
            assert_eq!(rmpv::decode::read_value(&mut &out[..]).unwrap().as_str().unwrap().len(), len);
            out.extend_from_slice(b"rest");
            assert_eq!(read_text(&out), Some((&written[..], &b"rest"[..])));
        }
    }

    #[test]
    fn numbers_and_blobs_come_back() {
        let mut out = [0; FLOAT_SIZE];
        float(&mut out, 42.5);
        assert_eq!(read_float(&out), Some((42.5, &b""[..])));
        let mut out = vec![0; blob_size(3)];
        blob(&mut out, b"abc");
        assert_eq!(read_blob(&out), Some((&b"abc"[..], &b""[..])));
        assert_eq!(rmpv::decode::read_value(&mut &out[..]).unwrap().as_slice(), Some(&b"abc"[..]));
    }

    #[test]
    fn a_byte_that_is_not_ascii_is_seen_wherever_it_is() {
        for len in 0..300 {
            let mut out = vec![0; text_size(len)];
            assert!(text(&mut out, &vec![0x7f; len]));
            for at in 0..len {
                let mut bytes = vec![0x7f; len];
                bytes[at] = 0x80;
                assert!(!text(&mut out, &bytes), "{at} of {len}");
            }
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_kept_and_repaired() {
        let (text, sanitized) = sanitize(b"caf\xc3\xa9 \xff!", 100);
        assert_eq!(&text[..], "café \u{fffd}!".as_bytes());
        assert_eq!(sanitized, Sanitized { repaired: true, cut: false });
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let (text, sanitized) = sanitize("ééé".as_bytes(), 3);
        assert_eq!(&text[..], "é".as_bytes());
        assert_eq!(sanitized, Sanitized { repaired: false, cut: true });
        let (text, sanitized) = sanitize(&[0xff; 40], 20);
        assert!(text.len() <= 20 && std::str::from_utf8(&text).is_ok());
        assert!(sanitized.repaired && sanitized.cut);
        let (text, _) = sanitize(&[0x80; 40], 20);
        assert!(text.len() <= 20 && std::str::from_utf8(&text).is_ok());
    }

    #[test]
    fn a_run_cut_short_reads_as_nothing() {
        for run in [&b""[..], b"\xa5abc", b"\xd9", b"\xda\x00", b"\xdb\x00\x00\x01", b"\xc0"] {
            assert_eq!(read_text(run), None, "{run:?}");
        }
    }
}
