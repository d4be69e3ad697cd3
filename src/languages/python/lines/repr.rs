//! Values as Python prints them: `repr` of strings, floats and dicts, and sizes as the tracer prints them.

use serde_json::Value;
use std::fmt::Write;

/// Formats a string's `repr`: in single quotes, or in double ones if these alone avoid a backslash. Characters that
/// cannot be printed are escaped.
pub fn string(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        let code = u32::from(c);
        let _ = match c {
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            c if c == quote => write!(out, "\\{c}"),
            c if printable(c) => out.write_char(c),
            _ if code < 0x100 => write!(out, "\\x{code:02x}"),
            _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push(quote);
}

/// Python and Rust use the same categories, but Rust escapes a combining mark that stands alone.
fn printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let mut pair = [b'a', 0, 0, 0, 0];
    let end = 1 + c.encode_utf8(&mut pair[1..]).len();
    std::str::from_utf8(&pair[..end]).is_ok_and(|pair| pair.escape_debug().nth(1) == Some(c))
}

/// Formats a string's `repr`, or `None` for an empty one.
pub fn string_or_none(text: &str, out: &mut String) {
    if text.is_empty() {
        out.push_str("None");
    } else {
        string(text, out);
    }
}

/// Formats a float's `repr`: the fewest digits that are exact, with an exponent below 1e-4 and from 1e16 on.
pub fn float(value: f64, out: &mut String) {
    if !value.is_finite() {
        out.push_str(match value {
            value if value.is_nan() => "nan",
            value if value > 0.0 => "inf",
            _ => "-inf",
        });
    } else if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        let _ = write!(out, "{value:?}");
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |below| ('-', below));
        let _ = write!(out, "{digits}e{sign}{exponent:0>2}");
    }
}

/// Formats a whole number as an integer, as a Python host would have set it; others as [`float`].
pub fn number(value: f64, out: &mut String) {
    if value.fract() == 0.0 && value.abs() < 1e16 {
        let _ = write!(out, "{}", value as i64);
    } else {
        float(value, out);
    }
}

/// `True` or `False`.
pub fn truth(value: bool) -> &'static str {
    if value {
        "True"
    } else {
        "False"
    }
}

/// Formats a dict's `repr`, its keys in this order.
pub fn dict<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>, out: &mut String) {
    out.push('{');
    for (n, (name, value)) in fields.enumerate() {
        out.push_str(if n == 0 { "" } else { ", " });
        string(name, out);
        out.push_str(": ");
        json(value, out);
    }
    out.push('}');
}

fn json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(value) => out.push_str(truth(*value)),
        Value::Number(value) => match value.as_f64().filter(|_| value.is_f64()) {
            Some(value) => float(value, out),
            None => {
                let _ = write!(out, "{value}");
            }
        },
        Value::String(value) => string(value, out),
        Value::Array(values) => {
            out.push('[');
            for (n, value) in values.iter().enumerate() {
                out.push_str(if n == 0 { "" } else { ", " });
                json(value, out);
            }
            out.push(']');
        }
        Value::Object(fields) => dict(fields.iter().map(|(name, value)| (name.as_str(), value)), out),
    }
}

/// Formats a number of bytes in the unit that fits, with factors of 1,000: `804B`, `1.61KB`, `3MB`.
pub fn size(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1000.0 && unit < 4 {
        (size, unit) = (size / 1000.0, unit + 1);
    }
    let figures = format!("{size:.2}");
    let figures = figures.trim_end_matches('0').trim_end_matches('.');
    format!("{figures}{}", ["B", "KB", "MB", "GB", "TB"][unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(print: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        print(&mut out);
        out
    }

    #[test]
    fn strings_are_quoted_and_escaped_as_python_does() {
        let cases = [
            ("checkout", "'checkout'"),
            ("", "''"),
            ("it's", "\"it's\""),
            ("say \"hi\"", "'say \"hi\"'"),
            ("it's \"so\"", "'it\\'s \"so\"'"),
            ("a\\b\n\r\t\0\u{1b}\u{7f}", "'a\\\\b\\n\\r\\t\\x00\\x1b\\x7f'"),
            ("é ü \u{301} 日本 🎉", "'é ü \u{301} 日本 🎉'"),
            (
                "\u{a0}\u{ad}\u{85}\u{2028}\u{200b}\u{e000}\u{10ffff}",
                "'\\xa0\\xad\\x85\\u2028\\u200b\\ue000\\U0010ffff'",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(said(|out| string(text, out)), want);
        }
    }

    #[test]
    fn floats_are_as_short_as_they_are_exact() {
        let cases = [
            (1_655_495_482.247_869_3, "1655495482.2478693"),
            (0.000_118_125, "0.000118125"),
            (0.0001, "0.0001"),
            (0.000_011_8, "1.18e-05"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (5e-324, "5e-324"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, want) in cases {
            assert_eq!(said(|out| float(value, out)), want);
        }
        let numbers = [1.0, -3.0, 42.5, 1e300].map(|value| said(|out| number(value, out)));
        assert_eq!(numbers, ["1", "-3", "42.5", "1e+300"]);
    }

    #[test]
    fn a_dict_keeps_its_order_and_speaks_python() {
        let fields = [("b", json!([1, -2.5, null])), ("a", json!({"x": true, "y": "it's"}))];
        let printed = said(|out| dict(fields.iter().map(|(name, value)| (*name, value)), out));
        assert_eq!(printed, "{'b': [1, -2.5, None], 'a': {'x': True, 'y': \"it's\"}}");
    }

    #[test]
    fn sizes_step_up_at_a_thousand() {
        let shown = [0, 804, 999, 1000, 1570, 1608, 3_000_000, 12_345_678_901].map(size);
        assert_eq!(shown, ["0B", "804B", "999B", "1KB", "1.57KB", "1.61KB", "3MB", "12.35GB"]);
    }
}
