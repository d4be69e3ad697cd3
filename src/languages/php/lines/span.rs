//! Spans as the PHP tracer logs them when they start, finish and are encoded.

use crate::event::SpanView;
use crate::languages::language::Form;
use crate::languages::linked::{self, utf8, Notation};
use crate::languages::text::{cut, escaped, inline, tags, TAG_MAX};
use crate::span::attributes::Scalar;
use std::borrow::Cow;
use std::fmt::Write;

/// The most bytes of all of a span's numbers in a line.
const NUMBERS_MAX: usize = 48_000;
/// The precision of a number, in digits.
const DIGITS: usize = 12;

const NOTATION: Notation = Notation {
    is: ": ",
    and: ", ",
    booleans: ["false", "true"],
    text: |out, text| out.push_str(&escaped(Cow::Borrowed(text))),
    float: |out, value| {
        let _ = write!(out, "{value:?}");
    },
    more: |out, text| out.push_str(text),
    types: Some(|value| match value {
        Scalar::Text(_) => "String",
        Scalar::Bool(_) => "Boolean",
        Scalar::Integer(_) => "Integer",
        Scalar::Float(_) => "Double",
    }),
};

/// `Starting new root span: …`.
pub fn started(span: &SpanView<'_>) -> String {
    let root = if span.local_root { "root " } else { "" };
    let mut out = format!("Starting new {root}span: trace_id={:032x}, span_id={}", span.trace_id, span.span_id);
    let _ = write!(out, ", parent_id={}", span.parent_id);
    // A host may leave out the numbers of PHP's stacks.
    let stack = |name: &str| span.metrics.iter().find(|(key, _)| *key == name);
    for (name, number) in ["SpanStack", "parent_SpanStack"].into_iter().filter_map(stack) {
        let _ = write!(out, ", {name}={number}");
    }
    out
}

/// `Closing root span: …`.
pub fn finished(span: &SpanView<'_>) -> String {
    let root = if span.local_root { "root " } else { "" };
    format!("Closing {root}span: trace_id={:032x}, span_id={}", span.trace_id, span.span_id)
}

/// `Encoding span …`. The first of a chunk carries its sampling priority.
pub fn encoded(form: Form, span: &SpanView<'_>, first: bool) -> String {
    let set = span.metrics.iter().any(|(name, _)| *name == "_sampling_priority_v1");
    let priority = span.priority.filter(|_| first && !set).map(|priority| ("_sampling_priority_v1", priority.into()));
    match form {
        Form::Page => listed(span, priority),
        Form::Source => structure(span, priority),
    }
}

fn listed(span: &SpanView<'_>, priority: Option<(&str, f64)>) -> String {
    let mut out = String::with_capacity(256);
    let _ = write!(out, "Encoding span {}: trace_id={:032x}, ", span.span_id, span.trace_id);
    let _ = write!(out, "name='{}', service='{}', ", inline(span.name), inline(span.service));
    let _ = write!(out, "resource: '{}', type '{}' with tags: ", inline(span.resource), inline(span.span_type));
    let pair = |out: &mut String, name: &str, value: &str| {
        let _ = write!(out, "{name}='{value}'");
    };
    if texts(&mut out, span, pair) == 0 {
        out.push('-');
    }
    out.push_str("; and metrics: ");
    let pair = |out: &mut String, name: &str, value: f64| {
        let _ = write!(out, "{name}='{}'", number(value));
    };
    if numbers(&mut out, span, priority, pair) == 0 {
        out.push('-');
    }
    out
}

fn structure(span: &SpanView<'_>, priority: Option<(&str, f64)>) -> String {
    let mut out = String::with_capacity(512);
    let _ = write!(out, "Encoding span: Span {{ service: {}, name: {}, ", inline(span.service), inline(span.name));
    let _ = write!(out, "resource: {}, type: {}, ", inline(span.resource), inline(span.span_type));
    let _ = write!(out, "trace_id: {}, span_id: {}, parent_id: {}", span.trace_id, span.span_id, span.parent_id);
    let _ = write!(out, ", start: {}, duration: {}, ", span.start_ns, span.duration_ns);
    let _ = write!(out, "error: {}, meta: VecMap {{ data: [", u8::from(span.error));
    texts(&mut out, span, |out, name, value| {
        let _ = write!(out, "({name}, {value})");
    });
    out.push_str("], deduped: false }, metrics: VecMap { data: [");
    numbers(&mut out, span, priority, |out, name, value| {
        let _ = write!(out, "({name}, {value:?})");
    });
    out.push_str("], deduped: false }, meta_struct: VecMap { data: [], deduped: false }");
    out.push_str(", span_links: ");
    linked::links(&mut out, &span.links, &NOTATION, |out, link, attributes| {
        let _ = write!(out, "SpanLink {{ trace_id: {}, trace_id_high: {}, ", link.trace_id_low, link.trace_id_high);
        let _ = write!(out, "span_id: {}, attributes: {attributes}, tracestate: ", link.span_id);
        let _ = write!(out, "{}, flags: {} }}", inline(utf8(link.tracestate)), link.flags);
    });
    out.push_str(", span_events: ");
    linked::events(&mut out, &span.events, &NOTATION, |out, event, attributes| {
        let _ = write!(out, "SpanEvent {{ time_unix_nano: {}, name: {}", event.time_ns, inline(utf8(event.name)));
        let _ = write!(out, ", attributes: {attributes} }}");
    });
    out.push_str(" }");
    out
}

/// Appends the text tags with `, ` between them. Returns how many there are.
fn texts(out: &mut String, span: &SpanView<'_>, pair: impl Fn(&mut String, &str, &str)) -> usize {
    let mut between = "";
    let left_out = tags(&span.tags, |name, value| {
        out.push_str(between);
        pair(out, &escaped(name), &escaped(value));
        between = ", ";
    });
    if left_out > 0 {
        let _ = write!(out, "{between}… ({left_out} more)");
    }
    span.tags.len()
}

/// Appends the numeric tags, and the priority.
fn numbers(
    out: &mut String,
    span: &SpanView<'_>,
    priority: Option<(&str, f64)>,
    pair: impl Fn(&mut String, &str, f64),
) -> usize {
    let (start, mut shown) = (out.len(), 0);
    for (name, value) in span.metrics.iter().copied().chain(priority) {
        out.push_str(if shown == 0 { "" } else { ", " });
        if out.len() - start > NUMBERS_MAX {
            let left_out = span.metrics.len() + usize::from(priority.is_some()) - shown;
            let _ = write!(out, "… ({left_out} more)");
            break;
        }
        pair(out, &escaped(cut(Cow::Borrowed(name), TAG_MAX)), value);
        shown += 1;
    }
    shown
}

/// Formats a number as PHP does with a precision of twelve digits: `1`, `0.0001`, `1.0E-5`, `1.0E+12`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return match (value.is_nan(), value > 0.0) {
            (true, _) => "NAN".into(),
            (false, true) => "INF".into(),
            (false, false) => "-INF".into(),
        };
    }
    // Rounded first: the exponent of the rounded number decides how it is written.
    let text = format!("{value:.*e}", DIGITS - 1);
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0);
    if (-4..DIGITS as i32).contains(&exponent) {
        let decimals = (DIGITS as i32 - 1 - exponent).max(0) as usize;
        let plain = format!("{value:.decimals$}");
        return match plain.contains('.') {
            true => plain.trim_end_matches('0').trim_end_matches('.').to_string(),
            false => plain,
        };
    }
    let digits = digits.trim_end_matches('0');
    let zero = if digits.ends_with('.') { "0" } else { "" };
    format!("{digits}{zero}E{exponent:+}")
}
