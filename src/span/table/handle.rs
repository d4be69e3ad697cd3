//! Handles: the numbers by which a host names tracers, spans and contexts.

pub(super) const INDEX_BITS: u32 = 22;
pub(super) const GENERATION_BITS: u32 = 29;
/// The last generation that fits a handle.
pub const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;

/// The kind of object that a handle names: the two bits above generation and index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Kind {
    /// A tracer.
    Tracer = 1,
    /// A span.
    Span = 2,
    /// A context that came in.
    Context = 3,
}

/// A handle's parts. The number is below 2^53, which a double holds exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handle {
    /// Index of the slot.
    pub index: u32,
    /// Generation in which the slot was handed out; from 1.
    pub generation: u32,
}

impl Handle {
    /// Returns the number that the host gets.
    #[inline]
    pub fn number(self, kind: Kind) -> u64 {
        (kind as u64) << (INDEX_BITS + GENERATION_BITS)
            | u64::from(self.generation) << INDEX_BITS
            | u64::from(self.index)
    }

    /// Returns the handle of a number, if it is of this kind.
    #[inline]
    pub fn of(number: u64, kind: Kind) -> Option<Handle> {
        if number >> (INDEX_BITS + GENERATION_BITS) != kind as u64 {
            return None;
        }
        let index = number as u32 & ((1 << INDEX_BITS) - 1);
        let generation = (number >> INDEX_BITS) as u32 & LAST_GENERATION;
        Some(Handle { index, generation })
    }
}
