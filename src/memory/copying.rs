//! Copies of short texts. Most texts of a span are short: up to 128 bytes are copied in a few overlapping moves of fixed
//! size, which cost less than a call of memcpy. Whether all bytes are ASCII is seen on the way, since the bytes are in
//! registers.

/// Copies between slices of equal length.
#[inline]
pub fn copy(to: &mut [u8], from: &[u8]) {
    copy_ascii(to, from);
}

/// Copies between slices of equal length, and returns whether all bytes are ASCII. Slices of different lengths are left
/// as they are.
#[inline]
pub fn copy_ascii(to: &mut [u8], from: &[u8]) -> bool {
    if to.len() != from.len() {
        return false;
    }
    // SAFETY: the lengths are equal, and two borrows of which one is mutable do not overlap.
    unsafe { copy_seeing(to.as_mut_ptr(), from) == 0 }
}

/// 16 bytes in a register.
#[cfg(target_arch = "x86_64")]
mod lane {
    use std::arch::x86_64::{
        __m128i, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_setzero_si128, _mm_storeu_si128,
    };

    #[derive(Clone, Copy)]
    pub(super) struct Lane(__m128i);

    impl Lane {
        #[inline(always)]
        pub(super) fn zeros() -> Lane {
            // SAFETY: the instruction is part of the architecture's baseline.
            Lane(unsafe { _mm_setzero_si128() })
        }

        /// # Safety
        /// 16 bytes can be read at `from` and written at `to`.
        #[inline(always)]
        pub(super) unsafe fn copied(to: *mut u8, from: *const u8) -> Lane {
            // SAFETY: by the caller. The instructions are part of the architecture's baseline and need no alignment.
            unsafe {
                let lane = _mm_loadu_si128(from.cast());
                _mm_storeu_si128(to.cast(), lane);
                Lane(lane)
            }
        }

        #[inline(always)]
        pub(super) fn or(self, other: Lane) -> Lane {
            // SAFETY: the instruction is part of the architecture's baseline.
            Lane(unsafe { _mm_or_si128(self.0, other.0) })
        }

        #[inline(always)]
        pub(super) fn odd(self) -> u64 {
            // SAFETY: as above.
            unsafe { _mm_movemask_epi8(self.0) as u64 }
        }
    }
}

/// 16 bytes in registers.
#[cfg(not(target_arch = "x86_64"))]
mod lane {
    #[derive(Clone, Copy)]
    pub(super) struct Lane(u128);

    impl Lane {
        #[inline(always)]
        pub(super) fn zeros() -> Lane {
            Lane(0)
        }

        /// # Safety
        /// 16 bytes can be read at `from` and written at `to`.
        #[inline(always)]
        pub(super) unsafe fn copied(to: *mut u8, from: *const u8) -> Lane {
            // SAFETY: by the caller.
            unsafe {
                let lane = from.cast::<u128>().read_unaligned();
                to.cast::<u128>().write_unaligned(lane);
                Lane(lane)
            }
        }

        #[inline(always)]
        pub(super) fn or(self, other: Lane) -> Lane {
            Lane(self.0 | other.0)
        }

        #[inline(always)]
        pub(super) fn odd(self) -> u64 {
            (self.0 as u64 | (self.0 >> 64) as u64) & 0x8080_8080_8080_8080
        }
    }
}

use lane::Lane;

/// The longest text for [`copy_short`].
const SHORT: usize = 32;
/// The longest text for [`copy_usual`].
pub(super) const USUAL: usize = 128;

/// The bits of all bytes of some texts that were copied one after another: whether all are ASCII is asked once, at the end.
#[derive(Clone, Copy)]
pub(super) struct Bits {
    word: u64,
    lane: Lane,
}

impl Bits {
    /// The bits of no text.
    #[inline(always)]
    pub(super) fn none() -> Bits {
        Bits { word: 0, lane: Lane::zeros() }
    }

