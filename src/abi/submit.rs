//! Submitting finished spans, for hosts that record their spans themselves.
#![allow(non_camel_case_types)]

use super::arg::{CArray, CBlob, CBytes, CLen};
use super::guard_span;
use super::sized::{In, Sized_};
use super::span::attributes::{put_event, put_link, spanwire_span_event, spanwire_span_link};
use super::span::tags::{put_metric, put_tag, set_number, set_text};
use super::span::{spanwire_metric, spanwire_tag};
use super::status::*;
use super::tracer::spanwire_tracer;
use crate::counters::Counters;
use crate::event::dropped::SubmitFault;
use crate::span::open::OpenSpan;
use crate::tracer::spans::At;
use crate::tracer::state::State;
use crate::tracer::submit::v04::{self, Setters};
use crate::tracer::submit::{packed, Given, Submission};
use crate::tracer::Error;

/// For `sampling_priority` of a record: the host has made no sampling decision.
pub const SPANWIRE_PRIORITY_NONE: i32 = -2_147_483_648;

/// A finished span for spanwire_span_submit(). Set all fields to zero, then `size`, then the fields that are known. All
/// elements of an array have the same `size`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_record {
    /// `sizeof(spanwire_record)`.
    pub size: usize,
    /// High half of the trace id; 0 for an id of 64 bits.
    pub trace_id_high: u64,
    /// Low half of the trace id; not 0.
    pub trace_id_low: u64,
    /// Id of the span; not 0.
    pub span_id: u64,
    /// Id of the parent; 0 for a root.
    pub parent_id: u64,
    /// Start time in nanoseconds since 1970. 0 and times before 1970 mean unknown: the span then ends now.
    pub start_ns: i64,
    /// Duration in nanoseconds. A negative one counts as 0; one that ends beyond INT64_MAX is cut.
    pub duration_ns: i64,
    /// The operation.
    pub name: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub name_len: CLen,
    /// The service; NULL for the tracer's.
    pub service: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub service_len: CLen,
    /// The resource; NULL for the name.
    pub resource: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub resource_len: CLen,
    /// The type; NULL for none.
    pub type_: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub type_len: CLen,
    /// Array of text tags.
    pub tags: CArray<spanwire_tag>,
    /// Number of text tags.
    pub tags_count: CLen,
    /// Array of numeric tags.
    pub metrics: CArray<spanwire_metric>,
    /// Number of numeric tags.
    pub metrics_count: CLen,
    /// 0 for no error, any other number for an error.
    pub error: i32,
    /// Sampling priority of the trace, or SPANWIRE_PRIORITY_NONE. The first record of a trace decides.
    pub sampling_priority: i32,
    /// Array of links, `links[0].size` bytes apart. Those that spanwire_span_add_link() would drop are dropped and
    /// counted.
    pub links: In<spanwire_span_link>,
    /// Number of links.
    pub links_count: CLen,
    /// Array of events, `events[0].size` bytes apart. Those that spanwire_span_add_event() would drop are dropped and
    /// counted.
    pub events: In<spanwire_span_event>,
    /// Number of events.
    pub events_count: CLen,
}

// SAFETY: repr(C), begins with its size, numbers and pointers only.
unsafe impl Sized_ for spanwire_record {}

/// Sends finished spans that the host recorded itself. Consecutive records of one trace become one chunk: pass the
/// spans of a trace together.
///
/// An invalid record (no ids, an invalid length, links or events of no known version) is dropped and counted as invalid; the others are sent.
///
/// @param tracer   the tracer that sends them
/// @param records  an array of `count` records, `records[0].size` bytes apart; NULL if `count` is 0
/// @param count    number of records
///
/// @return SPANWIRE_OK         also if DD_TRACE_ENABLED is off; the records are then ignored
///         SPANWIRE_E_ARGUMENT `records` is NULL and `count` is not 0, or a record was dropped as invalid
///         SPANWIRE_E_VERSION  `records[0].size` belongs to no known version
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_CLOSED   it was shut down
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; records without room were dropped and counted
///
/// Ownership: copies all texts before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_submit(
    tracer: spanwire_tracer,
    records: In<spanwire_record>,
    count: CLen,
) -> spanwire_status {
    guard_span(|state| submit(state, tracer, records, count))
}

/// Not inlined: its stack frame must not add to that of making the process's state.
#[inline(never)]
fn submit(
    state: &'static State,
    tracer: spanwire_tracer,
    records: In<spanwire_record>,
    count: CLen,
) -> Result<(), Error> {
    let Some(mut submission) = Submission::begin(state, tracer)? else { return Ok(()) };
    if count.get() == 0 {
        return Ok(());
    }
    for record in records.elements(count)? {
        let Ok(record) = record else {
            submission.reject_unread(SubmitFault::UnknownFields);
            continue;
        };
        match record.given() {
            Ok(given) => submission.add(&given, |span, at| record.put_tags(span, at)),
            Err(_) => submission.reject_unread(SubmitFault::InvalidLength),
        }
    }
    submission.end()
}

