//! A finished span's bytes: a fixed header, a counted list of runs, the four texts, and the runs of tags as they grew.
//! Records lie one behind another in a trace's chunk. Each run says its kind and length, so that a reader skips a kind
//! that it does not know. `run` decodes what is in a run.
//!
//! ```text
//! word 0  length of the record | flags            word 9   length of the four texts together | number of runs
//! word 1  span id                                 then     for each run a word: its kind, 16 bits | number of its
//! word 2  parent id                                        items, 16 bits | its length
//! word 3  start, ns since 1970                    then     the four texts, the runs
//! word 4  duration, ns
//! words 5 to 8  name, service, resource, type: place among the four texts | length
//! ```

use super::open::OpenSpan;
use super::run::{self, Item, Kind, Run};
use crate::inspect::{Field, TypeDescriptor};
use crate::memory::{self, Buffer, Full, Pool};

/// The size of the fixed header in bytes. No record is shorter.
pub const HEADER: usize = 10 * WORD;
const WORD: usize = 8;

/// Describes the header of a record, in halves of words, and a word of the list of runs.
pub fn inspected() -> [TypeDescriptor; 2] {
    let word = |name, n: usize| Field::number(name, n * WORD, 8);
    let halves = |low, high, n: usize| [Field::number(low, n * WORD, 4), Field::number(high, n * WORD + 4, 4)];
    let mut fields =
        vec![word("span_id", 1), word("parent_id", 2), word("start_ns", 3).with_sign(), word("duration_ns", 4)];
    for (low, high, n) in [
        ("length", "flags", 0),
        ("name_at", "name_length", 5),
        ("service_at", "service_length", 6),
        ("resource_at", "resource_length", 7),
        ("type_at", "type_length", 8),
        ("head_length", "run_count", 9),
    ] {
        fields.extend(halves(low, high, n));
    }
    let run = vec![Field::number("kind", 0, 2), Field::number("count", 2, 2), Field::number("length", 4, 4)];
    [TypeDescriptor::inside::<[u8; HEADER]>("record", fields), TypeDescriptor::inside::<[u8; WORD]>("run", run)]
}

fn pair(low: usize, high: usize) -> u64 {
    low as u64 & 0xffff_ffff | (high as u64) << 32
}

/// Appends an open span, whose gaps are closed, as a record. Texts and numbers are always listed, other kinds where
/// there are any. [`append_quickly`] does it for usual spans.
#[cold]
#[inline(never)]
pub fn append(out: &mut Buffer, pool: &Pool, span: &OpenSpan, flags: u32, duration_ns: u64) -> Result<(), Full> {
    if span.has_more() {
        return append_all(out, pool, span, flags, duration_ns);
    }
    let (runs, (head, fields)) = (span.texts_and_numbers(), span.head());
    let [texts, numbers] = runs;
    let length = HEADER + 2 * WORD + head.len() + texts.bytes.len() + numbers.bytes.len();
    if out.capacity() - out.len() < length {
        pool.enlarge(out, length)?;
    }
    let [a, b, c, d, e, f, g, h, i, j] = header((length, flags), span, duration_ns, (head.len(), 2), fields);
    let mut room = out.room(length)?;
    room.put_words([a, b, c, d, e, f, g, h, i, j, texts.word(), numbers.word()]);
    room.put(head);
    room.put(texts.bytes);
    room.put(numbers.bytes);
    Ok(())
}

/// The longest record that [`append_quickly`] appends.
const QUICK: usize = 2_048;

/// Appends a usual span as a record if there is room, as [`append`]. Returns false if that is not so, and appends nothing.
/// A function of its own, so that it has all registers.
#[inline(never)]
pub fn append_quickly(out: &mut Buffer, span: &OpenSpan, flags: u32, duration_ns: u64) -> bool {
    let (runs, (head, fields)) = (span.texts_and_numbers(), span.head());
    let [texts, numbers] = runs;
    let length = HEADER + 2 * WORD + head.len() + texts.bytes.len() + numbers.bytes.len();
    if span.has_more() || length > QUICK {
        return false;
    }
    let [a, b, c, d, e, f, g, h, i, j] = header((length, flags), span, duration_ns, (head.len(), 2), fields);
    let words = [a, b, c, d, e, f, g, h, i, j, texts.word(), numbers.word()];
    out.put_parts(words, [head, texts.bytes, numbers.bytes])
}

