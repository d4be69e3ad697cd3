//! Takes whole finished spans from a host, as structures or packed in one buffer. Consecutive spans of one trace become
//! one chunk. `v04` takes them as a payload.

pub mod v04;

use super::deciding;
use super::error::Error;
use super::registry::Tracer;
use super::sending::{enqueue, log_finished, Finished};
use super::spans::{count_sanitized, At};
use super::state::State;
use crate::counters::{Counters, Reason};
use crate::event::dropped::{Stage, SubmitFault};
use crate::event::DropDetail;
use crate::level::Level;
use crate::memory::{Buffer, Full};
use crate::span::ids::Drawn;
use crate::span::open::{Field, OpenSpan, ERROR, LOCAL_ROOT, TOP_LEVEL};
use crate::span::record;
use crate::sys;
use crate::trace::{Chunk, Decision, TraceTags};
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

/// A finished span as the host gives it. Texts are sanitized and cut like those of open spans.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id; not 0.
    pub trace_id_low: u64,
    /// The span's id; not 0.
    pub span_id: u64,
    /// The parent's id; 0 for a root.
    pub parent_id: u64,
    /// Start, nanoseconds since 1970; 0 or less: not known.
    pub start_ns: i64,
    /// Duration in nanoseconds; a negative one counts as 0.
    pub duration_ns: i64,
    /// Name, service, resource and type; empty for "not given".
    pub texts: [&'a [u8]; 4],
    /// Whether the span carries an error.
    pub error: bool,
    /// The trace's sampling priority; `None` for the default decision.
    pub priority: Option<i32>,
}

/// Gathers submitted spans into chunks and sends those.
pub struct Submission {
    state: &'static State,
    index: u32,
    span: OpenSpan,
    open: Option<Chunk>,
    /// The chunk's spans.
    members: Vec<Member>,
    /// The host has marked the chunk's top-level spans.
    marked: bool,
    failed: Option<Error>,
}

/// A span of the chunk that is being collected; used to find the top-level spans.
#[derive(Clone, Copy, Debug)]
struct Member {
    span_id: u64,
    parent_id: u64,
    service_hash: u32,
    /// Where its record begins.
    at: u32,
}

impl Submission {
    /// Begins a submission to this tracer. Returns `None` while tracing is disabled.
    pub fn begin(state: &'static State, number: u64) -> Result<Option<Submission>, Error> {
        let (index, tracer) = state.tracers.find(number)?;
        if !tracer.enabled.load(Relaxed) {
            return Ok(None);
        }
        if tracer.closed.load(Relaxed) {
            return Err(Error::Closed);
        }
        tracer.submitting.fetch_add(1, AcqRel);
        let mut span = OpenSpan::default();
        span.shard = Drawn::shard_of_thread(state.epoch) as u8;
        let submission =
            Submission { state, index, span, open: None, members: Vec::new(), marked: false, failed: None };
        // The tracer may have been freed just before: the slot could be another tracer's.
        state.tracers.find(number)?;
        let exporter = &state.exporters[tracer.exporter.load(Relaxed) as usize % crate::export::TRACERS_MAX];
        if !exporter.started.load(Relaxed) {
            exporter.start(&state.shared);
        }
        Ok(Some(submission))
    }

