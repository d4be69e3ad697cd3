//! The flight recorder: the last few thousand events of this process, always on, of a fixed size, in memory that
//! another process of the same user can map (`/proc/PID/fd/N`, a memfd named `spanwire-recorder`), that a core holds,
//! and that a function reads. This file is the writing side; `layout` has the numbers, `kind` what an event means,
//! `snapshot` the reading side. What is worth recording is decided by whoever records it.
//!
//! # The layout, version 1
//!
//! All of it is 64-bit little-endian words, so that a reader needs no structure. Offsets and sizes are in words and
//! counted from the beginning; a reader takes them from the header and not from here, since they may grow.
//!
//! ```text
//! header
//!  0  the letters SPANWIRE; written last             16  fork epoch: 1, and 1 more for each fork between
//!  1  version of this layout: 1                      17  made at, wall time
//!  2  words in all                                   18  counters as of, wall time
//!  3  words of the header                            19  the same moment, monotonic clock
//!  4  where the shards begin                         20  the same moment, processor's counter
//!  5  shards                                         21  ns for one of its ticks, 32 fractional bits; 0: unknown
//!  6  words from one shard to the next               22  bytes that spans occupy
//!  7  words of a shard before its events             23  the bound on those
//!  8  events of a shard                              24  spans that are open
//!  9  words of an event                              25  version of the library: major, minor, patch, 16 bits each
//! 10  where the tracers begin                        26  of the shards, the one of rare events; the last
//! 11  tracers                                        27  panics that were caught
//! 12  words from one tracer to the next              then 0
//! 13  words of a tracer before its counters
//! 14  process
//! 15  its parent when this was made
//!
//! shard
//!  0  events written so far; the next one's place is this number modulo the events of a shard
//!
//! event
//!  0  bits 0 to 31 the number of events written before it and 1; 32 to 39 the kind; 40 bit: the span has an error;
//!     48 to 63 a check of it all. 0: being written, or never was
//!  1  when, wall time        2, 3  two facts; `kind` says what they are
//!
//! tracer
//!  0  0: nobody's. Bit 0: in use, bit 1: shut down; from bit 8 on how often the place was given out
//!  1  bytes of the service's name     2 to 8  the name, redacted     from 9 on  its counters, in the order of
//!     `crate::counters::NAMES`
//! ```
//!
//! Wall times are nanoseconds since 1970. An event's time is the span's own: its start, or its start and duration, so
//! that nothing is read from a clock for it, and what is shown here agrees with the trace that arrives.
//!
//! # How it is written
//!
//! No lock, no system call, no atomic read-modify-write: a thread writes to the shard of its number, loads the place,
//! stores the next one, and stores four words. Two threads of one shard may then choose the same place in the same
//! nanosecond, or one that was put aside in between may set the place back. The first makes a mixed event, which the
//! check tells, and is lost; the second overwrites a few events before their turn. Neither happens often enough to
//! matter here, and an addition that the processors agree upon would cost more than all the rest together.
//!
//! Rare events (payloads, the agent, forks, losses) have a shard of their own: at full speed the others hold some
//! milliseconds of spans, and the story of the agent is older than that.

mod describe;
pub mod kind;
pub mod layout;
pub mod snapshot;

pub use kind::Kind;
pub use snapshot::{Fault, Snapshot};

use crate::counters;
use crate::inspect::{unsigned, Field};
use crate::sys;
use layout::*;
use std::os::fd::RawFd;
use std::sync::atomic::{fence, AtomicU64, Ordering::*};

/// The name under which another process finds the memory: `/memfd:spanwire-recorder (deleted)`.
pub const MEMORY_NAME: &std::ffi::CStr = c"spanwire-recorder";

/// What the counters of a tracer's place are copied from.
#[derive(Clone, Debug)]
pub struct TracerFacts<'a> {
    /// Shut down.
    pub closed: bool,
    /// How often its place was given out.
    pub generation: u32,
    /// The service's name, redacted.
    pub service: &'a str,
    /// In the order of [`counters::NAMES`].
    pub counters: [u64; counters::COUNT],
}

/// The writing side. A copy writes to the same memory, which its process never gives back.
#[derive(Clone, Copy)]
pub struct Recorder {
    words: Option<&'static [AtomicU64; WORDS]>,
    /// The whole mapping, of which `words` is the beginning.
    mapping: Option<&'static [AtomicU64]>,
    fd: RawFd,
    /// What the descriptor led to when it was made: a host that closes what it did not open gives the number to
    /// somebody else.
    file: Option<(u64, u64)>,
}

impl Recorder {
    /// A recorder that keeps nothing.
    pub const fn none() -> Recorder {
        Recorder { words: None, mapping: None, fd: -1, file: None }
    }

