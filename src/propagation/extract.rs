//! Decides which context a request continues, when styles disagree, and packs what is kept of it.

use super::collect::{Headers, Joined};
use super::config::{Behavior, Packed};
use super::dd_member::{self, Kept};
use super::found::{Found, Link, Misread, Reason};
use super::keys::{ERROR, ORIGIN};
use super::list::STYLES;
use super::{baggage, datadog, tracecontext};
use crate::memory::{Buffer, Full};
use crate::span::attributes::Scalar;
use crate::span::{links, texts};
use crate::sys;

/// A context that came in.
#[derive(Clone, Copy, Debug, Default)]
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
}

/// What headers say, while they can be read.
pub struct Reading<'a> {
    found: Option<Found<'a>>,
    /// The name of the style that found it.
    chosen_by: &'static str,
    baggage: Option<&'a [u8]>,
    /// Links to contexts that are not continued, a run of links; empty if there are none.
    pub links: Buffer,
}

/// Reads a context out of the headers of a request: names and values. If there may be one, calls `keep`, which has it
/// kept with [`Reading::keep`].
#[inline]
pub fn extract<'a, R>(
    headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    config: &Packed,
    keep: impl FnOnce(&mut Reading<'_>) -> Result<R, Full>,
) -> Result<Option<R>, Full> {
    if config.has(Behavior::Ignore) {
        return Ok(None);
    }
    let (mut joined, mut collected) = (Joined::new(), Headers::default());
    collected.collect(headers, &mut joined);
    collected.take_in(&joined);
    let mut reading = Reading { found: None, chosen_by: "", baggage: None, links: Buffer::new() };
    for number in config.extract().numbers() {
        let (style, fields) = (&STYLES[number], collected.of(number));
        let Some(extract) = style.extract else {
            reading.baggage = reading.baggage.or(fields.get(0));
            continue;
        };
        if reading.found.is_none() {
            reading.chosen_by = style.names[0];
            let found = reading.found.insert(Found::default());
            if !extract(fields, config, &[0; 3], found) {
                reading.found = None;
            }
            continue;
        }
        let mut other = Found::default();
        let known =
            reading.found.as_ref().map_or([0; 3], |first| [first.trace_id_high, first.trace_id_low, first.span_id]);
        if extract(fields, config, &known, &mut other) {
            reading.consider(&other, style.names[0], config)?;
        }
    }
    if reading.found.is_none() && reading.baggage.is_none() {
        return Ok(None);
    }
    keep(&mut reading).map(Some)
}

impl<'a> Reading<'a> {
    /// Compares what a later style has found with what is chosen.
    #[inline]
    fn consider(&mut self, found: &Found<'a>, style: &'static str, config: &Packed) -> Result<(), Full> {
        let Some(first) = &mut self.found else { return Ok(()) };
        if found.trace_id_low == 0 || (config.extract_first() && first.trace_id_low != 0) {
            return Ok(());
        } else if first.trace_id_low == 0 {
            (*first, self.chosen_by) = (*found, style);
        } else if first.is_of_trace(found) {
            continue_at(first, found);
        } else if found.span_id != 0 && config.has(Behavior::Continue) {
            write_link(&Link { style, context: *found, reason: Reason::Terminated }, &mut self.links)?;
        }
        Ok(())
    }

    /// Whether there is a header with baggage.
    #[inline]
    pub fn has_baggage(&self) -> bool {
        self.baggage.is_some()
    }

    /// Appends the tags of the trace and the baggage to empty runs of texts. Without a run for baggage it is not read.
    /// `None` if there is no context after all.
    #[inline]
    pub fn keep(
        &mut self,
        config: &Packed,
        tags: &mut Buffer,
        baggage: Option<&mut Buffer>,
    ) -> Result<Option<Extracted>, Full> {
        let mut has_baggage = false;
        if let (Some(items), Some(baggage)) = (self.baggage, baggage) {
            baggage::read(items, config, baggage)?;
            has_baggage = !baggage.is_empty();
        }
        let mut extracted = Extracted::default();
        let Some(found) = &self.found else { return Ok(has_baggage.then_some(extracted)) };
        if !config.has(Behavior::Restart) {
            keep(found, &mut extracted, tags)?;
        } else if found.trace_id_low != 0 && found.span_id != 0 {
            // A link needs a span.
            let link = Link { style: self.chosen_by, context: *found, reason: Reason::Restarted };
            write_link(&link, &mut self.links)?;
        }
        Ok(Some(extracted))
    }
}

/// Adds what a later style knows of the same trace: tracestate, and a parent that sent only W3C headers.
fn continue_at<'a>(first: &mut Found<'a>, found: &Found<'a>) {
    if found.tracestate.is_none() && found.dd.is_none() {
        return;
    }
    if found.span_id != first.span_id {
        let datadogs = (first.span_id != 0).then_some(first.span_id);
        first.last_parent = found.parent_of_dd().filter(|&id| id != 0).or(datadogs);
        first.span_id = found.span_id;
    }
    (first.tracestate, first.dd, first.dd_is_beside) = (found.tracestate, found.dd, true);
    (first.has_more, first.foreign) = (found.has_more, found.foreign);
}

#[inline]
fn keep(found: &Found<'_>, extracted: &mut Extracted, tags: &mut Buffer) -> Result<(), Full> {
    (extracted.trace_id_high, extracted.trace_id_low) = (found.trace_id_high, found.trace_id_low);
    extracted.span_id = found.span_id;
    extracted.last_parent = found.last_parent.or_else(|| found.parent_of_dd());
    (extracted.priority, extracted.mechanism) = (found.priority, found.mechanism);
    if let Some(origin) = found.origin {
        texts::push(tags, ORIGIN, origin)?;
    }
    if let Some(pairs) = found.tags {
        let mut result = Ok(());
        datadog::each_tag(pairs, |key, value| result = result.and_then(|()| texts::push(tags, key, value)));
        result?;
    }
    if let Some(fault) = found.fault {
        write_fault(fault, tags)?;
    }
    if let Some(dd) = found.dd.filter(|_| found.has_more) {
        dd_member::keep(dd, if found.dd_is_beside { Kept::Unknown } else { Kept::All }, tags)?;
    }
    if let Some(foreign) = found.foreign {
        tracecontext::keep_foreign(foreign, tags)?;
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
    sys::keep_errno(|| write_link_now(link, out))
}

fn write_link_now(link: &Link<'_>, out: &mut Buffer) -> Result<(), Full> {
    let context = &link.context;
    let tracestate = context.tracestate.unwrap_or_default();
    let tracestate: Vec<u8> = tracestate.iter().copied().filter(|byte| (b' '..=b'~').contains(byte)).collect();
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
