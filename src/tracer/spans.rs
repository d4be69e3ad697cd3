//! Starting, finishing and discarding spans: the way that every span goes, and the one worth counting instructions on.
//! Locks are taken in one order: a span's slot, then its trace.

use super::{facts, Error, Tracer};
use crate::counters::{Counters, Reason};
use crate::export::queue::{Chunk, NO_PRIORITY};
use crate::export::TRACERS_MAX;
use crate::log::event::{Event, QueueFacts, SpanFacts};
use crate::log::level::Level;
use crate::memory;
use crate::probes;
use crate::span::clock;
use crate::span::ids::Source;
use crate::span::open::{Field, OpenSpan, ERROR, LOCAL_ROOT, TOP_LEVEL};
use crate::span::table::{Guard, Handle, Kind, Refused};
use crate::sys;
use crate::trace::{self, Decision, Trace};
use crate::tracer::state::State;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// However large one trace was, the next ones do not begin with more than this.
const USUAL_MAX: usize = 64 << 10;

/// What a span continues from elsewhere: ids and decision by value.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id; not 0.
    pub trace_id_low: u64,
    /// The parent span.
    pub span_id: u64,
    /// How the trace was decided.
    pub decision: Decision,
}

/// A new span's parent.
#[derive(Clone, Copy, Debug)]
pub enum Parent<'a> {
    /// None: the span is the root of a new trace.
    None,
    /// A span of this process, by its number.
    Span(u64),
    /// A span of another tracer, process or time.
    Remote(&'a Context),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        match refused {
            Refused::Stale => Error::Handle,
            Refused::Forked => Error::Forked,
            Refused::Busy => Error::Busy,
        }
    }
}

/// Where a span begins in its trace.
struct Place {
    trace: Handle,
    start_tick: u64,
    start_ns: i64,
}

/// Starts a span; `fill` may set more on it before anyone else sees it. `None` where tracing is disabled: no span, and
/// no error.
#[inline]
pub fn start(
    state: &'static State,
    tracer: u64,
    parent: Parent<'_>,
    name: &[u8],
    fill: impl FnOnce(&mut OpenSpan, &Tracer, &Counters),
) -> Result<Option<u64>, Error> {
    let (index, tracer) = state.tracers.find(tracer)?;
    if !tracer.enabled.load(Relaxed) {
        return Ok(None);
    }
    let counters = &state.shared.account(index).counters;
    if tracer.closed.load(Relaxed) || memory::is_full() {
        Counters::add(&counters.refused_starts, 1);
        return Err(if tracer.closed.load(Relaxed) { Error::Closed } else { Error::Memory });
    }
    let exporter = &state.exporters[tracer.exporter.load(Relaxed) as usize % TRACERS_MAX];
    if !exporter.started.load(Relaxed) {
        exporter.start(&state.shared);
    }
    let mut source = Source::of_thread(state.epoch);
    let Some(mut span) = state.spans.allocate(source.shard()) else {
        Counters::add(&counters.refused_starts, 1);
        return Err(Error::Memory);
    };
    span.reset();
    span.tracer = index;
    let place = match find_place(state, (index, tracer), parent, name, &mut span, &mut source) {
        Ok(place) => place,
        Err(error) => {
            span.free();
            Counters::add(&counters.refused_starts, 1);
            return Err(error);
        }
    };
    span.span_id = source.span_id();
    let shard = source.shard() as u8;
    source.keep();
    (span.trace, span.trace_generation) = (place.trace.index, place.trace.generation);
    (span.start_tick, span.start_ns) = (place.start_tick, place.start_ns);
    count_mended(counters, span.set_field(Field::Name, name));
    fill(&mut span, tracer, counters);
    span.shard = shard;
    state.shared.recorder.span_started(shard, place.start_ns, span.span_id, index, span.trace_id_low);
    probes::span_start(span.span_id, span.trace_id_low);
    if crate::log::enabled(Level::Debug) {
        facts::say_started(state, &span, place.trace);
    }
    Ok(Some(span.publish().number(Kind::Span)))
}

