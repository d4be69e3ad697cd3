//! The reading side: parses a copy of a recorder's memory. Trusts nothing: the memory may be of another version,
//! truncated, being written, or forged. Checks every number before using it. What is invalid is returned as a
//! [`Fault`], or is an event that is left out.

use super::kind::Kind;
use super::layout::{self, check, header};
use crate::counters;
use std::fmt;

/// Words that a reader reads at most; no recorder has so many.
pub const READ_MAX: usize = 4 << 20;

/// Why memory cannot be read as a recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin with the recorder's mark.
    NoRecorder,
    /// An unknown version of the layout.
    Version(u64),
    /// Fewer words than the header says.
    Short {
        /// Words in the memory.
        has: u64,
        /// Words according to the header.
        says: u64,
    },
    /// An impossible number in the header.
    Layout(&'static str, u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoRecorder => f.write_str("it does not begin with the mark of a flight recorder"),
            Fault::Version(version) => write!(
                f,
                "its layout is version {version}, and this program reads version {}: use the companion of that library's release",
                layout::VERSION
            ),
            Fault::Short { has, says } => write!(f, "it is cut short: {has} words of {says}"),
            Fault::Layout(what, value) => write!(f, "its header is damaged: {what} cannot be {value}"),
        }
    }
}

impl std::error::Error for Fault {}

/// A recorded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The time in nanoseconds since 1970.
    pub time_ns: u64,
    /// The number of a [`Kind`], or of one that this version does not know.
    pub kind: u64,
    /// Whether the finished span has an error.
    pub error: bool,
    /// The first value.
    pub first: u64,
    /// The second value.
    pub second: u64,
    /// The shard that holds it.
    pub shard: u32,
    /// Its number among the events of the shard, from 1; the lower 32 bits.
    pub number: u32,
}

impl Event {
    /// Returns the kind's name, or `unknown`.
    pub fn name(&self) -> &'static str {
        Kind::of(self.kind).map_or("unknown", Kind::name)
    }
}

/// The counters of one tracer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracerCounts {
    /// The tracer's index.
    pub index: u32,
    /// Whether it was shut down.
    pub closed: bool,
    /// The service name, redacted and without control characters.
    pub service: String,
    /// The counters, in the order of [`counters::NAMES`]; 0 for those that an older library does not have.
    pub counters: [u64; counters::COUNT],
}

impl TracerCounts {
    /// Returns a counter by its name; 0 if there is none.
    #[cfg(any(test, feature = "cli"))]
    pub fn get(&self, name: &str) -> u64 {
        counters::NAMES.iter().position(|&other| other == name).map_or(0, |index| self.counters[index])
    }
}

/// The contents of a recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The process that made it.
    pub pid: u64,
    /// The parent of that process.
    pub parent_pid: u64,
    /// 1, plus the number of forks.
    pub epoch: u64,
    /// When the recorder was made, in nanoseconds since 1970.
    pub made_at: u64,
    /// When the counters were copied.
    pub as_of: u64,
    /// Bytes used by spans at that time.
    pub memory_used: u64,
    /// The limit for these bytes.
    pub memory_max: u64,
    /// Open spans at that time.
    pub open_spans: u64,
    /// Number of panics caught.
    pub panics: u64,
    /// The library's version: major, minor, patch.
    pub library: (u16, u16, u16),
    /// Tracers in use.
    pub tracers: Vec<TracerCounts>,
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// Number of events ever written.
    pub written: u64,
    /// Number of places whose event was being written or was mixed.
    pub torn: u64,
}

/// The offsets and sizes of all parts, checked.
struct Extents {
    shards: Table,
    shard_head: usize,
    events: Table,
    tracers: Table,
    tracer_head: usize,
}

/// A number of entries of equal size.
#[derive(Clone, Copy)]
struct Table {
    at: usize,
    count: usize,
    stride: usize,
}

impl Table {
    /// Returns the offset of each entry.
    fn places(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |index| self.at + index * self.stride)
    }
}

