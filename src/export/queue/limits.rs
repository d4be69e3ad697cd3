//! The bounds of one lane of the queue.

/// What a tracer allows its lane of the queue.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes that may wait, by capacity.
    pub bytes: usize,
    /// The most chunks that may wait.
    pub chunks: usize,
    /// Waiting bytes at which the worker is woken before its interval is over.
    pub flush_bytes: usize,
}
