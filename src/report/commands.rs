//! The commands of the debuggers and of `spanwire core FILE COMMAND`. Each is a function from an image to text; `lists`
//! and `single` write spans, chunks and traces.

pub mod lists;
mod single;

use super::image::{Image, Tracer};
use super::text::{age, as_of, clean, clock, counted, shown, SHORT};
use crate::log::Level;
use crate::recorder::kind::Kind;
use crate::recorder::snapshot::Event;
use std::collections::HashSet;
use std::fmt::Write;

/// The commands with their descriptions.
pub const COMMANDS: [(&str, &str); 10] = [
    ("status", "the process, its tracers and their agents, and how many spans are where"),
    ("spans [N]", "the open spans, oldest first: 100, or N, or 0 for all"),
    ("span ID", "one span, open or finished, with all its tags; decimal, or hexadecimal after 0x"),
    ("trace ID", "one trace: its open and its finished spans; 32 or 16 hexadecimal digits, or decimal"),
    ("queue", "finished spans that have not left: in the queue, and waiting for their trace"),
    ("log [N]", "the records that wait for the host to take them: the last 50, or N, or 0 for all"),
    ("events [N]", "what the flight recorder kept: the last 20, or N, or 0 for all"),
    ("settings", "each tracer's settings and where each value came from"),
    ("counters", "what each tracer has counted"),
    ("help", "this list"),
];

/// Default number of spans listed.
const SPANS: usize = 100;
/// Default number of log records listed.
const RECORDS: usize = 50;
/// Default number of events listed.
const EVENTS: usize = 20;

/// Answers a command with lines that end with newlines. `pid` is the inspected process, if known; the state can be that
/// of its parent. The answer to an unknown command begins with `spanwire: ` and says which commands there are.
pub fn answer(image: Option<&Image>, pid: Option<u64>, command: &str) -> String {
    understood(image, pid, command).unwrap_or_else(|problem| format!("spanwire: {problem}\n"))
}

/// Answers a command. An unknown command is an error, whose text has no newline at its end.
pub fn understood(image: Option<&Image>, pid: Option<u64>, command: &str) -> Result<String, String> {
    let mut words = command.split_whitespace();
    let (verb, argument) = (words.next().unwrap_or("status"), words.next());
    if verb == "help" {
        return Ok(help());
    }
    if !COMMANDS.iter().any(|(name, _)| name.split(' ').next() == Some(verb)) || words.next().is_some() {
        return Err(format!("no command {}; there are:\n{}", clean(command, SHORT), help().trim_end()));
    }
    let Some(image) = image else {
        return Ok("libspanwire is loaded, and no call of it was made yet.\n".into());
    };
    let mut out = String::new();
    if let Some(pid) = pid.filter(|&pid| pid != image.pid) {
        let _ = writeln!(
            out,
            "This state is of process {}, of which process {pid} is a forked child; {pid} itself has made no call since.",
            image.pid
        );
    }
    if image.misses {
        out += "Some of the memory cannot be read: what lies there is left out below.\n";
    }
    Ok(out + &asked(image, verb, argument)?)
}

fn asked(image: &Image, verb: &str, argument: Option<&str>) -> Result<String, String> {
    let most = |usual: usize| match argument.map(str::parse::<usize>) {
        None => Ok(usual),
        Some(Ok(0)) => Ok(usize::MAX),
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(format!("{verb} takes a number, 0 for all: {verb} 0")),
    };
    match verb {
        "spans" => Ok(lists::spans(image, most(SPANS)?)),
        "span" => single::span(image, argument),
        "trace" => single::trace(image, argument),
        "log" => Ok(log(image, most(RECORDS)?)),
        "events" => Ok(events(image, most(EVENTS)?)),
        _ if argument.is_some() => Err(format!("{verb} takes nothing after it")),
        "queue" => Ok(lists::queue(image)),
        "settings" => Ok(settings(image)),
        "counters" => Ok(counters(image)),
        _ => Ok(status(image)),
    }
}

