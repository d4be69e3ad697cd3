//! With words of 8 bytes.

use super::Upper;

/// A one in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Sixteen bytes.
#[derive(Clone, Copy)]
pub struct Sixteen([u64; 2]);

impl Sixteen {
    #[inline(always)]
    pub fn of(bytes: &[u8; 16]) -> Sixteen {
        let both = u128::from_le_bytes(*bytes);
        Sixteen([both as u64, (both >> 64) as u64])
    }

    /// The bytes of two words, each with its first byte lowest.
    #[cfg_attr(test, expect(dead_code))]
    #[inline(always)]
    pub fn of_words(first: u64, second: u64) -> Sixteen {
        Sixteen([first, second])
    }

    /// Which bytes are this one.
    #[inline(always)]
    pub fn equal(self, byte: u8) -> u32 {
        self.which(|word| {
            let other = word ^ (EACH * u64::from(byte));
            // The highest bit of a byte is set if one of its lower bits is.
            !(((other & (EACH * 0x7f)) + EACH * 0x7f) | other)
        })
    }

    /// Which bytes are neither a blank nor visible ASCII.
    #[inline(always)]
    pub fn unprintable(self) -> u32 {
        self.which(|word| {
            let low = word & (EACH * 0x7f);
            // The highest bit of a byte is set if it was, if the byte is not below a blank, and if it is above a tilde.
            word | !(low + EACH * 0x60) | (low + EACH)
        })
    }

    /// One bit for the highest one of each byte.
    #[inline(always)]
    fn which(self, highest: impl Fn(u64) -> u64) -> u32 {
        let [first, second] = self.0.map(|word| {
            let ones = highest(word) >> 7 & EACH;
            (ones.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
        });
        first | second << 8
    }
}

/// Reads 16 hexadecimal digits.
#[inline(always)]
pub fn sixteen_digits(digits: &[u8; 16], upper: Upper) -> Option<u64> {
    let (high, low) = (half_of_hex(digits, 0, upper), half_of_hex(digits, 8, upper));
    (high.1 | low.1 == 0).then_some(high.0 << 32 | low.0)
}

/// Turns eight hexadecimal digits into a number, all at once. The second result is 0 if all of them are digits. Each
/// digit's value is its last four bits, plus 9 for a letter.
#[inline(always)]
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

/// Reads 16 decimal digits.
#[inline(always)]
pub fn sixteen_decimals(digits: &[u8; 16]) -> Option<u64> {
    let both = u128::from_le_bytes(*digits);
    let [first, second] = [both as u64, (both >> 64) as u64].map(|text| text ^ (EACH * u64::from(b'0')));
    let odd = |digits: u64| digits | digits.wrapping_add(EACH * (0x80 - 10));
    if (odd(first) | odd(second)) & (EACH * 0x80) != 0 {
        return None;
    }
    Some(eight_decimals(first) * 100_000_000 + eight_decimals(second))
}

/// Turns the values of eight decimal digits into a number: pairs, then fours, then all.
#[inline(always)]
fn eight_decimals(digits: u64) -> u64 {
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

/// The values of the 16 decimal digits of two numbers below 100,000,000.
#[inline(always)]
pub fn decimals_of(first: u32, second: u32) -> [u8; 16] {
    let [first, second] = [first, second].map(|number| u128::from(eight_of(number.into())));
    (first | second << 64).to_le_bytes()
}

/// The values of the eight digits of a number below 100,000,000, the first one in the lowest byte.
#[inline(always)]
fn eight_of(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    // A hundredth and a tenth of each part, by multiplication.
    let hundredths = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundredths | (fours - hundredths * 100) << 16;
    let tenths = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tenths | (pairs - tenths * 10) << 8
}

/// The 16 hexadecimal digits of a number.
#[inline(always)]
pub fn hex_of(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    digits[..8].copy_from_slice(&hex_half(number >> 32).to_be_bytes());
    digits[8..].copy_from_slice(&hex_half(number & 0xffff_ffff).to_be_bytes());
    digits
}

/// The eight digits of a number of 32 bits, the first one highest.
#[inline(always)]
fn hex_half(number: u64) -> u64 {
    let fours = (number | number << 16) & 0x0000_ffff_0000_ffff;
    let pairs = (fours | fours << 8) & 0x00ff_00ff_00ff_00ff;
    let values = (pairs | pairs << 4) & (EACH * 0x0f);
    let letters = (values + EACH * 6) >> 4 & EACH;
    values + EACH * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10)
}
