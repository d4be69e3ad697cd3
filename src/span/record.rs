//! A finished span's bytes: a fixed header, the four texts, and the runs of tags as they grew. Records lie one behind
//! another in a trace's chunk; the worker turns them into whatever an agent takes, through the one visitor here.
//!
//! ```text
//! word 0  length of the record | flags            word 9   lengths of the four texts together | the text run
//! word 1  span id                                 word 10  lengths of the number run | the blob run
//! word 2  parent id                               word 11  pairs of text | pairs of numbers
//! word 3  start, ns since 1970                    word 12  blobs | 0
//! word 4  duration, ns                            then     the four texts, the runs of texts, numbers and blobs
//! words 5 to 8  name, service, resource, type: place among the four texts | length
//! ```

use super::encode;
use super::open::OpenSpan;
use crate::inspect::{Field, TypeDescriptor};
use crate::memory::{self, Buffer, Full, Pool};

/// The header's size in bytes.
pub const HEADER: usize = 13 * 8;

/// A record as debuggers see it: the header of the module's comment, in halves of words.
pub fn inspected() -> TypeDescriptor {
    let word = |name, n: usize| Field::number(name, n * 8, 8);
    let halves = |low, high, n: usize| [Field::number(low, n * 8, 4), Field::number(high, n * 8 + 4, 4)];
    let mut fields =
        vec![word("span_id", 1), word("parent_id", 2), word("start_ns", 3).with_sign(), word("duration_ns", 4)];
    for (low, high, n) in [
        ("length", "flags", 0),
        ("name_at", "name_length", 5),
        ("service_at", "service_length", 6),
        ("resource_at", "resource_length", 7),
        ("type_at", "type_length", 8),
        ("head_length", "texts_length", 9),
        ("numbers_length", "blobs_length", 10),
        ("text_count", "number_count", 11),
    ] {
        fields.extend(halves(low, high, n));
    }
    fields.push(Field::number("blob_count", 12 * 8, 4));
    TypeDescriptor::inside::<[u8; HEADER]>("record", fields)
}

fn pair(low: usize, high: usize) -> u64 {
    low as u64 & 0xffff_ffff | (high as u64) << 32
}

/// Appends an open span, whose gaps are closed, as a record.
#[inline]
pub fn append(out: &mut Buffer, pool: &Pool, span: &OpenSpan, flags: u32, duration_ns: u64) -> Result<(), Full> {
    let (head, fields) = span.head();
    let ((texts, text_count), (numbers, number_count), (blobs, blob_count)) =
        (span.texts(), span.numbers(), span.blobs());
    let length = HEADER + head.len() + texts.len() + numbers.len() + blobs.len();
    if out.capacity() - out.len() < length {
        pool.enlarge(out, length)?;
    }
    let field = |n: usize| pair(fields[n].0 as usize, fields[n].1 as usize);
    let words = [
        pair(length, flags as usize),
        span.span_id,
        span.parent_id,
        span.start_ns as u64,
        duration_ns,
        field(0),
        field(1),
        field(2),
        field(3),
        pair(head.len(), texts.len()),
        pair(numbers.len(), blobs.len()),
        pair(text_count as usize, number_count as usize),
        u64::from(blob_count),
    ];
    let (header, mut rest) = out.tail(length)?.split_at_mut(HEADER);
    for (place, word) in header.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    for piece in [head, texts, numbers, blobs] {
        let (place, after) = rest.split_at_mut(piece.len());
        memory::copy(place, piece);
        rest = after;
    }
    Ok(())
}

/// Adds flags to the record that begins at `at`.
pub fn add_flags(records: &mut [u8], at: usize, flags: u32) {
    if let Some(place) = records.get_mut(at + 4..at + 8) {
        let before = u32::from_ne_bytes((&*place).try_into().unwrap_or_default());
        place.copy_from_slice(&(before | flags).to_ne_bytes());
    }
}

/// A record as a reader sees it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// [`super::open::ERROR`] and its neighbours.
    pub flags: u32,
    /// The span's id.
    pub span_id: u64,
    /// The parent's id; 0 for a root.
    pub parent_id: u64,
    /// Start, nanoseconds since 1970.
    pub start_ns: i64,
    /// Duration in nanoseconds.
    pub duration_ns: u64,
    /// The operation.
    pub name: &'a [u8],
    /// The service; empty stands for the tracer's own.
    pub service: &'a [u8],
    /// The resource; empty stands for the name.
    pub resource: &'a [u8],
    /// The type; may be empty.
    pub span_type: &'a [u8],
    /// The run of text tags.
    pub texts: &'a [u8],
    /// How many text tags.
    pub text_count: u32,
    /// The run of numeric tags.
    pub numbers: &'a [u8],
    /// How many numeric tags.
    pub number_count: u32,
    /// The run of blobs.
    pub blobs: &'a [u8],
    /// How many blobs.
    pub blob_count: u32,
}

