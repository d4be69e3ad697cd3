//! Finishing and discarding spans, and handing chunks over to the queue. Locks are taken in one order: a span's slot,
//! then its trace. A call that finds one of the two held by another thread neither waits nor fails: it leaves a request
//! (`crate::span::table`), which the holder runs when it unlocks.

use super::spans::trace_of;
use super::{facts, Error, Tracer};
use crate::counters::{Counters, Reason};
use crate::event::{Event, QueueView, SpanView};
use crate::export::queue::Chunk;
use crate::export::TRACERS_MAX;
use crate::level::Level;
use crate::memory;
use crate::probes;
use crate::span::clock;
use crate::span::open::{OpenSpan, ERROR, LOCAL_ROOT, TOP_LEVEL};
use crate::span::table::{Guard, Handle, Kind, Refused};
use crate::sys;
use crate::trace::{Decision, Trace};
use crate::tracer::state::{state, State};
use std::sync::atomic::Ordering::Relaxed;

/// However large one trace was, the next ones do not begin with more than this.
const USUAL_MAX: usize = 64 << 10;

/// When a span ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Now.
    Now,
    /// At a time the host knows, nanoseconds since 1970; before the start means a duration of 0.
    At(i64),
    /// So many nanoseconds after its start.
    After(u64),
}

/// What is to become of an open span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is finished.
    Finished(End),
    /// The host gives it up.
    Discarded,
    /// Its tracer was shut down.
    Abandoned,
}

impl Ending {
    /// Two bits for the kind above 33 for the duration: a mantissa of 27 bits and an exponent, exact to 15 ns in a second.
    fn request(self, start_ns: i64) -> u64 {
        let duration_ns = match self {
            Ending::Finished(End::Now) => (sys::wall_ns() as i64).saturating_sub(start_ns).max(0) as u64,
            Ending::Finished(End::At(end_ns)) => end_ns.saturating_sub(start_ns).max(0) as u64,
            Ending::Finished(End::After(duration_ns)) => duration_ns,
            Ending::Discarded => return 2 << 33,
            Ending::Abandoned => return 3 << 33,
        };
        let exponent = (u64::BITS - duration_ns.leading_zeros()).saturating_sub(27);
        1 << 33 | u64::from(exponent) << 27 | duration_ns >> exponent
    }

    fn of_request(request: u64) -> Ending {
        match request >> 33 {
            2 => Ending::Discarded,
            3 => Ending::Abandoned,
            _ => {
                let (exponent, mantissa) = (request >> 27 & 63, request & ((1 << 27) - 1));
                Ending::Finished(End::After(mantissa.checked_shl(exponent as u32).unwrap_or(u64::MAX)))
            }
        }
    }
}

/// Finishes a span. Its handle is stale from here on; its trace's chunk leaves if it was the last one open.
#[inline]
pub fn finish(state: &'static State, number: u64, end: End) -> Result<(), Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    match state.spans.lock_briefly(handle) {
        Ok(span) => match state.traces.lock_briefly(trace_of(&span)) {
            Ok(trace) => {
                finish_locked(state, span, trace, end);
                Ok(())
            }
            Err(_) => {
                drop(span);
                request(state, handle, Ending::Finished(end))
            }
        },
        Err(Refused::Busy) => request(state, handle, Ending::Finished(end)),
        Err(refused) => Err(refused.into()),
    }
}

#[inline(always)]
fn finish_locked(state: &'static State, mut span: Guard<'_, OpenSpan>, mut trace: Guard<'_, Trace>, end: End) {
    let duration_ns = match end {
        End::Now => match span.given_start() {
            None => clock::elapsed_ns(span.start_tick, clock::ticks(trace.scale), trace.scale),
            Some(start_ns) => (sys::wall_ns() as i64).saturating_sub(start_ns).max(0) as u64,
        },
        End::At(end_ns) => end_ns.saturating_sub(span.start_ns).max(0) as u64,
        End::After(duration_ns) => duration_ns,
    };
    // The end is a number of nanoseconds since 1970, too.
    let duration_ns = duration_ns.min((i64::MAX - span.start_ns.max(0)) as u64);
    span.close_gaps();
    let top_level = span.flags & LOCAL_ROOT != 0 || span.service_hash != span.parent_service_hash;
    let flags = span.flags & (ERROR | LOCAL_ROOT) | if top_level { TOP_LEVEL } else { 0 };
    let (index, tracer) = (span.tracer, state.tracers.at(span.tracer));
    let (shard, end_ns, error) = (span.shard, (span.start_ns as u64).wrapping_add(duration_ns), flags & ERROR != 0);
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
}

