//! Writes the context of a span, or one that came in, as headers.

use super::contexts::Context;
use super::deciding::{self, trace_of};
use super::error::Error;
use super::spans::context_of;
use super::state::State;
use crate::memory::Full;
use crate::process::Caller;
use crate::propagation::{self, Consistent, Outgoing, Scratch};
use crate::sampling::hash::hash;
use crate::span::table::{Handle, Kind, Refused};
use crate::span::texts::Texts;
use crate::sys;
use crate::trace::{Mechanism, Trace, TraceTags};
use std::ffi::CStr;

/// A context on its way out.
struct Leaving {
    context: Context,
    tags: TraceTags,
    baggage: Texts,
    tracer: u32,
    /// Whether another process made the decision.
    decided_elsewhere: bool,
}

/// Writes the context of a span as headers. `each` gets name and value; a NUL follows the value.
#[inline]
pub fn inject_span(state: &State, number: u64, each: impl FnMut(&'static CStr, &[u8])) -> Result<(), Error> {
    let leaving = of_span(state, number)?;
    if leaving.context.decision.priority().is_none() {
        return inject_undecided(state, number, each);
    }
    if let Some(fault) = inject(state, leaving, each)? {
        note_fault(state, number, fault);
    }
    Ok(())
}

/// Writes a context that came in as headers again.
pub fn inject_context(state: &State, number: u64, each: impl FnMut(&'static CStr, &[u8])) -> Result<(), Error> {
    let leaving = state.contexts.read(number, |kept| {
        let carried = kept.carried.copied().map_err(|Full| Error::Memory)?;
        let context = kept.context.ok_or(Error::Handle)?;
        let (tags, baggage, tracer) = (carried.tags, carried.baggage, kept.tracer);
        Ok::<_, Error>(Leaving { context, tags, baggage, tracer, decided_elsewhere: true })
    })??;
    inject(state, leaving, each).map(drop)
}

/// Decides about the trace first.
#[cold]
#[inline(never)]
fn inject_undecided(state: &State, number: u64, each: impl FnMut(&'static CStr, &[u8])) -> Result<(), Error> {
    sys::keep_errno(|| deciding::settle(state, number))?;
    let leaving = of_span(state, number)?;
    if let Some(fault) = inject(state, leaving, each)? {
        note_fault(state, number, fault);
    }
    Ok(())
}

#[inline(always)]
fn of_span(state: &State, number: u64) -> Result<Leaving, Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    let span = match state.spans.lock(handle) {
        Ok(span) => span,
        Err(Refused::Forked) => return of_inherited_span(state, handle),
        Err(refused) => return Err(refused.into()),
    };
    let trace = state.traces.lock(trace_of(&span))?;
    Ok(Leaving {
        context: context_of(&span, trace.decision),
        tags: trace.tags.clone(),
        baggage: span.baggage.clone(),
        tracer: span.tracer,
        decided_elsewhere: trace.decided_elsewhere,
    })
}

/// A span of the parent process has its context in this one, too.
#[cold]
#[inline(never)]
fn of_inherited_span(state: &State, handle: Handle) -> Result<Leaving, Error> {
    let copied = state.spans.read_settled(handle, |span| {
        let of_trace = |trace: &Trace| (Texts::of_run(trace.tags.run()), trace.decided_elsewhere);
        let (tags, decided_elsewhere) =
            state.traces.read_settled(trace_of(span), of_trace).unwrap_or((Ok(Texts::default()), true));
        Ok::<_, Full>(Leaving {
            context: context_of(span, deciding::inherited(state, span)),
            tags: tags?,
            baggage: Texts::of_run(span.baggage.run())?,
            tracer: span.tracer,
            decided_elsewhere,
        })
    });
    copied.ok_or(Error::Forked)?.map_err(|Full| Error::Memory)
}

#[inline(always)]
fn inject(
    state: &State,
    leaving: Leaving,
    mut each: impl FnMut(&'static CStr, &[u8]),
) -> Result<Option<propagation::Fault>, Error> {
    let Leaving { context, tags, baggage, tracer, decided_elsewhere } = &leaving;
    let (priority, mut rate) = (context.decision.priority(), [0; 8]);
    let out = Outgoing {
        trace_id_high: context.trace_id_high,
        trace_id_low: context.trace_id_low,
        span_id: context.span_id,
        priority,
        mechanism: context.decision.sent_mechanism(*decided_elsewhere).map(Mechanism::number),
        kept_rate: context.decision.kept_rate(&mut rate),
        rate_is_replaced: context.decision.replaces_rate(),
        consistent: if *decided_elsewhere { None } else { consistent(context) },
        tags: tags.run(),
        baggage: baggage.run(),
    };
    let (config, caller) = (state.tracers.at(*tracer).propagation(), Caller::new());
    let mut text = Scratch::new();
    let injected = propagation::inject(&out, &config, &mut text, &mut |name, value| {
        each(name, value);
        caller.is_here()
    });
    if !caller.is_here() {
        // The host has forked inside: what this call holds is the parent's.
        std::mem::forget(text);
        std::mem::forget(leaving);
        return Ok(None);
    }
    injected.map_err(|Full| Error::Memory)
}

/// The member `ot` of tracestate for a trace that this process decided by a rate, or by none, which is the rate 1.
fn consistent(context: &Context) -> Option<Consistent> {
    let decision = &context.decision;
    let rate = decision.rate().or((decision.mechanism() == Some(Mechanism::DEFAULT)).then_some(1.0));
    Consistent::of(hash(context.trace_id_low), rate?, decision.priority() > Some(0))
}

#[cold]
fn note_fault(state: &State, number: u64, fault: propagation::Fault) {
    let Some(Ok(span)) = Handle::of(number, Kind::Span).map(|handle| state.spans.lock(handle)) else { return };
    if let Ok(mut trace) = state.traces.lock(trace_of(&span)) {
        if trace.tags.get(propagation::ERROR).is_none() {
            let _ = trace.tags.set(propagation::ERROR, fault.word().as_bytes());
        }
    }
}
