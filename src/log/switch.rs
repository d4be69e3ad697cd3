//! The level, debug mode and its time limit, in one atomic word; and what remote configuration puts on top of them, in
//! another.

use crate::inspect::{unsigned, Field};
use crate::level::Level;
use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};

/// One word, so that a change is one exchange and a forked child reads a consistent state. `effective` is the resulting
/// level: a disabled log call costs one load of it.
pub(super) struct Switch {
    word: AtomicU64,
    /// [`Remote`].
    remote: AtomicU64,
    /// [`InForce`] as both words say, unless a time limit runs: then it is looked at each time.
    in_force: AtomicU64,
    pub effective: &'static AtomicU8,
    /// The resulting level again, in this structure, for debuggers.
    shown: AtomicU8,
}

/// Where the time limit begins in the word.
const UNTIL_SHIFT: u32 = 13;

/// What remote configuration says. It is on top of what settings and calls say, which is in force again when it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Remote {
    /// The level that is logged at least.
    pub level: Option<Level>,
    /// When that ends, in monotonic milliseconds.
    pub until_ms: u64,
    /// Whether debug mode is on.
    pub debug: Option<bool>,
}

impl Remote {
    const UNTIL_SHIFT: u32 = 6;

    fn pack(self) -> u64 {
        let level = self.level.map_or(0, |level| 1 << 3 | level as u64);
        let debug = self.debug.map_or(0, |debug| 2 | u64::from(debug));
        level | debug << 4 | self.until_ms.min(u64::MAX >> Remote::UNTIL_SHIFT) << Remote::UNTIL_SHIFT
    }

    fn unpack(word: u64) -> Remote {
        Remote {
            level: Level::from_number((word & 7) as i32).filter(|_| word & 1 << 3 != 0),
            debug: (word & 2 << 4 != 0).then_some(word & 1 << 4 != 0),
            until_ms: word >> Remote::UNTIL_SHIFT,
        }
    }

    /// What settings and calls say, with this on top.
    fn over(self, state: State) -> State {
        State { debug: self.debug.unwrap_or(state.debug), ..state }
    }
}

#[derive(Clone, Copy)]
struct State {
    level: Level,
    debug: bool,
    /// Whether debug mode was on before the time limit began.
    former: bool,
    /// Whether a call has set them. Calls before the first tracer win over its settings.
    level_chosen: bool,
    debug_chosen: bool,
    /// The level that debug mode logs, usually debug.
    debug_level: Level,
    /// The most verbose level of a single logger.
    loudest: Level,
    /// When the time limit ends, in monotonic milliseconds; 0 for no limit.
    until_ms: u64,
}

impl State {
    fn pack(self) -> u64 {
        self.level as u64
            | u64::from(self.debug) << 3
            | u64::from(self.former) << 4
            | u64::from(self.level_chosen) << 5
            | u64::from(self.debug_chosen) << 6
            | (self.debug_level as u64) << 7
            | (self.loudest as u64) << 10
            | self.until_ms << UNTIL_SHIFT
    }

    fn unpack(word: u64) -> State {
        State {
            level: Level::from_number((word & 7) as i32).unwrap_or(Level::Info),
            debug: word & 1 << 3 != 0,
            former: word & 1 << 4 != 0,
            level_chosen: word & 1 << 5 != 0,
            debug_chosen: word & 1 << 6 != 0,
            debug_level: Level::from_number((word >> 7 & 7) as i32).unwrap_or(Level::Debug),
            loudest: Level::from_number((word >> 10 & 7) as i32).unwrap_or(Level::Off),
            until_ms: word >> UNTIL_SHIFT,
        }
    }

    /// Returns the level of loggers without a level of their own.
    fn base(self) -> Level {
        if !self.debug {
            return self.level;
        }
        // A level above debug applies in debug mode too, unless debug mode logs less than debug.
        if self.debug_level < Level::Debug {
            self.debug_level
        } else {
            self.level.max(self.debug_level)
        }
    }

    fn effective(self, remote: Remote) -> u8 {
        remote.over(self).base().max(self.loudest).max(remote.level.unwrap_or(Level::Off)) as u8
    }
}

/// The levels that hold at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct InForce {
    /// Of loggers without a level of their own.
    pub base: Level,
    /// Whether debug mode is on.
    pub debug: bool,
    /// The level that is logged at least, whatever the level of a logger.
    pub raised: Level,
    /// The most verbose level of all loggers.
    most: Level,
}

