//! Decides which context a request continues, when styles disagree, and packs what is kept of it.

use super::collect::Headers;
use super::config::{Behavior, Config};
use super::dd_member::{self, Kept};
use super::found::{Found, Harvest, Link, Misread, Reason};
use super::keys::{ERROR, ORIGIN};
use super::list::STYLES;
use super::{baggage, datadog, tracecontext};
use crate::memory::{Buffer, Full};
use crate::span::attributes::Scalar;
use crate::span::{links, texts};

/// A context that came in, with what is kept of it.
#[derive(Debug, Default)]
pub struct Extracted {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id; 0 for a new trace.
    pub trace_id_low: u64,
    /// The parent span; 0 for none.
    pub span_id: u64,
    /// The sampling priority, if the headers have one.
    pub priority: Option<i32>,
    /// The number of `_dd.p.dm`.
    pub mechanism: Option<i32>,
    /// The last span of a Datadog tracer, if a span of another vendor is the parent.
    pub last_parent: Option<u64>,
    /// The tags of the trace, a run of texts.
    pub tags: Buffer,
    /// The baggage, a run of texts.
    pub baggage: Buffer,
    /// Links to contexts that are not continued, a run of links; empty if there are none.
    pub links: Buffer,
}

/// Reads a context out of the headers of a request: names and values. `None` if there is none.
pub fn extract<'a>(
    headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    config: &Config,
) -> Result<Option<Extracted>, Full> {
    if config.behavior == Behavior::Ignore {
        return Ok(None);
    }
    let headers = Headers::collect(headers);
    let (mut chosen, mut other, mut chosen_by) = (Harvest::default(), Harvest::default(), "");
    let mut extracted = Extracted::default();
    for number in config.extract.numbers() {
        let (style, is_first) = (STYLES[number].names[0], chosen.found.is_none());
        other.found = None;
        (STYLES[number].extract)(&headers.of(number), config, if is_first { &mut chosen } else { &mut other });
        let (Some(first), Some(found)) = (&mut chosen.found, &other.found) else {
            chosen_by = if is_first { style } else { chosen_by };
            continue;
        };
        if found.trace_id_low == 0 || (config.extract_first && first.trace_id_low != 0) {
            continue;
        } else if first.trace_id_low == 0 {
            (*first, chosen_by) = (*found, style);
        } else if first.is_of_trace(found) {
            continue_at(first, found);
        } else if found.span_id != 0 && config.behavior == Behavior::Continue {
            write_link(&Link { style, context: *found, reason: Reason::Terminated }, &mut extracted.links)?;
        }
    }
    if let Some(items) = chosen.baggage.or(other.baggage) {
        extracted.baggage = baggage::read(items, config)?;
    }
    match &chosen.found {
        None if extracted.baggage.is_empty() => return Ok(None),
        None => {}
        Some(found) if config.behavior != Behavior::Restart => keep(found, &mut extracted)?,
        // A link needs a span.
        Some(found) if found.trace_id_low == 0 || found.span_id == 0 => {}
        Some(found) => {
            let link = Link { style: chosen_by, context: *found, reason: Reason::Restarted };
            write_link(&link, &mut extracted.links)?;
        }
    }
    Ok(Some(extracted))
}

/// Adds what a later style knows of the same trace: tracestate, and a parent that sent only W3C headers.
fn continue_at<'a>(first: &mut Found<'a>, found: &Found<'a>) {
    if found.tracestate.is_empty() && found.dd.is_empty() {
        return;
    }
    if found.span_id != first.span_id {
        let datadogs = (first.span_id != 0).then_some(first.span_id);
        first.last_parent = found.parent_of_dd().filter(|&id| id != 0).or(datadogs);
        first.span_id = found.span_id;
    }
    (first.tracestate, first.dd, first.dd_is_beside) = (found.tracestate, found.dd, true);
    (first.has_more, first.has_foreign) = (found.has_more, found.has_foreign);
}

fn keep(found: &Found<'_>, extracted: &mut Extracted) -> Result<(), Full> {
    (extracted.trace_id_high, extracted.trace_id_low) = (found.trace_id_high, found.trace_id_low);
    extracted.span_id = found.span_id;
    extracted.last_parent = found.last_parent.or_else(|| found.parent_of_dd());
    (extracted.priority, extracted.mechanism) = (found.priority, found.mechanism);
    let tags = &mut extracted.tags;
    if !found.origin.is_empty() {
        texts::push(tags, ORIGIN, found.origin)?;
    }
    if found.has_tags {
        let mut result = Ok(());
        datadog::each_tag(found.tags, |key, value| result = result.and_then(|()| texts::push(tags, key, value)));
        result?;
    }
    if let Some(fault) = found.fault {
        write_fault(fault, tags)?;
    }
    if found.has_more {
        dd_member::keep(found.dd, if found.dd_is_beside { Kept::Unknown } else { Kept::All }, tags)?;
    }
    if found.has_foreign {
        tracecontext::keep_foreign(found.tracestate, tags)?;
    }
    Ok(())
}

fn write_fault(fault: Misread<'_>, tags: &mut Buffer) -> Result<(), Full> {
    match fault {
        Misread::Decoding => texts::push(tags, ERROR, b"decoding_error"),
        Misread::TooLong => texts::push(tags, ERROR, b"extract_max_size"),
        Misread::TraceIdHigh(value) => {
            let mut text = [0u8; 96];
            let (head, rest) = text.split_at_mut(14);
            head.copy_from_slice(b"malformed_tid ");
            let length = value.len().min(rest.len());
            rest[..length].copy_from_slice(&value[..length]);
            texts::push(tags, ERROR, &text[..14 + length])
        }
    }
}

/// Adds a link to a run of them.
#[cold]
fn write_link(link: &Link<'_>, out: &mut Buffer) -> Result<(), Full> {
    let context = &link.context;
    let tracestate: Vec<u8> = context.tracestate.iter().copied().filter(|byte| (b' '..=b'~').contains(byte)).collect();
    let written = links::Link {
        trace_id_high: context.trace_id_high,
        trace_id_low: context.trace_id_low,
        span_id: context.span_id,
        flags: links::FLAGS_KNOWN | u32::from(context.priority > Some(0)),
        tracestate: &tracestate,
        ..links::Link::default()
    };
    let said = [("reason", link.reason.word()), ("context_headers", link.style)];
    let (added, _) = links::push_link(out, &written, |attributes| {
        said.iter().try_for_each(|(key, text)| attributes.one(key.as_bytes(), Scalar::Text(text.as_bytes())))
    })?;
    added.map_err(|_| Full)
}
