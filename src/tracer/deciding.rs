//! Decides whether a trace is kept: before its first chunk leaves, or before a context of it is passed on, whichever comes
//! first. The facts are those of its local root span, which is open or already among the finished spans.

use super::error::Error;
use super::registry::Tracer;
use super::state::State;
use crate::counters::Counters;
use crate::event::{facts, DecidedBy, SampledView};
use crate::export::{Exporter, TRACERS_MAX};
use crate::level::Level;
use crate::recorder::fates::cause::rule;
use crate::sampling::agent_rates::Uniform;
use crate::sampling::rules::Facts;
use crate::sampling::{hash, By, Sampler, Verdict};
use crate::settings::sampling::Provenance;
use crate::span::open::{Field, OpenSpan, Value, LOCAL_ROOT};
use crate::span::record::{self, Record, HEADER};
use crate::span::run::Item;
use crate::span::table::{Handle, Kind, Refused};
use crate::sys;
use crate::trace::decision::Rates;
use crate::trace::{Chunk, Decision, Mechanism, Trace};
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// Returns the handle of a span's trace.
#[inline]
pub(super) fn trace_of(span: &OpenSpan) -> Handle {
    Handle { index: span.trace, generation: span.trace_generation }
}

/// Decides about the trace of a span, unless that has been done. Call it, without holding a span or a trace, before a
/// context of the trace is passed on. Does nothing for a span of the parent process: see [`inherited`].
pub fn settle(state: &State, number: u64) -> Result<(), Error> {
    let handle = Handle::of(number, Kind::Span).ok_or(Error::Handle)?;
    match state.spans.lock(handle) {
        Ok(span) => {
            let traces = trace_of(&span);
            let mut trace = state.traces.lock(traces)?;
            if trace.decision.priority().is_some() {
                return Ok(());
            }
            let root = trace.root;
            if root == handle || root_among(trace.records()).is_some() {
                decide(state, &mut trace, (root == handle).then_some(&*span));
                return Ok(());
            }
            // The root's slot comes before the trace in the order of locks.
            drop(trace);
            drop(span);
            settle_by(state, root, traces)
        }
        Err(Refused::Forked) => Ok(()),
        Err(refused) => Err(refused.into()),
    }
}

/// Decides about a trace by its root, which is another span than the caller's.
#[cold]
fn settle_by(state: &State, root: Handle, traces: Handle) -> Result<(), Error> {
    let root = match state.spans.lock(root) {
        Err(Refused::Busy) => return Err(Error::Busy),
        root => root.ok(),
    };
    let mut trace = state.traces.lock(traces)?;
    if trace.decision.priority().is_none() {
        decide(state, &mut trace, root.as_deref());
    }
    Ok(())
}

/// Decides about a trace whose finished spans are to leave, if that has not been done. Returns false if the decision needs
/// the root, and another call holds that: the spans then leave with the next one that finishes.
#[inline(always)]
pub(super) fn is_decided(state: &State, tracer: &Tracer, trace: &mut Trace) -> bool {
    if trace.decision.priority().is_none() {
        match rates_of(state, tracer).uniform() {
            Uniform::None if is_plain(tracer) => trace.decision = Decision::DEFAULT,
            Uniform::One if is_plain(tracer) => trace.decision = Decision::KEPT_BY_AGENT,
            _ if decide_leaving(state, trace).is_some() => {}
            _ => return false,
        }
    }
    if !tracer.agent_rates_only.load(Relaxed) {
        keep_single_spans(state, trace.tracer, trace.decision, trace.records_mut());
    }
    true
}

/// Decides about a chunk of submitted spans, unless the host has.
pub(super) fn submitted(state: &State, chunk: &mut Chunk) {
    if chunk.decision.priority().is_none() {
        let ids = (chunk.trace_id_high, chunk.trace_id_low);
        chunk.decision =
            sample(state, chunk.tracer, ids, Root::among(chunk.records.bytes()), Some(sys::monotonic_ns()));
    }
    keep_single_spans(state, chunk.tracer, chunk.decision, chunk.records.bytes_mut());
}

