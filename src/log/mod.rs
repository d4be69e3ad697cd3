//! The log: what happened reaches whoever asked for it, and no caller ever waits for that. An [`Event`] that the level
//! admits becomes a line in the chosen dialect and is pushed: to the ring, from which hosts pull, and to the queue of
//! the log thread, which serves standard error, the file and callbacks. This file holds the settings and the way
//! between the parts; each part is a file of its own.

pub mod dialect;
pub mod event;
mod file;
pub mod level;
mod limit;
mod ring;
mod sink;
mod stream;
mod switch;
mod writer;

pub use dialect::Dialect;
pub use event::{Event, SpanFacts};
pub use file::FileConfig;
pub use level::Level;
pub use ring::Record;
pub use sink::{ReleaseFn, SinkError, SinkFn, SINKS_MAX};

use crate::sys;
use dialect::Frame;
use limit::{HeldBack, Limiter, Subject};
use ring::Ring;
use sink::Sinks;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use switch::Switch;
use writer::Push;

/// How long removing a sink waits for its callback to return.
const REMOVE_PATIENCE: Duration = Duration::from_secs(10);

/// The level that results from level and debug mode; 0 until the first [`Logs`] is made.
static EFFECTIVE: AtomicU8 = AtomicU8::new(0);

/// Whether an event of this level would be kept: one relaxed load. Ask before making an event.
#[inline]
pub fn enabled(level: Level) -> bool {
    level as u8 <= EFFECTIVE.load(Ordering::Relaxed)
}

/// What a tracer's settings say about the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// The level without debug mode.
    pub level: Level,
    /// Whether debug mode is on.
    pub debug: bool,
    /// How events read.
    pub dialect: Dialect,
    /// Whether records go to standard error.
    pub stderr: bool,
    /// Whether records are kept for [`Logs::poll`] and [`Logs::drain`].
    pub ring: bool,
    /// The file that records go to.
    pub file: Option<FileConfig>,
    /// The service, for dialects that name it in every line.
    pub service: String,
    /// The environment, likewise.
    pub env: String,
    /// The service's version, likewise.
    pub version: String,
}

/// What the log itself lost or held back, since the process began or was forked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Records that the log thread's queue had no room for.
    pub push_lost: u64,
    /// Lines that standard error did not take.
    pub stderr_lost: u64,
    /// Lines that the file did not take.
    pub file_lost: u64,
    /// Events that the rate limit held back.
    pub held_back: u64,
    /// Events made inside a sink's callback; they are not delivered.
    pub inside_sinks: u64,
}

/// The log of one process; a forked child makes its own by [`Logs::after_fork`].
pub struct Logs {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Counts {
    push_lost: AtomicU64,
    stderr_lost: AtomicU64,
    file_lost: AtomicU64,
    held_back: AtomicU64,
    inside_sinks: AtomicU64,
}

/// What the log thread shares with its callers. `switch`, `config` and `sinks` can be read by a forked child whatever
/// the parent's threads were doing.
struct Shared {
    epoch_pid: u32,
    switch: Switch,
    config: OnceLock<LogConfig>,
    sinks: Sinks,
    limiter: Mutex<Limiter>,
    ring: Ring,
    push: Push,
    counts: Counts,
}

impl Default for Logs {
    fn default() -> Logs {
        Logs::new()
    }
}

impl Logs {
    /// A log at level info, with ring, and standard error for warnings and worse until it is configured.
    pub fn new() -> Logs {
        Logs::of(Switch::new(&EFFECTIVE), OnceLock::new(), Sinks::new())
    }

    /// The log of a forked child: level, settings and sinks of its parent, and nothing else of it. Waits for no lock
    /// that the fork may have left held. `inherited` must never be dropped.
    pub fn after_fork(inherited: &Logs) -> Logs {
        let from = &inherited.shared;
        let config = from.config.get().map_or_else(OnceLock::new, |config| OnceLock::from(config.clone()));
        Logs::of(from.switch.copy(), config, from.sinks.after_fork())
    }

    fn of(switch: Switch, config: OnceLock<LogConfig>, sinks: Sinks) -> Logs {
        let shared = Shared {
            epoch_pid: sys::pid(),
            switch,
            config,
            sinks,
            limiter: Mutex::default(),
            ring: Ring::new(),
            push: Push::new(),
            counts: Counts::default(),
        };
        Logs { shared: Arc::new(shared) }
    }

    /// Takes over a tracer's settings. The first call decides; a later one answers whether it says the same. A level or
    /// debug mode that was set by a call before stays.
    pub fn configure(&self, config: &LogConfig) -> bool {
        let mut first = false;
        let held = self.shared.config.get_or_init(|| {
            first = true;
            config.clone()
        });
        if first {
            self.shared.switch.configure(config.level, config.debug);
        }
        // Two services of one process do not disagree about where logs go.
        let (service, env, version) = (held.service.clone(), held.env.clone(), held.version.clone());
        *held == LogConfig { service, env, version, ..config.clone() }
    }

