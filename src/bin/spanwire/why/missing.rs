//! What it means that a process does not know a trace, with the evidence for it.

use super::ids::{began, Id};
use super::source::Source;
use crate::out::counted;
use spanwire::companion::recorder::layout::FATES;
use spanwire::companion::report::text::clock;
use spanwire::companion::sys;

/// Returns why a process does not know a trace: one sentence.
pub fn why(source: &Source, ids: &[Id]) -> String {
    let label = &source.label;
    if source.flare {
        let kept = counted(source.fates.len(), "trace");
        let oldest = source
            .fates
            .first()
            .map_or_else(String::new, |fate| format!(", the oldest of which is from {} UTC", date(fate.handed_ns)));
        return format!(
            "{label} holds {kept}{oldest}, and this one is not among them: it is older, was still open (its list of open spans \
             has the ids), or was never in that process"
        );
    }
    let Some(snapshot) = &source.snapshot else {
        return format!("{label}: its flight recorder cannot be read, so what became of its traces is not known");
    };
    if !source.own {
        return format!(
            "{label} was forked from process {} and has not called the library since: it has made no trace",
            snapshot.pid
        );
    }
    let started = ids.iter().find_map(|id| id.high.and_then(began)).map(|seconds| seconds * 1_000_000_000);
    let (made, oldest) = (snapshot.made_at, source.fates.first().map(|fate| fate.handed_ns));
    // The id has whole seconds.
    if let Some(started) = started.filter(|started| started + 1_000_000_000 < made) {
        return format!(
            "{label} made its first call at {} UTC, and the id says that the trace began at {} UTC: it was in a process \
             that has ended",
            date(made),
            date(started)
        );
    }
    let is_full = source.fates.len() + 64 >= FATES;
    if let Some(oldest) = oldest.filter(|_| is_full) {
        return match started {
            Some(started) if started + 1_000_000_000 < oldest => format!(
                "{label} keeps the last {FATES} traces, the oldest of which is from {} UTC; the id says that the trace began \
                 at {} UTC: it is older",
                date(oldest),
                date(started)
            ),
            Some(_) => format!(
                "{label} keeps the last {FATES} traces, the oldest of which is from {} UTC; this one began later and is not \
                 among them: it was never in this process",
                date(oldest)
            ),
            None => format!(
                "{label} keeps the last {FATES} traces, the oldest of which is from {} UTC; this one is older, or was never \
                 in this process",
                date(oldest)
            ),
        };
    }
    if let Some(off) = turned_off(source) {
        return format!("{label} {off}");
    }
    let refused = source.counter(None, "refused_starts");
    let kept = counted(source.fates.len(), "trace");
    let more = match refused {
        0 => String::new(),
        _ => format!(
            "; it refused {} of a span, because the tracer was shut down or SPANWIRE_MEMORY_MAX was reached \
             (counter refused_starts)",
            counted(refused as usize, "start")
        ),
    };
    let open = source.open_spans();
    let open = if open > 0 { format!(" and has {} open", counted(open as usize, "span")) } else { String::new() };
    format!("{label} knows all its {kept} since {} UTC{open}, and this one is not among them: it was never in this process{more}", date(made))
}

/// Says why a process makes no traces.
fn turned_off(source: &Source) -> Option<String> {
    let snapshot = source.snapshot.as_ref()?;
    if snapshot.tracers.is_empty() {
        return Some("has called the library and has no tracer: it makes no traces".into());
    }
    if let Some(image) = &source.image {
        let mut used = image.tracers.iter().filter(|tracer| tracer.live).peekable();
        if used.peek().is_some() && used.all(|tracer| !tracer.enabled) {
            return Some(match source.setting(None, "DD_TRACE_ENABLED") {
                Some((value, origin)) if !matches!(value.as_str(), "true" | "1") => {
                    format!("makes no traces: tracing is disabled by DD_TRACE_ENABLED={value}, set by {}", of(&origin))
                }
                _ if snapshot.panics > 0 => {
                    format!("makes no traces: tracing has turned itself off after {} internal errors", snapshot.panics)
                }
                _ => "makes no traces: tracing is disabled".into(),
            });
        }
    }
    let ran = source.counter(None, "finished") + source.counter(None, "abandoned") + source.counter(None, "discarded");
    if ran == 0 && source.open_spans() == 0 && source.counter(None, "refused_starts") == 0 {
        return Some("has a tracer, and has started no span".into());
    }
    None
}

/// Returns where a setting is from, in words.
pub fn of(origin: &str) -> &str {
    match origin {
        "env" => "the environment",
        "code" | "code_default" => "the program's code",
        "default" => "the library's default",
        "local_stable_config" => "the machine's application_monitoring.yaml",
        "fleet_stable_config" => "Fleet Automation's application_monitoring.yaml",
        "file" => "a configuration file",
        "remote_config" => "remote configuration",
        other => other,
    }
}

fn date(ns: u64) -> String {
    let (year, month, day, ..) = sys::utc_time(ns);
    let text = clock(ns);
    format!("{year:04}-{month:02}-{day:02} {}", &text[..8])
}
