//! Where fates of traces are read from: running processes, a core, a flare.

use super::ids::Id;
use crate::corefile;
use crate::family::{family, processes, title};
use crate::memory;
use crate::recorder::find;
use crate::recorder::Found;
use spanwire::companion::recorder::fates::{read, Fate};
use spanwire::companion::recorder::snapshot::Event;
use spanwire::companion::recorder::{Kind, Snapshot};
use spanwire::companion::redact;
use spanwire::companion::report::image::Image;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The file of a flare that has the fates.
const FATES: &str = "spanwire-fates.jsonl";
/// More is not read of it.
const FLARE_MAX: u64 = 64 << 20;

/// One process, as it is or was.
pub struct Source {
    /// Such as `process 4711 (php-fpm: pool www)`.
    pub label: String,
    /// The process's number, if it is known.
    pub pid: Option<u32>,
    /// What became of its last traces, oldest first.
    pub fates: Vec<Fate>,
    /// Its recorder.
    pub snapshot: Option<Snapshot>,
    /// Whether that is its own. A forked child that has made no call has its parent's.
    pub own: bool,
    /// Its memory, if that can be read.
    pub image: Option<Image>,
    /// Whether this is a flare, which holds the fates alone.
    pub flare: bool,
}

/// What a process knows of a trace.
#[derive(Default)]
pub struct Known {
    /// Its entry in the ring of fates.
    pub fate: Option<Fate>,
    /// The upper half of its id, as far as it is known.
    pub high: Option<u64>,
    /// Spans that are open.
    pub open: u64,
    /// Finished spans that wait for them.
    pub waiting: u64,
    /// The oldest open span: its id, its name, and its start in nanoseconds since 1970.
    pub oldest: Option<(u64, String, u64)>,
}

impl Known {
    /// Whether nothing is known.
    pub fn is_nothing(&self) -> bool {
        self.fate.is_none() && self.open == 0 && self.oldest.is_none()
    }
}

impl Source {
    /// Returns the sources that the user has named, and sentences about processes that cannot be read.
    pub fn of_process(pid: u32) -> Result<(Vec<Source>, Vec<String>), String> {
        find::status(pid)?;
        let (mut sources, mut notes) = (Vec::new(), Vec::new());
        for member in family(pid) {
            match find::look(member) {
                Ok(Some(found)) => sources.push(Source::read(member, found)),
                Ok(None) => {}
                Err(why) if member == pid => return Err(why),
                Err(why) => notes.push(why),
            }
        }
        if sources.is_empty() && !notes.is_empty() {
            return Err(notes.join("; "));
        }
        if sources.is_empty() {
            return Err(format!(
                "process {pid} and its children have no flight recorder: they have not loaded libspanwire, have not \
                 called it yet, or have closed descriptors that are not their own"
            ));
        }
        Ok((sources, notes))
    }

    /// Returns all processes of this user that carry the library; for root, of all users.
    pub fn of_user() -> Vec<Source> {
        let me = memory::me();
        let is_mine =
            |pid: &u32| me == 0 || fs::metadata(format!("/proc/{pid}")).is_ok_and(|folder| folder.uid() == me);
        let found = |pid: u32| find::look(pid).ok().flatten().map(|found| Source::read(pid, found));
        processes().into_iter().filter(is_mine).filter_map(found).collect()
    }

    /// Returns the process of a core.
    pub fn of_core(path: &Path) -> Result<Source, String> {
        let content = corefile::content(path)?;
        let pid = content.pid().and_then(|pid| u32::try_from(pid).ok());
        let of = pid.map_or_else(String::new, |pid| format!("process {pid} in "));
        let label = format!("{of}core {}", path.display());
        let image = content.image.ok().flatten();
        Ok(match content.recorder {
            Ok(found) => {
                let snapshot = Some(found.snapshot);
                Source { label, pid, fates: found.fates, snapshot, own: found.own, image, flare: false }
            }
            Err(why) if image.is_none() => return Err(format!("{} {why}", path.display())),
            Err(_) => Source { label, pid, fates: Vec::new(), snapshot: None, own: true, image, flare: false },
        })
    }

    /// Returns the process of a flare of this library.
    pub fn of_flare(path: &Path) -> Result<Source, String> {
        let told = |why: String| format!("{} {why}", path.display());
        let file = File::open(path).map_err(|error| told(format!("cannot be opened: {error}")))?;
        let archive = zip::ZipArchive::new(file);
        let mut archive = archive.map_err(|error| told(format!("is no flare: {error}")))?;
        let held = archive.by_name(FATES).map_err(|_| told(format!("holds no {FATES}: it is not of this library")))?;
        let mut text = String::new();
        let read = held.take(FLARE_MAX).read_to_string(&mut text);
        read.map_err(|error| told(format!("cannot be read: {FATES}: {error}")))?;
        let fates = text.lines().filter_map(|line| Fate::of_json(&serde_json::from_str(line).ok()?)).collect();
        let label = format!("flare {}", path.display());
        Ok(Source { label, pid: None, fates, snapshot: None, own: true, image: None, flare: true })
    }

