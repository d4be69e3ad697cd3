//! Format v0.4: an array of chunks, each an array of spans, each a map. Trace-level values (sampling priority, mechanism,
//! the high half of the trace id, the sender) are written on the first span of each chunk. Tracer-level values
//! (environment, version, tags) are written on every span.

use super::added::{Additions, Place};
use super::encoder::{correct, put, put_text, Fit, PayloadFormat, Sender, Spans};
use super::linked::{self, Fields};
use super::spans::{Span, Visit};
use crate::export::metadata::{Identity, Metadata, Pairs};
use crate::memory::{Buffer, Full, Room};
use crate::span::encode;
use crate::span::open::ERROR;
use crate::span::record::{TextOf, UsualRecord};
use crate::span::run::{self, Kind, Run};
use crate::trace::tags::ORIGIN;
use crate::trace::Chunk;

/// See the module. Records hold tags as this format sends them.
pub struct V04 {
    path: &'static str,
    fields: Fields,
    chunks: usize,
    additions: Additions,
}

impl V04 {
    /// Payloads for this path, to an agent that takes these fields.
    pub fn at(path: &'static str, fields: Fields) -> V04 {
        V04 { path, fields, chunks: 0, additions: Additions::default() }
    }
}

impl PayloadFormat for V04 {
    fn begin(&mut self, body: &mut Buffer, _: &Metadata) -> Result<(), Full> {
        self.chunks = 0;
        self.additions.forget();
        put(body, &encode::array_head(0))
    }

    fn add(&mut self, body: &mut Buffer, spans: &Spans<'_>, fit: Fit, limit: usize) -> Result<usize, Full> {
        let before = body.len();
        let how = (spans.metadata, self.fields, &mut self.additions);
        let added = seal(body, spans.chunk, spans.offsets, how, limit);
        match added {
            Ok(added) if added == spans.offsets.len() || (fit == Fit::Some && added > 0) => {
                self.chunks += 1;
                Ok(added)
            }
            _ => {
                body.truncate(before);
                added.map(|_| 0)
            }
        }
    }

    fn finish(&mut self, body: &mut Buffer) -> Result<(), Full> {
        correct(body, 0, &encode::array_head(self.chunks));
        Ok(())
    }

    fn path(&self) -> &'static str {
        self.path
    }

    fn content_type(&self) -> &'static str {
        CONTENT_TYPE
    }

    fn headers(&self, sender: &Sender<'_>, add: &mut dyn FnMut(&'static str, &str)) {
        headers(sender, self.chunks, add);
    }
}

/// The value of `Content-Type`.
pub const CONTENT_TYPE: &str = "application/msgpack";

/// The other headers of a request with so many chunks.
pub fn headers(sender: &Sender<'_>, chunks: usize, add: &mut dyn FnMut(&'static str, &str)) {
    let Identity { language, language_version, interpreter, interpreter_vendor, tracer_version, .. } = sender.identity;
    add("Datadog-Meta-Lang", language);
    add("Datadog-Meta-Lang-Version", language_version);
    add("Datadog-Meta-Lang-Interpreter", interpreter);
    add("Datadog-Meta-Lang-Interpreter-Vendor", interpreter_vendor);
    add("Datadog-Meta-Tracer-Version", tracer_version);
    add("Datadog-Container-ID", sender.identity.container_id.as_deref().unwrap_or_default());
    add("Datadog-Entity-ID", sender.identity.entity_id.as_deref().unwrap_or_default());
    add("Datadog-External-Env", sender.identity.external_env.as_deref().unwrap_or_default());
    // The Agent reads a boolean as Go does, and logs a warning for each payload that says "yes".
    add("Datadog-Client-Computed-Top-Level", "true");
    if sender.identity.no_statistics {
        add("Datadog-Client-Computed-Stats", "true");
    }
    add("Datadog-Send-Real-Http-Status", "true");
    // Those that change come last: the headers before them need not be made again.
    add("Datadog-Rates-Payload-Version", sender.rates_version);
    add("X-Datadog-Trace-Count", &chunks.to_string());
}

