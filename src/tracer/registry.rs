//! The slots of tracers: what a span call needs of its tracer, in atomics that are never freed, and how a handle leads
//! there. `making` fills and frees slots.

use super::error::Error;
use crate::event::OpenSpanView;
use crate::export::queue::Limits;
use crate::export::TRACERS_MAX;
use crate::inspect::{unsigned, TypeDescriptor};
use crate::process::Inheritable;
use crate::propagation::Packed;
use crate::sampling::Sampler;
use crate::settings::remote::Changes;
use crate::settings::Settings;
use crate::span::table::{Handle, Kind};
use crate::sys;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Mutex, PoisonError, RwLock, TryLockError};

/// A slot for a tracer. Has, in atomics that are never freed, what span calls need of a tracer.
#[derive(Debug, Default)]
pub struct Tracer {
    /// Generation, and whether a tracer is live: `generation << 1 | live`.
    pub(super) word: AtomicU32,
    /// Shut down: no span is started.
    pub closed: AtomicBool,
    /// `DD_TRACE_ENABLED`.
    pub enabled: AtomicBool,
    /// Whether trace ids have 128 bits.
    pub wide_ids: AtomicBool,
    /// `propagation::Packed`.
    pub(super) propagation: [AtomicU64; 3],
    /// Finished spans that make a partial flush; `u32::MAX` for never.
    pub partial_spans: AtomicU32,
    /// Index of the exporter.
    pub exporter: AtomicU32,
    /// Size of recent chunks, in bytes.
    pub usual_bytes: AtomicUsize,
    pub(super) queue_bytes: AtomicUsize,
    pub(super) queue_chunks: AtomicUsize,
    pub(super) flush_bytes: AtomicUsize,
    /// Hash of the tracer's service. A span with this service is treated like one without a service.
    pub service_hash: AtomicU32,
    /// Whether nothing but the Agent's rates decides about its traces.
    pub(super) agent_rates_only: AtomicBool,
    /// What decides about its traces: one of the two, by `sampler_at`. Only the other one is ever replaced, so that
    /// `try_read` of the one in use does not fail.
    pub(super) samplers: [RwLock<Option<Box<Sampler>>>; 2],
    pub(super) sampler_at: AtomicUsize,
    /// What remote configuration has changed.
    pub(super) changes: Mutex<Changes>,
    /// Submissions under way.
    pub(super) submitting: AtomicU32,
    /// Progress of abandoning the open spans after a shutdown; `None` when done.
    pub(super) abandoning: Mutex<Option<Abandoning>>,
    /// Number of shares: how often `tracer_new` returned it.
    pub(super) shares: AtomicU32,
    /// What it was made from; set before the slot is live, read by a child after a fork.
    pub(super) origin: Inheritable<Box<Origin>>,
}

/// The host's settings of a tracer, and the resolved ones.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) code: Vec<(String, String)>,
    pub(super) settings: Settings,
}

impl Tracer {
    /// Whether open spans are still to be abandoned. Does not wait for a thread that is doing so.
    pub(super) fn is_abandoning(&self) -> bool {
        match self.abandoning.try_lock() {
            Ok(place) => place.is_some(),
            Err(TryLockError::Poisoned(place)) => place.into_inner().is_some(),
            Err(TryLockError::WouldBlock) => true,
        }
    }

    /// Returns the settings of propagation.
    #[inline]
    pub(super) fn propagation(&self) -> Packed {
        let [extract, inject, rest] = &self.propagation;
        Packed([extract.load(Relaxed), inject.load(Relaxed), rest.load(Relaxed)])
    }

    /// Replaces the sampler. Calling threads find the former one or the new one. Call it while holding
    /// [`Tracers::changing`].
    #[inline(never)]
    pub(super) fn set_sampler(&self, settings: &Settings) {
        let sampler = Box::new(Sampler::of(settings));
        let only_rates = sampler.has_only_agent_rates();
        let next = 1 - self.sampler_at.load(Relaxed) % 2;
        // Waits for a thread that still uses it since the change before this one.
        *self.samplers[next].write().unwrap_or_else(PoisonError::into_inner) = Some(sampler);
        self.sampler_at.store(next, Release);
        self.agent_rates_only.store(only_rates, Relaxed);
    }

    /// Returns the bounds of the tracer's lane of the queue.
    #[inline]
    pub fn limits(&self) -> Limits {
        Limits {
            bytes: self.queue_bytes.load(Relaxed),
            chunks: self.queue_chunks.load(Relaxed),
            flush_bytes: self.flush_bytes.load(Relaxed),
        }
    }
}

/// Progress of abandoning the open spans of a tracer that was shut down.
#[derive(Debug, Default)]
pub struct Abandoning {
    /// The next slot to check.
    pub(super) next: u32,
    pub(super) spans: u64,
    /// The first ones, for the log.
    pub(super) open: Vec<OpenSpanView>,
}

/// All tracers of the process.
#[derive(Debug)]
pub struct Tracers {
    pub(super) slots: Box<[Tracer; TRACERS_MAX]>,
    pub(super) changing: Mutex<()>,
    /// Tracing was turned off for good.
    pub(super) off: AtomicBool,
}

impl Default for Tracers {
    fn default() -> Tracers {
        Tracers { slots: sys::row_on_heap(Tracer::default), changing: Mutex::new(()), off: AtomicBool::new(false) }
    }
}

impl Tracers {
    /// Returns the tracer of a handle.
    #[inline]
    pub fn find(&self, number: u64) -> Result<(u32, &Tracer), Error> {
        let handle = Handle::of(number, Kind::Tracer).ok_or(Error::Handle)?;
        let tracer = self.slots.get(handle.index as usize).ok_or(Error::Handle)?;
        if tracer.word.load(Acquire) != handle.generation << 1 | 1 {
            return Err(Error::Handle);
        }
        Ok((handle.index, tracer))
    }

    /// Returns the tracer at an index, live or not.
    #[inline]
    pub fn at(&self, index: u32) -> &Tracer {
        &self.slots[index as usize % TRACERS_MAX]
    }

    /// Returns one more share of the live tracer that was made from equal settings.
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

    /// Returns whether the tracer at this index is live, its generation, and whether it is shut down.
    pub fn standing(&self, index: u32) -> (bool, u32, bool) {
        let tracer = self.at(index);
        let word = tracer.word.load(Acquire);
        (word & 1 == 1, word >> 1, tracer.closed.load(Relaxed))
    }

    /// Describes the tracers for debuggers.
    pub fn inspected(&self) -> TypeDescriptor {
        let fields = vec![
            unsigned!(Tracer, word),
            unsigned!(Tracer, closed),
            unsigned!(Tracer, enabled),
            unsigned!(Tracer, exporter),
        ];
        TypeDescriptor::row("tracer", &self.slots[..], fields)
    }
}
