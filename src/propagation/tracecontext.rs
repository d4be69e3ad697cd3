//! The style `tracecontext` of the W3C: `traceparent` with ids and the flag "sampled", `tracestate` with a member for each
//! vendor.

use super::config::Packed;
use super::dd_member;
use super::found::Found;
use super::headers::{Field, Fields, Repeated};
use super::keys::TRACESTATE;
use super::style::{Known, Style};
use super::text::{each_part, find, hex_byte, hex_of, is_printable, trim, Upper};
use super::writer::Writer;
use crate::memory::{self, Buffer, Full};
use crate::span::texts;
use crate::sys::sixteen::{bits, sixteen_digits, BLOCK};

pub const STYLE: Style = Style {
    names: &["tracecontext"],
    headers: &[
        Field { name: "traceparent", repeated: Repeated::Void },
        Field { name: "tracestate", repeated: Repeated::List },
    ],
    extract: Some(extract),
    inject,
};

/// The length of a traceparent of version 00.
const PARENT: usize = 55;
/// A longer tracestate is ignored.
const STATE_MAX: usize = 8192;
/// The most members of other vendors that are handed on, and their length together and each.
const MEMBERS_MAX: usize = 31;
const FOREIGN_MAX: usize = 4096;
const MEMBER_MAX: usize = 512;

fn extract<'a>(fields: Fields<'a>, _: &Packed, known: &Known, found: &mut Found<'a>) -> bool {
    let Some((high, low, span_id, flags)) = fields.get(0).and_then(|text| parent(text, known)) else { return false };
    (found.trace_id_high, found.trace_id_low, found.span_id) = (high, low, span_id);
    found.priority = Some(i32::from(flags & 1));
    if let Some(state) = fields.get(1).filter(|state| state.len() <= STATE_MAX) {
        found.tracestate = Some(state);
        match dd_member::read_usual(state, flags & 1 == 1, found) {
            Some(after) => found.foreign = after.filter(|after| !after.is_empty()),
            None => read_members(state, flags & 1 == 1, found),
        }
    }
    true
}

/// Reads a tracestate that does not begin with the usual member `dd`.
fn read_members<'a>(state: &'a [u8], sampled: bool, found: &mut Found<'a>) {
    let (mut dd, mut from, mut to, mut at) = (None, usize::MAX, 0, 0);
    each_part(state, b',', |member| {
        let trimmed = trim(member);
        if let [b'd', b'd', b'=', value @ ..] = trimmed {
            dd = dd.or(Some(value));
        } else if !trimmed.is_empty() {
            (from, to) = (from.min(at), at + member.len());
        }
        at += member.len() + 1;
    });
    found.foreign = state.get(from..to);
    if let Some(dd) = dd {
        dd_member::read(dd, sampled, found);
    }
}

/// Reads a traceparent: the halves of the trace id, the span and the flags.
#[inline]
fn parent(text: &[u8], ids: &Known) -> Option<(u64, u64, u64, u8)> {
    let known = text.first_chunk::<PARENT>()?;
    if known[2] != b'-' || known[35] != b'-' || known[52] != b'-' {
        return None;
    }
    let version = if known[..2] == *b"00" { 0 } else { hex_byte(known[0], known[1])? };
    match (version, text.get(PARENT)) {
        (0xff, _) | (0, Some(_)) => return None,
        (_, Some(&byte)) if byte != b'-' => return None,
        _ => {}
    }
    let [trace_id_high, trace_id_low, span_id] = if has_ids(known, ids) {
        *ids
    } else {
        [number_at::<3>(known)?, number_at::<19>(known)?, number_at::<36>(known)?]
    };
    let flags = match known[53..] {
        [b'0', flag @ (b'0' | b'1')] => flag - b'0',
        _ => hex_byte(known[53], known[54])?,
    };
    (trace_id_low != 0 && span_id != 0).then_some((trace_id_high, trace_id_low, span_id, flags))
}

/// Whether a traceparent has these ids, which most often those of `datadog` are.
#[inline(always)]
fn has_ids(known: &[u8; PARENT], &[high, low, span]: &Known) -> bool {
    low != 0 && known[3..19] == hex_of(high) && known[19..35] == hex_of(low) && known[36..52] == hex_of(span)
}

