//! The hash by which a rate keeps traces. All tracers compute the same one, so that all services of a trace decide alike.

/// Knuth's multiplier, as all tracers use it.
const FACTOR: u64 = 1_111_111_111_111_111_111;

fn hash(id: u64) -> u64 {
    id.wrapping_mul(FACTOR)
}

/// Whether a rate keeps what has this id: the low half of a trace id, or a span id.
#[inline]
pub fn keeps(id: u64, rate: f64) -> bool {
    // A rate of 1 is 2^64 as a double: the conversion saturates, and every hash passes.
    rate >= 1.0 || (rate > 0.0 && hash(id) <= (rate * u64::MAX as f64) as u64)
}

/// The member `ot` of `tracestate`: OpenTelemetry's randomness and threshold of a decision. A trace is kept where
/// `randomness >= threshold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code))] // For contexts that are passed on.
pub struct OtMember {
    /// 56 bits, from the hash of the trace id.
    pub randomness: u64,
    /// 56 bits, from the rate.
    pub threshold: u64,
}

/// The length of the longest `rv:…;th:…`.
#[cfg_attr(not(test), allow(dead_code))]
const OT_MAX: usize = 3 + 14 + 4 + 14;

#[cfg_attr(not(test), allow(dead_code))]
impl OtMember {
    /// Returns the member for a trace that was decided by this rate; `None` for rate 0.
    pub fn of(trace_id_low: u64, rate: f64) -> Option<OtMember> {
        if rate <= 0.0 {
            return None;
        }
        let threshold = ((1.0 - rate.min(1.0)) * (1u64 << 56) as f64).round() as u64;
        let mut randomness = (u64::MAX - hash(trace_id_low)) >> 8;
        // Rounding must not say something else than the decision.
        if keeps(trace_id_low, rate) {
            randomness = randomness.max(threshold);
        }
        Some(OtMember { randomness, threshold })
    }

    /// Writes `rv:…;th:…` to `text`, and returns it.
    pub fn write(self, text: &mut [u8; OT_MAX]) -> &[u8] {
        let mut end = 0;
        let mut put = |bytes: &[u8]| {
            text[end..end + bytes.len()].copy_from_slice(bytes);
            end += bytes.len();
        };
        let digits = |number: u64| {
            let mut digits = [0; 14];
            for (n, digit) in digits.iter_mut().enumerate() {
                *digit = b"0123456789abcdef"[(number >> (52 - 4 * n)) as usize & 15];
            }
            digits
        };
        put(b"rv:");
        put(&digits(self.randomness));
        put(b";th:");
        let threshold = digits(self.threshold);
        let used = threshold.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
        put(&threshold[..used]);
        &text[..end]
    }

    /// A buffer for [`OtMember::write`].
    pub fn buffer() -> [u8; OT_MAX] {
        [0; OT_MAX]
    }
}
