//! Formatting of texts and numbers for all languages: redacting, cutting, keeping on one line, writing JSON.

use crate::memory::{append, append_fixed};
use crate::redact;
use crate::sys;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

/// The most bytes of one tag's value in a line.
pub const TAG_MAX: usize = 2_000;
/// The most bytes of any other text from outside in a line. The start-up line's object is never cut.
const TEXT_MAX: usize = 16_000;
/// The most bytes of all of a span's tags in a line; the other tags are counted.
pub const TAGS_MAX: usize = 48_000;

/// About the most bytes of one record with spans of a chunk: the span that exceeds it is the last one in it.
pub const SPANS_RECORD_MAX: usize = 128 * 1024;
/// The most bytes of all of a chunk's spans in the log. More would not fit into the log's queues at a time. The other
/// spans are counted.
const SPANS_MAX: usize = 640 * 1024;
/// About what a record occupies in a queue beside its text.
const RECORD_COST: usize = 192;

/// The room that the spans of one chunk have in the log.
pub struct SpansRoom(usize);

impl SpansRoom {
    /// Returns the room for all spans of a chunk, with none used.
    pub fn new() -> SpansRoom {
        SpansRoom(SPANS_MAX)
    }

    /// Whether another span is listed.
    pub fn is_left(&self) -> bool {
        self.0 > 0
    }

    /// Reserves room for a span's text of this many bytes.
    pub fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes + RECORD_COST);
    }
}

/// Says how many spans are not listed.
pub fn more_spans(count: usize) -> String {
    format!("spanwire: {count} more spans")
}

/// The two digits of each number below 100.
static PAIRS: [[u8; 2]; 100] = pairs();

const fn pairs() -> [[u8; 2]; 100] {
    let (mut pairs, mut n) = ([[b'0'; 2]; 100], 0);
    while n < 100 {
        pairs[n] = [b'0' + n as u8 / 10, b'0' + n as u8 % 10];
        n += 1;
    }
    pairs
}

/// Formats a time as `2026-11-24T16:47:22.691Z`.
pub fn iso_time(time_ns: u64) -> String {
    let mut out = Vec::with_capacity(24);
    push_iso_time(&mut out, time_ns);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends a time as `2026-11-24T16:47:22.691Z`.
pub fn push_iso_time(out: &mut Vec<u8>, time_ns: u64) {
    let (year, month, day, hour, minute, second) = sys::utc_time(time_ns);
    let (year, milli) = (year.clamp(0, 9_999) as u32, (time_ns / 1_000_000 % 1_000) as u32);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let parts = [year / 100, year % 100, month, day, hour, minute, second, milli / 10];
    for (at, part) in [0, 2, 5, 8, 11, 14, 17, 20].into_iter().zip(parts) {
        text[at..at + 2].copy_from_slice(&PAIRS[part as usize % 100]);
    }
    text[22] = b'0' + (milli % 10) as u8;
    out.extend_from_slice(&text);
}

/// Changes the milliseconds of a time that [`push_iso_time`] has written.
pub fn set_millis(time: &mut [u8], time_ns: u64) {
    let milli = (time_ns / 1_000_000 % 1_000) as usize;
    if let Some([tens @ .., ones]) = time.get_mut(20..23) {
        tens.copy_from_slice(&PAIRS[milli / 10]);
        *ones = b'0' + (milli % 10) as u8;
    }
}

/// Numbers from this one on, which are ids as a rule, have more than 16 digits.
const LONG: u64 = 10_000_000_000_000_000;

/// Appends a number with at least so many digits.
pub fn push_digits(out: &mut Vec<u8>, mut number: u64, least: usize) {
    // The largest number has 20 digits.
    let (mut digits, mut at) = ([b'0'; 20], 20);
    if number >= LONG {
        let low = number % LONG;
        let sixteen = sys::sixteen::decimals_of((low / 100_000_000) as u32, (low % 100_000_000) as u32);
        digits[4..].copy_from_slice(&sixteen.map(|digit| digit + b'0'));
        (number, at) = (number / LONG, 4);
    }
    while number > 9 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
    if number > 0 {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    append(out, &digits[at.min(20 - least.min(20))..]);
}

/// Appends a number.
pub fn push_number(out: &mut Vec<u8>, number: u64) {
    push_digits(out, number, 1);
}

/// Appends a trace id as 32 hexadecimal digits.
pub fn push_trace_id(out: &mut Vec<u8>, id: u128) {
    append_fixed(out, &sys::sixteen::hex_of((id >> 64) as u64));
    append_fixed(out, &sys::sixteen::hex_of(id as u64));
}

/// Whether the text has printable ASCII alone.
pub fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Formats a duration in the unit that fits: `850ns`, `12.345us`, `1.204ms`, `2.500s`.
pub fn duration(time: Duration) -> String {
    let mut out = Vec::with_capacity(24);
    push_duration(&mut out, time);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends a duration in the unit that fits.
pub fn push_duration(out: &mut Vec<u8>, time: Duration) {
    let ns = u64::from(time.subsec_nanos());
    let (whole, thousandths, unit) = match (time.as_secs(), ns) {
        (0, 0..1_000) => {
            push_number(out, ns);
            return out.extend_from_slice(b"ns");
        }
        (0, 1_000..1_000_000) => (ns / 1_000, ns % 1_000, "us"),
        (0, _) => (ns / 1_000_000, ns / 1_000 % 1_000, "ms"),
        (seconds, _) => (seconds, ns / 1_000_000, "s"),
    };
    push_number(out, whole);
    append_fixed(out, b".");
    push_digits(out, thousandths, 3);
    append(out, unit.as_bytes());
}

/// Redacts and cuts free text from outside.
pub fn free(text: &str) -> Cow<'_, str> {
    cut(redact::text(text), TEXT_MAX)
}

/// Redacts a tag's or setting's value by its name and content, and cuts it.
pub fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    cut(redact::value_of(name, value), TAG_MAX)
}

/// Returns `text`, or its beginning and how long it was.
pub fn cut(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}… ({} bytes)", &text[..end], text.len()))
}

