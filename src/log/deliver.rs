//! Delivers records: to the ring, from which the host pulls, and to the queue of the log thread, which writes them to
//! standard error, files and sinks. Never waits for output.

use super::queue::{Item, Kept};
use super::record::Record;
use super::shared::Shared;
use crate::level::Level;
use crate::lines::Lines;
use crate::sys;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

/// Starts the log thread. The log thread itself passes a function that does nothing.
pub(super) type Start = fn(&Arc<Shared>);

/// Gives a record to the outputs and to the ring, where they take its level.
pub(super) fn deliver(shared: &Arc<Shared>, record: Arc<Record>, start: Start) {
    if record.level as u8 <= shared.push_level() {
        let _ = push(shared, record.clone().into(), start);
    }
    keep(shared, record);
}

/// Gives the facts of an event whose most important record has this level to the log thread and to the ring, where they take it.
pub(super) fn deliver_facts(shared: &Arc<Shared>, level: Level, mut kept: Kept, start: Start) {
    let (pushed, ring) = (level as u8 <= shared.push_level(), shared.has_ring());
    if pushed {
        let copy = ring.then(|| copied(&kept));
        let queued = note(shared, shared.push.add_kept(kept), start);
        let Some(copy) = copy else { return };
        kept = Kept { pushed: queued, ..copy };
    } else if !ring {
        return;
    }
    // Waking a reader is a cancellation point, and this may be a thread of the host.
    sys::uncancelled(|| shared.ring.push(kept));
}

#[inline(never)]
fn copied(kept: &Kept) -> Kept {
    kept.clone()
}

/// Gives an item to the log thread. Returns false if it has no room.
fn push(shared: &Arc<Shared>, item: Item, start: Start) -> bool {
    note(shared, shared.push.add(item), start)
}

/// Counts an item that was not queued, and starts the log thread if needed. Returns whether the item was queued.
#[inline(always)]
fn note(shared: &Arc<Shared>, (queued, begin): (bool, bool), start: Start) -> bool {
    if !queued {
        shared.counts.push_lost.fetch_add(1, Ordering::Relaxed);
    }
    if begin {
        sys::uncancelled(|| start(shared));
    }
    queued
}

/// Delivers a record that must not wait for the log thread, because that thread may not start either. If it does not,
/// the calling thread writes the record to standard error, provided that this does not block.
pub(super) fn deliver_at_once(shared: &Arc<Shared>, mut record: Record, start: Start) {
    if record.level as u8 <= shared.push_level() {
        if shared.push.claim() {
            start(shared);
        }
        if !shared.push.is_alive() && record.level <= shared.stderr_level() {
            let line = [record.text.as_bytes(), b"\n"].concat();
            record.on_stderr = Lines::to_given(shared.given.standard_error).write(&line, Duration::ZERO).is_ok();
        }
    }
    deliver(shared, Arc::new(record), start);
}

/// Keeps an error until its window is over. The log thread wakes up at the end of the window.
pub(super) fn gather(shared: &Arc<Shared>, template: &str, record: Record, period: Duration, start: Start) {
    let opened = shared.gathered.add(template, record, period.as_nanos() as u64, sys::monotonic_ns());
    deliver_gathered(shared, false, start);
    if opened && shared.push.wake() {
        start(shared);
    }
}

/// Delivers gathered errors: those whose window is over, or `all`.
pub(super) fn deliver_gathered(shared: &Arc<Shared>, all: bool, start: Start) {
    for record in shared.gathered.due(sys::monotonic_ns(), all, shared.zone()) {
        deliver(shared, Arc::new(record), start);
    }
}

/// Keeps a record for flares, and for the host to pull, if there is a ring.
pub(super) fn keep(shared: &Shared, record: Arc<Record>) {
    shared.kept.push(record.clone());
    if shared.has_ring() {
        shared.ring.push(record);
    }
}
