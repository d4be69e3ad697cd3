//! The flight recorder: the last few thousand events of this process, always on, of fixed size. It is in memory that
//! another process of the same user can read (`/proc/PID/fd/N`, a memfd named `spanwire-recorder`), that a core contains,
//! and that `spanwire_recorder_read` reads. This file is the writing side. `layout` has the numbers of the layout, `kind`
//! the meaning of events, `snapshot` the reading side, `describe` an event in words. The callers decide what to record.
//!
//! # The layout, version 1
//!
//! All of it is 64-bit little-endian words. Offsets and sizes are in words and count from the beginning. A reader must
//! take them from the header and not from this text, since they may grow.
//!
//! ```text
//! header
//!  0  the letters SPANWIRE; written last             16  fork epoch: 1, plus 1 for each fork
//!  1  version of this layout: 1                      17  when this was made, wall time
//!  2  total number of words                          18  when the counters were copied, wall time
//!  3  words of the header                            19  the same moment, monotonic clock
//!  4  offset of the first shard                      20  the same moment, processor's counter
//!  5  number of shards                               21  ns per tick of it, 32 fractional bits; 0: unknown
//!  6  words from one shard to the next               22  bytes used by spans
//!  7  words of a shard before its events             23  limit of these bytes
//!  8  events in a shard                              24  open spans
//!  9  words of an event                              25  version of the library: major, minor, patch, 16 bits each
//! 10  offset of the first tracer                     26  index of the shard for rare events, the last one
//! 11  number of tracers                              27  panics caught
//! 12  words from one tracer to the next
//! 13  words of a tracer before its counters
//! 14  process id                                    28  offset of the first fate
//! 15  parent's process id when this was made        29  number of fates
//!                                                   30  words of a fate
//!                                                   32  fates ever written
//!                                                   33  fates that have memory: a power of two. Fate n is at n
//!                                                       modulo this number
//!                                                   34  33 grows when this fate is written
//!                                                   40  another process asks for a socket by writing a number
//!                                                   41  what became of that: `control::ControlState`
//!                                                   42, 43  the socket's name: `control::socket_name`
//!
//! shard
//!  0  events written so far; the next event goes to this number modulo the events in a shard
//!
//! event
//!  0  bits 0 to 31: its number in the shard, from 1; 32 to 39: the kind; 40: the span has an error; 48 to 63: a check
//!     of the whole event. The word is 0 while the event is being written, and if there never was one
//!  1  wall time        2, 3  two values; `kind` says what they mean
//!
//! tracer
//!  0  0: not in use. Bit 0: in use, bit 1: shut down; from bit 8: how often the index was assigned
//!  1  bytes of the service name     2 to 8  the name, redacted     from 9  its counters, in the order of
//!     `crate::counters::NAMES`
//!
//! fate: see `fates`
//! ```
//!
//! Wall times are nanoseconds since 1970. The time of a span's event is the span's own start, or its start plus duration.
//! So the recorder reads no clock, and the times agree with the trace that the Agent receives.
//!
//! # How it is written
//!
//! Without locks, system calls and atomic read-modify-write operations. A thread writes to the shard of its number: it
//! loads the place, stores the next place, and stores four words. Two threads with the same shard may choose the same
//! place at the same time; the result is a mixed event, which fails its check and is lost. A thread that is suspended
//! between load and store may set the place back; then a few events are overwritten too early. Both are rare enough. An
//! atomic addition would cost more than everything else here.
//!
//! Rare events (payloads, the Agent, forks, losses) have a shard of their own. Under load the other shards hold only some
//! milliseconds of spans, and the events that explain a problem with the Agent are older than that.

pub mod control;
mod describe;
pub mod fates;
pub mod kind;
pub mod layout;
pub mod snapshot;

pub use fates::{Fate, Fates};
pub use kind::Kind;
pub use snapshot::{Fault, Snapshot};