/// Returns the decision about a trace of the parent process. If the parent had made none before the fork, it is made again
/// for each call, by the same facts and without limits, because there is no place to store it. `NONE` if a call of the
/// parent held the root at the fork, or if the trace is of an earlier process: then the root's texts cannot be read.
pub(super) fn inherited(state: &State, span: &OpenSpan) -> Decision {
    let found = state.traces.read_inherited(trace_of(span), |trace| (trace.decision, trace.root, trace.tracer));
    let Some((decision, root, tracer)) = found else { return Decision::NONE };
    if decision.priority().is_some() {
        return decision;
    }
    let ids = (span.trace_id_high, span.trace_id_low);
    let by_root = state.spans.read_settled(root, |root| sample(state, tracer, ids, Root::Open(root), None));
    by_root.unwrap_or(Decision::NONE)
}

/// Takes the decision of a span's tag `manual.keep` or `manual.drop` over to its trace.
#[cold]
#[inline(never)]
pub(super) fn by_tag(state: &State, span: &mut OpenSpan) {
    let Some(keep) = span.manual.take() else { return };
    // In debug mode it is logged.
    sys::keep_errno(|| match state.traces.lock(trace_of(span)) {
        Ok(mut trace) => by_hand(state, span, &mut trace, if keep { 2 } else { -1 }),
        Err(_) => Counters::add(&state.shared.account(span.tracer).counters.tags_dropped, 1),
    })
}

/// Sets the priority of a trace as a decision of the host. It holds for the chunks that follow.
pub(super) fn by_hand(state: &State, span: &OpenSpan, trace: &mut Trace, priority: i32) {
    (trace.decision, trace.decided_elsewhere) = (Decision::by_hand(priority), false);
    if crate::log::enabled(Level::Debug) {
        let ids = (trace.trace_id_high, trace.trace_id_low);
        let verdict = Verdict { keep: priority > 0, ..Verdict::DEFAULT };
        with_sampler(state, span.tracer, |sampler| {
            say(state, ids, &Root::Open(span), sampler, &verdict, trace.decision, DecidedBy::Host);
        });
    }
}

/// Whether the trace can be decided without its root, and the decision is not logged.
#[inline(always)]
fn is_plain(tracer: &Tracer) -> bool {
    tracer.agent_rates_only.load(Relaxed) && !crate::log::enabled(Level::Debug)
}

#[inline(always)]
fn rates_of<'a>(state: &'a State, tracer: &Tracer) -> &'a crate::sampling::agent_rates::AgentRates {
    let exporter: &Exporter = &state.exporters[tracer.exporter.load(Relaxed) as usize % TRACERS_MAX];
    &exporter.rates
}

/// Decides about a trace whose chunk leaves. The caller holds the trace, and must not wait for its root.
#[cold]
#[inline(never)]
fn decide_leaving(state: &State, trace: &mut Trace) -> Option<()> {
    // Without open spans the root has ended, too. The call that discards it, perhaps this one, may still hold its slot.
    if trace.open == 0 || root_among(trace.records()).is_some() {
        decide(state, trace, None);
        return Some(());
    }
    let root = match state.spans.try_lock(trace.root) {
        Err(Refused::Busy) => return None,
        root => root.ok(),
    };
    decide(state, trace, root.as_deref());
    Some(())
}

/// Decides about a trace by its open root, or by the root among its finished spans.
#[inline(never)]
fn decide(state: &State, trace: &mut Trace, open: Option<&OpenSpan>) {
    let ids = (trace.trace_id_high, trace.trace_id_low);
    let root = open.map_or_else(|| Root::among(trace.records()), Root::Open);
    trace.decision = sample(state, trace.tracer, ids, root, Some(sys::monotonic_ns()));
}

/// What is known of the local root.
enum Root<'a> {
    Open(&'a OpenSpan),
    Finished(Record<'a>),
    /// It was discarded, and no other span has finished.
    Gone,
}

/// Finds the local root among finished spans.
fn root_among(records: &[u8]) -> Option<Record<'_>> {
    let mut at = 0;
    while let Some((length, flags, _)) = record::outline(records, at) {
        if flags & LOCAL_ROOT != 0 {
            return Record::read(records.get(at..)?).map(|(record, _)| record);
        }
        at += length.max(HEADER);
    }
    None
}

