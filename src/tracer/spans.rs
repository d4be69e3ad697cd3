//! Starts spans and changes open ones; `ending` finishes them. Hot path: every span passes here. Lock order: a span's
//! slot, then its trace.

use super::contexts::Carried;
pub use super::contexts::Context;
use super::deciding::{self, trace_of};
use super::ending;
use super::error::Error;
use super::registry::Tracer;
use super::relieving;
use super::state::State;
use super::view;
use crate::counters::Counters;
use crate::event::{Event, Facts, Standing};
use crate::export::TRACERS_MAX;
use crate::level::Level;
use crate::memory;
use crate::probes;
use crate::propagation;
use crate::span::encode::Sanitized;
use crate::span::ids::Drawn;
use crate::span::open::{Field, OpenSpan, Refusal, LOCAL_ROOT};
use crate::span::table::{Guard, Handle, Kind, Refused};
use crate::sys;
use crate::trace::{self, Decision, Trace, TraceTags};
use std::sync::atomic::Ordering::Relaxed;

/// A new span's parent.
#[derive(Clone, Copy, Debug)]
pub enum Parent<'a> {
    /// No parent: the span is the root of a new trace.
    None,
    /// A span of this process, by its number.
    Span(u64),
    /// A span of another tracer, process or time.
    Remote(&'a Context),
    /// A context that came in with headers, by its number.
    Kept(u64),
}

/// Finds the tracer of a new span. `None` while tracing is disabled.
#[inline(always)]
pub fn find_tracer(state: &State, number: u64) -> Result<Option<(u32, &Tracer)>, Error> {
    state.tracers.find(number).map(|found| Some(found).filter(|(_, tracer)| tracer.enabled.load(Relaxed)))
}

/// Starts a span with a name.
#[inline(always)]
pub fn start(state: &'static State, tracer: (u32, &Tracer), parent: Parent<'_>, name: &[u8]) -> Result<u64, Error> {
    start_with(state, tracer, parent, name, 0, |span, at| set_name(span, at, name))
}

/// Sets the name of a new span.
#[inline(always)]
pub fn set_name(span: &mut OpenSpan, at: At<'_>, name: &[u8]) {
    if !span.put_field(Field::Name, name) {
        count_sanitized(at, span.set_field_slowly(Field::Name, name));
    }
}

