//! The hash by which tags and services are compared first.

/// Hashes a key or a service. Fast, evenly distributed and never 0. Not resistant to chosen collisions. Equal hashes
/// of keys lead to a comparison of the keys; services with equal hashes count as the same one.
#[inline]
pub fn hash(bytes: &[u8]) -> u32 {
    const M: u64 = 0x9e37_79b9_7f4a_7c15;
    let word =
        |at: usize| bytes.get(at..at + 8).map_or(0, |word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
    let half =
        |at: usize| bytes.get(at..at + 4).map_or(0, |half| u32::from_le_bytes(half.try_into().unwrap_or_default()));
    let len = bytes.len();
    let (first, last) = match len {
        0 => (0, 0),
        1..=3 => (u64::from(bytes[0]) << 8 | u64::from(bytes[len / 2]), u64::from(bytes[len - 1])),
        4..=7 => (u64::from(half(0)), u64::from(half(len - 4))),
        // Two looks at the length that the compiler can leave out.
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (0, 0),
        },
    };
    let mut state = (len as u64 ^ first ^ M).wrapping_mul(M).rotate_left(29);
    let mut at = 8;
    while at + 8 < len {
        state = (state ^ word(at)).wrapping_mul(M).rotate_left(29);
        at += 8;
    }
    state = (state ^ last).wrapping_mul(M);
    ((state >> 32) as u32 ^ state as u32).max(1)
}
