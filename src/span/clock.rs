//! Time for spans: a cheap counter for starts and ends, and the scale that converts it into nanoseconds. Wall time is
//! read once per trace (`crate::trace`).
//!
//! Reading the processor's counter costs a third of reading the clock. Programs cannot ask for its frequency, so the
//! worker measures it against the monotonic clock. A measurement covers the last 30 to 60 seconds, because the two
//! drift apart: network time adjusts the clock. Spans use the clock itself until the first measurement, and where the
//! kernel does not trust the counter.
//!
//! While a machine is suspended, the counter may run on and the clock does not. A virtual machine may move to a
//! processor of another frequency. Then new readings disagree with the measurement. The worker discards the scale and
//! measures anew, and spans use the clock meanwhile. A trace keeps the scale with which it began, so that a new scale
//! cannot shift a span's end against its start.

use crate::sys;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};

/// Nanoseconds per tick, as a fixed-point number with 32 fractional bits. 0: ticks are nanoseconds of the monotonic
/// clock.
static SCALE: AtomicU64 = AtomicU64::new(0);
static USABLE: AtomicBool = AtomicBool::new(false);
/// The measurement. `MEASURING` is the id of the process that is measuring, or 0. A forked child that finds its
/// parent's id there takes over.
static KEPT: [AtomicU64; 6] = [const { AtomicU64::new(0) }; 6];
static MEASURING: AtomicU32 = AtomicU32::new(0);

/// Minimum length of a measurement: an uncertainty of 50 ns in 20 ms is 2.5 parts in a million.
const SHORTEST_NS: u64 = 20_000_000;
/// A measurement covers between this and twice this time.
const WINDOW_NS: u64 = 30_000_000_000;
/// Two reads of the counter that are further apart than this are not used: the thread was preempted between them.
const PAUSE_TICKS: u64 = 100_000;

/// The counter and the clock, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Moment {
    ticks: u64,
    ns: u64,
}

impl Moment {
    fn now() -> Option<Moment> {
        let (before, ns, after) = (sys::cycle_counter(), sys::monotonic_ns(), sys::cycle_counter());
        let pause = after.wrapping_sub(before);
        (pause <= PAUSE_TICKS).then(|| Moment { ticks: before.wrapping_add(pause / 2), ns })
    }

    /// Returns the nanoseconds per tick between two moments. `None` if counter or clock has not advanced.
    fn scale_since(self, since: Moment) -> Option<u64> {
        let (ticks, ns) = (self.ticks.checked_sub(since.ticks)?, self.ns.checked_sub(since.ns)?);
        let scale = (u128::from(ns) << 32).checked_div(u128::from(ticks))?;
        u64::try_from(scale).ok().filter(|&scale| scale > 0)
    }
}

/// The running measurement of the counter's frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Measurement {
    /// Where the current measurement begins.
    base: Moment,
    /// Where the next one will begin.
    next: Moment,
    /// The last moment that was taken into account.
    last: Moment,
}

impl Measurement {
    /// Takes a moment into account. `scale` is the scale so far. Returns the scale from now on, 0 if none is measured
    /// yet.
    fn look(&mut self, now: Moment, scale: u64) -> u64 {
        if self.base == Moment::default() {
            *self = Measurement { base: now, next: now, last: now };
            return 0;
        }
        if now.ns.saturating_sub(self.last.ns) < SHORTEST_NS && now.ticks >= self.last.ticks {
            return scale;
        }
        let since_last = now.scale_since(self.last);
        let agrees = |measured: u64| scale == 0 || measured.abs_diff(scale) <= scale / 256;
        if !since_last.is_some_and(agrees) {
            *self = Measurement { base: now, next: now, last: now };
            return 0;
        }
        self.last = now;
        let measured = now.scale_since(self.base).unwrap_or(scale);
        if now.ns - self.next.ns >= WINDOW_NS {
            (self.base, self.next) = (self.next, now);
        }
        measured
    }
}

/// Begins the measurement if the kernel trusts the counter. Called once per process.
pub fn begin() {
    if sys::has_steady_counter() && !USABLE.load(Acquire) {
        USABLE.store(true, Release);
        calibrate();
    }
}

/// Continues the measurement. Workers call this regularly; one thread at a time measures.
pub fn calibrate() {
    let (me, other) = (sys::pid(), MEASURING.load(Relaxed));
    if !USABLE.load(Acquire) || other == me || MEASURING.compare_exchange(other, me, Acquire, Relaxed).is_err() {
        return;
    }
    if let Some(now) = Moment::now() {
        let get = |n: usize| KEPT[n].load(Relaxed);
        let moment = |n: usize| Moment { ticks: get(n), ns: get(n + 1) };
        let mut kept = Measurement { base: moment(0), next: moment(2), last: moment(4) };
        SCALE.store(kept.look(now, SCALE.load(Relaxed)), Relaxed);
        let words = [kept.base, kept.next, kept.last].map(|moment| [moment.ticks, moment.ns]);
        KEPT.iter().zip(words.as_flattened()).for_each(|(place, &word)| place.store(word, Relaxed));
    }
    MEASURING.store(0, Release);
}

