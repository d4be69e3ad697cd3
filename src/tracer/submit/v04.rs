//! Takes a payload of the format v0.4 from a host: an array of chunks, each an array of spans, each a map. Checks the whole
//! payload before it adds the first span, so that a payload is taken as a whole or not at all.

mod attributes;

use super::{Given, Submission};
use crate::counters::Counters;
use crate::event::dropped::SubmitFault;
use crate::span::open::OpenSpan;
use crate::span::reader::{Items, Number, Reader};
use crate::span::structured;
use crate::tracer::spans::{count_sanitized, At};

const PRIORITY: &[u8] = b"_sampling_priority_v1";
const DECISION_MAKER: &[u8] = b"_dd.p.dm";
const ID_HIGH: &[u8] = b"_dd.p.tid";
const TOP_LEVEL: &[u8] = b"_dd.top_level";

/// Functions that set a tag of a span as the C API does, and count what they change or drop.
#[derive(Clone, Copy)]
pub struct Setters {
    /// Sets a text.
    pub text: fn(&mut OpenSpan, At<'_>, &[u8], &[u8]),
    /// Sets a number.
    pub number: fn(&mut OpenSpan, At<'_>, &[u8], f64),
}

/// Adds every span of a payload, or refuses the payload.
pub fn payload(submission: &mut Submission, bytes: &[u8], set: Setters) {
    let mut spans = 0;
    if let Err(why) = check(bytes, &mut spans) {
        return submission.refuse(spans, why);
    }
    let mut reader = Reader::new(bytes);
    for _ in 0..reader.array().unwrap_or_default() {
        let added = chunk(submission, &mut reader, set);
        debug_assert!(added.is_some(), "the payload was checked");
    }
}

/// Checks a payload. Counts in `spans` the spans that it has read, including the one at fault.
fn check(bytes: &[u8], spans: &mut u64) -> Result<(), SubmitFault> {
    let mut reader = Reader::new(bytes);
    for _ in 0..reader.array().ok_or(SubmitFault::NotV04)? {
        let mut of_chunk = None;
        for _ in 0..reader.array().ok_or(SubmitFault::NotV04)? {
            *spans += 1;
            let given = Span::read(&mut reader).ok_or(SubmitFault::NotV04)?.given;
            if given.trace_id_low == 0 || given.span_id == 0 {
                return Err(SubmitFault::NoId);
            }
            if *of_chunk.get_or_insert(given.trace_id_low) != given.trace_id_low {
                return Err(SubmitFault::OtherTrace);
            }
        }
    }
    if reader.is_empty() {
        Ok(())
    } else {
        Err(SubmitFault::NotV04)
    }
}

/// Adds the spans of a chunk, and sends them.
fn chunk(submission: &mut Submission, reader: &mut Reader<'_>, set: Setters) -> Option<()> {
    let count = reader.array()?;
    let facts = Facts::of_chunk(*reader, count)?;
    submission.marked = facts.marked;
    for _ in 0..count {
        let span = Span::read(reader)?;
        let given = Given { trace_id_high: facts.trace_id_high, priority: facts.priority, ..span.given };
        submission.add(&given, |open, at| span.fill(open, at, &facts, set));
    }
    submission.send();
    submission.marked = false;
    Some(())
}

/// What tags of any span say about its whole chunk. The first one of each counts.
#[derive(Debug, Default)]
struct Facts {
    trace_id_high: u64,
    priority: Option<i32>,
    /// The host has marked top-level spans.
    marked: bool,
}

impl Facts {
    fn of_chunk(mut reader: Reader<'_>, count: usize) -> Option<Facts> {
        let mut facts = Facts::default();
        for _ in 0..count {
            let span = Span::read(&mut reader)?;
            span.meta.each(|key, value| {
                if key == ID_HIGH && facts.trace_id_high == 0 {
                    facts.trace_id_high = id_high(value.text_or_nil()?).unwrap_or_default();
                    return Some(());
                }
                value.text_or_nil().map(drop)
            });
            span.metrics.each(|key, value| {
                let number = value.number()?;
                match key {
                    PRIORITY => facts.priority = facts.priority.or(priority(number)),
                    TOP_LEVEL => facts.marked = true,
                    _ => {}
                }
                Some(())
            });
        }
        Some(facts)
    }

    /// Whether the chunk's decision or trace id stands for this text, which is then no tag of a span.
    fn replaces_text(&self, key: &[u8], value: &[u8]) -> bool {
        match key {
            ID_HIGH => self.trace_id_high != 0 && id_high(value) == Some(self.trace_id_high),
            // Of no decision that came along.
            DECISION_MAKER => self.priority.is_none(),
            _ => false,
        }
    }
}

/// The high half of a trace id, from 16 hexadecimal digits.
fn id_high(text: &[u8]) -> Option<u64> {
    let is_hex = text.len() == 16 && text.iter().all(u8::is_ascii_hexdigit);
    u64::from_str_radix(std::str::from_utf8(text).ok().filter(|_| is_hex)?, 16).ok()
}

/// A sampling priority. The smallest number of 32 bits stands for none.
fn priority(number: Number) -> Option<i32> {
    let number = number.float();
    (number.is_finite() && number > f64::from(i32::MIN) && number <= f64::from(i32::MAX)).then_some(number as i32)
}

/// A span of a payload. Everything in it was checked.
#[derive(Debug, Default)]
struct Span<'a> {
    given: Given<'a>,
    meta: Items<'a>,
    metrics: Items<'a>,
    blobs: Items<'a>,
    links: Items<'a>,
    events: Items<'a>,
    /// Fields that this library does not know.
    unknown: u64,
}

impl<'a> Span<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Span<'a>> {
        let mut span = Span::default();
        let given = &mut span.given;
        for _ in 0..reader.map()? {
            match reader.text()? {
                b"name" => given.texts[0] = reader.text_or_nil()?,
                b"service" => given.texts[1] = reader.text_or_nil()?,
                b"resource" => given.texts[2] = reader.text_or_nil()?,
                b"type" => given.texts[3] = reader.text_or_nil()?,
                b"trace_id" => given.trace_id_low = reader.number()?.id()?,
                b"span_id" => given.span_id = reader.number()?.id()?,
                b"parent_id" => given.parent_id = reader.number()?.id()?,
                b"start" => given.start_ns = reader.number()?.integer()?,
                b"duration" => given.duration_ns = reader.number()?.integer()?,
                b"error" => given.error = reader.number()?.integer()? != 0,
                b"meta" => span.meta = Items::map(reader, |_, value| value.text_or_nil().map(drop))?,
                b"metrics" => span.metrics = Items::map(reader, |_, value| value.number().map(drop))?,
                b"meta_struct" => span.blobs = Items::map(reader, |_, value| value.text().map(drop))?,
                b"span_links" => span.links = Items::array(reader, |link| attributes::link(link).map(drop))?,
                b"span_events" => span.events = Items::array(reader, |event| attributes::event(event).map(drop))?,
                _ => {
                    reader.skip()?;
                    span.unknown += 1;
                }
            }
        }
        Some(span)
    }

