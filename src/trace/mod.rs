//! Which spans belong together. A trace counts its open spans and collects the finished ones. When the last one
//! finishes, or a partial flush is due, the finished spans leave as one chunk. A trace here is the part of it in this
//! process: other processes may have spans with the same trace id. `decision` is the sampling decision, `tags` the
//! trace tags, `chunk` the finished spans on their way. `crate::tracer` starts and finishes spans, `crate::export`
//! sends chunks.

pub mod chunk;
pub mod decision;
pub mod tags;

pub use chunk::Chunk;
pub use decision::{Decision, Mechanism};
pub use tags::{is_of_chunk, TraceTags, ID_HIGH, ORIGIN, TRACESTATE};

use crate::inspect::{holding, unsigned, Field};
use crate::memory::{Buffer, Full, Pool};
use crate::recorder::fates::FateId;
use crate::span::open::OpenSpan;
use crate::span::table::{Content, Handle};
use crate::span::{clock, record};
use crate::sys;
use std::mem::offset_of;
use std::sync::atomic::AtomicU32;

/// A trace whose finished spans take this many bytes sends them at once, so that one huge trace cannot hold all memory.
const PARTIAL_BYTES: usize = 1 << 20;

/// A trace. Lies in a slot of the table of traces, and is locked by the slot's lock.
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
    /// The sampling decision; [`Decision::NONE`] until a context is passed on or the first chunk leaves.
    pub decision: Decision,
    /// The local root span: what a decision goes by.
    pub root: Handle,
    /// Whether another process made the decision.
    pub decided_elsewhere: bool,
    /// The trace tags. They end with the trace.
    pub tags: TraceTags,
    /// The scale of the clock that all spans of the trace use.
    pub scale: u64,
    wall_ns: u64,
    tick: u64,
    /// Finished spans that wait in `records`.
    pub waiting: u32,
    /// Its entry in the ring of fates, if it has one.
    pub fate: FateId,
    records: Buffer,
}

/// What the finish of a span did to its trace.
pub struct Finished {
    /// Whether there was memory for the record.
    pub kept: bool,
    /// Finished spans of the trace before the chunk left.
    pub waiting: u32,
    /// Whether a chunk is due: the caller decides about the trace if need be, and takes the chunk with
    /// [`Trace::gathered`].
    pub due: bool,
}

impl Content for Trace {
    /// Index of the tracer.
    type Label = AtomicU32;
    const LISTED: bool = false;
}

impl Trace {
    /// Initialises a trace in a slot that may hold an earlier one.
    #[inline(always)]
    pub fn begin(&mut self, tracer: u32, ids: (u64, u64), decision: Decision, scale: u64, wall_ns: u64, tick: u64) {
        (self.trace_id_high, self.trace_id_low) = ids;
        (self.tracer, self.open, self.started, self.waiting) = (tracer, 0, 0, 0);
        self.decision = decision;
        (self.decided_elsewhere, self.fate) = (false, 0);
        (self.scale, self.wall_ns, self.tick) = (scale, wall_ns, tick);
    }

    /// Counts a span that starts. Returns the tick and the wall time of its start.
    #[inline(always)]
    pub fn enter(&mut self) -> (u64, i64) {
        self.open += 1;
        self.started += 1;
        let tick = clock::ticks(self.scale);
        (tick, (self.wall_ns + clock::elapsed_ns(self.tick, tick, self.scale)) as i64)
    }

    /// The same under a scale that is not 0. Makes no call.
    #[inline(always)]
    pub fn enter_quickly(&mut self) -> (u64, i64) {
        self.open += 1;
        self.started += 1;
        let tick = clock::counter();
        (tick, (self.wall_ns + clock::counted_ns(self.tick, tick, self.scale)) as i64)
    }

    /// Counts the first span, which starts when the trace begins.
    #[inline(always)]
    pub fn enter_first(&mut self) {
        self.open += 1;
        self.started += 1;
    }

    /// Counts a span that ends, appends its record, and says whether a chunk is then due. The first record gets a buffer
    /// of `usual_bytes`, the size of recent traces.
    #[inline(always)]
    pub fn finish(
        &mut self,
        pool: &Pool,
        span: &OpenSpan,
        (flags, duration_ns): (u32, u64),
        usual_bytes: usize,
        partial_spans: u32,
    ) -> Finished {
        self.open -= 1;
        let kept = self.take_in(pool, span, flags, duration_ns, usual_bytes).is_ok();
        let waiting = self.waiting;
        Finished { kept, waiting, due: self.is_due(partial_spans) }
    }

