//! Spans as the .NET tracer prints them: in the page's form ids and names of tags, in the source's form everything, and
//! a dump.

use crate::event::SpanView;
use crate::languages::language::Form;
use crate::languages::text::{cut, escaped, inline, tags, TAG_MAX};
use crate::sys;
use std::borrow::Cow;
use std::fmt::Write;

/// Nanoseconds of a .NET tick.
const TICK_NS: i64 = 100;
const TICKS: i64 = 10_000_000;

/// Returns the trace's id: on the page its lower 64 bits in decimal, today all of it in hexadecimal.
pub(super) fn trace_id(form: Form, id: u128) -> String {
    match form {
        Form::Page => (id as u64).to_string(),
        Form::Source => format!("{id:032x}"),
    }
}

pub(super) fn started(form: Form, span: &SpanView<'_>) -> String {
    let mut out = String::from("Span started: ");
    ids(form, span, &mut out);
    if form == Form::Source {
        out.push_str(" with Tags: [");
        pairs(span, None, &mut out);
        // The tracer prints this closing parenthesis without an opening one.
        out.push_str("], Tags Type: [Datadog.Trace.Tagging.TagsList])");
    }
    out
}

pub(super) fn closed(form: Form, span: &SpanView<'_>) -> String {
    let mut out = String::with_capacity(512);
    out.push_str("Span closed: ");
    ids(form, span, &mut out);
    let (service, resource, name) = (inline(span.service), inline(span.resource), inline(span.name));
    let _ = write!(out, " for (Service: {service}, Resource: {resource}, Operation: {name}, Tags: [");
    match form {
        Form::Page => keys(span, &mut out),
        Form::Source => pairs(span, span.priority, &mut out),
    }
    out.push_str("])");
    if form == Form::Source {
        out.push_str("\nDetails:");
        dump(span, &mut out);
    }
    out
}

fn ids(form: Form, span: &SpanView<'_>, out: &mut String) {
    let _ = match form {
        Form::Page => write!(out, "[s_id: {}, p_id: ", span.span_id),
        Form::Source => write!(out, "[s_id: {:016x}, p_id: ", span.span_id),
    };
    let _ = match span.parent_id {
        0 => write!(out, "null"),
        parent => write!(out, "{parent}"),
    };
    let _ = write!(out, ", t_id: {}]", trace_id(form, span.trace_id));
}

/// `http.method,env`.
fn keys(span: &SpanView<'_>, out: &mut String) {
    let mut between = "";
    let left_out = tags(&span.tags, |name, _| {
        let _ = write!(out, "{between}{}", escaped(name));
        between = ",";
    });
    rest(left_out, out);
}

/// `http.method (tag):GET,rows (metric):1`. The priority is set when a span is closed.
fn pairs(span: &SpanView<'_>, priority: Option<i32>, out: &mut String) {
    let mut between = "";
    let left_out = tags(&span.tags, |name, value| {
        let _ = write!(out, "{between}{} (tag):{}", escaped(name), escaped(value));
        between = ",";
    });
    for (name, value) in &span.metrics {
        let name = escaped(cut(Cow::Borrowed(*name), TAG_MAX));
        let _ = write!(out, "{between}{name} (metric):{}", number(*value));
        between = ",";
    }
    let set = span.metrics.iter().any(|(name, _)| *name == "_sampling_priority_v1");
    if let Some(priority) = priority.filter(|_| span.local_root && !set) {
        let _ = write!(out, "{between}_sampling_priority_v1 (metric):{priority}");
    }
    rest(left_out, out);
}

fn rest(left_out: usize, out: &mut String) {
    if left_out > 0 {
        let _ = write!(out, " … ({left_out} more)");
    }
}

/// Formats everything about the span, one value per line.
fn dump(span: &SpanView<'_>, out: &mut String) {
    let (trace, id) = (span.trace_id, span.span_id);
    let parent = Some(span.parent_id).filter(|parent| *parent != 0).map_or(String::new(), |parent| parent.to_string());
    let origin = span.tags.iter().find(|(name, _)| *name == "_dd.origin").map_or("", |(_, origin)| *origin);
    let _ = write!(out, "TraceId64: {}\nTraceId128: {trace:032x}\nRawTraceId: {trace:032x}\n", trace as u64);
    let _ = write!(out, "ParentId: {parent}\nSpanId: {id}\nRawSpanId: {id:016x}\nOrigin: {}\n", inline(origin));
    let _ = write!(out, "ServiceName: {}\nOperationName: {}\n", inline(span.service), inline(span.name));
    let _ = write!(out, "Resource: {}\nType: {}\n", inline(span.resource), inline(span.span_type));
    let start = span.start_ns.max(0) / TICK_NS;
    let end = span.start_ns.saturating_add(span.duration_ns).max(0) / TICK_NS;
    let _ = write!(out, "Start: {}\nDuration: {}\nEnd: {}\n", date(start), time(span.duration_ns), date(end));
    let error = if span.error { "True" } else { "False" };
    let priority = span.priority.map_or(String::new(), |priority| priority.to_string());
    let _ = write!(out, "Error: {error}\nTraceSamplingPriority: {priority}\nMeta: ");
    pairs(span, span.priority, out);
    out.push('\n');
}

/// Ticks since 1970: `2022-06-17T19:51:22.2478693+00:00`. The tracer counts in UTC.
fn date(ticks: i64) -> String {
    let seconds = ticks / TICKS;
    let (year, month, day, hour, minute, second) = sys::utc_time(seconds as u64 * 1_000_000_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:07}+00:00", ticks % TICKS)
}

/// Formats a duration: `00:00:00.0001181`, with days in front and a fraction only if there are any.
fn time(ns: i64) -> String {
    let ticks = ns / TICK_NS;
    let (sign, ticks) = (if ticks < 0 { "-" } else { "" }, ticks.unsigned_abs());
    let (seconds, fraction) = (ticks / TICKS as u64, ticks % TICKS as u64);
    let mut out = String::from(sign);
    if seconds >= 86_400 {
        let _ = write!(out, "{}.", seconds / 86_400);
    }
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let _ = write!(out, ".{fraction:07}");
    }
    out
}

/// Formats a number as .NET prints a `double`.
fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let digits = format!("{value:E}");
    match digits.split_once('E').and_then(|(mantissa, exponent)| Some((mantissa, exponent.parse::<i32>().ok()?))) {
        Some((mantissa, exponent)) if !(-4..15).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}E{sign}{:02}", exponent.unsigned_abs())
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_dot_nets() {
        let shown: Vec<_> =
            [1.0, 0.0, -42.5, 0.0001, 0.00001, 1e14, 1e15, 1.5e300, f64::NAN, f64::INFINITY].map(number).into();
        let want = ["1", "0", "-42.5", "0.0001", "1E-05", "100000000000000", "1E+15", "1.5E+300", "NaN", "Infinity"];
        assert_eq!(shown, want);
    }

    #[test]
    fn lengths_of_time_read_as_dot_nets() {
        let shown: Vec<_> = [118_125, 0, 2_000_000_000, 90_061_500_000_000, -100].map(time).into();
        assert_eq!(shown, ["00:00:00.0001181", "00:00:00", "00:00:02", "1.01:01:01.5000000", "-00:00:00.0000001"]);
    }
}