/// Starts a span. `fill` sets its name, and may set more, before other threads can see it. `start_ns`: its start in
/// nanoseconds since 1970; 0 and less for now.
#[inline(always)]
pub fn start_with(
    state: &'static State,
    (index, tracer): (u32, &Tracer),
    parent: Parent<'_>,
    name: &[u8],
    start_ns: i64,
    fill: impl FnOnce(&mut OpenSpan, At<'_>),
) -> Result<u64, Error> {
    if tracer.closed.load(Relaxed) || memory::is_full() {
        let error = if tracer.closed.load(Relaxed) { Error::Closed } else { Error::Memory };
        if error == Error::Memory {
            // Keeps errno itself.
            relieving::ask(state, tracer);
        }
        return Err(refused_start(At { state, tracer: index }, error));
    }
    let exporter = &state.exporters[tracer.exporter.load(Relaxed) as usize % TRACERS_MAX];
    if !exporter.started.load(Relaxed) {
        sys::keep_errno(|| exporter.start(&state.shared));
    }
    let drawn = Drawn::new(state.epoch);
    let at = At { state, tracer: index };
    let Some(mut span) = state.spans.allocate(drawn.shard()) else {
        return Err(refused_start(at, Error::Memory));
    };
    span.reset();
    span.tracer = index;
    (span.span_id, span.shard) = (drawn.span_id(), drawn.shard() as u8);
    let handle = span.handle();
    if let Err(error) = find_place(state, (index, tracer), parent, name, (&mut span, handle), drawn) {
        span.free();
        return Err(refused_start(at, error));
    }
    if start_ns > 0 {
        span.start_at(start_ns);
    }
    // Before `fill`, while the ids are in registers.
    span.label().set(&span);
    state.shared.recorder.span_started(span.shard, span.start_ns, span.span_id, index, span.trace_id_low);
    fill(&mut span, at);
    if span.manual.is_some() {
        deciding::by_tag(state, &mut span);
    }
    probes::span_start(span.span_id, span.trace_id_low);
    if crate::log::enabled(Level::Debug) {
        sys::keep_errno(|| log_started(state, &span));
    }
    Ok(span.publish().number(Kind::Span))
}

#[cold]
#[inline(never)]
fn refused_start(at: At<'_>, error: Error) -> Error {
    Counters::add(&at.counters().refused_starts, 1);
    error
}

#[cold]
#[inline(never)]
fn log_started(state: &State, span: &OpenSpan) {
    let Ok((decision, open, waiting)) =
        state.traces.lock(trace_of(span)).map(|trace| (trace.decision, trace.open.into(), trace.waiting.into()))
    else {
        return;
    };
    let standing = Standing { open, finished: waiting, leaves: false };
    let facts = state.shared.account(span.tracer).with_metadata(|metadata| {
        let service = metadata.map_or("", |metadata| metadata.service.as_str());
        Facts::started(span, view::outcome(decision), service, standing)
    });
    state.shared.logs.emit_facts(facts);
}

/// Puts a new span into its trace, and sets its start: with the usual parents here, with all others in [`find_elsewhere`].
#[inline(always)]
fn find_place(
    state: &'static State,
    (index, tracer): (u32, &Tracer),
    parent: Parent<'_>,
    name: &[u8],
    (span, handle): (&mut OpenSpan, Handle),
    drawn: Drawn,
) -> Result<(), Error> {
    match parent {
        Parent::None => return begin(state, (index, tracer), None, None, (span, handle), drawn),
        Parent::Span(number) if enter(state, index, number, span).is_some() => return Ok(()),
        _ => {}
    }
    sys::keep_errno(|| find_elsewhere(state, (index, tracer), parent, name, (span, handle), drawn))
}

#[cold]
#[inline(never)]
fn find_elsewhere(
    state: &'static State,
    (index, tracer): (u32, &Tracer),
    parent: Parent<'_>,
    name: &[u8],
    (span, handle): (&mut OpenSpan, Handle),
    drawn: Drawn,
) -> Result<(), Error> {
    let mut carried = None;
    let remote = match parent {
        Parent::None => None,
        Parent::Remote(context) => Some(*context),
        Parent::Kept(number) => kept_parent(state, index, number, name, &mut carried),
        Parent::Span(number) => match local_parent(state, index, number, span, &mut carried) {
            Local::Inside => return Ok(()),
            Local::Elsewhere(context) => Some(context),
            Local::Unknown => {
                parent_unknown(state, index, number, name);
                None
            }
        },
    };
    begin(state, (index, tracer), remote, carried, (span, handle), drawn)
}

/// Begins a trace in this process, for a span without a parent here.
#[inline(always)]
fn begin(
    state: &State,
    (index, tracer): (u32, &Tracer),
    remote: Option<Context>,
    carried: Option<Carried>,
    (span, handle): (&mut OpenSpan, Handle),
    drawn: Drawn,
) -> Result<(), Error> {
    let now = trace::now();
    let ids = match &remote {
        // A context may be baggage or a decision alone.
        Some(context) if context.trace_id_low != 0 => (context.trace_id_high, context.trace_id_low),
        _ => {
            let high = if tracer.wide_ids.load(Relaxed) { (now.1 / 1_000_000_000) << 32 } else { 0 };
            (high, drawn.trace_id_low())
        }
    };
    let given = remote.map(|context| context.decision).filter(|decision| *decision != Decision::NONE);
    let decision = given.unwrap_or(Decision::NONE);
    (span.trace_id_high, span.trace_id_low) = ids;
    span.parent_id = remote.map_or(0, |context| context.span_id);
    span.flags = LOCAL_ROOT;
    let mut trace = state.traces.allocate(drawn.shard()).ok_or(Error::Memory)?;
    trace.begin(index, ids, decision, now.0, now.1, now.2);
    trace.root = handle;
    trace.label().store(index, Relaxed);
    trace.decided_elsewhere = given.is_some() && !carried.as_ref().is_some_and(|carried| carried.decided_here);
    trace.enter_first();
    if let Some(carried) = carried {
        carry(state, span, &mut trace, carried);
    }
    let trace = trace.publish();
    (span.trace, span.trace_generation) = (trace.index, trace.generation);
    (span.start_tick, span.start_ns) = (now.2, now.1 as i64);
    Ok(())
}

/// Looks up a context that came in. One that is freed counts as an unknown parent.
#[cold]
#[inline(never)]
fn kept_parent(state: &State, index: u32, number: u64, name: &[u8], carried: &mut Option<Carried>) -> Option<Context> {
    let Some((context, kept)) = state.contexts.remote(number) else {
        parent_unknown(state, index, number, name);
        return None;
    };
    *carried = Some(kept);
    Some(context)
}

#[cold]
#[inline(never)]
fn parent_unknown(state: &State, index: u32, number: u64, name: &[u8]) {
    Counters::add(&state.shared.account(index).counters.parents_unknown, 1);
    let name = String::from_utf8_lossy(name);
    state.shared.logs.emit(&Event::ParentUnknown { parent: number, name: &name });
}

/// Gives a local root span and its trace what came with the parent's context.
#[cold]
#[inline(never)]
fn carry(state: &State, span: &mut OpenSpan, trace: &mut Trace, carried: Carried) {
    trace.tags = carried.tags;
    span.baggage = carried.baggage;
    if carried.last_parent != 0 {
        let _ = span.set_text(b"_dd.parent_id", &propagation::hex_of(carried.last_parent));
    }
    if let Some(links) = carried.links {
        let _ = span.add_links(links.bytes());
    }
    if carried.came.is_empty() {
        return;
    }
    let Some(metadata) = state.shared.account(span.tracer).metadata() else { return };
    let keys = &metadata.settings.baggage_tag_keys;
    carried.came.each(|key, value| {
        if keys.iter().any(|wanted| wanted == "*" || wanted.as_bytes() == key) {
            let _ = span.set_text(&[b"baggage.", key].concat(), value);
        }
    });
}

enum Local {
    Inside,
    Elsewhere(Context),
    Unknown,
}

/// Enters the trace of a parent of this tracer. `None` for other parents, and while another call holds the parent or its
/// trace. Unlocks both by hand: what a destructor needs would be stored on the stack.
#[inline(always)]
fn enter(state: &'static State, index: u32, number: u64, span: &mut OpenSpan) -> Option<()> {
    let parent = state.spans.lock_if_free(number, Kind::Span)?;
    // The caller locks what is unlocked quietly again, and sees a request when it unlocks it.
    if parent.tracer != index {
        parent.unlock_quietly();
        return None;
    }
    let Some(mut trace) = state.traces.lock_if_free_at(trace_of(&parent)) else {
        parent.unlock_quietly();
        return None;
    };
    if trace.scale == 0 || parent.service_hash != 0 || !parent.baggage.is_empty() {
        enter_with_more(parent, trace, span);
        return Some(());
    }
    (span.start_tick, span.start_ns) = trace.enter_quickly();
    take_ids(&parent, span);
    if trace.unlock() | parent.unlock() {
        run_requests(state);
    }
    Some(())
}

#[cold]
#[inline(never)]
fn run_requests(state: &'static State) {
    sys::keep_errno(|| ending::run_requests(state));
}

#[inline(never)]
fn enter_with_more(parent: Guard<'_, OpenSpan>, trace: Guard<'_, Trace>, span: &mut OpenSpan) {
    enter_locked(&parent, trace, span);
}

/// Copies to a child what it has of its parent and never changes.
#[inline(always)]
fn take_ids(parent: &OpenSpan, span: &mut OpenSpan) {
    (span.trace, span.trace_generation) = (parent.trace, parent.trace_generation);
    (span.trace_id_high, span.trace_id_low) = (parent.trace_id_high, parent.trace_id_low);
    (span.parent_id, span.flags) = (parent.span_id, 0);
}

/// Makes a span a child of `parent`, in its trace.
fn enter_locked(parent: &OpenSpan, mut trace: Guard<'_, Trace>, span: &mut OpenSpan) {
    (span.start_tick, span.start_ns) = trace.enter();
    drop(trace);
    take_ids(parent, span);
    span.parent_service_hash = parent.service_hash;
    if !parent.baggage.is_empty() {
        span.baggage = parent.baggage.clone();
    }
    if parent.service_hash != 0 {
        inherit_service(span, parent);
    }
}

#[inline(never)]
fn inherit_service(span: &mut OpenSpan, parent: &OpenSpan) {
    span.service_hash = parent.service_hash;
    let _ = span.set_field(Field::Service, parent.field(Field::Service));
}

/// Looks a parent up by its handle. It is in a trace of this tracer, or its trace is continued as a remote one: a span
/// of another tracer or of the parent process.
fn local_parent(state: &State, index: u32, number: u64, span: &mut OpenSpan, carried: &mut Option<Carried>) -> Local {
    let Some(handle) = Handle::of(number, Kind::Span) else { return Local::Unknown };
    match state.spans.lock(handle) {
        Ok(parent) if parent.tracer == index => {
            let trace = state.traces.lock(trace_of(&parent)).ok();
            match trace {
                Some(trace) => {
                    enter_locked(&parent, trace, span);
                    Local::Inside
                }
                None => beside(state, handle),
            }
        }
        Ok(parent) => {
            let of_trace = |trace: &Trace| (trace.tags.clone(), trace.decided_elsewhere);
            let trace = state.traces.lock(trace_of(&parent)).ok().map(|trace| of_trace(&trace));
            *carried = Some(Carried::of_inherited(trace, &parent.baggage));
            drop(parent);
            context(state, number).map_or(Local::Unknown, Local::Elsewhere)
        }
        Err(Refused::Forked) => {
            *carried = state.spans.read_settled(handle, |parent| {
                let of_trace =
                    |trace: &Trace| Some((TraceTags::of_run(trace.tags.run()).ok()?, trace.decided_elsewhere));
                let trace = state.traces.read_settled(trace_of(parent), of_trace);
                Carried::of_inherited(trace.flatten(), &parent.baggage)
            });
            context(state, number).map_or(Local::Unknown, Local::Elsewhere)
        }
        Err(Refused::Stale) => Local::Unknown,
        Err(Refused::Busy) => beside(state, handle),
    }
}

/// Handles a parent whose slot or trace another thread holds for too long: the new span gets a chunk of its own that
/// continues the parent's trace, as a span of another process would, with default service and a decision of its own.
#[cold]
#[inline(never)]
fn beside(state: &State, parent: Handle) -> Local {
    let context = ids_of(state, parent, Decision::NONE);
    context.map_or(Local::Unknown, Local::Elsewhere)
}

pub(super) fn context_of(span: &OpenSpan, decision: Decision) -> Context {
    Context { trace_id_high: span.trace_id_high, trace_id_low: span.trace_id_low, span_id: span.span_id, decision }
}

/// Counts texts that were repaired or cut, and tags that were dropped.
#[inline(always)]
pub fn count_sanitized(at: At<'_>, result: Result<Sanitized, Refusal>) {
    if result != Ok(Sanitized::default()) {
        count_changed(at, result);
    }
}

#[cold]
#[inline(never)]
fn count_changed(at: At<'_>, result: Result<Sanitized, Refusal>) {
    let counters = at.counters();
    match result {
        Ok(sanitized) => {
            Counters::add(&counters.texts_repaired, u64::from(sanitized.repaired));
            Counters::add(&counters.texts_cut, u64::from(sanitized.cut));
        }
        Err(_) => Counters::add(&counters.tags_dropped, 1),
    }
}

/// Counts a change as dropped if another call holds the span.
#[cold]
#[inline(never)]
fn not_changed(state: &State, number: u64, refused: Refused) -> Error {
    let handle = Handle::of(number, Kind::Span).filter(|_| refused == Refused::Busy);
    if let Some(handle) = handle {
        if let Some(index) = state.spans.label(handle, |label| label.tracer()) {
            Counters::add(&state.shared.account(index).counters.tags_dropped, 1);
        }
    }
    refused.into()
}

/// Where a span belongs. Looks up its counters and its tracer only where they are needed.
#[derive(Clone, Copy)]
pub struct At<'a> {
    state: &'a State,
    tracer: u32,
}