    /// Whether all bytes are ASCII.
    #[inline(always)]
    pub(super) fn are_ascii(self) -> bool {
        self.word & 0x8080_8080_8080_8080 | self.lane.odd() == 0
    }
}

/// Copies at most [`USUAL`] bytes and adds their bits. First in the order of the branches are the lengths that keys have.
///
/// # Safety
/// As for [`copy_seeing`].
#[inline(always)]
pub(super) unsafe fn copy_noting(to: *mut u8, from: &[u8], bits: &mut Bits) {
    let (at, len) = (from.as_ptr(), from.len());
    // SAFETY: as in `copy_short`.
    unsafe {
        let lane = |n: usize| Lane::copied(to.add(n), at.add(n));
        if len.wrapping_sub(8) <= 8 {
            let (first, last) = (at.cast::<u64>().read_unaligned(), at.add(len - 8).cast::<u64>().read_unaligned());
            to.cast::<u64>().write_unaligned(first);
            to.add(len - 8).cast::<u64>().write_unaligned(last);
            bits.word |= first | last;
        } else if len > 16 {
            bits.lane = bits.lane.or(lane(0)).or(lane(len - 16));
            if len > 32 {
                bits.lane = bits.lane.or(lane(16)).or(lane(len - 32));
                if len > 64 {
                    bits.lane = bits.lane.or(lane(32)).or(lane(48)).or(lane(len - 64)).or(lane(len - 48));
                }
            }
        } else if len >= 4 {
            let (first, last) = (at.cast::<u32>().read_unaligned(), at.add(len - 4).cast::<u32>().read_unaligned());
            to.cast::<u32>().write_unaligned(first);
            to.add(len - 4).cast::<u32>().write_unaligned(last);
            bits.word |= u64::from(first | last);
        } else if len > 0 {
            let (first, middle, last) = (*at, *at.add(len / 2), *at.add(len - 1));
            *to = first;
            *to.add(len / 2) = middle;
            *to.add(len - 1) = last;
            bits.word |= u64::from(first | middle | last);
        }
    }
}

/// Copies `from` to `to`. Returns 0 if all bytes are ASCII.
///
/// # Safety
/// As many bytes as `from` has can be written at `to`, and they are not those of `from`.
#[inline(always)]
unsafe fn copy_seeing(to: *mut u8, from: &[u8]) -> u64 {
    // SAFETY: by the caller.
    unsafe {
        if from.len() <= 64 {
            copy_usual(to, from)
        } else {
            copy_long(to, from)
        }
    }
}

/// The same for at most [`USUAL`] bytes.
///
/// # Safety
/// As for [`copy_seeing`].
#[inline(always)]
unsafe fn copy_usual(to: *mut u8, from: &[u8]) -> u64 {
    let (at, len) = (from.as_ptr(), from.len());
    // SAFETY: as in `copy_short`.
    unsafe {
        let lane = |n: usize| Lane::copied(to.add(n), at.add(n));
        if len <= SHORT {
            return copy_short(to, from);
        }
        if len <= 64 {
            return lane(0).or(lane(16)).or(lane(len - 32)).or(lane(len - 16)).odd();
        }
        copy_eight_lanes(to, from)
    }
}

/// The same for at most [`SHORT`] bytes.
///
/// # Safety
/// As for [`copy_seeing`].
#[inline(always)]
unsafe fn copy_short(to: *mut u8, from: &[u8]) -> u64 {
    let (at, len) = (from.as_ptr(), from.len());
    // SAFETY: every access is within the first `len` bytes, as the bounds of its branch say: two moves of n bytes cover
    // n to 2n of them, and so on.
    unsafe {
        let lane = |n: usize| Lane::copied(to.add(n), at.add(n));
        if len > 16 {
            return lane(0).or(lane(len - 16)).odd();
        }
        if len >= 8 {
            let (first, last) = (at.cast::<u64>().read_unaligned(), at.add(len - 8).cast::<u64>().read_unaligned());
            to.cast::<u64>().write_unaligned(first);
            to.add(len - 8).cast::<u64>().write_unaligned(last);
            return (first | last) & 0x8080_8080_8080_8080;
        }
        if len >= 4 {
            let (first, last) = (at.cast::<u32>().read_unaligned(), at.add(len - 4).cast::<u32>().read_unaligned());
            to.cast::<u32>().write_unaligned(first);
            to.add(len - 4).cast::<u32>().write_unaligned(last);
            return u64::from((first | last) & 0x8080_8080);
        }
        if len == 0 {
            return 0;
        }
        let (first, middle, last) = (*at, *at.add(len / 2), *at.add(len - 1));
        *to = first;
        *to.add(len / 2) = middle;
        *to.add(len - 1) = last;
        u64::from((first | middle | last) & 0x80)
    }
}

