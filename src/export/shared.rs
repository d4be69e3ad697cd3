//! What all exporters and tracers of the process share, and the one place where drops are counted and logged.

use super::account::{Account, TRACERS_MAX};
use super::periodic::Task;
use crate::counters::{Reason, ALL_REASONS};
use crate::event::{DropDetail, Event};
use crate::log::Logs;
use crate::memory::Pool;
use crate::probes;
use crate::recorder::Recorder;
use crate::sys;

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
    /// Turns tracing off for good. Called after too many internal errors of a worker.
    pub turn_off: fn(),
}

impl Shared {
    /// Makes the state with counters at 0 and an empty pool.
    #[inline(never)]
    pub fn new(logs: Logs, recorder: Recorder, tasks: Vec<Task>, turn_off: fn()) -> Shared {
        let accounts = sys::row_on_heap(Account::default);
        Shared { accounts, pool: Pool::default(), logs, recorder, tasks, turn_off }
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
