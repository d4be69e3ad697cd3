//! Parses the log records that `tests/hosts/script.c` pulls and prints, and compares lines with patterns.

use super::hosts::Outcome;

/// A record as the host printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub level: i32,
    pub flags: u32,
    pub logger: String,
    pub target: String,
    pub text: String,
    pub message: String,
}

/// Returns the records in a host's output, in order.
pub fn records(ran: &Outcome) -> Vec<Record> {
    let record = |line: &str| {
        let mut fields = line.strip_prefix("record\t")?.split('\t').map(unescaped);
        let level = fields.next()?.parse().ok()?;
        let flags = fields.next()?.parse().ok()?;
        let (logger, target, text) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Record { level, flags, logger, target, text, message: fields.next()? })
    };
    ran.stdout.lines().filter_map(record).collect()
}

fn unescaped(text: &str) -> String {
    let (mut out, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some(other)) => out.push(other),
            _ => out.push(c),
        }
    }
    out
}

/// Whether the whole of `text` matches `pattern`. In a pattern, `‹d›` matches one or more digits, `‹x›` hexadecimal
/// digits,
/// `‹w›` anything but white space, `‹*›` anything but the end of a line, and all other text itself.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((literal, rest)) = pattern.split_once('‹') else { return pattern == text };
    let Some(text) = text.strip_prefix(literal) else { return false };
    let Some((class, rest)) = rest.split_once('›') else { return false };
    let fits = |c: char| match class {
        "d" => c.is_ascii_digit(),
        "x" => c.is_ascii_hexdigit(),
        "w" => !c.is_whitespace(),
        "*" => c != '\n',
        other => panic!("no class {other} in a pattern"),
    };
    let longest = text.find(|c| !fits(c)).unwrap_or(text.len());
    let least = usize::from(class != "*");
    // The longest match is tried first, then shorter ones if the rest of the pattern does not match.
    (least..=longest).rev().filter(|&end| text.is_char_boundary(end)).any(|end| matches(rest, &text[end..]))
}

/// Panics with the records unless these patterns match records in this order. Other records may be in between.
#[track_caller]
pub fn expect_in_order(records: &[Record], patterns: &[&str]) {
    let mut rest = records.iter();
    for pattern in patterns {
        if !rest.any(|record| matches(pattern, &record.text)) {
            let said: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
            panic!("nothing like\n{pattern}\nafter the ones before it in\n{}", said.join("\n"));
        }
    }
}
