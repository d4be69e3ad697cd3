//! The log. Delivers events to the ring, from which hosts pull, and to the log thread, which writes to standard error,
//! a file and callbacks. Never blocks the calling thread.
//!
//! The way of a record: `Logs::emit` → `compose` (level, limit, language, record) → `deliver` → `ring`, from which the
//! host pulls, or `push` (the log thread's queue) → `writer` (the log thread) → `outputs` → `lines`, `file`, `sink`. Events of
//! each span or trace go the same way as facts (`Logs::emit_facts`); the writer and the pulls make their records.

mod aggregate;
pub mod bridge;
mod callback;
mod compose;
mod config;
mod deliver;
mod file;
mod filter;
mod kept;
mod limit;
mod moment;
mod outage;
mod outputs;
mod push;
mod queue;
mod record;
mod recorded;
mod retention;
mod ring;
mod shared;
mod sink;
mod switch;
mod thread;
mod writer;

pub use crate::event::Event;
use crate::event::{Facts, Outlet, Thread};
pub use crate::languages::{About, Dialect};
pub use crate::level::Level;
pub use crate::zone::Zone;
pub use callback::Returned;
pub use config::LogConfig;
pub use record::Record;
#[cfg(test)]
use shared::LogCounts;
pub use sink::{ReleaseFn, SinkError, SinkFn, SINKS_MAX};

use crate::inspect::TypeDescriptor;
use crate::os_error::OsError;
use crate::recorder::{Kind, Recorder};
use compose::{emit, emit_facts, records, unrecorded};
use deliver::deliver_gathered;
use filter::Filter;
use shared::{now_ms, HostsOwn, Shared};
use sink::Sinks;
use std::os::fd::RawFd;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use switch::{Remote, Switch};
use thread::start;

/// How long a flare waits for the log thread.
const KEPT_PATIENCE: Duration = Duration::from_millis(500);
/// How long removing a sink waits for its callback to return.
const REMOVE_PATIENCE: Duration = Duration::from_secs(10);

/// The level that results from level and debug mode; 0 until the first [`Logs`] is made.
static EFFECTIVE: AtomicU8 = AtomicU8::new(0);

/// Whether an event of this level would be kept: one relaxed load. Ask before making an event.
#[inline]
pub fn enabled(level: Level) -> bool {
    level as u8 <= EFFECTIVE.load(Ordering::Relaxed)
}

/// The log of one process; a forked child makes its own by [`Logs::after_fork`].
pub struct Logs {
    shared: Arc<Shared>,
}

impl Default for Logs {
    fn default() -> Logs {
        Logs::new()
    }
}

impl Logs {
    /// Makes a log at level info, with a ring, and with standard error for warnings and errors until it is configured.
    pub fn new() -> Logs {
        Logs::recorded_by(Recorder::none())
    }

    /// The same with a flight recorder, which keeps events of all levels.
    pub fn recorded_by(recorder: Recorder) -> Logs {
        let given = HostsOwn::now();
        Logs::of(Shared::new(recorder, Switch::new(&EFFECTIVE), Filter::new(), OnceLock::new(), Sinks::new(), given))
    }

    /// Makes the log of a forked child, with the level, settings and sinks of its parent. Waits for no lock that the
    /// fork may have left held. `inherited` must never be dropped.
    #[inline(never)]
    pub fn after_fork(inherited: &Logs, recorder: Recorder) -> Logs {
        let from = &inherited.shared;
        let config = from.config.get().map_or_else(OnceLock::new, |config| OnceLock::from(config.inherited()));
        // As the parent saw them first: the child may have closed them before this call.
        let given = from.given.clone();
        Logs::of(Shared::new(recorder, from.switch.copy(), from.filter.copy(), config, from.sinks.after_fork(), given))
    }

    fn of(shared: Shared) -> Logs {
        Logs { shared: Arc::new(shared) }
    }

    /// Describes the log to debuggers: the level, and the records that wait for the host.
    pub fn inspected(&self) -> Vec<TypeDescriptor> {
        self.shared.inspected()
    }

