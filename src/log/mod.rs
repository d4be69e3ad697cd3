//! The log: what happened reaches whoever asked for it, and no caller ever waits for that. An [`Event`] that the level
//! admits becomes a line in the chosen dialect and is pushed: to the ring, from which hosts pull, and to the queue of
//! the log thread, which serves standard error, the file and callbacks. This file holds the settings and the way
//! between the parts; each part is a file of its own.

mod aggregate;
mod callback;
mod file;
mod filter;
mod limit;
mod recorded;
mod retention;
mod ring;
mod sink;
mod switch;
mod threads;
mod writer;

pub use crate::event::{Event, SpanFacts};
pub use crate::languages::{About, Dialect};
pub use crate::level::Level;
pub use crate::settings::LOGGER_LEVELS_MAX as RULES_MAX;
pub use crate::settings::{FileConfig, Retention};
pub use crate::zone::Zone;
pub use callback::Returned;
pub use ring::Record;
pub use sink::{ReleaseFn, SinkError, SinkFn, SINKS_MAX};

use crate::inspect::Noun;
use crate::languages::{Frame, HeldBack, Line};
use crate::lines::Given;
use crate::recorder::{Kind, Recorder};
use crate::sys;
use aggregate::Aggregate;
use filter::Filter;
use limit::{Limiter, Policy};
use ring::Ring;
use sink::Sinks;
use std::mem::offset_of;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use switch::Switch;
use threads::Outage;
use writer::Push;

const STANDARD_ERROR: RawFd = 2;
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
    /// Whether somebody chose that level; where not, a root logger's may hold ([`Logs::set_logger_level`]).
    pub level_given: bool,
    /// Whether debug mode is on.
    pub debug: bool,
    /// The level that debug mode means.
    pub debug_level: Level,
    /// Levels of single loggers.
    pub rules: Vec<(String, Level)>,
    /// How events read.
    pub dialect: Dialect,
    /// Who speaks.
    pub about: About,
    /// Where local time comes from.
    pub zone: Zone,
    /// Whether records go to standard error.
    pub stderr: bool,
    /// Whether records are kept for [`Logs::poll`] and [`Logs::drain`].
    pub ring: bool,
    /// The file that records go to.
    pub file: Option<FileConfig>,
    /// The least important level that the file takes.
    pub file_level: Level,
    /// The file that takes what a .NET host's native code says.
    pub native_file: Option<FileConfig>,
    /// How long repetitions are held back, in seconds, where the language has such a setting.
    pub rate: Option<u64>,
    /// Whether rejected settings are said once for each value.
    pub once: bool,
    /// How long errors are gathered before they are said; zero says each at once. `None` gathers none.
    pub aggregate: Option<Duration>,
}

/// What the log itself lost or held back, since the process began or was forked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Records that the log thread's queue had no room for.
    pub push_lost: u64,
    /// Records that a panic in the log thread cost.
    pub panic_lost: u64,
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
    panic_lost: AtomicU64,
    stderr_lost: AtomicU64,
    file_lost: AtomicU64,
    held_back: AtomicU64,
    inside_sinks: AtomicU64,
}

/// The host's descriptors that the log writes to, as they were when they were first looked at.
#[derive(Clone)]
struct HostsOwn {
    standard_error: Given,
    /// What the paths of the log file and of the native one name, such as `/dev/stdout`.
    files: OnceLock<[Option<Given>; 2]>,
}

impl HostsOwn {
    fn now() -> HostsOwn {
        HostsOwn { standard_error: Given::now(STANDARD_ERROR), files: OnceLock::new() }
    }

    /// What the path of the log file names, or of the native one.
    fn file(&self, native: bool) -> Option<Given> {
        self.files.get().and_then(|files| files[usize::from(native)])
    }
}

/// What the log thread shares with its callers. `switch`, `config` and `sinks` can be read by a forked child whatever
/// the parent's threads were doing.
struct Shared {
    epoch_pid: u32,
    recorder: Recorder,
    switch: Switch,
    filter: Filter,
    /// On the heap, so that making a log in a forked child, perhaps on a small stack, moves little.
    config: OnceLock<Box<LogConfig>>,
    sinks: Sinks,
    given: HostsOwn,
    limiter: Mutex<Limiter>,
    gathered: Aggregate,
    ring: Ring,
    push: Push,
    outage: Outage,
    counts: Counts,
}