/// Appends the spans at `offsets` as one chunk, as many as fit until `out` holds `limit` bytes. Returns how many.
fn seal(
    out: &mut Buffer,
    chunk: &Chunk,
    offsets: &[u32],
    (metadata, known, additions): (&Metadata, Fields, &mut Additions),
    limit: usize,
) -> Result<usize, Full> {
    let head = out.len();
    put(out, &encode::array_head(offsets.len()))?;
    // Of the trace's tags, spans after the first carry the origin alone; others may take the place of the tracer's.
    let is_tag = |(key, _): &(String, String)| chunk.tags.get(key.as_bytes()).is_some();
    let untagged = chunk.tags.is_empty();
    let later_untagged = untagged || (chunk.tags.get(ORIGIN).is_none() && !metadata.every_span.iter().any(is_tag));
    let mut done = 0;
    for &at in offsets {
        let (before, place) = (out.len(), Place { chunk, metadata, at, first: done == 0 });
        let may_be_usual = if place.first { untagged } else { later_untagged };
        let usual = if may_be_usual { place.bytes().and_then(UsualRecord::read) } else { None };
        let is_done = match &usual {
            Some(record) => usual_span(out, record, &place, additions)?,
            None => false,
        };
        if !is_done {
            any_span(out, place, known)?;
        }
        if out.len() > limit {
            out.truncate(before);
            break;
        }
        done += 1;
    }
    if done != offsets.len() {
        correct(out, head, &encode::array_head(done));
    }
    Ok(done)
}

const SERVICE: &[u8; 8] = b"\xa7service";
const NAME: &[u8; 5] = b"\xa4name";
const RESOURCE: &[u8; 9] = b"\xa8resource";
const TYPE: &[u8; 5] = b"\xa4type";
/// The numeric fields of a span with their keys, to the key of the last. Each number has the encoding of nine bytes, and
/// is filled in.
const NUMBERS: &[u8; 93] = b"\xa8trace_id\xcf________\xa7span_id\xcf________\xa9parent_id\xcf________\
\xa5start\xd3________\xa8duration\xd3________\xa5error";
/// Where the numbers are in it.
const TRACE_ID: usize = 10;
const SPAN_ID: usize = TRACE_ID + 8 + 9;
const PARENT_ID: usize = SPAN_ID + 8 + 11;
const START: usize = PARENT_ID + 8 + 7;
const DURATION: usize = START + 8 + 10;
/// The most bytes that the fields of a span take besides their texts.
const FIXED: usize =
    1 + SERVICE.len() + NAME.len() + RESOURCE.len() + TYPE.len() + NUMBERS.len() + 1 + 4 * encode::HEAD_MAX;
/// The most bytes that the heads of its two maps of tags take, with their keys.
const HEADS_OF_TAGS: usize = 8 + 11;

/// Appends a span whose only fields are texts, numbers and tags, with added tags that are encoded already. The room for all
/// of it is made at once. Returns false, and appends nothing, if the span may have one of the added tags itself.
#[inline(always)]
fn usual_span(
    out: &mut Buffer,
    record: &UsualRecord<'_>,
    place: &Place<'_>,
    additions: &mut Additions,
) -> Result<bool, Full> {
    let added = additions.of(record.flags(), record.lacks(TextOf::Service), place);
    if !added.texts.are_new_in(Kind::Text, record.text_tags())
        || !added.numbers.are_new_in(Kind::Number, record.number_tags())
    {
        return Ok(false);
    }
    // The name may come twice, as the resource, and the tracer's service may be added.
    let size = 2 * record.length() + place.metadata.service.len() + added.texts.bytes.len() + added.numbers.bytes.len();
    let mut room = out.room_beyond(FIXED + HEADS_OF_TAGS + size)?;
    let fields = if record.lacks(TextOf::Type) { 11 } else { 12 };
    room.put_fixed([0x80 | fields]);
    put_numbers(&mut room, place.chunk.trace_id_low, record.numbers());
    let error = u8::from(record.flags() & ERROR != 0);
    let service = record.text(TextOf::Service);
    let service = if service.is_empty() { place.metadata.service.as_bytes() } else { service };
    encode::put_behind(&mut room, [error, 0xa7, b's', b'e', b'r', b'v', b'i', b'c', b'e'], service);
    encode::put_behind(&mut room, *NAME, record.text(TextOf::Name));
    let resource = if record.lacks(TextOf::Resource) { TextOf::Name } else { TextOf::Resource };
    encode::put_behind(&mut room, *RESOURCE, record.text(resource));
    if !record.lacks(TextOf::Type) {
        encode::put_behind(&mut room, *TYPE, record.text(TextOf::Type));
    }
    let tags = record.text_tags();
    let [head, a, b] = encode::map_head((tags.count + added.texts.count) as usize);
    room.put_headed([0xa4, b'm', b'e', b't', b'a', head, a, b], tags.bytes);
    if added.texts.count > 0 {
        room.put(&added.texts.bytes);
    }
    let tags = record.number_tags();
    let [head, a, b] = encode::map_head((tags.count + added.numbers.count) as usize);
    room.put_headed([0xa7, b'm', b'e', b't', b'r', b'i', b'c', b's', head, a, b], tags.bytes);
    if added.numbers.count > 0 {
        room.put(&added.numbers.bytes);
    }
    Ok(true)
}

