//! Gathers errors before they are logged, as the Go tracer does: keeps the first of a kind with its time and counts the
//! others. The first error opens a window; when it is over, the log thread or a host that pulls delivers one record of
//! each kind.

use super::record::Record;
use crate::zone::Zone;
use std::sync::Mutex;
use std::sync::PoisonError;

/// How far repetitions are counted; above, the count is "200+".
const COUNT_MAX: u64 = 200;
/// Kinds of errors gathered at once; one more ends the window early.
const KINDS_MAX: usize = 64;

/// The errors of one window.
#[derive(Default)]
pub(super) struct Aggregate(Mutex<Window>);

#[derive(Default)]
struct Window {
    /// When it ends, in monotonic nanoseconds; 0 if nothing was gathered.
    ends_ns: u64,
    kinds: Vec<Kind>,
}

struct Kind {
    template: String,
    first: Record,
    count: u64,
}

impl Aggregate {
    /// Adds an error. Returns whether this opened the window.
    pub fn add(&self, template: &str, record: Record, period_ns: u64, now_ns: u64) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kind) = window.kinds.iter_mut().find(|kind| kind.template == template) {
            kind.count = (kind.count + 1).min(COUNT_MAX + 1);
            return false;
        }
        let opens = window.kinds.is_empty();
        if opens {
            window.ends_ns = now_ns.saturating_add(period_ns).max(1);
        }
        if window.kinds.len() >= KINDS_MAX {
            window.ends_ns = 1;
        }
        window.kinds.push(Kind { template: template.to_string(), first: record, count: 1 });
        opens
    }

    /// Takes everything if the window is over, or at once if `all`. Each record has its suffix.
    pub fn due(&self, now_ns: u64, all: bool, zone: &Zone) -> Vec<Record> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.kinds.is_empty() || !(all || now_ns >= window.ends_ns) {
            return Vec::new();
        }
        window.ends_ns = 0;
        window.kinds.drain(..).map(|kind| said(kind.first, kind.count, zone)).collect()
    }

    /// Returns when the window ends, in monotonic nanoseconds; `None` if nothing was gathered.
    pub fn ends_ns(&self) -> Option<u64> {
        let window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!window.kinds.is_empty()).then_some(window.ends_ns)
    }
}

/// Appends to an error how often it occurred and when first.
pub(super) fn said(mut record: Record, count: u64, zone: &Zone) -> Record {
    let first = zone.moment(record.time_ns);
    let (day, month, year) = (first.day, first.month_name(), first.year.rem_euclid(100));
    // RFC 822.
    let time = format!("{day:02} {month} {year:02} {:02}:{:02} {}", first.hour, first.minute, first.zone);
    let suffix = match count {
        1 => format!(" (occurred: {time})"),
        2..=COUNT_MAX => format!(", {} additional messages skipped (first occurrence: {time})", count - 1),
        _ => format!(", {COUNT_MAX}+ additional messages skipped (first occurrence: {time})"),
    };
    record.text += &suffix;
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn record(text: &str) -> Record {
        Record { time_ns: 1_795_536_395_147_563_000, text: text.into(), ..Record::new(Level::Error) }
    }

    #[test]
    fn errors_of_one_kind_become_one_line_with_their_count() {
        let (aggregate, zone) = (Aggregate::default(), Zone::default());
        assert!(aggregate.add("lost", record("lost 2 traces"), 60, 100));
        for _ in 0..4 {
            assert!(!aggregate.add("lost", record("lost 3 traces"), 60, 110));
        }
        aggregate.add("other", record("other"), 60, 120);
        assert!(aggregate.due(159, false, &zone).is_empty());
        let lines: Vec<String> = aggregate.due(160, false, &zone).into_iter().map(|record| record.text).collect();
        let lost = "lost 2 traces, 4 additional messages skipped (first occurrence: 24 Nov 26 16:06 UTC)";
        assert_eq!(lines, [lost, "other (occurred: 24 Nov 26 16:06 UTC)"]);
        assert_eq!(aggregate.ends_ns(), None);
    }

    #[test]
    fn counting_ends_above_two_hundred() {
        let text = |count| {
            let aggregate = Aggregate::default();
            for _ in 0..count {
                aggregate.add("x", record("x"), 60, 0);
            }
            aggregate.due(0, true, &Zone::default())[0].text.clone()
        };
        assert!(text(200).starts_with("x, 199 additional"));
        assert!(text(201).starts_with("x, 200+ additional"));
        assert!(text(5000).starts_with("x, 200+ additional"));
    }
}
