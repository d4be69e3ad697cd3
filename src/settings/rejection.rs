//! Why a setting's value cannot be used, as a value. `Display` is the one place where it becomes a sentence, which names
//! what is accepted.

use super::address::{MeantUrl, UrlFault};
use super::parse::span_of;
use super::DEFAULT_PREFIX;
use crate::os_error::OsError;
use std::fmt;

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The host's code gives a setting that does not exist.
    NoSuchSetting {
        /// Whether the name was given as `default:NAME`.
        preset: bool,
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
    /// A character that would break a line of a log.
    ControlCharacter(char),
    /// A character that would break an HTTP header.
    NotAscii(char),
    /// None of these words.
    UnknownWord(&'static [&'static str]),
    /// Not a level, where these are accepted.
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
    /// A letter that stands for nothing.
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

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&span_of(&(self.min..=self.max), self.unit))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::NoSuchSetting { meant: None, .. } => f.write_str("no such setting"),
            Rejection::NoSuchSetting { preset, meant: Some(meant) } => {
                let prefix = if *preset { DEFAULT_PREFIX } else { "" };
                write!(f, "no such setting; {prefix}{meant} was probably meant")
            }
            Rejection::TooLong { max_bytes } => write!(f, "longer than the {max_bytes} bytes that are accepted"),
            Rejection::NotSwitch => f.write_str("not a yes or no; accepted are true, 1, yes, on and false, 0, no, off"),
            Rejection::NotNumber(bounds) => write!(f, "not a whole number in plain digits; accepted are {bounds}"),
            Rejection::OutOfRange(bounds) => write!(f, "out of range; accepted are {bounds}"),
            Rejection::ControlCharacter(c) => {
                write!(f, "holds the control character U+{:04X}; accepted is printable text", u32::from(*c))
            }
            Rejection::NotAscii(c) => {
                write!(f, "holds the character U+{:04X}; accepted is printable ASCII", u32::from(*c))
            }
            Rejection::UnknownWord(accepted) => write!(f, "accepted are {}", accepted.join(" and ")),
            Rejection::NotLevel(accepted) => write!(f, "not a level; accepted are {}", accepted.replace('`', "")),
            Rejection::NotPythonLevel { given } => write!(
                f,
                "DD_TRACE_LOG_LEVEL is invalid ({given}). Default log level will be used. \
                 Must be NOTSET/DEBUG/INFO/WARNING/ERROR/CRITICAL."
            ),
            Rejection::TooManyLoggers { max } => {
                write!(f, "there are {max} levels of loggers already; no more are accepted")
            }
            Rejection::NamesDirectory => f.write_str("names a directory; accepted is a file's path"),
            Rejection::NotAbsolute(error) => write!(f, "cannot be made an absolute path: {error}"),
            Rejection::NotFileMode => {
                f.write_str("accepted are octal permission bits up to 0777 that let the owner write, such as 0640")
            }
            Rejection::NotJsonObject => {
                f.write_str("is JSON but no object; accepted is an object such as {\"key\":\"value\"}")
            }
            Rejection::NotJson { error } => {
                write!(f, "is no JSON ({error}); accepted is an object such as {{\"key\":\"value\"}}")
            }
            Rejection::NotDuration => f.write_str("not a duration; accepted are such as 10m, 1h30m, 90s and 1.5s"),
            Rejection::UnknownSink => {
                f.write_str("accepted are stderr, file and ring, separated by commas, or none alone")
            }
            Rejection::NoSink => f.write_str("names no sink; to have none, say none"),
            Rejection::SinkWithoutFile => f.write_str(
                "the sink file needs DD_TRACE_LOG_FILE or DD_TRACE_LOG_DIRECTORY, and neither is set; the other sinks \
                 are used",
            ),
            Rejection::Url(fault) => fault.fmt(f),
            Rejection::NotTrueOrFalse => f.write_str("it is true or false"),
            Rejection::UnknownLayoutProperty { name } => {
                write!(f, "the Java logger's layout has no property {name}")
            }
            Rejection::ControlCharacterInLevelName => f.write_str("a level's name holds no control characters"),
            Rejection::DatePattern(fault) => fault.fmt(f),
            Rejection::File(fault) => fault.fmt(f),
            Rejection::NotScalar => f.write_str("accepted are text, numbers, true and false"),
            Rejection::OfLanguage(sentence) => f.write_str(sentence),
        }
    }
}

