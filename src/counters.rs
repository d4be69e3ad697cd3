//! The counters of a tracer: every span that it started, and the state or end of each. Every test asserts that
//!
//! ```text
//! started  = finished + open + abandoned + discarded
//! finished = waiting + queued + in flight + sent + dropped, summed over all reasons
//! ```
//!
//! Most counts are added once per chunk instead of once per span.

use crate::inspect::Field;
use crate::sys;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Why finished spans were not sent. The order is that of `spanwire_stats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Reason {
    /// The queue was full, by bytes or chunks.
    QueueFull = 0,
    /// `SPANWIRE_MEMORY_MAX` was reached.
    Memory,
    /// The Agent was not reached for `SPANWIRE_RETRY_FOR_MS`.
    Unreachable,
    /// The Agent answered with a status for which a retry is useless.
    Refused,
    /// A single span is larger than the Agent accepts.
    TooLarge,
    /// Not sent before the end of a shutdown.
    Shutdown,
    /// A submitted record was incomplete or had no ids.
    Invalid,
    /// Sent without an answer, and given up.
    UnknownFate,
}

/// Number of reasons.
pub const REASONS: usize = 8;

/// Every reason, in order.
pub const ALL_REASONS: [Reason; REASONS] = [
    Reason::QueueFull,
    Reason::Memory,
    Reason::Unreachable,
    Reason::Refused,
    Reason::TooLarge,
    Reason::Shutdown,
    Reason::Invalid,
    Reason::UnknownFate,
];

/// A loss ends when nothing was dropped for its reason for this long. A queue that stays full drops some chunks between
/// any two payloads; without this time, each of them would begin and end a loss of its own and fill the log.
pub const LOSS_ENDS_AFTER: Duration = Duration::from_secs(1);

/// The names of the reasons in logs and documentation.
pub const REASON_NAMES: [&str; REASONS] =
    ["queue_full", "memory", "unreachable", "refused", "too_large", "shutdown", "invalid", "unknown_fate"];

impl Reason {
    /// Returns the reason's name in logs.
    pub fn name(self) -> &'static str {
        REASON_NAMES[self as usize]
    }
}

/// Number of counters of a tracer.
pub const COUNT: usize = 26;

/// Names in the order of [`Counters::values`]. Part of the flight recorder's interface: new names are added at the end
/// only.
pub const NAMES: [&str; COUNT] = [
    "started_in_ended_traces",
    "finished",
    "enqueued",
    "abandoned",
    "discarded",
    "refused_starts",
    "taken",
    "removed",
    "resolved",
    "sent",
    "dropped_queue_full",
    "dropped_memory",
    "dropped_unreachable",
    "dropped_refused",
    "dropped_too_large",
    "dropped_shutdown",
    "dropped_invalid",
    "dropped_unknown_fate",
    "payloads_sent",
    "payloads_unknown",
    "attempts_failed",
    "bytes_sent",
    "texts_repaired",
    "texts_cut",
    "tags_dropped",
    "parents_unknown",
];

/// Counters that threads update for each trace. Separate from those of the worker, so that both do not write to the
/// same cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct PerTrace {
    /// Spans started in traces that have ended. Live traces count their own.
    pub started: AtomicU64,
    /// Spans finished and passed on in chunks.
    pub finished: AtomicU64,
    /// Spans that were queued.
    pub enqueued: AtomicU64,
}

/// The counters of one tracer. They only grow.
#[derive(Debug, Default)]
pub struct Counters {
    /// The counters updated for each trace.
    pub traces: PerTrace,
    /// Spans that were open when the tracer was shut down.
    pub abandoned: AtomicU64,
    /// Spans that the host discarded.
    pub discarded: AtomicU64,
    /// Spans not started because the tracer was closed or memory was short.
    pub refused_starts: AtomicU64,
    /// Spans that the worker took from the queue.
    pub taken: AtomicU64,
    /// Spans removed from the queue and dropped at the end of a shutdown.
    pub removed: AtomicU64,
    /// Spans that the worker took and then sent or dropped.
    pub resolved: AtomicU64,
    /// Spans in payloads that were answered with 2xx.
    pub sent: AtomicU64,
    /// Spans dropped, by reason.
    pub dropped: [AtomicU64; REASONS],
    /// The loss that is going on, by reason.
    losses: [Loss; REASONS],
    /// When a payload was last answered with 2xx, in monotonic nanoseconds; 0 if none was.
    delivered_ns: AtomicU64,
    /// Payloads answered with 2xx.
    pub payloads_sent: AtomicU64,
    /// Attempts after which it is unknown whether the Agent has the payload.
    pub payloads_unknown: AtomicU64,
    /// Attempts that failed or were refused.
    pub attempts_failed: AtomicU64,
    /// Bytes of the payloads answered with 2xx.
    pub bytes_sent: AtomicU64,
    /// Texts that were not UTF-8 and were repaired.
    pub texts_repaired: AtomicU64,
    /// Texts that were too long and were cut.
    pub texts_cut: AtomicU64,
    /// Tags dropped because of a span's limit or for lack of memory.
    pub tags_dropped: AtomicU64,
    /// Spans started with a parent that had finished or never existed.
    pub parents_unknown: AtomicU64,
}

/// A loss is a time in which spans are dropped for one reason. The log says once that it began and once that it ended.
#[derive(Debug, Default)]
struct Loss {
    /// When spans were last dropped, in monotonic nanoseconds; 0 if no loss is going on.
    last_ns: AtomicU64,
    /// What `dropped` was when the loss began.
    before: AtomicU64,
}

impl Counters {
    /// Adds to a counter.
    #[inline]
    pub fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Relaxed);
    }

    /// Counts `spans` as dropped for `reason`. Returns true if a loss for this reason begins.
    pub fn drop_spans(&self, reason: Reason, spans: u64) -> bool {
        let before = self.dropped[reason as usize].fetch_add(spans, Relaxed);
        let loss = &self.losses[reason as usize];
        let began = loss.last_ns.swap(sys::monotonic_ns().max(1), Relaxed) == 0;
        if began {
            loss.before.store(before, Relaxed);
        }
        began
    }

    /// Counts a payload that was answered with 2xx.
    pub fn deliver_payload(&self, spans: u64, bytes: u64) {
        Counters::add(&self.payloads_sent, 1);
        Counters::add(&self.bytes_sent, bytes);
        Counters::add(&self.sent, spans);
        Counters::add(&self.resolved, spans);
        self.delivered_ns.store(sys::monotonic_ns(), Relaxed);
    }

    /// Ends a loss for this reason if nothing was dropped for it during [`LOSS_ENDS_AFTER`] before `now_ns`, and a
    /// payload was delivered since. Returns how many spans the loss took, or `None` if no loss ends.
    pub fn end_loss(&self, reason: Reason, now_ns: u64) -> Option<u64> {
        let last = self.losses[reason as usize].last_ns.load(Relaxed);
        let quiet = now_ns.saturating_sub(last) >= LOSS_ENDS_AFTER.as_nanos() as u64;
        let over = last != 0 && quiet && self.delivered_ns.load(Relaxed) > last;
        if over {
            self.end(reason, last)
        } else {
            None
        }
    }

    /// Ends a loss for this reason whenever it began, because the tracer is shut down.
    pub fn end_loss_now(&self, reason: Reason) -> Option<u64> {
        match self.losses[reason as usize].last_ns.load(Relaxed) {
            0 => None,
            last => self.end(reason, last),
        }
    }

    /// Ends a loss unless spans were dropped after `last`, or another thread has ended it.
    fn end(&self, reason: Reason, last: u64) -> Option<u64> {
        let loss = &self.losses[reason as usize];
        loss.last_ns.compare_exchange(last, 0, Relaxed, Relaxed).ok()?;
        let now = self.dropped[reason as usize].load(Relaxed);
        Some(now.saturating_sub(loss.before.load(Relaxed)))
    }

    /// Returns all counters, in the order of [`NAMES`].
    fn all(&self) -> [&AtomicU64; COUNT] {
        let [queue_full, memory, unreachable, refused, too_large, shutdown, invalid, unknown_fate] = &self.dropped;
        [
            &self.traces.started,
            &self.traces.finished,
            &self.traces.enqueued,
            &self.abandoned,
            &self.discarded,
            &self.refused_starts,
            &self.taken,
            &self.removed,
            &self.resolved,
            &self.sent,
            queue_full,
            memory,
            unreachable,
            refused,
            too_large,
            shutdown,
            invalid,
            unknown_fate,
            &self.payloads_sent,
            &self.payloads_unknown,
            &self.attempts_failed,
            &self.bytes_sent,
            &self.texts_repaired,
            &self.texts_cut,
            &self.tags_dropped,
            &self.parents_unknown,
        ]
    }

    /// Returns the current values, in the order of [`NAMES`].
    pub fn values(&self) -> [u64; COUNT] {
        self.all().map(|counter| counter.load(Relaxed))
    }

    /// Sets all counters to zero, for a tracer slot that is used again.
    pub fn reset(&self) {
        let losses = self.losses.iter().flat_map(|loss| [&loss.last_ns, &loss.before]);
        self.all().into_iter().chain(losses).chain([&self.delivered_ns]).for_each(|counter| counter.store(0, Relaxed));
    }

    /// Describes the counters for debuggers.
    pub fn inspected() -> Vec<Field> {
        let any = Counters::default();
        let place = |counter: &AtomicU64| std::ptr::from_ref(counter) as usize - std::ptr::from_ref(&any) as usize;
        NAMES.iter().zip(any.all()).map(|(name, counter)| Field::number(name, place(counter), 8)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_read_under_its_own_name() {
        let counters = Counters::default();
        counters.sent.store(7, Relaxed);
        counters.drop_spans(Reason::TooLarge, 3);
        counters.parents_unknown.store(5, Relaxed);
        let values = counters.values();
        let named = |name: &str| values[NAMES.iter().position(|&other| other == name).unwrap()];
        assert_eq!((named("sent"), named("dropped_too_large"), named("parents_unknown")), (7, 3, 5));
        for (reason, name) in REASON_NAMES.iter().enumerate() {
            assert_eq!(NAMES[10 + reason], format!("dropped_{name}"));
        }
        assert_eq!(values.iter().sum::<u64>(), 15);
    }

    #[test]
    fn a_loss_is_said_once_and_its_size_at_the_end() {
        let counters = Counters::default();
        let later = || sys::monotonic_ns() + LOSS_ENDS_AFTER.as_nanos() as u64;
        assert!(counters.drop_spans(Reason::QueueFull, 3));
        assert!(!counters.drop_spans(Reason::QueueFull, 4));
        assert_eq!(counters.end_loss(Reason::QueueFull, later()), None, "nothing is delivered");
        counters.deliver_payload(1, 1);
        assert_eq!(counters.end_loss(Reason::QueueFull, sys::monotonic_ns() - 1), None, "it may go on");
        assert_eq!(counters.end_loss(Reason::QueueFull, later()), Some(7));
        assert_eq!(counters.end_loss(Reason::QueueFull, later()), None);
        assert!(counters.drop_spans(Reason::QueueFull, 2));
        assert_eq!(counters.end_loss_now(Reason::QueueFull), Some(2));
        assert_eq!(counters.end_loss_now(Reason::QueueFull), None);
        assert_eq!(counters.dropped[Reason::QueueFull as usize].load(Relaxed), 9);
        assert_eq!(ALL_REASONS.map(|reason| reason as usize), std::array::from_fn(|n| n));
    }
}
