//! The batches that the worker holds. A batch has chunks of one lane of the queue, the order of their spans, and how
//! many of them are sent or dropped. A batch that is to be tried again is held while batches of other lanes have their
//! turn.

use super::account::Account;
use super::format::{self, Formats};
use super::metadata::Metadata;
use super::queue::{Taken, Ticket};
use super::shared::Shared;
use crate::counters::{Counters, Reason};
use crate::event::DropDetail;
use crate::inspect::{holding, unsigned, TypeDescriptor};
use crate::memory::Buffer;
use crate::recorder::fates::{FateId, Name};
use crate::span::open::LOCAL_ROOT;
use crate::span::record;
use crate::trace::Chunk;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Instant;

/// All batches of one worker.
#[derive(Debug, Default)]
pub(super) struct Batches {
    pub(super) all: Vec<Batch>,
}

/// One batch.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) chunks: Vec<Chunk>,
    /// Offsets of all records, chunk by chunk, in the order in which they are sent.
    pub(super) order: Vec<u32>,
    /// How many of those are sent or dropped. Debuggers read this and the next two: they show which spans can still be
    /// sent after a crash.
    pub(super) gone: AtomicUsize,
    /// A request is under way: the agent may have its spans or not.
    pub(super) asking: AtomicBool,
    /// An earlier request for the same spans got no answer.
    pub(super) unknown: AtomicBool,
    /// The lane that the chunks are from.
    pub(super) lane: Ticket,
    /// The tracer that they are of.
    pub(super) owner: Owner,
    /// The last chunk's place in its lane.
    pub(super) sequence: u64,
    /// What is still to be sent, the first piece last.
    pub(super) pieces: Vec<Piece>,
    /// How large a payload may be in bytes, after the agent has refused a larger one.
    pub(super) limit: Option<usize>,
    /// Where the payload that was tried last ends, as a place in `order`.
    pub(super) tried: usize,
    /// The formats in which the payload that is next was refused.
    pub(super) refused: Formats,
    /// How often the next payload was tried.
    pub(super) attempts: u32,
    /// When the first of these attempts began.
    pub(super) began: Option<Instant>,
}

/// Spans of one chunk: places in `Batch::order`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) chunk: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Piece {
    pub(super) fn spans(&self) -> u64 {
        (self.to - self.from) as u64
    }
}

/// The tracer that spans are of. It may have been freed and its slot given to another tracer, whose counters then stay
/// as they are.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) tracer: u32,
    pub(super) metadata: Arc<Metadata>,
}

impl Owner {
    /// Counts something for the tracer.
    pub(super) fn count(&self, shared: &Shared, count: impl FnOnce(&Counters)) {
        shared.account(self.tracer).count_for(&self.metadata, count);
    }

    /// Returns the tracer's account. `None` if it belongs to another tracer by now.
    pub(super) fn account<'a>(&self, shared: &'a Shared) -> Option<&'a Account> {
        Some(shared.account(self.tracer)).filter(|account| account.is_of(&self.metadata))
    }

    /// Counts spans as dropped and logs it.
    pub(super) fn lose(&self, shared: &Shared, reason: Reason, spans: u64, traces: u64, detail: &DropDetail) {
        let mut began = false;
        // Both before the log, where a sink or a panic could come between them.
        self.count(shared, |counters| {
            began = counters.drop_spans(reason, spans);
            Counters::add(&counters.resolved, spans);
        });
        shared.say_dropped(began, reason, spans, traces, detail);
    }
}

impl Batch {
    /// A batch of these chunks, of which nothing was sent yet.
    pub(super) fn of(lane: Ticket, taken: Taken, chunks: Vec<Chunk>) -> Batch {
        Batch {
            chunks,
            order: Vec::new(),
            gone: AtomicUsize::new(0),
            asking: AtomicBool::new(false),
            unknown: AtomicBool::new(false),
            lane,
            owner: Owner { tracer: taken.tracer, metadata: taken.metadata },
            sequence: taken.sequence,
            pieces: Vec::new(),
            limit: None,
            tried: 0,
            refused: Formats::default(),
            attempts: 0,
            began: None,
        }
    }