fn help() -> String {
    let lines = COMMANDS.iter().map(|(name, what)| format!("  {name:<12}{what}\n"));
    lines.chain(["Secrets are replaced by <redacted> in all of it.\n".to_owned()]).collect()
}

/// Returns the live tracers, and those that still have spans.
pub fn tracers(image: &Image) -> impl Iterator<Item = &Tracer> {
    image.tracers.iter().filter(|tracer| tracer.live || image.has_spans_of(tracer.index))
}

/// Counts the spans of a tracer, or of all: open, waiting for their trace, queued, being sent.
pub fn whereabouts(image: &Image, tracer: Option<u64>) -> [u64; 4] {
    image.count(tracer)
}

/// Describes the process in a few lines.
pub fn status(image: &Image) -> String {
    let mut out = format!("Process {}, spanwire {}, {}\n", image.pid, clean(&image.library, SHORT), as_of(image.as_of));
    if image.epoch > 1 {
        let _ = writeln!(out, "Forked from process {}", image.parent_pid);
    }
    let [open, waiting, queued, sending] = whereabouts(image, None);
    let _ = writeln!(
        out,
        "Open spans: {open}   finished, waiting for their trace: {waiting}   queued: {queued}   being sent: {sending}"
    );
    if let Some((used, max)) = image.memory {
        let _ = writeln!(out, "Memory of spans: {} of {} KiB", used / 1024, max / 1024);
    }
    if let Ok(recorder) = &image.recorder {
        if recorder.panics > 0 {
            let _ = writeln!(out, "Defects of the library that were caught: {}", recorder.panics);
        }
    }
    if let Some(level) = level(image) {
        let _ = writeln!(out, "Log level: {level}");
    }
    let mut none = true;
    for tracer in tracers(image) {
        none = false;
        out += &tracer_status(image, tracer);
    }
    if none {
        out += "No tracer is in use.\n";
    }
    out
}

fn tracer_status(image: &Image, tracer: &Tracer) -> String {
    let mut out = headline(tracer);
    for (label, name) in [("env ", "env"), ("version ", "version"), ("", "language")] {
        let text = shown(tracer.text(name).as_bytes(), SHORT);
        if !text.is_empty() {
            out += &format!(", {label}{text}");
        }
    }
    let flags = [(!tracer.enabled, "disabled"), (tracer.closed, "shut down"), (!tracer.live, "freed")];
    flags.iter().filter(|(set, _)| *set).for_each(|(_, word)| out += &format!(", {word}"));
    let exporter = image.exporters.iter().find(|exporter| exporter.index == tracer.exporter);
    if let Some(exporter) = exporter.filter(|_| tracer.live) {
        let url = shown(tracer.text("agent_url").as_bytes(), SHORT);
        let _ = write!(out, "\n  agent {url}: {}", lists::standing(image, exporter));
    }
    let [open, waiting, queued, sending] = whereabouts(image, Some(tracer.index));
    let dropped = tracer.counters.iter().filter(|(name, _)| name.starts_with("dropped_"));
    // Not added up: in damaged memory a count may be any number.
    let dropped = dropped.fold(0u64, |all, (_, count)| all.saturating_add(*count));
    let _ = write!(out, "\n  open {open}, waiting {waiting}, queued {queued}, being sent {sending}");
    if tracer.counters.is_empty() {
        return out + "; its counters cannot be read\n";
    }
    let _ = writeln!(out, ", sent {}, dropped {dropped}", tracer.counter("sent"));
    out
}

/// `Tracer 0: shop`.
fn headline(tracer: &Tracer) -> String {
    let service = shown(tracer.text("service").as_bytes(), SHORT);
    format!("Tracer {}: {}", tracer.index, if service.is_empty() { "no service is known" } else { &service })
}

