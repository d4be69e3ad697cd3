//! The trait of payload formats, and what its functions take.

use crate::export::metadata::{Identity, Metadata};
use crate::memory::{self, Buffer, Full};
use crate::span::encode;
use crate::trace::Chunk;

/// Encodes payloads, one at a time: [`begin`](Self::begin), any number of [`add`](Self::add),
/// [`finish`](Self::finish). A payload holds spans of one tracer.
///
/// The body grows in the caller's buffer, which is empty at first. An encoder may hold parts of the payload itself until
/// `finish`, and counts them when it compares the payload's size with a limit.
pub trait PayloadFormat: Send {
    /// Begins a payload, and forgets an earlier one that was not finished.
    fn begin(&mut self, body: &mut Buffer, metadata: &Metadata) -> Result<(), Full>;

    /// Adds spans of one chunk, from the first one on, as long as the finished payload has at most `limit` bytes.
    /// Returns how many it has added. If that is 0, or if there is no memory, the payload is unchanged.
    fn add(&mut self, body: &mut Buffer, spans: &Spans<'_>, fit: Fit, limit: usize) -> Result<usize, Full>;

    /// Completes the payload.
    fn finish(&mut self, body: &mut Buffer) -> Result<(), Full>;

    /// The size of the finished payload before it was compressed, given the size of its body. Limits are compared with it.
    fn whole_size(&self, body: usize) -> usize {
        body
    }

    /// The most chunks in one payload.
    fn chunks_max(&self) -> usize {
        usize::MAX
    }

    /// The path of the request, below the agent's URL. Empty where payloads are not sent over HTTP.
    fn path(&self) -> &'static str;

    /// The value of `Content-Type`.
    fn content_type(&self) -> &'static str;

    /// Passes the other headers of the finished payload's request to `add`. Empty values are not sent.
    fn headers(&self, sender: &Sender<'_>, add: &mut dyn FnMut(&'static str, &str));

    /// Further headers that the settings give.
    fn more_headers(&self) -> &[(String, String)] {
        &[]
    }
}

/// Spans of one chunk, in the order in which they are sent.
#[derive(Clone, Copy)]
pub struct Spans<'a> {
    /// The chunk.
    pub chunk: &'a Chunk,
    /// Where their records begin.
    pub offsets: &'a [u32],
    /// The metadata of their tracer.
    pub metadata: &'a Metadata,
}

/// How many of the given spans are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// All or none.
    All,
    /// As many as fit.
    Some,
}

/// The data about the sender in the headers of a request.
pub struct Sender<'a> {
    /// The tracer.
    pub identity: &'a Identity,
    /// The version of the sampling rates that the tracer has: the agent need not repeat them. Empty for none.
    pub rates_version: &'a str,
}

/// Appends bytes to a payload.
#[inline]
pub(super) fn put(out: &mut Buffer, bytes: &[u8]) -> Result<(), Full> {
    out.room_beyond(bytes.len())?.put(bytes);
    Ok(())
}

/// Appends a text.
#[inline(always)]
pub(super) fn put_text(out: &mut Buffer, text: &[u8]) -> Result<(), Full> {
    encode::put(&mut out.room_beyond(text.len() + encode::HEAD_MAX)?, text);
    Ok(())
}

/// Overwrites the head at `at`, once the count is known.
#[inline]
pub(super) fn correct(out: &mut Buffer, at: usize, head: &[u8]) {
    memory::copy(&mut out.bytes_mut()[at..at + head.len()], head);
}
