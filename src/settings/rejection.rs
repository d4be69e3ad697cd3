//! Why a setting's value cannot be used, as a value. The sentences, which name what is accepted, are in `describe`.

mod describe;
pub mod stable;

use crate::os_error::OsError;
use stable::StableFault;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The host's code gives a setting that does not exist.
    NoSuchSetting {
        /// The prefix of the name in code: empty, or the mark of a default.
        prefix: &'static str,
        /// A setting with a name that differs little.
        meant: Option<&'static str>,
    },
    /// The text is longer than any setting takes.
    TooLong {
        /// The most that is accepted.
        max_bytes: usize,
    },
    /// Not a word for yes or no.
    NotSwitch,
    /// Not a whole number in plain digits.
    NotNumber(Bounds),
    /// A number that is too small or too large.
    OutOfRange(Bounds),
    /// Not a number of seconds in this range.
    NotSeconds {
        /// The least.
        min: Duration,
        /// The most.
        max: Duration,
    },
    /// A character that would break a line of a log.
    ControlCharacter(char),
    /// A character that would break an HTTP header.
    NotAscii(char),
    /// None of these words.
    UnknownWord(Vec<&'static str>),
    /// None of these levels.
    NotLevelAmong(&'static [&'static str]),
    /// Not a level. The text describes the accepted levels, where a list does not suffice.
    NotLevel(&'static str),
    /// Not a level of Python, which says so in a sentence of its own.
    NotPythonLevel {
        /// What was given, without what looks like a secret, and cut.
        given: String,
    },
    /// More loggers have a level of their own than there is room for.
    TooManyLoggers {
        /// How many there may be.
        max: usize,
    },
    /// Not a rate from 0 to 1.
    NotRate,
    /// Not a number per second.
    NotPerSecond,
    /// JSON that is not an array of rules.
    NotRules,
    /// Rules that are not JSON.
    RulesNotJson {
        /// What the JSON parser says.
        error: String,
    },
    /// One of several rules, counted from 0. The others apply.
    Rule {
        /// Its place.
        place: usize,
        /// What is wrong with it.
        fault: RuleFault,
    },
    /// Not an attribute of OpenTelemetry. The others apply.
    NotAttribute,
    /// More attributes than are used. The others apply.
    TooManyAttributes {
        /// How many are used.
        max: usize,
    },
    /// Another setting is set, too, and is used instead.
    Overridden {
        /// The other setting.
        by: &'static str,
    },
    /// A sampler that does not follow the parent's decision. It is used, and follows it.
    FollowsParent,
    /// A path that ends with a slash.
    NamesDirectory,
    /// The system cannot make the path absolute.
    NotAbsolute(OsError),
    /// Not permission bits, or none that the log file can be used with.
    NotFileMode,
    /// JSON that is not an object.
    NotJsonObject,
    /// Not JSON.
    NotJson {
        /// What the JSON parser says.
        error: String,
    },
    /// Not a duration as Go writes it.
    NotDuration,
    /// A sink that does not exist, or `none` beside others.
    UnknownSink,
    /// No sink is named.
    NoSink,
    /// The sink `file` without a file.
    SinkWithoutFile,
    /// Not a URL or host that spans can be sent to.
    Url(UrlFault),
    /// Neither `true` nor `false`.
    NotTrueOrFalse,
    /// The layout of Java's log lines has no such property.
    UnknownLayoutProperty {
        /// The property's name.
        name: String,
    },
    /// A control character in the name of a level.
    ControlCharacterInLevelName,
    /// Not a pattern for dates.
    DatePattern(DatePatternFault),
    /// A configuration file that cannot be used.
    File(ConfigFileFault),
    /// A fault in the form of a stable configuration file.
    Stable(StableFault),
    /// A value in a stable configuration file, and what is wrong with it.
    InFile {
        /// The file's path, fit to be shown.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: Box<Rejection>,
    },
    /// A value in a configuration file that is neither text, number, true nor false.
    NotScalar,
    /// A rule of one language. The sentence is fixed, and stands where that language's settings are read.
    OfLanguage(&'static str),
}

/// The numbers that are accepted, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
    /// What is counted; may be empty.
    pub unit: &'static str,
}