impl<'a> Root<'a> {
    /// The root among finished spans; the first one of them if the root was discarded.
    fn among(records: &'a [u8]) -> Root<'a> {
        let first = || Record::read(records).map(|(record, _)| record);
        root_among(records).or_else(first).map_or(Root::Gone, Root::Finished)
    }

    /// Service, name and resource as they are sent.
    fn texts<'b>(&'b self, sampler: &'b Sampler) -> [&'b [u8]; 3] {
        let [service, name, resource] = match self {
            Root::Open(span) => [Field::Service, Field::Name, Field::Resource].map(|field| span.field(field)),
            Root::Finished(record) => [record.service, record.name, record.resource],
            Root::Gone => [&b""[..]; 3],
        };
        let or = |text: &'b [u8], default: &'b [u8]| if text.is_empty() { default } else { text };
        [or(service, sampler.service()), name, or(resource, name)]
    }

    fn tag<'b>(&'b self, key: &[u8]) -> Option<Value<'b>> {
        match self {
            Root::Open(span) => span.get(key),
            Root::Finished(record) => tag_of(record, key),
            Root::Gone => None,
        }
    }

    /// Its id, and its parent's.
    fn ids(&self) -> (u64, u64) {
        match self {
            Root::Open(span) => (span.span_id, span.parent_id),
            Root::Finished(record) => (record.span_id, record.parent_id),
            Root::Gone => (0, 0),
        }
    }
}

fn tag_of<'a>(record: &Record<'a>, key: &[u8]) -> Option<Value<'a>> {
    let mut found = None;
    record.each(|item| match item {
        Item::Text(other, value) if other == key => found = Some(Value::Text(value)),
        Item::Number(other, value) if other == key => found = Some(Value::Number(value)),
        _ => {}
    });
    found
}

/// Calls `use_it` with the sampler of a tracer.
fn with_sampler<R>(state: &State, index: u32, use_it: impl FnOnce(&Sampler) -> R) -> Option<R> {
    let tracer = state.tracers.at(index);
    let read = || tracer.samplers[tracer.sampler_at.load(Acquire) % 2].try_read().ok();
    // The second time where the sampler was replaced twice between load and lock.
    let sampler = read().or_else(read)?;
    sampler.as_deref().map(use_it)
}

/// Samples a trace. Without `now_ns` no limit is asked.
fn sample(state: &State, index: u32, ids: (u64, u64), root: Root<'_>, now_ns: Option<u64>) -> Decision {
    let decided = with_sampler(state, index, |sampler| {
        let tracer = state.tracers.at(index);
        let verdict = with_facts(&root, sampler, |facts| sampler.judge(ids.1, facts, rates_of(state, tracer), now_ns));
        let decision = decision_of(&verdict, sampler, ids.1);
        if crate::log::enabled(Level::Debug) {
            let by = match verdict.by {
                By::Default => DecidedBy::Default,
                By::AgentRate => DecidedBy::AgentRate,
                By::Rule(rule) => DecidedBy::Rule { place: sampler.rule_place(rule), text: sampler.rule_text(rule) },
                By::SampleRate => DecidedBy::SampleRate,
                By::Minute => DecidedBy::Minute,
            };
            say(state, ids, &root, sampler, &verdict, decision, by);
        }
        decision
    });
    decided.unwrap_or(Decision::DEFAULT)
}

/// Calls `judge` with what rules ask of a span.
fn with_facts<R>(root: &Root<'_>, sampler: &Sampler, judge: impl FnOnce(&Facts<'_>) -> R) -> R {
    let [service, name, resource] = root.texts(sampler);
    let tag = |key: &[u8]| root.tag(key).or_else(|| sampler.tag(key).map(Value::Text));
    judge(&Facts { service, name, resource, tag: &tag })
}

/// Logs a decision.
#[cold]
#[inline(never)]
fn say(
    state: &State,
    (high, low): (u64, u64),
    root: &Root<'_>,
    sampler: &Sampler,
    verdict: &Verdict,
    decision: Decision,
    by: DecidedBy<'_>,
) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or("\u{fffd}");
    let [service, name, _] = root.texts(sampler).map(text);
    let env = match root.tag(b"env") {
        Some(Value::Text(env)) => env,
        _ => sampler.tag(b"env").unwrap_or_default(),
    };
    let view = SampledView {
        trace_id: u128::from(high) << 64 | u128::from(low),
        span_id: root.ids().0,
        parent_id: root.ids().1,
        name,
        service,
        env: text(env),
        priority: decision.priority().unwrap_or_default(),
        mechanism: decision.mechanism().unwrap_or(Mechanism::DEFAULT).number(),
        rate: verdict.rate,
        limit_rate: verdict.limit_rate,
        limited_to: verdict.limit_rate.filter(|_| !verdict.keep).map(|_| sampler.limit()),
        by,
    };
    state.shared.logs.emit_facts(facts::Facts::decided(&view));
}

