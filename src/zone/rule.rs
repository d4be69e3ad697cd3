//! Time zones as POSIX writes them, `CET-1CEST,M3.5.0,M10.5.0/3`: what `TZ` may hold, and what stands at the end of a zone
//! file for the years after its table. Only what such a text says; files are `file.rs`'s.

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// A zone's rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    standard: (i32, String),
    summer: Option<Summer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Summer {
    offset: (i32, String),
    begins: Date,
    ends: Date,
}

/// A day of each year, and the second of it by the clocks that change then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Date {
    day: Day,
    second: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// Month 1 to 12, week 1 to 5 for the last one, weekday from Sunday.
    Weekday(i64, i64, i64),
    /// 1 to 365, never the leap day.
    Julian(i64),
    /// 0 to 365.
    OfYear(i64),
}

impl Rule {
    /// Reads a rule; `None` if it is none.
    pub fn parse(text: &str) -> Option<Rule> {
        let mut rest = text;
        let name = name(&mut rest)?;
        // West is positive here, as nowhere else.
        let standard = (-time(&mut rest)? as i32, name);
        if rest.is_empty() {
            return Some(Rule { standard, summer: None });
        }
        let summer_name = self::name(&mut rest)?;
        let offset =
            if rest.starts_with(',') || rest.is_empty() { standard.0 + HOUR as i32 } else { -time(&mut rest)? as i32 };
        // Without dates those of the United States hold, as in the C library.
        if rest.is_empty() {
            rest = ",M3.2.0,M11.1.0";
        }
        let begins = date(&mut rest)?;
        let ends = date(&mut rest)?;
        let summer = Some(Summer { offset: (offset, summer_name), begins, ends });
        rest.is_empty().then_some(Rule { standard, summer })
    }

    /// The changes of one year: when, to which offset, and what that is called. One entry, at the year's beginning, where
    /// there is no summer time.
    pub fn changes(&self, year: i64) -> Vec<(i64, i32, &str)> {
        let (standard, name) = (self.standard.0, self.standard.1.as_str());
        let Some(Summer { offset, begins, ends }) = &self.summer else {
            return vec![(days_before(year) * DAY - i64::from(standard), standard, name)];
        };
        // Summer ends by summer's clock.
        let begins = (at(year, begins) - i64::from(standard), offset.0, offset.1.as_str());
        let ends = (at(year, ends) - i64::from(offset.0), standard, name);
        if begins.0 < ends.0 {
            vec![begins, ends]
        } else {
            vec![ends, begins]
        }
    }
}

/// Letters, or anything between angle brackets.
fn name(rest: &mut &str) -> Option<String> {
    let (found, after) = match rest.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?,
        None => rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())),
    };
    *rest = after;
    let fits = found.len() >= 3 && found.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-'));
    (fits && found.len() <= 16).then(|| found.to_string())
}

/// `[+|-]hh[:mm[:ss]]`, in seconds.
fn time(rest: &mut &str) -> Option<i64> {
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    *rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let mut seconds = number(rest)? * HOUR;
    for unit in [60, 1] {
        let Some(after) = rest.strip_prefix(':') else { break };
        *rest = after;
        seconds += number(rest)? * unit;
    }
    (seconds <= 167 * HOUR).then_some(sign * seconds)
}

fn number(rest: &mut &str) -> Option<i64> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let value = rest[..end].parse().ok().filter(|value| *value < 1_000)?;
    *rest = &rest[end..];
    Some(value)
}

fn date(rest: &mut &str) -> Option<Date> {
    *rest = rest.strip_prefix(',')?;
    let day = if let Some(after) = rest.strip_prefix('M') {
        *rest = after;
        let month = number(rest)?;
        *rest = rest.strip_prefix('.')?;
        let week = number(rest)?;
        *rest = rest.strip_prefix('.')?;
        let weekday = number(rest)?;
        let fits = (1..=12).contains(&month) && (1..=5).contains(&week) && weekday <= 6;
        fits.then_some(Day::Weekday(month, week, weekday))?
    } else if let Some(after) = rest.strip_prefix('J') {
        *rest = after;
        Day::Julian(number(rest)?.clamp(1, 365))
    } else {
        Day::OfYear(number(rest)?.min(365))
    };
    let second = match rest.strip_prefix('/') {
        Some(after) => {
            *rest = after;
            time(rest)?
        }
        None => 2 * HOUR,
    };
    Some(Date { day, second })
}

/// Local seconds since 1970 of a date.
fn at(year: i64, date: &Date) -> i64 {
    let first = days_before(year);
    let day = match date.day {
        Day::OfYear(day) => first + day,
        Day::Julian(day) => first + day - 1 + i64::from(is_leap(year) && day > 59),
        Day::Weekday(month, week, weekday) => {
            let begins = first + (1..month).map(|month| days_of(year, month)).sum::<i64>();
            // 1970 began on a Thursday.
            let ahead = (weekday - (begins + 4)).rem_euclid(7);
            let day = ahead + (week - 1) * 7;
            begins + if day >= days_of(year, month) { day - 7 } else { day }
        }
    };
    day * DAY + date.second
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days between the beginnings of 1970 and of a year.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    (year - 1970) * 365 + (past / 4 - 492) - (past / 100 - 19) + (past / 400 - 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_changes_the_clocks_when_its_country_does() {
        let berlin = Rule::parse("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule");
        // 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC.
        assert_eq!(berlin.changes(2026), [(1_774_746_000, 7_200, "CEST"), (1_792_890_000, 3_600, "CET")]);
        let new_york = Rule::parse("EST5EDT,M3.2.0,M11.1.0").expect("a rule");
        assert_eq!(new_york.changes(2026), [(1_772_953_200, -14_400, "EDT"), (1_793_512_800, -18_000, "EST")]);
        assert_eq!(Rule::parse("EST5EDT"), Some(new_york));
        // Summer lies across the new year in the south.
        let sydney = Rule::parse("AEST-10AEDT,M10.1.0,M4.1.0/3").expect("a rule");
        assert_eq!(sydney.changes(2026)[0].2, "AEST");
        let calcutta = Rule::parse("<+0530>-5:30").expect("a rule");
        assert_eq!(calcutta.changes(2026), [(1_767_205_800, 19_800, "+0530")]);
        assert_eq!((days_before(1970), days_before(2001), days_before(2024)), (0, 11_323, 19_723));
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for text in
            ["", "A1", "CET", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M1.1.0", "CET-999", "<CET-1", "CET-1x", "ééé-1"]
        {
            assert_eq!(Rule::parse(text), None, "{text}");
        }
    }
}
