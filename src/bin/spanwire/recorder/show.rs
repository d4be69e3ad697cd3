//! Formats a flight recorder as text for people and as JSON for scripts.

use super::find::Found;
use crate::out::{counted, Paint};
use serde_json::{json, Map, Value};
use spanwire::companion::counters::NAMES;
use spanwire::companion::recorder::snapshot::{Event, TracerCounts};
use spanwire::companion::recorder::Kind;
use spanwire::companion::report::text::clock;
use spanwire::companion::sys;
use std::collections::HashSet;
use std::fmt::Write;

/// Default number of events that are shown.
pub const USUAL: usize = 100;

/// Returns the ids of spans that were started and neither finished nor discarded. This is reliable: the events of a
/// span are in one shard, which overwrites older events first.
fn open(events: &[Event]) -> HashSet<(u32, u64)> {
    let (mut open, mut ended) = (HashSet::new(), HashSet::new());
    for event in events {
        match Kind::of(event.kind) {
            Some(Kind::SpanStarted) => open.insert((event.shard, event.first)),
            Some(Kind::SpanFinished | Kind::SpanDiscarded) => ended.insert((event.shard, event.first)),
            _ => false,
        };
    }
    open.retain(|span| !ended.contains(span));
    open
}

fn is_open(event: &Event, open: &HashSet<(u32, u64)>) -> bool {
    event.kind == Kind::SpanStarted as u64 && open.contains(&(event.shard, event.first))
}

/// Returns the last `last` events; all if it is 0.
fn latest(events: &[Event], last: usize) -> &[Event] {
    let left_out = if last == 0 { 0 } else { events.len().saturating_sub(last) };
    &events[left_out..]
}

/// Returns everything as one JSON object.
pub fn json(found: &Found, last: usize) -> Value {
    let snapshot = &found.snapshot;
    let open = open(&snapshot.events);
    let tracer = |tracer: &TracerCounts| {
        let counters: Map<String, Value> =
            NAMES.iter().zip(tracer.counters).map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        json!({ "index": tracer.index, "service": tracer.service, "shut_down": tracer.closed, "counters": counters })
    };
    let event = |event: &Event| {
        let mut object = json!({
            "time_ns": event.time_ns, "kind": event.kind, "name": event.name(), "first": event.first,
            "second": event.second, "text": event.describe(),
        });
        let flags = [("error", event.error), ("open", is_open(event, &open))];
        for (name, _) in flags.into_iter().filter(|(_, set)| *set) {
            object[name] = true.into();
        }
        object
    };
    let (major, minor, patch) = snapshot.library;
    json!({
        "pid": found.pid,
        "own": found.own,
        "recorder": {
            "pid": snapshot.pid, "parent_pid": snapshot.parent_pid, "epoch": snapshot.epoch,
            "made_at_ns": snapshot.made_at, "library": format!("{major}.{minor}.{patch}"),
        },
        "as_of_ns": snapshot.as_of,
        "memory_used": snapshot.memory_used,
        "memory_max": snapshot.memory_max,
        "open_spans": snapshot.open_spans,
        "panics": snapshot.panics,
        "tracers": snapshot.tracers.iter().map(tracer).collect::<Vec<_>>(),
        "events_written": snapshot.written,
        "events_torn": snapshot.torn,
        "events": latest(&snapshot.events, last).iter().map(event).collect::<Vec<_>>(),
    })
}

/// Returns the text for people: the process, its tracers with their counters, then the events, oldest first.
pub fn text(found: &Found, last: usize, paint: Paint) -> String {
    let (snapshot, now, mut out) = (&found.snapshot, sys::wall_ns(), String::new());
    let (major, minor, patch) = snapshot.library;
    let who = format!("Process {}", found.pid);
    let _ = writeln!(
        out,
        "{}, spanwire {major}.{minor}.{patch}, recording since {} UTC{}",
        paint.strong(&who),
        date(snapshot.made_at),
        if snapshot.epoch > 1 { format!(", forked from process {}", snapshot.parent_pid) } else { String::new() },
    );
    if !found.own {
        let note = format!(
            "This recorder is of process {}, of which {} is a forked child; {} itself has not called the library since \
             the fork.",
            snapshot.pid, found.pid, found.pid
        );
        let _ = writeln!(out, "{}", paint.bad(&note));
    }
    let _ = writeln!(
        out,
        "{} open, {} of {} in use, counted {} ago",
        counted(snapshot.open_spans as usize, "span"),
        size(snapshot.memory_used),
        size(snapshot.memory_max),
        age(now, snapshot.as_of)
    );
    if snapshot.panics > 0 {
        let _ = writeln!(out, "{}", paint.bad(&format!("panics caught in the library: {}", snapshot.panics)));
    }
    for tracer in &snapshot.tracers {
        out.push('\n');
        out += &tracer_text(tracer, paint);
    }
    if snapshot.tracers.is_empty() {
        out += "\nNo tracer is in use.\n";
    }
    out.push('\n');
    out += &events_text(found, last, now, paint);
    out
}