#[inline]
fn find_place(
    state: &State,
    (index, tracer): (u32, &Tracer),
    parent: Parent<'_>,
    name: &[u8],
    span: &mut OpenSpan,
    source: &mut Source,
) -> Result<Place, Error> {
    let remote = match parent {
        Parent::None => None,
        Parent::Remote(context) => Some(*context),
        Parent::Span(number) => match local_parent(state, index, number, span)? {
            Local::In(place) => return Ok(place),
            Local::Elsewhere(context) => Some(context),
            Local::Unknown => {
                Counters::add(&state.shared.account(index).counters.parents_unknown, 1);
                let name = String::from_utf8_lossy(name);
                state.shared.logs.emit(&Event::ParentUnknown { parent: number, name: &name });
                None
            }
        },
    };
    let now = trace::now();
    let (ids, decision) = match &remote {
        Some(context) => ((context.trace_id_high, context.trace_id_low), context.decision),
        None => {
            let high = if tracer.wide_ids.load(Relaxed) { (now.1 / 1_000_000_000) << 32 } else { 0 };
            ((high, source.trace_id_low()), Decision::DEFAULT)
        }
    };
    (span.trace_id_high, span.trace_id_low) = ids;
    span.parent_id = remote.map_or(0, |context| context.span_id);
    span.flags = LOCAL_ROOT;
    let mut trace = state.traces.allocate(source.shard()).ok_or(Error::Memory)?;
    trace.begin(index, ids, decision, now.0, now.1, now.2);
    trace.enter_first();
    let place = Place { trace: trace.handle(), start_tick: now.2, start_ns: now.1 as i64 };
    trace.publish();
    Ok(place)
}

enum Local {
    In(Place),
    Elsewhere(Context),
    Unknown,
}

/// A parent given by its handle: in a trace here, or one to be continued (another tracer's; the parent process's).
#[inline]
fn local_parent(state: &State, index: u32, number: u64, span: &mut OpenSpan) -> Result<Local, Error> {
    let Some(handle) = Handle::of(number, Kind::Span) else { return Ok(Local::Unknown) };
    match state.spans.lock(handle) {
        Ok(parent) if parent.tracer == index => {
            let mut trace = state.traces.lock(trace_of(&parent))?;
            let (start_tick, start_ns) = trace.enter();
            let place = Place { trace: trace.handle(), start_tick, start_ns };
            drop(trace);
            (span.trace_id_high, span.trace_id_low) = (parent.trace_id_high, parent.trace_id_low);
            (span.parent_id, span.flags) = (parent.span_id, 0);
            span.parent_service_hash = parent.service_hash;
            if parent.service_hash != 0 {
                span.service_hash = parent.service_hash;
                let _ = span.set_field(Field::Service, parent.field(Field::Service));
            }
            Ok(Local::In(place))
        }
        Ok(parent) => {
            let decision = state.traces.lock(trace_of(&parent)).map_or(Decision::DEFAULT, |trace| trace.decided());
            Ok(Local::Elsewhere(context_of(&parent, decision)))
        }
        Err(Refused::Forked) => {
            let context = state.spans.read_inherited(handle, |parent| {
                let decided = state.traces.read_inherited(trace_of(parent), Trace::decided);
                context_of(parent, decided.unwrap_or(Decision::DEFAULT))
            });
            Ok(context.map_or(Local::Unknown, Local::Elsewhere))
        }
        Err(Refused::Stale) => Ok(Local::Unknown),
        Err(Refused::Busy) => Err(Error::Busy),
    }
}

#[inline]
pub(super) fn trace_of(span: &OpenSpan) -> Handle {
    Handle { index: span.trace, generation: span.trace_generation }
}

fn context_of(span: &OpenSpan, decision: Decision) -> Context {
    Context { trace_id_high: span.trace_id_high, trace_id_low: span.trace_id_low, span_id: span.span_id, decision }
}

/// When a span ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// Now.
    Now,
    /// At a time the host knows, nanoseconds since 1970; before the start means a duration of 0.
    At(i64),
}

