//! The facts of an event in compact form, owned: what the calling thread copies in debug mode. Words are made of them later,
//! on another thread, by way of [`Facts::with`]. Only of events that happen for each span or trace. Readers of cores find them
//! as bytes: a few words that depend on the kind of event, then a span's or a chunk's records, then texts.

use super::{DecidedBy, Event, SampledView, SpanView, Standing};
use crate::level::Level;
use crate::span::open::{Field, OpenSpan, ERROR, LOCAL_ROOT};
use crate::span::record::{self, Record};
use crate::span::run::{self, Item, Kind as RunKind};
use crate::sys;

/// About what an event takes beside its bytes.
const OVERHEAD: usize = 192;
/// The length of a word in bytes.
const WORD: usize = 8;
/// The words of a chunk's facts.
const ENQUEUED_WORDS: usize = 9;

/// The facts of one event; empty for none.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Everything, for debuggers as well.
    pub bytes: Vec<u8>,
}

/// What an event is about: the lowest byte of the first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Started = 1,
    Finished,
    Decided,
    Enqueued,
}

/// What was decided about a trace so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// The sampling priority.
    pub priority: Option<i32>,
    /// How that was decided.
    pub decision_maker: Option<i32>,
}

/// A chunk that went to the queue.
#[derive(Clone, Copy, Debug)]
pub struct EnqueuedView<'a> {
    /// The whole 128-bit trace id.
    pub trace_id: u128,
    /// What was decided about the trace.
    pub outcome: Outcome,
    /// How many spans it has.
    pub spans: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it is the last one of its trace.
    pub complete: bool,
    /// Chunks in the queue.
    pub queued_chunks: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// The address of the Agent.
    pub agent_url: &'a str,
    /// The records of its spans, if they are listed.
    pub records: &'a [u8],
    /// The service of spans without one.
    pub service: &'a str,
}

static NOTHING: SpanView<'static> = SpanView::NOTHING;

impl Facts {
    /// Copies a span that was started. `service`: the tracer's, for a span without one.
    pub fn started(span: &OpenSpan, outcome: Outcome, service: &str, standing: Standing) -> Facts {
        of_span(Kind::Started, span, (span.flags, 0), outcome, service, standing)
    }

    /// Copies a span that has ended with these flags and duration.
    pub fn finished(span: &OpenSpan, end: (u32, u64), outcome: Outcome, service: &str, standing: Standing) -> Facts {
        of_span(Kind::Finished, span, end, outcome, service, standing)
    }

    /// Copies a decision.
    pub fn decided(trace: &SampledView<'_>) -> Facts {
        let (by, place, rule) = match trace.by {
            DecidedBy::Default => (0, 0, ""),
            DecidedBy::AgentRate => (1, 0, ""),
            DecidedBy::Rule { place, text } => (2, place, text),
            DecidedBy::SampleRate => (3, 0, ""),
            DecidedBy::Minute => (4, 0, ""),
            DecidedBy::Host => (5, 0, ""),
        };
        let numbers = [trace.rate, trace.limit_rate, trace.limited_to];
        let texts = [trace.name, trace.service, trace.env, rule];
        let given = numbers.map(|number| u64::from(number.is_some()));
        let [rate, limit_rate, limited_to] = numbers.map(|number| number.unwrap_or_default().to_bits());
        let words = [
            Kind::Decided as u64 | given[0] << 8 | given[1] << 9 | given[2] << 10 | by << 16,
            (trace.trace_id >> 64) as u64,
            trace.trace_id as u64,
            trace.span_id,
            trace.parent_id,
            pair(trace.priority as u32, trace.mechanism as u32),
            rate,
            limit_rate,
            limited_to,
            place as u64,
            pair(texts[0].len() as u32, texts[1].len() as u32),
            pair(texts[2].len() as u32, texts[3].len() as u32),
        ];
        let mut bytes = Vec::with_capacity(words.len() * WORD + texts.iter().map(|text| text.len()).sum::<usize>());
        put(&mut bytes, &words);
        texts.iter().for_each(|text| bytes.extend_from_slice(text.as_bytes()));
        Facts { bytes }
    }

