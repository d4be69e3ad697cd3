//! Trace tags: what a trace carries as a whole (its origin, `_dd.p.*`, the `tracestate` of its parent) and hands on to
//! every chunk of it. `Chunk::each_tag` says which span of a chunk carries which of them.

use crate::span::texts::Texts;

pub use crate::propagation::{KEPT_RATE, ORIGIN, TRACESTATE};
pub use crate::span::texts::inspected;
pub(super) use crate::span::texts::inspected_at;

/// The tags of a trace.
pub type TraceTags = Texts;

/// What decided, on the first span. Made from the chunk's decision.
pub(super) const DECISION_MAKER: &[u8] = b"_dd.p.dm";
/// The high half of the trace id, on the first span. Made from the chunk's trace id.
pub const ID_HIGH: &[u8] = b"_dd.p.tid";

/// Whether a format in which chunks have fields of their own has a field for this tag.
pub fn is_of_chunk(key: &[u8]) -> bool {
    key == DECISION_MAKER || key == ID_HIGH || key == ORIGIN
}
