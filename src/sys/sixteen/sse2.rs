//! With the instructions that every x86-64 processor has.

use super::Upper;
use core::arch::x86_64::*;

/// Sixteen bytes.
#[derive(Clone, Copy)]
pub struct Sixteen(__m128i);

impl Sixteen {
    #[inline(always)]
    pub fn of(bytes: &[u8; 16]) -> Sixteen {
        // SAFETY: reads the 16 bytes, at any address.
        Sixteen(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    /// The bytes of two words, each with its first byte lowest.
    #[inline(always)]
    pub fn of_words(first: u64, second: u64) -> Sixteen {
        // SAFETY: every x86-64 processor has SSE2.
        Sixteen(unsafe { _mm_set_epi64x(second as i64, first as i64) })
    }

    /// Which bytes are this one.
    #[inline(always)]
    pub fn equal(self, byte: u8) -> u32 {
        // SAFETY: as above.
        unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(self.0, all(byte))) as u32 }
    }

    /// Which bytes are neither a blank nor visible ASCII.
    #[inline(always)]
    pub fn unprintable(self) -> u32 {
        // The comparison has signs: bytes from 128 on are less than a blank, too.
        // SAFETY: as above.
        unsafe {
            let low = _mm_cmplt_epi8(self.0, all(b' '));
            _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(self.0, all(0x7f)))) as u32
        }
    }
}

#[inline(always)]
fn all(byte: u8) -> __m128i {
    // SAFETY: as above.
    unsafe { _mm_set1_epi8(byte as i8) }
}

/// Which bytes are at most `most`, as masks.
#[inline(always)]
fn at_most(bytes: __m128i, most: u8) -> __m128i {
    // SAFETY: as above.
    unsafe { _mm_cmpeq_epi8(_mm_min_epu8(bytes, all(most)), bytes) }
}

/// Reads 16 hexadecimal digits.
#[inline(always)]
pub fn sixteen_digits(digits: &[u8; 16], upper: Upper) -> Option<u64> {
    let text = Sixteen::of(digits).0;
    // SAFETY: as above.
    unsafe {
        let lower = if upper == Upper::Taken { _mm_or_si128(text, all(0x20)) } else { text };
        let (figures, letters) = (_mm_sub_epi8(text, all(b'0')), _mm_sub_epi8(lower, all(b'a')));
        let (are_figures, are_letters) = (at_most(figures, 9), at_most(letters, 5));
        if _mm_movemask_epi8(_mm_or_si128(are_figures, are_letters)) != 0xffff {
            return None;
        }
        let letters = _mm_and_si128(_mm_add_epi8(letters, all(10)), are_letters);
        let values = _mm_or_si128(_mm_and_si128(figures, are_figures), letters);
        // The first digit of each pair lies in the lower byte of a lane of 16 bits.
        let pairs = _mm_or_si128(_mm_slli_epi16::<4>(values), _mm_srli_epi16::<8>(values));
        let bytes = _mm_and_si128(pairs, _mm_set1_epi16(0xff));
        Some((_mm_cvtsi128_si64(_mm_packus_epi16(bytes, bytes)) as u64).swap_bytes())
    }
}

/// Reads 16 decimal digits.
#[inline(always)]
pub fn sixteen_decimals(digits: &[u8; 16]) -> Option<u64> {
    let text = Sixteen::of(digits).0;
    // SAFETY: as above.
    let eights = unsafe {
        let values = _mm_sub_epi8(text, all(b'0'));
        if _mm_movemask_epi8(at_most(values, 9)) != 0xffff {
            return None;
        }
        // The first digit of each pair lies in the lower byte of a lane.
        let tens = _mm_mullo_epi16(_mm_and_si128(values, _mm_set1_epi16(0xff)), _mm_set1_epi16(10));
        let pairs = _mm_add_epi16(tens, _mm_srli_epi16::<8>(values));
        let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
        let eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(1 << 16 | 10_000));
        _mm_cvtsi128_si64(eights) as u64
    };
    Some((eights & 0xffff_ffff) * 100_000_000 + (eights >> 32))
}

/// The values of the 16 decimal digits of two numbers below 100,000,000.
#[inline(always)]
pub fn decimals_of(first: u32, second: u32) -> [u8; 16] {
    let mut digits = [0; 16];
    // SAFETY: as above; the last instruction writes the 16 bytes.
    unsafe {
        // Quotient and remainder by 10,000, then of these by 100, then by 10; the quotient lies below.
        let eights = _mm_set_epi64x(second.into(), first.into());
        let quotients = _mm_srli_epi64::<45>(_mm_mul_epu32(eights, _mm_set1_epi64x(3_518_437_209)));
        let rests = _mm_sub_epi32(eights, _mm_mul_epu32(quotients, _mm_set1_epi64x(10_000)));
        let fours = _mm_or_si128(quotients, _mm_slli_epi64::<32>(rests));
        let quotients = _mm_srli_epi16::<3>(_mm_mulhi_epu16(fours, _mm_set1_epi16(5243)));
        let rests = _mm_sub_epi16(fours, _mm_mullo_epi16(quotients, _mm_set1_epi16(100)));
        let pairs = _mm_or_si128(quotients, _mm_slli_epi32::<16>(rests));
        let quotients = _mm_mulhi_epu16(pairs, _mm_set1_epi16(6554));
        let rests = _mm_sub_epi16(pairs, _mm_mullo_epi16(quotients, _mm_set1_epi16(10)));
        let ones = _mm_or_si128(quotients, _mm_slli_epi16::<8>(rests));
        _mm_storeu_si128(digits.as_mut_ptr().cast(), ones);
    }
    digits
}

/// The 16 hexadecimal digits of a number.
#[inline(always)]
pub fn hex_of(number: u64) -> [u8; 16] {
    let mut text = [0; 16];
    // SAFETY: as above; the last instruction writes the 16 bytes.
    unsafe {
        let bytes = _mm_cvtsi64_si128(number.swap_bytes() as i64);
        let halves = _mm_unpacklo_epi8(_mm_srli_epi16::<4>(bytes), bytes);
        let values = _mm_and_si128(halves, all(0x0f));
        let letters = _mm_and_si128(_mm_cmpgt_epi8(values, all(9)), all(b'a' - b'0' - 10));
        let digits = _mm_add_epi8(_mm_add_epi8(values, all(b'0')), letters);
        _mm_storeu_si128(text.as_mut_ptr().cast(), digits);
    }
    text
}
