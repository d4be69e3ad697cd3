//! The last step of a finished span on the calling thread: says in debug mode what has ended, and hands the chunk that is
//! due, if any, to the queue. Each finished span passes here once, the log's copy of it is made here.

use super::registry::Tracer;
use super::state::State;
use super::view;
use crate::counters::{Counters, Reason};
use crate::event::dropped::Stage;
use crate::event::facts::EnqueuedView;
use crate::event::{DropDetail, Facts, QueueView, Standing};
use crate::export::queue::Limits;
use crate::export::{Exporter, TRACERS_MAX};
use crate::level::Level;
use crate::memory::Claim;
use crate::probes;
use crate::recorder::fates::{FateId, Handed, Unrecorded};
use crate::span::open::OpenSpan;
use crate::sys;
use crate::trace::{Chunk, Decision, Trace};
use std::sync::atomic::Ordering::Relaxed;

/// The initial buffer of a trace is not larger than this, however large the traces before it were.
const USUAL_MAX: usize = 64 << 10;

/// A span that has just ended, and its trace right after that.
pub(super) struct Finished<'a> {
    pub(super) span: &'a OpenSpan,
    pub(super) flags: u32,
    pub(super) duration_ns: u64,
    pub(super) decision: Decision,
    /// Spans of the trace that are open.
    pub(super) open: u32,
    /// Its finished spans, before the chunk left.
    pub(super) waiting: u32,
}

/// Counts a finished span for whose record there was no memory.
#[cold]
#[inline(never)]
pub(super) fn count_lost(state: &State, index: u32, trace: &mut Trace) {
    Counters::add(&state.shared.account(index).counters.traces.finished, 1);
    let detail = DropDetail::NoMemory(Stage::Record);
    trace.fate = note_fate(state, trace, 1);
    state.shared.lose_trace(trace.fate, Reason::Memory, 1, &detail);
    state.shared.drop_spans(index, Reason::Memory, 1, 0, &detail);
}

/// Notes that a span of a trace ended without a record.
#[cold]
#[inline(never)]
pub(super) fn note_unrecorded(state: &State, trace: &mut Trace, how: Unrecorded) {
    let fates = state.shared.recorder.fates();
    if trace.fate == 0 {
        trace.fate = note_fate(state, trace, 0);
    }
    fates.ended(trace.fate, how, trace.open == 0);
}

/// Returns what the ring of fates keeps of a trace of which no chunk leaves now.
#[inline(always)]
fn handed_of(trace: &Trace) -> Handed {
    let (priority, mechanism, rate, rule) = trace.decision.recorded();
    Handed {
        id: trace.fate,
        trace_id: (trace.trace_id_high, trace.trace_id_low),
        tracer: trace.tracer,
        priority,
        mechanism,
        rule,
        rate,
        decided_elsewhere: trace.decided_elsewhere,
        spans: 0,
        complete: trace.open == 0,
    }
}

/// Logs that a span was finished.
#[cold]
#[inline(never)]
pub(super) fn log_finished(state: &State, finished: &Finished<'_>, leaves: bool) {
    let Finished { span, flags, duration_ns, decision, open, waiting } = *finished;
    let standing = Standing { open: open.into(), finished: waiting.into(), leaves };
    let facts = state.shared.account(span.tracer).with_metadata(|metadata| {
        let service = metadata.map_or("", |metadata| metadata.service.as_str());
        Facts::finished(span, (flags, duration_ns), view::outcome(decision), service, standing)
    });
    state.shared.logs.emit_facts(facts);
}

/// Records and queues the finished spans of a decided trace as a chunk. `by`: the thread's shard and the wall time, for the
/// flight recorder.
#[inline(always)]
pub(super) fn enqueue_waiting(state: &'static State, tracer: &Tracer, trace: &mut Trace, by: (u8, u64)) {
    let (index, spans, bytes) = (trace.tracer, trace.waiting, trace.records().len());
    let handed = Handed { spans, ..handed_of(trace) };
    trace.fate = record_leaving(state, tracer, &handed, bytes, by);
    if crate::log::enabled(Level::Debug) {
        let chunk = trace.gathered(0);
        return enqueue_logged(state, index, tracer, chunk);
    }
    let (counters, exporter) = (&state.shared.account(index).counters, exporter_of(state, tracer));
    // Counted before the push, so that the worker's counters never exceed this one.
    Counters::add(&counters.traces.enqueued, spans.into());
    let capacity = trace.capacity();
    match exporter.queue.push_made(index, capacity, tracer.limits(), |sequence| trace.gathered(sequence)) {
        Some(_) => queued(state, exporter, spans.into(), bytes as u64),
        None => lose(state, exporter, tracer.limits(), trace.gathered(0)),
    }
}

/// Records and queues a chunk that was not made from a trace.
#[inline(never)]
pub(super) fn enqueue(state: &'static State, index: u32, tracer: &Tracer, mut chunk: Chunk, by: (u8, u64)) {
    let (priority, mechanism, rate, rule) = chunk.decision.recorded();
    let handed = Handed {
        id: chunk.fate,
        trace_id: (chunk.trace_id_high, chunk.trace_id_low),
        tracer: index,
        priority,
        mechanism,
        rule,
        rate,
        decided_elsewhere: chunk.decided_elsewhere,
        spans: chunk.spans,
        complete: chunk.complete,
    };
    chunk.fate = record_leaving(state, tracer, &handed, chunk.records.len(), by);
    if crate::log::enabled(Level::Debug) {
        enqueue_logged(state, index, tracer, chunk);
    } else {
        hand_over(state, index, tracer, chunk, |_, _| ());
    }
}

