//! The parts of an image. Neither redacted nor formatted.

use crate::recorder::Snapshot;
use crate::span::run::Item;
use crate::trace::{Decision, TraceTags};
use serde_json::Value as Json;

/// Maximum number of tags of a span in a list.
pub const TAGS: usize = 10;

/// What a process holds.
pub struct Image {
    /// The library's version.
    pub library: String,
    /// The process whose state it is, as stored in the state.
    pub pid: u64,
    /// 1, and 1 more for each fork.
    pub epoch: u64,
    /// The process that this one was forked from.
    pub parent_pid: u64,
    /// Time of the last known event, nanoseconds since 1970. `None` if the flight recorder cannot be read.
    pub as_of: Option<u64>,
    /// The log's level as a number.
    pub level: Option<u64>,
    /// Log records that were lost before the host took them.
    pub lost: u64,
    /// Log records that wait for the host.
    pub log: Vec<Vec<u8>>,
    /// Tracers that are or were in use.
    pub tracers: Vec<Tracer>,
    /// Open spans, the oldest first.
    pub spans: Vec<Span>,
    /// Traces with open spans.
    pub traces: Vec<Trace>,
    /// Agents that tracers send to.
    pub exporters: Vec<Exporter>,
    /// The flight recorder, or why it cannot be read.
    pub recorder: Result<Snapshot, String>,
    /// Memory that spans occupy, and the bound on it, in bytes.
    pub memory: Option<(u64, u64)>,
    /// Whether some memory that the table refers to could not be read.
    pub misses: bool,
    /// How many spans of each tracer are where.
    pub(super) counts: Vec<Counts>,
}

/// How many spans of a tracer are where: open, waiting for their trace, queued, being sent.
pub(super) struct Counts {
    pub tracer: u64,
    pub spans: [u64; 4],
}

/// A tracer.
pub struct Tracer {
    /// Its number.
    pub index: u64,
    /// Whether a host holds it.
    pub live: bool,
    /// Shut down.
    pub closed: bool,
    /// `DD_TRACE_ENABLED`.
    pub enabled: bool,
    /// The exporter that serves it.
    pub exporter: u64,
    /// Its counters, by name.
    pub counters: Vec<(String, u64)>,
    /// Its metadata and settings; `Null` where they cannot be read.
    pub card: Json,
}

impl Tracer {
    /// Returns a text of its metadata; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.card[name].as_str().unwrap_or_default()
    }

    /// Returns a counter by its name.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.iter().find(|(other, _)| other == name).map_or(0, |&(_, value)| value)
    }

    /// Returns its settings: name, redacted value, and origin.
    pub fn settings(&self) -> impl Iterator<Item = [&str; 3]> {
        let all = self.card["settings"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().map(|setting| [0, 1, 2].map(|n| setting[n].as_str().unwrap_or_default()))
    }
}

/// A tag's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Tag {
    /// A text.
    Text(Vec<u8>),
    /// A number.
    Number(f64),
}

/// A span, open or finished.
#[derive(Default)]
pub struct Span {
    /// Its slot; 0 for a finished span.
    pub slot: u64,
    /// Its id.
    pub span_id: u64,
    /// The parent's; 0 for none.
    pub parent_id: u64,
    /// The trace's.
    pub trace_id: u128,
    /// The tracer's number.
    pub tracer: u64,
    /// Start, nanoseconds since 1970.
    pub start_ns: i64,
    /// Duration of a finished span, in nanoseconds.
    pub duration_ns: Option<u64>,
    /// Whether it carries an error.
    pub error: bool,
    /// Name, service, resource and type; empty if it has none of its own.
    pub texts: [Vec<u8>; 4],
    /// Its tags.
    pub tags: Vec<Pair>,
    /// How many blobs it has.
    pub blobs: u64,
    /// Trace and span of each of its links.
    pub links: Vec<(u128, u64)>,
    /// Time in nanoseconds since 1970 and name of each of its events.
    pub events: Vec<(u64, Vec<u8>)>,
    /// Another thread held it.
    pub busy: bool,
    /// Not all of it could be read.
    pub damaged: bool,
    /// How many of its tags are left out of `tags`.
    pub tags_left_out: usize,
}

/// Where a finished span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It waits for its trace.
    Trace,
    /// In the queue.
    Queue,
    /// The worker is sending it.
    Sending {
        /// A request with it was under way.
        asking: bool,
        /// An earlier request with it got no answer.
        unknown: bool,
    },
}

