//! Everything that this process holds: tables of spans and traces, tracers, exporters and what they share. Made at the
//! first call, and made anew by the first call in a forked child, which keeps settings, handles of tracers and sinks, and
//! starts with empty queues, counters at zero and no threads.

use crate::event::Event;
use crate::export::periodic::{Task, When};
use crate::export::{self, Exporter, Shared, TRACERS_MAX};
use crate::inspect::{self, shapes, unsigned, Field, TypeDescriptor};
use crate::log::Logs;
use crate::memory;
use crate::process::PerProcess;
use crate::recorder::{Kind, Recorder};
use crate::span::clock;
use crate::span::open::OpenSpan;
use crate::span::record;
use crate::span::table::{self, Table, LAST_GENERATION};
use crate::sys;
use crate::trace::Trace;
use crate::tracer::{abandoned, closing, ending, recording, Tracers};
use std::mem::offset_of;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// See the module. Lives until the process ends.
pub struct State {
    /// How many forks lie between the first process that loaded the library and this one, and 1.
    pub epoch: u32,
    /// The process.
    pub pid: u32,
    /// Who made it.
    pub parent_pid: u32,
    /// Open spans.
    pub spans: Table<OpenSpan>,
    /// Traces with open spans.
    pub traces: Table<Trace>,
    /// The tracers.
    pub tracers: Tracers,
    /// One for each agent address in use.
    pub exporters: Box<[Exporter]>,
    /// What tracers and exporters share.
    pub shared: Shared,
    /// The recorder of the process that made this one, which keeps nothing here. Calls of that process that a fork
    /// interrupted may still write to it.
    parents_recorder: Recorder,
    /// When spans that nobody finishes were looked for last; monotonic nanoseconds.
    pub abandoned_looked_ns: AtomicU64,
}

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
    let state = STATE.get_or_make(|inherited| inherited.map_or_else(State::first, State::after_fork));
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

impl State {
    #[inline(never)]
    fn first() -> State {
        clock::begin();
        let recorder = Recorder::new(sys::pid(), 1, clock::scale());
        let logs = Logs::recorded_by(recorder);
        table::on_request(ending::on_request);
        let (spans, traces) = (Table::new(LAST_GENERATION), Table::new(LAST_GENERATION));
        State::with(1, spans, traces, logs, recorder, Recorder::none())
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
        let state = State::with(inherited.epoch + 1, spans, traces, logs, recorder, parents);
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

    /// All that debuggers see of this process.
    #[inline(never)]
    fn descriptors(&self) -> Vec<TypeDescriptor> {
        let own = |name, table| Field::number(name, table, size_of::<u32>());
        let process = vec![
            unsigned!(State, pid),
            unsigned!(State, epoch),
            unsigned!(State, parent_pid),
            own("spans_inherited_from", offset_of!(State, spans) + Table::<OpenSpan>::INHERITED_FROM),
            own("spans_inherited", offset_of!(State, spans) + Table::<OpenSpan>::INHERITED),
            own("traces_inherited_from", offset_of!(State, traces) + Table::<Trace>::INHERITED_FROM),
            own("traces_inherited", offset_of!(State, traces) + Table::<Trace>::INHERITED),
            Recorder::inspected().moved(offset_of!(State, shared.recorder)),
        ];
        let mut descriptors = shapes::descriptors();
        descriptors.push(TypeDescriptor::row("process", std::slice::from_ref(self), process));
        descriptors.push(self.spans.inspected("span", OpenSpan::inspected()));
        descriptors.push(self.traces.inspected("trace", Trace::inspected()));
        descriptors.push(self.tracers.inspected());
        descriptors.extend(OpenSpan::inspected_parts());
        descriptors.extend([memory::counted_now(), memory::inspected()]);
        descriptors.extend(record::inspected());
        descriptors.extend(export::inspected::descriptors(&self.shared, &self.exporters));
        descriptors.extend(self.shared.logs.inspected());
        descriptors
    }

    #[inline(never)]
    fn with(
        epoch: u32,
        spans: Table<OpenSpan>,
        traces: Table<Trace>,
        logs: Logs,
        recorder: Recorder,
        parents_recorder: Recorder,
    ) -> State {
        State {
            epoch,
            pid: sys::pid(),
            parent_pid: std::os::unix::process::parent_id(),
            spans,
            traces,
            tracers: Tracers::default(),
            exporters: (0..TRACERS_MAX).map(|_| Exporter::default()).collect(),
            shared: Shared::new(logs, recorder, tasks(), turn_off),
            parents_recorder,
            abandoned_looked_ns: AtomicU64::new(0),
        }
    }
}

/// What workers do for tracers. None of it waits for anything.
fn tasks() -> Vec<Task> {
    let minute = When::Every(Duration::from_secs(60));
    vec![
        Task::local("requests", When::EachWake, || ending::run_requests(state())),
        Task::local("abandoning", When::EachWake, || closing::abandon_more(state())),
        Task::local("recorded counters", When::EachWake, recording::refresh),
        Task::local("abandoned spans", minute, abandoned::look),
        Task::local("kept memory", minute, give_back),
    ]
}

/// Gives back memory that is kept for later spans.
fn give_back() {
    let state = state();
    state.shared.pool.empty();
    state.spans.clean_free(false, |span| {
        span.retire();
        true
    });
}

fn turn_off() {
    let state = state();
    state.tracers.turn_off(state);
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
