//! Describes an open span for debuggers.

use super::fields::{OpenSpan, Piece};
use crate::inspect::{holding, signed, unsigned, Field, TypeDescriptor};

impl OpenSpan {
    /// Describes the fields of a span.
    pub fn inspected() -> Vec<Field> {
        vec![
            unsigned!(OpenSpan, trace_id_high),
            unsigned!(OpenSpan, trace_id_low),
            unsigned!(OpenSpan, span_id),
            unsigned!(OpenSpan, parent_id),
            signed!(OpenSpan, start_ns),
            unsigned!(OpenSpan, tracer),
            unsigned!(OpenSpan, trace),
            unsigned!(OpenSpan, trace_generation),
            unsigned!(OpenSpan, flags),
            holding!(Array of "piece", OpenSpan, fields),
            holding!(One of "buffer", OpenSpan, head),
            holding!(One of "buffer", OpenSpan, texts),
            holding!(One of "buffer", OpenSpan, numbers),
            holding!(One of "buffer", OpenSpan, blobs),
            holding!(One of "buffer", OpenSpan, links),
            holding!(One of "buffer", OpenSpan, events),
            holding!(Vec of "key", OpenSpan, keys),
        ]
    }

    /// Describes the types that those fields have.
    pub fn inspected_parts() -> [TypeDescriptor; 2] {
        type Key = (u32, u32);
        let piece = vec![unsigned!(Piece, at), unsigned!(Piece, len as "length")];
        let key = vec![unsigned!(Key, 0 as "hash"), unsigned!(Key, 1 as "place")];
        [TypeDescriptor::inside::<Piece>("piece", piece), TypeDescriptor::inside::<Key>("key", key)]
    }
}
