//! Which spans belong together. A trace counts its open spans and gathers the finished ones; when the last one finishes,
//! or partial flush asks, what was gathered leaves as one chunk. A trace here is this process's part of one: the same
//! ids may live in other processes. Starting and finishing spans is `crate::tracer`'s, sending chunks `crate::export`'s.

pub mod chunk;

pub use chunk::Chunk;

use crate::inspect::{holding, signed, unsigned, Field};
use crate::memory::{Buffer, Full, Pool};
use crate::span::open::OpenSpan;
use crate::span::table::Content;
use crate::span::{clock, record};
use crate::sys;
use chunk::NO_PRIORITY;
use std::sync::atomic::AtomicU32;

/// A chunk of this many bytes leaves early, however few its spans, so that one huge trace cannot hold all memory.
const PARTIAL_BYTES: usize = 1 << 20;

/// See the module. Lives in a slot of the table of traces; the slot's lock is the trace's.
#[derive(Debug, Default)]
pub struct Trace {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id.
    pub trace_id_low: u64,
    /// Index of the tracer.
    pub tracer: u32,
    /// Spans that are open.
    pub open: u32,
    /// Spans that were ever started in it.
    pub started: u64,
    /// The sampling priority; `NO_PRIORITY` for "not decided".
    pub priority: i32,
    /// How that was decided: 0 by default, -4 by hand, …; `NO_PRIORITY` for "not by us".
    pub decision: i32,
    /// The clock's scale that all its spans use.
    pub scale: u64,
    wall_ns: u64,
    tick: u64,
    /// Finished spans that wait in `records`.
    pub waiting: u32,
    records: Buffer,
}

impl Content for Trace {
    /// Index of the tracer.
    type Label = AtomicU32;
    const LISTED: bool = false;
}

/// How a trace that continues another was decided there.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The sampling priority, or `NO_PRIORITY`.
    pub priority: i32,
    /// The decision maker, or `NO_PRIORITY`.
    pub maker: i32,
}

impl Decision {
    /// What every trace has until sampling rules exist: keep, by default.
    pub const DEFAULT: Decision = Decision { priority: 1, maker: 0 };
    /// None that is known.
    pub const NONE: Decision = Decision { priority: NO_PRIORITY, maker: NO_PRIORITY };
}

impl Trace {
    /// Begins a trace in a slot that may hold an earlier one.
    #[inline]
    pub fn begin(&mut self, tracer: u32, ids: (u64, u64), decision: Decision, scale: u64, wall_ns: u64, tick: u64) {
        (self.trace_id_high, self.trace_id_low) = ids;
        (self.tracer, self.open, self.started, self.waiting) = (tracer, 0, 0, 0);
        (self.priority, self.decision) = (decision.priority, decision.maker);
        (self.scale, self.wall_ns, self.tick) = (scale, wall_ns, tick);
    }

    /// Counts a span in; the tick and wall time of its start.
    #[inline]
    pub fn enter(&mut self) -> (u64, i64) {
        self.open += 1;
        self.started += 1;
        let tick = clock::ticks(self.scale);
        (tick, (self.wall_ns + clock::elapsed_ns(self.tick, tick, self.scale)) as i64)
    }

    /// Counts the first span in, which starts where the trace begins.
    #[inline]
    pub fn enter_first(&mut self) {
        self.open += 1;
        self.started += 1;
    }

    /// Takes a finished span's record in. The first one finds a buffer of the size that traces had lately.
    #[inline]
    pub fn take_in(
        &mut self,
        pool: &Pool,
        span: &OpenSpan,
        flags: u32,
        duration_ns: u64,
        usual_bytes: usize,
    ) -> Result<(), Full> {
        if self.records.capacity() == 0 {
            self.records = pool.take(usual_bytes)?;
        }
        record::append(&mut self.records, pool, span, flags, duration_ns)?;
        self.waiting += 1;
        Ok(())
    }

    /// What was gathered, if it is time: nothing is open any more, or there is enough for a partial flush.
    #[inline]
    pub fn due(&mut self, partial_spans: u32) -> Option<Chunk> {
        self.is_due(partial_spans).then(|| self.gathered())
    }

    /// Whether it is time for what was gathered to leave.
    #[inline]
    pub fn is_due(&self, partial_spans: u32) -> bool {
        let partial = self.waiting >= partial_spans || self.records.len() >= PARTIAL_BYTES;
        self.waiting > 0 && (self.open == 0 || partial)
    }

    /// What was gathered, whether or not spans are still open.
    pub fn gathered(&mut self) -> Chunk {
        Chunk {
            tracer: self.tracer,
            trace_id_high: self.trace_id_high,
            trace_id_low: self.trace_id_low,
            priority: self.priority,
            decision: self.decision,
            spans: std::mem::take(&mut self.waiting),
            complete: self.open == 0,
            records: std::mem::take(&mut self.records),
            sequence: 0,
        }
    }

    /// The trace's decision, for a context that continues it elsewhere.
    pub fn decided(&self) -> Decision {
        Decision { priority: self.priority, maker: self.decision }
    }

    /// Sets the priority by hand.
    pub fn decide(&mut self, priority: i32, maker: i32) {
        (self.priority, self.decision) = (priority, maker);
    }
}

impl Trace {
    /// A trace's fields as debuggers see them.
    pub fn inspected() -> Vec<Field> {
        vec![
            unsigned!(Trace, trace_id_high),
            unsigned!(Trace, trace_id_low),
            unsigned!(Trace, tracer),
            unsigned!(Trace, open),
            unsigned!(Trace, started),
            signed!(Trace, priority),
            signed!(Trace, decision),
            unsigned!(Trace, waiting),
            holding!(One of "buffer", Trace, records),
        ]
    }
}

/// Wall time and tick at which a trace begins: read together, so that all its starts lie on one line.
#[inline]
pub fn now() -> (u64, u64, u64) {
    let scale = clock::scale();
    (scale, sys::wall_ns(), clock::ticks(scale))
}
