//! The style `datadog`: ids in decimal, one header for each value, tags of the trace as a list of pairs.

use super::config::Packed;
use super::found::{Found, Misread};
use super::headers::{Field, Fields};
use super::keys::{KEPT_RATE, ORIGIN, TRAVELS};
use super::style::{Known, Style};
use super::text::{decimal, decimal_of, each_part, find, hex, is_printable, signed, split, Digits, Upper};
use super::writer::{Fault, Writer};
use crate::sys::sixteen::sixteen_digits;

pub const STYLE: Style = Style {
    names: &["datadog"],
    headers: &[
        Field::first("x-datadog-trace-id"),
        Field::first("x-datadog-parent-id"),
        Field::first("x-datadog-sampling-priority"),
        Field::first("x-datadog-origin"),
        Field::first("x-datadog-tags"),
    ],
    extract: Some(extract),
    inject,
};

/// The longest origin.
pub(super) const ORIGIN_MAX: usize = 256;
const TID: &[u8] = b"_dd.p.tid=";
const MECHANISM: &[u8] = b"_dd.p.dm=";
/// The length of the usual tags: a decision maker of one digit, and the high half of the trace id.
const USUAL_TAGS: usize = 38;
/// The longest malformed value that an error repeats.
const REPEATED_MAX: usize = 64;

fn extract<'a>(fields: Fields<'a>, config: &Packed, _: &Known, found: &mut Found<'a>) -> bool {
    let id = |n| fields.get(n).and_then(decimal);
    let Some(trace_id_low) = id(0).filter(|&id| id != 0) else { return false };
    let origin = fields.get(3).filter(|origin| origin.len() <= ORIGIN_MAX && is_printable(origin));
    // Only a trace that a system without spans began has no parent.
    let Some(span_id) = id(1).or(origin.map(|_| 0)) else { return false };
    (found.trace_id_low, found.span_id, found.origin) = (trace_id_low, span_id, origin);
    found.priority = match fields.get(2) {
        Some([digit @ b'0'..=b'9']) => Some(i32::from(digit - b'0')),
        priority => priority.and_then(signed),
    };
    if let Some(tags) = fields.get(4) {
        read_tags(tags, config, found);
    }
    true
}

fn read_tags<'a>(tags: &'a [u8], config: &Packed, found: &mut Found<'a>) {
    if tags.len() > config.tags_max() {
        found.fault = (config.tags_max() > 0).then_some(Misread::TooLong);
        return;
    }
    if let Some((mechanism, id)) = usual_tags(tags) {
        (found.mechanism, found.trace_id_high) = (Some(mechanism), id);
        return;
    }
    let (mut fault, mut is_broken, mut has_tags) = (None, false, false);
    let (mut tid, mut mechanism) = (0, None);
    let mut rest = Some(tags.strip_suffix(b",").unwrap_or(tags));
    while let Some(list) = rest {
        // The usual forms of the usual tags, for which no separator has to be found.
        if let Some((id, after)) = usual_tid(list) {
            (tid, rest) = (id, after);
            continue;
        }
        if let Some((number, after)) = usual_mechanism(list) {
            (mechanism, rest) = (Some(number), after);
            continue;
        }
        let (pair, after) = split(list, b',');
        rest = after;
        is_broken |= !is_printable(pair);
        if let Some(value) = pair.strip_prefix(TID) {
            match hex(value, Upper::Refused).filter(|&id| value.len() == 16 && id != 0) {
                Some(id) => tid = id,
                None => fault = fault.or(Some(Misread::TraceIdHigh(&value[..value.len().min(REPEATED_MAX)]))),
            }
        } else if let Some(value) = pair.strip_prefix(MECHANISM) {
            match mechanism_of(value) {
                Some(number) => mechanism = Some(number),
                None => fault = Some(Misread::Decoding),
            }
        } else if let (key, Some(_)) = split(pair, b'=') {
            is_broken |= key.is_empty() || find(key, b' ').is_some();
            has_tags = true;
        } else {
            is_broken = true;
        }
    }
    if is_broken {
        found.fault = Some(Misread::Decoding);
        return;
    }
    (found.trace_id_high, found.mechanism, found.fault) = (tid, mechanism, fault);
    found.tags = has_tags.then_some(tags);
}

/// Reads tags in the form in which they are written most often.
#[inline(always)]
fn usual_tags(tags: &[u8]) -> Option<(i32, u64)> {
    let tags: &[u8; USUAL_TAGS] = tags.try_into().ok()?;
    let digit = tags[10].wrapping_sub(b'0');
    if tags[..10] != *b"_dd.p.dm=-" || tags[11..22] != *b",_dd.p.tid=" || digit > 9 {
        return None;
    }
    let id = sixteen_digits(tags.last_chunk()?, Upper::Refused).filter(|&id| id != 0)?;
    Some((-i32::from(digit), id))
}

/// A list without its first pair.
type After<'a> = Option<&'a [u8]>;

