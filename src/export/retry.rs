//! What to do after a request: the verdict on its result, and how long to wait before the next one.

use std::time::Duration;

use super::transport::agent::{Answer, Failure};

/// The longest wait that an agent can ask for with `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_CAP: Duration = Duration::from_secs(5);

/// The shortest of the usual waits.
pub const BACKOFF_SHORTEST: Duration = BACKOFF_FIRST;

/// What is to be done with a payload after one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The agent has it (2xx).
    Sent,
    /// A later attempt may succeed: no answer, 408, 429, 5xx, or HTML in the place of an answer.
    Retry {
        /// The wait that the agent asks for, at most [`RETRY_AFTER_MAX`], if it does.
        after: Option<Duration>,
        /// The agent was reached: another attempt at once would be a load for it.
        reached: bool,
    },
    /// Too large (413): halve the payload.
    Split,
    /// The agent does not know this path or format (404, 415): use the next format in the list.
    Downgrade,
    /// No attempt can succeed: another 4xx, a redirect, or an unknown status.
    Drop,
}

/// Judges one attempt. After a failure without an answer another attempt is always worthwhile here. The caller decides
/// whether a payload that may have arrived ([`Failure::Unknown`], [`Failure::Timeout`]) is sent again.
pub fn judge(result: &Result<Answer, Failure>) -> Verdict {
    let answer = match result {
        Ok(answer) => answer,
        Err(failure) => {
            let reached = !matches!(failure, Failure::NotSent(_) | Failure::Refused(_));
            return Verdict::Retry { after: None, reached };
        }
    };
    match answer.status {
        200..=299 if answer.is_taken() => Verdict::Sent,
        200..=299 => Verdict::Retry { after: None, reached: true },
        408 | 429 | 500..=599 => {
            Verdict::Retry { after: answer.retry_after.map(|wish| wish.min(RETRY_AFTER_MAX)), reached: true }
        }
        413 => Verdict::Split,
        404 | 415 => Verdict::Downgrade,
        _ => Verdict::Drop,
    }
}

/// Waits between attempts: 100 ms, doubling up to 5 s. Each is longer or shorter by up to a quarter at random, so that the
/// processes of one machine do not all return to the agent at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    /// Starts at the shortest wait. Equal seeds give equal waits.
    pub fn new(seed: u64) -> Backoff {
        Backoff { next: BACKOFF_FIRST, random: seed }
    }

    /// The wait before the next attempt, 75 ms to 6.25 s. The wait after it is twice as long.
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

    /// Returns to the shortest wait, after a success.
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
        for (body, verdict) in [("{}", Verdict::Sent), ("OK", Verdict::Sent), ("\n <!DOCTYPE html>", retry)] {
            assert_eq!(judge(&Ok(Answer { status: 200, body: body.into(), ..Answer::default() })), verdict, "{body}");
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