impl<'a> At<'a> {
    /// A span of the tracer with this index.
    pub fn of(state: &'a State, tracer: u32) -> At<'a> {
        At { state, tracer }
    }

    /// The counters of the span's tracer.
    #[inline(always)]
    pub fn counters(self) -> &'a Counters {
        &self.state.shared.account(self.tracer).counters
    }

    /// The span's tracer.
    #[inline(always)]
    pub fn tracer(self) -> &'a Tracer {
        self.state.tracers.at(self.tracer)
    }
}

/// Locks an open span and runs `change` on it.
#[inline(always)]
pub fn with_span<R>(
    state: &State,
    number: u64,
    change: impl FnOnce(&mut OpenSpan, At<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let mut span = match state.spans.lock_number(number, Kind::Span) {
        Ok(span) => span,
        Err(refused) => return Err(not_changed(state, number, refused)),
    };
    let at = At { state, tracer: span.tracer };
    let changed = change(&mut span, at);
    if span.manual.is_some() {
        deciding::by_tag(state, &mut span);
    }
    changed
}

/// Returns the context that continues a span elsewhere, also for a span of the parent process. Its trace is decided then.
/// While another thread holds the span or its trace for too long, the context has no decision.
pub fn context(state: &State, number: u64) -> Result<Context, Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    let _ = deciding::settle(state, number);
    match state.spans.lock(handle) {
        Ok(span) => {
            let decision = state.traces.lock(trace_of(&span)).map_or(Decision::NONE, |trace| trace.decision);
            Ok(context_of(&span, decision))
        }
        Err(Refused::Forked) => state
            .spans
            .read_inherited(handle, |span| context_of(span, deciding::inherited(state, span)))
            .ok_or(Error::Handle),
        Err(Refused::Busy) => ids_of(state, handle, Decision::NONE).ok_or(Error::Handle),
        Err(refused) => Err(refused.into()),
    }
}

