//! Reads contexts out of headers and keeps them.

use super::contexts::{Context, Kept};
use super::error::Error;
use super::state::State;
use crate::memory::Full;
use crate::propagation::{self, Packed, Reading};
use crate::span::ids::Drawn;
use crate::trace::{Decision, Mechanism};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;

/// Reads a context out of headers: names and values. `None` if there is none, or tracing is off.
#[inline]
pub fn extract<'a>(
    state: &State,
    tracer: u64,
    headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<Option<u64>, Error> {
    let (index, tracer) = state.tracers.find(tracer)?;
    if !tracer.enabled.load(Relaxed) {
        return Ok(None);
    }
    let config = tracer.propagation();
    let kept = propagation::extract(headers, &config, |reading| {
        let shard = Drawn::shard_of_thread(state.epoch);
        state.contexts.keep(shard, |kept| {
            kept.tracer = index;
            fill(kept, reading, &config)
        })
    });
    Ok(kept.map_err(|Full| Error::Memory)?.flatten())
}

/// Puts what the headers say into a place without a context. Returns whether there is a context after all.
#[inline]
fn fill(kept: &mut Kept, reading: &mut Reading<'_>, config: &Packed) -> Result<bool, Full> {
    let tags = kept.spare_tags.run().ok_or(Full)?;
    let baggage = match reading.has_baggage() {
        true => Some(kept.spare_baggage.run().ok_or(Full)?),
        false => None,
    };
    let has_baggage = baggage.is_some();
    let Some(extracted) = reading.keep(config, tags, baggage)? else { return Ok(false) };
    let decision = match extracted.priority {
        Some(priority) => Decision::new(priority, extracted.mechanism.and_then(Mechanism::of)),
        None => Decision::NONE,
    };
    kept.context = Some(Context {
        trace_id_high: extracted.trace_id_high,
        trace_id_low: extracted.trace_id_low,
        span_id: extracted.span_id,
        decision,
    });
    let carried = &mut kept.carried;
    carried.tags = kept.spare_tags.filled();
    kept.bytes = carried.tags.capacity();
    if has_baggage {
        carried.baggage = kept.spare_baggage.filled();
        carried.came = carried.baggage.clone();
        kept.bytes += carried.baggage.capacity();
    }
    if !reading.links.is_empty() {
        kept.bytes += reading.links.capacity();
        carried.links = Some(Arc::new(std::mem::take(&mut reading.links)));
    }
    carried.last_parent = extracted.last_parent.unwrap_or(0);
    kept.changed_bytes = 0;
    Ok(true)
}

/// Returns the ids and the decision of a context.
pub fn ids(state: &State, number: u64) -> Result<Context, Error> {
    let context = state.contexts.read(number, |kept| kept.context)?.ok_or(Error::Handle)?;
    match context.trace_id_low {
        0 => Err(Error::NotFound),
        _ => Ok(context),
    }
}
