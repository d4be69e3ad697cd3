//! Requests: a thread asks the holder of a slot to do something to it, when it can neither wait for the slot nor give
//! up. The holder may be a thread that is not running, or the calling thread itself, interrupted by a signal. The
//! caller leaves a request in the slot and puts the slot on a list. The holder sees the request when it unlocks the
//! slot, and runs the list. This module does not know what requests mean: the function set with [`on_request`] runs the
//! list through [`Table::take_requests`].
//!
//! A holder stores the slot's word and then looks for a request, without a barrier in between, because every span would
//! pay for the barrier several times. So the holder can miss a request that is left at that very moment. The request is
//! not lost: its caller runs the list once after leaving it, and so do flush, shutdown, statistics and the worker.

use super::base::Table;
use super::handle::Handle;
use super::slots::{Content, Refused, Slot, BUSY, LIVE, SEGMENT};
use std::sync::atomic::Ordering::*;
use std::sync::OnceLock;

/// Number of bits of a request.
pub const REQUEST_BITS: u32 = 35;

impl<T: Content> Table<T> {
    /// Leaves a request of [`REQUEST_BITS`] bits, not 0, which `make` makes from the slot's label. Only the first
    /// request of a generation counts; a later one is refused as stale. Busy: a request of an earlier generation is not
    /// removed yet.
    pub fn ask(&self, handle: Handle, make: impl FnOnce(&T::Label) -> u64) -> Result<(), Refused> {
        let request = self.label(handle, make).ok_or(Refused::Stale)?;
        let slot = &self.segment(handle.index).ok_or(Refused::Stale)?.slots[handle.index as usize % SEGMENT];
        let request = u64::from(handle.generation) << REQUEST_BITS | request & ((1 << REQUEST_BITS) - 1);
        match slot.request.compare_exchange(0, request, SeqCst, Relaxed) {
            Err(other) if other >> REQUEST_BITS == u64::from(handle.generation) => return Err(Refused::Stale),
            // A request of an earlier generation. The thread that runs the list is about to remove it.
            Err(_) => return Err(Refused::Busy),
            Ok(_) => {}
        }
        if slot.word.load(SeqCst) & !BUSY != u64::from(handle.generation) << 2 | LIVE {
            slot.request.store(0, Release);
            return Err(Refused::Stale);
        }
        self.put_on_list(handle.index);
        Ok(())
    }

    /// Makes the holder of a slot run the list when it unlocks.
    pub fn notify_holder(&self, handle: Handle) {
        if let Some(segment) = self.segment(handle.index) {
            let slot = &segment.slots[handle.index as usize % SEGMENT];
            let _ = slot.request.compare_exchange(0, u64::from(handle.generation) << REQUEST_BITS | 1, SeqCst, Relaxed);
        }
    }

    /// Takes all requests off the list and calls `run` with each. `run` returns whether it is done; if not, the request
    /// returns to the list. Before `run` frees a slot, it clears the request with [`Table::clear_request`].
    pub fn take_requests(&self, mut run: impl FnMut(Handle, u64) -> bool) {
        let mut next = self.requests.swap(0, AcqRel);
        while let Some(index) = next.checked_sub(1) {
            let Some(segment) = self.segment(index) else { return };
            next = segment.request_links[index as usize % SEGMENT].load(Relaxed);
            let request = segment.slots[index as usize % SEGMENT].request.load(Acquire);
            let handle = Handle { index, generation: (request >> REQUEST_BITS) as u32 };
            if request != 0 && !run(handle, request & ((1 << REQUEST_BITS) - 1)) {
                self.put_on_list(index);
            }
        }
    }

    /// Whether the list has a request.
    pub fn has_requests(&self) -> bool {
        self.requests.load(Acquire) != 0
    }

    /// Removes a slot's request.
    pub fn clear_request(&self, handle: Handle) {
        if let Some(segment) = self.segment(handle.index) {
            segment.slots[handle.index as usize % SEGMENT].request.store(0, Release);
        }
    }

    fn put_on_list(&self, index: u32) {
        let Some(segment) = self.segment(index) else { return };
        let mut first = self.requests.load(Relaxed);
        loop {
            segment.request_links[index as usize % SEGMENT].store(first, Relaxed);
            match self.requests.compare_exchange_weak(first, index + 1, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }
}

/// The function that runs the list.
static RUN: OnceLock<fn()> = OnceLock::new();

/// Sets the function that runs the list, once per process.
pub fn on_request(run: fn()) {
    let _ = RUN.set(run);
}

/// Called by a holder that has just unlocked and sees a request. Takes only the slot, so that unlocking, which every
/// span does, keeps nothing else in registers.
#[cold]
#[inline(never)]
pub(super) fn requested<T: Content>(slot: &Slot<T>) {
    if !T::LISTED {
        slot.request.store(0, Release);
    }
    if let Some(run) = RUN.get() {
        run();
    }
}
