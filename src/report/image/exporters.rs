//! Reads exporters, with the chunks that wait for them or are being sent, or only how many spans these have.

use super::model::{Exporter, Image, Place};
use super::spans::chunk;
use crate::report::reader::{Reader, View};

/// A chunk that was found.
struct Found<'a> {
    view: &'a View<'a>,
    place: Place,
    /// Where those of its records begin that have neither been sent nor dropped; all of them without it.
    left: Option<&'a [u32]>,
    /// Its tracer, if another one may have that tracer's slot by now.
    owner: Option<u64>,
}

/// Reads an exporter. `orphans`: the tickets of lanes of freed tracers, with the numbers that these have in the image.
pub(super) fn exporter(reader: &Reader<'_>, index: u64, view: &View<'_>, orphans: &[(u64, u64)]) -> Option<Exporter> {
    let mut chunks = Vec::new();
    let attached = each_chunk(view, orphans, &mut |found| {
        let mut one = chunk(reader, found.view, found.place, found.left);
        if let Some(tracer) = found.owner {
            one.tracer = tracer;
            one.spans.iter_mut().for_each(|span| span.tracer = tracer);
        }
        if !one.spans.is_empty() || found.place == Place::Queue {
            chunks.push(one);
        }
    });
    let used = attached || !chunks.is_empty();
    used.then(|| Exporter { chunks, ..standing(index, view) })
}

/// Reads an exporter without its chunks, and counts their spans.
pub(super) fn counted(image: &mut Image, index: u64, view: &View<'_>, orphans: &[(u64, u64)]) {
    let mut found_any = false;
    let attached = each_chunk(view, orphans, &mut |found| {
        let number = |name| found.view.number(name).unwrap_or(0);
        let spans = found.left.map_or_else(|| number("spans"), |left| left.len() as u64);
        if spans > 0 || found.place == Place::Queue {
            found_any = true;
            image.add(found.owner.unwrap_or_else(|| number("tracer")), found.place.column(), spans);
        }
    });
    if attached || found_any {
        image.exporters.push(standing(index, view));
    }
}

fn standing(index: u64, view: &View<'_>) -> Exporter {
    let number = |name| view.number(name).unwrap_or(0);
    let (state, since_ns, status) = (number("state"), number("state_since_ns"), number("state_status"));
    Exporter { index, state, since_ns, status, chunks: Vec::new() }
}

/// Visits the chunks that are being sent, then those that wait, oldest first. Returns whether a tracer is attached.
fn each_chunk(view: &View<'_>, orphans: &[(u64, u64)], visit: &mut dyn FnMut(Found<'_>)) -> bool {
    let mut attached = false;
    let owner = |part: &View<'_>| {
        let ticket = part.number("ticket");
        orphans.iter().find(|(orphan, _)| Some(*orphan) == ticket).map(|&(_, tracer)| tracer)
    };
    for batches in view.several("batches").iter().flat_map(|batches| batches.views()) {
        for batch in batches.several("all").iter().flat_map(|all| all.views()) {
            each_in_batch(&batch, owner(&batch), visit);
        }
    }
    for name in ["hands", "lanes", "orphans"] {
        for lane in view.several(name).iter().flat_map(|lanes| lanes.views()) {
            attached |= lane.number("attached").unwrap_or(0) != 0;
            let (owner, waiting) = (owner(&lane), lane.several("queue"));
            for view in waiting.iter().flat_map(|waiting| waiting.views()) {
                visit(Found { view: &view, place: Place::Queue, left: None, owner });
            }
        }
    }
    attached
}

/// Visits what the worker is sending.
fn each_in_batch(batch: &View<'_>, owner: Option<u64>, visit: &mut dyn FnMut(Found<'_>)) {
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
        visit(Found { view: &view, place, left: left.as_deref().filter(|_| !order.is_empty()), owner });
    }
}