/// Copies without a call.
///
/// # Safety
/// As for [`copy_seeing`].
#[inline(always)]
pub(super) unsafe fn copy_blocks(to: *mut u8, from: &[u8]) {
    let (at, len) = (from.as_ptr(), from.len());
    // SAFETY: as in `copy_short`; the blocks end at most 64 bytes before the end, and the last one ends there.
    unsafe {
        let block = |n: usize| {
            for lane in [0, 16, 32, 48] {
                Lane::copied(to.add(n + lane), at.add(n + lane));
            }
        };
        if len <= USUAL {
            copy_noting(to, from, &mut Bits::none());
            return;
        }
        let mut n = 0;
        while n < len - 64 {
            block(n);
            n += 64;
        }
        block(len - 64);
    }
}

/// The same for bytes of which nothing needs to be known.
///
/// # Safety
/// As for [`copy_seeing`].
#[inline(always)]
pub(super) unsafe fn copy_bytes(to: *mut u8, from: &[u8]) {
    // SAFETY: by the caller.
    unsafe {
        if from.len() <= 64 {
            copy_seeing(to, from);
        } else if from.len() <= 128 {
            copy_eight_lanes(to, from);
        } else {
            std::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len());
        }
    }
}

/// # Safety
/// As for [`copy_seeing`]; `from` has more than 64 bytes.
#[inline(never)]
unsafe fn copy_long(to: *mut u8, from: &[u8]) -> u64 {
    // SAFETY: by the caller.
    unsafe {
        if from.len() <= 128 {
            return copy_eight_lanes(to, from);
        }
        std::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len());
    }
    u64::from(!from.is_ascii())
}

/// # Safety
/// As for [`copy_seeing`]; `from` has 64 to 128 bytes.
#[inline(always)]
unsafe fn copy_eight_lanes(to: *mut u8, from: &[u8]) -> u64 {
    let (at, len) = (from.as_ptr(), from.len());
    // SAFETY: as in `copy_seeing`.
    unsafe {
        let lane = |n: usize| Lane::copied(to.add(n), at.add(n));
        let first = lane(0).or(lane(16)).or(lane(32)).or(lane(48));
        let last = lane(len - 64).or(lane(len - 48)).or(lane(len - 32)).or(lane(len - 16));
        first.or(last).odd()
    }
}

/// Appends bytes to a vector, as `extend_from_slice` does, in one call.
#[inline(never)]
pub fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    if out.capacity() - out.len() < bytes.len() {
        grow(out, bytes.len());
    }
    // SAFETY: there is room for the bytes behind those of the vector, and then they are written.
    unsafe {
        copy_bytes(out.as_mut_ptr().add(out.len()), bytes);
        out.set_len(out.len() + bytes.len());
    }
}

/// Appends bytes whose number the compiler knows.
#[inline(always)]
pub fn append_fixed<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N]) {
    if out.capacity() - out.len() < N {
        grow(out, N);
    }
    // SAFETY: there is room for the bytes behind those of the vector, and then they are written.
    unsafe {
        out.as_mut_ptr().add(out.len()).cast::<[u8; N]>().write(*bytes);
        out.set_len(out.len() + N);
    }
}

