//! What the Node.js tracer logs as JSON: the spans of a trace, and a request. Formatted as `JSON.stringify` does, but
//! every character that could move a cursor or end a line is escaped.

use crate::event::SpanView;
use crate::languages::language::Form;
use crate::languages::line::{About, Frame};
use crate::languages::text::{cut, free, more_spans, tags, value, SpansRoom, SPANS_RECORD_MAX, TAG_MAX};
use crate::redact;
use std::borrow::Cow;
use std::fmt::Write;

/// The most bytes of all of a span's numbers.
const NUMBERS_MAX: usize = 48_000;

/// Formats `what` and the spans of a chunk as an array, or as several such texts if there are many spans. The first
/// span has what is sent once per chunk.
pub fn trace(form: Form, frame: &Frame<'_>, list: &[SpanView<'_>]) -> Vec<String> {
    // The wording changed with the sending code; that of the page says `trace`.
    let what = if form == Form::Page { "Encoding trace: " } else { "Encoding payload: " };
    let (mut texts, mut room) = (Vec::new(), SpansRoom::new());
    let mut out = format!("{what}[");
    for (n, one) in list.iter().enumerate() {
        if out.len() > SPANS_RECORD_MAX && room.is_left() {
            out.push(']');
            texts.push(std::mem::replace(&mut out, format!("{what}[")));
        }
        out.push_str(if out.ends_with('[') { "" } else { "," });
        if !room.is_left() {
            string(&mut out, &more_spans(list.len() - n));
            break;
        }
        let start = out.len();
        span(form, &mut out, frame, one, n == 0);
        room.take(out.len() - start);
    }
    out.push(']');
    texts.push(out);
    texts
}

fn span(form: Form, out: &mut String, frame: &Frame<'_>, span: &SpanView<'_>, first: bool) {
    let low = span.trace_id as u64;
    let _ = write!(out, "{{\"trace_id\":\"{low:016x}\",\"span_id\":\"{:016x}\"", span.span_id);
    let _ = write!(out, ",\"parent_id\":\"{:016x}\"", span.parent_id);
    let texts = [("name", span.name), ("resource", span.resource), ("service", span.service), ("type", span.span_type)];
    for (name, text) in texts {
        if name != "type" || !text.is_empty() {
            member(out, name, &free(text));
        }
    }
    let _ = write!(out, ",\"error\":{},\"meta\":{{", u8::from(span.error));
    meta(form, out, frame, span, first);
    out.push_str("},\"metrics\":{");
    metrics(form, out, frame, span, first);
    // A JavaScript number does not hold nanoseconds exactly; the log shows the rounded number.
    out.push_str("},\"start\":");
    number(out, span.start_ns as f64);
    out.push_str(",\"duration\":");
    number(out, span.duration_ns as f64);
    out.push_str(if form == Form::Page { ",\"links\":[]}" } else { "}" });
}

fn meta(form: Form, out: &mut String, frame: &Frame<'_>, span: &SpanView<'_>, first: bool) {
    let high = (span.trace_id >> 64) as u64;
    let set = |name: &str| span.tags.iter().any(|(key, _)| *key == name);
    if first && high != 0 && !set("_dd.p.tid") {
        member(out, "_dd.p.tid", &format!("{high:016x}"));
    }
    if let Some(maker) = span.decision_maker.filter(|_| form == Form::Source && first && !set("_dd.p.dm")) {
        member(out, "_dd.p.dm", &format!("-{}", maker.unsigned_abs()));
    }
    let left_out = tags(&span.tags, |name, text| member(out, &name, &text));
    if left_out > 0 {
        member(out, "…", &format!("{left_out} more"));
    }
    if first && !set("language") {
        // The agent has the name `nodejs` for the language, this tag has `javascript`.
        let language = match frame.about.language.as_str() {
            "nodejs" | "node" | "js" => "javascript",
            other => other,
        };
        member(out, "language", &free(language));
    }
}