    /// Sets the span's tags, links and events.
    fn fill(&self, span: &mut OpenSpan, at: At<'_>, facts: &Facts, set: Setters) {
        self.meta.each(|key, value| {
            let value = value.text_or_nil()?;
            if !facts.replaces_text(key, value) {
                (set.text)(span, at, key, value);
            }
            Some(())
        });
        self.metrics.each(|key, value| {
            let number = value.number()?;
            if key != PRIORITY || facts.priority.is_none() {
                (set.number)(span, at, key, number.float());
            }
            Some(())
        });
        let mut dropped = self.unknown;
        self.blobs.each(|key, value| {
            let blob = value.text()?;
            if key.is_empty() || !structured::is_map(blob) {
                dropped += 1;
            } else {
                count_sanitized(at, span.add_blob(key, blob));
            }
            Some(())
        });
        for (link, of_link) in self.links.elements(attributes::link) {
            let added = span.add_link(&link, |appending| attributes::append_texts(appending, of_link));
            dropped += counted(at, added);
        }
        for (event, of_event) in self.events.elements(attributes::event) {
            let added = span.add_event(&event, |appending| attributes::append(appending, of_event));
            dropped += counted(at, added);
        }
        Counters::add(&at.counters().tags_dropped, dropped);
    }
}

/// Counts what adding a link or an event did, and returns how many of its attributes were dropped.
fn counted(at: At<'_>, added: Result<(u64, crate::span::encode::Sanitized), crate::span::open::Refusal>) -> u64 {
    let dropped = added.as_ref().map_or(0, |(dropped, _)| *dropped);
    count_sanitized(at, added.map(|(_, sanitized)| sanitized));
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_of_any_bytes_is_refused_or_read_whole() {
        let span = b"\x83\xa8trace_id\x01\xa7span_id\x02\xa4meta\x81\xa1a\xa1b";
        let good = [&b"\x91\x91"[..], span].concat();
        let checked = |bytes: &[u8]| {
            let mut spans = 0;
            (check(bytes, &mut spans), spans)
        };
        assert_eq!(checked(&good), (Ok(()), 1));
        assert_eq!(checked(b"\x90"), (Ok(()), 0));
        assert_eq!(checked(b"\x91\x90"), (Ok(()), 0));
        for end in 0..good.len() {
            assert_eq!(checked(&good[..end]).0, Err(SubmitFault::NotV04), "{end}");
        }
        // Any byte changed to any other is read or refused, and never read beyond the end.
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut changed = good.clone();
                changed[at] = byte;
                let _ = checked(&changed);
            }
        }
    }

    #[test]
    fn priorities_and_high_halves_are_taken_only_if_they_are_some() {
        for (number, taken) in [
            (Number::Float(2.0), Some(2)),
            (Number::Negative(-1), Some(-1)),
            (Number::Unsigned(1), Some(1)),
            (Number::Float(f64::NAN), None),
            (Number::Float(f64::from(i32::MIN)), None),
            (Number::Unsigned(u64::MAX), None),
        ] {
            assert_eq!(priority(number), taken, "{number:?}");
        }
        assert_eq!(id_high(b"640cfd8d00000000"), Some(0x640c_fd8d_0000_0000));
        for text in [&b"640cfd8d0000000"[..], b"+40cfd8d00000000", b"640cfd8d0000000g", b""] {
            assert_eq!(id_high(text), None);
        }
    }
}
