//! Log records that a host driven by `tests/hosts/script.c` has pulled, and patterns that lines are compared with.

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

/// The records of a host's output, in order.
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

/// Whether `text` is what `pattern` says, to the byte: in it `‹d›` stands for one or more digits, `‹x›` for hexadecimal
/// digits, `‹w›` for anything but white space, `‹*›` for anything but a line's end, and all else for itself.
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
    // Longest first, and shorter ones where what follows does not fit.
    (least..=longest).rev().filter(|&end| text.is_char_boundary(end)).any(|end| matches(rest, &text[end..]))
}

/// Panics, showing what was said, unless these patterns match records in this order, others in between.
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
