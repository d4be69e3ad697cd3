//! The sentence of each rejection: what is wrong, and what is accepted.

use super::stable::{Form, StableFault, YamlFault};
use super::{Bounds, ConfigFileFault, DatePatternFault, MeantUrl, Rejection, RuleFault, Unusable, UrlFault};
use std::fmt;

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bounds { min, max, unit } = self;
        f.write_str(format!("{min} to {max} {unit}").trim_end())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::NoSuchSetting { meant: None, .. } => f.write_str("no such setting"),
            Rejection::NoSuchSetting { prefix, meant: Some(meant) } => {
                write!(f, "no such setting; {prefix}{meant} was probably meant")
            }
            Rejection::TooLong { max_bytes } => write!(f, "longer than the {max_bytes} bytes that are accepted"),
            Rejection::NotSwitch => f.write_str("not a yes or no; accepted are true, 1, yes, on and false, 0, no, off"),
            Rejection::NotNumber(bounds) => write!(f, "not a whole number in plain digits; accepted are {bounds}"),
            Rejection::OutOfRange(bounds) => write!(f, "out of range; accepted are {bounds}"),
            Rejection::NotSeconds { min, max } => {
                write!(
                    f,
                    "not a number of seconds in this range; accepted are {} to {}",
                    min.as_secs_f64(),
                    max.as_secs_f64()
                )
            }
            Rejection::ControlCharacter(c) => {
                write!(f, "holds the control character U+{:04X}; accepted is printable text", u32::from(*c))
            }
            Rejection::NotAscii(c) => {
                write!(f, "holds the character U+{:04X}; accepted is printable ASCII", u32::from(*c))
            }
            Rejection::UnknownWord(accepted) => write!(f, "accepted are {}", accepted.join(" and ")),
            Rejection::NotLevelAmong(accepted) => match accepted.split_last() {
                Some((last, others)) => write!(f, "not a level; accepted are {} and {last}", others.join(", ")),
                None => f.write_str("not a level"),
            },
            Rejection::NotLevel(accepted) => write!(f, "not a level; accepted are {}", accepted.replace('`', "")),
            Rejection::NotPythonLevel { given } => write!(
                f,
                "DD_TRACE_LOG_LEVEL is invalid ({given}). Default log level will be used. \
                 Must be NOTSET/DEBUG/INFO/WARNING/ERROR/CRITICAL."
            ),
            Rejection::TooManyLoggers { max } => {
                write!(f, "there are {max} levels of loggers already; no more are accepted")
            }
            Rejection::NotRate => f.write_str("not a rate; accepted are numbers from 0 to 1, such as 0.25"),
            Rejection::NotPerSecond => {
                f.write_str("not a limit; accepted are numbers per second, such as 100; a negative one is no limit")
            }
            Rejection::NotRules => f.write_str("is JSON but no array; accepted is such as [{\"sample_rate\":0.5}]"),
            Rejection::RulesNotJson { error } => {
                write!(f, "is no JSON ({error}); accepted is such as [{{\"sample_rate\":0.5}}]")
            }
            Rejection::Rule { place, fault } => write!(f, "rule {} {fault}", place + 1),
            Rejection::NotAttribute => f.write_str("not an attribute; accepted is such as key=value"),
            Rejection::TooManyAttributes { max } => write!(f, "one attribute too many; {max} are accepted"),
            Rejection::Overridden { by } => write!(f, "{by} is set, too, and is used instead"),
            Rejection::FollowsParent => {
                f.write_str("a trace that another service began keeps that service's decision, as with parentbased_")
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
            Rejection::Stable(fault) => fault.fmt(f),
            Rejection::InFile { file, line, why } => write!(f, "{file}:{line}: {why}"),
            Rejection::NotScalar => f.write_str("accepted are text, numbers, true and false"),
            Rejection::OfLanguage(sentence) => f.write_str(sentence),
        }
    }
}