/// The words with which a record begins.
#[inline(always)]
fn header(
    (length, flags): (usize, u32),
    span: &OpenSpan,
    duration_ns: u64,
    (head, runs): (usize, usize),
    fields: [(u32, u32); 4],
) -> [u64; 10] {
    let field = |n: usize| pair(fields[n].0 as usize, fields[n].1 as usize);
    [
        pair(length, flags as usize),
        span.span_id,
        span.parent_id,
        span.start_ns as u64,
        duration_ns,
        field(0),
        field(1),
        field(2),
        field(3),
        pair(head, runs),
    ]
}

#[cold]
#[inline(never)]
fn append_all(out: &mut Buffer, pool: &Pool, span: &OpenSpan, flags: u32, duration_ns: u64) -> Result<(), Full> {
    let (mut runs, mut count) = (span.runs(), 0);
    for n in 0..runs.len() {
        if n < 2 || runs[n].count > 0 {
            runs[count] = runs[n];
            count += 1;
        }
    }
    append_runs(out, pool, span, flags, duration_ns, &runs[..count])
}

/// Appends an open span as a record with these runs.
#[inline(never)]
pub(crate) fn append_runs(
    out: &mut Buffer,
    pool: &Pool,
    span: &OpenSpan,
    flags: u32,
    duration_ns: u64,
    runs: &[Run<'_>],
) -> Result<(), Full> {
    let (head, fields) = span.head();
    let list = runs.len() * WORD;
    let length = HEADER + list + head.len() + runs.iter().map(|run| run.bytes.len()).sum::<usize>();
    if out.capacity() - out.len() < length {
        pool.enlarge(out, length)?;
    }
    let words = header((length, flags), span, duration_ns, (head.len(), runs.len()), fields);
    let mut room = out.room(length)?;
    room.put_words(words);
    for run in runs {
        room.put_words([run.word()]);
    }
    room.put(head);
    for run in runs {
        room.put(run.bytes);
    }
    Ok(())
}

/// How many words of others come before a record for the log.
pub const FRONT: usize = 7;

/// Returns these words, then an open span, whose runs may have gaps, as a record without its blobs, then `last`: for the
/// log. The tags are in the order in which their keys were first set.
#[inline]
pub fn for_log(front: [u64; FRONT], span: &OpenSpan, flags: u32, duration_ns: u64, last: &[u8]) -> Vec<u8> {
    if !span.is_in_order() || span.has_more() {
        return all_for_log(front, span, flags, duration_ns, last);
    }
    let ([texts, numbers], (head, fields)) = (span.texts_and_numbers(), span.head());
    let length = HEADER + 2 * WORD + head.len() + texts.bytes.len() + numbers.bytes.len();
    let [a, b, c, d, e, f, g] = front;
    let [h, i, j, k, l, m, n, o, p, q] = header((length, flags), span, duration_ns, (head.len(), 2), fields);
    let words = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, texts.word(), numbers.word()];
    memory::joined(words, [head, texts.bytes, numbers.bytes, last])
}

#[cold]
#[inline(never)]
fn all_for_log(front: [u64; FRONT], span: &OpenSpan, flags: u32, duration_ns: u64, last: &[u8]) -> Vec<u8> {
    let [mut texts, mut numbers] = span.texts_and_numbers();
    let mut ordered = [Vec::new(), Vec::new()];
    if !span.is_in_order() {
        span.copy_in_order(Kind::Text, &mut ordered[0]);
        span.copy_in_order(Kind::Number, &mut ordered[1]);
        (texts.bytes, numbers.bytes) = (&ordered[0], &ordered[1]);
    }
    let (mut all, mut count) = ([texts, numbers, texts, numbers], 2);
    if span.has_more() {
        let [.., links, events] = span.runs();
        for run in [links, events].into_iter().filter(|run| run.count > 0) {
            all[count] = run;
            count += 1;
        }
    }
    let ((head, fields), runs) = (span.head(), &all[..count]);
    let length = HEADER + count * WORD + head.len() + runs.iter().map(|run| run.bytes.len()).sum::<usize>();
    let mut out = Vec::with_capacity(FRONT * WORD + length + last.len());
    let header = header((length, flags), span, duration_ns, (head.len(), count), fields).map(u64::to_ne_bytes);
    let list = all.map(|run| run.word().to_ne_bytes());
    for part in [front.map(u64::to_ne_bytes).as_flattened(), header.as_flattened(), list[..count].as_flattened(), head]
    {
        out.extend_from_slice(part);
    }
    runs.iter().for_each(|run| out.extend_from_slice(run.bytes));
    out.extend_from_slice(last);
    out
}

