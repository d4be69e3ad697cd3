//! What v0.5 and v1.0 have in common: they add spans one by one, and their requests to an Agent are those of v0.4 with another path.

use super::chunks::{self, Chunks};
use super::encoder::{Fit, PayloadFormat, Sender, Spans};
use super::v04;
use crate::export::metadata::Metadata;
use crate::memory::{Buffer, Full};

/// What such a format does for a whole payload.
pub(super) trait Encoding: Chunks + Send {
    /// The path of its requests.
    const PATH: &'static str;

    /// Begins a payload.
    fn begin(&mut self, body: &mut Buffer, metadata: &Metadata) -> Result<(), Full>;

    /// Completes one with so many chunks.
    fn finish(&mut self, body: &mut Buffer, chunks: usize) -> Result<(), Full>;
}

/// See the module.
#[derive(Default)]
pub struct ToAgent<E> {
    encoding: E,
    chunks: usize,
}

impl<E: Encoding> PayloadFormat for ToAgent<E> {
    fn begin(&mut self, body: &mut Buffer, metadata: &Metadata) -> Result<(), Full> {
        self.chunks = 0;
        self.encoding.begin(body, metadata)
    }

    fn add(&mut self, body: &mut Buffer, spans: &Spans<'_>, fit: Fit, limit: usize) -> Result<usize, Full> {
        let added = chunks::add(&mut self.encoding, body, spans, fit, limit)?;
        self.chunks += usize::from(added > 0);
        Ok(added)
    }

    fn finish(&mut self, body: &mut Buffer) -> Result<(), Full> {
        self.encoding.finish(body, self.chunks)
    }

    fn path(&self) -> &'static str {
        E::PATH
    }

    fn content_type(&self) -> &'static str {
        v04::CONTENT_TYPE
    }

    fn headers(&self, sender: &Sender<'_>, add: &mut dyn FnMut(&'static str, &str)) {
        v04::headers(sender, self.chunks, add);
    }
}
