//! Parsers for each type of setting: they return a value, or the reason why the text is rejected.

use super::rejection::{Bounds, Rejection};
use crate::level::Level;
use crate::propagation::Styles;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// The longest text of a setting, in bytes.
pub const TEXT_MAX: usize = 65_536;

/// The sinks that get log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sinks {
    /// Standard error.
    pub stderr: bool,
    /// The log file.
    pub file: bool,
    /// The ring that a host polls or drains.
    pub ring: bool,
}

/// Parses a switch.
pub fn switch(text: &str) -> Result<bool, Rejection> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "1", "yes", "on"]) {
        Ok(true)
    } else if is(&["false", "0", "no", "off"]) {
        Ok(false)
    } else {
        Err(Rejection::NotSwitch)
    }
}

/// Parses a whole number in `range`.
pub fn number(text: &str, range: &RangeInclusive<u64>, unit: &'static str) -> Result<u64, Rejection> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(value) if digits && range.contains(&value) => Ok(value),
        _ => {
            let bounds = Bounds::of(range, unit);
            Err(if digits { Rejection::OutOfRange(bounds) } else { Rejection::NotNumber(bounds) })
        }
    }
}

/// Parses a number of seconds in plain digits, with a fraction or without.
pub fn seconds(text: &str, range: &RangeInclusive<f64>) -> Result<Duration, Rejection> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = text.parse().ok().filter(|seconds: &f64| plain && range.contains(seconds));
    let fault = Rejection::NotSeconds {
        min: Duration::from_secs_f64(*range.start()),
        max: Duration::from_secs_f64(*range.end()),
    };
    seconds.map(Duration::from_secs_f64).ok_or(fault)
}

/// Checks text for tags and logs.
pub fn text(text: &str) -> Result<String, Rejection> {
    match text.chars().find(|c| c.is_control()) {
        None => Ok(text.to_string()),
        Some(c) => Err(Rejection::ControlCharacter(c)),
    }
}

/// Checks text for an HTTP header. A character outside ASCII would make every request fail.
pub fn header_text(text: &str) -> Result<String, Rejection> {
    match text.chars().find(|c| !matches!(c, ' '..='~')) {
        None => Ok(text.to_string()),
        Some(c) => Err(Rejection::NotAscii(c)),
    }
}

/// Finds one of the accepted words, in any case; returns the word as listed.
pub fn word(text: &str, accepted: &[&'static str]) -> Result<String, Rejection> {
    one_of(text, accepted).map(str::to_string)
}

/// Finds one of the accepted words, in any case.
pub fn one_of(text: &str, accepted: &[&'static str]) -> Result<&'static str, Rejection> {
    let found = accepted.iter().find(|word| text.eq_ignore_ascii_case(word));
    found.copied().ok_or_else(|| Rejection::UnknownWord(accepted.to_vec()))
}

/// Parses a list of styles of headers.
pub fn styles(text: &str) -> Result<Styles, Rejection> {
    Styles::parse(text).map_err(|_| Rejection::UnknownWord(Styles::names().collect()))
}

/// Parses names, separated by commas.
pub fn names(value: &str) -> Result<Vec<String>, Rejection> {
    let checked = text(value)?;
    let names = checked.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(str::to_string).collect())
}

const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// Parses the name of a log level.
pub fn level(text: &str) -> Result<Level, Rejection> {
    Level::from_name(text).ok_or(Rejection::NotLevelAmong(LEVELS))
}

/// Makes a file's path absolute. Rejects control characters, an empty path, one that ends in `/`, and a relative one if
/// the working directory is not known.
pub fn path(value: &str) -> Result<PathBuf, Rejection> {
    let path = text(value)?;
    if path.ends_with('/') {
        return Err(Rejection::NamesDirectory);
    }
    absolute(&path)
}

/// Makes a folder's path absolute.
pub fn folder(value: &str) -> Result<PathBuf, Rejection> {
    absolute(&text(value)?)
}

fn absolute(path: &str) -> Result<PathBuf, Rejection> {
    std::path::absolute(path).map_err(|error| Rejection::NotAbsolute(error.into()))
}

/// Parses permission bits in octal. The owner must be able to write, because a rotated file is opened again.
pub fn file_mode(text: &str) -> Result<u32, Rejection> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if plain && mode <= 0o777 && mode & 0o200 != 0 => Ok(mode),
        _ => Err(Rejection::NotFileMode),
    }
}

/// Parses a JSON object into its fields.
pub fn json_object(text: &str) -> Result<Vec<(String, serde_json::Value)>, Rejection> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(fields)) => Ok(fields.into_iter().collect()),
        Ok(_) => Err(Rejection::NotJsonObject),
        Err(error) => Err(Rejection::NotJson { error: error.to_string() }),
    }
}

