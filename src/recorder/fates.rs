//! What became of the last traces: a ring of entries in the recorder's memory. This file is the writing side; `cause`
//! has the numbers of causes, `read` the reading side, `describe` an entry in words, `json` as an object.
//!
//! A trace gets an entry when its first chunk leaves, or when spans of it are lost or end without a record. Chunks carry
//! the entry's [`FateId`]; further chunks of the trace are added to the same entry. Calling threads write what they
//! hand over, the worker what came of it.
//!
//! ```text
//! fate, 64-bit words
//!  0  bits 0 to 31: the id; 32 to 39: the tracer; 40: another process decided; 48 to 63: a check of words 0 to 3.
//!     0 while the entry is being written, and if there never was one
//!  1  the trace id, high half      2  the low half      3  when the entry was made, wall time
//!  4  bits 0 to 7: priority; 8 to 15: mechanism, -128 for none; 16 to 31: what decided (`cause::rule`); 32 to 63: the
//!     rate, a 32-bit float, NaN for none
//!  5  bits 0 to 7: a tag; 8: no span was open when the last chunk left; 9: spans were abandoned; 10: spans were
//!     discarded; 12 to 37: spans handed over; 38 to 63: spans sent
//!  6  bits 0 to 7: a tag; 8 to 33: spans lost; 34 to 37: the reason, 15 for none; 38 to 43: a cause (`cause::Cause`);
//!     44 to 55: its number, such as an HTTP status; 56 to 60: failed attempts; 61: the worker has taken a chunk
//!  7  when word 5 or 6 last changed, wall time
//!  8 to 11  the name of the local root span, cut short and filled with zeros
//! ```
//!
//! Words 5 and 6 change by compare-and-swap, and their tags follow from the id. So a worker that comes late does not
//! change the entry of a later trace. The ring begins small and doubles until it has [`FATES`] entries.

pub mod cause;
mod describe;
mod json;
pub mod read;

pub use cause::{Cause, CauseKind};
pub use read::{Fate, Standing};

use super::layout::{header, *};
use crate::redact;
use crate::sys;
use std::os::fd::RawFd;
use std::sync::atomic::{fence, AtomicU64, Ordering::*};

/// Identifies the entry of a trace. 0: it has none.
pub type FateId = u64;

/// The largest count of spans that fits; larger ones stay at it.
const COUNT_MAX: u64 = (1 << 26) - 1;

/// Bits of word 5.
const COMPLETE: u64 = 1 << 8;
const ABANDONED: u64 = 1 << 9;
const DISCARDED: u64 = 1 << 10;
const HANDED_AT: u32 = 12;
const SENT_AT: u32 = 38;
/// Bits of word 6.
const LOST_AT: u32 = 8;
const REASON_AT: u32 = 34;
const CAUSE_AT: u32 = 38;
const CODE_AT: u32 = 44;
const ATTEMPTS_AT: u32 = 56;
const ATTEMPTS_MAX: u64 = 31;
const TAKEN: u64 = 1 << 61;
const NO_REASON: u64 = 15;
const _: () = assert!(crate::counters::REASONS <= NO_REASON as usize);

/// What is written about a trace when a chunk of it leaves.
#[derive(Clone, Copy, Debug)]
pub struct Handed {
    /// The trace's entry, if an earlier chunk made one.
    pub id: FateId,
    /// High and low half of the trace id.
    pub trace_id: (u64, u64),
    /// Index of the tracer.
    pub tracer: u32,
    /// The sampling priority; `i32::MIN` for none.
    pub priority: i32,
    /// What decided, as `_dd.p.dm` has it; `i32::MIN` for none.
    pub mechanism: i32,
    /// The rule that decided: see `cause::rule`.
    pub rule: u16,
    /// The rate of the decision; NaN for none.
    pub rate: f64,
    /// Whether another process decided.
    pub decided_elsewhere: bool,
    /// Spans of the chunk.
    pub spans: u32,
    /// Whether no span of the trace is open.
    pub complete: bool,
}

/// How spans ended that have no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrecorded {
    /// They were open when their tracer was shut down.
    Abandoned,
    /// The host discarded them.
    Discarded,
}

/// The name of a local root span as an entry has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Name([u64; FATE_NAME_MAX / 8]);

impl Name {
    /// The name without secrets, cut.
    #[inline(never)]
    pub fn of(name: &[u8]) -> Name {
        let redacted = redacted(name);
        let name = redacted.as_deref().map_or(name, str::as_bytes);
        let mut bytes = [0; FATE_NAME_MAX];
        let length = name.len().min(bytes.len());
        bytes[..length].copy_from_slice(&name[..length]);
        let mut words = bytes.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
        Name([(); FATE_NAME_MAX / 8].map(|()| words.next().unwrap_or(0)))
    }
}