#[inline(never)]
fn inherited_config(config: &LogConfig) -> Box<LogConfig> {
    let mut config = Box::new(config.clone());
    // What is done once to a log file, the parent has done.
    let LogConfig { file, native_file, .. } = &mut *config;
    for file in [file, native_file].into_iter().flatten() {
        (file.truncate, file.retention) = (false, None);
    }
    config
}

impl Default for Logs {
    fn default() -> Logs {
        Logs::new()
    }
}

impl Logs {
    /// A log at level info, with ring, and standard error for warnings and worse until it is configured.
    pub fn new() -> Logs {
        Logs::recorded_by(Recorder::none())
    }

    /// The same, whose events the flight recorder keeps, whatever the level.
    pub fn recorded_by(recorder: Recorder) -> Logs {
        Logs::of(recorder, Switch::new(&EFFECTIVE), Filter::new(), OnceLock::new(), Sinks::new(), HostsOwn::now())
    }

    /// The log of a forked child: level, settings and sinks of its parent, and nothing else of it. Waits for no lock
    /// that the fork may have left held. `inherited` must never be dropped.
    #[inline(never)]
    pub fn after_fork(inherited: &Logs, recorder: Recorder) -> Logs {
        let from = &inherited.shared;
        let config = from.config.get().map_or_else(OnceLock::new, |config| OnceLock::from(inherited_config(config)));
        // As the parent saw them first: the child may have closed them before this call.
        let given = from.given.clone();
        Logs::of(recorder, from.switch.copy(), from.filter.copy(), config, from.sinks.after_fork(), given)
    }

    #[inline(never)]
    fn of(
        recorder: Recorder,
        switch: Switch,
        filter: Filter,
        config: OnceLock<Box<LogConfig>>,
        sinks: Sinks,
        given: HostsOwn,
    ) -> Logs {
        let shared = Shared {
            epoch_pid: sys::pid(),
            recorder,
            switch,
            filter,
            config,
            sinks,
            given,
            limiter: Mutex::default(),
            gathered: Aggregate::default(),
            ring: Ring::new(),
            push: Push::new(),
            outage: Outage::default(),
            counts: Counts::default(),
        };
        Logs { shared: Arc::new(shared) }
    }

    /// What debuggers see of the log: the level, and the records that wait for the host.
    pub fn inspected(&self) -> Vec<Noun> {
        let shared = std::slice::from_ref(&*self.shared);
        let mut fields = vec![Switch::inspected().moved(offset_of!(Shared, switch))];
        let ring = offset_of!(Shared, ring);
        fields.extend(self.shared.ring.inspected().map(|field| field.moved(ring)));
        let mut nouns = vec![Noun::row("log", shared, fields)];
        nouns.extend(ring::inspected());
        nouns
    }

