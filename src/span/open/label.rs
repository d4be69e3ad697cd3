//! The part of an open span that other threads can read while one thread holds it.

use super::OpenSpan;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// What can be read of an open span while another thread holds it.
#[derive(Debug, Default)]
pub struct Label {
    trace_id_high: AtomicU64,
    trace_id_low: AtomicU64,
    span_id: AtomicU64,
    start_ns: AtomicU64,
    tracer: AtomicU32,
}

impl Label {
    /// Copies what stays the same as long as the span is open.
    #[inline]
    pub fn set(&self, span: &OpenSpan) {
        self.trace_id_high.store(span.trace_id_high, Relaxed);
        self.trace_id_low.store(span.trace_id_low, Relaxed);
        self.span_id.store(span.span_id, Relaxed);
        self.start_ns.store(span.start_ns as u64, Relaxed);
        self.tracer.store(span.tracer, Relaxed);
    }

    /// The trace id, high and low, and the span id.
    pub fn ids(&self) -> (u64, u64, u64) {
        (self.trace_id_high.load(Relaxed), self.trace_id_low.load(Relaxed), self.span_id.load(Relaxed))
    }

    /// Index of the tracer.
    pub fn tracer(&self) -> u32 {
        self.tracer.load(Relaxed)
    }

    /// The start, nanoseconds since 1970.
    pub fn start_ns(&self) -> i64 {
        self.start_ns.load(Relaxed) as i64
    }
}
