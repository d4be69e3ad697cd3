//! What every format sends of a span: its order in the chunk, its own tags, and the tags that its tracer and its trace
//! add.

use crate::export::metadata::{Metadata, Pairs};
use crate::span::open::{LOCAL_ROOT, TOP_LEVEL};
use crate::span::record::{self, Record, HEADER};
use crate::span::run::{self, Item, Keys, Kind, Run};
use crate::trace::Chunk;

/// The order in which a chunk's spans are sent: the local root first, then by start. Offsets of records.
pub fn order(chunk: &Chunk, out: &mut Vec<u32>) {
    let bytes = chunk.records.bytes();
    if record::outline(bytes, 0).is_some_and(|(length, ..)| length >= bytes.len()) {
        return out.push(0);
    }
    fetch(bytes);
    // A short chunk is sorted while it is read: each record goes before those that start later.
    let (mut keys, mut places, mut count, mut at) = ([0; NEAR], [0; NEAR], 0, 0);
    while let Some((length, flags, start)) = record::outline(bytes, at) {
        if count == NEAR {
            return order_many(bytes, out);
        }
        let (key, mut place) = (key(flags, start), count);
        while place > 0 && key < keys[place - 1] {
            (keys[place], places[place]) = (keys[place - 1], places[place - 1]);
            place -= 1;
        }
        (keys[place], places[place]) = (key, at as u32);
        count += 1;
        at += length.max(HEADER);
    }
    out.extend_from_slice(&places[..count]);
}

/// A chunk with at most so many spans is short.
const NEAR: usize = 32;

/// Where a span is among those of its chunk. Spans from before 1970 come first, in any order.
#[inline(always)]
fn key(flags: u32, start_ns: i64) -> u64 {
    u64::from(flags & LOCAL_ROOT == 0) << 63 | start_ns.max(0) as u64
}

/// Reads a byte of each cache line. The bytes are in another core's cache: reading record after record would wait for each
/// line in turn, but this fetches them together.
#[inline(always)]
fn fetch(bytes: &[u8]) {
    const LINE: usize = 64;
    let blocks = bytes.chunks_exact(4 * LINE);
    let rest = blocks.remainder().iter().step_by(LINE).fold(0, |seen, byte| seen ^ byte);
    let seen = blocks.fold(rest, |seen, four| seen ^ four[0] ^ four[LINE] ^ four[2 * LINE] ^ four[3 * LINE]);
    std::hint::black_box(seen);
}

#[inline(never)]
fn order_many(bytes: &[u8], out: &mut Vec<u32>) {
    let (first, mut at) = (out.len(), 0);
    while let Some((length, ..)) = record::outline(bytes, at) {
        out.push(at as u32);
        at += length.max(HEADER);
    }
    out[first..].sort_by_key(|&at| record::outline(bytes, at as usize).map(|(_, flags, start)| key(flags, start)));
}

/// A span that is encoded, and what its tags depend on. Its runs are looked up once.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) record: Record<'a>,
    pub(super) texts: Run<'a>,
    pub(super) numbers: Run<'a>,
    /// Whether it may have blobs, links or events.
    pub(super) has_more: bool,
    pub(super) chunk: &'a Chunk,
    pub(super) metadata: &'a Metadata,
    /// Whether it is the first span of the chunk in this payload.
    pub(super) first: bool,
}

impl<'a> Span<'a> {
    /// A span of a chunk.
    #[inline(always)]
    pub(super) fn of(record: Record<'a>, chunk: &'a Chunk, metadata: &'a Metadata, first: bool) -> Span<'a> {
        let ([texts, numbers], has_more) = (record.texts_and_numbers(), record.has_more());
        Span { record, texts, numbers, has_more, chunk, metadata, first }
    }

    /// The service and the resource with their defaults: the tracer's service, the span's name.
    #[inline]
    pub(super) fn service_and_resource(&self) -> (&'a [u8], &'a [u8]) {
        let record = &self.record;
        let service = if record.service.is_empty() { self.metadata.service.as_bytes() } else { record.service };
        let resource = if record.resource.is_empty() { record.name } else { record.resource };
        (service, resource)
    }

    /// Returns the version of the tracer's service, if the span is of it.
    pub(super) fn tracers_version(&self) -> Option<&'a [u8]> {
        let (version, service) = (self.metadata.version.as_bytes(), self.service_and_resource().0);
        (service == self.metadata.service.as_bytes() && !version.is_empty()).then_some(version)
    }

