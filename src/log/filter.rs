//! Levels of single loggers: `ddtrace.internal.writer`, `datadog.trace.core`, PHP's target `span`. A rule applies to a
//! logger and to those below it; the nearest one wins. `switch.rs` has the level of loggers without a rule.

use crate::level::Level;
use crate::settings::LOGGER_LEVELS_MAX;
use crate::sys;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The host's root logger, as Python and Java call it.
const ROOT: &str = "root";

/// The rules, each in one word (the name's hash and the level): they need no lock, and a forked child can read them
/// whatever its parent's threads were doing.
pub(super) struct Filter {
    /// On the heap, so that making a log in a forked child, perhaps on a small stack, moves little.
    rules: Box<[AtomicU64; LOGGER_LEVELS_MAX]>,
    /// How many rules from the first one on have ever been set.
    used: AtomicUsize,
}

/// The rules as they were at a moment, each in its word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules(Vec<u64>);

impl Filter {
    pub fn new() -> Filter {
        Filter { rules: sys::row_on_heap(|| AtomicU64::new(0)), used: AtomicUsize::new(0) }
    }

    /// Returns a copy for a forked child.
    pub fn copy(&self) -> Filter {
        let copy = Filter::new();
        for (to, from) in copy.rules.iter().zip(self.rules.iter()) {
            to.store(from.load(Relaxed), Relaxed);
        }
        let last = copy.rules.iter().rposition(|rule| rule.load(Relaxed) != 0);
        copy.used.store(last.map_or(0, |last| last + 1), Relaxed);
        copy
    }

    /// Sets a logger's level, or removes it. Returns false if there are too many rules.
    pub fn set(&self, logger: &str, level: Option<Level>) -> bool {
        let key = key_of(logger);
        let word = level.map_or(0, |level| key | (level as u64 + 1));
        let (mut free, mut found) = (None, false);
        // Change all rules of this logger: two threads that set its first one at once leave two.
        for (at, rule) in self.rules.iter().enumerate() {
            let held = rule.load(Relaxed);
            if held != 0 && held & !15 == key {
                // Meanwhile the word may hold the rule of another logger.
                found |= rule.compare_exchange(held, word, Relaxed, Relaxed).is_ok();
            }
            if held == 0 && free.is_none() {
                free = Some((at, rule));
            }
        }
        match (found || word == 0, free) {
            (true, _) => true,
            (false, None) => false,
            (false, Some((at, rule))) => {
                self.used.fetch_max(at + 1, Relaxed);
                rule.compare_exchange(0, word, Relaxed, Relaxed).is_ok() || self.set(logger, level)
            }
        }
    }

    /// Returns the level that the nearest rule gives a logger, if any.
    #[cfg(test)]
    pub fn level_of(&self, logger: &str) -> Option<Level> {
        self.rules().level_of(logger)
    }

    /// Returns the level of the root logger, if it has a rule.
    #[cfg(test)]
    pub fn root(&self) -> Option<Level> {
        self.rules().root()
    }

    /// Whether no rule was ever set.
    #[inline]
    pub fn is_unused(&self) -> bool {
        self.used.load(Relaxed) == 0
    }

    /// Returns the rules as they are now. Allocates only if there are any.
    pub fn rules(&self) -> Rules {
        let used = self.rules.get(..self.used.load(Relaxed)).unwrap_or(&self.rules[..]);
        Rules(used.iter().map(|rule| rule.load(Relaxed)).filter(|word| *word != 0).collect())
    }

    /// Returns the most verbose level of all rules.
    pub fn loudest(&self) -> Level {
        let levels = self.rules.iter().filter_map(|rule| level_in(rule.load(Relaxed)));
        levels.max().unwrap_or(Level::Off)
    }

    /// Returns the level of the rule for this very logger.
    pub fn exactly(&self, name: &str) -> Option<Level> {
        self.rules().exactly(name)
    }
}

impl Rules {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many bytes they occupy.
    pub fn weight(&self) -> usize {
        size_of_val(self.0.as_slice())
    }

    /// Returns the level that the nearest rule gives a logger, if any. `root` has the rule of the root logger.
    pub fn level_of(&self, logger: &str) -> Option<Level> {
        if self.0.is_empty() {
            return None;
        }
        let mut name = logger;
        loop {
            if let Some(level) = self.exactly(name) {
                return Some(level);
            }
            name = &name[..name.rfind('.')?];
        }
    }

    /// Returns the level of the root logger, if it has a rule.
    pub fn root(&self) -> Option<Level> {
        if self.0.is_empty() {
            return None;
        }
        self.exactly(ROOT)
    }

    fn exactly(&self, name: &str) -> Option<Level> {
        let key = key_of(name);
        self.0.iter().find(|word| **word & !15 == key).copied().and_then(level_in)
    }
}

fn key_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    // Never 0, which means "no rule".
    (hasher.finish() | 16) & !15
}

fn level_in(word: u64) -> Option<Level> {
    match word & 15 {
        0 => None,
        number => Level::from_number(number as i32 - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rule_wins_and_a_name_is_not_its_neighbours_prefix() {
        let filter = Filter::new();
        assert_eq!(filter.level_of("ddtrace.internal.writer"), None);
        assert!(filter.set("ddtrace", Some(Level::Warn)));
        assert!(filter.set("ddtrace.internal", Some(Level::Trace)));
        assert_eq!(filter.level_of("ddtrace.internal.writer"), Some(Level::Trace));
        assert_eq!(filter.level_of("ddtrace.internals"), Some(Level::Warn));
        assert_eq!(filter.level_of("ddtracer"), None);
        assert_eq!(filter.loudest(), Level::Trace);
        assert!(filter.set("ddtrace.internal", None));
        assert_eq!(filter.level_of("ddtrace.internal.writer"), Some(Level::Warn));
        assert!(filter.set("ddtrace", Some(Level::Off)), "off is a rule too");
        assert_eq!(filter.copy().level_of("ddtrace.tracer"), Some(Level::Off));
    }

    #[test]
    fn the_root_is_nobodys_parent_by_itself() {
        let filter = Filter::new();
        filter.set("root", Some(Level::Debug));
        assert_eq!((filter.level_of("ddtrace.tracer"), filter.root()), (None, Some(Level::Debug)));
    }

    #[test]
    fn rules_are_bounded_and_one_more_is_refused() {
        let filter = Filter::new();
        for n in 0..LOGGER_LEVELS_MAX {
            assert!(filter.set(&format!("logger{n}"), Some(Level::Debug)));
        }
        assert!(!filter.set("one more", Some(Level::Debug)));
        assert!(filter.set("logger3", Some(Level::Error)), "a known one can be changed");
        assert!(filter.set("never there", None));
    }
}