/// Returns the ids of an open span, also of the parent process, and the index of its tracer. Waits for no other call and
/// decides nothing.
pub fn ids(state: &State, number: u64) -> Result<(Context, u32), Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    let labelled = ids_of(state, handle, Decision::NONE).zip(state.spans.label(handle, |label| label.tracer()));
    let inherited = |span: &OpenSpan| (context_of(span, Decision::NONE), span.tracer);
    labelled.or_else(|| state.spans.read_inherited(handle, inherited)).ok_or(Error::Handle)
}

/// Reads the ids of a span that another thread holds.
fn ids_of(state: &State, handle: Handle, decision: Decision) -> Option<Context> {
    state.spans.label(handle, |label| {
        let (trace_id_high, trace_id_low, span_id) = label.ids();
        Context { trace_id_high, trace_id_low, span_id, decision }
    })
}

/// Sets the sampling priority of a span's trace, as a decision of the host.
pub fn set_priority(state: &State, number: u64, priority: i32) -> Result<(), Error> {
    if !(-1..=2).contains(&priority) {
        return Err(Error::Argument);
    }
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    let span = state.spans.lock(handle)?;
    let mut trace = state.traces.lock(trace_of(&span))?;
    deciding::by_hand(state, &span, &mut trace, priority);
    Ok(())
}
