//! Makes records of events: decides whether an event is wanted and within its limits, lets the language write its
//! lines, and hands each line that its logger's level admits to `deliver`. Decides on the thread that the event happens
//! on. Of events that happen for each span or trace only the facts are kept there, and the records are made by the log
//! thread, or where the host pulls them.

use super::deliver::{deliver, deliver_at_once, deliver_facts, gather, Start};
use super::limit::Policy;
use super::moment::{Levels, Moment};
use super::queue::{Kept, FACTS_MAX};
use super::record::Record;
use super::shared::{now_ms, Plan, Shared};
use super::switch::InForce;
use super::{aggregate, recorded, sink};
use crate::event::facts::Lists;
use crate::event::{Event, Facts};
use crate::languages::limits::HeldBack;
use crate::languages::line::{About, Line};
use crate::languages::remembered::Remembered;
use crate::level::Level;
use crate::sys;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

/// Records the event in the flight recorder, and delivers the records that it makes and that their loggers' levels
/// admit, unless a limit holds it back. Never waits for output. `start` starts the log thread if there is work for it.
pub(super) fn emit(shared: &Arc<Shared>, event: &Event<'_>, start: Start) {
    recorded::keep(&shared.recorder, event);
    let levels = shared.switch.in_force(now_ms);
    if levels.admits(least(shared, event)) {
        // Waking a reader is a cancellation point, and this may be a thread of the host.
        sys::uncancelled(|| {
            if let Some(moment) = admit(shared, event, levels) {
                compose(shared, event, &moment, start);
            }
        });
    }
}

/// Does the same for an event that happens for each span or trace; it has facts of its own in the flight recorder. Keeps
/// the facts, of which records are made later.
pub(super) fn emit_facts(shared: &Arc<Shared>, facts: Facts, start: Start) {
    let levels = shared.switch.in_force(now_ms);
    let Some(plan) = plan(shared, &facts).filter(|plan| levels.admits(plan.level)) else { return };
    let moment = if plan.is_usual && shared.filter.is_unused() {
        is_made_outside_sinks(shared).then(|| Moment::usual(levels.base.max(levels.raised), levels.debug))
    } else {
        facts.outline(|event| admit(shared, event, levels)).flatten()
    };
    let Some(moment) = moment else { return };
    // Too large to wait beside others, or expected by a flare.
    if facts.weight() > FACTS_MAX || shared.kept.is_preparing() {
        sys::uncancelled(|| facts.with(|event| compose(shared, event, &moment, start)));
        return;
    }
    deliver_facts(shared, plan.loudest, Kept { facts, moment, pushed: false }, start);
}

/// Returns the plan of the event of these facts.
#[inline]
fn plan(shared: &Shared, facts: &Facts) -> Option<Plan> {
    if let Some(plans) = shared.plans.get() {
        return plans.get(facts.kind_number()?).copied();
    }
    plan_now(shared, facts)
}

/// Makes the plan of the event of these facts, and all plans once the language is known for good.
#[cold]
#[inline(never)]
fn plan_now(shared: &Shared, facts: &Facts) -> Option<Plan> {
    let of = |facts: &Facts| {
        facts.outline(|event| {
            let level = least(shared, event);
            let is_limited = policy(shared).subject(event, false).is_some();
            let is_usual = !is_limited && !shared.dialect().language.thread_names;
            Plan { level, loudest: facts.loudest(level), is_usual }
        })
    };
    if shared.config.get().is_some() {
        let all: Vec<Plan> = Facts::of_each_kind().iter().filter_map(of).collect();
        if let Ok(all) = all.try_into() {
            let _ = shared.plans.set(all);
        }
    }
    of(facts)
}

/// Returns the level that must be logged for the event to make a record. A language may log a rare event, or one above
/// debug, at another level: that is decided line by line.
fn least(shared: &Shared, event: &Event<'_>) -> Level {
    let dialect = shared.dialect();
    match dialect.event_level(event) {
        Level::Off => Level::Off,
        level @ (Level::Debug | Level::Trace) if !event.is_rare() || dialect.has_own_words() => level,
        _ => Level::Error,
    }
}

/// Returns what the event's records need to know of this moment; `None` if nothing takes them or a limit holds them back.
fn admit(shared: &Shared, event: &Event<'_>, levels: InForce) -> Option<Moment> {
    if !is_taken(shared, event.level()) {
        return None;
    }
    let Some(held_back) = limit(shared, event, levels.debug) else {
        shared.counts.held_back.fetch_add(1, Ordering::Relaxed);
        return None;
    };
    Some(moment(shared, levels, held_back))
}

/// Whether anything takes records of this level that are made on this thread.
fn is_taken(shared: &Shared, level: Level) -> bool {
    if !is_made_outside_sinks(shared) {
        return false;
    }
    // Without a ring and outputs, format only what is rare, for flares.
    let wanted = level <= Level::Info || shared.kept.is_preparing();
    wanted || shared.has_ring() || shared.push_level() != Level::Off as u8
}

/// Whether an event of this thread is not one that a sink's callback has caused, which would never end. Counts it otherwise.
#[inline]
fn is_made_outside_sinks(shared: &Shared) -> bool {
    let outside = !sink::inside(shared.generation);
    if !outside {
        shared.counts.inside_sinks.fetch_add(1, Ordering::Relaxed);
    }
    outside
}