impl Extents {
    /// Reads offsets and sizes from the header, and checks that everything is inside the memory.
    fn of(words: &[u64]) -> Result<Extents, Fault> {
        let word = |at: usize| words.get(at).copied().unwrap_or(0);
        if word(header::MAGIC) != layout::MAGIC {
            return Err(Fault::NoRecorder);
        }
        if word(header::VERSION) != layout::VERSION {
            return Err(Fault::Version(word(header::VERSION)));
        }
        let says = word(header::WORDS);
        if (words.len() as u64) < says || words.len() < header::END {
            return Err(Fault::Short { has: words.len() as u64, says });
        }
        let sane = |what: &'static str, at: usize, least: usize, most: usize| {
            let value = word(at);
            let fits = value >= least as u64 && value <= most as u64;
            if fits {
                Ok(value as usize)
            } else {
                Err(Fault::Layout(what, value))
            }
        };
        let end = sane("the number of words", header::WORDS, header::END, READ_MAX)?;
        let header = sane("the header's length", header::HEADER, header::END, end)?;
        let table = |what, at, count, stride, least| -> Result<Table, Fault> {
            let table = Table {
                at: sane(what, at, header, end)?,
                count: sane(what, count, 0, end)?,
                stride: sane(what, stride, least, end)?,
            };
            let needs = table.count.checked_mul(table.stride).and_then(|words| words.checked_add(table.at));
            if needs.is_some_and(|needs| needs <= end) {
                Ok(table)
            } else {
                Err(Fault::Layout(what, table.count as u64))
            }
        };
        let shards = table("the offset of the shards", header::SHARDS_AT, header::SHARDS, header::SHARD_WORDS, 1)?;
        let shard_head = sane("the head of a shard", header::SHARD_HEAD, 1, shards.stride)?;
        let count = sane("the number of events", header::EVENTS, 1, end)?;
        let stride = sane("the length of an event", header::EVENT_WORDS, layout::EVENT_WORDS, end)?;
        if count.checked_mul(stride).is_none_or(|words| words > shards.stride - shard_head) {
            return Err(Fault::Layout("the number of events", count as u64));
        }
        let tracers = table("the offset of the tracers", header::TRACERS_AT, header::TRACERS, header::TRACER_WORDS, 2)?;
        let tracer_head = sane("the head of a tracer", header::TRACER_HEAD, 2, tracers.stride)?;
        Ok(Extents { shards, shard_head, events: Table { at: 0, count, stride }, tracers, tracer_head })
    }
}

impl Snapshot {
    /// Parses a copy of a recorder's memory. If threads were writing while it was copied, the events that they wrote
    /// fail their check and are left out.
    pub fn of(words: &[u64]) -> Result<Snapshot, Fault> {
        let extents = Extents::of(words)?;
        let word = |at: usize| words.get(at).copied().unwrap_or(0);
        let library = word(header::LIBRARY);
        let mut snapshot = Snapshot {
            pid: word(header::PID),
            parent_pid: word(header::PARENT_PID),
            epoch: word(header::EPOCH),
            made_at: word(header::MADE_AT),
            as_of: word(header::AS_OF),
            memory_used: word(header::MEMORY_USED),
            memory_max: word(header::MEMORY_MAX),
            open_spans: word(header::OPEN_SPANS),
            panics: word(header::PANICS),
            library: ((library >> 32) as u16, (library >> 16) as u16, library as u16),
            tracers: Vec::new(),
            events: Vec::new(),
            written: 0,
            torn: 0,
        };
        for (shard, at) in extents.shards.places().enumerate() {
            snapshot.written = snapshot.written.wrapping_add(word(at));
            let events = Table { at: at + extents.shard_head, ..extents.events };
            for place in events.places() {
                snapshot.take(words, place, shard as u32);
            }
        }
        crate::sort::by_key(&mut snapshot.events, |event| (event.time_ns, event.shard, event.number));
        for (index, at) in extents.tracers.places().enumerate() {
            let place = words.get(at..at + extents.tracers.stride).unwrap_or_default();
            snapshot.tracers.extend(tracer(index as u32, place, extents.tracer_head));
        }
        Ok(snapshot)
    }

    /// Adds the event at this offset, if it passes its check.
    fn take(&mut self, words: &[u64], at: usize, shard: u32) {
        let event: Option<[u64; layout::EVENT_WORDS]> =
            words.get(at..at + layout::EVENT_WORDS).and_then(|event| event.try_into().ok());
        let Some([word, time_ns, one, two]) = event.filter(|event| *event != [0; layout::EVENT_WORDS]) else { return };
        if word >> 32 & 0xff == 0 || word >> 48 != check(word & 0xffff_ffff_ffff, time_ns, one, two) {
            self.torn += 1;
            return;
        }
        let (kind, error) = (word >> 32 & 0xff, word >> 40 & 1 == 1);
        self.events.push(Event { time_ns, kind, error, first: one, second: two, shard, number: word as u32 });
    }
}

/// Parses the counters of a tracer that is in use.
fn tracer(index: u32, place: &[u64], head: usize) -> Option<TracerCounts> {
    let (&state, &length) = (place.first()?, place.get(1)?);
    if state & 1 == 0 {
        return None;
    }
    let name: Vec<u8> = place.get(2..head)?.iter().flat_map(|word| word.to_le_bytes()).collect();
    let name = String::from_utf8_lossy(&name[..name.len().min(length as usize)]).into_owned();
    let service = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let mut counters = [0; counters::COUNT];
    counters.iter_mut().zip(place.get(head..)?).for_each(|(to, &from)| *to = from);
    Some(TracerCounts { index, closed: state >> 1 & 1 == 1, service, counters })
}
