//! Links and events of a span, as items of a run: how they are written, and how `run` reads them.

use super::attributes::{Appending, Attributes};
use super::encode::{self, Sanitized};
use crate::memory::{Buffer, Full};

/// Maximum number of links of a span.
pub const LINKS_MAX: usize = 128;
/// Maximum number of events of a span.
pub const EVENTS_MAX: usize = 128;
const NAME_MAX: usize = 200;
/// As much of a tracestate is kept in a link, in bytes.
const TRACESTATE_MAX: usize = 2048;
/// Set in [`Link::flags`] if they are known.
pub const FLAGS_KNOWN: u32 = 1 << 31;

/// A reference to another span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Link<'a> {
    /// High half of its trace id.
    pub trace_id_high: u64,
    /// Low half of its trace id.
    pub trace_id_low: u64,
    /// Its id.
    pub span_id: u64,
    /// Its trace flags of W3C, with [`FLAGS_KNOWN`]; 0 if they are not known.
    pub flags: u32,
    /// Its tracestate; may be empty.
    pub tracestate: &'a [u8],
    /// What the link says.
    pub attributes: Attributes<'a>,
}

/// Something that happened at one moment of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Event<'a> {
    /// When, nanoseconds since 1970.
    pub time_ns: u64,
    /// What.
    pub name: &'a [u8],
    /// More about it.
    pub attributes: Attributes<'a>,
}

fn push_text(run: &mut Buffer, text: &[u8], max: usize) -> Result<Sanitized, Full> {
    let (text, sanitized) = encode::sanitize(text, max);
    encode::text(run.tail(encode::text_size(text.len()))?, &text);
    Ok(sanitized)
}

/// Appends what a link has before its attributes; those of `link` are not used.
fn begin_link(run: &mut Buffer, link: &Link<'_>) -> Result<Sanitized, Full> {
    let sanitized = push_text(run, link.tracestate, TRACESTATE_MAX)?;
    for number in [link.trace_id_high, link.trace_id_low, link.span_id, link.flags.into()] {
        encode::word(run.tail(9)?, encode::UNSIGNED, number);
    }
    Ok(sanitized)
}

/// Appends what an event has before its attributes.
fn begin_event(run: &mut Buffer, event: &Event<'_>) -> Result<Sanitized, Full> {
    let sanitized = push_text(run, event.name, NAME_MAX)?;
    encode::word(run.tail(9)?, encode::UNSIGNED, event.time_ns);
    Ok(sanitized)
}

/// Appends an item with the attributes that `fill` adds. If there is no memory, the run is unchanged.
fn push<R>(
    run: &mut Buffer,
    begin: impl FnOnce(&mut Buffer) -> Result<Sanitized, Full>,
    fill: impl FnOnce(&mut Appending<'_>) -> R,
) -> Result<(R, Sanitized), Full> {
    let before = run.len();
    match begin(run).and_then(|sanitized| Ok((sanitized, Appending::begin(run)?))) {
        Ok((sanitized, mut appending)) => {
            let result = fill(&mut appending);
            Ok((result, sanitized.and(appending.end())))
        }
        Err(full) => {
            run.truncate(before);
            Err(full)
        }
    }
}

/// Appends a link with the attributes that `fill` adds.
pub fn push_link<R>(
    run: &mut Buffer,
    link: &Link<'_>,
    fill: impl FnOnce(&mut Appending<'_>) -> R,
) -> Result<(R, Sanitized), Full> {
    push(run, |run| begin_link(run, link), fill)
}

/// Appends an event with the attributes that `fill` adds.
pub fn push_event<R>(
    run: &mut Buffer,
    event: &Event<'_>,
    fill: impl FnOnce(&mut Appending<'_>) -> R,
) -> Result<(R, Sanitized), Full> {
    push(run, |run| begin_event(run, event), fill)
}

/// Reads what follows the tracestate of a link.
pub(super) fn read_link<'a>(tracestate: &'a [u8], rest: &'a [u8]) -> Option<(Link<'a>, &'a [u8])> {
    let (trace_id_high, rest) = encode::read_word(encode::UNSIGNED, rest)?;
    let (trace_id_low, rest) = encode::read_word(encode::UNSIGNED, rest)?;
    let (span_id, rest) = encode::read_word(encode::UNSIGNED, rest)?;
    let (flags, rest) = encode::read_word(encode::UNSIGNED, rest)?;
    let (attributes, rest) = Attributes::read(rest)?;
    Some((Link { trace_id_high, trace_id_low, span_id, flags: flags as u32, tracestate, attributes }, rest))
}

/// Reads what follows the name of an event.
pub(super) fn read_event<'a>(name: &'a [u8], rest: &'a [u8]) -> Option<(Event<'a>, &'a [u8])> {
    let (time_ns, rest) = encode::read_word(encode::UNSIGNED, rest)?;
    let (attributes, rest) = Attributes::read(rest)?;
    Some((Event { time_ns, name, attributes }, rest))
}