/// Of a packed [`InForce`]: a time limit runs.
const LIMITED: u64 = 1 << 10;

impl InForce {
    fn of(state: State, remote: Remote) -> InForce {
        let (over, raised) = (remote.over(state), remote.level.unwrap_or(Level::Off));
        let base = over.base();
        InForce { most: base.max(over.loudest).max(raised), base, debug: over.debug, raised }
    }

    fn pack(self) -> u64 {
        self.base as u64 | (self.raised as u64) << 3 | (self.most as u64) << 6 | u64::from(self.debug) << 9
    }

    #[inline]
    fn unpack(word: u64) -> InForce {
        let level = |at: u32| Level::from_number((word >> at & 7) as i32).unwrap_or(Level::Off);
        InForce { base: level(0), raised: level(3), most: level(6), debug: word >> 9 & 1 != 0 }
    }

    /// Whether records of this level are kept.
    pub fn admits(&self, level: Level) -> bool {
        level != Level::Off && level <= self.most
    }
}

impl Switch {
    /// Describes the level to debuggers.
    pub fn inspected() -> Field {
        unsigned!(Switch, shown as "level")
    }

    pub fn new(effective: &'static AtomicU8) -> Switch {
        let state = State {
            level: Level::Info,
            debug: false,
            former: false,
            level_chosen: false,
            debug_chosen: false,
            debug_level: Level::Debug,
            loudest: Level::Off,
            until_ms: 0,
        };
        let (word, remote) = (AtomicU64::new(state.pack()), AtomicU64::new(0));
        let switch = Switch { word, remote, in_force: AtomicU64::new(0), effective, shown: AtomicU8::new(0) };
        switch.publish();
        switch
    }

    /// Returns a copy for a forked child. The child asks for remote configuration itself.
    pub fn copy(&self) -> Switch {
        let (word, remote) = (AtomicU64::new(self.word.load(Ordering::SeqCst)), AtomicU64::new(0));
        let (in_force, shown) = (AtomicU64::new(0), AtomicU8::new(0));
        let copy = Switch { word, remote, in_force, effective: self.effective, shown };
        copy.publish();
        copy
    }

    /// Returns what holds now. Calls `now_ms` only while a time limit runs.
    pub fn in_force(&self, now_ms: impl FnOnce() -> u64) -> InForce {
        let known = self.in_force.load(Ordering::Relaxed);
        if known & LIMITED == 0 {
            return InForce::unpack(known);
        }
        let (state, remote) = self.settle(now_ms);
        InForce::of(state, remote)
    }

    /// Whether records of this level are kept.
    #[cfg(test)]
    pub fn admits(&self, level: Level, now_ms: impl FnOnce() -> u64) -> bool {
        self.in_force(now_ms).admits(level)
    }

    /// Returns the level of loggers without a level of their own.
    pub fn base(&self, now_ms: impl FnOnce() -> u64) -> Level {
        self.in_force(now_ms).base
    }

    /// Returns the level that is logged at least, whatever the level of a logger.
    #[cfg(test)]
    pub fn raised(&self) -> Level {
        Remote::unpack(self.remote.load(Ordering::Relaxed)).level.unwrap_or(Level::Off)
    }

    /// Whether a call has set the level.
    pub fn level_chosen(&self) -> bool {
        State::unpack(self.word.load(Ordering::Relaxed)).level_chosen
    }

    /// Whether debug mode is on.
    pub fn debug(&self, now_ms: impl FnOnce() -> u64) -> bool {
        let (state, remote) = self.settle(now_ms);
        remote.over(state).debug
    }

    /// Takes over the first tracer's settings; what a call has set before stays. `debug_level` is what debug mode logs.
    pub fn configure(&self, level: Level, debug: bool, debug_level: Level) {
        self.update(|state| State {
            level: if state.level_chosen { state.level } else { level },
            debug: if state.debug_chosen { state.debug } else { debug },
            debug_level,
            ..state
        });
    }

    /// Sets the most verbose level of a single logger.
    pub fn set_loudest(&self, loudest: Level) {
        self.update(|state| State { loudest, ..state });
    }

    pub fn set_level(&self, level: Level) {
        self.update(|state| State { level, level_chosen: true, ..state });
    }