/// Returns this moment with the levels that hold.
pub(super) fn moment(shared: &Shared, levels: InForce, held_back: HeldBack) -> Moment {
    let InForce { base, debug, raised, .. } = levels;
    let chosen = || shared.switch.level_chosen() || shared.config.get().is_some_and(|config| config.level_given);
    let rules = shared.filter.rules();
    let root = !rules.is_empty() && !debug && !chosen();
    let levels = Levels { base, debug, raised, root, rules };
    Moment::now(levels, held_back, shared.dialect().language.thread_names)
}

fn compose(shared: &Arc<Shared>, event: &Event<'_>, moment: &Moment, start: Start) {
    for line in lines(shared, event, moment) {
        if moment.admits(&line) {
            hand_on(shared, event, line, moment.time_ns, start);
        }
    }
}

/// Makes the records of an event whose facts were kept.
pub(super) fn records(shared: &Shared, kept: &Kept) -> Vec<Arc<Record>> {
    let (mut made, mut room) = (Vec::new(), Vec::new());
    records_into(shared, kept, &mut made, &mut room, &mut Lists::default(), None);
    made
}

/// Does the same with lists that are used again, and with a memory of texts. `room` is empty before and after.
pub(super) fn records_into(
    shared: &Shared,
    kept: &Kept,
    made: &mut Vec<Arc<Record>>,
    room: &mut Vec<Line>,
    lists: &mut Lists<'static>,
    remembered: Option<&Remembered>,
) {
    let Kept { facts, moment, .. } = kept;
    facts.with_lists(lists, |event| {
        add_lines(shared, event, moment, remembered, room);
        for line in room.drain(..) {
            if moment.admits(&line) {
                made.push(Arc::new(Record::of(line, event.logger(), moment.time_ns)));
            }
        }
    });
}

fn hand_on(shared: &Arc<Shared>, event: &Event<'_>, line: Line, time_ns: u64, start: Start) {
    let (target, config) = (event.kind(), shared.config.get());
    // An error is gathered if it has a template or is a failure to send; others differ each time.
    let sending = matches!(target, "agent.refused" | "agent.unreachable" | "spans.dropped");
    let gathered = line.level == Level::Error && (sending || !line.template.is_empty());
    let aggregate = config.and_then(|config| config.aggregate).filter(|_| gathered);
    let template = if line.template.is_empty() { target } else { line.template };
    let record = Record::of(line, event.logger(), time_ns);
    match aggregate {
        // The thread that could not be started may be the log thread.
        _ if matches!(event, Event::ThreadNotStarted { .. }) => deliver_at_once(shared, record, start),
        None => deliver(shared, Arc::new(record), start),
        Some(Duration::ZERO) => deliver(shared, Arc::new(aggregate::said(record, 1, shared.zone())), start),
        Some(period) => gather(shared, template, record, period, start),
    }
}

/// Makes the first record of an event about the log itself, without levels and limits, and records the event in the flight
/// recorder.
pub(super) fn record(shared: &Shared, event: &Event<'_>) -> Record {
    recorded::keep(&shared.recorder, event);
    unrecorded(shared, event)
}

/// Does the same without the flight recorder.
pub(super) fn unrecorded(shared: &Shared, event: &Event<'_>) -> Record {
    let moment = moment(shared, shared.switch.in_force(now_ms), HeldBack::default());
    match lines(shared, event, &moment).into_iter().next() {
        Some(line) => Record::of(line, event.logger(), moment.time_ns),
        None => Record::new(event.level()),
    }
}

/// Returns what was held back before this event, or `None` to hold it back too.
fn limit(shared: &Shared, event: &Event<'_>, debug: bool) -> Option<HeldBack> {
    let Some(subject) = policy(shared).subject(event, debug) else { return Some(HeldBack::default()) };
    shared.limiter.lock().unwrap_or_else(PoisonError::into_inner).admit(subject, sys::monotonic_ns())
}

fn policy(shared: &Shared) -> Policy {
    let (rate, once) = shared.config.get().map_or((None, true), |config| (config.rate, config.once));
    Policy { language: shared.dialect().language, rate, once }
}

/// Returns the event's lines.
fn lines(shared: &Shared, event: &Event<'_>, moment: &Moment) -> Vec<Line> {
    let mut lines = Vec::new();
    add_lines(shared, event, moment, None, &mut lines);
    lines
}

fn add_lines(
    shared: &Shared,
    event: &Event<'_>,
    moment: &Moment,
    remembered: Option<&Remembered>,
    lines: &mut Vec<Line>,
) {
    static UNKNOWN: OnceLock<About> = OnceLock::new();
    let about = shared.config.get().map(|config| &config.about);
    let about = about.unwrap_or_else(|| UNKNOWN.get_or_init(About::default));
    let frame = moment.frame(shared.epoch_pid, about, shared.zone(), remembered);
    shared.dialect().lines(&frame, event, lines);
    #[cfg(test)]
    lines.iter().for_each(|line| super::tests::panic_if_asked(&line.text, "in a dialect"));
}
