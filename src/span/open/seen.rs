//! The keys of a span as a set of 256 bits. It may say that a span has a key that it does not have, never the other way
//! round. A span of eight tags has a key whose bit is set already in one of nine cases.

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen([u64; 4]);

/// The bit of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bit(u64);

impl Bit {
    /// Returns the bit of a key: a product of up to eight bytes at either end.
    #[inline(always)]
    pub(super) fn of(key: &[u8]) -> Bit {
        let ends = match (key.first_chunk(), key.last_chunk()) {
            (Some(&first), Some(&last)) => u64::from_le_bytes(first) ^ u64::from_le_bytes(last).rotate_left(29),
            _ => short(key),
        };
        Bit(ends.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56)
    }

    #[inline(always)]
    fn mask(self) -> u64 {
        1 << (self.0 & 63)
    }
}

/// Up to seven bytes as a number.
#[inline(always)]
fn short(key: &[u8]) -> u64 {
    if let (Some(&first), Some(&last)) = (key.first_chunk(), key.last_chunk()) {
        return u64::from(u32::from_le_bytes(first)) | u64::from(u32::from_le_bytes(last)) << 32;
    }
    let (Some(&first), Some(&last)) = (key.first(), key.last()) else { return 0 };
    u64::from(first) | u64::from(key[key.len() / 2]) << 8 | u64::from(last) << 16
}

impl Seen {
    /// The set of every key.
    pub(super) const ALL: Seen = Seen([u64::MAX; 4]);

    /// Whether the span may have a key with this bit.
    #[inline(always)]
    pub(super) fn may_have(&self, bit: Bit) -> bool {
        self.0[(bit.0 >> 6) as usize % 4] & bit.mask() != 0
    }

    /// Adds a key with this bit.
    #[inline(always)]
    pub(super) fn add(&mut self, bit: Bit) {
        self.0[(bit.0 >> 6) as usize % 4] |= bit.mask();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_is_missed_and_most_new_ones_are_seen_to_be_new() {
        let names =
            ["", "a", "b", "env", "http.url", "http.method", "é", "span.kind", "component", "db.name", "db.system"];
        let many = (0..200).map(|n| format!("key.{n}")).chain((0..200).map(|n| format!("{n}.name.of.{}", n / 7)));
        let keys: Vec<String> = names.map(String::from).into_iter().chain(many).collect();
        let mut seen = Seen::default();
        for key in &keys {
            assert!(Seen::ALL.may_have(Bit::of(key.as_bytes())));
            seen.add(Bit::of(key.as_bytes()));
            assert!(seen.may_have(Bit::of(key.as_bytes())));
        }
        let bits: HashSet<u64> = keys.iter().map(|key| Bit::of(key.as_bytes()).0).collect();
        // Of 411 keys, which are enough to set 205 of 256 bits if they are spread evenly.
        assert!((180..=256).contains(&bits.len()), "{}", bits.len());
    }
}
