//! What a process holds, taken out of its memory by the names in its table: tracers, open spans, traces, what waits to be
//! sent, the log's records, the flight recorder. As it lies there: nothing is redacted or put into words here.

use super::reader::{Fault, Memory, Reader, View};
use crate::export::TRACERS_MAX;
use crate::recorder::{layout, snapshot, Snapshot};
use crate::span::open::ERROR;
use crate::span::run::{self, Item, Kind};
use serde_json::Value as Json;

/// Stands for "no sampling priority".
pub const NO_PRIORITY: i64 = i32::MIN as i64;
/// The bit that tells where a tag lies.
const IN_NUMBERS: u64 = 1 << 31;

/// See the module.
pub struct Image {
    /// The library's version.
    pub library: String,
    /// Whose state it is, as that process knows itself.
    pub pid: u64,
    /// 1, and 1 more for each fork.
    pub epoch: u64,
    /// The process that this one was forked from.
    pub parent_pid: u64,
    /// When the last thing happened that is known of, nanoseconds since 1970; nothing where the flight recorder, which
    /// tells it, cannot be read.
    pub as_of: Option<u64>,
    /// The log's level, by its number.
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
    /// What spans occupy, and the bound on that, in bytes.
    pub memory: Option<(u64, u64)>,
    /// Whether something that the table leads to could not be read.
    pub misses: bool,
}

/// A tracer.
pub struct Tracer {
    /// Its number.
    pub index: u64,
    /// Whether somebody has it.
    pub live: bool,
    /// Shut down.
    pub closed: bool,
    /// `DD_TRACE_ENABLED`.
    pub enabled: bool,
    /// The exporter that serves it.
    pub exporter: u64,
    /// What it has counted, by name.
    pub counters: Vec<(String, u64)>,
    /// Its profile and settings; `Null` where they cannot be read.
    pub card: Json,
}

impl Tracer {
    /// A text of its card; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.card[name].as_str().unwrap_or_default()
    }

    /// A counter by its name.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.iter().find(|(other, _)| other == name).map_or(0, |&(_, value)| value)
    }

    /// Its settings: name, value as it may be shown, and origin.
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
    /// Its slot; of a finished one 0.
    pub slot: u64,
    /// Its id.
    pub span_id: u64,
    /// The parent's; 0 for none.
    pub parent_id: u64,
    /// The trace's.
    pub trace_id: u128,
    /// The tracer's number.
    pub tracer: u64,
    /// When it began, nanoseconds since 1970.
    pub start_ns: i64,
    /// How long it took, of a finished one.
    pub duration_ns: Option<u64>,
    /// Whether it carries an error.
    pub error: bool,
    /// Name, service, resource and type; empty where it has none of its own.
    pub texts: [Vec<u8>; 4],
    /// Its tags.
    pub tags: Vec<Pair>,
    /// How many blobs it has.
    pub blobs: u64,
    /// A call was changing it.
    pub busy: bool,
    /// Not all of it could be read.
    pub damaged: bool,
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
    /// The sampling priority, or [`NO_PRIORITY`].
    pub priority: i64,
    /// How that was decided, likewise.
    pub decision: i64,
    /// Whether the trace was complete.
    pub complete: bool,
    /// How many bytes.
    pub bytes: u64,
    /// Not all of its spans could be read.
    pub damaged: bool,
    /// The spans that have neither been sent nor dropped.
    pub spans: Vec<Span>,
    /// Each of those as it lies in memory.
    pub records: Vec<Vec<u8>>,
}

/// A trace.
pub struct Trace {
    /// Open spans.
    pub open: u64,
    /// Finished ones, which wait.
    pub chunk: Chunk,
}

/// How it stands with an agent, and what waits for it.
pub struct Exporter {
    /// Its number.
    pub index: u64,
    /// 0 not asked yet, 1 answers, 2 not reached, 3 refuses.
    pub state: u64,
    /// Since when, nanoseconds since 1970.
    pub since_ns: u64,
    /// The HTTP status of its last answer.
    pub status: u64,
    /// What is being sent, then what waits, the first first.
    pub chunks: Vec<Chunk>,
}