fn metrics(form: Form, out: &mut String, frame: &Frame<'_>, span: &SpanView<'_>, first: bool) {
    let set = |name: &str| span.metrics.iter().any(|(key, _)| *key == name);
    let mut put = |name: &str, value: f64| {
        key(out, name);
        number(out, value);
    };
    // The page has the priority in front of the other numbers, today's tracer behind them.
    let priority = span.priority.filter(|_| first && !set("_sampling_priority_v1")).map(f64::from);
    if let Some(priority) = priority.filter(|_| form == Form::Page) {
        put("_sampling_priority_v1", priority);
    }
    let mut room = NUMBERS_MAX;
    for (n, (name, value)) in span.metrics.iter().enumerate() {
        let name = cut(Cow::Borrowed(*name), TAG_MAX);
        // A number has at most some 24 digits.
        let Some(left) = room.checked_sub(name.len() + 24) else {
            put("…", (span.metrics.len() - n) as f64);
            break;
        };
        room = left;
        put(&name, *value);
    }
    if first && !set("process_id") {
        put("process_id", f64::from(frame.pid));
    }
    if let Some(priority) = priority.filter(|_| form == Form::Source) {
        put("_sampling_priority_v1", priority);
    }
}

/// Formats `Request to the agent: ` and the request without its payload. Headers that depend on a container or on an
/// earlier answer are not known here.
pub fn request(form: Form, about: &About, url: &str, traces: u64) -> String {
    let url = redact::url(url);
    let (base, path) = split(&url);
    let mut out = String::from("Request to the agent: {");
    member(&mut out, "path", &free(path));
    member(&mut out, "method", "POST");
    out.push_str(",\"headers\":{");
    let traces = traces.to_string();
    let version = ("Datadog-Meta-Tracer-Version", about.tracer_version.as_str());
    let count = ("X-Datadog-Trace-Count", traces.as_str());
    let language = [
        ("Datadog-Meta-Lang", about.language.as_str()),
        ("Datadog-Meta-Lang-Version", about.language_version.as_str()),
        ("Datadog-Meta-Lang-Interpreter", about.interpreter.as_str()),
    ];
    let head = [("Content-Type", "application/msgpack")];
    let headers: [&[(&str, &str)]; 3] = match form {
        Form::Page => [&head, &language, &[version, count]],
        Form::Source => [&head, &[version, count], &language],
    };
    for (name, text) in headers.into_iter().flatten() {
        if !text.is_empty() {
            member(&mut out, name, &value(name, text));
        }
    }
    out.push('}');
    match (form, base.split_once("://")) {
        (Form::Page, Some(("unix", socket))) => member(&mut out, "socketPath", &free(socket)),
        (Form::Page, Some((scheme, authority))) => {
            let (host, port) = super::host_and_port(base);
            member(&mut out, "protocol", &free(&format!("{scheme}:")));
            member(&mut out, "hostname", &free(host));
            if authority.ends_with(&format!(":{port}")) {
                member(&mut out, "port", &port.to_string());
            }
        }
        _ => member(&mut out, "url", &free(&of_url_object(base))),
    }
    out.push('}');
    out
}

/// Returns a URL as JavaScript's object shows it: without a path it ends in a slash.
pub fn of_url_object(url: &str) -> String {
    match url.split_once("://") {
        Some(("http" | "https", rest)) if !rest.contains('/') => format!("{url}/"),
        _ => url.to_string(),
    }
}

/// Splits a URL into the agent's and the path of a request. A socket's path ends where the API's version begins.
pub fn split(url: &str) -> (&str, &str) {
    let from = url.find("://").map_or(0, |at| at + 3);
    let slash = if url.starts_with("unix:") { url.rfind("/v0.") } else { url[from..].find('/').map(|at| from + at) };
    url.split_at(slash.unwrap_or(url.len()))
}

/// Appends `"name":"text"`, behind a comma if it is not the first in the object.
fn member(out: &mut String, name: &str, text: &str) {
    key(out, name);
    string(out, text);
}

fn key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    string(out, name);
    out.push(':');
}

/// Appends a text in quotes.
pub fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Formats a number as JavaScript does: the fewest exact digits, zeros up to 10²¹, an exponent beyond. `null` if JSON
/// has no such number.
pub fn number(out: &mut String, value: f64) {
    let size = value.abs();
    if !value.is_finite() {
        out.push_str("null");
    } else if value == 0.0 {
        out.push('0');
    } else if (1e-6..1e21).contains(&size) {
        let _ = write!(out, "{value}");
    } else {
        let text = format!("{value:e}");
        out.push_str(&if size < 1.0 { text } else { text.replace('e', "e+") });
    }
}
