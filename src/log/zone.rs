//! Local time without the C library's lock: the offsets of this year and the next ones are looked up once, while the
//! library is being loaded, and after that only read. `localtime_r` takes a lock that a fork can leave held, so that
//! neither a thread that logs may call it nor a process that may be somebody's child.

use crate::sys;
use std::sync::OnceLock;

/// How far ahead offsets are looked up, in steps; after that the last one known stays.
const STEPS_AHEAD: i64 = 220;
/// Shorter than any summer time, and than any pause in one.
const STEP: i64 = 7 * DAY;
const DAY: i64 = 86_400;

static OF_PROCESS: OnceLock<Zone> = OnceLock::new();

/// Looks up the zone of this process (`TZ`, `/etc/localtime`). To be called once, while the library is loaded.
pub fn look_up() {
    OF_PROCESS.get_or_init(Zone::looked_up);
}

/// The zone of this process; UTC if it was not looked up.
pub(super) fn of_process() -> &'static Zone {
    static UTC: OnceLock<Zone> = OnceLock::new();
    OF_PROCESS.get().unwrap_or_else(|| UTC.get_or_init(Zone::default))
}

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
    fn looked_up() -> Zone {
        let now = (sys::wall_ns() / 1_000_000_000) as i64;
        let mut offsets = vec![at(now)];
        offsets[0].from = i64::MIN;
        for step in 1..STEPS_AHEAD {
            let later = at(now + step * STEP);
            let Some(known) =
                offsets.last().filter(|known| (known.seconds, &known.name) != (later.seconds, &later.name))
            else {
                continue;
            };
            let known = known.clone();
            // The change lies within this step: halve it down to the second.
            let (mut before, mut after) = (now + (step - 1) * STEP, now + step * STEP);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                let there = at(middle);
                if (there.seconds, &there.name) == (known.seconds, &known.name) {
                    before = middle;
                } else {
                    after = middle;
                }
            }
            offsets.push(Offset { from: after, ..later });
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

fn at(seconds: i64) -> Offset {
    let (offset, name) = sys::local_offset(seconds);
    Offset { from: seconds, seconds: offset, name }
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

    #[test]
    fn the_process_zone_agrees_with_the_system_now_and_next_year() {
        let zone = Zone::looked_up();
        let now = (sys::wall_ns() / 1_000_000_000) as i64;
        for seconds in [now, now + 100 * DAY, now + 200 * DAY, now + 365 * DAY] {
            let moment = zone.moment(seconds as u64 * 1_000_000_000);
            assert_eq!((moment.offset, moment.zone.to_string()), sys::local_offset(seconds));
        }
    }
}
