//! What settings need to know about the language of the host: the names its users write, how they write levels, and
//! where its tracer puts log files. One [`LanguageSettings`] per language, as data; `languages/<language>/settings.rs`
//! fills them in. Settings do not import the languages: the caller of [`super::Settings::resolve`] passes
//! [`Languages`].

use super::levels::{self, Levels};
use super::version::Version;
use super::Rejection;
use crate::level::Level;
use std::path::PathBuf;
use std::time::Duration;

/// The known languages, as settings look them up.
pub struct Languages {
    /// Returns the settings of the language of this name. Unknown languages have those of C++ and Rust.
    pub of_host: fn(&str) -> &'static LanguageSettings,
    /// Returns the names that `SPANWIRE_LOG_DIALECT` accepts.
    pub dialects: fn() -> Vec<&'static str>,
}

/// The settings of hosts in one language. `..LanguageSettings::PLAIN` fills in what a language has no rule of its own
/// for.
pub struct LanguageSettings {
    /// The language's name in the code.
    pub id: &'static str,
    /// The language's name in documents.
    pub title: &'static str,
    /// Names that its users write for settings.
    pub names: &'static [Name],
    /// Names that are derived from a setting's name.
    pub family: Option<Family>,
    /// What `DD_TRACE_LOG_LEVEL` accepts, in words.
    pub level_words: &'static str,
    /// Reads `DD_TRACE_LOG_LEVEL`.
    pub levels: fn(&str) -> Result<Levels, Rejection>,
    /// Reads the level of the log file.
    pub file_level: fn(&str) -> Result<Level, Rejection>,
    /// Which loggers may have a level of their own.
    pub loggers: Loggers,
    /// Whether `OTEL_LOG_LEVEL` is a level only. Elsewhere `debug` and below turn debug mode on.
    pub otel_level_only: bool,
    /// Whether the level limits what debug mode logs, and nothing else.
    pub level_of_debug_mode: bool,
    /// Whether no level may ask for more than debug mode logs while that is on.
    pub debug_caps_level: bool,
    /// The level where start-up logs are off and no level is set.
    pub level_without_startup: Option<Level>,
    /// Levels of loggers in debug mode, in place of those that were set.
    pub debug_rules: Option<DebugRules>,
    /// How long errors are gathered where `DD_LOGGING_RATE` is not set.
    pub gather_errors: Option<Duration>,
    /// The version of the tracer that brought the log file, and why it is not used before.
    pub log_file_since: Option<LogFileSince>,
    /// Whether the file that `DD_TRACE_LOG_FILE` names is rotated where no size is set.
    pub rotates_log_file: bool,
    /// Chooses standard error and the log file where no setting names sinks.
    pub outputs: fn(&Outputs<'_>) -> (bool, bool),
    /// Returns the folder of log files where no setting names one.
    pub default_folder: Option<DefaultFolder>,
    /// Returns the files in `DD_TRACE_LOG_DIRECTORY`; `None` for `spanwire-<process>-<pid>.log`.
    pub folder_files: Option<fn(&FolderContext<'_>) -> FolderFiles>,
    /// Reads the log file's path in the setting of the language's own logger.
    pub logger_file: fn(&str) -> Result<PathBuf, Rejection>,
    /// Checks the value of a property of the language's own logger layout, by the property's name.
    pub layout_check: fn(&str, &str) -> Result<(), Rejection>,
}

/// Levels by logger. The arguments are the interpreter and whether start-up logs are on.
pub type DebugRules = fn(&str, bool) -> Vec<(String, Level)>;

/// A folder for log files. The arguments ask whether a folder exists, and for an environment variable.
pub type DefaultFolder = fn(fn(&str) -> bool, &dyn Fn(&str) -> Option<String>) -> PathBuf;

impl LanguageSettings {
    /// The settings of hosts in C++, Rust and unknown languages.
    pub const PLAIN: LanguageSettings = LanguageSettings {
        id: "native",
        title: "Others",
        names: &[],
        family: None,
        level_words: "`off`, `error`, `warn`, `info`, `debug`, `trace`",
        levels: levels::plain,
        file_level: super::parse::level,
        loggers: Loggers::None,
        otel_level_only: false,
        level_of_debug_mode: false,
        debug_caps_level: false,
        level_without_startup: None,
        debug_rules: None,
        gather_errors: None,
        log_file_since: None,
        rotates_log_file: true,
        outputs: |given| (!given.file, given.file),
        default_folder: None,
        folder_files: None,
        logger_file: super::parse::path,
        layout_check: |property, _| Err(Rejection::UnknownLayoutProperty { name: property.into() }),
    };

    /// Returns the setting that a name means, and a setting that it turns on as well. A name that the language does not
    /// know is returned as it is. `version` is the tracer's version, if the host passed one.
    pub fn setting_of(&self, given: &str, version: Option<Version>) -> (String, Option<&'static str>) {
        let known = |name: &&Name| {
            name.name == given
                && (name.until == 0 || version.is_some_and(|version| version.is_before(name.until, 0, 0)))
        };
        if let Some(name) = self.names.iter().find(known) {
            return (name.setting.into(), name.turns_on);
        }
        let meant = self.family.as_ref().and_then(|family| (family.setting)(given));
        (meant.unwrap_or_else(|| given.to_string()), None)
    }

    /// Reads a level as the language's users write it, for settings other than `DD_TRACE_LOG_LEVEL`.
    pub fn read_levels(&self, text: &str) -> Result<Levels, Rejection> {
        (self.levels)(text).map_err(|_| Rejection::NotLevel(self.level_words))
    }
}

/// A name that a host's code may use for a setting.
pub struct Name {
    /// The name.
    pub name: &'static str,
    /// The setting.
    pub setting: &'static str,
    /// The first major version of that language's tracer that no longer knows it; 0 if every version does.
    pub until: u32,
    /// A setting that it turns on as well.
    pub turns_on: Option<&'static str>,
}

/// A name that every version knows and that sets one setting.
pub const fn name(name: &'static str, setting: &'static str) -> Name {
    Name { name, setting, until: 0, turns_on: None }
}

/// Names that are derived from settings' names.
pub struct Family {
    /// The rule in words.
    pub about: &'static str,
    /// Returns the setting's name if the name is of this family.
    pub setting: fn(&str) -> Option<String>,
}

/// Loggers that may have a level of their own.
pub enum Loggers {
    /// None.
    None,
    /// These, each with the setting's name.
    Listed(fn() -> Vec<(String, String)>),
    /// Every name in code that begins so; the rest of it is the logger.
    Prefixed(&'static str),
}

/// A tracer version before which there was no log file.
pub struct LogFileSince {
    /// Major, minor and patch number.
    pub version: (u32, u32, u32),
    /// The message for a host that names an older version.
    pub why: &'static str,
}

/// What decides where a language's tracer writes its records.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a> {
    /// The tracer's version, if the host passed one.
    pub version: Option<Version>,
    /// The language's version.
    pub language_version: &'a str,
    /// Whether there is a log file.
    pub file: bool,
    /// `DD_CALL_BASIC_CONFIG`.
    pub basic_config: bool,
    /// `DD_TRACE_LOG_STREAM_HANDLER`.
    pub stream: bool,
}

/// What the names of files in a log folder are made of.
pub struct FolderContext<'a> {
    /// The tracer's version, if the host passed one.
    pub version: Option<Version>,
    /// The name of the log's dialect; empty for the host's own.
    pub dialect: &'a str,
    /// The executable's name.
    pub process: &'a str,
    /// The process.
    pub pid: u32,
    /// The date as `yyyyMMdd`, in UTC.
    pub date: &'a str,
}

/// The files in a log folder.
pub struct FolderFiles {
    /// The file that records go to.
    pub main: FolderFile,
    /// The file of the host's native code, if it has one of its own.
    pub native: Option<FolderFile>,
}

/// A file in a log folder.
pub struct FolderFile {
    /// The file's name.
    pub name: String,
    /// When it is rotated.
    pub size: Size,
    /// Whether missing folders are made.
    pub make_folders: bool,
    /// Whether the system's temporary folder is used where the folder cannot be.
    pub or_temporary: bool,
    /// Beginnings of the names of old files that are deleted.
    pub old_files: &'static [&'static str],
}

/// When a file in a log folder is rotated.
pub enum Size {
    /// Never, unless `DD_TRACE_LOG_FILE_SIZE_BYTES` is set.
    Never,
    /// At the size that `DD_MAX_LOGFILE_SIZE` sets, with so many backups.
    Managed(u32),
    /// At this many bytes with so many backups, whatever is set.
    Fixed(u64, u32),
}

/// Returns `rest` as the end of an environment variable's name.
pub fn upper(rest: &str) -> String {
    rest.to_ascii_uppercase().replace(['.', '-'], "_")
}
