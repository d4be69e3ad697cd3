//! Local time without the C library: `localtime_r` takes a lock that a fork can leave held, so that a forked child might
//! wait for it for ever. The zone is read from its file once, when the log is configured; how such files and the texts in
//! `TZ` are read is in `file.rs` and `rule.rs`.

mod file;
mod rule;

use crate::sys;

/// How many years ahead the changes of the clocks are looked up; after that the last one stays.
const YEARS_AHEAD: i64 = 5;
const DAY: i64 = 86_400;

/// An offset from UTC, from some moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offset {
    /// Seconds since 1970.
    from: i64,
    /// Seconds east of UTC.
    seconds: i32,
    /// What the offset is called, such as `CET`.
    name: String,
}

/// The offsets of a place; at first those of UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(Vec<Offset>);

/// A moment as clocks on the wall show it.
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
    /// What that is called.
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
        Zone(vec![Offset { from: i64::MIN, seconds: 0, name: "UTC".into() }])
    }
}

impl Zone {
    /// The zone of this process: what its environment says in `TZ`, else the machine's; UTC where neither is understood.
    pub fn of_process(tz: Option<&str>) -> Zone {
        let (year, ..) = sys::utc_time(sys::wall_ns());
        let Some(mut changes) = file::changes(tz, year + YEARS_AHEAD) else { return Zone::default() };
        changes.sort_by_key(|change| change.0);
        // Of what is long over only the last.
        let a_year_ago = (sys::wall_ns() / 1_000_000_000) as i64 - 365 * DAY;
        let over = changes.iter().take_while(|change| change.0 <= a_year_ago).count().saturating_sub(1);
        let mut offsets: Vec<Offset> =
            changes.drain(over..).map(|(from, seconds, name)| Offset { from, seconds, name }).collect();
        match offsets.first_mut() {
            Some(first) => first.from = i64::MIN,
            None => return Zone::default(),
        }
        Zone(offsets)
    }

    /// Wall time, nanoseconds since 1970, as local time.
    pub fn moment(&self, time_ns: u64) -> Moment<'_> {
        let seconds = (time_ns / 1_000_000_000) as i64;
        let offset = self.0.iter().rev().find(|offset| offset.from <= seconds);
        let (shift, zone) = offset.map_or((0, "UTC"), |offset| (offset.seconds, offset.name.as_str()));
        let local = seconds + i64::from(shift);
        let (year, month, day, hour, minute, second) = sys::utc_time(local.max(0) as u64 * 1_000_000_000);
        // 1970 began on a Thursday.
        let weekday = (local.div_euclid(DAY) + 4).rem_euclid(7) as u32;
        let micro = (time_ns / 1_000 % 1_000_000) as u32;
        Moment { year, month, day, weekday, hour, minute, second, micro, offset: shift, zone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summer_ends_on_the_second() {
        let offset = |from, seconds, name: &str| Offset { from, seconds, name: name.into() };
        // Central Europe, autumn 2026: the last Sunday of October at 01:00 UTC.
        let zone = Zone(vec![offset(i64::MIN, 7_200, "CEST"), offset(1_792_890_000, 3_600, "CET")]);
        let before = zone.moment(1_792_889_999 * 1_000_000_000);
        assert_eq!((before.hour, before.minute, before.second, before.zone), (2, 59, 59, "CEST"));
        let after = zone.moment(1_792_890_000 * 1_000_000_000);
        assert_eq!((after.day, after.hour, after.minute, after.zone), (25, 2, 0, "CET"));
        assert_eq!((after.weekday_name(), after.month_name()), ("Sun", "Oct"));
        assert_eq!((after.offset_text(":"), after.offset_text("")), ("+01:00".into(), "+0100".into()));
    }

    /// What `date` says of a moment in a zone: the offset in seconds, and its name.
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
            for seconds in (0..24).map(|month| now - 100 * DAY + month * 31 * DAY) {
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