/// Parses a duration in Go's format: a sequence of numbers with units.
pub fn go_duration(text: &str) -> Result<Duration, Rejection> {
    let (mut rest, mut total) = (text.strip_prefix('+').unwrap_or(text), 0f64);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(Rejection::NotDuration)?;
        let number: f64 = rest[..digits].parse().map_err(|_| Rejection::NotDuration)?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return Err(Rejection::NotDuration),
        };
        total += number * unit;
        rest = &rest[end..];
    }
    match Duration::try_from_secs_f64(total) {
        Ok(time) if !text.is_empty() => Ok(time),
        _ => Err(Rejection::NotDuration),
    }
}

/// Parses `key:value` pairs, separated by commas, or by blanks if there is no comma. A key ends at its first colon. A
/// pair without a colon has an empty value; a pair without a key is left out. The last of equal keys counts.
pub fn tags(text: &str) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    let comma = text.contains(',');
    for pair in text.split(|c: char| if comma { c == ',' } else { c.is_whitespace() }) {
        let (key, value) = pair.split_once(':').unwrap_or((pair, ""));
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            continue;
        }
        match places.get(key) {
            Some(&place) => {
                if let Some((_, old)) = tags.get_mut::<usize>(place) {
                    *old = value.to_string();
                }
            }
            None => {
                places.insert(key, tags.len());
                tags.push((key.to_string(), value.to_string()));
            }
        }
    }
    tags
}

/// Reads `DD_TRACE_LOG_SINKS`, in the words of .NET. The console is standard error here: standard output is the
/// application's.
pub fn console_sinks(text: &str) -> Result<Sinks, Rejection> {
    let mut sinks = Sinks { stderr: false, file: false, ring: true };
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            "file" => sinks.file = true,
            "console" => sinks.stderr = true,
            _ => return Err(Rejection::OfLanguage("accepted are file and console, separated by commas")),
        }
    }
    match sinks.file || sinks.stderr {
        true => Ok(sinks),
        false => Err(Rejection::OfLanguage("names no sink; accepted are file and console")),
    }
}

/// Parses a list of sinks, separated by commas; `none` must be the only word.
pub fn sinks(text: &str) -> Result<Sinks, Rejection> {
    let mut sinks = Sinks { stderr: false, file: false, ring: false };
    if text.eq_ignore_ascii_case("none") {
        return Ok(sinks);
    }
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            "stderr" => sinks.stderr = true,
            "file" => sinks.file = true,
            "ring" => sinks.ring = true,
            _ => return Err(Rejection::UnknownSink),
        }
    }
    match sinks {
        Sinks { stderr: false, file: false, ring: false } => Err(Rejection::NoSink),
        some => Ok(some),
    }
}

/// Returns the known name that was probably meant: one that only lacks a prefix, else the one with the fewest typing
/// errors.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    if name.len() > 100 {
        return None;
    }
    let upper = name.to_ascii_uppercase().replace(['.', '-'], "_");
    let bare = |known: &str| {
        ["DD_TRACE_", "DD_", "SPANWIRE_"].iter().any(|prefix| known.strip_prefix(prefix) == Some(upper.as_str()))
    };
    if let Some(found) = known.clone().find(|known| bare(known)) {
        return Some(found);
    }
    let (slips, found) = known.map(|known| (slips(&upper, known), known)).min_by_key(|(slips, _)| *slips)?;
    (slips <= (upper.len() / 5).clamp(1, 4)).then_some(found)
}