fn join(high: Option<u64>, low: Option<u64>) -> u128 {
    u128::from(high.unwrap_or(0)) << 64 | u128::from(low.unwrap_or(0))
}

impl Image {
    /// Takes all of it; `None` where the process has made no call of the library.
    pub fn of(memory: &dyn Memory, root: u64) -> Result<Option<Image>, Fault> {
        let Some(reader) = Reader::open(memory, root)? else { return Ok(None) };
        let mut image = Image {
            library: reader.library.clone(),
            pid: 0,
            epoch: 0,
            parent_pid: 0,
            as_of: None,
            level: None,
            lost: 0,
            log: Vec::new(),
            tracers: Vec::new(),
            spans: Vec::new(),
            traces: Vec::new(),
            exporters: Vec::new(),
            recorder: Err("its place is not known".into()),
            memory: None,
            misses: false,
        };
        let (mut others_spans, mut others_traces, mut found) = ((0, 0), (0, 0), false);
        reader.each("process", &mut |_, process| {
            let number = |name| process.number(name).unwrap_or(0);
            (image.pid, image.epoch, image.parent_pid) = (number("pid"), number("epoch"), number("parent_pid"));
            others_spans = (number("spans_inherited_from"), number("spans_inherited"));
            others_traces = (number("traces_inherited_from"), number("traces_inherited"));
            image.recorder = recorder(&reader, number("recorder"));
            found = true;
            false
        });
        if !found {
            return Err(Fault::Missing("what it says of the process cannot be read".into()));
        }
        image.take_tracers(&reader);
        reader.each("span", &mut |slot, view| {
            image.spans.extend(live(slot, others_spans, &view).map(|word| open_span(slot, word, &view)));
            true
        });
        crate::sort::by_key(&mut image.spans, |span| (span.start_ns, span.slot));
        reader.each("trace", &mut |slot, view| {
            image.traces.extend(live(slot, others_traces, &view).map(|_| Trace {
                open: view.number("open").unwrap_or(0),
                chunk: chunk(&reader, &view, Place::Trace, None),
            }));
            true
        });
        reader.each("exporter", &mut |index, view| {
            let orphans = image.take_orphans(index, &view);
            image.exporters.extend(exporter(&reader, index, &view, &orphans));
            true
        });
        reader.each("memory", &mut |_, view| {
            image.memory = view.number("used").zip(view.number("max"));
            false
        });
        // An older library does not say; its recorder has what the worker copied last.
        let copied = image.recorder.as_ref().ok().map(|recorder| (recorder.memory_used, recorder.memory_max));
        image.memory = image.memory.or(copied);
        reader.each("log", &mut |_, view| {
            image.level = view.number("level");
            image.lost = view.number("lost").unwrap_or(0);
            image.log = records_of_log(&view);
            false
        });
        image.as_of = image.recorder.as_ref().ok().and_then(|recorder| {
            let events = recorder.events.iter().map(|event| event.time_ns);
            events.chain([recorder.as_of, recorder.made_at]).max().filter(|&time| time > 0)
        });
        image.misses = reader.misses();
        Ok(Some(image))
    }

    fn take_tracers(&mut self, reader: &Reader<'_>) {
        reader.each("tracer", &mut |index, view| {
            let number = |name| view.number(name).unwrap_or(0);
            let word = number("word");
            if word != 0 {
                self.tracers.push(Tracer {
                    index,
                    live: word & 1 == 1,
                    closed: number("closed") != 0,
                    enabled: number("enabled") != 0,
                    exporter: number("exporter"),
                    counters: Vec::new(),
                    card: Json::Null,
                });
            }
            true
        });
        let names: Vec<String> = reader
            .descriptor("account")
            .map(|descriptor| descriptor.numbers().map(str::to_owned).collect())
            .unwrap_or_default();
        reader.each("account", &mut |index, view| {
            if let Some(tracer) = self.tracers.iter_mut().find(|tracer| tracer.index == index) {
                let counted = names.iter().map(|name| (name.clone(), view.number(name).unwrap_or(0)));
                tracer.counters = counted.collect();
                tracer.card = card(&view);
            }
            true
        });
    }

