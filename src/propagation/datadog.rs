//! The style `datadog`: ids in decimal, one header for each value, tags of the trace as a list of pairs.

use super::config::Config;
use super::found::{Found, Harvest, Misread};
use super::headers::{Field, Fields};
use super::keys::{KEPT_RATE, ORIGIN, TRAVELS};
use super::style::Style;
use super::text::{decimal, decimal_of, each_part, find, hex, is_printable, signed, split, Digits, Upper};
use super::writer::{Fault, Writer};

pub const STYLE: Style = Style {
    names: &["datadog"],
    headers: &[
        Field::first("x-datadog-trace-id"),
        Field::first("x-datadog-parent-id"),
        Field::first("x-datadog-sampling-priority"),
        Field::first("x-datadog-origin"),
        Field::first("x-datadog-tags"),
    ],
    extract,
    inject,
};

/// The longest origin.
pub(super) const ORIGIN_MAX: usize = 256;
/// The longest malformed value that an error repeats.
const REPEATED_MAX: usize = 64;

fn extract<'a>(fields: &Fields<'a>, config: &Config, harvest: &mut Harvest<'a>) {
    let id = |n| fields.get(n).and_then(decimal);
    let Some(trace_id_low) = id(0).filter(|&id| id != 0) else { return };
    let origin = fields.get(3).filter(|origin| origin.len() <= ORIGIN_MAX && is_printable(origin)).unwrap_or_default();
    // Only a trace that a system without spans began has no parent.
    let Some(span_id) = id(1).or((!origin.is_empty()).then_some(0)) else { return };
    let priority = fields.get(2).and_then(signed);
    let found = harvest.found.insert(Found { trace_id_low, span_id, priority, origin, ..Found::default() });
    if let Some(tags) = fields.get(4) {
        read_tags(tags, config, found);
    }
}

fn read_tags<'a>(tags: &'a [u8], config: &Config, found: &mut Found<'a>) {
    if tags.len() > usize::from(config.tags_max) {
        found.fault = (config.tags_max > 0).then_some(Misread::TooLong);
        return;
    }
    let (mut fault, mut is_broken) = (None, !is_printable(tags));
    let (mut tid, mut mechanism) = (0, None);
    each_part(tags.strip_suffix(b",").unwrap_or(tags), b',', |pair| {
        if let Some(value) = pair.strip_prefix(b"_dd.p.tid=") {
            match hex(value, Upper::Refused).filter(|&id| value.len() == 16 && id != 0) {
                Some(id) => tid = id,
                None => fault = fault.or(Some(Misread::TraceIdHigh(&value[..value.len().min(REPEATED_MAX)]))),
            }
        } else if let Some(value) = pair.strip_prefix(b"_dd.p.dm=") {
            match mechanism_of(value) {
                Some(number) => mechanism = Some(number),
                None => fault = Some(Misread::Decoding),
            }
        } else if let (key, Some(_)) = split(pair, b'=') {
            is_broken |= key.is_empty() || find(key, b' ').is_some();
            found.has_tags = true;
        } else {
            is_broken = true;
        }
    });
    if is_broken {
        found.fault = Some(Misread::Decoding);
        return;
    }
    (found.trace_id_high, found.mechanism, found.tags, found.fault) = (tid, mechanism, tags, fault);
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
    let out = *writer.out;
    if out.trace_id_low == 0 {
        return;
    }
    writer.decimal(out.trace_id_low).end(c"x-datadog-trace-id");
    writer.decimal(out.span_id).end(c"x-datadog-parent-id");
    if let Some(priority) = out.priority {
        writer.signed(priority).end(c"x-datadog-sampling-priority");
    }
    let (mut origin, limit) = (&b""[..], usize::from(writer.config.tags_max));
    let mut fault = None;
    let pair = |writer: &mut Writer<'_, '_>, key: &[u8], value: &[u8]| {
        if writer.len() <= limit {
            let comma: &[u8] = if writer.len() > 0 { b"," } else { b"" };
            writer.put_all([comma, key, b"=", value]);
        }
    };
    writer.each_tag(|writer, key, value| {
        if key == ORIGIN {
            origin = value;
        } else if key.starts_with(TRAVELS) && limit > 0 {
            match is_key(key) && is_value(value) {
                true => pair(writer, key, value),
                false => fault = Some(Fault::Encoding),
            }
        }
    });
    if limit > 0 {
        if let Some(mechanism) = out.mechanism {
            let (mut room, number) = (Digits::default(), u64::from(mechanism.unsigned_abs()));
            let mut text = [b'-'; 11];
            let digits = decimal_of(number, &mut room);
            text[1..=digits.len()].copy_from_slice(digits);
            pair(writer, b"_dd.p.dm", &text[..=digits.len()]);
        }
        if let Some(rate) = out.kept_rate {
            pair(writer, KEPT_RATE, rate);
        }
        if out.trace_id_high != 0 {
            let high = writer.hex.high;
            pair(writer, b"_dd.p.tid", &high);
        }
    }
    if writer.len() > limit {
        fault = Some(Fault::TooLong);
        writer.clear();
    }
    if writer.len() > 0 {
        writer.end(c"x-datadog-tags");
    }
    writer.fault = writer.fault.or(fault);
    if !origin.is_empty() && is_printable(origin) {
        writer.put(origin).end(c"x-datadog-origin");
    }
}