pub use crate::span::encode::shortest as number;

/// Appends a number with the fewest digits that are exact, as [`number`] returns them.
pub fn push_float(out: &mut Vec<u8>, value: f64) {
    // With few decimals it needs no search for the digits: the quotient is the number that is nearest to the decimal one.
    for (decimals, factor) in [(0, 1.0), (1, 10.0), (2, 100.0), (3, 1_000.0)] {
        let scaled = value.abs() * factor;
        let whole = (scaled + 0.5) as u64;
        if (0.5..1e15).contains(&scaled) && whole as f64 / factor == value.abs() {
            let power = factor as u64;
            if value < 0.0 {
                out.push(b'-');
            }
            push_number(out, whole / power);
            if decimals > 0 {
                append_fixed(out, b".");
                push_digits(out, whole % power, decimals);
            }
            return;
        }
    }
    out.extend_from_slice(number(value).as_bytes());
}

/// Calls `each` with redacted tags until they would make the line too long. Returns how many were left out.
pub fn tags<'a>(tags: &[(&'a str, &'a str)], mut each: impl FnMut(Cow<'a, str>, Cow<'a, str>)) -> usize {
    let mut room = TAGS_MAX;
    for (n, (name, text)) in tags.iter().enumerate() {
        let shown = value(name, text);
        if name.len() + shown.len() > room {
            return tags.len() - n;
        }
        room -= name.len() + shown.len();
        each(cut(Cow::Borrowed(*name), TAG_MAX), shown);
    }
    0
}

/// Redacts and cuts free text from outside and escapes its control characters, so that it stays on one line.
pub fn inline(text: &str) -> Cow<'_, str> {
    escaped(free(text))
}

/// The same for a tag's value.
pub fn inline_value<'a>(name: &str, text: &'a str) -> Cow<'a, str> {
    escaped(value(name, text))
}

/// Escapes control characters as `\n`, `\t`, `\u{1b}`, so that text from outside cannot forge a line or move a
/// terminal's cursor.
pub fn escaped(text: Cow<'_, str>) -> Cow<'_, str> {
    // Some readers take these two for the end of a line.
    let escapes = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if is_printable(&text) || !text.chars().any(escapes) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if escapes(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Returns a JSON object with its fields in this order.
pub fn object<'a>(fields: impl Iterator<Item = (&'a str, Cow<'a, Value>)>) -> String {
    let mut out = String::from("{");
    for (key, value) in fields {
        if out.len() > 1 {
            out.push(',');
        }
        let _ = write!(out, "{}:{value}", Value::from(key));
    }
    out.push('}');
    on_one_line(out)
}

/// Escapes in JSON what some readers take for the end of a line. Such characters occur in its strings only.
pub fn on_one_line(json: String) -> String {
    if !json.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return json;
    }
    json.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// Formats an event that the tracer has no line for as `kind: name=value, name=value`.
pub fn general(kind: &str, fields: &[(&str, &str)]) -> String {
    let mut text = inline(kind).into_owned();
    let mut between = ": ";
    let left_out = tags(fields, |name, value| {
        text.push_str(between);
        text.push_str(&escaped(name));
        text.push('=');
        text.push_str(&escaped(value));
        between = ", ";
    });
    if left_out > 0 {
        text.push_str(&format!("{between}… ({left_out} more)"));
    }
    text
}

/// Returns the reason phrase that HTTP has for a status.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_has_the_digits_of_the_search_for_the_fewest() {
        let some =
            [0.0, -0.0, 1.0, -1.0, 42.5, 0.1, 0.001, 0.0015, 1e15, 999_999_999_999_999.0, 1e16, 0.3, 2.675, -7.125];
        let more = [f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, f64::MAX, 1.0 / 3.0, 123_456.789, 1e300, 5e-5];
        let many = (0..4_000).map(|n| f64::from(n) / 1_000.0).chain((0..1_000).map(|n| f64::from(n) * 1.1));
        for value in some.into_iter().chain(more).chain(many) {
            let mut out = Vec::new();
            push_float(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), number(value));
        }
    }

    #[test]
    fn numbers_and_trace_ids_of_every_length_read_as_the_standard_library_writes_them() {
        for number in (0..64)
            .flat_map(|bit| [1u64 << bit, (1 << bit) - 1, u64::MAX >> bit])
            .chain([10u64.pow(16), 10u64.pow(16) - 1])
        {
            let (mut out, mut id) = (Vec::new(), Vec::new());
            push_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
            push_trace_id(&mut id, u128::from(number) << 64 | u128::from(!number));
            assert_eq!(String::from_utf8(id).unwrap(), format!("{number:016x}{:016x}", !number));
        }
    }
}