/// Finishes a span. Its handle is stale from here on; its trace's chunk leaves if it was the last one open.
#[inline]
pub fn finish(state: &'static State, number: u64, end: End) -> Result<(), Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    let mut span = state.spans.lock(handle)?;
    let mut trace = state.traces.lock(trace_of(&span))?;
    let duration_ns = match end {
        End::Now => match span.given_start() {
            None => clock::elapsed_ns(span.start_tick, clock::ticks(trace.scale), trace.scale),
            Some(start_ns) => (sys::wall_ns() as i64).saturating_sub(start_ns).max(0) as u64,
        },
        End::At(end_ns) => end_ns.saturating_sub(span.start_ns).max(0) as u64,
    };
    span.close_gaps();
    let top_level = span.flags & LOCAL_ROOT != 0 || span.service_hash != span.parent_service_hash;
    let flags = span.flags & (ERROR | LOCAL_ROOT) | if top_level { TOP_LEVEL } else { 0 };
    let (index, tracer) = (span.tracer, state.tracers.at(span.tracer));
    let (shard, end_ns, error) = (span.shard, span.start_ns as u64 + duration_ns, flags & ERROR != 0);
    state.shared.recorder.span_finished(shard, end_ns, span.span_id, index, duration_ns, error);
    trace.open -= 1;
    let kept = trace.take_in(&state.shared.pool, &span, flags, duration_ns, tracer.usual_bytes.load(Relaxed));
    probes::span_finish(span.span_id, duration_ns);
    if crate::log::enabled(Level::Debug) {
        facts::say_finished(state, &span, &trace, tracer.partial_spans.load(Relaxed), (flags, duration_ns));
    }
    if kept.is_err() {
        Counters::add(&state.shared.account(index).counters.traces.finished, 1);
        state.shared.drop_spans(index, Reason::Memory, 1, 0, "no room for the span's record");
    }
    if let Some(chunk) = trace.due(tracer.partial_spans.load(Relaxed)) {
        enqueue(state, index, tracer, chunk, (shard, end_ns));
    }
    // Last: as long as the trace lives, its tracer's slot is nobody else's.
    leave(state, trace);
    give_back(span);
    Ok(())
}

/// Drops an open span without a trace of it; what was to be sent of its trace is sent.
pub fn discard(state: &'static State, number: u64) -> Result<(), Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    let span = state.spans.lock(handle)?;
    let (shard, now_ns) = (span.shard, sys::keep_errno(sys::wall_ns));
    state.shared.recorder.span_discarded(shard, now_ns, span.span_id, span.tracer, span.trace_id_low);
    remove_open(state, span, |counters| &counters.discarded)
}

/// Takes an open span out of its trace and counts it; the trace's chunk leaves if nothing is open any more.
pub(super) fn remove_open(
    state: &'static State,
    span: Guard<'_, OpenSpan>,
    counter: impl FnOnce(&Counters) -> &AtomicU64,
) -> Result<(), Error> {
    let mut trace = state.traces.lock(trace_of(&span))?;
    let index = span.tracer;
    trace.open -= 1;
    Counters::add(counter(&state.shared.account(index).counters), 1);
    if let Some(chunk) = trace.due(u32::MAX) {
        enqueue(state, index, state.tracers.at(index), chunk, (span.shard, sys::wall_ns()));
    }
    leave(state, trace);
    give_back(span);
    Ok(())
}

/// Frees a span's slot, and where memory is short what the slot would have kept for its next span.
#[inline]
fn give_back(mut span: Guard<'_, OpenSpan>) {
    if memory::is_short() {
        span.retire();
    }
    span.free();
}

/// Unlocks a trace, or ends it when nothing is open any more. What it counted goes to its tracer.
#[inline]
fn leave(state: &State, trace: Guard<'_, Trace>) {
    if trace.open == 0 {
        Counters::add(&state.shared.account(trace.tracer).counters.traces.started, trace.started);
        trace.free();
    }
}

/// Sends a chunk on its way. `by`: the shard of the thread, and the wall time, for the flight recorder.
#[inline]
pub(super) fn enqueue(state: &'static State, index: u32, tracer: &Tracer, chunk: Chunk, by: (u8, u64)) {
    let counters = &state.shared.account(index).counters;
    let (spans, bytes) = (u64::from(chunk.spans), chunk.records.len());
    state.shared.recorder.chunk_enqueued(by.0, by.1, index, spans, bytes as u64);
    Counters::add(&counters.traces.finished, spans);
    // Half of the difference, so that one odd trace does not decide what the next ones get.
    let usual = tracer.usual_bytes.load(Relaxed);
    tracer.usual_bytes.store((usual + bytes.min(USUAL_MAX)) / 2 + 64, Relaxed);
    if crate::log::enabled(Level::Debug) {
        return enqueue_saying_so(state, index, tracer, chunk);
    }
    hand_over(state, index, tracer, chunk, |_, _| ());
}