    /// Returns a bound on the number of text tags that [`Self::each_text`] visits.
    #[inline(always)]
    pub(super) fn most_texts(&self) -> usize {
        let pairs = if self.first { self.metadata.first_span.len() } else { self.metadata.every_span.len() };
        // Service or version, the decision, its rate, and the high half of the trace id.
        self.texts.count as usize + pairs + self.chunk.tags.run().len() / 2 + 4
    }

    /// Returns a bound on the number of numbers that [`Self::each_number`] visits.
    #[inline(always)]
    pub(super) fn most_numbers(&self) -> usize {
        self.numbers.count as usize + NUMBERS_ADDED
    }

    /// Visits the text tags: the span's own, then what the tracer and, on the first span of a chunk, the trace add. A key
    /// that the host has set is not added: no key comes twice.
    // The formats other than v0.4 share this and the next two functions, for the size of the library.
    pub(super) fn each_text(self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.each_own_text(&mut |key, value| visit(key, value));
        self.each_added(visit);
    }

    /// Visits the span's own text tags.
    #[inline(never)]
    pub(super) fn each_own_text(self, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        run::each(Kind::Text, self.texts.bytes, |item| {
            if let Item::Text(key, value) = item {
                visit(key, value);
            }
        });
    }

    /// Visits the text tags that the tracer and the trace add.
    #[inline(never)]
    pub(super) fn each_added(self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        let Span { texts, chunk, metadata, first, .. } = self;
        let mut visit = |key: &[u8], value: &[u8]| visit(key, value);
        each_added_with_trace(texts.bytes, self.record.service.is_empty(), chunk, metadata, first, &mut visit);
    }

    /// Visits the numbers in the same way.
    #[inline(never)]
    pub(super) fn each_number(self, visit: &mut dyn FnMut(&[u8], f64)) {
        run::each(Kind::Number, self.numbers.bytes, |item| {
            if let Item::Number(key, value) = item {
                visit(key, value);
            }
        });
        self.each_added_number(visit);
    }

    /// Visits the text tags that the tracer and the trace add.
    #[inline(never)]
    pub(super) fn each_added_text(&self, visit: &mut dyn Visit) {
        if self.first || !self.chunk.tags.is_empty() {
            let Span { texts, chunk, metadata, first, .. } = *self;
            let has_tracers = self.record.service.is_empty();
            return each_added_with_trace(texts.bytes, has_tracers, chunk, metadata, first, visit);
        }
        let (metadata, has_tracers) = (self.metadata, self.record.service.is_empty());
        if has_tracers && metadata.every_span.is_empty() && metadata.version.is_empty() {
            return;
        }
        let own = Own::of(self.texts.bytes);
        own.add_pairs(visit, &metadata.every_span);
        if !has_tracers {
            own.add(visit, BASE_SERVICE, metadata.service.as_bytes());
        } else if !metadata.version.is_empty() {
            own.add(visit, VERSION, metadata.version.as_bytes());
        }
    }

    /// Visits the numbers that the tracer and the trace add.
    #[inline(always)]
    pub(super) fn each_added_number(self, visit: &mut dyn FnMut(&[u8], f64)) {
        let top_level = self.record.flags & TOP_LEVEL != 0;
        let kept_by = self.record.kept_by();
        if self.first || top_level || kept_by.is_some() {
            let Span { numbers, chunk, metadata, first, .. } = self;
            add_numbers(numbers.bytes, chunk, metadata, (first, top_level), kept_by, visit);
        }
    }
}

/// The kind of a span that is part of a program.
pub(super) const INTERNAL: u8 = 1;

/// Returns the number of a span's kind in v1.0 and OTLP, by its name in the tag `span.kind`. `None` for other names.
pub(super) fn kind_of(text: &[u8]) -> Option<u8> {
    let kinds: [&[u8]; 5] = [b"internal", b"server", b"client", b"producer", b"consumer"];
    kinds.iter().position(|kind| *kind == text).map(|place| place as u8 + INTERNAL)
}

/// Takes the text tags that are added to a span.
pub(super) trait Visit {
    /// Takes one.
    fn pair(&mut self, key: &[u8], value: &[u8]);
    /// Takes several, which are also there encoded.
    fn pairs(&mut self, pairs: &Pairs);
}