/// The writing side of the ring. Copies write to the same memory.
#[derive(Clone, Copy)]
pub struct Fates {
    /// The recorder's mapping; `None`: nothing is written.
    words: Option<&'static [AtomicU64; FILE_WORDS]>,
    /// The descriptor of the memory file, if the recorder has one; checked by the recorder.
    fd: RawFd,
    file: Option<(u64, u64)>,
}

impl Fates {
    /// A ring that keeps nothing.
    pub const fn none() -> Fates {
        Fates { words: None, fd: -1, file: None }
    }

    /// The ring in a recorder's mapping.
    pub(super) fn of(words: &'static [AtomicU64], fd: RawFd, file: Option<(u64, u64)>) -> Fates {
        let fates = Fates { words: words.first_chunk(), fd, file };
        for (word, value) in [
            (header::FATES_AT, FATES_AT),
            (header::FATES, FATES),
            (header::FATE_WORDS, FATE_WORDS),
            (header::FATES_READY, FATES_FIRST),
            (header::FATES_GROW_AT, FATES_FIRST),
        ] {
            fates.header(word).store(value as u64, Relaxed);
        }
        fates
    }

    #[inline]
    fn header(&self, word: usize) -> &'static AtomicU64 {
        static NONE: AtomicU64 = AtomicU64::new(0);
        self.words.and_then(|words| words.get(word)).unwrap_or(&NONE)
    }

    /// Returns the entry at a place; none beyond the ring, whatever other processes have written to the header.
    #[inline]
    fn entry(&self, place: u64) -> Option<&'static [AtomicU64; FATE_WORDS]> {
        let at = FATES_AT + (place as usize & (FATES - 1)) * FATE_WORDS;
        self.words?.get(at..)?.first_chunk()
    }

    /// Writes that a chunk leaves. Returns the id of the trace's entry, which is new unless `handed` has one that is
    /// still in the ring.
    #[inline(always)]
    pub fn handed(&self, now_ns: u64, handed: &Handed) -> FateId {
        if handed.id != 0 {
            // A copy, so that nothing else is on the stack.
            let again = *handed;
            if self.add_chunk(now_ns, &again) {
                return handed.id;
            }
        }
        let Some(words) = self.words else { return 0 };
        let id = words[header::FATES_WRITTEN].fetch_add(1, Relaxed).wrapping_add(1);
        if id >= words[header::FATES_GROW_AT].load(Relaxed) {
            self.grow(id);
        }
        let ready = words[header::FATES_READY].load(Relaxed);
        let Some(entry) = self.entry(id & ready.wrapping_sub(1)) else { return 0 };
        let number =
            id & 0xffff_ffff | u64::from(handed.tracer & 0xff) << 32 | u64::from(handed.decided_elsewhere) << 40;
        let (high, low) = handed.trace_id;
        let tag = tag_of(id);
        let complete = if handed.complete { COMPLETE } else { 0 };
        entry[0].store(0, Relaxed);
        fence(Release);
        entry[1].store(high, Relaxed);
        entry[2].store(low, Relaxed);
        entry[3].store(now_ns, Relaxed);
        entry[4].store(decision_word(handed), Relaxed);
        entry[5].store(tag | complete | u64::from(handed.spans).min(COUNT_MAX) << HANDED_AT, Relaxed);
        entry[6].store(tag | NO_REASON << REASON_AT, Relaxed);
        entry[7].store(now_ns, Relaxed);
        entry[8].store(0, Relaxed);
        entry[0].store(number | check(number, high, low, now_ns) << 48, Release);
        id
    }

    /// Adds a further chunk to an entry. Returns false if the ring has given its place to another trace.
    #[cold]
    #[inline(never)]
    fn add_chunk(&self, now_ns: u64, handed: &Handed) -> bool {
        let Some(entry) = self.found(handed.id) else { return false };
        let complete = if handed.complete { COMPLETE } else { 0 };
        let added = change(&entry[5], handed.id, |word| add(word | complete, HANDED_AT, handed.spans.into()));
        if added {
            entry[4].store(decision_word(handed), Relaxed);
            entry[7].store(now_ns, Relaxed);
        }
        added
    }

    /// Doubles the ring, unless it is as large as it can be or the system gives no memory.
    #[cold]
    #[inline(never)]
    fn grow(&self, id: FateId) {
        let (ready, grow_at) = (self.header(header::FATES_READY), self.header(header::FATES_GROW_AT));
        let now = ready.load(Relaxed);
        // One thread grows it. The others write to the smaller ring meanwhile.
        let known = grow_at.load(Relaxed);
        if id < known || grow_at.compare_exchange(known, u64::MAX, Relaxed, Relaxed).is_err() {
            return;
        }
        let Some(next) = (now as usize).checked_mul(2).filter(|&next| next <= FATES && next > FATES_FIRST) else {
            return;
        };
        let (from, to) = (FATES_AT + now as usize * FATE_WORDS, FATES_AT + next * FATE_WORDS);
        let Some(more) = self.words.and_then(|words| words.get(from..to)) else { return };
        let reserved = sys::uncancelled(|| {
            sys::keep_errno(|| {
                let is_ours = self.file.is_some() && sys::file_id(self.fd) == self.file;
                sys::reserve_words(more, is_ours.then_some((self.fd, from)))
            })
        });
        if reserved {
            ready.store(next as u64, Relaxed);
            if next < FATES {
                // Entries of ids up to now keep their places.
                grow_at.store(next as u64, Relaxed);
            }
        }
    }

    /// Returns the entry of an id; `None` if a later trace has its place.
    #[inline(always)]
    fn find(&self, id: FateId) -> Option<&'static [AtomicU64; FATE_WORDS]> {
        let ready = self.header(header::FATES_READY).load(Relaxed);
        let entry = self.entry(id & ready.wrapping_sub(1)).filter(|_| id != 0)?;
        if entry[0].load(Acquire) as u32 == id as u32 {
            return Some(entry);
        }
        self.find_in_smaller(id, ready)
    }

    /// Does the same for an entry that was written while the ring grew: it is where the smaller ring had it.
    #[cold]
    #[inline(never)]
    fn find_in_smaller(&self, id: FateId, ready: u64) -> Option<&'static [AtomicU64; FATE_WORDS]> {
        let mut size = ready.clamp(FATES_FIRST as u64, FATES as u64) / 2;
        while size >= FATES_FIRST as u64 {
            let entry = self.entry(id & (size - 1))?;
            if entry[0].load(Acquire) as u32 == id as u32 {
                return Some(entry);
            }
            size /= 2;
        }
        None
    }

    /// Changes the words 5 and 6 of an entry.
    fn update(&self, id: FateId, first: impl Fn(u64) -> u64, second: impl Fn(u64) -> u64) {
        self.change_both(sys::wall_ns(), self.found(id), id, first, second);
    }

    #[inline(never)]
    fn found(&self, id: FateId) -> Option<&'static [AtomicU64; FATE_WORDS]> {
        self.find(id)
    }

    #[inline(always)]
    fn change_both(
        &self,
        now_ns: u64,
        entry: Option<&'static [AtomicU64; FATE_WORDS]>,
        id: FateId,
        first: impl Fn(u64) -> u64,
        second: impl Fn(u64) -> u64,
    ) {
        let Some(entry) = entry else { return };
        let changed = change(&entry[5], id, first) && change(&entry[6], id, second);
        if changed {
            entry[7].store(now_ns, Relaxed);
        }
    }

    /// Writes that spans of a trace ended without a record.
    #[cold]
    pub fn ended(&self, id: FateId, how: Unrecorded, complete: bool) {
        let bits = if how == Unrecorded::Abandoned { ABANDONED } else { DISCARDED };
        let bits = bits | if complete { COMPLETE } else { 0 };
        self.update(id, |word| word | bits, |word| word);
    }

    /// Writes that the worker has taken a chunk. `root`: the name of the trace's local root, if the chunk has it.
    #[inline]
    pub fn taken(&self, id: FateId, root: Option<&Name>) {
        let Some(entry) = self.find(id) else { return };
        if change(&entry[6], id, |word| word | TAKEN) {
            if let Some(Name(words)) = root {
                // The first word last: readers take the name if that is not 0.
                for (place, word) in entry[8..].iter().zip(words).rev() {
                    place.store(*word, Relaxed);
                }
            }
        }
    }

    /// Writes that an attempt to send spans of the trace failed, and that another one follows.
    pub fn failed(&self, id: FateId, cause: Cause) {
        let counted = |word: u64| {
            let attempts = word >> ATTEMPTS_AT & ATTEMPTS_MAX;
            let more = if attempts < ATTEMPTS_MAX { 1 << ATTEMPTS_AT } else { 0 };
            with_cause(word + more, cause)
        };
        self.update(id, |word| word, counted);
    }

    /// Writes that the Agent has acknowledged spans with this status, at this wall time.
    #[inline]
    pub fn sent(&self, now_ns: u64, id: FateId, spans: u64, status: u16) {
        self.delivered(now_ns, id, spans, Cause { kind: CauseKind::Answered, code: status });
    }

    /// Writes that spans were written to a file instead of being sent to an Agent.
    pub fn written(&self, id: FateId, spans: u64) {
        self.delivered(sys::wall_ns(), id, spans, Cause::of(CauseKind::Written));
    }

    #[inline(never)]
    fn delivered(&self, now_ns: u64, id: FateId, spans: u64, cause: Cause) {
        let answered = |word: u64| match word >> LOST_AT & COUNT_MAX {
            0 => with_cause(word, cause),
            _ => word,
        };
        self.change_both(now_ns, self.find(id), id, |word| add(word, SENT_AT, spans), answered);
    }

    /// Writes that spans were dropped. `reason`: a `crate::counters::Reason`.
    pub fn lost(&self, id: FateId, spans: u64, reason: usize, cause: Cause) {
        let counted = |word: u64| {
            let word = add(word, LOST_AT, spans) & !(15 << REASON_AT) | (reason as u64 & 15) << REASON_AT;
            with_cause(word, cause)
        };
        self.update(id, |word| word, counted);
    }

    /// Copies the entries, oldest first. Leaves out those that are being written.
    pub fn snapshot(&self) -> Vec<Fate> {
        let written = self.header(header::FATES_WRITTEN).load(Relaxed);
        // Only what has been written to: reading the rest would make memory of it.
        let ready = self.header(header::FATES_READY).load(Relaxed).min(FATES as u64);
        let places = 0..ready.min(written.saturating_add(1));
        let mut fates: Vec<Fate> = places.filter_map(|place| whole(self.entry(place)?, written)).collect();
        crate::sort::by_key(&mut fates, |fate| fate.id);
        fates
    }

    /// Returns what became of a trace; `None` if it is not among the last ones. `high`: the upper half of the id, unless
    /// that is not known.
    pub fn of_trace(&self, high: Option<u64>, low: u64) -> Option<Fate> {
        let written = self.header(header::FATES_WRITTEN).load(Relaxed);
        let ready = self.header(header::FATES_READY).load(Relaxed).min(FATES as u64);
        let mut found: Option<Fate> = None;
        for place in 0..ready.min(written.saturating_add(1)) {
            let words = self.entry(place)?;
            if words[2].load(Relaxed) != low || high.is_some_and(|high| words[1].load(Relaxed) != high) {
                continue;
            }
            let Some(fate) = whole(words, written) else { continue };
            match &mut found {
                Some(found) => found.add(fate),
                None => found = Some(fate),
            }
        }
        found
    }
}