use crate::counters;
use crate::inspect::{unsigned, Field};
use crate::sys;
use layout::*;
use std::os::fd::RawFd;
use std::sync::atomic::{fence, AtomicU64, Ordering::*};

/// The name of the memory file: other processes see `/memfd:spanwire-recorder (deleted)`.
pub const MEMORY_NAME: &std::ffi::CStr = c"spanwire-recorder";

/// What is recorded about a tracer.
#[derive(Clone, Debug)]
pub struct TracerFacts<'a> {
    /// Whether it was shut down.
    pub closed: bool,
    /// How often its index was assigned.
    pub generation: u32,
    /// The service name, redacted.
    pub service: &'a str,
    /// The counters, in the order of [`counters::NAMES`].
    pub counters: [u64; counters::COUNT],
}

/// The writing side of the recorder. Copies write to the same memory, which the process never unmaps.
#[derive(Clone, Copy)]
pub struct Recorder {
    pub(crate) words: Option<&'static [AtomicU64; WORDS]>,
    /// The whole mapping, which begins with `words`.
    mapping: Option<&'static [AtomicU64]>,
    fd: RawFd,
    /// Device and inode of the descriptor when it was made. If the host closes it, its number may lead to another file.
    file: Option<(u64, u64)>,
    /// What became of the last traces.
    fates: Fates,
}

impl Recorder {
    /// Returns a recorder that records nothing.
    pub const fn none() -> Recorder {
        Recorder { words: None, mapping: None, fd: -1, file: None, fates: Fates::none() }
    }

