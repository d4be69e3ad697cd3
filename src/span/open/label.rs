//! The part of an open span that other threads can read while one thread holds it.

use super::fields::OpenSpan;
use crate::span::table::Content;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// A copy of what stays the same while a span is open, in atomics.
#[derive(Debug, Default)]
pub struct Label {
    trace_id_high: AtomicU64,
    trace_id_low: AtomicU64,
    span_id: AtomicU64,
    start_ns: AtomicU64,
    tracer: AtomicU32,
}

impl Label {
    /// Copies those fields of a span.
    #[inline(always)]
    pub fn set(&self, span: &OpenSpan) {
        self.trace_id_high.store(span.trace_id_high, Relaxed);
        self.trace_id_low.store(span.trace_id_low, Relaxed);
        self.span_id.store(span.span_id, Relaxed);
        self.start_ns.store(span.start_ns as u64, Relaxed);
        self.tracer.store(span.tracer, Relaxed);
    }

    /// Returns the trace id, high and low, and the span id.
    pub fn ids(&self) -> (u64, u64, u64) {
        (self.trace_id_high.load(Relaxed), self.trace_id_low.load(Relaxed), self.span_id.load(Relaxed))
    }

    /// Returns the index of the tracer.
    pub fn tracer(&self) -> u32 {
        self.tracer.load(Relaxed)
    }

    /// Returns the start, nanoseconds since 1970.
    pub fn start_ns(&self) -> i64 {
        self.start_ns.load(Relaxed) as i64
    }
}

impl Content for OpenSpan {
    type Label = Label;
    const LISTED: bool = true;
}
