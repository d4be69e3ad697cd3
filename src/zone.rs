//! Local time without the C library: `localtime_r` takes a lock that a fork can leave held, so a forked child could
//! wait for it for ever. `tracer_new` reads the zone once; `jiff-core` parses the bytes of its file, or the rule in
//! `TZ`.

// Reads the zone's file.
#![allow(clippy::disallowed_methods)]

use crate::sys;
use jiff_core::tz::{self, posix, tzif, Abbreviation, OffsetInfo, Transition};
use jiff_core::Timestamp;
use std::path::PathBuf;

/// Number of years for which changes of the offset are computed in advance. After that the last offset stays.
const YEARS_AHEAD: i64 = 5;
const YEAR: i64 = 365 * 86_400;
/// No zone file is larger than this.
const FILE_MAX: u64 = 1 << 20;
const FOLDER: &str = "/usr/share/zoneinfo";
/// The dates that the C library uses for a rule without dates, such as `EST5EDT`.
const DATES_BY_DEFAULT: &str = ",M3.2.0,M11.1.0";

/// An offset from UTC, and when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offset {
    from: Timestamp,
    offset: tz::Offset,
    /// Such as `CET`.
    name: Abbreviation,
}

/// The offsets of one place, the earliest first. The default is UTC. It owns all that it holds, so that a forked child
/// can copy it without writing to memory of its parent; `jiff::tz::TimeZone` counts references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(Vec<Offset>);

/// Local time, broken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment<'a> {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 for Sunday to 6.
    pub weekday: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
    /// 0 to 999,999.
    pub micro: u32,
    /// Seconds east of UTC.
    pub offset: i32,
    /// The abbreviation of the offset, such as `CET`.
    pub zone: &'a str,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl Moment<'_> {
    /// `Jan` to `Dec`.
    pub fn month_name(&self) -> &'static str {
        MONTHS[(self.month as usize - 1) % 12]
    }

    /// `Sun` to `Sat`.
    pub fn weekday_name(&self) -> &'static str {
        WEEKDAYS[self.weekday as usize % 7]
    }

    /// `+01:00`, or with an empty `colon` `+0100`.
    pub fn offset_text(&self, colon: &str) -> String {
        let (sign, minutes) = (if self.offset < 0 { '-' } else { '+' }, self.offset.unsigned_abs() / 60);
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }
}

impl Default for Zone {
    fn default() -> Zone {
        Zone(vec![Offset { from: Timestamp::MIN, offset: tz::Offset::UTC, name: Abbreviation::statik("UTC") }])
    }
}

impl Zone {
    /// Returns the zone that `TZ` names; the machine's zone if `TZ` is not set; UTC if neither can be read.
    pub fn of_process(tz: Option<&str>) -> Zone {
        Rules::of_process(tz).map_or_else(Zone::default, |rules| rules.around(sys::wall_ns()))
    }

    /// Converts wall time, in nanoseconds since 1970, to local time.
    pub fn moment(&self, time_ns: u64) -> Moment<'_> {
        let at = timestamp((time_ns / 1_000_000_000) as i64);
        let found = self.0.iter().rev().find(|offset| offset.from <= at);
        let (offset, zone) = found.map_or((tz::Offset::UTC, "UTC"), |found| (found.offset, found.name.as_str()));
        let local = offset.to_datetime(at);
        let (date, time) = (local.date(), local.time());
        Moment {
            year: date.year().into(),
            month: date.month() as u32,
            day: date.day() as u32,
            weekday: date.weekday().to_sunday_zero_offset() as u32,
            hour: time.hour() as u32,
            minute: time.minute() as u32,
            second: time.second() as u32,
            micro: (time_ns / 1_000 % 1_000_000) as u32,
            offset: offset.seconds(),
            zone,
        }
    }
}

/// Converts seconds since 1970; what lies outside of the years -9999 to 9999 becomes their end.
fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// What a zone file, or a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`, says about all times.
#[derive(Debug)]
enum Rules {
    File(tzif::TimeZone),
    Text(posix::TimeZone),
}

impl Rules {
    fn of_process(tz: Option<&str>) -> Option<Rules> {
        let Some(text) = tz else { return Rules::read(PathBuf::from("/etc/localtime")) };
        let text = text.strip_prefix(':').unwrap_or(text);
        // A relative name must not lead out of the folder.
        let is_path = text.starts_with('/') || !(text.is_empty() || text.contains(".."));
        let file = is_path.then(|| PathBuf::from(FOLDER).join(text));
        file.and_then(Rules::read).or_else(|| Rules::parse(text))
    }