impl fmt::Display for DatePatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatePatternFault::ControlCharacter => f.write_str("a date format holds no control characters"),
            DatePatternFault::OpenQuote => f.write_str("a quote in the date format is not closed"),
            DatePatternFault::TooManyZoneLetters(count) => {
                write!(f, "{count} times `X` in the date format; it takes 3 at most")
            }
            DatePatternFault::TooManyLetters(letter, count) => {
                write!(f, "{count} times `{letter}` in the date format")
            }
            DatePatternFault::UnknownLetter(letter) => {
                write!(f, "the date format's letter `{letter}` is not known here: put text between quotes")
            }
        }
    }
}

impl fmt::Display for ConfigFileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigFileFault::Missing => f.write_str("there is no such file"),
            ConfigFileFault::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            ConfigFileFault::NotAFile => f.write_str("accepted is a file; this is none"),
            ConfigFileFault::TooLarge { max_bytes } => {
                write!(f, "it is larger than the {max_bytes} bytes that are accepted")
            }
            ConfigFileFault::NotJsonObject => {
                f.write_str("it is JSON but no object; accepted is an object such as {\"DD_SERVICE\":\"shop\"}")
            }
            ConfigFileFault::NotJson { error } => write!(f, "it is no JSON: {error}; it is not used"),
        }
    }
}

const ACCEPTED_URLS: &str = "accepted are http://host:port, unix:///path/of/socket and file:///path";

/// What to say behind a fault: the URL that was probably meant, or what is accepted.
struct Advice<'a>(&'a Option<MeantUrl>);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(MeantUrl(url)) => write!(f, "{url} was probably meant"),
            None => f.write_str(ACCEPTED_URLS),
        }
    }
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlFault::Character(c) => {
                write!(f, "holds the character U+{:04X}, which a URL cannot; {ACCEPTED_URLS}", u32::from(*c))
            }
            UrlFault::NoScheme { meant } => write!(f, "has no scheme; {}", Advice(meant)),
            UrlFault::UnknownScheme { scheme, meant } => {
                write!(f, "the scheme {scheme} is not known; {}", Advice(meant))
            }
            UrlFault::NoSlashes { scheme, meant: MeantUrl(url) } => {
                write!(f, "has no // behind {scheme}:; {url} was probably meant")
            }
            UrlFault::NoColon { scheme, meant: MeantUrl(url) } => {
                write!(f, "has no : behind {scheme}; {url} was probably meant")
            }
            UrlFault::PathNotAbsolute { meant: Some(MeantUrl(url)), .. } => {
                write!(f, "the path must be absolute and name a file; {url} was probably meant")
            }
            UrlFault::PathNotAbsolute { scheme, meant: None } => {
                write!(f, "the path must be absolute and name a file, as in {scheme}:///a/path")
            }
            UrlFault::Ipv6WithoutBrackets => {
                f.write_str("an IPv6 address in a URL needs brackets, as in http://[::1]:8126")
            }
            UrlFault::Port(why) => write!(f, "the port is {why}"),
            UrlFault::PathNotAscii => {
                f.write_str("the path holds a character outside of ASCII; write it percent-encoded")
            }
            UrlFault::HostIsUrl => f.write_str(
                "is a URL; a URL belongs into DD_TRACE_AGENT_URL, here a host name or IP address is accepted",
            ),
            UrlFault::NotIpv6 => f.write_str(
                "is not an IPv6 address; accepted is a host name or an IP address, the port belongs into \
                 DD_TRACE_AGENT_PORT",
            ),
            UrlFault::NotHost => f.write_str(
                "is not a host name; accepted are letters, digits, dots, hyphens and underscores, or an IP address",
            ),
        }
    }
}
