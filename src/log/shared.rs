//! The state of the log, which the log thread shares with its callers: level, settings, sinks, and the buffers between
//! them. The other files of this folder work on it.

use super::aggregate::Aggregate;
use super::config::LogConfig;
use super::filter::Filter;
use super::kept::Kept;
use super::limit::Limiter;
use super::outage::Outage;
use super::push::Push;
use super::ring::{self, Ring};
use super::sink::Sinks;
use super::switch::Switch;
use crate::event::Facts;
use crate::inspect::TypeDescriptor;
use crate::languages::Dialect;
use crate::level::Level;
use crate::lines::Given;
use crate::process;
use crate::recorder::Recorder;
use crate::settings::FileConfig;
use crate::sys;
use crate::zone::Zone;
use std::mem::offset_of;
use std::os::fd::RawFd;
use std::sync::atomic::AtomicU64;
#[cfg(test)]
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock};

const STANDARD_ERROR: RawFd = 2;

/// What the log lost or held back since the process began or was forked.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Records that the log thread's queue had no room for.
    pub push_lost: u64,
    /// Records lost by panics in the log thread.
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

#[derive(Default)]
pub(super) struct Counts {
    pub push_lost: AtomicU64,
    pub panic_lost: AtomicU64,
    pub stderr_lost: AtomicU64,
    pub file_lost: AtomicU64,
    pub held_back: AtomicU64,
    pub inside_sinks: AtomicU64,
}

#[cfg(test)]
impl Counts {
    pub fn get(&self) -> LogCounts {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LogCounts {
            push_lost: get(&self.push_lost),
            panic_lost: get(&self.panic_lost),
            stderr_lost: get(&self.stderr_lost),
            file_lost: get(&self.file_lost),
            held_back: get(&self.held_back),
            inside_sinks: get(&self.inside_sinks),
        }
    }
}

/// The host's descriptors that the log writes to, as they were when the library first checked them.
#[derive(Clone)]
pub(super) struct HostsOwn {
    pub standard_error: Given,
    /// The descriptors that the paths of the log file and of the native one name, such as `/dev/stdout`.
    files: OnceLock<[Option<Given>; 2]>,
}

impl HostsOwn {
    pub fn now() -> HostsOwn {
        HostsOwn { standard_error: Given::now(STANDARD_ERROR), files: OnceLock::new() }
    }

    /// Looks at the descriptors that the paths of the log files name.
    pub fn look_at(&self, file: &Option<FileConfig>, native_file: &Option<FileConfig>) {
        let given = |file: &Option<FileConfig>| {
            let named = file.as_ref().and_then(|file| sys::named_descriptor(&file.path));
            named.map(Given::now)
        };
        let _ = self.files.set([given(file), given(native_file)]);
    }

    /// Returns the descriptor that the path of the log file names, or that of the native one.
    pub fn file(&self, native: bool) -> Option<Given> {
        self.files.get().and_then(|files| files[usize::from(native)])
    }
}

/// The state of one process's log. A forked child can read `switch`, `config` and `sinks` whatever the parent's threads
/// were doing.
pub(super) struct Shared {
    pub epoch_pid: u32,
    /// The process's generation, which distinguishes it from a child that a callback forks.
    pub generation: u32,
    pub recorder: Recorder,
    pub switch: Switch,
    pub filter: Filter,
    /// On the heap, so that making a log in a forked child, perhaps on a small stack, moves little.
    pub config: OnceLock<Box<LogConfig>>,
    pub sinks: Sinks,
    pub given: HostsOwn,
    pub limiter: Mutex<Limiter>,
    pub gathered: Aggregate,
    pub ring: Ring,
    pub kept: Kept,
    pub push: Push,
    pub outage: Outage,
    pub counts: Counts,
    /// Of each kind of event that has facts, once the log is configured.
    pub plans: OnceLock<[Plan; Facts::KINDS]>,
}

/// What does not change about events of one kind that happen for each span or trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// The level that must be logged for them to make a record.
    pub level: Level,
    /// The level of their most important record, where they have records at that level.
    pub loudest: Level,
    /// Whether a limit may hold them back.
    pub limited: bool,
}

impl Shared {
    #[inline(never)]
    pub fn new(
        recorder: Recorder,
        switch: Switch,
        filter: Filter,
        config: OnceLock<Box<LogConfig>>,
        sinks: Sinks,
        given: HostsOwn,
    ) -> Shared {
        Shared {
            epoch_pid: sys::pid(),
            generation: process::generation(),
            recorder,
            switch,
            filter,
            config,
            sinks,
            given,
            limiter: Mutex::default(),
            gathered: Aggregate::default(),
            ring: Ring::new(),
            kept: Kept::new(),
            push: Push::new(),
            outage: Outage::default(),
            counts: Counts::default(),
            plans: OnceLock::new(),
        }
    }

    /// Describes the log to debuggers: the level, and the records that wait for the host.
    pub fn inspected(&self) -> Vec<TypeDescriptor> {
        let mut fields = vec![Switch::inspected().moved(offset_of!(Shared, switch))];
        let ring = offset_of!(Shared, ring);
        fields.extend(self.ring.inspected().map(|field| field.moved(ring)));
        let mut descriptors = vec![TypeDescriptor::row("log", std::slice::from_ref(self), fields)];
        descriptors.extend(ring::inspected());
        descriptors
    }

    pub fn dialect(&self) -> Dialect {
        self.config.get().map_or(Dialect::NATIVE, |config| config.dialect)
    }

    pub fn zone(&self) -> &Zone {
        static UTC: OnceLock<Zone> = OnceLock::new();
        self.config.get().map_or_else(|| UTC.get_or_init(Zone::default), |config| &config.zone)
    }

    /// Whether records are kept for the host to pull.
    pub fn has_ring(&self) -> bool {
        self.config.get().is_none_or(|config| config.ring)
    }

    /// Returns the most verbose level that standard error takes.
    pub fn stderr_level(&self) -> Level {
        match self.config.get() {
            Some(config) if config.stderr => Level::Trace,
            Some(_) => Level::Off,
            None => Level::Warn,
        }
    }

    /// Returns the most verbose level that standard error, a file or a sink takes, as a number.
    pub fn push_level(&self) -> u8 {
        let files = self.config.get().is_some_and(|config| config.file.is_some() || config.native_file.is_some());
        let outputs = if files { Level::Trace } else { self.stderr_level() };
        self.sinks.loudest().max(outputs as u8)
    }
}

/// The time for the limit of debug mode.
pub(super) fn now_ms() -> u64 {
    sys::monotonic_ns() / 1_000_000
}