fn tracer_text(tracer: &TracerCounts, paint: Paint) -> String {
    let service = if tracer.service.is_empty() { "no service" } else { &tracer.service };
    let closed = if tracer.closed { ", shut down" } else { "" };
    let mut out = format!("{} {service}{closed}\n", paint.strong(&format!("Tracer {}", tracer.index)));
    let get = |name| tracer.get(name);
    let queued = get("enqueued").saturating_sub(get("taken").saturating_add(get("removed")));
    let numbers = [
        ("finished", get("finished")),
        ("queued", queued),
        ("in flight", get("taken").saturating_sub(get("resolved"))),
        ("sent", get("sent")),
        ("abandoned", get("abandoned")),
        ("discarded", get("discarded")),
    ];
    let words = numbers.map(|(name, n)| format!("{} {n}", paint.dim(name)));
    let _ = writeln!(out, "  spans     {}", words.join("  "));
    let numbers = [
        ("sent", get("payloads_sent")),
        ("bytes", get("bytes_sent")),
        ("failed attempts", get("attempts_failed")),
        ("of unknown fate", get("payloads_unknown")),
    ];
    let words = numbers.map(|(name, n)| format!("{} {n}", paint.dim(name)));
    let _ = writeln!(out, "  payloads  {}", words.join("  "));
    let losses: Vec<String> = NAMES
        .iter()
        .filter(|name| name.starts_with("dropped_") || ["refused_starts", "tags_dropped"].contains(name))
        .filter(|name| get(name) > 0)
        .map(|name| format!("{} {}", name.trim_start_matches("dropped_"), get(name)))
        .collect();
    if !losses.is_empty() {
        let _ = writeln!(out, "  {}   {}", paint.bad("dropped"), losses.join("  "));
    }
    out
}

fn events_text(found: &Found, last: usize, now: u64, paint: Paint) -> String {
    let snapshot = &found.snapshot;
    let (shown, open, mut out) = (latest(&snapshot.events, last), open(&snapshot.events), String::new());
    let of = snapshot.events.len();
    let more = if shown.len() < of { format!("; --last 0 shows all {of}") } else { String::new() };
    let head = format!("The last {}", counted(shown.len(), "event"));
    let _ = writeln!(out, "{}, oldest first, of {} ever{more}", paint.strong(&head), snapshot.written);
    for event in shown {
        let age = format!("{:>8} ago", age(now, event.time_ns));
        let words = event.describe();
        let bad = matches!(
            Kind::of(event.kind),
            Some(
                Kind::AgentRefused
                    | Kind::AgentUnreachable
                    | Kind::SpansDropped
                    | Kind::LossBegan
                    | Kind::SpansAbandoned
                    | Kind::PanicCaught
            )
        );
        let words = if bad || event.error { paint.bad(&words) } else { words };
        let open = if is_open(event, &open) { paint.strong("; still open") } else { String::new() };
        let _ = writeln!(out, "  {}  {}  {words}{open}", paint.time(&clock(event.time_ns)), paint.dim(&age));
    }
    if !open.is_empty() {
        let _ = writeln!(out, "Open spans among all recorded events: {}", open.len());
    }
    if snapshot.torn > 0 {
        let _ = writeln!(out, "Left out because they were being written: {}", counted(snapshot.torn as usize, "event"));
    }
    out
}

fn date(ns: u64) -> String {
    let (year, month, day, hour, minute, second) = sys::utc_time(ns);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Returns the time between two times, in a unit that suits.
pub fn age(now: u64, then: u64) -> String {
    let ms = now.saturating_sub(then) / 1_000_000;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{:.1} s", ms as f64 / 1e3),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}
