//! Formats what a report shows: texts from outside (redacted, without control characters, cut), numbers, times, ages.
//! The same input gives the same text everywhere: uses neither a clock nor a terminal.

use crate::redact;
use crate::sys;
use std::borrow::Cow;

/// Maximum number of characters of a value in a list.
pub const SHORT: usize = 200;
/// Maximum number of characters of a value where one span or trace is shown.
pub const LONG: usize = 2_000;

/// Formats a text from outside.
pub fn shown(bytes: &[u8], most: usize) -> String {
    clean(&redact::text(&String::from_utf8_lossy(bytes)), most)
}

/// Formats the value of a tag with this key.
pub fn value(key: &[u8], value: &[u8], most: usize) -> String {
    clean(&redact::value_of(&String::from_utf8_lossy(key), &String::from_utf8_lossy(value)), most)
}

/// Removes control characters, and cuts.
pub fn clean(text: &str, most: usize) -> String {
    let mut out: String = text.chars().take(most).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

/// Formats a number of a tag: integers without a point, others with up to six digits behind it, very large and very
/// small ones with an exponent.
pub fn number(number: f64) -> Cow<'static, str> {
    let size = number.abs();
    if size < 1e15 && number.fract() == 0.0 {
        return (number as i64).to_string().into();
    }
    if (1e-4..1e15).contains(&size) {
        return format!("{number:.6}").trim_end_matches('0').trim_end_matches('.').to_owned().into();
    }
    if number.is_finite() {
        return format!("{number:e}").into();
    }
    number.to_string().into()
}

/// `2026-03-02 08:15:32.628485 UTC`.
pub fn time(ns: u64) -> String {
    let (year, month, day, hour, minute, second) = sys::utc_time(ns);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:06} UTC", ns / 1_000 % 1_000_000)
}

/// `as of 2026-03-02 08:15:32.628485 UTC`; the time may have been in memory that cannot be read.
pub fn as_of(ns: Option<u64>) -> String {
    ns.map_or_else(|| "at a time that is not known".into(), |ns| format!("as of {}", time(ns)))
}

/// `08:15:32.628485`.
pub fn clock(ns: u64) -> String {
    let (_, _, _, hour, minute, second) = sys::utc_time(ns);
    format!("{hour:02}:{minute:02}:{second:02}.{:06}", ns / 1_000 % 1_000_000)
}

/// Formats a duration, or how long ago something happened.
pub fn age(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        1_000_000_000..120_000_000_000 => format!("{:.1} s", ns as f64 / 1e9),
        120_000_000_000..7_200_000_000_000 => format!("{} min", ns / 60_000_000_000),
        _ => format!("{} h", ns / 3_600_000_000_000),
    }
}

/// `1 span`, `2 spans`.
pub fn counted(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_were_set() {
        let cases = [
            (42.5, "42.5"),
            (3.0, "3"),
            (-0.0, "0"),
            (0.1 + 0.2, "0.3"),
            (1e15, "1e15"),
            (2.5e-7, "2.5e-7"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn nothing_from_outside_moves_the_cursor_or_fills_the_screen() {
        assert_eq!(shown(b"a\x1b[2Jb\nc\xff", SHORT), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(shown("äöü".as_bytes(), 2), "äö…");
        assert_eq!(value(b"api_key", b"12345678", SHORT), redact::REDACTED);
    }
}