    /// Whether the trace goes on without its next span that ends: other spans are open, and no chunk is due then.
    #[inline(always)]
    pub fn goes_on(&self, partial_spans: u32) -> bool {
        self.open > 1 && self.waiting + 1 < partial_spans && self.records.len() < PARTIAL_BYTES / 2
    }

    /// Counts a span that ends and appends its record, in a trace that goes on. Returns false if the record is unusual, and
    /// does nothing.
    #[inline(always)]
    pub fn finish_quickly(&mut self, span: &OpenSpan, (flags, duration_ns): (u32, u64)) -> bool {
        let done = record::append_quickly(&mut self.records, span, flags, duration_ns);
        if done {
            self.open -= 1;
            self.waiting += 1;
        }
        done
    }

    #[inline(always)]
    fn take_in(
        &mut self,
        pool: &Pool,
        span: &OpenSpan,
        flags: u32,
        duration_ns: u64,
        usual_bytes: usize,
    ) -> Result<(), Full> {
        if self.records.capacity() == 0 {
            self.take_memory(pool, usual_bytes)?;
        }
        if !record::append_quickly(&mut self.records, span, flags, duration_ns) {
            record::append(&mut self.records, pool, span, flags, duration_ns)?;
        }
        self.waiting += 1;
        Ok(())
    }

    #[inline(never)]
    fn take_memory(&mut self, pool: &Pool, usual_bytes: usize) -> Result<(), Full> {
        // Has no memory that would have to be freed.
        std::mem::forget(std::mem::replace(&mut self.records, pool.take(usual_bytes)?));
        Ok(())
    }

    /// Whether the finished spans leave: no span is open, or there are enough for a partial flush.
    #[inline]
    pub fn is_due(&self, partial_spans: u32) -> bool {
        let partial = self.waiting >= partial_spans || self.records.len() >= PARTIAL_BYTES;
        self.waiting > 0 && (self.open == 0 || partial)
    }

    /// The records of the finished spans.
    #[inline]
    pub fn records(&self) -> &[u8] {
        self.records.bytes()
    }

    /// The same, for changes in place.
    pub fn records_mut(&mut self) -> &mut [u8] {
        self.records.bytes_mut()
    }

    /// The memory that the records occupy.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.records.capacity()
    }

    /// Returns the finished spans as a chunk with this number, whether or not spans are open.
    #[inline(always)]
    pub fn gathered(&mut self, sequence: u64) -> Chunk {
        Chunk {
            tracer: self.tracer,
            trace_id_high: self.trace_id_high,
            trace_id_low: self.trace_id_low,
            decision: self.decision,
            tags: self.tags.clone(),
            spans: std::mem::take(&mut self.waiting),
            complete: self.open == 0,
            records: std::mem::take(&mut self.records),
            sequence,
            fate: self.fate,
            decided_elsewhere: self.decided_elsewhere,
        }
    }

    /// Frees what a trace keeps until its last span has ended.
    #[inline]
    pub fn end(&mut self) {
        if !self.tags.is_empty() {
            self.tags = TraceTags::default();
        }
    }
}

impl Trace {
    /// Describes the fields of a trace for debuggers.
    pub fn inspected() -> Vec<Field> {
        let mut fields = vec![
            unsigned!(Trace, trace_id_high),
            unsigned!(Trace, trace_id_low),
            unsigned!(Trace, tracer),
            unsigned!(Trace, open),
            unsigned!(Trace, started),
            unsigned!(Trace, waiting),
            holding!(One of "buffer", Trace, records),
            tags::inspected_at(offset_of!(Trace, tags)),
        ];
        fields.extend(Decision::inspected(offset_of!(Trace, decision)));
        fields
    }
}

/// Reads the scale, the wall time and the tick at which a trace begins. Starts of later spans are computed from these,
/// so that no step of the wall clock moves them against each other. Leaves errno as it is: reading these clocks cannot fail.
#[inline]
pub fn now() -> (u64, u64, u64) {
    let scale = clock::scale();
    (scale, sys::wall_ns(), clock::ticks(scale))
}
