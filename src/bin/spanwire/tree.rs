//! Draws a trace as a tree: spans in, text out. Decides which parts of a span are shown. Does no I/O.

mod shape;

use crate::decode::Span;
use crate::out::{counted, Paint};
use shape::Shape;

/// How to draw a trace.
#[derive(Clone, Copy)]
pub struct Look {
    /// How to mark text.
    pub paint: Paint,
    /// Whether to show whole ids and values, every span, and the tags that tracers add for the Agent. Otherwise they
    /// are shortened or left out.
    pub full: bool,
}

/// Spans shown of one trace, unless `full` is set.
const SPANS_MAX: usize = 500;
/// Characters shown of a value, unless `full` is set.
const VALUE_MAX: usize = 200;
/// Lines shown of an error's stack, unless `full` is set.
const STACK_MAX: usize = 12;
/// Largest indentation. Deeper spans are drawn there, with their depth as a number.
const DEPTH_MAX: usize = 40;

/// Draws the spans of one trace in one payload, each below its parent. Ends with a newline.
pub fn draw(spans: &[Span], look: Look) -> String {
    let Look { paint, full } = look;
    let mut out = heading(spans, look);
    let shape = Shape::of(spans);
    let mut drawn = 0;
    // The loop pops from the end, so the first span is pushed last.
    let mut waiting: Vec<Branch> = branches(&shape.roots, "", 0);
    while let Some(branch) = waiting.pop() {
        if drawn == SPANS_MAX && !full {
            let more = spans.len() - drawn;
            out += &format!("{}\n", paint.dim(&format!("… and {more} more spans (--full shows them)")));
            break;
        }
        drawn += 1;
        let children = shape.children(branch.span);
        let below = format!("{}{}", branch.prefix, if branch.last { "   " } else { "│  " });
        let inner = if branch.depth < DEPTH_MAX { &below } else { &branch.prefix };
        out += &paint.dim(&format!("{}{}", branch.prefix, if branch.last { "└─ " } else { "├─ " }));
        out += &title(&spans[branch.span], &branch, look);
        out.push('\n');
        let margin = paint.dim(&format!("{below}{}", if children.is_empty() { "   " } else { "│  " }));
        for line in details(&spans[branch.span], shape.note(branch.span), look) {
            out += &format!("{margin}{line}\n");
        }
        waiting.extend(branches(children, inner, branch.depth + 1));
    }
    out
}

/// A span that is still to be drawn.
struct Branch {
    span: usize,
    prefix: String,
    depth: usize,
    last: bool,
}

fn branches(spans: &[usize], prefix: &str, depth: usize) -> Vec<Branch> {
    let last = spans.last().copied();
    let branch = |&span| Branch { span, prefix: prefix.to_owned(), depth, last: Some(span) == last };
    spans.iter().rev().map(branch).collect()
}

fn heading(spans: &[Span], look: Look) -> String {
    let paint = look.paint;
    let Some(first) = spans.first() else { return String::new() };
    let high = spans.iter().find_map(|span| span.meta.get("_dd.p.tid")).map_or("", String::as_str);
    let id = format!("{high}{:016x}", first.trace_id);
    let shown = if look.full { id } else { short_id(&id) };
    let begin = spans.iter().map(|span| span.start).min().unwrap_or_default();
    let end = spans.iter().map(|span| span.start.saturating_add(span.duration)).max().unwrap_or_default();
    let count = counted(spans.len(), "span");
    format!(
        "{} {}  {count}  {}\n",
        paint.strong("trace"),
        visible(&shown),
        paint.time(&duration(end.saturating_sub(begin)))
    )
}

/// Shortens a trace id of at least 16 characters to its first and last characters.
pub fn short_id(id: &str) -> String {
    let head: String = id.chars().take(8).collect();
    let from_the_end = id.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
    format!("{head}…{}", &id[from_the_end..])
}

fn title(span: &Span, branch: &Branch, look: Look) -> String {
    let paint = look.paint;
    let mut out = String::new();
    if branch.depth > DEPTH_MAX {
        out += &paint.dim(&format!("(depth {}) ", branch.depth));
    }
    if span.error {
        out += &paint.bad("✗ ");
    }
    out += &paint.strong(&value(or_none(&span.name), look));
    out += &format!("  {}", paint.time(&duration(span.duration)));
    let kind = Some(span.kind.as_str()).filter(|kind| !kind.is_empty());
    let facts =
        [("service", Some(or_none(&span.service))), ("resource", Some(or_none(&span.resource))), ("type", kind)];
    for (label, text) in facts {
        if let Some(text) = text {
            out += &format!("  {} {}", paint.dim(label), value(text, look));
        }
    }
    out + &paint.dim(&format!("  id {}", span_id(span.span_id, look)))
}

