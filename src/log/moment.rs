//! What a record needs to know of the moment of its event, so that words can be made of the event later: time, thread, and
//! which levels and limits held.

use super::filter::Rules;
use crate::languages::limits::HeldBack;
use crate::languages::line::{About, Frame, Line};
use crate::languages::remembered::Remembered;
use crate::level::Level;
use crate::sys;
use crate::zone::Zone;

/// The moment of an event.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    /// Wall time, nanoseconds since 1970.
    pub time_ns: u64,
    /// The level of loggers without a level of their own; none for no line at all.
    base: Option<Level>,
    /// Whether debug mode is on.
    debug: bool,
    rare: Option<Box<Rare>>,
}

/// What most moments do not have.
#[derive(Clone, Debug, Default)]
struct Rare {
    held_back: HeldBack,
    /// The level that is logged at least, whatever the level of a logger.
    raised: Option<Level>,
    /// Whether the level of the root logger holds for loggers without one.
    root: bool,
    rules: Rules,
    thread: ThreadName,
}

/// The levels that hold for the lines of an event.
pub(super) struct Levels {
    /// Of loggers without a level of their own.
    pub base: Level,
    /// Whether debug mode is on.
    pub debug: bool,
    /// The level that is logged at least, whatever the level of a logger.
    pub raised: Level,
    /// Whether the level of the root logger holds for loggers without one.
    pub root: bool,
    /// Of single loggers.
    pub rules: Rules,
}

/// A thread's name as the kernel has it, if the language shows it.
#[derive(Clone, Copy, Debug, Default)]
struct ThreadName {
    name: [u8; 16],
    length: u8,
}

impl ThreadName {
    fn now() -> ThreadName {
        let (mut place, mut thread) = ([0; 16], ThreadName::default());
        let name = sys::thread_name(&mut place).as_bytes();
        let length = name.len().min(thread.name.len());
        thread.name[..length].copy_from_slice(&name[..length]);
        thread.length = length as u8;
        thread
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.name[..usize::from(self.length)]).unwrap_or("unknown")
    }
}

impl Moment {
    /// Returns this moment, on the thread on which the event happens. `named`: lines show the thread's name.
    pub fn now(levels: Levels, held_back: HeldBack, named: bool) -> Moment {
        let Levels { base, debug, raised, root, rules } = levels;
        let base = base.max(raised);
        let usual = !named && rules.is_empty() && held_back == HeldBack::default();
        let rare = || {
            let thread = if named { ThreadName::now() } else { ThreadName::default() };
            Box::new(Rare { held_back, raised: Some(raised), root, rules, thread })
        };
        Moment { time_ns: sys::wall_ns(), base: Some(base), debug, rare: (!usual).then(rare) }
    }

    /// Returns this moment, where the language shows no threads, no logger has a level of its own, and nothing was held
    /// back.
    #[inline]
    pub fn usual(level: Level, debug: bool) -> Moment {
        Moment { time_ns: sys::wall_ns(), base: Some(level), debug, rare: None }
    }

    /// Returns about how many bytes it occupies outside itself.
    pub fn weight(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| size_of::<Rare>() + rare.rules.weight())
    }

    /// Returns what lines say beside the event.
    pub fn frame<'a>(
        &'a self,
        pid: u32,
        about: &'a About,
        zone: &'a Zone,
        remembered: Option<&'a Remembered>,
    ) -> Frame<'a> {
        let (held_back, thread) = match &self.rare {
            Some(rare) => (rare.held_back, rare.thread.text()),
            None => (HeldBack::default(), ""),
        };
        Frame { time_ns: self.time_ns, pid, thread, held_back, debug: self.debug, about, zone, remembered }
    }

    /// Whether the level of the line's logger admitted it.
    pub fn admits(&self, line: &Line) -> bool {
        let of_logger = self.rare.as_ref().and_then(|rare| {
            let level = rare.rules.level_of(&line.logger).or_else(|| rare.rules.root().filter(|_| rare.root));
            level.map(|level| level.max(rare.raised.unwrap_or(Level::Off)))
        });
        of_logger.or(self.base).is_some_and(|level| line.level <= level)
    }
}