impl spanwire_record {
    fn given(&self) -> Result<Given<'_>, Error> {
        self.tags.of(self.tags_count)?;
        self.metrics.of(self.metrics_count)?;
        drop(elements(self.links, self.links_count)?);
        drop(elements(self.events, self.events_count)?);
        Ok(Given {
            trace_id_high: self.trace_id_high,
            trace_id_low: self.trace_id_low,
            span_id: self.span_id,
            parent_id: self.parent_id,
            start_ns: self.start_ns,
            duration_ns: self.duration_ns,
            texts: [
                self.name.of(self.name_len)?.unwrap_or_default(),
                self.service.of(self.service_len)?.unwrap_or_default(),
                self.resource.of(self.resource_len)?.unwrap_or_default(),
                self.type_.of(self.type_len)?.unwrap_or_default(),
            ],
            error: self.error != 0,
            priority: Some(self.sampling_priority).filter(|&priority| priority != SPANWIRE_PRIORITY_NONE),
        })
    }

    /// Sets the tags. `given` has checked both arrays.
    fn put_tags(&self, span: &mut OpenSpan, at: At<'_>) {
        for tag in self.tags.of(self.tags_count).unwrap_or_default() {
            let _ = put_tag(span, at, tag);
        }
        for metric in self.metrics.of(self.metrics_count).unwrap_or_default() {
            let _ = put_metric(span, at, metric);
        }
        for link in elements(self.links, self.links_count).into_iter().flatten() {
            let _ = put_link(span, at, link);
        }
        for event in elements(self.events, self.events_count).into_iter().flatten() {
            let _ = put_event(span, at, event);
        }
    }
}

/// Returns the elements of an array, which may be NULL if there are none.
fn elements<T: Sized_>(array: In<T>, count: CLen) -> Result<impl Iterator<Item = Result<T, Error>>, Error> {
    let some = (count.get() > 0).then(|| array.elements(count)).transpose()?;
    Ok(some.into_iter().flatten())
}

/// As spanwire_span_submit(), with the records packed in one buffer: for hosts in which an array of structures is
/// expensive to build. Such records have no links and events.
///
/// A record is as follows; all numbers are little-endian, without padding:
///
///     u32 length of the record, including this field     u32 flags: 1 error
///     u64 trace id, high   u64 low   u64 span id   u64 parent id
///     i64 start, ns since 1970   i64 duration, ns   i32 sampling priority
///     u32 length of name   u32 of service   u32 of resource   u32 of type   u32 tags   u32 metrics
///     name, service, resource, type; a length of 0 means "not given"
///     for each tag     u32 length of key   u32 length of value   key   value
///     for each metric  u32 length of key   f64 value   key
///
/// Records follow each other. A record whose lengths do not add up is dropped and counted as invalid. A record that
/// reaches beyond the buffer is too, and ends the buffer.
///
/// @param tracer  the tracer that sends them
/// @param bytes   the buffer; NULL if `len` is 0
/// @param len     its length in bytes
///
/// @return as spanwire_span_submit()
///
/// Ownership: copies everything before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_span_submit_packed(tracer: spanwire_tracer, bytes: CBlob, len: CLen) -> spanwire_status {
    guard_span(|state| submit_bytes(state, tracer, bytes.of(len)?))
}

/// Not inlined, as `submit`.
#[inline(never)]
fn submit_bytes(state: &'static State, tracer: spanwire_tracer, bytes: &[u8]) -> Result<(), Error> {
    let Some(mut submission) = Submission::begin(state, tracer)? else { return Ok(()) };
    packed(&mut submission, bytes);
    submission.end()
}

