//! A payload in the form v0.4: an array of chunks, each an array of maps, one map a span. What belongs to a trace as a
//! whole (priority, decision maker, the high half of its id, who sent it) is put on the first span of each chunk, and
//! what belongs to the tracer (environment, version, tags) on every span, as the payload is sealed. Sending is
//! `worker`'s.

use super::queue::{Chunk, NO_PRIORITY};
use super::Profile;
use crate::memory::{self, Buffer, Full};
use crate::span::encode;
use crate::span::open::{ERROR, LOCAL_ROOT, TOP_LEVEL};
use crate::span::record::{self, Record, HEADER};

/// The order in which a chunk's spans are sent: the local root first, then by start. Offsets of records.
pub fn order(chunk: &Chunk, out: &mut Vec<u32>) {
    let (bytes, first) = (chunk.records.bytes(), out.len());
    // The bytes lie in another core's cache. Fetched one record after the other, each waits for the one before; fetched
    // at once, they come together.
    std::hint::black_box(bytes.iter().step_by(64).fold(0, |seen, byte| seen ^ byte));
    let mut at = 0;
    while let Some((length, _, _)) = record::outline(bytes, at) {
        out.push(at as u32);
        at += length.max(HEADER);
    }
    let key = |&at: &u32| record::outline(bytes, at as usize).map(|(_, flags, start)| (flags & LOCAL_ROOT == 0, start));
    out[first..].sort_by_key(key);
}

/// Appends the spans at `offsets` as one chunk, as many as fit until `out` holds `limit` bytes; how many those are.
pub fn seal(out: &mut Buffer, chunk: &Chunk, offsets: &[u32], profile: &Profile, limit: usize) -> Result<usize, Full> {
    let head = out.len();
    put(out, &encode::array_head(offsets.len()))?;
    let mut done = 0;
    for &offset in offsets {
        let before = out.len();
        if let Some((record, _)) = Record::read(&chunk.records.bytes()[offset as usize..]) {
            span(out, chunk, &record, profile, done == 0)?;
        }
        if out.len() > limit {
            out.truncate(before);
            break;
        }
        done += 1;
    }
    correct(out, head, &encode::array_head(done));
    Ok(done)
}

/// Appends bytes to a payload.
#[inline]
pub fn put(out: &mut Buffer, bytes: &[u8]) -> Result<(), Full> {
    memory::copy(out.tail_beyond(bytes.len())?, bytes);
    Ok(())
}

/// Corrects a head that was written at `at`.
pub fn correct(out: &mut Buffer, at: usize, head: &[u8]) {
    memory::copy(&mut out.bytes_mut()[at..at + head.len()], head);
}

#[inline]
fn put_text(out: &mut Buffer, text: &[u8]) -> Result<(), Full> {
    encode::text(out.tail_beyond(encode::text_size(text.len()))?, text);
    Ok(())
}

/// The service and the resource with their defaults: the tracer's service, the span's name.
pub fn service_and_resource<'a>(record: &Record<'a>, profile: &'a Profile) -> (&'a [u8], &'a [u8]) {
    let service = if record.service.is_empty() { profile.service.as_bytes() } else { record.service };
    let resource = if record.resource.is_empty() { record.name } else { record.resource };
    (service, resource)
}

/// Visits a span's text tags: its own, then what the tracer and, on the first span of a chunk, the trace add. What the
/// host set wins: no key comes twice.
pub fn each_text(
    chunk: &Chunk,
    record: &Record<'_>,
    profile: &Profile,
    first: bool,
    visit: &mut dyn FnMut(&[u8], &[u8]),
) {
    record.each_text(&mut *visit);
    each_added_text(chunk, record, profile, first, visit);
}

/// Visits a span's numbers, likewise.
pub fn each_number(
    chunk: &Chunk,
    record: &Record<'_>,
    profile: &Profile,
    first: bool,
    visit: &mut dyn FnMut(&[u8], f64),
) {
    record.each_number(&mut *visit);
    each_added_number(chunk, record, profile, first, visit);
}