    /// Turns debug mode on or off, without a time limit.
    pub fn set_debug(&self, debug: bool) {
        self.update(|state| State { debug, debug_chosen: true, until_ms: 0, ..state });
    }

    /// Turns debug mode on until `until_ms`; then the state before the first of several limits returns.
    pub fn set_debug_until(&self, until_ms: u64) {
        self.update(|state| State {
            debug: true,
            debug_chosen: true,
            former: if state.until_ms == 0 { state.debug } else { state.former },
            until_ms: until_ms.clamp(1, u64::MAX >> UNTIL_SHIFT),
            ..state
        });
    }

    /// Sets what remote configuration says.
    pub fn set_remote(&self, remote: Remote) {
        let remote = Remote { until_ms: remote.level.map_or(0, |_| remote.until_ms.max(1)), ..remote };
        if self.remote.swap(remote.pack(), Ordering::SeqCst) != remote.pack() {
            self.publish();
        }
    }

    /// Ends time limits that have passed, and returns the state, and what remote configuration says.
    fn settle(&self, now_ms: impl FnOnce() -> u64) -> (State, Remote) {
        let state = State::unpack(self.word.load(Ordering::Relaxed));
        let remote = Remote::unpack(self.remote.load(Ordering::Relaxed));
        if state.until_ms == 0 && remote.until_ms == 0 {
            return (state, remote);
        }
        let now_ms = now_ms();
        (self.end(state, now_ms), self.end_remote(remote, now_ms))
    }

    fn end(&self, state: State, now_ms: u64) -> State {
        if state.until_ms == 0 || now_ms < state.until_ms {
            return state;
        }
        let ended = state.until_ms;
        self.update(|state| match state.until_ms {
            // Another thread has set a new limit meanwhile.
            until if until != ended => state,
            _ => State { debug: state.former, until_ms: 0, ..state },
        })
    }

    fn end_remote(&self, remote: Remote, now_ms: u64) -> Remote {
        if remote.until_ms == 0 || now_ms < remote.until_ms {
            return remote;
        }
        let after = Remote { level: None, until_ms: 0, ..remote };
        match self.remote.compare_exchange(remote.pack(), after.pack(), Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => {
                self.publish();
                after
            }
            // Another thread has set something else meanwhile.
            Err(word) => Remote::unpack(word),
        }
    }

    fn update(&self, change: impl Fn(State) -> State) -> State {
        let mut word = self.word.load(Ordering::SeqCst);
        loop {
            let changed = change(State::unpack(word));
            match self.word.compare_exchange(word, changed.pack(), Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => {
                    self.publish();
                    return changed;
                }
                Err(actual) => word = actual,
            }
        }
    }

    /// Repeats until the words have not changed meanwhile, so that the last change is published.
    fn publish(&self) {
        let words = || (self.word.load(Ordering::SeqCst), self.remote.load(Ordering::SeqCst));
        loop {
            let (word, remote) = words();
            let (state, over) = (State::unpack(word), Remote::unpack(remote));
            let effective = state.effective(over);
            let limited = if state.until_ms != 0 || over.until_ms != 0 { LIMITED } else { 0 };
            self.in_force.store(InForce::of(state, over).pack() | limited, Ordering::SeqCst);
            self.effective.store(effective, Ordering::SeqCst);
            self.shown.store(effective, Ordering::Relaxed);
            tell_log_crate(effective);
            if words() == (word, remote) {
                return;
            }
        }
    }
}

