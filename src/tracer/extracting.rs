//! Reads contexts out of headers and keeps them.

use super::contexts::{Carried, Context, Kept};
use super::error::Error;
use super::state::State;
use crate::memory::{Buffer, Full};
use crate::propagation::{self, Extracted};
use crate::span::ids::Source;
use crate::span::texts::{self, Texts};
use crate::trace::{Decision, Mechanism};
use std::sync::atomic::Ordering::Relaxed;

/// Reads a context out of headers: names and values. `None` if there is none, or tracing is off.
pub fn extract<'a>(
    state: &State,
    tracer: u64,
    headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<Option<u64>, Error> {
    let (index, tracer) = state.tracers.find(tracer)?;
    if !tracer.enabled.load(Relaxed) {
        return Ok(None);
    }
    let extracted = propagation::extract(headers, &tracer.propagation()).map_err(|Full| Error::Memory)?;
    let Some(extracted) = extracted else { return Ok(None) };
    let kept = kept(index, extracted).map_err(|Full| Error::Memory)?;
    let source = Source::of_thread(state.epoch);
    let shard = source.shard();
    source.keep();
    state.contexts.keep(kept, shard).map(Some)
}

fn kept(index: u32, extracted: Extracted) -> Result<Kept, Full> {
    let mut links = Buffer::new();
    if !extracted.links.is_empty() {
        texts::push(&mut links, b"_dd.span_links", extracted.links.bytes())?;
    }
    let bytes = extracted.tags.capacity() + extracted.baggage.capacity() + links.capacity();
    let decision = match extracted.priority {
        Some(priority) => Decision::new(priority, extracted.mechanism.and_then(Mechanism::of)),
        None => Decision::NONE,
    };
    let context = Context {
        trace_id_high: extracted.trace_id_high,
        trace_id_low: extracted.trace_id_low,
        span_id: extracted.span_id,
        decision,
    };
    let baggage = Texts::of_buffer(extracted.baggage);
    let carried = Carried {
        tags: Texts::of_buffer(extracted.tags),
        came: baggage.clone(),
        baggage,
        links: Texts::of_buffer(links),
        last_parent: extracted.last_parent.unwrap_or(0),
        decided_here: false,
    };
    Ok(Kept { context: Some(context), carried, tracer: index, bytes, changed_bytes: 0, place: 0 })
}

/// Returns the ids and the decision of a context.
pub fn ids(state: &State, number: u64) -> Result<Context, Error> {
    let context = state.contexts.read(number, |kept| kept.context)?.ok_or(Error::Handle)?;
    match context.trace_id_low {
        0 => Err(Error::NotFound),
        _ => Ok(context),
    }
}