    fn tracer(&self) -> &'static Tracer {
        self.state.tracers.at(self.index)
    }

    fn counters(&self) -> &'static Counters {
        &self.state.shared.account(self.index).counters
    }

    /// Adds a span; `fill` sets its tags. A span without ids is dropped as invalid; the submission continues.
    pub fn add(&mut self, given: &Given<'_>, fill: impl FnOnce(&mut OpenSpan, At<'_>)) {
        Counters::add(&self.counters().traces.started, 1);
        if given.trace_id_low == 0 || given.span_id == 0 {
            return self.reject(SubmitFault::NoId);
        }
        let span = &mut self.span;
        span.reset();
        let (now_ns, duration_ns) = (sys::wall_ns() as i64, given.duration_ns.max(0));
        let (start_ns, duration_ns) = match given.start_ns {
            1.. => (given.start_ns, duration_ns),
            // Not known, or before 1970: the span ends now, which is how the Agent repairs such a span.
            _ if duration_ns < now_ns => (now_ns - duration_ns, duration_ns),
            _ => (now_ns, 0),
        };
        // The end, too, must fit the nanoseconds since 1970.
        let duration = duration_ns.min(i64::MAX - start_ns) as u64;
        (span.span_id, span.parent_id, span.start_ns) = (given.span_id, given.parent_id, start_ns);
        let at = At::of(self.state, self.index);
        let [name, service, resource, span_type] = given.texts;
        for (field, text) in [(Field::Name, name), (Field::Resource, resource), (Field::Type, span_type)] {
            count_sanitized(at, span.set_field(field, text));
        }
        let tracers_service = self.state.tracers.at(self.index).service_hash.load(Relaxed);
        count_sanitized(at, span.set_service(tracers_service, service));
        fill(span, at);
        span.close_gaps();
        let manual = span.manual.take();
        let same = |chunk: &Chunk| {
            (chunk.trace_id_high, chunk.trace_id_low) == (given.trace_id_high, given.trace_id_low)
                && chunk.records.len() < 1 << 20
        };
        if !self.open.as_ref().is_some_and(same) {
            self.send();
        }
        let root = if given.parent_id == 0 { LOCAL_ROOT | TOP_LEVEL } else { 0 };
        let flags = root | if given.error { ERROR } else { 0 };
        let chunk = self.open.get_or_insert_with(|| Chunk {
            tracer: self.index,
            trace_id_high: given.trace_id_high,
            trace_id_low: given.trace_id_low,
            decision: given.priority.map_or(Decision::NONE, |priority| Decision::new(priority, None)),
            tags: TraceTags::default(),
            spans: 0,
            complete: true,
            records: Buffer::new(),
            sequence: 0,
            fate: 0,
            decided_elsewhere: false,
        });
        if let Some(keep) = manual {
            chunk.decision = Decision::by_hand(if keep { 2 } else { -1 });
        }
        let pool = &self.state.shared.pool;
        if crate::log::enabled(Level::Debug) {
            let span = &mut self.span;
            (span.trace_id_high, span.trace_id_low, span.tracer) =
                (given.trace_id_high, given.trace_id_low, self.index);
            span.flags |= root;
            let (decision, waiting) = (chunk.decision, chunk.spans + 1);
            let finished = Finished { span, flags, duration_ns: duration, decision, open: 0, waiting };
            log_finished(self.state, &finished, true);
        }
        let member = Member {
            span_id: given.span_id,
            parent_id: given.parent_id,
            service_hash: self.span.service_hash,
            at: chunk.records.len() as u32,
        };
        let room = self.members.try_reserve(1).map_err(|_| Full);
        match room.and_then(|()| record::append(&mut chunk.records, pool, &self.span, flags, duration)) {
            Ok(()) => {
                chunk.spans += 1;
                self.members.push(member);
            }
            Err(_) => {
                Counters::add(&self.counters().traces.finished, 1);
                self.state.shared.drop_spans(
                    self.index,
                    Reason::Memory,
                    1,
                    0,
                    &DropDetail::NoMemory(Stage::SubmittedRecord),
                );
                self.failed = Some(Error::Memory);
            }
        }
    }

    /// Counts a record that cannot be used.
    pub fn reject(&mut self, why: SubmitFault) {
        Counters::add(&self.counters().traces.finished, 1);
        self.state.shared.drop_spans(self.index, Reason::Invalid, 1, 0, &DropDetail::Submitted(why));
        self.failed = Some(Error::Argument);
    }

    /// Counts a record that cannot be read, which was not counted as started.
    pub fn reject_unread(&mut self, why: SubmitFault) {
        Counters::add(&self.counters().traces.started, 1);
        self.reject(why);
    }

    /// Counts a payload that cannot be used as this many spans, and as one at least.
    fn refuse(&mut self, spans: u64, why: SubmitFault) {
        let spans = spans.max(1);
        Counters::add(&self.counters().traces.started, spans);
        Counters::add(&self.counters().traces.finished, spans);
        self.state.shared.drop_spans(self.index, Reason::Invalid, spans, 0, &DropDetail::Submitted(why));
        self.failed = Some(Error::Argument);
    }

    /// Marks top-level spans, for which the Agent computes statistics: those whose parent is not in the chunk, and
    /// those of another service than their parent. A request header tells the Agent that spans are marked. If the host has
    /// marked them, its marks are among their tags: it may know parents that are not in the chunk.
    fn mark_top_level(&mut self, chunk: &mut Chunk) {
        let mut by_id = std::mem::take(&mut self.members);
        let has_root = by_id.iter().any(|member| member.parent_id == 0);
        by_id.sort_unstable_by_key(|member| member.span_id);
        for member in &by_id {
            let parent = by_id.binary_search_by_key(&member.parent_id, |other| other.span_id).ok();
            let flags = match parent.filter(|_| member.parent_id != 0).map(|parent| by_id[parent]) {
                None if has_root => TOP_LEVEL,
                None => LOCAL_ROOT | TOP_LEVEL,
                Some(parent) if parent.service_hash != member.service_hash => TOP_LEVEL,
                Some(_) => continue,
            };
            let flags = if self.marked { flags & !TOP_LEVEL } else { flags };
            record::add_flags(chunk.records.bytes_mut(), member.at as usize, flags);
        }
        by_id.clear();
        self.members = by_id;
    }

    fn send(&mut self) {
        if let Some(mut chunk) = self.open.take().filter(|chunk| chunk.spans > 0) {
            self.mark_top_level(&mut chunk);
            deciding::submitted(self.state, &mut chunk);
            let by = (self.span.shard, sys::wall_ns());
            enqueue(self.state, self.index, self.tracer(), chunk, by);
        }
    }

    /// Sends what was collected. Returns the last error, if there was one.
    pub fn end(mut self) -> Result<(), Error> {
        self.send();
        self.failed.map_or(Ok(()), Err)
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        self.send();
        self.tracer().submitting.fetch_sub(1, AcqRel);
    }
}

