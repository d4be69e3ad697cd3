//! The member `dd` of tracestate: `key:value` parts, separated by semicolons. `s` is the priority, `o` the origin, `p` the
//! last span of a Datadog tracer, `t.` begins the name of a tag of the trace.

use super::datadog::{mechanism_of, ORIGIN_MAX};
use super::found::Found;
use super::keys::{ORIGIN, TRACESTATE_DD, TRAVELS};
use super::text::{each_part, hex, hex_of, is_printable, signed, split, Upper};
use super::writer::Writer;
use crate::memory::{Buffer, Full};
use crate::span::texts;

/// The longest member that is read.
const READ_MAX: usize = 512;
/// The longest member that is written, with `dd=`.
const WRITTEN_MAX: usize = 256;

/// Reads the parts that are values of their own. `sampled` is the flag of traceparent, which wins where they disagree.
pub(super) fn read<'a>(member: &'a [u8], sampled: bool, found: &mut Found<'a>) {
    if member.len() > READ_MAX || !is_printable(member) {
        return;
    }
    found.dd = member;
    each_part(member, b';', |part| match split(part, b':') {
        (b"s", Some(value)) => {
            if let Some(priority) = signed(value).filter(|&priority| (priority > 0) == sampled) {
                found.priority = Some(priority);
            }
        }
        (b"p", Some(value)) if value.len() == 16 => found.last_parent = hex(value, Upper::Refused),
        (b"t.dm", Some(value)) => found.mechanism = mechanism_of(value),
        _ => {}
    });
}

/// What of a member is kept in the tags of a trace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Origin and tags, and what is not known.
    All,
    /// Only what is not known, because another style has the rest.
    Unknown,
}

/// Adds the parts that are kept to the tags of a trace.
pub(super) fn keep(member: &[u8], kept: Kept, tags: &mut Buffer) -> Result<(), Full> {
    let (mut result, mut unknown) = (Ok(()), [0u8; READ_MAX]);
    let mut length = 0;
    let mut room = [0u8; READ_MAX];
    each_part(member, b';', |part| {
        let (key, Some(value)) = split(part, b':') else { return };
        match key {
            b"s" | b"p" | b"t.dm" | b"t.tid" => {}
            b"o" if value.len() <= ORIGIN_MAX => {
                if kept == Kept::All && !value.is_empty() {
                    result = result.and_then(|()| texts::push(tags, ORIGIN, decoded(value, &mut room)));
                }
            }
            [b't', b'.', name @ ..] if !name.is_empty() => {
                if kept == Kept::All {
                    let mut key = [0u8; READ_MAX + TRAVELS.len()];
                    let length = TRAVELS.len() + name.len();
                    if let Some(key) = key.get_mut(..length) {
                        key[..TRAVELS.len()].copy_from_slice(TRAVELS);
                        key[TRAVELS.len()..].copy_from_slice(name);
                        result = result.and_then(|()| texts::push(tags, key, decoded(value, &mut room)));
                    }
                }
            }
            _ => {
                if let Some(place) = unknown.get_mut(length..length + part.len() + 1) {
                    place[0] = b';';
                    place[1..].copy_from_slice(part);
                    length += part.len() + 1;
                }
            }
        }
    });
    match length {
        0 => result,
        _ => result.and_then(|()| texts::push(tags, TRACESTATE_DD, &unknown[1..length])),
    }
}

/// A value with `~` turned back into `=`.
fn decoded<'a>(value: &[u8], room: &'a mut [u8; READ_MAX]) -> &'a [u8] {
    let length = value.len().min(READ_MAX);
    for (place, &byte) in room.iter_mut().zip(value) {
        *place = if byte == b'~' { b'=' } else { byte };
    }
    &room[..length]
}

/// Writes the member. A part that would make it too long is left out.
#[inline]
pub(super) fn write(writer: &mut Writer<'_, '_>) {
    let out = *writer.out;
    writer.put(b"dd=p:").put(&hex_of(out.span_id));
    if let Some(priority) = out.priority {
        writer.put(b";s:").signed(priority);
    }
    texts::each(out.tags, |key, value| {
        let before = writer.len();
        if key == ORIGIN {
            writer.put(b";o:").mapped(value, encoded_value);
        } else if let Some(name) = key.strip_prefix(TRAVELS) {
            writer.put(b";t.").mapped(name, encoded_key).put(b":").mapped(value, encoded_value);
        } else if key == TRACESTATE_DD {
            writer.put(b";").put(value);
        }
        keep_short(writer, before);
    });
    let before = writer.len();
    if let Some(mechanism) = out.mechanism {
        writer.put(b";t.dm:-").decimal(mechanism.unsigned_abs().into());
        keep_short(writer, before);
    }
    let before = writer.len();
    if out.trace_id_high != 0 {
        writer.put(b";t.tid:").put(&hex_of(out.trace_id_high));
        keep_short(writer, before);
    }
}

#[inline]
fn keep_short(writer: &mut Writer<'_, '_>, before: usize) {
    if writer.len() > WRITTEN_MAX {
        writer.truncate(before);
    }
}

fn encoded_value(byte: u8) -> u8 {
    match byte {
        b'=' => b'~',
        b',' | b';' | b'~' => b'_',
        b' '..=b'~' => byte,
        _ => b'_',
    }
}

fn encoded_key(byte: u8) -> u8 {
    match byte {
        b',' | b';' | b'=' | b':' => b'_',
        b'!'..=b'~' => byte,
        _ => b'_',
    }
}