/// The flags below this bit are those of an open span. Above it is 1 more than the place of the rule for single spans
/// that keeps the span.
const KEPT_BY: u32 = 8;

/// The flags of a span that the rule at this place keeps.
pub fn kept_by(place: usize) -> u32 {
    (place as u32 + 1) << KEPT_BY
}

/// Adds flags to the record that begins at `at`.
pub fn add_flags(records: &mut [u8], at: usize, flags: u32) {
    if let Some(place) = records.get_mut(at + 4..at + 8) {
        let before = u32::from_ne_bytes((&*place).try_into().unwrap_or_default());
        place.copy_from_slice(&(before | flags).to_ne_bytes());
    }
}

/// A record that was read.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// [`super::open::ERROR`], `LOCAL_ROOT`, `TOP_LEVEL`.
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
    /// The service; empty for the tracer's own.
    pub service: &'a [u8],
    /// The resource; empty for the name.
    pub resource: &'a [u8],
    /// The type; may be empty.
    pub span_type: &'a [u8],
    /// A word for each run: kind, number of items, length.
    list: &'a [u8],
    /// The runs, one behind another.
    runs: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads the record that `bytes` begins with, and returns it with what follows. `None` where the bytes are not a
    /// whole record.
    #[inline]
    pub fn read(bytes: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        // One look at the length of the header.
        let header = bytes.first_chunk::<HEADER>()?;
        let word = |n: usize| header[n * WORD..n * WORD + WORD].try_into().map_or(0, u64::from_ne_bytes);
        let halves = |n: usize| ((word(n) & 0xffff_ffff) as usize, (word(n) >> 32) as usize);
        let (length, flags) = halves(0);
        let (record, rest) = bytes.split_at_checked(length)?;
        let record = record.get(HEADER..)?;
        let (head, count) = halves(9);
        let (list, record) = record.split_at_checked(count.checked_mul(WORD)?)?;
        let (head, runs) = record.split_at_checked(head)?;
        let field = |n: usize| {
            let (at, len) = halves(n);
            head.get(at..at + len)
        };
        let record = Record {
            flags: flags as u32,
            span_id: word(1),
            parent_id: word(2),
            start_ns: word(3) as i64,
            duration_ns: word(4),
            name: field(5)?,
            service: field(6)?,
            resource: field(7)?,
            span_type: field(8)?,
            list,
            runs,
        };
        Some((record, rest))
    }

    /// The place of the rule for single spans that keeps the span.
    #[inline]
    pub fn kept_by(&self) -> Option<usize> {
        (self.flags >> KEPT_BY).checked_sub(1).map(|place| place as usize)
    }

    /// Returns the runs of all kinds in the order of [`Kind::ALL`], empty where the record has none. Runs of an unknown
    /// kind are skipped.
    pub fn runs(&self) -> [Run<'a>; Kind::ALL.len()] {
        runs_of(self.list, self.runs)
    }

    /// Returns the runs of texts and of numbers, with which the list begins in every record that [`append`] writes.
    #[inline(always)]
    pub fn texts_and_numbers(&self) -> [Run<'a>; 2] {
        let word = |n: usize| self.list.get(n * WORD..n * WORD + WORD)?.try_into().ok().map(u64::from_ne_bytes);
        if let (Some(one), Some(two)) = (word(0), word(1)) {
            let run = |word: u64, bytes| Run { kind: word as u16, count: u32::from((word >> 16) as u16), bytes };
            if (one as u16, two as u16) == (Kind::Text as u16, Kind::Number as u16) {
                if let Some((texts, rest)) = self.runs.split_at_checked((one >> 32) as usize) {
                    if let Some(numbers) = rest.get(..(two >> 32) as usize) {
                        return [run(one, texts), run(two, numbers)];
                    }
                }
            }
        }
        found_texts_and_numbers(self.list, self.runs)
    }

    /// Whether it has runs of other kinds than texts and numbers.
    #[inline]
    pub fn has_more(&self) -> bool {
        self.list.len() != 2 * WORD
    }

    /// Visits every tag, kind by kind.
    pub fn each(&self, mut visit: impl FnMut(Item<'a>)) {
        for (kind, run) in Kind::ALL.into_iter().zip(self.runs()) {
            run::each(kind, run.bytes, &mut visit);
        }
    }
}