    fn read(path: PathBuf) -> Option<Rules> {
        std::fs::metadata(&path).ok().filter(|found| found.is_file() && found.len() <= FILE_MAX)?;
        tzif::TimeZone::parse(&sys::read_file(&path, FILE_MAX).ok()?).ok().map(Rules::File)
    }

    fn parse(text: &str) -> Option<Rules> {
        let rule = match posix::TimeZone::parse(text) {
            Err(error) if error.is_missing_dst_transition_rule() => {
                posix::TimeZone::parse(format!("{text}{DATES_BY_DEFAULT}"))
            }
            parsed => parsed,
        };
        rule.ok().map(Rules::Text)
    }

    fn info(&self, at: Timestamp) -> OffsetInfo {
        match self {
            Rules::File(file) => file.to_offset_info(at),
            Rules::Text(rule) => rule.to_offset_info(at),
        }
    }

    /// Returns the next change of the offset. After the last change in a file without a rule, `jiff-core` returns that
    /// change again and again; here it is `None`.
    fn next(&self, after: Timestamp) -> Option<Transition> {
        let next = match self {
            Rules::File(file) => file.next_transition(after),
            Rules::Text(rule) => rule.next_transition(after),
        };
        next.filter(|next| next.timestamp() > after)
    }

    /// Lists the offsets from a year ago to [`YEARS_AHEAD`] years from now.
    fn around(&self, now_ns: u64) -> Zone {
        let now = (now_ns / 1_000_000_000) as i64;
        let (begin, end) = (timestamp(now - YEAR), timestamp(now + YEARS_AHEAD * YEAR));
        let offset = |from, info: OffsetInfo| Offset { from, offset: info.offset(), name: info.into_abbreviation() };
        let changes = std::iter::successors(self.next(begin), |change| self.next(change.timestamp()))
            .take_while(|change| change.timestamp() < end)
            .map(|change| offset(change.timestamp(), change.into_offset_info()));
        Zone(std::iter::once(offset(Timestamp::MIN, self.info(begin))).chain(changes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central Europe, autumn 2026: the last Sunday of October at 01:00 UTC.
    const AUTUMN: u64 = 1_792_890_000;

    #[test]
    fn a_summer_ends_on_the_second() {
        let zone =
            Rules::parse("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule").around((AUTUMN - 86_400) * 1_000_000_000);
        let before = zone.moment((AUTUMN - 1) * 1_000_000_000);
        assert_eq!((before.hour, before.minute, before.second, before.zone), (2, 59, 59, "CEST"));
        let after = zone.moment(AUTUMN * 1_000_000_000);
        assert_eq!((after.day, after.hour, after.minute, after.zone), (25, 2, 0, "CET"));
        assert_eq!((after.weekday_name(), after.month_name()), ("Sun", "Oct"));
        assert_eq!((after.offset_text(":"), after.offset_text("")), ("+01:00".into(), "+0100".into()));
    }

    /// The changes in 2026: when, seconds east of UTC, and the abbreviation.
    fn changes(rule: &str) -> Vec<(i64, i32, String)> {
        let rules = Rules::parse(rule).expect("a rule");
        let told = |change: &Transition| {
            let (at, info) = (change.timestamp().as_second(), change.clone().into_offset_info());
            (at, info.offset().seconds(), info.abbreviation().as_str().to_string())
        };
        std::iter::successors(rules.next(timestamp(1_767_225_600)), |change| rules.next(change.timestamp()))
            .map(|change| told(&change))
            .take_while(|change| change.0 < 1_798_761_600)
            .collect()
    }

    #[test]
    fn a_rule_changes_the_clocks_when_its_country_does() {
        let told = |at, offset, name: &str| (at, offset, name.to_string());
        // 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC.
        let berlin = changes("CET-1CEST,M3.5.0,M10.5.0/3");
        assert_eq!(berlin, [told(1_774_746_000, 7_200, "CEST"), told(AUTUMN as i64, 3_600, "CET")]);
        let new_york = changes("EST5EDT,M3.2.0,M11.1.0");
        assert_eq!(new_york, [told(1_772_953_200, -14_400, "EDT"), told(1_793_512_800, -18_000, "EST")]);
        assert_eq!(changes("EST5EDT"), new_york);
        // Summer lies across the new year in the south.
        assert_eq!(changes("AEST-10AEDT,M10.1.0,M4.1.0/3")[0].2, "AEST");
        assert_eq!(changes("<+0530>-5:30"), []);
        let calcutta = Rules::parse("<+0530>-5:30").expect("a rule").around(AUTUMN * 1_000_000_000);
        let moment = calcutta.moment(AUTUMN * 1_000_000_000);
        assert_eq!((moment.offset, moment.zone), (19_800, "+0530"));
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for text in
            ["", "A1", "CET", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M1.1.0", "CET-999", "<CET-1", "CET-1x", "ééé-1"]
        {
            assert!(Rules::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_damaged_file_is_no_zone_and_nothing_worse() {
        let now = AUTUMN * 1_000_000_000;
        let parse = |bytes: &[u8]| {
            let zone = Rules::File(tzif::TimeZone::parse(bytes).ok()?).around(now);
            zone.moment(now);
            Some(zone.0.len())
        };
        for name in ["Europe/Berlin", "America/Sao_Paulo"] {
            let Ok(whole) = std::fs::read(PathBuf::from(FOLDER).join(name)) else { return };
            assert!(parse(&whole).is_some(), "{name}");
            for end in 0..whole.len() {
                let _ = parse(&whole[..end]);
            }
            let mut bytes = whole.clone();
            for at in 0..whole.len() {
                for value in [0, 0x7f, 0xff] {
                    bytes[at] = value;
                    let _ = parse(&bytes);
                }
                bytes[at] = whole[at];
            }
        }
        assert_eq!(parse(b"no zone"), None);
    }

    /// A file of the first version has a table and no rule for the time after it.
    #[test]
    fn the_last_offset_of_a_file_without_a_rule_stays() {
        let (changes, kinds) = ([1_700_000_000i32, AUTUMN as i32], [(7_200i32, 0u8), (3_600, 5)]);
        let mut bytes = b"TZif".to_vec();
        bytes.extend([0; 16]);
        for count in [0, 0, 0, changes.len() as u32, kinds.len() as u32, 9] {
            bytes.extend(count.to_be_bytes());
        }
        bytes.extend(changes.iter().flat_map(|at| at.to_be_bytes()));
        bytes.extend([0, 1]);
        for (offset, name) in kinds {
            bytes.extend(offset.to_be_bytes());
            bytes.extend([0, name]);
        }
        bytes.extend(b"CEST\0CET\0");
        let rules = Rules::File(tzif::TimeZone::parse(&bytes).expect("a zone file"));
        let zone = rules.around((AUTUMN - 1) * 1_000_000_000);
        assert_eq!(zone.0.len(), 2);
        let shown = |seconds| zone.moment(seconds * 1_000_000_000).zone;
        assert_eq!((shown(AUTUMN - 1), shown(AUTUMN), shown(AUTUMN * 2)), ("CEST", "CET", "CET"));
    }

    /// Returns what `date` prints for a moment in a zone: the offset in seconds, and its name.
    fn system(tz: &str, seconds: i64) -> Option<(i32, String)> {
        let output = std::process::Command::new("date")
            .env("TZ", tz)
            .args(["-d", &format!("@{seconds}"), "+%z %Z"])
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        let (offset, name) = text.trim().split_once(' ')?;
        let number: i32 = offset[1..].parse().ok()?;
        let seconds = (number / 100 * 60 + number % 100) * 60;
        Some((if offset.starts_with('-') { -seconds } else { seconds }, name.to_string()))
    }

    #[test]
    fn local_time_agrees_with_the_systems_in_every_kind_of_zone() {
        let now = (sys::wall_ns() / 1_000_000_000) as i64;
        let mut tried = 0;
        for tz in [
            "UTC",
            "Europe/Berlin",
            ":America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kolkata",
            "Africa/Casablanca",
            "America/Sao_Paulo",
            "/usr/share/zoneinfo/Pacific/Chatham",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "<-03>3",
            "EST5EDT",
        ] {
            let zone = Zone::of_process(Some(tz));
            for seconds in (0..24).map(|month| now - (100 - month * 31) * 86_400) {
                let Some(said) = system(tz, seconds) else { continue };
                let moment = zone.moment(seconds as u64 * 1_000_000_000);
                assert_eq!((moment.offset, moment.zone.to_string()), said, "{tz} at {seconds}");
                tried += 1;
            }
        }
        assert!(tried > 24, "date(1) says nothing here");
    }

    #[test]
    fn what_is_no_zone_is_utc() {
        for tz in ["", "Nowhere/Atall", "../../etc/passwd", "/etc/hostname", "/proc/self/mem"] {
            assert_eq!(Zone::of_process(Some(tz)), Zone::default(), "{tz}");
        }
    }
}
