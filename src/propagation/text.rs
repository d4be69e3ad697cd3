//! Numbers and blanks in texts of headers.

use crate::sys::sixteen::{bits, decimals_of, sixteen_decimals, sixteen_digits, BLOCK};

pub use crate::sys::sixteen::{hex_of, Upper};

/// Removes blanks and tabs at both ends.
#[inline]
pub fn trim(text: &[u8]) -> &[u8] {
    let is_blank = |byte: Option<&u8>| byte.is_some_and(|byte| *byte <= b' ');
    if is_blank(text.first()) || is_blank(text.last()) {
        return trim_blanks(text);
    }
    text
}

#[cold]
fn trim_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Reads a whole number of 64 bits in plain digits.
#[inline]
pub fn decimal(text: &[u8]) -> Option<u64> {
    let Some(last) = text.last_chunk::<16>() else { return few_digits(text) };
    let low = sixteen_decimals(last)?;
    match text.len() - 16 {
        0 => Some(low),
        count @ 1..=4 => up_to_four(text, count)?.checked_mul(10_000_000_000_000_000)?.checked_add(low),
        _ => None,
    }
}

/// Reads the first one to four digits of a text that has more.
#[inline(always)]
fn up_to_four(text: &[u8], count: usize) -> Option<u64> {
    let digits = (u32::from_le_bytes(*text.first_chunk()?) ^ 0x3030_3030) << (32 - 8 * count);
    if (digits | digits.wrapping_add(0x7676_7676)) & 0x8080_8080 != 0 {
        return None;
    }
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00ff_00ff;
    Some(u64::from((pairs * 100 + (pairs >> 16)) & 0xffff))
}

/// Reads up to 15 digits.
#[inline]
fn few_digits(text: &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    (!text.is_empty()).then_some(number)
}

/// Reads a whole number with an optional minus sign.
#[inline]
pub fn signed(text: &[u8]) -> Option<i32> {
    match text {
        [b'-', rest @ ..] => i32::try_from(-i64::try_from(decimal(rest)?).ok()?).ok().filter(|&n| n != i32::MIN),
        _ => i32::try_from(decimal(text)?).ok(),
    }
}

/// Reads up to 16 hexadecimal digits.
#[inline]
pub fn hex(text: &[u8], upper: Upper) -> Option<u64> {
    let digits: [u8; 16] = match text.try_into() {
        Ok(digits) => digits,
        Err(_) => padded(text)?,
    };
    sixteen_digits(&digits, upper)
}

/// Up to 16 digits with zeros before them.
fn padded(text: &[u8]) -> Option<[u8; 16]> {
    let mut digits = [b'0'; 16];
    let (_, place) = digits.split_at_mut(16usize.checked_sub(text.len())?);
    place.copy_from_slice(text);
    (!text.is_empty()).then_some(digits)
}

/// Reads two hexadecimal digits in lower case.
#[inline]
pub fn hex_byte(first: u8, second: u8) -> Option<u8> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    Some(value(first)? << 4 | value(second)?)
}

/// Room for the decimal digits of any number, and a NUL.
pub type Digits = [u8; 32];

/// Writes a number in decimal into `room`, which is zero, eight digits at a time, and returns its digits. Zeros follow.
#[inline]
pub fn decimal_of(number: u64, room: &mut Digits) -> &[u8] {
    if number < 10 {
        room[0] = b'0' + number as u8;
        return &room[..1];
    }
    const EIGHT: u64 = 100_000_000;
    let (above, last) = (number / EIGHT, number % EIGHT);
    let (top, middle) = (above / EIGHT, above % EIGHT);
    let digits = u128::from_le_bytes(decimals_of(middle as u32, last as u32));
    room[4..20].copy_from_slice(&(digits | u128::from_le_bytes([b'0'; 16])).to_le_bytes());
    // Zeros before the number are skipped.
    let zeros = match top {
        0 => 4 + digits.trailing_zeros() / 8,
        _ => {
            let four = four_digits(top as u32);
            room[..4].copy_from_slice(&(four | u32::from_le_bytes([b'0'; 4])).to_le_bytes());
            four.trailing_zeros() / 8
        }
    };
    &room[(zeros as usize).min(19)..20]
}

