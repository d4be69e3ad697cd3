//! Spans as the Go tracer prints them, and maps as Go does.

use super::Writer;
use crate::event::SpanView;
use crate::languages::line::Frame;
use crate::languages::text::{cut, escaped, inline, tags, TAG_MAX};
use std::borrow::Cow;
use std::fmt::Write;

/// The numeric tag with the sampling priority.
const PRIORITY: &str = "_sampling_priority_v1";
/// How many numeric tags of a span are in a line; the others are counted.
const METRICS_MAX: usize = 256;

impl Writer {
    /// `Started Span: dd.service=… dd.trace_id="…" dd.span_id="…", Operation: …, Resource: …, Tags: map[…], map[…]`.
    /// Today's source shows the parent, and a trace id of more than 64 bits as a whole.
    pub fn span(self, what: &str, source: bool, frame: &Frame<'_>, span: &SpanView<'_>) -> Writer {
        let about = frame.about;
        let mut line = self.say(what).say(" Span: ");
        for (name, value) in [("service", &about.service), ("env", &about.env), ("version", &about.version)] {
            if !value.is_empty() {
                line = line.put(format_args!("dd.{name}={} ", inline(value)));
            }
        }
        let high = (span.trace_id >> 64) as u64;
        line = if source && high != 0 {
            line.put(format_args!("dd.trace_id=\"{:032x}\"", span.trace_id))
        } else {
            line.put(format_args!("dd.trace_id=\"{}\"", span.trace_id as u64))
        };
        line = line.put(format_args!(" dd.span_id=\"{}\"", span.span_id));
        if source {
            line = line.put(format_args!(" dd.parent_id=\"{}\"", span.parent_id));
        }
        line = line.say(", Operation: ").say(&inline(span.name)).say(", Resource: ").say(&inline(span.resource));
        line.say(", Tags: ").texts(span, source).say(", ").numbers(span)
    }

    /// Go prints maps sorted by name. Today's source does not keep texts in a map.
    fn texts(mut self, span: &SpanView<'_>, source: bool) -> Writer {
        let mut pairs = span.tags.clone();
        if !source {
            crate::sort::by_key(&mut pairs, |(name, _)| *name);
        }
        let (out, mut between) = (&mut self.text, "map[");
        let left_out = tags(&pairs, |name, value| {
            let _ = write!(out, "{between}{}:{}", escaped(name), escaped(value));
            between = " ";
        });
        self.end_of_map(between, left_out)
    }

    fn numbers(mut self, span: &SpanView<'_>) -> Writer {
        let mut pairs = span.metrics.clone();
        if let Some(priority) = span.priority.filter(|_| span.local_root) {
            if pairs.iter().all(|(name, _)| *name != PRIORITY) {
                pairs.push((PRIORITY, f64::from(priority)));
            }
        }
        crate::sort::by_key(&mut pairs, |(name, _)| *name);
        let mut between = "map[";
        for (name, value) in pairs.iter().take(METRICS_MAX) {
            let name = escaped(cut(Cow::Borrowed(*name), TAG_MAX / 4));
            let _ = write!(self.text, "{between}{name}:");
            float(*value, &mut self.text);
            between = " ";
        }
        self.end_of_map(between, pairs.len().saturating_sub(METRICS_MAX))
    }

    fn end_of_map(self, between: &str, left_out: usize) -> Writer {
        match (between, left_out) {
            ("map[", 0) => self.say("map[]"),
            (_, 0) => self.say("]"),
            _ => self.put(format_args!("{between}… ({left_out} more)]")),
        }
    }
}

/// `%v` of a float: the fewest digits that are exact, with an exponent below 1e-4 and from 1e6 on.
pub fn float(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let _ = match exponent.parse::<i32>() {
            Ok(-4..=5) => write!(out, "{value}"),
            Ok(power) if power < 0 => write!(out, "{digits}e-{:02}", -power),
            _ => write!(out, "{digits}e+{exponent:0>2}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_gos() {
        let cases = [
            (1.0, "1"),
            (42.5, "42.5"),
            (-0.5, "-0.5"),
            (0.0, "0"),
            (123_456.0, "123456"),
            (1e6, "1e+06"),
            (1_234_567.5, "1.2345675e+06"),
            (1_655_495_482.247_869_3, "1.6554954822478693e+09"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, want) in cases {
            let mut out = String::new();
            float(value, &mut out);
            assert_eq!(out, want);
        }
    }
}
