//! A finished trace as Ruby's `pp` prints it: which lines a span has, and where they break.
//!
//! `pp` fills 79 columns and breaks the outermost group that does not fit. It counts the newlines in a span's first
//! lines as columns, so that the width is used up before the tags begin: every tag is on a line of its own. The numbers
//! behind the tags begin at the width of the last tag, and stay on one line if everything up to the next break fits.

use crate::event::SpanView;
use crate::languages::language::Form;
use crate::languages::text::{cut, escaped, inline, more_spans, tags, SpansRoom, SPANS_RECORD_MAX, TAG_MAX};
use std::borrow::Cow;
use std::fmt::Write;

const WIDTH: usize = 79;
/// Columns before a tag.
const INDENT: usize = 3;
/// The most bytes of all of a span's numbers.
const NUMBERS_MAX: usize = 48_000;
/// A number that a host may set as a tag; what only Ruby counts.
const ALLOCATIONS: &str = "allocations";

/// Returns `Writing n spans (enabled: true)` and the spans, in several records if there are many spans.
///
/// [`Form::Page`]: one record, with a blank line where the array's bracket was, as the page shows it, and durations in
/// nanoseconds. The tracer of that time wrote two records, but people compare with the page.
pub fn written(form: Form, spans: u64, list: &[SpanView<'_>]) -> Vec<String> {
    let (page, mut records, mut room) = (form == Form::Page, Vec::new(), SpansRoom::new());
    let mut out = format!("Writing {spans} spans (enabled: true)");
    if list.is_empty() {
        return vec![out];
    }
    out.push_str(if page { "\n" } else { "\n[" });
    let mut first = true;
    for (n, one) in list.iter().enumerate() {
        if out.len() > SPANS_RECORD_MAX && room.is_left() {
            records.push(closed(out, page));
            out =
                format!("spanwire: of these {spans} spans, from the {}. on:{}", n + 1, if page { "\n" } else { "\n[" });
            first = true;
        }
        if !first {
            out.push_str(if page { ",\n" } else { ",\n " });
        }
        first = false;
        out.push_str("\n ");
        if !room.is_left() {
            out.push_str(&more_spans(list.len() - n));
            break;
        }
        let start = out.len();
        span(&mut out, form, one, n == 0);
        room.take(out.len() - start);
    }
    records.push(closed(out, page));
    records
}

fn closed(mut out: String, page: bool) -> String {
    if !page {
        out.push(']');
    }
    out
}

fn span(out: &mut String, form: Form, span: &SpanView<'_>, first: bool) {
    let page = form == Form::Page;
    let _ = write!(out, "Name: {}\nSpan ID: {}\n", inline(span.name), span.span_id);
    let _ = write!(out, "Parent ID: {}\nTrace ID: ", span.parent_id);
    let _ = if page { write!(out, "{}", span.trace_id as u64) } else { write!(out, "{}", span.trace_id) };
    let _ = write!(out, "\nType: {}\nService: {}\n", inline(span.span_type), inline(span.service));
    let _ = write!(out, "Resource: {}\nError: {}\n", inline(span.resource), u8::from(span.error));
    let end = span.start_ns.saturating_add(span.duration_ns);
    let _ = write!(out, "Start: {}\nEnd: {end}\nDuration: ", span.start_ns);
    let _ = if page {
        write!(out, "{}", span.duration_ns)
    } else {
        write!(out, "{}", float(span.duration_ns as f64 / 1e9))
    };
    let allocations = span.metrics.iter().find(|(name, _)| page && *name == ALLOCATIONS);
    if let Some((_, count)) = allocations {
        let _ = write!(out, "\nAllocations: {count}");
    }
    out.push_str("\nTags: [\n   ");
    let last = tags_below_each_other(out, span);
    let entries = numbers(span, first, allocations.is_some());
    // `]` newline before the name, and what comes behind the entries before anything can break.
    let head = INDENT + last + "]\n".len() + "Metrics: [".len();
    let tail = if page { "],".len() } else { "]\nMetastruct: [{}],".len() };
    let wide: usize = entries.iter().map(|entry| entry.chars().count()).sum();
    let gaps = 1 + 2 * entries.len().saturating_sub(1);
    let (open, between) = if head + gaps + wide + tail > WIDTH { ("\n   ", ",\n   ") } else { (" ", ", ") };
    let _ = write!(out, "]\nMetrics: [{open}{}]", entries.join(between));
    if !page {
        out.push_str("\nMetastruct: [{}]");
    }
}

/// Appends the tags, each but the first on a line of its own. Returns the columns of the last one.
fn tags_below_each_other(out: &mut String, span: &SpanView<'_>) -> usize {
    let mut last = out.len();
    let mut between = "";
    let left_out = tags(&span.tags, |name, value| {
        out.push_str(between);
        last = out.len();
        let _ = write!(out, "{} => {}", escaped(name), escaped(value));
        between = ",\n   ";
    });
    if left_out > 0 {
        out.push_str(between);
        last = out.len();
        let _ = write!(out, "… ({left_out} more)");
    }
    out[last..].chars().count()
}

fn numbers(span: &SpanView<'_>, first: bool, without_allocations: bool) -> Vec<String> {
    let mut room = NUMBERS_MAX;
    let mut entries = Vec::with_capacity(span.metrics.len() + 1);
    let shown = |name: &str| !(without_allocations && name == ALLOCATIONS);
    for (n, (name, value)) in span.metrics.iter().enumerate().filter(|(_, (name, _))| shown(name)) {
        let entry = format!("{} => {}", escaped(cut(Cow::Borrowed(*name), TAG_MAX)), float(*value));
        if entry.len() > room {
            entries.push(format!("… ({} more)", span.metrics.len() - n));
            break;
        }
        room -= entry.len();
        entries.push(entry);
    }
    let set = span.metrics.iter().any(|(name, _)| *name == "_sampling_priority_v1");
    if let Some(priority) = span.priority.filter(|_| first && !set) {
        entries.push(format!("_sampling_priority_v1 => {}", float(f64::from(priority))));
    }
    entries
}

/// Formats a `Float` as Ruby does: `1.0`, `0.0001`, `1.0e-05`, `1.0e+15`.
pub fn float(value: f64) -> String {
    if !value.is_finite() {
        return match (value.is_nan(), value > 0.0) {
            (true, _) => "NaN".into(),
            (false, true) => "Infinity".into(),
            (false, false) => "-Infinity".into(),
        };
    }
    if value == 0.0 || (1e-4..1e15).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}e{:+03}", exponent.parse::<i32>().unwrap_or(0))
}