#[cold]
#[inline(never)]
fn grow(out: &mut Vec<u8>, more: usize) {
    out.reserve(more);
}

/// Returns words, in the processor's order, and parts, one behind another.
#[inline(always)]
pub fn joined<const N: usize, const PARTS: usize>(words: [u64; N], parts: [&[u8]; PARTS]) -> Vec<u8> {
    // Cannot overflow: slices that exist at once are together shorter than the address space, and words are few.
    let size = parts.iter().fold(size_of::<[u64; N]>(), |size, part| size + part.len());
    let mut out = Vec::with_capacity(size);
    // SAFETY: there is room for all, one behind another, and the length is set to what was written.
    unsafe {
        let mut at: *mut u8 = out.as_mut_ptr();
        at.cast::<[u64; N]>().write_unaligned(words);
        at = at.add(size_of::<[u64; N]>());
        for part in parts {
            copy_bytes(at, part);
            at = at.add(part.len());
        }
        out.set_len(size);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_a_copy_at_every_length() {
        let from: Vec<u8> = (0..200).collect();
        for len in 0..=200 {
            let mut to = vec![255; len];
            assert_eq!(copy_ascii(&mut to, &from[..len]), len <= 128, "{len}");
            assert_eq!(to, from[..len], "{len}");
        }
    }

    #[test]
    fn what_is_appended_and_joined_is_that_of_the_standard_library() {
        let from: Vec<u8> = (0..300u32).map(|n| (n * 7 % 251) as u8).collect();
        let (mut out, mut wanted) = (Vec::new(), Vec::new());
        for len in 0..from.len() {
            append(&mut out, &from[..len]);
            append_fixed(&mut out, b"12345");
            wanted.extend_from_slice(&from[..len]);
            wanted.extend_from_slice(b"12345");
            let two = joined([7, len as u64], [&from[..len], b"", &from[len..]]);
            assert_eq!(two, [&7u64.to_ne_bytes()[..], &(len as u64).to_ne_bytes(), &from].concat(), "{len}");
        }
        assert_eq!(out, wanted);
    }

    #[test]
    fn blocks_are_a_copy_at_every_length_and_nothing_else_is_written() {
        let from: Vec<u8> = (0..1_000u32).map(|n| (n * 7 % 251) as u8).collect();
        for len in 0..from.len() {
            let mut to = vec![255; len + 2];
            // SAFETY: there is room for all of them, behind the first byte.
            unsafe { copy_blocks(to[1..].as_mut_ptr(), &from[..len]) };
            assert_eq!((to[0], &to[1..=len], to[len + 1]), (255, &from[..len], 255), "{len}");
        }
    }

    #[test]
    fn texts_copied_one_after_another_are_copies_of_which_every_bit_is_noted() {
        let from: Vec<u8> = (0..USUAL as u8).collect();
        for len in 0..=USUAL {
            for odd in (0..len).map(Some).chain([None]) {
                let (mut from, mut to) = (from[..len].to_vec(), vec![255; len + 2]);
                odd.iter().for_each(|&at| from[at] = 0x80);
                let mut bits = Bits::none();
                // SAFETY: there is room for all of them, behind the first byte.
                unsafe {
                    copy_noting(to[1..].as_mut_ptr(), &from, &mut bits);
                    copy_noting([0; 3].as_mut_ptr(), b"abc", &mut bits);
                }
                assert_eq!((to[0], &to[1..=len], to[len + 1]), (255, &from[..], 255), "{len}");
                assert_eq!(bits.are_ascii(), odd.is_none(), "{odd:?} of {len}");
            }
        }
    }

    #[test]
    fn a_byte_that_is_not_ascii_is_seen_wherever_it_is() {
        for len in 1..=300 {
            for at in 0..len {
                let (mut from, mut to) = (vec![0x7f; len], vec![0; len]);
                from[at] = 0x80;
                assert!(!copy_ascii(&mut to, &from), "{at} of {len}");
                assert_eq!(to, from, "{at} of {len}");
            }
        }
    }
}