/// Puts a chunk into the queue, or counts it as dropped.
#[inline(always)]
fn hand_over(state: &'static State, index: u32, tracer: &Tracer, chunk: Chunk, queued: impl FnOnce(u64, u64)) {
    let counters = &state.shared.account(index).counters;
    let exporter = &state.exporters[tracer.exporter.load(Relaxed) as usize % TRACERS_MAX];
    let (spans, limits, chunk_bytes) = (u64::from(chunk.spans), tracer.limits(), chunk.records.len() as u64);
    // Counted before, so that what the worker counts never runs ahead of it.
    Counters::add(&counters.traces.enqueued, spans);
    match exporter.queue.push(chunk, limits) {
        Ok((queued_chunks, queued_bytes)) => {
            // The tracer was shut down meanwhile, and its worker with it: what comes late still leaves.
            if !exporter.started.load(Relaxed) {
                exporter.start(&state.shared);
            }
            probes::chunk_enqueue(spans, chunk_bytes);
            queued(queued_chunks, queued_bytes);
        }
        Err(chunk) => {
            counters.traces.enqueued.fetch_sub(spans, Relaxed);
            state.shared.pool.give(chunk.records);
            let (chunks, bytes) = exporter.queue.waiting(index);
            let full = QueueFacts { chunks, bytes, max_bytes: limits.bytes as u64, chunk_bytes };
            state.shared.drop_queued(index, spans, "the queue holds as much as it may", full);
        }
    }
}

/// The same in debug mode: the chunk's spans are looked at before it is gone, where the log wants them.
#[cold]
fn enqueue_saying_so(state: &'static State, index: u32, tracer: &Tracer, chunk: Chunk) {
    let logs = &state.shared.logs;
    let (trace_id, spans, complete) = (chunk.trace_id(), u64::from(chunk.spans), chunk.complete);
    let bytes = chunk.records.len() as u64;
    let profile = state.shared.account(index).profile();
    let agent_url = profile.as_ref().map(|profile| profile.settings.agent.to_string()).unwrap_or_default();
    let say = |list: &[SpanFacts<'_>], queued_chunks, queued_bytes| {
        let agent_url = agent_url.as_str();
        let event =
            Event::ChunkEnqueued { trace_id, spans, bytes, complete, queued_chunks, queued_bytes, agent_url, list };
        logs.emit(&event);
    };
    if !logs.lists_spans() {
        return hand_over(state, index, tracer, chunk, |chunks, bytes| say(&[], chunks, bytes));
    }
    // The records go with the chunk; what the log shows of them must be its own.
    let records = chunk.records.bytes().to_vec();
    let decision = Decision { priority: chunk.priority, maker: chunk.decision };
    hand_over(state, index, tracer, chunk, |chunks, bytes| {
        say(&facts::of_chunk(trace_id, decision, &records, profile.as_deref()), chunks, bytes)
    });
}

/// Counts what was done to a text, or that a tag was dropped.
#[inline]
pub fn count_mended(counters: &Counters, result: Result<crate::span::encode::Mended, crate::span::open::Refusal>) {
    match result {
        Ok(mended) if !mended.repaired && !mended.cut => {}
        Ok(mended) => {
            Counters::add(&counters.texts_repaired, u64::from(mended.repaired));
            Counters::add(&counters.texts_cut, u64::from(mended.cut));
        }
        Err(_) => Counters::add(&counters.tags_dropped, 1),
    }
}

/// Runs `change` on an open span.
#[inline]
pub fn with_span<R>(
    state: &State,
    number: u64,
    change: impl FnOnce(&mut OpenSpan, &Counters, &Tracer) -> Result<R, Error>,
) -> Result<R, Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    let mut span = state.spans.lock(handle)?;
    let index = span.tracer;
    change(&mut span, &state.shared.account(index).counters, state.tracers.at(index))
}

/// The context that continues a span elsewhere, for an inherited span too.
pub fn context(state: &State, number: u64) -> Result<Context, Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    match state.spans.lock(handle) {
        Ok(span) => {
            let decision = state.traces.lock(trace_of(&span))?.decided();
            Ok(context_of(&span, decision))
        }
        Err(Refused::Forked) => state
            .spans
            .read_inherited(handle, |span| {
                let decided = state.traces.read_inherited(trace_of(span), Trace::decided);
                context_of(span, decided.unwrap_or(Decision::DEFAULT))
            })
            .ok_or(Error::Handle),
        Err(refused) => Err(refused.into()),
    }
}

/// Sets the sampling priority of a span's trace by hand.
pub fn set_priority(state: &State, number: u64, priority: i32) -> Result<(), Error> {
    if !(-1..=2).contains(&priority) || priority == NO_PRIORITY {
        return Err(Error::Argument);
    }
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    let span = state.spans.lock(handle)?;
    let mut trace = state.traces.lock(trace_of(&span))?;
    trace.decide(priority, -4);
    Ok(())
}
