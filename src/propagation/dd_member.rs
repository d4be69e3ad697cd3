//! The member `dd` of tracestate: `key:value` parts, separated by semicolons. `s` is the priority, `o` the origin, `p` the
//! last span of a Datadog tracer, `t.` begins the name of a tag of the trace.

use super::datadog::{mechanism_of, ORIGIN_MAX};
use super::found::Found;
use super::keys::{ORIGIN, TRACESTATE_DD, TRAVELS};
use super::text::{each_part, is_printable, signed, split};
use super::writer::{Hex, Writer};
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
    each_part(member, b';', |part| match part {
        [b's', b':', value @ ..] => {
            if let Some(priority) = signed(value).filter(|&priority| (priority > 0) == sampled) {
                found.priority = Some(priority);
            }
        }
        [b'p', b':', value @ ..] => {
            if value.len() == 16 {
                found.dd_parent = value;
            }
        }
        [b't', b'.', b'd', b'm', b':', value @ ..] => found.mechanism = mechanism_of(value),
        [b't', b'.', b't', b'i', b'd', b':', ..] | b"p" | b"t.tid" => {}
        _ => found.has_more = true,
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
    let (mut result, mut unknown) = (Ok(()), 0);
    each_part(member, b';', |part| {
        let (key, Some(value)) = split(part, b':') else { return };
        let added = match key {
            b"s" | b"p" | b"t.dm" | b"t.tid" => Ok(()),
            b"o" | [b't', b'.', _, ..] if kept == Kept::Unknown => Ok(()),
            b"o" if value.is_empty() || value.len() > ORIGIN_MAX => Ok(()),
            b"o" => push_decoded(tags, [ORIGIN, b""], value),
            [b't', b'.', name @ ..] if !name.is_empty() => push_decoded(tags, [TRAVELS, name], value),
            _ => {
                unknown += part.len() + 1;
                Ok(())
            }
        };
        result = result.and(added);
    });
    match unknown {
        0 => result,
        _ => result.and_then(|()| keep_unknown(member, unknown - 1, tags)),
    }
}

/// Adds what is not known, `length` bytes of it.
#[cold]
fn keep_unknown(member: &[u8], length: usize, tags: &mut Buffer) -> Result<(), Full> {
    let mut place = texts::push_room(tags, [TRACESTATE_DD, b""], length)?;
    each_part(member, b';', |part| {
        let (key, value) = split(part, b':');
        let is_known = matches!(key, b"s" | b"p" | b"o") || matches!(key, [b't', b'.', _, ..]);
        if value.is_some() && !is_known {
            let comma = usize::from(place.len() < length);
            if let Some((here, rest)) = std::mem::take(&mut place).split_at_mut_checked(comma + part.len()) {
                here[..comma].fill(b';');
                here[comma..].copy_from_slice(part);
                place = rest;
            }
        }
    });
    Ok(())
}

/// Adds a value with `~` turned back into `=`.
#[inline]
fn push_decoded(tags: &mut Buffer, key: [&[u8]; 2], value: &[u8]) -> Result<(), Full> {
    let place = texts::push_room(tags, key, value.len())?;
    place.copy_from_slice(value);
    place.iter_mut().for_each(|byte| *byte = if *byte == b'~' { b'=' } else { *byte });
    Ok(())
}

/// Writes the member. A part that would make it too long is left out.
pub(super) fn write(writer: &mut Writer<'_, '_>) {
    let out = *writer.out;
    let Hex { span, high, .. } = writer.hex;
    writer.put_all([b"dd=p:", &span]);
    match out.priority {
        None => {}
        Some(1) => drop(writer.put(b";s:1")),
        Some(priority) => drop(writer.put(b";s:").signed(priority)),
    }
    writer.each_tag(|writer, key, value| {
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
    if let Some(rate) = out.kept_rate {
        writer.put_all([b";t.ksr:", rate]);
        keep_short(writer, before);
    }
    let before = writer.len();
    if out.trace_id_high != 0 {
        writer.put_all([b";t.tid:", &high]);
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
