//! Time as spans need it: a cheap counter for starts and ends, and the scale that turns it into nanoseconds. Wall time
//! is read once a trace (`crate::trace`); nothing here knows what a span is.
//!
//! Reading the processor's counter costs a third of a clock read. Its frequency is not told to programs, so it is
//! measured against the monotonic clock between the first tracer and the worker's first wake-ups; until then, and where
//! the kernel does not trust the counter, the clock itself is read. A trace keeps to the scale with which it began, so
//! that a recalibration never moves one of its ends against the other.

use crate::sys;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};

/// Nanoseconds for one tick, as a fixed-point number with 32 fractional bits. 0: ticks are nanoseconds of the clock.
static SCALE: AtomicU64 = AtomicU64::new(0);
static BASE_TICKS: AtomicU64 = AtomicU64::new(0);
static BASE_NS: AtomicU64 = AtomicU64::new(0);
static USABLE: AtomicBool = AtomicBool::new(false);

/// A measurement shorter than this is too coarse: 50 ns of doubt in 20 ms are 2.5 parts in a million.
const SHORTEST_MEASUREMENT_NS: u64 = 20_000_000;

/// Notes where the measurement begins. Once a process; asks the kernel whether the counter can be trusted.
pub fn begin() {
    if sys::has_steady_counter() && !USABLE.load(Acquire) {
        BASE_NS.store(sys::monotonic_ns(), Relaxed);
        BASE_TICKS.store(sys::cycle_counter(), Relaxed);
        USABLE.store(true, Release);
    }
}

/// Measures anew how long a tick is; the longer since [`begin`], the better. For the worker, now and then.
pub fn calibrate() {
    let base_ns = BASE_NS.load(Relaxed);
    if !USABLE.load(Acquire) || base_ns == 0 {
        return;
    }
    let (before, ns, after) = (sys::cycle_counter(), sys::monotonic_ns(), sys::cycle_counter());
    let elapsed_ns = ns.saturating_sub(base_ns);
    let elapsed_ticks = (before + (after.wrapping_sub(before)) / 2).saturating_sub(BASE_TICKS.load(Relaxed));
    // A pause between the reads (preemption, a hypervisor) spoils the measurement; the next one will do.
    if elapsed_ns < SHORTEST_MEASUREMENT_NS || elapsed_ticks == 0 || after.wrapping_sub(before) > 100_000 {
        return;
    }
    let scale = ((u128::from(elapsed_ns) << 32) / u128::from(elapsed_ticks)) as u64;
    SCALE.store(scale, Relaxed);
}

/// The scale for a trace that begins now.
#[inline]
pub fn scale() -> u64 {
    SCALE.load(Relaxed)
}

/// The present tick under a trace's scale.
#[inline]
pub fn ticks(scale: u64) -> u64 {
    if scale == 0 {
        sys::monotonic_ns()
    } else {
        sys::cycle_counter()
    }
}

/// Nanoseconds from tick `from` to tick `to`; 0 if the counter stepped back between two processors.
#[inline]
pub fn elapsed_ns(from: u64, to: u64, scale: u64) -> u64 {
    let ticks = to.saturating_sub(from);
    if scale == 0 {
        ticks
    } else {
        ((u128::from(ticks) * u128::from(scale)) >> 32) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn durations_are_true_with_and_without_the_counter() {
        begin();
        std::thread::sleep(Duration::from_millis(60));
        calibrate();
        for scale in [0, scale()] {
            let (clock, from) = (Instant::now(), ticks(scale));
            std::thread::sleep(Duration::from_millis(50));
            let (measured, real) = (elapsed_ns(from, ticks(scale), scale), clock.elapsed().as_nanos() as u64);
            assert!(measured.abs_diff(real) < real / 100 + 1_000_000, "scale {scale}: {measured} against {real} ns");
        }
    }

    #[test]
    fn time_never_runs_backwards() {
        assert_eq!(elapsed_ns(10, 5, 0), 0);
        assert_eq!(elapsed_ns(10, 5, 1 << 32), 0);
    }
}
