//! Makes records of events: decides whether an event is wanted and within its limits, lets the language write its
//! lines, and hands each line that its logger's level admits to `deliver`. Runs on the thread that the event happens
//! on.

use super::deliver::{deliver, deliver_at_once, gather, Start};
use super::limit::Policy;
use super::record::Record;
use super::shared::{now_ms, Shared};
use super::{aggregate, recorded, sink};
use crate::event::Event;
use crate::languages::limits::HeldBack;
use crate::languages::line::{About, Frame, Line};
use crate::level::Level;
use crate::sys;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

/// Records the event in the flight recorder, and delivers the records that it makes and that their loggers' levels
/// admit, unless a limit holds it back. Never waits for output. `start` starts the log thread if there is work for it.
pub(super) fn emit(shared: &Arc<Shared>, event: &Event<'_>, start: Start) {
    recorded::keep(&shared.recorder, event);
    // A language may log a rare event, or one above debug, at another level: that is decided line by line.
    let least = match shared.dialect().event_level(event) {
        Level::Off => return,
        level @ (Level::Debug | Level::Trace) if !event.is_rare() => level,
        _ => Level::Error,
    };
    if shared.switch.admits(least, now_ms) {
        // Waking a reader is a cancellation point, and this may be a thread of the host.
        sys::uncancelled(|| compose(shared, event, start));
    }
}

fn compose(shared: &Arc<Shared>, event: &Event<'_>, start: Start) {
    if sink::inside(shared.generation) {
        shared.counts.inside_sinks.fetch_add(1, Ordering::Relaxed);
        return;
    }
    // Without a ring and outputs, format only what is rare, for flares.
    let wanted = event.level() <= Level::Info || shared.kept.is_preparing();
    if !wanted && !shared.has_ring() && shared.push_level() == Level::Off as u8 {
        return;
    }
    let Some(held_back) = limit(shared, event) else {
        shared.counts.held_back.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let (time_ns, lines) = lines(shared, event, held_back);
    for line in lines {
        if wants(shared, &line) {
            hand_on(shared, event, line, time_ns, start);
        }
    }
}

fn hand_on(shared: &Arc<Shared>, event: &Event<'_>, line: Line, time_ns: u64, start: Start) {
    let (target, config) = (event.kind(), shared.config.get());
    // An error is gathered if it has a template or is a failure to send; others differ each time.
    let sending = matches!(target, "agent.refused" | "agent.unreachable" | "spans.dropped");
    let gathered = line.level == Level::Error && (sending || !line.template.is_empty());
    let aggregate = config.and_then(|config| config.aggregate).filter(|_| gathered);
    let template = if line.template.is_empty() { target } else { line.template };
    let record = Record::of(line, target, time_ns);
    match aggregate {
        // The thread that could not be started may be the log thread.
        _ if matches!(event, Event::ThreadNotStarted { .. }) => deliver_at_once(shared, record, start),
        None => deliver(shared, Arc::new(record), start),
        Some(Duration::ZERO) => deliver(shared, Arc::new(aggregate::said(record, 1, shared.zone())), start),
        Some(period) => gather(shared, template, record, period, start),
    }
}

/// Makes the first record of an event about the log itself, without levels and limits.
pub(super) fn record(shared: &Shared, event: &Event<'_>) -> Record {
    recorded::keep(&shared.recorder, event);
    let (time_ns, lines) = lines(shared, event, HeldBack::default());
    match lines.into_iter().next() {
        Some(line) => Record::of(line, event.kind(), time_ns),
        None => Record::new(event.level()),
    }
}

/// Returns what was held back before this event, or `None` to hold it back too.
fn limit(shared: &Shared, event: &Event<'_>) -> Option<HeldBack> {
    let config = shared.config.get();
    let (rate, once) = config.map_or((None, true), |config| (config.rate, config.once));
    let policy = Policy { language: shared.dialect().language, rate, once };
    let Some(subject) = policy.subject(event, shared.switch.debug(now_ms)) else { return Some(HeldBack::default()) };
    shared.limiter.lock().unwrap_or_else(PoisonError::into_inner).admit(subject, sys::monotonic_ns())
}

/// Returns the event's lines and their time.
fn lines(shared: &Shared, event: &Event<'_>, held_back: HeldBack) -> (u64, Vec<Line>) {
    static UNKNOWN: OnceLock<About> = OnceLock::new();
    let (time_ns, config, mut name) = (sys::wall_ns(), shared.config.get(), [0; 16]);
    let dialect = shared.dialect();
    let frame = Frame {
        time_ns,
        pid: shared.epoch_pid,
        thread: if dialect.language.thread_names { sys::thread_name(&mut name) } else { "" },
        held_back,
        debug: shared.switch.debug(now_ms),
        about: config.map_or_else(|| UNKNOWN.get_or_init(About::default), |config| &config.about),
        zone: shared.zone(),
    };
    let mut lines = Vec::new();
    dialect.lines(&frame, event, &mut lines);
    #[cfg(test)]
    lines.iter().for_each(|line| super::tests::panic_if_asked(&line.text, "in a dialect"));
    (time_ns, lines)
}

/// Whether the level of the line's logger admits it.
fn wants(shared: &Shared, line: &Line) -> bool {
    let root = || {
        let chosen = shared.switch.level_chosen() || shared.config.get().is_some_and(|config| config.level_given);
        shared.filter.root().filter(|_| !chosen && !shared.switch.debug(now_ms))
    };
    let level = shared.filter.level_of(&line.logger).or_else(root);
    line.level <= level.unwrap_or_else(|| shared.switch.base(now_ms)).max(shared.switch.raised())
}