    /// Takes over a tracer's settings. Only the first call has an effect; a later one returns whether its settings are
    /// the same. A level or debug mode that was set by a call before stays.
    pub fn configure(&self, config: &LogConfig) -> bool {
        let shared = &self.shared;
        let mut first = false;
        let held = shared.config.get_or_init(|| {
            first = true;
            // Everything is in force before the settings can be seen, also in a child that is forked at this moment.
            // The level that a call set for a logger before stays.
            let chosen = |(logger, _): &&(String, Level)| shared.filter.exactly(logger).is_none();
            let rules: Vec<&(String, Level)> = config.rules.iter().filter(chosen).collect();
            for (logger, level) in rules {
                shared.filter.set(logger, Some(*level));
            }
            self.publish_rules();
            shared.given.look_at(&config.file, &config.native_file);
            shared.switch.configure(config.level, config.debug, config.debug_level);
            Box::new(config.clone())
        });
        if first {
            for file in [&config.file, &config.native_file].into_iter().flatten() {
                self.emit(&Event::LogFileOpened { path: &file.path.to_string_lossy() });
            }
        }
        // Two services of one process do not disagree about where logs go.
        **held == LogConfig { about: held.about.clone(), zone: held.zone.clone(), ..config.clone() }
    }

    /// Whether the log shows the spans of an enqueued chunk one by one ([`Event::ChunkEnqueued`]).
    pub fn lists_spans(&self) -> bool {
        self.shared.dialect().lists_spans()
    }

    /// Formats the event and delivers its records that their loggers' levels admit, unless a limit holds it back. Never
    /// waits for output.
    pub fn emit(&self, event: &Event<'_>) {
        emit(&self.shared, event, start);
    }

    /// Keeps the facts of an event that happens for each span or trace. The log thread makes its records, or the next pull.
    pub fn emit_facts(&self, facts: Facts) {
        emit_facts(&self.shared, facts, start);
    }

    /// Sets the level. Debug mode raises it to [`Level::Debug`] at least while it is on.
    pub fn set_level(&self, level: Level) {
        self.shared.switch.set_level(level);
    }

    /// Sets the level of a logger and of those below it, or removes it. `root` is the host's root logger: its level
    /// applies if neither a level nor debug mode was set. Returns false if
    /// [`LOGGER_LEVELS_MAX`](crate::settings::LOGGER_LEVELS_MAX) loggers have a level.
    pub fn set_logger_level(&self, logger: &str, level: Option<Level>) -> bool {
        let kept = self.shared.filter.set(logger, level);
        self.publish_rules();
        kept
    }

    /// Repeats until the rules have not changed meanwhile, so that the last change is published.
    fn publish_rules(&self) {
        loop {
            let loudest = self.shared.filter.loudest();
            self.shared.switch.set_loudest(loudest);
            if self.shared.filter.loudest() == loudest {
                return;
            }
        }
    }

    /// Sets what remote configuration says of level and debug mode, and until when. While it sets a level, a flare is
    /// expected, so more records are kept. `now` is the time of the call.
    pub fn set_remote(&self, level: Option<(Level, Instant)>, debug: Option<bool>, now: Instant) {
        let left = level.map_or(Duration::ZERO, |(_, until)| until.saturating_duration_since(now));
        let (level, until_ms) = (level.map(|(level, _)| level), now_ms() + left.as_millis() as u64);
        self.shared.kept.prepare(level.is_some());
        self.shared.switch.set_remote(Remote { level, until_ms, debug });
    }

    /// Turns debug mode on or off, without a time limit.
    pub fn debug_set(&self, on: bool) {
        self.shared.recorder.rare(Kind::DebugSwitched, on.into(), 0);
        self.shared.switch.set_debug(on);
    }

    /// Turns debug mode on for so many seconds; then the state before returns.
    pub fn debug_set_for(&self, seconds: u32) {
        self.shared.recorder.rare(Kind::DebugSwitched, u64::from(seconds > 0), seconds.into());
        self.shared.switch.set_debug_until(now_ms() + u64::from(seconds) * 1_000);
    }

    /// Whether debug mode is on.
    pub fn debug_get(&self) -> bool {
        self.shared.switch.debug(now_ms)
    }

    /// Gives up to `max` waiting records to `each`, oldest first, and returns how many. Holds no lock meanwhile;
    /// records made by `each` wait for the next call. In a child that `each` has forked it ends with that record.
    pub fn poll(&self, max: usize, each: &mut dyn FnMut(&Record)) -> usize {
        self.prepare(max);
        self.shared.ring.poll(max, self.shared.generation, each)
    }