fn each_added_text(
    chunk: &Chunk,
    record: &Record<'_>,
    profile: &Profile,
    first: bool,
    visit: &mut dyn FnMut(&[u8], &[u8]),
) {
    let mut add = |key: &[u8], value: &[u8]| {
        if !record.has_text(key) {
            visit(key, value);
        }
    };
    for (key, value) in if first { &profile.first_span } else { &profile.every_span } {
        add(key.as_bytes(), value.as_bytes());
    }
    if record.service.is_empty() && !profile.version.is_empty() {
        add(b"version", profile.version.as_bytes());
    }
    if !first {
        return;
    }
    if chunk.decision != NO_PRIORITY && chunk.priority > 0 {
        let (mut text, mechanism) = ([0; 12], chunk.decision.unsigned_abs());
        add(b"_dd.p.dm", decimal_below_zero(&mut text, mechanism));
    }
    if chunk.trace_id_high != 0 {
        let mut hex = [0u8; 16];
        for (n, digit) in hex.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(chunk.trace_id_high >> (60 - 4 * n)) as usize & 15];
        }
        add(b"_dd.p.tid", &hex);
    }
}

/// A minus sign and a number, at the end of `text`.
fn decimal_below_zero(text: &mut [u8; 12], mut number: u32) -> &[u8] {
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text[at - 1] = b'-';
    &text[at - 1..]
}

fn each_added_number(
    chunk: &Chunk,
    record: &Record<'_>,
    profile: &Profile,
    first: bool,
    visit: &mut dyn FnMut(&[u8], f64),
) {
    let mut add = |wanted: bool, key: &[u8], value: f64| {
        if wanted && !record.has_number(key) {
            visit(key, value);
        }
    };
    add(first && chunk.priority != NO_PRIORITY, b"_sampling_priority_v1", f64::from(chunk.priority));
    add(first, b"process_id", f64::from(profile.process_id));
    add(record.flags & TOP_LEVEL != 0, b"_dd.top_level", 1.0);
}

/// The numbers of a span, between keys that never change: each number in the form of nine bytes, to be filled in.
const NUMBERS: &[u8; 94] = b"\xa8trace_id\xcf________\xa7span_id\xcf________\xa9parent_id\xcf________\
\xa5start\xd3________\xa8duration\xd3________\xa5error_";
/// Where they go.
const TRACE_ID: usize = 10;
const SPAN_ID: usize = TRACE_ID + 8 + 9;
const PARENT_ID: usize = SPAN_ID + 8 + 11;
const START: usize = PARENT_ID + 8 + 7;
const DURATION: usize = START + 8 + 10;
const ERROR_FLAG: usize = NUMBERS.len() - 1;

fn span(out: &mut Buffer, chunk: &Chunk, record: &Record<'_>, profile: &Profile, first: bool) -> Result<(), Full> {
    let (service, resource) = service_and_resource(record, profile);
    let fields = 11 + u8::from(!record.span_type.is_empty()) + u8::from(record.blob_count > 0);
    put(out, &[0x80 | fields])?;
    put(out, b"\xa7service")?;
    put_text(out, service)?;
    put(out, b"\xa4name")?;
    put_text(out, record.name)?;
    put(out, b"\xa8resource")?;
    put_text(out, resource)?;
    let numbers: &mut [u8] = out.tail_beyond(NUMBERS.len())?;
    numbers.copy_from_slice(NUMBERS);
    let duration = record.duration_ns.min(i64::MAX as u64);
    for (at, number) in [
        (TRACE_ID, chunk.trace_id_low),
        (SPAN_ID, record.span_id),
        (PARENT_ID, record.parent_id),
        (START, record.start_ns as u64),
        (DURATION, duration),
    ] {
        numbers[at..at + 8].copy_from_slice(&number.to_be_bytes());
    }
    numbers[ERROR_FLAG] = u8::from(record.flags & ERROR != 0);
    if !record.span_type.is_empty() {
        put(out, b"\xa4type")?;
        put_text(out, record.span_type)?;
    }
    put(out, b"\xa4meta")?;
    run_and_more(out, record.texts, record.text_count, |out, count| {
        each_added_text(chunk, record, profile, first, &mut |key, value| {
            *count += u32::from(put_text(out, key).and_then(|()| put_text(out, value)).is_ok());
        });
    })?;
    put(out, b"\xa7metrics")?;
    run_and_more(out, record.numbers, record.number_count, |out, count| {
        each_added_number(chunk, record, profile, first, &mut |key, value| {
            let number = |out: &mut Buffer| {
                encode::float(out.tail_beyond(encode::FLOAT_SIZE)?, value);
                Ok(())
            };
            *count += u32::from(put_text(out, key).and_then(|()| number(out)).is_ok());
        });
    })?;
    if record.blob_count > 0 {
        put(out, b"\xabmeta_struct")?;
        put(out, &encode::map_head(record.blob_count as usize))?;
        put(out, record.blobs)?;
    }
    Ok(())
}

