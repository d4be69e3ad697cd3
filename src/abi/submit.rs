//! Whole finished spans at once, for hosts that keep their spans themselves.
#![allow(non_camel_case_types)]

use super::arg::{CArray, CBlob, CBytes, CLen};
use super::guard_span;
use super::sized::{In, Sized_};
use super::span::tags::{put_metric, put_tag};
use super::span::{spanwire_metric, spanwire_tag};
use super::status::*;
use super::tracer::spanwire_tracer;
use crate::counters::Counters;
use crate::event::dropped::SubmitFault;
use crate::span::open::OpenSpan;
use crate::tracer::state::State;
use crate::tracer::submit::{packed, Given, Submission};
use crate::tracer::Error;

/// For `sampling_priority` of a record: not decided by the host.
pub const SPANWIRE_PRIORITY_NONE: i32 = -2_147_483_648;

/// A finished span as spanwire_span_submit() takes it. Zero-initialise it, set `size`, and set what is known; all
/// elements of one array have the same `size`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_record {
    /// `sizeof(spanwire_record)`.
    pub size: usize,
    /// High half of the trace id; 0 for an id of 64 bits.
    pub trace_id_high: u64,
    /// Low half of the trace id; not 0.
    pub trace_id_low: u64,
    /// The span's id; not 0.
    pub span_id: u64,
    /// The parent's id; 0 for a root.
    pub parent_id: u64,
    /// The start in nanoseconds since 1970; 0, or a time before 1970, is not known: the span then ends now.
    pub start_ns: i64,
    /// The duration in nanoseconds; a negative one counts as 0, and one whose end is beyond INT64_MAX is cut.
    pub duration_ns: i64,
    /// The operation.
    pub name: CBytes,
    /// Its length in bytes, or SPANWIRE_NUL.
    pub name_len: CLen,
    /// The service; NULL for the tracer's own.
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
    /// Text tags.
    pub tags: CArray<spanwire_tag>,
    /// How many.
    pub tags_count: CLen,
    /// Numeric tags.
    pub metrics: CArray<spanwire_metric>,
    /// How many.
    pub metrics_count: CLen,
    /// 0 for no error, anything else for an error.
    pub error: i32,
    /// The trace's sampling priority, or SPANWIRE_PRIORITY_NONE; that of a trace's first record counts.
    pub sampling_priority: i32,
}

// SAFETY: repr(C), begins with its size, numbers and pointers only.
unsafe impl Sized_ for spanwire_record {}

/// Sends finished spans that the host has kept itself. Records of one trace that follow each other become one chunk, so
/// give a trace's spans together.
///
/// A record that cannot be used (no ids, a length that cannot be meant) is dropped and counted as invalid; the others
/// are sent.
///
/// @param tracer   the tracer that sends them
/// @param records  an array of `count` records, `records[0].size` bytes apart; NULL if `count` is 0
/// @param count    how many
///
/// @return SPANWIRE_OK         also where DD_TRACE_ENABLED is off: then nothing is done
///         SPANWIRE_E_ARGUMENT `records` is NULL but `count` is not 0, or a record was dropped as invalid
///         SPANWIRE_E_VERSION  `records[0].size` is of no known version
///         SPANWIRE_E_HANDLE   `tracer` is freed, or never was a tracer
///         SPANWIRE_E_CLOSED   it was shut down
///         SPANWIRE_E_MEMORY   SPANWIRE_MEMORY_MAX is reached; what had no room was dropped and counted
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

/// In a frame of its own, which begins after this process's state is made: both need stack.
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
            Ok(given) => submission.add(&given, |span, counters| record.put_tags(span, counters)),
            Err(_) => submission.reject_unread(SubmitFault::InvalidLength),
        }
    }
    submission.end()
}

impl spanwire_record {
    fn given(&self) -> Result<Given<'_>, Error> {
        self.tags.of(self.tags_count)?;
        self.metrics.of(self.metrics_count)?;
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

    /// Sets the tags; `given` has checked both arrays.
    fn put_tags(&self, span: &mut OpenSpan, counters: &Counters) {
        for tag in self.tags.of(self.tags_count).unwrap_or_default() {
            let _ = put_tag(span, counters, tag);
        }
        for metric in self.metrics.of(self.metrics_count).unwrap_or_default() {
            let _ = put_metric(span, counters, metric);
        }
    }
}

/// spanwire_span_submit() for records packed in one buffer, for hosts to which building an array of structures is dear.
///
/// A record is, all numbers little-endian and without padding:
///
///     u32 length of the record, these four bytes among them     u32 flags: 1 error
///     u64 trace id, high   u64 low   u64 span id   u64 parent id
///     i64 start, ns since 1970   i64 duration, ns   i32 sampling priority
///     u32 length of name   u32 of service   u32 of resource   u32 of type   u32 tags   u32 metrics
///     name, service, resource, type; a length of 0 means "not given"
///     for each tag     u32 length of key   u32 length of value   key   value
///     for each metric  u32 length of key   f64 value   key
///
/// Records follow each other. One whose lengths do not add up is dropped and counted as invalid; one that reaches beyond
/// the buffer ends it.
///
/// @param tracer  the tracer that sends them
/// @param bytes   the buffer; NULL if `len` is 0
/// @param len     its length in bytes
///
/// @return as for spanwire_span_submit()
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

/// In a frame of its own, as `submit`.
#[inline(never)]
fn submit_bytes(state: &'static State, tracer: spanwire_tracer, bytes: &[u8]) -> Result<(), Error> {
    let Some(mut submission) = Submission::begin(state, tracer)? else { return Ok(()) };
    packed(&mut submission, bytes);
    submission.end()
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