/// The number of 16 hexadecimal digits in a traceparent.
#[inline(always)]
fn number_at<const AT: usize>(known: &[u8; PARENT]) -> Option<u64> {
    sixteen_digits(known[AT..].first_chunk()?, Upper::Refused)
}

/// Adds the members of other vendors, in their order, to the tags of a trace.
pub(super) fn keep_foreign(state: &[u8], tags: &mut Buffer) -> Result<(), Full> {
    // Usually it is one member, or as it must be.
    if state.len() <= BLOCK && is_one_member(state) {
        return texts::push_known(tags, b"tracestate", state);
    }
    if state.len() <= FOREIGN_MAX {
        let (mut members, mut is_clean) = (0, true);
        each_part(state, b',', |member| {
            is_clean &= is_foreign(member) && trim(member).len() == member.len();
            members += 1;
        });
        if is_clean && members <= MEMBERS_MAX {
            return texts::push(tags, TRACESTATE, state);
        }
    }
    keep_cleaned(state, tags)
}

/// Whether a text of at most 64 bytes is one member of another vendor, without blanks around it.
#[inline(always)]
fn is_one_member(text: &[u8]) -> bool {
    let is_odd = bits(text, |bytes| bytes.unprintable() | bytes.equal(b',')) != 0;
    let is_pair = bits(text, |bytes| bytes.equal(b'=')) != 0;
    !is_odd && is_pair && trim(text).len() == text.len() && !text.starts_with(b"dd=")
}

/// Whether a member without blanks around it is of another vendor, and within the limits.
#[inline(always)]
fn is_foreign(member: &[u8]) -> bool {
    !member.starts_with(b"dd=") && member.len() <= MEMBER_MAX && find(member, b'=').is_some() && is_printable(member)
}

/// Adds the members that may be handed on.
fn keep_cleaned(state: &[u8], tags: &mut Buffer) -> Result<(), Full> {
    let (before, mut length, mut members) = (tags.len(), 0, 0);
    let end = state.len().min(FOREIGN_MAX);
    let place = texts::push_room(tags, [TRACESTATE, b""], end)?;
    each_part(state, b',', |member| {
        let member = trim(member);
        if members == MEMBERS_MAX || !is_foreign(member) {
            return;
        }
        let comma = usize::from(length > 0);
        match place.get_mut(length..length + comma + member.len()) {
            Some(place) => {
                place[..comma].fill(b',');
                memory::copy(&mut place[comma..], member);
                (length, members) = (length + comma + member.len(), members + 1);
            }
            None => members = MEMBERS_MAX,
        }
    });
    texts::shorten_last(tags, before, [TRACESTATE, b""], end, length);
    Ok(())
}

fn inject(writer: &mut Writer<'_, '_>) {
    let out = writer.out;
    if out.trace_id_low == 0 || out.span_id == 0 {
        return;
    }
    let mut parent = *b"00-00000000000000000000000000000000-0000000000000000-00\0";
    parent[3..19].copy_from_slice(&writer.hex.high);
    parent[19..35].copy_from_slice(&writer.hex.low);
    parent[36..52].copy_from_slice(&writer.hex.span);
    parent[54] = b'0' + u8::from(out.priority > Some(0));
    writer.send(c"traceparent", &parent[..PARENT]);
    if out.consistent.is_none() {
        if let Some(member) = dd_member::usual(writer) {
            if writer.send_pair(c"tracestate", &member, writer.foreign) {
                return;
            }
        }
    }
    dd_member::write(writer);
    if let Some(consistent) = out.consistent {
        let mut room = [0; 16];
        writer.put(b",ot=rv:").put(&hex_of(consistent.rv)[2..]).put(b";th:").put(consistent.th(&mut room));
    }
    if let Some(foreign) = writer.foreign {
        if out.consistent.is_none() {
            writer.put(b",").put(foreign);
        } else {
            put_without_ot(writer, foreign);
        }
    }
    writer.end(c"tracestate");
}

/// Writes the members of other vendors behind one of our own with the name `ot`.
#[cold]
fn put_without_ot(writer: &mut Writer<'_, '_>, foreign: &[u8]) {
    let mut left = MEMBERS_MAX - 1;
    each_part(foreign, b',', |member| {
        if left > 0 && !member.starts_with(b"ot=") {
            writer.put(b",").put(member);
            left -= 1;
        }
    });
}