/// Returns the scale for a trace that begins now.
#[inline]
pub fn scale() -> u64 {
    SCALE.load(Relaxed)
}

/// Returns the current tick under a trace's scale.
#[inline]
pub fn ticks(scale: u64) -> u64 {
    if scale == 0 {
        sys::keep_errno(sys::monotonic_ns)
    } else {
        sys::cycle_counter()
    }
}

/// Returns the current tick under a scale that is not 0.
#[inline(always)]
pub fn counter() -> u64 {
    sys::cycle_counter()
}

/// Returns the nanoseconds from tick `from` to tick `to`; 0 if the counter stepped back between two processors.
#[inline]
pub fn elapsed_ns(from: u64, to: u64, scale: u64) -> u64 {
    if scale == 0 {
        to.saturating_sub(from)
    } else {
        counted_ns(from, to, scale)
    }
}

/// The same under a scale that is not 0.
#[inline(always)]
pub fn counted_ns(from: u64, to: u64, scale: u64) -> u64 {
    ((u128::from(to.saturating_sub(from)) * u128::from(scale)) >> 32) as u64
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
    fn the_scale_is_not_given_up_without_a_reason() {
        let (mut kept, mut scale, mut given_up, mut looks) = (Measurement::default(), 0, 0, 0);
        let end = Instant::now() + Duration::from_millis(800);
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(3));
            let Some(now) = Moment::now().filter(|_| sys::has_steady_counter()) else { continue };
            let before = scale;
            scale = kept.look(now, scale);
            given_up += u32::from(before != 0 && scale == 0);
            looks += 1;
        }
        assert!(looks == 0 || given_up == 0, "{given_up} of {looks}");
    }

    /// Returns what a 3 GHz counter and a clock show after `seconds`, of which the machine was suspended for `asleep`.
    fn at(seconds: f64, asleep: f64) -> Moment {
        Moment { ticks: 5_000 + (seconds * 3e9) as u64, ns: 1_000 + ((seconds - asleep) * 1e9) as u64 }
    }

    /// Returns the error of this scale for a 3 GHz counter, in parts per million.
    fn error(scale: u64) -> f64 {
        (elapsed_ns(0, 3_000_000_000, scale) as f64 / 1e9 - 1.0) * 1e6
    }

    #[test]
    fn a_long_suspend_does_not_shrink_the_durations_after_it() {
        let (mut kept, mut scale) = (Measurement::default(), 0);
        for second in 0..100 {
            scale = kept.look(at(f64::from(second), 0.0), scale);
        }
        assert!(error(scale).abs() < 1.0, "{}", error(scale));
        // Eight hours pass on the counter, but not on the clock.
        let woken = 100.0 + 8.0 * 3_600.0;
        scale = kept.look(at(woken, 8.0 * 3_600.0), scale);
        assert_eq!(scale, 0, "the clock is read until the counter is measured anew");
        for second in 1..100 {
            scale = kept.look(at(woken + f64::from(second), 8.0 * 3_600.0), scale);
            assert!(error(scale).abs() < 1.0, "{}", error(scale));
        }
    }

    #[test]
    fn a_counter_that_begins_anew_or_changes_its_speed_is_measured_anew() {
        let (mut kept, mut scale) = (Measurement::default(), 0);
        for second in 0..100 {
            scale = kept.look(at(f64::from(second), 0.0), scale);
        }
        let back = Moment { ticks: 7, ns: at(101.0, 0.0).ns };
        scale = kept.look(back, scale);
        assert_eq!(scale, 0);
        for second in 1..5u64 {
            // Half as fast as before.
            scale =
                kept.look(Moment { ticks: 7 + second * 1_500_000_000, ns: back.ns + second * 1_000_000_000 }, scale);
        }
        assert!(elapsed_ns(0, 1_500_000_000, scale).abs_diff(1_000_000_000) <= 1);
    }

    #[test]
    fn the_scale_follows_a_clock_that_drifts() {
        let (mut kept, mut scale) = (Measurement::default(), 0);
        // The clock is exact for an hour. Then network time makes it run 400 parts per million faster.
        let clock = |second: u64| second * 1_000_000_000 + second.saturating_sub(3_600) * 400_000;
        for second in 1..3_800 {
            scale = kept.look(Moment { ticks: second * 3_000_000_000, ns: clock(second) }, scale);
        }
        assert!((error(scale) - 400.0).abs() < 1.0, "{}", error(scale));
    }

    #[test]
    fn looks_too_close_together_change_nothing() {
        let (mut kept, mut scale) = (Measurement::default(), 0);
        for millisecond in 0..19 {
            scale = kept.look(at(f64::from(millisecond) / 1e3, 0.0), scale);
            assert_eq!(scale, 0);
        }
        scale = kept.look(at(0.021, 0.0), scale);
        assert!(error(scale).abs() < 100.0);
        let before = kept;
        assert_eq!(kept.look(at(0.022, 0.0), scale), scale);
        assert_eq!(kept, before);
    }

    #[test]
    fn time_never_runs_backwards() {
        assert_eq!(elapsed_ns(10, 5, 0), 0);
        assert_eq!(elapsed_ns(10, 5, 1 << 32), 0);
    }
}