/// Adds every span of a packed buffer. The form, all numbers little-endian:
///
/// ```text
/// u32 length of the record with these four bytes   u32 flags (1: error)
/// u64 trace id, high   u64 low   u64 span id   u64 parent id   i64 start, ns   i64 duration, ns   i32 priority
/// u32 lengths of name, service, resource, type     u32 tags   u32 metrics
/// the four texts; for each tag u32 length of key, u32 of value, both; for each metric u32 length of key, f64, key
/// ```
pub fn packed(submission: &mut Submission, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let length = bytes.get(..4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
        let Some((record, rest)) = (length >= 4 && length <= bytes.len()).then(|| bytes.split_at(length)) else {
            return submission.reject_unread(SubmitFault::CutShort);
        };
        match unpack(record) {
            Some((given, tags, counts)) => submission.add(&given, |span, at| fill(span, at, tags, counts)),
            None => submission.reject_unread(SubmitFault::LengthsDiffer),
        }
        bytes = rest;
    }
}

/// The priority of a packed record whose trace the host has not decided.
const UNDECIDED: i32 = i32::MIN;

/// Reads from the front of a packed record.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (front, rest) = (self.0.len() >= len).then(|| self.0.split_at(len))?;
        self.0 = rest;
        Some(front)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.bytes(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}

fn unpack(record: &[u8]) -> Option<(Given<'_>, &[u8], (u32, u32))> {
    let mut reader = Reader(record);
    let _length = reader.u32()?;
    let error = reader.u32()? & 1 != 0;
    let (trace_id_high, trace_id_low) = (reader.u64()?, reader.u64()?);
    let (span_id, parent_id) = (reader.u64()?, reader.u64()?);
    let (start_ns, duration_ns) = (reader.u64()? as i64, reader.u64()? as i64);
    let priority = Some(reader.u32()? as i32).filter(|&priority| priority != UNDECIDED);
    let lengths = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
    let counts = (reader.u32()?, reader.u32()?);
    let mut texts = [&b""[..]; 4];
    for (text, length) in texts.iter_mut().zip(lengths) {
        *text = reader.bytes(length as usize)?;
    }
    let tags = reader.0;
    walk(tags, counts, |_, _| {}, |_, _| {})?;
    let given =
        Given { trace_id_high, trace_id_low, span_id, parent_id, start_ns, duration_ns, texts, error, priority };
    Some((given, tags, counts))
}

/// Visits the tags and metrics of a packed record. Returns `None` if they do not fill it exactly.
fn walk<'a>(
    tags: &'a [u8],
    (texts, numbers): (u32, u32),
    mut text: impl FnMut(&'a [u8], &'a [u8]),
    mut number: impl FnMut(&'a [u8], f64),
) -> Option<()> {
    let mut reader = Reader(tags);
    for _ in 0..texts {
        let (key, value) = (reader.u32()? as usize, reader.u32()? as usize);
        text(reader.bytes(key)?, reader.bytes(value)?);
    }
    for _ in 0..numbers {
        let (key, value) = (reader.u32()? as usize, f64::from_bits(reader.u64()?));
        number(reader.bytes(key)?, value);
    }
    reader.0.is_empty().then_some(())
}

fn fill(span: &mut OpenSpan, at: At<'_>, tags: &[u8], counts: (u32, u32)) {
    // Both visitors borrow the span; `walk` calls one at a time.
    let span = std::cell::RefCell::new(span);
    walk(
        tags,
        counts,
        |key, value| count_sanitized(at, span.borrow_mut().set_text(key, value)),
        |key, value| count_sanitized(at, span.borrow_mut().set_number(key, value)),
    );
}