    /// Takes over a tracer's settings. The first call decides; a later one answers whether it says the same. A level or
    /// debug mode that was set by a call before stays.
    pub fn configure(&self, config: &LogConfig) -> bool {
        let shared = &self.shared;
        let mut first = false;
        let held = shared.config.get_or_init(|| {
            first = true;
            // All else first: whoever sees the settings, or is forked in this moment, finds them in force.
            // What a call has said before stays, as with the level.
            let chosen = |(logger, _): &&(String, Level)| shared.filter.exactly(logger).is_none();
            let rules: Vec<&(String, Level)> = config.rules.iter().filter(chosen).collect();
            for (logger, level) in rules {
                shared.filter.set(logger, Some(*level));
            }
            self.publish_rules();
            let given = |file: &Option<FileConfig>| {
                let named = file.as_ref().and_then(|file| sys::named_descriptor(&file.path));
                named.map(Given::now)
            };
            let _ = shared.given.files.set([given(&config.file), given(&config.native_file)]);
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

    /// Whether an enqueued chunk's spans are wanted one by one ([`Event::ChunkEnqueued`]).
    pub fn lists_spans(&self) -> bool {
        self.shared.dialect().lists_spans()
    }

    /// Formats the event and hands on the records that it makes and that their loggers' levels admit, unless a limit
    /// holds it back. Never waits for output.
    pub fn emit(&self, event: &Event<'_>) {
        emit(&self.shared, event);
    }

    /// Sets the level that holds while debug mode is off; debug mode raises it to [`Level::Debug`] at least.
    pub fn set_level(&self, level: Level) {
        self.shared.switch.set_level(level);
    }

    /// Sets the level of a logger and of those below it, or takes its rule away. `root` is the host's root logger: its
    /// level holds where neither a level nor debug mode was chosen. False: there are [`RULES_MAX`] rules.
    pub fn set_logger_level(&self, logger: &str, level: Option<Level>) -> bool {
        let kept = self.shared.filter.set(logger, level);
        self.publish_rules();
        kept
    }

    /// Repeated until the rules have not changed meanwhile, so that the last change is what stays published.
    fn publish_rules(&self) {
        loop {
            let loudest = self.shared.filter.loudest();
            self.shared.switch.set_loudest(loudest);
            if self.shared.filter.loudest() == loudest {
                return;
            }
        }
    }

    /// Debug mode on or off, without a time limit.
    pub fn debug_set(&self, on: bool) {
        self.shared.recorder.rare(Kind::DebugSwitched, on.into(), 0);
        self.shared.switch.set_debug(on);
    }

    /// Debug mode on for so many seconds; then the state before returns.
    pub fn debug_set_for(&self, seconds: u32) {
        self.shared.recorder.rare(Kind::DebugSwitched, u64::from(seconds > 0), seconds.into());
        self.shared.switch.set_debug_until(now_ms() + u64::from(seconds) * 1_000);
    }

    /// Whether debug mode is on.
    pub fn debug_get(&self) -> bool {
        self.shared.switch.debug(now_ms)
    }

    /// Gives up to `max` waiting records to `each`, oldest first, and answers how many. No lock is held meanwhile;
    /// records made by `each` wait for the next call. In a child that `each` has forked it ends with that record.
    pub fn poll(&self, max: usize, each: &mut dyn FnMut(&Record)) -> usize {
        writer::say_gathered(&self.shared, false);
        self.shared.ring.poll(max, self.shared.epoch_pid, each)
    }

    /// Moves waiting records to `out` as whole lines with a newline each. Answers the bytes written and the bytes that
    /// all lines that waited would need; a line longer than `out` stays, with those behind it.
    pub fn drain(&self, out: &mut [u8]) -> (usize, usize) {
        writer::say_gathered(&self.shared, false);
        let tell = |records| self.shared.record(&Event::RecordsLost { sink: "ring", records });
        self.shared.ring.drain(out, &tell)
    }

    /// Takes the oldest record that waits if it `fits`. Answers with what that one `needs`, 0 where none waits.
    pub fn take(
        &self,
        fits: impl Fn(&Record) -> bool,
        needs: impl Fn(&Record) -> usize,
    ) -> (Option<Arc<Record>>, usize) {
        writer::say_gathered(&self.shared, false);
        self.shared.ring.take(fits, needs)
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

    /// Says what was gathered, and waits until the log thread has handed on what was emitted before; false if that takes longer than `deadline`, or
    /// inside a sink's callback.
    pub fn flush(&self, deadline: Duration) -> bool {
        if sink::inside(self.shared.epoch_pid) {
            return false;
        }
        writer::say_gathered(&self.shared, true);
        self.shared.push.flush(deadline)
    }

    /// What the log lost or held back so far.
    pub fn counts(&self) -> LogCounts {
        let counts = &self.shared.counts;
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LogCounts {
            push_lost: get(&counts.push_lost),
            panic_lost: get(&counts.panic_lost),
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
    fn dialect(&self) -> Dialect {
        self.config.get().map_or(Dialect::NATIVE, |config| config.dialect)
    }

    fn zone(&self) -> &Zone {
        static UTC: OnceLock<Zone> = OnceLock::new();
        self.config.get().map_or_else(|| UTC.get_or_init(Zone::default), |config| &config.zone)
    }

    /// What was held back before this event, or `None` to hold it back too.
    fn limit(&self, event: &Event<'_>) -> Option<HeldBack> {
        let config = self.config.get();
        let (rate, once) = config.map_or((None, true), |config| (config.rate, config.once));
        let policy = Policy { language: self.dialect().language, rate, once };
        let Some(subject) = policy.subject(event, self.switch.debug(now_ms)) else { return Some(HeldBack::default()) };
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner).admit(subject, sys::monotonic_ns())
    }

    /// The event's records and their time.
    fn lines(&self, event: &Event<'_>, held_back: HeldBack) -> (u64, Vec<Line>) {
        static NOBODY: OnceLock<About> = OnceLock::new();
        let (time_ns, config, mut name) = (sys::wall_ns(), self.config.get(), [0; 16]);
        let dialect = self.dialect();
        let frame = Frame {
            time_ns,
            pid: self.epoch_pid,
            thread: if dialect.language.thread_names { sys::thread_name(&mut name) } else { "" },
            held_back,
            debug: self.switch.debug(now_ms),
            about: config.map_or_else(|| NOBODY.get_or_init(About::default), |config| &config.about),
            zone: self.zone(),
        };
        let mut lines = Vec::new();
        dialect.lines(&frame, event, &mut lines);
        #[cfg(test)]
        lines.iter().for_each(|line| tests::panic_if_asked(&line.text, "in a dialect"));
        (time_ns, lines)
    }

    /// Whether a record's logger lets it through.
    fn wants(&self, line: &Line) -> bool {
        let root = || {
            let chosen = self.switch.level_chosen() || self.config.get().is_some_and(|config| config.level_given);
            self.filter.root().filter(|_| !chosen && !self.switch.debug(now_ms))
        };
        let level = self.filter.level_of(&line.logger).or_else(root);
        line.level <= level.unwrap_or_else(|| self.switch.base(now_ms))
    }

    /// A record about the log itself.
    fn record(&self, event: &Event<'_>) -> Record {
        recorded::keep(&self.recorder, event);
        let (time_ns, lines) = self.lines(event, HeldBack::default());
        match lines.into_iter().next() {
            Some(line) => Record::of(line, event.kind(), time_ns),
            None => Record::new(event.level()),
        }
    }

    /// Keeps a record for the host to pull, if there is a ring.
    fn pull(&self, record: Arc<Record>) {
        if self.config.get().is_none_or(|config| config.ring) {
            self.ring.push(record);
        }
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
        let files = self.config.get().is_some_and(|config| config.file.is_some() || config.native_file.is_some());
        let outputs = if files { Level::Trace } else { self.stderr_level() };
        self.sinks.loudest().max(outputs as u8)
    }
}

/// See [`Logs::emit`].
fn emit(shared: &Arc<Shared>, event: &Event<'_>) {
    recorded::keep(&shared.recorder, event);
    let dialect = shared.dialect();
    // What is rare, or matters more than debug, may have another level in a dialect: that is decided line by line.
    let least = match dialect.event_level(event) {
        Level::Off => return,
        level @ (Level::Debug | Level::Trace) if !event.is_rare() => level,
        _ => Level::Error,
    };
    if shared.switch.admits(least, now_ms) {
        // On a host's thread: waking those who wait for records is a cancellation point.
        sys::uncancelled(|| tell(shared, event));
    }
}

/// Formats an event that is wanted, and delivers what comes of it.
fn tell(shared: &Arc<Shared>, event: &Event<'_>) {
    if sink::inside(shared.epoch_pid) {
        shared.counts.inside_sinks.fetch_add(1, Ordering::Relaxed);
        return;
    }
    // Nothing is formatted for nobody.
    if shared.config.get().is_some_and(|config| !config.ring) && shared.push_level() == Level::Off as u8 {
        return;
    }
    let Some(held_back) = shared.limit(event) else {
        shared.counts.held_back.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let (target, config) = (event.kind(), shared.config.get());
    let (time_ns, lines) = shared.lines(event, held_back);
    for line in lines {
        if !shared.wants(&line) {
            continue;
        }
        // What has no template and is no failure of sending says something else each time.
        let sending = matches!(target, "agent.refused" | "agent.unreachable" | "spans.dropped");
        let gathered = line.level == Level::Error && (sending || !line.template.is_empty());
        let aggregate = config.and_then(|config| config.aggregate).filter(|_| gathered);
        let template = if line.template.is_empty() { target } else { line.template };
        let record = Record::of(line, target, time_ns);
        match aggregate {
            // The log's thread may be what is missing.
            _ if matches!(event, Event::ThreadNotStarted { .. }) => writer::deliver_at_once(shared, record),
            None => writer::deliver(shared, Arc::new(record)),
            Some(Duration::ZERO) => writer::deliver(shared, Arc::new(aggregate::said(record, 1, shared.zone()))),
            Some(period) => writer::gather(shared, template, record, period),
        }
    }
}

fn now_ms() -> u64 {
    sys::monotonic_ns() / 1_000_000
}

#[cfg(test)]
mod tests;
