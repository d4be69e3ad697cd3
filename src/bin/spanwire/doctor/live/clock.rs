//! Compares this machine's clock with the Agent's, by the `Date` header of its answer.

use super::found::{bad, good, note, with_evidence};
use super::wire::Answer;
use crate::doctor::report::Finding;
use serde_json::{json, Map, Value as Json};
use spanwire::companion::export::parse_retry_after;
use spanwire::companion::{redact, sys};

/// Largest difference without a fault, in seconds.
const APART_MAX: i64 = 300;

/// Compares the clocks. `answer` is `None` if the Agent did not answer.
pub fn compare(answer: Option<&Answer>, facts: &mut Map<String, Json>) -> Finding {
    let unknown = |why: &str| {
        let remedy = "Compare by hand: run `date -u` here and on the Agent's machine.";
        note("clock.unknown", format!("the clocks could not be compared: {why}"), remedy)
    };
    let Some(answer) = answer else { return unknown("the Agent did not answer") };
    let Some(date) = answer.header("date") else { return unknown("the Agent's answer has no Date header") };
    // `Date` has the format of a date in `Retry-After`. Relative to time 0 the result is the time since 1970.
    let Some(theirs) = parse_retry_after(date, 0) else { return unknown("the Agent's Date header is invalid") };
    let apart = theirs.as_secs() as i64 - answer.at as i64;
    facts.insert("agent_clock_ahead_s".into(), json!(apart));
    if apart.abs() <= APART_MAX {
        let shown = if apart.abs() <= 1 { "to the second".into() } else { format!("to {} s", apart.abs()) };
        return good("clock.agrees", format!("the Agent's clock and ours agree {shown}"));
    }
    let (which, other) = if apart > 0 { ("ahead of", "past") } else { ("behind", "future") };
    let says = format!(
        "the Agent's clock is {} {which} this machine's: spans appear to be from the {other}. They may be dropped, and are \
         not found under the time at which they were made",
        duration(apart.unsigned_abs())
    );
    let (year, month, day, hour, minute, second) = sys::utc_time(answer.at.saturating_mul(1_000_000_000));
    let ours = format!("clock of this machine: {year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC");
    let remedy =
        "Synchronise both clocks by NTP (`timedatectl status`, `chronyc tracking`), starting with the wrong one.";
    with_evidence(bad("clock.differs", says, remedy), [ours, format!("the Agent's Date: {}", redact::text(date))])
}

/// Formats a duration in minutes, hours or days.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=7_199 => format!("{} minutes", seconds / 60),
        7_200..=172_799 => format!("{:.1} hours", seconds as f64 / 3_600.0),
        _ => format!("{:.1} days", seconds as f64 / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(date: &str, at: u64) -> (&'static str, String) {
        let answer = Answer { at, headers: vec![("date".into(), date.into())], ..Answer::default() };
        let finding = compare(Some(&answer), &mut Map::new());
        (finding.cause, finding.says)
    }

    #[test]
    fn clocks_a_day_apart_are_told_either_way() {
        let (date, at) = ("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_480);
        assert_eq!(cause(date, at).0, "clock.agrees");
        assert_eq!(cause(date, at + 300).0, "clock.agrees");
        assert!(matches!(cause(date, at + 301), ("clock.differs", says) if says.contains("5 minutes behind")));
        assert!(matches!(cause(date, at + 86_400), ("clock.differs", says) if says.contains("24.0 hours behind")));
        assert!(matches!(cause(date, at - 86_400), ("clock.differs", says) if says.contains("24.0 hours ahead")));
        assert_eq!(cause("yesterday", at).0, "clock.unknown");
        assert_eq!(compare(Some(&Answer::default()), &mut Map::new()).cause, "clock.unknown");
    }
}