/// A record with runs of texts and of numbers alone, which no rule for single spans keeps. Each part is read when it is
/// needed, so that few of them are in registers at a time.
#[derive(Clone, Copy)]
pub struct UsualRecord<'a> {
    header: &'a [u8; HEADER],
    list: &'a [u8; 2 * WORD],
    /// The four texts.
    head: &'a [u8],
    runs: &'a [u8],
}

/// The words of a record's header that say where its four texts are.
#[derive(Clone, Copy)]
pub enum TextOf {
    /// The operation.
    Name = 5,
    /// The service; empty for the tracer's own.
    Service,
    /// The resource; empty for the name.
    Resource,
    /// The type; may be empty.
    Type,
}

impl<'a> UsualRecord<'a> {
    /// Reads the record that `bytes` begins with. `None` if it is not such a record.
    #[inline(always)]
    pub fn read(bytes: &'a [u8]) -> Option<UsualRecord<'a>> {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        let word = |n: usize| header[n * WORD..n * WORD + WORD].try_into().map_or(0, u64::from_ne_bytes);
        let (length, flags, head) = (word(0) as u32 as usize, word(0) >> 32, word(9));
        if head >> 32 != 2 || flags >> KEPT_BY != 0 {
            return None;
        }
        let (list, rest) = bytes.get(HEADER..length)?.split_first_chunk()?;
        let (head, runs) = rest.split_at_checked(head as u32 as usize)?;
        let record = UsualRecord { header, list, head, runs };
        let kinds = (record.run_word(0) as u16, record.run_word(1) as u16);
        (kinds == (Kind::Text as u16, Kind::Number as u16)).then_some(record)
    }

    #[inline(always)]
    fn word(&self, n: usize) -> u64 {
        self.header[n * WORD..n * WORD + WORD].try_into().map_or(0, u64::from_ne_bytes)
    }

    #[inline(always)]
    fn run_word(&self, n: usize) -> u64 {
        self.list[n * WORD..n * WORD + WORD].try_into().map_or(0, u64::from_ne_bytes)
    }

    /// The length in bytes. All texts and runs together are shorter.
    #[inline(always)]
    pub fn length(&self) -> usize {
        self.word(0) as u32 as usize
    }

    /// The flags.
    #[inline(always)]
    pub fn flags(&self) -> u32 {
        (self.word(0) >> 32) as u32
    }

    /// The span's id, the parent's id, start and duration in nanoseconds.
    #[inline(always)]
    pub fn numbers(&self) -> [u64; 4] {
        [self.word(1), self.word(2), self.word(3), self.word(4)]
    }

    /// One of the four texts.
    #[inline(always)]
    pub fn text(&self, of: TextOf) -> &'a [u8] {
        let word = self.word(of as usize);
        let (at, length) = (word as u32 as usize, (word >> 32) as usize);
        self.head.get(at..at + length).unwrap_or_default()
    }

    /// Whether one of the four texts is empty.
    #[inline(always)]
    pub fn lacks(&self, of: TextOf) -> bool {
        self.word(of as usize) >> 32 == 0
    }

    /// The run of text tags.
    #[inline(always)]
    pub fn text_tags(&self) -> Run<'a> {
        let word = self.run_word(0);
        let bytes = self.runs.get(..(word >> 32) as usize).unwrap_or_default();
        Run { kind: Kind::Text as u16, count: u32::from((word >> 16) as u16), bytes }
    }

    /// The run of numeric tags.
    #[inline(always)]
    pub fn number_tags(&self) -> Run<'a> {
        let (word, from) = (self.run_word(1), (self.run_word(0) >> 32) as usize);
        let bytes = self.runs.get(from..from + (word >> 32) as usize).unwrap_or_default();
        Run { kind: Kind::Number as u16, count: u32::from((word >> 16) as u16), bytes }
    }
}

fn runs_of<'a>(list: &[u8], all: &'a [u8]) -> [Run<'a>; Kind::ALL.len()] {
    let mut runs = Kind::ALL.map(|kind| Run::new(kind, (&[], 0)));
    let mut at = 0;
    for word in list.chunks_exact(WORD) {
        let word = word.try_into().map_or(0, u64::from_ne_bytes);
        let end = at + (word >> 32) as usize;
        let bytes = all.get(at..end).unwrap_or_default();
        at = end;
        let run = Run { kind: word as u16, count: u32::from((word >> 16) as u16), bytes };
        // The kinds are numbered from 1 in the order of the runs.
        if let Some(place) = usize::from(run.kind).checked_sub(1).and_then(|n| runs.get_mut(n)) {
            *place = run;
        }
    }
    runs
}

