//! A chunk: finished spans of one trace on their way to the agent.

use super::decision::Decision;
use super::tags::{self, TraceTags, DECISION_MAKER, ID_HIGH, KEPT_RATE, ORIGIN, TRACESTATE};
use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::memory::Buffer;
use crate::recorder::fates::FateId;
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
    /// Whether another process made the decision.
    pub decided_elsewhere: bool,
    /// The trace tags.
    pub tags: TraceTags,
    /// How many spans.
    pub spans: u32,
    /// Whether no span of the trace was open when the chunk left.
    pub complete: bool,
    /// The records in the order in which the spans finished.
    pub records: Buffer,
    /// Number of the chunk in its lane of the queue; set by the queue.
    pub sequence: u64,
    /// The trace's entry in the ring of fates.
    pub fate: FateId,
}

impl Chunk {
    /// The trace id as one number.
    pub fn trace_id(&self) -> u128 {
        u128::from(self.trace_id_high) << 64 | u128::from(self.trace_id_low)
    }
}

impl Chunk {
    /// The high half of the trace id as hexadecimal digits.
    #[inline]
    pub fn id_high_digits(&self) -> [u8; 16] {
        let digits = self.trace_id_high.to_be_bytes().map(|byte| HEX[usize::from(byte)]);
        digits.as_flattened().try_into().unwrap_or_default()
    }

    /// Visits the trace tags that a span of this chunk carries: on the first span all, on the others the origin.
    pub fn each_tag(&self, first: bool, visit: &mut dyn FnMut(&[u8], &[u8])) {
        if first {
            if let Some(mechanism) = self.decision.sent_mechanism(self.decided_elsewhere) {
                let mut text = [0; 12];
                visit(DECISION_MAKER, decimal_below_zero(&mut text, mechanism.number().unsigned_abs()));
            }
            if let Some(rate) = self.decision.kept_rate(&mut [0; 8]) {
                visit(KEPT_RATE, rate);
            }
            if self.trace_id_high != 0 {
                visit(ID_HIGH, &self.id_high_digits());
            }
        }
        let replaced = self.decision.replaces_rate();
        self.tags.each(|key, value| {
            let is_sent = !key.starts_with(TRACESTATE) && key != DECISION_MAKER && key != ID_HIGH;
            let is_sent = is_sent && !(replaced && key == KEPT_RATE);
            if is_sent && (first || key == ORIGIN) {
                visit(key, value);
            }
        });
    }
}

/// The two hexadecimal digits of each byte.
const HEX: [[u8; 2]; 256] = {
    let (digits, mut all, mut byte) = (b"0123456789abcdef", [[0; 2]; 256], 0);
    while byte < all.len() {
        all[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    all
};

/// Writes a minus sign and a number at the end of `text`, and returns both.
fn decimal_below_zero(text: &mut [u8; 12], mut number: u32) -> &[u8] {
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text[at - 1] = b'-';
    &text[at - 1..]
}

/// Describes a chunk for debuggers.
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
