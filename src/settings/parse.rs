//! How each kind of setting is read: text in, a value or a sentence that names what is accepted out. Nothing here knows
//! a setting's name, where a text came from or what it overrides.

use crate::level::Level;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// The longest text that a setting takes, in bytes.
pub const TEXT_MAX: usize = 65_536;

/// Which sinks log records go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sinks {
    /// Standard error.
    pub stderr: bool,
    /// The log file.
    pub file: bool,
    /// The ring that a host polls or drains.
    pub ring: bool,
}

/// A yes or no.
pub fn switch(text: &str) -> Result<bool, String> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "1", "yes", "on"]) {
        Ok(true)
    } else if is(&["false", "0", "no", "off"]) {
        Ok(false)
    } else {
        Err("not a yes or no; accepted are true, 1, yes, on and false, 0, no, off".into())
    }
}

/// A whole number in `range`.
pub fn number(text: &str, range: &RangeInclusive<u64>, unit: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(value) if digits && range.contains(&value) => Ok(value),
        _ if digits => Err(format!("out of range; accepted are {}", span_of(range, unit))),
        _ => Err(format!("not a whole number in plain digits; accepted are {}", span_of(range, unit))),
    }
}

/// A range in words.
pub fn span_of(range: &RangeInclusive<u64>, unit: &str) -> String {
    format!("{} to {} {unit}", range.start(), range.end()).trim_end().to_string()
}

/// Text for tags and logs.
pub fn text(text: &str) -> Result<String, String> {
    match text.chars().find(|c| c.is_control()) {
        None => Ok(text.to_string()),
        Some(c) => Err(format!("holds the control character U+{:04X}; accepted is printable text", c as u32)),
    }
}

/// Text for an HTTP header: one character outside of ASCII would make every request fail.
pub fn header_text(text: &str) -> Result<String, String> {
    match text.chars().find(|c| !matches!(c, ' '..='~')) {
        None => Ok(text.to_string()),
        Some(c) => Err(format!("holds the character U+{:04X}; accepted is printable ASCII", c as u32)),
    }
}

/// One of the accepted words, in any case; the value is the word as listed.
pub fn word(text: &str, accepted: &[&str]) -> Result<String, String> {
    match accepted.iter().find(|word| text.eq_ignore_ascii_case(word)) {
        Some(word) => Ok(word.to_string()),
        None => Err(format!("accepted are {}", accepted.join(" and "))),
    }
}

/// A log level's name.
pub fn level(text: &str) -> Result<Level, String> {
    Level::from_name(text).ok_or_else(|| "not a level; accepted are off, error, warn, info, debug and trace".into())
}

/// A path, made absolute.
pub fn path(value: &str) -> Result<PathBuf, String> {
    let path = text(value)?;
    if path.ends_with('/') {
        return Err("names a directory; accepted is a file's path".into());
    }
    absolute(&path)
}

/// A folder's path, made absolute.
pub fn folder(value: &str) -> Result<PathBuf, String> {
    absolute(&text(value)?)
}

fn absolute(path: &str) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("cannot be made an absolute path: {error}"))
}

/// Permission bits in octal; the owner's write bit must be among them, since a rotated file is opened again.
pub fn file_mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if plain && mode <= 0o777 && mode & 0o200 != 0 => Ok(mode),
        _ => Err("accepted are octal permission bits up to 0777 that let the owner write, such as 0640".into()),
    }
}

/// A JSON object's fields.
pub fn json_object(text: &str) -> Result<Vec<(String, serde_json::Value)>, String> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(fields)) => Ok(fields.into_iter().collect()),
        Ok(_) => Err("is JSON but no object; accepted is an object such as {\"key\":\"value\"}".into()),
        Err(error) => Err(format!("is no JSON ({error}); accepted is an object such as {{\"key\":\"value\"}}")),
    }
}

/// A duration as Go writes it: numbers with units, one behind another.
pub fn go_duration(text: &str) -> Result<Duration, String> {
    let refused = || "not a duration; accepted are such as 10m, 1h30m, 90s and 1.5s".to_string();
    let (mut rest, mut total) = (text.strip_prefix('+').unwrap_or(text), 0f64);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(refused)?;
        let number: f64 = rest[..digits].parse().map_err(|_| refused())?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return Err(refused()),
        };
        total += number * unit;
        rest = &rest[end..];
    }
    match Duration::try_from_secs_f64(total) {
        Ok(time) if !text.is_empty() => Ok(time),
        _ => Err(refused()),
    }
}

