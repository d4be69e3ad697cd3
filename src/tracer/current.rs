//! The state of the running process. The first call makes it. The first call in a forked child makes a new one that
//! keeps settings, handles of tracers and sinks, and starts with empty queues, counters at zero and no threads. The C
//! boundary, the workers' periodic tasks and a thread that sees a request when it unlocks a slot get the state here;
//! everything below gets it as an argument.

use super::contexts::Contexts;
use super::state::State;
use super::{abandoned, closing, controlling, ending, recording, relieving, remote};
use crate::event::Event;
use crate::export::periodic::{Task, When};
use crate::inspect;
use crate::log::Logs;
use crate::memory;
use crate::process::PerProcess;
use crate::recorder::{Kind, Recorder};
use crate::settings::AgentAddress;
use crate::span::clock;
use crate::span::table::{self, Table, LAST_GENERATION};
use crate::sys;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

static STATE: PerProcess<State> = PerProcess::new();

/// Returns the state of this process.
#[inline]
pub fn state() -> &'static State {
    STATE.get().unwrap_or_else(make)
}

/// Returns the state if this process has one.
#[inline(always)]
pub fn made() -> Option<&'static State> {
    STATE.get()
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

/// Makes the state of a forked child whose fork the kernel's wiped page does not show.
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
    let tables = (Table::new(LAST_GENERATION), Table::new(LAST_GENERATION), Contexts::new(LAST_GENERATION));
    State::with(1, tables, logs, recorder, Recorder::none(), (tasks(), tasks_of), turn_off)
}

#[inline(never)]
fn after_fork(inherited: &State) -> State {
    sys::begin_generation(inherited.epoch + 1);
    memory::forget_all();
    let contexts = Contexts::after_fork(&inherited.contexts);
    let tables = (Table::after_fork(&inherited.spans), Table::after_fork(&inherited.traces), contexts);
    // The parent's recorder stays mapped and open; this process does not write to it.
    let recorder = Recorder::new(sys::pid(), inherited.epoch + 1, clock::scale());
    let logs = Logs::after_fork(&inherited.shared.logs, recorder);
    let parents = inherited.shared.recorder;
    let state = State::with(inherited.epoch + 1, tables, logs, recorder, parents, (tasks(), tasks_of), turn_off);
    state.tracers.inherit(&state, &inherited.tracers);
    state.exporters.iter().for_each(|exporter| exporter.inherit_names(&inherited.exporters[..]));
    state.exporters.iter().for_each(|exporter| exporter.inherit_rates(&inherited.exporters[..]));
    // The child logs a start-up line only if the parent has not.
    for (account, parents) in state.shared.accounts.iter().zip(inherited.shared.accounts.iter()) {
        account.announced.store(parents.announced.load(Relaxed), Relaxed);
    }
    recording::refresh_all(&state);
    // Last, because it is read above: closes what the parent left open, and frees what is older than the parent.
    sys::close_inherited();
    // Once: a child that another thread forks at this moment starts with the same state and comes here, too; by then
    // the host may have mapped memory of its own at that address.
    static UNMAPPED: AtomicU32 = AtomicU32::new(0);
    if UNMAPPED.swap(inherited.epoch, Relaxed) != inherited.epoch {
        inherited.parents_recorder.unmap_inherited();
    }
    sys::free_older_generations();
    state
}

/// Returns the periodic tasks that workers run for tracers. None of them blocks.
fn tasks() -> Vec<Task> {
    let minute = When::Every(Duration::from_secs(60));
    vec![
        Task::local("requests", When::EachWake, || ending::run_requests(state())),
        Task::local("abandoning", When::EachWake, || closing::abandon_more(state())),
        Task::local("short memory", When::EachWake, || relieving::relieve(state())),
        Task::local("recorded counters", When::EachWake, || recording::refresh(state())),
        Task::local("control socket", When::EachWake, || controlling::look(state())),
        Task::local("abandoned spans", minute, || abandoned::look(state())),
        Task::local("kept memory", minute, give_back),
    ]
}

/// Returns the tasks that the worker of an Agent address runs besides.
fn tasks_of(address: &AgentAddress) -> Vec<Task> {
    remote::tasks_of(state(), address)
}

/// Gives back memory that is kept for later spans.
fn give_back() {
    let state = state();
    state.shared.pool.empty();
    state.spans.clean_free(false, |span| {
        span.retire();
        true
    });
    state.contexts.give_back(memory::is_short());
}

fn turn_off() {
    let state = state();
    state.tracers.turn_off(state);
}

/// Called by a thread that has unlocked a span or a trace and sees a request.
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