    /// This process's recorder, empty. Where the system gives no memory, one that keeps nothing; where it gives no
    /// memfd, one that only this process and a debugger can read. `clock_scale` is what is known of the processor's counter.
    pub fn new(pid: u32, epoch: u32, clock_scale: u64) -> Recorder {
        let Some((mapping, file)) = sys::shared_words(MEMORY_NAME, FILE_WORDS) else { return Recorder::none() };
        let Some(words) = mapping.first_chunk::<WORDS>() else { return Recorder::none() };
        let fd = file.as_ref().map_or(-1, sys::Descriptor::number);
        let id = file.as_ref().and_then(|file| sys::file_id(file.fd().ok()?));
        if let Some(file) = file {
            file.stay_open();
        }
        let recorder = Recorder { words: Some(words), mapping: Some(mapping), fd, file: id };
        recorder.write_header(words, pid, epoch);
        recorder.set_anchor(clock_scale);
        words[header::MAGIC].store(MAGIC, Release);
        recorder
    }

    fn write_header(&self, words: &[AtomicU64; WORDS], pid: u32, epoch: u32) {
        let set = |word: usize, value: u64| words[word].store(value, Relaxed);
        for (word, value) in words.iter().zip(fixed_header()).skip(1) {
            word.store(value, Relaxed);
        }
        set(header::PID, pid.into());
        set(header::PARENT_PID, std::os::unix::process::parent_id().into());
        set(header::EPOCH, epoch.into());
        set(header::MADE_AT, sys::wall_ns());
        set(header::LIBRARY, library_version());
        set(header::RARE_SHARD, RARE_SHARD as u64);
    }

    /// Where the memory can be reached by its number, as long as the number still leads there.
    pub fn fd(&self) -> Option<RawFd> {
        (self.file.is_some() && sys::file_id(self.fd) == self.file).then_some(self.fd)
    }

    /// Gives back the memory, in a process that descends from a child of the one that made it.
    pub fn unmap_inherited(self) {
        if let Some(mapping) = self.mapping {
            sys::unmap_inherited_words(mapping);
        }
    }

    /// Where a copy of this has the memory's address, as debuggers see it.
    pub fn inspected() -> Field {
        unsigned!(Recorder, words as "recorder")
    }

