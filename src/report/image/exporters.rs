//! Reads exporters, with the chunks that wait for them or are being sent.

use super::model::{Chunk, Exporter, Place};
use super::spans::chunk;
use crate::report::reader::{Reader, View};

pub(super) fn exporter(reader: &Reader<'_>, index: u64, view: &View<'_>, orphans: &[(u64, u64)]) -> Option<Exporter> {
    let number = |name| view.number(name).unwrap_or(0);
    let (mut chunks, mut attached) = (Vec::new(), false);
    // Another tracer may have their tracer's slot by now.
    let owned = |part: &View<'_>, chunks: &mut [Chunk]| {
        let ticket = part.number("ticket");
        let Some(&(_, tracer)) = orphans.iter().find(|(orphan, _)| Some(*orphan) == ticket) else { return };
        for chunk in chunks {
            chunk.tracer = tracer;
            chunk.spans.iter_mut().for_each(|span| span.tracer = tracer);
        }
    };
    for batches in view.several("batches").iter().flat_map(|batches| batches.views()) {
        for batch in batches.several("all").iter().flat_map(|all| all.views()) {
            let from = chunks.len();
            in_batch(reader, &batch, &mut chunks);
            owned(&batch, &mut chunks[from..]);
        }
    }
    for name in ["hands", "lanes", "orphans"] {
        for lane in view.several(name).iter().flat_map(|lanes| lanes.views()) {
            attached |= lane.number("attached").unwrap_or(0) != 0;
            let (from, waiting) = (chunks.len(), lane.several("queue"));
            let waiting = waiting.iter().flat_map(|waiting| waiting.views());
            chunks.extend(waiting.map(|view| chunk(reader, &view, Place::Queue, None)));
            owned(&lane, &mut chunks[from..]);
        }
    }
    let (state, since_ns, status) = (number("state"), number("state_since_ns"), number("state_status"));
    let used = attached || !chunks.is_empty();
    used.then_some(Exporter { index, state, since_ns, status, chunks })
}

/// Reads what the worker is sending, without the spans that are already sent or dropped.
fn in_batch(reader: &Reader<'_>, batch: &View<'_>, chunks: &mut Vec<Chunk>) {
    let number = |name| batch.number(name).unwrap_or(0);
    let place = Place::Sending { asking: number("asking") != 0, unknown: number("unknown") != 0 };
    let order = batch.several("order");
    let order: Vec<u32> =
        order.iter().flat_map(|order| order.views()).map(|at| at.number("at").unwrap_or(0) as u32).collect();
    let (gone, mut from) = (number("gone") as usize, 0);
    let content = batch.several("chunks");
    for view in content.iter().flat_map(|content| content.views()) {
        let end = from + view.number("spans").unwrap_or(0) as usize;
        let mut left = order.get(from.max(gone).min(end)..end).map(<[u32]>::to_vec);
        left.iter_mut().for_each(|left| left.sort_unstable());
        from = end;
        let one = chunk(reader, &view, place, left.as_deref().filter(|_| !order.is_empty()));
        if !one.spans.is_empty() {
            chunks.push(one);
        }
    }
}