impl Bounds {
    /// The numbers of a range.
    pub fn of(range: &RangeInclusive<u64>, unit: &'static str) -> Bounds {
        Bounds { min: *range.start(), max: *range.end(), unit }
    }
}

/// What is wrong with a sampling rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleFault {
    /// Not a JSON object.
    NotObject,
    /// A property that no rule has.
    UnknownKey {
        /// The property.
        key: String,
    },
    /// A pattern that is an object or an array.
    NotText {
        /// The property or tag that it is for.
        key: String,
    },
    /// `tags` is not an object.
    NotTags,
    /// It has no rate.
    NoRate,
    /// Its rate is no number, or below 0.
    Rate,
    /// Its limit is no number.
    PerSecond,
    /// There are more rules than that.
    TooMany {
        /// How many there may be.
        max: usize,
    },
}

impl Rejection {
    /// What applies instead of the rejected value.
    pub fn consequence(&self) -> &'static str {
        match self {
            Rejection::Rule { .. } => "the other rules apply",
            Rejection::NotAttribute | Rejection::TooManyAttributes { .. } => "the other attributes apply",
            Rejection::Overridden { .. } => "it has no effect",
            Rejection::FollowsParent => "the value is used otherwise",
            Rejection::Stable(fault) => fault.consequence(),
            Rejection::InFile { why, .. } if matches!(**why, Rejection::NoSuchSetting { .. }) => "it has no effect",
            Rejection::InFile { why, .. } => why.consequence(),
            _ => "the default is kept",
        }
    }
}

/// What is wrong with a pattern of Java's `SimpleDateFormat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePatternFault {
    /// A control character.
    ControlCharacter,
    /// A quote without its second half.
    OpenQuote,
    /// Too many time zone letters in a row.
    TooManyZoneLetters(usize),
    /// Too many of this letter in a row.
    TooManyLetters(char, usize),
    /// A letter without a meaning.
    UnknownLetter(char),
}

/// Why a configuration file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFileFault {
    /// There is no such file.
    Missing,
    /// It cannot be read.
    Unreadable(OsError),
    /// It is a folder, a pipe or a device.
    NotAFile,
    /// It is too large.
    TooLarge {
        /// The most that is accepted.
        max_bytes: u64,
    },
    /// JSON that is not an object.
    NotJsonObject,
    /// Not JSON.
    NotJson {
        /// What the JSON parser says.
        error: String,
    },
}

/// Why a URL cannot be served that is well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unusable {
    /// This build has no TLS.
    Tls,
}

/// A URL that was probably meant, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeantUrl(pub String);

/// What is wrong with a URL or a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// A character that no URL can hold.
    Character(char),
    /// It has no scheme.
    NoScheme {
        /// What was probably meant.
        meant: Option<MeantUrl>,
    },
    /// It begins with a scheme that the library does not support.
    UnknownScheme {
        /// The scheme.
        scheme: String,
        /// What was probably meant.
        meant: Option<MeantUrl>,
    },
    /// `//` is missing after the scheme.
    NoSlashes {
        /// The scheme.
        scheme: String,
        /// What was probably meant.
        meant: MeantUrl,
    },
    /// The colon is missing after the scheme.
    NoColon {
        /// The scheme.
        scheme: &'static str,
        /// What was probably meant.
        meant: MeantUrl,
    },
    /// The path is not absolute, or names a folder.
    PathNotAbsolute {
        /// The scheme.
        scheme: String,
        /// What was probably meant.
        meant: Option<MeantUrl>,
    },
    /// An IPv6 address without brackets.
    Ipv6WithoutBrackets,
    /// The port is no number, or out of range.
    Port(Box<Rejection>),
    /// The path holds a character outside of ASCII.
    PathNotAscii,
    /// A URL where a host was expected.
    HostIsUrl,
    /// Not an IPv6 address, although it holds a colon or brackets.
    NotIpv6,
    /// Not a host name.
    NotHost,
}

impl From<UrlFault> for Rejection {
    fn from(fault: UrlFault) -> Rejection {
        Rejection::Url(fault)
    }
}

impl From<DatePatternFault> for Rejection {
    fn from(fault: DatePatternFault) -> Rejection {
        Rejection::DatePattern(fault)
    }
}
