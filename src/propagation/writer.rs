//! What styles write with: a context, and the text of one header after the other.

use super::config::Packed;
use super::keys::{KEPT_RATE, TRACESTATE};
use super::scratch::Scratch;
use super::text::{decimal_of, hex_of, Digits};
use crate::memory::{self, Full};
use crate::span::texts;
use std::ffi::CStr;

/// What is written: a span's context.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id; 0 where there is only baggage.
    pub trace_id_low: u64,
    /// The span.
    pub span_id: u64,
    /// The sampling priority; `None` if the trace is not decided.
    pub priority: Option<i32>,
    /// The number of `_dd.p.dm`, if it is to be written.
    pub mechanism: Option<i32>,
    /// `_dd.p.ksr`, if this process decided by a rate.
    pub kept_rate: Option<&'a [u8]>,
    /// Whether `_dd.p.ksr` among the tags is of an earlier decision, and is left out.
    pub rate_is_replaced: bool,
    /// Threshold and random value, if this process decided by a rate.
    pub consistent: Option<Consistent>,
    /// The tags of the trace, a run of texts.
    pub tags: &'a [u8],
    /// The baggage, a run of texts.
    pub baggage: &'a [u8],
}

/// The member `ot` of tracestate: by which comparison the trace was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consistent {
    /// The random value of the trace, of 56 bits.
    pub rv: u64,
    threshold: u64,
}

impl Consistent {
    /// Returns the values for a trace that was decided by a rate; `None` for the rate 0. `hash` is that of the trace id by
    /// which it was decided.
    pub fn of(hash: u64, rate: f64, kept: bool) -> Option<Consistent> {
        if rate <= 0.0 {
            return None;
        }
        // A rate below 2^-54 would round to a threshold that 56 bits cannot hold.
        let threshold = (((1.0 - rate) * (1u64 << 56) as f64).round() as u64).min((1 << 56) - 1);
        let rv = (u64::MAX - hash) >> 8;
        // Rounding must not make a kept trace look rejected.
        let rv = if kept { rv.max(threshold) } else { rv };
        Some(Consistent { rv, threshold })
    }

    /// The threshold in hexadecimal without zeros at its end.
    pub fn th<'a>(&self, room: &'a mut [u8; 16]) -> &'a [u8] {
        *room = hex_of(self.threshold);
        let end = room.iter().rposition(|&digit| digit != b'0').map_or(3, |last| last + 1);
        &room[2..end.max(3)]
    }
}

/// Why tags are missing in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `x-datadog-tags` would be too long, and is left out.
    TooLong,
    /// A tag has a character that no header can hold, and is left out.
    Encoding,
}

impl Fault {
    /// The word in `_dd.propagation_error`.
    pub fn word(self) -> &'static str {
        match self {
            Fault::TooLong => "inject_max_size",
            Fault::Encoding => "encoding_error",
        }
    }
}

/// Ids in hexadecimal.
pub struct Hex {
    pub high: [u8; 16],
    pub low: [u8; 16],
    pub span: [u8; 16],
}

impl Hex {
    /// The ids of a context.
    pub(super) fn of(out: &Outgoing<'_>) -> Hex {
        Hex { high: hex_of(out.trace_id_high), low: hex_of(out.trace_id_low), span: hex_of(out.span_id) }
    }
}

/// Collects the text of one header after the other.
pub struct Writer<'a, 'b> {
    /// What is written.
    pub out: &'a Outgoing<'a>,
    /// The settings.
    pub config: &'a Packed,
    /// The halves of the trace id and the span's id in hexadecimal, which most styles write.
    pub hex: Hex,
    /// The members of tracestate of other vendors.
    pub foreign: Option<&'a [u8]>,
    /// Whether the trace has tags beside those.
    pub has_tags: bool,
    /// The first fault.
    pub fault: Option<Fault>,
    pub(super) text: &'a mut Scratch,
    pub(super) each: &'b mut dyn FnMut(&'static CStr, &[u8]) -> bool,
    /// Whether there was no memory.
    pub(super) full: bool,
    /// Whether no more headers are wanted.
    pub(super) ended: bool,
}

