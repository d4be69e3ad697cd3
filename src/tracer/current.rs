//! The state of the running process. Made by the first call, and made anew by the first call in a forked child, which keeps
//! settings, handles of tracers and sinks, and starts with empty queues, counters at zero and no threads. Whatever is
//! called without a state at hand (by the C boundary, by workers, by a thread that unlocks a slot) begins here.

use super::state::State;
use super::{abandoned, closing, ending, recording};
use crate::export::Chores;
use crate::inspect;
use crate::log::event::Event;
use crate::log::Logs;
use crate::memory;
use crate::process::PerProcess;
use crate::recorder::{Kind, Recorder};
use crate::span::clock;
use crate::span::table::{self, Table, LAST_GENERATION};
use crate::sys;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

static STATE: PerProcess<State> = PerProcess::new();

/// This process's state.
#[inline]
pub fn state() -> &'static State {
    STATE.get().unwrap_or_else(make)
}

#[cold]
fn make() -> &'static State {
    sys::uncancelled(|| sys::keep_errno(make_now))
}

fn make_now() -> &'static State {
    let state = STATE.get_or_make(|inherited| inherited.map_or_else(first, after_fork));
    if state.epoch > 1 {
        let parent_pid = std::os::unix::process::parent_id();
        state.shared.recorder.rare(Kind::ProcessForked, parent_pid.into(), u64::from(state.epoch) - 1);
        state.shared.logs.emit(&Event::Forked { parent_pid });
    }
    inspect::publish(std::ptr::from_ref(state) as usize, || state.descriptors());
    state
}

/// Notices a fork that nothing else could notice.
pub fn after_fork_child() {
    STATE.forget_if(|state| state.pid != sys::pid());
    state();
}

#[inline(never)]
fn first() -> State {
    clock::begin();
    let recorder = Recorder::new(sys::pid(), 1, clock::scale());
    let logs = Logs::recorded_by(recorder);
    table::on_request(on_request);
    let (spans, traces) = (Table::new(LAST_GENERATION), Table::new(LAST_GENERATION));
    State::with(1, spans, traces, logs, recorder, Recorder::none(), CHORES)
}

#[inline(never)]
fn after_fork(inherited: &State) -> State {
    sys::begin_generation(inherited.epoch + 1);
    memory::forget_all();
    let (spans, traces) = (Table::after_fork(&inherited.spans), Table::after_fork(&inherited.traces));
    // The parent's stays as it is: mapped, open, and not written to by anybody here.
    let recorder = Recorder::new(sys::pid(), inherited.epoch + 1, clock::scale());
    let logs = Logs::after_fork(&inherited.shared.logs, recorder);
    let parents = inherited.shared.recorder;
    let state = State::with(inherited.epoch + 1, spans, traces, logs, recorder, parents, CHORES);
    state.tracers.inherit(&state, &inherited.tracers);
    state.exporters.iter().for_each(|exporter| exporter.inherit_names(&inherited.exporters));
    // A start-up line that the parent has said is said; one that a parent without spans never got to is the child's.
    for (account, parents) in state.shared.accounts.iter().zip(&inherited.shared.accounts) {
        account.announced.store(parents.announced.load(Relaxed), Relaxed);
    }
    recording::refresh_all(&state);
    // Last, since it is read above: what the parent left open, and all that is older than the parent.
    sys::close_inherited();
    // Once: a child that another thread forks at this moment begins with the same state and comes here too, and by
    // then the host may have memory of its own at that address.
    static UNMAPPED: AtomicU32 = AtomicU32::new(0);
    if UNMAPPED.swap(inherited.epoch, Relaxed) != inherited.epoch {
        inherited.parents_recorder.unmap_inherited();
    }
    sys::free_older_generations();
    state
}

const CHORES: Chores = Chores { tick, minute, turn_off };

/// What a worker does each minute.
fn minute() {
    let state = state();
    abandoned::look(state);
    state.shared.pool.empty();
    state.spans.clean_free(false, |span| {
        span.retire();
        true
    });
}

/// What a worker does each time that it looks up.
fn tick() {
    let state = state();
    ending::run_requests(state);
    closing::abandon_more(state);
    recording::refresh(state);
}

fn turn_off() {
    let state = state();
    state.tracers.turn_off(state);
}

/// For a thread that has unlocked a span or a trace and sees a request.
fn on_request() {
    sys::keep_errno(|| ending::run_requests(state()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_debuggers_are_told_holds_together() {
        let descriptors = state().descriptors();
        assert_eq!(inspect::table::tests::faults(&descriptors), Vec::<String>::new());
        assert!(descriptors.len() >= 20, "{}", descriptors.len());
    }
}
