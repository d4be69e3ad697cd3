//! Baggage of spans and of contexts that came in: texts that the host sets and reads.

use super::error::Error;
use super::spans::with_span;
use super::state::State;
use crate::memory::Full;
use crate::span::table::{Handle, Kind, Refused};
use crate::span::texts::Texts;

/// Bytes of baggage that a host may set on a span or a context.
const BAGGAGE_MAX: usize = 65_536;

/// Whose baggage.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    /// A span's.
    Span(u64),
    /// A context's.
    Context(u64),
}

/// Changes baggage.
fn change<R>(state: &State, owner: Owner, change: impl FnOnce(&mut Texts) -> Result<R, Error>) -> Result<R, Error> {
    match owner {
        Owner::Span(number) => with_span(state, number, |span, _| change(&mut span.baggage)),
        Owner::Context(number) => state.contexts.change(number, change),
    }
}

/// Sets an item of baggage.
pub fn set(state: &State, owner: Owner, key: &[u8], value: &[u8]) -> Result<(), Error> {
    change(state, owner, |baggage| {
        if baggage.run().len() + key.len() + value.len() > BAGGAGE_MAX {
            return Err(Error::Limit);
        }
        baggage.set(key, value).map_err(|Full| Error::Memory)
    })
}

/// Removes an item of baggage.
pub fn remove(state: &State, owner: Owner, key: &[u8]) -> Result<(), Error> {
    change(state, owner, |baggage| match baggage.remove(key) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::NotFound),
        Err(Full) => Err(Error::Memory),
    })
}

/// Returns the baggage, also of a span or a context of the parent process.
pub fn of(state: &State, owner: Owner) -> Result<Texts, Error> {
    let copy = |baggage: &Texts| Texts::of_run(baggage.run()).map_err(|Full| Error::Memory);
    match owner {
        Owner::Context(number) => state.contexts.read(number, |kept| copy(&kept.carried.baggage))?,
        Owner::Span(number) => {
            let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
            match state.spans.lock(handle) {
                Ok(span) => Ok(span.baggage.clone()),
                Err(Refused::Forked) => {
                    state.spans.read_settled(handle, |span| copy(&span.baggage)).ok_or(Error::Forked)?
                }
                Err(refused) => Err(refused.into()),
            }
        }
    }
}
