//! The generation of this process, which the table of descriptors and the heap store with what belongs to it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How many forks lie between the first process and this one, and 1, as far as this process has noticed them.
static GENERATION: AtomicU32 = AtomicU32::new(1);

/// The generation of this process.
pub(super) fn generation() -> u32 {
    GENERATION.load(Relaxed)
}

/// Sets the generation of this process.
pub(super) fn set_generation(generation: u32) {
    GENERATION.store(generation, Relaxed);
}
