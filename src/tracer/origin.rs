//! The origin of a trace, which a span's trace or a context that came in carries among its tags.

use super::baggage::Owner;
use super::deciding::trace_of;
use super::error::Error;
use super::state::State;
use crate::memory::Full;
use crate::propagation::ORIGIN;
use crate::span::table::{Handle, Kind, Refused};
use crate::span::texts::Texts;
use crate::trace::TraceTags;

/// The origin of a trace.
pub struct Origin(TraceTags);

impl Origin {
    /// Returns the text; `None` if the trace has no origin.
    pub fn text(&self) -> Option<&[u8]> {
        self.0.get(ORIGIN)
    }
}

/// Returns the origin, also of a span or a context of the parent process.
pub fn of(state: &State, owner: Owner) -> Result<Origin, Error> {
    let copy = |tags: &TraceTags| Texts::of_run(tags.run()).map_err(|Full| Error::Memory);
    let tags = match owner {
        Owner::Context(number) => state.contexts.read(number, |kept| copy(&kept.carried.tags))?,
        Owner::Span(number) => {
            let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
            match state.spans.lock(handle) {
                Ok(span) => Ok(state.traces.lock(trace_of(&span))?.tags.clone()),
                Err(Refused::Forked) => {
                    let traces = state.spans.read_settled(handle, trace_of).ok_or(Error::Forked)?;
                    state.traces.read_settled(traces, |trace| copy(&trace.tags)).ok_or(Error::Forked)?
                }
                Err(refused) => Err(refused.into()),
            }
        }
    };
    tags.map(Origin)
}