/// Returns what follows the first pair of a list, which ends at `at`. `None` if it does not end there.
#[inline(always)]
fn after_pair(list: &[u8], at: usize) -> Option<After<'_>> {
    match list.get(at) {
        None => Some(None),
        Some(b',') => Some(Some(&list[at + 1..])),
        Some(_) => None,
    }
}

/// Reads `_dd.p.tid` with 16 digits.
#[inline(always)]
fn usual_tid(list: &[u8]) -> Option<(u64, After<'_>)> {
    let digits = list.strip_prefix(TID)?.first_chunk()?;
    let after = after_pair(list, TID.len() + digits.len())?;
    sixteen_digits(digits, Upper::Refused).filter(|&id| id != 0).map(|id| (id, after))
}

/// Reads `_dd.p.dm` with one digit.
#[inline(always)]
fn usual_mechanism(list: &[u8]) -> Option<(i32, After<'_>)> {
    let [b'-', digit @ b'0'..=b'9', ..] = list.strip_prefix(MECHANISM)? else { return None };
    Some((-i32::from(digit - b'0'), after_pair(list, MECHANISM.len() + 2)?))
}

/// Reads the number of a decision maker: a minus sign and digits.
pub(super) fn mechanism_of(text: &[u8]) -> Option<i32> {
    text.starts_with(b"-").then(|| signed(text)).flatten()
}

fn is_key(key: &[u8]) -> bool {
    let has = |byte| find(key, byte).is_some();
    !key.is_empty() && is_printable(key) && !has(b' ') && !has(b',') && !has(b'=')
}

fn is_value(value: &[u8]) -> bool {
    is_printable(value) && find(value, b',').is_none()
}

/// Visits the tags of `x-datadog-tags` that travel, without those that are values of their own.
pub(super) fn each_tag<'a>(tags: &'a [u8], mut visit: impl FnMut(&'a [u8], &'a [u8])) {
    each_part(tags, b',', |pair| {
        if let (key, Some(value)) = split(pair, b'=') {
            if key.starts_with(TRAVELS) && key != b"_dd.p.tid" && key != b"_dd.p.dm" {
                visit(key, value);
            }
        }
    });
}

fn inject(writer: &mut Writer<'_, '_>) {
    let out = writer.out;
    if out.trace_id_low == 0 {
        return;
    }
    writer.send(c"x-datadog-trace-id", decimal_of(out.trace_id_low, &mut Digits::default()));
    writer.send(c"x-datadog-parent-id", decimal_of(out.span_id, &mut Digits::default()));
    match out.priority {
        None => {}
        Some(digit @ 0..=9) => writer.send(c"x-datadog-sampling-priority", &[b'0' + digit as u8, 0][..1]),
        Some(priority) => writer.signed(priority).end(c"x-datadog-sampling-priority"),
    }
    let limit = writer.config.tags_max();
    if !writer.has_tags && limit >= USUAL_TAGS {
        if let (Some(-9..=0), None, 1..) = (out.mechanism, out.kept_rate, out.trace_id_high) {
            let mut tags = *b"_dd.p.dm=-0,_dd.p.tid=0000000000000000\0";
            tags[10] += out.mechanism.unwrap_or(0).unsigned_abs() as u8;
            tags[22..USUAL_TAGS].copy_from_slice(&writer.hex.high);
            writer.send(c"x-datadog-tags", &tags[..USUAL_TAGS]);
            return;
        }
    }
    let (mut origin, mut fault) = (&b""[..], None);
    // Each pair follows a comma, the first one too, which is not sent.
    let is_open = |writer: &Writer<'_, '_>| writer.len() <= limit + 1;
    writer.each_tag(|writer, key, value| {
        if key == ORIGIN {
            origin = value;
        } else if key.starts_with(TRAVELS) && limit > 0 {
            match is_key(key) && is_value(value) {
                true if is_open(writer) => drop(writer.put(b",").put(key).put(b"=").put(value)),
                true => {}
                false => fault = Some(Fault::Encoding),
            }
        }
    });
    if limit > 0 {
        match out.mechanism.map(i32::unsigned_abs).filter(|_| is_open(writer)) {
            None => {}
            Some(digit @ 0..=9) => drop(writer.put_fixed(*b",_dd.p.dm=-").put_fixed([b'0' + digit as u8])),
            Some(number) => drop(writer.put_fixed(*b",_dd.p.dm=-").decimal(number.into())),
        }
        if let Some(rate) = out.kept_rate.filter(|_| is_open(writer)) {
            writer.put(b",").put(KEPT_RATE).put(b"=").put(rate);
        }
        if out.trace_id_high != 0 && is_open(writer) {
            let high = writer.hex.high;
            writer.put_fixed(*b",_dd.p.tid=").put_fixed(high);
        }
    }
    if !is_open(writer) {
        fault = Some(Fault::TooLong);
        writer.clear();
    }
    if writer.len() > 0 {
        writer.end_behind(1, c"x-datadog-tags");
    }
    writer.fault = writer.fault.or(fault);
    if !origin.is_empty() && is_printable(origin) {
        writer.put(origin).end(c"x-datadog-origin");
    }
}