/// Sends a payload of the format v0.4 (`/v0.4/traces`) that the host has encoded itself: for a host that has a tracer of its
/// own. Its spans take the way of all others: memory limit, sampling, queue, exporter, counters. They are sent in the
/// format that the tracer sends all spans in, such as v1.0 or OTLP.
///
/// The payload is checked as a whole before anything is taken. It is MessagePack: an array of chunks; a chunk is an array
/// of spans of one trace; a span is a map with the fields
///
///     trace_id, span_id               integers, not 0; negative ones are taken as the ids with the same 64 bits
///     parent_id, start, duration, error   integers; missing ones are 0
///     service, name, resource, type   texts, as in spanwire_record; missing, nil or empty means "not given"
///     meta                            map of texts
///     metrics                         map of numbers
///     meta_struct                     map of blobs, each a MessagePack map
///     span_links                      array of maps: trace_id, trace_id_high, span_id, flags, tracestate, attributes
///     span_events                     array of maps: time_unix_nano, name, attributes with their types
///
/// In links, trace_id and span_id must not be 0; in events, the name must not be empty, and an array must have values of one
/// type. A blob may be given for a text. The maps and arrays may be nil. Fields that the library does not know are dropped
/// and counted in `tags_dropped`, those inside links and events are ignored; their maps and arrays may be up to 64 deep.
///
/// These tags belong to the chunk, whichever span has them; the first one counts:
///
///     _sampling_priority_v1   the sampling decision, which is kept. A chunk without it is sampled as the tracer's own
///                             traces are, and its `_dd.p.dm` is ignored
///     _dd.p.tid               the high half of the trace id, 16 hexadecimal digits
///     _dd.top_level           the host marks top-level spans; otherwise the library does
///
/// A tag of a span wins over the same tag of the tracer, for example `env`, `language`, `runtime-id` and `process_id`. Texts
/// are cut and repaired, and tags, links, events and attributes beyond the limits are dropped, as spanwire_span_set_tag()
/// and its like do it, and counted; so are tags without a key, numbers that are not finite, and blobs that are no map. The
/// status is SPANWIRE_OK all the same.
///
/// A payload that is refused is counted as invalid (`dropped_invalid`), and the log says so: as many spans as were read up
/// to the fault, at least one. Spans behind the fault are not counted.
///
/// @param tracer  the tracer that sends them
/// @param bytes   the payload
/// @param len     its length in bytes
///
/// @return SPANWIRE_OK         also if DD_TRACE_ENABLED is off; the payload is then ignored without a check
///         SPANWIRE_E_ARGUMENT the payload is refused as a whole: it is cut short, followed by other bytes, not of the form
///                             above, a span has no ids, or spans of one chunk have different trace ids. Or `bytes` is
///                             NULL and `len` is not 0, or `len` is beyond half the address space; nothing is counted then
///         SPANWIRE_E_HANDLE   `tracer` is freed, or was never a tracer
///         SPANWIRE_E_CLOSED   it was shut down
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; spans without room were dropped and counted, the others are
///                             sent. Do not submit the payload again
///
/// Ownership: copies everything before it returns.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      no effect.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_trace_submit_v04(tracer: spanwire_tracer, bytes: CBlob, len: CLen) -> spanwire_status {
    guard_span(|state| submit_payload(state, tracer, bytes.of(len)?))
}

/// Not inlined, as `submit`.
#[inline(never)]
fn submit_payload(state: &'static State, tracer: spanwire_tracer, bytes: &[u8]) -> Result<(), Error> {
    let Some(mut submission) = Submission::begin(state, tracer)? else { return Ok(()) };
    v04::payload(&mut submission, bytes, Setters { text: put_text, number: put_number });
    submission.end()
}

fn put_text(span: &mut OpenSpan, at: At<'_>, key: &[u8], value: &[u8]) {
    if key.is_empty() {
        return Counters::add(&at.counters().tags_dropped, 1);
    }
    let _ = set_text(span, at, key, value);
}

fn put_number(span: &mut OpenSpan, at: At<'_>, key: &[u8], value: f64) {
    let _ = set_number(span, at, Some(key), value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::arg::made::len;
    use crate::tracer::current::state;
    use crate::tracer::stats;

    #[test]
    fn a_record_in_the_middle_that_is_not_understood_costs_no_other() {
        let state = state();
        let code = [("DD_SERVICE", "submitter"), ("DD_TRACE_AGENT_URL", "file:///dev/null")];
        let code = code.map(|(name, value)| (name.to_string(), value.to_string()));
        let tracer = state.tracers.make(state, code.to_vec()).unwrap();
        // SAFETY: all zeros are a record of nothing.
        let mut record: spanwire_record = unsafe { std::mem::zeroed() };
        (record.size, record.trace_id_low, record.span_id) = (std::mem::size_of::<spanwire_record>(), 1, 2);
        let mut records = [record; 4];
        // The first one's size is that of all; no ids make it invalid.
        (records[1].size, records[2].span_id) = (0, 0);
        let status = spanwire_span_submit(tracer, In::made(&records), len(records.len()));
        assert_eq!(status, SPANWIRE_E_ARGUMENT);
        let counted = stats::of(state, tracer).unwrap();
        assert_eq!((counted.started, counted.finished, counted.dropped.iter().sum::<u64>()), (4, 4, 1));
        records[0].size += 4;
        // The size is refused before anything else is read.
        assert_eq!(spanwire_span_submit(tracer, In::made(&records), len(1)), SPANWIRE_E_VERSION);
        state.tracers.free(state, tracer).unwrap();
    }
}
