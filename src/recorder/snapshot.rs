//! The reading side: what lies in a copy of a recorder's memory. It trusts nothing: the memory may be of another
//! version, cut short, being written, or somebody's bad joke; every number is checked before anything is looked up by
//! it, and what does not fit is a [`Fault`] with a sentence, or an event that is not shown.

use super::kind::Kind;
use super::layout::{self, check, header};
use crate::counters;
use std::fmt;

/// The most words that a reader looks at: far more than any recorder has.
pub const READ_MAX: usize = 4 << 20;

/// Why memory cannot be read as a recorder's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Does not begin as one.
    NoRecorder,
    /// A layout that this version does not know.
    Version(u64),
    /// Fewer words than it says.
    Short {
        /// Words that are there.
        has: u64,
        /// Words that it says.
        says: u64,
    },
    /// A number of the header that cannot be.
    Layout(&'static str, u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoRecorder => f.write_str("it does not begin as a recorder does"),
            Fault::Version(version) => write!(
                f,
                "its layout is version {version}, and this program knows version {}: use the companion of that library",
                layout::VERSION
            ),
            Fault::Short { has, says } => write!(f, "it is cut short: {has} words of {says}"),
            Fault::Layout(what, value) => write!(f, "its header is damaged: {what} cannot be {value}"),
        }
    }
}

impl std::error::Error for Fault {}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, nanoseconds since 1970.
    pub time_ns: u64,
    /// A number of [`Kind`]'s, or one that this version does not know.
    pub kind: u64,
    /// Whether the span that finished carries an error.
    pub error: bool,
    /// The first fact.
    pub first: u64,
    /// The second one.
    pub second: u64,
    /// The shard that it lay in.
    pub shard: u32,
    /// How many of the shard came before it, and 1; the lower 32 bits.
    pub number: u32,
}

impl Event {
    /// The kind's name, or `unknown`.
    pub fn name(&self) -> &'static str {
        Kind::of(self.kind).map_or("unknown", Kind::name)
    }
}

/// A tracer's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracerCounts {
    /// Its index.
    pub index: u32,
    /// Shut down.
    pub closed: bool,
    /// The service's name, redacted, of printable characters only.
    pub service: String,
    /// In the order of [`counters::NAMES`]; those that an older library does not have are 0.
    pub counters: [u64; counters::COUNT],
}

impl TracerCounts {
    /// A counter by its name; 0 for one that there is not.
    pub fn get(&self, name: &str) -> u64 {
        counters::NAMES.iter().position(|&other| other == name).map_or(0, |index| self.counters[index])
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose it is.
    pub pid: u64,
    /// Whose child that was.
    pub parent_pid: u64,
    /// 1, and 1 more for each fork.
    pub epoch: u64,
    /// When it was made, nanoseconds since 1970.
    pub made_at: u64,
    /// When the counters were copied.
    pub as_of: u64,
    /// Bytes that spans occupied then.
    pub memory_used: u64,
    /// The bound on those.
    pub memory_max: u64,
    /// Spans that were open then.
    pub open_spans: u64,
    /// Panics that were caught.
    pub panics: u64,
    /// The library's version: major, minor, patch.
    pub library: (u16, u16, u16),
    /// Tracers in use.
    pub tracers: Vec<TracerCounts>,
    /// What is kept, oldest first.
    pub events: Vec<Event>,
    /// Events that were ever written.
    pub written: u64,
    /// Places whose event was just being written, or was mixed.
    pub torn: u64,
}

/// Where things lie, checked.
struct Extents {
    shards: Table,
    shard_head: usize,
    events: Table,
    tracers: Table,
    tracer_head: usize,
}

/// So many things of so many words, from somewhere on.
#[derive(Clone, Copy)]
struct Table {
    at: usize,
    count: usize,
    stride: usize,
}

impl Table {
    fn places(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |index| self.at + index * self.stride)
    }
}

impl Extents {
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
        let shards = table("the place of the shards", header::SHARDS_AT, header::SHARDS, header::SHARD_WORDS, 1)?;
        let shard_head = sane("the head of a shard", header::SHARD_HEAD, 1, shards.stride)?;
        let count = sane("the number of events", header::EVENTS, 1, end)?;
        let stride = sane("the length of an event", header::EVENT_WORDS, layout::EVENT_WORDS, end)?;
        if count.checked_mul(stride).is_none_or(|words| words > shards.stride - shard_head) {
            return Err(Fault::Layout("the number of events", count as u64));
        }
        let tracers = table("the place of the tracers", header::TRACERS_AT, header::TRACERS, header::TRACER_WORDS, 2)?;
        let tracer_head = sane("the head of a tracer", header::TRACER_HEAD, 2, tracers.stride)?;
        Ok(Extents { shards, shard_head, events: Table { at: 0, count, stride }, tracers, tracer_head })
    }
}

impl Snapshot {
    /// Reads a copy of a recorder's memory. That threads went on writing while it was copied costs an event each at the
    /// most: one that is half written, or half overwritten, does not pass its check.
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
