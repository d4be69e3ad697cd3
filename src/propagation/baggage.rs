//! The style `baggage` of the W3C: keys and texts that travel with a trace, or without one, percent-encoded.

use super::config::Packed;
use super::headers::{Field, Repeated};
use super::style::Style;
use super::text::{find, split, trim};
use super::writer::Writer;
use crate::memory::{Buffer, Full};
use crate::span::texts;

pub const STYLE: Style = Style {
    names: &["baggage"],
    headers: &[Field { name: "baggage", repeated: Repeated::List }],
    extract: None,
    inject,
};

/// Reads a header into an empty run of texts. Items beyond the limits are left out. A header with a malformed item before that
/// has none.
pub(super) fn read(header: &[u8], config: &Packed, run: &mut Buffer) -> Result<(), Full> {
    let mut decoded = Buffer::new();
    let (mut at, mut count) = (0, 0);
    let mut rest = Some(header.strip_suffix(b",").unwrap_or(header));
    while let Some(list) = rest {
        let (item, after) = split(list, b',');
        rest = after;
        at += item.len() + 1;
        if count == config.baggage_items() || at - 1 > config.baggage_bytes() {
            break;
        }
        let (pair, _properties) = split(item, b';');
        let (key, Some(value)) = split(pair, b'=') else {
            run.truncate(0);
            break;
        };
        let (key, value) = (trim(key), trim(value));
        if key.is_empty() || value.is_empty() {
            run.truncate(0);
            break;
        }
        if find(item, b'%').is_none() {
            set(run, key, value)?;
        } else {
            decoded.truncate(0);
            decode(key, &mut decoded)?;
            let middle = decoded.len();
            decode(value, &mut decoded)?;
            let (key, value) = decoded.bytes().split_at(middle);
            set(run, key, value)?;
        }
        count += 1;
    }
    Ok(())
}

/// Adds an item; the last value of a key wins.
fn set(run: &mut Buffer, key: &[u8], value: &[u8]) -> Result<(), Full> {
    let (mut before, mut end) = (None, 0);
    let mut rest = run.bytes();
    while let Some((item, after)) = crate::span::run::read(crate::span::run::Kind::Text, rest) {
        let from = run.len() - rest.len();
        if matches!(item, crate::span::run::Item::Text(other, _) if other == key) {
            (before, end) = (Some(from), run.len() - after.len());
        }
        rest = after;
    }
    if let Some(from) = before {
        let length = run.len();
        run.bytes_mut().copy_within(end..length, from);
        run.truncate(length - (end - from));
    }
    texts::push(run, key, value)
}

/// Decodes `%41`. What is not encoded correctly stays as it is.
fn decode(text: &[u8], out: &mut Buffer) -> Result<(), Full> {
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = if byte == b'%' { after.get(..2) } else { None };
        match digits.and_then(|digits| super::text::hex(digits, super::text::Upper::Taken)) {
            Some(decoded) => {
                out.push(&[decoded as u8])?;
                rest = &after[2..];
            }
            None => {
                out.push(&[byte])?;
                rest = after;
            }
        }
    }
    Ok(())
}

fn inject(writer: &mut Writer<'_, '_>) {
    let out = *writer.out;
    let (mut count, mut is_full) = (0, false);
    texts::each(out.baggage, |key, value| {
        // Every known reader rejects a whole header with an empty value.
        if is_full || key.is_empty() || value.is_empty() {
            return;
        }
        let before = writer.len();
        if before > 0 {
            writer.put(b",");
        }
        writer.percent(key, &PLAIN_IN_KEY).put(b"=").percent(value, &PLAIN_IN_VALUE);
        count += 1;
        if count > writer.config.baggage_items() || writer.len() > writer.config.baggage_bytes() {
            writer.truncate(before);
            is_full = true;
        }
    });
    if writer.len() > 0 {
        writer.end(c"baggage");
    }
}

static PLAIN_IN_KEY: [bool; 256] = plain(b"!#$&'*+-.^_`|~");
static PLAIN_IN_VALUE: [bool; 256] = plain(b"-_.!~*'()");

/// The bytes that are written as they are: letters, digits and these.
const fn plain(more: &[u8]) -> [bool; 256] {
    let (mut all, mut byte, mut n) = ([false; 256], 0, 0);
    while byte < 256 {
        all[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    while n < more.len() {
        all[more[n] as usize] = true;
        n += 1;
    }
    all
}
