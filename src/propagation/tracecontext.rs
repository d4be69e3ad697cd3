//! The style `tracecontext` of the W3C: `traceparent` with ids and the flag "sampled", `tracestate` with a member for each
//! vendor.

use super::config::Config;
use super::dd_member;
use super::found::{Found, Harvest};
use super::headers::{Field, Fields, Repeated};
use super::keys::TRACESTATE;
use super::style::Style;
use super::text::{each_part, find, hex, hex_of, is_printable, trim, Upper};
use super::writer::{Hex, Writer};
use crate::memory::{Buffer, Full};
use crate::span::texts;

pub const STYLE: Style = Style {
    names: &["tracecontext"],
    headers: &[
        Field { name: "traceparent", repeated: Repeated::Void },
        Field { name: "tracestate", repeated: Repeated::List },
    ],
    extract,
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

fn extract<'a>(fields: &Fields<'a, '_>, _: &Config, harvest: &mut Harvest<'a>) {
    let Some(mut found) = fields.get(0).and_then(parent) else { return };
    if let Some(state) = fields.get(1).filter(|state| state.len() <= STATE_MAX) {
        found.tracestate = state;
        let mut dd = None;
        each_part(state, b',', |member| dd = dd.or_else(|| trim(member).strip_prefix(b"dd=")));
        if let Some(dd) = dd {
            dd_member::read(dd, found.priority == Some(1), &mut found);
        }
    }
    harvest.found = Some(found);
}

fn parent<'a>(text: &[u8]) -> Option<Found<'a>> {
    let known = text.get(..PARENT)?;
    if known[2] != b'-' || known[35] != b'-' || known[52] != b'-' {
        return None;
    }
    let number = |from: usize, to: usize| hex(&known[from..to], Upper::Refused);
    match (number(0, 2)?, text.get(PARENT)) {
        (0xff, _) | (0, Some(_)) => return None,
        (_, Some(&byte)) if byte != b'-' => return None,
        _ => {}
    }
    let (trace_id_high, trace_id_low) = (number(3, 19)?, number(19, 35)?);
    let (span_id, flags) = (number(36, 52)?, number(53, 55)?);
    let priority = Some((flags & 1) as i32);
    let found = Found { trace_id_high, trace_id_low, span_id, priority, ..Found::default() };
    (trace_id_low != 0 && span_id != 0).then_some(found)
}

/// Adds the members of other vendors, in their order, to the tags of a trace.
pub(super) fn keep_foreign(state: &[u8], tags: &mut Buffer) -> Result<(), Full> {
    let (mut length, mut members) = (0, 0);
    each_foreign(state, |member| {
        let is_kept = members < MEMBERS_MAX && length + member.len() + 1 <= FOREIGN_MAX;
        (length, members) = if is_kept { (length + member.len() + 1, members + 1) } else { (length, MEMBERS_MAX) };
    });
    if length == 0 {
        return Ok(());
    }
    let length = length - 1;
    let mut place = texts::push_room(tags, [TRACESTATE, b""], length)?;
    each_foreign(state, |member| {
        let comma = usize::from(place.len() < length);
        match std::mem::take(&mut place).split_at_mut_checked(comma + member.len()) {
            Some((here, rest)) => {
                here[..comma].fill(b',');
                here[comma..].copy_from_slice(member);
                place = rest;
            }
            // The first member behind the limits: all before it are there.
            None => {}
        }
    });
    Ok(())
}

fn each_foreign<'a>(state: &'a [u8], mut visit: impl FnMut(&'a [u8])) {
    each_part(state, b',', |member| {
        let member = trim(member);
        let is_foreign = !member.starts_with(b"dd=") && member.len() <= MEMBER_MAX;
        if is_foreign && find(member, b'=').is_some() && is_printable(member) {
            visit(member);
        }
    });
}

fn inject(writer: &mut Writer<'_, '_>) {
    let out = *writer.out;
    if out.trace_id_low == 0 || out.span_id == 0 {
        return;
    }
    let sampled: &[u8] = if out.priority > Some(0) { b"-01" } else { b"-00" };
    let Hex { high, low, span } = writer.hex;
    writer.put_all([b"00-", &high, &low, b"-", &span, sampled]).end(c"traceparent");
    dd_member::write(writer);
    if let Some(consistent) = out.consistent {
        let mut room = [0; 16];
        writer.put(b",ot=rv:").put(&hex_of(consistent.rv)[2..]).put(b";th:").put(consistent.th(&mut room));
    }
    texts::each(out.tags, |key, value| {
        if key == TRACESTATE {
            if out.consistent.is_none() {
                writer.put_all([b",", value]);
                return;
            }
            let mut left = MEMBERS_MAX - 1;
            each_part(value, b',', |member| {
                if left > 0 && !member.starts_with(b"ot=") {
                    writer.put_all([b",", member]);
                    left -= 1;
                }
            });
        }
    });
    writer.end(c"tracestate");
}