/// Returns the name of the log's level.
pub fn level(image: &Image) -> Option<&'static str> {
    Level::from_number(i32::try_from(image.level?).ok()?).map(Level::name)
}

fn log(image: &Image, most: usize) -> String {
    let count = image.log.len();
    let waits = match count {
        0 if image.misses => "no record that waits can be read".to_owned(),
        0 => "no record waits".to_owned(),
        1 => "1 record waits for the host".to_owned(),
        _ => format!("{count} records wait for the host"),
    };
    let lost = if image.lost > 0 { format!(", {} lost", image.lost) } else { String::new() };
    let mut out = format!("Log: level {}, {waits}{lost}\n", level(image).unwrap_or("not known"));
    let earlier = count.saturating_sub(most);
    if earlier > 0 {
        let _ = writeln!(out, "  and {earlier} earlier: spanwire log 0 shows all");
    }
    for record in &image.log[earlier..] {
        let _ = writeln!(out, "  {}", shown(record, super::text::LONG));
    }
    out
}

fn events(image: &Image, most: usize) -> String {
    let recorder = match &image.recorder {
        Ok(recorder) => recorder,
        Err(why) => return format!("The flight recorder cannot be read: {why}\n"),
    };
    let (all, open) = (&recorder.events, still_open(&recorder.events));
    if all.is_empty() {
        return "No event is recorded.\n".into();
    }
    let shown = &all[all.len().saturating_sub(most)..];
    let mut out = format!("Events: the last {} of {}, oldest first\n", shown.len(), all.len());
    shown.iter().for_each(|event| out += &event_line(image, event, &open));
    if recorder.torn > 0 {
        let _ = writeln!(out, "Left out, since they were being written: {}", counted(recorder.torn, "event"));
    }
    out
}

fn event_line(image: &Image, event: &Event, open: &HashSet<u64>) -> String {
    let is_open = event.kind == Kind::SpanStarted as u64 && open.contains(&event.first);
    let (words, ago) = (event.describe(), age(image.as_of.unwrap_or(0).saturating_sub(event.time_ns)));
    format!("  {}  {ago:>9} ago  {words}{}\n", clock(event.time_ns), if is_open { "; still open" } else { "" })
}

/// Returns the ids of spans for which no end is recorded.
fn still_open(events: &[Event]) -> HashSet<u64> {
    let of = |wanted: fn(Kind) -> bool| {
        let kinds = events.iter().filter(move |event| Kind::of(event.kind).is_some_and(wanted));
        kinds.map(|event| event.first).collect::<HashSet<u64>>()
    };
    let ended = of(|kind| matches!(kind, Kind::SpanFinished | Kind::SpanDiscarded));
    of(|kind| kind == Kind::SpanStarted).difference(&ended).copied().collect()
}

fn settings(image: &Image) -> String {
    let mut out = String::new();
    for tracer in image.tracers.iter().filter(|tracer| tracer.live) {
        let _ = writeln!(out, "{}", headline(tracer));
        if tracer.card.is_null() {
            out += "  its settings cannot be read\n";
        }
        for [name, value, origin] in tracer.settings() {
            let (name, value, origin) = (clean(name, SHORT), clean(value, SHORT), clean(origin, SHORT));
            let gap = if value.is_empty() { "" } else { " " };
            let _ = writeln!(out, "  {name} ={gap}{value} ({origin})");
        }
    }
    if out.is_empty() {
        "No tracer is in use.\n".into()
    } else {
        out
    }
}

fn counters(image: &Image) -> String {
    let mut out = String::new();
    for tracer in image.tracers.iter().filter(|tracer| tracer.live) {
        let _ = writeln!(out, "{}", headline(tracer));
        for (name, value) in &tracer.counters {
            let _ = writeln!(out, "  {name:<24}{value}");
        }
    }
    if out.is_empty() {
        "No tracer is in use.\n".into()
    } else {
        out
    }
}