    /// Puts all spans in order, as pieces of whole chunks.
    pub(super) fn cut(&mut self, shared: &Shared) {
        let fates = shared.recorder.fates();
        let (mut order, mut pieces) =
            (Vec::with_capacity(self.spans() as usize), Vec::with_capacity(self.chunks.len()));
        // Most roots have the name of the one before.
        let (mut last, mut last_name) = (&b""[..], Name::default());
        for (chunk, content) in self.chunks.iter().enumerate() {
            let from = order.len();
            format::order(content, &mut order);
            pieces.push(Piece { chunk, from, to: order.len() });
            let root = order.get(from).and_then(|&at| name_of_root(content, at));
            if let Some(root) = root.filter(|root| *root != last) {
                (last, last_name) = (root, Name::of(root));
            }
            fates.taken(content.fate, root.map(|_| &last_name));
        }
        pieces.reverse();
        // Only now: a batch without an order is one whose spans are not counted as taken yet.
        (self.order, self.pieces) = (order, pieces);
    }

    /// How many spans it has.
    pub(super) fn spans(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.spans)).sum()
    }

    /// How many spans are neither sent nor dropped.
    pub(super) fn left(&self) -> u64 {
        self.spans().saturating_sub(self.gone.load(Relaxed) as u64)
    }

    /// Marks all spans before this place in `order` as sent or dropped. Those that follow were not tried yet.
    pub(super) fn gone_up_to(&mut self, place: usize) {
        self.gone.store(place, Relaxed);
        self.asking.store(false, Relaxed);
        self.unknown.store(false, Relaxed);
        (self.refused, self.attempts, self.began) = (Formats::default(), 0, None);
    }

    /// Notes in the ring of fates what became of these spans: calls `note` with the entry and number of spans of each.
    pub(super) fn note(&self, pieces: &[Piece], note: impl Fn(FateId, u64)) {
        for piece in pieces {
            note(self.chunks.get(piece.chunk).map_or(0, |chunk| chunk.fate), piece.spans());
        }
    }

    /// Notes in the ring of fates that the spans of this range of places in `order` are lost.
    fn note_lost(&self, shared: &Shared, places: Range<u64>, reason: Reason, detail: &DropDetail) {
        let mut from = 0;
        for chunk in &self.chunks {
            let to = from + u64::from(chunk.spans);
            let spans = to.min(places.end).saturating_sub(from.max(places.start));
            if spans > 0 {
                shared.lose_trace(chunk.fate, reason, spans, detail);
            }
            from = to;
        }
    }

    /// Puts pieces back to be sent again.
    pub(super) fn put_back(&mut self, taken: Vec<Piece>) {
        self.asking.store(false, Relaxed);
        self.pieces.extend(taken.into_iter().rev());
    }

    /// Drops all spans that are left. Those of a payload that got no answer count as of unknown fate, the others are
    /// dropped for `reason`.
    pub(super) fn give_up(&mut self, shared: &Shared, reason: Reason, detail: &DropDetail) {
        let tried = self.unknown.load(Relaxed) || self.asking.load(Relaxed);
        if self.order.is_empty() {
            let spans = self.spans();
            self.owner.count(shared, |counters| Counters::add(&counters.taken, spans));
        }
        let left = self.left();
        let unknown = if tried { left.min(self.tried.saturating_sub(self.gone.load(Relaxed)) as u64) } else { 0 };
        let traces = (self.pieces.len() as u64).max(1);
        let gone = self.gone.load(Relaxed) as u64;
        for (reason, from, spans) in [(Reason::UnknownFate, gone, unknown), (reason, gone + unknown, left - unknown)] {
            if spans > 0 {
                self.note_lost(shared, from..from + spans, reason, detail);
                self.owner.lose(shared, reason, spans, traces.min(spans), detail);
            }
        }
        self.pieces.clear();
        self.gone_up_to(self.spans() as usize);
    }

    /// Takes the chunks' buffers.
    pub(super) fn take_buffers(&mut self) -> impl Iterator<Item = Buffer> + '_ {
        self.chunks.drain(..).map(|chunk| chunk.records)
    }
}

/// The name of the span whose record begins at `at`, if that is a local root.
#[inline]
fn name_of_root(chunk: &Chunk, at: u32) -> Option<&[u8]> {
    let (flags, name) = record::flags_and_name(chunk.records.bytes(), at as usize)?;
    (flags & LOCAL_ROOT != 0).then_some(name)
}

/// Batches as debuggers see them.
pub(super) fn inspected() -> [TypeDescriptor; 2] {
    let fields = vec![
        holding!(Vec of "chunk", Batch, chunks),
        holding!(Vec of "offset", Batch, order),
        unsigned!(Batch, gone),
        unsigned!(Batch, asking),
        unsigned!(Batch, unknown),
        unsigned!(Batch, lane as "ticket"),
    ];
    [
        TypeDescriptor::inside::<Batch>("batch", fields),
        TypeDescriptor::inside::<Batches>("batches", vec![holding!(Vec of "batch", Batches, all)]),
    ]
}