    /// Moves waiting records to `out` as whole lines with a newline each. Returns the bytes written and the bytes that
    /// all waiting lines would need. A line longer than `out` stays, with those behind it.
    pub fn drain(&self, out: &mut [u8]) -> (usize, usize) {
        self.prepare(usize::MAX);
        let lost = |records| Event::RecordsLost { sink: Outlet::Ring, records };
        let drained = self.shared.ring.drain(out, &|records| unrecorded(&self.shared, &lost(records)).text);
        if drained.lost > 0 {
            recorded::keep(&self.shared.recorder, &lost(drained.lost));
        }
        (drained.written, drained.need)
    }

    /// Takes the oldest waiting record if it `fits`. Returns what that one `needs`, 0 if none waits.
    pub fn take(
        &self,
        fits: impl Fn(&Record) -> bool,
        needs: impl Fn(&Record) -> usize,
    ) -> (Option<Arc<Record>>, usize) {
        self.prepare(1);
        self.shared.ring.take(fits, needs)
    }

    /// Delivers gathered errors that are due, and makes records of facts in the ring, so that so many records can be pulled.
    fn prepare(&self, most: usize) {
        let shared = &self.shared;
        deliver_gathered(shared, false, start);
        shared.ring.prepare(most, &|kept| {
            let made = catch_unwind(AssertUnwindSafe(|| records(shared, kept)));
            let made = made.unwrap_or_else(|_| {
                emit(shared, &Event::PanicCaught { message: "while a log record was made" }, start);
                Vec::new()
            });
            if !kept.pushed {
                made.iter().for_each(|record| shared.kept.push(record.clone()));
            }
            made
        });
    }

    /// Returns the descriptor that is readable while records wait for `poll` or `drain`; the first call makes it. It
    /// stays ours. `None` if the process can have no more descriptors.
    pub fn fd(&self) -> Option<RawFd> {
        self.shared.ring.fd()
    }

    /// Adds a callback, which the log thread calls for every record of `level` and more important ones. On an error
    /// `release` is dropped without being called.
    pub fn add_sink(&self, level: Level, callback: SinkFn, release: Option<ReleaseFn>) -> Result<u64, SinkError> {
        self.shared.sinks.add(level, callback, release)
    }

    /// Removes a callback, waiting up to 10 s until it does not run; from inside itself it returns at once. After `Ok`
    /// it is not called again. Its release function runs before this function returns, or right after the callback.
    pub fn remove_sink(&self, id: u64) -> Result<(), SinkError> {
        self.shared.sinks.remove(id, REMOVE_PATIENCE)
    }

    /// Delivers gathered errors, and waits until the log thread has written the records that were emitted before.
    /// Returns false if that takes longer than `deadline`, or inside a sink's callback.
    pub fn flush(&self, deadline: Duration) -> bool {
        if sink::inside(self.shared.generation) {
            return false;
        }
        deliver_gathered(&self.shared, true, start);
        self.shared.push.flush(deadline)
    }

    /// Returns the last records, oldest first, and how many were dropped before them. Waits a moment for the log thread, which
    /// makes records of the facts that wait in its queue; not inside a sink's callback, and not for an output that hangs.
    pub fn kept(&self) -> (Vec<Arc<Record>>, u64) {
        if !sink::inside(self.shared.generation) {
            self.shared.push.flush(KEPT_PATIENCE);
        }
        // Facts that only the host pulls become records here.
        self.prepare(usize::MAX);
        let (mut records, dropped) = self.shared.kept.all();
        crate::sort::by_key(&mut records, |record| record.time_ns);
        (records, dropped)
    }

    /// Returns the level of loggers without a level of their own.
    pub fn level(&self) -> Level {
        self.shared.switch.base(now_ms)
    }

    /// Returns what the log lost or held back so far.
    #[cfg(test)]
    pub fn counts(&self) -> LogCounts {
        self.shared.counts.get()
    }

    /// Logs that a thread could not be started.
    #[cold]
    pub fn thread_failed(&self, thread: Thread, error: &OsError) {
        thread::failed(&self.shared, thread, error);
    }

    /// Logs that a thread was started, if it could not be before.
    pub fn thread_started(&self, thread: Thread) {
        thread::started(&self.shared, thread);
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.shared.push.close();
    }
}

#[cfg(test)]
mod tests;
