//! The context of a span: a value that the host stores and sends itself. `extract` reads contexts out of headers, `inject`
//! writes them, `baggage` has the texts that travel with them.
#![allow(non_camel_case_types)]

pub mod baggage;
pub mod extract;
pub mod inject;
pub mod origin;

use super::sized::Sized_;
use crate::trace::{Decision, Mechanism};
use crate::tracer::spans::Context;
use crate::tracer::Error;

/// `sampling_priority` and `decision_maker` of a context are set. Without this flag the trace is decided anew.
pub const SPANWIRE_CONTEXT_HAS_PRIORITY: u32 = 1;

/// What a span passes to children elsewhere: its ids and the sampling decision of its trace, by value. It stays valid
/// after the span has finished, so children that start late (asynchronous work) use it as their parent. It may cross
/// threads, forks and processes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_context {
    /// `sizeof(spanwire_context)`, set by the caller before every use.
    pub size: usize,
    /// High half of the trace id; 0 for an id of 64 bits.
    pub trace_id_high: u64,
    /// Low half of the trace id; not 0.
    pub trace_id_low: u64,
    /// Id of the span that is the parent of its children; not 0.
    pub span_id: u64,
    /// -1 rejected by the user, 0 rejected, 1 kept, 2 kept by the user.
    pub sampling_priority: i32,
    /// Sampling mechanism, the negative number of `_dd.p.dm`: 0 by default, -4 by the user.
    pub decision_maker: i32,
    /// `SPANWIRE_CONTEXT_HAS_PRIORITY`, or 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with its size, numbers only.
unsafe impl Sized_ for spanwire_context {}

impl spanwire_context {
    pub(super) fn of(context: &Context) -> spanwire_context {
        let (priority, mechanism) = (context.decision.priority(), context.decision.mechanism());
        spanwire_context {
            size: std::mem::size_of::<spanwire_context>(),
            trace_id_high: context.trace_id_high,
            trace_id_low: context.trace_id_low,
            span_id: context.span_id,
            sampling_priority: priority.unwrap_or(0),
            decision_maker: mechanism.map_or(0, Mechanism::number),
            flags: if priority.is_some() { SPANWIRE_CONTEXT_HAS_PRIORITY } else { 0 },
            reserved: 0,
        }
    }

    pub(super) fn checked(&self) -> Result<Context, Error> {
        if self.trace_id_low == 0 || self.span_id == 0 {
            return Err(Error::Argument);
        }
        let given = Decision::new(self.sampling_priority.clamp(-1, 2), Mechanism::of(self.decision_maker));
        let decided = self.flags & SPANWIRE_CONTEXT_HAS_PRIORITY != 0;
        Ok(Context {
            trace_id_high: self.trace_id_high,
            trace_id_low: self.trace_id_low,
            span_id: self.span_id,
            decision: if decided { given } else { Decision::NONE },
        })
    }
}
