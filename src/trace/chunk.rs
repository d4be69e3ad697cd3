//! A chunk: finished spans of one trace on their way to the agent.

use super::decision::Decision;
use super::tags::{self, TraceTags};
use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::memory::Buffer;
use std::mem::offset_of;

/// Finished spans of one trace, on their way.
#[derive(Debug)]
pub struct Chunk {
    /// Index of the tracer.
    pub tracer: u32,
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id.
    pub trace_id_low: u64,
    /// The trace's sampling decision when the chunk left.
    pub decision: Decision,
    /// The trace tags.
    pub tags: TraceTags,
    /// How many spans.
    pub spans: u32,
    /// Whether no span of the trace was open when the chunk left.
    pub complete: bool,
    /// The records, one behind another, in the order in which spans finished.
    pub records: Buffer,
    /// The place in its lane's history, given by the queue that takes it.
    pub sequence: u64,
}

impl Chunk {
    /// The trace id as one number.
    pub fn trace_id(&self) -> u128 {
        u128::from(self.trace_id_high) << 64 | u128::from(self.trace_id_low)
    }
}

/// A chunk as debuggers see it.
pub fn inspected() -> TypeDescriptor {
    let mut fields = vec![
        unsigned!(Chunk, tracer),
        unsigned!(Chunk, trace_id_high),
        unsigned!(Chunk, trace_id_low),
        unsigned!(Chunk, spans),
        unsigned!(Chunk, complete),
        holding!(One of "buffer", Chunk, records),
        tags::inspected_at(offset_of!(Chunk, tags)),
    ];
    fields.extend(Decision::inspected(offset_of!(Chunk, decision)));
    TypeDescriptor::inside::<Chunk>("chunk", fields)
}
