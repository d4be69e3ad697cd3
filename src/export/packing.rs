//! Fills payloads: as many pieces of a batch as fit. A chunk that does not fit into an empty payload is cut between
//! spans.

use super::batch::{Batch, Piece};
use super::format::{Fit, PayloadFormat, Spans};
use super::shared::Shared;
use crate::counters::Reason;
use crate::event::dropped::{DropDetail, Stage};
use crate::memory::Buffer;

/// How large a payload may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The usual bound.
    pub(super) payload: usize,
    /// The bound of a payload with one span. An agent that names a smaller bound than what it takes gets smaller
    /// payloads, but loses no span.
    pub(super) one_span: usize,
}

/// Moves as many pieces as fit from `batch` into `body`, which must be empty, and returns them. The last one may be a
/// part of a piece. Drops and counts a span that is larger than a payload may be, and pieces for which there is no
/// memory.
pub(super) fn pack(
    format: &mut dyn PayloadFormat,
    body: &mut Buffer,
    batch: &mut Batch,
    bounds: Bounds,
    shared: &Shared,
) -> Vec<Piece> {
    let (mut taken, owner): (Vec<Piece>, _) = (Vec::new(), batch.owner.clone());
    let (begun, most) = (format.begin(body, &owner.metadata), format.chunks_max());
    while taken.len() < most {
        let Some(piece) = batch.pieces.pop() else { break };
        let (chunk, offsets) = (&batch.chunks[piece.chunk], &batch.order[piece.from..piece.to]);
        let spans = Spans { chunk, offsets, metadata: &owner.metadata };
        let fit = if taken.is_empty() { Fit::Some } else { Fit::All };
        match begun.and_then(|()| format.add(body, &spans, fit, bounds.payload)) {
            Ok(done) if done == offsets.len() => taken.push(piece),
            _ if !taken.is_empty() => {
                batch.pieces.push(piece);
                break;
            }
            Err(_) => {
                batch.gone_up_to(piece.to);
                let detail = DropDetail::NoMemory(Stage::Payload);
                batch.note(&[piece], |fate, spans| shared.lose_trace(fate, Reason::Memory, spans, &detail));
                owner.lose(shared, Reason::Memory, piece.spans(), 1, &detail);
            }
            Ok(done) if done > 0 => {
                let cut = piece.from + done;
                batch.pieces.push(Piece { from: cut, ..piece });
                taken.push(Piece { to: cut, ..piece });
                break;
            }
            Ok(_) => {
                // What was halved because of its neighbours may be accepted alone.
                let cut = piece.from + 1;
                let first = Spans { offsets: &offsets[..1], ..spans };
                let alone = format.add(body, &first, Fit::All, bounds.one_span);
                if piece.spans() > 1 {
                    batch.pieces.push(Piece { from: cut, ..piece });
                }
                if alone == Ok(1) {
                    taken.push(Piece { to: cut, ..piece });
                    break;
                }
                batch.gone_up_to(cut);
                let most = bounds.one_span;
                let detail = DropDetail::SpanTooLarge { max_bytes: most as u64 };
                batch.note(&[piece], |fate, _| shared.lose_trace(fate, Reason::TooLarge, 1, &detail));
                owner.lose(shared, Reason::TooLarge, 1, 1, &detail);
            }
        }
    }
    if !taken.is_empty() && format.finish(body).is_err() {
        for piece in taken.drain(..) {
            batch.gone_up_to(piece.to);
            let detail = DropDetail::NoMemory(Stage::Payload);
            batch.note(&[piece], |fate, spans| shared.lose_trace(fate, Reason::Memory, spans, &detail));
            owner.lose(shared, Reason::Memory, piece.spans(), 1, &detail);
        }
    }
    taken
}