    /// The memory itself, for whoever shows where it lies.
    pub fn words(&self) -> Option<&'static [AtomicU64]> {
        self.words.map(|words| words.as_slice())
    }

    /// Whether anything is kept.
    pub fn keeps(&self) -> bool {
        self.words.is_some()
    }

    /// A span was started by a thread of this shard.
    #[inline]
    pub fn span_started(&self, shard: u8, start_ns: i64, span_id: u64, tracer: u32, trace_id_low: u64) {
        self.write(shard.into(), Kind::SpanStarted as u64, start_ns as u64, span_id, with_tracer(tracer, trace_id_low));
    }

    /// A span that such a thread had started was finished.
    #[inline]
    pub fn span_finished(&self, shard: u8, end_ns: u64, span_id: u64, tracer: u32, duration_ns: u64, error: bool) {
        let kind = Kind::SpanFinished as u64 | u64::from(error) << 8;
        self.write(shard.into(), kind, end_ns, span_id, with_tracer(tracer, duration_ns.min(LOW_MAX)));
    }

    /// A span that such a thread had started was discarded.
    pub fn span_discarded(&self, shard: u8, now_ns: u64, span_id: u64, tracer: u32, trace_id_low: u64) {
        self.write(shard.into(), Kind::SpanDiscarded as u64, now_ns, span_id, with_tracer(tracer, trace_id_low));
    }

    /// A chunk of finished spans is about to enter the queue.
    #[inline]
    pub fn chunk_enqueued(&self, shard: u8, now_ns: u64, tracer: u32, spans: u64, bytes: u64) {
        self.write(shard.into(), Kind::ChunkEnqueued as u64, now_ns, with_tracer(tracer, spans), bytes);
    }

    /// Something that does not happen with every span. Reads the clock.
    #[cold]
    pub fn rare(&self, kind: Kind, first: u64, second: u64) {
        if let Some(words) = self.words {
            if kind == Kind::PanicCaught {
                words[header::PANICS].fetch_add(1, Relaxed);
            }
            sys::keep_errno(|| self.write(RARE, kind as u64, sys::wall_ns(), first, second));
        }
    }

    #[inline]
    fn write(&self, shard: u32, kind: u64, time_ns: u64, first: u64, second: u64) {
        let Some(words) = self.words else { return };
        let shard = if shard == RARE { RARE_SHARD } else { shard as usize % SPAN_SHARDS };
        let at = SHARDS_AT + shard * SHARD_WORDS;
        let written = words[at].load(Relaxed);
        words[at].store(written.wrapping_add(1), Relaxed);
        let event = at + SHARD_HEAD + written as usize % EVENTS * EVENT_WORDS;
        let number = written.wrapping_add(1) & 0xffff_ffff | kind << 32;
        words[event].store(0, Relaxed);
        fence(Release);
        words[event + 1].store(time_ns, Relaxed);
        words[event + 2].store(first, Relaxed);
        words[event + 3].store(second, Relaxed);
        words[event].store(number | check(number, time_ns, first, second) << 48, Release);
    }

    /// Copies the counters: `None` for a place that nobody uses. For the worker, and for whoever reads.
    pub fn set_tracer(&self, index: usize, facts: Option<&TracerFacts<'_>>) {
        let Some(words) = self.words.filter(|_| index < TRACERS) else { return };
        let place = &words[TRACERS_AT + index * TRACER_WORDS..][..TRACER_WORDS];
        let Some(facts) = facts else { return place[0].store(0, Release) };
        let state = u64::from(facts.generation) << 8 | u64::from(facts.closed) << 1 | 1;
        let mut service = [0u8; SERVICE_MAX];
        let length = char_boundary(facts.service, SERVICE_MAX);
        service[..length].copy_from_slice(&facts.service.as_bytes()[..length]);
        if place[0].load(Relaxed) >> 8 != state >> 8 {
            place[0].store(0, Relaxed);
            fence(Release);
        }
        place[1].store(length as u64, Relaxed);
        for (word, bytes) in place[2..].iter().zip(service.chunks_exact(8)) {
            word.store(bytes.try_into().map_or(0, u64::from_le_bytes), Relaxed);
        }
        for (word, value) in place[TRACER_HEAD..].iter().zip(facts.counters) {
            word.store(value, Relaxed);
        }
        place[0].store(state, Release);
    }

    /// Writes what the process as a whole has: memory, open spans, and the moment as each clock has it.
    pub fn set_process(&self, memory_used: u64, memory_max: u64, open_spans: u64, clock_scale: u64) {
        if let Some(words) = self.words {
            words[header::MEMORY_USED].store(memory_used, Relaxed);
            words[header::MEMORY_MAX].store(memory_max, Relaxed);
            words[header::OPEN_SPANS].store(open_spans, Relaxed);
            self.set_anchor(clock_scale);
        }
    }

    /// How long ago that was, on the monotonic clock.
    pub fn refreshed_ns_ago(&self) -> u64 {
        self.words.map_or(0, |words| sys::monotonic_ns().saturating_sub(words[header::MONOTONIC].load(Relaxed)))
    }

    fn set_anchor(&self, clock_scale: u64) {
        if let Some(words) = self.words {
            words[header::TICK].store(sys::cycle_counter(), Relaxed);
            words[header::MONOTONIC].store(sys::monotonic_ns(), Relaxed);
            words[header::AS_OF].store(sys::wall_ns(), Relaxed);
            words[header::SCALE].store(clock_scale, Relaxed);
        }
    }

    /// What is there at this moment; `None` where nothing is kept.
    pub fn snapshot(&self) -> Option<Result<Snapshot, Fault>> {
        let words = self.words?;
        let mut copy: Vec<u64> = words.iter().map(|word| word.load(Acquire)).collect();
        copy.resize(FILE_WORDS, 0);
        // What this process itself made is not for others to change, though they may write to the memory.
        copy[..header::PID].copy_from_slice(&fixed_header());
        Some(Snapshot::of(&copy))
    }
}

/// A tracer's index above 56 bits of something else.
#[inline]
fn with_tracer(tracer: u32, low: u64) -> u64 {
    u64::from(tracer) << 56 | low & LOW_MAX
}

/// The header's words that are the same in every process.
fn fixed_header() -> [u64; header::PID] {
    let mut words = [0; header::PID];
    words[header::MAGIC] = MAGIC;
    words[header::VERSION] = VERSION;
    words[header::WORDS] = FILE_WORDS as u64;
    words[header::HEADER] = HEADER as u64;
    words[header::SHARDS_AT] = SHARDS_AT as u64;
    words[header::SHARDS] = SHARDS as u64;
    words[header::SHARD_WORDS] = SHARD_WORDS as u64;
    words[header::SHARD_HEAD] = SHARD_HEAD as u64;
    words[header::EVENTS] = EVENTS as u64;
    words[header::EVENT_WORDS] = EVENT_WORDS as u64;
    words[header::TRACERS_AT] = TRACERS_AT as u64;
    words[header::TRACERS] = TRACERS as u64;
    words[header::TRACER_WORDS] = TRACER_WORDS as u64;
    words[header::TRACER_HEAD] = TRACER_HEAD as u64;
    words
}

fn library_version() -> u64 {
    let part = |text: &str| text.parse::<u64>().unwrap_or(0) & 0xffff;
    part(env!("CARGO_PKG_VERSION_MAJOR")) << 32
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 16
        | part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// The longest beginning of `text` of at most `max` bytes that ends with a character.
fn char_boundary(text: &str, max: usize) -> usize {
    (0..=text.len().min(max)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