    /// Copies a chunk; without its records if there is no memory for them.
    pub fn enqueued(chunk: &EnqueuedView<'_>) -> Facts {
        let mut bytes = Vec::new();
        let texts = chunk.service.len() + chunk.agent_url.len();
        let room = bytes.try_reserve_exact(ENQUEUED_WORDS * WORD + chunk.records.len() + texts);
        let chunk = &EnqueuedView { records: if room.is_ok() { chunk.records } else { &[] }, ..*chunk };
        let service = if chunk.records.is_empty() { "" } else { chunk.service };
        let words: [u64; ENQUEUED_WORDS] = [
            Kind::Enqueued as u64 | u64::from(chunk.complete) << 8 | chunk.outcome.given(),
            (chunk.trace_id >> 64) as u64,
            chunk.trace_id as u64,
            chunk.outcome.word(),
            pair(chunk.records.len() as u32, service.len() as u32),
            chunk.spans,
            chunk.bytes,
            chunk.queued_chunks,
            chunk.queued_bytes,
        ];
        let parts = [chunk.records, service.as_bytes(), chunk.agent_url.as_bytes()];
        put(&mut bytes, &words);
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Facts { bytes }
    }

    /// How many kinds of events have facts.
    pub const KINDS: usize = 4;

    /// Returns facts of each kind that say no more than the kind.
    pub fn of_each_kind() -> [Facts; Facts::KINDS] {
        let kinds = [Kind::Started, Kind::Finished, Kind::Decided, Kind::Enqueued];
        kinds.map(|kind| Facts { bytes: (kind as u64).to_ne_bytes().to_vec() })
    }

