//! Which events are logged again and which only counted. Formats nothing: an admitted event carries how many like it
//! were held back.

use crate::event::Event;
use crate::languages::language::Language;
use crate::languages::limits::{hash, HeldBack, Limit, MINUTE_NS};
use std::collections::VecDeque;

/// Maximum number of different failures that are remembered. The oldest is forgotten first.
const FAILURES_MAX: usize = 64;
/// Maximum number of rejected settings that are remembered. The oldest is forgotten first.
const SETTINGS_MAX: usize = 1024;

/// How often events are logged again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The language whose limits hold.
    pub language: &'static Language,
    /// `DD_TRACE_LOGGING_RATE` in seconds; 0 holds nothing back. `None` if it is not set.
    pub rate: Option<u64>,
    /// Whether a setting is rejected once for each value, or each time.
    pub once: bool,
}

impl Policy {
    /// Returns what the event has in common with its repetitions, and how long those are held back. `None` for events
    /// that are always logged.
    pub(super) fn subject(&self, event: &Event<'_>, debug: bool) -> Option<Subject> {
        if let Event::SettingRejected { name, value, .. } = event {
            return self.once.then(|| Subject::Once(hash(&(name, value))));
        }
        if let Event::SettingsUnsupported { names } = event {
            return self.once.then(|| Subject::Once(hash(names)));
        }
        let limits = &self.language.limits;
        let Limit { key, quiet_ns } = match event {
            // There are many thousands a second in an overload.
            Event::SpansDropped { reason, .. } if !debug => {
                Limit { key: hash(&(2, reason.name())), quiet_ns: MINUTE_NS }
            }
            _ => (limits.of)(event)?,
        };
        let rate = self.rate.filter(|rate| *rate > 0 || !matches!(event, Event::SpansDropped { .. }));
        let rated = rate.filter(|_| limits.rated).map(|seconds| seconds.saturating_mul(1_000_000_000));
        let holds = !debug || limits.buckets;
        let quiet_ns = rated.unwrap_or(quiet_ns);
        Some(Subject::Repeated { key, quiet_ns: if holds { quiet_ns } else { 0 }, fixed: limits.buckets })
    }
}

/// What an event has in common with its repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// An event that may repeat. `fixed`: time is cut into buckets of `quiet_ns`, whenever the first one happened.
    Repeated { key: u64, quiet_ns: u64, fixed: bool },
    /// An event that is logged once.
    Once(u64),
}

/// Remembers what was logged, within bounds.
#[derive(Default)]
pub(super) struct Limiter {
    failures: VecDeque<Failure>,
    once: VecDeque<u64>,
}

struct Failure {
    key: u64,
    said_ns: u64,
    held_back: u64,
}

impl Limiter {
    /// Returns what was held back meanwhile, or `None` to hold back this one.
    pub fn admit(&mut self, subject: Subject, now_ns: u64) -> Option<HeldBack> {
        match subject {
            Subject::Repeated { key, quiet_ns, fixed } => self.repeated(key, quiet_ns, fixed, now_ns),
            Subject::Once(key) => {
                if self.once.contains(&key) {
                    return None;
                }
                remember(&mut self.once, SETTINGS_MAX, key);
                Some(HeldBack::default())
            }
        }
    }

    fn repeated(&mut self, key: u64, quiet_ns: u64, fixed: bool, now_ns: u64) -> Option<HeldBack> {
        let quiet_minutes = quiet_ns / MINUTE_NS;
        let Some(known) = self.failures.iter_mut().find(|known| known.key == key) else {
            remember(&mut self.failures, FAILURES_MAX, Failure { key, said_ns: now_ns, held_back: 0 });
            return Some(HeldBack { quiet_minutes, ..HeldBack::default() });
        };
        let quiet_for = now_ns.saturating_sub(known.said_ns);
        let still = match (fixed, quiet_ns) {
            (_, 0) => false,
            (true, _) => now_ns / quiet_ns == known.said_ns / quiet_ns,
            (false, _) => quiet_for < quiet_ns,
        };
        if still {
            known.held_back += 1;
            return None;
        }
        known.said_ns = now_ns;
        let events = std::mem::take(&mut known.held_back);
        Some(HeldBack { events, minutes: (quiet_for / MINUTE_NS).max(1), quiet_minutes })
    }
}

