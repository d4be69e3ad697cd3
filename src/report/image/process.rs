//! Takes all of a process's state out of its memory, by the names in its table.

use super::exporters::{counted, exporter};
use super::model::{Image, Place, Span, Trace, Tracer, TAGS};
use super::spans::{chunk, open_span};
use crate::event::Facts;
use crate::export::TRACERS_MAX;
use crate::languages::limits::HeldBack;
use crate::languages::{About, Dialect, Frame};
use crate::recorder::{layout, snapshot, Snapshot};
use crate::report::reader::{Fault, Memory, Reader, View};
use crate::zone::Zone;
use serde_json::Value as Json;

/// The most bytes of texts and tags of the spans in an image that is limited.
const SPANS_BYTES_MAX: usize = 4 << 20;

impl Image {
    /// Reads an image. `None` if the process has made no call of the library.
    pub fn of(memory: &dyn Memory, root: u64) -> Result<Option<Image>, Fault> {
        Image::read(memory, root, None)
    }

    /// Does the same for a process that describes itself, in little memory: with no more than so many of the oldest open
    /// spans, of these only tags that a list shows, and without finished spans and records of the log. All spans are counted.
    pub fn limited(memory: &dyn Memory, root: u64, spans: usize) -> Result<Option<Image>, Fault> {
        Image::read(memory, root, Some(spans))
    }

    fn read(memory: &dyn Memory, root: u64, limit: Option<usize>) -> Result<Option<Image>, Fault> {
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
            counts: Vec::new(),
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
        let mut oldest = Oldest::new(limit);
        reader.each("span", &mut |slot, view| {
            if let Some(word) = live(slot, others_spans, &view) {
                let number = |name| view.number(name).unwrap_or(0);
                if limit.is_some() {
                    image.add(number("tracer"), 0, 1);
                }
                let start_ns = view.signed("start_ns").unwrap_or(0);
                oldest.offer((start_ns, slot), || open_span(slot, word, &view));
            }
            true
        });
        image.spans = oldest.spans();
        reader.each("trace", &mut |slot, view| {
            if live(slot, others_traces, &view).is_none() {
                return true;
            }
            let number = |name| view.number(name).unwrap_or(0);
            match limit {
                Some(_) if number("waiting") > 0 => image.add(number("tracer"), 1, number("waiting")),
                Some(_) => {}
                None => {
                    image.traces.push(Trace { open: number("open"), chunk: chunk(&reader, &view, Place::Trace, None) })
                }
            }
            true
        });
        reader.each("exporter", &mut |index, view| {
            let orphans = image.take_orphans(index, &view);
            match limit {
                Some(_) => counted(&mut image, index, &view, &orphans),
                None => image.exporters.extend(exporter(&reader, index, &view, &orphans)),
            }
            true
        });
        if limit.is_none() {
            image.count_all();
        }
        reader.each("memory", &mut |_, view| {
            image.memory = view.number("used").zip(view.number("max"));
            false
        });
        // An older library's table has no memory counters; its recorder has what the worker copied last.
        let copied = image.recorder.as_ref().ok().map(|recorder| (recorder.memory_used, recorder.memory_max));
        image.memory = image.memory.or(copied);
        reader.each("log", &mut |_, view| {
            image.level = view.number("level");
            image.lost = view.number("lost").unwrap_or(0);
            if limit.is_none() {
                image.log = records_of_log(&view, image.pid as u32);
            }
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

    /// Adds the freed tracers whose slots were reused while this exporter still has spans of them. They get numbers
    /// after the last slot. Returns the tickets of their lanes with those numbers.
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
}

/// Open spans: all, or the oldest ones.
struct Oldest {
    limit: Option<usize>,
    /// Sorted if there is a limit.
    spans: Vec<Span>,
    bytes: usize,
}

impl Oldest {
    fn new(limit: Option<usize>) -> Oldest {
        Oldest { limit, spans: Vec::new(), bytes: 0 }
    }

    /// Reads a span if it is one of the oldest. `age`: its start and its slot.
    fn offer(&mut self, age: (i64, u64), read: impl FnOnce() -> Span) {
        let Some(limit) = self.limit else { return self.spans.push(read()) };
        let at = self.spans.partition_point(|span| (span.start_ns, span.slot) < age);
        if at >= limit {
            return;
        }
        let mut span = read();
        span.tags_left_out = span.tags.len().saturating_sub(TAGS);
        span.tags.truncate(TAGS);
        span.tags.shrink_to_fit();
        self.bytes += span.weight();
        self.spans.insert(at, span);
        while self.spans.len() > limit || (self.bytes > SPANS_BYTES_MAX && self.spans.len() > 1) {
            let Some(youngest) = self.spans.pop() else { break };
            self.bytes -= youngest.weight();
        }
    }

    fn spans(mut self) -> Vec<Span> {
        crate::sort::by_key(&mut self.spans, |span| (span.start_ns, span.slot));
        self.spans
    }
}

/// Reads the card of a tracer, by the pointer to its metadata.
fn card(view: &View<'_>) -> Json {
    let metadata = view.several("metadata");
    let card = metadata.as_ref().and_then(|metadata| metadata.views().next()).and_then(|it| it.bytes("json"));
    card.and_then(|card| serde_json::from_slice(&card).ok()).unwrap_or(Json::Null)
}

/// Returns a slot's word, if the slot is live and this process's own.
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
    // A debugger may read zeros for memory that is not in a core; the header is never all zeros.
    if head.iter().all(|&word| word == 0) {
        reader.miss();
        return Err(missing());
    }
    let says = head.get(layout::header::WORDS).copied().unwrap_or(0);
    let most = says.clamp(layout::header::END as u64, snapshot::READ_MAX as u64) as usize;
    Snapshot::of(&words(most)?).map_err(|fault| fault.to_string())
}

fn records_of_log(view: &View<'_>, pid: u32) -> Vec<Vec<u8>> {
    // The part that the host has looked at comes first. Older libraries have none.
    let parts = [view.several("ring_made"), view.several("ring")];
    let pointers = parts.iter().flatten().flat_map(|part| part.views());
    let text = |item: View<'_>| {
        let record = item.several("record");
        let text = record.as_ref().and_then(|record| record.views().next()).and_then(|record| record.bytes("text"));
        text.or_else(|| words(item.bytes("facts")?, item.number("time_ns")?, pid).map(String::into_bytes))
    };
    pointers.filter_map(text).collect()
}

/// Makes the line of facts of which the process has made no record yet, in our own words.
fn words(bytes: Vec<u8>, time_ns: u64, pid: u32) -> Option<String> {
    let (about, zone, mut lines) = (About::default(), Zone::default(), Vec::new());
    let frame = Frame {
        time_ns,
        pid,
        thread: "",
        held_back: HeldBack::default(),
        debug: true,
        about: &about,
        zone: &zone,
        remembered: None,
    };
    Facts { bytes }.with(|event| Dialect::NATIVE.lines(&frame, event, &mut lines))?;
    lines.pop().map(|line| line.text)
}