/// Finished spans of one trace.
pub struct Chunk {
    /// Where they are.
    pub place: Place,
    /// The tracer's number.
    pub tracer: u64,
    /// The trace's id.
    pub trace_id: u128,
    /// The sampling decision.
    pub decision: Decision,
    /// The trace tags.
    #[cfg_attr(not(feature = "cli"), allow(dead_code))]
    pub tags: TraceTags,
    /// Whether the trace was complete.
    pub complete: bool,
    /// How many bytes.
    pub bytes: u64,
    /// Not all of its spans could be read.
    pub damaged: bool,
    /// The spans that have neither been sent nor dropped.
    pub spans: Vec<Span>,
    /// The bytes of each of those.
    pub records: Vec<Vec<u8>>,
}

/// A trace.
pub struct Trace {
    /// Open spans.
    pub open: u64,
    /// Finished spans that wait.
    pub chunk: Chunk,
}

/// The connection to an agent, and the chunks for it.
pub struct Exporter {
    /// Its number.
    pub index: u64,
    /// 0 not asked yet, 1 answers, 2 not reached, 3 refuses.
    pub state: u64,
    /// Since when, nanoseconds since 1970.
    pub since_ns: u64,
    /// The HTTP status of its last answer.
    pub status: u64,
    /// The chunks being sent, then those that wait, oldest first.
    pub chunks: Vec<Chunk>,
}

/// A tag and its key.
pub type Pair = (Vec<u8>, Tag);

impl Span {
    /// About how many bytes it occupies.
    pub(super) fn weight(&self) -> usize {
        let tag = |(key, tag): &Pair| {
            let text = if let Tag::Text(text) = tag { text.len() } else { 0 };
            key.len() + text + size_of::<Pair>()
        };
        let events = self.events.iter().map(|(_, name)| name.len() + 64).sum::<usize>();
        let texts = self.texts.iter().map(Vec::len).sum::<usize>();
        size_of::<Span>() + texts + events + self.tags.iter().map(tag).sum::<usize>() + self.links.len() * 32
    }

    /// Adds a decoded item. Structured values are only counted, attributes of links and events are not taken.
    pub(super) fn take(&mut self, item: Item<'_>) {
        match item {
            Item::Text(key, text) => self.tags.push((key.to_vec(), Tag::Text(text.to_vec()))),
            Item::Number(key, number) => self.tags.push((key.to_vec(), Tag::Number(number))),
            Item::Blob(..) => self.blobs += 1,
            Item::Link(link) => {
                let trace_id = u128::from(link.trace_id_high) << 64 | u128::from(link.trace_id_low);
                self.links.push((trace_id, link.span_id));
            }
            Item::Event(event) => self.events.push((event.time_ns, event.name.to_vec())),
        }
    }
}

impl Place {
    /// The place's index in counts.
    pub(super) fn column(self) -> usize {
        match self {
            Place::Trace => 1,
            Place::Queue => 2,
            Place::Sending { .. } => 3,
        }
    }
}

impl Image {
    /// Counts the spans of a tracer, or of all: open, waiting for their trace, queued, being sent.
    pub fn count(&self, tracer: Option<u64>) -> [u64; 4] {
        let mut sum = [0; 4];
        for counts in self.counts.iter().filter(|counts| tracer.is_none_or(|tracer| tracer == counts.tracer)) {
            // Numbers of damaged memory may be any.
            sum.iter_mut().zip(counts.spans).for_each(|(sum, count)| *sum = count.saturating_add(*sum));
        }
        sum
    }

    /// Whether there is any span of this tracer.
    pub fn has_spans_of(&self, tracer: u64) -> bool {
        self.counts.iter().any(|counts| counts.tracer == tracer)
    }

    /// Adds spans of a tracer. `column`: 0 for open ones, or that of a place.
    pub(super) fn add(&mut self, tracer: u64, column: usize, spans: u64) {
        let at = self.counts.iter().position(|counts| counts.tracer == tracer).unwrap_or_else(|| {
            self.counts.push(Counts { tracer, spans: [0; 4] });
            self.counts.len() - 1
        });
        let count = &mut self.counts[at].spans[column];
        *count = count.saturating_add(spans);
    }

    /// Counts what `spans`, `traces` and `exporters` have.
    pub(super) fn count_all(&mut self) {
        let chunks = self.chunks().map(|chunk| (chunk.tracer, chunk.place.column(), chunk.spans.len() as u64));
        let found: Vec<_> = self.spans.iter().map(|span| (span.tracer, 0, 1)).chain(chunks).collect();
        found.into_iter().for_each(|(tracer, column, spans)| self.add(tracer, column, spans));
    }

    /// Returns the tracer of this number.
    pub fn tracer(&self, index: u64) -> Option<&Tracer> {
        self.tracers.iter().find(|tracer| tracer.index == index)
    }

    /// Returns every chunk: those that wait for their trace, then each exporter's.
    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        let waiting = self.traces.iter().map(|trace| &trace.chunk).filter(|chunk| !chunk.spans.is_empty());
        waiting.chain(self.exporters.iter().flat_map(|exporter| &exporter.chunks))
    }
}