/// Words in a sentence, the last one behind `and`.
fn listed(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, [])) => (*last).to_string(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

impl fmt::Display for StableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StableFault::Yaml(fault) => fault.fmt(f),
            StableFault::Not { key: "", .. } => {
                f.write_str("the file has no keys; accepted is YAML such as apm_configuration_default: {DD_ENV: prod}")
            }
            StableFault::Not { key, form } => write!(f, "the value of {key} is of another form; accepted is {form}"),
            StableFault::UnknownKey { key, known } if key.is_empty() => {
                write!(f, "a key that is no text is not known; accepted here are {}", listed(known))
            }
            StableFault::UnknownKey { key, known } => {
                write!(f, "the key {key} is not known; accepted here are {}", listed(known))
            }
            StableFault::Missing { key, of } => write!(f, "an element of {of} has no {key}"),
            StableFault::Word { key, given, words } => {
                write!(f, "{key} is {given}; accepted are {}", listed(words))
            }
            StableFault::OpenTemplate => f.write_str("holds {{ without }} behind it"),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Mapping => "a mapping such as {DD_ENV: prod}",
            Form::List => "a list such as [a, b]",
            Form::Scalar => "text, a number, true or false",
        })
    }
}

impl fmt::Display for YamlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            YamlFault::NotUtf8 => f.write_str("the line is not UTF-8"),
            YamlFault::ControlCharacter(c) => write!(f, "the line holds the character U+{:04X}", u32::from(*c)),
            YamlFault::Tab => f.write_str("there is a tab where only blanks are accepted"),
            YamlFault::Indentation => f.write_str("the line is not indented as those above it that it belongs to"),
            YamlFault::NoColon => f.write_str("the line has no key with a colon and a blank, such as DD_ENV: prod"),
            YamlFault::ColonInText => f.write_str("the value holds a colon and a blank; put it between quotes"),
            YamlFault::Quotes => f.write_str("a text in quotes does not end"),
            YamlFault::Escape(c) => write!(f, "a text in quotes holds a backslash before {}", c.escape_default()),
            YamlFault::Brackets => f.write_str("a list or mapping in brackets does not end, or lacks a comma"),
            YamlFault::After => f.write_str("there is text behind the end of a value"),
            YamlFault::Folded => f.write_str("a line behind > is indented more than the others; use | instead"),
            YamlFault::Construct('&' | '*') => f.write_str("anchors and aliases are not accepted here"),
            YamlFault::Construct(c) => write!(f, "{c} is not accepted here without quotes around the value"),
            YamlFault::SecondDocument => f.write_str("a second document begins here; accepted is one"),
            YamlFault::TooDeep { max } => write!(f, "nested more than {max} deep, which is not accepted"),
            YamlFault::TooMany => f.write_str("the file holds too many values"),
        }
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleFault::NotObject => f.write_str("is no JSON object; accepted is such as {\"sample_rate\":0.5}"),
            RuleFault::UnknownKey { key } => write!(
                f,
                "has the unknown property {key}; accepted are service, name, resource, tags, sample_rate and \
                 max_per_second"
            ),
            RuleFault::NotText { key } => write!(f, "has a pattern for {key} that is no text"),
            RuleFault::NotTags => {
                f.write_str("has tags that are no JSON object; accepted is such as {\"region\":\"eu-*\"}")
            }
            RuleFault::NoRate => f.write_str("has no sample_rate"),
            RuleFault::Rate => f.write_str("has a sample_rate that is no number from 0 to 1"),
            RuleFault::PerSecond => f.write_str("has a max_per_second that is no number"),
            RuleFault::TooMany { max } => write!(f, "and those behind it are too many; {max} are accepted"),
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

#[cfg(not(feature = "tls"))]
const ACCEPTED_URLS: &str =
    "accepted are http://host:port, unix:///path/of/socket, otlp+http://host:4318 and file:///path";
#[cfg(feature = "tls")]
const ACCEPTED_URLS: &str = "accepted are http://host:port, https://host:port, unix:///path/of/socket, \
                             otlp+http://host:4318, otlp+https://host:4318 and file:///path";

/// The advice after a fault: the URL that was probably meant, or the accepted forms.
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

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Tls => {
                f.write_str(
                "https:// is not supported by this build; use http:// or unix:// to an Agent on this host, or a library \
                 with the feature tls",
            )
            }
        }
    }
}
