//! The numbers of the layout that the module's comment describes, and the check of an event. A change here that a
//! reader of version 1 would not notice by the header's numbers is version 2.

use crate::counters;

/// "SPANWIRE" as a little-endian word.
pub const MAGIC: u64 = u64::from_le_bytes(*b"SPANWIRE");
/// Of the layout.
pub const VERSION: u64 = 1;

/// Words of the header.
pub const HEADER: usize = 64;
/// Where the shards begin.
pub const SHARDS_AT: usize = HEADER;
/// Shards that threads write spans to; a power of two.
pub const SPAN_SHARDS: usize = 8;
/// The shard of rare events.
pub const RARE_SHARD: usize = SPAN_SHARDS;
/// All of them.
pub const SHARDS: usize = SPAN_SHARDS + 1;
/// Events of a shard; a power of two.
pub const EVENTS: usize = 512;
/// Words of an event: half a cache line.
pub const EVENT_WORDS: usize = 4;
/// Words before a shard's events: two cache lines, which processors fetch together, so that shards share none.
pub const SHARD_HEAD: usize = 16;
/// From one shard to the next.
pub const SHARD_WORDS: usize = SHARD_HEAD + EVENTS * EVENT_WORDS;

/// Where the tracers begin.
pub const TRACERS_AT: usize = SHARDS_AT + SHARDS * SHARD_WORDS;
/// Places for tracers.
pub const TRACERS: usize = 64;
/// The longest name of a service in bytes.
pub const SERVICE_MAX: usize = 56;
/// Words before a tracer's counters.
pub const TRACER_HEAD: usize = 2 + SERVICE_MAX / 8;
/// From one tracer to the next, with room for more counters.
pub const TRACER_WORDS: usize = 40;

/// Words in use.
pub const WORDS: usize = TRACERS_AT + TRACERS * TRACER_WORDS;
/// Words of the memory, whole pages.
pub const FILE_WORDS: usize = WORDS.next_multiple_of(512);

const _: () = assert!(TRACER_HEAD + counters::COUNT <= TRACER_WORDS);
const _: () = assert!(SPAN_SHARDS.is_power_of_two() && EVENTS.is_power_of_two());

/// What the upper byte of a fact leaves.
pub const LOW_MAX: u64 = (1 << 56) - 1;
/// Stands for the shard of rare events where a thread's number is asked for.
pub const RARE: u32 = u32::MAX;

/// The header's words, by their names.
pub mod header {
    #![allow(missing_docs)] // the module's comment says what each is
    pub const MAGIC: usize = 0;
    pub const VERSION: usize = 1;
    pub const WORDS: usize = 2;
    pub const HEADER: usize = 3;
    pub const SHARDS_AT: usize = 4;
    pub const SHARDS: usize = 5;
    pub const SHARD_WORDS: usize = 6;
    pub const SHARD_HEAD: usize = 7;
    pub const EVENTS: usize = 8;
    pub const EVENT_WORDS: usize = 9;
    pub const TRACERS_AT: usize = 10;
    pub const TRACERS: usize = 11;
    pub const TRACER_WORDS: usize = 12;
    pub const TRACER_HEAD: usize = 13;
    pub const PID: usize = 14;
    pub const PARENT_PID: usize = 15;
    pub const EPOCH: usize = 16;
    pub const MADE_AT: usize = 17;
    pub const AS_OF: usize = 18;
    pub const MONOTONIC: usize = 19;
    pub const TICK: usize = 20;
    pub const SCALE: usize = 21;
    pub const MEMORY_USED: usize = 22;
    pub const MEMORY_MAX: usize = 23;
    pub const OPEN_SPANS: usize = 24;
    pub const LIBRARY: usize = 25;
    pub const RARE_SHARD: usize = 26;
    pub const PANICS: usize = 27;
    pub const END: usize = 28;
}

/// Sixteen bits of an event's words, by which a mixed one is known.
#[inline]
pub fn check(number: u64, time_ns: u64, first: u64, second: u64) -> u64 {
    let mixed = number ^ time_ns.rotate_left(17) ^ first.rotate_left(34) ^ second.rotate_left(51);
    mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48
}
