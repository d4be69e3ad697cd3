//! What all exporters and tracers of the process share, and the one place where drops are counted and logged.

use super::account::{Account, TRACERS_MAX};
use super::periodic::Task;
use crate::counters::{Reason, ALL_REASONS};
use crate::event::{DropDetail, Event};
use crate::log::Logs;
use crate::memory::Pool;
use crate::probes;
use crate::recorder::fates::FateId;
use crate::recorder::Recorder;
use crate::settings::AgentAddress;
use crate::sys;
use crate::trace::Chunk;

/// Returns tasks of the worker that sends to an address.
pub type TasksOf = fn(&AgentAddress) -> Vec<Task>;

/// See the module.
pub struct Shared {
    /// One for each tracer, by its index.
    pub accounts: Box<[Account; TRACERS_MAX]>,
    /// Buffers for chunks.
    pub pool: Pool,
    /// Where events go.
    pub logs: Logs,
    /// The flight recorder.
    pub recorder: Recorder,
    /// Periodic tasks that every worker runs for modules above this one.
    pub tasks: Vec<Task>,
    /// Returns further tasks of the worker that sends to this address.
    pub tasks_of: TasksOf,
    /// Turns tracing off for good. Called after too many internal errors of a worker.
    pub turn_off: fn(),
}

impl Shared {
    /// Makes the state with counters at 0 and an empty pool.
    #[inline(never)]
    pub fn new(logs: Logs, recorder: Recorder, tasks: Vec<Task>, tasks_of: TasksOf, turn_off: fn()) -> Shared {
        let accounts = sys::row_on_heap(Account::default);
        Shared { accounts, pool: Pool::default(), logs, recorder, tasks, tasks_of, turn_off }
    }

    /// The account of a tracer; an index out of range wraps around.
    #[inline]
    pub fn account(&self, tracer: u32) -> &Account {
        &self.accounts[tracer as usize % TRACERS_MAX]
    }

    /// Counts spans as dropped, logs them in debug mode, and logs when a loss begins.
    pub fn drop_spans(&self, tracer: u32, reason: Reason, spans: u64, traces: u64, detail: &DropDetail) {
        let began = self.account(tracer).counters.drop_spans(reason, spans);
        self.say_dropped(began, reason, spans, traces, detail);
    }

    /// Notes in the ring of fates that spans of a trace were dropped.
    pub fn lose_trace(&self, fate: FateId, reason: Reason, spans: u64, detail: &DropDetail) {
        self.recorder.fates().lost(fate, spans, reason as usize, detail.cause());
    }

    /// Notes in the ring of fates that chunks were dropped as a whole.
    pub fn lose_chunks(&self, chunks: &[Chunk], reason: Reason, detail: &DropDetail) {
        chunks.iter().for_each(|chunk| self.lose_trace(chunk.fate, reason, chunk.spans.into(), detail));
    }

    /// Logs that spans were dropped. `began`: they are the first ones for this reason since it last ended.
    pub(super) fn say_dropped(&self, began: bool, reason: Reason, spans: u64, traces: u64, detail: &DropDetail) {
        probes::spans_drop(spans, reason as u64);
        if began {
            self.logs.emit(&Event::LossBegan { reason });
        }
        self.logs.emit(&Event::SpansDropped { reason, spans, traces, detail });
    }

    /// Logs which losses are over, of all tracers. For workers, once a second.
    pub(super) fn end_losses(&self) {
        let now_ns = sys::monotonic_ns();
        for counters in self.accounts.iter().map(|account| &account.counters) {
            self.say_ended(|reason| counters.end_loss(reason, now_ns));
        }
    }

    /// Ends all losses of a tracer that is shut down. Spans that the shutdown itself drops are counted in the line
    /// about the shutdown, and end no loss.
    pub fn end_losses_of(&self, tracer: u32) {
        let counters = &self.account(tracer).counters;
        self.say_ended(|reason| counters.end_loss_now(reason).filter(|_| reason != Reason::Shutdown));
    }

    fn say_ended(&self, end: impl Fn(Reason) -> Option<u64>) {
        for reason in ALL_REASONS {
            if let Some(spans) = end(reason) {
                self.logs.emit(&Event::LossEnded { reason, spans });
            }
        }
    }
}
