//! Looks at 16 bytes of a text at a time. Processors of the x86-64 family do it with one instruction each (`sse2`), others
//! with arithmetic on words of 8 bytes (`portable`). Both have the same functions.

#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable;
#[cfg(target_arch = "x86_64")]
mod sse2;

#[cfg(not(target_arch = "x86_64"))]
pub use portable::{decimals_of, hex_of, sixteen_decimals, sixteen_digits, Sixteen};
#[cfg(target_arch = "x86_64")]
pub use sse2::{decimals_of, hex_of, sixteen_decimals, sixteen_digits, Sixteen};

/// Whether capital letters are hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Upper {
    Taken,
    Refused,
}

/// The bytes that [`bits`] looks at.
pub const BLOCK: usize = 64;

/// Returns a bit for each of the first 64 bytes of a text, that of the first byte lowest. `of` returns those of 16 bytes.
/// Looks at pieces from both ends, which overlap.
#[inline(always)]
pub fn bits(text: &[u8], of: impl Fn(Sixteen) -> u32) -> u64 {
    let text = text.get(..BLOCK).unwrap_or(text);
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else { return short_bits(text, of) };
    let of = |sixteen: &[u8; 16]| u64::from(of(Sixteen::of(sixteen)));
    let (Some(first_half), Some(last_half)) = (text.first_chunk::<32>(), text.last_chunk::<32>()) else {
        return of(first) | of(last) << (text.len() - 16);
    };
    let second = first_half.last_chunk().map_or(0, of);
    let third = last_half.first_chunk().map_or(0, of);
    of(first) | second << 16 | third << (text.len() - 32) | of(last) << (text.len() - 16)
}

/// The bits of fewer than 16 bytes, by words from both ends, which overlap.
#[inline(always)]
fn short_bits(text: &[u8], of: impl Fn(Sixteen) -> u32) -> u64 {
    let length = text.len();
    if let (Some(&first), Some(&last)) = (text.first_chunk(), text.last_chunk()) {
        let bits = u64::from(of(Sixteen::of_words(u64::from_le_bytes(first), u64::from_le_bytes(last))));
        return bits & 0xff | bits >> 8 << (length - 8);
    }
    if let (Some(&first), Some(&last)) = (text.first_chunk(), text.last_chunk()) {
        let word = u64::from(u32::from_le_bytes(first)) | u64::from(u32::from_le_bytes(last)) << 32;
        let bits = u64::from(of(Sixteen::of_words(word, 0)));
        return bits & 0xf | (bits >> 4 & 0xf) << (length - 4);
    }
    let (Some(&first), Some(&last)) = (text.first(), text.last()) else { return 0 };
    let word = u64::from(first) | u64::from(text[length / 2]) << 8 | u64::from(last) << 16;
    let bits = u64::from(of(Sixteen::of_words(word, 0)));
    bits & 1 | (bits >> 1 & 1) << (length / 2) | (bits >> 2 & 1) << (length - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_its_bit_at_every_length() {
        for length in 0..80usize {
            let mut text = vec![b'a'; length];
            for at in 0..length {
                for byte in 0..=255 {
                    text[at] = byte;
                    let bit = |is: bool| if is && at < BLOCK { 1u64 << at } else { 0 };
                    assert_eq!(bits(&text, |bytes| bytes.equal(b',')), bit(byte == b','), "{byte} at {at} of {length}");
                    let odd = !(b' '..=b'~').contains(&byte);
                    assert_eq!(bits(&text, |bytes| bytes.unprintable()), bit(odd), "{byte} at {at} of {length}");
                }
                text[at] = b'a';
            }
        }
    }

    #[test]
    fn both_ways_see_the_same() {
        compare(*b"0123456789abcdef");
        compare(*b"0918273645546372");
        assert_eq!(sixteen_decimals(b"0918273645546372"), Some(918_273_645_546_372));
        for (first, second) in [(0, 0), (99_999_999, 12_345_678), (10_000, 9_999), (1, 90_090_009), (1_000_000, 99)] {
            assert_eq!(decimals_of(first, second), portable::decimals_of(first, second));
            let text = format!("{first:08}{second:08}");
            assert_eq!(decimals_of(first, second).map(|digit| digit + b'0'), text.as_bytes());
        }
        for number in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX, 0xfedc_ba98_7654_3210] {
            assert_eq!(hex_of(number), portable::hex_of(number));
            assert_eq!(&hex_of(number)[..], format!("{number:016x}").as_bytes());
            assert_eq!(sixteen_digits(&hex_of(number), Upper::Refused), Some(number));
        }
    }

    fn compare(mut text: [u8; 16]) {
        for at in 0..16 {
            for byte in 0..=255 {
                let before = std::mem::replace(&mut text[at], byte);
                for upper in [Upper::Taken, Upper::Refused] {
                    assert_eq!(sixteen_digits(&text, upper), portable::sixteen_digits(&text, upper), "{byte} at {at}");
                }
                assert_eq!(sixteen_decimals(&text), portable::sixteen_decimals(&text), "{byte} at {at}");
                let (here, portable) = (Sixteen::of(&text), portable::Sixteen::of(&text));
                assert_eq!((here.equal(b'a'), here.unprintable()), (portable.equal(b'a'), portable.unprintable()));
                text[at] = before;
            }
        }
    }
}