impl<F: FnMut(&[u8], &[u8])> Visit for F {
    #[inline(always)]
    fn pair(&mut self, key: &[u8], value: &[u8]) {
        self(key, value);
    }

    fn pairs(&mut self, pairs: &Pairs) {
        pairs.iter().for_each(|(key, value)| self(key.as_bytes(), value.as_bytes()));
    }
}

/// The most numbers that [`add_numbers`] adds.
const NUMBERS_ADDED: usize = 9;
const VERSION: &[u8] = b"version";
/// The tracer's service, on spans of another one.
const BASE_SERVICE: &[u8] = b"_dd.base_service";
/// The mechanism by which a rule for single spans keeps a span.
const SINGLE_SPAN: f64 = 8.0;

/// Visits the added text tags of a span that carries trace tags. A trace tag wins over a tag of the settings.
#[inline(never)]
fn each_added_with_trace(
    own: &[u8],
    has_tracers_service: bool,
    chunk: &Chunk,
    metadata: &Metadata,
    first: bool,
    visit: &mut dyn Visit,
) {
    let own = Own::of(own);
    let pairs = if first { &metadata.first_span } else { &metadata.every_span };
    if chunk.tags.is_empty() {
        own.add_pairs(visit, pairs);
    } else {
        for (key, value) in pairs.iter() {
            if chunk.tags.get(key.as_bytes()).is_none() {
                own.add(visit, key.as_bytes(), value.as_bytes());
            }
        }
    }
    if !has_tracers_service {
        own.add(visit, BASE_SERVICE, metadata.service.as_bytes());
    } else if !metadata.version.is_empty() {
        own.add(visit, VERSION, metadata.version.as_bytes());
    }
    chunk.each_tag(first, &mut |key, value| own.add(visit, key, value));
}

/// The text tags that the host has set on a span. They win over added ones.
struct Own<'a> {
    run: &'a [u8],
    keys: Keys,
}

impl<'a> Own<'a> {
    #[inline(always)]
    fn of(run: &'a [u8]) -> Own<'a> {
        Own { run, keys: Keys::of(Kind::Text, run) }
    }

    /// Visits an added tag, unless the host has set its key.
    #[inline(always)]
    fn add(&self, visit: &mut dyn Visit, key: &[u8], value: &[u8]) {
        if !self.keys.may_share(Keys::one(key)) || !run::has(Kind::Text, self.run, key) {
            visit.pair(key, value);
        }
    }

    /// Visits added tags in the same way, all at once where the host has set none of their keys.
    #[inline(always)]
    fn add_pairs(&self, visit: &mut dyn Visit, pairs: &Pairs) {
        if !self.keys.may_share(pairs.keys()) {
            return visit.pairs(pairs);
        }
        for (key, value) in pairs.iter() {
            self.add(visit, key.as_bytes(), value.as_bytes());
        }
    }
}

#[inline(never)]
fn add_numbers(
    own: &[u8],
    chunk: &Chunk,
    metadata: &Metadata,
    (first, top_level): (bool, bool),
    kept_by: Option<usize>,
    visit: &mut dyn FnMut(&[u8], f64),
) {
    let (sampling, keys) = (&metadata.settings.sampling, Keys::of(Kind::Number, own));
    let mut add = |key: &[u8], value: f64| {
        if !keys.may_share(Keys::one(key)) || !run::has(Kind::Number, own, key) {
            visit(key, value);
        }
    };
    if first {
        if let Some(priority) = chunk.decision.priority() {
            add(b"_sampling_priority_v1", f64::from(priority));
        }
        chunk.decision.each_rate(&mut add);
        add(b"process_id", f64::from(metadata.process_id));
    }
    if top_level {
        add(b"_dd.top_level", 1.0);
    }
    if !sampling.apm_tracing {
        add(b"_dd.apm.enabled", 0.0);
    }
    if let Some(rule) = kept_by.and_then(|place| sampling.span_rules.get(place)) {
        add(b"_dd.span_sampling.mechanism", SINGLE_SPAN);
        add(b"_dd.span_sampling.rule_rate", rule.sample_rate);
        if let Some(limit) = rule.max_per_second {
            add(b"_dd.span_sampling.max_per_second", limit);
        }
    }
}