    /// Adds the freed tracers whose slots others have and of which this exporter still has something. They are numbered
    /// on from the last slot. Returns the tickets of their lanes with those numbers.
    fn take_orphans(&mut self, exporter: u64, view: &View<'_>) -> Vec<(u64, u64)> {
        let mut orphans = Vec::new();
        for lane in view.several("orphans").iter().flat_map(|lanes| lanes.views()) {
            let index = self.tracers.iter().map(|tracer| tracer.index + 1).max().unwrap_or(0).max(TRACERS_MAX as u64);
            let (live, closed, enabled, counters) = (false, true, true, Vec::new());
            self.tracers.push(Tracer { index, live, closed, enabled, exporter, counters, card: card(&lane) });
            orphans.extend(lane.number("ticket").map(|ticket| (ticket, index)));
        }
        orphans
    }

    /// The tracer of this number.
    pub fn tracer(&self, index: u64) -> Option<&Tracer> {
        self.tracers.iter().find(|tracer| tracer.index == index)
    }

    /// Every chunk of finished spans: those that wait for their trace, then each exporter's.
    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        let waiting = self.traces.iter().map(|trace| &trace.chunk).filter(|chunk| !chunk.spans.is_empty());
        waiting.chain(self.exporters.iter().flat_map(|exporter| &exporter.chunks))
    }
}

/// The card of a tracer, by the pointer to its profile.
fn card(view: &View<'_>) -> Json {
    let metadata = view.several("metadata");
    let card = metadata.as_ref().and_then(|metadata| metadata.views().next()).and_then(|it| it.bytes("json"));
    card.and_then(|card| serde_json::from_slice(&card).ok()).unwrap_or(Json::Null)
}

/// A slot's word, if the slot is this process's own and in use.
fn live(slot: u64, (from, inherited): (u64, u64), view: &View<'_>) -> Option<u64> {
    view.number("word").filter(|word| slot.wrapping_sub(from) >= inherited && word & 2 != 0)
}

fn recorder(reader: &Reader<'_>, address: u64) -> Result<Snapshot, String> {
    if address == 0 {
        return Err("the process has none".into());
    }
    let missing = || "its memory is missing".to_owned();
    let words = |count: usize| -> Result<Vec<u64>, String> {
        let bytes = reader.block(address, count * 8).ok_or_else(missing)?;
        Ok(bytes.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes).collect())
    };
    let head = words(layout::header::END)?;
    // A debugger may read zeros for memory that a core was written without; the header is never that.
    if head.iter().all(|&word| word == 0) {
        reader.miss();
        return Err(missing());
    }
    let says = head.get(layout::header::WORDS).copied().unwrap_or(0);
    let most = says.clamp(layout::header::END as u64, snapshot::READ_MAX as u64) as usize;
    Snapshot::of(&words(most)?).map_err(|fault| fault.to_string())
}

/// The used bytes of a buffer.
fn buffer(view: &View<'_>, name: &str) -> Option<Vec<u8>> {
    let buffer = view.one(name)?;
    let (mut bytes, length) = (buffer.bytes("bytes")?, buffer.number("length")? as usize);
    (length <= bytes.len()).then(|| {
        bytes.truncate(length);
        bytes
    })
}

