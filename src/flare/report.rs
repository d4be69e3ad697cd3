//! The texts of a flare about the tracer.

use super::facts::Facts;
use crate::event::{Event, OpenSpanView};
use crate::languages::limits::HeldBack;
use crate::languages::Frame;
use crate::recorder::snapshot::{Event as SnapshotEvent, TracerCounts};
use crate::zone::Zone;
use crate::{counters, sys};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::Write;

/// Formats a time in UTC with milliseconds.
pub fn time(ns: u64) -> String {
    let (year, month, day, hour, minute, second) = sys::utc_time(ns);
    let ms = ns / 1_000_000 % 1_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Returns the settings as indented JSON. `wraps`: inside of `configs`, as Python's flares have them.
pub fn config(facts: &Facts, wraps: bool) -> String {
    let Ok(value) = serde_json::from_str::<Value>(&facts.config_json) else { return facts.config_json.clone() };
    let value = if wraps { Value::Object(Map::from_iter([("configs".to_string(), value)])) } else { value };
    format!("{value:#}\n")
}

/// Returns the start-up line as the language's tracer writes it.
pub fn startup(facts: &Facts) -> String {
    let (fields, agent_url) = (&facts.startup, &facts.health.agent_url);
    let event = Event::TracerConfigured { fields, agent_url, agent_error: None, abandoned_spans: false };
    let (pid, debug, about, zone) = (facts.pid, facts.debug, &facts.about, &Zone::default());
    let held_back = HeldBack::default();
    let frame = Frame { time_ns: sys::wall_ns(), pid, thread: "main", held_back, debug, about, zone, remembered: None };
    let mut lines = Vec::new();
    facts.dialect.lines(&frame, &event, &mut lines);
    lines.iter().map(|line| format!("{}\n", line.text)).collect()
}

/// Says whether spans arrive, and where every span is.
pub fn health(facts: &Facts) -> String {
    let (it, who) = (&facts.health, &facts.identity);
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        let _ = writeln!(out, "{text}");
    };
    let on = if it.enabled { "enabled" } else { "disabled: it makes no spans" };
    line(format_args!("As of {}", time(sys::wall_ns())));
    line(format_args!(
        "Process {} ({}), parent {}, fork {}",
        facts.pid,
        facts.program,
        facts.parent_pid,
        facts.epoch - 1
    ));
    line(format_args!(
        "Tracer: service {:?}, env {:?}, version {:?}; {}, {on}",
        who.service, who.env, who.version, it.tracer
    ));
    line(format_args!("Agent {}: {}", it.agent_url, connection(facts)));
    let dropped: u64 = it.dropped.iter().map(|(_, count)| count).sum();
    line(format_args!(
        "Spans: started {} = finished {} + open {} + abandoned {} + discarded {}: {}",
        it.started,
        it.finished,
        it.open,
        it.abandoned,
        it.discarded,
        holds(it.started == it.finished + it.open + it.abandoned + it.discarded)
    ));
    line(format_args!(
        "Finished {} = waiting for their trace {} + queued {} + being sent {} + sent {} + dropped {dropped}: {}",
        it.finished,
        it.waiting,
        it.queued,
        it.in_flight,
        it.sent,
        holds(it.finished == it.waiting + it.queued + it.in_flight + it.sent + dropped)
    ));
    for (reason, count) in it.dropped.iter().filter(|(_, count)| *count > 0) {
        line(format_args!("Dropped, {reason}: {count}"));
    }
    line(format_args!("Queue: {} chunks, {} bytes", it.queue.0, it.queue.1));
    line(format_args!("Memory of spans: {} of {} bytes", it.memory.0, it.memory.1));
    line(format_args!("Log: level {}, debug mode {}", facts.level.name(), if facts.debug { "on" } else { "off" }));
    line(format_args!("Log records kept for flares: {}, dropped before them: {}", facts.log.0.len(), facts.log.1));
    if let Some(recorder) = &facts.recorder {
        line(format_args!("Internal errors caught: {}", recorder.panics));
        line(format_args!("Tracers of the process: {}", recorder.tracers.len()));
        recorder.tracers.iter().for_each(|tracer| line(format_args!("  {}", of_tracer(tracer))));
    }
    out
}