    fn read(pid: u32, found: Found) -> Source {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        Source {
            label: format!("process {pid} ({})", title(pid)),
            pid: Some(pid),
            fates: found.fates,
            own: found.own,
            snapshot: Some(found.snapshot),
            image: memory::image(pid, &maps),
            flare: false,
        }
    }

    /// Looks for a trace.
    pub fn look(&self, id: &Id) -> Known {
        let mut known = Known::default();
        if !self.own {
            return known;
        }
        known.fate = read::of_trace(&self.fates, id.high, id.low);
        known.high = known.fate.as_ref().map(|fate| fate.trace_id_high).or(id.high);
        let is_it = |trace: u128| trace as u64 == id.low && id.high.is_none_or(|high| high == (trace >> 64) as u64);
        match &self.image {
            Some(image) => {
                for trace in image.traces.iter().filter(|trace| is_it(trace.chunk.trace_id)) {
                    known.high = Some((trace.chunk.trace_id >> 64) as u64);
                    known.open += trace.open;
                    known.waiting += trace.chunk.spans.len() as u64;
                }
                // The oldest comes first.
                let oldest = image.spans.iter().find(|span| is_it(span.trace_id));
                known.oldest = oldest.map(|span| {
                    let name = redact::text(&String::from_utf8_lossy(&span.texts[0])).into_owned();
                    (span.span_id, name, span.start_ns.max(0) as u64)
                });
            }
            // The recorder has the lower 56 bits of trace ids.
            None if known.fate.is_none() => known.oldest = self.still_open(id.low),
            None => {}
        }
        known
    }

    /// Returns a span of the trace that was started and has not ended, as far as the recorder's events go.
    fn still_open(&self, low: u64) -> Option<(u64, String, u64)> {
        let events = &self.snapshot.as_ref()?.events;
        let mut open: HashMap<u64, &Event> = HashMap::new();
        for event in events {
            match Kind::of(event.kind) {
                Some(Kind::SpanStarted) if event.second << 8 == low << 8 => drop(open.insert(event.first, event)),
                Some(Kind::SpanFinished | Kind::SpanDiscarded) => drop(open.remove(&event.first)),
                _ => {}
            }
        }
        let oldest = open.into_values().min_by_key(|event| event.time_ns)?;
        Some((oldest.first, String::new(), oldest.time_ns))
    }

    /// Returns a counter, summed over all tracers, or of one.
    pub fn counter(&self, tracer: Option<u32>, name: &str) -> u64 {
        let tracers = self.snapshot.iter().flat_map(|snapshot| &snapshot.tracers);
        let of = |index: u32| tracer.is_none_or(|tracer| tracer == index);
        let copied = tracers.filter(|tracer| of(tracer.index)).map(|tracer| tracer.get(name)).sum();
        // Those in memory are exact; the recorder has a copy.
        let exact = self.image.as_ref().map(|image| {
            let tracers = image.tracers.iter().filter(|tracer| of(tracer.index as u32));
            tracers.map(|tracer| tracer.counter(name)).sum()
        });
        exact.unwrap_or(0).max(copied)
    }

    /// Returns how many spans are open.
    pub fn open_spans(&self) -> u64 {
        let copied = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.open_spans);
        // The recorder has a copy, which may be old.
        self.image.as_ref().map_or(copied, |image| image.spans.len() as u64)
    }

    /// Returns the service of a tracer.
    pub fn service(&self, tracer: u32) -> Option<&str> {
        let tracers = &self.snapshot.as_ref()?.tracers;
        tracers.iter().find(|other| other.index == tracer).map(|tracer| tracer.service.as_str())
    }

    /// Returns the value of a setting and where it is from, as a tracer has it.
    pub fn setting(&self, tracer: Option<u32>, name: &str) -> Option<(String, String)> {
        let tracers = self.image.as_ref()?.tracers.iter();
        let mut used = tracers.filter(|found| tracer.is_none_or(|tracer| u64::from(tracer) == found.index));
        used.find_map(|tracer| {
            let [_, value, origin] = tracer.settings().find(|[other, ..]| *other == name)?;
            Some((value.to_owned(), origin.to_owned()))
        })
    }
}
