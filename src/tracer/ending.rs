//! Ends spans: finishes, discards or abandons them. Lock order: a span's slot, then its trace. If another thread holds
//! one of the two, the call does not wait: it leaves a request in the slot (`crate::span::table`), and the holder ends
//! the span when it unlocks.

use super::deciding;
use super::deciding::trace_of;
use super::error::Error;
use super::registry::Tracer;
use super::relieving;
use super::sending::{count_lost, enqueue_waiting, log_finished, note_unrecorded, Finished};
use super::state::State;
use crate::counters::Counters;
use crate::level::Level;
use crate::memory;
use crate::probes;
use crate::recorder::fates::Unrecorded;
use crate::span::clock;
use crate::span::open::{OpenSpan, ERROR, LOCAL_ROOT, TOP_LEVEL};
use crate::span::table::{Guard, Handle, Kind, Refused};
use crate::sys;
use crate::trace::{self, Trace};
use std::sync::atomic::Ordering::Relaxed;

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

/// How an open span ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Finished.
    Finished(End),
    /// Discarded by the host.
    Discarded,
    /// Abandoned, because its tracer was shut down.
    Abandoned,
}

impl Ending {
    /// Encodes the ending in 35 bits: two for the kind above 33 for the duration, which has a mantissa of 27 bits and
    /// an exponent. The error is at most 15 ns in a second.
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

/// A span that a call has locked, and its trace.
pub type Held = (Guard<'static, OpenSpan>, Guard<'static, Trace>);

/// Finishes a span now, if it is a usual one of a trace that goes on, and no other call holds one of the two. Makes no system
/// call and takes no memory.
/// Returns whether another call has left a request meanwhile, which the caller runs. If it does nothing, returns what it
/// has locked, for [`finish_held`].
#[inline(always)]
pub fn finish_quickly(state: &'static State, number: u64) -> Result<bool, Option<Held>> {
    let Some(span) = state.spans.lock_if_free(number, Kind::Span) else { return Err(None) };
    let Some(mut trace) = state.traces.lock_if_free_at(trace_of(&span)) else {
        // The caller locks it again, and sees a request when it unlocks it.
        span.unlock_quietly();
        return Err(None);
    };
    let tracer = state.tracers.at(span.tracer);
    let is_usual = trace.goes_on(tracer.partial_spans.load(Relaxed))
        && trace.scale != 0
        && span.given_start().is_none()
        && span.has_no_gaps()
        && !span.is_last()
        && !memory::is_short()
        && !crate::log::enabled(Level::Debug);
    if is_usual {
        let duration_ns = clock::counted_ns(span.start_tick, clock::counter(), trace.scale);
        let duration_ns = duration_ns.min((i64::MAX - span.start_ns.max(0)) as u64);
        let flags = flags_of(&span);
        if trace.finish_quickly(&span, (flags, duration_ns)) {
            record_finished(state, &span, (flags, duration_ns));
            span.free();
            // The trace last, for the same reason as in `finish_locked`.
            return Ok(trace.unlock());
        }
    }
    Err(Some((span, trace)))
}

/// Finishes a span that [`finish_quickly`] has not finished.
#[inline(always)]
pub fn finish_held(state: &'static State, (span, trace): Held) {
    finish_locked(state, span, trace, End::Now);
}

/// The flags of the record of a span that ends.
#[inline(always)]
fn flags_of(span: &OpenSpan) -> u32 {
    let top_level = span.flags & LOCAL_ROOT != 0 || span.service_hash != span.parent_service_hash;
    span.flags & (ERROR | LOCAL_ROOT) | if top_level { TOP_LEVEL } else { 0 }
}

/// Tells the flight recorder and probes that a span has ended. Returns the time.
#[inline(always)]
fn record_finished(state: &State, span: &OpenSpan, (flags, duration_ns): (u32, u64)) -> u64 {
    let (end_ns, error) = ((span.start_ns as u64).wrapping_add(duration_ns), flags & ERROR != 0);
    state.shared.recorder.span_finished(span.shard, end_ns, span.span_id, span.tracer, duration_ns, error);
    probes::span_finish(span.span_id, duration_ns);
    end_ns
}

/// Finishes a span. Its handle is stale afterwards. If no other span of the trace is open, the trace's chunk leaves.
#[inline]
pub fn finish(state: &'static State, number: u64, end: End) -> Result<(), Error> {
    match state.spans.lock_number_briefly(number, Kind::Span) {
        Ok(span) => match state.traces.lock_briefly(trace_of(&span)) {
            Ok(trace) => {
                finish_at(state, span, trace, end);
                Ok(())
            }
            Err(_) => {
                drop(span);
                finish_later(state, number, end)
            }
        },
        Err(Refused::Busy) => finish_later(state, number, end),
        Err(refused) => Err(refused.into()),
    }
}

#[cold]
#[inline(never)]
fn finish_later(state: &'static State, number: u64, end: End) -> Result<(), Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    request(state, handle, Ending::Finished(end))
}

/// The same for callers that are rare.
#[inline(never)]
fn finish_at(state: &'static State, span: Guard<'_, OpenSpan>, trace: Guard<'_, Trace>, end: End) {
    finish_locked(state, span, trace, end);
}

/// Finishes a span that the caller has locked, with its trace. Its callers keep errno: it locks, and may free memory.
#[inline(always)]
fn finish_locked(state: &'static State, mut span: Guard<'_, OpenSpan>, mut trace: Guard<'_, Trace>, end: End) {
    let duration_ns = match end {
        End::Now => match span.given_start() {
            None => clock::elapsed_ns(span.start_tick, clock::ticks(trace.scale), trace.scale),
            Some(start_ns) => (sys::keep_errno(sys::wall_ns) as i64).saturating_sub(start_ns).max(0) as u64,
        },
        End::At(end_ns) => end_ns.saturating_sub(span.start_ns).max(0) as u64,
        End::After(duration_ns) => duration_ns,
    };
    // The end, too, must fit the nanoseconds since 1970.
    let duration_ns = duration_ns.min((i64::MAX - span.start_ns.max(0)) as u64);
    span.close_gaps();
    let flags = flags_of(&span);
    let tracer = state.tracers.at(span.tracer);
    let (usual_bytes, partial_spans) = (tracer.usual_bytes.load(Relaxed), tracer.partial_spans.load(Relaxed));
    let end_ns = record_finished(state, &span, (flags, duration_ns));
    let done = trace.finish(&state.shared.pool, &span, (flags, duration_ns), usual_bytes, partial_spans);
    let ended = Ended { span: &span, flags, duration_ns, end_ns, done };
    if ended.done.due {
        pass_on(state, tracer, &mut trace, &ended);
    } else {
        note(state, &mut trace, &ended, false);
    }
    // Last, because a tracer's slot is not reused while a trace of it is live.
    leave(state, trace);
    give_back(state, span);
}

/// A span that has just ended, and what that did to its trace.
struct Ended<'a> {
    span: &'a OpenSpan,
    flags: u32,
    duration_ns: u64,
    end_ns: u64,
    done: trace::Finished,
}

