//! The reading side of the ring of fates. Trusts nothing, as `crate::recorder::snapshot`.

use super::cause::{rule, Cause, CauseKind};
use super::*;
use crate::counters::{Reason, ALL_REASONS};

/// What became of a trace in one process.
#[derive(Clone, Debug, PartialEq)]
pub struct Fate {
    /// Number of the entry; later traces have higher numbers.
    pub id: FateId,
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id.
    pub trace_id_low: u64,
    /// Index of the tracer.
    pub tracer: u32,
    /// When its first chunk left, in nanoseconds since 1970.
    pub handed_ns: u64,
    /// When that last changed.
    pub changed_ns: u64,
    /// The sampling priority; `None` if the trace was not decided.
    pub priority: Option<i32>,
    /// What decided, as `_dd.p.dm` has it.
    pub mechanism: Option<i32>,
    /// What decided: a number of [`rule`] without [`rule::LIMITED`].
    pub rule: u16,
    /// Whether a limit on traces per second has rejected it.
    pub limited: bool,
    /// The rate of the decision.
    pub rate: Option<f64>,
    /// Whether another process decided.
    pub decided_elsewhere: bool,
    /// Whether no span was open when its last chunk left.
    pub complete: bool,
    /// Whether spans of it were open when their tracer was shut down.
    pub abandoned: bool,
    /// Whether the host discarded spans of it.
    pub discarded: bool,
    /// Finished spans that were handed over to be sent.
    pub handed: u64,
    /// Spans that the Agent has acknowledged.
    pub sent: u64,
    /// Spans that were dropped.
    pub lost: u64,
    /// Why spans were dropped last; `None` if none were.
    pub reason: Option<Reason>,
    /// What came of the last attempt, or why exactly spans were dropped.
    pub cause: Cause,
    /// Attempts to send it that failed and were repeated.
    pub attempts: u32,
    /// Whether the worker has taken a chunk of it from the queue.
    pub taken: bool,
    /// Name of its local root span, cut short; empty if it is not known.
    pub name: String,
}

/// Where the spans of a trace are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has no finished span: all were discarded, or abandoned at a shutdown.
    NoSpans,
    /// Chunks wait in the queue.
    Queued,
    /// The worker sends it, or waits for another attempt.
    InFlight,
    /// All spans that were handed over were acknowledged.
    Sent,
    /// Spans of it were dropped, and none wait any more.
    Dropped,
}

impl Fate {
    /// The trace id as one number.
    pub fn trace_id(&self) -> u128 {
        u128::from(self.trace_id_high) << 64 | u128::from(self.trace_id_low)
    }

    /// Spans that are neither acknowledged nor dropped.
    pub fn pending(&self) -> u64 {
        self.handed.saturating_sub(self.sent.saturating_add(self.lost))
    }

    /// Where its spans are.
    pub fn standing(&self) -> Standing {
        match self.pending() {
            0 if self.lost > 0 => Standing::Dropped,
            0 if self.handed == 0 => Standing::NoSpans,
            0 => Standing::Sent,
            _ if self.taken => Standing::InFlight,
            _ => Standing::Queued,
        }
    }

    /// Adds another entry of the same trace.
    pub fn add(&mut self, other: Fate) {
        let (older, newer) = if self.id <= other.id { (&*self, &other) } else { (&other, &*self) };
        let counts = [older, newer].map(|fate| (fate.handed, fate.sent, fate.lost));
        let summed = Fate {
            handed_ns: older.handed_ns.min(newer.handed_ns),
            changed_ns: older.changed_ns.max(newer.changed_ns),
            abandoned: older.abandoned || newer.abandoned,
            discarded: older.discarded || newer.discarded,
            handed: counts[0].0 + counts[1].0,
            sent: counts[0].1 + counts[1].1,
            lost: counts[0].2 + counts[1].2,
            reason: newer.reason.or(older.reason),
            cause: if newer.reason.is_none() && older.reason.is_some() { older.cause } else { newer.cause },
            taken: (older.taken || older.pending() == 0) && newer.taken,
            attempts: older.attempts.max(newer.attempts),
            name: if older.name.is_empty() { newer.name.clone() } else { older.name.clone() },
            ..newer.clone()
        };
        *self = summed;
    }

    /// Whether the tracer has kept the trace for the Agent; `None` if it was not decided.
    #[cfg(feature = "cli")]
    pub fn is_kept(&self) -> Option<bool> {
        self.priority.map(|priority| priority > 0)
    }
}

