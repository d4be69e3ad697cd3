//! Java's date patterns (`SimpleDateFormat`).

use crate::settings::rejection::DatePatternFault;
use crate::zone::Moment;
use std::fmt::Write;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A date pattern, ready to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// A letter, and how often it stands there.
    Field(char, usize),
}

impl Pattern {
    /// Prints nothing.
    pub const EMPTY: Pattern = Pattern(Vec::new());

    /// Parses a pattern, or returns what is wrong with it.
    pub fn parse(text: &str) -> Result<Pattern, DatePatternFault> {
        if text.chars().any(char::is_control) {
            return Err(DatePatternFault::ControlCharacter);
        }
        let mut pieces = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\'' => quoted(&mut chars, &mut pieces)?,
                'a'..='z' | 'A'..='Z' => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    pieces.push(field(c, count)?);
                }
                other => literal(&mut pieces, other),
            }
        }
        Ok(Pattern(pieces))
    }

    /// Appends this moment to `out`.
    pub fn print(&self, now: &Moment<'_>, out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Field(letter, count) => print(*letter, *count, now, out),
            }
        }
    }
}

/// Reads text between quotes; two quotes in a row are one.
fn quoted(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    pieces: &mut Vec<Piece>,
) -> Result<(), DatePatternFault> {
    if chars.next_if_eq(&'\'').is_some() {
        literal(pieces, '\'');
        return Ok(());
    }
    loop {
        match chars.next() {
            None => return Err(DatePatternFault::OpenQuote),
            Some('\'') if chars.next_if_eq(&'\'').is_some() => literal(pieces, '\''),
            Some('\'') => return Ok(()),
            Some(c) => literal(pieces, c),
        }
    }
}

fn literal(pieces: &mut Vec<Piece>, c: char) {
    match pieces.last_mut() {
        Some(Piece::Literal(text)) => text.push(c),
        _ => pieces.push(Piece::Literal(c.into())),
    }
}

fn field(letter: char, count: usize) -> Result<Piece, DatePatternFault> {
    match letter {
        'X' if count > 3 => Err(DatePatternFault::TooManyZoneLetters(count)),
        _ if count > 32 => Err(DatePatternFault::TooManyLetters(letter, count)),
        'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'S' | 'Z' | 'X' | 'z' | 'a' | 'E' => Ok(Piece::Field(letter, count)),
        other => Err(DatePatternFault::UnknownLetter(other)),
    }
}

fn print(letter: char, count: usize, now: &Moment<'_>, out: &mut String) {
    let mut number = |value: i64| {
        let _ = write!(out, "{value:0count$}");
    };
    match letter {
        'y' if count == 2 => number(now.year.rem_euclid(100)),
        'y' => number(now.year),
        'M' if count < 3 => number(i64::from(now.month)),
        'd' => number(i64::from(now.day)),
        'H' => number(i64::from(now.hour)),
        'h' => number(i64::from((now.hour + 11) % 12 + 1)),
        'm' => number(i64::from(now.minute)),
        's' => number(i64::from(now.second)),
        'S' => number(i64::from(now.micro / 1_000)),
        'M' if count == 3 => out.push_str(now.month_name()),
        'M' => out.push_str(MONTHS[(now.month as usize + 11) % 12]),
        'E' if count < 4 => out.push_str(now.weekday_name()),
        'E' => out.push_str(WEEKDAYS[now.weekday as usize % 7]),
        'a' => out.push_str(if now.hour < 12 { "AM" } else { "PM" }),
        'z' => out.push_str(now.zone),
        'X' if now.offset == 0 => out.push('Z'),
        'X' if count == 1 => out.push_str(&now.offset_text("")[..3]),
        'X' if count == 3 => out.push_str(&now.offset_text(":")),
        _ => out.push_str(&now.offset_text("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(pattern: &str) -> String {
        let now = Moment {
            year: 2026,
            month: 11,
            day: 4,
            weekday: 3,
            hour: 16,
            minute: 6,
            second: 35,
            micro: 7_563,
            offset: -12_600,
            zone: "NST",
        };
        let mut out = String::new();
        Pattern::parse(pattern).expect("a pattern").print(&now, &mut out);
        out
    }

    #[test]
    fn a_pattern_prints_as_java_prints_it() {
        assert_eq!(printed("'[dd.trace 'yyyy-MM-dd HH:mm:ss:SSS Z']'"), "[dd.trace 2026-11-04 16:06:35:007 -0330]");
        assert_eq!(printed("yyyy-MM-dd'T'HH:mm:ss.SSSXXX"), "2026-11-04T16:06:35.007-03:30");
        assert_eq!(printed("EEE, d MMM yy h:mm a z"), "Wed, 4 Nov 26 4:06 PM NST");
        assert_eq!(printed("EEEE d MMMM y S X XX"), "Wednesday 4 November 2026 7 -03 -0330");
        assert_eq!(printed("hh 'o''clock' ''"), "04 o'clock '");
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (pattern, why) in [
            ("yyyy 'T", "not closed"),
            ("yyyy-ww", "`w`"),
            ("XXXX", "3 at most"),
            ("HH\nmm", "control"),
            (&"y".repeat(40), "40 times `y`"),
        ] {
            let told = Pattern::parse(pattern).expect_err(pattern).to_string();
            assert!(told.contains(why), "{told}");
        }
    }
}
