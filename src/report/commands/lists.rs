//! Lists of spans and chunks.

use super::super::image::{Chunk, Exporter, Image, Place, Span, Tag, TAGS};
use super::super::text::{age, as_of, counted, number, shown, time, value, SHORT};
use std::fmt::Write;

/// Maximum number of chunks of an agent, and of traces, in a list.
const LINES: usize = 50;

/// Lists so many open spans.
pub fn spans(image: &Image, most: usize) -> String {
    let all = image.count(None)[0];
    if all == 0 {
        let none = if image.misses { "No open span can be read" } else { "No span is open" };
        return format!("{none}, {}\n", as_of(image.as_of));
    }
    let mut out = format!("Open spans: {all}, oldest first, {}\n", as_of(image.as_of));
    image.spans.iter().take(most).for_each(|span| out += &open_span(image, span));
    let more = all.saturating_sub(image.spans.len().min(most) as u64);
    if more > 0 {
        let _ = writeln!(out, "  and {more} more: spanwire spans 0 shows all");
    }
    out
}

/// Returns the service of a span: its own, or its tracer's.
pub fn service(image: &Image, span: &Span, most: usize) -> String {
    let own = &span.texts[1];
    let tracers = image.tracer(span.tracer).map_or("", |tracer| tracer.text("service"));
    shown(if own.is_empty() { tracers.as_bytes() } else { own }, most)
}

/// Returns its resource, if that differs from its name.
pub(super) fn resource(span: &Span, most: usize) -> Option<String> {
    let [name, _, resource, _] = &span.texts;
    (!resource.is_empty() && resource != name).then(|| shown(resource, most))
}

/// A tag's key and value as they may be shown.
pub fn tag((key, content): &(Vec<u8>, Tag), most: usize) -> (String, String) {
    let content = match content {
        Tag::Text(text) => value(key, text, most),
        // A card or a key may be a number.
        Tag::Number(content) => value(key, number(*content).as_bytes(), most),
    };
    (shown(key, most), content)
}

/// Writes two or three lines about an open span.
pub(super) fn open_span(image: &Image, span: &Span) -> String {
    let mut out = format!("  {}  service {}", shown(&span.texts[0], SHORT), service(image, span, SHORT));
    if let Some(resource) = resource(span, SHORT) {
        let _ = write!(out, "  resource {resource}");
    }
    if !span.texts[3].is_empty() {
        let _ = write!(out, "  type {}", shown(&span.texts[3], SHORT));
    }
    let _ = match open_for(image, span) {
        Some(open) => write!(out, "  open {}", age(open)),
        None => write!(out, "  started {}", time(span.start_ns.max(0) as u64)),
    };
    for (set, words) in [(span.busy, "  (a call was changing it)"), (span.damaged, "  (damaged)")] {
        out += if set { words } else { "" };
    }
    let _ = write!(out, "\n    span {}", span.span_id);
    if span.parent_id != 0 {
        let _ = write!(out, "  parent {}", span.parent_id);
    }
    let _ = write!(out, "  trace {:032x}  tracer {}", span.trace_id, span.tracer);
    out += if span.error { "  error\n" } else { "\n" };
    let tags: Vec<String> =
        span.tags.iter().take(TAGS).map(|it| tag(it, SHORT)).map(|(key, value)| format!("{key}={value}")).collect();
    if !tags.is_empty() {
        let more = span.tags.len().saturating_sub(TAGS) + span.tags_left_out;
        let more = if more > 0 { format!("  and {more} more") } else { String::new() };
        let _ = writeln!(out, "    {}{more}", tags.join("  "));
    }
    out
}

/// Returns how long a span has been open, if the time of the image is known.
pub fn open_for(image: &Image, span: &Span) -> Option<u64> {
    Some((image.as_of? as i64).saturating_sub(span.start_ns).max(0) as u64)
}

/// Lists the chunks of each agent, and the spans that wait for their trace.
pub(super) fn queue(image: &Image) -> String {
    let mut out: String = image.exporters.iter().map(|exporter| of_agent(image, exporter)).collect();
    if out.is_empty() {
        out += "No agent is in use.\n";
    }
    let waiting: Vec<_> = image.traces.iter().filter(|trace| !trace.chunk.spans.is_empty()).collect();
    let spans: usize = waiting.iter().map(|trace| trace.chunk.spans.len()).sum();
    if waiting.is_empty() {
        return out + "No finished span waits for its trace.\n";
    }
    let (spans, traces) = (counted(spans as u64, "span"), counted(waiting.len() as u64, "trace"));
    let _ = writeln!(out, "Waiting for their trace: {spans} in {traces}");
    for trace in waiting.iter().take(LINES) {
        let _ = writeln!(out, "  {}  {} open", facts(&trace.chunk), trace.open);
    }
    out + &more(waiting.len())
}

fn more(count: usize) -> String {
    if count > LINES {
        format!("  and {} more\n", count - LINES)
    } else {
        String::new()
    }
}

fn of_agent(image: &Image, exporter: &Exporter) -> String {
    let served = image.tracers.iter().find(|tracer| tracer.live && tracer.exporter == exporter.index);
    let url = served.map_or("an agent".into(), |tracer| shown(tracer.text("agent_url").as_bytes(), SHORT));
    let sum = |of: fn(&Chunk) -> u64| exporter.chunks.iter().map(of).sum::<u64>();
    let (chunks, spans) = (exporter.chunks.len() as u64, sum(|chunk| chunk.spans.len() as u64));
    let mut out = format!(
        "Queue of {url}: {}, {}, {}; {}\n",
        counted(chunks, "chunk"),
        counted(spans, "span"),
        counted(sum(|chunk| chunk.bytes), "byte"),
        standing(image, exporter)
    );
    for chunk in exporter.chunks.iter().take(LINES) {
        let sending = match chunk.place {
            Place::Sending { asking: true, .. } => "in a request: ",
            Place::Sending { .. } => "being sent: ",
            _ => "",
        };
        let complete = if chunk.complete { "complete" } else { "not complete" };
        let _ = writeln!(out, "  {sending}{}  {complete}", facts(chunk));
    }
    out + &more(exporter.chunks.len())
}

/// Writes a line about a chunk.
pub(super) fn facts(chunk: &Chunk) -> String {
    let (spans, bytes) = (counted(chunk.spans.len() as u64, "span"), counted(chunk.bytes, "byte"));
    let damaged = if chunk.damaged { "  (damaged)" } else { "" };
    format!("trace {:032x}  tracer {}  {spans}  {bytes}{damaged}", chunk.trace_id, chunk.tracer)
}

/// Describes the state of the connection to an agent.
pub fn standing(image: &Image, exporter: &Exporter) -> String {
    let for_so_long = match image.as_of {
        Some(as_of) => format!("for {}", age(as_of.saturating_sub(exporter.since_ns))),
        None => format!("since {}", time(exporter.since_ns)),
    };
    match exporter.state {
        0 => "not asked yet".into(),
        1 => "answers".into(),
        2 => format!("not reached, {for_so_long}"),
        3 => format!("refuses with {}, {for_so_long}", exporter.status),
        other => format!("in a state that this reader does not know ({other})"),
    }
}