fn remember<T>(memory: &mut VecDeque<T>, most: usize, new: T) {
    if memory.len() == most {
        memory.pop_front();
    }
    memory.push_back(new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Reason;
    use crate::event::send_error::{Peer, SendErrorKind};
    use crate::event::{DropDetail, SendError};
    use crate::languages::Dialect;
    use crate::os_error::OsError;
    use crate::settings::{Origin, Rejection};

    const SECOND: u64 = 1_000_000_000;

    const NATIVE: Policy = Policy { language: Dialect::NATIVE.language, rate: None, once: true };

    fn of(language: &str) -> &'static Language {
        Dialect::from_name(language).expect("a language").language
    }

    /// An error of another kind for each number.
    fn error(number: i32) -> SendError {
        SendError::new(SendErrorKind::System(OsError::Errno(number)), Peer::Unnamed)
    }

    fn unreachable(error: &SendError) -> Event<'_> {
        Event::AgentUnreachable {
            url: "http://h:1",
            error,
            bytes: 1,
            traces: 1,
            spans: 1,
            attempt: 1,
            retry: true,
            first: true,
            totals: Default::default(),
        }
    }

    fn said(limiter: &mut Limiter, policy: Policy, event: &Event<'_>, debug: bool, at_ns: u64) -> Option<u64> {
        match policy.subject(event, debug) {
            None => Some(0),
            Some(subject) => limiter.admit(subject, at_ns).map(|held_back| held_back.events),
        }
    }

    #[test]
    fn a_failure_is_said_once_a_minute_with_the_count_of_the_rest() {
        let (mut limiter, refused) = (Limiter::default(), error(1));
        let refused = unreachable(&refused);
        let mut at = |event: &Event<'_>, second| said(&mut limiter, NATIVE, event, false, second * SECOND);
        assert_eq!(at(&refused, 1), Some(0));
        for n in 2..14 {
            assert_eq!(at(&refused, n), None);
        }
        assert_eq!(at(&unreachable(&error(2)), 20), Some(0), "another reason");
        assert_eq!(at(&refused, 61), Some(12));
        assert_eq!(at(&refused, 62), None);
        assert_eq!(at(&refused, 661), Some(1));
    }

    #[test]
    fn debug_mode_says_every_failure() {
        for language in [of("native"), of("java"), of("python")] {
            let (mut limiter, policy) = (Limiter::default(), Policy { language, ..NATIVE });
            for n in 0..5 {
                assert_eq!(said(&mut limiter, policy, &unreachable(&error(3)), true, n), Some(0), "{language:?}");
            }
        }
    }

    #[test]
    fn java_keeps_silent_for_five_minutes_whatever_failed() {
        let (mut limiter, policy) = (Limiter::default(), Policy { language: of("java"), ..NATIVE });
        let first = policy.subject(&unreachable(&error(3)), false).and_then(|subject| limiter.admit(subject, SECOND));
        assert_eq!(first, Some(HeldBack { events: 0, minutes: 0, quiet_minutes: 5 }));
        assert_eq!(said(&mut limiter, policy, &unreachable(&error(4)), false, 200 * SECOND), None);
        assert_eq!(said(&mut limiter, policy, &unreachable(&error(4)), false, 302 * SECOND), Some(1));
    }

    #[test]
    fn python_limits_each_place_for_the_rate_that_was_set() {
        let policy = Policy { language: of("python"), rate: Some(10), once: true };
        let mut limiter = Limiter::default();
        let lost = Event::LossBegan { reason: Reason::QueueFull };
        let mut at = |event: &Event<'_>, second| said(&mut limiter, policy, event, false, second * SECOND);
        assert_eq!(
            (at(&unreachable(&error(5)), 0), at(&unreachable(&error(6)), 1), at(&lost, 2)),
            (Some(0), None, Some(0))
        );
        assert_eq!(at(&unreachable(&error(7)), 11), Some(1));
        let never = Policy { rate: Some(0), ..policy };
        let mut limiter = Limiter::default();
        assert_eq!(said(&mut limiter, never, &unreachable(&error(5)), false, 0), Some(0));
        assert_eq!(said(&mut limiter, never, &unreachable(&error(5)), false, 1), Some(0));
    }

    #[test]
    fn dotnet_cuts_time_into_buckets_and_only_if_asked() {
        let off = Policy { language: of("dotnet"), rate: None, once: true };
        let mut limiter = Limiter::default();
        for n in 0..3 {
            assert_eq!(said(&mut limiter, off, &unreachable(&error(5)), false, n), Some(0));
        }
        let (on, mut limiter) = (Policy { rate: Some(60), ..off }, Limiter::default());
        let mut at = |second| said(&mut limiter, on, &unreachable(&error(5)), true, second * SECOND);
        assert_eq!((at(59), at(59), at(60), at(61)), (Some(0), None, Some(1), None));
    }

    #[test]
    fn an_overload_is_told_once_a_minute_in_every_language() {
        let dropped = |reason| Event::SpansDropped { reason, spans: 1, traces: 1, detail: &DropDetail::TimeOver };
        for language in [of("native"), of("java"), of("python"), of("go"), of("dotnet"), of("php")] {
            let (mut limiter, policy) = (Limiter::default(), Policy { language, ..NATIVE });
            let mut at = |reason, second| said(&mut limiter, policy, &dropped(reason), false, second * SECOND);
            assert_eq!((at(Reason::QueueFull, 0), at(Reason::QueueFull, 1)), (Some(0), None), "{language:?}");
            assert_eq!(at(Reason::Memory, 2), Some(0), "{language:?}: another loss is other news");
            assert_eq!(at(Reason::QueueFull, 61), Some(1), "{language:?}");
        }
    }

    #[test]
    fn different_losses_are_different_news_in_python() {
        let (mut limiter, policy) = (Limiter::default(), Policy { language: of("python"), ..NATIVE });
        let mut at = |reason| said(&mut limiter, policy, &Event::LossBegan { reason }, false, 0);
        assert_eq!((at(Reason::QueueFull), at(Reason::Memory), at(Reason::QueueFull)), (Some(0), Some(0), None));
    }

    #[test]
    fn a_setting_is_rejected_once_for_each_value() {
        let mut limiter = Limiter::default();
        let rejected =
            |value| Event::SettingRejected { name: "DD_X", value, origin: Origin::Code, why: &Rejection::NotSwitch };
        let mut at = |value, policy| said(&mut limiter, policy, &rejected(value), true, 0);
        assert_eq!((at("a", NATIVE), at("a", NATIVE), at("b", NATIVE)), (Some(0), None, Some(0)));
        assert_eq!(at("a", Policy { once: false, ..NATIVE }), Some(0));
    }

    #[test]
    fn losses_and_the_start_up_line_are_never_limited() {
        for event in [
            Event::LossBegan { reason: Reason::Memory },
            Event::LossEnded { reason: Reason::Memory, spans: 1 },
            Event::SpansAbandoned { spans: 1, open: &[] },
            Event::TracerConfigured { fields: &[], agent_url: "", agent_error: None, abandoned_spans: false },
        ] {
            assert_eq!(NATIVE.subject(&event, false), None);
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut limiter = Limiter::default();
        for key in 0..10_000 {
            limiter.admit(Subject::Repeated { key, quiet_ns: SECOND, fixed: false }, key);
            limiter.admit(Subject::Once(key), key);
        }
        assert_eq!((limiter.failures.len(), limiter.once.len()), (FAILURES_MAX, SETTINGS_MAX));
    }
}
