//! Keys of the tags of a trace that this module gives a meaning.

/// The system that began the trace, on every span.
pub const ORIGIN: &[u8] = b"_dd.origin";
/// The members of `tracestate` of other vendors. No span carries it; contexts hand it on.
pub const TRACESTATE: &[u8] = b"tracestate";
/// The parts of tracestate's member `dd` that this version does not know. No span carries it, either.
pub const TRACESTATE_DD: &[u8] = b"tracestate.dd";
/// The rate by which the trace was sampled, on the first span. Made from the decision; one that came with a context is kept
/// while that context's decision is.
pub const KEPT_RATE: &[u8] = b"_dd.p.ksr";
/// Tags with this prefix travel with the trace.
pub const TRAVELS: &[u8] = b"_dd.p.";
/// What went wrong with the headers of a trace, on the first span.
pub const ERROR: &[u8] = b"_dd.propagation_error";