fn of_tracer(tracer: &TracerCounts) -> String {
    let get = |name: &str| counters::NAMES.iter().position(|&it| it == name).map_or(0, |at| tracer.counters[at]);
    let dropped = counters::NAMES.iter().zip(tracer.counters).filter(|(name, _)| name.starts_with("dropped_"));
    let dropped = dropped.fold(0u64, |all, (_, count)| all.saturating_add(count));
    let closed = if tracer.closed { ", shut down" } else { "" };
    format!("{}: service {:?}, sent {}, dropped {dropped}{closed}", tracer.index, tracer.service, get("sent"))
}

fn holds(it_does: bool) -> &'static str {
    if it_does {
        "holds"
    } else {
        "does not hold at this moment (other threads were starting or finishing spans)"
    }
}

fn connection(facts: &Facts) -> String {
    let connection = facts.health.connection;
    let since = if connection.since_ns > 0 { format!(" since {}", time(connection.since_ns)) } else { String::new() };
    match (connection.words(), connection.status) {
        (words, 0) => format!("{words}{since}"),
        (words, status) => format!("{words}{since}, last status {status}"),
    }
}

/// Returns all counters.
pub fn counters(facts: &Facts) -> String {
    facts.counters.iter().map(|(name, value)| format!("{name:<24}{value}\n")).collect()
}

/// Returns the records of the log.
pub fn log(facts: &Facts) -> impl Iterator<Item = Cow<'_, str>> {
    let (records, dropped) = &facts.log;
    let mut first = Vec::new();
    if *dropped > 0 {
        first.push(Cow::from(format!("({dropped} earlier records are not kept)")));
    }
    if records.is_empty() {
        first.push("(no record since the process began or was forked)".into());
    }
    first.into_iter().chain(records.iter().map(|record| record.text.as_str().into()))
}

/// Returns the events of the flight recorder.
pub fn events(facts: &Facts) -> impl Iterator<Item = Cow<'_, str>> {
    let none = facts.recorder.is_none().then_some("The flight recorder keeps nothing.".into());
    none.into_iter()
        .chain(facts.recorder.iter().flat_map(|recorder| &recorder.events).map(|event| event_line(event).into()))
}

/// Returns a line about an event.
pub fn event_line(event: &SnapshotEvent) -> String {
    format!("{} {} {}", time(event.time_ns), event.name(), event.describe())
}

/// Lists the open spans, oldest first.
pub fn open_spans(facts: &Facts) -> String {
    let mut out = String::new();
    for span in &facts.open {
        open_span(&mut out, span);
    }
    match (facts.open.is_empty(), facts.open_more) {
        (true, 0) => out += "No span is open.\n",
        (_, 0) => {}
        (_, more) => {
            let _ = writeln!(out, "and {more} more, which are younger");
        }
    }
    out
}

fn open_span(out: &mut String, span: &OpenSpanView) {
    let _ = write!(out, "open {:.3} s  {}", span.age.as_secs_f64(), printable(&span.name));
    if span.resource != span.name {
        let _ = write!(out, "  resource {}", printable(&span.resource));
    }
    if !span.component.is_empty() {
        let _ = write!(out, "  component {}", printable(&span.component));
    }
    let _ = write!(out, "  trace {:032x}  span {}  parent {}", span.trace_id, span.span_id, span.parent_id);
    if let Some(priority) = span.priority {
        let _ = write!(out, "  priority {priority}");
    }
    let _ = writeln!(out, "  started {}", time(span.start_ns.max(0) as u64));
}

/// Returns a text of the host in one line, cut at 200 characters.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