    /// Returns the number of the kind of event, below [`Facts::KINDS`].
    #[inline]
    pub fn kind_number(&self) -> Option<usize> {
        self.bytes.first().map(|&kind| usize::from(kind).wrapping_sub(1)).filter(|&number| number < Facts::KINDS)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// About how many bytes they occupy.
    pub fn weight(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }

    fn kind(&self) -> Option<Kind> {
        Some(match Rest(&self.bytes).word()? & 0xff {
            1 => Kind::Started,
            2 => Kind::Finished,
            3 => Kind::Decided,
            4 => Kind::Enqueued,
            _ => return None,
        })
    }

    /// Returns the level of the most important line that a language has for them, where it has lines at this level.
    pub fn loudest(&self, level: Level) -> Level {
        match self.kind() {
            // PHP says at info that a trace leaves, and lists its spans at debug.
            Some(Kind::Enqueued) => level.min(Level::Info),
            _ => level,
        }
    }

    /// Calls `show` with the kind of event and nothing else of it: no level and no limit depends on more.
    pub fn outline<R>(&self, show: impl FnOnce(&Event<'_>) -> R) -> Option<R> {
        let standing = Standing { open: 0, finished: 0, leaves: false };
        Some(show(&match self.kind()? {
            Kind::Started => Event::SpanStarted { span: &NOTHING, standing },
            Kind::Finished => Event::SpanFinished { span: &NOTHING, standing },
            Kind::Decided => Event::TraceDecided { trace: &SampledView::NOTHING },
            Kind::Enqueued => Event::ChunkEnqueued {
                trace_id: 0,
                spans: 0,
                bytes: 0,
                complete: false,
                queued_chunks: 0,
                queued_bytes: 0,
                agent_url: "",
                list: &[],
            },
        }))
    }

    /// Calls `show` with the event; does nothing without facts, and where they are damaged, as in a core.
    pub fn with<R>(&self, show: impl FnOnce(&Event<'_>) -> R) -> Option<R> {
        self.with_lists(&mut Lists::default(), show)
    }

    /// Does the same with lists that are used again.
    pub fn with_lists<R>(&self, lists: &mut Lists<'static>, show: impl FnOnce(&Event<'_>) -> R) -> Option<R> {
        let mut rest = Rest(&self.bytes);
        let (kind, first) = (self.kind()?, rest.word()?);
        let flag = |bit: u32| first >> bit & 1 != 0;
        let trace_id = u128::from(rest.word()?) << 64 | u128::from(rest.word()?);
        match kind {
            Kind::Started | Kind::Finished => {
                let outcome = Outcome::of(first, rest.word()?);
                let standing = Standing { open: rest.word()?, finished: rest.word()?, leaves: flag(8) };
                let service = rest.word()?;
                let (record, after) = Record::read(rest.0)?;
                let service = Rest(after).text(service as u32)?;
                let span = view(trace_id, outcome, &record, service, std::mem::take(lists));
                let shown = show(&match kind {
                    Kind::Started => Event::SpanStarted { span: &span, standing },
                    _ => Event::SpanFinished { span: &span, standing },
                });
                *lists = Lists { tags: emptied(span.tags), metrics: emptied(span.metrics) };
                Some(shown)
            }
            Kind::Decided => {
                let (span_id, parent_id, [priority, mechanism]) = (rest.word()?, rest.word()?, rest.pair()?);
                let numbers = [rest.word()?, rest.word()?, rest.word()?].map(f64::from_bits);
                let given = |n: usize| flag(8 + n as u32).then_some(numbers[n]);
                let (place, [name, service], [env, rule]) = (rest.word()?, rest.pair()?, rest.pair()?);
                let [name, service, env, rule] =
                    [rest.text(name)?, rest.text(service)?, rest.text(env)?, rest.text(rule)?];
                let by = match first >> 16 & 0xff {
                    0 => DecidedBy::Default,
                    1 => DecidedBy::AgentRate,
                    2 => DecidedBy::Rule { place: place as usize, text: rule },
                    3 => DecidedBy::SampleRate,
                    4 => DecidedBy::Minute,
                    _ => DecidedBy::Host,
                };
                let trace = &SampledView {
                    trace_id,
                    span_id,
                    parent_id,
                    name,
                    service,
                    env,
                    priority: priority as i32,
                    mechanism: mechanism as i32,
                    rate: given(0),
                    limit_rate: given(1),
                    limited_to: given(2),
                    by,
                };
                Some(show(&Event::TraceDecided { trace }))
            }
            Kind::Enqueued => {
                let (outcome, [records, service]) = (Outcome::of(first, rest.word()?), rest.pair()?);
                let [spans, bytes, queued_chunks, queued_bytes] =
                    [rest.word()?, rest.word()?, rest.word()?, rest.word()?];
                let (records, service) = (rest.bytes(records)?, rest.text(service)?);
                let (list, agent_url) = (&list(trace_id, outcome, records, service)[..], shown(rest.0));
                let complete = flag(8);
                Some(show(&Event::ChunkEnqueued {
                    trace_id,
                    spans,
                    bytes,
                    complete,
                    queued_chunks,
                    queued_bytes,
                    agent_url,
                    list,
                }))
            }
        }
    }
}

impl Outcome {
    /// Bits of the first word: what there is.
    fn given(self) -> u64 {
        u64::from(self.priority.is_some()) << 24 | u64::from(self.decision_maker.is_some()) << 25
    }

    fn word(self) -> u64 {
        pair(self.priority.unwrap_or_default() as u32, self.decision_maker.unwrap_or_default() as u32)
    }

    fn of(first: u64, word: u64) -> Outcome {
        let number = |bit: u32, number: u64| (first >> bit & 1 != 0).then_some(number as u32 as i32);
        Outcome { priority: number(24, word), decision_maker: number(25, word >> 32) }
    }
}

/// Lists of tags that are used again: empty, but with memory.
#[derive(Default)]
pub struct Lists<'a> {
    tags: Vec<(&'a str, &'a str)>,
    metrics: Vec<(&'a str, f64)>,
}

/// The most items for which a list is used again.
const LIST_KEPT: usize = 256;

/// Returns the memory of a list, for items of the same size.
fn emptied<T, U>(mut list: Vec<T>) -> Vec<U> {
    if list.capacity() > LIST_KEPT {
        return Vec::new();
    }
    list.clear();
    list.into_iter().filter_map(|_| None).collect()
}

/// What was not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn bytes(&mut self, length: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length as usize)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self, length: u32) -> Option<&'a str> {
        self.bytes(length).map(shown)
    }