/// Takes slices and not a record, which can then stay in registers.
#[cold]
#[inline(never)]
fn found_texts_and_numbers<'a>(list: &[u8], all: &'a [u8]) -> [Run<'a>; 2] {
    let [texts, numbers, ..] = runs_of(list, all);
    [texts, numbers]
}

/// Returns length, flags and start of the record that begins at `at`, for sorting; `None` at the end.
#[inline]
pub fn outline(bytes: &[u8], at: usize) -> Option<(usize, u32, i64)> {
    let header = bytes.get(at..)?.first_chunk::<HEADER>()?;
    let word = |n: usize| header[n * 8..n * 8 + 8].try_into().map_or(0, u64::from_ne_bytes);
    Some(((word(0) & 0xffff_ffff) as usize, (word(0) >> 32) as u32, word(3) as i64))
}

/// Returns the flags and the name of the record that begins at `at`.
#[inline]
pub fn flags_and_name(bytes: &[u8], at: usize) -> Option<(u32, &[u8])> {
    let record = bytes.get(at..)?;
    let header = record.first_chunk::<HEADER>()?;
    let word = |n: usize| header[n * WORD..n * WORD + WORD].try_into().map_or(0, u64::from_ne_bytes);
    let name_at = HEADER + (word(9) >> 32) as usize * WORD + word(5) as u32 as usize;
    Some(((word(0) >> 32) as u32, record.get(name_at..)?.get(..(word(5) >> 32) as usize)?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::span::open::Field;

    /// Appends a span with runs of a kind that no reader knows, before, between and after the others.
    pub(crate) fn append_with_unknown_kind(out: &mut Buffer, pool: &Pool, span: &OpenSpan) {
        let [texts, numbers, blobs, ..] = span.runs();
        let unknown = |bytes| Run { kind: 77, count: 1, bytes };
        let runs = [unknown(b"\xa1x\xa1y"), texts, unknown(b""), numbers, blobs, unknown(b"anything")];
        append_runs(out, pool, span, 0, 7, &runs).unwrap();
    }

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
        let second = chunk.len() - rest.len();
        let (two, rest) = Record::read(rest).unwrap();
        assert!(rest.is_empty());
        assert_eq!(flags_and_name(chunk.bytes(), 0), Some((1, &b"checkout"[..])));
        assert_eq!(flags_and_name(chunk.bytes(), second), Some((0, &b"checkout"[..])));
        assert_eq!(flags_and_name(chunk.bytes(), chunk.len()), None);
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
        first.each(|item| match item {
            Item::Text(key, value) | Item::Blob(key, value) => seen.push((key.to_vec(), value.to_vec())),
            Item::Number(key, value) => assert_eq!((key, value), (&b"amount"[..], 42.5)),
            Item::Link(_) | Item::Event(_) => unreachable!("it has none"),
        });
        assert_eq!(seen, [(b"card".to_vec(), b"visa".to_vec()), (b"blob".to_vec(), vec![0x80])]);
        let texts = first.runs()[0].bytes;
        assert!(run::has(Kind::Text, texts, b"card") && !run::has(Kind::Text, texts, b"amount"));
    }

    #[test]
    fn a_run_of_an_unknown_kind_is_skipped() {
        let (pool, mut span) = (Pool::default(), OpenSpan::default());
        span.set_field(Field::Name, b"checkout").unwrap();
        span.set_text(b"card", b"visa").unwrap();
        span.set_number(b"amount", 42.5).unwrap();
        span.add_blob(b"blob", &[0x80]).unwrap();
        let mut chunk = pool.take(1).unwrap();
        append_with_unknown_kind(&mut chunk, &pool, &span);
        let (record, rest) = Record::read(chunk.bytes()).unwrap();
        assert!(rest.is_empty());
        let mut seen = Vec::new();
        record.each(|item| seen.push(item));
        let all = [Item::Text(b"card", b"visa"), Item::Number(b"amount", 42.5), Item::Blob(b"blob", &[0x80])];
        assert_eq!(seen, all);
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