/// Reads an entry; `None` if another trace has replaced it meanwhile.
fn whole(entry: &[AtomicU64; FATE_WORDS], written: u64) -> Option<Fate> {
    let words = entry.each_ref().map(|word| word.load(Acquire));
    fence(Acquire);
    (entry[0].load(Relaxed) == words[0]).then(|| read::entry(&words, written)).flatten()
}

/// Returns the word of a decision.
#[inline]
fn decision_word(handed: &Handed) -> u64 {
    let small = |number: i32| u64::from(number.clamp(-128, 127) as i8 as u8);
    let rate = u64::from((handed.rate as f32).to_bits());
    small(handed.priority) | small(handed.mechanism) << 8 | u64::from(handed.rule) << 16 | rate << 32
}

/// Returns the name of a span without secrets; `None` if it stays as it is. Before it is cut, since half a secret is not
/// recognised any more.
fn redacted(name: &[u8]) -> Option<String> {
    // Most names are such words, which hold none.
    if name.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'.' | b'_')) {
        return None;
    }
    Some(redact::text(&String::from_utf8_lossy(name)).into_owned())
}

/// Returns the tag of words that change.
#[inline]
fn tag_of(id: FateId) -> u64 {
    (id / FATES_FIRST as u64) & 0xff
}

/// Changes a word, unless it belongs to another id.
#[inline(always)]
fn change(word: &AtomicU64, id: FateId, new: impl Fn(u64) -> u64) -> bool {
    let ours = |word: u64| (word & 0xff == tag_of(id)).then(|| new(word));
    word.fetch_update(AcqRel, Acquire, ours).is_ok()
}

/// Adds to a count of spans in a word.
fn add(word: u64, at: u32, spans: u64) -> u64 {
    let count = (word >> at & COUNT_MAX).saturating_add(spans).min(COUNT_MAX);
    word & !(COUNT_MAX << at) | count << at
}

fn with_cause(word: u64, cause: Cause) -> u64 {
    let (kind, code) = (cause.kind as u64 & 63, u64::from(cause.code).min(0xfff));
    word & !(63 << CAUSE_AT) & !(0xfff << CODE_AT) | kind << CAUSE_AT | code << CODE_AT
}

#[cfg(test)]
mod tests;
