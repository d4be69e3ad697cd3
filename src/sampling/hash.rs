//! The hash by which a rate keeps traces. All tracers compute the same one, so that all services of a trace decide alike.

/// Knuth's multiplier, as all tracers use it.
const FACTOR: u64 = 1_111_111_111_111_111_111;

/// Returns the hash of an id: the low half of a trace id, or a span id.
#[inline]
pub fn hash(id: u64) -> u64 {
    id.wrapping_mul(FACTOR)
}

/// Whether a rate keeps what has this id.
#[inline]
pub fn keeps(id: u64, rate: f64) -> bool {
    // A rate of 1 is 2^64 as a double: the conversion saturates, and every hash passes.
    rate >= 1.0 || (rate > 0.0 && hash(id) <= (rate * u64::MAX as f64) as u64)
}
