//! The numbers of the layout that the comment of `recorder` describes, and the check of an event. A change that a
//! reader of version 1 cannot see in the header requires version 2.

use crate::counters;

/// "SPANWIRE" as a little-endian word.
pub const MAGIC: u64 = u64::from_le_bytes(*b"SPANWIRE");
/// Version of the layout.
pub const VERSION: u64 = 1;

/// Words of the header.
pub const HEADER: usize = 64;
/// Offset of the first shard.
pub const SHARDS_AT: usize = HEADER;
/// Number of shards for span events; a power of two.
pub const SPAN_SHARDS: usize = 8;
/// Index of the shard for rare events.
pub const RARE_SHARD: usize = SPAN_SHARDS;
/// Number of shards.
pub const SHARDS: usize = SPAN_SHARDS + 1;
/// Number of events in a shard; a power of two.
pub const EVENTS: usize = 512;
/// Words of an event: half a cache line.
pub const EVENT_WORDS: usize = 4;
/// Words before a shard's events: two cache lines, because processors fetch lines in pairs and shards must share none.
pub const SHARD_HEAD: usize = 16;
/// Distance between shards.
pub const SHARD_WORDS: usize = SHARD_HEAD + EVENTS * EVENT_WORDS;

/// Offset of the first tracer.
pub const TRACERS_AT: usize = SHARDS_AT + SHARDS * SHARD_WORDS;
/// Number of tracers.
pub const TRACERS: usize = 64;
/// The longest service name, in bytes.
pub const SERVICE_MAX: usize = 56;
/// Words before a tracer's counters.
pub const TRACER_HEAD: usize = 2 + SERVICE_MAX / 8;
/// Distance between tracers, with space for further counters.
pub const TRACER_WORDS: usize = 40;

/// Words of the header, the events and the tracers.
pub const WORDS: usize = TRACERS_AT + TRACERS * TRACER_WORDS;

/// Offset of the first fate: a whole page.
pub const FATES_AT: usize = WORDS.next_multiple_of(512);
/// Number of fates; a power of two.
pub const FATES: usize = 16_384;
/// Number of fates for which there is memory from the beginning; a power of two.
pub const FATES_FIRST: usize = 512;
/// Words of a fate.
pub const FATE_WORDS: usize = 12;
/// The longest name of a fate, in bytes.
pub const FATE_NAME_MAX: usize = 32;

/// Words that have memory from the beginning.
pub const FIRST_WORDS: usize = FATES_AT + FATES_FIRST * FATE_WORDS;
/// Words of the memory file: whole pages.
pub const FILE_WORDS: usize = FATES_AT + FATES * FATE_WORDS;

const _: () = assert!(TRACER_HEAD + counters::COUNT <= TRACER_WORDS);
const _: () = assert!(SPAN_SHARDS.is_power_of_two() && EVENTS.is_power_of_two());
const _: () = assert!(FATES.is_power_of_two() && FATES_FIRST.is_power_of_two());
const _: () = assert!(FILE_WORDS.is_multiple_of(512) && (FATES_FIRST * FATE_WORDS).is_multiple_of(512));

/// Mask for a value without its upper byte.
pub const LOW_MAX: u64 = (1 << 56) - 1;
/// Used in place of a shard's number for the shard of rare events.
pub const RARE: u32 = u32::MAX;

/// Offsets of the header's words.
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
    pub const FATES_AT: usize = 28;
    pub const FATES: usize = 29;
    pub const FATE_WORDS: usize = 30;
    pub const FATES_WRITTEN: usize = 32;
    pub const FATES_READY: usize = 33;
    pub const FATES_GROW_AT: usize = 34;
    pub const CONTROL_ASKED: usize = 40;
    pub const CONTROL_STATE: usize = 41;
    pub const CONTROL_NAME: usize = 42;
    pub const END: usize = 44;
}

/// Returns 16 check bits over the words of an event, which reveal an event that two threads have mixed.
#[inline]
pub fn check(number: u64, time_ns: u64, first: u64, second: u64) -> u64 {
    let mixed = number ^ time_ns.rotate_left(17) ^ first.rotate_left(34) ^ second.rotate_left(51);
    mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48
}
