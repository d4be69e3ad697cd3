//! Which events are said again and which only counted. Nothing here formats: an admitted event carries how many like it
//! were held back.

use super::event::Event;
use std::collections::hash_map::DefaultHasher;
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

/// How long a repeated failure stays quiet.
const QUIET_NS: u64 = 60_000_000_000;
/// Different failures remembered; the oldest is forgotten first.
const FAILURES_MAX: usize = 64;
/// Rejected settings remembered, likewise.
const SETTINGS_MAX: usize = 1024;

/// What was held back since an event was last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// How many.
    pub events: u64,
    /// In how many minutes, at least 1.
    pub minutes: u64,
}

/// What an event has in common with its repetitions; `None` for events that are never limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A failure, by its reason.
    Failure(u64),
    /// A setting, by name and value.
    Setting(u64),
}

impl Subject {
    pub fn of(event: &Event<'_>) -> Option<Subject> {
        match event {
            Event::AgentUnreachable { url, error, .. } => Some(Subject::Failure(hash(&(0, url, error)))),
            Event::AgentRefused { url, status, .. } => Some(Subject::Failure(hash(&(1, url, status)))),
            Event::SettingRejected { name, value, .. } => Some(Subject::Setting(hash(&(name, value)))),
            _ => None,
        }
    }
}

/// The memory behind the limits; bounded.
#[derive(Default)]
pub(super) struct Limiter {
    failures: VecDeque<Failure>,
    settings: VecDeque<u64>,
}

struct Failure {
    reason: u64,
    said_ns: u64,
    held_back: u64,
}

impl Limiter {
    /// Whether to say it, and what was held back meanwhile. In debug mode every failure is said.
    pub fn admit(&mut self, subject: Subject, debug: bool, now_ns: u64) -> Option<HeldBack> {
        match subject {
            Subject::Failure(reason) => self.failure(reason, debug, now_ns),
            Subject::Setting(setting) => {
                if self.settings.contains(&setting) {
                    return None;
                }
                remember(&mut self.settings, SETTINGS_MAX, setting);
                Some(HeldBack::default())
            }
        }
    }

    fn failure(&mut self, reason: u64, debug: bool, now_ns: u64) -> Option<HeldBack> {
        let Some(known) = self.failures.iter_mut().find(|known| known.reason == reason) else {
            remember(&mut self.failures, FAILURES_MAX, Failure { reason, said_ns: now_ns, held_back: 0 });
            return Some(HeldBack::default());
        };
        let quiet_for = now_ns.saturating_sub(known.said_ns);
        if quiet_for < QUIET_NS && !debug {
            known.held_back += 1;
            return None;
        }
        known.said_ns = now_ns;
        Some(HeldBack { events: std::mem::take(&mut known.held_back), minutes: (quiet_for / QUIET_NS).max(1) })
    }
}

fn remember<T>(memory: &mut VecDeque<T>, most: usize, new: T) {
    if memory.len() == most {
        memory.pop_front();
    }
    memory.push_back(new);
}

fn hash(subject: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    subject.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn unreachable(error: &str) -> Subject {
        let event = Event::AgentUnreachable {
            url: "http://h:1",
            error,
            bytes: 1,
            traces: 1,
            spans: 1,
            attempt: 1,
            retry: true,
        };
        Subject::of(&event).expect("failures are limited")
    }

    #[test]
    fn a_failure_is_said_once_a_minute_with_the_count_of_the_rest() {
        let mut limiter = Limiter::default();
        let refused = unreachable("connection refused");
        assert_eq!(limiter.admit(refused, false, SECOND), Some(HeldBack::default()));
        for n in 2..14 {
            assert_eq!(limiter.admit(refused, false, n * SECOND), None);
        }
        assert!(limiter.admit(unreachable("timed out"), false, 20 * SECOND).is_some(), "another reason");
        assert_eq!(limiter.admit(refused, false, 61 * SECOND), Some(HeldBack { events: 12, minutes: 1 }));
        assert_eq!(limiter.admit(refused, false, 62 * SECOND), None);
        assert_eq!(limiter.admit(refused, false, 661 * SECOND), Some(HeldBack { events: 1, minutes: 10 }));
    }

    #[test]
    fn debug_mode_says_every_failure() {
        let mut limiter = Limiter::default();
        for n in 0..5 {
            assert!(limiter.admit(unreachable("x"), true, n).is_some());
        }
    }

    #[test]
    fn a_setting_is_rejected_once_for_each_value() {
        let mut limiter = Limiter::default();
        let rejected = |value| {
            let event = Event::SettingRejected { name: "DD_X", value, origin: "code", why: "" };
            Subject::of(&event).expect("rejections are limited")
        };
        assert!(limiter.admit(rejected("a"), false, 0).is_some());
        assert!(limiter.admit(rejected("a"), true, 1).is_none());
        assert!(limiter.admit(rejected("b"), false, 2).is_some());
    }

    #[test]
    fn losses_and_the_start_up_line_are_never_limited() {
        assert_eq!(Subject::of(&Event::LossBegan { reason: "x" }), None);
        assert_eq!(Subject::of(&Event::LossEnded { reason: "x", spans: 1 }), None);
        assert_eq!(Subject::of(&Event::SpansAbandoned { spans: 1 }), None);
        assert_eq!(Subject::of(&Event::TracerConfigured { config_json: "{}" }), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut limiter = Limiter::default();
        for n in 0..10_000 {
            limiter.admit(Subject::Failure(n), false, n);
            limiter.admit(Subject::Setting(n), false, n);
        }
        assert_eq!((limiter.failures.len(), limiter.settings.len()), (FAILURES_MAX, SETTINGS_MAX));
    }
}
