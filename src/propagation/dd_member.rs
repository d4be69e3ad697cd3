//! The member `dd` of tracestate: `key:value` parts, separated by semicolons. `s` is the priority, `o` the origin, `p` the
//! last span of a Datadog tracer, `t.` begins the name of a tag of the trace.

use super::datadog::{mechanism_of, ORIGIN_MAX};
use super::found::Found;
use super::keys::{ORIGIN, TRACESTATE_DD, TRAVELS};
use super::text::{each_part, is_printable, signed, split};
use super::writer::{Hex, Writer};
use crate::memory::{Buffer, Full};
use crate::span::texts;
use crate::sys::sixteen::Sixteen;

/// The longest member that is read.
const READ_MAX: usize = 512;
/// The longest member that is written, with `dd=`.
const WRITTEN_MAX: usize = 256;

/// Reads the parts that are values of their own. `sampled` is the flag of traceparent, which wins where they disagree.
pub(super) fn read<'a>(member: &'a [u8], sampled: bool, found: &mut Found<'a>) {
    if member.len() > READ_MAX || !is_printable(member) {
        return;
    }
    found.dd = Some(member).filter(|member| !member.is_empty());
    each_part(member, b';', |part| match part {
        [b's', b':', value @ ..] => {
            if let Some(priority) = signed(value).filter(|&priority| (priority > 0) == sampled) {
                found.priority = Some(priority);
            }
        }
        [b'p', b':', value @ ..] => {
            if value.len() == 16 {
                found.dd_parent = Some(value);
            }
        }
        [b't', b'.', b'd', b'm', b':', value @ ..] => found.mechanism = mechanism_of(value),
        [b't', b'.', b't', b'i', b'd', b':', ..] | b"p" | b"t.tid" => {}
        _ => found.has_more = true,
    });
}

/// Reads the member if a tracestate begins with it, and it has no parts but `p`, `s`, `t.dm` and `t.tid` in their usual
/// form, for which no separator has to be found. Returns what follows the member; `None`, and nothing is read, if it has
/// another form.
#[inline]
pub(super) fn read_usual<'a>(state: &'a [u8], sampled: bool, found: &mut Found<'a>) -> Option<Option<&'a [u8]>> {
    let mut rest = state.strip_prefix(b"dd=")?;
    let (mut priority, mut parent, mut mechanism) = (found.priority, None, None);
    loop {
        let after = match rest {
            [b's', b':', digit @ b'0'..=b'9', after @ ..] => {
                let digit = i32::from(digit - b'0');
                priority = if (digit > 0) == sampled { Some(digit) } else { priority };
                after
            }
            [b'p', b':', after @ ..] => {
                parent = after.get(..16);
                plain_sixteen(after)?
            }
            [b't', b'.', b'd', b'm', b':', b'-', digit @ b'0'..=b'9', after @ ..] => {
                mechanism = Some(-i32::from(digit - b'0'));
                after
            }
            [b't', b'.', b't', b'i', b'd', b':', after @ ..] => plain_sixteen(after)?,
            _ => return None,
        };
        match after {
            [b';', after @ ..] => rest = after,
            [] | [b',', ..] => {
                let member = &state[3..state.len() - after.len()];
                if member.len() > READ_MAX {
                    return None;
                }
                (found.priority, found.dd_parent, found.mechanism, found.dd) =
                    (priority, parent, mechanism, Some(member));
                return Some(after.get(1..));
            }
            _ => return None,
        }
    }
}

/// Skips 16 bytes without a separator.
#[inline(always)]
fn plain_sixteen(text: &[u8]) -> Option<&[u8]> {
    let (value, after) = text.split_first_chunk()?;
    let bytes = Sixteen::of(value);
    (bytes.unprintable() | bytes.equal(b';') | bytes.equal(b',') == 0).then_some(after)
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

/// Returns the member if it has no parts but the usual ones.
#[inline(always)]
pub(super) fn usual(writer: &Writer<'_, '_>) -> Option<[u8; 56]> {
    let out = writer.out;
    let (Some(priority @ 0..=9), Some(-9..=0), None, 1..) =
        (out.priority, out.mechanism, out.kept_rate, out.trace_id_high)
    else {
        return None;
    };
    let mut member = *b"dd=p:0000000000000000;s:0;t.dm:-0;t.tid:0000000000000000";
    member[5..21].copy_from_slice(&writer.hex.span);
    member[24] += priority as u8;
    member[32] += out.mechanism.unwrap_or(0).unsigned_abs() as u8;
    member[40..].copy_from_slice(&writer.hex.high);
    (!writer.has_tags).then_some(member)
}

/// Writes the member. A part that would make it too long is left out.
pub(super) fn write(writer: &mut Writer<'_, '_>) {
    let out = writer.out;
    let Hex { span, high, .. } = writer.hex;
    writer.put_fixed(*b"dd=p:").put_fixed(span);
    match out.priority {
        None => {}
        Some(1) => drop(writer.put_fixed(*b";s:1")),
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
    match out.mechanism.map(i32::unsigned_abs) {
        None => {}
        Some(digit @ 0..=9) => {
            writer.put_fixed(*b";t.dm:-").put_fixed([b'0' + digit as u8]);
            keep_short(writer, before);
        }
        Some(number) => {
            writer.put_fixed(*b";t.dm:-").decimal(number.into());
            keep_short(writer, before);
        }
    }
    let before = writer.len();
    if let Some(rate) = out.kept_rate {
        writer.put(b";t.ksr:").put(rate);
        keep_short(writer, before);
    }
    let before = writer.len();
    if out.trace_id_high != 0 {
        writer.put_fixed(*b";t.tid:").put_fixed(high);
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