/// Drops an open span without a trace of it; what was to be sent of its trace is sent.
pub fn discard(state: &'static State, number: u64) -> Result<(), Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    remove(state, handle, Ending::Discarded)
}

/// Ends an open span without a record of it. One that is held by another call ends with that call.
pub(super) fn remove(state: &'static State, handle: Handle, ending: Ending) -> Result<(), Error> {
    match state.spans.lock_briefly(handle) {
        Ok(span) => remove_locked(state, span, ending),
        Err(Refused::Busy) => request(state, handle, ending),
        Err(refused) => Err(refused.into()),
    }
}

/// The same for a span that the caller holds.
pub(super) fn remove_locked(state: &'static State, span: Guard<'_, OpenSpan>, ending: Ending) -> Result<(), Error> {
    match state.traces.lock_briefly(trace_of(&span)) {
        Ok(trace) => {
            end_locked(state, span, trace, ending);
            Ok(())
        }
        Err(_) => {
            let handle = span.handle();
            drop(span);
            request(state, handle, ending)
        }
    }
}

/// Ends a span in the way that is asked for.
fn end_locked(state: &'static State, span: Guard<'_, OpenSpan>, mut trace: Guard<'_, Trace>, ending: Ending) {
    let index = span.tracer;
    let counters = &state.shared.account(index).counters;
    let counter = match ending {
        Ending::Finished(end) => return finish_locked(state, span, trace, end),
        Ending::Discarded => {
            let (shard, now_ns) = (span.shard, sys::keep_errno(sys::wall_ns));
            state.shared.recorder.span_discarded(shard, now_ns, span.span_id, span.tracer, span.trace_id_low);
            &counters.discarded
        }
        Ending::Abandoned => &counters.abandoned,
    };
    trace.open -= 1;
    Counters::add(counter, 1);
    if let Some(chunk) = trace.due(u32::MAX) {
        enqueue(state, index, state.tracers.at(index), chunk, (span.shard, sys::wall_ns()));
    }
    leave(state, trace);
    give_back(span);
}