/// Puts the numeric fields of a span, to the key of the last: its id, its parent's, start and duration.
#[inline(always)]
fn put_numbers(room: &mut Room<'_>, trace_id_low: u64, [span_id, parent_id, start, duration]: [u64; 4]) {
    let numbers = [
        (TRACE_ID, trace_id_low),
        (SPAN_ID, span_id),
        (PARENT_ID, parent_id),
        (START, start),
        (DURATION, duration.min(i64::MAX as u64)),
    ];
    room.put_filled(NUMBERS, numbers.map(|(at, number)| (at, number.to_be_bytes())));
}

/// Appends any span. Reads it again, and takes the place by value, so that what the caller has can stay in registers.
#[cold]
#[inline(never)]
fn any_span(out: &mut Buffer, place: Place<'_>, known: Fields) -> Result<(), Full> {
    place.span().map_or(Ok(()), |span| self::span(out, span, known))
}

/// Appends a span. The room for its fields is made at once.
fn span(out: &mut Buffer, span: Span<'_>, known: Fields) -> Result<(), Full> {
    let Span { record, texts, numbers, chunk, .. } = span;
    let (service, resource) = span.service_and_resource();
    let (name, span_type) = (record.name, record.span_type);
    let more = more_fields(&span, known);
    let fields = 11 + u8::from(!span_type.is_empty()) + more;
    put(out, &[0x80 | fields])?;
    put_field(out, SERVICE, service)?;
    put_field(out, NAME, name)?;
    put_field(out, RESOURCE, resource)?;
    let numbers_of_span = [record.span_id, record.parent_id, record.start_ns as u64, record.duration_ns];
    put_numbers(&mut out.room_beyond(NUMBERS.len())?, chunk.trace_id_low, numbers_of_span);
    put(out, &[u8::from(record.flags & ERROR != 0)])?;
    if !span_type.is_empty() {
        put_field(out, TYPE, span_type)?;
    }
    run_and_more(out, b"\xa4meta", texts, |out, count| {
        span.each_added_text(&mut Appended { out, count });
        put_tags(out, count, &span, known);
    })?;
    run_and_more(out, b"\xa7metrics", numbers, |out, count| {
        span.each_added_number(&mut |key, value| {
            *count += u32::from(put_number(out, key, value).is_ok());
        });
    })?;
    put_more(out, &span, known)
}

/// Appends a key, which is encoded already, and a text.
#[inline(never)]
fn put_field(out: &mut Buffer, key: &[u8], text: &[u8]) -> Result<(), Full> {
    put(out, key)?;
    put_text(out, text)
}

/// Appends the text tags that are added to a span, and counts them.
struct Appended<'a> {
    out: &'a mut Buffer,
    count: &'a mut u32,
}

impl Visit for Appended<'_> {
    #[inline]
    fn pair(&mut self, key: &[u8], value: &[u8]) {
        *self.count += u32::from(put_pair(self.out, key, value).is_ok());
    }

    #[inline]
    fn pairs(&mut self, pairs: &Pairs) {
        if put(self.out, pairs.run()).is_ok() {
            *self.count += pairs.len() as u32;
        }
    }
}

/// Appends a pair of texts.
fn put_pair(out: &mut Buffer, key: &[u8], value: &[u8]) -> Result<(), Full> {
    let mut room = out.room_beyond(key.len() + value.len() + 2 * encode::HEAD_MAX)?;
    encode::put_key(&mut room, key);
    encode::put(&mut room, value);
    Ok(())
}

/// Appends a key and a number.
fn put_number(out: &mut Buffer, key: &[u8], value: f64) -> Result<(), Full> {
    let mut room = out.room_beyond(key.len() + encode::HEAD_MAX + encode::FLOAT_SIZE)?;
    encode::put_key(&mut room, key);
    encode::put_float(&mut room, value);
    Ok(())
}

/// How many more fields a span has that most spans do not have.
fn more_fields(span: &Span<'_>, known: Fields) -> u8 {
    let [_, _, blobs, links, events] = span.record.runs().map(|run| run.count > 0);
    u8::from(blobs) + u8::from(links && known.links) + u8::from(events && known.events)
}

