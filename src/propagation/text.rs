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

/// Reads a whole number of 64 bits in plain digits, eight at a time.
#[inline]
pub fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let (first, eights) = text.split_at(text.len() % 8);
    let mut number = 0u64;
    for &byte in first {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    for digits in eights.chunks_exact(8) {
        let eight = eight_digits(digits.try_into().unwrap_or_default())?;
        number = number.checked_mul(100_000_000)?.checked_add(eight)?;
    }
    Some(number)
}

/// Turns eight decimal digits into a number: pairs, then fours, then all.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let digits = u64::from_le_bytes(text) ^ (EACH * u64::from(b'0'));
    if (digits | digits.wrapping_add(EACH * (0x80 - 10))) & (EACH * 0x80) != 0 {
        return None;
    }
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
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
    (high.1 | low.1 == 0).then_some(high.0 << 32 | low.0)
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

/// Turns eight hexadecimal digits into a number, all at once. The second result is 0 if all of them are digits. Each
/// digit's value is its last four bits, plus 9 for a letter.
#[inline]
fn half_of_hex(digits: &[u8; 16], at: usize, upper: Upper) -> (u64, u64) {
    let mut word = u64::from_be_bytes(digits[at..at + 8].try_into().unwrap_or_default());
    if upper == Upper::Taken {
        word |= (word & (EACH * 0x40)) >> 1;
    }
    let letters = word >> 6 & EACH;
    let values = (word & (EACH * 0x0f)) + letters * 9;
    // A decimal digit is 0x3 and a value up to 9, a letter is 0x6 and one from 10 to 15.
    let above_nine = (values + EACH * 6) >> 4 & EACH;
    let odd = ((word & (EACH * 0xf0)) ^ ((EACH + letters) * 0x30)) | (above_nine ^ letters) | (values & (EACH * 0x10));
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    ((fours | fours >> 16) & 0xffff_ffff, odd)
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

/// Room for the decimal digits of any number.
pub type Digits = [u8; 24];

/// Writes a number in decimal into `room`, eight digits at a time, and returns its digits.
#[inline]
pub fn decimal_of(number: u64, room: &mut Digits) -> &[u8] {
    if number < 10 {
        room[0] = b'0' + number as u8;
        return &room[..1];
    }
    const EIGHT: u64 = 100_000_000;
    let words = [number / EIGHT / EIGHT, number / EIGHT % EIGHT, number % EIGHT].map(digits_of_eight);
    for (place, word) in room.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&(word | (EACH * u64::from(b'0'))).to_le_bytes());
    }
    let word = words.iter().position(|&word| word != 0).unwrap_or(2);
    let zeros = words[word].trailing_zeros() as usize / 8;
    &room[(word * 8 + zeros).min(23)..]
}

/// The values of the eight digits of a number below 100,000,000, the first one in the lowest byte.
#[inline]
fn digits_of_eight(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    // A hundredth and a tenth of each part, by multiplication.
    let hundredths = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundredths | (fours - hundredths * 100) << 16;
    let tenths = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tenths | (pairs - tenths * 10) << 8
}

/// Finds a byte, eight at a time.
#[inline]
pub fn find(text: &[u8], wanted: u8) -> Option<usize> {
    if text.len() < 8 {
        return text.iter().position(|&byte| byte == wanted);
    }
    let last = text.len() - 8;
    let mut at = 0;
    loop {
        let other = word_at(text, at) ^ (EACH * u64::from(wanted));
        let zeros = other.wrapping_sub(EACH) & !other & (EACH * 0x80);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        if at == last {
            return None;
        }
        at = (at + 8).min(last);
    }
}

/// Eight bytes as a number, the first one lowest.
#[inline(always)]
fn word_at(text: &[u8], at: usize) -> u64 {
    text.get(at..at + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes)
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

/// Whether all bytes are printable ASCII or blanks. Looks at eight at a time.
#[inline]
pub fn is_printable(text: &[u8]) -> bool {
    if text.len() < 8 {
        return text.iter().all(|byte| (b' '..=b'~').contains(byte));
    }
    let last = text.len() - 8;
    let (mut at, mut odd) = (0, 0);
    while odd & (EACH * 0x80) == 0 {
        let word = word_at(text, at);
        // The highest bit of a byte is set if it was, if the byte is below a blank, or if it is above a tilde.
        odd = word | word.wrapping_sub(EACH * 0x20) | word.wrapping_add(EACH);
        if at == last {
            break;
        }
        at = (at + 8).min(last);
    }
    odd & (EACH * 0x80) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_decimal_are_written_and_read() {
        for shift in 0..64 {
            for number in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift, 10u64.pow(shift % 20)] {
                let text = number.to_string();
                assert_eq!(decimal_of(number, &mut [0; 24]), text.as_bytes());
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
