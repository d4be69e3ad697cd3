//! The slots of tracers: what a span call needs of its tracer, in atomics that are never freed, and how a handle leads
//! there. `making` fills and frees slots.

use super::error::Error;
use crate::export::queue::Limits;
use crate::export::TRACERS_MAX;
use crate::inspect::{unsigned, TypeDescriptor};
use crate::log::event::OpenFacts;
use crate::process::Inheritable;
use crate::settings::Settings;
use crate::span::table::{Handle, Kind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::*};
use std::sync::{Mutex, TryLockError};

/// A slot for a tracer. What spans need of one at every turn lies here, in atomics, and is never freed.
#[derive(Debug, Default)]
pub struct Tracer {
    /// Generation and whether a tracer lives here: `generation << 1 | live`.
    pub(super) word: AtomicU32,
    /// Nothing is started any more.
    pub closed: AtomicBool,
    /// `DD_TRACE_ENABLED`.
    pub enabled: AtomicBool,
    /// Whether trace ids have 128 bits.
    pub wide_ids: AtomicBool,
    /// Finished spans that make a partial flush; `u32::MAX` for never.
    pub partial_spans: AtomicU32,
    /// Index of the exporter.
    pub exporter: AtomicU32,
    /// What chunks were like lately, in bytes.
    pub usual_bytes: AtomicUsize,
    pub(super) queue_bytes: AtomicUsize,
    pub(super) queue_chunks: AtomicUsize,
    pub(super) flush_bytes: AtomicUsize,
    /// Hash of the tracer's service, so that a span that names it is like one that names none.
    pub service_hash: AtomicU32,
    /// Submissions under way.
    pub(super) submitting: AtomicU32,
    /// Its open spans are being abandoned, after it was shut down; none when that is done.
    pub(super) abandoning: Mutex<Option<Abandoning>>,
    /// How often it was given out.
    pub(super) shares: AtomicU32,
    /// What it was made from; set before the slot is live, read by a child after a fork.
    pub(super) origin: Inheritable<Origin>,
}

/// What a tracer was made from, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) code: Vec<(String, String)>,
    pub(super) settings: Settings,
}

impl Tracer {
    /// Whether open spans of it are still to be abandoned. Does not wait for a thread that is doing so.
    pub(super) fn is_abandoning(&self) -> bool {
        match self.abandoning.try_lock() {
            Ok(place) => place.is_some(),
            Err(TryLockError::Poisoned(place)) => place.into_inner().is_some(),
            Err(TryLockError::WouldBlock) => true,
        }
    }

    /// What its queue allows.
    #[inline]
    pub fn limits(&self) -> Limits {
        Limits {
            bytes: self.queue_bytes.load(Relaxed),
            chunks: self.queue_chunks.load(Relaxed),
            flush_bytes: self.flush_bytes.load(Relaxed),
        }
    }
}

/// Abandoning the open spans of a tracer that was shut down: how far that has come.
#[derive(Debug, Default)]
pub struct Abandoning {
    /// The next slot to be looked at.
    pub(super) next: u32,
    pub(super) spans: u64,
    /// The first ones, for the log.
    pub(super) open: Vec<OpenFacts>,
}

/// All tracers of the process.
#[derive(Debug)]
pub struct Tracers {
    pub(super) slots: Box<[Tracer]>,
    pub(super) changing: Mutex<()>,
}

impl Default for Tracers {
    fn default() -> Tracers {
        Tracers { slots: (0..TRACERS_MAX).map(|_| Tracer::default()).collect(), changing: Mutex::new(()) }
    }
}

impl Tracers {
    /// The tracer that a handle names.
    #[inline]
    pub fn find(&self, number: u64) -> Result<(u32, &Tracer), Error> {
        let handle = Handle::of(number, Kind::Tracer).ok_or(Error::Handle)?;
        let tracer = self.slots.get(handle.index as usize).ok_or(Error::Handle)?;
        if tracer.word.load(Acquire) != handle.generation << 1 | 1 {
            return Err(Error::Handle);
        }
        Ok((handle.index, tracer))
    }

    /// The tracer at an index, live or not.
    #[inline]
    pub fn at(&self, index: u32) -> &Tracer {
        &self.slots[index as usize % TRACERS_MAX]
    }

    /// One more share of a tracer that is already there.
    pub(super) fn share(&self, code: &[(String, String)]) -> Option<u64> {
        for (index, tracer) in self.slots.iter().enumerate() {
            let word = tracer.word.load(Acquire);
            if word & 1 == 0 || tracer.closed.load(Relaxed) {
                continue;
            }
            if tracer.origin.get().is_some_and(|origin| origin.code == code) {
                tracer.shares.fetch_add(1, Relaxed);
                return Some(Handle { index: index as u32, generation: word >> 1 }.number(Kind::Tracer));
            }
        }
        None
    }

    /// Of the tracer at this index: whether it is in use, how often the slot was given out, whether it is shut down.
    pub fn standing(&self, index: u32) -> (bool, u32, bool) {
        let tracer = self.at(index);
        let word = tracer.word.load(Acquire);
        (word & 1 == 1, word >> 1, tracer.closed.load(Relaxed))
    }

    /// The tracers as debuggers see them.
    pub fn inspected(&self) -> TypeDescriptor {
        let fields = vec![
            unsigned!(Tracer, word),
            unsigned!(Tracer, closed),
            unsigned!(Tracer, enabled),
            unsigned!(Tracer, exporter),
        ];
        TypeDescriptor::row("tracer", &self.slots, fields)
    }
}