/// Appends those fields.
fn put_more(out: &mut Buffer, span: &Span<'_>, known: Fields) -> Result<(), Full> {
    let [_, _, blobs, links, events] = span.record.runs();
    if blobs.count > 0 {
        put(out, b"\xabmeta_struct")?;
        put(out, &encode::map_head(blobs.count as usize))?;
        put(out, blobs.bytes)?;
    }
    if links.count > 0 && known.links {
        linked::put_links(out, links)?;
    }
    if events.count > 0 && known.events {
        linked::put_events(out, events)?;
    }
    Ok(())
}

/// Appends the text tags with what the agent does not take as fields. A tag that the host has set stays.
fn put_tags(out: &mut Buffer, count: &mut u32, span: &Span<'_>, known: Fields) {
    let [texts, _, _, links, events] = span.record.runs();
    linked::each_tag(links, events, known, &mut |key, value| {
        if !run::has(Kind::Text, texts.bytes, key) {
            *count += u32::from(put_pair(out, key, value).is_ok());
        }
    });
}

/// Appends a key and a map that begins with a run as it is. The map's head has room for any count, which is known only
/// at the end.
fn run_and_more<const N: usize>(
    out: &mut Buffer,
    key: &[u8; N],
    run: Run<'_>,
    more: impl FnOnce(&mut Buffer, &mut u32),
) -> Result<(), Full> {
    let (head, mut count) = (out.len() + N, run.count);
    let map_head = encode::map_head(count as usize);
    let mut room = out.room_beyond(N + map_head.len() + run.bytes.len())?;
    room.put_fixed(*key);
    room.put_fixed(map_head);
    room.put(run.bytes);
    drop(room);
    more(out, &mut count);
    if count != run.count {
        correct(out, head, &encode::map_head(count as usize));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::spans::order;
    use super::*;
    use crate::memory::{Buffer, Pool};
    use crate::span::open::{Field, OpenSpan, LOCAL_ROOT, TOP_LEVEL};
    use crate::span::record;
    use crate::trace::decision::Rates;
    use crate::trace::{Decision, Mechanism, TraceTags};
    use rmpv::Value;

    const AGENT: Fields = Fields { links: true, events: true };

    fn metadata() -> Metadata {
        let given = [("DD_SERVICE", "shop"), ("DD_VERSION", "1.2"), ("DD_ENV", "prod")];
        let code = given.map(|(name, value)| (name.to_string(), value.to_string()));
        Metadata::of(&crate::settings::Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0, 7)
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
            decision: Decision::by_hand(2),
            tags: TraceTags::default(),
            spans: spans.len() as u32,
            complete: true,
            records,
            sequence: 0,
            fate: 0,
            decided_elsewhere: false,
        }
    }

    fn sealed(chunk: &Chunk) -> Vec<Value> {
        let (mut offsets, mut out) = (Vec::new(), Buffer::new());
        order(chunk, &mut offsets);
        assert_eq!(
            seal(&mut out, chunk, &offsets, (&metadata(), AGENT, &mut Additions::default()), usize::MAX),
            Ok(offsets.len())
        );
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
        let metadata =
            Metadata::of(&crate::settings::Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0, 7);
        let chunk = chunk(&[(1, 1, LOCAL_ROOT), (2, 2, 0)]);
        let (mut offsets, mut out) = (Vec::new(), Buffer::new());
        order(&chunk, &mut offsets);
        assert_eq!(seal(&mut out, &chunk, &offsets, (&metadata, AGENT, &mut Additions::default()), usize::MAX), Ok(2));
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
        assert_eq!(first("runtime-id"), Some(metadata.runtime_id.clone()));
        assert_eq!((first("_dd.p.dm").as_deref(), first("_dd.git.commit.sha").as_deref()), (Some("-4"), Some("2")));
    }

    #[test]
    fn the_decision_maker_that_a_trace_came_with_is_sent_on() {
        for (decision, sent) in [(0, "-0"), (-4, "-4"), (-3, "-3"), (-11, "-11"), (i32::MIN + 1, "-2147483647")] {
            let mut chunk = chunk(&[(1, 1, LOCAL_ROOT)]);
            chunk.decision = Decision::new(2, Mechanism::of(decision));
            assert_eq!(get(&sealed(&chunk)[0], &["meta", "_dd.p.dm"]).and_then(Value::as_str), Some(sent));
        }
    }

    #[test]
    fn trace_tags_are_on_the_first_span_and_the_origin_on_every_span() {
        let mut with = chunk(&[(1, 1, LOCAL_ROOT), (2, 2, 0)]);
        for (key, value) in [("_dd.origin", "synthetics"), ("_dd.p.x", "7"), ("tracestate", "dd=s:1"), ("env", "its")] {
            with.tags.set(key.as_bytes(), value.as_bytes()).unwrap();
        }
        with.decision = Decision::new(1, Mechanism::of(-3)).with_rates(Rates::new(Some(0.5), None));
        let without = chunk(&[(1, 1, LOCAL_ROOT), (2, 2, 0)]);
        let text = |span: &Value, key| get(span, &["meta", key]).and_then(Value::as_str).map(str::to_owned);
        let rate = |span: &Value| get(span, &["metrics", "_dd.rule_psr"]).and_then(Value::as_f64);
        for (n, span) in sealed(&with).iter().enumerate() {
            let first = n == 0;
            assert_eq!(text(span, "_dd.origin").as_deref(), Some("synthetics"));
            assert_eq!(text(span, "_dd.p.x").as_deref(), first.then_some("7"));
            assert_eq!(text(span, "_dd.p.dm").as_deref(), first.then_some("-3"));
            assert_eq!(text(span, "tracestate"), None, "it is for contexts");
            assert_eq!(text(span, "env").as_deref(), Some("mine"), "the span's own wins");
            assert_eq!(rate(span), first.then_some(0.5));
        }
        for span in sealed(&without) {
            assert!(text(&span, "_dd.origin").is_none() && text(&span, "_dd.p.x").is_none() && rate(&span).is_none());
        }
    }

    #[test]
    fn a_chunk_too_large_is_cut_between_spans() {
        let chunk = chunk(&[(1, 1, LOCAL_ROOT), (2, 2, 0), (3, 3, 0)]);
        let (mut offsets, mut out) = (Vec::new(), Buffer::new());
        order(&chunk, &mut offsets);
        seal(&mut out, &chunk, &offsets, (&metadata(), AGENT, &mut Additions::default()), usize::MAX).unwrap();
        let whole = out.len();
        out.truncate(0);
        assert_eq!(seal(&mut out, &chunk, &offsets, (&metadata(), AGENT, &mut Additions::default()), whole - 1), Ok(2));
        assert_eq!(rmpv::decode::read_value(&mut out.bytes()).unwrap().as_array().unwrap().len(), 2);
        out.truncate(0);
        assert_eq!(seal(&mut out, &chunk, &offsets, (&metadata(), AGENT, &mut Additions::default()), 10), Ok(0));
    }

    #[test]
    fn a_payload_holds_whole_chunks_and_is_unchanged_by_one_that_does_not_fit() {
        let (one, two, metadata) = (chunk(&[(1, 1, LOCAL_ROOT)]), chunk(&[(2, 2, LOCAL_ROOT), (3, 3, 0)]), metadata());
        let (mut format, mut body) = (V04::at("/v0.4/traces", AGENT), Buffer::new());
        let add = |format: &mut V04, body: &mut Buffer, chunk: &Chunk, fit, limit| {
            let mut offsets = Vec::new();
            order(chunk, &mut offsets);
            format.add(body, &Spans { chunk, offsets: &offsets, metadata: &metadata }, fit, limit)
        };
        let chunks = |format: &mut V04, body: &mut Buffer| {
            format.finish(body).unwrap();
            let payload = rmpv::decode::read_value(&mut body.bytes()).unwrap();
            payload.as_array().unwrap().iter().map(|chunk| chunk.as_array().unwrap().len()).collect::<Vec<_>>()
        };
        format.begin(&mut body, &self::metadata()).unwrap();
        assert_eq!(add(&mut format, &mut body, &one, Fit::Some, usize::MAX), Ok(1));
        let before = body.bytes().to_vec();
        assert_eq!(add(&mut format, &mut body, &two, Fit::All, before.len() + 50), Ok(0));
        assert_eq!(body.bytes(), before, "nothing of it is left");
        assert_eq!(add(&mut format, &mut body, &two, Fit::All, usize::MAX), Ok(2));
        let most = body.len() - 1;
        assert_eq!(chunks(&mut format, &mut body), [1, 2]);
        body.truncate(0);
        format.begin(&mut body, &self::metadata()).unwrap();
        assert_eq!(add(&mut format, &mut body, &one, Fit::Some, most), Ok(1));
        assert_eq!(add(&mut format, &mut body, &two, Fit::Some, most), Ok(1), "as many as fit");
        assert_eq!(chunks(&mut format, &mut body), [1, 1]);
    }
}
