//! Everything that this process holds: tables of spans and traces, tracers, exporters and what they share. `current`
//! makes it.

use super::contexts::Contexts;
use super::registry::Tracers;
use super::remote::Remote;
use crate::control::socket::Control;
use crate::export::periodic::Task;
use crate::export::{self, Exporter, Shared, TasksOf, TRACERS_MAX};
use crate::inspect::{shapes, unsigned, Field, TypeDescriptor};
use crate::log::Logs;
use crate::memory;
use crate::recorder::Recorder;
use crate::span::open::OpenSpan;
use crate::span::record;
use crate::span::table::Table;
use crate::sys;
use crate::trace::{tags, Trace};
use std::mem::offset_of;
use std::sync::atomic::AtomicU64;
use std::sync::Mutex;

/// The state of one process. Never freed.
pub struct State {
    /// 1 in the process that loaded the library, and 1 more for each fork since.
    pub epoch: u32,
    /// The process id.
    pub pid: u32,
    /// The parent's process id.
    pub parent_pid: u32,
    /// Open spans.
    pub spans: Table<OpenSpan>,
    /// Traces with open spans.
    pub traces: Table<Trace>,
    /// Contexts that came in. On the heap, because the first call of a forked child makes them on its stack.
    pub contexts: Box<Contexts>,
    /// The tracers.
    pub tracers: Tracers,
    /// One for each agent address in use.
    pub exporters: Box<[Exporter; TRACERS_MAX]>,
    /// What tracers and exporters share.
    pub shared: Shared,
    /// Remote configuration.
    pub(super) remote: Remote,
    /// The flight recorder of the parent process. This process records nothing in it, but calls that a fork interrupted
    /// may still write to it.
    pub(super) parents_recorder: Recorder,
    /// Held while a flare is sent.
    pub(super) flaring: Mutex<()>,
    /// The socket for `spanwire ctl`.
    pub(super) control: Control,
    /// Time when a worker was last asked to make room in memory, monotonic nanoseconds.
    pub(super) relief_asked_ns: AtomicU64,
    /// Time of the last search for abandoned spans, monotonic nanoseconds.
    pub abandoned_looked_ns: AtomicU64,
}

impl State {
    /// Describes all types that debuggers see.
    #[inline(never)]
    pub(super) fn descriptors(&self) -> Vec<TypeDescriptor> {
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
        descriptors.push(tags::inspected());
        descriptors.extend(export::inspected::descriptors(&self.shared, &self.exporters[..]));
        descriptors.extend(self.shared.logs.inspected());
        descriptors
    }

    #[inline(never)]
    pub(super) fn with(
        epoch: u32,
        (spans, traces, contexts): (Table<OpenSpan>, Table<Trace>, Box<Contexts>),
        logs: Logs,
        recorder: Recorder,
        parents_recorder: Recorder,
        (tasks, tasks_of): (Vec<Task>, TasksOf),
        turn_off: fn(),
    ) -> State {
        State {
            epoch,
            pid: sys::pid(),
            parent_pid: std::os::unix::process::parent_id(),
            spans,
            traces,
            contexts,
            tracers: Tracers::default(),
            exporters: sys::row_on_heap(Exporter::default),
            shared: Shared::new(logs, recorder, tasks, tasks_of, turn_off),
            remote: Remote::default(),
            parents_recorder,
            flaring: Mutex::new(()),
            control: Control::default(),
            relief_asked_ns: AtomicU64::new(0),
            abandoned_looked_ns: AtomicU64::new(0),
        }
    }
}