    fn word(&mut self) -> Option<u64> {
        self.bytes(WORD as u32)?.try_into().ok().map(u64::from_ne_bytes)
    }

    fn pair(&mut self) -> Option<[u32; 2]> {
        self.word().map(|word| [word as u32, (word >> 32) as u32])
    }
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn put(bytes: &mut Vec<u8>, words: &[u64]) {
    words.iter().for_each(|word| bytes.extend_from_slice(&word.to_ne_bytes()));
}

fn of_span(
    kind: Kind,
    span: &OpenSpan,
    (flags, duration_ns): (u32, u64),
    outcome: Outcome,
    service: &str,
    standing: Standing,
) -> Facts {
    let service = if span.field(Field::Service).is_empty() { service } else { "" };
    let words = [
        kind as u64 | u64::from(standing.leaves) << 8 | outcome.given(),
        span.trace_id_high,
        span.trace_id_low,
        outcome.word(),
        standing.open,
        standing.finished,
        service.len() as u64,
    ];
    Facts { bytes: record::for_log(words, span, flags, duration_ns, service.as_bytes()) }
}

/// Makes views of a chunk's spans, in the order in which they are sent.
pub fn list<'a>(trace_id: u128, outcome: Outcome, mut records: &'a [u8], service: &'a str) -> Vec<SpanView<'a>> {
    let mut list = Vec::new();
    while let Some((record, after)) = Record::read(records) {
        list.push(view(trace_id, outcome, &record, service, Lists::default()));
        records = after;
    }
    crate::sort::by_key(&mut list, |span| (!span.local_root, span.start_ns));
    list
}

/// Makes a view of a span, with these lists, which are empty.
fn view<'a>(trace_id: u128, outcome: Outcome, record: &Record<'a>, service: &'a str, lists: Lists<'a>) -> SpanView<'a> {
    let Lists { mut tags, mut metrics } = lists;
    let [texts, numbers] = record.texts_and_numbers();
    tags.reserve(texts.count as usize);
    metrics.reserve(numbers.count as usize);
    let (mut links, mut events) = (Vec::new(), Vec::new());
    run::each(RunKind::Text, texts.bytes, |item| {
        if let Item::Text(key, value) = item {
            tags.push((shown(key), shown(value)));
        }
    });
    run::each(RunKind::Number, numbers.bytes, |item| {
        if let Item::Number(key, value) = item {
            metrics.push((shown(key), value));
        }
    });
    if record.has_more() {
        record.each(|item| match item {
            Item::Link(link) => links.push(link),
            Item::Event(event) => events.push(event),
            _ => {}
        });
    }
    let or = |bytes: &'a [u8], default: &'a str| if bytes.is_empty() { default } else { shown(bytes) };
    let name = shown(record.name);
    SpanView {
        trace_id,
        span_id: record.span_id,
        parent_id: record.parent_id,
        name,
        service: or(record.service, service),
        resource: or(record.resource, name),
        span_type: shown(record.span_type),
        start_ns: record.start_ns,
        duration_ns: record.duration_ns as i64,
        error: record.flags & ERROR != 0,
        tags,
        metrics,
        links,
        events,
        local_root: record.flags & LOCAL_ROOT != 0,
        priority: outcome.priority,
        decision_maker: outcome.decision_maker,
    }
}

fn shown(bytes: &[u8]) -> &str {
    sys::utf8(bytes).unwrap_or("\u{fffd}")
}
