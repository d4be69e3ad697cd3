//! Takes all of a process's state out of its memory, by the names in its table.

use super::exporters::exporter;
use super::model::{Image, Place, Trace, Tracer};
use super::spans::{chunk, open_span};
use crate::event::Facts;
use crate::export::TRACERS_MAX;
use crate::languages::limits::HeldBack;
use crate::languages::{About, Dialect, Frame};
use crate::recorder::{layout, snapshot, Snapshot};
use crate::report::reader::{Fault, Memory, Reader, View};
use crate::zone::Zone;
use serde_json::Value as Json;

impl Image {
    /// Reads an image. `None` if the process has made no call of the library.
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
        // An older library's table has no memory counters; its recorder has what the worker copied last.
        let copied = image.recorder.as_ref().ok().map(|recorder| (recorder.memory_used, recorder.memory_max));
        image.memory = image.memory.or(copied);
        reader.each("log", &mut |_, view| {
            image.level = view.number("level");
            image.lost = view.number("lost").unwrap_or(0);
            image.log = records_of_log(&view, image.pid as u32);
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
    let frame =
        Frame { time_ns, pid, thread: "", held_back: HeldBack::default(), debug: true, about: &about, zone: &zone };
    Facts { bytes }.with(|event| Dialect::NATIVE.lines(&frame, event, &mut lines))?;
    lines.pop().map(|line| line.text)
}
