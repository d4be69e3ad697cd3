//! The settings of the log.

use crate::languages::line::About;
use crate::languages::Dialect;
use crate::level::Level;
use crate::settings::FileConfig;
use crate::zone::Zone;
use std::time::Duration;

/// The settings of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// The level without debug mode.
    pub level: Level,
    /// Whether the level was set explicitly. If not, the root logger's level applies (`Logs::set_logger_level`).
    pub level_given: bool,
    /// Whether debug mode is on.
    pub debug: bool,
    /// The level that debug mode logs.
    pub debug_level: Level,
    /// Levels of single loggers.
    pub rules: Vec<(String, Level)>,
    /// How events read.
    pub dialect: Dialect,
    /// What lines say about the process.
    pub about: About,
    /// The local time zone.
    pub zone: Zone,
    /// Whether records go to standard error.
    pub stderr: bool,
    /// Whether records are kept for the host to pull.
    pub ring: bool,
    /// The file that records go to.
    pub file: Option<FileConfig>,
    /// The least important level that the file takes.
    pub file_level: Level,
    /// The file for records of a host's native code.
    pub native_file: Option<FileConfig>,
    /// How long repetitions are held back, in seconds, where the language has such a setting.
    pub rate: Option<u64>,
    /// Whether a rejected setting is logged once for each value.
    pub once: bool,
    /// How long errors are gathered before they are logged; zero logs each at once. `None` gathers none.
    pub aggregate: Option<Duration>,
}

impl LogConfig {
    /// Returns a copy for a forked child. What is done once to a log file, the parent has done.
    #[inline(never)]
    pub(super) fn inherited(&self) -> Box<LogConfig> {
        let mut config = Box::new(self.clone());
        let LogConfig { file, native_file, .. } = &mut *config;
        for file in [file, native_file].into_iter().flatten() {
            (file.truncate, file.retention) = (false, None);
        }
        config
    }
}
