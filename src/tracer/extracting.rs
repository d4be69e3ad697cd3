//! Reads contexts out of headers and keeps them.

use super::contexts::{Carried, Context, Kept};
use super::error::Error;
use super::state::State;
use crate::memory::Full;
use crate::propagation::{self, Extracted};
use crate::span::ids::Source;
use crate::span::texts::Texts;
use crate::trace::{Decision, Mechanism};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;

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
    let kept = kept(index, extracted);
    state.contexts.keep(kept, Source::shard_of_thread(state.epoch)).map(Some)
}

fn kept(index: u32, extracted: Extracted) -> Kept {
    let links = extracted.links;
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
        links: (!links.is_empty()).then(|| Arc::new(links)),
        last_parent: extracted.last_parent.unwrap_or(0),
        decided_here: false,
    };
    Kept { context: Some(context), carried, tracer: index, bytes, changed_bytes: 0, place: 0 }
}

/// Returns the ids and the decision of a context.
pub fn ids(state: &State, number: u64) -> Result<Context, Error> {
    let context = state.contexts.read(number, |kept| kept.context)?.ok_or(Error::Handle)?;
    match context.trace_id_low {
        0 => Err(Error::NotFound),
        _ => Ok(context),
    }
}