/// Parses the words of an entry. `written`: entries ever written, from the header. `None` if the place was never used,
/// or is being written.
pub(super) fn entry(words: &[u64; FATE_WORDS], written: u64) -> Option<Fate> {
    let [number, high, low, handed_ns, decision, counts, state, changed_ns, name @ ..] = words;
    let (number, whole) = (number & 0xffff_ffff_ffff, *number);
    if whole == 0 || whole >> 48 != check(number, *high, *low, *handed_ns) {
        return None;
    }
    // The upper half of the id is that of the latest one, or one less.
    let id = written.wrapping_sub(written.wrapping_sub(number) & 0xffff_ffff);
    // Words of a later trace, which has replaced this one while it was read.
    if [counts, state].iter().any(|word| *word & 0xff != tag_of(id)) {
        return None;
    }
    let small = |at: u32| Some(i32::from((decision >> at) as u8 as i8)).filter(|&number| number != -128);
    let rate = f32::from_bits((decision >> 32) as u32);
    let lost = state >> LOST_AT & COUNT_MAX;
    let reason = (state >> REASON_AT & 15) as usize;
    let kind = CauseKind::numbered(state >> CAUSE_AT & 63).unwrap_or(CauseKind::None);
    Some(Fate {
        id,
        trace_id_high: *high,
        trace_id_low: *low,
        tracer: (number >> 32 & 0xff) as u32,
        handed_ns: *handed_ns,
        changed_ns: *changed_ns,
        priority: small(0),
        mechanism: small(8),
        rule: (decision >> 16) as u16 & !rule::LIMITED,
        limited: (decision >> 16) as u16 & rule::LIMITED != 0,
        rate: (0.0..=1.0).contains(&rate).then(|| shortest(rate)),
        decided_elsewhere: number >> 40 & 1 == 1,
        complete: counts & COMPLETE != 0,
        abandoned: counts & ABANDONED != 0,
        discarded: counts & DISCARDED != 0,
        handed: counts >> HANDED_AT & COUNT_MAX,
        sent: counts >> SENT_AT & COUNT_MAX,
        lost,
        reason: ALL_REASONS.get(reason).copied().filter(|_| lost > 0),
        cause: Cause { kind, code: (state >> CODE_AT & 0xfff) as u16 },
        attempts: (state >> ATTEMPTS_AT & ATTEMPTS_MAX) as u32,
        taken: state & TAKEN != 0,
        name: text(name),
    })
}

/// Returns the number with the fewest digits that gives this rate: 0.1 and not 0.10000000149.
fn shortest(rate: f32) -> f64 {
    rate.to_string().parse().unwrap_or(rate.into())
}

fn text(words: &[u64]) -> String {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).take_while(|&byte| byte != 0).collect();
    // The name may be cut inside a character.
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned()
        }
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let plain: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    crate::redact::text(&plain).into_owned()
}

/// The entries in a copy of a recorder's memory, oldest first; empty if its library is older than this part of the
/// layout, or the header is damaged.
#[cfg(any(test, feature = "cli"))]
pub fn all(words: &[u64]) -> Vec<Fate> {
    let word = |at: usize| words.get(at).copied().unwrap_or(0);
    if word(header::MAGIC) != MAGIC || word(header::VERSION) != VERSION {
        return Vec::new();
    }
    let (at, count, stride) = (word(header::FATES_AT), word(header::FATES), word(header::FATE_WORDS));
    let count = word(header::FATES_READY).min(count);
    let stays = count.checked_mul(stride).and_then(|words| words.checked_add(at));
    if stride < FATE_WORDS as u64 || stays.is_none_or(|end| end > words.len() as u64) {
        return Vec::new();
    }
    let places = words.get(at as usize..).unwrap_or_default().chunks_exact(stride as usize).take(count as usize);
    let written = word(header::FATES_WRITTEN);
    let mut fates: Vec<Fate> =
        places.filter_map(|place| place.first_chunk()).filter_map(|place| entry(place, written)).collect();
    crate::sort::by_key(&mut fates, |fate| fate.id);
    fates
}

/// The fate of one trace among these entries. `high`: the upper half of its id, unless that is not known.
#[cfg(any(test, feature = "cli"))]
pub fn of_trace(fates: &[Fate], high: Option<u64>, low: u64) -> Option<Fate> {
    let is_it = |fate: &&Fate| fate.trace_id_low == low && high.is_none_or(|high| fate.trace_id_high == high);
    let mut found: Option<Fate> = None;
    for fate in fates.iter().filter(is_it) {
        match &mut found {
            Some(found) => found.add(fate.clone()),
            None => found = Some(fate.clone()),
        }
    }
    found
}
