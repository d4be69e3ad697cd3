//! What to do after a request: the verdict on its outcome, the `Retry-After` header, and how long to wait. Nothing here
//! sends, sleeps or counts.

use std::time::{Duration, UNIX_EPOCH};

use super::agent::{Answer, Failure};

/// The longest wait that an agent's `Retry-After` can ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_CAP: Duration = Duration::from_secs(5);

/// The first of the usual waits.
pub const BACKOFF_SHORTEST: Duration = BACKOFF_FIRST;

/// What becomes of a payload after one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The agent has it (2xx).
    Sent,
    /// It may succeed later: no answer, 408, 429 or 5xx. `after` is the agent's own wish, at most [`RETRY_AFTER_MAX`].
    Retry {
        /// The wait that the agent asked for, if it did.
        after: Option<Duration>,
        /// Somebody listens there: asking again at once would be a load.
        reached: bool,
    },
    /// Too large (413): halve it.
    Split,
    /// The agent does not know this endpoint or format (404, 415): use an older one.
    Downgrade,
    /// It never will succeed: another 4xx, a redirect, or a status that means nothing here.
    Drop,
}

/// Judges one try. A failure is always worth another try here; whether a payload that may have arrived
/// ([`Failure::Unknown`], [`Failure::Timeout`]) is sent again is the caller's choice.
pub fn judge(result: &Result<Answer, Failure>) -> Verdict {
    let answer = match result {
        Ok(answer) => answer,
        Err(failure) => {
            let reached = !matches!(failure, Failure::NotSent(_) | Failure::Refused(_));
            return Verdict::Retry { after: None, reached };
        }
    };
    match answer.status {
        200..=299 => Verdict::Sent,
        408 | 429 | 500..=599 => {
            Verdict::Retry { after: answer.retry_after.map(|wish| wish.min(RETRY_AFTER_MAX)), reached: true }
        }
        413 => Verdict::Split,
        404 | 415 => Verdict::Downgrade,
        _ => Verdict::Drop,
    }
}

/// Parses a `Retry-After` value: whole seconds, or an HTTP date such as `Wed, 21 Oct 2015 07:28:00 GMT`. Returns the time
/// from `now`, in seconds since 1970, to that date; zero if the date has passed; `None` for anything else.
pub fn parse_retry_after(value: &str, now: u64) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(date.as_secs().saturating_sub(now)))
}

/// Waits between tries: 100 ms, doubling up to 5 s, each moved by up to a quarter either way, so that the processes of
/// one machine do not return to the agent together.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    /// Starts at the shortest wait; equal seeds give equal waits.
    pub fn new(seed: u64) -> Backoff {
        Backoff { next: BACKOFF_FIRST, random: seed }
    }

    /// The wait before the next try, 75 ms to 6.25 s; the one after it is twice as long.
    pub fn wait(&mut self) -> Duration {
        let base = self.next;
        self.next = (base * 2).min(BACKOFF_CAP);
        // One step of splitmix64: any seed will do, 0 included.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let unit = (bits >> 11) as f64 / (1u64 << 53) as f64;
        base.mul_f64(0.75 + unit / 2.0)
    }

    /// Back to the shortest wait, after a success.
    pub fn reset(&mut self) {
        self.next = BACKOFF_FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::send_error::{Peer, SendError, SendErrorKind};

    fn answered(status: u16, retry_after: Option<u64>) -> Result<Answer, Failure> {
        Ok(Answer { status, retry_after: retry_after.map(Duration::from_secs), ..Answer::default() })
    }

    #[test]
    fn only_what_may_succeed_is_tried_again() {
        let retry = Verdict::Retry { after: None, reached: true };
        for (status, verdict) in [
            (200, Verdict::Sent),
            (202, Verdict::Sent),
            (299, Verdict::Sent),
            (301, Verdict::Drop),
            (400, Verdict::Drop),
            (401, Verdict::Drop),
            (403, Verdict::Drop),
            (404, Verdict::Downgrade),
            (408, retry),
            (413, Verdict::Split),
            (415, Verdict::Downgrade),
            (422, Verdict::Drop),
            (429, retry),
            (500, retry),
            (502, retry),
            (503, retry),
            (599, retry),
            (600, Verdict::Drop),
            (101, Verdict::Drop),
        ] {
            assert_eq!(judge(&answered(status, None)), verdict, "{status}");
        }
        let error = || SendError::new(SendErrorKind::Closed, Peer::Unnamed);
        for failure in [Failure::Unknown(error()), Failure::Timeout(error())] {
            assert_eq!(judge(&Err(failure)), retry);
        }
        for failure in [Failure::NotSent(error()), Failure::Refused(error())] {
            assert_eq!(judge(&Err(failure)), Verdict::Retry { after: None, reached: false });
        }
    }

    #[test]
    fn an_agent_cannot_ask_for_more_than_five_seconds() {
        let after = |status, seconds| judge(&answered(status, Some(seconds)));
        assert_eq!(after(429, 2), Verdict::Retry { after: Some(Duration::from_secs(2)), reached: true });
        assert_eq!(after(503, 3_600), Verdict::Retry { after: Some(Duration::from_secs(5)), reached: true });
        assert_eq!(after(200, 2), Verdict::Sent);
        assert_eq!(after(400, 2), Verdict::Drop);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_a_surprise() {
        let now = 1_445_412_470; // 2015-10-21 07:27:50
        let read = |text| parse_retry_after(text, now);
        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(read(" 0 "), Some(Duration::ZERO));
        assert_eq!(read("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(read("Wed, 21 Oct 2015 07:27:00 GMT"), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("Thu, 29 Feb 2024 12:00:00 GMT", 0), Some(Duration::from_secs(1_709_208_000)));
        assert_eq!(parse_retry_after("Thu, 01 Jan 1970 00:00:01 GMT", 0), Some(Duration::from_secs(1)));
        assert_eq!(parse_retry_after("Sat, 01 Mar 2025 00:00:00 GMT", 0), Some(Duration::from_secs(1_740_787_200)));
        for nonsense in [
            "",
            "-1",
            "+1",
            "1.5",
            "soon",
            "1 s",
            "Wed, 21 Oct 2015 07:28:00 CET",
            "Wed, 99 Oct 2015 07:28:00 GMT",
            "Wed, 21 Okt 2015 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28 GMT",
            "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
            "Wed, 21 Oct 0 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28:00:00 GMT",
        ] {
            assert_eq!(read(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn waits_double_to_five_seconds_and_differ_between_processes() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..12).map(|_| backoff.wait()).collect::<Vec<_>>()
        };
        for seed in [0, 1, 2, u64::MAX] {
            for (turn, wait) in waits(seed).into_iter().enumerate() {
                let base = Duration::from_millis(100 << turn).min(Duration::from_secs(5));
                assert!(wait >= base.mul_f64(0.75) && wait <= base.mul_f64(1.25), "turn {turn}: {wait:?} of {base:?}");
            }
        }
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
        let mut backoff = Backoff::new(3);
        backoff.wait();
        backoff.wait();
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(125));
    }
}
