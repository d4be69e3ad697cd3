//! Spans, maps and numbers as the Java tracer prints them.

use crate::event::SpanView;
use crate::languages::language::Form;
use crate::languages::linked::{self, utf8, Notation};
use crate::languages::text::{cut, escaped, inline, tags, TAG_MAX};
use std::borrow::Cow;
use std::fmt::Write;

/// The most bytes of a list of spans, and how many spans it shows; the others are counted.
const LIST_MAX: usize = 200_000;
const SPANS_MAX: usize = 32;

const NOTATION: Notation = Notation {
    is: "=",
    and: ", ",
    booleans: ["false", "true"],
    text: |out, text| out.push_str(&escaped(Cow::Borrowed(text))),
    float: |out, value| out.push_str(&number(value)),
    more: |out, text| out.push_str(text),
    types: None,
};

/// Returns the trace's id as both forms print it: its lower 64 bits.
pub(super) fn id(trace_id: u128) -> u64 {
    trace_id as u64
}

/// `DDSpan [ t_id=…`. `finished` is false for a span that has just begun.
pub(super) fn print(form: Form, span: &SpanView<'_>, finished: bool, out: &mut String) {
    let _ = write!(out, "DDSpan [ t_id={}, s_id={}, p_id={}", id(span.trace_id), span.span_id, span.parent_id);
    out.push_str(if form == Form::Page { "] trace=" } else { " ] trace=" });
    for (n, name) in [span.service, span.name, span.resource].into_iter().enumerate() {
        if n > 0 {
            out.push('/');
        }
        out.push_str(&inline(name));
    }
    match form {
        Form::Page => page(span, out),
        Form::Source => source(span, finished, out),
    }
}

/// Appends what follows the name on the page: numbers and texts in a map each.
fn page(span: &SpanView<'_>, out: &mut String) {
    let mut metrics: Vec<_> = span.metrics.iter().map(|(name, value)| entry(name, *value)).collect();
    if let Some(priority) = priority(span, "_sampling_priority_v1") {
        metrics.push(priority);
    }
    out.push_str(" metrics=");
    map(metrics, 0, out);
    if span.error {
        out.push_str(" *errored*");
    }
    out.push_str(" tags=");
    let mut texts = Vec::with_capacity(span.tags.len());
    let left_out = tags(&span.tags, |name, value| texts.push((escaped(name), escaped(value))));
    map(texts, left_out, out);
    let _ = write!(out, ", duration_ns={}", span.duration_ns);
}

/// Appends what follows the name today: one map for both, and three more values.
fn source(span: &SpanView<'_>, finished: bool, out: &mut String) {
    let measured = |(name, value): &(&str, f64)| *name == "_dd.measured" && *value != 0.0;
    if span.error {
        out.push_str(" *errored*");
    }
    if span.metrics.iter().any(measured) {
        out.push_str(" *measured*");
    }
    let mut entries = Vec::with_capacity(span.tags.len() + span.metrics.len() + 1);
    let left_out = tags(&span.tags, |name, value| entries.push((escaped(name), escaped(value))));
    entries.extend(span.metrics.iter().filter(|metric| !measured(metric)).map(|(name, value)| entry(name, *value)));
    // The tracer has this misleading name for the priority; at the start it has only an inherited one.
    if finished || span.parent_id != 0 {
        entries.extend(priority(span, "_sample_rate"));
    }
    out.push_str(" tags=");
    map(entries, left_out, out);
    let forced = span.local_root && span.decision_maker == Some(-4) && span.priority > Some(0);
    let _ = write!(out, ", duration_ns={}, forceKeep={forced}, links=", span.duration_ns);
    linked::links(out, &span.links, &NOTATION, |out, link, attributes| {
        // Ids are signed numbers here, and flags a signed byte.
        let (trace_id, span_id, flags) = (link.trace_id_low, link.span_id as i64, link.flags as i8);
        let _ = write!(out, "SpanLink{{traceId={trace_id}, spanId={span_id}, traceFlags={flags}, traceState='");
        out.push_str(&inline(utf8(link.tracestate)));
        let _ = write!(out, "', attributes=SpanAttributes{{{attributes}}}}}");
    });
}

/// Returns the trace's priority if the span carries it and the host has not set it as a tag.
fn priority<'a>(span: &SpanView<'_>, name: &'a str) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let set = span.metrics.iter().any(|(set, _)| *set == name);
    let priority = span.priority.filter(|_| span.local_root && !set)?;
    Some((name.into(), priority.to_string().into()))
}

fn entry<'a>(name: &'a str, value: f64) -> (Cow<'a, str>, Cow<'a, str>) {
    (escaped(cut(Cow::Borrowed(name), TAG_MAX)), number(value).into())
}

/// Formats a sorted map.
fn map(mut entries: Vec<(Cow<'_, str>, Cow<'_, str>)>, left_out: usize, out: &mut String) {
    crate::sort::by(&mut entries, |(a, _), (b, _)| a.cmp(b));
    out.push('{');
    for (n, (name, value)) in entries.iter().enumerate() {
        let _ = write!(out, "{}{name}={value}", if n == 0 { "" } else { ", " });
    }
    if left_out > 0 {
        let _ = write!(out, ", … ({left_out} more)");
    }
    out.push('}');
}

/// Formats `[DDSpan [ …], …]`, or how many spans there are if they are not known.
pub(super) fn list(spans: &[SpanView<'_>], count: u64, out: &mut String) {
    out.push('[');
    let start = out.len();
    for (n, span) in spans.iter().enumerate() {
        if n > 0 {
            out.push_str(", ");
        }
        if n == SPANS_MAX || out.len() - start > LIST_MAX {
            let _ = write!(out, "… ({} more)", spans.len() - n);
            break;
        }
        print(Form::Source, span, true, out);
    }
    if spans.is_empty() {
        let _ = write!(out, "{count} spans");
    }
    out.push(']');
}

/// Formats a number as Java does: a whole one as a `long`, another one as a `double`.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value == value.trunc() && size < 9_007_199_254_740_992.0 {
        return format!("{}", value as i64);
    }
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    if (1e-3..1e7).contains(&size) {
        return value.to_string();
    }
    let digits = format!("{value:E}");
    match digits.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_javas() {
        let shown: Vec<_> = [1.0, -3.0, 0.0, 42.5, 0.001, 0.000_25, 12_345_678.5, 1e300, f64::NAN, f64::NEG_INFINITY]
            .map(number)
            .into();
        let want = ["1", "-3", "0", "42.5", "0.001", "2.5E-4", "1.23456785E7", "1.0E300", "NaN", "-Infinity"];
        assert_eq!(shown, want);
    }
}