/// Hands the finished spans of a trace to the queue.
#[inline(always)]
fn pass_on(state: &'static State, tracer: &Tracer, trace: &mut Trace, ended: &Ended<'_>) {
    let leaves = deciding::is_decided(state, tracer, trace);
    note(state, trace, ended, leaves);
    if leaves {
        enqueue_waiting(state, tracer, trace, (ended.span.shard, ended.end_ns));
    }
}

/// Says in debug mode that a span has ended, and counts one for which there was no memory.
#[inline(always)]
fn note(state: &State, trace: &mut Trace, ended: &Ended<'_>, leaves: bool) {
    if crate::log::enabled(Level::Debug) {
        note_finished(state, trace, ended, leaves);
    }
    if !ended.done.kept {
        sys::keep_errno(|| count_lost(state, ended.span.tracer, trace));
    }
}

#[cold]
#[inline(never)]
fn note_finished(state: &State, trace: &Trace, ended: &Ended<'_>, leaves: bool) {
    let Ended { span, flags, duration_ns, ref done, .. } = *ended;
    let (decision, open, waiting) = (trace.decision, trace.open, done.waiting);
    let finished = Finished { span, flags, duration_ns, decision, open, waiting };
    sys::keep_errno(|| log_finished(state, &finished, leaves));
}

/// Drops an open span. If it was the trace's last open span, the finished ones leave.
pub fn discard(state: &'static State, number: u64) -> Result<(), Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    remove(state, handle, Ending::Discarded)
}

/// Ends an open span without a record. If another call holds it, it ends when that call unlocks.
pub(super) fn remove(state: &'static State, handle: Handle, ending: Ending) -> Result<(), Error> {
    match state.spans.lock_briefly(handle) {
        Ok(span) => remove_locked(state, span, ending),
        Err(Refused::Busy) => request(state, handle, ending),
        Err(refused) => Err(refused.into()),
    }
}

/// Ends a span that the caller has locked, without a record.
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