fn open_span(slot: u64, word: u64, view: &View<'_>) -> Span {
    let number = |name| view.number(name).unwrap_or(0);
    let mut span = Span {
        slot,
        span_id: number("span_id"),
        parent_id: number("parent_id"),
        trace_id: join(view.number("trace_id_high"), view.number("trace_id_low")),
        tracer: number("tracer"),
        start_ns: view.signed("start_ns").unwrap_or(0),
        error: number("flags") & u64::from(ERROR) != 0,
        busy: word & 1 != 0,
        ..Span::default()
    };
    let [head, texts, numbers, blobs] = ["head", "texts", "numbers", "blobs"].map(|name| buffer(view, name));
    span.damaged = head.is_none() || texts.is_none() || numbers.is_none();
    let [head, texts, numbers, blobs] = [head, texts, numbers, blobs].map(Option::unwrap_or_default);
    let pieces = view.several("fields");
    for (text, piece) in span.texts.iter_mut().zip(pieces.iter().flat_map(|pieces| pieces.views())) {
        match slice(&head, piece.number("at"), piece.number("length")) {
            Some(bytes) => *text = bytes.to_vec(),
            None => span.damaged = true,
        }
    }
    let keys = view.several("keys");
    span.damaged |= keys.is_none();
    for key in keys.iter().flat_map(|keys| keys.views()) {
        let place = key.number("place").unwrap_or(u64::MAX);
        let (kind, run) = if place & IN_NUMBERS != 0 { (Kind::Number, &numbers) } else { (Kind::Text, &texts) };
        match run.get((place & !IN_NUMBERS) as usize..).and_then(|run| run::read(kind, run)) {
            Some((item, _)) => span.take(item),
            None => span.damaged = true,
        }
    }
    run::each(Kind::Blob, &blobs, |item| span.take(item));
    span
}

fn slice(bytes: &[u8], at: Option<u64>, length: Option<u64>) -> Option<&[u8]> {
    let (at, length) = (at? as usize, length? as usize);
    bytes.get(at..at.checked_add(length)?)
}

/// A tag and its key.
pub type Pair = (Vec<u8>, Tag);

impl Span {
    /// Takes what was decoded of its runs.
    fn take(&mut self, item: Item<'_>) {
        match item {
            Item::Text(key, text) => self.tags.push((key.to_vec(), Tag::Text(text.to_vec()))),
            Item::Number(key, number) => self.tags.push((key.to_vec(), Tag::Number(number))),
            Item::Blob(..) => self.blobs += 1,
        }
    }
}

fn chunk(reader: &Reader<'_>, view: &View<'_>, place: Place, order: Option<&[u32]>) -> Chunk {
    let records = buffer(view, "records").unwrap_or_default();
    let mut chunk = Chunk {
        place,
        tracer: view.number("tracer").unwrap_or(0),
        trace_id: join(view.number("trace_id_high"), view.number("trace_id_low")),
        priority: view.signed("priority").unwrap_or(NO_PRIORITY),
        decision: view.signed("decision").unwrap_or(NO_PRIORITY),
        complete: view.number("complete").unwrap_or(0) != 0,
        bytes: records.len() as u64,
        damaged: false,
        spans: Vec::new(),
        records: Vec::new(),
    };
    let mut at = 0;
    while let Some((span, length)) = finished(reader, records.get(at..).unwrap_or_default(), &chunk) {
        if order.is_none_or(|order| order.binary_search(&(at as u32)).is_ok()) {
            chunk.spans.push(span);
            chunk.records.extend(records.get(at..at + length).map(<[u8]>::to_vec));
        }
        at += length;
    }
    chunk.damaged = at != records.len();
    chunk
}

/// The finished span that bytes begin with, and its length.
fn finished(reader: &Reader<'_>, bytes: &[u8], chunk: &Chunk) -> Option<(Span, usize)> {
    let descriptor = reader.descriptor("record")?;
    let view = View::of(reader, descriptor, bytes)?;
    let number = |name| view.number(name).map(|number| number as usize);
    let record = bytes.get(descriptor.stride()..number("length")?)?;
    let listed = reader.descriptor("run")?;
    let (list, record) = record.split_at_checked(number("run_count")?.checked_mul(listed.stride())?)?;
    let (head, mut runs) = record.split_at_checked(number("head_length")?)?;
    let text = |at, length| slice(head, view.number(at), view.number(length)).map(<[u8]>::to_vec);
    let mut span = Span {
        span_id: view.number("span_id")?,
        parent_id: view.number("parent_id")?,
        trace_id: chunk.trace_id,
        tracer: chunk.tracer,
        start_ns: view.signed("start_ns")?,
        duration_ns: view.number("duration_ns"),
        error: view.number("flags")? & u64::from(ERROR) != 0,
        texts: [
            text("name_at", "name_length")?,
            text("service_at", "service_length")?,
            text("resource_at", "resource_length")?,
            text("type_at", "type_length")?,
        ],
        ..Span::default()
    };
    for word in list.chunks_exact(listed.stride()) {
        let word = View::of(reader, listed, word)?;
        let (run, rest) = runs.split_at_checked(word.number("length")? as usize)?;
        runs = rest;
        let known = Kind::ALL.into_iter().find(|&kind| word.number("kind") == Some(kind as u64));
        known.into_iter().for_each(|kind| run::each(kind, run, |item| span.take(item)));
    }
    Some((span, number("length")?))
}

