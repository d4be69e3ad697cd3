//! A rate limit: a token bucket that starts full, and the share that it let through lately. Both are single atomic words,
//! so that no call waits for another, and a fork or a suspended thread leaves nothing locked.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Limits how many are allowed per second.
#[derive(Debug)]
pub struct Limiter {
    /// Nanoseconds for one token; `None` for no limit.
    interval_ns: Option<u64>,
    /// The bucket's size, in nanoseconds beyond the first token.
    burst_ns: u64,
    /// The time until which tokens are taken, in nanoseconds. The bucket is full when it is not in the future.
    taken_until_ns: AtomicU64,
    /// What was asked and allowed in this second and the one before, each in its own word: see [`Window`].
    windows: [AtomicU64; 2],
}

/// Counts of one second: 24 bits for its number, 20 each for what was allowed and asked.
#[derive(Clone, Copy)]
struct Window {
    second: u64,
    allowed: u64,
    asked: u64,
}

const COUNT_MAX: u64 = (1 << 20) - 1;
const SECOND_MASK: u64 = (1 << 24) - 1;

impl Window {
    fn of(word: u64) -> Window {
        Window { second: word >> 40, allowed: word >> 20 & COUNT_MAX, asked: word & COUNT_MAX }
    }

    fn word(self) -> u64 {
        self.second << 40 | self.allowed << 20 | self.asked
    }

    /// Counts one more; a full count stays, so that the share stays right.
    fn counted(self, allowed: bool) -> Window {
        match self.asked < COUNT_MAX {
            true => Window { allowed: self.allowed + u64::from(allowed), asked: self.asked + 1, ..self },
            false => self,
        }
    }
}

impl Limiter {
    /// Makes a limit of so many per second. A negative number is no limit, 0 allows nothing.
    pub fn new(per_second: f64) -> Limiter {
        let interval_ns = (per_second >= 0.0).then(|| (1e9 / per_second) as u64);
        let burst = (per_second.ceil().max(1.0) - 1.0) * interval_ns.unwrap_or(0) as f64;
        Limiter {
            interval_ns: interval_ns.map(|interval| if per_second > 0.0 { interval } else { u64::MAX }),
            burst_ns: burst as u64,
            taken_until_ns: AtomicU64::new(0),
            windows: [AtomicU64::new(0), AtomicU64::new(0)],
        }
    }

    /// Takes a token. `now_ns` is monotonic. Returns whether there was one.
    pub fn allows(&self, now_ns: u64) -> bool {
        let interval_ns = match self.interval_ns {
            None => return true,
            Some(u64::MAX) => return false,
            Some(interval_ns) => interval_ns,
        };
        let take = |until_ns: u64| {
            let full = until_ns.max(now_ns);
            (full - now_ns <= self.burst_ns).then(|| full.saturating_add(interval_ns))
        };
        self.taken_until_ns.fetch_update(Relaxed, Relaxed, take).is_ok()
    }

    /// Takes a token, and also returns which share of those who asked in this second and the one before got one, this
    /// call included.
    pub fn ask(&self, now_ns: u64) -> (bool, f64) {
        let allowed = self.allows(now_ns);
        // Counted from 1: a word of 0 has never been used.
        let second = (now_ns / 1_000_000_000 + 1) & SECOND_MASK;
        let count = |word| {
            let window = Window::of(word);
            let fresh = Window { second, allowed: 0, asked: 0 };
            Some((if window.second == second { window } else { fresh }).counted(allowed).word())
        };
        let [now, before] =
            [second, second.wrapping_sub(1) & SECOND_MASK].map(|second| &self.windows[second as usize & 1]);
        let counted = now.fetch_update(Relaxed, Relaxed, count).map_or(0, |word| count(word).unwrap_or(word));
        let (now, before) = (Window::of(counted), Window::of(before.load(Relaxed)));
        let recent = before.second == second.wrapping_sub(1) & SECOND_MASK;
        let (allowed_before, asked_before) = if recent { (before.allowed, before.asked) } else { (0, 0) };
        let share = (now.allowed + allowed_before) as f64 / (now.asked + asked_before).max(1) as f64;
        (allowed, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn the_bucket_starts_full_and_fills_at_the_rate() {
        let limiter = Limiter::new(2.0);
        let now = 1_000 * SECOND;
        assert_eq!([0, 1, 2].map(|n| limiter.allows(now + n)), [true, true, false]);
        assert!(!limiter.allows(now + SECOND / 2 - 1));
        assert!(limiter.allows(now + SECOND / 2));
        assert!(!limiter.allows(now + SECOND / 2 + 1));
        // A pause fills it, and no more than that.
        assert_eq!([0, 1, 2].map(|n| limiter.allows(now + 60 * SECOND + n)), [true, true, false]);
    }

    #[test]
    fn no_limit_zero_and_less_than_one_a_second() {
        let now = 7 * SECOND;
        assert!((0..1000).all(|_| Limiter::new(-1.0).ask(now) == (true, 1.0)));
        assert_eq!(Limiter::new(0.0).ask(now), (false, 0.0));
        let minute = Limiter::new(1.0 / 60.0);
        assert_eq!([0, 1, 59, 61].map(|n| minute.allows(now + n * SECOND)), [true, false, false, true]);
    }

    #[test]
    fn the_share_is_that_of_this_second_and_the_one_before() {
        let limiter = Limiter::new(1.0);
        let now = 5 * SECOND;
        let shares = [0, 1, 2].map(|n| limiter.ask(now + n));
        assert_eq!(shares, [(true, 1.0), (false, 1.0 / 2.0), (false, 1.0 / 3.0)]);
        assert_eq!(limiter.ask(now + SECOND), (true, 2.0 / 4.0));
        assert_eq!(limiter.ask(now + 3 * SECOND), (true, 1.0), "what is older than that is forgotten");
    }

    #[test]
    fn threads_together_get_no_more_than_the_limit() {
        let limiter = Limiter::new(100.0);
        let count = || (0..1000).filter(|_| limiter.allows(9 * SECOND)).count();
        let allowed: usize = std::thread::scope(|scope| {
            let threads = [0; 4].map(|_| scope.spawn(count));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(allowed, 100);
    }
}
