//! Numbers and blanks in texts of headers.

/// Removes blanks and tabs at both ends.
#[inline]
pub fn trim(mut text: &[u8]) -> &[u8] {
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
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let mut number = 0u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(digit.into())?;
    }
    Some(number)
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
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let mut number = 0;
    for &byte in text {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' if upper == Upper::Taken => byte - b'A' + 10,
            _ => return None,
        };
        number = number << 4 | u64::from(digit);
    }
    Some(number)
}

/// Whether capital letters are digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Upper {
    Taken,
    Refused,
}

/// The 16 hexadecimal digits of a number.
#[inline]
pub fn hex_of(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (n, digit) in digits.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (60 - 4 * n)) as usize & 15];
    }
    digits
}

/// Writes a number in decimal into `room`, and returns its digits.
#[inline]
pub fn decimal_of(mut number: u64, room: &mut [u8; 20]) -> &[u8] {
    let mut at = room.len();
    while at > 0 {
        at -= 1;
        room[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    &room[at..]
}

/// Splits a text at the first `separator`: what is before, and what is behind if there is one.
#[inline]
pub fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Visits the parts of a list.
#[inline]
pub fn each_part<'a>(text: &'a [u8], separator: u8, mut visit: impl FnMut(&'a [u8])) {
    text.split(|&byte| byte == separator).for_each(&mut visit);
}

/// Whether all bytes are printable ASCII or blanks.
#[inline]
pub fn is_printable(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' '..=b'~'))
}