impl<'a> Record<'a> {
    /// The record that begins at `bytes`, and what follows it. Nothing where the bytes are not a whole record.
    pub fn read(bytes: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        let word = |n: usize| Some(u64::from_ne_bytes(bytes.get(n * 8..n * 8 + 8)?.try_into().ok()?));
        let halves = |n: usize| word(n).map(|word| ((word & 0xffff_ffff) as usize, (word >> 32) as usize));
        let (length, flags) = halves(0)?;
        let (record, rest) = (bytes.get(HEADER..length)?, bytes.get(length..)?);
        let ((head, texts), (numbers, blobs)) = (halves(9)?, halves(10)?);
        let ((text_count, number_count), (blob_count, _)) = (halves(11)?, halves(12)?);
        let (head, runs) = (record.get(..head)?, record.get(head..)?);
        let (texts, runs) = (runs.get(..texts)?, runs.get(texts..)?);
        let (numbers, runs) = (runs.get(..numbers)?, runs.get(numbers..)?);
        let field = |n: usize| halves(n).and_then(|(at, len)| head.get(at..at + len));
        let record = Record {
            flags: flags as u32,
            span_id: word(1)?,
            parent_id: word(2)?,
            start_ns: word(3)? as i64,
            duration_ns: word(4)?,
            name: field(5)?,
            service: field(6)?,
            resource: field(7)?,
            span_type: field(8)?,
            texts,
            text_count: text_count as u32,
            numbers,
            number_count: number_count as u32,
            blobs: runs.get(..blobs)?,
            blob_count: blob_count as u32,
        };
        Some((record, rest))
    }

    /// Visits the text tags.
    pub fn each_text(&self, mut visit: impl FnMut(&'a [u8], &'a [u8])) {
        let mut run = self.texts;
        while let Some((key, rest)) = encode::read_text(run) {
            let Some((value, rest)) = encode::read_text(rest) else { return };
            visit(key, value);
            run = rest;
        }
    }

    /// Visits the numeric tags.
    pub fn each_number(&self, mut visit: impl FnMut(&'a [u8], f64)) {
        let mut run = self.numbers;
        while let Some((key, rest)) = encode::read_text(run) {
            let Some((value, rest)) = encode::read_float(rest) else { return };
            visit(key, value);
            run = rest;
        }
    }

    /// Visits the blobs.
    pub fn each_blob(&self, mut visit: impl FnMut(&'a [u8], &'a [u8])) {
        let mut run = self.blobs;
        while let Some((key, rest)) = encode::read_text(run) {
            let Some((value, rest)) = encode::read_blob(rest) else { return };
            visit(key, value);
            run = rest;
        }
    }

    /// Whether the span has a numeric tag of this key.
    pub fn has_number(&self, key: &[u8]) -> bool {
        let mut found = false;
        self.each_number(|other, _| found |= other == key);
        found
    }

    /// Whether the span has a text tag of this key.
    pub fn has_text(&self, key: &[u8]) -> bool {
        let mut found = false;
        self.each_text(|other, _| found |= other == key);
        found
    }
}

/// How long the record is that begins at `at`, its flags, and its start; nothing at the end. For sorting, which need not
/// look at the rest.
#[inline]
pub fn outline(bytes: &[u8], at: usize) -> Option<(usize, u32, i64)> {
    let header = bytes.get(at..at + HEADER)?;
    let word = |n: usize| header[n * 8..n * 8 + 8].try_into().map_or(0, u64::from_ne_bytes);
    Some(((word(0) & 0xffff_ffff) as usize, (word(0) >> 32) as u32, word(3) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::open::Field;

    #[test]
    fn a_record_reads_back_what_the_host_said() {
        let (pool, mut span) = (Pool::default(), OpenSpan::default());
        (span.span_id, span.parent_id, span.start_ns) = (7, 3, 1_000);
        span.set_field(Field::Name, b"checkout").unwrap();
        span.set_field(Field::Type, b"web").unwrap();
        span.set_text(b"card", b"visa").unwrap();
        span.set_number(b"amount", 42.5).unwrap();
        span.add_blob(b"blob", &[0x80]).unwrap();
        let mut chunk = pool.take(1).unwrap();
        append(&mut chunk, &pool, &span, 1, 99).unwrap();
        append(&mut chunk, &pool, &span, 0, 100).unwrap();
        let (one, rest) = Record::read(chunk.bytes()).unwrap();
        let (two, rest) = Record::read(rest).unwrap();
        assert!(rest.is_empty());
        let records = [one, two];
        assert_eq!(records[1].duration_ns, 100);
        let first = records[0];
        assert_eq!(
            (first.flags, first.span_id, first.parent_id, first.start_ns, first.duration_ns),
            (1, 7, 3, 1_000, 99)
        );
        assert_eq!(
            (first.name, first.service, first.resource, first.span_type),
            (&b"checkout"[..], &b""[..], &b""[..], &b"web"[..])
        );
        let mut seen = Vec::new();
        first.each_text(|key, value| seen.push((key.to_vec(), value.to_vec())));
        first.each_blob(|key, value| seen.push((key.to_vec(), value.to_vec())));
        assert_eq!(seen, [(b"card".to_vec(), b"visa".to_vec()), (b"blob".to_vec(), vec![0x80])]);
        first.each_number(|key, value| assert_eq!((key, value), (&b"amount"[..], 42.5)));
        assert!(first.has_text(b"card") && !first.has_text(b"amount"));
    }

    #[test]
    fn a_record_cut_short_is_not_read() {
        let (pool, mut span) = (Pool::default(), OpenSpan::default());
        span.set_text(b"key", b"value").unwrap();
        let mut chunk = pool.take(1).unwrap();
        append(&mut chunk, &pool, &span, 0, 0).unwrap();
        for end in 0..chunk.len() {
            assert!(Record::read(&chunk.bytes()[..end]).is_none(), "{end}");
        }
    }
}