/// The values of the four digits of a number below 10,000, the first one in the lowest byte.
#[inline(always)]
fn four_digits(number: u32) -> u32 {
    let pairs = (number / 100) | (number % 100) << 16;
    let tens = (pairs * 103) >> 10 & 0x000f_000f;
    tens | (pairs - tens * 10) << 8
}

/// Finds a byte.
#[inline]
pub fn find(text: &[u8], wanted: u8) -> Option<usize> {
    for (block, at) in text.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        let bits = bits(block, |bytes| bytes.equal(wanted));
        if bits != 0 {
            return Some(at + bits.trailing_zeros() as usize);
        }
    }
    None
}

/// Splits a text at the first `separator`: what is before, and what is behind if there is one.
#[inline]
pub fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match find(text, separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Visits the parts of a list. Looks for the separators of 64 bytes at once.
#[inline(always)]
pub fn each_part<'a>(text: &'a [u8], separator: u8, mut visit: impl FnMut(&'a [u8])) {
    let mut start = 0;
    for (block, at) in text.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        let mut bits = bits(block, |bytes| bytes.equal(separator));
        while bits != 0 {
            let end = at + bits.trailing_zeros() as usize;
            visit(&text[start..end]);
            start = end + 1;
            bits &= bits - 1;
        }
    }
    visit(&text[start..]);
}

/// Whether all bytes are printable ASCII or blanks.
#[inline]
pub fn is_printable(text: &[u8]) -> bool {
    text.chunks(BLOCK).all(|block| bits(block, |bytes| bytes.unprintable()) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_decimal_are_written_and_read() {
        for shift in 0..64 {
            for number in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift, 10u64.pow(shift % 20)] {
                let text = number.to_string();
                assert_eq!(decimal_of(number, &mut Digits::default()), text.as_bytes());
                assert_eq!(decimal(text.as_bytes()), Some(number));
                assert_eq!(decimal(format!("{number:020}").as_bytes()), Some(number));
            }
        }
        for text in ["", "18446744073709551616", "99999999999999999999", "000000000000000000001", "-1", "1e3"] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn one_odd_byte_anywhere_is_no_digit() {
        for odd in 0..=255u8 {
            for at in 0..20 {
                let mut text = *b"12345678901234567890";
                text[at] = odd;
                let expected = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
                assert_eq!(decimal(&text), expected.filter(|_| odd != b'+'), "{odd} at {at}");
            }
            for at in 0..16 {
                let mut text = *b"0123456789abcdef";
                text[at] = odd;
                let expected = std::str::from_utf8(&text).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
                let expected = expected.filter(|_| text.iter().all(u8::is_ascii_hexdigit));
                assert_eq!(hex(&text, Upper::Taken), expected, "{odd} at {at}");
                assert_eq!(hex(&text, Upper::Refused), expected.filter(|_| !odd.is_ascii_uppercase()), "{odd} at {at}");
            }
        }
        assert_eq!(hex_of(0x0123_4567_89ab_cdef), *b"0123456789abcdef");
    }

    #[test]
    fn a_byte_is_found_at_every_place() {
        for length in 0..40usize {
            let mut text = vec![b'a'; length];
            assert!(find(&text, b',').is_none() && is_printable(&text));
            for at in 0..length {
                text[at] = b',';
                assert_eq!(find(&text, b','), Some(at));
                for byte in 0..=255 {
                    text[at] = byte;
                    assert_eq!(is_printable(&text), (b' '..=b'~').contains(&byte), "{byte} at {at}");
                }
                text[at] = b'a';
            }
        }
    }
}