/// Makes an entry in the ring of fates where no chunk leaves.
#[cold]
#[inline(never)]
fn note_fate(state: &State, trace: &Trace, spans: u32) -> FateId {
    let handed = Handed { spans, ..handed_of(trace) };
    state.shared.recorder.fates().handed(sys::keep_errno(sys::wall_ns), &handed)
}

/// Records that a chunk of this many bytes leaves, and counts its spans as finished. Returns its trace's entry in the ring
/// of fates, for later chunks of the trace.
#[inline(always)]
fn record_leaving(state: &State, tracer: &Tracer, handed: &Handed, bytes: usize, by: (u8, u64)) -> FateId {
    let spans = u64::from(handed.spans);
    state.shared.recorder.chunk_enqueued(by.0, by.1, handed.tracer, spans, bytes as u64);
    Counters::add(&state.shared.account(handed.tracer).counters.traces.finished, spans);
    // Moves half of the way, so that one odd trace does not decide the size of the next buffers.
    let usual = tracer.usual_bytes.load(Relaxed);
    tracer.usual_bytes.store((usual + bytes.min(USUAL_MAX)) / 2 + 64, Relaxed);
    state.shared.recorder.fates().handed(by.1, handed)
}

#[inline(always)]
fn exporter_of(state: &'static State, tracer: &Tracer) -> &'static Exporter {
    &state.exporters[tracer.exporter.load(Relaxed) as usize % TRACERS_MAX]
}

/// Puts a chunk into the queue, or counts it as dropped.
fn hand_over(state: &'static State, index: u32, tracer: &Tracer, chunk: Chunk, done: impl FnOnce(u64, u64)) {
    let (counters, exporter) = (&state.shared.account(index).counters, exporter_of(state, tracer));
    let (spans, limits, bytes) = (u64::from(chunk.spans), tracer.limits(), chunk.records.len() as u64);
    // Counted before the push, so that the worker's counters never exceed this one.
    Counters::add(&counters.traces.enqueued, spans);
    match exporter.queue.push(chunk, limits) {
        Ok((queued_chunks, queued_bytes)) => {
            queued(state, exporter, spans, bytes);
            done(queued_chunks, queued_bytes);
        }
        Err(chunk) => lose(state, exporter, limits, chunk),
    }
}

/// After a chunk was queued.
#[inline(always)]
fn queued(state: &'static State, exporter: &'static Exporter, spans: u64, bytes: u64) {
    // The tracer was shut down meanwhile and its worker has ended: a new worker sends late chunks.
    if !exporter.started.load(Relaxed) {
        exporter.start(&state.shared);
    }
    probes::chunk_enqueue(spans, bytes);
}

/// Counts a chunk for which the queue had no room as dropped.
#[cold]
#[inline(never)]
fn lose(state: &State, exporter: &Exporter, limits: Limits, chunk: Chunk) {
    let (index, spans, chunk_bytes) = (chunk.tracer, u64::from(chunk.spans), chunk.records.len() as u64);
    state.shared.account(index).counters.traces.enqueued.fetch_sub(spans, Relaxed);
    state.shared.pool.give(chunk.records);
    let (chunks, bytes) = exporter.queue.waiting(index);
    let full = QueueView { chunks, bytes, max_bytes: limits.bytes as u64, chunk_bytes };
    let detail = DropDetail::NoRoom(full);
    state.shared.lose_trace(chunk.fate, Reason::QueueFull, spans, &detail);
    state.shared.drop_spans(index, Reason::QueueFull, spans, 1, &detail);
}

/// Sends a chunk in debug mode. The log may list its spans, so these are copied before the worker can take the chunk.
#[cold]
fn enqueue_logged(state: &'static State, index: u32, tracer: &Tracer, chunk: Chunk) {
    let logs = &state.shared.logs;
    let (trace_id, spans, complete) = (chunk.trace_id(), u64::from(chunk.spans), chunk.complete);
    let (bytes, outcome) = (chunk.records.len() as u64, view::outcome(chunk.decision));
    let metadata = state.shared.account(index).metadata();
    let service = metadata.as_ref().map_or("", |metadata| metadata.service.as_str());
    let agent_url = metadata.as_ref().map_or("", |metadata| metadata.agent_url.as_str());
    // Counted until the log has its own copy. Without memory the log does not list the spans.
    let (mut claim, mut records) = (Claim::default(), Vec::new());
    let listed = chunk.records.bytes();
    if logs.lists_spans() && claim.grow(2 * listed.len()).is_ok() && records.try_reserve_exact(listed.len()).is_ok() {
        records.extend_from_slice(listed);
    }
    hand_over(state, index, tracer, chunk, |queued_chunks, queued_bytes| {
        let records = &records;
        logs.emit_facts(Facts::enqueued(&EnqueuedView {
            trace_id,
            outcome,
            spans,
            bytes,
            complete,
            queued_chunks,
            queued_bytes,
            agent_url,
            records,
            service,
        }));
    });
}