impl<'a> Writer<'a, '_> {
    /// Makes a writer of this context.
    #[inline(always)]
    pub(super) fn new<'c>(
        out: &'a Outgoing<'a>,
        config: &'a Packed,
        text: &'a mut Scratch,
        each: &'c mut dyn FnMut(&'static CStr, &[u8]) -> bool,
    ) -> Writer<'a, 'c> {
        let (mut foreign, mut has_tags) = (texts::only(out.tags, b"tracestate"), false);
        let tags = if foreign.is_some() { &[][..] } else { out.tags };
        texts::each(tags, |key, value| {
            if key == TRACESTATE {
                foreign = Some(value);
            } else {
                has_tags = true;
            }
        });
        let hex = Hex::of(out);
        Writer { out, config, hex, foreign, has_tags, fault: None, text, each, full: false, ended: false }
    }

    /// Visits the tags of the trace, without those that an earlier decision made. May skip `foreign`.
    #[inline(always)]
    pub fn each_tag(&mut self, mut visit: impl FnMut(&mut Self, &'a [u8], &'a [u8])) {
        let out = self.out;
        if !self.has_tags {
            return;
        }
        texts::each(out.tags, |key, value| {
            if !(out.rate_is_replaced && key == KEPT_RATE) {
                visit(self, key, value);
            }
        });
    }

    /// Appends text.
    #[inline(always)]
    pub fn put(&mut self, text: &[u8]) -> &mut Self {
        self.full |= self.text.push(text).is_err();
        self
    }

    /// Appends text of a fixed length.
    #[inline(always)]
    pub fn put_fixed<const N: usize>(&mut self, text: [u8; N]) -> &mut Self {
        match self.text.tail(N) {
            Ok(place) => place.copy_from_slice(&text),
            Err(Full) => self.full = true,
        }
        self
    }

    /// Appends a number.
    #[inline]
    pub fn decimal(&mut self, number: u64) -> &mut Self {
        let mut room = Digits::default();
        self.put(decimal_of(number, &mut room))
    }

    /// Appends a number that may be negative.
    #[inline]
    pub fn signed(&mut self, number: i32) -> &mut Self {
        if number < 0 {
            self.put(b"-");
        }
        self.decimal(number.unsigned_abs().into())
    }

    /// Appends text, each byte as `map` says.
    #[inline]
    pub fn mapped(&mut self, text: &[u8], map: impl Fn(u8) -> u8) -> &mut Self {
        match self.text.tail(text.len()) {
            Ok(place) => place.iter_mut().zip(text).for_each(|(place, &byte)| *place = map(byte)),
            Err(Full) => self.full = true,
        }
        self
    }

    /// Appends text, percent-encoded except for what is `plain`.
    #[inline]
    pub fn percent(&mut self, text: &[u8], plain: &[bool; 256]) -> &mut Self {
        let mut rest = text;
        while !rest.is_empty() {
            let odd = rest.iter().position(|&byte| !plain[usize::from(byte)]);
            let (clean, after) = rest.split_at(odd.unwrap_or(rest.len()));
            self.put(clean);
            if let Some((&byte, after)) = after.split_first() {
                let digit = |four: u8| b"0123456789ABCDEF"[usize::from(four & 15)];
                self.put(&[b'%', digit(byte >> 4), digit(byte)]);
                rest = after;
            } else {
                rest = after;
            }
        }
        self
    }

    /// The length of the header's text so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Cuts the text.
    #[inline]
    pub fn truncate(&mut self, length: usize) {
        self.text.truncate(length);
    }

    /// Drops the text.
    #[inline]
    pub fn clear(&mut self) {
        self.text.truncate(0);
    }

    /// Ends a header.
    #[inline]
    pub fn end(&mut self, name: &'static CStr) {
        self.end_behind(0, name);
    }

    /// Ends a header, whose value is the text without its first `skipped` bytes.
    #[inline]
    pub fn end_behind(&mut self, skipped: usize, name: &'static CStr) {
        self.put_fixed([0]);
        if self.full || self.ended {
            return;
        }
        if let Some((_, value)) = self.text.bytes().get(skipped..).and_then(|text| text.split_last()) {
            self.ended = !(self.each)(name, value);
        }
        if !self.ended {
            self.clear();
        }
    }

    /// Writes a header with a text of fixed length, and behind a comma another one. Returns whether there was room.
    #[inline(always)]
    pub fn send_pair<const N: usize>(&mut self, name: &'static CStr, first: &[u8; N], second: Option<&[u8]>) -> bool {
        let second = second.unwrap_or_default();
        let length = N + usize::from(!second.is_empty()) + second.len();
        let Some(place) = self.text.once(length + 1) else { return false };
        let Some((head, rest)) = place.split_first_chunk_mut::<N>() else { return false };
        *head = *first;
        if let Some((comma, rest)) = rest.split_first_mut() {
            *comma = if second.is_empty() { 0 } else { b',' };
            if let Some((nul, rest)) = rest.split_last_mut() {
                memory::copy(rest, second);
                *nul = 0;
            }
        }
        if !self.ended {
            self.ended = !(self.each)(name, &place[..length]);
        }
        true
    }

    /// Writes a header whose value was not collected. A NUL must follow it.
    #[inline(always)]
    pub fn send(&mut self, name: &'static CStr, value: &[u8]) {
        if !self.ended {
            self.ended = !(self.each)(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_rates_do_not_say_that_all_traces_are_kept() {
        for rate in [1e-3, 1e-16, 1e-17, f64::MIN_POSITIVE] {
            let consistent = Consistent::of(1, rate, true).expect("a rate above 0");
            assert!(consistent.rv < 1 << 56, "{rate}: {consistent:?}");
            let mut room = [0; 16];
            assert!(consistent.th(&mut room).starts_with(b"ff"), "{rate}: {consistent:?}");
        }
    }
}
