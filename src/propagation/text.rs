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
    let digits: [u8; 16] = match text.try_into() {
        Ok(digits) => digits,
        Err(_) => padded(text)?,
    };
    let (high, low) = (half_of_hex(&digits, 0, upper), half_of_hex(&digits, 8, upper));
    let number = high.0 << 32 | low.0;
    // Whatever was no digit comes back as another text.
    (hex_half(high.0) == high.1 && hex_half(low.0) == low.1).then_some(number)
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

/// Turns eight digits into a number, all at once, and returns the digits in lower case as well. Each digit's value is its
/// last four bits, plus 9 for a letter.
#[inline]
fn half_of_hex(digits: &[u8; 16], at: usize, upper: Upper) -> (u64, u64) {
    let mut word = u64::from_be_bytes(digits[at..at + 8].try_into().unwrap_or_default());
    if upper == Upper::Taken {
        word |= (word & (EACH * 0x40)) >> 1;
    }
    let values = (word & (EACH * 0x0f)) + ((word >> 6 & EACH) * 9);
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    ((fours | fours >> 16) & 0xffff_ffff, word)
}

/// A one in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The eight digits of a number of 32 bits, the first one highest.
#[inline]
fn hex_half(number: u64) -> u64 {
    let fours = (number | number << 16) & 0x0000_ffff_0000_ffff;
    let pairs = (fours | fours << 8) & 0x00ff_00ff_00ff_00ff;
    let values = (pairs | pairs << 4) & (EACH * 0x0f);
    let letters = (values + EACH * 6) >> 4 & EACH;
    values + EACH * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10)
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
    digits[..8].copy_from_slice(&hex_half(number >> 32).to_be_bytes());
    digits[8..].copy_from_slice(&hex_half(number & 0xffff_ffff).to_be_bytes());
    digits
}

/// Writes a number in decimal into `room`, two digits at a time, and returns its digits.
#[inline]
pub fn decimal_of(mut number: u64, room: &mut [u8; 20]) -> &[u8] {
    let mut at = room.len();
    while number >= 10 && at >= 2 {
        let pair = (number % 100) as u8;
        number /= 100;
        at -= 2;
        (room[at], room[at + 1]) = (b'0' + pair / 10, b'0' + pair % 10);
    }
    if (number > 0 || at == room.len()) && at > 0 {
        at -= 1;
        room[at] = b'0' + number as u8;
    }
    &room[at..]
}

/// Finds a byte, eight at a time.
#[inline]
pub fn find(text: &[u8], wanted: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = text.get(at..at + 8) {
        let other = u64::from_le_bytes(word.try_into().unwrap_or_default()) ^ (EACH * u64::from(wanted));
        let zeros = other.wrapping_sub(EACH) & !other & (EACH * 0x80);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    text[at..].iter().position(|&byte| byte == wanted).map(|rest| at + rest)
}

/// Splits a text at the first `separator`: what is before, and what is behind if there is one.
#[inline]
pub fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match find(text, separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Visits the parts of a list.
#[inline]
pub fn each_part<'a>(text: &'a [u8], separator: u8, mut visit: impl FnMut(&'a [u8])) {
    let mut rest = Some(text);
    while let Some(list) = rest {
        let (part, after) = split(list, separator);
        visit(part);
        rest = after;
    }
}

/// Whether all bytes are printable ASCII or blanks.
#[inline]
pub fn is_printable(text: &[u8]) -> bool {
    // Without a way out, so that the compiler looks at many bytes at once.
    !text.iter().fold(false, |odd, &byte| odd | !(b' '..=b'~').contains(&byte))
}