/// Leaves it to the holder of a span or of its trace to end the span.
#[cold]
#[inline(never)]
fn request(state: &'static State, handle: Handle, ending: Ending) -> Result<(), Error> {
    for _ in 0..100 {
        match state.spans.ask(handle, |label| ending.request(label.start_ns())) {
            Ok(()) => {
                // The holder may have unlocked in this moment, without seeing it.
                run_requests(state);
                return Ok(());
            }
            // A request to the slot's last user is still in the list.
            Err(Refused::Busy) => run_requests(state),
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Error::Busy)
}

/// Ends the spans that calls were asked to end, as far as nobody holds them.
pub fn run_requests(state: &'static State) {
    // Twice: a holder that unlocks while its span is off the list finds nothing to run.
    for _ in 0..2 {
        if state.spans.has_requests() {
            run_list(state);
        }
    }
}

fn run_list(state: &'static State) {
    state.spans.take_requests(|handle, request| {
        let span = match state.spans.try_lock(handle) {
            Ok(span) => span,
            Err(Refused::Busy) => return false,
            Err(_) => {
                state.spans.clear_request(handle);
                return true;
            }
        };
        let traces = trace_of(&span);
        let mut trace = state.traces.try_lock(traces);
        if trace.is_err() {
            state.traces.notify_holder(traces);
            trace = state.traces.try_lock(traces);
        }
        match trace {
            Ok(trace) => {
                state.spans.clear_request(handle);
                end_locked(state, span, trace, Ending::of_request(request));
                true
            }
            Err(_) => {
                span.unlock_quietly();
                false
            }
        }
    });
}

/// For a thread that has unlocked a span or a trace and sees a request.
pub(super) fn on_request() {
    sys::keep_errno(|| run_requests(state()));
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
#[inline(always)]
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
            let full = QueueView { chunks, bytes, max_bytes: limits.bytes as u64, chunk_bytes };
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
    let say = |list: &[SpanView<'_>], queued_chunks, queued_bytes| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracer::spans::{self, Parent};
    use crate::tracer::stats;

    fn tracer(service: &str) -> (&'static State, u64) {
        let code = [("DD_SERVICE", service), ("DD_TRACE_AGENT_URL", "file:///dev/null")];
        let code = code.map(|(name, value)| (name.to_string(), value.to_string()));
        (state(), state().tracers.make(state(), code.to_vec()).expect("a tracer"))
    }

    fn start(state: &'static State, tracer: u64, parent: Parent<'_>) -> u64 {
        spans::start(state, tracer, parent, b"work", |_, _, _| {}).expect("started").expect("enabled")
    }

    #[test]
    fn a_span_ends_although_another_call_holds_its_trace() {
        let (state, tracer) = tracer("held trace");
        let root = start(state, tracer, Parent::None);
        let [finished, discarded] = [0, 1].map(|_| start(state, tracer, Parent::Span(root)));
        let handle = Handle::of(root, Kind::Span).expect("a handle");
        let traces = trace_of(&state.spans.lock(handle).expect("free"));
        let held = state.traces.lock(traces).expect("free");
        assert_eq!(finish(state, finished, End::Now), Ok(()));
        assert_eq!(finish(state, finished, End::Now), Err(Error::Handle));
        assert_eq!(discard(state, discarded), Ok(()));
        let child = start(state, tracer, Parent::Span(root));
        assert_eq!(held.open, 3, "nothing has ended yet, and the child has a chunk of its own");
        drop(held);
        assert_eq!(state.traces.lock(traces).expect("free").open, 1);
        for span in [child, root] {
            assert_eq!(finish(state, span, End::Now), Ok(()));
        }
        let counted = stats::of(state, tracer).expect("its numbers");
        assert_eq!((counted.started, counted.finished, counted.discarded, counted.open), (4, 3, 1, 0));
        state.tracers.free(state, tracer).expect("it is ours");
    }

    #[test]
    fn whatever_threads_do_to_one_span_it_ends_once() {
        const ROUNDS: u64 = 3_000;
        let (state, tracer) = tracer("contended");
        let turn = std::sync::Barrier::new(3);
        let shared = std::sync::atomic::AtomicU64::new(0);
        let ended = std::sync::atomic::AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..3u64 {
                let (turn, shared, ended) = (&turn, &shared, &ended);
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        if thread == 0 {
                            shared.store(start(state, tracer, Parent::None), Relaxed);
                        }
                        turn.wait();
                        let span = shared.load(Relaxed);
                        let tag = spans::with_span(state, span, |span, _, _| Ok(span.set_text(b"k", b"v")));
                        assert!(matches!(tag, Ok(_) | Err(Error::Handle)));
                        let handle = Handle::of(span, Kind::Span).expect("a handle");
                        let done = match (thread + round) % 3 {
                            0 => finish(state, span, End::Now),
                            1 => discard(state, span),
                            // As if the slot had been busy.
                            _ => request(state, handle, Ending::Finished(End::Now)),
                        };
                        ended.fetch_add(u64::from(done.is_ok()), Relaxed);
                        turn.wait();
                    }
                });
            }
        });
        let counted = stats::of(state, tracer).expect("its numbers");
        assert_eq!((counted.started, counted.open), (ROUNDS, 0));
        assert_eq!(counted.finished + counted.discarded, ROUNDS);
        assert!(ended.load(Relaxed) >= ROUNDS);
        state.tracers.free(state, tracer).expect("it is ours");
    }

    #[test]
    fn a_request_keeps_its_kind_and_its_duration() {
        for ending in [Ending::Discarded, Ending::Abandoned] {
            assert_eq!(Ending::of_request(ending.request(5)), ending);
        }
        for bits in 0..64 {
            for duration in [1u64 << bits, (1 << bits) - 1, u64::MAX >> bits] {
                let request = Ending::Finished(End::After(duration)).request(0);
                assert!(request < 1 << 35, "{duration}");
                let Ending::Finished(End::After(back)) = Ending::of_request(request) else { panic!("{duration}") };
                assert!(back <= duration && duration - back <= duration >> 26, "{back} of {duration}");
            }
        }
        let at = |end_ns, start_ns| Ending::of_request(Ending::Finished(End::At(end_ns)).request(start_ns));
        assert_eq!(at(i64::MIN, 7), Ending::Finished(End::After(0)));
        assert_eq!(at(1_000, 7), Ending::Finished(End::After(993)));
    }
}
