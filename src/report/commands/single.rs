//! Shows one span, or one trace.

use super::super::image::{Image, Place, Span};
use super::super::text::{age, counted, shown, time, LONG, SHORT};
use super::lists;
use std::fmt::Write;

/// Shows a span by its id.
pub(super) fn span(image: &Image, id: Option<&str>) -> Result<String, String> {
    let wrong = "span takes an id, decimal as in logs, or hexadecimal after 0x";
    let text = id.ok_or(wrong)?;
    let id = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .map_err(|_| wrong)?;
    let mut out = String::new();
    for span in image.spans.iter().filter(|span| span.span_id == id) {
        out += &whole(image, span, "open");
    }
    for chunk in image.chunks() {
        let place = match chunk.place {
            Place::Trace => "finished, waits for its trace",
            Place::Queue => "finished, in the queue",
            Place::Sending { .. } => "finished, being sent",
        };
        chunk.spans.iter().filter(|span| span.span_id == id).for_each(|span| out += &whole(image, span, place));
    }
    if out.is_empty() {
        out = recorded(image, id);
    }
    Ok(out)
}

/// Shows what the flight recorder knows of a span that has left.
fn recorded(image: &Image, id: u64) -> String {
    let all = image.recorder.as_ref().map(|recorder| recorder.events.as_slice()).unwrap_or_default();
    let open = super::still_open(all);
    // Kinds 1 to 3 are events of a span.
    let own = all.iter().filter(|event| (1..=3).contains(&event.kind) && event.first == id);
    let lines: String = own.map(|event| super::event_line(image, event, &open)).collect();
    if lines.is_empty() {
        return format!("span {id}: neither in memory nor in the flight recorder\n");
    }
    format!("span {id}: not in memory; the flight recorder says:\n{lines}")
}

fn whole(image: &Image, span: &Span, place: &str) -> String {
    let notes = [(span.busy, " (a call was changing it)"), (span.damaged, " (damaged)")];
    let notes: String = notes.iter().filter(|(set, _)| *set).map(|(_, words)| *words).collect();
    let mut out = format!("span {}: {place}{notes}\n", span.span_id);
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(out, "  {label:<9} {text}");
    };
    line("name", &shown(&span.texts[0], LONG));
    line("service", &lists::service(image, span, LONG));
    if let Some(resource) = lists::resource(span, LONG) {
        line("resource", &resource);
    }
    if !span.texts[3].is_empty() {
        line("type", &shown(&span.texts[3], LONG));
    }
    line("trace", &format!("{:032x}", span.trace_id));
    if span.parent_id != 0 {
        line("parent", &span.parent_id.to_string());
    }
    line("tracer", &span.tracer.to_string());
    line("start", &time(span.start_ns.max(0) as u64));
    match span.duration_ns {
        Some(duration) => line("duration", &age(duration)),
        None => line("open", &lists::open_for(image, span).map_or_else(|| "not known for how long".into(), age)),
    }
    if span.error {
        line("error", "yes");
    }
    for it in &span.tags {
        let label = if matches!(it.1, super::super::image::Tag::Text(_)) { "meta" } else { "metrics" };
        let (key, value) = lists::tag(it, LONG);
        line(label, &format!("{key} = {value}"));
    }
    for (trace, span) in &span.links {
        line("link", &format!("{trace:032x} {span}"));
    }
    for (moment, name) in &span.events {
        line("event", &format!("{} at {}", shown(name, LONG), time(*moment)));
    }
    if span.blobs > 0 {
        line("blobs", &span.blobs.to_string());
    }
    out
}

/// Shows a trace by its id: 32 or 16 hexadecimal digits, hexadecimal after 0x, or decimal.
pub(super) fn trace(image: &Image, id: Option<&str>) -> Result<String, String> {
    let wrong = "trace takes an id: 32 or 16 hexadecimal digits, hexadecimal after 0x, or decimal";
    let text = id.ok_or(wrong)?;
    let hexadecimal = text.strip_prefix("0x").or(matches!(text.len(), 16 | 32).then_some(text));
    let id = hexadecimal.map_or_else(|| text.parse(), |digits| u128::from_str_radix(digits, 16)).map_err(|_| wrong)?;
    // Logs of 64-bit tracers have only the low half.
    let is = |other: u128| other == id || (id >> 64 == 0 && other as u64 == id as u64);
    let (mut about, mut open, mut finished) = (String::new(), String::new(), String::new());
    for trace in image.traces.iter().filter(|trace| is(trace.chunk.trace_id)) {
        let chunk = &trace.chunk;
        let _ = write!(about, "  tracer {}, ", chunk.tracer);
        if let Some(priority) = chunk.decision.priority() {
            let _ = write!(about, "priority {priority}, ");
        }
        let waiting = chunk.spans.len();
        let _ = writeln!(about, "{} open, {waiting} finished and waiting", counted(trace.open, "span"));
    }
    image.spans.iter().filter(|span| is(span.trace_id)).for_each(|span| open += &lists::open_span(image, span));
    for chunk in image.chunks().filter(|chunk| is(chunk.trace_id)) {
        let place = match chunk.place {
            Place::Trace => "",
            Place::Queue => "in the queue",
            Place::Sending { .. } => "being sent",
        };
        if !place.is_empty() {
            let (spans, bytes) = (counted(chunk.spans.len() as u64, "span"), counted(chunk.bytes, "byte"));
            let complete = if chunk.complete { "complete" } else { "not complete" };
            let _ = writeln!(about, "  chunk of {spans}, {bytes}, {complete}, {place}");
        }
        for span in &chunk.spans {
            let parent = if span.parent_id != 0 { format!("  parent {}", span.parent_id) } else { String::new() };
            let (name, took) = (shown(&span.texts[0], SHORT), age(span.duration_ns.unwrap_or(0)));
            let error = if span.error { "  error" } else { "" };
            let _ = writeln!(finished, "  {name}  span {}{parent}  took {took}{error}", span.span_id);
        }
    }
    if about.is_empty() && open.is_empty() {
        return Ok(format!("trace {id:032x}: not in memory\n"));
    }
    let mut out = format!("trace {id:032x}\n{about}");
    for (title, lines) in [("Open:\n", open), ("Finished:\n", finished)] {
        if !lines.is_empty() {
            out += title;
            out += &lines;
        }
    }
    Ok(out)
}