fn exporter(reader: &Reader<'_>, index: u64, view: &View<'_>, orphans: &[(u64, u64)]) -> Option<Exporter> {
    let number = |name| view.number(name).unwrap_or(0);
    let (mut chunks, mut attached) = (Vec::new(), false);
    // Their tracer's slot may be another one's by now.
    let owned = |part: &View<'_>, chunks: &mut [Chunk]| {
        let ticket = part.number("ticket");
        let Some(&(_, tracer)) = orphans.iter().find(|(orphan, _)| Some(*orphan) == ticket) else { return };
        for chunk in chunks {
            chunk.tracer = tracer;
            chunk.spans.iter_mut().for_each(|span| span.tracer = tracer);
        }
    };
    for batches in view.several("batches").iter().flat_map(|batches| batches.views()) {
        for batch in batches.several("all").iter().flat_map(|all| all.views()) {
            let from = chunks.len();
            in_batch(reader, &batch, &mut chunks);
            owned(&batch, &mut chunks[from..]);
        }
    }
    for name in ["hands", "lanes", "orphans"] {
        for lane in view.several(name).iter().flat_map(|lanes| lanes.views()) {
            attached |= lane.number("attached").unwrap_or(0) != 0;
            let (from, waiting) = (chunks.len(), lane.several("queue"));
            let waiting = waiting.iter().flat_map(|waiting| waiting.views());
            chunks.extend(waiting.map(|view| chunk(reader, &view, Place::Queue, None)));
            owned(&lane, &mut chunks[from..]);
        }
    }
    let (state, since_ns, status) = (number("state"), number("state_since_ns"), number("state_status"));
    let used = attached || !chunks.is_empty();
    used.then_some(Exporter { index, state, since_ns, status, chunks })
}

/// What the worker is sending, without what is sent or dropped already.
fn in_batch(reader: &Reader<'_>, batch: &View<'_>, chunks: &mut Vec<Chunk>) {
    let number = |name| batch.number(name).unwrap_or(0);
    let place = Place::Sending { asking: number("asking") != 0, unknown: number("unknown") != 0 };
    let order = batch.several("order");
    let order: Vec<u32> =
        order.iter().flat_map(|order| order.views()).map(|at| at.number("at").unwrap_or(0) as u32).collect();
    let (gone, mut from) = (number("gone") as usize, 0);
    let content = batch.several("chunks");
    for view in content.iter().flat_map(|content| content.views()) {
        let end = from + view.number("spans").unwrap_or(0) as usize;
        let mut left = order.get(from.max(gone).min(end)..end).map(<[u32]>::to_vec);
        left.iter_mut().for_each(|left| left.sort_unstable());
        from = end;
        let one = chunk(reader, &view, place, left.as_deref().filter(|_| !order.is_empty()));
        if !one.spans.is_empty() {
            chunks.push(one);
        }
    }
}

fn records_of_log(view: &View<'_>) -> Vec<Vec<u8>> {
    let ring = view.several("ring");
    let pointers = ring.iter().flat_map(|ring| ring.views());
    let text = |pointer: View<'_>| {
        let record = pointer.several("record");
        record.as_ref().and_then(|record| record.views().next()).and_then(|record| record.bytes("text"))
    };
    pointers.filter_map(text).collect()
}