    /// Makes an empty recorder for this process. If the system provides no memory, it records nothing. If it provides
    /// no memory file, only this process and debuggers can read it. `clock_scale` is the scale of the processor's
    /// counter, if known.
    pub fn new(pid: u32, epoch: u32, clock_scale: u64) -> Recorder {
        let Some((mapping, file)) = sys::shared_words(MEMORY_NAME, FILE_WORDS, FIRST_WORDS) else {
            return Recorder::none();
        };
        let Some(words) = mapping.first_chunk::<WORDS>() else { return Recorder::none() };
        let fd = file.as_ref().map_or(-1, sys::Descriptor::number);
        let id = file.as_ref().and_then(|file| sys::file_id(file.fd().ok()?));
        if let Some(file) = file {
            file.stay_open();
        }
        let fates = Fates::of(mapping, fd, id);
        let recorder = Recorder { words: Some(words), mapping: Some(mapping), fd, file: id, fates };
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

    /// Returns the descriptor of the memory file, if its number still leads there.
    pub fn fd(&self) -> Option<RawFd> {
        (self.file.is_some() && sys::file_id(self.fd) == self.file).then_some(self.fd)
    }

    /// Unmaps the memory, in a grandchild of the process that made it.
    pub fn unmap_inherited(self) {
        if let Some(mapping) = self.mapping {
            sys::unmap_inherited_words(mapping);
        }
    }

    /// Describes for debuggers where the address of the memory is stored.
    pub fn inspected() -> Field {
        unsigned!(Recorder, words as "recorder")
    }

    /// Whether anything is recorded.
    pub fn keeps(&self) -> bool {
        self.words.is_some()
    }

    /// Returns the writing side of the ring of fates.
    #[inline]
    pub fn fates(&self) -> &Fates {
        &self.fates
    }

    /// Records the start of a span by a thread with this shard.
    #[inline(always)]
    pub fn span_started(&self, shard: u8, start_ns: i64, span_id: u64, tracer: u32, trace_id_low: u64) {
        self.write(shard.into(), Kind::SpanStarted as u64, start_ns as u64, span_id, with_tracer(tracer, trace_id_low));
    }

    /// Records the finish of a span. `shard` is that of the thread that started it.
    #[inline(always)]
    pub fn span_finished(&self, shard: u8, end_ns: u64, span_id: u64, tracer: u32, duration_ns: u64, error: bool) {
        let kind = Kind::SpanFinished as u64 | u64::from(error) << 8;
        self.write(shard.into(), kind, end_ns, span_id, with_tracer(tracer, duration_ns.min(LOW_MAX)));
    }

    /// Records that a span was discarded. `shard` is that of the thread that started it.
    pub fn span_discarded(&self, shard: u8, now_ns: u64, span_id: u64, tracer: u32, trace_id_low: u64) {
        self.write(shard.into(), Kind::SpanDiscarded as u64, now_ns, span_id, with_tracer(tracer, trace_id_low));
    }

    /// Records that a chunk of finished spans is about to enter the queue.
    #[inline(always)]
    pub fn chunk_enqueued(&self, shard: u8, now_ns: u64, tracer: u32, spans: u64, bytes: u64) {
        self.write(shard.into(), Kind::ChunkEnqueued as u64, now_ns, with_tracer(tracer, spans), bytes);
    }

    /// Records a rare event, with the current time.
    #[cold]
    pub fn rare(&self, kind: Kind, first: u64, second: u64) {
        if let Some(words) = self.words {
            if kind == Kind::PanicCaught {
                words[header::PANICS].fetch_add(1, Relaxed);
            }
            sys::keep_errno(|| self.write(RARE, kind as u64, sys::wall_ns(), first, second));
        }
    }

    /// Writes an event to the next place of a shard.
    #[inline(always)]
    fn write(&self, shard: u32, kind: u64, time_ns: u64, first: u64, second: u64) {
        if let Some(words) = self.words {
            write(words, shard, kind, time_ns, first, second);
        }
    }

    /// Copies a tracer's counters; `None` clears the place. Called by the worker, and before reading.
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

    /// Writes the values of the whole process: memory, open spans, and the current time of each clock.
    pub fn set_process(&self, memory_used: u64, memory_max: u64, open_spans: u64, clock_scale: u64) {
        if let Some(words) = self.words {
            words[header::MEMORY_USED].store(memory_used, Relaxed);
            words[header::MEMORY_MAX].store(memory_max, Relaxed);
            words[header::OPEN_SPANS].store(open_spans, Relaxed);
            self.set_anchor(clock_scale);
        }
    }

    /// Returns the age of those values on the monotonic clock.
    pub fn refreshed_ns_ago(&self) -> u64 {
        self.words.map_or(0, |words| sys::monotonic_ns().saturating_sub(words[header::MONOTONIC].load(Relaxed)))
    }

    /// Stores the same moment in the time of each clock.
    fn set_anchor(&self, clock_scale: u64) {
        if let Some(words) = self.words {
            words[header::TICK].store(sys::cycle_counter(), Relaxed);
            words[header::MONOTONIC].store(sys::monotonic_ns(), Relaxed);
            words[header::AS_OF].store(sys::wall_ns(), Relaxed);
            words[header::SCALE].store(clock_scale, Relaxed);
        }
    }

    /// Reads the recorder; `None` if nothing is recorded.
    pub fn snapshot(&self) -> Option<Result<Snapshot, Fault>> {
        let words = self.words?;
        let mut copy: Vec<u64> = words.iter().map(|word| word.load(Acquire)).collect();
        // Use our own values for the first words: other processes can write to the memory.
        copy[..header::PID].copy_from_slice(&fixed_header());
        copy[header::WORDS] = WORDS as u64;
        Some(Snapshot::of(&copy))
    }
}

/// Writes an event to the next place of a shard. A function of its own, so that its callers keep their registers.
#[inline(never)]
fn write(words: &[AtomicU64; WORDS], shard: u32, kind: u64, time_ns: u64, first: u64, second: u64) {
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

/// Packs a tracer's index above 56 bits of another value.
#[inline]
fn with_tracer(tracer: u32, low: u64) -> u64 {
    u64::from(tracer) << 56 | low & LOW_MAX
}

/// Returns the words of the header that are the same in every process.
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

/// Returns the length of the longest prefix of `text` with at most `max` bytes that ends at a character boundary.
fn char_boundary(text: &str, max: usize) -> usize {
    (0..=text.len().min(max)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