/// A map that begins with a run as it is; its count is known once the rest is written, so its head has room for any.
#[inline]
fn run_and_more(
    out: &mut Buffer,
    run: &[u8],
    count: u32,
    more: impl FnOnce(&mut Buffer, &mut u32),
) -> Result<(), Full> {
    let (head, mut count) = (out.len(), count);
    put(out, &encode::map_head(0))?;
    put(out, run)?;
    more(out, &mut count);
    correct(out, head, &encode::map_head(count as usize));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Buffer, Pool};
    use crate::span::open::{Field, OpenSpan};
    use crate::span::record;
    use rmpv::Value;

    fn profile() -> Profile {
        let given = [("DD_SERVICE", "shop"), ("DD_VERSION", "1.2"), ("DD_ENV", "prod")];
        let code = given.map(|(name, value)| (name.to_string(), value.to_string()));
        Profile::of(&crate::settings::Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0, 7)
    }

    fn chunk(spans: &[(u64, i64, u32)]) -> Chunk {
        let (pool, mut records) = (Pool::default(), Buffer::new());
        for &(span_id, start_ns, flags) in spans {
            let mut span = OpenSpan::default();
            (span.span_id, span.start_ns) = (span_id, start_ns);
            span.set_field(Field::Name, b"work").unwrap();
            span.set_text(b"env", b"mine").unwrap();
            span.set_number(b"n", span_id as f64).unwrap();
            record::append(&mut records, &pool, &span, flags, 5).unwrap();
        }
        Chunk {
            tracer: 0,
            trace_id_high: 0x640c_fd8d_0000_0000,
            trace_id_low: 9,
            priority: 2,
            decision: -4,
            spans: spans.len() as u32,
            complete: true,
            records,
            sequence: 0,
        }
    }

    fn sealed(chunk: &Chunk) -> Vec<Value> {
        let (mut offsets, mut out) = (Vec::new(), Buffer::new());
        order(chunk, &mut offsets);
        assert_eq!(seal(&mut out, chunk, &offsets, &profile(), usize::MAX), Ok(offsets.len()));
        rmpv::decode::read_value(&mut out.bytes()).unwrap().as_array().unwrap().clone()
    }

    fn get<'a>(span: &'a Value, path: &[&str]) -> Option<&'a Value> {
        path.iter().try_fold(span, |value, key| {
            value.as_map()?.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(_, value)| value)
        })
    }

    #[test]
    fn the_local_root_comes_first_and_alone_carries_what_is_the_traces() {
        let spans = sealed(&chunk(&[(3, 30, 0), (2, 10, 0), (1, 20, LOCAL_ROOT | TOP_LEVEL)]));
        let ids: Vec<u64> = spans.iter().map(|span| get(span, &["span_id"]).unwrap().as_u64().unwrap()).collect();
        assert_eq!(ids, [1, 2, 3]);
        for (span, first) in spans.iter().zip([true, false, false]) {
            assert_eq!(get(span, &["meta", "_dd.p.tid"]).is_some(), first);
            assert_eq!(get(span, &["meta", "_dd.p.dm"]).and_then(Value::as_str), first.then_some("-4"));
            assert_eq!(get(span, &["metrics", "_sampling_priority_v1"]).and_then(Value::as_f64), first.then_some(2.0));
            assert_eq!(get(span, &["metrics", "_dd.top_level"]).is_some(), first);
            assert_eq!(get(span, &["meta", "env"]).unwrap().as_str(), Some("mine"), "the host's own wins");
            assert_eq!(get(span, &["meta", "version"]).unwrap().as_str(), Some("1.2"));
        }
    }

    #[test]
    fn no_map_of_a_payload_has_a_key_twice() {
        for span in sealed(&chunk(&[(1, 1, LOCAL_ROOT)])) {
            for map in [Some(&span), get(&span, &["meta"]), get(&span, &["metrics"])] {
                let mut keys: Vec<_> = map.unwrap().as_map().unwrap().iter().map(|(key, _)| key.as_str()).collect();
                keys.sort();
                let all = keys.len();
                keys.dedup();
                assert_eq!(keys.len(), all);
            }
        }
    }

    #[test]
    fn tags_of_the_settings_that_the_tracer_writes_itself_are_not_sent_twice() {
        let tags = "language:x,runtime-id:y,_dd.p.dm:-9,_dd.p.tid:z,_dd.git.commit.sha:1,version:7,env:a,team:web";
        let given = [("DD_TAGS", tags), ("DD_GIT_COMMIT_SHA", "2"), ("DD_VERSION", "1.2"), ("DD_ENV", "prod")];
        let code = given.map(|(name, value)| (name.to_string(), value.to_string()));
        let profile =
            Profile::of(&crate::settings::Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0, 7);
        let chunk = chunk(&[(1, 1, LOCAL_ROOT), (2, 2, 0)]);
        let (mut offsets, mut out) = (Vec::new(), Buffer::new());
        order(&chunk, &mut offsets);
        assert_eq!(seal(&mut out, &chunk, &offsets, &profile, usize::MAX), Ok(2));
        let spans = rmpv::decode::read_value(&mut out.bytes()).unwrap().as_array().unwrap().clone();
        for span in &spans {
            let mut keys: Vec<_> =
                get(span, &["meta"]).unwrap().as_map().unwrap().iter().map(|(key, _)| key.as_str()).collect();
            let all = keys.len();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), all, "{span}");
            assert_eq!(get(span, &["meta", "team"]).and_then(Value::as_str), Some("web"));
        }
        let first = |key: &str| get(&spans[0], &["meta", key]).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(first("language").as_deref(), Some("native"), "the tracer's own wins");
        assert_eq!(first("runtime-id"), Some(profile.runtime_id.clone()));
        assert_eq!((first("_dd.p.dm").as_deref(), first("_dd.git.commit.sha").as_deref()), (Some("-4"), Some("2")));
    }

    #[test]
    fn the_decision_maker_that_a_trace_came_with_is_sent_on() {
        for (decision, sent) in [(0, "-0"), (-4, "-4"), (-3, "-3"), (-11, "-11"), (i32::MIN + 1, "-2147483647")] {
            let mut chunk = chunk(&[(1, 1, LOCAL_ROOT)]);
            chunk.decision = decision;
            assert_eq!(get(&sealed(&chunk)[0], &["meta", "_dd.p.dm"]).and_then(Value::as_str), Some(sent));
        }
    }

    #[test]
    fn a_chunk_too_large_is_cut_between_spans() {
        let chunk = chunk(&[(1, 1, LOCAL_ROOT), (2, 2, 0), (3, 3, 0)]);
        let (mut offsets, mut out) = (Vec::new(), Buffer::new());
        order(&chunk, &mut offsets);
        seal(&mut out, &chunk, &offsets, &profile(), usize::MAX).unwrap();
        let whole = out.len();
        out.truncate(0);
        assert_eq!(seal(&mut out, &chunk, &offsets, &profile(), whole - 1), Ok(2));
        assert_eq!(rmpv::decode::read_value(&mut out.bytes()).unwrap().as_array().unwrap().len(), 2);
        out.truncate(0);
        assert_eq!(seal(&mut out, &chunk, &offsets, &profile(), 10), Ok(0));
    }
}
