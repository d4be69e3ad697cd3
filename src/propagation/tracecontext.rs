//! The style `tracecontext` of the W3C: `traceparent` with ids and the flag "sampled", `tracestate` with a member for each
//! vendor.

use super::config::Config;
use super::dd_member;
use super::found::{Found, Harvest};
use super::headers::{Field, Fields, Repeated};
use super::keys::TRACESTATE;
use super::style::Style;
use super::text::{each_part, find, hex, hex_byte, hex_of, is_printable, trim, Upper};
use super::writer::{Hex, Writer};
use crate::memory::{self, Buffer, Full};
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

fn extract<'a>(fields: &Fields<'a>, _: &Config, harvest: &mut Harvest<'a>) {
    let Some(found) = fields.get(0).and_then(parent) else { return };
    let found = harvest.found.insert(found);
    if let Some(state) = fields.get(1).filter(|state| state.len() <= STATE_MAX) {
        found.tracestate = state;
        let mut dd = None;
        each_part(state, b',', |member| match trim(member) {
            [b'd', b'd', b'=', value @ ..] => dd = dd.or(Some(value)),
            member => found.has_foreign |= !member.is_empty(),
        });
        if let Some(dd) = dd {
            dd_member::read(dd, found.priority == Some(1), found);
        }
    }
}

#[inline]
fn parent<'a>(text: &[u8]) -> Option<Found<'a>> {
    let known = text.get(..PARENT)?;
    if known[2] != b'-' || known[35] != b'-' || known[52] != b'-' {
        return None;
    }
    let number = |from: usize| hex(&known[from..from + 16], Upper::Refused);
    match (hex_byte(known[0], known[1])?, text.get(PARENT)) {
        (0xff, _) | (0, Some(_)) => return None,
        (_, Some(&byte)) if byte != b'-' => return None,
        _ => {}
    }
    let (trace_id_high, trace_id_low) = (number(3)?, number(19)?);
    let (span_id, flags) = (number(36)?, hex_byte(known[53], known[54])?);
    let priority = Some(i32::from(flags & 1));
    let found = Found { trace_id_high, trace_id_low, span_id, priority, ..Found::default() };
    (trace_id_low != 0 && span_id != 0).then_some(found)
}

/// Adds the members of other vendors, in their order, to the tags of a trace.
pub(super) fn keep_foreign(state: &[u8], tags: &mut Buffer) -> Result<(), Full> {
    let (before, mut length, mut members) = (tags.len(), 0, 0);
    let end = state.len().min(FOREIGN_MAX);
    let place = texts::push_room(tags, [TRACESTATE, b""], end)?;
    each_part(state, b',', |member| {
        let member = trim(member);
        let is_foreign = !member.starts_with(b"dd=") && member.len() <= MEMBER_MAX;
        if members == MEMBERS_MAX || !is_foreign || find(member, b'=').is_none() || !is_printable(member) {
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