/// Returns the number of characters to add, remove or replace to turn one text into the other.
pub fn slips(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut next = vec![i + 1];
        for ((above, b), diagonal) in row.iter().skip(1).zip(to.bytes()).zip(&row) {
            let left = next.last().copied().unwrap_or(i);
            next.push((diagonal + usize::from(a != b)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// Cuts a text to so many characters, and marks the cut.
pub fn shorten(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    #[test]
    fn a_switch_takes_the_usual_words_and_no_others() {
        for yes in ["true", "TRUE", "1", "yes", "On"] {
            assert_eq!(switch(yes), Ok(true), "{yes}");
        }
        for no in ["false", "False", "0", "NO", "off"] {
            assert_eq!(switch(no), Ok(false), "{no}");
        }
        for neither in ["2", "tru", "enabled", "-1", "t"] {
            assert!(switch(neither).is_err_and(|why| why.to_string().contains("true, 1")), "{neither}");
        }
    }

    #[test]
    fn a_number_out_of_range_or_malformed_says_what_is_accepted() {
        assert_eq!(number("10", &(10..=20), "ms"), Ok(10));
        assert_eq!(number("20", &(10..=20), "ms"), Ok(20));
        for far in ["9", "21", "99999999999999999999999"] {
            let why = number(far, &(10..=20), "ms").map_err(|why| why.to_string());
            assert_eq!(why, Err("out of range; accepted are 10 to 20 ms".into()));
        }
        for malformed in ["", "-11", "+11", "1.5", "0x11", "11ms", "1 1", "١١"] {
            let why = number(malformed, &(10..=20), "").map_err(|why| why.to_string());
            assert_eq!(why, Err("not a whole number in plain digits; accepted are 10 to 20".into()), "{malformed}");
        }
    }

    #[test]
    fn text_that_would_break_a_line_or_a_header_is_refused() {
        assert_eq!(text("café ☕"), Ok("café ☕".into()));
        assert!(text("two\nlines").is_err_and(|why| why.to_string().contains("U+000A")));
        assert_eq!(header_text("8.2.1 (cli)"), Ok("8.2.1 (cli)".into()));
        assert!(header_text("café").is_err_and(|why| why.to_string().contains("U+00E9")));
        assert!(header_text("a\r\nX-Injected: 1").is_err());
    }

    #[test]
    fn words_and_levels_in_any_case() {
        assert_eq!(word("JSON", &["native", "json"]), Ok("json".into()));
        let xml = word("xml", &["native", "json"]).map_err(|why| why.to_string());
        assert_eq!(xml, Err("accepted are native and json".into()));
        assert_eq!(level("WARNING"), Ok(Level::Warn));
        assert!(level("loud").is_err_and(|why| why.to_string().contains("debug")));
    }

    #[test]
    fn durations_are_gos() {
        let ms = |text| go_duration(text).map(|time| time.as_millis());
        assert_eq!(ms("10m"), Ok(600_000));
        assert_eq!(ms("1h30m"), Ok(5_400_000));
        assert_eq!((ms("1.5s"), ms("250ms"), ms("0"), ms("+2s")), (Ok(1_500), Ok(250), Ok(0), Ok(2_000)));
        for bad in ["", "10", "m", "10 m", "-5m", "1.2.3s", "10d", "9e99h"] {
            assert!(go_duration(bad).is_err_and(|why| why.to_string().contains("1h30m")), "{bad}");
        }
    }

    #[test]
    fn a_log_file_path_does_not_move_with_the_working_directory() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(path("logs/trace.log"), Ok(here.join("logs/trace.log")));
        assert_eq!(path("/dev/fd/2"), Ok("/dev/fd/2".into()));
        assert!(path("/var/log/").is_err());
        assert!(path("a\0b").is_err());
    }

    #[test]
    fn a_file_mode_is_octal_and_lets_the_owner_write() {
        assert_eq!(file_mode("0600"), Ok(0o600));
        assert_eq!(file_mode("644"), Ok(0o644));
        assert_eq!(file_mode("0o640"), Ok(0o640));
        for bad in ["0400", "01777", "rw-r-----", "+600", "888", "", "0"] {
            assert!(file_mode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_are_split_as_the_tracers_do() {
        assert_eq!(tags("team:web,region:eu"), pairs(&[("team", "web"), ("region", "eu")]));
        assert_eq!(tags("team:web region:eu"), pairs(&[("team", "web"), ("region", "eu")]));
        assert_eq!(tags("note:two words,a:1"), pairs(&[("note", "two words"), ("a", "1")]));
        assert_eq!(tags("url:http://x:1/y"), pairs(&[("url", "http://x:1/y")]));
        assert_eq!(tags(" a : 1 , b :2,"), pairs(&[("a", "1"), ("b", "2")]));
        assert_eq!(tags("flag,:lost,,a:1"), pairs(&[("flag", ""), ("a", "1")]));
        assert_eq!(tags("a:1,b:2,a:3"), pairs(&[("a", "3"), ("b", "2")]));
        assert_eq!(tags("  ,: , "), pairs(&[]));
    }

    #[test]
    fn sinks_are_a_list_or_none() {
        assert_eq!(sinks("stderr, RING"), Ok(Sinks { stderr: true, file: false, ring: true }));
        assert_eq!(sinks("none"), Ok(Sinks { stderr: false, file: false, ring: false }));
        for bad in ["stdout", "ring,none", ",", "stderr file"] {
            assert!(sinks(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_right_one() {
        let known = ["DD_SERVICE", "DD_ENV", "DD_TRACE_DEBUG", "SPANWIRE_QUEUE_MAX"];
        let near = |name| nearest(name, known.iter().copied());
        assert_eq!(near("DD_SERVCIE"), Some("DD_SERVICE"));
        assert_eq!(near("service"), Some("DD_SERVICE"));
        assert_eq!(near("debug"), Some("DD_TRACE_DEBUG"));
        assert_eq!(near("dd.trace.debug"), Some("DD_TRACE_DEBUG"));
        assert_eq!(near("SPANWIRE_QUEUE_MAXX"), Some("SPANWIRE_QUEUE_MAX"));
        assert_eq!(near("FAVOURITE_COLOUR"), None);
        assert_eq!(near(""), None);
        assert_eq!(slips("kitten", "sitting"), 3);
        assert_eq!(slips("", "abc"), 3);
    }
}