    /// Formats the event and hands it on, if its level is enabled and no limit holds it back. Never waits for output.
    pub fn emit(&self, event: &Event<'_>) {
        let shared = &self.shared;
        if !shared.switch.admits(event.level(), now_ms) {
            return;
        }
        if sink::inside(shared.epoch_pid) {
            shared.counts.inside_sinks.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let Some(held_back) = shared.limit(event) else {
            shared.counts.held_back.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let pull = shared.config.get().is_none_or(|config| config.ring);
        let push = event.level() as u8 <= shared.push_level();
        if !pull && !push {
            return;
        }
        let record = Arc::new(shared.format(event, held_back));
        if pull {
            shared.ring.push(record.clone());
        }
        if push {
            writer::push(shared, record);
        }
    }

    /// Sets the level that holds while debug mode is off; debug mode raises it to [`Level::Debug`] at least.
    pub fn set_level(&self, level: Level) {
        self.shared.switch.set_level(level);
    }

    /// Debug mode on or off, without a time limit.
    pub fn debug_set(&self, on: bool) {
        self.shared.switch.set_debug(on);
    }

    /// Debug mode on for so many seconds; then the state before returns.
    pub fn debug_set_for(&self, seconds: u32) {
        self.shared.switch.set_debug_until(now_ms() + u64::from(seconds) * 1_000);
    }

    /// Whether debug mode is on.
    pub fn debug_get(&self) -> bool {
        self.shared.switch.debug(now_ms)
    }

    /// Gives up to `max` waiting records to `each`, oldest first, and answers how many. No lock is held meanwhile;
    /// records made by `each` wait for the next call.
    pub fn poll(&self, max: usize, each: &mut dyn FnMut(&Record)) -> usize {
        self.shared.ring.poll(max, each)
    }

    /// Moves waiting records to `out` as whole lines with a newline each. Answers the bytes written and the bytes that
    /// all lines that waited would need; a line longer than `out` stays, with those behind it.
    pub fn drain(&self, out: &mut [u8]) -> (usize, usize) {
        let tell = |records| self.shared.record(&Event::RecordsLost { sink: "ring", records });
        self.shared.ring.drain(out, &tell)
    }

    /// The descriptor that is readable while records wait for `poll` or `drain`; made by the first call. It stays ours.
    /// `None`: the process can have no more descriptors.
    pub fn fd(&self) -> Option<RawFd> {
        self.shared.ring.fd()
    }

    /// Adds a callback that gets every record of `level` and worse on the log thread. On an error `release` is dropped
    /// without being called.
    pub fn add_sink(&self, level: Level, callback: SinkFn, release: Option<ReleaseFn>) -> Result<u64, SinkError> {
        self.shared.sinks.add(level, callback, release)
    }

    /// Removes a callback, waiting up to 10 s until it does not run; from inside itself it returns at once. After `Ok`
    /// it is not called again. Its release function runs before the return, or after that of the callback where that is
    /// later.
    pub fn remove_sink(&self, id: u64) -> Result<(), SinkError> {
        self.shared.sinks.remove(id, REMOVE_PATIENCE)
    }

    /// Waits until the log thread has handed on what was emitted before; false if that takes longer than `deadline`, or
    /// inside a sink's callback.
    pub fn flush(&self, deadline: Duration) -> bool {
        !sink::inside(self.shared.epoch_pid) && self.shared.push.flush(deadline)
    }

    /// What the log lost or held back so far.
    pub fn counts(&self) -> LogCounts {
        let counts = &self.shared.counts;
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LogCounts {
            push_lost: get(&counts.push_lost),
            stderr_lost: get(&counts.stderr_lost),
            file_lost: get(&counts.file_lost),
            held_back: get(&counts.held_back),
            inside_sinks: get(&counts.inside_sinks),
        }
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.shared.push.close();
    }
}

impl Shared {
    /// What was held back before this event, or `None` to hold it back too.
    fn limit(&self, event: &Event<'_>) -> Option<HeldBack> {
        let Some(subject) = Subject::of(event) else { return Some(HeldBack::default()) };
        let debug = self.switch.debug(now_ms);
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner).admit(subject, debug, sys::monotonic_ns())
    }

    fn format(&self, event: &Event<'_>, held_back: HeldBack) -> Record {
        let time_ns = sys::wall_ns();
        let dialect = self.config.get().map_or(Dialect::Native, |config| config.dialect);
        let text = dialect.line(&Frame { time_ns, pid: self.epoch_pid, held_back }, event);
        Record { time_ns, level: event.level(), target: event.kind().to_string(), text, lost: 0 }
    }

    /// A record about the log itself.
    fn record(&self, event: &Event<'_>) -> Record {
        self.format(event, HeldBack::default())
    }

    /// Keeps a record for the host to pull, if there is a ring.
    fn pull(&self, record: Arc<Record>) {
        if self.config.get().is_none_or(|config| config.ring) {
            self.ring.push(record);
        }
    }

    fn file(&self) -> Option<&FileConfig> {
        self.config.get()?.file.as_ref()
    }

    fn stderr_level(&self) -> Level {
        match self.config.get() {
            Some(config) if config.stderr => Level::Trace,
            Some(_) => Level::Off,
            None => Level::Warn,
        }
    }

    /// The most talkative level that a pushing sink wants, as a number.
    fn push_level(&self) -> u8 {
        let outputs = if self.file().is_some() { Level::Trace } else { self.stderr_level() };
        self.sinks.loudest().max(outputs as u8)
    }
}

fn now_ms() -> u64 {
    sys::monotonic_ns() / 1_000_000
}

#[cfg(test)]
mod tests;