/// Ends a span as `ending` says; the caller has locked it and its trace.
fn end_locked(state: &'static State, span: Guard<'_, OpenSpan>, mut trace: Guard<'_, Trace>, ending: Ending) {
    let index = span.tracer;
    let counters = &state.shared.account(index).counters;
    let counter = match ending {
        Ending::Finished(end) => return finish_at(state, span, trace, end),
        Ending::Discarded => {
            let (shard, now_ns) = (span.shard, sys::keep_errno(sys::wall_ns));
            state.shared.recorder.span_discarded(shard, now_ns, span.span_id, span.tracer, span.trace_id_low);
            &counters.discarded
        }
        Ending::Abandoned => &counters.abandoned,
    };
    trace.open -= 1;
    Counters::add(counter, 1);
    let how = if ending == Ending::Abandoned { Unrecorded::Abandoned } else { Unrecorded::Discarded };
    note_unrecorded(state, &mut trace, how);
    let tracer = state.tracers.at(index);
    if trace.is_due(u32::MAX) && deciding::is_decided(state, tracer, &mut trace) {
        enqueue_waiting(state, tracer, &mut trace, (span.shard, sys::wall_ns()));
    }
    leave(state, trace);
    give_back(state, span);
}

/// Leaves a request, so that the holder of the span or of its trace ends the span.
#[cold]
#[inline(never)]
fn request(state: &'static State, handle: Handle, ending: Ending) -> Result<(), Error> {
    for _ in 0..100 {
        match state.spans.ask(handle, |label| ending.request(label.start_ns())) {
            Ok(()) => {
                // The holder may have unlocked just before, without seeing the request.
                run_requests(state);
                return Ok(());
            }
            // A request for the former span of the slot is still in the list.
            Err(Refused::Busy) => run_requests(state),
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Error::Busy)
}

/// Ends the spans for which there are requests, except those that another thread still holds.
pub fn run_requests(state: &'static State) {
    // Twice: a holder that unlocks while this thread has taken the list finds it empty.
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

/// Frees a span's slot. If memory is short, also frees the buffers that the slot keeps for its next span, and asks for
/// more.
#[inline(always)]
fn give_back(state: &'static State, mut span: Guard<'_, OpenSpan>) {
    if memory::is_short() {
        relieve(state, &mut span);
    }
    span.free();
}

#[cold]
#[inline(never)]
fn relieve(state: &'static State, span: &mut OpenSpan) {
    span.retire();
    relieving::ask(state, state.tracers.at(span.tracer));
}

/// Unlocks a trace, or frees it when no span is open. Its count of started spans is added to the tracer's.
#[inline(always)]
fn leave(state: &State, mut trace: Guard<'_, Trace>) {
    if trace.open == 0 {
        Counters::add(&state.shared.account(trace.tracer).counters.traces.started, trace.started);
        trace.end();
        trace.free();
    }
}

#[cfg(test)]
mod tests {
    use super::super::current::state;
    use super::*;
    use crate::tracer::spans::{self, Parent};
    use crate::tracer::stats;

    fn tracer(service: &str) -> (&'static State, u64) {
        let code = [("DD_SERVICE", service), ("DD_TRACE_AGENT_URL", "file:///dev/null")];
        let code = code.map(|(name, value)| (name.to_string(), value.to_string()));
        (state(), state().tracers.make(state(), code.to_vec()).expect("a tracer"))
    }

    fn start(state: &'static State, tracer: u64, parent: Parent<'_>) -> u64 {
        spans::start(state, spans::find_tracer(state, tracer).expect("a tracer").expect("enabled"), parent, b"work")
            .expect("started")
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
    fn finished_children_of_a_discarded_root_leave_with_a_decision() {
        let code = [
            ("DD_SERVICE", "discarded root"),
            ("DD_TRACE_AGENT_URL", "file:///dev/null"),
            ("DD_TRACE_SAMPLE_RATE", "1"),
        ];
        let code = code.map(|(name, value)| (name.to_string(), value.to_string()));
        let (state, tracer) = (state(), state().tracers.make(state(), code.to_vec()).expect("a tracer"));
        for ending in [Ending::Discarded, Ending::Abandoned] {
            let root = start(state, tracer, Parent::None);
            let child = start(state, tracer, Parent::Span(root));
            assert_eq!(finish(state, child, End::Now), Ok(()));
            let root = Handle::of(root, Kind::Span).expect("a handle");
            assert_eq!(remove(state, root, ending), Ok(()));
        }
        let counted = stats::of(state, tracer).expect("its numbers");
        assert_eq!((counted.started, counted.finished, counted.open), (4, 2, 0));
        assert_eq!((counted.discarded, counted.abandoned), (1, 1));
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
                        let tag = spans::with_span(state, span, |span, _| Ok(span.set_text(b"k", b"v")));
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