/// Sets the level of the `log` crate, so that it passes on records of other crates only at debug and trace
/// ([`super::bridge`]). Does nothing in a Rust program, where the level is the host's.
fn tell_log_crate(effective: u8) {
    use ::log::LevelFilter;
    if cfg!(any(spanwire_shared, spanwire_static)) {
        ::log::set_max_level(match Level::from_number(effective.into()) {
            Some(Level::Trace) => LevelFilter::Trace,
            Some(Level::Debug) => LevelFilter::Debug,
            _ => LevelFilter::Off,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switch() -> Switch {
        Switch::new(Box::leak(Box::new(AtomicU8::new(0))))
    }

    #[test]
    fn debug_mode_raises_the_level_and_never_lowers_it() {
        let switch = switch();
        let load = || switch.effective.load(Ordering::Relaxed);
        assert!(switch.admits(Level::Info, || 0) && !switch.admits(Level::Debug, || 0));
        assert_eq!(load(), Level::Info as u8);
        switch.set_debug(true);
        assert!(switch.admits(Level::Debug, || 0) && !switch.admits(Level::Trace, || 0));
        assert_eq!(load(), Level::Debug as u8);
        switch.set_level(Level::Trace);
        assert!(switch.admits(Level::Trace, || 0));
        switch.set_debug(false);
        switch.set_level(Level::Off);
        assert!(!switch.admits(Level::Error, || 0) && !switch.admits(Level::Off, || 0));
    }

    #[test]
    fn a_time_limit_ends_in_the_state_before_it() {
        let switch = switch();
        switch.set_debug_until(100);
        switch.set_debug_until(200);
        assert!(switch.debug(|| 199) && switch.admits(Level::Debug, || 199));
        assert!(!switch.admits(Level::Debug, || 200));
        assert!(!switch.debug(|| 0));
        assert_eq!(switch.effective.load(Ordering::Relaxed), Level::Info as u8, "the one load sees it too");
        switch.set_debug(true);
        switch.set_debug_until(300);
        assert!(switch.debug(|| 301), "it was on without a limit before");
        switch.set_debug_until(400);
        switch.set_debug(true);
        assert!(switch.debug(|| 500), "an unlimited `set` ends the limit");
    }

    #[test]
    fn what_a_call_chose_before_the_first_tracer_stays() {
        let switch = switch();
        switch.set_debug(true);
        switch.configure(Level::Error, false, Level::Debug);
        assert!(switch.debug(|| 0));
        switch.set_debug(false);
        assert!(!switch.admits(Level::Warn, || 0), "the level was not chosen and is the settings'");
    }

    #[test]
    fn remote_configuration_is_on_top_and_ends() {
        let switch = switch();
        let load = || switch.effective.load(Ordering::Relaxed);
        let raised = |level, until_ms| Remote { level: Some(level), until_ms, debug: None };
        switch.set_remote(raised(Level::Debug, 100));
        assert_eq!((load(), switch.raised()), (Level::Debug as u8, Level::Debug));
        assert!(switch.admits(Level::Debug, || 99) && !switch.debug(|| 99));
        switch.set_level(Level::Trace);
        assert!(switch.admits(Level::Trace, || 99), "it raises the level and never lowers it");
        switch.set_level(Level::Warn);
        assert!(!switch.admits(Level::Debug, || 100), "its time is over");
        assert_eq!((load(), switch.raised()), (Level::Warn as u8, Level::Off));
        switch.set_remote(Remote { debug: Some(true), ..raised(Level::Info, 300) });
        assert!(switch.debug(|| 299) && switch.copy().effective.load(Ordering::Relaxed) == Level::Warn as u8);
        switch.publish();
        assert!(switch.debug(|| 300), "debug mode has no time limit");
        switch.set_debug(true);
        switch.set_remote(Remote { debug: Some(false), ..Remote::default() });
        assert!(!switch.debug(|| 0) && load() == Level::Warn as u8);
        switch.set_remote(Remote::default());
        assert!(switch.debug(|| 0) && load() == Level::Debug as u8);
        for remote in [
            Remote::default(),
            Remote { level: Some(Level::Off), until_ms: 1, debug: Some(false) },
            Remote { level: Some(Level::Trace), until_ms: 1 << 50, debug: Some(true) },
        ] {
            assert_eq!(Remote::unpack(remote.pack()), remote);
        }
    }

    #[test]
    fn one_talkative_logger_opens_the_gate_and_no_more() {
        let switch = switch();
        switch.set_loudest(Level::Debug);
        assert!(switch.admits(Level::Debug, || 0));
        assert_eq!(switch.base(|| 0), Level::Info);
        switch.set_loudest(Level::Off);
        assert!(!switch.admits(Level::Debug, || 0));
    }

    #[test]
    fn debug_mode_can_mean_less_than_debug() {
        let switch = switch();
        switch.configure(Level::Info, true, Level::Error);
        assert!(switch.admits(Level::Error, || 0) && !switch.admits(Level::Warn, || 0));
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        let first = switch();
        first.set_debug_until(100);
        let copy = first.copy();
        first.set_debug(false);
        assert!(copy.debug(|| 99) && !copy.debug(|| 100));
    }
}