/// Returns the lines below a span's title: the error, the parent if it is not the line above, tags, numbers, then a
/// count of the tags that tracers add for the Agent.
fn details(span: &Span, note: Option<&str>, look: Look) -> Vec<String> {
    let paint = look.paint;
    let mut lines = Vec::new();
    if span.error {
        let of = |key: &str| span.meta.get(key).map(String::as_str).filter(|text| !text.is_empty());
        let message = match (of("error.type"), of("error.message").or_else(|| of("error.msg"))) {
            (Some(kind), Some(message)) => format!("{kind}: {message}"),
            (Some(only), None) | (None, Some(only)) => only.to_owned(),
            (None, None) => "(without a message)".to_owned(),
        };
        lines.push(paint.bad(&format!("error: {}", value(&message, look))));
        lines.extend(of("error.stack").map(|stack| stack_lines(stack, look)).unwrap_or_default());
    }
    let told = |key: &str| span.error && matches!(key, "error.type" | "error.message" | "error.msg" | "error.stack");
    let mut rows: Vec<(String, String)> = Vec::new();
    rows.extend(note.map(|note| ("parent".to_owned(), note.to_owned())));
    let tags = span.meta.iter().filter(|(key, _)| !told(key)).map(|(key, text)| (key.clone(), value(text, look)));
    let numbers = span.metrics.iter().map(|(key, number)| (key.clone(), plain(*number)));
    let blobs = span.meta_struct.iter().map(|(key, bytes)| (key.clone(), format!("({bytes} bytes, structured)")));
    let (internal, own): (Vec<_>, Vec<_>) =
        tags.chain(numbers).chain(blobs).partition(|(key, _)| is_of_the_tracer(key));
    let own_rows = rows.len() + own.len();
    let folded = if look.full { 0 } else { internal.len() };
    rows.extend(own);
    rows.extend(internal.into_iter().skip(folded));
    let width = rows.iter().map(|(key, _)| visible(key).chars().count()).max().unwrap_or(0).min(40);
    for (index, (key, text)) in rows.iter().enumerate() {
        let key = format!("{:width$}", visible(key));
        lines.push(if index < own_rows {
            format!("{}  {text}", paint.dim(&key))
        } else {
            paint.dim(&format!("{key}  {text}"))
        });
    }
    if folded > 0 {
        lines.push(paint.dim(&format!("+{folded} of the tracer's own (--full shows them)")));
    }
    lines
}

/// Whether a tracer adds this tag or number by itself, for the Agent.
fn is_of_the_tracer(key: &str) -> bool {
    key.starts_with("_dd.") || matches!(key, "_sampling_priority_v1" | "language" | "process_id" | "runtime-id")
}

fn stack_lines(stack: &str, look: Look) -> Vec<String> {
    let all: Vec<&str> = stack.lines().collect();
    let shown = if look.full { all.len() } else { all.len().min(STACK_MAX) };
    let mut lines: Vec<String> =
        all[..shown].iter().map(|line| look.paint.dim(&format!("  {}", value(line, look)))).collect();
    if shown < all.len() {
        lines.push(look.paint.dim(&format!("  … {} more lines", all.len() - shown)));
    }
    lines
}

/// Formats a span id in decimal, as in logs and in `dd.span_id`. The shortened form is its beginning, so that a search
/// for it finds the span.
fn span_id(id: u64, look: Look) -> String {
    let mut text = id.to_string();
    if text.len() > 8 && !look.full {
        text.truncate(8);
        text.push('…');
    }
    text
}

fn or_none(text: &str) -> &str {
    if text.is_empty() {
        "(none)"
    } else {
        text
    }
}

/// Formats a value on one line, with control characters escaped, and shortened unless `full` is set.
fn value(text: &str, look: Look) -> String {
    match text.char_indices().nth(VALUE_MAX) {
        Some((cut, _)) if !look.full => {
            format!("{}… ({} bytes)", visible(&text[..cut]), text.len())
        }
        _ => visible(text),
    }
}

/// Escapes control characters, because a value from the network must not control the terminal.
fn visible(text: &str) -> String {
    // Also escape the characters that change the direction of text.
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() || turns(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

/// Formats a number without superfluous digits.
fn plain(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e16).contains(&size) {
        format!("{number:e}")
    } else {
        format!("{number}")
    }
}

/// Formats nanoseconds with three significant digits and a suitable unit.
pub fn duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    if ns < 1000 {
        return format!("{sign}{ns} ns");
    }
    for (unit, size) in [("µs", 1e3), ("ms", 1e6), ("s", 1e9)] {
        let amount = ns as f64 / size;
        let limit = if unit == "s" { 59.95 } else { 999.5 };
        if amount < limit {
            let decimals = if amount < 9.995 {
                2
            } else if amount < 99.95 {
                1
            } else {
                0
            };
            return format!("{sign}{amount:.decimals$} {unit}");
        }
    }
    let seconds = (ns as f64 / 1e9).round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{sign}{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{sign}{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests;
