//! MessagePack as spans are made of it: texts, numbers and the heads of maps and arrays, written with as few bytes as
//! the format allows, and read back where a record is visited. Also the repair and cutting of text from outside. What
//! is written where is for others.

use std::borrow::Cow;

/// The longest head of a text: one byte of type, four of length.
pub const TEXT_HEAD_MAX: usize = 5;

/// The encoded size of a text.
#[inline]
pub fn text_size(len: usize) -> usize {
    len + match len {
        0..=31 => 1,
        32..=255 => 2,
        256..=65_535 => 3,
        _ => 5,
    }
}

/// Appends a text. Room was made by the caller; without it the vector grows, which is right but not counted.
#[inline]
pub fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = bytes.len();
    match len {
        0..=31 => out.push(0xa0 | len as u8),
        32..=255 => out.extend_from_slice(&[0xd9, len as u8]),
        256..=65_535 => out.extend_from_slice(&[0xda, (len >> 8) as u8, len as u8]),
        _ => {
            out.push(0xdb);
            out.extend_from_slice(&(len as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

/// Appends a 64-bit float.
#[inline]
pub fn float(out: &mut Vec<u8>, value: f64) {
    let mut bytes = [0xcb; 9];
    bytes[1..].copy_from_slice(&value.to_bits().to_be_bytes());
    out.extend_from_slice(&bytes);
}

/// Appends an unsigned number in its shortest form.
#[inline]
pub fn unsigned(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x7f => out.push(value as u8),
        0x80..=0xff => out.extend_from_slice(&[0xcc, value as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            let mut bytes = [0xcf; 9];
            bytes[1..].copy_from_slice(&value.to_be_bytes());
            out.extend_from_slice(&bytes);
        }
    }
}

/// Appends a signed number.
#[inline]
pub fn signed(out: &mut Vec<u8>, value: i64) {
    if value >= 0 {
        return unsigned(out, value as u64);
    }
    out.push(0xd3);
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends the head of a map with `len` pairs.
#[inline]
pub fn map(out: &mut Vec<u8>, len: usize) {
    match len {
        0..=15 => out.push(0x80 | len as u8),
        16..=65_535 => out.extend_from_slice(&[0xde, (len >> 8) as u8, len as u8]),
        _ => {
            out.push(0xdf);
            out.extend_from_slice(&(len as u32).to_be_bytes());
        }
    }
}

/// Appends the head of a blob of `len` bytes; always the long form, since blobs are rare and large.
pub fn blob_head(out: &mut Vec<u8>, len: usize) {
    out.push(0xc6);
    out.extend_from_slice(&(len as u32).to_be_bytes());
}

/// Appends a head for an array of `len` elements in the form of fixed size, so that it can be corrected later.
pub fn array_fixed(out: &mut Vec<u8>, len: usize) {
    out.push(0xdd);
    out.extend_from_slice(&(len as u32).to_be_bytes());
}

/// Corrects the length of an array whose head [`array_fixed`] wrote at `at`.
pub fn array_fix(out: &mut [u8], at: usize, len: usize) {
    if let Some(place) = out.get_mut(at + 1..at + 5) {
        place.copy_from_slice(&(len as u32).to_be_bytes());
    }
}

/// Reads a text that [`text`] wrote: its bytes and what follows. Nothing of a run cut short.
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

/// Reads a blob that [`blob_head`] introduced.
pub fn read_blob(run: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = u32::from_be_bytes(run.get(1..5)?.try_into().ok()?) as usize;
    (run[0] == 0xc6 && run.len() - 5 >= len).then(|| run[5..].split_at(len))
}

/// A text from outside, made fit to be sent: what was done to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Bytes that were not UTF-8 became U+FFFD.
    pub repaired: bool,
    /// What was beyond the limit is gone.
    pub cut: bool,
}

/// The text as UTF-8 of at most `max` bytes, cut at a character.
#[inline]
pub fn mend(bytes: &[u8], max: usize) -> (Cow<'_, [u8]>, Mended) {
    if bytes.len() <= max && is_ascii(bytes) {
        return (Cow::Borrowed(bytes), Mended::default());
    }
    mend_slowly(bytes, max)
}

#[cold]
fn mend_slowly(bytes: &[u8], max: usize) -> (Cow<'_, [u8]>, Mended) {
    let kept = cut_at_character(bytes, max);
    let mut mended = Mended { repaired: false, cut: kept.len() < bytes.len() };
    if std::str::from_utf8(kept).is_ok() {
        return (Cow::Borrowed(kept), mended);
    }
    mended.repaired = true;
    let repaired = String::from_utf8_lossy(kept).into_owned().into_bytes();
    let fits = cut_at_character(&repaired, max).len();
    mended.cut |= fits < repaired.len();
    let mut repaired = repaired;
    repaired.truncate(fits);
    (Cow::Owned(repaired), mended)
}

fn cut_at_character(bytes: &[u8], max: usize) -> &[u8] {
    if bytes.len() <= max {
        return bytes;
    }
    // Of valid text at most three bytes go; more continuation bytes in a row are not a character anyway.
    let whole = (max.saturating_sub(3)..=max).rev().find(|&end| bytes[end] & 0xc0 != 0x80);
    &bytes[..whole.unwrap_or(max)]
}

/// Whether all bytes are ASCII: sixteen at a time, which for short texts beats the general check of UTF-8.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let mut chunks = bytes.chunks_exact(16);
    let mut seen = 0u64;
    for chunk in &mut chunks {
        let (low, high) = chunk.split_at(8);
        seen |= u64::from_ne_bytes(low.try_into().unwrap_or([0x80; 8]));
        seen |= u64::from_ne_bytes(high.try_into().unwrap_or([0x80; 8]));
    }
    for &byte in chunks.remainder() {
        seen |= u64::from(byte);
    }
    seen & 0x8080_8080_8080_8080 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_class_come_back() {
        for len in [0, 1, 31, 32, 255, 256, 65_535, 65_536] {
            let (written, mut out) = (vec![b'x'; len], Vec::new());
            text(&mut out, &written);
            assert_eq!(out.len(), text_size(len));
            out.extend_from_slice(b"rest");
            assert_eq!(read_text(&out), Some((&written[..], &b"rest"[..])));
            assert_eq!(rmpv::decode::read_value(&mut &out[..]).unwrap().as_str().unwrap().len(), len);
        }
    }

    #[test]
    fn numbers_of_every_class_come_back() {
        for value in [0, 1, 127, 128, 255, 256, 65_535, 65_536, u32::MAX as u64, 1 << 32, u64::MAX] {
            let mut out = Vec::new();
            unsigned(&mut out, value);
            assert_eq!(rmpv::decode::read_value(&mut &out[..]).unwrap().as_u64(), Some(value));
        }
        for value in [i64::MIN, -1, 0, 1, i64::MAX] {
            let mut out = Vec::new();
            signed(&mut out, value);
            assert_eq!(rmpv::decode::read_value(&mut &out[..]).unwrap().as_i64(), Some(value));
        }
        let mut out = Vec::new();
        float(&mut out, 42.5);
        assert_eq!(read_float(&out), Some((42.5, &b""[..])));
    }

    #[test]
    fn text_that_is_not_utf8_is_kept_and_repaired() {
        let (text, mended) = mend(b"caf\xc3\xa9 \xff!", 100);
        assert_eq!(&text[..], "café \u{fffd}!".as_bytes());
        assert_eq!(mended, Mended { repaired: true, cut: false });
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let (text, mended) = mend("ééé".as_bytes(), 3);
        assert_eq!(&text[..], "é".as_bytes());
        assert_eq!(mended, Mended { repaired: false, cut: true });
        let (text, mended) = mend(&[0xff; 40], 20);
        assert!(text.len() <= 20 && std::str::from_utf8(&text).is_ok());
        assert!(mended.repaired && mended.cut);
        let (text, _) = mend(&[0x80; 40], 20);
        assert!(text.len() <= 20 && std::str::from_utf8(&text).is_ok());
    }

    #[test]
    fn a_run_cut_short_reads_as_nothing() {
        for run in [&b""[..], b"\xa5abc", b"\xd9", b"\xda\x00", b"\xdb\x00\x00\x01", b"\xc0"] {
            assert_eq!(read_text(run), None, "{run:?}");
        }
    }
}
