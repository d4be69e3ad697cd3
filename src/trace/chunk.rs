//! A chunk: finished spans of one trace on their way to the agent.

use crate::inspect::{holding, signed, unsigned, TypeDescriptor};
use crate::memory::Buffer;

/// Stands for "no sampling priority" and "no decision maker".
pub const NO_PRIORITY: i32 = i32::MIN;

/// Finished spans of one trace, on their way.
#[derive(Debug)]
pub struct Chunk {
    /// Index of the tracer.
    pub tracer: u32,
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id.
    pub trace_id_low: u64,
    /// The sampling priority, or [`NO_PRIORITY`].
    pub priority: i32,
    /// The decision maker, or [`NO_PRIORITY`].
    pub decision: i32,
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
    let fields = vec![
        unsigned!(Chunk, tracer),
        unsigned!(Chunk, trace_id_high),
        unsigned!(Chunk, trace_id_low),
        signed!(Chunk, priority),
        signed!(Chunk, decision),
        unsigned!(Chunk, spans),
        unsigned!(Chunk, complete),
        holding!(One of "buffer", Chunk, records),
    ];
    TypeDescriptor::inside::<Chunk>("chunk", fields)
}