fn decision_of(verdict: &Verdict, sampler: &Sampler, trace_id_low: u64) -> Decision {
    let (keep, reject, mechanism) = match verdict.by {
        By::Default | By::Minute => (1, 0, Mechanism::DEFAULT),
        By::AgentRate => (1, 0, Mechanism::AGENT_RATE),
        By::Rule(place) => (2, -1, mechanism_of(sampler.rule_provenance(place))),
        By::SampleRate => (2, -1, Mechanism::RULE),
    };
    let priority = if verdict.keep { keep } else { reject };
    let number = match verdict.by {
        By::Default | By::AgentRate => rule::NONE,
        By::Rule(place) => rule::at(sampler.rule_place(place)),
        By::SampleRate => rule::SAMPLE_RATE,
        By::Minute => rule::MINUTE,
    };
    let limited = !verdict.keep && verdict.rate.is_some_and(|rate| hash::keeps(trace_id_low, rate));
    let number = number | if limited { rule::LIMITED } else { 0 };
    Decision::new(priority, Some(mechanism)).with_rates(Rates::new(verdict.rate, verdict.limit_rate)).with_rule(number)
}

fn mechanism_of(provenance: Provenance) -> Mechanism {
    match provenance {
        Provenance::Customer => Mechanism::REMOTE_RULE,
        Provenance::Dynamic => Mechanism::REMOTE_ADAPTIVE_RULE,
        Provenance::Settings => Mechanism::RULE,
    }
}

/// Marks the spans of a rejected chunk that rules for single spans keep, with the rule's place.
#[cold]
#[inline(never)]
fn keep_single_spans(state: &State, tracer: u32, decision: Decision, records: &mut [u8]) {
    if decision.priority() > Some(0) {
        return;
    }
    with_sampler(state, tracer, |sampler| {
        if sampler.has_span_rules() {
            mark_kept(sampler, records);
        }
    });
}

fn mark_kept(sampler: &Sampler, records: &mut [u8]) {
    let (mut at, now_ns) = (0, sys::monotonic_ns());
    while let Some((record, rest)) = records.get(at..).and_then(Record::read) {
        let (span_id, next) = (record.span_id, records.len() - rest.len());
        let root = Root::Finished(record);
        if let Some(place) = with_facts(&root, sampler, |facts| sampler.span_rule(span_id, facts, now_ns)) {
            record::add_flags(records, at, record::kept_by(place));
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::super::current::state;
    use super::super::ending::{finish, End};
    use super::super::spans::{self, Parent};
    use super::*;

    #[test]
    fn a_chunk_waits_for_the_next_span_while_another_call_holds_the_root() {
        let code = [
            ("DD_SERVICE", "held root"),
            ("DD_TRACE_AGENT_URL", "file:///dev/null"),
            ("DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", "1"),
            ("DD_TRACE_SAMPLING_RULES", r#"[{"name":"root","sample_rate":0}]"#),
        ];
        let code = code.map(|(name, value)| (name.to_string(), value.to_string()));
        let (state, tracer) = (state(), state().tracers.make(state(), code.to_vec()).expect("a tracer"));
        let start = |parent, name: &[u8]| {
            spans::start(state, spans::find_tracer(state, tracer).expect("a tracer").expect("enabled"), parent, name)
                .expect("started")
        };
        let root = start(Parent::None, b"root");
        let children = [0, 1].map(|_| start(Parent::Span(root), b"child"));
        let held = state.spans.lock(Handle::of(root, Kind::Span).expect("a handle")).expect("free");
        let traces = trace_of(&held);
        let now = || {
            let trace = state.traces.lock(traces).expect("free");
            (trace.waiting, trace.decision.priority())
        };
        assert_eq!(finish(state, children[0], End::Now), Ok(()));
        assert_eq!(now(), (1, None), "not decided by less than the root");
        drop(held);
        assert_eq!(finish(state, children[1], End::Now), Ok(()));
        assert_eq!(now(), (0, Some(-1)));
        assert_eq!(finish(state, root, End::Now), Ok(()));
        state.tracers.free(state, tracer).expect("it is ours");
    }
}
