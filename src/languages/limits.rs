//! How often the log repeats an event. A language defines which events are repetitions of each other, and for how long
//! they are held back. `log/limit.rs` keeps the state and counts.

use crate::event::Event;
use crate::level::Level;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

/// How long a repeated failure is held back in most languages.
pub const MINUTE_NS: u64 = 60_000_000_000;

/// What was held back since an event was last logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// How many.
    pub events: u64,
    /// In how many minutes, at least 1.
    pub minutes: u64,
    /// For how many minutes repetitions of this event will be held back; 0 for not at all.
    pub quiet_minutes: u64,
}

/// The limits of one language.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Returns the limit of an event; `None` if each one is logged.
    pub of: fn(&Event<'_>) -> Option<Limit>,
    /// Whether `DD_TRACE_LOGGING_RATE` sets the time.
    pub rated: bool,
    /// Whether time is cut into buckets, and limits hold in debug mode too.
    pub buckets: bool,
}

/// The limit of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The same for events that are repetitions of each other.
    pub key: u64,
    /// How long repetitions are held back, in nanoseconds; 0 for not at all.
    pub quiet_ns: u64,
}

impl Limits {
    /// Repeats the same failure of sending once a minute.
    pub const SAME_FAILURE: Limits = Limits {
        of: |event| {
            let key = match event {
                Event::AgentUnreachable { url, error, .. } => hash(&(0, url, error)),
                Event::AgentRefused { url, status, .. } => hash(&(1, url, status)),
                _ => return None,
            };
            Some(Limit { key, quiet_ns: MINUTE_NS })
        },
        rated: false,
        buckets: false,
    };

    /// Repeats every failure of sending.
    pub const NONE: Limits = Limits {
        of: |event| {
            let failure = matches!(event, Event::AgentUnreachable { .. } | Event::AgentRefused { .. });
            failure.then_some(Limit { key: 0, quiet_ns: 0 })
        },
        rated: false,
        buckets: false,
    };
}

/// Whether a tracer that limits each place in its source has no limit for this event: what a host reports has places of
/// its own, and start-up lines and notices are rare.
pub fn has_no_place(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::TracerConfigured { .. }
            | Event::HostText { .. }
            | Event::HostEvent { .. }
            | Event::SpansAbandoned { .. }
            | Event::AgentUnusable { .. }
            | Event::LogFileMoved { .. }
            | Event::LogFileNotWritten { .. }
            | Event::LogSettingsDiffer
            | Event::TurnedOff
    )
}

/// Returns a key for the event's place in the source of a tracer that limits by place.
pub fn place(event: &Event<'_>) -> u64 {
    let reason = match event {
        Event::LossBegan { reason } | Event::LossEnded { reason, .. } | Event::SpansDropped { reason, .. } => {
            reason.name()
        }
        Event::RecordsLost { sink, .. } => sink.name(),
        _ => "",
    };
    hash(&(discriminant(event), event.kind(), reason))
}

/// Hashes what repetitions have in common.
pub fn hash(subject: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    subject.hash(&mut hasher);
    hasher.finish()
}

/// The level at which most tracers log a dropped trace: a warning, which they limit.
pub fn warns_of_drops(event: &Event<'_>) -> Level {
    match event {
        Event::SpansDropped { .. } => Level::Warn,
        _ => event.level(),
    }
}