/// `key:value` pairs, separated by commas, or by blanks where there is no comma. A key ends at its first colon; one
/// without a colon has an empty value; pairs without a key are left out; the last value of a key wins.
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

/// Reads `DD_TRACE_LOG_SINKS`, in the words of .NET. The console is standard error here: standard output is the application's.
pub fn console_sinks(text: &str) -> Result<Sinks, String> {
    let mut sinks = Sinks { stderr: false, file: false, ring: true };
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            "file" => sinks.file = true,
            "console" => sinks.stderr = true,
            _ => return Err("accepted are file and console, separated by commas".into()),
        }
    }
    match sinks.file || sinks.stderr {
        true => Ok(sinks),
        false => Err("names no sink; accepted are file and console".into()),
    }
}

/// A list of sinks, separated by commas; `none` stands alone.
pub fn sinks(text: &str) -> Result<Sinks, String> {
    let mut sinks = Sinks { stderr: false, file: false, ring: false };
    if text.eq_ignore_ascii_case("none") {
        return Ok(sinks);
    }
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            "stderr" => sinks.stderr = true,
            "file" => sinks.file = true,
            "ring" => sinks.ring = true,
            _ => return Err("accepted are stderr, file and ring, separated by commas, or none alone".into()),
        }
    }
    match sinks {
        Sinks { stderr: false, file: false, ring: false } => Err("names no sink; to have none, say none".into()),
        some => Ok(some),
    }
}

/// The name that was probably meant: one that only lacks a prefix, else the one with the fewest slips.
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

/// How many characters must be added, removed or replaced to turn one text into the other.
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
            assert!(switch(neither).is_err_and(|why| why.contains("true, 1")), "{neither}");
        }
    }

    #[test]
    fn a_number_out_of_range_or_malformed_says_what_is_accepted() {
        assert_eq!(number("10", &(10..=20), "ms"), Ok(10));
        assert_eq!(number("20", &(10..=20), "ms"), Ok(20));
        for far in ["9", "21", "99999999999999999999999"] {
            assert_eq!(number(far, &(10..=20), "ms"), Err("out of range; accepted are 10 to 20 ms".into()));
        }
        for malformed in ["", "-11", "+11", "1.5", "0x11", "11ms", "1 1", "١١"] {
            let why = number(malformed, &(10..=20), "");
            assert_eq!(why, Err("not a whole number in plain digits; accepted are 10 to 20".into()), "{malformed}");
        }
    }

    #[test]
    fn text_that_would_break_a_line_or_a_header_is_refused() {
        assert_eq!(text("café ☕"), Ok("café ☕".into()));
        assert!(text("two\nlines").is_err_and(|why| why.contains("U+000A")));
        assert_eq!(header_text("8.2.1 (cli)"), Ok("8.2.1 (cli)".into()));
        assert!(header_text("café").is_err_and(|why| why.contains("U+00E9")));
        assert!(header_text("a\r\nX-Injected: 1").is_err());
    }

    #[test]
    fn words_and_levels_in_any_case() {
        assert_eq!(word("JSON", &["native", "json"]), Ok("json".into()));
        assert_eq!(word("xml", &["native", "json"]), Err("accepted are native and json".into()));
        assert_eq!(level("WARNING"), Ok(Level::Warn));
        assert!(level("loud").is_err_and(|why| why.contains("debug")));
    }

    #[test]
    fn durations_are_gos() {
        let ms = |text| go_duration(text).map(|time| time.as_millis());
        assert_eq!(ms("10m"), Ok(600_000));
        assert_eq!(ms("1h30m"), Ok(5_400_000));
        assert_eq!((ms("1.5s"), ms("250ms"), ms("0"), ms("+2s")), (Ok(1_500), Ok(250), Ok(0), Ok(2_000)));
        for bad in ["", "10", "m", "10 m", "-5m", "1.2.3s", "10d", "9e99h"] {
            assert!(go_duration(bad).is_err_and(|why| why.contains("1h30m")), "{bad}");
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
